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
pub mod read;
pub mod segment;
pub mod stored_data;

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    DataError,
    formula::{RATES, Rate},
    study::{
        behaviour::BehaviourSpec,
        config::Config,
        customers::Customers,
        fee::Fee,
        feed::FeedSource,
        growth::{CalendarSpan, DateText},
        measure::Measure,
        mechanism::Mechanism,
        probe::{Collect, Preset},
        segment::{Segment, shares},
        stored_data::StoredData,
    },
    units::{QuotedDecimal, Seconds, Share},
};

pub use crate::study::{
    config::{Driver, Placement, Platform},
    growth::{GrowthScenario, GrowthStart},
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

/// The system under load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Scheme, host and port: `"http://127.0.0.1:8080"`.
    pub base_url: String,
    /// Command that starts the target and stays in the foreground; run by `sh` in the study's folder, ended after the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Path that answers below 400 once the target is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<String>,
    /// Longest wait for the target to be ready.
    #[serde(default = "thirty_seconds")]
    pub ready_within: Seconds,
    /// Hosts besides the loopback ones that may be put under load.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_hosts: Vec<String>,
    /// Whether HTTP/2 is spoken.
    #[serde(default, skip_serializing_if = "is_false")]
    pub http2: bool,
    /// File (PEM, in the study's folder) with certificates to trust besides those that the machine trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Trust any certificate, for a target of one's own whose certificate nobody has signed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub insecure: bool,
    /// Proxy of all requests: `"http://127.0.0.1:3128"`. They take the compatibility path then, which is slower.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Cores that a started target may use, by number; all where missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<Vec<usize>>,
    /// Command that is run between steps, to bring stored data back to where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<String>,
    /// Command that is run once before the first step, to fill the target to a stated data size; where `data.sizes` states
    /// several, once for each of them, with the size in $NEST_SIZE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn thirty_seconds() -> Seconds {
    Seconds::new(30.0).expect("30 is a valid span")
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

/// Where the resource use of one tier is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Tier it belongs to.
    #[serde(default = "app")]
    pub tier: String,
    /// What is read.
    #[serde(default)]
    pub kind: ProbeKind,
    /// The process, by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The process, by a TCP port it listens on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Address of a metrics page in the Prometheus text format: `"http://127.0.0.1:9187/metrics"` (prometheus).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scrape: Option<String>,
    /// Address of a Prometheus server that is asked instead: `"http://127.0.0.1:9090"` (prometheus). Windows must be
    /// much longer than its scrape interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Exporter whose metrics are read, instead of or beside `collect` (prometheus).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// Labels with the values that the preset's series must have: `{ name = "db" }` (prometheus).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub only: BTreeMap<String, String>,
    /// What is read: `{ cpu = "process_cpu_seconds_total", memory = ".." }` (prometheus). What it names replaces the preset's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collect: Option<Collect>,
    /// Cores the tier can use; read from its affinity and its cgroup where missing, and needed for processor time from metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.01))]
    pub cores: Option<f64>,
    /// Disk bytes per second that the tier can move; without it disk has no utilisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_bytes_per_s: Option<f64>,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            tier: app(),
            kind: ProbeKind::default(),
            pid: None,
            port: None,
            scrape: None,
            query: None,
            preset: None,
            only: BTreeMap::new(),
            collect: None,
            cores: None,
            disk_bytes_per_s: None,
        }
    }
}

fn app() -> String {
    "app".to_owned()
}

