//! Virtual servers that are sold by the month or the hour beside what is sold with them: Hetzner,
//! DigitalOcean, OVHcloud, Scaleway.

use std::collections::BTreeMap;

use jiff::{ToSpan, civil::Date};
use rust_decimal::{Decimal, RoundingStrategy};

use super::{
    builder::{Book, BookSet, noted},
    csv_table::{CsvRow, CsvText},
    instances::{bare_instance, source_of},
    service_rules::book_regions,
    services::empty_meter,
};
use crate::{
    diagnostic::Diagnostic,
    price_book::{Instance, InstancePrice, InstanceUnit, Meter, MeterPrice, VcpuKind},
    units::QuotedDecimal,
};

/// Meter of traffic beyond what servers include.
const TRAFFIC: &str = "egress.overage";
/// Meter of IPv4 addresses.
const ADDRESS: &str = "ipv4.address";
/// Digits of an hourly price that was calculated.
const HOUR_DIGITS: u32 = 8;

/// What is sold beside servers: its name in the file, and the meter of the book.
struct SoldBeside {
    sku: &'static str,
    id: &'static str,
    unit: &'static str,
    /// Units that the price of the file buys; none for one.
    per: Option<u32>,
}

const fn sold(sku: &'static str, id: &'static str, unit: &'static str) -> SoldBeside {
    SoldBeside {
        sku,
        id,
        unit,
        per: None,
    }
}

const SOLD_BESIDE: [SoldBeside; 14] = [
    SoldBeside {
        per: Some(1_000),
        ..sold("traffic-overage", TRAFFIC, "GB")
    },
    sold("primary-ipv4", ADDRESS, "month"),
    sold("volume", "volumes.storage", "GB*month"),
    sold("snapshot", "snapshots.storage", "GB*month"),
    sold("block-storage", "volumes.storage", "GB*month"),
    sold("block-storage-classic", "volumes.storage.classic", "GB*month"),
    sold(
        "block-storage-high_speed",
        "volumes.storage.high-speed",
        "GB*month",
    ),
    sold("object-storage-base", "objects.base", "month"),
    sold("LB11", "lb.lb11", "month"),
    sold("load-balancer", "lb", "month"),
    sold("load-balancer-S", "lb.s.hour", "h"),
    sold("load-balancer-M", "lb.m.hour", "h"),
    sold("load-balancer-L", "lb.l.hour", "h"),
    sold("load-balancer-XL", "lb.xl.hour", "h"),
];

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
    let sku = row.get("sku");
    if row.get("vat") != "excluded" {
        book.leave_out(row, sku, "its price is with tax");
        return Ok(());
    }
    let source = source_of(row, book, row.get("source"), row.get("source_date"))?;
    let dated_note = noted(&[row.get("note"), &seen(row)]);
    let (Some(vcpu), Some(memory_gib)) = (row.decimal("vcpu")?, row.decimal("memory_gib")?) else {
        let Some(sold) = SOLD_BESIDE.iter().find(|sold| sold.sku == sku) else {
            book.leave_out(row, sku, "processors or memory are not known");
            return Ok(());
        };
        let column = if sold.unit == "h" {
            "price_hour"
        } else {
            "price_month"
        };
        book.meters.push(Meter {
            price: Some(MeterPrice {
                amount: Some(row.needed(column)?),
                per: sold.per.map(|per| QuotedDecimal(Decimal::from(per))),
                ..MeterPrice::default()
            }),
            effective_from,
            effective_to,
            note: dated_note,
            ..empty_meter(sold.id, sold.unit, source)
        });
        return Ok(());
    };
    let arch = if sku.starts_with("CAX") || row.get("note").contains("arm64") {
        "arm64"
    } else {
        "x86_64"
    };
    let (price, rounded) = price(row)?;
    book.instances.push(Instance {
        vcpu_kind: vcpu_kind(row)?,
        included: included(row)?,
        price,
        effective_from,
        effective_to,
        note: noted(&[
            &quantity(row, "disk_gb", "GB disk"),
            &quantity(row, "transfer_tb", "TB transfer included"),
            if row.get("ipv4_included") == "yes" {
                "one IPv4 address included"
            } else {
                ""
            },
            &rounded,
            &places(row, book.region()),
            dated_note.as_deref().unwrap_or_default(),
        ]),
        ..bare_instance(sku, arch, vcpu.0, memory_gib.0, source)
    });
    Ok(())
}

