//! A short run of each behaviour alone, one execution at a time, for rough demands to plan with.

use std::{collections::BTreeMap, time::Duration};

use nest_data::measurement::{Pilot, Resource, ResourceKind};

use crate::{
    LoadError,
    engine::Engine,
    interrupt::Interrupt,
    observe::{Observer, Sample},
};

/// How long the target's use without load is watched.
const IDLE: Duration = Duration::from_millis(500);
/// Most executions of one behaviour.
const MOST: u64 = 2_000;

/// Runs the pilot of every behaviour, for about `span` each.
///
/// # Errors
/// [`LoadError::BehaviourFails`] where a behaviour completes nothing, with its first failed exchange.
pub fn run(engine: &Engine, observer: &mut Observer, span: Duration, interrupt: &Interrupt) -> Result<Vec<Pilot>, LoadError> {
    let cpus: Vec<Resource> = observer.resources().iter().filter(|resource| resource.kind == ResourceKind::Cpu).cloned().collect();
    let before = observer.sample()?;
    std::thread::sleep(IDLE);
    let after = observer.sample()?;
    let idle = busy_per_s(&cpus, &before, &after);
    let mut pilots = Vec::new();
    for (behaviour, script) in engine.program().scripts.iter().enumerate() {
        // Once without being counted: connections, caches, and the behaviour that it needs.
        let (_, _) = engine.run_alone(behaviour, span, 2, interrupt)?;
        let before = observer.sample()?;
        let (recorder, elapsed_s) = engine.run_alone(behaviour, span, MOST, interrupt)?;
        let after = observer.sample()?;
        if interrupt.is_requested() {
            return Err(LoadError::Interrupted);
        }
        let executions = recorder.behaviours[behaviour].executions.completed;
        if executions == 0 {
            let names = engine.program().names();
            let reason = recorder.kept_failures(&names).first().map_or_else(
                || "no execution ended in time".to_owned(),
                |failure| format!("{}: {}", failure.kind, failure.exchange.replace('\n', " | ")),
            );
            return Err(LoadError::BehaviourFails { behaviour: script.name.clone(), reason });
        }
        let demand = |(tier, busy): (&String, &f64)| {
            let idle = idle.get(tier).copied().unwrap_or(0.0);
            (tier.clone(), (busy - idle).max(0.0) * after.elapsed_since(&before).as_secs_f64() / executions as f64)
        };
        let cpu_s = busy_per_s(&cpus, &before, &after).iter().map(demand).collect();
        pilots.push(Pilot { behaviour: script.name.clone(), executions, cpu_s, mean_s: elapsed_s / executions as f64 });
    }
    Ok(pilots)
}

fn busy_per_s(cpus: &[Resource], before: &Sample, after: &Sample) -> BTreeMap<String, f64> {
    let used = after.since(before);
    let elapsed = after.elapsed_since(before).as_secs_f64();
    cpus.iter().map(|cpu| (cpu.tier.clone(), used.get(&cpu.name).copied().unwrap_or(0.0) / elapsed)).collect()
}