/// What a probe reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProbeKind {
    /// The process and all its children, from `/proc`.
    #[default]
    Process,
    /// The whole cgroup (v1 or v2) that the process is in.
    Cgroup,
    /// Metrics in the Prometheus text format (`scrape`), or from a Prometheus server (`query`).
    Prometheus,
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
    /// Parameters at their central values.
    #[must_use]
    pub fn parameter_values(&self) -> BTreeMap<String, f64> {
        self.parameters
            .iter()
            .map(|(name, parameter)| (name.clone(), parameter.value()))
            .collect()
    }

    /// Executions per customer and day of each behaviour at given parameters, over all customers as they are at the start of growth.
    ///
    /// # Errors
    /// [`DataError::Formula`] where a formula has no finite value of 0 or more there.
    pub fn rates_per_day(
        &self,
        parameters: &BTreeMap<String, f64>,
    ) -> Result<BTreeMap<String, f64>, DataError> {
        self.rates_after(parameters, 0.0)
    }

    /// The same `months` after the start of growth, when the shares of its segments have changed.
    ///
    /// # Formula
    /// `sum_s share_s(t) rate_s`.
    ///
    /// # Errors
    /// [`DataError::Formula`] where a formula has no finite value of 0 or more there.
    pub fn rates_after(
        &self,
        parameters: &BTreeMap<String, f64>,
        months: f64,
    ) -> Result<BTreeMap<String, f64>, DataError> {
        if self.segments.is_empty() {
            return self.rates_of(&self.rates, parameters);
        }
        let mut mixed: BTreeMap<String, f64> = self.rates.keys().map(|name| (name.clone(), 0.0)).collect();
        for (name, share) in shares(&self.segments, months) {
            for (behaviour, rate) in self.segment_rates(&name, parameters)? {
                *mixed.entry(behaviour).or_default() += share * rate;
            }
        }
        Ok(mixed)
    }

    /// Executions per day of one customer of a segment.
    ///
    /// # Errors
    /// [`DataError::Formula`] where a formula has no finite value of 0 or more there.
    pub fn segment_rates(
        &self,
        segment: &str,
        parameters: &BTreeMap<String, f64>,
    ) -> Result<BTreeMap<String, f64>, DataError> {
        let mut rates = self.rates.clone();
        rates.extend(
            self.segments
                .get(segment)
                .into_iter()
                .flat_map(|segment| segment.rates.clone()),
        );
        self.rates_of(&rates, parameters)
    }

    fn rates_of(
        &self,
        rates: &BTreeMap<String, Rate>,
        parameters: &BTreeMap<String, f64>,
    ) -> Result<BTreeMap<String, f64>, DataError> {
        let mut values = parameters.clone();
        for (name, mechanism) in &self.mechanisms {
            let dues = mechanism.renewal_rates(parameters)?.values();
            values.extend(
                Mechanism::VALUES
                    .iter()
                    .zip(dues)
                    .map(|((field, _), value)| (format!("{name}.{field}"), value)),
            );
        }
        for name in rates.keys() {
            add_rate(rates, name, &mut values, rates.len())?;
        }
        Ok(rates
            .keys()
            .map(|name| (name.clone(), values[&rate_name(name)]))
            .collect())
    }

    /// Whether a name in a formula stands for something: a parameter, a value of a mechanism, or another rate.
    #[must_use]
    pub fn defines(&self, name: &str) -> bool {
        match name.split_once('.') {
            None => self.parameters.contains_key(name),
            Some((RATES, behaviour)) => self.rates.contains_key(behaviour),
            Some((mechanism, value)) => {
                self.mechanisms.contains_key(mechanism)
                    && Mechanism::VALUES.iter().any(|(known, _)| *known == value)
            }
        }
    }

    /// Every name that a rate may use, but units of time.
    #[must_use]
    pub fn names_of_formulas(&self) -> Vec<String> {
        let mechanisms = self.mechanisms.keys().flat_map(|name| {
            Mechanism::VALUES
                .iter()
                .map(move |(value, _)| format!("{name}.{value}"))
        });
        self.parameters
            .keys()
            .cloned()
            .chain(mechanisms)
            .chain(self.rates.keys().map(|name| rate_name(name)))
            .collect()
    }

    /// Items that are open per customer in the long run, by mechanism, at given parameters.
    ///
    /// # Errors
    /// [`DataError::Formula`] where a mechanism has no value there.
    pub fn open_items(&self, parameters: &BTreeMap<String, f64>) -> Result<BTreeMap<String, f64>, DataError> {
        self.mechanisms
            .iter()
            .map(|(name, mechanism)| Ok((name.clone(), mechanism.renewal_rates(parameters)?.open_items)))
            .collect()
    }

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

/// Adds a behaviour's rate to the values of formulas, those that it is made of first. A chain of them is never longer than
/// `depth`, unless it comes round to its beginning.
fn add_rate(
    rates: &BTreeMap<String, Rate>,
    name: &str,
    values: &mut BTreeMap<String, f64>,
    depth: usize,
) -> Result<(), DataError> {
    let Some(rate) = rates.get(name).filter(|_| !values.contains_key(&rate_name(name))) else {
        return Ok(());
    };
    let Some(depth) = depth.checked_sub(1) else {
        return Err(DataError::Formula {
            reason: format!("the rate of `{name}` is made of itself"),
        });
    };
    for used in rate.formula().names() {
        if let Some((RATES, other)) = used.split_once('.') {
            add_rate(rates, other, values, depth)?;
        }
    }
    let per_day = rate.formula().per_day(values)?;
    values.insert(rate_name(name), per_day);
    Ok(())
}

/// How a behaviour's rate is called in formulas.
fn rate_name(behaviour: &str) -> String {
    format!("{RATES}.{behaviour}")
}

fn sha256(value: &impl Serialize) -> String {
    use sha2::{Digest, Sha256};
    let json = serde_json::to_vec(value).expect("studies hold only maps with string keys");
    Sha256::digest(json)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
