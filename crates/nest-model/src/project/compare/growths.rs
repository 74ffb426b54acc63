//! Each growth scenario of a study, on one configuration.

use nest_data::{
    Estimate,
    projection::{BreakDate, GrowthProjection, first_break},
    study::GrowthScenario,
};
use rust_decimal::Decimal;

use crate::{
    error::ModelError,
    project::{
        config_projection::ProjectedConfig,
        context::Context,
        drawn_config::DrawnConfig,
        figure::{estimate, money},
        growth::{GrowthDraws, Trajectory},
        months::{MonthCost, monthly_costs},
    },
};

/// Each growth scenario of the study on the configuration of the headline.
pub fn growths(
    context: &Context<'_>,
    drawn: &DrawnConfig<'_>,
    headline: &ProjectedConfig,
) -> Result<Vec<GrowthProjection>, ModelError> {
    let (seed, count) = (context.model.draws.seed, context.model.draws.count);
    let projection = |(name, scenario): (&String, &GrowthScenario)| {
        let growth = GrowthDraws::new(name, scenario, seed, count)?;
        if context
            .growth
            .as_ref()
            .is_some_and(|headline| headline.name == name)
        {
            return growth_projection(context, drawn, headline, &growth, &headline.monthly_costs);
        }
        let months = monthly_costs(drawn, context, &growth)?;
        growth_projection(context, drawn, headline, &growth, &months)
    };
    context.study.growth.iter().map(projection).collect()
}

fn growth_projection(
    context: &Context<'_>,
    drawn: &DrawnConfig<'_>,
    headline: &ProjectedConfig,
    growth: &GrowthDraws<'_>,
    costs: &[MonthCost],
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
    let first = first_break(&headline.config.break_points);
    Ok(GrowthProjection {
        name: growth.name.to_owned(),
        months,
        start: customers_after(growth, 0.0)?,
        end: customers_after(growth, f64::from(months))?,
        total: money(
            costs.iter().map(|month| month.value).sum(),
            sums(costs, drawn.draws.len()),
            unknown,
        ),
        per_1000: money(per_1000, per_1000_draws, unknown),
        cause: first.map(|(point, _)| point.cause.clone()),
        date: first.map(|(_, customers)| date_of(growth, customers)),
    })
}

/// Customers so many months after the start.
fn customers_after(growth: &GrowthDraws<'_>, months: f64) -> Result<Estimate, ModelError> {
    let draws = growth.draws.iter().map(|path| path.at(months)).collect();
    estimate(growth.central.at(months), draws, "customers")
}

/// Cost of all months in each draw.
fn sums(costs: &[MonthCost], draws: usize) -> Vec<f64> {
    let mut sums = vec![0.0; draws];
    for month in costs {
        sums.iter_mut()
            .zip(&month.draws)
            .for_each(|(sum, cost)| *sum += cost);
    }
    sums
}

/// The date on which a scenario reaches a break point, from the ends of its interval and the spread of the
/// trajectories.
fn date_of(growth: &GrowthDraws<'_>, customers: &Estimate) -> BreakDate {
    let mut months: Vec<f64> = growth
        .draws
        .iter()
        .map(|path| path.reaches(customers.low).unwrap_or(f64::INFINITY))
        .collect();
    months.sort_by(f64::total_cmp);
    let mut late: Vec<f64> = growth
        .draws
        .iter()
        .map(|path| path.reaches(customers.high).unwrap_or(f64::INFINITY))
        .collect();
    late.sort_by(f64::total_cmp);
    let date_at_quantile = |months: &[f64], quantile: f64| {
        let nearest = ((months.len() as f64 - 1.0) * quantile).round() as usize;
        months
            .get(nearest)
            .filter(|months| months.is_finite())
            .and_then(|months| growth.model.date_at(*months))
    };
    let value = growth
        .central
        .reaches(customers.value)
        .and_then(|months| growth.model.date_at(months));
    BreakDate {
        value,
        low: date_at_quantile(&months, 0.05),
        high: date_at_quantile(&late, 0.95),
    }
}
