//! A mixture of normal distributions, and its quantiles.

use statrs::distribution::{ContinuousCDF, Normal};

/// Means within this share of a component's standard deviation are put together.
const RESOLUTION: f64 = 0.5;

/// A mixture of normal distributions of a log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Predictive {
    components: Vec<(f64, f64, f64)>, // mean, standard deviation, weight
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

    /// Probability of a value up to `log`.
    #[must_use]
    pub fn probability(&self, log: f64) -> f64 {
        let total: f64 = self.components.iter().map(|component| component.2).sum();
        let standard = Normal::standard();
        self.components
            .iter()
            .map(|&(mean, deviation, weight)| weight * standard.cdf((log - mean) / deviation))
            .sum::<f64>()
            / total
    }

    /// The value that is not exceeded with `probability` (0-1), to 1e-7.
    #[must_use]
    pub fn quantile(&self, probability: f64) -> f64 {
        let ends = self
            .components
            .iter()
            .map(|&(mean, deviation, _)| (mean - 9.0 * deviation, mean + 9.0 * deviation));
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
