//! The first sentence, in all its variants.

mod support;

use nest_data::projection::{BreakDate, MoneyEstimate};
use nest_report::sentence;
use support::{estimate, projection};

#[test]
fn says_cost_break_point_cause_and_date() {
    assert_eq!(
        sentence(&projection()),
        "At 42,000 customers on `today`: USD 18.36 [17.6 … 19.4] per 1,000 customers and month. It passes a \
         limit that you chose at 46,600 [43,100 … 50,900] customers: \
         app/cpu over reserve. On `expected` growth: Dec 2027 [Nov 2027 … Feb 2028]; certain that it comes \
         before growth ends. Oldest price on this bill: `std-2` (27 % of it), seen 19 days ago."
    );
}

#[test]
fn says_how_far_it_looked_where_nothing_breaks() {
    let mut projection = projection();
    let headline = projection.headline.as_mut().expect("the fixture has one");
    headline.break_point = None;
    assert!(sentence(&projection).ends_with(
        "The best guess reaches no limit below 120,000 customers, four times what was tested. Oldest price \
         on this bill: `std-2` (27 % of it), seen 19 days ago."
    ));
}

#[test]
fn a_break_point_that_was_not_found_is_none() {
    let mut projection = projection();
    projection
        .headline
        .as_mut()
        .and_then(|headline| headline.break_point.as_mut())
        .expect("the fixture has one")
        .customers = None;
    assert!(sentence(&projection).contains("The best guess reaches no limit below 120,000 customers"));
}

#[test]
fn says_no_date_without_growth() {
    let mut projection = projection();
    projection.growth = None;
    assert!(sentence(&projection).ends_with(
        "app/cpu over reserve. Oldest price on this bill: `std-2` (27 % of it), seen 19 days ago."
    ));
}

#[test]
fn says_that_the_scenario_ends_first() {
    let mut projection = projection();
    let point = projection
        .headline
        .as_mut()
        .and_then(|headline| headline.break_point.as_mut())
        .expect("the fixture has one");
    point.date = Some(BreakDate {
        value: None,
        low: None,
        high: None,
    });
    assert!(
        sentence(&projection).contains("On `expected` growth: not before the scenario ends; certain that")
    );
}

#[test]
fn marks_what_is_extrapolated_and_what_costs_at_least() {
    let mut projection = projection();
    let headline = projection.headline.as_mut().expect("the fixture has one");
    headline.per_1000 = MoneyEstimate {
        at_least: true,
        ..headline.per_1000
    };
    headline
        .break_point
        .as_mut()
        .expect("the fixture has one")
        .extrapolated = true;
    let text = sentence(&projection);
    assert!(text.contains("`today`: at least USD 18.36 ["), "{text}");
    assert!(
        text.contains("It passes a limit that you chose at ▨ 46,600 ["),
        "{text}"
    );
}

#[test]
fn says_that_the_break_point_is_past() {
    let mut projection = projection();
    let point = projection
        .headline
        .as_mut()
        .and_then(|headline| headline.break_point.as_mut())
        .expect("the fixture has one");
    point.customers = Some(estimate(30_000.0, 28_000.0, 32_000.0));
    assert!(sentence(&projection).contains("chose before that, at 30,000 [28,000 … 32,000] customers"));
}

#[test]
fn without_a_configuration_it_says_what_was_measured() {
    let mut projection = projection();
    (projection.headline, projection.configs) = (None, Vec::new());
    assert_eq!(
        sentence(&projection),
        "Measured up to 30,000 customers on AMD EPYC 7763, where app/cpu used 0.945 cores."
    );
    projection.points.clear();
    assert_eq!(
        sentence(&projection),
        "No configuration is projected, and no valid step had customers."
    );
}
