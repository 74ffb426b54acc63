//! The projection: a model, a study and price books become costs, dates and break points.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use nest_data::{
    Caveat, Document, Estimate, PriceBook, Projection, ScalingModel, Study,
    estimate::quantile_of_sorted,
    measurement::ResourceKind,
    projection::{
        Bill, BookUse, BreakPoint, ConfigProjection, DemandRow, Headline, ModelSource, MoneyEstimate, MonthProjection, SourceUse, first_break,
    },
    study_file::MOST_CUSTOMERS,
    units::Quoted,
};
use rust_decimal::{
    Decimal,
    prelude::{FromPrimitive, ToPrimitive},
};

use crate::{
    ModelError,
    break_point::{Search, break_points, is_extrapolated},
    charts::charts,
    config::{PricedConfig, total},
    draws::{Purpose, Stream, World, central_world, worlds},
    growth::{Futures, Path},
    inputs::{Acts, Inputs, OpenWork},
    limits::Asked,
    policy::{open_work, project_policy},
};

/// Multiple of the tested customers up to which break points are looked for.
const SEARCHED: f64 = 4.0;
/// The same where the reader has asked to look beyond.
const SEARCHED_BEYOND: f64 = 1_000.0;

/// What a draw costs in which nothing carries the load; a number, because documents hold no infinity.
const UNAFFORDABLE: f64 = 1e15;
/// Rounds in which a break point and the data that is stored there find one another; each is off by a share of the one before.
const ROUNDS_OF_DATA: usize = 5;

/// What a projection is made for.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectOptions {
    /// The day it is made for.
    pub as_of: Date,
    /// Whether to look for break points past four times the tested customers.
    pub beyond: bool,
}

/// Everything that a projection reads.
pub struct Context<'a> {
    pub study: &'a Study,
    pub model: &'a ScalingModel,
    pub books: &'a [PriceBook],
    pub options: &'a ProjectOptions,
    pub central: World,
    pub worlds: Vec<World>,
    pub growth: Option<Futures<'a>>,
}

/// A configuration with its inputs in the central world and in every draw.
pub struct ConfigWorlds<'a> {
    pub priced: PricedConfig<'a>,
    set: BTreeMap<String, f64>, // parameters that a policy sets
    pub central: Inputs,
    pub draws: Vec<Inputs>,
}

/// Projects a study on all of its configurations. `study` may differ from the measured one in everything but behaviours.
///
/// # Errors
/// [`ModelError`] for a book, instance type, meter or tier that is not there, a rate without a value, or a behaviour
/// that was never measured.
pub fn project(model: &ScalingModel, study: &Study, books: &[PriceBook], options: &ProjectOptions) -> Result<Projection, ModelError> {
    if let Some(behaviour) = study.behaviours.keys().find(|behaviour| !model.behaviours.iter().any(|facts| facts.name == **behaviour)) {
        return Err(ModelError::NotMeasured { behaviour: behaviour.clone() });
    }
    let context = Context::new(model, study, books, options)?;
    let configs = study.configs.keys().map(|name| ConfigWorlds::new(&context, name, &BTreeMap::new())).collect::<Result<Vec<_>, _>>()?;
    let customers = context.headline_customers();
    let mut caveats = model.caveats.clone();
    let projected = configs.iter().map(|worlds| worlds.project(&context, customers, &mut caveats)).collect::<Result<Vec<_>, _>>()?;
    let lead = study.report.config.as_ref().or(study.configs.keys().next());
    let lead = lead.and_then(|name| configs.iter().zip(&projected).find(|(worlds, _)| worlds.priced.name == name));
    let policies = match lead {
        Some((worlds, _)) => {
            study.policies.iter().map(|(name, policy)| project_policy(&context, name, policy, worlds, customers)).collect::<Result<_, _>>()?
        }
        None => Vec::new(),
    };
    let headline = lead.map(|(_, config)| Headline {
        customers,
        config: config.name.clone(),
        per_1000: config.bill.per_1000,
        break_point: first_break(&config.break_points).map(|(point, _)| point.clone()),
        searched_to: context.searched_to(),
    });
    let used = book_uses(&configs, options.as_of, &mut caveats);
    Ok(Projection {
        header: Projection::header(),
        as_of: options.as_of,
        study: study.study.clone(),
        model: ModelSource {
            run: model.run.clone(),
            measured_at: model.measured_at.clone(),
            measured_hash: model.measured_hash.clone(),
            machine: model.machine.clone(),
            tested_customers: context.tested_customers(),
        },
        growth: context.growth.as_ref().map(|growth| growth.name.to_owned()),
        headline,
        demand: demand_rows(model),
        rates_per_day: study.rates_per_day(&study.parameter_values()).map_err(ModelError::Rates)?.into_iter().collect(),
        charts: charts(&context, &configs),
        configs: projected,
        policies,
        points: model.points.clone(),
        checks: model.checks.clone(),
        books: used,
        caveats,
    })
}

