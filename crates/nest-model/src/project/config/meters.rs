//! Every meter that a configuration pays, and what it counts.

use nest_data::{
    PriceBook, ScalingModel, Study,
    config::{Config, Driver, MeterUse},
    price_book::{INSTANCE_PRICE, Meter},
    study::Platform,
};
use rust_decimal::{Decimal, prelude::FromPrimitive};

use super::{
    BYTES_PER_GIB, FixedAmount,
    finder::Finder,
    inputs::is_counter,
    placed::{Function, Host, SizedPlacement},
};
use crate::{
    error::ModelError,
    pricing::{CompiledPrice, beyond, contract_factor, float, tiers},
};

/// A meter with all that counts on it.
pub struct Metered<'a> {
    pub meter: &'a Meter,
    pub book: &'a PriceBook,
    pub uses: Vec<Counted<'a>>,
    pub included: Decimal,                 // units a month, by plans and by the book
    pub with_units: Vec<(usize, Decimal)>, // placement, units a month that each of its units includes
    pub exchange: Decimal,
    pub contract: f64, // what a contract leaves of a list price
    /// Equal resources whose quantities pay tiers of their own; 1 if tiers see all of it together.
    pub apart: f64,
    price: CompiledPrice,
    floats: MeterFloats,
}

/// The decimals of a meter as floats: draws ask for them millions of times.
#[derive(Debug, Clone, Default)]
struct MeterFloats {
    included: f64,
    with_units: Vec<(usize, f64)>,
    exchange: f64,
    other: Option<usize>, // the meter that it is a share of
    steps: Option<BilledSteps>,
}

/// How the time of one run or request is billed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BilledSteps {
    pub step_s: f64,  // above 0
    pub least_s: f64, // that are billed of each
}

