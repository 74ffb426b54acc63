//! A configuration joined with its price book: what N customers cost on it, as a bill in decimals and as a float.

use jiff::civil::Date;
use nest_data::{
    PriceBook, ScalingModel,
    diagnostic::nearest,
    measurement::ResourceKind,
    price_book::{Instance, Meter},
    projection::{CostDriver, CostLine},
    scaling::ResourceModel,
    study::{Config, Driver, Platform, Study},
    units::{DAYS_PER_MONTH, Quoted},
};
use rust_decimal::{
    Decimal,
    prelude::{FromPrimitive, ToPrimitive},
};

use crate::{
    ModelError,
    inputs::Inputs,
    pricing::{CompiledPrice, price},
    sizing::Sizing,
};

/// Speed of one virtual CPU against one measured core, where it was never compared.
pub const ASSUMED_SPEED: [f64; 2] = [0.85, 1.15];
/// Meters and limits of the function platform in a book.
const REQUESTS: &str = "lambda.requests";
const CONCURRENCY: &str = "lambda.concurrency";
const MEMORY_PER_VCPU: &str = "lambda.memory_per_vcpu";
/// MB that a provider counts as one GiB of memory-seconds: AWS divides by 1,024.
const MB_PER_GIB: f64 = 1_024.0;
/// Bytes of one GiB.
const BYTES_PER_GIB: f64 = 1_073_741_824.0;
/// Most units of anything on a bill, so that exact arithmetic stays inside its 28 digits.
const MOST_UNITS: Decimal = Decimal::from_parts(2_808_348_672, 232_830_643, 0, false, 0); // 10^18
/// Decimal places of quantities and amounts.
const DIGITS: u32 = 12;
/// Architecture of a function where the study names none.
const DEFAULT_ARCH: &str = "x86_64";

/// A configuration with everything it needs from its book.
pub struct PricedConfig<'a> {
    pub name: &'a str,
    pub config: &'a Config,
    pub book: &'a PriceBook,
    pub behaviours: Vec<String>,
    pub peak_per_day: f64,   // executions per second in the busiest minute, for one a day
    pub kept: Vec<Kept<'a>>, // resources that stay as they were measured
    requests: Vec<f64>,      // requests per execution, by behaviour
    light_request_s: Vec<f64>,
    meters: Vec<PricedMeter<'a>>,
    carrier: Carrier<'a>,
    fixed: f64,
    month_hours: f64,
}

/// A measured resource with a capacity that the configuration neither sizes nor replaces. It still binds.
pub struct Kept<'a> {
    pub resource: &'a ResourceModel,
    pub capacity: f64,
    pub placed: bool, // whether it is part of the placed tier, and comes again with every instance
}

struct PricedMeter<'a> {
    meter: &'a Meter,
    price: CompiledPrice,
    driver: Driver,
}

enum Carrier<'a> {
    Instances { instance: &'a Instance, cores: f64, per_hour: Option<f64> },
    Functions { memory_gib: f64, processor_share: f64, concurrency: f64, requests: PricedMeter<'a>, duration: PricedMeter<'a> },
}

impl<'a> PricedConfig<'a> {
    /// Joins a configuration with its book.
    pub fn new(
        study: &'a Study,
        model: &'a ScalingModel,
        name: &'a str,
        config: &'a Config,
        books: &'a [PriceBook],
        on: Date,
    ) -> Result<Self, ModelError> {
        let book = books.iter().find(|book| book.name() == config.book).ok_or_else(|| ModelError::BookMissing {
            config: name.to_owned(),
            book: config.book.clone(),
            known: books.iter().map(PriceBook::name).collect::<Vec<_>>().join(", "),
        })?;
        if book.currency != study.study.currency {
            return Err(ModelError::Currency { config: name.to_owned(), book: book.currency.clone(), study: study.study.currency.clone() });
        }
        let behaviours: Vec<String> = study.behaviours.keys().cloned().collect();
        let facts = |value: &dyn Fn(&nest_data::scaling::BehaviourFacts) -> f64| {
            behaviours.iter().map(|behaviour| model.behaviours.iter().find(|facts| facts.name == *behaviour).map_or(0.0, value)).collect::<Vec<_>>()
        };
        let finder = Finder { name, book, on };
        let meters = config.meters.iter().map(|(id, driver)| finder.meter(id, *driver)).collect::<Result<_, _>>()?;
        Ok(Self {
            name,
            config,
            book,
            requests: facts(&|facts| facts.requests),
            light_request_s: facts(&|facts| facts.light_request_s.unwrap_or(0.0)),
            peak_per_day: study.busiest_minute_per_s(),
            kept: kept(model, config),
            meters,
            carrier: finder.carrier(config)?,
            fixed: config.monthly.values().map(|amount| float(amount.0)).sum(),
            month_hours: float(book.month_hours.0),
            behaviours,
        })
    }

