//! How many generator processes a plan needs that runs a locustfile.

use nest_data::measurement::{Pilot, PlannedStep};

/// Share of its core that a Python process may use in a plan: beyond it a step is doubted.
const PLANNED_CPU: f64 = 0.65;

/// Processes that the step with the most requests needs, 1 or more. `spent_s` is the processor time that
/// the generator spent on the pilot.
///
/// # Formula
/// `ceil(max_steps sum_j rate_j q_j * spent / sum_j requests_j / 0.65)`, with the pilot's requests per
/// execution `q_j`.
pub fn processes_needed(steps: &[PlannedStep], pilots: &[Pilot], spent_s: f64) -> usize {
    let requests: u64 = pilots.iter().map(|pilot| pilot.requests).sum();
    let request_s = spent_s / requests.max(1) as f64;
    let of_step = |step: &PlannedStep| -> f64 {
        let rate = |pilot: &Pilot| step.offered_per_s.get(&pilot.behaviour).copied().unwrap_or(0.0);
        let each = |pilot: &Pilot| pilot.requests as f64 / pilot.executions.max(1) as f64;
        pilots.iter().map(|pilot| rate(pilot) * each(pilot)).sum()
    };
    let peak_per_s = steps.iter().map(of_step).fold(0.0, f64::max);
    ((peak_per_s * request_s / PLANNED_CPU).ceil() as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::plan::{
        RampSteps, resolve,
        tests::{pilots, resources, study},
    };

    #[test]
    fn a_plan_needs_as_many_processes_as_its_busiest_step() {
        let study = study("");
        let plan = resolve(&study, &pilots(), &resources(), RampSteps::Planned).expect("a plan");
        // 200 requests of the pilot at 1 ms each: 650 requests per second are a process.
        let needed = |spent_s| processes_needed(&plan.steps, &pilots(), spent_s);
        let exact = plan.peak_per_s * 1e-3 / 0.65;
        assert_eq!(needed(0.2), exact.ceil() as usize);
        assert_eq!(needed(2.0), (exact * 10.0).ceil() as usize);
        assert_eq!(needed(0.0), 1);
    }
}
