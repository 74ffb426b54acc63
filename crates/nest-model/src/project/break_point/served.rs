//! Customers at which the resource that a law of response times speaks of is so busy.

use nest_data::scaling::QuantileLaw;

use crate::project::config::{PricedConfig, ScenarioInputs, UnsizedResource};

/// Customers at which the resource of a law is at a utilisation: units are added until none is left, so one
/// that the sizing never lets happen is only reached on the last of them. Functions never queue.
pub fn customers_at(
    priced: &PricedConfig<'_>,
    inputs: &ScenarioInputs,
    law: &QuantileLaw,
    utilisation: f64,
) -> f64 {
    let Some(placed) = priced.carrying_law(law) else {
        return priced.kept_index(&law.resource).map_or(f64::INFINITY, |index| {
            unsized_customers(priced, inputs, index, utilisation)
        });
    };
    let Some(sizing) = priced.sizing(placed, inputs) else {
        return f64::INFINITY;
    };
    let instances = if utilisation >= sizing.target {
        priced.placed[placed].most_units()
    } else {
        f64::from(sizing.least)
    };
    if instances.is_finite() {
        sizing.customers_at(instances, utilisation)
    } else {
        f64::INFINITY
    }
}

/// Customers at which a resource that stays as it was measured is at a utilisation; one of the placed tier
/// comes with every instance.
pub fn unsized_customers(
    priced: &PricedConfig<'_>,
    inputs: &ScenarioInputs,
    index: usize,
    utilisation: f64,
) -> f64 {
    let (UnsizedResource { capacity, placed, .. }, used) =
        (&priced.unsized_resources[index], &inputs.unsized_resources[index]);
    let per_customer = priced.peak_per_day * inputs.use_per_day(used);
    let instances = placed.map_or(1.0, |placed| priced.placed[placed].most_units());
    match used.law.busy_at(used.idle, utilisation, *capacity) {
        0.0 => 0.0,
        _ if per_customer == 0.0 => f64::INFINITY,
        room => instances * room / per_customer,
    }
}
