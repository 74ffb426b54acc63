//! A hidden bottleneck: a limit that no probe reads (a lock, a pool, a remote service). It shows in response
//! times that grow faster, and spread wider, than the measured resources explain.
//!
//! What it leaves to others: the plateau of steps that could not keep up (`ceiling`), and what it does to a
//! forecast.

mod law;
mod means;
mod spread;

use crate::queueing::relative_wait;
use law::{BottleneckLaw, LAWS, PLAIN};
use means::{Means, MeansFit};
use spread::ResponseSpread;

/// Response times of one behaviour in one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanResponse {
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
    /// Response times, one per behaviour; `None` if too few were completed.
    pub responses: Vec<Option<MeanResponse>>,
    /// Utilisation (0-1) of each measured resource, one per [`BottleneckStation`].
    pub utilisation: Vec<f64>,
}

/// A measured resource at which executions queue.
#[derive(Debug, Clone, PartialEq)]
pub struct BottleneckStation {
    /// Servers, above 0; may be a fraction.
    pub servers: f64,
    /// Demand of an execution in seconds, one per behaviour.
    pub demand_s: Vec<f64>,
}

impl BottleneckStation {
    /// Mean demand in seconds of those whom a waiting execution finds in service, at so many executions per
    /// second by behaviour: `sum L D^2 / sum L D`.
    fn met_s(&self, rates: &[f64]) -> f64 {
        let moment = |power: i32| -> f64 {
            rates
                .iter()
                .zip(&self.demand_s)
                .map(|(rate, demand)| rate * demand.powi(power))
                .sum()
        };
        let work = moment(1);
        if work > 0.0 { moment(2) / work } else { 0.0 }
    }
}

impl LoadedStep {
    /// Executions of equal demand whose work would be as uncertain as that of this step, at the resource
    /// where they are fewest.
    ///
    /// # Formula
    /// `(sum n D)^2 / sum n D^2`: the work of Poisson numbers n of executions is a compound Poisson sum of
    /// the relative variance `sum n D^2 / (sum n D)^2`. A few executions of a heavy behaviour are as few,
    /// however many light ones there are beside them.
    fn effective_executions(&self, stations: &[BottleneckStation]) -> f64 {
        // Those of a behaviour that came too rarely to have a response time are among them.
        let (seen, seen_per_s) = std::iter::zip(&self.responses, &self.rates)
            .filter_map(|(response, rate)| Some((response.as_ref()?.count, rate)))
            .fold((0.0, 0.0), |sum, (count, rate)| (sum.0 + count, sum.1 + rate));
        let seconds = seen / seen_per_s;
        let counts: Vec<f64> = self.rates.iter().map(|rate| rate * seconds).collect();
        let of_station = |station: &BottleneckStation| {
            let work: f64 = counts
                .iter()
                .zip(&station.demand_s)
                .map(|(count, demand)| count * demand)
                .sum();
            work / station.met_s(&counts).max(f64::MIN_POSITIVE)
        };
        let all: f64 = counts.iter().sum();
        stations
            .iter()
            .map(of_station)
            .filter(|count| *count > 0.0)
            .fold(all, f64::min)
    }
}

/// The executions that pass through a limit.
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
        rates
            .iter()
            .enumerate()
            .filter(|(behaviour, _)| self.includes(*behaviour))
            .map(|(_, rate)| rate)
            .sum()
    }
}

/// A limit that may be there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BottleneckPoint {
    /// The executions that pass through it.
    pub passing: Passing,
    /// Executions per second at which it is full.
    pub most_per_s: f64,
    /// Executions that it takes at once.
    pub servers: u32,
    /// Probability, given that there is a limit.
    pub weight: f64,
}

/// What the steps say of a hidden bottleneck.
#[derive(Debug, Clone, PartialEq)]
pub struct BottleneckFinding {
    /// Probability that there is one within [`FARTHEST`] of the highest measured load.
    pub probability: f64,
    /// Where it may be; weights sum to 1.
    pub nodes: Vec<BottleneckPoint>,
}

