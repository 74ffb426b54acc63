//! Least customers at which something fails, at the point estimate and in every draw, and how likely growth
//! reaches it by when. What can fail is in `limits`.

mod budget;
mod cause;
mod limit_draws;
mod limits;
mod memory;
mod served;

use nest_data::{
    Estimate,
    growth::MOST_CUSTOMERS,
    projection::{BreakKind, BreakPoint, first_break},
};

use self::limit_draws::LimitPoint;
pub use self::{
    cause::{LeverKey, SearchScope},
    limit_draws::{ConfigLimits, LimitDraws, LimitMonths, ReachedLimits},
    limits::limits,
};
use crate::{
    error::ModelError,
    project::config::{PricedConfig, ReadyInputs, Sizing},
    project::context::{Context, Moment},
    project::drawn_config::DrawnConfig,
    project::growth::Load,
};

/// Share of draws from which on a limit counts as likely to be reached: it speaks against a configuration,
/// and its lever is offered. The lower end of a 90 % interval.
pub const LIKELY: f64 = 0.05;
/// Rounds in which a break point and the data that is stored there find one another; each is off by a share
/// of the one before.
const ROUNDS_OF_DATA: usize = 5;

/// Limits of a configuration. If demand depends on stored data, and that on customers, each round takes the
/// data of the customers at which the round before found the first failure.
pub fn config_limits<'a>(drawn: &DrawnConfig<'a>, context: &Context<'a>) -> Result<ConfigLimits, ModelError> {
    let mut found = limits_here(drawn, context);
    if !context.demand_follows_data() {
        return Ok(found);
    }
    for _ in 0..ROUNDS_OF_DATA {
        let customers = found.first_central();
        if customers > context.searched_to() {
            break;
        }
        let there = Moment {
            customers: customers.max(1.0),
            months: 0.0,
        };
        let grown = drawn.moved_to(context, there)?;
        found = limits_here(&grown, context);
    }
    Ok(found)
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
        from: context.headline_customers(),
        to: context.most_customers(),
    }
}

fn limits_here(drawn: &DrawnConfig<'_>, context: &Context<'_>) -> ConfigLimits {
    let scope = search_scope(context);
    let count = drawn.draws.len();
    let central = limits(&drawn.priced, &scope, &context.central, &drawn.central);
    let mut found: Vec<LimitDraws> = central.iter().map(|one| LimitDraws::new(one, count)).collect();
    for (draw, inputs) in context.draws.iter().zip(&drawn.draws) {
        for (limit, point) in found.iter_mut().zip(limits(&drawn.priced, &scope, draw, inputs)) {
            limit.draws.push(LimitPoint {
                customers: point.customers,
                filling: point.filling,
            });
        }
    }
    ConfigLimits { limits: found }
}

/// Every limit as a report prints it, the nearest in the point estimate first.
pub fn break_points(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    reached: &ReachedLimits<'_>,
) -> Vec<BreakPoint> {
    let count = drawn.draws.len();
    let first = first_to_fail(reached, count, context);
    let mut points: Vec<(f64, BreakPoint)> = (0..reached.limits.len())
        .map(|index| {
            let is_first = first.iter().filter(|one| **one == Some(index)).count();
            let probability = is_first as f64 / count.max(1) as f64;
            let limit = &reached.limits[index];
            let point = break_point(drawn, context, limit, &reached.months[index], probability);
            (limit.central.customers, point)
        })
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
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
    let central = limit.central.customers;
    let mut draws: Vec<f64> = limit
        .draws
        .iter()
        .map(|point| point.customers.min(MOST_CUSTOMERS))
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
    }
}

/// Whether a customer count needs larger instances, or more of them, than were measured.
pub fn is_extrapolated(priced: &PricedConfig<'_>, tested: f64, customers: f64, inputs: &ReadyInputs) -> bool {
    let units =
        |(index, sizing): (usize, Sizing)| sizing.instances(customers).min(priced.placed[index].most_units());
    let carrying = priced.counted(inputs).map_or(1.0, units);
    carrying > 1.0 || customers / carrying > tested * (1.0 + 1e-9)
}
