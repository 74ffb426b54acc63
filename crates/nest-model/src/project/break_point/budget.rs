//! Budgets: the customers at which the cost passes an amount that the study allows.

use nest_data::projection::BreakKind;

use super::cause::{Cause, FailurePoint, LeverKey, SearchScope};
use crate::{
    pricing::float,
    project::config::{PricedConfig, ReadyInputs},
};

/// The first customer: at fewer nothing is said to happen.
const FIRST: f64 = 1.0;
/// Steps of a bisection: more than the digits of a double can tell apart.
const HALVINGS: usize = 60;
/// Factor between customer counts at which a cost that may fall and rise is looked at.
const GRID: f64 = 1.02;

/// Budgets: the customers at which the cost of infrastructure passes an amount that the study allows. A bill
/// may fall as customers come (a price by volume falls for the whole of it), and the cost of one of them
/// falls and rises with every instance: both are watched from the first customers on, upwards and downwards.
pub fn budget<'a>(
    priced: &'a PricedConfig<'_>,
    scope: &SearchScope<'a>,
    inputs: &ReadyInputs,
    limits: &mut Vec<FailurePoint<'a>>,
) {
    let currency = &scope.study.study.currency;
    if let Some(amount) = scope.study.budget.monthly {
        let over = |customers: f64| priced.cost(customers, inputs) > float(amount.0);
        let point = if over(scope.from) {
            // What is over with nobody is over from the first customer on.
            let customers = if over(FIRST) {
                FIRST
            } else {
                edge(0.0, scope.from, over)
            };
            FailurePoint::new(BreakKind::Budget, Cause::Monthly(amount, currency), customers)
        } else {
            let customers = first_over(scope.from, scope.most, over).unwrap_or(f64::INFINITY);
            FailurePoint {
                below: first_over(scope.from, scope.least, over).unwrap_or(0.0),
                ..FailurePoint::new(BreakKind::Budget, Cause::Monthly(amount, currency), customers)
            }
        };
        limits.push(point.moved_by(Some(LeverKey::Monthly)));
    }
    if let Some(amount) = scope.study.budget.per_1000 {
        let over = |customers: f64| priced.cost(customers, inputs) / customers * 1e3 > float(amount.0);
        let point = FailurePoint::new(
            BreakKind::Budget,
            Cause::Per1000(amount, currency),
            first_over(scope.from, scope.most, over).unwrap_or(f64::INFINITY),
        );
        limits.push(FailurePoint {
            below: first_over(scope.from, scope.least, over).unwrap_or(0.0),
            lever: Some(LeverKey::Per1000),
            ..point
        });
    }
}

/// Customers from which on 1,000 of them cost no more than their budget, where they cost more at first;
/// `None` if they do not, or never less.
pub fn met_from(priced: &PricedConfig<'_>, scope: &SearchScope<'_>, inputs: &ReadyInputs) -> Option<f64> {
    let amount = float(scope.study.budget.per_1000?.0);
    let met = |customers: f64| priced.cost(customers, inputs) / customers * 1e3 <= amount;
    if met(scope.from) {
        return None;
    }
    first_over(scope.from, scope.most, met)
}

/// The first number on the way from one to another, up or down, for which `over` holds.
fn first_over(from: f64, to: f64, over: impl Fn(f64) -> bool) -> Option<f64> {
    let next = |at: f64| {
        if to > from {
            (at * GRID).min(to)
        } else {
            (at / GRID).max(to)
        }
    };
    let steps = std::iter::successors(Some(from), |at| (*at != to).then(|| next(*at)));
    let mut before = from;
    for at in steps {
        if over(at) {
            return Some(if at == from { from } else { edge(before, at, over) });
        }
        before = at;
    }
    None
}

/// The number between `outside`, where `over` does not hold, and `inside`, where it does, from which on it
/// does.
fn edge(mut outside: f64, mut inside: f64, over: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..HALVINGS {
        let middle = (outside + inside) / 2.0;
        if over(middle) {
            inside = middle
        } else {
            outside = middle
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stair_is_found_where_it_rises() {
        let stairs = |customers: f64| (customers / 100.0).ceil() > 7.0;
        assert!((edge(0.0, 4_000.0, stairs) - 700.0).abs() < 1e-6);
    }

    /// A fixed cost of 500 spread over ever fewer customers, and a stair that 1,000 of them need.
    #[test]
    fn a_limit_is_found_on_either_side_of_today() {
        let over = |customers: f64| 500.0 / customers > 1.0 || customers >= 1_000.0;
        let [up, down] = [4_000.0, 10.0].map(|to| first_over(800.0, to, over).unwrap_or(f64::NAN));
        assert!((up - 1_000.0).abs() < 1e-6, "{up}");
        assert!((down - 500.0).abs() < 1e-6, "{down}");
        assert_eq!(first_over(800.0, 900.0, over), None);
        assert_eq!(first_over(800.0, 800.0, over), None);
        assert_eq!(first_over(1_200.0, 4_000.0, over), Some(1_200.0));
    }
}
