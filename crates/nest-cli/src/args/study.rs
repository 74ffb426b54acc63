//! Options of the verbs that work on a study.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use nest_data::study::growth::MOST_CUSTOMERS;

use super::{FleetArguments, Format};

/// A study, and values that replace some of its own.
#[derive(Debug, Clone, Args)]
pub struct StudyArguments {
    /// Folder of the study
    #[arg(default_value = ".")]
    pub study: PathBuf,
    /// Replace a value of nest.toml, for example --set customers.burst=2 or, of the first item of a list,
    /// --set configs.a.place.0.reserve=0.2; a name with a dot stands in quotes:
    /// --set 'configs.a.commitments."m7i.large-1y-none"=3'; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = override_pair)]
    pub overrides: Vec<(String, String)>,
}

/// The answer to what a study that is new to this user would do.
#[derive(Debug, Clone, Args)]
pub struct ConsentArguments {
    /// Do not ask whether the study's commands may run, its hosts be put under load and variables be sent;
    /// counts for this call only
    #[arg(long, short)]
    pub yes: bool,
}

/// Options of `init`.
#[derive(Debug, Args)]
pub struct InitArguments {
    /// Folder to write the study into
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// URL of the system to measure [default: http://127.0.0.1:8080/, or the host of the locustfile]
    #[arg(long)]
    pub url: Option<String>,
    /// Name of the study [default: the name of its folder]
    #[arg(long)]
    pub name: Option<String>,
    /// Locustfile, or folder of models, whose tasks are the behaviours; it is loaded to list them
    #[arg(long, value_name = "FILE")]
    pub locust: Option<PathBuf>,
    /// Python that has Locust, for --locust [default: .venv/bin/python beside the locustfile, or python3]
    #[arg(long, requires = "locust", value_name = "PYTHON")]
    pub python: Option<PathBuf>,
    /// Tasks that one customer does a day, for --locust
    #[arg(long, requires = "locust", default_value_t = 20.0, value_name = "TASKS")]
    pub per_day: f64,
}

