//! Clocks of other machines: how far one is from the coordinator's, and how wrong that may be (pure).

use nest_data::measurement::Validity;

/// Error of a clock above which a step is doubted, in seconds: a quarter of the lateness at which a
/// generator's step is invalid.
const SUSPECT_S: f64 = 0.005;
/// Error above which it is invalid, in seconds: what came due at the edge of a window counts in the wrong one.
const INVALID_S: f64 = 0.050;
/// The same as a share of a window.
const INVALID_SHARE: f64 = 0.01;

/// One exchange of the time: asked at `t0` and answered at `t3` by the coordinator's clock, received at `t1`
/// and answered at `t2` by the worker's; in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeExchange {
    pub t0: u64,
    pub t1: u64,
    pub t2: u64,
    pub t3: u64,
}

/// How far a worker's clock is from the coordinator's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockEstimate {
    /// The worker's clock less the coordinator's, in nanoseconds.
    pub offset_ns: i64,
    /// By how much that may be wrong, in nanoseconds.
    pub error_ns: u64,
    /// When it was, by the coordinator's clock.
    pub at_ns: u64,
    /// The least round trip, in nanoseconds.
    pub round_trip_ns: u64,
}

impl TimeExchange {
    /// Time on the way, there and back.
    fn round_trip_ns(&self) -> u64 {
        self.t3
            .saturating_sub(self.t0)
            .saturating_sub(self.t2.saturating_sub(self.t1))
    }
}

/// The estimate of the exchange with the least round trip; `None` without any.
///
/// # Formula
/// `offset = (t1 + t2 - t0 - t3) / 2`, wrong by half of the round trip at most, however asymmetric the way
/// is.
///
/// Source: RFC 5905 (NTP), section 8.
pub fn estimate(exchanges: &[TimeExchange]) -> Option<ClockEstimate> {
    let best = exchanges.iter().min_by_key(|exchange| exchange.round_trip_ns())?;
    let there = i128::from(best.t1) - i128::from(best.t0);
    let back = i128::from(best.t2) - i128::from(best.t3);
    let round_trip_ns = best.round_trip_ns();
    Some(ClockEstimate {
        offset_ns: i64::try_from((there + back).div_euclid(2)).ok()?,
        // Both halves may have been rounded.
        error_ns: round_trip_ns / 2 + 1,
        at_ns: best.t3,
        round_trip_ns,
    })
}

impl ClockEstimate {
    /// A moment of the coordinator's clock on the worker's.
    pub fn on_worker(&self, coordinator_ns: u64) -> u64 {
        on_worker(coordinator_ns, self.offset_ns)
    }
}

/// A moment of the coordinator's clock on that of a worker whose clock is `offset_ns` ahead.
pub fn on_worker(coordinator_ns: u64, offset_ns: i64) -> u64 {
    if coordinator_ns == u64::MAX {
        return u64::MAX; // never
    }
    coordinator_ns.saturating_add_signed(offset_ns)
}

/// How the clock of a worker did over a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClockRecord {
    /// Offset at the start, in seconds.
    pub offset_s: f64,
    /// By how much it may be wrong, in seconds.
    pub error_s: f64,
    /// How much faster it ran than the coordinator's, in parts per million.
    pub drift_ppm: f64,
    /// What the moments of the step may be wrong by in all, in seconds.
    pub worst_s: f64,
}

/// From the estimates before and after a step. Without the latter the drift is not known, and 0.
pub fn record(before: ClockEstimate, after: Option<ClockEstimate>) -> ClockRecord {
    let change_s = after.map_or(0.0, |after| {
        (i128::from(after.offset_ns) - i128::from(before.offset_ns)) as f64 / 1e9
    });
    let span_s = after.map_or(0.0, |after| after.at_ns.saturating_sub(before.at_ns) as f64 / 1e9);
    let error_s = before.error_ns as f64 / 1e9;
    ClockRecord {
        offset_s: before.offset_ns as f64 / 1e9,
        error_s,
        drift_ppm: if span_s > 0.0 { change_s / span_s * 1e6 } else { 0.0 },
        worst_s: error_s + change_s.abs(),
    }
}

