//! What the coordinator and the workers of a step share: where its windows lie, whether it is to stop, how
//! far it got.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{Recorder, tally::RunningTally};
use crate::clock::MonotonicTime;

/// How often a running step is asked whether it is to stop, and how far it has got.
pub const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Whether an execution counts: those due while the step settles do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepPhase {
    Settling,
    Measured,
}

/// The numbers of an execution over all slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutionNumbers {
    /// By which its random values are drawn.
    pub execution: u64,
    /// By which it takes rows of feeds.
    pub row: u64,
}

/// A step as it runs. Windows begin once the coordinator finds that the step has settled.
#[derive(Debug)]
pub struct StepControl {
    /// First due time.
    pub start: MonotonicTime,
    from: AtomicU64,
    until: AtomicU64, // an end before that of the windows
    window_ns: u64,
    windows: usize,
    length_ns: u64, // of all windows
    stopped: AtomicBool,
    most: Option<u64>, // executions of the step, if their number is bounded
    taken: AtomicU64,  // of those
    /// One per worker.
    pub progress: Vec<WorkerProgress>,
    tallies: Option<Vec<Mutex<RunningTally>>>, // one per worker, if somebody wants to know
}

/// How far one worker is, as the settle test sees it. Only that worker writes it.
#[derive(Debug, Default)]
pub struct WorkerProgress {
    /// Executions ended.
    pub ended: AtomicU64,
    /// Their summed time from due to end, in microseconds.
    pub spent_us: AtomicU64,
    /// Executions in progress.
    pub active: AtomicI64,
    /// Customers who are there.
    pub present: AtomicI64,
    /// Those of them who could not open a connection when they last tried.
    pub unreachable: AtomicI64,
}

impl WorkerProgress {
    /// A customer enters the step.
    pub fn enters(&self, unreachable: bool) {
        self.present.fetch_add(1, Ordering::Relaxed);
        self.unreachable
            .fetch_add(i64::from(unreachable), Ordering::Relaxed);
    }

    /// Executions that were aborted are no longer in progress.
    pub fn forget_aborted(&self, count: usize) {
        self.active.fetch_sub(count as i64, Ordering::Relaxed);
    }
}

impl StepControl {
    /// A step that begins at `start`; `most` is the number of executions after which it ends, if there is
    /// one. A step whose `settle` is known to be enough has its windows at once.
    pub fn new(
        start: MonotonicTime,
        window: Duration,
        windows: usize,
        workers: usize,
        most: Option<u64>,
    ) -> Self {
        let window_ns = (window.as_nanos() as u64).max(1);
        Self {
            start,
            from: AtomicU64::new(MonotonicTime::NEVER.nanoseconds()),
            until: AtomicU64::new(MonotonicTime::NEVER.nanoseconds()),
            window_ns,
            windows,
            length_ns: window_ns.saturating_mul(windows as u64),
            stopped: AtomicBool::new(false),
            most,
            taken: AtomicU64::new(0),
            progress: std::iter::repeat_with(WorkerProgress::default)
                .take(workers)
                .collect(),
            tallies: None,
        }
    }

    /// The same step, of which somebody wants to know what was counted while it runs.
    #[must_use]
    pub fn with_tallies(mut self) -> Self {
        let tallies = std::iter::repeat_with(Mutex::default).take(self.progress.len());
        self.tallies = Some(tallies.collect());
        self
    }

    /// Tells what one worker has counted so far, if somebody wants to know.
    pub fn tell_tally(&self, slot: usize, recorder: &Recorder) {
        if let Some(tally) = self.tallies.as_ref().and_then(|tallies| tallies.get(slot)) {
            tally
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .update(recorder);
        }
    }

    /// What all workers have counted so far, as far as they have told.
    pub fn tally(&self) -> RunningTally {
        let mut all = RunningTally::default();
        for tally in self.tallies.iter().flatten() {
            all.merge(&tally.lock().unwrap_or_else(PoisonError::into_inner));
        }
        all
    }

    /// Sets where the windows begin: some time ahead, so that every worker sees it before.
    pub fn measure_from(&self, from: MonotonicTime) {
        self.from.store(from.nanoseconds(), Ordering::Release);
    }

    /// Where the windows begin; never where that is not known yet.
    pub fn from(&self) -> MonotonicTime {
        MonotonicTime::from_nanoseconds(self.from.load(Ordering::Acquire))
    }

