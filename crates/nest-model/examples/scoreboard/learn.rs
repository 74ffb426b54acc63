//! Derives the priors of the curve from the tuning half: what `crates/nest-model/src/curve/learned.rs` holds.

use std::collections::BTreeMap;

use nest_model::curve::{
    CurveSeries,
    discrepancy::DRIFTS,
    posterior::GridPosterior,
    prior::{CENTRES, CurveKind, Prior},
    shape::{COHERENCIES, SHARPNESSES},
};

use crate::{parallel::mapped, task::Task};

/// Tasks of one source that are learnt from, at most: more of the same tell little more.
const MOST_PER_SOURCE: usize = 60;
/// Steps of expectation and maximisation. Few: a few thousand tasks do not determine the grid to the end.
const STEPS: usize = 5;
/// Share of the prior that stays flat, so that nothing is impossible.
const FLAT: f64 = 0.02;
/// Levels up to this many times the highest fitted one are learnt from.
const REACH: f64 = 5.0;
/// Octaves over which what is learnt at a highest fitted level fades (standard deviation of a normal weight).
const WIDTH: f64 = 1.0;
/// Weight of what lies far off, so that no centre is without any curve.
const FAR: f64 = 1e-6;
/// Nodes below this share of the best count for nothing.
const NEGLIGIBLE: f64 = 1e-8;

/// What one curve says about the grid.
struct Evidence<'a> {
    source: &'a str,
    octave: f64,                           // log2 of the highest fitted level
    likelihoods: Vec<(usize, usize, f64)>, // (discrepancy, shape, likelihood over the largest)
}

/// The kind of curve under which what lay beyond the beginnings is most likely, each source with equal weight
/// times `nearness`.
///
/// Shapes are relative to the end of the beginning; the likelihood is that of the beginning and of what was
/// observed up to [`REACH`] times beyond, so that the prior knows how curves go on.
fn learn(evidence: &[Evidence], nearness: impl Fn(&Evidence) -> f64) -> CurveKind {
    let mut count: BTreeMap<&str, f64> = BTreeMap::new();
    evidence
        .iter()
        .for_each(|one| *count.entry(one.source).or_default() += 1.0);
    let weights: Vec<f64> = evidence
        .iter()
        .map(|one| nearness(one) / count[one.source])
        .collect();
    let total: f64 = weights.iter().sum();
    let mut prior = CurveKind::flat();
    for _ in 0..STEPS {
        let expected = mapped(evidence, |one| expectation(one, &prior));
        let mut next = empty();
        for (weight, found) in weights.iter().map(|weight| weight / total).zip(&expected) {
            for (into, from) in
                parts(&mut next)
                    .into_iter()
                    .zip([&found.tail, &found.sharpness, &found.discrepancy])
            {
                into.iter_mut()
                    .zip(from)
                    .for_each(|(into, from)| *into += weight * from);
            }
        }
        for part in parts(&mut next) {
            let even = 1.0 / part.len() as f64;
            part.iter_mut()
                .for_each(|value| *value = (1.0 - FLAT) * *value + FLAT * even);
        }
        prior = next;
    }
    prior
}

/// A kind without any curve.
fn empty() -> CurveKind {
    let mut kind = CurveKind::flat();
    parts(&mut kind)
        .into_iter()
        .flatten()
        .for_each(|value| *value = 0.0);
    kind
}

fn parts(kind: &mut CurveKind) -> [&mut Vec<f64>; 3] {
    [&mut kind.tail, &mut kind.sharpness, &mut kind.discrepancy]
}

/// At most so many tasks of each source, evenly.
fn thinned<'a>(tasks: &'a [Task<'a>]) -> Vec<&'a Task<'a>> {
    let mut sources: BTreeMap<&str, Vec<&Task>> = BTreeMap::new();
    tasks
        .iter()
        .for_each(|task| sources.entry(&task.curve.source).or_default().push(task));
    sources
        .into_values()
        .flat_map(|of| {
            of.iter()
                .step_by(of.len().div_ceil(MOST_PER_SOURCE))
                .copied()
                .collect::<Vec<_>>()
        })
        .collect()
}

