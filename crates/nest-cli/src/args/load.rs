//! Options of `load`.

use std::path::PathBuf;

use clap::Args;
use nest_data::units::Seconds;

use super::{Format, LoadFleetArguments};

/// Options of `load`.
#[derive(Debug, Args)]
pub struct LoadArguments {
    /// URL to send requests to; may contain templates such as {{ int(1, 9) }}
    pub url: String,
    /// Active customers, each with its own connection; with --rate, the most connections
    #[arg(long, short, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub customers: u32,
    /// Start this many executions per second, whether or not earlier ones have been answered
    #[arg(long, short, value_parser = rate)]
    pub rate: Option<f64>,
    /// Send no more than this many requests per second, redirects and logins included [default: no bound]
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub max_rate: Option<f64>,
    /// With --rate, start at random times (a Poisson process) instead of equal intervals
    #[arg(long, requires = "rate")]
    pub poisson: bool,
    /// How long to measure [default: 10s; with --requests, at most 1h]
    #[arg(long = "for", short = 'd', value_name = "TIME")]
    pub span: Option<Seconds>,
    /// How long to apply load before measuring
    #[arg(long, value_name = "TIME", default_value = "1s")]
    pub warm_up: Seconds,
    /// Stop after this many executions, and measure without a warm-up
    #[arg(long, short = 'n', value_parser = clap::value_parser!(u64).range(1..))]
    pub requests: Option<u64>,
    /// How long a customer waits between an answer and its next request
    #[arg(long, value_name = "TIME", default_value = "0s", conflicts_with = "rate")]
    pub think: Seconds,
    /// Header to send; may be repeated
    #[arg(long, short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    pub header: Vec<(String, String)>,
    /// HTTP method [default: POST with a body, otherwise GET]
    #[arg(long, short, value_parser = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])]
    pub method: Option<String>,
    /// Body to send, or @FILE to read it from a file
    #[arg(long, short)]
    pub body: Option<String>,
    /// Run this behaviour instead of one request: a behaviour file, or the name of a behaviour written in
    /// Rust
    #[arg(long, conflicts_with_all = ["method", "body", "header"])]
    pub behaviour: Option<String>,
    /// Use HTTP/2
    #[arg(long)]
    pub http2: bool,
    /// Accept any certificate
    #[arg(long, conflicts_with = "ca")]
    pub insecure: bool,
    /// File with certificates (PEM) to trust in addition to those this machine trusts
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// How long to wait for an answer
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub timeout: Seconds,
    /// Largest answer body to read, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    pub longest_body: u64,
    /// Number of generator threads [default: one for each core this process may use]
    #[arg(long, short, conflicts_with = "workers", value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub threads: Option<u32>,
    #[command(flatten)]
    pub fleet: LoadFleetArguments,
    /// Host other than this machine that you are allowed to put load on; may be repeated
    #[arg(long, value_name = "HOST")]
    pub allow_host: Vec<String>,
    /// Seed of the random choices
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
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
