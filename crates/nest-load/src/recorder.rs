//! Counts and histograms of one step. A recorder belongs to one worker; recorders merge at the end of a step.

use std::{collections::BTreeMap, ops::Range};

use hdrhistogram::Histogram as Hdr;
use nest_data::measurement::{CountTally, Counts, Outcome, Resends, ResponseClock};

use crate::{
    clock::MonotonicTime,
    recorder::counted::ExecutionCounts,
    recorder::failures::{KeptFailure, KeptFailures},
    recorder::gaps::GapMeter,
    recorder::held::HeldRequests,
    recorder::level::LevelMeter,
    recorder::silence::SilenceMeter,
    recorder::windows::{StepControl, StepPhase},
    schedule::checksum::ScheduleChecksum,
};

pub mod counted;
mod documents;
pub mod failures;
pub mod gaps;
pub mod held;
pub mod level;
pub mod parts;
pub mod silence;
pub mod tally;
mod window_record;
pub mod windows;
pub mod wire;

pub use window_record::WindowRecord;

/// Longest response time that is recorded, in microseconds: an hour. A start may wait long for a customer.
const LONGEST_US: u64 = 3_600_000_000;
/// Most requests that a behaviour in code names; those beyond have one name together.
const MOST_NAMES: usize = 100;
const OTHERS: &str = "others";

/// How one request went.
#[derive(Debug, Clone, Copy)]
pub struct RequestRecord {
    pub due: MonotonicTime,
    pub sent: MonotonicTime,
    pub ended: MonotonicTime,
    pub outcome: Outcome,
    pub status: u16, // 0 if there was no answer
    pub bytes: u64,
}

/// Which request of which behaviour, and whether it counts.
#[derive(Debug, Clone, Copy)]
pub struct RequestPlace {
    pub behaviour: usize,
    pub endpoint: usize,
    pub phase: StepPhase,
}

/// What a recorder counts: the behaviours, and the requests of files.
pub struct StepOutline {
    /// One per behaviour: whether an execution makes exactly one request.
    pub single: Vec<bool>,
    /// One per behaviour: how many counts it has.
    pub counts: Vec<usize>,
    pub endpoints: Vec<EndpointOutline>,
}

/// One request of one behaviour.
pub struct EndpointOutline {
    pub behaviour: usize,
    pub name: String,
    /// The client that sends it, unless that is the fast path.
    pub path: Option<String>,
}

/// Counts and histograms of one step.
pub struct Recorder {
    pub behaviours: Vec<BehaviourRecord>,
    pub windows: Vec<WindowRecord>,
    pub settling: Counts,
    /// The arrivals of the schedule that came due, or the customers who began.
    pub schedule: ScheduleChecksum,
    /// Delay between due time and start if a customer was free, in microseconds.
    pub lateness: Hdr<u64>,
    /// How late the worker's clock woke somebody, in microseconds.
    pub clock: Hdr<u64>,
    /// When the worker stood still.
    pub gaps: GapMeter,
    /// Requests that `max_rate` held back.
    pub held: HeldRequests,
    on_time: u64,       // starts without any delay, until the books are closed
    latest: (u16, u64), // the status that came last, and how often in a row
    /// Executions in progress and requests in flight, over the windows.
    pub active: LevelMeter,
    pub in_flight: LevelMeter,
    pub lost_connections: u64,
    /// Attempts to connect that nobody answered, not even by a refusal.
    pub unanswered_connects: u64,
    pub panics: u64,
    pub queued: u64,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Times without the end of any request.
    pub silence: SilenceMeter,
    endpoints: Vec<EndpointRecord>,
    of_files: usize, // how many of them are requests of files
    errors: BTreeMap<(usize, String), u64>,
    failures: KeptFailures,
}

/// One behaviour of one step.
#[derive(Default)]
pub struct BehaviourRecord {
    pub executions: Counts,
    pub requests: Counts,
    pub redirected: u64, // of the requests
    pub resends: Resends,
    pub counted: Vec<CountTally>,      // one per count of the behaviour
    histograms: [Option<Hdr<u64>>; 4], // due ok, due failed, sent ok, sent failed
    single: bool,                      // it makes one request only
}

struct EndpointRecord {
    behaviour: usize,
    name: String,
    path: Option<String>,
    requests: Counts,
    // None if it is its behaviour's only request: then the behaviour's is its own.
    histogram: Option<Hdr<u64>>,
}

impl EndpointRecord {
    fn new(outline: EndpointOutline) -> Self {
        Self {
            behaviour: outline.behaviour,
            name: outline.name,
            path: outline.path,
            requests: Counts::default(),
            histogram: None,
        }
    }
}

