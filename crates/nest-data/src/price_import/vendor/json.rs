//! JSON files of vendors: which one it is, its rows wherever they lie in it, and errors with their line.
//!
//! Tools hand on a vendor's answer in several shapes: the page itself, only the list in it, one row a line,
//! or pages one after another. Names differ in case and dashes. All of these are one list of rows here.

use std::{collections::BTreeMap, ops::Range};

use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::exact;
use crate::{
    diagnostic::{Diagnostic, Source},
    price_import::file_text::plain,
};

/// What a JSON file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonKind {
    AwsOffer,
    AwsProducts,
    AwsSavingsPlans,
    Azure,
    Gcp,
    WorkedBills,
}

/// Kinds by the names that their outermost objects have, in the form of `plain`.
const KINDS: [(JsonKind, &[&str]); 9] = [
    (JsonKind::AwsOffer, &["offercode", "products", "terms"]),
    (JsonKind::AwsSavingsPlans, &["products", "terms"]),
    (JsonKind::AwsProducts, &["pricelist"]),
    (JsonKind::AwsProducts, &["product", "terms"]),
    (JsonKind::Azure, &["items"]),
    (JsonKind::Azure, &["armregionname", "metername"]),
    (JsonKind::Gcp, &["skus"]),
    (JsonKind::Gcp, &["skuid", "pricinginfo"]),
    (JsonKind::WorkedBills, &["vectors"]),
];

/// Files that look like prices and are not, by a name that they have.
const NOT_PRICES: [(&str, &str, &str); 5] = [
    (
        "offers",
        "this is the list of AWS's price lists, not one of them",
        "download the file that `currentVersionUrl` names",
    ),
    (
        "regions",
        "this is the list of the regions of an AWS price list",
        "download the file that `currentVersionUrl` or `versionUrl` names for your region",
    ),
    (
        "searchresults",
        "this is an answer about savings plans' rates, which cannot be read",
        "import the region file of the savings plan: index.csv or index.json under \
            https://pricing.us-east-1.amazonaws.com/savingsPlan/v1.0/aws/AWSComputeSavingsPlan",
    ),
    (
        "error",
        "the vendor answered with an error instead of prices",
        "check the address, the key and the filter of the request",
    ),
    (
        "message",
        "the vendor answered with a message instead of prices",
        "check the address, the key and the filter of the request",
    ),
];

const KNOWN: &str = "an AWS offer has offerCode, products and terms; an answer of `aws pricing get-products` \
    has PriceList; Azure retail prices have Items; a GCP catalogue has skus";

/// What a JSON file is, from the names of its outermost objects.
///
/// # Errors
/// It is cut off, no JSON, or nothing that is known.
pub fn kind(file: &Source) -> Result<JsonKind, Diagnostic> {
    let documents = documents(file)?;
    let entries = entries(&documents);
    let Some(first) = entries.first() else {
        return Err(Diagnostic::at(
            &file.name,
            0..0,
            "the list is empty",
            "check the filter of the request",
        ));
    };
    let Some(names) = Fields::of(first) else {
        if serde_json::from_str::<String>(first.get()).is_ok_and(|text| text.trim_start().starts_with('{')) {
            return Ok(JsonKind::AwsProducts);
        }
        return Err(Diagnostic::at(
            &file.name,
            span(file, first),
            "this is not a known price file",
            KNOWN,
        ));
    };
    let known = KINDS
        .iter()
        .find(|(_, needed)| needed.iter().all(|name| names.raw(name).is_some()));
    if let Some((kind, _)) = known {
        return Ok(*kind);
    }
    if let Some((name, message, help)) = NOT_PRICES.iter().find(|(name, _, _)| names.raw(name).is_some()) {
        let said: String = names
            .text(name)
            .map(|text| format!(": {text}"))
            .unwrap_or_default();
        return Err(Diagnostic::at(
            &file.name,
            0..0,
            format!("{message}{said}"),
            *help,
        ));
    }
    let there: Vec<&str> = names.0.keys().take(8).map(String::as_str).collect();
    let message = if there.is_empty() {
        "this is not a known price file: it has no keys".to_owned()
    } else {
        let keys = there.join(", ");
        format!("this is not a known price file; its keys are {keys}")
    };
    Err(Diagnostic::at(&file.name, 0..0, message, KNOWN))
}

