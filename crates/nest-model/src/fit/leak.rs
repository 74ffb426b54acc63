//! Memory leaks: memory that a target never gives back.

use nest_data::{
    Estimate,
    estimate::quantile_of_sorted,
    measurement::{Purpose, Resource, Step},
    scaling::Leak,
};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::draws::Z90;

/// p value below which growth is believed (`docs/method/demand.md`, "Leaks").
const SIGNIFICANT: f64 = 0.01;
/// Least growth from the first window to the last, as a share of the first: less is what caches take while
/// they warm up.
const LEAST_GROWTH: f64 = 0.1;
/// Share of the squared deviations that a behaviour must take off those of time, to be named instead of it.
const NAMED: f64 = 0.8;

/// The windows of one step: resident bytes, and what they may grow with since the first of them.
struct Climb {
    bytes: Vec<f64>,
    drivers: Vec<Vec<f64>>, // seconds, then executions by behaviour
}

/// Growth of resident memory within the steps: whatever customers hold is as much at the end of a step as at
/// its beginning.
///
/// # Formula
/// The Mann-Kendall statistic S and its variance, summed over the steps (the seasonal Kendall test); the
/// slope is the median of those of all pairs of windows of one step (Theil, Sen), its interval that of their
/// ranks, `(n -+ 1.645 sqrt(var S)) / 2`. It is one over time, or over the executions of the behaviour that
/// explains the growth of the steps best.
///
/// Sources: Hirsch, Slack, Smith, "Techniques of trend analysis for monthly water quality data", Water
/// Resources Research 18(1), 1982; Sen, "Estimates of the regression coefficient based on Kendall's tau",
/// JASA 63, 1968.
///
/// `None` if memory does not grow with p < 0.01, or by less than a tenth in all.
#[must_use]
pub fn find_leak(steps: &[Step], behaviours: &[String], resource: &Resource) -> Option<Leak> {
    // A target that was started again for another size of stored data begins anew.
    let start = steps.first().and_then(|step| step.plan.stored);
    let fitted = steps.iter().filter(|step| {
        step.plan.purpose != Purpose::Idle && step.plan.stored == start && step.verdict.validity.is_fitted()
    });
    let climbs: Vec<Climb> = fitted
        .map(|step| climb(step, behaviours, resource))
        .filter(|climb| climb.bytes.len() >= 3)
        .collect();
    let (first, last) = (*climbs.first()?.bytes.first()?, *climbs.last()?.bytes.last()?);
    if last < (1.0 + LEAST_GROWTH) * first {
        return None;
    }
    let (score, variance) = climbs
        .iter()
        .map(|climb| kendall(&climb.bytes))
        .fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    if score <= 0.0 || variance <= 0.0 {
        return None;
    }
    let p_value = 2.0 * (1.0 - Normal::standard().cdf((score - 1.0) / variance.sqrt()));
    if p_value >= SIGNIFICANT {
        return None;
    }
    let driver = driver(&climbs);
    let mut slopes: Vec<f64> = climbs
        .iter()
        .flat_map(|climb| pair_slopes(&climb.bytes, &climb.drivers[driver]))
        .collect();
    slopes.sort_by(f64::total_cmp);
    let value = quantile_of_sorted(&slopes, 0.5).filter(|slope| *slope > 0.0)?;
    let half = Z90 * variance.sqrt() / slopes.len() as f64 / 2.0;
    let end = |quantile: f64| quantile_of_sorted(&slopes, quantile.clamp(0.0, 1.0)).unwrap_or(value);
    let (low, high) = (end(0.5 - half).max(0.0), end(0.5 + half));
    let rate = Estimate {
        value,
        standard_error: (high - low) / 2.0 / Z90,
        low,
        high,
    };
    Some(Leak {
        behaviour: driver.checked_sub(1).map(|index| behaviours[index].clone()),
        rate,
        p_value,
    })
}

