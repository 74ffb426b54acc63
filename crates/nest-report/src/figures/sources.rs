//! Every caveat, and the sources of every number.

use nest_data::{
    Projection,
    measurement::GeneratorMachine,
    projection::{BookUse, PriceRow},
};
use rust_decimal::prelude::ToPrimitive;

use super::{Cell, PageTable, Section};
use crate::{
    chart::{Figure, FigureKind},
    format,
    unit::currency,
    verdict::seen_in,
    words,
};

/// Prices, books, run, machine and writer.
pub(super) fn sources(projection: &Projection, figures: &[Figure]) -> Section {
    let mut section =
        Section::new("sources", "Sources", finding(projection)).drawn(figures, &[FigureKind::Prices]);
    section.tables.extend(prices(projection));
    section.tables.extend(books(&projection.books));
    section.tables.push(facts(projection));
    section.how = vec![
        "Equal inputs give equal bytes: the same measurements, study and price books make this report again."
            .to_owned(),
    ];
    section
}

fn rows(projection: &Projection) -> Vec<&PriceRow> {
    let config = projection
        .headline
        .as_ref()
        .map(|headline| headline.config.as_str());
    let mut rows: Vec<&PriceRow> = projection
        .prices
        .iter()
        .filter(|row| Some(row.config.as_str()) == config)
        .collect();
    rows.sort_by(|a, b| b.share.total_cmp(&a.share));
    rows
}

fn finding(projection: &Projection) -> String {
    let rows = rows(projection);
    let known = rows.iter().filter(|row| row.amount.is_some());
    match known.max_by_key(|row| row.age_days) {
        Some(oldest) if oldest.age_days >= 0 => format!(
            "Oldest price on this bill: {} ago, {} of it",
            format::age(oldest.age_days),
            words::share(oldest.share)
        ),
        Some(_) => "All prices are newer than this forecast".to_owned(),
        None => "Where the numbers come from".to_owned(),
    }
}

/// The prices on the bill of the headline's configuration, each with its own age.
fn prices(projection: &Projection) -> Option<PageTable> {
    let headline = projection.headline.as_ref()?;
    let currency = currency(projection, &headline.config);
    let caption = format!("Prices on the bill of {}", words::name(&headline.config));
    let titles = ["price of", "#a month", "#of the bill", "#age", "seen", "source"];
    let mut table = PageTable::new(caption, &titles);
    for row in rows(projection) {
        let age = match row.age_days {
            _ if row.amount.is_none() => String::new(), // what is not known has no age
            days if days < 0 => "after this forecast".to_owned(),
            days => format::age(days),
        };
        let seen = if row.amount.is_none() {
            "no price seen".into()
        } else {
            Cell::noted(words::clean(&row.observed_on), seen_in(row.confidence))
        };
        let amount = row.amount.map_or_else(
            || "unknown".to_owned(),
            |amount| words::amount(amount.0.to_f64().unwrap_or(f64::NAN), currency),
        );
        let source = Cell {
            text: words::clean(&row.source),
            note: words::clean(&row.book),
            href: linked(row.url.as_ref()),
        };
        table.row([
            words::name(&row.item).into(),
            amount.into(),
            words::share(row.share).into(),
            age.into(),
            seen,
            source,
        ]);
    }
    table.cut().unless_empty()
}

/// An address of the web; anything else is no link.
fn linked(url: Option<&String>) -> Option<String> {
    url.filter(|url| url.starts_with("https://") || url.starts_with("http://"))
        .cloned()
}

fn books(books: &[BookUse]) -> Option<PageTable> {
    let mut table = PageTable::new(
        "Sources of the price books",
        &["book", "source", "seen on", "how direct"],
    );
    for book in books {
        for source in &book.sources {
            table.row([
                words::clean(&book.name).into(),
                Cell {
                    text: words::clean(&source.title),
                    note: String::new(),
                    href: linked(source.url.as_ref()),
                },
                words::clean(&source.observed_on).into(),
                seen_in(source.confidence).into(),
            ]);
        }
    }
    table.cut().unless_empty()
}

/// A worker with its machine.
fn generator_in_words(generator: &GeneratorMachine) -> String {
    let GeneratorMachine {
        worker,
        slots,
        machine,
        quota_cores,
    } = generator;
    let quota = quota_cores.map_or_else(String::new, |cores| format!(", limited to {cores} cores"));
    let threads = if *slots == 1 { "thread" } else { "threads" };
    format!(
        "{worker}: {slots} {threads} on {}, {} cores{quota}, {}, kernel {}",
        machine.cpu,
        machine.cores,
        format::bytes(machine.memory_bytes as f64),
        machine.kernel
    )
}

/// The run, its machine and the program.
fn facts(projection: &Projection) -> PageTable {
    let model = &projection.model;
    let machine = &model.machine;
    let mut facts = PageTable::new("Study, run and machine", &["what", "value"]).for_engineers();
    for (what, value) in [
        ("one customer", projection.study.customer.clone()),
        ("made for", projection.as_of.to_string()),
        ("made by", projection.header.made_by.clone()),
        ("seed", projection.study.seed.to_string()),
        ("run", model.run.clone()),
        ("measured at", model.measured_at.clone()),
        ("hash of what was measured", model.measured_hash.clone()),
        ("processor", format!("{}, {} cores", machine.cpu, machine.cores)),
        ("memory", format::bytes(machine.memory_bytes as f64)),
        ("kernel", machine.kernel.clone()),
    ] {
        facts.row([what.into(), words::clean(&value).into()]);
    }
    for generator in &model.generators {
        let value = generator_in_words(generator);
        facts.row(["load from the worker".into(), words::clean(&value).into()]);
    }
    facts
}
