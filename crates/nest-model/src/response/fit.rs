//! Laws of response time. All behaviours are fitted together, because they share the queue.

mod means;
mod quantiles;

use nest_data::{Estimate, scaling::QuantileLaw};

use super::{
    QUANTILES, StepResponse,
    queueing_delay::{HIGHEST_TRUSTED, interval, queueing_delay, seconds_at},
};
use means::{MeanLaw, fit_means};
use quantiles::{FittedLaw, Seen, behaviour_laws};

/// Utilisation above which a step is no light load any more: no steady state can be assumed.
const HIGHEST: f64 = 0.97;
/// Fewest steps of a law.
const FEWEST: usize = 3;
/// Multiprogramming levels (executions that share one server) that are tried, besides one without a limit.
const LEVELS: [f64; 6] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
/// Factor on the weight of a law in which more executions share a server than there are threads at work.
/// Chosen by hand: a tenth, since threads may have been missed.
const BEYOND_THREADS: f64 = 0.1;
/// Weight of a misfit: quantiles and means are of the same requests, so that each is told twice.
const TOLD_TWICE: f64 = 0.5;
/// Relative error of [`queueing_delay`] beyond the fitted loads: what a pool's law was off by beside the
/// simulator with nothing fitted.
const DELAY_ERROR: f64 = 0.08;

/// Response times of one behaviour in one step, at a utilisation (0-1) of the binding resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// Utilisation of the binding resource, 0-1.
    pub utilisation: f64,
    /// The response times there.
    pub response: StepResponse,
}

/// The resource that executions queue for.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredStation {
    /// The resource.
    pub resource: String,
    /// Its servers, a fraction allowed, above 0.
    pub servers: f64,
    /// Threads that were seen at work there; `None` if they were not counted.
    pub threads: Option<f64>,
}

/// All laws for one multiprogramming level, and how badly they fit.
struct QuantileCandidate {
    level: Option<f64>,
    laws: Vec<QuantileLaw>,
    misfit: f64, // minus twice the log likelihood; infinite if it lacks laws that others have
}

/// Fits `R_q = a + b queueing_delay(rho)` for every behaviour and quantile with at least three usable steps.
///
/// Means are known far better than tails, and all behaviours stand at the same station. So the means of all
/// of them are fitted first: `E[R_j] = s_j + u h(rho) (Q F + (1 - Q) s_j)`. s_j is the service time, h the
/// mean wait in service times, and F what M/G/1 makes of the service times, `S (1 + cv^2) / 2`. K executions
/// may share a server and the others wait in turn, which is the part `Q = rho^(c (K - 1))` of the wait (the
/// tail of a geometric count). u is held within 30 % of 1. The shape of the service time then foretells how
/// each quantile rises ([`queueing_delay`]), b being u F; the measured quantiles fix a, and b within 15 % of
/// that.
///
/// K is tried from 1 (a plain queue) to all (processor sharing). Each K counts as much as it fits (quantiles
/// and means of the same requests half each), those beyond the threads at work a tenth of that; the laws of
/// the median K are returned, and how far the others lie from them at [`HIGHEST_TRUSTED`] is part of b's
/// error.
///
/// A quantile of n requests is an order statistic, whose mean and variance are those of an exponential tail;
/// requests that wait in one queue are alike and tell less than their number. Beside that stand 6 % between
/// blocks and of the law, and the error of the wait and of the service time that the same few requests leave.
#[must_use]
pub fn fit_laws(station: &MeasuredStation, behaviours: &[(String, Vec<Observed>)]) -> Vec<QuantileLaw> {
    let usable: Vec<(String, Vec<&Observed>)> = behaviours
        .iter()
        .map(|(name, observed)| {
            (
                name.clone(),
                observed
                    .iter()
                    .filter(|one| one.utilisation < HIGHEST && one.response.mean_s > 0.0)
                    .collect(),
            )
        })
        .collect();
    let mut candidates: Vec<QuantileCandidate> = LEVELS
        .into_iter()
        .map(Some)
        .chain([None])
        .map(|level| candidate(station, &usable, level))
        .collect();
    let most = candidates
        .iter()
        .map(|candidate| candidate.laws.len())
        .max()
        .unwrap_or_default();
    candidates
        .iter_mut()
        .filter(|candidate| candidate.laws.len() < most)
        .for_each(|candidate| candidate.misfit = f64::INFINITY);
    let weights = weights(station, &candidates);
    let mut seen = 0.0;
    let median = weights.iter().position(|weight| {
        seen += weight;
        seen >= 0.5
    });
    let Some(median) = median.map(|index| &candidates[index]) else {
        return Vec::new();
    };
    median
        .laws
        .iter()
        .map(|law| with_other_levels(law, &candidates, &weights))
        .collect()
}

