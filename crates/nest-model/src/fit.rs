//! The fit: measurements become a scaling model.

pub(crate) mod ceiling;
pub mod error_onset;
pub mod hidden_bottleneck;
pub mod leak;
pub mod mixed_effects;
pub mod service_demand;

use std::collections::BTreeMap;

use nest_data::{
    Caveat, Document, Measurements, ScalingModel,
    measurement::{Purpose, Resource, ResourceKind, ResponseClock, Step, Validity},
    scaling::{BehaviourFacts, DrawPlan, ForecastCheck, MeasuredPoint, QuantileLaw, ResourceModel, Tested},
};

use crate::{
    error::ModelError,
    fit::error_onset::{error_onset, tolerated_share},
    fit::leak::find_leak,
    fit::service_demand::{PRIOR_BETWEEN_BLOCKS, PRIOR_REPEATS, block, blocks, fit_resource, predict_stored},
    laws::load_law::LoadLaw,
    response::{self, MeasuredStation, Observed, StepResponse, fit_laws, histogram, responses},
};

/// Fewest steps that a fit needs.
pub const FEWEST_STEPS: usize = 4;
/// Joint draws that a model stands for.
const DRAWS: u32 = 2_000;
/// Change of use over forecast along the ramp above which data growth is suspected.
const DRIFT: f64 = 0.15;
/// Quantile of response time that steps left out of the fit check.
const TAIL: f64 = 0.99;
/// Answers of a behaviour from which on their fastest 5 % say something.
const FEWEST_ANSWERS: u64 = 100;
/// Processor time over the fastest answers from which on they contradict each other: clocks and counters
/// differ by less.
const ABOVE_RESPONSE: f64 = 1.05;

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
    let fit_one = |resource: &Resource| {
        let fitted = fit_resource(&blocks(steps, &behaviours, resource), &behaviours, resource)?;
        let leak = (resource.kind == ResourceKind::Memory)
            .then(|| find_leak(steps, &behaviours, resource))
            .flatten();
        Some(ResourceModel { leak, ..fitted })
    };
    let resources: Vec<ResourceModel> = measurements.resources.iter().filter_map(fit_one).collect();
    if resources.is_empty() {
        let reasons = format!(
            "{} behaviours need that many steps and one for idle use, each behaviour executed in at least \
             one",
            behaviours.len()
        );
        return Err(ModelError::TooFewSteps {
            needed: behaviours.len() + 1,
            fitted: usable(steps).count(),
            measured: steps.len(),
            reasons,
        });
    }
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
        behaviours: facts(steps, &behaviours)?,
        tested: tested(&points, &resources),
        error_onset: error_onset(steps, tolerated_share(&measurements.study)),
        checks: [
            checks(steps, &behaviours, &measurements.resources, &resources),
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
    caveats.extend(model_caveats(&model, steps, &behaviours));
    model.caveats = caveats;
    Ok(model)
}

pub(crate) fn usable(steps: &[Step]) -> impl Iterator<Item = &Step> {
    steps
        .iter()
        .filter(|step| step.plan.purpose != Purpose::Confirm && step.verdict.validity.is_fitted())
}

fn check_steps(steps: &[Step]) -> Result<(), ModelError> {
    let fitted = usable(steps).count();
    if fitted >= FEWEST_STEPS {
        return Ok(());
    }
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
    let reasons = if reasons.is_empty() {
        "no more were measured".to_owned()
    } else {
        reasons.join(", ")
    };
    Err(ModelError::TooFewSteps {
        needed: FEWEST_STEPS,
        fitted,
        measured: steps.len(),
        reasons,
    })
}

fn step_caveats(steps: &[Step]) -> Vec<Caveat> {
    let of = |step: &Step| {
        let (label, reasons) = (step.plan.label(), step.verdict.reasons.clone());
        match step.verdict.validity {
            Validity::Invalid => Some(Caveat::StepLeftOut { step: label, reasons }),
            Validity::Suspect => Some(Caveat::StepSuspect { step: label, reasons }),
            Validity::Valid | Validity::Limited => None,
        }
    };
    steps.iter().filter_map(of).collect()
}

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

/// Requests per execution, and the mean time of a request in the lightest step that executed the behaviour.
fn facts(steps: &[Step], behaviours: &[String]) -> Result<Vec<BehaviourFacts>, ModelError> {
    let mut facts = Vec::new();
    for name in behaviours {
        let executed = steps
            .iter()
            .filter_map(|step| Some((step, step.executions.get(name)?, step.requests.get(name)?)));
        let (executions, requests) = executed.fold((0, 0), |sum, (_, executions, requests)| {
            (sum.0 + executions.completed, sum.1 + requests.completed)
        });
        let lightest = usable(steps)
            .filter(|step| step.executions.contains_key(name))
            .min_by(|a, b| a.plan.total_per_s().total_cmp(&b.plan.total_per_s()));
        let light_request_s = match lightest {
            Some(step) => histogram(step, name, ResponseClock::Sent)?.map(|hdr| hdr.mean_s()),
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
        });
    }
    Ok(facts)
}

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

/// Utilisation of each resource that has a capacity, but not memory, which is a level.
pub(crate) fn flows(resources: &[ResourceModel]) -> impl Iterator<Item = (&ResourceModel, f64)> {
    resources
        .iter()
        .filter(|resource| resource.kind != ResourceKind::Memory)
        .filter_map(|resource| resource.capacity.map(|capacity| (resource, capacity)))
}

