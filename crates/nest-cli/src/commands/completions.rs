//! `completions`: prints a completion script for a shell.

use clap::CommandFactory;

use crate::{
    args::{Arguments, CompletionsArguments},
    command_error::CommandError,
    printer::data,
};

/// Runs the verb.
pub fn run(arguments: &CompletionsArguments) -> Result<(), CommandError> {
    let mut text = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        "locust-nest",
        &mut text,
    );
    data(&String::from_utf8_lossy(&text))
}
