//! `report`: writes a projection as a web page, tables and charts.

use std::path::PathBuf;

use nest_data::Projection;

use crate::{
    args::ReportArguments,
    command_error::{CommandError, STALE},
    files::StudyFolder,
    printer::{data, talk},
};

/// Runs the verb.
pub fn run(arguments: &ReportArguments) -> Result<(), CommandError> {
    let folder = StudyFolder::new(&arguments.study)?;
    let projection = folder.projection()?;
    let fitted = folder.scaling()?.run;
    if projection.model.run != fitted {
        let message = format!(
            "the projection was made from run {}, but the model is now fitted to run {fitted}",
            projection.model.run
        );
        return Err(CommandError::new(STALE, message).hint(format!("run `{}`", folder.command("project"))));
    }
    let page = report(&folder, &projection)?;
    data(&format!(
        "{}\n\n{}\n",
        nest_report::verdict(&projection).text(),
        page.display()
    ))
}

/// Writes every form of the report and returns the path of the page.
pub fn report(folder: &StudyFolder, projection: &Projection) -> Result<PathBuf, CommandError> {
    let page = folder.write_report("report.html", nest_report::html(projection)?.as_bytes())?;
    folder.write_report("report.md", nest_report::markdown(projection)?.as_bytes())?;
    folder.write_report("report.csv", nest_report::csv(projection).as_bytes())?;
    for (name, svg) in nest_report::charts(projection)? {
        folder.write_report(&name, svg.as_bytes())?;
    }
    write_pictures(folder, projection)?;
    write_table(folder)?;
    talk(&format!("report: {}", page.display()));
    Ok(page)
}

/// Each chart as PNG, for slides and chats.
#[cfg(feature = "pictures")]
fn write_pictures(folder: &StudyFolder, projection: &Projection) -> Result<(), CommandError> {
    for (name, png) in nest_report::pictures(projection)? {
        folder.write_report(&name, &png)?;
    }
    Ok(())
}

#[cfg(not(feature = "pictures"))]
fn write_pictures(_: &StudyFolder, _: &Projection) -> Result<(), CommandError> {
    Ok(())
}

/// The measured steps as Parquet, for notebooks.
#[cfg(feature = "table")]
fn write_table(folder: &StudyFolder) -> Result<(), CommandError> {
    let bytes = nest_model::table::to_parquet(&folder.scaling()?)?;
    folder.write_report("measurements.parquet", &bytes).map(drop)
}

#[cfg(not(feature = "table"))]
fn write_table(_: &StudyFolder) -> Result<(), CommandError> {
    Ok(())
}
