//! Short texts that several pictures share.

use nest_data::{projection::MoneyEstimate, units::QuotedDecimal};
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

/// A text with a capital and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    format!("{}.", words::capital(text.trim_end_matches('.')))
}

/// `2nd`, `3rd`, `11th`.
pub(crate) fn ordinal(number: f64) -> String {
    let whole = number.round().max(0.0) as u64;
    let ending = match (whole % 10, whole % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{whole}{ending}")
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
    fn ordinals_have_their_endings() {
        assert_eq!(
            [1.0, 2.0, 3.0, 4.0, 11.0, 22.0].map(ordinal),
            ["1st", "2nd", "3rd", "4th", "11th", "22nd"]
        );
    }
}
