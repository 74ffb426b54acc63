//! Exponential smoothing: level, damped trend and theta, with parameters from a grid of one-step errors.

/// What a method sees and gives: numbers without seasons in, `horizon` numbers out.
pub(super) type Method = fn(&[f64], usize) -> Vec<f64>;

/// Weights of the newest number that are tried.
const LEVEL_WEIGHTS: [f64; 9] = [0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0];
/// Weights of the newest change that are tried, as shares of the level's.
const TREND_WEIGHTS: [f64; 5] = [0.02, 0.07, 0.15, 0.3, 0.5];
/// Share of the trend that is left after one more step.
const DAMPINGS: [f64; 4] = [0.8, 0.9, 0.95, 0.98];

/// The line from the first number through the last.
pub(super) fn drift(numbers: &[f64], horizon: usize) -> Vec<f64> {
    let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else {
        return vec![0.0; horizon];
    };
    let slope = (last - first) / (numbers.len().max(2) - 1) as f64;
    (1..=horizon).map(|step| last + slope * step as f64).collect()
}

/// Simple exponential smoothing.
///
/// # Formula
/// `l_t = l_{t-1} + alpha (y_t - l_{t-1})`, forecast `l_n`; alpha by least one-step squares.
///
/// Source: Hyndman, Koehler, Ord, Snyder, "Forecasting with Exponential Smoothing", 2008, ETS(A,N,N).
pub(super) fn level(numbers: &[f64], horizon: usize) -> Vec<f64> {
    vec![smoothed(numbers).0; horizon]
}

/// Level after the last number and the weight that it was found with.
fn smoothed(numbers: &[f64]) -> (f64, f64) {
    let start = super::numbers::mean(&numbers[..numbers.len().min(5)]);
    let run = |weight: f64| {
        numbers.iter().fold((start, 0.0), |(level, squares), number| {
            let error = number - level;
            (level + weight * error, squares + error * error)
        })
    };
    let best = LEVEL_WEIGHTS
        .into_iter()
        .map(|weight| (run(weight), weight))
        .min_by(|a, b| a.0.1.total_cmp(&b.0.1));
    best.map_or((start, 1.0), |((level, _), weight)| (level, weight))
}

/// Smoothing of level and damped trend.
///
/// # Formula
/// `l_t = l_{t-1} + phi b_{t-1} + alpha e_t`, `b_t = phi b_{t-1} + alpha beta e_t`, forecast
/// `l_n + (phi + ... + phi^h) b_n`; alpha, beta and phi by least one-step squares.
///
/// Source: Gardner and McKenzie, "Forecasting Trends in Time Series", Management Science 31(10), 1985:
/// ETS(A,Ad,N).
pub(super) fn damped(numbers: &[f64], horizon: usize) -> Vec<f64> {
    if numbers.len() < 4 {
        return level(numbers, horizon);
    }
    let head = &numbers[..numbers.len().min(10)];
    let slope = super::numbers::median(&head.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>());
    let start = (
        super::numbers::median(head) - slope * (head.len() as f64 + 1.0) / 2.0,
        slope,
    );
    let mut best = (f64::INFINITY, start, 0.9);
    for alpha in LEVEL_WEIGHTS {
        for beta in TREND_WEIGHTS {
            for phi in DAMPINGS {
                let (mut level, mut trend) = start;
                let mut squares = 0.0;
                for number in numbers {
                    let expected = level + phi * trend;
                    let error = number - expected;
                    level = expected + alpha * error;
                    trend = phi * trend + alpha * beta * error;
                    squares += error * error;
                }
                if squares < best.0 {
                    best = (squares, (level, trend), phi);
                }
            }
        }
    }
    let (_, (level, trend), phi) = best;
    let mut sum = 0.0;
    let mut power = 1.0;
    (0..horizon)
        .map(|_| {
            power *= phi;
            sum += power;
            level + sum * trend
        })
        .collect()
}

/// The theta method: simple smoothing that drifts by half of the slope of all numbers.
///
/// # Formula
/// `l_n + b/2 (h - 1 + (1 - (1 - alpha)^n) / alpha)`, b the slope of least squares.
///
/// Source: Hyndman and Billah, "Unmasking the Theta method", International Journal of Forecasting 19, 2003.
pub(super) fn theta(numbers: &[f64], horizon: usize) -> Vec<f64> {
    let count = numbers.len() as f64;
    let (level, weight) = smoothed(numbers);
    let (middle, mean) = ((count - 1.0) / 2.0, super::numbers::mean(numbers));
    let (mut product, mut square) = (0.0, 0.0);
    for (index, number) in numbers.iter().enumerate() {
        let distance = index as f64 - middle;
        product += distance * (number - mean);
        square += distance * distance;
    }
    let slope = if square > 0.0 { product / square } else { 0.0 };
    let ahead = (1.0 - (1.0 - weight).powf(count)) / weight;
    (0..horizon)
        .map(|step| level + 0.5 * slope * (step as f64 + ahead))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Saudi Arabian oil production, million tonnes, 1996 to 2013: Hyndman and Athanasopoulos, "Forecasting:
    /// principles and practice", 2nd edition, section 7.1.
    const OIL: [f64; 18] = [
        445.36, 453.20, 454.41, 422.38, 456.04, 440.39, 425.19, 486.21, 500.43, 521.28, 508.95, 488.89,
        509.87, 456.72, 473.82, 525.95, 549.83, 542.34,
    ];

    #[test]
    fn simple_smoothing_gives_the_published_forecast() {
        let (level, weight) = smoothed(&OIL);
        // published: weight 0.834, forecast 542.68; ours is the nearest weight of the grid
        assert!(
            (weight - 0.85).abs() < 1e-12 && (level - 542.68).abs() < 0.3,
            "{level} with {weight}"
        );
    }

    #[test]
    fn theta_drifts_by_half_the_slope_of_least_squares() {
        let line: Vec<f64> = (0..40)
            .map(|at| 5.0 + 0.3 * f64::from(at) + f64::from(at * 7 % 5))
            .collect();
        let path = theta(&line, 10);
        let slope = 0.307_504_690; // worked out in Python with the textbook formula
        path.windows(2)
            .for_each(|pair| assert!((pair[1] - pair[0] - slope / 2.0).abs() < 1e-6, "{pair:?}"));
    }

    #[test]
    fn a_line_goes_on_as_drift_and_levels_off_as_damped_trend() {
        let line: Vec<f64> = (0..30).map(f64::from).collect();
        assert_eq!(drift(&line, 3), [30.0, 31.0, 32.0]);
        let damped = damped(&line, 200);
        assert!((damped[0] - 30.0).abs() < 0.2, "{}", damped[0]);
        assert!(damped.windows(2).all(|pair| pair[1] >= pair[0]) && damped[199] - damped[198] < 0.1);
    }

    #[test]
    fn methods_carry_a_constant_on() {
        for method in [level as Method, drift, damped, theta] {
            method(&[3.0; 9], 4)
                .iter()
                .for_each(|number| assert!((number - 3.0).abs() < 1e-12));
        }
    }
}
