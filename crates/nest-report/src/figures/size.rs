//! What 1,000 customers cost at each size, and where one set-up becomes cheaper than another.

use nest_data::{
    Projection,
    projection::{ConfigProjection, Crossover, MonthProjection, first_break},
};
use rust_decimal::prelude::ToPrimitive;

use super::{Cell, PageTable, Section, setups::costs_to_move};
use crate::{
    chart::{Figure, FigureKind},
    format,
    verdict::Subject,
    words,
};

/// Most crossings that are told in sentences.
const MOST_SENTENCES: usize = 3;

/// Cost of 1,000 customers on every set-up.
pub(super) fn per_1000(projection: &Projection, figures: &[Figure]) -> Option<Section> {
    let subject = Subject::of(projection)?;
    let title = format!(
        "1,000 customers cost {} a month on {}",
        words::money(&subject.config.bill.per_1000, subject.currency()),
        words::name(&subject.config.name)
    );
    let mut section =
        Section::new("size", "Cost per 1,000", title).drawn(figures, &[FigureKind::CostPer1000]);
    section.list = crossings(projection);
    section.tables.push(table(projection));
    section.tables.extend(crossovers(projection));
    section.how = vec![
        "A value is the best guess: every input at its point estimate, in decimal arithmetic. What \
         stands below \
         it holds 9 of 10 random cases."
            .to_owned(),
        format!("A customer is {}.", words::clean(&projection.study.customer)),
    ];
    Some(section)
}

fn table(projection: &Projection) -> PageTable {
    let titles = [
        "set-up",
        "#1,000 customers now",
        "#the next 1,000",
        "#next unit at",
        "#room for",
    ];
    let mut table = PageTable::new("Set-ups now, each for a month", &titles);
    for config in &projection.configs {
        table.row(row(config));
    }
    table.cut()
}

fn row(config: &ConfigProjection) -> [Cell; 5] {
    let (bill, currency) = (&config.bill, &config.currency);
    let room = match first_break(&config.break_points) {
        Some((point, customers)) => Cell::noted(
            words::count(customers),
            words::count_interval(customers, point.open_above),
        ),
        None => "no limit found".into(),
    };
    [
        Cell::noted(
            words::name(&config.name),
            format!("{}: {}", config.platform.label(), words::clean(&config.shape)),
        ),
        Cell::noted(
            words::money(&bill.per_1000, currency),
            words::money_interval(&bill.per_1000, currency),
        ),
        words::amount(bill.marginal_1000.0.to_f64().unwrap_or(f64::NAN), currency).into(),
        bill.next_stair
            .map_or_else(|| "none".to_owned(), words::customers)
            .into(),
        room,
    ]
}

/// Where the base and another set-up of which every price is known become the cheaper one.
fn crossings(projection: &Projection) -> Vec<String> {
    let Some(comparison) = &projection.comparison else {
        return Vec::new();
    };
    let is_known = |name: &String| {
        let mut configs = projection.configs.iter();
        configs.any(|config| config.name == *name && !config.bill.total.at_least)
    };
    let of_base = |crossover: &&Crossover| {
        let sides = [&crossover.below, &crossover.above];
        sides.contains(&&comparison.baseline) && sides.into_iter().all(is_known)
    };
    comparison
        .crossovers
        .iter()
        .filter(of_base)
        .take(MOST_SENTENCES)
        .map(|crossover| in_words(projection, crossover))
        .collect()
}

/// Which one is cheaper for few customers, and which for many; and when growth passes that number, so that a
/// set-up that is cheaper at first is no surprise beside one that is cheaper over the whole plan.
fn in_words(projection: &Projection, crossover: &Crossover) -> String {
    let interval = words::count_interval(&crossover.customers, false);
    let interval = if interval.is_empty() {
        interval
    } else {
        format!(" (9 in 10: {interval})")
    };
    let sure = if crossover.probability >= 0.995 {
        String::new()
    } else {
        format!(" They cross in {}.", format::cases(crossover.probability))
    };
    let month = if costs_to_move(projection) {
        "Without what moving costs, a month is cheaper"
    } else {
        "A month is cheaper"
    };
    format!(
        "{month} on {} below {} customers{interval}, and on {} above.{}{sure}",
        words::name(&crossover.below),
        words::count(&crossover.customers),
        words::name(&crossover.above),
        when_passed(projection, crossover.customers.value)
    )
}

/// When growth passes a number of customers, in a sentence; empty if nothing grows.
fn when_passed(projection: &Projection, customers: f64) -> String {
    let Some(subject) = Subject::of(projection).filter(Subject::grows) else {
        return String::new();
    };
    let months = &subject.config.months;
    let more = |month: &&MonthProjection| month.customers.value > customers;
    match (months.first(), months.windows(2).find(|pair| more(&&pair[1]))) {
        (Some(first), _) if more(&first) => {
            format!(" The plan begins with {}.", words::count(&first.customers))
        }
        (_, Some(pair)) => format!(" The plan passes that in {}.", words::full_month(pair[0].date)),
        _ => " The plan does not get that far.".to_owned(),
    }
}

/// Where one becomes cheaper than another, for all pairs.
fn crossovers(projection: &Projection) -> Option<PageTable> {
    let comparison = projection.comparison.as_ref()?;
    let titles = ["cheaper below", "cheaper above", "#customers", "#crosses in"];
    let moving = if costs_to_move(projection) {
        ", without what moving costs"
    } else {
        ""
    };
    let caption = format!("Where a month on one set-up becomes cheaper than on another{moving}");
    let mut table = PageTable::new(caption, &titles);
    for crossover in &comparison.crossovers {
        table.row([
            words::name(&crossover.below).into(),
            words::name(&crossover.above).into(),
            Cell::noted(
                words::count(&crossover.customers),
                words::count_interval(&crossover.customers, false),
            ),
            format::chance_cell(crossover.probability).into(),
        ]);
    }
    table.cut().unless_empty()
}
