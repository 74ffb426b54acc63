//! How a quantile of response time rises with utilisation, for an own service time of a given shape.

use nest_data::{Estimate, scaling::QuantileLaw};

use super::{QUANTILES, own_time::OwnTime, pool::Pool};
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
/// The quantile that [`Pool`] makes of the law's own time, less that of the own time itself; the mean wait h(c, rho) in service
/// times where the law knows no own time.
#[must_use]
pub fn rise(law: &QuantileLaw, servers: f64, utilisation: f64) -> f64 {
    if utilisation >= 1.0 {
        return f64::INFINITY;
    }
    let Some(own) = &law.own else { return relative_wait(servers, utilisation) };
    let index = QUANTILES.iter().position(|quantile| *quantile == law.quantile).unwrap_or_default();
    (Pool::new(law.slots, servers, utilisation).quantile(&OwnTime::new(own), law.quantile) - own[index]).max(0.0)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn law(quantile: f64, slots: Option<f64>) -> QuantileLaw {
        let zero = nest_data::Estimate::exact(0.0);
        QuantileLaw {
            behaviour: "a".to_owned(),
            quantile,
            resource: "app/cpu".to_owned(),
            servers: 4.0,
            a: zero,
            b: zero,
            covariance_ab: 0.0,
            residual: 0.0,
            slots,
            own: Some([0.9, 1.4, 2.0]),
        }
    }

    #[test]
    fn a_limit_and_the_utilisation_that_reaches_it_are_inverses() {
        for law in [law(0.99, Some(1.0)), law(0.95, Some(4.0)), law(0.5, None)] {
            for utilisation in [0.05, 0.5, 0.9, 0.999] {
                let limit = seconds_at(&law, (0.02, 0.01), 4.0, utilisation);
                let found = highest_utilisation(&[(&law, (0.02, 0.01))], law.quantile, 4.0, limit).expect("above the own time");
                assert!((seconds_at(&law, (0.02, 0.01), 4.0, found) / limit - 1.0).abs() < 1e-6, "{utilisation}: {found}");
            }
            assert_eq!(highest_utilisation(&[(&law, (0.02, 0.01))], law.quantile, 4.0, 0.01), None);
            assert_eq!(highest_utilisation(&[(&law, (0.02, 0.0))], law.quantile, 4.0, 0.03), Some(1.0));
        }
    }

    #[test]
    fn a_draw_without_own_time_reaches_its_limit_by_waiting() {
        let law = QuantileLaw { own: None, ..law(0.95, None) };
        // 0.01 rho / (1 - rho) = 0.03 at rho = 3/4 of one server
        let found = highest_utilisation(&[(&law, (0.0, 0.01))], 0.95, 1.0, 0.03).expect("it waits");
        assert!((found - 0.75).abs() < 1e-12, "{found}");
    }

    #[test]
    fn quantiles_that_cross_are_put_in_order() {
        let [p95, p99] = [0.95, 0.99].map(|quantile| QuantileLaw { own: None, ..law(quantile, None) });
        let laws = [(&p95, (0.01, 0.05)), (&p99, (0.02, 0.01))]; // crossed from h = 0.25 on
        let at = |quantile| ordered_seconds(&laws, quantile, 1.0, 0.5).expect("two laws");
        assert!((at(0.95) - 0.03).abs() < 1e-12 && (at(0.99) - 0.06).abs() < 1e-12);
        let reached = |quantile| highest_utilisation(&laws, quantile, 1.0, 0.06).expect("above the own time");
        assert!((reached(0.99) - 0.5).abs() < 1e-6 && reached(0.95) > reached(0.99));
        assert_eq!(ordered_seconds(&[], 0.95, 1.0, 0.5), None);
    }
}
