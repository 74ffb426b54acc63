//! What was measured: per step the counts, histograms and busy-seconds, with a verdict.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    caveat::Caveat,
    customers::Arrival,
    document::{Document, Header},
    study::Study,
};

/// One run of a study. Embeds the resolved study and everything else that `fit` needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurements {
    /// Kind, format and writer.
    pub header: Header,
    /// Name of the run: the time it started, in UTC.
    pub run: String,
    /// When it started, ISO 8601 in UTC.
    pub started_at: String,
    /// The study as it was measured.
    pub study: Study,
    /// SHA-256 of the study, hexadecimal.
    pub study_hash: String,
    /// The machine that target and generator ran on.
    pub machine: Machine,
    /// The resources that were read.
    pub resources: Vec<Resource>,
    /// Rough demands that the plan was made from.
    pub pilot: Vec<Pilot>,
    /// The finished steps, in the order in which they ran.
    pub steps: Vec<Step>,
    /// What a search for the largest number of customers found, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<SearchResult>,
    /// Doubts that arose while measuring.
    pub caveats: Vec<Caveat>,
}

/// The largest number of customers that meets the objectives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchResult {
    /// That number; none where not a single customer is served within the objectives.
    pub largest: Option<f64>,
    /// Whether it passed a second time.
    pub confirmed: bool,
    /// The smallest number that failed; none where the search met no limit.
    pub smallest_failed: Option<f64>,
    /// What failed there.
    pub missed: Vec<String>,
    /// Why the generator was the limit, where it was: the target may take more.
    pub generator_limit: Option<String>,
}

impl Document for Measurements {
    const KIND: &'static str = "nest.measurements";
    const FORMAT: u32 = 1;
    const MADE_BY_VERB: &str = "measure";
}

/// Facts of the machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Model name of the processor.
    pub cpu: String,
    /// Processors that are online.
    pub cores: usize,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Kernel release.
    pub kernel: String,
}

/// A resource of one tier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// Tier and kind: `app/cpu`.
    pub name: String,
    /// Tier it belongs to.
    pub tier: String,
    /// What it is.
    pub kind: ResourceKind,
    /// Units in use at full utilisation (cores, bytes/s, bytes); without it there is no utilisation.
    pub capacity: Option<f64>,
}

/// Kinds of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceKind {
    /// Processor time, in busy-seconds.
    Cpu,
    /// Bytes read from and written to disk.
    Disk,
    /// Bytes sent to customers, counted by the generator.
    Network,
    /// Resident bytes: a level, not a flow.
    Memory,
}

impl ResourceKind {
    /// The part of a resource's name after the tier.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Disk => "disk",
            Self::Network => "network",
            Self::Memory => "memory",
        }
    }

    /// Unit of the demand of one execution.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Cpu => "s",
            Self::Disk | Self::Network | Self::Memory => "bytes",
        }
    }
}

/// What the pilot found about one behaviour, run alone and one execution at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pilot {
    /// The behaviour.
    pub behaviour: String,
    /// Executions completed.
    pub executions: u64,
    /// Rough CPU demand per execution in seconds, by tier.
    pub cpu_s: BTreeMap<String, f64>,
    /// Mean time of one execution in seconds.
    pub mean_s: f64,
}

/// Why a step was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// No load: what the target uses by itself.
    Idle,
    /// The plain mix at low load.
    Base,
    /// The plain mix at low load with much more of one behaviour.
    Boosted,
    /// The plain mix at a customer count of interest.
    Ramp,
    /// The plain mix, or that of a policy, beyond what is fitted, to check the forecast; never fitted.
    Confirm,
}

impl Purpose {
    /// The word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Base => "base",
            Self::Boosted => "boosted",
            Self::Ramp => "ramp",
            Self::Confirm => "confirm",
        }
    }
}

