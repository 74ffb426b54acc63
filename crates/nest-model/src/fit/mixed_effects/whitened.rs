//! Rows of windows whose errors have been made independent, so that ordinary least squares fits them, and
//! what follows from that for variances.

use std::ops::Range;

use nalgebra::{DMatrix, DVector};

use super::{Observations, PRIOR_BETWEEN_BLOCKS, Variances};
use crate::regression::{LinearFit, weighted_nnls};

/// Error of a block's reading that no repeat can take away, as a share of the scale.
const READING_ERROR: f64 = 2e-4;
/// Share of the scale that the error of a block does not fall below: on a machine that is mostly idle, waking
/// up costs processor time of its own, so light steps say less about loaded ones than their size suggests.
const LIGHT_LOAD: f64 = 0.35;
/// A suspect block counts with this times the standard deviation of a valid one.
const SUSPECT_FACTOR: f64 = 2.0;

/// Rows whose errors have been made independent and of size one.
pub(super) struct Whitened {
    design: DMatrix<f64>,
    used: DVector<f64>,
    /// Use of each window, as far as it deviates with its block.
    deviation: DVector<f64>,
    /// A one for each window under load: what a light block has in common whatever its use.
    common: DVector<f64>,
    blocks: Vec<Range<usize>>,
}

impl Whitened {
    /// Multiplies with the inverse root of `diag(window) + (tau mu)(tau mu)' + common common'`, block by
    /// block.
    pub(super) fn new(
        observations: &Observations,
        fitted: &DVector<f64>,
        variances: &Variances,
        light: bool,
    ) -> Self {
        let columns = observations.design.ncols();
        let scale = observations.scale;
        let mut all = DMatrix::zeros(observations.used.len(), columns + 3);
        all.columns_mut(0, columns).copy_from(&observations.design);
        all.set_column(columns, &observations.used);
        for (range, suspect) in observations.blocks.iter().zip(&observations.suspect) {
            // Without load nothing wakes up: what is seen there is idle use itself.
            let loaded = observations
                .design
                .rows(range.start, range.len())
                .columns_range(1..)
                .iter()
                .any(|driver| *driver > 0.0);
            let light_size = if light && loaded {
                variances.tau * LIGHT_LOAD * scale
            } else {
                0.0
            };
            let common_size = light_size.hypot(READING_ERROR * scale);
            let factor = if *suspect { SUSPECT_FACTOR } else { 1.0 };
            for row in range.clone() {
                all[(row, columns + 1)] = factor * fitted[row];
                all[(row, columns + 2)] = factor;
                all.row_mut(row)
                    .scale_mut(1.0 / (variances.window[row].sqrt() * factor));
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
                all.column_mut(columns + 2)
                    .rows_mut(range.start, range.len())
                    .fill(0.0);
            }
        }
        Self {
            design: all.columns(0, columns).into_owned(),
            used: all.column(columns).into_owned(),
            deviation: all.column(columns + 1).into_owned(),
            common: all.column(columns + 2).into_owned(),
            blocks: observations.blocks.clone(),
        }
    }

