//! The number of customers from which on executions fail, and how the failed share grows beyond it.

use nest_data::{
    Estimate,
    measurement::{Purpose, Step, Validity},
    scaling::{ErrorHinge, ErrorLevel, ErrorOnset},
    study::Study,
};
use statrs::distribution::{Beta, ContinuousCDF};

/// Share of failed executions that counts as failing if no objective of the study sets one, the same as in
/// `measure --search`.
pub const DEFAULT_SHARE: f64 = 0.01;
/// Confidence of a one-sided bound of a failed share.
const CONFIDENCE: f64 = 0.95;
/// Nodes of the onset between the last clean and the first failing level.
const ONSETS: usize = 65;
/// Exponents of the growth of the failed share: 1/64 (nearly a step) to 16, by factors of the fourth root of
/// two.
const STEEPNESSES: usize = 41;
/// The least of them.
const LEAST_STEEPNESS: f64 = 1.0 / 64.0;
/// Equally likely draws that a hinge is kept as.
const NODES: u32 = 21;

/// Share of failed executions from which on a level is failing: the strictest of the study's objectives, else
/// 1 %.
#[must_use]
pub fn tolerated_share(study: &Study) -> f64 {
    study
        .slo
        .values()
        .filter_map(|slo| slo.errors.map(|share| share.get()))
        .reduce(f64::min)
        .unwrap_or(DEFAULT_SHARE)
}

/// The onset of errors over all steps of the plain mix that were not the generator's fault; `None` if there
/// is none.
///
/// Executions that were dropped count as failed. Steps at the same number of customers are one level.
#[must_use]
pub fn error_onset(steps: &[Step], tolerated: f64) -> Option<ErrorOnset> {
    let counted = steps
        .iter()
        .filter(|step| step.verdict.validity != Validity::Invalid && step.plan.purpose != Purpose::Idle);
    let observed = counted.filter_map(|step| {
        let counts = step.total();
        Some((step.plan.customers?, counts.failed + counts.dropped, counts.due))
    });
    onset_of_levels(&levels(observed), tolerated)
}

/// Levels in ascending order, equal ones pooled: (customers, failed, due).
fn levels(observed: impl Iterator<Item = (f64, u64, u64)>) -> Vec<(f64, u64, u64)> {
    let mut steps: Vec<(f64, u64, u64)> = observed
        .filter(|(customers, _, due)| *customers > 0.0 && *due > 0)
        .collect();
    steps.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut levels: Vec<(f64, u64, u64)> = Vec::new();
    for step in steps {
        match levels.last_mut() {
            Some(last) if last.0 == step.0 => (last.1, last.2) = (last.1 + step.1, last.2 + step.2),
            _ => levels.push(step),
        }
    }
    levels
}

/// The onset of errors over levels of ascending customers: (customers, failed, due).
///
/// A level fails if the exact lower bound of its failed share lies above `tolerated` (0-1). The last clean
/// level below the first failing one is a hard lower bound: the onset lies between the two. If there are
/// levels beyond, a hinge is fitted to them by likelihood over a grid, the onset held between the two and
/// both parameters given equal weight in their logarithms; if the levels differ by more than chance, the
/// likelihood is flattened by as much.
#[must_use]
pub fn onset_of_levels(levels: &[(f64, u64, u64)], tolerated: f64) -> Option<ErrorOnset> {
    let fails = |(_, failed, due): &(f64, u64, u64)| least_share(*failed, *due, CONFIDENCE) > tolerated;
    if levels.is_empty() {
        return None;
    }
    let first = levels.iter().position(fails);
    let (clean, beyond) = levels.split_at(first.unwrap_or(levels.len()));
    let last_clean = clean.last().map(|level| level.0);
    let (failed, due) = clean
        .iter()
        .fold((0, 0), |sum, level| (sum.0 + level.1, sum.1 + level.2));
    let background = if due > 0 { failed as f64 / due as f64 } else { 0.0 };
    let first_failing = beyond.first().map(|(customers, failed, due)| ErrorLevel {
        customers: *customers,
        share: Estimate {
            value: *failed as f64 / *due as f64,
            standard_error: (*failed as f64 * (due - failed) as f64 / (*due as f64).powi(3)).sqrt(),
            low: least_share(*failed, *due, CONFIDENCE),
            high: 1.0 - least_share(due - failed, *due, CONFIDENCE),
        },
    });
    let clean_above = beyond.iter().any(|level| !fails(level));
    let hinge = last_clean.and_then(|low| fit_hinge(beyond, low, background));
    Some(ErrorOnset {
        tolerated,
        last_clean,
        first_failing,
        clean_above,
        background,
        hinge,
    })
}

