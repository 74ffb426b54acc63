//! Differences of money in words: how much more or less, and how sure that is.

use nest_data::projection::MoneyEstimate;
use rust_decimal::prelude::ToPrimitive;

use super::amount::{amount, money};
use crate::format;

/// Amounts from which on millions are written out.
const MILLION: f64 = 1e6;

/// The size of a difference, whichever way it goes: `about $850`, `$74`, `about $6.5 million`.
pub(crate) fn size(change: &MoneyEstimate, currency: &str) -> String {
    let value = change.value.0.to_f64().unwrap_or(0.0);
    let (low, high) = if value < 0.0 {
        (-change.high, -change.low)
    } else {
        (change.low, change.high)
    };
    let size = MoneyEstimate {
        value: nest_data::units::QuotedDecimal(change.value.0.abs()),
        low,
        high,
        ..*change
    };
    short(&money(&size, currency), value, currency)
}

/// What nine of ten cases lie between: `between $980 and $3,900 more`, `between $390 less and $1,700 more`.
pub(crate) fn between(change: &MoneyEstimate, currency: &str) -> String {
    let end = |value: f64| short(&amount(round_end(value, change), currency), value, currency);
    let (low, high) = (change.low, change.high);
    if low == high || end(low.abs()) == end(high.abs()) && low.signum() == high.signum() {
        return String::new();
    }
    match (low < 0.0, high < 0.0) {
        (true, true) => format!("between {} and {} less", end(high.abs()), end(low.abs())),
        (false, false) => format!("between {} and {} more", end(low), end(high)),
        _ => format!("between {} less and {} more", end(low.abs()), end(high)),
    }
}

/// How sure it is that something is cheaper, from the share of paired cases in which it is, 0-1.
pub(crate) fn surely(share: f64) -> Option<&'static str> {
    match share {
        share if share >= 0.95 => Some("cheaper"),
        share if share >= 0.8 => Some("likely cheaper"),
        share if share >= 0.6 => Some("perhaps cheaper"),
        _ => None,
    }
}

/// An end of an interval, with two significant digits of its width.
fn round_end(value: f64, change: &MoneyEstimate) -> f64 {
    let width = (change.high - change.low).abs();
    if !width.is_finite() || width <= 0.0 {
        return value;
    }
    let step = 10_f64.powi(width.log10().floor() as i32 - 1);
    if step >= 1.0 {
        (value / step).round() * step
    } else {
        value
    }
}

/// Millions in words: an amount of seven digits is read as one number and not digit by digit.
fn short(text: &str, value: f64, currency: &str) -> String {
    if value.abs() < MILLION {
        return text.to_owned();
    }
    let lead = ["at least ", "about "]
        .into_iter()
        .find(|lead| text.starts_with(lead))
        .unwrap_or("");
    let millions = value.abs() / MILLION;
    let digits = if millions < 100.0 {
        format::number((millions * 10.0).round() / 10.0)
    } else {
        format::number(millions.round())
    };
    format!("{lead}{}{digits} million", super::amount::symbol(currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(value: &str, low: f64, high: f64) -> MoneyEstimate {
        MoneyEstimate {
            value: value.parse().expect(value),
            low,
            high,
            mean: None,
            at_least: false,
        }
    }

    #[test]
    fn sizes_and_ranges_read_as_more_or_less() {
        let saved = change("-847.4", -2_706.7, 505.6);
        assert_eq!(size(&saved, "USD"), "about $800");
        assert_eq!(between(&saved, "USD"), "between $2,700 less and $500 more");
        let dearer = change("1905.09", 981.7, 3_896.1);
        assert_eq!(between(&dearer, "USD"), "between $1,000 and $3,900 more");
        let fees = change("-6545608.4", -8_961_941.2, -4_803_812.1);
        assert_eq!(size(&fees, "USD"), "about $6.5 million");
        assert_eq!(between(&fees, "USD"), "between $4.8 million and $9 million less");
        let exact = change("0", 0.0, 0.0);
        assert_eq!(
            (size(&exact, "USD"), between(&exact, "USD")),
            ("$0".to_owned(), String::new())
        );
    }

    #[test]
    fn shares_of_paired_cases_have_words() {
        let words = [0.97, 0.82, 0.7, 0.5].map(surely);
        assert_eq!(
            words,
            [
                Some("cheaper"),
                Some("likely cheaper"),
                Some("perhaps cheaper"),
                None
            ]
        );
    }
}
