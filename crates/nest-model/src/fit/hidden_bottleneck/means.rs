//! What mean response times say of a limit: the time without queueing, the queues at measured resources and
//! at the limit explain them.

use nalgebra::{DMatrix, DVector};
use statrs::function::erf::erfc;

use super::{BottleneckLimit, BottleneckStation, LoadedStep, Passing, law::BottleneckLaw, log_sum};
use crate::queueing::relative_wait;

/// Multiples of the expected error, with their prior probability: some targets are less regular than a queue.
/// Chosen by hand.
const NOISE: [(f64, f64); 4] = [(0.3, 0.25), (1.0, 0.45), (2.0, 0.2), (4.0, 0.1)];
/// Relative deviation of a mean response time between blocks.
const BETWEEN_BLOCKS: f64 = 0.03;
/// Utilisation of a measured resource over that of a limit from which on the limit cannot spare it a queue:
/// either is about as narrow.
const NARROW: f64 = 0.9;
/// Error of the mean wait that its step shares, over that of exponential times, where the observed wait
/// corrects the expected one.
const OWN_WAIT: f64 = 0.4;
/// Variance that a short step misses of waits that come in bursts, over the variance of its mean wait.
const MISSED: f64 = 1.5;

/// One observation: what explains it, without the wait at a limit.
struct Observation {
    step: usize,
    behaviour: usize,
    mean_s: f64,
    variance: f64,
    own_queue_s: f64,
    shared_queue_s: f64,
}

/// What the means say of a hypothesis.
pub(super) struct MeansFit {
    /// Log density of the means, over all multiples of the expected error.
    pub(super) log: f64,
    /// The likeliest of them, and the coefficients of the means under it.
    noise: f64,
    coefficients: DVector<f64>,
}

/// Means of all behaviours in all steps.
pub(super) struct Means<'a> {
    loaded: &'a [&'a LoadedStep],
    observations: Vec<Observation>,
    light: Vec<f64>,
}

