//! Quantities of every meter of a configuration, from executions and the time that their requests take.

use nest_data::{
    config::{Driver, MeterUse},
    price_book::{Dimension, Meter},
    units::DAYS_PER_MONTH,
};
use rust_decimal::{Decimal, prelude::FromPrimitive};

use super::{
    BYTES_PER_GIB, PricedConfig, decimal,
    inputs::ScenarioInputs,
    meters::{BilledSteps, Counted, Metered, MeteredQuantity},
    placed::{Function, Host, SizedPlacement},
};
use crate::{
    error::ModelError,
    pricing::{billed_units, chunks_of, float, may_fall},
};

/// Seconds in an hour.
const SECONDS_PER_HOUR: f64 = 3_600.0;
/// Hours of a second.
pub(super) const HOURS_OF_SECOND: f64 = 1.0 / 3_600.0;
/// Hours of a millisecond.
pub(super) const HOURS_OF_MS: f64 = 1.0 / 3_600_000.0;
/// Steps in which the time of a function is billed whose memory is paid, where a book names none: ◇ assumed.
const STEP_S: f64 = 1e-3;
/// Time for which a connection to a load balancer stays: ◇ assumed.
const CONNECTION_S: f64 = 1.0;

/// Units of a meter for each of what is counted, without those that the book includes for each.
pub(super) fn times_billed(meter: &Meter, used: &MeterUse) -> f64 {
    // Each request or execution that takes some time is a run of its own.
    let times = match used.driver() {
        Driver::Requests | Driver::Executions if meter.quantum.is_some() => {
            let billed = Decimal::from_f64(used.times()).map(|times| float(billed_units(meter, times)));
            billed.unwrap_or(used.times())
        }
        _ => used.times(),
    };
    let by_each = matches!(
        used.driver(),
        Driver::Requests | Driver::Executions | Driver::Instances | Driver::Stored | Driver::Customers
    );
    match meter.included.as_ref().filter(|_| by_each) {
        Some(included) => (times - float(included.quantity.0)).max(0.0),
        None => times,
    }
}

impl<'a> PricedConfig<'a> {
    /// Factor from what functions are counted in (seconds of memory, milliseconds; `hours` is the length of
    /// that unit of time) to the meter's unit.
    pub fn in_unit_of(metered: &Metered<'a>, hours: f64) -> f64 {
        let of_unit = metered.meter.hours_per_unit(float(metered.book.month_hours.0));
        of_unit.map_or(1.0, |of_unit| hours / of_unit)
    }

    /// What one meter counts in one draw.
    pub fn quantity(&self, metered: &Metered<'a>, inputs: &ScenarioInputs) -> MeteredQuantity {
        let mut quantity = MeteredQuantity {
            by_behaviour: vec![0.0; self.behaviours.len()],
            ..MeteredQuantity::default()
        };
        for counted in &metered.uses {
            match counted {
                Counted::Requests(placed) => self.add_requests(*placed, &mut quantity, |_| 1.0, inputs),
                Counted::MemorySeconds(placed) => {
                    self.add_requests(
                        *placed,
                        &mut quantity,
                        |index| {
                            self.gib_s(metered, *placed, index, inputs)
                                * Self::in_unit_of(metered, HOURS_OF_SECOND)
                        },
                        inputs,
                    );
                }
                Counted::ProcessorMs(placed) => {
                    self.add_requests(
                        *placed,
                        &mut quantity,
                        |index| {
                            self.processor_ms(metered, *placed, index, inputs)
                                * Self::in_unit_of(metered, HOURS_OF_MS)
                        },
                        inputs,
                    );
                }
                Counted::HeldMs(placed) => {
                    self.add_requests(
                        *placed,
                        &mut quantity,
                        |index| {
                            self.held_ms(metered, *placed, index, inputs)
                                * Self::in_unit_of(metered, HOURS_OF_MS)
                        },
                        inputs,
                    );
                }
                Counted::UnitHours(placed, times) => quantity.unit_hours.push((*placed, *times)),
                Counted::Stated(used) => self.add_stated(metered, used, inputs, &mut quantity),
            }
        }
        quantity
    }

