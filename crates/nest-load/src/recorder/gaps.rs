//! When a worker stood still: its heartbeats came late.

use std::time::Duration;

use super::windows::StepControl;
use crate::clock::MonotonicTime;

/// How late a heartbeat is at least for a gap: the lateness from which a step is invalid if one start in a
/// hundred has it. Below that a worker may have been busy with many answers at once.
pub const LEAST_GAP: Duration = Duration::from_millis(20);

/// The time in the windows in which a worker stood still: stopped, without a processor, or busy with
/// something else. A quantile of its lateness cannot see one long gap among hundreds of beats.
#[derive(Debug, Clone, Copy, Default)]
pub struct GapMeter {
    lost: Duration,
    longest: Option<(MonotonicTime, MonotonicTime)>, // from, to
}

impl GapMeter {
    /// What another meter found. When its longest gap was is not known.
    pub fn of(lost: Duration, longest: Duration) -> Self {
        let from = MonotonicTime::LONG_AGO;
        Self {
            lost,
            longest: (!longest.is_zero()).then(|| (from, from.after(longest))),
        }
    }

    /// A beat that was due then came now.
    pub fn beat(&mut self, control: &StepControl, due: MonotonicTime, now: MonotonicTime) {
        if now.since(due) < LEAST_GAP {
            return;
        }
        let gap = (due.max(control.from()), now.min(control.end()));
        let length = gap.1.since(gap.0);
        self.lost += length;
        if length > self.longest() {
            self.longest = Some(gap);
        }
    }

    /// The time of all gaps.
    pub fn lost(&self) -> Duration {
        self.lost
    }

    /// The longest gap; zero if there was none.
    pub fn longest(&self) -> Duration {
        self.longest.map_or(Duration::ZERO, |(from, to)| to.since(from))
    }

    /// How much of a span lies in the longest gap.
    pub fn within(&self, from: MonotonicTime, to: MonotonicTime) -> Duration {
        self.longest
            .map_or(Duration::ZERO, |gap| to.min(gap.1).since(from.max(gap.0)))
    }

    /// The worse of two workers, figure by figure.
    pub fn merge(&mut self, other: Self) {
        self.lost = self.lost.max(other.lost);
        if other.longest() > self.longest() {
            self.longest = other.longest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Windows from 1,000 to 5,000 ms after a start, and a moment so many milliseconds after it.
    fn windows() -> (StepControl, impl Fn(u32) -> MonotonicTime) {
        let start = MonotonicTime::now();
        let control = StepControl::new(start, 4_000 * MS, 1, 1, None);
        let at = move |ms: u32| start.after(ms * MS);
        control.measure_from(at(1_000));
        (control, at)
    }

    #[test]
    fn one_long_gap_among_many_beats_is_seen_and_all_are_added_up() {
        let (control, at) = windows();
        let mut gaps = GapMeter::default();
        (1_000..2_000)
            .step_by(5)
            .for_each(|due| gaps.beat(&control, at(due), at(due)));
        gaps.beat(&control, at(2_000), at(3_500));
        gaps.beat(&control, at(4_000), at(4_019));
        gaps.beat(&control, at(4_100), at(4_130));
        assert_eq!((gaps.longest(), gaps.lost()), (1_500 * MS, 1_530 * MS));
        assert_eq!(gaps.within(at(1_900), at(2_400)), 400 * MS);
        assert_eq!(gaps.within(at(3_600), at(4_000)), Duration::ZERO);
    }

    #[test]
    fn only_what_lies_in_the_windows_counts() {
        let (control, at) = windows();
        let mut gaps = GapMeter::default();
        gaps.beat(&control, at(200), at(900));
        assert_eq!((gaps.longest(), gaps.lost()), (Duration::ZERO, Duration::ZERO));
        gaps.beat(&control, at(600), at(1_300));
        gaps.beat(&control, at(4_800), at(6_000));
        assert_eq!((gaps.longest(), gaps.lost()), (300 * MS, 500 * MS));
    }

    #[test]
    fn of_two_workers_the_worse_counts() {
        let (control, at) = windows();
        let (mut one, mut other) = (GapMeter::default(), GapMeter::default());
        one.beat(&control, at(2_000), at(2_400));
        other.beat(&control, at(2_000), at(2_300));
        other.beat(&control, at(3_000), at(3_300));
        one.merge(other);
        assert_eq!((one.longest(), one.lost()), (400 * MS, 600 * MS));
    }
}
