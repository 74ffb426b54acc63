//! Amounts of money. Values are decimal and stay so; only interval ends come from draws.

use nest_data::{projection::MoneyEstimate, units::QuotedDecimal};
use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};

use super::digits;

/// Currencies whose smallest unit is the whole one (ISO 4217, those that clouds bill in).
const WHOLE_CURRENCIES: [&str; 4] = ["CLP", "JPY", "KRW", "VND"];
/// Most decimals of an amount.
const MOST_DECIMALS: i32 = 8;

/// A value with its currency and 90 % interval: `USD 18.36 [17.6 … 19.4]`, preceded by `at least` if a price
/// is missing.
#[must_use]
pub fn money(estimate: &MoneyEstimate, currency: &str) -> String {
    let lead = if estimate.at_least { "at least " } else { "" };
    format!("{lead}{currency} {}", money_value(estimate, currency))
}

/// As [`money`], without currency and lead: `18.36 [17.6 … 19.4]`.
#[must_use]
pub fn money_value(estimate: &MoneyEstimate, currency: &str) -> String {
    with_interval(estimate, currency, |text| text)
}

/// A change with its sign: `USD −3.20 [−3.5 … −2.9]`.
#[must_use]
pub fn money_change(estimate: &MoneyEstimate, currency: &str) -> String {
    let lead = if estimate.at_least { "at least " } else { "" };
    format!("{lead}{currency} {}", with_interval(estimate, currency, signed))
}

/// An amount without an interval, with currency: `USD 24.40`.
#[must_use]
pub fn amount(value: QuotedDecimal, currency: &str) -> String {
    format!(
        "{currency} {}",
        rounded(value.0, value_resolution(value.0, currency))
    )
}

/// A decimal number without an interval, as [`super::number`] prints one.
#[must_use]
pub fn decimal(value: QuotedDecimal) -> String {
    digits::number(value.0.to_f64().unwrap_or(f64::NAN))
}

/// Amounts of a bill, all with the decimals of its total, such that what is printed adds up to the total as
/// printed.
///
/// Each is cut to the last digit shown; the missing units then go to the amounts that lost most
/// (Hamilton's method of largest remainders), so no printed amount is off by a whole unit. Unknown amounts
/// stay `None`. If the amounts do not sum to the total, each is rounded by itself.
#[must_use]
pub fn apportion(
    amounts: &[Option<QuotedDecimal>],
    total: QuotedDecimal,
    currency: &str,
) -> (Vec<Option<String>>, String) {
    apportion_at(value_resolution(total.0, currency), amounts, total)
}

/// As [`apportion`], in whole units from 100 on.
#[must_use]
pub fn apportion_whole(
    amounts: &[Option<QuotedDecimal>],
    total: QuotedDecimal,
    currency: &str,
) -> (Vec<Option<String>>, String) {
    let whole = total.0.abs() >= Decimal::ONE_HUNDRED;
    let resolution = if whole {
        0
    } else {
        value_resolution(total.0, currency)
    };
    apportion_at(resolution, amounts, total)
}

fn apportion_at(
    resolution: i32,
    amounts: &[Option<QuotedDecimal>],
    total: QuotedDecimal,
) -> (Vec<Option<String>>, String) {
    let unit = power_of_ten(resolution);
    let printed_total = round_to(total.0, resolution);
    let known: Decimal = amounts.iter().flatten().map(|amount| amount.0).sum();
    let mut parts: Vec<Option<Decimal>> = amounts
        .iter()
        .map(|amount| amount.map(|amount| round_to(amount.0, resolution)))
        .collect();
    if known == total.0 {
        for (part, amount) in parts.iter_mut().zip(amounts) {
            *part = amount.map(|amount| (amount.0 / unit).floor() * unit);
        }
        let missing = (printed_total - parts.iter().flatten().sum::<Decimal>()) / unit;
        let mut by_loss: Vec<usize> = (0..parts.len()).filter(|index| parts[*index].is_some()).collect();
        by_loss.sort_by_key(|index| {
            std::cmp::Reverse(
                amounts[*index]
                    .map(|amount| amount.0)
                    .zip(parts[*index])
                    .map(|(exact, cut)| exact - cut),
            )
        });
        for index in by_loss.into_iter().take(missing.to_usize().unwrap_or(0)) {
            parts[index] = parts[index].map(|part| part + unit);
        }
    }
    (
        parts
            .into_iter()
            .map(|part| part.map(|part| rounded(part, resolution)))
            .collect(),
        rounded(printed_total, resolution),
    )
}

fn with_interval(estimate: &MoneyEstimate, currency: &str, dress: impl Fn(String) -> String) -> String {
    let value = estimate.value.0;
    if estimate.low == estimate.high {
        return dress(rounded(value, value_resolution(value, currency)));
    }
    // However narrow the interval: nobody signs for a thousandth of a cent.
    let ends = digits::resolution(value.to_f64().unwrap_or(f64::NAN), estimate.low, estimate.high)
        .max(value_resolution(value, currency));
    let end = |value| dress(digits::rounded(value, ends));
    let (value, low, high) = (
        dress(rounded(value, supported(ends, currency))),
        end(estimate.low),
        end(estimate.high),
    );
    // Where the best guess and most cases lie on two sides of a step, their mean says which is which.
    let mean = estimate
        .mean
        .map_or_else(String::new, |mean| format!(" (mean of the cases {})", end(mean)));
    if low == high && mean.is_empty() {
        value
    } else {
        format!("{value} [{low} … {high}]{mean}")
    }
}

