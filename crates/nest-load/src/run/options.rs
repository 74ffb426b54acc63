//! What a run needs, what it tells while it lasts, and what it gives.

use std::{collections::BTreeMap, fs::File};

use nest_data::{
    Caveat,
    feed::Feed,
    measurement::{GeneratorMachine, Pilot, PlannedStep, Resource, SearchResult, Step},
};

use super::{command::CommandSettings, plan::Plan};
use crate::{code::registry::Registry, fleet::FleetOptions, http::tls::Trust};

pub use crate::recorder::failures::FailedBody;

/// What a run needs beside the study.
#[derive(Debug, Default)]
pub struct MeasureOptions {
    /// How the study's commands are run.
    pub commands: CommandSettings,
    /// Secrets that templates read, by name.
    pub secrets: BTreeMap<String, String>,
    /// Where the target's messages go.
    pub target_log: Option<File>,
    /// An earlier run to go on with.
    pub resume: Option<Resume>,
    /// Behaviours in code.
    pub registry: Registry,
    /// The rows of the study's feeds, by name.
    pub feeds: BTreeMap<String, Feed>,
    /// Whom to trust over TLS.
    pub trust: Trust,
    /// Whether the ramp is replaced by a search for the largest number of customers that meets the
    /// objectives.
    pub search: bool,
    /// The fleet that offers the load; `None` for threads of this process.
    pub fleet: Option<FleetOptions>,
}

/// An earlier run to go on with.
#[derive(Debug, Clone)]
pub struct Resume {
    /// Its plan.
    pub plan: Plan,
    /// Its pilot.
    pub pilot: Vec<Pilot>,
    /// Its finished steps.
    pub finished: Vec<Step>,
}

/// What happens in a run, for the caller to keep and to show.
#[derive(Debug)]
pub enum Event<'a> {
    /// The target is ready and its resources were found.
    Ready(&'a [Resource]),
    /// The pilot begins, one behaviour after the other.
    PilotStarted {
        /// How long it takes.
        seconds: f64,
    },
    /// The plan is resolved; it must be kept before the first step.
    Planned(&'a Plan, &'a [Pilot]),
    /// A step begins.
    StepStarted(&'a PlannedStep),
    /// Bodies of answers that failed, which the study says to keep; without a step they are the pilot's.
    BodiesKept(Option<&'a PlannedStep>, &'a [FailedBody]),
    /// A step has ended; it must be kept before the next one.
    StepFinished(&'a Step),
    /// The last step was too much for the target: the next one waits until it answers again as it did in the
    /// pilot.
    Waiting {
        /// Longest wait.
        most_s: f64,
    },
    /// A doubt that came up in the run.
    Noted(&'a Caveat),
    /// A step was interrupted; it is kept but not fitted.
    StepCut(&'a Step),
    /// A step of a fleet was not what was planned, and runs again; it is kept but not fitted.
    StepAgain(&'a Step),
}

/// What a run gave.
#[derive(Debug)]
pub struct MeasureOutcome {
    /// The machines of the workers of a fleet.
    pub generators: Vec<GeneratorMachine>,
    /// The resources that were read.
    pub resources: Vec<Resource>,
    /// The pilot.
    pub pilot: Vec<Pilot>,
    /// Every finished step, those of a resumed run among them.
    pub steps: Vec<Step>,
    /// What a search found, if there was one.
    pub search: Option<SearchResult>,
    /// Doubts.
    pub caveats: Vec<Caveat>,
}
