//! Language models: prices of a million tokens, with the days on which they hold.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{
    super::{
        builder::{Book, BookSet, noted},
        csv_table::{CsvRow, CsvText},
        instances::source_of,
    },
    empty_meter,
};
use crate::{
    diagnostic::Diagnostic,
    price_book::{Meter, MeterPrice},
    units::QuotedDecimal,
};

/// Provider of the books; their regions are the vendors of the models.
const PROVIDER: &str = "llm";
/// Tokens that a price of the file buys.
const PER: i64 = 1_000_000;
/// Columns of the file and what they price: `MODEL.input`.
const KINDS: [(&str, &str); 4] = [
    ("input_per_million", "input"),
    ("cached_input_per_million", "cached_input"),
    ("cache_write_per_million", "cache_write"),
    ("output_per_million", "output"),
];

/// Adds a meter for each kind of token of each model: `MODEL.input`, and `MODEL.over-200000.input` for
/// requests with more input than that.
pub fn add(table: &CsvText<'_>, books: &mut BookSet<'_>) -> Result<(), Vec<Diagnostic>> {
    let mut found = Vec::new();
    let mut bounds: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for row in table
        .rows()
        .filter(|row| !row.get("above_context_tokens").is_empty())
    {
        let model = (row.get("provider"), row.get("model"));
        bounds.insert(model, row.get("above_context_tokens"));
    }
    for row in table.rows() {
        let vendor = row.get("provider").replace(' ', "-");
        let Some(book) = books.book(PROVIDER, &vendor) else {
            continue;
        };
        book.count(row.file());
        let long = bounds.get(&(row.get("provider"), row.get("model"))).copied();
        found.extend(add_model(&row, long, book).err());
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// Adds the kinds of tokens of one row. `bound` is the length of the input from which the model has other
/// prices.
fn add_model(row: &CsvRow<'_>, bound: Option<&str>, book: &mut Book) -> Result<(), Diagnostic> {
    book.currency(row.get("currency"))
        .map_err(|message| row.wrong(message, "import one currency at a time"))?;
    let model = row.get("model");
    let source = source_of(row, book, row.get("source"), row.get("source_date"))?;
    let (from, to) = (row.date("effective_from")?, row.date("effective_to")?);
    let (model, length) = match (row.get("above_context_tokens"), bound) {
        ("", None) => (model.to_owned(), String::new()),
        // The bound may hold for some days only: it is then not in the rows of the other days.
        ("", Some(bound)) if !row.get("tier_mode").is_empty() => (
            model.to_owned(),
            format!(
                "for requests with up to {bound} tokens of input; longer ones are `{model}.over-{bound}`"
            ),
        ),
        ("", Some(_)) => (model.to_owned(), String::new()),
        (over, _) => (
            format!("{model}.over-{over}"),
            format!("for requests with more than {over} tokens of input, of which every token costs this"),
        ),
    };
    for (column, kind) in KINDS {
        let Some(amount) = row.decimal(column)? else {
            continue;
        };
        book.meters.push(Meter {
            price: Some(MeterPrice {
                amount: Some(amount),
                per: Some(QuotedDecimal(Decimal::from(PER))),
                ..MeterPrice::default()
            }),
            effective_from: from,
            effective_to: to,
            note: noted(&[&length, row.get("note"), row.get("cross_check")]),
            ..empty_meter(&format!("{model}.{kind}"), "token", source.clone())
        });
    }
    Ok(())
}
