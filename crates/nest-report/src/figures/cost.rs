//! What customers cost on each configuration, now and month by month.

use nest_data::{
    Projection,
    projection::{ConfigProjection, MonthProjection, first_break},
    units::QuotedDecimal,
};

use super::{PageTable, ReadingPath, Section};
use crate::{
    format,
    sentence::{self, EXTRAPOLATED},
};

/// Months of one row of the table of years.
const MONTHS_OF_YEAR: usize = 12;

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
    let totals = grown.iter().filter_map(|config| {
        let total = format::money(config.total.as_ref()?, &config.currency);
        Some(format!("{total} on `{}`", config.name))
    });
    let answer = format!(
        "On `{growth}` growth, {} customers in {} become {} in {}. {} months cost {}.",
        format::estimate(&first.customers),
        format::month(first.date),
        format::estimate(&last.customers),
        format::month(last.date),
        grown.first()?.months.len(),
        join(totals)
    );
    let mut section = Section::new(
        "months",
        "Months",
        ReadingPath::Finance,
        "What does growth do to the bill?",
        answer,
    );
    section.tables.push(year_table(&grown));
    section.tables.extend(grown.into_iter().map(month_table));
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

/// The best guess year by year: a row for each year of growth, a column for each configuration. Columns add
/// up.
fn year_table(configs: &[&ConfigProjection]) -> PageTable {
    let currency = configs.first().map_or("", |config| config.currency.as_str());
    let names: Vec<String> = configs
        .iter()
        .map(|config| format!("#`{}`", config.name))
        .collect();
    let titles: Vec<&str> = std::iter::once("months")
        .chain(names.iter().map(String::as_str))
        .collect();
    let mut table = PageTable::new(format!("Best guess by year, in {currency}"), &titles).leading();
    let columns: Vec<(Vec<Option<String>>, String)> = configs.iter().map(|config| by_year(config)).collect();
    let longest = configs.iter().max_by_key(|config| config.months.len());
    let years = longest
        .into_iter()
        .flat_map(|config| config.months.chunks(MONTHS_OF_YEAR));
    for (year, months) in years.enumerate() {
        let [first, last] =
            [months.first(), months.last()].map(|month| month.map(|month| format::month(month.date)));
        let mut cells = vec![format!(
            "{} to {}",
            first.unwrap_or_default(),
            last.unwrap_or_default()
        )];
        let cell = |(years, _): &(Vec<Option<String>>, String)| {
            years.get(year).cloned().flatten().unwrap_or_default()
        };
        cells.extend(columns.iter().map(cell));
        table.add(cells);
    }
    let totals = columns.into_iter().map(|(_, total)| total);
    table.total(std::iter::once("all".to_owned()).chain(totals));
    table
}

/// What each year costs and what all of them cost, as printed; at least so much if a price is missing.
fn by_year(config: &ConfigProjection) -> (Vec<Option<String>>, String) {
    let at_least = |months: &[MonthProjection], text: String| {
        let lead = if months.iter().any(|month| month.cost.at_least) {
            "at least "
        } else {
            ""
        };
        format!("{lead}{text}")
    };
    let sum = |months: &[MonthProjection]| QuotedDecimal(months.iter().map(|month| month.cost.value.0).sum());
    let years: Vec<Option<QuotedDecimal>> = config
        .months
        .chunks(MONTHS_OF_YEAR)
        .map(|months| Some(sum(months)))
        .collect();
    let (printed, total) = format::apportion(&years, sum(&config.months), &config.currency);
    let with_lead = |(months, text): (&[MonthProjection], Option<String>)| Some(at_least(months, text?));
    let printed = config.months.chunks(MONTHS_OF_YEAR).zip(printed).map(with_lead);
    (printed.collect(), at_least(&config.months, total))
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
