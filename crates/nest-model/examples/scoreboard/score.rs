//! How near forecasts came: errors, coverage and interval scores, each source with equal weight.

use std::collections::BTreeMap;

use nest_model::curve::{CurveForecast, CurveSeries, Group, fit_curve};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{baselines::METHODS, parallel::mapped, task::Task};

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

    /// Mean interval score of a 90 % interval, in units of what was observed.
    /// Source: Gneiting, Raftery, "Strictly Proper Scoring Rules", JASA 102, 2007, section 6.2.
    pub fn interval_score(&self, (low, high): (f64, f64)) -> f64 {
        let of = |value: f64| {
            ((high - low) + 20.0 * (low - value).max(0.0) + 20.0 * (value - high).max(0.0)) / value
        };
        self.observed.iter().map(|value| of(*value)).sum::<f64>() / self.observed.len() as f64
    }
}

/// Scores of all tasks.
pub fn scores(tasks: &[Task]) -> Vec<Score> {
    let of = |task: &Task| {
        fit_curve(&task.prefix, task.curve.axis).map_or(Vec::new(), |curve| score(task, |x| curve.at(x)))
    };
    mapped(tasks, of).concat()
}

/// Scores of all tasks without a forecast of ours.
pub fn scores_of_methods(tasks: &[Task]) -> Vec<Score> {
    mapped(tasks, |task| {
        score(task, |_| CurveForecast {
            p05: f64::NAN,
            p50: f64::NAN,
            p95: f64::NAN,
        })
    })
    .concat()
}

fn score(task: &Task, ours: impl Fn(f64) -> CurveForecast) -> Vec<Score> {
    let Ok(series) = CurveSeries::new(&task.prefix) else {
        return Vec::new();
    };
    let fitted: Vec<_> = METHODS.iter().map(|(_, fit)| fit(&task.prefix)).collect();
    let of = |target: &crate::task::Target| {
        let mut observed = target.observed.clone();
        observed.sort_by(f64::total_cmp);
        Score {
            source: task.curve.source.clone(),
            group: Group::of(&series),
            horizon: target.horizon,
            observed,
            ours: ours(target.x),
            theirs: fitted
                .iter()
                .map(|fitted| fitted.as_ref().map(|fitted| fitted(target.x)))
                .collect(),
        }
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

/// Log of what was observed over a method's forecast, below which and above which a twentieth lay in the
/// tuning half: the conformal interval of a method without one, by horizon and group where that has 30
/// scores, else by horizon.
pub struct Conformal {
    by: BTreeMap<(usize, u32, Option<Group>), (f64, f64)>,
}

impl Conformal {
    /// From the scores of the tuning half.
    pub fn new(tuning: &[Score]) -> Self {
        let mut by = BTreeMap::new();
        for method in 0..METHODS.len() {
            for horizon in [2, 4, 8] {
                for group in [
                    None,
                    Some(Group::Falling),
                    Some(Group::Flat),
                    Some(Group::Bending),
                    Some(Group::Growing),
                ] {
                    let of: Vec<&Score> = tuning
                        .iter()
                        .filter(|score| {
                            score.horizon == horizon && group.is_none_or(|group| group == score.group)
                        })
                        .collect();
                    if group.is_none() || of.len() >= 30 {
                        let logs = || {
                            let log = |score: &&Score| {
                                score
                                    .point(Some(method))
                                    .map_or(0.0, |point| (score.truth() / point).ln())
                            };
                            of.iter().map(log).zip(weights(&of))
                        };
                        by.insert(
                            (method, horizon, group),
                            (quantile(logs(), 0.05), quantile(logs(), 0.95)),
                        );
                    }
                }
            }
        }
        Self { by }
    }

    /// The 90 % interval of a method's forecast.
    pub fn interval(&self, score: &Score, method: usize) -> (f64, f64) {
        let found = self
            .by
            .get(&(method, score.horizon, Some(score.group)))
            .or_else(|| self.by.get(&(method, score.horizon, None)));
        let (low, high) = found.copied().unwrap_or((0.0, 0.0));
        let point = score.point(Some(method)).unwrap_or(score.truth());
        (point * low.exp(), point * high.exp())
    }
}