/// Exact lower bound of a share of which `count` of `total` were seen, at a one-sided `confidence` (0-1); 0
/// if none was.
///
/// # Formula
/// The `1 - confidence` quantile of Beta(count, total - count + 1).
///
/// Source: Clopper, Pearson, "The use of confidence or fiducial limits illustrated in the case of the
/// binomial", Biometrika 26(4), 1934.
#[must_use]
pub fn least_share(count: u64, total: u64, confidence: f64) -> f64 {
    let count = count.min(total);
    if count == 0 {
        return 0.0;
    }
    Beta::new(count as f64, (total - count + 1) as f64).map_or(0.0, |beta| beta.inverse_cdf(1.0 - confidence))
}

/// Share of failed executions at a number of customers, 0-1: the background below the onset, non-decreasing
/// above it.
///
/// # Formula
/// `p = b + (1 - b) (1 - (N_0 / N)^s)`. With s = 1 it is what any limited room turns away far above its
/// capacity, `1 - 1 / rho` (the limit of M/M/c/K).
#[must_use]
pub fn failed_share(background: f64, onset: f64, steepness: f64, customers: f64) -> f64 {
    if customers <= onset {
        background
    } else {
        background + (1.0 - background) * (1.0 - (onset / customers).powf(steepness))
    }
}

/// Customers from which on more than `share` (0-1) of the executions fail, in one draw; infinite if no step
/// failed, so that only [`ErrorOnset::last_clean`] is known, and `None` if already the first level did.
///
/// `position` 0-1 is the draw's quantile of the onset: 0.5 for the point estimate, a uniform number for a
/// draw. A share that the first failing level is known to exceed is exceeded there at the latest.
#[must_use]
pub fn customers_failing(onset: &ErrorOnset, share: f64, position: f64) -> Option<f64> {
    let Some(first) = onset.first_failing else {
        return Some(f64::INFINITY);
    };
    let nodes = &onset.hinge.as_ref()?.nodes;
    let node = ((position.clamp(0.0, 1.0) * nodes.len() as f64) as usize).min(nodes.len().checked_sub(1)?);
    let [from, steepness] = nodes[node];
    let passed = ((1.0 - share) / (1.0 - onset.background)).clamp(0.0, 1.0);
    let customers = from * passed.powf(-1.0 / steepness);
    Some(if share <= first.share.low {
        customers.min(first.customers)
    } else {
        customers
    })
}

/// A hinge on the levels from the first failing one on; `None` if there is none.
fn fit_hinge(beyond: &[(f64, u64, u64)], last_clean: f64, background: f64) -> Option<ErrorHinge> {
    let first = beyond.first()?.0;
    let onsets: Vec<f64> = (0..ONSETS)
        .map(|node| last_clean * (first / last_clean).powf((node as f64 + 0.5) / ONSETS as f64))
        .collect();
    let steepnesses: Vec<f64> = (0..STEEPNESSES)
        .map(|node| LEAST_STEEPNESS * 2_f64.powf(node as f64 / 4.0))
        .collect();
    let pairs: Vec<[f64; 2]> = onsets
        .iter()
        .flat_map(|onset| steepnesses.iter().map(move |steepness| [*onset, *steepness]))
        .collect();
    let likelihoods: Vec<f64> = pairs
        .iter()
        .map(|[onset, steepness]| log_likelihood(beyond, background, *onset, *steepness))
        .collect();
    let best = (0..pairs.len()).max_by(|a, b| likelihoods[*a].total_cmp(&likelihoods[*b]))?;
    let flatten = dispersion(beyond, background, pairs[best][0], pairs[best][1]);
    let weights: Vec<f64> = likelihoods
        .iter()
        .map(|likelihood| ((likelihood - likelihoods[best]) / flatten).exp())
        .collect();
    let by_onset = weights.chunks(STEEPNESSES).map(|row| {
        let weight: f64 = row.iter().sum();
        let mean_log = row
            .iter()
            .zip(&steepnesses)
            .map(|(weight, steepness)| weight * steepness.ln())
            .sum::<f64>()
            / weight;
        (weight, if weight > 0.0 { mean_log.exp() } else { 1.0 })
    });
    let (weights, steepnesses): (Vec<f64>, Vec<f64>) = by_onset.unzip();
    let total: f64 = weights.iter().sum();
    let weighted_node = |node: u32| {
        let (mut below, position) = (0.0, (f64::from(node) + 0.5) / f64::from(NODES) * total);
        let reached = weights.iter().position(|weight| {
            below += weight;
            below >= position
        });
        let index = reached.unwrap_or(ONSETS - 1);
        [onsets[index], steepnesses[index]]
    };
    Some(ErrorHinge {
        nodes: (0..NODES).map(weighted_node).collect(),
    })
}

