//! Answers of the Google Cloud Billing Catalog: prices of processors and of memory, out of which those of
//! machine types are made.
//!
//! The catalogue prices a core and a GiB of a family; how many of each a machine type has is known from the
//! shipped books.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{
    builder::{Book, BookSet, LeftOut, base_name, is_region},
    vendor::{
        self, Buying, NO_ROW, ONE_LIST, PLACEHOLDER, REPEATED, day,
        json::{self, Fields, JsonPage, JsonRow},
        list_source,
        sizes::{Size, Sizes},
    },
};
use crate::{
    diagnostic::{Diagnostic, Source},
    price_book::{Commitment, CommitmentKind, Instance, Payment},
    units::QuotedDecimal,
};

const HELP: &str = "the vendor has changed the list; a newer version of locust-nest may read it";

/// Billionths, in which the catalogue states the fraction of an amount.
const NANOS: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// A SKU of the catalogue.
struct Sku<'a> {
    row: &'a JsonRow<'a>,
    id: String,
    description: String,
    resource_family: String,
    usage_type: String,
}

impl<'a> Sku<'a> {
    fn read(row: &'a JsonRow<'a>) -> Self {
        let text = |fields: &Fields<'_>, name: &str| fields.text(name).unwrap_or_default();
        let category = row.fields.object("category");
        let said = |name: &str| {
            category
                .as_ref()
                .map(|category| text(category, name))
                .unwrap_or_default()
        };
        Self {
            row,
            id: text(&row.fields, "skuid"),
            description: text(&row.fields, "description"),
            resource_family: said("resourcefamily"),
            usage_type: said("usagetype"),
        }
    }

    /// Regions in which it is sold; `global` is none.
    fn regions(&self) -> Vec<String> {
        let regions = self.row.fields.list("serviceregions").into_iter();
        regions
            .filter_map(|region| serde_json::from_str::<String>(region.get()).ok())
            .filter(|region| region != "global")
            .collect()
    }

