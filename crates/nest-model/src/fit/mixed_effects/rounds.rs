//! The rounds in which the variances of windows and blocks, and the coefficients that they weigh, settle.

use nalgebra::DVector;
use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::{
    FEWEST_TO_REFUTE, FEWEST_TOGETHER, FarRows, LEAST_BETWEEN_BLOCKS, LEAST_PRIOR, LIGHT_READING,
    MOST_BLOCKS, MixedFit, NORMAL_MAD, Observations, PRIOR_BETWEEN_BLOCKS, PRIOR_REPEATS, REFUTES, ROBUST,
    ROUNDS, Variances, median,
    whitened::Whitened,
    windows::{WindowErrors, window_variances},
};

/// Fits all rows in [`ROUNDS`] rounds: each weighs the rows by the variances that the round before left, and
/// estimates the variances again from its residuals. `None` if a round cannot be solved.
pub(super) fn fit_kept(observations: &Observations, far_rows: FarRows) -> Option<(MixedFit, Variances)> {
    let rows = KeptRows::new(observations, far_rows);
    let mut weights = rows.first_weights();
    let mut errors = None;
    for _ in 0..ROUNDS {
        let (next, seen) = rows.round(&weights)?;
        (weights, errors) = (next, Some(seen));
    }
    let fit = last_fit(observations, &weights, errors?)?;
    Some((fit, weights.variances))
}

/// What a round weighs the rows by.
struct RowWeights {
    variances: Variances,
    /// Use that the coefficients give, by row.
    fitted: DVector<f64>,
    /// How far each row lies off, over the spread of all.
    distances: Vec<f64>,
}

/// What a round shows of the errors.
struct RoundErrors {
    repeats: f64,
    /// Whether blocks differ by more than the prior allows for.
    prior_is_refuted: bool,
    windows: WindowErrors,
}

/// The rows of a fit.
struct KeptRows<'a> {
    observations: &'a Observations,
    far_rows: FarRows,
    /// Whether a row is in a block of so few that its error is taken for that of its block.
    alone: Vec<bool>,
}

impl<'a> KeptRows<'a> {
    fn new(observations: &'a Observations, far_rows: FarRows) -> Self {
        let alone = observations
            .blocks
            .iter()
            .flat_map(|range| vec![range.len() < FEWEST_TOGETHER; range.len()]);
        Self {
            observations,
            far_rows,
            alone: alone.collect(),
        }
    }

    /// Errors of 2 % of a reading and 1 % of the scale, before anything is fitted.
    fn first_weights(&self) -> RowWeights {
        let Observations { used, scale, .. } = self.observations;
        RowWeights {
            variances: Variances {
                window: used
                    .iter()
                    .map(|used| (0.02 * used.abs() + 0.01 * scale).powi(2))
                    .collect(),
                tau: PRIOR_BETWEEN_BLOCKS,
            },
            fitted: used.map(f64::abs),
            distances: vec![0.0; used.len()],
        }
    }

    fn round(&self, weights: &RowWeights) -> Option<(RowWeights, RoundErrors)> {
        let Observations {
            design, used, scale, ..
        } = self.observations;
        let whitened = Whitened::new(self.observations, &weights.fitted, &self.robust(weights), true);
        let fit = whitened.fit(&self.observations.known)?;
        let residuals = used - design * &fit.coefficients;
        let fitted = design * &fit.coefficients;
        let windows = window_variances(
            self.observations,
            &fitted,
            &residuals,
            &whitened,
            &fit,
            self.far_rows,
        );
        let distances = self.distances(&residuals, &windows.variances, &fitted);
        let seen = whitened.between_steps(&fit, weights.variances.tau, *scale);
        let prior = Variances {
            window: windows.variances.clone(),
            tau: PRIOR_BETWEEN_BLOCKS,
        };
        let repeats = Whitened::new(self.observations, &fitted, &prior, false).repeats(&fit);
        let prior_is_refuted = is_refuted(seen, repeats);
        let variances = Variances {
            window: windows.variances.clone(),
            tau: if prior_is_refuted {
                seen.sqrt().min(1.0)
            } else {
                with_prior(seen, repeats)
            },
        };
        let next = RowWeights {
            variances,
            fitted,
            distances,
        };
        let errors = RoundErrors {
            repeats,
            prior_is_refuted,
            windows,
        };
        Some((next, errors))
    }

