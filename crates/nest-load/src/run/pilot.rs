//! A short run of each behaviour alone, one execution at a time, for rough demands to plan with.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use nest_data::measurement::{Pilot, Resource, ResourceKind};

use super::busy::impossible;
use crate::{
    engine::Engine,
    engine::interrupt::Interrupt,
    error::LoadError,
    observe::{Observer, Sample},
    recorder::{Recorder, failures::FailedBody},
};

/// How long the target's use without load is watched.
const IDLE: Duration = Duration::from_millis(500);
/// Most executions of one behaviour.
const MOST: u64 = 2_000;

/// Runs the pilot of every behaviour, for about `span` each, as far as the run has time `left`. Bodies that
/// are kept of answers that failed are added to `bodies`.
///
/// # Errors
/// The error of `left`;
/// [`LoadError::BehaviourFails`] if a behaviour completes nothing, with its first failed exchange.
pub fn run(
    engine: &Engine,
    observer: &mut Observer,
    span: Duration,
    left: &dyn Fn() -> Result<Duration, LoadError>,
    interrupt: &Interrupt,
    bodies: &mut Vec<FailedBody>,
) -> Result<Vec<Pilot>, LoadError> {
    let cpus: Vec<Resource> = observer
        .resources()
        .iter()
        .filter(|resource| resource.kind == ResourceKind::Cpu)
        .cloned()
        .collect();
    let before = observer.sample()?;
    std::thread::sleep(IDLE);
    let after = observer.sample()?;
    let idle = busy_per_s(&cpus, &before, &after);
    check_busy(&cpus, &idle)?;
    let mut pilots = Vec::new();
    for (behaviour, script) in engine.program().scripts.iter().enumerate() {
        // Once without being counted: connections, caches, and the behaviour that it needs.
        let (_, _) = engine.run_alone(behaviour, span, 2, left()?, interrupt)?;
        let before = observer.sample()?;
        let (recorder, elapsed_s) = engine.run_alone(behaviour, span, MOST, left()?, interrupt)?;
        let after = observer.sample()?;
        bodies.extend(recorder.kept_bodies(&engine.program().names()));
        if interrupt.is_requested() {
            return Err(LoadError::Interrupted);
        }
        left()?;
        let executions = recorder.behaviours[behaviour].executions.completed;
        if executions == 0 {
            return Err(fails(&script.name, &recorder, &engine.program().names()));
        }
        let span_s = after.elapsed_since(&before).as_secs_f64();
        let busy = busy_per_s(&cpus, &before, &after);
        check_busy(&cpus, &busy)?;
        let demand_s = |(tier, busy): (&String, &f64)| {
            let idle = idle.get(tier)?;
            Some((tier.clone(), (busy - idle).max(0.0) * span_s / executions as f64))
        };
        pilots.push(Pilot {
            behaviour: script.name.clone(),
            executions,
            cpu_s: busy.iter().filter_map(demand_s).collect(),
            mean_s: (elapsed_s - recorder.held.total.as_secs_f64()).max(0.0) / executions as f64,
            requests: recorder.behaviours[behaviour].on_the_wire(),
        });
    }
    keep_known_tiers(&mut pilots);
    Ok(pilots)
}

/// A behaviour completed nothing: why, by its first failed exchange.
fn fails(behaviour: &str, recorder: &Recorder, names: &[String]) -> LoadError {
    let reason = recorder.kept_failures(names).first().map_or_else(
        || "no execution ended in time".to_owned(),
        |failure| format!("{}: {failure}", failure.kind),
    );
    LoadError::BehaviourFails {
        behaviour: behaviour.to_owned(),
        reason,
    }
}

/// Takes out the tiers that were not read for every behaviour: a plan made from some of them would take the
/// others as free.
fn keep_known_tiers(pilots: &mut [Pilot]) {
    let known = |tier: &String, pilots: &[Pilot]| pilots.iter().all(|pilot| pilot.cpu_s.contains_key(tier));
    let partly: BTreeSet<String> = pilots
        .iter()
        .flat_map(|pilot| pilot.cpu_s.keys())
        .filter(|tier| !known(tier, pilots))
        .cloned()
        .collect();
    pilots
        .iter_mut()
        .for_each(|pilot| pilot.cpu_s.retain(|tier, _| !partly.contains(tier)));
}

/// Refuses readings that no processors can have caused: a plan made from them would offer next to nothing.
fn check_busy(cpus: &[Resource], busy: &BTreeMap<String, f64>) -> Result<(), LoadError> {
    let why = |cpu: &Resource| impossible(cpu, *busy.get(&cpu.tier)?);
    match cpus.iter().find_map(why) {
        None => Ok(()),
        Some(reason) => Err(LoadError::Probe { reason }),
    }
}

/// Busy-seconds per second of the tiers that were read.
fn busy_per_s(cpus: &[Resource], before: &Sample, after: &Sample) -> BTreeMap<String, f64> {
    let used = after.since(before).used;
    let elapsed = after.elapsed_since(before).as_secs_f64();
    cpus.iter()
        .filter_map(|cpu| Some((cpu.tier.clone(), used.get(&cpu.name)? / elapsed)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_that_was_read_for_some_behaviours_only_is_not_planned_with() {
        let pilot = |behaviour: &str, tiers: &[&str]| Pilot {
            behaviour: behaviour.to_owned(),
            executions: 1,
            cpu_s: tiers.iter().map(|tier| ((*tier).to_owned(), 0.01)).collect(),
            mean_s: 0.02,
            requests: 1,
        };
        let mut pilots = [pilot("a", &["app", "db"]), pilot("b", &["app"])];
        keep_known_tiers(&mut pilots);
        assert!(
            pilots.iter().all(|pilot| pilot.cpu_s.keys().eq(["app"])),
            "{pilots:?}"
        );
    }
}
