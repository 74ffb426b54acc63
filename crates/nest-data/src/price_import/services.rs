//! Metered services: one row of the file a tier, one row of the book a meter.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{
    builder::{LeftOut, Shelf, noted},
    csv_table::{CsvText, Row},
    instances::{some, source_of},
    service_rules::{Fate, MeterRule, books, find},
};
use crate::{
    diagnostic::Diagnostic,
    price_book::{
        Commitment, CommitmentKind, Covers, Dimension, Free, FreeKind, INSTANCE_PRICE, Inclusion, Instance,
        InstancePrice, InstanceUnit, Meter, MeterPrice, Payment, PercentOf, Plan, PlanPeriod, ProviderLimit,
        Quantum, Round, Tier, TierMode,
    },
    units::QuotedDecimal,
};

/// Rows of one meter, in the order of the file.
type Tiers<'a> = Vec<Row<'a>>;

/// Adds all services. What is free in all regions and what is included in a plan come after the meters that they are of.
pub fn add(table: &CsvText<'_>, shelf: &mut Shelf<'_>) -> Result<(), Vec<Diagnostic>> {
    let mut found = Vec::new();
    let mut meters: Vec<(
        (&'static str, String, &'static str),
        &'static MeterRule,
        Tiers<'_>,
    )> = Vec::new();
    let mut later = Vec::new();
    for row in table.rows() {
        let (provider, service, region) = (row.get("provider"), row.get("service"), row.get("region"));
        let what = format!("{provider}/{region} {service}.{}", row.get("meter"));
        let Some(rule) = find(provider, service, row.get("meter")) else {
            found.push(row.wrong(
                format!(
                    "the meter `{service}.{}` of {provider} is not known",
                    row.get("meter")
                ),
                "see the list of meters in ARCHITECTURE.md",
            ));
            continue;
        };
        let nowhere = |reason: &str| LeftOut {
            file: row.file().to_owned(),
            line: row.line(),
            row: what.clone(),
            reason: reason.to_owned(),
        };
        let Some((book, regions)) = books(provider, region) else {
            if shelf.wants(provider) {
                shelf.leave_out(nowhere("it is for a group of regions that no book is of"));
            }
            continue;
        };
        match &rule.fate {
            Fate::Meter(meter) => {
                for region in regions {
                    let key = (book, region, meter.id);
                    match meters.iter_mut().find(|(other, _, _)| *other == key) {
                        Some((_, _, rows)) => rows.push(row),
                        None => meters.push((key, meter, vec![row])),
                    }
                }
            }
            fate => later.push((row, fate, book, regions, what)),
        }
    }
    // Plans first, so that meters can put what they include into them.
    later.sort_by_key(|(_, fate, _, _, _)| !matches!(fate, Fate::Plan(_)));
    let (plans, others): (Vec<_>, Vec<_>) = later
        .into_iter()
        .partition(|(_, fate, _, _, _)| matches!(fate, Fate::Plan(_)));
    plans.iter().for_each(|(row, fate, book, regions, what)| {
        found.extend(add_other(row, fate, book, regions, what, shelf).err())
    });
    for ((provider, region, _), rule, rows) in &meters {
        found.extend(add_meter(provider, region, rule, rows, shelf).err());
    }
    others.iter().for_each(|(row, fate, book, regions, what)| {
        found.extend(add_other(row, fate, book, regions, what, shelf).err())
    });
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// A row that is no tier of a meter.
fn add_other(
    row: &Row<'_>,
    fate: &Fate,
    provider: &str,
    regions: &[String],
    what: &str,
    shelf: &mut Shelf<'_>,
) -> Result<(), Diagnostic> {
    if let Fate::Free { meters, kind, pool } = fate {
        return add_free(row, (meters, *kind, pool), provider, shelf);
    }
    for region in regions {
        let Some(book) = shelf.book(provider, region) else {
            continue;
        };
        book.count(row.file());
        book.currency(row.get("currency"))
            .map_err(|message| row.wrong(message, "a book has one currency"))?;
        let source = source_of(row, book, row.get("source"), row.get("source_date"))?;
        let price = row.needed("price")?;
        match fate {
            Fate::Meter(_) | Fate::Free { .. } => {}
            Fate::Nowhere(reason) => book.leave_out(row, what, *reason),
            Fate::Share(id) => {
                let percent = QuotedDecimal((price.0 * Decimal::ONE_HUNDRED).normalize());
                let mut meter = empty_meter(id, "share", source);
                meter.percent_of = Some(PercentOf {
                    meter: INSTANCE_PRICE.to_owned(),
                    percent,
                });
                meter.note = some(row.get("note"));
                book.meters.push(meter);
            }
            Fate::Plan(id) => {
                book.plans.push(Plan {
                    id: (*id).to_owned(),
                    amount: price,
                    per: PlanPeriod::Month,
                    includes: Vec::new(),
                    source,
                });
            }
            Fate::Machine => {
                // The prices of the source are for 30 days.
                book.month_hours = QuotedDecimal(Decimal::from(720));
                book.instances.push(machine(row, price, source)?);
            }
            Fate::Block(id) => book.commitments.push(Commitment {
                id: (*id).to_owned(),
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
            }),
            Fate::Unpriced { meter, unit, limit } => {
                let note = "no price of it was ever published; put your own into pricing/webtask/global.toml";
                let mut meter = empty_meter(meter, unit, source.clone());
                meter.note = noted(&[note, row.get("note")]);
                book.meters.push(meter);
                book.limits.push(ProviderLimit {
                    id: (*limit).to_owned(),
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

/// What is free in all regions of a provider, whichever have the meter.
fn add_free(
    row: &Row<'_>,
    (meters, kind, pool): (&[&str], FreeKind, &str),
    provider: &str,
    shelf: &mut Shelf<'_>,
) -> Result<(), Diagnostic> {
    let quantity = row.needed("tier_to")?;
    let said = format!(
        "free part: {} ({}){}",
        row.get("source"),
        row.get("source_date"),
        if kind == FreeKind::FirstYear {
            ", never counted"
        } else {
            ""
        }
    );
    for book in shelf.of_provider(provider) {
        if !book
            .meters
            .iter()
            .any(|meter| meters.contains(&meter.id.as_str()))
        {
            continue;
        }
        book.count(row.file());
        for meter in book
            .meters
            .iter_mut()
            .filter(|meter| meters.contains(&meter.id.as_str()))
        {
            meter.free = Some(Free {
                kind,
                quantity,
                pool: Some(pool.to_owned()),
            });
            meter.note = noted(&[meter.note.as_deref().unwrap_or_default(), &said]);
        }
    }
    Ok(())
}

fn machine(row: &Row<'_>, price: QuotedDecimal, source: String) -> Result<Instance, Diagnostic> {
    let sku = row.get("meter");
    let memory = sku.rsplit('_').next().unwrap_or_default();
    let gib = match memory.split_at(memory.len().saturating_sub(2)) {
        (number, "MB") => number
            .parse::<Decimal>()
            .ok()
            .map(|megabytes| (megabytes / Decimal::from(1_024)).normalize()),
        (number, "GB") => number.parse::<Decimal>().ok(),
        _ => None,
    };
    let gib = gib.ok_or_else(|| {
        row.wrong(
            format!("`{sku}` does not say how much memory it has"),
            "such as shared-cpu-1x_256MB",
        )
    })?;
    let quantum = Quantum {
        per: "run".to_owned(),
        step: "1s".to_owned(),
        round: Round::Up,
        minimum: None,
    };
    Ok(Instance {
        sku: sku.to_owned(),
        arch: "x86_64".to_owned(),
        vcpu: QuotedDecimal(Decimal::ONE),
        memory_gib: QuotedDecimal(gib),
        baseline: None,
        network_gbps: None,
        price: InstancePrice {
            on_demand: Some(price),
            spot: None,
            unit: InstanceUnit::Month,
            sustained: Vec::new(),
            quantum: Some(quantum),
        },
        effective_from: None,
        effective_to: None,
        vendor_code: None,
        note: noted(&["one shared virtual CPU; price for 30 days", row.get("note")]),
        source,
    })
}

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
        effective_from: None,
        effective_to: None,
        vendor_code: None,
        note: None,
        source,
    }
}

/// A tier as the file has it.
struct Step {
    from: Decimal,
    to: Option<Decimal>,
    price: QuotedDecimal,
}

fn add_meter(
    provider: &str,
    region: &str,
    rule: &MeterRule,
    rows: &[Row<'_>],
    shelf: &mut Shelf<'_>,
) -> Result<(), Diagnostic> {
    let Some(book) = shelf.book(provider, region) else {
        return Ok(());
    };
    let mut steps: Vec<Step> = Vec::new();
    let mut sources = Vec::new();
    for row in rows {
        book.count(row.file());
        book.currency(row.get("currency"))
            .map_err(|message| row.wrong(message, "a book has one currency"))?;
        sources.push(source_of(row, book, row.get("source"), row.get("source_date"))?);
        let units = Decimal::from(rule.bound_units);
        let (from, to) = (
            row.needed("tier_from")?.0 * units,
            row.decimal("tier_to")?.map(|to| to.0 * units),
        );
        let step = Step {
            from,
            to,
            price: row.needed("price")?,
        };
        match steps.iter().find(|other| other.from == step.from) {
            None => steps.push(step),
            // Two kinds of use that cost the same are one meter, as requests of Lambda on x86 and arm.
            Some(other) if other.to == step.to && other.price == step.price => {}
            Some(_) => {
                return Err(row.wrong(
                    format!("two prices of `{}` begin at {}", rule.id, step.from),
                    "keep one of the two rows",
                ));
            }
        }
    }
    steps.sort_by_key(|step| step.from);
    let gap = steps.windows(2).any(|pair| pair[0].to != Some(pair[1].from));
    let last = rows.last().expect("a meter has a row");
    if gap {
        return Err(last.wrong(
            format!(
                "the tiers of `{}` in {provider}/{region} do not follow one another",
                rule.id
            ),
            "each begins where the one before ends",
        ));
    }
    let (price, free) = priced(&steps, rule, last.get("tier_scope"));
    let mut meter = empty_meter(rule.id, rule.unit, book.joined_source(rule.id, &sources));
    let open = steps.last().is_some_and(|step| step.to.is_some());
    let beyond = if open {
        "what lies beyond the last bound has no price in the source"
    } else {
        ""
    };
    let minimum = last.get("minimum_charge");
    let minimum = if minimum.is_empty()
        || rule.quantum.is_some_and(|(_, _, known)| known.is_some()) && !minimum.contains("300 s")
    {
        ""
    } else {
        minimum
    };
    let at_least = if minimum.is_empty() {
        String::new()
    } else {
        format!("at least {minimum}")
    };
    let mut notes: Vec<&str> = rows.iter().map(|row| row.get("note")).collect();
    notes.extend([beyond, at_least.as_str()]);
    meter.note = noted(&notes);
    meter.price = Some(price);
    meter.chunk = rule.chunk.map(str::to_owned);
    meter.quantum = rule.quantum.map(|(per, step, minimum)| Quantum {
        per: per.to_owned(),
        step: step.to_owned(),
        round: Round::Up,
        minimum: minimum.map(str::to_owned),
    });
    if rule.capacity_units {
        meter.max_of = capacity_units();
    }
    if let Some(quantity) = free.map(QuotedDecimal) {
        match rule
            .plan
            .and_then(|plan| book.plans.iter_mut().find(|other| other.id == plan))
        {
            Some(plan) => plan.includes.push(Inclusion {
                meter: rule.id.to_owned(),
                quantity,
                unit: Some(rule.unit.to_owned()),
            }),
            None => {
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
        }
    }
    book.meters.push(meter);
    Ok(())
}

/// The price of a meter's steps, and what is free of it.
///
/// A single price that begins above zero, or after a step at zero, is a price with a free quantity. Where several prices follow, the
/// free part stays a tier of its own, so that bounds keep counting from zero (`reference/pricing.md` R5).
fn priced(steps: &[Step], rule: &MeterRule, scope: &str) -> (MeterPrice, Option<Decimal>) {
    let per = rule
        .per
        .map(|per| QuotedDecimal(Decimal::from_str_exact(per).expect("a decimal of our own")));
    let flat = |amount: QuotedDecimal| MeterPrice {
        amount: Some(amount),
        per,
        ..MeterPrice::default()
    };
    match steps {
        [
            Step {
                from,
                to: None,
                price,
            },
        ] => (flat(*price), if from.is_zero() { None } else { Some(*from) }),
        [
            Step {
                from,
                to: Some(free),
                price: nothing,
            },
            Step { to: None, price, .. },
        ] if from.is_zero() && nothing.0.is_zero() => (flat(*price), Some(*free)),
        _ => {
            let mut tiers = Vec::new();
            if let Some(first) = steps.first().filter(|first| !first.from.is_zero()) {
                tiers.push(Tier {
                    up_to: Some(QuotedDecimal(first.from)),
                    amount: Some(QuotedDecimal(Decimal::ZERO)),
                });
            }
            tiers.extend(steps.iter().map(|step| Tier {
                up_to: step.to.map(QuotedDecimal),
                amount: Some(step.price),
            }));
            if steps.last().is_some_and(|step| step.to.is_some()) {
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

/// What makes a capacity unit of a load balancer: the largest of four rates, hour by hour (`reference/pricing.md` R7).
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
