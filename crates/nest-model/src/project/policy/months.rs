//! A dated policy under growth, month by month: customers come under it along its ramp, and what they have
//! stored follows with a delay.

use std::collections::BTreeMap;

use jiff::civil::Date;
use nest_data::{
    Study,
    projection::{PolicyMonth, PolicyTotals},
    study::Policy,
    units::DAYS_PER_MONTH,
};
use rust_decimal::{Decimal, prelude::FromPrimitive};

use crate::{
    error::ModelError,
    project::config::{PricedConfig, ReadyInputs, total},
    project::config_projection::ProjectedConfig,
    project::context::Context,
    project::drawn_config::DrawnConfig,
    project::figure::DrawnAmount,
    project::growth::{GrowthDraws, adopted},
    project::months::{allowed_months, rates_at_moments, sum_of_months},
};

use super::all_fees;

/// A dated policy over the months of growth: each month as it is printed, and the sums of its changes.
pub struct PolicyMonths {
    pub months: Vec<PolicyMonth>,
    change: DrawnAmount,
    fees: Option<DrawnAmount>,
}

impl PolicyMonths {
    /// Totals over the months, with what they would be without the policy.
    pub fn totals(
        &self,
        context: &Context<'_>,
        before: &DrawnConfig<'_>,
        unchanged: &ProjectedConfig,
    ) -> Result<PolicyTotals, ModelError> {
        let costs = sum_of_months(&unchanged.monthly_costs, before.draws.len());
        let fees = self
            .fees
            .as_ref()
            .map(|change| {
                let before = all_fees(context, before, &unchanged.monthly_costs)?;
                Ok::<_, ModelError>(
                    before.map(|before| [before.clone(), before.plus(change), change.clone()]),
                )
            })
            .transpose()?
            .flatten();
        let together = self
            .fees
            .as_ref()
            .map_or_else(|| self.change.clone(), |fees| self.change.plus(fees));
        Ok(PolicyTotals {
            months: context.months(),
            after: costs.plus(&self.change).into_money(),
            before: costs.into_money(),
            change: self.change.clone().into_money(),
            fees: fees.map(|fees| fees.map(|amount| amount.into_money())),
            change_with_fees: together.into_money(),
        })
    }
}

/// What a policy changes in each month of growth; nothing without growth or without a date. The list ends
/// before the first month with less than one customer, or with more than can be projected. `patched` are
/// all parameters with the policy in force.
pub fn policy_months<'a>(
    context: &Context<'a>,
    policy: &Policy,
    patched: &BTreeMap<String, f64>,
    before: &DrawnConfig<'a>,
    after: &DrawnConfig<'a>,
) -> Result<Option<PolicyMonths>, ModelError> {
    let (Some(growth), Some(from)) = (context.growth(), policy.from) else {
        return Ok(None);
    };
    let rollout = Rollout {
        context,
        growth,
        before,
        after,
        transition: Transition {
            // What began before the scenario is there from its start, and has settled.
            begins: growth.model.months_to(from).unwrap_or(f64::NEG_INFINITY),
            ramp: policy
                .ramp
                .map_or(0.0, |ramp| growth.model.ramp_months(from, ramp)),
            delay: delay(context.study, patched)?,
        },
        open_items: open_items(context.study, patched)?,
    };
    let zero = || DrawnAmount::zero(before.draws.len());
    let mut sums = PolicyMonths {
        months: Vec::new(),
        change: zero(),
        fees: (!context.study.fees.is_empty()).then(zero),
    };
    let months = allowed_months(growth, &growth.central);
    let rates = rates_at_moments(growth, months, |moment| rollout.changes_at(moment))?;
    for (month, date) in growth.model.dates().into_iter().enumerate().take(months) {
        let mut change = zero();
        let mut fees = sums.fees.as_ref().map(|_| zero());
        for piece in growth.pieces.of(month) {
            for end in [&rates[piece.begin], &rates[piece.end]] {
                change.add_share(&end.cost, piece.months / 2.0);
                if let Some((sum, more)) = fees.as_mut().zip(end.fees.as_ref()) {
                    sum.add_share(more, piece.months / 2.0);
                }
            }
        }
        sums.months
            .push(rollout.month(month, date, &change, fees.as_ref()));
        sums.change = sums.change.plus(&change);
        sums.fees = sums.fees.zip(fees).map(|(sum, more)| sum.plus(&more));
    }
    Ok(Some(sums))
}