/// The price of a server, and how its price of an hour was made where the file does not state it.
///
/// Where hours are charged up to a number of them, the price of the month is the most that a month costs. An
/// hour that the file does not state is the price of the month by that number, rounded to 8 digits, half
/// away from zero. Where there is no such number, the price of the hour is the price.
fn price(row: &CsvRow<'_>) -> Result<(InstancePrice, String), Diagnostic> {
    let month = row.needed("price_month")?;
    let (hour, cap_hours) = (row.decimal("price_hour")?, row.decimal("cap_hours")?);
    let priced = |on_demand, unit, hourly| InstancePrice {
        on_demand: Some(on_demand),
        spot: None,
        unit,
        hourly,
        sustained: Vec::new(),
        quantum: None,
    };
    Ok(match (hour, cap_hours) {
        (None, None) => (priced(month, InstanceUnit::Month, None), String::new()),
        (Some(hour), None) => (priced(hour, InstanceUnit::H, None), String::new()),
        (Some(hour), Some(_)) => (priced(month, InstanceUnit::Month, Some(hour)), String::new()),
        (None, Some(hours)) => {
            let hour = month
                .0
                .checked_div(hours.0)
                .ok_or_else(|| row.wrong("`cap_hours` is 0", "write the hours, such as 624, or nothing"))?
                .round_dp_with_strategy(HOUR_DIGITS, RoundingStrategy::MidpointAwayFromZero)
                .normalize();
            (
                priced(month, InstanceUnit::Month, Some(QuotedDecimal(hour))),
                format!("an hour is {month} / {hours}, rounded to {HOUR_DIGITS} digits"),
            )
        }
    })
}

fn vcpu_kind(row: &CsvRow<'_>) -> Result<Option<VcpuKind>, Diagnostic> {
    match row.get("vcpu_kind") {
        "" => Ok(None),
        "shared" => Ok(Some(VcpuKind::Shared)),
        "dedicated" => Ok(Some(VcpuKind::Dedicated)),
        other => Err(row.wrong(
            format!("`vcpu_kind` is `{other}`"),
            "write shared, dedicated or nothing",
        )),
    }
}

/// What a month of a server includes, by meter. A TB has 1,000 GB, as in the price of traffic.
fn included(row: &CsvRow<'_>) -> Result<BTreeMap<String, QuotedDecimal>, Diagnostic> {
    let mut included = BTreeMap::new();
    if let Some(terabytes) = row.decimal("transfer_tb")? {
        let gigabytes = (terabytes.0 * Decimal::ONE_THOUSAND).normalize();
        included.insert(TRAFFIC.to_owned(), QuotedDecimal(gigabytes));
    }
    if row.get("ipv4_included") == "yes" {
        included.insert(ADDRESS.to_owned(), QuotedDecimal(Decimal::ONE));
    }
    Ok(included)
}

/// A quantity of a row in words; nothing where the cell is blank.
fn quantity(row: &CsvRow<'_>, column: &str, what: &str) -> String {
    match row.get(column) {
        "" => String::new(),
        quantity => format!("{quantity} {what}"),
    }
}

/// The places of a row where it lists only some of those that the book is of.
fn places(row: &CsvRow<'_>, region: &str) -> String {
    match row.get("region") {
        "all" => String::new(),
        listed if region == "global" => format!("in {listed}"),
        _ => String::new(),
    }
}

/// The span of months within which a price was seen; nothing where there is a day.
fn seen(row: &CsvRow<'_>) -> String {
    match row.get("source_date") {
        span if span.contains("..") => format!("seen {span}"),
        _ => String::new(),
    }
}
