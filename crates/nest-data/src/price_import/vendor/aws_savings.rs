//! AWS savings plans: region files in CSV and JSON. Each plan becomes one commitment, with its rates by
//! instance type and meter.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{
    ONE_CURRENCY, ONE_LIST, PLACEHOLDER,
    aws_regions::prefixes,
    day, decimal,
    json::{self, Fields},
    list_source, payment, savings_plan, years,
};
use crate::{
    diagnostic::{Diagnostic, Source},
    price_book::Payment,
    price_import::{
        aws_rules::{HOURS, METERS},
        builder::{Book, BookSet, LeftOut, base_name, is_region},
        csv_table::{CsvText, Layout},
    },
    units::QuotedDecimal,
};

const HELP: &str = "the vendor has changed the list; a newer version of locust-nest may read it";
/// Why a rate of a plan is not in a book.
const NO_USAGE: &str = "it is a savings plan's rate for something that books do not have; they have shared \
    instances on Linux, PostgreSQL databases, and meters";
/// Operations of AWS for which books have rows: Linux without licence, PostgreSQL.
const LINUX: &str = "RunInstances";
const POSTGRESQL: &str = "CreateDBInstance:0014";

/// Columns that a region file must have.
const COLUMNS: [&str; 12] = [
    "RateCode",
    "Unit",
    "DiscountedRate",
    "Currency",
    "DiscountedServiceCode",
    "DiscountedUsageType",
    "DiscountedOperation",
    "PurchaseOption",
    "LeaseContractLength",
    "Instance Family",
    "Product Family",
    "DiscountedRegionCode",
];

/// What a plan pays for one kind of usage, as both forms of the file say it.
struct PlanRate {
    /// Line in a CSV file; 0 in JSON.
    line: usize,
    code: String,
    /// `ComputeSavingsPlans`, `EC2InstanceSavingsPlans`.
    product: String,
    family: String,
    term: String,
    option: String,
    region: String,
    service: String,
    usage: String,
    operation: String,
    unit: String,
    currency: String,
    amount: String,
}

/// A plan, by what makes it another commitment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct PlanKey {
    id: String,
    family: Option<String>,
    years: u32,
    paid: &'static str,
}

/// Adds a region file in CSV, whose table begins where the layout says.
pub fn add_csv(
    file: &Source,
    layout: Layout,
    published: &str,
    books: &mut BookSet<'_>,
) -> Result<(), Vec<Diagnostic>> {
    let table = CsvText::from_layout(file, layout, &COLUMNS)?;
    let rates = table.rows().map(|row| {
        let cell = |name: &str| row.get(name).to_owned();
        PlanRate {
            line: row.line(),
            code: cell("RateCode"),
            product: cell("Product Family"),
            family: cell("Instance Family"),
            term: cell("LeaseContractLength"),
            option: cell("PurchaseOption"),
            region: cell("DiscountedRegionCode"),
            service: cell("DiscountedServiceCode"),
            usage: cell("DiscountedUsageType"),
            operation: cell("DiscountedOperation"),
            unit: cell("Unit"),
            currency: cell("Currency"),
            amount: row.number("DiscountedRate"),
        }
    });
    add(file, published, rates.collect(), books)
}