/// Multiple of the highest measured rate up to which a limit is looked for: beyond, its queue is too short to
/// be seen.
pub const FARTHEST: f64 = 6.0;
/// Probability of a limit before anything was measured. Chosen by hand: most targets have none.
const PRIOR: f64 = 0.2;
/// Share of that probability for a limit through which every execution passes. Chosen by hand: even odds.
const PRIOR_ALL: f64 = 0.5;
/// Rates at which a limit may be full, geometrically spaced.
const RATES: usize = 40;
/// Executions that a limit takes at once, with their prior probability: most are locks. Chosen by hand.
const SERVERS: [(u32, f64); 4] = [(1, 0.55), (2, 0.15), (4, 0.15), (16, 0.15)];
/// Weight of the variances beside the means: both come from the same waits, so that they are not told twice
/// as much.
const SPREAD_WEIGHT: f64 = 0.7;
/// Log density below that of the best hypothesis from which on the variances of one are not looked at.
const HOPELESS: f64 = 25.0;
/// Share of a limit's throughput that is lost once there is always someone who waits: whoever is next must be
/// woken. None in a textbook, 0.09 to 0.13 for a lock of the demo shop that is held for 14 or 9 ms (1.3 ms
/// each time). Chosen by hand between the two, on the demo shop, and tested on the same shop: it is no
/// independent estimate.
const HAND_OVER: f64 = 0.04;
/// Holding time over the least mean response time from which on a limit is not looked at.
const LONGEST_HOLD: f64 = 1.2;
/// Utilisation above which a step does not tell: its queue depends too much on the last per cent.
const HIGHEST: f64 = 0.85;
/// Probability of a node, given that there is a limit, below which it is left out.
const LEAST_WEIGHT: f64 = 1e-6;
/// Fewest executions, of equal demand, in a step that tells. Chance moves the work of so many by more than a
/// fifth, and their queues by as much again; a step that is planned for 30 has them but once in fifty.
const FEWEST_EXECUTIONS: f64 = 20.0;
/// Fewest steps with load that can show a bend.
const FEWEST_STEPS: usize = 4;

/// Looks for a limit in response times.
///
/// # Formula
/// `R_js = d_j + b Q_js + f Q_s + a h_m(L_s / B)`: d_j is the time of behaviour j without queueing,
/// `Q_js = sum_k D_jk h_k(U_ks)` and `Q_s` (its mean over executions) the queueing at measured resources
/// under processor sharing and in order of arrival, `h_m(rho) = C(m, m rho) / (m (1 - rho))`, `L_s` the rate
/// of those that pass the limit, B the rate at which it is full. With Gaussian priors on d, b, f and
/// `a = (m / B) (1 + cv^2) / 2`, the evidence of every (B, m, who passes, cv^2) is closed, and so is that of
/// no limit at all. Errors: 3 % between blocks, the sampling error of the mean, and for all behaviours of a
/// step together that of the mean wait of a queue observed for a finite time. How the times spread (`spread`)
/// tells cv^2, which the means alone cannot: long constant holds and short irregular ones give the same
/// means. A hold is part of d_j, so that those longer than it are out.
///
/// `None` for fewer than four steps with enough executions that left every measured resource some room.
/// Sources: MacKay, "Bayesian interpolation", Neural Computation 4(3), 1992 (evidence); Whitt, "Planning
/// queueing simulations", Management Science 35(11), 1989 (variance of the mean wait).
#[must_use]
pub fn find(steps: &[LoadedStep], stations: &[BottleneckStation]) -> Option<BottleneckFinding> {
    let telling = |step: &&LoadedStep| {
        step.responses.iter().any(Option::is_some)
            && step.utilisation.iter().all(|one| *one <= HIGHEST)
            && step.effective_executions(stations) >= FEWEST_EXECUTIONS
    };
    let loaded: Vec<&LoadedStep> = steps.iter().filter(telling).collect();
    if loaded.len() < FEWEST_STEPS {
        return None;
    }
    let means = Means::new(&loaded, stations);
    let spread = ResponseSpread::new(&loaded, stations);
    let without =
        means.fit(&PLAIN, None).log + SPREAD_WEIGHT * spread.log_evidence(&PLAIN.spread, |_, _| 0.0);
    let mut candidates = candidates(&loaded, &means);
    drop_hopeless(&mut candidates);
    for candidate in &mut candidates {
        candidate.log += SPREAD_WEIGHT * candidate.spread_evidence(&means, &spread);
    }
    let with = log_sum(candidates.iter().map(|candidate| candidate.log));
    let nodes = nodes(&candidates, with);
    Some(BottleneckFinding {
        probability: if nodes.is_empty() {
            0.0
        } else {
            posterior_probability(with - without)
        },
        nodes,
    })
}

/// Every limit that may be there, with what the means say of it.
fn candidates(loaded: &[&LoadedStep], means: &Means) -> Vec<BottleneckCandidate> {
    let behaviours = loaded[0].rates.len();
    std::iter::once(Passing::All)
        .chain((0..behaviours).map(Passing::One))
        .flat_map(|passing| candidates_passed_by(passing, behaviours, loaded, means))
        .collect()
}

