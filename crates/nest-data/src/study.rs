//! The study: who the customers are, what they do, how it is measured, and what it is to be priced on.
//!
//! The shape of `nest.toml` and of the study embedded in every measurement.

pub mod behaviour;
pub mod check;
pub mod config;
pub mod customers;
pub mod fee;
pub mod feed;
pub mod growth;
pub mod measure;
pub mod mechanism;
pub mod probe;
pub mod rates;
pub mod read;
pub mod segment;
pub mod stored_data;
pub mod target;

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::{
    behaviour::BehaviourSpec, config::Config, customers::Customers, fee::Fee, feed::FeedSource,
    measure::Measure, mechanism::Mechanism, segment::Segment, stored_data::StoredData,
};
pub use self::{
    config::{Driver, Placement, Platform},
    growth::{GrowthScenario, GrowthStart},
    probe::{Probe, ProbeKind},
    target::{Target, is_loopback},
};
use crate::{
    formula::Rate,
    units::{CalendarSpan, DateText, QuotedDecimal, Seconds, Share},
};

/// A whole study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "locust-nest study (nest.toml)")]
pub struct Study {
    /// Format of this file; 1.
    #[schemars(range(min = 1, max = 1))]
    pub nest: u32,
    /// What the study is about.
    pub study: About,
    /// The system under load.
    pub target: Target,
    /// How executions per customer become load.
    pub customers: Customers,
    /// Numbers that formulas use, such as policy parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Parameter>,
    /// Small amounts that fall due one by one and are paid together, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mechanisms: BTreeMap<String, Mechanism>,
    /// Executions per customer and time of each behaviour: `pay = "0.3 / day"`, or a formula of the parameters.
    pub rates: BTreeMap<String, Rate>,
    /// Kinds of customers that act or pay differently, by name; all act as `[rates]` say without any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub segments: BTreeMap<String, Segment>,
    /// Tables that behaviours take values from, `{{ NAME.COLUMN }}`, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub feeds: BTreeMap<String, FeedSource>,
    /// How it is measured.
    #[serde(default)]
    pub measure: Measure,
    /// Data stored in the target: the sizes that it is measured at, and what it grows by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<StoredData>,
    /// Where resource use is read, by probe name; without one, CPU, memory and disk of the process that serves the base URL.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub probes: BTreeMap<String, Probe>,
    /// Objectives that must hold.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slo: BTreeMap<String, Slo>,
    /// Server configurations to project.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub configs: BTreeMap<String, Config>,
    /// What third parties take for each execution of a behaviour, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fees: BTreeMap<String, Fee>,
    /// Dated rates of exchange into the study's currency, by the currency of a book.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exchange: BTreeMap<String, Exchange>,
    /// What it may cost.
    #[serde(default, skip_serializing_if = "Budget::is_none")]
    pub budget: Budget,
    /// Growth scenarios.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub growth: BTreeMap<String, GrowthScenario>,
    /// Policy changes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<String, Policy>,
    /// What the report leads with.
    #[serde(default)]
    pub report: Report,
    /// The behaviours, one file each in `behaviours/`; not part of `nest.toml`.
    #[serde(default)]
    #[schemars(skip)]
    pub behaviours: BTreeMap<String, BehaviourSpec>,
}

/// What the study is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Name shown in reports.
    pub name: String,
    /// Who counts as one customer; printed beside every number.
    pub customer: String,
    /// ISO 4217 code of every amount in the study.
    #[serde(default = "usd")]
    pub currency: String,
    /// Seed of all randomness.
    #[serde(default)]
    pub seed: u64,
}

fn usd() -> String {
    "USD".to_owned()
}

/// The tier of a probe, a placement or a mechanism that names none.
fn default_tier() -> String {
    "app".to_owned()
}

/// A number that formulas use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Parameter {
    /// Its value.
    Value(f64),
    /// Its value with what is known about it.
    Detailed(DetailedParameter),
}

/// A parameter with its range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetailedParameter {
    /// Central value.
    pub value: f64,
    /// 90 % range; the value is taken as exact without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Parameter {
    /// Central value.
    #[must_use]
    pub fn value(&self) -> f64 {
        match self {
            Self::Value(value) => *value,
            Self::Detailed(detailed) => detailed.value,
        }
    }

    /// 90 % range, where one is given.
    #[must_use]
    pub fn range(&self) -> Option<[f64; 2]> {
        match self {
            Self::Value(_) => None,
            Self::Detailed(detailed) => detailed.range,
        }
    }
}

/// An objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// Behaviour it is for; every behaviour where missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applies_to: Option<String>,
    /// Half of the requests are answered within this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50: Option<Seconds>,
    /// 95 % of the requests are answered within this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<Seconds>,
    /// 99 % of the requests are answered within this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99: Option<Seconds>,
    /// Share of the requests that may fail or be dropped; `measure --search` takes 1 % where missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<Share>,
}

impl Slo {
    /// Quantiles (0-1) with their limits in seconds.
    #[must_use]
    pub fn limits(&self) -> Vec<(f64, f64)> {
        [(0.5, self.p50), (0.95, self.p95), (0.99, self.p99)]
            .into_iter()
            .filter_map(|(quantile, limit)| limit.map(|limit| (quantile, limit.get())))
            .collect()
    }
}

/// What one unit of another currency is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Units of the study's currency.
    pub rate: QuotedDecimal,
    /// The day of the rate.
    #[schemars(with = "DateText")]
    pub date: Date,
    /// Where it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// What a configuration may cost; more is a break point.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// Cost of 1,000 customers for a month, in the study's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_1000: Option<QuotedDecimal>,
    /// Cost of a month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly: Option<QuotedDecimal>,
}

impl Budget {
    fn is_none(&self) -> bool {
        self.per_1000.is_none() && self.monthly.is_none()
    }
}

/// A change of policy: other values of parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// What the change is, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// New values by parameter.
    pub set: BTreeMap<String, f64>,
    /// The day on which it begins; where missing it is shown as if it had always held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateText>")]
    pub from: Option<Date>,
    /// Time in which customers come under it, evenly: `"2 months"`; at once where missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp: Option<CalendarSpan>,
}

/// What the report leads with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Report {
    /// Configuration of the headline; the first by name where missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// Growth scenario of the headline; the first by name where missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth: Option<String>,
    /// Customers of the headline; those at the start of the growth scenario where missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customers: Option<f64>,
}

impl Study {
    /// Factor from executions per day to executions per second in the busiest minute.
    ///
    /// # Formula
    /// `peak_hour_share * burst / 3600`.
    #[must_use]
    pub fn busiest_minute_per_s(&self) -> f64 {
        self.customers.peak_hour_share() * self.customers.burst / 3_600.0
    }

    /// SHA-256 of the whole study, hexadecimal; a run is resumed only for an equal one.
    #[must_use]
    pub fn hash(&self) -> String {
        sha256(self)
    }

    /// SHA-256 of what a measurement depends on and a forecast cannot change: behaviours, probes and stored state.
    #[must_use]
    pub fn measured_hash(&self) -> String {
        let measured = (
            &self.behaviours,
            &self.probes,
            &self.target.state,
            &self.target.reset,
        );
        match &self.data {
            None => sha256(&measured),
            Some(data) => sha256(&(measured, &data.sizes, &data.behaviours)),
        }
    }
}

fn sha256(value: &impl Serialize) -> String {
    use sha2::{Digest, Sha256};
    let json = serde_json::to_vec(value).expect("studies hold only maps with string keys");
    Sha256::digest(json)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
