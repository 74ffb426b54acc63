//! A whole run: start the target, pilot, plan, then step after step, each handed to the caller as it ends.

use std::{
    fs::File,
    time::{Duration, Instant},
};

use nest_data::{
    Caveat, Study,
    behaviour::locustfile::Locust,
    measurement::{Pilot, PlannedStep, Purpose, Resource, ResourceKind, Step, Validity},
};

use crate::{
    clock::MonotonicTime,
    engine::{Engine, RunTime, StepLimits, interrupt::Interrupt},
    error::LoadError,
    http::{NoAnswer, origin::Origin},
    observe::Observer,
    schedule::load::StepLoad,
};

mod busy;
mod closing;
mod command;
pub mod doctor;
pub mod guard;
mod options;
mod pilot;
pub mod plan;
pub mod quick;
mod recovery;
mod search;
mod searching;
mod setup;
pub mod target;
pub mod visit;

use plan::{Plan, RampSteps};
use target::{Address, StartedTarget};

pub use command::{CommandSettings, RunningCommand};
pub use options::{Event, FailedBody, MeasureOptions, MeasureOutcome, Resume};

/// Limited steps, at this many customers or fewer, after which a step of the ramp is left out: one may be
/// chance.
const LIMITED_BEFORE: usize = 2;
/// Settling ends at the latest after this multiple of its least length, unless the study says otherwise. Our
/// choice: three more tries.
const SETTLE_MOST: u32 = 4;
/// How often a step of a fleet runs again that was not what was planned.
const MOST_AGAIN: usize = 2;
/// Wait for the answers of a step that ended when the run had no time left. Our choice.
const LEAST_DRAIN: Duration = Duration::from_secs(1);
/// Share of executions without a connection above which the target counts as lost. Our choice: a target that
/// merely refuses some is overloaded.
const UNREACHABLE: f64 = 0.5;

/// A step that has ended.
struct Finished {
    step: Step,
    bodies: Vec<FailedBody>,
    outcome: StepOutcome,
    interrupted: bool,
    /// Why it is to run again, if it was not what was planned.
    broken: Option<String>,
}

/// What a search needs to know of a step.
struct StepOutcome {
    /// Objectives that it missed.
    missed: Vec<String>,
    /// Why it shows nothing, if it is invalid.
    invalid: Option<String>,
    /// Why nothing can be said of the target, if the generator was at fault.
    generator_limit: Option<String>,
}

/// A run in progress.
struct Run<'a> {
    study: &'a Study,
    options: MeasureOptions,
    interrupt: &'a Interrupt,
    address: Address,
    started: Option<StartedTarget>,
    log: Option<File>,
    stored: Option<f64>,
    origin: Origin,
    cores: Vec<usize>,
    engine: Engine,
    observer: Observer,
    resources: Vec<Resource>,
    pilot: Vec<Pilot>,
    /// Doubts that the way in which load is made raises.
    caveats: Vec<Caveat>,
    /// Doubts that came up in its steps.
    doubts: Vec<Caveat>,
    /// That the target has not recovered from the last step, if it has not.
    backlog: Option<Caveat>,
    start: Instant,
}

