//! `pricing show`: prints the rows of a book, one row with its tiers, or what a quantity of it costs.

use jiff::civil::Date;
use nest_data::{
    PriceBook,
    price_book::{Commitment, Instance, InstanceUnit, Meter, MeterPrice, Plan, ProviderLimit, Sustained},
    units::QuotedDecimal,
};
use nest_model::pricing::price;

use super::unknown;
use crate::{
    args::Format,
    book_set::LayeredBook,
    command_error::{CommandError, INVALID, USAGE},
    printer::{OutputTable, data, talk},
};

/// Smallest and largest quantity, so that exact arithmetic stays inside its 28 digits.
const QUANTITIES: [&str; 2] = ["0", "1000000000000000"];

/// Prints all rows of a book.
pub fn book(layered: &LayeredBook, format: Format) -> Result<(), CommandError> {
    let book = &layered.book;
    talk(&format!(
        "{}: amounts in {} without tax; {}",
        book.name(),
        book.currency,
        layered.layers.join(" < ")
    ));
    data(&table(book, &all_rows(book)).render(format))
}

/// Prints one row of a book with its tiers.
pub fn row(book: &PriceBook, id: &str, format: Format) -> Result<(), CommandError> {
    data(&table(book, &rows_called(book, id)?).render(format))
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
    let [least, most] = QUANTITIES.map(|text| text.parse::<QuotedDecimal>().expect("a number of our own"));
    if !(least..=most).contains(&quantity) {
        return Err(CommandError::new(
            USAGE,
            format!("the quantity must be from {least} to {most}"),
        ));
    }
    let priced = priced(book, id, quantity, on)?;
    if priced.amount.is_none() {
        talk("the book has no price for a part of this quantity: the cost is unknown, not zero");
    }
    data(&cost_table(book, id, quantity, priced).render(format))
}

/// A row of a book, with all its prices.
struct BookRow<'a> {
    table: &'static str,
    id: &'a str,
    parts: Vec<PricePart>,
    holds: String,
    source: &'a str,
    note: &'a str,
}

/// One price of a row.
struct PricePart {
    part: String,
    amount: String,
    per: String,
    unit: String,
}

impl PricePart {
    /// A price of one unit.
    fn each(part: impl Into<String>, amount: String, unit: &str) -> Self {
        Self {
            part: part.into(),
            amount,
            per: "1".to_owned(),
            unit: unit.to_owned(),
        }
    }
}

fn all_rows(book: &PriceBook) -> Vec<BookRow<'_>> {
    let meters = book.meter.iter().map(meter_row);
    let instances = book.instance.iter().map(instance_row);
    let commitments = book.commitment.iter().map(commitment_row);
    let plans = book.plan.iter().map(plan_row);
    let limits = book.limit.iter().map(limit_row);
    meters
        .chain(instances)
        .chain(commitments)
        .chain(plans)
        .chain(limits)
        .collect()
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
fn table(book: &PriceBook, rows: &[BookRow]) -> OutputTable {
    let mut table = OutputTable::new(&[
        "table", "row", "part", "amount", "per", "unit", "currency", "holds", "seen", "source", "note",
    ]);
    for row in rows {
        let (seen, title) = seen(book, row.source);
        for price in &row.parts {
            let cells = [
                row.table,
                row.id,
                &price.part,
                &price.amount,
                &price.per,
                &price.unit,
                &book.currency,
                &row.holds,
                &seen,
                &title,
                row.note,
            ];
            table.rows.push(cells.map(str::to_owned).to_vec());
        }
    }
    table
}

/// When a source was seen, and its title; empty if the book does not know it.
fn seen(book: &PriceBook, source: &str) -> (String, String) {
    let source = book.source.get(source);
    (
        source.map_or_else(String::new, |source| source.observed_on.to_string()),
        source.map_or_else(String::new, |source| source.title.clone()),
    )
}

fn meter_row(meter: &Meter) -> BookRow<'_> {
    BookRow {
        table: "meter",
        id: &meter.id,
        parts: meter_parts(meter),
        holds: holds(meter.effective_from, meter.effective_to),
        source: &meter.source,
        note: meter.note.as_deref().unwrap_or_default(),
    }
}

fn meter_parts(meter: &Meter) -> Vec<PricePart> {
    let mut parts = match (&meter.price, &meter.percent_of) {
        (Some(price), _) => price_parts(price, &meter.unit),
        (None, Some(share)) => vec![PricePart {
            part: format!("percent of {}", share.meter),
            amount: share.percent.to_string(),
            per: String::new(),
            unit: meter.unit.clone(),
        }],
        (None, None) => vec![PricePart::each("price", known(None), &meter.unit)],
    };
    parts.extend(meter.free.as_ref().map(|free| {
        let part = if free.kind.lasts() {
            "free"
        } else {
            "free, not counted"
        };
        PricePart {
            part: part.to_owned(),
            amount: free.quantity.to_string(),
            per: String::new(),
            unit: meter.unit.clone(),
        }
    }));
    parts
}

