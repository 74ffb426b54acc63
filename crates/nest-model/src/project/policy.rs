//! A policy change: cost, demand and break points before and after it, on the same draws. If it has a date,
//! [`months`] follows it month by month, and limits are the old ones until then.

mod dated_limits;
mod months;
mod spread;
mod transition;

use std::collections::BTreeMap;

use jiff::Unit;
use nest_data::{
    Caveat, Estimate,
    projection::{MoneyEstimate, PolicyProjection, PolicyTotals, first_break},
    study::Policy,
    units::DAYS_PER_MONTH,
};
use rust_decimal::Decimal;

pub use self::transition::Transition;
use self::{dated_limits::dated_limits, months::policy_months, spread::spread};
use crate::{
    error::ModelError,
    project::break_point::{ConfigLimits, LimitMonths, config_limits, first_break_point},
    project::config_projection::ProjectedConfig,
    project::context::Context,
    project::drawn_config::DrawnConfig,
    project::figure::{DrawnAmount, estimate},
    project::months::{MonthCost, monthly_costs, one_month, sum_of_months},
};

/// Projects one policy on one configuration: parameters, rates, open items, cost, first break point. The
/// caveat is raised if formulas have no value in more draws with the policy than without it.
pub fn project_policy<'a>(
    context: &Context<'a>,
    name: &str,
    policy: &Policy,
    before: &DrawnConfig<'a>,
    unchanged: &ProjectedConfig,
    customers: f64,
) -> Result<(PolicyProjection, Option<Caveat>), ModelError> {
    let study = context.study;
    let central = study.parameter_values();
    let mut patched = central.clone();
    patched.extend(policy.set.clone());
    let after = DrawnConfig::new(context, before.priced.name, &policy.set)?;
    let rates = |parameters| study.rates_per_day(parameters).map_err(ModelError::Rates);
    let open = |parameters| study.open_items(parameters).map_err(ModelError::Rates);
    let cost_before = per_1000(context, &before.amount_at(customers)?, customers)?;
    let cost_after = per_1000(context, &after.amount_at(customers)?, customers)?;
    let limits = match dated_limits(context, policy, &patched, before, &after)? {
        Some(limits) => limits,
        None => config_limits(&after, context)?,
    };
    let months = policy_months(context, policy, &patched, before, &after)?;
    let totals = match &months {
        Some(months) => months.totals(context, before, unchanged)?,
        None => undated_totals(context, before, unchanged, &after)?,
    };
    let (limits_before, limits_after) = (unchanged.reached(), limits.under(context.load()));
    let projected = PolicyProjection {
        name: name.to_owned(),
        description: policy.description.clone(),
        parameters: policy
            .set
            .iter()
            .map(|(parameter, value)| (parameter.clone(), central[parameter], *value))
            .collect(),
        rates_per_day: changed(&rates(&central)?, &rates(&patched)?),
        open_items: changed(&open(&central)?, &open(&patched)?),
        config: before.priced.name.to_owned(),
        customers,
        change: cost_after.change_from(&cost_before).into_money(),
        before: cost_before.into_money(),
        after: cost_after.into_money(),
        fees: fees(context, before, &after, customers)?,
        totals,
        break_before: first_break(&unchanged.config.break_points).map(|(point, _)| point.clone()),
        break_after: first_break_point(&after, context, &limits_after),
        room_change: room_change(&unchanged.limits, &limits),
        date_change_days: date_change_days(context, &limits_before.first(false), &limits_after.first(false)),
        demand_change: demand_change(before, &after)?,
        from: policy.from,
        months: months.map_or_else(Vec::new, |months| months.months),
    };
    let doubt = after
        .undefined_draws()
        .filter(|_| after.undefined > before.undefined);
    Ok((projected, doubt))
}

/// Change of the customers at which something first fails, paired by draw. Draws in which nothing ever does
/// have no difference; `None` if the point estimate has none.
fn room_change(before: &ConfigLimits, after: &ConfigLimits) -> Option<Estimate> {
    let value = after.first_central() - before.first_central();
    let paired = after.first_customers().into_iter().zip(before.first_customers());
    let mut draws = paired.map(|(after, before)| after - before).collect();
    Estimate::from_draws(value, &mut draws).filter(|_| value.is_finite())
}

/// Change of the day of the first failure, over the draws that fail both before and after; `None` if the
/// point estimate does not. Under growth it counts the days between the two dates as they are told.
pub fn date_change_days(
    context: &Context<'_>,
    before: &LimitMonths,
    after: &LimitMonths,
) -> Option<Estimate> {
    let day = |months: f64| {
        context
            .growth()
            .filter(|_| months.is_finite())?
            .model
            .date_at(months)
    };
    let days = |after: f64, before: f64| {
        let dates = day(before).zip(day(after));
        let span = dates.and_then(|(before, after)| before.until((Unit::Day, after)).ok());
        span.map_or((after - before) * DAYS_PER_MONTH, |span| {
            f64::from(span.get_days())
        })
    };
    let value = days(after.central, before.central);
    let paired = after.draws.iter().zip(&before.draws);
    let mut draws = paired.map(|(after, before)| days(*after, *before)).collect();
    Estimate::from_draws(value, &mut draws).filter(|_| value.is_finite())
}

