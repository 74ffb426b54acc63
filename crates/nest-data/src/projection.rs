//! What N customers cost, where the system breaks, when, and what would change that.

mod bill;
mod chart;
mod compare;
pub mod explanation;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    caveat::Caveat,
    document::{Document, Header},
    estimate::Estimate,
    measurement::Machine,
    price_book::Confidence,
    scaling::{ForecastCheck, MeasuredPoint},
    study::{About, Platform},
    units::QuotedDecimal,
};

pub use self::{
    bill::{Bill, CostDriver, CostLine, DriverKind, DriverShare, FeeBill},
    chart::{Axis, Chart, Curve, Scatter},
    compare::{
        BreakEven, Comparison, ConfigTotal, Crossover, GrowthProjection, Payback, Regret, SegmentProjection,
        Sensitivity, SharedLimit, WhyNot,
    },
};

/// A projection of one study on its configurations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Projection {
    /// Kind, format and writer.
    pub header: Header,
    /// The day it is made for.
    pub as_of: Date,
    /// What the study is about.
    pub study: About,
    /// The model it rests on.
    pub model: ModelSource,
    /// Growth scenario that gives the dates.
    pub growth: Option<String>,
    /// Figures of the report's first sentence; `None` if the study has no configuration.
    pub headline: Option<Headline>,
    /// Service demand, a row per resource and behaviour.
    pub demand: Vec<DemandRow>,
    /// Executions per customer and day, by behaviour.
    pub rates_per_day: Vec<(String, f64)>,
    /// Each configuration.
    pub configs: Vec<ConfigProjection>,
    /// Each policy change, on the headline configuration.
    pub policies: Vec<PolicyProjection>,
    /// Configurations side by side; `None` if there is only one.
    #[serde(default)]
    pub comparison: Option<Comparison>,
    /// Each growth scenario, on the headline configuration.
    #[serde(default)]
    pub growths: Vec<GrowthProjection>,
    /// How the headline moves with each of its inputs, the largest move first.
    #[serde(default)]
    pub sensitivity: Vec<Sensitivity>,
    /// Each kind of customers, on the headline configuration.
    #[serde(default)]
    pub segments: Vec<SegmentProjection>,
    /// What the report draws.
    pub charts: Vec<Chart>,
    /// The measured steps.
    pub points: Vec<MeasuredPoint>,
    /// Forecasts against steps that were left out of the fit.
    pub checks: Vec<ForecastCheck>,
    /// The price books used.
    pub books: Vec<BookUse>,
    /// Doubts, including those of measurement and fit.
    pub caveats: Vec<Caveat>,
}

impl Document for Projection {
    const KIND: &'static str = "nest.projection";
    const FORMAT: u32 = 2;
    const OLDEST_FORMAT: u32 = 2;
    const MADE_BY_VERB: &str = "project";
}

/// Where the model comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSource {
    /// Run it was fitted from.
    pub run: String,
    /// When that run started, ISO 8601 in UTC.
    pub measured_at: String,
    /// SHA-256 of what was measured.
    pub measured_hash: String,
    /// The machine it was measured on.
    pub machine: Machine,
    /// Largest customer count of a valid step.
    pub tested_customers: f64,
}

/// The figures of the report's first sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Headline {
    /// Customers it speaks of.
    pub customers: f64,
    /// Configuration it speaks of.
    pub config: String,
    /// Cost of 1,000 customers for a month.
    pub per_1000: MoneyEstimate,
    /// First break point of that configuration.
    pub break_point: Option<BreakPoint>,
    /// Customers up to which break points were searched for.
    pub searched_to: f64,
}

/// Money with its interval: the value is decimal, the interval from draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MoneyEstimate {
    /// Point estimate: every input at its central value; exact.
    pub value: QuotedDecimal,
    /// 5 % quantile of the draws.
    pub low: f64,
    /// 95 % quantile of the draws.
    pub high: f64,
    /// Whether lines without a price are missing from the value, so that the true cost is higher.
    pub at_least: bool,
}

