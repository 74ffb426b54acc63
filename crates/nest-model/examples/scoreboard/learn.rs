//! Learns the priors of the curve: from all sources, which `crates/nest-model/src/curve/learned.rs` holds,
//! and without each family of sources, by which that family is judged.

use std::collections::{BTreeMap, BTreeSet};

use nest_model::curve::{
    CurveSeries,
    collapse::Collapse,
    discrepancy::DRIFTS,
    posterior::GridPosterior,
    prior::{CENTRES, CurveKind, LearnedPrior, Prior},
    shape::{COHERENCIES, SHARPNESSES},
};

use crate::{corpus::family, falls::Falls, parallel::mapped, task::Task};

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
pub struct Evidence<'a> {
    source: &'a str,
    octave: f64, // log2 of the highest fitted level
    nodes: Vec<Node>,
}

/// A node that is not negligible.
struct Node {
    discrepancy: u16,
    shape: u16,
    likelihood: f32, // over the largest
}

/// What curves look like: all of them, and those near each of [`CENTRES`].
pub struct Kinds {
    common: CurveKind,
    near: [CurveKind; CENTRES.len()],
}

impl Kinds {
    /// Learnt from the families of sources that `wanted` holds of.
    pub fn learnt(evidence: &[Evidence], wanted: impl Fn(&str) -> bool) -> Self {
        let of: Vec<&Evidence> = evidence.iter().filter(|one| wanted(family(one.source))).collect();
        // What lies beyond the outermost centres is as near to them as half an octave.
        let near = |centre: f64| {
            let (first, last) = (CENTRES[0] - 0.5, CENTRES[CENTRES.len() - 1] + 0.5);
            learn(&of, |one| {
                (-0.5 * ((one.octave.clamp(first, last) - centre) / WIDTH).powi(2)).exp() + FAR
            })
        };
        Self {
            common: learn(&of, |_| 1.0),
            near: CENTRES.map(near),
        }
    }

    /// The prior, with a collapse.
    pub fn prior(&self, collapse: Collapse) -> LearnedPrior {
        LearnedPrior::new(&self.common, &self.near, collapse)
    }
}

/// A prior for each family of sources, learnt without it.
pub type LeftOut = BTreeMap<String, LearnedPrior>;

/// Learns everything without each family in turn.
pub fn leaving_out(tasks: &[Task]) -> LeftOut {
    let (evidence, without) = (evidence(tasks), families(tasks));
    let calm: LeftOut = without
        .iter()
        .map(|left| {
            let kinds = Kinds::learnt(&evidence, |family| family != left);
            (left.clone(), kinds.prior(Collapse::NEVER))
        })
        .collect();
    let falls = Falls::new(&thinned(tasks), &calm);
    calm.into_iter()
        .map(|(left, mut prior)| {
            prior.collapse = falls.learn(|family| family != left);
            (left, prior)
        })
        .collect()
}

fn families(tasks: &[Task]) -> BTreeSet<String> {
    tasks.iter().map(|task| task.curve.family().to_owned()).collect()
}

/// The kind of curve under which what lay beyond the beginnings is most likely, each source with equal weight
/// times `nearness`.
///
/// Shapes are relative to the end of the beginning; the likelihood is that of the beginning and of what was
/// observed up to [`REACH`] times beyond, so that the prior knows how curves go on.
fn learn(evidence: &[&Evidence], nearness: impl Fn(&Evidence) -> f64) -> CurveKind {
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
    if evidence.is_empty() {
        return prior;
    }
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

fn evidence<'a>(tasks: &'a [Task<'a>]) -> Vec<Evidence<'a>> {
    let flat = Prior::new(&[(1.0, &CurveKind::flat())]);
    mapped(&thinned(tasks), |task| evidence_of(task, &flat))
        .into_iter()
        .flatten()
        .collect()
}

fn evidence_of<'a>(task: &Task<'a>, flat: &Prior) -> Option<Evidence<'a>> {
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
        let node = move |(shape, weight): (usize, &f64)| Node {
            discrepancy: discrepancy as u16,
            shape: shape as u16,
            likelihood: (weight / largest) as f32,
        };
        let kept = weights
            .iter()
            .enumerate()
            .filter(|(_, weight)| **weight > NEGLIGIBLE * largest);
        kept.map(node).collect::<Vec<_>>()
    };
    Some(Evidence {
        source: &task.curve.source,
        octave: last.log2(),
        nodes: found.weights.iter().enumerate().flat_map(of).collect(),
    })
}

/// Posterior probabilities of one curve, by part of the prior.
fn expectation(evidence: &Evidence, prior: &CurveKind) -> CurveKind {
    let mut found = empty();
    let mut total = 0.0;
    for node in &evidence.nodes {
        let (discrepancy, shape) = (usize::from(node.discrepancy), usize::from(node.shape));
        let (coherency, rest) = (shape % COHERENCIES.len(), shape / COHERENCIES.len());
        let (tail, sharpness) = (
            rest / SHARPNESSES.len() * COHERENCIES.len() + coherency,
            rest % SHARPNESSES.len(),
        );
        let weight = f64::from(node.likelihood)
            * prior.tail[tail]
            * prior.sharpness[sharpness]
            * prior.discrepancy[discrepancy];
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

/// The module `learned.rs`, learnt from all tasks.
pub fn module(tasks: &[Task]) -> String {
    let without = leaving_out(tasks);
    let collapse = Falls::new(&thinned(tasks), &without).learn(|_| true);
    let kinds = Kinds::learnt(&evidence(tasks), |_| true);
    format!(
        "//! The priors of the curve. Written by `bench/run learn`, do not edit.\n\
         //!\n\
         //! Learnt from all sources of `scaling-curves.csv` and `techempower-2013.csv` \
         (their origins are in the\n\
         //! README beside them), each source with equal weight: see `examples/scoreboard/learn.rs`.\n\n\
         use super::{{\n    collapse::Collapse,\n    prior::{{CENTRES, PriorTable}},\n}};\n\n\
         /// How often curves of a new source collapse: see `examples/scoreboard/falls.rs`.\n\
         pub static COLLAPSE: Collapse = Collapse {{\n    prone: {:.3},\n    per_octave: {:.3},\n    depth: \
         {:.3},\n}};\n\n\
         /// From all curves.\n#[rustfmt::skip]\n\
         pub static OVERALL: PriorTable = {};\n\n\
         /// From curves whose measured part ends near each of [`CENTRES`].\n#[rustfmt::skip]\n\
         pub static NEAR: [PriorTable; CENTRES.len()] = [\n{}];\n",
        collapse.prone,
        collapse.per_octave,
        collapse.depth,
        table(&kinds.common),
        kinds
            .near
            .iter()
            .map(|kind| format!("{},\n", table(kind)))
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
        "PriorTable {{\n    tail: [\n{}    ],\n    sharpness: [{}],\n    discrepancy: [\n{}    ],\n}}",
        rows(&kind.tail, COHERENCIES.len()),
        row(&kind.sharpness),
        rows(&kind.discrepancy, DRIFTS.len()),
    )
}
