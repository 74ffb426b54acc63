//! Demands in one visit: its steps become one number for each subject.

use std::collections::BTreeMap;

use nalgebra::{DMatrix, DVector};
use nest_data::measurement::{Resource, ResourceKind, Step};

use super::{Subject, VisitDemand, VisitDemands};
use crate::{
    fit::service_demand::{Block, LoadSearch, WORST_CONDITION, blocks, fit_demand},
    regression::weighted_nnls,
};

/// Light windows deviate by this share of the largest use besides a share of their own use.
const LIGHT_READING: f64 = 0.01;

/// The resources whose demand is compared: processors, disk and network. Memory is held, not used up by
/// executions.
#[must_use]
pub fn compared(resources: &[Resource]) -> Vec<&Resource> {
    let used_up = |resource: &&Resource| resource.kind != ResourceKind::Memory;
    resources.iter().filter(used_up).collect()
}

/// Demand of each subject in the steps of one visit. `rates` are executions per second on the plain mix, by
/// behaviour; that of the whole mix is a mean of the demands by these rates.
///
/// A resource whose demands the visit cannot tell apart has none: its condition number is above 30, or a step
/// failed.
#[must_use]
pub fn visit_demands(
    steps: &[Step],
    resources: &[Resource],
    rates: &BTreeMap<String, f64>,
    subjects: &[Subject],
) -> VisitDemands {
    let behaviours: Vec<String> = rates.keys().cloned().collect();
    let fitted: BTreeMap<&str, ResourceDemands> = compared(resources)
        .into_iter()
        .filter_map(|resource| {
            let demands = ResourceDemands::of(&blocks(steps, &behaviours, resource), &behaviours, resource)?;
            Some((resource.name.as_str(), demands))
        })
        .collect();
    let told = |subject: &Subject| {
        let demands = fitted.get(subject.resource.as_str())?;
        match &subject.behaviour {
            Some(behaviour) => demands.of_behaviour(behaviours.iter().position(|name| name == behaviour)?),
            None => demands.of_mix(&rates.values().copied().collect::<Vec<_>>()),
        }
    };
    subjects.iter().map(told).collect()
}

/// Demands on one resource, in the order of the behaviours.
struct ResourceDemands {
    values: Vec<f64>,
    errors: Vec<f64>,
}

impl ResourceDemands {
    fn of(blocks: &[Block], behaviours: &[String], resource: &Resource) -> Option<Self> {
        let largest = blocks.iter().map(|block| block.used).fold(0.0, f64::max);
        if largest <= 0.0 || blocks.len() <= behaviours.len() {
            return None;
        }
        let scale = resource.capacity.unwrap_or(largest);
        // No law over load: it would take from demand what the heavy phase shows in both versions alike.
        let fit = fit_demand(blocks, behaviours.len(), LoadSearch::Spared, scale)?;
        (fit.condition <= WORST_CONDITION).then_some(())?;
        let values = fit.mixed.coefficients.iter().skip(1).copied().collect();
        Some(Self {
            values,
            errors: errors_within(blocks, behaviours.len())?,
        })
    }

    fn of_behaviour(&self, index: usize) -> Option<VisitDemand> {
        told(self.values[index], self.errors[index])
    }

    /// The mean by rates, of errors that are taken for independent.
    fn of_mix(&self, rates: &[f64]) -> Option<VisitDemand> {
        let value: f64 = self
            .values
            .iter()
            .zip(rates)
            .map(|(value, rate)| value * rate)
            .sum();
        let variance: f64 = self
            .errors
            .iter()
            .zip(rates)
            .map(|(error, rate)| (error * rate).powi(2))
            .sum();
        told(value, variance.sqrt())
    }
}

fn told(value: f64, error: f64) -> Option<VisitDemand> {
    (value > 0.0).then(|| VisitDemand {
        value,
        relative_error: error / value,
    })
}

/// Standard errors of the demands as windows of the visit show them, without what all of a visit has in
/// common.
fn errors_within(blocks: &[Block], behaviours: usize) -> Option<Vec<f64>> {
    let windows: Vec<_> = blocks.iter().flat_map(|block| &block.windows).collect();
    let largest = windows.iter().map(|window| window.used).fold(0.0, f64::max);
    let design = DMatrix::from_fn(windows.len(), behaviours + 1, |row, column| match column {
        0 => 1.0,
        _ => windows[row].rates[column - 1],
    });
    let used = DVector::from_iterator(windows.len(), windows.iter().map(|window| window.used));
    let variances = used.map(|used| (used + LIGHT_READING * largest).powi(2));
    let fit = weighted_nnls(&design, &used, &variances)?;
    let residuals = &used - &design * &fit.coefficients;
    let left = windows
        .len()
        .checked_sub(behaviours + 1)
        .filter(|left| *left > 0)? as f64;
    let spread = residuals
        .iter()
        .zip(&variances)
        .map(|(residual, variance)| residual * residual / variance)
        .sum::<f64>()
        / left;
    let errors = (1..=behaviours).map(|column| (spread * fit.covariance[(column, column)]).max(0.0).sqrt());
    Some(errors.collect())
}

/// The subjects of a comparison: every behaviour on every resource that is compared, and the whole mix on
/// each, with the shares that base's first visit shows. `limit` is what is tolerated, by behaviour.
#[must_use]
pub fn subjects(
    steps: &[Step],
    resources: &[Resource],
    rates: &BTreeMap<String, f64>,
    limit: &dyn Fn(Option<&str>) -> f64,
) -> Vec<Subject> {
    let named = |behaviour: Option<&String>, resource: &Resource, share: f64| Subject {
        behaviour: behaviour.cloned(),
        resource: resource.name.clone(),
        share,
        limit: limit(behaviour.map(String::as_str)),
    };
    let mut found = Vec::new();
    for resource in compared(resources) {
        let all: Vec<Subject> = rates
            .keys()
            .map(|name| named(Some(name), resource, 1.0))
            .collect();
        let demands = visit_demands(steps, resources, rates, &all);
        let loads: Vec<f64> = demands
            .iter()
            .zip(rates.values())
            .map(|(demand, rate)| demand.map_or(0.0, |demand| demand.value * rate))
            .collect();
        let sum: f64 = loads.iter().sum();
        if sum <= 0.0 {
            continue;
        }
        let shared = all.into_iter().zip(loads).filter(|(_, load)| *load > 0.0);
        found.extend(shared.map(|(subject, load)| Subject {
            share: load / sum,
            ..subject
        }));
        found.push(named(None, resource, 1.0));
    }
    found
}
