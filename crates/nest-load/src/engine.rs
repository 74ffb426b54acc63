//! Runs one step: makes each execution at its due time, samples the target at the window's edges, closes the books.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use nest_data::measurement::{GeneratorHealth, PlannedStep};
use nix::time::{ClockId, clock_gettime};
use tokio::task::{JoinSet, LocalSet};

use crate::{
    LoadError,
    customer::{Customer, Execution, StepContext, Windows},
    interrupt::Interrupt,
    observe::{Observer, Sample},
    pacer::Arrivals,
    rate_clock::RateClock,
    recorder::{Phase, Recorder, microseconds},
    script::Script,
};

/// How often a running step looks whether it was interrupted.
const LOOK: Duration = Duration::from_millis(50);

/// The generator: customers that live from step to step, and the runtime they live in.
pub struct Engine {
    runtime: tokio::runtime::Runtime,
    scripts: Rc<Vec<Script>>,
    secrets: Rc<Vec<String>>,
    base_url: String,
    customers: Rc<RefCell<Vec<Customer>>>,
    next_number: Rc<Cell<u32>>,
}

/// Times and bounds of a step.
#[derive(Debug, Clone, Copy)]
pub struct StepLimits {
    pub settle: Duration,
    pub window: Duration,
    pub windows: usize,
    pub drain: Duration,
    pub max_in_flight: usize,
}

/// Everything a step gave.
pub struct StepResult {
    pub recorder: Recorder,
    pub samples: Vec<Sample>, // one per window edge, windows + 1
    pub generator: GeneratorHealth,
    pub interrupted: bool,
}

