//! Counts and histograms of one step. A recorder belongs to one worker; recorders merge at the end of a step.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use hdrhistogram::{
    Histogram as Hdr,
    serialization::{Serializer, V2DeflateSerializer},
};
use nest_data::measurement::{Counts, ErrorCount, Failure, Histogram, Outcome, ResponseClock};

/// Longest response time that is told apart, in microseconds: two minutes.
const LONGEST_US: u64 = 120_000_000;
/// Failed exchanges that are kept per behaviour and kind.
const KEPT_FAILURES: usize = 3;
/// Longest kept exchange, in bytes.
const LONGEST_EXCHANGE: usize = 2_048;

/// Whether an execution counts: those due while the step settles do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Settling,
    Measured,
}

/// How one request went.
pub struct RequestRecord {
    pub from_due: Duration,
    pub from_sent: Duration,
    pub outcome: Outcome,
    pub bytes: u64,
}

/// Counts and histograms of one step.
pub struct Recorder {
    pub behaviours: Vec<BehaviourRecord>,
    pub windows: Vec<WindowRecord>,
    pub settling: Counts,
    pub lateness: Hdr<u64>,
    pub execution_s: f64, // summed time of measured executions
    pub request_s: f64,   // summed time of measured requests
    errors: BTreeMap<(usize, String), u64>,
    failures: Vec<(usize, String, String)>,
}

/// One behaviour of one step.
pub struct BehaviourRecord {
    pub executions: Counts,
    pub requests: Counts,
    histograms: BTreeMap<(ResponseClock, Outcome), Hdr<u64>>,
}

/// One window of one step.
#[derive(Debug, Clone, Default)]
pub struct WindowRecord {
    pub completed: Vec<u64>, // one per behaviour
    pub failed: u64,
    pub bytes: u64,
}

impl Recorder {
    /// An empty recorder.
    pub fn new(behaviours: usize, windows: usize) -> Self {
        let empty = || BehaviourRecord { executions: Counts::default(), requests: Counts::default(), histograms: BTreeMap::new() };
        Self {
            behaviours: std::iter::repeat_with(empty).take(behaviours).collect(),
            windows: vec![WindowRecord { completed: vec![0; behaviours], ..WindowRecord::default() }; windows],
            settling: Counts::default(),
            lateness: new_histogram(),
            execution_s: 0.0,
            request_s: 0.0,
            errors: BTreeMap::new(),
            failures: Vec::new(),
        }
    }

    /// Counts an execution as due.
    pub fn execution_due(&mut self, behaviour: usize, phase: Phase) {
        self.executions(behaviour, phase).due += 1;
    }

    /// Counts an execution that was never started.
    pub fn execution_dropped(&mut self, behaviour: usize, phase: Phase) {
        let counts = self.executions(behaviour, phase);
        counts.due += 1;
        counts.dropped += 1;
        if phase == Phase::Measured {
            let requests = &mut self.behaviours[behaviour].requests;
            requests.due += 1;
            requests.dropped += 1;
            self.count_error(behaviour, "dropped");
        }
    }

    /// Counts the end of an execution that was due before.
    pub fn execution_ended(&mut self, behaviour: usize, phase: Phase, outcome: Outcome, window: Option<usize>, took: Duration) {
        let counts = self.executions(behaviour, phase);
        match outcome {
            Outcome::Ok => counts.completed += 1,
            Outcome::Failed => counts.failed += 1,
        }
        if phase == Phase::Measured {
            self.execution_s += took.as_secs_f64();
        }
        if let Some(window) = window.and_then(|window| self.windows.get_mut(window)) {
            match outcome {
                Outcome::Ok => window.completed[behaviour] += 1,
                Outcome::Failed => window.failed += 1,
            }
        }
    }

    /// Counts a request as due.
    pub fn request_due(&mut self, behaviour: usize, phase: Phase) {
        if phase == Phase::Measured {
            self.behaviours[behaviour].requests.due += 1;
        }
    }

    /// Counts the end of a request that was due before.
    pub fn request_ended(&mut self, behaviour: usize, phase: Phase, window: Option<usize>, record: &RequestRecord) {
        if let Some(window) = window.and_then(|window| self.windows.get_mut(window)) {
            window.bytes += record.bytes;
        }
        if phase == Phase::Settling {
            return;
        }
        let of = &mut self.behaviours[behaviour];
        match record.outcome {
            Outcome::Ok => of.requests.completed += 1,
            Outcome::Failed => of.requests.failed += 1,
        }
        for (clock, time) in [(ResponseClock::Due, record.from_due), (ResponseClock::Sent, record.from_sent)] {
            of.histograms.entry((clock, record.outcome)).or_insert_with(new_histogram).saturating_record(microseconds(time));
        }
        self.request_s += record.from_sent.as_secs_f64();
    }

    /// Keeps a failed exchange, with secrets masked by the caller.
    pub fn failure(&mut self, behaviour: usize, kind: &str, exchange: &str) {
        self.count_error(behaviour, kind);
        if self.failures.iter().filter(|(of, kept, _)| *of == behaviour && kept == kind).count() < KEPT_FAILURES {
            let mut end = exchange.len().min(LONGEST_EXCHANGE);
            while !exchange.is_char_boundary(end) {
                end -= 1;
            }
            self.failures.push((behaviour, kind.to_owned(), exchange[..end].to_owned()));
        }
    }

