//! What coordinator and workers tell each other: JSON, at most 512 KiB a message. Unknown keys are ignored,
//! so that a newer build of the same protocol may add some; a missing key is an error that names it.

use std::{collections::BTreeMap, sync::atomic::Ordering::Relaxed};

use nest_data::measurement::{Counts, GeneratorHealth};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::lease::RowRange;
use crate::{
    engine::threads::SlotRange,
    recorder::{
        tally::{BehaviourTally, RunningTally},
        windows::WorkerProgress,
    },
    schedule::load::StepLoad,
};

/// Version of these messages.
pub const PROTOCOL: u32 = 1;
/// Longest message, in bytes. A server takes 1 MiB unless it is told otherwise.
pub const MOST_BYTES: usize = 512 << 10;
/// Deepest nesting of a message.
const MOST_DEPTH: usize = 32;

/// Prefix of the subjects on which answers come to a worker.
pub const WORKER_INBOX: &str = "_INBOX.worker";

/// Whether an answer on this subject can reach a worker only. A request may name any other one, to have the
/// coordinator say something there that whoever asks may not.
pub fn is_of_worker(reply: &str) -> bool {
    let rest = reply.strip_prefix(WORKER_INBOX);
    rest.is_some_and(|rest| rest.len() > 1 && rest.starts_with('.'))
}

/// The subjects of one session.
#[derive(Debug, Clone)]
pub struct Subjects(String);

impl Subjects {
    /// Those of a session.
    pub fn of(session: &str) -> Self {
        Self(format!("nest.1.{session}"))
    }

    /// Workers ask to join.
    pub fn join(&self) -> String {
        format!("{}.join", self.0)
    }

    /// The coordinator tells one worker what to do.
    pub fn worker(&self, id: &str) -> String {
        format!("{}.w.{id}", self.0)
    }

    /// One worker tells how far it is.
    pub fn progress(&self, id: &str) -> String {
        format!("{}.p.{id}", self.0)
    }

    /// Every worker's progress.
    pub fn all_progress(&self) -> String {
        format!("{}.p.*", self.0)
    }

    /// The coordinator tells all that it lives.
    pub fn beat(&self) -> String {
        format!("{}.beat", self.0)
    }
}

/// Whether a name can be part of a subject: 1 to 64 of `A-Z a-z 0-9 _ -`.
pub fn is_token(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    (1..=64).contains(&name.len()) && name.chars().all(is_plain)
}

/// Whether a name can be that of a session: 1 to 32 of `a-z 0-9 -`.
pub fn is_session(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    (1..=32).contains(&name.len()) && name.chars().all(is_plain)
}

/// A worker asks to join. Asked again with the same nonce, it is the same worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JoinRequest {
    pub protocol: u32,
    /// Version and digest of the program.
    pub build: String,
    pub name: String,
    /// Drawn by the process: another one under the same name has another.
    pub nonce: String,
    /// Generator threads.
    pub slots: usize,
    pub cores: usize,
    pub cpu: String,
    pub memory_bytes: u64,
    pub kernel: String,
    /// Names of its behaviours in code.
    pub code: Vec<String>,
    /// Hosts besides the loopback ones that it may put under load.
    pub allow_hosts: Vec<String>,
    /// Most requests per second that it sends; null for no bound of its own.
    pub max_rate: Option<f64>,
    /// Most customers that it plays; null for no bound of its own.
    pub max_customers: Option<u64>,
    /// Processors that its CPU quota allows; null without a quota.
    pub quota_cores: Option<f64>,
}

/// What the coordinator answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum JoinAnswer {
    /// The worker has joined.
    Joined {
        id: String,
        first_slot: usize,
        slots: usize,
        /// Seconds of silence after which it is to stop.
        dead_man_s: f64,
    },
    /// It may not.
    Refused {
        refused: String,
        /// What to do about it.
        #[serde(default)]
        remedy: String,
    },
}

/// How far one worker is; every number counts from the start of the step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub step: u64,
    pub seq: u64,
    /// When it was, in nanoseconds of the worker's monotonic clock.
    pub at_ns: u64,
    pub slots: Vec<SlotProgress>,
    /// Executions due, completed, failed and dropped, by behaviour.
    pub counts: Vec<[u64; 4]>,
    /// The same of requests.
    #[serde(default)]
    pub requests: Vec<[u64; 4]>,
    /// The same of executions that were due while the step settled.
    pub settling: [u64; 4],
    /// Processor time of the busiest slot since it began, in seconds.
    pub cpu: f64,
    /// The longest time that a slot has waited for a processor since it began, in seconds.
    pub waiting: f64,
}

/// How far one slot is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotProgress {
    pub ended: u64,
    pub spent_us: u64,
    pub active: i64,
    pub present: i64,
    pub unreachable: i64,
}

impl SlotProgress {
    /// Of what a slot tells within its process.
    pub fn of(progress: &WorkerProgress) -> Self {
        Self {
            ended: progress.ended.load(Relaxed),
            spent_us: progress.spent_us.load(Relaxed),
            active: progress.active.load(Relaxed),
            present: progress.present.load(Relaxed),
            unreachable: progress.unreachable.load(Relaxed),
        }
    }
}

