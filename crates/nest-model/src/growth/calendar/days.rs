//! Days of the calendar as numbers.

use jiff::civil::Date;

/// Days since 1970.
pub(super) fn day(date: Date) -> i64 {
    date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24
}

/// The day with that number.
pub(super) fn date(day: i64) -> Date {
    Date::constant(1970, 1, 1).saturating_add(jiff::SignedDuration::from_hours(24 * day))
}

/// Working days of a week, from Monday on.
pub(super) const WORKING_DAYS: i64 = 5;

/// Working days since 1970 up to this day; those of a weekend count as the Monday after it.
pub(super) fn working_day(day: i64) -> i64 {
    (day + 3).div_euclid(7) * WORKING_DAYS + weekday(day).min(WORKING_DAYS)
}

/// Day of the week: Monday is 0, because 1970-01-01 was a Thursday.
pub(super) fn weekday(day: i64) -> i64 {
    (day + 3).rem_euclid(7)
}
