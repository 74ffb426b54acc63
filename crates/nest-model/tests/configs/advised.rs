//! What is advised is what happens: a lever's key set to its value brings what the lever promises.

use nest_data::projection::{Lever, LeverSetting};

use super::*;

/// What a lever's key is set to, as it is written after `--set`.
fn value_of(lever: &Lever) -> String {
    match lever.setting {
        LeverSetting::Objective => format!("{}ms", (lever.to * 1e3).round()),
        _ => format!("{}", lever.to),
    }
}

/// Every lever of a study, each applied on its own. Gives their keys.
fn applied(text: &str, more: &str) -> Vec<String> {
    let before = projected_with(text, more, |_| ());
    let levers = before.levers.iter();
    levers
        .map(|lever| {
            let changed = study_with(text, &[(lever.key.clone(), value_of(lever))]);
            let again = project(&model(&study(text)), &changed, &[book(more)], &options())
                .unwrap_or_else(|error| panic!("{}: {error}", lever.key));
            let same = |point: &&nest_data::projection::BreakPoint| {
                let named = point.cause == lever.cause || point.kind == BreakKind::Budget;
                point.kind == lever.kind && named
            };
            let of = |projection: &Projection| {
                let points = &config(projection, &lever.config).break_points;
                points.iter().find(same).map_or(0.0, |point| point.reached)
            };
            assert!(
                (of(&before) - lever.chance[0]).abs() < 1e-12 && (of(&again) - lever.chance[1]).abs() < 1e-12,
                "{lever:?}: {} and {}",
                of(&before),
                of(&again)
            );
            assert!(
                lever.chance[1] < lever.chance[0] || lever.next_date != lever.date,
                "{lever:?} changes nothing"
            );
            let now: Decimal = config(&before, &lever.config)
                .total
                .map_or(Decimal::ZERO, |total| total.value.0);
            let then = config(&again, &lever.config)
                .total
                .map_or(Decimal::ZERO, |total| total.value.0);
            let difference = then - now - lever.change.value.0;
            assert!(difference.abs() < Decimal::new(1, 9), "{lever:?}: {difference}");
            lever.key.clone()
        })
        .collect()
}

/// Reserves of every form: stated as one, as two parts of either size, and not at all.
#[test]
fn a_reserve_is_lowered_by_the_key_that_is_named() {
    let database = "sku = \"db.two-cores\"\nspeed = [1.0, 1.0]";
    for (reserve, key) in [
        ("reserve = \"30%\"", "reserve"),
        (
            "headroom = { queueing = \"20%\", forecast = \"10%\" }",
            "headroom.queueing",
        ),
        (
            "headroom = { queueing = \"10%\", forecast = \"25%\" }",
            "headroom.forecast",
        ),
        ("headroom = { queueing = \"30%\" }", "headroom.queueing"),
        ("", "reserve"),
    ] {
        let mut found = Vec::new();
        for monthly in ["6%", "7%", "8%", "9%", "11%"] {
            let text = STUDY
                .edit(database, &format!("{database}\n{reserve}"))
                .edit("monthly = \"3%\"", &format!("monthly = \"{monthly}\""))
                .edit("range = [\"1%\", \"5%\"]\n", "");
            found.extend(applied(&text, ""));
        }
        let expected = format!("configs.monolith.place.0.{key}");
        assert!(found.contains(&expected), "{expected} in {found:?}");
    }
}

#[test]
fn servers_and_budgets_are_raised_by_the_key_that_is_named() {
    let fast = STUDY
        .edit("monthly = \"3%\"", "monthly = \"9%\"")
        .edit("range = [\"1%\", \"5%\"]", "range = [\"7%\", \"11%\"]");
    let budget = "[budget]\nmonthly = \"450\"\nper_1000 = \"3.5\"\n";
    let text = format!(
        "{}{MOVED}{budget}",
        fast.edit("min = 1\nspare = 1", "min = 1\nmax = 3\nspare = 1")
    );
    let found = applied(&text, "");
    for key in ["configs.monolith.max", "budget.monthly"] {
        assert!(found.iter().any(|one| one == key), "{key} in {found:?}");
    }
}

/// A unit of 73 a month that costs 146 from 2027-06-15 on.
const DATED: &str = r#"
[[instance]]
sku = "dated"
arch = "x86_64"
vcpu = "2"
memory_gib = "8"
price = { on_demand = "0.1", unit = "h" }
effective_to = 2027-06-15
source = "s"
[[instance]]
sku = "dated"
arch = "x86_64"
vcpu = "2"
memory_gib = "8"
price = { on_demand = "0.2", unit = "h" }
effective_from = 2027-06-15
source = "s"
"#;

/// The price of a further unit is that of the day on which it is needed, not of today.
#[test]
fn a_further_unit_costs_what_it_costs_when_it_is_needed() {
    let text = STUDY
        .edit(
            "sku = \"two-cores\"\nmin = 1\nspare = 1",
            "sku = \"dated\"\nmin = 1\nmax = 3",
        )
        .edit("monthly = \"3%\"", "monthly = \"6%\"")
        .edit("range = [\"1%\", \"5%\"]\n", "")
        .edit("customers = 100_000", "customers = 60_000")
        .edit("months = 12", "months = 24");
    let projection = projected_with(&text, DATED, |_| ());
    let change = jiff::civil::date(2027, 6, 15);
    let steps = &config(&projection, "monolith").unit_steps;
    let (mut before, mut after) = (0, 0);
    for step in steps.iter().filter(|step| step.resource == "app/cpu") {
        let Some(day) = step.date.value else { continue };
        let expected = if day < change { 73 } else { 146 };
        *if day < change { &mut before } else { &mut after } += 1;
        assert_eq!(
            step.unit_month.map(|price| price.0),
            Some(Decimal::from(expected)),
            "on {day}"
        );
    }
    assert!(
        before > 0 && after > 0,
        "{before} steps before {change}, {after} after it"
    );
    let lever = projection
        .levers
        .iter()
        .find(|lever| lever.key == "configs.monolith.max");
    let lever = lever.expect("three are too few");
    let day = lever.date.and_then(|date| date.value).expect("a day");
    assert!(day > change, "{day}");
    assert_eq!(
        lever.unit_month.map(|price| price.0),
        Some(Decimal::from(146)),
        "{lever:?}"
    );
}

/// One unit is enough for few customers, and the least that one of the two runs is two: they cost the same
/// once both need two.
#[test]
fn configurations_that_come_to_cost_the_same_do_not_cross() {
    let unit = |name: &str, least: u32| {
        format!(
            "[configs.{name}]\nplatform = \"vm\"\nbook = \"example/one\"\nsku = \"two-cores\"\n\
             min = {least}\nspeed = [1.0, 1.0]\n"
        )
    };
    let end = STUDY.find("[report]").expect("there");
    for (a, b) in [(1, 2), (2, 1)] {
        let text = format!(
            "{}[report]\nconfig = \"a\"\n{}{}",
            &STUDY[..end],
            unit("a", a),
            unit("b", b)
        );
        let comparison = projected(&text).comparison.expect("two configurations");
        assert_eq!(comparison.crossovers, [], "{a} and {b}");
    }
}
