//! What one draw says about one configuration: how often customers act, and what that uses.

use std::collections::BTreeMap;

use nest_data::{ScalingModel, measurement::ResourceKind, scaling::ResourceModel};

use crate::{
    draws::{ParameterDraw, ResourceDraw},
    laws::load_law::LoadLaw,
    project::config::{CompiledCosts, PricedConfig},
};

/// Seconds that open items add to one execution of a behaviour on a tier's processor, by tier and behaviour; may be below 0
/// where fewer are open than when it was measured.
pub type BacklogDemand = BTreeMap<(String, String), f64>;

/// What customers do, and what they leave behind.
#[derive(Debug, Clone, Copy)]
pub struct Activity<'a> {
    pub rates: &'a BTreeMap<String, f64>, // executions per customer and day
    pub open: &'a BacklogDemand,
    pub stored: Option<f64>, // items in the target; none where the study does not say
    pub fees: &'a [f64],     // of one execution, for each of the study's fees
}

/// What a draw says about one configuration, by behaviour in the order of names.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadyInputs {
    pub rates_per_day: Vec<f64>,             // executions per customer
    pub bytes: Vec<f64>,                     // bytes sent per execution
    pub stored: Option<f64>,                 // items in the target
    pub busier: f64,                         // busiest minute over that of the study
    pub fees: Vec<f64>,                      // of one execution, for each of the study's fees
    pub placed: Vec<PlacementUse>,           // in the configuration's order
    pub unsized_resources: Vec<ResourceUse>, // resources that stay as they were measured, in the configuration's order
    pub load: CompiledCosts,                 // all of it, compiled for costs
}

/// Use of the processors and the memory of one placement.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacementUse {
    pub cpu_s: Vec<f64>, // busy-seconds of a measured core per execution; 0 for behaviours that run elsewhere
    pub law: LoadLaw,    // how that changes with utilisation
    pub idle: f64,       // busy-seconds per second
    pub speed: f64,      // of a virtual CPU against a measured core
    pub memory: Option<ResourceUse>, // resident bytes, and bytes per execution a second
    pub most_utilisation: f64, // that objectives of response time allow, 0-1
    pub reserve: f64,    // share of capacity that policy wants left
}

/// Use of one resource.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceUse {
    pub demand: Vec<f64>, // per execution, by behaviour
    pub idle: f64,        // without load
    pub law: LoadLaw,
}

impl ReadyInputs {
    /// What `draw` says about a configuration, for what customers do and the speed of its processors, by placement. Costs are ready
    /// after [`ReadyInputs::ready`].
    pub fn new(
        model: &ScalingModel,
        priced: &PricedConfig<'_>,
        draw: &ParameterDraw,
        acts: Activity<'_>,
        speeds: &[f64],
    ) -> Self {
        let Activity {
            rates,
            open,
            stored,
            fees,
        } = acts;
        let behaviours = &priced.behaviours;
        let of = |kind: ResourceKind, tier: Option<&str>| {
            let resource = model
                .resources
                .iter()
                .find(|resource| resource.kind == kind && tier.is_none_or(|tier| resource.tier == tier))?;
            Some((resource, draw.resources.get(&resource.name)?))
        };
        let demands = |resource: Option<(&ResourceModel, &ResourceDraw)>,
                       tier: Option<&String>,
                       counts: Option<&[bool]>| {
            let demand = |(index, name): (usize, &String)| {
                if counts.is_some_and(|counts| !counts[index]) {
                    return 0.0;
                }
                let more = tier
                    .filter(|_| !open.is_empty())
                    .and_then(|tier| open.get(&(tier.clone(), name.clone())))
                    .copied()
                    .unwrap_or(0.0);
                let own = resource.map_or(0.0, |(resource, draw)| {
                    match (&resource.size_dependence, stored) {
                        (Some(size), Some(stored)) => draw.demand_stored(name, Some(size), stored),
                        _ => draw.demand.get(name).copied().unwrap_or(0.0),
                    }
                });
                (own + more).max(0.0)
            };
            behaviours.iter().enumerate().map(demand).collect::<Vec<f64>>()
        };
        let unsized_resources = priced.unsized_resources.iter().map(|unsized_resources| {
            let draw = draw
                .resources
                .get(&unsized_resources.resource.name)
                .map(|draw| (unsized_resources.resource, draw));
            let reads = Some(&unsized_resources.resource.tier)
                .filter(|_| unsized_resources.resource.kind == ResourceKind::Cpu);
            ResourceUse {
                demand: demands(draw, reads, Some(&unsized_resources.counts)),
                idle: draw.map_or(0.0, |(_, draw)| draw.idle),
                law: draw.map_or(LoadLaw::default(), |(_, draw)| draw.law),
            }
        });
        let placed = priced.placed.iter().zip(speeds).map(|(placed, speed)| {
            let tier = &placed.placement.tier;
            let cpu = of(ResourceKind::Cpu, Some(tier));
            let memory = of(ResourceKind::Memory, Some(tier));
            PlacementUse {
                cpu_s: demands(cpu, Some(tier), Some(&placed.carries)),
                law: cpu.map_or(LoadLaw::default(), |(_, cpu)| cpu.law),
                idle: cpu.map_or(0.0, |(_, cpu)| cpu.idle),
                speed: *speed,
                memory: memory.map(|(resource, memory)| ResourceUse {
                    demand: demands(Some((resource, memory)), None, Some(&placed.carries)),
                    idle: memory.idle,
                    law: LoadLaw::default(),
                }),
                most_utilisation: 1.0,
                reserve: placed.placement.reserve(),
            }
        });
        Self {
            rates_per_day: behaviours
                .iter()
                .map(|name| rates.get(name).copied().unwrap_or(0.0))
                .collect(),
            bytes: demands(of(ResourceKind::Network, None), None, None),
            stored,
            busier: 1.0,
            fees: fees.to_vec(),
            placed: placed.collect(),
            unsized_resources: unsized_resources.collect(),
            load: CompiledCosts::default(),
        }
    }