    /// Most instances that carry load; infinite where the configuration never runs out.
    pub fn most_instances(&self) -> f64 {
        self.config.max.map_or(f64::INFINITY, f64::from)
    }

    /// Memory of one instance; none for functions.
    pub fn instance_memory_bytes(&self) -> Option<f64> {
        let Carrier::Instances { instance, .. } = &self.carrier else { return None };
        Some(float(instance.memory_gib.0) * BYTES_PER_GIB)
    }

    /// Position of a resource among those that stay as they were measured.
    pub fn kept_index(&self, resource: &str) -> Option<usize> {
        self.kept.iter().position(|kept| kept.resource.name == resource)
    }

    /// What carries the tier, in words.
    pub fn shape(&self) -> String {
        match &self.carrier {
            Carrier::Instances { instance, .. } => format!("{} ({} vCPU, {} GiB)", instance.sku, instance.vcpu, instance.memory_gib),
            Carrier::Functions { .. } => {
                format!("function of {} MB, {}", self.config.memory_mb.unwrap_or_default(), self.config.arch.as_deref().unwrap_or(DEFAULT_ARCH))
            }
        }
    }

    /// The configuration's 90 % range of speed, and whether it is only assumed.
    pub fn speed(&self) -> ([f64; 2], bool) {
        (self.config.speed.unwrap_or(ASSUMED_SPEED), self.config.speed.is_none())
    }

    /// Sizing of the instances in one world; none for functions.
    pub fn sizing(&self, inputs: &Inputs) -> Option<Sizing> {
        let Carrier::Instances { cores, .. } = &self.carrier else { return None };
        Some(Sizing {
            busy_per_customer: self.peak_per_day * inputs.busy_per_day() / inputs.speed,
            law: inputs.law,
            idle: inputs.idle / inputs.speed,
            cores: *cores,
            reserve: self.config.reserve.get(),
            least: self.config.min,
            spare: self.config.spare,
        })
    }

    /// Instances that carry load, spare ones among them; none for functions.
    pub fn instances(&self, customers: f64, inputs: &Inputs) -> Option<f64> {
        self.sizing(inputs).map(|sizing| sizing.instances(customers) + f64::from(sizing.spare))
    }

    /// Functions running at once in the busiest minute per customer, and the quota; none for instances.
    pub fn concurrency(&self, inputs: &Inputs) -> Option<(f64, f64)> {
        let Carrier::Functions { concurrency, .. } = &self.carrier else { return None };
        let running = |index: usize| inputs.rates_per_day[index] * self.requests[index] * self.duration_s(index, inputs);
        Some((self.peak_per_day * (0..self.behaviours.len()).map(running).sum::<f64>(), *concurrency))
    }

    /// Factor from a response time without queueing on a measured core to one on this platform.
    pub fn slowdown(&self, inputs: &Inputs) -> f64 {
        match &self.carrier {
            Carrier::Instances { .. } => 1.0 / inputs.speed,
            Carrier::Functions { processor_share, .. } => 1.0 / (inputs.speed * processor_share),
        }
    }

    /// Time of one request of a behaviour on the function platform: processor time at its share of a processor, and the
    /// waiting that was measured at light load.
    fn duration_s(&self, index: usize, inputs: &Inputs) -> f64 {
        let cpu_s = inputs.cpu_s[index] / self.requests[index].max(1.0);
        cpu_s * self.slowdown(inputs) + (self.light_request_s[index] - cpu_s).max(0.0)
    }

    /// Executions of a behaviour in a month.
    fn executions(&self, customers: f64, index: usize, inputs: &Inputs) -> f64 {
        customers * inputs.rates_per_day[index] * DAYS_PER_MONTH
    }