    /// The edge before window `index`; that after the last one is the end of the step.
    pub fn edge(&self, index: usize) -> MonotonicTime {
        MonotonicTime::from_nanoseconds(
            self.from()
                .nanoseconds()
                .saturating_add(self.window_ns.saturating_mul(index as u64)),
        )
    }

    /// Where the windows end; never where they have not begun.
    pub fn end(&self) -> MonotonicTime {
        let last_edge = self.from().nanoseconds().saturating_add(self.length_ns);
        MonotonicTime::from_nanoseconds(last_edge.min(self.until.load(Ordering::Acquire)))
    }

    /// Ends the last window here, in a step that was over before.
    pub fn measure_until(&self, until: MonotonicTime) {
        self.until.store(until.nanoseconds(), Ordering::Release);
    }

    /// Number of windows.
    pub fn windows(&self) -> usize {
        self.windows
    }

    /// The window that a moment falls into.
    pub fn index(&self, now: MonotonicTime) -> Option<usize> {
        let from = self.from();
        if now < from {
            return None;
        }
        let index = ((now.nanoseconds() - from.nanoseconds()) / self.window_ns) as usize;
        (index < self.windows).then_some(index)
    }

    /// What an execution that is due now counts as.
    pub fn phase(&self, due: MonotonicTime) -> StepPhase {
        if due < self.from() {
            StepPhase::Settling
        } else {
            StepPhase::Measured
        }
    }

    /// Ends the step before its time.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    /// Whether the step is to end before its time.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Takes the execution with this number of a schedule; `false` if the step ends before it. Numbers
    /// decide, not who comes first, so that the same executions are taken however many workers share them.
    pub fn take(&self, number: u64) -> bool {
        let Some(most) = self.most else { return true };
        let is_within = number < most;
        if is_within {
            self.taken.fetch_add(1, Ordering::Relaxed);
        }
        is_within
    }

    /// Takes the next execution of a customer who decides for itself; nothing if none is left. In a step with
    /// a bounded number they are numbered in the order in which they are taken, so that it makes the same
    /// executions whichever customers have time for them; otherwise the customer's `own` numbers hold.
    pub fn take_next(&self, own: ExecutionNumbers) -> Option<ExecutionNumbers> {
        let Some(most) = self.most else { return Some(own) };
        let next = |taken| (taken < most).then_some(taken + 1);
        let taken = self
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        taken.ok().map(|number| ExecutionNumbers {
            execution: number,
            row: number,
        })
    }

    /// Whether no execution is left.
    pub fn is_used_up(&self) -> bool {
        self.most
            .is_some_and(|most| self.taken.load(Ordering::Relaxed) >= most)
    }

    /// Whether the step ends after a number of executions.
    pub fn is_counted(&self) -> bool {
        self.most.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_belongs_to_one_window_once_they_have_begun() {
        let control = StepControl::new(MonotonicTime::now(), Duration::from_secs(2), 3, 1, None);
        let start = MonotonicTime::now().after(Duration::from_secs(100));
        assert_eq!(
            (control.index(start), control.phase(start), control.end()),
            (None, StepPhase::Settling, MonotonicTime::NEVER)
        );
        control.measure_from(start);
        let at = |seconds: u64| start.after(Duration::from_secs(seconds));
        assert_eq!(control.index(MonotonicTime::now()), None);
        assert_eq!(
            (control.index(start), control.index(at(5)), control.index(at(6))),
            (Some(0), Some(2), None)
        );
        assert_eq!(
            (control.phase(start), control.end()),
            (StepPhase::Measured, at(6))
        );
    }

    #[test]
    fn a_counted_step_gives_out_its_executions_once() {
        let step = |most| StepControl::new(MonotonicTime::now(), Duration::from_secs(1), 1, 1, most);
        let numbers = |number| ExecutionNumbers {
            execution: number,
            row: number,
        };
        let own = ExecutionNumbers {
            execution: 70,
            row: 71,
        };
        let counted = step(Some(2));
        let taken = || counted.take_next(own);
        assert_eq!(
            [taken(), taken(), taken()],
            [Some(numbers(0)), Some(numbers(1)), None]
        );
        assert!(counted.is_used_up());
        assert_eq!(step(None).take_next(own), Some(own));
    }

    #[test]
    fn a_counted_schedule_has_its_first_executions_whoever_comes_first() {
        let control = StepControl::new(MonotonicTime::now(), Duration::from_secs(1), 1, 2, Some(3));
        assert_eq!(
            [3, 1, 5, 0].map(|number| control.take(number)),
            [false, true, false, true]
        );
        assert!(!control.is_used_up() && control.take(2) && control.is_used_up());
    }
}