/// Open items per customer of each mechanism, without a policy and with it.
fn open_items(study: &Study, patched: &BTreeMap<String, f64>) -> Result<Vec<(String, f64, f64)>, ModelError> {
    let before = study
        .open_items(&study.parameter_values())
        .map_err(ModelError::Rates)?;
    let after = study.open_items(patched).map_err(ModelError::Rates)?;
    Ok(before
        .into_iter()
        .map(|(name, before)| {
            let after = after[&name];
            (name, before, after)
        })
        .collect())
}

/// A configuration on its way from one set of parameters to another, while its customers grow.
struct Rollout<'c, 'a> {
    context: &'c Context<'a>,
    growth: &'c GrowthDraws<'a>,
    before: &'c DrawnConfig<'a>,
    after: &'c DrawnConfig<'a>,
    transition: Transition,
    open_items: Vec<(String, f64, f64)>,
}

impl<'a> Rollout<'_, 'a> {
    fn month(
        &self,
        month: usize,
        date: Date,
        change: &DrawnAmount,
        fees: Option<&DrawnAmount>,
    ) -> PolicyMonth {
        let settled = self.transition.settled(month as f64);
        PolicyMonth {
            date,
            adopted: self.transition.adopted(month as f64),
            open_items: self
                .open_items
                .iter()
                .map(|(name, before, after)| (name.clone(), before + (after - before) * settled))
                .collect(),
            fees: fees.map(|fees| fees.clone().into_money()),
            change: change.clone().into_money(),
        }
    }

    /// What the policy changes at a moment of growth.
    fn changes_at(&self, moment: usize) -> Result<PolicyChanges, ModelError> {
        let draws = self.before.draws.len();
        let grown = |drawn: &DrawnConfig<'a>| drawn.grown(self.context, self.growth, moment, draws);
        let (before, after) = (grown(self.before)?, grown(self.after)?);
        let before = before.as_ref().unwrap_or(self.before);
        let after = after.as_ref().unwrap_or(self.after);
        let (customers, months) = (
            self.growth.central.at_moment(moment),
            self.growth.model.months_at(moment),
        );
        let drawn_customers = self.growth.customers_at(moment);
        let priced = &before.priced;
        let inputs_now = |from, to| self.transition.inputs_after(from, to, months, priced);
        let central = inputs_now(&before.central, &after.central);
        let drawn: Vec<ReadyInputs> = before
            .draws
            .iter()
            .zip(&after.draws)
            .map(|(from, to)| inputs_now(from, to))
            .collect();
        let changes = |amount: &dyn Fn(f64, &ReadyInputs) -> f64| -> Vec<f64> {
            let paired = before.draws.iter().zip(&drawn).zip(&drawn_customers);
            paired
                .map(|((from, now), customers)| amount(*customers, now) - amount(*customers, from))
                .collect()
        };
        let fees = |customers: f64, inputs: &ReadyInputs| priced.fees(customers, inputs);
        let fee_change = || {
            let value = fees(customers, &central) - fees(customers, &before.central);
            let value = Decimal::from_f64(value).ok_or_else(|| ModelError::TooLarge {
                what: "a change of fees".to_owned(),
            })?;
            Ok(DrawnAmount {
                value: value.round_dp(2),
                draws: changes(&fees),
                at_least: false,
            })
        };
        let has_fees = !self.context.study.fees.is_empty();
        let bills = [
            priced.bill(customers, &before.central)?,
            priced.bill(customers, &central)?,
        ];
        Ok(PolicyChanges {
            cost: DrawnAmount {
                value: total(&bills[1]) - total(&bills[0]),
                draws: changes(&|customers, inputs| priced.cost(customers, inputs)),
                at_least: bills.iter().flatten().any(|line| line.amount.is_none()),
            },
            fees: has_fees.then(fee_change).transpose()?,
        })
    }
}

/// What a policy changes at one moment.
struct PolicyChanges {
    cost: DrawnAmount,
    fees: Option<DrawnAmount>, // `None` if the study has none
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
    /// Inputs `months` after the start of growth, on the way between the two.
    fn inputs_after(
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
