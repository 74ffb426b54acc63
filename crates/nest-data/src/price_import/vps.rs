//! Virtual servers that are sold by the month: Hetzner and DigitalOcean.

use std::collections::BTreeMap;

use jiff::{ToSpan, civil::Date};
use rust_decimal::Decimal;

use super::{
    builder::{Book, BookSet, noted},
    csv_table::{CsvRow, CsvText},
    instances::source_of,
    service_rules::book_regions,
};
use crate::{
    diagnostic::Diagnostic,
    price_book::{Instance, InstancePrice, InstanceUnit, Meter, MeterPrice},
    units::QuotedDecimal,
};

/// A first day and the day after the last, where they are known.
type Interval = (Option<Date>, Option<Date>);

/// Adds servers, and what is sold beside them.
pub fn add(table: &CsvText<'_>, books: &mut BookSet<'_>) -> Result<(), Vec<Diagnostic>> {
    let mut found = Vec::new();
    let mut rows: Vec<(CsvRow<'_>, Interval)> = Vec::new();
    for row in table.rows() {
        match interval(&row) {
            Ok(interval) => rows.push((row, interval)),
            Err(error) => found.push(error),
        }
    }
    // A price whose first day is not known follows the one before it, so that each day has one price.
    rows.sort_by_key(|(_, (from, to))| (*from, to.unwrap_or(Date::MAX)));
    let mut known_until: BTreeMap<(&str, String, &str), Date> = BTreeMap::new();
    rows.sort_by_key(|(_, (_, to))| to.unwrap_or(Date::MAX));
    for (row, (from, to)) in &rows {
        let Some((provider, regions)) = book_regions(row.get("provider"), row.get("region")) else {
            continue;
        };
        for region in regions {
            let key = (provider, region.clone(), row.get("sku"));
            let from = from.or_else(|| known_until.get(&key).copied());
            let Some(book) = books.book(provider, &region) else {
                continue;
            };
            book.count(row.file());
            found.extend(add_row(row, (from, *to), book).err());
            known_until.extend(to.map(|to| (key, to)));
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// When a price holds. The file names the last day. A price that was only seen within a span of months holds
/// within that span: when it changed afterwards is not known.
fn interval(row: &CsvRow<'_>) -> Result<Interval, Diagnostic> {
    let next = |date: Date| date.saturating_add(1.day());
    let (from, to) = (row.date("effective_from")?, row.date("effective_to")?.map(next));
    let span = row
        .get("source_date")
        .split_once("..")
        .filter(|_| from.is_none() && to.is_none());
    let Some((first, last)) = span else {
        return Ok((from, to));
    };
    let month = |text: &str| {
        format!("{text}-01")
            .parse::<Date>()
            .map_err(|_| row.wrong(format!("`{text}` is not a month"), "write 2025-10..2026-03"))
    };
    Ok((Some(month(first)?), Some(month(last)?.saturating_add(1.month()))))
}

fn add_row(
    row: &CsvRow<'_>,
    (effective_from, effective_to): Interval,
    book: &mut Book,
) -> Result<(), Diagnostic> {
    book.currency(row.get("currency"))
        .map_err(|message| row.wrong(message, "import one currency at a time"))?;
    if row.get("vat") != "excluded" {
        book.leave_out(row, row.get("sku"), "its price is with tax");
        return Ok(());
    }
    let source = source_of(row, book, row.get("source"), row.get("source_date"))?;
    let sku = row.get("sku");
    let price = row.needed("price_month")?;
    let seen = if row.get("source_date").contains("..") {
        format!("seen {}", row.get("source_date"))
    } else {
        String::new()
    };
    let (Some(vcpu), Some(memory_gib)) = (row.decimal("vcpu")?, row.decimal("memory_gib")?) else {
        let (id, unit, per) = match sku {
            "volume" => ("volumes.storage", "GB*month", None),
            "traffic-overage" => ("egress.overage", "GB", Some(QuotedDecimal(Decimal::ONE_THOUSAND))),
            _ => {
                book.leave_out(row, sku, "processors or memory are not known");
                return Ok(());
            }
        };
        book.meters.push(Meter {
            id: id.to_owned(),
            unit: unit.to_owned(),
            quantum: None,
            price: Some(MeterPrice {
                amount: Some(price),
                per,
                ..MeterPrice::default()
            }),
            chunk: None,
            max_of: Vec::new(),
            percent_of: None,
            free: None,
            effective_from,
            effective_to,
            vendor_code: None,
            note: noted(&[row.get("note")]),
            source,
        });
        return Ok(());
    };
    let included = |column: &str, unit: &str, what: &str| match row.get(column) {
        "" => String::new(),
        quantity => format!("{quantity} {unit} {what}"),
    };
    let hour = if row.get("price_hour").is_empty() {
        String::new()
    } else {
        format!("{} an hour, at most a month's price", row.get("price_hour"))
    };
    book.instances.push(Instance {
        sku: sku.to_owned(),
        arch: if sku.starts_with("CAX") { "arm64" } else { "x86_64" }.to_owned(),
        vcpu,
        memory_gib,
        baseline: None,
        network_gbps: None,
        price: InstancePrice {
            on_demand: Some(price),
            spot: None,
            unit: InstanceUnit::Month,
            sustained: Vec::new(),
            quantum: None,
        },
        effective_from,
        effective_to,
        vendor_code: None,
        note: noted(&[
            &included("disk_gb", "GB", "disk"),
            &included("transfer_tb", "TB", "transfer included"),
            &hour,
            row.get("note"),
            &seen,
        ]),
        source,
    });
    Ok(())
}
