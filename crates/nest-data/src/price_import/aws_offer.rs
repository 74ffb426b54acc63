//! AWS Price List offer files: products by SKU with terms on demand and reserved.
//!
//! Usage types carry a prefix outside us-east-1, and the lists hold decoys (Outposts, reserved capacity,
//! trust stores): a product is taken where its usage type is exactly the one that is meant, and two such
//! products are an error.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{
    aws_rules::{AwsMeter, HOURS, METERS},
    builder::{Book, BookSet, LeftOut, base_name, is_region},
    file_text::plain,
    instances::is_graviton,
    service_rules,
    vendor::{
        self, NO_ROW, ONE_CURRENCY, ONE_LIST, PLACEHOLDER,
        aws_regions::{prefixes, region_of},
        day, decimal, json, list_source, payment,
        sizes::Size,
        years,
    },
};
use crate::{
    diagnostic::{Diagnostic, Source},
    price_book::{Commitment, CommitmentKind, Payment, PriceBook, Quantum, Round},
    units::QuotedDecimal,
};

const HELP: &str = "the vendor has changed the list; a newer version of locust-nest may read it";

/// An offer, whether it came as JSON or CSV.
pub struct Offer {
    pub code: String,
    pub published: String,
    pub products: BTreeMap<String, Product>,
}

/// A product with what is known of it, by names in lower case without blanks: `instancetype`.
#[derive(Debug, Default, PartialEq)]
pub struct Product {
    pub attributes: BTreeMap<String, String>,
    pub on_demand: Vec<OfferTerm>,
    pub reserved: Vec<OfferTerm>,
}

/// A term under which a product is sold, with its rates. Length, class and option are empty on demand.
#[derive(Debug, Default, PartialEq)]
pub struct OfferTerm {
    pub code: String,
    /// Day from which it holds; unknown in some lists.
    pub effective: Option<Date>,
    pub length: String,
    pub class: String,
    pub option: String,
    pub rates: Vec<OfferRate>,
}

/// A rate of a term.
#[derive(Debug, Clone, PartialEq)]
pub struct OfferRate {
    pub code: String,
    pub unit: String,
    pub begin: Decimal,
    pub currency: String,
    pub amount: Decimal,
}

impl Product {
    fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// The code of its region; lists before 2021 have only the name. `None` if neither is known.
    fn region(&self) -> Option<&str> {
        match self.get("regioncode") {
            "" => region_of(self.get("location")),
            code => Some(code).filter(|code| is_region(code)),
        }
    }

    /// What the product is called in messages.
    fn named(&self, sku: &str) -> String {
        format!("{sku} {}", self.get("usagetype"))
    }
}

