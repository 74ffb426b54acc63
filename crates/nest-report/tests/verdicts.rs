//! What a report says first, by every rule that chooses it.

mod support;

use nest_data::{
    Projection,
    measurement::Validity,
    projection::{
        Action, BreakKind, Comparison, ConfigTotal, Lever, LeverSetting, MoneyEstimate, RangeBasis,
        Sensitivity, SharedLimit, WhyNot,
    },
    scaling::MeasuredPoint,
    study::Platform,
};
use nest_report::verdict;
use support::{estimate, money, projection, quoted};

fn title(projection: &Projection) -> String {
    verdict(projection).title
}

fn today(projection: &mut Projection) -> &mut nest_data::projection::ConfigProjection {
    &mut projection.configs[0]
}

/// A comparison of the two configurations, in which functions differ by `change` and are cheaper in
/// `cheaper`.
fn compared(change: MoneyEstimate, cheaper: f64, recommended: &str) -> Comparison {
    let total = |config: &str, change: MoneyEstimate, cheaper| ConfigTotal {
        config: config.to_owned(),
        total: MoneyEstimate {
            value: nest_data::units::QuotedDecimal(money("26400", 0.0, 0.0).value.0 + change.value.0),
            ..money("26400", 24_100.0 + change.low, 29_000.0 + change.high)
        },
        change,
        cheapest_of_all: cheaper,
        cheapest_of_lasting: cheaper,
        cheapest_with_levers: cheaper,
        cheaper_than_baseline: cheaper,
        why_not: vec![WhyNot::NoPayback],
        shared_limit: Some(SharedLimit {
            cause: "db/cpu".to_owned(),
            moved: 0.0,
        }),
    };
    Comparison {
        baseline: "today".to_owned(),
        months: 24,
        recommended: recommended.to_owned(),
        totals: vec![
            total("today", money("0", 0.0, 0.0), 0.5),
            total("functions", change, cheaper),
        ],
        crossovers: Vec::new(),
        paybacks: Vec::new(),
        regrets: Vec::new(),
        break_evens: Vec::new(),
    }
}

fn lever(setting: LeverSetting, chance: [f64; 2]) -> Lever {
    let point = projection()
        .headline
        .and_then(|headline| headline.break_point)
        .expect("the fixture has one");
    Lever {
        config: "today".to_owned(),
        kind: BreakKind::OverReserve,
        cause: "app/cpu".to_owned(),
        setting,
        key: "configs.today.max".to_owned(),
        from: 2.0,
        to: 5.0,
        chance,
        date: point.date,
        next: None,
        next_date: None,
        change: money("0", 0.0, 0.0),
        unit_month: Some(quoted("70.08")),
        platform: Some(Platform::Vm),
    }
}

#[test]
fn a_limit_within_the_plan_is_named_with_its_month() {
    let verdict = verdict(&projection());
    assert_eq!(
        verdict.title,
        "42,000 customers cost $771 a month, with room to grow until about December 2027"
    );
    assert_eq!(
        verdict.sentences,
        [
            "That is $18.36 per 1,000 customers.",
            "At about 46,600 customers (9 in 10: 43,100–50,900; calculated, tested to 30,000) CPU passes the \
             ceiling you set. Growth gets there about December 2027, with 1 chance in 20 by November 2027 \
             and 19 in 20 by February 2028.",
            "The largest part of the bill is `egress`: 22 %.",
        ]
    );
}

#[test]
fn a_limit_that_may_come_is_told_as_a_chance() {
    let mut projection = projection();
    today(&mut projection).lasts = 0.6;
    assert_eq!(
        title(&projection),
        "42,000 customers cost $771 a month; 40 chances in 100 that room runs out before November 2028"
    );
    today(&mut projection).lasts = 0.97;
    assert_eq!(
        title(&projection),
        "42,000 customers cost $771 a month, with room for the whole plan"
    );
}

