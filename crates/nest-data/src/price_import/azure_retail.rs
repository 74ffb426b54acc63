//! Answers of the Azure Retail Prices API: one item a price, with the name of the size and of the product.
//!
//! Several meters share the name of a size: Windows, spot, low priority, cloud services. The list does not
//! say which is which but in names, nor how large a size is; that comes from the shipped books.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    Size,
    builder::{Book, BookSet},
    json, service_rules,
    vendor::{self, Buying, NO_ROW, day, decimal, exact, list_source},
};
use crate::{
    diagnostic::{Diagnostic, Source},
    price_book::{
        Commitment, CommitmentKind, Covers, Instance, InstancePrice, InstanceUnit, Payment, PriceBook,
    },
    units::QuotedDecimal,
};

const HELP: &str = "the vendor has changed the list; a newer version of locust-nest may read it";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RetailPrices {
    items: Vec<RetailPrice>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RetailPrice {
    currency_code: String,
    tier_minimum_units: Box<RawValue>,
    retail_price: Box<RawValue>,
    arm_region_name: String,
    effective_start_date: String,
    meter_id: String,
    meter_name: String,
    product_name: String,
    sku_name: String,
    service_name: String,
    unit_of_measure: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    arm_sku_name: String,
    #[serde(default)]
    reservation_term: String,
}

/// Meters of books, by service and meter.
const METERS: [(&str, &str, &str); 2] = [
    ("Functions", "Standard Total Executions", "functions.requests"),
    ("Functions", "Standard Execution Time", "functions.duration"),
];

/// Adds an answer; a file may hold several pages one after another as one list of items.
pub fn add(
    file: &Source,
    known: &[PriceBook],
    sizes: &BTreeMap<String, Size>,
    books: &mut BookSet<'_>,
) -> Result<(), Vec<Diagnostic>> {
    let answer: RetailPrices = json::parse(file).map_err(|error| vec![error])?;
    if answer.items.is_empty() {
        return Err(vec![Diagnostic::at(
            &file.name,
            0..0,
            "the list of items is empty",
            "check the filter of the request",
        )]);
    }
    let mut by_region: BTreeMap<&str, Vec<&RetailPrice>> = BTreeMap::new();
    answer
        .items
        .iter()
        .for_each(|item| by_region.entry(&item.arm_region_name).or_default().push(item));
    let mut found = Vec::new();
    for (region, items) in by_region {
        if region.is_empty() {
            continue;
        }
        let observed = books.wanted().observed_on;
        let newest = items
            .iter()
            .filter_map(|item| day(&item.effective_start_date))
            .max();
        let Some(book) = books.book("azure", region) else {
            continue;
        };
        let title = "Azure Retail Prices API".to_owned();
        let Some(source) = list_source(
            title,
            "https://prices.azure.com/api/retail/prices",
            newest,
            observed,
        ) else {
            found.push(Diagnostic::at(
                &file.name,
                0..0,
                "no item states the day from which its price is valid",
                HELP,
            ));
            continue;
        };
        let source = book.add_source("list-azure", source);
        found.extend(
            add_region(file, &items, known, sizes, book, &source)
                .err()
                .into_iter()
                .flatten(),
        );
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn add_region(
    file: &Source,
    items: &[&RetailPrice],
    known: &[PriceBook],
    sizes: &BTreeMap<String, Size>,
    book: &mut Book,
    source: &str,
) -> Result<(), Vec<Diagnostic>> {
    let mut found = Vec::new();
    let mut machines: BTreeMap<&str, BTreeMap<Buying, &RetailPrice>> = BTreeMap::new();
    let mut meters: BTreeMap<&str, Vec<&RetailPrice>> = BTreeMap::new();
    for item in items {
        book.count(&file.name);
        let what = format!("{} {}", item.product_name, item.meter_name);
        let meter = METERS
            .iter()
            .find(|(service, meter, _)| item.service_name == *service && item.meter_name == *meter);
        if let Some((_, _, id)) = meter.filter(|_| item.kind == "Consumption") {
            meters.entry(id).or_default().push(item);
            continue;
        }
        let Some(use_of) = machine(item) else {
            book.leave_out_at(&file.name, 0, &what, NO_ROW, true);
            continue;
        };
        if !sizes.contains_key(&item.arm_sku_name) {
            book.leave_out_at(
                &file.name,
                0,
                &item.arm_sku_name,
                "the list states no size, and no shipped book knows it",
                true,
            );
            continue;
        }
        if let Some(other) = machines
            .entry(&item.arm_sku_name)
            .or_default()
            .insert(use_of, item)
        {
            let message = format!(
                "`{}` has two prices: meters {} ({}) and {} ({})",
                item.arm_sku_name, other.meter_id, other.product_name, item.meter_id, item.product_name
            );
            found.push(json::wrong(
                file,
                &item.meter_id,
                message,
                "the list has a new kind of product, which this version cannot tell apart",
            ));
        }
    }
    for (sku, uses) in machines {
        found.extend(add_machine(file, sku, &uses, &sizes[sku], book, source).err());
    }
    for (id, items) in meters {
        found.extend(add_meter(file, id, &items, known, book, source).err());
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// What of a virtual machine on Linux an item is the price of; none where it is of something else.
fn machine(item: &RetailPrice) -> Option<Buying> {
    let named = |word: &str| {
        [&item.product_name, &item.meter_name, &item.sku_name]
            .iter()
            .any(|name| name.contains(word))
    };
    let virtual_machine = item.service_name == "Virtual Machines"
        && item.product_name.starts_with("Virtual Machines ")
        && !item.arm_sku_name.is_empty();
    if !virtual_machine
        || [
            "Windows",
            "Low Priority",
            "CloudServices",
            "Cloud Services",
            "Expired",
            "Dedicated Host",
        ]
        .iter()
        .any(|word| named(word))
    {
        return None;
    }
    match (item.kind.as_str(), item.reservation_term.as_str()) {
        ("Consumption", "") if named("Spot") => Some(Buying::Spot),
        ("Consumption", "") => Some(Buying::OnDemand),
        ("Reservation", "1 Year") => Some(Buying::OneYear),
        ("Reservation", "3 Years") => Some(Buying::ThreeYears),
        _ => None,
    }
}

fn amount(file: &Source, item: &RetailPrice) -> Result<Decimal, Diagnostic> {
    exact(&item.retail_price).ok_or_else(|| {
        json::wrong(
            file,
            &item.meter_id,
            format!("`{}` is not an amount", item.retail_price.get()),
            HELP,
        )
    })
}

fn add_machine(
    file: &Source,
    sku: &str,
    uses: &BTreeMap<Buying, &RetailPrice>,
    size: &Size,
    book: &mut Book,
    source: &str,
) -> Result<(), Diagnostic> {
    for item in uses.values() {
        book.currency(&item.currency_code)
            .map_err(|message| json::wrong(file, &item.meter_id, message, "import one currency at a time"))?;
    }
    let hourly = |of: Buying| -> Result<Option<QuotedDecimal>, Diagnostic> {
        let Some(item) = uses.get(&of) else {
            return Ok(None);
        };
        if item.unit_of_measure != "1 Hour" {
            return Err(json::wrong(
                file,
                &item.meter_id,
                format!("`{sku}` is priced per `{}`, not per hour", item.unit_of_measure),
                HELP,
            ));
        }
        amount(file, item).map(|amount| Some(QuotedDecimal(amount)))
    };
    let price = InstancePrice {
        on_demand: hourly(Buying::OnDemand)?,
        spot: hourly(Buying::Spot)?,
        unit: InstanceUnit::H,
        hourly: None,
        sustained: Vec::new(),
        quantum: None,
    };
    book.instances.push(Instance {
        sku: sku.to_owned(),
        arch: size.arch.clone(),
        vcpu: size.vcpu,
        memory_gib: size.memory_gib,
        baseline: None,
        network_gbps: None,
        vcpu_kind: None,
        included: BTreeMap::new(),
        price,
        effective_from: None,
        effective_to: None,
        vendor_code: uses.get(&Buying::OnDemand).map(|item| item.meter_id.clone()),
        note: Some("processors and memory are from the shipped book, not from the price list".to_owned()),
        source: source.to_owned(),
    });
    for (of, term_months, term) in [(Buying::OneYear, 12, "1y"), (Buying::ThreeYears, 36, "3y")] {
        let Some(item) = uses.get(&of) else { continue };
        book.commitments.push(Commitment {
            id: format!("{sku}-{term}-all"),
            kind: CommitmentKind::Reserved,
            term_months,
            payment: Payment::All,
            covers: Covers {
                sku: Some(sku.to_owned()),
                family: None,
            },
            // A reservation's price is for the whole term.
            upfront: QuotedDecimal(amount(file, item)?),
            recurring: QuotedDecimal(Decimal::ZERO),
            unit: InstanceUnit::H,
            rates: BTreeMap::new(),
            vendor_code: Some(item.meter_id.clone()),
            note: Some("may be paid by the month for the same sum".to_owned()),
            source: source.to_owned(),
        });
    }
    Ok(())
}

/// A meter whose unit is a number of something: `10`, `1M`, `1 GB Second`.
fn add_meter(
    file: &Source,
    id: &str,
    items: &[&RetailPrice],
    known: &[PriceBook],
    book: &mut Book,
    source: &str,
) -> Result<(), Diagnostic> {
    let first = items[0];
    let mut steps = Vec::new();
    for item in items {
        book.currency(&item.currency_code)
            .map_err(|message| json::wrong(file, &item.meter_id, message, "import one currency at a time"))?;
        let per = counted(&item.unit_of_measure);
        let per = per.ok_or_else(|| {
            json::wrong(
                file,
                &item.meter_id,
                format!("`{id}` is priced per `{}`", item.unit_of_measure),
                HELP,
            )
        })?;
        let from = exact(&item.tier_minimum_units).ok_or_else(|| {
            json::wrong(
                file,
                &item.meter_id,
                format!("a tier of `{id}` does not state where it begins"),
                HELP,
            )
        })?;
        steps.push((from * per, (amount(file, item)? / per).normalize()));
    }
    let price = vendor::price(steps);
    let price = price.ok_or_else(|| {
        json::wrong(
            file,
            &first.meter_id,
            format!("the tiers of `{id}` do not follow one another"),
            HELP,
        )
    })?;
    let rule = service_rules::by_id("azure", id).expect("every meter of a list is one of the books");
    book.meters.push(vendor::meter(
        rule,
        price,
        &first.meter_id,
        source,
        known,
        "azure",
    ));
    Ok(())
}

/// How many units a unit of measure is.
fn counted(unit: &str) -> Option<Decimal> {
    let number = unit.split(' ').next()?;
    match number.strip_suffix('M').or_else(|| number.strip_suffix('K')) {
        Some(digits) => decimal(digits).map(|count| {
            count
                * if number.ends_with('M') {
                    Decimal::from(1_000_000)
                } else {
                    Decimal::ONE_THOUSAND
                }
        }),
        None => decimal(number),
    }
}
