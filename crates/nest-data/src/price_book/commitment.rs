//! Commitments and plans: what is paid for ahead, or by the month, and what it covers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::InstanceUnit;
use crate::units::QuotedDecimal;

/// A commitment: a promise to use or to spend, in return for a lower price.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Commitment {
    /// Name, unique in the book: `m7i.large-1y-none`.
    pub id: String,
    /// What is promised.
    pub kind: CommitmentKind,
    /// Term in months.
    #[schemars(range(min = 1, max = 120))]
    pub term_months: u32,
    /// How much is paid at once.
    pub payment: Payment,
    /// What the commitment covers: one instance type (reserved, cud), or any that has a rate (savings_plan).
    pub covers: Covers,
    /// Amount paid at once, per unit.
    pub upfront: QuotedDecimal,
    /// Amount paid in each hour of the term, per unit.
    pub recurring: QuotedDecimal,
    /// Unit of `recurring`: `h`.
    pub unit: InstanceUnit,
    /// Hourly price under a savings plan, by instance type or meter.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rates: BTreeMap<String, QuotedDecimal>,
    /// The vendor's own key for the price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_code: Option<String>,
    /// What a reader of the price must know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Name of its source.
    pub source: String,
}

/// Kinds of commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommitmentKind {
    /// Instances of one type.
    Reserved,
    /// An amount to spend each hour, at the plan's rates.
    SavingsPlan,
    /// Committed use (GCP).
    Cud,
    /// A block of usage bought ahead.
    Block,
}

/// How much of a commitment is paid at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Payment {
    /// Nothing.
    None,
    /// A part.
    Partial,
    /// Everything.
    All,
}

/// What a commitment covers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Covers {
    /// The instance type. [default: any that has a rate]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Beginning of the names of the types that are covered: a plan for one family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
}

/// A subscription, with the quantities that it includes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Name: `workers-paid`.
    pub id: String,
    /// Price of one period.
    pub amount: QuotedDecimal,
    /// Period: `month`.
    pub per: PlanPeriod,
    /// Quantities that it includes each period.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub includes: Vec<Inclusion>,
    /// What a reader of the price must know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Name of its source.
    pub source: String,
}

/// How often a plan is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PlanPeriod {
    /// Every month.
    Month,
}

/// A quantity that a plan includes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inclusion {
    /// The meter.
    pub meter: String,
    /// Units of it.
    pub quantity: QuotedDecimal,
    /// The meter's unit, for the reader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}
