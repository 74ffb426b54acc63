//! Metered services: one row of the file a tier, one row of the book a meter.

pub mod llm_tokens;
mod machines;

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use self::machines::{add_sized, machine};
use super::{
    builder::{Book, BookSet, LeftOut, noted},
    csv_table::{CsvRow, CsvText},
    instances::some,
    service_rules::{FreeRule, MeterRule, RowMapping, book_regions, find},
};
use crate::{
    diagnostic::Diagnostic,
    price_book::{
        Commitment, CommitmentKind, Confidence, Covers, Dimension, Free, FreeKind, INSTANCE_PRICE,
        IncludedUnits, Inclusion, InstanceUnit, Meter, MeterPrice, Payment, PercentOf, Plan, PlanPeriod,
        ProviderLimit, Quantum, Round, Tier, TierMode,
    },
    units::QuotedDecimal,
};

/// The rows of one meter of one book, in the order of the file; at least one.
struct MeterRows<'a> {
    provider: &'static str,
    region: String,
    rule: &'static MeterRule,
    rows: Vec<CsvRow<'a>>,
}

/// A row that is no tier of a meter, with the books that it is for.
struct OtherRow<'a> {
    row: CsvRow<'a>,
    mapping: RowMapping,
    provider: &'static str,
    regions: Vec<String>,
    what: String,
}

/// The rows of the file, in the order in which they go into the books.
#[derive(Default)]
struct SortedRows<'a> {
    /// Plans come first, so that meters can put what a plan includes into it.
    plans: Vec<OtherRow<'a>>,
    meters: Vec<MeterRows<'a>>,
    /// Free quantities come after the meters that they belong to.
    others: Vec<OtherRow<'a>>,
}

impl<'a> SortedRows<'a> {
    fn push(&mut self, other: OtherRow<'a>) {
        match other.mapping {
            RowMapping::Meter(rule) => self.push_tier(&other, rule),
            RowMapping::Plan(_) => self.plans.push(other),
            _ => self.others.push(other),
        }
    }

    fn push_tier(&mut self, tier: &OtherRow<'a>, rule: &'static MeterRule) {
        for region in &tier.regions {
            let same = |meter: &&mut MeterRows<'_>| {
                (meter.provider, &meter.region, meter.rule.id) == (tier.provider, region, rule.id)
            };
            match self.meters.iter_mut().find(same) {
                Some(meter) => meter.rows.push(tier.row),
                None => self.meters.push(MeterRows {
                    provider: tier.provider,
                    region: region.clone(),
                    rule,
                    rows: vec![tier.row],
                }),
            }
        }
    }
}

/// Adds all services of a file to the books.
pub fn add(table: &CsvText<'_>, books: &mut BookSet<'_>) -> Result<(), Vec<Diagnostic>> {
    let mut found = Vec::new();
    let sorted = sorted_rows(table, books, &mut found);
    for plan in &sorted.plans {
        found.extend(add_other(plan, books).err());
    }
    for meter in &sorted.meters {
        found.extend(add_meter(meter, books).err());
    }
    for other in &sorted.others {
        found.extend(add_other(other, books).err());
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn sorted_rows<'a>(
    table: &'a CsvText<'_>,
    books: &mut BookSet<'_>,
    found: &mut Vec<Diagnostic>,
) -> SortedRows<'a> {
    let mut sorted = SortedRows::default();
    for row in table.rows() {
        let (provider, service, region) = (row.get("provider"), row.get("service"), row.get("region"));
        let Some(mapping) = find(provider, service, region, row.get("meter")) else {
            found.push(row.wrong(
                format!(
                    "the meter `{service}.{}` of {provider} is not known",
                    row.get("meter")
                ),
                "the file may be newer than this version: remove the row, or price the meter in a book of \
                    your own",
            ));
            continue;
        };
        let what = format!("{provider}/{region} {service}.{}", row.get("meter"));
        match book_regions(provider, region) {
            Some((provider, regions)) => sorted.push(OtherRow {
                row,
                mapping,
                provider,
                regions,
                what,
            }),
            None if books.wants(provider) => books.leave_out(LeftOut {
                file: row.file().to_owned(),
                line: row.line(),
                row: what,
                reason: "it is for a group of regions that no book is of".to_owned(),
            }),
            None => {}
        }
    }
    sorted
}

