//! Everything that a projection reads, and what it is made for.

pub mod headline;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{ToSpan, civil::Date};
use nest_data::{
    PriceBook, ScalingModel, Study,
    config::AfterTerm,
    growth::MOST_CUSTOMERS,
    measurement::ResourceKind,
    scaling::ResourceModel,
    study::{Driver, Platform},
};
use rust_decimal::{Decimal, prelude::FromPrimitive};

use crate::{
    draws::{ParameterDraw, RandomStream, StreamPurpose, parameter_draws, point_estimate},
    error::ModelError,
    pricing::float,
    project::config::{BacklogDemand, backlog_demand},
    project::growth::{GrowthDraws, Load},
    project::policy::Transition,
    response::QueueingDelays,
};

/// Multiple of the tested customers up to which break points are looked for.
const SEARCHED: f64 = 4.0;
/// The same multiple if nothing grows and the reader has asked to look beyond.
const SEARCHED_BEYOND: f64 = 1_000.0;

/// Options of a projection.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectOptions {
    /// The day it is made for.
    pub as_of: Date,
    /// Whether to look for limits past four times the tested customers if nothing grows. Where customers
    /// grow, the end of growth says how far to look.
    pub beyond: bool,
}

/// Everything that a projection reads.
pub struct Context<'a> {
    pub study: &'a Study,
    pub model: &'a ScalingModel,
    pub books: &'a [PriceBook],
    pub options: &'a ProjectOptions,
    pub central: ParameterDraw,
    pub draws: Arc<Vec<ParameterDraw>>,
    /// Every growth scenario of the study, in its order.
    pub growths: Vec<GrowthDraws<'a>>,
    headline_growth: Option<usize>,
    searched_to: f64,
    /// Executions per customer and day of the measured study.
    pub measured_rates: BTreeMap<String, f64>,
    load_ratio: f64, // of the load that a measured customer causes to that of a projected one
    pub headline: HeadlineCustomers,
    pub delays: QueueingDelays,
}

/// The number of customers that the headline speaks of, 1 to [`MOST_CUSTOMERS`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HeadlineCustomers {
    /// The study states it.
    Stated(f64),
    /// The study does not; it is taken from what was tested.
    Tested {
        customers: f64,
        has_room: bool, // whether the configuration of the headline carries them
    },
}

/// The time and the number of customers for which a configuration is computed. They tell what customers have
/// stored, and which segments they belong to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    pub customers: f64,
    pub months: f64, // after the start of growth
    pub on: Date,    // whose prices hold
}

/// What customers do in one draw.
pub struct DrawnActivity {
    /// Executions per customer and day.
    pub rates: BTreeMap<String, f64>,
    /// What their open items add to demand.
    pub backlog: BacklogDemand,
    /// Price of one execution, for each of the study's fees.
    pub fees: Vec<f64>,
    /// All parameters of the study.
    pub parameters: BTreeMap<String, f64>,
}

impl<'a> Context<'a> {
    pub fn new(
        model: &'a ScalingModel,
        study: &'a Study,
        books: &'a [PriceBook],
        options: &'a ProjectOptions,
    ) -> Result<Self, ModelError> {
        Self::with_draws(model, study, books, options, Arc::new(parameter_draws(model)?))
    }

