//! Statements of one page about one thing agree: readers of the samples stumbled over each of these.

mod support;

use nest_data::{
    Projection,
    projection::{
        Action, BreakDate, BreakKind, Comparison, ConfigTotal, CostDriver, CostLine, Crossover, Curve,
        FeeBill, GrowthProjection, Lever, LeverSetting, MoneyEstimate, PolicyMonth, PriceRow, Scatter,
        SharedLimit, SpreadShare, UnitStep, WhyNot,
    },
    units::QuotedDecimal,
};
use nest_report::{html, markdown, verdict};
use support::{estimate, money, projection, quoted};

/// Text of a page as a reader sees it, on one line.
fn read(projection: &Projection) -> String {
    let page = html(projection).expect("a page");
    let body = page
        .split_once("</style>")
        .map_or(page.as_str(), |(_, body)| body);
    let mut text = String::new();
    let mut inside = false;
    for character in body.chars() {
        match character {
            '<' => inside = true,
            '>' => inside = false,
            other if !inside => text.push(other),
            _ => {}
        }
    }
    let text = text
        .replace("&#39;", "'")
        .replace(['\u{202f}', '\u{a0}'], " ")
        .replace(['\u{2060}', '\u{200b}'], "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn says(text: &str, what: &str) {
    assert!(text.contains(what), "it lacks `{what}`:\n{text}");
}

#[track_caller]
fn never_says(text: &str, what: &str) {
    assert!(!text.contains(what), "it has `{what}`:\n{text}");
}

/// Two set-ups, of which the second costs `change` more in all, `moving` of it once.
fn compared(base: &str, change: MoneyEstimate, moving: Option<&str>) -> Projection {
    let total = |config: &str, change: MoneyEstimate, why_not| ConfigTotal {
        config: config.to_owned(),
        total: MoneyEstimate {
            value: QuotedDecimal(quoted(base).0 + change.value.0),
            at_least: change.at_least,
            ..money("0", 13_000.0 + change.low, 21_700.0 + change.high)
        },
        change,
        cheapest_of_all: 0.5,
        cheapest_of_lasting: 0.0,
        cheapest_with_levers: 0.055,
        cheaper_than_baseline: if change.high < 0.0 { 1.0 } else { 0.0 },
        why_not,
        shared_limit: None,
    };
    let dearer = WhyNot::Dearer {
        than: "today".to_owned(),
        by: 0.7,
    };
    let mut projection = projection();
    projection.configs[1].migration = moving.map(quoted);
    projection.comparison = Some(Comparison {
        baseline: "today".to_owned(),
        months: 36,
        recommended: "today".to_owned(),
        totals: vec![
            total("today", money("0", 0.0, 0.0), Vec::new()),
            total("functions", change, vec![dearer, WhyNot::NoPayback]),
        ],
        crossovers: Vec::new(),
        paybacks: Vec::new(),
        regrets: Vec::new(),
        break_evens: Vec::new(),
    });
    projection
}

/// 11,922 in all are 12,000 for moving and 78 less on the bills; 12,000 is not part of 11,900.
#[test]
fn what_moving_costs_is_no_part_of_a_smaller_sum() {
    let change = MoneyEstimate {
        at_least: true,
        ..money("11922.01", 8_078.0, 19_490.0)
    };
    let page = read(&compared("16201.67", change, Some("12000")));
    says(
        &page,
        "functions: at least $11,900 more than today in all: moving costs $12,000, and the bills are at \
         most $100 lower",
    );
    // What is at least 11,922 is not at least 12,000.
    never_says(&page, "at least +$12,000");
    never_says(&page, "at least $12,000");
    let page = read(&compared(
        "16201.67",
        money("79577.12", 59_471.0, 121_330.0),
        Some("60000"),
    ));
    says(&page, "more than today, $60,000 of it for moving");
}

/// The table has −$950; no sentence and no chart rounds that to $1,000.
#[test]
fn a_difference_has_the_same_digits_everywhere() {
    let mut projection = compared("6234.24", money("-953.09", -1_508.5, -505.9), None);
    projection.actions = vec![Action::Switch {
        to: "functions".to_owned(),
        saves: money("-953.09", -1_508.5, -505.9),
        cheaper: 0.998,
    }];
    let page = read(&projection);
    says(&page, "cheaper, by about $950.");
    says(&page, "costs about $950 less than today");
    says(&page, "functions against today over 36 months: about −$950 (");
    never_says(&page, "about $1,000");
    never_says(&page, "about −$1,000");
}

#[test]
fn moving_is_named_where_it_costs_something() {
    let change = money("500", 400.0, 600.0);
    for free in [None, Some("0")] {
        let free = read(&compared("16201.67", change, free));
        never_says(&free, "moving included");
        never_says(&free, "and moving");
        never_says(&free, "for moving");
        never_says(&free, "what moving costs");
    }
    let paid = read(&compared("16201.67", change, Some("300")));
    says(&paid, "Over 36 months, moving included, against today");
    says(&paid, "in USD, without moving");
}

/// The last column of the table adds up to eleven cases of a hundred.
#[test]
fn cases_in_which_no_set_up_has_room_are_told() {
    let page = read(&compared("16201.67", money("500", 400.0, 600.0), None));
    says(&page, "In 89 of 100 cases none has room even then.");
}

/// Cheaper below 42,000 customers, and cheaper in no case: the plan passes that number, and moving costs.
#[test]
fn a_crossing_says_when_the_plan_passes_it() {
    let mut projection = compared("16201.67", money("500", 400.0, 600.0), Some("300"));
    projection.configs[1].bill.total.at_least = false;
    let crossing = |customers: f64| Crossover {
        below: "functions".to_owned(),
        above: "today".to_owned(),
        customers: estimate(customers, customers, customers),
        first: customers,
        probability: 1.0,
        searched_to: 1e6,
        extrapolated: false,
    };
    let mut told = |customers: f64| {
        if let Some(comparison) = &mut projection.comparison {
            comparison.crossovers = vec![crossing(customers)];
        }
        read(&projection)
    };
    // 18,400 customers in November 2026, and 7 % more each month: 19,690 in December, 21,070 in January.
    says(
        &told(20_000.0),
        "Without what moving costs, a month is cheaper on functions below 20,000 customers, and on today \
         above. The plan passes that in December 2026.",
    );
    says(
        &told(10_000.0),
        "and on today above. The plan begins with 18,400.",
    );
    says(
        &told(900_000.0),
        "and on today above. The plan does not get that far.",
    );
}

fn price(item: &str, age_days: i64, amount: Option<&str>, share: f64) -> PriceRow {
    PriceRow {
        config: "today".to_owned(),
        item: item.to_owned(),
        age_days,
        amount: amount.map(quoted),
        share,
        ..projection().prices.remove(0)
    }
}

/// A price is old when its book says so, in the chart, in the doubts and among the caveats alike; and one
/// that is not known is not old as well.
#[test]
fn one_rule_says_which_price_is_old() {
    let mut projection = projection();
    projection.prices = vec![
        price("std-2", 200, Some("385"), 0.5),
        price("egress", 19, Some("340"), 0.44),
        price("tickets", 3_987, None, 0.0),
    ];
    let page = read(&projection);
    says(&page, "50 % of the bill rests on prices older than 6 months");
    says(
        &page,
        "Amber: older than 6 months, the age that its price book allows.",
    );
    says(
        &page,
        "rests on prices older than their book allows (6 months); that of std-2 was seen 7 months ago",
    );
    never_says(&page, "older than a year");
    says(&page, "tickets: not on the bill, price unknown, from list.");
    never_says(&page, "11 years");
    never_says(&page, "131 months");
}

/// Two servers are allowed and one more stands by. The third that is needed is allowed, the fourth is not.
#[test]
fn stand_by_servers_are_counted_in_every_place() {
    let mut projection = projection();
    let step = |units: f64, customers: f64, allowed| UnitStep {
        resource: "app/cpu".to_owned(),
        units,
        customers: estimate(customers, customers * 0.9, customers * 1.1),
        date: BreakDate {
            value: "2027-06-05".parse().ok(),
            low: "2027-05-02".parse().ok(),
            high: "2027-09-02".parse().ok(),
        },
        reached: 1.0,
        allowed,
        unit_month: None,
    };
    projection.configs[0].unit_steps = vec![step(3.0, 23_000.0, true), step(4.0, 46_600.0, false)];
    projection.levers = vec![lever("today")];
    assert!(
        projection.configs[0]
            .bill
            .lines
            .iter()
            .any(|line| line.driver == CostDriver::Spare)
    );
    let page = read(&projection);
    says(&page, "with both allowed servers at work and the 3rd standing by");
    says(&page, "A 3rd server is needed, those standing by counted: ");
    says(&page, "Those that stand by count as servers.");
    // The same where another limit is the first that more servers move.
    projection.levers[0].kind = BreakKind::ErrorOnset;
    projection.levers[0].cause = "more than 1 % fail, as measured".to_owned();
    says(
        &read(&projection),
        "with both allowed servers at work and the 3rd standing by",
    );
}

fn lever(config: &str) -> Lever {
    let point = projection()
        .headline
        .and_then(|headline| headline.break_point)
        .expect("a limit");
    Lever {
        config: config.to_owned(),
        kind: point.kind,
        cause: point.cause,
        setting: LeverSetting::Max,
        key: format!("configs.{config}.max"),
        from: 2.0,
        to: 5.0,
        chance: [0.82, 0.01],
        date: point.date,
        next: None,
        next_date: None,
        change: money("0", 0.0, 0.0),
        unit_month: Some(quoted("70.08")),
        platform: None,
    }
}

#[test]
fn next_steps_say_whether_they_are_one_choice_or_several() {
    let mut projection = compared("6234.24", money("-953.09", -1_508.5, -505.9), None);
    projection.actions = vec![Action::PullLever { lever: 0, by: None }];
    projection.levers = vec![lever("today")];
    projection.comparison = None;
    projection.points.retain(|point| point.validity.is_fitted());
    assert_eq!(verdict(&projection).together, "");
    let mut projection = compared("6234.24", money("-953.09", -1_508.5, -505.9), None);
    projection.levers = vec![lever("today"), lever("functions")];
    projection.actions = vec![
        Action::PullLever { lever: 0, by: None },
        Action::Switch {
            to: "functions".to_owned(),
            saves: money("-953.09", -1_508.5, -505.9),
            cheaper: 0.998,
        },
    ];
    let both = "No step replaces another; each figure is for that step alone. After the move, the same \
                limit is set by `configs.functions.max`.";
    assert_eq!(verdict(&projection).together, both);
    says(&read(&projection), &both.replace('`', ""));
    says(&markdown(&projection).expect("a summary"), both);
    assert!(
        verdict(&projection).text().ends_with(&both.replace('`', ""))
            || verdict(&projection).text().ends_with(both)
    );
    projection.levers.truncate(1);
    let mut same = projection.clone();
    same.comparison.as_mut().expect("compared").totals[1].shared_limit = Some(SharedLimit {
        cause: "app/cpu".to_owned(),
        moved: 0.0,
    });
    assert_eq!(
        verdict(&same).together,
        "No step replaces another; each figure is for that step alone."
    );
    assert_eq!(
        verdict(&projection).together,
        "Moving to `functions` makes the step about the limit of `today` needless; each figure is for that \
         step alone."
    );
}

/// The best guess saves a server in July, most cases in another month.
#[test]
fn a_month_whose_best_guess_is_unlike_most_cases_is_told_by_its_mean() {
    let mut projection = projection();
    let month = |date: &str, change: MoneyEstimate| PolicyMonth {
        date: date.parse().expect("a date"),
        adopted: 1.0,
        open_items: Vec::new(),
        change,
        fees: None,
    };
    let uneven = MoneyEstimate {
        mean: Some(-2.57),
        ..money("-65.15", -3.307, -0.118)
    };
    projection.policies[0].from = "2028-05-01".parse().ok();
    projection.policies[0].months = vec![
        month("2028-06-01", money("-0.16", -3.25, -0.11)),
        month("2028-07-01", uneven),
    ];
    let page = read(&projection);
    says(&page, "−$2.57 on average−$3.31 to −$0.12; best guess −$65.15");
    says(
        &page,
        "On average: the best guess has one unit more or less in that month",
    );
    never_says(&page, "best guess; most cases");
}

/// Work fits well, and answers of one behaviour do not: the title is about these.
#[test]
fn the_title_of_the_fit_is_about_the_worst() {
    let fitted = |off: f64| {
        let mut projection = projection();
        let mut chart = projection.charts[2].clone();
        let line = |value: f64| Curve {
            name: String::new(),
            points: [1_000.0, 30_000.0].map(|n| [n, value, value, value]).to_vec(),
            stepped: false,
        };
        chart.id = "throughput".to_owned();
        let mut answers = chart.clone();
        answers.id = "response".to_owned();
        for (chart, name, off) in [(&mut chart, "completed", 1.02), (&mut answers, "login", off)] {
            chart.curves = vec![Curve {
                name: name.to_owned(),
                ..line(0.1)
            }];
            chart.measured = vec![Scatter {
                name: name.to_owned(),
                points: vec![[2_000.0, 0.1], [20_000.0, 0.1 * off]],
            }];
            chart.limits.clear();
        }
        projection.charts = vec![chart, answers];
        // Only three doubts are shown.
        projection.caveats.clear();
        projection.prices.clear();
        (read(&projection), projection)
    };
    let (page, mut projection) = fitted(2.02);
    says(&page, "The model misses some answer times");
    says(&page, "Answers of login were measured up to 102 % off it.");
    // A step under more load than the line reaches would flatten the picture; it is told instead.
    projection.charts[1].measured[0].points = vec![[2_000.0, 0.1], [40_000.0, 9.0]];
    let page = read(&projection);
    says(
        &page,
        "Answers under more load than the model says it can carry are not drawn.",
    );
    says(&page, "and one more beyond what the model says it can carry");
    never_says(&page, "Everything measured lies");
    let fitted = |off: f64| fitted(off).0;
    never_says(&fitted(1.05), "The model misses");
    says(
        &fitted(2.02),
        "Farthest from the model: answers of login, up to 102 % off",
    );
    says(&fitted(1.05), "Everything measured lies within 5 % of the model");
    never_says(&fitted(2.02), "throughput lies within");
}

/// Another study takes a measurement whose customers did less: both numbers, and what they have to do with
/// one another.
#[test]
fn customers_of_a_test_are_told_as_those_of_the_study_too() {
    let mut projection = projection();
    says(&read(&projection), "The largest fitted one had 30,000 customers.");
    projection.model.tested_customers = 24_000.0;
    says(
        &read(&projection),
        "The largest fitted one had 30,000 customers; with what a customer does in this study, that is the \
         load of 24,000.",
    );
}

#[test]
fn one_row_is_one_row() {
    let mut projection = projection();
    let point = projection.configs[0].break_points[1].clone();
    for index in projection.configs[0].break_points.len()..7 {
        let mut more = point.clone();
        more.cause = format!("answers: browse p9{index} over 0.3 s");
        projection.configs[0].break_points.push(more);
    }
    projection.configs[0]
        .break_points
        .iter_mut()
        .for_each(|point| point.reached = 1.0);
    assert_eq!(projection.configs[0].break_points[0].kind, BreakKind::OverReserve);
    let summary = markdown(&projection).expect("a summary");
    says(&summary, "One more row is in report.csv.");
}

#[test]
fn a_policy_says_what_explains_the_uncertainty_of_its_money() {
    let mut projection = projection();
    let page = read(&projection);
    says(
        &page,
        "Growth of customers explains most of the uncertainty of these amounts (91 %).",
    );
    never_says(&page, "states no range");
    let totals = &mut projection.policies[0].totals;
    let share = |input: &str, share: f64| SpreadShare {
        input: input.to_owned(),
        share,
    };
    totals.spread = vec![share("parameter rate", 0.997), share("speed of m7i.large", 0.12)];
    totals.fees = Some([totals.before, totals.after, totals.change]);
    says(
        &read(&projection),
        "explains most of the uncertainty of these amounts (nearly all), then speed of m7i.large against \
         tested cores (12 %). The study states no range for the terms of the fees.",
    );
    projection.policies[0].totals.spread.clear();
    never_says(&read(&projection), "explains most of the uncertainty");
}

#[test]
fn fees_that_are_more_than_the_bill_are_doubted() {
    let mut projection = projection();
    let bill = &mut projection.configs[0].bill;
    let line = CostLine {
        meter: "card".to_owned(),
        amount: Some(quoted("358812")),
        source: "public terms, assumed".to_owned(),
        ..bill.lines[0].clone()
    };
    bill.fees = Some(FeeBill {
        lines: vec![line],
        total: money("358812", 350_000.0, 367_000.0),
        per_1000: money("8543", 8_333.0, 8_738.0),
    });
    let doubt = "Nearly all of the cost is fees. The study states their terms, without a date. Its note on \
                 card: public terms, assumed. Check them against your contract.";
    says(&read(&projection), doubt);
    // Where a price of the bill is not known, nobody knows which is more.
    projection.configs[0].bill.total.at_least = true;
    never_says(&read(&projection), doubt);
}

#[test]
fn a_step_names_the_growth_that_reaches_its_limit_before_it_is_due() {
    let mut projection = projection();
    let day = |text: &str| text.parse().ok();
    let mut lever = lever("today");
    lever.date = Some(BreakDate {
        value: day("2028-06-15"),
        low: day("2028-02-10"),
        high: None,
    });
    projection.actions = vec![Action::PullLever { lever: 0, by: None }];
    projection.growths = vec![GrowthProjection {
        name: "campaign".to_owned(),
        months: 24,
        start: estimate(42_000.0, 42_000.0, 42_000.0),
        end: estimate(300_000.0, 250_000.0, 350_000.0),
        total: money("30000", 28_000.0, 33_000.0),
        per_1000: money("1.20", 1.1, 1.3),
        cause: Some(lever.cause.clone()),
        date: Some(BreakDate {
            value: day("2027-11-03"),
            low: None,
            high: None,
        }),
        breaks: 1.0,
        events: Vec::new(),
    }];
    projection.levers = vec![lever];
    let why = |projection: &Projection| verdict(projection).actions[0].why.clone();
    let sooner = "With growth `campaign` the limit comes before that, about November 2027.";
    says(&why(&projection), sooner);
    projection.growths[0].cause = Some("another limit".to_owned());
    never_says(&why(&projection), "campaign");
}
