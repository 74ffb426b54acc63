//! What a worker runs: the study that it was given, the threads that play it, and the step at work.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use nest_data::feed::Feed;
use tokio::task::JoinHandle;

use super::{
    WorkerOptions,
    job::{Job, JobResult, lock, run_alone, run_step},
};
use crate::{
    clock::MonotonicTime,
    engine::{
        crew::Crew,
        interrupt::Interrupt,
        threads::{SlotRange, Threads},
    },
    error::LoadError,
    fleet::{
        clock::on_worker,
        message::{
            Closed, LeasedRows, PartData, Prepared, Progress, RemoteLimits, SlotProgress, WindowsKnown,
        },
        news::FleetNews,
        parts::{Assembly, part_of, parts_of, sha256},
        program::{Assignment, ReadyProgram, feed_of, share, too_fast},
    },
    recorder::{tally::RunningTally, windows::StepControl},
    schedule::load::{LoadModel, StepLoad},
    script::program::Program,
    worker::command::AloneOrder,
};

/// What a worker runs.
pub struct Station {
    options: Arc<WorkerOptions>,
    parts: Assembly,
    parts_of_feeds: BTreeMap<String, Assembly>,
    assignment: Option<Arc<Assignment>>,
    feeds: Arc<BTreeMap<String, Feed>>,
    ready: Option<Ready>,
    prepared: Option<PreparedStep>,
    at_work: Option<AtWork>,
    closed: Option<ClosedStep>,
}

/// A program that is ready to run, and the threads that run it.
struct Ready {
    program: Arc<Program>,
    addresses: Vec<String>,
    slots: SlotRange,
    job: Job,
}

/// A step that may be started.
struct PreparedStep {
    step: u64,
    load: StepLoad,
    limits: RemoteLimits,
}

/// A step, or a behaviour alone, that runs.
struct AtWork {
    step: u64,
    /// None for a behaviour alone.
    control: Option<Arc<StepControl>>,
    offset_ns: i64,
    interrupt: Interrupt,
    ended_early: Option<String>,
    seq: u64,
    work: JoinHandle<Result<JobResult, LoadError>>,
}

/// What was recorded, until the next step.
struct ClosedStep {
    step: u64,
    answer: Closed,
    bytes: Vec<u8>,
}

impl Station {
    /// With nothing to run yet.
    pub fn new(options: WorkerOptions) -> Self {
        Self {
            options: Arc::new(options),
            parts: Assembly::default(),
            parts_of_feeds: BTreeMap::new(),
            assignment: None,
            feeds: Arc::default(),
            ready: None,
            prepared: None,
            at_work: None,
            closed: None,
        }
    }

    /// Says what happens.
    pub fn tell(&self, news: FleetNews) {
        self.options.listener.tell(news);
    }

    /// Takes a part of the study.
    pub fn take_study(&mut self, part: &PartData) -> Result<(), String> {
        let Some(bytes) = self.parts.add(part).map_err(|error| error.to_string())? else {
            return Ok(());
        };
        let assignment: Assignment =
            serde_json::from_slice(&bytes).map_err(|error| format!("the study cannot be read: {error}"))?;
        if let Some(reason) = assignment.refusal(&self.options.rules()) {
            return Err(reason);
        }
        let names = self.options.registry.names();
        let mut code = assignment
            .study
            .behaviours
            .iter()
            .filter(|(_, behaviour)| behaviour.code);
        if let Some((name, _)) = code.find(|(name, _)| !names.contains_key(name.as_str())) {
            return Err(format!(
                "the behaviour `{name}` is written in Rust, and this program does not have it"
            ));
        }
        self.tell(FleetNews::Given {
            study: assignment.study.study.name.clone(),
            url: assignment.study.target.base_url.clone(),
        });
        self.assignment = Some(Arc::new(assignment));
        self.ready = None;
        Ok(())
    }

    /// Takes a part of a feed.
    pub fn take_feed(&mut self, name: &str, part: &PartData) -> Result<(), String> {
        let known = self
            .assignment
            .as_ref()
            .is_some_and(|given| given.study.feeds.contains_key(name));
        if !known {
            return Err(format!("the study has no feed `{name}`"));
        }
        let assembly = self.parts_of_feeds.entry(name.to_owned()).or_default();
        let added = assembly
            .add(part)
            .map_err(|error| format!("feed `{name}`: {error}; give workers a shorter file"))?;
        let Some(bytes) = added else { return Ok(()) };
        let text = String::from_utf8(bytes).map_err(|_| format!("feed `{name}` is no text"))?;
        let feed = feed_of(name, &text)?;
        Arc::make_mut(&mut self.feeds).insert(name.to_owned(), feed);
        self.ready = None;
        Ok(())
    }

