//! What the target can carry, by the pilot's demands.

use std::collections::BTreeMap;

use nest_data::{
    Study,
    customers::Think,
    measurement::{Pilot, Resource, ResourceKind},
};

use crate::error::LoadError;

/// Least demand that is planned with, in seconds, so that a free behaviour does not ask for an endless rate.
const LEAST_DEMAND_S: f64 = 1e-6;

/// Customers at which the pilot expects a processor to be full. `per_customer` is in executions per second,
/// by behaviour.
pub fn capacity_customers(
    per_customer: &BTreeMap<String, f64>,
    pilots: &[Pilot],
    resources: &[Resource],
) -> Result<f64, LoadError> {
    let cpu = resources
        .iter()
        .filter(|resource| resource.kind == ResourceKind::Cpu);
    let limits = cpu.filter_map(|resource| {
        let busy: f64 = pilots
            .iter()
            .map(|pilot| {
                per_customer.get(&pilot.behaviour).unwrap_or(&0.0)
                    * pilot.cpu_s.get(&resource.tier).unwrap_or(&0.0)
            })
            .sum();
        resource
            .capacity
            .filter(|_| busy > 0.0)
            .map(|capacity| capacity / busy)
    });
    let capacity = limits.fold(f64::INFINITY, f64::min);
    if capacity.is_finite() {
        Ok(capacity)
    } else {
        Err(LoadError::Plan {
            reason: "the target used no processor time that a probe could see, or no behaviour has a rate \
             above zero; check [probes] and [rates]"
                .to_owned(),
        })
    }
}

/// Executions per second of one behaviour alone that fill its busiest processor.
pub fn saturating_rate(pilot: &Pilot, resources: &[Resource]) -> f64 {
    let of_tier = |resource: &Resource| {
        resource.capacity.unwrap_or(1.0)
            / pilot
                .cpu_s
                .get(&resource.tier)
                .copied()
                .unwrap_or(0.0)
                .max(LEAST_DEMAND_S)
    };
    resources
        .iter()
        .filter(|resource| resource.kind == ResourceKind::Cpu)
        .map(of_tier)
        .fold(f64::INFINITY, f64::min)
}

/// Active customers who execute these rates while the target is not loaded.
///
/// # Formula
/// Little's Law, `M = X (R + Z)`: rate times time from start to start, with the pilot's mean time of an
/// execution; at a pace it is the longer of the two.
pub fn active_customers(study: &Study, pilots: &[Pilot], offered_per_s: &BTreeMap<String, f64>) -> u32 {
    let mean_s = |think: &Option<Think>| {
        think
            .as_ref()
            .and_then(|think| think.times().ok())
            .map(|times| times.mean_s())
    };
    let (think, pace) = (mean_s(&study.customers.think), mean_s(&study.customers.pacing));
    let active: f64 = offered_per_s
        .iter()
        .map(|(name, rate)| {
            let takes_s = pilots
                .iter()
                .find(|pilot| pilot.behaviour == *name)
                .map_or(0.0, |pilot| pilot.mean_s);
            rate * pace.map_or(takes_s + think.unwrap_or(0.0), |pace| pace.max(takes_s))
        })
        .sum();
    // A step without any customer would offer nothing.
    active.ceil().clamp(1.0, f64::from(u32::MAX)) as u32
}
