//! What the coordinator and the workers of a step share: where its windows lie, whether it is to stop, how
//! far it got.

use std::{
    sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

use crate::clock::MonotonicTime;

/// How often a running step is asked whether it is to stop, and how far it has got.
pub const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Whether an execution counts: those due while the step settles do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepPhase {
    Settling,
    Measured,
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
    stopped: AtomicBool,
    left: Option<AtomicU64>,
    /// One per worker.
    pub progress: Vec<WorkerProgress>,
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
    /// A step that begins at `start`; `left` is the number of executions after which it ends, if there is
    /// one. A step whose `settle` is known to be enough has its windows at once.
    pub fn new(
        start: MonotonicTime,
        window: Duration,
        windows: usize,
        workers: usize,
        left: Option<u64>,
    ) -> Self {
        Self {
            start,
            from: AtomicU64::new(MonotonicTime::NEVER.nanoseconds()),
            until: AtomicU64::new(MonotonicTime::NEVER.nanoseconds()),
            window_ns: (window.as_nanos() as u64).max(1),
            windows,
            stopped: AtomicBool::new(false),
            left: left.map(AtomicU64::new),
            progress: std::iter::repeat_with(WorkerProgress::default)
                .take(workers)
                .collect(),
        }
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
        self.edge(self.windows).min(MonotonicTime::from_nanoseconds(
            self.until.load(Ordering::Acquire),
        ))
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

    /// Takes one of the executions that are left; always possible if their number is not bounded.
    pub fn take_one(&self) -> bool {
        let Some(left) = &self.left else { return true };
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_ok()
    }

    /// Whether no execution is left.
    pub fn is_used_up(&self) -> bool {
        self.left
            .as_ref()
            .is_some_and(|left| left.load(Ordering::Relaxed) == 0)
    }

    /// Whether the step ends after a number of executions.
    pub fn is_counted(&self) -> bool {
        self.left.is_some()
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
        let control = StepControl::new(MonotonicTime::now(), Duration::from_secs(1), 1, 1, Some(2));
        assert_eq!(
            [control.take_one(), control.take_one(), control.take_one()],
            [true, true, false]
        );
        assert!(StepControl::new(MonotonicTime::now(), Duration::from_secs(1), 1, 1, None).take_one());
    }
}
