//! What N customers cost, where the system breaks, when, and what would change that.

mod bill;
mod chart;
mod compare;
pub mod explanation;
pub mod gate_report;
mod lever;
mod limit;
mod policy;
mod price_row;
pub mod runs_report;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    caveat::Caveat,
    document::{Document, Header},
    estimate::Estimate,
    measurement::{GeneratorMachine, Machine},
    price_book::Confidence,
    scaling::{ForecastCheck, MeasuredPoint},
    study::{About, Platform},
    units::QuotedDecimal,
};

pub use self::{
    bill::{Bill, CostDriver, CostLine, DriverKind, DriverShare, FeeBill, QuantityBasis},
    chart::{Axis, Chart, Curve, Scatter},
    compare::{
        BreakEven, Comparison, ConfigTotal, Crossover, GrowthProjection, Payback, Regret, SegmentProjection,
        SharedLimit, WhyNot,
    },
    lever::{Action, Lever, LeverSetting, RangeBasis, Sensitivity},
    limit::{BreakDate, BreakKind, BreakPoint, LimitNature, first_break},
    policy::{PolicyMonth, PolicyProjection, PolicyTotals, SpreadShare},
    price_row::PriceRow,
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
    /// Keys of the study and the values that they had for this projection instead of those in nest.toml
    /// (`--set`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<(String, String)>,
    /// The model it rests on.
    pub model: ModelSource,
    /// Growth scenario that gives the dates.
    pub growth: Option<String>,
    /// Figures of the report's first sentence; `None` if the study has no configuration.
    pub headline: Option<Headline>,
    /// Service demand, a row per resource and behaviour.
    pub demand: Vec<DemandRow>,
    /// What executions add to counts, a row per behaviour and count.
    #[serde(default)]
    pub counts: Vec<CountRow>,
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
    /// How the first limit, the total and the cost at the end move with each input, the largest move first;
    /// empty if it was not asked for.
    #[serde(default)]
    pub sensitivity: Vec<Sensitivity>,
    /// What would move a limit that the study chose itself; empty if it was not asked for.
    #[serde(default)]
    pub levers: Vec<Lever>,
    /// What to do next, the most urgent first.
    #[serde(default)]
    pub actions: Vec<Action>,
    /// Every price on the bills at the headline's customers, with its age and what rests on it.
    #[serde(default)]
    pub prices: Vec<PriceRow>,
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

impl Projection {
    /// The measured steps that put load on the target: all but the idle one.
    pub fn loaded_points(&self) -> impl Iterator<Item = &MeasuredPoint> {
        self.points.iter().filter(|point| point.offered_per_s > 0.0)
    }
}

impl Document for Projection {
    const KIND: &'static str = "nest.projection";
    const FORMAT: u32 = 3;
    const OLDEST_FORMAT: u32 = 3;
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
    /// The machines of workers that offered the load; none if it came from `machine`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub generators: Vec<GeneratorMachine>,
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
    /// Customers up to which limits are searched: the larger of four times what was tested and the end of the
    /// growth scenario's 95 % path.
    pub searched_to: f64,
    /// Whether the study says how many customers there are; if not, these are the most that were tested with
    /// room.
    #[serde(default)]
    pub customers_stated: bool,
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
    /// Mean of the draws, where the value lies outside of their interval: there most draws are on one side of
    /// a step and the point estimate on the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
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

/// What one execution of a behaviour adds to a count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountRow {
    /// The behaviour.
    pub behaviour: String,
    /// The count.
    pub count: String,
    /// How much it is.
    pub estimate: Estimate,
    /// Whether the behaviour states it; if not, it was measured.
    pub stated: bool,
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
    /// Cost of all these months, without fees and migration; `None` if nothing grows.
    #[serde(default)]
    pub total: Option<MoneyEstimate>,
    /// When growth adds each unit.
    #[serde(default)]
    pub unit_steps: Vec<UnitStep>,
    /// Every break point, the nearest first.
    pub break_points: Vec<BreakPoint>,
    /// Share of draws in which nothing fails by the end of growth, 0-1; at the headline's customers if
    /// nothing grows.
    pub lasts: f64,
    /// The same, if every limit of the study's own choice is moved out of the way.
    pub lasts_with_levers: f64,
}

/// The need of one more unit as customers grow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitStep {
    /// Resource whose units are counted: `app/cpu`.
    pub resource: String,
    /// Units that are there from then on, spare ones among them.
    pub units: f64,
    /// Customers from which on they are needed.
    pub customers: Estimate,
    /// When growth reaches them.
    pub date: BreakDate,
    /// Share of draws in which growth reaches them, 0-1.
    #[serde(default)]
    pub reached: f64,
    /// Whether the configuration allows so many.
    pub allowed: bool,
    /// List price of the unit for a month, on the day on which it is needed; `None` if it is not known, or if
    /// the unit runs only in some hours.
    #[serde(default)]
    pub unit_month: Option<QuotedDecimal>,
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
    /// 25 % and 75 % quantiles of the customers.
    pub customers_quartiles: [f64; 2],
    /// Cost of the month: the mean of its two ends, with what was paid ahead spread over its term.
    pub cost: MoneyEstimate,
    /// 25 % and 75 % quantiles of the cost.
    pub cost_quartiles: [f64; 2],
    /// What the cost is paid for, in the point estimate; sums to the value of `cost` for each kind.
    #[serde(default)]
    pub drivers: Vec<DriverShare>,
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
    /// Age on the day of the projection, in days.
    #[serde(default)]
    pub age_days: i64,
    /// How direct it is.
    pub confidence: Confidence,
}
