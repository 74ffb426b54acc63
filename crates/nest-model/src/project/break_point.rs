//! Least customers at which something fails, at the point estimate and in every draw, and how likely growth
//! reaches it by when. What can fail is in `limits`.

mod budget;
mod cause;
mod limit_draws;
mod limit_point;
mod limits;
mod memory;
mod served;

use nest_data::{
    Estimate,
    growth::MOST_CUSTOMERS,
    projection::{BreakKind, BreakPoint, first_break},
};
use rayon::prelude::*;

pub use self::{
    cause::{LeverKey, SearchScope},
    limit_draws::{ConfigLimits, LimitDraws, LimitMonths, ReachedLimits},
    limit_point::{LimitPoint, months_to, point_at},
    limits::limits,
};
use crate::{
    error::ModelError,
    project::config::{PricedConfig, ReadyInputs, Sizing},
    project::context::Context,
    project::drawn_config::DrawnConfig,
    project::growth::Load,
};

/// Share of draws from which on a limit counts as likely to be reached: it speaks against a configuration,
/// and its lever is offered. The lower end of a 90 % interval.
pub const LIKELY: f64 = 0.05;
/// Rounds in which a break point and the data that is stored there find one another; each is off by a share
/// of the one before.
const ROUNDS_OF_DATA: usize = 5;
/// Most parts of growth between whose ends a limit that moves is taken as geometric.
const MOST_MOMENTS: u32 = 12;

/// Limits of a configuration: at several moments of growth if the mix of customers changes, else once.
pub fn config_limits<'a>(drawn: &DrawnConfig<'a>, context: &Context<'a>) -> Result<ConfigLimits, ModelError> {
    let found = |months: f64| {
        let there = at_first_limit(drawn, context, months)?;
        Ok((months, limits_here(there.as_ref().unwrap_or(drawn), context)))
    };
    match context.growth().filter(|_| limits_move(drawn, context)) {
        Some(growth) => {
            let months = limit_months(drawn, context).into_par_iter().map(found);
            Ok(ConfigLimits::moving(
                months.collect::<Result<_, ModelError>>()?,
                growth,
            ))
        }
        None => found(0.0).map(|(_, limits)| ConfigLimits::fixed(limits)),
    }
}

/// Whether limits lie elsewhere as time passes: the mix of customers changes, or prices that a budget is
/// compared with.
pub fn limits_move(drawn: &DrawnConfig<'_>, context: &Context<'_>) -> bool {
    context.mix_changes() || budget_moves(drawn, context)
}

/// Whether prices change that a budget is compared with.
fn budget_moves(drawn: &DrawnConfig<'_>, context: &Context<'_>) -> bool {
    let budget = &context.study.budget;
    let has_budget = budget.monthly.is_some() || budget.per_1000.is_some();
    has_budget && drawn.priced.changes_before(context.last_day())
}

/// Months after the start of growth at which limits are looked for: every month or a few of them if they
/// move, and right before and on each day on which a price changes that a budget is compared with; else the
/// start.
pub fn limit_months(drawn: &DrawnConfig<'_>, context: &Context<'_>) -> Vec<f64> {
    if !limits_move(drawn, context) {
        return vec![0.0];
    }
    let end = context
        .growths
        .iter()
        .map(|growth| growth.model.months())
        .max()
        .unwrap_or(0);
    let mut months = spread_months(end);
    if budget_moves(drawn, context) {
        months.extend(
            context
                .growth()
                .into_iter()
                .flat_map(|growth| growth.model.steps()),
        );
        months.sort_by(f64::total_cmp);
        months.dedup();
    }
    months
}

/// Months from the start to the end of growth: every one, or at most twelve and the end.
pub fn spread_months(end: u32) -> Vec<f64> {
    let step = end.div_ceil(MOST_MOMENTS).max(1) as usize;
    let mut months: Vec<f64> = (0..end).step_by(step).map(f64::from).collect();
    months.push(f64::from(end));
    months
}

