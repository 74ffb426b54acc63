//! The verbs and options as they are typed. Each command turns its arguments into one resolved value before
//! it does anything else.

mod check;
mod fleet;
mod load;
mod pricing;
mod shop;
mod study;
mod tables;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;
use nest_data::units::read_date;

pub use check::CheckArguments;
pub use fleet::{BrokerArguments, FleetArguments, LoadFleetArguments, WorkerArguments};
pub use load::LoadArguments;
pub use pricing::{ImportArguments, PricingArguments, PricingVerb};
pub use shop::{ShopArguments, ShopTierArguments};
pub use study::{
    AllArguments, CompareArguments, CompareProjectedArguments, CompareRunsArguments, Compared,
    ExplainArguments, FitArguments, InitArguments, MeasureArguments, ProjectArguments, ProjectionArguments,
    ReportArguments, RunsArguments, RunsVerb,
};
pub use tables::{CurveArguments, CurveAxis, DemandArguments, GrowthArguments};

/// What will N customers cost, where does the system break, when, and what would change that?
#[derive(Debug, Parser)]
#[command(
    name = "locust-nest",
    version,
    about,
    max_term_width = 110,
    arg_required_else_help = true
)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

/// Arguments of `guard`.
#[derive(Debug, Args)]
pub struct GuardArguments {
    /// The command, for `sh`
    pub command: String,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure the built-in demo shop and write its report; takes under two minutes and needs no set-up
    Demo(DemoArguments),
    /// Write a commented example study for a URL
    Init(InitArguments),
    /// Run a load test of the study's target, step by step, and save the measurements
    Measure(MeasureArguments),
    /// Offer part of the load of another process, which runs `measure --workers`
    Worker(WorkerArguments),
    /// Run a load test of one URL or behaviour without a study
    Load(LoadArguments),
    /// Fit service demand, throughput and response time to the measurements
    Fit(FitArguments),
    /// Forecast cost, break points and dates for the study's configurations
    Project(ProjectArguments),
    /// Compare configurations, policies or growth scenarios side by side
    Compare(CompareArguments),
    /// Compare two versions of the target before a change goes in: which behaviour uses more, and what it
    /// costs
    Check(CheckArguments),
    /// Show how a figure was worked out, down to the measurements, assumptions and prices behind it
    Explain(ExplainArguments),
    /// Write the report: a web page, tables and charts
    Report(ReportArguments),
    /// Run measure, fit, project and report in turn
    All(AllArguments),
    /// Forecast the time series in a CSV file
    Growth(GrowthArguments),
    /// Forecast throughput at higher load from the measurements in a CSV file
    Curve(CurveArguments),
    /// Estimate service demand from the measurements in a CSV file
    Demand(DemandArguments),
    /// List, show, check, compare, import or download price books
    Pricing(PricingArguments),
    /// List, show or remove the runs of a study
    Runs(RunsArguments),
    /// Print the JSON Schema of nest.toml, of a behaviour file or of a price book
    Schema(SchemaArguments),
    /// Check that this machine can run load tests
    Doctor(DoctorArguments),
    /// Print a completion script for a shell
    Completions(CompletionsArguments),
    /// Run a command until standard input ends, then end it with all that it started
    #[command(hide = true)]
    Guard(GuardArguments),
    /// Run the demo shop in this process
    #[command(hide = true)]
    Shop(ShopArguments),
    /// Run the demo shop's second tier in this process
    #[command(hide = true)]
    ShopTier(ShopTierArguments),
}

/// How data is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    // Plain comments, because doc comments would fill the help of every verb.
    // Columns that line up in a terminal.
    #[default]
    Human,
    // Everything that is known.
    Json,
    // With a header line.
    Csv,
    // Markdown.
    Md,
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Measure nothing: print verdict and next steps from the measurement that comes with the program; they
    /// have one form, so --format does not go with it
    #[arg(long, conflicts_with = "format")]
    pub sample: bool,
    /// How to print the table of processor time per execution; not with --sample
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Options of `schema`.
#[derive(Debug, Args)]
pub struct SchemaArguments {
    /// Kind of file to describe
    #[arg(value_name = "KIND", value_enum, default_value_t)]
    pub of: SchemaOf,
}

/// Files that have a schema.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// nest.toml
    #[default]
    Study,
    /// behaviours/NAME.toml
    Behaviour,
    /// pricing/PROVIDER/REGION.toml
    PriceBook,
}

/// Options of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Check the way to this NATS server, too, as a worker would use it
    #[arg(long, value_name = "URL")]
    pub join: Option<String>,
    /// Check the way from this machine to a URL that is to be tested, too; exit code 6 if none leads there
    #[arg(long, value_name = "URL")]
    pub target: Option<String>,
    /// Host other than this machine that may be tried as the target; may be repeated
    #[arg(long, value_name = "HOST", requires = "target")]
    pub allow_host: Vec<String>,
    #[command(flatten)]
    pub broker: BrokerArguments,
    /// How to print the findings
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Options of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell to complete commands in
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// A day as an option gives it.
fn date(text: &str) -> Result<Date, String> {
    read_date(text)
        .map_err(|_| "write a date as YEAR-MONTH-DAY, such as 2026-11-01, from 1900 to 2999".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::table::tests::documented::section;

    /// The verbs below a command that take `--format`.
    fn with_format(command: &clap::Command, above: &str) -> Vec<String> {
        let mut found = Vec::new();
        for verb in command.get_subcommands() {
            let name = format!("{above}{}", verb.get_name());
            found.extend(with_format(verb, &format!("{name} ")));
            if verb.get_arguments().any(|argument| argument.get_id() == "format") {
                found.push(name);
            }
        }
        found
    }

    #[test]
    fn the_columns_of_every_verb_with_a_format_are_documented() {
        let verbs = with_format(&Arguments::command(), "");
        assert!(verbs.len() > 15, "{verbs:?}");
        for verb in verbs {
            assert!(section(&verb).is_some(), "docs/output.md has no section `{verb}`");
        }
    }
}
