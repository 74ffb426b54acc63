//! Seasons: how much each phase of a cycle lies above the trend, shrunk to what the cycles agree on.

use std::f64::consts::TAU;

use super::numbers::mean;

/// Weight of a cycle against the one after it.
const CYCLE_WEIGHT: f64 = 0.85;
/// An octave is kept as far as its power exceeds this many times what independent errors would give. Below 1
/// because what is left after a moving mean is not all noise.
const NOISE_FACTOR: f64 = 0.6;
/// Most harmonics of a cycle: a year of days is described to about a week.
const MOST_HARMONICS: usize = 26;

/// One cycle of a season, on the scale of the numbers, its mean zero.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Season {
    /// By phase: that of the first number is 0.
    profile: Vec<f64>,
}

impl Season {
    /// The season's part of the number at `index`, counted from the first one of the history.
    pub(super) fn at(&self, index: usize) -> f64 {
        self.profile[index % self.profile.len()]
    }
}

/// Takes one season after another, shortest first, out of the numbers; those without two full cycles are left
/// out.
pub(super) fn take_out(numbers: &[f64], periods: &[usize]) -> (Vec<f64>, Vec<Season>) {
    let mut rest = numbers.to_vec();
    let mut seasons = Vec::new();
    for period in periods
        .iter()
        .copied()
        .filter(|period| *period >= 2 && numbers.len() >= 2 * period)
    {
        let season = season(&rest, period);
        rest.iter_mut()
            .enumerate()
            .for_each(|(index, number)| *number -= season.at(index));
        seasons.push(season);
    }
    (rest, seasons)
}

/// The season of one period.
fn season(numbers: &[f64], period: usize) -> Season {
    let trend = trend(numbers, period);
    let detrended: Vec<f64> = numbers
        .iter()
        .zip(&trend)
        .map(|(number, trend)| number - trend)
        .collect();
    let cycles = numbers.len().div_ceil(period);
    let weight = |index: usize| CYCLE_WEIGHT.powi((cycles - 1 - index / period) as i32);
    let mut sums = vec![(0.0, 0.0, 0.0); period];
    for (index, number) in detrended.iter().enumerate() {
        let (total, weights, squares) = &mut sums[index % period];
        *total += weight(index) * number;
        *weights += weight(index);
        *squares += weight(index).powi(2);
    }
    let raw: Vec<f64> = sums.iter().map(|(total, weights, _)| total / weights).collect();
    let centre = mean(&raw);
    let raw: Vec<f64> = raw.iter().map(|number| number - centre).collect();
    let squares: f64 = detrended
        .iter()
        .enumerate()
        .map(|(index, number)| (number - centre - raw[index % period]).powi(2))
        .sum();
    let spare = (numbers.len() as f64 - period as f64).max(1.0);
    let share = mean(
        &sums
            .iter()
            .map(|(_, weights, squares)| squares / weights.powi(2))
            .collect::<Vec<_>>(),
    );
    Season {
        profile: shrink(&raw, squares / spare * share),
    }
}

/// Centred mean over one cycle; beyond its ends the line through its last half cycle.
fn trend(numbers: &[f64], period: usize) -> Vec<f64> {
    let half = period / 2;
    let count = numbers.len();
    let mut sums = Vec::with_capacity(count + 1);
    sums.push(0.0);
    for number in numbers {
        sums.push(sums[sums.len() - 1] + number);
    }
    let inner = |at: usize| {
        if period % 2 == 1 {
            (sums[at + half + 1] - sums[at - half]) / period as f64
        } else {
            (sums[at + half] - sums[at - half + 1] + 0.5 * (numbers[at - half] + numbers[at + half]))
                / period as f64
        }
    };
    let (first, last) = (half, count - 1 - half);
    let reach = half.max(1).min(last - first);
    let slope = |from: usize, to: usize| {
        if to > from {
            (inner(to) - inner(from)) / (to - from) as f64
        } else {
            0.0
        }
    };
    let (rise_first, rise_last) = (slope(first, first + reach), slope(last - reach, last));
    (0..count)
        .map(|at| match at {
            at if at < first => inner(first) - rise_first * (first - at) as f64,
            at if at > last => inner(last) + rise_last * (at - last) as f64,
            at => inner(at),
        })
        .collect()
}

