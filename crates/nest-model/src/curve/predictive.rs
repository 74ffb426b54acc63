//! A mixture of normal distributions that may collapse, its density and its quantiles.

use statrs::distribution::{Continuous, ContinuousCDF, Normal};

/// Means within this share of a component's standard deviation are put together.
const RESOLUTION: f64 = 0.5;
/// Standard deviations, and half as many mean falls, beyond which nothing is looked for.
const FARTHEST: f64 = 9.0;
/// Argument from which on the tail of a normal distribution is taken from its asymptotic series.
const ASYMPTOTIC: f64 = 6.0;

/// A mixture of normal distributions of a log, less an exponential fall with some probability.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Predictive {
    components: Vec<(f64, f64, f64)>, // mean, standard deviation, weight
    collapsed: f64,                   // probability
    fall: f64,                        // its mean once it has collapsed
}

impl Predictive {
    /// Adds components (mean, weight) of one variance. Those close to each other become one of the same mean
    /// and variance.
    pub fn add(&mut self, components: impl Iterator<Item = (f64, f64)>, variance: f64) {
        let width = RESOLUTION * variance.sqrt();
        let mut components: Vec<(f64, f64)> = components.filter(|component| component.1 > 0.0).collect();
        components.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut rest = &components[..];
        while let Some(&(first, _)) = rest.first() {
            let (near, far) = rest.split_at(rest.partition_point(|component| component.0 - first <= width));
            let weight: f64 = near.iter().map(|component| component.1).sum();
            let mean = near.iter().map(|(mean, weight)| mean * weight).sum::<f64>() / weight;
            let spread = near
                .iter()
                .map(|(at, weight)| (at - mean).powi(2) * weight)
                .sum::<f64>()
                / weight;
            self.components.push((mean, (variance + spread).sqrt(), weight));
            rest = far;
        }
    }

    /// Together with another mixture, by the weights of both. Neither may collapse yet.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.components.extend(other.components);
        self
    }

    /// All distances from `centre` times `factor` (above 0).
    #[must_use]
    pub fn spread_about(mut self, centre: f64, factor: f64) -> Self {
        for (mean, deviation, _) in &mut self.components {
            *mean = centre + factor * (*mean - centre);
            *deviation *= factor;
        }
        self
    }

    /// Less an exponential fall of mean `fall` (above 0) with a probability (0-1).
    #[must_use]
    pub fn collapsing(mut self, probability: f64, fall: f64) -> Self {
        (self.collapsed, self.fall) = (probability, fall);
        self
    }

    /// Probability of a value up to `log`.
    #[must_use]
    pub fn probability(&self, log: f64) -> f64 {
        self.mixed(|mean, deviation| {
            let off = (log - mean) / deviation;
            let kept = Normal::standard().cdf(off);
            if self.collapsed > 0.0 {
                kept + self.collapsed * fallen_past(off, deviation / self.fall)
            } else {
                kept
            }
        })
    }

    /// Density at `log`.
    #[must_use]
    pub fn density(&self, log: f64) -> f64 {
        self.mixed(|mean, deviation| {
            let off = (log - mean) / deviation;
            let kept = Normal::standard().pdf(off) / deviation;
            if self.collapsed > 0.0 {
                let fallen = fallen_past(off, deviation / self.fall) / self.fall;
                (1.0 - self.collapsed) * kept + self.collapsed * fallen
            } else {
                kept
            }
        })
    }

    /// Weighted mean over the components of a function of mean and standard deviation.
    fn mixed(&self, of: impl Fn(f64, f64) -> f64) -> f64 {
        let total: f64 = self.components.iter().map(|component| component.2).sum();
        self.components
            .iter()
            .map(|&(mean, deviation, weight)| weight * of(mean, deviation))
            .sum::<f64>()
            / total
    }

    /// The value that is not exceeded with `probability` (0-1), to 1e-7.
    #[must_use]
    pub fn quantile(&self, probability: f64) -> f64 {
        let fallen = 2.0 * FARTHEST * self.fall;
        let ends = self
            .components
            .iter()
            .map(|&(mean, deviation, _)| (mean - FARTHEST * deviation - fallen, mean + FARTHEST * deviation));
        let (mut low, mut high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), end| {
            (low.min(end.0), high.max(end.1))
        });
        while high - low > 1e-7 {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            if self.probability(middle) < probability {
                low = middle
            } else {
                high = middle
            }
        }
        0.5 * (low + high)
    }
}

