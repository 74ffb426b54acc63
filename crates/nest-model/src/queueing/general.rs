//! Waiting for service times of any distribution, of which two moments are known.

use super::relative_wait;

/// Mean and variability of a service time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ServiceMoments {
    /// Mean in seconds.
    pub mean_s: f64,
    /// Squared coefficient of variation, 0 (constant) or more; 1 is exponential.
    pub cv2: f64,
}

/// Service time of an execution drawn from several behaviours: what the resource sees of a mix.
///
/// `parts` are rates (executions per second, or any weights, 0 or more) with the behaviour's own service
/// time. `None` if the weights or the mean are not above 0.
///
/// # Formula
/// `E[S] = sum w_j S_j`, `E[S^2] = sum w_j S_j^2 (1 + cv_j^2)`, `cv^2 = E[S^2] / E[S]^2 - 1` with weights
/// that sum to 1.
#[must_use]
pub fn mixed_service(parts: &[(f64, ServiceMoments)]) -> Option<ServiceMoments> {
    let weight: f64 = parts.iter().map(|(weight, _)| weight).sum();
    let mean_s = parts
        .iter()
        .map(|(weight, part)| weight * part.mean_s)
        .sum::<f64>()
        / weight;
    let square = parts
        .iter()
        .map(|(weight, part)| weight * part.mean_s.powi(2) * (1.0 + part.cv2))
        .sum::<f64>()
        / weight;
    let cv2 = (square / mean_s.powi(2) - 1.0).max(0.0); // one part with cv2 = 0 may round below it
    (mean_s > 0.0 && cv2.is_finite()).then_some(ServiceMoments { mean_s, cv2 })
}

/// Mean wait of M/G/1 in service times; infinite from saturation on.
///
/// # Formula
/// `rho (1 + cv^2) / (2 (1 - rho))` (Pollaczek, Khinchine); exact. `utilisation` in 0-1, `cv2` of the service
/// time.
///
/// Source: Kleinrock, "Queueing Systems", vol. 1, section 5.6.
#[must_use]
pub fn single_server_wait(utilisation: f64, cv2: f64) -> f64 {
    general_wait(1.0, utilisation, 1.0, cv2)
}

/// Mean wait of G/G/c in service times, approximately; infinite from saturation on.
///
/// # Formula
/// M/M/c wait times `(cv_a^2 + cv_s^2) / 2` (Allen, Cunneen): exact for M/G/1 and M/M/c. `servers` 1 or more,
/// a fraction allowed; `arrivals_cv2` of the times between arrivals (1 for Poisson, above it for bursts),
/// `service_cv2` of service.
///
/// Source: Allen, "Probability, Statistics, and Queueing Theory", 2nd ed., section 5.3.5.
#[must_use]
pub fn general_wait(servers: f64, utilisation: f64, arrivals_cv2: f64, service_cv2: f64) -> f64 {
    relative_wait(servers, utilisation) * (arrivals_cv2 + service_cv2) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_of_constants_varies_and_a_mix_of_equals_does_not() {
        let constant = |mean_s| ServiceMoments { mean_s, cv2: 0.0 };
        let mix = mixed_service(&[(1.0, constant(1.0)), (1.0, constant(3.0))]).expect("weights");
        assert_eq!(
            mix,
            ServiceMoments {
                mean_s: 2.0,
                cv2: 0.25
            }
        ); // E[S^2] = 5
        let exponential = ServiceMoments {
            mean_s: 0.7,
            cv2: 1.0,
        };
        let equal = mixed_service(&[(2.0, exponential), (5.0, exponential)]).expect("weights");
        assert!((equal.mean_s - 0.7).abs() < 1e-12 && (equal.cv2 - 1.0).abs() < 1e-12);
        assert_eq!(mixed_service(&[]), None);
        assert_eq!(mixed_service(&[(0.0, exponential)]), None);
    }

    #[test]
    fn saturation_waits_for_ever() {
        assert_eq!(single_server_wait(1.0, 0.0), f64::INFINITY);
        assert_eq!(general_wait(4.0, 1.1, 1.0, 1.0), f64::INFINITY);
    }
}
