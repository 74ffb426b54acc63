//! How a quantile of response time rises with utilisation, for an own service time of a given shape.

use nest_data::{Estimate, scaling::QuantileLaw};

use super::{QUANTILES, own_time::{cells, survival}};
use crate::{draws::Z90, queueing::relative_wait};

/// Utilisation above which a response time is only a lower bound: no measured step reaches so far, and small errors of
/// utilisation there are large ones of response time.
pub const HIGHEST_TRUSTED: f64 = 0.9;
/// Rounds of a search; each at least halves what is left.
const ROUNDS: usize = 60;

/// Quantile of response time in seconds at a utilisation (0-1) of a resource with `servers` servers (a fraction allowed), for
/// one world's own time `a` and wait `b` in seconds; infinite from saturation on.
///
/// # Formula
/// `R_q = a + b rise(rho)`, see [`rise`].
#[must_use]
pub fn seconds_at(law: &QuantileLaw, (a, b): (f64, f64), servers: f64, utilisation: f64) -> f64 {
    if b == 0.0 { a } else { a + b * rise(law, servers, utilisation) }
}

/// The same with its interval at the law's own servers: that of a and b, and the scatter of the fitted steps; `None` from
/// saturation on.
#[must_use]
pub fn estimate_at(law: &QuantileLaw, utilisation: f64) -> Option<Estimate> {
    let rise = rise(law, law.servers, utilisation);
    let value = law.a.value + law.b.value * rise;
    let variance = law.a.standard_error.powi(2) + 2.0 * rise * law.covariance_ab + (rise * law.b.standard_error).powi(2);
    let error = (variance.max(0.0) + (law.residual * value).powi(2)).sqrt();
    rise.is_finite().then(|| Estimate { value, standard_error: error, low: (value - Z90 * error).max(0.0), high: value + Z90 * error })
}

/// Rise of a law's quantile over its own time, in units of its wait b; infinite from saturation on.
///
/// # Formula
/// `queueing omega_q(c, rho) + sharing h(c, rho)`: h is the mean wait in service times, and omega the q-quantile of own time
/// plus wait less that of the own time, where the own time is exponential with the mean `own_spread` and the wait is 0 with
/// the probability 1 - C, otherwise exponential with the mean `1 / (c (1 - rho))`.
#[must_use]
pub fn rise(law: &QuantileLaw, servers: f64, utilisation: f64) -> f64 {
    if utilisation >= 1.0 {
        return f64::INFINITY;
    }
    let mean = relative_wait(servers, utilisation);
    let Some(own) = &law.own else { return mean };
    let queue = Queue::new(law.slots, servers, utilisation);
    queue.quantile(own, law.quantile) - own[QUANTILES.iter().position(|q| *q == law.quantile).unwrap_or(0)]
}

/// Part of the mean wait that is spent in the queue before the shared servers, 0-1.
pub(super) fn queued_share(slots: f64, servers: f64, utilisation: f64) -> f64 {
    utilisation.powf(servers * (slots - 1.0))
}

/// What an arrival finds: with the probability `delayed` all servers are busy, and as many executions a server as an exponential time with the rate
/// `emptying`, beyond the first.
struct Queue {
    slots: f64,
    delayed: f64,
    thinning: f64,
    emptying: f64,
}

impl Queue {
    fn new(slots: Option<f64>, servers: f64, utilisation: f64) -> Self {
        let emptying = servers * (1.0 - utilisation);
        Self { slots: slots.unwrap_or(f64::INFINITY), delayed: (relative_wait(servers, utilisation) * emptying).min(1.0), thinning: -servers * utilisation.max(1e-9).ln(), emptying }
    }

    /// Response time of an own time where so many executions share a server or wait for it.
    fn response(&self, own: f64, present: f64) -> f64 {
        own * present.min(self.slots) + (present - self.slots).max(0.0)
    }

    /// Share of responses above `time`, and its density there.
    fn tail(&self, own: &[f64; 3], cells: &[(f64, f64)], time: f64) -> (f64, f64) {
        let (longer, density) = survival(own, time);
        let mut tail = ((1.0 - self.delayed) * longer, (1.0 - self.delayed) * density);
        for (own, weight) in cells {
            let full = own * self.slots;
            let (decay, slope) = if time <= *own {
                (0.0, 0.0)
            } else if time < full {
                ((time / own - 1.0) * self.thinning, self.thinning / own)
            } else {
                ((self.slots - 1.0) * self.thinning + (time - full) * self.emptying, self.emptying)
            };
            let part = self.delayed * weight * (-decay).exp();
            tail.0 += part;
            tail.1 += part * slope;
        }
        tail
    }

