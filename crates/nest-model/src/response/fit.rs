//! Laws of response time for all behaviours together: what they share is the queue.

use nalgebra::{DMatrix, DVector};
use nest_data::{Estimate, scaling::QuantileLaw};

use super::{
    QUANTILES, Response,
    rise::{queued_share, rise},
};
use crate::{
    draws::Z90,
    queueing::{ServiceMoments, mixed_service, relative_wait},
    regression::weighted_nnls,
};

/// Utilisation above which a step is no light load any more: no steady state can be assumed.
const HIGHEST: f64 = 0.97;
/// Fewest steps of a law.
const FEWEST: usize = 3;
/// Least relative error of a quantile between visits.
const LEAST_ERROR: f64 = 0.03;
/// Least relative error of a mean between visits.
const LEAST_MEAN_ERROR: f64 = 0.01;
/// Relative error of the wait as queueing theory foretells it from own times: their spread is that of the whole answer, and
/// systems are neither quite a queue nor quite shared.
const THEORY_ERROR: f64 = 0.3;
/// Executions that may share a server, as they are tried.
const SLOTS: [f64; 6] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
const TEMPER: f64 = 4.0;
/// Relative error of the wait of a quantile as the means and the shape of the tail foretell it.
const SHAPE_ERROR: f64 = 0.15;
/// Rounds in which own times and the wait in proportion to them settle.
const ROUNDS: usize = 8;

/// Response times of one behaviour in one step, at a utilisation (0-1) of the binding resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// Utilisation of the binding resource, 0-1.
    pub utilisation: f64,
    /// What was measured there.
    pub response: Response,
}

/// What the means of a behaviour show: its time without queueing, and how it waits.
#[derive(Debug, Clone, Copy, PartialEq)]
struct MeanLaw {
    own_s: f64,
    /// Seconds that a queue makes it wait per unit of relative wait.
    wait_s: f64,
    /// The same as queueing theory foretells it.
    foretold_s: f64,
}

/// Fits `R_q = a + b rise(rho)` for every behaviour and quantile with at least three usable steps.
///
/// Means are known far better than tails, and the wait is the same queue's for all behaviours. So the means of all of them
/// are fitted first, `E[R_j] = s_j + h(rho) (w + v s_j)`: w is what everybody waits in a queue, v s_j what grows with the own
/// time where processors are shared. w is held within 30 % of what M/G/1 makes of the own times, `S (1 + cv^2) / 2`, and v of
/// the 1 of processor sharing. Own time and wait together foretell how each quantile rises ([`rise`]), b being the wait of
/// the mean; the measured quantiles then fix a, and b within 15 % of that. Of a queue, sharing and both at once, what fits
/// means and quantiles best is taken, both only where the sum of squared errors falls by more than 6.
///
/// A quantile of n requests has a rank error of `sqrt(q (1 - q) / n)`; in seconds it is wider the steeper the tail, for which
/// an exponential one is taken: `R sqrt(q / ((1 - q) n)) / ln(1 / (1 - q))`, beside 3 % between visits.
///
/// Source of the rank error: David, Nagaraja, "Order Statistics", section 2.5.
#[must_use]
pub fn fit_laws(resource: &str, servers: f64, behaviours: &[(String, Vec<Observed>)]) -> Vec<QuantileLaw> {
    let usable: Vec<(String, Vec<&Observed>)> = behaviours
        .iter()
        .map(|(name, observed)| (name.clone(), observed.iter().filter(|one| one.utilisation < HIGHEST && one.response.mean_s > 0.0).collect()))
        .collect();
    let under = |slots: Option<f64>| {
        let (means, misfit) = mean_laws(servers, &usable, slots);
        let laws: Vec<(QuantileLaw, f64)> =
            usable.iter().zip(means).flat_map(|((name, observed), mean)| behaviour_laws(name, resource, servers, observed, mean, slots)).collect();
        let misfit = misfit + laws.iter().map(|(_, misfit)| misfit).sum::<f64>();
        (laws.into_iter().map(|(law, _)| law).collect::<Vec<_>>(), misfit)
    };
    let candidates: Vec<(Vec<QuantileLaw>, f64)> = SLOTS.into_iter().map(Some).chain([None]).map(under).collect();
    if std::env::var("ORACLE").is_ok() { let k: f64 = resource.parse().unwrap(); return under((k > 0.0).then_some(k)).0; }
    let least = candidates.iter().map(|candidate| candidate.1).fold(f64::INFINITY, f64::min);
    let weight = |misfit: f64| ((least - misfit) / 2.0 / TEMPER).exp();
    let all: f64 = candidates.iter().map(|candidate| weight(candidate.1)).sum();
    if std::env::var("DBG").is_ok() { eprintln!("DBG {:?}", candidates.iter().map(|c| ((c.1-least)*10.0).round()/10.0).collect::<Vec<_>>()); }
    let mut seen = 0.0;
    let median = candidates.into_iter().find(|candidate| {
        seen += weight(candidate.1);
        seen >= all / 2.0
    });
    median.map_or(Vec::new(), |(laws, _)| laws)
}

