//! Draws think times and other random choices of customers.

use std::time::Duration;

use nest_data::customers::Times;
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Longest time that is drawn, in seconds: a day. Tails of a log-normal law have no end.
const LONGEST_S: f64 = 86_400.0;

/// Draws a time.
pub fn draw(times: &Times, random: &mut Xoshiro256PlusPlus) -> Duration {
    let seconds = match *times {
        Times::Constant(0.0) => return Duration::ZERO,
        Times::Constant(seconds) => seconds,
        Times::Uniform(from, to) => from + random.random::<f64>() * (to - from),
        Times::Exponential(mean) => exponential(random) * mean,
        Times::Lognormal(mu, sigma) => (mu + sigma * normal(random)).exp(),
    };
    Duration::from_secs_f64(seconds.clamp(0.0, LONGEST_S))
}

/// A standard exponential variable.
pub fn exponential(random: &mut Xoshiro256PlusPlus) -> f64 {
    -(1.0 - random.random::<f64>()).ln()
}

/// A standard normal variable.
///
/// Source: Box and Muller, "A Note on the Generation of Random Normal Deviates", Annals of Mathematical
/// Statistics 29(2), 1958.
fn normal(random: &mut Xoshiro256PlusPlus) -> f64 {
    let radius = (2.0 * exponential(random)).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

/// A geometric number of behaviours, 1 or more, with this mean.
pub fn geometric(mean: f64, random: &mut Xoshiro256PlusPlus) -> u64 {
    if mean <= 1.0 {
        return 1;
    }
    // Near 1, the logarithm of a difference would lose it.
    1_u64.saturating_add((-exponential(random) / (-1.0 / mean).ln_1p()) as u64)
}

/// An index drawn by weights that are summed up to and with each.
pub fn choose(cumulative: &[f64], random: &mut Xoshiro256PlusPlus) -> Option<usize> {
    let total = cumulative.last().copied().filter(|total| *total > 0.0)?;
    let pick = random.random::<f64>() * total;
    Some(
        cumulative
            .partition_point(|sum| *sum <= pick)
            .min(cumulative.len() - 1),
    )
}

/// Weights summed up to and with each.
pub fn cumulative(weights: &[f64]) -> Vec<f64> {
    weights
        .iter()
        .scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const DRAWS: usize = 40_000;

    fn drawn(times: Times) -> Vec<f64> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(11);
        let mut values: Vec<f64> = (0..DRAWS)
            .map(|_| draw(&times, &mut random).as_secs_f64())
            .collect();
        values.sort_by(f64::total_cmp);
        values
    }

    #[test]
    fn times_have_their_mean_and_quantiles() {
        // Five standard errors of a mean of 40,000 draws are 2.5 % of the standard deviation.
        for (times, deviation) in [
            (Times::Constant(3.0), 0.0),
            (Times::Uniform(1.0, 5.0), 1.155),
            (Times::Exponential(8.0), 8.0),
        ] {
            let values = drawn(times);
            let mean = values.iter().sum::<f64>() / DRAWS as f64;
            assert!(
                (mean - times.mean_s()).abs() <= 0.025 * deviation + 1e-9,
                "{times:?}: {mean}"
            );
        }
        let values = drawn(Times::Lognormal(8.0_f64.ln(), 5.0_f64.ln() / 1.644_853_627));
        assert!(
            (values[DRAWS / 2] / 8.0 - 1.0).abs() < 0.04
                && (values[DRAWS * 95 / 100] / 40.0 - 1.0).abs() < 0.06,
            "median 8, p95 40"
        );
    }

    #[test]
    fn sessions_have_their_mean_length_and_choices_their_weights() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
        let mean = (0..DRAWS)
            .map(|_| geometric(14.0, &mut random) as f64)
            .sum::<f64>()
            / DRAWS as f64;
        assert!((mean - 14.0).abs() < 14.0 * 0.025, "{mean}");
        assert_eq!(geometric(1.0, &mut random), 1);
        for endless in [1e16, 1e300, f64::INFINITY] {
            let behaviours = geometric(endless, &mut random);
            assert!(behaviours > 1_000_000, "{behaviours} of {endless}");
        }
        let weights = cumulative(&[1.0, 0.0, 3.0]);
        let third = (0..DRAWS)
            .filter(|_| choose(&weights, &mut random) == Some(2))
            .count() as f64
            / DRAWS as f64;
        assert!((third - 0.75).abs() < 0.011, "{third}");
        assert_eq!(choose(&cumulative(&[0.0]), &mut random), None);
    }
}
