//! A policy change before and after, on the same draws.

use std::collections::BTreeMap;

use nest_data::{
    Estimate,
    projection::{BreakPoint, PolicyProjection},
    study::Policy,
};

use crate::{
    ModelError,
    project::{ConfigWorlds, Context, money},
};

/// Projects one policy on one configuration: parameters, rates, cost, first break point.
pub fn project_policy(
    context: &Context<'_>,
    name: &str,
    policy: &Policy,
    before: &ConfigWorlds<'_>,
    customers: f64,
) -> Result<PolicyProjection, ModelError> {
    let study = context.study;
    let central = study.parameter_values();
    let mut patched = central.clone();
    patched.extend(policy.set.clone());
    let after = ConfigWorlds::new(context, before.priced.name, &policy.set)?;
    let rates = |parameters: &BTreeMap<String, f64>| study.rates_per_day(parameters).map_err(ModelError::Rates);
    let (rates_before, rates_after) = (rates(&central)?, rates(&patched)?);
    let changed = rates_before.iter().filter_map(|(behaviour, rate)| {
        let after = rates_after[behaviour];
        (after != *rate).then(|| (behaviour.clone(), *rate, after))
    });
    let per_1000 = |worlds: &ConfigWorlds<'_>| -> Result<_, ModelError> {
        let value = worlds.bill_total(customers)? * rust_decimal::Decimal::ONE_THOUSAND / context.decimal(customers)?;
        let draws: Vec<f64> = worlds.draws.iter().map(|inputs| worlds.priced.cost(customers, inputs) / customers * 1e3).collect();
        Ok((value, draws))
    };
    let (value_before, draws_before) = per_1000(before)?;
    let (value_after, draws_after) = per_1000(&after)?;
    let difference: Vec<f64> = draws_after.iter().zip(&draws_before).map(|(after, before)| after - before).collect();
    let relative = |after: f64, before: f64| if before > 0.0 { after / before - 1.0 } else { 0.0 };
    let demand_value = relative(after.central.busy_per_day(), before.central.busy_per_day());
    let mut demand_draws: Vec<f64> =
        after.draws.iter().zip(&before.draws).map(|(after, before)| relative(after.busy_per_day(), before.busy_per_day())).collect();
    let unknown = before.priced.unknown_lines() > 0;
    let nearest = |points: Vec<BreakPoint>| points.into_iter().find_map(|point| point.customers);
    Ok(PolicyProjection {
        name: name.to_owned(),
        description: policy.description.clone(),
        parameters: policy.set.iter().map(|(parameter, value)| (parameter.clone(), central[parameter], *value)).collect(),
        rates_per_day: changed.collect(),
        config: before.priced.name.to_owned(),
        customers,
        before: money(value_before, draws_before, unknown),
        after: money(value_after, draws_after, unknown),
        change: money(value_after - value_before, difference, unknown),
        break_before: nearest(before.break_points(context)),
        break_after: nearest(after.break_points(context)),
        demand_change: Estimate::from_draws(demand_value, &mut demand_draws).unwrap_or(Estimate::exact(demand_value)),
    })
}
