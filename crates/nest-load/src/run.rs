//! A whole run: start the target, pilot, plan, then step after step, each handed to the caller as it ends.

use std::{
    collections::BTreeMap,
    fs::File,
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use nest_data::{
    Caveat, Study,
    measurement::{Counts, Pilot, PlannedStep, Purpose, Resource, ResourceKind, Step, Window, Worth},
};

use crate::{
    LoadError,
    engine::{Engine, StepLimits, StepResult},
    interrupt::Interrupt,
    observe::{Observer, machine},
    pilot,
    plan::{self, Plan},
    script,
    target::{Address, StartedTarget, pin, run_command, wait_until_ready},
    verdict::{StepFacts, judge},
};

/// Limited steps in a row after which the ramp ends.
const LIMITED_IN_A_ROW: usize = 2;
/// Share of executions without a connection above which the target counts as lost.
const UNREACHABLE: f64 = 0.5;

/// What a run needs beside the study.
#[derive(Debug, Default)]
pub struct MeasureOptions {
    /// Folder in which the study's commands are run.
    pub folder: PathBuf,
    /// Variables added to the environment of the study's commands.
    pub environment: BTreeMap<String, String>,
    /// Secrets that templates read, by name.
    pub secrets: BTreeMap<String, String>,
    /// Where the target's messages go.
    pub target_log: Option<File>,
    /// An earlier run to go on with.
    pub resume: Option<Resume>,
}

/// An earlier run to go on with.
#[derive(Debug, Clone)]
pub struct Resume {
    /// Its plan.
    pub plan: Plan,
    /// Its pilot.
    pub pilot: Vec<Pilot>,
    /// Its finished steps.
    pub finished: Vec<Step>,
}

/// What happens in a run, for the caller to keep and to show.
#[derive(Debug)]
pub enum Event<'a> {
    /// The target is ready and its resources were found.
    Ready(&'a [Resource]),
    /// The pilot begins, one behaviour after the other.
    PilotStarted {
        /// How long it takes.
        seconds: f64,
    },
    /// The plan is resolved; it must be kept before the first step.
    Planned(&'a Plan, &'a [Pilot]),
    /// A step begins.
    StepStarted(&'a PlannedStep),
    /// A step has ended; it must be kept before the next one.
    StepFinished(&'a Step),
    /// A step was interrupted; it is worth keeping but not fitting.
    StepCut(&'a Step),
}

/// What a run gave.
#[derive(Debug)]
pub struct MeasureOutcome {
    /// The resources that were read.
    pub resources: Vec<Resource>,
    /// The pilot.
    pub pilot: Vec<Pilot>,
    /// Every finished step, those of a resumed run among them.
    pub steps: Vec<Step>,
    /// Doubts.
    pub caveats: Vec<Caveat>,
}

/// A run in progress.
struct Run<'a> {
    study: &'a Study,
    options: MeasureOptions,
    interrupt: &'a Interrupt,
    address: Address,
    started: Option<StartedTarget>,
    engine: Engine,
    observer: Observer,
    resources: Vec<Resource>,
    start: Instant,
}

/// Measures a study. `watch` is called with each event and keeps the steps; its error ends the run.
///
/// # Errors
/// [`LoadError`]; steps handed out before it stay valid. After an interrupt the cut step is handed out as such.
pub fn measure(
    study: &Study,
    options: MeasureOptions,
    interrupt: &Interrupt,
    watch: &mut dyn FnMut(Event<'_>) -> std::io::Result<()>,
) -> Result<MeasureOutcome, LoadError> {
    let mut run = Run::start(study, options, interrupt)?;
    watch(Event::Ready(&run.resources)).map_err(LoadError::Keep)?;
    let (plan, pilot, mut steps) = match run.options.resume.take() {
        Some(resume) => (resume.plan, resume.pilot, resume.finished),
        None => {
            let (plan, pilot) = run.plan(watch)?;
            (plan, pilot, Vec::new())
        }
    };
    watch(Event::Planned(&plan, &pilot)).map_err(LoadError::Keep)?;
    let mut caveats = plan.caveats.clone();
    for step in &plan.steps {
        if steps.iter().any(|finished| finished.plan.index == step.index) {
            continue;
        }
        if step.purpose == Purpose::Ramp && ramp_is_over(&steps) {
            let last = steps.last().map_or_else(String::new, |step| step.plan.label());
            if !caveats.iter().any(|caveat| matches!(caveat, Caveat::RampEnded { .. })) {
                caveats.push(Caveat::RampEnded { step: last });
            }
            continue;
        }
        watch(Event::StepStarted(step)).map_err(LoadError::Keep)?;
        let (finished, interrupted) = run.step(step)?;
        if interrupted {
            watch(Event::StepCut(&finished)).map_err(LoadError::Keep)?;
            return Err(LoadError::Interrupted);
        }
        watch(Event::StepFinished(&finished)).map_err(LoadError::Keep)?;
        steps.push(finished);
        run.reset()?;
    }
    steps.sort_by_key(|step| step.plan.index);
    Ok(MeasureOutcome { resources: run.resources.clone(), pilot, steps, caveats })
}

/// Resolves the plan of a study by its pilot, and measures nothing.
///
/// # Errors
/// As [`measure`].
pub fn resolve_plan(
    study: &Study,
    options: MeasureOptions,
    interrupt: &Interrupt,
    watch: &mut dyn FnMut(Event<'_>) -> std::io::Result<()>,
) -> Result<Plan, LoadError> {
    let mut run = Run::start(study, options, interrupt)?;
    run.plan(watch).map(|(plan, _)| plan)
}

/// Whether the last steps of the ramp were all too much for the target.
fn ramp_is_over(steps: &[Step]) -> bool {
    let ramp = steps.iter().rev().filter(|step| step.plan.purpose == Purpose::Ramp);
    ramp.take_while(|step| step.verdict.worth == Worth::Limited).count() >= LIMITED_IN_A_ROW
}

impl<'a> Run<'a> {
    fn start(study: &'a Study, mut options: MeasureOptions, interrupt: &'a Interrupt) -> Result<Self, LoadError> {
        let address = Address::of(&study.target.base_url)?;
        let scripts = script::compile(study, &options.secrets)?;
        let mut started = None;
        if let Some(command) = &study.target.start {
            let log = options.target_log.take().map_or_else(Stdio::null, Stdio::from);
            started = Some(StartedTarget::start(command, study, &address, &options.folder, &options.environment, log, interrupt)?);
        }
        wait_until_ready(study, &address, started.as_mut(), interrupt)?;
        if let Some(command) = &study.target.state {
            run_command("state", command, &options.folder, &options.environment, interrupt)?;
        }
        let mut cores: Vec<usize> = study.measure.generator_core.into_iter().collect();
        if cores.is_empty() {
            cores.push(machine::facts().cores.saturating_sub(1));
        }
        pin(&cores)?;
        let engine = Engine::new(scripts, &options.secrets, &study.target.base_url)?;
        let observer = Observer::new(study, started.as_ref().map(StartedTarget::pid), address.port)?;
        let mut resources = observer.resources().to_vec();
        let tier = resources.first().map_or_else(|| "app".to_owned(), |resource| resource.tier.clone());
        resources.push(Resource { name: format!("{tier}/network"), tier, kind: ResourceKind::Network, capacity: None });
        Ok(Self { study, options, interrupt, address, started, engine, observer, resources, start: Instant::now() })
    }

    fn plan(&mut self, watch: &mut dyn FnMut(Event<'_>) -> std::io::Result<()>) -> Result<(Plan, Vec<Pilot>), LoadError> {
        let span = self.study.measure.pilot.duration();
        watch(Event::PilotStarted { seconds: span.as_secs_f64() * self.engine.scripts().len() as f64 }).map_err(LoadError::Keep)?;
        let pilot = pilot::run(&self.engine, &mut self.observer, span, self.interrupt)?;
        self.reset()?;
        Ok((plan::resolve(self.study, &pilot, &self.resources)?, pilot))
    }

    fn reset(&mut self) -> Result<(), LoadError> {
        let Some(command) = &self.study.target.reset else { return Ok(()) };
        self.engine.forget_customers();
        run_command("reset", command, &self.options.folder, &self.options.environment, self.interrupt)
    }

    /// Runs one step; the flag says that it was interrupted.
    fn step(&mut self, step: &PlannedStep) -> Result<(Step, bool), LoadError> {
        let measure = &self.study.measure;
        let limits = StepLimits {
            settle: measure.settle.duration(),
            window: measure.window.duration(),
            windows: measure.windows as usize,
            drain: measure.timeout.duration(),
            max_in_flight: measure.max_in_flight as usize,
        };
        let started_s = self.start.elapsed().as_secs_f64();
        let lost = |reason: String| LoadError::TargetLost { step: step.label(), reason };
        let result = match self.engine.run_step(step, limits, &mut self.observer, self.interrupt) {
            Ok(result) => result,
            Err(LoadError::Probe { reason }) => return Err(lost(reason)),
            Err(LoadError::Read { what, .. }) => return Err(lost(format!("{what} cannot be read any more"))),
            Err(error) => return Err(error),
        };
        if let Some(status) = self.started.as_mut().and_then(StartedTarget::ended) {
            return Err(lost(format!("it ended with {status}")));
        }
        if !self.observer.is_alive() {
            return Err(lost("its process is gone".to_owned()));
        }
        let due: u64 = result.recorder.behaviours.iter().map(|record| record.executions.due).sum();
        let unreachable = result.recorder.errors_of("connect");
        if due > 0 && unreachable as f64 > UNREACHABLE * due as f64 && self.address.connect().is_err() {
            return Err(lost(format!("{unreachable} of {due} executions found no connection")));
        }
        let interrupted = result.interrupted;
        Ok((self.close(step, started_s, &result), interrupted))
    }

    /// Turns what a step gave into its document.
    fn close(&self, step: &PlannedStep, started_s: f64, result: &StepResult) -> Step {
        let names: Vec<String> = self.engine.scripts().iter().map(|script| script.name.clone()).collect();
        let recorder = &result.recorder;
        let windows = self.windows(&names, result);
        let by_name = |counts: &dyn Fn(usize) -> Counts| {
            names
                .iter()
                .enumerate()
                .map(|(index, name)| (name.clone(), counts(index)))
                .filter(|(_, counts)| counts.due > 0)
                .collect::<BTreeMap<_, _>>()
        };
        let executions = by_name(&|index| recorder.behaviours[index].executions);
        let mut total = Counts::default();
        executions.values().for_each(|counts| total.merge(counts));
        let span: f64 = windows.iter().map(|window| window.duration_s).sum();
        let facts = StepFacts {
            executions: total,
            windows: &windows,
            generator: result.generator,
            utilisation: self.utilisation(&windows),
            loaded: step.purpose != Purpose::Idle,
        };
        let mut verdict = judge(&facts);
        if result.interrupted {
            verdict.worth = Worth::Invalid;
            verdict.reasons.push("the step was interrupted".to_owned());
        }
        Step {
            plan: step.clone(),
            started_s,
            requests: by_name(&|index| recorder.behaviours[index].requests),
            settling: recorder.settling,
            errors: recorder.error_counts(&names),
            failures: recorder.kept_failures(&names),
            histograms: recorder.histograms(&names),
            active: recorder.execution_s / span.max(1e-9),
            in_flight: recorder.request_s / span.max(1e-9),
            generator: result.generator,
            executions,
            windows,
            verdict,
        }
    }

    fn windows(&self, names: &[String], result: &StepResult) -> Vec<Window> {
        let network =
            self.resources.iter().find(|resource| resource.kind == ResourceKind::Network).map(|resource| resource.name.clone()).unwrap_or_default();
        let of_pair = |(pair, record): (&[crate::observe::Sample], &crate::recorder::WindowRecord)| {
            let mut usage = pair[1].since(&pair[0]);
            usage.used.insert(network.clone(), record.bytes as f64);
            let completed =
                names.iter().zip(&record.completed).filter(|(_, count)| **count > 0).map(|(name, count)| (name.clone(), *count)).collect();
            Window {
                duration_s: round_to(pair[1].elapsed_since(&pair[0]), 1e-6),
                completed,
                failed: record.failed,
                used: usage.used,
                stolen: pair[1].stolen_since(&pair[0]),
                waiting: usage.waiting,
                throttled: usage.throttled,
                gaps: usage.gaps,
            }
        };
        result.samples.windows(2).zip(&result.recorder.windows).map(of_pair).collect()
    }

    fn utilisation(&self, windows: &[Window]) -> Option<f64> {
        let flows = self.resources.iter().filter(|resource| resource.kind != ResourceKind::Memory);
        flows
            .filter_map(|resource| Some(Window::used_per_s(windows, &resource.name)? / resource.capacity?))
            .filter(|utilisation| utilisation.is_finite())
            .reduce(f64::max)
    }
}

fn round_to(span: Duration, digit: f64) -> f64 {
    (span.as_secs_f64() / digit).round() * digit
}
