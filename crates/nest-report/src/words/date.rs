//! Months in words, and when a limit is reached.

use jiff::civil::Date;
use nest_data::{
    Projection,
    projection::{BreakDate, BreakPoint},
};

use super::name::listed;
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

/// When growth reaches a limit, for a sentence: `about August 2028, with 1 chance in 20 by March 2028 and 18
/// chances in 100 after December 2028`.
pub(crate) fn reached(date: Option<&BreakDate>, chance: f64, end: Option<Date>) -> String {
    let end = end.map_or_else(|| "the end of the plan".to_owned(), full_month);
    match date.map(|date| (date.value, date.low, date.high)) {
        Some((Some(value), low, high)) => about(value, low, high, chance, &end),
        Some((None, Some(low), _)) => format!(
            "by {end} in {}, and by {} in 1 of 20",
            format::cases(chance),
            full_month(low)
        ),
        _ => format!("hardly before {end}: {}", format::chance(chance)),
    }
}

fn about(value: Date, low: Option<Date>, high: Option<Date>, chance: f64, end: &str) -> String {
    let mut chances = Vec::new();
    let early = low.filter(|low| month(value) != month(*low));
    chances.extend(early.map(|low| format!("1 chance in 20 by {}", full_month(low))));
    match high {
        Some(high) if month(value) != month(high) => {
            chances.push(format!("19 in 20 by {}", full_month(high)));
        }
        None if chance < 0.995 => {
            chances.push(format!("{} after {end}", format::chance(1.0 - chance)));
        }
        _ => {}
    }
    let with = if chances.is_empty() { "" } else { ", with " };
    format!("about {}{with}{}", full_month(value), listed(&chances))
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
            "about August 2028, with 1 chance in 20 by March 2028 and 18 chances in 100 after December 2028"
        );
        let late = BreakDate {
            value: None,
            low: day("2028-07-09"),
            high: None,
        };
        assert_eq!(
            reached(Some(&late), 0.404, day("2028-12-01")),
            "by December 2028 in 40 of 100 cases, and by July 2028 in 1 of 20"
        );
        assert_eq!(
            reached(None, 0.001, day("2028-12-01")),
            "hardly before December 2028: less than 1 chance in 100"
        );
    }
}
