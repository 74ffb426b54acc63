//! AWS price lists in JSON: offer files, and answers of `aws pricing get-products`.
//!
//! An answer holds one product a text in its `PriceList`; tools also hand on the list alone, or one product a
//! line.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{day, decimal, json};
use crate::{
    diagnostic::{Diagnostic, Source},
    price_book::PriceBook,
    price_import::{
        aws_offer::{Offer, OfferRate, OfferTerm, Product, add_offer},
        builder::BookSet,
        file_text::plain,
    },
};

const HELP: &str = "the vendor has changed the list; a newer version of locust-nest may read it";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfferFile {
    offer_code: String,
    publication_date: String,
    products: BTreeMap<String, ProductPart>,
    terms: TermsPart<BTreeMap<String, TermPart>>,
}

/// One product of an answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerPart {
    service_code: String,
    publication_date: String,
    product: ProductPart,
    #[serde(default)]
    terms: TermsPart<TermPart>,
}

#[derive(Deserialize)]
struct ProductPart {
    #[serde(default)]
    sku: String,
    #[serde(default)]
    attributes: BTreeMap<String, Option<String>>,
}

/// Terms by product in an offer, and of one product in an answer.
#[derive(Deserialize)]
#[serde(default)]
struct TermsPart<T> {
    #[serde(rename = "OnDemand")]
    on_demand: BTreeMap<String, T>,
    #[serde(rename = "Reserved")]
    reserved: BTreeMap<String, T>,
}

impl<T> Default for TermsPart<T> {
    fn default() -> Self {
        Self {
            on_demand: BTreeMap::new(),
            reserved: BTreeMap::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TermPart {
    #[serde(default)]
    effective_date: String,
    price_dimensions: BTreeMap<String, RatePart>,
    #[serde(default)]
    term_attributes: BTreeMap<String, Option<String>>,
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

/// Adds an offer file.
pub fn add_file(file: &Source, known: &[PriceBook], books: &mut BookSet<'_>) -> Result<(), Vec<Diagnostic>> {
    let text: OfferFile = json::parse(file).map_err(|error| vec![error])?;
    let mut found = Vec::new();
    let mut products: BTreeMap<String, Product> = text
        .products
        .into_iter()
        .map(|(sku, part)| (sku, product(part)))
        .collect();
    for (sku, parts) in text.terms.on_demand {
        if let Some(product) = products.get_mut(&sku) {
            product.on_demand = terms(file, parts, &mut found);
        }
    }
    for (sku, parts) in text.terms.reserved {
        if let Some(product) = products.get_mut(&sku) {
            product.reserved = terms(file, parts, &mut found);
        }
    }
    if !found.is_empty() {
        return Err(found);
    }
    let offer = Offer {
        code: text.offer_code,
        published: text.publication_date,
        products,
    };
    add_offer(file, offer, known, books)
}

/// Adds an answer of `aws pricing get-products`; its products may be of several services.
pub fn add_answer(
    file: &Source,
    known: &[PriceBook],
    books: &mut BookSet<'_>,
) -> Result<(), Vec<Diagnostic>> {
    let documents = json::documents(file).map_err(|error| vec![error])?;
    let mut offers: BTreeMap<String, Offer> = BTreeMap::new();
    let mut found = Vec::new();
    let mut unfinished = false;
    for entry in json::entries(&documents) {
        let page = json::Fields::of(entry).filter(|fields| fields.raw("pricelist").is_some());
        let parts = match &page {
            Some(page) => page.list("pricelist"),
            None => vec![entry],
        };
        // Answers one after another are complete if the last of them is.
        if let Some(page) = &page {
            unfinished = json::next_of(page).is_some();
        }
        for part in parts {
            found.extend(add_part(file, part, &mut offers).err().into_iter().flatten());
        }
    }
    if unfinished {
        books.note(
            &file.name,
            "its NextToken says that more products follow, which are not in the file: prices are missing; \
                ask `aws pricing get-products` again without --max-items and --no-paginate",
        );
    }
    for offer in offers.into_values() {
        found.extend(add_offer(file, offer, known, books).err().into_iter().flatten());
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// Adds one product of an answer to the offer of its service. The list of a service is as old as the oldest
/// of its products.
fn add_part(
    file: &Source,
    part: &RawValue,
    offers: &mut BTreeMap<String, Offer>,
) -> Result<(), Vec<Diagnostic>> {
    let quoted = serde_json::from_str::<String>(part.get());
    let text = quoted.as_deref().unwrap_or(part.get());
    let answer: AnswerPart = json::parse_part(file, part, text).map_err(|error| vec![error])?;
    let wrong = |message: String| {
        let span = json::span(file, part);
        vec![Diagnostic::at(
            &file.name,
            span,
            message,
            "download the answer again",
        )]
    };
    let sku = answer.product.sku.clone();
    if sku.is_empty() {
        return Err(wrong("a product has no `sku`".to_owned()));
    }
    let mut found = Vec::new();
    let product = Product {
        on_demand: terms(file, answer.terms.on_demand, &mut found),
        reserved: terms(file, answer.terms.reserved, &mut found),
        ..product(answer.product)
    };
    if !found.is_empty() {
        return Err(found);
    }
    let published = answer.publication_date;
    let offer = offers
        .entry(answer.service_code.clone())
        .or_insert_with(|| Offer {
            code: answer.service_code,
            published: published.clone(),
            products: BTreeMap::new(),
        });
    offer.published = published.min(std::mem::take(&mut offer.published));
    match offer.products.insert(sku.clone(), product) {
        Some(before) if before != offer.products[&sku] => Err(wrong(format!(
            "the product {sku} is there twice, with different terms"
        ))),
        _ => Ok(()),
    }
}

fn product(part: ProductPart) -> Product {
    let attributes = part
        .attributes
        .into_iter()
        .filter_map(|(name, value)| Some((plain(&name), value?)));
    Product {
        attributes: attributes.collect(),
        ..Product::default()
    }
}

/// The terms of a product that can be read; what is wrong with the others goes into `found`.
fn terms(file: &Source, parts: BTreeMap<String, TermPart>, found: &mut Vec<Diagnostic>) -> Vec<OfferTerm> {
    let mut terms = Vec::new();
    for (code, part) in parts {
        let attribute = |name: &str| {
            part.term_attributes
                .get(name)
                .cloned()
                .flatten()
                .unwrap_or_default()
        };
        let mut term = OfferTerm {
            code,
            effective: day(&part.effective_date),
            length: attribute("LeaseContractLength"),
            class: attribute("OfferingClass"),
            option: attribute("PurchaseOption"),
            rates: Vec::new(),
        };
        for rate in part.price_dimensions.into_values() {
            let code = rate.rate_code.clone();
            match offer_rate(rate) {
                Some(rate) => term.rates.push(rate),
                None => found.push(json::wrong(
                    file,
                    &code,
                    format!("the rate `{code}` has no amount that can be read"),
                    HELP,
                )),
            }
        }
        terms.push(term);
    }
    terms
}

/// A rate; `None` if a number of it is none, or below zero.
fn offer_rate(part: RatePart) -> Option<OfferRate> {
    let (currency, amount) = part.price_per_unit.into_iter().next()?;
    let begin = part.begin_range.as_deref().map_or(Some(Decimal::ZERO), decimal)?;
    Some(OfferRate {
        code: part.rate_code,
        unit: part.unit,
        begin,
        currency,
        amount: decimal(&amount).filter(|amount| *amount >= Decimal::ZERO)?,
    })
}
