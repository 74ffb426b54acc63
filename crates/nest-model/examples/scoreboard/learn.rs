//! Learns the priors of the curve: from all sources, which `crates/nest-model/src/curve/learned.rs` holds,
//! and without each family of sources, by which that family is judged.

use std::collections::{BTreeMap, BTreeSet};

use nest_model::curve::{
    CurveSeries, LoadAxis,
    collapse::Collapse,
    discrepancy::DRIFTS,
    posterior::GridPosterior,
    prior::{CENTRES, CurveKind, LearnedPrior, Prior, SourceFamily},
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
const WIDTH: f64 = 0.85;
/// Nearness of a family of which nothing was measured near a centre.
const FAR: f64 = 0.01;
/// Nodes below this share of the best count for nothing.
const NEGLIGIBLE: f64 = 1e-6;

/// What one curve says about the grid.
pub struct Evidence<'a> {
    source: &'a str,
    axis: LoadAxis,
    octave: f64, // log2 of the highest fitted level
    nodes: Vec<Node>,
}

/// A node that is not negligible.
struct Node {
    discrepancy: u16,
    shape: u16,
    likelihood: f32, // over the largest
}

/// What the curves of each family look like, by its name.
type Families = BTreeMap<String, SourceFamily>;

/// Learns each family from its own curves alone.
fn families(evidence: &[Evidence]) -> Families {
    let names: BTreeSet<&str> = evidence.iter().map(|one| family(one.source)).collect();
    let learnt = |name: &str| {
        let of: Vec<&Evidence> = evidence.iter().filter(|one| family(one.source) == name).collect();
        SourceFamily {
            kind: learn(&of),
            nearness: measured_near(&of),
        }
    };
    names
        .into_iter()
        .map(|name| (name.to_owned(), learnt(name)))
        .collect()
}

/// How much was measured near each of [`CENTRES`].
fn measured_near(of: &[&Evidence]) -> [f64; CENTRES.len()] {
    let weights = weights(of);
    CENTRES.map(|centre| {
        let weighed = of.iter().zip(&weights);
        FAR + weighed
            .map(|(one, weight)| weight * nearness(one, centre))
            .sum::<f64>()
    })
}

/// The same of threads, replicas and nodes, families weighing alike.
fn of_servers(of: &[&Evidence]) -> [f64; CENTRES.len()] {
    let servers = |one: &&&Evidence| one.axis == LoadAxis::Servers;
    measured_near(&of.iter().filter(servers).copied().collect::<Vec<_>>())
}

/// How near the highest fitted level of a curve is to a centre, 0 to 1. What lies beyond the outermost
/// centres is as near to them as half an octave.
fn nearness(one: &Evidence, centre: f64) -> f64 {
    let (first, last) = (CENTRES[0] - 0.5, CENTRES[CENTRES.len() - 1] + 0.5);
    (-0.5 * ((one.octave.clamp(first, last) - centre) / WIDTH).powi(2)).exp()
}

/// Weights of curves, so that families weigh alike, and the sources within a family; the sum is 1.
fn weights(of: &[&Evidence]) -> Vec<f64> {
    let mut curves: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    for one in of {
        *curves
            .entry(family(one.source))
            .or_default()
            .entry(one.source)
            .or_default() += 1.0;
    }
    let weight = |one: &&Evidence| {
        let sources = &curves[family(one.source)];
        1.0 / (curves.len() as f64 * sources.len() as f64 * sources[one.source])
    };
    of.iter().map(weight).collect()
}

/// A prior for each family of sources, learnt without it.
pub type LeftOut = BTreeMap<String, LearnedPrior>;

