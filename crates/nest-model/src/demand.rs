//! Service demand of every behaviour on one resource, by regression over steps of designed mixes.

use std::collections::BTreeMap;

use nalgebra::{DMatrix, DVector};
use nest_data::{
    Estimate,
    measurement::{Purpose, Resource, ResourceKind, Step, Worth},
    scaling::{LoadDependence, ResourceModel},
};
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::{
    load_law::{LoadLaw, idleness},
    regression::{LinearFit, condition, weighted_nnls},
};

/// Relative deviation between visits of the same step before enough repeats have been seen.
pub const PRIOR_BETWEEN_VISITS: f64 = 0.02;
/// Repeats that the prior stands for, and from which on it is left out.
pub const PRIOR_REPEATS: f64 = 6.0;
/// Condition number above which single demands are not told apart.
pub const WORST_CONDITION: f64 = 30.0;
/// Least relative deviation between visits that a handful of them can show.
const LEAST_BETWEEN_VISITS: f64 = 1e-3;
/// Error of a reading that no repeat can take away, as a share of capacity (or of the largest use).
const READING_ERROR: f64 = 2e-4;
/// Share of capacity (or of the largest use) that the error of a visit does not fall below: on a machine that is mostly
/// idle, waking up costs processor time of its own, so light steps say less about loaded ones than their size suggests.
const LIGHT_LOAD: f64 = 0.35;
/// Standard errors that a slope of demand over load must lie above zero to be believed.
const LEAST_EVIDENCE: f64 = 2.0;
/// A suspect step counts with this times the standard deviation of a valid one.
const SUSPECT_FACTOR: f64 = 2.0;
/// Windows of a step with a reading below which the step says nothing about a resource.
const FEWEST_WINDOWS: usize = 2;
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
    let fitted = steps.iter().filter(|step| step.plan.purpose != Purpose::Confirm && step.verdict.worth.is_fitted());
    fitted.filter_map(|step| visit(step, behaviours, resource)).collect()
}

/// The use of a resource in one step; none where too few windows have a reading. A window without one counts neither as
/// use nor as time.
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
    // A single window shows nothing of how windows differ, and would be believed more than ten of another step.
    if windows.len() < FEWEST_WINDOWS.min(step.windows.len()) {
        return None;
    }
    let seconds: f64 = windows.iter().map(|window| window.seconds).sum();
    let mean = |value: &dyn Fn(&WindowUse) -> f64| windows.iter().map(|window| value(window) * window.seconds).sum::<f64>() / seconds;
    if seconds <= 0.0 {
        return None;
    }
    let rates = (0..behaviours.len()).map(|index| mean(&|window| window.rates[index])).collect();
    let used = mean(&|window| window.used);
    Some(Visit { rates, used, suspect: step.verdict.worth == Worth::Suspect, windows })
}

/// Fits idle use and demands of one resource, and how they depend on its load where the steps show that they do.
///
/// # Formula
/// `used_v = idle + sum_j rate_jv D_j (1 + slope ((1 - U_v)^2 - mean))`, the slope only where it is above twice its standard error
/// (see [`LoadLaw`]). The variance of a visit v is `within_v + (tau used_v)^2`: `within_v` is the variance of the mean of its
/// window residuals, `tau` the relative deviation between visits, chosen so that the residuals have their expected size
/// (method of moments). While fewer than six repeats (visits beyond coefficients) have been seen, the missing ones are taken
/// from the prior of 2 %. A visit is weighted by one over its variance plus `(tau 0.35 c)^2`, so that light steps do not
/// decide; the covariance is that of these weights, and intervals are Student's t.
///
/// Source of the utilisation law: Denning, Buzen, "The operational analysis of queueing network models", ACM Computing
/// Surveys 10(3), 1978.
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
    let processor = resource.capacity.filter(|_| resource.kind == ResourceKind::Cpu);
    let scale = processor.unwrap_or(used.max()).max(f64::MIN_POSITIVE);
    let plain = fit_visits(visits, &design, &used, scale)?;
    let loaded = processor.and_then(|capacity| fit_load(visits, &design, &used, capacity, &plain));
    let (fitted, law) = match loaded {
        Some((fitted, law)) => (fitted, Some(law)),
        None => (plain, None),
    };
    let t = StudentsT::new(0.0, 1.0, fitted.degrees_of_freedom).expect("at least six degrees of freedom").inverse_cdf(UPPER);
    let estimate = |column: usize| {
        let (value, error) = (fitted.fit.coefficients[column], fitted.covariance[(column, column)].max(0.0).sqrt());
        Estimate { value, standard_error: error, low: (value - t * error).max(0.0), high: value + t * error }
    };
    // The design is judged by relative errors: a light step tells as much of a mix as a heavy one.
    let relative = DMatrix::from_fn(visits.len(), columns, |row, column| design[(row, column)] / (used[row] + 0.01 * scale));
    let condition = condition(&relative);
    Some(ResourceModel {
        name: resource.name.clone(),
        tier: resource.tier.clone(),
        kind: resource.kind,
        capacity: resource.capacity,
        idle: estimate(0),
        demand: behaviours.iter().enumerate().map(|(index, name)| (name.clone(), estimate(index + 1))).collect(),
        load_dependence: law.map(|mean_idleness| LoadDependence { slope: estimate(columns), mean_idleness }),
        covariance: fitted.covariance.row_iter().map(|row| row.iter().copied().collect()).collect(),
        condition,
        separable: condition <= WORST_CONDITION,
        visits: visits.len(),
        between_visits: fitted.tau,
        degrees_of_freedom: fitted.degrees_of_freedom,
    })
}

