//! Amounts side by side with what they differ by: the printed difference is that of the printed amounts.

use nest_data::projection::{Comparison, MoneyEstimate};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::amount::{resolution, symbol};
use crate::format::{grouped, round_to};

/// An amount of a column, and its difference from the amount at the base, as printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Compared {
    /// The amount.
    pub amount: String,
    /// Its interval; empty if it has none.
    pub interval: String,
    /// Its difference from the base.
    pub change: String,
    /// The interval of that difference; empty for the base.
    pub change_interval: String,
    /// That difference in a sentence, whichever way it goes: `about $950`, `at least $11,900`.
    pub size: String,
    /// The printed amount.
    pub rounded: Decimal,
}

/// The totals of all set-ups in their order, with their differences from the baseline. Whatever tells one of
/// them takes it from here, so that it has the same digits everywhere.
pub(crate) fn totals(comparison: &Comparison, currency: &str) -> Vec<Compared> {
    let amounts: Vec<_> = comparison
        .totals
        .iter()
        .map(|total| (total.total, total.change))
        .collect();
    let of_base = |config: &String| *config == comparison.baseline;
    let base = comparison.totals.iter().position(|total| of_base(&total.config));
    base.map_or_else(Vec::new, |base| compared(&amounts, base, currency))
}

/// One of these totals.
pub(crate) fn total_of(comparison: &Comparison, config: &str, currency: &str) -> Option<Compared> {
    let position = comparison
        .totals
        .iter()
        .position(|total| total.config == config)?;
    totals(comparison, currency).into_iter().nth(position)
}

impl Compared {
    /// The amount in a sentence: `about $6,230`, `at least $28,100`.
    pub(crate) fn about(&self) -> String {
        if self.interval.is_empty() || self.amount.starts_with("at least ") {
            self.amount.clone()
        } else {
            format!("about {}", self.amount)
        }
    }

    /// The difference in a sentence: `about −$950`, `at least +$11,900`.
    pub(crate) fn about_change(&self) -> String {
        let has_lead = self.change.starts_with("at ") || self.change.starts_with("about ");
        if self.change_interval.is_empty() || has_lead {
            self.change.clone()
        } else {
            format!("about {}", self.change)
        }
    }

    /// The amount in a sentence, with its interval.
    pub(crate) fn with_interval(&self) -> String {
        if self.interval.is_empty() {
            self.about()
        } else {
            format!("{} ({})", self.about(), self.interval)
        }
    }
}

/// Digits beyond what is known that amounts may have, so that their differences round to what is known of
/// them.
const MOST_MORE_DIGITS: i32 = 3;

/// Amounts and their differences from the one at `base`. Intervals have the finest resolution among all;
/// differences are paired, and often known far better than the amounts. The amounts have as many digits more
/// as it takes until each difference of printed amounts is off by half of its last known digit at most.
pub(crate) fn compared(
    amounts: &[(MoneyEstimate, MoneyEstimate)],
    base: usize,
    currency: &str,
) -> Vec<Compared> {
    let Some((of_base, _)) = amounts.get(base) else {
        return Vec::new();
    };
    let known = amounts
        .iter()
        .flat_map(|(amount, change)| [amount, change])
        .filter(|estimate| estimate.low < estimate.high || estimate.value.0 != Decimal::ZERO)
        .map(|estimate| resolution(estimate, currency))
        .min()
        .unwrap_or(0);
    let difference = |amount: &MoneyEstimate, finest: i32| bounded(amount, finest) - bounded(of_base, finest);
    let agree = |finest: i32| {
        amounts.iter().all(|(amount, change)| {
            let shown = resolution(change, currency).max(known);
            let printed = difference(amount, finest);
            // What is at least so much is not less than that, and what is at most so much not more.
            match (amount.at_least, of_base.at_least) {
                (true, false) if printed > change.value.0 => false,
                (false, true) if printed < change.value.0 => false,
                (false, false) => (printed - change.value.0).abs() * Decimal::TWO <= unit_of(shown),
                _ => (printed - change.value.0).abs() <= unit_of(shown),
            }
        })
    };
    let finest = (0..MOST_MORE_DIGITS)
        .map(|more| known - more)
        .find(|finest| agree(*finest))
        .unwrap_or(known - MOST_MORE_DIGITS);
    let end = |value: f64| with_sign(rounded(value, known), known, currency, "+");
    let row = |(index, (amount, change)): (usize, &(MoneyEstimate, MoneyEstimate))| {
        let lead = if amount.at_least { "at least " } else { "" };
        // A difference from what is at least an amount is at most so large.
        let change_lead = match (amount.at_least, of_base.at_least) {
            _ if index == base => "",
            (false, false) => "",
            (true, false) => "at least ",
            (false, true) => "at most ",
            (true, true) => "about ",
        };
        let ends = |estimate: &MoneyEstimate| {
            let (low, high) = (end(estimate.low), end(estimate.high));
            if low == high {
                String::new()
            } else {
                format!("{low} to {high}")
            }
        };
        let value = bounded(amount, finest);
        // A value that lies in its interval also does as both are printed.
        let unit = unit_of(known);
        let (mut low, mut high) = (rounded(amount.low, known), rounded(amount.high, known));
        if value < low && value_in(amount) {
            low -= unit;
        }
        if value > high && value_in(amount) {
            high += unit;
        }
        let interval = match low == high {
            true => String::new(),
            false => {
                let [low, high] = [low, high].map(|end| with_sign(end, known, currency, ""));
                format!("{low}–{high}")
            }
        };
        let printed = difference(amount, finest);
        Compared {
            amount: format!("{lead}{}", with_sign(value, finest, currency, "")),
            interval,
            size: format!(
                "{}{}",
                size_lead(change, [amount.at_least, of_base.at_least]),
                with_sign(printed.abs(), finest, currency, "")
            ),
            rounded: value,
            change: format!("{change_lead}{}", with_sign(printed, finest, currency, "+")),
            change_interval: if index == base {
                String::new()
            } else {
                ends(change)
            },
        }
    };
    amounts.iter().enumerate().map(row).collect()
}

