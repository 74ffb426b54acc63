//! `pricing import`: makes price books from price files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use nest_data::{
    PriceBook, Source,
    price_import::{FileAccount, Import, ImportedBook, LeftOut, Wanted, file_text, import as import_files},
};

use super::{
    rows_by_kind,
    target::{PlannedBook, Target},
};
use crate::{
    args::{Format, ImportArguments},
    book_set::BookSet,
    clock,
    command_error::{CommandError, INVALID, USAGE},
    files::{bounded::PRICE_FILE_BYTES, bytes_of, shown},
    printer::{data, talk},
    table::{Cell, Column, OutputTable},
};

/// Number of rows that are named when many are left out for the same reason.
const NAMED: usize = 40;
/// Endings of the files of a folder that are read.
const ENDINGS: [&str; 5] = ["csv", "json", "jsonl", "ndjson", "gz"];

/// Runs the verb.
pub fn import(arguments: &ImportArguments) -> Result<(), CommandError> {
    let wanted = Wanted {
        provider: arguments.provider.clone(),
        region: arguments.region.clone(),
        observed_on: arguments.observed_on,
        today: Some(clock::today()),
        sizes: arguments.sizes.as_deref().map(price_file).transpose()?,
    };
    let mut files = Vec::new();
    for path in &arguments.sources {
        files.extend(read(path)?);
    }
    let target = Target {
        to: &arguments.to,
        replace: arguments.replace,
    };
    write_books(&files, &wanted, &target, arguments.format)
}

/// Makes books from texts, writes them into a folder, and prints how many rows each has.
pub fn write_books(
    files: &[Source],
    wanted: &Wanted,
    target: &Target<'_>,
    format: Format,
) -> Result<(), CommandError> {
    let known: Vec<PriceBook> = BookSet::shipped()
        .all()?
        .into_values()
        .map(|layered| layered.book)
        .collect();
    let imported = import_files(files, wanted, &known).map_err(|found| {
        let texts = files.iter().chain(&wanted.sizes).cloned().collect();
        CommandError::diagnostics(found, texts)
    })?;
    tell(&imported, &known);
    if imported.books.is_empty() {
        return Err(nothing(&imported));
    }
    let planned = target.plan(imported.books)?;
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
    for one in &planned {
        let path = one.write()?;
        table.push(summary(one, path));
    }
    data(&table.render(format))
}

/// Why no book is written.
fn nothing(imported: &Import) -> CommandError {
    if imported.left_out.is_empty() {
        return CommandError::new(INVALID, "the files contain no prices for a book")
            .hint("check --provider and --region");
    }
    let count = imported.left_out.len();
    CommandError::new(
        USAGE,
        format!("all rows of the files are left out ({count}), so no book is written"),
    )
    .hint("the lines above name the rows and say why")
}

/// The numbers of rows of a book, by kind, and its file.
fn summary(planned: &PlannedBook, path: &Path) -> Vec<Cell> {
    let imported = &planned.imported;
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

/// The file at a path, or the price files of a folder.
fn read(path: &Path) -> Result<Vec<Source>, CommandError> {
    if !path.is_dir() {
        return price_file(path).map(|file| vec![file]);
    }
    let mut files = fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<PathBuf>, _>>()?;
    files.retain(|file| {
        file.extension()
            .is_some_and(|ending| ENDINGS.iter().any(|one| ending.eq_ignore_ascii_case(one)))
    });
    files.sort();
    if files.is_empty() {
        return Err(CommandError::new(
            INVALID,
            format!(
                "{} contains no files that end in .{}",
                path.display(),
                ENDINGS.join(", .")
            ),
        ));
    }
    files.iter().map(|file| price_file(file)).collect()
}

/// The text of a price file, however it is packed and encoded.
fn price_file(path: &Path) -> Result<Source, CommandError> {
    let name = shown(path);
    let bytes = bytes_of(path, PRICE_FILE_BYTES)?;
    file_text(&name, bytes)
        .map_err(|found| CommandError::diagnostics(vec![found], vec![Source::new(name, "")]))
}

/// Says which files and rows are in no book, and why.
fn tell(imported: &Import, known: &[PriceBook]) {
    imported.books.iter().for_each(|one| tell_notes(one, known));
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

/// Says what a reader must know of a whole book.
fn tell_notes(one: &ImportedBook, known: &[PriceBook]) {
    let name = one.book.name();
    for note in &one.notes {
        talk(&format!("note: {name}: {note}"));
    }
    let other = known
        .iter()
        .find(|book| book.name() == name && book.currency != one.book.currency);
    if let Some(other) = other {
        talk(&format!(
            "note: {name}: the prices are in {}, those of the built-in book in {}, and a study cannot use \
                both; ask the vendor for prices in {}",
            one.book.currency, other.currency, other.currency
        ));
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
