//! How a quantile of response time rises with utilisation, for an own service time of a given shape.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use nest_data::{Estimate, scaling::QuantileLaw};

use super::{QUANTILES, pool::PooledQueue, service_time::ServiceTimeShape};
use crate::{draws::Z90, queueing::relative_wait};

/// Utilisation above which a response time is only a lower bound: no measured step reaches so far, and small
/// errors of utilisation there are large ones of response time.
pub const HIGHEST_TRUSTED: f64 = 0.9;
/// Last node of a [`QueueingDelay`], where `ln(1 / (1 - rho))` is 10.
const NODES: usize = 10 * NODES_PER_UNIT;
/// Nodes for each unit of `ln(1 / (1 - rho))`.
const NODES_PER_UNIT: usize = 32;

/// Quantile of response time in seconds at a utilisation (0-1) of a resource with `servers` servers (a
/// fraction allowed), for one draw's service time `a` and wait `b` in seconds; infinite from saturation on.
///
/// # Formula
/// `R_q = a + b queueing_delay(rho)`, see [`queueing_delay`].
#[must_use]
pub(super) fn seconds_at(law: &QuantileLaw, (a, b): (f64, f64), servers: f64, utilisation: f64) -> f64 {
    if b == 0.0 {
        a
    } else {
        a + b * queueing_delay(law, servers, utilisation)
    }
}

/// The response time with its interval at the law's own servers: that of a and b, and the scatter of the
/// fitted steps; `None` from saturation on.
#[must_use]
pub fn estimate_at(law: &QuantileLaw, utilisation: f64) -> Option<Estimate> {
    let queueing_delay = Some(queueing_delay(law, law.servers, utilisation))
        .filter(|queueing_delay| queueing_delay.is_finite())?;
    let value = law.a.value + law.b.value * queueing_delay;
    let variance = law.a.standard_error.powi(2)
        + 2.0 * queueing_delay * law.covariance_ab
        + (queueing_delay * law.b.standard_error).powi(2);
    Some(interval(
        value,
        variance.max(0.0) + (law.residual * value).powi(2),
    ))
}

/// An estimate that is not below 0, with its 90 % interval.
pub(super) fn interval(value: f64, variance: f64) -> Estimate {
    let error = variance.max(0.0).sqrt();
    Estimate {
        value,
        standard_error: error,
        low: (value - Z90 * error).max(0.0),
        high: value + Z90 * error,
    }
}

/// Rise of a law's quantile over its service time, in units of its wait b; infinite from saturation on.
///
/// # Formula
/// The quantile of `S min(G, K) + max(0, G - K)` less that of the service time S. An arrival finds G
/// executions per server, itself among them: `P(G > g) = C rho^(c (g - 1) - 1/2)` up to K, and exponential
/// with the rate `c (1 - rho)` beyond. It is the mean wait h(c, rho) in service times if the law knows no
/// service time, or is none of [`QUANTILES`].
#[must_use]
pub fn queueing_delay(law: &QuantileLaw, servers: f64, utilisation: f64) -> f64 {
    if utilisation >= 1.0 {
        return f64::INFINITY;
    }
    let index = QUANTILES.iter().position(|quantile| *quantile == law.quantile);
    let (Some(own), Some(index)) = (&law.service_quantiles, index) else {
        return relative_wait(servers, utilisation);
    };
    (PooledQueue::new(law.multiprogramming_level, servers, utilisation)
        .quantile(&ServiceTimeShape::new(own), law.quantile)
        - own[index])
        .max(0.0)
}

/// [`queueing_delay`] of one law at some servers as a table over `ln(1 / (1 - rho))`, linear between its
/// nodes (within 0.5 % of service time and rise) and like `1 / (1 - rho)` beyond them: what thousands of
/// draws and months look up.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueingDelay {
    /// The law.
    pub law: QuantileLaw,
    nodes: Vec<f64>, // never falling, from 0 at no load
}

impl QueueingDelay {
    /// At `servers` servers (a fraction allowed) of the law's resource.
    #[must_use]
    pub fn new(law: &QuantileLaw, servers: f64) -> Self {
        let mut highest = 0.0_f64;
        let node = |index: usize| {
            let utilisation = -(-(index as f64) / NODES_PER_UNIT as f64).exp_m1();
            highest = if index == 0 {
                0.0
            } else {
                highest.max(queueing_delay(law, servers, utilisation))
            };
            highest
        };
        Self {
            law: law.clone(),
            nodes: (0..=NODES).map(node).collect(),
        }
    }

