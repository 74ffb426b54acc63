//! A configuration's limits in the point estimate and in every draw, and when growth reaches them.

use std::borrow::Cow;

use jiff::civil::Date;
use nest_data::projection::{BreakDate, BreakKind, LimitNature};
use rayon::prelude::*;

use super::{
    cause::{FailurePoint, LeverKey},
    limit_point::{LimitPoint, months_to, point_at},
};
use crate::project::growth::{GrowthDraws, Load, Trajectory};

/// One limit in the point estimate and in every draw.
#[derive(Debug, Clone)]
pub struct LimitDraws {
    pub kind: BreakKind,
    pub cause: String,
    pub lever: Option<LeverKey>,
    pub central: LimitPoint,
    pub draws: Vec<LimitPoint>,
}

impl LimitDraws {
    /// A limit in the point estimate, ready for its draws.
    pub fn new(central: &FailurePoint<'_>, draws: usize) -> Self {
        Self {
            kind: central.kind,
            cause: central.cause.to_string(),
            lever: central.lever,
            central: central.point(),
            draws: Vec::with_capacity(draws),
        }
    }

    /// Whose limit it is.
    pub fn nature(&self) -> LimitNature {
        if self.lever.is_some() {
            LimitNature::Choice
        } else {
            LimitNature::Hard
        }
    }

    /// Whether it ends what a configuration can do, if limits of the study's choice are moved away or not.
    fn ends(&self, levers_pulled: bool) -> bool {
        self.kind.is_failure() && !(levers_pulled && self.nature() == LimitNature::Choice)
    }
}

/// All limits of a configuration.
#[derive(Debug, Clone, Default)]
pub struct ConfigLimits {
    /// Each where the headline's growth reaches it, or where it lies when growth ends.
    pub limits: Vec<LimitDraws>,
    /// The same limits so many months after the start of growth, ascending; empty if they stay where they
    /// are.
    moments: Vec<(f64, Vec<LimitDraws>)>,
}

impl ConfigLimits {
    /// Limits that do not move with time.
    pub fn fixed(limits: Vec<LimitDraws>) -> Self {
        Self {
            limits,
            moments: Vec::new(),
        }
    }

    /// Limits at some months after the start of growth, ascending from 0.
    pub fn moving(moments: Vec<(f64, Vec<LimitDraws>)>, growth: &GrowthDraws<'_>) -> Self {
        let mut found = Self {
            limits: moments
                .first()
                .map(|(_, limits)| limits.clone())
                .unwrap_or_default(),
            moments,
        };
        let months = found.months_under(Load::Growing(growth));
        let end = f64::from(growth.model.months());
        let mut met = found.limits.clone();
        for (index, (limit, months)) in met.iter_mut().zip(&months).enumerate() {
            let at = |months: f64, of: &dyn Fn(&LimitDraws) -> LimitPoint| {
                point_at(&found.points(index, of), months.min(end))
            };
            limit.central = at(months.central, &|limit| limit.central);
            limit.lever = found.lever_at(index, months.central.min(end));
            for (draw, (point, months)) in limit.draws.iter_mut().zip(&months.draws).enumerate() {
                *point = at(*months, &|limit| limit.draws[draw]);
            }
        }
        found.limits = met;
        found
    }

    /// One limit at each moment.
    fn points(&self, index: usize, of: impl Fn(&LimitDraws) -> LimitPoint) -> Vec<(f64, LimitPoint)> {
        let moments = self.moments.iter();
        moments
            .map(|(months, limits)| (*months, of(&limits[index])))
            .collect()
    }

    /// The choice that moves a limit at a time.
    fn lever_at(&self, index: usize, months: f64) -> Option<LeverKey> {
        let after = self.moments.partition_point(|(moment, _)| *moment <= months);
        self.moments[after.saturating_sub(1)].1[index].lever
    }

    /// Customers at which something first fails, in each draw; infinite if nothing does. What fills as time
    /// passes is left aside.
    pub fn first_customers(&self) -> Vec<f64> {
        let count = self.limits.first().map_or(0, |limit| limit.draws.len());
        (0..count)
            .map(|draw| self.first_of(|limit| limit.draws[draw].customers))
            .collect()
    }

    /// The same in the point estimate.
    pub fn first_central(&self) -> f64 {
        self.first_of(|limit| limit.central.customers)
    }

    fn first_of(&self, customers: impl Fn(&LimitDraws) -> f64) -> f64 {
        let ends = self.limits.iter().filter(|limit| limit.ends(false));
        ends.map(customers).fold(f64::INFINITY, f64::min)
    }

