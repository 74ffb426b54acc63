//! How a quantile of response time rises with utilisation, for an own service time of a given shape.

use nest_data::{Estimate, scaling::QuantileLaw};

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
    let shared = if law.sharing > 0.0 { law.sharing * mean } else { 0.0 };
    let queued = if law.queueing > 0.0 { law.queueing * queue_rise(servers, utilisation, mean, law.own_spread, law.quantile) } else { 0.0 };
    queued + shared
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

/// omega: rise of the q-quantile of own time (exponential, mean `spread`) plus wait, in units of the wait's scale.
pub(super) fn queue_rise(servers: f64, utilisation: f64, mean_wait: f64, spread: f64, quantile: f64) -> f64 {
    let longer = 1.0 - quantile;
    let wait = 1.0 / (servers * (1.0 - utilisation));
    let delayed = (mean_wait / wait).min(1.0);
    if spread <= 0.0 {
        return (wait * (delayed / longer).ln()).max(0.0);
    }
    let own = -spread * longer.ln();
    // Newton's method on the logarithm of the tail, which is concave or convex throughout and nearly straight; held between
    // the own quantile and the sum of both quantiles.
    let (mut low, mut high) = (own, own - wait * longer.ln());
    let mut time = own + delayed * wait;
    for _ in 0..ROUNDS {
        let (tail, slope) = tail(wait, delayed, spread, time);
        let miss = (tail / longer).ln();
        if miss > 0.0 {
            low = time
        } else {
            high = time
        }
        let step = miss * tail / slope;
        if step.abs() <= 1e-10 * time {
            return time + step - own;
        }
        time = if time + step > low && time + step < high { time + step } else { (low + high) / 2.0 };
    }
    time - own
}

/// Share of own time plus wait above `time`, and its density there.
fn tail(wait: f64, delayed: f64, spread: f64, time: f64) -> (f64, f64) {
    let (own, queue) = ((-time / spread).exp(), (-time / wait).exp());
    let apart = wait - spread;
    let (sum, density) = if apart.abs() < 1e-7 * spread {
        ((1.0 + time / spread) * own, time / spread * own / spread)
    } else {
        ((wait * queue - spread * own) / apart, (queue - own) / apart)
    };
    ((1.0 - delayed) * own + delayed * sum, (1.0 - delayed) * own / spread + delayed * density)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queueing::{response_quantile, waiting_quantile};

    fn law(quantile: f64, queueing: f64, sharing: f64) -> QuantileLaw {
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
            queueing,
            sharing,
            own_spread: 0.8,
        }
    }

    #[test]
    fn a_limit_and_the_utilisation_that_reaches_it_are_inverses() {
        for law in [law(0.99, 1.0, 0.0), law(0.95, 0.4, 1.3), law(0.5, 0.0, 1.0)] {
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
        let law = law(0.95, 0.0, 1.0);
        // 0.01 rho / (1 - rho) = 0.03 at rho = 3/4 of one server
        let found = highest_utilisation(&[(&law, (0.0, 0.01))], 0.95, 1.0, 0.03).expect("it waits");
        assert!((found - 0.75).abs() < 1e-12, "{found}");
    }

    #[test]
    fn quantiles_that_cross_are_put_in_order() {
        let (p95, p99) = (law(0.95, 0.0, 1.0), law(0.99, 0.0, 1.0));
        let laws = [(&p95, (0.01, 0.05)), (&p99, (0.02, 0.01))]; // crossed from h = 0.25 on
        let at = |quantile| ordered_seconds(&laws, quantile, 1.0, 0.5).expect("two laws");
        assert!((at(0.95) - 0.03).abs() < 1e-12 && (at(0.99) - 0.06).abs() < 1e-12);
        let reached = |quantile| highest_utilisation(&laws, quantile, 1.0, 0.06).expect("above the own time");
        assert!((reached(0.99) - 0.5).abs() < 1e-6 && reached(0.95) > reached(0.99));
        assert_eq!(ordered_seconds(&[], 0.95, 1.0, 0.5), None);
    }

    #[test]
    fn an_exponential_service_gives_the_response_of_several_exponential_servers() {
        for (servers, utilisation, quantile) in [(1, 0.5, 0.95_f64), (2, 0.5, 0.99), (4, 0.9, 0.99), (4, 0.1, 0.5), (16, 0.95, 0.95)] {
            let c = f64::from(servers);
            let found = queue_rise(c, utilisation, relative_wait(c, utilisation), 1.0, quantile) - (1.0 - quantile).ln();
            let exact = response_quantile(servers, utilisation, quantile);
            assert!((found / exact - 1.0).abs() < 1e-9, "{servers} {utilisation} {quantile}: {found} for {exact}");
        }
    }

    #[test]
    fn a_constant_service_rises_by_the_wait_alone() {
        let found = queue_rise(4.0, 0.9, relative_wait(4.0, 0.9), 0.0, 0.99);
        assert!((found / waiting_quantile(4, 0.9, 0.99) - 1.0).abs() < 1e-12);
        let nearly = queue_rise(4.0, 0.9, relative_wait(4.0, 0.9), 1e-6, 0.99);
        assert!((nearly / found - 1.0).abs() < 1e-5);
    }
}
