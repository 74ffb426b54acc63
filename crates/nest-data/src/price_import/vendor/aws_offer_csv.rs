//! AWS Price List offer files as CSV: five lines about the file, a line of column names, one line a rate.

use std::collections::BTreeMap;

use super::{aws_savings, day, decimal};
use crate::{
    diagnostic::{Diagnostic, Source},
    price_book::PriceBook,
    price_import::{
        aws_offer::{Offer, OfferRate, OfferTerm, Product, add_offer},
        builder::BookSet,
        csv_table::{CsvText, Layout},
        file_text::plain,
    },
};

/// Columns that an offer must have. Files before 2021 have no `Region Code`, but `Location`.
const COLUMNS: [&str; 8] = [
    "SKU",
    "RateCode",
    "TermType",
    "StartingRange",
    "Unit",
    "PricePerUnit",
    "Currency",
    "usageType",
];

/// Adds an offer in CSV.
pub fn add(file: &Source, known: &[PriceBook], books: &mut BookSet<'_>) -> Result<(), Vec<Diagnostic>> {
    let (about, layout) = about(&file.text);
    let said = |name: &str| {
        about.get(&plain(name)).cloned().ok_or_else(|| {
            vec![Diagnostic::at(
                &file.name,
                0..layout.offset.min(file.text.len()),
                format!("the first lines do not say `{name}`"),
                "download the file again; it must be whole, with the lines before the column names",
            )]
        })
    };
    let (code, published) = (said("OfferCode")?, said("Publication Date")?);
    if code.contains("SavingsPlan") {
        return aws_savings::add_csv(file, layout, &published, books);
    }
    let table = CsvText::from_layout(file, layout, &COLUMNS)?;
    let names = table.columns();
    if !names.contains(&"regioncode") && !names.contains(&"location") {
        let message = "the line of column names has neither Region Code nor Location";
        return Err(vec![Diagnostic::at(
            &file.name,
            0..0,
            message,
            "download the file again",
        )]);
    }
    let mut products: BTreeMap<String, Product> = BTreeMap::new();
    let mut terms: BTreeMap<(String, String, String), OfferTerm> = BTreeMap::new();
    let mut found = Vec::new();
    for row in table.rows() {
        let sku = row.get("sku").to_owned();
        products.entry(sku.clone()).or_insert_with(|| Product {
            attributes: names
                .iter()
                .map(|name| ((*name).to_owned(), row.get(name).to_owned()))
                .collect(),
            ..Product::default()
        });
        let begin = row.number("startingrange");
        let begin = if begin.is_empty() { "0" } else { &begin };
        let amount = decimal(&row.number("priceperunit")).filter(|amount| !amount.is_sign_negative());
        let (Some(begin), Some(amount)) = (decimal(begin), amount) else {
            let message = format!(
                "the rate `{}` begins at `{}` and costs `{}`",
                row.get("ratecode"),
                row.get("startingrange"),
                row.get("priceperunit")
            );
            found.push(row.wrong(message, "numbers of 0 or more are expected, with a decimal point"));
            continue;
        };
        let kind = row.get("termtype");
        if !["OnDemand", "Reserved"].contains(&kind) {
            found.push(row.wrong(
                format!("the term type `{kind}` is not known"),
                "OnDemand or Reserved",
            ));
            continue;
        }
        let rate = OfferRate {
            code: row.get("ratecode").to_owned(),
            unit: row.get("unit").to_owned(),
            begin,
            currency: row.get("currency").to_owned(),
            amount,
        };
        let code = rate.code.split('.').nth(1).unwrap_or_default().to_owned();
        let term = terms
            .entry((sku, kind.to_owned(), code.clone()))
            .or_insert_with(|| OfferTerm {
                code,
                effective: day(row.get("effectivedate")),
                length: row.get("leasecontractlength").to_owned(),
                class: row.get("offeringclass").to_owned(),
                option: row.get("purchaseoption").to_owned(),
                rates: Vec::new(),
            });
        term.rates.push(rate);
    }
    for ((sku, kind, _), term) in terms {
        let product = products.entry(sku).or_default();
        if kind == "OnDemand" {
            product.on_demand.push(term);
        } else {
            product.reserved.push(term);
        }
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
fn about(text: &str) -> (BTreeMap<String, String>, Layout) {
    let mut said = BTreeMap::new();
    let mut layout = Layout::of(text);
    let delimiter = char::from(layout.delimiter);
    for line in text[layout.offset..].split_inclusive('\n') {
        let unmarked = line.trim_start_matches('\u{feff}').trim();
        let mut cells = unmarked
            .split(delimiter)
            .map(|cell| cell.trim().trim_matches('"'));
        let name = plain(cells.next().unwrap_or_default());
        if name == "sku" {
            break;
        }
        said.insert(name, cells.next().unwrap_or_default().to_owned());
        layout.offset += line.len();
    }
    (said, layout)
}
