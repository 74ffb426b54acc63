//! Where the money goes: bills, line by line.

use nest_data::{
    Projection,
    projection::{ConfigProjection, CostLine, QuantityBasis},
    units::QuotedDecimal,
};
use rust_decimal::Decimal;

use super::{Cell, PageTable, Section, table::MOST_ROWS};
use crate::{
    chart::{Figure, FigureKind},
    format,
    verdict::{Composition, Subject, driver_in_words},
    words,
};

/// Most set-ups whose bill is shown; the CSV has them all.
const MOST_BILLS: usize = 2;

/// The bills.
pub(super) fn bills(projection: &Projection, figures: &[Figure]) -> Option<Section> {
    let subject = Subject::of(projection)?;
    let kinds = [FigureKind::DriversNow, FigureKind::DriversOverTime];
    let mut section = Section::new("money", "Where it goes", finding(&subject)).drawn(figures, &kinds);
    let mut shown: Vec<&ConfigProjection> = vec![subject.config];
    shown.extend(
        projection
            .configs
            .iter()
            .filter(|config| config.name != subject.config.name),
    );
    let recommended = |config: &&ConfigProjection| {
        let comparison = projection.comparison.as_ref();
        comparison.is_some_and(|comparison| comparison.recommended == config.name)
    };
    shown[1..].sort_by_key(|config| !recommended(config)); // beside the base, the one that is worth a look
    if let Some(more) = shown.len().checked_sub(MOST_BILLS).filter(|more| *more > 0) {
        let bills = match more {
            1 => "the bill of one more set-up".to_owned(),
            more => format!("the bills of {more} more set-ups"),
        };
        section.list.push(format!("report.csv has {bills}."));
        shown.truncate(MOST_BILLS);
    }
    section.tables = shown.iter().map(|config| bill(config)).collect();
    section
        .tables
        .extend(shown.iter().filter_map(|config| fees(config)));
    section.how = vec![
        "The lines of a bill sum to its total exactly; printed amounts are cut so that they still \
         do."
        .to_owned(),
        "Work is charged to the behaviour that causes it; capacity that is kept free, stands by or fills \
         up the \
         last unit has lines of its own."
            .to_owned(),
        "Calculated quantities follow from measured work. The study fixes assumed ones, your own \
         contract agreed \
         ones."
            .to_owned(),
    ];
    Some(section)
}

fn finding(subject: &Subject) -> String {
    let name = words::name(&subject.config.name);
    match Composition::of(&subject.config.bill).unused_share() {
        Some(unused) if unused > 0.0 => {
            format!("On {name} {} of the bill is not used", words::share(unused))
        }
        _ => format!("On {name} every amount of the bill is used"),
    }
}

/// The largest lines of a bill, and the smaller ones as one.
fn bill(config: &ConfigProjection) -> PageTable {
    let bill = &config.bill;
    let caption = format!(
        "Bill of {} at {} customers, in {} a month",
        words::name(&config.name),
        words::customers(bill.customers),
        words::clean(&config.currency)
    );
    let titles = [
        "pays for",
        "meter",
        "#quantity",
        "#amount",
        "price seen",
        "quantity is",
    ];
    let mut table = PageTable::new(caption, &titles).for_engineers();
    let mut lines: Vec<&CostLine> = bill.lines.iter().collect();
    lines.sort_by_key(|line| std::cmp::Reverse(size(line)));
    let shown = if lines.len() > MOST_ROWS {
        MOST_ROWS - 1
    } else {
        lines.len()
    };
    let (shown, rest) = lines.split_at(shown);
    let mut amounts: Vec<Option<QuotedDecimal>> = shown.iter().map(|line| line.amount).collect();
    if !rest.is_empty() {
        amounts.push(Some(QuotedDecimal(
            rest.iter()
                .filter_map(|line| line.amount)
                .map(|amount| amount.0)
                .sum(),
        )));
    }
    let (printed, total) = format::apportion(&amounts, bill.total.value, &config.currency);
    let mut printed = printed.into_iter();
    for line in shown {
        table.row(line_row(line, printed.next().flatten(), &config.currency));
    }
    if let Some(amount) = printed.next() {
        let name = format!("{} smaller lines", rest.len());
        let amount = symbol_before(amount.unwrap_or_default(), &config.currency);
        table.row([
            name.into(),
            "".into(),
            "".into(),
            amount.into(),
            "".into(),
            "all in report.csv".into(),
        ]);
    }
    let at_least = if bill.total.at_least {
        "total, at least"
    } else {
        "total"
    };
    let total = symbol_before(total, &config.currency);
    table.total(
        [at_least, "", "", total.as_str(), "", ""]
            .map(Cell::from)
            .to_vec(),
    );
    table
}

/// Lines of a bill by size; those without a price come first, because somebody has to find it.
fn size(line: &CostLine) -> (bool, Decimal) {
    (
        line.amount.is_none(),
        line.amount.map_or(Decimal::ZERO, |amount| amount.0.abs()),
    )
}

fn line_row(line: &CostLine, amount: Option<String>, currency: &str) -> [Cell; 6] {
    let kind = match line.quantity_basis() {
        QuantityBasis::Fitted => "calculated",
        QuantityBasis::Assumed => "assumed",
        QuantityBasis::Agreed => "agreed",
    };
    [
        driver_in_words(line).into(),
        words::clean(&line.meter).into(),
        format!("{} {}", format::decimal(line.quantity), words::clean(&line.unit)).into(),
        amount
            .map_or_else(|| "unknown".to_owned(), |amount| symbol_before(amount, currency))
            .into(),
        words::clean(&line.source).into(),
        kind.into(),
    ]
}

/// A printed number as an amount: the sign stands before the symbol.
fn symbol_before(number: String, currency: &str) -> String {
    let symbol = words::symbol(currency);
    match number.strip_prefix('−') {
        Some(size) => format!("−{symbol}{size}"),
        None => format!("{symbol}{number}"),
    }
}

/// Fees of third parties, which are not part of the bill.
fn fees(config: &ConfigProjection) -> Option<PageTable> {
    let fees = config.bill.fees.as_ref()?;
    let caption = format!(
        "Fees on {} at {} customers, in {} a month; not part of the bill",
        words::name(&config.name),
        words::customers(config.bill.customers),
        words::clean(&config.currency)
    );
    let mut table =
        PageTable::new(caption, &["behaviour", "fee", "#transactions", "#amount", "from"]).for_engineers();
    let amounts: Vec<_> = fees.lines.iter().map(|line| line.amount).collect();
    let (printed, total) = format::apportion(&amounts, fees.total.value, &config.currency);
    for (line, amount) in fees.lines.iter().zip(printed) {
        table.row([
            line.behaviour
                .as_deref()
                .map_or_else(String::new, words::name)
                .into(),
            words::clean(&line.meter).into(),
            format::decimal(line.quantity).into(),
            amount
                .map_or_else(
                    || "unknown".to_owned(),
                    |amount| symbol_before(amount, &config.currency),
                )
                .into(),
            words::clean(&line.source).into(),
        ]);
    }
    let total = symbol_before(total, &config.currency);
    let mut table = table.cut();
    table.total(["total", "", "", total.as_str(), ""].map(Cell::from).to_vec());
    Some(table)
}
