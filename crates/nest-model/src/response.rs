//! Response-time quantiles against utilisation.

use base64::{Engine, engine::general_purpose::STANDARD};
use hdrhistogram::serialization::Deserializer;
use nalgebra::{DMatrix, DVector};
use nest_data::{
    Estimate,
    measurement::{Outcome, ResponseClock, Step},
    scaling::{QuantileLaw, QuantilePoint},
};

use crate::{ModelError, draws::Z90, queueing::relative_wait, regression::weighted_nnls};

/// Quantiles that are fitted and shown.
pub const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];
/// Utilisation above which a step is no light load any more: no steady state can be assumed.
const HIGHEST: f64 = 0.97;
/// Least relative error of a quantile between visits.
const LEAST_ERROR: f64 = 0.03;

/// Histogram of one behaviour in one step; none where nothing was completed.
///
/// # Errors
/// [`ModelError::Histogram`] where the document's text is damaged.
pub fn histogram(step: &Step, behaviour: &str, clock: ResponseClock) -> Result<Option<hdr::Hdr>, ModelError> {
    let stored = step.histograms.iter().find(|one| one.behaviour == behaviour && one.clock == clock && one.outcome == Outcome::Ok);
    let damaged = || ModelError::Histogram { behaviour: behaviour.to_owned(), step: step.plan.index };
    let Some(stored) = stored else { return Ok(None) };
    let bytes = STANDARD.decode(&stored.hdr).map_err(|_| damaged())?;
    let hdr = Deserializer::new().deserialize::<u64, _>(&mut bytes.as_slice()).map_err(|_| damaged())?;
    Ok((!hdr.is_empty()).then_some(hdr::Hdr(hdr)))
}

/// Keeps the library's type out of public signatures.
pub mod hdr {
    /// Response times of one behaviour in one step.
    #[derive(Debug, Clone)]
    pub struct Hdr(pub(crate) hdrhistogram::Histogram<u64>);

    impl Hdr {
        /// A quantile (0-1) in seconds.
        #[must_use]
        pub fn quantile_s(&self, quantile: f64) -> f64 {
            self.0.value_at_quantile(quantile) as f64 / 1e6
        }

        /// The mean in seconds.
        #[must_use]
        pub fn mean_s(&self) -> f64 {
            self.0.mean() / 1e6
        }

        /// The standard deviation in seconds.
        #[must_use]
        pub fn deviation_s(&self) -> f64 {
            self.0.stdev() / 1e6
        }

        /// How many there are.
        #[must_use]
        pub fn count(&self) -> u64 {
            self.0.len()
        }
    }
}

/// Measured quantiles of every behaviour in a step, from the due time.
///
/// # Errors
/// [`ModelError::Histogram`].
pub fn quantiles(step: &Step, behaviours: &[String]) -> Result<Vec<QuantilePoint>, ModelError> {
    let mut points = Vec::new();
    for behaviour in behaviours {
        let Some(hdr) = histogram(step, behaviour, ResponseClock::Due)? else { continue };
        points.extend(QUANTILES.map(|quantile| QuantilePoint {
            behaviour: behaviour.clone(),
            quantile,
            seconds: hdr.quantile_s(quantile),
            count: hdr.count(),
        }));
    }
    Ok(points)
}

/// One observation of a quantile: utilisation (0-1), seconds, requests.
pub type Observation = (f64, f64, u64);

/// Fits `R_q = a + b C(c, c rho) / (c (1 - rho))` with relative errors; none for fewer than three usable steps.
///
/// A quantile of n requests has a rank error of `sqrt(q (1 - q) / n)`; in seconds it is wider the steeper the tail, for
/// which an exponential one is taken: `R sqrt(q / ((1 - q) n)) / ln(1 / (1 - q))`, beside 3 % between visits.
///
/// Source of the form: `reference/modelling.md` 3.7; rank error: David, Nagaraja, "Order Statistics", section 2.5.
#[must_use]
pub fn fit_quantile(behaviour: &str, quantile: f64, resource: &str, servers: f64, observations: &[Observation]) -> Option<QuantileLaw> {
    let usable: Vec<&Observation> =
        observations.iter().filter(|(rho, seconds, count)| *rho < HIGHEST && *seconds > 0.0 && *count as f64 * (1.0 - quantile) >= 1.0).collect();
    if usable.len() < 3 {
        return None;
    }
    let design = DMatrix::from_fn(usable.len(), 2, |row, column| if column == 0 { 1.0 } else { relative_wait(servers, usable[row].0) });
    let seconds = DVector::from_iterator(usable.len(), usable.iter().map(|(_, seconds, _)| *seconds));
    let error = |(_, seconds, count): &Observation| {
        let rank = (quantile / ((1.0 - quantile) * *count as f64)).sqrt() / (1.0 / (1.0 - quantile)).ln();
        (seconds * rank).powi(2) + (seconds * LEAST_ERROR).powi(2)
    };
    let variances = DVector::from_iterator(usable.len(), usable.iter().map(|one| error(one)));
    let fit = weighted_nnls(&design, &seconds, &variances)?;
    let residuals = &seconds - &design * &fit.coefficients;
    let chi: f64 = residuals.iter().zip(variances.iter()).map(|(residual, variance)| residual.powi(2) / variance).sum();
    let inflate = (chi / (usable.len() - 2) as f64).max(1.0);
    let estimate = |index: usize| {
        let (value, error) = (fit.coefficients[index], (fit.covariance[(index, index)] * inflate).max(0.0).sqrt());
        Estimate { value, standard_error: error, low: (value - Z90 * error).max(0.0), high: value + Z90 * error }
    };
    let relative: f64 = residuals.iter().zip(seconds.iter()).map(|(residual, seconds)| (residual / seconds).powi(2)).sum();
    Some(QuantileLaw {
        behaviour: behaviour.to_owned(),
        quantile,
        resource: resource.to_owned(),
        servers,
        a: estimate(0),
        b: estimate(1),
        covariance_ab: fit.covariance[(0, 1)] * inflate,
        residual: (relative / usable.len() as f64).sqrt(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quantiles of M/M/1 response are exact in this form: `-ln(1 - q) S / (1 - rho)`, so a = b = -ln(1 - q) S.
    #[test]
    fn one_exponential_server_is_recovered() {
        let exact = |rho: f64| -(0.05_f64.ln()) * 0.010 / (1.0 - rho);
        let observations: Vec<Observation> = [0.1, 0.3, 0.5, 0.7].map(|rho| (rho, exact(rho), 10_000)).to_vec();
        let law = fit_quantile("a", 0.95, "app/cpu", 1.0, &observations).expect("four steps");
        let expected = -(0.05_f64.ln()) * 0.010;
        assert!((law.a.value / expected - 1.0).abs() < 1e-9 && (law.b.value / expected - 1.0).abs() < 1e-9, "{law:?}");
        let at_ninety = law.a.value + law.b.value * relative_wait(1.0, 0.9);
        assert!((at_ninety / exact(0.9) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn too_few_or_saturated_steps_give_no_law() {
        assert!(fit_quantile("a", 0.5, "r", 1.0, &[(0.1, 0.01, 100), (0.2, 0.01, 100)]).is_none());
        assert!(fit_quantile("a", 0.5, "r", 1.0, &[(0.1, 0.01, 100), (0.2, 0.01, 100), (0.99, 9.0, 100)]).is_none());
        assert!(
            fit_quantile("a", 0.99, "r", 1.0, &[(0.1, 0.01, 50), (0.2, 0.01, 50), (0.3, 9.0, 50)]).is_none(),
            "p99 of 50 requests is their maximum"
        );
    }
}