    /// Memory-seconds of one request as billed: rounded up to the millisecond.
    fn gib_s(&self, index: usize, inputs: &Inputs, memory_gib: f64) -> f64 {
        (self.duration_s(index, inputs) * 1e3 - 1e-9).ceil().max(1.0) / 1e3 * memory_gib
    }

    /// Cost of a month at a customer count, as a float. Lines without a price count 0; see [`PricedConfig::unknown_lines`].
    pub fn cost(&self, customers: f64, inputs: &Inputs) -> f64 {
        let all = 0..self.behaviours.len();
        let requests = |index: usize| self.executions(customers, index, inputs) * self.requests[index];
        let carrier = match &self.carrier {
            Carrier::Instances { per_hour, .. } => self.instances(customers, inputs).unwrap_or(0.0) * per_hour.unwrap_or(0.0) * self.month_hours,
            Carrier::Functions { memory_gib, requests: request_meter, duration, .. } => {
                let gib_s: f64 = all.clone().map(|index| requests(index) * self.gib_s(index, inputs, *memory_gib)).sum();
                request_meter.price.price(all.clone().map(requests).sum()) + duration.price.price(gib_s)
            }
        };
        let meter = |meter: &PricedMeter<'_>| {
            let quantity = match meter.driver {
                Driver::Hours => self.month_hours,
                Driver::Requests => all.clone().map(requests).sum(),
                Driver::BytesSent => {
                    all.clone().map(|index| self.executions(customers, index, inputs) * inputs.bytes[index]).sum::<f64>()
                        / bytes_per_unit(&meter.meter.unit)
                }
            };
            meter.price.price(quantity)
        };
        carrier + self.meters.iter().map(meter).sum::<f64>() + self.fixed
    }

    /// Lines that have no price.
    pub fn unknown_lines(&self) -> usize {
        usize::from(matches!(self.carrier, Carrier::Instances { per_hour: None, .. }))
    }

    /// The bill of a month at a customer count, in decimals; its lines sum to its total exactly.
    pub fn bill(&self, customers: f64, inputs: &Inputs) -> Result<Vec<CostLine>, ModelError> {
        let mut lines = match &self.carrier {
            Carrier::Instances { instance, .. } => self.instance_lines(instance, customers, inputs)?,
            Carrier::Functions { memory_gib, requests, duration, .. } => {
                let counts = self.per_behaviour(|index| self.executions(customers, index, inputs) * self.requests[index])?;
                let memory_seconds = self.per_behaviour(|index| {
                    self.executions(customers, index, inputs) * self.requests[index] * self.gib_s(index, inputs, *memory_gib)
                })?;
                let mut lines = self.metered_lines(requests, &counts);
                lines.extend(self.metered_lines(duration, &memory_seconds));
                lines
            }
        };
        for meter in &self.meters {
            match meter.driver {
                Driver::Hours => {
                    let quantity = self.book.month_hours.0;
                    lines.push(self.line(
                        CostDriver::Shared,
                        None,
                        &meter.meter.id,
                        quantity,
                        &meter.meter.unit,
                        price(meter.meter, quantity),
                        &meter.meter.source,
                    ));
                }
                Driver::Requests => {
                    let counts = self.per_behaviour(|index| self.executions(customers, index, inputs) * self.requests[index])?;
                    lines.extend(self.metered_lines(meter, &counts));
                }
                Driver::BytesSent => {
                    let units = bytes_per_unit(&meter.meter.unit);
                    let sent = self.per_behaviour(|index| self.executions(customers, index, inputs) * inputs.bytes[index] / units)?;
                    lines.extend(self.metered_lines(meter, &sent));
                }
            }
        }
        for (name, amount) in &self.config.monthly {
            lines.push(self.line(CostDriver::Fixed, None, name, Decimal::ONE, "month", Some(amount.0), ""));
        }
        Ok(lines)
    }

    /// Instance-months by what binds them: the work of each behaviour, idle use, reserve, rounding up, spare.
    ///
    /// With `n_raw (u* c - idle) = busy` (at the demand of u*), an instance-month splits exactly: `n_raw = busy/c + n_raw idle/c + n_raw (1 - u*)`.
    fn instance_lines(&self, instance: &Instance, customers: f64, inputs: &Inputs) -> Result<Vec<CostLine>, ModelError> {
        let sizing = self.sizing(inputs).expect("only instances have instance lines");
        let exact = sizing.exact_instances(customers);
        if !exact.is_finite() {
            return Err(ModelError::NoCapacity {
                config: self.name.to_owned(),
                reason: format!("one {} idles above what its reserve leaves, so it carries no customer", instance.sku),
            });
        }
        let carrying = decimal(sizing.instances(customers), self.name)?;
        let per_month = instance.price.on_demand.map(|per_hour| per_hour.0 * self.book.month_hours.0);
        let mut lines = Vec::new();
        let mut used = Decimal::ZERO;
        let mut add = |driver, behaviour: Option<&str>, quantity: Decimal| {
            used += quantity;
            let amount = per_month.map(|price| (price * quantity).round_dp(DIGITS));
            if !quantity.is_zero() {
                lines.push(self.line(driver, behaviour, &instance.sku, quantity, "instance-months", amount, &instance.source));
            }
        };
        for (index, name) in self.behaviours.iter().enumerate() {
            let busy = customers * self.peak_per_day * inputs.rates_per_day[index] * inputs.cpu_s[index] / inputs.speed
                * sizing.law.factor(1.0 - sizing.reserve);
            add(CostDriver::Behaviour, Some(name), decimal(busy / sizing.cores, self.name)?);
        }
        add(CostDriver::Idle, None, decimal(exact * sizing.idle / sizing.cores, self.name)?);
        add(CostDriver::Reserve, None, decimal(exact * sizing.reserve, self.name)?);
        let so_far = used;
        let mut add = |driver, quantity: Decimal| {
            let amount = per_month.map(|price| (price * quantity).round_dp(DIGITS));
            if !quantity.is_zero() {
                lines.push(self.line(driver, None, &instance.sku, quantity, "instance-months", amount, &instance.source));
            }
        };
        add(CostDriver::Rounding, carrying - so_far);
        add(CostDriver::Spare, Decimal::from(sizing.spare));
        Ok(lines)
    }

    /// One line per behaviour of a meter that they drive together; the last takes what division leaves over.
    fn metered_lines(&self, meter: &PricedMeter<'_>, quantities: &[Decimal]) -> Vec<CostLine> {
        let total: Decimal = quantities.iter().sum();
        let cost = price(meter.meter, total);
        let last = quantities.iter().rposition(|quantity| !quantity.is_zero());
        let mut left = cost.unwrap_or_default();
        let mut lines = Vec::new();
        for (index, quantity) in quantities.iter().enumerate().filter(|(_, quantity)| !quantity.is_zero()) {
            let amount = cost.map(|cost| if Some(index) == last { left } else { (cost * (quantity / total)).round_dp(DIGITS) });
            left -= amount.unwrap_or_default();
            lines.push(self.line(
                CostDriver::Behaviour,
                Some(&self.behaviours[index]),
                &meter.meter.id,
                *quantity,
                &meter.meter.unit,
                amount,
                &meter.meter.source,
            ));
        }
        lines
    }

    #[allow(clippy::too_many_arguments, reason = "a line has that many columns, and only this function fills them")]
    fn line(
        &self,
        driver: CostDriver,
        behaviour: Option<&str>,
        meter: &str,
        quantity: Decimal,
        unit: &str,
        amount: Option<Decimal>,
        source: &str,
    ) -> CostLine {
        let seen = match self.book.source.get_key_value(source) {
            Some((id, source)) => format!("{} [{id}], seen {}", self.book.name(), source.observed_on),
            None => "the study".to_owned(),
        };
        CostLine {
            driver,
            behaviour: behaviour.map(str::to_owned),
            meter: meter.to_owned(),
            quantity: Quoted(quantity.normalize()),
            unit: unit.to_owned(),
            amount: amount.map(|amount| Quoted(amount.normalize())),
            source: seen,
        }
    }

    fn per_behaviour(&self, quantity: impl Fn(usize) -> f64) -> Result<Vec<Decimal>, ModelError> {
        (0..self.behaviours.len()).map(|index| decimal(quantity(index), self.name)).collect()
    }

    /// Names of the book's sources that the configuration rests on.
    pub fn sources(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.meters.iter().map(|meter| meter.meter.source.as_str()).collect();
        match &self.carrier {
            Carrier::Instances { instance, .. } => names.push(&instance.source),
            Carrier::Functions { requests, duration, .. } => names.extend([requests.meter.source.as_str(), duration.meter.source.as_str()]),
        }
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// What a configuration leaves as it was measured: of other tiers everything, of the placed one what is no part of its platform.
fn kept<'a>(model: &'a ScalingModel, config: &Config) -> Vec<Kept<'a>> {
    let of = |resource: &'a ResourceModel| {
        let placed = resource.tier == config.tier;
        let of_platform = config.platform == Platform::Function || matches!(resource.kind, ResourceKind::Cpu | ResourceKind::Memory);
        let capacity = resource.capacity.filter(|_| !(placed && of_platform))?;
        Some(Kept { resource, capacity, placed })
    };
    model.resources.iter().filter_map(of).collect()
}

