//! What docs/output.md says of the columns of a verb, held against what the verb prints. The unit tests of
//! nest-cli use this file too.

use serde_json::{Map, Value};

/// The page that says which columns every verb has.
const PAGE: &str = include_str!("../../docs/output.md");

/// Kinds of columns in the page.
const KINDS: [&str; 5] = ["number", "decimal", "text", "texts", "date"];

/// The section of a verb, without its heading.
pub fn section(verb: &str) -> Option<&'static str> {
    PAGE.split("\n### ").skip(1).find_map(|section| {
        let (heading, text) = section.split_once('\n')?;
        heading.split(", ").any(|one| one == verb).then_some(text)
    })
}

/// Names and kinds of the columns of a verb.
#[track_caller]
pub fn columns(verb: &str) -> Vec<(&'static str, &'static str)> {
    let section = section(verb).unwrap_or_else(|| panic!("docs/output.md has no section `{verb}`"));
    let lines = section.lines().filter_map(|line| line.strip_prefix("| `"));
    lines
        .flat_map(|line| {
            let (names, rest) = line.split_once(" | ").expect("a second cell");
            let kind = rest.split(" | ").next().unwrap_or_default();
            assert!(KINDS.contains(&kind), "{line}");
            names
                .split("`, `")
                .map(move |name| (name.trim_end_matches('`'), kind))
        })
        .collect()
}

/// The rows of a CSV text below its first line, which must be as long as that.
#[track_caller]
pub fn rows(csv: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let records: Result<Vec<csv::StringRecord>, csv::Error> = reader.records().collect();
    let records = records.expect("rows as long as the first line");
    records
        .iter()
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect()
}

/// Checks that the CSV of a verb has the columns of the page, rows of one length, and numbers where the page
/// says so. Returns its rows.
#[track_caller]
pub fn assert_csv(verb: &str, csv: &str) -> Vec<Vec<String>> {
    let columns = columns(verb);
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    assert_eq!(csv.lines().next(), Some(names.join(",").as_str()), "{verb}");
    let rows = rows(csv);
    for row in &rows {
        for ((name, kind), cell) in columns.iter().zip(row) {
            assert!(
                cell.is_empty() || !["number", "decimal"].contains(kind) || is_number(cell),
                "{name} is {cell:?}"
            );
            assert!(
                !["none", "-", "unknown", "?", "∞"].contains(&cell.as_str()),
                "{name} is {cell:?}"
            );
        }
    }
    rows
}

/// Checks that the JSON of a verb is a list with an object for each row of its CSV, with the same names and
/// values.
#[track_caller]
pub fn assert_json(verb: &str, json: &str, rows: &[Vec<String>]) {
    let columns = columns(verb);
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let objects: Vec<Map<String, Value>> = serde_json::from_str(json).expect("a list of objects");
    assert_eq!(objects.len(), rows.len(), "{verb}");
    for (object, row) in objects.iter().zip(rows) {
        assert_eq!(object.keys().collect::<Vec<_>>(), names);
        for ((name, kind), cell) in columns.iter().zip(row) {
            let value = &object[*name];
            assert!(
                is_same(kind, cell, value),
                "{name}: {cell:?} in CSV, {value} in JSON"
            );
        }
    }
}

/// Whether a CSV cell and a JSON value are the same, and of the kind.
fn is_same(kind: &str, cell: &str, value: &Value) -> bool {
    match (kind, value) {
        (_, Value::Null) => cell.is_empty(),
        ("number", Value::Number(number)) => cell.parse().ok() == number.as_f64(),
        ("decimal" | "text" | "date", Value::String(text)) => text == cell,
        ("texts", Value::Array(texts)) => texts.len() == cell.split_terminator(';').count(),
        _ => false,
    }
}

/// Digits with a sign, a point or an exponent: not `inf`, not `nan`.
fn is_number(cell: &str) -> bool {
    cell.parse::<f64>().is_ok_and(f64::is_finite) && !cell.contains(char::is_uppercase)
}
