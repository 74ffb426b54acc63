//! The command line of locust-nest: arguments, files, messages and exit codes around the stages.
//!
//! - [`run`]: parses the arguments, runs one command, prints what went wrong and gives the exit code
//! - `args`: every verb and option; `commands/`: one file per verb
//! - `files`: the study folder and what is kept in it; `books`: where price books are looked up
//! - `diagnostics` and `failure`: the one printer of errors; `progress`: talk while measuring

mod args;
mod books;
mod commands;
mod csv_table;
mod diagnostics;
mod failure;
mod files;
mod interrupts;
mod printer;
mod progress;

use std::process::ExitCode;

use clap::Parser;

pub use nest_load::code::{Behaviour, ExecutionContext, Failure, HttpResponse, Registry, TargetAddress};

/// Runs the command line of this process and returns its exit code: see DESIGN section 5.
///
/// A crate of your own calls this with its behaviours, and its binary has every verb:
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
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.code)
        }
    }
}