impl<'a> Means<'a> {
    pub(super) fn new(loaded: &'a [&'a LoadedStep], stations: &[BottleneckStation]) -> Self {
        let observations = observations(loaded, stations);
        let behaviours = loaded.first().map_or(0, |step| step.rates.len());
        let light = (0..behaviours)
            .map(|behaviour| light_s(&observations, behaviour))
            .collect();
        Self {
            loaded,
            observations,
            light,
        }
    }

    /// What they say of a limit, or of none where queueing at the measured resources goes by `law`.
    pub(super) fn fit(&self, law: &BottleneckLaw, limit: Option<BottleneckLimit>) -> MeansFit {
        let mut best = MeansFit {
            log: f64::NEG_INFINITY,
            noise: 1.0,
            coefficients: DVector::zeros(self.light.len() + 3),
        };
        let mut logs = [0.0; NOISE.len()];
        for ((noise, prior), log) in NOISE.into_iter().zip(&mut logs) {
            let Some((evidence, coefficients)) = self.evidence(noise, law, limit) else {
                return best;
            };
            *log = prior.ln() + evidence;
            if *log > best.log {
                best = MeansFit {
                    log: *log,
                    noise,
                    coefficients,
                };
            }
        }
        MeansFit {
            log: log_sum(logs.into_iter()),
            ..best
        }
    }

    /// Share of every behaviour in the executions that pass, over all steps.
    fn shares(&self, passing: Passing) -> DVector<f64> {
        let executions = |behaviour: usize| self.loaded.iter().map(|step| step.rates[behaviour]).sum::<f64>();
        let of = |behaviour: usize| {
            if passing.includes(behaviour) {
                executions(behaviour)
            } else {
                0.0
            }
        };
        let shares = DVector::from_iterator(self.light.len(), (0..self.light.len()).map(of));
        let total = shares.sum();
        if total > 0.0 { shares / total } else { shares }
    }

    /// Mean time at light load of those that pass.
    pub(super) fn mean_light(&self, passing: Passing) -> f64 {
        self.shares(passing)
            .iter()
            .zip(&self.light)
            .map(|(share, light)| share * light)
            .sum()
    }

    /// Whether a limit is the narrowest place where most executions pass it.
    pub(super) fn is_narrowest(&self, limit: BottleneckLimit) -> bool {
        let rho = |step: &&&LoadedStep| limit.utilisation(&step.rates);
        let busiest = self.loaded.iter().max_by(|a, b| rho(a).total_cmp(&rho(b)));
        busiest.is_some_and(|step| step.utilisation.iter().all(|one| *one < NARROW * rho(&step)))
    }

    /// What waiting at the limit adds to the variance of response times, by step.
    ///
    /// # Formula
    /// `W^2 + 2 W t (1 - C) (1 + 2 cv^2) / 3` with the wait W that the step shows, the probability of delay C
    /// and the mean wait of the delayed t if holding times are exponential: exact for one place and holding
    /// times of a gamma law (Takacs' `E[W^2] = 2 E[W]^2 + L E[S^3] / (3 (1 - rho))`), and for several places
    /// and exponential ones.
    pub(super) fn limit_variances(&self, limit: BottleneckLimit, fit: &MeansFit) -> Vec<f64> {
        let behaviours = self.light.len();
        let coefficients = &fit.coefficients;
        let of = |(index, step): (usize, &&LoadedStep)| {
            let passing = limit.passing.rate(&step.rates);
            if passing <= 0.0 {
                return 0.0;
            }
            let (rho, servers) = (limit.utilisation(&step.rates), f64::from(limit.servers));
            let relative = limit.relative_wait(&step.rates);
            let expected = coefficients[behaviours + 2] * relative;
            let of_mean =
                expected * expected * relative_variance(rho) / self.passing_executions(index, limit.passing);
            // The wait of this very step: what is expected, corrected by what is seen.
            let mut weight = (fit.noise * fit.noise * OWN_WAIT * of_mean + 1e-16).recip();
            let mut sum = expected * weight;
            for one in self
                .observations
                .iter()
                .filter(|one| one.step == index && limit.passing.includes(one.behaviour))
            {
                let others = coefficients[one.behaviour]
                    + coefficients[behaviours] * one.own_queue_s
                    + coefficients[behaviours + 1] * one.shared_queue_s;
                let own = (fit.noise * fit.noise * one.variance).recip();
                sum += own * (one.mean_s - others);
                weight += own;
            }
            let wait = (sum / weight).max(0.1 * expected).max(0.0);
            let delayed = relative * servers * (1.0 - rho);
            let of_delayed = limit.hold_s() / (servers * (1.0 - rho));
            let variance =
                wait * wait + 2.0 * wait * of_delayed * (1.0 - delayed) * (1.0 + 2.0 * limit.law.cv2) / 3.0;
            variance - (MISSED * of_mean).min(0.4 * variance)
        };
        self.loaded.iter().enumerate().map(of).collect()
    }

    /// Executions of a step that pass, of those whose times are known.
    fn passing_executions(&self, step: usize, passing: Passing) -> f64 {
        let step = self.loaded[step];
        let executions: f64 = step
            .responses
            .iter()
            .flatten()
            .map(|response| response.count)
            .sum();
        executions * passing.rate(&step.rates) / step.rates.iter().sum::<f64>()
    }

    /// Log density of the means where errors are `noise` times as large as expected, and the coefficients.
    fn evidence(
        &self,
        noise: f64,
        law: &BottleneckLaw,
        limit: Option<BottleneckLimit>,
    ) -> Option<(f64, DVector<f64>)> {
        let behaviours = self.light.len();
        let columns = behaviours + 2 + usize::from(limit.is_some());
        // Priors: of the time without queueing broad, around what the lightest step shows.
        let mut prior_mean = DVector::zeros(columns);
        let mut precision = DMatrix::zeros(columns, columns);
        for (behaviour, light) in self.light.iter().enumerate() {
            (prior_mean[behaviour], precision[(behaviour, behaviour)]) = (*light, (0.5 * light).powi(-2));
        }
        let at_limit = limit.map(|limit| (law.wait.0 * limit.hold_s(), law.wait.1 * limit.hold_s()));
        for (column, (centre, deviation)) in [law.own_queue, law.shared_queue]
            .into_iter()
            .chain(at_limit)
            .enumerate()
        {
            (
                prior_mean[behaviours + column],
                precision[(behaviours + column, behaviours + column)],
            ) = (centre, deviation.powi(-2));
        }
        let prior_log_determinant: f64 = precision.diagonal().iter().map(|one| one.ln()).sum();
        let mut shift = DVector::zeros(columns);
        let (mut squares, mut log_variances) = (0.0, 0.0);
        let mut row = vec![0.0; columns];
        let mut from = 0;
        while from < self.observations.len() {
            let step = self.observations[from].step;
            let to = from
                + self.observations[from..]
                    .iter()
                    .take_while(|one| one.step == step)
                    .count();
            let block = &self.observations[from..to];
            let of_limit = |behaviour: usize| {
                let limit = limit.filter(|limit| limit.passing.includes(behaviour))?;
                Some(limit.relative_wait(&self.loaded[step].rates))
            };
            let (at_resources, at_limit) = self.queue_variances(step, block, limit);
            // Behaviours that wait in the same queue share the error of its mean; a limit of one behaviour is
            // that one's own.
            let (common, own) = match limit.map(|limit| limit.passing) {
                Some(Passing::One(_)) => (at_resources, at_limit),
                _ => (at_resources + at_limit, 0.0),
            };
            let common = noise * noise * common;
            let (mut weight_sum, mut residual_sum) = (0.0, 0.0);
            let mut row_sum = DVector::zeros(columns);
            for one in block {
                row.fill(0.0);
                row[one.behaviour] = 1.0;
                row[behaviours] = one.own_queue_s;
                row[behaviours + 1] = one.shared_queue_s;
                if let Some(wait) = of_limit(one.behaviour) {
                    row[behaviours + 2] = wait;
                }
                let expected: f64 = row.iter().zip(prior_mean.iter()).map(|(a, b)| a * b).sum();
                let residual = one.mean_s - expected;
                let own = limit
                    .filter(|limit| limit.passing.includes(one.behaviour))
                    .map_or(0.0, |_| own);
                let weight = 1.0 / (noise * noise * (one.variance + own));
                log_variances -= weight.ln();
                squares += weight * residual * residual;
                weight_sum += weight;
                residual_sum += weight * residual;
                for (column, value) in row.iter().enumerate().filter(|(_, value)| **value != 0.0) {
                    shift[column] += weight * value * residual;
                    row_sum[column] += weight * value;
                    for (other, second) in row.iter().enumerate().filter(|(_, value)| **value != 0.0) {
                        precision[(column, other)] += weight * value * second;
                    }
                }
            }
            // The error that the behaviours of a step share: Sherman and Morrison on the diagonal.
            let shared = common / (1.0 + common * weight_sum);
            log_variances += (1.0 + common * weight_sum).ln();
            squares -= shared * residual_sum * residual_sum;
            shift -= &row_sum * (shared * residual_sum);
            precision -= &row_sum * row_sum.transpose() * shared;
            from = to;
        }
        let cholesky = precision.cholesky()?;
        let change = cholesky.solve(&shift);
        let explained = shift.dot(&change);
        let log_determinant: f64 = 2.0
            * cholesky
                .l_dirty()
                .diagonal()
                .iter()
                .map(|one| one.ln())
                .sum::<f64>();
        let coefficients = prior_mean + change;
        let mut log = -0.5 * (log_variances + squares - explained + log_determinant - prior_log_determinant);
        if let Some(limit) = limit {
            let mut share = self.shares(limit.passing);
            let without_queueing = share.dot(&coefficients.rows(0, behaviours));
            share = share.resize_vertically(columns, 0.0);
            let deviation = share.dot(&cholesky.solve(&share)).sqrt();
            log += normal_share((without_queueing - limit.hold_s()) / deviation)
                .max(1e-12)
                .ln();
        }
        Some((log, coefficients))
    }

    /// Variances of the mean waits of a step, which were observed for a finite time: at measured resources,
    /// and at the limit.
    fn queue_variances(
        &self,
        step: usize,
        block: &[Observation],
        limit: Option<BottleneckLimit>,
    ) -> (f64, f64) {
        let executions: f64 = self.loaded[step]
            .responses
            .iter()
            .flatten()
            .map(|response| response.count)
            .sum();
        let utilisation = self.loaded[step].utilisation.iter().copied().fold(0.0, f64::max);
        let queue = block.iter().map(|one| one.shared_queue_s).fold(0.0, f64::max);
        let measured = queue * queue * relative_variance(utilisation) / executions;
        let Some(limit) = limit else {
            return (measured, 0.0);
        };
        let rates = &self.loaded[step].rates;
        if limit.passing.rate(rates) <= 0.0 {
            return (measured, 0.0);
        }
        let wait = limit.law.wait.0 * limit.hold_s() * limit.relative_wait(rates);
        // Regular holding times make more regular queues.
        let regular = ((1.0 + limit.law.cv2) / 2.0).powi(2);
        (
            measured,
            wait * wait * regular * relative_variance(limit.utilisation(rates))
                / self.passing_executions(step, limit.passing),
        )
    }
}

