//! The command line of locust-nest: arguments, files, messages and exit codes around the stages.
//!
//! - [`run`]: parses the arguments, runs one command, prints what went wrong and gives the exit code
//! - `args`: every verb and option; `commands/`: one file per verb
//! - `files`: the study folder and what is kept in it; `books`: where price books are looked up
//! - `diagnostics` and `failure`: the one printer of errors; `progress`: talk while measuring

mod args;
mod books;
mod commands;
mod diagnostics;
mod failure;
mod files;
mod interrupts;
mod printer;
mod progress;

use std::process::ExitCode;

use clap::Parser;

/// Runs the command line of this process and returns its exit code: see DESIGN section 5.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = args::Arguments::parse();
    match commands::run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.code)
        }
    }
}
