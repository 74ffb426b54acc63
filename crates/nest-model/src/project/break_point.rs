//! Least customers at which something fails, at the point estimate and in every draw. What can fail is in
//! `limits`.

mod budget;
mod cause;
mod limits;
mod memory;
mod served;

use jiff::civil::Date;
use nest_data::{
    Estimate,
    growth::MOST_CUSTOMERS,
    projection::{BreakDate, BreakKind, BreakPoint, first_break},
};

use self::{
    cause::{FailurePoint, Filling, SearchScope},
    limits::limits,
};
use crate::{
    draws::ParameterDraw,
    error::ModelError,
    project::config::{PricedConfig, ReadyInputs, Sizing},
    project::context::{Context, Moment},
    project::drawn_config::DrawnConfig,
    project::growth::{GrowthDraws, Trajectory},
};

/// Rounds in which a break point and the data that is stored there find one another; each is off by a share
/// of the one before.
const ROUNDS_OF_DATA: usize = 5;
/// Share of draws that must break below the searched range for a number to be given.
const REACHED: f64 = 0.05;

/// A way to fail in every draw.
struct FailureDraws<'a> {
    central: FailurePoint<'a>,
    draws: Vec<f64>,               // customers; infinite if it never fails
    filling: Vec<Option<Filling>>, // by draw
}

/// What a search for break points needs beside the configuration.
struct BreakPointSearch<'a> {
    scope: SearchScope<'a>,
    tested: f64, // customers
    central: (&'a ParameterDraw, &'a ReadyInputs),
    draws: Vec<(&'a ParameterDraw, &'a ReadyInputs)>,
    growth: Option<&'a GrowthDraws<'a>>,
    searched_to: f64, // customers
}

/// Break points of a configuration. If demand depends on stored data, and that on customers, each round takes
/// the data of the customers at which the round before found the first failure.
pub fn break_points<'a>(
    drawn: &DrawnConfig<'a>,
    context: &Context<'a>,
) -> Result<Vec<BreakPoint>, ModelError> {
    let mut points = break_points_here(drawn, context);
    if !context.demand_follows_data() {
        return Ok(points);
    }
    for _ in 0..ROUNDS_OF_DATA {
        let Some(customers) = first_break(&points).map(|(_, customers)| customers.value) else {
            break;
        };
        let there = Moment {
            customers: customers.max(1.0),
            months: 0.0,
        };
        let grown = DrawnConfig::at(context, drawn.priced.name, &drawn.set, there)?;
        points = break_points_here(&grown, context);
    }
    Ok(points)
}

/// Customers at which the configuration first fails in the point estimate, whatever it may cost; infinite if
/// it never does.
pub fn customers_with_room(drawn: &DrawnConfig<'_>, context: &Context<'_>) -> f64 {
    let limits = limits(&drawn.priced, &scope(context), &context.central, &drawn.central);
    limits
        .iter()
        .filter(|limit| limit.kind.is_failure() && limit.kind != BreakKind::Budget)
        .map(|limit| limit.customers)
        .fold(f64::INFINITY, f64::min)
}

fn scope<'c>(context: &'c Context<'_>) -> SearchScope<'c> {
    SearchScope {
        study: context.study,
        model: context.model,
        from: context.headline_customers(),
        to: context.searched_to(),
    }
}

fn break_points_here(drawn: &DrawnConfig<'_>, context: &Context<'_>) -> Vec<BreakPoint> {
    let search = BreakPointSearch {
        scope: scope(context),
        tested: context.tested_customers(),
        central: (&context.central, &drawn.central),
        draws: context.draws.iter().zip(&drawn.draws).collect(),
        growth: context.growth.as_ref(),
        searched_to: context.searched_to(),
    };
    search_break_points(&drawn.priced, &search)
}

/// Every break point of a configuration, the nearest in the point estimate first.
fn search_break_points(priced: &PricedConfig<'_>, search: &BreakPointSearch<'_>) -> Vec<BreakPoint> {
    let (draw, inputs) = search.central;
    let count = search.draws.len();
    let mut candidates: Vec<FailureDraws<'_>> = limits(priced, &search.scope, draw, inputs)
        .into_iter()
        .map(|central| FailureDraws {
            central,
            draws: Vec::with_capacity(count),
            filling: Vec::with_capacity(count),
        })
        .collect();
    for (draw, inputs) in &search.draws {
        for (candidate, limit) in candidates
            .iter_mut()
            .zip(limits(priced, &search.scope, draw, inputs))
        {
            candidate.draws.push(limit.customers);
            candidate.filling.push(limit.filling);
        }
    }
    let first = first_to_fail(&candidates, count, search.searched_to);
    let mut points: Vec<(f64, BreakPoint)> = candidates
        .iter()
        .enumerate()
        .map(|(index, candidate)| {
            let probability =
                first.iter().filter(|one| **one == Some(index)).count() as f64 / count.max(1) as f64;
            (
                candidate.central.customers,
                break_point(priced, search, candidate, probability),
            )
        })
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points.into_iter().map(|(_, point)| point).collect()
}

