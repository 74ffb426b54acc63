//! A number opened down to what it rests on: measured, fitted, assumed, agreed or priced.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::document::{Document, Header};

/// How far a number may lie beyond a whole one and still count as it. Rounding errors must not buy a unit.
const NEARLY_WHOLE: f64 = 1e-9;

/// The value of a number whose price is not known. It is never 0.
pub const UNKNOWN: &str = "unknown";

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
    const FORMAT: u32 = 2;
    const MADE_BY_VERB: &str = "explain";
}

/// One number of the tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExplanationNode {
    /// What it is.
    pub name: String,
    /// Its value in full, a decimal number; `unknown` where a price is missing.
    pub value: String,
    /// Its unit.
    pub unit: String,
    /// How it follows from its parts, or where it comes from.
    pub basis: Basis,
    /// More about it in words: its formula, or where it was seen.
    pub detail: String,
    /// What it is computed from, in this order; empty for a leaf.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ExplanationNode>,
}

/// How a number follows from its parts, or where it comes from if it has none.
///
/// A program can compute every number with parts again. The result agrees with the value that is written to
/// 1e-9 of the largest part; a sum of money agrees exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The sum of its parts; those that are `unknown` count as nothing.
    Sum,
    /// The first part less all others.
    Difference,
    /// The product of its parts.
    Product,
    /// The first part divided by the second.
    Quotient,
    /// The first part to the power of the second.
    Power,
    /// The smallest of its parts.
    Minimum,
    /// The largest of its parts.
    Maximum,
    /// Its only part rounded up to a whole number. A billionth more than a whole number counts as that
    /// number.
    Ceiling,
    /// Its only part rounded down to a whole number. A billionth less than a whole number counts as that
    /// number.
    Floor,
    /// The number with the same name, value and unit that stands above in the tree.
    Above,
    /// ● Measured.
    Measured,
    /// — Fitted.
    Fitted,
    /// ◇ Assumed or stated by the study.
    Assumed,
    /// § Agreed in a contract.
    Agreed,
    /// A price, with its source and date.
    Priced,
}

