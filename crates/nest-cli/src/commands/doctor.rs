//! `doctor`: checks that this machine can run load tests.

use nest_load::doctor;

use crate::{
    args::DoctorArguments,
    command_error::CommandError,
    printer::{OutputTable, data},
};

/// Runs the verb.
pub fn run(arguments: &DoctorArguments) -> Result<(), CommandError> {
    let mut table = OutputTable::new(&["what", "found", "advice"]);
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