/// Squared relative error of the mean wait of one customer of a queue, times their number.
///
/// # Formula
/// `(2 + 5 rho - 4 rho^2 + rho^3) / (rho (1 - rho)^2)` for one exponential server.
///
/// Source: Whitt, "Planning queueing simulations", Management Science 35(11), 1989.
fn relative_variance(utilisation: f64) -> f64 {
    let rho = utilisation.clamp(0.02, 0.97);
    (2.0 + 5.0 * rho - 4.0 * rho * rho + rho.powi(3)) / (rho * (1.0 - rho).powi(2))
}

fn observations(loaded: &[&LoadedStep], stations: &[BottleneckStation]) -> Vec<Observation> {
    let mut observations = Vec::new();
    for (index, step) in loaded.iter().enumerate() {
        let queue = |behaviour: usize| {
            let of = |(station, utilisation): (&BottleneckStation, &f64)| {
                station.demand_s[behaviour] * relative_wait(station.servers, utilisation.min(0.99))
            };
            stations.iter().zip(&step.utilisation).map(of).sum::<f64>()
        };
        let total: f64 = step.rates.iter().sum();
        let shared: f64 = step
            .rates
            .iter()
            .enumerate()
            .map(|(behaviour, rate)| rate / total * queue(behaviour))
            .sum();
        for (behaviour, response) in step.responses.iter().enumerate() {
            let Some(response) = response else { continue };
            let sampling = response.deviation_s.powi(2) / response.count;
            let variance = (BETWEEN_BLOCKS * response.mean_s).powi(2) + sampling;
            observations.push(Observation {
                step: index,
                behaviour,
                mean_s: response.mean_s,
                variance,
                own_queue_s: queue(behaviour),
                shared_queue_s: shared,
            });
        }
    }
    observations
}

/// Least mean response time of a behaviour, in seconds; 1 ms where it has none.
fn light_s(observations: &[Observation], behaviour: usize) -> f64 {
    observations
        .iter()
        .filter(|one| one.behaviour == behaviour)
        .map(|one| one.mean_s)
        .reduce(f64::min)
        .unwrap_or(1e-3)
}

/// Share of the standard normal distribution below `z`.
fn normal_share(z: f64) -> f64 {
    0.5 * erfc(-z / std::f64::consts::SQRT_2)
}
