//! `pricing import`: price files become books.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use jiff::civil::Date;
use nest_data::{
    PriceBook, Source,
    price_import::{Import, LeftOut, Wanted, import as import_files},
};

use crate::{
    args::{Format, WantedArguments},
    books::Shelf,
    failure::{Failure, INVALID},
    files::{source, write},
    printer::{Table, data, talk},
};

/// Rows left out for one reason that are named one by one.
const NAMED: usize = 40;

/// Runs the verb.
pub fn import(
    paths: &[PathBuf],
    arguments: &WantedArguments,
    observed_on: Option<Date>,
) -> Result<(), Failure> {
    let mut files = Vec::new();
    for path in paths {
        files.extend(read(path)?);
    }
    let wanted = Wanted {
        provider: arguments.provider.clone(),
        region: arguments.region.clone(),
        observed_on,
    };
    write_books(&files, &wanted, &arguments.to, arguments.format)
}

/// Imports texts, writes the books into a folder, and prints what became of the rows.
pub fn write_books(files: &[Source], wanted: &Wanted, to: &Path, format: Format) -> Result<(), Failure> {
    let known: Vec<PriceBook> = Shelf::shipped()
        .all()?
        .into_values()
        .map(|layered| layered.book)
        .collect();
    let imported =
        import_files(files, wanted, &known).map_err(|found| Failure::diagnostics(found, files.to_vec()))?;
    tell(&imported);
    if imported.books.is_empty() {
        return Err(
            Failure::new(INVALID, "no book came of the files").hint("look at --provider and --region")
        );
    }
    let columns = [
        "book",
        "rows read",
        "left out",
        "meters",
        "instances",
        "commitments",
        "plans",
        "limits",
        "file",
    ];
    let mut table = Table::new(&columns);
    for one in &imported.books {
        let book = &one.book;
        let path = write(
            &to.join(format!("{}.toml", book.name())),
            one.to_toml().as_bytes(),
        )?;
        let sum = |of: fn(&nest_data::price_import::FileAccount) -> usize| {
            one.files.values().map(of).sum::<usize>().to_string()
        };
        table.rows.push(vec![
            book.name(),
            sum(|account| account.rows),
            sum(|account| account.left_out),
            book.meter.len().to_string(),
            book.instance.len().to_string(),
            book.commitment.len().to_string(),
            book.plan.len().to_string(),
            book.limit.len().to_string(),
            path.display().to_string(),
        ]);
    }
    data(&table.render(format))
}

/// Files that a path stands for: itself, or the CSV and JSON files of a folder.
fn read(path: &Path) -> Result<Vec<Source>, Failure> {
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
        return Err(Failure::new(
            INVALID,
            format!("{} has no .csv and no .json files", path.display()),
        ));
    }
    files.iter().map(|file| source(file)).collect()
}

/// Says which rows and files are in no book, and why.
fn tell(imported: &Import) {
    imported
        .passed_over
        .iter()
        .for_each(|(file, what)| talk(&format!("{file}: passed over: {what}, no prices")));
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
        let of = if book.is_empty() {
            String::new()
        } else {
            format!("{book}: ")
        };
        for one in rows.iter().take(NAMED) {
            let line = if one.line == 0 {
                String::new()
            } else {
                format!(":{}", one.line)
            };
            talk(&format!("{of}{file}{line}: {}: left out: {reason}", one.row));
        }
        if rows.len() > NAMED {
            talk(&format!(
                "{of}{file}: {} more left out: {reason}",
                rows.len() - NAMED
            ));
        }
    }
}
