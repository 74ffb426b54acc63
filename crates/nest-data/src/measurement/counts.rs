//! Counts of executions and requests, and of those that failed.

use serde::{Deserialize, Serialize};

/// Counts of executions or requests: `due = completed + failed + dropped`, exactly. A document in which they
/// are not is refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StatedCounts")]
pub struct Counts {
    /// Due in the span.
    pub due: u64,
    /// Answered as expected, even if after the span.
    pub completed: u64,
    /// Started but not answered as expected, including those cut off at the end.
    pub failed: u64,
    /// Never started.
    pub dropped: u64,
}

/// Counts as a document states them.
#[derive(Deserialize)]
struct StatedCounts {
    due: u64,
    completed: u64,
    failed: u64,
    dropped: u64,
}

impl TryFrom<StatedCounts> for Counts {
    type Error = String;

    fn try_from(stated: StatedCounts) -> Result<Self, String> {
        let StatedCounts {
            due,
            completed,
            failed,
            dropped,
        } = stated;
        let ended = completed
            .checked_add(failed)
            .and_then(|sum| sum.checked_add(dropped));
        if ended != Some(due) {
            return Err(format!(
                "{due} were due, but {completed} completed, {failed} failed and {dropped} dropped"
            ));
        }
        Ok(Self {
            due,
            completed,
            failed,
            dropped,
        })
    }
}

impl Counts {
    /// Whether everything that was due is accounted for.
    #[must_use]
    pub fn balance(&self) -> bool {
        self.due == self.completed + self.failed + self.dropped
    }

    /// Counts the end of an execution or request that was due.
    pub fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Ok => self.completed += 1,
            Outcome::Failed => self.failed += 1,
        }
    }

    /// Counts everything that is still open as failed.
    pub fn cut(&mut self) {
        self.failed = self.due.saturating_sub(self.completed + self.dropped);
    }

    /// Adds another count to this one.
    pub fn merge(&mut self, other: &Self) {
        self.due += other.due;
        self.completed += other.completed;
        self.failed += other.failed;
        self.dropped += other.dropped;
    }
}

/// Requests that brought no answer and were sent again, by the reason; they are among no [`Counts`]. On the
/// wire each is one more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resends {
    /// The target said that it had not begun with them.
    pub unprocessed: u64,
    /// The target had closed the idle connection before they came, and their method is idempotent.
    pub closed_idle: u64,
}

impl Resends {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.unprocessed + self.closed_idle
    }

    /// Adds those of another count to this one.
    pub fn merge(&mut self, other: &Self) {
        self.unprocessed += other.unprocessed;
        self.closed_idle += other.closed_idle;
    }
}

/// How often one kind of failure happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorCount {
    /// The behaviour.
    pub behaviour: String,
    /// `status 503`, `timeout`, `connect`, `check`, `capture`, `cut`, `dropped`, ...
    pub kind: String,
    /// How often.
    pub count: u64,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As expected.
    Ok,
    /// Not as expected.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_merge_and_balance() {
        let mut counts = Counts {
            due: 5,
            completed: 3,
            failed: 1,
            dropped: 1,
        };
        assert!(counts.balance());
        counts.merge(&Counts {
            due: 2,
            completed: 2,
            failed: 0,
            dropped: 0,
        });
        assert_eq!(
            counts,
            Counts {
                due: 7,
                completed: 5,
                failed: 1,
                dropped: 1
            }
        );
        assert!(counts.balance());
        counts.due += 1;
        assert!(!counts.balance());
    }
    #[test]
    fn counts_that_do_not_balance_are_not_read() {
        let read = |text: &str| serde_json::from_str::<Counts>(text).map_err(|error| error.to_string());
        let whole = r#"{"due":5,"completed":3,"failed":1,"dropped":1}"#;
        assert_eq!(read(whole).map(|counts| counts.due), Ok(5));
        for (from, to) in [
            ("\"due\":5", "\"due\":0"),
            ("\"failed\":1", "\"failed\":9"),
            ("\"dropped\":1", "\"dropped\":18446744073709551615"),
        ] {
            let error = read(&whole.replace(from, to)).expect_err("no balance");
            assert!(error.contains("were due, but 3 completed"), "{error}");
        }
    }
}
