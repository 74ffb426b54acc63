//! Tables that verbs print, in the forms that `--format` offers.
//!
//! A cell is a value with its unit. Readers (`human`, `md`) get it in a unit of fitting size, with few
//! digits. Programs (`csv`, `json`) get it in base units with all its digits, one value a cell; a missing
//! value is empty or null. docs/output.md has the rules, and the columns of every verb.

mod cell;

use serde_json::{Map, Value};

use cell::ProgramValue;
pub use cell::{Cell, Shown, Unit};

use crate::args::Format;

/// A column: its heading for readers, and its names for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// None if readers do not get it.
    heading: Option<&'static str>,
    /// Empty if programs do not get it; several where a cell holds several values, such as an interval.
    names: &'static [&'static str],
}

impl Column {
    /// A column that readers and programs get.
    pub const fn new(heading: &'static str, names: &'static [&'static str]) -> Self {
        Self {
            heading: Some(heading),
            names,
        }
    }

    /// A column that only readers get.
    pub const fn for_readers(heading: &'static str) -> Self {
        Self {
            heading: Some(heading),
            names: &[],
        }
    }

    /// A column that only programs get.
    pub const fn for_programs(names: &'static [&'static str]) -> Self {
        Self { heading: None, names }
    }
}

/// A table: columns, then rows of as many cells.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputTable {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl OutputTable {
    /// A table without rows.
    pub fn new(columns: &[Column]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If the row does not have one cell for each column, or if a cell does not have the unit that ends the
    /// column's name.
    pub fn push(&mut self, row: Vec<Cell>) {
        assert_eq!(row.len(), self.columns.len(), "cells of {row:?}");
        for (column, cell) in self.columns.iter().zip(&row) {
            assert!(
                cell.fits(column.names),
                "{cell:?} does not belong in the columns {:?}",
                column.names
            );
        }
        self.rows.push(row);
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text in one of the forms.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Human => self.human(),
            Format::Md => self.markdown(),
            Format::Csv => self.csv(),
            Format::Json => self.json(),
        }
    }

    /// Headings and cells as readers see them.
    fn for_readers(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let shown = |row: &Vec<Cell>| {
            let cells = self.columns.iter().zip(row);
            cells
                .filter(|(column, _)| column.heading.is_some())
                .map(|(_, cell)| cell.for_readers())
                .collect()
        };
        let headings = self.columns.iter().filter_map(|column| column.heading);
        (
            headings.map(str::to_owned).collect(),
            self.rows.iter().map(shown).collect(),
        )
    }

    /// Names of the columns that programs get.
    pub fn names(&self) -> Vec<&'static str> {
        self.columns
            .iter()
            .flat_map(|column| column.names)
            .copied()
            .collect()
    }

    /// Rows of values as programs see them, each as long as the names. A row with a nested cell becomes a row
    /// for each of the nested ones.
    fn for_programs(&self) -> Vec<Vec<ProgramValue>> {
        let spread = |row: &Vec<Cell>| {
            let copies = row.iter().map(Cell::program_rows).max().unwrap_or(1);
            (0..copies)
                .map(|copy| {
                    let cells = self.columns.iter().zip(row);
                    cells
                        .flat_map(|(column, cell)| cell.for_programs(column.names.len(), copy))
                        .collect()
                })
                .collect::<Vec<Vec<ProgramValue>>>()
        };
        self.rows.iter().flat_map(spread).collect()
    }

    /// Columns padded to their widest cell; texts to the left, numbers to the right.
    fn human(&self) -> String {
        let (headings, rows) = self.for_readers();
        let width = |column: usize| {
            rows.iter()
                .chain([&headings])
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..headings.len()).map(width).collect();
        let numeric: Vec<bool> = (0..headings.len())
            .map(|column| {
                rows.iter()
                    .any(|row| row[column].starts_with(|c: char| c.is_ascii_digit()))
            })
            .collect();
        let line = |cells: &Vec<String>| {
            let padded = cells.iter().enumerate().map(|(column, cell)| {
                let fill = " ".repeat(widths[column] - cell.chars().count());
                if numeric[column] {
                    format!("{fill}{cell}")
                } else {
                    format!("{cell}{fill}")
                }
            });
            format!("  {}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
        };
        std::iter::once(&headings).chain(&rows).map(line).collect()
    }

    fn markdown(&self) -> String {
        let (headings, rows) = self.for_readers();
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let escaped = |row: &Vec<String>| {
            let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
            line(&cells)
        };
        let rule = line(&vec!["---".to_owned(); headings.len()]);
        line(&headings) + &rule + &rows.iter().map(escaped).collect::<String>()
    }

    fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer
            .write_record(self.names())
            .expect("memory takes everything");
        for row in self.for_programs() {
            writer
                .write_record(row.iter().map(ProgramValue::csv))
                .expect("rows are as long as the first line");
        }
        String::from_utf8(writer.into_inner().expect("memory takes everything")).expect("texts are UTF-8")
    }

    fn json(&self) -> String {
        let names = self.names();
        let object = |row: Vec<ProgramValue>| {
            let members = names.iter().map(ToString::to_string);
            Value::Object(
                members
                    .zip(row.into_iter().map(Value::from))
                    .collect::<Map<_, _>>(),
            )
        };
        let rows = Value::Array(self.for_programs().into_iter().map(object).collect());
        serde_json::to_string_pretty(&rows).expect("a list of objects with text keys") + "\n"
    }
}

#[cfg(test)]
pub mod tests;
