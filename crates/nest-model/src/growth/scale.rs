//! The scale on which a history is modelled: its errors are about as large where values are small as where
//! they are large.

use super::numbers::median;

/// Share of the median of its neighbours below which a value makes logarithms unfit: they would be ruled by a
/// few values near zero. Neighbours, because a history that grows a thousandfold starts small.
const LEAST_SHARE_FOR_LOG: f64 = 0.05;
/// Values on either side that are neighbours.
const NEIGHBOURS: usize = 6;

/// Largest logarithm that is turned back, against values of at most 1: what follows stays finite.
const LARGEST_LOG: f64 = 600.0;
/// Largest deviation upwards, as a logarithm, that is approached however little is known: seven times the
/// centre.
const LARGEST_RISE: f64 = 2.0;

/// A transformation of values, and its inverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ForecastScale {
    /// Natural logarithm: values are positive, errors relative.
    Log,
    /// Square root: values are never negative, some are (nearly) zero; errors as those of counts.
    Root,
    /// As they are: some values are negative.
    Identity,
}

impl ForecastScale {
    /// The scale that fits the values of a history.
    pub(super) fn of(values: &[f64]) -> Self {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        if least < 0.0 {
            return Self::Identity;
        }
        let near =
            |at: usize| median(&values[at.saturating_sub(NEIGHBOURS)..values.len().min(at + NEIGHBOURS + 1)]);
        let positive = least > 0.0
            && values
                .iter()
                .enumerate()
                .all(|(at, value)| *value > LEAST_SHARE_FOR_LOG * near(at));
        if positive { Self::Log } else { Self::Root }
    }

    /// A value on this scale.
    pub(super) fn to(self, value: f64) -> f64 {
        match self {
            Self::Log => value.ln(),
            Self::Root => value.max(0.0).sqrt(),
            Self::Identity => value,
        }
    }

    /// The value that a number on this scale stands for.
    pub(super) fn from(self, number: f64) -> f64 {
        match self {
            Self::Log => number.min(LARGEST_LOG).exp(),
            Self::Root => number.max(0.0).powi(2),
            Self::Identity => number,
        }
    }

    /// A deviation from the centre on this scale; upwards, logarithms of a wide interval would reach beyond
    /// all reason.
    pub(super) fn tamed(self, deviation: f64) -> f64 {
        match self {
            Self::Log if deviation > 0.0 => LARGEST_RISE * (1.0 - (-deviation / LARGEST_RISE).exp()),
            _ => deviation,
        }
    }

    /// The deviation that [`tamed`](Self::tamed) turns into this one; infinite from its limit on.
    pub(super) fn untamed(self, deviation: f64) -> f64 {
        match self {
            Self::Log if deviation > 0.0 => -LARGEST_RISE * (1.0 - deviation / LARGEST_RISE).max(0.0).ln(),
            _ => deviation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positive_values_are_taken_as_logarithms_counts_with_zeros_as_roots_and_negative_ones_as_they_are() {
        assert_eq!(ForecastScale::of(&[1.0, 2.0, 3.0]), ForecastScale::Log);
        assert_eq!(ForecastScale::of(&[0.0, 2.0, 3.0]), ForecastScale::Root);
        assert_eq!(ForecastScale::of(&[0.001, 2.0, 3.0]), ForecastScale::Root);
        assert_eq!(
            ForecastScale::of(&(0..200).map(|at| 1.1_f64.powi(at)).collect::<Vec<_>>()),
            ForecastScale::Log
        );
        assert_eq!(ForecastScale::of(&[-1.0, 2.0, 3.0]), ForecastScale::Identity);
    }

    #[test]
    fn a_scale_and_taming_undo_themselves() {
        for scale in [ForecastScale::Log, ForecastScale::Root, ForecastScale::Identity] {
            assert!((scale.from(scale.to(0.37)) - 0.37).abs() < 1e-12);
            for deviation in [-3.0, -0.1, 0.0, 0.1, 5.0] {
                assert!((scale.untamed(scale.tamed(deviation)) - deviation).abs() < 1e-9);
            }
        }
        assert_eq!(ForecastScale::Log.tamed(1e9), LARGEST_RISE);
        assert_eq!(ForecastScale::Log.untamed(LARGEST_RISE), f64::INFINITY);
    }
}
