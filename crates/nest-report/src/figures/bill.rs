//! The bill of each configuration, line by line.

use nest_data::{
    Projection,
    projection::{ConfigProjection, CostLine, QuantityBasis},
};

use super::{PageTable, ReadingPath, Section};
use crate::format;

/// The bills.
pub(super) fn bills(projection: &Projection) -> Option<Section> {
    let first = projection.configs.first()?;
    let totals: Vec<String> = projection.configs.iter().map(total).collect();
    let answer = format!(
        "At {} customers a month: {}.",
        format::number(first.bill.customers),
        totals.join("; ")
    );
    let mut section = Section::new(
        "bills",
        "Bills",
        ReadingPath::Finance,
        "What is on the bill?",
        answer,
    );
    section.tables = projection.configs.iter().map(bill).collect();
    section.tables.extend(projection.configs.iter().filter_map(fees));
    section.how = vec![
        "The lines of a bill sum to its total exactly; printed amounts are cut so that they still do. The \
         CSV holds them in full.".to_owned(),
        "Work is charged to the behaviour that causes it; idle use, reserve, rounding up and spare instances \
         have lines of their own.".to_owned(),
        "Fitted quantities follow from demand. The study fixes assumed ones, your own contract agreed ones."
            .to_owned(),
    ];
    Some(section)
}

fn total(config: &ConfigProjection) -> String {
    format!(
        "{} on `{}`",
        format::money(&config.bill.total, &config.currency),
        config.name
    )
}

fn bill(config: &ConfigProjection) -> PageTable {
    let bill = &config.bill;
    let caption = format!(
        "Bill of `{}` at {} customers, in {} a month",
        config.name,
        format::number(bill.customers),
        config.currency
    );
    let mut table = PageTable::new(
        caption,
        &[
            "pays for",
            "behaviour",
            "meter",
            "#quantity",
            "unit",
            "#amount",
            "price seen",
            "quantity is",
        ],
    );
    let amounts: Vec<_> = bill.lines.iter().map(|line| line.amount).collect();
    let (printed, total) = format::apportion(&amounts, bill.total.value, &config.currency);
    for (line, amount) in bill.lines.iter().zip(printed) {
        table.row(bill_line(line, amount));
    }
    let at_least = if bill.total.at_least {
        "total, at least"
    } else {
        "total"
    };
    let none = String::new;
    table.total([
        at_least.to_owned(),
        none(),
        none(),
        none(),
        none(),
        total,
        none(),
        none(),
    ]);
    table
}

/// Fees of third parties, which are not part of the bill.
fn fees(config: &ConfigProjection) -> Option<PageTable> {
    let fees = config.bill.fees.as_ref()?;
    let caption = format!(
        "Fees on `{}` at {} customers, in {} a month; not part of the bill",
        config.name,
        format::number(config.bill.customers),
        config.currency
    );
    let mut table = PageTable::new(caption, &["behaviour", "fee", "#transactions", "#amount", "from"]);
    let amounts: Vec<_> = fees.lines.iter().map(|line| line.amount).collect();
    let (printed, total) = format::apportion(&amounts, fees.total.value, &config.currency);
    for (line, amount) in fees.lines.iter().zip(printed) {
        let behaviour = line.behaviour.clone().unwrap_or_default();
        table.row([
            behaviour,
            line.meter.clone(),
            format::decimal(line.quantity),
            amount.unwrap_or_default(),
            line.source.clone(),
        ]);
    }
    let none = String::new;
    table.total(["total".to_owned(), none(), none(), total, none()]);
    Some(table)
}

fn bill_line(line: &CostLine, amount: Option<String>) -> [String; 8] {
    let kind = match line.quantity_basis() {
        QuantityBasis::Fitted => "— fitted",
        QuantityBasis::Assumed => "◇ assumed",
        QuantityBasis::Agreed => "agreed",
    };
    [
        line.driver.label().to_owned(),
        line.behaviour.clone().unwrap_or_default(),
        line.meter.clone(),
        format::decimal(line.quantity),
        line.unit.clone(),
        amount.unwrap_or_else(|| "unknown".to_owned()),
        line.source.clone(),
        kind.to_owned(),
    ]
}