#[test]
fn the_policy_of_the_title_is_the_first_thing_to_do() {
    let mut projection = projection();
    let policy = &mut projection.policies[0];
    policy.totals.change_with_fees = money("-6000", -6_500.0, -5_500.0);
    policy.from = "2027-03-01".parse().ok();
    let saves = verdict(&projection);
    assert_eq!(
        saves.title,
        "Minimum payment of 10 instead of 5 saves about $6,000 over 24 months"
    );
    assert_eq!(
        saves.actions[0].what,
        "Raise the minimum payment from 5 to 10 from March 2027 on."
    );
    assert!(
        saves.actions[0]
            .why
            .starts_with("Policy `min-payment` saves about $6,000 over 24 months; in 9 cases of 10 between"),
        "{saves:?}"
    );
    projection.policies[0].totals.change_with_fees = money("6000", 5_500.0, 6_500.0);
    assert_eq!(
        verdict(&projection).actions[0].what,
        "Keep the minimum payment at 5."
    );
}

#[test]
fn without_growth_there_is_room_and_no_date() {
    let mut projection = projection();
    projection.growth = None;
    assert_eq!(
        title(&projection),
        "42,000 customers cost $771 a month; there is room for about 46,600"
    );
    projection
        .headline
        .as_mut()
        .expect("the fixture has one")
        .break_point = None;
    let verdict = verdict(&projection);
    assert_eq!(
        verdict.title,
        "42,000 customers cost $771 a month; no limit is found below 120,000 customers"
    );
    assert!(
        verdict.sentences.iter().any(|sentence| sentence
            == "The best guess reaches no limit below 120,000 customers; tested to 30,000."),
        "{verdict:?}"
    );
}

#[test]
fn customers_that_are_too_many_come_first() {
    let mut projection = projection();
    projection
        .headline
        .as_mut()
        .expect("the fixture has one")
        .customers = 60_000.0;
    assert_eq!(
        title(&projection),
        "60,000 customers are more than `today` has room for"
    );
}

#[test]
fn a_policy_that_moves_a_tenth_of_the_cost_is_the_news() {
    let mut projection = projection();
    let totals = &mut projection.policies[0].totals;
    totals.change = money("-6000", -6_500.0, -5_500.0);
    totals.change_with_fees = totals.change;
    assert_eq!(
        title(&projection),
        "Minimum payment of 10 instead of 5 saves about $6,000 over 24 months"
    );
    projection.policies[0].totals.change_with_fees = money("6000", 5_500.0, 6_500.0);
    assert_eq!(
        title(&projection),
        "Minimum payment of 10 instead of 5 costs about $6,000 more over 24 months"
    );
}

#[test]
fn whether_to_move_is_the_news_where_moving_has_a_cost() {
    let mut projection = projection();
    projection.configs[1].migration = Some(quoted("12000"));
    projection.comparison = Some(compared(money("8000", 6_000.0, 11_000.0), 0.0, "today"));
    let stay = verdict(&projection);
    assert_eq!(
        stay.title,
        "Stay on `today`: moving costs $12,000 and does not pay back"
    );
    assert!(
        stay.sentences[1].ends_with("The other set-up meets the same limit: moving does not change that.")
    );
    projection.comparison = Some(compared(money("100", -2_000.0, 2_100.0), 0.48, "today"));
    assert_eq!(title(&projection), "`today` or `functions`: too close to call");
    projection.comparison = Some(compared(money("-5000", -6_000.0, -4_000.0), 0.99, "functions"));
    assert_eq!(
        title(&projection),
        "Move to `functions`: it saves about $5,000 over 24 months, in 99 of 100 cases"
    );
}