/// Shrinks the harmonics of a profile whose phases have the error variance `noise`, octave by octave:
/// empirical Bayes, so that noise is not carried into the future while what all cycles show is.
fn shrink(raw: &[f64], noise: f64) -> Vec<f64> {
    let period = raw.len();
    let mut profile = vec![0.0; period];
    let most = (period / 2).min(MOST_HARMONICS);
    let mut from = 1;
    while from <= most {
        let to = (2 * from - 1).min(most);
        let mut part = vec![0.0; period];
        for harmonic in from..=to {
            let angle = |phase: usize| TAU * ((harmonic * phase) % period) as f64 / period as f64;
            let (mut cosine, mut sine) = (0.0, 0.0);
            for (phase, number) in raw.iter().enumerate() {
                cosine += number * angle(phase).cos();
                sine += number * angle(phase).sin();
            }
            let norm = if 2 * harmonic == period { 1.0 } else { 2.0 } / period as f64;
            for (phase, number) in part.iter_mut().enumerate() {
                *number += norm * (cosine * angle(phase).cos() + sine * angle(phase).sin());
            }
        }
        // power of the octave over the phases, against what independent errors of the phases give it
        let freedom = (2 * (to + 1 - from) - usize::from(2 * to == period)) as f64;
        let power: f64 = part.iter().map(|number| number * number).sum();
        let keep = (1.0 - NOISE_FACTOR * freedom * noise / power.max(f64::MIN_POSITIVE)).max(0.0);
        profile
            .iter_mut()
            .zip(&part)
            .for_each(|(number, part)| *number += keep * part);
        from = to + 1;
    }
    profile
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::{RandomStream, StreamPurpose};

    #[test]
    fn a_season_on_a_line_is_taken_out_whole() {
        let profile = [3.0, -1.0, 0.5, -2.5];
        let numbers: Vec<f64> = (0..40)
            .map(|at| 10.0 + 0.2 * at as f64 + profile[at % 4])
            .collect();
        let (rest, seasons) = take_out(&numbers, &[4]);
        rest.iter()
            .enumerate()
            .for_each(|(at, rest)| assert!((rest - 10.0 - 0.2 * at as f64).abs() < 1e-6, "{at}: {rest}"));
        assert!((seasons[0].at(41) - profile[1]).abs() < 1e-6);
    }

    #[test]
    fn of_noise_little_is_carried_on() {
        let mut random = RandomStream::new(5, StreamPurpose::Growth, 0);
        let noise: Vec<f64> = (0..120).map(|_| random.normal()).collect();
        let season = season(&noise, 12);
        let power = (0..12).map(|phase| season.at(phase).powi(2)).sum::<f64>() / 12.0;
        // means of ten independent numbers would have 0.1
        assert!(power < 0.06, "{power}");
    }

    #[test]
    fn less_than_two_cycles_are_no_season() {
        assert!(take_out(&[1.0; 23], &[12, 52, 1]).1.is_empty());
        assert_eq!(take_out(&[1.0; 24], &[12]).1.len(), 1);
    }

    #[test]
    fn two_seasons_are_taken_out_one_after_the_other() {
        let numbers: Vec<f64> = (0..800)
            .map(|at| [5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0][at % 7] + (TAU * at as f64 / 365.0).sin() * 3.0)
            .collect();
        let (rest, seasons) = take_out(&numbers, &[7, 365]);
        assert_eq!(seasons.len(), 2);
        let middle = mean(&rest);
        let left = (mean(
            &rest
                .iter()
                .map(|number| (number - middle).powi(2))
                .collect::<Vec<_>>(),
        ))
        .sqrt();
        assert!(left < 0.5, "{left} of 2.8 are left");
    }
}
