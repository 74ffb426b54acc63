//! Lines of a bill: their sum, and what a contract takes off.

use std::collections::BTreeMap;

use nest_data::{
    PriceBook,
    projection::{CostDriver, CostLine, DriverKind, DriverShare},
    units::QuotedDecimal,
};
use rust_decimal::Decimal;

use super::DIGITS;
use crate::pricing::contract_steps;

/// Sum of a bill's priced lines.
pub fn total(lines: &[CostLine]) -> Decimal {
    lines
        .iter()
        .filter_map(|line| line.amount.map(|amount| amount.0))
        .sum()
}

/// What the user's own contract takes off these lines, a line for each adjustment; nothing off what costs
/// nothing.
pub fn contract_lines(book: &PriceBook, name: &str, lines: &mut Vec<CostLine>) {
    let mut before = total(lines);
    for (label, left) in contract_steps(&book.adjustment, name, before) {
        if before.is_zero() {
            break;
        }
        let percent = (left / before - Decimal::ONE) * Decimal::ONE_HUNDRED;
        lines.push(CostLine {
            driver: CostDriver::Discount,
            behaviour: None,
            meter: format!("{label} on {name}"),
            quantity: QuotedDecimal(percent.round_dp(DIGITS).normalize()),
            unit: "%".to_owned(),
            amount: Some(QuotedDecimal((left - before).round_dp(DIGITS).normalize())),
            source: format!("{} (own contract)", book.name()),
        });
        before = left;
    }
}

/// The amounts of a bill by what they pay for: by behaviour, by driver, by what is metered; the largest
/// first.
pub fn drivers(lines: &[CostLine]) -> Vec<DriverShare> {
    weighted_drivers(&[(lines, Decimal::ONE)])
}

/// The same for several bills, each with the factor at which it counts.
pub fn weighted_drivers(bills: &[(&[CostLine], Decimal)]) -> Vec<DriverShare> {
    let mut sums: BTreeMap<(DriverKind, String), Decimal> = BTreeMap::new();
    let weighted = bills
        .iter()
        .flat_map(|(lines, factor)| lines.iter().map(move |line| (line, factor)));
    for (line, factor) in weighted {
        let Some(amount) = line.amount else { continue };
        let behaviour = line
            .behaviour
            .clone()
            .unwrap_or_else(|| line.driver.label().to_owned());
        for key in [
            (DriverKind::Behaviour, behaviour),
            (DriverKind::Meter, line.meter.clone()),
        ] {
            *sums.entry(key).or_default() += amount.0 * factor;
        }
    }
    let mut shares: Vec<DriverShare> = sums
        .into_iter()
        .map(|((kind, name), amount)| DriverShare {
            kind,
            name,
            amount: QuotedDecimal(amount.normalize()),
        })
        .collect();
    shares.sort_by(|a, b| a.kind.cmp(&b.kind).then(b.amount.cmp(&a.amount)));
    shares
}
