//! Feeds: tables from which behaviours take values. An execution takes one row of each feed that it uses.

use std::{ops::Range, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(source.text.as_bytes());
    let columns: Vec<String> = match reader.headers() {
        Ok(headers) => headers.iter().map(str::to_owned).collect(),
        Err(error) => {
            return Err(at(
                1,
                format!("not CSV: {error}"),
                "the first line names the columns",
            ));
        }
    };
    let mut rows = Rows::new(columns);
    for record in reader.records() {
        let record = record.map_err(|error| ragged(&error, &rows, &at))?;
        record.iter().for_each(|cell| rows.push(cell));
    }
    Ok(rows)
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
    type Object = serde_json::Map<String, serde_json::Value>;
    let mut rows: Option<Rows> = None;
    for (index, line) in source
        .text
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
        let object: Object = serde_json::from_str(line).map_err(|error| {
            at(
                format!("line {} is not a JSON object: {error}", index + 1),
                "write one object such as {\"name\": \"Ada\"} on each line",
            )
        })?;
        let rows = rows.get_or_insert_with(|| Rows::new(object.keys().cloned().collect()));
        let columns = rows.columns.clone();
        if let Some(missing) = columns.iter().find(|column| !object.contains_key(*column)) {
            return Err(at(
                format!("line {} has no `{missing}`, which the first line has", index + 1),
                "give every line the same keys",
            ));
        }
        for column in &columns {
            match &object[column] {
                serde_json::Value::String(text) => rows.push(text),
                value => rows.push(&value.to_string()),
            }
        }
    }
    Ok(rows.unwrap_or_else(|| Rows::new(Vec::new())))
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
