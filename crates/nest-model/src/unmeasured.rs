//! A limit that no probe reads (a lock, a pool, a remote service), told from response times that grow faster, and spread
//! wider, than the measured resources explain.
//!
//! What it leaves to others: the plateau of steps that could not keep up (`ceiling`), and what it does to a forecast.

mod spread;

use nalgebra::{DMatrix, DVector};
use statrs::function::erf::erfc;

use crate::queueing::relative_wait;
use spread::{OfResources, Spread};

/// Response times of one behaviour in one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Response {
    /// Mean response time of an execution from its due time, in seconds, above 0.
    pub mean_s: f64,
    /// Standard deviation of it, in seconds.
    pub deviation_s: f64,
    /// Executions it is taken from, 1 or more.
    pub count: f64,
}

/// One step with load that may be fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedStep {
    /// Executions completed per second, one per behaviour.
    pub rates: Vec<f64>,
    /// Response times, one per behaviour; none where too few were completed.
    pub responses: Vec<Option<Response>>,
    /// Utilisation (0-1) of each measured resource, one per [`Station`].
    pub utilisation: Vec<f64>,
}

/// A measured resource at which executions queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Station {
    /// Servers, above 0; may be a fraction.
    pub servers: f64,
    /// Demand of an execution in seconds, one per behaviour.
    pub demand_s: Vec<f64>,
}

/// Which executions pass through the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// Those of every behaviour.
    All,
    /// Those of one behaviour, by its position.
    One(usize),
}

impl Passing {
    fn includes(self, behaviour: usize) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => one == behaviour,
        }
    }

    /// Executions per second that pass, of `rates` by behaviour.
    #[must_use]
    pub fn rate(self, rates: &[f64]) -> f64 {
        rates.iter().enumerate().filter(|(behaviour, _)| self.includes(*behaviour)).map(|(_, rate)| rate).sum()
    }
}

/// A limit that may be there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Node {
    /// Who passes through it.
    pub passing: Passing,
    /// Executions per second at which it is full.
    pub most_per_s: f64,
    /// Executions that it takes at once.
    pub servers: u32,
    /// Probability, given that there is a limit.
    pub weight: f64,
}

/// What the steps say of a limit that no probe reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Probability that there is one within [`FARTHEST`] of the highest measured load.
    pub probability: f64,
    /// Where it may be; weights sum to 1.
    pub nodes: Vec<Node>,
}

/// Multiple of the highest measured rate up to which a limit is looked for: beyond, its queue is too short to be seen.
pub const FARTHEST: f64 = 6.0;
/// Probability of a limit before anything was measured.
const PRIOR: f64 = 0.2;
/// Share of that probability for a limit through which every execution passes.
const PRIOR_ALL: f64 = 0.5;
/// Rates at which a limit may be full, geometrically spaced.
const RATES: usize = 40;
/// Executions that a limit takes at once, with their prior probability: most are locks.
const SERVERS: [(u32, f64); 4] = [(1, 0.55), (2, 0.15), (4, 0.15), (16, 0.15)];
/// Multiples of the expected error, with their prior probability: some targets are less regular than a queue.
const NOISE: [(f64, f64); 4] = [(0.3, 0.25), (1.0, 0.45), (2.0, 0.2), (4.0, 0.1)];
/// Relative deviation of a mean response time between visits.
const BETWEEN_VISITS: f64 = 0.03;
/// How waiting goes where there is a limit, or none.
struct Law {
    /// Squared coefficient of variation of the holding time.
    cv2: f64,
    /// Wait at the limit over that of exponential holding times, `(1 + cv^2) / 2`: centre and deviation of the prior.
    wait: (f64, f64),
    /// Queueing at the measured resources over that of processor sharing, for its part that grows with the execution's own demand.
    own_queue: (f64, f64),
    /// The same for the part that all executions share.
    shared_queue: (f64, f64),
    /// What queueing at the measured resources adds to a variance.
    spread: OfResources,
    /// Probability, given that there is a limit.
    weight: f64,
}

