//! Forecasts from a history of equally spaced values: a pool of methods weighed by rolling origin, with intervals that are
//! calibrated on the errors of other histories (split conformal).
//!
//! What periods mean (dates, gaps, length of a season) is `calendar`'s; scenarios that a user writes are [`growth`](crate::growth)'s.

mod autoregression;
mod numbers;
mod pool;
mod scale;
mod season;
mod smoothing;
mod spread;

pub use learnt::Learnt;
mod learnt;

use scale::Scale;
use spread::Spread;

/// Values at equally spaced times, the oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// The values; any unit, finite.
    pub values: Vec<f64>,
    /// Lengths of its seasons in steps, shortest first; those without two full cycles are left out.
    pub seasons: Vec<usize>,
}

/// What a history says of the steps after its last one.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryForecast {
    centre: Vec<f64>,
    spread: Spread,
    scale: Scale,
    learnt: Learnt,
    known: usize,
}

/// Forecasts the `horizon` steps after a history.
#[must_use]
pub fn fit_history(history: &History, horizon: usize) -> HistoryForecast {
    fit_with(history, horizon, Learnt::SHIPPED)
}

/// As [`fit_history`], with constants of one's own: for the back-test that learns them.
#[must_use]
pub fn fit_with(history: &History, horizon: usize, learnt: Learnt) -> HistoryForecast {
    let scale = Scale::of(&history.values);
    let numbers: Vec<f64> = history.values.iter().map(|value| scale.to(*value)).collect();
    let pooled = pool::pool(&numbers, scale, &history.seasons, horizon);
    let (rest, _) = season::take_out(&numbers, &history.seasons);
    let spread = Spread::of(&pooled.errors, &rest);
    HistoryForecast { centre: pooled.centre, spread, scale, learnt, known: numbers.len() }
}

impl HistoryForecast {
    /// Steps that are forecast.
    #[must_use]
    pub fn horizon(&self) -> usize {
        self.centre.len()
    }

    /// The value at a step (1 or more) that is not passed with probability `quantile` (0 to 1, both excluded).
    #[must_use]
    pub fn quantile(&self, step: usize, quantile: f64) -> f64 {
        let deviation = self.learnt.deviation(self.known, step, quantile);
        self.scale.from(self.centre[step - 1] + deviation * self.spread.at(step))
    }

    /// How far a true value lay from the centre, in mean absolute errors: what the back-test learns from.
    #[must_use]
    pub fn standardised(&self, step: usize, truth: f64) -> f64 {
        (self.scale.to(truth) - self.centre[step - 1]) / self.spread.at(step)
    }
}
