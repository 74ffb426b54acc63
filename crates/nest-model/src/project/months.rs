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
    project::config::{Host, total},
    project::config_projection::drivers,
    project::context::Context,
    project::drawn_config::DrawnConfig,
    project::figure::{DrawnAmount, estimate, money, quartiles},
    project::growth::{GrowthDraws, Trajectory},
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

/// Every month of a growth scenario, until customers leave what can be projected.
pub fn monthly_costs(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    growth: &GrowthDraws<'_>,
) -> Result<Vec<MonthCost>, ModelError> {
    let inside = |month: &usize| {
        growth
            .central
            .ends(*month)
            .iter()
            .all(|customers| (1.0..=MOST_CUSTOMERS).contains(customers))
    };
    let months: Vec<usize> = (0..growth.model.months() as usize).take_while(inside).collect();
    if context.changes_with_time() {
        return months
            .par_iter()
            .map(|month| changed_month(drawn, context, growth, *month))
            .collect();
    }
    // What ends a month begins the next one.
    let drawn_costs = |month: usize| -> Vec<f64> {
        drawn
            .draws
            .iter()
            .zip(&growth.firsts[month])
            .map(|(inputs, customers)| drawn.priced.cost(*customers, inputs))
            .collect()
    };
    let boundaries: Vec<Vec<f64>> = (0..=months.len()).into_par_iter().map(drawn_costs).collect();
    let bills = (0..=months.len())
        .map(|month| drawn.priced.bill(growth.central.at(month as f64), &drawn.central))
        .collect::<Result<Vec<_>, _>>()?;
    let month = |month: &usize| {
        let ends = [&bills[*month], &bills[*month + 1]];
        Ok(MonthCost {
            ends: growth.central.ends(*month),
            value: mean_total(ends),
            drivers: mean_drivers(ends),
            draws: boundaries[*month]
                .iter()
                .zip(&boundaries[*month + 1])
                .map(|(begin, end)| (begin + end) / 2.0)
                .collect(),
            instances: instances(drawn, growth, *month)?,
            fees: fees(drawn, context, growth, *month)?,
        })
    };
    months.par_iter().map(month).collect()
}

/// A month in which what one customer causes is not what it was in the month before.
fn changed_month(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    growth: &GrowthDraws<'_>,
    month: usize,
) -> Result<MonthCost, ModelError> {
    let ends_of = growth.central.ends(month);
    let grown = drawn.grown(context, ends_of[0], month)?;
    let this = grown.as_ref().unwrap_or(drawn);
    let cost = |(inputs, path): (&ReadyInputs, &Trajectory)| {
        path.ends(month)
            .iter()
            .map(|customers| this.priced.cost(*customers, inputs))
            .sum::<f64>()
            / 2.0
    };
    let bills = [
        this.priced.bill(ends_of[0], &this.central)?,
        this.priced.bill(ends_of[1], &this.central)?,
    ];
    Ok(MonthCost {
        ends: ends_of,
        value: mean_total([&bills[0], &bills[1]]),
        drivers: mean_drivers([&bills[0], &bills[1]]),
        draws: this.draws.iter().zip(&growth.draws).map(cost).collect(),
        instances: instances(this, growth, month)?,
        fees: fees(this, context, growth, month)?,
    })
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

/// Fees of third parties in a month.
fn fees(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    growth: &GrowthDraws<'_>,
    month: usize,
) -> Result<Option<DrawnAmount>, ModelError> {
    if context.study.fees.is_empty() {
        return Ok(None);
    }
    let mean = |path: &Trajectory| path.ends(month).iter().sum::<f64>() / 2.0;
    let value = total(
        &drawn
            .priced
            .fee_lines(mean(&growth.central), &drawn.central, &drawn.parameters)?,
    );
    let draws = drawn
        .draws
        .iter()
        .zip(&growth.draws)
        .map(|(inputs, path)| drawn.priced.fees(mean(path), inputs))
        .collect();
    Ok(Some(DrawnAmount { value, draws }))
}
