//! What the meters of services.csv are called in a book, and in which unit they are billed.

mod aws_compute;
mod aws_data;
mod clouds;
mod hosts;

use crate::price_book::FreeKind;

/// A service, and what becomes of its rows by their meter in the file.
///
/// Names follow `HOST.requests`, `HOST.duration[.ARCH]` (GiB*s) and `HOST.cpu` for function hosts. A "GB" of
/// the memory of Lambda and of Azure Functions is 1,024 MB.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    pub provider: &'static str,
    pub service: &'static str,
    /// The only region whose rows these are; none where a meter has one name in all regions.
    pub region: Option<&'static str>,
    pub meters: &'static [(&'static str, MeterRule)],
    pub others: &'static [(&'static str, RowMapping)],
}

/// Every service that is known.
const SERVICES: [&[Service]; 4] = [
    aws_compute::SERVICES,
    aws_data::SERVICES,
    clouds::SERVICES,
    hosts::SERVICES,
];

/// Where the rows of one meter of the file go.
#[derive(Debug, Clone, Copy)]
pub enum RowMapping {
    /// Tiers of a meter.
    Meter(&'static MeterRule),
    /// A share of the list price of instances.
    Share(&'static str),
    /// The price of a plan.
    Plan(&'static str),
    /// A free quantity of meters, in all regions.
    Free(FreeRule),
    /// An instance type that is priced by the month, with its size in its name.
    Machine,
    /// An instance type that is priced by the hour, as large as another type of the provider.
    SizedAs { sku: &'static str, like: &'static str },
    /// A block of usage bought ahead.
    Block(&'static str),
    /// A limit beside a meter without a price.
    Unpriced {
        meter: &'static str,
        unit: &'static str,
        limit: &'static str,
    },
    /// Nowhere, and why.
    Nowhere(&'static str),
}

/// A free quantity that meters share, in all regions of a provider that have them.
#[derive(Debug, Clone, Copy)]
pub struct FreeRule {
    pub meters: &'static [&'static str],
    pub kind: FreeKind,
    pub pool: &'static str,
}

/// A meter of a book.
#[derive(Debug, Clone, Copy)]
pub struct MeterRule {
    pub id: &'static str,
    pub unit: &'static str,
    pub per: Option<&'static str>,
    pub quantum: Option<(&'static str, &'static str, Option<&'static str>)>,
    pub chunk: Option<&'static str>,
    pub pool: Option<&'static str>,
    pub plan: Option<&'static str>,
    pub capacity_units: bool,
    /// Units of the book in one unit that the file counts bounds in.
    pub bound_units: i64,
}

const fn meter(id: &'static str, unit: &'static str) -> MeterRule {
    MeterRule {
        id,
        unit,
        per: None,
        quantum: None,
        chunk: None,
        pool: None,
        plan: None,
        capacity_units: false,
        bound_units: 1,
    }
}

impl MeterRule {
    const fn per(self, per: &'static str) -> Self {
        Self {
            per: Some(per),
            ..self
        }
    }
    const fn rounded(self, per: &'static str, step: &'static str) -> Self {
        Self {
            quantum: Some((per, step, None)),
            ..self
        }
    }
    const fn at_least(self, per: &'static str, step: &'static str, minimum: &'static str) -> Self {
        Self {
            quantum: Some((per, step, Some(minimum))),
            ..self
        }
    }
    const fn chunk(self, chunk: &'static str) -> Self {
        Self {
            chunk: Some(chunk),
            ..self
        }
    }
    const fn pool(self, pool: &'static str) -> Self {
        Self {
            pool: Some(pool),
            ..self
        }
    }
    /// What is free is part of a plan.
    const fn plan(self, plan: &'static str) -> Self {
        Self {
            plan: Some(plan),
            ..self
        }
    }
    /// Billed by the second of a task, a minute at least.
    const fn per_run(self) -> Self {
        self.at_least("run", "1s", "60s")
    }
    /// Billed by the second that something is there, a minute at least.
    const fn per_resource(self) -> Self {
        self.at_least("resource", "1s", "60s")
    }
    /// Bounds of the file are in thousands of the book's unit.
    const fn bounds_in_thousands(self) -> Self {
        Self {
            per: Some("1000"),
            bound_units: 1_000,
            ..self
        }
    }
    const fn capacity_units(self) -> Self {
        Self {
            capacity_units: true,
            ..self
        }
    }
}

const MILLION: &str = "1000000";
const FLEX: &str = "the price that it would be free of is not in the file";
const PLACE: &str = "the source does not say which region it holds for";
const GROUP: &str = "it is for a group of regions that no book is of";

/// What becomes of the rows of a meter of the file.
pub fn find(provider: &str, service: &str, region: &str, meter: &str) -> Option<RowMapping> {
    let named = |of: &&Service| {
        of.provider == provider && of.service == service && of.region.is_none_or(|only| only == region)
    };
    services().filter(named).find_map(|of| {
        let rule = of.meters.iter().find(|(name, _)| *name == meter);
        let other = of.others.iter().find(|(name, _)| *name == meter);
        rule.map(|(_, rule)| RowMapping::Meter(rule))
            .or(other.map(|(_, mapping)| *mapping))
    })
}

/// The rule of a book's meter, by its name there.
pub fn by_id(provider: &str, id: &str) -> Option<&'static MeterRule> {
    services()
        .filter(|of| of.provider == provider)
        .flat_map(|of| of.meters)
        .find_map(|(_, rule)| (rule.id == id).then_some(rule))
}

fn services() -> impl Iterator<Item = &'static Service> {
    SERVICES.into_iter().flatten()
}

/// Provider and regions of the books that a row is for; several where it holds for all of a provider. None
/// where no book is of its group.
pub fn book_regions(provider: &str, region: &str) -> Option<(&'static str, Vec<String>)> {
    let several = |provider, regions: &[&str]| {
        let regions = regions.iter().map(|region| (*region).to_owned()).collect();
        Some((provider, regions))
    };
    let one = |provider, region: &str| several(provider, &[region]);
    let place = region.split(' ').next().unwrap_or_default();
    match (provider, region) {
        ("aws", "us+mexico+canada" | "europe+israel") => one("aws", "global"),
        ("aws", region) => one("aws", region),
        ("gcp", "global") => several("gcp", &["europe-west1", "europe-west2", "us-central1"]),
        ("gcp", region) if !region.contains(' ') => one("gcp", region),
        ("azure", "global") => several("azure", &["eastus", "westeurope", "westus"]),
        ("azure", "north-america+europe+africa") => one("azure", "global"),
        ("azure", region) if !region.contains(' ') => one("azure", region),
        ("cloudflare", _) => one("cloudflare", "global"),
        ("fly.io", "iad" | "all" | "north-america+europe" | "baseline region") => one("fly", "iad"),
        ("auth0", _) => one("webtask", "global"),
        ("hetzner", "all") => several("hetzner", &["eu", "us", "sin"]),
        ("hetzner", _) => one("hetzner", place),
        ("digitalocean", region) if region == place && region != "all" => one("digitalocean", region),
        ("digitalocean", _) => one("digitalocean", "global"),
        ("ovhcloud", region) => one("ovhcloud", region),
        ("scaleway", "global") => one("scaleway", "fr-par-1"),
        ("scaleway", region) => one("scaleway", region),
        ("vercel", _) => one("vercel", "global"),
        ("railway", _) => one("railway", "global"),
        ("render", _) => one("render", "global"),
        _ => None,
    }
}
