//! Derives the prior of the curve from the tuning half: what `crates/nest-model/src/curve/learned.rs` holds.

use std::collections::BTreeMap;

use nest_model::curve::{
    Series,
    discrepancy::DRIFTS,
    posterior::GridPosterior,
    prior::Prior,
    shape::{COHERENCIES, SHARPNESSES},
};

use crate::{parallel::mapped, task::Task};

/// Tasks of one source that are learnt from, at most: more of the same tell little more.
const MOST_PER_SOURCE: usize = 60;
/// Steps of expectation and maximisation. Few, since a few thousand tasks do not determine the grid to the end.
const STEPS: usize = 5;
/// Share of the prior that stays flat, so that nothing is impossible.
const FLAT: f64 = 0.02;
/// Levels up to this many times the highest fitted one are learnt from.
const REACH: f64 = 5.0;
/// Nodes below this share of the best count for nothing.
const NEGLIGIBLE: f64 = 1e-8;

/// What one curve says about the grid.
struct Evidence<'a> {
    source: &'a str,
    likelihoods: Vec<(usize, usize, f64)>, // (discrepancy, shape, likelihood over the largest)
}

/// The prior under which what lay beyond the beginnings is most likely, each source with equal weight.
///
/// Shapes are relative to the end of the beginning; the likelihood is that of the beginning and of what was observed up to
/// [`REACH`] times beyond, so that the prior knows how curves go on.
pub fn learn(tasks: &[Task]) -> Prior {
    let tasks = thinned(tasks);
    let evidence: Vec<Evidence> = mapped(&tasks, |task| evidence(task)).into_iter().flatten().collect();
    let mut count: BTreeMap<&str, f64> = BTreeMap::new();
    evidence.iter().for_each(|one| *count.entry(one.source).or_default() += 1.0);
    let mut prior = Prior::flat();
    for _ in 0..STEPS {
        let expected = mapped(&evidence, |one| expectation(one, &prior));
        let mut next =
            Prior { tail: vec![0.0; prior.tail.len()], sharpness: vec![0.0; prior.sharpness.len()], discrepancy: vec![0.0; prior.discrepancy.len()] };
        for (one, found) in evidence.iter().zip(&expected) {
            let weight = 1.0 / (count[one.source] * count.len() as f64);
            for (into, from) in parts(&mut next).into_iter().zip([&found.tail, &found.sharpness, &found.discrepancy]) {
                into.iter_mut().zip(from).for_each(|(into, from)| *into += weight * from);
            }
        }
        for part in parts(&mut next) {
            let even = 1.0 / part.len() as f64;
            part.iter_mut().for_each(|value| *value = (1.0 - FLAT) * *value + FLAT * even);
        }
        prior = next;
    }
    prior
}

fn parts(prior: &mut Prior) -> [&mut Vec<f64>; 3] {
    [&mut prior.tail, &mut prior.sharpness, &mut prior.discrepancy]
}

/// At most so many tasks of each source, evenly.
fn thinned<'a>(tasks: &'a [Task<'a>]) -> Vec<&'a Task<'a>> {
    let mut sources: BTreeMap<&str, Vec<&Task>> = BTreeMap::new();
    tasks.iter().for_each(|task| sources.entry(&task.curve.source).or_default().push(task));
    sources.into_values().flat_map(|of| of.iter().step_by(of.len().div_ceil(MOST_PER_SOURCE)).copied().collect::<Vec<_>>()).collect()
}

fn evidence<'a>(task: &Task<'a>) -> Option<Evidence<'a>> {
    let last = Series::new(&task.prefix).ok()?.last().x;
    let most = task.targets.iter().map(|target| target.x).fold(0.0, f64::max).min(last * REACH) * 1.000_1;
    let points: Vec<(f64, f64)> = task.curve.points.iter().copied().filter(|point| point.0 <= most).collect();
    let found = GridPosterior::new(&Series::new(&points).ok()?, last, &Prior::flat())?;
    let largest = found.weights.iter().flatten().copied().fold(0.0, f64::max);
    let of = |(discrepancy, weights): (usize, &Vec<f64>)| {
        let kept = weights.iter().enumerate().filter(|(_, weight)| **weight > NEGLIGIBLE * largest);
        kept.map(|(shape, weight)| (discrepancy, shape, weight / largest)).collect::<Vec<_>>()
    };
    Some(Evidence { source: &task.curve.source, likelihoods: found.weights.iter().enumerate().flat_map(of).collect() })
}

/// Posterior probabilities of one curve, by part of the prior.
fn expectation(evidence: &Evidence, prior: &Prior) -> Prior {
    let mut found =
        Prior { tail: vec![0.0; prior.tail.len()], sharpness: vec![0.0; prior.sharpness.len()], discrepancy: vec![0.0; prior.discrepancy.len()] };
    let mut total = 0.0;
    for &(discrepancy, shape, likelihood) in &evidence.likelihoods {
        let (coherency, rest) = (shape % COHERENCIES.len(), shape / COHERENCIES.len());
        let (tail, sharpness) = (rest / SHARPNESSES.len() * COHERENCIES.len() + coherency, rest % SHARPNESSES.len());
        let weight = likelihood * prior.tail[tail] * prior.sharpness[sharpness] * prior.discrepancy[discrepancy];
        found.tail[tail] += weight;
        found.sharpness[sharpness] += weight;
        found.discrepancy[discrepancy] += weight;
        total += weight;
    }
    parts(&mut found).into_iter().flatten().for_each(|value| *value /= total);
    found
}

/// The module `learned.rs`.
pub fn module(prior: &Prior) -> String {
    let row = |values: &[f64]| values.iter().map(|value| format!("{value:.6}")).collect::<Vec<_>>().join(", ");
    let rows = |values: &[f64], width: usize| values.chunks(width).map(|values| format!("    [{}],\n", row(values))).collect::<String>();
    format!(
        "//! The prior of the curve. Written by `bench/run learn`, do not edit.\n\
         //!\n\
         //! Learnt from the tuning half of `scaling-curves.csv` (its origins are in the README beside it), each source with equal weight:\n\
         //! see `examples/scoreboard/learn.rs`.\n\n\
         use super::{{\n    discrepancy::{{DRIFTS, NOISES}},\n    shape::{{COHERENCIES, KNEES, SHARPNESSES}},\n}};\n\n\
         /// Probability of each knee (rows) and coherency.\n#[rustfmt::skip]\n\
         pub const TAIL: [[f64; COHERENCIES.len()]; KNEES.len()] = [\n{}];\n\n\
         /// Probability of each sharpness.\n#[rustfmt::skip]\n\
         pub const SHARPNESS: [f64; SHARPNESSES.len()] = [{}];\n\n\
         /// Probability of each noise (rows) and drift.\n#[rustfmt::skip]\n\
         pub const DISCREPANCY: [[f64; DRIFTS.len()]; NOISES.len()] = [\n{}];\n",
        rows(&prior.tail, COHERENCIES.len()),
        row(&prior.sharpness),
        rows(&prior.discrepancy, DRIFTS.len()),
    )
}
