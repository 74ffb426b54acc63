//! Steps: one load, held for several windows, from its plan to its verdict.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    counts::{Counts, ErrorCount, Resends},
    failure::FailedExchange,
    generator::{GeneratorHealth, GeneratorOf},
    tally::CountTally,
    window::{Histogram, Window},
};
use crate::study::{customers::Arrival, measure::Measure};

/// Why a step was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// No load, to measure what the target uses by itself.
    Idle,
    /// The plain mix at low load.
    Base,
    /// The plain mix at low load, with much more of one behaviour.
    Boosted,
    /// The plain mix at a customer count of interest.
    Ramp,
    /// The plain mix, or that of a policy, to check the forecast; never fitted.
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
    /// What makes the mix differ from the plain one: the boosted behaviour, or the policy of a confirm step.
    pub boosted: Option<String>,
    /// Customers N whose busiest minute is offered; `None` for idle and boosted steps, and under a policy.
    pub customers: Option<f64>,
    /// Executions offered per second, by behaviour.
    pub offered_per_s: BTreeMap<String, f64>,
    /// Seed of its arrivals and templates.
    pub seed: u64,
    /// How the load arrives.
    #[serde(default, skip_serializing_if = "Arrival::is_open")]
    pub arrival: Arrival,
    /// Active customers of a closed step; `None` for the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<u32>,
    /// Which repeat it is, from 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeat: u32,
    /// Items stored in the target, in the study's unit; `None` if the study states no sizes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<f64>,
    /// Windows of the step; `None` for as many as `[measure]` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<u32>,
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

impl PlannedStep {
    /// A plan of a purpose without load, the first of its run, with open arrivals; set the fields that
    /// differ.
    ///
    /// ```
    /// use nest_data::measurement::{PlannedStep, Purpose};
    ///
    /// let plan = PlannedStep {
    ///     customers: Some(1_000.0),
    ///     offered_per_s: [("browse".to_owned(), 20.0)].into(),
    ///     ..PlannedStep::new(Purpose::Ramp)
    /// };
    /// assert_eq!((plan.total_per_s(), plan.label()), (20.0, "ramp at 1000".to_owned()));
    /// ```
    #[must_use]
    pub fn new(purpose: Purpose) -> Self {
        Self {
            index: 0,
            purpose,
            boosted: None,
            customers: None,
            offered_per_s: BTreeMap::new(),
            seed: 0,
            arrival: Arrival::Open,
            active: None,
            repeat: 0,
            stored: None,
            windows: None,
        }
    }

    /// Executions offered per second over all behaviours.
    #[must_use]
    pub fn total_per_s(&self) -> f64 {
        self.offered_per_s.values().fold(0.0, |sum, rate| sum + rate)
    }

    /// Seconds for which it offers its load at least, by the settings of its study: settling and windows.
    #[must_use]
    pub fn load_s(&self, measure: &Measure) -> f64 {
        let windows = self.windows.unwrap_or(measure.windows);
        measure.settle.get() + measure.window.get() * f64::from(windows)
    }

    /// Name of the step in messages and tables: `boosted pay`, `ramp at 1200`.
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
    /// Seconds from the start of the run to the first due time of the step.
    pub started_s: f64,
    /// Executions due in the windows, by behaviour.
    pub executions: BTreeMap<String, Counts>,
    /// Requests due in the windows, by behaviour. Each redirect that was followed is a request of its own.
    pub requests: BTreeMap<String, Counts>,
    /// Requests of these that were answered with a redirect which was followed, by behaviour. They have no
    /// response time of their own: that of their step goes on until the last answer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub redirected: BTreeMap<String, u64>,
    /// Requests that were sent again, by behaviour.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resends: BTreeMap<String, Resends>,
    /// Executions due while the step settled; in no other number.
    pub settling: Counts,
    /// Checksum of everything that the schedule brought: the sum of a 128-bit hash of number, due time,
    /// behaviour and seed of each arrival that came due while the step settled and in its windows, modulo
    /// 2^128, hexadecimal. Of a closed step, of the customers with their first pauses and behaviours. Equal
    /// plans whose steps lasted equally long have equal checksums, however many threads offered the load;
    /// empty if it was not recorded.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub schedule: String,
    /// Time that the step took to settle, in seconds; 0 if it was not recorded.
    #[serde(default)]
    pub settle_s: f64,
    /// Customers of a closed or partly open step; `None` for an open one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub population: Option<Population>,
    /// Requests by name, with their own quantiles of response time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// Failed and dropped requests by behaviour and kind.
    pub errors: Vec<ErrorCount>,
    /// The first failed exchanges of each kind.
    pub failures: Vec<FailedExchange>,
    /// What the completed executions added to the study's counts, by behaviour and count.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, BTreeMap<String, CountTally>>,
    /// The windows, in order.
    pub windows: Vec<Window>,
    /// Response times.
    pub histograms: Vec<Histogram>,
    /// Mean executions in progress.
    pub active: f64,
    /// Mean requests in flight.
    pub in_flight: f64,
    /// Threads that did the work of a tier between the start of the run and the end of the step, by tier, of
    /// those that still run. Each ran at least a fiftieth as long as the busiest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub threads: BTreeMap<String, u32>,
    /// The generator's own health.
    pub generator: GeneratorHealth,
    /// Each worker on another machine; none if the load came from this one. `generator` is the worst of each
    /// figure then, and the sum of each count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub generators: Vec<GeneratorOf>,
    /// Whether the step can be fitted, and why not.
    pub verdict: Verdict,
}

