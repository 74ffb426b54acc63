//! Every verb and option.

mod pricing;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;
use nest_data::units::Seconds;

pub use pricing::{BooksArguments, PricingArguments, PricingVerb, WantedArguments};

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

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure the built-in demo shop and write its report: under two minutes, nothing to set up
    Demo(DemoArguments),
    /// Write a commented study that runs against a URL
    Init(InitArguments),
    /// Put the study's target under load, step by step, and keep what was measured
    Measure(MeasureArguments),
    /// Put one URL under load, without a study, for a quick look
    Load(LoadArguments),
    /// Fit service demand, throughput and response time to what was measured
    Fit(FitArguments),
    /// Project cost, break points and dates on the study's configurations
    Project(ProjectArguments),
    /// Put configurations, policies or growth scenarios side by side
    Compare(CompareArguments),
    /// Open a number down to what it rests on: measured, fitted, assumed or priced
    Explain(ExplainArguments),
    /// Write the projection as pages, tables and pictures
    Report(ReportArguments),
    /// Measure, fit, project and report
    All(AllArguments),
    /// Forecast from histories: a CSV file with the columns series,period,value
    Growth(GrowthArguments),
    /// Forecast throughput curves of a CSV file, without a load test
    Curve(CurveArguments),
    /// Find service demand in windows that you measured yourself
    Demand(DemandArguments),
    /// List, show, check, compare, import or fetch price books
    Pricing(PricingArguments),
    /// List, show or remove runs of a study
    Runs(RunsArguments),
    /// Print the JSON Schema of nest.toml, of a behaviour or of a price book
    Schema(SchemaArguments),
    /// Look whether this machine is fit to measure
    Doctor(DoctorArguments),
    /// Print completions for a shell
    Completions(CompletionsArguments),
    /// The demo shop, as its own process
    #[command(hide = true)]
    Shop(ShopArguments),
    /// The demo shop's second tier, as its own process
    #[command(hide = true)]
    ShopTier(ShopTierArguments),
}

/// A study and overrides of its values.
#[derive(Debug, Clone, Args)]
pub struct StudyArguments {
    /// Folder of the study
    #[arg(default_value = ".")]
    pub study: PathBuf,
    /// Override one value of nest.toml, for example --set customers.burst=2
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = override_pair)]
    pub overrides: Vec<(String, String)>,
}

/// How data is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables for the terminal
    #[default]
    Human,
    /// The document
    Json,
    /// A table with a header line
    Csv,
    /// A table for a page
    Md,
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Print the table of demands in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Options of `init`.
#[derive(Debug, Args)]
pub struct InitArguments {
    /// Folder to write into
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// Where the target is reached
    #[arg(long, default_value = "http://127.0.0.1:8080/")]
    pub url: String,
    /// Name of the study; that of the folder where missing
    #[arg(long)]
    pub name: Option<String>,
}

