//! Forecasts from a history of equally spaced values: a pool of methods weighed by rolling origin, with
//! intervals that are calibrated on the errors of other histories.
//!
//! - [`fit_history`]: a [`History`] to a [`HistoryForecast`], which gives quantiles by step and whole paths
//!   by seed
//! - [`calendar`]: rows with periods (integers, dates, months, ...) to a [`History`] and its seasons
//!
//! Growth that a user states, not one that is read off a history, is [`growth`](crate::project::growth)'s.

mod autoregression;
pub mod calendar;
mod caveat;
mod detect;
mod learnt;
mod numbers;
mod pool;
mod scale;
mod season;
mod smoothing;
mod spread;

use std::f64::consts::FRAC_PI_3;

use statrs::distribution::{ContinuousCDF, Normal};

pub use caveat::{HistoryCaveat, HistoryRefusal};
pub use learnt::Learnt;

use crate::draws::{RandomStream, StreamPurpose};
use scale::ForecastScale;
use spread::ForecastSpread;

/// Values from which a forecast carries no caveat for their number.
const ENOUGH_VALUES: usize = 24;

/// Values at equally spaced times, the oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// The values, in any unit. Those that are not finite are left out.
    pub values: Vec<f64>,
    /// Lengths of its seasons in steps, shortest first; one without two full cycles in the history is not
    /// used.
    pub seasons: Vec<usize>,
}

/// A forecast of the steps after the last one of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryForecast {
    /// Doubts that its reader should have.
    pub caveats: Vec<HistoryCaveat>,
    centre: Vec<f64>,
    spread: ForecastSpread,
    scale: ForecastScale,
    unit: f64,
    learnt: Learnt,
    known: usize,
}

/// Forecasts the `horizon` steps after a history.
///
/// # Method
/// 1. Values go to logarithms, square roots or stay, so that errors are about as large everywhere.
/// 2. Seasons with two full cycles are taken out, shrunk to what their cycles agree on.
/// 3. Nine methods (smoothing, damped trend, theta, drift, autoregression) are tried from up to 16
///    origins; their weights go with the inverse cube of their mean absolute error.
/// 4. The pool's own errors from those origins give their size at each step, a power law of the step.
/// 5. Quantiles are that size times constants learnt from other histories' errors ([`Learnt`]).
///
/// # Errors
/// Fewer than two finite values.
pub fn fit_history(history: &History, horizon: usize) -> Result<HistoryForecast, HistoryRefusal> {
    let values: Vec<f64> = history
        .values
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .collect();
    if values.len() < 2 {
        return Err(HistoryRefusal::TooFewValues { known: values.len() });
    }
    let largest = values
        .iter()
        .fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let unit = if largest > 0.0 { largest } else { 1.0 };
    let values: Vec<f64> = values.iter().map(|value| value / unit).collect();
    let scale = ForecastScale::of(&values);
    let numbers: Vec<f64> = values.iter().map(|value| scale.to(*value)).collect();
    let pooled = pool::pool(&numbers, scale, &history.seasons, horizon);
    let (rest, _) = season::take_out(&numbers, &history.seasons);
    let spread = ForecastSpread::of(&pooled.errors, pooled.stride, &rest);
    let caveats = caveats(&values, &pooled, horizon);
    Ok(HistoryForecast {
        caveats,
        centre: pooled.centre,
        spread,
        scale,
        unit,
        learnt: Learnt::SHIPPED,
        known: numbers.len(),
    })
}

fn caveats(values: &[f64], pooled: &pool::Pooled, horizon: usize) -> Vec<HistoryCaveat> {
    let mut caveats = Vec::new();
    if values.len() < ENOUGH_VALUES {
        caveats.push(HistoryCaveat::FewValues { known: values.len() });
    }
    if values.iter().all(|value| *value == values[0]) {
        caveats.push(HistoryCaveat::Constant);
    }
    let tested = pooled.errors.iter().map(Vec::len).max().unwrap_or(0);
    if tested > 0 && tested < horizon {
        caveats.push(HistoryCaveat::BeyondTested { tested, horizon });
    }
    caveats
}

impl HistoryForecast {
    /// The same with constants of one's own: for the back-test that learns them.
    #[must_use]
    pub fn with(&self, learnt: Learnt) -> Self {
        Self {
            learnt,
            ..self.clone()
        }
    }

    /// Steps that are forecast.
    #[must_use]
    pub fn horizon(&self) -> usize {
        self.centre.len()
    }

    /// The value at a step (1 to [`horizon`](Self::horizon); beyond it as at its end) that is not passed with
    /// probability `quantile` (0 to 1, both excluded), in the unit of the history.
    #[must_use]
    pub fn quantile(&self, step: usize, quantile: f64) -> f64 {
        self.value(
            step,
            Normal::standard().inverse_cdf(quantile.clamp(1e-9, 1.0 - 1e-9)),
        )
    }

    /// One way that all steps may go, by seed and index: equal index, equal path. Its value at each step has
    /// the distribution of [`quantile`](Self::quantile); from step to step it changes smoothly.
    ///
    /// # Formula
    /// The standard normal deviation at step h is `cos(a) z_1 + sin(a) z_2`, `a = pi/3 ln h / ln horizon`:
    /// the last step has half of the first one's deviation in common.
    #[must_use]
    pub fn path(&self, seed: u64, index: u32) -> Vec<f64> {
        let mut stream = RandomStream::new(seed, StreamPurpose::Growth, index);
        let (first, second) = (stream.normal(), stream.normal());
        let turn = FRAC_PI_3 / (self.horizon().max(2) as f64).ln();
        (1..=self.horizon())
            .map(|step| {
                let (sine, cosine) = (turn * (step as f64).ln()).sin_cos();
                self.value(step, cosine * first + sine * second)
            })
            .collect()
    }

    /// How far a true value lay from the centre, in the pool's mean absolute errors: what [`Learnt`] is
    /// learnt from.
    #[must_use]
    pub fn standardised(&self, step: usize, truth: f64) -> f64 {
        self.scale
            .untamed(self.scale.to(truth / self.unit) - self.centre[step - 1])
            / self.spread.at(step)
    }

    /// The value at a step that lies `normal` standard deviations of a standard normal number from the
    /// centre.
    fn value(&self, step: usize, normal: f64) -> f64 {
        let Some(centre) = self.centre.get(step.clamp(1, self.horizon().max(1)) - 1) else {
            return f64::NAN;
        };
        let deviation = self.learnt.deviation(self.known, normal) * self.spread.at(step);
        (self.unit * self.scale.from(centre + self.scale.tamed(deviation))).clamp(f64::MIN, f64::MAX)
    }
}
