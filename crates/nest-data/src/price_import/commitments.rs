//! AWS reservations from the sample file: by term, class and payment.

pub mod savings_plans;

use rust_decimal::{Decimal, RoundingStrategy};

use super::{
    builder::{Book, BookSet, noted},
    csv_table::{CsvRow, CsvText},
    instances::source_of,
};
use crate::{
    diagnostic::Diagnostic,
    price_book::{Commitment, CommitmentKind, Covers, InstanceUnit, Payment},
    units::QuotedDecimal,
};

/// Hours of a year of a term, 365 days.
const YEAR_HOURS: Decimal = Decimal::from_parts(8_760, 0, 0, false, 0);
/// Hours of a month in the file.
const MONTH_HOURS: Decimal = Decimal::from_parts(730, 0, 0, false, 0);
/// Digits of an hourly rate that was computed.
const RATE_DIGITS: u32 = 7;

/// Reservations whose parts are all known. Where the source states only the recurring part of one that is
/// paid upfront too, the row is left out: half a price is none.
pub fn add(table: &CsvText<'_>, books: &mut BookSet<'_>) -> Result<(), Vec<Diagnostic>> {
    let mut found = Vec::new();
    for row in table.rows() {
        let Some(book) = books.book(row.get("provider"), row.get("region")) else {
            continue;
        };
        book.count(row.file());
        let money = book
            .currency("USD")
            .map_err(|message| row.wrong(message, "import one currency at a time"));
        found.extend(money.and_then(|()| add_row(&row, book)).err());
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn add_row(row: &CsvRow<'_>, book: &mut Book) -> Result<(), Diagnostic> {
    let sku = row.get("sku");
    let (term_months, years) = term(row)?;
    let (payment, paid) = paid(row)?;
    let class = row.get("offering_class");
    let id = if class == "standard" {
        format!("{sku}-{}-{paid}", row.get("term"))
    } else {
        format!("{sku}-{}-{class}-{paid}", row.get("term"))
    };
    let month = row.decimal("recurring_usd_per_month_730h")?;
    let effective = row.decimal("effective_usd_per_hour")?;
    let (upfront, recurring, derived) = match (payment, month, effective) {
        (Payment::None, _, Some(effective)) => (Decimal::ZERO, effective.0, String::new()),
        (Payment::None, Some(month), None) => {
            let hour = (month.0 / MONTH_HOURS)
                .round_dp_with_strategy(RATE_DIGITS, RoundingStrategy::MidpointAwayFromZero);
            (
                Decimal::ZERO,
                hour.normalize(),
                format!("{month} a month over 730 h"),
            )
        }
        // AWS takes whole dollars and cents upfront; the source divided them by the hours of the term and
        // kept six digits.
        (Payment::All, _, Some(effective)) => {
            let upfront = (effective.0 * YEAR_HOURS * years)
                .round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
            (
                upfront,
                Decimal::ZERO,
                format!("upfront is {effective} an hour times the hours of the term"),
            )
        }
        _ => {
            let reason = if effective.is_some() {
                "how much of it is upfront is not in the source"
            } else {
                row.get("note")
            };
            book.leave_out(row, &id, reason);
            return Ok(());
        }
    };
    if book.commitments.iter().any(|other| other.id == id) {
        book.leave_out(
            row,
            &id,
            "it is in another file by the hour; here it is rounded to cents of a month",
        );
        return Ok(());
    }
    let source = source_of(row, book, row.get("source"), row.get("source_date"))?;
    book.commitments.push(Commitment {
        id,
        kind: CommitmentKind::Reserved,
        term_months,
        payment,
        covers: Covers {
            sku: Some(sku.to_owned()),
            family: None,
        },
        upfront: QuotedDecimal(upfront),
        recurring: QuotedDecimal(recurring),
        unit: InstanceUnit::H,
        rates: Default::default(),
        vendor_code: None,
        note: noted(&[&derived, row.get("note")]),
        source,
    });
    Ok(())
}

/// The term of a row, in months and years.
pub fn term(row: &CsvRow<'_>) -> Result<(u32, Decimal), Diagnostic> {
    match row.get("term") {
        "1y" => Ok((12, Decimal::ONE)),
        "3y" => Ok((36, Decimal::from(3))),
        other => Err(row.wrong(format!("a term of `{other}` is not known"), "1y or 3y")),
    }
}

/// How much of a row is paid at once, with its word in the names of commitments.
pub fn paid(row: &CsvRow<'_>) -> Result<(Payment, &'static str), Diagnostic> {
    match row.get("payment") {
        "no_upfront" => Ok((Payment::None, "none")),
        "partial_upfront" => Ok((Payment::Partial, "partial")),
        "all_upfront" => Ok((Payment::All, "all")),
        other => Err(row.wrong(
            format!("payment `{other}` is not known"),
            "no_upfront, partial_upfront or all_upfront",
        )),
    }
}
