//! `pricing`: price books listed, shown, checked, compared, imported and fetched.

mod fetch;
mod import;
mod show;

use std::path::{Path, PathBuf};

use jiff::{Zoned, civil::Date};
use nest_data::{
    Diagnostic, PriceBook, Source,
    diagnostic::nearest,
    price_book::{
        ChangeKind, changes,
        lint::{LintFinding, lint},
    },
};

use crate::{
    args::{BooksArguments, PricingArguments, PricingVerb},
    books::{Layered, Shelf},
    failure::{Failure, INVALID},
    files::source,
    printer::{Table, data, talk},
};

/// Runs the verb.
pub fn run(arguments: &PricingArguments) -> Result<(), Failure> {
    match &arguments.verb {
        PricingVerb::List { books } => list(books),
        PricingVerb::Show {
            book,
            id,
            quantity,
            on,
            books,
        } => show::show(book, id.as_deref(), *quantity, on.unwrap_or_else(today), books),
        PricingVerb::Validate { files, on } => validate(files, on.unwrap_or_else(today)),
        PricingVerb::Diff { old, new, books } => diff(old, new, books),
        PricingVerb::Import {
            sources,
            wanted,
            observed_on,
        } => import::import(sources, wanted, *observed_on),
        PricingVerb::Fetch {
            provider,
            region,
            url,
            offer,
            to,
            format,
        } => fetch::fetch(provider, region, url.as_deref(), offer, to, *format),
    }
}

fn today() -> Date {
    Zoned::now().date()
}

fn list(arguments: &BooksArguments) -> Result<(), Failure> {
    let columns = [
        "book",
        "currency",
        "meters",
        "instances",
        "commitments",
        "plans",
        "limits",
        "adjustments",
        "oldest price",
        "newest price",
        "layers",
    ];
    let mut table = Table::new(&columns);
    for (name, Layered { book, layers }) in Shelf::of_folder(&arguments.study)?.all()? {
        let days = || book.source.values().map(|source| source.observed_on.earliest());
        let day = |date: Option<Date>| date.map_or_else(String::new, |date| date.to_string());
        table.rows.push(vec![
            name,
            book.currency.clone(),
            book.meter.len().to_string(),
            book.instance.len().to_string(),
            book.commitment.len().to_string(),
            book.plan.len().to_string(),
            book.limit.len().to_string(),
            book.adjustment.len().to_string(),
            day(days().min()),
            day(days().max()),
            layers.join(" < "),
        ]);
    }
    data(&table.render(arguments.format))
}

/// A book by its name; one that is not there offers the nearest.
fn find(shelf: &Shelf, name: &str) -> Result<Layered, Failure> {
    if let Some(book) = shelf.find(name)? {
        return Ok(book);
    }
    let names = shelf.names()?;
    Err(unknown(
        "price book",
        name,
        names.iter().map(String::as_str),
        "see `locust-nest pricing list`",
    ))
}

/// Something that is not there, with what may have been meant.
fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>, help: &str) -> Failure {
    let hint = nearest(name, known).map_or_else(|| help.to_owned(), |near| format!("did you mean {near}?"));
    Failure::new(INVALID, format!("there is no {what} {name}")).hint(hint)
}

fn validate(files: &[PathBuf], on: Date) -> Result<(), Failure> {
    let mut found: Vec<Diagnostic> = Vec::new();
    let mut sources = Vec::new();
    let mut books = Vec::new();
    for file in files {
        let text = source(file)?;
        match PriceBook::read(&text) {
            Ok(book) => books.push((text, book)),
            Err(errors) => {
                found.extend(errors);
                sources.push(text);
            }
        }
    }
    let mut others: Vec<PriceBook> = Shelf::shipped()
        .all()?
        .into_values()
        .map(|layered| layered.book)
        .collect();
    others.retain(|other| !books.iter().any(|(_, book)| book.name() == other.name()));
    others.extend(books.iter().map(|(_, book)| book.clone()));
    let mut warnings = 0;
    for (text, book) in &books {
        for finding in lint(book, on, &others) {
            warnings += 1;
            talk(&format!(
                "warning: {}:{}: {}: {finding}",
                text.name,
                line_of(text, &finding),
                finding.code()
            ));
        }
        let rows = book.meter.len()
            + book.instance.len()
            + book.commitment.len()
            + book.plan.len()
            + book.limit.len();
        talk(&format!("{}: {} is valid, {rows} rows", text.name, book.name()));
    }
    if warnings > 0 {
        talk(&format!("{warnings} warnings"));
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(Failure::diagnostics(found, sources))
    }
}

/// The line of the row that a doubt is about; the first where it is about the book.
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

fn diff(old: &str, new: &str, arguments: &BooksArguments) -> Result<(), Failure> {
    let shelf = Shelf::of_folder(&arguments.study)?;
    let book = |name: &str| -> Result<PriceBook, Failure> {
        let path = Path::new(name);
        if path.is_file() {
            let text = source(path)?;
            return PriceBook::read(&text).map_err(|found| Failure::diagnostics(found, vec![text]));
        }
        find(&shelf, name).map(|layered| layered.book)
    };
    let (old, new) = (book(old)?, book(new)?);
    if old.currency != new.currency {
        let message = format!(
            "{} is in {}, {} in {}",
            old.name(),
            old.currency,
            new.name(),
            new.currency
        );
        return Err(Failure::new(INVALID, message).hint("amounts in two currencies do not compare"));
    }
    let mut table = Table::new(&["change", "table", "row", "part", "old", "new", "percent"]);
    let mut counts = [0_usize; 3];
    for change in changes(&old, &new) {
        let percent = change.kind.percent().map_or_else(String::new, |percent| {
            format!("{:+}", percent.round_dp(1).normalize())
        });
        let amount = |amount: Option<String>| amount.unwrap_or_else(|| "unknown".to_owned());
        let (index, word, old, new) = match change.kind {
            ChangeKind::Added => (0, "added", String::new(), String::new()),
            ChangeKind::Removed => (1, "removed", String::new(), String::new()),
            ChangeKind::Amount { old, new } => (
                2,
                "changed",
                amount(old.map(|old| old.normalize().to_string())),
                amount(new.map(|new| new.normalize().to_string())),
            ),
        };
        counts[index] += 1;
        table.rows.push(vec![
            word.to_owned(),
            change.table.to_owned(),
            change.row,
            change.part,
            old,
            new,
            percent,
        ]);
    }
    data(&table.render(arguments.format))?;
    talk(&format!(
        "{} rows added, {} removed, {} amounts changed",
        counts[0], counts[1], counts[2]
    ));
    Ok(())
}