fn evidence<'a>(task: &Task<'a>, flat: &Prior) -> Option<Evidence<'a>> {
    let last = CurveSeries::new(&task.prefix).ok()?.last().x;
    let most = task
        .targets
        .iter()
        .map(|target| target.x)
        .fold(0.0, f64::max)
        .min(last * REACH)
        * 1.000_1;
    let points: Vec<(f64, f64)> = task
        .curve
        .points
        .iter()
        .copied()
        .filter(|point| point.0 <= most)
        .collect();
    let found = GridPosterior::new(&CurveSeries::new(&points).ok()?, last, flat)?;
    let largest = found.weights.iter().flatten().copied().fold(0.0, f64::max);
    let of = |(discrepancy, weights): (usize, &Vec<f64>)| {
        let kept = weights
            .iter()
            .enumerate()
            .filter(|(_, weight)| **weight > NEGLIGIBLE * largest);
        kept.map(|(shape, weight)| (discrepancy, shape, weight / largest))
            .collect::<Vec<_>>()
    };
    Some(Evidence {
        source: &task.curve.source,
        octave: last.log2(),
        likelihoods: found.weights.iter().enumerate().flat_map(of).collect(),
    })
}

/// Posterior probabilities of one curve, by part of the prior.
fn expectation(evidence: &Evidence, prior: &CurveKind) -> CurveKind {
    let mut found = empty();
    let mut total = 0.0;
    for &(discrepancy, shape, likelihood) in &evidence.likelihoods {
        let (coherency, rest) = (shape % COHERENCIES.len(), shape / COHERENCIES.len());
        let (tail, sharpness) = (
            rest / SHARPNESSES.len() * COHERENCIES.len() + coherency,
            rest % SHARPNESSES.len(),
        );
        let weight =
            likelihood * prior.tail[tail] * prior.sharpness[sharpness] * prior.discrepancy[discrepancy];
        found.tail[tail] += weight;
        found.sharpness[sharpness] += weight;
        found.discrepancy[discrepancy] += weight;
        total += weight;
    }
    parts(&mut found)
        .into_iter()
        .flatten()
        .for_each(|value| *value /= total);
    found
}

/// The module `learned.rs`, learnt from tasks.
pub fn module(tasks: &[Task]) -> String {
    let flat = Prior::new(&[(1.0, &CurveKind::flat())]);
    let evidence: Vec<Evidence> = mapped(&thinned(tasks), |task| evidence(task, &flat))
        .into_iter()
        .flatten()
        .collect();
    // What lies beyond the outermost centres is as near to them as half an octave.
    let near = |centre: f64| {
        let (first, last) = (CENTRES[0] - 0.5, CENTRES[CENTRES.len() - 1] + 0.5);
        learn(&evidence, |one| {
            (-0.5 * ((one.octave.clamp(first, last) - centre) / WIDTH).powi(2)).exp() + FAR
        })
    };
    format!(
        "//! The priors of the curve. Written by `bench/run learn`, do not edit.\n\
         //!\n\
         //! Learnt from the tuning halves of `scaling-curves.csv` and `techempower-2013.csv` (their \
         origins are in the README beside them),\n\
         //! each source with equal weight: see `examples/scoreboard/learn.rs`.\n\n\
         use super::prior::{{CENTRES, Table}};\n\n\
         /// From all curves.\n#[rustfmt::skip]\n\
         pub static OVERALL: Table = {};\n\n\
         /// From curves whose measured part ends near each of [`CENTRES`].\n#[rustfmt::skip]\n\
         pub static NEAR: [Table; CENTRES.len()] = [\n{}];\n",
        table(&learn(&evidence, |_| 1.0)),
        CENTRES
            .into_iter()
            .map(|centre| format!("{},\n", table(&near(centre))))
            .collect::<String>(),
    )
}

/// A kind as Rust.
fn table(kind: &CurveKind) -> String {
    let row = |values: &[f64]| {
        values
            .iter()
            .map(|value| format!("{value:.6}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let rows = |values: &[f64], width: usize| {
        values
            .chunks(width)
            .map(|values| format!("        [{}],\n", row(values)))
            .collect::<String>()
    };
    format!(
        "Table {{\n    tail: [\n{}    ],\n    sharpness: [{}],\n    discrepancy: [\n{}    ],\n}}",
        rows(&kind.tail, COHERENCIES.len()),
        row(&kind.sharpness),
        rows(&kind.discrepancy, DRIFTS.len()),
    )
}
