//! Seasons: how much each phase of a cycle lies above the trend, shrunk to what the cycles agree on.

mod agreement;
mod shift;
mod shocks;

pub(super) use shift::LevelShift;

/// Times that shocks are looked for: without the largest, the trend shows others.
const SHOCK_ROUNDS: usize = 2;

/// One cycle of a season, on the scale of the numbers, its mean zero.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Season {
    /// By phase: that of the first number is 0.
    profile: Vec<f64>,
    /// The one change of level that was taken for no part of it.
    pub shift: Option<LevelShift>,
}

impl Season {
    /// The season's part of the number at `index`, counted from the first one of the history.
    pub(super) fn at(&self, index: usize) -> f64 {
        self.profile[index % self.profile.len()]
    }

    /// Steps of one cycle.
    pub(super) fn period(&self) -> usize {
        self.profile.len()
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
///
/// What one cycle shows and the others do not is taken for a shock: the value is replaced by what they agree
/// on, and the trend is drawn once more without it. One change of level is no season either: a centred mean
/// turns it into a ramp, and every cycle on that ramp shows the same saw-tooth around it.
fn season(numbers: &[f64], period: usize) -> Season {
    let shift = LevelShift::instead_of_season(numbers, period);
    let level = shift.map(|shift| shift.undone(numbers));
    let numbers = level.as_deref().unwrap_or(numbers);
    let mut cleaned = numbers.to_vec();
    for _ in 0..SHOCK_ROUNDS {
        let trend = trend(&cleaned, period);
        let detrended: Vec<f64> = numbers
            .iter()
            .zip(&trend)
            .map(|(number, trend)| number - trend)
            .collect();
        let usual = shocks::without(&detrended, period);
        cleaned = usual
            .iter()
            .zip(&trend)
            .map(|(usual, trend)| usual + trend)
            .collect();
    }
    let trend = trend(&cleaned, period);
    let detrended: Vec<f64> = cleaned
        .iter()
        .zip(&trend)
        .map(|(number, trend)| number - trend)
        .collect();
    Season {
        profile: agreement::profile(&detrended, period),
        shift,
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

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::{super::numbers::mean, *};
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