/// A configuration as it is when it first fails: with the mix of customers so many months after the start of
/// growth and, if demand depends on stored data and that on customers, with the data of those at whom it
/// fails. `None` if it is as it was drawn.
pub fn at_first_limit<'a>(
    drawn: &DrawnConfig<'a>,
    context: &Context<'a>,
    months: f64,
) -> Result<Option<DrawnConfig<'a>>, ModelError> {
    let drawn_there = months == 0.0;
    let mut there = context.now_after(months);
    let mut moved = !drawn_there;
    if context.demand_follows_data() {
        let mut first = if drawn_there {
            first_central(drawn, context)
        } else {
            first_central(&drawn.moved_to(context, there, 0)?, context)
        };
        for round in 1..=ROUNDS_OF_DATA {
            if first > context.searched_to() {
                break;
            }
            (there.customers, moved) = (first.max(1.0), true);
            if round < ROUNDS_OF_DATA {
                first = first_central(&drawn.moved_to(context, there, 0)?, context);
            }
        }
    }
    moved
        .then(|| drawn.moved_to(context, there, drawn.draws.len()))
        .transpose()
}

/// Customers at which a configuration first fails in the point estimate, as it was drawn.
fn first_central(drawn: &DrawnConfig<'_>, context: &Context<'_>) -> f64 {
    let found = limits(
        &drawn.priced,
        &search_scope(context),
        &context.central,
        &drawn.central,
    );
    let failures = found.iter().filter(|limit| limit.kind.is_failure());
    failures
        .map(|limit| limit.customers)
        .fold(f64::INFINITY, f64::min)
}

/// Customers at which the configuration first fails in the point estimate, whatever it may cost; infinite if
/// it never does.
pub fn customers_with_room<'a>(drawn: &DrawnConfig<'a>, context: &Context<'a>) -> Result<f64, ModelError> {
    let found = config_limits(drawn, context)?;
    let failures = found
        .limits
        .iter()
        .filter(|limit| limit.kind.is_failure() && limit.kind != BreakKind::Budget);
    Ok(failures
        .map(|limit| limit.central.customers)
        .fold(f64::INFINITY, f64::min))
}

/// What a search for limits reads.
pub fn search_scope<'a>(context: &Context<'a>) -> SearchScope<'a> {
    SearchScope {
        study: context.study,
        model: context.model,
        from: context.first_customers(),
        least: context.least_customers(),
        most: context.most_customers(),
    }
}

fn limits_here(drawn: &DrawnConfig<'_>, context: &Context<'_>) -> Vec<LimitDraws> {
    limits_with(&drawn.priced, &drawn.central, &drawn.draws, context)
}

/// Limits of a configuration with other inputs than it was drawn with.
pub fn limits_with(
    priced: &PricedConfig<'_>,
    central: &ReadyInputs,
    draws: &[ReadyInputs],
    context: &Context<'_>,
) -> Vec<LimitDraws> {
    let scope = search_scope(context);
    let found = limits(priced, &scope, &context.central, central);
    let mut found: Vec<LimitDraws> = found
        .iter()
        .map(|one| LimitDraws::new(one, draws.len()))
        .collect();
    for (draw, inputs) in context.draws.iter().zip(draws) {
        for (limit, point) in found.iter_mut().zip(limits(priced, &scope, draw, inputs)) {
            limit.draws.push(point.point());
        }
    }
    found
}

/// Every limit as a report prints it, the nearest in the point estimate first: in time if customers grow, as
/// limits may move, then in customers.
pub fn break_points(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    reached: &ReachedLimits<'_>,
) -> Vec<BreakPoint> {
    let count = drawn.draws.len();
    let first = first_to_fail(reached, count, context);
    let mut points: Vec<([f64; 2], BreakPoint)> = (0..reached.limits.len())
        .map(|index| {
            let is_first = first.iter().filter(|one| **one == Some(index)).count();
            let probability = is_first as f64 / count.max(1) as f64;
            let limit = &reached.limits[index];
            let point = break_point(drawn, context, limit, &reached.months[index], probability);
            ([reached.months[index].central, limit.central.customers], point)
        })
        .collect();
    points.sort_by(|([a, fewer], _), ([b, more], _)| a.total_cmp(b).then(fewer.total_cmp(more)));
    points.into_iter().map(|(_, point)| point).collect()
}

/// The nearest failure of a configuration, as a report prints it.
pub fn first_break_point(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    reached: &ReachedLimits<'_>,
) -> Option<BreakPoint> {
    let points = break_points(drawn, context, reached);
    first_break(&points).map(|(point, _)| point.clone())
}

