//! What windows of one block differ by.

use nalgebra::{DMatrix, DVector};

use super::{FarRows, NORMAL_MAD, Observations, median, whitened::Whitened};
use crate::regression::{LinearFit, weighted_nnls};

/// Least error of a single window, as a share of the scale; keeps exact data solvable.
const LEAST_WINDOW_ERROR: f64 = 1e-5;
/// Windows beyond their blocks from which on three parts of their variance are told apart.
const ENOUGH_WINDOWS: usize = 24;

/// What the windows of a block differ by.
pub(super) struct WindowErrors {
    /// Variance of each window's own error.
    pub(super) variances: Vec<f64>,
    /// Degrees of freedom of those variances.
    pub(super) degrees_of_freedom: f64,
    /// Deviation of each window from its block, over its standard deviation.
    pub(super) standardised: Vec<f64>,
}

/// Variance of each window's own error, from how far windows lie from the rest of their block.
pub(super) fn window_variances(
    observations: &Observations,
    fitted: &DVector<f64>,
    residuals: &DVector<f64>,
    whitened: &Whitened,
    fit: &LinearFit,
    far_rows: FarRows,
) -> WindowErrors {
    let scale = observations.scale;
    let rows = residuals.len();
    let floor = (LEAST_WINDOW_ERROR * scale).powi(2);
    let mean_s = observations.seconds.iter().sum::<f64>() / rows as f64;
    let leverage = whitened.leverage(fit);
    let (mut squares, mut parts, mut own) = (Vec::new(), Vec::new(), vec![0.0; rows]);
    for range in observations.blocks.iter().filter(|range| range.len() >= 2) {
        let sum: f64 = range.clone().map(|row| fitted[row].powi(2)).sum();
        let common = if sum > 0.0 {
            range.clone().map(|row| residuals[row] * fitted[row]).sum::<f64>() / sum
        } else {
            0.0
        };
        for row in range.clone() {
            own[row] = residuals[row] - common * fitted[row];
            let taken = leverage[row] + if sum > 0.0 { fitted[row].powi(2) / sum } else { 0.0 };
            squares.push(own[row].powi(2) / (1.0 - taken).max(0.2));
            parts.push([
                scale * scale,
                fitted[row].powi(2),
                fitted[row].max(0.0) * scale * mean_s / observations.seconds[row],
            ]);
        }
    }
    let blocks = observations
        .blocks
        .iter()
        .filter(|range| range.len() >= 2)
        .count();
    let beyond = squares.len().saturating_sub(blocks);
    if far_rows == FarRows::CountLess {
        // Their size must not be that of the outliers that are looked for.
        let middle = median(squares.clone());
        squares
            .iter_mut()
            .for_each(|square| *square = square.min(9.0 * NORMAL_MAD.powi(2) * middle));
    }
    let shares = shares(&squares, &parts, beyond);
    let alike = stretch(&own, observations);
    let variances: Vec<f64> = (0..rows)
        .map(|row| {
            let parts = [
                scale * scale,
                fitted[row].powi(2),
                fitted[row].max(0.0) * scale * mean_s / observations.seconds[row],
            ];
            parts
                .iter()
                .zip(shares)
                .map(|(part, share)| part * share)
                .sum::<f64>()
                * alike
                + floor
        })
        .collect();
    let standardised = own
        .iter()
        .zip(&variances)
        .map(|(own, variance)| own / variance.sqrt())
        .collect();
    let degrees_of_freedom = if beyond == 0 {
        f64::INFINITY
    } else {
        (beyond as f64 / alike).max(3.0)
    };
    WindowErrors {
        variances,
        degrees_of_freedom,
        standardised,
    }
}

/// How much of each part the squares show: 0 or more.
fn shares(squares: &[f64], parts: &[[f64; 3]], beyond: usize) -> [f64; 3] {
    if beyond == 0 {
        return [0.0; 3];
    }
    let whole = |part: &[f64; 3]| part[0] * 0.01 + part[1];
    let scale = squares
        .iter()
        .zip(parts)
        .map(|(square, part)| square / whole(part))
        .sum::<f64>()
        / squares.len() as f64;
    let one = [scale * 0.01, scale, 0.0];
    if beyond < ENOUGH_WINDOWS || scale <= 0.0 {
        return one;
    }
    let design = DMatrix::from_fn(parts.len(), 3, |row, column| parts[row][column]);
    let mut shares = one;
    for _ in 0..3 {
        let expected = DVector::from_fn(parts.len(), |row, _| {
            parts[row]
                .iter()
                .zip(shares)
                .map(|(part, share)| part * share)
                .sum::<f64>()
        });
        let least = 1e-3 * expected.max();
        let Some(fit) = weighted_nnls(
            &design,
            &DVector::from_row_slice(squares),
            &expected.map(|one| one.max(least).powi(2)),
        ) else {
            return one;
        };
        shares = [fit.coefficients[0], fit.coefficients[1], fit.coefficients[2]];
    }
    shares
}

/// Factor on the variance of a mean where neighbouring windows are alike: `(1 + r) / (1 - r)`; 1 where they
/// are not.
fn stretch(own: &[f64], observations: &Observations) -> f64 {
    let (mut lagged, mut squares, mut pairs, mut windows) = (0.0, 0.0, 0_usize, 0_usize);
    for range in observations.blocks.iter().filter(|range| range.len() >= 4) {
        let scaled: Vec<f64> = own[range.clone()].to_vec();
        lagged += scaled.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>();
        squares +=
            scaled.iter().map(|one| one * one).sum::<f64>() * (range.len() - 1) as f64 / range.len() as f64;
        pairs += range.len() - 1;
        windows += range.len();
    }
    if pairs < 8 || squares <= 0.0 {
        return 1.0;
    }
    // A mean that was taken off makes neighbours of n windows look unlike by 1/n.
    let mean_windows = windows as f64 / (windows - pairs) as f64;
    let correlation = lagged / squares + 1.0 / mean_windows;
    if correlation < 1.645 / (pairs as f64).sqrt() {
        1.0
    } else {
        (1.0 + correlation.min(0.9)) / (1.0 - correlation.min(0.9))
    }
}