/// Totals of a policy without a date, as if it had always been in force.
fn undated_totals(
    context: &Context<'_>,
    before: &DrawnConfig<'_>,
    unchanged: &ProjectedConfig,
    after: &DrawnConfig<'_>,
) -> Result<PolicyTotals, ModelError> {
    let months_after = match context.growth() {
        Some(growth) => monthly_costs(after, context, growth)?,
        None => Vec::new(),
    };
    let costs = |drawn: &DrawnConfig<'_>, months: &[MonthCost]| match context.growth() {
        Some(_) => Ok(sum_of_months(months, drawn.draws.len())),
        None => one_month(context, drawn),
    };
    let costs_after = costs(after, &months_after)?;
    let costs_before = costs(before, &unchanged.monthly_costs)?;
    let cost_change = costs_after.change_from(&costs_before);
    let fees =
        all_fees(context, before, &unchanged.monthly_costs)?.zip(all_fees(context, after, &months_after)?);
    let fee_change = fees.as_ref().map(|(before, after)| after.change_from(before));
    let together = fee_change
        .as_ref()
        .map_or_else(|| cost_change.clone(), |fees| cost_change.plus(fees));
    Ok(PolicyTotals {
        months: context.months(),
        change: cost_change.into_money(),
        before: costs_before.into_money(),
        after: costs_after.into_money(),
        fees: fees
            .zip(fee_change)
            .map(|((before, after), change)| [before, after, change].map(|amount| amount.into_money())),
        spread: spread(context, before, &together),
        change_with_fees: together.into_money(),
    })
}

/// Fees of all months; of one month if nothing grows. `None` if the study has none.
pub fn all_fees(
    context: &Context<'_>,
    drawn: &DrawnConfig<'_>,
    months: &[MonthCost],
) -> Result<Option<DrawnAmount>, ModelError> {
    if context.study.fees.is_empty() {
        return Ok(None);
    }
    if context.growth().is_none() {
        let customers = context.headline_customers();
        return drawn.fees(customers, std::iter::repeat(customers));
    }
    let fees = months.iter().filter_map(|month| month.fees.as_ref());
    Ok(Some(
        fees.fold(DrawnAmount::zero(drawn.draws.len()), |sum, more| sum.plus(more)),
    ))
}

/// An amount of 1,000 customers a month, of that of `customers`.
pub fn per_1000(
    context: &Context<'_>,
    amount: &DrawnAmount,
    customers: f64,
) -> Result<DrawnAmount, ModelError> {
    let thousands = context.decimal(customers)? / Decimal::ONE_THOUSAND;
    amount.divided(thousands, std::iter::repeat(customers / 1e3))
}

/// Relative change of the processor time that a customer causes in a day, paired by draw.
fn demand_change(before: &DrawnConfig<'_>, after: &DrawnConfig<'_>) -> Result<Estimate, ModelError> {
    let relative = |after: f64, before: f64| if before > 0.0 { after / before - 1.0 } else { 0.0 };
    let draws = after
        .draws
        .iter()
        .zip(&before.draws)
        .map(|(after, before)| relative(after.busy_per_day(), before.busy_per_day()))
        .collect();
    let value = relative(after.central.busy_per_day(), before.central.busy_per_day());
    estimate(value, draws, "change of demand")
}

/// Fees of 1,000 customers before and after, and their change, paired by draw; `None` if the study has none.
fn fees(
    context: &Context<'_>,
    before: &DrawnConfig<'_>,
    after: &DrawnConfig<'_>,
    customers: f64,
) -> Result<Option<[MoneyEstimate; 3]>, ModelError> {
    let fees = |drawn: &DrawnConfig<'_>| drawn.fees(customers, std::iter::repeat(customers));
    let (Some(before), Some(after)) = (fees(before)?, fees(after)?) else {
        return Ok(None);
    };
    let before = per_1000(context, &before, customers)?;
    let after = per_1000(context, &after, customers)?;
    let change = after.change_from(&before);
    Ok(Some([before, after, change].map(|amount| amount.into_money())))
}

/// The values that differ, before and after.
fn changed(before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>) -> Vec<(String, f64, f64)> {
    let pairs = before
        .iter()
        .map(|(name, before)| (name.clone(), *before, after[name]));
    pairs.filter(|(_, before, after)| before != after).collect()
}
