//! Each growth scenario of a study, on one configuration.

use nest_data::{Estimate, projection::GrowthProjection};

use crate::{
    error::ModelError,
    project::{
        break_point::ReachedLimits,
        config_projection::ProjectedConfig,
        context::Context,
        drawn_config::DrawnConfig,
        figure::{DrawnAmount, estimate},
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
    let thousands = |path: &Trajectory| growth.pieces.mean(path, last) / 1e3;
    let none = DrawnAmount::zero(drawn.draws.len());
    let last_cost = costs.last().map_or(&none, |month| &month.cost);
    let per_1000 = last_cost.divided(
        context.decimal(thousands(&growth.central))?,
        growth.draws.iter().map(thousands),
    )?;
    let first = reached.first(false);
    let stated = context.study.growth.get(growth.name);
    Ok(GrowthProjection {
        name: growth.name.to_owned(),
        months,
        start: customers_after(growth, 0.0)?,
        end: customers_after(growth, f64::from(months))?,
        total: sum_of_months(costs, drawn.draws.len()).into_money(),
        per_1000: per_1000.into_money(),
        cause: reached.likeliest_first().map(|limit| limit.cause.clone()),
        breaks: first.reached(),
        date: Some(first.date(growth)),
        events: stated.map_or_else(Vec::new, |stated| stated.events.clone()),
    })
}

/// Customers so many months after the start.
fn customers_after(growth: &GrowthDraws<'_>, months: f64) -> Result<Estimate, ModelError> {
    let draws = growth.draws.iter().map(|path| path.at(months)).collect();
    estimate(growth.central.at(months), draws, "customers")
}
