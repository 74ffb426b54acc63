//! Runs steps: has the workers offer a load, waits until it has settled, samples the target at the edges of the windows, and
//! closes the books.

use std::{
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use nest_data::measurement::{Counts, GeneratorHealth, Population, ResponseClock, Window};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::{
    clock::MonotonicTime,
    engine::interrupt::Interrupt,
    error::LoadError,
    http::NoAnswer,
    observe::{Observer, Sample, threads},
    recorder::Recorder,
    recorder::windows::{POLL_INTERVAL, StepControl},
    run::target::pin,
    schedule::load::StepLoad,
    script::program::Program,
    verdict::StepFacts,
    verdict::settle::{self, Snapshot, Unsettled},
    worker::{
        command::{AloneOrder, StepOrder, WorkerCommand, WorkerEvent},
        work,
    },
};

pub mod interrupt;

/// Quantile of the answers that counts as quick where customers may act in step.
const QUICK: f64 = 0.1;
/// How far ahead the start of a step and of its windows is set, so that every worker sees it in time.
const AHEAD: Duration = Duration::from_millis(20);
/// How long after its drain a worker may take to hand in what it recorded.
const PATIENCE: Duration = Duration::from_secs(30);

/// The generator: workers, each with customers that live from step to step.
pub struct Engine {
    program: Arc<Program>,
    workers: Vec<WorkerThread>,
}

struct WorkerThread {
    commands: Option<mpsc::Sender<WorkerCommand>>,
    events: mpsc::Receiver<WorkerEvent>,
    thread: Option<JoinHandle<()>>,
    tid: i32,
}

/// Times and bounds of a step.
#[derive(Debug, Clone, Copy)]
pub struct StepLimits {
    /// StepLoad before the windows: at least, and at most where it has not settled by then.
    pub settle: Duration,
    pub settle_most: Duration,
    pub window: Duration,
    pub windows: usize,
    pub drain: Duration,
    /// Executions after which the step ends, where their number is bounded.
    pub executions: Option<u64>,
}

/// Everything a step gave.
pub struct StepResult {
    pub recorder: Recorder,
    pub samples: Vec<Sample>, // one per window edge, windows + 1; none without an observer
    pub generator: GeneratorHealth,
    pub settle_s: f64,
    pub unsettled: Option<Unsettled>,
    pub population: Option<Population>,
    /// Share of the snapshots at which the target's processes were stopped.
    pub target_stopped: f64,
    /// Length of all windows, shorter where the step ended early.
    pub span_s: f64,
    pub interrupted: bool,
}

impl StepResult {
    /// The numbers that the verdict rests on. What only a study knows is left open: utilisation, and what was planned.
    pub fn facts<'a>(&self, executions: Counts, requests: Counts, windows: &'a [Window]) -> StepFacts<'a> {
        let recorder = &self.recorder;
        StepFacts {
            executions,
            requests,
            windows,
            generator: self.generator,
            population: self.population,
            local_errors: recorder.errors_of(NoAnswer::LOCAL),
            own_errors: recorder.own_errors(),
            refused: recorder.errors_of(NoAnswer::CONNECT) > 0,
            panics: recorder.panics,
            unsettled: self.unsettled,
            typical_s: recorder
                .response_times(ResponseClock::Sent)
                .value_at_quantile(QUICK) as f64
                / 1e6,
            silence_s: recorder.longest_silence_us.unwrap_or(0) as f64 / 1e6,
            target_stopped: self.target_stopped,
            interrupted: self.interrupted,
            planned: None,
            utilisation: None,
            loaded: true,
        }
    }
}

impl Engine {
    /// An engine without customers; one worker on each of `cores`, or `workers` of them wherever there is room.
    ///
    /// # Errors
    /// [`LoadError::System`] where a thread, a runtime or a core is refused.
    pub fn new(program: Program, cores: &[usize], workers: usize) -> Result<Self, LoadError> {
        raise_open_files();
        let program = Arc::new(program);
        let count = if cores.is_empty() {
            workers.max(1)
        } else {
            cores.len()
        };
        let mut engine = Self {
            program: Arc::clone(&program),
            workers: Vec::new(),
        };
        for index in 0..count {
            engine.workers.push(WorkerThread::start(
                index,
                count,
                cores.get(index).copied(),
                Arc::clone(&program),
            )?);
        }
        Ok(engine)
    }

