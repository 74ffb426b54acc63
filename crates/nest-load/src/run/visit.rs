//! A visit: one version of the target, measured in a few short steps so that it can be compared with another.
//!
//! The phases of a visit are steps of a plan: the plain mix at light load, more of each compared behaviour,
//! the plain mix at heavy load. Base's pilot sets their rates once, for all visits of both versions.

use std::{collections::BTreeMap, time::Duration};

use nest_data::{
    Study,
    measure::{Measure, Order, gate::Gate},
    measurement::{PlannedStep, Purpose, Step, Validity},
    units::{Seconds, Share},
};

use super::{command::CommandSettings, plan::Plan, target::run_command};
use crate::{engine::interrupt::Interrupt, error::LoadError, recorder::is_wrong_answer};

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

/// Variable with the file that a visit's `state` command leaves the number of stored items in.
pub const COUNTED: &str = "NEST_COUNTED";

/// Share of executions with wrong answers above which a version is broken, and the fewest that are no chance.
const MOST_WRONG: f64 = 0.01;
const FEWEST_WRONG: u64 = 3;
/// Statuses by which a target says that it is broken: RFC 9110, section 15.6. 503 and 504 may mean that it is
/// full.
const SELF_BLAME: [&str; 3] = ["status 500", "status 501", "status 502"];

/// Longest build of a version.
const LONGEST_BUILD: Duration = Duration::from_secs(1_800);

/// The study as visits measure it: only the compared behaviours, started by `start`, at one size of stored
/// data. After `state`, the items are counted into the file [`COUNTED`] names, if the study has a command for
/// that.
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
    let count = study.data.as_ref().and_then(|data| data.count.as_ref());
    if let Some(count) = count.filter(|_| size.is_some()) {
        let state = study.target.state.as_deref().unwrap_or("true");
        visited.target.state = Some(format!("({state}\n) && ({count}\n) >\"${COUNTED}\""));
    }
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
        .find(|step| step.verdict.validity == Validity::Invalid)?;
    Some(format!(
        "{} is invalid: {}",
        invalid.plan.label(),
        invalid.verdict.reasons.join("; ")
    ))
}

/// Why a version is broken: a behaviour that got answers it does not expect in more than 1 % of its
/// executions, while the target was not full. `None` if there is none.
#[must_use]
pub fn broken_behaviour(steps: &[Step]) -> Option<String> {
    let is_full = |step: &&Step| step.verdict.validity == Validity::Limited;
    steps.iter().filter(|step| !is_full(step)).find_map(broken_in)
}

fn broken_in(step: &Step) -> Option<String> {
    // At light load, what a target blames itself for is no sign of fullness either.
    let is_light = step.plan.purpose == Purpose::Base;
    let says_broken = |kind: &str| is_wrong_answer(kind) || (is_light && SELF_BLAME.contains(&kind));
    step.executions.iter().find_map(|(behaviour, counts)| {
        let of_it = step.errors.iter().filter(|error| error.behaviour == *behaviour);
        let wrong: Vec<_> = of_it.filter(|error| says_broken(&error.kind)).collect();
        let count: u64 = wrong.iter().map(|error| error.count).sum();
        let share = count as f64 / counts.due.max(1) as f64;
        let most = wrong.iter().max_by_key(|error| error.count)?;
        (count >= FEWEST_WRONG && share > MOST_WRONG).then(|| {
            format!(
                "{:.1} % of the executions of `{behaviour}` got answers that it does not expect (mostly: {})",
                100.0 * share,
                most.kind
            )
        })
    })
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

#[cfg(test)]
mod tests {
    use nest_data::measurement::{Counts, ErrorCount, Verdict};

    use super::*;

    /// A step of 200 executions, of which so many failed in this way.
    fn step(purpose: Purpose, kind: &str, count: u64, validity: Validity) -> Step {
        let counts = Counts {
            due: 200,
            completed: 200 - count,
            failed: count,
            dropped: 0,
        };
        Step {
            executions: [("pay".to_owned(), counts)].into(),
            errors: vec![ErrorCount {
                behaviour: "pay".to_owned(),
                kind: kind.to_owned(),
                count,
            }],
            verdict: Verdict {
                validity,
                reasons: Vec::new(),
            },
            ..Step::new(PlannedStep::new(purpose))
        }
    }

    #[test]
    fn a_version_that_answers_wrongly_is_broken() {
        let is_broken = |purpose, kind, count, validity| {
            broken_behaviour(&[step(purpose, kind, count, validity)]).is_some()
        };
        for (purpose, kind, count, validity, broken) in [
            (Purpose::Base, "check", 5, Validity::Invalid, true),
            (Purpose::Base, "status 404", 5, Validity::Suspect, true),
            (Purpose::Base, "status 500", 5, Validity::Valid, true),
            (Purpose::Boosted, "check", 5, Validity::Valid, true),
            // One in a hundred, or too few to say.
            (Purpose::Base, "check", 2, Validity::Valid, false),
            // A full target, and what a full or a disturbed one does.
            (Purpose::Ramp, "check", 50, Validity::Limited, false),
            (Purpose::Boosted, "status 500", 50, Validity::Invalid, false),
            (Purpose::Base, "status 503", 50, Validity::Invalid, false),
            (Purpose::Base, "timeout", 50, Validity::Invalid, false),
        ] {
            assert_eq!(
                is_broken(purpose, kind, count, validity),
                broken,
                "{purpose:?} {kind} {count} {validity:?}"
            );
        }
    }
}
