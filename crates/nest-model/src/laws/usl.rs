//! The Universal Scalability Law as the R package `usl` fits it, for readers who ask for its parameters.

use nalgebra::{DMatrix, DVector, Matrix3, Vector3};

use crate::{laws::UslParameters, regression::weighted_nnls};

/// Iterations after which a fit is as good as it gets.
const MOST_ITERATIONS: usize = 500;

/// A fit of the Universal Scalability Law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UslFit {
    /// The parameters.
    pub parameters: UslParameters,
    /// Sum of squared residuals of throughput.
    pub residual_sum: f64,
}

/// Least squares on throughput with sigma and kappa in 0 to 1, all observations alike, as in R's `usl` 3.0.3.
///
/// `points` are (N, X), both above 0. `None` for fewer than three, or if they do not tell the parameters
/// apart. The minimum on each face of the box is sought by Levenberg-Marquardt; the least of those inside
/// counts.
#[must_use]
pub fn fit_published(points: &[(f64, f64)]) -> Option<UslFit> {
    if points.len() < 3 {
        return None;
    }
    let starts = [start_by_reciprocals(points), Some(start_of_package(points))];
    let faces: [[Option<f64>; 2]; 9] = [None, Some(0.0), Some(1.0)]
        .map(|sigma| [None, Some(0.0), Some(1.0)].map(|kappa| [sigma, kappa]))
        .concat()
        .try_into()
        .ok()?;
    let fits = starts
        .iter()
        .flatten()
        .flat_map(|start| faces.iter().filter_map(|face| on_face(points, *start, *face)));
    let inside = |fit: &UslFit| {
        (0.0..=1.0).contains(&fit.parameters.contention) && (0.0..=1.0).contains(&fit.parameters.coherency)
    };
    fits.filter(|fit| inside(fit) && fit.residual_sum.is_finite())
        .min_by(|a, b| a.residual_sum.total_cmp(&b.residual_sum))
}

/// Least squares on relative errors of `1/X`, linear in `(1, sigma, kappa) / gamma` and held at 0 or more: no
/// starting values.
///
/// # Formula
/// `1/X = (1/gamma) (1/N) + (sigma/gamma) (1 - 1/N) + (kappa/gamma) (N - 1)`: `docs/method/curve.md`,
/// "Universal Scalability Law". `points` as for [`fit_published`], `weights` one for each.
#[must_use]
pub fn fit_relative(points: &[(f64, f64)], weights: &[f64]) -> Option<UslParameters> {
    let design = DMatrix::from_fn(points.len(), 3, |row, column| {
        let (n, x) = points[row];
        x * [1.0 / n, 1.0 - 1.0 / n, n - 1.0][column]
    });
    let variances = DVector::from_iterator(weights.len(), weights.iter().map(|weight| 1.0 / weight));
    let found = weighted_nnls(&design, &DVector::from_element(points.len(), 1.0), &variances)?.coefficients;
    let unit_throughput = 1.0 / found[0];
    unit_throughput.is_finite().then(|| UslParameters {
        unit_throughput,
        contention: found[1] * unit_throughput,
        coherency: found[2] * unit_throughput,
    })
}

fn start_by_reciprocals(points: &[(f64, f64)]) -> Option<UslParameters> {
    fit_relative(points, &vec![1.0; points.len()])
}

/// gamma = max X/N, sigma = 0.01, kappa = 1e-4.
fn start_of_package(points: &[(f64, f64)]) -> UslParameters {
    let unit_throughput = points.iter().map(|(n, x)| x / n).fold(0.0, f64::max);
    UslParameters {
        unit_throughput,
        contention: 0.01,
        coherency: 1e-4,
    }
}

/// Levenberg-Marquardt with sigma and kappa free or held.
fn on_face(points: &[(f64, f64)], start: UslParameters, [sigma, kappa]: [Option<f64>; 2]) -> Option<UslFit> {
    let free = [true, sigma.is_none(), kappa.is_none()];
    let mut at = UslParameters {
        contention: sigma.unwrap_or(start.contention),
        coherency: kappa.unwrap_or(start.coherency),
        ..start
    };
    let mut sum = residual_sum(points, &at);
    let mut damping = 1e-3;
    for _ in 0..MOST_ITERATIONS {
        let (normal, gradient) = normal_equations(points, &at, free);
        let damped =
            normal + Matrix3::from_diagonal(&normal.diagonal().map(|entry| damping * entry.max(1e-300)));
        let step = damped.cholesky()?.solve(&gradient);
        let trial = UslParameters {
            unit_throughput: at.unit_throughput * (1.0 + step[0]),
            contention: at.contention + step[1],
            coherency: at.coherency + step[2],
        };
        let found = residual_sum(points, &trial);
        if found.is_finite() && found <= sum {
            let settled = step.amax() < 1e-14;
            (at, sum, damping) = (trial, found, (damping * 0.2).max(1e-14));
            if settled {
                break;
            }
        } else {
            damping *= 5.0;
            if damping > 1e12 {
                break;
            }
        }
    }
    Some(UslFit {
        parameters: at,
        residual_sum: sum,
    })
}

fn residual_sum(points: &[(f64, f64)], law: &UslParameters) -> f64 {
    points
        .iter()
        .map(|&(n, x)| (x - law.throughput_at(n)).powi(2))
        .sum()
}

/// J'J and J'e for (log gamma, sigma, kappa); what is held has a unit row.
fn normal_equations(
    points: &[(f64, f64)],
    law: &UslParameters,
    free: [bool; 3],
) -> (Matrix3<f64>, Vector3<f64>) {
    let (mut normal, mut gradient) = (Matrix3::zeros(), Vector3::zeros());
    for &(n, x) in points {
        let found = law.throughput_at(n);
        let per_unit = found * found / (law.unit_throughput * n);
        let row = [found, -per_unit * (n - 1.0), -per_unit * n * (n - 1.0)];
        let row = Vector3::from_fn(|i, _| if free[i] { row[i] } else { 0.0 });
        normal += row * row.transpose();
        gradient += row * (x - found);
    }
    (0..3).filter(|i| !free[*i]).for_each(|i| normal[(i, i)] = 1.0);
    (normal, gradient)
}