    /// The variances, with those of far rows widened if they count less.
    fn robust(&self, weights: &RowWeights) -> Variances {
        let mut window = weights.variances.window.clone();
        if self.far_rows == FarRows::CountLess {
            // What a single window is off by is its block's; it must be its own to count less.
            for (row, distance) in weights.distances.iter().enumerate() {
                let own = self
                    .error(row, &weights.variances.window, &weights.fitted)
                    .powi(2);
                window[row] += own * ((ROBUST + distance * distance) / (ROBUST + 1.0) - 1.0).max(0.0);
            }
        }
        Variances {
            window,
            tau: weights.variances.tau,
        }
    }

    fn distances(&self, residuals: &DVector<f64>, window: &[f64], fitted: &DVector<f64>) -> Vec<f64> {
        let off: Vec<f64> = (0..residuals.len())
            .map(|row| residuals[row] / self.error(row, window, fitted))
            .collect();
        let spread = NORMAL_MAD * median(off.iter().map(|off| off.abs()).collect());
        off.iter()
            .zip(&self.alone)
            .map(|(off, alone)| off / spread.max(if *alone { f64::MIN_POSITIVE } else { 1.0 }))
            .collect()
    }

    /// Standard deviation of a row's error: that of its block if it is alone there, else its own.
    fn error(&self, row: usize, window: &[f64], fitted: &DVector<f64>) -> f64 {
        if self.alone[row] {
            PRIOR_BETWEEN_BLOCKS * fitted[row] + LIGHT_READING * self.observations.scale
        } else {
            window[row].sqrt()
        }
    }
}

/// The coefficients at the variances that the last round left, with their covariance.
fn last_fit(observations: &Observations, weights: &RowWeights, errors: RoundErrors) -> Option<MixedFit> {
    let RoundErrors {
        repeats,
        prior_is_refuted,
        windows,
    } = errors;
    let (tau, scale) = (weights.variances.tau, observations.scale);
    let whitened = Whitened::new(observations, &weights.fitted, &weights.variances, true);
    let fit = whitened.fit(&observations.known)?;
    let degrees = if observations.blocks.len() > MOST_BLOCKS {
        repeats
    } else {
        whitened.degrees_of_freedom(&fit, tau, scale)
    };
    // What the prior stands for is known as well as six repeats would tell it.
    let degrees = if prior_is_refuted {
        degrees
    } else {
        (degrees + LEAST_PRIOR).max(PRIOR_REPEATS - repeats)
    };
    let (covariance, between) = whitened.covariance(&fit, &observations.known, tau, scale);
    // Satterthwaite's degrees of freedom of a sum of two variances.
    let degrees_of_freedom = (0..observations.design.ncols())
        .map(|column| {
            let (all, between) = (
                covariance[(column, column)].max(f64::MIN_POSITIVE),
                between[column],
            );
            let own = (all - between).max(0.0);
            let inverse =
                (between / all).powi(2) / degrees + (own / all).powi(2) / windows.degrees_of_freedom;
            (1.0 / inverse).clamp(3.0, 1e5)
        })
        .collect();
    Some(MixedFit {
        coefficients: fit.coefficients,
        covariance,
        between_steps: tau,
        repeats,
        prior_is_refuted,
        between_degrees: degrees,
        degrees_of_freedom,
        outliers: Vec::new(),
        residuals: windows.standardised,
    })
}

/// Whether repeats show a deviation that blocks with that of the prior hardly ever show. Then they speak for
/// themselves: what runs of a noisy machine differ by is not to be shrunk to that of a quiet one.
fn is_refuted(seen_squared: f64, repeats: f64) -> bool {
    repeats >= FEWEST_TO_REFUTE
        && ChiSquared::new(repeats).is_ok_and(|chance| {
            seen_squared * repeats > PRIOR_BETWEEN_BLOCKS.powi(2) * chance.inverse_cdf(REFUTES)
        })
}

/// The deviation between blocks, with the repeats that are missing to six, and at least two, taken from the
/// prior.
fn with_prior(seen_squared: f64, repeats: f64) -> f64 {
    let missing = (PRIOR_REPEATS - repeats).max(LEAST_PRIOR);
    ((seen_squared * repeats + missing * PRIOR_BETWEEN_BLOCKS.powi(2)) / (repeats + missing))
        .sqrt()
        .clamp(LEAST_BETWEEN_BLOCKS, 1.0)
}
