//! Feeds: tables from which behaviours take values. An execution takes one row of each feed that it uses.

use std::{fmt, ops::Range, sync::Arc};

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, Visitor},
};
use serde_json::value::RawValue;

mod cells;

use crate::diagnostic::{Diagnostic, Source};

/// The file of a feed, and the order in which executions take its rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedSource {
    /// File in the study's folder: `.csv` with a header line, or `.jsonl` with one object per line.
    pub file: String,
    /// Which row an execution takes. [default: sequential]
    #[serde(default)]
    pub order: FeedOrder,
}

/// Which row an execution takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FeedOrder {
    /// The next row in the order of due times; after the last row, the first one again.
    #[default]
    Sequential,
    /// Any row, drawn at random by the study's seed.
    Random,
    /// The next row that no execution of the run has taken. An execution for which no row is left fails with
    /// kind `feed`.
    Unique,
}

/// The rows of a feed. Clones share them.
#[derive(Debug, Clone, PartialEq)]
pub struct Feed(Arc<Rows>);

#[derive(Debug, PartialEq)]
struct Rows {
    columns: Vec<String>,
    text: String,
    cells: Vec<Range<usize>>, // row after row, one per column
}

impl Feed {
    /// Reads a feed; `.jsonl` and `.ndjson` files are JSON lines, all others CSV.
    ///
    /// # Errors
    /// A line with too many or too few cells, a line that is not a JSON object, or a file without rows.
    pub fn read(source: &Source) -> Result<Self, Diagnostic> {
        let rows = if source.name.ends_with(".jsonl") || source.name.ends_with(".ndjson") {
            json_lines(source)?
        } else {
            csv_rows(source)?
        };
        if rows.cells.is_empty() {
            return Err(Diagnostic::at(
                &source.name,
                0..0,
                "the feed has no row",
                "add at least one row below the header",
            ));
        }
        Ok(Self(Arc::new(rows)))
    }

    /// Names of the columns.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.0.columns
    }

    /// Number of rows, 1 or more.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.0.cells.len() / self.0.columns.len()
    }

    /// A cell; rows and columns count from 0. Empty outside the table.
    #[must_use]
    pub fn cell(&self, row: usize, column: usize) -> &str {
        let place = self.0.cells.get(row * self.0.columns.len() + column);
        place
            .and_then(|place| self.0.text.get(place.clone()))
            .unwrap_or_default()
    }
}

impl Rows {
    fn new(columns: Vec<String>) -> Self {
        Self {
            columns,
            text: String::new(),
            cells: Vec::new(),
        }
    }

    fn push(&mut self, cell: &str) {
        let start = self.text.len();
        self.text.push_str(cell);
        self.cells.push(start..self.text.len());
    }
}

fn csv_rows(source: &Source) -> Result<Rows, Diagnostic> {
    let at = |line: u64, message: String, help: &str| {
        Diagnostic::at(&source.name, line_span(&source.text, line), message, help)
    };
    let mut reader = csv::Reader::from_reader(source.text.as_bytes());
    let columns: Vec<String> = match reader.headers() {
        Ok(headers) => headers.iter().map(|name| name.trim().to_owned()).collect(),
        Err(error) => {
            return Err(at(
                1,
                format!("not CSV: {error}"),
                "the first line names the columns",
            ));
        }
    };
    if let Some(name) = twice(columns.iter()) {
        let message = format!("the header names the column `{name}` twice");
        return Err(at(1, message, "give every column a name of its own"));
    }
    let mut rows = Rows::new(columns);
    for record in reader.records() {
        let record = record.map_err(|error| ragged(&error, &rows, &at))?;
        let start = record.position().map_or(0, csv::Position::byte) as usize;
        let quotes = cells::quotes(source.text.get(start..).unwrap_or_default(), record.len());
        for (cell, quoted) in record.iter().zip(quotes) {
            rows.push(quoted.cell(cell));
        }
    }
    Ok(rows)
}

/// The first name that comes a second time.
fn twice<'a>(names: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    let mut seen = std::collections::BTreeSet::new();
    let mut names = names;
    names.find(|name| !seen.insert(*name))
}

fn ragged(error: &csv::Error, rows: &Rows, at: &dyn Fn(u64, String, &str) -> Diagnostic) -> Diagnostic {
    let line = error.position().map_or(1, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            let message = format!(
                "line {line} has {len} cells, the header has {expected_len} ({})",
                rows.columns.join(", ")
            );
            at(
                line,
                message,
                "give every line one cell per column; put a cell that holds a comma in double quotes",
            )
        }
        _ => at(
            line,
            format!("not CSV: {error}"),
            "save the file as UTF-8 text with commas",
        ),
    }
}

