//! A limit that no probe reads (a lock, a pool, a remote service), told from response times that grow faster than the
//! measured resources explain.
//!
//! What it leaves to others: the plateau of steps that could not keep up (`ceiling`), and what it does to a forecast.

use nalgebra::{DMatrix, DVector};

use crate::queueing::relative_wait;

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
/// Queueing at the measured resources over that of processor sharing: centre and deviation of the prior, for its part that grows
/// with the execution's own demand and for the part that all executions share.
const OWN_QUEUE: (f64, f64) = (0.6, 0.35);
const SHARED_QUEUE: (f64, f64) = (0.4, 0.35);
/// Wait at the limit over that of exponential holding times, `(1 + cv^2) / 2`: from constant to somewhat more than exponential.
const HOLDING: (f64, f64) = (0.6, 0.26);
/// Holding time over the response time at light load that it may not exceed.
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

/// Looks for a limit in mean response times.
///
/// # Formula
/// `R_js = d_j + b Q_js + f Q_s + a h_m(L_s / B)`: d_j is the time of behaviour j without queueing, `Q_js = sum_k D_jk h_k(U_ks)` and
/// `Q_s` (its mean over executions) the queueing at measured resources under processor sharing and in order of arrival,
/// `h_m(rho) = C(m, m rho) / (m (1 - rho))`, `L_s` the rate of those that pass the limit, B the rate at which it is full. With
/// Gaussian priors on d, b, f and `a = (m / B) (1 + cv^2) / 2`, the evidence of every (B, m, who passes) is closed, and so is that of no
/// limit at all. Errors: 3 % between visits, the sampling error of the mean, and for all behaviours of a step together that
/// of the mean wait of a queue observed for a finite time.
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
    let none = log_sum(NOISE.iter().map(|(noise, prior)| prior.ln() + problem.evidence(*noise, None)));
    let mut nodes = Vec::new();
    let mut logs = Vec::new();
    for passing in std::iter::once(Passing::All).chain((0..behaviours).map(Passing::One)) {
        let share = match passing {
            Passing::All => PRIOR_ALL,
            Passing::One(_) => (1.0 - PRIOR_ALL) / behaviours as f64,
        };
        let highest = loaded.iter().map(|step| passing.rate(&step.rates)).fold(0.0, f64::max);
        if highest <= 0.0 {
            continue;
        }
        let response = mean_light(&light, passing, &loaded);
        for (servers, servers_prior) in SERVERS {
            for index in 0..RATES {
                let most_per_s = highest * 1.02 * (FARTHEST / 1.02_f64).powf((index as f64 + 0.5) / RATES as f64);
                if f64::from(servers) / most_per_s > LONGEST_HOLD * response {
                    continue;
                }
                let limit = Limit { passing, most_per_s, servers };
                let evidence = log_sum(NOISE.iter().map(|(noise, prior)| prior.ln() + problem.evidence(*noise, Some(limit))));
                logs.push(share.ln() + servers_prior.ln() - (RATES as f64).ln() + evidence);
                nodes.push(Node { passing, most_per_s, servers, weight: 0.0 });
            }
        }
    }
    let some = log_sum(logs.iter().copied());
    nodes.iter_mut().zip(&logs).for_each(|(node, log)| node.weight = (log - some).exp());
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
}

struct Problem<'a> {
    loaded: &'a [&'a LoadedStep],
    observations: &'a [Observation],
    light: &'a [f64],
}

impl Problem<'_> {
    /// Log density of the observations where errors are `noise` times as large as expected.
    fn evidence(&self, noise: f64, limit: Option<Limit>) -> f64 {
        let behaviours = self.light.len();
        let columns = behaviours + 2 + usize::from(limit.is_some());
        let hold = limit.map(|limit| f64::from(limit.servers) / limit.most_per_s);
        // Priors: of the time without queueing broad, around what the lightest step shows.
        let mut prior_mean = DVector::zeros(columns);
        let mut precision = DMatrix::zeros(columns, columns);
        for (behaviour, light) in self.light.iter().enumerate() {
            (prior_mean[behaviour], precision[(behaviour, behaviour)]) = (*light, (0.5 * light).powi(-2));
        }
        (prior_mean[behaviours], precision[(behaviours, behaviours)]) = (OWN_QUEUE.0, OWN_QUEUE.1.powi(-2));
        (prior_mean[behaviours + 1], precision[(behaviours + 1, behaviours + 1)]) = (SHARED_QUEUE.0, SHARED_QUEUE.1.powi(-2));
        if let Some(hold) = hold {
            (prior_mean[behaviours + 2], precision[(behaviours + 2, behaviours + 2)]) = (HOLDING.0 * hold, (HOLDING.1 * hold).powi(-2));
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
                Some(relative_wait(f64::from(limit.servers), limit.passing.rate(&self.loaded[step].rates) / limit.most_per_s))
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
        let Some(cholesky) = precision.cholesky() else { return f64::NEG_INFINITY };
        let explained = shift.dot(&cholesky.solve(&shift));
        let log_determinant: f64 = 2.0 * cholesky.l_dirty().diagonal().iter().map(|one| one.ln()).sum::<f64>();
        -0.5 * (log_variances + squares - explained + log_determinant - prior_log_determinant)
    }

    /// Variances of the mean waits of a step, which were observed for a finite time: at measured resources, and at the limit.
    fn queue_variances(&self, step: usize, block: &[Observation], limit: Option<Limit>) -> (f64, f64) {
        let executions: f64 = self.loaded[step].responses.iter().flatten().map(|response| response.count).sum();
        let utilisation = self.loaded[step].utilisation.iter().copied().fold(0.0, f64::max);
        let queue = block.iter().map(|one| one.shared_queue_s).fold(0.0, f64::max);
        let measured = queue * queue * relative_variance(utilisation) / executions;
        let Some(limit) = limit else { return (measured, 0.0) };
        let passing = limit.passing.rate(&self.loaded[step].rates);
        if passing <= 0.0 {
            return (measured, 0.0);
        }
        let rho = passing / limit.most_per_s;
        let wait = HOLDING.0 * f64::from(limit.servers) / limit.most_per_s * relative_wait(f64::from(limit.servers), rho);
        let all: f64 = self.loaded[step].rates.iter().sum();
        (measured, wait * wait * relative_variance(rho) / (executions * passing / all))
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

/// Mean time at light load of those that pass, over all steps.
fn mean_light(light: &[f64], passing: Passing, loaded: &[&LoadedStep]) -> f64 {
    let (mut time, mut count) = (0.0, 0.0);
    for (behaviour, light) in light.iter().enumerate().filter(|(behaviour, _)| passing.includes(*behaviour)) {
        let executions: f64 = loaded.iter().map(|step| step.rates[behaviour]).sum();
        time += executions * light;
        count += executions;
    }
    if count > 0.0 { time / count } else { 0.0 }
}

/// `ln sum exp` without overflow.
fn log_sum(logs: impl Iterator<Item = f64>) -> f64 {
    let logs: Vec<f64> = logs.collect();
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY { largest } else { largest + logs.iter().map(|log| (log - largest).exp()).sum::<f64>().ln() }
}
