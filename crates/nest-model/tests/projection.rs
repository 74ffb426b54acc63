//! The projection of the demo shop's committed model: identities that must hold whatever was measured.

use nest_data::{Caveat, Document, PriceBook, Projection, ScalingModel, Source, Study};
use nest_model::{ModelError, ProjectOptions, project};
use rust_decimal::{Decimal, prelude::ToPrimitive};

fn model() -> ScalingModel {
    ScalingModel::from_json(include_str!("fixtures/shop-scaling.json")).expect("the model is committed")
}

fn books() -> Vec<PriceBook> {
    vec![
        PriceBook::read(&Source::new(
            "book",
            include_str!("../../../pricing/aws/us-east-1.toml"),
        ))
        .expect("the book is committed"),
    ]
}

fn projected(change: impl FnOnce(&mut Study)) -> Projection {
    let model = model();
    let mut study = model.study.clone();
    change(&mut study);
    let options = ProjectOptions {
        as_of: jiff::civil::date(2026, 11, 23),
        beyond: false,
    };
    project(&model, &study, &books(), &options).expect("a projection")
}

#[test]
fn cost_lines_sum_to_the_total_exactly_and_the_draws_lie_around_it() {
    for customers in [1.0, 40_000.0, 1_234_567.0, 9.87e9] {
        let projection = projected(|study| study.report.customers = Some(customers));
        for config in &projection.configs {
            let sum: Decimal = config
                .bill
                .lines
                .iter()
                .map(|line| line.amount.expect("every price is known").0)
                .sum();
            assert_eq!(sum, config.bill.total.value.0, "{} at {customers}", config.name);
            assert!(
                config
                    .bill
                    .lines
                    .iter()
                    .all(|line| line.amount.expect("known").0 >= Decimal::ZERO),
                "{} at {customers}",
                config.name
            );
            let value = sum.to_f64().expect("a float");
            assert!(
                config.bill.total.low <= value * (1.0 + 1e-9)
                    && value <= config.bill.total.high * (1.0 + 1e-9),
                "{} at {customers}",
                config.name
            );
        }
    }
}

#[test]
fn the_decimal_bill_and_the_float_of_the_same_world_agree() {
    // Speed is exact, so the draws of cost differ only by demand; at one instance and its spare they do not
    // differ at all.
    let projection = projected(|study| {
        study.report.customers = Some(10_000.0);
        study
            .configs
            .values_mut()
            .for_each(|config| config.main.speed = Some([1.0, 1.0]));
    });
    let today = projection
        .configs
        .iter()
        .find(|config| config.name == "today")
        .expect("configured");
    let value = today.bill.total.value.0.to_f64().expect("a float");
    assert!(
        (today.bill.total.low / value - 1.0).abs() < 1e-9
            && (today.bill.total.high / value - 1.0).abs() < 1e-9,
        "{:?}",
        today.bill.total
    );
}

#[test]
fn a_policy_that_changes_nothing_changes_nothing() {
    let projection = projected(|study| {
        study
            .policies
            .values_mut()
            .for_each(|policy| policy.set.values_mut().for_each(|value| *value = 10.0))
    });
    let policy = &projection.policies[0];
    assert_eq!(
        (policy.change.value.0, policy.change.low, policy.change.high),
        (Decimal::ZERO, 0.0, 0.0)
    );
    assert_eq!((policy.demand_change.value, policy.demand_change.low), (0.0, 0.0));
    assert!(policy.rates_per_day.is_empty());
}

#[test]
fn more_customers_never_cost_less_and_caveats_of_the_model_stay() {
    let totals: Vec<Decimal> = [1e3, 1e4, 1e5, 1e6, 1e7]
        .map(|customers| {
            projected(|study| study.report.customers = Some(customers)).configs[0]
                .bill
                .total
                .value
                .0
        })
        .to_vec();
    assert!(totals.windows(2).all(|pair| pair[0] <= pair[1]), "{totals:?}");
    let projection = projected(|_| ());
    assert!(
        model()
            .caveats
            .iter()
            .all(|caveat| projection.caveats.contains(caveat))
    );
}

#[test]
fn a_projection_reads_back_as_it_was_written() {
    for (monthly, months) in [("7%", 24), ("1000%", 24), ("-50%", 120)] {
        let projection = projected(|study| {
            let growth = study.growth.get_mut("expected").expect("defined");
            (growth.monthly, growth.range, growth.months) =
                (Some(monthly.parse().expect("growth")), None, Some(months));
        });
        assert_eq!(
            Projection::from_json(&projection.to_json()).expect("reads back"),
            projection
        );
    }
}

