//! One trajectory of customers: how many there are at a time, and when they first reach a number.

use std::sync::Arc;

/// Relative difference within which customers and a number have met.
const MET: f64 = 1e-6;
/// Halvings of the time between two moments: to a second of a month.
const HALVINGS: usize = 40;

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

    /// Months after which customers are first at or above a number, which may depend on the months, and jump;
    /// `None` if they never are.
    #[must_use]
    pub fn reaches(&self, customers: impl Fn(f64) -> f64) -> Option<f64> {
        self.reaches_moving(&[], customers)
    }

    /// The same for a number that turns or jumps at some months, ascending: between two of them, and two of
    /// the trajectory's own moments, it is about geometric.
    #[must_use]
    pub fn reaches_moving(&self, turns: &[f64], customers: impl Fn(f64) -> f64) -> Option<f64> {
        let excess = |at: &TrajectoryPoint| at.customers - customers(at.months);
        self.first(turns, excess, |before, after| {
            self.share_to(before, after, &customers, excess)
        })
    }

    /// Months after which customers are first at or below a number, which may depend on the months, and turn
    /// or jump at some of them, ascending; `None` if they never are.
    #[must_use]
    pub fn falls_to(&self, turns: &[f64], customers: impl Fn(f64) -> f64) -> Option<f64> {
        let excess = |at: &TrajectoryPoint| customers(at.months) - at.customers;
        self.first(turns, excess, |before, after| {
            self.share_to(before, after, &customers, excess)
        })
    }

    /// Share of the way between two moments at which customers meet a number. Where both are geometric in
    /// between, their logarithms meet there; where the number jumps, the day of the jump is halved for.
    fn share_to(
        &self,
        before: &TrajectoryPoint,
        after: &TrajectoryPoint,
        customers: impl Fn(f64) -> f64,
        excess: impl Fn(&TrajectoryPoint) -> f64,
    ) -> f64 {
        let share = geometric_share(before, after, &customers);
        let months = |share: f64| before.months + share * (after.months - before.months);
        let point = |share: f64| TrajectoryPoint {
            months: months(share),
            customers: self.at(months(share)),
        };
        let there = point(share);
        if (customers(there.months) / there.customers).ln().abs() < MET {
            return share;
        }
        let (mut outside, mut inside) = (0.0, 1.0);
        for _ in 0..HALVINGS {
            let middle = 0.5 * (outside + inside);
            if excess(&point(middle)) >= 0.0 {
                inside = middle;
            } else {
                outside = middle;
            }
        }
        inside
    }

    /// Months after which `excess` of customers and time, which may turn at some months, ascending, is first
    /// 0 or more; linear between two moments.
    #[must_use]
    pub fn first_over(&self, turns: &[f64], excess: impl Fn(&TrajectoryPoint) -> f64) -> Option<f64> {
        self.first(turns, &excess, |before, after| {
            -excess(before) / (excess(after) - excess(before))
        })
    }

    fn first(
        &self,
        turns: &[f64],
        excess: impl Fn(&TrajectoryPoint) -> f64,
        share: impl Fn(&TrajectoryPoint, &TrajectoryPoint) -> f64,
    ) -> Option<f64> {
        let mut before: Option<TrajectoryPoint> = None;
        for after in self.points_with(turns) {
            if excess(&after) < 0.0 || excess(&after).is_nan() {
                before = Some(after);
                continue;
            }
            return Some(match before {
                Some(before) => before.months + share(&before, &after) * (after.months - before.months),
                None => 0.0,
            });
        }
        None
    }

    /// Its moments, and those of `turns`, ascending, that lie between them.
    fn points_with(&self, turns: &[f64]) -> impl Iterator<Item = TrajectoryPoint> + '_ {
        let ends = self.times.first().zip(self.times.last());
        let mut months: Vec<f64> = turns.to_vec();
        months.retain(|months| ends.is_some_and(|(first, last)| (first..=last).contains(&months)));
        let mut turns = months.into_iter().peekable();
        let mut own = self
            .times
            .iter()
            .copied()
            .zip(self.customers.iter().copied())
            .peekable();
        std::iter::from_fn(move || {
            let next = own.peek().map_or(f64::INFINITY, |(time, _)| *time);
            match turns.next_if(|turn| *turn <= next) {
                Some(months) => {
                    own.next_if(|(time, _)| *time == months);
                    Some(TrajectoryPoint {
                        months,
                        customers: self.at(months),
                    })
                }
                None => own
                    .next()
                    .map(|(months, customers)| TrajectoryPoint { months, customers }),
            }
        })
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
fn geometric_share(before: &TrajectoryPoint, after: &TrajectoryPoint, customers: impl Fn(f64) -> f64) -> f64 {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 growing to 200 in a month, and a number that falls from 1,000 to 90 after 0.4 of it: it is met
    /// when it falls, not where lines to both ends would cross.
    #[test]
    fn a_number_that_jumps_is_met_on_the_day_it_jumps() {
        let path = Trajectory {
            times: [0.0, 1.0].into(),
            customers: vec![100.0, 200.0],
        };
        let jumps = |months: f64| if months < 0.4 { 1_000.0 } else { 90.0 };
        let met = path.reaches(jumps).expect("it is met");
        assert!((met - 0.4).abs() < 1e-9, "{met}");
        let rises = |months: f64| if months < 0.7 { 10.0 } else { 500.0 };
        let met = path.falls_to(&[], rises).expect("it is met");
        assert!((met - 0.7).abs() < 1e-9, "{met}");
        let met = path.reaches(|_| 100.0 * 2_f64.sqrt()).expect("it is met");
        assert!((met - 0.5).abs() < 1e-12, "{met}");
    }

    /// 120 is met at 0.263 and is out of reach from 0.4 on: neither end of the month shows that.
    #[test]
    fn a_number_that_is_met_and_then_rises_within_a_month_is_met() {
        let path = Trajectory {
            times: [0.0, 1.0].into(),
            customers: vec![100.0, 200.0],
        };
        let rises = |months: f64| if months < 0.4 { 120.0 } else { 1_000.0 };
        let met = path
            .reaches_moving(&[0.0, 0.4_f64.next_down(), 0.4, 2.0], rises)
            .expect("it is met");
        assert!((met - 1.2_f64.log2()).abs() < 1e-9, "{met}");
        assert_eq!(
            path.reaches_moving(&[0.2], rises),
            None,
            "between what it is told of"
        );
    }
}
