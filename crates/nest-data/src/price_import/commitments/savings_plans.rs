//! AWS savings plans: an amount that is spent each hour, at lower rates.

use rust_decimal::Decimal;

use super::{
    super::{
        builder::{Book, BookSet, LeftOut, noted},
        csv_table::{CsvRow, CsvText},
        instances::source_of,
    },
    paid, term,
};
use crate::{
    diagnostic::Diagnostic,
    price_book::{Commitment, CommitmentKind, Covers, InstanceUnit, Payment},
    units::QuotedDecimal,
};

/// What a reader of a plan must know.
const UNIT: &str = "one unit commits to spend 1 USD an hour; only what has a rate here is covered";

/// Adds the plans to books that other files have begun. Rows with the same plan, term and payment are rates
/// of one commitment. A share of the list price without a rate is no price, so that row is left out.
pub fn add(table: &CsvText<'_>, books: &mut BookSet<'_>) -> Result<(), Vec<Diagnostic>> {
    let mut found = Vec::new();
    for row in table.rows() {
        let (provider, region) = (row.get("provider"), row.get("region"));
        if !books.wants(provider) {
            continue;
        }
        let begun = books.of_provider(provider).any(|book| book.region() == region);
        match begun.then(|| books.book(provider, region)).flatten() {
            Some(book) => {
                book.count(row.file());
                found.extend(add_rate(&row, book).err());
            }
            None => books.leave_out(LeftOut {
                file: row.file().to_owned(),
                line: row.line(),
                row: row.get("what").to_owned(),
                reason: format!("no other file has a book of {provider}/{region}"),
            }),
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn add_rate(row: &CsvRow<'_>, book: &mut Book) -> Result<(), Diagnostic> {
    let what = row.get("what");
    // `m6a.xlarge linux shared`: the type comes first.
    let sku = what.split(' ').next().unwrap_or_default();
    let Some(rate) = row.decimal("rate")? else {
        book.leave_out(row, what, "it has a share of the list price, and no rate");
        return Ok(());
    };
    if row.get("unit") != "hour" || !book.instances.iter().any(|instance| instance.sku == sku) {
        book.leave_out(row, what, "the book has no instance type that it is the rate of");
        return Ok(());
    }
    let (term_months, _) = term(row)?;
    let (payment, paid) = paid(row)?;
    if payment != Payment::None {
        book.leave_out(row, what, "how much of it is upfront is not in the source");
        return Ok(());
    }
    let id = format!("{}-savings-{}-{paid}", row.get("plan"), row.get("term"));
    let source = source_of(row, book, row.get("source"), row.get("source_date"))?;
    if let Some(plan) = book.commitments.iter_mut().find(|plan| plan.id == id) {
        plan.rates.insert(sku.to_owned(), rate);
        plan.note = noted(&[plan.note.as_deref().unwrap_or_default(), row.get("note")]);
        return Ok(());
    }
    book.commitments.push(Commitment {
        id,
        kind: CommitmentKind::SavingsPlan,
        term_months,
        payment,
        covers: Covers {
            sku: None,
            family: None,
        },
        upfront: QuotedDecimal(Decimal::ZERO),
        recurring: QuotedDecimal(Decimal::ONE),
        unit: InstanceUnit::H,
        rates: [(sku.to_owned(), rate)].into(),
        vendor_code: None,
        note: noted(&[UNIT, row.get("note")]),
        source,
    });
    Ok(())
}
