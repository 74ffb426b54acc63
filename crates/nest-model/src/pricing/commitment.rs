//! Cost of commitments: per hour of their term, in cash month by month, and split into the used and the
//! unused part.

use nest_data::price_book::{Commitment, InstanceUnit};
use rust_decimal::Decimal;

use super::number::PriceNumber;

/// Hours of a month of a term: 8,760 hours a year over 12 (`docs/method/pricing.md`, "Commitments").
pub const TERM_HOURS_PER_MONTH: Decimal = Decimal::from_parts(730, 0, 0, false, 0);

/// A cost, and the part of it that was not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amortised {
    /// The part that something ran on.
    pub used: Decimal,
    /// The part that nothing ran on; a line of its own on the bill.
    pub unused: Decimal,
}

/// Hours of a commitment's term.
///
/// # Formula
/// `730 * term_months`; 8,760 a year.
///
/// Source: `docs/method/pricing.md`, "Commitments".
#[must_use]
pub fn term_hours(commitment: &Commitment) -> Decimal {
    TERM_HOURS_PER_MONTH * Decimal::from(commitment.term_months)
}

/// The hourly payment for one unit, without what was paid at once.
#[must_use]
pub fn recurring_per_hour(commitment: &Commitment) -> Decimal {
    match commitment.unit {
        InstanceUnit::H => commitment.recurring.0,
        InstanceUnit::Month => commitment.recurring.0 / TERM_HOURS_PER_MONTH,
    }
}

/// Cost of one unit per hour, with what is paid at once spread over the term.
///
/// # Formula
/// `upfront / term_hours + recurring`.
///
/// Source: `docs/method/pricing.md`, "Commitments".
#[must_use]
pub fn effective_per_hour(commitment: &Commitment) -> Decimal {
    commitment.upfront.0 / term_hours(commitment) + recurring_per_hour(commitment)
}

/// The payment at once that gives an effective price; the inverse of [`effective_per_hour`].
///
/// # Formula
/// `(effective - recurring) * term_hours`. Lists that give only the effective price hide it.
///
/// Source: `docs/method/pricing.md`, "Commitments".
#[must_use]
pub fn upfront(effective_per_hour: Decimal, recurring_per_hour: Decimal, term_hours: Decimal) -> Decimal {
    (effective_per_hour - recurring_per_hour) * term_hours
}

/// Share of the hours that must be used for a commitment to be the cheaper way; `None` if the list price is
/// 0.
///
/// # Formula
/// `effective / on_demand`; above 1 it never is. Both per hour.
///
/// Source: `docs/method/pricing.md`, "Commitments".
#[must_use]
pub fn break_even_utilisation(effective_per_hour: Decimal, on_demand_per_hour: Decimal) -> Option<Decimal> {
    effective_per_hour.checked_div(on_demand_per_hour)
}

/// Amortised cost of a number of unit-hours.
///
/// # Formula
/// `upfront * unit_hours / term_hours + recurring * unit_hours`, so that a whole term costs exactly what is
/// paid for it.
///
/// Source: `docs/method/pricing.md`, "Amortised cost and cash".
#[must_use]
pub fn amortised(commitment: &Commitment, unit_hours: Decimal) -> Decimal {
    commitment.upfront.0 * unit_hours / term_hours(commitment) + recurring_per_hour(commitment) * unit_hours
}

/// Cost of `units` over `hours`, split by use; the two parts add up exactly to what was bought.
///
/// # Formula
/// `used = amortised(min(used_unit_hours, units * hours))`, `unused = amortised(units * hours) - used`.
///
/// Source: `docs/method/pricing.md`, "Amortised cost and cash"; FOCUS specification,
/// `CommitmentDiscountStatus`.
#[must_use]
pub fn amortise(
    commitment: &Commitment,
    units: Decimal,
    hours: Decimal,
    used_unit_hours: Decimal,
) -> Amortised {
    let bought = units * hours;
    let used = amortised(commitment, used_unit_hours.min(bought));
    let (used, unused) = PriceNumber::split(amortised(commitment, bought), used);
    Amortised { used, unused }
}

/// Cash that `units` cost in a month counted from 1, the first of the term; a term that ends is bought again.
/// `month_hours` are those of the book.
///
/// # Formula
/// `units * (recurring * month_hours + upfront in the first month of each term)`.
///
/// Source: `docs/method/pricing.md`, "Amortised cost and cash" (`BilledCost` is cash, with what is paid at
/// once in month 1).
#[must_use]
pub fn cash_in_month(commitment: &Commitment, units: Decimal, month: u32, month_hours: Decimal) -> Decimal {
    let first = month >= 1 && (month - 1).is_multiple_of(commitment.term_months);
    let at_once = if first {
        commitment.upfront.0
    } else {
        Decimal::ZERO
    };
    units * (at_once + recurring_per_month(commitment, month_hours))
}

/// Cost of `units` in each month of the term with what is paid at once spread over it. `month_hours` are
/// those of the book.
///
/// # Formula
/// `units * (upfront / term_months + recurring * month_hours)`; over a term it sums to the cash.
///
/// Source: `docs/method/pricing.md`, "Amortised cost and cash" (`EffectiveCost` is amortised).
#[must_use]
pub fn amortised_per_month(commitment: &Commitment, units: Decimal, month_hours: Decimal) -> Decimal {
    let at_once = commitment.upfront.0 / Decimal::from(commitment.term_months);
    units * (at_once + recurring_per_month(commitment, month_hours))
}

fn recurring_per_month(commitment: &Commitment, month_hours: Decimal) -> Decimal {
    match commitment.unit {
        InstanceUnit::H => commitment.recurring.0 * month_hours,
        InstanceUnit::Month => commitment.recurring.0,
    }
}
