//! Periods of rows, read as numbers of one unit: years, months, days, seconds, or whatever the user counts.

use jiff::civil::{Date, DateTime, ISOWeekDate, Weekday};

use super::{
    HistoryRefusal, SECONDS_PER_DAY,
    days::{date, day},
    midnights::{self, Moment},
};

/// Shortest month, in days: dates at least this far apart may be one a month.
const SHORTEST_MONTH: i64 = 28;
/// Largest integer that is a period: the largest whose neighbours a floating-point number tells apart.
const LARGEST_INTEGER: f64 = 9_007_199_254_740_992.0; // 2^53
/// Integers as years, if all of them are.
const YEARS: std::ops::RangeInclusive<i64> = 1_800..=2_200;

/// The unit in which a period counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowUnit {
    /// Whatever the user counts.
    Integer,
    /// Calendar years.
    Year,
    /// Calendar months since year 0.
    Month,
    /// Days since 1970.
    Day,
    /// Working days since 1970.
    WorkingDay,
    /// Seconds since 1970.
    Second,
}

/// How a period is written. Those of a series must all be alike: a quarter beside a month, or a week beside a
/// day, holds the others' values once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowForm {
    Integer,
    Quarter,
    Month,
    Week,
    Day,
    Time,
}

/// Where each row stands, all in one unit.
pub(super) fn positions(rows: &[(&str, f64)]) -> Result<(RowUnit, Vec<i64>), HistoryRefusal> {
    let read = rows.iter().map(|(period, _)| {
        position(period).ok_or_else(|| HistoryRefusal::UnreadablePeriod {
            period: (*period).to_owned(),
        })
    });
    let read: Vec<(RowForm, i64)> = read.collect::<Result<_, _>>()?;
    let Some((form, _)) = read.first().copied() else {
        return Err(HistoryRefusal::TooFewValues { known: 0 });
    };
    if let Some(other) = read.iter().position(|(other, _)| *other != form) {
        let name = |index: usize| rows[index].0.to_owned();
        return Err(HistoryRefusal::MixedPeriods {
            one: name(0),
            other: name(other),
        });
    }
    let numbers: Vec<i64> = read.iter().map(|(_, position)| *position).collect();
    Ok(match form {
        RowForm::Integer => compact(&numbers),
        RowForm::Time => seconds(rows, numbers),
        RowForm::Day => as_months(numbers),
        RowForm::Week => (RowUnit::Day, numbers),
        RowForm::Month | RowForm::Quarter => (RowUnit::Month, numbers),
    })
}

/// The clock of the place that wrote a time beside universal time, in seconds; 0 for other periods.
pub(super) fn offset_s(period: &str, universal: i64) -> i64 {
    match position(period) {
        Some((RowForm::Time, _)) => local(period).map_or(0, |local| local - universal),
        _ => 0,
    }
}

/// Times that are the same moment of local days become days; others stay.
fn seconds(rows: &[(&str, f64)], universal: Vec<i64>) -> (RowUnit, Vec<i64>) {
    let moment = |((period, _), universal): (&(&str, f64), &i64)| Moment {
        universal: *universal,
        local: local(period).unwrap_or(*universal),
    };
    let moments: Vec<Moment> = rows.iter().zip(&universal).map(moment).collect();
    match midnights::days(&moments) {
        Some(days) => as_months(days),
        None => (RowUnit::Second, universal),
    }
}

/// Seconds since 1970 by the clock of the place that wrote a time.
fn local(period: &str) -> Option<i64> {
    let time: DateTime = period.replace('/', "-").parse().ok()?;
    Some(
        day(time.date()) * SECONDS_PER_DAY
            + i64::from(time.hour()) * 3_600
            + i64::from(time.minute()) * 60
            + i64::from(time.second()),
    )
}

/// A period alone.
fn position(period: &str) -> Option<(RowForm, i64)> {
    if let Some(number) = whole(period) {
        return Some((RowForm::Integer, number));
    }
    if let Some(month) =
        year_and(period, &["-Q", "Q", "-q", "q"], 4).map(|(year, quarter)| 12 * year + 3 * (quarter - 1))
    {
        return Some((RowForm::Quarter, month));
    }
    if let Some((year, week)) = year_and(period, &["-W", "W", "-w", "w"], 53) {
        let monday = ISOWeekDate::new(
            i16::try_from(year).ok()?,
            i8::try_from(week).ok()?,
            Weekday::Monday,
        )
        .ok()?;
        return Some((RowForm::Week, day(monday.date())));
    }
    if let Some((year, month)) = year_and(period, &["-", "/"], 12) {
        return Some((RowForm::Month, 12 * year + month - 1));
    }
    let iso = period.replace('/', "-");
    if let (8..=10, Ok(date)) = (period.len(), iso.parse::<Date>()) {
        return Some((RowForm::Day, day(date)));
    }
    if let Ok(stamp) = iso.parse::<jiff::Timestamp>() {
        return Some((RowForm::Time, stamp.as_second()));
    }
    Some((RowForm::Time, local(period)?))
}

/// A whole number, also one that a spreadsheet wrote as `7.0`.
fn whole(text: &str) -> Option<i64> {
    let number: f64 = text.parse().ok()?;
    (number.abs() < LARGEST_INTEGER && number.fract() == 0.0).then_some(number as i64)
}

/// `2026-11`, `2026-Q4` and their like: a year of four digits, one of the separators, a number from 1 to
/// `most`.
fn year_and(period: &str, separators: &[&str], most: i64) -> Option<(i64, i64)> {
    let (year, rest) = period.split_at_checked(4)?;
    let number = separators
        .iter()
        .find_map(|separator| rest.strip_prefix(separator))?;
    let digits = |text: &str| {
        (!text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse().ok())?
    };
    let (year, number) = (digits(year)?, digits(number)?);
    (1..=most).contains(&number).then_some((year, number))
}

/// Integers that are all dates without dashes become days or months, those that are all years years; others
/// stay.
fn compact(numbers: &[i64]) -> (RowUnit, Vec<i64>) {
    let days: Option<Vec<i64>> = numbers
        .iter()
        .map(|number| {
            (19_000_101..=21_001_231).contains(number).then_some(())?;
            Date::new(
                (number / 10_000) as i16,
                (number / 100 % 100) as i8,
                (number % 100) as i8,
            )
            .ok()
            .map(day)
        })
        .collect();
    if let Some(days) = days {
        return as_months(days);
    }
    let months = numbers.iter().map(|number| {
        ((190_001..=210_012).contains(number) && (1..=12).contains(&(number % 100)))
            .then(|| number / 100 * 12 + number % 100 - 1)
    });
    match months.collect::<Option<Vec<i64>>>() {
        Some(months) => (RowUnit::Month, months),
        None if numbers.iter().all(|number| YEARS.contains(number)) => (RowUnit::Year, numbers.to_vec()),
        None => (RowUnit::Integer, numbers.to_vec()),
    }
}

/// Days that are one a month at most, and at least 28 days apart, become months; others stay.
fn as_months(days: Vec<i64>) -> (RowUnit, Vec<i64>) {
    let mut sorted = days.clone();
    sorted.sort_unstable();
    sorted.dedup();
    let month = |day: &i64| {
        let date = date(*day);
        12 * i64::from(date.year()) + i64::from(date.month()) - 1
    };
    let apart = sorted
        .windows(2)
        .all(|pair| pair[1] - pair[0] >= SHORTEST_MONTH && month(&pair[0]) != month(&pair[1]));
    if apart && sorted.len() >= 2 {
        (RowUnit::Month, days.iter().map(month).collect())
    } else {
        (RowUnit::Day, days)
    }
}
