//! Texts with a form of their own (durations, shares, rates ...): how each is checked, and what a message
//! says about it.

use serde_json::Value;

use crate::{
    error::DataError,
    formula::Formula,
    units::{CalendarSpan, Change, Growth, ObservedOn, QuotedDecimal, Seconds, Share, read_date},
};

/// One form of text, under the name that the schema's `format` gives it.
pub struct TextFormat {
    name: &'static str,
    check: fn(&str) -> Result<(), DataError>,
    /// What to write.
    pub hint: &'static str,
    /// What `--set` takes, without quotes.
    pub example: &'static str,
    /// What makes a bare number a value of this form, if anything does.
    unit: &'static str,
}

/// Every form of text that a document of ours may hold.
const FORMATS: [TextFormat; 10] = [
    TextFormat {
        name: "nest-duration",
        check: |text| text.parse::<Seconds>().map(drop),
        hint: "write a number and a unit, such as \"300ms\", \"10s\" or \"2m\"",
        example: "300ms",
        unit: "s",
    },
    TextFormat {
        name: "nest-share",
        check: |text| text.parse::<Share>().map(drop),
        hint: "write \"30%\" or 0.3",
        example: "30%",
        unit: "",
    },
    TextFormat {
        name: "nest-growth",
        check: |text| text.parse::<Growth>().map(drop),
        hint: "write a monthly change such as \"7%\"",
        example: "7%",
        unit: "%",
    },
    TextFormat {
        name: "nest-decimal",
        check: |text| text.parse::<QuotedDecimal>().map(drop),
        hint: "write a decimal in quotes and without a unit, such as \"0.0116\" or \"-12\": a bare number \
               would lose digits",
        example: "0.0116",
        unit: "",
    },
    TextFormat {
        name: "nest-observed",
        check: |text| text.parse::<ObservedOn>().map(drop),
        hint: "write a date such as 2026-07-20, \"2026-07\" or \"2026\"",
        example: "2026-07-20",
        unit: "",
    },
    TextFormat {
        name: "nest-change",
        check: |text| text.parse::<Change>().map(drop),
        hint: "write a change with its sign, such as \"+5000\" or \"+20%\"",
        example: "+20%",
        unit: "",
    },
    TextFormat {
        name: "nest-lapse",
        check: |text| text.parse::<CalendarSpan>().map(drop),
        hint: "write a span such as \"10 days\", \"6 weeks\" or \"2 months\"",
        example: "6 weeks",
        unit: "",
    },
    TextFormat {
        name: "nest-number",
        check: |text| Formula::parse_number(text).map(drop),
        hint: "write a number or a formula without a unit of time, such as 0.5 or \"min_payment / 2\"",
        example: "0.5",
        unit: "",
    },
    TextFormat {
        name: "nest-rate",
        check: |text| Formula::parse_rate(text).map(drop),
        hint: "write executions per customer and time, such as \"0.3 / day\"",
        example: "0.3 / day",
        unit: " / day",
    },
    TextFormat {
        name: "date",
        check: |text| read_date(text).map(drop),
        hint: "write a date such as 2026-11-01, from 1900 to 2999",
        example: "2026-11-01",
        unit: "",
    },
];

impl TextFormat {
    /// The form of that name. Schemas also name formats that are none of ours, such as `uint32`.
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// What `--set` takes instead of a value: the same number with a unit, where one is all that it lacks.
    pub fn instead_of(&self, value: &Value) -> String {
        match value {
            Value::Number(number) if !self.unit.is_empty() => format!("{number}{}", self.unit),
            _ => self.example.to_owned(),
        }
    }

    /// Whether it is a formula of executions by time.
    pub fn is_rate(&self) -> bool {
        self.name == "nest-rate"
    }

    /// Checks that a text has this form.
    ///
    /// # Errors
    /// [`DataError::Unreadable`], [`DataError::OutOfRange`] or [`DataError::Formula`]: what is wrong with it.
    pub fn check(&self, text: &str) -> Result<(), DataError> {
        (self.check)(text)
    }
}
