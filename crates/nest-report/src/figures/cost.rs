//! What customers cost on each configuration, now and month by month.

use nest_data::{
    Projection,
    projection::{ConfigProjection, MonthProjection, first_break},
};

use super::{PageTable, ReadingPath, Section};
use crate::{
    format,
    sentence::{self, EXTRAPOLATED},
};

/// The configurations side by side.
pub(super) fn per_1000(projection: &Projection) -> Option<Section> {
    let first = projection.configs.first()?;
    let answer = format!(
        "At {} customers: {}.",
        format::number(first.bill.customers),
        join(projection.configs.iter().map(answer_of))
    );
    let titles = [
        "configuration",
        "on",
        "#1,000 customers, a month",
        "#next 1,000",
        "#next instance at",
        "#first limit at",
    ];
    let mut table = PageTable::new("Configurations side by side", &titles).leading();
    for config in &projection.configs {
        table.row(configuration(config));
    }
    let mut section = Section::new(
        "cost",
        "Cost",
        ReadingPath::Product,
        "What do 1,000 customers cost?",
        answer,
    );
    section.tables.push(table);
    section.how = vec![
        "The value is the best guess: every input at its point estimate, in decimal arithmetic. The interval \
         holds 90 % of the random cases."
            .to_owned(),
        format!("A customer is {}.", projection.study.customer),
    ];
    Some(section)
}

/// Month by month under growth, a table per configuration.
pub(super) fn months(projection: &Projection) -> Option<Section> {
    let growth = projection.growth.as_ref()?;
    let grown: Vec<_> = projection
        .configs
        .iter()
        .filter(|config| !config.months.is_empty())
        .collect();
    let (first, last) = (grown.first()?.months.first()?, grown.first()?.months.last()?);
    let answer = format!(
        "On `{growth}` growth, {} customers in {} become {} in {}.",
        format::estimate(&first.customers),
        format::month(first.date),
        format::estimate(&last.customers),
        format::month(last.date)
    );
    let mut section = Section::new(
        "months",
        "Months",
        ReadingPath::Finance,
        "What does growth do to the bill?",
        answer,
    );
    section.tables = grown.into_iter().map(month_table).collect();
    section.how = vec![
        "Customers and instances are those of the month's first day; its cost is the mean of its two ends \
         over 730 hours."
            .to_owned(),
        format!("◇ Growth is assumed. {EXTRAPOLATED} marks months beyond what was measured."),
    ];
    Some(section)
}

fn answer_of(config: &ConfigProjection) -> String {
    format!(
        "{} on `{}`",
        format::money(&config.bill.per_1000, &config.currency),
        config.name
    )
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join("; ")
}

fn configuration(config: &ConfigProjection) -> [String; 6] {
    let first = first_break(&config.break_points);
    [
        format!("`{}`", config.name),
        format!("{}: {}", config.platform.label(), config.shape),
        format::money(&config.bill.per_1000, &config.currency),
        format::amount(config.bill.marginal_1000, &config.currency),
        config
            .bill
            .next_stair
            .map_or_else(|| "none".to_owned(), format::number),
        first.map_or_else(
            || "not reached".to_owned(),
            |(point, customers)| sentence::marked(point, customers),
        ),
    ]
}

fn month_table(config: &ConfigProjection) -> PageTable {
    let caption = format!("`{}` month by month, in {}", config.name, config.currency);
    let mut table = PageTable::new(
        caption,
        &["month", "#customers", "#instances", "#cost", "#per 1,000", "kind"],
    );
    for month in &config.months {
        table.row(month_row(month, &config.currency));
    }
    table
}

fn month_row(month: &MonthProjection, currency: &str) -> [String; 6] {
    let lead = |at_least: bool| if at_least { "at least " } else { "" };
    [
        format::month(month.date),
        format!("◇ {}", format::estimate(&month.customers)),
        month
            .instances
            .as_ref()
            .map_or_else(|| "by use".to_owned(), format::estimate),
        format!(
            "{}{}",
            lead(month.cost.at_least),
            format::money_value(&month.cost, currency)
        ),
        format!(
            "{}{}",
            lead(month.per_1000.at_least),
            format::money_value(&month.per_1000, currency)
        ),
        if month.extrapolated {
            format!("{EXTRAPOLATED} extrapolated")
        } else {
            "— fitted".to_owned()
        },
    ]
}
