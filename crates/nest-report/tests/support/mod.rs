//! A projection written by hand: two configurations, a policy, three charts, every kind of number. Its prices
//! are invented.

use nest_data::{
    Caveat, Document, Estimate, Projection,
    measurement::{Machine, Purpose, Validity},
    price_book::Confidence,
    projection::{
        Axis, Bill, BookUse, BreakDate, BreakKind, BreakPoint, Chart, ConfigProjection, CostDriver, CostLine,
        Curve, DemandRow, Headline, ModelSource, MoneyEstimate, MonthProjection, PolicyProjection, Scatter,
        SourceUse,
    },
    scaling::{ForecastCheck, MeasuredPoint, QuantilePoint},
    study::{About, Platform},
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
        at_least: false,
    }
}

fn date(text: &str) -> jiff::civil::Date {
    text.parse().expect("a date")
}

pub fn projection() -> Projection {
    let vm = vm();
    Projection {
        header: Projection::header(),
        as_of: date("2026-11-22"),
        study: About {
            name: "Leaf shop".to_owned(),
            customer: "a shop with an order in the last 30 days".to_owned(),
            currency: "USD".to_owned(),
            seed: 20_261_122,
        },
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
            tested_customers: TESTED,
        },
        growth: Some("expected".to_owned()),
        headline: Some(Headline {
            customers: 42_000.0,
            config: "today".to_owned(),
            per_1000: vm.bill.per_1000,
            break_point: vm.break_points.first().cloned(),
            searched_to: 120_000.0,
        }),
        demand: demand(),
        rates_per_day: [("browse", 24.0), ("search", 9.5), ("pay", 0.31)]
            .map(|(name, rate)| (name.to_owned(), rate))
            .to_vec(),
        configs: vec![vm, function()],
        policies: vec![policy()],
        comparison: None,
        growths: Vec::new(),
        sensitivity: Vec::new(),
        segments: Vec::new(),
        charts: charts(),
        points: points(),
        checks: checks(),
        books: books(),
        caveats: caveats(),
    }
}

fn line(
    driver: CostDriver,
    behaviour: Option<&str>,
    meter: &str,
    quantity: &str,
    unit: &str,
    amount: Option<&str>,
) -> CostLine {
    CostLine {
        driver,
        behaviour: behaviour.map(str::to_owned),
        meter: meter.to_owned(),
        quantity: quoted(quantity),
        unit: unit.to_owned(),
        amount: amount.map(quoted),
        source: "example/eu-1, vendor price list, seen 2026-11-03".to_owned(),
    }
}

fn vm() -> ConfigProjection {
    use CostDriver::{Behaviour, Fixed, Idle, Reserve, Rounding, Shared, Spare};
    let lines = vec![
        line(
            Behaviour,
            Some("browse"),
            "app/cpu",
            "1427.333333",
            "instance-hours",
            Some("137.0241"),
        ),
        line(
            Behaviour,
            Some("search"),
            "app/cpu",
            "812.6",
            "instance-hours",
            Some("78.0096"),
        ),
        line(
            Behaviour,
            Some("pay"),
            "app/cpu",
            "41.2",
            "instance-hours",
            Some("3.9552"),
        ),
        line(Idle, None, "app/cpu", "22.5", "instance-hours", Some("2.16")),
        line(
            Reserve,
            None,
            "app/cpu",
            "987.3",
            "instance-hours",
            Some("94.7811"),
        ),
        line(
            Rounding,
            None,
            "app/cpu",
            "359.066667",
            "instance-hours",
            Some("34.47"),
        ),
        line(Spare, None, "app/cpu", "730", "instance-hours", Some("70.08")),
        line(Shared, None, "egress", "1890", "GB", Some("170.1")),
        line(Shared, None, "load balancer", "730", "hours", Some("18.25")),
        line(Fixed, None, "support contract", "1", "month", Some("162.12")),
    ];
    ConfigProjection {
        description: None,
        migration: None,
        performance: Vec::new(),
        name: "today".to_owned(),
        platform: Platform::Vm,
        shape: "std-2, 2 vCPU, 8 GB".to_owned(),
        book: "example/eu-1".to_owned(),
        currency: "USD".to_owned(),
        bill: Bill {
            customers: 42_000.0,
            lines,
            total: money("770.95", 739.2, 814.8),
            per_1000: money("18.355952", 17.6, 19.4),
            marginal_1000: quoted("10.113"),
            next_stair: Some(48_400.0),
            drivers: Vec::new(),
            fees: None,
        },
        months: months(),
        break_points: vec![
            broken(
                BreakKind::OverReserve,
                "app/cpu",
                Some(estimate(46_613.0, 43_122.0, 50_921.0)),
                0.91,
                1.0,
                false,
            ),
            broken(
                BreakKind::Slo,
                "browse p95 ≤ 300 ms",
                Some(estimate(58_200.0, 51_000.0, 69_400.0)),
                0.09,
                1.0,
                false,
            ),
            broken(
                BreakKind::Saturation,
                "app/cpu",
                Some(estimate(66_600.0, 61_700.0, 72_800.0)),
                0.0,
                1.0,
                true,
            ),
            broken(BreakKind::Quota, "std-2 instances", None, 0.0, 0.02, true),
        ],
    }
}

