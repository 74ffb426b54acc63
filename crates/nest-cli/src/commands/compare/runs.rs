//! `compare runs`: two runs of a study, by what each behaviour uses, what that costs and where it breaks.

use std::path::{Path, PathBuf};

use nest_data::{Document, Measurements, RunsReport, runs_report::RunDemand};
use nest_load::code::Registry;
use nest_model::comparison::compare_runs;

use crate::{
    args::{CompareRunsArguments, Format},
    book_set::BookSet,
    command_error::{CommandError, INVALID},
    commands::{check::noise_of_runs, project::options},
    files::{self, StudyFolder},
    printer::{data, talk},
    table::{Cell, Column, OutputTable, Shown, Unit},
};

/// Runs the verb.
pub fn run(arguments: &CompareRunsArguments, registry: &Registry) -> Result<(), CommandError> {
    let folder = StudyFolder::with_code(&study_of(arguments)?, registry)?;
    let before = measured(&folder, &arguments.before)?;
    let after = measured(&folder, &arguments.after)?;
    let books = BookSet::of_configs(&folder, &after.study)?;
    let prior = noise_of_runs(&folder, [&before.machine, &after.machine])?;
    let report = compare_runs(&before, &after, &books, &options(&arguments.projection), prior)?;
    match arguments.format {
        Format::Human | Format::Md => data(&nest_report::runs::markdown(&report))?,
        Format::Json => data(&report.to_json())?,
        Format::Csv => data(&table(&report).render(Format::Csv))?,
    }
    if let Some(path) = &arguments.html {
        let path = files::write(path, nest_report::runs::html(&report)?.as_bytes())?;
        talk(&format!("page: {}", path.display()));
    }
    Ok(())
}

/// The study whose runs, plans and prices are used: STUDY, the current folder or AFTER, in this order.
fn study_of(arguments: &CompareRunsArguments) -> Result<PathBuf, CommandError> {
    let here = Path::new(".");
    match &arguments.study {
        Some(study) => Ok(study.clone()),
        None if is_study(here) => Ok(here.to_owned()),
        None if is_study(Path::new(&arguments.after)) => Ok(PathBuf::from(&arguments.after)),
        None => {
            let message = "STUDY, whose runs, plans and prices are used, is `.`, which has no nest.toml";
            Err(CommandError::new(INVALID, message)
                .hint("give the folder of the study as third argument: `compare runs BEFORE AFTER STUDY`"))
        }
    }
}

fn is_study(path: &Path) -> bool {
    path.join("nest.toml").is_file()
}

/// A run of the study, by its name; or what lies in the folder of another study.
fn measured(folder: &StudyFolder, run: &str) -> Result<Measurements, CommandError> {
    let path = Path::new(run);
    if is_study(path) {
        return StudyFolder::new(path)?.measurements();
    }
    folder.run(run)?.measurements()
}

/// The demands as a table for programs.
fn table(report: &RunsReport) -> OutputTable {
    let mut table = OutputTable::new(&[
        Column::for_programs(&["behaviour"]),
        Column::for_programs(&["resource"]),
        Column::for_programs(&["before"]),
        Column::for_programs(&["before_low"]),
        Column::for_programs(&["before_high"]),
        Column::for_programs(&["after"]),
        Column::for_programs(&["after_low"]),
        Column::for_programs(&["after_high"]),
        Column::for_programs(&["unit"]),
        Column::for_programs(&["change_share"]),
        Column::for_programs(&["low_share"]),
        Column::for_programs(&["high_share"]),
        Column::for_programs(&["verdict"]),
    ]);
    report.demands.iter().for_each(|one| table.push(row(one)));
    table
}

fn row(one: &RunDemand) -> Vec<Cell> {
    let amount = |value| Cell::Number(value, Unit::One, Shown::Full);
    let share = |value| Cell::Number(value, Unit::Share, Shown::Full);
    let verdict = match (one.is_clear, one.change.value > 0.0) {
        (true, true) => "more",
        (true, false) => "less",
        (false, _) => "not_told_apart",
    };
    vec![
        Cell::text(&one.behaviour),
        Cell::text(&one.resource),
        amount(one.before.value),
        amount(one.before.low),
        amount(one.before.high),
        amount(one.after.value),
        amount(one.after.low),
        amount(one.after.high),
        Cell::text(&one.unit),
        share(one.change.value),
        share(one.change.low),
        share(one.change.high),
        Cell::text(verdict),
    ]
}
