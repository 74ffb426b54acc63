//! A projection written by hand: two configurations, a policy, three charts, every kind of number. Its prices
//! are invented.

mod charts;
mod configs;
mod evidence;
mod policy;

use nest_data::{
    Document, Estimate, Projection,
    measurement::Machine,
    projection::{Headline, ModelSource, MoneyEstimate},
    study::About,
    units::QuotedDecimal,
};

/// Customers that the fixture was tested to.
const TESTED: f64 = 30_000.0;

pub fn quoted(text: &str) -> QuotedDecimal {
    text.parse().expect("a decimal")
}

pub fn estimate(value: f64, low: f64, high: f64) -> Estimate {
    Estimate {
        value,
        standard_error: (high - low) / 3.29,
        low,
        high,
    }
}

pub fn money(value: &str, low: f64, high: f64) -> MoneyEstimate {
    MoneyEstimate {
        value: quoted(value),
        low,
        high,
        mean: None,
        at_least: false,
    }
}

fn date(text: &str) -> jiff::civil::Date {
    text.parse().expect("a date")
}

pub fn projection() -> Projection {
    let vm = configs::vm();
    Projection {
        header: Projection::header(),
        as_of: date("2026-11-22"),
        study: About {
            name: "Leaf shop".to_owned(),
            customer: "a shop with an order in the last 30 days".to_owned(),
            currency: "USD".to_owned(),
            seed: 20_261_122,
        },
        set: Vec::new(),
        model: ModelSource {
            run: "2026-11-21T09-14-02Z".to_owned(),
            measured_at: "2026-11-21T09:14:02Z".to_owned(),
            measured_hash: "9f2c6b0f0f6f3f7e0a4c1d1f6a3ce0b47a1d2f7f6a9b1c8d5e4f3a2b1c0d9e8f".to_owned(),
            machine: Machine {
                cpu: "AMD EPYC 7763".to_owned(),
                cores: 4,
                memory_bytes: 16_777_216_000,
                kernel: "6.8.0-45-generic".to_owned(),
            },
            generators: Vec::new(),
            tested_customers: TESTED,
        },
        growth: Some("expected".to_owned()),
        headline: Some(Headline {
            customers: 42_000.0,
            config: "today".to_owned(),
            per_1000: vm.bill.per_1000,
            break_point: vm.break_points.first().cloned(),
            searched_to: 120_000.0,
            customers_stated: true,
        }),
        demand: evidence::demand(),
        counts: Vec::new(),
        rates_per_day: [("browse", 24.0), ("search", 9.5), ("pay", 0.31)]
            .map(|(name, rate)| (name.to_owned(), rate))
            .to_vec(),
        configs: vec![vm, configs::function()],
        policies: vec![policy::policy()],
        comparison: None,
        growths: Vec::new(),
        sensitivity: Vec::new(),
        levers: Vec::new(),
        actions: Vec::new(),
        prices: evidence::prices(),
        segments: Vec::new(),
        charts: charts::charts(),
        points: evidence::points(),
        checks: evidence::checks(),
        books: evidence::books(),
        caveats: evidence::caveats(),
    }
}
