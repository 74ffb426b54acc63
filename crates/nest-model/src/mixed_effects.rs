//! Non-negative regression on windows that share the deviation of their visit, with its variances.
//!
//! A machine is not the same from one visit to the next: whatever is measured within a visit deviates together. Windows
//! of one visit therefore tell demands apart, but only other visits tell how far all of them are off.

use std::ops::Range;

use nalgebra::{DMatrix, DVector};
use nest_data::{Estimate, estimate::quantile_of_sorted};
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::regression::{LinearFit, weighted_nnls};

/// Relative deviation between visits of the same step before enough repeats have been seen.
pub const PRIOR_BETWEEN_VISITS: f64 = 0.02;
/// Repeats that the prior stands for; from then on two of it are left.
pub const PRIOR_REPEATS: f64 = 6.0;
/// Repeats of the prior that always count: a handful of repeats may look alike by chance.
const LEAST_PRIOR: f64 = 2.0;
/// Least relative deviation between visits that a handful of them can show.
const LEAST_BETWEEN_VISITS: f64 = 1e-3;
/// Error of a visit's reading that no repeat can take away, as a share of the scale.
const READING_ERROR: f64 = 2e-4;
/// Least error of a single window, as a share of the scale; keeps exact data solvable.
const LEAST_WINDOW_ERROR: f64 = 1e-5;
/// Share of the scale that the error of a visit does not fall below: on a machine that is mostly idle, waking up costs
/// processor time of its own, so light steps say less about loaded ones than their size suggests.
const LIGHT_LOAD: f64 = 0.35;
/// A suspect visit counts with this times the standard deviation of a valid one.
const SUSPECT_FACTOR: f64 = 2.0;
/// Rounds of fitting and re-weighting; the weights settle in three.
const ROUNDS: usize = 6;
/// Visits above which the deviation between them is known well enough.
const MOST_VISITS: usize = 200;
/// Windows beyond their visits from which on three parts of their variance are told apart.
const ENOUGH_WINDOWS: usize = 24;
/// Standard deviations from which on a window is something else: of 10,000 normal ones, none lies there.
const OUTLIER: f64 = 5.0;
/// Share of the scale that single windows of a light visit may lie off without being something else.
const LIGHT_READING: f64 = 0.01;
/// Largest share of the windows that may be left out as outliers.
const MOST_OUTLIERS: f64 = 0.2;
/// Degrees of freedom of the t distribution whose weights find outliers (modelling.md 3.3).
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
    /// The rows of each visit, in order and without gaps.
    pub visits: Vec<Range<usize>>,
    /// Whether a visit counts less; one per visit.
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
    /// Relative standard deviation between visits.
    pub between_visits: f64,
    /// Visits beyond what the coefficients take: how well that deviation is known.
    pub repeats: f64,
    /// Degrees of freedom of that deviation: what repeats show of it, or what the prior stands for.
    pub between_degrees: f64,
    /// Degrees of freedom of each coefficient's error.
    pub degrees_of_freedom: Vec<f64>,
    /// Rows that were left out: they are too far from all others.
    pub outliers: Vec<usize>,
    /// Standardised deviation of each window from its visit; about one in size.
    pub residuals: Vec<f64>,
}

