//! What N customers cost in one draw, as a float: compiled once per draw, so that a customer count costs a
//! handful of operations.

use std::ops::Deref;

use nest_data::{config::Scaling, units::DAYS_PER_MONTH};

use super::{
    PricedConfig,
    inputs::ScenarioInputs,
    meters::ShareOf,
    placed::{Host, Units},
    sizing::Sizing,
    units::UnitCounts,
};
use crate::pricing::price_together_float;

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
        for (placed, sizing) in self.placed.iter().zip(&load.sizings) {
            let (Host::Units(units), Some(sizing)) = (&placed.host, sizing) else {
                continue;
            };
            let (list, paid) = self.units_cost(units, sizing, customers, placed.placement.scale);
            listed += list * units.exchange;
            priced += paid * units.exchange * units.contract;
        }
        let together = self.shares_pools.then(|| {
            let bought: Vec<_> = (0..self.metered.len())
                .map(|meter| self.metered[meter].bought(self.units_of(load, meter, customers)))
                .collect();
            price_together_float(&bought)
        });
        priced += (0..self.metered.len())
            .map(|meter| self.meter_cost(load, meter, customers, listed, together.as_deref()))
            .sum::<f64>();
        self.fixed_sum + priced * inputs.price_level
    }

    /// Whether a meter has a price only up to some quantity.
    pub fn has_open_price(&self) -> bool {
        self.metered
            .iter()
            .any(|metered| metered.known_up_to().is_finite())
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
        UnitCounts::new(sizing, customers, self.placed[placed].placement.scale, &self.bins).mean()
            * units.month_hours
    }

    /// Cost of a meter if instances cost `listed` at their list price and meters that share what is free were
    /// priced together.
    fn meter_cost(
        &self,
        load: &CompiledCosts,
        meter: usize,
        customers: f64,
        listed: f64,
        together: Option<&[f64]>,
    ) -> f64 {
        let metered = &self.metered[meter];
        match (metered.share(), together) {
            (Some((ShareOf::Instances, share)), _) => listed * share,
            (Some((ShareOf::Meter(id), share)), _) => {
                let other = self
                    .metered
                    .iter()
                    .position(|other| other.meter.id == id && other.book.name() == metered.book.name());
                other.map_or(0.0, |other| {
                    self.meter_cost(load, other, customers, listed, together) * share
                })
            }
            (None, Some(together)) if metered.included.is_zero() => together[meter] * metered.factor,
            (None, _) => metered.price(self.units_of(load, meter, customers)),
        }
    }

    /// Fees of a month, as a float.
    pub fn fees(&self, customers: f64, inputs: &ReadyInputs) -> f64 {
        inputs.costs.fees * customers
    }

    /// List price and what is paid, of one placement on units; in its book's currency.
    fn units_cost(&self, units: &Units<'_>, sizing: &Sizing, customers: f64, scale: Scaling) -> (f64, f64) {
        let counts = UnitCounts::new(sizing, customers, scale, &self.bins);
        let list = units.list_per_hour * units.month_hours;
        let mut paid = counts.sustained(units) * list;
        for commitment in counts.committed(units) {
            let effective = commitment.effective * units.month_hours;
            paid += commitment.used * (effective - list) + commitment.unused * effective;
        }
        (counts.mean() * list, paid)
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
        let sizing = self.sizing(placed, inputs)?;
        Some(UnitCounts::new(
            &sizing,
            customers,
            self.placed[placed].placement.scale,
            &self.bins,
        ))
    }

    /// Mean load over that of the busiest hour, of hours in which units follow it.
    pub fn mean_load(&self, placed: usize) -> f64 {
        match self.placed[placed].placement.scale {
            Scaling::Growth => 1.0,
            Scaling::Hourly => self.bins.iter().map(|bin| bin.share * bin.load).sum(),
        }
    }
}