/// What stands before the size of a difference of two amounts, of which each may be at least so much.
fn size_lead(change: &MoneyEstimate, at_least: [bool; 2]) -> &'static str {
    let rises = change.value.0 >= Decimal::ZERO;
    match at_least {
        [false, false] if change.low < change.high => "about ",
        [false, false] => "",
        [true, true] => "about ",
        [amount, _] if amount == rises => "at least ",
        _ => "at most ",
    }
}

/// An amount as it is printed: rounded, and down if it is at least so much.
fn bounded(amount: &MoneyEstimate, resolution: i32) -> Decimal {
    let printed = round_to(amount.value.0, resolution);
    if amount.at_least && printed > amount.value.0 {
        return printed - unit_of(resolution);
    }
    printed
}

/// One of the last digit at a resolution.
fn unit_of(resolution: i32) -> Decimal {
    match u32::try_from(-resolution) {
        Ok(decimals) => Decimal::new(1, decimals),
        Err(_) => Decimal::from(10_i64.saturating_pow(resolution.unsigned_abs())),
    }
}

fn rounded(value: f64, resolution: i32) -> Decimal {
    round_to(Decimal::from_f64_retain(value).unwrap_or_default(), resolution)
}

/// Whether the value of an estimate lies in its interval.
fn value_in(estimate: &MoneyEstimate) -> bool {
    let value = estimate.value.0.to_f64().unwrap_or(f64::NAN);
    let slack = 1e-9 * value.abs();
    estimate.low - slack <= value && value <= estimate.high + slack
}

