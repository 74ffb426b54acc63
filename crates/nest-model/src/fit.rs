//! The fit: measurements become a scaling model.

mod caveats;
pub(crate) mod ceiling;
mod checks;
mod counts;
pub mod error_onset;
pub mod hidden_bottleneck;
pub mod leak;
pub mod mixed_effects;
mod quantiles;
mod selection;
pub mod service_demand;

use std::collections::BTreeMap;

use nest_data::{
    Document, Measurements, ScalingModel, Study,
    measurement::{Resends, Resource, ResourceKind, ResponseClock, Step, Validity},
    scaling::{BehaviourFacts, DrawPlan, MeasuredPoint, ResourceModel, Tested},
};

use crate::{
    error::ModelError,
    response::{self, StepResponse, histogram, responses},
};
pub(crate) use selection::{flows, usable};

use caveats::{model_caveats, step_caveats};
use checks::{demand_checks, response_checks};
use counts::{count_caveats, count_estimates};
use error_onset::{error_onset, tolerated_share};
use leak::find_leak;
use quantiles::fit_quantiles;
use service_demand::{block, blocks, fit_resource};

/// Fewest steps that a fit needs.
pub const FEWEST_STEPS: usize = 4;
/// Joint draws that a model stands for.
const DRAWS: u32 = 2_000;

/// Fits demands, the throughput law and response times.
///
/// # Errors
/// [`ModelError::TooFewSteps`] for fewer than four usable steps; [`ModelError::Histogram`] for a damaged
/// document.
pub fn fit(measurements: &Measurements) -> Result<ScalingModel, ModelError> {
    let behaviours: Vec<String> = measurements.study.behaviours.keys().cloned().collect();
    let steps = &measurements.steps;
    check_steps(steps)?;
    let mut caveats = measurements.caveats.clone();
    caveats.extend(step_caveats(steps));
    let resources = resource_models(measurements, &behaviours)?;
    let responses = steps
        .iter()
        .map(|step| responses(step, &behaviours))
        .collect::<Result<Vec<_>, _>>()?;
    let points: Vec<MeasuredPoint> = steps
        .iter()
        .zip(&responses)
        .map(|(step, response)| point(step, response, &behaviours, &measurements.resources))
        .collect();
    let quantiles = fit_quantiles(&points, &responses, &behaviours, &resources, steps);
    let mut model = ScalingModel {
        header: ScalingModel::header(),
        run: measurements.run.clone(),
        measured_at: measurements.started_at.clone(),
        measured_hash: measurements.study.measured_hash(),
        study: measurements.study.clone(),
        machine: measurements.machine.clone(),
        generators: measurements.generators.clone(),
        behaviours: facts(steps, &measurements.study)?,
        tested: tested(&points, &resources),
        error_onset: error_onset(steps, tolerated_share(&measurements.study)),
        checks: [
            demand_checks(steps, &behaviours, &measurements.resources, &resources),
            response_checks(&points, &quantiles, &resources),
        ]
        .concat(),
        quantiles,
        draws: DrawPlan {
            count: DRAWS,
            seed: measurements.study.study.seed,
        },
        throughput: None,
        resources,
        points,
        caveats: Vec::new(),
    };
    model.throughput = ceiling::throughput_law(&model, steps, &behaviours)?;
    caveats.extend(count_caveats(steps, &measurements.study));
    caveats.extend(model_caveats(&model, steps, &behaviours));
    model.caveats = caveats;
    Ok(model)
}

/// The demands on every resource that its steps tell.
fn resource_models(
    measurements: &Measurements,
    behaviours: &[String],
) -> Result<Vec<ResourceModel>, ModelError> {
    let steps = &measurements.steps;
    let fit_one = |resource: &Resource| {
        let fitted = fit_resource(&blocks(steps, behaviours, resource), behaviours, resource)?;
        let leak = (resource.kind == ResourceKind::Memory)
            .then(|| find_leak(steps, behaviours, resource))
            .flatten();
        Some(ResourceModel { leak, ..fitted })
    };
    let resources: Vec<ResourceModel> = measurements.resources.iter().filter_map(fit_one).collect();
    if !resources.is_empty() {
        return Ok(resources);
    }
    Err(ModelError::TooFewSteps {
        needed: behaviours.len() + 1,
        fitted: usable(steps).count(),
        measured: steps.len(),
        reasons: format!(
            "{} behaviours need that many steps and one for idle use, each behaviour executed in at least \
             one; {}",
            behaviours.len(),
            why_not_fitted(steps)
        ),
    })
}

