//! `pricing diff`: what differs between two price books.

use nest_data::{
    PriceBook,
    price_book::{ChangeKind, ChangedPart, PriceChange, changes},
    units::QuotedDecimal,
};

use super::date;
use crate::{
    args::Format,
    command_error::{CommandError, INVALID},
    printer::{data, talk},
    table::{Cell, Column, OutputTable, Shown, Unit},
};

/// Columns that are printed.
const COLUMNS: [Column; 16] = [
    Column::new("change", &["change"]),
    Column::new("table", &["table"]),
    Column::for_readers("row"),
    Column::for_programs(&["row"]),
    Column::for_programs(&["effective_from"]),
    Column::for_readers("part"),
    Column::for_programs(&["part"]),
    Column::for_programs(&["of"]),
    Column::for_programs(&["up_to"]),
    Column::for_readers("old"),
    Column::for_readers("new"),
    Column::for_programs(&["old"]),
    Column::for_programs(&["new"]),
    Column::for_programs(&["currency"]),
    Column::for_readers("percent"),
    Column::for_programs(&["change_share"]),
];
/// How readers see an amount that a book does not state.
const UNKNOWN: &str = "unknown";

/// Prints the differences from one book to another, and counts them.
pub fn diff(old: &PriceBook, new: &PriceBook, format: Format) -> Result<(), CommandError> {
    if old.currency != new.currency {
        let message = format!(
            "{} is in {}, {} in {}",
            old.name(),
            old.currency,
            new.name(),
            new.currency
        );
        return Err(CommandError::new(INVALID, message).hint("amounts in two currencies cannot be compared"));
    }
    let mut table = OutputTable::new(&COLUMNS);
    let [mut added, mut removed, mut changed] = [0; 3];
    for change in changes(old, new) {
        match change.kind {
            ChangeKind::Added => added += 1,
            ChangeKind::Removed => removed += 1,
            ChangeKind::Amount { .. } => changed += 1,
        }
        table.push(row(&change, &old.currency));
    }
    data(&table.render(format))?;
    talk(&format!(
        "{added} rows added, {removed} removed, {changed} amounts changed"
    ));
    Ok(())
}

fn row(change: &PriceChange, currency: &str) -> Vec<Cell> {
    let (word, old, new) = match change.kind {
        ChangeKind::Added => ("added", None, None),
        ChangeKind::Removed => ("removed", None, None),
        ChangeKind::Amount { old, new } => ("changed", old.map(QuotedDecimal), new.map(QuotedDecimal)),
    };
    let part = change.part.as_ref();
    let shown = if part.is_some() { UNKNOWN } else { "" };
    let for_readers = |amount: Option<QuotedDecimal>| {
        Cell::or_missing(amount, shown, |amount| Cell::decimal(amount.0.normalize()))
    };
    let for_programs = |amount: Option<QuotedDecimal>| {
        Cell::or_missing(part.zip(amount), "", |(part, amount)| {
            Cell::decimal(part.in_base_units(amount.0).normalize())
        })
    };
    let (name, of, up_to) = part.map_or(("", "", None), named);
    vec![
        Cell::text(word),
        Cell::text(change.table),
        Cell::Text(match change.from {
            Some(from) => format!("{} from {from}", change.row),
            None => change.row.clone(),
        }),
        Cell::text(&change.row),
        date(change.from),
        Cell::Text(part.map_or_else(String::new, ToString::to_string)),
        Cell::text(name),
        Cell::text(of),
        Cell::or_missing(up_to, "", Cell::decimal),
        for_readers(old),
        for_readers(new),
        for_programs(old),
        for_programs(new),
        Cell::text(if part.is_some_and(ChangedPart::is_money) {
            currency
        } else {
            ""
        }),
        Cell::or_missing(change.kind.percent(), "", |percent| {
            Cell::Text(format!("{:+}", percent.round_dp(1).normalize()))
        }),
        Cell::or_missing(
            change.kind.share().and_then(|share| f64::try_from(share).ok()),
            "",
            |share| Cell::Number(share, Unit::Share, Shown::Full),
        ),
    ]
}

/// The name of a part for programs, the meter or instance type that it is of, and the quantity at which it
/// ends. `pricing show` has the same names.
fn named(part: &ChangedPart) -> (&'static str, &str, Option<String>) {
    match part {
        ChangedPart::Amount => ("price", "", None),
        ChangedPart::Free => ("free", "", None),
        ChangedPart::Hourly => ("hourly", "", None),
        ChangedPart::Included => ("included", "", None),
        ChangedPart::Includes(meter) => ("includes", meter, None),
        ChangedPart::LastTier => ("tier", "", None),
        ChangedPart::OnDemand => ("on_demand", "", None),
        ChangedPart::Percent => ("share", "", None),
        ChangedPart::Rate(name) => ("rate", name, None),
        ChangedPart::Recurring => ("recurring", "", None),
        ChangedPart::Spot => ("spot", "", None),
        ChangedPart::Tier(bound) => ("tier", "", Some(bound.normalize().to_string())),
        ChangedPart::Upfront => ("upfront", "", None),
        ChangedPart::Value => ("value", "", None),
    }
}
