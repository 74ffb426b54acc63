//! What was learnt from the errors of other histories.

use statrs::distribution::{ContinuousCDF, Normal};

/// Half-widths of intervals in mean absolute errors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Learnt {
    /// Of the central 80 %.
    pub half_80: f64,
    /// Of the central 90 %.
    pub half_90: f64,
    /// How much wider for short ones
    pub short: f64,
}

impl Learnt {
    /// shipped
    pub const SHIPPED: Self = Self { half_80: 1.6, half_90: 2.1, short: 1.0 };

    pub(super) fn deviation(&self, known: usize, _step: usize, quantile: f64) -> f64 {
        let (z, z80, z90) = (Normal::standard().inverse_cdf(quantile), 1.281_551_565_5, 1.644_853_626_9);
        let size = z.abs();
        let half = if size <= z80 { self.half_80 * size / z80 } else { self.half_80 + (self.half_90 - self.half_80) * (size - z80) / (z90 - z80) };
        half * (1.0 + self.short / known as f64) * z.signum()
    }
}
