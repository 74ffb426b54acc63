//! Response times of the steps on the plain mix, as laws are fitted to them.

use std::collections::BTreeMap;

use nest_data::{
    measurement::{Purpose, ResourceKind, Step},
    scaling::{MeasuredPoint, QuantileLaw, ResourceModel},
};

use super::flows;
use crate::response::{MeasuredStation, Observed, StepResponse, fit_laws};

/// Laws of response time at the resource that was busiest; empty if no resource has a capacity.
pub(super) fn fit_quantiles(
    points: &[MeasuredPoint],
    responses: &[BTreeMap<String, StepResponse>],
    behaviours: &[String],
    resources: &[ResourceModel],
    steps: &[Step],
) -> Vec<QuantileLaw> {
    let plain: Vec<(&MeasuredPoint, &BTreeMap<String, StepResponse>)> = std::iter::zip(points, responses)
        .filter(|(point, _)| {
            point.customers.is_some() && point.purpose != Purpose::Confirm && point.validity.is_fitted()
        })
        .collect();
    let highest = |(resource, capacity): &(&ResourceModel, f64)| {
        plain
            .iter()
            .filter_map(|(point, _)| point.used.get(&resource.name))
            .copied()
            .fold(0.0, f64::max)
            / capacity
    };
    let Some((binding, capacity)) = flows(resources).max_by(|a, b| highest(a).total_cmp(&highest(b))) else {
        return Vec::new();
    };
    let servers = if binding.kind == ResourceKind::Cpu {
        capacity
    } else {
        1.0
    };
    let observed = |behaviour: &String| {
        let at_point = |(point, response): &(&MeasuredPoint, &BTreeMap<String, StepResponse>)| {
            Some(Observed {
                utilisation: point.used.get(&binding.name)? / capacity,
                response: response.get(behaviour)?.clone(),
            })
        };
        (behaviour.clone(), plain.iter().filter_map(at_point).collect())
    };
    let station = MeasuredStation {
        resource: binding.name.clone(),
        servers,
        threads: threads(steps, &binding.tier),
    };
    fit_laws(&station, &behaviours.iter().map(observed).collect::<Vec<_>>())
}

/// Most threads that did a tier's work up to a fitted step; `None` if they were not counted.
fn threads(steps: &[Step], tier: &str) -> Option<f64> {
    let fitted = steps
        .iter()
        .filter(|step| step.plan.purpose != Purpose::Confirm && step.verdict.validity.is_fitted());
    fitted
        .filter_map(|step| step.threads.get(tier))
        .max()
        .filter(|threads| **threads > 0)
        .map(|threads| f64::from(*threads))
}
