//! Where a limit lies in one draw, and when a trajectory of customers reaches it.

use crate::project::growth::Trajectory;

/// Room that fills as time passes, whatever the customers do: it is full when `per_customer N + per_month t`
/// reaches `room`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Filling {
    pub room: f64,         // bytes
    pub per_customer: f64, // bytes
    pub per_month: f64,    // bytes
}

/// Where a limit lies in one draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LimitPoint {
    pub customers: f64, // at which it fails when customers come; infinite if it never does
    pub below: f64,     // at which it fails when customers go; 0 if it never does
    pub filling: Option<Filling>,
}

impl LimitPoint {
    /// Months after the start of growth at which a trajectory reaches it; infinite if it never does.
    pub fn months(&self, path: &Trajectory) -> f64 {
        months_to(path, &[(0.0, *self)])
    }

    /// The same for customers that stay as many as they are.
    pub fn months_with(&self, customers: f64) -> f64 {
        if self.customers <= customers {
            0.0
        } else {
            f64::INFINITY
        }
    }

    /// Customers at which a trajectory that reaches it after so many months does; where it does not, those at
    /// which it fails when customers come.
    pub fn customers_on(&self, path: &Trajectory, months: f64) -> f64 {
        let falls = months.is_finite() && path.at(months) <= self.below * (1.0 + 1e-9);
        if falls { self.below } else { self.customers }
    }

    /// Geometric between two points, so much of the way (0-1) to the other; where that cannot be, this one.
    fn towards(&self, other: &Self, share: f64) -> Self {
        let between = |from: f64, to: f64| {
            let there = from * (to / from).powf(share);
            if there.is_finite() { there } else { from }
        };
        let linear = |from: f64, to: f64| from + (to - from) * share;
        let filling = self.filling.zip(other.filling).map(|(from, to)| Filling {
            room: linear(from.room, to.room),
            per_customer: linear(from.per_customer, to.per_customer),
            per_month: linear(from.per_month, to.per_month),
        });
        Self {
            customers: between(self.customers, other.customers),
            below: between(self.below, other.below),
            filling: filling.or(self.filling),
        }
    }
}

/// Months after the start of growth at which a trajectory reaches a limit, of which some moments are known,
/// ascending; infinite if it never does.
///
/// # Panics
/// If no moment is known.
pub fn months_to(path: &Trajectory, moments: &[(f64, LimitPoint)]) -> f64 {
    let limit = |months: f64| point_at(moments, months);
    let turns: Vec<f64> = match moments {
        [_] => Vec::new(),
        several => several.iter().map(|(months, _)| *months).collect(),
    };
    let above = match limit(0.0).filling {
        None => path.reaches_moving(&turns, |months| limit(months).customers),
        Some(_) => path.first_over(&turns, |at| {
            let filling = limit(at.months).filling;
            filling.map_or(-1.0, |filling| {
                filling.per_customer * at.customers + filling.per_month * at.months - filling.room
            })
        }),
    };
    let may_fall = moments.iter().any(|(_, point)| point.below > 0.0);
    let below = may_fall
        .then(|| path.falls_to(&turns, |months| limit(months).below))
        .flatten();
    let first = |months: Option<f64>| months.unwrap_or(f64::INFINITY);
    first(above).min(first(below))
}

/// A limit so many months after the start of growth, of which some moments are known, ascending: geometric in
/// between, level after the last.
///
/// # Panics
/// If no moment is known.
pub fn point_at(moments: &[(f64, LimitPoint)], months: f64) -> LimitPoint {
    let after = moments.partition_point(|(moment, _)| *moment <= months);
    let before = after.saturating_sub(1);
    let (begins, from) = &moments[before];
    match moments.get(after) {
        Some((ends, to)) if after > before => from.towards(to, (months - begins) / (ends - begins)),
        _ => *from,
    }
}
