//! What a comparison of configurations, growth scenarios and kinds of customers says.

use serde::{Deserialize, Serialize};

use super::{BreakDate, BreakKind, LimitNature, MoneyEstimate};
use crate::{estimate::Estimate, study::growth::GrowthEvent, units::QuotedDecimal};

/// Configurations side by side, on the same draws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What the others are compared with.
    pub baseline: String,
    /// Months that totals are over; 1 where nothing grows.
    pub months: u32,
    /// The one to take: of those that last with levers in most draws, the cheapest in the point estimate; of
    /// all if none does.
    pub recommended: String,
    /// Each configuration over those months, migration included.
    pub totals: Vec<ConfigTotal>,
    /// Where one becomes cheaper than another.
    pub crossovers: Vec<Crossover>,
    /// When a migration has paid for itself.
    pub paybacks: Vec<Payback>,
    /// Each configuration's regret in each growth scenario.
    pub regrets: Vec<Regret>,
    /// Prices that are not known, solved for.
    pub break_evens: Vec<BreakEven>,
}

/// The price of a meter at which a configuration costs as much as the baseline: below it is the cheaper one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BreakEven {
    /// The configuration.
    pub config: String,
    /// The meter without a price.
    pub meter: String,
    /// Customers at which it is solved for.
    pub customers: f64,
    /// Units that the price is for.
    pub per: f64,
    /// What one unit is.
    pub unit: String,
    /// The price; below 0 where everything else already costs more than the baseline.
    pub price: Estimate,
}

/// That a configuration breaks on what the baseline breaks on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SharedLimit {
    /// What binds.
    pub cause: String,
    /// By how much the customers at which it does differ from the baseline's, relative.
    pub moved: f64,
}

/// One configuration over all months.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfigTotal {
    /// Its name.
    pub config: String,
    /// What is paid in all, migration included, fees left out.
    pub total: MoneyEstimate,
    /// The same less the baseline's, paired by draw.
    pub change: MoneyEstimate,
    /// Share of draws in which it is the cheapest of all, 0-1. Equal ones share it evenly.
    pub cheapest_of_all: f64,
    /// Share of draws in which it lasts and is the cheapest of those that last, 0-1; where none lasts, no
    /// configuration counts.
    pub cheapest_of_lasting: f64,
    /// The same, with every limit of the study's own choice moved out of the way.
    pub cheapest_with_levers: f64,
    /// Share of draws in which it costs less than the baseline, 0-1; equal ones count half. 0.5 for the
    /// baseline.
    pub cheaper_than_baseline: f64,
    /// Why not this one; empty where nothing is against it.
    pub why_not: Vec<WhyNot>,
    /// What it breaks on, where that is what the baseline breaks on at nearly as many customers.
    pub shared_limit: Option<SharedLimit>,
}

/// A reason against a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum WhyNot {
    /// It costs more than the cheapest of all.
    Dearer {
        /// The cheapest.
        than: String,
        /// By how much, relative.
        by: f64,
    },
    /// It breaks before growth ends.
    Breaks {
        /// What kind of limit it is.
        kind: BreakKind,
        /// What binds.
        cause: String,
        /// Customers at which it does in the point estimate; `None` if that is beyond the searched range.
        customers: Option<f64>,
        /// When, where growth has a date for it.
        date: Option<BreakDate>,
        /// Share of draws in which it does before growth ends, 0-1.
        chance: f64,
        /// Whose limit it is.
        nature: LimitNature,
    },
    /// A tier keeps files on a platform that keeps none, and the study does not say what replaces them.
    LocalState {
        /// The tier.
        tier: String,
    },
    /// Some of its prices are not known, so that it may cost more than is shown.
    Unknown {
        /// Lines without a price.
        lines: usize,
    },
    /// Its migration does not pay for itself within the months.
    NoPayback,
}

/// Where one configuration becomes cheaper than another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Crossover {
    /// Cheaper below.
    pub below: String,
    /// Cheaper above, for as far as was looked.
    pub above: String,
    /// Customers from which on that lasts, with the band over the draws in which there is such a number.
    pub customers: Estimate,
    /// Customers at which it is so for the first time, in the central world: whole units may cross several
    /// times.
    pub first: f64,
    /// Share of draws in which they cross, 0-1.
    pub probability: f64,
    /// Customers up to which it was looked for.
    pub searched_to: f64,
    /// Whether it lies beyond what was measured.
    pub extrapolated: bool,
}

/// When a migration has paid for itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Payback {
    /// What is migrated to.
    pub config: String,
    /// What the migration costs, in the point estimate; its stated range is drawn.
    pub migration: QuotedDecimal,
    /// What is saved in the first month, against the baseline, paired by draw.
    pub first_month: MoneyEstimate,
    /// Months until savings have added up to it; none where they do not within the months looked at.
    pub months: Option<Estimate>,
    /// Share of draws in which they do, 0-1.
    pub probability: f64,
}

/// How much more a configuration costs than the best one would, in one growth scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Regret {
    /// The growth scenario.
    pub growth: String,
    /// The configuration.
    pub config: String,
    /// What is paid in all, central world.
    pub total: QuotedDecimal,
    /// Whether a price that it needs is missing, so that it is paid at least so much.
    #[serde(default)]
    pub at_least: bool,
    /// Above the cheapest of all, in the point estimate.
    pub regret: QuotedDecimal,
    /// 5 % and 95 % quantiles of the regret over the draws.
    pub interval: [f64; 2],
    /// Share of draws in which nothing of it fails before growth ends, 0-1.
    pub lasts: f64,
}

/// One growth scenario on the headline's configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GrowthProjection {
    /// Its name.
    pub name: String,
    /// Months that it covers.
    pub months: u32,
    /// Customers at its start.
    pub start: Estimate,
    /// Customers at its end.
    pub end: Estimate,
    /// Cost of all months.
    pub total: MoneyEstimate,
    /// Cost of 1,000 customers in its last month.
    pub per_1000: MoneyEstimate,
    /// What breaks first.
    pub cause: Option<String>,
    /// When that is.
    pub date: Option<BreakDate>,
    /// Share of draws in which anything fails before the scenario ends, 0-1.
    pub breaks: f64,
    /// What it holds besides steady growth, as the study states it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<GrowthEvent>,
}

/// One kind of customers on the headline's configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentProjection {
    /// Its name.
    pub name: String,
    /// Share of all customers, 0-1.
    pub share: f64,
    /// How many they are.
    pub customers: f64,
    /// Cost of 1,000 of them that their own behaviour causes.
    pub direct_per_1000: QuotedDecimal,
    /// Their even part of what nobody's behaviour causes: idle, reserve, spare, fixed.
    pub shared_per_1000: QuotedDecimal,
    /// Both together.
    pub per_1000: MoneyEstimate,
    /// Fees of 1,000 of them.
    pub fees_per_1000: QuotedDecimal,
    /// What one pays a month.
    pub price: Option<QuotedDecimal>,
    /// Share of that price that is left after infrastructure and fees.
    pub margin: Option<f64>,
    /// Share that the study wants to be left; `None` if it says nothing.
    #[serde(default)]
    pub target_margin: Option<f64>,
    /// Least price that leaves the target margin; with no target the one that covers the cost.
    pub floor_price: QuotedDecimal,
}
