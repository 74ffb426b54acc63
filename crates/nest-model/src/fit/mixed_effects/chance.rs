//! What chance makes of the work of few executions.

use nalgebra::DVector;

use super::Observations;

/// Variance of the use of each window, were the work of its executions exponential, per second squared.
///
/// # Formula
/// `sum_j rate_j D_j^2 / T`: n executions of the mean demand D have the variance `n D^2 cv^2` around `n D`,
/// and one that is under way at an edge of the window does a share of its work elsewhere, which is in
/// proportion to `D^2` as well. A few executions of a heavy behaviour make most of it.
pub(super) fn chance_in_executions(observations: &Observations, coefficients: &DVector<f64>) -> Vec<f64> {
    let of_row = |row: usize| {
        let executions = |column: usize| observations.design[(row, column)] * coefficients[column].powi(2);
        (1..=observations.behaviours).map(executions).sum::<f64>() / observations.seconds[row]
    };
    (0..observations.used.len()).map(of_row).collect()
}
