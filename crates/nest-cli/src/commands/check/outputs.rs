//! The outputs of a check: on stdout, and in the files that the arguments name.

use std::io::Write;

use nest_data::{
    Document, GateReport,
    gate_report::{ComparedDemand, DemandComparison, GateVerdict},
};

use crate::{
    args::{CheckArguments, Format},
    command_error::{CommandError, INTERNAL},
    files,
    printer::{data, talk},
    table::{Cell, Column, OutputTable, Shown, Unit},
};

/// Variable of GitHub Actions that names the file of the job's summary.
const SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Writes all outputs.
pub fn write(arguments: &CheckArguments, report: &GateReport) -> Result<(), CommandError> {
    let markdown = nest_report::check::markdown(report);
    match arguments.format {
        Format::Human | Format::Md => data(&markdown)?,
        Format::Json => data(&report.to_json())?,
        Format::Csv => data(&table(report).render(Format::Csv))?,
    }
    if let Some(path) = &arguments.md {
        let path = files::write(path, markdown.as_bytes())?;
        talk(&format!("summary: {}", path.display()));
    }
    if let Some(path) = &arguments.junit {
        let path = files::write(path, nest_report::check::junit(report)?.as_bytes())?;
        talk(&format!("JUnit: {}", path.display()));
    }
    if arguments.github {
        data(&nest_report::check::annotations(report))?;
        append_summary(&markdown)?;
    }
    Ok(())
}

fn append_summary(markdown: &str) -> Result<(), CommandError> {
    let Some(path) = std::env::var_os(SUMMARY) else {
        talk("note: $GITHUB_STEP_SUMMARY is not set, so no summary was appended");
        return Ok(());
    };
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(&path);
    opened
        .and_then(|mut file| file.write_all(markdown.as_bytes()))
        .map_err(|error| CommandError::new(INTERNAL, format!("cannot append to ${SUMMARY}: {error}")))
}

/// Columns of the comparisons, for programs.
const COLUMNS: [Column; 13] = [
    Column::for_programs(&["behaviour"]),
    Column::for_programs(&["resource"]),
    Column::for_programs(&["kind"]),
    Column::for_programs(&["base"]),
    Column::for_programs(&["head"]),
    Column::for_programs(&["unit"]),
    Column::for_programs(&["change_share"]),
    Column::for_programs(&["low_share"]),
    Column::for_programs(&["high_share"]),
    Column::for_programs(&["limit_share"]),
    Column::for_programs(&["resource_share"]),
    Column::for_programs(&["verdict"]),
    Column::for_programs(&["blocks_needed"]),
];

/// The comparisons as a table.
fn table(report: &GateReport) -> OutputTable {
    let mut table = OutputTable::new(&COLUMNS);
    report.comparisons.iter().for_each(|one| table.push(row(one)));
    table
}

fn row(one: &DemandComparison) -> Vec<Cell> {
    let share = |value| Cell::Number(value, Unit::Share, Shown::Full);
    let amount = |value| Cell::Number(value, Unit::One, Shown::Full);
    let verdict = match one.verdict {
        Some(GateVerdict::Fail) => "fail",
        Some(GateVerdict::Pass) => "pass",
        Some(GateVerdict::Unclear) => "unclear",
        Some(GateVerdict::Void) => "void",
        None => "",
    };
    let kind = match one.kind {
        ComparedDemand::Demand => "demand",
        ComparedDemand::Growth => "growth",
    };
    vec![
        Cell::Text(one.behaviour.clone().unwrap_or_default()),
        Cell::Text(one.resource.clone()),
        Cell::Text(kind.to_owned()),
        amount(one.base),
        amount(one.head),
        Cell::Text(one.unit.clone()),
        share(one.change),
        share(one.low),
        share(one.high),
        share(one.limit),
        share(one.share),
        Cell::Text(verdict.to_owned()),
        one.blocks_needed
            .map_or(Cell::Missing(""), |blocks| Cell::Count(blocks as u64)),
    ]
}
