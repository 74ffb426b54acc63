//! A configuration month by month under growth: capacity on the first day, cost the mean of the month's two
//! ends.

use nest_data::{
    Estimate,
    growth::MOST_CUSTOMERS,
    projection::{CostLine, DriverShare, MonthProjection},
    units::QuotedDecimal,
};
use rayon::prelude::*;
use rust_decimal::Decimal;

use crate::{
    error::ModelError,
    pricing::{amortised_per_month, cash_in_month, contract_factor, float},
    project::break_point::is_extrapolated,
    project::config::ReadyInputs,
    project::config::{Host, drivers, total},
    project::context::Context,
    project::drawn_config::DrawnConfig,
    project::figure::{DrawnAmount, estimate, money, quartiles},
    project::growth::GrowthDraws,
};

/// What a month costs on a configuration.
pub struct MonthCost {
    pub ends: [f64; 2],              // customers, in the point estimate
    pub value: Decimal,              // point estimate
    pub draws: Vec<f64>,             // in every draw
    pub instances: Option<Estimate>, // on the first day
    pub fees: Option<DrawnAmount>,
    pub drivers: Vec<DriverShare>, // what the value is paid for
}

/// What a configuration costs where a month ends and the next begins.
struct MonthEnd {
    customers: f64, // in the point estimate
    bill: Vec<CostLine>,
    draws: Vec<f64>,
    instances: Option<Estimate>,
    fees: Option<DrawnAmount>,
}

/// Every month of a growth scenario, until customers leave what can be projected.
pub fn monthly_costs(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    growth: &GrowthDraws<'_>,
) -> Result<Vec<MonthCost>, ModelError> {
    let months = allowed_months(growth);
    if months == 0 {
        return Ok(Vec::new());
    }
    // What ends a month begins the next one.
    let ends = (0..=months)
        .into_par_iter()
        .map(|month| {
            let grown = drawn.grown(context, growth, month, drawn.draws.len())?;
            month_end(grown.as_ref().unwrap_or(drawn), context, growth, month)
        })
        .collect::<Result<Vec<_>, ModelError>>()?;
    Ok(ends
        .windows(2)
        .map(|ends| month_cost(&ends[0], &ends[1]))
        .collect())
}

/// Months of a growth scenario until customers leave what can be projected: fewer than one, or more than
/// [`MOST_CUSTOMERS`].
pub fn allowed_months(growth: &GrowthDraws<'_>) -> usize {
    let inside = |month: &usize| {
        let ends = growth.central.ends(*month);
        ends.iter()
            .all(|customers| (1.0..=MOST_CUSTOMERS).contains(customers))
    };
    (0..growth.model.months() as usize).take_while(inside).count()
}

fn month_end(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    growth: &GrowthDraws<'_>,
    month: usize,
) -> Result<MonthEnd, ModelError> {
    let customers = growth.central.at(month as f64);
    let draws = drawn.draws.iter().zip(&growth.firsts[month]);
    Ok(MonthEnd {
        customers,
        bill: drawn.priced.bill(customers, &drawn.central)?,
        draws: draws
            .map(|(inputs, customers)| drawn.priced.cost(*customers, inputs))
            .collect(),
        instances: instances(drawn, growth, month)?,
        fees: fees(drawn, context, growth, month)?,
    })
}

/// A month: the mean of its two ends, with the instances of its first day.
fn month_cost(begin: &MonthEnd, end: &MonthEnd) -> MonthCost {
    let ends = [&begin.bill, &end.bill];
    let draws = begin.draws.iter().zip(&end.draws);
    let fees = begin.fees.as_ref().zip(end.fees.as_ref());
    MonthCost {
        ends: [begin.customers, end.customers],
        value: mean_total(ends),
        drivers: mean_drivers(ends),
        draws: draws.map(|(begin, end)| (begin + end) / 2.0).collect(),
        instances: begin.instances,
        fees: fees.map(|(begin, end)| begin.mean_with(end)),
    }
}

/// Mean of the totals of two bills.
fn mean_total(ends: [&Vec<CostLine>; 2]) -> Decimal {
    (total(ends[0]) + total(ends[1])) / Decimal::TWO
}

/// What the mean of two bills is paid for; sums to the mean of their totals for each kind.
fn mean_drivers(ends: [&Vec<CostLine>; 2]) -> Vec<DriverShare> {
    let mut shares = drivers(ends.into_iter().flatten());
    for share in &mut shares {
        share.amount = QuotedDecimal((share.amount.0 / Decimal::TWO).normalize());
    }
    shares
}

/// The cost of all months together.
pub fn sum_of_months(costs: &[MonthCost], draws: usize) -> DrawnAmount {
    let mut sums = vec![0.0; draws];
    for month in costs {
        sums.iter_mut()
            .zip(&month.draws)
            .for_each(|(sum, cost)| *sum += cost);
    }
    DrawnAmount {
        value: costs.iter().map(|month| month.value).sum(),
        draws: sums,
    }
}

