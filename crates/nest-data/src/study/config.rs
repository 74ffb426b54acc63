//! Server configurations: where each tier, or single behaviours of a tier, run, and what else is paid for.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{QuotedDecimal, Share};

/// A server configuration to price. Its own keys place the main tier; `place` adds other tiers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub struct Config {
    /// What the configuration is, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Placement of the main tier; its keys stand in the configuration itself.
    #[serde(flatten)]
    pub main: Placement,
    /// Placements of other tiers, or of single behaviours of a tier: `[[configs.NAME.place]]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub place: Vec<Placement>,
    /// Meters of the price book that are paid besides the units themselves, each with what drives it:
    /// `{ "egress.internet" = "bytes_sent" }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub meters: BTreeMap<String, MeterUse>,
    /// Savings plans of the main book to buy, by name, each with what it commits to spend in an hour, in the
    /// book's currency, above 0: `{ "compute-1y" = "3.50" }`. They cover instances, tasks and functions of
    /// the configuration at the plan's rates, after `commitments`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub savings_plans: BTreeMap<String, QuotedDecimal>,
    /// Fixed monthly amounts that are in no price book, by name, in the study's currency; 0 to 1,000,000,000
    /// each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub monthly: BTreeMap<String, QuotedDecimal>,
    /// Work of people that the configuration takes each month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<People>,
    /// One-off cost of moving to this configuration from today's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migration: Option<Migration>,
}

/// Where one tier, or some behaviours of a tier, run, and how many units there are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub struct Placement {
    /// Kind of platform.
    pub platform: Platform,
    /// Price book, by provider and region: `"aws/us-east-1"`. Required in the configuration itself.
    /// [default in `place`: the configuration's book]
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub book: String,
    /// The tier to place. [default: app]
    #[serde(default = "super::default_tier")]
    pub tier: String,
    /// Place only these behaviours of the tier. [default: all that no other placement of the tier names]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behaviours: Vec<String>,
    /// Instance type (vm, database), or the nodes' instance type (container): `"m7i.large"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Smallest number of units (instances, nodes or tasks), 1 or more. [default: 1]
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1))]
    pub min: u32,
    /// Largest number of units that carry load, 1 or more. [default: no limit; for a database `min`]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max: Option<u32>,
    /// Units beyond those needed, as many as may fail at once. [default: 0]
    #[serde(default, skip_serializing_if = "is_zero")]
    pub spare: u32,
    /// Share of capacity to keep free, below 100 %. [default: 30 %, unless `headroom` is given]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve: Option<Share>,
    /// Capacity to keep free, by purpose; instead of `reserve` and `spare`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headroom: Option<Headroom>,
    /// When the number of units changes. [default: growth]
    #[serde(default, skip_serializing_if = "Scaling::is_growth")]
    pub scale: Scaling,
    /// Virtual CPUs of one task or container, above 0 (task, container).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vcpu: Option<QuotedDecimal>,
    /// Memory of one task or container in GiB, above 0 (task, container).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_gib: Option<QuotedDecimal>,
    /// Share of a node that its system and agents take (container). [default: 0]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overhead: Option<Share>,
    /// Memory of a function in MB as the provider counts them, 1 to 65,536 (function).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65536))]
    pub memory_mb: Option<u32>,
    /// Processor architecture (function, task). [default: x86_64]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// First part of the names of the meters in the book: `lambda`, `workers`, `fargate` (function, task).
    /// [default: by provider]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Plan of the book to subscribe to (function).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// How often requests meet a cold start, and how long it takes (function). [default: drawn from the range
    /// of dated public measurements of the host; where there are none, no cold starts, and a caveat says so]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold_start: Option<ColdStart>,
    /// What holds the files that the tier keeps on its disk when it runs on a server, in words (function,
    /// which keeps no files): `"RDS for PostgreSQL, priced under monthly"`. Price it under `meters`,
    /// `monthly` or `place`. [default: nothing; a caveat says so if the tier works with files of its own]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_replaced_by: Option<String>,
    /// Functions that may run at once, 1 or more (function). [default: the quota in the book]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1.0))]
    pub concurrency: Option<f64>,
    /// Speed of one virtual CPU relative to one measured core, as a 90 % range `[low, high]` above 0.
    /// [default: [0.85, 1.15], not calibrated]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<[f64; 2]>,
    /// Commitments of the book to buy, by name, each with the number of units.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub commitments: BTreeMap<String, u32>,
    /// What follows a commitment whose term ends before growth does; terms begin with growth. That of the
    /// main placement also holds for savings plans. [default: renew]
    #[serde(default, skip_serializing_if = "AfterTerm::is_renew")]
    pub after_term: AfterTerm,
    /// Instances that run on spot capacity, which the provider may take away (vm, container). [default: none]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<Spot>,
}

/// What follows a commitment whose term has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AfterTerm {
    /// The same commitment at the same price.
    #[default]
    Renew,
    /// The list price.
    OnDemand,
}

