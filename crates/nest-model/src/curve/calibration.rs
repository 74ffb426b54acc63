//! What the posterior gets wrong on real curves, corrected: falls that stop, and intervals of the wrong width.

use super::{Axis, series::Series};

/// Share of a forecast fall that comes true where none was seen: real curves level off more often than the prior holds.
const UNSEEN_FALL: f64 = 0.5;
/// Throughput lost between the best level and the highest one from which on a fall counts as seen: it goes on as forecast.
const SEEN_LOSS: f64 = 0.2;

/// A correction of logs of throughput beyond the highest measured level.
///
/// Its numbers are chosen on the tuning half with the source's own family left out of the prior; ARCHITECTURE.md says what they changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    level: f64,
    fall: f64,
    spread: f64,
}

impl Calibration {
    /// For a series whose log of throughput at its highest level is `level` by the posterior.
    #[must_use]
    pub fn new(series: &Series, axis: Axis, level: f64) -> Self {
        let best = series.levels.iter().map(|level| level.mean_log).fold(f64::NEG_INFINITY, f64::max);
        let loss = 1.0 - (series.last().mean_log - best).exp();
        let spread = match axis {
            Axis::Customers => 0.7,
            Axis::Servers => 1.0,
        };
        Self { level, fall: UNSEEN_FALL + (1.0 - UNSEEN_FALL) * (loss / SEEN_LOSS).min(1.0), spread }
    }

    /// A log of throughput beyond the highest measured level, with a fall that was not seen made smaller. It keeps the order of its arguments.
    #[must_use]
    pub fn damped(&self, log: f64) -> f64 {
        let change = log - self.level;
        self.level + if change < 0.0 { self.fall * change } else { change }
    }

    /// A value with its distance from the median scaled to the width that covers.
    #[must_use]
    pub fn spread(&self, log: f64, median: f64) -> f64 {
        median + self.spread * (log - median)
    }
}
