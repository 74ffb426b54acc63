//! The worked bills as they are in the file.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value;

pub struct Vectors(pub Vec<Vector>);

pub struct Vector {
    pub id: String,
    pub kind: String,
    pub inputs: Value,
    pub rates: Value,
    pub lines: BTreeMap<String, Decimal>,
    pub total: Decimal,
    pub total_exact: Decimal,
    pub note: String,
}

/// A computed bill: charges add up to its total, facts are further figures that a vector may print.
#[derive(Default)]
pub struct Bill {
    pub charges: Vec<(&'static str, Decimal)>,
    pub facts: Vec<(&'static str, Decimal)>,
}

impl Vectors {
    pub fn read() -> Self {
        let file: Value = serde_json::from_str(include_str!("test-vectors.json")).expect("the file is JSON");
        Self(
            file["vectors"]
                .as_array()
                .expect("a list")
                .iter()
                .map(Vector::new)
                .collect(),
        )
    }

    pub fn get(&self, id: &str) -> &Vector {
        self.0
            .iter()
            .find(|vector| vector.id == id)
            .unwrap_or_else(|| panic!("no bill {id}"))
    }
}

impl Vector {
    fn new(value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        Self {
            id: text("id"),
            kind: text("kind"),
            inputs: value["inputs"].clone(),
            rates: value["rates"].clone(),
            lines: value["lines"]
                .as_object()
                .expect("lines")
                .iter()
                .map(|(name, line)| (name.clone(), decimal(line)))
                .collect(),
            total: decimal(&value["total"]),
            total_exact: decimal(&value["total_exact"]),
            note: text("note"),
        }
    }

    pub fn has(&self, input: &str) -> bool {
        self.inputs.get(input).is_some()
    }

    pub fn input(&self, name: &str) -> Decimal {
        decimal(&self.inputs[name])
    }

    pub fn input_or(&self, name: &str, otherwise: u32) -> Decimal {
        if self.has(name) {
            self.input(name)
        } else {
            Decimal::from(otherwise)
        }
    }

    pub fn rate(&self, name: &str) -> Decimal {
        decimal(&self.rates[name])
    }

    /// Whether the bill counts what is free.
    pub fn free_tier(&self) -> bool {
        self.inputs["free_tier"]
            .as_bool()
            .unwrap_or(self.inputs["free_tier"].is_string())
    }
}

/// A number or a text that holds one.
pub fn decimal(value: &Value) -> Decimal {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Decimal::from_str_exact(&text).unwrap_or_else(|_| panic!("{text} is not a decimal"))
}