    /// Gets ready for a step.
    pub async fn prepare(
        &mut self,
        step: u64,
        load: StepLoad,
        limits: RemoteLimits,
        slots: SlotRange,
        rows: LeasedRows,
    ) -> Result<Prepared, String> {
        load.check().map_err(|error| error.to_string())?;
        self.check_customers(&load, slots)?;
        let missing = self.get_ready(slots).await?;
        let Some(ready) = &self.ready else {
            return Ok(Prepared {
                addresses: Vec::new(),
                missing_secrets: missing,
                schedule_seed: load.seed,
            });
        };
        if load.rates.len() != ready.program.scripts.len() {
            return Err("the load is not one of the study's behaviours".to_owned());
        }
        lease(&ready.program, rows);
        let prepared = Prepared {
            addresses: ready.addresses.clone(),
            missing_secrets: Vec::new(),
            schedule_seed: load.seed,
        };
        self.closed = None;
        self.prepared = Some(PreparedStep { step, load, limits });
        Ok(prepared)
    }

    /// Refuses more customers than this worker plays.
    fn check_customers(&self, load: &StepLoad, slots: SlotRange) -> Result<(), String> {
        let all = match load.model {
            LoadModel::Open { most, .. } | LoadModel::PartlyOpen { most, .. } => most,
            LoadModel::Closed { customers } => customers,
        };
        let own = share(all as f64, slots).ceil() as u64;
        match self.options.max_customers.filter(|most| own > *most) {
            None => Ok(()),
            Some(most) => Err(format!(
                "its share of the customers is {own}, above its --max-customers {most}"
            )),
        }
    }

    /// Compiles the study and starts threads for some slots, unless they are there already. The names of
    /// secrets that are missing, without which nothing is ready.
    async fn get_ready(&mut self, slots: SlotRange) -> Result<Vec<String>, String> {
        let Some(assignment) = self.assignment.clone() else {
            return Err("it has no study".to_owned());
        };
        if slots.count != self.options.slots || slots.first + slots.count > slots.of {
            return Err(format!(
                "it has {} slots, and was given {} of {}",
                self.options.slots, slots.count, slots.of
            ));
        }
        self.finish_work().await;
        let asked = share(assignment.study.measure.max_rate, slots);
        if let Some(most) = self.options.max_rate.filter(|most| asked > *most) {
            return Err(too_fast(asked, most));
        }
        if self.ready.as_ref().is_some_and(|ready| ready.slots == slots) {
            return Ok(Vec::new());
        }
        // The threads of other slots end first.
        self.ready = None;
        let (secrets, missing) = self.options.secrets(assignment.secret_names());
        if !missing.is_empty() {
            return Ok(missing);
        }
        let (options, feeds) = (Arc::clone(&self.options), Arc::clone(&self.feeds));
        // Looking up a name may take long, and must not keep pings from their answers.
        let starting = tokio::task::spawn_blocking(move || {
            let ReadyProgram { program, addresses } =
                assignment.ready(&feeds, &options.registry, &secrets, &options.rules(), slots)?;
            let program = Arc::new(program);
            let threads = Threads::start(&program, &options.cores, slots)?;
            Ok::<_, LoadError>(Ready {
                program,
                addresses,
                slots,
                job: Job::of(threads),
            })
        });
        let started = starting.await.map_err(|error| error.to_string())?;
        self.ready = Some(started.map_err(|error| match error {
            LoadError::WorkerRefuses { reason, .. } => reason,
            other => words_of(&other),
        })?);
        Ok(Vec::new())
    }

