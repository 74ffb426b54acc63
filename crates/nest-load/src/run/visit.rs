//! A visit: one version of the target, measured in a few short steps so that it can be compared with another.
//!
//! The phases of a visit are steps of a plan: the plain mix at light load, more of each compared behaviour,
//! the plain mix at heavy load. Base's pilot sets their rates once, for all visits of both versions.

use std::{collections::BTreeMap, time::Duration};

use nest_data::{
    Study,
    measure::{Measure, Order, gate::Gate},
    measurement::{PlannedStep, Purpose, Step},
    units::{Seconds, Share},
};

use super::{command::CommandSettings, plan::Plan, target::run_command};
use crate::{engine::interrupt::Interrupt, error::LoadError};

/// Loads of the phases, as shares of base's capacity as its pilot finds it.
const LIGHT: f64 = 0.15;
const BOOST: f64 = 0.5;
const HEAVY: f64 = 0.7;
/// Settling before each phase, in seconds.
const SETTLE_S: f64 = 1.0;
/// Fewest windows of a phase.
const FEWEST_WINDOWS: u32 = 4;
/// Most windows of a phase, however rare a behaviour is.
const MOST_WINDOWS: u32 = 30;
/// Fewest executions of a boosted behaviour in its phase.
const FEWEST_EXECUTIONS: f64 = 60.0;

/// Longest build of a version.
const LONGEST_BUILD: Duration = Duration::from_secs(1_800);

/// The study as visits measure it: only the compared behaviours, started by `start`, at one size of stored
/// data.
#[must_use]
pub fn visited_study(
    study: &Study,
    gate: &Gate,
    start: &str,
    size: Option<f64>,
    compared: &[String],
    windows: u32,
) -> Study {
    let share = |share| Share::new(share).expect("a share from 0 to 1");
    let mut visited = study.clone();
    visited.target.start = Some(start.to_owned());
    let needed = with_needed(study, compared);
    visited.behaviours.retain(|name, _| needed.contains(name));
    visited.rates.retain(|name, _| compared.contains(name));
    visited.data = visited
        .data
        .filter(|_| size.is_some())
        .map(|data| nest_data::stored_data::StoredData {
            sizes: size.into_iter().collect(),
            ..data
        });
    visited.measure = Measure {
        customers: None,
        ramp: vec![share(HEAVY)],
        base: share(LIGHT),
        boost: share(BOOST),
        confirm: None,
        confirm_policy: None,
        window: Seconds::new(gate.window_s).expect("checked to be above 0 and at most 60"),
        windows,
        settle: Seconds::new(SETTLE_S).expect("a second is a span"),
        settle_most: Seconds::new(SETTLE_S),
        repeats: 1,
        order: Order::Planned,
        ..study.measure.clone()
    };
    visited
}

/// Some behaviours and those that they need, which run before them.
#[must_use]
pub fn with_needed(study: &Study, compared: &[String]) -> Vec<String> {
    let mut all = compared.to_vec();
    let mut next = 0;
    while let Some(name) = all.get(next) {
        let needs = study
            .behaviours
            .get(name)
            .and_then(|behaviour| behaviour.needs.clone());
        all.extend(needs.filter(|needed| !all.contains(needed)));
        next += 1;
    }
    all
}

/// Windows that every phase of a plan needs, so that each boosted behaviour comes at least 60 times; at least
/// 4, at most 30.
#[must_use]
pub fn windows_needed(plan: &Plan, window_s: f64) -> u32 {
    let slowest = plan
        .steps
        .iter()
        .filter_map(boosted_per_s)
        .fold(f64::INFINITY, f64::min);
    let wanted = (FEWEST_EXECUTIONS / (slowest * window_s)).ceil();
    (wanted as u32).clamp(FEWEST_WINDOWS, MOST_WINDOWS)
}

/// Behaviours whose phase would have fewer than 60 executions even with the most windows.
#[must_use]
pub fn too_rare(plan: &Plan, window_s: f64) -> Vec<String> {
    let most = f64::from(MOST_WINDOWS) * window_s;
    let rare = |step: &&PlannedStep| boosted_per_s(step).is_some_and(|rate| rate * most < FEWEST_EXECUTIONS);
    plan.steps
        .iter()
        .filter(rare)
        .filter_map(|step| step.boosted.clone())
        .collect()
}

fn boosted_per_s(step: &PlannedStep) -> Option<f64> {
    step.offered_per_s.get(step.boosted.as_ref()?).copied()
}

/// The phases of one visit. Visits of both versions with equal seeds offer equal arrivals.
#[must_use]
pub fn visit_plan(plan: &Plan, seed: u64) -> Plan {
    // A behaviour that is only needed by others is not compared, and has no phase of its own.
    let plain = plan.steps.iter().find(|step| step.customers.is_some());
    let is_compared = |name: &String| plain.is_none_or(|step| step.offered_per_s.contains_key(name));
    let is_phase =
        |step: &&PlannedStep| step.purpose != Purpose::Idle && step.boosted.as_ref().is_none_or(is_compared);
    let phases = plan.steps.iter().filter(is_phase);
    let steps = phases.enumerate().map(|(index, step)| PlannedStep {
        index,
        windows: None,
        seed: seed.wrapping_mul(1_000_003).wrapping_add(index as u64),
        ..step.clone()
    });
    Plan {
        steps: steps.collect(),
        ..plan.clone()
    }
}

/// Why a visit does not count; `None` if it does. A phase that the generator could not offer, or that
/// something else on the machine disturbed, says nothing of the version.
#[must_use]
pub fn void_reason(steps: &[Step]) -> Option<String> {
    let invalid = steps
        .iter()
        .find(|step| step.verdict.validity == nest_data::measurement::Validity::Invalid)?;
    Some(format!(
        "{} is invalid: {}",
        invalid.plan.label(),
        invalid.verdict.reasons.join("; ")
    ))
}

/// Runs the command that builds a version; it may take half an hour.
///
/// # Errors
/// [`LoadError::Command`], [`LoadError::CommandFailed`] or [`LoadError::CommandTooLong`].
pub fn run_build(command: &str, settings: &CommandSettings, interrupt: &Interrupt) -> Result<(), LoadError> {
    run_command("build", command, settings, LONGEST_BUILD, interrupt)
}

/// Whether two visits were offered the same arrivals.
#[must_use]
pub fn offered_alike(one: &[Step], other: &[Step]) -> bool {
    let schedules = |steps: &[Step]| -> BTreeMap<usize, String> {
        steps
            .iter()
            .map(|step| (step.plan.index, step.schedule.clone()))
            .collect()
    };
    schedules(one) == schedules(other)
}
