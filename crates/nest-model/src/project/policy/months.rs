//! A dated policy under growth, month by month: customers come under it along its ramp, and what they have
//! stored follows with a delay.

use std::collections::BTreeMap;

use jiff::civil::Date;
use nest_data::{
    Study,
    projection::{PolicyMonth, PolicyTotals},
    study::Policy,
};
use rust_decimal::{Decimal, prelude::FromPrimitive};

use crate::{
    error::ModelError,
    project::config::{ReadyInputs, total},
    project::config_projection::ProjectedConfig,
    project::context::Context,
    project::drawn_config::DrawnConfig,
    project::figure::DrawnAmount,
    project::growth::GrowthDraws,
    project::months::{rates_at_moments, sum_of_months},
};

use super::{all_fees, spread::spread, transition::Transition};

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
            spread: spread(context, before, &together),
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
    let Some(growth) = context.growth().filter(|_| policy.from.is_some()) else {
        return Ok(None);
    };
    let rollout = Rollout {
        context,
        growth,
        before,
        after,
        transition: Transition::new(context.study, growth.model.start().date, policy, patched)?,
        open_items: open_items(context.study, patched)?,
    };
    let zero = || DrawnAmount::zero(before.draws.len());
    let mut sums = PolicyMonths {
        months: Vec::new(),
        change: zero(),
        fees: (!context.study.fees.is_empty()).then(zero),
    };
    let months = growth.allowed_months(&growth.central);
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