    /// The same, with the draws of a context of the same model.
    pub fn with_draws(
        model: &'a ScalingModel,
        study: &'a Study,
        books: &'a [PriceBook],
        options: &'a ProjectOptions,
        draws: Arc<Vec<ParameterDraw>>,
    ) -> Result<Self, ModelError> {
        let name = study.report.growth.as_ref().or(study.growth.keys().next());
        let headline_growth = study.growth.keys().position(|one| Some(one) == name);
        let changes = days_of_change(study, books);
        let terms = terms_without_renewal(study, books);
        let growths = study
            .growth
            .iter()
            .map(|(name, scenario)| {
                let start = scenario.begins().map(|start| start.date);
                let ends = terms
                    .iter()
                    .filter_map(|months| start?.checked_add(i64::from(*months).months()).ok());
                let cuts: Vec<Date> = changes.iter().copied().chain(ends).collect();
                let turns = start.map_or(Ok(Vec::new()), |start| policy_turns(study, start))?;
                GrowthDraws::new(name, scenario, &cuts, &turns, model.draws.seed, model.draws.count)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let load_ratio = load_ratio(model, study)?;
        let tested_customers = model.tested.customers * load_ratio;
        let growth = headline_growth.map(|index| &growths[index]);
        let searched_to = match growth {
            Some(growth) => (SEARCHED * tested_customers).max(growth.late_end()),
            None if options.beyond => SEARCHED_BEYOND * tested_customers,
            None => SEARCHED * tested_customers,
        };
        Ok(Self {
            headline: headline(model, study, growth, load_ratio),
            study,
            model,
            books,
            options,
            central: point_estimate(model),
            draws,
            growths,
            headline_growth,
            searched_to: searched_to.min(MOST_CUSTOMERS),
            measured_rates: usual_rates(&model.study)?,
            load_ratio,
            delays: QueueingDelays::default(),
        })
    }

    /// Customers up to which limits are looked for: four times what was tested, or the end of the growth
    /// scenario's 95 % path if that is more.
    pub fn searched_to(&self) -> f64 {
        self.searched_to
    }

    /// Most customers in any draw, and at least those up to which limits are looked for.
    pub fn most_customers(&self) -> f64 {
        let paths = self.growths.iter().map(GrowthDraws::most_customers);
        paths.fold(self.searched_to, f64::max).min(MOST_CUSTOMERS)
    }

    /// The growth scenario of the headline.
    pub fn growth(&self) -> Option<&GrowthDraws<'a>> {
        self.headline_growth.map(|index| &self.growths[index])
    }

    /// Customers from whom limits are looked for: those at the start of growth, or the headline's.
    pub fn first_customers(&self) -> f64 {
        let started = self.growth().map(|growth| growth.model.start().customers);
        started.unwrap_or_else(|| self.headline_customers())
    }

    /// Fewest customers in any draw of any growth, at least 1.
    pub fn least_customers(&self) -> f64 {
        let paths = self.growths.iter().map(GrowthDraws::least_customers);
        paths.fold(self.first_customers(), f64::min).max(1.0)
    }

    /// The customers of the headline: growing, or as many as they are.
    pub fn load(&self) -> Load<'_, 'a> {
        match self.growth() {
            Some(growth) => Load::Growing(growth),
            None => Load::Steady(self.headline_customers()),
        }
    }

    /// Months that totals are over: those of growth that can be projected, or one.
    pub fn months(&self) -> u32 {
        self.growth()
            .map_or(1, |growth| growth.allowed_months(&growth.central) as u32)
    }

    /// Whether the study says how many customers there are.
    pub fn customers_stated(&self) -> bool {
        matches!(self.headline, HeadlineCustomers::Stated(_))
    }

    pub fn headline_customers(&self) -> f64 {
        match self.headline {
            HeadlineCustomers::Stated(customers) | HeadlineCustomers::Tested { customers, .. } => customers,
        }
    }

    /// Name of the configuration that the headline speaks of; `None` if the study has none.
    pub fn headline_config(&self) -> Option<&'a str> {
        let named = self.study.report.config.as_ref();
        named.or(self.study.configs.keys().next()).map(String::as_str)
    }

