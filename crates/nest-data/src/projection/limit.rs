//! Limits: what fails as customers come, how likely by when, and whose limit it is.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::estimate::Estimate;

/// Smallest number of customers at which something fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BreakPoint {
    /// What kind of limit it is.
    pub kind: BreakKind,
    /// What binds: a resource, an objective, a quota.
    pub cause: String,
    /// Whether the study chose it, so that it can be moved.
    pub nature: LimitNature,
    /// Customers at which it fails; `None` if it does not fail up to `searched_to`.
    pub customers: Option<Estimate>,
    /// Whether the upper end of that interval lies beyond `searched_to`, where nothing is claimed; it is cut
    /// off there.
    #[serde(default)]
    pub open_above: bool,
    /// Share of draws in which this is the first to fail, of those counted in `reached`, 0-1; 0 for what is
    /// no failure.
    pub probability: f64,
    /// Share of draws in which it fails, 0-1: by the end of growth; up to `searched_to` if nothing grows.
    pub reached: f64,
    /// Share of draws in which growth has reached it by a day, 0-1, on the first day of each month and at the
    /// end; empty if nothing grows.
    #[serde(default)]
    pub chance_by_month: Vec<(Date, f64)>,
    /// Whether it lies beyond what was measured.
    pub extrapolated: bool,
    /// When growth reaches it.
    pub date: Option<BreakDate>,
    /// Customers from which on it no longer fails: a budget for 1,000 of them that growth meets.
    #[serde(default)]
    pub met_from: Option<f64>,
    /// Share of a resource up to which the study wants it used, 0-1, where that is the limit.
    #[serde(default)]
    pub ceiling: Option<f64>,
}

/// Whose a limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitNature {
    /// The study chose it (`max`, a reserve, a budget, an objective): it can be moved.
    Choice,
    /// Nothing in the study moves it: a quota, a full processor that cannot be added to, memory, a database.
    Hard,
}

/// The nearest failure in the point estimate with its customers; none where nothing fails below the searched
/// range.
#[must_use]
pub fn first_break(points: &[BreakPoint]) -> Option<(&BreakPoint, &Estimate)> {
    points
        .iter()
        .filter(|point| point.kind.is_failure())
        .find_map(|point| Some((point, point.customers.as_ref()?)))
}

/// Kinds of break point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakKind {
    /// Utilisation of 1.
    Saturation,
    /// Utilisation above 1 - reserve.
    OverReserve,
    /// A response-time objective is missed.
    Slo,
    /// A quota of the provider is used up.
    Quota,
    /// Waiting begins to grow faster than the work that gets done; no failure.
    Knee,
    /// Executions begin to fail.
    ErrorOnset,
    /// Memory is full.
    Memory,
    /// It costs more than the study allows.
    Budget,
}

impl BreakKind {
    /// The words for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Saturation => "saturation",
            Self::OverReserve => "over reserve",
            Self::Slo => "objective",
            Self::Quota => "quota",
            Self::Knee => "knee",
            Self::ErrorOnset => "errors",
            Self::Memory => "memory",
            Self::Budget => "budget",
        }
    }

    /// Whether something fails there; a knee is worth knowing and no more.
    #[must_use]
    pub fn is_failure(self) -> bool {
        self != Self::Knee
    }
}

/// The date on which growth reaches a break point; `None` if it does not within the scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakDate {
    /// For the point estimate.
    pub value: Option<Date>,
    /// Earliest, 5 % of draws.
    pub low: Option<Date>,
    /// Latest, 95 % of draws; none where that is after the scenario's end.
    pub high: Option<Date>,
}
