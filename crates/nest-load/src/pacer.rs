//! When each execution is due, and of which behaviour: a seeded Poisson process, with no clock in it.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One execution that is due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrival {
    /// Seconds from the start of the step.
    pub due_s: f64,
    /// Index of the behaviour.
    pub behaviour: usize,
}

/// Endless arrivals: the superposition of one Poisson process per behaviour.
///
/// # Formula
/// Gaps are exponential with mean `1 / sum(rates)`; an arrival is of behaviour j with probability `rate_j / sum(rates)`.
#[derive(Debug, Clone)]
pub struct Arrivals {
    random: ChaCha8Rng,
    cumulative: Vec<f64>, // rates summed up to and with each behaviour, 1/s
    now_s: f64,
}

impl Arrivals {
    /// Arrivals at `rates` (executions per second, one per behaviour, 0 or more), the same for the same seed.
    #[must_use]
    pub fn new(rates: &[f64], seed: u64) -> Self {
        let cumulative = rates
            .iter()
            .scan(0.0, |sum, rate| {
                *sum += rate;
                Some(*sum)
            })
            .collect();
        Self { random: ChaCha8Rng::seed_from_u64(seed), cumulative, now_s: 0.0 }
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let total = self.cumulative.last().copied().filter(|total| *total > 0.0)?;
        self.now_s += -(1.0 - self.random.random::<f64>()).ln() / total;
        let pick = self.random.random::<f64>() * total;
        let behaviour = self.cumulative.partition_point(|sum| *sum <= pick).min(self.cumulative.len() - 1);
        Some(Arrival { due_s: self.now_s, behaviour })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_have_the_rate_and_the_spread_of_a_poisson_process() {
        let rates = [30.0, 0.0, 10.0];
        let arrivals: Vec<Arrival> = Arrivals::new(&rates, 7).take_while(|arrival| arrival.due_s < 1_000.0).collect();
        let count = arrivals.len() as f64;
        // 40,000 expected with standard deviation 200: five deviations
        assert!((count - 40_000.0).abs() < 1_000.0, "{count}");
        let third = arrivals.iter().filter(|arrival| arrival.behaviour == 2).count() as f64;
        assert!((third / count - 0.25).abs() < 0.011, "{third}");
        assert!(arrivals.iter().all(|arrival| arrival.behaviour != 1));
        let gaps: Vec<f64> = arrivals.windows(2).map(|pair| pair[1].due_s - pair[0].due_s).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.03, "an exponential gap has a coefficient of variation of 1");
    }

    #[test]
    fn equal_seeds_give_equal_arrivals_and_others_do_not() {
        let first = |seed| Arrivals::new(&[5.0], seed).next().expect("a positive rate");
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
    }

    #[test]
    fn nothing_arrives_without_a_rate() {
        assert_eq!(Arrivals::new(&[0.0, 0.0], 1).next(), None);
        assert_eq!(Arrivals::new(&[], 1).next(), None);
    }
}