/// The limits that `passing` may pass; empty if none of them executed.
fn candidates_passed_by(
    passing: Passing,
    behaviours: usize,
    loaded: &[&LoadedStep],
    means: &Means,
) -> Vec<BottleneckCandidate> {
    let mut candidates = Vec::new();
    let share = match passing {
        Passing::All => PRIOR_ALL,
        Passing::One(_) => (1.0 - PRIOR_ALL) / behaviours as f64,
    };
    let highest = loaded
        .iter()
        .map(|step| passing.rate(&step.rates))
        .fold(0.0, f64::max);
    if highest <= 0.0 {
        return candidates;
    }
    let response = means.mean_light(passing);
    for (servers, servers_prior) in SERVERS {
        for (most_per_s, rate_prior) in rates(highest) {
            if f64::from(servers) / most_per_s > LONGEST_HOLD * response {
                continue;
            }
            let prior = share * servers_prior * rate_prior;
            let limits = LAWS.iter().map(|law| BottleneckLimit {
                passing,
                most_per_s,
                servers,
                law,
            });
            let limits = limits.filter(|limit| !limit.law.sparing || means.is_narrowest(*limit));
            candidates
                .extend(limits.map(|limit| BottleneckCandidate::new(means, limit, prior * limit.law.weight)));
        }
    }
    candidates
}

/// Drops the candidates that are far less likely than the best one by the means alone.
fn drop_hopeless(candidates: &mut Vec<BottleneckCandidate>) {
    let best = candidates
        .iter()
        .map(|candidate| candidate.log)
        .fold(f64::NEG_INFINITY, f64::max);
    candidates.retain(|candidate| candidate.log > best - HOPELESS);
}

/// Where the limit may be, with weights that sum to 1; `total` is the log density of all candidates.
fn nodes(candidates: &[BottleneckCandidate], total: f64) -> Vec<BottleneckPoint> {
    let node = |same_limit: &[BottleneckCandidate]| {
        let BottleneckLimit {
            passing,
            most_per_s,
            servers,
            ..
        } = same_limit[0].limit;
        BottleneckPoint {
            passing,
            most_per_s: most_per_s * (1.0 - HAND_OVER),
            servers,
            weight: same_limit
                .iter()
                .map(|candidate| (candidate.log - total).exp())
                .sum(),
        }
    };
    // The laws of a limit follow one another.
    let mut nodes: Vec<BottleneckPoint> = candidates
        .chunk_by(|a, b| a.limit.is_at(&b.limit))
        .map(node)
        .collect();
    nodes.retain(|node| node.weight > LEAST_WEIGHT);
    let kept: f64 = nodes.iter().map(|node| node.weight).sum();
    nodes.iter_mut().for_each(|node| node.weight /= kept);
    nodes
}

/// Probability of a limit, from the log of how much likelier the steps are with one than without.
fn posterior_probability(log_ratio: f64) -> f64 {
    let odds = log_ratio.exp() * PRIOR / (1.0 - PRIOR);
    if odds.is_finite() {
        odds / (1.0 + odds)
    } else {
        1.0
    }
}

#[derive(Clone, Copy)]
struct BottleneckLimit {
    passing: Passing,
    most_per_s: f64,
    servers: u32,
    law: &'static BottleneckLaw,
}

impl BottleneckLimit {
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
struct BottleneckCandidate {
    limit: BottleneckLimit,
    fit: MeansFit,
    log: f64,
}

impl BottleneckCandidate {
    fn new(means: &Means, limit: BottleneckLimit, prior: f64) -> Self {
        let fit = means.fit(limit.law, Some(limit));
        Self {
            limit,
            log: prior.ln() + fit.log,
            fit,
        }
    }

    /// What the variances say of it.
    fn spread_evidence(&self, means: &Means, spread: &ResponseSpread) -> f64 {
        let variances = means.limit_variances(self.limit, &self.fit);
        spread.log_evidence(&self.limit.law.spread, |step, behaviour| {
            if self.limit.passing.includes(behaviour) {
                variances[step]
            } else {
                0.0
            }
        })
    }
}

/// Rates at which a limit may be full, with their prior: of all shares of the response time that a hold may
/// be, none is likelier.
fn rates(highest: f64) -> impl Iterator<Item = (f64, f64)> {
    let multiple = |index: usize| 1.02 * (FARTHEST / 1.02_f64).powf((index as f64 + 0.5) / RATES as f64);
    let total: f64 = (0..RATES).map(|index| multiple(index).recip()).sum();
    (0..RATES).map(move |index| (highest * multiple(index), multiple(index).recip() / total))
}

/// `ln sum exp` without overflow.
fn log_sum(logs: impl Iterator<Item = f64>) -> f64 {
    let logs: Vec<f64> = logs.collect();
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        largest
    } else {
        largest + logs.iter().map(|log| (log - largest).exp()).sum::<f64>().ln()
    }
}