/// Learns everything without each family in turn.
pub fn leaving_out(tasks: &[Task]) -> LeftOut {
    let evidence = evidence(tasks);
    let families = families(&evidence);
    let without = |left: &String| {
        let others: Vec<&Evidence> = evidence.iter().filter(|one| family(one.source) != left).collect();
        let kinds: Vec<SourceFamily> = families
            .iter()
            .filter(|(name, _)| *name != left)
            .map(|(_, kind)| kind.clone())
            .collect();
        let prior = LearnedPrior::new(&learn(&others), &kinds, &of_servers(&others), Collapse::NEVER);
        (left.clone(), prior)
    };
    let calm: LeftOut = families.keys().map(without).collect();
    let falls = Falls::new(&thinned(tasks), &calm);
    calm.into_iter()
        .map(|(left, mut prior)| {
            prior.collapse = falls.learn(|family| family != left);
            (left, prior)
        })
        .collect()
}

/// The kind of curve under which what lay beyond the beginnings is most likely, families weighing alike.
///
/// Shapes are relative to the end of the beginning; the likelihood is that of the beginning and of what was
/// observed up to [`REACH`] times beyond, so that the prior knows how curves go on.
fn learn(evidence: &[&Evidence]) -> CurveKind {
    let weights = weights(evidence);
    let mut prior = CurveKind::flat();
    if evidence.is_empty() {
        return prior;
    }
    for _ in 0..STEPS {
        let expected = mapped(evidence, |one| expectation(one, &prior));
        let mut next = empty();
        for (weight, found) in weights.iter().zip(&expected) {
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

/// At most so many tasks of each source, evenly. Tasks of one curve follow each other, so a whole number as
/// stride would take the same cut of every curve.
fn thinned<'a>(tasks: &'a [Task<'a>]) -> Vec<&'a Task<'a>> {
    let mut sources: BTreeMap<&str, Vec<&Task>> = BTreeMap::new();
    tasks
        .iter()
        .for_each(|task| sources.entry(&task.curve.source).or_default().push(task));
    sources
        .into_values()
        .flat_map(|of| {
            let most = of.len().min(MOST_PER_SOURCE);
            (0..most).map(move |place| of[place * of.len() / most])
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
        axis: task.curve.axis,
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
    let evidence = evidence(tasks);
    let families = families(&evidence);
    let all: Vec<&Evidence> = evidence.iter().collect();
    let common = learn(&all);
    let entry = |(name, family): (&String, &SourceFamily)| {
        let near = row(&family.nearness);
        let kind = table(&family.kind);
        format!("    // {name}\n    FamilyTable {{\n    kind: {kind},\n    nearness: [{near}],\n    }},\n")
    };
    format!(
        "//! The priors of the curve. Written by `bench/run learn`, do not edit.\n\
         //!\n\
         //! Learnt from all sources of `scaling-curves.csv` and `techempower-2013.csv` \
         (their origins are in the\n\
         //! README beside them), each family of sources with equal weight: see \
         `examples/scoreboard/learn.rs`.\n\n\
         use super::{{\n    collapse::Collapse,\n    prior::{{CENTRES, FamilyTable, PriorTable}},\n}};\n\n\
         /// How often curves of a new source collapse: see `examples/scoreboard/falls.rs`.\n\
         pub static COLLAPSE: Collapse = Collapse {{\n    prone: {:.3},\n    per_octave: {:.3},\n    depth: \
         {:.3},\n}};\n\n\
         /// How much of threads, replicas and nodes was measured near each of [`CENTRES`].\n\
         pub static OF_SERVERS: [f64; CENTRES.len()] = [{}];\n\n\
         /// From all curves.\n#[rustfmt::skip]\n\
         pub static COMMON: PriorTable = {};\n\n\
         /// From the curves of each family.\n#[rustfmt::skip]\n\
         pub static FAMILIES: [FamilyTable; {}] = [\n{}];\n",
        collapse.prone,
        collapse.per_octave,
        collapse.depth,
        row(&of_servers(&all)),
        table(&common),
        families.len(),
        families.iter().map(entry).collect::<String>(),
    )
}

/// Probabilities as the inside of an array.
fn row(values: &[f64]) -> String {
    let texts: Vec<String> = values.iter().map(|value| format!("{value:.6}")).collect();
    texts.join(", ")
}

/// A kind as Rust.
fn table(kind: &CurveKind) -> String {
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
