//! What the importers of vendors' files share: exact numbers, a price from tiers, and rows of which there
//! must be one.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::{csv_table::LARGEST, service_rules::MeterRule, services::ruled_meter};
use crate::{
    price_book::{Confidence, Meter, MeterPrice, ObservedOn, PriceBook, PriceSource, Tier, TierMode},
    units::QuotedDecimal,
};

/// How a machine is bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Buying {
    /// By the hour, without a commitment.
    OnDemand,
    /// By the hour, from spare capacity that may be taken away.
    Spot,
    /// With a commitment for one year.
    OneYear,
    /// With a commitment for three years.
    ThreeYears,
}

/// Why a product of a vendor's list is not in a book.
pub const NO_ROW: &str = "books have no row for what it is";

/// A number of a JSON text with its digits.
pub fn exact(raw: &RawValue) -> Option<Decimal> {
    decimal(raw.get().trim_matches('"'))
}

/// A decimal, also in scientific notation, without zeros at its end.
pub fn decimal(text: &str) -> Option<Decimal> {
    let value = if text.contains(['e', 'E']) {
        Decimal::from_scientific(text).ok()
    } else {
        Decimal::from_str_exact(text).ok()
    };
    value
        .filter(|value| value.abs() <= LARGEST)
        .map(|value| value.normalize())
}

/// The day of a time such as `2026-07-20T12:00:00Z`.
pub fn day(text: &str) -> Option<Date> {
    text.get(..10)?.parse().ok()
}

/// A source that is a vendor's list.
pub fn list_source(
    title: String,
    url: &str,
    published: Option<Date>,
    observed_on: Option<Date>,
) -> Option<PriceSource> {
    let written = |date: Date| date.to_string().parse::<ObservedOn>().ok();
    Some(PriceSource {
        title,
        url: Some(url.to_owned()),
        observed_on: written(observed_on.or(published)?)?,
        published: published.and_then(written),
        confidence: Confidence::List,
    })
}

/// A price from where each tier begins, in the meter's unit. Beginnings rise from zero.
pub fn price(mut steps: Vec<(Decimal, Decimal)>) -> Option<MeterPrice> {
    steps.sort();
    if steps.first()?.0 != Decimal::ZERO || steps.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return None;
    }
    if let [(_, amount)] = steps[..] {
        return Some(MeterPrice {
            amount: Some(QuotedDecimal(amount)),
            ..MeterPrice::default()
        });
    }
    let bounds = steps
        .iter()
        .skip(1)
        .map(|(from, _)| Some(QuotedDecimal(*from)))
        .chain([None]);
    let tiers = steps
        .iter()
        .zip(bounds)
        .map(|((_, amount), up_to)| Tier {
            up_to,
            amount: Some(QuotedDecimal(*amount)),
        })
        .collect();
    Some(MeterPrice {
        mode: Some(TierMode::Graduated),
        window: Some("month".to_owned()),
        tiers,
        ..MeterPrice::default()
    })
}

/// A meter of a book with a vendor's price. What is free of it is in no vendor's list; it comes from the
/// shipped books where they say that it is always free, unless the list has it as a tier.
pub fn meter(
    rule: &MeterRule,
    price: MeterPrice,
    code: &str,
    source: &str,
    known: &[PriceBook],
    provider: &str,
) -> Meter {
    let mut meter = ruled_meter(rule, source.to_owned());
    let starts_free = price
        .tiers
        .first()
        .is_some_and(|tier| tier.amount.is_some_and(|amount| amount.0.is_zero()));
    let shipped = known
        .iter()
        .filter(|book| book.provider == provider)
        .flat_map(|book| &book.meter)
        .find(|other| other.id == rule.id);
    if let Some(free) = shipped
        .and_then(|other| other.free.clone())
        .filter(|_| !starts_free)
    {
        meter.free = Some(free);
        meter.note = Some("what is free is from the shipped book, not from the price list".to_owned());
    }
    meter.price = Some(price);
    meter.vendor_code = Some(code.to_owned());
    meter
}
