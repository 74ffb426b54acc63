//! Finds the season of values whose periods do not tell: the one without which they are forecast clearly
//! worse.

use super::{numbers::mean, scale::ForecastScale, season, smoothing};

/// Lengths that are tried: quarters, working weeks, weeks, months, hours, weeks of a year.
const CANDIDATES: [usize; 6] = [4, 5, 7, 12, 24, 52];
/// The length that is taken if nothing speaks against it: histories of businesses are mostly months.
const USUAL: usize = 12;
/// Mean absolute error with a season over that without it, at most.
const GAIN: f64 = 0.9;
/// The same for the usual length.
const USUAL_GAIN: f64 = 0.95;
/// Cycles that a history must hold before a season is looked for.
const LEAST_CYCLES: usize = 3;
/// Among lengths whose errors lie within this factor of the least, the shortest is taken: a multiple of it
/// fits as well.
const ALIKE: f64 = 1.1;
/// Origins that it is tried from, and steps ahead.
const ORIGINS: usize = 12;
const AHEAD: usize = 12;

/// Length of the season in steps; `None` if none shows.
pub(super) fn season(values: &[f64]) -> Option<usize> {
    let scale = ForecastScale::of(values);
    let numbers: Vec<f64> = values.iter().map(|value| scale.to(*value)).collect();
    let gain = |period: usize| if period == USUAL { USUAL_GAIN } else { GAIN };
    let cycles = |period: usize| if period == USUAL { 2 } else { LEAST_CYCLES };
    let shown: Vec<(usize, f64)> = CANDIDATES
        .into_iter()
        .filter(|period| numbers.len() > cycles(*period) * period)
        .map(|period| {
            (
                period,
                off(&numbers, period, &[period]) / off(&numbers, period, &[]),
            )
        })
        .filter(|(period, ratio)| *ratio < gain(*period))
        .collect();
    let best = shown
        .iter()
        .map(|(_, ratio)| *ratio)
        .fold(f64::INFINITY, f64::min);
    shown
        .into_iter()
        .find(|(_, ratio)| *ratio <= best * ALIKE)
        .map(|(period, _)| period)
}

/// Mean absolute error of simple smoothing with `periods` taken out, from origins in the last third, two
/// cycles of `period` at least after the first value.
fn off(numbers: &[f64], period: usize, periods: &[usize]) -> f64 {
    let first = (2 * period).max(numbers.len() * 2 / 3);
    let spare = numbers.len() - first;
    let tried = spare.min(ORIGINS);
    let errors = (0..tried)
        .map(|index| first + index * spare / tried)
        .flat_map(|origin| {
            let (rest, seasons) = season::take_out(&numbers[..origin], periods);
            let ahead = AHEAD.min(numbers.len() - origin);
            let level = smoothing::level(&rest, ahead);
            let expected = level.into_iter().enumerate().map(move |(step, level)| {
                level + seasons.iter().map(|season| season.at(origin + step)).sum::<f64>()
            });
            expected
                .zip(&numbers[origin..])
                .map(|(expected, number)| (number - expected).abs())
        });
    mean(&errors.collect::<Vec<f64>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::{RandomStream, StreamPurpose};

    fn noise(index: u32) -> Vec<f64> {
        let mut random = RandomStream::new(6, StreamPurpose::Growth, index);
        (0..144).map(|_| random.normal()).collect()
    }

    #[test]
    fn a_season_is_found() {
        for (index, period) in CANDIDATES.into_iter().enumerate().take(5) {
            let noise = noise(index as u32);
            let seasonal: Vec<f64> = noise
                .iter()
                .enumerate()
                .map(|(at, noise)| 100.0 + noise + if at % period == 0 { 20.0 } else { 0.0 })
                .collect();
            assert_eq!(season(&seasonal), Some(period));
        }
    }

    #[test]
    fn noise_and_walks_seldom_have_one() {
        let walk = |noise: Vec<f64>| {
            noise.into_iter().scan(100.0, |at, number| {
                *at += number;
                Some(*at)
            })
        };
        let found = |values: Vec<f64>| season(&values).is_some();
        let in_noise = (0..40)
            .filter(|index| found(noise(*index).iter().map(|number| 100.0 + number).collect()))
            .count();
        let in_walks = (0..40)
            .filter(|index| found(walk(noise(*index)).collect()))
            .count();
        // what is found in a walk is small: a season is shrunk to what its cycles agree on
        assert!(in_noise <= 6 && in_walks <= 12, "{in_noise} and {in_walks} of 40");
    }
}
