//! For engineers: what one act uses, how long answers take, whether the model matches, and the steps.

use nest_data::{
    Estimate, Projection,
    measurement::Validity,
    projection::DemandRow,
    scaling::{ForecastCheck, MeasuredPoint},
};

use super::{Cell, PageTable, Section};
use crate::{
    chart::{Figure, FigureKind},
    format,
    unit::{check_unit, is_memory, use_unit},
    words,
};

/// What was measured and fitted.
pub(super) fn details(projection: &Projection, figures: &[Figure]) -> Option<Section> {
    let kinds = [FigureKind::Demand, FigureKind::Response, FigureKind::Fit];
    let mut section = Section::new("engineers", "For engineers", finding(projection)).drawn(figures, &kinds);
    section.list.extend(steps_in_words(projection));
    section.list.extend(hardly_measurable(projection));
    section.tables.extend(demand(projection));
    section.tables.extend(counts(projection));
    section.tables.extend(performance(projection));
    section.tables.extend(checks(projection));
    section.tables.extend(load(projection));
    section.tables.extend(use_of_resources(projection));
    section.tables.extend(response(projection));
    section.how = vec![
        "Service demand is what one execution uses of a resource, whatever the load. It is found by \
         regression over \
         steps whose mixes were designed to tell behaviours apart; curves and bills follow from it."
            .to_owned(),
        "Active is executions in progress, in flight is requests in progress. Response time counts from \
         when a \
         request was due. Valid steps are fitted; suspect ones with a wider error; limited ones, where \
         the target \
         could not keep up, as plateau; invalid ones are only kept."
            .to_owned(),
    ];
    (!projection.points.is_empty() || !projection.demand.is_empty()).then_some(section)
}

fn finding(projection: &Projection) -> String {
    let checks = &projection.checks;
    if checks.is_empty() {
        return "No forecast was checked against a step left out".to_owned();
    }
    let within = checks
        .iter()
        .filter(|check| check.predicted.covers(check.measured))
        .count();
    format!(
        "{within} of {} forecasts hold what was then measured",
        checks.len()
    )
}

fn steps_in_words(projection: &Projection) -> Option<String> {
    projection.points.first()?;
    let count = |validity| {
        projection
            .points
            .iter()
            .filter(|point| point.validity == validity)
            .count()
    };
    let verdicts: Vec<String> = [
        Validity::Valid,
        Validity::Suspect,
        Validity::Limited,
        Validity::Invalid,
    ]
    .into_iter()
    .filter(|validity| count(*validity) > 0)
    .map(|validity| format!("{} {}", count(validity), validity.label()))
    .collect();
    let tested = match projection.model.tested_customers {
        tested if tested > 0.0 => {
            let fitted = projection
                .points
                .iter()
                .filter(|point| point.validity.is_fitted());
            let customers = fitted.filter_map(|point| point.customers);
            let largest = customers.max_by(f64::total_cmp).unwrap_or(tested);
            let alike = if (largest / tested - 1.0).abs() < SAME_LOAD {
                String::new()
            } else {
                format!(
                    "; with what a customer does in this study, that is the load of {}",
                    words::customers(tested)
                )
            };
            format!(
                " The largest fitted one had {} customers{alike}.",
                words::customers(largest)
            )
        }
        _ => " None of them had customers and was fitted.".to_owned(),
    };
    Some(format!(
        "{} {}: {}.{tested}",
        projection.points.len(),
        if projection.points.len() == 1 {
            "test step"
        } else {
            "test steps"
        },
        verdicts.join(", ")
    ))
}

/// Share by which the customers of a test and those of the study may differ and still be told as one number.
const SAME_LOAD: f64 = 0.005;

/// Whether the interval of a demand holds nothing at all.
fn is_measurable(estimate: &Estimate) -> bool {
    estimate.low > 0.0 || estimate.high < 0.0
}

fn hardly_measurable(projection: &Projection) -> Option<String> {
    let rows = projection
        .demand
        .iter()
        .filter(|row| !is_measurable(&row.estimate));
    let names: Vec<String> = rows
        .take(super::table::MOST_ROWS)
        .map(|row| {
            let below = format::quantity(two_digits(row.estimate.high.max(0.0)), &row.unit);
            format!(
                "`{}` of {} (below {below})",
                words::clean(&row.resource),
                words::name(&row.behaviour)
            )
        })
        .collect();
    (!names.is_empty()).then(|| format!("Not measurable: {}.", names.join(", ")))
}

/// A bound with two significant digits, rounded up.
fn two_digits(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return value;
    }
    let step = 10_f64.powi(value.log10().floor() as i32 - 1);
    (value / step).ceil() * step
}

fn demand(projection: &Projection) -> Option<PageTable> {
    let titles = [
        "resource",
        "behaviour",
        "#one uses",
        "each",
        "#a day for each customer",
    ];
    let mut table = PageTable::new("Service demand, with 9-in-10 intervals", &titles).for_engineers();
    for row in projection
        .demand
        .iter()
        .filter(|row| is_measurable(&row.estimate))
    {
        let rate = projection
            .rates_per_day
            .iter()
            .find(|(behaviour, _)| *behaviour == row.behaviour);
        let rate = rate.map_or_else(String::new, |(_, rate)| format::number(*rate));
        table.row([
            words::clean(&row.resource).into(),
            words::clean(&row.behaviour).into(),
            format::quantity_estimate(&row.estimate, &row.unit).into(),
            per(row).into(),
            rate.into(),
        ]);
    }
    table.cut().unless_empty()
}

