//! Judges a step: a pure function of its numbers.
//!
//! Every threshold stands in the file that uses it, with the reason for its value:
//!
//! - `generator`: whether the generator offered the load that was planned
//! - `fleet`: whether workers on other machines offered it together
//! - `target`: whether the target kept up with it
//! - `pause`: how long nothing ends where every worker is busy with work that is known
//! - `readings`: whether clocks and probes can be trusted
//! - `settle`: whether the load is there and response times have no trend, which is asked before the windows
//!   begin

use nest_data::measurement::{Counts, GeneratorHealth, GeneratorOf, Population, Validity, Verdict, Window};

mod findings;
mod fleet;
mod generator;
mod option_names;
pub(crate) mod pause;
mod readings;
pub(crate) mod settle;
mod target;

use findings::Findings;
pub use generator::GeneratorKind;
pub use option_names::{OF_COMMAND, OF_STUDY, OptionNames};
use settle::Unsettled;

/// The numbers that a verdict rests on.
#[derive(Debug, Clone, Copy)]
pub struct StepFacts<'a> {
    /// Executions over all behaviours.
    pub executions: Counts,
    /// Requests over all behaviours.
    pub requests: Counts,
    /// The windows.
    pub windows: &'a [Window],
    /// The generator's health.
    pub generator: GeneratorHealth,
    /// What it is made of.
    pub kind: GeneratorKind,
    /// Time from sending to the answer in the median, in seconds.
    pub median_s: f64,
    /// Most requests per second, if they are bounded.
    pub max_rate: Option<f64>,
    /// Customers planned and reached, if there is a population.
    pub population: Option<Population>,
    /// Requests that failed because the generator had no descriptor, port or memory left.
    pub local_errors: u64,
    /// Executions that failed before anything was sent: a feed that ran dry, a request that cannot be made.
    pub own_errors: u64,
    /// Requests that failed because of what their answer said: a status that blames the request, a check,
    /// nothing to save, a body that cannot be read.
    pub wrong_answers: u64,
    /// Whether the target refused connections.
    pub refused: bool,
    /// Requests that failed as they do at a target that is full: no answer in time, no answer to an attempt
    /// to connect, an answer that says so.
    pub turned_away: u64,
    /// Behaviours in code that panicked.
    pub panics: u64,
    /// Executions that were planned to be due in the windows, if a schedule makes them.
    pub planned: Option<f64>,
    /// Time from sending to the answer that nine in ten requests take at least, in seconds.
    pub typical_s: f64,
    /// Why the step had not settled, or why that could not be told.
    pub unsettled: Option<Unsettled>,
    /// What the user raises to let a step settle longer, and to send more requests per second.
    pub options: OptionNames,
    /// Highest utilisation of a resource over the step, if one is known.
    pub utilisation: Option<f64>,
    /// Longest time without the end of any request while some were in flight, in seconds, without what of
    /// it the generator stood still.
    pub silence_s: f64,
    /// Longest such time that the work in flight explains, in seconds.
    pub explained_s: f64,
    /// Share of the polls at which the target's processes were stopped, 0-1.
    pub target_stopped: f64,
    /// Whether it was interrupted.
    pub interrupted: bool,
    /// Each worker on another machine.
    pub generators: &'a [GeneratorOf],
    /// Why the workers could not offer what was planned, if they could not.
    pub broken: Option<&'a str>,
    /// Whether the step offers load.
    pub loaded: bool,
}

impl StepFacts<'_> {
    /// Length of all windows, in seconds.
    fn span_s(&self) -> f64 {
        self.windows.iter().map(|window| window.duration_s).sum()
    }

    /// Executions that came due while the generator stood still: what became of them is its own doing.
    fn due_in_gaps(&self) -> f64 {
        self.executions.due as f64 * self.generator.lost
    }
}

/// What was found about a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The gravest finding decides; every finding is given as a reason.
    pub verdict: Verdict,
    /// What shows that the target could not keep up.
    pub limits: Vec<String>,
    /// Whether the step is invalid by itself or by the generator, so that nothing can be said of the target.
    pub generator_failed: bool,
}

/// Judges a step.
#[must_use]
pub fn judge(facts: &StepFacts<'_>) -> Judgement {
    let mut findings = Findings::default();
    fleet::loss(facts, &mut findings);
    let is_bound = generator::bound(facts, &mut findings);
    if facts.loaded {
        generator::schedule(facts, &mut findings);
        // A step that ended because of a worker has fewer of both.
        if facts.broken.is_none() {
            generator::population(facts, &mut findings);
        }
        generator::settling(facts, &mut findings);
    }
    readings::clocks(facts, &mut findings);
    readings::probes(facts, &mut findings);
    fleet::workers(facts, &mut findings);
    if facts.interrupted {
        findings.add(Validity::Invalid, "the step was interrupted".to_owned());
    }
    let generator_failed = findings.has(Validity::Invalid);
    // Of a target that was sent something else than was planned, nothing is said.
    if !is_bound && facts.broken.is_none() {
        target::capacity(facts, &mut findings);
        target::standstill(facts, &mut findings);
        target::errors(facts, &mut findings);
        target::answers(facts, &mut findings);
    }
    Judgement {
        limits: findings.reasons_of(Validity::Limited),
        verdict: findings.verdict(),
        generator_failed,
    }
}

#[cfg(test)]
pub(crate) mod tests;