impl Progress {
    /// What has been counted, as a recorder counts it.
    pub fn tally(&self) -> RunningTally {
        let none = [0; 4];
        let behaviour = |(index, executions): (usize, &[u64; 4])| BehaviourTally {
            executions: counts(*executions),
            requests: counts(*self.requests.get(index).unwrap_or(&none)),
        };
        RunningTally {
            settling: counts(self.settling),
            behaviours: self.counts.iter().enumerate().map(behaviour).collect(),
        }
    }

    /// The same, the other way round.
    pub fn set_tally(&mut self, tally: &RunningTally) {
        self.settling = numbers(&tally.settling);
        self.counts = tally
            .behaviours
            .iter()
            .map(|tally| numbers(&tally.executions))
            .collect();
        self.requests = tally
            .behaviours
            .iter()
            .map(|tally| numbers(&tally.requests))
            .collect();
    }
}

/// No more can have ended than was due, whatever a message says.
fn counts([due, completed, failed, dropped]: [u64; 4]) -> Counts {
    let ended = completed.saturating_add(failed).saturating_add(dropped);
    if ended == u64::MAX {
        return Counts::default();
    }
    Counts {
        due: due.max(ended),
        completed,
        failed,
        dropped,
    }
}

fn numbers(counts: &Counts) -> [u64; 4] {
    [counts.due, counts.completed, counts.failed, counts.dropped]
}

/// The coordinator lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    pub seq: u64,
    /// The step that runs, or ran last.
    pub step: u64,
    pub state: FleetState,
    /// Drawn by the coordinator: another one in the same session has another.
    #[serde(default)]
    pub coordinator: String,
}

/// What a session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FleetState {
    /// Workers may still join before anything runs.
    Waiting,
    /// It runs, between two steps.
    Idle,
    /// A step runs.
    Step,
}

/// A part of something that is longer than a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartData {
    /// Number of the part, from 0.
    pub part: usize,
    /// How many there are.
    pub of: usize,
    /// Its bytes in base64.
    pub data: String,
    /// SHA-256 of the whole, hexadecimal.
    pub sha256: String,
}

/// Times and bounds of a step, as a worker needs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteLimits {
    pub window_ns: u64,
    pub windows: usize,
    /// How long executions that are open at the end are waited for.
    pub drain_ns: u64,
}

/// Rows of the unique feeds that a worker may take, by feed.
pub type LeasedRows = BTreeMap<String, Vec<RowRange>>;

/// What the coordinator tells a worker. Steps are numbered by the coordinator as they are started: one that
/// runs again has another number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "lowercase")]
pub enum Verb {
    /// Tell the time.
    Ping { t: u64 },
    /// A part of the study.
    Study(PartData),
    /// A part of a feed.
    Feed {
        name: String,
        #[serde(flatten)]
        part: PartData,
    },
    /// Get ready for a step.
    Prepare {
        step: u64,
        load: StepLoad,
        limits: RemoteLimits,
        slots: SlotRange,
        rows: LeasedRows,
    },
    /// Start it at a moment of the coordinator's clock.
    Start {
        step: u64,
        start_ns: u64,
        /// The worker's clock less the coordinator's.
        offset_ns: i64,
        /// When it ends at the latest.
        hard_end_ns: u64,
    },
    /// Its windows begin at a moment of the coordinator's clock.
    Windows { step: u64, from_ns: u64 },
    /// End it now.
    Stop { step: u64 },
    /// Hand in what was recorded.
    Close { step: u64 },
    /// A part of that.
    Part { step: u64, n: usize },
    /// Execute one behaviour again and again in the first slot.
    Alone {
        step: u64,
        behaviour: usize,
        span_ns: u64,
        most: u64,
        longest_ns: u64,
        slots: SlotRange,
        rows: LeasedRows,
    },
    /// Let all customers go.
    Forget,
    /// The session is over.
    Leave,
}

/// What a worker answers if it could not do what it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    pub error: String,
}

/// What it answers if there is nothing else to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    pub ok: bool,
}

/// Its clock when a ping came and when it answers, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    pub t1: u64,
    pub t2: u64,
}

/// It is ready for a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// Where it found the target.
    pub addresses: Vec<String>,
    /// Names of secrets that are not in its environment.
    pub missing_secrets: Vec<String>,
    /// The seed of the schedule that it will draw.
    pub schedule_seed: u64,
}

/// It knows where the windows begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowsKnown {
    /// When it learnt it, in nanoseconds of its own clock.
    pub received_ns: u64,
}

/// A step, or a behaviour alone, is over.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Closed {
    /// Parts of the recorder; 0 while executions are still waited for.
    pub parts: usize,
    /// SHA-256 of the recorder, hexadecimal.
    pub sha256: String,
    pub health: GeneratorHealth,
    /// Seconds of the windows for which its CPU quota held it back.
    pub throttled_s: f64,
    /// Why it ended by itself, if it did.
    pub ended_early: Option<String>,
    /// Rows of unique feeds that were taken, by feed.
    pub taken: BTreeMap<String, u64>,
    /// How long it took, in seconds.
    pub took_s: f64,
}

