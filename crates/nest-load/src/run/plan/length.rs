//! How long steps last: as the study says, or until what makes most of the work has come often enough.

use std::collections::BTreeMap;

use nest_data::{
    Caveat,
    measure::Measure,
    measurement::{Pilot, PlannedStep, Resource, ResourceKind},
};

/// Executions in a step that are enough. Chance moves the work of so many by 18 % (`1 / sqrt(30)`), that of a
/// tenth of the load by a fiftieth of it, and a p95 has one of them beyond it.
const ENOUGH: f64 = 30.0;
/// Share of a step's work from which on a behaviour must have come often enough.
const MUCH: f64 = 0.1;
/// Share of the processors below which the work of a behaviour need not be known: chance in so little makes
/// no queue.
const LITTLE: f64 = 0.03;
/// Most windows of a step, as many as a study may ask for.
const MOST_WINDOWS: f64 = 1_000.0;
/// Share of the longest run that lengthened steps may fill: the rest is for the pilot, for steps that settle
/// late, and for answers that are waited for. Our choice.
const FILLED: f64 = 0.8;
/// Rounds in which the number of executions is sought for which there is time.
const ROUNDS: u32 = 20;

/// Seconds that a step takes beside settling and windows: draining, reset, sampling.
const OVERHEAD_S: f64 = 0.5;

/// Settling, windows and what comes beside them, in seconds.
pub fn step_s(measure: &Measure, step: &PlannedStep) -> f64 {
    step.load_s(measure) + OVERHEAD_S
}

/// Gives more windows to the steps in which a behaviour that carries a tenth of the work comes too rarely, as
/// many as the longest run allows. Returns a doubt about each behaviour that is left with too few.
///
/// # Formula
/// A step needs `n / (rate * window)` windows for n executions of a behaviour. n is 30, or the most for which
/// all steps together fill no more than four fifths of `max_duration`.
pub fn lengthen(
    steps: &mut [PlannedStep],
    measure: &Measure,
    pilots: &[Pilot],
    resources: &[Resource],
) -> Vec<Caveat> {
    let rarest: Vec<Option<Rarest>> = steps
        .iter()
        .map(|step| Rarest::of(step, pilots, resources))
        .collect();
    let executions = affordable(steps, &rarest, measure);
    for (step, rarest) in steps.iter_mut().zip(&rarest) {
        step.windows = rarest
            .as_ref()
            .and_then(|rarest| rarest.windows(executions, measure));
    }
    doubts(steps, &rarest, measure)
}

/// Executions for which there is time in all steps: enough, or as many as the longest run allows.
fn affordable(steps: &[PlannedStep], rarest: &[Option<Rarest>], measure: &Measure) -> f64 {
    let lasts_s = |executions: f64| -> f64 {
        let of_step = |(step, rarest): (&PlannedStep, &Option<Rarest>)| {
            let windows = rarest
                .as_ref()
                .and_then(|rarest| rarest.windows(executions, measure));
            let step = PlannedStep {
                windows,
                ..step.clone()
            };
            step_s(measure, &step)
        };
        steps.iter().zip(rarest).map(of_step).sum()
    };
    let fits = |executions: f64| lasts_s(executions) <= FILLED * measure.max_duration.get();
    if fits(ENOUGH) {
        return ENOUGH;
    }
    let (mut low, mut high) = (0.0, ENOUGH);
    for _ in 0..ROUNDS {
        let middle = (low + high) / 2.0;
        if fits(middle) { low = middle } else { high = middle }
    }
    low
}

/// A doubt about each behaviour that comes too rarely, with the step in which it comes most rarely.
fn doubts(steps: &[PlannedStep], rarest: &[Option<Rarest>], measure: &Measure) -> Vec<Caveat> {
    let mut fewest: BTreeMap<&String, (f64, String)> = BTreeMap::new();
    for (step, rarest) in steps.iter().zip(rarest) {
        let Some(Rarest { behaviour, rate }) = rarest else {
            continue;
        };
        let executions = rate * (step.load_s(measure) - measure.settle.get());
        // Half an execution less is rounding.
        let is_fewest = fewest.get(behaviour).is_none_or(|(least, _)| executions < *least);
        if executions < ENOUGH - 0.5 && is_fewest {
            fewest.insert(behaviour, (executions, step.label()));
        }
    }
    let doubt = |(behaviour, (executions, step)): (&String, (f64, String))| Caveat::FewExecutions {
        behaviour: behaviour.clone(),
        step,
        executions,
        enough: ENOUGH,
    };
    fewest.into_iter().map(doubt).collect()
}

/// The behaviour that comes most rarely of those that carry much of a step's work.
struct Rarest {
    behaviour: String,
    rate: f64, // executions per second
}

impl Rarest {
    /// Windows that a step needs for so many executions; `None` if those of the study are enough.
    fn windows(&self, executions: f64, measure: &Measure) -> Option<u32> {
        let windows = (executions / (self.rate * measure.window.get()))
            .ceil()
            .min(MOST_WINDOWS);
        (windows > f64::from(measure.windows)).then_some(windows as u32)
    }

    /// Judged at the processor that is busiest in the step. `None` if the step offers no load, or so little
    /// that it does not matter.
    fn of(step: &PlannedStep, pilots: &[Pilot], resources: &[Resource]) -> Option<Self> {
        let work = resources
            .iter()
            .filter(|resource| resource.kind == ResourceKind::Cpu)
            .map(|resource| OfferedWork::at(resource, step, pilots))
            .max_by(|a, b| all(a).total_cmp(&all(b)))?;
        let least = (MUCH * all(&work)).max(LITTLE);
        work.into_iter()
            .filter(|of| of.rate > 0.0 && of.busy >= least)
            .min_by(|a, b| a.rate.total_cmp(&b.rate))
            .map(|of| Self {
                behaviour: of.behaviour.clone(),
                rate: of.rate,
            })
    }
}

/// What one behaviour asks of a processor.
struct OfferedWork<'a> {
    behaviour: &'a String,
    rate: f64, // executions per second
    busy: f64, // share of the processor
}

impl<'a> OfferedWork<'a> {
    fn at(resource: &Resource, step: &PlannedStep, pilots: &'a [Pilot]) -> Vec<Self> {
        let of_pilot = |pilot: &'a Pilot| {
            let rate = step.offered_per_s.get(&pilot.behaviour).copied().unwrap_or(0.0);
            let demand_s = pilot.cpu_s.get(&resource.tier).copied().unwrap_or(0.0);
            Self {
                behaviour: &pilot.behaviour,
                rate,
                busy: rate * demand_s / resource.capacity.unwrap_or(1.0),
            }
        };
        pilots.iter().map(of_pilot).collect()
    }
}

fn all(work: &[OfferedWork<'_>]) -> f64 {
    work.iter().map(|of| of.busy).sum()
}
