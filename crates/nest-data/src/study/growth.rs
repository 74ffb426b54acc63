//! Growth scenarios: how many customers there will be, and the files of a study that say so.

pub mod file;

use std::{fmt, str::FromStr};

use jiff::{Unit, civil::Date};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    DataError,
    units::{DAYS_PER_MONTH, Growth, text_type},
};

/// Months that are projected where a scenario does not say.
const MONTHS: u32 = 24;

/// A growth scenario: a change per month (towards a ceiling, where one is given), or a plan, or a history; and events on dates.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrowthScenario {
    /// Where it starts; a plan starts at its first row, a history ends at its last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<GrowthStart>,
    /// Compound change per month: `"7%"`. With a ceiling, the change while customers are far below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly: Option<Growth>,
    /// 90 % range of the monthly change; exact where missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[Growth; 2]>,
    /// Most customers there can ever be, such as the size of the market: `[low, middle, high]`, a 90 % range around the middle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<[f64; 3]>,
    /// File in the study's folder with a plan of your own: a CSV with the columns month (or date) and customers, and low and high
    /// where the plan has a 90 % range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// File in the study's folder with customers of the past: a CSV with the columns period (a month or a date) and value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<String>,
    /// What happens on dates: `[{ date = 2027-03-01, customers = "+5000" }]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<GrowthEvent>,
    /// Months to project; 24 where missing, with a plan all that it covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 240))]
    pub months: Option<u32>,
    /// The rows of the plan or the history; read from its file, not part of `nest.toml`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(skip)]
    pub rows: Vec<GrowthRow>,
}

/// Customers on a date.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrowthStart {
    /// The date, such as 2026-11-01.
    #[schemars(with = "DateText")]
    pub date: Date,
    /// Customers on that date, above 0.
    #[schemars(range(min = 1.0))]
    pub customers: f64,
}

/// Something that happens on a date: from then on there are so many customers more than without it.
///
/// `"+20%"` is of those there would be, and so grows with them; `"+5000"` stays 5,000.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrowthEvent {
    /// The day on which it begins.
    #[schemars(with = "DateText")]
    pub date: Date,
    /// Customers won or lost: `"+5000"`, `"-300"`, `"+20%"`.
    pub customers: Change,
    /// 90 % range of it; exact where missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[Change; 2]>,
    /// Time in which they come, evenly: `"2 months"`; at once where missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp: Option<CalendarSpan>,
    /// What happens, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One row of a plan or a history.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GrowthRow {
    /// The day it is for.
    pub date: Date,
    /// Customers on that day, above 0.
    pub customers: f64,
    /// 90 % range of them; exact where missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
}

/// Stands for a date in the schema.
#[derive(JsonSchema)]
#[schemars(inline)]
#[allow(dead_code, reason = "only its schema is used")]
pub(crate) struct DateText(#[schemars(extend("format" = "date"))] String);

impl GrowthScenario {
    /// The day it starts on and customers on it: as stated, or the first row of its plan, or the last of its history.
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

    /// Whole months that the plan covers; none without one.
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

/// A change of customers: so many (`"+5000"`), or a share of those there would be (`"+20%"`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// So many.
    Customers(f64),
    /// A share of them, 0.2 for 20 %; above -1.
    Share(f64),
}

impl Change {
    /// The bare number: customers, or the share.
    #[must_use]
    pub fn number(self) -> f64 {
        match self {
            Self::Customers(number) | Self::Share(number) => number,
        }
    }

    /// Whether both are numbers of customers, or both shares.
    #[must_use]
    pub fn is_like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

impl FromStr for Change {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let unreadable = || DataError::Unreadable {
            value: text.to_owned(),
            expected: "a change such as \"+5000\" or \"+20%\", with its sign",
        };
        let plain = text.trim().replace('_', "");
        if !plain.starts_with(['+', '-']) {
            return Err(unreadable());
        }
        let read = match plain.strip_suffix('%') {
            Some(percent) => percent
                .trim()
                .parse()
                .map(|percent: f64| Self::Share(percent / 100.0)),
            None => plain.parse().map(Self::Customers),
        };
        read.ok()
            .filter(|change| {
                change.number().is_finite()
                    && *change != Self::Share(-1.0)
                    && (change.number() > -1.0 || !change.is_like(Self::Share(0.0)))
            })
            .ok_or_else(unreadable)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Customers(number) => write!(f, "{number:+}"),
            // Percent are written with up to nine decimals, so that 0.07 prints as it was read.
            Self::Share(share) => write!(f, "{:+}%", (share * 1e11).round() / 1e9),
        }
    }
}

text_type!(Change, "Change", "nest-change", "string");

/// A span of the calendar, above 0, written `"10 days"`, `"6 weeks"`, `"2 months"` or `"1 year"`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalendarSpan {
    number: f64,
    unit: CalendarUnit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CalendarUnit {
    Days,
    Weeks,
    Months,
    Years,
}

impl CalendarSpan {
    /// Its length in months of 365 / 12 days.
    #[must_use]
    pub fn months(self) -> f64 {
        self.number
            * match self.unit {
                CalendarUnit::Days => 1.0 / DAYS_PER_MONTH,
                CalendarUnit::Weeks => 7.0 / DAYS_PER_MONTH,
                CalendarUnit::Months => 1.0,
                CalendarUnit::Years => 12.0,
            }
    }
}

impl FromStr for CalendarSpan {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let unit = match unit.trim() {
            "day" | "days" => Some(CalendarUnit::Days),
            "week" | "weeks" => Some(CalendarUnit::Weeks),
            "month" | "months" => Some(CalendarUnit::Months),
            "year" | "years" => Some(CalendarUnit::Years),
            _ => None,
        };
        let number = number.trim().parse::<f64>().ok();
        let lapse = number.zip(unit).map(|(number, unit)| Self { number, unit });
        lapse
            .filter(|lapse| lapse.months() > 0.0 && lapse.months() <= 240.0)
            .ok_or(DataError::Unreadable {
                value: text.to_owned(),
                expected: "a span such as \"10 days\", \"6 weeks\" or \"2 months\", up to 20 years",
            })
    }
}

impl fmt::Display for CalendarSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            CalendarUnit::Days => "day",
            CalendarUnit::Weeks => "week",
            CalendarUnit::Months => "month",
            CalendarUnit::Years => "year",
        };
        write!(
            f,
            "{} {unit}{}",
            self.number,
            if self.number == 1.0 { "" } else { "s" }
        )
    }
}

text_type!(CalendarSpan, "CalendarSpan", "nest-lapse", "string");

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn changes_and_lapses_print_what_they_read() {
        for text in ["+5000", "-300", "+20%", "-7%", "+0.125%", "+33.3%"] {
            assert_eq!(text.parse::<Change>().expect(text).to_string(), text);
        }
        assert_eq!(
            "+5_000".parse::<Change>().expect("a change"),
            Change::Customers(5_000.0)
        );
        for text in ["5000", "20%", "+", "+x", "-100%", "-120%", "+inf", ""] {
            assert!(text.parse::<Change>().is_err(), "{text}");
        }
        for (text, months) in [("2 months", 2.0), ("1 year", 12.0), ("73 days", 2.4)] {
            let lapse: CalendarSpan = text.parse().expect(text);
            assert!((lapse.months() - months).abs() < 1e-12);
            assert_eq!(lapse.to_string(), text);
        }
        for text in ["2", "0 days", "-1 week", "two months", "90 parsecs", "30 years"] {
            assert!(text.parse::<CalendarSpan>().is_err(), "{text}");
        }
    }

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
