//! A behaviour that moves to another platform, and what a move costs.

use super::*;

/// A limit that nobody measured, held by every execution.
fn lock(model: &mut ScalingModel, study: &Study) {
    let rates: f64 = study
        .rates_per_day(&BTreeMap::new())
        .expect("rates")
        .values()
        .sum();
    let per_customer_per_s = rates * study.busiest_minute_per_s();
    let most_per_s = 150_000.0 * per_customer_per_s;
    let estimate = |value: f64| Estimate {
        value,
        standard_error: 0.02 * value,
        low: 0.97 * value,
        high: 1.03 * value,
    };
    let limit = HiddenBottleneck {
        probability: 0.99,
        evidence: BottleneckEvidence::ResponseTimes,
        behaviour: None,
        hold_s: Some(estimate(1.0 / most_per_s)),
        most_per_s: estimate(most_per_s),
        customers: estimate(150_000.0),
        nodes: vec![BottleneckNode {
            behaviour: None,
            most_per_s,
            servers: 1,
            weight: 1.0,
        }],
    };
    model.tested.customers = 90_000.0;
    model.throughput = Some(ThroughputLaw {
        hidden_bottleneck: Some(limit),
        ..shop_throughput()
    });
}

fn shop_throughput() -> ThroughputLaw {
    let shop = ScalingModel::from_json(include_str!("../fixtures/shop-scaling.json"))
        .expect("the model is committed");
    shop.throughput.expect("the shop has one")
}

/// The question to the architect: does moving `pay` to a function help against a lock on the shared
/// database?
#[test]
fn moving_a_behaviour_does_not_move_a_shared_wall_and_the_comparison_says_so() {
    let text = format!("{STUDY}{MOVED}").edit(
        "platform = \"function\"",
        "platform = \"function\"\nhost = \"example\"",
    );
    let study = study(&text);
    let projection = projected_with(&text, "", |model| lock(model, &study));
    let first = |name: &str| {
        first_break(&config(&projection, name).break_points)
            .map(|(point, customers)| (point.cause.clone(), customers.value))
            .expect("it breaks")
    };
    let ((before_cause, before), (after_cause, after)) = (first("monolith"), first("moved"));
    assert_eq!(before_cause, after_cause);
    assert!((after / before - 1.0).abs() < 0.03, "{before} {after}");
    let comparison = projection.comparison.as_ref().expect("two configurations");
    let wall = comparison
        .totals
        .iter()
        .find(|total| total.config == "moved")
        .and_then(|total| total.shared_limit.as_ref())
        .expect("the same wall");
    assert_eq!(wall.cause, before_cause);
}

#[test]
fn a_moved_behaviour_leaves_its_tier_but_not_the_database() {
    let text = format!("{STUDY}{MOVED}").edit(
        "platform = \"function\"",
        "platform = \"function\"\nhost = \"example\"",
    );
    let projection = projected(&text);
    let (monolith, moved) = (config(&projection, "monolith"), config(&projection, "moved"));
    let of = |config: &ConfigProjection, meter: &str, behaviour: &str| {
        sum(config, |line| {
            line.meter == meter && line.behaviour.as_deref() == Some(behaviour)
        })
    };
    assert!(of(monolith, "two-cores", "pay") > Decimal::ZERO);
    assert_eq!(of(moved, "two-cores", "pay"), Decimal::ZERO);
    assert!(of(moved, "example.duration.x86_64", "pay") > Decimal::ZERO);
    assert_eq!(of(moved, "example.duration.x86_64", "browse"), Decimal::ZERO);
    assert_eq!(
        of(moved, "db.two-cores", "pay"),
        of(monolith, "db.two-cores", "pay")
    );
    let database = |config: &ConfigProjection| {
        let point = config
            .break_points
            .iter()
            .find(|point| point.kind == BreakKind::Saturation && point.cause == "db/cpu")
            .expect("one database");
        point.customers.expect("it has one instance").value
    };
    assert!(
        (database(moved) / database(monolith) - 1.0).abs() < 1e-9,
        "the database still binds"
    );
}

#[test]
fn a_comparison_of_a_configuration_with_itself_is_zero_in_every_draw() {
    let twin =
        STUDY[STUDY.find("[configs.monolith]").expect("there")..].edit("configs.monolith", "configs.twin");
    let projection = projected(&format!("{STUDY}{twin}"));
    let comparison = projection.comparison.expect("two configurations");
    for total in &comparison.totals {
        assert_eq!(
            (total.change.value.0, total.change.low, total.change.high),
            (Decimal::ZERO, 0.0, 0.0),
            "{}",
            total.config
        );
    }
    assert!(
        comparison.crossovers.is_empty() && comparison.regrets.iter().all(|regret| regret.regret.0.is_zero())
    );
}

#[test]
fn a_migration_is_paid_back_by_what_it_saves() {
    // Each month saves exactly 20 of fixed cost: a migration of 100 takes five months.
    let steady = STUDY.edit("monthly = \"3%\"\nrange = [\"1%\", \"5%\"]", "monthly = \"0%\"");
    let base = &steady[steady.find("[configs.monolith]").expect("there")..];
    let with = |name: &str, fixed: &str, more: &str| {
        base.edit("configs.monolith", name).edit(
            "sku = \"two-cores\"",
            &format!("sku = \"two-cores\"\nmonthly = {{ licence = \"{fixed}\" }}\n{more}"),
        )
    };
    let text = format!(
        "{}{}{}",
        &steady[..steady.find("[configs.monolith]").expect("there")],
        with("configs.monolith", "50", ""),
        with("configs.cheap", "30", "migration = { amount = \"100\" }")
    );
    let projection = projected(&text);
    let payback = &projection.comparison.as_ref().expect("two").paybacks[0];
    assert_eq!(payback.config, "cheap");
    assert!((payback.months.expect("paid back").value - 5.0).abs() < 1e-9);
    assert_eq!(payback.probability, 1.0);
}
