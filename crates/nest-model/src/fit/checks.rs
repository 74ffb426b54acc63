//! Forecasts of the steps that confirm a run, beside what was measured in them.

use std::collections::BTreeMap;

use nest_data::{
    measurement::{Purpose, Resource, ResourceKind, Step, Validity},
    scaling::{ForecastCheck, MeasuredPoint, QuantileLaw, ResourceModel},
};

use super::service_demand::{block, predict_stored};
use crate::response;

/// Quantile of response time that steps left out of the fit check.
const TAIL: f64 = 0.99;

/// Forecasts of the steps that were left out of the fit, at the executions they completed.
pub(super) fn demand_checks(
    steps: &[Step],
    behaviours: &[String],
    resources: &[Resource],
    models: &[ResourceModel],
) -> Vec<ForecastCheck> {
    let confirm = steps
        .iter()
        .filter(|step| step.plan.purpose == Purpose::Confirm && step.verdict.validity != Validity::Invalid);
    let mut checks = Vec::new();
    for step in confirm {
        for (resource, model) in resources.iter().filter_map(|resource| {
            models
                .iter()
                .find(|model| model.name == resource.name)
                .map(|model| (resource, model))
        }) {
            if resource.kind != ResourceKind::Cpu {
                continue;
            }
            let Some(block) = block(step, behaviours, resource) else {
                continue;
            };
            let rates: BTreeMap<String, f64> = behaviours
                .iter()
                .cloned()
                .zip(block.rates.iter().copied())
                .collect();
            checks.push(ForecastCheck {
                step: step.plan.label(),
                customers: step.plan.customers,
                quantity: format!("{} busy-seconds per second", resource.name),
                predicted: predict_stored(model, &rates, step.plan.stored),
                measured: block.used,
            });
        }
    }
    checks
}

/// The tail of response times in the steps that were left out of the fit, at the utilisation that was
/// measured in them.
pub(super) fn response_checks(
    points: &[MeasuredPoint],
    laws: &[QuantileLaw],
    resources: &[ResourceModel],
) -> Vec<ForecastCheck> {
    let confirm = points
        .iter()
        .filter(|point| point.purpose == Purpose::Confirm && point.validity.is_fitted());
    let check = |point: &MeasuredPoint, law: &QuantileLaw| {
        let capacity = resources
            .iter()
            .find(|resource| resource.name == law.resource)?
            .capacity?;
        let utilisation = point.used.get(&law.resource)? / capacity;
        let measured = point
            .response
            .iter()
            .find(|one| one.behaviour == law.behaviour && one.quantile == law.quantile)?;
        Some(ForecastCheck {
            step: point.label.clone(),
            customers: point.customers,
            quantity: format!(
                "{} p{} s at {:.2} of {}",
                law.behaviour,
                law.quantile * 100.0,
                utilisation,
                law.resource
            ),
            predicted: response::estimate_at(law, utilisation)?,
            measured: measured.seconds,
        })
    };
    let tails: Vec<&QuantileLaw> = laws.iter().filter(|law| law.quantile == TAIL).collect();
    confirm
        .flat_map(|point| tails.iter().filter_map(move |law| check(point, law)))
        .collect()
}
