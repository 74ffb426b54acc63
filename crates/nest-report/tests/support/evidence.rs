//! What the fixture rests on: demand, steps, checks, price books and caveats.

use nest_data::{
    Caveat,
    measurement::{Purpose, Validity},
    price_book::Confidence,
    projection::{BookUse, DemandRow, PriceRow, SourceUse},
    scaling::{ForecastCheck, MeasuredPoint, QuantilePoint},
};

use super::{estimate, quoted};

pub fn demand() -> Vec<DemandRow> {
    let row = |resource: &str, behaviour: &str, unit: &str, estimate, separable| DemandRow {
        resource: resource.to_owned(),
        behaviour: behaviour.to_owned(),
        unit: unit.to_owned(),
        estimate,
        separable,
    };
    vec![
        row("app/cpu", "browse", "s", estimate(0.00182, 0.00175, 0.0019), true),
        row(
            "app/cpu",
            "search",
            "s",
            estimate(0.00412, 0.00391, 0.00433),
            true,
        ),
        row("app/cpu", "pay", "s", estimate(0.0321, 0.0314, 0.0327), true),
        row("app/cpu", "idle", "s", estimate(0.0004, 0.0001, 0.0007), true),
        row(
            "app/disk",
            "pay",
            "bytes",
            estimate(8_210.0, 7_900.0, 8_500.0),
            false,
        ),
        row("app/memory", "idle", "bytes", estimate(4.2e8, 4.1e8, 4.3e8), true),
    ]
}

pub fn points() -> Vec<MeasuredPoint> {
    let point = |index: usize, purpose, customers: Option<f64>, load: f64, validity| MeasuredPoint {
        index,
        label: customers.map_or_else(
            || "boosted pay".to_owned(),
            |customers| format!("ramp at {customers:.0}"),
        ),
        purpose,
        customers,
        offered_per_s: load,
        completed_per_s: load * 0.999,
        active: load * 0.021,
        in_flight: load * 0.0194,
        error_share: 0.0002,
        used: [
            ("app/cpu".to_owned(), load * 0.0032),
            ("app/memory".to_owned(), 4.4e8),
            ("app/disk".to_owned(), load * 160.0),
        ]
        .into_iter()
        .collect(),
        response: [0.5, 0.95, 0.99]
            .map(|quantile| QuantilePoint {
                behaviour: "browse".to_owned(),
                quantile,
                seconds: 0.018 / (1.02 - quantile),
                count: 12_400,
            })
            .to_vec(),
        validity,
    };
    vec![
        point(0, Purpose::Boosted, None, 20.0, Validity::Valid),
        point(1, Purpose::Ramp, Some(4_000.0), 39.4, Validity::Valid),
        point(2, Purpose::Ramp, Some(16_000.0), 157.5, Validity::Suspect),
        point(3, Purpose::Ramp, Some(30_000.0), 295.3, Validity::Valid),
        point(4, Purpose::Confirm, Some(39_000.0), 383.9, Validity::Invalid),
    ]
}

pub fn checks() -> Vec<ForecastCheck> {
    let check = |quantity: &str, predicted, measured| ForecastCheck {
        step: "ramp at 30000".to_owned(),
        customers: Some(30_000.0),
        quantity: quantity.to_owned(),
        predicted,
        measured,
    };
    vec![
        check(
            "app/cpu busy-seconds per second",
            estimate(0.945, 0.9, 0.99),
            0.951,
        ),
        check("browse p95 response time", estimate(0.069, 0.061, 0.078), 0.0812),
    ]
}

pub fn books() -> Vec<BookUse> {
    let source = |title: &str, url: Option<&str>, confidence| SourceUse {
        title: title.to_owned(),
        url: url.map(str::to_owned),
        observed_on: "2026-11-03".to_owned(),
        age_days: 19,
        confidence,
    };
    vec![BookUse {
        name: "example/eu-1".to_owned(),
        sources: vec![
            source(
                "vendor price list",
                Some("https://example.com/prices?a=1&b=2"),
                Confidence::List,
            ),
            source("own contract", Some("javascript:alert(1)"), Confidence::User),
        ],
        oldest_days: 19,
    }]
}

pub fn prices() -> Vec<PriceRow> {
    vec![PriceRow {
        config: "today".to_owned(),
        item: "std-2".to_owned(),
        book: "example/eu-1".to_owned(),
        source: "list".to_owned(),
        url: None,
        observed_on: "2026-11-03".to_owned(),
        age_days: 19,
        stale_after_days: Some(180),
        confidence: Confidence::List,
        amount: Some(quoted("210.24")),
        share: 0.2727,
    }]
}

pub fn caveats() -> Vec<Caveat> {
    vec![
        Caveat::StepSuspect {
            step: "ramp at 16000".to_owned(),
            reasons: vec!["hypervisor took 3 % of the processor".to_owned()],
        },
        Caveat::StepLeftOut {
            step: "confirm at 39000".to_owned(),
            reasons: vec!["generator used 97 % of its core".to_owned()],
        },
        Caveat::FewRepeats {
            repeats: 1.0,
            prior: 0.02,
        },
        Caveat::NotSeparable {
            resource: "app/disk".to_owned(),
            condition: 74.0,
        },
        Caveat::Extrapolated {
            what: "break point of `functions`".to_owned(),
            factor: 3.04,
        },
        Caveat::SpeedAssumed {
            config: "functions".to_owned(),
            low: 0.85,
            high: 1.15,
        },
        Caveat::PriceUnknown {
            config: "functions".to_owned(),
            lines: 1,
        },
    ]
}