    /// Closes the books at the end of a step: what is still open was cut.
    pub fn cut_open(&mut self) {
        for index in 0..self.behaviours.len() {
            let record = &mut self.behaviours[index];
            for counts in [&mut record.requests, &mut record.executions] {
                counts.failed += counts.due - counts.completed - counts.failed - counts.dropped;
            }
            let known = self.errors.iter().filter(|((behaviour, _), _)| *behaviour == index).map(|(_, count)| count).sum::<u64>();
            let cut = (record.executions.failed + record.executions.dropped).saturating_sub(known);
            if cut > 0 {
                self.errors.insert((index, "cut".to_owned()), cut);
            }
        }
        self.settling.failed = self.settling.due - self.settling.completed - self.settling.dropped;
    }

    /// Failed executions of one kind over all behaviours.
    pub fn errors_of(&self, kind: &str) -> u64 {
        self.errors.iter().filter(|((_, of), _)| of == kind).map(|(_, count)| count).sum()
    }

    /// Errors by behaviour and kind.
    pub fn error_counts(&self, names: &[String]) -> Vec<ErrorCount> {
        self.errors
            .iter()
            .map(|((behaviour, kind), count)| ErrorCount { behaviour: names[*behaviour].clone(), kind: kind.clone(), count: *count })
            .collect()
    }

    /// The kept failures.
    pub fn kept_failures(&self, names: &[String]) -> Vec<Failure> {
        self.failures
            .iter()
            .map(|(behaviour, kind, exchange)| Failure { behaviour: names[*behaviour].clone(), kind: kind.clone(), exchange: exchange.clone() })
            .collect()
    }

    /// The histograms as documents hold them.
    pub fn histograms(&self, names: &[String]) -> Vec<Histogram> {
        let of_behaviour = |(behaviour, record): (usize, &BehaviourRecord)| {
            let name = names[behaviour].clone();
            record
                .histograms
                .iter()
                .map(move |((clock, outcome), hdr)| Histogram { behaviour: name.clone(), clock: *clock, outcome: *outcome, hdr: encode(hdr) })
                .collect::<Vec<_>>()
        };
        self.behaviours.iter().enumerate().flat_map(of_behaviour).collect()
    }

    fn executions(&mut self, behaviour: usize, phase: Phase) -> &mut Counts {
        match phase {
            Phase::Settling => &mut self.settling,
            Phase::Measured => &mut self.behaviours[behaviour].executions,
        }
    }

    fn count_error(&mut self, behaviour: usize, kind: &str) {
        *self.errors.entry((behaviour, kind.to_owned())).or_default() += 1;
    }
}

/// A response time as a histogram holds it.
pub fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn new_histogram() -> Hdr<u64> {
    Hdr::new_with_bounds(1, LONGEST_US, 3).expect("the bounds are constants that HdrHistogram accepts")
}

fn encode(hdr: &Hdr<u64>) -> String {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(hdr, &mut bytes).expect("writing to memory does not fail");
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(outcome: Outcome) -> RequestRecord {
        RequestRecord { from_due: Duration::from_millis(3), from_sent: Duration::from_millis(2), outcome, bytes: 10 }
    }

    #[test]
    fn what_is_open_at_the_end_is_cut_and_the_books_balance() {
        let mut recorder = Recorder::new(2, 1);
        for _ in 0..3 {
            recorder.execution_due(1, Phase::Measured);
            recorder.request_due(1, Phase::Measured);
        }
        recorder.request_ended(1, Phase::Measured, Some(0), &request(Outcome::Ok));
        recorder.execution_ended(1, Phase::Measured, Outcome::Ok, Some(0), Duration::from_millis(3));
        recorder.execution_dropped(1, Phase::Measured);
        recorder.cut_open();
        let record = &recorder.behaviours[1];
        assert_eq!(record.executions, Counts { due: 4, completed: 1, failed: 2, dropped: 1 });
        assert!(record.executions.balance() && record.requests.balance());
        assert_eq!((recorder.errors_of("cut"), recorder.errors_of("dropped")), (2, 1));
        assert_eq!(recorder.windows[0].completed, [0, 1]);
    }

    #[test]
    fn settling_executions_are_counted_apart() {
        let mut recorder = Recorder::new(1, 1);
        recorder.execution_due(0, Phase::Settling);
        recorder.request_due(0, Phase::Settling);
        recorder.request_ended(0, Phase::Settling, None, &request(Outcome::Ok));
        recorder.execution_ended(0, Phase::Settling, Outcome::Ok, None, Duration::ZERO);
        recorder.cut_open();
        assert_eq!(recorder.settling, Counts { due: 1, completed: 1, failed: 0, dropped: 0 });
        assert_eq!(recorder.behaviours[0].executions, Counts::default());
        assert!(recorder.histograms(&["a".to_owned()]).is_empty());
    }

    #[test]
    fn three_failures_of_a_kind_are_kept_and_cut_to_two_kilobytes() {
        let mut recorder = Recorder::new(1, 1);
        for _ in 0..5 {
            recorder.failure(0, "check", &"é".repeat(3_000));
        }
        let names = ["a".to_owned()];
        assert_eq!(recorder.kept_failures(&names).len(), 3);
        assert!(recorder.kept_failures(&names).iter().all(|failure| failure.exchange.len() <= 2_048));
        assert_eq!(recorder.error_counts(&names)[0].count, 5);
    }
}
