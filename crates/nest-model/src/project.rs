//! The projection: a model, a study and price books become costs, dates and break points.

mod break_point;
mod charts;
mod compare;
mod config;
pub mod explain;
pub mod growth;
mod inputs;
mod limits;
mod months;
mod performance;
mod policy;
mod segments;
mod sensitivity;
pub mod sizing;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use nest_data::{
    Caveat, Document, Estimate, PriceBook, Projection, ScalingModel, Study,
    estimate::quantile_of,
    measurement::ResourceKind,
    projection::{
        Bill, BookUse, BreakPoint, ConfigProjection, CostLine, DemandRow, DriverKind, DriverShare, FeeBill,
        Headline, ModelSource, MoneyEstimate, SourceUse, first_break,
    },
    study::Driver,
    study_file::MOST_CUSTOMERS,
    units::QuotedDecimal,
};
use rayon::prelude::*;
use rust_decimal::{
    Decimal,
    prelude::{FromPrimitive, ToPrimitive},
};

use crate::{
    ModelError,
    draws::{ParameterDraw, RandomStream, StreamPurpose, parameter_draws, point_estimate},
    project::break_point::{BreakPointSearch, break_points, is_extrapolated},
    project::charts::charts,
    project::compare::{compare, growths},
    project::config::{PricedConfig, SizedPlacement, float, total},
    project::growth::{GrowthDraws, Trajectory},
    project::inputs::{Activity, BacklogDemand, ReadyInputs},
    project::limits::{SearchScope, meet_objectives},
    project::months::{MonthCost, monthly_costs, months},
    project::performance::performance,
    project::policy::{open_work, project_policy},
    project::segments::segments,
    project::sensitivity::sensitivity,
    response::QueueingDelays,
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
pub(crate) struct Context<'a> {
    pub study: &'a Study,
    pub model: &'a ScalingModel,
    pub books: &'a [PriceBook],
    pub options: &'a ProjectOptions,
    pub central: ParameterDraw,
    pub drawn: Vec<ParameterDraw>,
    pub growth: Option<GrowthDraws<'a>>,
    /// Executions per customer and day of the measured study.
    pub measured_rates: BTreeMap<String, f64>,
    tested_customers: f64,
    delays: QueueingDelays,
}

/// A configuration with its inputs in the point estimate and in every draw.
pub(crate) struct DrawnConfig<'a> {
    pub priced: PricedConfig<'a>,
    pub set: BTreeMap<String, f64>,        // parameters that a policy sets
    pub parameters: BTreeMap<String, f64>, // all of them, in the point estimate
    pub central: ReadyInputs,
    pub draws: Vec<ReadyInputs>,
}

/// When and for how many customers a configuration is looked at: what they have stored, and which segments they belong to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Moment {
    pub customers: f64,
    pub months: f64, // after the start of growth
}

/// What comes of one configuration.
struct Projected {
    config: ConfigProjection,
    monthly_costs: Vec<MonthCost>,
    caveats: Vec<Caveat>,
}

/// What customers do in one draw, and what their open items cost.
struct DrawnActivity {
    rates: BTreeMap<String, f64>,
    open: BacklogDemand,
    fees: Vec<f64>,
    parameters: BTreeMap<String, f64>,
}

