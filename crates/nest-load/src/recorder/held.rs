//! Requests that the bound of requests per second held back.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How many requests were held back, and for how long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRequests {
    /// How many.
    pub requests: u64,
    /// The time of all of them together.
    pub total: Duration,
    /// The longest time.
    pub longest: Duration,
}

impl HeldRequests {
    /// Adds a request that was held back for a time.
    pub fn add(&mut self, span: Duration) {
        self.requests += 1;
        self.total += span;
        self.longest = self.longest.max(span);
    }

    /// Adds those of another worker.
    pub fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.total += other.total;
        self.longest = self.longest.max(other.longest);
    }
}