/// An object, with its values by plain names. A value of null counts as not there.
#[derive(Debug, Clone)]
pub struct Fields<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    /// The fields of a value; `None` if it is no object.
    pub fn of(value: &'a RawValue) -> Option<Self> {
        let all: BTreeMap<String, &RawValue> = serde_json::from_str(value.get()).ok()?;
        let there = all.into_iter().filter(|(_, value)| value.get() != "null");
        Some(Self(there.map(|(name, value)| (plain(&name), value)).collect()))
    }

    /// A value as it is written.
    pub fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.0.get(name).copied()
    }

    /// A text; also a number or a truth value as one.
    pub fn text(&self, name: &str) -> Option<String> {
        let value = self.raw(name)?.get();
        match value.as_bytes().first()? {
            b'"' => serde_json::from_str(value).ok(),
            b'{' | b'[' => None,
            _ => Some(value.to_owned()),
        }
    }

    /// An exact number, also one in quotes.
    pub fn decimal(&self, name: &str) -> Option<Decimal> {
        exact(self.raw(name)?)
    }

    /// An object inside this one.
    pub fn object(&self, name: &str) -> Option<Fields<'a>> {
        Fields::of(self.raw(name)?)
    }

    /// The values of a list; none where there is no list.
    pub fn list(&self, name: &str) -> Vec<&'a RawValue> {
        self.raw(name).map(elements).unwrap_or_default()
    }

    /// Objects of a list.
    pub fn objects(&self, name: &str) -> Vec<Fields<'a>> {
        self.list(name).into_iter().filter_map(Fields::of).collect()
    }
}

/// The elements of a list; none of anything else.
fn elements(value: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(value.get()).unwrap_or_default()
}

/// One row of a vendor's answer.
#[derive(Debug, Clone)]
pub struct JsonRow<'a> {
    pub file: &'a Source,
    raw: &'a RawValue,
    pub fields: Fields<'a>,
}

impl JsonRow<'_> {
    /// Something that is wrong with the row.
    pub fn wrong(&self, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        Diagnostic::at(&self.file.name, span(self.file, self.raw), message, help)
    }

    /// Whether the other row says the same, to the letter.
    pub fn same(&self, other: &Self) -> bool {
        self.raw.get() == other.raw.get()
    }
}

/// A page of an answer.
#[derive(Debug)]
pub struct JsonPage<'a> {
    pub file: &'a Source,
    pub rows: Vec<JsonRow<'a>>,
    /// Address or token of the page that follows; none on the last page.
    pub next: Option<String>,
}

/// The pages of an answer: objects with a list of that name, or rows that lie bare.
///
/// # Errors
/// The file is cut off or no JSON, or a row is no object.
pub fn pages<'a>(file: &'a Source, list: &str) -> Result<Vec<JsonPage<'a>>, Diagnostic> {
    let documents = documents(file)?;
    let row = |raw: &'a RawValue| {
        let fields = Fields::of(raw).ok_or_else(|| {
            let message = format!("a row of the list is `{}`, not an object", beginning(raw.get()));
            Diagnostic::at(&file.name, span(file, raw), message, "download the file again")
        })?;
        Ok(JsonRow { file, raw, fields })
    };
    let mut pages = Vec::new();
    let mut bare = Vec::new();
    for entry in entries(&documents) {
        let entry = row(entry)?;
        if entry.fields.raw(list).is_none() {
            bare.push(entry);
            continue;
        }
        let rows = entry.fields.list(list).into_iter().map(row);
        pages.push(JsonPage {
            file,
            rows: rows.collect::<Result<_, Diagnostic>>()?,
            next: next_of(&entry.fields),
        });
    }
    if !bare.is_empty() {
        pages.push(JsonPage {
            file,
            rows: bare,
            next: None,
        });
    }
    Ok(pages)
}

/// The first letters of a value, for a message.
fn beginning(text: &str) -> String {
    text.chars().take(30).collect()
}

