//! The bound of the requests that are sent per second, which all workers share: a token bucket, with no clock
//! in it.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crate::clock::MonotonicTime;

/// What may be sent at once after a pause, as the time in which the bound allows as much. Our choice: a tenth
/// less than the second that is promised.
const CAPACITY: Duration = Duration::from_millis(900);
/// The same at the start. What is left up to the promised second covers the way of the first request, from
/// which a server counts: many customers may have to connect before it arrives.
const AT_START: Duration = Duration::from_millis(100);
/// Longest time between two requests: bounds below three a month are taken for this.
const LONGEST: Duration = Duration::from_secs(10 * 86_400);

/// A bound of the requests per second.
///
/// # Formula
/// The generic cell rate algorithm in its virtual scheduling form, with an interval T = 1 / rate: a request
/// that asks at a leaves at `max(a, due - tau)`, where `tau` is the capacity less T, and `due` becomes
/// `max(a, due) + T`. Hence at most `(t + capacity) / T` leave within any time t, and `(t + 0.1 s) / T`
/// within a time t from the start.
///
/// Source: ITU-T Recommendation I.371, annex A.
#[derive(Debug)]
pub struct RateBound {
    per_s: f64,
    interval_ns: u64,
    ahead_ns: u64,       // by which a request may leave before it is due: tau
    next_due: AtomicU64, // of the request that asks next, in nanoseconds of the monotonic clock
}

impl RateBound {
    /// A bound of `per_s` requests per second (above 0), which begins at `start`.
    pub fn new(per_s: f64, start: MonotonicTime) -> Self {
        let interval_ns = ((1e9 / per_s).ceil() as u64).min(LONGEST.as_nanos() as u64);
        let capacity_ns = CAPACITY.as_nanos() as u64;
        // One request may be more than may be sent at once: then the first one waits, too.
        let wait_ns = interval_ns.max(capacity_ns) - AT_START.as_nanos() as u64;
        Self {
            per_s,
            interval_ns,
            ahead_ns: capacity_ns.saturating_sub(interval_ns),
            next_due: AtomicU64::new(start.nanoseconds().saturating_add(wait_ns)),
        }
    }

    /// Requests per second.
    pub fn per_s(&self) -> f64 {
        self.per_s
    }

    /// Takes the turn of one request that asks at `now`; when it may leave, which may be before `now`.
    /// [`MonotonicTime::NEVER`] if that is beyond all times; then no turn is taken.
    pub fn take(&self, now: MonotonicTime) -> MonotonicTime {
        let mut next_due = self.next_due.load(Relaxed);
        loop {
            let due = next_due.max(now.nanoseconds());
            let Some(after) = due.checked_add(self.interval_ns) else {
                return MonotonicTime::NEVER;
            };
            match self
                .next_due
                .compare_exchange_weak(next_due, after, Relaxed, Relaxed)
            {
                Ok(_) => return MonotonicTime::from_nanoseconds(due.saturating_sub(self.ahead_ns)),
                Err(changed) => next_due = changed,
            }
        }
    }

    /// Gives a turn back that was not used, before its time has come. Whoever asks next leaves when the last
    /// of those that wait would have, so that no more leave than before.
    pub fn give_back(&self) {
        self.next_due.fetch_sub(self.interval_ns, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const START: u64 = 50 * SECOND;

    fn at(ns: u64) -> MonotonicTime {
        MonotonicTime::from_nanoseconds(ns)
    }

    /// When a request leaves that asks at `ns`.
    fn leaves(bound: &RateBound, ns: u64) -> u64 {
        bound.take(at(ns)).nanoseconds().max(ns)
    }

    /// The most that may have left by a time after the start, at so many a second.
    fn most(per_s: f64, ns: u64) -> f64 {
        per_s * ((ns - START) as f64 / 1e9 + 1.0)
    }

    proptest! {
        #[test]
        fn no_more_leave_than_the_bound_allows_however_they_ask(
            per_s in prop_oneof![0.1..2.0_f64, 2.0..300.0],
            asks in proptest::collection::vec((0..2 * SECOND, prop::bool::weighted(0.3)), 1..400),
        ) {
            let bound = RateBound::new(per_s, at(START));
            let (mut now, mut left) = (START, Vec::new());
            for (pause, gives_up) in asks {
                // Three in four ask at once, after the one before.
                now += if pause % 4 == 0 { pause } else { 0 };
                let leaves_at = leaves(&bound, now);
                if gives_up && leaves_at > now {
                    bound.give_back();
                } else {
                    left.push(leaves_at);
                }
            }
            left.sort_unstable();
            for (index, leaves_at) in left.iter().enumerate() {
                let count = (index + 1) as f64;
                prop_assert!(count <= most(per_s, *leaves_at) + 1e-6, "{count} by {leaves_at}");
            }
        }
    }

    #[test]
    fn who_asks_no_faster_than_the_bound_never_waits() {
        let bound = RateBound::new(250.0, at(START));
        for index in 0..5_000 {
            let now = START + index * 4_000_000;
            assert_eq!(leaves(&bound, now), now);
        }
    }

    #[test]
    fn what_was_not_sent_may_be_sent_at_once_up_to_nine_tenths_of_a_second() {
        let bound = RateBound::new(100.0, at(START));
        let later = START + 60 * SECOND;
        let at_once = (0..200).filter(|_| leaves(&bound, later) == later).count();
        assert_eq!(at_once, 90);
        // The 110 others have taken turns until 1.1 s later.
        assert_eq!(leaves(&bound, later), later + 1_110_000_000);
    }

    #[test]
    fn below_one_a_second_the_first_request_waits_too() {
        let bound = RateBound::new(0.5, at(START));
        assert_eq!(leaves(&bound, START), START + 1_900_000_000);
        assert_eq!(leaves(&bound, START), START + 3_900_000_000);
    }

    #[test]
    fn turns_that_are_given_back_leave_no_trace() {
        let bound = RateBound::new(10.0, at(START));
        let before: Vec<u64> = (0..12).map(|_| leaves(&bound, START)).collect();
        (0..5).for_each(|_| _ = bound.take(at(START)));
        (0..5).for_each(|_| bound.give_back());
        assert_eq!(leaves(&bound, START), before[11] + SECOND / 10);
    }

    #[test]
    fn threads_share_one_bound() {
        let bound = RateBound::new(1_000.0, at(START));
        let mut left: Vec<u64> = std::thread::scope(|scope| {
            let asking = || (0..2_000).map(|_| leaves(&bound, START)).collect::<Vec<_>>();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(asking)).collect();
            let taken = threads
                .into_iter()
                .flat_map(|thread| thread.join().expect("it does not panic"));
            taken.collect()
        });
        left.sort_unstable();
        // 100 at once, then one a millisecond.
        let expected = |index: u64| START + index.saturating_sub(99) * 1_000_000;
        assert_eq!(left, (0..8_000).map(expected).collect::<Vec<_>>());
    }

    #[test]
    fn a_bound_beyond_all_times_lets_nothing_through() {
        let bound = RateBound::new(1e-300, at(u64::MAX - SECOND));
        assert_eq!(bound.take(at(u64::MAX - SECOND)), MonotonicTime::NEVER);
    }
}
