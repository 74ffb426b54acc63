//! When a price was seen.

use std::{fmt, str::FromStr};

use jiff::civil::Date;

use crate::{DataError, units::text_type};

/// A day, month or year on which a price was seen. Prints as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedOn {
    text: String,
    earliest: Date,
}

impl ObservedOn {
    /// The earliest day it can mean.
    #[must_use]
    pub fn earliest(&self) -> Date {
        self.earliest
    }
}

impl FromStr for ObservedOn {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let padded = match text.len() {
            4 => format!("{text}-01-01"),
            7 => format!("{text}-01"),
            _ => text.to_owned(),
        };
        let unreadable = |_| DataError::Unreadable {
            value: text.to_owned(),
            expected: "a date such as 2026-07-20, \"2026-07\" or \"2026\"",
        };
        Ok(Self {
            text: text.to_owned(),
            earliest: padded.parse().map_err(unreadable)?,
        })
    }
}

impl fmt::Display for ObservedOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

text_type!(ObservedOn, "ObservedOn", "nest-observed", "string");
