//! Runs steps: has a crew offer a load, waits until it has settled, samples the target at the edges of the
//! windows, and closes the books.
//!
//! - `crew`: who offers the load; `threads`: those of this process
//! - `locust`: processes that run a locustfile
//! - `watch`: waits and samples; `health`: how well the generator kept to its schedule

use std::{sync::Arc, time::Duration};

use nest_data::{
    Caveat,
    measurement::{Counts, GeneratorHealth, GeneratorMachine, GeneratorOf, Population, Window},
};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::{
    clock::MonotonicTime,
    error::LoadError,
    http::NoAnswer,
    observe::{Observer, Sample},
    recorder::{BehaviourRecord, Recorder},
    schedule::{load::StepLoad, rate_bound::RateBound},
    script::program::Program,
    verdict::{
        GeneratorKind, OF_STUDY, StepFacts,
        pause::{KnownWork, explained_pause_s},
        settle::Unsettled,
    },
    worker::command::AloneOrder,
};

pub mod crew;
pub mod health;
pub mod interrupt;
pub mod locust;
pub mod threads;
mod watch;

use crew::Crew;
use interrupt::Interrupt;
use threads::{PATIENCE, SlotRange, Threads};
use watch::Watch;

/// Quantile of the answers that counts as quick when customers may act in step.
const QUICK: f64 = 0.1;

/// Kinds of failures that come from a target that is full. A connection that is refused at once does not: on
/// Linux a full queue of connections leaves attempts unanswered.
///
/// Sources: RFC 9110, section 15.6 (503, 504), RFC 6585, section 4 (429), and listen(2), `tcp(7)`.
pub(crate) const OF_A_FULL_TARGET: [&str; 5] =
    [NoAnswer::TIMEOUT, "cut", "status 429", "status 503", "status 504"];

/// The generator: a crew whose customers live from step to step.
pub struct Engine {
    program: Arc<Program>,
    crew: Box<dyn Crew>,
}

/// Times and bounds of a step.
#[derive(Debug, Clone, Copy)]
pub struct StepLimits {
    /// Load before the windows: at least, and at most if the step has not settled by then.
    pub settle: Duration,
    pub settle_most: Duration,
    pub window: Duration,
    pub windows: usize,
    pub drain: Duration,
    /// Executions after which the step ends, if their number is bounded.
    pub executions: Option<u64>,
    /// The time of the run that the step belongs to, if it is bounded.
    pub run: Option<RunTime>,
}

/// The time that a run may take.
#[derive(Debug, Clone, Copy)]
pub struct RunTime {
    /// When it is over.
    pub until: MonotonicTime,
    /// How long it is, in seconds.
    pub allowed_s: f64,
}

/// Everything a step gave.
pub struct StepResult {
    pub recorder: Recorder,
    pub samples: Vec<Sample>, // one per window edge, windows + 1; none without an observer
    pub generator: GeneratorHealth,
    /// One per worker on another machine.
    pub generators: Vec<GeneratorOf>,
    /// Why the step is to run again, if it was not what was planned.
    pub broken: Option<String>,
    pub settle_s: f64,
    pub unsettled: Option<Unsettled>,
    pub population: Option<Population>,
    /// Share of the snapshots at which the target's processes were stopped.
    pub target_stopped: f64,
    /// Length of all windows, shorter if the step ended early.
    pub span_s: f64,
    pub interrupted: bool,
    /// Most requests per second, if they are bounded.
    pub max_rate: Option<f64>,
    /// What the generator is made of.
    pub kind: GeneratorKind,
}

impl StepResult {
    /// The numbers that the verdict rests on. What only a study knows is left open: utilisation, and what was
    /// planned.
    pub fn facts<'a>(&'a self, executions: Counts, requests: Counts, windows: &'a [Window]) -> StepFacts<'a> {
        let recorder = &self.recorder;
        let sent = recorder.sent_times_of_all();
        StepFacts {
            executions,
            requests,
            windows,
            generator: self.generator,
            kind: self.kind,
            median_s: sent.value_at_quantile(0.5) as f64 / 1e6,
            max_rate: self.max_rate,
            population: self.population,
            local_errors: recorder.errors_of(NoAnswer::LOCAL) + recorder.errors_of(NoAnswer::MEMORY),
            own_errors: recorder.own_errors(),
            wrong_answers: recorder.wrong_answers(),
            refused: recorder.errors_of(NoAnswer::CONNECT) > 0,
            turned_away: OF_A_FULL_TARGET
                .into_iter()
                .map(|kind| recorder.errors_of(kind))
                .sum::<u64>()
                + recorder.unanswered_connects,
            panics: recorder.panics,
            unsettled: self.unsettled,
            options: OF_STUDY,
            typical_s: sent.value_at_quantile(QUICK) as f64 / 1e6,
            silence_s: recorder
                .silence
                .longest()
                .map_or(0.0, |silence| silence.us as f64 / 1e6),
            explained_s: explained_pause_s(&self.known_work(&[]), None),
            target_stopped: self.target_stopped,
            interrupted: self.interrupted,
            generators: &self.generators,
            broken: self.broken.as_deref(),
            planned: None,
            utilisation: None,
            loaded: true,
        }
    }