/// Projects a study on all of its configurations. `study` may differ from the measured one in everything but behaviours.
///
/// # Errors
/// [`ModelError`] for a book, instance type, meter or tier that is not there, a rate without a value, or a behaviour
/// that was never measured.
pub fn project(
    model: &ScalingModel,
    study: &Study,
    books: &[PriceBook],
    options: &ProjectOptions,
) -> Result<Projection, ModelError> {
    if let Some(behaviour) = study
        .behaviours
        .keys()
        .find(|behaviour| !model.behaviours.iter().any(|facts| facts.name == **behaviour))
    {
        return Err(ModelError::NotMeasured {
            behaviour: behaviour.clone(),
        });
    }
    let context = Context::new(model, study, books, options)?;
    // Configurations know nothing of one another, so each has a processor of its own where there is one.
    let names: Vec<&String> = study.configs.keys().collect();
    let configs = names
        .par_iter()
        .map(|name| DrawnConfig::new(&context, name, &BTreeMap::new()))
        .collect::<Result<Vec<_>, _>>()?;
    let customers = context.headline_customers();
    let made = configs
        .par_iter()
        .map(|drawn| drawn.project(&context, customers))
        .collect::<Result<Vec<_>, _>>()?;
    let mut caveats = model.caveats.clone();
    let (mut projected, mut courses) = (Vec::new(), Vec::new());
    for one in made {
        caveats.extend(one.caveats);
        projected.push(one.config);
        courses.push(one.monthly_costs);
    }
    let lead = study.report.config.as_ref().or(study.configs.keys().next());
    let position = lead.and_then(|name| configs.iter().position(|drawn| drawn.priced.name == name));
    let lead = position.map(|index| (&configs[index], &projected[index]));
    let policies = match lead {
        Some((drawn, _)) => study
            .policies
            .iter()
            .map(|(name, policy)| project_policy(&context, name, policy, drawn, customers))
            .collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let headline = lead.map(|(_, config)| Headline {
        customers,
        config: config.name.clone(),
        per_1000: config.bill.per_1000,
        break_point: first_break(&config.break_points).map(|(point, _)| point.clone()),
        searched_to: context.searched_to(),
    });
    let comparison = position
        .map(|index| compare(&context, &configs, &projected, &courses, index))
        .transpose()?
        .flatten();
    let growths = lead
        .map(|(drawn, config)| {
            growths(
                &context,
                drawn,
                &courses[position.unwrap_or_default()],
                &config.break_points,
            )
        })
        .transpose()?
        .unwrap_or_default();
    let sensitivity = lead
        .map(|(drawn, _)| sensitivity(&context, drawn, customers))
        .unwrap_or_default();
    let segments = lead
        .map(|(drawn, config)| segments(&context, drawn, &config.bill))
        .transpose()?
        .unwrap_or_default();
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
        rates_per_day: study
            .rates_per_day(&study.parameter_values())
            .map_err(ModelError::Rates)?
            .into_iter()
            .collect(),
        charts: charts(&context, &configs),
        comparison,
        growths,
        sensitivity,
        segments,
        configs: projected,
        policies,
        points: model.points.clone(),
        checks: model.checks.clone(),
        books: used,
        caveats,
    })
}

impl<'a> Context<'a> {
    pub fn new(
        model: &'a ScalingModel,
        study: &'a Study,
        books: &'a [PriceBook],
        options: &'a ProjectOptions,
    ) -> Result<Self, ModelError> {
        let growth = study
            .report
            .growth
            .as_ref()
            .or(study.growth.keys().next())
            .and_then(|name| study.growth.get_key_value(name));
        let growth = growth
            .map(|(name, scenario)| GrowthDraws::new(name, scenario, model.draws.seed, model.draws.count))
            .transpose()?;
        Ok(Self {
            study,
            model,
            books,
            options,
            central: point_estimate(model),
            drawn: parameter_draws(model),
            growth,
            measured_rates: model
                .study
                .rates_per_day(&model.study.parameter_values())
                .unwrap_or_default(),
            tested_customers: tested_customers(model, study),
            delays: QueueingDelays::default(),
        })
    }

    /// Customers up to which break points are looked for.
    pub fn searched_to(&self) -> f64 {
        self.tested_customers()
            * if self.options.beyond {
                SEARCHED_BEYOND
            } else {
                SEARCHED
            }
    }

    pub fn headline_customers(&self) -> f64 {
        self.study
            .report
            .customers
            .or(self.growth.as_ref().map(|growth| growth.model.start().customers))
            .unwrap_or(self.model.tested.customers)
            .clamp(1.0, MOST_CUSTOMERS)
    }