fn climb(step: &Step, behaviours: &[String], resource: &Resource) -> Climb {
    let mut climb = Climb {
        bytes: Vec::new(),
        drivers: vec![Vec::new(); behaviours.len() + 1],
    };
    let mut sums = vec![0.0; behaviours.len() + 1];
    for window in &step.windows {
        sums[0] += window.duration_s;
        for (sum, name) in sums[1..].iter_mut().zip(behaviours) {
            *sum += window.completed.get(name).copied().unwrap_or(0) as f64;
        }
        // Bytes are those at the end of a window.
        if let Some(bytes) = window.used.get(&resource.name) {
            climb.bytes.push(*bytes);
            climb
                .drivers
                .iter_mut()
                .zip(&sums)
                .for_each(|(driver, sum)| driver.push(*sum));
        }
    }
    climb
}

/// Pairs that rise minus pairs that fall, and the variance of that number if there is no trend.
fn kendall(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let pairs = values
        .iter()
        .enumerate()
        .flat_map(|(index, early)| values[index + 1..].iter().map(move |late| late - early));
    let score = pairs
        .map(|rise| {
            if rise > 0.0 {
                1.0
            } else if rise < 0.0 {
                -1.0
            } else {
                0.0
            }
        })
        .sum();
    (score, n * (n - 1.0) * (2.0 * n + 5.0) / 18.0)
}

/// The driver that explains best how much each step grew by: time, unless a behaviour does clearly better.
fn driver(climbs: &[Climb]) -> usize {
    let misfit = |driver: usize| {
        let grown: Vec<(f64, f64)> = climbs
            .iter()
            .map(|climb| {
                let (last, driven) = (climb.bytes.len() - 1, &climb.drivers[driver]);
                (driven[last] - driven[0], climb.bytes[last] - climb.bytes[0])
            })
            .collect();
        let (xy, xx) = grown
            .iter()
            .fold((0.0, 0.0), |sum, (x, y)| (sum.0 + x * y, sum.1 + x * x));
        let slope = if xx > 0.0 { (xy / xx).max(0.0) } else { 0.0 };
        grown.iter().map(|(x, y)| (y - slope * x).powi(2)).sum::<f64>()
    };
    let drivers = climbs.first().map_or(1, |climb| climb.drivers.len());
    let best = (1..drivers)
        .map(|driver| (driver, misfit(driver)))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    best.filter(|(_, misfit_of)| *misfit_of < NAMED * misfit(0))
        .map_or(0, |(driver, _)| driver)
}

fn pair_slopes(bytes: &[f64], driver: &[f64]) -> Vec<f64> {
    let pairs = (0..bytes.len()).flat_map(|early| (early + 1..bytes.len()).map(move |late| (early, late)));
    pairs
        .filter(|(early, late)| driver[*late] > driver[*early])
        .map(|(early, late)| (bytes[late] - bytes[early]) / (driver[late] - driver[early]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn climb_of(bytes: &[f64], executions: &[f64]) -> Climb {
        Climb {
            bytes: bytes.to_vec(),
            drivers: vec![
                (1..=bytes.len()).map(|second| second as f64).collect(),
                executions.to_vec(),
            ],
        }
    }

    #[test]
    fn kendalls_score_of_a_rise_is_all_pairs_and_its_variance_is_the_known_one() {
        // n = 4: 6 pairs; 4 * 3 * 13 / 18
        assert_eq!(kendall(&[1.0, 2.0, 3.0, 4.0]), (6.0, 156.0 / 18.0));
        assert_eq!(kendall(&[1.0, 1.0, 1.0]).0, 0.0);
        assert_eq!(kendall(&[3.0, 2.0, 1.0]).0, -3.0);
    }

    #[test]
    fn what_a_behaviour_leaves_behind_is_told_from_what_time_does() {
        // 100 bytes an execution: 1 a second in one step, 10 a second in the other
        let steps = [
            climb_of(&[100.0, 200.0, 300.0], &[1.0, 2.0, 3.0]),
            climb_of(&[1e3, 2e3, 3e3], &[10.0, 20.0, 30.0]),
        ];
        assert_eq!(driver(&steps), 1);
        // 50 bytes a second whatever is executed
        let steps = [
            climb_of(&[50.0, 100.0, 150.0], &[1.0, 2.0, 3.0]),
            climb_of(&[50.0, 100.0, 150.0], &[10.0, 20.0, 30.0]),
        ];
        assert_eq!(driver(&steps), 0);
        assert_eq!(
            pair_slopes(&[0.0, 10.0, 40.0], &[0.0, 1.0, 2.0]),
            [10.0, 20.0, 30.0]
        );
    }
}