    fn quantile(&self, own: &[f64; 3], quantile: f64) -> f64 {
        let longer = 1.0 - quantile;
        let cells = cells(own);
        let present = 1.0 + ((self.delayed / longer).ln() / self.emptying).max(0.0);
        let (mut low, mut high) = (0.0, f64::INFINITY);
        let mut time = self.response(own[0], present).max(own[0]);
        for _ in 0..ROUNDS {
            let (tail, slope) = self.tail(own, &cells, time);
            let miss = (tail / longer).ln();
            if miss > 0.0 { low = time } else { high = time }
            let step = if slope > 0.0 { miss * tail / slope } else { f64::NAN };
            if step.abs() <= 1e-10 * time {
                return time + step;
            }
            let next = time + step;
            time = if next > low && next < high { next } else if high.is_finite() { (low + high) / 2.0 } else { 2.0 * time };
        }
        time
    }
}

/// A quantile of a behaviour in seconds in one world, at a utilisation (0-1) of `servers` servers; `None` where it has no law.
///
/// `laws` are all laws of the behaviour with their a and b in that world. A draw may let p95 pass p99: what comes out is put in
/// order by value, so that p50 <= p95 <= p99.
///
/// Source of the rearrangement: Chernozhukov, Fernandez-Val, Galichon, "Quantile and probability curves without crossing",
/// Econometrica 78(3), 2010.
#[must_use]
pub fn ordered_seconds(laws: &[(&QuantileLaw, (f64, f64))], quantile: f64, servers: f64, utilisation: f64) -> Option<f64> {
    let rank = laws.iter().filter(|(law, _)| law.quantile < quantile).count();
    let mut seconds: Vec<f64> = laws.iter().map(|(law, world)| seconds_at(law, *world, servers, utilisation)).collect();
    seconds.sort_by(f64::total_cmp);
    seconds.get(rank).copied()
}

/// Highest utilisation (0-1) at which a quantile of a behaviour, ordered as in [`ordered_seconds`], keeps a limit in one world;
/// `None` where it does not even without load, 1 where waiting never matters.
#[must_use]
pub fn highest_utilisation(laws: &[(&QuantileLaw, (f64, f64))], quantile: f64, servers: f64, limit_s: f64) -> Option<f64> {
    let rank = laws.iter().filter(|(law, _)| law.quantile > quantile).count();
    let mut reached: Vec<Option<f64>> = laws.iter().map(|(law, world)| utilisation_at(law, *world, servers, limit_s)).collect();
    // The largest value reaches the limit first, so ordering values is ordering where they reach it.
    reached.sort_by(|a, b| a.unwrap_or(-1.0).total_cmp(&b.unwrap_or(-1.0)));
    reached.get(rank).copied().flatten()
}

/// Utilisation at which one law reaches a limit.
fn utilisation_at(law: &QuantileLaw, world: (f64, f64), servers: f64, limit_s: f64) -> Option<f64> {
    if world.0 > limit_s {
        return None;
    }
    if world.1 == 0.0 {
        return Some(1.0);
    }
    // The Illinois rule on (limit - R) / (limit + R), which falls smoothly to -1 at saturation, also from an R of 0.
    let left = |utilisation: f64| {
        let seconds = seconds_at(law, world, servers, utilisation);
        if seconds.is_finite() { (limit_s - seconds) / (limit_s + seconds) } else { -1.0 }
    };
    let (mut low, mut high) = ((0.0, left(0.0)), (1.0, -1.0));
    let mut before = 0.0; // sign of the last value: an end that stays twice counts half
    for _ in 0..ROUNDS {
        let at = high.0 - high.1 * (high.0 - low.0) / (high.1 - low.1);
        let value = left(at);
        if value.abs() < 1e-13 || high.0 - low.0 < 1e-15 {
            return Some(at);
        }
        if value > 0.0 {
            low = (at, value);
            high.1 *= if before > 0.0 { 0.5 } else { 1.0 };
        } else {
            high = (at, value);
            low.1 *= if before < 0.0 { 0.5 } else { 1.0 };
        }
        before = value;
    }
    Some(low.0)
}