/// Means and quantiles fitted for one multiprogramming level.
fn candidate(
    station: &MeasuredStation,
    behaviours: &[(String, Vec<&Observed>)],
    level: Option<f64>,
) -> QuantileCandidate {
    let means = fit_means(station.servers, behaviours, level);
    let executions =
        |observed: &[&Observed]| observed.iter().map(|one| one.response.count).sum::<u64>() as f64;
    let all: f64 = behaviours.iter().map(|(_, observed)| executions(observed)).sum();
    let mix_cv2 = means.mix_cv2;
    let laws = |((name, observed), mean): (&(String, Vec<&Observed>), Option<MeanLaw>)| {
        let blank = QuantileLaw {
            behaviour: name.clone(),
            quantile: 0.0,
            resource: station.resource.clone(),
            servers: station.servers,
            a: Estimate::exact(0.0),
            b: Estimate::exact(0.0),
            covariance_ab: 0.0,
            residual: 0.0,
            multiprogramming_level: None,
            service_quantiles: None,
        };
        let seen = Seen {
            observed,
            share: executions(observed) / all.max(1.0),
            mix_cv2,
        };
        behaviour_laws(&blank, seen, mean, level)
    };
    let fitted: Vec<FittedLaw> = behaviours.iter().zip(means.laws).flat_map(laws).collect();
    let misfit = means.misfit + fitted.iter().map(|fitted| fitted.misfit).sum::<f64>();
    QuantileCandidate {
        level,
        laws: fitted.into_iter().map(|fitted| fitted.law).collect(),
        misfit,
    }
}

/// Weight of each candidate; the weights add up to 1.
fn weights(station: &MeasuredStation, candidates: &[QuantileCandidate]) -> Vec<f64> {
    let least = candidates
        .iter()
        .map(|candidate| candidate.misfit)
        .fold(f64::INFINITY, f64::min);
    // Half way to the next candidate, for those tried are powers of two.
    let most = station
        .threads
        .map_or(f64::INFINITY, |threads| threads / station.servers * 2_f64.sqrt());
    let weight = |candidate: &QuantileCandidate| {
        let prior = if candidate.level.unwrap_or(f64::INFINITY) <= most.max(1.0) {
            1.0
        } else {
            BEYOND_THREADS
        };
        if least.is_finite() {
            prior * (TOLD_TWICE * (least - candidate.misfit) / 2.0).exp()
        } else {
            1.0
        }
    };
    let weights: Vec<f64> = candidates.iter().map(weight).collect();
    let all: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / all).collect()
}

/// The law with the uncertainty of b that comes from its form, and from the other multiprogramming levels.
fn with_other_levels(law: &QuantileLaw, candidates: &[QuantileCandidate], weights: &[f64]) -> QuantileLaw {
    let seconds =
        |law: &QuantileLaw| seconds_at(law, (law.a.value, law.b.value), law.servers, HIGHEST_TRUSTED);
    let (here, queueing_delay) = (seconds(law), queueing_delay(law, law.servers, HIGHEST_TRUSTED));
    let apart = |candidate: &QuantileCandidate| {
        let other = candidate
            .laws
            .iter()
            .find(|other| other.behaviour == law.behaviour && other.quantile == law.quantile);
        other.map_or(0.0, |other| (seconds(other) - here).powi(2))
    };
    let variance: f64 = candidates
        .iter()
        .zip(weights)
        .map(|(candidate, weight)| weight * apart(candidate))
        .sum();
    let from_levels = if queueing_delay > 0.0 {
        variance / queueing_delay.powi(2)
    } else {
        0.0
    };
    let from_delay = (DELAY_ERROR * law.b.value).powi(2);
    let from_shape = (shape_error(law) * law.b.value).powi(2);
    QuantileLaw {
        b: interval(
            law.b.value,
            law.b.standard_error.powi(2) + from_levels + from_delay + from_shape,
        ),
        ..law.clone()
    }
}

