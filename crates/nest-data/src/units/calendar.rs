//! Dates and spans of the calendar, as people write them.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use jiff::{ToSpan, civil::Date};
use schemars::JsonSchema;

use super::{DAYS_PER_MONTH, text_type};
use crate::error::DataError;

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
    /// The day on which it is over if it begins on `begin`: whole days, weeks, months and years follow the
    /// calendar. `None` outside of what a calendar holds, and for parts of a month or a year.
    #[must_use]
    pub fn end(self, begin: Date) -> Option<Date> {
        let whole = (self.number.fract() == 0.0).then_some(self.number as i64)?;
        let span = match self.unit {
            CalendarUnit::Days => whole.days(),
            CalendarUnit::Weeks => whole.weeks(),
            CalendarUnit::Months => whole.months(),
            CalendarUnit::Years => whole.years(),
        };
        begin.checked_add(span).ok()
    }

    /// Length in months of 365 / 12 days.
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

/// The day, month or year in which a price was observed. Prints as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedOn {
    text: String,
    earliest: Date,
}

impl ObservedOn {
    /// The earliest day that it can mean.
    #[must_use]
    pub fn earliest(&self) -> Date {
        self.earliest
    }
}

impl FromStr for ObservedOn {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let padded = match text.len() {
            4 => format!("{text}-01-01"),
            7 => format!("{text}-01"),
            _ => text.to_owned(),
        };
        let unreadable = |_| DataError::Unreadable {
            value: text.to_owned(),
            expected: "a date such as 2026-07-20, \"2026-07\" or \"2026\"",
        };
        Ok(Self {
            text: text.to_owned(),
            earliest: read_date(&padded).map_err(unreadable)?,
        })
    }
}

impl fmt::Display for ObservedOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

text_type!(ObservedOn, "ObservedOn", "nest-observed", "string");

/// Stands for a date in schemas.
#[derive(JsonSchema)]
#[schemars(inline)]
#[allow(dead_code, reason = "only its schema is used")]
pub(crate) struct DateText(#[schemars(extend("format" = "date"))] String);

/// Years of dates that are accepted. Others are taken for typing errors, and leave the calendar after some
/// months of growth.
const YEARS: RangeInclusive<i16> = 1900..=2999;

/// Reads a date: `2026-11-01`, from 1900 to 2999.
///
/// # Errors
/// [`DataError::Unreadable`].
pub fn read_date(text: &str) -> Result<Date, DataError> {
    let date = text
        .parse()
        .ok()
        .filter(|date: &Date| YEARS.contains(&date.year()));
    date.ok_or_else(|| DataError::Unreadable {
        value: text.to_owned(),
        expected: "a date such as 2026-11-01, from 1900 to 2999",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_lie_where_growth_from_them_stays_in_the_calendar() {
        assert_eq!(read_date("2026-11-01").expect("a date").year(), 2026);
        assert!(read_date("2999-12-31").is_ok() && read_date("1900-01-01").is_ok());
        for text in [
            "9999-12-01",
            "3000-01-01",
            "1899-12-31",
            "-0001-01-01",
            "2026-13-01",
            "1.11.2026",
            "",
        ] {
            assert!(read_date(text).is_err(), "{text}");
        }
        assert!("9999".parse::<ObservedOn>().is_err() && "2026".parse::<ObservedOn>().is_ok());
    }

    #[test]
    fn spans_print_what_they_read() {
        for (text, months) in [("2 months", 2.0), ("1 year", 12.0), ("73 days", 2.4)] {
            let lapse: CalendarSpan = text.parse().expect(text);
            assert!((lapse.months() - months).abs() < 1e-12);
            assert_eq!(lapse.to_string(), text);
        }
        for text in ["2", "0 days", "-1 week", "two months", "90 parsecs", "30 years"] {
            assert!(text.parse::<CalendarSpan>().is_err(), "{text}");
        }
    }
}
