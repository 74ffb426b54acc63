//! Every meter that a configuration pays, and what it counts.

use nest_data::{
    PriceBook,
    config::{Config, Driver, MeterUse},
    price_book::{INSTANCE_PRICE, Meter},
    study::Platform,
    units::DAYS_PER_MONTH,
};
use rust_decimal::{Decimal, prelude::FromPrimitive};

use super::{
    BYTES_PER_GIB, FixedAmount, PricedConfig, decimal,
    finder::Finder,
    inputs::ScenarioInputs,
    placed::{Function, Host, SizedPlacement, host},
};
use crate::{
    error::ModelError,
    pricing::{CompiledPrice, beyond, chunks_of, contract_factor, float, may_fall},
};

/// Seconds in an hour.
const SECONDS_PER_HOUR: f64 = 3_600.0;
/// Connections that a load balancer counts for a request, and the time for which one stays: ◇ assumed, one
/// each without keep-alive.
const CONNECTION_S: f64 = 1.0;

/// A meter with all that counts on it.
pub struct Metered<'a> {
    pub meter: &'a Meter,
    pub book: &'a PriceBook,
    pub uses: Vec<Counted<'a>>,
    pub included: Decimal, // by plans
    pub exchange: Decimal,
    pub factor: f64, // from a list price in the book's currency to what is paid, in the study's
    price: CompiledPrice,
}

/// What a meter without a price of its own is a share of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShareOf<'a> {
    /// The list price of the instances used.
    Instances,
    /// What another meter costs; nothing if the configuration does not use it.
    Meter(&'a str),
}

/// What counts on a meter.
pub enum Counted<'a> {
    /// Requests of the behaviours that a placement carries.
    Requests(usize),
    /// GiB-seconds of a placement's functions.
    MemorySeconds(usize),
    /// Milliseconds of processor time of a placement's functions.
    ProcessorMs(usize),
    /// Milliseconds for which a placement's functions hold a processor, waiting included.
    HeldMs(usize),
    /// Hours of a placement's units, times this.
    UnitHours(usize, f64),
    /// What the configuration says.
    Stated(&'a MeterUse),
}

/// How a quantity grows: linear in customers, but for units.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MeteredQuantity {
    pub by_behaviour: Vec<f64>,        // units a month per customer
    pub per_customer: f64,             // that no single behaviour causes
    pub fixed: f64,                    // a month
    pub unit_hours: Vec<(usize, f64)>, // placement, units of the meter per hour of one of its units
}

impl MeteredQuantity {
    /// Units a month that one customer causes.
    pub fn slope(&self) -> f64 {
        self.by_behaviour.iter().sum::<f64>() + self.per_customer
    }
}

impl<'a> Metered<'a> {
    fn new(meter: &'a Meter, finder: &Finder<'a>) -> Self {
        Self {
            meter,
            book: finder.book,
            uses: Vec::new(),
            included: Decimal::ZERO,
            exchange: finder.exchange,
            factor: float(finder.exchange * contract_factor(&finder.book.adjustment, &meter.id)),
            price: CompiledPrice::new(meter),
        }
    }

    /// Whether it has a price, if not in every tier.
    pub fn is_known(&self) -> bool {
        self.meter.price.is_some() || self.meter.percent_of.is_some()
    }

    /// What it is a share of, and the share, for a meter that is one.
    pub fn share(&self) -> Option<(ShareOf<'a>, f64)> {
        let of = self.meter.percent_of.as_ref()?;
        let base = if of.meter == INSTANCE_PRICE {
            ShareOf::Instances
        } else {
            ShareOf::Meter(&of.meter)
        };
        Some((base, float(of.percent.0) / 100.0))
    }

    /// Price of a month's quantity in the study's currency, for draws.
    pub fn price(&self, quantity: f64) -> f64 {
        let price = if self.included.is_zero() {
            self.price.price(quantity)
        } else {
            self.price.price_billed(self.beyond(quantity))
        };
        price * self.factor
    }

    /// What is bought of it, for a price together with others that share what is free.
    pub fn bought(&self, quantity: f64) -> (&CompiledPrice, f64) {
        (&self.price, self.beyond(quantity))
    }

    fn beyond(&self, quantity: f64) -> f64 {
        beyond(quantity, float(self.included))
    }

    /// The pool that its free units come out of.
    pub fn pool(&self) -> Option<&str> {
        self.meter.free.as_ref()?.pool.as_deref()
    }

    fn bytes_per_unit(&self) -> f64 {
        if self.meter.unit.starts_with("GiB") {
            BYTES_PER_GIB
        } else {
            1e9
        }
    }
}

/// Adds a use of a meter, which is priced once however many count on it.
fn add<'a>(metered: &mut Vec<Metered<'a>>, meter: &'a Meter, finder: &Finder<'a>, counted: Counted<'a>) {
    let known = metered
        .iter()
        .position(|one| one.meter.id == meter.id && one.book.name() == finder.book.name());
    let index = known.unwrap_or_else(|| {
        metered.push(Metered::new(meter, finder));
        metered.len() - 1
    });
    metered[index].uses.push(counted);
}

