//! Growth scenarios and break points on the demo shop's committed model: identities between ways to say the
//! same.

use jiff::civil::date;
use nest_data::{
    Document, Estimate, PriceBook, Projection, ScalingModel, Source, Study,
    growth::{GrowthEvent, GrowthRow, GrowthScenario, GrowthStart},
    measurement::ResourceKind,
    projection::BreakKind,
    scaling::ResourceModel,
    study::{Budget, Slo},
};
use nest_model::{
    ProjectOptions, project,
    project::growth::{GrowthModel, Trajectory},
};
use proptest::prelude::*;

fn model() -> ScalingModel {
    ScalingModel::from_json(include_str!("fixtures/shop-scaling.json")).expect("the model is committed")
}

fn projected(model: &ScalingModel, change: impl FnOnce(&mut Study)) -> Projection {
    let mut study = model.study.clone();
    change(&mut study);
    let books = [PriceBook::read(&Source::new(
        "book",
        include_str!("../../../pricing/aws/us-east-1.toml"),
    ))
    .expect("the book is committed")];
    let options = ProjectOptions {
        as_of: date(2026, 11, 23),
        beyond: false,
    };
    project(model, &study, &books, &options).expect("a projection")
}

fn compound(monthly: &str, months: u32) -> GrowthScenario {
    let start = GrowthStart {
        date: date(2026, 12, 1),
        customers: 80_000.0,
    };
    GrowthScenario {
        start: Some(start),
        monthly: Some(monthly.parse().expect("growth")),
        range: Some(["2%".parse().expect("growth"), "12%".parse().expect("growth")]),
        months: Some(months),
        ..GrowthScenario::default()
    }
}

fn event(day: jiff::civil::Date, customers: &str, ramp: Option<&str>) -> GrowthEvent {
    let ramp = ramp.map(|ramp| ramp.parse().expect("a lapse"));
    GrowthEvent {
        date: day,
        customers: customers.parse().expect("a change"),
        range: None,
        ramp,
        note: None,
    }
}

fn paths(scenario: &GrowthScenario) -> Vec<Trajectory> {
    let course = GrowthModel::new("test", scenario).expect("a course");
    std::iter::once(course.central())
        .chain((0..50).map(|index| course.draw(11, index)))
        .collect()
}