/// A fit with what its intervals need.
struct FittedVisits {
    fit: LinearFit,
    covariance: DMatrix<f64>,
    tau: f64,
    degrees_of_freedom: f64,
}

/// Fits visits to a design whose first columns are idle use and the rates of the behaviours.
fn fit_visits(visits: &[Visit], design: &DMatrix<f64>, used: &DVector<f64>, scale: f64) -> Option<FittedVisits> {
    let repeats = visits.len().checked_sub(design.ncols())? as f64;
    let mut tau = PRIOR_BETWEEN_VISITS;
    let mut variances = used.map(|used| variance(used, 0.0, tau, scale));
    let mut fit = weighted_nnls(design, used, &variances.map(|variance| fit_variance(variance, tau, scale)))?;
    for _ in 0..ROUNDS {
        let weighted_by = variances.map(|variance| fit_variance(variance, tau, scale));
        fit = weighted_nnls(design, used, &weighted_by)?;
        let fitted = design * &fit.coefficients;
        let factor = |row: usize| if visits[row].suspect { SUSPECT_FACTOR.powi(2) } else { 1.0 };
        let known = DVector::from_fn(visits.len(), |row, _| factor(row) * variance(0.0, within_variance(&visits[row], &fit), 0.0, scale));
        let relative = DVector::from_fn(visits.len(), |row, _| factor(row) * fitted[row].powi(2));
        let seen = between_visits(design, &(used - &fitted), &weighted_by, &fit, &known, &relative);
        tau = with_prior(seen, repeats);
        variances = &known + &relative * tau.powi(2);
    }
    let covariance = sandwich(design, &variances, &variances.map(|variance| fit_variance(variance, tau, scale)), &fit);
    Some(FittedVisits { fit, covariance, tau, degrees_of_freedom: repeats.max(PRIOR_REPEATS) })
}

/// The same with demand that depends on load, and the mean idleness at which it is stated; none where the steps do not
/// show it.
///
/// The slope becomes linear with the work of a visit taken from the fit before: `slope ((1 - U_v)^2 - mean) sum_j rate_jv D_j`.
fn fit_load(visits: &[Visit], design: &DMatrix<f64>, used: &DVector<f64>, capacity: f64, plain: &FittedVisits) -> Option<(FittedVisits, f64)> {
    let columns = design.ncols();
    let work_of = |fit: &LinearFit| design.columns(1, columns - 1) * fit.coefficients.rows(1, columns - 1);
    // The mean is one over executions, so that the stated demand is what an execution of the run took on average.
    let executions = DVector::from_iterator(visits.len(), visits.iter().map(|visit| visit.rates.iter().sum::<f64>()));
    let idle = used.map(|used| idleness(used / capacity));
    let mean = executions.dot(&idle) / executions.sum();
    let mut work = work_of(&plain.fit);
    let mut loaded = None;
    for _ in 0..ROUNDS {
        let slope = DVector::from_fn(visits.len(), |row, _| (idle[row] - mean) * work[row]);
        let mut wider = design.clone().insert_column(columns, 0.0);
        wider.set_column(columns, &slope);
        let fitted = fit_visits(visits, &wider, used, capacity)?;
        work = work_of(&fitted.fit);
        loaded = Some(fitted);
    }
    let fitted = loaded?;
    let (slope, error) = (fitted.fit.coefficients[columns], fitted.covariance[(columns, columns)].max(0.0).sqrt());
    (slope > LEAST_EVIDENCE * error && slope <= 1.0).then_some((fitted, mean))
}

/// Variance of a visit's use: reading error, windows, and the deviation between visits.
fn variance(used: f64, within: f64, tau: f64, scale: f64) -> f64 {
    within + (tau * used).powi(2) + (READING_ERROR * scale).powi(2)
}

/// Variance that a visit is weighted by: light steps count less than their own variance would let them.
fn fit_variance(variance: f64, tau: f64, scale: f64) -> f64 {
    variance + (tau * LIGHT_LOAD * scale).powi(2)
}

