//! The file that an imported book goes to. What is there already stays, unless the user says `--replace`;
//! then a copy of it is kept, and what the user wrote into it stays in force.

use std::path::{Path, PathBuf};

use nest_data::{PriceBook, Source, price_import::ImportedBook};

use crate::{
    command_error::{CommandError, INTERNAL, USAGE},
    files::{source, write, write_new},
    printer::talk,
};

/// Most copies of one file.
const MOST_COPIES: usize = 999;

/// Where books go.
#[derive(Debug)]
pub struct Target<'a> {
    /// Folder of the books.
    pub to: &'a Path,
    /// Whether files that are there are replaced.
    pub replace: bool,
}

/// A book with its file, before it is written.
pub struct PlannedBook {
    /// The book, with the user's own rows if it replaces a file.
    pub imported: ImportedBook,
    path: PathBuf,
    /// The file that is there.
    old: Option<Source>,
    /// What of the file that is there is kept, in a sentence.
    kept: Option<String>,
}

impl Target<'_> {
    /// Plans all books before any is written.
    ///
    /// # Errors
    /// A file is there and may not be replaced, or holds what cannot be kept.
    pub fn plan(&self, books: Vec<ImportedBook>) -> Result<Vec<PlannedBook>, CommandError> {
        let path_of = |one: &ImportedBook| self.to.join(format!("{}.toml", one.book.name()));
        let there: Vec<PathBuf> = books.iter().map(path_of).filter(|path| exists(path)).collect();
        if !self.replace && !there.is_empty() {
            return Err(refused(&there));
        }
        books
            .into_iter()
            .map(|imported| {
                let path = path_of(&imported);
                if exists(&path) {
                    over(imported, path)
                } else {
                    Ok(PlannedBook {
                        imported,
                        path,
                        old: None,
                        kept: None,
                    })
                }
            })
            .collect()
    }
}

impl PlannedBook {
    /// Writes the book; a file that is there is copied first.
    pub fn write(&self) -> Result<&Path, CommandError> {
        let text = self.imported.to_toml();
        match &self.old {
            None => write_new(&self.path, text.as_bytes())?,
            Some(old) => {
                let copy = keep(&self.path, old)?;
                let path = write(&self.path, text.as_bytes())?;
                talk(&format!(
                    "{}: replaced; a copy of the old file is {}",
                    path.display(),
                    copy.display()
                ));
                if let Some(kept) = &self.kept {
                    talk(kept);
                }
                path
            }
        };
        Ok(&self.path)
    }
}

/// Whether anything is at a path, also a link to nowhere.
fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Why nothing is written.
fn refused(there: &[PathBuf]) -> CommandError {
    let names: Vec<String> = there
        .iter()
        .map(|path| format!("{}{}", path.display(), own_in(path)))
        .collect();
    let message = format!("already there, and not written over: {}", names.join(", "));
    CommandError::new(USAGE, message).hint(
        "write to another folder with --to, or replace the file with --replace, which keeps a copy of it, \
            your adjustments and your own rows",
    )
}

/// What of the user's own a file has, for a message; nothing if it is no book.
fn own_in(path: &Path) -> String {
    let book = source(path).ok().and_then(|text| PriceBook::read(&text).ok());
    let own = book.map(|book| kept(&book.own())).unwrap_or_default();
    if own.is_empty() {
        own
    } else {
        format!(" (with {own})")
    }
}

/// Adjustments and rows of a book in words; empty if it has none.
fn kept(own: &PriceBook) -> String {
    let mut parts = Vec::new();
    match own.adjustment.len() {
        0 => {}
        1 => parts.push("1 adjustment".to_owned()),
        count => parts.push(format!("{count} adjustments")),
    }
    let rows = own.row_names();
    if !rows.is_empty() {
        parts.push(format!("your rows {}", rows.join(", ")));
    }
    parts.join(" and ")
}

/// The book over the file that is there, with the user's own of that.
fn over(mut imported: ImportedBook, path: PathBuf) -> Result<PlannedBook, CommandError> {
    let old = source(&path)?;
    let mut kept_note = None;
    if !old.text.trim().is_empty() {
        let unkept = "correct the file, or move it away: its adjustments and your own rows could not be kept";
        let unreadable =
            |found, text: &Source| CommandError::diagnostics(found, vec![text.clone()]).hint(unkept);
        let own = PriceBook::read(&old)
            .map_err(|found| unreadable(found, &old))?
            .own();
        let what = kept(&own);
        if !what.is_empty() {
            imported.book = imported
                .book
                .overlaid(&own)
                .map_err(|error| CommandError::new(USAGE, format!("{}: {error}", old.name)).hint(unkept))?;
            let note = format!("kept from the file that was here before: {what}");
            imported.notes.push(note.clone());
            kept_note = Some(note);
            let text = Source::new(old.name.clone(), imported.to_toml());
            PriceBook::read(&text).map_err(|found| unreadable(found, &text))?;
        }
    }
    Ok(PlannedBook {
        imported,
        path,
        old: Some(old),
        kept: kept_note,
    })
}

/// Copies a file to a name that is free beside it: `eu-west-1.toml.old`, `eu-west-1.toml.old-2`. None of them
/// is read as a book.
fn keep(path: &Path, old: &Source) -> Result<PathBuf, CommandError> {
    let named = |number: usize| {
        let mut name = path.as_os_str().to_owned();
        name.push(if number == 1 {
            ".old".to_owned()
        } else {
            format!(".old-{number}")
        });
        PathBuf::from(name)
    };
    let free = (1..=MOST_COPIES).map(named).find(|copy| !exists(copy));
    let free = free.ok_or_else(|| {
        CommandError::new(INTERNAL, format!("{} has {MOST_COPIES} copies", path.display()))
            .hint("remove copies that you no longer need")
    })?;
    write_new(&free, old.text.as_bytes())
}
