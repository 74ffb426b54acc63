//! Where one tier, or some behaviours of it, run.

use nest_data::{
    PriceBook,
    config::{AfterTerm, Config, Placement, Scaling, Spot},
    measurement::ResourceKind,
    price_book::{Adjustment, Commitment, CommitmentKind, Instance, InstanceUnit},
    study::Platform,
    units::QuotedDecimal,
};
use rust_decimal::Decimal;

use super::{
    BYTES_PER_GIB,
    cold_start::{ColdStart, ColdStarts},
    finder::Finder,
};
use crate::{
    error::ModelError,
    pricing::{SustainedUse, amortised_per_month, contract_factor, float},
};

/// Speed of one virtual CPU against one measured core, if the two were never compared.
const ASSUMED_SPEED: [f64; 2] = [0.85, 1.15];
/// Limits of a function host in a book, after the host's name.
const CONCURRENCY: &str = "concurrency";
const MEMORY_PER_VCPU: &str = "memory_per_vcpu";
const MEMORY_STEP: &str = "memory_step";
const SHORTEST: &str = "duration_min";
const SCALING: &str = "concurrency_scaling_rate";
/// MB that a provider counts as one GiB of memory-seconds: AWS divides by 1,024.
const MB_PER_GIB: f64 = 1_024.0;
/// Architecture of a placement whose study names none.
pub const DEFAULT_ARCH: &str = "x86_64";

/// A placement with what carries it.
pub struct SizedPlacement<'a> {
    pub placement: &'a Placement,
    pub book: &'a PriceBook,
    pub carries: Vec<bool>, // by behaviour
    pub host: Host<'a>,
    pub pair: String,      // ` of pay`: the behaviours that it is for, empty for a whole tier
    pub label: String,     // what it is called among resources: `app/cpu`, `app/cpu of pay`
    pub exchange: Decimal, // units of the study's currency for one of the book's
}

/// What carries it.
pub enum Host<'a> {
    Units(Units<'a>),
    Function(Function),
}

/// Instances, nodes or tasks that run by the hour.
pub struct Units<'a> {
    pub instance: Option<&'a Instance>, // `None` for tasks, which are paid by meter
    pub cores: f64,                     // that a unit gives to the tier
    pub memory_bytes: f64,
    pub per_hour: Option<Decimal>, // list price in the book's currency
    pub commitments: Vec<(&'a Commitment, u32)>,
    pub spot: Option<SpotUnits>,
    pub effective: Vec<f64>, // price of a committed unit for an hour, by commitment
    pub sustained: Option<SustainedUse<f64>>,
    pub list_per_hour: f64, // 0 if it is not known
    pub month_hours: f64,   // of its book
    pub exchange: f64,
    pub contract: f64, // what is paid of a list price
}

/// Units on spot capacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpotUnits {
    pub share: f64,        // of the units that run
    pub reserve: f64,      // kept for those that are taken away, as a share of them
    pub per_hour: Decimal, // price in the book's currency
}

/// A function of one size.
pub struct Function {
    pub host: String,
    pub arch: String,
    pub memory_gib: f64, // as billed
    pub processor_share: f64,
    pub concurrency: Option<f64>, // functions that may run at once
    pub per_10_s: Option<f64>,    // by which that may grow in ten seconds
    pub shortest_s: f64,          // billed at least
    pub cold_starts: ColdStarts,
}

