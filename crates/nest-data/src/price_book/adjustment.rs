//! Checks a book's discounts and surcharges.

use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::{Adjustment, PriceBook};
use crate::{diagnostic::Diagnostic, toml_document::Spans};

/// Most adjustments of a book. Contracts have a handful.
const MOST_ADJUSTMENTS: usize = 1_000;
/// Largest factor by which all adjustments together may multiply a price.
const LARGEST_FACTOR: f64 = 1_000.0;

/// Checks each adjustment, and all of them together on each of `names`: what has a price in the book.
pub fn check_adjustments<'a>(
    book: &PriceBook,
    names: impl Iterator<Item = &'a str>,
    spans: &Spans,
    found: &mut Vec<Diagnostic>,
) {
    for (index, adjustment) in book.adjustment.iter().enumerate() {
        if !(-Decimal::ONE_HUNDRED..=Decimal::ONE_THOUSAND).contains(&adjustment.percent.0) {
            let message = format!(
                "adjustment `{}` changes prices by {} %",
                adjustment.label, adjustment.percent
            );
            found.push(spans.at_value(
                &["adjustment", &index.to_string(), "percent"],
                message,
                "from -100 to 1000",
            ));
        }
    }
    if book.adjustment.len() > MOST_ADJUSTMENTS {
        let message = format!("the book has {} adjustments", book.adjustment.len());
        found.push(spans.at_key(
            &["adjustment"],
            message,
            format!("write at most {MOST_ADJUSTMENTS}"),
        ));
        return;
    }
    check_together(book, names, spans, found);
}

/// Checks that no price is multiplied beyond what a bill can hold.
fn check_together<'a>(
    book: &PriceBook,
    mut names: impl Iterator<Item = &'a str>,
    spans: &Spans,
    found: &mut Vec<Diagnostic>,
) {
    let factor = |name: &str| -> f64 {
        let applied = book.adjustment.iter().filter(|one| one.applies_to(name));
        applied.map(factor_of).product()
    };
    // One is enough: a selector such as `*` would name every row of the book.
    if let Some(name) = names.find(|name| factor(name) > LARGEST_FACTOR) {
        let message = format!(
            "the adjustments together multiply the price of `{name}` by {:.0}",
            factor(name)
        );
        found.push(spans.at_key(
            &["adjustment"],
            message,
            format!("at most {LARGEST_FACTOR}: each adjustment acts on what those before it leave"),
        ));
    }
}

/// What an adjustment leaves of a price, 1 and more; discounts count as none, so that their order does not
/// matter.
fn factor_of(adjustment: &Adjustment) -> f64 {
    let percent = adjustment.percent.0.to_f64().unwrap_or_default();
    (1.0 + percent / 100.0).max(1.0)
}