    /// Starts the step that it is ready for.
    pub fn start(
        &mut self,
        step: u64,
        start_ns: u64,
        offset_ns: i64,
        hard_end_ns: u64,
    ) -> Result<(), String> {
        if self.at_work.as_ref().is_some_and(|work| work.step == step) {
            return Ok(()); // it was told twice
        }
        let (Some(ready), Some(prepared)) = (
            &self.ready,
            self.prepared.take_if(|prepared| prepared.step == step),
        ) else {
            return Err(format!("it is not ready for step {step}"));
        };
        let start = MonotonicTime::from_nanoseconds(on_worker(start_ns, offset_ns));
        if MonotonicTime::now() > start {
            return Err("it learnt of the start after that".to_owned());
        }
        let window = Duration::from_nanos(prepared.limits.window_ns);
        let control = StepControl::new(start, window, prepared.limits.windows, ready.slots.of, None);
        let control = Arc::new(control.with_tallies());
        let hard_end = MonotonicTime::from_nanoseconds(on_worker(hard_end_ns, offset_ns));
        let (job, shared) = (ready.job.clone(), Arc::clone(&control));
        let begun = begun(&prepared.load, ready.slots);
        let drain = Duration::from_nanos(prepared.limits.drain_ns);
        let work =
            tokio::task::spawn_blocking(move || run_step(&job, &prepared.load, &shared, drain, hard_end));
        self.at_work = Some(AtWork {
            step,
            control: Some(control),
            offset_ns,
            interrupt: Interrupt::default(),
            ended_early: None,
            seq: 0,
            work,
        });
        self.tell(begun);
        Ok(())
    }

    /// Learns where the windows begin.
    pub fn windows(
        &mut self,
        step: u64,
        from_ns: u64,
        received: MonotonicTime,
    ) -> Result<WindowsKnown, String> {
        let work = self.at_work.as_ref().filter(|work| work.step == step);
        let Some((control, offset_ns)) = work.and_then(|work| Some((work.control.as_ref()?, work.offset_ns)))
        else {
            return Err(format!("step {step} does not run"));
        };
        let from = MonotonicTime::from_nanoseconds(on_worker(from_ns, offset_ns));
        if MonotonicTime::now() > from {
            return Err("it learnt of the windows after their begin".to_owned());
        }
        // It is never moved.
        if control.from() == MonotonicTime::NEVER {
            control.measure_from(from);
        }
        Ok(WindowsKnown {
            received_ns: received.nanoseconds(),
        })
    }

    /// Ends a step.
    pub fn stop(&mut self, step: u64) -> Result<(), String> {
        if self.at_work.as_ref().is_some_and(|work| work.step == step) {
            self.end(None);
        }
        Ok(())
    }

    /// Ends whatever runs; `why`, if that was not the coordinator's wish.
    pub fn end(&mut self, why: Option<String>) {
        let Some(work) = &mut self.at_work else { return };
        if work.work.is_finished() {
            return;
        }
        if work.ended_early.is_none() {
            let cut = |reason: &String| FleetNews::Cut {
                reason: reason.clone(),
            };
            why.iter()
                .for_each(|reason| self.options.listener.tell(cut(reason)));
            work.ended_early = why;
        }
        work.interrupt.request();
        if let Some(control) = &work.control
            && !control.is_stopped()
        {
            control.measure_until(MonotonicTime::now());
            control.stop();
        }
    }

    /// How far the step is that runs.
    pub fn progress(&mut self) -> Option<Progress> {
        let work = self.at_work.as_mut()?;
        let (control, ready) = (work.control.as_ref()?, self.ready.as_ref()?);
        work.seq += 1;
        let own = control
            .progress
            .iter()
            .skip(ready.slots.first)
            .take(ready.slots.count);
        let (cpu, waiting) = ready.job.used();
        let mut progress = Progress {
            step: work.step,
            seq: work.seq,
            at_ns: MonotonicTime::now().nanoseconds(),
            slots: own.map(SlotProgress::of).collect(),
            counts: Vec::new(),
            requests: Vec::new(),
            settling: [0; 4],
            cpu,
            waiting,
        };
        progress.set_tally(&control.tally());
        Some(progress)
    }

