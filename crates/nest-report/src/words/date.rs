//! Months in words, and when a limit is reached.

use jiff::civil::Date;
use nest_data::{
    Projection,
    projection::{BreakDate, BreakPoint},
};

use crate::format;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The month of a date for an axis or a table: `Aug 2028`.
pub(crate) fn month(date: Date) -> String {
    format::month(date)
}

/// The month of a date for a sentence: `August 2028`.
pub(crate) fn full_month(date: Date) -> String {
    let index = usize::try_from(date.month() - 1).unwrap_or(0);
    format!("{} {}", MONTHS.get(index).copied().unwrap_or("?"), date.year())
}

/// When a limit is reached, for a table: `about Aug 2028`, `not by Nov 2028 in most cases`, or nothing where
/// nothing grows.
pub(crate) fn limit_date(projection: &Projection, point: &BreakPoint) -> String {
    if projection.growth.is_none() || point.chance_by_month.is_empty() {
        return String::new();
    }
    match point.date.and_then(|date| date.value) {
        Some(value) => format!("about {}", month(value)),
        None if point.reached <= 0.0 => "not in this plan".to_owned(),
        None => match point.date.and_then(|date| date.low) {
            Some(low) => format!("1 chance in 20 by {}", month(low)),
            None => "hardly in this plan".to_owned(),
        },
    }
}

/// When growth reaches a limit, for a sentence: `about August 2028; 1 chance in 20 by March 2028; 17 in 100
/// not by December 2028`.
pub(crate) fn reached(date: Option<&BreakDate>, chance: f64, end: Option<Date>) -> String {
    let end_month = end.map_or_else(|| "the end of the plan".to_owned(), full_month);
    let Some(date) = date.filter(|date| date.value.is_some() || date.low.is_some()) else {
        return format!("hardly before {end_month}: {}", format::chance(chance));
    };
    let mut parts = Vec::new();
    match date.value {
        Some(value) => parts.push(format!("about {}", full_month(value))),
        None => parts.push(format!("{} by {end_month}", format::chance(chance))),
    }
    let early = date
        .low
        .filter(|low| date.value.is_none_or(|value| month(value) != month(*low)));
    parts.extend(early.map(|low| format!("1 chance in 20 by {}", full_month(low))));
    match (date.value, date.high) {
        (Some(_), Some(high)) => parts.push(format!("19 in 20 by {}", full_month(high))),
        (Some(_), None) if chance < 0.995 => {
            parts.push(format!(
                "{} that it comes after {end_month}",
                format::chance(1.0 - chance)
            ));
        }
        _ => {}
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Option<Date> {
        text.parse().ok()
    }

    #[test]
    fn a_date_tells_how_early_and_how_late() {
        let date = BreakDate {
            value: day("2028-08-03"),
            low: day("2028-03-10"),
            high: None,
        };
        assert_eq!(
            reached(Some(&date), 0.8165, day("2028-12-01")),
            "about August 2028; 1 chance in 20 by March 2028; 18 chances in 100 that it comes after \
             December 2028"
        );
        let late = BreakDate {
            value: None,
            low: day("2028-07-09"),
            high: None,
        };
        assert_eq!(
            reached(Some(&late), 0.404, day("2028-12-01")),
            "40 chances in 100 by December 2028; 1 chance in 20 by July 2028"
        );
        assert_eq!(
            reached(None, 0.001, day("2028-12-01")),
            "hardly before December 2028: less than 1 chance in 100"
        );
    }
}