#[test]
fn staying_is_an_action_where_others_cost_more() {
    let mut projection = projection();
    projection.comparison = Some(compared(money("1900", -390.0, 3_900.0), 0.18, "today"));
    let actions = verdict(&projection).actions;
    assert_eq!(actions[0].what, "Stay on `today`: it is likely cheaper.");
    assert_eq!(
        actions[0].why,
        "Over 24 months `functions` costs about $1,900 more; `today` is cheaper in 82 of 100 cases."
    );
    projection.comparison = Some(compared(money("100", -2_000.0, 2_100.0), 0.48, "today"));
    assert_eq!(
        verdict(&projection).actions[0].what,
        "`today` or `functions`: too close to call."
    );
}

#[test]
fn a_cheaper_configuration_that_something_speaks_against_is_not_too_close_to_call() {
    let mut projection = projection();
    let mut comparison = compared(money("-5000", -6_000.0, -4_000.0), 1.0, "today");
    comparison.totals[0].cheapest_of_all = 0.0;
    comparison.totals[1].why_not = vec![WhyNot::LocalState {
        tier: "app".to_owned(),
    }];
    projection.comparison = Some(comparison.clone());
    let found = verdict(&projection).actions.remove(0);
    assert_eq!(
        found.what,
        "Find out what keeps you from `functions`: it is cheaper."
    );
    assert!(
        found
            .why
            .starts_with("Over 24 months `functions` costs about $5,000 less")
            && found.why.ends_with(
                "Against it: `app` keeps files of its own, and the study does not say what \
                                    replaces them."
            ),
        "{}",
        found.why
    );
    // A rival of which a price is missing saves at most so much.
    comparison.totals[1].total.at_least = true;
    comparison.totals[1].change.at_least = true;
    projection.comparison = Some(comparison);
    let found = verdict(&projection).actions.remove(0);
    assert!(found.why.contains("costs at most $5,000 less"), "{}", found.why);
}

/// 17,286 less in fees and 8,618 more for servers are 8,668 less, but not in fees.
#[test]
fn fees_that_fall_and_servers_that_rise_are_told_apart() {
    let mut projection = projection();
    let totals = &mut projection.policies[0].totals;
    totals.before = money("20000", 20_000.0, 20_000.0);
    totals.change = money("8618", 8_618.0, 8_618.0);
    totals.fees = Some([
        money("30000", 30_000.0, 30_000.0),
        money("12714", 12_714.0, 12_714.0),
        money("-17286", -17_286.0, -17_286.0),
    ]);
    totals.change_with_fees = money("-8668", -8_668.0, -8_668.0);
    let title = title(&projection);
    assert!(
        title.ends_with("saves $8,668 over 24 months, $17,286 less in fees and $8,618 more for servers"),
        "{title}"
    );
}

/// What a plan says of days that are past is no advice for those to come.
#[test]
fn a_plan_that_is_past_is_to_be_brought_up_to_date() {
    let mut projection = projection();
    projection.as_of = "2029-06-01".parse().expect("a day");
    projection.actions = vec![Action::Wait { until: None }];
    let action = verdict(&projection).actions.remove(0);
    assert!(
        action.why.contains("before the day of this forecast"),
        "{}",
        action.why
    );
    projection.actions = vec![Action::Wait {
        until: "2027-11-20".parse().ok(),
    }];
    let action = verdict(&projection).actions.remove(0);
    assert_eq!(action.what, "Bring the plan of growth up to date.");
}