/// Probability that a value lies above a place and falls below it: the place is `off` standard deviations
/// from the mean of a normal distribution, `rate` is its standard deviation over the mean of an exponential
/// fall.
///
/// # Formula
/// `exp(z r + r^2 / 2) Phi(-(z + r))` with z = off, r = rate: the difference between the distribution
/// function of an exponentially modified normal and that of the normal. Source: Grushka, "Characterization of
/// exponentially modified Gaussian peaks in chromatography", Analytical Chemistry 44(11), 1972. For a large
/// argument the tail of Phi is its asymptotic series (Abramowitz, Stegun, 26.2.12).
fn fallen_past(off: f64, rate: f64) -> f64 {
    let argument = off + rate;
    if argument < ASYMPTOTIC {
        (rate * (off + 0.5 * rate)).exp() * Normal::standard().cdf(-argument)
    } else {
        let inverse = argument.powi(-2);
        let series = 1.0 - inverse * (1.0 - 3.0 * inverse * (1.0 - 5.0 * inverse));
        Normal::standard().pdf(off) / argument * series
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixture() -> Predictive {
        let mut mixture = Predictive::default();
        mixture.add([(0.0, 0.7), (1.0, 0.3)].into_iter(), 0.04);
        mixture
    }

    /// Standard deviation, mean fall, log and its probability by `scipy.stats.exponnorm(fall / deviation, 0,
    /// deviation).sf(-log)` of SciPy.
    const SCIPY: [(f64, f64, f64, f64); 9] = [
        (1.0, 1.0, 0.0, 0.761578292),
        (1.0, 1.0, -3.0, 0.081567452),
        (1.0, 1.0, 2.0, 0.993694993),
        (0.1, 1.0, -0.5, 0.609570902),
        (0.1, 1.0, 0.05, 0.981222019),
        (1.0, 0.1, 0.5, 0.724696287),
        (1.0, 0.01, -1.0, 0.161099153),
        (0.3, 0.02, 0.4, 0.918792989),
        (0.05, 2.0, -9.0, 0.011112469),
    ];

    #[test]
    fn a_certain_collapse_is_an_exponentially_modified_normal() {
        let of = |deviation: f64, fall: f64| {
            let mut one = Predictive::default();
            one.add([(0.0, 1.0)].into_iter(), deviation * deviation);
            one.collapsing(1.0, fall)
        };
        for (deviation, fall, log, expected) in SCIPY {
            let found = of(deviation, fall).probability(log);
            assert!(
                (found - expected).abs() < 2e-6,
                "{deviation} {fall} {log}: {found}"
            );
        }
    }

    #[test]
    fn the_density_is_the_slope_of_the_probability_and_the_quantile_its_inverse() {
        let falling = mixture().collapsing(0.3, 0.5);
        for place in -30..30 {
            let log = f64::from(place) * 0.1;
            let slope = (falling.probability(log + 1e-5) - falling.probability(log - 1e-5)) / 2e-5;
            assert!((falling.density(log) - slope).abs() < 1e-5, "{log}");
        }
        for probability in [1e-4, 0.01, 0.05, 0.5, 0.95, 0.999] {
            let back = falling.probability(falling.quantile(probability));
            assert!((back - probability).abs() < 1e-6, "{probability}");
        }
    }

    #[test]
    fn a_collapse_lowers_low_quantiles_most() {
        let (kept, falling) = (mixture(), mixture().collapsing(0.1, 0.5));
        let lower = |probability: f64| kept.quantile(probability) - falling.quantile(probability);
        assert!(lower(0.05) > 0.1 && lower(0.5) < 0.1 && lower(0.95) < 0.05);
        assert!(lower(0.95) >= 0.0);
        let never = mixture().collapsing(0.0, 0.5);
        assert!((never.quantile(0.05) - kept.quantile(0.05)).abs() < 1e-6);
    }

    #[test]
    fn distances_from_the_centre_are_scaled() {
        let median = mixture().quantile(0.5);
        let wide = mixture().spread_about(median, 2.0);
        for probability in [0.05, 0.3, 0.5, 0.95] {
            let expected = median + 2.0 * (mixture().quantile(probability) - median);
            assert!((wide.quantile(probability) - expected).abs() < 1e-6);
        }
    }
}