/// An amount with its sign before the symbol.
fn with_sign(value: Decimal, resolution: i32, currency: &str, plus: &str) -> String {
    let decimals = usize::try_from(-resolution).unwrap_or(0);
    let sign = match value.to_f64().unwrap_or(0.0) {
        0.0 => "",
        below if below < 0.0 => "−",
        _ => plus,
    };
    format!(
        "{sign}{}{}",
        symbol(currency),
        grouped(&format!("{:.decimals$}", value.abs()))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn priced(value: &str, low: f64, high: f64) -> MoneyEstimate {
        MoneyEstimate {
            value: value.parse().expect(value),
            low,
            high,
            mean: None,
            at_least: false,
        }
    }

    /// The shop's own totals: 6,566 and 6,030 were printed as 6,600 and 6,000 with a change of +500; to
    /// hundreds their difference would be +600.
    #[test]
    fn a_printed_change_is_the_difference_of_the_printed_totals() {
        let rows = compared(
            &[
                (
                    priced("6566.2", 4_900.0, 8_800.0),
                    priced("536.6", -391.0, 1_672.0),
                ),
                (priced("6029.66", 5_170.0, 7_190.0), priced("0", 0.0, 0.0)),
            ],
            1,
            "USD",
        );
        assert_eq!(
            (rows[0].amount.as_str(), rows[0].interval.as_str()),
            ("$6,570", "$4,900–$8,800")
        );
        assert_eq!(
            (rows[0].change.as_str(), rows[0].change_interval.as_str()),
            ("+$540", "−$400 to +$1,700")
        );
        assert_eq!(
            (rows[1].amount.as_str(), rows[1].interval.as_str()),
            ("$6,030", "$5,200–$7,200")
        );
        assert_eq!(
            (rows[1].change.as_str(), rows[1].change_interval.as_str()),
            ("$0", "")
        );
    }

    /// Two totals of nginx, 46,960 and 47,807, are known to thousands and their difference to hundreds.
    #[test]
    fn a_difference_that_is_known_better_than_its_amounts_keeps_its_digits() {
        let rows = compared(
            &[
                (
                    priced("46960", 25_000.0, 90_000.0),
                    priced("-847.4", -2_706.7, 505.6),
                ),
                (priced("47807.4", 26_000.0, 91_000.0), priced("0", 0.0, 0.0)),
            ],
            1,
            "USD",
        );
        assert_eq!(
            (rows[0].change.as_str(), rows[0].change_interval.as_str()),
            ("−$800", "−$2,700 to +$500")
        );
        assert_eq!(
            (rows[0].amount.as_str(), rows[1].amount.as_str()),
            ("$47,000", "$47,800")
        );
    }

    /// 46,721 and 47,568 of nginx: 850 needs no whole dollars, and 900 would be off by more than 50.
    #[test]
    fn amounts_have_no_more_digits_than_their_difference_needs() {
        let rows = compared(
            &[
                (
                    priced("46721.2", 25_200.0, 89_900.0),
                    priced("-847.1", -2_706.7, 505.6),
                ),
                (priced("47568.3", 26_000.0, 91_300.0), priced("0", 0.0, 0.0)),
            ],
            1,
            "USD",
        );
        assert_eq!(
            [&rows[0].amount, &rows[1].amount, &rows[0].change, &rows[0].size],
            ["$46,720", "$47,570", "−$850", "about $850"]
        );
    }

    /// What is at least 11,977 is not at least 12,000.
    #[test]
    fn a_lower_bound_is_rounded_down() {
        let least = |value: &str, low: f64, high: f64| MoneyEstimate {
            at_least: true,
            ..priced(value, low, high)
        };
        let rows = compared(
            &[
                (
                    least("28178.7", 23_439.0, 37_733.0),
                    least("11977.0", 8_078.0, 19_490.0),
                ),
                (priced("16201.7", 13_051.0, 21_677.0), priced("0", 0.0, 0.0)),
            ],
            1,
            "USD",
        );
        assert_eq!(
            [&rows[0].amount, &rows[0].change, &rows[0].size],
            ["at least $28,100", "at least +$11,900", "at least $11,900"]
        );
    }

    /// 3,063 in 2,930 to 3,064, beside an amount that is known to tens.
    #[test]
    fn a_printed_interval_holds_the_printed_value() {
        let rows = compared(
            &[
                (
                    priced("3063.2", 2_930.0, 3_063.9),
                    priced("2963.2", 2_830.0, 2_963.9),
                ),
                (priced("100", 100.0, 100.0), priced("0", 0.0, 0.0)),
            ],
            1,
            "USD",
        );
        let interval: Vec<f64> = rows[0].interval.split('–').map(read).collect();
        assert!(
            interval[0] <= read(&rows[0].amount) && read(&rows[0].amount) <= interval[1],
            "{rows:?}"
        );
    }

    /// A number that a reader sees: of `−$1,200` it is −1200.
    fn read(text: &str) -> f64 {
        let plain = text.replace([',', '$'], "").replace('−', "-");
        plain.trim_start_matches('+').parse().expect(text)
    }

    /// Ten thousand tables of three amounts, by a linear congruential generator: every printed change is the
    /// difference of two printed amounts.
    #[test]
    fn printed_columns_foot_whatever_the_amounts() {
        let mut state = 20_261_129_u64;
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        for _ in 0..10_000 {
            let values: Vec<f64> = (0..3).map(|_| 10_f64.powf(random() * 7.0 - 1.0)).collect();
            let spread = random() * 0.5;
            let rows: Vec<(MoneyEstimate, MoneyEstimate)> = values
                .iter()
                .map(|value| {
                    let change = value - values[0];
                    let (low, high) = (value * (1.0 - spread), value * (1.0 + spread));
                    (
                        priced(&format!("{value:.6}"), low, high),
                        priced(
                            &format!("{change:.6}"),
                            change - spread * value,
                            change + spread * value,
                        ),
                    )
                })
                .collect();
            let printed = compared(&rows, 0, "USD");
            let base = read(&printed[0].amount);
            for Compared { amount, change, .. } in &printed {
                let difference = read(amount) - base;
                assert!(
                    (difference - read(change)).abs() <= 1e-9 * difference.abs().max(1.0),
                    "{printed:?}"
                );
            }
        }
    }
}