#[test]
fn a_lever_says_what_to_set_and_what_comes_of_it() {
    let mut projection = projection();
    projection.actions = vec![Action::PullLever { lever: 0, by: None }];
    projection.levers = vec![lever(LeverSetting::Max, [0.8165, 0.0125])];
    let pulled = verdict(&projection).actions.remove(0);
    assert_eq!(pulled.what, "Allow 5 servers instead of 2 by November 2027.");
    assert_eq!(
        pulled.why,
        "Set `configs.today.max` from 2 to 5. Each further server costs $70.08 a month from when it is \
         needed; the \
         totals hold that. The chance of reaching this limit by November 2028 falls from 82 of 100 to 1 \
         of 100."
    );
    // What the lever allows is part of the name of the limit.
    assert!(verdict(&projection).sentences[1].contains("ceiling you set, with both allowed servers."));
    // With a server on stand-by, the first one too many is the fourth.
    today(&mut projection).unit_steps = vec![nest_data::projection::UnitStep {
        resource: "app/cpu".to_owned(),
        units: 4.0,
        customers: estimate(46_600.0, 43_100.0, 50_900.0),
        date: nest_data::projection::BreakDate {
            value: None,
            low: None,
            high: None,
        },
        reached: 0.8,
        allowed: false,
        unit_month: None,
    }];
    let spare = verdict(&projection);
    assert!(spare.sentences[1].contains("with both allowed servers at work and the 3rd standing by."));
    assert!(
        spare.actions[0]
            .why
            .contains("from 2 to 5; stand-by servers come on top.")
    );
}

#[test]
fn a_lever_that_is_no_way_out_is_not_sold_as_one() {
    let mut projection = projection();
    projection.actions = vec![Action::PullLever { lever: 0, by: None }];
    projection.levers = vec![lever(LeverSetting::Reserve, [0.98, 0.91])];
    let plan = verdict(&projection).actions.remove(0);
    assert_eq!(plan.what, "Plan a way past the first limit by November 2027.");
    assert!(
        plan.why
            .ends_with("Setting `configs.today.max` from 2 to 5 hardly helps."),
        "{}",
        plan.why
    );
}

#[test]
fn other_actions_are_in_words() {
    let mut projection = projection();
    projection.sensitivity = vec![Sensitivity {
        input: "burst of the busiest minute".to_owned(),
        range: [1.2, 1.8],
        unit: String::new(),
        basis: RangeBasis::Assumed,
        date: [None, "2027-10-03".parse().ok()],
        months: 5.0,
        total: [1.0, 2.0],
        per_1000: [1.0, 2.0],
    }];
    projection.actions = vec![
        Action::Wait {
            until: "2027-11-20".parse().ok(),
        },
        Action::CheckPrice { price: 0 },
        Action::Narrow { input: 0 },
    ];
    let actions = verdict(&projection).actions;
    let whats: Vec<&str> = actions.iter().map(|action| action.what.as_str()).collect();
    assert_eq!(
        whats,
        [
            "Nothing has to be done before November 2027.",
            "Look up the price of `std-2` before you sign.",
            "Find out more about busiest minute against its hour.",
        ]
    );
    assert_eq!(
        actions[1].why,
        "$210 a month, 27 % of this bill, seen 19 days ago in a price list."
    );
    assert_eq!(
        actions[2].why,
        "It moves the first limit most. Range 1.2–1.8: the limit comes after November 2028 or never at \
         one end, October 2027 at the other."
    );
}

#[test]
fn a_disturbed_test_is_said_and_is_an_action() {
    let mut projection = projection();
    for point in &mut projection.points {
        point.validity = Validity::Suspect;
    }
    projection.points[0].validity = Validity::Valid;
    // The idle step says nothing about how the load went.
    projection.points.push(MeasuredPoint {
        offered_per_s: 0.0,
        ..projection.points[0].clone()
    });
    let disturbed = verdict(&projection);
    assert_eq!(
        disturbed.sentences.last().map(String::as_str),
        Some(
            "The load test was disturbed: only 1 of 5 steps under load is clean, and the intervals are \
             wider for it."
        )
    );
    assert_eq!(
        disturbed.actions.last().map(|action| action.what.as_str()),
        Some("Repeat the load test on a quieter machine.")
    );
}

#[test]
fn an_unstated_number_of_customers_is_said() {
    let mut projection = projection();
    projection
        .headline
        .as_mut()
        .expect("the fixture has one")
        .customers_stated = false;
    assert!(verdict(&projection).sentences[0].ends_with(
        "The study does not say how many customers there are; these are the most that were tested with room."
    ));
}

