//! Measurements of one run: for each step the counts, histograms and use of resources, with a verdict.

mod counts;
mod failure;
mod generator;
mod resource;
mod step;
mod tally;
mod window;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    caveat::Caveat,
    document::{Document, Header},
    study::Study,
};

pub use self::{
    counts::{Counts, ErrorCount, Outcome, Resends},
    failure::{AnswerFacts, FailedExchange},
    generator::{GeneratorHealth, GeneratorMachine, GeneratorOf, LostWorker},
    resource::{MOST_SERVERS, Resource, ResourceKind, ResourceName},
    step::{Endpoint, PlannedStep, Population, Purpose, Step, Validity, Verdict},
    tally::CountTally,
    window::{Histogram, ResponseClock, Window},
};

/// One run of a study. Embeds the resolved study and everything else that `fit` needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurements {
    /// Kind, format and writer.
    pub header: Header,
    /// Name of the run: the time at which it started, in UTC.
    pub run: String,
    /// When it started, ISO 8601 in UTC.
    pub started_at: String,
    /// The study as it was measured.
    pub study: Study,
    /// SHA-256 of the study, hexadecimal.
    pub study_hash: String,
    /// The machine that target and generator ran on.
    pub machine: Machine,
    /// The machines of workers that offered the load; none if it came from `machine`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub generators: Vec<GeneratorMachine>,
    /// The resources that were read.
    pub resources: Vec<Resource>,
    /// Rough demands that the plan was made from.
    pub pilot: Vec<Pilot>,
    /// The finished steps, in the order in which they ran.
    pub steps: Vec<Step>,
    /// Result of `measure --search`; `None` for any other run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<SearchResult>,
    /// Doubts that arose while measuring.
    pub caveats: Vec<Caveat>,
}

/// The largest number of customers that meets the objectives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchResult {
    /// That number; `None` if not even one customer is served within the objectives.
    pub largest: Option<f64>,
    /// Whether it passed a second time.
    pub confirmed: bool,
    /// The smallest number that failed; `None` if the search met no limit.
    pub smallest_failed: Option<f64>,
    /// What failed there.
    pub missed: Vec<String>,
    /// Why the generator was the limit, so that the target may serve more; `None` if it was not.
    pub generator_limit: Option<String>,
    /// Why the answer may be too small: the trials next above it were invalid, twice each, or the target did
    /// not recover from one. `None` if they were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unclear: Option<String>,
}

impl Document for Measurements {
    const KIND: &'static str = "nest.measurements";
    const FORMAT: u32 = 2;
    const MADE_BY_VERB: &str = "measure";

    fn damage(&self) -> Option<String> {
        let is_odd = |resource: &&Resource| {
            let most = if resource.kind == ResourceKind::Cpu {
                MOST_SERVERS
            } else {
                f64::MAX
            };
            resource
                .capacity
                .is_some_and(|capacity| !(capacity > 0.0 && capacity <= most))
        };
        let odd = self.resources.iter().find(is_odd)?;
        Some(format!(
            "{} cannot have a capacity of {}",
            odd.name,
            odd.capacity.unwrap_or_default()
        ))
    }
}

/// The machine that target and generator ran on.
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

/// What the pilot found out about one behaviour, run alone and one execution at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pilot {
    /// The behaviour.
    pub behaviour: String,
    /// Executions completed.
    pub executions: u64,
    /// Rough CPU demand per execution in seconds, by tier.
    pub cpu_s: BTreeMap<String, f64>,
    /// Mean time of one execution in seconds, without what `max_rate` held it back.
    pub mean_s: f64,
    /// Requests that went over the wire for the completed executions: redirects and those sent again are
    /// among them. 0 if they were not counted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub requests: u64,
}

impl Pilot {
    /// Requests on the wire per execution; one if they were not counted.
    #[must_use]
    pub fn requests_per_execution(&self) -> f64 {
        if self.requests == 0 || self.executions == 0 {
            1.0
        } else {
            self.requests as f64 / self.executions as f64
        }
    }
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}
