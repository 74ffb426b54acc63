//! What holds only from a day on, or up to a number of customers: budgets over a bill that falls, prices and
//! policies with a date, months that are not summed, and what one more unit costs.

use nest_data::{Caveat, projection::BreakPoint};

use super::*;

/// A thousand customers on one unit of 0.1 an hour, and a tenth more each month.
const SMALL: &str = small!("10%");

const UNIT: &str = r#"
[[instance]]
sku = "unit"
arch = "x86_64"
vcpu = "2"
memory_gib = "8"
price = { unit = "h", on_demand = "0.1" }
source = "s"
[[meter]]
id = "by.volume"
unit = "customer"
price = { mode = "volume", tiers = [{ up_to = "2000", amount = "0.05" }, { amount = "0.01" }] }
source = "s"
"#;

fn budget(projection: &Projection) -> &BreakPoint {
    let mut points = config(projection, "c").break_points.iter();
    points
        .find(|point| point.kind == BreakKind::Budget)
        .expect("a budget")
}

/// 73 for the unit and 0.05 for each of up to 2,000 customers: 150 at 1,540 of them. From 2,000 on each costs
/// 0.01 and all is within the budget again, but growth has passed it for months.
#[test]
fn a_bill_that_rises_above_the_budget_and_falls_below_it_again_breaks_where_it_rises() {
    let text = format!("{SMALL}meters = {{ \"by.volume\" = \"customers\" }}\n[budget]\nmonthly = \"150\"\n");
    let projection = projected_with(&text, UNIT, |_| ());
    let point = budget(&projection);
    let at = point.customers.expect("it is passed").value;
    assert!((at - 1_540.0).abs() < 1e-3, "{at}");
    assert_eq!(point.reached, 1.0);
    // 1,000 x 1.1^t = 1,540 after 4.53 months
    let day = point.date.and_then(|date| date.value).expect("a day");
    assert_eq!((day.year(), day.month()), (2027, 5));
}

/// 73 a month until 15 June and 146 from the 16th on, with a budget of 100: nothing passes it earlier.
#[test]
fn a_budget_that_a_dated_price_passes_is_passed_on_its_day() {
    let row = |days: &str, price: &str| {
        let size = "sku = \"dated\"\narch = \"x86_64\"\nvcpu = \"2\"\nmemory_gib = \"8\"\nsource = \"s\"\n";
        format!("[[instance]]\n{size}{days}\nprice = {{ unit = \"h\", on_demand = \"{price}\" }}\n")
    };
    let rows = row("effective_to = 2027-06-16", "0.1") + &row("effective_from = 2027-06-16", "0.2");
    let text = SMALL.edit("sku = \"unit\"", "sku = \"dated\"");
    let text = format!("{text}meters = {{ \"by.volume\" = \"customers\" }}\n[budget]\nmonthly = \"140\"\n")
        .edit("monthly = \"10%\"", "monthly = \"0.5%\"");
    let projection = projected_with(&text, &format!("{UNIT}{rows}"), |_| ());
    let day = budget(&projection).date.and_then(|date| date.value);
    assert_eq!(day, Some(jiff::civil::date(2027, 6, 16)));
}

/// One unit is full in 2027. A policy that triples the work moves that day, but not if it begins later.
#[test]
fn a_policy_moves_no_limit_before_it_begins() {
    let policy = |from: &str| {
        let text = format!("{SMALL}max = 1\n[policies.busier]\nset = {{ often = 3 }}\nfrom = {from}\n")
            .edit("customers = 1_000", "customers = 50_000");
        let projection = projected_with(&text, UNIT, |_| ());
        let policy = projection.policies[0].clone();
        let first = first_break(&config(&projection, "c").break_points)
            .expect("it is full")
            .0
            .clone();
        (policy, first)
    };
    let (early, first) = policy("2027-01-01");
    let full = first.date.and_then(|date| date.value).expect("within the plan");
    let moved = early.date_change_days.expect("both are reached").value;
    assert!(moved < -1.0, "{moved} days, full on {full}");
    let late = format!("{}", full.checked_add(jiff::ToSpan::months(1)).expect("a day"));
    let (late, _) = policy(&late);
    let unmoved = late.date_change_days.expect("both are reached");
    assert!(
        unmoved.value.abs() < 1e-6 && unmoved.low.abs() < 40.0,
        "{unmoved:?}"
    );
    let after = late
        .break_after
        .and_then(|point| point.date)
        .and_then(|date| date.value);
    assert_eq!(after, Some(full));
}