/// Adds a row that is no tier of a meter to each of its books.
fn add_other(other: &OtherRow<'_>, books: &mut BookSet<'_>) -> Result<(), Diagnostic> {
    let row = &other.row;
    match other.mapping {
        RowMapping::Free(free) => return add_free(row, &free, other.provider, books),
        RowMapping::SizedAs { sku, like } => return add_sized(other, sku, like, books),
        _ => {}
    }
    for region in &other.regions {
        let Some(book) = books.book(other.provider, region) else {
            continue;
        };
        book.count(row.file());
        book.currency(row.get("currency"))
            .map_err(|message| row.wrong(message, "import one currency at a time"))?;
        let source = service_source(row, book)?;
        let price = row.needed("price")?;
        match other.mapping {
            RowMapping::Meter(_) | RowMapping::Free(_) | RowMapping::SizedAs { .. } => {}
            RowMapping::Nowhere(reason) => book.leave_out(row, &other.what, reason),
            RowMapping::Share(id) => book.meters.push(share_meter(id, row, price, source)),
            RowMapping::Plan(id) => book.plans.push(Plan {
                id: id.to_owned(),
                amount: price,
                per: PlanPeriod::Month,
                includes: Vec::new(),
                note: some(row.get("note")),
                source,
            }),
            RowMapping::Machine => {
                if row.get("unit") == "30 days" {
                    book.month_hours = QuotedDecimal(Decimal::from(720));
                }
                book.instances.push(machine(row, price, source)?);
            }
            RowMapping::Block(id) => book.commitments.push(block(id, row, price, source)),
            RowMapping::Unpriced { meter, unit, limit } => {
                let note = "no price of it was ever published; put your own into pricing/webtask/global.toml";
                let mut meter = empty_meter(meter, unit, source.clone());
                meter.note = noted(&[note, row.get("note")]);
                book.meters.push(meter);
                book.limits.push(ProviderLimit {
                    id: limit.to_owned(),
                    value: row.needed("tier_to")?,
                    unit: row.get("unit").to_owned(),
                    adjustable: None,
                    note: noted(&["what was free", &format!("seen {}", row.get("source_date"))]),
                    source,
                });
            }
        }
    }
    Ok(())
}

/// A meter that costs a share of the list price of instances.
fn share_meter(id: &str, row: &CsvRow<'_>, share: QuotedDecimal, source: String) -> Meter {
    let mut meter = empty_meter(id, "share", source);
    meter.percent_of = Some(PercentOf {
        meter: INSTANCE_PRICE.to_owned(),
        percent: QuotedDecimal((share.0 * Decimal::ONE_HUNDRED).normalize()),
    });
    meter.note = some(row.get("note"));
    meter
}

/// A block of usage that is bought for a year ahead.
fn block(id: &str, row: &CsvRow<'_>, price: QuotedDecimal, source: String) -> Commitment {
    Commitment {
        id: id.to_owned(),
        kind: CommitmentKind::Block,
        term_months: 12,
        payment: Payment::All,
        covers: Covers {
            sku: None,
            family: None,
        },
        upfront: price,
        recurring: QuotedDecimal(Decimal::ZERO),
        unit: InstanceUnit::H,
        rates: BTreeMap::new(),
        vendor_code: None,
        note: some(row.get("note")),
        source,
    }
}

