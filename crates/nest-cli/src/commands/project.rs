//! `project`: a model, the study and price books become a projection.

use jiff::Zoned;
use nest_data::{Document, PriceBook, Projection, ScalingModel, Study};
use nest_load::code::Registry;
use nest_model::ProjectOptions;

use crate::{
    args::{Format, ProjectArguments, ProjectionArguments},
    books,
    failure::{Failure, STALE},
    files::StudyFolder,
    printer::{data, talk},
};

/// Runs the verb.
pub fn run(arguments: &ProjectArguments, registry: &Registry) -> Result<(), Failure> {
    let folder = StudyFolder::new(&arguments.study.study)?.with_code(registry);
    let study = folder.study(&arguments.study.overrides)?;
    let model = folder.scaling()?;
    let projection = project(&folder, &study, &model, &arguments.projection)?;
    match arguments.format {
        Format::Human | Format::Md => data(&nest_report::markdown(&projection)?),
        Format::Json => data(&projection.to_json()),
        Format::Csv => data(&nest_report::csv(&projection)),
    }
}

/// Projects a study and keeps the projection where its reports go.
pub fn project(
    folder: &StudyFolder,
    study: &Study,
    model: &ScalingModel,
    arguments: &ProjectionArguments,
) -> Result<Projection, Failure> {
    let projection = projection(folder, study, model, arguments)?;
    let path = folder.write_report("projection.json", projection.to_json().as_bytes())?;
    talk(&format!("projected: {}", path.display()));
    Ok(projection)
}

/// Projects a study and keeps nothing.
pub fn projection(
    folder: &StudyFolder,
    study: &Study,
    model: &ScalingModel,
    arguments: &ProjectionArguments,
) -> Result<Projection, Failure> {
    let (books, options) = inputs(folder, study, model, arguments)?;
    Ok(nest_model::project(model, study, &books, &options)?)
}

/// What a projection reads beside model and study.
pub fn inputs(
    folder: &StudyFolder,
    study: &Study,
    model: &ScalingModel,
    arguments: &ProjectionArguments,
) -> Result<(Vec<PriceBook>, ProjectOptions), Failure> {
    if study.measured_hash() != model.measured_hash {
        let message = "behaviours, probes or stored state of the study have changed since it was measured";
        return Err(Failure::new(STALE, message).hint("run `locust-nest measure` and `locust-nest fit`"));
    }
    let as_of = arguments.as_of.unwrap_or_else(|| Zoned::now().date());
    Ok((
        books::for_study(folder, study)?,
        ProjectOptions {
            as_of,
            beyond: arguments.beyond,
        },
    ))
}
