//! Caveats, and the sources of every number.

use nest_data::{
    Projection,
    price_book::Confidence,
    projection::{BookUse, PriceRow},
};

use super::{Cell, PageRow, PageTable, ReadingPath, Section};
use crate::format;

/// Every caveat.
pub(super) fn caveats(projection: &Projection) -> Section {
    let answer = match projection.caveats.len() {
        0 => "No doubt was raised while measuring, fitting or projecting.".to_owned(),
        1 => "One doubt was raised while measuring, fitting or projecting.".to_owned(),
        count => format!("{count} doubts were raised while measuring, fitting or projecting."),
    };
    let mut section = Section::new(
        "caveats",
        "Caveats",
        ReadingPath::Evidence,
        "What should you doubt?",
        answer,
    );
    section.list = projection.caveats.iter().map(ToString::to_string).collect();
    section
}

/// Run, machine, writer and price books.
pub(super) fn sources(projection: &Projection) -> Section {
    let model = &projection.model;
    let answer = format!(
        "From run `{}`, made for {}.",
        model.run,
        format::day(projection.as_of)
    );
    let mut section = Section::new(
        "provenance",
        "Provenance",
        ReadingPath::Evidence,
        "Where does it come from?",
        answer,
    );
    section.tables.push(facts(projection));
    section.tables.extend(prices(projection));
    if !projection.books.is_empty() {
        section.tables.push(books(&projection.books));
    }
    section.how = vec![
        "Equal inputs give equal bytes: the same measurements, study and price books make this report again."
            .to_owned(),
    ];
    section
}

/// The run, its machine and the program.
fn facts(projection: &Projection) -> PageTable {
    let model = &projection.model;
    let mut facts = PageTable::new("Run, machine and writer", &["what", "value"]).opened();
    let machine = &model.machine;
    for (what, value) in [
        ("study", projection.study.name.clone()),
        ("one customer", projection.study.customer.clone()),
        ("seed", projection.study.seed.to_string()),
        ("made for", projection.as_of.to_string()),
        ("made by", projection.header.made_by.clone()),
        ("run", model.run.clone()),
        ("measured at", model.measured_at.clone()),
        ("hash of what was measured", model.measured_hash.clone()),
        (
            "tested to",
            format!("{} customers", format::number(model.tested_customers)),
        ),
        (
            "machine",
            format!(
                "{}, {} cores, {}",
                machine.cpu,
                machine.cores,
                format::bytes(machine.memory_bytes as f64)
            ),
        ),
        ("kernel", machine.kernel.clone()),
    ] {
        facts.row([what.to_owned(), value]);
    }
    facts
}

/// Every price on the headline's bill: how old it is, and how much rests on it.
fn prices(projection: &Projection) -> Option<PageTable> {
    let headline = projection.headline.as_ref()?;
    let caption = format!("Prices on the bill of `{}`", headline.config);
    let mut table = PageTable::new(
        caption,
        &["price", "book", "seen on", "#age", "#share of the bill"],
    )
    .opened();
    let mut rows: Vec<&PriceRow> = projection
        .prices
        .iter()
        .filter(|row| row.config == headline.config)
        .collect();
    rows.sort_by(|a, b| b.share.total_cmp(&a.share));
    for row in rows {
        let age = if row.age_days < 0 {
            "after this forecast".to_owned()
        } else {
            format::age(row.age_days)
        };
        table.row([
            row.item.clone(),
            format!("{} [{}]", row.book, row.source),
            row.observed_on.clone(),
            age,
            format::percent(row.share),
        ]);
    }
    Some(table)
}

fn books(books: &[BookUse]) -> PageTable {
    let mut table = PageTable::new(
        "Price books",
        &["book", "source", "seen on", "how direct", "#age, days"],
    )
    .opened();
    for book in books {
        for source in &book.sources {
            let cells = [
                book.name.clone(),
                source.title.clone(),
                source.observed_on.clone(),
                confidence(source.confidence).to_owned(),
                source.age_days.to_string(),
            ];
            let mut cells: Vec<Cell> = cells.into_iter().map(Cell::from).collect();
            cells[1].href = source
                .url
                .clone()
                .filter(|url| url.starts_with("https://") || url.starts_with("http://"));
            table.rows.push(PageRow { cells, total: false });
        }
    }
    table
}

fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::List => "price list",
        Confidence::Page => "vendor's page",
        Confidence::Secondary => "somebody else's copy",
        Confidence::Derived => "calculated from the source",
        Confidence::Approximate => "approximate",
        Confidence::User => "own contract",
    }
}
