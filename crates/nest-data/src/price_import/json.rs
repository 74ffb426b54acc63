//! JSON files of vendors: which one it is, and errors with their line.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;

use super::Kind;
use crate::diagnostic::{Diagnostic, Source};

/// What a JSON file is, from its outermost keys.
pub fn kind(file: &Source) -> Result<Kind, Diagnostic> {
    let keys: BTreeMap<String, IgnoredAny> = parse(file)?;
    let has = |names: &[&str]| names.iter().all(|name| keys.contains_key(*name));
    if has(&["offerCode", "products", "terms"]) {
        return Ok(Kind::AwsOffer);
    }
    if has(&["Items"]) {
        return Ok(Kind::AzureRetail);
    }
    if has(&["skus"]) {
        return Ok(Kind::GcpCatalog);
    }
    if has(&["vectors"]) {
        return Ok(Kind::NoPrices("worked bills"));
    }
    let there = keys.keys().take(8).cloned().collect::<Vec<_>>().join(", ");
    let help = "an AWS offer has offerCode, products and terms; Azure retail prices have Items; a GCP \
        catalogue has skus";
    Err(Diagnostic::at(
        &file.name,
        0..0,
        format!("this is not a known price file; its keys are {there}"),
        help,
    ))
}

/// Reads a file as a type.
pub fn parse<T: DeserializeOwned>(file: &Source) -> Result<T, Diagnostic> {
    let text = file.text.trim_start_matches('\u{feff}');
    serde_json::from_str(text).map_err(|error| {
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
        } else {
            (
                format!("not in the shape that the vendor documents: {what}"),
                "the vendor may have changed the format; a newer version of locust-nest may read it",
            )
        };
        Diagnostic::at(&file.name, at..at, message, help)
    })
}

/// Something that is wrong with the part of a file where a text stands for the last time.
pub fn wrong(file: &Source, text: &str, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
    let quoted = format!("\"{text}\"");
    let at = file.text.rfind(&quoted).unwrap_or(0);
    let end = if at == 0 { 0 } else { at + quoted.len() };
    Diagnostic::at(&file.name, at..end, message, help)
}

/// Pages of one answer as one file: what is in the list of that name in each.
pub fn joined(pages: &[&Source], list: &str) -> Result<Source, Diagnostic> {
    let mut items = String::new();
    for page in pages {
        let parts: BTreeMap<String, Box<RawValue>> = parse(page)?;
        let part = parts.get(list).map_or("[]", |part| part.get()).trim();
        let part = part.trim_start_matches('[').trim_end_matches(']').trim();
        if !part.is_empty() {
            items += if items.is_empty() { "" } else { ",\n" };
            items += part;
        }
    }
    let names: Vec<&str> = pages.iter().map(|page| page.name.as_str()).collect();
    Ok(Source::new(
        names.join(" + "),
        format!("{{\"{list}\": [{items}]}}"),
    ))
}

/// What a page says of the next one: its address (Azure) or its token (GCP). None on the last page.
///
/// # Errors
/// The page is no JSON object.
pub fn next_page(page: &Source) -> Result<Option<String>, Diagnostic> {
    let parts: BTreeMap<String, Box<RawValue>> = parse(page)?;
    let next = ["NextPageLink", "nextPageToken"]
        .iter()
        .find_map(|name| parts.get(*name));
    let text = next
        .and_then(|raw| serde_json::from_str::<Option<String>>(raw.get()).ok())
        .flatten();
    Ok(text.filter(|text| !text.is_empty()))
}