/// Covariance of a fit whose weights are not one over the variances of its observations.
///
/// # Formula
/// `C (X' W V W X) C`, with `C = (X' W X)^-1`, V the variances and W the weights.
///
/// Source: White, "A heteroskedasticity-consistent covariance matrix estimator", Econometrica 48(4), 1980.
fn sandwich(design: &DMatrix<f64>, variances: &DVector<f64>, weighted_by: &DVector<f64>, fit: &LinearFit) -> DMatrix<f64> {
    let weighted = DMatrix::from_fn(design.nrows(), design.ncols(), |row, column| design[(row, column)] / weighted_by[row]);
    let middle = weighted.transpose() * DMatrix::from_diagonal(variances) * weighted;
    &fit.covariance * middle * &fit.covariance
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
    let fitted = |window: &WindowUse| {
        fit.coefficients[0] + window.rates.iter().enumerate().map(|(index, rate)| rate * fit.coefficients[index + 1]).sum::<f64>()
    };
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

/// Squared relative deviation between visits, from the residuals of a fit with any weights; 0 or more.
///
/// # Formula
/// With `R = I - X C X' W`, the weighted residuals have the expectation `sum_k g_k V_k`, `g_k = sum_i w_i R_ik^2`, and
/// `V_k = known_k + tau^2 relative_k`; solved for `tau^2`.
///
/// Source: DerSimonian, Kacker, "Random-effects model for meta-analysis of clinical trials: an update", Contemporary
/// Clinical Trials 28(2), 2007 (the general method of moments).
fn between_visits(
    design: &DMatrix<f64>,
    residuals: &DVector<f64>,
    weighted_by: &DVector<f64>,
    fit: &LinearFit,
    known: &DVector<f64>,
    relative: &DVector<f64>,
) -> f64 {
    let weighted = DMatrix::from_fn(design.nrows(), design.ncols(), |row, column| design[(row, column)] / weighted_by[row]);
    let remain = DMatrix::identity(design.nrows(), design.nrows()) - design * &fit.covariance * weighted.transpose();
    let gain = DVector::from_fn(design.nrows(), |visit, _| (0..design.nrows()).map(|row| remain[(row, visit)].powi(2) / weighted_by[row]).sum());
    let seen: f64 = residuals.iter().zip(weighted_by.iter()).map(|(residual, variance)| residual.powi(2) / variance).sum();
    ((seen - gain.dot(known)) / gain.dot(relative)).max(0.0)
}

/// The deviation between visits, with the repeats that are missing to six taken from the prior.
fn with_prior(seen_squared: f64, repeats: f64) -> f64 {
    let missing = (PRIOR_REPEATS - repeats).max(0.0);
    let seen = if seen_squared.is_finite() { seen_squared * repeats } else { 0.0 };
    ((seen + missing * PRIOR_BETWEEN_VISITS.powi(2)) / (repeats + missing)).sqrt().clamp(LEAST_BETWEEN_VISITS, 1.0)
}

/// The load law of a fitted resource; a slope of 0 where its demand does not depend on load.
#[must_use]
pub fn load_law(model: &ResourceModel) -> LoadLaw {
    model.load_dependence.as_ref().map_or(LoadLaw::default(), |law| LoadLaw { slope: law.slope.value, mean: law.mean_idleness })
}

/// Use of a resource at given completed rates, with its 90 % interval: parameters, and the visit's own deviation.
#[must_use]
pub fn predict(model: &ResourceModel, rates: &BTreeMap<String, f64>) -> Estimate {
    let busy: f64 = model.demand.iter().map(|(name, demand)| rates.get(name).copied().unwrap_or(0.0) * demand.value).sum();
    let law = load_law(model);
    let capacity = model.capacity.unwrap_or(f64::INFINITY);
    let value = law.used(model.idle.value, busy, capacity);
    let factor = law.factor(value / capacity);
    let mut weights: Vec<f64> =
        std::iter::once(1.0).chain(model.demand.keys().map(|name| factor * rates.get(name).copied().unwrap_or(0.0))).collect();
    if model.load_dependence.is_some() {
        weights.push((idleness(value / capacity) - law.mean) * busy);
    }
    let parameters: f64 = weights
        .iter()
        .enumerate()
        .map(|(row, a)| weights.iter().enumerate().map(|(column, b)| a * b * model.covariance[row][column]).sum::<f64>())
        .sum();
    let error = (parameters.max(0.0) + (model.between_visits * value).powi(2)).sqrt();
    let t = StudentsT::new(0.0, 1.0, model.degrees_of_freedom).expect("at least six degrees of freedom").inverse_cdf(UPPER);
    Estimate { value, standard_error: error, low: (value - t * error).max(0.0), high: value + t * error }
}