/// The means of all behaviours; none for a behaviour with fewer than three steps.
fn mean_laws(servers: f64, behaviours: &[(String, Vec<&Observed>)], slots: Option<f64>) -> (Vec<Option<MeanLaw>>, f64) {
    let fitted: Vec<usize> = (0..behaviours.len()).filter(|index| behaviours[*index].1.len() >= FEWEST).collect();
    let rows: Vec<(usize, &Observed)> =
        fitted.iter().enumerate().flat_map(|(column, index)| behaviours[*index].1.iter().map(move |one| (column, *one))).collect();
    let Some(service) = service_seen(&fitted, behaviours) else { return (vec![None; behaviours.len()], f64::INFINITY) };
    let foretold = service.mean_s * (1.0 + service.cv2) / 2.0;
    // The last row holds the wait near what queueing theory makes of the own times.
    let means = DVector::from_iterator(rows.len() + 1, rows.iter().map(|(_, one)| one.response.mean_s).chain([1.0]));
    let variances = DVector::from_iterator(rows.len() + 1, rows.iter().map(|(_, one)| mean_variance(one)).chain([THEORY_ERROR.powi(2)]));
    // The own times start as the least means seen.
    let mut own: Vec<f64> =
        fitted.iter().map(|index| behaviours[*index].1.iter().map(|one| one.response.mean_s).fold(f64::INFINITY, f64::min)).collect();
    let columns = own.len();
    let mut laws = vec![None; behaviours.len()];
    let mut misfit = 0.0;
    for _ in 0..ROUNDS {
        let wait = |behaviour: usize, one: &Observed| {
            let queued = slots.map_or(0.0, |slots| queued_share(slots, servers, one.utilisation));
            relative_wait(servers, one.utilisation) * (queued * foretold + (1.0 - queued) * own[behaviour])
        };
        let design = DMatrix::from_fn(rows.len() + 1, columns + 1, |row, column| match (rows.get(row), column == columns) {
            (Some((behaviour, one)), true) => wait(*behaviour, one),
            (Some((behaviour, _)), false) => f64::from(u8::from(*behaviour == column)),
            (None, last) => f64::from(u8::from(last)),
        });
        let Some(fit) = weighted_nnls(&design, &means, &variances) else { return (laws, f64::INFINITY) };
        let residuals = &means - &design * &fit.coefficients;
        misfit = residuals.iter().zip(variances.iter()).map(|(residual, variance)| residual.powi(2) / variance).sum();
        for (column, index) in fitted.iter().enumerate() {
            own[column] = fit.coefficients[column];
            laws[*index] = Some(MeanLaw { own_s: own[column], wait_s: fit.coefficients[columns] * foretold, foretold_s: foretold });
        }
    }
    (laws, misfit)
}

