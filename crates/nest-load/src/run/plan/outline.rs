//! What is known of a plan before any pilot.

use nest_data::{
    Study,
    measurement::{Pilot, PlannedStep, Purpose, Resource, ResourceKind},
};
use serde::Serialize;

use super::{
    RampSteps,
    draft::{drafts, planned},
    length::step_s,
};
use crate::error::LoadError;

/// Demand of the stand-in pilot, in seconds: so large that none of its own steps meets the highest rate.
const STAND_IN_S: f64 = 1e6;

/// The steps of a plan, as far as they are known without a pilot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outline {
    /// The steps, in the order in which they are run. Those whose load depends on what a pilot finds have
    /// neither customers nor rates.
    pub steps: Vec<PlannedStep>,
    /// How long they take, in seconds, after the pilot.
    pub duration_s: f64,
}

/// Outlines the plan of a study. Only steps at a stated number of customers have rates.
///
/// # Errors
/// As for a plan.
pub fn outline(study: &Study) -> Result<Outline, LoadError> {
    let (pilots, resources) = stand_in(study);
    let (drafts, _) = drafts(study, &pilots, &resources, 1.0 / STAND_IN_S, RampSteps::Planned)?;
    let is_stated = study.measure.customers.is_some();
    let steps: Vec<PlannedStep> = drafts
        .into_iter()
        .enumerate()
        .map(|(index, (draft, repeat))| {
            let step = planned(study, &pilots, index, repeat, draft);
            match step.purpose {
                Purpose::Ramp | Purpose::Confirm if is_stated => PlannedStep { active: None, ..step },
                _ => unknown(step),
            }
        })
        .collect();
    Ok(Outline {
        duration_s: steps.iter().map(|step| step_s(&study.measure, step)).sum(),
        steps,
    })
}

/// The step without what a pilot tells.
fn unknown(step: PlannedStep) -> PlannedStep {
    PlannedStep {
        customers: None,
        offered_per_s: Default::default(),
        active: None,
        ..step
    }
}

/// A pilot that decides nothing but which steps there are.
fn stand_in(study: &Study) -> (Vec<Pilot>, Vec<Resource>) {
    let tier = "app".to_owned();
    let pilot = |behaviour: &String| Pilot {
        behaviour: behaviour.clone(),
        executions: 1,
        cpu_s: [(tier.clone(), STAND_IN_S)].into(),
        mean_s: STAND_IN_S,
        requests: 1,
    };
    let resource = Resource {
        name: ResourceKind::Cpu.name_in(&tier),
        tier: tier.clone(),
        kind: ResourceKind::Cpu,
        capacity: Some(1.0),
    };
    (study.behaviours.keys().map(pilot).collect(), vec![resource])
}
