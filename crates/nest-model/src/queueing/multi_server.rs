//! Response times of M/M/c: Poisson arrivals, exponential service, first come first served. Times are in
//! service times.

use super::{erlang_c, relative_wait};

/// Mean response time of M/M/c in service times; infinite from saturation on.
///
/// # Formula
/// `1 + C / (c (1 - rho))`. `servers` 1 or more (a fraction takes Sakasegawa's form), `utilisation` in 0-1.
///
/// Source: Cooper, "Introduction to Queueing Theory", 2nd ed., section 3.
#[must_use]
pub fn mean_response(servers: f64, utilisation: f64) -> f64 {
    1.0 + relative_wait(servers, utilisation)
}

/// Share of M/M/c responses that take longer than `time` service times, 0-1; 1 from saturation on.
///
/// # Formula
/// With `theta = c (1 - rho)`: `P(T > t) = e^-t + C (e^-t - e^(-theta t)) / (theta - 1)`, whose limit at
/// theta = 1 is `e^-t (1 + C t)`. `servers` 1 or more, `utilisation` in 0-1, `time` 0 or more.
///
/// Source: Kleinrock, "Queueing Systems", vol. 1, section 3.5 and exercise 5.6; `docs/method/queueing.md`.
#[must_use]
pub fn response_tail(servers: u32, utilisation: f64, time: f64) -> f64 {
    tail(
        f64::from(servers) * (1.0 - utilisation),
        erlang_c(servers, utilisation),
        time,
    )
}

/// The tail with its delay probability known.
fn tail(theta: f64, delayed: f64, time: f64) -> f64 {
    if theta <= 0.0 || time <= 0.0 {
        return 1.0;
    }
    // (e^-t - e^-(theta t)) / (theta - 1) without the cancellation near theta = 1.
    let apart = (theta - 1.0) * time;
    let excess = if apart == 0.0 {
        time
    } else {
        -(-apart).exp_m1() / (theta - 1.0)
    };
    if apart < 0.0 {
        // e^-t would vanish before e^-(theta t) does.
        let slow = (-theta * time).exp();
        return ((-time).exp() + delayed * slow * (apart.exp_m1()) / (theta - 1.0)).min(1.0);
    }
    ((-time).exp() * (1.0 + delayed * excess)).min(1.0)
}

/// Quantile of M/M/c response time in service times: the inverse of [`response_tail`], by bisection to the
/// last digit.
///
/// `servers` 1 or more, `utilisation` in 0-1, infinite from saturation on; `quantile` in 0-1.
#[must_use]
pub fn response_quantile(servers: u32, utilisation: f64, quantile: f64) -> f64 {
    if quantile <= 0.0 {
        return 0.0;
    }
    if utilisation >= 1.0 || quantile >= 1.0 {
        return f64::INFINITY;
    }
    let (theta, delayed) = (
        f64::from(servers) * (1.0 - utilisation),
        erlang_c(servers, utilisation),
    );
    let longer = 1.0 - quantile;
    let mut high = 1.0;
    while tail(theta, delayed, high) > longer {
        high *= 2.0;
    }
    let mut low = 0.0;
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return high;
        }
        if tail(theta, delayed, middle) > longer {
            low = middle
        } else {
            high = middle
        }
    }
}

/// Quantile of M/M/c waiting time (response less service) in service times; 0 if fewer than `1 - quantile`
/// wait.
///
/// # Formula
/// `max(0, ln(C / (1 - q)) / (c (1 - rho)))`. `servers` 1 or more, `utilisation` in 0-1, infinite from
/// saturation on.
///
/// Source: Cooper, "Introduction to Queueing Theory", 2nd ed., section 3.
#[must_use]
pub fn waiting_quantile(servers: u32, utilisation: f64, quantile: f64) -> f64 {
    if utilisation >= 1.0 {
        return f64::INFINITY;
    }
    let delayed = erlang_c(servers, utilisation);
    ((delayed / (1.0 - quantile)).ln() / (f64::from(servers) * (1.0 - utilisation))).max(0.0)
}

/// The condition that enough servers meet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ServerTarget {
    /// A quantile (0-1) of response time is at most so many service times.
    Response {
        /// The quantile, 0-1.
        quantile: f64,
        /// Its limit in service times.
        limit: f64,
    },
    /// At most this share of arrivals waits, 0-1.
    Waiting(f64),
}

/// Fewest servers of an M/M/c queue that meet a target at `load` Erlang (arrival rate x service time, above
/// 0).
///
/// `None` if no number of them does, because the service alone takes as long as the limit, or the load is not
/// a number.
#[must_use]
pub fn least_servers(load: f64, target: ServerTarget) -> Option<u32> {
    let reachable = match target {
        ServerTarget::Response { quantile, limit } => -(1.0 - quantile).ln() < limit,
        ServerTarget::Waiting(share) => share > 0.0,
    };
    if !reachable || load.is_nan() || load <= 0.0 || load >= f64::from(u32::MAX / 4) {
        return None;
    }
    let enough = |servers: u32| {
        let utilisation = load / f64::from(servers);
        match target {
            _ if utilisation >= 1.0 => false,
            ServerTarget::Response { quantile, limit } => {
                response_tail(servers, utilisation, limit) <= 1.0 - quantile
            }
            ServerTarget::Waiting(share) => erlang_c(servers, utilisation) <= share,
        }
    };
    let mut low = load.floor() as u32; // never enough: it is saturated
    let mut spare = 1;
    while !enough(low + spare) {
        low += spare;
        spare *= 2;
    }
    let mut high = low + spare;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if enough(middle) {
            high = middle
        } else {
            low = middle
        }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_has_an_exponential_response() {
        for (utilisation, time) in [(0.0_f64, 0.3_f64), (0.5, 2.0), (0.8, 40.0), (0.999, 3_000.0)] {
            let exact = (-(1.0 - utilisation) * time).exp();
            assert!(
                (response_tail(1, utilisation, time) / exact - 1.0).abs() < 1e-9,
                "{utilisation} {time}"
            );
        }
    }

    #[test]
    fn the_tail_is_smooth_where_its_two_rates_meet() {
        // c (1 - rho) = 1 at c = 4, rho = 0.75: the closed form divides by zero there.
        let tail = |utilisation: f64| response_tail(4, utilisation, 3.0);
        assert!((tail(0.75) - (tail(0.75 - 1e-7) + tail(0.75 + 1e-7)) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn saturation_and_unreachable_targets_are_said_so() {
        assert_eq!(response_quantile(2, 1.0, 0.5), f64::INFINITY);
        assert_eq!(waiting_quantile(2, 1.2, 0.5), f64::INFINITY);
        assert_eq!(waiting_quantile(100, 0.1, 0.5), 0.0);
        assert_eq!(
            least_servers(
                10.0,
                ServerTarget::Response {
                    quantile: 0.95,
                    limit: 2.9
                }
            ),
            None
        );
        assert_eq!(least_servers(f64::NAN, ServerTarget::Waiting(0.2)), None);
        assert_eq!(least_servers(10.0, ServerTarget::Waiting(0.0)), None);
    }
}
