//! Values that people write as text with a unit, and money.

mod calendar;
mod change;

use std::{fmt, str::FromStr};

use rust_decimal::Decimal;

pub(crate) use self::calendar::DateText;
pub use self::{
    calendar::{CalendarSpan, ObservedOn, read_date},
    change::Change,
};
use crate::error::DataError;

/// Seconds in a day.
pub const SECONDS_PER_DAY: f64 = 86_400.0;
/// Days in a twelfth of a year of 365 days, without leap days: 365 / 12 = 30.4167, as a billed month of 730
/// hours has.
pub const DAYS_PER_MONTH: f64 = 365.0 / 12.0;
/// Longest span of time that is accepted, in seconds: ten years of 365 days. Longer ones are taken for typing
/// errors.
const LONGEST_SPAN_S: f64 = 3_650.0 * SECONDS_PER_DAY;
/// Largest decimal that is read, 10^18: exact sums and products of such then stay inside their 28 digits.
pub(crate) const LARGEST_DECIMAL: Decimal = Decimal::from_parts(2_808_348_672, 232_830_643, 0, false, 0);

/// Gives a text newtype its serde and schema: written as a string, checked under `format` by
/// [`check_format`].
macro_rules! text_type {
    ($type:ty, $name:literal, $format:literal, $json_type:tt) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = <serde_json::Value as serde::Deserialize>::deserialize(deserializer)?;
                let text = match &value {
                    serde_json::Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                text.parse().map_err(serde::de::Error::custom)
            }
        }
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": $json_type, "format": $format })
            }
        }
    };
}
pub(crate) use text_type;

/// A span of time in seconds, 0 or more, written `"300ms"`, `"10s"`, `"2m"`, `"1h"` or `"90d"`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Seconds(f64);

impl Seconds {
    /// A span of `seconds`, from 0 to ten years.
    #[must_use]
    pub fn new(seconds: f64) -> Option<Self> {
        (0.0..=LONGEST_SPAN_S).contains(&seconds).then_some(Self(seconds))
    }

    /// The span in seconds.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }

    /// The span as a [`std::time::Duration`].
    #[must_use]
    pub fn duration(self) -> std::time::Duration {
        std::time::Duration::from_secs_f64(self.0)
    }
}

impl FromStr for Seconds {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let factor = match unit.trim() {
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3_600.0,
            "d" => SECONDS_PER_DAY,
            _ => f64::NAN,
        };
        let seconds = number.trim().parse::<f64>().ok().map(|number| number * factor);
        let seconds = seconds
            .filter(|seconds| !seconds.is_nan())
            .ok_or(DataError::Unreadable {
                value: text.to_owned(),
                expected: "a duration such as \"300ms\", \"10s\" or \"2m\"",
            })?;
        Self::new(seconds).ok_or_else(|| DataError::OutOfRange {
            value: text.to_owned(),
            bound: if seconds < 0.0 {
                "below 0"
            } else {
                "longer than ten years"
            },
        })
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0)
    }
}

text_type!(Seconds, "Seconds", "nest-duration", "string");

/// A share from 0 to 1, written `"30%"` or `0.3`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// A share, which must lie in 0-1.
    #[must_use]
    pub fn new(share: f64) -> Option<Self> {
        (0.0..=1.0).contains(&share).then_some(Self(share))
    }

    /// The share, 0-1.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for Share {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let (number, factor, bounds) = match text.trim().strip_suffix('%') {
            Some(percent) => (percent.trim(), 100.0, ["below 0 %", "above 100 %"]),
            None => (text.trim(), 1.0, ["below 0", "above 1, which is 100 %"]),
        };
        let share = number.parse::<f64>().ok().map(|number| number / factor);
        let share = share
            .filter(|share| !share.is_nan())
            .ok_or(DataError::Unreadable {
                value: text.to_owned(),
                expected: "a share such as \"30%\" or 0.3, from 0 to 1",
            })?;
        Self::new(share).ok_or_else(|| DataError::OutOfRange {
            value: text.to_owned(),
            bound: bounds[usize::from(share > 1.0)],
        })
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

text_type!(Share, "Share", "nest-share", ["string", "number"]);

/// A change per month, above -100 %, written `"7%"` or `"-2%"`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Growth {
    percent: f64, // as written, so that it prints as it was read
}

