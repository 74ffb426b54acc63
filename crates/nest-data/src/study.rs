//! The study: who the customers are, what they do, how the target is measured, and which servers to price.
//!
//! [`Study`] is the shape of `nest.toml` and of the study that every measurement embeds. Its doc comments are
//! the reference of the keys: `locust-nest schema` prints them.

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
    behaviour::{BehaviourSpec, locustfile::Locust},
    config::Config,
    customers::Customers,
    fee::Fee,
    feed::FeedSource,
    measure::{Measure, gate::Gate},
    mechanism::Mechanism,
    segment::Segment,
    stored_data::StoredData,
};
pub use self::{
    config::{Driver, Placement, Platform},
    growth::{GrowthScenario, GrowthStart},
    probe::{Probe, ProbeKind},
    target::{Target, is_loopback},
};
use crate::{
    formula::Rate,
    toml_document::Spans,
    units::{CalendarSpan, DateText, QuotedDecimal, Seconds, Share},
};

/// Where each key of a study stands in its text: equal to every other, because it says nothing of the study.
#[derive(Debug, Clone, Default)]
pub struct StudyPlaces(Spans);

impl StudyPlaces {
    pub(crate) fn new(spans: Spans) -> Self {
        Self(spans)
    }

    pub(crate) fn spans(&self) -> &Spans {
        &self.0
    }

    /// A finding at the value of a path, for what only a machine or another file can tell of it.
    #[must_use]
    pub fn finding(&self, path: &[&str], message: &str, help: &str) -> crate::Diagnostic {
        self.0.at_value(path, message, help)
    }

    /// Where the value of a path stands in `text`, from which the study was read: `nest.toml:15`, or the
    /// `--set` that gave it.
    #[must_use]
    pub fn of(&self, path: &[&str], text: &str) -> String {
        let found = self.0.at_value(path, "", "");
        match text.get(..found.span.start) {
            Some(before) if !found.file.starts_with("--set ") => {
                format!("{}:{}", found.file, before.matches('\n').count() + 1)
            }
            _ => format!("--set {}", path.join(".")),
        }
    }
}

impl PartialEq for StudyPlaces {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A whole study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "locust-nest study (nest.toml)")]
pub struct Study {
    /// Format of this file: 1.
    #[schemars(range(min = 1, max = 1))]
    pub nest: u32,
    /// Name of the study, who its customers are, and its currency.
    pub study: About,
    /// The system under load.
    pub target: Target,
    /// How the executions of all customers spread over time and become load.
    pub customers: Customers,
    /// Numbers that formulas use, by name: `min_payment = 10`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Parameter>,
    /// Small amounts that fall due one by one and are paid together once they reach a minimum, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mechanisms: BTreeMap<String, Mechanism>,
    /// How often one customer executes each behaviour: `pay = "0.3 / day"`, or a formula of the parameters.
    pub rates: BTreeMap<String, Rate>,
    /// Kinds of customers that act or pay differently, by name. [default: all customers act at the rates of
    /// `[rates]`]
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub segments: BTreeMap<String, Segment>,
    /// Tables from which behaviours take values, by name. A template names a column: `{{ NAME.COLUMN }}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub feeds: BTreeMap<String, FeedSource>,
    /// Behaviours that are tasks of a locustfile, instead of files in `behaviours/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locust: Option<Locust>,
    /// How `measure` loads the target: steps, windows, limits.
    #[serde(default)]
    pub measure: Measure,
    /// Data stored in the target: the sizes at which it is measured, and what makes it grow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<StoredData>,
    /// Where the use of resources is read, by probe name.
    /// [default: CPU, memory and disk of the process that listens on the port of the base URL]
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub probes: BTreeMap<String, Probe>,
    /// Service-level objectives that the target must meet, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slo: BTreeMap<String, Slo>,
    /// Server configurations to price and compare, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub configs: BTreeMap<String, Config>,
    /// Fees that third parties charge for each execution of a behaviour, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fees: BTreeMap<String, Fee>,
    /// Dated rates of exchange into the study's currency, by the currency of a price book: `[exchange.EUR]`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exchange: BTreeMap<String, Exchange>,
    /// What a configuration may cost at most.
    #[serde(default, skip_serializing_if = "Budget::is_none")]
    pub budget: Budget,
    /// Growth scenarios, by name: how the number of customers changes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub growth: BTreeMap<String, GrowthScenario>,
    /// Policy changes, by name: other values of parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<String, Policy>,
    /// The configuration, growth scenario and customer count of the report's first sentence.
    #[serde(default)]
    pub report: Report,
    /// How `check` compares two versions of the target. [default: 5 % more service demand is tolerated]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Gate>,
    /// The behaviours, one file each in `behaviours/`; not a key of `nest.toml`.
    #[serde(default)]
    #[schemars(skip)]
    pub behaviours: BTreeMap<String, BehaviourSpec>,
    /// Where each key stands in the text that the study was read from.
    #[serde(skip)]
    pub places: StudyPlaces,
}

