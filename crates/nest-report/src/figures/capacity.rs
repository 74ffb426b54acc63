//! Where each configuration breaks, and the demand that decides it.

use nest_data::{
    Projection,
    projection::{BreakPoint, ConfigProjection, DemandRow, LimitNature, first_break},
};

use super::{PageTable, ReadingPath, Section};
use crate::{
    format,
    sentence::{self, EXTRAPOLATED},
    unit::is_memory,
};

/// Every break point of every configuration.
pub(super) fn break_points(projection: &Projection) -> Option<Section> {
    projection.configs.first()?;
    let answers: Vec<String> = projection.configs.iter().map(first).collect();
    let mut section = Section::new(
        "breaks",
        "Break points",
        ReadingPath::Product,
        "Where does it break, and when?",
        format!("{}.", answers.join("; ")),
    );
    section.tables = projection
        .configs
        .iter()
        .filter(|config| !config.break_points.is_empty())
        .map(|config| table(projection, config))
        .collect();
    section.list = projection.configs.iter().filter_map(causes).collect();
    section.how = vec![
        "A break point is the least number of customers, in their busiest minute, at which something fails. \
         Over reserve is policy: \
         the share of capacity that was to be left is used. Saturation is all of it."
            .to_owned(),
        "Chance: in how many of 100 random cases growth reaches it before it ends; without growth, in how \
         many it lies within the searched range."
            .to_owned(),
        "Your choice: a limit that the study sets itself and can move. Hard: nothing in the study moves it."
            .to_owned(),
        format!(
            "{EXTRAPOLATED} lies beyond the tested {} customers.",
            format::number(projection.model.tested_customers)
        ),
    ];
    Some(section)
}

/// Service demand and what customers do.
pub(super) fn demand(projection: &Projection) -> Option<Section> {
    projection.demand.first()?;
    let answer =
        "This much of each resource, whatever the load: the curves and the bills follow from it.".to_owned();
    let mut section = Section::new(
        "demand",
        "Demand",
        ReadingPath::Architect,
        "What does one execution use?",
        answer,
    );
    let mut table = PageTable::new(
        "Service demand, with 90 % intervals",
        &["resource", "behaviour", "#demand", "of", "kind"],
    )
    .leading();
    for row in &projection.demand {
        table.row(demand_row(row));
    }
    let mut rates = PageTable::new(
        "What a customer does",
        &["behaviour", "#executions per customer and day", "kind"],
    );
    for (behaviour, rate) in &projection.rates_per_day {
        rates.row([behaviour.clone(), format::number(*rate), "◇ assumed".to_owned()]);
    }
    section.tables = vec![table, rates];
    section.tables.extend(counts(projection));
    section.how = vec![
        "Found by regression over steps whose mixes were designed to tell behaviours apart. Where they \
         cannot be told apart, only the total \
                        of a measured mix is meant."
            .to_owned(),
    ];
    Some(section)
}

/// What executions add to counts; nothing if nothing is counted.
fn counts(projection: &Projection) -> Option<PageTable> {
    projection.counts.first()?;
    let titles = ["behaviour", "count", "#an execution adds", "kind"];
    let mut table = PageTable::new("What executions add to counts, with 90 % intervals", &titles).leading();
    for row in &projection.counts {
        table.row([
            row.behaviour.clone(),
            row.count.clone(),
            format::estimate(&row.estimate),
            if row.stated { "◇ stated" } else { "● measured" }.to_owned(),
        ]);
    }
    Some(table)
}

fn first(config: &ConfigProjection) -> String {
    match first_break(&config.break_points) {
        Some((point, customers)) => {
            format!(
                "`{}` breaks at {} customers: {}",
                config.name,
                sentence::marked(point, customers),
                sentence::cause(point)
            )
        }
        None => format!("`{}` reaches no limit in the best guess", config.name),
    }
}

/// The causes that fail first, each with the share of draws in which it does.
fn causes(config: &ConfigProjection) -> Option<String> {
    let mut points: Vec<&BreakPoint> = config
        .break_points
        .iter()
        .filter(|point| point.probability >= 0.005)
        .collect();
    points.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let causes: Vec<String> = points
        .into_iter()
        .map(|point| format!("{} {}", sentence::cause(point), format::chance(point.probability)))
        .collect();
    (!causes.is_empty()).then(|| format!("First to fail on `{}`: {}", config.name, causes.join("; ")))
}

fn table(projection: &Projection, config: &ConfigProjection) -> PageTable {
    let when = projection.growth.as_ref().map_or_else(
        || "when".to_owned(),
        |growth| format!("when, on `{growth}` growth"),
    );
    let titles = [
        "what fails",
        "limit",
        "whose",
        "#customers",
        "#chance",
        when.as_str(),
        "kind",
    ];
    let mut table = PageTable::new(format!("Break points of `{}`", config.name), &titles).leading();
    for point in &config.break_points {
        table.row(break_row(projection, point));
    }
    table
}

fn break_row(projection: &Projection, point: &BreakPoint) -> [String; 7] {
    let found = point.customers.as_ref();
    let searched_to = projection.headline.as_ref().map(|headline| headline.searched_to);
    let date = if projection.growth.is_some() && (found.is_some() || point.reached > 0.0) {
        sentence::date(point.date.as_ref())
    } else {
        String::new()
    };
    [
        point.cause.clone(),
        point.kind.label().to_owned(),
        match (point.kind.is_failure(), point.nature) {
            (false, _) => "no failure",
            (true, LimitNature::Choice) => "your choice",
            (true, LimitNature::Hard) => "hard",
        }
        .to_owned(),
        match (found, searched_to) {
            (Some(customers), _) => sentence::limit(point, customers),
            (None, Some(end)) => format!("not reached below {}", format::number(end)),
            (None, None) => "not reached".to_owned(),
        },
        format::chance_cell(point.reached),
        date,
        match (found.is_some() || point.reached > 0.0, point.extrapolated) {
            (false, _) => String::new(),
            (true, true) => format!("{EXTRAPOLATED} extrapolated"),
            (true, false) => "— fitted".to_owned(),
        },
    ]
}

fn demand_row(row: &DemandRow) -> [String; 5] {
    let idle = row.behaviour == "idle";
    let resident = is_memory(&row.resource);
    let per = match (idle, resident) {
        (true, true) => "resident without load",
        (true, false) => "a second without load",
        (false, true) => "resident, per execution a second",
        (false, false) => "an execution",
    };
    let kind = if row.separable || idle {
        "— fitted"
    } else {
        "— fitted, only in total"
    };
    [
        row.resource.clone(),
        row.behaviour.clone(),
        format::quantity_estimate(&row.estimate, &row.unit),
        per.to_owned(),
        kind.to_owned(),
    ]
}
