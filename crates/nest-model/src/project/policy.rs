//! A policy change before and after, on the same draws; and, where it has a date, month by month.

use std::collections::BTreeMap;

use nest_data::{
    Caveat, Study,
    growth::MOST_CUSTOMERS,
    projection::{BreakPoint, MoneyEstimate, PolicyMonth, PolicyProjection, first_break},
    study::Policy,
    units::DAYS_PER_MONTH,
};
use rust_decimal::{Decimal, prelude::FromPrimitive};

use crate::{
    error::ModelError,
    project::break_point::break_points,
    project::config::{PricedConfig, ReadyInputs, total},
    project::context::Context,
    project::drawn_config::DrawnConfig,
    project::figure::{estimate, money},
    project::growth::{Trajectory, adopted},
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
        months: months(context, policy, &patched, before, &after)?,
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

/// What differs, before and after.
fn changed(before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>) -> Vec<(String, f64, f64)> {
    let pairs = before
        .iter()
        .map(|(name, before)| (name.clone(), *before, after[name]));
    pairs.filter(|(_, before, after)| before != after).collect()
}

/// A dated policy under growth: customers come under it along its ramp, and what is open follows.
fn months(
    context: &Context<'_>,
    policy: &Policy,
    patched: &BTreeMap<String, f64>,
    before: &DrawnConfig<'_>,
    after: &DrawnConfig<'_>,
) -> Result<Vec<PolicyMonth>, ModelError> {
    let (Some(growth), Some(from)) = (&context.growth, policy.from) else {
        return Ok(Vec::new());
    };
    // What began before the scenario is there from its start, and has settled.
    let begins = growth.model.months_to(from).unwrap_or(f64::NEG_INFINITY);
    let transition = Transition {
        begins,
        ramp: policy.ramp.map_or(0.0, |ramp| ramp.months()),
        delay: delay(context.study, patched)?,
    };
    let open =
        |parameters: &BTreeMap<String, f64>| context.study.open_items(parameters).map_err(ModelError::Rates);
    let (open_before, open_after) = (open(&context.study.parameter_values())?, open(patched)?);
    let unknown = before.priced.unknown_lines() > 0;
    let mut months = Vec::new();
    for (month, date) in growth
        .model
        .dates()
        .into_iter()
        .enumerate()
        .take(growth.model.months() as usize)
    {
        let customers = growth.central.ends(month);
        if customers
            .iter()
            .any(|customers| !(1.0..=MOST_CUSTOMERS).contains(customers))
        {
            break;
        }
        let on_the_way = |from: &ReadyInputs, to: &ReadyInputs| {
            [month, month + 1].map(|month| transition.at(from, to, month as f64, &before.priced))
        };
        let mut change = Decimal::ZERO;
        for (customers, inputs) in customers
            .into_iter()
            .zip(on_the_way(&before.central, &after.central))
        {
            change += total(&before.priced.bill(customers, &inputs)?) - before.bill_total(customers)?;
        }
        let draw = |((before_draw, after_draw), path): ((&ReadyInputs, &ReadyInputs), &Trajectory)| {
            let ends = path
                .ends(month)
                .into_iter()
                .zip(on_the_way(before_draw, after_draw));
            let difference = |(customers, inputs): (f64, ReadyInputs)| {
                before.priced.cost(customers, &inputs) - before.priced.cost(customers, before_draw)
            };
            ends.map(difference).sum::<f64>() / 2.0
        };
        let settled = transition.settled(month as f64);
        months.push(PolicyMonth {
            date,
            adopted: transition.adopted(month as f64),
            open_items: open_before
                .iter()
                .map(|(name, before)| (name.clone(), before + (open_after[name] - before) * settled))
                .collect(),
            fees: (!context.study.fees.is_empty()).then(|| {
                let fees = |customers: f64, inputs: &ReadyInputs| before.priced.fees(customers, inputs);
                let of = |from: &ReadyInputs, to: &ReadyInputs, ends: [f64; 2]| {
                    let paired = ends.into_iter().zip(on_the_way(from, to));
                    paired
                        .map(|(customers, inputs)| fees(customers, &inputs) - fees(customers, from))
                        .sum::<f64>()
                        / 2.0
                };
                let draws = before
                    .draws
                    .iter()
                    .zip(&after.draws)
                    .zip(&growth.draws)
                    .map(|((from, to), path)| of(from, to, path.ends(month)));
                let value = Decimal::from_f64(of(&before.central, &after.central, customers))
                    .unwrap_or_default()
                    .round_dp(2);
                money(value, draws.collect(), false)
            }),
            change: money(
                change / Decimal::TWO,
                before
                    .draws
                    .iter()
                    .zip(&after.draws)
                    .zip(&growth.draws)
                    .map(draw)
                    .collect(),
                unknown,
            ),
        });
    }
    Ok(months)
}

/// Mean time between two payments of the slowest mechanism, in months, with the policy in force; 0 without
/// one.
fn delay(study: &Study, parameters: &BTreeMap<String, f64>) -> Result<f64, ModelError> {
    let mut longest: f64 = 0.0;
    for mechanism in study.mechanisms.values() {
        let dues = mechanism.renewal_rates(parameters).map_err(ModelError::Rates)?;
        if dues.payments_per_day > 0.0 {
            longest = longest.max(1.0 / dues.payments_per_day / DAYS_PER_MONTH);
        }
    }
    Ok(longest)
}

/// How a policy comes into force; all in months after the start of growth.
#[derive(Debug, Clone, Copy)]
struct Transition {
    begins: f64,
    ramp: f64,
    delay: f64,
}

impl Transition {
    fn at(
        &self,
        before: &ReadyInputs,
        after: &ReadyInputs,
        months: f64,
        priced: &PricedConfig<'_>,
    ) -> ReadyInputs {
        before
            .towards(after, self.adopted(months), self.settled(months))
            .ready(priced)
    }

    /// Share of customers under the policy.
    fn adopted(&self, months: f64) -> f64 {
        adopted(months, self.begins, self.ramp)
    }

    /// Share of its long-run effect that stored items have reached.
    ///
    /// # Formula
    /// `dw/dt = (s(t) - w) / tau`, with s the share of customers under the policy and tau the mean time
    /// between two payments. For a ramp of length L: `w = (t - tau (1 - e^(-t / tau))) / L` on it,
    /// `w = 1 - (1 - w(L)) e^(-(t - L) / tau)` after it.
    fn settled(&self, months: f64) -> f64 {
        let since = months - self.begins;
        if since < 0.0 {
            return 0.0;
        }
        if self.delay == 0.0 {
            return self.adopted(months);
        }
        let on_ramp = |since: f64| {
            if self.ramp > 0.0 {
                (since + self.delay * (-since / self.delay).exp_m1()) / self.ramp
            } else {
                0.0
            }
        };
        if since < self.ramp {
            on_ramp(since)
        } else {
            1.0 - (1.0 - on_ramp(self.ramp)) * (-(since - self.ramp) / self.delay).exp()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The closed form against Euler steps of its differential equation.
    #[test]
    fn stored_items_follow_with_a_delay_of_one_payment() {
        for (ramp, delay) in [(0.0, 0.5), (2.0, 0.22), (1.0, 3.0)] {
            let transition = Transition {
                begins: 1.5,
                ramp,
                delay,
            };
            let (mut settled, step) = (0.0, 1e-4);
            for index in 0..80_000 {
                let months = f64::from(index) * step;
                assert!(
                    (transition.settled(months) - settled).abs() < 2e-3,
                    "{ramp} {delay} at {months}"
                );
                settled += step * (transition.adopted(months) - settled) / delay;
            }
            assert!(transition.settled(100.0) > 1.0 - 1e-9);
        }
    }

    #[test]
    fn without_a_mechanism_nothing_is_delayed_and_an_old_policy_has_settled() {
        let transition = Transition {
            begins: 2.0,
            ramp: 4.0,
            delay: 0.0,
        };
        assert_eq!(
            [1.0, 3.0, 9.0].map(|months| transition.settled(months)),
            [0.0, 0.25, 1.0]
        );
        let old = Transition {
            begins: f64::NEG_INFINITY,
            ramp: 4.0,
            delay: 0.5,
        };
        assert_eq!((old.adopted(0.0), old.settled(0.0)), (1.0, 1.0));
    }
}
