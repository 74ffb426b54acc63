//! Reads a CSV file with named columns. Every error names the file and the line.

use std::path::Path;

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};

use crate::{
    command_error::{CommandError, INVALID},
    files::{bounded::TABLE_BYTES, bytes_of},
};

/// A row of a CSV file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvRow {
    /// Line at which the row begins, from 1.
    pub line: u64,
    /// Its cells without surrounding blanks: the required columns, then the optional ones, in the order asked
    /// for. A cell of an optional column that the file does not have is empty.
    pub cells: Vec<String>,
}

/// The rows of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CsvTable {
    /// Rows that have all cells that were asked for, in the order of the file.
    pub rows: Vec<CsvRow>,
    /// Rows that are longer or shorter than the first.
    pub uneven: Vec<UnevenRow>,
}

/// A row that is longer or shorter than the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnevenRow {
    /// Its line and how many cells it has.
    pub what: String,
    /// Whether it is among the rows, because it has all cells that were asked for.
    pub kept: bool,
}

/// Reads the file at `path`, or standard input for `-`, with [`parse`]. Every row must be as long as the
/// first.
pub fn read(path: &Path, required: &[&str], optional: &[&str]) -> Result<Vec<CsvRow>, CommandError> {
    whole(read_uneven(path, required, optional)?).map_err(|message| refused(path, &message))
}

/// Reads like [`read`], but accepts rows that are longer or shorter than the first.
pub fn read_uneven(path: &Path, required: &[&str], optional: &[&str]) -> Result<CsvTable, CommandError> {
    let bytes = bytes_of(path, TABLE_BYTES)?;
    parse(&bytes, required, optional)
        .map_err(|message| refused(path, &message).hint(needed(required, optional)))
}

/// An error in a file.
pub fn refused(path: &Path, message: &str) -> CommandError {
    CommandError::new(INVALID, format!("{}: {message}", path.display()))
}

/// Which columns a file needs.
fn needed(required: &[&str], optional: &[&str]) -> String {
    let listed = |names: &[&str]| match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    };
    let more = match optional {
        [] => String::new(),
        names => format!("; it may also have {}", listed(names)),
    };
    format!("the file needs the columns {}{more}", listed(required))
}

/// The rows of a table that has no uneven row.
///
/// # Errors
/// A message about the first uneven row.
pub fn whole(table: CsvTable) -> Result<Vec<CsvRow>, String> {
    table
        .uneven
        .into_iter()
        .next()
        .map_or(Ok(table.rows), |uneven| Err(uneven.what))
}

/// The rows of a CSV text whose first row names the columns. Columns may be in any order, and their names in
/// any case and in quotes. Other columns, empty lines and a byte order mark are ignored. Lines may end in LF
/// or CR LF.
///
/// # Errors
/// A message with the line at which a column is missing or appears twice, or bytes are not UTF-8.
pub fn parse(bytes: &[u8], required: &[&str], optional: &[&str]) -> Result<CsvTable, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = ReaderBuilder::new()
        .trim(Trim::All)
        .flexible(true)
        .from_reader(bytes);
    let header = reader
        .headers()
        .map_err(|error| explained(&error, bytes))?
        .clone();
    let columns = columns(&header, required, optional)?;
    let mut table = CsvTable::default();
    for record in reader.records() {
        let record = record.map_err(|error| explained(&error, bytes))?;
        let line = line(record.position(), bytes);
        let kept = columns.iter().flatten().all(|column| *column < record.len());
        if record.len() != header.len() {
            let (found, expected) = (record.len(), header.len());
            table.uneven.push(UnevenRow {
                what: format!("line {line} has {found} cells, the first line has {expected}"),
                kept,
            });
        }
        if kept {
            let cell =
                |column: &Option<usize>| column.and_then(|column| record.get(column)).unwrap_or_default();
            let cells = columns.iter().map(|column| cell(column).to_owned()).collect();
            table.rows.push(CsvRow { line, cells });
        }
    }
    Ok(table)
}

/// Positions of the columns: all that are required, and those optional ones that the header has.
fn columns(
    header: &StringRecord,
    required: &[&str],
    optional: &[&str],
) -> Result<Vec<Option<usize>>, String> {
    let missing = |name: &str| match separator(header) {
        Some(sign) => format!("line 1: cells are separated with {sign}; separate cells with commas"),
        None => format!(
            "line 1: column `{name}` is missing, there are: {}",
            listed(header)
        ),
    };
    let needed = required
        .iter()
        .map(|name| place(header, name)?.ok_or_else(|| missing(name)).map(Some));
    needed
        .chain(optional.iter().map(|name| place(header, name)))
        .collect()
}