/// Queueing at the measured resources, where nothing smooths what comes to them.
const PLAIN: Law = Law {
    cv2: 1.0,
    wait: (1.0, 0.15),
    own_queue: (0.6, 0.35),
    shared_queue: (0.4, 0.35),
    spread: [(0.25, 0.25), (0.4, 0.4), (0.4, 0.4)],
    weight: 0.25,
};
/// From constant to exponential holding times. Constant times in a row queue at the narrowest place only, so that the measured
/// resources before or behind a lock may have next to no queue of their own.
///
/// Source: Friedman, "Reduction methods for tandem queuing systems", Operations Research 13(1), 1965.
const LAWS: [Law; 4] = [
    Law {
        cv2: 0.0,
        wait: (0.5, 0.06),
        own_queue: (0.15, 0.25),
        shared_queue: (0.05, 0.2),
        spread: [(0.05, 0.1), (0.2, 0.3), (0.1, 0.2)],
        weight: 0.3,
    },
    Law { cv2: 0.0, wait: (0.5, 0.06), weight: 0.25, ..PLAIN },
    Law {
        cv2: 0.5,
        wait: (0.75, 0.12),
        own_queue: (0.35, 0.35),
        shared_queue: (0.2, 0.3),
        spread: [(0.15, 0.2), (0.3, 0.35), (0.25, 0.3)],
        weight: 0.2,
    },
    PLAIN,
];
/// Weight of the variances beside the means: both come from the same waits, so that they are not told twice as much.
const SPREAD_WEIGHT: f64 = 0.7;
/// Log density below that of the best hypothesis from which on the variances of one are not looked at.
const HOPELESS: f64 = 25.0;
/// Error of the mean wait that its step shares, over that of exponential times, where the observed wait corrects the expected one.
const OWN_WAIT: f64 = 0.4;
/// Variance that a short step misses of waits that come in bursts, over the variance of its mean wait.
const MISSED: f64 = 1.5;
/// Holding time over the least mean response time from which on a limit is not looked at.
const LONGEST_HOLD: f64 = 1.2;
/// Utilisation above which a step does not tell: its queue depends too much on the last per cent.
const HIGHEST: f64 = 0.85;
/// Fewest steps with load that can show a bend.
const FEWEST_STEPS: usize = 4;

/// One observation: what explains it, without the wait at a limit.
struct Observation {
    step: usize,
    behaviour: usize,
    mean_s: f64,
    variance: f64,
    own_queue_s: f64,
    shared_queue_s: f64,
}

/// Looks for a limit in response times.
///
/// # Formula
/// `R_js = d_j + b Q_js + f Q_s + a h_m(L_s / B)`: d_j is the time of behaviour j without queueing, `Q_js = sum_k D_jk h_k(U_ks)` and
/// `Q_s` (its mean over executions) the queueing at measured resources under processor sharing and in order of arrival,
/// `h_m(rho) = C(m, m rho) / (m (1 - rho))`, `L_s` the rate of those that pass the limit, B the rate at which it is full. With
/// Gaussian priors on d, b, f and `a = (m / B) (1 + cv^2) / 2`, the evidence of every (B, m, who passes, cv^2) is closed, and so is that
/// of no limit at all. Errors: 3 % between visits, the sampling error of the mean, and for all behaviours of a step together that
/// of the mean wait of a queue observed for a finite time. How the times spread ([`Spread`]) tells cv^2, which the means alone
/// cannot: long constant holds and short irregular ones give the same means. A hold is part of d_j, so that those longer than it are out.
///
/// `None` for fewer than four steps with load that left every measured resource some room. Sources: MacKay, "Bayesian interpolation", Neural Computation 4(3), 1992 (evidence);
/// Whitt, "Planning queueing simulations", Management Science 35(11), 1989 (variance of the mean wait).
#[must_use]
pub fn find(steps: &[LoadedStep], stations: &[Station]) -> Option<Finding> {
    let telling = |step: &&LoadedStep| step.responses.iter().any(Option::is_some) && step.utilisation.iter().all(|one| *one <= HIGHEST);
    let loaded: Vec<&LoadedStep> = steps.iter().filter(telling).collect();
    if loaded.len() < FEWEST_STEPS {
        return None;
    }
    let behaviours = loaded.first()?.rates.len();
    let observations = observations(&loaded, stations);
    let light: Vec<f64> = (0..behaviours).map(|behaviour| light_s(&observations, behaviour)).collect();
    let problem = Problem { loaded: &loaded, observations: &observations, light: &light };
    let spread = Spread::new(&loaded, stations);
    let none = problem.fit(None);
    let none = none.log + SPREAD_WEIGHT * spread.log_evidence(&PLAIN.spread, |_, _| 0.0);
    let mut candidates = Vec::new();
    for passing in std::iter::once(Passing::All).chain((0..behaviours).map(Passing::One)) {
        let share = match passing {
            Passing::All => PRIOR_ALL,
            Passing::One(_) => (1.0 - PRIOR_ALL) / behaviours as f64,
        };
        let highest = loaded.iter().map(|step| passing.rate(&step.rates)).fold(0.0, f64::max);
        if highest <= 0.0 {
            continue;
        }
        let response = problem.mean_light(passing);
        for (servers, servers_prior) in SERVERS {
            for (most_per_s, rate_prior) in rates(highest) {
                if f64::from(servers) / most_per_s > LONGEST_HOLD * response {
                    continue;
                }
                let prior = share * servers_prior * rate_prior;
                candidates.extend(LAWS.iter().map(|law| Candidate::new(&problem, Limit { passing, most_per_s, servers, law }, prior * law.weight)));
            }
        }
    }
    let best = candidates.iter().map(|one| one.log).fold(f64::NEG_INFINITY, f64::max);
    candidates.retain(|one| one.log > best - HOPELESS);
    for one in &mut candidates {
        let variances = problem.limit_variances(one.limit, &one.fit);
        let at_limit = |step: usize, behaviour: usize| if one.limit.passing.includes(behaviour) { variances[step] } else { 0.0 };
        one.log += SPREAD_WEIGHT * spread.log_evidence(&one.limit.law.spread, at_limit);
    }
    let some = log_sum(candidates.iter().map(|one| one.log));
    let node = |of: &[Candidate]| {
        let Limit { passing, most_per_s, servers, .. } = of[0].limit;
        Node { passing, most_per_s, servers, weight: of.iter().map(|one| (one.log - some).exp()).sum() }
    };
    // The laws of a limit follow one another.
    let mut nodes: Vec<Node> = candidates.chunk_by(|a, b| a.limit.is_at(&b.limit)).map(node).collect();
    nodes.retain(|node| node.weight > 1e-6);
    let odds = (some - none).exp() * PRIOR / (1.0 - PRIOR);
    let probability = if odds.is_finite() { odds / (1.0 + odds) } else { 1.0 };
    let total: f64 = nodes.iter().map(|node| node.weight).sum();
    nodes.iter_mut().for_each(|node| node.weight /= total);
    Some(Finding { probability: if nodes.is_empty() { 0.0 } else { probability }, nodes })
}

