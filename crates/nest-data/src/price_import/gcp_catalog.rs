//! Answers of the Google Cloud Billing Catalog: prices of processors and of memory, out of which those of
//! machine types are made.
//!
//! The catalogue prices a core and a GiB of a family; how many of each a machine type has is known from the
//! shipped books.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    Size,
    builder::{Book, BookSet},
    json,
    vendor::{Buying, NO_ROW, day, exact, list_source},
};
use crate::{
    diagnostic::{Diagnostic, Source},
    price_book::{Commitment, CommitmentKind, Covers, Instance, InstancePrice, InstanceUnit, Payment},
    units::QuotedDecimal,
};

const HELP: &str = "the vendor has changed the list; a newer version of locust-nest may read it";

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
    pricing_expression: PricingExpression,
    effective_time: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PricingExpression {
    usage_unit: String,
    tiered_rates: Vec<TieredRate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TieredRate {
    start_usage_amount: Box<RawValue>,
    unit_price: CatalogueMoney,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CatalogueMoney {
    currency_code: String,
    #[serde(default)]
    units: Option<String>,
    #[serde(default)]
    nanos: i64,
}

/// What a SKU prices: cores or memory of a family, bought in one way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct PricedPart {
    family: String,
    part: MachinePart,
    buying: Buying,
}

/// What a machine type is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum MachinePart {
    Core,
    Memory,
}