impl MixedFit {
    /// A coefficient with its 90 % interval (Student's t), cut off at 0.
    #[must_use]
    pub fn estimate(&self, column: usize) -> Estimate {
        let (value, error) = (self.coefficients[column], self.covariance[(column, column)].max(0.0).sqrt());
        let t = upper_t(self.degrees_of_freedom[column]);
        Estimate { value, standard_error: error, low: (value - t * error).max(0.0), high: value + t * error }
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
/// `y_vw = mu_vw (1 + u_v) + e_vw`, `mu = X b`, `b >= 0`. The variance of a window's error is `a s^2 + b mu^2 + c mu s / T`
/// (s the scale, T the length relative to the mean one), stretched by `(1 + r) / (1 - r)` where neighbours are alike (lag-1
/// correlation r); that of `u_v` is `tau^2`, by the method of moments. While fewer than six repeats have been seen, the missing
/// ones are taken from the prior of 2 %, two of which always count. The weights also hold an error of `0.35 tau s` that a visit has in common, so that
/// light visits do not decide (visits without any load are spared); the covariance is that of these weights (a sandwich).
/// Windows beyond five standard deviations are left out.
///
/// Sources: Rao, "MINQUE theory and its relation to ML and MML estimation", Sankhya B 41, 1979 (the method of moments);
/// White, "A heteroskedasticity-consistent covariance matrix estimator", Econometrica 48(4), 1980 (the sandwich);
/// Satterthwaite, "An approximate distribution of estimates of variance components", Biometrics Bulletin 2(6), 1946.
///
/// `None` where the columns are dependent or numbers are not finite.
#[must_use]
pub fn fit_mixed(observations: &Observations) -> Option<MixedFit> {
    let everything = fit_kept(observations, true)?;
    let outliers = outliers(observations, &everything.0, &everything.1);
    if outliers.is_empty() {
        return fit_kept(observations, false).map(|(fit, _)| fit);
    }
    let kept: Vec<usize> = (0..observations.used.len()).filter(|row| !outliers.contains(row)).collect();
    // Without them the columns may be dependent; then all windows are needed.
    let Some((mut fit, _)) = fit_kept(&observations.only(&kept), false) else { return fit_kept(observations, false).map(|(fit, _)| fit) };
    fit.outliers = outliers;
    Some(fit)
}

impl Observations {
    /// The same with some of the rows, in ascending order.
    #[must_use]
    pub fn only(&self, rows: &[usize]) -> Self {
        let mut visits = Vec::new();
        let mut suspect = Vec::new();
        let mut start = 0;
        for (visit, range) in self.visits.iter().enumerate() {
            let end = start + rows.iter().filter(|row| range.contains(row)).count();
            if end > start {
                visits.push(start..end);
                suspect.push(self.suspect[visit]);
            }
            start = end;
        }
        Self {
            design: self.design.select_rows(rows),
            used: DVector::from_iterator(rows.len(), rows.iter().map(|row| self.used[*row])),
            seconds: rows.iter().map(|row| self.seconds[*row]).collect(),
            visits,
            suspect,
            scale: self.scale,
            known: self.known.clone(),
        }
    }
}

/// Windows whose residual is far beyond all others. Where a visit has three windows or more, their median is its own.
fn outliers(observations: &Observations, fit: &MixedFit, variances: &Variances) -> Vec<usize> {
    let fitted = &observations.design * &fit.coefficients;
    let far = |groups: &dyn Fn(usize) -> bool, shape: &dyn Fn(usize) -> f64, least: f64| {
        let mut found: Vec<(usize, f64)> = Vec::new();
        for range in observations.visits.iter().filter(|range| groups(range.len())) {
            let residuals: Vec<f64> = range.clone().map(|row| observations.used[row] - fitted[row]).collect();
            let middle = if range.len() >= 3 { median(residuals.clone()) } else { 0.0 };
            found.extend(range.clone().zip(residuals).map(|(row, residual)| (row, (residual - middle) / shape(row))));
        }
        let spread = NORMAL_MAD * median(found.iter().map(|(_, residual)| residual.abs()).collect());
        let limit = OUTLIER * spread.max(least);
        found.into_iter().filter(|(_, residual)| residual.abs() > limit).map(|(row, _)| row).collect::<Vec<_>>()
    };
    let mut rows = far(&|windows| windows >= 3, &|row| variances.window[row].sqrt(), 1.0);
    // A visit of one or two windows is judged by all visits; there must be enough of them for that.
    if observations.visits.iter().filter(|range| range.len() < 3).count() >= observations.design.ncols() + PRIOR_REPEATS as usize {
        let shape = |row: usize| PRIOR_BETWEEN_VISITS * fitted[row] + LIGHT_READING * observations.scale;
        rows.extend(far(&|windows| windows < 3, &shape, LEAST_BETWEEN_VISITS / PRIOR_BETWEEN_VISITS));
    }
    rows.sort_unstable();
    if rows.len() as f64 > MOST_OUTLIERS * observations.used.len() as f64 { Vec::new() } else { rows }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    quantile_of_sorted(&values, 0.5).unwrap_or(0.0)
}

/// Variances of one round: of each window's own error, and the relative deviation between visits.
struct Variances {
    window: Vec<f64>,
    tau: f64,
}

/// Fits all rows; `robust` gives those that lie far off less weight.
fn fit_kept(observations: &Observations, robust: bool) -> Option<(MixedFit, Variances)> {
    let Observations { design, used, scale, .. } = observations;
    let rows = used.len();
    let mut variances = Variances {
        window: used.iter().map(|used| (0.02 * used.abs() + 0.01 * scale).powi(2)).collect(),
        tau: PRIOR_BETWEEN_VISITS,
    };
    let mut fitted = used.map(f64::abs);
    let mut distances = vec![0.0; rows];
    let mut solved = None;
    for _ in 0..ROUNDS {
        let mut weighted_by = Variances { window: variances.window.clone(), tau: variances.tau };
        if robust {
            weighted_by.window.iter_mut().zip(&distances).for_each(|(variance, distance)| *variance *= (ROBUST + distance * distance) / (ROBUST + 1.0));
        }
        let whitened = Whitened::new(observations, &fitted, &weighted_by, true);
        let fit = whitened.fit(&observations.known)?;
        let residuals = used - design * &fit.coefficients;
        fitted = design * &fit.coefficients;
        let windows = window_variances(observations, &fitted, &residuals, &whitened, &fit, robust);
        let spread = NORMAL_MAD * median(residuals.iter().zip(&windows.variances).map(|(residual, variance)| residual.abs() / variance.sqrt()).collect());
        distances = residuals.iter().zip(&windows.variances).map(|(residual, variance)| residual / variance.sqrt() / spread.max(1.0)).collect();
        let seen = whitened.between_visits(&fit, variances.tau, *scale);
        let prior = Variances { window: windows.variances.clone(), tau: PRIOR_BETWEEN_VISITS };
        let repeats = Whitened::new(observations, &fitted, &prior, false).repeats(&fit);
        variances = Variances { window: windows.variances.clone(), tau: with_prior(seen, repeats) };
        solved = Some((fit, repeats, windows));
    }
    let (_, repeats, windows) = solved?;
    let whitened = Whitened::new(observations, &fitted, &variances, true);
    let fit = whitened.fit(&observations.known)?;
    let degrees = if observations.visits.len() > MOST_VISITS { repeats } else { whitened.degrees_of_freedom(&fit, variances.tau, *scale) };
    // What the prior stands for is known as well as six repeats would tell it.
    let degrees = (degrees + LEAST_PRIOR).max(PRIOR_REPEATS - repeats);
    let (covariance, between) = whitened.covariance(&fit, &observations.known, variances.tau, *scale);
    let degrees_of_freedom = (0..design.ncols())
        .map(|column| {
            let (all, between) = (covariance[(column, column)].max(f64::MIN_POSITIVE), between[column]);
            let own = (all - between).max(0.0);
            let inverse = (between / all).powi(2) / degrees + (own / all).powi(2) / windows.degrees_of_freedom;
            (1.0 / inverse).clamp(3.0, 1e5)
        })
        .collect();
    let fit = MixedFit {
        coefficients: fit.coefficients,
        covariance,
        between_visits: variances.tau,
        repeats,
        between_degrees: degrees,
        degrees_of_freedom,
        outliers: Vec::new(),
        residuals: windows.standardised,
    };
    Some((fit, variances))
}

/// What the windows of a visit differ by.
struct WindowErrors {
    variances: Vec<f64>,
    degrees_of_freedom: f64,
    standardised: Vec<f64>,
}

/// Variance of each window's own error, from how far windows lie from the rest of their visit.
fn window_variances(
    observations: &Observations,
    fitted: &DVector<f64>,
    residuals: &DVector<f64>,
    whitened: &Whitened,
    fit: &LinearFit,
    robust: bool,
) -> WindowErrors {
    let scale = observations.scale;
    let rows = residuals.len();
    let floor = (LEAST_WINDOW_ERROR * scale).powi(2);
    let mean_s = observations.seconds.iter().sum::<f64>() / rows as f64;
    let leverage = whitened.leverage(fit);
    let (mut squares, mut parts, mut own) = (Vec::new(), Vec::new(), vec![0.0; rows]);
    for range in observations.visits.iter().filter(|range| range.len() >= 2) {
        let sum: f64 = range.clone().map(|row| fitted[row].powi(2)).sum();
        let common = if sum > 0.0 { range.clone().map(|row| residuals[row] * fitted[row]).sum::<f64>() / sum } else { 0.0 };
        for row in range.clone() {
            own[row] = residuals[row] - common * fitted[row];
            let taken = leverage[row] + if sum > 0.0 { fitted[row].powi(2) / sum } else { 0.0 };
            squares.push(own[row].powi(2) / (1.0 - taken).max(0.2));
            parts.push([scale * scale, fitted[row].powi(2), fitted[row].max(0.0) * scale * mean_s / observations.seconds[row]]);
        }
    }
    let visits = observations.visits.iter().filter(|range| range.len() >= 2).count();
    let beyond = squares.len().saturating_sub(visits);
    if robust {
        // Their size must not be that of the outliers that are looked for.
        let middle = median(squares.clone());
        squares.iter_mut().for_each(|square| *square = square.min(9.0 * NORMAL_MAD.powi(2) * middle));
    }
    let shares = shares(&squares, &parts, beyond);
    let alike = stretch(&own, observations);
    let variances: Vec<f64> = (0..rows)
        .map(|row| {
            let parts = [scale * scale, fitted[row].powi(2), fitted[row].max(0.0) * scale * mean_s / observations.seconds[row]];
            parts.iter().zip(shares).map(|(part, share)| part * share).sum::<f64>() * alike + floor
        })
        .collect();
    let standardised = own.iter().zip(&variances).map(|(own, variance)| own / variance.sqrt()).collect();
    let degrees_of_freedom = if beyond == 0 { f64::INFINITY } else { (beyond as f64 / alike).max(3.0) };
    WindowErrors { variances, degrees_of_freedom, standardised }
}

/// How much of each part the squares show: 0 or more.
fn shares(squares: &[f64], parts: &[[f64; 3]], beyond: usize) -> [f64; 3] {
    if beyond == 0 {
        return [0.0; 3];
    }
    let whole = |part: &[f64; 3]| part[0] * 0.01 + part[1];
    let scale = squares.iter().zip(parts).map(|(square, part)| square / whole(part)).sum::<f64>() / squares.len() as f64;
    let one = [scale * 0.01, scale, 0.0];
    if beyond < ENOUGH_WINDOWS || scale <= 0.0 {
        return one;
    }
    let design = DMatrix::from_fn(parts.len(), 3, |row, column| parts[row][column]);
    let mut shares = one;
    for _ in 0..3 {
        let expected = DVector::from_fn(parts.len(), |row, _| parts[row].iter().zip(shares).map(|(part, share)| part * share).sum::<f64>());
        let least = 1e-3 * expected.max();
        let Some(fit) = weighted_nnls(&design, &DVector::from_row_slice(squares), &expected.map(|one| one.max(least).powi(2))) else { return one };
        shares = [fit.coefficients[0], fit.coefficients[1], fit.coefficients[2]];
    }
    shares
}

/// Factor on the variance of a mean where neighbouring windows are alike: `(1 + r) / (1 - r)`; 1 where they are not.
fn stretch(own: &[f64], observations: &Observations) -> f64 {
    let (mut lagged, mut squares, mut pairs, mut windows) = (0.0, 0.0, 0_usize, 0_usize);
    for range in observations.visits.iter().filter(|range| range.len() >= 4) {
        let scaled: Vec<f64> = own[range.clone()].to_vec();
        lagged += scaled.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>();
        squares += scaled.iter().map(|one| one * one).sum::<f64>() * (range.len() - 1) as f64 / range.len() as f64;
        pairs += range.len() - 1;
        windows += range.len();
    }
    if pairs < 8 || squares <= 0.0 {
        return 1.0;
    }
    // A mean that was taken off makes neighbours of n windows look unlike by 1/n.
    let mean_windows = windows as f64 / (windows - pairs) as f64;
    let correlation = lagged / squares + 1.0 / mean_windows;
    if correlation < 1.645 / (pairs as f64).sqrt() { 1.0 } else { (1.0 + correlation.min(0.9)) / (1.0 - correlation.min(0.9)) }
}

/// Rows whose errors have been made independent and of size one.
struct Whitened {
    design: DMatrix<f64>,
    used: DVector<f64>,
    /// Use of each window, as far as it deviates with its visit.
    deviation: DVector<f64>,
    /// A one for each window under load: what a light visit has in common whatever its use.
    common: DVector<f64>,
    visits: Vec<Range<usize>>,
}

impl Whitened {
    /// Multiplies with the inverse root of `diag(window) + (tau mu)(tau mu)' + common common'`, visit by visit.
    fn new(observations: &Observations, fitted: &DVector<f64>, variances: &Variances, light: bool) -> Self {
        let columns = observations.design.ncols();
        let scale = observations.scale;
        let mut all = DMatrix::zeros(observations.used.len(), columns + 3);
        all.columns_mut(0, columns).copy_from(&observations.design);
        all.set_column(columns, &observations.used);
        for (range, suspect) in observations.visits.iter().zip(&observations.suspect) {
            // Without load nothing wakes up: what is seen there is idle use itself.
            let loaded = observations.design.rows(range.start, range.len()).columns_range(1..).iter().any(|driver| *driver > 0.0);
            let light_size = if light && loaded { variances.tau * LIGHT_LOAD * scale } else { 0.0 };
            let common_size = light_size.hypot(READING_ERROR * scale);
            let factor = if *suspect { SUSPECT_FACTOR } else { 1.0 };
            for row in range.clone() {
                all[(row, columns + 1)] = factor * fitted[row];
                all[(row, columns + 2)] = factor;
                all.row_mut(row).scale_mut(1.0 / (variances.window[row].sqrt() * factor));
            }
            for (column, size) in [(columns + 1, variances.tau), (columns + 2, common_size)] {
                let direction = all.column(column).rows(range.start, range.len()) * size;
                let length = direction.norm();
                if length > 0.0 {
                    let unit = direction / length;
                    let shrink = 1.0 - 1.0 / (1.0 + length * length).sqrt();
                    let mut block = all.rows_mut(range.start, range.len());
                    let along = unit.transpose() * &block;
                    block -= (unit * shrink) * along;
                }
            }
            if !loaded {
                all.column_mut(columns + 2).rows_mut(range.start, range.len()).fill(0.0);
            }
        }
        Self {
            design: all.columns(0, columns).into_owned(),
            used: all.column(columns).into_owned(),
            deviation: all.column(columns + 1).into_owned(),
            common: all.column(columns + 2).into_owned(),
            visits: observations.visits.clone(),
        }
    }

    /// The fit, with what is known beforehand as rows of their own.
    fn fit(&self, known: &[(usize, f64, f64)]) -> Option<LinearFit> {
        let rows = self.used.len();
        let mut design = self.design.clone().resize_vertically(rows + known.len(), 0.0);
        let mut used = self.used.clone().resize_vertically(rows + known.len(), 0.0);
        for (index, (column, mean, deviation)) in known.iter().enumerate() {
            design[(rows + index, *column)] = 1.0 / deviation;
            used[rows + index] = mean / deviation;
        }
        weighted_nnls(&design, &used, &DVector::from_element(rows + known.len(), 1.0))
    }

    /// Share of each window that the coefficients take, 0-1.
    fn leverage(&self, fit: &LinearFit) -> Vec<f64> {
        let half = &self.design * &fit.covariance;
        (0..self.used.len()).map(|row| half.row(row).dot(&self.design.row(row)).clamp(0.0, 1.0)).collect()
    }

    /// Sums over the visits: `x~' v` of each, for a vector v.
    fn by_visit(&self, vector: &DVector<f64>) -> DMatrix<f64> {
        let mut sums = DMatrix::zeros(self.design.ncols(), self.visits.len());
        for (visit, range) in self.visits.iter().enumerate() {
            let part = self.design.rows(range.start, range.len()).transpose() * vector.rows(range.start, range.len());
            sums.set_column(visit, &part);
        }
        sums
    }

    /// Trace of `A' P B` and its squared Frobenius norm, `P = I - X C X'`, for vectors that fall apart by visit.
    fn moments(&self, fit: &LinearFit, a: &DVector<f64>, b: &DVector<f64>) -> (f64, f64) {
        let (of_a, of_b) = (self.by_visit(a), self.by_visit(b));
        let own: Vec<f64> = self.visits.iter().map(|range| a.rows(range.start, range.len()).dot(&b.rows(range.start, range.len()))).collect();
        let solved = &fit.covariance * &of_b;
        let taken: Vec<f64> = (0..own.len()).map(|visit| of_a.column(visit).dot(&solved.column(visit))).collect();
        let trace = own.iter().zip(&taken).map(|(own, taken)| own - taken).sum();
        let (outer_a, outer_b) = (&of_a * of_a.transpose(), &of_b * of_b.transpose());
        let all = (outer_a * &fit.covariance * outer_b * &fit.covariance).trace();
        let norm = own.iter().zip(&taken).map(|(own, taken)| own * own - 2.0 * own * taken).sum::<f64>() + all;
        (trace, norm.max(0.0))
    }

    /// Squared relative deviation between visits that the residuals show; the weights were made with `tau`.
    ///
    /// # Formula
    /// With `P = W - W X C X' W`, U the fitted use by visit and E ones by visit, `|U' P y|^2` has the expectation
    /// `tr(U'PU) + (tau^2 - tau_0^2) |U'PU|^2 - (0.35 tau_0 s)^2 |U'PE|^2`; solved for `tau^2`.
    fn between_visits(&self, fit: &LinearFit, tau: f64, scale: f64) -> f64 {
        let residuals = &self.used - &self.design * &fit.coefficients;
        let by_visit = |range: &Range<usize>| self.deviation.rows(range.start, range.len()).dot(&residuals.rows(range.start, range.len()));
        let seen: f64 = self.visits.iter().map(|range| by_visit(range).powi(2)).sum();
        let (trace, norm) = self.moments(fit, &self.deviation, &self.deviation);
        let (_, mixed) = self.moments(fit, &self.deviation, &self.common);
        let squared = (seen - trace + tau.powi(2) * norm + (tau * LIGHT_LOAD * scale).powi(2) * mixed) / norm;
        if squared.is_finite() { squared.max(0.0) } else { 0.0 }
    }

    /// Degrees of freedom of that estimate: twice its squared mean over its variance.
    ///
    /// # Formula
    /// `|U' P y|^2` has the mean `tr K` and the variance `2 |K|^2`, `K = U'P V P U = M - (0.35 tau s)^2 N N'`, `M = U'PU`,
    /// `N = U'PE`.
    fn degrees_of_freedom(&self, fit: &LinearFit, tau: f64, scale: f64) -> f64 {
        let (deviation, common) = (self.by_visit(&self.deviation), self.by_visit(&self.common));
        let own = |vector: &DVector<f64>| {
            let products = self.visits.iter().map(|range| self.deviation.rows(range.start, range.len()).dot(&vector.rows(range.start, range.len())));
            DMatrix::from_diagonal(&DVector::from_iterator(self.visits.len(), products))
        };
        let left = deviation.transpose() * &fit.covariance;
        let m = own(&self.deviation) - &left * deviation;
        let n = own(&self.common) - &left * common;
        let k = m - &n * n.transpose() * (tau * LIGHT_LOAD * scale).powi(2);
        let degrees = k.trace().powi(2) / k.norm_squared();
        if degrees.is_finite() { degrees.max(1.0) } else { 1.0 }
    }

    /// Visits beyond what the coefficients take, as far as they would show a deviation of the prior's size: the degrees of
    /// freedom of `tau^2` by its information. The weights are those of the prior, without the error of light visits.
    fn repeats(&self, fit: &LinearFit) -> f64 {
        let columns = self.design.ncols();
        let Some(covariance) = (self.design.transpose() * &self.design).try_inverse() else { return 0.0 };
        let own = LinearFit { coefficients: fit.coefficients.clone(), covariance };
        let (_, norm) = self.moments(&own, &self.deviation, &self.deviation);
        (PRIOR_BETWEEN_VISITS.powi(4) * norm).clamp(0.0, (self.visits.len() as f64 - 1.0).max(self.visits.len() as f64 - columns as f64))
    }

    /// Covariance of the coefficients, and the part of each variance that is from the deviation between visits.
    ///
    /// # Formula
    /// `C X' W V W X C`, `V = W^-1 - (0.35 tau s)^2 E E'`.
    fn covariance(&self, fit: &LinearFit, known: &[(usize, f64, f64)], tau: f64, scale: f64) -> (DMatrix<f64>, Vec<f64>) {
        let mut middle = self.design.transpose() * &self.design;
        for (column, _, deviation) in known {
            middle[(*column, *column)] += deviation.powi(-2);
        }
        let common = self.by_visit(&self.common) * (tau * LIGHT_LOAD * scale);
        middle -= &common * common.transpose();
        let covariance = &fit.covariance * middle * &fit.covariance;
        let deviation = &fit.covariance * self.by_visit(&self.deviation) * tau;
        let between = (0..covariance.nrows()).map(|column| deviation.row(column).norm_squared()).collect();
        (covariance, between)
    }
}

/// The deviation between visits, with the repeats that are missing to six, and at least two, taken from the prior.
fn with_prior(seen_squared: f64, repeats: f64) -> f64 {
    let missing = (PRIOR_REPEATS - repeats).max(LEAST_PRIOR);
    ((seen_squared * repeats + missing * PRIOR_BETWEEN_VISITS.powi(2)) / (repeats + missing)).sqrt().clamp(LEAST_BETWEEN_VISITS, 1.0)
}