/// Money is shown whole or with all its small units: never with one decimal.
fn supported(interval: i32, currency: &str) -> i32 {
    if interval >= 0 {
        interval
    } else {
        interval.clamp(-MOST_DECIMALS, small_unit(currency))
    }
}

/// Small units from 1 on; three significant digits below.
fn value_resolution(value: Decimal, currency: &str) -> i32 {
    let size = value.abs().to_f64().unwrap_or(0.0);
    if size >= 1.0 || size == 0.0 {
        small_unit(currency)
    } else {
        (size.log10().floor() as i32 - 2).clamp(-MOST_DECIMALS, small_unit(currency))
    }
}

fn small_unit(currency: &str) -> i32 {
    if WHOLE_CURRENCIES.contains(&currency) {
        0
    } else {
        -2
    }
}

fn rounded(value: Decimal, resolution: i32) -> String {
    let decimals = usize::try_from(-resolution).unwrap_or(0);
    digits::grouped(&format!("{:.decimals$}", round_to(value, resolution)))
}

pub(crate) fn round_to(value: Decimal, resolution: i32) -> Decimal {
    let commercial = RoundingStrategy::MidpointAwayFromZero;
    match u32::try_from(-resolution) {
        Ok(decimals) => value.round_dp_with_strategy(decimals, commercial),
        Err(_) => {
            (value / power_of_ten(resolution)).round_dp_with_strategy(0, commercial)
                * power_of_ten(resolution)
        }
    }
}

/// `10^exponent`, for the exponents that amounts have.
fn power_of_ten(exponent: i32) -> Decimal {
    let mut power = Decimal::ONE;
    for _ in 0..exponent.unsigned_abs().min(27) {
        power = if exponent > 0 {
            power * Decimal::TEN
        } else {
            power / Decimal::TEN
        };
    }
    power
}

fn signed(text: String) -> String {
    if text.starts_with('−') || !text.contains(|digit: char| digit.is_ascii_digit() && digit != '0') {
        text
    } else {
        format!("+{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(text: &str) -> QuotedDecimal {
        text.parse().expect(text)
    }

    fn estimate(value: &str, low: f64, high: f64) -> MoneyEstimate {
        MoneyEstimate {
            value: quoted(value),
            low,
            high,
            mean: None,
            at_least: false,
        }
    }

    #[test]
    fn a_value_outside_its_interval_is_followed_by_the_mean_of_the_cases() {
        let stepped = MoneyEstimate {
            mean: Some(-1.21),
            ..estimate("-65.14", -3.3, -0.1)
        };
        assert_eq!(
            money_change(&stepped, "USD"),
            "USD −65.14 [−3.3 … −0.1] (mean of the cases −1.2)"
        );
    }

    #[test]
    fn money_shows_whole_units_or_cents() {
        assert_eq!(
            money(&estimate("18.3559", 17.61, 19.38), "USD"),
            "USD 18.36 [17.6 … 19.4]"
        );
        assert_eq!(
            money(&estimate("770.95", 739.2, 814.8), "USD"),
            "USD 771 [739 … 815]"
        );
        assert_eq!(
            money(&estimate("12770.95", 12000.0, 13500.0), "USD"),
            "USD 12,800 [12,000 … 13,500]"
        );
        assert_eq!(money(&estimate("18.36", 18.36, 18.36), "USD"), "USD 18.36");
        assert_eq!(
            money(&estimate("1836.4", 1790.0, 1880.0), "JPY"),
            "JPY 1,836 [1,790 … 1,880]"
        );
        assert_eq!(
            money(&estimate("0.004217", 0.0040, 0.0045), "USD"),
            "USD 0.00422 [0.00400 … 0.00450]"
        );
    }

    #[test]
    fn a_missing_price_is_said_first() {
        let estimate = MoneyEstimate {
            at_least: true,
            ..estimate("18.36", 17.6, 19.4)
        };
        assert_eq!(money(&estimate, "USD"), "at least USD 18.36 [17.6 … 19.4]");
    }

    #[test]
    fn changes_carry_their_sign() {
        assert_eq!(
            money_change(&estimate("-3.2", -3.52, -2.91), "USD"),
            "USD −3.20 [−3.52 … −2.91]"
        );
        assert_eq!(
            money_change(&estimate("2.4", -0.6, 5.1), "USD"),
            "USD +2.40 [−0.6 … +5.1]"
        );
    }

    #[test]
    fn printed_lines_add_up_to_the_printed_total() {
        let lines = ["0.335", "0.335", "0.334", "2.996"].map(|text| Some(quoted(text)));
        let (parts, total) = apportion(&lines, quoted("4.000"), "USD");
        assert_eq!(total, "4.00");
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        assert_eq!(parts, ["0.34", "0.33", "0.33", "3.00"]);
    }

    #[test]
    fn unknown_amounts_stay_unknown_and_wrong_sums_stay_as_they_are() {
        let (parts, total) = apportion(&[None, Some(quoted("1.006"))], quoted("1.006"), "USD");
        assert_eq!(
            (parts, total),
            (vec![None, Some("1.01".to_owned())], "1.01".to_owned())
        );
        let (parts, total) = apportion(&[Some(quoted("1.004"))], quoted("3"), "USD");
        assert_eq!((parts, total), (vec![Some("1.00".to_owned())], "3.00".to_owned()));
    }
}