/// Measures a study. `watch` is called with each event and keeps the steps; its error ends the run.
///
/// # Errors
/// [`LoadError`]; steps handed out before it stay valid. After an interrupt the cut step is handed out as
/// such.
pub fn measure(
    study: &Study,
    options: MeasureOptions,
    interrupt: &Interrupt,
    watch: &mut dyn FnMut(Event<'_>) -> std::io::Result<()>,
) -> Result<MeasureOutcome, LoadError> {
    let mut run = Run::start(study, options, interrupt)?;
    watch(Event::Ready(&run.resources)).map_err(LoadError::Keep)?;
    let (plan, pilot, mut steps) = match run.options.resume.take() {
        Some(resume) => {
            plan::check_kept(study, &resume.plan, &resume.pilot)?;
            (resume.plan, resume.pilot, resume.finished)
        }
        None => {
            let (plan, pilot) = run.plan(watch)?;
            check_processes(study, &plan)?;
            (plan, pilot, Vec::new())
        }
    };
    watch(Event::Planned(&plan, &pilot)).map_err(LoadError::Keep)?;
    run.pilot = pilot;
    let mut caveats = [plan.caveats.clone(), run.caveats.clone()].concat();
    for step in &plan.steps {
        if steps.iter().any(|finished| finished.plan.index == step.index) {
            continue;
        }
        if step.purpose == Purpose::Ramp && is_beyond(step, &steps) {
            let last = steps.last().map_or_else(String::new, |step| step.plan.label());
            if !caveats
                .iter()
                .any(|caveat| matches!(caveat, Caveat::RampEnded { .. }))
            {
                let ended = Caveat::RampEnded { step: last };
                watch(Event::Noted(&ended)).map_err(LoadError::Keep)?;
                caveats.push(ended);
            }
            continue;
        }
        run.finish(step, &plan, &mut steps, watch)?;
    }
    let search = if run.options.search {
        Some(run.search(&plan, &mut steps, watch)?)
    } else {
        None
    };
    steps.sort_by_key(|step| step.plan.index);
    caveats.extend(run.engine.caveats());
    caveats.append(&mut run.doubts);
    Ok(MeasureOutcome {
        generators: run.engine.machines(),
        resources: run.resources.clone(),
        pilot: run.pilot.clone(),
        steps,
        search,
        caveats,
    })
}

/// Resolves the plan of a study by its pilot, and measures nothing; the pilot beside it.
///
/// # Errors
/// As [`measure`].
pub fn resolve_plan(
    study: &Study,
    options: MeasureOptions,
    interrupt: &Interrupt,
    watch: &mut dyn FnMut(Event<'_>) -> std::io::Result<()>,
) -> Result<(Plan, Vec<Pilot>), LoadError> {
    let mut run = Run::start(study, options, interrupt)?;
    run.plan(watch)
}

/// Refuses a plan for which a study has too few generator processes: every step of its upper part would be
/// invalid.
fn check_processes(study: &Study, plan: &Plan) -> Result<(), LoadError> {
    let slots = study.locust.as_ref().map_or(usize::MAX, Locust::slots);
    match plan.processes {
        Some(needed) if needed > slots => Err(LoadError::Locustfile {
            reason: format!(
                "the plan reaches {:.0} executions per second: Locust needs {needed} processes for that, and \
                 the study has {slots}",
                plan.peak_per_s
            ),
            remedy: format!(
                "write processes = {needed} under [locust], one core each, or lower max_rate or ramp under \
                 [measure]"
            ),
        }),
        _ => Ok(()),
    }
}

/// Hands out the bodies that are kept of a step, or of the pilot, if there are any.
fn hand_out(
    step: Option<&PlannedStep>,
    bodies: &[FailedBody],
    watch: &mut dyn FnMut(Event<'_>) -> std::io::Result<()>,
) -> Result<(), LoadError> {
    if bodies.is_empty() {
        return Ok(());
    }
    watch(Event::BodiesKept(step, bodies)).map_err(LoadError::Keep)
}

/// Whether steps at no more customers were too much for the target already.
fn is_beyond(step: &PlannedStep, finished: &[Step]) -> bool {
    let limited = finished
        .iter()
        .filter(|one| one.plan.purpose == Purpose::Ramp && one.verdict.validity == Validity::Limited);
    limited.filter(|one| one.plan.customers <= step.customers).count() >= LIMITED_BEFORE
}

impl<'a> Run<'a> {
    fn plan(
        &mut self,
        watch: &mut dyn FnMut(Event<'_>) -> std::io::Result<()>,
    ) -> Result<(Plan, Vec<Pilot>), LoadError> {
        let span = self.study.measure.pilot.duration();
        watch(Event::PilotStarted {
            seconds: span.as_secs_f64() * self.engine.program().scripts.len() as f64,
        })
        .map_err(LoadError::Keep)?;
        let (start, allowed) = (self.start, self.study.measure.max_duration.duration());
        let left = || time_left(start, allowed);
        let mut bodies = Vec::new();
        let before_s = self.engine.python_s();
        let pilot = pilot::run(
            &self.engine,
            &mut self.observer,
            span,
            &left,
            self.interrupt,
            &mut bodies,
        );
        hand_out(None, &bodies, watch)?;
        let pilot = pilot.map_err(|error| setup::told_as_interrupt(error, self.interrupt))?;
        let spent_s = before_s.and_then(|before| Some(self.engine.python_s()? - before));
        self.reset()?;
        let ramp = if self.options.search {
            RampSteps::Searched
        } else {
            RampSteps::Planned
        };
        let mut plan = plan::resolve(self.study, &pilot, &self.resources, ramp)?;
        plan.caveats.extend(self.unread_tiers(&pilot));
        plan.processes = spent_s.map(|spent_s| plan::processes_needed(&plan.steps, &pilot, spent_s));
        Ok((plan, pilot))
    }

    /// A caveat for every tier whose processor the pilot could not read: the plan takes it for free.
    fn unread_tiers(&self, pilot: &[Pilot]) -> Vec<Caveat> {
        let cpus = self
            .resources
            .iter()
            .filter(|resource| resource.kind == ResourceKind::Cpu);
        let unread = cpus.filter(|cpu| pilot.iter().any(|pilot| !pilot.cpu_s.contains_key(&cpu.tier)));
        unread
            .map(|cpu| Caveat::TierUnplanned {
                tier: cpu.tier.clone(),
            })
            .collect()
    }

    /// Runs one step and hands it out.
    fn finish(
        &mut self,
        step: &PlannedStep,
        plan: &Plan,
        steps: &mut Vec<Step>,
        watch: &mut dyn FnMut(Event<'_>) -> std::io::Result<()>,
    ) -> Result<StepOutcome, LoadError> {
        self.time_left()?;
        watch(Event::StepStarted(step)).map_err(LoadError::Keep)?;
        self.resize(step.stored)?;
        let mut again = 0;
        let finished = loop {
            let finished = self.step(step, self.left(plan, steps))?;
            hand_out(Some(step), &finished.bodies, watch)?;
            let Some(reason) = finished.broken.clone().filter(|_| !finished.interrupted) else {
                break finished;
            };
            watch(Event::StepAgain(&finished.step)).map_err(LoadError::Keep)?;
            steps.push(finished.step);
            if again == MOST_AGAIN {
                return Err(LoadError::WorkersLost { reason });
            }
            again += 1;
            self.time_left()?;
            self.reset()?;
        };
        if finished.interrupted {
            watch(Event::StepCut(&finished.step)).map_err(LoadError::Keep)?;
            return Err(LoadError::Interrupted);
        }
        watch(Event::StepFinished(&finished.step)).map_err(LoadError::Keep)?;
        let needs_recovery = recovery::is_needed(&finished.step, &finished.outcome.missed);
        steps.push(finished.step);
        let left = self.left(plan, steps);
        if !needs_recovery {
            self.backlog = None;
        } else if self.options.search || !left.is_zero() {
            let spare = self.time_left().unwrap_or_default().saturating_sub(left);
            self.recover(step, spare, watch)?;
        }
        self.reset()?;
        Ok(finished.outcome)
    }

    /// How long the planned steps last that are still to run, without what settling may add.
    fn left(&self, plan: &Plan, finished: &[Step]) -> Duration {
        let is_left = |step: &&PlannedStep| !finished.iter().any(|one| one.plan.index == step.index);
        let left = plan.steps.iter().filter(is_left);
        Duration::from_secs_f64(left.map(|step| step.load_s(&self.study.measure)).sum())
    }

    /// Runs one step; planned steps, this one among them, are still to be run for the time `left`.
    fn step(&mut self, step: &PlannedStep, left: Duration) -> Result<Finished, LoadError> {
        let load = StepLoad::of(self.study, step, &self.engine.program().names());
        let limits = self.limits(step, left, load.session_s());
        let started_s = self.start.elapsed().as_secs_f64();
        let lost = |reason: String| LoadError::TargetLost {
            step: step.label(),
            reason,
        };
        let result = match self
            .engine
            .run_step(&load, limits, Some(&mut self.observer), self.interrupt)
        {
            Ok(result) => result,
            Err(_) if self.interrupt.is_requested() => return Err(LoadError::Interrupted),
            Err(LoadError::Probe { reason }) => return Err(lost(reason)),
            Err(LoadError::Read { what, .. }) => return Err(lost(format!("{what} can no longer be read"))),
            Err(error) => return Err(error),
        };
        if let Some(status) = self.started.as_mut().and_then(StartedTarget::ended) {
            return Err(lost(format!("it ended with {status}")));
        }
        if !self.observer.is_alive() {
            return Err(lost("its process is gone".to_owned()));
        }
        let due: u64 = result
            .recorder
            .behaviours
            .iter()
            .map(|record| record.executions.due)
            .sum();
        let unreachable = result.recorder.errors_of(NoAnswer::CONNECT);
        if due > 0
            && unreachable as f64 > UNREACHABLE * due as f64
            && self.address.connect(self.interrupt).is_err()
            && !self.interrupt.is_requested()
        {
            return Err(lost(format!(
                "{unreachable} of {due} executions could not connect"
            )));
        }
        let (closed, judgement) = self.close(step, started_s, &result, load.offered_per_s());
        let outcome = StepOutcome {
            missed: self.missed(&closed, &result, &judgement.limits),
            invalid: (judgement.verdict.validity == Validity::Invalid)
                .then(|| judgement.verdict.reasons.join("; ")),
            generator_limit: judgement
                .generator_failed
                .then(|| judgement.verdict.reasons.join("; ")),
        };
        Ok(Finished {
            step: closed,
            bodies: result.recorder.kept_bodies(&self.engine.program().names()),
            outcome,
            interrupted: result.interrupted,
            broken: result.broken,
        })
    }

    /// What the run may still take.
    ///
    /// # Errors
    /// [`LoadError::OutOfTime`] if nothing is left.
    fn time_left(&self) -> Result<Duration, LoadError> {
        time_left(self.start, self.study.measure.max_duration.duration())
    }

    /// Times of a step. What the run may take in all leaves less room for settling if many steps are still
    /// to come. The first sessions must end before as many are under way as will be: a session is given four
    /// times its mean length.
    fn limits(&self, step: &PlannedStep, left: Duration, session_s: f64) -> StepLimits {
        let measure = &self.study.measure;
        let settle = measure.settle.duration();
        let spare = measure
            .max_duration
            .duration()
            .saturating_sub(self.start.elapsed() + left);
        let wanted = measure.settle_most.map_or(
            (settle * SETTLE_MOST).max(Duration::try_from_secs_f64(4.0 * session_s).unwrap_or(Duration::MAX)),
            |most| most.duration(),
        );
        StepLimits {
            settle,
            settle_most: wanted.min(settle + spare).max(settle),
            window: measure.window.duration(),
            windows: step.windows.unwrap_or(measure.windows) as usize,
            drain: measure
                .timeout
                .duration()
                .min(self.time_left().unwrap_or(LEAST_DRAIN)),
            executions: None,
            run: Some(RunTime {
                until: MonotonicTime::now().after(self.time_left().unwrap_or_default()),
                allowed_s: measure.max_duration.get(),
            }),
        }
    }
}

/// What a run that began at `start` may still take.
///
/// # Errors
/// [`LoadError::OutOfTime`] if nothing is left.
fn time_left(start: Instant, allowed: Duration) -> Result<Duration, LoadError> {
    match allowed.checked_sub(start.elapsed()) {
        Some(left) if !left.is_zero() => Ok(left),
        _ => Err(LoadError::OutOfTime {
            allowed_s: allowed.as_secs_f64(),
        }),
    }
}
