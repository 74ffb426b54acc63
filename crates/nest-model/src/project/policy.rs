//! A policy change: cost, demand and break points before and after it, on the same draws. If it has a date,
//! [`months`] follows it month by month.

mod months;

use std::collections::BTreeMap;

use nest_data::{
    Caveat, Estimate,
    projection::{BreakPoint, MoneyEstimate, PolicyProjection, first_break},
    study::Policy,
};
use rust_decimal::Decimal;

use crate::{
    error::ModelError,
    project::break_point::break_points,
    project::config::total,
    project::context::Context,
    project::drawn_config::DrawnConfig,
    project::figure::{estimate, money},
};

/// Projects one policy on one configuration: parameters, rates, open items, cost, first break point. The
/// caveat is raised if formulas have no value in more draws with the policy than without it.
pub fn project_policy(
    context: &Context<'_>,
    name: &str,
    policy: &Policy,
    before: &DrawnConfig<'_>,
    customers: f64,
) -> Result<(PolicyProjection, Option<Caveat>), ModelError> {
    let study = context.study;
    let central = study.parameter_values();
    let mut patched = central.clone();
    patched.extend(policy.set.clone());
    let after = DrawnConfig::new(context, before.priced.name, &policy.set)?;
    let rates = |parameters| study.rates_per_day(parameters).map_err(ModelError::Rates);
    let open = |parameters| study.open_items(parameters).map_err(ModelError::Rates);
    let cost_before = cost_per_1000(context, before, customers)?;
    let cost_after = cost_per_1000(context, &after, customers)?;
    let unknown = before.priced.unknown_lines() > 0;
    let nearest = |points: Vec<BreakPoint>| first_break(&points).map(|(_, customers)| *customers);
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
        change: cost_after.change_from(&cost_before).into_money(unknown),
        before: cost_before.into_money(unknown),
        after: cost_after.into_money(unknown),
        fees: fees(context, before, &after, customers)?,
        break_before: nearest(break_points(before, context)?),
        break_after: nearest(break_points(&after, context)?),
        demand_change: demand_change(before, &after)?,
        from: policy.from,
        months: months::policy_months(context, policy, &patched, before, &after)?,
    };
    let doubt = after
        .undefined_draws()
        .filter(|_| after.undefined > before.undefined);
    Ok((projected, doubt))
}

/// An amount in the point estimate and in every draw.
struct DrawnAmount {
    value: Decimal,
    draws: Vec<f64>,
}

impl DrawnAmount {
    /// The difference, paired by draw.
    fn change_from(&self, before: &Self) -> Self {
        let pairs = self.draws.iter().zip(&before.draws);
        Self {
            value: self.value - before.value,
            draws: pairs.map(|(after, before)| after - before).collect(),
        }
    }

    fn into_money(self, at_least: bool) -> MoneyEstimate {
        money(self.value, self.draws, at_least)
    }
}

/// Cost of 1,000 customers a month.
fn cost_per_1000(
    context: &Context<'_>,
    drawn: &DrawnConfig<'_>,
    customers: f64,
) -> Result<DrawnAmount, ModelError> {
    let draws = drawn.draws.iter();
    Ok(DrawnAmount {
        value: drawn.bill_total(customers)? * Decimal::ONE_THOUSAND / context.decimal(customers)?,
        draws: draws
            .map(|inputs| drawn.priced.cost(customers, inputs) / customers * 1e3)
            .collect(),
    })
}

/// Fees of 1,000 customers a month.
fn fees_per_1000(
    context: &Context<'_>,
    drawn: &DrawnConfig<'_>,
    customers: f64,
) -> Result<DrawnAmount, ModelError> {
    let lines = drawn
        .priced
        .fee_lines(customers, &drawn.central, &drawn.parameters)?;
    let draws = drawn.draws.iter();
    Ok(DrawnAmount {
        value: total(&lines) * Decimal::ONE_THOUSAND / context.decimal(customers)?,
        draws: draws
            .map(|inputs| drawn.priced.fees(customers, inputs) / customers * 1e3)
            .collect(),
    })
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
    if context.study.fees.is_empty() {
        return Ok(None);
    }
    let before = fees_per_1000(context, before, customers)?;
    let after = fees_per_1000(context, after, customers)?;
    let change = after.change_from(&before);
    Ok(Some(
        [before, after, change].map(|amount| amount.into_money(false)),
    ))
}

/// The values that differ, before and after.
fn changed(before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>) -> Vec<(String, f64, f64)> {
    let pairs = before
        .iter()
        .map(|(name, before)| (name.clone(), *before, after[name]));
    pairs.filter(|(_, before, after)| before != after).collect()
}
