//! `report`: a projection becomes pages, tables and pictures.

use std::path::PathBuf;

use nest_data::Projection;

use crate::{
    args::ReportArguments,
    failure::{Failure, STALE},
    files::StudyFolder,
    printer::{data, talk},
};

/// Runs the verb.
pub fn run(arguments: &ReportArguments) -> Result<(), Failure> {
    let folder = StudyFolder::new(&arguments.study)?;
    let projection = folder.projection()?;
    let fitted = folder.scaling()?.run;
    if projection.model.run != fitted {
        let message = format!(
            "the projection rests on run {}, the model on run {fitted}",
            projection.model.run
        );
        return Err(Failure::new(STALE, message).hint("run `locust-nest project`"));
    }
    let page = report(&folder, &projection)?;
    data(&format!("{}\n", page.display()))
}

/// Writes every form of the report; returns the path of the page.
pub fn report(folder: &StudyFolder, projection: &Projection) -> Result<PathBuf, Failure> {
    let page = folder.write_report("report.html", nest_report::html(projection)?.as_bytes())?;
    folder.write_report("report.md", nest_report::markdown(projection)?.as_bytes())?;
    folder.write_report("report.csv", nest_report::csv(projection).as_bytes())?;
    for (name, svg) in nest_report::charts(projection)? {
        folder.write_report(&name, svg.as_bytes())?;
    }
    write_table(folder)?;
    talk(&format!("report: {}", page.display()));
    Ok(page)
}

/// The measured steps as Parquet, for notebooks.
#[cfg(feature = "table")]
fn write_table(folder: &StudyFolder) -> Result<(), Failure> {
    let bytes = nest_model::table::to_parquet(&folder.scaling()?)?;
    folder.write_report("measurements.parquet", &bytes).map(drop)
}

#[cfg(not(feature = "table"))]
fn write_table(_: &StudyFolder) -> Result<(), Failure> {
    Ok(())
}
