//! Least customers at which something fails, on the central world and on every draw.

use nest_data::{
    Estimate, ScalingModel,
    projection::{BreakDate, BreakKind, BreakPoint},
    scaling::QuantileLaw,
    study::{GrowthScenario, Platform, Study},
    study_file::MOST_CUSTOMERS,
};

use crate::{
    config::{Inputs, PricedConfig},
    draws::World,
    growth::{draw_monthly, reached_on},
    response::highest_utilisation,
};

/// Share of draws that must break below the searched range for a number to be given.
const REACHED: f64 = 0.05;

/// A way to fail, with the customers at which it happens in each world; infinite where it never does.
struct Candidate {
    kind: BreakKind,
    cause: String,
    central: f64,
    draws: Vec<f64>,
}

/// What a search for break points needs beside the configuration.
pub struct Search<'a> {
    pub study: &'a Study,
    pub model: &'a ScalingModel,
    pub tested: f64, // customers
    pub central: (&'a World, &'a Inputs),
    pub draws: Vec<(&'a World, &'a Inputs)>,
    pub growth: Option<&'a GrowthScenario>,
    pub searched_to: f64, // customers
}

/// Every break point of a configuration, the nearest in the central world first.
pub fn break_points(priced: &PricedConfig<'_>, search: &Search<'_>) -> Vec<BreakPoint> {
    let (world, inputs) = search.central;
    let mut candidates: Vec<Candidate> = limits(priced, search, world, inputs)
        .into_iter()
        .map(|(kind, cause, central)| Candidate { kind, cause, central, draws: Vec::with_capacity(search.draws.len()) })
        .collect();
    for (world, inputs) in &search.draws {
        for (candidate, (_, _, customers)) in candidates.iter_mut().zip(limits(priced, search, world, inputs)) {
            candidate.draws.push(customers);
        }
    }
    let first: Vec<Option<usize>> = (0..search.draws.len())
        .map(|draw| {
            (0..candidates.len())
                .filter(|one| candidates[*one].draws[draw] <= search.searched_to)
                .min_by(|a, b| candidates[*a].draws[draw].total_cmp(&candidates[*b].draws[draw]))
        })
        .collect();
    let count = search.draws.len().max(1) as f64;
    let mut points: Vec<(f64, BreakPoint)> = candidates
        .iter()
        .enumerate()
        .map(|(index, candidate)| {
            let probability = first.iter().filter(|one| **one == Some(index)).count() as f64 / count;
            (candidate.central, break_point(priced, search, candidate, probability))
        })
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points.into_iter().map(|(_, point)| point).collect()
}

fn break_point(priced: &PricedConfig<'_>, search: &Search<'_>, candidate: &Candidate, probability: f64) -> BreakPoint {
    let reached = candidate.draws.iter().filter(|customers| **customers <= search.searched_to).count() as f64 / candidate.draws.len().max(1) as f64;
    let found = reached >= REACHED && candidate.central.is_finite();
    let customers = found
        .then(|| Estimate::from_draws(candidate.central, &mut candidate.draws.iter().map(|customers| customers.min(MOST_CUSTOMERS)).collect()))
        .flatten();
    let date = search.growth.filter(|_| customers.is_some()).map(|scenario| break_date(search, scenario, candidate));
    let extrapolated = customers.is_some_and(|customers| is_extrapolated(priced, search.tested, customers.value, search.central.1));
    BreakPoint { kind: candidate.kind, cause: candidate.cause.clone(), customers, probability, reached, extrapolated, date }
}

/// Whether a customer count asks more of an instance, or more instances, than was measured.
pub fn is_extrapolated(priced: &PricedConfig<'_>, tested: f64, customers: f64, inputs: &Inputs) -> bool {
    let carrying = priced.sizing(inputs).map_or(1.0, |sizing| sizing.instances(customers).min(priced.config.max.map_or(f64::INFINITY, f64::from)));
    carrying > 1.0 || customers / carrying > tested * (1.0 + 1e-9)
}