fn function() -> ConfigProjection {
    use CostDriver::{Behaviour, Shared};
    let lines = vec![
        line(
            Behaviour,
            Some("browse"),
            "memory-seconds",
            "18600000.5",
            "GB-s",
            Some("310.000008333"),
        ),
        line(
            Behaviour,
            Some("search"),
            "memory-seconds",
            "9400000",
            "GB-s",
            Some("156.666666667"),
        ),
        line(
            Behaviour,
            Some("pay"),
            "memory-seconds",
            "350000",
            "GB-s",
            Some("5.833333333"),
        ),
        line(Shared, None, "requests", "43180000", "requests", Some("8.636")),
        line(Shared, None, "log ingestion", "210", "GB", None),
    ];
    ConfigProjection {
        description: None,
        migration: None,
        performance: Vec::new(),
        name: "functions".to_owned(),
        platform: Platform::Function,
        shape: "1,769 MB, arm64".to_owned(),
        book: "example/eu-1".to_owned(),
        currency: "USD".to_owned(),
        bill: Bill {
            customers: 42_000.0,
            lines,
            total: MoneyEstimate {
                at_least: true,
                ..money("481.136008333", 431.0, 540.0)
            },
            per_1000: MoneyEstimate {
                at_least: true,
                ..money("11.455619246", 10.26, 12.86)
            },
            marginal_1000: quoted("11.455619246"),
            next_stair: None,
            drivers: Vec::new(),
            fees: None,
        },
        months: Vec::new(),
        break_points: vec![broken(
            BreakKind::Quota,
            "1,000 concurrent executions",
            Some(estimate(91_200.0, 82_000.0, 103_000.0)),
            1.0,
            0.97,
            true,
        )],
    }
}

pub fn broken(
    kind: BreakKind,
    cause: &str,
    customers: Option<Estimate>,
    probability: f64,
    reached: f64,
    extrapolated: bool,
) -> BreakPoint {
    let (value, low, high) = (
        Some(date("2027-12-11")),
        Some(date("2027-11-20")),
        Some(date("2028-02-04")),
    );
    let found = customers.is_some();
    let date = found.then_some(BreakDate { value, low, high });
    BreakPoint {
        kind,
        cause: cause.to_owned(),
        customers,
        open_above: false,
        probability,
        reached,
        extrapolated,
        date,
    }
}

fn months() -> Vec<MonthProjection> {
    (0..24)
        .map(|month: u8| {
            let (index, grown) = (f64::from(month), 18_400.0 * 1.07_f64.powi(i32::from(month)));
            let spread = 1.0 + 0.008 * index;
            let instances = (grown / 12_100.0).ceil() + 1.0;
            let cost = (instances * 70.08 + grown * 0.0065 + 180.0).round();
            let per_1000 = (cost / grown * 100_000.0).round() / 1_000_000.0 * 1e4;
            MonthProjection {
                cash: None,
                fees: None,
                date: jiff::civil::Date::constant(
                    2026 + i16::from(month + 10) / 12,
                    ((month + 10) % 12 + 1) as i8,
                    1,
                ),
                customers: estimate(grown, grown / spread, grown * spread),
                instances: Some(estimate(instances, instances, instances + f64::from(month / 8))),
                cost: money(&format!("{cost:.2}"), cost / spread, cost * spread),
                per_1000: money(&format!("{per_1000:.4}"), per_1000 / spread, per_1000 * spread),
                extrapolated: grown > TESTED,
            }
        })
        .collect()
}

