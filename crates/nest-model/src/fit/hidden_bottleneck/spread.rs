//! Variances of response times. They tell short waits of many executions from long waits of a few, and so how
//! regular the holding times of a limit are.
//!
//! What it leaves to others: the means (`means`), and what a limit adds to a variance, which it is told.

use nalgebra::{DMatrix, DVector};

use super::{BottleneckStation, LoadedStep, log_sum};
use crate::queueing::relative_wait;

/// What queueing at the measured resources adds to a variance, over what is computed of it: the wait in order
/// of arrival, service time that sharing stretches, and how unevenly sharing does so. Centre and deviation of
/// the prior; each law of waiting has its own.
pub(super) type OfResources = [(f64, f64); 3];

/// Relative error of the variance of one execution's response time. Chosen by hand: sqrt(8) = 2.8 is that of
/// exponential times (fourth central moment 9, less 1); a few late executions make it larger.
const OF_ONE: f64 = 3.5;
/// Relative error that all variances of a step share, because they stood in the same queue. Chosen by hand:
/// between the 3 % of mean times and the error of a single behaviour's variance.
const OF_STEP: f64 = 0.25;
/// Multiples of both errors, with their prior probability. Chosen by hand: the errors above are most likely
/// about right, but may be two fifths too large, or half of what they should be.
const NOISE: [(f64, f64); 3] = [(0.6, 0.3), (1.0, 0.5), (2.0, 0.2)];
/// Variance without queueing over the least that was measured: centre and deviation of the prior. Chosen by
/// hand: the least that was measured has some queueing in it, and how much is not known, so that the
/// deviation reaches from none to all of it.
const LIGHT: (f64, f64) = (0.5, 0.6);
/// Executions by which the variance of a behaviour with few of them is drawn to that of all its executions.
/// Chosen by hand: a variance of 30 is known to about two thirds of itself.
const FEW: f64 = 30.0;
/// The same for what queueing adds in a step, drawn to the mean of all behaviours. Chosen by hand, more than
/// [`FEW`] because it is a difference of two variances.
const FEW_IN_STEP: f64 = 50.0;

/// One variance.
struct SpreadRow {
    step: usize,
    behaviour: usize,
    variance: f64,
    of_resources: [f64; 3],
    weight: f64,      // 1 / the square of its own error
    of_queueing: f64, // about what queueing adds to it
}

/// Variances of response times of all behaviours in all steps.
pub(super) struct ResponseSpread {
    rows: Vec<SpreadRow>,
    light: Vec<f64>, // about the variance without queueing, by behaviour
}

impl ResponseSpread {
    pub(super) fn new(loaded: &[&LoadedStep], stations: &[BottleneckStation]) -> Self {
        let behaviours = loaded.first().map_or(0, |step| step.rates.len());
        let light: Vec<f64> = (0..behaviours)
            .map(|behaviour| least_variance(loaded, behaviour))
            .collect();
        let mut rows = Vec::new();
        for (index, step) in loaded.iter().enumerate() {
            let seen = || {
                step.responses
                    .iter()
                    .enumerate()
                    .filter_map(|(behaviour, response)| Some((behaviour, (*response)?)))
            };
            let more =
                |behaviour: usize, deviation_s: f64| (deviation_s * deviation_s - light[behaviour]).max(0.0);
            let count: f64 = seen().map(|(_, response)| response.count).sum();
            let in_step = seen()
                .map(|(behaviour, response)| response.count * more(behaviour, response.deviation_s))
                .sum::<f64>()
                / count;
            for (behaviour, response) in seen() {
                let light = light[behaviour];
                let own = response.count * more(behaviour, response.deviation_s);
                // The error is of what is about expected, whatever a hypothesis says: else the one that
                // expects more errs less.
                let of_queueing =
                    (own + FEW_IN_STEP * in_step) / (response.count + FEW_IN_STEP) + 1e-3 * light;
                let error = OF_ONE / response.count.sqrt() * (light + of_queueing);
                let of_resources = of_resources(step, stations, behaviour);
                rows.push(SpreadRow {
                    step: index,
                    behaviour,
                    variance: response.deviation_s.powi(2),
                    of_resources,
                    weight: error.powi(-2),
                    of_queueing,
                });
            }
        }
        Self { rows, light }
    }

