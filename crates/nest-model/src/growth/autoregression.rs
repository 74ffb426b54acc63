//! Autoregressions by Burg's method: of the numbers around their mean, and of their changes.

/// Largest order that is tried.
const MOST_LAGS: usize = 12;
/// Numbers from which their mean change is worth following.
pub(super) const ENOUGH_FOR_PACE: usize = 16;

/// Autoregression around the mean, which long forecasts return to.
pub(super) fn around_mean(numbers: &[f64], horizon: usize) -> Vec<f64> {
    let mean = super::numbers::mean(numbers);
    let mut path: Vec<f64> = numbers.iter().map(|number| number - mean).collect();
    let lags = burg(&path);
    extend(&mut path, &lags, horizon);
    path[numbers.len()..].iter().map(|number| number + mean).collect()
}

/// Autoregression of changes around zero: changes that follow one another go on for a while, then the value
/// stays.
pub(super) fn of_changes(numbers: &[f64], horizon: usize) -> Vec<f64> {
    let mut path: Vec<f64> = numbers.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let lags = burg(&path);
    let known = path.len();
    extend(&mut path, &lags, horizon);
    let mut at = numbers.last().copied().unwrap_or(0.0);
    path[known..]
        .iter()
        .map(|change| {
            at += change;
            at
        })
        .collect()
}

/// Autoregression of changes around their mean: growth goes on at its average pace, once what is unusual
/// now has passed.
pub(super) fn of_growth(numbers: &[f64], horizon: usize) -> Vec<f64> {
    if numbers.len() < ENOUGH_FOR_PACE {
        return of_changes(numbers, horizon);
    }
    let changes: Vec<f64> = numbers.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let last = numbers.last().copied().unwrap_or(0.0);
    around_mean(&changes, horizon)
        .into_iter()
        .scan(last, |at, change| {
            *at += change;
            Some(*at)
        })
        .collect()
}

fn extend(path: &mut Vec<f64>, lags: &[f64], horizon: usize) {
    for _ in 0..horizon {
        let next = lags
            .iter()
            .zip(path.iter().rev())
            .map(|(lag, number)| lag * number)
            .sum();
        path.push(next);
    }
}

/// Coefficients of the order with the least corrected information criterion; `None` for white noise.
///
/// Source: Burg, "Maximum entropy spectral analysis", 1975; Hurvich and Tsai, Biometrika 76, 1989 (the
/// criterion).
fn burg(numbers: &[f64]) -> Vec<f64> {
    let count = numbers.len();
    let mut variance = numbers.iter().map(|number| number * number).sum::<f64>() / count.max(1) as f64;
    let criterion = |variance: f64, order: usize| {
        let spare = count as f64 - order as f64 - 2.0;
        count as f64 * variance.ln() + 2.0 * (order as f64 + 1.0) * count as f64 / spare
    };
    if count < 6 || variance <= 0.0 {
        return Vec::new();
    }
    let (mut forward, mut backward) = (numbers.to_vec(), numbers.to_vec());
    let mut lags: Vec<f64> = Vec::new();
    let mut best = (criterion(variance, 0), Vec::new());
    for order in 1..=MOST_LAGS.min(count / 4) {
        let (mut product, mut square) = (0.0, 0.0);
        for index in order..count {
            product += forward[index] * backward[index - 1];
            square += forward[index].powi(2) + backward[index - 1].powi(2);
        }
        if square <= 0.0 {
            break;
        }
        let reflection = 2.0 * product / square;
        let mirrored: Vec<f64> = lags.iter().rev().copied().collect();
        lags.iter_mut()
            .zip(&mirrored)
            .for_each(|(lag, other)| *lag -= reflection * other);
        lags.push(reflection);
        for index in (order..count).rev() {
            let (ahead, behind) = (forward[index], backward[index - 1]);
            forward[index] = ahead - reflection * behind;
            backward[index] = behind - reflection * ahead;
        }
        variance *= 1.0 - reflection * reflection;
        if variance <= 0.0 {
            break;
        }
        let score = criterion(variance, order);
        if score < best.0 {
            best = (score, lags.clone());
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::{RandomStream, StreamPurpose};

    #[test]
    fn the_coefficients_of_a_simulated_autoregression_are_found() {
        let mut random = RandomStream::new(3, StreamPurpose::Growth, 0);
        let mut path = vec![0.0, 0.0];
        for at in 2..4_000 {
            path.push(1.2 * path[at - 1] - 0.5 * path[at - 2] + random.normal());
        }
        let lags = burg(&path);
        // standard error sqrt((1 - 0.5^2) / 4000) = 0.014: four of them
        assert!(
            (lags[0] - 1.2).abs() < 0.055 && (lags[1] + 0.5).abs() < 0.055,
            "{lags:?}"
        );
    }

    #[test]
    fn white_noise_returns_to_its_mean_and_changes_without_order_stay() {
        let mut random = RandomStream::new(4, StreamPurpose::Growth, 1);
        let noise: Vec<f64> = (0..400).map(|_| 7.0 + random.normal()).collect();
        let ahead = around_mean(&noise, 50);
        assert!((ahead[49] - 7.0).abs() < 0.2);
        let mut at = 0.0;
        let walk: Vec<f64> = noise
            .iter()
            .map(|number| {
                at += number - 7.0;
                at
            })
            .collect();
        assert!((of_changes(&walk, 20)[19] - at).abs() < 1.5);
    }

    #[test]
    fn a_wave_goes_on() {
        let wave = |at: usize| (at as f64 * 0.7).sin();
        let known: Vec<f64> = (0..200).map(wave).collect();
        around_mean(&known, 10)
            .iter()
            .enumerate()
            .for_each(|(step, number)| assert!((number - wave(200 + step)).abs() < 0.1));
    }
}