#[derive(Clone, Copy)]
struct Limit {
    passing: Passing,
    most_per_s: f64,
    servers: u32,
    law: &'static Law,
}

impl Limit {
    fn hold_s(&self) -> f64 {
        f64::from(self.servers) / self.most_per_s
    }

    /// Wait over the holding time, if that is exponential.
    fn relative_wait(&self, rates: &[f64]) -> f64 {
        relative_wait(f64::from(self.servers), self.utilisation(rates))
    }

    fn utilisation(&self, rates: &[f64]) -> f64 {
        self.passing.rate(rates) / self.most_per_s
    }

    /// The same limit, whatever its law.
    fn is_at(&self, other: &Self) -> bool {
        (self.passing, self.servers, self.most_per_s) == (other.passing, other.servers, other.most_per_s)
    }
}

/// A limit that may be there, with what the means say of it.
struct Candidate {
    limit: Limit,
    fit: Fit,
    log: f64,
}

impl Candidate {
    fn new(problem: &Problem, limit: Limit, prior: f64) -> Self {
        let fit = problem.fit(Some(limit));
        Self { limit, log: prior.ln() + fit.log, fit }
    }
}

/// What the means say of a hypothesis.
struct Fit {
    /// Log density of the means, over all multiples of the expected error.
    log: f64,
    /// The likeliest of them, and the coefficients of the means under it.
    noise: f64,
    coefficients: DVector<f64>,
}

struct Problem<'a> {
    loaded: &'a [&'a LoadedStep],
    observations: &'a [Observation],
    light: &'a [f64],
}

