//! The posterior over laws and discrepancies on the grid, and what it forecasts.

use super::{
    CurveRefusal,
    discrepancy::{DRIFTS, Discrepancy, NOISES},
    predictive::Predictive,
    prior::Prior,
    series::Series,
    shape::{COHERENCIES, KNEES, SHARPNESSES, Shape, grid},
};

/// Weight, relative to the largest, below which a node is left out of forecasts.
const NEGLIGIBLE: f64 = 1e-6;

/// The posterior of a series.
#[derive(Debug, Clone)]
pub struct Posterior {
    shapes: Vec<Shape>,
    residuals: Vec<Vec<f64>>,       // by kept shape, then level
    discrepancies: Vec<Discrepancy>, // that are kept
    weights: Vec<Vec<f64>>,         // by kept discrepancy, then kept shape; sum 1
}

/// Weights of the whole grid, before anything is left out.
pub struct GridWeights {
    /// By (noise, drift), then shape; sum 1.
    pub weights: Vec<Vec<f64>>,
}

fn octaves_of(series: &Series, last: f64) -> Vec<f64> {
    series.levels.iter().map(|level| (level.x / last).log2()).collect()
}

/// Posterior weights of every node, for shapes relative to level `last`.
pub fn grid_weights(series: &Series, last: f64, prior: &Prior) -> Option<(GridWeights, Vec<Option<Discrepancy>>, Vec<Vec<f64>>)> {
    let octaves = octaves_of(series, last);
    let residuals: Vec<Vec<f64>> = grid()
        .iter()
        .map(|shape| octaves.iter().zip(&series.levels).map(|(&at, level)| level.mean_log - shape.log_throughput(at)).collect())
        .collect();
    let mut discrepancies = Vec::new();
    let mut logs: Vec<Vec<f64>> = Vec::new();
    let log_prior_shape: Vec<f64> = (0..residuals.len())
        .map(|node| {
            let (coherency, rest) = (node % COHERENCIES.len(), node / COHERENCIES.len());
            let (sharpness, knee) = (rest % SHARPNESSES.len(), rest / SHARPNESSES.len());
            (prior.tail[knee * COHERENCIES.len() + coherency] * prior.sharpness[sharpness]).ln()
        })
        .collect();
    let _ = KNEES;
    for (index, weight) in prior.discrepancy.iter().enumerate() {
        let found = Discrepancy::new(series, NOISES[index / DRIFTS.len()], DRIFTS[index % DRIFTS.len()]);
        logs.push(match &found {
            Some(found) => residuals.iter().zip(&log_prior_shape).map(|(one, log)| found.log_likelihood(one) + log + weight.ln()).collect(),
            None => vec![f64::NEG_INFINITY; residuals.len()],
        });
        discrepancies.push(found);
    }
    let most = logs.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    if !most.is_finite() {
        return None;
    }
    let mut weights = logs;
    weights.iter_mut().flatten().for_each(|log| *log = (*log - most).exp());
    let total: f64 = weights.iter().flatten().sum();
    weights.iter_mut().flatten().for_each(|weight| *weight /= total);
    Some((GridWeights { weights }, discrepancies, residuals))
}

impl Posterior {
    /// Fits a series.
    ///
    /// # Errors
    /// Where no node has a finite likelihood.
    pub fn new(series: &Series, prior: &Prior) -> Result<Self, CurveRefusal> {
        let (GridWeights { weights }, discrepancies, residuals) = grid_weights(series, series.last().x, prior).ok_or(CurveRefusal::NoLaw)?;
        let most = weights.iter().flatten().copied().fold(0.0, f64::max);
        let nodes: Vec<usize> =
            (0..residuals.len()).filter(|&node| weights.iter().any(|of| of[node] > NEGLIGIBLE * most)).collect();
        let shapes = grid();
        let mut kept = Self {
            shapes: nodes.iter().map(|&node| shapes[node]).collect(),
            residuals: nodes.iter().map(|&node| residuals[node].clone()).collect(),
            discrepancies: Vec::new(),
            weights: Vec::new(),
        };
        for (discrepancy, of) in discrepancies.into_iter().zip(&weights) {
            if let Some(discrepancy) = discrepancy
                && of.iter().any(|weight| *weight > NEGLIGIBLE * most)
            {
                kept.discrepancies.push(discrepancy);
                kept.weights.push(nodes.iter().map(|&node| of[node]).collect());
            }
        }
        Ok(kept)
    }

    /// The distribution of the log of a new observation, at a place in octaves from the highest level.
    #[must_use]
    pub fn forecast(&self, octaves: f64) -> Predictive {
        let shapes: Vec<f64> = self.shapes.iter().map(|shape| shape.log_throughput(octaves)).collect();
        let mut predictive = Predictive::default();
        for (discrepancy, weights) in self.discrepancies.iter().zip(&self.weights) {
            let (of_level, variance) = discrepancy.forecast(octaves);
            let means = shapes.iter().zip(&self.residuals).map(|(shape, residuals)| {
                shape + of_level.iter().zip(residuals).map(|(weight, residual)| weight * residual).sum::<f64>()
            });
            predictive.add(means.zip(weights.iter().copied()), variance);
        }
        predictive
    }
}
