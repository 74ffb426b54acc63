//! Bounds that hold for any closed system, whatever its distributions.

use super::ClosedStation;

/// Bounds that no closed system of these demands can pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClosedBounds {
    /// Least throughput per second: everybody always waits for everybody else.
    pub least_throughput_per_s: f64,
    /// Most throughput per second.
    pub most_throughput_per_s: f64,
    /// Least mean response time in seconds.
    pub least_response_s: f64,
    /// Customers at which the light-load and the saturation bound cross: the knee.
    pub knee_customers: f64,
}

/// Asymptotic bounds of a closed system with `customers` customers (1 or more) that think for `think_time_s`
/// seconds.
///
/// `None` if all demand is 0, so that nothing binds.
///
/// # Formula
/// With D the sum of demands and `M = max_k D_k / c_k`: `N / (Z + N D) <= X <= min(N / (Z + D), 1 / M)`,
/// `R >= max(D, N M - Z)`, knee `(Z + D) / M`.
///
/// Source: Denning, Buzen, "The operational analysis of queueing network models", ACM Computing Surveys
/// 10(3), 1978; Lazowska et al., "Quantitative System Performance", chapter 5.
#[must_use]
pub fn closed_bounds(stations: &[ClosedStation], think_time_s: f64, customers: f64) -> Option<ClosedBounds> {
    let demand: f64 = stations.iter().map(|station| station.demand_s).sum();
    let largest = stations
        .iter()
        .map(|station| station.demand_s / station.servers)
        .fold(0.0, f64::max);
    (largest > 0.0).then(|| ClosedBounds {
        least_throughput_per_s: customers / (think_time_s + customers * demand),
        most_throughput_per_s: (customers / (think_time_s + demand)).min(1.0 / largest),
        least_response_s: demand.max(customers * largest - think_time_s),
        knee_customers: (think_time_s + demand) / largest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lazowska et al. p. 117 inputs: D .605, 2.1, 1.35 s, Z 15 s; the disk of 2.1 s binds.
    #[test]
    fn the_largest_demand_per_server_binds() {
        let stations = [0.605, 2.1, 1.35].map(|demand_s| ClosedStation {
            demand_s,
            servers: 1.0,
        });
        let bounds = closed_bounds(&stations, 15.0, 10.0).expect("demand");
        assert!((bounds.knee_customers - 19.055 / 2.1).abs() < 1e-12);
        assert!((bounds.most_throughput_per_s - 1.0 / 2.1).abs() < 1e-12);
        assert!((bounds.least_response_s - 6.0).abs() < 1e-12);
        assert!((bounds.least_throughput_per_s - 10.0 / 55.55).abs() < 1e-12);
        assert_eq!(closed_bounds(&[], 1.0, 1.0), None);
    }
}
