//! Changes of a number of customers, as people write them.

use std::{fmt, str::FromStr};

use super::text_type;
use crate::error::DataError;

/// A change of the number of customers: a number (`"+5000"`), or a share of those there would be (`"+20%"`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// A number of customers, with its sign.
    Customers(f64),
    /// A share of the customers there would be: 0.2 for 20 %; above -1.
    Share(f64),
}

impl Change {
    /// The number alone: customers, or the share.
    #[must_use]
    pub fn number(self) -> f64 {
        match self {
            Self::Customers(number) | Self::Share(number) => number,
        }
    }

    /// Whether both are numbers of customers, or both shares.
    #[must_use]
    pub fn is_like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

impl FromStr for Change {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let unreadable = || DataError::Unreadable {
            value: text.to_owned(),
            expected: "a change such as \"+5000\" or \"+20%\", with its sign",
        };
        let plain = text.trim().replace('_', "");
        if !plain.starts_with(['+', '-']) {
            return Err(unreadable());
        }
        let read = match plain.strip_suffix('%') {
            Some(percent) => percent
                .trim()
                .parse()
                .map(|percent: f64| Self::Share(percent / 100.0)),
            None => plain.parse().map(Self::Customers),
        };
        let change = read
            .ok()
            .filter(|change| change.number().is_finite())
            .ok_or_else(unreadable)?;
        match change {
            Self::Share(share) if share <= -1.0 => Err(DataError::OutOfRange {
                value: text.to_owned(),
                bound: "not above -100 %",
            }),
            change => Ok(change),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Customers(number) => write!(f, "{number:+}"),
            // Percent are written with up to nine decimals, so that 0.07 prints as it was read.
            Self::Share(share) => write!(f, "{:+}%", (share * 1e11).round() / 1e9),
        }
    }
}

text_type!(Change, "Change", "nest-change", "string");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_print_what_they_read() {
        for text in ["+5000", "-300", "+20%", "-7%", "+0.125%", "+33.3%"] {
            assert_eq!(text.parse::<Change>().expect(text).to_string(), text);
        }
        assert_eq!(
            "+5_000".parse::<Change>().expect("a change"),
            Change::Customers(5_000.0)
        );
        for text in ["5000", "20%", "+", "+x", "-100%", "-120%", "+inf", ""] {
            assert!(text.parse::<Change>().is_err(), "{text}");
        }
    }
}
