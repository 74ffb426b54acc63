//! A configuration joined with its price books: what carries each tier, and what is paid for.
//!
//! Where tiers run is in `placed`, what N customers cost as a float in `cost`, as a bill in decimals in
//! `bill`.

mod bill;
mod cold_start;
mod cost;
mod explain;
mod finder;
mod inputs;
mod lines;
mod local_state;
mod meters;
mod placed;
mod quantities;
mod response;
mod savings;
mod unit_bill;
mod units;

use std::sync::Arc;

use jiff::civil::Date;
use nest_data::{
    PriceBook, ScalingModel,
    config::{AfterTerm, Config, Scaling},
    fee::Fee,
    measurement::ResourceKind,
    price_book::Commitment,
    scaling::{BehaviourFacts, ResourceModel},
    study::customers::profile::LoadBin,
    study::{Platform, Study},
};
use rust_decimal::{Decimal, prelude::FromPrimitive};

pub use self::{
    bill::BillPart,
    cold_start::{ColdStart, ColdStarts},
    cost::ReadyInputs,
    inputs::{
        Activity, BacklogDemand, HostDraw, Progress, ScenarioInputs, backlog_demand, laws_of_objective,
    },
    lines::{drivers, total, weighted_drivers},
    local_state::{local_states, unreplaced_state},
    placed::{Host, SizedPlacement, committed_factor},
    units::Sizing,
};
use self::{finder::Finder, meters::Metered, savings::SavingsPlans};
use crate::{
    error::ModelError,
    pricing::float,
    response::{QueueingDelay, QueueingDelays},
};

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
    // of the model's laws of response time, in their order, on this configuration's servers
    pub delays: Vec<Arc<QueueingDelay>>,
    pub month_hours: f64,
    on: Date,                  // the day whose prices count
    bins: Vec<LoadBin>,        // hours by load, the busiest first
    requests: Vec<f64>,        // requests per execution, by behaviour
    light_request_s: Vec<f64>, // median of one at light load, by behaviour
    metered: Vec<Metered<'a>>, // each meter once
    plans: Option<SavingsPlans<'a>>,
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

/// A monthly payment that the study states.
fn stated_amounts(config: &Config) -> impl Iterator<Item = FixedAmount> {
    let monthly = config.monthly.iter().map(|(name, amount)| FixedAmount {
        name: name.clone(),
        amount: amount.0,
        source: STUDY.to_owned(),
    });
    monthly.chain(config.people.iter().map(|people| FixedAmount {
        name: format!("people, {} h at {}", people.hours, people.rate),
        amount: people.hours.0 * people.rate.0,
        source: STUDY.to_owned(),
    }))
}

/// A fact of each behaviour that was measured; 0 of others.
fn facts(model: &ScalingModel, behaviours: &[String], value: impl Fn(&BehaviourFacts) -> f64) -> Vec<f64> {
    let fact = |behaviour: &String| {
        let facts = model.behaviours.iter().find(|facts| facts.name == *behaviour);
        facts.map_or(0.0, &value)
    };
    behaviours.iter().map(fact).collect()
}

fn fee_behaviour(behaviours: &[String], fee: &Fee) -> usize {
    behaviours
        .iter()
        .position(|name| *name == fee.behaviour)
        .expect("checked when the study was read")
}

/// A measured resource with a capacity that the configuration neither sizes nor replaces. It still binds.
pub struct UnsizedResource<'a> {
    pub resource: &'a ResourceModel,
    pub capacity: f64,
    pub placed: Option<usize>, // the placement it is part of: it comes again with every unit of it
    pub counts: Vec<bool>,     // behaviours that still use it
}

/// The documents from which every configuration of a study is priced.
#[derive(Clone, Copy)]
pub struct PricingSource<'a, 'd> {
    pub study: &'a Study,
    pub model: &'a ScalingModel,
    pub books: &'a [PriceBook],
    pub delays: &'d QueueingDelays,
    pub on: Date,    // the day whose prices count
    pub months: f64, // after the start of growth
}

