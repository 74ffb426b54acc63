//! A configuration joined with its price books: what carries each tier, and what is paid for.
//!
//! Where tiers run is in `placed`, what N customers cost as a float in `cost`, as a bill in decimals in `bill`.

mod bill;
mod cost;
mod explain;
mod finder;
mod meters;
mod placed;
mod units;

use std::sync::Arc;

use jiff::civil::Date;
use nest_data::{
    PriceBook, ScalingModel,
    measurement::ResourceKind,
    profile::LoadBin,
    scaling::{QuantileLaw, ResourceModel},
    study::{Platform, Study},
};
use rust_decimal::{
    Decimal,
    prelude::{FromPrimitive, ToPrimitive},
};

pub use self::{
    bill::total,
    cost::CompiledCosts,
    explain::{explain_demand, thousands},
    placed::{Host, SizedPlacement},
};
use self::{finder::Finder, meters::Metered};
use crate::{
    ModelError,
    project::inputs::ReadyInputs,
    project::sizing::Sizing,
    response::{QueueingDelay, QueueingDelays},
};
use nest_data::config::Config;

/// Bytes of one GiB.
pub const BYTES_PER_GIB: f64 = 1_073_741_824.0;
/// Most units of anything on a bill, so that exact arithmetic stays inside its 28 digits.
const MOST_UNITS: Decimal = Decimal::from_parts(2_808_348_672, 232_830_643, 0, false, 0); // 10^18
/// Decimal places of quantities and amounts.
pub const DIGITS: u32 = 12;

/// A configuration with everything it needs from its books.
pub struct PricedConfig<'a> {
    pub name: &'a str,
    pub config: &'a Config,
    pub study: &'a Study,
    pub behaviours: Vec<String>,
    pub peak_per_day: f64, // executions per second in the busiest minute, for one a day
    pub placed: Vec<SizedPlacement<'a>>, // the main placement first
    pub unsized_resources: Vec<UnsizedResource<'a>>, // resources that stay as they were measured
    pub delays: Vec<Arc<QueueingDelay>>, // of the model's laws of response time, in their order, on this configuration's servers
    pub month_hours: f64,
    bins: Vec<LoadBin>,         // hours by load, the busiest first
    requests: Vec<f64>,         // requests per execution, by behaviour
    light_request_s: Vec<f64>,  // median of one at light load, by behaviour
    metered: Vec<Metered<'a>>,  // each meter once
    fixed: Vec<FixedAmount>,    // amounts each month, whoever comes
    fixed_sum: f64,             // of them
    shares_pools: bool,         // whether several meters draw from one free quantity
    fee_behaviours: Vec<usize>, // behaviour of each of the study's fees
}

/// An amount each month.
pub struct FixedAmount {
    pub name: String,
    pub amount: Decimal,
    pub source: String,
}

/// A measured resource with a capacity that the configuration neither sizes nor replaces. It still binds.
pub struct UnsizedResource<'a> {
    pub resource: &'a ResourceModel,
    pub capacity: f64,
    pub placed: Option<usize>, // the placement it is part of: it comes again with every unit of it
    pub counts: Vec<bool>,     // behaviours that still use it
}