    /// What was recorded in a step that is over; nothing yet while it is not.
    pub async fn close(&mut self, step: u64) -> Result<Closed, String> {
        if let Some(closed) = self.closed.as_ref().filter(|closed| closed.step == step) {
            return Ok(closed.answer.clone());
        }
        let work = self.at_work.take_if(|work| work.step == step);
        let Some(work) = work else {
            return Err(format!("it knows nothing of step {step}"));
        };
        if !work.work.is_finished() {
            self.at_work = Some(work);
            return Ok(Closed::default());
        }
        let result = work.work.await.map_err(|error| error.to_string())?;
        let result = result.map_err(|error| words_of(&error))?;
        let mut tally = RunningTally::default();
        tally.update(&result.recorder);
        self.tell(FleetNews::Ended {
            counts: tally.executions(),
        });
        let bytes = serde_json::to_vec(&result.recorder.into_parts()).map_err(|error| error.to_string())?;
        let answer = Closed {
            parts: parts_of(bytes.len()),
            sha256: sha256(&bytes),
            health: result.health,
            throttled_s: result.throttled_s,
            ended_early: work.ended_early.or(result.ended_early),
            taken: self.taken(),
            took_s: result.took.as_secs_f64(),
        };
        self.closed = Some(ClosedStep {
            step,
            answer: answer.clone(),
            bytes,
        });
        Ok(answer)
    }

    /// Rows of unique feeds that were taken.
    fn taken(&self) -> BTreeMap<String, u64> {
        let feeds = self.ready.iter().flat_map(|ready| &ready.program.settings.feeds);
        feeds
            .filter(|feed| feed.unique_rows().is_some())
            .map(|feed| (feed.name().to_owned(), feed.taken()))
            .collect()
    }

    /// A part of what was recorded.
    pub fn part(&self, step: u64, n: usize) -> Result<PartData, String> {
        let closed = self.closed.as_ref().filter(|closed| closed.step == step);
        let part = closed.and_then(|closed| part_of(&closed.bytes, &closed.answer.sha256, n));
        part.ok_or_else(|| format!("it has no part {n} of step {step}"))
    }

    /// Executes one behaviour again and again, for a span, and no longer than the other one.
    pub async fn alone(
        &mut self,
        step: u64,
        behaviour: usize,
        [span, longest]: [Duration; 2],
        most: u64,
        slots: SlotRange,
        rows: LeasedRows,
    ) -> Result<(), String> {
        let missing = self.get_ready(slots).await?;
        let Some(ready) = &self.ready else {
            return Err(format!(
                "its environment does not have {}, which behaviours read",
                missing.join(", ")
            ));
        };
        if behaviour >= ready.program.scripts.len() {
            return Err(format!("the study has no behaviour {behaviour}"));
        }
        lease(&ready.program, rows);
        let name = ready.program.names()[behaviour].clone();
        (self.closed, self.prepared) = (None, None);
        let interrupt = Interrupt::default();
        let order = AloneOrder {
            behaviour,
            span,
            most,
            longest,
            interrupt: interrupt.clone(),
        };
        let job = ready.job.clone();
        self.at_work = Some(AtWork {
            step,
            control: None,
            offset_ns: 0,
            interrupt,
            ended_early: None,
            seq: 0,
            work: tokio::task::spawn_blocking(move || run_alone(&job, order)),
        });
        self.tell(FleetNews::Alone { behaviour: name });
        Ok(())
    }

    /// Lets all customers go.
    pub async fn forget(&mut self) -> Result<(), String> {
        self.finish_work().await;
        let Some(ready) = &self.ready else { return Ok(()) };
        let job = ready.job.clone();
        let forgotten = tokio::task::spawn_blocking(move || lock(&job).forget());
        let forgotten = forgotten.await.map_err(|error| error.to_string())?;
        forgotten.map_err(|error| error.to_string())
    }

    /// Ends what runs, and waits for it; what it recorded is of no use any more.
    async fn finish_work(&mut self) {
        self.end(None);
        if let Some(work) = self.at_work.take() {
            // However it ended, it is over.
            let _ = work.work.await;
        }
    }
}

/// What some slots offer of a load.
fn begun(load: &StepLoad, slots: SlotRange) -> FleetNews {
    FleetNews::Begun {
        per_s: load.offered_per_s().map(|all| share(all, slots)),
        customers: share(load.population().unwrap_or(0) as f64, slots).round() as u64,
    }
}

/// Only these rows of unique feeds may be taken.
fn lease(program: &Program, mut rows: LeasedRows) {
    for feed in &program.settings.feeds {
        if feed.unique_rows().is_some() {
            feed.lease(rows.remove(feed.name()).unwrap_or_default());
        }
    }
}

/// An error with its causes.
fn words_of(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