/// Relative change of the rise at [`HIGHEST_TRUSTED`] if the service time is longer by its standard error:
/// what is not known of its shape.
fn shape_error(law: &QuantileLaw) -> f64 {
    let index = QUANTILES.iter().position(|quantile| *quantile == law.quantile);
    let (Some(own), Some(index)) = (law.service_quantiles, index) else {
        return 0.0;
    };
    let mut longer = own;
    let relative = law.a.standard_error / law.a.value;
    // A service time that was fitted as none may be as long again as it was taken to be.
    longer[index] *= 1.0
        + if relative.is_finite() {
            relative.min(1.0)
        } else {
            1.0
        };
    for later in index + 1..longer.len() {
        longer[later] = longer[later].max(longer[index]);
    }
    let other = QuantileLaw {
        service_quantiles: Some(longer),
        ..law.clone()
    };
    let rise = |law: &QuantileLaw| queueing_delay(law, law.servers, HIGHEST_TRUSTED);
    let change = rise(&other) / rise(law) - 1.0;
    if change.is_finite() { change } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(utilisation: f64, count: u64, mean_s: f64) -> Observed {
        let quantiles_s = QUANTILES.map(|quantile| -(1.0 - quantile).ln() * mean_s);
        Observed {
            utilisation,
            response: StepResponse {
                count,
                mean_s,
                deviation_s: mean_s,
                quantiles_s,
            },
        }
    }

    #[test]
    fn a_pool_beyond_the_threads_at_work_counts_a_tenth() {
        let candidates: Vec<QuantileCandidate> = LEVELS
            .into_iter()
            .map(Some)
            .chain([None])
            .map(|level| QuantileCandidate {
                level,
                laws: Vec::new(),
                misfit: 3.0,
            })
            .collect();
        let weights_with = |threads| {
            weights(
                &MeasuredStation {
                    servers: 2.0,
                    threads,
                    ..one_server()
                },
                &candidates,
            )
        };
        assert!(
            weights_with(None)
                .iter()
                .all(|weight| (weight - 1.0 / 7.0).abs() < 1e-12)
        );
        // Ten threads on two servers are five for each: 4 is possible, 8 is not.
        let ten = weights_with(Some(10.0));
        assert!(
            ten[..3]
                .iter()
                .all(|weight| (weight / ten[3] - 10.0).abs() < 1e-9)
                && ten[3..].iter().all(|weight| *weight == ten[3]),
            "{ten:?}"
        );
    }

    fn one_server() -> MeasuredStation {
        MeasuredStation {
            resource: "app/cpu".to_owned(),
            servers: 1.0,
            threads: None,
        }
    }

    /// Response of M/M/1 is exponential with the mean S / (1 - rho).
    #[test]
    fn one_exponential_server_is_recovered() {
        let exact = |rho: f64| 0.010 / (1.0 - rho);
        let steps: Vec<Observed> = [0.1, 0.3, 0.5, 0.7]
            .map(|rho| observed(rho, 10_000, exact(rho)))
            .to_vec();
        let laws = fit_laws(&one_server(), &[("a".to_owned(), steps)]);
        assert_eq!(laws.len(), 3);
        for law in laws {
            let (found, expected) = (
                seconds_at(&law, (law.a.value, law.b.value), 1.0, 0.9),
                -(1.0 - law.quantile).ln() * exact(0.9),
            );
            // The lightest step is taken for the service time, which foretells 11 % more wait than there is.
            assert!((found / expected - 1.0).abs() < 0.02, "{law:?}");
        }
    }

    #[test]
    fn too_few_or_saturated_steps_give_no_law() {
        let laws = |steps: &[(f64, u64)]| {
            let steps = steps
                .iter()
                .map(|(rho, count)| observed(*rho, *count, 0.01))
                .collect();
            fit_laws(&one_server(), &[("a".to_owned(), steps)])
                .iter()
                .map(|law| law.quantile)
                .collect::<Vec<_>>()
        };
        assert!(laws(&[(0.1, 100), (0.2, 100)]).is_empty());
        assert!(laws(&[(0.1, 100), (0.2, 100), (0.99, 100)]).is_empty());
        assert_eq!(
            laws(&[(0.1, 50), (0.2, 50), (0.3, 50)]),
            [0.5, 0.95],
            "p99 of 50 requests is their maximum"
        );
        assert!(fit_laws(&one_server(), &[]).is_empty());
    }
}