/// Options of `measure`.
#[derive(Debug, Args)]
pub struct MeasureArguments {
    #[command(flatten)]
    pub study: StudyArguments,
    /// Run only the pilot, print the planned steps, and stop
    #[arg(long, conflicts_with = "resume")]
    pub plan: bool,
    /// Like --plan, but run and send nothing: plan from the pilot of the newest run
    #[arg(long, conflicts_with_all = ["resume", "search"])]
    pub dry: bool,
    /// Continue the newest interrupted run
    #[arg(long)]
    pub resume: bool,
    /// Instead of the ramp, search for the largest number of customers that meets every objective in [slo]
    #[arg(long, conflicts_with_all = ["resume", "plan"])]
    pub search: bool,
    #[command(flatten)]
    pub fleet: FleetArguments,
    #[command(flatten)]
    pub consent: ConsentArguments,
    /// How to print the steps
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Options of `fit`.
#[derive(Debug, Args)]
pub struct FitArguments {
    /// Folder of the study
    #[arg(default_value = ".")]
    pub study: PathBuf,
    /// The run to fit, by its name in `runs list` [default: the run in measurements.json]
    #[arg(long)]
    pub run: Option<String>,
    /// How to print the fitted model
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// For which day, and how far, a projection is made.
#[derive(Debug, Clone, Args)]
pub struct ProjectionArguments {
    /// Day from which to forecast [default: today]
    #[arg(long, value_name = "DATE", value_parser = super::date)]
    pub as_of: Option<Date>,
    /// Search for break points beyond four times the number of customers that was tested; matters only
    /// without growth: with growth the search goes to its end
    #[arg(long)]
    pub beyond: bool,
}

/// Options of `project`.
#[derive(Debug, Args)]
pub struct ProjectArguments {
    #[command(flatten)]
    pub study: StudyArguments,
    #[command(flatten)]
    pub projection: ProjectionArguments,
    /// How to print the forecast
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Options of `compare`.
#[derive(Debug, Args)]
pub struct CompareArguments {
    #[command(subcommand)]
    pub what: Compared,
}

/// What is compared.
#[derive(Debug, Clone, Subcommand)]
pub enum Compared {
    /// Server configurations: total cost, crossover points, payback, regret
    Configs(CompareProjectedArguments),
    /// Policies, each against the study without it
    Policies(CompareProjectedArguments),
    /// Growth scenarios, on the configuration in the report's headline
    Growth(CompareProjectedArguments),
    /// Two runs: what each behaviour uses, what that costs, where the system breaks
    Runs(CompareRunsArguments),
}

/// Options of `compare` for what a projection compares.
#[derive(Debug, Clone, Args)]
pub struct CompareProjectedArguments {
    #[command(flatten)]
    pub study: StudyArguments,
    #[command(flatten)]
    pub projection: ProjectionArguments,
    /// How to print the comparison
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Options of `compare runs`.
#[derive(Debug, Clone, Args)]
pub struct CompareRunsArguments {
    /// Older run, by its name in `runs list`; or the folder of a study, for the run in its measurements.json
    pub before: String,
    /// Newer run, in the same way
    pub after: String,
    /// Folder of the study that has the runs, and whose plans and prices are used [default: this folder;
    /// where that is no study, AFTER if it is the folder of one]
    pub study: Option<PathBuf>,
    #[command(flatten)]
    pub projection: ProjectionArguments,
    /// Write the comparison to this file as a web page, too
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// How to print the comparison
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// Figure to explain: per-1000, cost, fees, break-point, instances, demand.RESOURCE.BEHAVIOUR (such as
    /// demand.app/cpu.pay) or rate.BEHAVIOUR (such as rate.pay)
    #[arg(value_name = "FIGURE")]
    pub number: String,
    #[command(flatten)]
    pub study: StudyArguments,
    #[command(flatten)]
    pub projection: ProjectionArguments,
    /// Configuration to explain [default: the one in the report's headline]
    #[arg(long)]
    pub config: Option<String>,
    /// Number of customers to explain, 1 to 1e11 [default: the number in the report's headline]
    #[arg(long, value_parser = customers)]
    pub customers: Option<f64>,
    /// Show the whole tree, down to measurements, assumptions and prices, instead of the five largest parts
    #[arg(long)]
    pub full: bool,
    /// How to print the explanation
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Options of `report`.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// Folder of the study
    #[arg(default_value = ".")]
    pub study: PathBuf,
}

/// Options of `all`.
#[derive(Debug, Args)]
pub struct AllArguments {
    #[command(flatten)]
    pub study: StudyArguments,
    #[command(flatten)]
    pub projection: ProjectionArguments,
    /// Continue the newest interrupted run
    #[arg(long)]
    pub resume: bool,
    #[command(flatten)]
    pub fleet: FleetArguments,
    #[command(flatten)]
    pub consent: ConsentArguments,
}

/// Options of `runs`.
#[derive(Debug, Args)]
pub struct RunsArguments {
    #[command(subcommand)]
    pub verb: RunsVerb,
}

/// The verbs of `runs`.
#[derive(Debug, Subcommand)]
pub enum RunsVerb {
    /// List the runs of a study, newest first
    List {
        /// Folder of the study
        #[arg(default_value = ".")]
        study: PathBuf,
        /// How to print the runs
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show the steps of a run
    Show {
        /// The run, by its name in `runs list`
        run: String,
        /// Folder of the study
        #[arg(default_value = ".")]
        study: PathBuf,
        /// How to print the steps
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Remove a run
    Rm {
        /// The run, by its name in `runs list`
        run: String,
        /// Folder of the study
        #[arg(default_value = ".")]
        study: PathBuf,
    },
}

fn customers(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(customers) if (1.0..=MOST_CUSTOMERS).contains(&customers) => Ok(customers),
        _ => Err("write a number of customers from 1 to 100000000000".to_owned()),
    }
}

fn override_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.trim().is_empty() => {
            Ok((path.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("write PATH=VALUE, for example customers.burst=2".to_owned()),
    }
}
