//! Runs the trials of a search for the largest number of customers that meets the objectives.

use nest_data::measurement::{Purpose, SearchResult, Step};

use super::{
    Event, Run, StepOutcome,
    plan::{self, Plan},
    search::{CustomerSearch, Trial},
};
use crate::error::LoadError;

impl Run<'_> {
    /// Tries numbers of customers until the largest that meets the objectives is known and confirmed.
    pub(super) fn search(
        &mut self,
        plan: &Plan,
        steps: &mut Vec<Step>,
        watch: &mut dyn FnMut(Event<'_>) -> std::io::Result<()>,
    ) -> Result<SearchResult, LoadError> {
        let measure = &self.study.measure;
        let pilot = self.pilot.clone();
        let mut search = CustomerSearch::new(
            plan.capacity_customers * 0.5,
            plan::most_searched(self.study, &pilot)?,
        );
        let mut missed_at: Vec<String> = Vec::new();
        let (mut generator, mut unclear, mut stopped) = (None, None, None);
        while let Some(tried) = search.next() {
            if let Some(backlog) = &self.backlog {
                stopped = Some(backlog.to_string());
                break;
            }
            if self.start.elapsed() >= measure.max_duration.duration() {
                break;
            }
            let purpose = match tried {
                Trial::Confirm(_) => Purpose::Confirm,
                Trial::Probe(_) | Trial::Recheck(_) => Purpose::Ramp,
            };
            let index = steps.iter().map(|step| step.plan.index + 1).max().unwrap_or(0);
            let customers = tried.customers().floor().max(1.0);
            let step = plan::searched_step(self.study, &pilot, index, purpose, customers)?;
            let StepOutcome {
                missed,
                invalid,
                generator_limit,
            } = self.finish(&step, plan, steps, watch)?;
            // Something else may have kept the machine busy once.
            if generator_limit.is_some() && search.was_unclear(tried) {
                generator = generator_limit;
                break;
            }
            if let Some(reason) = invalid {
                search.record_unclear(tried);
                unclear = Some(format!("{}: {reason}", step.label()));
                continue;
            }
            search.record(tried, missed.is_empty());
            if !missed.is_empty() {
                missed_at = missed;
            }
        }
        let largest = search.largest();
        Ok(SearchResult {
            largest: largest.map(|(customers, _)| customers.floor()),
            confirmed: largest.is_some_and(|(_, confirmed)| confirmed),
            smallest_failed: search.smallest_failed().map(f64::floor),
            missed: missed_at,
            generator_limit: generator,
            unclear: stopped.or_else(|| unclear.filter(|_| search.is_bounded_by_unclear())),
        })
    }
}