impl<'a> SizedPlacement<'a> {
    /// Joins a placement with its book.
    pub fn new(
        config: &Config,
        placement: &'a Placement,
        finder: &Finder<'a>,
        behaviours: &[String],
    ) -> Result<Self, ModelError> {
        let elsewhere = |name: &String| {
            placement.behaviours.is_empty()
                && config.placements().any(|other| {
                    other.tier == placement.tier && other.behaviours.iter().any(|one| one == name)
                })
        };
        let carries = |name: &String| {
            (placement.behaviours.is_empty() || placement.behaviours.contains(name)) && !elsewhere(name)
        };
        let host = match placement.platform {
            Platform::Function => Host::Function(function(placement, finder)?),
            _ => Host::Units(units(placement, finder)?),
        };
        let pair = if placement.behaviours.is_empty() {
            String::new()
        } else {
            format!(" of {}", placement.behaviours.join(", "))
        };
        Ok(Self {
            placement,
            book: finder.book,
            carries: behaviours.iter().map(carries).collect(),
            label: ResourceKind::Cpu.name_in(&placement.tier) + &pair,
            pair,
            exchange: finder.exchange,
            host,
        })
    }

    /// Its 90 % range of speed, and whether it is only assumed.
    pub fn speed(&self) -> ([f64; 2], bool) {
        (
            self.placement.speed.unwrap_or(ASSUMED_SPEED),
            self.placement.speed.is_none(),
        )
    }

    /// What its processors are, so that equal ones are equally fast in a draw.
    pub fn hardware(&self) -> String {
        match &self.host {
            Host::Units(_) => format!(
                "{} {}",
                self.book.provider,
                self.placement.sku.as_deref().unwrap_or("task")
            ),
            Host::Function(function) => {
                format!("{} {} {}", self.book.provider, function.host, function.arch)
            }
        }
    }

    /// Its cold starts and the name of its host; `None` if it runs on units, which have none.
    pub fn cold_starts(&self) -> Option<(&ColdStarts, &str)> {
        match &self.host {
            Host::Units(_) => None,
            Host::Function(function) => Some((&function.cold_starts, &function.host)),
        }
    }

    /// Its cold starts in the point estimate.
    pub fn middle_cold_start(&self) -> ColdStart {
        self.cold_starts()
            .map_or(ColdStart::default(), |(cold_starts, _)| cold_starts.middle())
    }

    /// Factor from a time of processor work on a measured core to one on this platform, at a speed of its
    /// processors.
    pub fn slowdown(&self, speed: f64) -> f64 {
        match &self.host {
            Host::Units(_) => 1.0 / speed,
            Host::Function(function) => 1.0 / (speed * function.processor_share),
        }
    }

    /// Most units that carry load; infinite if it never runs out.
    pub fn most_units(&self) -> f64 {
        match self.host {
            Host::Function(_) => f64::INFINITY,
            Host::Units(_) => self.placement.max().map_or(f64::INFINITY, f64::from),
        }
    }

    /// List price of one more unit for a month, in the study's currency; `None` if it has none, or if the
    /// unit runs only in some hours of the month.
    pub fn unit_month(&self) -> Option<QuotedDecimal> {
        let Host::Units(units) = &self.host else {
            return None;
        };
        let is_steady = self.placement.scale == Scaling::Growth;
        let month = units.per_hour.filter(|_| is_steady)? * self.book.month_hours.0 * self.exchange;
        Some(QuotedDecimal(month.round_dp(6).normalize()))
    }

    /// What it is, in words; with its tier if there are several.
    pub fn shape(&self, with_tier: bool) -> String {
        let placement = self.placement;
        let what = match &self.host {
            Host::Units(Units {
                instance: Some(instance),
                cores,
                ..
            }) => {
                let type_of = format!(
                    "{} ({} vCPU, {} GiB)",
                    instance.sku, instance.vcpu, instance.memory_gib
                );
                if placement.platform == Platform::Container {
                    format!("containers on {type_of}, {cores} vCPU of it")
                } else {
                    type_of
                }
            }
            Host::Units(Units {
                cores, memory_bytes, ..
            }) => format!("task of {cores} vCPU, {} GiB", memory_bytes / BYTES_PER_GIB),
            Host::Function(function) => {
                format!(
                    "{} function of {} MB, {}",
                    function.host,
                    placement.memory_mb.unwrap_or_default(),
                    function.arch
                )
            }
        };
        match (with_tier, placement.behaviours.as_slice()) {
            (false, _) => what,
            (true, []) => format!("{}: {what}", placement.tier),
            (true, some) => format!("{} of {}: {what}", some.join(", "), placement.tier),
        }
    }

