//! What N customers cost in one draw, as a float: compiled once per draw, so that a customer count costs a
//! handful of operations.

use std::ops::Deref;

use nest_data::{config::Scaling, units::DAYS_PER_MONTH};

use super::{
    PricedConfig,
    inputs::ScenarioInputs,
    meters::{Metered, ShareOf},
    placed::{Host, SizedPlacement, Units},
    units::Sizing,
    units::UnitCounts,
};
use crate::pricing::{float, price_together_float};

/// Costs of a configuration in one draw, compiled for any number of customers.
#[derive(Debug, Clone, PartialEq)]
struct CompiledCosts {
    sizings: Vec<Option<Sizing>>, // by placement
    meters: Vec<Metering>,
    fees: f64, // per customer
}

/// What one draw says about a configuration, with its costs compiled: ready to be asked what N customers
/// cost.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadyInputs {
    inputs: ScenarioInputs,
    costs: CompiledCosts,
}

impl ScenarioInputs {
    /// The inputs with their costs compiled.
    #[must_use]
    pub fn ready(self, priced: &PricedConfig<'_>) -> ReadyInputs {
        ReadyInputs {
            costs: priced.compile(&self),
            inputs: self,
        }
    }
}

/// Ready inputs answer whatever inputs do. To change them, their costs must be compiled again.
impl Deref for ReadyInputs {
    type Target = ScenarioInputs;

    fn deref(&self) -> &ScenarioInputs {
        &self.inputs
    }
}

/// What counts on one meter.
#[derive(Debug, Clone, Default, PartialEq)]
struct Metering {
    per_customer: f64,             // units a month
    fixed: f64,                    // units a month
    unit_hours: Vec<(usize, f64)>, // units for each hour of a placement's units
}

/// What the costs of meters are worked out from.
#[derive(Clone, Copy)]
struct MeteredCosts<'l> {
    load: &'l CompiledCosts,
    customers: f64,
    listed: f64,                 // list price of the instances used
    covered: Option<&'l [f64]>,  // units of each meter that savings plans cover
    together: Option<&'l [f64]>, // prices of meters that share what is free
}