/// Adds a free quantity to the meters that share it, in each book of the provider that has one of them.
fn add_free(
    row: &CsvRow<'_>,
    free: &FreeRule,
    provider: &str,
    books: &mut BookSet<'_>,
) -> Result<(), Diagnostic> {
    let quantity = row.needed("tier_to")?;
    let never_counted = if free.kind == FreeKind::FirstYear {
        ", never counted"
    } else {
        ""
    };
    let (source, date) = (row.get("source"), row.get("source_date"));
    let said = format!("free part: {source} ({date}){never_counted}");
    for book in books.of_provider(provider) {
        let shares = |meter: &Meter| free.meters.contains(&meter.id.as_str());
        if !book.meters.iter().any(shares) {
            continue;
        }
        book.count(row.file());
        for meter in book.meters.iter_mut().filter(|meter| shares(meter)) {
            meter.free = Some(Free {
                kind: free.kind,
                quantity,
                pool: Some(free.pool.to_owned()),
            });
            meter.note = noted(&[meter.note.as_deref().unwrap_or_default(), &said]);
        }
    }
    Ok(())
}

/// A meter without a price, a note or anything else that a meter may have.
pub fn empty_meter(id: &str, unit: &str, source: String) -> Meter {
    Meter {
        id: id.to_owned(),
        unit: unit.to_owned(),
        quantum: None,
        price: None,
        chunk: None,
        max_of: Vec::new(),
        percent_of: None,
        free: None,
        included: None,
        effective_from: None,
        effective_to: None,
        vendor_code: None,
        note: None,
        source,
    }
}

/// A meter without a price, billed as its rule says.
pub fn ruled_meter(rule: &MeterRule, source: String) -> Meter {
    Meter {
        chunk: rule.chunk.map(str::to_owned),
        quantum: rule.quantum.map(|(per, step, minimum)| Quantum {
            per: per.to_owned(),
            step: step.to_owned(),
            round: Round::Up,
            minimum: minimum.map(str::to_owned),
        }),
        max_of: if rule.capacity_units {
            capacity_units()
        } else {
            Vec::new()
        },
        ..empty_meter(rule.id, rule.unit, source)
    }
}

/// A tier as the file has it.
struct FileTier {
    from: Decimal,
    to: Option<Decimal>,
    price: QuotedDecimal,
}

/// Adds a meter with the tiers of its rows.
fn add_meter(meter: &MeterRows<'_>, books: &mut BookSet<'_>) -> Result<(), Diagnostic> {
    let MeterRows { rule, rows, .. } = meter;
    let Some(book) = books.book(meter.provider, &meter.region) else {
        return Ok(());
    };
    let mut sources = Vec::new();
    for row in rows {
        book.count(row.file());
        book.currency(row.get("currency"))
            .map_err(|message| row.wrong(message, "import one currency at a time"))?;
        sources.push(service_source(row, book)?);
    }
    if rows.iter().all(|row| row.get("price").is_empty()) {
        for row in rows {
            book.leave_out(
                row,
                rule.id,
                noted(&["its price is not known", row.get("note")]).unwrap_or_default(),
            );
        }
        return Ok(());
    }
    let tiers = file_tiers(meter)?;
    let scope = rows.last().map_or("", |row| row.get("tier_scope"));
    let (price, free) = priced(&tiers, rule, scope);
    let mut priced_meter = ruled_meter(rule, book.joined_source(rule.id, &sources));
    priced_meter.price = Some(price);
    priced_meter.note = meter_note(rule, rows, &tiers);
    priced_meter.included = included(rule, rows)?;
    if let Some(quantity) = free.map(QuotedDecimal) {
        give_free(&mut priced_meter, rule, quantity, book);
    }
    book.meters.push(priced_meter);
    Ok(())
}

/// The source of a row of services.csv, which says itself how close it is to the vendor.
fn service_source(row: &CsvRow<'_>, book: &mut Book) -> Result<String, Diagnostic> {
    let confidence = match row.get("confidence") {
        "list" => Confidence::List,
        "page" => Confidence::Page,
        "secondary" => Confidence::Secondary,
        "derived" => Confidence::Derived,
        "weak" => Confidence::Approximate,
        other => {
            return Err(row.wrong(
                format!("`confidence` is `{other}`"),
                "write list, page, secondary, derived or weak",
            ));
        }
    };
    book.source_as(row.get("source"), row.get("source_date"), Some(confidence))
        .map_err(|message| row.wrong(message, "write 2026-07-20, 2026-07 or 2026"))
}

