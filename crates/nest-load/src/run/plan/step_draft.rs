//! A loaded step before its place in the plan is known.

use std::collections::BTreeMap;

use nest_data::measurement::{PlannedStep, Purpose};

/// A loaded step before its place in the plan is known.
#[derive(Debug, Clone)]
pub struct StepDraft {
    pub purpose: Purpose,
    pub boosted: Option<String>,
    pub customers: Option<f64>,
    pub offered_per_s: BTreeMap<String, f64>,
    pub stored: Option<f64>,
}

impl StepDraft {
    /// Executions offered per second over all behaviours.
    pub fn total_per_s(&self) -> f64 {
        self.offered_per_s.values().sum()
    }

    /// The name that it will have in the plan.
    pub fn label(&self) -> String {
        let step = PlannedStep {
            boosted: self.boosted.clone(),
            customers: self.customers,
            offered_per_s: self.offered_per_s.clone(),
            ..PlannedStep::new(self.purpose)
        };
        step.label()
    }
}