/// The price of a meter, or each of its tiers.
fn price_parts(price: &MeterPrice, unit: &str) -> Vec<PricePart> {
    let part = |part: String, amount: Option<QuotedDecimal>| PricePart {
        part,
        amount: known(amount),
        per: price.per.map_or_else(|| "1".to_owned(), |per| per.to_string()),
        unit: unit.to_owned(),
    };
    if price.tiers.is_empty() {
        return vec![part("price".to_owned(), price.amount)];
    }
    let tiers = price.tiers.iter().map(|tier| {
        let name = tier
            .up_to
            .map_or_else(|| "above".to_owned(), |bound| format!("up to {bound}"));
        part(name, tier.amount)
    });
    tiers.collect()
}

fn instance_row(instance: &Instance) -> BookRow<'_> {
    let unit = unit(instance.price.unit);
    let size = format!(
        "{} vCPU, {} GiB, {}",
        instance.vcpu, instance.memory_gib, instance.arch
    );
    let on_demand = known(instance.price.on_demand);
    let mut parts = vec![PricePart::each(format!("on demand ({size})"), on_demand, unit)];
    let spot = instance.price.spot;
    parts.extend(spot.map(|spot| PricePart::each("spot", spot.to_string(), unit)));
    parts.extend(instance.price.sustained.iter().map(sustained_part));
    BookRow {
        table: "instance",
        id: &instance.sku,
        parts,
        holds: holds(instance.effective_from, instance.effective_to),
        source: &instance.source,
        note: instance.note.as_deref().unwrap_or_default(),
    }
}

fn sustained_part(step: &Sustained) -> PricePart {
    let part = format!("on demand, up to {} of a month", step.up_to);
    PricePart::each(part, step.factor.to_string(), "of the list price")
}

fn commitment_row(commitment: &Commitment) -> BookRow<'_> {
    let upfront = format!("upfront, {} months", commitment.term_months);
    BookRow {
        table: "commitment",
        id: &commitment.id,
        parts: vec![
            PricePart::each(upfront, commitment.upfront.to_string(), "term"),
            PricePart::each(
                "recurring",
                commitment.recurring.to_string(),
                unit(commitment.unit),
            ),
        ],
        holds: String::new(),
        source: &commitment.source,
        note: commitment.note.as_deref().unwrap_or_default(),
    }
}

fn plan_row(plan: &Plan) -> BookRow<'_> {
    let mut parts = vec![PricePart::each("price", plan.amount.to_string(), "month")];
    parts.extend(plan.includes.iter().map(|included| {
        PricePart::each(
            format!("includes {}", included.meter),
            included.quantity.to_string(),
            included.unit.as_deref().unwrap_or_default(),
        )
    }));
    BookRow {
        table: "plan",
        id: &plan.id,
        parts,
        holds: String::new(),
        source: &plan.source,
        note: "",
    }
}

fn limit_row(limit: &ProviderLimit) -> BookRow<'_> {
    BookRow {
        table: "limit",
        id: &limit.id,
        parts: vec![PricePart::each("value", limit.value.to_string(), &limit.unit)],
        holds: String::new(),
        source: &limit.source,
        note: limit.note.as_deref().unwrap_or_default(),
    }
}

/// The days on which a row holds, in words; empty if it always holds.
fn holds(from: Option<Date>, to: Option<Date>) -> String {
    match (from, to) {
        (None, None) => String::new(),
        (Some(from), None) => format!("from {from}"),
        (None, Some(to)) => format!("before {to}"),
        (Some(from), Some(to)) => format!("{from} to before {to}"),
    }
}

fn known(amount: Option<QuotedDecimal>) -> String {
    amount.map_or_else(|| "unknown".to_owned(), |amount| amount.to_string())
}

fn unit(unit: InstanceUnit) -> &'static str {
    match unit {
        InstanceUnit::H => "h",
        InstanceUnit::Month => "month",
    }
}

/// What a quantity costs.
struct PricedQuantity<'a> {
    /// Unit of the quantity.
    unit: &'a str,
    /// `None` if a price is missing.
    amount: Option<QuotedDecimal>,
    /// Name of the source of the price.
    source: &'a str,
    /// Quantity that is free each month; empty if there is none.
    free: String,
}

/// What a quantity of a meter costs, or that many hours or months of an instance.
fn priced<'a>(
    book: &'a PriceBook,
    id: &str,
    quantity: QuotedDecimal,
    on: Date,
) -> Result<PricedQuantity<'a>, CommandError> {
    if let Some(meter) = book.meter(id, on) {
        let free = meter.free.as_ref().filter(|free| free.kind.lasts());
        return Ok(PricedQuantity {
            unit: &meter.unit,
            amount: price(meter, quantity.0).map(QuotedDecimal),
            source: &meter.source,
            free: free.map_or_else(String::new, |free| free.quantity.to_string()),
        });
    }
    if let Some(instance) = book.instance(id, on) {
        return Ok(PricedQuantity {
            unit: unit(instance.price.unit),
            amount: instance
                .price
                .on_demand
                .map(|price| QuotedDecimal(price.0 * quantity.0)),
            source: &instance.source,
            free: String::new(),
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
    let (seen, title) = seen(book, priced.source);
    let mut table = OutputTable::new(&[
        "row", "quantity", "unit", "free", "cost", "currency", "seen", "source",
    ]);
    table.rows.push(vec![
        id.to_owned(),
        quantity.to_string(),
        priced.unit.to_owned(),
        priced.free,
        priced
            .amount
            .map_or_else(|| "unknown".to_owned(), |amount| amount.0.normalize().to_string()),
        book.currency.clone(),
        seen,
        title,
    ]);
    table
}
