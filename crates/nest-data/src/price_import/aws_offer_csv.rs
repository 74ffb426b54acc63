//! AWS Price List offer files as CSV: five lines about the file, a line of column names, one line a rate.

use std::collections::BTreeMap;

use super::{
    aws_offer::{Offer, OfferRate, Product, Reserved, add_offer, plain},
    builder::BookSet,
    csv_table::CsvText,
    vendor::decimal,
};
use crate::{
    diagnostic::{Diagnostic, Source},
    price_book::PriceBook,
};

/// Columns of a rate.
const RATE: [&str; 7] = [
    "SKU",
    "RateCode",
    "TermType",
    "StartingRange",
    "Unit",
    "PricePerUnit",
    "Currency",
];
/// Columns of a product that any of the offers has.
const PRODUCT: [&str; 2] = ["usageType", "Region Code"];

/// Adds an offer in CSV.
pub fn add(file: &Source, known: &[PriceBook], books: &mut BookSet<'_>) -> Result<(), Vec<Diagnostic>> {
    let (about, offset) = about(&file.text);
    let wrong = |message: String| {
        vec![Diagnostic::at(
            &file.name,
            0..offset.min(file.text.len()),
            message,
            "download the file again",
        )]
    };
    let said = |name: &str| {
        about
            .get(&plain(name))
            .cloned()
            .ok_or_else(|| wrong(format!("the first lines do not say `{name}`")))
    };
    let (code, published) = (said("OfferCode")?, said("Publication Date")?);
    let needed: Vec<&str> = RATE.iter().chain(&PRODUCT).copied().collect();
    let table = CsvText::from_offset(file, offset, &needed)?;
    let mut products: BTreeMap<String, Product> = BTreeMap::new();
    let mut terms: BTreeMap<(String, String), Reserved> = BTreeMap::new();
    let mut found = Vec::new();
    let names = table.columns();
    for row in table.rows() {
        let sku = row.get("sku").to_owned();
        let product = products.entry(sku.clone()).or_insert_with(|| Product {
            attributes: names
                .iter()
                .map(|name| (plain(name), row.get(name).to_owned()))
                .collect(),
            ..Product::default()
        });
        let begin = if row.get("startingrange").is_empty() {
            "0"
        } else {
            row.get("startingrange")
        };
        let (Some(begin), Some(amount)) = (decimal(begin), decimal(row.get("priceperunit"))) else {
            found.push(row.wrong(
                format!(
                    "the rate `{}` has no amount that can be read",
                    row.get("ratecode")
                ),
                "a decimal is expected",
            ));
            continue;
        };
        let rate = OfferRate {
            code: row.get("ratecode").to_owned(),
            unit: row.get("unit").to_owned(),
            begin,
            currency: row.get("currency").to_owned(),
            amount,
        };
        match row.get("termtype") {
            "OnDemand" => product.on_demand.push(rate),
            "Reserved" => {
                let term = rate.code.split('.').nth(1).unwrap_or_default().to_owned();
                let reserved = terms.entry((sku, term)).or_insert_with(|| Reserved {
                    length: row.get("leasecontractlength").to_owned(),
                    class: row.get("offeringclass").to_owned(),
                    option: row.get("purchaseoption").to_owned(),
                    rates: Vec::new(),
                });
                reserved.rates.push(rate);
            }
            other => found.push(row.wrong(
                format!("the term type `{other}` is not known"),
                "OnDemand or Reserved",
            )),
        }
    }
    for ((sku, _), reserved) in terms {
        products
            .entry(sku)
            .and_modify(|product| product.reserved.push(reserved));
    }
    if found.is_empty() {
        add_offer(
            file,
            Offer {
                code,
                published,
                products,
            },
            known,
            books,
        )
    } else {
        Err(found)
    }
}

/// What the lines before the column names say, and where those begin.
fn about(text: &str) -> (BTreeMap<String, String>, usize) {
    let mut said = BTreeMap::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let line_text = line.trim();
        let cells: Vec<&str> = line_text
            .splitn(2, ',')
            .map(|cell| cell.trim().trim_matches('"'))
            .collect();
        if cells.first().is_some_and(|first| *first == "SKU") {
            break;
        }
        if let [name, value] = cells[..] {
            said.insert(plain(name), value.to_owned());
        }
        offset += line.len();
    }
    (said, offset)
}