/// Every meter of a configuration, each once, and the monthly amounts of its plans.
pub fn all<'a>(
    config: &'a Config,
    placed: &[SizedPlacement<'a>],
    finders: &[Finder<'a>],
) -> Result<(Vec<Metered<'a>>, Vec<FixedAmount>), ModelError> {
    let (mut metered, mut fixed) = (Vec::new(), Vec::new());
    for (index, (placed, finder)) in placed.iter().zip(finders).enumerate() {
        of_placement(index, placed, finder, &mut metered)?;
    }
    of_config(config, &finders[0], &mut metered)?;
    of_plans(placed, finders, &mut metered, &mut fixed)?;
    Ok((metered, fixed))
}

/// Whether several meters draw from one free quantity.
pub fn share_pools(metered: &[Metered<'_>]) -> bool {
    metered.iter().enumerate().any(|(index, one)| {
        one.pool().is_some() && metered[..index].iter().any(|other| other.pool() == one.pool())
    })
}

/// Meters that a placement pays by its nature.
fn of_placement<'a>(
    index: usize,
    placed: &SizedPlacement<'a>,
    finder: &Finder<'a>,
    metered: &mut Vec<Metered<'a>>,
) -> Result<(), ModelError> {
    match &placed.host {
        Host::Function(function) => of_function(index, function, finder, metered)?,
        Host::Units(units) if placed.placement.platform == Platform::Task => {
            let host = host(placed.placement, &finder.book.provider);
            let arch = placed
                .placement
                .arch
                .as_deref()
                .unwrap_or(super::placed::DEFAULT_ARCH);
            let memory_gib = units.memory_bytes / BYTES_PER_GIB;
            add(
                metered,
                finder.meter(&format!("{host}.vcpu.{arch}"))?,
                finder,
                Counted::UnitHours(index, units.cores),
            );
            add(
                metered,
                finder.meter(&format!("{host}.memory.{arch}"))?,
                finder,
                Counted::UnitHours(index, memory_gib),
            );
        }
        Host::Units(_) => {}
    }
    Ok(())
}

/// Plans that are subscribed to, each once however many placements use it, and what they include.
fn of_plans<'a>(
    placed: &[SizedPlacement<'a>],
    finders: &[Finder<'a>],
    metered: &mut [Metered<'a>],
    fixed: &mut Vec<FixedAmount>,
) -> Result<(), ModelError> {
    let mut bought: Vec<(String, &str)> = Vec::new();
    for (placed, finder) in placed.iter().zip(finders) {
        let Some(id) = placed.placement.plan.as_deref() else {
            continue;
        };
        if bought.contains(&(finder.book.name(), id)) {
            continue;
        }
        let plan = finder.plan(id)?;
        for metered in metered
            .iter_mut()
            .filter(|metered| metered.book.name() == finder.book.name())
        {
            if let Some(inclusion) = plan
                .includes
                .iter()
                .find(|inclusion| inclusion.meter == metered.meter.id)
            {
                metered.included = inclusion.quantity.0;
            }
        }
        let amount = plan.amount.0 * finder.exchange * contract_factor(&finder.book.adjustment, id);
        fixed.push(FixedAmount {
            name: format!("plan {id}"),
            amount,
            source: seen(finder.book, &plan.source),
        });
        bought.push((finder.book.name(), id));
    }
    Ok(())
}

fn of_function<'a>(
    index: usize,
    function: &Function,
    finder: &Finder<'a>,
    metered: &mut Vec<Metered<'a>>,
) -> Result<(), ModelError> {
    let Function { host, arch, .. } = function;
    add(
        metered,
        finder.meter(&format!("{host}.requests"))?,
        finder,
        Counted::Requests(index),
    );
    let duration = finder.meter_of(&[format!("{host}.duration.{arch}"), format!("{host}.duration")]);
    let processor = finder.meter_of(&[format!("{host}.cpu")]);
    match (duration, processor) {
        (None, None)
            if finder
                .book
                .meter
                .iter()
                .any(|meter| meter.id.starts_with(&format!("{host}.duration"))) =>
        {
            return finder.meter(&format!("{host}.duration.{arch}")).map(drop);
        }
        _ => {}
    }
    if let Some(duration) = duration {
        add(metered, duration, finder, Counted::MemorySeconds(index));
    }
    // A host that bills memory beside processors bills both for as long as a request takes; one that bills
    // processors alone, only their work.
    match (processor, finder.meter_of(&[format!("{host}.memory")])) {
        (Some(processor), Some(memory)) => {
            add(metered, processor, finder, Counted::HeldMs(index));
            add(metered, memory, finder, Counted::MemorySeconds(index));
        }
        (Some(processor), None) => add(metered, processor, finder, Counted::ProcessorMs(index)),
        (None, _) => {}
    }
    Ok(())
}

/// Meters that the configuration states.
fn of_config<'a>(
    config: &'a Config,
    finder: &Finder<'a>,
    metered: &mut Vec<Metered<'a>>,
) -> Result<(), ModelError> {
    for (id, used) in &config.meters {
        add(metered, finder.meter(id)?, finder, Counted::Stated(used));
    }
    Ok(())
}

/// Where a price was seen: book, name of the source in it, and date.
pub fn seen(book: &PriceBook, source: &str) -> String {
    match book.source.get_key_value(source) {
        Some((id, source)) => format!("{} [{id}], seen {}", book.name(), source.observed_on),
        None => super::STUDY.to_owned(),
    }
}

impl<'a> PricedConfig<'a> {
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
                        |index| self.gib_s(*placed, index, inputs),
                        inputs,
                    );
                }
                Counted::ProcessorMs(placed) => {
                    self.add_requests(
                        *placed,
                        &mut quantity,
                        |index| self.processor_ms(*placed, index, inputs),
                        inputs,
                    );
                }
                Counted::HeldMs(placed) => {
                    self.add_requests(
                        *placed,
                        &mut quantity,
                        |index| self.held_ms(*placed, index, inputs),
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
    fn shared_units(&self, quantity: &MeteredQuantity, customers: f64, inputs: &ScenarioInputs) -> f64 {
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
        let times = used.times();
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
            Driver::BytesSent => per_execution(&|index| inputs.bytes[index] / metered.bytes_per_unit()),
            Driver::Hours => quantity.fixed += self.month_hours * times,
            Driver::Fixed => quantity.fixed += times,
            Driver::Stored => quantity.fixed += inputs.stored.unwrap_or(0.0) * times,
            Driver::Customers => quantity.per_customer += times,
            Driver::Instances => {
                let per_hour = if metered.meter.unit == "h" {
                    times
                } else {
                    times / self.month_hours
                };
                let units =
                    (0..self.placed.len()).filter(|index| matches!(self.placed[*index].host, Host::Units(_)));
                quantity.unit_hours.extend(units.map(|index| (index, per_hour)));
            }
            Driver::Largest => quantity.per_customer += self.largest(metered.meter, inputs) * times,
        }
    }

    /// Units of a compound meter a month per customer.
    ///
    /// # Formula
    /// `hours x sum_h max_d q_d(h) / per_unit_d`. Every quantity grows with customers and with the load of
    /// the hour, so the largest is the same in every hour.
    ///
    /// Source: `docs/method/pricing.md`, "Capacity units of a load balancer".
    fn largest(&self, meter: &Meter, inputs: &ScenarioInputs) -> f64 {
        let all = 0..self.behaviours.len();
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
        let units_per_hour = |dimension: &nest_data::price_book::Dimension| {
            let counted = match dimension.quantity.as_str() {
                "connections.new" => requests_per_s,
                "connections.active" => requests_per_s * CONNECTION_S,
                "bytes.processed" if dimension.unit.starts_with("GiB") => bytes_per_h / BYTES_PER_GIB,
                "bytes.processed" => bytes_per_h / 1e9,
                _ => 0.0,
            };
            counted / float(dimension.per_unit.0)
        };
        meter.max_of.iter().map(units_per_hour).fold(0.0, f64::max) * self.month_hours
    }

    /// Executions of a behaviour a month per customer.
    fn executions(&self, index: usize, inputs: &ScenarioInputs) -> f64 {
        inputs.rates_per_day[index] * DAYS_PER_MONTH
    }

    /// Time of one request of a behaviour on a function: processor time at its share of a processor, and the
    /// waiting that was measured at light load; a cold start now and then.
    pub fn duration_s(&self, placed: usize, index: usize, inputs: &ScenarioInputs) -> f64 {
        let Host::Function(function) = &self.placed[placed].host else {
            return 0.0;
        };
        let used = &inputs.placed[placed];
        let cpu_s = used.cpu_s[index] / self.requests[index].max(1.0);
        let warm =
            cpu_s * self.placed[placed].slowdown(used.speed) + (self.light_request_s[index] - cpu_s).max(0.0);
        warm + function.cold_share * function.cold_s
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

    /// Memory-seconds of one request as billed: rounded up to the millisecond.
    fn gib_s(&self, placed: usize, index: usize, inputs: &ScenarioInputs) -> f64 {
        let Host::Function(function) = &self.placed[placed].host else {
            return 0.0;
        };
        let billed_s = (self.duration_s(placed, index, inputs) * 1e3 - 1e-9)
            .ceil()
            .max(1.0)
            / 1e3;
        billed_s.max(function.shortest_s) * function.memory_gib
    }

    /// Milliseconds for which one request holds a function's processors: ◇ assumed, a function serves one
    /// request at a time.
    fn held_ms(&self, placed: usize, index: usize, inputs: &ScenarioInputs) -> f64 {
        let Host::Function(function) = &self.placed[placed].host else {
            return 0.0;
        };
        self.duration_s(placed, index, inputs) * function.processor_share * 1e3
    }

    /// Milliseconds of processor time of one request: waiting is free if only they are paid.
    fn processor_ms(&self, placed: usize, index: usize, inputs: &ScenarioInputs) -> f64 {
        let used = &inputs.placed[placed];
        used.cpu_s[index] / self.requests[index].max(1.0) / used.speed * 1e3
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
