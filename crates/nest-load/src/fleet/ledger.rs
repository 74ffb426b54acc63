//! What is known of a worker while a step runs, and what becomes of its part should it be lost (pure).

use std::time::Duration;

use nest_data::measurement::LostWorker;

use super::message::Progress;
use crate::{
    engine::threads::SlotRange,
    recorder::tally::RunningTally,
    schedule::{
        load::{LoadModel, StepLoad},
        pacer::ScheduledStarts,
    },
};

/// Age of the last progress from which a worker is late: it tells every 100 ms.
const LATE: Duration = Duration::from_secs(1);
/// Age from which it is silent, and asked whether it is there.
const SILENT: Duration = Duration::from_secs(3);

/// How fresh the progress of a worker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It tells as often as it should.
    Fresh,
    /// It counts with its last values.
    Late,
    /// It may be gone.
    Silent,
}

impl Freshness {
    /// Of progress that is so old.
    pub fn of(age: Duration) -> Self {
        if age >= SILENT {
            Self::Silent
        } else if age >= LATE {
            Self::Late
        } else {
            Self::Fresh
        }
    }
}

/// The part of a worker that was lost.
#[derive(Debug, Clone, PartialEq)]
pub struct LostPart {
    pub tally: RunningTally,
    pub lost: LostWorker,
    /// Arrivals of its slots that never came due; `None` if customers decide when to act.
    pub never_due: Option<u64>,
}

impl LostPart {
    /// What is left of a worker by its last progress, in a step that began at `start_ns` of its clock and
    /// was planned to last so long.
    pub fn of(
        last: Option<&Progress>,
        load: &StepLoad,
        slots: SlotRange,
        start_ns: u64,
        planned: Duration,
    ) -> Self {
        let tally = last.map(Progress::tally).unwrap_or_default();
        let after_ns = last.map_or(0, |last| last.at_ns.saturating_sub(start_ns));
        Self {
            lost: LostWorker {
                after_s: after_ns as f64 / 1e9,
                open: tally.open(),
            },
            never_due: arrivals(load, slots, planned)
                .map(|arrivals| arrivals.saturating_sub(tally.due())),
            tally,
        }
    }

    /// Why the step is not what was planned, in words.
    pub fn reason(&self, worker: &str) -> String {
        let LostWorker { after_s, open } = self.lost;
        let never = match self.never_due {
            Some(count) => format!(", and {count} more would have come due there"),
            None => String::new(),
        };
        format!(
            "the worker {worker} was lost {after_s:.1} s after the start: {open} of its executions were under \
             way and count as failed{never}"
        )
    }
}

/// Arrivals at some slots in a time, if a schedule makes them. Behaviours that others need come besides, so
/// that more may be due.
fn arrivals(load: &StepLoad, slots: SlotRange, span: Duration) -> Option<u64> {
    let (rates, spacing) = match load.model {
        LoadModel::Open { spacing, .. } => (load.rates.clone(), spacing),
        LoadModel::PartlyOpen { spacing, .. } => (vec![load.sessions_per_s()], spacing),
        LoadModel::Closed { .. } => return None,
    };
    let span_s = span.as_secs_f64();
    let of_slot = |slot| {
        ScheduledStarts::new(&rates, spacing, load.seed, slot, slots.of)
            .take_while(|start| start.due_s < span_s)
            .count() as u64
    };
    Some((slots.first..slots.first + slots.count).map(of_slot).sum())
}

#[cfg(test)]
mod tests {
    use nest_data::customers::{Spacing, Times};

    use super::*;
    use crate::{
        fleet::message::SlotProgress,
        schedule::load::{Pause, SessionLaw},
    };

    fn load() -> StepLoad {
        StepLoad {
            model: LoadModel::Open {
                spacing: Spacing::Uniform,
                most: 10,
                queue: 0,
            },
            rates: vec![10.0],
            pause: Pause::Think(Times::Constant(0.0)),
            session: SessionLaw::default(),
            seed: 3,
        }
    }

    fn progress(counts: [u64; 4], settling: [u64; 4]) -> Progress {
        Progress {
            step: 1,
            seq: 9,
            at_ns: 5_500_000_000,
            slots: vec![SlotProgress::default()],
            counts: vec![counts],
            requests: Vec::new(),
            settling,
            cpu: 0.1,
            waiting: 0.0,
        }
    }

    #[test]
    fn a_lost_worker_leaves_its_last_counts_and_what_never_came_due() {
        // Two of four slots at 10 a second over 8 s: 40 arrivals, of which 12 + 8 came due.
        let slots = SlotRange {
            first: 1,
            count: 2,
            of: 4,
        };
        let last = progress([12, 9, 1, 0], [8, 7, 0, 0]);
        let second = 1_000_000_000;
        let part = LostPart::of(Some(&last), &load(), slots, second, Duration::from_secs(8));
        assert_eq!((part.lost.open, part.lost.after_s), (2 + 1, 4.5));
        assert_eq!((part.tally.due(), part.never_due), (20, Some(20)));
        assert_eq!(
            part.reason("host-b"),
            "the worker host-b was lost 4.5 s after the start: 3 of its executions were under way and count \
             as failed, and 20 more would have come due there"
        );
    }

    #[test]
    fn a_worker_that_never_told_anything_leaves_nothing() {
        let slots = SlotRange {
            first: 0,
            count: 1,
            of: 1,
        };
        let mut closed = load();
        closed.model = LoadModel::Closed { customers: 7 };
        let part = LostPart::of(None, &closed, slots, 0, Duration::from_secs(8));
        assert_eq!((part.tally.due(), part.lost.open, part.never_due), (0, 0, None));
    }

    #[test]
    fn progress_is_fresh_for_a_second_and_silent_after_three() {
        let of = |ms| Freshness::of(Duration::from_millis(ms));
        assert_eq!(
            [of(999), of(1_000), of(2_999), of(3_000)],
            [Freshness::Fresh, Freshness::Late, Freshness::Late, Freshness::Silent]
        );
    }

    #[test]
    fn counts_go_through_a_message_unchanged() {
        let told = progress([12, 9, 1, 0], [8, 7, 0, 0]);
        let mut again = progress([0; 4], [0; 4]);
        again.set_tally(&told.tally());
        assert_eq!(again.tally(), told.tally());
    }
}