/// A step as planned: everything the engine needs to run it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Position in the plan, from 0.
    pub index: usize,
    /// Why it is run.
    pub purpose: Purpose,
    /// What makes the mix another than the plain one: the boosted behaviour, or the policy of a confirm step.
    pub boosted: Option<String>,
    /// Customers N whose busiest minute is offered; none for idle and boosted steps, and under a policy.
    pub customers: Option<f64>,
    /// Executions offered per second, by behaviour.
    pub offered_per_s: BTreeMap<String, f64>,
    /// Seed of its arrivals and templates.
    pub seed: u64,
    /// How the load arrives.
    #[serde(default, skip_serializing_if = "Arrival::is_open")]
    pub arrival: Arrival,
    /// Active customers of a closed step; none for the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<u32>,
    /// Which repeat it is, from 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeat: u32,
    /// Items stored in the target, in the study's unit; none where the study states no sizes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<f64>,
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

impl PlannedStep {
    /// Executions offered per second over all behaviours.
    #[must_use]
    pub fn total_per_s(&self) -> f64 {
        self.offered_per_s.values().fold(0.0, |sum, rate| sum + rate)
    }

    /// How a step is called in talk and tables: `boosted pay`, `ramp at 1200`.
    #[must_use]
    pub fn label(&self) -> String {
        match (self.purpose, &self.boosted, self.customers) {
            (Purpose::Boosted, Some(behaviour), _) => match self.stored {
                Some(stored) => format!("boosted {behaviour} with {stored}"),
                None => format!("boosted {behaviour}"),
            },
            (Purpose::Idle, _, _) => "idle".to_owned(),
            (Purpose::Base, _, _) => "base".to_owned(),
            (Purpose::Confirm, Some(policy), _) => format!("confirm {policy} at {:.2}/s", self.total_per_s()),
            (Purpose::Confirm, _, Some(customers)) => format!("confirm at {customers:.0}"),
            (_, _, Some(customers)) => format!("ramp at {customers:.0}"),
            (_, _, None) => "step".to_owned(),
        }
    }
}

/// A finished step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The plan it followed.
    pub plan: PlannedStep,
    /// Seconds from the start of the run to its first due time.
    pub started_s: f64,
    /// Executions due in the windows, by behaviour.
    pub executions: BTreeMap<String, Counts>,
    /// Requests due in the windows, by behaviour.
    pub requests: BTreeMap<String, Counts>,
    /// Executions due while the step settled; not in any other number.
    pub settling: Counts,
    /// How long the step took to settle, in seconds; 0 where it was not recorded.
    #[serde(default)]
    pub settle_s: f64,
    /// Customers of a closed or partly open step: as planned, and the fewest who could act at once in its windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub population: Option<Population>,
    /// Requests by name, with their own quantiles of response time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// Failed and dropped requests by behaviour and kind.
    pub errors: Vec<ErrorCount>,
    /// The first failed exchanges of each kind.
    pub failures: Vec<FailedExchange>,
    /// The windows, in order.
    pub windows: Vec<Window>,
    /// Response times.
    pub histograms: Vec<Histogram>,
    /// Mean executions in progress.
    pub active: f64,
    /// Mean requests in flight.
    pub in_flight: f64,
    /// Threads that did the work of a tier from the start of the run to the step's end, by tier, of those that still run. Each ran at least a
    /// fiftieth as long as the busiest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub threads: BTreeMap<String, u32>,
    /// The generator's own health.
    pub generator: GeneratorHealth,
    /// What the step is worth.
    pub verdict: Verdict,
}

impl Step {
    /// Executions due in the windows, over all behaviours.
    #[must_use]
    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        self.executions.values().for_each(|counts| total.merge(counts));
        total
    }
}

/// Customers of a step who hold a connection or wait for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Population {
    /// As planned.
    pub planned: u32,
    /// The fewest at an edge of a window.
    pub reached: u32,
}

