//! How wide the pool's error is at each step: a power law of the step through what was seen.

use super::{
    learnt::Learnt,
    numbers::{mean, mean_change},
};
use crate::draws::Z90;

/// Growth of the error with the step if nothing is known of it: `step^0.45`.
const USUAL_GROWTH: f64 = 0.45;
/// Standard deviation of that exponent between histories.
const GROWTH_DEVIATION: f64 = 0.35;
/// Least exponent: the level from which a step is counted is never known exactly.
const LEAST_GROWTH: f64 = 0.02;
/// Largest exponent: that of a walk whose changes are a walk.
const MOST_GROWTH: f64 = 1.5;
/// Mean absolute error of one step ahead, as a multiple of the mean absolute change from step to step.
const USUAL_SHARE: f64 = 0.9;
/// Number of observed errors that this is worth.
const USUAL_WORTH: f64 = 5.0;
/// What one error at one step is worth if a single step was seen; errors of neighbouring steps hang together,
/// so that of more steps each counts less, by their square root.
const WORTH_OF_STEPS: f64 = 2.0;
/// 80 % quantile of the size of a normal error over its mean: 1.2816 sqrt(pi / 2).
const HIGH_OVER_MEAN: f64 = 1.606;
/// Number of errors from which their quantile counts as much as their mean.
const MEAN_WORTH: f64 = 3.0;

/// Exponent of a walk.
const WALK: f64 = 0.5;
/// How much the unknown pace of a walk adds to the variance, by steps over values known; and how much more
/// where growth is so steady that the forecast follows it.
const PACE: f64 = 1.0;
const PACE_OF_STEADY: f64 = 3.0;
/// Share of the mean below which the quantile of the errors is one of no errors.
const LEAST_OF_MEAN: f64 = 0.1;
/// Share of the steps without any change from which on a history stands still and jumps.
const STANDS_STILL: f64 = 0.5;

/// How much the history's own movement counts beside the pool's errors, as a share of the logarithm: the
/// latter come from the newest part alone, and shifts of level are seldom among them.
const MOVEMENT_SHARE: f64 = 0.5;
/// Values of a history from which its movement counts half as much as that of a long one.
const MOVEMENT_WORTH: f64 = 8.0;
/// Longest step over which movement is looked at, as a share of the history.
const LONGEST_MOVEMENT: f64 = 0.5;

/// Mean absolute error at step h is `first h^growth`, and not less than jumps make.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ForecastSpread {
    /// At the first step, on the scale of the history; 0 or more.
    pub first: f64,
    /// Exponent, 0.02 to 1.5.
    pub growth: f64,
    /// Where a history stands still and jumps now and then.
    pub jumps: Option<Jumps>,
    /// Values of the history.
    pub known: f64,
    /// How steadily it grows, 0 to 1.
    pub steadiness: f64,
}

/// Jumps of a history that does not change in most steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Jumps {
    /// The error that the 90 % interval needs in order to reach over one jump, on the scale of the history.
    size: f64,
    /// Jumps in a step, on average.
    per_step: f64,
}

impl Jumps {
    /// Those of numbers that stay the same in half of their steps or more, but not in all.
    pub(super) fn of(numbers: &[f64]) -> Option<Self> {
        let changes: Vec<f64> = numbers.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
        let jumps: Vec<f64> = changes.iter().copied().filter(|change| *change > 0.0).collect();
        let per_step = jumps.len() as f64 / changes.len() as f64;
        (per_step > 0.0 && per_step <= 1.0 - STANDS_STILL).then(|| Self {
            size: mean(&jumps) / Learnt::SHIPPED.deviation(numbers.len(), Z90),
            per_step,
        })
    }

    /// The error at a step: a jump, or as many as 90 % of the sums of so many jumps in any direction need.
    fn at(self, step: usize) -> f64 {
        self.size * (Z90 * (self.per_step * step as f64).sqrt()).max(1.0)
    }
}

