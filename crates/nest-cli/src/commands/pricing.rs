//! `pricing`: lists, shows, checks, compares, imports and downloads price books.

mod diff;
mod fetch;
mod import;
mod show;
mod target;

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use nest_data::{
    Diagnostic, PriceBook, Source,
    diagnostic::nearest,
    price_book::lint::{LintFinding, lint},
    price_import::Wanted,
};

use self::target::Target;
use crate::{
    args::{Format, PricingArguments, PricingVerb},
    book_set::{BookSet, LayeredBook, far_prices},
    clock,
    command_error::{CommandError, INVALID},
    files::source,
    printer::{data, talk},
    table::{Cell, Column, OutputTable, Shown, Unit},
};

/// Runs the verb.
pub fn run(arguments: &PricingArguments) -> Result<(), CommandError> {
    match &arguments.verb {
        PricingVerb::List { books } => list(&BookSet::of_folder(&books.study)?, clock::today(), books.format),
        PricingVerb::Show {
            book,
            id,
            quantity,
            on,
            books,
        } => {
            let layered = find(&BookSet::of_folder(&books.study)?, book)?;
            let (book, format) = (&layered.book, books.format);
            match (id, quantity) {
                (None, _) => show::book(&layered, format),
                (Some(id), None) => show::row(book, id, format),
                (Some(id), Some(quantity)) => {
                    show::cost(book, id, *quantity, on.unwrap_or_else(clock::today), format)
                }
            }
        }
        PricingVerb::Validate { files, on } => validate(files, on.unwrap_or_else(clock::today)),
        PricingVerb::Diff { old, new, books } => {
            let set = BookSet::of_folder(&books.study)?;
            diff::diff(&either(old, &set)?, &either(new, &set)?, books.format)
        }
        PricingVerb::Import(arguments) => import::import(arguments),
        PricingVerb::Fetch {
            provider,
            region,
            url,
            offer,
            to,
            replace,
            format,
        } => {
            let wanted = Wanted {
                provider: Some(provider.clone()),
                region: Some(region.clone()),
                observed_on: Some(clock::today()),
                today: Some(clock::today()),
                sizes: None,
            };
            let target = Target {
                to,
                replace: *replace,
            };
            let files = fetch::fetch(provider, region, url.as_deref(), offer)?;
            import::write_books(&files, &wanted, &target, *format)
        }
    }
}

fn list(set: &BookSet, on: Date, format: Format) -> Result<(), CommandError> {
    let mut table = OutputTable::new(&[
        Column::new("book", &["book"]),
        Column::new("currency", &["currency"]),
        Column::new("meters", &["meters"]),
        Column::new("instances", &["instances"]),
        Column::new("commitments", &["commitments"]),
        Column::new("plans", &["plans"]),
        Column::new("limits", &["limits"]),
        Column::new("adjustments", &["adjustments"]),
        Column::new("oldest price", &["oldest_price_on"]),
        Column::new("newest price", &["newest_price_on"]),
        Column::new("rows", &["rows"]),
        Column::new("oldest row, days", &["oldest_days"]),
        Column::new("median row, days", &["median_days"]),
        Column::new("past its days", &["stale_share"]),
        Column::new("layers", &["layers"]),
    ]);
    for (name, LayeredBook { book, layers, .. }) in set.all()? {
        let days = || book.source.values().map(|source| source.observed_on.earliest());
        let mut row = vec![Cell::Text(name), Cell::text(&book.currency)];
        row.extend(rows_by_kind(&book));
        row.extend([
            Cell::count(book.adjustment.len()),
            date(days().min()),
            date(days().max()),
        ]);
        row.extend(ages(&book, on));
        row.push(Cell::Texts(layers, " < "));
        table.push(row);
    }
    data(&table.render(format))
}

/// How many meters, instance types, commitments, plans and limits a book has.
fn rows_by_kind(book: &PriceBook) -> [Cell; 5] {
    [
        book.meter.len(),
        book.instance.len(),
        book.commitment.len(),
        book.plan.len(),
        book.limit.len(),
    ]
    .map(Cell::count)
}

/// How many rows of a book have a price that has not ended, how many days ago the oldest and the middle one
/// were observed, and the share that is older than the book allows.
fn ages(book: &PriceBook, on: Date) -> [Cell; 4] {
    let days = |days: i32| Cell::Number(days.into(), Unit::One, Shown::Full);
    match book.ages(on) {
        Some(ages) => [
            Cell::count(ages.rows),
            days(ages.oldest_days),
            days(ages.median_days),
            Cell::Number(ages.stale_share, Unit::Share, Shown::Fitting),
        ],
        None => [
            Cell::count(0),
            Cell::Missing(""),
            Cell::Missing(""),
            Cell::Missing(""),
        ],
    }
}