fn demand() -> Vec<DemandRow> {
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

fn policy() -> PolicyProjection {
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

fn charts() -> Vec<Chart> {
    let customers = || (1..=60).map(|step| f64::from(step) * 1_500.0);
    let use_of = |n: f64| n / 66_600.0;
    let response = |n: f64, base: f64| {
        if use_of(n) < 0.995 {
            base / (1.0 - use_of(n))
        } else {
            f64::INFINITY
        }
    };
    let curve = |name: &str, stepped, points| Curve {
        name: name.to_owned(),
        points,
        stepped,
    };
    let steps = [500.0, 4_000.0, 9_000.0, 16_000.0, 22_000.0, 26_000.0, TESTED];
    let wobble = |index: usize| 1.0 + [0.02, -0.015, 0.01, -0.02, 0.012, 0.0, -0.01][index];
    let dots = |of: &dyn Fn(f64) -> f64| {
        steps
            .iter()
            .enumerate()
            .map(|(index, n)| [*n, of(*n) * wobble(index)])
            .collect()
    };
    let stair = |n: f64| ((n / 12_100.0).ceil() + 1.0) * 70.08 / n * 1_000.0 + 6.5 + 180_000.0 / n;
    vec![
        Chart {
            id: "cost".to_owned(),
            title: "What do 1,000 customers cost at each size?".to_owned(),
            answer: "Functions cost less than `today` at 42,000 customers, and more from 71,000 on."
                .to_owned(),
            y: Axis::Money("USD".to_owned()),
            curves: vec![
                curve(
                    "today",
                    true,
                    customers()
                        .map(|n| [n, stair(n) * 0.96, stair(n), stair(n) * 1.06])
                        .collect(),
                ),
                curve(
                    "functions",
                    false,
                    customers()
                        .map(|n| [n, 10.26, 11.46 + 9_000.0 / n, 12.86 + 9_000.0 / n])
                        .collect(),
                ),
            ],
            measured: Vec::new(),
            limits: Vec::new(),
            tested_to: TESTED,
            logarithmic: true,
        },
        Chart {
            id: "app/cpu".to_owned(),
            title: "How much of app/cpu is used?".to_owned(),
            answer: "app/cpu reaches its reserve at 46,600 customers.".to_owned(),
            y: Axis::Share,
            curves: vec![curve(
                "app/cpu",
                false,
                customers()
                    .map(|n| [n, use_of(n) * 0.93, use_of(n), use_of(n) * 1.07])
                    .collect(),
            )],
            measured: vec![Scatter {
                name: "app/cpu, measured".to_owned(),
                points: dots(&use_of),
            }],
            limits: vec![
                ("reserve begins, 70 %".to_owned(), 0.7),
                ("saturated".to_owned(), 1.0),
            ],
            tested_to: TESTED,
            logarithmic: false,
        },
        Chart {
            id: "response".to_owned(),
            title: "How long do customers wait?".to_owned(),
            answer: "95 % of browse requests are answered within 300 ms up to 58,200 customers.".to_owned(),
            y: Axis::Seconds,
            curves: ["browse p50", "browse p95", "browse p99"]
                .into_iter()
                .zip([0.018, 0.038, 0.061])
                .map(|(name, base)| {
                    curve(
                        name,
                        false,
                        customers()
                            .map(|n| {
                                [
                                    n,
                                    response(n, base * 0.9),
                                    response(n, base),
                                    response(n, base * 1.15),
                                ]
                            })
                            .collect(),
                    )
                })
                .collect(),
            measured: vec![Scatter {
                name: "browse p95, measured".to_owned(),
                points: dots(&|n| response(n, 0.038)),
            }],
            limits: vec![("objective: p95 within 300 ms".to_owned(), 0.3)],
            tested_to: TESTED,
            logarithmic: false,
        },
    ]
}

fn points() -> Vec<MeasuredPoint> {
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

fn checks() -> Vec<ForecastCheck> {
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

fn books() -> Vec<BookUse> {
    let source = |title: &str, url: Option<&str>, confidence| SourceUse {
        title: title.to_owned(),
        url: url.map(str::to_owned),
        observed_on: "2026-11-03".to_owned(),
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

fn caveats() -> Vec<Caveat> {
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