impl ForecastSpread {
    /// Fits the law to errors of the pool; `rest` is the history without its seasons.
    ///
    /// # Formula
    /// Least squares of `ln mean |e_h| = ln first + growth ln h` over steps 1, 2, 3, 4, 6, 8, 12, ..., each
    /// weighed by how many errors that do not overlap it was seen in; with a normal prior on the exponent,
    /// and the usual size of the first step counted as so many errors seen.
    pub(super) fn of(errors: &[Vec<f64>], stride: f64, rest: &[f64]) -> Self {
        let own = Self::of_errors(errors, stride, rest);
        let known = rest.len() as f64;
        let share = MOVEMENT_SHARE * known / (known + MOVEMENT_WORTH);
        let law = Self::of_movement(rest).map_or(own, |movement| own.towards(movement, share));
        Self { known, ..law }
    }

    /// No error, by a history without end.
    fn nothing() -> Self {
        Self {
            first: 0.0,
            growth: USUAL_GROWTH,
            jumps: None,
            known: f64::INFINITY,
            steadiness: 0.0,
        }
    }

    /// The law of what was seen of the pool.
    fn of_errors(errors: &[Vec<f64>], stride: f64, rest: &[f64]) -> Self {
        let mut seen: Vec<(f64, f64, f64)> = Vec::new(); // ln step, ln size, worth
        let usual = mean_change(rest, 1).unwrap_or(0.0) * USUAL_SHARE;
        if usual > 0.0 {
            seen.push((0.0, usual.ln(), USUAL_WORTH));
        }
        let steps = steps(errors.iter().map(Vec::len).max().unwrap_or(0));
        let share = WORTH_OF_STEPS / (steps.len() as f64).max(1.0).sqrt();
        for step in steps {
            let off: Vec<f64> = errors
                .iter()
                .filter_map(|error| error.get(step - 1))
                .map(|error| error.abs())
                .collect();
            let size = size(&off);
            if size > 0.0 {
                let apart = 1.0 + (off.len() - 1) as f64 * stride / step as f64; // errors that do not overlap
                seen.push(((step as f64).ln(), size.ln(), apart.min(off.len() as f64) * share));
            }
        }
        Self::through(&seen)
    }

    /// The law of how far the history moves in so many steps, beside what it moves on average: over all of
    /// it, with all its shifts of level. `None` if it never leaves a line.
    fn of_movement(rest: &[f64]) -> Option<Self> {
        let steps = steps((rest.len() as f64 * LONGEST_MOVEMENT) as usize);
        let share = WORTH_OF_STEPS / (steps.len() as f64).max(1.0).sqrt();
        let point = |step: usize| {
            let changes: Vec<f64> = rest
                .iter()
                .zip(&rest[step..])
                .map(|(before, after)| after - before)
                .collect();
            let middle = mean(&changes);
            let size = mean(
                &changes
                    .iter()
                    .map(|change| (change - middle).abs())
                    .collect::<Vec<_>>(),
            );
            let worth = rest.len() as f64 / step as f64 * share;
            (size > 0.0).then_some(((step as f64).ln(), size.ln(), worth))
        };
        let seen: Vec<_> = steps.into_iter().filter_map(point).collect();
        (!seen.is_empty()).then(|| Self::through(&seen))
    }

    /// The law between this one and another, geometrically.
    fn towards(self, other: Self, share: f64) -> Self {
        Self {
            first: self.first.powf(1.0 - share) * other.first.powf(share),
            growth: self.growth + share * (other.growth - self.growth),
            ..self
        }
    }

    /// The law through points, each `(ln step, ln size, worth)`, and the prior of the exponent.
    fn through(seen: &[(f64, f64, f64)]) -> Self {
        if seen.is_empty() {
            return Self::nothing();
        }
        let weighted_sum = |term: &dyn Fn(f64, f64) -> f64| {
            seen.iter()
                .map(|(at, log, worth)| worth * term(*at, *log))
                .sum::<f64>()
        };
        let (worth, at, log) = (
            weighted_sum(&|_, _| 1.0),
            weighted_sum(&|at, _| at),
            weighted_sum(&|_, log| log),
        );
        let prior = GROWTH_DEVIATION.powi(-2);
        let square = weighted_sum(&|at, _| at * at) + prior - at * at / worth;
        let product = weighted_sum(&|at, log| at * log) + prior * USUAL_GROWTH - at * log / worth;
        let growth = (product / square).clamp(LEAST_GROWTH, MOST_GROWTH);
        Self {
            first: ((log - at * growth) / worth).exp(),
            growth,
            ..Self::nothing()
        }
    }