impl AfterTerm {
    fn is_renew(&self) -> bool {
        *self == Self::Renew
    }
}

/// Instances that run on spot capacity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spot {
    /// Share of the instances that run; whole instances, rounded down. The others cost the list price, or
    /// what a commitment asks.
    pub share: Share,
    /// Price of one for an hour, in the book's currency. [default: the spot price in the book]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<QuotedDecimal>,
    /// Instances kept for those that the provider takes away, as a share of the spot instances, rounded up;
    /// they run on spot too. [default: 0]
    #[serde(default = "nothing")]
    pub reserve: Share,
}

impl Placement {
    /// Share of capacity to keep free, 0-1, over all purposes.
    ///
    /// # Formula
    /// With a headroom, `1 - (1 - queueing) (1 - forecast)`.
    #[must_use]
    pub fn reserve(&self) -> f64 {
        match (&self.headroom, self.reserve) {
            (Some(headroom), _) => 1.0 - (1.0 - headroom.queueing.get()) * (1.0 - headroom.forecast.get()),
            (None, Some(reserve)) => reserve.get(),
            (None, None) => DEFAULT_RESERVE,
        }
    }

    /// Units beyond those needed, as many as may fail at once.
    #[must_use]
    pub fn spare(&self) -> u32 {
        self.headroom
            .as_ref()
            .map_or(self.spare, |headroom| headroom.failure)
    }

    /// First part of the names of the meters that it pays at a provider.
    #[must_use]
    pub fn host_at(&self, provider: &str) -> String {
        self.host.clone().unwrap_or_else(|| {
            let known = match (self.platform, provider) {
                (Platform::Task, "aws") => "fargate",
                (_, "aws") => "lambda",
                (_, "cloudflare") => "workers",
                (_, "azure") => "functions",
                (_, "gcp") => "cloudrun",
                (_, provider) => provider,
            };
            known.to_owned()
        })
    }

    /// Largest number of units that carry load; `None` without a limit.
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

    /// Name of the book of each placement, the main one first, then of each meter that has one of its own;
    /// names may repeat.
    pub fn books(&self) -> impl Iterator<Item = &str> {
        let placed = self.placements().map(|placement| self.book_of(placement));
        placed.chain(self.meters.values().filter_map(MeterUse::book))
    }
}

/// Share of capacity to keep free if the study says nothing: utilisation up to 70 %, a common rule of thumb.
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

/// Kind of platform that a tier runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Virtual machines, each paid by the hour.
    Vm,
    /// Containers of a stated size on nodes that are paid by the hour; as many to a node as fit.
    Container,
    /// Tasks of a stated size, paid by virtual CPU and memory (Fargate).
    Task,
    /// A function host, paid by request and by memory-seconds or processor time.
    Function,
    /// A managed database: one instance, which grows by a larger type and not by number.
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

    /// The word for one unit.
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

/// When the number of units changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scaling {
    /// With the number of customers: the units that the busiest hour needs run all the time.
    #[default]
    Growth,
    /// Every hour, with the weekly profile: autoscaling.
    Hourly,
}

impl Scaling {
    fn is_growth(&self) -> bool {
        *self == Self::Growth
    }
}

/// Capacity to keep free, by purpose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Headroom {
    /// Share of capacity to keep free so that requests do not queue. [default: 0]
    #[serde(default = "nothing")]
    pub queueing: Share,
    /// Share of the remaining capacity to keep free for load that comes sooner than forecast. [default: 0]
    #[serde(default = "nothing")]
    pub forecast: Share,
    /// Units that may fail while the others carry the load. [default: 0]
    #[serde(default)]
    pub failure: u32,
}

fn nothing() -> Share {
    Share::new(0.0).expect("0 lies in 0-1")
}

/// How often requests meet a cold start, and how long it takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColdStart {
    /// Share of the requests that meet a cold start.
    pub share: Share,
    /// Time that a cold start adds to the response, in milliseconds, 0 to 900,000; it is billed too.
    #[schemars(range(min = 0.0, max = 900000.0))]
    pub extra_ms: f64,
}

