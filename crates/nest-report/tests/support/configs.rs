//! Two configurations of the fixture: servers and functions.

use nest_data::{Estimate, projection::*, study::Platform};

use super::{TESTED, date, estimate, money, quoted};

pub fn vm() -> ConfigProjection {
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
            drivers: shares(),
            fees: None,
        },
        months: months(),
        unit_steps: Vec::new(),
        lasts: 0.0,
        total: None,
        lasts_with_levers: 0.98,
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
                "answers: browse p95 over 0.3 s",
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
            broken(BreakKind::Quota, "40 std-2 instances", None, 0.0, 0.02, true),
        ],
    }
}

/// What the bill of `vm` is paid for: its lines summed up by behaviour or driver, and by meter.
fn shares() -> Vec<DriverShare> {
    let share = |kind, name: &str, amount: &str| DriverShare {
        kind,
        name: name.to_owned(),
        amount: quoted(amount),
    };
    let by_behaviour = [
        ("shared", "188.35"),
        ("fixed", "162.12"),
        ("browse", "137.0241"),
        ("reserve", "94.7811"),
        ("search", "78.0096"),
        ("spare", "70.08"),
        ("rounding up", "34.47"),
        ("pay", "3.9552"),
        ("idle", "2.16"),
    ];
    let by_meter = [
        ("app/cpu", "420.48"),
        ("egress", "170.1"),
        ("support contract", "162.12"),
        ("load balancer", "18.25"),
    ];
    let behaviours = by_behaviour.map(|(name, amount)| share(DriverKind::Behaviour, name, amount));
    behaviours
        .into_iter()
        .chain(by_meter.map(|(name, amount)| share(DriverKind::Meter, name, amount)))
        .collect()
}

pub fn function() -> ConfigProjection {
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
        unit_steps: Vec::new(),
        lasts: 0.03,
        total: None,
        lasts_with_levers: 0.03,
        break_points: vec![broken(
            BreakKind::Quota,
            "1000 concurrent executions",
            Some(estimate(91_200.0, 82_000.0, 103_000.0)),
            1.0,
            0.97,
            true,
        )],
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
        nature: if kind == BreakKind::Quota {
            LimitNature::Hard
        } else {
            LimitNature::Choice
        },
        customers,
        chance_by_month: chances(found, reached),
        open_above: false,
        probability,
        reached,
        extrapolated,
        date,
        met_from: None,
        ceiling: None,
    }
}

/// The chance by the first day of each month of 24, and by their end: what is found is reached around
/// December
/// 2027, what is not at the end at most.
fn chances(found: bool, reached: f64) -> Vec<(jiff::civil::Date, f64)> {
    let day =
        |month: i16| jiff::civil::Date::constant(2026 + (month + 10) / 12, ((month + 10) % 12 + 1) as i8, 1);
    let share = |month: i16| match (found, month) {
        (true, 13) => 0.2,
        (true, 14) => 0.6,
        (true, 15) => 0.9,
        (true, 16..) | (false, 24) => 1.0,
        _ => 0.0,
    };
    (0..=24)
        .map(|month| (day(month), share(month) * reached))
        .collect()
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
                customers_quartiles: [grown / spread.sqrt(), grown * spread.sqrt()],
                cost_quartiles: [cost / spread.sqrt(), cost * spread.sqrt()],
                drivers: Vec::new(),
                instances: Some(estimate(instances, instances, instances + f64::from(month / 8))),
                cost: money(&format!("{cost:.2}"), cost / spread, cost * spread),
                per_1000: money(&format!("{per_1000:.4}"), per_1000 / spread, per_1000 * spread),
                extrapolated: grown > TESTED,
            }
        })
        .collect()
}