/// One request of a behaviour, over a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The behaviour.
    pub behaviour: String,
    /// The request's name.
    pub name: String,
    /// How it was sent, where not on the fast path: `HTTP/2`, `reqwest (redirects)`, `code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How many there were.
    pub requests: Counts,
    /// Quantiles (0.5, 0.95, 0.99) of the response time of completed ones from their due time, in seconds.
    pub response_s: [f64; 3],
}

/// Counts of executions or requests: `due = completed + failed + dropped`, exactly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Due in the span.
    pub due: u64,
    /// Answered as expected, if later than the span.
    pub completed: u64,
    /// Started and not answered as expected, those cut at the end among them.
    pub failed: u64,
    /// Never started.
    pub dropped: u64,
}

impl Counts {
    /// Whether every one that was due is accounted for.
    #[must_use]
    pub fn balance(&self) -> bool {
        self.due == self.completed + self.failed + self.dropped
    }

    /// Counts the end of one that was due.
    pub fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Ok => self.completed += 1,
            Outcome::Failed => self.failed += 1,
        }
    }

    /// Counts whatever is still open as failed.
    pub fn cut(&mut self) {
        self.failed = self.due.saturating_sub(self.completed + self.dropped);
    }

    /// Adds another count to this one.
    pub fn merge(&mut self, other: &Self) {
        self.due += other.due;
        self.completed += other.completed;
        self.failed += other.failed;
        self.dropped += other.dropped;
    }
}

/// How often one kind of failure happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorCount {
    /// The behaviour.
    pub behaviour: String,
    /// `status 503`, `timeout`, `connect`, `check`, `capture`, `cut`, `dropped`, ...
    pub kind: String,
    /// How often.
    pub count: u64,
}

/// A failed exchange, kept for the reader; 2 KiB at most, secrets masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedExchange {
    /// The behaviour.
    pub behaviour: String,
    /// As [`ErrorCount::kind`].
    pub kind: String,
    /// Method, path and what came back.
    pub exchange: String,
}

/// One window of a step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Its length in seconds.
    pub duration_s: f64,
    /// Executions whose last answer fell into it, by behaviour; the others are 0.
    pub completed: BTreeMap<String, u64>,
    /// Failed executions that ended in it.
    pub failed: u64,
    /// Use of each resource: busy-seconds, bytes moved, or resident bytes at its end. A resource that is missing here is
    /// not known in this window, and `gaps` says why.
    pub used: BTreeMap<String, f64>,
    /// Share of the machine's processor time that the hypervisor took away.
    pub stolen: f64,
    /// Seconds for which threads of a tier waited for a processor, over all of them, by tier; not part of `used`. From a
    /// cgroup of version 2 they are the seconds in which at least one thread waited.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub waiting: BTreeMap<String, f64>,
    /// Seconds for which a processor quota held a tier back, by tier.
    #[serde(default, skip_serializing_if = "is_all_zero")]
    pub throttled: BTreeMap<String, f64>,
    /// What was not read, or not over the whole window, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<String>,
}

impl Window {
    /// Use of a resource per second over the windows in which it is known; none where it is known in none of them.
    #[must_use]
    pub fn used_per_s(windows: &[Self], resource: &str) -> Option<f64> {
        let known = windows
            .iter()
            .filter_map(|window| Some((*window.used.get(resource)?, window.duration_s)));
        let (used, seconds) = known.fold((0.0, 0.0), |sum, (used, seconds)| (sum.0 + used, sum.1 + seconds));
        (seconds > 0.0).then(|| used / seconds)
    }
}

fn is_all_zero(seconds: &BTreeMap<String, f64>) -> bool {
    seconds.values().all(|seconds| *seconds == 0.0)
}

/// A response-time histogram, in microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    /// The behaviour.
    pub behaviour: String,
    /// Where the time starts.
    pub clock: ResponseClock,
    /// Whether the requests were answered as expected.
    pub outcome: Outcome,
    /// HdrHistogram V2 with DEFLATE, base64.
    pub hdr: String,
}

