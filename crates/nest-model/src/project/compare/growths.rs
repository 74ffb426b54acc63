//! Each growth scenario of a study, on one configuration.

use nest_data::{Estimate, projection::GrowthProjection};
use rust_decimal::Decimal;

use crate::{
    error::ModelError,
    project::{
        break_point::ReachedLimits,
        config_projection::ProjectedConfig,
        context::Context,
        drawn_config::DrawnConfig,
        figure::{estimate, money},
        growth::{GrowthDraws, Load, Trajectory},
        months::{MonthCost, monthly_costs, sum_of_months},
    },
};

/// Each growth scenario of the study on the configuration of the headline.
pub fn growths(
    context: &Context<'_>,
    drawn: &DrawnConfig<'_>,
    headline: &ProjectedConfig,
) -> Result<Vec<GrowthProjection>, ModelError> {
    let projection = |growth: &GrowthDraws<'_>| {
        if context.growth().is_some_and(|one| one.name == growth.name) {
            let (costs, reached) = (&headline.monthly_costs, headline.reached());
            return growth_projection(context, drawn, growth, costs, &reached);
        }
        let costs = monthly_costs(drawn, context, growth)?;
        let reached = headline.limits.under(Load::Growing(growth));
        growth_projection(context, drawn, growth, &costs, &reached)
    };
    context.growths.iter().map(projection).collect()
}

fn growth_projection(
    context: &Context<'_>,
    drawn: &DrawnConfig<'_>,
    growth: &GrowthDraws<'_>,
    costs: &[MonthCost],
    reached: &ReachedLimits<'_>,
) -> Result<GrowthProjection, ModelError> {
    let months = growth.model.months();
    let last = costs.len().saturating_sub(1);
    let mean = |path: &Trajectory| path.ends(last).iter().sum::<f64>() / 2.0;
    let value = costs.last().map_or(Decimal::ZERO, |month| month.value);
    let per_1000 = value * Decimal::ONE_THOUSAND / context.decimal(mean(&growth.central))?;
    let last_draws = costs.last().into_iter().flat_map(|month| &month.draws);
    let per_1000_draws = last_draws
        .zip(&growth.draws)
        .map(|(cost, path)| cost / mean(path) * 1e3)
        .collect();
    let unknown = drawn.priced.unknown_lines() > 0;
    let first = reached.first(false);
    Ok(GrowthProjection {
        name: growth.name.to_owned(),
        months,
        start: customers_after(growth, 0.0)?,
        end: customers_after(growth, f64::from(months))?,
        total: sum_of_months(costs, drawn.draws.len()).into_money(unknown),
        per_1000: money(per_1000, per_1000_draws, unknown),
        cause: reached.likeliest_first().map(|limit| limit.cause.clone()),
        breaks: first.reached(),
        date: Some(first.date(growth)),
    })
}

/// Customers so many months after the start.
fn customers_after(growth: &GrowthDraws<'_>, months: f64) -> Result<Estimate, ModelError> {
    let draws = growth.draws.iter().map(|path| path.at(months)).collect();
    estimate(growth.central.at(months), draws, "customers")
}
