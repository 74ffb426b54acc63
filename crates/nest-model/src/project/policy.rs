//! A policy change: cost, demand and break points before and after it, on the same draws. If it has a date,
//! [`months`] follows it month by month.

mod months;

use std::collections::BTreeMap;

use nest_data::{
    Caveat,
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
    let per_1000 = |drawn: &DrawnConfig<'_>| -> Result<_, ModelError> {
        let value = drawn.bill_total(customers)? * Decimal::ONE_THOUSAND / context.decimal(customers)?;
        let draws: Vec<f64> = drawn
            .draws
            .iter()
            .map(|inputs| drawn.priced.cost(customers, inputs) / customers * 1e3)
            .collect();
        Ok((value, draws))
    };
    let (value_before, draws_before) = per_1000(before)?;
    let (value_after, draws_after) = per_1000(&after)?;
    let difference: Vec<f64> = draws_after
        .iter()
        .zip(&draws_before)
        .map(|(after, before)| after - before)
        .collect();
    let relative = |after: f64, before: f64| if before > 0.0 { after / before - 1.0 } else { 0.0 };
    let demand_value = relative(after.central.busy_per_day(), before.central.busy_per_day());
    let demand_draws: Vec<f64> = after
        .draws
        .iter()
        .zip(&before.draws)
        .map(|(after, before)| relative(after.busy_per_day(), before.busy_per_day()))
        .collect();
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
        before: money(value_before, draws_before, unknown),
        after: money(value_after, draws_after, unknown),
        change: money(value_after - value_before, difference, unknown),
        fees: fees(context, before, &after, customers)?,
        break_before: nearest(break_points(before, context)?),
        break_after: nearest(break_points(&after, context)?),
        demand_change: estimate(demand_value, demand_draws, "change of demand")?,
        from: policy.from,
        months: months::policy_months(context, policy, &patched, before, &after)?,
    };
    let doubt = after
        .undefined_draws()
        .filter(|_| after.undefined > before.undefined);
    Ok((projected, doubt))
}

/// Fees of 1,000 customers before and after, and their change, paired by draw.
fn fees(
    context: &Context<'_>,
    before: &DrawnConfig<'_>,
    after: &DrawnConfig<'_>,
    customers: f64,
) -> Result<Option<[MoneyEstimate; 3]>, ModelError> {
    if context.study.fees.is_empty() {
        return Ok(None);
    }
    let per_1000 = |drawn: &DrawnConfig<'_>| -> Result<(Decimal, Vec<f64>), ModelError> {
        let value = total(
            &drawn
                .priced
                .fee_lines(customers, &drawn.central, &drawn.parameters)?,
        );
        let draws = drawn
            .draws
            .iter()
            .map(|inputs| drawn.priced.fees(customers, inputs) / customers * 1e3)
            .collect();
        Ok((value * Decimal::ONE_THOUSAND / context.decimal(customers)?, draws))
    };
    let ((value_before, draws_before), (value_after, draws_after)) = (per_1000(before)?, per_1000(after)?);
    let change = draws_after
        .iter()
        .zip(&draws_before)
        .map(|(after, before)| after - before)
        .collect();
    Ok(Some([
        money(value_before, draws_before, false),
        money(value_after, draws_after, false),
        money(value_after - value_before, change, false),
    ]))
}

/// The values that differ, before and after.
fn changed(before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>) -> Vec<(String, f64, f64)> {
    let pairs = before
        .iter()
        .map(|(name, before)| (name.clone(), *before, after[name]));
    pairs.filter(|(_, before, after)| before != after).collect()
}
