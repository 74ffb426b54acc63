//! What one Locust process told of a step, as a recorder holds it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use nest_data::measurement::Outcome;

use super::{
    doubts::ToldRequests,
    message::{Report, TaskEvent},
};
use crate::{
    clock::MonotonicTime,
    observe::threads::ThreadUse,
    recorder::{
        Recorder, RequestPlace, RequestRecord,
        failures::KeptFailure,
        windows::{StepControl, StepPhase},
    },
    schedule::pacer::ScheduledStart,
};

/// Kind of failures of executions that raised an error, as of behaviours in Rust.
const CODE: &str = "code";
/// Kind of executions that were lost with their process.
const WORKER: &str = "worker";
/// Kind of executions that were under way when the step ended.
const CUT: &str = "cut";
/// Kind of executions that no user could take because the last one failed to begin.
const DROPPED: &str = "dropped";

/// How the names of what users do first end.
const ON_START: &str = ".on_start";

/// What one process told, from step to step.
pub struct SlotLedger {
    slot: usize,
    /// Index of the behaviour of each task.
    behaviours: HashMap<String, usize>,
    step: Option<LedgerStep>,
    /// What was told between two steps.
    early: Vec<Report>,
    /// What the process has used, and when it told so.
    pub used: (MonotonicTime, ThreadUse),
    heard: Option<Instant>, // when it last told something
}

/// A step as one process told of it.
struct LedgerStep {
    control: Arc<StepControl>,
    recorder: Recorder,
    seed: u64,
    open: HashMap<u64, OpenExecution>,
    /// Arrivals that were handed over and have neither begun nor been dropped, by number.
    awaited: BTreeMap<u64, (MonotonicTime, usize)>,
    changes: BinaryHeap<Reverse<(MonotonicTime, u64, ChangeOrder)>>,
    requests: HashMap<u64, (RequestPlace, RequestRecord)>,
    told: u64, // requests told so far
    flushed: MonotonicTime,
    requests_told: ToldRequests,
    unnamed: HashMap<u64, UnnamedExecution>,
    /// The `on_start` that failed last, and why.
    failed_start: Option<(String, String)>,
}

/// An execution under way of a task that the study does not name.
struct UnnamedExecution {
    task: String,
    failed: Option<String>, // the kind of its first request that failed
}

/// A step that is over, as one process told of it.
pub struct ClosedStep {
    pub recorder: Recorder,
    /// Its requests, for the doubts that they raise.
    pub requests: ToldRequests,
    /// What was lost with the process, if it is gone.
    pub lost: Option<LostPart>,
}

/// What is not known of a step because its process is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostPart {
    /// Executions that had begun and of which no end was told.
    pub open: u64,
    /// Executions that came due before it was gone, and of which it is not known whether they began.
    pub untold: u64,
}

impl LostPart {
    /// What is not known and how it counts, in words, after why; `never_due` executions of a schedule would
    /// have come due later.
    pub fn reason(&self, why: &str, never_due: Option<u64>) -> String {
        let Self { open, untold } = self;
        let never = never_due.map_or_else(String::new, |count| {
            format!("; {count} more would have come due there")
        });
        format!(
            "{why}. {open} of its executions were under way, and {untold} more were due that it may have \
             begun: all of them count as failed{never}"
        )
    }
}

/// Whether a request begins or ends; at the same moment it begins first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ChangeOrder {
    Begins,
    Ends,
}

/// An execution under way.
struct OpenExecution {
    behaviour: usize,
    task: String,
    due: MonotonicTime,
    began: MonotonicTime,
    phase: StepPhase,
    is_first: bool,         // no request of it has been told
    failed: Option<String>, // the kind of its first request that failed
}

impl SlotLedger {
    /// A ledger of a slot; `tasks` are those of the behaviours, in order.
    pub fn new(slot: usize, tasks: impl IntoIterator<Item = String>) -> Self {
        Self {
            slot,
            behaviours: tasks
                .into_iter()
                .enumerate()
                .map(|(index, task)| (task, index))
                .collect(),
            step: None,
            early: Vec::new(),
            used: (MonotonicTime::NEVER, ThreadUse::default()),
            heard: None,
        }
    }

