//! Axes: their range, a few round ticks, and their labels.

use nest_data::projection::Axis;

use crate::format;

/// Most ticks of an axis.
const MOST_TICKS: usize = 7;

/// Range and ticks of one axis.
#[derive(Debug, Clone)]
pub(super) struct AxisScale {
    logarithmic: bool,
    low: f64,
    high: f64,
    /// Values that are labelled, ascending.
    pub ticks: Vec<f64>,
}

impl AxisScale {
    /// A linear axis that holds `low` and `high`, widened to round ticks.
    pub(super) fn linear(low: f64, high: f64) -> Self {
        let high = if high > low {
            high
        } else {
            low + low.abs().max(1.0)
        };
        let step = step(high - low);
        let (first, last) = ((low / step).floor(), (high / step - 1e-9).ceil());
        let ticks = (0..=(last - first) as usize)
            .map(|index| (first + index as f64) * step)
            .collect();
        Self {
            logarithmic: false,
            low: first * step,
            high: last * step,
            ticks,
        }
    }

    /// As [`AxisScale::linear`], but the axis ends at the values.
    pub(super) fn linear_exact(low: f64, high: f64) -> Self {
        let mut scale = Self::linear(low, high);
        scale.high = high.max(scale.low + f64::EPSILON);
        scale.ticks.retain(|tick| *tick <= scale.high);
        scale
    }

    /// A logarithmic axis from `low` to `high`, both above 0.
    pub(super) fn logarithmic(low: f64, high: f64) -> Self {
        let high = if high > low { high } else { low * 10.0 };
        let choices: [&[f64]; 3] = [&[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]];
        let ticks = choices
            .iter()
            .map(|steps| decades(low, high, steps))
            .find(|ticks| ticks.len() <= MOST_TICKS);
        let ticks = ticks
            .filter(|ticks| ticks.len() > 2)
            .unwrap_or_else(|| linear_ticks(low, high));
        Self {
            logarithmic: true,
            low,
            high,
            ticks,
        }
    }

    /// Position of a value: itself or its logarithm, cut to the range.
    pub(super) fn place(&self, value: f64) -> f64 {
        self.transform(value.clamp(self.low, self.high))
    }

    /// As [`AxisScale::place`], but a value above the range stays above it; `None` for a value without a
    /// place on the axis.
    pub(super) fn place_open(&self, value: f64) -> Option<f64> {
        (value.is_finite() && !(self.logarithmic && value <= 0.0))
            .then(|| self.transform(value.max(self.low)))
    }

    /// Range of positions.
    pub(super) fn range(&self) -> std::ops::Range<f64> {
        self.transform(self.low)..self.transform(self.high)
    }

    /// Whether a value lies on the axis.
    pub(super) fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    fn transform(&self, value: f64) -> f64 {
        if self.logarithmic { value.log10() } else { value }
    }
}

/// The step of 1, 2, 2.5 or 5 times a power of ten that divides `span` into five parts or fewer.
fn step(span: f64) -> f64 {
    let power = 10_f64.powf((span / 5.0).log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| span / step <= 5.0 + 1e-9)
        .unwrap_or(span)
}

fn linear_ticks(low: f64, high: f64) -> Vec<f64> {
    AxisScale::linear(low, high)
        .ticks
        .into_iter()
        .filter(|tick| (low..=high).contains(tick))
        .collect()
}

fn decades(low: f64, high: f64, steps: &[f64]) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let every = (last - first) / 8 + 1;
    (first..=last)
        .step_by(usize::try_from(every).unwrap_or(1))
        .flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)))
        .filter(|tick| (low * 0.999..=high * 1.001).contains(tick))
        .collect()
}

/// A tick of the customer axis: `20k`.
pub(super) fn customers_label(value: f64) -> String {
    compact(value)
}

/// A tick of the y-axis.
pub(super) fn value_label(axis: &Axis, value: f64) -> String {
    match axis {
        Axis::Share => format::percent(value),
        Axis::Seconds => format::duration(value),
        Axis::Bytes => format::bytes(value),
        Axis::PerSecond | Axis::Money(_) => compact(value),
    }
}

/// Title of the y-axis.
pub(super) fn title(axis: &Axis) -> &str {
    match axis {
        Axis::Share => "share",
        Axis::Seconds => "time",
        Axis::PerSecond => "per second",
        Axis::Bytes => "bytes",
        Axis::Money(currency) => currency,
    }
}

fn compact(value: f64) -> String {
    for (size, sign) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] {
        if value.abs() >= size {
            return format!("{}{sign}", format::number(value / size));
        }
    }
    format::number(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_ticks_are_round_and_few() {
        assert_eq!(AxisScale::linear(0.0, 0.93).ticks.len(), 6);
        assert_eq!(
            AxisScale::linear(0.0, 47_000.0).ticks,
            [0.0, 10_000.0, 20_000.0, 30_000.0, 40_000.0, 50_000.0]
        );
        assert_eq!(
            AxisScale::linear_exact(0.0, 47_000.0).ticks.last(),
            Some(&40_000.0)
        );
        assert!(AxisScale::linear(3.0, 3.0).ticks.len() > 1);
    }

    #[test]
    fn logarithmic_ticks_thin_out_with_the_span() {
        assert_eq!(
            AxisScale::logarithmic(100.0, 9_000.0).ticks,
            [100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0]
        );
        assert!(AxisScale::logarithmic(1.0, 1e12).ticks.len() <= MOST_TICKS + 1);
        assert!(AxisScale::logarithmic(30.0, 40.0).ticks.len() > 2);
    }

    #[test]
    fn labels_have_units() {
        assert_eq!(customers_label(20_000.0), "20k");
        assert_eq!(customers_label(1_500_000.0), "1.5M");
        assert_eq!(value_label(&Axis::Share, 0.6), "60 %");
        assert_eq!(value_label(&Axis::Seconds, 0.05), "50 ms");
        assert_eq!(value_label(&Axis::Bytes, 2e8), "200 MB");
        assert_eq!(value_label(&Axis::Money("USD".to_owned()), 1_200.0), "1.2k");
    }
}