fn assert_same(a: &[Trajectory], b: &[Trajectory], months: u32, relative: f64) {
    for (index, (a, b)) in a.iter().zip(b).enumerate() {
        for step in 0..=months * 4 {
            let months = f64::from(step) / 4.0;
            assert!(
                (a.at(months) / b.at(months) - 1.0).abs() <= relative,
                "path {index} at {months}: {} and {}",
                a.at(months),
                b.at(months)
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// An event of nobody changes nothing, whenever it is and however long it takes.
    #[test]
    fn an_event_of_zero_changes_nothing(
        monthly in 0_u32..15,
        day in 0_i64..700,
        share in any::<bool>(),
        weeks in 1_u32..60,
        ramps in any::<bool>(),
    ) {
        let plain = compound(&format!("{monthly}%"), 24);
        let mut with = plain.clone();
        let day = date(2026, 12, 1)
            .checked_add(jiff::ToSpan::days(day))
            .expect("a day");
        let ramp = format!("{weeks} weeks");
        with.events = vec![event(
            day,
            if share { "+0%" } else { "+0" },
            ramps.then_some(ramp.as_str()),
        )];
        assert_same(&paths(&plain), &paths(&with), 24, 1e-12);
    }

    /// Far below its ceiling logistic growth is compound.
    #[test]
    fn a_ceiling_out_of_sight_is_none(monthly in 1_u32..15) {
        let plain = compound(&format!("{monthly}%"), 24);
        let high = GrowthScenario { ceiling: Some([1e17, 2e17, 3e17]), ..plain.clone() };
        // Nothing but the ceiling takes a random number more, so the draws of the monthly change are the
        // same.
        assert_same(&paths(&plain), &paths(&high), 24, 1e-9);
    }

    /// More customers by an event are never reached later.
    #[test]
    fn an_event_brings_dates_nearer(thousands in 0_u32..50, more in 1_u32..50, month in 0_i8..12) {
        let day = date(2027, 1 + month, 15);
        let reached = |thousands: u32| {
            let mut scenario = compound("3%", 36);
            scenario.events = vec![event(day, &format!("+{thousands}000"), None)];
            let course = GrowthModel::new("test", &scenario).expect("a course");
            course.reached_on(&course.central(), 150_000.0)
        };
        let (later, sooner) = (reached(thousands), reached(thousands + more));
        prop_assert!(sooner.is_some() && (later.is_none() || sooner <= later), "{sooner:?} {later:?}");
    }
}

/// A plan that says month by month what compound growth would be is the same scenario: bills, months, dates.
#[test]
fn a_plan_equal_to_compound_growth_gives_an_equal_projection() {
    let model = model();
    let (mut exact, mut plan) = (
        compound("7%", 24),
        GrowthScenario {
            plan: Some("growth.csv".to_owned()),
            ..GrowthScenario::default()
        },
    );
    exact.range = None;
    let course = GrowthModel::new("expected", &exact).expect("a course");
    plan.rows = (0..=24)
        .zip(course.dates())
        .map(|(month, date)| GrowthRow {
            date,
            customers: course.central().at(f64::from(month)),
            range: None,
        })
        .collect();
    let of = |scenario: GrowthScenario| {
        projected(&model, |study| {
            drop(study.growth.insert("expected".to_owned(), scenario))
        })
    };
    let (exact, plan) = (of(exact), of(plan));
    assert!(exact.configs.iter().all(|config| config.months.len() == 24));
    assert_eq!(exact.configs, plan.configs);
    assert_eq!(exact.headline, plan.headline);
}

#[test]
fn a_history_leads_to_months_with_widening_customers_and_one_row_is_refused() {
    let model = model();
    let past = |months: i8| {
        let rows = (1..=months).map(|month| GrowthRow {
            date: date(2026, month, 1),
            customers: 70_000.0 + 2_000.0 * f64::from(month),
            range: None,
        });
        GrowthScenario {
            history: Some("past.csv".to_owned()),
            rows: rows.collect(),
            months: Some(6),
            ..GrowthScenario::default()
        }
    };
    let projection = projected(&model, |study| {
        drop(study.growth.insert("expected".to_owned(), past(9)))
    });
    let months = &projection.configs[0].months;
    assert_eq!((months.len(), months[0].date), (6, date(2026, 9, 1)));
    let width = |month: usize| months[month].customers.high - months[month].customers.low;
    assert!(
        width(0) == 0.0 && width(1) > 0.0 && width(5) > width(1),
        "{:?}",
        months.iter().map(|month| month.customers).collect::<Vec<_>>()
    );

    let mut study = model.study.clone();
    study.growth.insert("expected".to_owned(), past(1));
    let books = [PriceBook::read(&Source::new(
        "book",
        include_str!("../../../pricing/aws/us-east-1.toml"),
    ))
    .expect("the book is committed")];
    let error = project(
        &model,
        &study,
        &books,
        &ProjectOptions {
            as_of: date(2026, 11, 23),
            beyond: false,
        },
    )
    .expect_err("one row");
    assert!(error.to_string().contains("growth `expected`"), "{error}");
}

/// Adds a tier `db` whose processor every pay uses for 40 ms, exactly, and which idles at nothing.
fn with_database(model: &mut ScalingModel, cores: f64) {
    let app = model
        .resources
        .iter()
        .find(|resource| resource.kind == ResourceKind::Cpu)
        .expect("a processor")
        .clone();
    let demand = app
        .demand
        .keys()
        .map(|name| {
            (
                name.clone(),
                Estimate::exact(if name == "pay" { 0.040 } else { 0.0 }),
            )
        })
        .collect();
    let covariance = vec![vec![0.0; app.demand.len() + 1]; app.demand.len() + 1];
    let (name, tier) = ("db/cpu".to_owned(), "db".to_owned());
    model.resources.push(ResourceModel {
        name,
        tier,
        capacity: Some(cores),
        idle: Estimate::exact(0.0),
        demand,
        covariance,
        load_dependence: None,
        ..app
    });
}

#[test]
fn a_tier_that_is_not_placed_still_binds() {
    let mut model = model();
    let before = projected(&model, |_| ());
    with_database(&mut model, 0.02);
    let projection = projected(&model, |study| {
        study
            .configs
            .values_mut()
            .for_each(|config| config.main.max = None)
    });
    for config in &projection.configs {
        let points = |kind| {
            config
                .break_points
                .iter()
                .find(|point| point.kind == kind && point.cause == "db/cpu as measured")
                .expect("it is looked at")
        };
        // 0.02 cores / (3 / 10.5 payments a day x 5e-5 x 0.040 s) is 35,000 customers; 30 % are reserved
        let (full, reserve) = (points(BreakKind::Saturation), points(BreakKind::OverReserve));
        assert!(
            (full.customers.expect("found").value / 35_000.0 - 1.0).abs() < 1e-9,
            "{full:?}"
        );
        assert!((reserve.customers.expect("found").value / 24_500.0 - 1.0).abs() < 1e-9);
        assert!(
            reserve.probability > 0.9,
            "{}: the database fails first, whatever carries the application",
            config.name
        );
    }
    assert!(
        before
            .configs
            .iter()
            .flat_map(|config| &config.break_points)
            .all(|point| !point.cause.starts_with("db"))
    );
}

#[test]
fn probabilities_of_the_causes_sum_to_the_share_of_draws_that_break() {
    for config in projected(&model(), |_| ()).configs {
        let sum: f64 = config.break_points.iter().map(|point| point.probability).sum();
        let most = config
            .break_points
            .iter()
            .filter(|point| point.kind.is_failure())
            .map(|point| point.reached)
            .fold(0.0, f64::max);
        assert!(
            sum <= 1.0 + 1e-12 && sum >= most - 1e-12,
            "{}: {sum} {most}",
            config.name
        );
        assert!(
            config
                .break_points
                .iter()
                .all(|point| point.kind != BreakKind::Knee || point.probability == 0.0)
        );
        for point in &config.break_points {
            assert_eq!(
                point.customers.is_some(),
                point.reached >= 0.05 && point.customers.is_some(),
                "fewer than 5 % of the draws give no number"
            );
        }
    }
}

#[test]
fn a_budget_breaks_where_the_bill_reaches_it() {
    let model = model();
    let breaks = |monthly: Option<&str>, per_1000: Option<&str>| {
        let quoted = |text: Option<&str>| text.map(|text| text.parse().expect("an amount"));
        let projection = projected(&model, |study| {
            study.budget = Budget {
                monthly: quoted(monthly),
                per_1000: quoted(per_1000),
            }
        });
        let config = projection
            .configs
            .into_iter()
            .find(|config| config.name == "today")
            .expect("configured");
        config
            .break_points
            .into_iter()
            .find(|point| point.kind == BreakKind::Budget)
            .expect("it is looked at")
    };
    let bill = |customers: f64| {
        let projection = projected(&model, |study| study.report.customers = Some(customers));
        let config = projection
            .configs
            .into_iter()
            .find(|config| config.name == "today")
            .expect("configured");
        (config.bill.total.value.0, config.bill.per_1000.value.0)
    };
    let point = breaks(Some("250"), None);
    let customers = point.customers.expect("found").value;
    let budget = rust_decimal::Decimal::from(250);
    assert!(
        bill(customers * 0.9999).0 <= budget && bill(customers * 1.0001).0 > budget,
        "{customers}"
    );
    assert_eq!(point.cause, "250 USD a month");
    assert!(breaks(Some("1000000"), None).customers.is_none());
    assert!(breaks(None, Some("1000")).customers.is_none());
    // More than a customer costs from the first on: it breaks where one looks first.
    assert_eq!(
        breaks(None, Some("0.01")).customers.expect("found").value,
        80_000.0
    );
}

#[test]
fn memory_that_customers_fill_is_a_break_point() {
    let mut model = model();
    let rates = model
        .study
        .rates_per_day(&model.study.parameter_values())
        .expect("rates");
    let tier = model
        .resources
        .iter()
        .find(|resource| resource.kind == ResourceKind::Cpu)
        .expect("a processor")
        .tier
        .clone();
    let peak = model.study.busiest_minute_per_s();
    model
        .resources
        .retain(|resource| !(resource.kind == ResourceKind::Memory && resource.tier == tier));
    let app = model.resources[0].clone();
    // 100 kB resident for each customer, by their logins a second; 1 GiB without any
    let demand = app
        .demand
        .keys()
        .map(|name| {
            (
                name.clone(),
                Estimate::exact(if name == "login" {
                    1e5 / (rates["login"] * peak)
                } else {
                    0.0
                }),
            )
        })
        .collect();
    let covariance = vec![vec![0.0; app.demand.len() + 1]; app.demand.len() + 1];
    let name = format!("{tier}/memory");
    model.resources.push(ResourceModel {
        name,
        kind: ResourceKind::Memory,
        capacity: None,
        idle: Estimate::exact(1_073_741_824.0),
        demand,
        covariance,
        load_dependence: None,
        ..app
    });
    let config = projected(&model, |_| ())
        .configs
        .into_iter()
        .find(|config| config.name == "today")
        .expect("configured");
    let point = config
        .break_points
        .iter()
        .find(|point| point.kind == BreakKind::Memory)
        .expect("it is looked at");
    // m7i.large has 8 GiB, of which 90 % may be filled: (7.2 - 1) GiB / 100 kB are 66,572 customers on one
    // instance
    let one = 6.2 * 1_073_741_824.0 / 1e5;
    let found = point.customers.expect("found").value;
    assert!(
        (found / one - 1.0).abs() < 1e-9 || (found / one - 2.0).abs() < 1e-9,
        "{found} {one}"
    );
}

#[test]
fn an_objective_whose_queue_is_elsewhere_breaks_there() {
    let mut model = model();
    with_database(&mut model, 1.0);
    model.quantiles.retain(|law| law.quantile == 0.95);
    model.quantiles.truncate(1);
    let law = &mut model.quantiles[0];
    (law.behaviour, law.resource, law.servers) = ("pay".to_owned(), "db/cpu".to_owned(), 1.0);
    (law.a, law.b, law.covariance_ab) = (Estimate::exact(0.12), Estimate::exact(0.12), 0.0);
    law.service_quantiles = None; // the plain wait
    let projection = projected(&model, |study| {
        study.slo = [(
            "paying".to_owned(),
            Slo {
                applies_to: Some("pay".to_owned()),
                p50: None,
                p95: Some("0.24s".parse().expect("a time")),
                p99: None,
                errors: None,
            },
        )]
        .into();
    });
    for config in &projection.configs {
        let point = config
            .break_points
            .iter()
            .find(|point| point.kind == BreakKind::Slo)
            .expect("it is looked at");
        // a + b rho / (1 - rho) = 2 a at rho = 1/2 of one core: 0.5 / (3 / 10.5 x 5e-5 x 0.040 s) are 875,000
        // customers
        let found = point.customers.map(|customers| customers.value);
        assert!(
            found.is_none_or(|found| (found / 875_000.0 - 1.0).abs() < 1e-9),
            "{found:?}"
        );
    }
}

/// With an objective that allows less use of slow processors, an input at an end of its range gives the day
/// that a projection with that input gives.
#[test]
fn the_ends_of_a_sensitivity_are_projections_with_that_value() {
    let model = model();
    let with = |speed: Option<[f64; 2]>| {
        projected(&model, |study| {
            study.growth = [("up".to_owned(), compound("7%", 24))].into();
            let today = study.configs.get_mut("today").expect("a configuration");
            today.main.reserve = "0%".parse().ok();
            if let Some(speed) = speed {
                today.main.speed = Some(speed);
            }
        })
    };
    let middle = with(None);
    let of_speed = middle
        .sensitivity
        .iter()
        .find(|one| one.input.starts_with("speed of"));
    let of_speed = of_speed.expect("its speed is assumed");
    for (value, date) in of_speed.range.iter().zip(of_speed.date) {
        let there = with(Some([*value, *value]));
        let config = there
            .configs
            .iter()
            .find(|config| config.name == "today")
            .expect("it is there");
        let mut dates: Vec<_> = config
            .break_points
            .iter()
            .filter(|point| point.kind.is_failure())
            .filter_map(|point| point.date?.value)
            .collect();
        dates.sort();
        assert_eq!(dates.first().copied(), date, "at {value}");
    }
}