/// In each draw, the candidate that fails at the fewest customers; `None` if nothing does below the searched
/// range.
fn first_to_fail(candidates: &[FailureDraws<'_>], draws: usize, searched_to: f64) -> Vec<Option<usize>> {
    let first = |draw: usize| {
        let failing = (0..candidates.len()).filter(|one| {
            candidates[*one].central.kind.is_failure() && candidates[*one].draws[draw] <= searched_to
        });
        failing.min_by(|a, b| candidates[*a].draws[draw].total_cmp(&candidates[*b].draws[draw]))
    };
    (0..draws).map(first).collect()
}

fn break_point(
    priced: &PricedConfig<'_>,
    search: &BreakPointSearch<'_>,
    candidate: &FailureDraws<'_>,
    probability: f64,
) -> BreakPoint {
    let central = candidate.central.customers;
    let mut draws: Vec<f64> = candidate
        .draws
        .iter()
        .map(|customers| customers.min(MOST_CUSTOMERS))
        .collect();
    let reached = draws
        .iter()
        .filter(|customers| **customers <= search.searched_to)
        .count() as f64
        / draws.len().max(1) as f64;
    let found = (reached >= REACHED && central.is_finite())
        .then(|| Estimate::from_draws(central, &mut draws))
        .flatten();
    let open_above = found.is_some_and(|customers| customers.high > search.searched_to);
    let customers = found.map(|customers| Estimate {
        high: customers.high.min(customers.value.max(search.searched_to)),
        ..customers
    });
    let fills = candidate.central.filling.is_some();
    let date = search
        .growth
        .filter(|_| customers.is_some() || fills)
        .map(|growth| break_date(growth, candidate));
    BreakPoint {
        kind: candidate.central.kind,
        cause: candidate.central.cause.to_string(),
        customers,
        open_above,
        probability,
        reached,
        extrapolated: customers.is_some_and(|customers| {
            is_extrapolated(priced, search.tested, customers.value, search.central.1)
        }),
        date,
    }
}

/// Whether a customer count needs larger instances, or more of them, than were measured.
pub fn is_extrapolated(priced: &PricedConfig<'_>, tested: f64, customers: f64, inputs: &ReadyInputs) -> bool {
    let units =
        |(index, sizing): (usize, Sizing)| sizing.instances(customers).min(priced.placed[index].most_units());
    let carrying = priced.counted(inputs).map_or(1.0, units);
    carrying > 1.0 || customers / carrying > tested * (1.0 + 1e-9)
}

fn break_date(growth: &GrowthDraws<'_>, candidate: &FailureDraws<'_>) -> BreakDate {
    let months = |path: &Trajectory, customers: f64, filling: Option<Filling>| match filling {
        None => path.reaches(customers),
        Some(filling) => path.first_over(|at| {
            filling.per_customer * at.customers + filling.per_month * at.months - filling.room
        }),
    };
    // Draws that never get there come last, so a late end can be open while the early one is a date.
    let mut draws: Vec<f64> = candidate
        .draws
        .iter()
        .zip(&candidate.filling)
        .zip(&growth.draws)
        .map(|((customers, filling), path)| months(path, *customers, *filling).unwrap_or(f64::INFINITY))
        .collect();
    draws.sort_by(f64::total_cmp);
    let date_at_quantile = |quantile: f64| -> Option<Date> {
        // Rounded to a draw: between a date and never there is no date.
        let nearest = ((draws.len() as f64 - 1.0) * quantile).round() as usize;
        draws
            .get(nearest)
            .filter(|months| months.is_finite())
            .and_then(|months| growth.model.date_at(*months))
    };
    let value = months(
        &growth.central,
        candidate.central.customers,
        candidate.central.filling,
    )
    .and_then(|months| growth.model.date_at(months));
    BreakDate {
        value,
        low: date_at_quantile(0.05),
        high: date_at_quantile(0.95),
    }
}
