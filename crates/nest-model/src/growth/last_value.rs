//! Whether the last value is all of its period, or a part that was booked so far.

use super::{
    History, HistoryCaveat, PeriodEnd,
    component::Component,
    learnt::Learnt,
    numbers::{mean, mean_change},
    scale::ForecastScale,
    season,
};

/// Probability, before values are looked at, that the last one is a part of its period.
const OFTEN: f64 = 0.1;
/// The same for more than its period.
const SELDOM: f64 = 0.02;
/// The same for a part, if the period is known not to be over, and if it may not be.
const OPEN: f64 = 0.5;
const MAYBE_OPEN: f64 = 0.3;
/// Largest probability that it is given after all: a fall may be real.
const MOST: f64 = 0.8;
/// Probability from which the forecast allows for it, and from which the reader is told.
const LEAST: f64 = 0.03;
const TOLD: f64 = 0.25;
/// Fewest values that say how far a value usually lies from what is expected.
const FEWEST: usize = 6;
/// Distance from which a closer look is worth its time, in mean absolute changes.
const FAR: f64 = 2.0;
/// Neighbours that say what is expected, for a first look and for shocks of the past.
const NEIGHBOURS: usize = 3;
/// Share of the last value's distance from which an earlier one was as far off.
const AS_FAR: f64 = 0.7;
/// Probability that a value that is far off, and all of its period, is a new level: at the most doubt, so
/// that the 90 % interval reaches it.
const STAYS: f64 = 0.7;
/// Least share of what is expected that is told apart from nothing.
const LEAST_SHARE: f64 = 0.02;

/// That the last value may not be that of a whole period.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Doubt {
    /// How likely it is, 0 to 0.8.
    pub share: f64,
    /// The forecast from the values before it; its first step is the last period again.
    pub without: Component,
    /// The same from the last value on, if that is the level from now on.
    pub stays: Component,
    last: f64,
    expected: f64,
    end: PeriodEnd,
}

impl Doubt {
    /// What the reader is told, values in `unit`.
    pub(super) fn caveat(&self, unit: f64) -> Option<HistoryCaveat> {
        let open = self.end == PeriodEnd::Open;
        (self.share >= TOLD || open).then_some(HistoryCaveat::LastPeriod {
            last: self.last * unit,
            expected: self.expected * unit,
            open,
        })
    }

    /// How likely it is that the last value is the level from now on. The more it is doubted, the less the
    /// forecast that believes it is drawn to it.
    pub(super) fn share_that_stays(&self) -> f64 {
        if self.end == PeriodEnd::Open {
            return 0.0; // what is not over yet is no level
        }
        STAYS * (1.0 - self.share) * self.share / MOST
    }
}

/// Doubts the last of the values if it is far from what those before it say, further than their own one-step
/// errors and shocks explain.
///
/// # Formula
/// With z its distance from the expected value in standard deviations, the odds of a part are
/// `p d(z) : (1 - p) (t(z) + k / (0.6 m |z|))`: d is the density of a share of the expected value that is
/// even from none to all, t that of Student's t with three degrees of freedom, and k of m earlier values
/// were as far off.
pub(super) fn doubt(values: &[f64], history: &History, horizon: usize) -> Option<Doubt> {
    let (last, before) = values.split_last()?;
    let is_open = history.end == PeriodEnd::Open;
    let is_far = || history.end == PeriodEnd::MaybeOpen || looks_far(before, *last, &history.seasons);
    if before.is_empty() || !is_open && (before.len() < FEWEST || !is_far()) {
        return None;
    }
    let (without, _) = Component::fit(before, &history.seasons, horizon + 1);
    let expected = without.value(1, 0.0, Learnt::SHIPPED);
    let deviation = without.value(1, 1.0, Learnt::SHIPPED) - expected;
    let share = if expected > 0.0 && *last >= 0.0 && deviation > 0.0 && before.len() >= FEWEST {
        share(&without, before, *last, expected, history)
    } else if is_open && *last >= expected {
        0.0 // it is more than expected already, and can only grow
    } else if is_open {
        OPEN // how large a part it is cannot be told
    } else {
        return None; // no part of anything, or no change was ever seen
    };
    (share >= LEAST || is_open).then(|| Doubt {
        share: share.min(MOST),
        stays: without.with_level(*last),
        without,
        last: *last,
        expected,
        end: history.end,
    })
}

/// A first look: the last value against its neighbours without their seasons.
fn looks_far(before: &[f64], last: f64, seasons: &[usize]) -> bool {
    let scale = ForecastScale::of(before);
    let numbers: Vec<f64> = before.iter().map(|value| scale.to(*value)).collect();
    let (rest, seasons) = season::take_out(&numbers, seasons);
    let seasonal: f64 = seasons.iter().map(|season| season.at(before.len())).sum();
    let expected = mean(&rest[rest.len() - NEIGHBOURS..]) + seasonal;
    let change = mean_change(&rest, 1).unwrap_or(0.0);
    (scale.to(last) - expected).abs() > FAR * change
}

/// The probability that the value is not that of a whole period.
fn share(without: &Component, before: &[f64], last: f64, expected: f64, history: &History) -> f64 {
    let scale = without.scale;
    let width = without.spread.at(1) * Learnt::SHIPPED.deviation(without.known, 1.0);
    let off = scale.to(last.max(LEAST_SHARE * expected)) - without.centre[0];
    let z = off / width;
    let prior = match (off < 0.0, history.end) {
        (true, PeriodEnd::Open) => OPEN,
        (true, PeriodEnd::MaybeOpen) => MAYBE_OPEN,
        (true, PeriodEnd::Over) => OFTEN,
        (false, _) => SELDOM,
    };
    let part = prior * width * density(scale, last.max(LEAST_SHARE * expected), expected);
    let seen = if z.abs() > 1.0 {
        shocks(before, history, scale, off) / (2.0 * (1.0 - AS_FAR) * z.abs())
    } else {
        0.0
    };
    let whole = (1.0 - prior) * (student(z) + seen);
    part / (part + whole)
}

/// Density, on the scale, of a value that is an even share of what is expected, or above it one that is the
/// seldomer the larger it is.
fn density(scale: ForecastScale, value: f64, expected: f64) -> f64 {
    let by_value = if value <= expected {
        1.0 / expected
    } else {
        expected / value.powi(2)
    };
    by_value
        * match scale {
            ForecastScale::Log => value,
            ForecastScale::Root => 2.0 * value.sqrt(),
            ForecastScale::Identity => 1.0,
        }
}

/// Density of Student's t with three degrees of freedom.
fn student(z: f64) -> f64 {
    6.0 * 3.0_f64.sqrt() / (std::f64::consts::PI * (3.0 + z * z).powi(2))
}

/// Share of earlier values that were about as far from their neighbours, in the same direction.
fn shocks(before: &[f64], history: &History, scale: ForecastScale, off: f64) -> f64 {
    let numbers: Vec<f64> = before.iter().map(|value| scale.to(*value)).collect();
    let (rest, _) = season::take_out(&numbers, &history.seasons);
    let windows = rest.windows(NEIGHBOURS + 1);
    let (all, far) = (windows.len() as f64, |window: &[f64]| {
        (window[NEIGHBOURS] - mean(&window[..NEIGHBOURS])) / off >= AS_FAR
    });
    windows.filter(|window| far(window)).count() as f64 / all.max(1.0)
}
