//! CSV files as texts: which one it is, its columns, and each row with its line.

mod kind;

use std::{collections::BTreeMap, ops::Range, str::FromStr};

use csv::{ReaderBuilder, StringRecord, Trim};
use jiff::civil::Date;
use rust_decimal::Decimal;

pub use self::kind::CsvKind;
use super::{Kind, file_text::plain};
use crate::{
    diagnostic::{Diagnostic, Source},
    units::QuotedDecimal,
};

/// Largest number of a price file: 10^15, so that exact arithmetic stays inside its 28 digits.
pub const LARGEST: Decimal = Decimal::from_parts(0xA4C6_8000, 0x0003_8D7E, 0, false, 0);

impl CsvKind {
    /// The kind whose columns the first line has all of, and most of.
    ///
    /// # Errors
    /// The first line, where no kind has all its columns there: the missing ones of the kind that comes
    /// nearest.
    pub fn of(file: &Source) -> Result<Kind, Diagnostic> {
        let layout = Layout::of(&file.text);
        let first = file.text[layout.offset..].lines().next().unwrap_or_default();
        let there: Vec<String> = first.split(char::from(layout.delimiter)).map(plain).collect();
        let lacks = |column: &str| !there.contains(&plain(column));
        let missing = |kind: &Self| kind.columns().iter().filter(|column| lacks(column)).count();
        let whole = Self::ALL
            .into_iter()
            .filter(|kind| missing(kind) == 0)
            .max_by_key(|kind| kind.columns().len());
        if let Some(kind) = whole {
            return Ok(match kind {
                Self::Rates => Kind::NoPrices("exchange rates"),
                Self::ColdStarts => Kind::NoPrices("cold starts"),
                kind => Kind::Csv(kind),
            });
        }
        let nearest = Self::ALL
            .into_iter()
            .min_by_key(|kind| missing(kind) * 100 / kind.columns().len());
        let half = nearest.filter(|kind| missing(kind) * 2 <= kind.columns().len());
        let message = match half {
            Some(kind) => {
                let lacks: Vec<&str> = kind
                    .columns()
                    .iter()
                    .copied()
                    .filter(|column| lacks(column))
                    .collect();
                format!("the first line lacks the columns {}", lacks.join(", "))
            }
            None => "this is not a known price file".to_owned(),
        };
        let help = "it reads AWS offer files, answers and savings plans (JSON or CSV), Azure retail prices \
            and GCP catalogues (JSON)";
        Err(Diagnostic::at(
            &file.name,
            layout.offset..layout.offset + first.len(),
            message,
            help,
        ))
    }
}

/// Where a table begins in a file, and what separates its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pub offset: usize,
    pub delimiter: u8,
}

impl Layout {
    /// The layout of a file, as spreadsheets save it too: with a line `sep=;` before the first, with
    /// semicolons, tabs or bars instead of commas.
    pub fn of(text: &str) -> Self {
        let mut offset = 0;
        let mut stated = None;
        for line in text.split_inclusive('\n') {
            let said = line.trim_start_matches('\u{feff}').trim().trim_matches('"');
            match said.get(..4) {
                Some(name) if name.eq_ignore_ascii_case("sep=") => stated = said.as_bytes().get(4).copied(),
                _ if said.trim_matches([',', ';', '\t', '|']).is_empty() => {}
                _ => {
                    let count = |delimiter: u8| line.bytes().filter(|byte| *byte == delimiter).count();
                    // The first of those that are there equally often.
                    let usual = *b"|\t;,";
                    let most = usual.into_iter().max_by_key(|delimiter| count(*delimiter));
                    return Self {
                        offset,
                        delimiter: stated.or(most).unwrap_or(b','),
                    };
                }
            }
            offset += line.len();
        }
        Self {
            offset: 0,
            delimiter: b',',
        }
    }
}

/// A CSV file with its columns by name.
#[derive(Debug)]
pub struct CsvText<'a> {
    pub file: &'a Source,
    delimiter: u8,
    columns: BTreeMap<String, usize>,
    records: Vec<(Range<usize>, StringRecord)>,
}

/// A row of it.
#[derive(Debug, Clone, Copy)]
pub struct CsvRow<'a> {
    table: &'a CsvText<'a>,
    index: usize,
}