fn per(row: &DemandRow) -> &'static str {
    let idle = row.behaviour == "idle";
    match (idle, is_memory(&row.resource), row.separable) {
        (true, true, _) => "resident without load",
        (true, false, _) => "second without load",
        (false, _, false) => "execution; only totals are sure",
        (false, true, true) => "execution a second, resident",
        (false, false, true) => "execution",
    }
}

/// What executions add to counts; nothing if nothing is counted.
fn counts(projection: &Projection) -> Option<PageTable> {
    let titles = ["behaviour", "count", "#an execution adds", "kind"];
    let mut table = PageTable::new("What executions add to counts", &titles).for_engineers();
    for row in &projection.counts {
        table.row([
            words::clean(&row.behaviour).into(),
            words::clean(&row.count).into(),
            format::estimate(&row.estimate).into(),
            if row.stated { "stated" } else { "measured" }.into(),
        ]);
    }
    table.cut().unless_empty()
}

/// Response times at the headline's customers.
pub(super) fn performance(projection: &Projection) -> Option<PageTable> {
    let titles = [
        "set-up",
        "behaviour",
        "#quantile",
        "#response time",
        "#utilisation",
    ];
    let mut table =
        PageTable::new("Response times at the customers of the headline", &titles).for_engineers();
    for config in &projection.configs {
        for row in &config.performance {
            table.row([
                words::clean(&config.name).into(),
                words::clean(&row.behaviour).into(),
                format!("p{}", format::number(row.quantile * 100.0)).into(),
                format::quantity_estimate(&row.seconds, "s").into(),
                row.utilisation
                    .map_or_else(|| "no waiting".to_owned(), format::percent)
                    .into(),
            ]);
        }
    }
    table.cut().unless_empty()
}

fn checks(projection: &Projection) -> Option<PageTable> {
    let titles = [
        "step left out",
        "#customers",
        "what",
        "#forecast",
        "#measured",
        "in the interval",
    ];
    let mut table = PageTable::new("Forecasts against steps that were not fitted", &titles).for_engineers();
    for check in &projection.checks {
        table.row(check_row(check));
    }
    table.cut().unless_empty()
}

fn check_row(check: &ForecastCheck) -> [Cell; 6] {
    let unit = check_unit(&check.quantity);
    let within = check.predicted.covers(check.measured);
    [
        words::clean(&check.step).into(),
        check.customers.map_or_else(String::new, words::customers).into(),
        words::clean(&check.quantity).into(),
        format::quantity_estimate(&check.predicted, unit).into(),
        format::quantity(check.measured, unit).into(),
        if within { "✓ yes" } else { "✗ no" }.into(),
    ]
}

/// Steps with customers; without any, the others.
fn shown_steps(projection: &Projection) -> (Vec<&MeasuredPoint>, usize) {
    let all = projection.points.len();
    let with: Vec<&MeasuredPoint> = projection
        .points
        .iter()
        .filter(|point| point.customers.is_some())
        .collect();
    let shown = if with.is_empty() {
        projection.points.iter().collect()
    } else {
        with
    };
    let left = all - shown.len();
    (shown, left)
}

fn load(projection: &Projection) -> Option<PageTable> {
    let (points, left) = shown_steps(projection);
    let titles = [
        "step",
        "#customers",
        "#active",
        "#in flight",
        "#planned",
        "#completed",
        "#errors",
        "verdict",
    ];
    let mut table = PageTable::new("Measured steps, in the order of the plan", &titles).for_engineers();
    for point in points {
        table.row([
            words::clean(&point.label).into(),
            customers(point).into(),
            format::number(point.active).into(),
            format::number(point.in_flight).into(),
            format::quantity(point.offered_per_s, "/s").into(),
            format::quantity(point.completed_per_s, "/s").into(),
            format::percent(point.error_share).into(),
            verdict(point.validity).into(),
        ]);
    }
    let rest = match left {
        0 => String::new(),
        1 => "One more step, without customers, is in report.csv.".to_owned(),
        left => format!("{left} more steps, without customers, are in report.csv."),
    };
    table.noted(rest).cut().unless_empty()
}

fn use_of_resources(projection: &Projection) -> Option<PageTable> {
    let (points, _) = shown_steps(projection);
    let mut table =
        PageTable::new("Use of each resource", &["step", "#customers", "what was used"]).for_engineers();
    for point in points {
        let used: Vec<String> = point
            .used
            .iter()
            .map(|(resource, used)| {
                format!(
                    "{} {}",
                    words::clean(resource),
                    format::quantity(*used, use_unit(resource))
                )
            })
            .collect();
        table.row([
            words::clean(&point.label).into(),
            customers(point).into(),
            used.join(", ").into(),
        ]);
    }
    table.cut().unless_empty()
}

fn response(projection: &Projection) -> Option<PageTable> {
    let (points, _) = shown_steps(projection);
    let last = points
        .into_iter()
        .rev()
        .find(|point| !point.response.is_empty())?;
    let caption = format!("Response times measured in step {}", words::clean(&last.label));
    let mut table = PageTable::new(
        caption,
        &["behaviour", "#quantile", "#response time", "#requests"],
    )
    .for_engineers();
    for quantile in &last.response {
        table.row([
            words::clean(&quantile.behaviour).into(),
            format!("p{}", format::number(quantile.quantile * 100.0)).into(),
            format::duration(quantile.seconds).into(),
            format::number(quantile.count as f64).into(),
        ]);
    }
    table.noted("report.csv has every step.").cut().unless_empty()
}

fn customers(point: &MeasuredPoint) -> String {
    point
        .customers
        .map_or_else(|| "none".to_owned(), words::customers)
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
