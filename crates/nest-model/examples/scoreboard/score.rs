//! How near forecasts came: errors, coverage and interval scores, each source with equal weight.

use std::collections::{BTreeMap, BTreeSet};

use nest_model::curve::{CurveForecast, CurveSeries, Group, fit_curve_with};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    baselines::METHODS,
    corpus::family,
    learn::LeftOut,
    parallel::mapped,
    task::{Target, Task},
};

/// Error that a method without a forecast is charged: it promised nothing.
const NO_FORECAST: f64 = 9.0;
/// Resamples of a bootstrap over sources.
const RESAMPLES: usize = 2000;

/// Forecasts for one level of one task, and what was observed there.
#[derive(Debug, Clone)]
pub struct Score {
    pub source: String,
    pub group: Group,
    pub horizon: u32,
    /// Ascending.
    pub observed: Vec<f64>,
    pub ours: CurveForecast,
    /// One for each of [`METHODS`].
    pub theirs: Vec<Option<f64>>,
}

impl Score {
    /// The middle observation.
    pub fn truth(&self) -> f64 {
        self.observed[self.observed.len() / 2]
    }

    /// Point forecast of a method; `None` is ours.
    pub fn point(&self, method: Option<usize>) -> Option<f64> {
        method
            .map_or(Some(self.ours.p50), |method| self.theirs[method])
            .filter(|value| value.is_finite() && *value > 0.0)
    }

    /// Relative error of a method.
    pub fn error(&self, method: Option<usize>) -> f64 {
        self.point(method)
            .map_or(NO_FORECAST, |value| (value / self.truth() - 1.0).abs())
    }

    /// Share of observations inside an interval.
    pub fn covered(&self, (low, high): (f64, f64)) -> f64 {
        self.observed
            .iter()
            .filter(|value| (low..=high).contains(value))
            .count() as f64
            / self.observed.len() as f64
    }

    /// Share of observations below an interval.
    pub fn below(&self, low: f64) -> f64 {
        self.observed.iter().filter(|value| **value < low).count() as f64 / self.observed.len() as f64
    }

    /// Mean interval score of a 90 % interval, on the natural log of throughput.
    /// Source: Gneiting, Raftery, "Strictly Proper Scoring Rules", JASA 102, 2007, section 6.2.
    pub fn interval_score(&self, (low, high): (f64, f64)) -> f64 {
        let (low, high) = (low.ln(), high.ln());
        let of = |value: f64| (high - low) + 20.0 * (low - value).max(0.0) + 20.0 * (value - high).max(0.0);
        self.observed.iter().map(|value| of(value.ln())).sum::<f64>() / self.observed.len() as f64
    }
}

/// Scores of all tasks, each forecast by the prior that was learnt without its family of sources.
pub fn scores(tasks: &[Task], priors: &LeftOut) -> Vec<Score> {
    let of = |task: &Task| {
        fit_curve_with(&task.prefix, task.curve.axis, &priors[task.curve.family()])
            .map_or(Vec::new(), |curve| score(task, |x| curve.at(x)))
    };
    mapped(tasks, of).concat()
}

fn score(task: &Task, ours: impl Fn(f64) -> CurveForecast) -> Vec<Score> {
    let Ok(series) = CurveSeries::new(&task.prefix) else {
        return Vec::new();
    };
    let fitted: Vec<_> = METHODS.iter().map(|(_, fit)| fit(&task.prefix)).collect();
    let of = |target: &Target| Score {
        source: task.curve.source.clone(),
        group: Group::of(&series),
        horizon: target.horizon,
        observed: target.observed.clone(),
        ours: ours(target.x),
        theirs: fitted
            .iter()
            .map(|fitted| fitted.as_ref().map(|fitted| fitted(target.x)))
            .collect(),
    };
    task.targets.iter().map(of).collect()
}

/// A weighted quantile: the least value that holds a share of the weight.
pub fn quantile(values: impl Iterator<Item = (f64, f64)>, share: f64) -> f64 {
    let mut values: Vec<(f64, f64)> = values.collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let wanted = share * values.iter().map(|value| value.1).sum::<f64>();
    let mut reached = 0.0;
    let found = values.iter().find(|value| {
        reached += value.1;
        reached >= wanted - 1e-12
    });
    found.or(values.last()).map_or(f64::NAN, |value| value.0)
}

/// Weight of each score, so that sources weigh alike; the sum is 1.
pub fn weights(scores: &[&Score]) -> Vec<f64> {
    let mut count: BTreeMap<&str, f64> = BTreeMap::new();
    scores
        .iter()
        .for_each(|score| *count.entry(&score.source).or_default() += 1.0);
    scores
        .iter()
        .map(|score| 1.0 / (count[score.source.as_str()] * count.len() as f64))
        .collect()
}

/// Mean of a figure, sources weighing alike.
pub fn mean(scores: &[&Score], of: impl Fn(&Score) -> f64) -> f64 {
    scores
        .iter()
        .zip(weights(scores))
        .map(|(score, weight)| weight * of(score))
        .sum()
}

/// Quantile of a method's error over all scores, sources weighing alike.
pub fn error_quantile(scores: &[&Score], method: Option<usize>, share: f64) -> f64 {
    quantile(
        scores
            .iter()
            .map(|score| score.error(method))
            .zip(weights(scores)),
        share,
    )
}

