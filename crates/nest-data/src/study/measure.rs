//! The settings of `[measure]`: steps, windows and limits of a measurement.

pub mod gate;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{Seconds, Share};

/// How `measure` loads the target. The defaults suit a quiet machine and take about half an hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Measure {
    /// Customer counts of the ramp, each 0.001 to 1e11: `[1000, 2000, 4000]`. [default: set by `ramp`]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customers: Option<Vec<f64>>,
    /// Steps of the ramp, as shares of the capacity that the pilot finds. [default: 20, 35, 50, 65, 80 and 95
    /// %]
    pub ramp: Vec<Share>,
    /// Load of the base step, as a share of the pilot's capacity. [default: 10 %]
    pub base: Share,
    /// Load of the boosted steps, as a share of the pilot's capacity. [default: 55 %]
    pub boost: Share,
    /// Confirm steps: last steps at these multiples (0 to 4) of the highest customer count of the ramp, one
    /// number or several. They are never fitted and check the forecast. [default: none]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm: Option<Multiples>,
    /// Policy whose rates the confirm steps offer: a mix that was never fitted. [default: the plain mix]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm_policy: Option<String>,
    /// Length of one window, above 0. [default: 10s]
    pub window: Seconds,
    /// Windows of a step, 2 to 1,000. A step has more if a behaviour that carries a tenth of its work would
    /// come fewer than 30 times. [default: 10]
    #[schemars(range(min = 2, max = 1000))]
    pub windows: u32,
    /// Load before the first window, which is not counted. It goes on until the rate is reached and response
    /// times show no trend, at most for `settle_most`. [default: 5s]
    pub settle: Seconds,
    /// Longest load before the first window. [default: four times `settle`]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settle_most: Option<Seconds>,
    /// How often every loaded step is run, 1 to 100. [default: 1]
    #[schemars(range(min = 1, max = 100))]
    #[serde(skip_serializing_if = "is_one")]
    pub repeats: u32,
    /// Order of the loaded steps. [default: planned]
    #[serde(skip_serializing_if = "Order::is_planned")]
    pub order: Order,
    /// Time that the pilot spends on each behaviour, above 0. [default: 3s]
    pub pilot: Seconds,
    /// Longest wait for an answer, above 0. [default: 10s]
    pub timeout: Seconds,
    /// Largest number of executions in progress, 1 to 20,000. Executions beyond it are dropped and counted.
    /// [default: 2,000]
    #[schemars(range(min = 1, max = 20000))]
    pub max_in_flight: u32,
    /// Most requests that are sent per second, above 0 and at most 1,000,000: redirects, logins, requests
    /// that are sent again and the pilot count. Never more than `max_rate * (t + 1 s)` leave within a time t;
    /// of a `max_rate` below 1, never more than `max_rate * t` and one.
    /// A plan stays at or below 90 % of it: beyond that it is scaled down, and the steps keep their
    /// proportions.
    /// [default: 5,000]
    pub max_rate: f64,
    /// Longest run. A plan that would take longer is refused. [default: two hours]
    pub max_duration: Seconds,
    /// Longest body of an answer in bytes, 1 or more. A longer one fails its request. [default: 64 MiB]
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "is_64_mib")]
    pub longest_body: u64,
    /// Keep the first 8,192 bytes of the first three answers that fail in each way, in `failures/` of the
    /// run's folder. Known secrets in them are masked, others are not: a new token of an answer, say.
    /// [default: false]
    #[serde(skip_serializing_if = "is_false")]
    pub keep_bodies: bool,
    /// Core that the load generator is pinned to, by number from 0, or several with one worker each.
    /// [default: the last core]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator_core: Option<Cores>,
    /// Workers on other machines that offer the load together, 0 to 1,000; with 0 threads of this machine
    /// offer it. The option --workers takes precedence. [default: 0]
    #[schemars(range(max = 1000))]
    #[serde(skip_serializing_if = "is_zero")]
    pub workers: u32,
}

/// One multiple of a load, or several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Multiples {
    /// One, 0 to 4.
    One(#[schemars(range(min = 0.0, max = 4.0))] f64),
    /// Several, each 0 to 4.
    Several(#[schemars(inner(range(min = 0.0, max = 4.0)))] Vec<f64>),
}

impl Multiples {
    /// The numbers, in the order given.
    #[must_use]
    pub fn numbers(&self) -> &[f64] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }
}

/// One core or several, by number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Cores {
    /// One core.
    One(usize),
    /// One worker on each.
    Several(Vec<usize>),
}

impl Cores {
    /// The numbers.
    #[must_use]
    pub fn numbers(&self) -> Vec<usize> {
        match self {
            Self::One(one) => vec![*one],
            Self::Several(several) => several.clone(),
        }
    }
}

/// Order of the loaded steps of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Base, boosted, then the ramp from low to high; all repeats of a round together.
    #[default]
    Planned,
    /// Shuffled by the study's seed, so that a drift of the machine affects all loads alike.
    Shuffled,
}

impl Order {
    fn is_planned(&self) -> bool {
        *self == Self::Planned
    }
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_64_mib(value: &u64) -> bool {
    *value == 64 << 20
}

impl Default for Measure {
    fn default() -> Self {
        let share = |value| Share::new(value).expect("constants lie in 0-1");
        let seconds = |value| Seconds::new(value).expect("constants are valid spans");
        Self {
            customers: None,
            ramp: [0.2, 0.35, 0.5, 0.65, 0.8, 0.95].map(share).to_vec(),
            base: share(0.1),
            boost: share(0.55),
            confirm: None,
            confirm_policy: None,
            window: seconds(10.0),
            windows: 10,
            settle: seconds(5.0),
            settle_most: None,
            repeats: 1,
            order: Order::Planned,
            pilot: seconds(3.0),
            timeout: seconds(10.0),
            max_in_flight: 2_000,
            max_rate: 5_000.0,
            max_duration: seconds(7_200.0),
            longest_body: 64 << 20,
            keep_bodies: false,
            generator_core: None,
            workers: 0,
        }
    }
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

fn is_one(value: &u32) -> bool {
    *value == 1
}