impl<'a> PricedConfig<'a> {
    /// Joins a configuration with its books, at the prices of a day.
    pub fn new(
        study: &'a Study,
        model: &'a ScalingModel,
        name: &'a str,
        config: &'a Config,
        books: &'a [PriceBook],
        delays: &QueueingDelays,
        on: Date,
    ) -> Result<Self, ModelError> {
        let behaviours: Vec<String> = study.behaviours.keys().cloned().collect();
        let facts = |value: &dyn Fn(&nest_data::scaling::BehaviourFacts) -> f64| {
            behaviours
                .iter()
                .map(|behaviour| {
                    model
                        .behaviours
                        .iter()
                        .find(|facts| facts.name == *behaviour)
                        .map_or(0.0, value)
                })
                .collect::<Vec<_>>()
        };
        let finders = Finder::of(study, name, config, books, on)?;
        let placed = config
            .placements()
            .zip(&finders)
            .map(|(placement, finder)| SizedPlacement::new(config, placement, finder, &behaviours))
            .collect::<Result<Vec<_>, _>>()?;
        let mut metered = Vec::new();
        let mut fixed = Vec::new();
        for (index, (placed, finder)) in placed.iter().zip(&finders).enumerate() {
            meters::of_placement(index, placed, finder, &mut metered)?;
        }
        meters::of_config(config, &finders[0], &mut metered)?;
        meters::of_plans(&placed, &finders, &mut metered, &mut fixed)?;
        fixed.extend(config.monthly.iter().map(|(name, amount)| FixedAmount {
            name: name.clone(),
            amount: amount.0,
            source: STUDY.to_owned(),
        }));
        fixed.extend(config.people.iter().map(|people| FixedAmount {
            name: format!("people, {} h at {}", people.hours, people.rate),
            amount: people.hours.0 * people.rate.0,
            source: STUDY.to_owned(),
        }));
        let position = |fee: &nest_data::fee::Fee| {
            behaviours
                .iter()
                .position(|name| *name == fee.behaviour)
                .expect("checked when it was read")
        };
        let mut priced = Self {
            name,
            config,
            study,
            unsized_resources: unsized_resources(model, config, &placed, &behaviours),
            requests: facts(&|facts| facts.requests),
            light_request_s: facts(&|facts| facts.light_request_s.unwrap_or(0.0)),
            peak_per_day: study.busiest_minute_per_s(),
            bins: study.customers.load_bins(),
            month_hours: float(finders[0].book.month_hours.0),
            fee_behaviours: study.fees.values().map(position).collect(),
            shares_pools: metered.iter().enumerate().any(|(index, one)| {
                one.pool().is_some()
                    && metered[..index]
                        .iter()
                        .any(|other: &Metered<'_>| other.pool() == one.pool())
            }),
            fixed_sum: fixed.iter().map(|fixed| float(fixed.amount)).sum(),
            placed,
            metered,
            fixed,
            behaviours,
            delays: Vec::new(),
        };
        priced.delays = delays.at(&model.quantiles, |law| priced.servers(law));
        Ok(priced)
    }

    /// Servers of the queue that a law of response times speaks of.
    fn servers(&self, law: &QuantileLaw) -> f64 {
        match self.carrying_law(law).map(|placed| &self.placed[placed].host) {
            Some(Host::Units(units)) => units.cores,
            _ => law.servers,
        }
    }

    /// The placement that the study's main tier has.
    pub fn main(&self) -> &SizedPlacement<'a> {
        &self.placed[0]
    }