impl Step {
    /// A valid step that followed a plan and recorded nothing; set or fill the fields that it has.
    ///
    /// ```
    /// use nest_data::measurement::{PlannedStep, Purpose, Step, Window};
    ///
    /// let window = Window { duration_s: 10.0, ..Window::default() };
    /// let step = Step { windows: vec![window], ..Step::new(PlannedStep::new(Purpose::Idle)) };
    /// assert!(step.verdict.validity.is_fitted() && step.total().balance());
    /// ```
    #[must_use]
    pub fn new(plan: PlannedStep) -> Self {
        Self {
            plan,
            started_s: 0.0,
            executions: BTreeMap::new(),
            requests: BTreeMap::new(),
            redirected: BTreeMap::new(),
            resends: BTreeMap::new(),
            settling: Counts::default(),
            schedule: String::new(),
            settle_s: 0.0,
            population: None,
            endpoints: Vec::new(),
            errors: Vec::new(),
            failures: Vec::new(),
            counts: BTreeMap::new(),
            windows: Vec::new(),
            histograms: Vec::new(),
            active: 0.0,
            in_flight: 0.0,
            threads: BTreeMap::new(),
            generator: GeneratorHealth::default(),
            generators: Vec::new(),
            verdict: Verdict::valid(),
        }
    }

    /// Share of the completed requests of a behaviour that have a response time of their own, 0-1; 1 where
    /// nothing was redirected.
    #[must_use]
    pub fn timed_share(&self, behaviour: &str) -> f64 {
        let completed = self.requests.get(behaviour).map_or(0, |counts| counts.completed);
        let redirected = self.redirected.get(behaviour).copied().unwrap_or(0);
        if completed > 0 {
            completed.saturating_sub(redirected) as f64 / completed as f64
        } else {
            1.0
        }
    }

    /// Executions due in the windows, over all behaviours.
    #[must_use]
    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        self.executions.values().for_each(|counts| total.merge(counts));
        total
    }
}

/// Customers of a closed or partly open step who can act at once: who hold a connection, or wait for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Population {
    /// As planned.
    pub planned: u32,
    /// Smallest number at the edge of a window.
    pub reached: u32,
}

/// One request of a behaviour, over a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The behaviour.
    pub behaviour: String,
    /// The request's name.
    pub name: String,
    /// How it was sent: `HTTP/2`, `reqwest (multipart)`, `code`; `None` for the fast path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How many there were, with the redirects that were followed.
    pub requests: Counts,
    /// Quantiles (0.5, 0.95, 0.99) of the response times of completed requests from their due times, in
    /// seconds.
    pub response_s: [f64; 3],
}

/// The validity of a step, with reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The judgement; its key in documents is `worth`.
    #[serde(rename = "worth")]
    pub validity: Validity,
    /// Why the step is not valid. Those of a valid step say what could not be checked.
    pub reasons: Vec<String>,
}

impl Verdict {
    /// The verdict of a valid step, which has no reasons.
    #[must_use]
    pub fn valid() -> Self {
        Self {
            validity: Validity::Valid,
            reasons: Vec::new(),
        }
    }
}

/// Whether the numbers of a step can be fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Validity {
    /// Fitted.
    Valid,
    /// Fitted with a wider error.
    Suspect,
    /// The target could not keep up: fitted as plateau and error onset.
    Limited,
    /// The generator or a probe was at fault: kept and drawn, never fitted.
    Invalid,
}

impl Validity {
    /// Whether a step of this validity is fitted.
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
