//! `project`: a model, a study and price books become a projection.

use nest_data::{Document, Projection, ScalingModel, Study};
use nest_load::code::Registry;
use nest_model::ProjectOptions;

use crate::{
    args::{Format, ProjectArguments, ProjectionArguments},
    book_set::BookSet,
    clock,
    command_error::{CommandError, STALE},
    files::StudyFolder,
    printer::{data, talk},
};

/// Runs the verb.
pub fn run(arguments: &ProjectArguments, registry: &Registry) -> Result<(), CommandError> {
    let (folder, study) = StudyFolder::open(&arguments.study.study, &arguments.study.overrides, registry)?;
    let options = options(&arguments.projection);
    let model = folder.scaling()?;
    let projection = project(&folder, &study, &model, &options)?;
    match arguments.format {
        Format::Human => data(&format!("{}\n", nest_report::verdict(&projection).text())),
        Format::Md => data(&nest_report::markdown(&projection)?),
        Format::Json => data(&projection.to_json()),
        Format::Csv => data(&nest_report::csv(&projection)),
    }
}

/// The options of a projection: for today, unless the arguments name another day.
pub fn options(arguments: &ProjectionArguments) -> ProjectOptions {
    ProjectOptions {
        as_of: arguments.as_of.unwrap_or_else(clock::today),
        beyond: arguments.beyond,
    }
}

/// Projects a study and saves the projection where its reports go.
pub fn project(
    folder: &StudyFolder,
    study: &Study,
    model: &ScalingModel,
    options: &ProjectOptions,
) -> Result<Projection, CommandError> {
    let projection = projection(folder, study, model, options)?;
    let path = folder.write_report("projection.json", projection.to_json().as_bytes())?;
    talk(&format!("projected: {}", path.display()));
    Ok(projection)
}

/// Projects a study without saving anything.
pub fn projection(
    folder: &StudyFolder,
    study: &Study,
    model: &ScalingModel,
    options: &ProjectOptions,
) -> Result<Projection, CommandError> {
    check_measured(folder, study, model)?;
    let books = BookSet::of_configs(folder, study)?;
    let mut projection = nest_model::project(model, study, &books, options)?;
    projection.set = folder.overrides().to_vec();
    Ok(projection)
}

/// Refuses a model of a study that has changed since it was measured.
pub fn check_measured(folder: &StudyFolder, study: &Study, model: &ScalingModel) -> Result<(), CommandError> {
    if study.measured_hash() == model.measured_hash {
        return Ok(());
    }
    let message = "behaviours, probes or stored state of the study have changed since it was measured";
    let [measure, fit] = ["measure", "fit"].map(|verb| folder.command(verb));
    Err(CommandError::new(STALE, message).hint(format!("run `{measure}` and `{fit}`")))
}