    /// Parameters in draw `index`, or in the point estimate.
    fn parameters(&self, index: Option<u32>) -> BTreeMap<String, f64> {
        let mut values = self.study.parameter_values();
        if let Some(index) = index {
            let mut stream = RandomStream::new(self.model.draws.seed, StreamPurpose::Parameters, index);
            for (name, parameter) in &self.study.parameters {
                if let Some([low, high]) = parameter.range() {
                    values.insert(name.clone(), stream.within(low, parameter.value(), high));
                }
            }
        }
        values
    }

    /// What customers do in draw `index` or the point estimate, with some parameters set: executions per customer and day, and what
    /// their open items cost.
    fn acts(
        &self,
        index: Option<u32>,
        set: &BTreeMap<String, f64>,
        months: f64,
    ) -> Result<DrawnActivity, ModelError> {
        let usual = self.parameters(index);
        let mut now = usual.clone();
        now.extend(set.clone());
        let rates = self.study.rates_after(&now, months).map_err(ModelError::Rates)?;
        let open = open_work(self.study, &self.model.study, &usual, &now).map_err(ModelError::Rates)?;
        let fees = self
            .study
            .fees
            .values()
            .map(|fee| Ok(float(fee.each(&now)?)))
            .collect::<Result<_, _>>()
            .map_err(ModelError::Rates)?;
        Ok(DrawnActivity {
            rates,
            open,
            fees,
            parameters: now,
        })
    }

    /// Largest tested customers, at the rates and the peak that are projected.
    pub fn tested_customers(&self) -> f64 {
        self.tested_customers
    }

    /// Whether stored data changes demand or cost as customers come.
    fn demand_follows_data(&self) -> bool {
        let paid = || {
            self.study
                .configs
                .values()
                .flat_map(|config| config.meters.values())
                .any(|used| used.driver() == Driver::Stored)
        };
        self.study.data.is_some()
            && (self
                .model
                .resources
                .iter()
                .any(|resource| resource.size_dependence.is_some())
                || paid())
    }

    /// Whether what one customer causes changes from month to month.
    pub fn changes_with_time(&self) -> bool {
        self.demand_follows_data()
            || self
                .study
                .segments
                .values()
                .any(|segment| segment.growth.is_some())
    }

    /// Where the headline looks.
    pub fn now(&self) -> Moment {
        Moment {
            customers: self.headline_customers(),
            months: 0.0,
        }
    }

    /// A number of customers as a decimal.
    pub fn decimal(&self, customers: f64) -> Result<Decimal, ModelError> {
        Decimal::from_f64(customers).ok_or_else(|| ModelError::TooLarge {
            what: format!("{customers} customers"),
        })
    }
}

/// Largest tested customers at the rates and the peak of another study: what was tested is a load.
fn tested_customers(model: &ScalingModel, study: &Study) -> f64 {
    let load = |study: &Study| {
        let rates = study.rates_per_day(&study.parameter_values()).unwrap_or_default();
        let of = |resource: &nest_data::scaling::ResourceModel| {
            rates
                .iter()
                .map(|(name, rate)| rate * resource.demand.get(name).map_or(0.0, |demand| demand.value))
                .sum::<f64>()
        };
        let cpus = model
            .resources
            .iter()
            .filter(|resource| resource.kind == ResourceKind::Cpu);
        study.busiest_minute_per_s() * cpus.map(of).sum::<f64>()
    };
    let ratio = load(&model.study) / load(study);
    model.tested.customers * if ratio.is_finite() { ratio } else { 1.0 }
}

impl<'a> DrawnConfig<'a> {
    /// A configuration's inputs, with some parameters of the study set, as it is at the headline's customers.
    pub fn new(context: &Context<'a>, name: &str, set: &BTreeMap<String, f64>) -> Result<Self, ModelError> {
        Self::at(context, name, set, context.now())
    }

    /// The same at another moment: with the data that customers have stored then, and the segments they belong to.
    pub fn at(
        context: &Context<'a>,
        name: &str,
        set: &BTreeMap<String, f64>,
        moment: Moment,
    ) -> Result<Self, ModelError> {
        Self::of_worlds(context, name, set, moment, &context.drawn)
    }

