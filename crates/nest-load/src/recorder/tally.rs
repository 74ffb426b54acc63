//! The counts of a recorder while its step runs, for whoever must know them should the recorder be lost.

use nest_data::measurement::Counts;

use super::Recorder;

/// What one behaviour has counted so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BehaviourTally {
    pub executions: Counts,
    pub requests: Counts,
}

impl BehaviourTally {
    /// Adds those of another slot.
    pub fn merge(&mut self, other: &Self) {
        self.executions.merge(&other.executions);
        self.requests.merge(&other.requests);
    }
}

/// The counts of a recorder while its step runs: what has not ended yet is due, and nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunningTally {
    /// Executions that were due while the step settled.
    pub settling: Counts,
    /// One per behaviour.
    pub behaviours: Vec<BehaviourTally>,
}

impl RunningTally {
    /// Takes over what a recorder has counted so far.
    pub fn update(&mut self, recorder: &Recorder) {
        self.settling = recorder.settling;
        self.behaviours.clear();
        let tallies = recorder.behaviours.iter().map(|record| BehaviourTally {
            executions: record.executions,
            requests: record.requests,
        });
        self.behaviours.extend(tallies);
    }

    /// Adds those of another slot.
    pub fn merge(&mut self, other: &Self) {
        self.settling.merge(&other.settling);
        if self.behaviours.len() < other.behaviours.len() {
            self.behaviours
                .resize_with(other.behaviours.len(), BehaviourTally::default);
        }
        for (mine, theirs) in self.behaviours.iter_mut().zip(&other.behaviours) {
            mine.merge(theirs);
        }
    }

    /// Executions that are due and have not ended.
    pub fn open(&self) -> u64 {
        let open = |counts: &Counts| {
            counts
                .due
                .saturating_sub(counts.completed + counts.failed + counts.dropped)
        };
        let behaviours = self.behaviours.iter().map(|tally| open(&tally.executions));
        open(&self.settling) + behaviours.sum::<u64>()
    }

    /// All executions from the start of the step.
    pub fn executions(&self) -> Counts {
        let mut all = self.settling;
        self.behaviours
            .iter()
            .for_each(|tally| all.merge(&tally.executions));
        all
    }

    /// Executions that have come due.
    pub fn due(&self) -> u64 {
        self.executions().due
    }
}