    /// The behaviours and what they share.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Lets all customers go, after stored data was reset.
    ///
    /// # Errors
    /// [`LoadError::System`] where a worker is gone.
    pub fn forget_customers(&self) -> Result<(), LoadError> {
        for worker in &self.workers {
            worker.send(WorkerCommand::Forget)?;
            worker.done(PATIENCE)?;
        }
        Ok(())
    }

    /// Executes one behaviour again and again, one at a time, for a while; returns how long it took in all.
    ///
    /// # Errors
    /// [`LoadError::System`] where the worker is gone.
    pub fn run_alone(
        &self,
        behaviour: usize,
        span: Duration,
        most: u64,
        interrupt: &Interrupt,
    ) -> Result<(Recorder, f64), LoadError> {
        let worker = self.workers.first().expect("an engine has a worker");
        // An execution under way when the span is over is waited for, but not for ever.
        let longest = span * 4 + Duration::from_secs_f64(self.program.settings.timeout_s * 6.0) + PATIENCE;
        worker.send(WorkerCommand::Alone(AloneOrder {
            behaviour,
            span,
            most,
            longest,
            interrupt: interrupt.clone(),
        }))?;
        let (recorder, took) = worker.done(longest + PATIENCE)?;
        Ok((recorder, took.as_secs_f64()))
    }

    /// Runs a step to its end, or until it is interrupted.
    ///
    /// # Errors
    /// What the observer says, and [`LoadError::System`] where a worker is gone.
    pub fn run_step(
        &self,
        load: &StepLoad,
        limits: StepLimits,
        observer: Option<&mut Observer>,
        interrupt: &Interrupt,
    ) -> Result<StepResult, LoadError> {
        let start = MonotonicTime::now().after(AHEAD);
        let control = Arc::new(StepControl::new(
            start,
            limits.window,
            limits.windows,
            self.workers.len(),
            limits.executions,
        ));
        if limits.executions.is_some() {
            control.measure_from(start);
        }
        for worker in &self.workers {
            worker.send(WorkerCommand::Step(StepOrder {
                load: load.clone(),
                control: Arc::clone(&control),
                drain: limits.drain,
            }))?;
        }
        let mut watch = Watch::new(self, load, limits, &control, observer);
        let watched = watch.run(interrupt);
        if watched.is_err() || interrupt.is_requested() {
            control.measure_until(MonotonicTime::now());
            control.stop();
        }
        let recorder = self.collect(&control, limits.drain);
        watched?;
        let mut result = watch.result(recorder?);
        result.interrupted = interrupt.is_requested();
        Ok(result)
    }

    fn collect(&self, control: &StepControl, drain: Duration) -> Result<Recorder, LoadError> {
        let mut merged: Option<Recorder> = None;
        for worker in &self.workers {
            let (mut recorder, _) = worker.done(drain + PATIENCE)?;
            recorder.close(control);
            match &mut merged {
                Some(merged) => merged.merge(recorder),
                None => merged = Some(recorder),
            }
        }
        merged.ok_or_else(gone)
    }
}

impl WorkerThread {
    fn start(
        index: usize,
        workers: usize,
        core: Option<usize>,
        program: Arc<Program>,
    ) -> Result<Self, LoadError> {
        let (commands, command_receiver) = mpsc::channel();
        let (event_sender, events) = mpsc::channel();
        let run = move || {
            if let Some(core) = core
                && let Err(LoadError::System { source, .. }) = pin(&[core])
            {
                return drop(event_sender.send(WorkerEvent::Refused(source)));
            }
            work(index, workers, program, &command_receiver, &event_sender);
        };
        let thread = std::thread::Builder::new()
            .name(format!("nest-worker-{index}"))
            .spawn(run)
            .map_err(refused)?;
        let mut worker = Self {
            commands: Some(commands),
            events,
            thread: Some(thread),
            tid: 0,
        };
        match worker.events.recv_timeout(PATIENCE) {
            Ok(WorkerEvent::Ready(tid)) => worker.tid = tid,
            Ok(WorkerEvent::Refused(source)) => return Err(refused(source)),
            Ok(WorkerEvent::Done(..)) | Err(_) => return Err(gone()),
        }
        Ok(worker)
    }