impl Engine {
    /// An engine without customers.
    pub fn new(scripts: Vec<Script>, secrets: &BTreeMap<String, String>, base_url: &str) -> Result<Self, LoadError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|source| LoadError::System { what: "a runtime", source })?;
        Ok(Self {
            runtime,
            scripts: Rc::new(scripts),
            secrets: Rc::new(secrets.values().cloned().collect()),
            base_url: base_url.to_owned(),
            customers: Rc::default(),
            next_number: Rc::default(),
        })
    }

    /// The behaviours, in the order of their names.
    pub fn scripts(&self) -> &[Script] {
        &self.scripts
    }

    /// Lets all customers go, after stored data was reset.
    pub fn forget_customers(&self) {
        self.customers.borrow_mut().clear();
    }

    /// Runs a step to its end, or until it is interrupted.
    pub fn run_step(&self, step: &PlannedStep, limits: StepLimits, observer: &mut Observer, interrupt: &Interrupt) -> Result<StepResult, LoadError> {
        let start = Instant::now() + Duration::from_millis(20);
        let windows = Windows { start: start + limits.settle, length: limits.window, count: limits.windows };
        let context = Rc::new(StepContext {
            scripts: Rc::clone(&self.scripts),
            recorder: RefCell::new(Recorder::new(self.scripts.len(), limits.windows)),
            secrets: Rc::clone(&self.secrets),
            windows,
        });
        let stop = Stop { interrupt, lost: AtomicBool::new(false) };
        let (samples, loaded) = std::thread::scope(|scope| {
            let sampler = scope.spawn(|| sample_edges(observer, windows, &stop));
            let loaded = LocalSet::new().block_on(&self.runtime, self.load(&context, step, limits, start, &stop));
            // Load that ended early, by an error of its own, ends the sampling too.
            stop.lost.fetch_or(loaded.is_err(), Ordering::Release);
            (sampler.join().expect("the sampler does not panic"), loaded)
        });
        let generator_cpu = loaded?;
        let samples = samples?;
        let context = Rc::into_inner(context).expect("every execution has ended or was aborted");
        let mut recorder = context.recorder.into_inner();
        recorder.cut_open();
        let lateness = |quantile| recorder.lateness.value_at_quantile(quantile) as f64 / 1e6;
        let generator = GeneratorHealth { cpu: generator_cpu, lateness_p50_s: lateness(0.5), lateness_p99_s: lateness(0.99) };
        // A step that was interrupted while it drained has cut executions too, and is run again.
        let interrupted = interrupt.is_requested();
        Ok(StepResult { recorder, samples, generator, interrupted })
    }

    /// Offers the step's load and drains it; returns the share of its core that the generator used.
    async fn load(
        &self,
        context: &Rc<StepContext>,
        step: &PlannedStep,
        limits: StepLimits,
        start: Instant,
        stop: &Stop<'_>,
    ) -> Result<f64, LoadError> {
        let end = context.windows.start + limits.window * limits.windows as u32;
        let (begun, busy_before) = (Instant::now(), thread_cpu());
        let mut executions = JoinSet::new();
        tokio::select! {
            offered = self.offer(context, step, limits, start, end, &mut executions) => offered?,
            () = stop.asked() => {}
        }
        // While load was offered; draining would only thin it out.
        let cpu = (thread_cpu() - busy_before) / begun.elapsed().as_secs_f64().max(1e-3);
        let drained = async { while executions.join_next().await.is_some() {} };
        tokio::select! {
            _ = tokio::time::timeout(limits.drain, drained) => {}
            () = stop.asked() => {}
        }
        executions.shutdown().await;
        Ok(cpu)
    }

    async fn offer(
        &self,
        context: &Rc<StepContext>,
        step: &PlannedStep,
        limits: StepLimits,
        start: Instant,
        end: Instant,
        executions: &mut JoinSet<()>,
    ) -> Result<(), LoadError> {
        let refused = |source| LoadError::System { what: "a timer", source };
        let clock = RateClock::new().map_err(refused)?;
        let rates: Vec<f64> = self.scripts.iter().map(|script| step.offered_per_s.get(&script.name).copied().unwrap_or(0.0)).collect();
        for (number, arrival) in Arrivals::new(&rates, step.seed).enumerate() {
            let due = start + Duration::from_secs_f64(arrival.due_s);
            if due >= end {
                break;
            }
            clock.wait_until(due).await.map_err(refused)?;
            let phase = if due < context.windows.start { Phase::Settling } else { Phase::Measured };
            while executions.try_join_next().is_some() {}
            if executions.len() >= limits.max_in_flight {
                context.recorder.borrow_mut().execution_dropped(arrival.behaviour, phase);
                continue;
            }
            let customer = self.customer_for(arrival.behaviour)?;
            let execution = Execution {
                behaviour: arrival.behaviour,
                due,
                phase,
                seed: step.seed.wrapping_mul(0xD129_0B97_2A8E_4C63) ^ (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15),
            };
            let mut recorder = context.recorder.borrow_mut();
            recorder.execution_due(arrival.behaviour, phase);
            if phase == Phase::Measured {
                recorder.lateness.saturating_record(microseconds(due.elapsed()).max(1));
            }
            drop(recorder);
            executions.spawn_local(execute(Rc::clone(context), customer, execution, Rc::clone(&self.customers)));
        }
        clock.wait_until(end).await.map_err(refused)
    }

    /// An idle customer who is ready for the behaviour, else any idle one, else a new one.
    fn customer_for(&self, behaviour: usize) -> Result<Customer, LoadError> {
        let mut idle = self.customers.borrow_mut();
        let script = &self.scripts[behaviour];
        if let Some(ready) = idle.iter().rposition(|customer| customer.is_ready_for(script)) {
            return Ok(idle.swap_remove(ready));
        }
        if let Some(customer) = idle.pop() {
            return Ok(customer);
        }
        let number = self.next_number.get();
        self.next_number.set(number + 1);
        Customer::new(number, &self.base_url, self.scripts.len())
    }

    /// Executes one behaviour again and again, one at a time, for a while; returns how often and how long it took in all.
    pub fn run_alone(&self, behaviour: usize, span: Duration, most: u64, interrupt: &Interrupt) -> Result<(Recorder, f64), LoadError> {
        let windows = Windows { start: Instant::now(), length: Duration::from_secs(3_600), count: 1 };
        let context = Rc::new(StepContext {
            scripts: Rc::clone(&self.scripts),
            recorder: RefCell::new(Recorder::new(self.scripts.len(), 1)),
            secrets: Rc::clone(&self.secrets),
            windows,
        });
        let mut customer = self.customer_for(behaviour)?;
        let stop = Stop { interrupt, lost: AtomicBool::new(false) };
        let start = Instant::now();
        LocalSet::new().block_on(&self.runtime, async {
            let mut number = 0;
            while start.elapsed() < span && number < most && !interrupt.is_requested() {
                number += 1;
                context.recorder.borrow_mut().execution_due(behaviour, Phase::Measured);
                let execution = Execution { behaviour, due: Instant::now(), phase: Phase::Measured, seed: number };
                tokio::select! {
                    () = customer.execute(&context, &execution) => {}
                    () = stop.asked() => {}
                }
            }
        });
        let elapsed = start.elapsed().as_secs_f64();
        self.customers.borrow_mut().push(customer);
        let context = Rc::into_inner(context).expect("nothing else holds it");
        Ok((context.recorder.into_inner(), elapsed))
    }
}

async fn execute(context: Rc<StepContext>, mut customer: Customer, execution: Execution, idle: Rc<RefCell<Vec<Customer>>>) {
    customer.execute(&context, &execution).await;
    idle.borrow_mut().push(customer);
}

/// Why a step may end before its time.
struct Stop<'a> {
    interrupt: &'a Interrupt,
    lost: AtomicBool,
}

impl Stop<'_> {
    fn is_asked(&self) -> bool {
        self.interrupt.is_requested() || self.lost.load(Ordering::Acquire)
    }

    async fn asked(&self) {
        while !self.is_asked() {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Samples the target at each edge of the windows; fewer samples where the step is stopped.
fn sample_edges(observer: &mut Observer, windows: Windows, stop: &Stop<'_>) -> Result<Vec<Sample>, LoadError> {
    let mut samples = Vec::with_capacity(windows.count + 1);
    for edge in 0..=windows.count {
        let at = windows.start + windows.length * edge as u32;
        while Instant::now() < at {
            if stop.is_asked() {
                return Ok(samples);
            }
            std::thread::sleep(at.saturating_duration_since(Instant::now()).min(LOOK));
        }
        samples.push(observer.sample().inspect_err(|_| stop.lost.store(true, Ordering::Release))?);
    }
    Ok(samples)
}

/// Processor seconds that this thread has used.
fn thread_cpu() -> f64 {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(0.0, |time| Duration::from(time).as_secs_f64())
}
