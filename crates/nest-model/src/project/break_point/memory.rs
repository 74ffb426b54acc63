//! Memory that is full: of the instances of a placed tier, and of every other tier whose size is known.

use nest_data::{
    measurement::ResourceKind,
    projection::BreakKind,
    scaling::ResourceModel,
    units::{DAYS_PER_MONTH, SECONDS_PER_DAY},
};

use super::{
    cause::{Cause, FailurePoint, LeverKey, SearchScope},
    limit_point::Filling,
};
use crate::project::config::{Host, PricedConfig, ScenarioInputs};

/// Share of an instance's memory that the tier can fill. ◇ Assumed: the operating system and its page cache
/// need the rest.
const USABLE_MEMORY: f64 = 0.9;

/// Adds the points at which memory is full: of the instances of each placed tier, and of every other tier
/// whose size is known.
pub fn memory<'a>(
    priced: &'a PricedConfig<'_>,
    scope: &SearchScope<'a>,
    inputs: &ScenarioInputs,
    limits: &mut Vec<FailurePoint<'a>>,
) {
    for index in 0..priced.placed.len() {
        limits.extend(placed_memory(priced, scope, inputs, index));
    }
    for index in 0..priced.unsized_resources.len() {
        limits.extend(unsized_memory(priced, scope, inputs, index));
    }
}

/// Memory of the instances of a placed tier; `None` if it was not measured or no instances carry the tier.
fn placed_memory<'a>(
    priced: &'a PricedConfig<'_>,
    scope: &SearchScope<'a>,
    inputs: &ScenarioInputs,
    index: usize,
) -> Option<FailurePoint<'a>> {
    let placed = &priced.placed[index];
    let resource =
        scope.model.resources.iter().find(|resource| {
            resource.kind == ResourceKind::Memory && resource.tier == placed.placement.tier
        })?;
    let used = inputs.placed[index].memory.as_ref()?;
    let sizing = priced.sizing(index, inputs)?;
    let Host::Units(units) = &placed.host else {
        return None;
    };
    let per_customer = priced.peak_per_day * inputs.use_per_day(used);
    let room = units.memory_bytes * USABLE_MEMORY - used.idle;
    let per_instance = customers_in(room, per_customer);
    // Units are added by their processors: the fewest are filled before that, or the last one when there
    // are no more.
    let carried = sizing.customers_at(1.0, sizing.target);
    let (instances, lever) = if per_instance < carried {
        (f64::from(sizing.least), None)
    } else {
        (placed.most_units(), LeverKey::max_of(priced, index))
    };
    let customers = if per_instance.is_finite() {
        instances * per_instance
    } else {
        f64::INFINITY
    };
    // A leak fills what is left of a unit that carries as many customers as its processors allow.
    let left = if per_customer > 0.0 {
        room - per_customer * carried
    } else {
        room
    };
    let leak = leak_bytes_per_s(priced, scope, inputs, resource, sizing.instances(scope.from));
    let filling = Filling {
        room: left,
        per_customer: 0.0,
        per_month: per_month(leak),
    };
    // More units do not stop a leak.
    let lever = lever.filter(|_| filling.per_month <= 0.0);
    Some(full_memory(resource, customers, filling).moved_by(lever))
}

/// Memory of a resource that stays as it was measured; `None` for resources of other kinds.
fn unsized_memory<'a>(
    priced: &'a PricedConfig<'_>,
    scope: &SearchScope<'a>,
    inputs: &ScenarioInputs,
    index: usize,
) -> Option<FailurePoint<'a>> {
    let unsized_resource = &priced.unsized_resources[index];
    let resource = unsized_resource.resource;
    if resource.kind != ResourceKind::Memory {
        return None;
    }
    let used = &inputs.unsized_resources[index];
    let per_customer = priced.peak_per_day * inputs.use_per_day(used);
    let room = unsized_resource.capacity - used.idle;
    let leak = leak_bytes_per_s(priced, scope, inputs, resource, 1.0);
    Some(full_memory(
        resource,
        customers_in(room, per_customer),
        Filling {
            room,
            per_customer,
            per_month: per_month(leak),
        },
    ))
}

/// Customers whose use fills the `room`, both in bytes; infinite if they use none.
fn customers_in(room: f64, per_customer: f64) -> f64 {
    if per_customer > 0.0 {
        room / per_customer
    } else {
        f64::INFINITY
    }
}

/// Memory that is full at a number of customers; time fills it as well if it grows from month to month.
fn full_memory(resource: &ResourceModel, customers: f64, filling: Filling) -> FailurePoint<'_> {
    FailurePoint {
        kind: BreakKind::Memory,
        cause: Cause::Memory(&resource.name),
        customers: customers.max(0.0),
        below: 0.0,
        filling: (filling.per_month > 0.0).then_some(filling),
        lever: None,
    }
}

fn per_month(bytes_per_s: f64) -> f64 {
    bytes_per_s * DAYS_PER_MONTH * SECONDS_PER_DAY
}

/// Bytes per second by which the memory of one of `instances` grows for good, with as many customers as
/// today.
fn leak_bytes_per_s(
    priced: &PricedConfig<'_>,
    scope: &SearchScope<'_>,
    inputs: &ScenarioInputs,
    resource: &ResourceModel,
    instances: f64,
) -> f64 {
    let Some(leak) = &resource.leak else { return 0.0 };
    let Some(behaviour) = &leak.behaviour else {
        return leak.rate.value;
    };
    let per_day = priced
        .behaviours
        .iter()
        .position(|name| name == behaviour)
        .map_or(0.0, |index| inputs.rates_per_day[index]);
    leak.rate.value * scope.from * per_day / SECONDS_PER_DAY / instances
}