impl Growth {
    /// The change as a share: 0.07 for 7 %.
    #[must_use]
    pub fn get(self) -> f64 {
        self.percent / 100.0
    }
}

impl FromStr for Growth {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let percent = text
            .trim()
            .strip_suffix('%')
            .and_then(|percent| percent.trim().parse::<f64>().ok())
            .filter(|percent| percent.is_finite())
            .ok_or(DataError::Unreadable {
                value: text.to_owned(),
                expected: "a monthly change such as \"7%\", above -100%",
            })?;
        if percent > -100.0 {
            Ok(Self { percent })
        } else {
            Err(DataError::OutOfRange {
                value: text.to_owned(),
                bound: "not above -100 %",
            })
        }
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.percent)
    }
}

text_type!(Growth, "Growth", "nest-growth", "string");

/// A decimal number written as a quoted string, as all money is: `"0.0116"`. At most 10^18 away from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct QuotedDecimal(pub Decimal);

impl FromStr for QuotedDecimal {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        Decimal::from_str_exact(text.trim())
            .ok()
            .filter(|number| number.abs() <= LARGEST_DECIMAL)
            .map(Self)
            .ok_or_else(|| DataError::Unreadable {
                value: text.to_owned(),
                expected: "a decimal number in quotes, such as \"0.0116\", up to 10^18",
            })
    }
}

impl fmt::Display for QuotedDecimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

text_type!(QuotedDecimal, "QuotedDecimal", "nest-decimal", "string");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_every_unit_and_print_what_they_read() {
        for (text, seconds) in [
            ("300ms", 0.3),
            ("10s", 10.0),
            ("2m", 120.0),
            ("1.5 h", 5400.0),
            ("90d", 7_776_000.0),
        ] {
            let read: Seconds = text.parse().expect(text);
            assert_eq!(read.get(), seconds);
            assert_eq!(read.to_string().parse::<Seconds>().expect("own text"), read);
        }
        for text in ["", "10", "-1s", "1e400s", "11000d", "ten s", "5 parsecs"] {
            assert!(text.parse::<Seconds>().is_err(), "{text}");
        }
    }

    #[test]
    fn shares_and_growth_keep_their_ranges() {
        assert_eq!("30%".parse::<Share>().expect("share").get(), 0.3);
        assert_eq!("0.3".parse::<Share>().expect("share").get(), 0.3);
        assert!("130%".parse::<Share>().is_err());
        assert_eq!("-2%".parse::<Growth>().expect("growth").get(), -0.02);
        assert_eq!("7%".parse::<Growth>().expect("growth").to_string(), "7%");
        assert!("-100%".parse::<Growth>().is_err());
        assert!("7".parse::<Growth>().is_err());
    }

    #[test]
    fn a_number_outside_its_range_is_said_to_be_so() {
        let of_share = |text: &str| text.parse::<Share>().expect_err(text).to_string();
        assert_eq!(of_share("130%"), "\"130%\" is above 100 %");
        assert_eq!(of_share("-1%"), "\"-1%\" is below 0 %");
        assert_eq!(of_share("30"), "\"30\" is above 1, which is 100 %");
        assert!(of_share("a third").contains("is not a share such as"));
        assert!(of_share("NaN").contains("is not a share such as"));
        let of_span = |text: &str| text.parse::<Seconds>().expect_err(text).to_string();
        assert_eq!(of_span("-1s"), "\"-1s\" is below 0");
        assert_eq!(of_span("11000d"), "\"11000d\" is longer than ten years");
        let shrinking = "-100%".parse::<Growth>().expect_err("nothing is left");
        assert_eq!(shrinking.to_string(), "\"-100%\" is not above -100 %");
    }

    #[test]
    fn money_is_never_a_float() {
        assert_eq!(
            "0.10".parse::<QuotedDecimal>().expect("decimal").0.to_string(),
            "0.10"
        );
        assert!("1e-3".parse::<QuotedDecimal>().is_err());
        for text in ["79228162514264337593543950335", "-1000000000000000001"] {
            assert!(text.parse::<QuotedDecimal>().is_err(), "{text}");
        }
        for text in ["1000000000000000000", "-0.0000000000000000000000000001"] {
            assert!(text.parse::<QuotedDecimal>().is_ok(), "{text}");
        }
        assert!("0.1 USD".parse::<QuotedDecimal>().is_err());
    }
}