    /// Sources of its own prices; those of meters are not among them.
    pub fn sources(&self) -> Vec<(&'a PriceBook, &'a str)> {
        let Host::Units(units) = &self.host else {
            return Vec::new();
        };
        let commitments = units
            .commitments
            .iter()
            .map(|(commitment, _)| commitment.source.as_str());
        units
            .instance
            .iter()
            .map(|instance| instance.source.as_str())
            .chain(commitments)
            .map(|source| (self.book, source))
            .collect()
    }
}

fn units<'a>(placement: &'a Placement, finder: &Finder<'a>) -> Result<Units<'a>, ModelError> {
    let commitments = placement
        .commitments
        .iter()
        .map(|(id, count)| Ok((covering(placement, finder, id)?, *count)));
    let mut commitments = commitments.collect::<Result<Vec<_>, ModelError>>()?;
    if placement.after_term == AfterTerm::OnDemand {
        commitments.retain(|(commitment, _)| f64::from(commitment.term_months) > finder.months);
    }
    let mut units = Units {
        instance: None,
        cores: 0.0,
        memory_bytes: 0.0,
        per_hour: None,
        effective: commitments
            .iter()
            .map(|(commitment, _): &(&Commitment, u32)| {
                float(
                    committed_month(finder.book, commitment, placement.sku.as_deref())
                        / finder.book.month_hours.0,
                )
            })
            .collect(),
        commitments,
        spot: None,
        sustained: None,
        list_per_hour: 0.0,
        month_hours: float(finder.book.month_hours.0),
        exchange: float(finder.exchange),
        contract: float(contract_factor(
            &finder.book.adjustment,
            placement.sku.as_deref().unwrap_or_default(),
        )),
    };
    let number_or_zero =
        |value: Option<nest_data::units::QuotedDecimal>| value.map_or(0.0, |value| float(value.0));
    if placement.platform == Platform::Task {
        units.cores = number_or_zero(placement.vcpu);
        units.memory_bytes = number_or_zero(placement.memory_gib) * BYTES_PER_GIB;
        return Ok(units);
    }
    let instance = finder.instance(placement.sku.as_deref().unwrap_or_default())?;
    let hours = match instance.price.unit {
        InstanceUnit::H => Decimal::ONE,
        InstanceUnit::Month => finder.book.month_hours.0,
    };
    let baseline = instance.baseline.map_or(1.0, |share| float(share.0));
    let (mut cores, mut memory_bytes) = (
        float(instance.vcpu.0) * baseline,
        float(instance.memory_gib.0) * BYTES_PER_GIB,
    );
    if placement.platform == Platform::Container {
        let left = 1.0 - placement.overhead.map_or(0.0, |share| share.get());
        let (vcpu, memory_gib) = (
            number_or_zero(placement.vcpu),
            number_or_zero(placement.memory_gib),
        );
        let fit = (cores * left / vcpu + 1e-9)
            .floor()
            .min((float(instance.memory_gib.0) * left / memory_gib + 1e-9).floor());
        if fit < 1.0 {
            return Err(ModelError::NoCapacity {
                config: finder.name.to_owned(),
                reason: format!(
                    "a container of {vcpu} vCPU and {memory_gib} GiB does not fit on one {}",
                    instance.sku
                ),
            });
        }
        cores = fit * vcpu;
        memory_bytes = fit * memory_gib * BYTES_PER_GIB;
    }
    units.per_hour = instance.price.on_demand.map(|price| price.0 / hours);
    units.list_per_hour = units.per_hour.map_or(0.0, float);
    units.spot = placement
        .spot
        .as_ref()
        .map(|spot| spot_units(spot, instance, hours, finder))
        .transpose()?;
    let schedule = instance
        .price
        .capped_by_month(finder.book.month_hours.0)
        .unwrap_or_else(|| instance.price.sustained.clone());
    units.sustained = (!schedule.is_empty()).then(|| SustainedUse::new(&schedule).to_float());
    Ok(Units {
        instance: Some(instance),
        cores,
        memory_bytes,
        ..units
    })
}

