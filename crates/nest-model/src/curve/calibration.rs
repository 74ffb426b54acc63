//! What the posterior gets wrong on real curves, corrected: falls that stop, and intervals of the wrong width.

use super::Axis;

/// Share of a forecast fall below the highest measured level's throughput that comes true: the law's k N falls for ever,
/// servers level off again.
const FALL: f64 = 0.5;

/// A correction of logs of throughput beyond the highest measured level.
///
/// Its two numbers are chosen on the tuning half with the source's own family left out of the prior; ARCHITECTURE.md says what they changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    level: f64,
    spread: f64,
}

impl Calibration {
    /// For a curve whose log of throughput at the highest measured level is `level`.
    #[must_use]
    pub fn new(axis: Axis, level: f64) -> Self {
        let spread = match axis {
            Axis::Customers => 0.7,
            Axis::Servers => 1.0,
        };
        Self { level, spread }
    }

    /// A log of throughput beyond the highest measured level, with falls made smaller. It keeps the order of its arguments.
    #[must_use]
    pub fn damped(&self, log: f64) -> f64 {
        let change = log - self.level;
        self.level + if change < 0.0 { FALL * change } else { change }
    }

    /// A value with its distance from the median scaled to the width that covers.
    #[must_use]
    pub fn spread(&self, log: f64, median: f64) -> f64 {
        median + self.spread * (log - median)
    }
}
