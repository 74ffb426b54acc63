//! One file per verb: read, compute, write.

mod all;
mod check;
mod compare;
mod completions;
mod curve;
mod demand;
mod demo;
mod doctor;
mod explain;
mod fit;
mod growth;
mod init;
mod load;
mod measure;
mod pricing;
mod project;
pub mod readers;
mod report;
mod runs;
mod schema;
mod shop;
mod worker;

use nest_load::code::Registry;

use crate::{args::Command, command_error::CommandError};

/// Runs one command; `registry` holds the behaviours in code of this program.
pub fn run(command: Command, registry: &Registry) -> Result<(), CommandError> {
    match command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Measure(arguments) => measure::run(&arguments, registry),
        Command::Worker(arguments) => worker::run(&arguments, registry),
        Command::Load(arguments) => load::run(&arguments, registry),
        Command::Fit(arguments) => fit::run(&arguments),
        Command::Project(arguments) => project::run(&arguments, registry),
        Command::Check(arguments) => check::run(&arguments, registry),
        Command::Compare(arguments) => compare::run(&arguments, registry),
        Command::Explain(arguments) => explain::run(&arguments, registry),
        Command::Report(arguments) => report::run(&arguments),
        Command::All(arguments) => all::run(&arguments, registry),
        Command::Growth(arguments) => growth::run(&arguments),
        Command::Curve(arguments) => curve::run(&arguments),
        Command::Demand(arguments) => demand::run(&arguments),
        Command::Pricing(arguments) => pricing::run(&arguments),
        Command::Runs(arguments) => runs::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Guard(arguments) => nest_load::guard(&arguments.command).map_err(CommandError::from),
        Command::Shop(arguments) => shop::run(&arguments),
        Command::ShopTier(arguments) => shop::run_tier(&arguments),
    }
}
