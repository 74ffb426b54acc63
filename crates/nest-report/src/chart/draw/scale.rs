//! Values as positions, round ticks, and days on an axis of time.

use jiff::civil::Date;

/// A linear or logarithmic axis: which value lies at which pixel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    start: f64,
    end: f64,
    logarithmic: bool,
}

impl Scale {
    /// `low` at the pixel `start`, `high` at the pixel `end`.
    pub(crate) fn linear((low, high): (f64, f64), (start, end): (f64, f64)) -> Self {
        let high = if high > low {
            high
        } else {
            low + low.abs().max(1.0)
        };
        Self {
            low,
            high,
            start,
            end,
            logarithmic: false,
        }
    }

    /// The same with equal steps for equal ratios; both ends above 0.
    pub(crate) fn logarithmic((low, high): (f64, f64), pixels: (f64, f64)) -> Self {
        let low = low.max(f64::MIN_POSITIVE);
        Self {
            logarithmic: true,
            ..Self::linear((low, high.max(low * 1.01)), pixels)
        }
    }

    /// The pixel of a value, which is cut to the axis.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let value = value.clamp(self.low, self.high);
        let share = if self.logarithmic {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.start + share * (self.end - self.start)
    }

    /// Whether a value lies on the axis.
    pub(crate) fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Its values.
    pub(crate) fn values(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Its pixels.
    pub(crate) fn pixels(&self) -> (f64, f64) {
        (self.start, self.end)
    }

    /// At most `most` round values on it, ascending.
    pub(crate) fn ticks(&self, most: usize) -> Vec<f64> {
        if self.logarithmic {
            return decades(self.low, self.high, most);
        }
        let step = step(self.high - self.low, most);
        let first = (self.low / step - 1e-9).ceil();
        let count = ((self.high / step + 1e-9).floor() - first).max(0.0) as usize;
        (0..=count).map(|index| (first + index as f64) * step).collect()
    }
}

/// The least step of 1, 2, 2.5 or 5 times a power of ten of which at most `most` fit into `span`.
fn step(span: f64, most: usize) -> f64 {
    let least = span / most.max(1) as f64;
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(span)
}

/// A top of an axis that begins at 0 and holds `high`: the next tick above it.
pub(crate) fn rounded_up(high: f64, most: usize) -> f64 {
    if !(high.is_finite() && high > 0.0) {
        return 1.0;
    }
    let step = step(high, most);
    (high / step - 1e-9).ceil() * step
}

/// Values at 1, 2 and 5 times powers of ten, or fewer of them.
fn decades(low: f64, high: f64, most: usize) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let sets: [&[f64]; 3] = [&[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]];
    let within = |steps: &[f64]| -> Vec<f64> {
        (first..=last)
            .flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)))
            .filter(|tick| (low * 0.999..=high * 1.001).contains(tick))
            .collect()
    };
    let sets: Vec<Vec<f64>> = sets.into_iter().map(within).collect();
    let fitting = sets.iter().find(|ticks| ticks.len() <= most);
    fitting.or(sets.last()).cloned().unwrap_or_default()
}

/// Days from one date to another.
pub(crate) fn days(from: Date, to: Date) -> f64 {
    f64::from((to - from).get_days())
}

/// The first days of months from `from` to `to`, every `step` months.
pub(crate) fn months(from: Date, to: Date, step: i16) -> Vec<Date> {
    let month = |index: i16| {
        let count = from.year() * 12 + i16::from(from.month()) - 1 + index * step;
        Date::new(
            count.div_euclid(12),
            i8::try_from(count.rem_euclid(12) + 1).unwrap_or(1),
            1,
        )
        .ok()
    };
    (0..)
        .map_while(month)
        .take_while(|date| *date <= to)
        .take(600)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_maps_its_ends() {
        let scale = Scale::linear((0.0, 50.0), (200.0, 100.0));
        assert_eq!(
            [0.0, 25.0, 50.0, 99.0].map(|value| scale.at(value)),
            [200.0, 150.0, 100.0, 100.0]
        );
        let scale = Scale::logarithmic((1.0, 100.0), (0.0, 10.0));
        assert!((scale.at(10.0) - 5.0).abs() < 1e-9);
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(
            Scale::linear((0.0, 620.0), (0.0, 1.0)).ticks(5),
            [0.0, 200.0, 400.0, 600.0]
        );
        assert_eq!(
            Scale::logarithmic((100.0, 9_000.0), (0.0, 1.0)).ticks(4),
            [100.0, 300.0, 1_000.0, 3_000.0]
        );
        assert_eq!(rounded_up(535.0, 5), 600.0);
        assert_eq!(rounded_up(0.0, 5), 1.0);
    }

    #[test]
    fn months_begin_on_their_first_day() {
        let (from, to) = (Date::constant(2026, 11, 1), Date::constant(2027, 6, 30));
        let found: Vec<String> = months(from, to, 3).iter().map(Date::to_string).collect();
        assert_eq!(found, ["2026-11-01", "2027-02-01", "2027-05-01"]);
        assert_eq!(days(from, Date::constant(2026, 12, 1)), 30.0);
    }
}
