//! What every exchange of a program shares: where the target is, and the limits of requests and answers.

use std::collections::hash_map::RandomState;

use crate::{
    http::{compat::CompatSettings, kept_bodies::KeptBodies, origin::Origin},
    schedule::rate_bound::RateBound,
    script::feeds::FeedReader,
};

/// Everything but the behaviours themselves that is the same for all workers and steps.
pub struct ExchangeSettings {
    pub origin: Origin,
    pub feeds: Vec<FeedReader>,
    /// Names of the behaviours, in order.
    pub behaviours: Vec<String>,
    /// Names of the counts of each behaviour, in order.
    pub counts: Vec<Vec<String>>,
    /// How many names customers save values under.
    pub variables: usize,
    /// Values that are masked in everything that is kept.
    pub secrets: Vec<String>,
    /// Whether bodies of answers that fail are kept.
    pub keep_bodies: bool,
    /// Drawn for this program, and never kept: digests of bodies depend on it.
    pub digest_key: RandomState,
    pub compat: CompatSettings,
    /// Longest body of an answer, in bytes.
    pub longest_body: u64,
    /// The bodies that are in memory, over all customers.
    pub bodies: KeptBodies,
    /// Longest wait for an answer, in seconds, unless a request has its own.
    pub timeout_s: f64,
    /// Most requests per second, over all workers and steps; `None` if nobody bounds them.
    pub bound: Option<RateBound>,
}