impl Problem<'_> {
    fn fit(&self, limit: Option<Limit>) -> Fit {
        let mut best = Fit { log: f64::NEG_INFINITY, noise: 1.0, coefficients: DVector::zeros(self.light.len() + 3) };
        let mut logs = [0.0; NOISE.len()];
        for ((noise, prior), log) in NOISE.into_iter().zip(&mut logs) {
            let Some((evidence, coefficients)) = self.evidence(noise, limit) else { return best };
            *log = prior.ln() + evidence;
            if *log > best.log {
                best = Fit { log: *log, noise, coefficients };
            }
        }
        Fit { log: log_sum(logs.into_iter()), ..best }
    }

    /// Share of every behaviour in the executions that pass, over all steps.
    fn shares(&self, passing: Passing) -> DVector<f64> {
        let executions = |behaviour: usize| self.loaded.iter().map(|step| step.rates[behaviour]).sum::<f64>();
        let of = |behaviour: usize| if passing.includes(behaviour) { executions(behaviour) } else { 0.0 };
        let shares = DVector::from_iterator(self.light.len(), (0..self.light.len()).map(of));
        let total = shares.sum();
        if total > 0.0 { shares / total } else { shares }
    }

    /// Mean time at light load of those that pass.
    fn mean_light(&self, passing: Passing) -> f64 {
        self.shares(passing).iter().zip(self.light).map(|(share, light)| share * light).sum()
    }

    /// What waiting at the limit adds to the variance of response times, by step.
    ///
    /// # Formula
    /// `W^2 + 2 W t (1 - C) (1 + 2 cv^2) / 3` with the wait W that the step shows, the probability of delay C and the mean wait of the
    /// delayed t if holding times are exponential: exact for one place and holding times of a gamma law (Takacs' `E[W^2] = 2 E[W]^2 + L E[S^3] /
    /// (3 (1 - rho))`), and for several places and exponential ones.
    fn limit_variances(&self, limit: Limit, fit: &Fit) -> Vec<f64> {
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
            let of_mean = expected * expected * relative_variance(rho) / self.passing_executions(index, limit.passing);
            // The wait of this very step: what is expected, corrected by what is seen.
            let mut weight = (fit.noise * fit.noise * OWN_WAIT * of_mean + 1e-16).recip();
            let mut sum = expected * weight;
            for one in self.observations.iter().filter(|one| one.step == index && limit.passing.includes(one.behaviour)) {
                let others =
                    coefficients[one.behaviour] + coefficients[behaviours] * one.own_queue_s + coefficients[behaviours + 1] * one.shared_queue_s;
                let own = (fit.noise * fit.noise * one.variance).recip();
                sum += own * (one.mean_s - others);
                weight += own;
            }
            let wait = (sum / weight).max(0.1 * expected).max(0.0);
            let delayed = relative * servers * (1.0 - rho);
            let of_delayed = limit.hold_s() / (servers * (1.0 - rho));
            let variance = wait * wait + 2.0 * wait * of_delayed * (1.0 - delayed) * (1.0 + 2.0 * limit.law.cv2) / 3.0;
            variance - (MISSED * of_mean).min(0.4 * variance)
        };
        self.loaded.iter().enumerate().map(of).collect()
    }

    /// Executions of a step that pass, of those whose times are known.
    fn passing_executions(&self, step: usize, passing: Passing) -> f64 {
        let step = self.loaded[step];
        let executions: f64 = step.responses.iter().flatten().map(|response| response.count).sum();
        executions * passing.rate(&step.rates) / step.rates.iter().sum::<f64>()
    }

    /// Log density of the means where errors are `noise` times as large as expected, and the coefficients.
    fn evidence(&self, noise: f64, limit: Option<Limit>) -> Option<(f64, DVector<f64>)> {
        let behaviours = self.light.len();
        let columns = behaviours + 2 + usize::from(limit.is_some());
        let law = limit.map_or(&PLAIN, |limit| limit.law);
        // Priors: of the time without queueing broad, around what the lightest step shows.
        let mut prior_mean = DVector::zeros(columns);
        let mut precision = DMatrix::zeros(columns, columns);
        for (behaviour, light) in self.light.iter().enumerate() {
            (prior_mean[behaviour], precision[(behaviour, behaviour)]) = (*light, (0.5 * light).powi(-2));
        }
        let at_limit = limit.map(|limit| (law.wait.0 * limit.hold_s(), law.wait.1 * limit.hold_s()));
        for (column, (centre, deviation)) in [law.own_queue, law.shared_queue].into_iter().chain(at_limit).enumerate() {
            (prior_mean[behaviours + column], precision[(behaviours + column, behaviours + column)]) = (centre, deviation.powi(-2));
        }
        let prior_log_determinant: f64 = precision.diagonal().iter().map(|one| one.ln()).sum();
        let mut shift = DVector::zeros(columns);
        let (mut squares, mut log_variances) = (0.0, 0.0);
        let mut row = vec![0.0; columns];
        let mut from = 0;
        while from < self.observations.len() {
            let step = self.observations[from].step;
            let to = from + self.observations[from..].iter().take_while(|one| one.step == step).count();
            let block = &self.observations[from..to];
            let of_limit = |behaviour: usize| {
                let limit = limit.filter(|limit| limit.passing.includes(behaviour))?;
                Some(limit.relative_wait(&self.loaded[step].rates))
            };
            let (at_resources, at_limit) = self.queue_variances(step, block, limit);
            // Behaviours that wait in the same queue share the error of its mean; a limit of one behaviour is that one's own.
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
                let own = limit.filter(|limit| limit.passing.includes(one.behaviour)).map_or(0.0, |_| own);
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
        let log_determinant: f64 = 2.0 * cholesky.l_dirty().diagonal().iter().map(|one| one.ln()).sum::<f64>();
        let coefficients = prior_mean + change;
        let mut log = -0.5 * (log_variances + squares - explained + log_determinant - prior_log_determinant);
        if let Some(limit) = limit {
            let mut share = self.shares(limit.passing);
            let without_queueing = share.dot(&coefficients.rows(0, behaviours));
            share = share.resize_vertically(columns, 0.0);
            let deviation = share.dot(&cholesky.solve(&share)).sqrt();
            log += normal_share((without_queueing - limit.hold_s()) / deviation).max(1e-12).ln();
        }
        Some((log, coefficients))
    }

    /// Variances of the mean waits of a step, which were observed for a finite time: at measured resources, and at the limit.
    fn queue_variances(&self, step: usize, block: &[Observation], limit: Option<Limit>) -> (f64, f64) {
        let executions: f64 = self.loaded[step].responses.iter().flatten().map(|response| response.count).sum();
        let utilisation = self.loaded[step].utilisation.iter().copied().fold(0.0, f64::max);
        let queue = block.iter().map(|one| one.shared_queue_s).fold(0.0, f64::max);
        let measured = queue * queue * relative_variance(utilisation) / executions;
        let Some(limit) = limit else { return (measured, 0.0) };
        let rates = &self.loaded[step].rates;
        if limit.passing.rate(rates) <= 0.0 {
            return (measured, 0.0);
        }
        let wait = limit.law.wait.0 * limit.hold_s() * limit.relative_wait(rates);
        // Regular holding times make more regular queues.
        let regular = ((1.0 + limit.law.cv2) / 2.0).powi(2);
        (measured, wait * wait * regular * relative_variance(limit.utilisation(rates)) / self.passing_executions(step, limit.passing))
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

fn observations(loaded: &[&LoadedStep], stations: &[Station]) -> Vec<Observation> {
    let mut observations = Vec::new();
    for (index, step) in loaded.iter().enumerate() {
        let queue = |behaviour: usize| {
            let of = |(station, utilisation): (&Station, &f64)| station.demand_s[behaviour] * relative_wait(station.servers, utilisation.min(0.99));
            stations.iter().zip(&step.utilisation).map(of).sum::<f64>()
        };
        let total: f64 = step.rates.iter().sum();
        let shared: f64 = step.rates.iter().enumerate().map(|(behaviour, rate)| rate / total * queue(behaviour)).sum();
        for (behaviour, response) in step.responses.iter().enumerate() {
            let Some(response) = response else { continue };
            let sampling = response.deviation_s.powi(2) / response.count;
            let variance = (BETWEEN_VISITS * response.mean_s).powi(2) + sampling;
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
    observations.iter().filter(|one| one.behaviour == behaviour).map(|one| one.mean_s).reduce(f64::min).unwrap_or(1e-3)
}

/// Rates at which a limit may be full, with their prior: of all shares of the response time that a hold may be, none is likelier.
fn rates(highest: f64) -> impl Iterator<Item = (f64, f64)> {
    let multiple = |index: usize| 1.02 * (FARTHEST / 1.02_f64).powf((index as f64 + 0.5) / RATES as f64);
    let total: f64 = (0..RATES).map(|index| multiple(index).recip()).sum();
    (0..RATES).map(move |index| (highest * multiple(index), multiple(index).recip() / total))
}

/// Share of the standard normal distribution below `z`.
fn normal_share(z: f64) -> f64 {
    0.5 * erfc(-z / std::f64::consts::SQRT_2)
}

/// `ln sum exp` without overflow.
fn log_sum(logs: impl Iterator<Item = f64>) -> f64 {
    let logs: Vec<f64> = logs.collect();
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY { largest } else { largest + logs.iter().map(|log| (log - largest).exp()).sum::<f64>().ln() }
}