/// Service time of the whole mix as the lightest steps show it.
fn service_seen(fitted: &[usize], behaviours: &[(String, Vec<&Observed>)]) -> Option<ServiceMoments> {
    let part = |index: &usize| {
        let lightest = behaviours[*index].1.iter().min_by(|a, b| a.utilisation.total_cmp(&b.utilisation))?;
        let Response { count, mean_s, deviation_s, .. } = lightest.response;
        Some((count as f64, ServiceMoments { mean_s, cv2: (deviation_s / mean_s).powi(2) }))
    };
    mixed_service(&fitted.iter().filter_map(part).collect::<Vec<_>>())
}

/// Variance of a mean in seconds squared: neighbours in a queue are alike, the more so the fuller it is.
fn mean_variance(one: &Observed) -> f64 {
    let alike = 1.0 + 2.0 * one.utilisation / (1.0 - one.utilisation).powi(2);
    let response = &one.response;
    response.deviation_s.powi(2) * alike / response.count.max(1) as f64 + (response.mean_s * LEAST_MEAN_ERROR).powi(2)
}

/// The laws of one behaviour.
fn behaviour_laws(name: &str, resource: &str, servers: f64, observed: &[&Observed], mean: Option<MeanLaw>, slots: Option<f64>) -> Vec<(QuantileLaw, f64)> {
    let blank = |index: usize| QuantileLaw {
        behaviour: name.to_owned(),
        quantile: QUANTILES[index],
        resource: resource.to_owned(),
        servers,
        a: Estimate::exact(0.0),
        b: Estimate::exact(0.0),
        covariance_ab: 0.0,
        residual: 0.0,
        slots: None,
        own: None,
    };
    let Some(mean) = mean.filter(|mean| mean.wait_s > 0.0 && mean.own_s > 0.0) else {
        return (0..QUANTILES.len()).filter_map(|index| fit_quantile(blank(index), index, observed, None)).collect();
    };
    // Own quantiles first, as if the own time were exponential; from them its real shape.
    let (mean_own, unit_s) = (mean.own_s, mean.foretold_s);
    let exponential = QUANTILES.map(|quantile| -(1.0 - quantile).ln() * mean_own / unit_s);
    let under = |own: [f64; 3]| {
        (0..QUANTILES.len())
            .map(|index| fit_quantile(QuantileLaw { slots, own: Some(own), ..blank(index) }, index, observed, Some(mean.wait_s)))
            .collect::<Vec<_>>()
    };
    let mut own = exponential;
    for _ in 0..2 {
        let laws = under(own);
        let mut last = 0.0;
        for (index, law) in laws.iter().enumerate() {
            own[index] = law.as_ref().map_or(last * own[index] / own[index.max(1) - 1], |(law, _)| (law.a.value / unit_s).max(last));
            last = own[index];
        }
    }
    under(own).into_iter().flatten().collect()
}