impl BilledSteps {
    /// Seconds that are billed of one run or request.
    ///
    /// # Formula
    /// `max(least, ceil(seconds / step) * step)`, at least one step; a billionth of a step too much does not
    /// count.
    ///
    /// Source: `docs/method/pricing.md`, "Billed steps and minimums".
    pub fn billed(self, seconds: f64) -> f64 {
        let steps = (seconds / self.step_s - 1e-9).ceil().max(1.0);
        (steps * self.step_s).max(self.least_s)
    }
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
    /// Whether it stays as it is whoever comes.
    pub fn is_fixed(&self) -> bool {
        self.slope() == 0.0 && self.unit_hours.is_empty()
    }

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
            with_units: Vec::new(),
            exchange: finder.exchange,
            contract: float(contract_factor(&finder.book.adjustment, &meter.id)),
            apart: 1.0,
            price: CompiledPrice::new(meter),
            floats: MeterFloats::default(),
        }
    }

    /// Units that plans and the book include, for draws.
    pub fn included_float(&self) -> f64 {
        self.floats.included
    }

    /// Units that each unit of a placement includes, for draws.
    pub fn with_units_float(&self) -> &[(usize, f64)] {
        &self.floats.with_units
    }

    /// The rate of exchange, for draws.
    pub fn exchange_float(&self) -> f64 {
        self.floats.exchange
    }

    /// How the time of one run or request is billed, if the book says so.
    pub fn steps(&self) -> Option<BilledSteps> {
        self.floats.steps
    }

    /// The meter of the same book that it is a share of, if the configuration uses that.
    pub fn other(&self) -> Option<usize> {
        self.floats.other
    }

    /// Units of a month up to which it has a price; infinite if it has one for every quantity, or none.
    pub fn known_up_to(&self) -> f64 {
        self.price.known_up_to() * self.apart + self.floats.included
    }

    /// Whether it has a price, if not in every tier.
    pub fn is_known(&self) -> bool {
        self.meter.price.is_some() || self.meter.percent_of.is_some()
    }

    /// Units of a month in which one of what it counts is had all the time: the hours of a month for `h` and
    /// `vCPU*h`, 1 for `month` and `GB*month`, and where time is no part of the unit.
    pub fn units_of_month(&self) -> f64 {
        let month_hours = float(self.book.month_hours.0);
        let hours = self.meter.hours_per_unit(month_hours);
        hours.map_or(1.0, |hours| month_hours / hours)
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

    /// List price of a month's quantity in the study's currency, for draws. Of it, so many units are
    /// included.
    pub fn list_price(&self, quantity: f64, included: f64) -> f64 {
        let price = if included == 0.0 {
            self.price.price(quantity / self.apart)
        } else {
            self.price.price_billed(beyond(quantity, included) / self.apart)
        };
        price * self.apart * self.floats.exchange
    }

    /// The largest number by which its quantity is multiplied on a bill, at least 1: its highest price per
    /// unit, in its book's or the study's currency.
    pub fn largest_factor(&self) -> f64 {
        let price = self.meter.price.as_ref();
        let amounts = price.into_iter().flat_map(tiers).filter_map(|(_, amount)| amount);
        let highest = amounts.map(float).fold(1.0, f64::max);
        let per = price.and_then(|price| price.per).map_or(1.0, |per| float(per.0));
        highest / per.min(1.0) * float(self.exchange).max(1.0)
    }

    /// Whether its tiers see its quantity together with what others take out of a pool.
    pub fn shares_tiers(&self) -> bool {
        !self.includes() && self.apart == 1.0
    }

    /// What is bought of it beyond what is included, for a price together with others that share what is
    /// free.
    pub fn bought(&self, quantity: f64, included: f64) -> (&CompiledPrice, f64) {
        (&self.price, beyond(quantity, included))
    }

    /// Whether some of it is included, in whatever there is of it.
    pub fn includes(&self) -> bool {
        !self.included.is_zero() || !self.with_units.is_empty()
    }

    /// The pool that its free units come out of.
    pub fn pool(&self) -> Option<&str> {
        self.meter.free.as_ref()?.pool.as_deref()
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
    of_config(config, finders, &mut metered)?;
    of_plans(placed, finders, &mut metered, &mut fixed)?;
    for (index, placed) in placed.iter().enumerate() {
        of_units(index, placed, &mut metered);
    }
    let floats: Vec<MeterFloats> = metered.iter().map(|one| floats(one, &metered)).collect();
    for (one, floats) in metered.iter_mut().zip(floats) {
        one.floats = floats;
    }
    Ok((metered, fixed))
}

fn floats(metered: &Metered<'_>, all: &[Metered<'_>]) -> MeterFloats {
    let other = match metered.share() {
        Some((ShareOf::Meter(id), _)) => {
            let book = metered.book.name();
            all.iter()
                .position(|other| other.meter.id == id && other.book.name() == book)
        }
        _ => None,
    };
    MeterFloats {
        included: float(metered.included),
        with_units: metered
            .with_units
            .iter()
            .map(|(placed, each)| (*placed, float(*each)))
            .collect(),
        exchange: float(metered.exchange),
        other,
        // What is rounded once for a whole resource says nothing about a single request.
        steps: metered
            .meter
            .quantum
            .as_ref()
            .filter(|quantum| quantum.per != "resource")
            .and_then(|quantum| {
                Some(BilledSteps {
                    step_s: float(quantum.step_s()?),
                    least_s: float(quantum.minimum_s()?),
                })
            }),
    }
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
            let host = placed.placement.host_at(&finder.book.provider);
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
                metered.included += inclusion.quantity.0;
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

/// Meters that the configuration states, each of its own book or of the main one.
fn of_config<'a>(
    config: &'a Config,
    finders: &[Finder<'a>],
    metered: &mut Vec<Metered<'a>>,
) -> Result<(), ModelError> {
    for (key, used) in &config.meters {
        let own = used
            .book()
            .and_then(|book| finders.iter().find(|finder| finder.book.name() == book));
        let finder = own.unwrap_or(&finders[0]);
        let meter = finder.meter(used.meter().unwrap_or(key))?;
        add(metered, meter, finder, Counted::Stated(used));
        let added = metered.iter_mut().find(|one| std::ptr::eq(one.meter, meter));
        if let Some(added) = added {
            added.included += included_in_all(meter, used, finder.book.month_hours.0);
            let own_tiers = meter.price.as_ref().and_then(|price| price.scope.as_deref());
            if matches!(own_tiers, Some("volume" | "resource")) {
                let before = if added.uses.len() > 1 { added.apart } else { 0.0 };
                added.apart = before + used.resources().max(1.0);
            }
        }
    }
    Ok(())
}

/// Units a month that the book includes for the resources of a use that is stated as a whole. What it
/// includes for each of what is counted is taken off that.
fn included_in_all(meter: &Meter, used: &MeterUse, month_hours: Decimal) -> Decimal {
    let whole = matches!(used.driver(), Driver::Fixed | Driver::Hours);
    let Some(included) = meter.included.as_ref().filter(|_| whole) else {
        return Decimal::ZERO;
    };
    let hours = float(month_hours);
    let had = meter.hours_per_unit(hours).map_or(1.0, |unit| hours / unit);
    let resources = Decimal::from_f64(used.resources() * had).unwrap_or(Decimal::ONE);
    included.quantity.0 * resources
}

/// What a month of each unit of a placement includes of meters of its book.
fn of_units(index: usize, placed: &SizedPlacement<'_>, metered: &mut [Metered<'_>]) {
    let Host::Units(units) = &placed.host else { return };
    let Some(instance) = units.instance else { return };
    for metered in metered
        .iter_mut()
        .filter(|one| one.book.name() == placed.book.name())
    {
        if let Some(included) = instance.included.get(&metered.meter.id) {
            metered.with_units.push((index, included.0));
        }
    }
}

