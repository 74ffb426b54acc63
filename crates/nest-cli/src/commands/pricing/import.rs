//! `pricing import`: makes price books from price files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use nest_data::{
    PriceBook, Source,
    price_import::{FileAccount, Import, ImportedBook, LeftOut, Wanted, import as import_files},
};

use super::rows_by_kind;
use crate::{
    args::Format,
    book_set::BookSet,
    command_error::{CommandError, INVALID},
    files::{source, write},
    printer::{data, talk},
    table::{Cell, Column, OutputTable},
};

/// Number of rows that are named when many are left out for the same reason.
const NAMED: usize = 40;

/// Runs the verb.
pub fn import(paths: &[PathBuf], wanted: &Wanted, to: &Path, format: Format) -> Result<(), CommandError> {
    let mut files = Vec::new();
    for path in paths {
        files.extend(read(path)?);
    }
    write_books(&files, wanted, to, format)
}

/// Makes books from texts, writes them into a folder, and prints how many rows each has.
pub fn write_books(files: &[Source], wanted: &Wanted, to: &Path, format: Format) -> Result<(), CommandError> {
    let known: Vec<PriceBook> = BookSet::shipped()
        .all()?
        .into_values()
        .map(|layered| layered.book)
        .collect();
    let imported = import_files(files, wanted, &known)
        .map_err(|found| CommandError::diagnostics(found, files.to_vec()))?;
    tell(&imported);
    if imported.books.is_empty() {
        return Err(
            CommandError::new(INVALID, "the files contain no prices for a book")
                .hint("check --provider and --region"),
        );
    }
    let mut table = OutputTable::new(&[
        Column::new("book", &["book"]),
        Column::new("rows read", &["rows_read"]),
        Column::new("left out", &["left_out"]),
        Column::new("meters", &["meters"]),
        Column::new("instances", &["instances"]),
        Column::new("commitments", &["commitments"]),
        Column::new("plans", &["plans"]),
        Column::new("limits", &["limits"]),
        Column::new("file", &["file"]),
    ]);
    for one in &imported.books {
        let name = format!("{}.toml", one.book.name());
        let path = write(&to.join(name), one.to_toml().as_bytes())?;
        table.push(summary(one, &path));
    }
    data(&table.render(format))
}

/// The numbers of rows of a book, by kind, and its file.
fn summary(imported: &ImportedBook, path: &Path) -> Vec<Cell> {
    let sum = |count: fn(&FileAccount) -> usize| Cell::count(imported.files.values().map(count).sum());
    let mut row = vec![
        Cell::Text(imported.book.name()),
        sum(|account| account.rows),
        sum(|account| account.left_out),
    ];
    row.extend(rows_by_kind(&imported.book));
    row.push(Cell::Text(path.display().to_string()));
    row
}

/// The file at a path, or the CSV and JSON files of a folder.
fn read(path: &Path) -> Result<Vec<Source>, CommandError> {
    if !path.is_dir() {
        return source(path).map(|file| vec![file]);
    }
    let mut files = fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "csv" || extension == "json")
    });
    files.sort();
    if files.is_empty() {
        return Err(CommandError::new(
            INVALID,
            format!("{} contains no .csv or .json files", path.display()),
        ));
    }
    files.iter().map(|file| source(file)).collect()
}

/// Says which files and rows are in no book, and why.
fn tell(imported: &Import) {
    for (file, what) in &imported.passed_over {
        talk(&format!(
            "{file}: skipped, because it contains {what} and no prices"
        ));
    }
    let of_books = imported
        .books
        .iter()
        .flat_map(|book| book.left_out.iter().map(|one| (book.book.name(), one)));
    let of_none = imported.left_out.iter().map(|one| (String::new(), one));
    let mut by_reason: BTreeMap<(String, &str, &str), Vec<&LeftOut>> = BTreeMap::new();
    for (book, one) in of_books.chain(of_none) {
        by_reason
            .entry((book, &one.file, &one.reason))
            .or_default()
            .push(one);
    }
    for ((book, file, reason), rows) in by_reason {
        let place = if book.is_empty() {
            file.to_owned()
        } else {
            format!("{book}: {file}")
        };
        tell_left_out(&place, reason, &rows);
    }
}

/// Names the rows that were left out for one reason, or the first of them if there are many.
fn tell_left_out(place: &str, reason: &str, rows: &[&LeftOut]) {
    for one in rows.iter().take(NAMED) {
        let line = match one.line {
            0 => String::new(),
            line => format!(":{line}"),
        };
        talk(&format!("{place}{line}: {}: left out: {reason}", one.row));
    }
    if rows.len() > NAMED {
        let more = rows.len() - NAMED;
        talk(&format!("{place}: {more} more left out: {reason}"));
    }
}