/// Where a response time starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResponseClock {
    /// When the request was due.
    Due,
    /// When it was sent.
    Sent,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As expected.
    Ok,
    /// Not as expected.
    Failed,
}

/// The generator's own health in a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct GeneratorHealth {
    /// Share of its core that the generator used, 0-1.
    pub cpu: f64,
    /// Median of the delay between due time and start, in seconds.
    pub lateness_p50_s: f64,
    /// 99th percentile of that delay.
    pub lateness_p99_s: f64,
    /// 99th percentile of how late the generator's own clock woke it, in seconds.
    #[serde(default)]
    pub clock_p99_s: f64,
    /// Share of the time in which a worker was ready to run and had no processor, 0-1; the highest of all workers.
    #[serde(default)]
    pub waiting: f64,
    /// Connections that the target ended in the middle of a request.
    #[serde(default)]
    pub lost_connections: u64,
    /// Requests that were sent again because the target had closed the idle connection they were sent over.
    #[serde(default)]
    pub repeated: u64,
    /// Starts for which no customer was free at their due time; they waited in a queue of the generator.
    #[serde(default)]
    pub queued: u64,
    /// Change of the civil clock against the monotonic one over the step, in seconds.
    #[serde(default)]
    pub clock_step_s: f64,
}

/// What a step is worth, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The judgement; `worth` in the document.
    #[serde(rename = "worth")]
    pub validity: Validity,
    /// Its reasons. Those of a valid step say what could not be checked.
    pub reasons: Vec<String>,
}

/// Judgement of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Validity {
    /// Fitted.
    Valid,
    /// Fitted with a wider error.
    Suspect,
    /// The target could not keep up: fitted as plateau and error onset.
    Limited,
    /// Generator or probe at fault: kept and drawn, never fitted.
    Invalid,
}

impl Validity {
    /// Whether a step of this worth is fitted.
    #[must_use]
    pub fn is_fitted(self) -> bool {
        matches!(self, Self::Valid | Self::Suspect)
    }

    /// The word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Suspect => "suspect",
            Self::Limited => "limited",
            Self::Invalid => "invalid",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_merge_and_balance() {
        let mut counts = Counts {
            due: 5,
            completed: 3,
            failed: 1,
            dropped: 1,
        };
        assert!(counts.balance());
        counts.merge(&Counts {
            due: 2,
            completed: 2,
            failed: 0,
            dropped: 0,
        });
        assert_eq!(
            counts,
            Counts {
                due: 7,
                completed: 5,
                failed: 1,
                dropped: 1
            }
        );
        assert!(counts.balance());
        counts.due += 1;
        assert!(!counts.balance());
    }

    #[test]
    fn a_window_without_a_reading_counts_neither_as_use_nor_as_time() {
        let known = Window {
            duration_s: 2.0,
            used: [("db/cpu".to_owned(), 3.0)].into_iter().collect(),
            ..Window::default()
        };
        let unknown = Window {
            duration_s: 10.0,
            ..Window::default()
        };
        assert_eq!(
            Window::used_per_s(&[known.clone(), unknown.clone(), known], "db/cpu"),
            Some(1.5)
        );
        assert_eq!(Window::used_per_s(&[unknown], "db/cpu"), None);
    }

    #[test]
    fn a_window_without_gaps_is_written_as_before() {
        let window = Window {
            duration_s: 1.0,
            throttled: [("app".to_owned(), 0.0)].into_iter().collect(),
            ..Window::default()
        };
        let text = serde_json::to_string(&window).expect("serialises");
        assert_eq!(
            text,
            r#"{"duration_s":1.0,"completed":{},"failed":0,"used":{},"stolen":0.0}"#
        );
        assert_eq!(
            serde_json::from_str::<Window>(&text)
                .expect("reads back")
                .throttled,
            BTreeMap::new()
        );
    }
}
