//! Autoregressions by Burg's method: of the numbers around their mean, and of their changes.

/// Largest order that is tried.
const MOST_LAGS: usize = 12;

/// Autoregression around the mean, which long forecasts return to.
pub(super) fn around_mean(numbers: &[f64], horizon: usize) -> Vec<f64> {
    let mean = super::numbers::mean(numbers);
    let mut path: Vec<f64> = numbers.iter().map(|number| number - mean).collect();
    let lags = burg(&path);
    extend(&mut path, &lags, horizon);
    path[numbers.len()..].iter().map(|number| number + mean).collect()
}

/// Autoregression of changes around zero: where they follow one another it goes on for a while, then it stays.
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

fn extend(path: &mut Vec<f64>, lags: &[f64], horizon: usize) {
    for _ in 0..horizon {
        let next = lags.iter().zip(path.iter().rev()).map(|(lag, number)| lag * number).sum();
        path.push(next);
    }
}

/// Coefficients of the order with the least corrected information criterion; none for white noise.
///
/// Source: Burg, "Maximum entropy spectral analysis", 1975; Hurvich and Tsai, Biometrika 76, 1989 (the criterion).
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
        lags.iter_mut().zip(&mirrored).for_each(|(lag, other)| *lag -= reflection * other);
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
