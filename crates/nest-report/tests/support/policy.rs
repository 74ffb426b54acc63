//! The policy of the fixture.

use nest_data::projection::PolicyProjection;

use super::{estimate, money};

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
        break_before: Some(estimate(46_613.0, 43_122.0, 50_921.0)),
        break_after: Some(estimate(49_870.0, 46_100.0, 54_500.0)),
        demand_change: estimate(-0.0653, -0.0681, -0.0624),
        from: None,
        months: Vec::new(),
    }
}
