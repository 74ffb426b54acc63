//! Options of the demo shop and of its second tier, which the program starts for itself.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use nest_data::units::Seconds;

/// Options of `shop`.
#[derive(Debug, Args)]
pub struct ShopArguments {
    /// Address to listen on; port 0 takes a free port
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// SQLite file [default: a temporary file]
    #[arg(long)]
    pub database: Option<PathBuf>,
    /// Cores to run on, separated by commas
    #[arg(long, value_delimiter = ',')]
    pub cores: Vec<usize>,
    /// Number of stored items
    #[arg(long, default_value_t = 2_000)]
    pub items: u32,
    /// Service demand of one login
    #[arg(long)]
    pub login: Option<Seconds>,
    /// Service demand of one browse
    #[arg(long)]
    pub browse: Option<Seconds>,
    /// Service demand of one search when no items are stored
    #[arg(long)]
    pub search: Option<Seconds>,
    /// Service demand that each 1,000 stored items add to a search
    #[arg(long)]
    pub search_per_1000_items: Option<Seconds>,
    /// Service demand of one payment
    #[arg(long)]
    pub pay: Option<Seconds>,
    /// Service demand of one receipt
    #[arg(long)]
    pub receipt: Option<Seconds>,
    /// Service demand of one description
    #[arg(long)]
    pub describe: Option<Seconds>,
    /// Number of worker threads [default: 8 per core]
    #[arg(long)]
    pub pool: Option<usize>,
    /// How long each execution holds one global lock
    #[arg(long)]
    pub lock: Option<Seconds>,
    /// Bytes that each login leaks
    #[arg(long, default_value_t = 0)]
    pub leak: usize,
    /// Address of a second tier that takes a share of every service demand
    #[arg(long)]
    pub database_tier: Option<SocketAddr>,
    /// Keep the line of every request in the ledger
    #[arg(long)]
    pub keep_requests: bool,
}

/// Options of `shop-tier`.
#[derive(Debug, Args)]
pub struct ShopTierArguments {
    /// Address to listen on; port 0 takes a free port
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Cores to run on, separated by commas
    #[arg(long, value_delimiter = ',')]
    pub cores: Vec<usize>,
}