impl<'a> PricedConfig<'a> {
    /// Joins a configuration with its books, at the prices of a day.
    pub fn new(source: PricingSource<'a, '_>, name: &'a str, config: &'a Config) -> Result<Self, ModelError> {
        let PricingSource { study, model, .. } = source;
        let behaviours: Vec<String> = study.behaviours.keys().cloned().collect();
        meters::check_counts(study, model, name, config)?;
        let finders = Finder::of(study, name, config, source.books, source.on, source.months)?;
        let placed = config
            .placements()
            .zip(&finders)
            .map(|(placement, finder)| SizedPlacement::new(config, placement, finder, &behaviours))
            .collect::<Result<Vec<_>, _>>()?;
        let unsized_resources = unsized_resources(model, config, &placed, &behaviours);
        let (metered, planned) = meters::all(config, &placed, &finders)?;
        let bought = config.savings_plans.iter().filter(|(id, _)| {
            let plan = finders[0].book.commitment(id);
            let is_over = plan.is_some_and(|plan| f64::from(plan.term_months) <= source.months);
            config.main.after_term == AfterTerm::Renew || !is_over
        });
        let bought = bought.map(|(id, amount)| (id.as_str(), amount.0));
        let plans = SavingsPlans::new(bought, &finders[0], &placed, &metered)?;
        let fixed: Vec<FixedAmount> = planned.into_iter().chain(stated_amounts(config)).collect();
        let delays = source.delays.at(&model.quantiles, |law| {
            response::servers(&placed, &unsized_resources, &behaviours, law)
        });
        Ok(Self {
            name,
            config,
            study,
            on: source.on,
            requests: facts(model, &behaviours, |facts| facts.requests),
            light_request_s: facts(model, &behaviours, |facts| facts.light_request_s.unwrap_or(0.0)),
            peak_per_day: study.busiest_minute_per_s(),
            bins: study.customers.load_bins(),
            month_hours: float(finders[0].book.month_hours.0),
            fee_behaviours: study
                .fees
                .values()
                .map(|fee| fee_behaviour(&behaviours, fee))
                .collect(),
            shares_pools: meters::share_pools(&metered),
            fixed_sum: fixed.iter().map(|fixed| float(fixed.amount)).sum(),
            delays,
            unsized_resources,
            placed,
            metered,
            plans,
            fixed,
            behaviours,
        })
    }

