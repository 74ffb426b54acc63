//! What the forecasts have to beat, each the plain published form.

use augurs_core::{Fit, Predict};
use augurs_ets::{AutoETS, trend::AutoETSTrendModel};
use augurs_mstl::MSTLModel;

/// Names, in the order of [`all`].
pub const NAMES: [&str; 5] = ["drift", "naive", "seasonal naive", "ETS", "MSTL + ETS"];

/// Forecasts of all baselines: the first season is the seasonal naive's, all of them are MSTL's.
pub fn all(known: &[f64], seasons: &[usize], horizon: usize) -> [Vec<f64>; 5] {
    let naive = vec![known[known.len() - 1]; horizon];
    let ets = ets(known, horizon).unwrap_or_else(|| naive.clone());
    let mstl = mstl(known, seasons, horizon).unwrap_or_else(|| ets.clone());
    [
        drift(known, horizon),
        naive,
        seasonal_naive(known, seasons.first().copied().unwrap_or(1), horizon),
        ets,
        mstl,
    ]
}

/// The line from the first value through the last.
fn drift(known: &[f64], horizon: usize) -> Vec<f64> {
    let last = known.len() - 1;
    let slope = (known[last] - known[0]) / last as f64;
    (1..=horizon)
        .map(|step| known[last] + slope * step as f64)
        .collect()
}

/// The last cycle again.
fn seasonal_naive(known: &[f64], season: usize, horizon: usize) -> Vec<f64> {
    let season = if known.len() >= season { season } else { 1 };
    (0..horizon)
        .map(|step| known[known.len() - season + step % season])
        .collect()
}

/// Automatic exponential smoothing (augurs, a port of statsforecast's AutoETS; it has no seasons).
fn ets(known: &[f64], horizon: usize) -> Option<Vec<f64>> {
    finite(
        AutoETS::non_seasonal()
            .fit(known)
            .ok()?
            .predict(horizon, None)
            .ok()?
            .point,
    )
}

/// The same on what MSTL leaves when it has taken seasons out.
fn mstl(known: &[f64], seasons: &[usize], horizon: usize) -> Option<Vec<f64>> {
    let periods: Vec<usize> = seasons
        .iter()
        .copied()
        .filter(|period| known.len() > 2 * period)
        .collect();
    if periods.is_empty() {
        return None;
    }
    let trend = AutoETSTrendModel::from(AutoETS::non_seasonal());
    finite(
        MSTLModel::new(periods, trend)
            .fit(known)
            .ok()?
            .predict(horizon, None)
            .ok()?
            .point,
    )
}

fn finite(points: Vec<f64>) -> Option<Vec<f64>> {
    points.iter().all(|point| point.is_finite()).then_some(points)
}
