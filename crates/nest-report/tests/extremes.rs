//! Projections of unusual shape: every page is made, stays within its size, and says what is missing.

mod support;

use nest_data::{
    Projection,
    measurement::{Purpose, Validity},
    projection::{CostDriver, CostLine},
};
use nest_report::{csv, html, markdown, verdict};
use support::{projection, quoted};

/// Most lines of the summary.
const LINES: usize = 60;
/// Most bytes of the page, tables included.
const BYTES: usize = 250_000;

/// The page and the summary, which every projection has.
fn pages(projection: &Projection) -> (String, String) {
    let page = html(projection).expect("a page");
    let summary = markdown(projection).expect("a summary");
    assert!(page.contains("<h1>") && page.trim_end().ends_with("</html>"));
    assert!(page.len() <= BYTES, "{} bytes", page.len());
    assert!(
        !page.contains("NaN") && !page.contains(">inf"),
        "a number that is none"
    );
    let lines = summary.lines().count();
    assert!(lines <= LINES, "{lines} lines:\n{summary}");
    assert!(summary.starts_with("# "));
    assert!(csv(projection).lines().count() > 1);
    assert!(!verdict(projection).title.is_empty());
    (page, summary)
}

#[test]
fn the_fixture_fits() {
    pages(&projection());
}

#[test]
fn one_step_is_enough_for_a_page() {
    let mut projection = projection();
    projection.points.truncate(1);
    projection.checks.clear();
    let (page, _) = pages(&projection);
    assert!(page.contains("1 test step: 1 valid."));
}

#[test]
fn an_interrupted_run_says_that_it_has_no_customers() {
    let mut projection = projection();
    projection
        .points
        .retain(|point| point.purpose == Purpose::Boosted);
    projection.checks.clear();
    projection.model.tested_customers = 0.0;
    let (page, _) = pages(&projection);
    assert!(page.contains("None of them had customers and was fitted."));
    assert!(page.contains("No customers were tested with success"));
    assert!(!page.contains("tested to 0"));
}

#[test]
fn a_measurement_without_a_valid_step_says_so_first() {
    let mut projection = projection();
    for point in &mut projection.points {
        point.validity = Validity::Invalid;
    }
    let (page, summary) = pages(&projection);
    for text in [&page, &summary] {
        assert!(text.contains(
            "None of the 5 test steps under load is valid: measure again before you rely on this."
        ));
    }
}

#[test]
fn nothing_measured_at_all_is_said() {
    let mut projection = projection();
    projection.points.clear();
    projection.checks.clear();
    let (page, _) = pages(&projection);
    assert!(page.contains("There is no measured step under load: every figure rests on the model alone."));
}

#[test]
fn without_growth_there_is_no_month_and_no_date() {
    let mut projection = projection();
    projection.growth = None;
    for config in &mut projection.configs {
        config.months.clear();
        for point in &mut config.break_points {
            point.chance_by_month.clear();
        }
    }
    if let Some(point) = projection
        .headline
        .as_mut()
        .and_then(|headline| headline.break_point.as_mut())
    {
        point.chance_by_month.clear();
    }
    let (page, summary) = pages(&projection);
    assert!(page.contains("the study has no plan of growth"));
    assert!(!page.contains("Best guess by year") && !page.contains("<dt>First limit reached"));
    assert!(!summary.contains("2027"), "{summary}");
}

#[test]
fn one_configuration_is_compared_with_nothing() {
    let mut projection = projection();
    projection.configs.truncate(1);
    let (page, _) = pages(&projection);
    assert!(!page.contains("First limit of each set-up") && !page.contains("id=\"compare\""));
}

#[test]
fn twelve_configurations_fit() {
    let mut projection = projection();
    let base = projection.configs[1].clone();
    for index in 2..12 {
        let mut config = base.clone();
        config.name = format!("functions-{index}");
        projection.configs.push(config);
    }
    let (page, _) = pages(&projection);
    assert!(page.contains("functions-11") && page.contains("report.csv has the bills of 10 more set-ups."));
}

#[test]
fn sixty_behaviours_fit_and_the_bill_still_adds_up() {
    let mut projection = projection();
    let (demand, rate) = (projection.demand[0].clone(), projection.rates_per_day[0].1);
    let bill = &mut projection.configs[0].bill;
    for index in 0..60 {
        let name = format!("behaviour-{index:02}");
        projection.demand.push(nest_data::projection::DemandRow {
            behaviour: name.clone(),
            ..demand.clone()
        });
        projection.rates_per_day.push((name.clone(), rate));
        bill.lines.push(CostLine {
            driver: CostDriver::Behaviour,
            behaviour: Some(name),
            meter: "app/cpu".to_owned(),
            quantity: quoted("1"),
            unit: "hours".to_owned(),
            amount: Some(quoted("0.015")),
            source: "list".to_owned(),
        });
    }
    bill.total.value.0 += rust_decimal::Decimal::new(90, 2);
    let (page, _) = pages(&projection);
    assert!(
        page.contains("59 smaller lines") && page.contains("$771.85"),
        "the rest is one line"
    );
    assert!(page.contains("The first 12 of 66; report.csv has them all."));
}

#[test]
fn names_of_two_hundred_characters_are_cut_in_sentences() {
    let mut projection = projection();
    let name = "n".repeat(200);
    projection.configs[0].name = name.clone();
    projection.headline.as_mut().expect("the fixture has one").config = name.clone();
    projection.policies[0].name = name.clone();
    projection.study.name = name.clone();
    let (page, summary) = pages(&projection);
    assert!(!summary.contains(&name), "{summary}");
    assert!(page.contains(&format!("{}…", "n".repeat(48))));
}

#[test]
fn euros_and_yen_have_their_signs() {
    for (currency, sum) in [("EUR", "€771"), ("JPY", "¥771"), ("CHF", "CHF 771")] {
        let mut projection = projection();
        projection.study.currency = currency.to_owned();
        for config in &mut projection.configs {
            config.currency = currency.to_owned();
        }
        let (page, summary) = pages(&projection);
        for text in [&page, &summary] {
            assert!(
                text.contains(&format!("42,000 customers cost {sum} a month")),
                "{currency}"
            );
            assert!(!text.contains('$'), "{currency}");
        }
    }
}
