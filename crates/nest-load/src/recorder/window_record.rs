//! What was done in one window of a step.

use std::ops::Range;

use nest_data::measurement::Outcome;
use serde::{Deserialize, Serialize};

use super::windows::StepControl;
use crate::clock::MonotonicTime;

/// One window of one step.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct WindowRecord {
    pub completed: Vec<u64>, // one per behaviour
    pub begun: Vec<u64>,     // of those that were completed, here or later
    pub failed: u64,
    pub requests: u64,
    pub bytes: u64,
}

impl WindowRecord {
    /// An empty window of so many behaviours.
    pub fn new(behaviours: usize) -> Self {
        Self {
            completed: vec![0; behaviours],
            begun: vec![0; behaviours],
            ..Self::default()
        }
    }

    /// Adds what another worker recorded in the same window.
    pub fn merge(&mut self, other: Self) {
        for (mine, theirs) in [
            (&mut self.completed, other.completed),
            (&mut self.begun, other.begun),
        ] {
            mine.iter_mut()
                .zip(theirs)
                .for_each(|(mine, theirs)| *mine += theirs);
        }
        self.failed += other.failed;
        self.bytes += other.bytes;
        self.requests += other.requests;
    }
}

/// Counts an execution that ran for a `span` in the windows in which it began and ended.
pub(super) fn execution_ended(
    windows: &mut [WindowRecord],
    control: &StepControl,
    behaviour: usize,
    outcome: Outcome,
    span: Range<MonotonicTime>,
) {
    let at = |moment| control.index(moment).filter(|index| *index < windows.len());
    let (began, ended) = (at(span.start), at(span.end));
    if outcome == Outcome::Failed {
        if let Some(ended) = ended {
            windows[ended].failed += 1;
        }
        return;
    }
    if let Some(began) = began {
        windows[began].begun[behaviour] += 1;
    }
    if let Some(ended) = ended {
        windows[ended].completed[behaviour] += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_execution_that_is_completed_counts_where_it_began_and_where_it_ended() {
        let start = MonotonicTime::now();
        let at = |seconds: u64| start.after(Duration::from_secs(seconds));
        let control = StepControl::new(start, Duration::from_secs(4), 2, 1, None);
        control.measure_from(at(10));
        let mut windows = vec![WindowRecord::new(2); 2];
        for (behaviour, outcome, from, to) in [
            (0, Outcome::Ok, 9, 11),      // began before the windows
            (0, Outcome::Ok, 11, 13),     // within the first
            (1, Outcome::Ok, 13, 15),     // over an edge
            (1, Outcome::Ok, 16, 19),     // ended after the windows
            (1, Outcome::Failed, 12, 15), // says nothing of what a completed one does
        ] {
            execution_ended(&mut windows, &control, behaviour, outcome, at(from)..at(to));
        }
        windows[0].merge(WindowRecord {
            begun: vec![0, 5],
            ..WindowRecord::new(2)
        });
        let counts: Vec<_> = windows
            .into_iter()
            .map(|window| (window.completed, window.begun, window.failed))
            .collect();
        assert_eq!(
            counts,
            [(vec![2, 0], vec![1, 6], 0), (vec![0, 1], vec![0, 1], 1),]
        );
    }
}
