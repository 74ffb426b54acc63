//! Events of a scenario: when they begin, and how much of them is there at a time.

use std::sync::Arc;

use nest_data::growth::{Change, GrowthEvent};

/// An event in months after the start.
#[derive(Debug, Clone, Copy)]
pub(super) struct DatedEvent<'a> {
    pub(super) event: &'a GrowthEvent,
    pub(super) begins: f64,
    pub(super) ramp: f64,
}

impl DatedEvent<'_> {
    /// Customers with the event, of those without it; `change` is its size in the trajectory.
    pub(super) fn apply(&self, customers: f64, change: f64, months: f64) -> f64 {
        let share = adopted(months, self.begins, self.ramp);
        match self.event.customers {
            Change::Share(_) => customers * (1.0 + change * share),
            Change::Customers(_) => customers + change * share,
        }
    }
}

/// Share (0-1) of a change that has come by a time, all in months: 0 before it begins, 1 from the end of its
/// ramp on.
#[must_use]
pub fn adopted(months: f64, begins: f64, ramp: f64) -> f64 {
    if months < begins {
        0.0
    } else if ramp > 0.0 {
        ((months - begins) / ramp).min(1.0)
    } else {
        1.0
    }
}

/// Every whole month, around each event's begin and at its end, around each cut, and at each turn, within the
/// scenario.
pub(super) fn times(months: u32, events: &[DatedEvent<'_>], cuts: &[f64], turns: &[f64]) -> Arc<[f64]> {
    let mut times: Vec<f64> = (0..=months).map(f64::from).collect();
    for dated in events {
        // A step is two moments next to each other: the last without it and the first with it.
        times.extend([dated.begins.next_down(), dated.begins, dated.begins + dated.ramp]);
    }
    for cut in cuts {
        times.extend([cut.next_down(), *cut]);
    }
    times.extend(turns);
    times.retain(|time| (0.0..=f64::from(months)).contains(time));
    times.sort_by(f64::total_cmp);
    times.dedup();
    times.into()
}
