//! The shape of a time without queueing, as far as p50, p95 and p99 tell it.

use super::QUANTILES;

/// Nodes of an integral over an exponential distribution.
const NODES: usize = 400;

/// Mean of the exponential distribution that is as wide as the own time up to a quantile: `(p_q - p_50) / ln(0.5 / (1 - q))`.
pub(super) fn spread_s(own: &[f64], index: usize) -> f64 {
    let Some(upper) = own.get(index.max(1)) else { return own.first().map_or(0.0, |median| median / 2_f64.ln()) };
    ((upper - own[0]) / (0.5 / (1.0 - QUANTILES[index.max(1)])).ln()).max(0.0)
}

/// q-quantile of the own time times an exponential stretch with mean 1, in seconds: what heavy load makes of shared processors.
///
/// # Formula
/// t with `int e^-x P(S > t / x) dx = 1 - q`; S has a survival that is log-linear between its known quantiles.
pub(super) fn stretched_quantile(own: &[f64], index: usize) -> f64 {
    let longer = 1.0 - QUANTILES[index];
    let above = |time: f64| {
        let at = |node: usize| survival(own, time / -(1.0 - (node as f64 + 0.5) / NODES as f64).ln());
        (0..NODES).map(at).sum::<f64>() / NODES as f64
    };
    let (mut low, mut high) = (0.0, own.last().copied().unwrap_or(0.0).max(f64::MIN_POSITIVE));
    while above(high) > longer {
        high *= 2.0;
    }
    for _ in 0..40 {
        let middle = (low + high) / 2.0;
        if above(middle) > longer { low = middle } else { high = middle }
    }
    high
}

/// P(S > time) of an own time with the given quantiles; its least value is where an exponential one with the distance from
/// p50 to p95 would begin.
fn survival(own: &[f64], time: f64) -> f64 {
    let upper = own.get(1).or(own.first()).copied().unwrap_or(0.0);
    let least = own.first().map_or(0.0, |median| (median - (upper - median) * 2_f64.ln() / 10_f64.ln()).max(0.0));
    if time <= least {
        return 1.0;
    }
    let (mut from, mut log) = (least, 0.0);
    let mut slope = f64::NEG_INFINITY;
    for (until, quantile) in own.iter().zip(QUANTILES) {
        let next = (1.0 - quantile).ln();
        if *until > from {
            slope = (next - log) / (until - from);
            if time <= *until {
                return (log + slope * (time - from)).exp();
            }
        }
        (from, log) = (until.max(from), next);
    }
    (log + slope * (time - from)).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_own_time_stretches_like_an_exponential() {
        let stretched = stretched_quantile(&[1.0, 1.0, 1.0], 2);
        assert!((stretched / 100_f64.ln() - 1.0).abs() < 0.03, "{stretched}"); // 400 nodes
    }

    /// The product of two exponential times has the survival `z K_1(z)`, `z = 2 sqrt(t)`; K_1 as in Abramowitz, Stegun, table 9.8.
    #[test]
    fn an_exponential_own_time_stretches_like_a_product() {
        let own = QUANTILES.map(|quantile| -(1.0 - quantile).ln());
        let stretched = stretched_quantile(&own, 2); // z = 5.767, where z K_1(z) = 0.01
        assert!((stretched / 8.31 - 1.0).abs() < 0.03, "{stretched}");
        assert!((spread_s(&own, 2) - 1.0).abs() < 1e-9 && (spread_s(&own, 0) - 1.0).abs() < 1e-9);
    }
}
