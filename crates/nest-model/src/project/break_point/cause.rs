//! Ways to fail: the customers at which each does, and what binds then.

use std::fmt;

use nest_data::{
    ScalingModel,
    projection::BreakKind,
    scaling::{HiddenBottleneck, QuantileLaw},
    study::{Platform, Study},
    units::QuotedDecimal,
};

use super::limit_point::{Filling, LimitPoint};
use crate::{fit::ceiling, project::config::PricedConfig};

/// A way to fail in one draw.
#[derive(Debug, Clone)]
pub struct FailurePoint<'a> {
    pub kind: BreakKind,
    pub cause: Cause<'a>,
    pub customers: f64, // at which it fails when they come; infinite if it never does
    pub below: f64,     // customers at which it fails when they go; 0 if it never does
    pub filling: Option<Filling>,
    pub lever: Option<LeverKey>, // the choice of the study that moves it
}

/// A choice of the study that moves a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LeverKey {
    /// Most units of a placement, by its position.
    Max(usize),
    /// Share of capacity that a placement leaves free, by its position.
    Reserve(usize),
    /// The limit of an objective, by its position in the study, for a quantile (0-1).
    Objective(usize, f64),
    /// Highest monthly cost.
    Monthly,
    /// Highest monthly cost of 1,000 customers.
    Per1000,
}

impl LeverKey {
    /// The most units of a placement, where more of them help: `None` on functions, on a database, which
    /// grows by its type, and where there is no limit.
    pub fn max_of(priced: &PricedConfig<'_>, placed: usize) -> Option<Self> {
        let of = &priced.placed[placed];
        let helps = of.most_units().is_finite() && of.placement.platform != Platform::Database;
        helps.then_some(Self::Max(placed))
    }
}

/// The limit that binds; its text is what readers see.
#[derive(Debug, Clone)]
pub enum Cause<'a> {
    Processor(&'a str), // of a placement
    AsMeasured(&'a str),
    HiddenBottleneck(&'a HiddenBottleneck),
    Errors(f64), // share that is tolerated
    Objective {
        name: &'a str,
        law: &'a QuantileLaw,
        limit_s: f64,
    },
    Concurrency(f64, &'a str), // and the behaviours that a placement is for
    Growth(f64, &'a str),
    Waiting(&'a QuantileLaw),
    Memory(&'a str),
    Monthly(QuotedDecimal, &'a str),
    Per1000(QuotedDecimal, &'a str),
}

/// The study and the model in which a configuration's limits are searched, and the range of customers: those
/// that there are first, and the fewest and the most that there can be.
#[derive(Debug, Clone, Copy)]
pub struct SearchScope<'a> {
    pub study: &'a Study,
    pub model: &'a ScalingModel,
    pub from: f64,
    pub least: f64,
    pub most: f64,
}

impl<'a> FailurePoint<'a> {
    /// A failure that does not come by itself as time passes.
    pub fn new(kind: BreakKind, cause: Cause<'a>, customers: f64) -> Self {
        Self {
            kind,
            cause,
            customers,
            below: 0.0,
            filling: None,
            lever: None,
        }
    }

    /// Where it lies.
    pub fn point(&self) -> LimitPoint {
        LimitPoint {
            customers: self.customers,
            below: self.below,
            filling: self.filling,
        }
    }

    /// The same, with the choice that moves it.
    pub fn moved_by(mut self, lever: Option<LeverKey>) -> Self {
        self.lever = lever;
        self
    }
}

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Processor(label) => f.write_str(label),
            Self::AsMeasured(name) => write!(f, "{name} as measured"),
            Self::HiddenBottleneck(found) => match &found.behaviour {
                Some(behaviour) => write!(f, "{} ({behaviour})", ceiling::HIDDEN),
                None => f.write_str(ceiling::HIDDEN),
            },
            Self::Errors(share) => write!(f, "more than {} % fail, as measured", share * 100.0),
            Self::Objective { name, law, limit_s } => write!(
                f,
                "{name}: {} p{} over {limit_s} s",
                law.behaviour,
                law.quantile * 100.0
            ),
            Self::Concurrency(quota, pair) => {
                write!(f, "{quota:.0} concurrent executions{}", pair)
            }
            Self::Growth(per_10_s, pair) => {
                write!(f, "{per_10_s:.0} more executions every 10 s{}", pair)
            }
            Self::Waiting(law) => write!(
                f,
                "{}: {} waits longer than more work is worth",
                law.resource, law.behaviour
            ),
            Self::Memory(name) => f.write_str(name),
            Self::Monthly(amount, currency) => write!(f, "{amount} {currency} a month"),
            Self::Per1000(amount, currency) => write!(f, "{amount} {currency} for 1,000 customers a month"),
        }
    }
}
