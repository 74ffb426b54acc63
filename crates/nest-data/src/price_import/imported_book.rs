//! A book with the account of what became of each row of the files.

use std::collections::BTreeMap;

use crate::price_book::PriceBook;

/// A row that did not become part of a book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The file.
    pub file: String,
    /// The line, from 1; 0 where it is not known.
    pub line: usize,
    /// What the row is of.
    pub row: String,
    /// Why it is not in the book.
    pub reason: String,
}

/// How many rows a file had for a book, and what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileAccount {
    /// Rows of the file that are for this book.
    pub rows: usize,
    /// Those of them that are left out.
    pub left_out: usize,
}

/// A book with the account of how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedBook {
    /// The book.
    pub book: PriceBook,
    /// Accounts, by file.
    pub files: BTreeMap<String, FileAccount>,
    /// Rows for this book that are not in it.
    pub left_out: Vec<LeftOut>,
    /// What a reader must know of the book as a whole, such as that a file is only a part of a list.
    pub notes: Vec<String>,
}

impl ImportedBook {
    /// Whether no row became part of the book.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let book = &self.book;
        book.meter.is_empty()
            && book.instance.is_empty()
            && book.commitment.is_empty()
            && book.plan.is_empty()
            && book.limit.is_empty()
    }

    /// The book as a file, with the account in its first lines.
    #[must_use]
    pub fn to_toml(&self) -> String {
        self.book.to_toml(&self.header())
    }

    /// What the book's rows were made of, in lines.
    fn header(&self) -> String {
        let book = &self.book;
        let mut text = format!(
            "{}: written by `locust-nest pricing import`. Amounts exclude tax; one that is not known is \
                left out.\n\n",
            book.name()
        );
        let counted =
            |count: usize, one: &str, more: &str| format!("{count} {}", if count == 1 { one } else { more });
        let parts = [
            counted(book.meter.len(), "meter", "meters"),
            counted(book.instance.len(), "instance", "instances"),
            counted(book.commitment.len(), "commitment", "commitments"),
            counted(book.plan.len(), "plan", "plans"),
            counted(book.limit.len(), "limit", "limits"),
        ];
        text += &format!("{}; tiers of one meter are one row here.\n", parts.join(", "));
        for (file, account) in &self.files {
            text += &format!(
                "{file}: {} read, {} left out\n",
                counted(account.rows, "row", "rows"),
                account.left_out
            );
        }
        for note in &self.notes {
            text += &format!("NOTE: {note}\n");
        }
        if !self.left_out.is_empty() {
            text += "\nLeft out:\n";
            text += &self.reasons();
        }
        text
    }

    /// Reasons with the rows that they hold for.
    fn reasons(&self) -> String {
        const NAMED: usize = 6;
        let mut by_reason: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for one in &self.left_out {
            by_reason
                .entry((&one.file, &one.reason))
                .or_default()
                .push(&one.row);
        }
        by_reason
            .into_iter()
            .map(|((file, reason), rows)| {
                let more = if rows.len() > NAMED {
                    format!(" and {} more", rows.len() - NAMED)
                } else {
                    String::new()
                };
                let named: Vec<&str> = rows.into_iter().take(NAMED).collect();
                format!("- {file}: {}{more}: {reason}\n", named.join(", "))
            })
            .collect()
    }
}
