//! The outputs of a check: on stdout, and in the files that the arguments name.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use nest_data::{
    Document, GateReport,
    gate_report::{ComparedDemand, DemandComparison, GateVerdict},
};

use crate::{
    args::{CheckArguments, Format},
    command_error::{CommandError, INTERNAL},
    files::{self, known_folder},
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
    write_files(arguments, report)
}

/// Writes the outputs that the arguments ask for besides the one of `--format`.
pub fn write_files(arguments: &CheckArguments, report: &GateReport) -> Result<(), CommandError> {
    let markdown = nest_report::check::markdown(report);
    if let Some(path) = &arguments.md {
        let path = files::write(path, markdown.as_bytes())?;
        talk(&format!("summary: {}", path.display()));
    }
    if let Some(path) = &arguments.junit {
        let path = files::write(path, nest_report::check::junit(report)?.as_bytes())?;
        talk(&format!("JUnit: {}", path.display()));
    }
    if arguments.github {
        let files = StudyFiles::of(&arguments.study.study);
        let annotations = nest_report::check::annotations(report, &|behaviour| files.of_behaviour(behaviour));
        match arguments.format {
            Format::Human | Format::Md => data(&annotations)?,
            // A program reads stdout; GitHub reads both.
            Format::Json | Format::Csv => annotations.lines().for_each(talk),
        }
        append_summary(&markdown)?;
    }
    Ok(())
}

/// Files of a study by their paths in the repository: those are what GitHub finds.
struct StudyFiles {
    /// The study's folder.
    folder: PathBuf,
    /// The same folder, below the top of its repository.
    place: PathBuf,
}

impl StudyFiles {
    fn of(study: &Path) -> Self {
        let folder = if study.is_file() {
            study.parent().unwrap_or(study)
        } else {
            study
        };
        let known = known_folder(folder);
        let top = known.ancestors().find(|folder| folder.join(".git").exists());
        let place = top.and_then(|top| known.strip_prefix(top).ok());
        Self {
            folder: folder.to_owned(),
            place: place.unwrap_or(folder).to_owned(),
        }
    }

    /// The file of a behaviour; `nest.toml` for one that is code, and for the whole mix.
    fn of_behaviour(&self, behaviour: Option<&str>) -> String {
        let own = behaviour.map(|name| format!("behaviours/{name}.toml"));
        let own = own.filter(|file| self.folder.join(file).is_file());
        let file = own.as_deref().unwrap_or("nest.toml");
        self.place.join(file).to_string_lossy().into_owned()
    }
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
