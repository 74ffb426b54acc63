//! Service demand of every behaviour on one resource, by regression over steps of designed mixes.

use std::collections::BTreeMap;

use nalgebra::{DMatrix, DVector};
use nest_data::{
    Estimate,
    measurement::{Purpose, Resource, ResourceKind, Step, Worth},
    scaling::ResourceModel,
};
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::regression::{LinearFit, condition, weighted_nnls};

/// Relative deviation between visits of the same step before enough repeats have been seen.
pub const PRIOR_BETWEEN_VISITS: f64 = 0.02;
/// Repeats that the prior stands for, and from which on it is left out.
pub const PRIOR_REPEATS: f64 = 6.0;
/// Condition number above which single demands are not told apart.
pub const WORST_CONDITION: f64 = 30.0;
/// Error of a reading that no repeat can take away, as a share of capacity (or of the largest use).
const READING_ERROR: f64 = 2e-4;
/// A suspect step counts with this times the standard deviation of a valid one.
const SUSPECT_FACTOR: f64 = 2.0;
/// Rounds of fitting and re-weighting; the weights settle in three.
const ROUNDS: usize = 6;
/// Upper tail probability of the 90 % interval.
const UPPER: f64 = 0.95;

/// Use of one resource in one step, per second.
#[derive(Debug, Clone, PartialEq)]
pub struct Visit {
    /// Executions completed per second, one per behaviour.
    pub rates: Vec<f64>,
    /// Busy-seconds or bytes per second, or resident bytes.
    pub used: f64,
    /// The same by window.
    pub windows: Vec<WindowUse>,
    /// Whether the step counts less.
    pub suspect: bool,
}

/// Use of one resource in one window, per second.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowUse {
    /// Executions completed per second, one per behaviour.
    pub rates: Vec<f64>,
    /// Busy-seconds or bytes per second, or resident bytes.
    pub used: f64,
    /// Length in seconds, above 0.
    pub seconds: f64,
}

/// The use of a resource in every step that may be fitted: valid and suspect ones, not those that check the forecast.
#[must_use]
pub fn visits(steps: &[Step], behaviours: &[String], resource: &Resource) -> Vec<Visit> {
    let fitted = steps.iter().filter(|step| step.plan.purpose != Purpose::Confirm && matches!(step.verdict.worth, Worth::Valid | Worth::Suspect));
    fitted.filter_map(|step| visit(step, behaviours, resource)).collect()
}

/// The use of a resource in one step; none where no window has a reading.
#[must_use]
pub fn visit(step: &Step, behaviours: &[String], resource: &Resource) -> Option<Visit> {
    let per_second = |completed: &BTreeMap<String, u64>, seconds: f64| {
        behaviours.iter().map(|name| *completed.get(name).unwrap_or(&0) as f64 / seconds).collect::<Vec<_>>()
    };
    let windows: Vec<WindowUse> = step
        .windows
        .iter()
        .filter(|window| window.duration_s > 0.0)
        .filter_map(|window| {
            let used = *window.used.get(&resource.name)?;
            let used = if resource.kind == ResourceKind::Memory { used } else { used / window.duration_s };
            Some(WindowUse { rates: per_second(&window.completed, window.duration_s), used, seconds: window.duration_s })
        })
        .collect();
    let seconds: f64 = windows.iter().map(|window| window.seconds).sum();
    let mean = |value: &dyn Fn(&WindowUse) -> f64| windows.iter().map(|window| value(window) * window.seconds).sum::<f64>() / seconds;
    if seconds <= 0.0 {
        return None;
    }
    let rates = (0..behaviours.len()).map(|index| mean(&|window| window.rates[index])).collect();
    let used = mean(&|window| window.used);
    Some(Visit { rates, used, suspect: step.verdict.worth == Worth::Suspect, windows })
}

