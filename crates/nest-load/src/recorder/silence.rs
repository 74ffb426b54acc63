//! The longest time without the end of any request while some were in flight, and whose requests those were.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{clock::MonotonicTime, recorder::windows::StepControl};

/// A time without the end of any request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// How long it was, in microseconds.
    pub us: u64,
    /// Requests in flight when it began, one number per behaviour.
    pub open: Vec<u64>,
}

/// Watches for silence in the windows of a step; begins and ends come in order of time.
#[derive(Debug, Clone, Default)]
pub struct SilenceMeter {
    longest: Option<Silence>,
    longest_from: Option<MonotonicTime>,
    began: Option<MonotonicTime>,
    silences: u64, // how many have begun
    in_flight: u64,
    of_behaviour: Vec<InFlight>,
}

/// Requests of one behaviour.
#[derive(Debug, Clone, Copy, Default)]
struct InFlight {
    now: u64,
    silence: u64,     // the silence in which the last one began
    began_in_it: u64, // and how many of those in flight began in it
}

impl InFlight {
    /// Those that began before a silence that lasts.
    fn before(self, silence: u64) -> u64 {
        let began_in_it = if self.silence == silence {
            self.began_in_it
        } else {
            0
        };
        self.now.saturating_sub(began_in_it)
    }
}

impl SilenceMeter {
    /// A meter for so many behaviours.
    pub fn new(behaviours: usize) -> Self {
        Self {
            of_behaviour: vec![InFlight::default(); behaviours],
            ..Self::default()
        }
    }

    /// The longest one; `None` if no request was in flight in the windows.
    pub fn longest(&self) -> Option<&Silence> {
        self.longest.as_ref()
    }

    /// Takes over what another meter found.
    pub fn set_longest(&mut self, longest: Option<Silence>) {
        self.longest = longest;
    }

    /// A request of a behaviour begins. Silence counts only while somebody waits, so that it begins with a
    /// request that is alone.
    pub fn request_begins(&mut self, behaviour: usize, now: MonotonicTime) {
        let alone = self.in_flight == 0;
        self.in_flight += 1;
        if alone {
            self.begin(now);
        }
        let of = &mut self.of_behaviour[behaviour];
        of.now += 1;
        if of.silence != self.silences {
            (of.silence, of.began_in_it) = (self.silences, 0);
        }
        of.began_in_it += u64::from(!alone);
    }

    /// An answer has come, which ends a silence and begins the next.
    pub fn answered(&mut self, control: &StepControl, now: MonotonicTime) {
        if control.index(now).is_some() {
            self.note(control, now);
        }
        self.begin(now);
    }