    /// A step begins. What was told since the last one belongs to its settling.
    pub fn begin(&mut self, control: Arc<StepControl>, recorder: Recorder, seed: u64) {
        let flushed = MonotonicTime::LONG_AGO;
        self.step = Some(LedgerStep {
            control,
            recorder,
            seed,
            open: HashMap::new(),
            awaited: BTreeMap::new(),
            changes: BinaryHeap::new(),
            requests: HashMap::new(),
            told: 0,
            flushed,
            requests_told: ToldRequests::default(),
            unnamed: HashMap::new(),
            failed_start: None,
        });
        std::mem::take(&mut self.early)
            .iter()
            .for_each(|report| self.read(report));
    }

    /// An arrival is handed over to the process.
    pub fn hand_over(&mut self, start: &ScheduledStart, due: MonotonicTime) {
        if let Some(step) = &mut self.step {
            step.awaited.insert(start.number, (due, start.behaviour));
        }
    }

    /// Reads a report.
    pub fn take(&mut self, report: Report) {
        self.used = (
            MonotonicTime::from_nanoseconds(report.t),
            ThreadUse {
                cpu_s: report.cpu as f64 / 1e9,
                waited_s: report.wait as f64 / 1e9,
            },
        );
        self.heard = Some(Instant::now());
        if self.step.is_some() {
            self.read(&report);
        } else {
            self.early.push(report);
        }
    }

    fn read(&mut self, report: &Report) {
        let Some(step) = &mut self.step else { return };
        let at = MonotonicTime::from_nanoseconds(report.t);
        for event in &report.ev {
            step.take(event, &self.behaviours, self.slot);
        }
        step.flush(at);
        if step.control.index(at).is_some() {
            report
                .late
                .iter()
                .for_each(|late_us| step.recorder.clock.saturating_record((*late_us).max(1)));
        }
        for (due, now) in &report.gaps {
            let [due, now] = [*due, *now].map(MonotonicTime::from_nanoseconds);
            step.recorder.gaps.beat(&step.control, due, now);
        }
        let present = report.users.values().sum::<u64>() as i64;
        step.control.progress[self.slot].present.store(present, Relaxed);
    }

    /// Whether the process has told anything yet.
    pub fn is_heard(&self) -> bool {
        self.heard.is_some()
    }

    /// How long the process has said nothing.
    pub fn silent(&self) -> Duration {
        self.heard.map_or(Duration::ZERO, |heard| heard.elapsed())
    }

    /// Executions under way.
    pub fn open(&self) -> usize {
        self.step.as_ref().map_or(0, |step| step.open.len())
    }

    /// The step is over at `now`. If the process is `gone` since a moment, what came due there before and has
    /// not ended failed with it; what came due later never had a process.
    pub fn close(&mut self, now: MonotonicTime, gone: Option<MonotonicTime>) -> Option<ClosedStep> {
        let mut step = self.step.take()?;
        step.flush(MonotonicTime::NEVER);
        let lost = gone.map(|gone| {
            // It stood still from its last word on.
            step.recorder.gaps.beat(&step.control, self.used.0, now);
            step.lose(gone)
        });
        step.recorder.close(&step.control);
        step.control.progress[self.slot].forget_aborted(step.open.len());
        Some(ClosedStep {
            recorder: step.recorder,
            requests: step.requests_told,
            lost,
        })
    }
}