/// Service demand of one behaviour on one resource, or use without load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DemandRow {
    /// Tier and kind: `app/cpu`.
    pub resource: String,
    /// The behaviour; `idle` for use without load.
    pub behaviour: String,
    /// Unit: `s` or `bytes` per execution, per second for idle.
    pub unit: String,
    /// The demand.
    pub estimate: Estimate,
    /// Whether behaviours may be told apart on this resource.
    pub separable: bool,
}

/// One configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfigProjection {
    /// Its name.
    pub name: String,
    /// What it is, in a sentence.
    #[serde(default)]
    pub description: Option<String>,
    /// Platform of the main tier.
    pub platform: Platform,
    /// Instance types or function sizes, in words.
    pub shape: String,
    /// The price book of its main tier.
    pub book: String,
    /// ISO 4217 code of its amounts.
    pub currency: String,
    /// The bill at the headline's customers.
    pub bill: Bill,
    /// Response times at the headline's customers.
    #[serde(default)]
    pub performance: Vec<Performance>,
    /// One-off cost of moving to the configuration.
    #[serde(default)]
    pub migration: Option<QuotedDecimal>,
    /// Month by month under growth.
    pub months: Vec<MonthProjection>,
    /// Every break point, the nearest first.
    pub break_points: Vec<BreakPoint>,
}

/// A quantile of the response time of one behaviour on a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Performance {
    /// The behaviour.
    pub behaviour: String,
    /// Quantile, 0-1.
    pub quantile: f64,
    /// Response time in seconds.
    pub seconds: Estimate,
    /// Utilisation of the resource for which it queues, 0-1; `None` on functions, which do not queue.
    pub utilisation: Option<f64>,
}

/// One month of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MonthProjection {
    /// First day of the month.
    pub date: Date,
    /// Customers on that day.
    pub customers: Estimate,
    /// Instances on that day (vm).
    pub instances: Option<Estimate>,
    /// Cost of the month: the mean of its two ends, with what was paid ahead spread over its term.
    pub cost: MoneyEstimate,
    /// What is paid in the month, where something is paid ahead.
    #[serde(default)]
    pub cash: Option<QuotedDecimal>,
    /// What third parties take in the month.
    #[serde(default)]
    pub fees: Option<MoneyEstimate>,
    /// Cost of 1,000 customers.
    pub per_1000: MoneyEstimate,
    /// Whether it lies beyond what was measured.
    pub extrapolated: bool,
}

/// Smallest number of customers at which something fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BreakPoint {
    /// What kind of limit it is.
    pub kind: BreakKind,
    /// What binds: a resource, an objective, a quota.
    pub cause: String,
    /// Customers at which it fails; `None` if it does not fail up to `searched_to`.
    pub customers: Option<Estimate>,
    /// Whether the upper end of that interval lies beyond `searched_to`, where nothing is claimed; it is cut
    /// off there.
    #[serde(default)]
    pub open_above: bool,
    /// Share of draws in which this is the first to fail, 0-1; 0 for what is no failure.
    pub probability: f64,
    /// Share of draws in which it fails below the searched range, 0-1.
    pub reached: f64,
    /// Whether it lies beyond what was measured.
    pub extrapolated: bool,
    /// When growth reaches it.
    pub date: Option<BreakDate>,
}

/// The nearest failure in the central world with its customers; none where nothing fails below the searched
/// range.
#[must_use]
pub fn first_break(points: &[BreakPoint]) -> Option<(&BreakPoint, &Estimate)> {
    points
        .iter()
        .filter(|point| point.kind.is_failure())
        .find_map(|point| Some((point, point.customers.as_ref()?)))
}

