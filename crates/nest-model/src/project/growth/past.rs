//! Growth from what customers did so far: the rows of a history become monthly values, and those a forecast.

use jiff::civil::Date;
use nest_data::growth::GrowthRow;

use crate::growth::{History, HistoryCaveat, HistoryForecast, HistoryRefusal, PeriodEnd, fit_history};

/// Months of a year, the only season that a count of customers by month can have.
const YEAR: usize = 12;

/// The forecast of a history, by steps of whole months after its last row.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    forecast: HistoryForecast,
    step_months: usize,
}

impl Past {
    /// Forecasts `months` months after the last of `rows`, which ascend in date. The last row of a month is
    /// that month's value; a month without one is filled from its neighbours; a history by the quarter or the
    /// year goes on in such steps.
    ///
    /// # Errors
    /// As [`fit_history`]: fewer than two months.
    pub fn new(rows: &[GrowthRow], months: u32) -> Result<Self, HistoryRefusal> {
        let known = by_month(rows);
        let step_months = known
            .windows(2)
            .map(|pair| pair[1].0 - pair[0].0)
            .min()
            .unwrap_or(1)
            .max(1) as usize;
        let values = filled(&known, step_months);
        let year = YEAR / step_months;
        let seasons = if YEAR.is_multiple_of(step_months) && year > 1 && values.len() >= 2 * year {
            vec![year]
        } else {
            Vec::new()
        };
        let horizon = (months as usize).div_ceil(step_months).max(1);
        let history = History {
            values,
            seasons,
            end: PeriodEnd::Over,
        };
        Ok(Self {
            forecast: fit_history(&history, horizon)?,
            step_months,
        })
    }

    /// Customers of a last row that may not be a whole month, and what the rows before it say.
    pub fn doubted_end(&self) -> Option<(f64, f64)> {
        self.forecast.caveats.iter().find_map(|caveat| match caveat {
            HistoryCaveat::LastPeriod { last, expected, .. } => Some((*last, *expected)),
            _ => None,
        })
    }

    /// Rows since the level changed, and by which factor, if that is taken for no season.
    pub fn level_shift(&self) -> Option<(usize, Option<f64>)> {
        self.forecast.caveats.iter().find_map(|caveat| match caveat {
            HistoryCaveat::LevelShift { ago, ratio, .. } => Some((*ago, *ratio)),
            _ => None,
        })
    }

    /// Months after the last row and customers, in the point estimate.
    pub fn central(&self) -> Vec<(f64, f64)> {
        self.rows((1..=self.forecast.horizon()).map(|step| self.forecast.quantile(step, 0.5)))
    }

    /// The same in draw `index`.
    pub fn draw(&self, seed: u64, index: u32) -> Vec<(f64, f64)> {
        self.rows(self.forecast.path(seed, index).into_iter())
    }

    fn rows(&self, values: impl Iterator<Item = f64>) -> Vec<(f64, f64)> {
        // Customers of a path are above 0, so that it can be read geometrically.
        values
            .enumerate()
            .map(|(step, value)| (((step + 1) * self.step_months) as f64, value.max(super::FEWEST)))
            .collect()
    }
}

impl super::GrowthModel<'_> {
    /// Customers of the last row of a history that may not be a whole month, and what the rows before it say.
    #[must_use]
    pub fn doubted_end(&self) -> Option<(f64, f64)> {
        self.past.as_ref()?.doubted_end()
    }

    /// Rows since the level of a history changed, and by which factor, if that is taken for no season.
    #[must_use]
    pub fn level_shift(&self) -> Option<(usize, Option<f64>)> {
        self.past.as_ref()?.level_shift()
    }
}

/// Count of months since year 0, and the value of the last row in each.
fn by_month(rows: &[GrowthRow]) -> Vec<(i64, f64)> {
    let month = |date: Date| i64::from(date.year()) * YEAR as i64 + i64::from(date.month());
    let mut known: Vec<(i64, f64)> = Vec::new();
    for row in rows {
        match known.last_mut() {
            Some((last, value)) if *last == month(row.date) => *value = row.customers,
            _ => known.push((month(row.date), row.customers)),
        }
    }
    known
}

/// Values at every step, those that are missing geometric between their neighbours.
fn filled(known: &[(i64, f64)], step_months: usize) -> Vec<f64> {
    let (Some(first), Some(last)) = (known.first(), known.last()) else {
        return Vec::new();
    };
    let points = || known.iter().map(|(month, value)| (*month as f64, *value));
    (first.0..=last.0)
        .step_by(step_months)
        .map(|month| super::trajectory::between(points(), month as f64))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn rows(values: &[(i16, i8, f64)]) -> Vec<GrowthRow> {
        values
            .iter()
            .map(|(year, month, customers)| GrowthRow {
                date: date(*year, *month, 1),
                customers: *customers,
                range: None,
            })
            .collect()
    }

    #[test]
    fn steady_growth_goes_on_and_draws_lie_around_it() {
        let history: Vec<(i16, i8, f64)> = (0..24_i16)
            .map(|month| {
                (
                    2024 + month / 12,
                    (month % 12 + 1) as i8,
                    1_000.0 * 1.05_f64.powi(month.into()),
                )
            })
            .collect();
        let past = Past::new(&rows(&history), 12).expect("two years");
        let central = past.central();
        assert_eq!((central.len(), central[0].0, central[11].0), (12, 1.0, 12.0));
        let expected = 1_000.0 * 1.05_f64.powi(35);
        assert!(
            (central[11].1 / expected - 1.0).abs() < 0.1,
            "{} for {expected}",
            central[11].1
        );
        let below = (0..200)
            .filter(|index| past.draw(1, *index)[5].1 < central[5].1)
            .count();
        assert!((60..=140).contains(&below), "{below} of 200 below the centre");
    }

    #[test]
    fn a_last_month_that_is_booked_in_part_is_doubted() {
        let mut history: Vec<(i16, i8, f64)> = (0..30_i16)
            .map(|month| {
                let wave = 1.0 + 0.03 * f64::from(month * 7 % 5);
                (2024 + month / 12, (month % 12 + 1) as i8, 1_000.0 * wave)
            })
            .collect();
        assert_eq!(
            Past::new(&rows(&history), 12).expect("a history").doubted_end(),
            None
        );
        history[29].2 *= 0.3;
        let (last, expected) = Past::new(&rows(&history), 12)
            .expect("a history")
            .doubted_end()
            .expect("a doubt");
        assert!(
            last == history[29].2 && (950.0..1_200.0).contains(&expected),
            "{expected}"
        );
    }

    #[test]
    fn a_gap_is_filled_and_quarters_stay_quarters() {
        assert_eq!(
            filled(
                &by_month(&rows(&[(2025, 1, 100.0), (2025, 2, 110.0), (2025, 4, 440.0)])),
                1
            ),
            vec![100.0, 110.0, 220.0, 440.0]
        );
        let quarters = Past::new(
            &rows(&[
                (2025, 1, 100.0),
                (2025, 4, 110.0),
                (2025, 7, 121.0),
                (2025, 10, 133.1),
            ]),
            6,
        )
        .expect("four quarters");
        assert_eq!(
            quarters.central().iter().map(|row| row.0).collect::<Vec<_>>(),
            vec![3.0, 6.0]
        );
    }
}
