//! What the importers of vendors' files share: exact numbers, a price from tiers, and rows of which there
//! must be one.

pub mod aws_offer_csv;
pub mod aws_offer_json;
pub mod aws_regions;
pub mod aws_savings;
pub mod azure_row;
pub mod json;
pub mod sizes;
pub mod timeline;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use self::{json::JsonPage, sizes::Size};
use super::{builder::BookSet, csv_table::LARGEST, service_rules::MeterRule, services::ruled_meter};
use crate::{
    price_book::{
        Commitment, CommitmentKind, Confidence, Covers, Instance, InstancePrice, InstanceUnit, Meter,
        MeterPrice, ObservedOn, Payment, PriceBook, PriceSource, Tier, TierMode,
    },
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

/// Why a price of 0 is not in a book.
pub const PLACEHOLDER: &str = "its price is 0, which vendors write where there is no price";
/// Why a price that was read before is not taken again.
pub const REPEATED: &str = "the same row is there twice";

/// What to do about amounts in two currencies.
pub const ONE_CURRENCY: &str = "import one currency at a time";
/// What to do about two files that price the same.
pub const ONE_LIST: &str = "import the files one at a time, or only the newest of them";

/// Hours of a year of a commitment's term.
const YEAR_HOURS: Decimal = Decimal::from_parts(8_760, 0, 0, false, 0);

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
    meter.included = shipped.and_then(|other| other.included.clone());
    meter.price = Some(price);
    meter.vendor_code = Some(code.to_owned());
    meter
}

/// A machine of a vendor's list, of a size that the list or a person states.
pub fn machine(sku: &str, size: &Size, price: InstancePrice, source: &str) -> Instance {
    Instance {
        sku: sku.to_owned(),
        arch: size.arch.clone(),
        vcpu: size.vcpu,
        memory_gib: size.memory_gib,
        baseline: None,
        network_gbps: None,
        vcpu_kind: None,
        included: BTreeMap::new(),
        price,
        effective_from: None,
        effective_to: None,
        vendor_code: None,
        note: None,
        source: source.to_owned(),
    }
}

/// Hourly prices of a machine.
pub fn hourly(on_demand: Option<Decimal>, spot: Option<Decimal>) -> InstancePrice {
    InstancePrice {
        on_demand: on_demand.map(QuotedDecimal),
        spot: spot.map(QuotedDecimal),
        unit: InstanceUnit::H,
        hourly: None,
        sustained: Vec::new(),
        quantum: None,
    }
}

/// A commitment to one machine type.
pub fn commitment_to(
    sku: &str,
    id: String,
    kind: CommitmentKind,
    term_months: u32,
    payment: Payment,
    source: &str,
) -> Commitment {
    Commitment {
        id,
        kind,
        term_months,
        payment,
        covers: Covers {
            sku: Some(sku.to_owned()),
            family: None,
        },
        upfront: QuotedDecimal(Decimal::ZERO),
        recurring: QuotedDecimal(Decimal::ZERO),
        unit: InstanceUnit::H,
        rates: BTreeMap::new(),
        vendor_code: None,
        note: None,
        source: source.to_owned(),
    }
}

/// A savings plan of which one unit is a commitment to spend 1 of the book's currency in each hour.
///
/// What is paid at once is so much of the whole term: all of it, half of it (AWS's partial upfront) or none.
pub fn savings_plan(
    id: String,
    family: Option<String>,
    years: u32,
    payment: Payment,
    rates: BTreeMap<String, QuotedDecimal>,
    source: &str,
) -> Commitment {
    let share = match payment {
        Payment::None => Decimal::ZERO,
        Payment::Partial => Decimal::new(5, 1),
        Payment::All => Decimal::ONE,
    };
    Commitment {
        id,
        kind: CommitmentKind::SavingsPlan,
        term_months: years * 12,
        payment,
        covers: Covers { sku: None, family },
        upfront: QuotedDecimal((share * YEAR_HOURS * Decimal::from(years)).normalize()),
        recurring: QuotedDecimal((Decimal::ONE - share).normalize()),
        unit: InstanceUnit::H,
        rates,
        vendor_code: None,
        note: Some("one unit commits to 1 an hour, in the currency of the book".to_owned()),
        source: source.to_owned(),
    }
}

/// The term of a commitment in years, as vendors write it: `1yr`, `3 Years`, `1`.
pub fn years(text: &str) -> Option<u32> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let unit = text[digits.len()..].trim().to_lowercase();
    ["", "yr", "year", "years"]
        .contains(&unit.as_str())
        .then(|| digits.parse().ok())?
        .filter(|years| (1..=10).contains(years))
}

/// How AWS's words for a payment are written in books, and in the names of commitments.
pub fn payment(words: &str) -> Option<(Payment, &'static str)> {
    match words {
        "No Upfront" => Some((Payment::None, "none")),
        "Partial Upfront" => Some((Payment::Partial, "partial")),
        "All Upfront" => Some((Payment::All, "all")),
        _ => None,
    }
}

/// Notes of an answer that not all its pages are there.
///
/// A page that names a following one needs, among the files, a last page with some of the same `group`s.
pub fn note_incomplete(pages: &[JsonPage<'_>], group: &str, books: &mut BookSet<'_>) {
    let groups = |page: &JsonPage<'_>| -> BTreeSet<String> {
        page.rows
            .iter()
            .filter_map(|row| row.fields.text(group))
            .collect()
    };
    let is_last = |page: &&JsonPage<'_>| page.next.is_none();
    let last: Vec<BTreeSet<String>> = pages.iter().filter(is_last).map(groups).collect();
    for page in pages.iter().filter(|page| page.next.is_some()) {
        let own = groups(page);
        if !last.iter().any(|other| own.is_empty() || !own.is_disjoint(other)) {
            books.note(
                &page.file.name,
                "it says that another page follows, which is not among the files: prices are missing; import \
                    all pages in one call",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_read_as_vendors_write_it() {
        for (text, expected) in [
            ("1yr", Some(1)),
            ("3 Years", Some(3)),
            ("1 Year", Some(1)),
            ("3", Some(3)),
            ("", None),
            ("3 months", None),
            ("100", None),
        ] {
            assert_eq!(years(text), expected, "{text}");
        }
    }
}