    /// How much wider the error is than the law because the pace of the history is not known exactly.
    ///
    /// # Formula
    /// Of a walk with independent changes, a forecast at step h has the variance `h + h^2 / (n - 1)` in units
    /// of one change: `1 + h / n` over what its deviations make. Of values around a level, whose errors do
    /// not grow with the step, the pace adds nothing. A history that grows steadily is followed further.
    fn of_pace(self, step: usize) -> f64 {
        let walk = (self.growth / WALK).min(1.0);
        let share = PACE + PACE_OF_STEADY * self.steadiness;
        (1.0 + share * walk * step as f64 / self.known).sqrt()
    }

    /// Mean absolute error at a step, 1 or more.
    pub(super) fn at(self, step: usize) -> f64 {
        let law = self.first * (step as f64).powf(self.growth) * self.of_pace(step);
        self.jumps.map_or(law, |jumps| law.max(jumps.at(step)))
    }
}

/// Size of the errors of one step: their mean, and the more of them there are, the more their 80 % quantile
/// instead, which a few wild ones do not move. In units of the mean, that of a normal distribution.
fn size(off: &[f64]) -> f64 {
    let mean = mean(off);
    let mut sorted = off.to_vec();
    sorted.sort_by(f64::total_cmp);
    let high = sorted
        .get((0.8 * (off.len().max(1) - 1) as f64).round() as usize)
        .map_or(0.0, |high| high / HIGH_OVER_MEAN);
    let trust = off.len() as f64 / (off.len() as f64 + MEAN_WORTH);
    // where most errors are none but for rounding, the quantile says nothing of the others
    if high > LEAST_OF_MEAN * mean {
        mean.powf(1.0 - trust) * high.powf(trust)
    } else {
        mean
    }
}

/// Steps up to the largest, thinning out as a geometric series does.
fn steps(most: usize) -> Vec<usize> {
    let all = (0..)
        .flat_map(|power: u32| [1_usize << power, 3 << power])
        .take_while(|step| *step <= 4 * most.max(1));
    let mut steps: Vec<usize> = all.filter(|step| *step <= most).collect();
    steps.sort_unstable();
    steps.dedup();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_law_of_many_errors_is_found_and_that_of_few_lies_between_them_and_what_is_usual() {
        let errors = |count: usize, growth: f64| {
            vec![
                (1..=24_usize)
                    .map(|step| 2.0 * (step as f64).powf(growth))
                    .collect::<Vec<f64>>();
                count
            ]
        };
        let rest = [0.0, 2.0 / USUAL_SHARE];
        let many = ForecastSpread::of(&errors(200, 0.8), 1.0, &rest);
        // sizes are means turned into quantiles: all errors of a step are alike here, which makes them
        // smaller by 1.606
        assert!(
            (many.growth - 0.8).abs() < 0.1 && many.first > 1.1 && many.first < 2.1,
            "{many:?}"
        );
        let few = ForecastSpread::of(&errors(2, 0.8), 1.0, &rest);
        assert!(few.growth > USUAL_GROWTH && few.growth < many.growth, "{few:?}");
        let none = ForecastSpread::of(&[], 1.0, &rest);
        assert!(
            (none.first - 2.0).abs() < 1e-9 && (none.growth - USUAL_GROWTH).abs() < 1e-9,
            "{none:?}"
        );
    }

    #[test]
    fn what_never_changes_has_no_width() {
        assert_eq!(ForecastSpread::of(&[vec![0.0; 3]], 1.0, &[1.0, 1.0]).at(9), 0.0);
    }

    #[test]
    fn steps_thin_out() {
        assert_eq!(steps(13), [1, 2, 3, 4, 6, 8, 12]);
        assert!(steps(0).is_empty());
    }
}
