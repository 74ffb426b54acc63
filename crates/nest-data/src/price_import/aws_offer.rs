//! AWS Price List offer files: products by SKU with terms on demand and reserved.
//!
//! Usage types carry a prefix outside us-east-1, and the lists hold decoys (Outposts, reserved capacity,
//! trust stores): a product is taken where its usage type is exactly the one that is meant, and two such
//! products are an error.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::{
    aws_rules::{AwsMeter, METERS, prefixes},
    builder::{Book, BookSet},
    instances::is_graviton,
    json, service_rules,
    vendor::{self, NO_ROW, day, decimal, list_source},
};
use crate::{
    diagnostic::{Diagnostic, Source},
    price_book::{
        Commitment, CommitmentKind, Covers, Instance, InstancePrice, InstanceUnit, Payment, PriceBook,
        Quantum, Round,
    },
    units::QuotedDecimal,
};

const HELP: &str = "the vendor has changed the list; a newer version of locust-nest may read it";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfferFile {
    offer_code: String,
    publication_date: String,
    products: BTreeMap<String, ProductPart>,
    terms: TermsPart,
}

#[derive(Deserialize)]
struct ProductPart {
    attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct TermsPart {
    #[serde(rename = "OnDemand")]
    on_demand: BTreeMap<String, BTreeMap<String, TermPart>>,
    #[serde(rename = "Reserved", default)]
    reserved: BTreeMap<String, BTreeMap<String, TermPart>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TermPart {
    price_dimensions: BTreeMap<String, RatePart>,
    #[serde(default)]
    term_attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RatePart {
    rate_code: String,
    unit: String,
    #[serde(default)]
    begin_range: Option<String>,
    price_per_unit: BTreeMap<String, String>,
}

/// An offer, whether it came as JSON or CSV.
pub struct Offer {
    pub code: String,
    pub published: String,
    pub products: BTreeMap<String, Product>,
}

/// A product with what is known of it, by names in lower case without blanks: `instancetype`.
#[derive(Default)]
pub struct Product {
    pub attributes: BTreeMap<String, String>,
    pub on_demand: Vec<OfferRate>,
    pub reserved: Vec<Reserved>,
}

/// A rate of a term.
#[derive(Debug, Clone)]
pub struct OfferRate {
    pub code: String,
    pub unit: String,
    pub begin: Decimal,
    pub currency: String,
    pub amount: Decimal,
}

/// A reservation.
#[derive(Default)]
pub struct Reserved {
    pub length: String,
    pub class: String,
    pub option: String,
    pub rates: Vec<OfferRate>,
}

impl Product {
    fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// A name as attributes are looked up by.
pub fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// Adds an offer in JSON.
pub fn add(file: &Source, known: &[PriceBook], books: &mut BookSet<'_>) -> Result<(), Vec<Diagnostic>> {
    let text: OfferFile = json::parse(file).map_err(|error| vec![error])?;
    let mut products = BTreeMap::new();
    let mut found = Vec::new();
    for (sku, part) in text.products {
        let attributes = part
            .attributes
            .into_iter()
            .map(|(name, value)| (plain(&name), value))
            .collect();
        products.insert(
            sku,
            Product {
                attributes,
                ..Product::default()
            },
        );
    }
    let mut rates = |term: &TermPart| -> Vec<OfferRate> {
        let rates = term.price_dimensions.values().map(|rate| {
            let (currency, amount) = rate.price_per_unit.iter().next().ok_or(&rate.rate_code)?;
            let amount = decimal(amount).ok_or(&rate.rate_code)?;
            let begin = rate
                .begin_range
                .as_deref()
                .map_or(Some(Decimal::ZERO), decimal)
                .ok_or(&rate.rate_code)?;
            Ok(OfferRate {
                code: rate.rate_code.clone(),
                unit: rate.unit.clone(),
                begin,
                currency: currency.clone(),
                amount,
            })
        });
        let rates: Result<Vec<OfferRate>, &String> = rates.collect();
        rates.unwrap_or_else(|code| {
            found.push(json::wrong(
                file,
                code,
                format!("the rate `{code}` has no amount that can be read"),
                HELP,
            ));
            Vec::new()
        })
    };
    for (sku, terms) in &text.terms.on_demand {
        let all: Vec<OfferRate> = terms.values().flat_map(&mut rates).collect();
        if let Some(product) = products.get_mut(sku) {
            product.on_demand = all;
        }
    }
    for (sku, terms) in &text.terms.reserved {
        for term in terms.values() {
            let attribute = |name: &str| term.term_attributes.get(name).cloned().unwrap_or_default();
            let reserved = Reserved {
                length: attribute("LeaseContractLength"),
                class: attribute("OfferingClass"),
                option: attribute("PurchaseOption"),
                rates: rates(term),
            };
            products
                .entry(sku.clone())
                .and_modify(|product| product.reserved.push(reserved));
        }
    }
    if !found.is_empty() {
        return Err(found);
    }
    add_offer(
        file,
        Offer {
            code: text.offer_code,
            published: text.publication_date,
            products,
        },
        known,
        books,
    )
}

/// Adds an offer.
pub fn add_offer(
    file: &Source,
    offer: Offer,
    known: &[PriceBook],
    books: &mut BookSet<'_>,
) -> Result<(), Vec<Diagnostic>> {
    let published = day(&offer.published);
    let url = format!(
        "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/{}/current/index.json",
        offer.code
    );
    let title = format!("AWS Price List offer {}", offer.code);
    let Some(source) = list_source(title, &url, published, books.wanted().observed_on) else {
        return Err(vec![Diagnostic::at(
            &file.name,
            0..0,
            format!("the publication date `{}` is not a date", offer.published),
            HELP,
        )]);
    };
    let mut by_region: BTreeMap<&str, Vec<(&String, &Product)>> = BTreeMap::new();
    for (sku, product) in &offer.products {
        by_region
            .entry(product.get("regioncode"))
            .or_default()
            .push((sku, product));
    }
    if by_region.keys().all(|region| region.is_empty()) {
        return Err(vec![Diagnostic::at(
            &file.name,
            0..0,
            "no product has a regionCode",
            HELP,
        )]);
    }
    let mut found = Vec::new();
    for (region, products) in by_region {
        if region.is_empty() {
            continue;
        }
        let Some(book) = books.book("aws", region) else {
            continue;
        };
        let source = book.add_source(&format!("list-{}", plain(&offer.code)), source.clone());
        found.extend(
            add_region(file, &offer.code, &products, known, book, &source)
                .err()
                .into_iter()
                .flatten(),
        );
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn add_region(
    file: &Source,
    offer: &str,
    products: &[(&String, &Product)],
    known: &[PriceBook],
    book: &mut Book,
    source: &str,
) -> Result<(), Vec<Diagnostic>> {
    let region = book.region().to_owned();
    let Some(prefixes) = prefixes(&region) else {
        for (sku, _) in products {
            book.count(&file.name);
            book.leave_out_at(
                &file.name,
                0,
                sku,
                format!("the prefix of usage types in {region} is not known"),
                true,
            );
        }
        return Ok(());
    };
    let mut found = Vec::new();
    let mut taken: BTreeMap<String, &String> = BTreeMap::new();
    for (sku, product) in products {
        book.count(&file.name);
        let usage = product.get("usagetype");
        let is = |name: &str| {
            prefixes
                .iter()
                .any(|prefix| usage.strip_prefix(prefix) == Some(name))
        };
        // Storage of other engines has the same usage type.
        let other_engine = !["", "Any", "PostgreSQL"].contains(&product.get("databaseengine"));
        let of_operation =
            |meter: &AwsMeter| meter.operation.is_empty() || meter.operation == product.get("operation");
        let meter = METERS
            .iter()
            .find(|meter| meter.offer == offer && is(meter.usage) && of_operation(meter) && !other_engine);
        let id = meter
            .map(|meter| meter.id.to_owned())
            .or_else(|| instance_name(offer, product, &is));
        let Some(id) = id else {
            book.leave_out_at(&file.name, 0, &format!("{sku} {usage}"), NO_ROW, true);
            continue;
        };
        if let Some(other) = taken.insert(id.clone(), sku) {
            let message = format!("`{id}` is both {other} and {sku} of usage type {usage} in {region}");
            found.push(json::wrong(
                file,
                sku,
                message,
                "the list has a new kind of product, which this version cannot tell apart",
            ));
            continue;
        }
        if product.on_demand.is_empty() {
            book.leave_out_at(
                &file.name,
                0,
                &format!("{sku} {usage}"),
                "it has no price on demand",
                true,
            );
            continue;
        }
        let added = match meter {
            Some(meter) => add_meter(file, meter, product, known, book, source),
            None => add_instance(file, sku, &id, product, book, source),
        };
        found.extend(added.err());
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// The name in a book of an instance on Linux without licence, or of a managed PostgreSQL.
fn instance_name(offer: &str, product: &Product, is: &impl Fn(&str) -> bool) -> Option<String> {
    let instance = product.get("instancetype");
    let all = |wanted: &[(&str, &str)]| wanted.iter().all(|(name, value)| product.get(name) == *value);
    match offer {
        "AmazonEC2" => {
            let plain = [
                ("operatingsystem", "Linux"),
                ("tenancy", "Shared"),
                ("preinstalledsw", "NA"),
                ("capacitystatus", "Used"),
            ];
            (is(&format!("BoxUsage:{instance}")) && product.get("operation") == "RunInstances" && all(&plain))
                .then(|| instance.to_owned())
        }
        "AmazonRDS" if product.get("databaseengine") == "PostgreSQL" => {
            let single =
                is(&format!("InstanceUsage:{instance}")) && all(&[("deploymentoption", "Single-AZ")]);
            let multi = is(&format!("Multi-AZUsage:{instance}")) && all(&[("deploymentoption", "Multi-AZ")]);
            if single {
                Some(instance.to_owned())
            } else {
                multi.then(|| format!("{instance}.multi-az"))
            }
        }
        _ => None,
    }
}

fn add_meter(
    file: &Source,
    meter: &AwsMeter,
    product: &Product,
    known: &[PriceBook],
    book: &mut Book,
    source: &str,
) -> Result<(), Diagnostic> {
    let first = &product.on_demand[0];
    book.currency(&first.currency)
        .map_err(|message| json::wrong(file, &first.code, message, "import one currency at a time"))?;
    if let Some(rate) = product
        .on_demand
        .iter()
        .find(|rate| !meter.units.contains(&rate.unit.as_str()))
    {
        let message = format!(
            "`{}` is priced per `{}`, not per {}",
            meter.id,
            rate.unit,
            meter.units.join(" or ")
        );
        return Err(json::wrong(
            file,
            &rate.code,
            message,
            "the vendor has changed the unit; this version knows only the old one",
        ));
    }
    let steps = product
        .on_demand
        .iter()
        .map(|rate| (rate.begin, rate.amount))
        .collect();
    let price = vendor::price(steps);
    let price = price.ok_or_else(|| {
        json::wrong(
            file,
            &first.code,
            format!("the tiers of `{}` do not follow one another", meter.id),
            HELP,
        )
    })?;
    let rule = service_rules::by_id("aws", meter.id).expect("every meter of a list is one of the books");
    book.meters
        .push(vendor::meter(rule, price, &first.code, source, known, "aws"));
    Ok(())
}

fn add_instance(
    file: &Source,
    sku: &str,
    name: &str,
    product: &Product,
    book: &mut Book,
    source: &str,
) -> Result<(), Diagnostic> {
    let [rate] = &product.on_demand[..] else {
        return Err(json::wrong(
            file,
            sku,
            format!("`{name}` has {} prices on demand", product.on_demand.len()),
            HELP,
        ));
    };
    book.currency(&rate.currency)
        .map_err(|message| json::wrong(file, &rate.code, message, "import one currency at a time"))?;
    if !["Hrs", "Hours"].contains(&rate.unit.as_str()) {
        return Err(json::wrong(
            file,
            &rate.code,
            format!("`{name}` is priced per `{}`, not per hour", rate.unit),
            HELP,
        ));
    }
    let memory = product
        .get("memory")
        .strip_suffix(" GiB")
        .and_then(|text| decimal(&text.replace(',', "")));
    let (Some(vcpu), Some(memory)) = (decimal(product.get("vcpu")), memory) else {
        let message = format!(
            "`{name}` has {} vCPU and {} of memory",
            product.get("vcpu"),
            product.get("memory")
        );
        return Err(json::wrong(
            file,
            sku,
            message,
            "numbers are expected, memory in GiB",
        ));
    };
    let arm = is_graviton(name) || product.get("physicalprocessor").contains("Graviton");
    let quantum = Quantum {
        per: "run".to_owned(),
        step: "1s".to_owned(),
        round: Round::Up,
        minimum: Some("60s".to_owned()),
    };
    let runs = !name.starts_with("db.");
    let price = InstancePrice {
        on_demand: Some(QuotedDecimal(rate.amount)),
        spot: None,
        unit: InstanceUnit::H,
        hourly: None,
        sustained: Vec::new(),
        quantum: runs.then_some(quantum),
    };
    book.instances.push(Instance {
        sku: name.to_owned(),
        arch: if arm { "arm64" } else { "x86_64" }.to_owned(),
        vcpu: QuotedDecimal(vcpu),
        memory_gib: QuotedDecimal(memory),
        baseline: None,
        network_gbps: None,
        vcpu_kind: None,
        included: BTreeMap::new(),
        price,
        effective_from: None,
        effective_to: None,
        vendor_code: Some(rate.code.clone()),
        note: None,
        source: source.to_owned(),
    });
    for term in &product.reserved {
        book.commitments.push(commitment(file, sku, name, term, source)?);
    }
    Ok(())
}

fn commitment(
    file: &Source,
    sku: &str,
    name: &str,
    term: &Reserved,
    source: &str,
) -> Result<Commitment, Diagnostic> {
    let unknown = |what: &str| {
        json::wrong(
            file,
            sku,
            format!("a reservation of `{name}` has the {what}"),
            HELP,
        )
    };
    let (term_months, years) = match term.length.as_str() {
        "1yr" => (12, "1y"),
        "3yr" => (36, "3y"),
        other => return Err(unknown(&format!("term `{other}`"))),
    };
    let (payment, paid) = match term.option.as_str() {
        "No Upfront" => (Payment::None, "none"),
        "Partial Upfront" => (Payment::Partial, "partial"),
        "All Upfront" => (Payment::All, "all"),
        other => return Err(unknown(&format!("payment `{other}`"))),
    };
    let of = |units: &[&str]| term.rates.iter().find(|rate| units.contains(&rate.unit.as_str()));
    let (upfront, recurring) = (of(&["Quantity"]), of(&["Hrs", "Hours"]));
    if (payment != Payment::None && upfront.is_none()) || (payment != Payment::All && recurring.is_none()) {
        return Err(unknown(&format!(
            "payment `{}` without all of its parts",
            term.option
        )));
    }
    let class = if term.class == "standard" {
        String::new()
    } else {
        format!("-{}", term.class)
    };
    let amount = |rate: Option<&OfferRate>| QuotedDecimal(rate.map_or(Decimal::ZERO, |rate| rate.amount));
    Ok(Commitment {
        id: format!("{name}-{years}{class}-{paid}"),
        kind: CommitmentKind::Reserved,
        term_months,
        payment,
        covers: Covers {
            sku: Some(name.to_owned()),
            family: None,
        },
        upfront: amount(upfront),
        recurring: amount(recurring),
        unit: InstanceUnit::H,
        rates: BTreeMap::new(),
        vendor_code: recurring.or(upfront).map(|rate| rate.code.clone()),
        note: None,
        source: source.to_owned(),
    })
}
