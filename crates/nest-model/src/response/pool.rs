//! A station whose servers are shared by as many executions as it has workers for; the others wait in turn.

use super::service_time::ServiceTimeShape;
use crate::queueing::relative_wait;

/// Most rounds of a search.
const ROUNDS: usize = 60;
/// Utilisation below which a station counts as empty.
const EMPTY: f64 = 1e-9;

/// What an execution finds at its arrival at a utilisation below 1.
///
/// # Formula
/// G, the executions per server that it finds, itself among them, is 1 with the probability 1 - C; above that
/// `P(G > g) = C rho^(c (g - 1) - 1/2)`, at most 1, up to K, and what waits beyond is exponential with the
/// rate `c (1 - rho)`. C is Erlang's delay probability, K the executions that share a server. The count is
/// geometric; the half is the middle of its steps, and is given back evenly up to K, so that
/// `P(G > K) = C rho^(c (K - 1))`. The execution then takes `S min(G, K) + max(0, G - K)`, S its service
/// time, in units of what one place in the queue costs.
///
/// K = 1 is M/M/c, K infinite is processor sharing as long as G does not change much while an execution is
/// served. How many there are does not depend on K for exponential services, and hardly for others.
///
/// Source: Zhang, Dai, Zwart, "Diffusion limits of limited processor sharing queues", Ann. Appl. Probab.
/// 21(2), 2011; Kleinrock, "Queueing Systems", vol. 2, section 4.4 (sharing).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PooledQueue {
    level: f64,        // K, 1 or more
    delayed: f64,      // P(G > 1)
    fall_sharing: f64, // rate at which P(G > g) falls with g below K
    fall_waiting: f64, // the same beyond
}

impl PooledQueue {
    /// A station with `servers` servers (a fraction allowed), `level` of whose executions share one (1 or
    /// more; none: all do), at a utilisation from 0 to below 1.
    pub(super) fn new(level: Option<f64>, servers: f64, utilisation: f64) -> Self {
        let fall_waiting = servers * (1.0 - utilisation);
        let delayed = (relative_wait(servers, utilisation) * fall_waiting).min(1.0);
        let level = level.unwrap_or(f64::INFINITY);
        if level <= 1.0 {
            return Self {
                level: 1.0,
                delayed,
                fall_sharing: 0.0,
                fall_waiting,
            };
        }
        let fall = -utilisation.max(EMPTY).ln();
        let half_a_step = (fall / 2.0).min(-delayed.max(f64::MIN_POSITIVE).ln());
        Self {
            level,
            delayed: delayed * half_a_step.exp(),
            fall_sharing: servers * fall + half_a_step / (level - 1.0),
            fall_waiting,
        }
    }

    /// Quantile (0-1) of the response time, in the unit of the service time.
    pub(super) fn quantile(&self, own: &ServiceTimeShape, quantile: f64) -> f64 {
        let longer = 1.0 - quantile;
        let cells = own.cells();
        // Newton's method on the logarithm of the tail, which is nearly straight, held between what is known
        // to be too low and too high.
        let (mut low, mut high) = (0.0, f64::INFINITY);
        let mut time = self.first_guess(cells[cells.len() / 3].0, longer);
        for _ in 0..ROUNDS {
            let (tail, density) = self.tail(own, &cells, time);
            let miss = (tail / longer).ln();
            if miss > 0.0 {
                low = time
            } else {
                high = time
            }
            let step = miss * tail / density;
            if step.abs() <= 1e-10 * time {
                return time + step;
            }
            time = if time + step > low && time + step < high {
                time + step
            } else if high.is_finite() {
                (low + high) / 2.0
            } else {
                2.0 * time
            };
        }
        time
    }

    /// A response time of a typical service time that about a share of executions exceeds.
    fn first_guess(&self, own: f64, longer: f64) -> f64 {
        let falls = (self.delayed / longer).ln().max(0.0);
        let shared = (falls / self.fall_sharing).min(self.level - 1.0);
        if shared < self.level - 1.0 {
            own * (1.0 + shared)
        } else {
            own * self.level + (falls - shared * self.fall_sharing) / self.fall_waiting
        }
    }

    /// Share of response times above `time`, and its density there.
    fn tail(&self, own: &ServiceTimeShape, cells: &[(f64, f64)], time: f64) -> (f64, f64) {
        let (longer, density) = own.survival(time);
        let free = 1.0 - self.delayed;
        let mut tail = (free * longer, free * density);
        for (own, share) in cells {
            let (falls, rate) = self.falls(*own, time);
            let part = self.delayed * share * (-falls).exp();
            tail.0 += part;
            tail.1 += part * rate;
        }
        tail
    }