/// In each draw, the limit that is reached first: in time if customers grow, at the fewest customers if not.
/// `None` if none is, by the end of growth or within the searched range.
fn first_to_fail(reached: &ReachedLimits<'_>, draws: usize, context: &Context<'_>) -> Vec<Option<usize>> {
    let place = |index: usize, draw: usize| -> (f64, f64) {
        let customers = reached.limits[index].draws[draw].customers;
        match context.load() {
            Load::Growing(_) => (reached.months[index].draws[draw], customers),
            Load::Steady(_) if customers <= context.searched_to() => (0.0, customers),
            Load::Steady(_) => (f64::INFINITY, customers),
        }
    };
    let failing: Vec<usize> = (0..reached.limits.len())
        .filter(|index| reached.limits[*index].kind.is_failure())
        .collect();
    let first = |draw: usize| {
        let places = failing.iter().map(|index| (*index, place(*index, draw)));
        places
            .filter(|(_, (months, _))| months.is_finite())
            .min_by(|(_, a), (_, b)| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)))
            .map(|(index, _)| index)
    };
    (0..draws).map(first).collect()
}

fn break_point(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    limit: &LimitDraws,
    months: &LimitMonths,
    probability: f64,
) -> BreakPoint {
    let searched_to = context.searched_to();
    let (central, draws) = customers_reached(limit, months, context.load());
    let mut draws: Vec<f64> = draws
        .into_iter()
        .map(|customers| customers.min(MOST_CUSTOMERS))
        .collect();
    let found = (central <= searched_to)
        .then(|| Estimate::from_draws(central, &mut draws))
        .flatten();
    // Beyond the searched range nothing is claimed: an interval that ends there is open.
    let open_above = found.is_some_and(|customers| customers.high > searched_to);
    let customers = found.map(|customers| Estimate {
        low: customers.low.min(searched_to),
        high: customers.high.min(searched_to),
        ..customers
    });
    let (reached, chance_by_month, date) = match context.load() {
        Load::Growing(growth) => (
            months.reached(),
            months.chances(growth),
            Some(months.date(growth)),
        ),
        Load::Steady(_) => {
            let reached = limit.draws.iter().filter(|point| point.customers <= searched_to);
            let share = reached.count() as f64 / limit.draws.len().max(1) as f64;
            (share, Vec::new(), None)
        }
    };
    BreakPoint {
        kind: limit.kind,
        cause: limit.cause.clone(),
        nature: limit.nature(),
        customers,
        open_above,
        probability,
        reached,
        chance_by_month,
        extrapolated: is_extrapolated(
            &drawn.priced,
            context.tested_customers(),
            central.min(searched_to),
            &drawn.central,
        ),
        date,
        met_from: (limit.lever == Some(LeverKey::Per1000))
            .then(|| budget::met_from(&drawn.priced, &search_scope(context), &drawn.central))
            .flatten(),
        ceiling: (limit.kind == BreakKind::OverReserve).then(|| ceiling(drawn, &limit.cause)),
    }
}

/// Share of a resource up to which a configuration wants it used, 0-1: its own one, or for what stays as it
/// was measured the one of the first placement.
fn ceiling(drawn: &DrawnConfig<'_>, cause: &str) -> f64 {
    let placed = drawn
        .priced
        .placed
        .iter()
        .position(|placed| placed.label == cause);
    1.0 - drawn.central.placed[placed.unwrap_or(0)].reserve
}

/// Customers at which a limit fails, in the point estimate and in every draw: those to which they fall where
/// a trajectory reaches it that way.
fn customers_reached(limit: &LimitDraws, months: &LimitMonths, load: Load<'_, '_>) -> (f64, Vec<f64>) {
    let Load::Growing(growth) = load else {
        let draws = limit.draws.iter().map(|point| point.customers);
        return (limit.central.customers, draws.collect());
    };
    let paths = growth.draws.iter().zip(&months.draws);
    let draws = limit.draws.iter().zip(paths);
    (
        limit.central.customers_on(&growth.central, months.central),
        draws
            .map(|(point, (path, months))| point.customers_on(path, *months))
            .collect(),
    )
}

/// Whether a customer count needs larger instances, or more of them, than were measured.
pub fn is_extrapolated(priced: &PricedConfig<'_>, tested: f64, customers: f64, inputs: &ReadyInputs) -> bool {
    let units =
        |(index, sizing): (usize, Sizing)| sizing.instances(customers).min(priced.placed[index].most_units());
    let carrying = priced.counted(inputs).map_or(1.0, units);
    carrying > 1.0 || customers / carrying > tested * (1.0 + 1e-9)
}