/// Adds a region file in JSON.
pub fn add_json(file: &Source, books: &mut BookSet<'_>) -> Result<(), Vec<Diagnostic>> {
    let documents = json::documents(file).map_err(|error| vec![error])?;
    let mut found = Vec::new();
    for entry in json::entries(&documents) {
        let whole = Fields::of(entry);
        let terms = whole.as_ref().and_then(|whole| whole.object("terms"));
        let (Some(whole), Some(terms)) = (whole, terms) else {
            continue;
        };
        if terms.raw("savingsplan").is_none() {
            let message = "the file has products and terms, but neither an `offerCode` nor savings plans";
            return Err(vec![Diagnostic::at(
                &file.name,
                0..0,
                message,
                "download the price list again",
            )]);
        }
        let published = whole.text("publicationdate").unwrap_or_default();
        found.extend(add(file, &published, plan_rates(&whole, &terms), books).err());
    }
    let found: Vec<Diagnostic> = found.into_iter().flatten().collect();
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// The rates of all plans of a JSON file.
fn plan_rates(whole: &Fields<'_>, terms: &Fields<'_>) -> Vec<PlanRate> {
    let products: BTreeMap<String, Fields<'_>> = whole
        .objects("products")
        .into_iter()
        .filter_map(|product| Some((product.text("sku")?, product)))
        .collect();
    let mut rates = Vec::new();
    for term in terms.objects("savingsplan") {
        let product = term.text("sku").and_then(|sku| products.get(&sku));
        let attributes = product.and_then(|product| product.object("attributes"));
        let attribute = |name: &str| {
            let found = attributes.as_ref().and_then(|attributes| attributes.text(name));
            found.unwrap_or_default()
        };
        let length = term.object("leasecontractlength");
        let length =
            length.and_then(|length| Some(format!("{} {}", length.text("duration")?, length.text("unit")?)));
        for rate in term.objects("rates") {
            let price = rate.object("discountedrate");
            let priced = |name: &str| {
                price
                    .as_ref()
                    .and_then(|price| price.text(name))
                    .unwrap_or_default()
            };
            let said = |name: &str| rate.text(name).unwrap_or_default();
            rates.push(PlanRate {
                line: 0,
                code: said("ratecode"),
                product: product
                    .and_then(|product| product.text("productfamily"))
                    .unwrap_or_default(),
                family: attribute("instancetype"),
                term: length.clone().unwrap_or_else(|| attribute("purchaseterm")),
                option: attribute("purchaseoption"),
                region: said("discountedregioncode"),
                service: said("discountedservicecode"),
                usage: said("discountedusagetype"),
                operation: said("discountedoperation"),
                unit: said("unit"),
                currency: priced("currency"),
                amount: priced("price"),
            });
        }
    }
    rates
}

fn add(
    file: &Source,
    published: &str,
    rates: Vec<PlanRate>,
    books: &mut BookSet<'_>,
) -> Result<(), Vec<Diagnostic>> {
    let url = "https://pricing.us-east-1.amazonaws.com/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/current/\
        region_index.json";
    let title = "AWS savings plans price list".to_owned();
    let Some(source) = list_source(title, url, day(published), books.wanted().observed_on) else {
        let message = format!("the publication date `{published}` is not a date");
        return Err(vec![Diagnostic::at(&file.name, 0..0, message, HELP)]);
    };
    let mut by_region: BTreeMap<String, Vec<PlanRate>> = BTreeMap::new();
    for rate in rates {
        if is_region(&rate.region) {
            by_region.entry(rate.region.clone()).or_default().push(rate);
        } else {
            books.leave_out(LeftOut {
                file: base_name(&file.name).to_owned(),
                line: rate.line,
                row: rate.usage,
                reason: format!("`{}` is not the name of a region", rate.region),
            });
        }
    }
    let mut found = Vec::new();
    for (region, rates) in by_region {
        if let Some(book) = books.book("aws", &region) {
            let source = book.add_source("list-awssavingsplans", source.clone());
            found.extend(
                add_region(file, &rates, book, &source)
                    .err()
                    .into_iter()
                    .flatten(),
            );
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn add_region(
    file: &Source,
    rates: &[PlanRate],
    book: &mut Book,
    source: &str,
) -> Result<(), Vec<Diagnostic>> {
    let prefixes = prefixes(book.region(), rates.iter().map(|rate| rate.usage.as_str()));
    let mut plans: BTreeMap<PlanKey, BTreeMap<String, QuotedDecimal>> = BTreeMap::new();
    let mut found = Vec::new();
    for rate in rates {
        book.count(&file.name);
        match read(rate, &prefixes) {
            Ok((key, name, amount)) => {
                let wrong = |message: String, help: &str| json::wrong(file, &rate.code, message, help);
                found.extend(
                    book.currency(&rate.currency)
                        .map_err(|message| wrong(message, ONE_CURRENCY))
                        .err(),
                );
                let id = key.id.clone();
                let before = plans.entry(key).or_default().insert(name.clone(), amount);
                if before.is_some_and(|before| before != amount) {
                    found.push(wrong(format!("`{id}` has two rates for `{name}`"), HELP));
                }
            }
            Err(reason) => {
                let what = format!("{} {} {}", rate.product, rate.usage, rate.operation);
                book.leave_out_at(&file.name, rate.line, &what, reason, true);
            }
        }
    }
    for (key, rates) in plans {
        let payment = match key.paid {
            "all" => Payment::All,
            "partial" => Payment::Partial,
            _ => Payment::None,
        };
        let plan = savings_plan(key.id, key.family, key.years, payment, rates, source);
        let taken = book.take_commitment(&file.name, plan);
        found.extend(
            taken
                .err()
                .map(|message| Diagnostic::at(&file.name, 0..0, message, ONE_LIST)),
        );
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// The plan of a rate, what it is the rate of, and the amount; or why it is not in the book.
fn read(rate: &PlanRate, prefixes: &[String]) -> Result<(PlanKey, String, QuotedDecimal), String> {
    let name = usage_name(rate, prefixes).ok_or(NO_USAGE)?;
    let years = years(&rate.term).ok_or_else(|| format!("its term is `{}`", rate.term))?;
    let (_, paid) = payment(&rate.option).ok_or_else(|| format!("its payment is `{}`", rate.option))?;
    let (plan, family) = match rate.product.as_str() {
        "ComputeSavingsPlans" => ("compute-sp".to_owned(), None),
        "DatabaseSavingsPlans" => ("database-sp".to_owned(), None),
        "EC2InstanceSavingsPlans" if !rate.family.is_empty() => {
            (format!("{}-sp", rate.family), Some(format!("{}.", rate.family)))
        }
        other => return Err(format!("a plan of `{other}` is not known")),
    };
    let amount = decimal(&rate.amount)
        .filter(|amount| *amount >= Decimal::ZERO)
        .ok_or_else(|| format!("its rate is `{}`", rate.amount))?;
    if amount.is_zero() {
        return Err(PLACEHOLDER.to_owned());
    }
    let key = PlanKey {
        id: format!("{plan}-{years}y-{paid}"),
        family,
        years,
        paid,
    };
    Ok((key, name, QuotedDecimal(amount)))
}

/// The instance type or meter of a book that a rate is for; `None` if there is no such row, or in another
/// unit.
fn usage_name(rate: &PlanRate, prefixes: &[String]) -> Option<String> {
    // In us-east-1, usage types may have a prefix or none: the longest that fits is meant.
    let usage = prefixes
        .iter()
        .filter_map(|prefix| rate.usage.strip_prefix(prefix.as_str()))
        .min_by_key(|usage| usage.len());
    let usage = usage.filter(|usage| !usage.is_empty())?;
    let machine = |beginning: &str| {
        let name = usage.strip_prefix(beginning)?;
        HOURS.contains(&rate.unit.as_str()).then(|| name.to_owned())
    };
    match (rate.service.as_str(), rate.operation.as_str()) {
        ("AmazonEC2", LINUX) => machine("BoxUsage:"),
        ("AmazonRDS", POSTGRESQL) => machine("InstanceUsage:")
            .or_else(|| machine("Multi-AZUsage:").map(|name| format!("{name}.multi-az"))),
        (service, operation) => METERS
            .iter()
            .find(|meter| {
                meter.offer == service
                    && meter.usage == usage
                    && (meter.operation.is_empty() || meter.operation == operation)
                    && meter.units.contains(&rate.unit.as_str())
            })
            .map(|meter| meter.id.to_owned()),
    }
}