/// Refuses measurements with fewer than [`FEWEST_STEPS`] usable steps.
fn check_steps(steps: &[Step]) -> Result<(), ModelError> {
    let fitted = usable(steps).count();
    if fitted >= FEWEST_STEPS {
        return Ok(());
    }
    Err(ModelError::TooFewSteps {
        needed: FEWEST_STEPS,
        fitted,
        measured: steps.len(),
        reasons: why_not_fitted(steps),
    })
}

/// Each step that cannot be fitted, with the reasons of its verdict.
fn why_not_fitted(steps: &[Step]) -> String {
    let left_out = steps
        .iter()
        .filter(|step| matches!(step.verdict.validity, Validity::Limited | Validity::Invalid));
    let reasons: Vec<String> = left_out
        .map(|step| {
            format!(
                "{} is {} ({})",
                step.plan.label(),
                step.verdict.validity.label(),
                step.verdict.reasons.join("; ")
            )
        })
        .collect();
    if reasons.is_empty() {
        "no more were measured".to_owned()
    } else {
        reasons.join(", ")
    }
}

/// What a step measured, as the model keeps it.
fn point(
    step: &Step,
    response: &BTreeMap<String, StepResponse>,
    behaviours: &[String],
    resources: &[Resource],
) -> MeasuredPoint {
    let seconds: f64 = step.windows.iter().map(|window| window.duration_s).sum();
    let completed: u64 = step
        .windows
        .iter()
        .flat_map(|window| window.completed.values())
        .sum();
    let counts = step.total();
    let used = resources
        .iter()
        .filter_map(|resource| {
            block(step, behaviours, resource).map(|block| (resource.name.clone(), block.used))
        })
        .collect();
    MeasuredPoint {
        index: step.plan.index,
        label: step.plan.label(),
        purpose: step.plan.purpose,
        customers: step.plan.customers,
        offered_per_s: step.plan.total_per_s(),
        completed_per_s: if seconds > 0.0 {
            completed as f64 / seconds
        } else {
            0.0
        },
        active: step.active,
        in_flight: step.in_flight,
        error_share: if counts.due > 0 {
            (counts.failed + counts.dropped) as f64 / counts.due as f64
        } else {
            0.0
        },
        used,
        response: response::points(response),
        validity: step.verdict.validity,
    }
}

/// Requests per execution, the mean time of a request in the lightest step that executed the behaviour, and
/// what an execution counts. Requests are counted on the wire: redirects that were followed, and requests
/// that were sent again, are among them.
fn facts(steps: &[Step], study: &Study) -> Result<Vec<BehaviourFacts>, ModelError> {
    let mut facts = Vec::new();
    for (name, behaviour) in &study.behaviours {
        let executed = steps
            .iter()
            .filter_map(|step| Some((step, step.executions.get(name)?, step.requests.get(name)?)));
        let (executions, requests) = executed.fold((0, 0), |sum, (step, executions, requests)| {
            let resent = step.resends.get(name).map_or(0, Resends::total);
            (sum.0 + executions.completed, sum.1 + requests.completed + resent)
        });
        let lightest = usable(steps)
            .filter(|step| step.executions.contains_key(name))
            .min_by(|a, b| a.plan.total_per_s().total_cmp(&b.plan.total_per_s()));
        let light_request_s = match lightest {
            Some(step) => {
                histogram(step, name, ResponseClock::Sent)?.map(|hdr| hdr.mean_s() * step.timed_share(name))
            }
            None => None,
        };
        let requests = if executions > 0 {
            requests as f64 / executions as f64
        } else {
            1.0
        };
        facts.push(BehaviourFacts {
            name: name.clone(),
            requests,
            light_request_s,
            counts: count_estimates(steps, name, behaviour),
        });
    }
    Ok(facts)
}

/// Highest load of the fitted steps on the plain mix.
fn tested(points: &[MeasuredPoint], resources: &[ResourceModel]) -> Tested {
    let fine = |point: &&MeasuredPoint| point.validity.is_fitted();
    let plain = |point: &&MeasuredPoint| fine(point) && point.customers.is_some();
    let customers = points
        .iter()
        .filter(plain)
        .filter_map(|point| point.customers)
        .fold(0.0, f64::max);
    let highest = |resource: &ResourceModel| {
        let capacity = resource.capacity?;
        let used = points
            .iter()
            .filter(plain)
            .filter_map(|point| point.used.get(&resource.name))
            .copied()
            .fold(0.0, f64::max);
        Some((resource.name.clone(), used / capacity))
    };
    Tested {
        customers,
        utilisation: resources.iter().filter_map(highest).collect(),
    }
}
