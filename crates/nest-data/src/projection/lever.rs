//! What would change a result: levers of the study's own limits, inputs that move it, and what to do next.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{BreakDate, BreakKind, MoneyEstimate};
use crate::{study::Platform, units::QuotedDecimal};

/// A limit of the study's own choice, and what comes of moving it: everything is projected again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lever {
    /// The configuration whose limit it is.
    pub config: String,
    /// What kind of limit it moves.
    pub kind: BreakKind,
    /// What binds.
    pub cause: String,
    /// What is changed.
    pub setting: LeverSetting,
    /// The key of the study: `configs.today.max`.
    pub key: String,
    /// Its value now.
    pub from: f64,
    /// The value it is moved to.
    pub to: f64,
    /// Share of draws in which the limit is reached by the end of growth, 0-1, before and after.
    pub chance: [f64; 2],
    /// When the limit is reached as the study is now.
    pub date: Option<BreakDate>,
    /// What fails first once it is moved: kind and cause; `None` if nothing does below the searched range.
    pub next: Option<(BreakKind, String)>,
    /// When that is.
    pub next_date: Option<BreakDate>,
    /// Change of the cost of all months, paired by draw. For `max` it is 0: months that need more units than
    /// allowed are priced with them.
    pub change: MoneyEstimate,
    /// What one more unit adds to the bill of a month, at the prices of the day on which it is needed; `None`
    /// if units are not what is added, or it is not known.
    #[serde(default)]
    pub unit_month: Option<QuotedDecimal>,
    /// What the units are that are added; `None` if units are not what is added.
    #[serde(default)]
    pub platform: Option<Platform>,
}

/// What a lever changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeverSetting {
    /// Most units that may run.
    Max,
    /// Share of capacity that is left free.
    Reserve,
    /// Limit of an objective of response time, in seconds.
    Objective,
    /// Most that it may cost, in the study's currency.
    Budget,
}

/// How three results move with one input while all others keep their point estimates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    /// The input.
    pub input: String,
    /// What it is set to: low and high.
    pub range: [f64; 2],
    /// Unit of the range; empty for a plain number.
    #[serde(default)]
    pub unit: String,
    /// Where the range comes from.
    pub basis: RangeBasis,
    /// When the first limit is reached at either end; `None` if it is not before growth ends.
    pub date: [Option<Date>; 2],
    /// Months between the two dates, with the end of growth for a limit that is not reached; 0 if nothing
    /// grows.
    pub months: f64,
    /// Cost of all months at either end, in the study's currency.
    pub total: [f64; 2],
    /// Cost of 1,000 customers in the last month at either end; at the headline's customers if nothing grows.
    pub per_1000: [f64; 2],
}

impl Sensitivity {
    /// Whether the input moves any of the results.
    #[must_use]
    pub fn moves(&self) -> bool {
        let differ = |ends: [f64; 2]| (ends[1] - ends[0]).abs() > 1e-9 * ends[0].abs().max(ends[1].abs());
        self.months > 0.0 || self.date[0] != self.date[1] || differ(self.total) || differ(self.per_1000)
    }
}

/// Where the range of an input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RangeBasis {
    /// A measurement's 90 % interval.
    Measured,
    /// A range that the study states.
    Stated,
    /// A range that is assumed here, because nobody stated one.
    Assumed,
    /// A choice of the study, moved either way.
    Choice,
}

/// Something to do next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Move a limit of the study's own choice.
    PullLever {
        /// Position in `levers`.
        lever: usize,
        /// By when: the early end of the date on which the limit is reached.
        by: Option<Date>,
    },
    /// Change to another configuration.
    Switch {
        /// The configuration.
        to: String,
        /// What is saved over all months.
        saves: MoneyEstimate,
        /// Share of draws in which it is cheaper, 0-1.
        cheaper: f64,
    },
    /// Look up a price again.
    CheckPrice {
        /// Position in `prices`.
        price: usize,
    },
    /// Find out more about an input.
    Narrow {
        /// Position in `sensitivity`.
        input: usize,
    },
    /// Nothing has to be done before a day.
    Wait {
        /// The early end of the first limit's date; `None` if none is reached before growth ends.
        until: Option<Date>,
    },
}
