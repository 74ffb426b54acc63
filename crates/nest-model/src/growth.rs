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
mod component;
mod detect;
mod last_value;
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
use component::Component;
use last_value::Doubt;

/// Values from which a forecast carries no caveat for their number.
const ENOUGH_VALUES: usize = 24;
/// Halvings of the range in which a quantile of a mixture lies.
const HALVINGS: usize = 60;

/// Values at equally spaced times, the oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// The values, in any unit. Those that are not finite are left out.
    pub values: Vec<f64>,
    /// Lengths of its seasons in steps, shortest first; one without two full cycles in the history is not
    /// used.
    pub seasons: Vec<usize>,
    /// Whether the last period is known not to be over yet, so that its value may still grow.
    pub last_is_open: bool,
}

/// A forecast of the steps after the last one of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryForecast {
    /// Doubts that its reader should have.
    pub caveats: Vec<HistoryCaveat>,
    /// With every value believed.
    whole: Component,
    /// Without the last value, if that may be only a part of its period, and how likely this is.
    without_last: Option<(f64, Component)>,
    unit: f64,
    learnt: Learnt,
}

/// Forecasts the `horizon` steps after a history.
///
/// # Method
/// 1. Values go to logarithms, square roots or stay, so that errors are about as large everywhere.
/// 2. Seasons with two full cycles are taken out, as far as each cycle is predicted by the others.
/// 3. Nine methods (smoothing, damped trend, theta, drift, autoregression) are tried from up to 16
///    origins; their weights go with the inverse cube of their mean absolute error.
/// 4. The pool's own errors from those origins, and how far the history itself moves in so many steps, give
///    the spread at each step, a power law of the step.
/// 5. Quantiles are that size times constants learnt from other histories' errors ([`Learnt`]).
/// 6. If the last value is far from what the values before it say, it may be a part of its period: quantiles
///    are those of a mixture of forecasts with it and without it.
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
    let (whole, tested) = Component::fit(&values, &history.seasons, horizon);
    let doubt = last_value::doubt(&values, history, horizon);
    let mut caveats = caveats(&values, tested, horizon);
    caveats.extend(doubt.as_ref().and_then(|doubt| doubt.caveat(unit)));
    caveats.extend(whole.shift_caveat());
    Ok(HistoryForecast {
        caveats,
        whole,
        without_last: doubt.map(|Doubt { share, without, .. }| (share, without)),
        unit,
        learnt: Learnt::SHIPPED,
    })
}

/// `tested`: steps ahead that were tried.
fn caveats(values: &[f64], tested: usize, horizon: usize) -> Vec<HistoryCaveat> {
    let mut caveats = Vec::new();
    if values.len() < ENOUGH_VALUES {
        caveats.push(HistoryCaveat::FewValues { known: values.len() });
    }
    if values.iter().all(|value| *value == values[0]) {
        caveats.push(HistoryCaveat::Constant);
    }
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
        self.whole.steps()
    }

    /// The value at a step (1 to [`horizon`](Self::horizon); beyond it as at its end) that is not passed with
    /// probability `quantile` (0 to 1, both excluded), in the unit of the history.
    #[must_use]
    pub fn quantile(&self, step: usize, quantile: f64) -> f64 {
        let quantile = quantile.clamp(1e-9, 1.0 - 1e-9);
        let normal = Normal::standard().inverse_cdf(quantile);
        let step = step.clamp(1, self.horizon().max(1));
        let with = self.whole.value(step, normal, self.learnt);
        let value = match &self.without_last {
            Some((share, without)) => {
                let ends = [with, without.value(step + 1, normal, self.learnt)];
                self.mixed(step, quantile, *share, without, ends)
            }
            None => with,
        };
        self.shown(value)
    }

    /// The value between both components' quantiles that a mixture of them does not pass with that
    /// probability.
    fn mixed(&self, step: usize, quantile: f64, share: f64, without: &Component, ends: [f64; 2]) -> f64 {
        let (mut low, mut high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            let below = (1.0 - share) * self.whole.probability(step, middle, self.learnt)
                + share * without.probability(step + 1, middle, self.learnt);
            if below < quantile {
                low = middle
            } else {
                high = middle
            }
        }
        0.5 * (low + high)
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
        let (component, passed) = match &self.without_last {
            Some((share, without)) if stream.uniform() < *share => (without, 1),
            _ => (&self.whole, 0),
        };
        let turn = FRAC_PI_3 / (self.horizon().max(2) as f64).ln();
        (1..=self.horizon())
            .map(|step| {
                let (sine, cosine) = (turn * (step as f64).ln()).sin_cos();
                let normal = cosine * first + sine * second;
                self.shown(component.value(step + passed, normal, self.learnt))
            })
            .collect()
    }

    /// How far a true value lay from the centre, in units of the spread: what [`Learnt`] is learnt from. The
    /// last value is believed.
    #[must_use]
    pub fn standardised(&self, step: usize, truth: f64) -> f64 {
        self.whole.standardised(step, truth / self.unit)
    }

    fn shown(&self, value: f64) -> f64 {
        (self.unit * value).clamp(f64::MIN, f64::MAX)
    }
}
