//! The profile of a season: as far as each cycle is predicted by the others.

use std::f64::consts::TAU;

use super::super::numbers::mean;

/// Weight of a cycle against the one after it.
const CYCLE_WEIGHT: f64 = 0.85;
/// An octave is kept as far as its power exceeds this many times what the disagreement of cycles would give.
const NOISE_FACTOR: f64 = 0.8;
/// Degrees of freedom that the noise of all phases is worth beside an octave's own disagreement.
const WHITE_WORTH: f64 = 4.0;
/// Most harmonics of a cycle: a year of days is described to about a week.
const MOST_HARMONICS: usize = 26;

/// Harmonics `from` to `to` of a cycle.
#[derive(Debug, Clone, Copy)]
struct Octave {
    from: usize,
    to: usize,
}

/// By phase, that of the first number being 0, with mean zero; zero altogether if the pattern of the other
/// cycles predicts a cycle no better than no pattern does.
pub(super) fn profile(detrended: &[f64], period: usize) -> Vec<f64> {
    let (raw, noise, share) = mean_cycle(detrended, period);
    let cycles: Vec<Vec<f64>> = whole_cycles(detrended, period);
    let mut profile = vec![0.0; period];
    let mut gain = 0.0;
    let wave = wave(period);
    for octave in octaves(period) {
        let parts: Vec<Vec<f64>> = cycles.iter().map(|cycle| octave.part(cycle, &wave)).collect();
        let part = octave.part(&raw, &wave);
        let freedom = octave.freedom(period);
        let seen = (parts.len() - 1) as f64 * freedom;
        let own = disagreement(&parts);
        let noise = (seen * own + WHITE_WORTH * freedom * noise) / (seen + WHITE_WORTH);
        let keep = 1.0 - NOISE_FACTOR * noise * share / power(&part).max(f64::MIN_POSITIVE);
        if keep > 0.0 {
            gain += gain_of_others(&parts);
            profile
                .iter_mut()
                .zip(&part)
                .for_each(|(number, part)| *number += keep * part);
        }
    }
    if gain > 0.0 { profile } else { vec![0.0; period] }
}

/// A cycle without its mean, as far as the harmonics that a season may have describe it.
pub(super) fn describe(cycle: &[f64]) -> Vec<f64> {
    let wave = wave(cycle.len());
    let parts: Vec<Vec<f64>> = octaves(cycle.len())
        .map(|octave| octave.part(cycle, &wave))
        .collect();
    sum(&parts)
}

/// Independent numbers that describe a season of one period, its level aside.
pub(super) fn described(period: usize) -> usize {
    octaves(period).map(|octave| octave.freedom(period)).sum::<f64>() as usize
}

/// Weighted mean of each phase, with mean zero; variance of a number around it; and the share of that
/// variance that the mean of a phase has.
fn mean_cycle(detrended: &[f64], period: usize) -> (Vec<f64>, f64, f64) {
    let cycles = detrended.len().div_ceil(period);
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
    let around = |(index, number): (usize, &f64)| (number - centre - raw[index % period]).powi(2);
    let squares: f64 = detrended.iter().enumerate().map(around).sum();
    let spare = (detrended.len() as f64 - period as f64).max(1.0);
    let shares = sums.iter().map(|(_, weights, squares)| squares / weights.powi(2));
    let share = mean(&shares.collect::<Vec<_>>());
    (raw, squares / spare, share)
}

/// The newest whole cycles, each with the phase of the first number first.
fn whole_cycles(detrended: &[f64], period: usize) -> Vec<Vec<f64>> {
    let first = detrended.len() % period;
    let cycle = |chunk: &[f64]| {
        let mut cycle = chunk.to_vec();
        cycle.rotate_right(first);
        cycle
    };
    detrended[first..].chunks_exact(period).map(cycle).collect()
}

/// Cosine and sine of each phase's angle.
fn wave(period: usize) -> Vec<[f64; 2]> {
    let angle = |phase: usize| TAU * phase as f64 / period as f64;
    (0..period)
        .map(|phase| [angle(phase).cos(), angle(phase).sin()])
        .collect()
}

fn octaves(period: usize) -> impl Iterator<Item = Octave> {
    let most = (period / 2).min(MOST_HARMONICS);
    (0..)
        .map(|power: u32| 1_usize << power)
        .take_while(move |from| *from <= most)
        .map(move |from| Octave {
            from,
            to: (2 * from - 1).min(most),
        })
}

impl Octave {
    /// Independent numbers that describe it.
    fn freedom(self, period: usize) -> f64 {
        (2 * (self.to + 1 - self.from) - usize::from(2 * self.to == period)) as f64
    }

    /// What of a cycle lies in it.
    fn part(self, cycle: &[f64], wave: &[[f64; 2]]) -> Vec<f64> {
        let period = cycle.len();
        let mut part = vec![0.0; period];
        for harmonic in self.from..=self.to {
            let at = |phase: usize| wave[harmonic * phase % period];
            let (mut cosine, mut sine) = (0.0, 0.0);
            for (phase, number) in cycle.iter().enumerate() {
                let [cos, sin] = at(phase);
                cosine += number * cos;
                sine += number * sin;
            }
            let norm = if 2 * harmonic == period { 1.0 } else { 2.0 } / period as f64;
            for (phase, number) in part.iter_mut().enumerate() {
                let [cos, sin] = at(phase);
                *number += norm * (cosine * cos + sine * sin);
            }
        }
        part
    }
}

fn power(part: &[f64]) -> f64 {
    part.iter().map(|number| number * number).sum()
}

/// Power of one cycle around the mean of all.
fn disagreement(parts: &[Vec<f64>]) -> f64 {
    let count = parts.len() as f64;
    let middle = sum(parts);
    let around = parts.iter().map(|part| {
        let pairs = part.iter().zip(&middle);
        pairs
            .map(|(number, sum)| (number - sum / count).powi(2))
            .sum::<f64>()
    });
    around.sum::<f64>() / (count - 1.0).max(1.0)
}

/// Squared error that the mean of the other cycles saves, over all cycles, against no pattern.
fn gain_of_others(parts: &[Vec<f64>]) -> f64 {
    let sum = sum(parts);
    let others = (parts.len() - 1) as f64;
    let gain = |part: &Vec<f64>| -> f64 {
        part.iter()
            .zip(&sum)
            .map(|(number, sum)| {
                let said = (sum - number) / others;
                2.0 * number * said - said * said
            })
            .sum()
    };
    parts.iter().map(gain).sum()
}

fn sum(parts: &[Vec<f64>]) -> Vec<f64> {
    let mut sum = vec![0.0; parts.first().map_or(0, Vec::len)];
    for part in parts {
        sum.iter_mut().zip(part).for_each(|(sum, number)| *sum += number);
    }
    sum
}
