//! `doctor`: is this machine fit to measure?

use nest_load::doctor;

use crate::{
    args::DoctorArguments,
    failure::Failure,
    printer::{Table, data},
};

/// Runs the verb.
pub fn run(arguments: &DoctorArguments) -> Result<(), Failure> {
    let mut table = Table::new(&["what", "found", "advice"]);
    table.rows = doctor::examine()
        .into_iter()
        .map(|finding| {
            vec![
                finding.what.to_owned(),
                finding.found,
                finding.advice.unwrap_or_else(|| "fine".to_owned()),
            ]
        })
        .collect();
    data(&table.render(arguments.format))
}