    /// The fit, with what is known beforehand as rows of their own.
    pub(super) fn fit(&self, known: &[(usize, f64, f64)]) -> Option<LinearFit> {
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
    pub(super) fn leverage(&self, fit: &LinearFit) -> Vec<f64> {
        let half = &self.design * &fit.covariance;
        (0..self.used.len())
            .map(|row| half.row(row).dot(&self.design.row(row)).clamp(0.0, 1.0))
            .collect()
    }

    /// Sums over the blocks: `x~' v` of each, for a vector v.
    fn by_visit(&self, vector: &DVector<f64>) -> DMatrix<f64> {
        let mut sums = DMatrix::zeros(self.design.ncols(), self.blocks.len());
        for (block, range) in self.blocks.iter().enumerate() {
            let part = self.design.rows(range.start, range.len()).transpose()
                * vector.rows(range.start, range.len());
            sums.set_column(block, &part);
        }
        sums
    }

    /// Trace of `A' P B` and its squared Frobenius norm, `P = I - X C X'`, for vectors that fall apart by
    /// block.
    fn moments(&self, fit: &LinearFit, a: &DVector<f64>, b: &DVector<f64>) -> (f64, f64) {
        let (of_a, of_b) = (self.by_visit(a), self.by_visit(b));
        let own: Vec<f64> = self
            .blocks
            .iter()
            .map(|range| {
                a.rows(range.start, range.len())
                    .dot(&b.rows(range.start, range.len()))
            })
            .collect();
        let solved = &fit.covariance * &of_b;
        let taken: Vec<f64> = (0..own.len())
            .map(|block| of_a.column(block).dot(&solved.column(block)))
            .collect();
        let trace = own.iter().zip(&taken).map(|(own, taken)| own - taken).sum();
        let (outer_a, outer_b) = (&of_a * of_a.transpose(), &of_b * of_b.transpose());
        let all = (outer_a * &fit.covariance * outer_b * &fit.covariance).trace();
        let norm = own
            .iter()
            .zip(&taken)
            .map(|(own, taken)| own * own - 2.0 * own * taken)
            .sum::<f64>()
            + all;
        (trace, norm.max(0.0))
    }

    /// Squared relative deviation between blocks that the residuals show; the weights were made with `tau`.
    ///
    /// # Formula
    /// With `P = W - W X C X' W`, U the fitted use by block and E ones by block, `|U' P y|^2` has the
    /// expectation `tr(U'PU) + (tau^2 - tau_0^2) |U'PU|^2 - (0.35 tau_0 s)^2 |U'PE|^2`; solved for `tau^2`.
    pub(super) fn between_steps(&self, fit: &LinearFit, tau: f64, scale: f64) -> f64 {
        let residuals = &self.used - &self.design * &fit.coefficients;
        let by_visit = |range: &Range<usize>| {
            self.deviation
                .rows(range.start, range.len())
                .dot(&residuals.rows(range.start, range.len()))
        };
        let seen: f64 = self.blocks.iter().map(|range| by_visit(range).powi(2)).sum();
        let (trace, norm) = self.moments(fit, &self.deviation, &self.deviation);
        let (_, mixed) = self.moments(fit, &self.deviation, &self.common);
        let squared = (seen - trace + tau.powi(2) * norm + (tau * LIGHT_LOAD * scale).powi(2) * mixed) / norm;
        if squared.is_finite() {
            squared.max(0.0)
        } else {
            0.0
        }
    }

    /// Degrees of freedom of that estimate: twice its squared mean over its variance.
    ///
    /// # Formula
    /// `|U' P y|^2` has the mean `tr K` and the variance `2 |K|^2`,
    /// `K = U'P V P U = M - (0.35 tau s)^2 N N'`, `M = U'PU`, `N = U'PE`.
    pub(super) fn degrees_of_freedom(&self, fit: &LinearFit, tau: f64, scale: f64) -> f64 {
        let (deviation, common) = (self.by_visit(&self.deviation), self.by_visit(&self.common));
        let own = |vector: &DVector<f64>| {
            let products = self.blocks.iter().map(|range| {
                self.deviation
                    .rows(range.start, range.len())
                    .dot(&vector.rows(range.start, range.len()))
            });
            DMatrix::from_diagonal(&DVector::from_iterator(self.blocks.len(), products))
        };
        let left = deviation.transpose() * &fit.covariance;
        let m = own(&self.deviation) - &left * deviation;
        let n = own(&self.common) - &left * common;
        let k = m - &n * n.transpose() * (tau * LIGHT_LOAD * scale).powi(2);
        let degrees = k.trace().powi(2) / k.norm_squared();
        if degrees.is_finite() {
            degrees.max(1.0)
        } else {
            1.0
        }
    }

    /// Blocks beyond those that the coefficients take, as far as they would show a deviation of the prior's
    /// size: the degrees of freedom of `tau^2` by its information. The weights are those of the prior,
    /// without the error of light blocks.
    pub(super) fn repeats(&self, fit: &LinearFit) -> f64 {
        let columns = self.design.ncols();
        let Some(covariance) = (self.design.transpose() * &self.design).try_inverse() else {
            return 0.0;
        };
        let own = LinearFit {
            coefficients: fit.coefficients.clone(),
            covariance,
        };
        let (_, norm) = self.moments(&own, &self.deviation, &self.deviation);
        (PRIOR_BETWEEN_BLOCKS.powi(4) * norm).clamp(
            0.0,
            (self.blocks.len() as f64 - 1.0).max(self.blocks.len() as f64 - columns as f64),
        )
    }

    /// Covariance of the coefficients, and the part of each variance that is from the deviation between
    /// blocks.
    ///
    /// # Formula
    /// `C X' W V W X C`, `V = W^-1 - (0.35 tau s)^2 E E'`.
    pub(super) fn covariance(
        &self,
        fit: &LinearFit,
        known: &[(usize, f64, f64)],
        tau: f64,
        scale: f64,
    ) -> (DMatrix<f64>, Vec<f64>) {
        let mut middle = self.design.transpose() * &self.design;
        for (column, _, deviation) in known {
            middle[(*column, *column)] += deviation.powi(-2);
        }
        let common = self.by_visit(&self.common) * (tau * LIGHT_LOAD * scale);
        middle -= &common * common.transpose();
        let covariance = &fit.covariance * middle * &fit.covariance;
        let deviation = &fit.covariance * self.by_visit(&self.deviation) * tau;
        let between = (0..covariance.nrows())
            .map(|column| deviation.row(column).norm_squared())
            .collect();
        (covariance, between)
    }
}
