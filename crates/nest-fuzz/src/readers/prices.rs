//! Price books, and the files that they are imported from.

use std::sync::OnceLock;

use nest_data::{
    PriceBook, Source,
    price_book::{changes, lint::lint},
    price_import::{Wanted, file_text, import as import_files, next_page},
};

use super::{TODAY, refused, source};

/// Books that are there beside the one that is read.
const OTHERS: [&str; 3] = [
    include_str!("../../../../fuzz/corpus/price_book/aws.toml"),
    include_str!("../../../../fuzz/corpus/price_book/azure.toml"),
    include_str!("../../../../fuzz/corpus/price_book/gcp.toml"),
];

/// Books that a projection or an import finds beside the bytes of an input.
pub fn others() -> &'static [PriceBook] {
    static BOOKS: OnceLock<Vec<PriceBook>> = OnceLock::new();
    BOOKS.get_or_init(|| {
        let read = |text: &&str| PriceBook::read(&Source::new("book.toml", *text)).expect("a committed book");
        OTHERS.iter().map(read).collect()
    })
}

/// A price book, alone and over those that are there.
pub fn book(bytes: &[u8]) -> bool {
    let Some(text) = source("book.toml", bytes) else {
        return false;
    };
    let book = match PriceBook::read(&text) {
        Ok(book) => book,
        Err(found) => return refused(&found, &[text]),
    };
    for finding in lint(&book, TODAY, others()) {
        let _ = finding.to_string();
    }
    let _ = (book.ages(TODAY), book.own());
    let written = book.to_toml("# a book\n");
    let again = PriceBook::read(&Source::new("written.toml", &*written));
    assert!(
        again.is_ok(),
        "what is written of a book is no book: {again:?}\n{written}"
    );
    for below in others() {
        let _ = (book.far_prices(below), book.odd_rows(below));
        for change in changes(below, &book) {
            let _ = (change.kind.share(), change.kind.percent());
        }
        if let Ok(whole) = below.clone().overlaid(&book) {
            let _ = PriceBook::idle_adjustments(&text, &whole);
        }
    }
    true
}

/// A price file of any kind; what it is, its content says.
pub fn import(bytes: &[u8]) -> bool {
    let Ok(file) = file_text("prices", bytes.to_vec()) else {
        return false;
    };
    let _ = next_page(&file);
    let wanted = Wanted {
        today: Some(TODAY),
        observed_on: Some(TODAY),
        ..Wanted::default()
    };
    match import_files(std::slice::from_ref(&file), &wanted, others()) {
        Ok(imported) => {
            for one in &imported.books {
                let _ = one.book.to_toml("# imported\n");
            }
            !imported.books.is_empty()
        }
        Err(found) => refused(&found, &[file]),
    }
}
