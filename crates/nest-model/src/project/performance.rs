//! Response times of a configuration: quantiles against customers, on the units that it runs then.

use nest_data::{Estimate, projection::Performance, scaling::QuantileLaw};

use crate::{
    draws::World,
    project::config::{Carrier, PricedConfig},
    project::inputs::Inputs,
    project::limits::{behaviour_laws, slowdown},
    project::{ConfigWorlds, Context},
    response::ordered_seconds,
};

/// Every quantile that was fitted, at a customer count.
pub fn performance(worlds: &ConfigWorlds<'_>, context: &Context<'_>, customers: f64) -> Vec<Performance> {
    let row = |(index, law): (usize, &QuantileLaw)| {
        let seconds = seconds(worlds, context, index, customers, usize::MAX)?;
        Some(Performance {
            behaviour: law.behaviour.clone(),
            quantile: law.quantile,
            seconds,
            utilisation: utilisation(&worlds.priced, &worlds.central, law, customers)
                .map(|utilisation| utilisation.min(1.0)),
        })
    };
    context
        .model
        .quantiles
        .iter()
        .enumerate()
        .filter_map(row)
        .collect()
}

/// The response time of one law at a customer count, with the interval of the first so many draws; none where it grows without bound.
pub fn seconds(
    worlds: &ConfigWorlds<'_>,
    context: &Context<'_>,
    law: usize,
    customers: f64,
    most_draws: usize,
) -> Option<Estimate> {
    let value = seconds_in(
        &worlds.priced,
        context,
        &context.central,
        &worlds.central,
        law,
        customers,
    )
    .filter(|seconds| seconds.is_finite())?;
    let draw = |(world, inputs): (&World, &Inputs)| {
        seconds_in(&worlds.priced, context, world, inputs, law, customers).unwrap_or(f64::INFINITY)
    };
    let mut draws: Vec<f64> = context
        .worlds
        .iter()
        .zip(&worlds.draws)
        .take(most_draws)
        .map(draw)
        .map(|seconds| seconds.min(UNBOUNDED_S))
        .collect();
    Some(Estimate::from_draws(value, &mut draws).unwrap_or(Estimate::exact(value)))
}

/// What stands for a response time that grows without bound; documents hold no infinity.
const UNBOUNDED_S: f64 = 1e6;

/// Utilisation of what a behaviour queues for; none where it runs on functions.
fn utilisation(priced: &PricedConfig<'_>, inputs: &Inputs, law: &QuantileLaw, customers: f64) -> Option<f64> {
    if let Some(placed) = priced.carrying_law(law) {
        let sizing = priced.sizing(placed, inputs)?;
        let units = sizing
            .instances(customers)
            .min(priced.placed[placed].most_units());
        return Some(sizing.utilisation(customers, units));
    }
    let index = priced.kept_index(&law.resource)?;
    let (kept, used) = (&priced.kept[index], &inputs.kept[index]);
    let busy = customers * priced.peak_per_day * inputs.use_per_day(used);
    Some(used.law.used(used.idle, busy, kept.capacity) / kept.capacity)
}

fn seconds_in(
    priced: &PricedConfig<'_>,
    context: &Context<'_>,
    world: &World,
    inputs: &Inputs,
    index: usize,
    customers: f64,
) -> Option<f64> {
    let law = &context.model.quantiles[index];
    // Functions do not queue; what waits there is a cold start, which a quantile meets where they are more frequent than its tail.
    let rho = utilisation(priced, inputs, law, customers).unwrap_or(0.0);
    if rho >= 1.0 {
        return None;
    }
    let seconds = ordered_seconds(&behaviour_laws(priced, world, law), law.quantile, rho)?
        * slowdown(priced, inputs, law);
    Some(seconds + cold_start_s(priced, law))
}

fn cold_start_s(priced: &PricedConfig<'_>, law: &QuantileLaw) -> f64 {
    match priced
        .carrying_law(law)
        .map(|placed| &priced.placed[placed].carrier)
    {
        Some(Carrier::Function(function)) if function.cold_share > 1.0 - law.quantile => function.cold_s,
        _ => 0.0,
    }
}