/// Kinds of break point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakKind {
    /// Utilisation of 1.
    Saturation,
    /// Utilisation above 1 - reserve.
    OverReserve,
    /// A response-time objective is missed.
    Slo,
    /// A quota of the provider is used up.
    Quota,
    /// Waiting begins to grow faster than the work that gets done; no failure.
    Knee,
    /// More customers get less work done.
    Peak,
    /// Executions begin to fail.
    ErrorOnset,
    /// Memory is full.
    Memory,
    /// It costs more than the study allows.
    Budget,
}

impl BreakKind {
    /// The words for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Saturation => "saturation",
            Self::OverReserve => "over reserve",
            Self::Slo => "objective",
            Self::Quota => "quota",
            Self::Knee => "knee",
            Self::Peak => "peak",
            Self::ErrorOnset => "errors",
            Self::Memory => "memory",
            Self::Budget => "budget",
        }
    }

    /// Whether something fails there; a knee is worth knowing and no more.
    #[must_use]
    pub fn is_failure(self) -> bool {
        self != Self::Knee
    }
}

/// The date on which growth reaches a break point; `None` if it does not within the scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakDate {
    /// For the point estimate.
    pub value: Option<Date>,
    /// Earliest, 5 % of draws.
    pub low: Option<Date>,
    /// Latest, 95 % of draws; none where that is after the scenario's end.
    pub high: Option<Date>,
}

/// A policy change on one configuration, before and after on the same draws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyProjection {
    /// Its name.
    pub name: String,
    /// What it is, in a sentence.
    pub description: Option<String>,
    /// Parameters it sets, before and after.
    pub parameters: Vec<(String, f64, f64)>,
    /// Executions per customer and day that it changes, before and after.
    pub rates_per_day: Vec<(String, f64, f64)>,
    /// Open items per customer that it changes, by mechanism, before and in the long run after.
    #[serde(default)]
    pub open_items: Vec<(String, f64, f64)>,
    /// Configuration it is shown on.
    pub config: String,
    /// Customers it is shown at.
    pub customers: f64,
    /// Cost of 1,000 customers before.
    pub before: MoneyEstimate,
    /// Cost of 1,000 customers after.
    pub after: MoneyEstimate,
    /// Change of it, paired by draw.
    pub change: MoneyEstimate,
    /// Fees of 1,000 customers before, after, and their change; `None` if the study has no fees.
    #[serde(default)]
    pub fees: Option<[MoneyEstimate; 3]>,
    /// First break point before, in customers.
    pub break_before: Option<Estimate>,
    /// First break point after, in customers.
    pub break_after: Option<Estimate>,
    /// Change of busy-seconds per customer and day on the binding resource, relative, paired by draw.
    pub demand_change: Estimate,
    /// The day on which it begins; `None` if it is shown as if it had always been in force.
    #[serde(default)]
    pub from: Option<Date>,
    /// Month by month under growth, where it has a date.
    #[serde(default)]
    pub months: Vec<PolicyMonth>,
}

/// One month of a dated policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyMonth {
    /// First day of the month.
    pub date: Date,
    /// Share of customers that are under it on that day, 0-1.
    pub adopted: f64,
    /// Open items per customer on that day, by mechanism: they follow with a delay of about one payment.
    pub open_items: Vec<(String, f64)>,
    /// Cost of the month after, less what it would be before; paired by draw.
    pub change: MoneyEstimate,
    /// Change of the month's fees; `None` if the study has no fees.
    #[serde(default)]
    pub fees: Option<MoneyEstimate>,
}

/// A price book that was used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BookUse {
    /// Provider and region.
    pub name: String,
    /// Sources of the prices used.
    pub sources: Vec<SourceUse>,
    /// Age of the oldest of them, in days.
    pub oldest_days: i64,
}

/// A source of prices that was used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceUse {
    /// Its name in the book in brackets, and what it is.
    pub title: String,
    /// Where it is.
    pub url: Option<String>,
    /// When it was seen, as written.
    pub observed_on: String,
    /// How direct it is.
    pub confidence: Confidence,
}