    /// Its prices with the day from which each holds, which some answers do not state.
    fn prices(&self) -> Vec<(Option<Date>, Fields<'a>)> {
        let prices = self.row.fields.objects("pricinginfo");
        prices
            .into_iter()
            .map(|price| (price.text("effectivetime").and_then(|time| day(&time)), price))
            .collect()
    }
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

/// Adds a catalogue, of which each file may hold some pages.
pub fn add(files: &[&Source], sizes: &Sizes, books: &mut BookSet<'_>) -> Result<(), Vec<Diagnostic>> {
    let mut pages: Vec<JsonPage<'_>> = Vec::new();
    for file in files {
        pages.extend(json::pages(file, "skus").map_err(|error| vec![error])?);
    }
    if let Some(file) = files
        .first()
        .filter(|_| pages.iter().all(|page| page.rows.is_empty()))
    {
        let message = "the list of skus is empty";
        return Err(vec![Diagnostic::at(
            &file.name,
            0..0,
            message,
            "check the parameters of the request",
        )]);
    }
    vendor::note_incomplete(&pages, "serviceprovidername", books);
    let skus: Vec<Sku<'_>> = pages.iter().flat_map(|page| &page.rows).map(Sku::read).collect();
    let mut by_region: BTreeMap<String, Vec<&Sku<'_>>> = BTreeMap::new();
    for sku in &skus {
        for region in sku.regions() {
            if is_region(&region) {
                by_region.entry(region).or_default().push(sku);
            } else {
                books.leave_out(LeftOut {
                    file: base_name(&sku.row.file.name).to_owned(),
                    line: 0,
                    row: format!("{} {}", sku.id, sku.description),
                    reason: format!("`{region}` is not the name of a region"),
                });
            }
        }
    }
    let (observed, today) = (books.wanted().observed_on, books.wanted().today);
    let mut found = Vec::new();
    for (region, skus) in by_region {
        let days = skus
            .iter()
            .flat_map(|sku| sku.prices())
            .filter_map(|(from, _)| from);
        let newest = days.filter(|from| today.is_none_or(|today| *from <= today)).max();
        let Some(book) = books.book("gcp", &region) else {
            continue;
        };
        let url = "https://cloudbilling.googleapis.com/v1/services/6F81-5844-456A/skus";
        let title = "Google Cloud Billing Catalog, Compute Engine".to_owned();
        let Some(source) = list_source(title, url, newest, observed) else {
            let help = "say when the file was downloaded, with --observed-on DATE";
            found.push(
                skus[0]
                    .row
                    .wrong("no price states the day from which it is valid", help),
            );
            continue;
        };
        let source = book.add_source("list-gcp", source);
        found.extend(
            add_region(&skus, sizes, today, book, &source)
                .err()
                .into_iter()
                .flatten(),
        );
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// Adds the machine types of one region, and the commitments to them.
fn add_region(
    skus: &[&Sku<'_>],
    sizes: &Sizes,
    today: Option<Date>,
    book: &mut Book,
    source: &str,
) -> Result<(), Vec<Diagnostic>> {
    let rates = PartRates::read(skus, sizes, today, book)?;
    let file = skus.first().map_or("", |sku| &sku.row.file.name);
    let wrong = |message: String| vec![Diagnostic::at(file, 0..0, message, ONE_LIST)];
    for (name, size) in sizes {
        // Types that share a core are priced by their own rules.
        if size.vcpu.0 < Decimal::ONE {
            continue;
        }
        let Some(on_demand) = rates.of_machine(name, size, Buying::OnDemand) else {
            continue;
        };
        let spot = rates.of_machine(name, size, Buying::Spot);
        let mut price = vendor::hourly(Some(on_demand), spot);
        price.sustained.clone_from(&size.sustained);
        let note = format!(
            "cores and memory times their prices; how many of each is from {}",
            size.from
        );
        let machine = Instance {
            note: Some(note),
            ..vendor::machine(name, size, price, source)
        };
        book.take_instances(file, vec![machine]).map_err(wrong)?;
        for (buying, years) in [(Buying::OneYear, 1), (Buying::ThreeYears, 3)] {
            if let Some(recurring) = rates.of_machine(name, size, buying) {
                let id = format!("{name}-cud-{years}y");
                let kind = CommitmentKind::Cud;
                let commitment = Commitment {
                    recurring: QuotedDecimal(recurring),
                    ..vendor::commitment_to(name, id, kind, years * 12, Payment::None, source)
                };
                book.take_commitment(file, commitment).map_err(wrong)?;
            }
        }
    }
    Ok(())
}

/// Hourly prices of cores and of memory in one region.
struct PartRates<'a>(BTreeMap<PricedPart, (Decimal, &'a Sku<'a>)>);

impl<'a> PartRates<'a> {
    /// Reads the SKUs that price a core or memory. The others are left out of the book.
    fn read(
        skus: &[&'a Sku<'a>],
        sizes: &Sizes,
        today: Option<Date>,
        book: &mut Book,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut rates = Self(BTreeMap::new());
        let mut found = Vec::new();
        for sku in skus {
            book.count(&sku.row.file.name);
            match rates.insert(sku, sizes, today, book) {
                Ok(Ok(())) => {}
                Ok(Err(reason)) => {
                    let what = format!("{} {}", sku.id, sku.description);
                    book.leave_out_at(&sku.row.file.name, 0, &what, reason, true);
                }
                Err(error) => found.push(error),
            }
        }
        if found.is_empty() { Ok(rates) } else { Err(found) }
    }

    /// Takes a SKU, or says why it is left out.
    fn insert(
        &mut self,
        sku: &'a Sku<'a>,
        sizes: &Sizes,
        today: Option<Date>,
        book: &mut Book,
    ) -> Result<Result<(), String>, Diagnostic> {
        let Some(priced) = priced_part(sku) else {
            return Ok(Err(NO_ROW.to_owned()));
        };
        if !sizes.keys().any(|name| family_of(name) == priced.family) {
            return Ok(Err(format!(
                "no built-in book knows the sizes of {}; state them with --sizes FILE.csv, columns \
                    sku,vcpu,memory_gib,arch",
                priced.family
            )));
        }
        let rate = match rate(sku, priced.part, today, book)? {
            Ok(rate) => rate,
            Err(reason) => return Ok(Err(reason)),
        };
        let Some((_, other)) = self.0.insert(priced.clone(), (rate, sku)) else {
            return Ok(Ok(()));
        };
        if other.row.same(sku.row) {
            return Ok(Err(REPEATED.to_owned()));
        }
        let message = format!(
            "{} {:?} of {} is both {} and {}",
            priced.family,
            priced.part,
            book.region(),
            other.id,
            sku.id
        );
        let help = "the list has a new kind of SKU that this version does not know";
        Err(sku.row.wrong(message, help))
    }

    /// Price of a machine type for an hour, from its cores and memory; `None` if one of the two has no price.
    fn of_machine(&self, name: &str, size: &Size, buying: Buying) -> Option<Decimal> {
        let rate_of = |part| {
            let family = family_of(name).to_owned();
            let priced = PricedPart { family, part, buying };
            self.0.get(&priced).map(|(rate, _)| *rate)
        };
        let cores = rate_of(MachinePart::Core)? * size.vcpu.0;
        let memory = rate_of(MachinePart::Memory)? * size.memory_gib.0;
        Some((cores + memory).normalize())
    }
}

/// What a SKU prices, from its description: `N2 Instance Core running in Americas`,
/// `Spot Preemptible N2D AMD Instance Ram running in Iowa`, `Commitment v1: N2 Cpu in Americas for 1 Year`.
/// None where it is not exactly that: custom, sole-tenant and premium cores are decoys.
fn priced_part(sku: &Sku<'_>) -> Option<PricedPart> {
    if sku.resource_family != "Compute" {
        return None;
    }
    let description = sku.description.as_str();
    let committed = || before(description.strip_prefix("Commitment v1: ")?, " in ");
    let running = || before(description, " running in ");
    let (buying, words) = match sku.usage_type.as_str() {
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
    is_family(&family).then_some(PricedPart { family, part, buying })
}

/// Whether a word is the name of a family: a letter, a digit, and perhaps more letters, as `n2d`.
fn is_family(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(|c| c.is_ascii_lowercase())
        && letters.next().is_some_and(|c| c.is_ascii_digit())
        && letters.all(|c| c.is_ascii_lowercase())
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

/// The price of a core or a GiB for an hour today, or why there is none.
fn rate(
    sku: &Sku<'_>,
    part: MachinePart,
    today: Option<Date>,
    book: &mut Book,
) -> Result<Result<Decimal, String>, Diagnostic> {
    let wrong = |message: String| sku.row.wrong(message, HELP);
    let named = &sku.description;
    let begun = |from: &Option<Date>| from.zip(today).is_none_or(|(from, today)| from <= today);
    let prices = sku.prices().into_iter().filter(|(from, _)| begun(from));
    let Some((_, info)) = prices.max_by_key(|(from, _)| *from) else {
        return Ok(Err("it has no price that holds today".to_owned()));
    };
    let Some(expression) = info.object("pricingexpression") else {
        return Ok(Err("it has no `pricingExpression`".to_owned()));
    };
    let unit = if part == MachinePart::Core { "h" } else { "GiBy.h" };
    let priced_per = expression.text("usageunit").unwrap_or_default();
    if priced_per != unit {
        return Err(wrong(format!(
            "`{named}` is priced per `{priced_per}`, not per `{unit}`"
        )));
    }
    let rates = expression.objects("tieredrates");
    let [rate] = &rates[..] else {
        return Err(wrong(format!(
            "`{named}` has {} tiers instead of one price",
            rates.len()
        )));
    };
    if rate.raw("startusageamount").is_some() && rate.decimal("startusageamount") != Some(Decimal::ZERO) {
        return Err(wrong(format!("the price of `{named}` does not begin at 0 units")));
    }
    let Some(price) = rate.object("unitprice") else {
        return Ok(Err("it has no `unitPrice`".to_owned()));
    };
    let currency = price.text("currencycode").unwrap_or_default();
    book.currency(&currency).map_err(&wrong)?;
    let part_of = |name: &str| match price.raw(name) {
        Some(raw) => price
            .decimal(name)
            .filter(|value| !value.is_sign_negative())
            .ok_or_else(|| wrong(format!("`{name}` of `{named}` is `{}`, not a number", raw.get()))),
        None => Ok(Decimal::ZERO),
    };
    let amount = (part_of("units")? + part_of("nanos")? / NANOS).normalize();
    if amount.is_zero() {
        return Ok(Err(PLACEHOLDER.to_owned()));
    }
    Ok(Ok(amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_known_by_every_name_they_have_and_decoys_are_not() {
        let named = |usage_type: &str, description: &str| {
            let text = format!(
                "{{\"skuId\": \"A\", \"description\": \"{description}\", \"category\": {{\"resourceFamily\": \
                    \"Compute\", \"usageType\": \"{usage_type}\"}}, \"pricingInfo\": []}}"
            );
            let file = Source::new("a.json", text);
            let pages = json::pages(&file, "skus").expect("JSON");
            priced_part(&Sku::read(&pages[0].rows[0]))
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
