//! Options of a shop and of its second tier.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ShopBehaviour, TargetError};

/// Worker threads per core by default: several, because `pay` waits for the disk, and CPU should be the
/// limit, not the pool.
const WORKERS_PER_CORE: usize = 8;

/// The longest demand and lock that are accepted, so that a mistyped number cannot hang a run.
const LONGEST_S: f64 = 60.0;

/// How the shop runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShopOptions {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// SQLite file; created if it does not exist, otherwise brought back to its first contents.
    pub database: PathBuf,
    /// Cores to which the shop's threads are pinned; empty leaves them free.
    pub cores: Vec<usize>,
    /// The set demands.
    pub demands: Demands,
    /// Number of stored items.
    pub items: u32,
    /// Worker threads, at least 1; `None` takes 8 per core. A low number is a hidden bottleneck.
    pub pool: Option<usize>,
    /// Seconds for which every execution holds one global lock, asleep; 0 is no lock. The lock is a hidden
    /// bottleneck of `1 / lock_s` executions per second.
    pub lock_s: f64,
    /// Bytes retained for each session opened since the last reset.
    pub leak_bytes_per_session: usize,
    /// Address of the second tier, which burns [`Demands::database_share`] of every demand; `None` is a
    /// single tier.
    pub database_tier: Option<SocketAddr>,
    /// Whether the ledger keeps the line of every request.
    #[serde(default)]
    pub keep_requests: bool,
}

impl ShopOptions {
    /// A plain shop on a free loopback port: default demands, 1,000 items, not pinned, no hidden bottleneck,
    /// one tier.
    pub fn new(database: impl Into<PathBuf>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            database: database.into(),
            cores: Vec::new(),
            demands: Demands::default(),
            items: 1_000,
            pool: None,
            lock_s: 0.0,
            leak_bytes_per_session: 0,
            database_tier: None,
            keep_requests: false,
        }
    }

    /// Number of worker threads.
    pub(crate) fn workers(&self) -> usize {
        let cores = if self.cores.is_empty() {
            std::thread::available_parallelism().map_or(1, usize::from)
        } else {
            self.cores.len()
        };
        self.pool.unwrap_or(cores * WORKERS_PER_CORE)
    }

    /// Time for which every execution holds the global lock.
    pub(crate) fn lock(&self) -> Option<Duration> {
        (self.lock_s > 0.0).then(|| Duration::from_secs_f64(self.lock_s))
    }

    /// Seconds of CPU that one execution is set to spend.
    pub(crate) fn demand(&self, behaviour: ShopBehaviour) -> TierDemand {
        let total_s = self.demands.total_s(behaviour, self.items);
        let share = if self.database_tier.is_some() {
            self.demands.database_share
        } else {
            0.0
        };
        TierDemand {
            shop_s: total_s * (1.0 - share),
            database_s: total_s * share,
        }
    }

    /// Refuses options out of range.
    pub(crate) fn check(&self) -> Result<(), TargetError> {
        self.demands.check()?;
        in_range("lock_s", self.lock_s, LONGEST_S)?;
        if self.pool == Some(0) {
            return Err(TargetError::OutOfRange {
                option: "pool",
                value: 0.0,
                least: 1.0,
                most: f64::INFINITY,
            });
        }
        Ok(())
    }
}

/// Seconds of CPU that one execution is set to spend in each tier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TierDemand {
    /// In the shop's own process.
    pub(crate) shop_s: f64,
    /// In the second tier.
    pub(crate) database_s: f64,
}

/// How the second tier runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TierOptions {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Cores to which the tier's threads are pinned; empty leaves them free.
    pub cores: Vec<usize>,
}

/// CPU seconds, 0 to 60, that one execution of each behaviour is set to spend, over both tiers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Demands {
    /// Opening a session.
    pub login_s: f64,
    /// Reading a page of items.
    pub browse_s: f64,
    /// A search when no items are stored.
    pub search_s: f64,
    /// What every 1,000 stored items add to a search.
    pub search_per_1000_items_s: f64,
    /// A payment; waiting for the disk is not part of it.
    pub pay_s: f64,
    /// Reading a payment back.
    pub receipt_s: f64,
    /// Having a text written; the model's own work is elsewhere.
    pub describe_s: f64,
    /// Share of each demand, 0 to 1, that is burnt in the second tier if there is one.
    pub database_share: f64,
}

impl Default for Demands {
    fn default() -> Self {
        Self {
            login_s: 0.008,
            browse_s: 0.005,
            search_s: 0.006,
            search_per_1000_items_s: 0.001,
            pay_s: 0.012,
            receipt_s: 0.025,
            describe_s: 0.004,
            database_share: 0.4,
        }
    }
}

impl Demands {
    /// CPU seconds of one execution with `items` stored, over both tiers.
    pub fn total_s(&self, behaviour: ShopBehaviour, items: u32) -> f64 {
        match behaviour {
            ShopBehaviour::Login => self.login_s,
            ShopBehaviour::Browse => self.browse_s,
            ShopBehaviour::Search => self.search_s + self.search_per_1000_items_s * f64::from(items) / 1000.0,
            ShopBehaviour::Pay => self.pay_s,
            ShopBehaviour::Receipt => self.receipt_s,
            ShopBehaviour::Describe => self.describe_s,
        }
    }

    fn check(&self) -> Result<(), TargetError> {
        in_range("login_s", self.login_s, LONGEST_S)?;
        in_range("browse_s", self.browse_s, LONGEST_S)?;
        in_range("search_s", self.search_s, LONGEST_S)?;
        in_range("search_per_1000_items_s", self.search_per_1000_items_s, LONGEST_S)?;
        in_range("pay_s", self.pay_s, LONGEST_S)?;
        in_range("receipt_s", self.receipt_s, LONGEST_S)?;
        in_range("describe_s", self.describe_s, LONGEST_S)?;
        in_range("database_share", self.database_share, 1.0)
    }
}

fn in_range(option: &'static str, value: f64, most: f64) -> Result<(), TargetError> {
    if (0.0..=most).contains(&value) {
        Ok(())
    } else {
        Err(TargetError::OutOfRange {
            option,
            value,
            least: 0.0,
            most,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_grows_with_the_stored_items() {
        let demands = Demands::default();
        assert!((demands.total_s(ShopBehaviour::Search, 0) - demands.search_s).abs() < 1e-12);
        assert!((demands.total_s(ShopBehaviour::Search, 4_500) - 0.010_5).abs() < 1e-12);
    }

    #[test]
    fn the_share_moves_only_where_there_is_a_second_tier() {
        let mut options = ShopOptions::new("unused");
        let alone = options.demand(ShopBehaviour::Receipt);
        assert_eq!((alone.shop_s, alone.database_s), (0.025, 0.0));
        options.database_tier = Some(options.listen);
        let split = options.demand(ShopBehaviour::Receipt);
        assert!((split.database_s - 0.010).abs() < 1e-12);
        assert!((split.shop_s - 0.015).abs() < 1e-12);
    }

    #[test]
    fn values_out_of_range_are_refused_by_name() {
        let mut options = ShopOptions::new("unused");
        options.demands.pay_s = f64::NAN;
        let error = options.check().expect_err("a demand must be a number");
        assert!(error.to_string().starts_with("pay_s is NaN"));
        let lazy = ShopOptions {
            pool: Some(0),
            ..ShopOptions::new("unused")
        };
        assert!(lazy.check().is_err());
    }
}
