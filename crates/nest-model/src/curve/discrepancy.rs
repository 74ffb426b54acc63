//! How far observations stray from a law: noise of each, and a random walk along the octaves.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use super::series::CurveSeries;

/// Relative noise of one observation (standard deviation of its log).
pub const NOISES: [f64; 6] = [0.003, 0.01, 0.025, 0.06, 0.13, 0.3];
/// Relative drift of the true curve from the law over one octave (standard deviation of its log).
pub const DRIFTS: [f64; 6] = [0.003, 0.012, 0.035, 0.09, 0.2, 0.45];

/// The covariance of what a law leaves over, for one noise and one drift, with the level of the curve
/// unknown.
///
/// # Formula
/// `log X = level + shape(N) + W(log2 N) + e`: W a Brownian motion with `drift^2` per octave, e normal with
/// `noise^2`; the level has a flat prior, so that what counts of a shape is its differences. Recent levels
/// weigh more by themselves.
#[derive(Debug, Clone)]
pub struct Discrepancy {
    noise: f64,
    drift: f64,
    octaves: Vec<f64>, // of each level, from the highest; ascending to 0
    factor: Cholesky<f64, Dyn>,
    ones: DVector<f64>,      // C^-1 1
    precision: DMatrix<f64>, // of residuals once the level is taken out
    log_constant: f64,
}

impl Discrepancy {
    /// For the levels of a series; `None` if the covariance is singular in double precision.
    #[must_use]
    pub fn new(series: &CurveSeries, noise: f64, drift: f64) -> Option<Self> {
        let octaves: Vec<f64> = series
            .levels
            .iter()
            .map(|level| series.octaves_to(level.x))
            .collect();
        let count = octaves.len();
        let covariance = DMatrix::from_fn(count, count, |i, j| {
            let own = if i == j {
                noise * noise / series.levels[i].count
            } else {
                0.0
            };
            own + drift * drift * walk(octaves[i], octaves[j], octaves[0])
        });
        let factor = covariance.cholesky()?;
        let ones = factor.solve(&DVector::from_element(count, 1.0));
        let level_precision = ones.sum();
        let precision = factor.inverse() - &ones * ones.transpose() / level_precision;
        let log_determinant = 2.0
            * factor
                .l_dirty()
                .diagonal()
                .iter()
                .map(|pivot| pivot.ln())
                .sum::<f64>();
        // What repeats of a level differ by tells noise, and nothing else.
        let within: f64 = series.levels.iter().map(|level| level.sum_squares).sum::<f64>() / (noise * noise);
        let repeats = series.observations() - count as f64;
        let log_constant = -0.5 * (log_determinant + level_precision.ln() + within) - repeats * noise.ln();
        Some(Self {
            noise,
            drift,
            octaves,
            factor,
            ones,
            precision,
            log_constant,
        })
    }

    /// Relative noise of one observation.
    #[must_use]
    pub fn noise(&self) -> f64 {
        self.noise
    }

    /// Relative drift over one octave.
    #[must_use]
    pub fn drift(&self) -> f64 {
        self.drift
    }

    /// Log likelihood of residuals that are all equal: the most that any can have.
    #[must_use]
    pub fn most_likely(&self) -> f64 {
        self.log_constant
    }

    /// Log likelihood of residuals (one per level) up to a constant, the level integrated out.
    #[must_use]
    pub fn log_likelihood(&self, residuals: &[f64]) -> f64 {
        let count = residuals.len();
        let matrix = self.precision.as_slice();
        let mut square = 0.0;
        for (j, residual) in residuals.iter().enumerate() {
            let column = &matrix[j * count..];
            let cross: f64 = column[..j]
                .iter()
                .zip(residuals)
                .map(|(weight, other)| weight * other)
                .sum();
            square += residual * (2.0 * cross + column[j] * residual);
        }
        self.log_constant - 0.5 * square
    }

    /// Weights of the residuals in the forecast of level and walk at a place, and the variance of a new
    /// observation there.
    #[must_use]
    pub fn forecast(&self, octaves: f64) -> (Vec<f64>, f64) {
        let origin = self.octaves[0];
        let to = DVector::from_iterator(
            self.octaves.len(),
            self.octaves
                .iter()
                .map(|&at| self.drift * self.drift * walk(at, octaves, origin)),
        );
        let solved = self.factor.solve(&to);
        let (level_precision, missing) = (self.ones.sum(), 1.0 - solved.sum());
        let weights = (&solved + &self.ones * (missing / level_precision))
            .iter()
            .copied()
            .collect();
        let own = self.drift * self.drift * walk(octaves, octaves, origin);
        let variance =
            (own - to.dot(&solved)).max(0.0) + missing * missing / level_precision + self.noise * self.noise;
        (weights, variance)
    }
}

/// Covariance of a two-sided Brownian motion that is 0 at `origin`, at two places.
fn walk(a: f64, b: f64, origin: f64) -> f64 {
    let (a, b) = (a - origin, b - origin);
    0.5 * (a.abs() + b.abs() - (a - b).abs())
}