/// Median error of a method by source.
pub fn medians(scores: &[&Score], method: Option<usize>) -> BTreeMap<String, f64> {
    let mut sources: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    scores.iter().for_each(|score| {
        sources
            .entry(score.source.clone())
            .or_default()
            .push(score.error(method))
    });
    sources
        .into_iter()
        .map(|(source, errors)| {
            (
                source,
                quantile(errors.into_iter().map(|error| (error, 1.0)), 0.5),
            )
        })
        .collect()
}

/// Mean over the sources of their median errors.
pub fn mean_of_medians(scores: &[&Score], method: Option<usize>) -> f64 {
    let medians = medians(scores, method);
    medians.values().sum::<f64>() / medians.len() as f64
}

/// Share of resamples of the sources in which the mean of our medians is above that of a method.
pub fn probability_worse(scores: &[&Score], method: usize) -> f64 {
    let (ours, theirs) = (medians(scores, None), medians(scores, Some(method)));
    let differences: Vec<f64> = ours
        .iter()
        .map(|(source, median)| median - theirs[source])
        .collect();
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let resample = |_| {
        (0..differences.len())
            .map(|_| differences[random.random_range(0..differences.len())])
            .sum::<f64>()
            > 0.0
    };
    (0..RESAMPLES).map(resample).filter(|worse| *worse).count() as f64 / RESAMPLES as f64
}

/// Share of resamples that lie outside a bootstrap interval, on each side.
const OUTSIDE: f64 = 0.025;

/// Bootstrap over sources: 95 % intervals of the share of observations inside, over all forecasts and with
/// equal weight a source.
pub fn cluster_bootstrap(scores: &[&Score], inside: impl Fn(&Score) -> f64) -> [(f64, f64); 2] {
    let mut sources: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for score in scores {
        let of = sources.entry(&score.source).or_default();
        *of = (of.0 + inside(score), of.1 + 1.0);
    }
    let counts: Vec<(f64, f64)> = sources.into_values().collect();
    let mut random = ChaCha8Rng::seed_from_u64(16);
    let mut shares = [Vec::new(), Vec::new()];
    for _ in 0..RESAMPLES {
        let resample: Vec<(f64, f64)> = counts
            .iter()
            .map(|_| counts[random.random_range(0..counts.len())])
            .collect();
        let (inside, all) = resample
            .iter()
            .fold((0.0, 0.0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
        shares[0].push(inside / all);
        shares[1].push(resample.iter().map(|of| of.0 / of.1).sum::<f64>() / resample.len() as f64);
    }
    shares.map(|shares| {
        let at = |share: f64| quantile(shares.iter().map(|value| (*value, 1.0)), share);
        (at(OUTSIDE), at(1.0 - OUTSIDE))
    })
}

/// Scores of one group below which it has no conformal interval of its own.
const FEW: usize = 30;
/// Groups with a conformal interval of their own, and all together.
const GROUPS: [Option<Group>; 5] = [
    None,
    Some(Group::Falling),
    Some(Group::Flat),
    Some(Group::Bending),
    Some(Group::Growing),
];

/// Family of sources, method, horizon, group.
type ConformalKey<'a> = (&'a str, Option<usize>, u32, Option<Group>);

/// Log of what was observed over a point forecast, below which and above which a twentieth lay in the
/// sources that are no relatives of the one that is judged: a conformal interval of the curve's median
/// (`None`) and of each method, by horizon and group where that has 30 scores, else by horizon.
pub struct Conformal<'a> {
    by: BTreeMap<ConformalKey<'a>, (f64, f64)>,
}

impl<'a> Conformal<'a> {
    /// For each family of sources, from the scores of the others.
    pub fn new(scores: &'a [Score]) -> Self {
        let mut by = BTreeMap::new();
        let families: BTreeSet<&str> = scores.iter().map(|score| family(&score.source)).collect();
        for left in families {
            for (horizon, group) in [2, 4, 8]
                .into_iter()
                .flat_map(|horizon| GROUPS.map(|group| (horizon, group)))
            {
                let of: Vec<&Score> = scores
                    .iter()
                    .filter(|score| {
                        score.horizon == horizon && group.is_none_or(|group| group == score.group)
                    })
                    .filter(|score| family(&score.source) != left)
                    .collect();
                if of.is_empty() || (group.is_some() && of.len() < FEW) {
                    continue;
                }
                for method in methods() {
                    by.insert((left, method, horizon, group), off(&of, method));
                }
            }
        }
        Self { by }
    }

    /// The 90 % interval of a method's forecast.
    pub fn interval(&self, score: &'a Score, method: Option<usize>) -> (f64, f64) {
        let of = |group| {
            self.by
                .get(&(family(&score.source), method, score.horizon, group))
        };
        let (low, high) = of(Some(score.group))
            .or_else(|| of(None))
            .copied()
            .unwrap_or((0.0, 0.0));
        let point = score.point(method).unwrap_or(score.truth());
        (point * low.exp(), point * high.exp())
    }
}

/// The curve (`None`) and every other method.
pub fn methods() -> impl Iterator<Item = Option<usize>> {
    std::iter::once(None).chain((0..METHODS.len()).map(Some))
}

/// The twentieth and the last but one twentieth of the log of what was observed over a method's forecast.
fn off(scores: &[&Score], method: Option<usize>) -> (f64, f64) {
    let log = |score: &&Score| {
        score
            .point(method)
            .map_or(0.0, |point| (score.truth() / point).ln())
    };
    let logs = || scores.iter().map(log).zip(weights(scores));
    (quantile(logs(), 0.05), quantile(logs(), 0.95))
}