    /// A request of a behaviour is over.
    pub fn request_left(&mut self, behaviour: usize) {
        let of = &mut self.of_behaviour[behaviour];
        of.now = of.now.saturating_sub(1);
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// The windows end, perhaps while requests are in flight. Answers that had come could not be read while
    /// the worker itself stood still, which `own` tells: that is no silence of the target.
    pub fn close(&mut self, control: &StepControl, own: impl Fn(MonotonicTime, MonotonicTime) -> Duration) {
        if self.in_flight > 0 {
            self.note(control, control.end());
        }
        if let (Some(longest), Some(from)) = (&mut self.longest, self.longest_from) {
            let own = own(from, from.after(Duration::from_micros(longest.us)));
            longest.us = longest.us.saturating_sub(own.as_micros() as u64);
        }
    }

    /// Adds what another worker saw. A target stands still for all workers at once; a worker that had nothing
    /// to ask has no say.
    pub fn merge(&mut self, other: Self) {
        self.longest = match (self.longest.take(), other.longest) {
            (Some(mine), Some(theirs)) => Some(Silence {
                us: mine.us.min(theirs.us),
                open: std::iter::zip(mine.open, theirs.open)
                    .map(|(one, other)| one + other)
                    .collect(),
            }),
            (mine, theirs) => mine.or(theirs),
        };
    }

    fn begin(&mut self, now: MonotonicTime) {
        self.silences += 1;
        self.began = Some(now);
    }

    fn note(&mut self, control: &StepControl, now: MonotonicTime) {
        let from = self.began.unwrap_or(now).max(control.from());
        let us = now.microseconds_since(from);
        if self.longest.as_ref().is_none_or(|longest| us > longest.us) {
            let open = self
                .of_behaviour
                .iter()
                .map(|of| of.before(self.silences))
                .collect();
            self.longest = Some(Silence { us, open });
            self.longest_from = Some(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A step of windows from 10 to 20 s, and the moment so many milliseconds after its start.
    fn step() -> (StepControl, impl Fn(u64) -> MonotonicTime) {
        let start = MonotonicTime::now();
        let at = move |ms: u64| start.after(Duration::from_millis(ms));
        let control = StepControl::new(start, Duration::from_secs(5), 2, 1, None);
        control.measure_from(at(10_000));
        (control, at)
    }

    fn ends(meter: &mut SilenceMeter, control: &StepControl, behaviour: usize, now: MonotonicTime) {
        meter.answered(control, now);
        meter.request_left(behaviour);
    }

    #[test]
    fn the_worker_s_own_standstill_is_no_silence() {
        let (control, at) = step();
        let mut meter = SilenceMeter::new(1);
        meter.request_begins(0, at(11_000));
        ends(&mut meter, &control, 0, at(13_000));
        meter.close(&control, |from, to| {
            assert_eq!((from, to), (at(11_000), at(13_000)));
            Duration::from_millis(1_500)
        });
        assert_eq!(meter.longest().map(|silence| silence.us), Some(500_000));
    }

    #[test]
    fn a_silence_knows_whose_requests_were_in_flight_when_it_began() {
        let (control, at) = step();
        let mut meter = SilenceMeter::new(2);
        for begins in [11_000, 11_010, 11_020] {
            meter.request_begins(1, at(begins));
        }
        meter.request_begins(0, at(11_030));
        ends(&mut meter, &control, 0, at(11_040));
        meter.request_begins(0, at(11_050)); // in the silence, as is the next
        meter.request_begins(1, at(11_060));
        ends(&mut meter, &control, 1, at(12_240));
        ends(&mut meter, &control, 1, at(12_250));
        let expected = Silence {
            us: 1_200_000,
            open: vec![0, 3],
        };
        assert_eq!(meter.longest(), Some(&expected));
    }

    #[test]
    fn nobody_waits_between_an_end_and_the_next_request() {
        let (control, at) = step();
        let mut meter = SilenceMeter::new(1);
        meter.request_begins(0, at(11_000));
        ends(&mut meter, &control, 0, at(11_100));
        meter.request_begins(0, at(15_000));
        ends(&mut meter, &control, 0, at(15_300));
        let expected = Silence {
            us: 300_000,
            open: vec![1],
        };
        assert_eq!(meter.longest(), Some(&expected));
    }

    #[test]
    fn only_what_lies_in_the_windows_is_silence() {
        let (control, at) = step();
        let mut meter = SilenceMeter::new(1);
        meter.request_begins(0, at(1_000));
        meter.request_begins(0, at(1_100));
        ends(&mut meter, &control, 0, at(9_000));
        assert_eq!(meter.longest(), None);
        ends(&mut meter, &control, 0, at(10_400));
        assert_eq!(meter.longest().map(|silence| silence.us), Some(400_000));
        meter.request_begins(0, at(19_000));
        meter.close(&control, |_, _| Duration::ZERO);
        assert_eq!(meter.longest().map(|silence| silence.us), Some(1_000_000));
    }

    #[test]
    fn a_worker_without_requests_hides_no_standstill() {
        let meter = |us: Option<u64>| SilenceMeter {
            longest: us.map(|us| Silence { us, open: vec![2] }),
            ..SilenceMeter::new(1)
        };
        for (mine, theirs, merged) in [
            (None, Some(700_000), Some((700_000, 2))),
            (Some(700_000), None, Some((700_000, 2))),
            (Some(700_000), Some(900_000), Some((700_000, 4))),
            (None, None, None),
        ] {
            let mut first = meter(mine);
            first.merge(meter(theirs));
            let longest = first.longest().map(|silence| (silence.us, silence.open[0]));
            assert_eq!(longest, merged, "{mine:?} with {theirs:?}");
        }
    }
}
