//! Doubts about steps and about the model that was fitted to them.

use nest_data::{
    Caveat, ScalingModel,
    measurement::{Purpose, Resource, ResourceKind, ResponseClock, Step, Validity},
    scaling::ResourceModel,
};

use super::{
    ceiling, flows,
    service_demand::{PRIOR_BETWEEN_BLOCKS, PRIOR_REPEATS, block, predict_stored},
    usable,
};
use crate::{laws::load_law::LoadLaw, response::histogram};

/// Change of use over forecast along the ramp above which data growth is suspected.
const DRIFT: f64 = 0.15;
/// Answers of a behaviour from which on their fastest 5 % say something.
const FEWEST_ANSWERS: u64 = 100;
/// Processor time over the fastest answers from which on they contradict each other: clocks and counters
/// differ by less.
const ABOVE_RESPONSE: f64 = 1.05;
/// Utilisation below which no resource came near its limit. Chosen by hand: half of it.
const PLATEAU_UTILISATION: f64 = 0.5;

/// A caveat for each step that was left out of the fit or counts less in it.
pub(super) fn step_caveats(steps: &[Step]) -> Vec<Caveat> {
    let caveat = |step: &Step| {
        let (label, reasons) = (step.plan.label(), step.verdict.reasons.clone());
        match step.verdict.validity {
            Validity::Invalid => Some(Caveat::StepLeftOut { step: label, reasons }),
            Validity::Suspect => Some(Caveat::StepSuspect { step: label, reasons }),
            Validity::Valid | Validity::Limited => None,
        }
    };
    steps.iter().filter_map(caveat).collect()
}

/// What the reader must know of a fitted model.
pub(super) fn model_caveats(model: &ScalingModel, steps: &[Step], behaviours: &[String]) -> Vec<Caveat> {
    let mut caveats = Vec::new();
    for resource in model
        .resources
        .iter()
        .filter(|resource| resource.kind == ResourceKind::Cpu)
    {
        caveats.extend(processor_caveats(resource));
        caveats.extend(drift(model, steps, behaviours, resource));
    }
    caveats.extend(
        behaviours
            .iter()
            .filter_map(|behaviour| above_response(model, steps, behaviour)),
    );
    caveats.extend(model.resources.iter().filter_map(leak_caveat));
    let highest = flows(&model.resources)
        .filter_map(|(resource, _)| model.tested.utilisation.get(&resource.name))
        .copied()
        .fold(0.0, f64::max);
    if highest < PLATEAU_UTILISATION {
        caveats.push(Caveat::PlateauNotSeen { utilisation: highest });
    }
    caveats.extend(model.throughput.as_ref().and_then(ceiling::caveat));
    caveats
}

/// What the reader must know of the demands on a processor.
fn processor_caveats(resource: &ResourceModel) -> Vec<Caveat> {
    let mut caveats = Vec::new();
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
    caveats
}

fn leak_caveat(resource: &ResourceModel) -> Option<Caveat> {
    let leak = resource.leak.as_ref()?;
    Some(Caveat::MemoryLeaks {
        resource: resource.name.clone(),
        behaviour: leak.behaviour.clone(),
        bytes: leak.rate.value,
    })
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
