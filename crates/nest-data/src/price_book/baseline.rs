//! Instance types that run on credits: whether a book says what lasts of their processors.

use super::Instance;

/// Note of an instance type that runs on credits, where its source does not say what lasts of it.
pub const RUNS_ON_CREDITS: &str =
    "runs on credits; the share of its processors that is there all the time is not in the source";

impl Instance {
    /// Whether it runs on credits, and the share of its processors that lasts is not known.
    #[must_use]
    pub fn has_unknown_baseline(&self) -> bool {
        let noted = |note: &String| note.contains(RUNS_ON_CREDITS);
        self.baseline.is_none() && self.note.as_ref().is_some_and(noted)
    }
}