impl LedgerStep {
    fn take(&mut self, event: &TaskEvent, behaviours: &HashMap<String, usize>, slot: usize) {
        let time = |at: &u64| MonotonicTime::from_nanoseconds(*at);
        match event {
            TaskEvent::Begun {
                execution,
                task,
                due,
                at,
                number,
                waited,
            } => {
                let Some(behaviour) = behaviours.get(task).copied() else {
                    let task = task.clone();
                    self.unnamed
                        .insert(*execution, UnnamedExecution { task, failed: None });
                    return;
                };
                let (due, began) = (time(due), time(at));
                let phase = self.phase(due);
                self.recorder.execution_due(behaviour, phase);
                if let Some(number) = number {
                    self.awaited.remove(number);
                    self.add_to_schedule(*number, due, behaviour);
                }
                if phase == StepPhase::Measured && *waited {
                    self.recorder.queued += 1;
                } else if phase == StepPhase::Measured {
                    self.recorder.started_late(began.microseconds_since(due));
                }
                self.recorder.execution_begins(&self.control, began);
                self.control.progress[slot].active.fetch_add(1, Relaxed);
                let open = OpenExecution {
                    behaviour,
                    task: task.clone(),
                    due,
                    began,
                    phase,
                    is_first: true,
                    failed: None,
                };
                self.open.insert(*execution, open);
            }
            TaskEvent::Ended {
                execution,
                at,
                reason,
            } => {
                if let Some(one) = self.unnamed.remove(execution) {
                    self.note_start(&one.task, reason, one.failed.as_deref());
                }
                if let Some(open) = self.open.remove(execution) {
                    self.note_start(&open.task, reason, open.failed.as_deref());
                    self.end(open, time(at), reason, slot);
                }
            }
            TaskEvent::Request {
                execution,
                name,
                sent,
                ended,
                status,
                bytes,
                kind,
                redirects,
            } => {
                let record = RequestRecord {
                    due: time(sent),
                    sent: time(sent),
                    ended: time(ended),
                    outcome: if kind.is_empty() {
                        Outcome::Ok
                    } else {
                        Outcome::Failed
                    },
                    status: *status,
                    bytes: *bytes,
                };
                self.request(*execution, name, kind, record, *redirects);
            }
            TaskEvent::Dropped { number, task } => {
                let Some((due, behaviour)) = self.awaited.remove(number).or_else(|| {
                    let behaviour = behaviours.get(task).copied()?;
                    Some((self.control.start, behaviour))
                }) else {
                    return;
                };
                let phase = self.phase(due);
                self.add_to_schedule(*number, due, behaviour);
                self.recorder.execution_due(behaviour, phase);
                self.recorder.execution_dropped(behaviour, phase);
                self.blame_start(behaviour);
            }
        }
    }

    /// Notes an `on_start` that raised an error: its user is gone, and takes nothing of what is due.
    fn note_start(&mut self, task: &str, reason: &str, failed: Option<&str>) {
        if task.ends_with(ON_START) && !reason.is_empty() && reason != CUT {
            let request = failed.map_or_else(String::new, |kind| format!(", after a request failed: {kind}"));
            self.failed_start = Some((task.to_owned(), format!("{reason}{request}")));
        }
    }

    /// Keeps the `on_start` that failed last as the reason why an execution found no user.
    fn blame_start(&mut self, behaviour: usize) {
        let has_room = self.recorder.has_room_for(behaviour, DROPPED);
        if let Some((request, reason)) = self.failed_start.clone().filter(|_| has_room) {
            self.recorder.keep_failure(KeptFailure {
                behaviour,
                kind: DROPPED.to_owned(),
                reason: format!("no user can begin: {reason}"),
                request,
                answer: None,
                body: None,
            });
        }
    }

    /// What an execution counts as: those due after the windows count as little as those due before.
    fn phase(&self, due: MonotonicTime) -> StepPhase {
        if due >= self.control.end() {
            StepPhase::Settling
        } else {
            self.control.phase(due)
        }
    }

    fn add_to_schedule(&mut self, number: u64, due: MonotonicTime, behaviour: usize) {
        let due_ns = due.since(self.control.start).as_nanos() as u64;
        self.recorder.schedule.add(number, due_ns, behaviour, self.seed);
    }

    fn end(&mut self, open: OpenExecution, at: MonotonicTime, reason: &str, slot: usize) {
        let failed = open.failed.is_some() || !reason.is_empty();
        let outcome = if failed { Outcome::Failed } else { Outcome::Ok };
        self.recorder
            .execution_ended(&self.control, open.behaviour, open.phase, outcome, open.began..at);
        if failed && open.phase == StepPhase::Measured && reason != CUT {
            let kind = open.failed.unwrap_or_else(|| CODE.to_owned());
            if self.recorder.failed(open.behaviour, &kind) {
                let reason = if reason.is_empty() {
                    "one of its requests failed"
                } else {
                    reason
                };
                self.recorder.keep_failure(KeptFailure {
                    behaviour: open.behaviour,
                    kind,
                    request: open.task,
                    reason: reason.to_owned(),
                    answer: None,
                    body: None,
                });
            }
        }
        let progress = &self.control.progress[slot];
        progress.active.fetch_sub(1, Relaxed);
        progress.ended.fetch_add(1, Relaxed);
        progress
            .spent_us
            .fetch_add(at.microseconds_since(open.due), Relaxed);
    }

