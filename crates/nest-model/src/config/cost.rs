//! What N customers cost in one world, as a float: compiled once per world, so that a customer count costs a handful of operations.

use super::{
    PricedConfig, float,
    placed::{Carrier, Units},
};
use crate::{inputs::Inputs, sizing::Sizing};
use nest_data::{config::Scale, profile::LoadBin};

/// A configuration in one world, ready for any number of customers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Load {
    sizings: Vec<Option<Sizing>>,               // by placement
    meters: Vec<(f64, f64, Vec<(usize, f64)>)>, // units per customer, fixed units, units per unit-hour by placement
    fees: f64,                                  // per customer
}

impl PricedConfig<'_> {
    /// Compiles one world.
    pub fn load(&self, inputs: &Inputs) -> Load {
        let meters = self.metered.iter().map(|metered| {
            let quantity = self.quantity(metered, inputs);
            (quantity.slope(), quantity.fixed, quantity.unit_hours)
        });
        let fees = self.fee_behaviours.iter().zip(&inputs.fees).map(|(index, fee)| fee * inputs.rates_per_day[*index]).sum::<f64>();
        Load {
            sizings: (0..self.placed.len()).map(|index| self.sizing(index, inputs)).collect(),
            meters: meters.collect(),
            fees: fees * nest_data::units::DAYS_PER_MONTH,
        }
    }

    /// Cost of a month, as a float. Lines without a price count 0; see [`PricedConfig::unknown_lines`].
    pub fn cost(&self, customers: f64, inputs: &Inputs) -> f64 {
        let load = &inputs.load;
        let mut sum = self.fixed.iter().map(|fixed| float(fixed.amount)).sum::<f64>();
        let mut listed = 0.0;
        let mut hours = [0.0; MOST_PLACED];
        for (index, placed) in self.placed.iter().enumerate() {
            let (Carrier::Units(units), Some(sizing)) = (&placed.carrier, &load.sizings[index]) else { continue };
            let (ran, list, paid) = self.units_cost(units, sizing, customers, placed.placement.scale);
            hours[index.min(MOST_PLACED - 1)] = ran;
            let exchange = float(placed.exchange);
            listed += list * exchange;
            sum += paid * exchange * float(placed.contract);
        }
        for (metered, (slope, fixed, unit_hours)) in self.metered.iter().zip(&load.meters) {
            sum += match metered.share_of_instances() {
                Some(share) => listed * share,
                None => {
                    let of_units: f64 = unit_hours.iter().map(|(placed, times)| hours[(*placed).min(MOST_PLACED - 1)] * times).sum();
                    metered.price(slope * customers + fixed + of_units)
                }
            };
        }
        sum
    }

    /// Fees of a month, as a float.
    pub fn fees(&self, customers: f64, inputs: &Inputs) -> f64 {
        inputs.load.fees * customers
    }

    /// Hours that run, their list price and what is paid, of one placement on units; in its book's currency.
    fn units_cost(&self, units: &Units<'_>, sizing: &Sizing, customers: f64, scale: Scale) -> (f64, f64, f64) {
        let per_hour = units.per_hour.map_or(0.0, float);
        let counts = Counts::new(sizing, customers, scale, &self.bins);
        let hours = counts.mean() * self.month_hours;
        let mut paid = counts.sustained(units) * self.month_hours * per_hour;
        for (used, unused, effective) in counts.committed(units) {
            paid += (used * (effective - per_hour) + unused * effective) * self.month_hours;
        }
        (hours, hours * per_hour, paid)
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

/// Units that run in each bin of hours, the busiest first.
pub struct Counts<'b> {
    bins: &'b [LoadBin],
    sizing: Sizing,
    customers: f64,
    hourly: bool,
}

impl<'b> Counts<'b> {
    fn new(sizing: &Sizing, customers: f64, scale: Scale, bins: &'b [LoadBin]) -> Self {
        Self { bins, sizing: *sizing, customers, hourly: scale == Scale::Hourly }
    }

    /// Share of the hours and units that run in them.
    fn each(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let spare = f64::from(self.sizing.spare);
        let bins = if self.hourly { self.bins } else { &[] };
        let steady = (!self.hourly).then(|| (1.0, self.sizing.instances(self.customers) + spare));
        steady.into_iter().chain(bins.iter().map(move |bin| (bin.share, self.sizing.instances(self.customers * bin.load) + spare)))
    }

    /// Mean number of units.
    pub fn mean(&self) -> f64 {
        self.each().map(|(share, count)| share * count).sum()
    }

    /// Mean number of units as paid, after a discount for running all of a month.
    ///
    /// # Formula
    /// Units that run in the busiest k bins only run a share s_k of the month: `sum_k (n_k - n_(k+1)) G(s_k)`, G the integral of the schedule.
    ///
    /// Source: `reference/pricing.md` R13.
    pub fn sustained(&self, units: &Units<'_>) -> f64 {
        let Some(schedule) = units.instance.map(|instance| &instance.price.sustained).filter(|schedule| !schedule.is_empty()) else {
            return self.mean();
        };
        let paid = |share: f64| {
            let mut below = 0.0;
            let mut sum = 0.0;
            for part in schedule {
                let end = float(part.up_to.0).min(share);
                sum += (end - below).max(0.0) * float(part.factor.0);
                below = end.max(below);
            }
            sum
        };
        let steps: Vec<(f64, f64)> = self.each().collect();
        let mut share = 0.0;
        let mut sum = 0.0;
        for (index, (part, count)) in steps.iter().enumerate() {
            share += part;
            let next = steps.get(index + 1).map_or(0.0, |(_, count)| *count);
            sum += (count - next).max(0.0) * paid(share);
        }
        sum
    }

    /// Mean number of committed units that are used, that are not, and their effective price an hour, for each commitment in turn.
    ///
    /// # Formula
    /// `used + unused = bought` in every hour; `effective = upfront / term hours + recurring`.
    ///
    /// Source: `reference/pricing.md` R10 to R12.
    pub fn committed(&self, units: &Units<'_>) -> Vec<(f64, f64, f64)> {
        let mut before = 0.0;
        let mut found = Vec::new();
        for (commitment, count) in &units.commitments {
            let count = f64::from(*count);
            let used: f64 = self.each().map(|(share, running)| share * (running - before).clamp(0.0, count)).sum();
            found.push((used, count - used, effective_per_hour(commitment)));
            before += count;
        }
        found
    }
}

/// What a commitment costs an hour of its term, per unit, everything spread evenly.
fn effective_per_hour(commitment: &nest_data::price_book::Commitment) -> f64 {
    let hours_per_month = float(HOURS_PER_YEAR) / 12.0;
    let recurring = match commitment.unit {
        nest_data::price_book::InstanceUnit::H => float(commitment.recurring.0),
        nest_data::price_book::InstanceUnit::Month => float(commitment.recurring.0) / hours_per_month,
    };
    float(commitment.upfront.0) / (f64::from(commitment.term_months) * hours_per_month) + recurring
}

/// Hours of a year in a commitment's term: 365 x 24, R10.
pub const HOURS_PER_YEAR: rust_decimal::Decimal = rust_decimal::Decimal::from_parts(8_760, 0, 0, false, 0);