impl<'a> Context<'a> {
    fn new(model: &'a ScalingModel, study: &'a Study, books: &'a [PriceBook], options: &'a ProjectOptions) -> Result<Self, ModelError> {
        let growth = study.report.growth.as_ref().or(study.growth.keys().next()).and_then(|name| study.growth.get_key_value(name));
        let growth = growth.map(|(name, scenario)| Futures::new(name, scenario, model.draws.seed, model.draws.count)).transpose()?;
        Ok(Self { study, model, books, options, central: central_world(model), worlds: worlds(model), growth })
    }

    /// Customers up to which break points are looked for.
    pub fn searched_to(&self) -> f64 {
        self.tested_customers() * if self.options.beyond { SEARCHED_BEYOND } else { SEARCHED }
    }

    fn headline_customers(&self) -> f64 {
        self.study
            .report
            .customers
            .or(self.growth.as_ref().map(|growth| growth.course.start().customers))
            .unwrap_or(self.model.tested.customers)
            .clamp(1.0, MOST_CUSTOMERS)
    }

    /// Parameters in draw `index`, or in the central world.
    fn parameters(&self, index: Option<u32>) -> BTreeMap<String, f64> {
        let mut values = self.study.parameter_values();
        if let Some(index) = index {
            let mut stream = Stream::new(self.model.draws.seed, Purpose::Parameters, index);
            for (name, parameter) in &self.study.parameters {
                if let Some([low, high]) = parameter.range() {
                    values.insert(name.clone(), stream.within(low, parameter.value(), high));
                }
            }
        }
        values
    }

    /// What customers do in draw `index` or the central world, with some parameters set: executions per customer and day, and what
    /// their open items cost.
    fn acts(&self, index: Option<u32>, set: &BTreeMap<String, f64>) -> Result<(BTreeMap<String, f64>, OpenWork), ModelError> {
        let usual = self.parameters(index);
        let mut now = usual.clone();
        now.extend(set.clone());
        let rates = self.study.rates_per_day(&now).map_err(ModelError::Rates)?;
        Ok((rates, open_work(self.study, &self.model.study, &usual, &now).map_err(ModelError::Rates)?))
    }

    /// Largest tested customers, at the rates and the peak that are projected: what was tested is a load.
    pub fn tested_customers(&self) -> f64 {
        let load = |study: &Study| {
            let rates = study.rates_per_day(&study.parameter_values()).unwrap_or_default();
            let of = |resource: &nest_data::scaling::ResourceModel| {
                rates.iter().map(|(name, rate)| rate * resource.demand.get(name).map_or(0.0, |demand| demand.value)).sum::<f64>()
            };
            let cpus = self.model.resources.iter().filter(|resource| resource.kind == ResourceKind::Cpu);
            study.busiest_minute_per_s() * cpus.map(of).sum::<f64>()
        };
        let ratio = load(&self.model.study) / load(self.study);
        self.model.tested.customers * if ratio.is_finite() { ratio } else { 1.0 }
    }

    /// Whether stored data changes demand as customers come.
    fn demand_follows_data(&self) -> bool {
        self.study.data.is_some() && self.model.resources.iter().any(|resource| resource.size_dependence.is_some())
    }

    /// A number of customers as a decimal.
    pub fn decimal(&self, customers: f64) -> Result<Decimal, ModelError> {
        Decimal::from_f64(customers).ok_or_else(|| ModelError::TooLarge { what: format!("{customers} customers") })
    }
}

impl<'a> ConfigWorlds<'a> {
    /// A configuration's inputs, with some parameters of the study set, and as much data stored as the headline's customers have.
    pub fn new(context: &Context<'a>, name: &str, set: &BTreeMap<String, f64>) -> Result<Self, ModelError> {
        Self::storing(context, name, set, context.headline_customers())
    }