    fn of_worlds(
        context: &Context<'a>,
        name: &str,
        set: &BTreeMap<String, f64>,
        moment: Moment,
        drawn: &[ParameterDraw],
    ) -> Result<Self, ModelError> {
        let (name, config) = context
            .study
            .configs
            .get_key_value(name)
            .expect("callers name configurations of the study");
        let tiers: BTreeSet<&str> = context
            .model
            .resources
            .iter()
            .map(|resource| resource.tier.as_str())
            .collect();
        if let Some(placement) = config
            .placements()
            .find(|placement| !tiers.contains(placement.tier.as_str()))
        {
            let known = tiers.into_iter().collect::<Vec<_>>().join(", ");
            return Err(ModelError::UnknownTier {
                config: name.clone(),
                tier: placement.tier.clone(),
                known,
            });
        }
        let priced = PricedConfig::new(
            context.study,
            context.model,
            name,
            config,
            context.books,
            &context.delays,
            context.options.as_of,
        )?;
        let inputs = |draw: &ParameterDraw, acting: &DrawnActivity, speeds: &[f64]| {
            let stored = context
                .study
                .data
                .as_ref()
                .and_then(|data| data.stored_at(moment.customers, &acting.rates));
            let acts = Activity {
                rates: &acting.rates,
                open: &acting.open,
                stored,
                fees: &acting.fees,
            };
            let mut inputs = ReadyInputs::new(context.model, &priced, draw, acts, speeds);
            meet_objectives(&priced, context.study, context.model, draw, &mut inputs);
            inputs.ready(&priced)
        };
        let usual = context.acts(None, set, moment.months)?;
        let middle = |placed: &SizedPlacement<'_>| placed.speed().0.iter().sum::<f64>() / 2.0;
        let central = inputs(
            &context.central,
            &usual,
            &priced.placed.iter().map(middle).collect::<Vec<f64>>(),
        );
        let varies = context
            .study
            .parameters
            .values()
            .any(|parameter| parameter.range().is_some());
        let hardware: Vec<u64> = priced
            .placed
            .iter()
            .map(|placed| seed_of(&placed.hardware()))
            .collect();
        let draw = |(index, draw): (usize, &ParameterDraw)| {
            let index = index as u32;
            // The tail of a wide range may leave what a formula is defined for; the central values stand for such a draw.
            let drawn = varies
                .then(|| context.acts(Some(index), set, moment.months).ok())
                .flatten();
            let speed = |(placed, seed): (&SizedPlacement<'_>, &u64)| {
                let ([low, high], _) = placed.speed();
                RandomStream::new(context.model.draws.seed ^ seed, StreamPurpose::Speed, index)
                    .within(low, middle(placed), high)
                    .max(low / 2.0)
            };
            let speeds: Vec<f64> = priced.placed.iter().zip(&hardware).map(speed).collect();
            inputs(draw, drawn.as_ref().unwrap_or(&usual), &speeds)
        };
        let draws = drawn.iter().enumerate().map(draw).collect();
        Ok(Self {
            set: set.clone(),
            parameters: usual.parameters,
            central,
            draws,
            priced,
        })
    }

    /// The configuration as it is in a later month; none where nothing of it changes with time.
    pub fn grown(
        &self,
        context: &Context<'a>,
        customers: f64,
        month: usize,
    ) -> Result<Option<Self>, ModelError> {
        let moment = Moment {
            customers,
            months: month as f64,
        };
        context
            .changes_with_time()
            .then(|| Self::at(context, self.priced.name, &self.set, moment))
            .transpose()
    }

    /// The same, the point estimate alone.
    pub fn grown_centrally(
        &self,
        context: &Context<'a>,
        customers: f64,
        month: usize,
    ) -> Result<Option<Self>, ModelError> {
        let moment = Moment {
            customers,
            months: month as f64,
        };
        context
            .changes_with_time()
            .then(|| Self::of_worlds(context, self.priced.name, &self.set, moment, &[]))
            .transpose()
    }

    /// The point estimate alone, with some parameters set.
    pub fn central_only(
        context: &Context<'a>,
        name: &str,
        set: &BTreeMap<String, f64>,
    ) -> Result<Self, ModelError> {
        Self::of_worlds(context, name, set, context.now(), &[])
    }

