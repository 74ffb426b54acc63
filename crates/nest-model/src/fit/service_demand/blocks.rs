//! Use of one resource in steps and in their windows, as demands are fitted to it.

use std::collections::BTreeMap;

use nest_data::measurement::{Purpose, Resource, ResourceKind, Step, Validity};

/// Windows of a step with a reading below which the step says nothing about a resource.
const FEWEST_WINDOWS: usize = 2;

/// Use of one resource in one step, per second.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Executions completed per second, one per behaviour.
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
    /// Executions completed per second, one per behaviour.
    pub rates: Vec<f64>,
    /// Busy-seconds or bytes per second, or resident bytes.
    pub used: f64,
    /// Length in seconds, above 0.
    pub seconds: f64,
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
#[must_use]
pub fn block(step: &Step, behaviours: &[String], resource: &Resource) -> Option<Block> {
    let per_second = |completed: &BTreeMap<String, u64>, seconds: f64| {
        behaviours
            .iter()
            .map(|name| *completed.get(name).unwrap_or(&0) as f64 / seconds)
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
                rates: per_second(&window.completed, window.duration_s),
                used,
                seconds: window.duration_s,
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