impl Basis {
    /// The sign and the word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Sum => "= sum",
            Self::Difference => "= difference",
            Self::Product => "= product",
            Self::Quotient => "= quotient",
            Self::Power => "= power",
            Self::Minimum => "= minimum",
            Self::Maximum => "= maximum",
            Self::Ceiling => "= ceiling",
            Self::Floor => "= floor",
            Self::Above => "↑ above",
            Self::Measured => "● measured",
            Self::Fitted => "— fitted",
            Self::Assumed => "◇ assumed",
            Self::Agreed => "§ agreed",
            Self::Priced => "$ priced",
        }
    }

    /// Whether it is computed from nothing below it.
    #[must_use]
    pub fn is_leaf(self) -> bool {
        matches!(
            self,
            Self::Above | Self::Measured | Self::Fitted | Self::Assumed | Self::Agreed | Self::Priced
        )
    }

    /// What it makes of the values of its parts; not a number for a leaf, and without parts.
    #[must_use]
    pub fn apply(self, parts: &[f64]) -> f64 {
        let [first, rest @ ..] = parts else {
            return f64::NAN;
        };
        let rest = rest.iter();
        match self {
            Self::Sum => rest.fold(*first, |sum, part| sum + part),
            Self::Difference => rest.fold(*first, |left, part| left - part),
            Self::Product => rest.fold(*first, |product, part| product * part),
            Self::Quotient => rest.fold(*first, |quotient, part| quotient / part),
            Self::Power => rest.fold(*first, |power, part| power.powf(*part)),
            Self::Minimum => rest.fold(*first, |least, part| least.min(*part)),
            Self::Maximum => rest.fold(*first, |most, part| most.max(*part)),
            Self::Ceiling => (first - NEARLY_WHOLE).ceil(),
            Self::Floor => (first + NEARLY_WHOLE).floor(),
            _ => f64::NAN,
        }
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

    /// A number that is computed from its parts, here and now. It is unknown if one of them is; of a sum, if
    /// all are.
    #[must_use]
    pub fn computed(
        basis: Basis,
        name: impl Into<String>,
        unit: impl Into<String>,
        parts: Vec<Self>,
    ) -> Self {
        let known: Vec<f64> = parts
            .iter()
            .map(Self::number)
            .filter(|part| !part.is_nan())
            .collect();
        let counts = known.len() == parts.len() || basis == Basis::Sum && !known.is_empty();
        let value = match basis.apply(&known) {
            _ if !counts => UNKNOWN.to_owned(),
            0.0 => "0".to_owned(), // without the sign of a negative zero
            value => value.to_string(),
        };
        Self {
            parts,
            ..Self::leaf(name, value, unit, basis, "")
        }
    }

    /// A computed number, as it stands elsewhere.
    #[must_use]
    pub fn valued(mut self, value: impl ToString) -> Self {
        self.value = value.to_string();
        self
    }

    /// The same with something to say about it.
    #[must_use]
    pub fn detailed(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The same under another name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// A reference to a number that the tree has opened above.
    #[must_use]
    pub fn above(&self) -> Self {
        Self::leaf(&self.name, &self.value, &self.unit, Basis::Above, "")
    }

    /// The value as a number; not a number if it is unknown.
    #[must_use]
    pub fn number(&self) -> f64 {
        self.value.parse().unwrap_or(f64::NAN)
    }

    /// The same tree, in which each number is opened once, where it stands first, and in which no operation
    /// has only one part that it leaves as it is.
    #[must_use]
    pub fn opened_once(self) -> Self {
        self.shortened().without(&mut BTreeMap::new())
    }

    fn shortened(mut self) -> Self {
        self.parts = self.parts.into_iter().map(Self::shortened).collect();
        let changes_nothing = self.parts.len() == 1
            && self.detail.is_empty()
            && self.parts[0].basis != Basis::Above
            && self.parts[0].number() == self.number()
            && self.parts[0].unit == self.unit;
        match self.parts.pop() {
            Some(part) if changes_nothing => Self {
                name: self.name,
                value: self.value,
                ..part
            },
            Some(part) => {
                self.parts.push(part);
                self
            }
            None => self,
        }
    }

    fn without(mut self, opened: &mut BTreeMap<[String; 3], Self>) -> Self {
        if self.parts.is_empty() {
            return self;
        }
        let key = [self.name.clone(), self.value.clone(), self.unit.clone()];
        if opened.get(&key) == Some(&self) {
            return self.above();
        }
        opened.entry(key).or_insert_with(|| self.clone());
        self.parts = self.parts.into_iter().map(|part| part.without(opened)).collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(name: &str, value: f64) -> ExplanationNode {
        ExplanationNode::leaf(name, value, "", Basis::Assumed, "")
    }

    #[test]
    fn every_operation_computes_its_parts() {
        for (basis, parts, value) in [
            (Basis::Sum, vec![1.5, 2.0, 3.0], 6.5),
            (Basis::Difference, vec![9.0, 2.0, 3.0], 4.0),
            (Basis::Product, vec![2.0, 3.0, 4.0], 24.0),
            (Basis::Quotient, vec![9.0, 4.0], 2.25),
            (Basis::Power, vec![2.0, -1.0], 0.5),
            (Basis::Minimum, vec![3.0, 1.0, 2.0], 1.0),
            (Basis::Maximum, vec![3.0, 5.0, 2.0], 5.0),
            (Basis::Ceiling, vec![2.1], 3.0),
            (Basis::Ceiling, vec![2.000_000_000_1], 2.0),
            (Basis::Floor, vec![2.9], 2.0),
            (Basis::Floor, vec![2.999_999_999_9], 3.0),
        ] {
            assert_eq!(basis.apply(&parts), value, "{basis:?} of {parts:?}");
        }
        assert!(Basis::Priced.apply(&[1.0]).is_nan());
    }

    #[test]
    fn what_is_unknown_counts_as_nothing_in_a_sum_and_makes_all_else_unknown() {
        let unknown = || ExplanationNode::leaf("u", UNKNOWN, "", Basis::Priced, "");
        let value = |basis, parts| ExplanationNode::computed(basis, "n", "", parts).value;
        assert_eq!(value(Basis::Sum, vec![leaf("a", 2.0), unknown()]), "2");
        assert_eq!(value(Basis::Sum, vec![unknown(), unknown()]), UNKNOWN);
        assert_eq!(value(Basis::Product, vec![leaf("a", 2.0), unknown()]), UNKNOWN);
    }

    #[test]
    fn a_number_that_stands_twice_is_opened_once() {
        let half =
            || ExplanationNode::computed(Basis::Quotient, "half", "", vec![leaf("a", 1.0), leaf("b", 2.0)]);
        let sum = ExplanationNode::computed(Basis::Sum, "sum", "", vec![half(), half()]).opened_once();
        assert_eq!(sum.value, "1");
        assert_eq!(sum.parts[0], half());
        assert_eq!(sum.parts[1], half().above());
    }

    #[test]
    fn an_operation_that_changes_nothing_is_left_out() {
        let sum =
            |detail: &str, parts| ExplanationNode::computed(Basis::Sum, "sum", "", parts).detailed(detail);
        let short = sum("", vec![leaf("a", 1.0)]).opened_once();
        assert_eq!((short.name.as_str(), short.basis), ("sum", Basis::Assumed));
        let told = sum("why", vec![leaf("a", 1.0)]);
        assert_eq!(told.clone().opened_once(), told);
        let two = sum("", vec![leaf("a", 1.0), leaf("b", 0.0)]);
        assert_eq!(two.clone().opened_once(), two);
    }
}