fn break_date(search: &Search<'_>, scenario: &GrowthScenario, candidate: &Candidate) -> BreakDate {
    let seed = search.model.draws.seed;
    let dates =
        candidate.draws.iter().enumerate().map(|(index, customers)| reached_on(scenario, draw_monthly(scenario, seed, index as u32), *customers));
    let mut dates: Vec<Option<jiff::civil::Date>> = dates.collect();
    // Draws that never get there come last, so a late end can be open while the early one is a date.
    dates.sort_by_key(|date| (date.is_none(), *date));
    let at = |quantile: f64| dates.get(((dates.len() as f64 - 1.0) * quantile).round() as usize).copied().flatten();
    BreakDate { value: reached_on(scenario, scenario.monthly.get(), candidate.central), low: at(0.05), high: at(0.95) }
}

/// Everything that can fail in one world, always in the same order.
fn limits(priced: &PricedConfig<'_>, search: &Search<'_>, world: &World, inputs: &Inputs) -> Vec<(BreakKind, String, f64)> {
    let mut limits = Vec::new();
    let most = priced.config.max.map_or(f64::INFINITY, f64::from);
    let resource = format!("{}/cpu", priced.config.tier);
    if let Some(sizing) = priced.sizing(inputs) {
        let at = |utilisation: f64| if most.is_finite() { sizing.customers_at(most, utilisation) } else { f64::INFINITY };
        limits.push((BreakKind::OverReserve, resource.clone(), at(1.0 - sizing.reserve)));
        limits.push((BreakKind::Saturation, resource, at(1.0)));
    }
    if let Some((per_customer, quota)) = priced.concurrency(inputs) {
        limits.push((
            BreakKind::Quota,
            format!("{quota:.0} concurrent executions"),
            if per_customer > 0.0 { quota / per_customer } else { f64::INFINITY },
        ));
    }
    for (name, slo) in &search.study.slo {
        for (quantile, limit_s) in slo.limits() {
            let laws = search.model.quantiles.iter().zip(&world.quantiles);
            let concerned =
                laws.filter(|(law, _)| law.quantile == quantile && slo.applies_to.as_ref().is_none_or(|behaviour| law.behaviour == *behaviour));
            for (law, _) in concerned {
                let cause = format!("{name}: {} p{} over {} s", law.behaviour, quantile * 100.0, limit_s);
                limits.push((BreakKind::Slo, cause, slo_customers(priced, inputs, &behaviour_laws(search.model, world, law), quantile, limit_s)));
            }
        }
    }
    limits
}

/// All laws of the behaviour of one of them, each with its a and b in a world.
fn behaviour_laws<'a>(model: &'a ScalingModel, world: &World, of: &QuantileLaw) -> Vec<(&'a QuantileLaw, (f64, f64))> {
    let laws = model.quantiles.iter().zip(world.quantiles.iter().copied());
    laws.filter(|(law, _)| law.behaviour == of.behaviour).collect()
}

/// Customers from which a quantile of a behaviour lies above its limit: instances are added until none is left, so a
/// utilisation that the reserve never lets happen is only reached on the last of them.
fn slo_customers(priced: &PricedConfig<'_>, inputs: &Inputs, laws: &[(&QuantileLaw, (f64, f64))], quantile: f64, limit_s: f64) -> f64 {
    let cores = priced.sizing(inputs).map_or(1.0, |sizing| sizing.cores);
    let Some(utilisation) = highest_utilisation(laws, quantile, cores, limit_s / priced.slowdown(inputs)) else { return 0.0 };
    let Some(sizing) = priced.sizing(inputs) else {
        debug_assert!(priced.config.platform == Platform::Function, "only functions have no sizing");
        return f64::INFINITY;
    };
    let instances = if utilisation >= 1.0 - sizing.reserve { priced.config.max.map_or(f64::INFINITY, f64::from) } else { f64::from(sizing.least) };
    if instances.is_finite() { sizing.customers_at(instances, utilisation) } else { f64::INFINITY }
}
