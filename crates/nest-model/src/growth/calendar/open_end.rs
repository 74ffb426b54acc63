//! Whether the last period of a history is over.

use jiff::civil::Date;

use super::super::numbers::median;
use super::{
    days::{day, weekday},
    periods::RowUnit,
};

/// Days of a week.
const WEEK: i64 = 7;
/// Rows of a period from which fewer of them in the last one say that it is not over.
const MANY_ROWS: f64 = 4.0;
/// Share of the usual rows below which the last period is not over.
const FEW_ROWS: f64 = 0.75;

/// Whether `today` lies in the period that begins at `last` and is `step` units long. A week that is not
/// named by its Monday may be named by its last day, so that day is then the one that counts. Numbers and
/// times have no end that is known.
pub(super) fn contains(today: Date, unit: RowUnit, last: i64, step: i64) -> bool {
    let month = 12 * i64::from(today.year()) + i64::from(today.month()) - 1;
    match unit {
        RowUnit::Year => i64::from(today.year()) < last + step,
        RowUnit::Month => month < last + step,
        RowUnit::Day if step == WEEK && weekday(last) != 0 => day(today) <= last,
        RowUnit::Day => day(today) < last + step,
        RowUnit::Integer | RowUnit::WorkingDay | RowUnit::Second => false,
    }
}

/// Whether the last period has clearly fewer rows than the others, where periods have many: its days are not
/// all there.
pub(super) fn has_few_rows(rows: &[f64]) -> bool {
    let Some((last, others)) = rows.split_last() else {
        return false;
    };
    let usual = median(others);
    usual >= MANY_ROWS && *last < FEW_ROWS * usual
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_open_until_its_last_day_is_over() {
        let november = 12 * 2026 + 10;
        for (today, unit, last, step, open) in [
            (Date::constant(2026, 11, 30), RowUnit::Month, november, 1, true),
            (Date::constant(2026, 12, 1), RowUnit::Month, november, 1, false),
            (Date::constant(2026, 12, 1), RowUnit::Month, november - 1, 3, true), // a quarter from October
            (Date::constant(2026, 12, 31), RowUnit::Year, 2026, 1, true),
            (
                Date::constant(2026, 11, 30),
                RowUnit::Day,
                day(Date::constant(2026, 11, 30)),
                1,
                true,
            ),
            (
                Date::constant(2026, 11, 28),
                RowUnit::Day,
                day(Date::constant(2026, 11, 23)),
                7,
                true,
            ), // its Monday
            (
                Date::constant(2026, 12, 2),
                RowUnit::Day,
                day(Date::constant(2026, 11, 29)),
                7,
                false,
            ), // its Sunday
            (Date::constant(2026, 11, 30), RowUnit::Integer, 5, 1, false),
        ] {
            assert_eq!(contains(today, unit, last, step), open, "{today} {unit:?} {last}");
        }
    }

    #[test]
    fn days_that_are_missing_from_the_last_month_leave_it_open() {
        assert!(has_few_rows(&[31.0, 28.0, 31.0, 12.0]));
        assert!(!has_few_rows(&[31.0, 28.0, 31.0, 30.0]));
        assert!(!has_few_rows(&[1.0, 2.0, 1.0, 1.0]) && !has_few_rows(&[]));
    }
}