/// The cost of a month at the headline's customers.
pub fn one_month(context: &Context<'_>, drawn: &DrawnConfig<'_>) -> Result<DrawnAmount, ModelError> {
    let customers = context.headline_customers();
    let draws = drawn.draws.iter();
    Ok(DrawnAmount {
        value: drawn.bill_total(customers)?,
        draws: draws.map(|inputs| drawn.priced.cost(customers, inputs)).collect(),
    })
}

/// Units on the first day of a month.
fn instances(
    drawn: &DrawnConfig<'_>,
    growth: &GrowthDraws<'_>,
    month: usize,
) -> Result<Option<Estimate>, ModelError> {
    let Some(value) = drawn
        .priced
        .instances(growth.central.at(month as f64), &drawn.central)
    else {
        return Ok(None);
    };
    let units = |(inputs, customers): (&ReadyInputs, &f64)| {
        drawn.priced.instances(*customers, inputs).unwrap_or(f64::NAN)
    };
    let draws = drawn.draws.iter().zip(&growth.firsts[month]).map(units).collect();
    estimate(value, draws, "number of units").map(Some)
}

/// The months as a report prints them.
pub fn months(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    monthly_costs: &[MonthCost],
) -> Result<Vec<MonthProjection>, ModelError> {
    let Some(growth) = context.growth() else {
        return Ok(Vec::new());
    };
    let unknown = drawn.priced.unknown_lines() > 0;
    let dates = growth.model.dates();
    let month = |(month, cost): (usize, &MonthCost)| {
        let [begin, end] = cost.ends;
        let per_1000 = cost.value * Decimal::ONE_THOUSAND / context.decimal((begin + end) / 2.0)?;
        let (begins, ends) = (&growth.firsts[month], &growth.firsts[month + 1]);
        let per_1000_draws = cost
            .draws
            .iter()
            .zip(begins)
            .zip(ends)
            .map(|((cost, begin), end)| cost / (begin + end) * 2e3);
        Ok(MonthProjection {
            date: dates[month],
            customers: estimate(begin, begins.clone(), "customers")?,
            customers_quartiles: quartiles(begin, begins.clone()),
            instances: cost.instances,
            cost: money(cost.value, cost.draws.clone(), unknown),
            cost_quartiles: quartiles(float(cost.value), cost.draws.clone()),
            drivers: cost.drivers.clone(),
            cash: cash(drawn, month, cost.value),
            fees: cost.fees.as_ref().map(|fees| fees.clone().into_money(false)),
            per_1000: money(per_1000, per_1000_draws.collect(), unknown),
            extrapolated: is_extrapolated(&drawn.priced, context.tested_customers(), end, &drawn.central),
        })
    };
    monthly_costs.par_iter().enumerate().map(month).collect()
}

/// What is paid in a month if commitments are paid ahead: all at once when their term begins, and nothing
/// later. `None` if nothing is paid ahead.
///
/// Source: `docs/method/pricing.md`, "Amortised cost and cash", BilledCost against EffectiveCost.
fn cash(drawn: &DrawnConfig<'_>, month: usize, amortised: Decimal) -> Option<QuotedDecimal> {
    let mut ahead = false;
    let mut cash = amortised;
    for placed in &drawn.priced.placed {
        let Host::Units(units) = &placed.host else {
            continue;
        };
        for (commitment, count) in units
            .commitments
            .iter()
            .filter(|(commitment, _)| !commitment.upfront.0.is_zero())
        {
            ahead = true;
            let count = Decimal::from(*count);
            let difference =
                cash_in_month(commitment, count, month as u32 + 1) - amortised_per_month(commitment, count);
            cash += difference
                * placed.exchange
                * contract_factor(
                    &placed.book.adjustment,
                    placed.placement.sku.as_deref().unwrap_or_default(),
                );
        }
    }
    ahead.then(|| QuotedDecimal(cash.round_dp(12).normalize()))
}

/// Fees of third parties as a month begins.
fn fees(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    growth: &GrowthDraws<'_>,
    month: usize,
) -> Result<Option<DrawnAmount>, ModelError> {
    if context.study.fees.is_empty() {
        return Ok(None);
    }
    let customers = growth.central.at(month as f64);
    let lines = drawn
        .priced
        .fee_lines(customers, &drawn.central, &drawn.parameters)?;
    let draws = drawn.draws.iter().zip(&growth.firsts[month]);
    Ok(Some(DrawnAmount {
        value: total(&lines),
        draws: draws
            .map(|(inputs, customers)| drawn.priced.fees(*customers, inputs))
            .collect(),
    }))
}
