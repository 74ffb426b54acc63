//! Options of load from many machines.

use std::path::PathBuf;

use clap::Args;
use nest_data::units::Seconds;

/// How the NATS server is reached that coordinator and workers talk over.
#[derive(Debug, Clone, Default, Args)]
pub struct BrokerArguments {
    /// File with user and password for the NATS server, on two lines, that only you may read
    /// [default: NEST_NATS_USER and NEST_NATS_PASSWORD]
    #[arg(long, value_name = "FILE")]
    pub credentials: Option<PathBuf>,
    /// File with certificates (PEM) to trust when connecting to the NATS server, in addition to those this
    /// machine trusts
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// File with the certificate (PEM) to show the NATS server
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// File with the key (PEM) of that certificate
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// Use a NATS server on another machine without TLS
    #[arg(long)]
    pub insecure_broker: bool,
}

/// Workers that offer the load instead of threads of this process.
#[derive(Debug, Clone, Default, Args)]
pub struct FleetArguments {
    /// Run the load from this many workers, on this machine or others; 0 for threads of this process
    /// [default: [measure] workers]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1_000))]
    pub workers: Option<u32>,
    /// Fewest workers to go on with when others are lost [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub workers_min: Option<u32>,
    /// NATS server that workers connect to, such as tls://broker:4222 [default: start one on this machine]
    #[arg(long, value_name = "URL")]
    pub nats: Option<String>,
    /// Name of the session that workers join: 1 to 32 of a-z, 0-9 and - [default: the name of the run]
    #[arg(long, value_name = "NAME", value_parser = session)]
    pub session: Option<String>,
    /// How long to wait for the workers [default: 60s]
    #[arg(long, value_name = "TIME")]
    pub wait: Option<Seconds>,
    #[command(flatten)]
    pub broker: BrokerArguments,
}

/// Workers that offer a quick load instead of threads of this process. Here, `--ca` is the target's.
#[derive(Debug, Clone, Default, Args)]
pub struct LoadFleetArguments {
    /// Run the load from this many workers, on this machine or others
    #[arg(
        long, value_name = "N", conflicts_with = "requests",
        value_parser = clap::value_parser!(u32).range(1..=1_000)
    )]
    pub workers: Option<u32>,
    /// NATS server that workers connect to, such as tls://broker:4222 [default: start one on this machine]
    #[arg(long, value_name = "URL", requires = "workers")]
    pub nats: Option<String>,
    /// Name of the session that workers join: 1 to 32 of a-z, 0-9 and - [default: the time]
    #[arg(long, value_name = "NAME", requires = "workers", value_parser = session)]
    pub session: Option<String>,
    /// How long to wait for the workers [default: 60s]
    #[arg(long, value_name = "TIME", requires = "workers")]
    pub wait: Option<Seconds>,
    /// File with user and password for the NATS server, on two lines, that only you may read
    /// [default: NEST_NATS_USER and NEST_NATS_PASSWORD]
    #[arg(long, value_name = "FILE", requires = "nats")]
    pub credentials: Option<PathBuf>,
    /// File with certificates (PEM) to trust when connecting to the NATS server, in addition to those this
    /// machine trusts
    #[arg(long, value_name = "FILE", requires = "nats")]
    pub broker_ca: Option<PathBuf>,
    /// File with the certificate (PEM) to show the NATS server
    #[arg(long, value_name = "FILE", requires = "nats", requires = "broker_key")]
    pub broker_cert: Option<PathBuf>,
    /// File with the key (PEM) of that certificate
    #[arg(long, value_name = "FILE", requires = "broker_cert")]
    pub broker_key: Option<PathBuf>,
    /// Use a NATS server on another machine without TLS
    #[arg(long, requires = "nats")]
    pub insecure_broker: bool,
}

impl From<LoadFleetArguments> for FleetArguments {
    fn from(of_load: LoadFleetArguments) -> Self {
        Self {
            workers: of_load.workers,
            workers_min: None,
            nats: of_load.nats,
            session: of_load.session,
            wait: of_load.wait,
            broker: BrokerArguments {
                credentials: of_load.credentials,
                ca: of_load.broker_ca,
                cert: of_load.broker_cert,
                key: of_load.broker_key,
                insecure_broker: of_load.insecure_broker,
            },
        }
    }
}

/// Options of `worker`.
#[derive(Debug, Args)]
pub struct WorkerArguments {
    /// NATS server of the session, such as tls://broker:4222
    #[arg(long, value_name = "URL")]
    pub join: String,
    /// Name of the session
    #[arg(long, value_name = "NAME", value_parser = session)]
    pub session: String,
    /// Name of this worker, unlike any other's [default: the host's name and the number of the process]
    #[arg(long, value_name = "NAME", value_parser = token)]
    pub name: Option<String>,
    /// Host other than this machine that this worker may put load on, if the study allows it too; may be
    /// repeated
    #[arg(long, value_name = "HOST")]
    pub allow_host: Vec<String>,
    /// Variable of this worker's environment that the study may read, and so send to the target; may be
    /// repeated
    #[arg(long, value_name = "NAME", value_parser = variable)]
    pub allow_env: Vec<String>,
    /// Number of generator threads [default: one for each core in --cores, otherwise for each core this
    /// process may use]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub slots: Option<u32>,
    /// Cores for the generator threads, by number from 0, such as 2,3
    #[arg(long, value_name = "CORES", value_delimiter = ',')]
    pub cores: Vec<usize>,
    /// Refuse to send more than this many requests per second [default: no bound but the study's]
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub max_rate: Option<f64>,
    /// Refuse to play more than this many customers [default: no bound but the study's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_customers: Option<u64>,
    /// How long to wait for the NATS server and the coordinator
    #[arg(long, value_name = "TIME", default_value = "60s")]
    pub wait: Seconds,
    #[command(flatten)]
    pub broker: BrokerArguments,
}

fn session(text: &str) -> Result<String, String> {
    if nest_load::fleet::is_session(text) {
        Ok(text.to_owned())
    } else {
        Err("write 1 to 32 of the letters a-z, digits and -, such as shop-7".to_owned())
    }
}

fn token(text: &str) -> Result<String, String> {
    if nest_load::fleet::is_token(text) {
        Ok(text.to_owned())
    } else {
        Err("write 1 to 64 of the letters A-Z and a-z, digits, _ and -, such as host-2".to_owned())
    }
}

/// The name of a variable; those of the broker's credentials are none of a study's.
fn variable(text: &str) -> Result<String, String> {
    if text.starts_with("NEST_NATS_") {
        return Err("this is for the NATS server only; let the study read another variable".to_owned());
    }
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if !text.is_empty() && text.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("write the name of a variable, such as SHOP_TOKEN".to_owned())
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (1e-3..=1e7).contains(&rate) => Ok(rate),
        _ => Err("write a number from 0.001 to 10000000, such as 20000".to_owned()),
    }
}
