//! Hands arrivals over to Locust processes a little before they are due.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{
    ledger::SlotLedger,
    message::Verb,
    process::{Wire, locked},
};
use crate::{
    clock::MonotonicTime,
    engine::StepLimits,
    error::LoadError,
    recorder::windows::StepControl,
    schedule::{
        load::{LoadModel, StepLoad},
        pacer::ScheduledStarts,
    },
};

/// How far ahead arrivals are handed over. Their process holds them until they are due.
const LOOK_AHEAD: Duration = Duration::from_millis(800);
/// How often they are.
pub const HAND_OVER: Duration = Duration::from_millis(100);

/// The thread that hands over arrivals.
pub struct Pacing {
    over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

/// Who gets the arrivals of one slot.
pub struct Receiver {
    pub wire: Arc<Wire>,
    pub worker: Option<String>,
    pub ledger: Arc<Mutex<SlotLedger>>,
}

impl Pacing {
    /// Hands over arrivals until the step ends; `tasks` are those of the behaviours, in order. Users of a
    /// closed load decide when they act: they get none.
    ///
    /// # Errors
    /// [`LoadError::System`] if the thread is refused.
    pub fn start(
        load: &StepLoad,
        control: &Arc<StepControl>,
        tasks: Vec<String>,
        receivers: Vec<Receiver>,
    ) -> Result<Self, LoadError> {
        let over = Arc::new(AtomicBool::new(false));
        let slots = receivers.len();
        let mut feeds = Vec::new();
        for (slot, receiver) in receivers.into_iter().enumerate() {
            if let Some(starts) = arrivals(load, slot, slots) {
                feeds.push((starts.peekable(), receiver));
            }
        }
        let (control, is_over) = (Arc::clone(control), Arc::clone(&over));
        let run = move || {
            while !is_over.load(Ordering::Acquire) && !control.is_stopped() {
                let now = MonotonicTime::now();
                if now > control.end() {
                    return;
                }
                let until = now.after(LOOK_AHEAD).min(control.end());
                for (starts, receiver) in &mut feeds {
                    let mut orders = Vec::new();
                    while let Some(start) = starts.next_if(|start| due(&control, start.due_s) < until) {
                        if !control.take(start.number) {
                            break;
                        }
                        let due = due(&control, start.due_s);
                        locked(&receiver.ledger).hand_over(&start, due);
                        orders.push((start.number, due.nanoseconds(), tasks[start.behaviour].clone()));
                    }
                    let worker = receiver.worker.as_deref();
                    if !orders.is_empty() && receiver.wire.send(worker, Verb::Due { orders }).is_err() {
                        // Whoever watches the step sees that it is gone.
                        return;
                    }
                }
                std::thread::sleep(HAND_OVER);
            }
        };
        let thread = std::thread::Builder::new()
            .name("nest-pacer".to_owned())
            .spawn(run)
            .map_err(|source| LoadError::System {
                what: "a thread that hands over arrivals",
                source,
            })?;
        Ok(Self { over, thread })
    }

    /// Hands over no more.
    pub fn end(self) {
        self.over.store(true, Ordering::Release);
        // If it panicked, the step lacks arrivals and says so.
        let _ = self.thread.join();
    }
}

/// Arrivals of a slot that would have come due after a moment, had the step run as planned; none if users
/// decide when they act.
pub fn still_to_come(
    load: &StepLoad,
    limits: &StepLimits,
    control: &StepControl,
    (slot, slots): (usize, usize),
    after: MonotonicTime,
) -> Option<u64> {
    let windows = limits.window * limits.windows as u32;
    let end = control
        .edge(limits.windows)
        .min(control.start.after(limits.settle_most + windows));
    let left = arrivals(load, slot, slots)?
        .map(|start| due(control, start.due_s))
        .take_while(|due| *due < end)
        .filter(|due| *due > after);
    Some(left.count() as u64)
}

fn arrivals(load: &StepLoad, slot: usize, slots: usize) -> Option<ScheduledStarts> {
    let LoadModel::Open { spacing, .. } = load.model else {
        return None;
    };
    Some(ScheduledStarts::new(&load.rates, spacing, load.seed, slot, slots))
}

fn due(control: &StepControl, due_s: f64) -> MonotonicTime {
    let due = Duration::try_from_secs_f64(due_s).unwrap_or(Duration::MAX);
    control.start.after(due)
}
