//! Shocks: what one cycle shows at a phase and the other cycles do not.

use super::super::numbers::median;

/// A value is out of line if it lies this many standard deviations of the usual disagreement from what the
/// other cycles say.
const LIMIT: f64 = 5.0;
/// The same of two cycles: what only one of them shows is not yet a season.
const LIMIT_OF_TWO: f64 = 3.5;
/// Standard deviation of a normal distribution over its median absolute deviation.
const DEVIATION_OVER_MEDIAN: f64 = 1.4826;

/// The numbers (without their trend), each that is out of line with its phase replaced by what the phase's
/// other cycles agree on.
pub(super) fn without(detrended: &[f64], period: usize) -> Vec<f64> {
    let phases: Vec<Vec<f64>> = (0..period)
        .map(|phase| detrended.iter().skip(phase).step_by(period).copied().collect())
        .collect();
    let middles: Vec<f64> = phases.iter().map(|values| median(values)).collect();
    let others: Vec<f64> = detrended
        .iter()
        .enumerate()
        .map(|(index, number)| match &phases[index % period][..] {
            [one, other] => one + other - number,
            _ => middles[index % period],
        })
        .collect();
    let usual = usual_disagreement(detrended, &others);
    let settled = |(index, number): (usize, &f64)| {
        let (other, cycles) = (others[index], phases[index % period].len());
        let limit = if cycles > 2 { LIMIT } else { LIMIT_OF_TWO };
        match (number - other).abs() > limit * usual {
            false => *number,
            true if cycles > 2 => other,
            true => common(*number, other),
        }
    };
    detrended.iter().enumerate().map(settled).collect()
}

/// What two cycles that differ have in common: the one nearer to no season, or nothing if they point in
/// different directions.
fn common(one: f64, other: f64) -> f64 {
    if one * other <= 0.0 {
        0.0
    } else {
        one.abs().min(other.abs()).copysign(one)
    }
}

/// Standard deviation of a value from what the others say, were there no shocks.
fn usual_disagreement(detrended: &[f64], others: &[f64]) -> f64 {
    let off: Vec<f64> = detrended
        .iter()
        .zip(others)
        .map(|(number, other)| (number - other).abs())
        .collect();
    DEVIATION_OVER_MEDIAN * median(&off)
}
