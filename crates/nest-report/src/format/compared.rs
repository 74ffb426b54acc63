//! Amounts side by side with what they differ by: the printed difference is that of the printed amounts.

use nest_data::projection::MoneyEstimate;

use super::{
    digits,
    money::{resolution, round_to, rounded, signed},
};

/// Amounts and their differences from the one at `base`, all at the finest resolution of the amounts, so that
/// a difference of rounded amounts stays close to the difference, each with its interval and its currency.
#[must_use]
pub fn compared(
    amounts: &[(MoneyEstimate, MoneyEstimate)],
    base: usize,
    currency: &str,
) -> Vec<(String, String)> {
    let finest = amounts
        .iter()
        .map(|(amount, _)| resolution(amount, currency))
        .min()
        .unwrap_or(0);
    let printed = |amount: &MoneyEstimate| round_to(amount.value.0, finest);
    let Some((of_base, _)) = amounts.get(base) else {
        return Vec::new();
    };
    let row = |(index, (amount, change)): (usize, &(MoneyEstimate, MoneyEstimate))| {
        let lead = if amount.at_least { "at least " } else { "" };
        let end = |value: f64| digits::rounded(value, finest);
        let whole = with_ends(amount, rounded(printed(amount), finest), end);
        let difference = rounded(printed(amount) - printed(of_base), finest);
        let difference = if index == base {
            difference
        } else {
            with_ends(change, signed(difference), |value| {
                signed(digits::rounded(value, finest))
            })
        };
        (
            format!("{lead}{currency} {whole}"),
            format!("{lead}{currency} {difference}"),
        )
    };
    amounts.iter().enumerate().map(row).collect()
}

fn with_ends(estimate: &MoneyEstimate, value: String, end: impl Fn(f64) -> String) -> String {
    let (low, high) = (end(estimate.low), end(estimate.high));
    let mean = estimate
        .mean
        .map_or_else(String::new, |mean| format!(" (mean of the cases {})", end(mean)));
    if estimate.low == estimate.high || (low == high && mean.is_empty()) {
        value
    } else {
        format!("{value} [{low} … {high}]{mean}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(value: &str, low: f64, high: f64) -> MoneyEstimate {
        MoneyEstimate {
            value: value.parse().expect(value),
            low,
            high,
            mean: None,
            at_least: false,
        }
    }

    /// The shop's own totals: 6,566 and 6,030 were printed as 6,600 and 6,000 with a change of +500.
    #[test]
    fn a_printed_change_is_the_difference_of_the_printed_totals() {
        let rows = compared(
            &[
                (
                    amount("6566.2", 4_900.0, 8_800.0),
                    amount("536.6", -391.0, 1_672.0),
                ),
                (amount("6029.66", 5_170.0, 7_190.0), amount("0", 0.0, 0.0)),
            ],
            1,
            "USD",
        );
        assert_eq!(rows[0].0, "USD 6,600 [4,900 … 8,800]");
        assert_eq!(rows[0].1, "USD +600 [−400 … +1,700]");
        assert_eq!(
            rows[1],
            ("USD 6,000 [5,200 … 7,200]".to_owned(), "USD 0".to_owned())
        );
    }

    /// A number that a reader sees: of `USD −1,200 [...]` it is −1200.
    fn read(text: &str) -> f64 {
        let number = text.split(" [").next().unwrap_or(text).trim_start_matches("USD ");
        let plain = number.replace(',', "").replace('−', "-");
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
                        amount(&format!("{value:.6}"), low, high),
                        amount(
                            &format!("{change:.6}"),
                            change - spread * value,
                            change + spread * value,
                        ),
                    )
                })
                .collect();
            let printed = compared(&rows, 0, "USD");
            let base = read(&printed[0].0);
            for (whole, change) in &printed {
                let difference = read(whole) - base;
                assert!(
                    (difference - read(change)).abs() <= 1e-9 * difference.abs().max(1.0),
                    "{printed:?}"
                );
            }
        }
    }
}