/// Adds a catalogue.
pub fn add(
    file: &Source,
    sizes: &BTreeMap<String, Size>,
    books: &mut BookSet<'_>,
) -> Result<(), Vec<Diagnostic>> {
    let catalogue: Catalogue = json::parse(file).map_err(|error| vec![error])?;
    if catalogue.skus.is_empty() {
        return Err(vec![Diagnostic::at(
            &file.name,
            0..0,
            "the list of skus is empty",
            "check the parameters of the request",
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
        let observed = books.wanted().observed_on;
        let newest = skus
            .iter()
            .flat_map(|sku| &sku.pricing_info)
            .filter_map(|info| day(&info.effective_time))
            .max();
        let Some(book) = books.book("gcp", region) else {
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
                "no price states the day from which it is valid",
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

/// Adds the machine types of one region, and the commitments to them.
fn add_region(
    file: &Source,
    skus: &[&Sku],
    sizes: &BTreeMap<String, Size>,
    book: &mut Book,
    source: &str,
) -> Result<(), Vec<Diagnostic>> {
    let families: BTreeSet<&str> = sizes.keys().map(|name| family_of(name)).collect();
    let rates = PartRates::read(file, skus, &families, book)?;
    for (name, size) in sizes {
        // Types that share a core are priced by their own rules.
        if size.vcpu.0 < Decimal::ONE {
            continue;
        }
        let Some(on_demand) = rates.of_machine(name, size, Buying::OnDemand) else {
            continue;
        };
        let spot = rates.of_machine(name, size, Buying::Spot);
        book.instances.push(instance(name, size, on_demand, spot, source));
        for (buying, term_months, term) in [(Buying::OneYear, 12, "1y"), (Buying::ThreeYears, 36, "3y")] {
            if let Some(recurring) = rates.of_machine(name, size, buying) {
                let id = format!("{name}-cud-{term}");
                book.commitments
                    .push(committed_use(id, name, term_months, recurring, source));
            }
        }
    }
    Ok(())
}

/// Hourly prices of cores and of memory in one region.
struct PartRates<'a>(BTreeMap<PricedPart, (QuotedDecimal, &'a Sku)>);

impl<'a> PartRates<'a> {
    /// Reads the SKUs that price a core or memory. The others are left out of the book.
    fn read(
        file: &Source,
        skus: &[&'a Sku],
        families: &BTreeSet<&str>,
        book: &mut Book,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut rates = Self(BTreeMap::new());
        let mut found = Vec::new();
        for sku in skus {
            book.count(&file.name);
            let Some(priced) = priced_part(sku, families) else {
                let what = format!("{} {}", sku.sku_id, sku.description);
                book.leave_out_at(&file.name, 0, &what, NO_ROW, true);
                continue;
            };
            found.extend(rates.insert(file, priced, sku, book).err());
        }
        if found.is_empty() { Ok(rates) } else { Err(found) }
    }

    fn insert(
        &mut self,
        file: &Source,
        priced: PricedPart,
        sku: &'a Sku,
        book: &mut Book,
    ) -> Result<(), Diagnostic> {
        let rate = QuotedDecimal(rate(file, sku, priced.part, book)?);
        let Some((_, other)) = self.0.insert(priced.clone(), (rate, sku)) else {
            return Ok(());
        };
        let message = format!(
            "{} {:?} of {} is both {} and {}",
            priced.family,
            priced.part,
            book.region(),
            other.sku_id,
            sku.sku_id
        );
        let help = "the list has a new kind of SKU that this version does not know";
        Err(json::wrong(file, &sku.sku_id, message, help))
    }

    /// Price of a machine type for an hour, from its cores and memory; `None` if one of the two has no price.
    fn of_machine(&self, name: &str, size: &Size, buying: Buying) -> Option<QuotedDecimal> {
        let rate_of = |part| {
            let family = family_of(name).to_owned();
            let priced = PricedPart { family, part, buying };
            self.0.get(&priced).map(|(rate, _)| rate.0)
        };
        let cores = rate_of(MachinePart::Core)? * size.vcpu.0;
        let memory = rate_of(MachinePart::Memory)? * size.memory_gib.0;
        Some(QuotedDecimal((cores + memory).normalize()))
    }
}

fn instance(
    name: &str,
    size: &Size,
    on_demand: QuotedDecimal,
    spot: Option<QuotedDecimal>,
    source: &str,
) -> Instance {
    Instance {
        sku: name.to_owned(),
        arch: size.arch.clone(),
        vcpu: size.vcpu,
        memory_gib: size.memory_gib,
        baseline: None,
        network_gbps: None,
        vcpu_kind: None,
        included: BTreeMap::new(),
        price: InstancePrice {
            on_demand: Some(on_demand),
            spot,
            unit: InstanceUnit::H,
            hourly: None,
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
    }
}

fn committed_use(
    id: String,
    machine: &str,
    term_months: u32,
    recurring: QuotedDecimal,
    source: &str,
) -> Commitment {
    Commitment {
        id,
        kind: CommitmentKind::Cud,
        term_months,
        payment: Payment::None,
        covers: Covers {
            sku: Some(machine.to_owned()),
            family: None,
        },
        upfront: QuotedDecimal(Decimal::ZERO),
        recurring,
        unit: InstanceUnit::H,
        rates: BTreeMap::new(),
        vendor_code: None,
        note: None,
        source: source.to_owned(),
    }
}

/// What a SKU prices, from its description: `N2 Instance Core running in Americas`,
/// `Spot Preemptible N2D AMD Instance Ram running in Iowa`, `Commitment v1: N2 Cpu in Americas for 1 Year`.
/// None where it is not exactly that, of a family that is known: custom, sole-tenant and premium cores are
/// decoys.
fn priced_part(sku: &Sku, families: &BTreeSet<&str>) -> Option<PricedPart> {
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
    let (family, part) = family_and_part(
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
        .then_some(PricedPart { family, part, buying })
}

/// The family of a machine type: `n2` of `n2-standard-4`.
fn family_of(machine: &str) -> &str {
    machine.split('-').next().unwrap_or_default()
}

/// The words before those for a core or for memory, and which of the two it is.
fn family_and_part<'a>(words: &'a str, [core, memory]: [&str; 2]) -> Option<(&'a str, MachinePart)> {
    let core = words.strip_suffix(core).map(|family| (family, MachinePart::Core));
    core.or_else(|| {
        words
            .strip_suffix(memory)
            .map(|family| (family, MachinePart::Memory))
    })
    .map(|(family, part)| (family.trim_end(), part))
}

fn before<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.split_once(mark).map(|(before, _)| before)
}

/// The price of a core or a GiB for an hour.
fn rate(file: &Source, sku: &Sku, part: MachinePart, book: &mut Book) -> Result<Decimal, Diagnostic> {
    let wrong = |message: String| json::wrong(file, &sku.sku_id, message, HELP);
    let [info] = &sku.pricing_info[..] else {
        return Err(wrong(format!(
            "`{}` has {} prices",
            sku.description,
            sku.pricing_info.len()
        )));
    };
    let expression = &info.pricing_expression;
    let unit = if part == MachinePart::Core { "h" } else { "GiBy.h" };
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
            "the price of `{}` does not begin at 0 units",
            sku.description
        )));
    }
    book.currency(&rate.unit_price.currency_code).map_err(&wrong)?;
    let units = rate.unit_price.units.as_deref().unwrap_or("0");
    let units: i64 = units
        .parse()
        .map_err(|_| wrong(format!("`{units}` is not an amount")))?;
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
            priced_part(&sku, &BTreeSet::from(["n1", "n2", "n2d", "t2a"]))
        };
        for (usage_type, description, family, part) in [
            (
                "OnDemand",
                "N2 Instance Core running in Americas",
                "n2",
                MachinePart::Core,
            ),
            (
                "OnDemand",
                "N1 Predefined Instance Ram running in Americas",
                "n1",
                MachinePart::Memory,
            ),
            (
                "OnDemand",
                "N2D AMD Instance Core running in Belgium",
                "n2d",
                MachinePart::Core,
            ),
            (
                "OnDemand",
                "T2A Arm Instance Ram running in Americas",
                "t2a",
                MachinePart::Memory,
            ),
            (
                "Preemptible",
                "Spot Preemptible N1 Predefined Instance Core running in Iowa",
                "n1",
                MachinePart::Core,
            ),
            (
                "Commit1Yr",
                "Commitment v1: Cpu in Americas for 1 Year",
                "n1",
                MachinePart::Core,
            ),
            (
                "Commit3Yr",
                "Commitment v1: N2D AMD Ram in Americas for 3 Year",
                "n2d",
                MachinePart::Memory,
            ),
        ] {
            let found = named(usage_type, description).map(|priced| (priced.family, priced.part));
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
