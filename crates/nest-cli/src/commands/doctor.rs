//! `doctor`: checks that this machine can run load tests.

use nest_load::{
    doctor::{self, DoctorFact, DoctorFinding},
    fleet::{examine, examine_route},
};

use crate::{
    args::DoctorArguments,
    command_error::{CommandError, LOST},
    fleet::{Credentials, access},
    printer::data,
    table::{Cell, Column, OutputTable, Shown, Unit},
};

/// Runs the verb.
pub fn run(arguments: &DoctorArguments) -> Result<(), CommandError> {
    let mut findings = doctor::examine();
    if let Some(url) = &arguments.join {
        let access = access(&arguments.broker, url, Credentials::of(&arguments.broker)?);
        findings.extend(examine(&access)?);
    }
    let mut unreached = None;
    if let Some(url) = &arguments.target {
        let route = examine_route(url, &arguments.allow_host)?;
        // Advice about the machine is only a doubt; without a route, no load can go to the target.
        unreached = route.advice.clone().map(|advice| {
            CommandError::new(LOST, format!("no load can go to {url}: {}", route.found)).hint(advice)
        });
        findings.push(route);
    }
    data(&table(findings).render(arguments.format))?;
    unreached.map_or(Ok(()), Err)
}

/// A row for each finding; programs get one for each fact of it.
fn table(findings: Vec<DoctorFinding>) -> OutputTable {
    let mut table = OutputTable::new(&[
        Column::new("what", &["what"]),
        Column::for_readers("found"),
        Column::for_programs(&["fact", "number", "text"]),
        Column::new("advice", &["advice"]),
    ]);
    for finding in findings {
        table.push(vec![
            Cell::text(finding.what),
            Cell::text(finding.found),
            Cell::Nested(finding.facts.into_iter().map(fact).collect()),
            Cell::or_missing(finding.advice, "fine", Cell::Text),
        ]);
    }
    table
}

/// The name of a fact, and its value as a number or as a text.
fn fact((name, value): (&'static str, DoctorFact)) -> Vec<Cell> {
    let (number, text) = match value {
        DoctorFact::Number(number) => (Cell::Number(number, Unit::One, Shown::Full), Cell::Missing("")),
        DoctorFact::Text(text) => (Cell::Missing(""), Cell::Text(text)),
    };
    vec![Cell::text(name), number, text]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{args::Format, table::tests::assert_documented};

    #[test]
    fn programs_get_a_row_for_each_fact_and_readers_one_for_each_finding() {
        let table = table(vec![
            DoctorFinding {
                what: "stolen time",
                found: "2.5 % over one second".to_owned(),
                facts: vec![("share", DoctorFact::Number(0.025))],
                advice: Some("measure at another hour".to_owned()),
            },
            DoctorFinding {
                what: "control groups",
                found: "version 2, readable".to_owned(),
                facts: vec![
                    ("version", DoctorFact::Number(2.0)),
                    ("counters", DoctorFact::Text("readable".to_owned())),
                ],
                advice: None,
            },
        ]);
        assert_eq!(
            assert_documented(&table, "doctor"),
            [
                ["stolen time", "share", "0.025", "", "measure at another hour"],
                ["control groups", "version", "2", "", ""],
                ["control groups", "counters", "", "readable", ""],
            ]
        );
        assert!(
            table
                .render(Format::Md)
                .ends_with("| control groups | version 2, readable | fine |\n")
        );
    }
}