/// What is wrong with a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It is longer than it may be.
    #[error("it has {0} bytes, more than 524288")]
    TooLong(usize),
    /// It is nested more deeply than it may be.
    #[error("it is nested more than 32 deep")]
    TooDeep,
    /// It is no message of this kind.
    #[error("{0}")]
    Malformed(String),
}

/// Reads a message.
///
/// # Errors
/// [`MessageError`].
pub fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<T, MessageError> {
    if payload.len() > MOST_BYTES {
        return Err(MessageError::TooLong(payload.len()));
    }
    if depth(payload) > MOST_DEPTH {
        return Err(MessageError::TooDeep);
    }
    serde_json::from_slice(payload).map_err(|error| MessageError::Malformed(error.to_string()))
}

/// Reads an answer, which may be an error.
///
/// # Errors
/// [`MessageError`]; the worker's own words in the inner one.
pub fn read_answer<T: DeserializeOwned>(payload: &[u8]) -> Result<Result<T, String>, MessageError> {
    match read::<T>(payload) {
        Ok(answer) => Ok(Ok(answer)),
        Err(error) => match read::<Failed>(payload) {
            Ok(failed) => Ok(Err(failed.error)),
            Err(_) => Err(error),
        },
    }
}

/// Writes a message.
pub fn write(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("messages hold nothing that JSON cannot")
}

/// The deepest nesting of lists and objects outside of texts.
fn depth(payload: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in payload {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_key_is_named_and_an_unknown_one_ignored() {
        let ping = read::<Verb>(br#"{"verb":"ping","t":7,"later":[1]}"#);
        assert_eq!(ping, Ok(Verb::Ping { t: 7 }));
        let error = read::<Verb>(br#"{"verb":"windows","step":1}"#).expect_err("from_ns is missing");
        assert!(error.to_string().contains("from_ns"), "{error}");
        let error = read::<Verb>(br#"{"verb":"shell","command":"id"}"#).expect_err("no such verb");
        assert!(error.to_string().contains("unknown variant `shell`"), "{error}");
    }

    #[test]
    fn verbs_come_back_as_they_were_written() {
        let part = PartData {
            part: 0,
            of: 2,
            data: "AAAA".to_owned(),
            sha256: "00".to_owned(),
        };
        for verb in [
            Verb::Study(part.clone()),
            Verb::Feed {
                name: "users".to_owned(),
                part,
            },
            Verb::Start {
                step: 3,
                start_ns: 1,
                offset_ns: -5,
                hard_end_ns: 9,
            },
            Verb::Leave,
        ] {
            assert_eq!(read::<Verb>(&write(&verb)), Ok(verb));
        }
    }

    #[test]
    fn long_and_deep_messages_are_not_parsed() {
        let long = vec![b' '; MOST_BYTES + 1];
        assert_eq!(read::<Beat>(&long), Err(MessageError::TooLong(MOST_BYTES + 1)));
        let deep = "[".repeat(33);
        assert_eq!(read::<Beat>(deep.as_bytes()), Err(MessageError::TooDeep));
        let text = format!("{{\"error\":\"{}\\\"\"}}", "[".repeat(40));
        assert!(
            read::<Failed>(text.as_bytes()).is_ok(),
            "brackets in a text nest nothing"
        );
    }

    #[test]
    fn an_answer_may_be_an_error() {
        assert_eq!(read_answer::<Done>(br#"{"ok":true}"#), Ok(Ok(Done { ok: true })));
        assert_eq!(
            read_answer::<Pong>(br#"{"error":"busy"}"#),
            Ok(Err("busy".to_owned()))
        );
        assert!(read_answer::<Pong>(br#"{"t1":1}"#).is_err());
        let joined = br#"{"id":"w1","first_slot":0,"slots":4,"dead_man_s":10.0}"#;
        assert!(matches!(
            read::<JoinAnswer>(joined),
            Ok(JoinAnswer::Joined { slots: 4, .. })
        ));
    }

    #[test]
    fn counts_that_say_more_ended_than_was_due_cannot_upset_a_ledger() {
        let odd = counts([1, 5, 2, 1]);
        assert_eq!((odd.due, odd.balance()), (8, true));
        assert_eq!(counts([1, u64::MAX, 2, 1]), Counts::default());
    }

    #[test]
    fn answers_go_to_inboxes_of_workers_only() {
        assert!(is_of_worker("_INBOX.worker.x7.1"));
        for odd in [
            "_INBOX.worker",
            "_INBOX.worker.",
            "_INBOX.workers.x",
            "_INBOX.coord.x",
            "nest.1.s.w.1",
        ] {
            assert!(!is_of_worker(odd), "{odd}");
        }
    }

    #[test]
    fn only_plain_names_become_subjects() {
        assert!(is_token("host-b_2") && is_session("run-7"));
        for odd in ["", "a.b", "a b", "*", ">", "ä", &"x".repeat(65)] {
            assert!(!is_token(odd) && !is_session(odd), "{odd}");
        }
        assert!(!is_session("Run"));
    }
}
