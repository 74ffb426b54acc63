//! Policies: what a change of parameters does to cost, fees, room and dates.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{BreakPoint, MoneyEstimate};
use crate::estimate::Estimate;

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
    /// Cost and fees over all months of growth; over one month if nothing grows.
    pub totals: PolicyTotals,
    /// First break point before.
    pub break_before: Option<BreakPoint>,
    /// First break point after.
    pub break_after: Option<BreakPoint>,
    /// Change of the customers at which something first fails, paired by draw; `None` if nothing fails in any
    /// draw before or after.
    pub room_change: Option<Estimate>,
    /// Whole days between the dates on which growth first reaches a limit before and after, over the draws in
    /// which it does both; `None` if there is none.
    pub date_change_days: Option<Estimate>,
    /// Change of busy-seconds per customer and day on the binding resource, relative, paired by draw.
    pub demand_change: Estimate,
    /// The day on which it begins; `None` if it is shown as if it had always been in force.
    #[serde(default)]
    pub from: Option<Date>,
    /// Month by month under growth, where it has a date.
    #[serde(default)]
    pub months: Vec<PolicyMonth>,
}

/// What a policy changes over all months.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyTotals {
    /// Months that are summed up.
    pub months: u32,
    /// Cost of infrastructure before.
    pub before: MoneyEstimate,
    /// Cost of infrastructure after.
    pub after: MoneyEstimate,
    /// Change of it, paired by draw.
    pub change: MoneyEstimate,
    /// Fees before, after, and their change; `None` if the study has no fees.
    #[serde(default)]
    pub fees: Option<[MoneyEstimate; 3]>,
    /// Change of both together, paired by draw.
    pub change_with_fees: MoneyEstimate,
    /// What the interval of that change comes from, the largest share first: growth, parameters with a range,
    /// and speeds of hosts. What was measured is not told apart.
    #[serde(default)]
    pub spread: Vec<SpreadShare>,
}

/// How much of the spread of a result comes from one input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpreadShare {
    /// The input, named as in [`Sensitivity`](super::Sensitivity).
    pub input: String,
    /// The share, 0-1. Shares need not sum to 1.
    pub share: f64,
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