fn json_lines(source: &Source) -> Result<Rows, Diagnostic> {
    let mut rows: Option<Rows> = None;
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    for (index, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let at = |message: String, help: &str| {
            Diagnostic::at(
                &source.name,
                line_span(&source.text, index as u64 + 1),
                message,
                help,
            )
        };
        let object: JsonObject = serde_json::from_str(line).map_err(|error| {
            at(
                format!("line {} is not a JSON object: {error}", index + 1),
                "write one object such as {\"name\": \"Ada\"} on each line",
            )
        })?;
        if let Some(name) = twice(object.0.iter().map(|(name, _)| name)) {
            return Err(at(
                format!("line {} has the key `{name}` twice", index + 1),
                "give every key of an object a name of its own",
            ));
        }
        let rows =
            rows.get_or_insert_with(|| Rows::new(object.0.iter().map(|(name, _)| name.clone()).collect()));
        for column in rows.columns.clone() {
            let Some((_, value)) = object.0.iter().find(|(name, _)| *name == column) else {
                return Err(at(
                    format!("line {} has no `{column}`, which the first line has", index + 1),
                    "give every line the same keys",
                ));
            };
            rows.push(value);
        }
    }
    Ok(rows.unwrap_or_else(|| Rows::new(Vec::new())))
}

/// An object of which every key and value is kept: a text without its quotes, anything else as it stands in
/// the file, so that a number keeps its digits.
struct JsonObject(Vec<(String, String)>);

impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(JsonFields)
    }
}

struct JsonFields;

impl<'de> Visitor<'de> for JsonFields {
    type Value = JsonObject;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<JsonObject, A::Error> {
        let mut fields = Vec::new();
        while let Some((name, value)) = entries.next_entry::<String, &RawValue>()? {
            let text = match value.get() {
                raw if raw.starts_with('"') => serde_json::from_str(raw).map_err(A::Error::custom)?,
                raw => raw.to_owned(),
            };
            fields.push((name, text));
        }
        Ok(JsonObject(fields))
    }
}

/// Byte range of a line, counted from 1, in a text.
pub(crate) fn line_span(text: &str, line: u64) -> Range<usize> {
    let mut start = 0;
    for (index, content) in text.split_inclusive('\n').enumerate() {
        let end = start + content.trim_end().len();
        if index as u64 + 1 == line {
            return start..end.max(start);
        }
        start += content.len();
    }
    0..0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_and_json_lines_give_the_same_rows() {
        let csv = Feed::read(&Source::new("a.csv", "name,age\nAda,36\n\"Grace, H.\", 85\n")).expect("valid");
        let json = Feed::read(&Source::new(
            "a.jsonl",
            "{\"name\":\"Ada\",\"age\":36}\n\n{\"age\":85,\"name\":\"Grace, H.\"}\n",
        ))
        .expect("valid");
        assert_eq!(csv, json);
        assert_eq!(
            (csv.rows(), csv.cell(1, 0), csv.cell(1, 1), csv.cell(2, 0)),
            (2, "Grace, H.", "85", "")
        );
    }

    #[test]
    fn a_quoted_cell_keeps_its_blanks_and_an_unquoted_one_loses_them() {
        let text = "\u{feff}title , id\r\n\r\n\"  two spaces  \", 7 \r\n  plain  ,\"\"\n\
            \"say \"\"hi\"\"\",\" a\nb \"  \n";
        let feed = Feed::read(&Source::new("a.csv", text)).expect("valid");
        assert_eq!(feed.columns(), ["title", "id"]);
        let rows: Vec<_> = (0..feed.rows())
            .map(|row| (feed.cell(row, 0), feed.cell(row, 1)))
            .collect();
        assert_eq!(
            rows,
            [("  two spaces  ", "7"), ("plain", ""), ("say \"hi\"", " a\nb ")]
        );
    }

    #[test]
    fn numbers_of_json_lines_keep_their_digits() {
        let text = "\u{feff}{\"id\":2733382000000000049,\"price\":12.10,\"far\":1e400,\
            \"text\":\"\\u00eb\",\"list\":[ 1.0 ],\"no\":null}\n";
        let feed = Feed::read(&Source::new("a.jsonl", text)).expect("valid");
        let row: Vec<_> = (0..6).map(|column| feed.cell(0, column)).collect();
        assert_eq!(
            row,
            ["2733382000000000049", "12.10", "1e400", "ë", "[ 1.0 ]", "null"]
        );
    }

    #[test]
    fn a_name_that_comes_twice_is_refused() {
        let error = |name: &str, text: &str| Feed::read(&Source::new(name, text)).expect_err(text).message;
        assert!(error("a.csv", "id,name, id\n1,2,3\n").contains("`id` twice"));
        assert!(
            error("a.jsonl", "{\"a\":1}\n{\"a\":1,\"b\":2,\"b\":3}\n")
                .contains("line 2 has the key `b` twice")
        );
    }

    #[test]
    fn a_bad_line_is_named_with_its_place() {
        let error = |name: &str, text: &str| Feed::read(&Source::new(name, text)).expect_err(text);
        let ragged = error("a.csv", "name,age\nAda,36\nGrace\n");
        assert!(
            ragged.message.contains("line 3 has 1 cells"),
            "{}",
            ragged.message
        );
        assert_eq!(ragged.span, 16..21);
        assert!(
            error("a.jsonl", "{\"a\":1}\n{\"b\":1}")
                .message
                .contains("line 2 has no `a`")
        );
        assert!(
            error("a.jsonl", "{\"a\":1}\n[1]")
                .message
                .contains("line 2 is not a JSON object")
        );
        assert!(error("a.csv", "name\n").message.contains("no row"));
    }
}