    /// Parameters in draw `index`, or in the point estimate.
    pub fn parameters(&self, index: Option<u32>) -> BTreeMap<String, f64> {
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

    /// What customers do in draw `index`, or in the point estimate, with some parameters set, so many months
    /// after the start of growth.
    ///
    /// # Errors
    /// [`ModelError::Rates`] if a formula has no value at these parameters.
    pub fn activity(
        &self,
        index: Option<u32>,
        set: &BTreeMap<String, f64>,
        months: f64,
    ) -> Result<DrawnActivity, ModelError> {
        let usual = self.parameters(index);
        let mut parameters = usual.clone();
        parameters.extend(set.clone());
        let fees = self
            .study
            .fees
            .values()
            .map(|fee| fee.each(&parameters).map(float));
        Ok(DrawnActivity {
            rates: self
                .study
                .rates_after(&parameters, months)
                .map_err(ModelError::Rates)?,
            backlog: backlog_demand(self.study, &self.model.study, &usual, &parameters)
                .map_err(ModelError::Rates)?,
            fees: fees.collect::<Result<_, _>>().map_err(ModelError::Rates)?,
            parameters,
        })
    }

    /// Largest tested customers, at the rates and the peak that are projected.
    pub fn tested_customers(&self) -> f64 {
        self.model.tested.customers * self.load_ratio
    }

    /// Whether stored data changes demand or cost as customers come.
    pub fn demand_follows_data(&self) -> bool {
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

    /// Whether the mix of customers changes, because some segments grow faster than others.
    pub fn mix_changes(&self) -> bool {
        let mut segments = self.study.segments.values();
        segments.any(|segment| segment.growth.is_some())
    }

    /// Whether what one customer causes changes from month to month.
    pub fn changes_with_time(&self) -> bool {
        self.demand_follows_data() || self.mix_changes()
    }

    /// Where the headline looks.
    pub fn now(&self) -> Moment {
        Moment {
            customers: self.headline_customers(),
            months: 0.0,
            on: self.options.as_of,
        }
    }

    /// The headline's customers so many months after the start of growth.
    pub fn now_after(&self, months: f64) -> Moment {
        let now = self.now();
        let day = self.growth().and_then(|growth| growth.model.day_at(months));
        Moment {
            months,
            on: day.filter(|_| months > 0.0).map_or(now.on, |day| day.max(now.on)),
            ..now
        }
    }

    /// The last day that is projected: the end of the longest growth.
    pub fn last_day(&self) -> Date {
        let ends = self
            .growths
            .iter()
            .filter_map(|growth| growth.model.dates().last().copied());
        ends.fold(self.options.as_of, Date::max)
    }

    /// A number of customers as a decimal.
    pub fn decimal(&self, customers: f64) -> Result<Decimal, ModelError> {
        Decimal::from_f64(customers).ok_or_else(|| ModelError::TooLarge {
            what: format!("{customers} customers"),
        })
    }
}

/// Every day on which a price changes that some configuration of a study pays. Other prices divide no month.
fn days_of_change(study: &Study, books: &[PriceBook]) -> BTreeSet<Date> {
    let mut days = BTreeSet::new();
    let find = |name: &str| books.iter().find(|book| book.name() == name);
    for config in study.configs.values() {
        for placement in config.placements() {
            let Some(book) = find(config.book_of(placement)) else {
                continue;
            };
            if let Some(sku) = &placement.sku {
                days.extend(book.instance_changes(sku));
            }
            if matches!(placement.platform, Platform::Function | Platform::Task) {
                let prefix = format!("{}.", placement.host_at(&book.provider));
                let own = book.meter.iter().filter(|meter| meter.id.starts_with(&prefix));
                days.extend(own.flat_map(|meter| book.meter_changes(&meter.id)));
            }
        }
        for (key, used) in &config.meters {
            if let Some(book) = find(used.book().unwrap_or(&config.main.book)) {
                days.extend(book.meter_changes(used.meter().unwrap_or(key)));
            }
        }
    }
    days
}

/// Months after the start of growth at which a dated policy begins or its effect turns.
fn policy_turns(study: &Study, start: Date) -> Result<Vec<f64>, ModelError> {
    let mut turns = Vec::new();
    for policy in study.policies.values().filter(|policy| policy.from.is_some()) {
        let mut patched = study.parameter_values();
        patched.extend(policy.set.clone());
        turns.extend(Transition::new(study, start, policy, &patched)?.moments());
    }
    turns.retain(|months| months.is_finite());
    Ok(turns)
}

/// Months of the terms of commitments that are not bought again.
fn terms_without_renewal(study: &Study, books: &[PriceBook]) -> BTreeSet<u32> {
    let mut terms = BTreeSet::new();
    for config in study.configs.values() {
        let ending = config
            .placements()
            .filter(|placement| placement.after_term == AfterTerm::OnDemand);
        for placement in ending {
            let book = books.iter().find(|book| book.name() == config.book_of(placement));
            let bought = placement.commitments.keys();
            let bought = bought.filter_map(|id| book.and_then(|book| book.commitment(id)));
            terms.extend(bought.map(|commitment| commitment.term_months));
        }
        if config.main.after_term == AfterTerm::OnDemand {
            let book = books.iter().find(|book| book.name() == config.main.book);
            let plans = config.savings_plans.keys();
            let plans = plans.filter_map(|id| book.and_then(|book| book.commitment(id)));
            terms.extend(plans.map(|plan| plan.term_months));
        }
    }
    terms
}

/// Executions per customer and day at the parameters that a study states.
fn usual_rates(study: &Study) -> Result<BTreeMap<String, f64>, ModelError> {
    study
        .rates_per_day(&study.parameter_values())
        .map_err(ModelError::Rates)
}

/// Load of a measured customer over that of a customer of another study, at its rates and peak: what was
/// tested is a load. 1 if either study causes no load at all.
fn load_ratio(model: &ScalingModel, study: &Study) -> Result<f64, ModelError> {
    let ratio = busy_per_customer(model, &model.study)? / busy_per_customer(model, study)?;
    Ok(if ratio.is_finite() { ratio } else { 1.0 })
}

/// The customers that a study states, or the largest number that was tested.
fn headline(
    model: &ScalingModel,
    study: &Study,
    growth: Option<&GrowthDraws<'_>>,
    load_ratio: f64,
) -> HeadlineCustomers {
    let started = growth.map(|growth| growth.model.start().customers);
    if let Some(customers) = study.report.customers.or(started) {
        return HeadlineCustomers::Stated(customers.clamp(1.0, MOST_CUSTOMERS));
    }
    let customers = model.tested.customers * load_ratio;
    HeadlineCustomers::Tested {
        customers: customers.clamp(1.0, MOST_CUSTOMERS),
        has_room: false,
    }
}

/// Busy-seconds of processors that one customer causes per second in a study's busiest minute.
fn busy_per_customer(model: &ScalingModel, study: &Study) -> Result<f64, ModelError> {
    let rates = usual_rates(study)?;
    let busy = |resource: &ResourceModel| {
        rates
            .iter()
            .map(|(name, rate)| rate * resource.demand.get(name).map_or(0.0, |demand| demand.value))
            .sum::<f64>()
    };
    let cpus = model
        .resources
        .iter()
        .filter(|resource| resource.kind == ResourceKind::Cpu);
    Ok(study.busiest_minute_per_s() * cpus.map(busy).sum::<f64>())
}