impl<'a> CsvText<'a> {
    /// Reads a file of a known kind.
    ///
    /// # Errors
    /// Rows of another length than the first line: the file is cut off.
    pub fn read(file: &'a Source, kind: CsvKind) -> Result<Self, Vec<Diagnostic>> {
        Self::from_layout(file, Layout::of(&file.text), kind.columns())
    }

    /// The same for a table that begins somewhere in the file.
    pub fn from_layout(file: &'a Source, layout: Layout, needed: &[&str]) -> Result<Self, Vec<Diagnostic>> {
        let text = &file.text[layout.offset..];
        let marked = text.len() - text.trim_start_matches('\u{feff}').len();
        let (text, offset) = (&text[marked..], layout.offset + marked);
        let mut reader = ReaderBuilder::new()
            .delimiter(layout.delimiter)
            .trim(Trim::All)
            .flexible(true)
            .from_reader(text.as_bytes());
        let unreadable = |error: csv::Error| {
            let at = error
                .position()
                .map_or(0, |position| usize::try_from(position.byte()).unwrap_or(0))
                + offset;
            vec![Diagnostic::at(
                &file.name,
                at..at,
                format!("not readable as CSV: {error}"),
                "download the file again",
            )]
        };
        let header = reader.headers().map_err(unreadable)?.clone();
        // Spreadsheets pad lines with empty cells.
        let width = header
            .iter()
            .enumerate()
            .filter(|(_, name)| !name.is_empty())
            .last()
            .map_or(0, |(place, _)| place + 1);
        let columns: BTreeMap<String, usize> = header
            .iter()
            .enumerate()
            .map(|(place, name)| (plain(name), place))
            .collect();
        check_columns(file, offset..offset + first_line(text).len(), &header, needed)?;
        let mut records = Vec::new();
        let mut found = Vec::new();
        for record in reader.records() {
            let record = record.map_err(unreadable)?;
            if record.iter().all(str::is_empty) {
                continue;
            }
            let begin = record
                .position()
                .map_or(0, |position| usize::try_from(position.byte()).unwrap_or(0));
            let begin = begin
                + text[begin..]
                    .bytes()
                    .take_while(|byte| matches!(byte, b'\n' | b'\r'))
                    .count();
            let span = begin + offset..begin + offset + first_line(&text[begin..]).len();
            if record.len() < width || record.iter().skip(width).any(|cell| !cell.is_empty()) {
                let message = format!(
                    "the row has {} cells, the line of column names {width}",
                    record.len(),
                );
                found.push(Diagnostic::at(
                    &file.name,
                    span,
                    message,
                    "the file may be cut off: download it again",
                ));
            } else {
                records.push((span, record));
            }
        }
        if found.is_empty() && text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
            found.push(Diagnostic::at(
                &file.name,
                file.text.len()..file.text.len(),
                "a quotation mark is not closed: the file is cut off or damaged",
                "download it again",
            ));
        }
        if records.is_empty() && found.is_empty() {
            found.push(Diagnostic::at(
                &file.name,
                0..0,
                "the file has no rows",
                "download it again",
            ));
        }
        if found.is_empty() {
            Ok(Self {
                file,
                delimiter: layout.delimiter,
                columns,
                records,
            })
        } else {
            Err(found)
        }
    }

    /// The names of the columns, in lower case and without anything but letters and digits.
    pub fn columns(&self) -> Vec<&str> {
        self.columns.keys().map(String::as_str).collect()
    }

    /// The rows, in the order of the file.
    pub fn rows(&'a self) -> impl Iterator<Item = CsvRow<'a>> {
        (0..self.records.len()).map(move |index| CsvRow { table: self, index })
    }
}

/// The first line of a text.
fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// Checks that a table has each of the columns that are needed, and has it once.
fn check_columns(
    file: &Source,
    line: Range<usize>,
    header: &StringRecord,
    needed: &[&str],
) -> Result<(), Vec<Diagnostic>> {
    let count = |name: &str| {
        header
            .iter()
            .filter(|column| plain(column) == plain(name))
            .count()
    };
    let wrong = |message: String, help: &str| Err(vec![Diagnostic::at(&file.name, line, message, help)]);
    let lacks: Vec<&str> = needed.iter().copied().filter(|name| count(name) == 0).collect();
    if !lacks.is_empty() {
        return wrong(
            format!("the line of column names lacks {}", lacks.join(", ")),
            "the vendor may have renamed them; a newer version of locust-nest may read the file",
        );
    }
    match needed.iter().find(|name| count(name) > 1) {
        Some(twice) => wrong(
            format!("the line of column names has {twice} twice"),
            "delete the column that is not the vendor's",
        ),
        None => Ok(()),
    }
}

