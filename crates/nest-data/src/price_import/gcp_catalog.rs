//! Answers of the Google Cloud Billing Catalog: prices of processors and of memory, out of which those of machine types are made.
//!
//! The catalogue prices a core and a GiB of a family; how many of each a machine type has is known from the shipped books.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    Size,
    builder::{Book, Shelf},
    json,
    vendor::{NO_ROW, day, exact, list_source},
};
use crate::{
    diagnostic::{Diagnostic, Source},
    price_book::{Commitment, CommitmentKind, Covers, Instance, InstancePrice, InstanceUnit, Payment},
    units::QuotedDecimal,
};

const HELP: &str = "the vendor's list has changed in a way that this version does not know";

#[derive(Deserialize)]
struct Catalogue {
    skus: Vec<Sku>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sku {
    sku_id: String,
    description: String,
    category: Category,
    service_regions: Vec<String>,
    pricing_info: Vec<PricingInfo>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Category {
    resource_family: String,
    usage_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PricingInfo {
    pricing_expression: Expression,
    effective_time: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Expression {
    usage_unit: String,
    tiered_rates: Vec<TieredRate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TieredRate {
    start_usage_amount: Box<RawValue>,
    unit_price: Money,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Money {
    currency_code: String,
    #[serde(default)]
    units: Option<String>,
    #[serde(default)]
    nanos: i64,
}

/// What is priced: a family's cores or memory, and how it is bought.
type Key = (String, Part, Buying);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Core,
    Memory,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Buying {
    OnDemand,
    Spot,
    OneYear,
    ThreeYears,
}

/// Adds a catalogue.
pub fn add(
    file: &Source,
    sizes: &BTreeMap<String, Size>,
    shelf: &mut Shelf<'_>,
) -> Result<(), Vec<Diagnostic>> {
    let catalogue: Catalogue = json::parse(file).map_err(|error| vec![error])?;
    if catalogue.skus.is_empty() {
        return Err(vec![Diagnostic::at(
            &file.name,
            0..0,
            "the list of skus is empty",
            "look at what it was asked with",
        )]);
    }
    let mut by_region: BTreeMap<&str, Vec<&Sku>> = BTreeMap::new();
    for sku in &catalogue.skus {
        sku.service_regions
            .iter()
            .filter(|region| *region != "global")
            .for_each(|region| by_region.entry(region).or_default().push(sku));
    }
    let mut found = Vec::new();
    for (region, skus) in by_region {
        let observed = shelf.wanted().observed_on;
        let newest = skus
            .iter()
            .flat_map(|sku| &sku.pricing_info)
            .filter_map(|info| day(&info.effective_time))
            .max();
        let Some(book) = shelf.book("gcp", region) else {
            continue;
        };
        let url = "https://cloudbilling.googleapis.com/v1/services/6F81-5844-456A/skus";
        let Some(source) = list_source(
            "Google Cloud Billing Catalog, Compute Engine".to_owned(),
            url,
            newest,
            observed,
        ) else {
            found.push(Diagnostic::at(
                &file.name,
                0..0,
                "no price says from when it holds",
                HELP,
            ));
            continue;
        };
        let source = book.add_source("list-gcp", source);
        found.extend(
            add_region(file, &skus, sizes, book, &source)
                .err()
                .into_iter()
                .flatten(),
        );
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn add_region(
    file: &Source,
    skus: &[&Sku],
    sizes: &BTreeMap<String, Size>,
    book: &mut Book,
    source: &str,
) -> Result<(), Vec<Diagnostic>> {
    let families: BTreeSet<&str> = sizes.keys().map(|name| family_of(name)).collect();
    let mut found = Vec::new();
    let mut rates: BTreeMap<Key, (Decimal, &Sku)> = BTreeMap::new();
    for sku in skus {
        book.count(&file.name);
        let Some(key) = key(sku, &families) else {
            book.leave_out_at(
                &file.name,
                0,
                &format!("{} {}", sku.sku_id, sku.description),
                NO_ROW,
                true,
            );
            continue;
        };
        match rate(file, sku, &key, book) {
            Ok(rate) => {
                if let Some((_, other)) = rates.insert(key.clone(), (rate, sku)) {
                    let message = format!(
                        "{} {:?} of {} is both {} and {}",
                        key.0,
                        key.1,
                        book.region(),
                        other.sku_id,
                        sku.sku_id
                    );
                    found.push(json::wrong(
                        file,
                        &sku.sku_id,
                        message,
                        "one of the two is meant by something else; this version does not know by what",
                    ));
                }
            }
            Err(error) => found.push(error),
        }
    }
    if !found.is_empty() {
        return Err(found);
    }
    let of = |family: &str, buying: Buying, size: &Size| -> Option<Decimal> {
        let part = |part| {
            rates
                .get(&(family.to_owned(), part, buying))
                .map(|(rate, _)| *rate)
        };
        Some((part(Part::Core)? * size.vcpu.0 + part(Part::Memory)? * size.memory_gib.0).normalize())
    };
    for (name, size) in sizes {
        let family = family_of(name);
        // Types that share a core are priced by their own rules.
        let Some(on_demand) = of(family, Buying::OnDemand, size).filter(|_| size.vcpu.0 >= Decimal::ONE)
        else {
            continue;
        };
        book.instances.push(Instance {
            sku: name.clone(),
            arch: size.arch.clone(),
            vcpu: size.vcpu,
            memory_gib: size.memory_gib,
            baseline: None,
            network_gbps: None,
            price: InstancePrice {
                on_demand: Some(QuotedDecimal(on_demand)),
                spot: of(family, Buying::Spot, size).map(QuotedDecimal),
                unit: InstanceUnit::H,
                sustained: size.sustained.clone(),
                quantum: None,
            },
            effective_from: None,
            effective_to: None,
            vendor_code: None,
            note: Some(
                "cores and memory times their prices; how many of each is from the shipped book".to_owned(),
            ),
            source: source.to_owned(),
        });
        for (buying, term_months, term) in [(Buying::OneYear, 12, "1y"), (Buying::ThreeYears, 36, "3y")] {
            let Some(recurring) = of(family, buying, size) else {
                continue;
            };
            book.commitments.push(Commitment {
                id: format!("{name}-cud-{term}"),
                kind: CommitmentKind::Cud,
                term_months,
                payment: Payment::None,
                covers: Covers {
                    sku: Some(name.clone()),
                    family: None,
                },
                upfront: QuotedDecimal(Decimal::ZERO),
                recurring: QuotedDecimal(recurring),
                unit: InstanceUnit::H,
                rates: BTreeMap::new(),
                vendor_code: None,
                note: None,
                source: source.to_owned(),
            });
        }
    }
    Ok(())
}

/// What a SKU prices, from its description: `N2 Instance Core running in Americas`, `Spot Preemptible N2D AMD Instance Ram running in
/// Iowa`, `Commitment v1: N2 Cpu in Americas for 1 Year`. None where it is not exactly that, of a family that is known: custom,
/// sole-tenant and premium cores are decoys.
fn key(sku: &Sku, families: &BTreeSet<&str>) -> Option<Key> {
    if sku.category.resource_family != "Compute" {
        return None;
    }
    let description = sku.description.as_str();
    let committed = || before(description.strip_prefix("Commitment v1: ")?, " in ");
    let running = || before(description, " running in ");
    let (buying, words) = match sku.category.usage_type.as_str() {
        "OnDemand" => (Buying::OnDemand, running()?),
        "Preemptible" => (Buying::Spot, running()?.strip_prefix("Spot Preemptible ")?),
        "Commit1Yr" => (Buying::OneYear, committed()?),
        "Commit3Yr" => (Buying::ThreeYears, committed()?),
        _ => return None,
    };
    let is_commitment = matches!(buying, Buying::OneYear | Buying::ThreeYears);
    let (family, part) = priced_part(
        words,
        if is_commitment {
            ["Cpu", "Ram"]
        } else {
            ["Core", "Ram"]
        },
    )?;
    // N1 is not named as the others are; of some families the maker of the processor is said.
    let family = match if is_commitment {
        family
    } else {
        family.strip_suffix(" Instance")?
    } {
        "" if is_commitment => "n1".to_owned(),
        "N1 Predefined" => "n1".to_owned(),
        name => name
            .strip_suffix(" AMD")
            .or_else(|| name.strip_suffix(" Arm"))
            .unwrap_or(name)
            .to_lowercase(),
    };
    families
        .contains(family.as_str())
        .then_some((family, part, buying))
}

/// The family of a machine type: `n2` of `n2-standard-4`.
fn family_of(machine: &str) -> &str {
    machine.split('-').next().unwrap_or_default()
}

/// The words before those for a core or for memory, and which of the two it is.
fn priced_part<'a>(words: &'a str, [core, memory]: [&str; 2]) -> Option<(&'a str, Part)> {
    let core = words.strip_suffix(core).map(|family| (family, Part::Core));
    core.or_else(|| words.strip_suffix(memory).map(|family| (family, Part::Memory)))
        .map(|(family, part)| (family.trim_end(), part))
}

fn before<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.split_once(mark).map(|(before, _)| before)
}

/// The price of a core or a GiB for an hour.
fn rate(file: &Source, sku: &Sku, (_, part, _): &Key, book: &mut Book) -> Result<Decimal, Diagnostic> {
    let wrong = |message: String| json::wrong(file, &sku.sku_id, message, HELP);
    let [info] = &sku.pricing_info[..] else {
        return Err(wrong(format!(
            "`{}` has {} prices",
            sku.description,
            sku.pricing_info.len()
        )));
    };
    let expression = &info.pricing_expression;
    let unit = if *part == Part::Core { "h" } else { "GiBy.h" };
    if expression.usage_unit != unit {
        return Err(wrong(format!(
            "`{}` is priced per `{}`, not per `{unit}`",
            sku.description, expression.usage_unit
        )));
    }
    let [rate] = &expression.tiered_rates[..] else {
        return Err(wrong(format!("`{}` has tiers", sku.description)));
    };
    if exact(&rate.start_usage_amount) != Some(Decimal::ZERO) {
        return Err(wrong(format!(
            "the price of `{}` does not begin at nothing",
            sku.description
        )));
    }
    book.currency(&rate.unit_price.currency_code).map_err(&wrong)?;
    let units = rate.unit_price.units.as_deref().unwrap_or("0");
    let units: i64 = units
        .parse()
        .map_err(|_| wrong(format!("`{units}` is no amount")))?;
    Ok((Decimal::from(units) + Decimal::new(rate.unit_price.nanos, 9)).normalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_known_by_every_name_they_have_and_decoys_are_not() {
        let named = |usage_type: &str, description: &str| {
            let category = Category {
                resource_family: "Compute".to_owned(),
                usage_type: usage_type.to_owned(),
            };
            let sku = Sku {
                sku_id: String::new(),
                description: description.to_owned(),
                category,
                service_regions: Vec::new(),
                pricing_info: Vec::new(),
            };
            key(&sku, &BTreeSet::from(["n1", "n2", "n2d", "t2a"]))
        };
        for (usage_type, description, family, part) in [
            (
                "OnDemand",
                "N2 Instance Core running in Americas",
                "n2",
                Part::Core,
            ),
            (
                "OnDemand",
                "N1 Predefined Instance Ram running in Americas",
                "n1",
                Part::Memory,
            ),
            (
                "OnDemand",
                "N2D AMD Instance Core running in Belgium",
                "n2d",
                Part::Core,
            ),
            (
                "OnDemand",
                "T2A Arm Instance Ram running in Americas",
                "t2a",
                Part::Memory,
            ),
            (
                "Preemptible",
                "Spot Preemptible N1 Predefined Instance Core running in Iowa",
                "n1",
                Part::Core,
            ),
            (
                "Commit1Yr",
                "Commitment v1: Cpu in Americas for 1 Year",
                "n1",
                Part::Core,
            ),
            (
                "Commit3Yr",
                "Commitment v1: N2D AMD Ram in Americas for 3 Year",
                "n2d",
                Part::Memory,
            ),
        ] {
            let found = named(usage_type, description).map(|(family, part, _)| (family, part));
            assert_eq!(found, Some((family.to_owned(), part)), "{description}");
        }
        for decoy in [
            "N2 Custom Instance Core running in Americas",
            "N2D AMD Custom Instance Core running in Americas",
            "N2 Sole Tenancy Instance Core running in Americas",
            "Custom Instance Core running in Americas",
            "Memory-optimized Instance Ram running in Americas",
            "N2 Core running in Americas",
            "Instance Ram running in Americas",
            "N2 Instance Core running Windows",
        ] {
            assert_eq!(named("OnDemand", decoy), None, "{decoy}");
        }
    }
}
