//! What a bill pays for: work, capacity that is not used, and what is there whoever comes.

use nest_data::projection::{Bill, CostDriver, CostLine};

use super::subject::number;

/// Parts of a monthly bill, in its currency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Composition {
    /// Work that customers cause.
    pub work: f64,
    /// Capacity that stands ready and is not used.
    pub unused: f64,
    /// Fixed amounts, and meters that no behaviour drives; discounts among them.
    pub other: f64,
}

impl Composition {
    /// The parts of a bill.
    pub(crate) fn of(bill: &Bill) -> Self {
        let sum = |of: fn(CostDriver) -> bool| -> f64 {
            let lines = bill.lines.iter().filter(|line| of(line.driver));
            lines
                .filter_map(|line| line.amount)
                .map(|amount| number(amount.0))
                .sum()
        };
        Self {
            work: sum(|driver| driver == CostDriver::Behaviour),
            unused: sum(is_unused),
            other: sum(|driver| driver != CostDriver::Behaviour && !is_unused(driver)),
        }
    }

    /// All parts together.
    pub(crate) fn total(&self) -> f64 {
        self.work + self.unused + self.other
    }

    /// Share of the bill that pays for capacity that is not used, 0-1; `None` where there is no bill, or
    /// discounts make it less than nothing.
    pub(crate) fn unused_share(&self) -> Option<f64> {
        (self.total() > 0.0 && self.work >= 0.0 && self.other >= 0.0)
            .then(|| (self.unused / self.total()).clamp(0.0, 1.0))
    }
}

/// Whether a line pays for capacity that stands ready.
pub(crate) fn is_unused(driver: CostDriver) -> bool {
    matches!(
        driver,
        CostDriver::Idle
            | CostDriver::Reserve
            | CostDriver::Queueing
            | CostDriver::Forecast
            | CostDriver::Objective
            | CostDriver::Rounding
            | CostDriver::Spare
            | CostDriver::Unused
    )
}

/// What a line of a bill pays for, in words.
pub(crate) fn driver_in_words(line: &CostLine) -> String {
    match (line.driver, &line.behaviour) {
        (CostDriver::Behaviour, Some(behaviour)) => crate::words::name(behaviour),
        (driver, _) => driver_name(driver).to_owned(),
    }
}

/// What a part of a bill that no behaviour causes is called.
fn driver_name(driver: CostDriver) -> &'static str {
    match driver {
        CostDriver::Behaviour => "work",
        CostDriver::Idle => "running without customers",
        CostDriver::Reserve => "capacity kept free",
        CostDriver::Queueing => "kept free against waiting",
        CostDriver::Forecast => "kept free for surprises",
        CostDriver::Objective => "kept free for your targets",
        CostDriver::Rounding => "empty part of the last unit",
        CostDriver::Spare => "stand-by unit",
        CostDriver::Unused => "commitment that nothing uses",
        CostDriver::Discount => "discount",
        CostDriver::Shared => "used by all",
        CostDriver::Fixed => "fixed",
    }
}