/// What a page says of the page that follows.
pub fn next_of(page: &Fields<'_>) -> Option<String> {
    ["nextpagelink", "nextpagetoken", "nexttoken"]
        .iter()
        .find_map(|name| page.text(name))
        .filter(|text| !text.is_empty())
}

/// What a page says of the next one: its address (Azure) or its token (GCP). None on the last page.
///
/// # Errors
/// The page is no JSON object.
pub fn next_page(page: &Source) -> Result<Option<String>, Diagnostic> {
    let parts: BTreeMap<String, &RawValue> = parse(page)?;
    let there = parts.into_iter().filter(|(_, value)| value.get() != "null");
    let named = there.map(|(name, value)| (plain(&name), value)).collect();
    Ok(next_of(&Fields(named)))
}

/// The values of a file, one after another; there is one but where rows lie line by line.
pub fn documents(file: &Source) -> Result<Vec<&RawValue>, Diagnostic> {
    let text = unmarked(file);
    serde_json::Deserializer::from_str(text)
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(file, &error))
}

/// The values themselves, and the elements of those that are lists.
pub fn entries<'a>(documents: &[&'a RawValue]) -> Vec<&'a RawValue> {
    let flat = |value: &&'a RawValue| {
        if value.get().starts_with('[') {
            elements(value)
        } else {
            vec![*value]
        }
    };
    documents.iter().flat_map(flat).collect()
}

/// Where a value of a file stands in it.
pub fn span(file: &Source, value: &RawValue) -> Range<usize> {
    let begin = value
        .get()
        .as_ptr()
        .addr()
        .saturating_sub(file.text.as_ptr().addr())
        .min(file.text.len());
    // The first line of a value is enough to find it.
    let length = value.get().lines().next().map_or(0, str::len);
    begin..(begin + length).min(file.text.len())
}

/// The text without a byte order mark.
fn unmarked(file: &Source) -> &str {
    file.text.trim_start_matches('\u{feff}')
}

/// Reads a file as a type.
pub fn parse<'a, T: serde::Deserialize<'a>>(file: &'a Source) -> Result<T, Diagnostic> {
    serde_json::from_str(unmarked(file)).map_err(|error| unreadable(file, &error))
}

/// Reads a text that is a value of a file as a type.
pub fn parse_part<T: DeserializeOwned>(file: &Source, part: &RawValue, text: &str) -> Result<T, Diagnostic> {
    serde_json::from_str(text).map_err(|error| {
        Diagnostic::at(
            &file.name,
            span(file, part),
            format!("a product is not in the shape that the vendor documents: {error}"),
            "download the file again",
        )
    })
}

fn unreadable(file: &Source, error: &serde_json::Error) -> Diagnostic {
    let text = unmarked(file);
    let before: usize = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    let mut at =
        (file.text.len() - text.len() + before + error.column().saturating_sub(1)).min(file.text.len());
    while !file.text.is_char_boundary(at) {
        at -= 1;
    }
    let what = error.to_string();
    let what = what.split(" at line ").next().unwrap_or_default();
    let (message, help) = if error.is_eof() {
        (format!("the file is cut off: {what}"), "download it again")
    } else if error.is_syntax() {
        (
            format!("this is not JSON: {what}"),
            "the file is damaged, or was edited: download it again",
        )
    } else {
        (
            format!("not in the shape that the vendor documents: {what}"),
            "the vendor may have changed the format; a newer version of locust-nest may read it",
        )
    };
    Diagnostic::at(&file.name, at..at, message, help)
}

/// Something that is wrong with the part of a file where a text stands for the last time.
pub fn wrong(file: &Source, text: &str, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
    let quoted = format!("\"{text}\"");
    // Inside an answer of `get-products`, quotes are escaped.
    let escaped = format!("\\\"{text}\\\"");
    let found = [quoted, escaped]
        .into_iter()
        .find_map(|quoted| file.text.rfind(&quoted).map(|at| at..at + quoted.len()));
    Diagnostic::at(&file.name, found.unwrap_or(0..0), message, help)
}
