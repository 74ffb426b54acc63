//! The errors by which windows of one block differ.

use nalgebra::{DMatrix, DVector};

use super::{FarRows, NORMAL_MAD, Observations, chance::chance_in_executions, median, whitened::Whitened};
use crate::regression::{LinearFit, weighted_nnls};

/// Least error of a single window, as a share of the scale; keeps exact data solvable.
const LEAST_WINDOW_ERROR: f64 = 1e-5;
/// Windows beyond their blocks from which on three parts of their variance are told apart.
const ENOUGH_WINDOWS: usize = 24;
/// Windows of exponential executions that are seen beside the others: those that show how much executions
/// differ are few where a heavy behaviour is rare, and are as likely to be alike by chance.
const PRIOR_WINDOWS: f64 = 1.0;

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
    let parts = VarianceParts::new(observations, fitted, &fit.coefficients);
    let mut deviations = deviations(observations, fitted, residuals, &whitened.leverage(fit), &parts);
    let blocks = observations
        .blocks
        .iter()
        .filter(|range| range.len() >= 2)
        .count();
    let beyond = deviations.squares.len().saturating_sub(blocks);
    if far_rows == FarRows::CountLess {
        cap_far_squares(&mut deviations);
    }
    let shares = shares(&deviations.squares, &deviations.parts, beyond);
    let alike = stretch(&deviations.own, observations);
    let floor = (LEAST_WINDOW_ERROR * observations.scale).powi(2);
    let variances: Vec<f64> = (0..residuals.len())
        .map(|row| {
            parts
                .of_row(row)
                .iter()
                .zip(shares)
                .map(|(part, share)| part * share)
                .sum::<f64>()
                * alike
                + floor
        })
        .collect();
    let standardised = deviations
        .own
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

/// The three parts that the variance of a window may have: constant, relative to its use, and what chance
/// makes of its executions (the shorter it is, the more).
struct VarianceParts<'a> {
    observations: &'a Observations,
    fitted: &'a DVector<f64>,
    chance: Vec<f64>,
}

impl<'a> VarianceParts<'a> {
    fn new(observations: &'a Observations, fitted: &'a DVector<f64>, coefficients: &DVector<f64>) -> Self {
        Self {
            observations,
            fitted,
            chance: chance_in_executions(observations, coefficients),
        }
    }

    fn of_row(&self, row: usize) -> [f64; 3] {
        let (fitted, scale) = (self.fitted[row], self.observations.scale);
        [scale * scale, fitted.powi(2), self.chance[row]]
    }
}

/// How far windows lie from the rest of their block.
struct WindowDeviations {
    own: Vec<f64>,        // by row; 0 for a window that is alone in its block
    squares: Vec<f64>,    // of the others, without what the fit took of them
    parts: Vec<[f64; 3]>, // of their variance
}

fn deviations(
    observations: &Observations,
    fitted: &DVector<f64>,
    residuals: &DVector<f64>,
    leverage: &[f64],
    parts: &VarianceParts<'_>,
) -> WindowDeviations {
    let mut found = WindowDeviations {
        own: vec![0.0; residuals.len()],
        squares: Vec::new(),
        parts: Vec::new(),
    };
    for range in observations.blocks.iter().filter(|range| range.len() >= 2) {
        let sum: f64 = range.clone().map(|row| fitted[row].powi(2)).sum();
        let common = if sum > 0.0 {
            range.clone().map(|row| residuals[row] * fitted[row]).sum::<f64>() / sum
        } else {
            0.0
        };
        for row in range.clone() {
            found.own[row] = residuals[row] - common * fitted[row];
            let taken = leverage[row] + if sum > 0.0 { fitted[row].powi(2) / sum } else { 0.0 };
            found
                .squares
                .push(found.own[row].powi(2) / (1.0 - taken).max(0.2));
            found.parts.push(parts.of_row(row));
        }
    }
    found
}

/// Squares of far windows, cut off at three robust standard deviations, or at what chance makes of few
/// executions: the variances must not be those of the outliers that are looked for.
fn cap_far_squares(deviations: &mut WindowDeviations) {
    let middle = NORMAL_MAD.powi(2) * median(deviations.squares.clone());
    for (square, parts) in deviations.squares.iter_mut().zip(&deviations.parts) {
        *square = square.min(9.0 * middle.max(parts[2]));
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
    let windows = windows_with_chance(parts) * beyond as f64 / parts.len() as f64;
    shares[2] = (windows * shares[2] + PRIOR_WINDOWS) / (windows + PRIOR_WINDOWS);
    shares
}

/// Windows of equal chance that would show as much of it: `(sum v)^2 / sum v^2`.
fn windows_with_chance(parts: &[[f64; 3]]) -> f64 {
    let (sum, squares) = parts.iter().fold((0.0, 0.0), |(sum, squares), part| {
        (sum + part[2], squares + part[2].powi(2))
    });
    if squares > 0.0 { sum * sum / squares } else { 0.0 }
}

/// Factor on the variance of a mean if neighbouring windows are alike: `(1 + r) / (1 - r)`; 1 if they are
/// not.
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