    /// Total of the central bill at a customer count.
    pub fn bill_total(&self, customers: f64) -> Result<Decimal, ModelError> {
        self.priced
            .bill(customers, &self.central)
            .map(|lines| total(&lines))
    }

    /// Break points of the configuration. Where demand depends on stored data, and that on customers, each round takes the data of
    /// the customers at which the round before saw the first failure.
    pub fn break_points(&self, context: &Context<'a>) -> Result<Vec<BreakPoint>, ModelError> {
        let mut points = self.break_points_here(context);
        if context.demand_follows_data() {
            for _ in 0..ROUNDS_OF_DATA {
                let Some(customers) = first_break(&points).map(|(_, customers)| customers.value) else {
                    break;
                };
                points = Self::at(
                    context,
                    self.priced.name,
                    &self.set,
                    Moment {
                        customers: customers.max(1.0),
                        months: 0.0,
                    },
                )?
                .break_points_here(context);
            }
        }
        Ok(points)
    }

    fn break_points_here(&self, context: &Context<'_>) -> Vec<BreakPoint> {
        let search = BreakPointSearch {
            scope: SearchScope {
                study: context.study,
                model: context.model,
                from: context.headline_customers(),
                to: context.searched_to(),
            },
            tested: context.tested_customers(),
            central: (&context.central, &self.central),
            draws: context.drawn.iter().zip(&self.draws).collect(),
            growth: context.growth.as_ref(),
            searched_to: context.searched_to(),
        };
        break_points(&self.priced, &search)
    }

    /// The projection of this configuration, with what each month costs in every draw and the doubts that it raises.
    fn project(&self, context: &Context<'a>, customers: f64) -> Result<Projected, ModelError> {
        let priced = &self.priced;
        let mut caveats = Vec::new();
        self.raise(context, customers, &mut caveats);
        let bill = self.bill(context, customers, &mut caveats)?;
        let monthly_costs = context
            .growth
            .as_ref()
            .map(|growth| monthly_costs(self, context, growth))
            .transpose()?
            .unwrap_or_default();
        let months = months(self, context, &monthly_costs)?;
        let counted = priced
            .counted(&self.central)
            .map(|(index, sizing)| priced.placed[index].most_units() + f64::from(sizing.spare));
        let allowed = counted.unwrap_or(f64::INFINITY);
        if let Some(month) = months
            .iter()
            .find(|month| month.instances.is_some_and(|instances| instances.value > allowed))
        {
            caveats.push(Caveat::MoreThanAllowed {
                config: priced.name.to_owned(),
                from: month.date,
            });
        }
        let config = ConfigProjection {
            name: priced.name.to_owned(),
            description: priced.config.description.clone(),
            platform: priced.main().placement.platform,
            shape: priced.shape(),
            book: priced.book().name(),
            currency: context.study.study.currency.clone(),
            performance: performance(self, context, customers),
            migration: priced.config.migration.as_ref().map(|migration| migration.amount),
            bill,
            months,
            break_points: self.break_points(context)?,
        };
        Ok(Projected {
            config,
            monthly_costs,
            caveats,
        })
    }

