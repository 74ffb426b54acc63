//! One trajectory of customers: how many there are at a time, and when they first reach a number.

use std::sync::Arc;

/// One trajectory: customers at the moments of its growth, geometric in between.
#[derive(Debug, Clone, PartialEq)]
pub struct Trajectory {
    pub(super) times: Arc<[f64]>,
    pub(super) customers: Vec<f64>,
}

impl Trajectory {
    /// The same with its growth so many times as fast: each moment's factor over the start to that power.
    #[must_use]
    pub fn stretched(&self, factor: f64) -> Self {
        let start = self.customers.first().copied().unwrap_or(1.0);
        let customers = self.customers.iter();
        Self {
            times: Arc::clone(&self.times),
            customers: customers
                .map(|customers| start * (customers / start).powf(factor))
                .collect(),
        }
    }

    /// Most customers at any time.
    #[must_use]
    pub fn most(&self) -> f64 {
        self.customers.iter().copied().fold(0.0, f64::max)
    }

    /// Fewest customers at any time.
    #[must_use]
    pub fn least(&self) -> f64 {
        self.customers.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// Customers at one of its moments.
    #[must_use]
    pub fn at_moment(&self, moment: usize) -> f64 {
        self.customers[moment]
    }

    /// Customers `months` after the start.
    #[must_use]
    pub fn at(&self, months: f64) -> f64 {
        let index = self.times.partition_point(|time| *time <= months);
        if index > 0 && self.times[index - 1] == months {
            return self.customers[index - 1];
        }
        let near = index.saturating_sub(1)..(index + 1).min(self.times.len());
        between(
            near.map(|index| (self.times[index], self.customers[index])),
            months,
        )
    }

    /// Months after which customers are first at or above a number, which may depend on the months; `None` if
    /// they never are.
    #[must_use]
    pub fn reaches(&self, customers: impl Fn(f64) -> f64) -> Option<f64> {
        self.first(
            |at| at.customers - customers(at.months),
            |before, after| share_to(before, after, &customers),
        )
    }

    /// Months after which customers are first at or below a number, which may depend on the months; `None` if
    /// they never are.
    #[must_use]
    pub fn falls_to(&self, customers: impl Fn(f64) -> f64) -> Option<f64> {
        self.first(
            |at| customers(at.months) - at.customers,
            |before, after| share_to(before, after, &customers),
        )
    }

    /// Months after which `excess` of customers and time is first 0 or more, linear between two moments.
    #[must_use]
    pub fn first_over(&self, excess: impl Fn(&TrajectoryPoint) -> f64) -> Option<f64> {
        self.first(&excess, |before, after| {
            -excess(before) / (excess(after) - excess(before))
        })
    }

    fn first(
        &self,
        excess: impl Fn(&TrajectoryPoint) -> f64,
        share: impl Fn(&TrajectoryPoint, &TrajectoryPoint) -> f64,
    ) -> Option<f64> {
        let moment = |index: usize| TrajectoryPoint {
            months: self.times[index],
            customers: self.customers[index],
        };
        let after = (0..self.times.len()).find(|index| excess(&moment(*index)) >= 0.0)?;
        let Some(before) = after.checked_sub(1).map(moment) else {
            return Some(0.0);
        };
        let after = moment(after);
        Some(before.months + share(&before, &after) * (after.months - before.months))
    }
}

/// A point of a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrajectoryPoint {
    /// Months after the start.
    pub months: f64,
    /// Customers then.
    pub customers: f64,
}

/// Share of the way between two moments at which customers meet a number, both geometric in between; all of
/// it where the number is infinite before.
fn share_to(before: &TrajectoryPoint, after: &TrajectoryPoint, customers: impl Fn(f64) -> f64) -> f64 {
    let gap = |at: &TrajectoryPoint| (customers(at.months) / at.customers).ln();
    let missing = gap(before);
    let share = missing / (missing - gap(after));
    if share.is_nan() { 1.0 } else { share }
}

/// Geometric interpolation between points that ascend in their first; level outside.
pub(super) fn between(points: impl Iterator<Item = (f64, f64)>, at: f64) -> f64 {
    let mut before: Option<(f64, f64)> = None;
    for (time, value) in points {
        match before {
            None if time >= at => return value,
            Some((first, start)) if time >= at => {
                return if time == at {
                    value
                } else {
                    start * (value / start).powf((at - first) / (time - first))
                };
            }
            _ => before = Some((time, value)),
        }
    }
    before.map_or(f64::NAN, |(_, value)| value)
}
