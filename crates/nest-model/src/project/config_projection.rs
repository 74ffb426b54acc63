//! One configuration of a projection: its bill, its months, its break points, and the doubts about them.

mod prices;
mod unit_steps;

use std::collections::{BTreeMap, BTreeSet};

use nest_data::{
    Caveat, PriceBook, Study,
    measurement::ResourceKind,
    projection::{Bill, ConfigProjection, FeeBill, MonthProjection, UnitStep},
    units::QuotedDecimal,
};
use rust_decimal::Decimal;

pub use self::prices::{age_days, price_rows};
use self::unit_steps::unit_steps;
use crate::{
    error::ModelError,
    project::break_point::{
        ConfigLimits, LimitMonths, ReachedLimits, break_points, config_limits, is_extrapolated,
    },
    project::config::{Host, PricedConfig, SizedPlacement, drivers, local_states},
    project::context::{Context, Moment},
    project::drawn_config::DrawnConfig,
    project::figure::off_centre,
    project::months::{MonthCost, monthly_costs, months, sum_of_months},
    project::performance::performance,
};

/// A projected configuration, with what each month costs in every draw and the doubts that it raises.
pub struct ProjectedConfig {
    pub config: ConfigProjection,
    pub monthly_costs: Vec<MonthCost>,
    pub limits: ConfigLimits,
    pub months_to_limits: Vec<LimitMonths>, // on the headline's growth
    pub caveats: Vec<Caveat>,
}

impl ProjectedConfig {
    /// Its limits, with when the headline's growth reaches them.
    pub fn reached(&self) -> ReachedLimits<'_> {
        ReachedLimits::new(&self.limits, &self.months_to_limits)
    }
}

/// Projects one configuration: what it costs, how it answers, when it breaks, and the doubts about that.
pub fn project_config<'a>(
    drawn: &DrawnConfig<'a>,
    context: &Context<'a>,
    customers: f64,
) -> Result<ProjectedConfig, ModelError> {
    let priced = &drawn.priced;
    let mut caveats = Vec::new();
    caveats.extend(config_caveats(drawn, context, customers));
    let bill = bill(drawn, context, customers, &mut caveats)?;
    let monthly_costs = context
        .growth()
        .map(|growth| monthly_costs(drawn, context, growth))
        .transpose()?
        .unwrap_or_default();
    caveats.extend(open_prices(drawn, context, &monthly_costs, customers));
    let months = months(drawn, context, &monthly_costs)?;
    let unit_steps = unit_steps(drawn, context)?;
    caveats.extend(more_than_allowed(drawn, &months, &unit_steps));
    let limits = config_limits(drawn, context)?;
    let months_to_limits = limits.months_under(context.load());
    let reached = ReachedLimits::new(&limits, &months_to_limits);
    let config = ConfigProjection {
        name: priced.name.to_owned(),
        description: priced.config.description.clone(),
        platform: priced.main().placement.platform,
        shape: priced.shape(),
        book: priced.book().name(),
        currency: context.study.study.currency.clone(),
        performance: performance(drawn, context, customers),
        migration: priced.config.migration.as_ref().map(|migration| migration.amount),
        bill,
        total: (!monthly_costs.is_empty())
            .then(|| sum_of_months(&monthly_costs, drawn.draws.len()).into_money()),
        months,
        unit_steps,
        break_points: break_points(drawn, context, &reached),
        lasts: 1.0 - reached.first(false).reached(),
        lasts_with_levers: 1.0 - reached.first(true).reached(),
    };
    Ok(ProjectedConfig {
        config,
        monthly_costs,
        limits,
        months_to_limits,
        caveats,
    })
}

/// Doubts about what a configuration is made of.
fn config_caveats(drawn: &DrawnConfig<'_>, context: &Context<'_>, customers: f64) -> Vec<Caveat> {
    let priced = &drawn.priced;
    let name = priced.name.to_owned();
    let mut caveats = Vec::new();
    caveats.extend(drawn.undefined_draws());
    caveats.extend(assumed_speed(priced));
    caveats.extend(unknown_baselines(priced));
    caveats.extend(cold_starts(priced));
    caveats.extend(
        local_states(priced, context.model)
            .into_iter()
            .map(|state| Caveat::LocalState {
                config: name.clone(),
                tier: state.tier,
                shown_by: state.shown_by,
            }),
    );
    if priced.unknown_lines() > 0 {
        caveats.push(Caveat::PriceUnknown {
            config: name.clone(),
            lines: priced.unknown_lines(),
        });
    }
    caveats.extend(terms_that_end(priced, context));
    caveats.extend(
        priced
            .changes(context.last_day())
            .into_iter()
            .map(|(price, from)| Caveat::PriceChanges {
                config: name.clone(),
                price,
                from,
            }),
    );
    caveats.extend(priced.falling_meters().map(|meter| Caveat::PriceMayFall {
        config: name.clone(),
        meter: meter.to_owned(),
    }));
    caveats.extend(converted_prices(priced, context.study));
    let tiers: BTreeSet<&String> = context
        .model
        .resources
        .iter()
        .filter(|resource| resource.kind != ResourceKind::Count)
        .map(|resource| &resource.tier)
        .filter(|tier| !priced.is_placed(tier))
        .collect();
    caveats.extend(tiers.into_iter().map(|tier| Caveat::TierNotPlaced {
        config: name.clone(),
        tier: tier.clone(),
    }));
    caveats.extend(extrapolation(drawn, context, customers));
    caveats
}