/// Totals are over the five months before everybody leaves, whatever the plan says.
#[test]
fn months_that_are_not_projected_are_not_counted_in_totals() {
    let text = SMALL.edit(
        "months = 12",
        "months = 12\nevents = [{ date = 2027-06-01, customers = \"-5000\" }]",
    );
    let text = format!(
        "{text}[configs.d]\nplatform = \"vm\"\nbook = \"example/one\"\nsku = \"unit\"\nspeed = [1.0, 1.0]\n\
         [policies.busier]\nset = {{ often = 3 }}\n"
    );
    let projection = projected_with(&text, UNIT, |_| ());
    let comparison = projection.comparison.as_ref().expect("two configurations");
    assert_eq!((comparison.months, projection.policies[0].totals.months), (5, 5));
}

/// The price of one more unit is what it adds to the bill: nine tenths of the list price under a contract.
#[test]
fn one_more_unit_costs_what_it_adds_to_the_bill() {
    let contract = "[[adjustment]]\norder = 1\nkind = \"percent\"\npercent = \"-10\"\nselector = \"unit\"\n\
                    label = \"EDP\"\n";
    let text = format!("{SMALL}max = 1\n").edit("customers = 1_000", "customers = 50_000");
    let of = |more: &str| {
        let projection = projected_with(&text, &format!("{UNIT}{more}"), |_| ());
        let month = projection.levers.iter().find_map(|lever| lever.unit_month);
        month.expect("a lever with a price").0.to_f64().expect("a float")
    };
    assert!((of("") - 73.0).abs() < 1e-6, "{}", of(""));
    assert!((of(contract) - 65.7).abs() < 1e-6, "{}", of(contract));
}

/// A type that runs on credits is counted as whole processors, and the caveat names it.
#[test]
fn a_type_on_credits_of_unknown_size_is_told() {
    let note = format!("note = \"{}\"\n", nest_data::price_book::RUNS_ON_CREDITS);
    let unit = "source = \"s\"\n[[meter]]";
    let told = |book: &str| {
        let projection = projected_with(SMALL, book, |_| ());
        projection
            .caveats
            .iter()
            .any(|caveat| matches!(caveat, Caveat::CreditsUnknown { sku, .. } if sku == "unit"))
    };
    assert!(!told(UNIT));
    assert!(told(&UNIT.edit(unit, &format!("{note}{unit}"))));
    assert!(!told(
        &UNIT.edit(unit, &format!("baseline = \"0.2\"\n{note}{unit}"))
    ));
}

/// 73 for 1,000 customers is 73 each; a budget of 50 is met from 1,460 customers on.
#[test]
fn a_budget_for_each_1000_that_growth_meets_says_from_when() {
    let text = format!("{SMALL}[budget]\nper_1000 = \"50\"\n");
    let projection = projected_with(&text, UNIT, |_| ());
    let from = budget(&projection).met_from.expect("it is met");
    assert!((from - 1_460.0).abs() < 1e-3, "{from}");
    let projection = projected_with(
        &text.replace("per_1000 = \"50\"", "per_1000 = \"80\""),
        UNIT,
        |_| (),
    );
    assert_eq!(budget(&projection).met_from, None);
}

/// A growth that began years before the day of the forecast says so.
#[test]
fn a_growth_that_is_past_is_told() {
    let is_told = |text: &str| {
        let projection = projected_with(text, UNIT, |_| ());
        projection
            .caveats
            .iter()
            .any(|caveat| matches!(caveat, Caveat::GrowthBegun { .. }))
    };
    assert!(!is_told(SMALL));
    assert!(is_told(&SMALL.edit("date = 2027-01-01", "date = 2024-05-01")));
}

