//! Growth scenarios: how many customers there will be, from a monthly change, a plan or a history.

pub mod file;

use jiff::{Unit, civil::Date};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{DateText, Growth};

pub use crate::units::{CalendarSpan, Change};

/// Largest number of customers that is projected: more than ten times as many as there are people.
pub const MOST_CUSTOMERS: f64 = 1e11;

/// Months to project if a scenario does not say.
const MONTHS: u32 = 24;
/// Most months that are projected.
pub const MOST_MONTHS: u32 = 240;

/// A growth scenario: exactly one of `monthly`, `plan` and `history`, and events on dates.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrowthScenario {
    /// Date and customers at the start; required with `monthly`. A plan starts at its first row, a history at
    /// its last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<GrowthStart>,
    /// Compound change of the number of customers per month, above -100 %: `"7%"`. With a ceiling, the change
    /// while customers are far below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly: Option<Growth>,
    /// 90 % range of the monthly change, `[low, high]`. [default: the change is exact]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[Growth; 2]>,
    /// Largest number of customers there can ever be, such as the size of the market: `[low, middle, high]`,
    /// a 90 % range around the middle, none below the customers at the start. [default: no ceiling]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<[f64; 3]>,
    /// CSV file in the study's folder with your own plan: columns month (or date) and customers, and low and
    /// high for a 90 % range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// CSV file in the study's folder with past customer counts: columns period (a month or a date) and
    /// value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<String>,
    /// Changes on dates: `[{ date = 2027-03-01, customers = "+5000" }]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<GrowthEvent>,
    /// Months to project, 1 to 240. [default: 24; with a plan, the months that it covers]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 240))]
    pub months: Option<u32>,
    /// The rows of the plan or the history, read from its file; not a key of `nest.toml`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(skip)]
    pub rows: Vec<GrowthRow>,
}

/// The number of customers on a date.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrowthStart {
    /// The date, such as 2026-11-01.
    #[schemars(with = "DateText")]
    pub date: Date,
    /// Customers on that date, 1 to 1e11.
    #[schemars(range(min = 1.0, max = 1e11))]
    pub customers: f64,
}

/// A change on a date: from then on there are more, or fewer, customers than without it.
///
/// `"+20%"` is a share of the customers that there would be, and grows with them; `"+5000"` stays 5,000.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrowthEvent {
    /// The day on which the change begins.
    #[schemars(with = "DateText")]
    pub date: Date,
    /// Customers won or lost: `"+5000"`, `"-300"`, `"+20%"`.
    pub customers: Change,
    /// 90 % range of the change, `[low, high]`. [default: the change is exact]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[Change; 2]>,
    /// Time over which the customers come or go, evenly: `"2 months"`. [default: all at once]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp: Option<CalendarSpan>,
    /// What happens, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One row of a plan or a history.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GrowthRow {
    /// The day.
    pub date: Date,
    /// Customers on that day, above 0.
    pub customers: f64,
    /// 90 % range of the customers; `None` for an exact number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
}

impl GrowthScenario {
    /// Date and customers at the start: as stated, or the first row of the plan, or the last row of the
    /// history.
    #[must_use]
    pub fn begins(&self) -> Option<GrowthStart> {
        let row = if self.history.is_some() {
            self.rows.last()
        } else {
            self.rows.first()
        };
        self.start.or_else(|| {
            row.map(|row| GrowthStart {
                date: row.date,
                customers: row.customers,
            })
        })
    }

    /// Months to project.
    #[must_use]
    pub fn months(&self) -> u32 {
        self.months.or_else(|| self.planned_months()).unwrap_or(MONTHS)
    }

    /// Whole months that the plan covers; `None` without a plan.
    #[must_use]
    pub fn planned_months(&self) -> Option<u32> {
        self.plan.as_ref()?;
        let span = self
            .rows
            .first()?
            .date
            .until((Unit::Month, self.rows.last()?.date))
            .ok()?;
        u32::try_from(span.get_months()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_plan_begins_at_its_first_row_and_covers_whole_months() {
        let row = |date, customers| GrowthRow {
            date,
            customers,
            range: None,
        };
        let plan = GrowthScenario {
            plan: Some("plan.csv".to_owned()),
            rows: vec![row(date(2027, 1, 1), 10.0), row(date(2027, 7, 15), 20.0)],
            ..GrowthScenario::default()
        };
        assert_eq!(
            plan.begins(),
            Some(GrowthStart {
                date: date(2027, 1, 1),
                customers: 10.0
            })
        );
        assert_eq!((plan.months(), GrowthScenario::default().months()), (6, 24));
    }
}