impl<'a> CsvRow<'a> {
    /// A cell; empty where the file has no such column.
    pub fn get(&self, column: &str) -> &'a str {
        let record = &self.table.records[self.index].1;
        self.table
            .columns
            .get(&plain(column))
            .and_then(|place| record.get(*place))
            .unwrap_or_default()
    }

    /// The name of the file.
    pub fn file(&self) -> &'a str {
        &self.table.file.name
    }

    /// The line, from 1.
    pub fn line(&self) -> usize {
        self.table.file.position(self.table.records[self.index].0.start).0
    }

    /// Something that is wrong with the row.
    pub fn wrong(&self, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        Diagnostic::at(
            &self.table.file.name,
            self.table.records[self.index].0.clone(),
            message,
            help,
        )
    }

    /// A decimal; none where the cell is blank, which means that it is not known.
    pub fn decimal(&self, column: &str) -> Result<Option<QuotedDecimal>, Diagnostic> {
        let value: Option<QuotedDecimal> =
            self.parsed(column, &self.number(column), "a decimal number such as 0.0116")?;
        match value {
            Some(value) if value.0.abs() > LARGEST => Err(self.wrong(
                format!("`{column}` is {value}"),
                format!("it must be below {LARGEST}"),
            )),
            value => Ok(value),
        }
    }

    /// A decimal that must be there.
    pub fn needed(&self, column: &str) -> Result<QuotedDecimal, Diagnostic> {
        self.decimal(column)?
            .ok_or_else(|| self.wrong(format!("`{column}` is blank"), "it must hold a decimal number"))
    }

    /// A date; none where the cell is blank.
    pub fn date(&self, column: &str) -> Result<Option<Date>, Diagnostic> {
        self.parsed(column, self.get(column), "a date such as 2026-11-22")
    }

    /// A number as a text with a decimal point. Where commas do not separate cells, a spreadsheet may have
    /// written one instead of the point; `1,234` may also be a thousand, and stays as it is.
    pub fn number(&self, column: &str) -> String {
        let text = self.get(column);
        let decimal_comma = text.split_once(',').is_some_and(|(whole, part)| {
            let is_thousand = part.len() == 3 && !whole.trim_matches(['0', '-']).is_empty();
            self.table.delimiter != b',' && !is_thousand && !part.contains([',', '.']) && !whole.contains('.')
        });
        if decimal_comma {
            text.replace(',', ".")
        } else {
            text.to_owned()
        }
    }

    fn parsed<T: FromStr>(&self, column: &str, text: &str, expected: &str) -> Result<Option<T>, Diagnostic> {
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| {
            self.wrong(
                format!("`{column}` is `{text}`"),
                format!("it must be {expected}"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_number_is_ten_to_the_fifteenth() {
        assert_eq!(LARGEST, Decimal::from(10_i64.pow(15)));
    }

    #[test]
    fn a_layout_is_that_of_the_spreadsheet_that_saved_the_file() {
        for (text, offset, delimiter) in [
            ("a,b\n1,2\n", 0, b','),
            ("a;b;\"x,y\"\n", 0, b';'),
            ("\u{feff}sep=;\r\na;b\r\n", 10, b';'),
            ("\"SEP=,\"\n\na,b\n", 9, b','),
            ("a\tb\n", 0, b'\t'),
            ("a\n", 0, b','),
            ("", 0, b','),
        ] {
            assert_eq!(Layout::of(text), Layout { offset, delimiter }, "{text:?}");
        }
    }

    #[test]
    fn a_decimal_comma_is_read_where_it_cannot_be_a_thousand() {
        let file = Source::new("a.csv", "n;m\n0,004445;1,25\n0,045;1,234\n1.234,5;1,2,3\n");
        let table = CsvText::from_layout(&file, Layout::of(&file.text), &["n", "m"]).expect("readable");
        let numbers: Vec<String> = table
            .rows()
            .flat_map(|row| [row.number("n"), row.number("m")])
            .collect();
        assert_eq!(
            numbers,
            ["0.004445", "1.25", "0.045", "1,234", "1.234,5", "1,2,3"]
        );
    }
}
