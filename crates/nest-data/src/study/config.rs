//! A server configuration: where each tier, or single behaviours of one, run, and what else is paid for.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{QuotedDecimal, Share};

/// A server configuration to price. Its own fields place one tier; `place` adds others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub struct Config {
    /// What it is, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where the main tier runs.
    #[serde(flatten)]
    pub main: Placement,
    /// Where other tiers, or single behaviours of a tier, run; `[[configs.NAME.place]]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub place: Vec<Placement>,
    /// Meters besides the instances or functions themselves, each with what drives it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub meters: BTreeMap<String, MeterUse>,
    /// Fixed monthly amounts that no book holds, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub monthly: BTreeMap<String, QuotedDecimal>,
    /// Work of people that it takes each month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<People>,
    /// What it costs once to come here from what is there today.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migration: Option<Migration>,
}

/// Where one tier, or some behaviours of it, run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub struct Placement {
    /// What carries it.
    pub platform: Platform,
    /// Price book, by provider and region: `"aws/us-east-1"`; that of the configuration where missing in `place`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub book: String,
    /// Tier that is placed.
    #[serde(default = "super::default_tier")]
    pub tier: String,
    /// Only these behaviours of the tier; all that no other placement of it names where missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behaviours: Vec<String>,
    /// Instance type (vm, database), or that of the nodes (container).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Fewest units: instances, nodes or tasks.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1))]
    pub min: u32,
    /// Most units that carry load; without it the configuration never runs out, but a database has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max: Option<u32>,
    /// Units beyond those needed; so many may fail.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub spare: u32,
    /// Share of capacity that policy wants left; 30 % where neither it nor `headroom` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve: Option<Share>,
    /// The reserve by what it is for, instead of `reserve` and `spare`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headroom: Option<Headroom>,
    /// When units come and go.
    #[serde(default, skip_serializing_if = "Scaling::is_growth")]
    pub scale: Scaling,
    /// Virtual CPUs of a task, or of a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vcpu: Option<QuotedDecimal>,
    /// Memory of a task or of a container, in GiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_gib: Option<QuotedDecimal>,
    /// Share of a node that its system and its agents take (container).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overhead: Option<Share>,
    /// Memory of a function, in MB as the provider counts them (function).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65536))]
    pub memory_mb: Option<u32>,
    /// Processor architecture of a function or task; x86_64 where missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// First part of the names of its meters in the book (function, task): `lambda`, `workers`, `fargate`; by provider where missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The plan that is subscribed to (function).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// What a cold start adds (function).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold_start: Option<ColdStart>,
    /// Functions that may run at once, where it is not the book's quota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1.0))]
    pub concurrency: Option<f64>,
    /// Speed of one virtual CPU against one measured core, as a 90 % range; [0.85, 1.15] where it was never calibrated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<[f64; 2]>,
    /// Commitments of the book, each with how many units are bought.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub commitments: BTreeMap<String, u32>,
}

impl Placement {
    /// The share of capacity that policy wants left, whatever it is for.
    ///
    /// # Formula
    /// `1 - (1 - queueing) (1 - forecast)` of a headroom.
    #[must_use]
    pub fn reserve(&self) -> f64 {
        match (&self.headroom, self.reserve) {
            (Some(headroom), _) => 1.0 - (1.0 - headroom.queueing.get()) * (1.0 - headroom.forecast.get()),
            (None, Some(reserve)) => reserve.get(),
            (None, None) => DEFAULT_RESERVE,
        }
    }

    /// Units beyond those needed.
    #[must_use]
    pub fn spare(&self) -> u32 {
        self.headroom
            .as_ref()
            .map_or(self.spare, |headroom| headroom.failure)
    }

    /// Most units that carry load.
    #[must_use]
    pub fn max(&self) -> Option<u32> {
        match self.platform {
            Platform::Database => Some(self.max.unwrap_or(self.min)),
            _ => self.max,
        }
    }
}

impl Config {
    /// Every placement, the main one first.
    pub fn placements(&self) -> impl Iterator<Item = &Placement> {
        std::iter::once(&self.main).chain(&self.place)
    }

    /// The book of a placement of this configuration.
    #[must_use]
    pub fn book_of<'a>(&'a self, placement: &'a Placement) -> &'a str {
        if placement.book.is_empty() {
            &self.main.book
        } else {
            &placement.book
        }
    }

    /// Names of all its books.
    pub fn books(&self) -> impl Iterator<Item = &str> {
        self.placements().map(|placement| self.book_of(placement))
    }
}

