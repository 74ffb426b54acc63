//! Amounts of money as readers write them: symbol in front, sign before the symbol, whole from 100 on.

use nest_data::projection::MoneyEstimate;
use rust_decimal::prelude::ToPrimitive;

use super::name::clean;
use crate::format;

/// Amounts from which on only whole units are shown.
const WHOLE_FROM: f64 = 100.0;
/// Relative width of an interval from which on a middle value is only about right.
const WIDE: f64 = 0.1;
/// Significant digits of an interval's width that are shown.
const DIGITS_OF_WIDTH: i32 = 2;

/// What stands before an amount: `$`, `€`, `£`, `¥`, otherwise the code and a space.
pub(crate) fn symbol(currency: &str) -> String {
    match currency {
        "USD" => "$".to_owned(),
        "EUR" => "€".to_owned(),
        "GBP" => "£".to_owned(),
        "JPY" => "¥".to_owned(),
        code => format!("{} ", clean(code).replace('`', "'")),
    }
}

/// An exact amount: `$171`, `$2.14`, `−$390`, `less than 1 cent`.
pub(crate) fn amount(value: f64, currency: &str) -> String {
    signed(value, currency, exact_resolution(value, currency), "")
}

/// An exact difference: `+$74`, `−$390`, `$0`.
pub(crate) fn change(value: f64, currency: &str) -> String {
    signed(value, currency, exact_resolution(value, currency), "+")
}

/// The value of an estimate, without its interval: `$171`, `about $6,000`, `at least $171`.
pub(crate) fn money(estimate: &MoneyEstimate, currency: &str) -> String {
    let resolution = resolution(estimate, currency);
    let text = signed(bounded(estimate, resolution), currency, resolution, "");
    format!("{}{text}", lead(estimate))
}

/// The value; rounded down if it is at least so much: $11,960 is not at least $12,000.
fn bounded(estimate: &MoneyEstimate, resolution: i32) -> f64 {
    let (value, step) = (value_of(estimate), 10_f64.powi(resolution));
    if estimate.at_least {
        (value / step + 1e-9).floor() * step
    } else {
        value
    }
}

/// The interval of an estimate: `$5,200–7,200`, `−$390 to $1,670`; empty where both ends print alike.
pub(crate) fn money_interval(estimate: &MoneyEstimate, currency: &str) -> String {
    let resolution = resolution(estimate, currency);
    let ends = spread(estimate.low, estimate.high, currency, resolution);
    beside_value(ends, estimate, currency, resolution, "")
}

/// The value of a difference: `+$600`, `about −$110,000`.
pub(crate) fn money_change(estimate: &MoneyEstimate, currency: &str) -> String {
    let resolution = resolution(estimate, currency);
    let text = signed(bounded(estimate, resolution), currency, resolution, "+");
    format!("{}{text}", lead(estimate))
}

/// The interval of a difference, both ends with their sign: `−$390 to +$1,670`.
pub(crate) fn change_interval(estimate: &MoneyEstimate, currency: &str) -> String {
    let resolution = resolution(estimate, currency);
    let end = |value: f64| signed(value, currency, resolution, "+");
    let (low, high) = (end(estimate.low), end(estimate.high));
    let ends = if low == high {
        String::new()
    } else {
        format!("{low} to {high}")
    };
    beside_value(ends, estimate, currency, resolution, "+")
}

/// A difference whose best guess lies outside of its interval, by its mean: `−$2.57 on average`, and `−$3.31
/// to −$0.12; best guess −$65.15`. `None` if it lies inside, or the mean is not known.
pub(crate) fn uneven_change(estimate: &MoneyEstimate, currency: &str) -> Option<[String; 2]> {
    let mean = estimate.mean.filter(|_| is_outside(estimate))?;
    let resolution = resolution(estimate, currency);
    let print = |value: f64| signed(value, currency, resolution, "+");
    let (low, high) = (print(estimate.low), print(estimate.high));
    let ends = if low == high {
        low
    } else {
        format!("{low} to {high}")
    };
    Some([
        format!("{} on average", print(mean)),
        format!("{ends}; best guess {}", print(value_of(estimate))),
    ])
}

/// An interval as it is printed; where the value, which is the best guess, lies outside of it, that is said.
fn beside_value(
    ends: String,
    estimate: &MoneyEstimate,
    currency: &str,
    resolution: i32,
    plus: &str,
) -> String {
    if ends.is_empty() || !is_outside(estimate) {
        return ends;
    }
    let mean = estimate.mean.map_or_else(String::new, |mean| {
        format!(", mean {}", signed(mean, currency, resolution, plus))
    });
    format!("best guess; most cases {ends}{mean}")
}

/// Whether the value lies outside of its interval.
fn is_outside(estimate: &MoneyEstimate) -> bool {
    let value = value_of(estimate);
    // Draws are binary numbers and the value a decimal one: the last digits of equal amounts differ.
    let slack = 1e-9 * value.abs();
    value < estimate.low - slack || value > estimate.high + slack
}

/// Two ends at a resolution (a power of ten): `$5,200–7,200`; empty where they print alike.
fn spread(low: f64, high: f64, currency: &str, resolution: i32) -> String {
    let (first, last) = (
        signed(low, currency, resolution, ""),
        signed(high, currency, resolution, ""),
    );
    if first == last {
        return String::new();
    }
    if low < 0.0 || first.starts_with("less") {
        return format!("{first} to {last}");
    }
    let sign = symbol(currency);
    format!("{first}–{}", last.strip_prefix(sign.as_str()).unwrap_or(&last))
}