/// Units on spot capacity, at the price of the study or of the book.
fn spot_units(
    spot: &Spot,
    instance: &Instance,
    hours: Decimal,
    finder: &Finder<'_>,
) -> Result<SpotUnits, ModelError> {
    let listed = instance.price.spot.map(|price| price.0 / hours);
    let per_hour = spot.price.map(|price| price.0).or(listed);
    Ok(SpotUnits {
        share: spot.share.get(),
        reserve: spot.reserve.get(),
        per_hour: per_hour.ok_or_else(|| ModelError::NoSpotPrice {
            config: finder.name.to_owned(),
            sku: instance.sku.clone(),
            book: finder.book.name(),
        })?,
    })
}

/// Price of one unit under a commitment for a month, in the book's currency: with what is paid at once spread
/// over the term, and what a contract for this commitment alone takes off. What it takes off an instance type
/// stands on lines of its own.
pub fn committed_month(book: &PriceBook, commitment: &Commitment, sku: Option<&str>) -> Decimal {
    let per_month = amortised_per_month(commitment, Decimal::ONE, book.month_hours.0);
    per_month * committed_factor(book, commitment, sku)
}

/// What a contract for a commitment, and not for the whole instance type, leaves of its price.
pub fn committed_factor(book: &PriceBook, commitment: &Commitment, sku: Option<&str>) -> Decimal {
    let own = book
        .adjustment
        .iter()
        .filter(|one| !sku.is_some_and(|sku| one.applies_to(sku)));
    let own: Vec<Adjustment> = own.cloned().collect();
    contract_factor(&own, &commitment.id)
}

/// A commitment that covers the placement's instances.
fn covering<'a>(placement: &Placement, finder: &Finder<'a>, id: &str) -> Result<&'a Commitment, ModelError> {
    let commitment = finder.commitment(id)?;
    let sku = placement.sku.as_deref().unwrap_or_default();
    let reason = match (commitment.kind, &commitment.covers.sku) {
        (CommitmentKind::SavingsPlan | CommitmentKind::Block, _) => {
            "it buys an amount of usage, not units; name it under `savings_plans`".to_owned()
        }
        (_, Some(covered)) if covered != sku => format!("it covers {covered}, not {sku}"),
        _ => return Ok(commitment),
    };
    Err(ModelError::NotCovered {
        config: finder.name.to_owned(),
        commitment: id.to_owned(),
        reason,
    })
}

fn function(placement: &Placement, finder: &Finder<'_>) -> Result<Function, ModelError> {
    let host = placement.host_at(&finder.book.provider);
    let limit = |name: &str| finder.limit(&format!("{host}.{name}"));
    let memory_mb = f64::from(placement.memory_mb.unwrap_or_default());
    let step = limit(MEMORY_STEP).unwrap_or(1.0).max(1.0);
    let cold_starts = ColdStarts::of(placement.cold_start.as_ref(), &finder.book.provider, &host);
    Ok(Function {
        memory_gib: (memory_mb / step).ceil() * step / MB_PER_GIB,
        processor_share: limit(MEMORY_PER_VCPU).map_or(1.0, |per_vcpu| (memory_mb / per_vcpu).min(1.0)),
        concurrency: placement.concurrency.or_else(|| limit(CONCURRENCY)),
        per_10_s: limit(SCALING),
        shortest_s: limit(SHORTEST).unwrap_or(0.0) / 1e3,
        cold_starts,
        arch: placement.arch.clone().unwrap_or_else(|| DEFAULT_ARCH.to_owned()),
        host,
    })
}