    /// The requests of every behaviour, as the verdict on a silence needs them. One takes as long as a quick
    /// one of this step, or as `alone_s` says, by behaviour, where that is longer.
    pub fn known_work(&self, alone_s: &[f64]) -> Vec<KnownWork> {
        let recorder = &self.recorder;
        let open = recorder
            .silence
            .longest()
            .map_or(&[][..], |silence| silence.open.as_slice());
        let of_behaviour = |(index, record): (usize, &BehaviourRecord)| KnownWork {
            open: open.get(index).copied().unwrap_or(0),
            rate_per_s: record.requests.completed as f64 / self.span_s.max(1e-9),
            service_s: recorder
                .sent_quantile_s(index, QUICK)
                .unwrap_or(0.0)
                .max(alone_s.get(index).copied().unwrap_or(0.0)),
        };
        recorder.behaviours.iter().enumerate().map(of_behaviour).collect()
    }
}

impl Engine {
    /// An engine without customers; one thread on each of `cores`, or `threads` of them wherever there is
    /// room.
    ///
    /// # Errors
    /// [`LoadError::System`] if a thread, a runtime or a core is refused.
    pub fn new(program: Program, cores: &[usize], threads: usize) -> Result<Self, LoadError> {
        raise_open_files();
        let program = Arc::new(program);
        let count = if cores.is_empty() {
            threads.max(1)
        } else {
            cores.len()
        };
        let slots = SlotRange {
            first: 0,
            count,
            of: count,
        };
        let crew = Threads::start(&program, cores, slots)?;
        Ok(Self::with_crew(program, Box::new(crew)))
    }

    /// An engine whose load a crew offers that has the same behaviours.
    pub fn with_crew(program: Arc<Program>, crew: Box<dyn Crew>) -> Self {
        Self { program, crew }
    }

    /// The behaviours and what they share.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The machines of a crew that is elsewhere.
    pub fn machines(&self) -> Vec<GeneratorMachine> {
        self.crew.machines()
    }

    /// Doubts that the crew raises.
    pub fn caveats(&self) -> Vec<Caveat> {
        self.crew.caveats()
    }

    /// Processor time that Python processes have spent so far, in seconds; nothing of any other generator.
    pub fn python_s(&self) -> Option<f64> {
        let used = || self.crew.used().iter().map(|slot| slot.cpu_s).sum();
        (self.crew.kind() == GeneratorKind::Python).then(used)
    }

    /// Most requests per second, if they are bounded.
    pub fn max_rate(&self) -> Option<f64> {
        self.program.settings.bound.as_ref().map(RateBound::per_s)
    }

    /// Lets all customers go, after stored data was reset.
    ///
    /// # Errors
    /// [`LoadError::WorkerGone`].
    pub fn forget_customers(&self) -> Result<(), LoadError> {
        self.crew.forget()
    }

    /// Executes one behaviour again and again, one at a time, for a while, and no longer than the run has
    /// `left`; returns how long it took in all.
    ///
    /// # Errors
    /// [`LoadError::WorkerGone`].
    pub fn run_alone(
        &self,
        behaviour: usize,
        span: Duration,
        most: u64,
        left: Duration,
        interrupt: &Interrupt,
    ) -> Result<(Recorder, f64), LoadError> {
        // An execution under way when the span is over is waited for, but not for ever.
        let longest = span * 4 + Duration::from_secs_f64(self.program.settings.timeout_s * 6.0) + PATIENCE;
        let longest = longest.min(left);
        let (recorder, took) = self.crew.alone(AloneOrder {
            behaviour,
            span,
            most,
            longest,
            interrupt: interrupt.clone(),
        })?;
        Ok((recorder, took.as_secs_f64()))
    }

    /// Runs a step to its end, or until it is interrupted.
    ///
    /// # Errors
    /// [`LoadError::TooManyArrivals`], [`LoadError::TooManyCustomers`], an error of the observer, or
    /// [`LoadError::WorkerGone`].
    pub fn run_step(
        &self,
        load: &StepLoad,
        limits: StepLimits,
        observer: Option<&mut Observer>,
        interrupt: &Interrupt,
    ) -> Result<StepResult, LoadError> {
        load.check()?;
        let control = self.crew.send(load, &limits, interrupt)?;
        let mut watch = Watch::new(self, load, limits, &control, observer);
        let watched = watch.run(interrupt);
        if watched.is_err() || interrupt.is_requested() || self.crew.broken().is_some() {
            self.crew.stop(&control);
        }
        let collected = self.crew.collect(&control, limits.drain, interrupt);
        watched?;
        let mut result = watch.result(collected?);
        result.interrupted = interrupt.is_requested();
        Ok(result)
    }
}

/// Lets this process open as many files as it may: each customer needs one.
pub fn raise_open_files() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        // If it is refused, customers without a descriptor say so.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}
