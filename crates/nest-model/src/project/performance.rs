//! Response times of a configuration: quantiles against customers, on the units that it runs then.

use nest_data::{Estimate, projection::Performance, scaling::QuantileLaw};

use crate::{
    draws::ParameterDraw,
    project::config::{PricedConfig, ReadyInputs, ScenarioInputs},
    project::context::Context,
    project::drawn_config::DrawnConfig,
    response::ordered_seconds,
};

/// Every quantile that was fitted, at a customer count.
pub fn performance(drawn: &DrawnConfig<'_>, context: &Context<'_>, customers: f64) -> Vec<Performance> {
    let row = |(index, law): (usize, &QuantileLaw)| {
        let seconds = seconds(drawn, context, index, customers, usize::MAX)?;
        Some(Performance {
            behaviour: law.behaviour.clone(),
            quantile: law.quantile,
            seconds,
            utilisation: utilisation(&drawn.priced, &drawn.central, law, customers)
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

/// The response time of one law at a customer count, with the interval of the first so many draws; `None` if
/// it grows without bound.
pub fn seconds(
    drawn: &DrawnConfig<'_>,
    context: &Context<'_>,
    law: usize,
    customers: f64,
    most_draws: usize,
) -> Option<Estimate> {
    let value = seconds_in(
        &drawn.priced,
        context,
        &context.central,
        &drawn.central,
        law,
        customers,
    )
    .filter(|seconds| seconds.is_finite())?;
    let draw = |(draw, inputs): (&ParameterDraw, &ReadyInputs)| {
        seconds_in(&drawn.priced, context, draw, inputs, law, customers).unwrap_or(f64::INFINITY)
    };
    let mut draws: Vec<f64> = context
        .draws
        .iter()
        .zip(&drawn.draws)
        .take(most_draws)
        .map(draw)
        .map(|seconds| seconds.min(UNBOUNDED_S))
        .collect();
    Estimate::from_draws(value, &mut draws)
}

/// Number that stands for a response time that grows without bound, because documents hold no infinity.
const UNBOUNDED_S: f64 = 1e6;

/// Utilisation of what a behaviour queues for; `None` if it runs on functions.
fn utilisation(
    priced: &PricedConfig<'_>,
    inputs: &ScenarioInputs,
    law: &QuantileLaw,
    customers: f64,
) -> Option<f64> {
    if let Some(placed) = priced.carrying_law(law) {
        let sizing = priced.sizing(placed, inputs)?;
        let units = sizing
            .instances(customers)
            .min(priced.placed[placed].most_units());
        return Some(sizing.utilisation(customers, units));
    }
    let index = priced.kept_index(&law.resource)?;
    let (unsized_resource, used) = (&priced.unsized_resources[index], &inputs.unsized_resources[index]);
    let busy = customers * priced.peak_per_day * inputs.use_per_day(used);
    Some(used.law.used(used.idle, busy, unsized_resource.capacity) / unsized_resource.capacity)
}

fn seconds_in(
    priced: &PricedConfig<'_>,
    context: &Context<'_>,
    draw: &ParameterDraw,
    inputs: &ScenarioInputs,
    index: usize,
    customers: f64,
) -> Option<f64> {
    let law = &context.model.quantiles[index];
    // Functions do not queue; what waits there is a cold start, which a quantile meets if they are more
    // frequent than its tail.
    let rho = utilisation(priced, inputs, law, customers).unwrap_or(0.0);
    if rho >= 1.0 {
        return None;
    }
    let seconds =
        ordered_seconds(&priced.behaviour_laws(draw, law), law.quantile, rho)? * priced.slowdown(inputs, law);
    Some(seconds + cold_start_s(priced, inputs, law))
}

fn cold_start_s(priced: &PricedConfig<'_>, inputs: &ScenarioInputs, law: &QuantileLaw) -> f64 {
    let cold_start = priced
        .carrying_law(law)
        .map(|placed| inputs.placed[placed].cold_start);
    cold_start
        .filter(|cold_start| cold_start.share > 1.0 - law.quantile)
        .map_or(0.0, |cold_start| cold_start.extra_s)
}
