//! Growth scenarios side by side.

use nest_data::{Projection, projection::GrowthProjection};

use super::{Cell, PageTable, Section};
use crate::{
    chart::{Figure, FigureKind},
    format,
    verdict::Subject,
    words,
};

/// Each growth scenario, where there are several.
pub(super) fn scenarios(projection: &Projection, figures: &[Figure]) -> Option<Section> {
    let subject = Subject::of(projection)?;
    projection.growths.get(1)?;
    let mut section = Section::new("growth", "If growth differs", finding(&projection.growths))
        .drawn(figures, &[FigureKind::Growth]);
    section.tables.push(table(&subject));
    section.how =
        vec!["Growth is assumed. Every scenario runs on the same random cases of the model.".to_owned()];
    Some(section)
}

fn finding(growths: &[GrowthProjection]) -> String {
    let dates = growths
        .iter()
        .map(|growth| growth.date.and_then(|date| date.value));
    let (reached, not): (Vec<_>, Vec<_>) = dates.partition(Option::is_some);
    let months: Vec<_> = reached.into_iter().flatten().collect();
    match (months.iter().min(), months.iter().max(), not.is_empty()) {
        (Some(first), Some(last), true) => {
            format!(
                "The first limit comes between {} and {}",
                words::month(*first),
                words::month(*last)
            )
        }
        (Some(first), _, false) => {
            format!(
                "The first limit comes in {} or after the plan",
                words::month(*first)
            )
        }
        _ => "The best guess reaches no limit on any growth".to_owned(),
    }
}

fn table(subject: &Subject) -> PageTable {
    let caption = format!("Growth scenarios on {}", words::name(&subject.config.name));
    let titles = [
        "growth",
        "#customers at the end",
        "#all months",
        "#per 1,000 at the end",
        "#chance of a limit",
        "first limit",
    ];
    let mut table = PageTable::new(caption, &titles).opened();
    for growth in &subject.projection.growths {
        table.row(row(subject, growth));
    }
    table
        .noted("Below each value: what 9 cases of 10 lie between.")
        .cut()
}

fn row(subject: &Subject, growth: &GrowthProjection) -> [Cell; 6] {
    let currency = subject.currency();
    let is_new = |kind: &&nest_data::projection::BreakPoint| growth.cause.as_ref() == Some(&kind.cause);
    let points = &subject.config.break_points;
    let point = points.iter().filter(|point| point.kind.is_failure()).find(is_new);
    let first = match (&growth.cause, growth.date.and_then(|date| date.value)) {
        (Some(_), Some(date)) => Cell::noted(
            format!("about {}", words::month(date)),
            point.map_or_else(String::new, |point| {
                words::limit(subject.projection, &subject.config.name, point)
            }),
        ),
        _ => "not in the best guess".into(),
    };
    [
        Cell::noted(words::name(&growth.name), format!("{} months", growth.months)),
        Cell::noted(
            words::count(&growth.end),
            words::count_interval(&growth.end, false),
        ),
        Cell::noted(
            words::money(&growth.total, currency),
            words::money_interval(&growth.total, currency),
        ),
        Cell::noted(
            words::money(&growth.per_1000, currency),
            words::money_interval(&growth.per_1000, currency),
        ),
        format::chance_cell(growth.breaks).into(),
        first,
    ]
}
