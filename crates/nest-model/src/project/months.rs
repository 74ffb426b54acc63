//! A configuration month by month under growth: capacity on the first day, cost the mean of the month's two
//! ends, or of those of its parts where something happens inside it.

use nest_data::{
    Estimate,
    config::AfterTerm,
    price_book::Commitment,
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
    project::config::{Host, committed_factor, weighted_drivers},
    project::context::Context,
    project::drawn_config::DrawnConfig,
    project::figure::{DrawnAmount, estimate, quartiles, share_of_month},
    project::growth::GrowthDraws,
};

/// What a month costs on a configuration.
pub struct MonthCost {
    pub customers: f64, // mean of the month, in the point estimate
    pub cost: DrawnAmount,
    pub instances: Option<Estimate>, // on the first day
    pub fees: Option<DrawnAmount>,
    pub drivers: Vec<DriverShare>, // what the value is paid for
}

/// What a configuration costs a month, at a moment of growth.
struct MonthlyRate {
    bill: Vec<CostLine>,
    amount: DrawnAmount,
    fees: Option<DrawnAmount>,
    instances: Option<Estimate>, // that run
}

/// Every month of a growth scenario, until customers leave what can be projected.
pub fn monthly_costs(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    growth: &GrowthDraws<'_>,
) -> Result<Vec<MonthCost>, ModelError> {
    let months = growth.allowed_months(&growth.central);
    let rates = rates_at_moments(growth, months, |moment| {
        let grown = drawn.grown(context, growth, moment, drawn.draws.len())?;
        monthly_rate(grown.as_ref().unwrap_or(drawn), growth, moment)
    })?;
    let month = |month: usize| month_cost(growth, month, &rates, drawn.draws.len());
    Ok((0..months).into_par_iter().map(month).collect())
}

/// Something at each moment of growth up to a number of months; nothing if there are no months.
pub fn rates_at_moments<T: Send>(
    growth: &GrowthDraws<'_>,
    months: usize,
    rate: impl Fn(usize) -> Result<T, ModelError> + Sync + Send,
) -> Result<Vec<T>, ModelError> {
    let moments = (0..growth.model.moments())
        .take_while(|moment| months > 0 && growth.model.months_at(*moment) <= months as f64);
    let moments: Vec<usize> = moments.collect();
    moments.into_par_iter().map(rate).collect()
}

fn monthly_rate(
    drawn: &DrawnConfig<'_>,
    growth: &GrowthDraws<'_>,
    moment: usize,
) -> Result<MonthlyRate, ModelError> {
    let customers = growth.central.at_moment(moment);
    let drawn_customers = growth.customers_at(moment);
    let bill = drawn.priced.bill(customers, &drawn.central)?;
    Ok(MonthlyRate {
        amount: drawn.amount(&bill, drawn_customers.iter().copied()),
        bill,
        fees: drawn.fees(customers, drawn_customers.iter().copied())?,
        instances: instances(drawn, customers, &drawn_customers)?,
    })
}

/// A month from its parts, each the mean of its two ends, at their share of the month.
fn month_cost(growth: &GrowthDraws<'_>, month: usize, rates: &[MonthlyRate], draws: usize) -> MonthCost {
    let mut cost = DrawnAmount::zero(draws);
    let mut fees: Option<DrawnAmount> = None;
    let mut drivers = Vec::new();
    for piece in growth.pieces.of(month) {
        for end in [&rates[piece.begin], &rates[piece.end]] {
            cost.add_share(&end.amount, piece.months / 2.0);
            if let Some(more) = &end.fees {
                fees.get_or_insert_with(|| DrawnAmount::zero(draws))
                    .add_share(more, piece.months / 2.0);
            }
            drivers.push((end.bill.as_slice(), share_of_month(piece.months / 2.0)));
        }
    }
    MonthCost {
        customers: growth.pieces.mean(&growth.central, month),
        cost,
        instances: rates[growth.pieces.first_moment(month)].instances,
        fees,
        drivers: weighted_drivers(&drivers),
    }
}

/// The cost of all months together.
pub fn sum_of_months(costs: &[MonthCost], draws: usize) -> DrawnAmount {
    let costs = costs.iter().map(|month| &month.cost);
    costs.fold(DrawnAmount::zero(draws), |sum, month| sum.plus(month))
}

/// The cost of a month at the headline's customers.
pub fn one_month(context: &Context<'_>, drawn: &DrawnConfig<'_>) -> Result<DrawnAmount, ModelError> {
    drawn.amount_at(context.headline_customers())
}

/// Units that run, with so many customers in the point estimate and in each draw.
fn instances(drawn: &DrawnConfig<'_>, customers: f64, draws: &[f64]) -> Result<Option<Estimate>, ModelError> {
    let Some(value) = drawn.priced.instances(customers, &drawn.central) else {
        return Ok(None);
    };
    let units = |(inputs, customers): (&ReadyInputs, &f64)| {
        drawn.priced.instances(*customers, inputs).unwrap_or(f64::NAN)
    };
    let draws = drawn.draws.iter().zip(draws).map(units).collect();
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
    let dates = growth.model.dates();
    let month = |(month, month_cost): (usize, &MonthCost)| {
        let cost = &month_cost.cost;
        let [begin, end] = [month, month + 1].map(|month| growth.central.at(month as f64));
        let thousands = context.decimal(month_cost.customers)? / Decimal::ONE_THOUSAND;
        let begins = &growth.firsts[month];
        let drawn_thousands = growth
            .draws
            .iter()
            .map(|path| growth.pieces.mean(path, month) / 1e3);
        Ok(MonthProjection {
            date: dates[month],
            customers: estimate(begin, begins.clone(), "customers")?,
            customers_quartiles: quartiles(begin, begins.clone()),
            instances: month_cost.instances,
            cost: cost.clone().into_money(),
            cost_quartiles: quartiles(float(cost.value), cost.draws.clone()),
            drivers: month_cost.drivers.clone(),
            cash: cash(drawn, month, cost.value),
            fees: month_cost.fees.as_ref().map(|fees| fees.clone().into_money()),
            per_1000: cost.divided(thousands, drawn_thousands)?.into_money(),
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
    // Cash of a commitment above its share of the month, for what is paid of a list price.
    let mut add =
        |commitment: &Commitment, units: Decimal, renewed: bool, month_hours: Decimal, paid: Decimal| {
            let is_bought = renewed || (month as u32) < commitment.term_months;
            if commitment.upfront.0.is_zero() || !is_bought {
                return;
            }
            ahead = true;
            let difference = cash_in_month(commitment, units, month as u32 + 1, month_hours)
                - amortised_per_month(commitment, units, month_hours);
            cash += difference * paid;
        };
    for placed in &drawn.priced.placed {
        let Host::Units(units) = &placed.host else {
            continue;
        };
        let (book, sku) = (placed.book, placed.placement.sku.as_deref());
        let renewed = placed.placement.after_term == AfterTerm::Renew;
        for (commitment, count) in &units.commitments {
            let contract = contract_factor(&book.adjustment, sku.unwrap_or_default());
            let paid = placed.exchange * contract * committed_factor(book, commitment, sku);
            add(
                commitment,
                Decimal::from(*count),
                renewed,
                book.month_hours.0,
                paid,
            );
        }
    }
    let main = drawn.priced.main();
    let renewed = main.placement.after_term == AfterTerm::Renew;
    for (plan, units, paid) in drawn.priced.plans_bought() {
        add(plan, units, renewed, main.book.month_hours.0, paid);
    }
    ahead.then(|| QuotedDecimal(cash.round_dp(12).normalize()))
}
