//! A number opened down to what it rests on: measured, fitted, assumed or priced.

use serde::{Deserialize, Serialize};

use crate::document::{Document, Header};

/// A number with everything it is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// Kind, format and writer.
    pub header: Header,
    /// The tree.
    pub root: ExplanationNode,
}

impl Document for Explanation {
    const KIND: &'static str = "nest.explanation";
    const FORMAT: u32 = 1;
    const MADE_BY_VERB: &str = "explain";
}

/// One number of the tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExplanationNode {
    /// What it is.
    pub name: String,
    /// Its value in full, a decimal number.
    pub value: String,
    /// Its unit.
    pub unit: String,
    /// Where it comes from.
    pub basis: Basis,
    /// Its formula, or where it was seen.
    pub detail: String,
    /// What it is computed from; empty for a leaf.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ExplanationNode>,
}

/// Where a number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The sum of its parts, exactly.
    Sum,
    /// The product of its parts, to the digits after the point that it shows.
    Product,
    /// The first part divided by the second, exactly or to 28 digits.
    Quotient,
    /// The tiers of a price applied to a quantity.
    Tiers,
    /// As the formula says, from its parts.
    Formula,
    /// ● Measured.
    Measured,
    /// — Fitted.
    Fitted,
    /// ◇ Assumed or stated by the study.
    Assumed,
    /// A price, with its source and date.
    Priced,
}

impl Basis {
    /// The sign and the word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Sum => "= sum",
            Self::Product => "= product",
            Self::Quotient => "= quotient",
            Self::Tiers => "= tiers",
            Self::Formula => "= formula",
            Self::Measured => "● measured",
            Self::Fitted => "— fitted",
            Self::Assumed => "◇ assumed",
            Self::Priced => "$ priced",
        }
    }

    /// Whether it rests on nothing else.
    #[must_use]
    pub fn is_leaf(self) -> bool {
        matches!(self, Self::Measured | Self::Fitted | Self::Assumed | Self::Priced)
    }
}

impl ExplanationNode {
    /// A number that rests on nothing else.
    #[must_use]
    pub fn leaf(
        name: impl Into<String>,
        value: impl ToString,
        unit: impl Into<String>,
        basis: Basis,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            value: value.to_string(),
            unit: unit.into(),
            basis,
            detail: detail.into(),
            parts: Vec::new(),
        }
    }
}
