//! Non-negative regression on windows that share the deviation of their block, with its variances.
//!
//! A machine is not the same from one block to the next: whatever is measured within a block deviates
//! together. Windows of one block therefore tell demands apart, but only other blocks tell how far all of
//! them are off.

use std::ops::Range;

use nalgebra::{DMatrix, DVector};
use nest_data::{Estimate, estimate::quantile_of_sorted};
use statrs::distribution::{ContinuousCDF, StudentsT};

mod chance;
mod rounds;
mod whitened;
mod windows;

use chance::chance_in_executions;
use rounds::fit_kept;

/// Relative deviation between blocks of the same step before enough repeats have been seen.
pub const PRIOR_BETWEEN_BLOCKS: f64 = 0.02;
/// Repeats that the prior stands for; from then on two of it are left.
pub const PRIOR_REPEATS: f64 = 6.0;
/// Repeats of the prior that always count: a handful of repeats may look alike by chance.
const LEAST_PRIOR: f64 = 2.0;
/// Repeats from which on they can refute the prior.
const FEWEST_TO_REFUTE: f64 = 3.0;
/// Quantile of what repeats show by chance with the deviation of the prior, beyond which they refute it.
const REFUTES: f64 = 0.99;
/// Least relative deviation between blocks that a handful of them can show.
const LEAST_BETWEEN_BLOCKS: f64 = 1e-3;
/// Rounds of fitting and re-weighting; the weights settle in three.
const ROUNDS: usize = 6;
/// Blocks above which the deviation between them is known well enough.
const MOST_BLOCKS: usize = 200;
/// Standard deviations from which on a window is something else: of 10,000 normal ones, none lies there.
const OUTLIER: f64 = 5.0;
/// Windows from which on a block shows which of its windows is unlike the others.
const FEWEST_TOGETHER: usize = 3;
/// Share of the scale that single windows of a light block may lie off without being something else.
const LIGHT_READING: f64 = 0.01;
/// Largest share of the windows that may be left out as outliers.
const MOST_OUTLIERS: f64 = 0.2;
/// Degrees of freedom of the t distribution whose weights find outliers (`docs/method/demand.md`,
/// "Outliers").
const ROBUST: f64 = 4.0;
/// Standard deviation over the median of absolute values, of a normal distribution.
const NORMAL_MAD: f64 = 1.4826;
/// Upper tail probability of the 90 % interval.
const UPPER: f64 = 0.95;

/// The use of one resource in windows, as it is regressed.
#[derive(Debug, Clone, PartialEq)]
pub struct Observations {
    /// One row per window: a 1 for idle use, then what drives the use.
    pub design: DMatrix<f64>,
    /// Use per second, one per window.
    pub used: DVector<f64>,
    /// Length of each window in seconds, above 0.
    pub seconds: Vec<f64>,
    /// The rows of each block, in order and without gaps.
    pub blocks: Vec<Range<usize>>,
    /// Whether a block counts less; one per block.
    pub suspect: Vec<bool>,
    /// Capacity or largest use: what errors that do not scale with use are a share of. Above 0.
    pub scale: f64,
    /// Columns after the first that are rates of executions.
    pub behaviours: usize,
    /// Priors of coefficients: column, mean and standard deviation.
    pub known: Vec<(usize, f64, f64)>,
}

/// Coefficients with their uncertainty.
#[derive(Debug, Clone, PartialEq)]
pub struct MixedFit {
    /// One per column, 0 or more.
    pub coefficients: DVector<f64>,
    /// Their covariance.
    pub covariance: DMatrix<f64>,
    /// Relative standard deviation between blocks.
    pub between_steps: f64,
    /// Blocks beyond those that the coefficients take: how well that deviation is known.
    pub repeats: f64,
    /// Whether blocks differ by so much that the prior of that deviation is left out.
    pub prior_is_refuted: bool,
    /// Degrees of freedom of that deviation: what repeats show of it, or what the prior stands for.
    pub between_degrees: f64,
    /// Degrees of freedom of each coefficient's error.
    pub degrees_of_freedom: Vec<f64>,
    /// Rows that were left out: they are too far from all others.
    pub outliers: Vec<usize>,
    /// Standardised deviation of each window from its block; about one in size.
    pub residuals: Vec<f64>,
}

impl MixedFit {
    /// A coefficient with its 90 % interval (Student's t), cut off at 0.
    #[must_use]
    pub fn estimate(&self, column: usize) -> Estimate {
        let (value, error) = (
            self.coefficients[column],
            self.covariance[(column, column)].max(0.0).sqrt(),
        );
        let t = upper_t(self.degrees_of_freedom[column]);
        Estimate {
            value,
            standard_error: error,
            low: (value - t * error).max(0.0),
            high: value + t * error,
        }
    }
}

/// 95 % quantile of Student's t.
#[must_use]
pub fn upper_t(degrees_of_freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, degrees_of_freedom).map_or(crate::draws::Z90, |t| t.inverse_cdf(UPPER))
}