/// Fits a and b of a law whose rise is known; `wait_s` is what the means say of b.
fn fit_quantile(law: QuantileLaw, index: usize, observed: &[&Observed], wait_s: Option<f64>) -> Option<(QuantileLaw, f64)> {
    let quantile = QUANTILES[index];
    let usable: Vec<(f64, f64, f64)> = observed
        .iter()
        .filter(|one| one.response.count as f64 * (1.0 - quantile) >= 1.0)
        .map(|one| (one.utilisation, one.response.quantiles_s[index], one.response.count as f64))
        .filter(|(_, seconds, _)| *seconds > 0.0)
        .collect();
    if usable.len() < FEWEST {
        return None;
    }
    let error = |seconds: f64, count: f64| {
        let rank = (quantile / ((1.0 - quantile) * count)).sqrt() / (1.0 / (1.0 - quantile)).ln();
        (seconds * rank).powi(2) + (seconds * LEAST_ERROR).powi(2)
    };
    let rows = usable.len();
    let all = rows + usize::from(wait_s.is_some());
    let prior = wait_s.unwrap_or(0.0);
    let design = DMatrix::from_fn(all, 2, |row, column| match (usable.get(row), column) {
        (Some(_), 0) => 1.0,
        (Some(one), _) => rise(&law, law.servers, one.0),
        (None, 0) => 0.0,
        (None, _) => 1.0,
    });
    let seconds = DVector::from_fn(all, |row, _| usable.get(row).map_or(prior, |one| one.1));
    let variances = DVector::from_fn(all, |row, _| usable.get(row).map_or((SHAPE_ERROR * prior).powi(2), |one| error(one.1, one.2)));
    let fit = weighted_nnls(&design, &seconds, &variances)?;
    let residuals = &seconds - &design * &fit.coefficients;
    let chi: f64 = residuals.iter().zip(variances.iter()).map(|(residual, variance)| residual.powi(2) / variance).sum();
    let inflate = (chi / (all - 2) as f64).max(1.0);
    let estimate = |index: usize| {
        let (value, error) = (fit.coefficients[index], (fit.covariance[(index, index)] * inflate).max(0.0).sqrt());
        Estimate { value, standard_error: error, low: (value - Z90 * error).max(0.0), high: value + Z90 * error }
    };
    let relative: f64 = residuals.iter().zip(seconds.iter()).take(rows).map(|(residual, seconds)| (residual / seconds).powi(2)).sum();
    let fitted = QuantileLaw {
        a: estimate(0),
        b: estimate(1),
        covariance_ab: fit.covariance[(0, 1)] * inflate,
        residual: (relative / rows as f64).sqrt(),
        ..law
    };
    Some((fitted, chi))
}

#[cfg(test)]
mod tests {
    use super::super::seconds_at;
    use super::*;

    fn observed(utilisation: f64, count: u64, mean_s: f64) -> Observed {
        let quantiles_s = QUANTILES.map(|quantile| -(1.0 - quantile).ln() * mean_s);
        Observed { utilisation, response: Response { count, mean_s, deviation_s: mean_s, quantiles_s } }
    }

    /// Response of M/M/1 is exponential with the mean S / (1 - rho).
    #[test]
    fn one_exponential_server_is_recovered() {
        let exact = |rho: f64| 0.010 / (1.0 - rho);
        let steps: Vec<Observed> = [0.1, 0.3, 0.5, 0.7].map(|rho| observed(rho, 10_000, exact(rho))).to_vec();
        let laws = fit_laws("app/cpu", 1.0, &[("a".to_owned(), steps)]);
        assert_eq!(laws.len(), 3);
        for law in laws {
            let (found, expected) = (seconds_at(&law, (law.a.value, law.b.value), 1.0, 0.9), -(1.0 - law.quantile).ln() * exact(0.9));
            // The lightest step is taken for the own time, which foretells 11 % more wait than there is.
            assert!((found / expected - 1.0).abs() < 0.02, "{law:?}");
        }
    }

    #[test]
    fn too_few_or_saturated_steps_give_no_law() {
        let laws = |steps: &[(f64, u64)]| {
            let steps = steps.iter().map(|(rho, count)| observed(*rho, *count, 0.01)).collect();
            fit_laws("r", 1.0, &[("a".to_owned(), steps)]).iter().map(|law| law.quantile).collect::<Vec<_>>()
        };
        assert!(laws(&[(0.1, 100), (0.2, 100)]).is_empty());
        assert!(laws(&[(0.1, 100), (0.2, 100), (0.99, 100)]).is_empty());
        assert_eq!(laws(&[(0.1, 50), (0.2, 50), (0.3, 50)]), [0.5, 0.95], "p99 of 50 requests is their maximum");
        assert!(fit_laws("r", 1.0, &[]).is_empty());
    }
}