/// Share of capacity that is left where a study says nothing.
const DEFAULT_RESERVE: f64 = 0.3;

fn one() -> u32 {
    1
}

fn is_one(value: &u32) -> bool {
    *value == 1
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// What carries a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Virtual machines, each paid by the hour.
    Vm,
    /// Containers of a stated size, as many as fit on nodes that are paid by the hour.
    Container,
    /// Tasks of a stated size, paid by virtual CPU and memory (Fargate).
    Task,
    /// A function host, paid by request and by memory-seconds or processor time.
    Function,
    /// A managed database: one instance that grows by its type, not by its number.
    Database,
}

impl Platform {
    /// The word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Vm => "vm",
            Self::Container => "container",
            Self::Task => "task",
            Self::Function => "function",
            Self::Database => "database",
        }
    }

    /// What one unit of it is called.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Vm | Self::Database => "instance",
            Self::Container => "node",
            Self::Task => "task",
            Self::Function => "function",
        }
    }
}

/// When units come and go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scaling {
    /// With the number of customers: as many as the busiest hour needs run all the time.
    #[default]
    Growth,
    /// Every hour, by the weekly profile: autoscaling.
    Hourly,
}

impl Scaling {
    fn is_growth(&self) -> bool {
        *self == Self::Growth
    }
}

/// A reserve in its three parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Headroom {
    /// Share of capacity kept free so that requests do not queue.
    #[serde(default = "nothing")]
    pub queueing: Share,
    /// Share of what is left kept free for load that comes sooner than foreseen.
    #[serde(default = "nothing")]
    pub forecast: Share,
    /// Units that may fail while the others carry the load.
    #[serde(default)]
    pub failure: u32,
}

fn nothing() -> Share {
    Share::new(0.0).expect("0 lies in 0-1")
}

/// What a cold start adds to a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColdStart {
    /// Share of the requests that meet one.
    pub share: Share,
    /// What it adds to the response, in milliseconds; billed too.
    #[schemars(range(min = 0.0, max = 900000.0))]
    pub extra_ms: f64,
}

/// What drives a meter, in one word or in detail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum MeterUse {
    /// One unit of the meter for each.
    Driver(Driver),
    /// Some units of the meter for each, of some behaviours.
    Detailed(DetailedUse),
}

impl MeterUse {
    /// What is counted.
    #[must_use]
    pub fn driver(&self) -> Driver {
        match self {
            Self::Driver(driver) => *driver,
            Self::Detailed(detailed) => detailed.driver,
        }
    }

    /// Units of the meter for each of what is counted.
    #[must_use]
    pub fn times(&self) -> f64 {
        match self {
            Self::Driver(_) => 1.0,
            Self::Detailed(detailed) => detailed.times,
        }
    }

    /// Whether a behaviour is counted.
    #[must_use]
    pub fn counts(&self, behaviour: &str) -> bool {
        match self {
            Self::Driver(_) => true,
            Self::Detailed(detailed) => {
                detailed.behaviours.is_empty() || detailed.behaviours.iter().any(|one| one == behaviour)
            }
        }
    }
}

/// What drives a meter, in detail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetailedUse {
    /// What is counted.
    pub driver: Driver,
    /// Units of the meter for each of them; with `fixed`, units a month.
    #[serde(default = "once")]
    #[schemars(range(min = 0.0))]
    pub times: f64,
    /// Only these behaviours; all where missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behaviours: Vec<String>,
}

fn once() -> f64 {
    1.0
}

/// What drives a meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// Every hour of the month.
    Hours,
    /// A quantity each month, whoever comes.
    Fixed,
    /// Requests made in the month.
    Requests,
    /// Executions of behaviours in the month.
    Executions,
    /// Bytes sent to customers in the month.
    BytesSent,
    /// Instances, nodes or tasks that run: hours of them for a meter in hours, months of them for any other.
    Instances,
    /// Stored items (`[data]`), each month.
    Stored,
    /// The largest of a compound meter's quantities (load balancers), hour by hour.
    Largest,
    /// Customers.
    Customers,
}

/// Work of people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct People {
    /// Hours a month.
    pub hours: QuotedDecimal,
    /// Cost of an hour, in the study's currency.
    pub rate: QuotedDecimal,
}

/// What it costs once to come to a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// The amount, in the study's currency.
    pub amount: QuotedDecimal,
    /// 90 % range of it; taken as exact without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[QuotedDecimal; 2]>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