/// What an error of so many seconds means for a step whose windows are so long; `None` if nothing.
pub fn judge(worst_s: f64, window_s: f64) -> Option<Validity> {
    if worst_s > INVALID_S.min(INVALID_SHARE * window_s) {
        Some(Validity::Invalid)
    } else {
        (worst_s > SUSPECT_S).then_some(Validity::Suspect)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An exchange with a worker whose clock is `offset` ahead, over a way that takes so long.
    fn exchange(t0: u64, offset: i64, there: u64, inside: u64, back: u64) -> TimeExchange {
        let t1 = (t0 + there).saturating_add_signed(offset);
        TimeExchange {
            t0,
            t1,
            t2: t1 + inside,
            t3: t0 + there + inside + back,
        }
    }

    const MS: u64 = 1_000_000;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]
        #[test]
        fn the_true_offset_lies_within_the_stated_error(
            offset in -100_000_000_000_000..100_000_000_000_000_i64,
            ways in proptest::collection::vec((0..20 * MS, 0..MS, 0..20 * MS), 1..20),
        ) {
            let start = 200_000_000_000_000;
            let exchanges: Vec<TimeExchange> = ways
                .iter()
                .enumerate()
                .map(|(index, (there, inside, back))| {
                    exchange(start + index as u64 * 50 * MS, offset, *there, *inside, *back)
                })
                .collect();
            let found = estimate(&exchanges).expect("there are exchanges");
            prop_assert!((found.offset_ns - offset).unsigned_abs() <= found.error_ns, "{found:?}");
            let least = ways.iter().map(|(there, _, back)| there + back).min();
            prop_assert_eq!(Some(found.round_trip_ns), least);
            prop_assert_eq!(found.on_worker(start), on_worker(start, found.offset_ns));
        }
    }

    #[test]
    fn an_even_way_gives_the_offset_and_an_uneven_one_is_wrong_by_half_of_the_difference() {
        let of = |there, back| estimate(&[exchange(50 * MS, 12_345_000_000, there, 100, back)]);
        let even = of(2 * MS, 2 * MS).expect("one");
        assert_eq!((even.offset_ns, even.error_ns), (12_345_000_000, 2 * MS + 1));
        let uneven = of(0, 4 * MS).expect("one");
        assert_eq!(uneven.offset_ns, 12_345_000_000 - 2 * MS as i64);
        assert_eq!(estimate(&[]), None);
    }

    #[test]
    fn a_drifting_clock_is_judged_by_what_it_moved() {
        let at = |at_ns, offset_ns| ClockEstimate {
            offset_ns,
            error_ns: 100_000,
            at_ns,
            round_trip_ns: 200_000,
        };
        let minute = 60_000_000_000;
        for (moved_ns, ppm, validity) in [
            (0, 0.0, None),
            (4_800_000, 80.0, None),
            (-6_000_000, -100.0, Some(Validity::Suspect)),
            (51_000_000, 850.0, Some(Validity::Invalid)),
        ] {
            let found = record(at(0, 7), Some(at(minute, 7 + moved_ns)));
            assert!((found.drift_ppm - ppm).abs() < 1e-6, "{found:?}");
            assert_eq!(judge(found.worst_s, 10.0), validity, "{found:?}");
        }
        assert_eq!(record(at(0, 7), None).worst_s, 0.0001);
    }

    #[test]
    fn in_short_windows_less_is_too_much() {
        assert_eq!(judge(0.012, 10.0), Some(Validity::Suspect));
        assert_eq!(judge(0.012, 1.0), Some(Validity::Invalid));
        assert_eq!(judge(0.004, 0.1), Some(Validity::Invalid));
        assert_eq!(judge(0.0009, 0.1), None);
    }

    #[test]
    fn never_stays_never() {
        assert_eq!(on_worker(u64::MAX, -3_000_000_000), u64::MAX);
        assert_eq!(on_worker(5, -10), 0);
    }
}