    /// Log density of the variances, where `at_limit` is what waiting at a limit adds to one, by step and
    /// behaviour.
    ///
    /// # Formula
    /// `V_js = v_j + sum_i k_i q_ijs + at_limit(s, j)` with Gaussian priors on v_j and k_i; errors as above.
    pub(super) fn log_evidence(&self, prior: &OfResources, at_limit: impl Fn(usize, usize) -> f64) -> f64 {
        let behaviours = self.light.len();
        let priors: Vec<(f64, f64)> = self
            .light
            .iter()
            .map(|light| (LIGHT.0 * light, LIGHT.1 * light))
            .chain(*prior)
            .collect();
        let columns = priors.len();
        let mut likelihood = DMatrix::zeros(columns, columns);
        let mut shift = DVector::zeros(columns);
        let (mut squares, mut log_variances) = (0.0, 0.0);
        for step in self.rows.chunk_by(|a, b| a.step == b.step) {
            let mut shared = DVector::zeros(columns);
            let (mut weight_sum, mut residual_sum) = (0.0, 0.0);
            for row in step {
                let terms = [
                    (row.behaviour, 1.0),
                    (behaviours, row.of_resources[0]),
                    (behaviours + 1, row.of_resources[1]),
                    (behaviours + 2, row.of_resources[2]),
                ];
                let expected: f64 = terms
                    .iter()
                    .map(|(column, value)| priors[*column].0 * value)
                    .sum();
                let residual = row.variance - expected - at_limit(row.step, row.behaviour);
                log_variances -= row.weight.ln();
                squares += row.weight * residual * residual;
                weight_sum += row.weight * row.of_queueing * row.of_queueing;
                residual_sum += row.weight * row.of_queueing * residual;
                for (column, value) in terms {
                    shift[column] += row.weight * value * residual;
                    shared[column] += row.weight * row.of_queueing * value;
                    for (other, second) in terms {
                        likelihood[(column, other)] += row.weight * value * second;
                    }
                }
            }
            // The error that the behaviours of a step share: Sherman and Morrison on the diagonal.
            let common = OF_STEP * OF_STEP / (1.0 + OF_STEP * OF_STEP * weight_sum);
            log_variances += (1.0 + OF_STEP * OF_STEP * weight_sum).ln();
            squares -= common * residual_sum * residual_sum;
            shift -= &shared * (common * residual_sum);
            likelihood -= &shared * shared.transpose() * common;
        }
        let prior_log_determinant: f64 = priors.iter().map(|(_, deviation)| -2.0 * deviation.ln()).sum();
        let with_noise = |(noise, probability): (f64, f64)| {
            let scale = (noise * noise).recip();
            let precision = DMatrix::from_diagonal(&DVector::from_iterator(
                columns,
                priors.iter().map(|(_, deviation)| deviation.powi(-2)),
            ));
            let Some(cholesky) = (precision + &likelihood * scale).cholesky() else {
                return f64::NEG_INFINITY;
            };
            let explained = shift.dot(&cholesky.solve(&shift)) * scale * scale;
            let log_determinant: f64 = 2.0
                * cholesky
                    .l_dirty()
                    .diagonal()
                    .iter()
                    .map(|one| one.ln())
                    .sum::<f64>();
            let log_errors = log_variances - self.rows.len() as f64 * scale.ln();
            probability.ln()
                - 0.5 * (log_errors + squares * scale - explained + log_determinant - prior_log_determinant)
        };
        log_sum(NOISE.into_iter().map(with_noise))
    }
}

/// What queueing at the measured resources adds to the variance of a behaviour's response time, if service is
/// exponential.
///
/// # Formula
/// With `w = relative_wait`, C the probability of delay, D the own demand and S the mean one:
/// `(S w)^2 (2 / C - 1)` in order of arrival (exact for M/M/c); `D^2 ((1 + w)^2 - 1)` for service times that
/// sharing stretches; `2 D S w (1 + w)^2` for how unevenly it does so (M/M/1: `2 D S rho / (1 - rho)^3`).
///
/// Source: Coffman, Muntz and Trotter, "Waiting time distributions for processor-sharing systems", Journal of
/// the ACM 17(1), 1970.
fn of_resources(step: &LoadedStep, stations: &[BottleneckStation], behaviour: usize) -> [f64; 3] {
    let total: f64 = step.rates.iter().sum();
    let mut sum = [0.0; 3];
    for (station, utilisation) in stations.iter().zip(&step.utilisation) {
        let utilisation = utilisation.min(0.97);
        let wait = relative_wait(station.servers, utilisation);
        let delayed = wait * station.servers * (1.0 - utilisation);
        if delayed <= 0.0 {
            continue;
        }
        let own = station.demand_s[behaviour];
        let mean: f64 = step
            .rates
            .iter()
            .zip(&station.demand_s)
            .map(|(rate, demand)| rate / total * demand)
            .sum();
        sum[0] += (mean * wait).powi(2) * (2.0 / delayed - 1.0);
        sum[1] += own * own * ((1.0 + wait).powi(2) - 1.0);
        sum[2] += 2.0 * own * mean * wait * (1.0 + wait).powi(2);
    }
    sum
}

/// Least variance of a behaviour's response times over the steps, those of few executions drawn to that of
/// all.
fn least_variance(loaded: &[&LoadedStep], behaviour: usize) -> f64 {
    let seen = || loaded.iter().filter_map(|step| step.responses[behaviour]);
    let count: f64 = seen().map(|response| response.count).sum();
    let mean = seen()
        .map(|response| response.count * response.deviation_s.powi(2))
        .sum::<f64>()
        / count;
    let drawn = |response: super::MeanResponse| {
        (response.count * response.deviation_s.powi(2) + FEW * mean) / (response.count + FEW)
            + 1e-4 * response.mean_s.powi(2)
    };
    seen().map(drawn).reduce(f64::min).unwrap_or(1e-6)
}