/// Looks things up in a book, with an error that offers the nearest name.
struct Finder<'a> {
    name: &'a str,
    book: &'a PriceBook,
    on: Date, // the day whose prices are used
}

impl<'a> Finder<'a> {
    fn meter(&self, id: &str, driver: Driver) -> Result<PricedMeter<'a>, ModelError> {
        let meter = self.book.meter(id, self.on).ok_or_else(|| self.unknown("meter", id, self.book.meter.iter().map(|meter| meter.id.as_str())))?;
        Ok(PricedMeter { meter, price: CompiledPrice::new(meter), driver })
    }

    fn limit(&self, id: &str) -> Result<f64, ModelError> {
        let limit = self.book.limit(id).ok_or_else(|| self.unknown("limit", id, self.book.limit.iter().map(|limit| limit.id.as_str())))?;
        Ok(float(limit.value.0))
    }

    fn carrier(&self, config: &Config) -> Result<Carrier<'a>, ModelError> {
        match config.platform {
            Platform::Vm => {
                let sku = config.sku.as_deref().unwrap_or_default();
                let instance = self.book.instance(sku, self.on).ok_or_else(|| ModelError::UnknownSku {
                    config: self.name.to_owned(),
                    sku: sku.to_owned(),
                    book: self.book.name(),
                    offer: offer(sku, self.book.instance.iter().map(|instance| instance.sku.as_str())),
                })?;
                Ok(Carrier::Instances { instance, cores: float(instance.vcpu.0), per_hour: instance.price.on_demand.map(|price| float(price.0)) })
            }
            Platform::Function => {
                let memory_mb = f64::from(config.memory_mb.unwrap_or_default());
                let arch = config.arch.as_deref().unwrap_or(DEFAULT_ARCH);
                Ok(Carrier::Functions {
                    memory_gib: memory_mb / MB_PER_GIB,
                    processor_share: (memory_mb / self.limit(MEMORY_PER_VCPU)?).min(1.0),
                    concurrency: self.limit(CONCURRENCY)?,
                    requests: self.meter(REQUESTS, Driver::Requests)?,
                    duration: self.meter(&format!("lambda.duration.{arch}"), Driver::Requests)?,
                })
            }
        }
    }

    fn unknown<'b>(&self, what: &'static str, id: &str, known: impl Iterator<Item = &'b str>) -> ModelError {
        ModelError::UnknownMeter { config: self.name.to_owned(), what, id: id.to_owned(), book: self.book.name(), offer: offer(id, known) }
    }
}

fn offer<'b>(written: &str, known: impl Iterator<Item = &'b str>) -> String {
    nearest(written, known).map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

/// Bytes of one unit of a transfer meter: GB is decimal, GiB binary.
fn bytes_per_unit(unit: &str) -> f64 {
    if unit == "GiB" { BYTES_PER_GIB } else { 1e9 }
}

fn float(value: Decimal) -> f64 {
    value.to_f64().unwrap_or(f64::NAN)
}

fn decimal(value: f64, config: &str) -> Result<Decimal, ModelError> {
    let quantity = Decimal::from_f64(value).filter(|quantity| quantity.abs() <= MOST_UNITS);
    quantity
        .map(|quantity| quantity.round_dp(DIGITS))
        .ok_or_else(|| ModelError::TooLarge { what: format!("{value:e} units in configuration `{config}`") })
}

/// Sum of a bill's priced lines.
pub fn total(lines: &[CostLine]) -> Decimal {
    lines.iter().filter_map(|line| line.amount.map(|amount| amount.0)).sum()
}
