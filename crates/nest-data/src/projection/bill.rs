//! Bills: what a month costs, line by line, and what the amounts are paid for.

use serde::{Deserialize, Serialize};

use super::MoneyEstimate;
use crate::units::QuotedDecimal;

/// A monthly bill at a customer count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bill {
    /// Customers it is for.
    pub customers: f64,
    /// Its lines; they sum to the total exactly.
    pub lines: Vec<CostLine>,
    /// The total.
    pub total: MoneyEstimate,
    /// Cost of 1,000 customers.
    pub per_1000: MoneyEstimate,
    /// Cost of the next 1,000 customers.
    pub marginal_1000: QuotedDecimal,
    /// Smallest number of customers at which another unit is needed.
    pub next_stair: Option<f64>,
    /// What the amounts are paid for, summed up two ways.
    #[serde(default)]
    pub drivers: Vec<DriverShare>,
    /// Fees of third parties for transactions; not part of the lines and the total above.
    #[serde(default)]
    pub fees: Option<FeeBill>,
}

/// Fees of a month at a customer count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeeBill {
    /// A line per fee; they sum to the total exactly.
    pub lines: Vec<CostLine>,
    /// The total.
    pub total: MoneyEstimate,
    /// Fees of 1,000 customers.
    pub per_1000: MoneyEstimate,
}

/// A part of a bill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriverShare {
    /// What it is summed up by; each way sums to the total.
    pub kind: DriverKind,
    /// The behaviour or driver; the resource or meter.
    pub name: String,
    /// The amount.
    pub amount: QuotedDecimal,
}

/// What a part of a bill is summed up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriverKind {
    /// By the behaviour that causes it, or what else does.
    Behaviour,
    /// By the resource that is bound or the meter that is counted.
    Meter,
}

/// One line of a bill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CostLine {
    /// What is paid for.
    pub driver: CostDriver,
    /// Behaviour it is caused by, where one causes it.
    pub behaviour: Option<String>,
    /// Resource that is bound, or meter that is counted.
    pub meter: String,
    /// How many units.
    pub quantity: QuotedDecimal,
    /// What one unit is.
    pub unit: String,
    /// Price of the quantity; `None` if it is unknown.
    pub amount: Option<QuotedDecimal>,
    /// Where the price was seen: book, name of the source in it, and date.
    pub source: String,
}

/// Where the quantity of a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuantityBasis {
    /// It follows from demand.
    Fitted,
    /// The study fixes it.
    Assumed,
    /// The user's own contract does.
    Agreed,
}

impl CostLine {
    /// Where its quantity comes from.
    #[must_use]
    pub fn quantity_basis(&self) -> QuantityBasis {
        match self.driver {
            CostDriver::Fixed | CostDriver::Spare => QuantityBasis::Assumed,
            CostDriver::Discount if self.unit == "%" => QuantityBasis::Agreed,
            _ => QuantityBasis::Fitted,
        }
    }
}

/// What a cost line pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CostDriver {
    /// Work for a behaviour.
    Behaviour,
    /// What runs without load.
    Idle,
    /// Capacity that policy wants left.
    Reserve,
    /// Of it, what keeps requests from queueing.
    Queueing,
    /// Of it, what is there for load that comes sooner than foreseen.
    Forecast,
    /// Capacity left beyond that, because an objective of response time would be missed.
    Objective,
    /// Whole instances where a part would do, or fewer were allowed.
    Rounding,
    /// Units beyond those needed, which may fail.
    Spare,
    /// A commitment that nothing uses.
    Unused,
    /// What commitments, sustained use and contracts change of the list price.
    Discount,
    /// A meter that no single behaviour drives.
    Shared,
    /// A fixed monthly amount, or a quantity that stays as it is whoever comes.
    Fixed,
}

impl CostDriver {
    /// The word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Behaviour => "behaviour",
            Self::Idle => "idle",
            Self::Reserve => "reserve",
            Self::Queueing => "headroom for queueing",
            Self::Forecast => "headroom for forecast",
            Self::Objective => "headroom for objectives",
            Self::Rounding => "rounding up",
            Self::Spare => "spare",
            Self::Unused => "unused commitment",
            Self::Discount => "discount",
            Self::Shared => "shared",
            Self::Fixed => "fixed",
        }
    }
}