    /// The main placement's book.
    pub fn book(&self) -> &'a PriceBook {
        self.main().book
    }

    /// Position of a resource among those that stay as they were measured.
    pub fn kept_index(&self, resource: &str) -> Option<usize> {
        self.unsized_resources
            .iter()
            .position(|unsized_resources| unsized_resources.resource.name == resource)
    }

    /// The placement on which a behaviour uses the processor of a tier.
    pub fn carrying(&self, tier: &str, behaviour: &str) -> Option<usize> {
        let behaviour = self.behaviours.iter().position(|name| name == behaviour)?;
        self.placed
            .iter()
            .position(|placed| placed.placement.tier == tier && placed.carries[behaviour])
    }

    /// The placement whose processors a law of response times speaks of; none where they stay as measured.
    pub fn carrying_law(&self, law: &QuantileLaw) -> Option<usize> {
        let tier = law.resource.split('/').next().unwrap_or_default();
        if self
            .kept_index(&law.resource)
            .is_some_and(|index| self.unsized_resources[index].counts_behaviour(self, &law.behaviour))
        {
            return None;
        }
        self.carrying(tier, &law.behaviour)
    }

    /// Whether a tier, or a part of it, has a place.
    pub fn is_placed(&self, tier: &str) -> bool {
        self.placed.iter().any(|placed| placed.placement.tier == tier)
    }

    /// What carries the tiers, in words.
    pub fn shape(&self) -> String {
        let shapes: Vec<String> = self
            .placed
            .iter()
            .map(|placed| placed.shape(self.placed.len() > 1))
            .collect();
        shapes.join("; ")
    }

    /// Sizing of a placement in one draw; none for functions.
    pub fn sizing(&self, placed: usize, inputs: &ReadyInputs) -> Option<Sizing> {
        let (of, used) = (&self.placed[placed], &inputs.placed[placed]);
        let Host::Units(units) = &of.host else {
            return None;
        };
        let reserve = used.reserve;
        Some(Sizing {
            busy_per_customer: self.peak_per_day * inputs.busier * inputs.busy_per_day_of(placed)
                / used.speed,
            law: used.law,
            idle: used.idle / used.speed,
            cores: units.cores,
            reserve,
            target: used.most_utilisation.min(1.0 - reserve),
            least: of.placement.min,
            spare: of.placement.spare(),
        })
    }

    /// The first placement on units with its sizing: what a table of months counts.
    pub fn counted(&self, inputs: &ReadyInputs) -> Option<(usize, Sizing)> {
        (0..self.placed.len()).find_map(|index| Some((index, self.sizing(index, inputs)?)))
    }

    /// Units that run in the busiest hour, spare ones among them; none where everything is functions.
    pub fn instances(&self, customers: f64, inputs: &ReadyInputs) -> Option<f64> {
        self.counted(inputs)
            .map(|(_, sizing)| sizing.instances(customers) + f64::from(sizing.spare))
    }

    /// Lines that have no price.
    pub fn unknown_lines(&self) -> usize {
        let units = self
            .placed
            .iter()
            .filter(|placed| matches!(&placed.host, Host::Units(units) if units.instance.is_some() && units.per_hour.is_none()));
        units.count() + self.metered.iter().filter(|metered| !metered.is_known()).count()
    }

    /// Every source of a book that its prices rest on.
    pub fn sources(&self) -> Vec<(&'a PriceBook, &'a str)> {
        let units = self.placed.iter().flat_map(|placed| placed.sources());
        let priced = self.metered.iter().filter(|metered| metered.is_known());
        units
            .chain(priced.map(|metered| (metered.book, metered.meter.source.as_str())))
            .collect()
    }
}

/// Where an amount is from that no book holds.
const STUDY: &str = "the study";

impl UnsizedResource<'_> {
    fn counts_behaviour(&self, priced: &PricedConfig<'_>, behaviour: &str) -> bool {
        priced
            .behaviours
            .iter()
            .zip(&self.counts)
            .any(|(name, counts)| name == behaviour && *counts)
    }
}

/// What a configuration leaves as it was measured: of other tiers everything, of a placed one what is no part of its platform. A pair
/// of behaviour and tier that is placed elsewhere no longer uses it.
fn unsized_resources<'a>(
    model: &'a ScalingModel,
    config: &Config,
    placed: &[SizedPlacement<'_>],
    behaviours: &[String],
) -> Vec<UnsizedResource<'a>> {
    let of = |resource: &'a ResourceModel| {
        let whole = config
            .placements()
            .position(|placement| placement.tier == resource.tier && placement.behaviours.is_empty());
        let moved = |index: usize| {
            placed.iter().any(|one| {
                one.placement.tier == resource.tier
                    && !one.placement.behaviours.is_empty()
                    && one.carries[index]
            })
        };
        let of_platform = whole.is_some_and(|index| {
            placed[index].placement.platform == Platform::Function
                || matches!(resource.kind, ResourceKind::Cpu | ResourceKind::Memory)
        });
        let capacity = resource.capacity.filter(|_| !of_platform)?;
        Some(UnsizedResource {
            resource,
            capacity,
            placed: whole,
            counts: (0..behaviours.len()).map(|index| !moved(index)).collect(),
        })
    };
    model.resources.iter().filter_map(of).collect()
}

/// A decimal as a float.
pub fn float(value: Decimal) -> f64 {
    value.to_f64().unwrap_or(f64::NAN)
}

/// A quantity as a decimal, to [`DIGITS`] digits after the point.
pub fn decimal(value: f64, config: &str) -> Result<Decimal, ModelError> {
    let quantity = Decimal::from_f64(value).filter(|quantity| quantity.abs() <= MOST_UNITS);
    quantity
        .map(|quantity| quantity.round_dp(DIGITS))
        .ok_or_else(|| ModelError::TooLarge {
            what: format!("{value:e} units in configuration `{config}`"),
        })
}
