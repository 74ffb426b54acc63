//! Customers over months, and the day on which they reach a number.

use jiff::{ToSpan, civil::Date};
use nest_data::study::GrowthScenario;

use crate::draws::{Purpose, Stream};

/// Customers `months` (whole or not) after the start, at a monthly change.
///
/// # Formula
/// `N(t) = N_0 (1 + g)^t`.
#[must_use]
pub fn customers_at(scenario: &GrowthScenario, monthly: f64, months: f64) -> f64 {
    scenario.start.customers * (1.0 + monthly).powf(months)
}

/// The monthly change in draw `index`: the scenario's range, or its value where it has none.
#[must_use]
pub fn draw_monthly(scenario: &GrowthScenario, seed: u64, index: u32) -> f64 {
    match scenario.range {
        None => scenario.monthly.get(),
        Some([low, high]) => Stream::new(seed, Purpose::Growth, index).within(low.get(), scenario.monthly.get(), high.get()).max(-0.99),
    }
}

/// The scenario's start and the same day of every month after it.
#[must_use]
pub fn dates(scenario: &GrowthScenario) -> Vec<Date> {
    let start = scenario.start.date;
    (0..=scenario.months).filter_map(|month| start.checked_add(i64::from(month).months()).ok()).collect()
}

/// The day on which customers reach `break_customers`, interpolated geometrically within its month; none where they do
/// not within the scenario.
#[must_use]
pub fn reached_on(scenario: &GrowthScenario, monthly: f64, break_customers: f64) -> Option<Date> {
    let ratio = break_customers / scenario.start.customers;
    if ratio <= 1.0 {
        return Some(scenario.start.date);
    }
    let months = ratio.ln() / (1.0 + monthly).ln();
    if !(months >= 0.0 && months <= f64::from(scenario.months)) {
        return None;
    }
    let begin = scenario.start.date.checked_add((months.floor() as i64).months()).ok()?;
    let days = f64::from(begin.until(begin.checked_add(1.month()).ok()?).ok()?.get_days());
    begin.checked_add(((months.fract() * days).floor() as i64).days()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use nest_data::study::GrowthStart;

    fn scenario(monthly: &str) -> GrowthScenario {
        let start = GrowthStart { date: date(2026, 11, 1), customers: 1_000.0 };
        GrowthScenario { start, monthly: monthly.parse().expect("growth"), range: None, months: 24 }
    }

    #[test]
    fn a_doubling_each_month_reaches_four_times_in_two_months() {
        let scenario = scenario("100%");
        assert_eq!(reached_on(&scenario, 1.0, 4_000.0), Some(date(2027, 1, 1)));
        assert_eq!(reached_on(&scenario, 1.0, 1_000.0 * 2_f64.powf(0.5)), Some(date(2026, 11, 16)));
        assert_eq!(customers_at(&scenario, 1.0, 2.0), 4_000.0);
    }

    #[test]
    fn what_is_reached_already_is_reached_at_the_start_and_what_never_is_has_no_date() {
        let scenario = scenario("5%");
        assert_eq!(reached_on(&scenario, 0.05, 900.0), Some(date(2026, 11, 1)));
        assert_eq!(reached_on(&scenario, 0.05, 1e9), None);
        assert_eq!(reached_on(&scenario, 0.0, 1_100.0), None);
        assert_eq!(reached_on(&scenario, -0.05, 1_100.0), None);
    }

    #[test]
    fn months_are_civil_dates() {
        let dates = dates(&scenario("5%"));
        assert_eq!((dates.len(), dates[0], dates[3]), (25, date(2026, 11, 1), date(2027, 2, 1)));
    }
}