/// Name of the study, who its customers are, and its currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Name of the study in reports.
    pub name: String,
    /// Who counts as one customer, in words. Reports print it beside customer counts.
    pub customer: String,
    /// ISO 4217 code of the currency of every amount in the study. [default: USD]
    #[serde(default = "usd")]
    pub currency: String,
    /// Seed of every random number: equal studies give equal plans, arrivals and draws. [default: 0]
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

/// A number that formulas use: the number alone, or a table with its range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Parameter {
    /// The value; taken as exact.
    Value(f64),
    /// The value, with the range in which it lies.
    Detailed(DetailedParameter),
}

/// A parameter with its range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetailedParameter {
    /// Point estimate of the parameter.
    pub value: f64,
    /// 90 % range `[low, high]` around the value. [default: the value is exact]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
    /// What the parameter is, or where its value comes from; for readers only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Parameter {
    /// Point estimate.
    #[must_use]
    pub fn value(&self) -> f64 {
        match self {
            Self::Value(value) => *value,
            Self::Detailed(detailed) => detailed.value,
        }
    }

    /// 90 % range `[low, high]`; `None` for an exact value.
    #[must_use]
    pub fn range(&self) -> Option<[f64; 2]> {
        match self {
            Self::Value(_) => None,
            Self::Detailed(detailed) => detailed.range,
        }
    }
}

/// A service-level objective: limits on response time and on failures. At least one response-time limit is
/// needed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// The behaviour that must meet the objective. [default: every behaviour]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applies_to: Option<String>,
    /// Time within which 50 % of the requests are answered: `"100ms"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50: Option<Seconds>,
    /// Time within which 95 % of the requests are answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<Seconds>,
    /// Time within which 99 % of the requests are answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99: Option<Seconds>,
    /// Largest share of the requests that may fail or be dropped.
    /// [default: `measure --search` accepts 1 %; forecasts set no limit]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<Share>,
}

impl Slo {
    /// The quantiles (0-1) that have a limit, each with its limit in seconds.
    #[must_use]
    pub fn limits(&self) -> Vec<(f64, f64)> {
        [(0.5, self.p50), (0.95, self.p95), (0.99, self.p99)]
            .into_iter()
            .filter_map(|(quantile, limit)| limit.map(|limit| (quantile, limit.get())))
            .collect()
    }
}

/// A rate of exchange from another currency into the study's currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Units of the study's currency that one unit of the other currency buys, above 0.
    pub rate: QuotedDecimal,
    /// The day on which the rate was observed.
    #[schemars(with = "DateText")]
    pub date: Date,
    /// Where the rate was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// What a configuration may cost at most. The customer count at which it costs more is a break point.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// Highest monthly cost of infrastructure per 1,000 customers, in the study's currency.
    /// [default: no limit]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_1000: Option<QuotedDecimal>,
    /// Highest monthly cost of infrastructure in total, in the study's currency. [default: no limit]
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
    /// What the policy changes, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The new values, by parameter.
    pub set: BTreeMap<String, f64>,
    /// The day on which the policy begins. [default: compared as if it had always been in force]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateText>")]
    pub from: Option<Date>,
    /// Time over which customers come under the policy, evenly: `"2 months"`. [default: all at once]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp: Option<CalendarSpan>,
}

/// The configuration, growth scenario and customer count of the report's first sentence.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Report {
    /// Configuration of the headline. [default: the first by name]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// Growth scenario of the headline. [default: the first by name]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth: Option<String>,
    /// Customer count of the headline, 1 to 1e11. [default: the customers at the start of the growth
    /// scenario; without one, the largest number that was tested with room]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customers: Option<f64>,
}

impl Study {
    /// Executions per second in the busiest minute, for one execution a day.
    ///
    /// # Formula
    /// `peak_hour_share * burst / 3600`.
    #[must_use]
    pub fn busiest_minute_per_s(&self) -> f64 {
        self.customers.peak_hour_share() * self.customers.burst / 3_600.0
    }

    /// SHA-256 of the whole study, hexadecimal. `measure --resume` continues a run only if this is equal.
    #[must_use]
    pub fn hash(&self) -> String {
        sha256(self)
    }

    /// SHA-256 of the parts that a measurement depends on and a forecast cannot change: behaviours with the
    /// files of a locustfile, probes and stored state. Hexadecimal.
    #[must_use]
    pub fn measured_hash(&self) -> String {
        let measured = (
            &self.behaviours,
            &self.probes,
            &self.target.state,
            &self.target.reset,
        );
        let of_files = match &self.data {
            None => sha256(&measured),
            Some(data) => sha256(&(measured, &data.sizes, &data.behaviours)),
        };
        match &self.locust {
            None => of_files,
            Some(locust) => sha256(&(of_files, &locust.file, &locust.args, &locust.sources)),
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
