//! `all`: measures, fits, projects and reports.

use nest_load::code::Registry;

use crate::{
    args::AllArguments,
    command_error::CommandError,
    commands::{
        fit,
        measure::{self, RunMode},
        project, report,
    },
    files::StudyFolder,
    printer::data,
};

/// Runs the verb.
pub fn run(arguments: &AllArguments, registry: &Registry) -> Result<(), CommandError> {
    let (folder, study) = StudyFolder::open(&arguments.study.study, &arguments.study.overrides, registry)?;
    let options = project::options(&arguments.projection);
    let mode = if arguments.resume {
        RunMode::Resume
    } else {
        RunMode::Fresh
    };
    let interrupt = measure::allowed(&folder, &study, arguments.consent.yes)?;
    let measurements = measure::measure(&folder, &study, mode, &arguments.fleet, &interrupt, &mut |_| ())?;
    let model = fit::fit(&folder, &measurements)?;
    let projection = project::project(&folder, &study, &model, &options)?;
    let page = report::report(&folder, &projection)?;
    data(&format!(
        "{}\n\n{}\n",
        nest_report::verdict(&projection).text(),
        page.display()
    ))
}