impl PricedConfig<'_> {
    /// Compiles the costs of one draw.
    fn compile(&self, inputs: &ScenarioInputs) -> CompiledCosts {
        let meters = self.metered.iter().map(|metered| {
            let quantity = self.quantity(metered, inputs);
            Metering {
                per_customer: quantity.slope(),
                fixed: quantity.fixed,
                unit_hours: quantity.unit_hours,
            }
        });
        let fees = self
            .fee_behaviours
            .iter()
            .zip(&inputs.fees)
            .map(|(index, fee)| fee * inputs.rates_per_day[*index])
            .sum::<f64>();
        CompiledCosts {
            sizings: (0..self.placed.len())
                .map(|index| self.sizing(index, inputs))
                .collect(),
            meters: meters.collect(),
            fees: fees * DAYS_PER_MONTH,
        }
    }

    /// Cost of a month, as a float. Lines without a price count 0; see [`PricedConfig::unknown_lines`].
    pub fn cost(&self, customers: f64, inputs: &ReadyInputs) -> f64 {
        let load = &inputs.costs;
        let (mut priced, mut listed) = (0.0, 0.0);
        for (index, (placed, sizing)) in self.placed.iter().zip(&load.sizings).enumerate() {
            let (Host::Units(units), Some(sizing)) = (&placed.host, sizing) else {
                continue;
            };
            let (list, paid) = self.units_cost(index, units, sizing, customers);
            listed += list * units.exchange;
            priced += paid * units.exchange * units.contract;
        }
        let month = self
            .plans
            .as_ref()
            .map(|plans| plans.float_month(self, customers, inputs));
        if let Some((plans, month)) = self.plans.as_ref().zip(month.as_ref()) {
            priced += plans.cost(month) - self.list_price_of(&month.unit_hours);
        }
        let metered = MeteredCosts {
            load,
            customers,
            listed,
            covered: month.as_ref().map(|month| month.metered.as_slice()),
            together: None,
        };
        let together = self.shares_pools.then(|| {
            let bought: Vec<_> = (0..self.metered.len())
                .map(|meter| {
                    let included = self.included_units(&metered, meter);
                    self.metered[meter].bought(self.billed_units(&metered, meter), included)
                })
                .collect();
            price_together_float(&bought)
        });
        let metered = MeteredCosts {
            together: together.as_deref(),
            ..metered
        };
        priced += (0..self.metered.len())
            .map(|meter| self.meter_cost(&metered, meter))
            .sum::<f64>();
        self.fixed_sum + priced * inputs.price_level
    }

    /// Whether a meter has a price only up to some quantity.
    pub fn has_open_price(&self) -> bool {
        self.metered
            .iter()
            .any(|metered| metered.known_up_to().is_finite())
    }

    /// Meters of which a month uses more than there is a price for: name, units up to which there is one, and
    /// the unit.
    pub fn open_meters(&self, customers: f64, inputs: &ReadyInputs) -> Vec<(String, f64, String)> {
        let open = |(index, metered): (usize, &Metered<'_>)| {
            let known = metered.known_up_to();
            let meter = metered.meter;
            (self.units_of(&inputs.costs, index, customers) > known)
                .then(|| (meter.id.clone(), known, meter.unit.clone()))
        };
        self.metered.iter().enumerate().filter_map(open).collect()
    }

    /// Whether a quantity of a month is beyond what its meter has a price for.
    pub fn is_open_at(&self, customers: f64, inputs: &ReadyInputs) -> bool {
        let units = |meter: usize| self.units_of(&inputs.costs, meter, customers);
        let mut meters = self.metered.iter().enumerate();
        meters
            .any(|(index, metered)| metered.known_up_to().is_finite() && units(index) > metered.known_up_to())
    }

    /// Units of a meter in a month.
    fn units_of(&self, load: &CompiledCosts, meter: usize, customers: f64) -> f64 {
        let metering = &load.meters[meter];
        let hours = |(placed, times): &(usize, f64)| self.hours_of(load, *placed, customers) * times;
        metering.per_customer * customers
            + metering.fixed
            + metering.unit_hours.iter().map(hours).sum::<f64>()
    }

    /// Hours a month that the units of a placement run, spare ones among them.
    fn hours_of(&self, load: &CompiledCosts, placed: usize, customers: f64) -> f64 {
        let (Host::Units(units), Some(sizing)) = (&self.placed[placed].host, &load.sizings[placed]) else {
            return 0.0;
        };
        self.counts_of(placed, units, sizing, customers).mean() * units.month_hours
    }

    /// What unit-hours of each placement cost at list price, after the contract, in the study's currency.
    fn list_price_of(&self, unit_hours: &[f64]) -> f64 {
        let cost = |(placed, hours): (&SizedPlacement<'_>, &f64)| match &placed.host {
            Host::Units(units) => hours * units.list_per_hour * units.exchange * units.contract,
            Host::Function(_) => 0.0,
        };
        self.placed.iter().zip(unit_hours).map(cost).sum()
    }

    /// Units of a meter that are not covered by savings plans.
    fn billed_units(&self, of: &MeteredCosts<'_>, meter: usize) -> f64 {
        let covered = of.covered.map_or(0.0, |covered| covered[meter]);
        self.units_of(of.load, meter, of.customers) - covered
    }

    /// Units of a meter that plans, the book and the units that run include.
    fn included_units(&self, of: &MeteredCosts<'_>, meter: usize) -> f64 {
        let metered = &self.metered[meter];
        let with_units = metered
            .with_units_float()
            .iter()
            .map(|(placed, each)| self.hours_of(of.load, *placed, of.customers) / self.month_hours * each);
        metered.included_float() + with_units.sum::<f64>()
    }

    /// What is paid for a meter.
    fn meter_cost(&self, of: &MeteredCosts<'_>, meter: usize) -> f64 {
        self.meter_list(of, meter) * self.metered[meter].contract
    }

    /// List price of what a meter counts, in the study's currency.
    fn meter_list(&self, of: &MeteredCosts<'_>, meter: usize) -> f64 {
        let metered = &self.metered[meter];
        match (metered.share(), of.together) {
            (Some((ShareOf::Instances, share)), _) => of.listed * share,
            (Some((ShareOf::Meter(_), share)), _) => metered
                .other()
                .map_or(0.0, |other| self.meter_list(of, other) * share),
            (None, Some(together)) if metered.shares_tiers() => together[meter] * metered.exchange_float(),
            (None, _) => metered.list_price(self.billed_units(of, meter), self.included_units(of, meter)),
        }
    }

    /// Fees of a month, as a float.
    pub fn fees(&self, customers: f64, inputs: &ReadyInputs) -> f64 {
        inputs.costs.fees * customers
    }

    /// List price and what is paid, of one placement on units; in its book's currency.
    fn units_cost(&self, placed: usize, units: &Units<'_>, sizing: &Sizing, customers: f64) -> (f64, f64) {
        let counts = self.counts_of(placed, units, sizing, customers);
        let list = units.list_per_hour * units.month_hours;
        let mut paid = counts.sustained(units) * list;
        if let Some(spot) = &units.spot {
            let on_spot = counts.spot_mean() + counts.kept_for_spot();
            paid += on_spot * float(spot.per_hour) * units.month_hours;
        }
        for commitment in counts.committed(units) {
            let effective = commitment.effective * units.month_hours;
            paid += commitment.used * (effective - list) + commitment.unused * effective;
        }
        (counts.needed_mean() * list, paid)
    }

    /// Hours a month that the units of a placement run, spare ones among them.
    pub fn unit_hours(&self, placed: usize, customers: f64, inputs: &ScenarioInputs) -> f64 {
        let Host::Units(units) = &self.placed[placed].host else {
            return 0.0;
        };
        self.counts(placed, customers, inputs)
            .map_or(0.0, |counts| counts.mean() * units.month_hours)
    }

    /// Units that run, by hours of equal load.
    pub fn counts(&self, placed: usize, customers: f64, inputs: &ScenarioInputs) -> Option<UnitCounts<'_>> {
        let Host::Units(units) = &self.placed[placed].host else {
            return None;
        };
        let sizing = self.sizing(placed, inputs)?;
        Some(self.counts_of(placed, units, &sizing, customers))
    }

    fn counts_of(&self, placed: usize, units: &Units<'_>, sizing: &Sizing, customers: f64) -> UnitCounts<'_> {
        let scale = self.placed[placed].placement.scale;
        UnitCounts::new(units, sizing, customers, scale, &self.bins)
    }

    /// Mean load over that of the busiest hour, of hours in which units follow it.
    pub fn mean_load(&self, placed: usize) -> f64 {
        match self.placed[placed].placement.scale {
            Scaling::Growth => 1.0,
            Scaling::Hourly => self.bins.iter().map(|bin| bin.share * bin.load).sum(),
        }
    }
}
