//! Every price on a configuration's bill, with its age and what rests on it.

use jiff::civil::Date;
use nest_data::{PriceBook, projection::PriceRow, units::QuotedDecimal};
use rust_decimal::Decimal;

use crate::{
    error::ModelError,
    pricing::float,
    project::{
        config::{BillPart, total},
        context::Context,
        drawn_config::DrawnConfig,
    },
};

/// A row for each priced part of the bill at the headline's customers, in the bill's order. What the study
/// states itself has no row.
pub fn price_rows(context: &Context<'_>, drawn: &DrawnConfig<'_>) -> Result<Vec<PriceRow>, ModelError> {
    let priced = &drawn.priced;
    let parts = priced.parts(context.headline_customers(), &drawn.central)?;
    let bill: Decimal = parts.iter().map(|(_, lines)| total(lines)).sum();
    let row = |(part, lines): &(BillPart, Vec<nest_data::projection::CostLine>)| {
        let (book, item, source) = priced.priced_item(*part)?;
        let seen = book.source.get(source)?;
        let known = !lines.is_empty() && lines.iter().all(|line| line.amount.is_some());
        let amount = total(lines);
        Some(PriceRow {
            config: priced.name.to_owned(),
            item: item.to_owned(),
            book: book.name(),
            source: source.to_owned(),
            url: seen.url.clone(),
            observed_on: seen.observed_on.to_string(),
            age_days: age_days(book, source, context.options.as_of),
            stale_after_days: Some(i64::from(book.stale_after_days)),
            confidence: seen.confidence,
            amount: known.then(|| QuotedDecimal(amount.normalize())),
            share: if bill.is_zero() { 0.0 } else { float(amount / bill) },
        })
    };
    Ok(parts.iter().filter_map(row).collect())
}

/// Days from the sight of a source to a day; below 0 if it was seen after it.
pub fn age_days(book: &PriceBook, source: &str, on: Date) -> i64 {
    let seen = book
        .source
        .get(source)
        .map(|source| source.observed_on.earliest());
    seen.and_then(|seen| seen.until(on).ok())
        .map_or(0, |span| i64::from(span.get_days()))
}
