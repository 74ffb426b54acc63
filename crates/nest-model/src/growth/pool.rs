//! The pool of methods: what each says from one origin, and how much each is believed.

use super::{autoregression, scale::ForecastScale, season, smoothing};

/// The pool's members.
#[derive(Debug, Clone, Copy)]
enum PoolMember {
    /// On the scale of the history: relative change goes on.
    Scaled(smoothing::Method),
    /// On the values themselves: absolute change goes on.
    Plain(smoothing::Method),
}

/// Members, alike in weight before a history is seen.
const MEMBERS: [PoolMember; 9] = [
    PoolMember::Scaled(smoothing::level),
    PoolMember::Scaled(smoothing::damped),
    PoolMember::Plain(smoothing::damped),
    PoolMember::Scaled(smoothing::theta),
    PoolMember::Plain(smoothing::theta),
    PoolMember::Scaled(smoothing::drift),
    PoolMember::Scaled(autoregression::around_mean),
    PoolMember::Scaled(autoregression::of_changes),
    PoolMember::Scaled(autoregression::of_growth),
];
/// Places of the members that keep the pace of growth.
const DRIFT: usize = 5;
const OF_GROWTH: usize = 8;
/// Parts of a history whose paces are compared.
const PARTS: usize = 4;
/// Student's t of their mean from which on growth is about as steady as not.
const STEADY: f64 = 4.0;
/// Largest share of the weights that is moved to members that keep the pace.
const MOST_STEADY: f64 = 0.9;
/// Errors without following steady growth, over those with it, at which it is not followed.
const DISTRUSTED: f64 = 0.9;
/// How strongly errors of the past tell members apart: weights go with error to the minus this power.
const SHARPNESS: f64 = 3.0;
/// Origins with average errors that every member is given before its own are seen.
const DOUBT: f64 = 1.0;
/// Most origins that the pool is tried from.
const MOST_ORIGINS: usize = 16;
/// Longest horizon that is tried, in steps.
const LONGEST_TRIAL: usize = 64;

/// What the pool says, and how far off it was at the origins whose answer is known.
#[derive(Debug, Clone)]
pub(super) struct Pooled {
    /// Centre by step, on the scale of the history.
    pub centre: Vec<f64>,
    /// Signed errors (truth - centre) from each origin by step, on the same scale; the newest origin last.
    /// Each with the weights that the other origins give, so that the choice of weights does not flatter
    /// them.
    pub errors: Vec<Vec<f64>>,
    /// Steps from one of these origins to the next, on average.
    pub stride: f64,
    /// How steadily the history grows, 0 to 1. The share of the members that keep its pace follows from it
    /// and from how well they did; how far the pace widens the interval, from it alone.
    pub steadiness: f64,
}

/// What the members say from one origin.
struct Paths {
    /// With seasons, on the scale of the history. One row per member.
    of_members: Vec<Vec<f64>>,
    /// How steadily the numbers before it grow, 0 to 1.
    steadiness: f64,
}

/// The members' paths.
fn paths(numbers: &[f64], scale: ForecastScale, periods: &[usize], horizon: usize) -> Paths {
    let (rest, seasons) = season::take_out(numbers, periods);
    let plain: Vec<f64> = rest.iter().map(|number| scale.from(*number)).collect();
    let least = plain.iter().copied().fold(f64::INFINITY, f64::min);
    // a falling line may pass zero, where logarithms end
    let floor = if scale == ForecastScale::Log {
        least * 0.1
    } else {
        f64::NEG_INFINITY
    };
    let of_members = MEMBERS
        .iter()
        .map(|member| {
            let mut path = match member {
                PoolMember::Scaled(method) => method(&rest, horizon),
                PoolMember::Plain(method) => method(&plain, horizon)
                    .iter()
                    .map(|value| scale.to(value.max(floor)))
                    .collect(),
            };
            for (step, number) in path.iter_mut().enumerate() {
                *number += seasons
                    .iter()
                    .map(|season| season.at(numbers.len() + step))
                    .sum::<f64>();
            }
            path
        })
        .collect();
    Paths {
        of_members,
        steadiness: steadiness(&rest),
    }
}

/// How steadily numbers grow or fall, 0 to 1: their pace in each quarter of the history against how the
/// quarters differ.
///
/// # Formula
/// `t^2 / (t^2 + 4^2)`, t that of Student for the mean of the paces of four parts.
fn steadiness(numbers: &[f64]) -> f64 {
    let (Some(changes), true) = (numbers.len().checked_sub(1), numbers.len() > 2 * PARTS) else {
        return 0.0;
    };
    let ends: Vec<usize> = (0..=PARTS).map(|part| part * changes / PARTS).collect();
    let paces: Vec<f64> = ends
        .windows(2)
        .map(|ends| (numbers[ends[1]] - numbers[ends[0]]) / (ends[1] - ends[0]) as f64)
        .collect();
    let middle = super::numbers::mean(&paces);
    let squares: f64 = paces.iter().map(|pace| (pace - middle).powi(2)).sum();
    let error = squares / ((PARTS - 1) * PARTS) as f64;
    let square = middle * middle;
    if square > 0.0 {
        square / (square + STEADY.powi(2) * error)
    } else {
        0.0
    }
}

