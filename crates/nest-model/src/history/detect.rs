//! Finds the season of values whose periods do not tell: the one without which they are forecast clearly worse.

use super::{numbers::mean, scale::Scale, season, smoothing};

/// Lengths that are tried: quarters, working weeks, weeks, months, hours, weeks of a year.
const CANDIDATES: [usize; 6] = [4, 5, 7, 12, 24, 52];
/// Mean absolute error with the season over that without it, at most.
const GAIN: f64 = 0.9;
/// Origins that it is tried from.
const ORIGINS: usize = 8;

/// Length of the season in steps, where one shows.
pub(super) fn season(values: &[f64]) -> Option<usize> {
    let scale = Scale::of(values);
    let numbers: Vec<f64> = values.iter().map(|value| scale.to(*value)).collect();
    CANDIDATES
        .into_iter()
        .filter(|period| numbers.len() >= 3 * period)
        .map(|period| (period, off(&numbers, &[period], period) / off(&numbers, &[], period)))
        .filter(|(_, ratio)| *ratio < GAIN)
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(period, _)| period)
}

/// Mean absolute error of simple smoothing over one cycle, from origins in the last third.
fn off(numbers: &[f64], periods: &[usize], cycle: usize) -> f64 {
    let first = (2 * cycle).max(numbers.len() * 2 / 3);
    let spare = numbers.len() - first;
    let origins = (0..spare.min(ORIGINS)).map(|index| first + index * spare / spare.min(ORIGINS));
    let errors: Vec<f64> = origins
        .flat_map(|origin| {
            let (rest, seasons) = season::take_out(&numbers[..origin], periods);
            let ahead = cycle.min(numbers.len() - origin);
            let level = smoothing::level(&rest, ahead);
            (0..ahead).map(move |step| {
                let at = origin + step;
                (numbers[at] - level[step] - seasons.iter().map(|season| season.at(at)).sum::<f64>()).abs()
            }).collect::<Vec<_>>()
        })
        .collect();
    mean(&errors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::{Purpose, Stream};

    #[test]
    fn a_season_is_found_and_noise_and_walks_have_none() {
        let mut random = Stream::new(6, Purpose::Growth, 0);
        let noise: Vec<f64> = (0..144).map(|_| random.normal()).collect();
        for period in [4, 7, 12, 24] {
            let seasonal: Vec<f64> = noise.iter().enumerate().map(|(at, noise)| 100.0 + noise + if at % period == 0 { 20.0 } else { 0.0 }).collect();
            assert_eq!(season(&seasonal), Some(period));
        }
        let shifted: Vec<f64> = noise.iter().map(|number| 100.0 + number).collect();
        assert_eq!(season(&shifted), None);
        let mut at = 100.0;
        let walk: Vec<f64> = noise.iter().map(|number| { at += number; at }).collect();
        assert_eq!(season(&walk), None);
    }
}
