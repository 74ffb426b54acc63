//! A mixture of normal distributions, and its quantiles.

use statrs::distribution::{ContinuousCDF, Normal};

/// Means closer than this share of a component's standard deviation are put together.
const RESOLUTION: f64 = 0.1;

/// A mixture of normal distributions of a log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Predictive {
    components: Vec<(f64, f64, f64)>, // mean, standard deviation, weight
}

impl Predictive {
    /// Adds components (mean, weight) of one variance.
    pub fn add(&mut self, components: impl Iterator<Item = (f64, f64)>, variance: f64) {
        let deviation = variance.sqrt();
        let mut components: Vec<(f64, f64)> = components.filter(|component| component.1 > 0.0).collect();
        components.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut gathered: Option<(f64, f64, f64)> = None; // first mean, weighted sum of means, weight
        for (mean, weight) in components {
            gathered = match gathered {
                Some((first, sum, total)) if mean - first < RESOLUTION * deviation => Some((first, sum + mean * weight, total + weight)),
                other => {
                    self.components.extend(other.map(|(_, sum, total)| (sum / total, deviation, total)));
                    Some((mean, mean * weight, weight))
                }
            };
        }
        self.components.extend(gathered.map(|(_, sum, total)| (sum / total, deviation, total)));
    }

    /// Probability of a value up to `log`.
    #[must_use]
    pub fn probability(&self, log: f64) -> f64 {
        let total: f64 = self.components.iter().map(|component| component.2).sum();
        let standard = Normal::standard();
        self.components.iter().map(|&(mean, deviation, weight)| weight * standard.cdf((log - mean) / deviation)).sum::<f64>() / total
    }

    /// The value that is not exceeded with `probability` (0-1), to 1e-7.
    #[must_use]
    pub fn quantile(&self, probability: f64) -> f64 {
        let ends = self.components.iter().map(|&(mean, deviation, _)| (mean - 9.0 * deviation, mean + 9.0 * deviation));
        let (mut low, mut high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), end| (low.min(end.0), high.max(end.1)));
        while high - low > 1e-7 {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            if self.probability(middle) < probability { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    }
}
