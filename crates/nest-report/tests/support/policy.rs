//! The policy of the fixture.

use nest_data::{
    Estimate,
    projection::{BreakKind, BreakPoint, PolicyProjection, PolicyTotals, SpreadShare},
};

use super::{configs::broken, estimate, money};

fn limit(customers: Estimate) -> BreakPoint {
    broken(
        BreakKind::OverReserve,
        "app/cpu",
        Some(customers),
        0.91,
        1.0,
        false,
    )
}

pub fn policy() -> PolicyProjection {
    PolicyProjection {
        name: "min-payment".to_owned(),
        description: Some("Raise the minimum payment from 5 to 10.".to_owned()),
        parameters: vec![("min_payment".to_owned(), 5.0, 10.0)],
        rates_per_day: vec![("pay".to_owned(), 0.31, 0.162)],
        open_items: Vec::new(),
        config: "today".to_owned(),
        customers: 42_000.0,
        before: money("18.355952", 17.6, 19.4),
        after: money("17.1", 16.4, 18.0),
        change: money("-1.255952", -1.42, -1.11),
        fees: None,
        totals: PolicyTotals {
            months: 24,
            before: money("26400", 24_100.0, 29_000.0),
            after: money("24600", 22_500.0, 27_100.0),
            change: money("-1800", -2_010.0, -1_620.0),
            fees: None,
            change_with_fees: money("-1800", -2_010.0, -1_620.0),
            spread: vec![SpreadShare {
                input: "growth `expected`".to_owned(),
                share: 0.914,
            }],
        },
        break_before: Some(limit(estimate(46_613.0, 43_122.0, 50_921.0))),
        break_after: Some(limit(estimate(49_870.0, 46_100.0, 54_500.0))),
        room_change: Some(estimate(3_257.0, 2_950.0, 3_580.0)),
        date_change_days: Some(estimate(31.0, 27.0, 36.0)),
        demand_change: estimate(-0.0653, -0.0681, -0.0624),
        from: None,
        months: Vec::new(),
    }
}
