//! A forecast from some of a history's values: centre and spread by step, on the scale that fits them.

use statrs::distribution::{ContinuousCDF, Normal};

use super::{
    caveat::HistoryCaveat,
    learnt::Learnt,
    pool,
    scale::ForecastScale,
    season,
    season::LevelShift,
    spread::{ForecastSpread, Jumps},
};

/// What one reading of a history says of the steps after it. Values are in the unit in which the largest of
/// the history is 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Component {
    pub scale: ForecastScale,
    /// By step, on that scale.
    pub centre: Vec<f64>,
    pub spread: ForecastSpread,
    /// Values that it rests on.
    pub known: usize,
    /// A change of level that stands out and was not taken for a season, and that season's steps.
    pub shift: Option<(LevelShift, usize)>,
}

impl Component {
    /// Fits values, and counts the steps ahead that were tried.
    pub(super) fn fit(values: &[f64], seasons: &[usize], horizon: usize) -> (Self, usize) {
        let scale = ForecastScale::of(values);
        let numbers: Vec<f64> = values.iter().map(|value| scale.to(*value)).collect();
        let pooled = pool::pool(&numbers, scale, seasons, horizon);
        let (rest, seasons) = season::take_out(&numbers, seasons);
        let component = Self {
            scale,
            spread: ForecastSpread {
                jumps: Jumps::of(&numbers),
                steadiness: pooled.steadiness,
                ..ForecastSpread::of(&pooled.errors, pooled.stride, &rest)
            },
            centre: pooled.centre,
            known: numbers.len(),
            shift: seasons
                .iter()
                .filter_map(|season| Some((season.shift?, season.period())))
                .find(|(shift, _)| shift.is_prominent),
        };
        (component, pooled.errors.iter().map(Vec::len).max().unwrap_or(0))
    }

    /// That its level changed once, if it did; `later` values follow those that it rests on.
    pub(super) fn shift_caveat(&self, later: usize) -> Option<HistoryCaveat> {
        let (shift, period) = self.shift?;
        Some(HistoryCaveat::LevelShift {
            ago: self.known + later - shift.at,
            ratio: (self.scale == ForecastScale::Log).then(|| shift.size.exp()),
            period,
        })
    }

    /// The same forecast, one step later and moved so that its first step goes on from a value that is at its
    /// level now: a shift of level that stays.
    pub(super) fn with_level(&self, value: f64) -> Self {
        let off = self.scale.to(value) - self.centre.first().copied().unwrap_or(0.0);
        Self {
            centre: self.centre.iter().skip(1).map(|centre| centre + off).collect(),
            ..self.clone()
        }
    }

    /// Steps that are forecast.
    pub(super) fn steps(&self) -> usize {
        self.centre.len()
    }

    /// The value at a step, 1 to [`steps`](Self::steps), that lies `normal` standard deviations of a standard
    /// normal number from the centre.
    pub(super) fn value(&self, step: usize, normal: f64, learnt: Learnt) -> f64 {
        let Some(centre) = self.centre.get(step - 1) else {
            return f64::NAN;
        };
        let deviation = learnt.deviation(self.known, normal) * self.spread.at(step);
        self.scale.from(centre + self.scale.tamed(deviation))
    }

    /// The probability that a value is not passed at a step.
    pub(super) fn probability(&self, step: usize, value: f64, learnt: Learnt) -> f64 {
        let standardised = self.standardised(step, value);
        if standardised.is_nan() {
            return 1.0; // no width, and the value is the centre
        }
        Normal::standard().cdf(learnt.normal(self.known, standardised))
    }

    /// How far a value lies from the centre of a step, in units of the spread.
    pub(super) fn standardised(&self, step: usize, value: f64) -> f64 {
        let deviation = self.scale.to(value) - self.centre[step - 1];
        self.scale.untamed(deviation) / self.spread.at(step)
    }
}