impl Recorder {
    /// An empty recorder.
    pub fn new(outline: StepOutline, windows: usize) -> Self {
        let behaviours = outline.single.len();
        let of_behaviour = |(single, counts)| BehaviourRecord {
            single,
            counted: vec![CountTally::default(); counts],
            ..BehaviourRecord::default()
        };
        let of_files = outline.endpoints.len();
        Self {
            behaviours: outline
                .single
                .into_iter()
                .zip(outline.counts)
                .map(of_behaviour)
                .collect(),
            windows: vec![WindowRecord::new(behaviours); windows],
            settling: Counts::default(),
            schedule: ScheduleChecksum::default(),
            lateness: new_histogram(),
            clock: new_histogram(),
            gaps: GapMeter::default(),
            held: HeldRequests::default(),
            on_time: 0,
            latest: (0, 0),
            active: LevelMeter::default(),
            in_flight: LevelMeter::default(),
            lost_connections: 0,
            unanswered_connects: 0,
            panics: 0,
            queued: 0,
            statuses: BTreeMap::new(),
            silence: SilenceMeter::new(behaviours),
            endpoints: outline.endpoints.into_iter().map(EndpointRecord::new).collect(),
            of_files,
            errors: BTreeMap::new(),
            failures: KeptFailures::default(),
        }
    }