#[test]
fn a_missing_price_makes_it_at_least() {
    let mut projection = projection();
    today(&mut projection).bill.total.at_least = true;
    assert!(title(&projection).starts_with("42,000 customers cost at least $770 a month"));
}

#[test]
fn without_a_configuration_it_says_what_was_measured() {
    let mut projection = projection();
    projection.headline = None;
    assert_eq!(title(&projection), "Tested with up to 30,000 customers");
    for point in &mut projection.points {
        point.validity = Validity::Invalid;
    }
    let verdict = verdict(&projection);
    assert_eq!(verdict.title, "The load test has no valid step with customers");
    assert!(
        verdict
            .sentences
            .iter()
            .any(|text| text.starts_with("None of the 5 test steps under load is valid"))
    );
}

#[test]
fn the_terminal_gets_plain_lines() {
    let mut projection = projection();
    projection.configs[0].name = "a\u{1b}[31m\nb\u{202e}".to_owned();
    let headline = projection.headline.as_mut().expect("the fixture has one");
    headline.config = projection.configs[0].name.clone();
    headline.customers = 60_000.0;
    headline
        .break_point
        .as_mut()
        .expect("the fixture has one")
        .customers = Some(estimate(50_000.0, 49_000.0, 51_000.0));
    projection.actions = vec![Action::Wait { until: None }];
    let text = verdict(&projection).text();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(
        text.starts_with(
            "60,000 customers are more than `a [31m b` has room for\n60,000 customers cost $771 a month on \
             `a [31m b`: "
        ),
        "{text}"
    );
    assert!(text.contains("\n1. Nothing has to be done"), "{text}");
}

/// A projection whose first limit is a budget at some customers, with 100,000 customers from the start on who
/// change by a factor a month.
fn with_budget(customers: f64, factor: f64) -> Projection {
    let mut projection = projection();
    let config = today(&mut projection);
    config.lasts = 0.0;
    for (month, index) in config.months.iter_mut().zip(0..) {
        let there = 100_000.0 * factor.powi(index);
        month.customers = estimate(there, there, there);
    }
    let point = &mut config.break_points[0];
    point.kind = BreakKind::Budget;
    point.cause = "100 USD a month".to_owned();
    point.customers = Some(estimate(customers, customers, customers));
    let point = point.clone();
    let headline = projection.headline.as_mut().expect("the fixture has one");
    headline.customers = 100_000.0;
    headline.break_point = Some(point);
    projection
}

/// Customers who are more than a limit that comes a year later are not too many: they fall to it, or a price
/// that changes brings it to them.
#[test]
fn a_limit_that_comes_later_is_not_passed_today() {
    let falls = with_budget(40_000.0, 0.93);
    let verdict = verdict(&falls);
    assert_eq!(
        verdict.title,
        "100,000 customers cost $771 a month, within your budget until about December 2027"
    );
    assert!(
        verdict.sentences[1].contains(" Customers fall to that number about December 2027"),
        "{:?}",
        verdict.sentences
    );
    let dearer = nest_report::verdict(&with_budget(1.0, 1.07));
    assert_eq!(
        dearer.title,
        "100,000 customers cost $771 a month, within your budget until about December 2027"
    );
    let sentence = &dearer.sentences[1];
    assert!(
        sentence.starts_with(
            "About December 2027, with 1 chance in 20 by November 2027 and 19 in 20 by February 2028"
        ) && sentence.ends_with(", because a price changes or a commitment ends."),
        "{sentence}"
    );
    // More customers than a limit that growth comes to from below are too many.
    let mut over = with_budget(150_000.0, 1.07);
    over.headline.as_mut().expect("a headline").customers = 200_000.0;
    assert_eq!(
        title(&over),
        "200,000 customers are more than `today` has room for"
    );
}
