//! What the model rests on: forecasts against steps it did not see, and the measured steps themselves.

use std::collections::BTreeSet;

use nest_data::{
    Projection,
    measurement::Validity,
    scaling::{ForecastCheck, MeasuredPoint},
};

use super::{PageTable, ReadingPath, Section};
use crate::{
    format,
    unit::{check_unit, use_unit},
};

/// Forecasts beside measurements.
pub(super) fn checks(projection: &Projection) -> Option<Section> {
    projection.checks.first()?;
    let within = projection
        .checks
        .iter()
        .filter(|check| check.predicted.covers(check.measured))
        .count();
    let answer = format!(
        "{within} of {} forecasts hold the measurement in their 90 % interval.",
        projection.checks.len()
    );
    let mut section = Section::new(
        "checks",
        "Checks",
        ReadingPath::Evidence,
        "Does the model foresee what it did not see?",
        answer,
    );
    let titles = [
        "step left out",
        "#customers",
        "what",
        "#— forecast",
        "#● measured",
        "in the interval",
    ];
    let mut table = PageTable::new("Forecast against measured", &titles).opened();
    for check in &projection.checks {
        table.row(check_row(check));
    }
    section.tables.push(table);
    section.how = vec![
        "These steps were left out of the fit. The forecast is made at the executions that \
        were completed in them."
            .to_owned(),
    ];
    Some(section)
}

/// The measured steps.
pub(super) fn steps(projection: &Projection) -> Option<Section> {
    projection.points.first()?;
    let count = |validity| {
        projection
            .points
            .iter()
            .filter(|point| point.validity == validity)
            .count()
    };
    let verdicts = [
        Validity::Valid,
        Validity::Suspect,
        Validity::Limited,
        Validity::Invalid,
    ]
    .map(|validity| format!("{} {}", count(validity), validity.label()));
    let answer = format!(
        "{} steps: {}. The largest valid one had {} customers.",
        projection.points.len(),
        verdicts.join(", "),
        format::number(projection.model.tested_customers)
    );
    let mut section = Section::new(
        "steps",
        "Steps",
        ReadingPath::Evidence,
        "What was measured?",
        answer,
    );
    section.tables = vec![
        load_table(projection),
        use_table(projection),
        response_table(projection),
    ];
    section.how = vec![
        "Customers are the population; active is executions in progress, in flight is requests in progress. \
         Response time counts from when a request was due."
            .to_owned(),
        "Valid steps are fitted; suspect ones with a wider error; limited ones, where the target could not \
         keep up, as plateau; invalid ones are only kept."
            .to_owned(),
    ];
    Some(section)
}

fn check_row(check: &ForecastCheck) -> [String; 6] {
    let unit = check_unit(&check.quantity);
    [
        check.step.clone(),
        check.customers.map_or_else(String::new, format::number),
        check.quantity.clone(),
        format::quantity_estimate(&check.predicted, unit),
        format::quantity(check.measured, unit),
        if check.predicted.covers(check.measured) {
            "✓ yes"
        } else {
            "✗ no"
        }
        .to_owned(),
    ]
}

fn load_table(projection: &Projection) -> PageTable {
    let titles = [
        "#no.",
        "step",
        "purpose",
        "#customers",
        "#active",
        "#in flight",
        "#offered",
        "#completed",
        "#errors",
        "verdict",
    ];
    let mut table = PageTable::new("● Measured steps, in the order of the plan", &titles);
    for point in &projection.points {
        table.row([
            (point.index + 1).to_string(),
            point.label.clone(),
            point.purpose.label().to_owned(),
            customers(point),
            format::number(point.active),
            format::number(point.in_flight),
            format::quantity(point.offered_per_s, "/s"),
            format::quantity(point.completed_per_s, "/s"),
            format::percent(point.error_share),
            verdict(point.validity),
        ]);
    }
    table
}

fn use_table(projection: &Projection) -> PageTable {
    let resources: BTreeSet<&String> = projection
        .points
        .iter()
        .flat_map(|point| point.used.keys())
        .collect();
    let mut table = PageTable::new(
        "● Use of each resource",
        &["step", "#customers", "resource", "#used"],
    );
    for point in &projection.points {
        for resource in &resources {
            if let Some(used) = point.used.get(*resource) {
                table.row([
                    point.label.clone(),
                    customers(point),
                    (*resource).clone(),
                    format::quantity(*used, use_unit(resource)),
                ]);
            }
        }
    }
    table
}

fn response_table(projection: &Projection) -> PageTable {
    let mut table = PageTable::new(
        "● Response times",
        &[
            "step",
            "#customers",
            "behaviour",
            "#quantile",
            "#response time",
            "#requests",
        ],
    );
    for point in &projection.points {
        for quantile in &point.response {
            table.row([
                point.label.clone(),
                customers(point),
                quantile.behaviour.clone(),
                format!("p{}", format::number(quantile.quantile * 100.0)),
                format::duration(quantile.seconds),
                format::number(quantile.count as f64),
            ]);
        }
    }
    table
}

fn customers(point: &MeasuredPoint) -> String {
    point.customers.map_or_else(|| "none".to_owned(), format::number)
}

fn verdict(validity: Validity) -> String {
    let mark = match validity {
        Validity::Valid => "✓",
        Validity::Suspect => "?",
        Validity::Limited => "▲",
        Validity::Invalid => "✗",
    };
    format!("{mark} {}", validity.label())
}