    /// When each limit is reached under a load.
    pub fn under(&self, load: Load<'_, '_>) -> ReachedLimits<'_> {
        ReachedLimits {
            limits: &self.limits,
            months: Cow::Owned(self.months_under(load)),
        }
    }

    /// Months until each limit is reached under a load, by limit.
    pub fn months_under(&self, load: Load<'_, '_>) -> Vec<LimitMonths> {
        let reached = |index: usize| match load {
            Load::Growing(growth) => {
                let months = |path: &Trajectory, of: &dyn Fn(&LimitDraws) -> LimitPoint| {
                    if self.moments.is_empty() {
                        return of(&self.limits[index]).months(path);
                    }
                    let points = self.points(index, of);
                    months_to(path, &points)
                };
                let draws = growth.draws.iter().take(self.limits[index].draws.len());
                LimitMonths {
                    central: months(&growth.central, &|limit| limit.central),
                    draws: draws
                        .enumerate()
                        .map(|(draw, path)| months(path, &|limit| limit.draws[draw]))
                        .collect(),
                }
            }
            Load::Steady(customers) => {
                let months = |point: &LimitPoint| point.months_with(customers);
                let limit = &self.limits[index];
                LimitMonths {
                    central: months(&limit.central),
                    draws: limit.draws.iter().map(months).collect(),
                }
            }
        };
        (0..self.limits.len()).into_par_iter().map(reached).collect()
    }
}

/// Months after the start of growth at which something is reached: in the point estimate and in every draw,
/// infinite where it is not.
#[derive(Debug, Clone)]
pub struct LimitMonths {
    pub central: f64,
    pub draws: Vec<f64>,
}

impl LimitMonths {
    /// Share of draws in which it is reached, 0-1.
    pub fn reached(&self) -> f64 {
        let reached = self.draws.iter().filter(|months| months.is_finite()).count();
        reached as f64 / self.draws.len().max(1) as f64
    }

    /// Share of draws in which it is reached by the first day of each month, and by the end.
    pub fn chances(&self, growth: &GrowthDraws<'_>) -> Vec<(Date, f64)> {
        let mut counts = vec![0_usize; growth.model.months() as usize + 1];
        for months in self.draws.iter().filter(|months| months.is_finite()) {
            // A day that was turned into months and back stays that day.
            let month = (months - 1e-9).ceil().max(0.0) as usize;
            if let Some(count) = counts.get_mut(month) {
                *count += 1;
            }
        }
        let mut so_far = 0;
        let dates = growth.model.dates().into_iter().zip(counts);
        dates
            .map(|(date, count)| {
                so_far += count;
                (date, so_far as f64 / self.draws.len().max(1) as f64)
            })
            .collect()
    }

    /// The day in the point estimate, and the days by which 5 % and 95 % of the draws have reached it.
    pub fn date(&self, growth: &GrowthDraws<'_>) -> BreakDate {
        let date_at = |months: f64| months.is_finite().then(|| growth.model.date_at(months)).flatten();
        let mut draws = self.draws.clone();
        // Rounded to a draw: between a date and never there is no date. Draws that never get there come last,
        // so a late end can be open while the early one is a date.
        let mut at_quantile = |quantile: f64| {
            let last = draws.len().checked_sub(1)?;
            let nearest = (last as f64 * quantile).round() as usize;
            let (_, months, _) = draws.select_nth_unstable_by(nearest, f64::total_cmp);
            date_at(*months)
        };
        BreakDate {
            value: date_at(self.central),
            low: at_quantile(0.05),
            high: at_quantile(0.95),
        }
    }
}

/// All limits of a configuration with the months at which they are reached.
pub struct ReachedLimits<'l> {
    pub limits: &'l [LimitDraws],
    pub months: Cow<'l, [LimitMonths]>, // by limit
}

impl<'l> ReachedLimits<'l> {
    /// Limits with months that were worked out before.
    pub fn new(limits: &'l ConfigLimits, months: &'l [LimitMonths]) -> Self {
        Self {
            limits: &limits.limits,
            months: Cow::Borrowed(months),
        }
    }

    /// Months until the first failure, in the point estimate and in every draw.
    pub fn first(&self, levers_pulled: bool) -> LimitMonths {
        let ending: Vec<&LimitMonths> = self
            .limits
            .iter()
            .zip(self.months.iter())
            .filter_map(|(limit, months)| limit.ends(levers_pulled).then_some(months))
            .collect();
        let least = |months: &mut dyn Iterator<Item = f64>| months.fold(f64::INFINITY, f64::min);
        let count = self.months.first().map_or(0, |months| months.draws.len());
        LimitMonths {
            central: least(&mut ending.iter().map(|months| months.central)),
            draws: (0..count)
                .map(|draw| least(&mut ending.iter().map(|months| months.draws[draw])))
                .collect(),
        }
    }

    /// The failure that comes first in the point estimate; where none comes, the one that does in most draws.
    pub fn likeliest_first(&self) -> Option<&LimitDraws> {
        let pairs = || {
            self.limits
                .iter()
                .zip(self.months.iter())
                .filter(|(limit, _)| limit.ends(false))
        };
        let central =
            pairs()
                .filter(|(_, months)| months.central.is_finite())
                .min_by(|(one, a), (other, b)| {
                    let by_customers = one.central.customers.total_cmp(&other.central.customers);
                    a.central.total_cmp(&b.central).then(by_customers)
                });
        let drawn = || {
            pairs()
                .filter(|(_, months)| months.reached() > 0.0)
                .max_by(|(_, a), (_, b)| a.reached().total_cmp(&b.reached()))
        };
        central.or_else(drawn).map(|(limit, _)| limit)
    }
}