/// `at least` where a price is missing, `about` where the interval is wide.
fn lead(estimate: &MoneyEstimate) -> &'static str {
    let value = value_of(estimate);
    let is_wide = (estimate.high - estimate.low).abs() > WIDE * value.abs();
    match (estimate.at_least, is_wide || is_outside(estimate)) {
        (true, _) => "at least ",
        (false, true) => "about ",
        (false, false) => "",
    }
}

fn value_of(estimate: &MoneyEstimate) -> f64 {
    estimate.value.0.to_f64().unwrap_or(f64::NAN)
}

/// Power of ten of the last digit of an amount without an interval.
fn exact_resolution(value: f64, currency: &str) -> i32 {
    if value.abs() >= WHOLE_FROM || currency == "JPY" {
        0
    } else {
        -2
    }
}

/// Power of ten of the last digit that an interval supports: two digits of its width, never finer than the
/// value by itself is shown.
pub(super) fn resolution(estimate: &MoneyEstimate, currency: &str) -> i32 {
    let value = value_of(estimate);
    let exact = exact_resolution(value, currency);
    let width = (estimate.high - estimate.low).abs();
    if !width.is_finite() || width <= 0.0 {
        return exact;
    }
    let supported = width.log10().floor() as i32 - DIGITS_OF_WIDTH + 1;
    let first = if value == 0.0 {
        supported
    } else {
        value.abs().log10().floor() as i32
    };
    let fine = supported.min(first.max(exact));
    // Money is shown whole or with all of its small units.
    if fine < 0 { exact } else { fine.max(exact) }
}

fn signed(value: f64, currency: &str, resolution: i32, plus: &str) -> String {
    if value.is_nan() {
        return "not known".to_owned();
    }
    let smallest = 10_f64.powi(exact_resolution(0.0, currency));
    if value != 0.0 && value.abs() < smallest {
        let sign = if value < 0.0 { "−" } else { plus };
        return match currency {
            "USD" | "EUR" if plus.is_empty() && value > 0.0 => "less than 1 cent".to_owned(),
            _ => format!("{sign}{}0", symbol(currency)).replace(['−', '+'], ""),
        };
    }
    let step = 10_f64.powi(resolution);
    let rounded = (value.abs() / step).round() * step;
    let digits = if rounded == 0.0 {
        "0".to_owned()
    } else if resolution < 0 {
        let decimals = usize::try_from(-resolution).unwrap_or(0);
        format::grouped(&format!("{rounded:.decimals$}"))
    } else {
        format::grouped(&format!("{rounded:.0}"))
    };
    let sign = match (rounded == 0.0, value < 0.0) {
        (true, _) => "",
        (false, true) => "−",
        (false, false) => plus,
    };
    format!("{sign}{}{digits}", symbol(currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(value: &str, low: f64, high: f64) -> MoneyEstimate {
        MoneyEstimate {
            value: value.parse().expect(value),
            low,
            high,
            mean: None,
            at_least: false,
        }
    }

    #[test]
    fn amounts_are_whole_from_a_hundred_on() {
        assert_eq!(amount(171.11, "USD"), "$171");
        assert_eq!(amount(73.584, "USD"), "$73.58");
        assert_eq!(amount(2.139, "EUR"), "€2.14");
        assert_eq!(amount(2.6, "JPY"), "¥3");
        assert_eq!(amount(6_029.5, "CHF"), "CHF 6,030");
        assert_eq!(amount(0.000_04, "USD"), "less than 1 cent");
        assert_eq!(amount(-390.2, "USD"), "−$390");
        assert_eq!(change(530.0, "USD"), "+$530");
        assert_eq!(change(-0.000_04, "USD"), "$0");
        assert_eq!(change(0.0, "GBP"), "£0");
    }

    #[test]
    fn an_interval_decides_on_the_digits() {
        let total = estimate("6029.53", 5_178.8, 7_194.1);
        assert_eq!(money(&total, "USD"), "about $6,000");
        assert_eq!(money_interval(&total, "USD"), "$5,200–7,200");
        let exact = estimate("171.114", 171.03, 171.19);
        assert_eq!(money(&exact, "USD"), "$171");
        assert_eq!(money_interval(&exact, "USD"), "");
        let narrow = estimate("2.1389", 2.1379, 2.1399);
        assert_eq!(money(&narrow, "USD"), "$2.14");
        let known = MoneyEstimate {
            at_least: true,
            ..total
        };
        assert_eq!(money(&known, "USD"), "at least $6,000");
    }

    #[test]
    fn a_value_outside_its_interval_is_called_the_best_guess() {
        let step = MoneyEstimate {
            mean: Some(-2.57),
            ..estimate("-65.15", -3.307, -0.118)
        };
        assert_eq!(money_change(&step, "USD"), "about −$65.15");
        assert_eq!(
            change_interval(&step, "USD"),
            "best guess; most cases −$3.31 to −$0.12, mean −$2.57"
        );
        let late = estimate("74", 0.0, 20.0);
        assert_eq!(money_interval(&late, "USD"), "best guess; most cases $0–20");
    }

    #[test]
    fn differences_carry_their_sign() {
        let unsure = estimate("536.6", -391.0, 1_672.0);
        assert_eq!(money_change(&unsure, "USD"), "about +$500");
        assert_eq!(change_interval(&unsure, "USD"), "−$400 to +$1,700");
        let none = estimate("0", 0.0, 0.0);
        assert_eq!(money_change(&none, "USD"), "$0");
        assert_eq!(change_interval(&none, "USD"), "");
    }
}