/// Fits idle use and demands of one resource.
///
/// # Formula
/// `used_v = idle + sum_j rate_jv D_j`, each visit v weighted by `1 / (within_v + (tau used_v)^2)`: `within_v` is the
/// variance of the mean of its window residuals, `tau` the relative deviation between visits, chosen so that the
/// weighted residuals have their expected size (Paule and Mandel). While fewer than six repeats (visits beyond
/// coefficients) have been seen, the missing ones are taken from the prior of 2 %. Intervals are Student's t.
///
/// Source: Paule, Mandel, "Consensus values and weighting factors", J. Res. NBS 87(5), 1982; utilisation law: Denning,
/// Buzen, "The operational analysis of queueing network models", ACM Computing Surveys 10(3), 1978.
///
/// `None` where there are fewer visits than coefficients, or behaviours that were never executed.
#[must_use]
pub fn fit_resource(visits: &[Visit], behaviours: &[String], resource: &Resource) -> Option<ResourceModel> {
    let columns = behaviours.len() + 1;
    if visits.len() < columns {
        return None;
    }
    let design = DMatrix::from_fn(visits.len(), columns, |row, column| if column == 0 { 1.0 } else { visits[row].rates[column - 1] });
    let used = DVector::from_iterator(visits.len(), visits.iter().map(|visit| visit.used));
    let scale = resource.capacity.filter(|_| resource.kind == ResourceKind::Cpu).unwrap_or(used.max()).max(f64::MIN_POSITIVE);
    let repeats = (visits.len() - columns) as f64;
    let mut fit = weighted_nnls(&design, &used, &used.map(|use_of| variance(use_of, 0.0, PRIOR_BETWEEN_VISITS, scale)))?;
    let mut tau = PRIOR_BETWEEN_VISITS;
    for _ in 0..ROUNDS {
        let fitted = &design * &fit.coefficients;
        let within: Vec<f64> = visits.iter().map(|visit| within_variance(visit, &fit)).collect();
        let weight =
            |row: usize, tau: f64| variance(fitted[row], within[row], tau, scale) * if visits[row].suspect { SUSPECT_FACTOR.powi(2) } else { 1.0 };
        let residuals = &used - &fitted;
        tau = between_visits(repeats, |tau| residuals.iter().enumerate().map(|(row, residual)| residual.powi(2) / weight(row, tau)).sum());
        fit = weighted_nnls(&design, &used, &DVector::from_fn(visits.len(), |row, _| weight(row, tau)))?;
    }
    let degrees_of_freedom = repeats.max(PRIOR_REPEATS);
    let t = StudentsT::new(0.0, 1.0, degrees_of_freedom).expect("at least six degrees of freedom").inverse_cdf(UPPER);
    let estimate = |column: usize| {
        let (value, error) = (fit.coefficients[column], fit.covariance[(column, column)].max(0.0).sqrt());
        Estimate { value, standard_error: error, low: (value - t * error).max(0.0), high: value + t * error }
    };
    // The design is judged at the weights of the fit: relative errors make a light step worth as much as a heavy one.
    let relative = DMatrix::from_fn(visits.len(), columns, |row, column| design[(row, column)] / (used[row] + 0.01 * scale));
    let condition = condition(&relative);
    Some(ResourceModel {
        name: resource.name.clone(),
        tier: resource.tier.clone(),
        kind: resource.kind,
        capacity: resource.capacity,
        idle: estimate(0),
        demand: behaviours.iter().enumerate().map(|(index, name)| (name.clone(), estimate(index + 1))).collect(),
        covariance: fit.covariance.row_iter().map(|row| row.iter().copied().collect()).collect(),
        condition,
        separable: condition <= WORST_CONDITION,
        visits: visits.len(),
        between_visits: tau,
        degrees_of_freedom,
    })
}

/// Variance of a visit's use: reading error, windows, and the deviation between visits.
fn variance(used: f64, within: f64, tau: f64, scale: f64) -> f64 {
    within + (tau * used).powi(2) + (READING_ERROR * scale).powi(2)
}

/// Variance of the mean of a visit's window residuals, with fewer effective windows where neighbours are alike.
///
/// # Formula
/// `var / n_eff`, `n_eff = n (1 - r_1) / (1 + r_1)` for a positive lag-1 autocorrelation r_1.
fn within_variance(visit: &Visit, fit: &LinearFit) -> f64 {
    let count = visit.windows.len() as f64;
    if count < 2.0 {
        return 0.0;
    }
    let fitted = |window: &WindowUse| fit.coefficients[0] + window.rates.iter().enumerate().map(|(index, rate)| rate * fit.coefficients[index + 1]).sum::<f64>();
    let residuals: Vec<f64> = visit.windows.iter().map(|window| window.used - fitted(window)).collect();
    let mean = residuals.iter().sum::<f64>() / count;
    let squares: f64 = residuals.iter().map(|one| (one - mean).powi(2)).sum();
    if squares <= 0.0 {
        return 0.0;
    }
    let lagged: f64 = residuals.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    let correlation = (lagged / squares).clamp(0.0, 0.9);
    let effective = (count * (1.0 - correlation) / (1.0 + correlation)).max(1.0);
    squares / (count - 1.0) / effective
}

/// Relative deviation between visits at which `chi_squared(tau)` plus the missing repeats' share reaches its expectation.
fn between_visits(repeats: f64, chi_squared: impl Fn(f64) -> f64) -> f64 {
    let missing = (PRIOR_REPEATS - repeats).max(0.0);
    let expected = repeats + missing;
    let excess = |tau: f64| chi_squared(tau) + missing * (PRIOR_BETWEEN_VISITS / tau).powi(2) - expected;
    let (mut low, mut high) = (1e-4_f64, 1.0_f64);
    if excess(low) <= 0.0 {
        return low;
    }
    if excess(high) >= 0.0 {
        return high;
    }
    for _ in 0..60 {
        let middle = (low * high).sqrt();
        if excess(middle) > 0.0 { low = middle } else { high = middle }
    }
    (low * high).sqrt()
}

/// Use of a resource at given completed rates, with its 90 % interval: parameters, and the visit's own deviation.
#[must_use]
pub fn predict(model: &ResourceModel, rates: &BTreeMap<String, f64>) -> Estimate {
    let weights: Vec<f64> = std::iter::once(1.0).chain(model.demand.keys().map(|name| rates.get(name).copied().unwrap_or(0.0))).collect();
    let values = std::iter::once(model.idle.value).chain(model.demand.values().map(|demand| demand.value));
    let value: f64 = weights.iter().zip(values).map(|(weight, value)| weight * value).sum();
    let parameters: f64 = weights
        .iter()
        .enumerate()
        .map(|(row, a)| weights.iter().enumerate().map(|(column, b)| a * b * model.covariance[row][column]).sum::<f64>())
        .sum();
    let error = (parameters.max(0.0) + (model.between_visits * value).powi(2)).sqrt();
    let t = StudentsT::new(0.0, 1.0, model.degrees_of_freedom).expect("at least six degrees of freedom").inverse_cdf(UPPER);
    Estimate { value, standard_error: error, low: (value - t * error).max(0.0), high: value + t * error }
}