    /// The rise at a utilisation (0-1); infinite from saturation on.
    #[must_use]
    pub fn at(&self, utilisation: f64) -> f64 {
        if utilisation >= 1.0 {
            return f64::INFINITY;
        }
        let place = -(-utilisation.max(0.0)).ln_1p() * NODES_PER_UNIT as f64;
        let index = place as usize;
        match self.nodes.get(index + 1) {
            Some(next) => self.nodes[index] + (place - index as f64) * (next - self.nodes[index]),
            None => self.nodes[NODES] * ((place - NODES as f64) / NODES_PER_UNIT as f64).exp(),
        }
    }

    /// Highest utilisation (0-1) at which the rise is at most this.
    fn utilisation_at(&self, most: f64) -> f64 {
        let above = self
            .nodes
            .partition_point(|queueing_delay| *queueing_delay <= most)
            .max(1);
        let place = match self.nodes.get(above) {
            Some(next) => above as f64 - (next - most) / (next - self.nodes[above - 1]),
            None if self.nodes[NODES] == 0.0 => return 1.0,
            None => NODES as f64 + (most / self.nodes[NODES]).ln() * NODES_PER_UNIT as f64,
        };
        -(-place / NODES_PER_UNIT as f64).exp_m1()
    }

    /// Quantile of response time in seconds at a utilisation (0-1) in a draw with the service time `a` and
    /// the wait `b` in seconds.
    #[must_use]
    pub fn seconds(&self, (a, b): (f64, f64), utilisation: f64) -> f64 {
        if b == 0.0 { a } else { a + b * self.at(utilisation) }
    }

    /// Highest utilisation (0-1) at which a draw keeps a limit; `None` if it does not even without load.
    fn keeps(&self, (a, b): (f64, f64), limit_s: f64) -> Option<f64> {
        match b {
            _ if a > limit_s => None,
            0.0 => Some(1.0),
            _ => Some(self.utilisation_at((limit_s - a) / b)),
        }
    }
}

/// Tables of all laws of a model, each made once for every number of servers that is asked for.
#[derive(Debug, Default)]
// by law and the bits of the servers
pub struct QueueingDelays(Mutex<BTreeMap<(usize, u64), Arc<QueueingDelay>>>);

impl QueueingDelays {
    /// That of each of the model's laws, in their order, at the servers that it has there.
    pub fn at(&self, laws: &[QuantileLaw], servers: impl Fn(&QuantileLaw) -> f64) -> Vec<Arc<QueueingDelay>> {
        let mut made = self.0.lock().expect("no holder of the tables panics");
        let delay = |(index, law): (usize, &QuantileLaw)| {
            let servers = servers(law);
            Arc::clone(
                made.entry((index, servers.to_bits()))
                    .or_insert_with(|| Arc::new(QueueingDelay::new(law, servers))),
            )
        };
        laws.iter().enumerate().map(delay).collect()
    }
}

/// Response time in seconds of one quantile of a behaviour at a utilisation (0-1) in one draw; `None` without
/// a law of that quantile or below.
///
/// `laws` are all laws of the behaviour with their a and b in that draw. A law or a draw may let p95 pass
/// p99: a quantile is the greatest of its own law and those of lower quantiles, so that p50 <= p95 <= p99.
/// The lower one is believed because more requests stand behind it.
#[must_use]
pub fn ordered_seconds(
    laws: &[(&QueueingDelay, (f64, f64))],
    quantile: f64,
    utilisation: f64,
) -> Option<f64> {
    up_to(laws, quantile)
        .map(|(queueing_delay, draw)| queueing_delay.seconds(*draw, utilisation))
        .max_by(f64::total_cmp)
}

/// Highest utilisation (0-1) at which a quantile of a behaviour, ordered as in [`ordered_seconds`], keeps a
/// limit in one draw; `None` if it does not even without load, 1 if waiting never matters.
#[must_use]
pub fn highest_utilisation(
    laws: &[(&QueueingDelay, (f64, f64))],
    quantile: f64,
    limit_s: f64,
) -> Option<f64> {
    // All of them keep the limit up to where the first of them reaches it.
    up_to(laws, quantile)
        .map(|(queueing_delay, draw)| queueing_delay.keeps(*draw, limit_s))
        .min_by(|a, b| a.unwrap_or(-1.0).total_cmp(&b.unwrap_or(-1.0)))?
}