/// Options of `measure`.
#[derive(Debug, Args)]
pub struct MeasureArguments {
    #[command(flatten)]
    pub study: StudyArguments,
    /// Run only the pilot, print the steps, and stop
    #[arg(long, conflicts_with = "resume")]
    pub plan: bool,
    /// Go on with the newest interrupted run
    #[arg(long)]
    pub resume: bool,
    /// Instead of the ramp, find the largest number of customers that meets the objectives ([slo]), and confirm it
    #[arg(long, conflicts_with_all = ["resume", "plan"])]
    pub search: bool,
    /// Print the steps in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Options of `load`.
#[derive(Debug, Args)]
pub struct LoadArguments {
    /// What is asked for; may hold templates such as {{ int(1, 9) }}
    pub url: String,
    /// Active customers, each with its own connection; with --rate the most connections
    #[arg(long, short, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub customers: u32,
    /// Starts per second on a schedule that does not wait for answers
    #[arg(long, short, value_parser = rate)]
    pub rate: Option<f64>,
    /// With --rate, start at random (a Poisson process) instead of at equal distances
    #[arg(long, requires = "rate")]
    pub poisson: bool,
    /// How long load is counted; 10s where missing, and with --requests at most an hour
    #[arg(long = "for", short = 'd', value_name = "TIME")]
    pub span: Option<Seconds>,
    /// Load before that, which is not counted
    #[arg(long, value_name = "TIME", default_value = "1s")]
    pub warm_up: Seconds,
    /// End after this many executions, without a warm-up
    #[arg(long, short = 'n', value_parser = clap::value_parser!(u64).range(1..))]
    pub requests: Option<u64>,
    /// Pause of a customer after each answer
    #[arg(long, value_name = "TIME", default_value = "0s", conflicts_with = "rate")]
    pub think: Seconds,
    /// A header; may be given several times
    #[arg(long, short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    pub header: Vec<(String, String)>,
    /// The method; POST where there is a body, GET else
    #[arg(long, short, value_parser = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])]
    pub method: Option<String>,
    /// The body, or @FILE to take it from a file
    #[arg(long, short)]
    pub body: Option<String>,
    /// Execute this behaviour instead of one request: a file as in a study's behaviours/, or the name of one in code
    #[arg(long, conflicts_with_all = ["method", "body", "header"])]
    pub behaviour: Option<String>,
    /// Speak HTTP/2
    #[arg(long)]
    pub http2: bool,
    /// Trust any certificate
    #[arg(long, conflicts_with = "ca")]
    pub insecure: bool,
    /// File with certificates (PEM) to trust besides those that the machine trusts
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Longest wait for an answer
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub timeout: Seconds,
    /// Longest body of an answer that is read, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    pub longest_body: u64,
    /// Workers, each with a thread; one per core that this process may use where missing
    #[arg(long, short, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub workers: Option<u32>,
    /// A host besides this machine that you may put under load
    #[arg(long, value_name = "HOST")]
    pub allow_host: Vec<String>,
    /// Seed of random choices
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print the result in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Options of `demand`.
#[derive(Debug, Args)]
pub struct DemandArguments {
    /// Table (CSV) with columns run, duration_s, resource, busy_s, behaviour, count; window and servers where there are several
    pub windows: PathBuf,
    /// Print the demands in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Options of `fit`.
#[derive(Debug, Args)]
pub struct FitArguments {
    /// Folder of the study
    #[arg(default_value = ".")]
    pub study: PathBuf,
    /// Run to fit; what measurements.json holds where missing
    #[arg(long)]
    pub run: Option<String>,
    /// Print the model in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// What a projection is made for.
#[derive(Debug, Clone, Args)]
pub struct ProjectionArguments {
    /// Day the projection is made for; today where missing
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
    /// Look for break points past four times the tested customers
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
    /// Print the projection in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Options of `compare`.
#[derive(Debug, Args)]
pub struct CompareArguments {
    /// What is put side by side
    #[arg(value_enum)]
    pub what: Compared,
    #[command(flatten)]
    pub study: StudyArguments,
    #[command(flatten)]
    pub projection: ProjectionArguments,
    /// Print the comparison in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// What is put side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Compared {
    /// Server configurations: totals, crossovers, paybacks, regret
    Configs,
    /// Policies, each against the study as it is
    Policies,
    /// Growth scenarios on the headline's configuration
    Growth,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// The number: per-1000, cost, fees, break-point, instances, demand.RESOURCE.BEHAVIOUR or rate.BEHAVIOUR
    pub number: String,
    #[command(flatten)]
    pub study: StudyArguments,
    #[command(flatten)]
    pub projection: ProjectionArguments,
    /// Configuration; that of the report's headline where missing
    #[arg(long)]
    pub config: Option<String>,
    /// Customers; those of the report's headline where missing
    #[arg(long)]
    pub customers: Option<f64>,
    /// Print the tree in this form
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
    /// Go on with the newest interrupted run
    #[arg(long)]
    pub resume: bool,
}

/// Options of `growth`.
#[derive(Debug, Args)]
pub struct GrowthArguments {
    /// CSV file with the columns series,period,value; - reads standard input. A period is an integer or an ISO date
    pub history: PathBuf,
    /// Steps to forecast after the last period of each series
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub horizon: u32,
    /// Length of a season in steps, 1 for none; found from dates or values where missing
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub season: Option<u32>,
    /// Print the forecast in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Options of `curve`.
#[derive(Debug, Args)]
pub struct CurveArguments {
    /// What was measured: columns series,x,y, and where levels differ in kind also axis (customers or servers)
    pub data: PathBuf,
    /// What is asked for: columns series,x
    #[arg(long, value_name = "CSV")]
    pub at: PathBuf,
    /// What x counts where the data do not say: customers (clients on fixed hardware) or servers (threads, replicas, nodes)
    #[arg(long, value_enum, default_value_t)]
    pub axis: CurveAxis,
    /// Print the forecasts in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// What the levels of a curve count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum CurveAxis {
    /// Clients on fixed hardware
    #[default]
    Customers,
    /// Threads, replicas, nodes
    Servers,
}

impl From<CurveAxis> for nest_model::curve::LoadAxis {
    fn from(axis: CurveAxis) -> Self {
        match axis {
            CurveAxis::Customers => Self::Customers,
            CurveAxis::Servers => Self::Servers,
        }
    }
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
    /// List the runs of a study, the newest first
    List {
        /// Folder of the study
        #[arg(default_value = ".")]
        study: PathBuf,
        /// Print them in this form
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show the steps of a run
    Show {
        /// The run, as `runs list` names it
        run: String,
        /// Folder of the study
        #[arg(default_value = ".")]
        study: PathBuf,
        /// Print them in this form
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Remove a run
    Rm {
        /// The run, as `runs list` names it
        run: String,
        /// Folder of the study
        #[arg(default_value = ".")]
        study: PathBuf,
    },
}

/// Options of `schema`.
#[derive(Debug, Args)]
pub struct SchemaArguments {
    /// File that is described
    #[arg(value_enum, default_value_t)]
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
    /// Print the findings in this form
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Options of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Options of the demo shop.
#[derive(Debug, Args)]
pub struct ShopArguments {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// SQLite file; a temporary one where missing
    #[arg(long)]
    pub database: Option<PathBuf>,
    /// Cores to run on
    #[arg(long, value_delimiter = ',')]
    pub cores: Vec<usize>,
    /// Stored items
    #[arg(long, default_value_t = 2_000)]
    pub items: u32,
    /// Service demand of one login
    #[arg(long)]
    pub login: Option<Seconds>,
    /// Service demand of one browse
    #[arg(long)]
    pub browse: Option<Seconds>,
    /// Service demand of one search, without stored items
    #[arg(long)]
    pub search: Option<Seconds>,
    /// What 1,000 stored items add to a search
    #[arg(long)]
    pub search_per_1000_items: Option<Seconds>,
    /// Service demand of one payment
    #[arg(long)]
    pub pay: Option<Seconds>,
    /// Service demand of one receipt
    #[arg(long)]
    pub receipt: Option<Seconds>,
    /// Worker threads; 8 per core where missing
    #[arg(long)]
    pub pool: Option<usize>,
    /// Time for which every execution holds one lock
    #[arg(long)]
    pub lock: Option<Seconds>,
    /// Bytes kept for ever for each login
    #[arg(long, default_value_t = 0)]
    pub leak: usize,
    /// Address of a second tier that takes a share of every demand
    #[arg(long)]
    pub database_tier: Option<SocketAddr>,
}

/// Options of the demo shop's second tier.
#[derive(Debug, Args)]
pub struct ShopTierArguments {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Cores to run on
    #[arg(long, value_delimiter = ',')]
    pub cores: Vec<usize>,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (1e-3..=1e7).contains(&rate) => Ok(rate),
        _ => Err("write a number from 0.001 to 10000000, such as 5000".to_owned()),
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("write NAME: VALUE, for example \"accept: application/json\"".to_owned()),
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