/// What drives a meter: one word, or a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum MeterUse {
    /// One unit of the meter for each of what is counted.
    Driver(Driver),
    /// A stated number of units for each, or only of some behaviours.
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
            Self::Detailed(detailed) => detailed.times.unwrap_or(1.0),
        }
    }

    /// The count that drives it, for the driver `counts`.
    #[must_use]
    pub fn count(&self) -> Option<&str> {
        self.detailed()?.count.as_deref()
    }

    /// The count that is part of that one and is not paid by this meter.
    #[must_use]
    pub fn without(&self) -> Option<&str> {
        self.detailed()?.without.as_deref()
    }

    /// Every count that it names.
    pub fn named_counts(&self) -> impl Iterator<Item = &str> {
        self.count().into_iter().chain(self.without())
    }

    /// Name of the meter in its book, if it is not the key.
    #[must_use]
    pub fn meter(&self) -> Option<&str> {
        self.detailed()?.meter.as_deref()
    }

    /// Name of its book, if it is not the configuration's.
    #[must_use]
    pub fn book(&self) -> Option<&str> {
        self.detailed()?.book.as_deref()
    }

    /// Requests that use one connection.
    #[must_use]
    pub fn requests_per_connection(&self) -> f64 {
        self.detailed()
            .and_then(|detailed| detailed.requests_per_connection)
            .unwrap_or(1.0)
    }

    /// Resources to each of which the book gives what it includes.
    #[must_use]
    pub fn resources(&self) -> f64 {
        self.detailed()
            .and_then(|detailed| detailed.resources)
            .unwrap_or(1.0)
    }

    fn detailed(&self) -> Option<&DetailedUse> {
        match self {
            Self::Driver(_) => None,
            Self::Detailed(detailed) => Some(detailed),
        }
    }

    /// Whether a behaviour is named as one to count.
    #[must_use]
    pub fn names(&self, behaviour: &str) -> bool {
        self.detailed()
            .is_some_and(|detailed| detailed.behaviours.iter().any(|one| one == behaviour))
    }

    /// Whether a behaviour is counted.
    #[must_use]
    pub fn counts(&self, behaviour: &str) -> bool {
        match self {
            Self::Driver(_) => true,
            Self::Detailed(detailed) => detailed.behaviours.is_empty() || self.names(behaviour),
        }
    }
}

/// What drives a meter, in detail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetailedUse {
    /// What is counted.
    pub driver: Driver,
    /// Units of the meter for each of what is counted, 0 to 1e15; with `fixed`, units a month. [default: 1]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub times: Option<f64>,
    /// The count of the behaviours that drives the meter (counts; required there).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<String>,
    /// A count that is part of `count`, such as tokens from a cache, and is paid by another meter (counts).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without: Option<String>,
    /// Count only these behaviours (requests, executions, counts, bytes_sent, largest). [default: all]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behaviours: Vec<String>,
    /// Price book of the meter, by provider and region: `"cloudflare/global"`. [default: the configuration's
    /// book]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub book: Option<String>,
    /// Name of the meter in its book, where the key is another name. [default: the key]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter: Option<String>,
    /// Requests that use one connection to a load balancer, 1 or more (largest). [default: 1: every request
    /// opens a connection]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1.0))]
    pub requests_per_connection: Option<f64>,
    /// Volumes, tasks or other resources to each of which the book gives what it includes, above 0.
    /// [default: 1]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub resources: Option<f64>,
}

impl DetailedUse {
    /// Whether the study says how many units there are for each of what is counted.
    #[must_use]
    pub fn states_times(&self) -> bool {
        self.times.is_some()
    }
}

/// What drives a meter: the quantity that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// All the time, in the meter's unit of time: 730 for `h` and `vCPU*h`, 1 for `month` and `GB*month`.
    Hours,
    /// A fixed quantity each month.
    Fixed,
    /// Requests made in the month.
    Requests,
    /// Executions of behaviours in the month.
    Executions,
    /// What executions add to one of the behaviours' `counts` in the month; `count` names it.
    Counts,
    /// Bytes sent to customers in the month.
    BytesSent,
    /// Units that run, as long as they run, in the meter's unit of time: unit-hours for `h` and `vCPU*h`,
    /// unit-months for `month`, `GB*month` and where time is no part of the unit.
    Instances,
    /// Items stored (`[data]`), each month.
    Stored,
    /// The largest quantity of a compound meter (load balancers), hour by hour.
    Largest,
    /// Customers, each month.
    Customers,
}

impl Driver {
    /// The word for it in a study.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Hours => "hours",
            Self::Fixed => "fixed",
            Self::Requests => "requests",
            Self::Executions => "executions",
            Self::Counts => "counts",
            Self::BytesSent => "bytes_sent",
            Self::Instances => "instances",
            Self::Stored => "stored",
            Self::Largest => "largest",
            Self::Customers => "customers",
        }
    }

    /// What it counts, in words.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Hours => "the hours of a month",
            Self::Fixed => "a fixed quantity",
            Self::Requests => "requests",
            Self::Executions => "executions",
            Self::Counts => "counts",
            Self::BytesSent => "bytes",
            Self::Instances => "instances",
            Self::Stored => "stored items",
            Self::Largest => "capacity units",
            Self::Customers => "customers",
        }
    }

    /// Whether each behaviour has a part of its own in it.
    #[must_use]
    pub fn is_by_behaviour(self) -> bool {
        matches!(
            self,
            Self::Requests | Self::Executions | Self::Counts | Self::BytesSent | Self::Largest
        )
    }
}

/// Work of people that a configuration takes each month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct People {
    /// Hours of work each month.
    pub hours: QuotedDecimal,
    /// Cost of an hour, in the study's currency.
    pub rate: QuotedDecimal,
}

/// One-off cost of moving to a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// The amount, in the study's currency.
    pub amount: QuotedDecimal,
    /// 90 % range of the amount, `[low, high]`. [default: the amount is exact]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[QuotedDecimal; 2]>,
    /// What the money is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