    fn raise(&self, context: &Context<'_>, customers: f64, caveats: &mut Vec<Caveat>) {
        let priced = &self.priced;
        let name = priced.name.to_owned();
        if let Some([low, high]) = priced
            .placed
            .iter()
            .map(SizedPlacement::speed)
            .find_map(|(range, assumed)| assumed.then_some(range))
        {
            caveats.push(Caveat::SpeedAssumed {
                config: name.clone(),
                low,
                high,
            });
        }
        if priced.unknown_lines() > 0 {
            caveats.push(Caveat::PriceUnknown {
                config: name.clone(),
                lines: priced.unknown_lines(),
            });
        }
        caveats.extend(priced.falling_meters().map(|meter| Caveat::PriceMayFall {
            config: name.clone(),
            meter: meter.to_owned(),
        }));
        let foreign: BTreeMap<String, &PriceBook> = priced
            .placed
            .iter()
            .filter(|placed| placed.book.currency != context.study.study.currency)
            .map(|placed| (placed.book.name(), placed.book))
            .collect();
        for (book, of) in foreign {
            let Some(exchange) = context.study.exchange.get(&of.currency) else {
                continue;
            };
            caveats.push(Caveat::Converted {
                config: name.clone(),
                book,
                currency: of.currency.clone(),
                rate: exchange.rate,
                date: exchange.date,
            });
        }
        let tiers: BTreeSet<&String> = context
            .model
            .resources
            .iter()
            .map(|resource| &resource.tier)
            .filter(|tier| !priced.is_placed(tier))
            .collect();
        caveats.extend(tiers.into_iter().map(|tier| Caveat::TierNotPlaced {
            config: name.clone(),
            tier: tier.clone(),
        }));
        if is_extrapolated(priced, context.tested_customers(), customers, &self.central) {
            let carrying = priced
                .counted(&self.central)
                .map_or(1.0, |(_, sizing)| sizing.instances(customers));
            let factor = carrying.max(customers / carrying / context.tested_customers());
            caveats.push(Caveat::Extrapolated {
                what: format!("{customers:.0} customers on `{name}`"),
                factor,
            });
        }
    }

    fn bill(
        &self,
        context: &Context<'_>,
        customers: f64,
        caveats: &mut Vec<Caveat>,
    ) -> Result<Bill, ModelError> {
        let lines = self.priced.bill(customers, &self.central)?;
        let value = total(&lines);
        let unknown = self.priced.unknown_lines() > 0;
        let draws: Vec<f64> = self
            .draws
            .iter()
            .map(|inputs| self.priced.cost(customers, inputs))
            .collect();
        let per_1000_draws: Vec<f64> = draws.iter().map(|cost| cost / customers * 1e3).collect();
        let per_1000 = value * Decimal::ONE_THOUSAND / context.decimal(customers)?;
        if off_centre(value, &draws) {
            caveats.push(Caveat::ValueOffCentre {
                what: format!("the cost of {customers:.0} customers on `{}`", self.priced.name),
            });
        }
        let stair = |index: usize| {
            let sizing = self.priced.sizing(index, &self.central)?;
            let carrying = sizing.instances(customers);
            let most = self.priced.placed[index].most_units();
            (carrying < most).then(|| sizing.customers_at(carrying, sizing.target))
        };
        let stairs = (0..self.priced.placed.len())
            .filter_map(stair)
            .filter(|customers| customers.is_finite());
        Ok(Bill {
            customers,
            drivers: drivers(&lines),
            lines,
            total: money(value, draws, unknown),
            per_1000: money(per_1000, per_1000_draws, unknown),
            marginal_1000: QuotedDecimal((self.bill_total(customers + 1_000.0)? - value).normalize()),
            next_stair: stairs.min_by(f64::total_cmp),
            fees: self.fees(context, customers)?,
        })
    }

    /// What third parties take in a month, beside the bill of infrastructure.
    fn fees(&self, context: &Context<'_>, customers: f64) -> Result<Option<FeeBill>, ModelError> {
        if context.study.fees.is_empty() {
            return Ok(None);
        }
        let lines = self
            .priced
            .fee_lines(customers, &self.central, &self.parameters)?;
        let value = total(&lines);
        let draws: Vec<f64> = self
            .draws
            .iter()
            .map(|inputs| self.priced.fees(customers, inputs))
            .collect();
        let per_1000_draws = draws.iter().map(|fees| fees / customers * 1e3).collect();
        let per_1000 = value * Decimal::ONE_THOUSAND / context.decimal(customers)?;
        Ok(Some(FeeBill {
            lines,
            total: money(value, draws, false),
            per_1000: money(per_1000, per_1000_draws, false),
        }))
    }
}

/// Customers at the two ends of a month.
pub fn ends(path: &Trajectory, month: usize) -> [f64; 2] {
    [month, month + 1].map(|month| path.at(month as f64))
}