#[test]
fn a_wide_parameter_range_does_not_stop_a_projection() {
    let projection = projected(|study| {
        let wide = nest_data::study::DetailedParameter {
            value: 2.0,
            range: Some([-1.5, 6.0]),
            note: None,
        };
        study.parameters.insert(
            "min_payment".to_owned(),
            nest_data::study::Parameter::Detailed(wide),
        );
    });
    // A payment is `3 / (min_payment + 0.5)` a day: below -0.5, which the lower tail of this range passes,
    // the rate is no rate.
    let shares: Vec<(&str, f64)> = projection
        .caveats
        .iter()
        .filter_map(|caveat| match caveat {
            Caveat::UndefinedDraws { config, share } => Some((config.as_str(), *share)),
            _ => None,
        })
        .collect();
    for config in &projection.configs {
        let share = shares
            .iter()
            .find(|(name, _)| *name == config.name)
            .unwrap_or_else(|| panic!("no caveat for {}: {shares:?}", config.name))
            .1;
        // P(2 + 3.5 z / 1.645 < -0.5) with z normal is P(z < -1.175) = 12.0 %; five standard deviations of
        // 2,000 draws are 3.6 %.
        assert!((share - 0.12).abs() < 0.036, "{}: {share}", config.name);
        let total = &config.bill.total;
        let value = total.value.0.to_f64().expect("a float");
        assert!(
            total.low <= value && value <= total.high && total.high.is_finite(),
            "{total:?}"
        );
    }
    let narrow = projected(|_| ());
    let doubts = |caveat: &Caveat| matches!(caveat, Caveat::UndefinedDraws { .. });
    assert!(
        !narrow.caveats.iter().any(doubts),
        "every draw of a study without ranges has its rates"
    );
}

/// Somebody has edited scaling.json: refused with the resource's name, not a panic.
#[test]
fn degrees_of_freedom_that_are_no_number_above_zero_are_refused() {
    let mut edited = model();
    edited.resources[0].degrees_of_freedom = 0.0;
    let options = ProjectOptions {
        as_of: jiff::civil::date(2026, 11, 23),
        beyond: false,
    };
    let refused = project(&edited, &edited.study.clone(), &books(), &options).expect_err("no distribution");
    assert!(
        matches!(&refused, ModelError::DegreesOfFreedom { found, .. } if *found == 0.0),
        "{refused}"
    );
}

/// A study that says nothing of how many customers there are.
fn unstated(study: &mut Study) {
    study.growth.clear();
    study.report.growth = None;
}

fn headline(projection: &Projection) -> &nest_data::projection::Headline {
    projection.headline.as_ref().expect("it has configurations")
}

fn is_unstated(caveat: &&Caveat) -> bool {
    matches!(caveat, Caveat::CustomersUnstated { .. })
}

/// The highest fitted step of the fixture had 100,630 customers; `today` first breaks far above.
#[test]
fn without_a_number_of_customers_the_headline_is_about_what_was_tested_with_room() {
    let projection = projected(unstated);
    assert_eq!(headline(&projection).customers, 100_000.0);
    assert_eq!(projection.configs[0].bill.customers, 100_000.0);
    let said = projection.caveats.iter().find(is_unstated).expect("it says so");
    assert!(
        said.to_string()
            .contains("so the headline is about 100000, the largest number that was tested with room."),
        "{said}"
    );
    let busier = projected(|study| {
        unstated(study);
        study.customers.burst *= 2.0;
    });
    // What was tested is a load: customers whose busiest minute is twice as busy are half as many there.
    assert_eq!(headline(&busier).customers, 50_000.0);
    for study in [
        projected(|_| ()),
        projected(|study| {
            unstated(study);
            study.report.customers = Some(12_345.0);
        }),
    ] {
        assert_eq!(study.caveats.iter().find(is_unstated), None);
    }
}

/// A configuration that carries less than what was tested: the headline stays below its first break point,
/// and within a digit of it.
#[test]
fn a_headline_without_customers_leaves_the_configuration_room() {
    for reserve in [0.6, 0.7, 0.8, 0.9] {
        let projection = projected(|study| {
            unstated(study);
            let today = study.configs.get_mut("today").expect("configured");
            today.main.max = Some(1);
            today.main.reserve = Some(nest_data::units::Share::new(reserve).expect("a share"));
        });
        let headline = headline(&projection);
        let breaks = headline.break_point.as_ref().and_then(|point| point.customers);
        let breaks = breaks.expect("one small server breaks").value;
        assert!(
            headline.customers <= breaks && headline.customers > 0.9 * breaks,
            "{} of {breaks} at a reserve of {reserve}",
            headline.customers
        );
    }
}

#[test]
fn a_configuration_that_never_meets_its_objective_is_shown_at_what_was_tested() {
    let projection = projected(|study| {
        unstated(study);
        let slo = study.slo.values_mut().next().expect("an objective");
        slo.p95 = Some(nest_data::units::Seconds::new(1e-6).expect("a time"));
    });
    assert_eq!(headline(&projection).customers, 100_000.0);
    let said = projection.caveats.iter().find(is_unstated).expect("it says so");
    assert!(
        said.to_string().contains("the largest number that was tested."),
        "{said}"
    );
}