    fn send(&self, command: WorkerCommand) -> Result<(), LoadError> {
        self.commands
            .as_ref()
            .ok_or_else(gone)?
            .send(command)
            .map_err(|_| gone())
    }

    fn done(&self, patience: Duration) -> Result<(Recorder, Duration), LoadError> {
        match self.events.recv_timeout(patience) {
            Ok(WorkerEvent::Done(recorder, took)) => Ok((*recorder, took)),
            _ => Err(gone()),
        }
    }
}

impl Drop for WorkerThread {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            // A worker that panicked has told so on its own.
            let _ = thread.join();
        }
    }
}

/// Watches a step while the workers offer its load.
struct Watch<'a> {
    engine: &'a Engine,
    limits: StepLimits,
    control: &'a StepControl,
    observer: Option<&'a mut Observer>,
    wanted: settle::SettleGoal,
    planned: Option<usize>,
    snapshots: Vec<Snapshot>,
    unsettled: Option<Unsettled>,
    samples: Vec<Sample>,
    edges: usize,
    fewest: Option<i64>,
    stopped: (u64, u64), // snapshots at which the target was stopped, and all snapshots
    threads: Vec<threads::ThreadUse>,
    used: GeneratorUse,
    civil: (MonotonicTime, f64),
}

#[derive(Default)]
struct GeneratorUse {
    cpu: f64,
    waiting: f64,
    clock_step_s: f64,
}

impl<'a> Watch<'a> {
    fn new(
        engine: &'a Engine,
        load: &StepLoad,
        limits: StepLimits,
        control: &'a StepControl,
        observer: Option<&'a mut Observer>,
    ) -> Self {
        // Of a counted step the customers leave as its executions are used up.
        let planned = if limits.executions.is_some() {
            None
        } else {
            load.population()
        };
        let wanted = settle::SettleGoal {
            rate_per_s: load.offered_per_s(),
            population: planned.map(|planned| planned as i64),
        };
        Self {
            engine,
            limits,
            control,
            observer,
            wanted,
            planned,
            snapshots: vec![Snapshot::default()],
            unsettled: None,
            samples: Vec::new(),
            edges: 0,
            fewest: None,
            stopped: (0, 0),
            threads: Vec::new(),
            used: GeneratorUse::default(),
            civil: (MonotonicTime::NEVER, 0.0),
        }
    }

    /// Looks and samples until the last edge, the end of a counted step, or an interrupt.
    fn run(&mut self, interrupt: &Interrupt) -> Result<(), LoadError> {
        while self.edges <= self.control.windows() && !interrupt.is_requested() {
            let edge = self.control.edge(self.edges);
            let now = MonotonicTime::now();
            if now >= edge {
                self.at_edge()?;
                continue;
            }
            self.look(now);
            if self.control.is_counted() && self.all_done() {
                // The executions were used up before the window was over.
                self.control.measure_until(MonotonicTime::now());
                self.at_edge()?;
                self.edges = self.control.windows() + 1;
                break;
            }
            let next = edge.min(now.after(POLL_INTERVAL));
            std::thread::sleep(next.since(MonotonicTime::now()));
        }
        Ok(())
    }

    fn all_done(&self) -> bool {
        let progress = &self.control.progress;
        self.control.is_used_up()
            && progress
                .iter()
                .all(|one| one.active.load(std::sync::atomic::Ordering::Relaxed) == 0)
    }

    fn look(&mut self, now: MonotonicTime) {
        use std::sync::atomic::Ordering::Relaxed;
        let measuring = self.control.from() <= now;
        if measuring {
            self.look_at_target();
            return;
        }
        if self.control.from() != MonotonicTime::NEVER || now < self.control.start {
            return;
        }
        let sum = |of: &dyn Fn(&crate::recorder::windows::WorkerProgress) -> i64| {
            self.control.progress.iter().map(of).sum::<i64>()
        };
        let at = now.since(self.control.start);
        self.snapshots.push(Snapshot {
            at_s: at.as_secs_f64(),
            ended: sum(&|one| one.ended.load(Relaxed) as i64) as u64,
            spent_s: sum(&|one| one.spent_us.load(Relaxed) as i64) as f64 / 1e6,
            present: sum(&|one| one.present.load(Relaxed)),
        });
        if at < self.limits.settle {
            return;
        }
        let state = settle::settled(&self.snapshots, self.limits.settle.as_secs_f64(), self.wanted);
        if state.is_ok() || at >= self.limits.settle_most {
            self.unsettled = state.err();
            self.control.measure_from(now.after(AHEAD));
        }
    }

