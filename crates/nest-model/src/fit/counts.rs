//! Counts: what one execution of a behaviour causes elsewhere.

use std::collections::BTreeMap;

use nest_data::{
    BehaviourSpec, Caveat, Estimate, Study,
    measurement::{CountTally, Step},
};

use super::{mixed_effects::upper_t, usable};

/// Fewest executions with a known amount whose spread says how far their mean may be off.
const FEWEST: u64 = 2;

/// What one execution of a behaviour adds to each of its counts. A count of which fewer than two amounts are
/// known is missing.
pub(super) fn count_estimates(
    steps: &[Step],
    name: &str,
    behaviour: &BehaviourSpec,
) -> BTreeMap<String, Estimate> {
    let estimate = |count: &str| match behaviour.stated_amount(count) {
        Some(amount) => Some(Estimate::exact(amount)),
        None => mean_amount(&tallies(steps, name, count)),
    };
    let counts = behaviour.count_names().into_iter();
    counts
        .filter_map(|count| Some((count.to_owned(), estimate(count)?)))
        .collect()
}

/// A caveat for each count of which some amounts are not known.
pub(super) fn count_caveats(steps: &[Step], study: &Study) -> Vec<Caveat> {
    let mut caveats = Vec::new();
    for (name, behaviour) in &study.behaviours {
        for count in behaviour.count_names() {
            let all = merged(&tallies(steps, name, count));
            if all.missing + all.not_numbers > 0 {
                caveats.push(Caveat::CountUnknown {
                    count: count.to_owned(),
                    behaviour: name.clone(),
                    executions: all.executions(),
                    missing: all.missing,
                    not_numbers: all.not_numbers,
                });
            }
        }
    }
    caveats
}

/// Mean amount of an execution.
///
/// # Formula
/// `m = sum_k s_k / sum_k n_k` over steps k with n_k executions that added s_k. It has the wider of two
/// intervals: that of independent executions, with the standard error `sd / sqrt(n)` and `n - 1` degrees of
/// freedom, and that of steps whose executions deviate together, with the standard error
/// `sqrt(K / (K - 1) sum_k (s_k - n_k m)^2) / n` and `K - 1` degrees of freedom.
///
/// Source: Cochran, "Sampling Techniques", 3rd edition, 1977, chapters 2 (means) and 9A (clusters of unequal
/// sizes).
fn mean_amount(steps: &[CountTally]) -> Option<Estimate> {
    let all = merged(steps);
    let mean = all.mean().filter(|_| all.known >= FEWEST)?;
    let executions = all.known as f64;
    let variance = all.squared_deviations / (executions - 1.0);
    let of_executions = ((variance / executions).sqrt(), executions - 1.0);
    let known: Vec<&CountTally> = steps.iter().filter(|step| step.known > 0).collect();
    let clusters = known.len() as f64;
    let of_steps = (clusters > 1.0).then(|| {
        let deviation = |step: &&CountTally| (step.sum - step.known as f64 * mean).powi(2);
        let squares: f64 = known.iter().map(deviation).sum();
        (
            (clusters / (clusters - 1.0) * squares).sqrt() / executions,
            clusters - 1.0,
        )
    });
    let (standard_error, half) = std::iter::once(of_executions)
        .chain(of_steps)
        .map(|(error, degrees)| (error, error * upper_t(degrees)))
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(Estimate {
        value: mean,
        standard_error,
        low: (mean - half).max(0.0),
        high: mean + half,
    })
}

/// What each step that may be fitted says of a count; steps that did not execute the behaviour say nothing.
fn tallies(steps: &[Step], behaviour: &str, count: &str) -> Vec<CountTally> {
    usable(steps)
        .filter_map(|step| step.counts.get(behaviour)?.get(count).copied())
        .collect()
}

fn merged(tallies: &[CountTally]) -> CountTally {
    let mut all = CountTally::default();
    tallies.iter().for_each(|tally| all.merge(tally));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::{RandomStream, StreamPurpose};

    fn tally(amounts: impl IntoIterator<Item = f64>) -> CountTally {
        let mut tally = CountTally::default();
        amounts.into_iter().for_each(|amount| tally.add(amount));
        tally
    }

    /// 2, 4, 4, 4, 5, 5, 7, 9: mean 5, variance 32 / 7, standard error sqrt(32 / 7 / 8); t(7) at 95 % is
    /// 1.894579 (any table).
    #[test]
    fn one_step_gives_the_textbook_interval_of_a_mean() {
        let found = mean_amount(&[tally([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0])]).expect("known");
        let error = (32.0_f64 / 7.0 / 8.0).sqrt();
        assert!((found.value - 5.0).abs() < 1e-12 && (found.standard_error - error).abs() < 1e-12);
        assert!((found.high - 5.0 - 1.894_579 * error).abs() < 1e-5, "{found:?}");
    }

    #[test]
    fn equal_amounts_are_exact_and_a_single_one_says_nothing_of_its_error() {
        let found = mean_amount(&[tally([3.0; 5]), tally([3.0; 2])]).expect("known");
        assert_eq!(found, Estimate::exact(3.0));
        assert_eq!(mean_amount(&[tally([3.0])]), None);
        assert_eq!(mean_amount(&[]), None);
    }

    /// Intervals of 400 simulated studies hold the mean that was set, whether executions are independent or
    /// steps deviate together. Nine tenths are meant; 0.87 is two standard deviations of 400 below.
    #[test]
    fn intervals_hold_the_mean_that_was_set() {
        for step_deviation in [0.0, 0.1] {
            let mut held = 0;
            for index in 0..400 {
                let mut stream = RandomStream::new(5, StreamPurpose::Fit, index);
                let steps: Vec<CountTally> = (0..8)
                    .map(|_| {
                        let level = 100.0 * (1.0 + step_deviation * stream.normal());
                        tally((0..60).map(|_| level * (1.0 + 0.4 * stream.normal()).max(0.0)))
                    })
                    .collect();
                held += i32::from(mean_amount(&steps).expect("known").covers(100.0));
            }
            assert!(held >= 348, "{held} of 400 at a deviation of {step_deviation}");
        }
    }
}
