//! Half-widths of intervals, learnt from the errors of other histories.

use crate::draws::Z90;

/// Standard normal quantile of 0.9.
const Z80: f64 = 1.281_551_565_544_600_4;

/// Half-widths of central intervals in the unit of the spread, `base + few / sqrt(known)`, for a history of
/// so many values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Learnt {
    /// Of the central 80 %, for a long history.
    pub base_80: f64,
    /// What a history of few values adds to it.
    pub few_80: f64,
    /// Of the central 90 %, for a long history.
    pub base_90: f64,
    /// What a history of few values adds to it.
    pub few_90: f64,
}

impl Learnt {
    /// Learnt on `growth-histories.csv` and on the data sets of `bench/histories`, sums over longer periods,
    /// shifts of level and short beginnings among them. `bench/run growth` prints these lines again.
    pub const SHIPPED: Self = Self {
        base_80: 1.5,
        few_80: 1.0,
        base_90: 2.25,
        few_90: 2.1,
    };

    /// Distance from the centre, in units of the spread, of a standard normal deviation: straight lines
    /// through 0, the 80 % and the 90 % interval.
    pub(super) fn deviation(&self, known: usize, normal: f64) -> f64 {
        let size = normal.abs();
        let [half_80, half_90] = self.halves(known);
        let half = if size <= Z80 {
            half_80 * size / Z80
        } else {
            half_80 + (half_90 - half_80) * (size - Z80) / (Z90 - Z80)
        };
        half.copysign(normal)
    }

    /// The standard normal deviation that [`deviation`](Self::deviation) turns into this distance.
    pub(super) fn normal(&self, known: usize, deviation: f64) -> f64 {
        let size = deviation.abs();
        let [half_80, half_90] = self.halves(known);
        let normal = if size <= half_80 {
            Z80 * size / half_80
        } else {
            Z80 + (Z90 - Z80) * (size - half_80) / (half_90 - half_80)
        };
        normal.copysign(deviation)
    }

    /// Half-widths of the 80 % and the 90 % interval.
    fn halves(&self, known: usize) -> [f64; 2] {
        let few = (known as f64).sqrt().recip();
        [self.base_80 + self.few_80 * few, self.base_90 + self.few_90 * few]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviations_pass_through_the_learnt_half_widths_and_few_values_widen_them() {
        let learnt = Learnt {
            base_80: 1.5,
            few_80: 4.0,
            base_90: 2.0,
            few_90: 8.0,
        };
        assert!((learnt.deviation(4, Z80) - 3.5).abs() < 1e-12);
        assert!((learnt.deviation(4, -Z90) + 6.0).abs() < 1e-12);
        assert_eq!(learnt.deviation(4, 0.0), 0.0);
        for normal in [-3.0, -1.0, 0.0, 0.5, 1.4, 8.0] {
            assert!((learnt.normal(9, learnt.deviation(9, normal)) - normal).abs() < 1e-9);
        }
        assert!(learnt.deviation(100, Z80) < learnt.deviation(10, Z80));
    }
}