    /// The placement that the study's main tier has.
    pub fn main(&self) -> &SizedPlacement<'a> {
        &self.placed[0]
    }

    /// Inputs on the way from one set to another.
    pub fn between(&self, before: &ReadyInputs, after: &ReadyInputs, progress: Progress) -> ReadyInputs {
        before.towards(after, progress, &self.fee_behaviours).ready(self)
    }

    /// Whether what it pays for differs from hour to hour.
    fn follows_hours(&self) -> bool {
        self.placed.iter().any(|placed| {
            matches!(placed.host, Host::Function(_)) || placed.placement.scale == Scaling::Hourly
        })
    }

    /// Savings plans that it buys, each with how many units of it, and what is paid in the study's currency
    /// for 1 of the book's at list price.
    pub fn plans_bought(&self) -> impl Iterator<Item = (&'a Commitment, Decimal, Decimal)> + '_ {
        self.plans.iter().flat_map(SavingsPlans::bought)
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

    /// Whether a tier, or a part of it, is placed.
    pub fn is_placed(&self, tier: &str) -> bool {
        self.placed.iter().any(|placed| placed.placement.tier == tier)
    }

    /// The hosts of the tiers, in words.
    pub fn shape(&self) -> String {
        let shapes: Vec<String> = self
            .placed
            .iter()
            .map(|placed| placed.shape(self.placed.len() > 1))
            .collect();
        shapes.join("; ")
    }

    /// Sizing of a placement in one draw; `None` for functions.
    pub fn sizing(&self, placed: usize, inputs: &ScenarioInputs) -> Option<Sizing> {
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
    pub fn counted(&self, inputs: &ScenarioInputs) -> Option<(usize, Sizing)> {
        (0..self.placed.len()).find_map(|index| Some((index, self.sizing(index, inputs)?)))
    }

    /// Units that run in the busiest hour, spare ones among them; `None` if everything is functions.
    pub fn instances(&self, customers: f64, inputs: &ScenarioInputs) -> Option<f64> {
        self.counted(inputs)
            .map(|(_, sizing)| sizing.instances(customers) + f64::from(sizing.spare))
    }

    /// Lines that have no price.
    pub fn unknown_lines(&self) -> usize {
        let unknown = |placed: &&SizedPlacement<'_>| match &placed.host {
            Host::Units(units) => units.instance.is_some() && units.per_hour.is_none(),
            Host::Function(_) => false,
        };
        let units = self.placed.iter().filter(unknown);
        units.count() + self.metered.iter().filter(|metered| !metered.is_known()).count()
    }

    /// The price that a part of the bill rests on: its book, what it is the price of, and the name of its
    /// source in the book. `None` for what the study states itself, and for tasks, which are paid by meter.
    pub fn priced_item(&self, part: BillPart) -> Option<(&'a PriceBook, &'a str, &'a str)> {
        match part {
            BillPart::Units(index) => {
                let placed = &self.placed[index];
                let Host::Units(units) = &placed.host else {
                    return None;
                };
                let instance = units.instance?;
                Some((placed.book, &instance.sku, &instance.source))
            }
            BillPart::Meter(index) => {
                let metered = &self.metered[index];
                Some((metered.book, &metered.meter.id, &metered.meter.source))
            }
            BillPart::Plan(index) => {
                let plan = self.plans.as_ref()?.plan(index);
                Some((self.book(), &plan.id, &plan.source))
            }
            BillPart::Fixed => None,
        }
    }

    /// Prices that it pays and that change after the day of its prices and before another one: name and day.
    pub fn changes(&self, before: Date) -> Vec<(String, Date)> {
        let mut found = Vec::new();
        for placed in &self.placed {
            if let Some(sku) = &placed.placement.sku {
                found.extend(placed.book.instance_changes(sku).map(|day| (sku.clone(), day)));
            }
        }
        for metered in &self.metered {
            let id = &metered.meter.id;
            found.extend(metered.book.meter_changes(id).map(|day| (id.clone(), day)));
        }
        found.retain(|(_, day)| self.on < *day && *day < before);
        found.sort();
        found.dedup();
        found
    }

    /// Whether something that it pays changes after the day of its prices and before another one: a price, or
    /// what a commitment covers.
    pub fn changes_before(&self, day: Date) -> bool {
        self.terms().iter().any(|(_, _, renewed)| !renewed) || !self.changes(day).is_empty()
    }

    /// Commitments that it buys: name, months of the term, and whether they are renewed.
    pub fn terms(&self) -> Vec<(String, u32, bool)> {
        let of_placement = |placed: &SizedPlacement<'a>| {
            let (book, placement) = (placed.book, placed.placement);
            let renewed = placement.after_term == AfterTerm::Renew;
            let known = placement
                .commitments
                .keys()
                .filter_map(move |id| book.commitment(id));
            known.map(move |commitment| (commitment.id.clone(), commitment.term_months, renewed))
        };
        let plans = self.config.savings_plans.keys();
        let plans = plans.filter_map(|id| self.book().commitment(id));
        let renewed = self.config.main.after_term == AfterTerm::Renew;
        let plans = plans.map(|plan| (plan.id.clone(), plan.term_months, renewed));
        self.placed.iter().flat_map(of_placement).chain(plans).collect()
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

/// What a configuration leaves as it was measured: of other tiers everything, of a placed one what is no part
/// of its platform. A pair of behaviour and tier that is placed elsewhere no longer uses it.
fn unsized_resources<'a>(
    model: &'a ScalingModel,
    config: &Config,
    placed: &[SizedPlacement<'_>],
    behaviours: &[String],
) -> Vec<UnsizedResource<'a>> {
    let left_as_measured = |resource: &'a ResourceModel| {
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
    model.resources.iter().filter_map(left_as_measured).collect()
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