/// Fits non-negative coefficients to windows.
///
/// # Formula
/// `y_vw = mu_vw (1 + u_v) + e_vw`, `mu = X b`, `b >= 0`. The variance of a window's error is
/// `a s^2 + b mu^2 + c sum_j rate_j b_j^2 / T` (s the scale, T the length), stretched by
/// `(1 + r) / (1 - r)` if neighbours are alike (lag-1 correlation r); that of `u_v` is `tau^2`, by the method
/// of moments. While fewer than six repeats have been seen, the missing ones are taken from the prior of 2 %,
/// two of which always count. Three repeats or more that differ by more than 99 % of such would (chi-squared)
/// count alone. The weights also hold an error of `0.35 tau s` that a block has in common, so
/// that light blocks do not decide (blocks without any load are spared); the covariance is that of these
/// weights (a sandwich). Windows beyond five standard deviations are left out.
///
/// Sources: Rao, "MINQUE theory and its relation to ML and MML estimation", Sankhya B 41, 1979 (the method of
/// moments); White, "A heteroskedasticity-consistent covariance matrix estimator", Econometrica 48(4), 1980
/// (the sandwich); Satterthwaite, "An approximate distribution of estimates of variance components",
/// Biometrics Bulletin 2(6), 1946.
///
/// `None` if the columns are dependent or numbers are not finite.
#[must_use]
pub fn fit_mixed(observations: &Observations) -> Option<MixedFit> {
    let everything = fit_kept(observations, FarRows::CountLess)?;
    let outliers = outliers(observations, &everything.0, &everything.1);
    if outliers.is_empty() {
        return fit_kept(observations, FarRows::CountInFull).map(|(fit, _)| fit);
    }
    let kept: Vec<usize> = (0..observations.used.len())
        .filter(|row| !outliers.contains(row))
        .collect();
    // Without them the columns may be dependent; then all windows are needed.
    let Some((mut fit, _)) = fit_kept(&observations.only(&kept), FarRows::CountInFull) else {
        return fit_kept(observations, FarRows::CountInFull).map(|(fit, _)| fit);
    };
    fit.outliers = outliers;
    Some(fit)
}

impl Observations {
    /// The observations of some rows, which are given in ascending order.
    #[must_use]
    pub fn only(&self, rows: &[usize]) -> Self {
        let mut blocks = Vec::new();
        let mut suspect = Vec::new();
        let mut start = 0;
        for (block, range) in self.blocks.iter().enumerate() {
            let end = start + rows.iter().filter(|row| range.contains(row)).count();
            if end > start {
                blocks.push(start..end);
                suspect.push(self.suspect[block]);
            }
            start = end;
        }
        Self {
            design: self.design.select_rows(rows),
            used: DVector::from_iterator(rows.len(), rows.iter().map(|row| self.used[*row])),
            seconds: rows.iter().map(|row| self.seconds[*row]).collect(),
            blocks,
            suspect,
            scale: self.scale,
            behaviours: self.behaviours,
            known: self.known.clone(),
        }
    }
}

/// Windows whose residual is far beyond all others, and beyond what chance makes of few executions. Where a
/// block has three windows or more, their median is its own.
fn outliers(observations: &Observations, fit: &MixedFit, variances: &Variances) -> Vec<usize> {
    let fitted = &observations.design * &fit.coefficients;
    let chance = chance_in_executions(observations, &fit.coefficients);
    let far = |groups: &dyn Fn(usize) -> bool, shape: &dyn Fn(usize) -> f64, least: f64| {
        let mut found: Vec<(usize, f64)> = Vec::new();
        for range in observations.blocks.iter().filter(|range| groups(range.len())) {
            let residuals: Vec<f64> = range
                .clone()
                .map(|row| observations.used[row] - fitted[row])
                .collect();
            let middle = if range.len() >= FEWEST_TOGETHER {
                median(residuals.clone())
            } else {
                0.0
            };
            found.extend(
                range
                    .clone()
                    .zip(residuals)
                    .map(|(row, residual)| (row, (residual - middle) / shape(row))),
            );
        }
        let spread = NORMAL_MAD * median(found.iter().map(|(_, residual)| residual.abs()).collect());
        let limit = OUTLIER * spread.max(least);
        found
            .into_iter()
            .filter(|(_, residual)| residual.abs() > limit)
            .map(|(row, _)| row)
            .collect::<Vec<_>>()
    };
    let mut rows = far(
        &|windows| windows >= FEWEST_TOGETHER,
        &|row| variances.window[row].max(chance[row]).sqrt(),
        1.0,
    );
    // A block of one or two windows is judged by all blocks; there must be enough of them for that.
    if observations
        .blocks
        .iter()
        .filter(|range| range.len() < FEWEST_TOGETHER)
        .count()
        >= observations.design.ncols() + PRIOR_REPEATS as usize
    {
        let shape = |row: usize| PRIOR_BETWEEN_BLOCKS * fitted[row] + LIGHT_READING * observations.scale;
        rows.extend(far(
            &|windows| windows < FEWEST_TOGETHER,
            &shape,
            LEAST_BETWEEN_BLOCKS / PRIOR_BETWEEN_BLOCKS,
        ));
    }
    rows.sort_unstable();
    if rows.len() as f64 > MOST_OUTLIERS * observations.used.len() as f64 {
        Vec::new()
    } else {
        rows
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    quantile_of_sorted(&values, 0.5).unwrap_or(0.0)
}

/// Variances of one round: of each window's own error, and the relative deviation between blocks.
struct Variances {
    window: Vec<f64>,
    tau: f64,
}

/// The weight of a row that lies far off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FarRows {
    /// As much as its variance says.
    CountInFull,
    /// Less, by the weights of a t distribution.
    CountLess,
}