    fn look_at_target(&mut self) {
        if let Some(observer) = &self.observer {
            self.stopped.1 += 1;
            self.stopped.0 += u64::from(observer.is_stopped());
        }
    }

    fn at_edge(&mut self) -> Result<(), LoadError> {
        use std::sync::atomic::Ordering::Relaxed;
        if let Some(observer) = self.observer.as_mut() {
            self.samples.push(observer.sample()?);
        }
        let reachable: i64 = self
            .control
            .progress
            .iter()
            .map(|one| one.present.load(Relaxed) - one.unreachable.load(Relaxed))
            .sum();
        self.fewest = Some(self.fewest.map_or(reachable, |fewest| fewest.min(reachable)));
        let threads: Vec<threads::ThreadUse> = self
            .engine
            .workers
            .iter()
            .map(|worker| threads::of_own(worker.tid))
            .collect();
        if self.edges == 0 {
            self.threads = threads;
            self.civil = (MonotonicTime::now(), threads::civil_s());
        } else {
            self.note_use(&threads);
        }
        self.edges += 1;
        Ok(())
    }

    /// What the generator used since the first edge.
    fn note_use(&mut self, threads: &[threads::ThreadUse]) {
        let span_s = MonotonicTime::now().since(self.civil.0).as_secs_f64().max(1e-6);
        let most = |of: &dyn Fn(&threads::ThreadUse) -> f64| {
            threads
                .iter()
                .zip(&self.threads)
                .map(|(after, before)| (of(after) - of(before)) / span_s)
                .fold(0.0, f64::max)
        };
        self.used.cpu = most(&|thread| thread.cpu_s);
        self.used.waiting = most(&|thread| thread.waited_s);
        self.used.clock_step_s = threads::civil_s() - self.civil.1 - span_s;
    }

    fn result(self, recorder: Recorder) -> StepResult {
        let at =
            |hdr: &hdrhistogram::Histogram<u64>, quantile: f64| hdr.value_at_quantile(quantile) as f64 / 1e6;
        let generator = GeneratorHealth {
            cpu: self.used.cpu,
            lateness_p50_s: at(&recorder.lateness, 0.5),
            lateness_p99_s: at(&recorder.lateness, 0.99),
            clock_p99_s: at(&recorder.clock, 0.99),
            waiting: self.used.waiting,
            lost_connections: recorder.lost_connections,
            repeated: recorder.repeated,
            queued: recorder.queued,
            clock_step_s: self.used.clock_step_s,
        };
        let reached = self.fewest.unwrap_or(0).max(0) as u32;
        let end = self.control.end().min(MonotonicTime::now());
        let from = self.control.from();
        StepResult {
            recorder,
            samples: self.samples,
            generator,
            settle_s: if from == MonotonicTime::NEVER {
                0.0
            } else {
                from.since(self.control.start).as_secs_f64()
            },
            unsettled: self.unsettled,
            population: self.planned.map(|planned| Population {
                planned: planned as u32,
                reached: reached.min(planned as u32),
            }),
            target_stopped: self.stopped.0 as f64 / self.stopped.1.max(1) as f64,
            span_s: if from == MonotonicTime::NEVER {
                0.0
            } else {
                end.since(from).as_secs_f64()
            },
            interrupted: false,
        }
    }
}

/// Lets this process open as many files as it may: each customer needs one.
fn raise_open_files() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        // Where it is refused, customers without a descriptor say so.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

fn refused(source: std::io::Error) -> LoadError {
    LoadError::System {
        what: "a worker of the load generator",
        source,
    }
}

fn gone() -> LoadError {
    refused(std::io::Error::other("it ended before its work was done"))
}
