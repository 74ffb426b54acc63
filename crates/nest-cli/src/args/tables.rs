//! Options of the verbs that read a CSV file instead of a study: `growth`, `curve` and `demand`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::civil::Date;

use super::Format;

/// Options of `demand`.
#[derive(Debug, Args)]
pub struct DemandArguments {
    /// CSV file with the columns run, duration_s, resource, busy_s, behaviour and count, and optionally
    /// window and servers
    #[arg(value_name = "CSV")]
    pub windows: PathBuf,
    /// How to print the demands
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Options of `growth`.
#[derive(Debug, Args)]
pub struct GrowthArguments {
    /// CSV file with the columns series, period (an integer or an ISO date) and value; - reads standard input
    #[arg(value_name = "CSV")]
    pub history: PathBuf,
    /// Number of periods to forecast after the last one of each series
    #[arg(long, value_name = "PERIODS", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub horizon: u32,
    /// Number of periods in a season, 1 for none [default: found from the dates or the values]
    #[arg(long, value_name = "PERIODS", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub season: Option<u32>,
    /// Day on which the history was read: a last period that is not over then is doubted [default: today]
    #[arg(long, value_name = "DATE", value_parser = super::date)]
    pub as_of: Option<Date>,
    /// How to print the forecasts
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Options of `curve`.
#[derive(Debug, Args)]
pub struct CurveArguments {
    /// CSV file of measurements with the columns series, x (the level) and y (the throughput), and optionally
    /// axis (customers or servers)
    #[arg(value_name = "CSV")]
    pub data: PathBuf,
    /// CSV file of the levels to forecast, with the columns series and x
    #[arg(long, value_name = "CSV")]
    pub at: PathBuf,
    /// What x counts when the measurements have no axis column
    #[arg(long, value_enum, default_value_t)]
    pub axis: CurveAxis,
    /// How to print the forecasts
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// What the levels of a curve count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum CurveAxis {
    /// Clients on fixed hardware
    #[default]
    Customers,
    /// Threads, replicas or nodes
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
