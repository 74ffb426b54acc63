//! Budgets: the customers at which the cost passes an amount that the study allows.

use nest_data::projection::BreakKind;

use super::cause::{Cause, FailurePoint, LeverKey, SearchScope};
use crate::{
    pricing::float,
    project::config::{PricedConfig, ReadyInputs},
};

/// Steps of a bisection: more than the digits of a double can tell apart.
const HALVINGS: usize = 60;
/// Factor between customer counts at which a cost that may fall and rise is looked at.
const GRID: f64 = 1.02;

/// Budgets: the customers at which the cost passes an amount that the study allows. A bill never falls as
/// customers come, so it is halved for; the cost of one of them falls and rises with every instance, so it is
/// watched from today's customers on.
pub fn budget<'a>(
    priced: &'a PricedConfig<'_>,
    scope: &SearchScope<'a>,
    inputs: &ReadyInputs,
    limits: &mut Vec<FailurePoint<'a>>,
) {
    let currency = &scope.study.study.currency;
    if let Some(amount) = scope.study.budget.monthly {
        let over = |customers: f64| {
            priced.cost(customers, inputs) + priced.fees(customers, inputs) > float(amount.0)
        };
        let customers = if over(scope.to) {
            least(0.0, scope.to, over)
        } else {
            f64::INFINITY
        };
        limits.push(
            FailurePoint::new(BreakKind::Budget, Cause::Monthly(amount, currency), customers)
                .moved_by(Some(LeverKey::Monthly)),
        );
    }
    if let Some(amount) = scope.study.budget.per_1000 {
        let over = |customers: f64| {
            (priced.cost(customers, inputs) + priced.fees(customers, inputs)) / customers * 1e3
                > float(amount.0)
        };
        let mut steps = std::iter::successors(Some(scope.from), |customers| {
            (*customers < scope.to).then(|| (customers * GRID).min(scope.to))
        });
        let customers = match steps.find(|customers| over(*customers)) {
            Some(first) if first > scope.from => least((first / GRID).max(scope.from), first, over),
            first => first.unwrap_or(f64::INFINITY),
        };
        limits.push(
            FailurePoint::new(BreakKind::Budget, Cause::Per1000(amount, currency), customers)
                .moved_by(Some(LeverKey::Per1000)),
        );
    }
}

/// Least number between `low`, where `over` does not hold, and `high`, where it does.
fn least(mut low: f64, mut high: f64, over: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        if over(middle) { high = middle } else { low = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stair_is_found_where_it_rises() {
        let stairs = |customers: f64| (customers / 100.0).ceil() > 7.0;
        assert!((least(0.0, 4_000.0, stairs) - 700.0).abs() < 1e-6);
    }
}
