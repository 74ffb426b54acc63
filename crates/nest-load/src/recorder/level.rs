//! Something that rises and falls, such as requests in flight, averaged over the windows of a step.

use serde::{Deserialize, Serialize};

use crate::{clock::MonotonicTime, recorder::windows::StepControl};

/// A level and the area below it inside the windows.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct LevelMeter {
    now: i64,
    // Each machine has a clock of its own.
    #[serde(skip)]
    since: Option<MonotonicTime>,
    area_ns: f64,
}

impl LevelMeter {
    /// The level changes at `now`; changes come in order of time.
    pub fn change(&mut self, control: &StepControl, now: MonotonicTime, by: i64) {
        self.add_until(control, now);
        self.now += by;
    }

    /// Nothing changes any more until the end of the windows.
    pub fn close(&mut self, control: &StepControl) {
        self.add_until(control, control.end());
    }

    /// Adds the level of another worker in the same step.
    pub fn merge(&mut self, other: Self) {
        self.now += other.now;
        self.area_ns += other.area_ns;
    }

    /// Mean over windows that are `span_s` long in all.
    pub fn mean(&self, span_s: f64) -> f64 {
        if span_s > 0.0 {
            self.area_ns / 1e9 / span_s
        } else {
            0.0
        }
    }

    fn add_until(&mut self, control: &StepControl, now: MonotonicTime) {
        let (from, end) = (control.from(), control.end());
        if let Some(since) = self.since
            && now > from
        {
            let span = now
                .min(end)
                .nanoseconds()
                .saturating_sub(since.max(from).nanoseconds());
            self.area_ns += span as f64 * self.now as f64;
        }
        self.since = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_what_lies_in_the_windows_counts() {
        let start = MonotonicTime::now();
        let at = |seconds: u64| start.after(Duration::from_secs(seconds));
        let control = StepControl::new(start, Duration::from_secs(5), 2, 1, None);
        let mut level = LevelMeter::default();
        level.change(&control, at(0), 3);
        control.measure_from(at(10));
        level.change(&control, at(12), -1); // 3 for 2 s
        level.change(&control, at(16), -1); // 2 for 4 s
        level.change(&control, at(30), -1); // 1 for 4 s, until the end at 20
        level.close(&control);
        assert_eq!((level.mean(10.0), level.now), ((6.0 + 8.0 + 4.0) / 10.0, 0));
    }

    #[test]
    fn what_stays_open_counts_until_the_end() {
        let start = MonotonicTime::now();
        let control = StepControl::new(start, Duration::from_secs(2), 1, 1, None);
        control.measure_from(start);
        let mut level = LevelMeter::default();
        level.change(&control, start.after(Duration::from_secs(1)), 4);
        level.close(&control);
        assert_eq!(level.mean(2.0), 2.0);
    }
}