    /// The same with the data that `customers` have stored.
    fn storing(context: &Context<'a>, name: &str, set: &BTreeMap<String, f64>, customers: f64) -> Result<Self, ModelError> {
        let (name, config) = context.study.configs.get_key_value(name).expect("callers name configurations of the study");
        let priced = PricedConfig::new(context.study, context.model, name, config, context.books, context.options.as_of)?;
        let tiers: BTreeSet<&str> = context.model.resources.iter().map(|resource| resource.tier.as_str()).collect();
        if !tiers.contains(config.tier.as_str()) {
            let known = tiers.into_iter().collect::<Vec<_>>().join(", ");
            return Err(ModelError::UnknownTier { config: name.clone(), tier: config.tier.clone(), known });
        }
        let ([low, high], _) = priced.speed();
        let middle = (low + high) / 2.0;
        let inputs = |world: &World, (rates, open): &(BTreeMap<String, f64>, OpenWork), speed: f64| {
            let stored = context.study.data.as_ref().and_then(|data| data.stored_at(customers, rates));
            Inputs::new(context.model, &priced, world, Acts { rates, open, stored }, speed)
        };
        let usual = context.acts(None, set)?;
        let central = inputs(&context.central, &usual, middle);
        let varies = context.study.parameters.values().any(|parameter| parameter.range().is_some());
        let draw = |(index, world): (usize, &World)| {
            let index = index as u32;
            // The tail of a wide range may leave what a formula is defined for; the central values stand for such a draw.
            let drawn = varies.then(|| context.acts(Some(index), set).ok()).flatten();
            let speed = Stream::new(context.model.draws.seed, Purpose::Speed, index).within(low, middle, high).max(low / 2.0);
            inputs(world, drawn.as_ref().unwrap_or(&usual), speed)
        };
        let draws = context.worlds.iter().enumerate().map(draw).collect();
        Ok(Self { priced, set: set.clone(), central, draws })
    }

    /// Total of the central bill at a customer count.
    pub fn bill_total(&self, customers: f64) -> Result<Decimal, ModelError> {
        self.priced.bill(customers, &self.central).map(|lines| total(&lines))
    }

    /// Break points of the configuration. Where demand depends on stored data, and that on customers, each round takes the data of
    /// the customers at which the round before saw the first failure.
    pub fn break_points(&self, context: &Context<'a>) -> Result<Vec<BreakPoint>, ModelError> {
        let mut points = self.break_points_here(context);
        if context.demand_follows_data() {
            for _ in 0..ROUNDS_OF_DATA {
                let Some(customers) = first_break(&points).map(|(_, customers)| customers.value) else { break };
                points = Self::storing(context, self.priced.name, &self.set, customers.max(1.0))?.break_points_here(context);
            }
        }
        Ok(points)
    }

    fn break_points_here(&self, context: &Context<'_>) -> Vec<BreakPoint> {
        let search = Search {
            asked: Asked { study: context.study, model: context.model, from: context.headline_customers(), to: context.searched_to() },
            tested: context.tested_customers(),
            central: (&context.central, &self.central),
            draws: context.worlds.iter().zip(&self.draws).collect(),
            growth: context.growth.as_ref(),
            searched_to: context.searched_to(),
        };
        break_points(&self.priced, &search)
    }

    fn project(&self, context: &Context<'a>, customers: f64, caveats: &mut Vec<Caveat>) -> Result<ConfigProjection, ModelError> {
        let priced = &self.priced;
        self.raise(context, customers, caveats);
        let bill = self.bill(context, customers, caveats)?;
        let months = self.months(context)?;
        let allowed = priced.config.max.map_or(f64::INFINITY, |max| f64::from(max + priced.config.spare));
        if let Some(month) = months.iter().find(|month| month.instances.is_some_and(|instances| instances.value > allowed)) {
            caveats.push(Caveat::MoreThanAllowed { config: priced.name.to_owned(), from: month.date });
        }
        Ok(ConfigProjection {
            name: priced.name.to_owned(),
            platform: priced.config.platform,
            shape: priced.shape(),
            book: priced.book.name(),
            currency: priced.book.currency.clone(),
            bill,
            months,
            break_points: self.break_points(context)?,
        })
    }

