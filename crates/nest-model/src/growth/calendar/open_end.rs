//! Which periods of a history have begun, and whether the last one is over.

use jiff::civil::Date;

use super::{
    super::{PeriodEnd, numbers::median},
    SECONDS_PER_DAY,
    days::{day, weekday, working_day},
    periods::RowUnit,
};

/// Days of a week.
const WEEK: i64 = 7;
/// Rows of a period from which fewer of them in the last one say that it is not over.
const MANY_ROWS: f64 = 4.0;
/// Share of the usual rows below which the last period is not over.
const FEW_ROWS: f64 = 0.75;

/// How the periods of a history lie on the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spacing {
    pub unit: RowUnit,
    /// Units from one period to the next.
    pub step: i64,
    /// The clock of the place of the last row beside universal time, in seconds; 0 but for times.
    pub offset_s: i64,
}

impl Spacing {
    /// Whether a period has begun on that day.
    pub(super) fn has_begun(self, position: i64, today: Date) -> bool {
        match self.unit {
            RowUnit::Integer => true,
            RowUnit::Year => position <= i64::from(today.year()),
            RowUnit::Month => self.first_month(position) <= month(today),
            // it may be named by its last day
            RowUnit::Day if self.is_week_of_unknown_name(position) => position - WEEK < day(today),
            RowUnit::Day => position <= day(today),
            RowUnit::WorkingDay => position <= working_day(day(today)),
            RowUnit::Second => position + self.offset_s < (day(today) + 1) * SECONDS_PER_DAY,
        }
    }

    /// Whether the period is over on that day, on which it has begun. Of a day, the time is not known: a
    /// period of hours that lies in it may be over or not. Numbers have no end that is known.
    pub(super) fn end(self, last: i64, today: Date) -> PeriodEnd {
        let open = match self.unit {
            RowUnit::Integer => false,
            RowUnit::Year => i64::from(today.year()) < last + self.step,
            RowUnit::Month => month(today) < self.first_month(last) + self.step,
            RowUnit::Day if self.is_week_of_unknown_name(last) => {
                if day(today) > last && day(today) < last + WEEK {
                    return PeriodEnd::MaybeOpen;
                }
                day(today) <= last
            }
            RowUnit::Day => day(today) < last + self.step,
            RowUnit::WorkingDay => working_day(day(today)) < last + self.step,
            RowUnit::Second => {
                let ends_before = last + self.step + self.offset_s <= day(today) * SECONDS_PER_DAY;
                return if ends_before {
                    PeriodEnd::Over
                } else {
                    PeriodEnd::MaybeOpen
                };
            }
        };
        if open { PeriodEnd::Open } else { PeriodEnd::Over }
    }

    /// The month in which a period of months begins: March, June, September and December are quarters by
    /// their last months, and a December of every year is a year.
    fn first_month(self, position: i64) -> i64 {
        if position.rem_euclid(self.step) == self.step - 1 {
            position + 1 - self.step
        } else {
            position
        }
    }

    /// A week that is not named by its Monday: the day may be its first or its last.
    fn is_week_of_unknown_name(self, position: i64) -> bool {
        self.step == WEEK && weekday(position) != 0
    }
}

fn month(date: Date) -> i64 {
    12 * i64::from(date.year()) + i64::from(date.month()) - 1
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
        use PeriodEnd::{MaybeOpen, Open, Over};
        let november = 12 * 2026 + 10;
        let number = |month, of_month| day(Date::constant(2026, month, of_month));
        let hour = |of_month, hour: i64| number(12, of_month) * SECONDS_PER_DAY + hour * 3_600;
        for (today, unit, last, step, end) in [
            ([11, 30], RowUnit::Month, november, 1, Open),
            ([12, 1], RowUnit::Month, november, 1, Over),
            ([12, 1], RowUnit::Month, november - 1, 3, Open), // a quarter from October
            ([12, 31], RowUnit::Month, november + 1, 3, Open), // the same by its last month
            ([12, 1], RowUnit::Month, november - 2, 3, Over), // a quarter to September
            ([12, 31], RowUnit::Year, 2026, 1, Open),
            ([11, 30], RowUnit::Day, number(11, 30), 1, Open),
            ([11, 28], RowUnit::Day, number(11, 23), 7, Open), // its Monday
            ([11, 29], RowUnit::Day, number(11, 29), 7, Open), // a Sunday, first or last
            ([12, 2], RowUnit::Day, number(11, 29), 7, MaybeOpen),
            ([12, 6], RowUnit::Day, number(11, 29), 7, Over),
            ([11, 30], RowUnit::Integer, 5, 1, Over),
            ([12, 1], RowUnit::WorkingDay, working_day(number(12, 1)), 1, Open),
            ([12, 4], RowUnit::WorkingDay, working_day(number(12, 4)), 1, Open), // a Friday
            ([12, 5], RowUnit::WorkingDay, working_day(number(12, 4)), 1, Over),
            ([12, 2], RowUnit::WorkingDay, working_day(number(12, 1)), 1, Over),
            ([12, 1], RowUnit::Second, hour(1, 10), 3_600, MaybeOpen),
            ([12, 2], RowUnit::Second, hour(1, 23), 3_600, Over),
        ] {
            let today = Date::constant(2026, today[0], today[1]);
            let spacing = Spacing {
                unit,
                step,
                offset_s: 0,
            };
            assert_eq!(spacing.end(last, today), end, "{today} {unit:?} {last}");
            assert!(spacing.has_begun(last, today), "{today} {unit:?} {last}");
        }
    }

    #[test]
    fn days_that_are_missing_from_the_last_month_leave_it_open() {
        assert!(has_few_rows(&[31.0, 28.0, 31.0, 12.0]));
        assert!(!has_few_rows(&[31.0, 28.0, 31.0, 30.0]));
        assert!(!has_few_rows(&[1.0, 2.0, 1.0, 1.0]) && !has_few_rows(&[]));
    }
}