/// Refuses a meter that is paid by a count of which the model does not know how much an execution adds: it
/// would cost nothing.
pub fn check_counts(
    study: &Study,
    model: &ScalingModel,
    name: &str,
    config: &Config,
) -> Result<(), ModelError> {
    let named = |(meter, used): (&'_ String, &'_ MeterUse)| {
        used.named_counts()
            .find_map(|count| unknown_count(study, model, used, count))
            .map(|(behaviour, count)| ModelError::CountUnknown {
                config: name.to_owned(),
                meter: meter.clone(),
                count: count.to_owned(),
                behaviour: behaviour.to_owned(),
            })
    };
    let unmeasured = |(meter, used): (&'_ String, &'_ MeterUse)| {
        let is_counter_of_study = |count: &&str| {
            study
                .probes
                .values()
                .any(|probe| probe.counts.contains_key(*count))
        };
        let is_unknown = |count: &&str| !model.resources.iter().any(|resource| is_counter(resource, count));
        let count = used.named_counts().filter(is_counter_of_study).find(is_unknown)?;
        Some(ModelError::CounterUnmeasured {
            config: name.to_owned(),
            meter: meter.clone(),
            count: count.to_owned(),
        })
    };
    let mut meters = config.meters.iter();
    let refused = meters.find_map(|meter| named(meter).or_else(|| unmeasured(meter)));
    refused.map_or(Ok(()), Err)
}

/// A behaviour that has a count of which the model does not know how much it is, with the count.
fn unknown_count<'a>(
    study: &'a Study,
    model: &ScalingModel,
    used: &MeterUse,
    count: &'a str,
) -> Option<(&'a str, &'a str)> {
    let is_known = |behaviour: &str| {
        let mut facts = model.behaviours.iter();
        facts.any(|facts| facts.name == behaviour && facts.counts.contains_key(count))
    };
    let unknown = study.behaviours.iter().find(|(behaviour, spec)| {
        used.counts(behaviour) && spec.count_names().contains(count) && !is_known(behaviour)
    });
    unknown.map(|(behaviour, _)| (behaviour.as_str(), count))
}

/// Where a price was seen: book, name of the source in it, and date.
pub fn seen(book: &PriceBook, source: &str) -> String {
    match book.source.get_key_value(source) {
        Some((id, source)) => format!("{} [{id}], seen {}", book.name(), source.observed_on),
        None => super::STUDY.to_owned(),
    }
}
