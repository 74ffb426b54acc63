//! The command line of locust-nest: arguments, files, messages and exit codes around the stages.
//!
//! - [`run`]: parses the arguments, runs one command, prints an error if there is one, and returns the exit
//!   code
//! - `args`: every verb and option; `commands/`: one file per verb
//! - `fleet`: load from many machines
//! - `files`: the study folder and its runs; `book_set`: the price books
//! - `command_error`: why a command failed, with its exit code; `printer`: prints errors, data and messages
//! - `table`: tables in the forms of `--format`
//! - [`readers`]: what commands make of files, from bytes, for checks from outside

mod args;
mod book_set;
mod clock;
mod command_error;
mod commands;
mod csv_number;
mod csv_table;
mod diagnostics;
mod files;
mod fleet;
mod interrupts;
mod printer;
mod progress;
mod table;

use std::process::ExitCode;

use clap::Parser;

pub use commands::readers;
pub use nest_load::code::{Behaviour, ExecutionContext, Failure, HttpResponse, Registry, TargetAddress};

/// Runs the command line of this process and returns its exit code; docs/exit-codes.md lists them.
///
/// Call this from a crate of your own, with your behaviours. Your program then has every verb:
///
/// ```no_run
/// use locust_nest::{Behaviour, ExecutionContext, Failure, Registry};
///
/// struct Ping;
///
/// impl Behaviour for Ping {
///     type State = ();
///     async fn begin(&self, _: &mut ExecutionContext<'_>) -> Result<(), Failure> {
///         Ok(())
///     }
///     async fn execute(&self, _: &mut (), context: &mut ExecutionContext<'_>) -> Result<(), Failure> {
///         context.send("ping", "GET", "/ping", &[], b"").await.map(drop)
///     }
/// }
///
/// fn main() -> std::process::ExitCode {
///     locust_nest::run(Registry::new().with("ping", Ping))
/// }
/// ```
#[must_use]
pub fn run(registry: Registry) -> ExitCode {
    let arguments = args::Arguments::parse();
    match commands::run(arguments.command, &registry) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            printer::error(&error);
            ExitCode::from(error.code)
        }
    }
}
