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
    /// Whether the last period is over.
    pub end: PeriodEnd,
}

/// Whether the last period of a history is over. If it is not, its value may still grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PeriodEnd {
    /// Nothing says that it is not.
    #[default]
    Over,
    /// It may or may not be: a week that is named by a Sunday may have begun or ended then.
    MaybeOpen,
    /// It is not.
    Open,
}

/// A forecast of the steps after the last one of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryForecast {
    /// Doubts that its reader should have.
    pub caveats: Vec<HistoryCaveat>,
    /// With every value believed.
    whole: Component,
    /// Other readings of the last value, if that may be only a part of its period; the first one's
    /// probability is what they leave.
    others: Vec<Reading>,
    unit: f64,
    learnt: Learnt,
}

/// What a doubted last value may mean.
#[derive(Debug, Clone, PartialEq)]
struct Reading {
    /// How likely it is.
    share: f64,
    component: Component,
    /// Steps of the component that lie in the past.
    passed: usize,
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
    let doubted = doubt.as_ref().and_then(|doubt| doubt.caveat(unit));
    // A last value that is doubted is no new level.
    let shift = match (&doubted, &doubt) {
        (Some(_), Some(doubt)) => doubt.without.shift_caveat(1),
        _ => whole.shift_caveat(0),
    };
    caveats.extend(doubted.into_iter().chain(shift));
    Ok(HistoryForecast {
        caveats,
        whole,
        others: doubt.map(readings).unwrap_or_default(),
        unit,
        learnt: Learnt::SHIPPED,
    })
}

/// A last value that is a part of its period says nothing; one that is all of it may be the level from now
/// on.
fn readings(doubt: Doubt) -> Vec<Reading> {
    let stays = Reading {
        share: doubt.share_that_stays(),
        component: doubt.stays,
        passed: 0,
    };
    let without = Reading {
        share: doubt.share,
        component: doubt.without,
        passed: 1,
    };
    vec![without, stays]
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
        let value = |reading: &Reading| {
            let step = step + reading.passed;
            reading.component.value(step, normal, self.learnt)
        };
        let with = self.whole.value(step, normal, self.learnt);
        let (low, high) = self.others.iter().map(value).fold((with, with), |ends, other| {
            (f64::min(ends.0, other), f64::max(ends.1, other))
        });
        let value = if self.others.is_empty() {
            with
        } else {
            self.mixed(step, quantile, low, high)
        };
        self.shown(value)
    }

    /// The value between the components' quantiles that a mixture of them does not pass with that
    /// probability.
    fn mixed(&self, step: usize, quantile: f64, mut low: f64, mut high: f64) -> f64 {
        let believed = 1.0 - self.others.iter().map(|reading| reading.share).sum::<f64>();
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            let other = |reading: &Reading| {
                let step = step + reading.passed;
                reading.share * reading.component.probability(step, middle, self.learnt)
            };
            let below = believed * self.whole.probability(step, middle, self.learnt)
                + self.others.iter().map(other).sum::<f64>();
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
        let (component, passed) = self.drawn(&mut stream);
        let turn = FRAC_PI_3 / (self.horizon().max(2) as f64).ln();
        (1..=self.horizon())
            .map(|step| {
                let (sine, cosine) = (turn * (step as f64).ln()).sin_cos();
                let normal = cosine * first + sine * second;
                self.shown(component.value(step + passed, normal, self.learnt))
            })
            .collect()
    }

    /// A component by its probability, and how many of its steps lie in the past.
    fn drawn(&self, stream: &mut RandomStream) -> (&Component, usize) {
        if self.others.is_empty() {
            return (&self.whole, 0);
        }
        let mut left = stream.uniform();
        for reading in &self.others {
            if left < reading.share {
                return (&reading.component, reading.passed);
            }
            left -= reading.share;
        }
        (&self.whole, 0)
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