/// Position of a column, if the header has it.
fn place(header: &StringRecord, name: &str) -> Result<Option<usize>, String> {
    let mut places = header
        .iter()
        .enumerate()
        .filter(|(_, column)| column.eq_ignore_ascii_case(name))
        .map(|(place, _)| place);
    let first = places.next();
    if places.next().is_some() {
        Err(format!("line 1: column `{name}` appears twice"))
    } else {
        Ok(first)
    }
}

/// What separates the names of columns where no comma does.
fn separator(header: &StringRecord) -> Option<&'static str> {
    let [only] = header.iter().collect::<Vec<_>>()[..] else {
        return None;
    };
    let signs = [(';', "semicolons"), ('\t', "tabs"), ('|', "`|`")];
    signs
        .into_iter()
        .find(|(sign, _)| only.contains(*sign))
        .map(|(_, name)| name)
}

fn listed(header: &StringRecord) -> String {
    if header.is_empty() {
        "none".to_owned()
    } else {
        header.iter().collect::<Vec<_>>().join(", ")
    }
}

/// The line of a record. The reader only gives the position at which the record before it ended, so empty
/// lines must be added.
fn line(position: Option<&csv::Position>, bytes: &[u8]) -> u64 {
    let Some(position) = position else { return 1 };
    let rest = bytes
        .get(usize::try_from(position.byte()).unwrap_or(usize::MAX)..)
        .unwrap_or_default();
    let empty = rest
        .iter()
        .take_while(|byte| matches!(byte, b'\n' | b'\r'))
        .filter(|byte| **byte == b'\n');
    position.line() + empty.count() as u64
}

fn explained(error: &csv::Error, bytes: &[u8]) -> String {
    let line = line(error.position(), bytes);
    match error.kind() {
        ErrorKind::Utf8 { .. } => format!("line {line} is not UTF-8"),
        _ => format!("line {line}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &[u8]) -> Vec<(u64, Vec<String>)> {
        parse(text, &["series", "y"], &["axis"])
            .expect("valid")
            .rows
            .into_iter()
            .map(|row| (row.line, row.cells))
            .collect()
    }

    fn row(line: u64, cells: [&str; 3]) -> (u64, Vec<String>) {
        (line, cells.map(str::to_owned).to_vec())
    }

    #[test]
    fn order_case_quotes_marks_line_ends_and_further_columns_do_not_matter() {
        let plain = vec![row(2, ["a", "1", ""]), row(3, ["b, c", "", ""])];
        assert_eq!(cells(b"series,y\na,1\n\"b, c\",\n"), plain);
        assert_eq!(
            cells(b"\xef\xbb\xbf\"Y\",note,Series\r\n 1 ,,a\r\n,x,\"b, c\"\r\n"),
            plain
        );
        assert_eq!(
            cells(b"series,axis,y\n\n\na,servers,1\n"),
            vec![row(4, ["a", "1", "servers"])]
        );
        assert_eq!(cells(b"series,y\n"), vec![]);
    }

    #[test]
    fn the_columns_of_a_file_are_named_and_a_file_that_is_not_there_has_none() {
        assert_eq!(needed(&["series"], &[]), "the file needs the columns series");
        assert_eq!(
            needed(&["series", "x", "y"], &["axis"]),
            "the file needs the columns series, x and y; it may also have axis"
        );
        let error = read(Path::new("/no/such/file.csv"), &["series"], &[]).expect_err("not there");
        assert_eq!(error.hint.as_deref(), Some("check the path: nothing is there"));
    }

    #[test]
    fn errors_name_the_line() {
        let error = |text: &[u8]| {
            parse(text, &["series", "y"], &[])
                .and_then(whole)
                .expect_err("invalid")
        };
        assert_eq!(error(b""), "line 1: column `series` is missing, there are: none");
        assert_eq!(
            error(b"series,x\na,1\n"),
            "line 1: column `y` is missing, there are: series, x"
        );
        assert_eq!(
            error(b"series;y\na;1,5\n"),
            "line 1: cells are separated with semicolons; separate cells with commas"
        );
        assert_eq!(
            error(b"series\ty\na\t1\n"),
            "line 1: cells are separated with tabs; separate cells with commas"
        );
        assert_eq!(error(b"series,y,y\n"), "line 1: column `y` appears twice");
        assert_eq!(
            error(b"series,y\na,1\nb\n"),
            "line 3 has 1 cells, the first line has 2"
        );
        assert_eq!(
            error(b"series,y\na,1,2\n"),
            "line 2 has 3 cells, the first line has 2"
        );
        assert_eq!(error(b"series,y\na,1\n\xff,2\n"), "line 3 is not UTF-8");
    }
}