    /// The meter without a price; `None` if there is none, or if anything else is unknown.
    pub fn only_unknown_meter(&self) -> Option<usize> {
        let unknown = self.metered.iter().position(|metered| !metered.is_known())?;
        (self.unknown_lines() == 1).then_some(unknown)
    }

    /// Meters of which more can cost less.
    pub fn falling_meters(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.metered
            .iter()
            .filter(|metered| may_fall(metered.meter))
            .map(|metered| metered.meter.id.as_str())
    }

    /// Name of a meter by its position.
    pub fn meter_id(&self, meter: usize) -> &'a str {
        &self.metered[meter].meter.id
    }

    /// Unit of a meter by its position.
    pub fn meter_unit(&self, meter: usize) -> &'a str {
        &self.metered[meter].meter.unit
    }

    /// Units of a meter in a month.
    pub fn metered_quantity(&self, meter: usize, customers: f64, inputs: &ScenarioInputs) -> f64 {
        let quantity = self.quantity(&self.metered[meter], inputs);
        quantity.by_behaviour.iter().sum::<f64>() * customers
            + self.shared_units(&quantity, customers, inputs)
    }

    /// Units a month of a meter that no behaviour causes.
    pub(super) fn shared_units(
        &self,
        quantity: &MeteredQuantity,
        customers: f64,
        inputs: &ScenarioInputs,
    ) -> f64 {
        let hours = |(placed, times): &(usize, f64)| self.unit_hours(*placed, customers, inputs) * times;
        customers * quantity.per_customer
            + quantity.fixed
            + quantity.unit_hours.iter().map(hours).sum::<f64>()
    }

    /// Requests of what a placement carries, each times something.
    fn add_requests(
        &self,
        placed: usize,
        quantity: &mut MeteredQuantity,
        each: impl Fn(usize) -> f64,
        inputs: &ScenarioInputs,
    ) {
        for index in (0..self.behaviours.len()).filter(|index| self.placed[placed].carries[*index]) {
            quantity.by_behaviour[index] +=
                self.executions(index, inputs) * self.requests[index] * each(index);
        }
    }

    fn add_stated(
        &self,
        metered: &Metered<'a>,
        used: &MeterUse,
        inputs: &ScenarioInputs,
        quantity: &mut MeteredQuantity,
    ) {
        let times = times_billed(metered.meter, used);
        let mut per_execution = |each: &dyn Fn(usize) -> f64| {
            for index in (0..self.behaviours.len()).filter(|index| used.counts(&self.behaviours[*index])) {
                quantity.by_behaviour[index] += self.executions(index, inputs) * each(index) * times;
            }
        };
        match used.driver() {
            // A request whose answer is larger than a chunk counts as several.
            Driver::Requests => per_execution(&|index| {
                let requests = self.requests[index];
                let bytes = Decimal::from_f64(inputs.bytes[index] / requests).unwrap_or_default();
                requests * float(chunks_of(metered.meter, bytes))
            }),
            Driver::Executions => per_execution(&|_| 1.0),
            Driver::Counts => {
                let amounts = |count: Option<&str>| inputs.counts.get(count?);
                let (all, without) = (amounts(used.count()), amounts(used.without()));
                let amount = |amounts: Option<&Vec<f64>>, index: usize| amounts.map_or(0.0, |all| all[index]);
                per_execution(&|index| (amount(all, index) - amount(without, index)).max(0.0));
                if self.behaviours.iter().all(|behaviour| used.counts(behaviour)) {
                    let idle = |count: Option<&str>| inputs.count_idle.get(count?).copied();
                    let idle = idle(used.count()).unwrap_or(0.0) - idle(used.without()).unwrap_or(0.0);
                    quantity.fixed += idle.max(0.0) * SECONDS_PER_HOUR * self.month_hours * times;
                }
            }
            Driver::BytesSent => per_execution(&|index| inputs.bytes[index] / metered.meter.bytes_per_unit()),
            Driver::Hours => quantity.fixed += metered.units_of_month() * times,
            Driver::Fixed => quantity.fixed += times,
            Driver::Stored => quantity.fixed += inputs.stored.unwrap_or(0.0) * times,
            Driver::Customers => quantity.per_customer += times,
            Driver::Instances => {
                let per_month = times * metered.units_of_month();
                let units =
                    (self.placed.iter().enumerate()).filter_map(|(index, placed)| match &placed.host {
                        Host::Units(units) => Some((index, per_month / units.month_hours)),
                        Host::Function(_) => None,
                    });
                quantity.unit_hours.extend(units);
            }
            Driver::Largest => quantity.per_customer += self.largest(metered.meter, used, inputs) * times,
        }
    }

    /// Units of a compound meter a month per customer.
    ///
    /// # Formula
    /// `hours x sum_h max_d q_d(h) / per_unit_d`. Every quantity grows with customers and with the load of
    /// the hour, so the largest is the same in every hour. Behaviours that run as functions of their own are
    /// not behind the load balancer.
    ///
    /// Source: `docs/method/pricing.md`, "Capacity units of a load balancer".
    fn largest(&self, meter: &Meter, used: &MeterUse, inputs: &ScenarioInputs) -> f64 {
        let units = self.capacity_units(meter, used, inputs).into_iter();
        units.map(|(_, units)| units).fold(0.0, f64::max) * self.month_hours
    }

    /// Every quantity of a load balancer per customer, in its capacity units in a mean hour.
    pub fn capacity_units<'m>(
        &self,
        meter: &'m Meter,
        used: &MeterUse,
        inputs: &ScenarioInputs,
    ) -> Vec<(&'m Dimension, f64)> {
        let all = (0..self.behaviours.len()).filter(|index| self.is_balanced(*index, used));
        // A mean hour holds a 24th of a day's executions.
        let requests_per_s: f64 = all
            .clone()
            .map(|index| inputs.rates_per_day[index] * self.requests[index])
            .sum::<f64>()
            / 24.0
            / SECONDS_PER_HOUR;
        let bytes_per_h: f64 = all
            .map(|index| inputs.rates_per_day[index] * inputs.bytes[index])
            .sum::<f64>()
            / 24.0;
        let units = |dimension: &'m Dimension| {
            let counted = match dimension.quantity.as_str() {
                "connections.new" => requests_per_s / used.requests_per_connection(),
                "connections.active" => requests_per_s / used.requests_per_connection() * CONNECTION_S,
                "bytes.processed" if dimension.unit.starts_with("GiB") => bytes_per_h / BYTES_PER_GIB,
                "bytes.processed" => bytes_per_h / 1e9,
                _ => 0.0,
            };
            (dimension, counted / float(dimension.per_unit.0))
        };
        meter.max_of.iter().map(units).collect()
    }

    /// Whether the requests of a behaviour come through the load balancer whose meter is used.
    pub fn is_balanced(&self, behaviour: usize, used: &MeterUse) -> bool {
        let moved = |placed: &SizedPlacement<'_>| {
            matches!(placed.host, Host::Function(_))
                && !placed.placement.behaviours.is_empty()
                && placed.carries[behaviour]
        };
        used.counts(&self.behaviours[behaviour]) && !self.placed.iter().any(moved)
    }

    /// Executions of a behaviour a month per customer.
    fn executions(&self, index: usize, inputs: &ScenarioInputs) -> f64 {
        inputs.rates_per_day[index] * DAYS_PER_MONTH
    }

    /// Time of one request of a behaviour on a function: processor time at its share of a processor, and the
    /// waiting that was measured at light load; a cold start now and then, at its share of the requests.
    pub fn duration_s(&self, placed: usize, index: usize, inputs: &ScenarioInputs) -> f64 {
        if matches!(self.placed[placed].host, Host::Units(_)) {
            return 0.0;
        }
        self.warm_s(placed, index, inputs) + inputs.placed[placed].cold_start.mean_s()
    }

    /// The same of a request that meets no cold start.
    fn warm_s(&self, placed: usize, index: usize, inputs: &ScenarioInputs) -> f64 {
        let used = &inputs.placed[placed];
        let cpu_s = used.cpu_s[index] / self.requests[index].max(1.0);
        cpu_s * self.placed[placed].slowdown(used.speed) + (self.light_request_s[index] - cpu_s).max(0.0)
    }

    /// Time of one request of a behaviour on a function as billed. ◇ assumed: all warm requests of a
    /// behaviour take equally long, and all cold ones, so that each is rounded as their mean.
    ///
    /// # Formula
    /// `(1 - p) billed(warm) + p billed(warm + extra)`, with p the share of cold starts.
    ///
    /// Source: `docs/method/pricing.md`, "Billed steps and minimums".
    fn billed_s(
        &self,
        steps: Option<BilledSteps>,
        placed: usize,
        index: usize,
        inputs: &ScenarioInputs,
    ) -> f64 {
        let Some(steps) = steps else {
            return self.duration_s(placed, index, inputs);
        };
        let (warm_s, cold) = (
            self.warm_s(placed, index, inputs),
            inputs.placed[placed].cold_start,
        );
        let warm = steps.billed(warm_s);
        if cold.share == 0.0 {
            return warm;
        }
        (1.0 - cold.share) * warm + cold.share * steps.billed(warm_s + cold.extra_s)
    }

    /// Functions of a placement that run at once in the busiest minute, per customer.
    pub fn concurrency(&self, placed: usize, inputs: &ScenarioInputs) -> f64 {
        let of = &self.placed[placed];
        let running = |index: usize| {
            inputs.rates_per_day[index] * self.requests[index] * self.duration_s(placed, index, inputs)
        };
        self.peak_per_day
            * (0..self.behaviours.len())
                .filter(|index| of.carries[*index])
                .map(running)
                .sum::<f64>()
    }

    /// Steps in which memory-seconds of a function are billed.
    pub(super) fn memory_steps(metered: &Metered<'a>, function: &Function) -> BilledSteps {
        let steps = metered.steps().unwrap_or(BilledSteps {
            step_s: STEP_S,
            least_s: 0.0,
        });
        BilledSteps {
            least_s: steps.least_s.max(function.shortest_s),
            ..steps
        }
    }

    /// Memory-seconds of one request as billed.
    fn gib_s(&self, metered: &Metered<'a>, placed: usize, index: usize, inputs: &ScenarioInputs) -> f64 {
        let Host::Function(function) = &self.placed[placed].host else {
            return 0.0;
        };
        let steps = Self::memory_steps(metered, function);
        self.billed_s(Some(steps), placed, index, inputs) * function.memory_gib
    }

    /// Milliseconds for which one request holds a function's processors: ◇ assumed, a function serves one
    /// request at a time.
    fn held_ms(&self, metered: &Metered<'a>, placed: usize, index: usize, inputs: &ScenarioInputs) -> f64 {
        let Host::Function(function) = &self.placed[placed].host else {
            return 0.0;
        };
        self.billed_s(metered.steps(), placed, index, inputs) * function.processor_share * 1e3
    }

    /// Milliseconds of processor time of one request: waiting is free if only they are paid.
    fn processor_ms(
        &self,
        metered: &Metered<'a>,
        placed: usize,
        index: usize,
        inputs: &ScenarioInputs,
    ) -> f64 {
        let used = &inputs.placed[placed];
        let seconds = used.cpu_s[index] / self.requests[index].max(1.0) / used.speed;
        metered.steps().map_or(seconds, |steps| steps.billed(seconds)) * 1e3
    }

    /// Units of a meter in a month as a decimal: by behaviour, and what no single one causes.
    pub fn decimals(
        &self,
        quantity: &MeteredQuantity,
        customers: f64,
        inputs: &ScenarioInputs,
    ) -> Result<(Vec<Decimal>, Decimal), ModelError> {
        let by_behaviour = quantity
            .by_behaviour
            .iter()
            .map(|each| decimal(customers * each, self.name))
            .collect::<Result<_, _>>()?;
        Ok((
            by_behaviour,
            decimal(self.shared_units(quantity, customers, inputs), self.name)?,
        ))
    }
}
