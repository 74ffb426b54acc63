//! Short texts that several pictures share.

use nest_data::{
    projection::{ConfigProjection, MoneyEstimate},
    units::QuotedDecimal,
};
use rust_decimal::prelude::ToPrimitive;

use crate::{chart::figure::plain, words};

/// A decimal as a number to be drawn.
pub(crate) fn float(value: QuotedDecimal) -> f64 {
    value.0.to_f64().unwrap_or(0.0)
}

/// The value of an amount to be drawn.
pub(crate) fn value(money: &MoneyEstimate) -> f64 {
    float(money.value)
}

/// A name of the study, inert and without backticks.
pub(crate) fn name(text: &str) -> String {
    let text = plain(text);
    if text.is_empty() { "?".to_owned() } else { text }
}

/// A name in a title, shortened, and its spaces kept from counting as words.
pub(crate) fn short(text: &str) -> String {
    const LONGEST: usize = 32;
    let text = name(text);
    if text.chars().count() <= LONGEST {
        return text;
    }
    let kept: String = text.chars().take(LONGEST).collect();
    format!("{}…", kept.trim_end())
}

/// What a set-up runs on; without processors and memory where it has several parts.
pub(crate) fn shape(config: &ConfigProjection) -> String {
    let whole = name(&config.shape);
    if !whole.contains("; ") {
        return whole;
    }
    let mut parts = whole.split(" (");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.split_once(')').map_or(part, |(_, after)| after)
    })
}

/// A value with its interval: `about $6,000 ($5,200–7,200)`.
pub(crate) fn with_interval(money: &MoneyEstimate, currency: &str) -> String {
    let interval = words::money_interval(money, currency);
    let text = words::money(money, currency);
    if interval.is_empty() {
        text
    } else {
        format!("{text} ({interval})")
    }
}

/// A text with a full stop. Names at its beginning stay as they are.
pub(crate) fn sentence(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}

/// A number with its first two digits.
pub(crate) fn two_digits(value: f64) -> f64 {
    digits(value, 2)
}

/// A number with its first digits, as many as `count`.
pub(crate) fn digits(value: f64, count: i32) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let step = 10_f64.powi(value.abs().log10().floor() as i32 - count + 1);
    (value / step).round() * step
}

/// A resource of `tier/kind` for a title: `CPU`, `CPU of db`.
pub(crate) fn resource(text: &str) -> String {
    let Some((tier, kind)) = text.split_once('/') else {
        return short(text);
    };
    let kind = if kind == "cpu" {
        "CPU".to_owned()
    } else {
        words::capital(&short(kind))
    };
    if tier == "app" {
        kind
    } else {
        format!("{kind} of {}", short(tier))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_inert_and_titles_short() {
        assert_eq!(name("a\u{1b}[31m\u{202e}`b`\n"), "a [31mb");
        assert_eq!(name("\u{202e}"), "?");
        assert!(short(&"x".repeat(200)).chars().count() <= 33);
    }

    #[test]
    fn numbers_keep_their_first_digits() {
        assert_eq!(
            [1_905.1, -73.86, 0.0, 0.0499].map(two_digits),
            [1_900.0, -74.0, 0.0, 0.05]
        );
        assert_eq!(digits(960_302.0, 3), 960_000.0);
        assert_eq!(
            [resource("app/cpu"), resource("db/memory")],
            ["CPU", "Memory of db"]
        );
    }
}
