//! What one Locust process told of a step, as a recorder holds it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use nest_data::measurement::Outcome;

use super::message::{Report, TaskEvent};
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
    outside: u64, // requests outside of any execution that is counted
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
            outside: 0,
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

    /// The step is over at `now`: what it recorded, and how many requests belonged to no execution that is
    /// counted. If the process is gone, what was due there and has not ended failed with it.
    pub fn close(&mut self, now: MonotonicTime, is_gone: bool) -> Option<(Recorder, u64)> {
        let mut step = self.step.take()?;
        step.flush(MonotonicTime::NEVER);
        if is_gone {
            step.lose(now);
            // It stood still from its last word on.
            step.recorder.gaps.beat(&step.control, self.used.0, now);
        }
        step.recorder.close(&step.control);
        step.control.progress[self.slot].forget_aborted(step.open.len());
        Some((step.recorder, step.outside))
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
                if let Some(open) = self.open.remove(execution) {
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
            }
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
        let Some(open) = execution.and_then(|execution| self.open.get_mut(&execution)) else {
            self.outside += 1;
            return;
        };
        if open.is_first {
            record.due = open.due;
            open.is_first = false;
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

    /// The process is gone: what was due there and has not ended failed with it.
    fn lose(&mut self, now: MonotonicTime) {
        let lost: Vec<(u64, (MonotonicTime, usize))> = std::mem::take(&mut self.awaited)
            .into_iter()
            .filter(|(_, (due, _))| *due <= now && *due < self.control.end())
            .collect();
        for (number, (due, behaviour)) in lost {
            self.add_to_schedule(number, due, behaviour);
            self.recorder.execution_due(behaviour, self.phase(due));
            if self.phase(due) == StepPhase::Measured {
                self.recorder.failed(behaviour, WORKER);
            }
        }
        let open: Vec<(usize, StepPhase)> = self
            .open
            .values()
            .map(|open| (open.behaviour, open.phase))
            .collect();
        for (behaviour, _) in open
            .into_iter()
            .filter(|(_, phase)| *phase == StepPhase::Measured)
        {
            self.recorder.failed(behaviour, WORKER);
        }
    }
}

/// How long a process may say nothing until it counts as lost: A.6 of many machines, for the same reason.
pub const SILENT: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests;
