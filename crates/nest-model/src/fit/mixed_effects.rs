//! Non-negative regression on windows that share the deviation of their block, with its variances.
//!
//! A machine is not the same from one block to the next: whatever is measured within a block deviates
//! together. Windows of one block therefore tell demands apart, but only other blocks tell how far all of
//! them are off.

use std::ops::Range;

use nalgebra::{DMatrix, DVector};
use nest_data::{Estimate, estimate::quantile_of_sorted};
use statrs::distribution::{ContinuousCDF, StudentsT};

mod whitened;
mod windows;

use whitened::Whitened;
use windows::window_variances;

/// Relative deviation between blocks of the same step before enough repeats have been seen.
pub const PRIOR_BETWEEN_BLOCKS: f64 = 0.02;
/// Repeats that the prior stands for; from then on two of it are left.
pub const PRIOR_REPEATS: f64 = 6.0;
/// Repeats of the prior that always count: a handful of repeats may look alike by chance.
const LEAST_PRIOR: f64 = 2.0;
/// Least relative deviation between blocks that a handful of them can show.
const LEAST_BETWEEN_BLOCKS: f64 = 1e-3;
/// Rounds of fitting and re-weighting; the weights settle in three.
const ROUNDS: usize = 6;
/// Visits above which the deviation between them is known well enough.
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

/// What is regressed: the use of one resource in windows.
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
    /// What is known of a coefficient beforehand: its column, mean and standard deviation.
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
    /// Visits beyond what the coefficients take: how well that deviation is known.
    pub repeats: f64,
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
/// `a s^2 + b mu^2 + c mu s / T` (s the scale, T the length relative to the mean one), stretched by
/// `(1 + r) / (1 - r)` where neighbours are alike (lag-1 correlation r); that of `u_v` is `tau^2`, by the
/// method of moments. While fewer than six repeats have been seen, the missing ones are taken from the prior
/// of 2 %, two of which always count. The weights also hold an error of `0.35 tau s` that a block has in
/// common, so that light blocks do not decide (blocks without any load are spared); the covariance is that of
/// these weights (a sandwich). Windows beyond five standard deviations are left out.
///
/// Sources: Rao, "MINQUE theory and its relation to ML and MML estimation", Sankhya B 41, 1979 (the method of
/// moments); White, "A heteroskedasticity-consistent covariance matrix estimator", Econometrica 48(4), 1980
/// (the sandwich); Satterthwaite, "An approximate distribution of estimates of variance components",
/// Biometrics Bulletin 2(6), 1946.
///
/// `None` where the columns are dependent or numbers are not finite.
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
    /// The same with some of the rows, in ascending order.
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
            known: self.known.clone(),
        }
    }
}

/// Windows whose residual is far beyond all others. Where a block has three windows or more, their median is
/// its own.
fn outliers(observations: &Observations, fit: &MixedFit, variances: &Variances) -> Vec<usize> {
    let fitted = &observations.design * &fit.coefficients;
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
        &|row| variances.window[row].sqrt(),
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

/// How much a row counts that lies far off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FarRows {
    /// As much as its variance says.
    CountInFull,
    /// Less, by the weights of a t distribution.
    CountLess,
}

/// Fits all rows in [`ROUNDS`] rounds: each weighs the rows by the variances that the round before left, and
/// estimates the variances again from its residuals. `None` if a round cannot be solved.
fn fit_kept(observations: &Observations, far_rows: FarRows) -> Option<(MixedFit, Variances)> {
    let Observations {
        design, used, scale, ..
    } = observations;
    let rows = used.len();
    let mut variances = Variances {
        window: used
            .iter()
            .map(|used| (0.02 * used.abs() + 0.01 * scale).powi(2))
            .collect(),
        tau: PRIOR_BETWEEN_BLOCKS,
    };
    let mut fitted = used.map(f64::abs);
    let mut distances = vec![0.0; rows];
    let alone: Vec<bool> = observations
        .blocks
        .iter()
        .flat_map(|range| vec![range.len() < FEWEST_TOGETHER; range.len()])
        .collect();
    let error_of = |row: usize, window: &[f64], fitted: &DVector<f64>| {
        if alone[row] {
            PRIOR_BETWEEN_BLOCKS * fitted[row] + LIGHT_READING * scale
        } else {
            window[row].sqrt()
        }
    };
    let mut solved = None;
    for _ in 0..ROUNDS {
        let mut weighted_by = Variances {
            window: variances.window.clone(),
            tau: variances.tau,
        };
        if far_rows == FarRows::CountLess {
            // What a single window is off by is its block's; it must be its own to count less.
            for (row, distance) in distances.iter().enumerate() {
                let own = error_of(row, &variances.window, &fitted).powi(2);
                weighted_by.window[row] +=
                    own * ((ROBUST + distance * distance) / (ROBUST + 1.0) - 1.0).max(0.0);
            }
        }
        let whitened = Whitened::new(observations, &fitted, &weighted_by, true);
        let fit = whitened.fit(&observations.known)?;
        let residuals = used - design * &fit.coefficients;
        fitted = design * &fit.coefficients;
        let windows = window_variances(observations, &fitted, &residuals, &whitened, &fit, far_rows);
        let off: Vec<f64> = (0..rows)
            .map(|row| residuals[row] / error_of(row, &windows.variances, &fitted))
            .collect();
        let spread = NORMAL_MAD * median(off.iter().map(|off| off.abs()).collect());
        distances = off
            .iter()
            .zip(&alone)
            .map(|(off, alone)| off / spread.max(if *alone { f64::MIN_POSITIVE } else { 1.0 }))
            .collect();
        let seen = whitened.between_steps(&fit, variances.tau, *scale);
        let prior = Variances {
            window: windows.variances.clone(),
            tau: PRIOR_BETWEEN_BLOCKS,
        };
        let repeats = Whitened::new(observations, &fitted, &prior, false).repeats(&fit);
        variances = Variances {
            window: windows.variances.clone(),
            tau: with_prior(seen, repeats),
        };
        solved = Some((fit, repeats, windows));
    }
    let (_, repeats, windows) = solved?;
    let whitened = Whitened::new(observations, &fitted, &variances, true);
    let fit = whitened.fit(&observations.known)?;
    let degrees = if observations.blocks.len() > MOST_BLOCKS {
        repeats
    } else {
        whitened.degrees_of_freedom(&fit, variances.tau, *scale)
    };
    // What the prior stands for is known as well as six repeats would tell it.
    let degrees = (degrees + LEAST_PRIOR).max(PRIOR_REPEATS - repeats);
    let (covariance, between) = whitened.covariance(&fit, &observations.known, variances.tau, *scale);
    let degrees_of_freedom = (0..design.ncols())
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
    let fit = MixedFit {
        coefficients: fit.coefficients,
        covariance,
        between_steps: variances.tau,
        repeats,
        between_degrees: degrees,
        degrees_of_freedom,
        outliers: Vec::new(),
        residuals: windows.standardised,
    };
    Some((fit, variances))
}

/// The deviation between blocks, with the repeats that are missing to six, and at least two, taken from the
/// prior.
fn with_prior(seen_squared: f64, repeats: f64) -> f64 {
    let missing = (PRIOR_REPEATS - repeats).max(LEAST_PRIOR);
    ((seen_squared * repeats + missing * PRIOR_BETWEEN_BLOCKS.powi(2)) / (repeats + missing))
        .sqrt()
        .clamp(LEAST_BETWEEN_BLOCKS, 1.0)
}
