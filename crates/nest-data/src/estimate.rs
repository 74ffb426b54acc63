//! Estimates: numbers that were fitted or projected, with their intervals.

use serde::{Deserialize, Serialize};

/// A value with its standard error and 90 % interval. The unit is that of the field that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The point estimate.
    pub value: f64,
    /// Standard error, 0 or more.
    pub standard_error: f64,
    /// Lower end of the 90 % interval.
    pub low: f64,
    /// Upper end of the 90 % interval.
    pub high: f64,
}

impl Estimate {
    /// A value that is known exactly.
    #[must_use]
    pub fn exact(value: f64) -> Self {
        Self {
            value,
            standard_error: 0.0,
            low: value,
            high: value,
        }
    }

    /// A point estimate with the 5 % and 95 % quantiles of `draws`, which it reorders.
    ///
    /// Returns `None` if no draw is finite.
    #[must_use]
    pub fn from_draws(value: f64, draws: &mut Vec<f64>) -> Option<Self> {
        draws.retain(|draw| draw.is_finite());
        let low = quantile_of(draws, 0.05)?;
        let high = quantile_of(draws, 0.95)?;
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        Some(Self {
            value,
            standard_error: variance.sqrt(),
            low,
            high,
        })
    }

    /// Whether the interval contains `truth`.
    #[must_use]
    pub fn covers(&self, truth: f64) -> bool {
        self.low <= truth && truth <= self.high
    }
}

/// Quantile of ascending values by linear interpolation between order statistics (Hyndman and Fan's type 7).
///
/// `quantile` in 0-1; `None` for no values.
///
/// Source: Hyndman, Fan, "Sample quantiles in statistical packages", The American Statistician 50(4), 1996.
#[must_use]
pub fn quantile_of_sorted(values: &[f64], quantile: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let position = quantile.clamp(0.0, 1.0) * last as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    Some(values[below] + (values[above] - values[below]) * (position - below as f64))
}

/// Quantile of values in any order, which it reorders without sorting them all; otherwise as
/// [`quantile_of_sorted`].
#[must_use]
pub fn quantile_of(values: &mut [f64], quantile: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let position = quantile.clamp(0.0, 1.0) * last as f64;
    let (_, below, above) = values.select_nth_unstable_by(position.floor() as usize, f64::total_cmp);
    let below = *below;
    let above = above.iter().copied().min_by(f64::total_cmp).unwrap_or(below);
    Some(below + (above - below) * position.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_need_no_order() {
        let sorted: Vec<f64> = (0..101).map(|index| f64::from(index).powi(2)).collect();
        for quantile in [0.0, 0.05, 0.333, 0.5, 0.95, 1.0] {
            let mut mixed: Vec<f64> = sorted
                .iter()
                .rev()
                .skip(37)
                .chain(sorted.iter().rev().take(37))
                .copied()
                .collect();
            assert_eq!(
                quantile_of(&mut mixed, quantile),
                quantile_of_sorted(&sorted, quantile)
            );
        }
        assert_eq!(quantile_of(&mut [], 0.5), None);
    }

    #[test]
    fn quantiles_interpolate_between_order_statistics() {
        let values = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(quantile_of_sorted(&values, 0.0), Some(1.0));
        assert_eq!(quantile_of_sorted(&values, 0.5), Some(3.0));
        assert_eq!(quantile_of_sorted(&values, 1.0), Some(8.0));
        assert_eq!(quantile_of_sorted(&[], 0.5), None);
    }

    #[test]
    fn draws_that_are_not_finite_are_left_out() {
        let mut draws = vec![f64::NAN, 2.0, 1.0, f64::INFINITY, 3.0];
        let estimate = Estimate::from_draws(2.0, &mut draws).expect("three finite draws");
        assert!(estimate.low >= 1.0 && estimate.high <= 3.0);
        assert!(Estimate::from_draws(2.0, &mut vec![f64::NAN]).is_none());
    }
}
