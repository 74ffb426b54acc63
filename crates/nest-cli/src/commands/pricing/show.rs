//! `pricing show`: prints the rows of a book, one row with its tiers, or what a quantity of it costs.

mod rows;

use jiff::civil::Date;
use nest_data::{PriceBook, units::QuotedDecimal};
use nest_model::pricing::{billed_units, contract_factor, free_in_month, price};

use self::rows::{BookRow, PricePart, all_rows, unit};
use super::{date, unknown};
use crate::{
    args::Format,
    book_set::LayeredBook,
    command_error::{CommandError, INVALID},
    printer::{data, talk},
    table::{Cell, Column, OutputTable, Shown, Unit},
};

/// Columns of the rows of a book.
const COLUMNS: [Column; 24] = [
    Column::new("table", &["table"]),
    Column::new("row", &["row"]),
    Column::for_readers("part"),
    Column::for_programs(&["part"]),
    Column::for_programs(&["of"]),
    Column::for_programs(&["up_to"]),
    Column::for_readers("amount"),
    Column::for_programs(&["amount"]),
    Column::for_programs(&["currency"]),
    Column::new("per", &["per"]),
    Column::for_readers("unit"),
    Column::for_programs(&["unit"]),
    Column::for_readers("currency"),
    Column::for_programs(&["vcpu"]),
    Column::for_programs(&["memory_bytes"]),
    Column::for_programs(&["arch"]),
    Column::for_programs(&["term_months"]),
    Column::for_readers("holds"),
    Column::for_programs(&["effective_from"]),
    Column::for_programs(&["effective_to"]),
    Column::new("seen", &["observed_on"]),
    Column::for_readers("source"),
    Column::for_programs(&["source"]),
    Column::new("note", &["note"]),
];

/// Decimal places of the quantity that is free in a month.
const FREE_DIGITS: u32 = 6;

/// Prints all rows of a book.
pub fn book(layered: &LayeredBook, format: Format) -> Result<(), CommandError> {
    let book = &layered.book;
    talk(&format!(
        "{}: amounts in {} without tax; {}",
        book.name(),
        book.currency,
        layered.layers.join(" < ")
    ));
    print_rows(book, &all_rows(book), format)
}

/// Prints one row of a book with its tiers.
pub fn row(book: &PriceBook, id: &str, format: Format) -> Result<(), CommandError> {
    print_rows(book, &rows_called(book, id)?, format)
}

/// Prints rows; readers get each source once, below the table.
fn print_rows(book: &PriceBook, rows: &[BookRow], format: Format) -> Result<(), CommandError> {
    let titles = titles(book, rows);
    let table = table(book, rows, &titles).render(format);
    match format {
        Format::Human | Format::Md if !titles.is_empty() => {
            let numbered = (1..)
                .zip(&titles)
                .map(|(number, title)| format!("{number}. {title}\n"));
            data(&format!("{table}\nSources:\n\n{}", numbered.collect::<String>()))
        }
        _ => data(&table),
    }
}

/// The title of each source that rows have, once, in the order of the rows.
fn titles<'a>(book: &'a PriceBook, rows: &[BookRow]) -> Vec<&'a str> {
    let mut titles = Vec::new();
    for source in rows.iter().filter_map(|row| book.source.get(row.source)) {
        if !titles.contains(&source.title.as_str()) {
            titles.push(source.title.as_str());
        }
    }
    titles
}

/// Prints what a quantity of a row costs on a day.
pub fn cost(
    book: &PriceBook,
    id: &str,
    quantity: QuotedDecimal,
    on: Date,
    format: Format,
) -> Result<(), CommandError> {
    rows_called(book, id)?;
    let priced = priced(book, id, quantity, on)?;
    if priced.amount.is_none() {
        talk("the book has no price for a part of this quantity: the cost is unknown, not zero");
    }
    data(&cost_table(book, id, quantity, priced).render(format))
}

/// The rows with this identifier; an error if there is none.
fn rows_called<'a>(book: &'a PriceBook, id: &str) -> Result<Vec<BookRow<'a>>, CommandError> {
    let (found, others): (Vec<_>, Vec<_>) = all_rows(book).into_iter().partition(|row| row.id == id);
    if found.is_empty() {
        let name = book.name();
        return Err(unknown(
            &format!("row of {name} called"),
            id,
            others.iter().map(|row| row.id),
            &format!("`locust-nest pricing show {name}` shows all rows"),
        ));
    }
    Ok(found)
}

/// One line for each price of each row.
fn table(book: &PriceBook, rows: &[BookRow], titles: &[&str]) -> OutputTable {
    let mut table = OutputTable::new(&COLUMNS);
    for row in rows {
        for part in &row.parts {
            table.push(cells(book, row, part, titles));
        }
    }
    table
}

