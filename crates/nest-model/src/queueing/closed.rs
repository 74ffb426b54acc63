//! A closed population at stations of one or several servers: throughput, response time and utilisation by
//! customers.

/// A station of a closed system.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClosedStation {
    /// Seconds of service per execution, over all its visits, 0 or more.
    pub demand_s: f64,
    /// Servers, above 0: `i` customers are served at the rate `min(i, servers)`, so that a processor quota
    /// may be a fraction.
    pub servers: f64,
}

/// A closed system at one number of customers.
#[derive(Debug, Clone, PartialEq)]
pub struct ClosedPoint {
    /// Customers N, 1 or more.
    pub customers: u32,
    /// Executions per second X.
    pub throughput_per_s: f64,
    /// Mean response time R of an execution in seconds, think time excluded.
    pub response_s: f64,
    /// Utilisation of each station, 0-1, in the order given.
    pub utilisation: Vec<f64>,
}

/// Throughput, response time and utilisation for 1 to `customers` customers who wait for the answer, then
/// think for `think_time_s` seconds (0 or more) on average. Exact for exponential service, and for processor
/// sharing whatever the distribution; think times may have any.
///
/// Empty if nothing takes time, or if a demand, server count or think time is not a number in its range.
/// Takes about `customers x sum of min(servers, customers)` steps.
///
/// # Formula
/// Mean-value analysis, one station after the other. With `y(n)` the mean time between completions of the
/// stations so far at n customers (`Z / n` for thinking alone), adding a station of demand D and c servers
/// gives
///
/// ```text
/// Y(n)    = y(n) P_0(n-1) + sum_{i>=1} D / min(i, c) P_{i-1}(n-1)
/// P_0(n)  = P_0(n-1) y(n) / Y(n),    P_i(n) = D / min(i, c) P_{i-1}(n-1) / Y(n)
/// ```
///
/// where `P_i(n)` is the probability of i customers at the new station; all states with every server busy are
/// kept in one sum. Every term is positive, so nothing cancels: the usual form takes `P_0` from one minus the
/// others, which fails near saturation. Then `X = 1 / Y(N)`, `R = N / X - Z`, `U_k = X D_k / c_k`.
///
/// Source: Reiser, "Mean-value analysis and convolution method for queue-dependent servers in closed queueing
/// networks", Performance Evaluation 1, 1981.
#[must_use]
pub fn closed_forecast(stations: &[ClosedStation], think_time_s: f64, customers: u32) -> Vec<ClosedPoint> {
    let usable = |station: &ClosedStation| {
        station.demand_s.is_finite() && station.demand_s >= 0.0 && station.servers > 0.0
    };
    let demand: f64 = stations.iter().map(|station| station.demand_s).sum();
    if !stations.iter().all(usable)
        || !think_time_s.is_finite()
        || think_time_s < 0.0
        || think_time_s + demand <= 0.0
    {
        return Vec::new();
    }
    let mut gaps: Vec<f64> = (1..=customers)
        .map(|count| think_time_s / f64::from(count))
        .collect();
    stations
        .iter()
        .for_each(|station| add_station(&mut gaps, station));
    let point = |(count, gap): (u32, f64)| ClosedPoint {
        customers: count,
        throughput_per_s: 1.0 / gap,
        response_s: (f64::from(count) * gap - think_time_s).max(demand),
        utilisation: stations
            .iter()
            .map(|station| station.demand_s / (gap * station.servers))
            .collect(),
    };
    (1..=customers).zip(gaps).map(point).collect()
}

/// Adds a station to a system, given and returned as the mean time between completions at 1, 2, ...
/// customers.
fn add_station(gaps: &mut [f64], station: &ClosedStation) {
    let ClosedStation { demand_s, servers } = *station;
    if demand_s == 0.0 {
        return;
    }
    // Below `levels` customers some server may be idle; with more of them all are busy.
    let levels = (servers.ceil() as usize).min(gaps.len()).max(1);
    let service = |present: usize| demand_s / (present as f64).min(servers);
    let mut present = vec![0.0; levels]; // probability of 0, 1, ... levels - 1 customers
    present[0] = 1.0;
    let mut busy = 0.0; // probability of `levels` customers or more
    for gap in gaps {
        let more: f64 = present
            .iter()
            .enumerate()
            .map(|(count, probability)| service(count + 1) * probability)
            .sum();
        let total = *gap * present[0] + more + service(levels) * busy;
        busy = service(levels) * (present[levels - 1] + busy) / total;
        for count in (1..levels).rev() {
            present[count] = service(count) * present[count - 1] / total;
        }
        present[0] *= *gap / total;
        *gap = total;
    }
}

/// A station of several servers as one fast server followed by a delay, for methods that know only those:
/// (demand of the server, delay), both in seconds.
///
/// # Formula
/// `D / c` and `D (c - 1) / c`, for c of 1 or more; the throughput it leads to is 0 to 3.1 % too low near the
/// knee.
///
/// Source: Seidmann, Schweitzer, Shalev-Oren, "Computerized closed queueing network models of flexible
/// manufacturing systems", Large Scale Systems 12, 1987; error: `docs/method/queueing.md`.
#[must_use]
pub fn seidmann(station: ClosedStation) -> (f64, f64) {
    let servers = station.servers.max(1.0);
    (
        station.demand_s / servers,
        station.demand_s * (servers - 1.0) / servers,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_servers_as_customers_never_wait() {
        let points = closed_forecast(
            &[ClosedStation {
                demand_s: 0.3,
                servers: 50.0,
            }],
            2.0,
            50,
        );
        for point in points {
            assert!((point.throughput_per_s - f64::from(point.customers) / 2.3).abs() < 1e-12);
        }
    }

    #[test]
    fn the_order_of_stations_does_not_matter() {
        let stations = [(0.605, 1.0), (4.2, 2.0), (1.35, 1.5)]
            .map(|(demand_s, servers)| ClosedStation { demand_s, servers });
        let back: Vec<ClosedStation> = stations.iter().rev().copied().collect();
        for (one, other) in closed_forecast(&stations, 15.0, 60)
            .iter()
            .zip(closed_forecast(&back, 15.0, 60))
        {
            assert!((one.throughput_per_s / other.throughput_per_s - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn hundreds_of_thousands_of_customers_stay_on_the_ceiling() {
        let stations = [
            ClosedStation {
                demand_s: 0.01,
                servers: 16.0,
            },
            ClosedStation {
                demand_s: 0.001,
                servers: 2.0,
            },
        ];
        let last = closed_forecast(&stations, 10.0, 200_000).pop().expect("points");
        assert!((last.throughput_per_s - 1_600.0).abs() < 1e-6 && (last.utilisation[0] - 1.0).abs() < 1e-9);
        assert!((last.response_s - (200_000.0 / 1_600.0 - 10.0)).abs() < 1e-6);
    }

    #[test]
    fn nothing_to_do_or_no_sense_gives_no_forecast() {
        assert!(closed_forecast(&[], 0.0, 5).is_empty());
        assert!(
            closed_forecast(
                &[ClosedStation {
                    demand_s: f64::NAN,
                    servers: 1.0
                }],
                1.0,
                5
            )
            .is_empty()
        );
        assert!(
            closed_forecast(
                &[ClosedStation {
                    demand_s: 0.1,
                    servers: 0.0
                }],
                1.0,
                5
            )
            .is_empty()
        );
        assert!(
            closed_forecast(
                &[ClosedStation {
                    demand_s: 0.1,
                    servers: 1.0
                }],
                -1.0,
                5
            )
            .is_empty()
        );
    }
}