/// Origins from which the pool can be tried: counts of numbers known then, ascending.
fn origins(count: usize, horizon: usize) -> Vec<usize> {
    let first = (count / 2).max(count.saturating_sub(8 * horizon.max(4))).max(3);
    let spare = count.saturating_sub(first);
    let tried = spare.min(MOST_ORIGINS);
    (0..tried).map(|index| first + index * spare / tried).collect()
}

/// Pools the members.
pub(super) fn pool(numbers: &[f64], scale: ForecastScale, periods: &[usize], horizon: usize) -> Pooled {
    let origins = origins(numbers.len(), horizon);
    let trials: Vec<(usize, Paths)> = origins
        .iter()
        .map(|origin| {
            let ahead = (numbers.len() - origin).min(horizon).min(LONGEST_TRIAL);
            (*origin, paths(&numbers[..*origin], scale, periods, ahead))
        })
        .collect();
    let off: Vec<Vec<f64>> = trials
        .iter()
        .map(|(origin, paths)| off(&numbers[*origin..], &paths.of_members))
        .collect();
    let errors_with = |trust: f64| -> Vec<Vec<f64>> {
        let error = |(trial, (origin, paths)): (usize, &(usize, Paths))| {
            let others = off.iter().enumerate().filter(|(other, _)| *other != trial);
            let others: Vec<&[f64]> = others.map(|(_, off)| off.as_slice()).collect();
            let weights = steadied(weights(&others), *origin, trust * paths.steadiness);
            let said = mix(&paths.of_members, &weights);
            let pairs = said.iter().zip(&numbers[*origin..]);
            pairs.map(|(said, truth)| truth - said).collect()
        };
        trials.iter().enumerate().map(error).collect()
    };
    let trust = trust(&errors_with(0.0), &errors_with(1.0));
    let all: Vec<&[f64]> = off.iter().map(Vec::as_slice).collect();
    let stride = origins.last().zip(origins.first()).map_or(1.0, |(last, first)| {
        (last - first) as f64 / (origins.len().max(2) - 1) as f64
    });
    let now = paths(numbers, scale, periods, horizon);
    let steadiness = trust * now.steadiness;
    Pooled {
        stride,
        steadiness: now.steadiness,
        centre: mix(
            &now.of_members,
            &steadied(weights(&all), numbers.len(), steadiness),
        ),
        errors: errors_with(trust),
    }
}

/// How far following steady growth is believed, 0 to 1, by the errors from all origins without it and with
/// it: in full if it makes them no larger, and not at all if it makes them a ninth larger.
fn trust(without: &[Vec<f64>], with: &[Vec<f64>]) -> f64 {
    let sum = |errors: &[Vec<f64>]| errors.iter().flatten().map(|error| error.abs()).sum::<f64>();
    let (without, with) = (sum(without), sum(with));
    if with > 0.0 {
        ((without / with - DISTRUSTED) / (1.0 - DISTRUSTED)).clamp(0.0, 1.0)
    } else {
        1.0
    }
}

/// Mean absolute error of each member at one origin.
fn off(truth: &[f64], paths: &[Vec<f64>]) -> Vec<f64> {
    let size = |path: &Vec<f64>| {
        path.iter()
            .zip(truth)
            .map(|(said, truth)| (truth - said).abs())
            .sum::<f64>()
            / path.len() as f64
    };
    paths.iter().map(size).collect()
}

/// Weighted mean of the members' paths.
fn mix(paths: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    let steps = paths.first().map_or(0, Vec::len);
    (0..steps)
        .map(|step| {
            paths
                .iter()
                .zip(weights)
                .map(|(path, weight)| weight * path[step])
                .sum()
        })
        .collect()
}

/// Weights of which those members that keep the pace of growth have the more, the steadier it is.
fn steadied(mut weights: Vec<f64>, known: usize, steadiness: f64) -> Vec<f64> {
    let keeps: Vec<usize> = if known >= autoregression::ENOUGH_FOR_PACE {
        vec![DRIFT, OF_GROWTH]
    } else {
        vec![DRIFT]
    };
    let kept: f64 = keeps.iter().map(|member| weights[*member]).sum();
    let share = steadiness * MOST_STEADY;
    weights.iter_mut().for_each(|weight| *weight *= 1.0 - share);
    for member in keeps {
        weights[member] += share * weights[member] / ((1.0 - share) * kept);
    }
    weights
}

/// Weights of the members, which sum to one, from their mean absolute errors: one row per origin.
fn weights(off: &[&[f64]]) -> Vec<f64> {
    let totals: Vec<f64> = (0..MEMBERS.len())
        .map(|member| off.iter().map(|origin| origin[member]).sum())
        .collect();
    let middle = super::numbers::mean(&totals);
    let prior = DOUBT * middle / (off.len() as f64).max(1.0);
    let raw = totals.iter().map(|total| {
        if middle > 0.0 {
            ((middle + prior) / (total + prior)).powf(SHARPNESS)
        } else {
            1.0
        }
    });
    let raw: Vec<f64> = raw.collect();
    let sum: f64 = raw.iter().sum();
    raw.iter().map(|weight| weight / sum).collect()
}