    fn request(
        &mut self,
        execution: Option<u64>,
        name: &str,
        kind: &str,
        mut record: RequestRecord,
        redirects: u64,
    ) {
        self.requests_told.all += 1;
        let Some(open) = execution.and_then(|execution| self.open.get_mut(&execution)) else {
            let unnamed = execution.and_then(|execution| self.unnamed.get_mut(&execution));
            if let Some(one) = unnamed {
                if !kind.is_empty() {
                    one.failed.get_or_insert_with(|| kind.to_owned());
                }
                self.requests_told.outside(&one.task);
            } else {
                self.requests_told.outside(name);
            }
            return;
        };
        if open.is_first {
            record.due = open.due;
            open.is_first = false;
        } else {
            self.requests_told.several.insert(open.behaviour);
        }
        if !kind.is_empty() {
            open.failed.get_or_insert_with(|| kind.to_owned());
        }
        let (behaviour, phase) = (open.behaviour, open.phase);
        let name = if name.is_empty() { "not told" } else { name };
        let place = RequestPlace {
            behaviour,
            endpoint: self.recorder.endpoint(behaviour, name),
            phase,
        };
        for _ in 0..redirects {
            self.recorder
                .request_redirected(&self.control, place, record.ended, 302, 0);
        }
        self.told += 1;
        let sent = record.sent.max(self.flushed);
        self.changes.push(Reverse((sent, self.told, ChangeOrder::Begins)));
        self.changes
            .push(Reverse((record.ended.max(sent), self.told, ChangeOrder::Ends)));
        self.requests.insert(self.told, (place, record));
    }

    /// Records, in order of time, requests before which nothing else can be told any more: those that ended
    /// before the oldest execution under way began, and before the report at `until`.
    fn flush(&mut self, until: MonotonicTime) {
        let oldest = self.open.values().map(|open| open.began).min();
        let until = oldest.map_or(until, |oldest| oldest.min(until));
        while let Some(Reverse((at, number, order))) = self.changes.peek().copied() {
            if at > until {
                break;
            }
            self.changes.pop();
            match order {
                ChangeOrder::Begins => {
                    if let Some((place, _)) = self.requests.get(&number) {
                        self.recorder.request_begins(&self.control, *place, at);
                    }
                }
                ChangeOrder::Ends => {
                    if let Some((place, record)) = self.requests.remove(&number) {
                        self.recorder.request_ended(&self.control, place, &record);
                    }
                }
            }
        }
        self.flushed = self.flushed.max(until.min(self.control.end()));
    }

    /// The process is gone since a moment: what came due there before and has not ended failed with it.
    fn lose(&mut self, gone: MonotonicTime) -> LostPart {
        let end = self.control.end();
        let untold: Vec<(u64, (MonotonicTime, usize))> = std::mem::take(&mut self.awaited)
            .into_iter()
            .filter(|(_, (due, _))| *due <= gone && *due < end)
            .collect();
        let lost = LostPart {
            open: self.open.len() as u64,
            untold: untold.len() as u64,
        };
        let mut failed: Vec<(usize, StepPhase)> = self
            .open
            .values()
            .map(|open| (open.behaviour, open.phase))
            .collect();
        for (number, (due, behaviour)) in untold {
            self.add_to_schedule(number, due, behaviour);
            self.recorder.execution_due(behaviour, self.phase(due));
            failed.push((behaviour, self.phase(due)));
        }
        for (behaviour, phase) in failed {
            if phase == StepPhase::Measured {
                self.recorder.failed(behaviour, WORKER);
            }
        }
        lost
    }
}

/// How long a process may say nothing until it counts as lost: A.6 of many machines, for the same reason.
pub const SILENT: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests;