fn cells(book: &PriceBook, row: &BookRow, part: &PricePart, titles: &[&str]) -> Vec<Cell> {
    let [observed_on, title] = seen(book, row.source);
    let source = book.source.get(row.source);
    let number = source.and_then(|source| titles.iter().position(|title| *title == source.title));
    let decimal = |number: Option<QuotedDecimal>| Cell::or_missing(number, "", Cell::decimal);
    vec![
        Cell::text(row.table),
        Cell::text(row.id),
        Cell::Text(part.of.shown(row)),
        Cell::text(part.of.name()),
        Cell::text(part.of.other()),
        decimal(part.of.up_to()),
        Cell::or_missing(part.amount, "unknown", Cell::decimal),
        Cell::or_missing(part.base_amount(), "", Cell::decimal),
        Cell::text(if part.of.is_money() {
            book.currency.as_str()
        } else {
            ""
        }),
        decimal(part.per),
        Cell::text(part.shown_unit()),
        Cell::text(part.base_unit()),
        Cell::text(&book.currency),
        decimal(row.machine.map(|machine| machine.vcpu)),
        Cell::or_missing(row.memory_bytes(), "", |bytes| {
            Cell::Number(bytes, Unit::Bytes, Shown::Full)
        }),
        Cell::text(row.machine.map_or("", |machine| machine.arch.as_str())),
        Cell::or_missing(row.term_months, "", |months| Cell::Count(months.into())),
        Cell::Text(row.holds()),
        date(row.from),
        date(row.to),
        observed_on,
        Cell::or_missing(number, "", |number| Cell::count(number + 1)),
        title,
        Cell::text(&row.note),
    ]
}

/// When a source was seen, and its title; empty if the book does not know it.
fn seen(book: &PriceBook, source: &str) -> [Cell; 2] {
    let source = book.source.get(source);
    [
        Cell::or_missing(source, "", |source| Cell::Text(source.observed_on.to_string())),
        Cell::or_missing(source, "", |source| Cell::text(&source.title)),
    ]
}

/// What a quantity costs.
struct PricedQuantity<'a> {
    /// Unit of the quantity.
    unit: &'a str,
    /// `None` if a price is missing.
    amount: Option<QuotedDecimal>,
    /// Name of the source of the price.
    source: &'a str,
    /// Quantity that is free each month.
    free: Option<QuotedDecimal>,
}

/// What a quantity of a meter costs, or that many hours or months of an instance.
fn priced<'a>(
    book: &'a PriceBook,
    id: &str,
    quantity: QuotedDecimal,
    on: Date,
) -> Result<PricedQuantity<'a>, CommandError> {
    if let Some(meter) = book.meter(id, on) {
        let contract = contract_factor(&book.adjustment, &meter.id);
        return Ok(PricedQuantity {
            unit: &meter.unit,
            amount: price(meter, billed_units(meter, quantity.0))
                .map(|price| QuotedDecimal(price * contract)),
            source: &meter.source,
            free: free_in_month(meter).map(|free| QuotedDecimal(free.round_dp(FREE_DIGITS).normalize())),
        });
    }
    if let Some(instance) = book.instance(id, on) {
        return Ok(PricedQuantity {
            unit: unit(instance.price.unit),
            amount: instance
                .price
                .on_demand
                .map(|price| QuotedDecimal(price.0 * quantity.0 * contract_factor(&book.adjustment, id))),
            source: &instance.source,
            free: None,
        });
    }
    let dated = book.meter.iter().any(|meter| meter.id == id)
        || book.instance.iter().any(|instance| instance.sku == id);
    Err(if dated {
        CommandError::new(INVALID, format!("{id} has no price on {on}")).hint("choose another day with --on")
    } else {
        CommandError::new(INVALID, format!("{id} is neither a meter nor an instance type"))
            .hint("--quantity can be used only with a meter or an instance type")
    })
}

fn cost_table(book: &PriceBook, id: &str, quantity: QuotedDecimal, priced: PricedQuantity) -> OutputTable {
    let mut table = OutputTable::new(&[
        Column::new("row", &["row"]),
        Column::new("quantity", &["quantity"]),
        Column::new("unit", &["unit"]),
        Column::new("free", &["free"]),
        Column::new("cost", &["cost"]),
        Column::new("currency", &["currency"]),
        Column::new("seen", &["observed_on"]),
        Column::new("source", &["source"]),
    ]);
    let [observed_on, title] = seen(book, priced.source);
    table.push(vec![
        Cell::text(id),
        Cell::decimal(quantity),
        Cell::text(priced.unit),
        Cell::or_missing(priced.free, "", Cell::decimal),
        Cell::or_missing(priced.amount, "unknown", |amount| {
            Cell::decimal(amount.0.normalize())
        }),
        Cell::text(&book.currency),
        observed_on,
        title,
    ]);
    table
}