/// Commitments whose terms end before or after the growth of the headline does; terms begin with it.
fn terms_that_end(priced: &PricedConfig<'_>, context: &Context<'_>) -> Vec<Caveat> {
    let Some(growth) = context.growth() else {
        return Vec::new();
    };
    let months = growth.model.months();
    let caveats = |(commitment, term_months, renewed): (String, u32, bool)| {
        let config = || priced.name.to_owned();
        let ends = (term_months < months)
            .then(|| growth.model.date_at(f64::from(term_months)))
            .flatten();
        let ends = ends.map(|ends| Caveat::TermEnds {
            config: config(),
            commitment: commitment.clone(),
            ends,
            renewed,
        });
        // Of the last term that is bought, so much lies after growth.
        let rest = months.next_multiple_of(term_months.max(1)) - months;
        let is_bought = renewed || term_months >= months;
        let outlasts = (rest > 0 && is_bought).then(|| Caveat::TermOutlasts {
            config: config(),
            commitment: commitment.clone(),
            months: rest,
        });
        [ends, outlasts].into_iter().flatten()
    };
    priced.terms().into_iter().flat_map(caveats).collect()
}

/// Meters of which more is used in the most expensive month than their book has a price for.
fn open_prices(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    monthly_costs: &[MonthCost],
    customers: f64,
) -> Vec<Caveat> {
    let at_least = monthly_costs.iter().any(|month| month.cost.at_least);
    let most = if at_least {
        context.most_customers()
    } else {
        customers
    };
    let open = drawn.priced.open_meters(most, &drawn.central);
    open.into_iter()
        .map(|(meter, quantity, unit)| Caveat::PriceUnknownBeyond {
            config: drawn.priced.name.to_owned(),
            meter,
            known: format!("{quantity} {unit}"),
        })
        .collect()
}

/// The first placement whose processors were never compared with the measured ones.
fn assumed_speed(priced: &PricedConfig<'_>) -> Option<Caveat> {
    let mut speeds = priced.placed.iter().map(SizedPlacement::speed);
    let [low, high] = speeds.find_map(|(range, assumed)| assumed.then_some(range))?;
    Some(Caveat::SpeedAssumed {
        config: priced.name.to_owned(),
        low,
        high,
    })
}

/// Instance types that run on credits, where the book does not say which share of their processors lasts;
/// each once.
fn unknown_baselines(priced: &PricedConfig<'_>) -> Vec<Caveat> {
    let mut caveats: Vec<Caveat> = Vec::new();
    for placed in &priced.placed {
        let Host::Units(units) = &placed.host else {
            continue;
        };
        let Some(instance) = units.instance.filter(|instance| instance.has_unknown_baseline()) else {
            continue;
        };
        let caveat = Caveat::CreditsUnknown {
            config: priced.name.to_owned(),
            sku: instance.sku.clone(),
        };
        if !caveats.contains(&caveat) {
            caveats.push(caveat);
        }
    }
    caveats
}

/// Cold starts that the study does not state, once for each host.
fn cold_starts(priced: &PricedConfig<'_>) -> Vec<Caveat> {
    let mut caveats: Vec<Caveat> = Vec::new();
    for (cold_starts, host) in priced.placed.iter().filter_map(SizedPlacement::cold_starts) {
        let caveat = cold_starts.caveat(priced.name, host);
        caveats.extend(caveat.filter(|caveat| !caveats.contains(caveat)));
    }
    caveats
}

/// Price books in another currency than the study's, with the rate that converts them.
fn converted_prices(priced: &PricedConfig<'_>, study: &Study) -> Vec<Caveat> {
    let foreign: BTreeMap<String, &PriceBook> = priced
        .placed
        .iter()
        .filter(|placed| placed.book.currency != study.study.currency)
        .map(|placed| (placed.book.name(), placed.book))
        .collect();
    let caveat = |(name, book): (String, &PriceBook)| {
        let exchange = study.exchange.get(&book.currency)?;
        Some(Caveat::Converted {
            config: priced.name.to_owned(),
            book: name,
            currency: book.currency.clone(),
            rate: exchange.rate,
            date: exchange.date,
        })
    };
    foreign.into_iter().filter_map(caveat).collect()
}

