//! What N customers cost in one world, as a float: compiled once per world, so that a customer count costs a handful of operations.

use nest_data::{config::Scale, units::DAYS_PER_MONTH};

use super::{
    PricedConfig,
    placed::{Carrier, Units},
    units::Counts,
};
use crate::{inputs::Inputs, pricing::price_together_float, sizing::Sizing};

/// A configuration in one world, ready for any number of customers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Load {
    sizings: Vec<Option<Sizing>>, // by placement
    meters: Vec<Metering>,
    fees: f64, // per customer
}

/// What counts on one meter.
#[derive(Debug, Clone, Default, PartialEq)]
struct Metering {
    per_customer: f64,             // units a month
    fixed: f64,                    // units a month
    unit_hours: Vec<(usize, f64)>, // units for each hour of a placement's units
}

impl PricedConfig<'_> {
    /// Compiles one world.
    pub fn load(&self, inputs: &Inputs) -> Load {
        let meters = self.metered.iter().map(|metered| {
            let quantity = self.quantity(metered, inputs);
            Metering { per_customer: quantity.slope(), fixed: quantity.fixed, unit_hours: quantity.unit_hours }
        });
        let fees = self.fee_behaviours.iter().zip(&inputs.fees).map(|(index, fee)| fee * inputs.rates_per_day[*index]).sum::<f64>();
        Load {
            sizings: (0..self.placed.len()).map(|index| self.sizing(index, inputs)).collect(),
            meters: meters.collect(),
            fees: fees * DAYS_PER_MONTH,
        }
    }

    /// Cost of a month, as a float. Lines without a price count 0; see [`PricedConfig::unknown_lines`].
    pub fn cost(&self, customers: f64, inputs: &Inputs) -> f64 {
        let load = &inputs.load;
        let mut sum = self.fixed_sum;
        let mut listed = 0.0;
        let mut hours = [0.0; MOST_PLACED];
        for (index, placed) in self.placed.iter().enumerate() {
            let (Carrier::Units(units), Some(sizing)) = (&placed.carrier, &load.sizings[index]) else { continue };
            let (ran, list, paid) = self.units_cost(units, sizing, customers, placed.placement.scale);
            hours[index.min(MOST_PLACED - 1)] = ran;
            listed += list * units.exchange;
            sum += paid * units.exchange * units.contract;
        }
        let quantity = |metering: &Metering| {
            let of_units: f64 = metering.unit_hours.iter().map(|(placed, times)| hours[(*placed).min(MOST_PLACED - 1)] * times).sum();
            metering.per_customer * customers + metering.fixed + of_units
        };
        if self.shares_pools {
            let bought: Vec<_> = self.metered.iter().zip(&load.meters).map(|(metered, load)| metered.bought(quantity(load))).collect();
            for (metered, price) in self.metered.iter().zip(price_together_float(&bought)) {
                sum += metered.share_of_instances().map_or_else(|| price * metered.factor, |share| listed * share);
            }
            return sum;
        }
        for (metered, load) in self.metered.iter().zip(&load.meters) {
            sum += metered.share_of_instances().map_or_else(|| metered.price(quantity(load)), |share| listed * share);
        }
        sum
    }

    /// Fees of a month, as a float.
    pub fn fees(&self, customers: f64, inputs: &Inputs) -> f64 {
        inputs.load.fees * customers
    }

    /// Hours that run, their list price and what is paid, of one placement on units; in its book's currency.
    fn units_cost(&self, units: &Units<'_>, sizing: &Sizing, customers: f64, scale: Scale) -> (f64, f64, f64) {
        let counts = Counts::new(sizing, customers, scale, &self.bins);
        let hours = counts.mean() * self.month_hours;
        let list = units.list_per_hour;
        let mut paid = counts.sustained(units) * self.month_hours * list;
        for commitment in counts.committed(units) {
            paid += (commitment.used * (commitment.effective - list) + commitment.unused * commitment.effective) * self.month_hours;
        }
        (hours, hours * list, paid)
    }

    /// Hours a month that the units of a placement run, spare ones among them.
    pub fn unit_hours(&self, placed: usize, customers: f64, inputs: &Inputs) -> f64 {
        let Some(sizing) = self.sizing(placed, inputs) else { return 0.0 };
        Counts::new(&sizing, customers, self.placed[placed].placement.scale, &self.bins).mean() * self.month_hours
    }

    /// Units that run, by hours of equal load.
    pub fn counts(&self, placed: usize, customers: f64, inputs: &Inputs) -> Option<Counts<'_>> {
        let sizing = self.sizing(placed, inputs)?;
        Some(Counts::new(&sizing, customers, self.placed[placed].placement.scale, &self.bins))
    }

    /// Mean load over that of the busiest hour, of hours in which units follow it.
    pub fn mean_load(&self, placed: usize) -> f64 {
        match self.placed[placed].placement.scale {
            Scale::Growth => 1.0,
            Scale::Hourly => self.bins.iter().map(|bin| bin.share * bin.load).sum(),
        }
    }
}

/// Most placements of one configuration whose unit-hours drive meters apart; more share the last place.
const MOST_PLACED: usize = 16;