/// The laws of a quantile and of those below it.
fn up_to<'a, 'b>(
    laws: &'a [(&'b QueueingDelay, (f64, f64))],
    quantile: f64,
) -> impl Iterator<Item = &'a (&'b QueueingDelay, (f64, f64))> {
    laws.iter()
        .filter(move |(queueing_delay, _)| queueing_delay.law.quantile <= quantile)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law(quantile: f64, level: Option<f64>) -> QuantileLaw {
        let zero = Estimate::exact(0.0);
        QuantileLaw {
            behaviour: "a".to_owned(),
            quantile,
            resource: "app/cpu".to_owned(),
            servers: 4.0,
            a: zero,
            b: zero,
            covariance_ab: 0.0,
            residual: 0.0,
            multiprogramming_level: level,
            service_quantiles: Some([0.9, 1.4, 2.0]),
        }
    }

    #[test]
    fn a_limit_and_the_utilisation_that_reaches_it_are_inverses() {
        for law in [law(0.99, Some(1.0)), law(0.95, Some(4.0)), law(0.5, None)] {
            let queueing_delay = QueueingDelay::new(&law, 4.0);
            for utilisation in [0.05, 0.35, 0.5, 0.9, 0.999, 0.999_999] {
                let limit = queueing_delay.seconds((0.02, 0.01), utilisation);
                let found = highest_utilisation(&[(&queueing_delay, (0.02, 0.01))], law.quantile, limit)
                    .expect("above the service time");
                assert!(
                    (queueing_delay.seconds((0.02, 0.01), found) / limit - 1.0).abs() < 1e-9,
                    "{utilisation}: {found}"
                );
            }
            assert_eq!(
                highest_utilisation(&[(&queueing_delay, (0.02, 0.01))], law.quantile, 0.01),
                None
            );
            assert_eq!(
                highest_utilisation(&[(&queueing_delay, (0.02, 0.0))], law.quantile, 0.03),
                Some(1.0)
            );
        }
    }

    #[test]
    fn a_draw_without_own_time_reaches_its_limit_by_waiting() {
        let law = QuantileLaw {
            service_quantiles: None,
            ..law(0.95, None)
        };
        // 0.01 rho / (1 - rho) = 0.03 at rho = 3/4 of one server
        let found = highest_utilisation(&[(&QueueingDelay::new(&law, 1.0), (0.0, 0.01))], 0.95, 0.03)
            .expect("it waits");
        assert!((found - 0.75).abs() < 1e-3, "{found}");
    }

    #[test]
    fn quantiles_that_cross_are_put_in_order() {
        let [p95, p99] = [0.95, 0.99].map(|quantile| QuantileLaw {
            service_quantiles: None,
            ..law(quantile, None)
        });
        let [p95, p99] = [&p95, &p99].map(|law| QueueingDelay::new(law, 1.0));
        let laws = [(&p95, (0.01, 0.05)), (&p99, (0.02, 0.01))]; // crossed from h = 0.25 on
        let seconds = |quantile, utilisation| ordered_seconds(&laws, quantile, utilisation).expect("a law");
        // A p99 below p95 moves p99 and not p95.
        assert!((seconds(0.95, 0.5) - 0.06).abs() < 1e-4 && (seconds(0.99, 0.5) - 0.06).abs() < 1e-4);
        assert!((seconds(0.95, 0.0) - 0.01).abs() < 1e-4 && (seconds(0.99, 0.0) - 0.02).abs() < 1e-4);
        let reached =
            |quantile, limit| highest_utilisation(&laws, quantile, limit).expect("above the service time");
        assert!((reached(0.99, 0.06) - 0.5).abs() < 1e-3 && (reached(0.95, 0.06) - 0.5).abs() < 1e-3);
        assert!(reached(0.95, 0.021) > reached(0.99, 0.021));
        assert_eq!(ordered_seconds(&[], 0.95, 0.5), None);
    }

    #[test]
    fn the_table_is_close_to_what_it_tabulates() {
        for (law, servers) in [
            (law(0.99, Some(8.0)), 2.0),
            (law(0.5, None), 1.0),
            (law(0.95, Some(1.0)), 3.5),
            (law(0.99, Some(4.0)), 16.0),
        ] {
            let table = QueueingDelay::new(&law, servers);
            for utilisation in [0.05, 0.3, 0.62, 0.77, 0.9, 0.97, 0.9999] {
                let exact = queueing_delay(&law, servers, utilisation);
                assert!(
                    (table.at(utilisation) - exact).abs() <= 5e-3 * (0.9 + exact),
                    "{utilisation}: {} for {exact}",
                    table.at(utilisation)
                );
            }
            assert_eq!((table.at(0.0), table.at(1.0)), (0.0, f64::INFINITY));
        }
    }
}