/// What is not charged for each volume, task or function, in the unit of the meter. The free rules of a load
/// balancer stand with its capacity units.
fn included(rule: &MeterRule, rows: &[CsvRow<'_>]) -> Result<Option<IncludedUnits>, Diagnostic> {
    let mut found = None;
    for row in rows.iter().filter(|_| !rule.capacity_units) {
        let Some(quantity) = row.decimal("included_quantity")? else {
            continue;
        };
        let unit = row.get("included_unit");
        let (quantity, per) = if unit.starts_with("percent of the ") {
            (quantity.0 / Decimal::ONE_HUNDRED, "allocated GB")
        } else if unit == "MB" && rule.unit == "GB" {
            (quantity.0 / Decimal::from(1_024), row.get("included_per"))
        } else if rule.unit.starts_with(unit) || matches!((unit, rule.unit), ("rules", "h") | ("GB", "GiB*s"))
        {
            (quantity.0, row.get("included_per"))
        } else {
            return Err(row.wrong(
                format!("`included_unit` is `{unit}`, and the meter counts {}", rule.unit),
                "write what the meter counts, MB for a meter in GB, or `percent of the allocated storage`",
            ));
        };
        found = Some(IncludedUnits {
            quantity: QuotedDecimal(quantity.normalize()),
            per: per.to_owned(),
        });
    }
    Ok(found)
}

/// The tiers of a meter's rows, ascending, each beginning where the one before ends.
fn file_tiers(meter: &MeterRows<'_>) -> Result<Vec<FileTier>, Diagnostic> {
    let rule = meter.rule;
    let units = Decimal::from(rule.bound_units);
    let mut tiers: Vec<FileTier> = Vec::new();
    for row in &meter.rows {
        let tier = FileTier {
            from: row.needed("tier_from")?.0 * units,
            to: row.decimal("tier_to")?.map(|to| to.0 * units),
            price: row.needed("price")?,
        };
        match tiers.iter().find(|other| other.from == tier.from) {
            None => tiers.push(tier),
            // Two kinds of use that cost the same are one meter, as requests of Lambda on x86 and arm.
            Some(other) if other.to == tier.to && other.price == tier.price => {}
            Some(_) => {
                return Err(row.wrong(
                    format!("two prices of `{}` begin at {}", rule.id, tier.from),
                    "keep one of the two rows",
                ));
            }
        }
    }
    tiers.sort_by_key(|tier| tier.from);
    if tiers.windows(2).any(|pair| pair[0].to != Some(pair[1].from)) {
        let last = meter.rows.last().expect("a meter has a row");
        return Err(last.wrong(
            format!(
                "the tiers of `{}` in {}/{} do not follow one another",
                rule.id, meter.provider, meter.region
            ),
            "let each tier begin where the one before ends",
        ));
    }
    Ok(tiers)
}

/// What a reader of a meter must know: the notes of its rows, a missing price, and a minimum charge.
fn meter_note(rule: &MeterRule, rows: &[CsvRow<'_>], tiers: &[FileTier]) -> Option<String> {
    let mut notes: Vec<&str> = rows.iter().map(|row| row.get("note")).collect();
    if tiers.last().is_some_and(|tier| tier.to.is_some()) {
        notes.push("what lies beyond the last bound has no price in the source");
    }
    let at_least = rows
        .last()
        .map(|row| row.get("minimum_charge"))
        .filter(|minimum| is_worth_a_note(minimum, rule))
        .map(|minimum| format!("at least {minimum}"));
    notes.extend(at_least.as_deref());
    noted(&notes)
}

/// Whether a minimum charge belongs in the note: the rule does not have it, or the file names a second one
/// (300 s, Windows).
fn is_worth_a_note(minimum: &str, rule: &MeterRule) -> bool {
    let rule_has_it = rule.quantum.is_some_and(|(_, _, minimum)| minimum.is_some());
    let names_a_second = minimum.contains("300 s");
    !minimum.is_empty() && (!rule_has_it || names_a_second)
}

/// Gives the free quantity of a meter to the plan that includes it, or to the meter itself.
fn give_free(meter: &mut Meter, rule: &MeterRule, quantity: QuotedDecimal, book: &mut Book) {
    let plan = rule
        .plan
        .and_then(|plan| book.plans.iter_mut().find(|other| other.id == plan));
    if let Some(plan) = plan {
        plan.includes.push(Inclusion {
            meter: rule.id.to_owned(),
            quantity,
            unit: Some(rule.unit.to_owned()),
        });
        return;
    }
    meter.free = Some(Free {
        kind: if rule.plan.is_some() {
            FreeKind::Included
        } else {
            FreeKind::Always
        },
        quantity,
        pool: rule.pool.map(str::to_owned),
    });
}

/// The price of a meter's file_tiers, and what is free of it.
///
/// A single price that begins above zero, or after a step at zero, is a price with a free quantity. Where
/// several prices follow, the free part stays a tier of its own, so that bounds keep counting from zero.
fn priced(file_tiers: &[FileTier], rule: &MeterRule, scope: &str) -> (MeterPrice, Option<Decimal>) {
    let per = rule
        .per
        .map(|per| QuotedDecimal(Decimal::from_str_exact(per).expect("a decimal of our own")));
    let flat = |amount: QuotedDecimal| MeterPrice {
        amount: Some(amount),
        per,
        ..MeterPrice::default()
    };
    match file_tiers {
        [
            FileTier {
                from,
                to: None,
                price,
            },
        ] => (flat(*price), if from.is_zero() { None } else { Some(*from) }),
        [
            FileTier {
                from,
                to: Some(free),
                price: nothing,
            },
            FileTier { to: None, price, .. },
        ] if from.is_zero() && nothing.0.is_zero() => (flat(*price), Some(*free)),
        _ => {
            let mut tiers = Vec::new();
            if let Some(first) = file_tiers.first().filter(|first| !first.from.is_zero()) {
                tiers.push(Tier {
                    up_to: Some(QuotedDecimal(first.from)),
                    amount: Some(QuotedDecimal(Decimal::ZERO)),
                });
            }
            tiers.extend(file_tiers.iter().map(|tier| Tier {
                up_to: tier.to.map(QuotedDecimal),
                amount: Some(tier.price),
            }));
            if file_tiers.last().is_some_and(|tier| tier.to.is_some()) {
                tiers.push(Tier {
                    up_to: None,
                    amount: None,
                });
            }
            let (scope, window) = scope.rsplit_once('/').unwrap_or(("volume", "month"));
            let price = MeterPrice {
                amount: None,
                per,
                mode: Some(TierMode::Graduated),
                scope: Some(scope.to_owned()),
                window: Some(window.to_owned()),
                tiers,
            };
            (price, None)
        }
    }
}

/// What makes a capacity unit of a load balancer: the largest of four rates, hour by hour.
pub fn capacity_units() -> Vec<Dimension> {
    let dimension = |quantity: &str, unit: &str, per_unit: i64, free: Option<&str>| Dimension {
        quantity: quantity.to_owned(),
        unit: unit.to_owned(),
        per_unit: QuotedDecimal(Decimal::from(per_unit)),
        free_factor: free.map(str::to_owned),
    };
    vec![
        dimension("connections.new", "1/s", 25, None),
        dimension("connections.active", "1", 3_000, None),
        dimension("bytes.processed", "GB/h", 1, None),
        dimension("rules.evaluated", "1/s", 1_000, Some("10 rules")),
    ]
}