    fn raise(&self, context: &Context<'_>, customers: f64, caveats: &mut Vec<Caveat>) {
        let priced = &self.priced;
        let name = priced.name.to_owned();
        let ([low, high], assumed) = priced.speed();
        if assumed {
            caveats.push(Caveat::SpeedAssumed { config: name.clone(), low, high });
        }
        if priced.unknown_lines() > 0 {
            caveats.push(Caveat::PriceUnknown { config: name.clone(), lines: priced.unknown_lines() });
        }
        let tiers: BTreeSet<&String> =
            context.model.resources.iter().map(|resource| &resource.tier).filter(|tier| **tier != priced.config.tier).collect();
        caveats.extend(tiers.into_iter().map(|tier| Caveat::TierNotPlaced { config: name.clone(), tier: tier.clone() }));
        if is_extrapolated(priced, context.tested_customers(), customers, &self.central) {
            let carrying = priced.sizing(&self.central).map_or(1.0, |sizing| sizing.instances(customers));
            let factor = carrying.max(customers / carrying / context.tested_customers());
            caveats.push(Caveat::Extrapolated { what: format!("{customers:.0} customers on `{name}`"), factor });
        }
    }

    fn bill(&self, context: &Context<'_>, customers: f64, caveats: &mut Vec<Caveat>) -> Result<Bill, ModelError> {
        let lines = self.priced.bill(customers, &self.central)?;
        let value = total(&lines);
        let unknown = self.priced.unknown_lines() > 0;
        let draws: Vec<f64> = self.draws.iter().map(|inputs| self.priced.cost(customers, inputs)).collect();
        let per_1000_draws: Vec<f64> = draws.iter().map(|cost| cost / customers * 1e3).collect();
        let per_1000 = value * Decimal::ONE_THOUSAND / context.decimal(customers)?;
        if off_centre(value, &draws) {
            caveats.push(Caveat::ValueOffCentre { what: format!("the cost of {customers:.0} customers on `{}`", self.priced.name) });
        }
        let next_stair = self.priced.sizing(&self.central).map(|sizing| {
            let carrying = sizing.instances(customers);
            sizing.customers_at(carrying, 1.0 - sizing.reserve)
        });
        Ok(Bill {
            customers,
            lines,
            total: money(value, draws, unknown),
            per_1000: money(per_1000, per_1000_draws, unknown),
            marginal_1000: Quoted((self.bill_total(customers + 1_000.0)? - value).normalize()),
            next_stair: next_stair.filter(|customers| customers.is_finite()),
        })
    }

    /// Capacity on the first day of each month; cost the mean of the month's two ends.
    fn months(&self, context: &Context<'a>) -> Result<Vec<MonthProjection>, ModelError> {
        let Some(growth) = &context.growth else { return Ok(Vec::new()) };
        let unknown = self.priced.unknown_lines() > 0;
        let mut months = Vec::new();
        for (month, date) in growth.course.dates().into_iter().enumerate().take(growth.course.months() as usize) {
            let [begin, end] = ends(&growth.central, month);
            if !(1.0..=MOST_CUSTOMERS).contains(&begin) || !(1.0..=MOST_CUSTOMERS).contains(&end) {
                break;
            }
            let grown = context.demand_follows_data().then(|| Self::storing(context, self.priced.name, &self.set, begin)).transpose()?;
            let this = grown.as_ref().unwrap_or(self);
            let value = (this.bill_total(begin)? + this.bill_total(end)?) / Decimal::TWO;
            let per_1000 = value * Decimal::ONE_THOUSAND / context.decimal((begin + end) / 2.0)?;
            let worlds: Vec<MonthWorld> = this.draws.iter().zip(&growth.draws).map(|(inputs, path)| self.month_world(path, month, inputs)).collect();
            let draws = |draw: &dyn Fn(&MonthWorld) -> f64| worlds.iter().map(draw).collect::<Vec<f64>>();
            let estimate =
                |value: f64, draw: &dyn Fn(&MonthWorld) -> f64| Estimate::from_draws(value, &mut draws(draw)).unwrap_or(Estimate::exact(value));
            months.push(MonthProjection {
                date,
                customers: estimate(begin, &|world| world.customers),
                instances: this
                    .priced
                    .instances(begin, &this.central)
                    .map(|instances| estimate(instances, &|world| world.instances.unwrap_or(f64::NAN))),
                cost: money(value, draws(&|world| world.cost), unknown),
                per_1000: money(per_1000, draws(&|world| world.per_1000), unknown),
                extrapolated: is_extrapolated(&self.priced, context.tested_customers(), end, &this.central),
            });
        }
        Ok(months)
    }