/// The term of each length, class and option that holds on a day, and days on which others begin. Without a
/// day, the newest holds.
fn current(terms: &[OfferTerm], today: Option<Date>) -> (Vec<&OfferTerm>, Vec<Date>) {
    let mut held: BTreeMap<[&str; 3], &OfferTerm> = BTreeMap::new();
    let mut later = Vec::new();
    for term in terms {
        if let (Some(today), Some(from)) = (today, term.effective)
            && from > today
        {
            later.push(from);
            continue;
        }
        let key = [&term.length[..], &term.class, &term.option];
        held.entry(key)
            .and_modify(|held| {
                if held.effective < term.effective {
                    *held = term;
                }
            })
            .or_insert(term);
    }
    (held.into_values().collect(), later)
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
        match product.region() {
            Some(region) => by_region.entry(region).or_default().push((sku, product)),
            None => books.leave_out(LeftOut {
                file: base_name(&file.name).to_owned(),
                line: 0,
                row: product.named(sku),
                reason: format!("its region `{}` is not known", product.get("location")),
            }),
        }
    }
    let today = books.wanted().today;
    let mut found = Vec::new();
    for (region, products) in by_region {
        let Some(book) = books.book("aws", region) else {
            continue;
        };
        let source = book.add_source(&format!("list-{}", plain(&offer.code)), source.clone());
        found.extend(
            add_region(file, &offer.code, &products, known, book, &source, today)
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
    today: Option<Date>,
) -> Result<(), Vec<Diagnostic>> {
    let region = book.region().to_owned();
    let prefixes = prefixes(
        &region,
        products.iter().map(|(_, product)| product.get("usagetype")),
    );
    let mut found = Vec::new();
    let mut taken: BTreeMap<String, &String> = BTreeMap::new();
    for (sku, product) in products {
        book.count(&file.name);
        let what = product.named(sku);
        let mut left_out = |reason: String| book.leave_out_at(&file.name, 0, &what, reason, true);
        if prefixes.is_empty() {
            left_out(format!("the prefix of usage types in {region} is not known"));
            continue;
        }
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
            left_out(NO_ROW.to_owned());
            continue;
        };
        let (terms, later) = current(&product.on_demand, today);
        let Some(term) = terms.first() else {
            left_out(later.iter().min().map_or_else(
                || "it has no price on demand".to_owned(),
                |day| format!("its price begins on {day}; import the list again from then on"),
            ));
            continue;
        };
        if term.rates.iter().all(|rate| rate.amount.is_zero()) {
            left_out(PLACEHOLDER.to_owned());
            continue;
        }
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
        let sold = Sold {
            file,
            sku,
            product,
            rates: &term.rates,
        };
        let added = match meter {
            Some(meter) => add_meter(&sold, meter, known, book, source),
            None => add_instance(&sold, &id, today, book, source),
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
            let on_demand = ["", "OnDemand"].contains(&product.get("marketoption"));
            (is(&format!("BoxUsage:{instance}"))
                && product.get("operation") == "RunInstances"
                && on_demand
                && all(&plain))
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

/// A product that a book has a row for, with the rates at which it is sold on demand.
struct Sold<'a> {
    file: &'a Source,
    sku: &'a str,
    product: &'a Product,
    rates: &'a [OfferRate],
}

impl Sold<'_> {
    /// Something that is wrong with a rate of it, or with itself.
    fn wrong(&self, code: &str, message: impl Into<String>, help: &str) -> Diagnostic {
        json::wrong(self.file, code, message, help)
    }

    /// Holds the book to the currency of the product.
    fn currency(&self, book: &mut Book) -> Result<(), Diagnostic> {
        self.rates.iter().try_for_each(|rate| {
            book.currency(&rate.currency)
                .map_err(|message| self.wrong(&rate.code, message, ONE_CURRENCY))
        })
    }
}

fn add_meter(
    sold: &Sold<'_>,
    meter: &AwsMeter,
    known: &[PriceBook],
    book: &mut Book,
    source: &str,
) -> Result<(), Diagnostic> {
    sold.currency(book)?;
    if let Some(rate) = sold
        .rates
        .iter()
        .find(|rate| !meter.units.contains(&rate.unit.as_str()))
    {
        let message = format!(
            "`{}` is priced per `{}`, not per {}",
            meter.id,
            rate.unit,
            meter.units.join(" or ")
        );
        let help = "the vendor has changed the unit; this version knows only the old one";
        return Err(sold.wrong(&rate.code, message, help));
    }
    let code = &sold.rates[0].code;
    let steps = sold.rates.iter().map(|rate| (rate.begin, rate.amount)).collect();
    let price = vendor::price(steps).ok_or_else(|| {
        let message = format!("the tiers of `{}` do not follow one another", meter.id);
        sold.wrong(code, message, HELP)
    })?;
    let rule = service_rules::by_id("aws", meter.id).expect("every meter of a list is one of the books");
    let meter = vendor::meter(rule, price, code, source, known, "aws");
    book.take_meters(&sold.file.name, vec![meter])
        .map_err(|message| sold.wrong(code, message, ONE_LIST))
}

fn add_instance(
    sold: &Sold<'_>,
    name: &str,
    today: Option<Date>,
    book: &mut Book,
    source: &str,
) -> Result<(), Diagnostic> {
    let product = sold.product;
    let [rate] = sold.rates else {
        let message = format!("`{name}` has {} prices on demand", sold.rates.len());
        return Err(sold.wrong(sold.sku, message, HELP));
    };
    sold.currency(book)?;
    if !HOURS.contains(&rate.unit.as_str()) {
        let message = format!("`{name}` is priced per `{}`, not per hour", rate.unit);
        return Err(sold.wrong(&rate.code, message, HELP));
    }
    let memory = product
        .get("memory")
        .strip_suffix(" GiB")
        .and_then(|text| decimal(&text.replace(',', "")));
    let (Some(vcpu), Some(memory)) = (decimal(product.get("vcpu")), memory) else {
        let message = format!(
            "`{name}` has `{}` vCPU and `{}` of memory",
            product.get("vcpu"),
            product.get("memory")
        );
        let help = "numbers are expected, memory in GiB; download the list again";
        return Err(sold.wrong(sold.sku, message, help));
    };
    let arm = is_graviton(name) || product.get("physicalprocessor").contains("Graviton");
    let size = Size {
        arch: if arm { "arm64" } else { "x86_64" }.to_owned(),
        vcpu: QuotedDecimal(vcpu),
        memory_gib: QuotedDecimal(memory),
        sustained: Vec::new(),
        from: "the price list".to_owned(),
    };
    let mut instance = vendor::machine(name, &size, vendor::hourly(Some(rate.amount), None), source);
    instance.price.quantum = (!name.starts_with("db.")).then(|| Quantum {
        per: "run".to_owned(),
        step: "1s".to_owned(),
        round: Round::Up,
        minimum: Some("60s".to_owned()),
    });
    instance.vendor_code = Some(rate.code.clone());
    book.take_instances(&sold.file.name, vec![instance])
        .map_err(|message| sold.wrong(sold.sku, message, ONE_LIST))?;
    let (terms, later) = current(&product.reserved, today);
    for day in later {
        let reason = format!("a reservation begins on {day}; import the list again from then on");
        book.leave_out_at(&sold.file.name, 0, &product.named(sold.sku), reason, false);
    }
    for term in terms {
        if term.rates.iter().all(|rate| rate.amount.is_zero()) {
            let what = format!("a reservation of {name}");
            book.leave_out_at(&sold.file.name, 0, &what, PLACEHOLDER, false);
            continue;
        }
        let commitment = commitment(sold, name, term, source)?;
        book.take_commitment(&sold.file.name, commitment)
            .map_err(|message| sold.wrong(sold.sku, message, ONE_LIST))?;
    }
    Ok(())
}

fn commitment(sold: &Sold<'_>, name: &str, term: &OfferTerm, source: &str) -> Result<Commitment, Diagnostic> {
    let unknown = |what: &str| {
        let message = format!("a reservation of `{name}` has the {what}");
        sold.wrong(sold.sku, message, HELP)
    };
    let years = years(&term.length).ok_or_else(|| unknown(&format!("term `{}`", term.length)))?;
    let (payment, paid) =
        payment(&term.option).ok_or_else(|| unknown(&format!("payment `{}`", term.option)))?;
    let of = |units: &[&str]| term.rates.iter().find(|rate| units.contains(&rate.unit.as_str()));
    let (upfront, recurring) = (of(&["Quantity"]), of(HOURS));
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
    let id = format!("{name}-{years}y{class}-{paid}");
    Ok(Commitment {
        upfront: amount(upfront),
        recurring: amount(recurring),
        vendor_code: recurring.or(upfront).map(|rate| rate.code.clone()),
        ..vendor::commitment_to(name, id, CommitmentKind::Reserved, years * 12, payment, source)
    })
}
