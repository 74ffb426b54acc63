//! `all`: measure, fit, project, report.

use nest_load::code::Registry;

use crate::{
    args::AllArguments,
    commands::{fit, measure, project, report},
    failure::Failure,
    files::StudyFolder,
    interrupts,
    printer::data,
};

/// Runs the verb.
pub fn run(arguments: &AllArguments, registry: &Registry) -> Result<(), Failure> {
    let folder = StudyFolder::new(&arguments.study.study)?.with_code(registry);
    let study = folder.study(&arguments.study.overrides)?;
    let interrupt = interrupts::watch()?;
    let measurements = measure::measure(
        &folder,
        &study,
        measure::Mode::resumed(arguments.resume),
        &interrupt,
        &mut |_| (),
    )?;
    let model = fit::fit(&folder, &measurements)?;
    let projection = project::project(&folder, &study, &model, &arguments.projection)?;
    let page = report::report(&folder, &projection)?;
    data(&format!(
        "{}\n{}\n",
        nest_report::sentence(&projection),
        page.display()
    ))
}