    fn month_world(&self, path: &Path, month: usize, inputs: &Inputs) -> MonthWorld {
        let [begin, end] = ends(path, month);
        let cost = (self.priced.cost(begin, inputs) + self.priced.cost(end, inputs)) / 2.0;
        MonthWorld { customers: begin, instances: self.priced.instances(begin, inputs), cost, per_1000: cost / (begin + end) * 2e3 }
    }
}

/// One month in one draw.
struct MonthWorld {
    customers: f64,
    instances: Option<f64>,
    cost: f64,
    per_1000: f64,
}

/// Customers at the two ends of a month.
pub fn ends(path: &Path, month: usize) -> [f64; 2] {
    [month, month + 1].map(|month| path.at(month as f64))
}

/// A decimal value with the 5 % and 95 % quantiles of its draws.
pub fn money(value: Decimal, mut draws: Vec<f64>, at_least: bool) -> MoneyEstimate {
    draws.iter_mut().for_each(|draw| *draw = draw.min(UNAFFORDABLE));
    draws.sort_by(f64::total_cmp);
    let float = value.to_f64().unwrap_or(f64::NAN);
    let at = |quantile| quantile_of_sorted(&draws, quantile).unwrap_or(float);
    MoneyEstimate { value: Quoted(value.normalize()), low: at(0.05), high: at(0.95), at_least }
}

/// Whether a value lies outside the central half of its draws.
fn off_centre(value: Decimal, draws: &[f64]) -> bool {
    let mut sorted = draws.to_vec();
    sorted.sort_by(f64::total_cmp);
    let value = value.to_f64().unwrap_or(f64::NAN);
    let at = |quantile| quantile_of_sorted(&sorted, quantile).unwrap_or(value);
    value < at(0.25) * (1.0 - 1e-9) || value > at(0.75) * (1.0 + 1e-9)
}

fn demand_rows(model: &ScalingModel) -> Vec<DemandRow> {
    let rows = model.resources.iter().flat_map(|resource| {
        let row = |behaviour: &str, estimate: &Estimate| DemandRow {
            resource: resource.name.clone(),
            behaviour: behaviour.to_owned(),
            unit: resource.kind.unit().to_owned(),
            estimate: *estimate,
            separable: resource.separable,
        };
        let demands = resource.demand.iter().map(|(behaviour, estimate)| row(behaviour, estimate)).collect::<Vec<_>>();
        demands.into_iter().chain([row("idle", &resource.idle)])
    });
    rows.collect()
}

fn book_uses(configs: &[ConfigWorlds<'_>], as_of: Date, caveats: &mut Vec<Caveat>) -> Vec<BookUse> {
    let mut by_book: BTreeMap<String, (&PriceBook, BTreeSet<&str>)> = BTreeMap::new();
    for worlds in configs {
        by_book.entry(worlds.priced.book.name()).or_insert((worlds.priced.book, BTreeSet::new())).1.extend(worlds.priced.sources());
    }
    let mut uses = Vec::new();
    for (name, (book, sources)) in by_book {
        let sources: Vec<_> = sources.into_iter().filter_map(|name| book.source.get(name).map(|source| (name, source))).collect();
        let age =
            |source: &nest_data::price_book::PriceSource| source.observed_on.earliest().until(as_of).map_or(0, |span| i64::from(span.get_days()));
        let oldest_days = sources.iter().map(|(_, source)| age(source)).max().unwrap_or(0);
        if oldest_days > i64::from(book.stale_after_days) {
            caveats.push(Caveat::PriceOld { book: name.clone(), days: oldest_days });
        }
        let sources = sources.iter().map(|(name, source)| SourceUse {
            title: format!("[{name}] {}", source.title),
            url: source.url.clone(),
            observed_on: source.observed_on.to_string(),
            confidence: source.confidence,
        });
        uses.push(BookUse { name, sources: sources.collect(), oldest_days });
    }
    uses
}