    /// `-ln P(an service time takes longer than a time | it is delayed)`, and its slope.
    fn falls(&self, own: f64, time: f64) -> (f64, f64) {
        if time <= own {
            (0.0, 0.0)
        } else if self.level.is_infinite() && own == 0.0 {
            (f64::INFINITY, 0.0) // nothing is stretched to nothing
        } else if time < own * self.level {
            ((time / own - 1.0) * self.fall_sharing, self.fall_sharing / own)
        } else {
            (
                (self.level - 1.0) * self.fall_sharing + (time - own * self.level) * self.fall_waiting,
                self.fall_waiting,
            )
        }
    }
}

/// Part of the mean wait that is spent in the queue before the shared servers, 0-1: `rho^(c (K - 1))`.
pub(super) fn queued_share(level: Option<f64>, servers: f64, utilisation: f64) -> f64 {
    level.map_or(0.0, |level| utilisation.powf(servers * (level - 1.0)))
}

#[cfg(test)]
mod tests {
    use super::super::QUANTILES;
    use super::*;
    use crate::queueing::{response_quantile, waiting_quantile};

    fn exponential() -> ServiceTimeShape {
        ServiceTimeShape::new(&QUANTILES.map(|quantile| -(1.0 - quantile).ln()))
    }

    #[test]
    fn without_sharing_it_is_a_queue_for_several_exponential_servers() {
        for (servers, utilisation, quantile) in [
            (1, 0.5, 0.95_f64),
            (2, 0.5, 0.99),
            (4, 0.9, 0.99),
            (4, 0.1, 0.5),
            (16, 0.95, 0.95),
        ] {
            let found = PooledQueue::new(Some(1.0), f64::from(servers), utilisation)
                .quantile(&exponential(), quantile);
            let exact = response_quantile(servers, utilisation, quantile);
            assert!(
                (found / exact - 1.0).abs() < 0.02,
                "{servers} {utilisation} {quantile}: {found} for {exact}"
            ); // twelve cells
        }
    }

    #[test]
    fn a_constant_service_waits_as_in_a_queue_or_is_stretched() {
        let constant = ServiceTimeShape::new(&[0.5; 3]);
        let queued = PooledQueue::new(Some(1.0), 4.0, 0.9).quantile(&constant, 0.99);
        assert!(
            (queued - 0.5 - waiting_quantile(4, 0.9, 0.99)).abs() < 1e-9,
            "{queued}"
        );
        // rho^(g - 1/2) = 0.01 for one server that is shared.
        let shared = PooledQueue::new(None, 1.0, 0.9).quantile(&constant, 0.99);
        assert!(
            (shared - 0.5 * (0.5 + 0.01_f64.ln() / 0.9_f64.ln())).abs() < 1e-9,
            "{shared}"
        );
    }

    /// The product of two exponential times has the survival `z K_1(z)`, `z = 2 sqrt(t)`; K_1 as in
    /// Abramowitz, Stegun, table 9.8.
    #[test]
    fn an_exponential_time_on_a_full_shared_server_is_a_product() {
        // z = 5.767, where z K_1(z) = 0.01
        let product = PooledQueue::new(None, 1.0, 0.999).quantile(&exponential(), 0.99) * 1e-3;
        assert!((product / 8.31 - 1.0).abs() < 0.03, "{product}");
    }

    #[test]
    fn own_times_of_nothing_take_nothing_where_all_share() {
        let at = |least: f64| {
            PooledQueue::new(None, 1.0, 0.9).quantile(&ServiceTimeShape::new(&[least, 1.0, 2.0]), 0.95)
        };
        assert!(
            (at(0.0) / at(1e-9) - 1.0).abs() < 1e-6 && at(0.0) > 5.0,
            "{} {}",
            at(0.0),
            at(1e-9)
        );
    }

    #[test]
    fn a_pool_lies_between_sharing_and_queueing() {
        let at = |level| {
            PooledQueue::new(level, 2.0, 0.9).quantile(&ServiceTimeShape::new(&[0.4, 0.5, 0.6]), 0.95)
        };
        let fewer = [
            at(None),
            at(Some(12.0)),
            at(Some(8.0)),
            at(Some(2.0)),
            at(Some(1.0)),
        ];
        assert!(fewer.is_sorted() && fewer[0] < 0.5 * fewer[4], "{fewer:?}"); // short ones gain by sharing
    }
}