    /// The index of a request that code makes, by its name.
    pub fn endpoint(&mut self, behaviour: usize, name: &str) -> usize {
        let known = self
            .endpoints
            .iter()
            .position(|endpoint| endpoint.behaviour == behaviour && endpoint.name == name);
        let names = self
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.behaviour == behaviour)
            .count();
        if known.is_none() && names >= MOST_NAMES && name != OTHERS {
            return self.endpoint(behaviour, OTHERS);
        }
        known.unwrap_or_else(|| {
            self.endpoints.push(EndpointRecord::new(EndpointOutline {
                behaviour,
                name: name.to_owned(),
                path: Some("code".to_owned()),
            }));
            self.endpoints.len() - 1
        })
    }

    /// Counts an execution as due, without a customer for it yet.
    pub fn execution_due(&mut self, behaviour: usize, phase: StepPhase) {
        self.executions(behaviour, phase).due += 1;
    }

    /// An execution that was due begins.
    pub fn execution_begins(&mut self, control: &StepControl, now: MonotonicTime) {
        self.active.change(control, now, 1);
    }

    /// Counts an execution that was due as never started.
    pub fn execution_dropped(&mut self, behaviour: usize, phase: StepPhase) {
        self.executions(behaviour, phase).dropped += 1;
        if phase == StepPhase::Measured {
            let requests = &mut self.behaviours[behaviour].requests;
            requests.due += 1;
            requests.dropped += 1;
            self.count_error(behaviour, "dropped");
        }
    }

    /// Counts the end of an execution, which ran for a `span`.
    pub fn execution_ended(
        &mut self,
        control: &StepControl,
        behaviour: usize,
        phase: StepPhase,
        outcome: Outcome,
        span: Range<MonotonicTime>,
    ) {
        self.active.change(control, span.end, -1);
        let counts = self.executions(behaviour, phase);
        match outcome {
            Outcome::Ok => counts.completed += 1,
            Outcome::Failed => counts.failed += 1,
        }
        window_record::execution_ended(&mut self.windows, control, behaviour, outcome, span);
    }

    /// Tallies what a completed execution has added to the counts of its behaviour.
    pub fn execution_counted(&mut self, behaviour: usize, phase: StepPhase, counts: &ExecutionCounts) {
        if phase == StepPhase::Measured {
            counts.tell(&mut self.behaviours[behaviour].counted);
        }
    }

    /// Counts a request as due, and as in flight.
    pub fn request_begins(&mut self, control: &StepControl, place: RequestPlace, now: MonotonicTime) {
        self.silence.request_begins(place.behaviour, now);
        self.in_flight.change(control, now, 1);
        if place.phase == StepPhase::Measured {
            self.behaviours[place.behaviour].requests.due += 1;
            self.endpoints[place.endpoint].requests.due += 1;
        }
    }

    /// Counts the end of a request.
    pub fn request_ended(&mut self, control: &StepControl, place: RequestPlace, record: &RequestRecord) {
        self.in_flight.change(control, record.ended, -1);
        self.exchanged(control, record.ended, record.bytes);
        self.silence.request_left(place.behaviour);
        if place.phase == StepPhase::Settling {
            return;
        }
        self.count_status(record.status);
        let (of, endpoint) = (
            &mut self.behaviours[place.behaviour],
            &mut self.endpoints[place.endpoint],
        );
        of.requests.count(record.outcome);
        endpoint.requests.count(record.outcome);
        let from_due = record.ended.microseconds_since(record.due);
        let failed = usize::from(record.outcome == Outcome::Failed);
        of.histograms[failed]
            .get_or_insert_with(new_histogram)
            .saturating_record(from_due);
        of.histograms[2 + failed]
            .get_or_insert_with(new_histogram)
            .saturating_record(record.ended.microseconds_since(record.sent));
        if record.outcome == Outcome::Ok && !of.single {
            endpoint
                .histogram
                .get_or_insert_with(new_histogram)
                .saturating_record(from_due);
        }
    }

    /// Records the delay between due time and start of an execution, in microseconds. Most closed customers
    /// start without any, which costs no look into the histogram.
    #[inline]
    pub fn started_late(&mut self, late_us: u64) {
        if late_us == 0 {
            self.on_time += 1;
        } else {
            self.lateness.saturating_record(late_us);
        }
    }

    /// Counts a failure; `true` if few exchanges of its kind are kept so far.
    pub fn failed(&mut self, behaviour: usize, kind: &str) -> bool {
        self.count_error(behaviour, kind);
        self.has_room_for(behaviour, kind)
    }

    /// Whether more failures of this kind are kept.
    pub fn has_room_for(&self, behaviour: usize, kind: &str) -> bool {
        self.failures.has_room_for(behaviour, kind)
    }

    /// Keeps a failed exchange.
    pub fn keep_failure(&mut self, failure: KeptFailure) {
        self.failures.keep(failure);
    }

    /// Closes the books at the end of a step: what is still open was cut.
    pub fn close(&mut self, control: &StepControl) {
        self.count_latest();
        if self.on_time > 0 {
            // The shortest delay that a histogram knows is one microsecond.
            self.lateness
                .saturating_record_n(1, std::mem::take(&mut self.on_time));
        }
        self.active.close(control);
        self.in_flight.close(control);
        let gaps = &self.gaps;
        self.silence.close(control, |from, to| gaps.within(from, to));
        for index in 0..self.behaviours.len() {
            let record = &mut self.behaviours[index];
            record.requests.cut();
            record.executions.cut();
            let known = self
                .errors
                .iter()
                .filter(|((behaviour, _), _)| *behaviour == index)
                .map(|(_, count)| count)
                .sum::<u64>();
            let cut = (record.executions.failed + record.executions.dropped).saturating_sub(known);
            if cut > 0 {
                *self.errors.entry((index, "cut".to_owned())).or_default() += cut;
            }
        }
        self.endpoints
            .iter_mut()
            .for_each(|endpoint| endpoint.requests.cut());
        self.settling.cut();
    }

    /// Adds what another worker recorded in the same step.
    pub fn merge(&mut self, other: Self) {
        self.merge_behaviours(other.behaviours);
        for (mine, theirs) in self.windows.iter_mut().zip(other.windows) {
            mine.merge(theirs);
        }
        self.merge_endpoints(other.endpoints);
        self.settling.merge(&other.settling);
        self.schedule.merge(other.schedule);
        self.lateness += other.lateness;
        self.clock += other.clock;
        self.gaps.merge(other.gaps);
        self.held.merge(other.held);
        self.active.merge(other.active);
        self.in_flight.merge(other.in_flight);
        self.lost_connections += other.lost_connections;
        self.unanswered_connects += other.unanswered_connects;
        self.panics += other.panics;
        self.queued += other.queued;
        self.silence.merge(other.silence);
        other
            .statuses
            .into_iter()
            .for_each(|(status, count)| *self.statuses.entry(status).or_default() += count);
        other
            .errors
            .into_iter()
            .for_each(|(place, count)| *self.errors.entry(place).or_default() += count);
        self.failures.merge(other.failures);
    }

    fn merge_behaviours(&mut self, others: Vec<BehaviourRecord>) {
        for (mine, theirs) in self.behaviours.iter_mut().zip(others) {
            mine.executions.merge(&theirs.executions);
            mine.requests.merge(&theirs.requests);
            mine.redirected += theirs.redirected;
            mine.resends.merge(&theirs.resends);
            mine.counted
                .iter_mut()
                .zip(&theirs.counted)
                .for_each(|(mine, theirs)| mine.merge(theirs));
            for (mine, theirs) in mine.histograms.iter_mut().zip(theirs.histograms) {
                merge_histograms(mine, theirs);
            }
        }
    }

    fn merge_endpoints(&mut self, others: Vec<EndpointRecord>) {
        for (index, theirs) in others.into_iter().enumerate() {
            // Those of files have the same place with every worker; code names its own as it goes.
            let mine = if index < self.of_files {
                index
            } else {
                self.endpoint(theirs.behaviour, &theirs.name)
            };
            self.endpoints[mine].requests.merge(&theirs.requests);
            merge_histograms(&mut self.endpoints[mine].histogram, theirs.histogram);
        }
    }

    /// Failures of one kind over all behaviours.
    pub fn errors_of(&self, kind: &str) -> u64 {
        self.errors
            .iter()
            .filter(|((_, of), _)| of == kind)
            .map(|(_, count)| count)
            .sum()
    }

    /// Failures whose answer blames the server: a status of 500 to 599 (RFC 9110, section 15.6).
    pub fn server_errors(&self) -> u64 {
        self.errors
            .iter()
            .filter(|((_, of), _)| of.starts_with("status 5"))
            .map(|(_, count)| count)
            .sum()
    }

    /// Executions that failed before anything was sent.
    pub fn own_errors(&self) -> u64 {
        self.errors_of("feed") + self.errors_of("request")
    }

    /// Requests that failed because of what their answer said.
    pub fn wrong_answers(&self) -> u64 {
        let errors = self.errors.iter().filter(|((_, kind), _)| is_wrong_answer(kind));
        errors.map(|(_, count)| count).sum()
    }

    /// Response times of the completed requests by one clock, over all behaviours, in microseconds.
    pub fn response_times(&self, clock: ResponseClock) -> Hdr<u64> {
        let first = if clock == ResponseClock::Due { 0 } else { 2 };
        self.merged(first..first + 1)
    }

    /// Times from sending of all requests over all behaviours, those that failed among them, in
    /// microseconds.
    pub fn sent_times_of_all(&self) -> Hdr<u64> {
        self.merged(2..4)
    }

    fn merged(&self, kinds: Range<usize>) -> Hdr<u64> {
        let mut all = new_histogram();
        for record in &self.behaviours {
            let some = record.histograms[kinds.clone()].iter().flatten();
            some.for_each(|hdr| all += hdr);
        }
        all
    }

    /// The 0-1 quantile of the response time from due of one behaviour's completed requests, in seconds.
    pub fn quantile_s(&self, behaviour: usize, quantile: f64) -> Option<f64> {
        let hdr = self.behaviours.get(behaviour)?.histograms[0].as_ref()?;
        Some(hdr.value_at_quantile(quantile) as f64 / 1e6)
    }

    /// The same from sending.
    pub fn sent_quantile_s(&self, behaviour: usize, quantile: f64) -> Option<f64> {
        let hdr = self.behaviours.get(behaviour)?.histograms[2].as_ref()?;
        Some(hdr.value_at_quantile(quantile) as f64 / 1e6)
    }

    fn executions(&mut self, behaviour: usize, phase: StepPhase) -> &mut Counts {
        match phase {
            StepPhase::Settling => &mut self.settling,
            StepPhase::Measured => &mut self.behaviours[behaviour].executions,
        }
    }

    fn count_error(&mut self, behaviour: usize, kind: &str) {
        *self.errors.entry((behaviour, kind.to_owned())).or_default() += 1;
    }
}

/// Whether a failure of this kind is about what an answer said, and not about how much the target can take.
/// Of statuses those are that blame the request, or nobody: 408, 425 and 429 ask for less or later, and
/// from 500 on the target blames itself (RFC 9110, section 15; RFC 6585, section 4; RFC 8470, section 5.2).
pub(crate) fn is_wrong_answer(kind: &str) -> bool {
    match kind
        .strip_prefix("status ")
        .and_then(|status| status.parse().ok())
    {
        Some(408 | 425 | 429 | 500u16..) => false,
        Some(_) => true,
        None => ["check", "capture", "encoding", "redirect", "answer too long"].contains(&kind),
    }
}

fn merge_histograms(mine: &mut Option<Hdr<u64>>, theirs: Option<Hdr<u64>>) {
    match (mine, theirs) {
        (Some(mine), Some(theirs)) => *mine += theirs,
        (mine @ None, theirs) => *mine = theirs,
        (Some(_), None) => {}
    }
}

fn new_histogram() -> Hdr<u64> {
    Hdr::new_with_bounds(1, LONGEST_US, 3).expect("the bounds are constants that HdrHistogram accepts")
}