fn fit_quantiles(
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
        let of = |(point, response): &(&MeasuredPoint, &BTreeMap<String, StepResponse>)| {
            Some(Observed {
                utilisation: point.used.get(&binding.name)? / capacity,
                response: response.get(behaviour)?.clone(),
            })
        };
        (behaviour.clone(), plain.iter().filter_map(of).collect())
    };
    let station = MeasuredStation {
        resource: binding.name.clone(),
        servers,
        threads: threads(steps, &binding.tier),
    };
    fit_laws(&station, &behaviours.iter().map(observed).collect::<Vec<_>>())
}

/// Most threads that did a tier's work up to a fitted step; none where nobody counted.
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

/// Forecasts of the steps that were left out of the fit, at the executions they completed.
fn checks(
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
fn response_checks(
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

fn model_caveats(model: &ScalingModel, steps: &[Step], behaviours: &[String]) -> Vec<Caveat> {
    let mut caveats = Vec::new();
    for resource in model
        .resources
        .iter()
        .filter(|resource| resource.kind == ResourceKind::Cpu)
    {
        if !resource.separable {
            caveats.push(Caveat::NotSeparable {
                resource: resource.name.clone(),
                condition: resource.condition,
            });
        }
        let repeats = resource.fitted_steps as f64 - resource.demand.len() as f64 - 1.0;
        if repeats < PRIOR_REPEATS {
            caveats.push(Caveat::FewRepeats {
                repeats,
                prior: PRIOR_BETWEEN_BLOCKS,
            });
        }
        if resource.load_dependence.as_ref().is_some_and(|law| law.rising) {
            let law = LoadLaw::of(resource);
            caveats.push(Caveat::Contention {
                resource: resource.name.clone(),
                change: law.factor(1.0) / law.factor(0.0) - 1.0,
            });
        }
        caveats.extend(drift(model, steps, behaviours, resource));
    }
    caveats.extend(
        behaviours
            .iter()
            .filter_map(|behaviour| above_response(model, steps, behaviour)),
    );
    let leaks = model
        .resources
        .iter()
        .filter_map(|resource| Some((resource, resource.leak.as_ref()?)));
    caveats.extend(leaks.map(|(resource, leak)| Caveat::MemoryLeaks {
        resource: resource.name.clone(),
        behaviour: leak.behaviour.clone(),
        bytes: leak.rate.value,
    }));
    let highest = flows(&model.resources)
        .filter_map(|(resource, _)| model.tested.utilisation.get(&resource.name))
        .copied()
        .fold(0.0, f64::max);
    if highest < 0.5 {
        caveats.push(Caveat::PlateauNotSeen { utilisation: highest });
    }
    caveats.extend(model.throughput.as_ref().and_then(ceiling::caveat));
    caveats
}

/// Whether a behaviour of one request takes more processor time than its fastest 5 % took in the lightest
/// step that has them.
fn above_response(model: &ScalingModel, steps: &[Step], behaviour: &str) -> Option<Caveat> {
    let one_request = model
        .behaviours
        .iter()
        .any(|facts| facts.name == behaviour && facts.requests < 1.01);
    let answered = usable(steps).filter(|step| {
        step.executions
            .get(behaviour)
            .is_some_and(|counts| counts.completed >= FEWEST_ANSWERS)
    });
    let lightest = answered
        .min_by(|a, b| a.plan.total_per_s().total_cmp(&b.plan.total_per_s()))
        .filter(|_| one_request)?;
    let response_s = histogram(lightest, behaviour, ResponseClock::Sent)
        .ok()??
        .quantile_s(0.05);
    let cpus = model
        .resources
        .iter()
        .filter(|resource| resource.kind == ResourceKind::Cpu && resource.separable);
    let demand_s: f64 = cpus
        .filter_map(|resource| resource.demand.get(behaviour))
        .map(|demand| demand.low)
        .sum();
    (demand_s > ABOVE_RESPONSE * response_s).then(|| Caveat::DemandAboveResponse {
        behaviour: behaviour.to_owned(),
        demand_s,
        response_s,
    })
}

/// Whether use over what the model says of the same executions changed from the first to the last step of the
/// ramp.
fn drift(
    model: &ScalingModel,
    steps: &[Step],
    behaviours: &[String],
    resource: &ResourceModel,
) -> Option<Caveat> {
    let ramp = steps
        .iter()
        .filter(|step| step.plan.purpose == Purpose::Ramp && step.verdict.validity.is_fitted());
    let measured = Resource {
        name: resource.name.clone(),
        tier: resource.tier.clone(),
        kind: resource.kind,
        capacity: resource.capacity,
    };
    let over_model = |step: &Step| {
        let block = block(step, behaviours, &measured)?;
        let rates = behaviours
            .iter()
            .cloned()
            .zip(block.rates.iter().copied())
            .collect();
        let predicted = predict_stored(resource, &rates, step.plan.stored).value;
        (predicted > 0.0 && block.used > 0.0).then(|| block.used / predicted)
    };
    let ratios: Vec<f64> = ramp.filter_map(over_model).collect();
    let ratio = ratios.last()? / ratios.first()?;
    (ratios.len() >= 2 && (ratio - 1.0).abs() > DRIFT && model.study.target.reset.is_none()).then(|| {
        Caveat::DataGrows {
            ratio,
            resource: resource.name.clone(),
        }
    })
}
