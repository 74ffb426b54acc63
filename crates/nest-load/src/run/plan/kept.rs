//! Checks a plan that was read from a file against what its study allows: whoever changed the file may have
//! changed what the target would be sent.

use std::collections::BTreeSet;

use nest_data::{
    Study,
    customers::Arrival,
    measurement::{Pilot, PlannedStep},
};

use super::{
    Plan,
    capacity::active_customers,
    rate_cap::{RateCap, WireRates},
};
use crate::{error::LoadError, schedule::load::StepLoad};

/// Most windows of a step, as many as a study may ask for.
const MOST_WINDOWS: u32 = 1_000;

/// Checks the plan of an interrupted run.
///
/// # Errors
/// [`LoadError::KeptPlan`] if a step asks for more than `max_rate`, has other customers than its rates need,
/// or a rate that is none; if steps share a number, or together last longer than `max_duration`.
pub fn check_kept(study: &Study, plan: &Plan, pilots: &[Pilot]) -> Result<(), LoadError> {
    let refused = |reason: String| Err(LoadError::KeptPlan { reason });
    let measure = &study.measure;
    let least_s: f64 = plan.steps.iter().map(|step| step.load_s(measure)).sum();
    if least_s > measure.max_duration.get() {
        return refused(format!(
            "has {} steps, which take longer than [measure] max_duration allows",
            plan.steps.len()
        ));
    }
    let mut numbers = BTreeSet::new();
    for step in &plan.steps {
        if !numbers.insert(step.index) {
            return refused(format!("has two steps with the number {}", step.index));
        }
        if let Some(reason) = excess(study, step, pilots) {
            return refused(format!("asks in the step `{}` for {reason}", step.label()));
        }
        let names: Vec<String> = study.behaviours.keys().cloned().collect();
        StepLoad::of(study, step, &names).check()?;
    }
    Ok(())
}

/// What a step asks for that it must not.
fn excess(study: &Study, step: &PlannedStep, pilots: &[Pilot]) -> Option<String> {
    let max_rate = study.measure.max_rate;
    if step
        .windows
        .is_some_and(|windows| !(2..=MOST_WINDOWS).contains(&windows))
    {
        return Some(format!("windows that are not 2 to {MOST_WINDOWS}"));
    }
    let is_rate = |rate: &f64| rate.is_finite() && *rate >= 0.0;
    if !step.offered_per_s.values().all(is_rate) {
        return Some("a rate that is no number of 0 or more".to_owned());
    }
    if let Some(unknown) = step
        .offered_per_s
        .keys()
        .find(|name| !study.behaviours.contains_key(*name))
    {
        return Some(format!("`{unknown}`, which is no behaviour of the study"));
    }
    let wire = WireRates::new(study, pilots);
    let cap = RateCap {
        max_rate,
        wire: &wire,
    };
    if !cap.allows(&step.offered_per_s) {
        let asked = wire.per_s(&step.offered_per_s);
        return Some(format!(
            "{asked:.0} requests/s, and [measure] max_rate is {max_rate}"
        ));
    }
    let needed = active_customers(study, pilots, &step.offered_per_s);
    let is_closed = step.arrival == Arrival::Closed;
    let active = step
        .active
        .filter(|active| is_closed && *active > needed.saturating_add(1))?;
    Some(format!("{active} customers, and its rates need {needed}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::plan::{
        RampSteps, resolve,
        tests::{pilots, resources, study},
    };

    #[test]
    fn a_plan_is_taken_as_it_was_written_and_not_as_somebody_changed_it() {
        let mut study = study("[measure]\nmax_rate = 100.0\nconfirm = 1.5\n");
        study.customers.arrival = Arrival::Closed;
        let plan = resolve(&study, &pilots(), &resources(), RampSteps::Planned).expect("a plan");
        check_kept(&study, &plan, &pilots()).expect("nobody changed it");
        let refused = |change: &dyn Fn(&mut Plan)| {
            let mut plan = plan.clone();
            change(&mut plan);
            match check_kept(&study, &plan, &pilots()) {
                Err(LoadError::KeptPlan { reason }) => reason,
                other => panic!("{other:?}"),
            }
        };
        let last = plan.steps.len() - 1;
        let factor = |factor: f64| {
            refused(&|plan| {
                let rates = plan.steps[last].offered_per_s.values_mut();
                rates.for_each(|rate| *rate *= factor);
            })
        };
        assert_eq!(
            factor(20.0),
            "asks in the step `confirm at 60000` for 1800 requests/s, and [measure] max_rate is 100"
        );
        for no_rate in [f64::NAN, f64::INFINITY, -1.0] {
            assert!(factor(no_rate).contains("no number of 0 or more"), "{no_rate}");
        }
        assert!(refused(&|plan| plan.steps[last].active = Some(4_000_000)).contains("4000000 customers"));
        assert!(refused(&|plan| plan.steps[last].index = 0).contains("two steps"));
        let more = |plan: &mut Plan| {
            let step = plan.steps[last].clone();
            plan.steps.extend(vec![step; 10_000]);
        };
        assert!(refused(&more).contains("max_duration"));
        let other = |plan: &mut Plan| _ = plan.steps[last].offered_per_s.insert("c".to_owned(), 1.0);
        assert!(refused(&other).contains("`c`, which is no behaviour"));
    }
}