/// A day, if there is one.
fn date(date: Option<Date>) -> Cell {
    Cell::or_missing(date, "", |date| Cell::Text(date.to_string()))
}

/// A book by its name; the error for an unknown name suggests the nearest.
fn find(set: &BookSet, name: &str) -> Result<LayeredBook, CommandError> {
    if let Some(book) = set.find(name)? {
        return Ok(book);
    }
    let names = set.names()?;
    Err(unknown(
        "price book",
        name,
        names.iter().map(String::as_str),
        "`locust-nest pricing list` shows all books",
    ))
}

/// An unknown name, with the nearest known one as a suggestion, otherwise `help`.
fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>, help: &str) -> CommandError {
    let hint = nearest(name, known).map_or_else(|| help.to_owned(), |near| format!("did you mean {near}?"));
    CommandError::new(INVALID, format!("there is no {what} {name}")).hint(hint)
}

fn validate(files: &[PathBuf], on: Date) -> Result<(), CommandError> {
    let mut found: Vec<Diagnostic> = Vec::new();
    let mut faulty = Vec::new();
    let mut books = Vec::new();
    for file in files {
        let text = source(file).map_err(|error| no_file(error, file))?;
        match PriceBook::read(&text) {
            Ok(book) => books.push((text, book)),
            Err(errors) => {
                found.extend(errors);
                faulty.push(text);
            }
        }
    }
    let all = with_shipped(books.iter().map(|(_, book)| book))?;
    let mut warnings = 0;
    for (text, book) in &books {
        warnings += warn(text, book, on, &all);
        if let Some(shipped) = BookSet::shipped().find(&book.name())? {
            let far: Vec<String> = far_prices(&text.name, book, &shipped.book).collect();
            far.iter().for_each(|doubt| talk(&format!("warning: {doubt}")));
            warnings += far.len();
            if let Ok(whole) = shipped.book.overlaid(book) {
                let idle = PriceBook::idle_adjustments(text, &whole);
                if !idle.is_empty() {
                    found.extend(idle);
                    faulty.push(text.clone());
                    continue;
                }
            }
        }
        let rows = book.meter.len()
            + book.instance.len()
            + book.commitment.len()
            + book.plan.len()
            + book.limit.len();
        let rows = if rows == 1 {
            "1 row".to_owned()
        } else {
            format!("{rows} rows")
        };
        talk(&format!("{}: {} is valid, {rows}", text.name, book.name()));
    }
    if warnings > 0 {
        let plural = if warnings == 1 { "" } else { "s" };
        talk(&format!("{warnings} warning{plural}"));
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(CommandError::diagnostics(found, faulty))
    }
}

/// What `validate` takes, where it got the name of a book or a folder.
fn no_file(error: CommandError, path: &Path) -> CommandError {
    if path.is_dir() {
        error.hint(format!(
            "validate takes files: {}/*.toml",
            path.display().to_string().trim_end_matches('/')
        ))
    } else if path.exists() || path == Path::new("-") {
        error
    } else {
        error.hint("validate takes files; `locust-nest pricing show BOOK` shows a built-in book")
    }
}

/// These books, and the built-in ones of other names.
fn with_shipped<'a>(
    books: impl Iterator<Item = &'a PriceBook> + Clone,
) -> Result<Vec<PriceBook>, CommandError> {
    let shipped = BookSet::shipped().all()?.into_values();
    let others = shipped
        .map(|layered| layered.book)
        .filter(|other| !books.clone().any(|book| book.name() == other.name()));
    Ok(others.chain(books.clone().cloned()).collect())
}

/// Prints the doubts about the prices of a book, and returns how many there are.
fn warn(text: &Source, book: &PriceBook, on: Date, all: &[PriceBook]) -> usize {
    let findings = lint(book, on, all);
    for finding in &findings {
        talk(&format!(
            "warning: {}:{}: {}: {finding}",
            text.name,
            line_of(text, finding),
            finding.code()
        ));
    }
    findings.len()
}

/// The line of the row that a doubt is about; 1 if it is about the whole book.
fn line_of(text: &Source, finding: &LintFinding) -> usize {
    let Some(row) = finding.row() else { return 1 };
    let places = [
        format!("[source.{row}]"),
        format!("[source.\"{row}\"]"),
        format!("sku = \"{row}\""),
        format!("id = \"{row}\""),
    ];
    places
        .iter()
        .find_map(|place| text.text.find(place.as_str()))
        .map_or(1, |offset| text.position(offset).0)
}

/// The book in a file of this name, otherwise the book of this name.
fn either(name: &str, set: &BookSet) -> Result<PriceBook, CommandError> {
    let path = Path::new(name);
    if path.is_file() {
        let text = source(path)?;
        return PriceBook::read(&text).map_err(|found| CommandError::diagnostics(found, vec![text]));
    }
    find(set, name).map(|layered| layered.book)
}