/// A policy moves the limit by whole days: those between the two dates that are told, whatever it changes.
#[test]
fn days_that_a_policy_moves_a_limit_are_those_between_its_dates() {
    for often in ["0.93", "0.97", "0.99", "1.01", "1.04"] {
        let text = format!("{SMALL}max = 1\n[policies.other]\nset = {{ often = {often} }}\n")
            .edit("customers = 1_000", "customers = 50_000");
        let policy = projected_with(&text, UNIT, |_| ()).policies.remove(0);
        let day = |point: Option<BreakPoint>| point?.date?.value;
        let dates = day(policy.break_before).zip(day(policy.break_after));
        let (before, after) = dates.expect("both are reached");
        let between = before.until((jiff::Unit::Day, after)).expect("days").get_days();
        let moved = policy.date_change_days.expect("both are reached");
        assert_eq!(moved.value, f64::from(between), "{before} to {after}, {moved:?}");
        assert!(moved.low <= moved.value && moved.value <= moved.high, "{moved:?}");
    }
}

/// The caveat about units that are not allowed names the day on which growth needs the first of them, as the
/// steps do.
#[test]
fn units_that_are_not_allowed_have_one_date() {
    let text = format!("{SMALL}max = 1\n").edit("customers = 1_000", "customers = 50_000");
    let projection = projected_with(&text, UNIT, |_| ());
    let steps = &config(&projection, "c").unit_steps;
    let first = steps.iter().find(|step| !step.allowed).expect("a unit too many");
    let from = projection.caveats.iter().find_map(|caveat| match caveat {
        Caveat::MoreThanAllowed { from, .. } => Some(*from),
        _ => None,
    });
    assert!(from.is_some() && from == first.date.value, "{from:?}, {first:?}");
    assert_ne!(
        from.map(jiff::civil::Date::day),
        Some(1),
        "a date that a month's first day hides nothing of"
    );
}

/// A meter that nobody prices is unknown, and not old too; with a price it is old, by the age that its book
/// allows.
#[test]
fn a_price_that_is_not_known_is_not_old() {
    let told = |price: &str| {
        let meter = format!("[[meter]]\nid = \"by.ticket\"\nunit = \"customer\"\n{price}source = \"old\"\n");
        let seen = "[source.old]\ntitle = \"a list\"\nobserved_on = \"2016-05-01\"\nconfidence = \"page\"\n";
        let text = format!("{SMALL}meters = {{ \"by.ticket\" = \"customers\" }}\n");
        let projection = projected_with(&text, &format!("{UNIT}{meter}{seen}"), |_| ());
        let row = projection
            .prices
            .iter()
            .find(|row| row.item == "by.ticket")
            .expect("a row")
            .clone();
        assert_eq!(row.stale_after_days, Some(1_000));
        let has = |of: fn(&Caveat) -> bool| projection.caveats.iter().any(of);
        (
            row.is_old(),
            has(|caveat| matches!(caveat, Caveat::PriceOld { .. })),
            has(|caveat| matches!(caveat, Caveat::PriceUnknown { .. })),
        )
    };
    assert_eq!(told(""), (false, false, true));
    assert_eq!(told("price = { amount = \"0.01\" }\n"), (true, true, false));
}

/// Customers who do twice as much as those of the test: what was tested is the load of half as many.
#[test]
fn cost_is_within_the_load_test_up_to_its_load() {
    let mut measured = 0.0;
    let projection = projected_with(SMALL, UNIT, |model| {
        model.study = study(
            &SMALL
                .edit("20 * often", "10 * often")
                .edit("\"2 / day", "\"1 / day"),
        );
        measured = model.tested.customers;
    });
    let tested = projection.model.tested_customers;
    let mut charts = projection.charts.iter();
    let cost = charts.find(|chart| chart.id == "cost-per-1000").expect("a chart");
    assert_eq!(cost.tested_to, tested);
    assert!(tested < 0.6 * measured, "{tested} of {measured}");
}