/// Logarithm of the likelihood of the levels, up to a constant.
fn log_likelihood(levels: &[(f64, u64, u64)], background: f64, onset: f64, steepness: f64) -> f64 {
    let log_probability = |(customers, failed, due): &(f64, u64, u64)| {
        let share = failed_share(background, onset, steepness, *customers).clamp(1e-12, 1.0 - 1e-12);
        *failed as f64 * share.ln() + (due - failed) as f64 * (1.0 - share).ln()
    };
    levels.iter().map(log_probability).sum()
}

/// Variance of the levels around a hinge over that of chance, 1 or more: executions fail in bursts.
fn dispersion(levels: &[(f64, u64, u64)], background: f64, onset: f64, steepness: f64) -> f64 {
    let squared_deviation = |(customers, failed, due): &(f64, u64, u64)| {
        let share = failed_share(background, onset, steepness, *customers).clamp(1e-12, 1.0 - 1e-12);
        (*failed as f64 - *due as f64 * share).powi(2) / (*due as f64 * share * (1.0 - share))
    };
    let free = levels.len().saturating_sub(2).max(1) as f64;
    (levels.iter().map(squared_deviation).sum::<f64>() / free).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exact bounds: 0 of n has none, n of n has `alpha^(1/n)`, and 10 of 100 has 5.5 % (one-sided 95 %:
    /// Clopper and Pearson).
    #[test]
    fn lower_bounds_are_exact() {
        assert_eq!(least_share(0, 50, 0.95), 0.0);
        assert!((least_share(20, 20, 0.95) - 0.05_f64.powf(0.05)).abs() < 1e-9);
        assert!((least_share(1, 40, 0.95) - (1.0 - 0.95_f64.powf(1.0 / 40.0))).abs() < 1e-9);
    }

    #[test]
    fn a_single_failure_of_many_is_no_onset() {
        let onset = onset_of_levels(&[(100.0, 0, 1_000), (200.0, 1, 2_000), (400.0, 0, 4_000)], 0.01)
            .expect("levels");
        assert_eq!((onset.last_clean, onset.first_failing), (Some(400.0), None));
        assert_eq!(customers_failing(&onset, 0.01, 0.5), Some(f64::INFINITY));
        assert!(onset_of_levels(&[], 0.01).is_none());
    }

    #[test]
    fn a_full_room_is_found_between_clean_and_failing() {
        // Capacity 1,000 customers: 1 - 1,000 / N fail above it.
        let level = |customers: f64| {
            (
                customers,
                (10.0 * (customers - 1_000.0).max(0.0)) as u64,
                (10.0 * customers) as u64,
            )
        };
        let onset =
            onset_of_levels(&[500.0, 900.0, 1_100.0, 1_500.0, 2_000.0].map(level), 0.01).expect("levels");
        let hinge = onset.hinge.as_ref().expect("three failing levels");
        let central = customers_failing(&onset, 0.01, 0.5).expect("a clean level");
        assert!((central / 1_010.0 - 1.0).abs() < 0.02, "{central}");
        assert!((hinge.nodes[10][1] - 1.0).abs() < 0.1, "{:?}", hinge.nodes);
        let (low, high) = (
            customers_failing(&onset, 0.01, 0.05),
            customers_failing(&onset, 0.01, 0.95),
        );
        assert!(low >= Some(900.0) && low <= Some(central) && high >= Some(central));
    }

    #[test]
    fn one_failing_level_leaves_the_onset_wide_and_all_failing_leaves_it_open() {
        let onset = onset_of_levels(&[(900.0, 0, 9_000), (1_500.0, 300, 15_000)], 0.01).expect("levels");
        let ends =
            [0.0, 1.0].map(|position| customers_failing(&onset, 0.01, position).expect("a clean level"));
        assert!(
            ends[0] >= 900.0 && ends[1] <= 1_500.0 && ends[1] / ends[0] > 1.1,
            "{ends:?}"
        );
        let all = onset_of_levels(&[(900.0, 900, 9_000)], 0.01).expect("levels");
        assert_eq!((all.last_clean, customers_failing(&all, 0.01, 0.5)), (None, None));
    }

    #[test]
    fn a_clean_level_above_a_failing_one_is_said_so() {
        let onset = onset_of_levels(&[(100.0, 0, 1_000), (200.0, 200, 2_000), (400.0, 0, 4_000)], 0.01)
            .expect("levels");
        assert!(onset.clean_above && onset.last_clean == Some(100.0));
    }
}
