//! What the meters of services.csv are called in a book, and in which unit they are billed.

mod table;

use self::table::RULES;
use crate::price_book::FreeKind;

/// What becomes of the rows of one meter of the file.
#[derive(Debug, Clone, Copy)]
pub struct ServiceRule {
    pub provider: &'static str,
    pub service: &'static str,
    pub meter: &'static str,
    pub mapping: RowMapping,
}

/// Where they go.
#[derive(Debug, Clone, Copy)]
pub enum RowMapping {
    /// Tiers of a meter.
    Meter(MeterRule),
    /// A share of the list price of instances.
    Share(&'static str),
    /// The price of a plan.
    Plan(&'static str),
    /// A free quantity of meters, in all regions.
    Free(FreeRule),
    /// An instance type that is priced by the month.
    Machine,
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

const fn rule(
    provider: &'static str,
    service: &'static str,
    name: &'static str,
    meter: MeterRule,
) -> ServiceRule {
    ServiceRule {
        provider,
        service,
        meter: name,
        mapping: RowMapping::Meter(meter),
    }
}

const fn other(
    provider: &'static str,
    service: &'static str,
    name: &'static str,
    mapping: RowMapping,
) -> ServiceRule {
    ServiceRule {
        provider,
        service,
        meter: name,
        mapping,
    }
}

const MILLION: &str = "1000000";
const GROUP: &str = "it is for a group of regions that no book is of";

/// The rule of a meter.
pub fn find(provider: &str, service: &str, meter: &str) -> Option<&'static ServiceRule> {
    RULES
        .iter()
        .find(|rule| rule.provider == provider && rule.service == service && rule.meter == meter)
}

/// The rule of a book's meter, by its name there.
pub fn by_id(provider: &str, id: &str) -> Option<&'static MeterRule> {
    RULES
        .iter()
        .filter(|rule| rule.provider == provider)
        .find_map(|rule| match &rule.mapping {
            RowMapping::Meter(meter) if meter.id == id => Some(meter),
            _ => None,
        })
}

/// Provider and region of the book that a row is for; several where it holds for all of a provider. None
/// where no book is of its group.
pub fn book_regions(provider: &str, region: &str) -> Option<(&'static str, Vec<String>)> {
    let one = |provider, region: &str| Some((provider, vec![region.to_owned()]));
    match (provider, region) {
        ("aws", region) => one("aws", region),
        ("gcp", region) if !region.contains(' ') => one("gcp", region),
        ("azure", region) => one("azure", region),
        ("cloudflare", _) => one("cloudflare", "global"),
        ("fly.io", "iad" | "all" | "north-america+europe" | "baseline region") => one("fly", "iad"),
        ("auth0", _) => one("webtask", "global"),
        ("hetzner", _) => one("hetzner", "eu"),
        ("digitalocean", "all") => one("digitalocean", "global"),
        ("digitalocean", region) => one("digitalocean", region),
        _ => None,
    }
}
