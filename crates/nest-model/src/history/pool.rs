//! The pool of methods: what each says from one origin, and how much each is believed.

use super::{autoregression, scale::Scale, season, smoothing};

/// The pool's members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    /// On the scale of the history: relative change goes on.
    Scaled(smoothing::Method),
    /// On the values themselves: absolute change goes on.
    Plain(smoothing::Method),
}

/// Members, each with its weight before a history is seen.
const MEMBERS: [(Member, f64); 8] = [
    (Member::Scaled(smoothing::level), 1.0),
    (Member::Scaled(smoothing::damped), 1.0),
    (Member::Plain(smoothing::damped), 1.0),
    (Member::Scaled(smoothing::theta), 1.0),
    (Member::Plain(smoothing::theta), 1.0),
    (Member::Scaled(smoothing::drift), 0.5),
    (Member::Scaled(autoregression::around_mean), 1.0),
    (Member::Scaled(autoregression::of_changes), 1.0),
];
/// How strongly errors of the past tell members apart: weights go with error to the minus this power.
#[allow(non_snake_case)] fn SHARPNESS() -> f64 { super::numbers::knob("SHARP", 2.0) }
/// Most origins that the pool is tried from.
const MOST_ORIGINS: usize = 12;
/// Longest horizon that is tried, in steps.
const LONGEST_TRIAL: usize = 64;

/// What the pool says, and how far off it was where the answer is known.
#[derive(Debug, Clone)]
pub(super) struct Pooled {
    /// Centre by step, on the scale of the history.
    pub centre: Vec<f64>,
    /// Signed errors (truth - centre) from each origin by step, on the same scale; the newest origin last.
    pub errors: Vec<Vec<f64>>,
}

/// One member's path, with seasons, on the scale of the history. One row per member.
fn paths(numbers: &[f64], scale: Scale, periods: &[usize], horizon: usize) -> Vec<Vec<f64>> {
    let (rest, seasons) = season::take_out(numbers, periods);
    let plain: Vec<f64> = rest.iter().map(|number| scale.from(*number)).collect();
    let least = plain.iter().copied().fold(f64::INFINITY, f64::min);
    let floor = if scale == Scale::Log { least * 0.1 } else { f64::NEG_INFINITY };
    MEMBERS
        .iter()
        .map(|(member, _)| {
            let mut path = match member {
                Member::Scaled(method) => method(&rest, horizon),
                Member::Plain(method) => method(&plain, horizon).iter().map(|value| scale.to(value.max(floor))).collect(),
            };
            for (step, number) in path.iter_mut().enumerate() {
                *number += seasons.iter().map(|season| season.at(numbers.len() + step)).sum::<f64>();
            }
            path
        })
        .collect()
}

/// Origins from which the pool can be tried: counts of numbers known then, ascending.
fn origins(count: usize, horizon: usize) -> Vec<usize> {
    let first = (count / 2).max(count.saturating_sub(3 * horizon.max(4))).max(3);
    let spare = count.saturating_sub(first);
    let tried = spare.min(MOST_ORIGINS);
    (0..tried).map(|index| first + index * spare / tried).collect()
}

/// Pools the members.
pub(super) fn pool(numbers: &[f64], scale: Scale, periods: &[usize], horizon: usize) -> Pooled {
    let origins = origins(numbers.len(), horizon);
    let trials: Vec<(usize, Vec<Vec<f64>>)> = origins
        .iter()
        .map(|origin| {
            let ahead = (numbers.len() - origin).min(horizon).min(LONGEST_TRIAL);
            (*origin, paths(&numbers[..*origin], scale, periods, ahead))
        })
        .collect();
    let weights = weights(numbers, &trials);
    let mix = |paths: &[Vec<f64>], step: usize| paths.iter().zip(&weights).map(|(path, weight)| weight * path[step]).sum::<f64>();
    let ahead = paths(numbers, scale, periods, horizon);
    let errors = trials
        .iter()
        .map(|(origin, paths)| (0..paths[0].len()).map(|step| numbers[origin + step] - mix(paths, step)).collect())
        .collect();
    Pooled { centre: (0..horizon).map(|step| mix(&ahead, step)).collect(), errors }
}

/// Weights that sum to one.
fn weights(numbers: &[f64], trials: &[(usize, Vec<Vec<f64>>)]) -> Vec<f64> {
    let mut totals = vec![0.0; MEMBERS.len()];
    let mut count: f64 = 0.0;
    for (origin, paths) in trials {
        for (total, path) in totals.iter_mut().zip(paths) {
            let off: f64 = path.iter().enumerate().map(|(step, number)| (numbers[origin + step] - number).abs()).sum();
            *total += off / path.len() as f64;
        }
        count += 1.0;
    }
    let middle = super::numbers::mean(&totals);
    // what nothing is known of counts as if two origins had shown average errors
    let prior = super::numbers::knob("PRIOR", 2.0) * middle / count.max(1.0);
    let raw: Vec<f64> = totals
        .iter()
        .zip(MEMBERS)
        .map(|(total, (_, weight))| weight * if middle > 0.0 { ((middle + prior) / (total + prior)).powf(SHARPNESS()) } else { 1.0 })
        .collect();
    let raw: Vec<f64> = raw.iter().enumerate().map(|(i, w)| w * super::numbers::knob(&format!("W{i}"), 1.0)).collect();
    let sum: f64 = raw.iter().sum();
    raw.iter().map(|weight| weight / sum).collect()
}
