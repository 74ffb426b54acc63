//! Mean response times, explained by the time without queueing and by the queues at measured resources and at
//! a limit.

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
/// Error of the mean wait that its step shares, over that of exponential times, once the observed wait
/// corrects the expected one.
const OWN_WAIT: f64 = 0.4;
/// Variance that a short step misses of waits that come in bursts, over the variance of its mean wait.
const MISSED: f64 = 1.5;

/// Relative deviation of the prior of a time without queueing around what the lightest step shows: broad,
/// chosen by hand.
const LIGHT_ERROR: f64 = 0.5;

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
    effective: Vec<f64>, // executions that make queues as uncertain as those of each step do
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
            effective: loaded
                .iter()
                .map(|step| step.effective_executions(stations))
                .collect(),
        }
    }

    /// What they say of a limit, or of none, if queueing at the measured resources goes by `law`.
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
        let executions_that_pass = |behaviour: usize| {
            if passing.includes(behaviour) {
                executions(behaviour)
            } else {
                0.0
            }
        };
        let shares =
            DVector::from_iterator(self.light.len(), (0..self.light.len()).map(executions_that_pass));
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

    /// Whether a limit is the narrowest place in the step in which most executions pass it.
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
        let columns = MeanColumns::new(self.light.len(), true);
        let coefficients = &fit.coefficients;
        let variance_in_step = |(index, step): (usize, &&LoadedStep)| {
            let passing = limit.passing.rate(&step.rates);
            if passing <= 0.0 {
                return 0.0;
            }
            let (rho, servers) = (limit.utilisation(&step.rates), f64::from(limit.servers));
            let relative = limit.relative_wait(&step.rates);
            let expected = coefficients[columns.wait] * relative;
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
                    + coefficients[columns.own_queue] * one.own_queue_s
                    + coefficients[columns.shared_queue] * one.shared_queue_s;
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
        self.loaded.iter().enumerate().map(variance_in_step).collect()
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

    /// Log density of the means if errors are `noise` times as large as expected, and the coefficients.
    fn evidence(
        &self,
        noise: f64,
        law: &BottleneckLaw,
        limit: Option<BottleneckLimit>,
    ) -> Option<(f64, DVector<f64>)> {
        let columns = MeanColumns::new(self.light.len(), limit.is_some());
        let mut sums = self.priors(columns, law, limit);
        let prior_log_determinant: f64 = sums.precision.diagonal().iter().map(|one| one.ln()).sum();
        let mut row = vec![0.0; columns.count];
        for block in self.observations.chunk_by(|one, other| one.step == other.step) {
            let (weighting, common) = self.weighting(block, noise, limit);
            let mut shared = SharedError::new(columns);
            for one in block {
                self.explain(one, columns, limit, &mut row);
                sums.add(&row, one.mean_s, weighting.weight(one), &mut shared);
            }
            sums.add_shared(common, &shared);
        }
        let cholesky = sums.precision.cholesky()?;
        let change = cholesky.solve(&sums.shift);
        let explained = sums.shift.dot(&change);
        let log_determinant: f64 = 2.0
            * cholesky
                .l_dirty()
                .diagonal()
                .iter()
                .map(|one| one.ln())
                .sum::<f64>();
        let coefficients = sums.prior_mean + change;
        let mut log =
            -0.5 * (sums.log_variances + sums.squares - explained + log_determinant - prior_log_determinant);
        if let Some(limit) = limit {
            let mut share = self.shares(limit.passing);
            let without_queueing = share.dot(&coefficients.rows(0, columns.own_queue));
            share = share.resize_vertically(columns.count, 0.0);
            let deviation = share.dot(&cholesky.solve(&share)).sqrt();
            log += normal_share((without_queueing - limit.hold_s()) / deviation)
                .max(1e-12)
                .ln();
        }
        Some((log, coefficients))
    }

    /// What is known of the coefficients before any observation: of times without queueing little, around
    /// what the lightest step shows.
    fn priors(
        &self,
        columns: MeanColumns,
        law: &BottleneckLaw,
        limit: Option<BottleneckLimit>,
    ) -> LinearSums {
        let mut sums = LinearSums {
            prior_mean: DVector::zeros(columns.count),
            precision: DMatrix::zeros(columns.count, columns.count),
            shift: DVector::zeros(columns.count),
            squares: 0.0,
            log_variances: 0.0,
        };
        for (behaviour, light) in self.light.iter().enumerate() {
            sums.expect(behaviour, *light, LIGHT_ERROR * light);
        }
        sums.expect(columns.own_queue, law.own_queue.0, law.own_queue.1);
        sums.expect(columns.shared_queue, law.shared_queue.0, law.shared_queue.1);
        if let Some(limit) = limit {
            let hold_s = limit.hold_s();
            sums.expect(columns.wait, law.wait.0 * hold_s, law.wait.1 * hold_s);
        }
        sums
    }

    /// What multiplies each coefficient in one observation.
    fn explain(
        &self,
        one: &Observation,
        columns: MeanColumns,
        limit: Option<BottleneckLimit>,
        row: &mut [f64],
    ) {
        row.fill(0.0);
        row[one.behaviour] = 1.0;
        row[columns.own_queue] = one.own_queue_s;
        row[columns.shared_queue] = one.shared_queue_s;
        if let Some(limit) = limit.filter(|limit| limit.passing.includes(one.behaviour)) {
            row[columns.wait] = limit.relative_wait(&self.loaded[one.step].rates);
        }
    }

    /// How much each observation of a step counts, and the variance of the error that they share. Behaviours
    /// that wait in the same queue share the error of its mean; a limit of one behaviour is that one's own.
    fn weighting(
        &self,
        block: &[Observation],
        noise: f64,
        limit: Option<BottleneckLimit>,
    ) -> (Weighting, f64) {
        let step = block.first().map_or(0, |one| one.step);
        let (at_resources, at_limit) = self.queue_variances(step, block, limit);
        let passing = limit.map(|limit| limit.passing);
        let (common, own) = match passing {
            Some(Passing::One(_)) => (at_resources, at_limit),
            _ => (at_resources + at_limit, 0.0),
        };
        (Weighting { noise, passing, own }, noise * noise * common)
    }

    /// Variances of the mean waits of a step, which were observed for a finite time: at measured resources,
    /// and at the limit.
    fn queue_variances(
        &self,
        step: usize,
        block: &[Observation],
        limit: Option<BottleneckLimit>,
    ) -> (f64, f64) {
        let executions = self.effective[step];
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

/// Where each coefficient stands: the time without queueing of every behaviour, then the two kinds of
/// queueing at measured resources, then the wait at the limit if there is one.
#[derive(Debug, Clone, Copy)]
struct MeanColumns {
    own_queue: usize,
    shared_queue: usize,
    wait: usize,
    count: usize,
}

impl MeanColumns {
    fn new(behaviours: usize, limited: bool) -> Self {
        Self {
            own_queue: behaviours,
            shared_queue: behaviours + 1,
            wait: behaviours + 2,
            count: behaviours + 2 + usize::from(limited),
        }
    }
}

/// How much an observation counts.
struct Weighting {
    noise: f64,
    passing: Option<Passing>,
    own: f64, // variance of the wait at the limit that a passing behaviour does not share
}

impl Weighting {
    fn weight(&self, one: &Observation) -> f64 {
        let own = match self.passing {
            Some(passing) if passing.includes(one.behaviour) => self.own,
            _ => 0.0,
        };
        1.0 / (self.noise * self.noise * (one.variance + own))
    }
}

/// Sums of a linear model with Gaussian priors.
struct LinearSums {
    prior_mean: DVector<f64>,
    precision: DMatrix<f64>,
    shift: DVector<f64>,
    squares: f64,
    log_variances: f64,
}

/// Sums over the observations of one step, whose errors have a part in common.
struct SharedError {
    weights: f64,
    residuals: f64,
    rows: DVector<f64>,
}

impl SharedError {
    fn new(columns: MeanColumns) -> Self {
        Self {
            weights: 0.0,
            residuals: 0.0,
            rows: DVector::zeros(columns.count),
        }
    }
}

impl LinearSums {
    fn expect(&mut self, column: usize, centre: f64, deviation: f64) {
        self.prior_mean[column] = centre;
        self.precision[(column, column)] = deviation.powi(-2);
    }

    fn add(&mut self, row: &[f64], observed: f64, weight: f64, shared: &mut SharedError) {
        let expected: f64 = row.iter().zip(self.prior_mean.iter()).map(|(a, b)| a * b).sum();
        let residual = observed - expected;
        self.log_variances -= weight.ln();
        self.squares += weight * residual * residual;
        shared.weights += weight;
        shared.residuals += weight * residual;
        for (column, value) in row.iter().enumerate().filter(|(_, value)| **value != 0.0) {
            self.shift[column] += weight * value * residual;
            shared.rows[column] += weight * value;
            for (other, second) in row.iter().enumerate().filter(|(_, value)| **value != 0.0) {
                self.precision[(column, other)] += weight * value * second;
            }
        }
    }

    /// The error that the behaviours of a step share, of variance `common`: Sherman and Morrison on the
    /// diagonal.
    fn add_shared(&mut self, common: f64, shared: &SharedError) {
        let factor = common / (1.0 + common * shared.weights);
        self.log_variances += (1.0 + common * shared.weights).ln();
        self.squares -= factor * shared.residuals * shared.residuals;
        self.shift -= &shared.rows * (factor * shared.residuals);
        self.precision -= &shared.rows * shared.rows.transpose() * factor;
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
            let queue_at_station = |(station, utilisation): (&BottleneckStation, &f64)| {
                station.demand_s[behaviour] * relative_wait(station.servers, utilisation.min(0.99))
            };
            stations
                .iter()
                .zip(&step.utilisation)
                .map(queue_at_station)
                .sum::<f64>()
        };
        let shared = shared_queue_s(step, stations);
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

/// Wait in order of arrival at the measured resources, in seconds: whoever waits, waits for those in service
/// to end, and long ones are met more often than short ones.
///
/// # Formula
/// `sum_k h_k(U_k) sum_j L_j D_jk^2 / sum_j L_j D_jk`: with exponential times the second moment of a
/// behaviour is `2 D^2`, and Pollaczek and Khinchine's wait has `E[S^2] / (2 E[S])` in the place of E\[S\].
fn shared_queue_s(step: &LoadedStep, stations: &[BottleneckStation]) -> f64 {
    let of_station = |(station, utilisation): (&BottleneckStation, &f64)| {
        station.met_s(&step.rates) * relative_wait(station.servers, utilisation.min(0.99))
    };
    stations.iter().zip(&step.utilisation).map(of_station).sum()
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
