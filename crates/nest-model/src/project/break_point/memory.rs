//! Memory that is full: of the instances of a placed tier, and of every other tier with a known size.

use nest_data::{
    measurement::ResourceKind,
    projection::BreakKind,
    scaling::ResourceModel,
    units::{DAYS_PER_MONTH, SECONDS_PER_DAY},
};

use super::cause::{Cause, FailurePoint, Filling, SearchScope};
use crate::project::config::{Host, PricedConfig, ScenarioInputs};

/// Share of an instance's memory that the tier can fill: ◇ assumed, the operating system and its page cache
/// need the rest.
const USABLE_MEMORY: f64 = 0.9;

/// Memory: of the instances of the placed tier, and of every other tier where its size is known.
pub fn memory<'a>(
    priced: &'a PricedConfig<'_>,
    scope: &SearchScope<'a>,
    inputs: &ScenarioInputs,
    limits: &mut Vec<FailurePoint<'a>>,
) {
    let resident = |resource: &'a ResourceModel, customers: f64, instances: f64, filling: Filling| {
        let leak = leak_bytes_per_s(priced, scope, inputs, resource, instances);
        let filling = (leak > 0.0).then_some(Filling {
            per_month: leak * DAYS_PER_MONTH * SECONDS_PER_DAY,
            ..filling
        });
        FailurePoint {
            kind: BreakKind::Memory,
            cause: Cause::Memory(&resource.name),
            customers: customers.max(0.0),
            filling,
        }
    };
    for (index, placed) in priced.placed.iter().enumerate() {
        let of_tier =
            scope.model.resources.iter().find(|resource| {
                resource.kind == ResourceKind::Memory && resource.tier == placed.placement.tier
            });
        let (Some(resource), Some(used), Some(sizing), Host::Units(units)) = (
            of_tier,
            &inputs.placed[index].memory,
            priced.sizing(index, inputs),
            &placed.host,
        ) else {
            continue;
        };
        let per_customer = priced.peak_per_day * inputs.use_per_day(used);
        let room = units.memory_bytes * USABLE_MEMORY - used.idle;
        let per_instance = if per_customer > 0.0 {
            room / per_customer
        } else {
            f64::INFINITY
        };
        // Units are added by their processors: the fewest are filled before that, or the last one when there
        // are no more.
        let carried = sizing.customers_at(1.0, sizing.target);
        let instances = if per_instance < carried {
            f64::from(sizing.least)
        } else {
            placed.most_units()
        };
        let customers = if per_instance.is_finite() {
            instances * per_instance
        } else {
            f64::INFINITY
        };
        // A leak fills what a unit leaves that carries all its processors may.
        let left = if per_customer > 0.0 {
            room - per_customer * carried
        } else {
            room
        };
        limits.push(resident(
            resource,
            customers,
            sizing.instances(scope.from),
            Filling {
                room: left,
                per_customer: 0.0,
                per_month: 0.0,
            },
        ));
    }
    for (index, unsized_resource) in priced
        .unsized_resources
        .iter()
        .enumerate()
        .filter(|(_, unsized_resource)| unsized_resource.resource.kind == ResourceKind::Memory)
    {
        let per_customer = priced.peak_per_day * inputs.use_per_day(&inputs.unsized_resources[index]);
        let room = unsized_resource.capacity - inputs.unsized_resources[index].idle;
        let customers = if per_customer > 0.0 {
            room / per_customer
        } else {
            f64::INFINITY
        };
        limits.push(resident(
            unsized_resource.resource,
            customers,
            1.0,
            Filling {
                room,
                per_customer,
                per_month: 0.0,
            },
        ));
    }
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
