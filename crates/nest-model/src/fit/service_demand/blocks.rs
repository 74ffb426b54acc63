//! Use of one resource in steps and in their windows, as demands are fitted to it.

use std::collections::BTreeMap;

use nest_data::measurement::{Purpose, Resource, ResourceKind, Step, Validity, Window};

/// Windows of a step with a reading below which the step says nothing about a resource.
const FEWEST_WINDOWS: usize = 2;

/// Use of one resource in one step, per second.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Executions per second, one per behaviour.
    pub rates: Vec<f64>,
    /// Busy-seconds or bytes per second, or resident bytes.
    pub used: f64,
    /// The use by window.
    pub windows: Vec<WindowUse>,
    /// Whether the step counts less.
    pub suspect: bool,
    /// Size of the stored data, in the study's items; `None` if it is not stated.
    pub stored: Option<f64>,
    /// The behaviour, by its position, that the step runs more of than the plain mix.
    pub boosted: Option<usize>,
}

/// Use of one resource in one window, per second.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowUse {
    /// Executions per second, one per behaviour.
    pub rates: Vec<f64>,
    /// Busy-seconds or bytes per second, or resident bytes.
    pub used: f64,
    /// Length in seconds, above 0.
    pub seconds: f64,
    /// Capacity that a processor had in this window, above 0; `None` if it is not known, or no processor.
    pub capacity: Option<f64>,
}

/// The use of a resource in every step that may be fitted: valid and suspect ones, not those that check the
/// forecast.
#[must_use]
pub fn blocks(steps: &[Step], behaviours: &[String], resource: &Resource) -> Vec<Block> {
    // A target that was started again for another size of stored data holds other memory.
    let first = steps.first().and_then(|step| step.plan.stored);
    let same_start = |step: &&Step| resource.kind != ResourceKind::Memory || step.plan.stored == first;
    let fitted = steps
        .iter()
        .filter(|step| step.plan.purpose != Purpose::Confirm && step.verdict.validity.is_fitted());
    fitted
        .filter(same_start)
        .filter_map(|step| block(step, behaviours, resource))
        .collect()
}

/// The use of a resource in one step; `None` if too few windows have a reading. A window without one counts
/// neither as use nor as time.
///
/// An execution counts half where it begins and half where it ends. One that is under way at the edge of a
/// window has done as much before it as after it on average, whatever it was; counted where it ends, it
/// would bring work that was done elsewhere, and its demand would come out too low, the more so the longer it
/// is beside a window. Where nothing says when executions began, they count where they end.
#[must_use]
pub fn block(step: &Step, behaviours: &[String], resource: &Resource) -> Option<Block> {
    let begins_are_known = step.windows.iter().any(|window| !window.begun.is_empty());
    let count = |counts: &BTreeMap<String, u64>, name: &String| *counts.get(name).unwrap_or(&0) as f64;
    let per_second = |window: &Window| {
        let executions = |name: &String| {
            let ended = count(&window.completed, name);
            if begins_are_known {
                (count(&window.begun, name) + ended) / 2.0
            } else {
                ended
            }
        };
        behaviours
            .iter()
            .map(|name| executions(name) / window.duration_s)
            .collect::<Vec<_>>()
    };
    let windows: Vec<WindowUse> = step
        .windows
        .iter()
        .filter(|window| window.duration_s > 0.0)
        .filter_map(|window| {
            let used = *window.used.get(&resource.name)?;
            let used = if resource.kind == ResourceKind::Memory {
                used
            } else {
                used / window.duration_s
            };
            Some(WindowUse {
                rates: per_second(window),
                used,
                seconds: window.duration_s,
                capacity: resource.capacity.filter(|_| resource.kind == ResourceKind::Cpu),
            })
        })
        .collect();
    // A single window shows nothing of how windows differ, and would be believed more than ten of another
    // step.
    if windows.len() < FEWEST_WINDOWS.min(step.windows.len()) {
        return None;
    }
    let boosted = step
        .plan
        .boosted
        .as_ref()
        .and_then(|boosted| behaviours.iter().position(|name| name == boosted));
    Some(Block {
        boosted,
        ..Block::of(
            windows,
            step.verdict.validity == Validity::Suspect,
            step.plan.stored,
        )?
    })
}

impl Block {
    /// A block of some windows on the plain mix; `None` if there are none.
    #[must_use]
    pub fn of(windows: Vec<WindowUse>, suspect: bool, stored: Option<f64>) -> Option<Self> {
        let seconds: f64 = windows.iter().map(|window| window.seconds).sum();
        if seconds <= 0.0 {
            return None;
        }
        let mean = |value: &dyn Fn(&WindowUse) -> f64| {
            windows
                .iter()
                .map(|window| value(window) * window.seconds)
                .sum::<f64>()
                / seconds
        };
        let rates = (0..windows[0].rates.len())
            .map(|index| mean(&|window| window.rates[index]))
            .collect();
        let used = mean(&|window| window.used);
        Some(Self {
            rates,
            used,
            windows,
            suspect,
            stored,
            boosted: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use nest_data::measurement::PlannedStep;

    use super::*;

    fn step(windows: &[(u64, Option<u64>)]) -> Step {
        let window = |(completed, begun): &(u64, Option<u64>)| Window {
            duration_s: 4.0,
            completed: [("a".to_owned(), *completed)].into(),
            begun: begun.map(|begun| ("a".to_owned(), begun)).into_iter().collect(),
            used: [("app/cpu".to_owned(), 1.0)].into(),
            ..Window::default()
        };
        Step {
            windows: windows.iter().map(window).collect(),
            ..Step::new(PlannedStep::new(Purpose::Ramp))
        }
    }

    fn rates(step: &Step) -> Vec<f64> {
        let resource = Resource {
            name: "app/cpu".to_owned(),
            tier: "app".to_owned(),
            kind: ResourceKind::Cpu,
            capacity: Some(1.0),
        };
        let block = block(step, &["a".to_owned()], &resource).expect("two readings");
        block.windows.iter().map(|window| window.rates[0]).collect()
    }

    #[test]
    fn an_execution_counts_half_where_it_begins_and_half_where_it_ends() {
        assert_eq!(rates(&step(&[(2, Some(4)), (8, Some(6))])), [0.75, 1.75]);
        // A window in which none began is known as such if others have some.
        assert_eq!(rates(&step(&[(4, None), (0, Some(4))])), [0.5, 0.5]);
    }

    #[test]
    fn without_begins_an_execution_counts_where_it_ends() {
        assert_eq!(rates(&step(&[(2, None), (8, None)])), [0.5, 2.0]);
    }
}