/// A decimal value with the 5 % and 95 % quantiles of its draws.
pub fn money(value: Decimal, mut draws: Vec<f64>, at_least: bool) -> MoneyEstimate {
    draws.iter_mut().for_each(|draw| *draw = draw.min(UNAFFORDABLE));
    let float = value.to_f64().unwrap_or(f64::NAN);
    let mut at = |quantile| quantile_of(&mut draws, quantile).unwrap_or(float);
    MoneyEstimate {
        value: QuotedDecimal(value.normalize()),
        low: at(0.05),
        high: at(0.95),
        at_least,
    }
}

/// Whether a value lies outside the central half of its draws.
fn off_centre(value: Decimal, draws: &[f64]) -> bool {
    let mut draws = draws.to_vec();
    let value = value.to_f64().unwrap_or(f64::NAN);
    let mut at = |quantile| quantile_of(&mut draws, quantile).unwrap_or(value);
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
        let demands = resource
            .demand
            .iter()
            .map(|(behaviour, estimate)| row(behaviour, estimate))
            .collect::<Vec<_>>();
        demands.into_iter().chain([row("idle", &resource.idle)])
    });
    rows.collect()
}

fn book_uses(configs: &[DrawnConfig<'_>], as_of: Date, caveats: &mut Vec<Caveat>) -> Vec<BookUse> {
    let mut by_book: BTreeMap<String, (&PriceBook, BTreeSet<&str>)> = BTreeMap::new();
    for (book, source) in configs.iter().flat_map(|drawn| drawn.priced.sources()) {
        by_book
            .entry(book.name())
            .or_insert((book, BTreeSet::new()))
            .1
            .insert(source);
    }
    let mut uses = Vec::new();
    for (name, (book, sources)) in by_book {
        let sources: Vec<_> = sources
            .into_iter()
            .filter_map(|name| book.source.get(name).map(|source| (name, source)))
            .collect();
        let age = |source: &nest_data::price_book::PriceSource| {
            source
                .observed_on
                .earliest()
                .until(as_of)
                .map_or(0, |span| i64::from(span.get_days()))
        };
        let oldest_days = sources.iter().map(|(_, source)| age(source)).max().unwrap_or(0);
        if oldest_days > i64::from(book.stale_after_days) {
            caveats.push(Caveat::PriceOld {
                book: name.clone(),
                days: oldest_days,
            });
        }
        let sources = sources.iter().map(|(name, source)| SourceUse {
            title: format!("[{name}] {}", source.title),
            url: source.url.clone(),
            observed_on: source.observed_on.to_string(),
            confidence: source.confidence,
        });
        uses.push(BookUse {
            name,
            sources: sources.collect(),
            oldest_days,
        });
    }
    uses
}

/// A number of its own for each kind of hardware (FNV-1a), so that its speed is the same in every configuration of a draw.
fn seed_of(hardware: &str) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    // The upper byte says what a stream is for.
    hardware.bytes().fold(0xcbf2_9ce4_8422_2325, mix) >> 8
}

/// What a bill's amounts are paid for: by behaviour, by driver, by what is metered; the largest first.
fn drivers(lines: &[CostLine]) -> Vec<DriverShare> {
    let mut sums: BTreeMap<(DriverKind, String), Decimal> = BTreeMap::new();
    for line in lines {
        let Some(amount) = line.amount else { continue };
        let behaviour = line
            .behaviour
            .clone()
            .unwrap_or_else(|| line.driver.label().to_owned());
        for key in [
            (DriverKind::Behaviour, behaviour),
            (DriverKind::Meter, line.meter.clone()),
        ] {
            *sums.entry(key).or_default() += amount.0;
        }
    }
    let mut shares: Vec<DriverShare> = sums
        .into_iter()
        .map(|((kind, name), amount)| DriverShare {
            kind,
            name,
            amount: QuotedDecimal(amount.normalize()),
        })
        .collect();
    shares.sort_by(|a, b| a.kind.cmp(&b.kind).then(b.amount.cmp(&a.amount)));
    shares
}