/// How far the projection lies beyond what was measured; `None` if it does not.
fn extrapolation(drawn: &DrawnConfig<'_>, context: &Context<'_>, customers: f64) -> Option<Caveat> {
    let priced = &drawn.priced;
    if !is_extrapolated(priced, context.tested_customers(), customers, &drawn.central) {
        return None;
    }
    let carrying = priced
        .counted(&drawn.central)
        .map_or(1.0, |(_, sizing)| sizing.instances(customers));
    Some(Caveat::Extrapolated {
        what: format!("configuration `{}` at {customers:.0} customers", priced.name),
        factor: carrying.max(customers / carrying / context.tested_customers()),
    })
}

/// From when on growth needs more units than are allowed: the day of the first of them, as everywhere else.
fn more_than_allowed(
    drawn: &DrawnConfig<'_>,
    months: &[MonthProjection],
    steps: &[UnitStep],
) -> Option<Caveat> {
    let is_beyond = |month: &&MonthProjection| is_beyond(&drawn.priced, drawn, month);
    let at_start = months.first().filter(is_beyond).map(|month| month.date);
    let too_many = steps.iter().filter(|step| !step.allowed);
    let by_step = || too_many.filter_map(|step| step.date.value).min();
    let by_month = || months.iter().find(is_beyond).map(|month| month.date);
    Some(Caveat::MoreThanAllowed {
        config: drawn.priced.name.to_owned(),
        from: at_start.or_else(by_step).or_else(by_month)?,
    })
}

/// Whether growth needs more units in a month than a placement allows; they are priced as if it did not.
fn is_beyond(priced: &PricedConfig<'_>, drawn: &DrawnConfig<'_>, month: &MonthProjection) -> bool {
    let counted = priced
        .counted(&drawn.central)
        .map(|(index, sizing)| priced.placed[index].most_units() + f64::from(sizing.spare));
    let instances = month.instances.map_or(0.0, |instances| instances.value);
    let carrying = |index: usize| {
        let sizing = priced.sizing(index, &drawn.central)?;
        Some(sizing.instances(month.customers.value))
    };
    counted.is_some_and(|allowed| instances > allowed)
        || (0..priced.placed.len())
            .any(|index| carrying(index).is_some_and(|units| units > priced.placed[index].most_units()))
}

fn bill(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    customers: f64,
    caveats: &mut Vec<Caveat>,
) -> Result<Bill, ModelError> {
    let lines = drawn.priced.bill(customers, &drawn.central)?;
    let cost = drawn.amount(&lines, std::iter::repeat_n(customers, drawn.draws.len()));
    let thousands = context.decimal(customers)? / Decimal::ONE_THOUSAND;
    let value = cost.value;
    if off_centre(value, &cost.draws) {
        caveats.push(Caveat::ValueOffCentre {
            what: format!("the cost of {customers:.0} customers on `{}`", drawn.priced.name),
        });
    }
    let stair = |index: usize| {
        let sizing = drawn.priced.sizing(index, &drawn.central)?;
        let carrying = sizing.instances(customers);
        let most = drawn.priced.placed[index].most_units();
        (carrying < most).then(|| sizing.customers_at(carrying, sizing.target))
    };
    let stairs = (0..drawn.priced.placed.len())
        .filter_map(stair)
        .filter(|customers| customers.is_finite());
    // More customers may store more, which changes what an execution uses and what storage costs.
    let more = customers + 1_000.0;
    let moment = Moment {
        customers: more,
        ..context.now()
    };
    let moved = context
        .demand_follows_data()
        .then(|| drawn.moved_to(context, moment, 0))
        .transpose()?;
    let with_more = moved.as_ref().unwrap_or(drawn).bill_total(more)?;
    Ok(Bill {
        customers,
        drivers: drivers(&lines),
        lines,
        per_1000: cost
            .divided(thousands, std::iter::repeat(customers / 1e3))?
            .into_money(),
        total: cost.into_money(),
        marginal_1000: QuotedDecimal((with_more - value).normalize()),
        next_stair: stairs.min_by(f64::total_cmp),
        fees: fees(drawn, context, customers)?,
    })
}

/// Fees of third parties in a month, beside the bill of infrastructure.
fn fees(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    customers: f64,
) -> Result<Option<FeeBill>, ModelError> {
    let Some(fees) = drawn.fees(customers, std::iter::repeat(customers))? else {
        return Ok(None);
    };
    let thousands = context.decimal(customers)? / Decimal::ONE_THOUSAND;
    Ok(Some(FeeBill {
        lines: drawn
            .priced
            .fee_lines(customers, &drawn.central, &drawn.parameters)?,
        per_1000: fees
            .divided(thousands, std::iter::repeat(customers / 1e3))?
            .into_money(),
        total: fees.into_money(),
    }))
}
