//! One step on threads of this process, on behalf of a coordinator. Everything here waits, and so runs on a
//! thread that may.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use nest_data::measurement::GeneratorHealth;

use crate::{
    clock::MonotonicTime,
    engine::{
        crew::Crew,
        health::{GeneratorUse, UseMeter, health_of},
        interrupt::Interrupt,
        threads::Threads,
    },
    error::LoadError,
    observe::{cgroup::Cgroup, threads},
    recorder::{
        Recorder,
        windows::{POLL_INTERVAL, StepControl},
    },
    schedule::load::StepLoad,
    worker::command::AloneOrder,
};

/// The threads of a worker. Cheap to clone.
#[derive(Clone)]
pub struct Job {
    threads: Arc<Mutex<Threads>>,
    tids: Arc<[i32]>,
}

/// What was recorded.
pub struct JobResult {
    pub recorder: Recorder,
    pub health: GeneratorHealth,
    /// Seconds of the windows for which a CPU quota held this process back.
    pub throttled_s: f64,
    /// Why it ended before the coordinator said so.
    pub ended_early: Option<String>,
    pub took: Duration,
}

impl Job {
    /// Of some threads.
    pub fn of(threads: Threads) -> Self {
        Self {
            tids: threads.tids().into(),
            threads: Arc::new(Mutex::new(threads)),
        }
    }

    /// Processor time of the busiest thread, and the longest time that one has waited for a processor, in
    /// seconds since they began.
    pub fn used(&self) -> (f64, f64) {
        let used = self.tids.iter().map(|tid| threads::of_own(*tid));
        used.fold((0.0, 0.0), |most, one| {
            (f64::max(most.0, one.cpu_s), f64::max(most.1, one.waited_s))
        })
    }
}

/// The threads; only one step runs at a time.
pub fn lock(job: &Job) -> MutexGuard<'_, Threads> {
    job.threads.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Offers this worker's part of a load until the end of the windows, a stop, or the hard end.
pub fn run_step(
    job: &Job,
    load: &StepLoad,
    control: &Arc<StepControl>,
    drain: Duration,
    hard_end: MonotonicTime,
) -> Result<JobResult, LoadError> {
    let threads = lock(job);
    threads.offer(load, control, drain)?;
    let group = Cgroup::of(std::process::id());
    let throttled_s = || group.as_ref().and_then(Cgroup::throttled_s).unwrap_or(0.0);
    let (mut meter, mut edges, mut ended_early) = (UseMeter::default(), 0, None);
    let (mut throttled_before, mut throttled) = (0.0, 0.0);
    while edges <= control.windows() && !control.is_stopped() {
        let (now, edge) = (MonotonicTime::now(), control.edge(edges));
        if now >= hard_end {
            ended_early = Some("it was not told where the step ends".to_owned());
            control.measure_until(now);
            control.stop();
        } else if now >= edge {
            meter.at_edge(threads.used());
            if edges == 0 {
                throttled_before = throttled_s();
            } else {
                throttled = throttled_s() - throttled_before;
            }
            edges += 1;
        } else {
            std::thread::sleep(edge.min(now.after(POLL_INTERVAL)).since(now));
        }
    }
    let collected = threads.collect(control, drain, &Interrupt::default())?;
    let span = control.end().min(MonotonicTime::now()).since(control.from());
    Ok(JobResult {
        health: health_of(&collected.recorder, meter.used(), span.as_secs_f64()),
        recorder: collected.recorder,
        throttled_s: throttled.max(0.0),
        ended_early,
        took: MonotonicTime::now().since(control.start),
    })
}

/// Executes one behaviour again and again in the first slot.
pub fn run_alone(job: &Job, order: AloneOrder) -> Result<JobResult, LoadError> {
    let begun = MonotonicTime::now();
    let (mut recorder, took) = lock(job).alone(order)?;
    // A recorder that goes elsewhere is closed: what an interrupt left open was cut.
    let control = StepControl::new(begun, took, 1, 1, None);
    control.measure_from(begun);
    recorder.close(&control);
    Ok(JobResult {
        health: health_of(&recorder, GeneratorUse::default(), took.as_secs_f64()),
        recorder,
        throttled_s: 0.0,
        ended_early: None,
        took,
    })
}