    /// The same, with its costs compiled.
    #[must_use]
    pub fn ready(mut self, priced: &PricedConfig<'_>) -> Self {
        self.load = priced.load(&self);
        self
    }

    /// Busy-seconds of measured cores that one customer causes in a day, over all placements.
    pub fn busy_per_day(&self) -> f64 {
        (0..self.placed.len())
            .map(|placed| self.busy_per_day_of(placed))
            .sum()
    }

    /// Busy-seconds of a measured core that one customer causes in a day on one placement.
    pub fn busy_per_day_of(&self, placed: usize) -> f64 {
        per_day(&self.rates_per_day, &self.placed[placed].cpu_s)
    }

    /// Use of a resource that one customer causes in a day.
    pub fn use_per_day(&self, used: &ResourceUse) -> f64 {
        per_day(&self.rates_per_day, &used.demand)
    }

    /// On the way to `after`: a share `adopted` of the customers acts as there, and demand has `settled` to such a share.
    pub fn towards(&self, after: &Self, adopted: f64, settled: f64, priced: &PricedConfig<'_>) -> Self {
        let mix = |before: &[f64], after: &[f64], share: f64| {
            before
                .iter()
                .zip(after)
                .map(|(a, b)| a + (b - a) * share)
                .collect::<Vec<f64>>()
        };
        let used = |(before, after): (&ResourceUse, &ResourceUse)| ResourceUse {
            demand: mix(&before.demand, &after.demand, settled),
            ..after.clone()
        };
        let placed = self
            .placed
            .iter()
            .zip(&after.placed)
            .map(|(before, after)| PlacementUse {
                cpu_s: mix(&before.cpu_s, &after.cpu_s, settled),
                memory: before.memory.as_ref().zip(after.memory.as_ref()).map(used),
                ..after.clone()
            });
        let rates_per_day = mix(&self.rates_per_day, &after.rates_per_day, adopted);
        let mixed = Self {
            placed: placed.collect(),
            unsized_resources: self
                .unsized_resources
                .iter()
                .zip(&after.unsized_resources)
                .map(used)
                .collect(),
            fees: mix(&self.fees, &after.fees, adopted),
            rates_per_day,
            bytes: after.bytes.clone(),
            stored: after.stored,
            busier: after.busier,
            load: CompiledCosts::default(),
        };
        mixed.ready(priced)
    }
}

fn per_day(rates: &[f64], demand: &[f64]) -> f64 {
    rates.iter().zip(demand).map(|(rate, demand)| rate * demand).sum()
}
