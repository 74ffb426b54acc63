//! Growth without events: compound, towards a ceiling, or as planned.

use super::trajectory::between;

/// Growth of one trajectory without its events.
#[derive(Debug, Clone)]
pub(super) enum GrowthBase {
    Compound { monthly: f64 },
    Logistic { monthly: f64, ceiling: f64 },
    Plan { rows: Vec<(f64, f64)> },
}

impl GrowthBase {
    /// Customers `months` after the start.
    ///
    /// # Formula
    /// Compound `N_0 (1 + g)^t`. Logistic `K / (1 + (K - N_0) / N_0 (1 + g)^-t)`: it grows by g while far
    /// below the ceiling K. A plan is geometric between its rows, and level after the last.
    ///
    /// Source of the logistic: Verhulst, "Notice sur la loi que la population suit dans son accroissement",
    /// 1838.
    pub(super) fn at(&self, start: f64, months: f64) -> f64 {
        match self {
            Self::Compound { monthly } => start * (1.0 + monthly).powf(months),
            // There the formula gives the start but for rounding, and a limit may lie exactly there.
            Self::Logistic { .. } if months == 0.0 => start,
            Self::Logistic { monthly, ceiling } => {
                ceiling / (1.0 + (ceiling - start) / start * (1.0 + monthly).powf(-months))
            }
            Self::Plan { rows } => between(rows.iter().copied(), months),
        }
    }
}
