//! Measurements of a simulated system, as the load engine would write them.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
use nest_data::{
    Measurements, Study,
    measurement::{
        Counts, Histogram, Outcome, PlannedStep, Purpose, ResponseClock, Step, Validity, Verdict, Window,
    },
};
use nest_model::draws::{RandomStream, StreamPurpose};

use crate::{
    one_processor::{self, PROCESSOR},
    simulator::{self, Run, Span},
};

/// Relative deviation of busy time between blocks of the same step.
const BLOCK_ERROR: f64 = 0.015;

/// Share of what is offered below which a target is said not to keep up.
const KEPT_UP: f64 = 0.93;

/// What is true of a system.
pub struct Truth {
    pub demand: Vec<f64>, // processor seconds, by behaviour
    pub share: Vec<f64>,  // of the plain mix; they sum to 1
    pub cores: f64,
    pub idle: f64, // busy-seconds per second without load
}

impl Truth {
    /// Executions per second of the plain mix at which the processors are full.
    pub fn capacity_per_s(&self) -> f64 {
        (self.cores - self.idle)
            / self
                .share
                .iter()
                .zip(&self.demand)
                .map(|(share, demand)| share * demand)
                .sum::<f64>()
    }
}

fn name(behaviour: usize) -> String {
    format!("b{behaviour}")
}

/// The default plan up to `highest_per_s` executions per second of the plain mix: idle, base at a tenth, a
/// boosted step per behaviour with up to `most_per_s` of it, six steps of the ramp. `run` runs one; `station`
/// is the processors'.
pub fn measured(
    truth: &Truth,
    highest_per_s: f64,
    most_per_s: &[f64],
    station: usize,
    span: Span,
    mut run: impl FnMut(&[f64]) -> Run,
) -> Measurements {
    let rates_at = |share: f64| {
        truth
            .share
            .iter()
            .map(|one| one * highest_per_s * share)
            .collect::<Vec<_>>()
    };
    let mut random = RandomStream::new(7, StreamPurpose::Fit, (highest_per_s * 1e3) as u32);
    let mut mixes = vec![
        (PlannedStep::new(Purpose::Idle), rates_at(0.0)),
        (PlannedStep::new(Purpose::Base), rates_at(0.15)),
    ];
    for behaviour in 0..truth.demand.len() {
        let mut rates = rates_at(0.15);
        rates[behaviour] += (most_per_s[behaviour] - rates[behaviour]).max(0.0);
        let plan = PlannedStep {
            boosted: Some(name(behaviour)),
            ..PlannedStep::new(Purpose::Boosted)
        };
        mixes.push((plan, rates));
    }
    let study = study(truth);
    mixes.extend([0.25, 0.4, 0.55, 0.7, 0.85, 1.0].map(|share| {
        let rates = rates_at(share);
        let plan = PlannedStep {
            customers: Some(rates.iter().sum::<f64>() / study.busiest_minute_per_s()),
            ..PlannedStep::new(Purpose::Ramp)
        };
        (plan, rates)
    }));
    let steps = mixes.into_iter().enumerate().map(|(index, (plan, rates))| {
        let run = (plan.purpose != Purpose::Idle).then(|| run(&rates));
        let block = 1.0 + BLOCK_ERROR * random.normal();
        let windows = (0..span.windows).map(|window| match &run {
            Some(run) => window_of(truth, span, block, &run.windows[window], station),
            None => idle_window(truth, span, block),
        });
        let plan = PlannedStep {
            index,
            offered_per_s: rates
                .iter()
                .enumerate()
                .map(|(behaviour, rate)| (name(behaviour), *rate))
                .collect(),
            ..plan
        };
        step(plan, windows.collect(), run.as_ref(), span)
    });
    let steps = steps.collect();
    one_processor::measurements(study, truth.cores, steps)
}

/// A window that was seen, its processors those of `station`; `block` is the error of its step.
fn window_of(truth: &Truth, span: Span, block: f64, seen: &simulator::Window, station: usize) -> Window {
    let by_name = |counts: &[u64]| {
        counts
            .iter()
            .enumerate()
            .map(|(behaviour, count)| (name(behaviour), *count))
            .collect()
    };
    let busy_s = (seen.busy_s[station] + truth.idle * span.window_s) * block;
    Window {
        completed: by_name(&seen.completed),
        begun: by_name(&seen.begun),
        used: [(PROCESSOR.to_owned(), busy_s)].into_iter().collect(),
        ..idle_window(truth, span, block)
    }
}

/// A window in which nothing was executed.
fn idle_window(truth: &Truth, span: Span, block: f64) -> Window {
    let idle_s = truth.idle * span.window_s * block;
    Window {
        duration_s: span.window_s,
        used: [(PROCESSOR.to_owned(), idle_s)].into_iter().collect(),
        ..Window::default()
    }
}

/// A step that followed a plan; without a `run` nothing was executed.
fn step(plan: PlannedStep, windows: Vec<Window>, run: Option<&Run>, span: Span) -> Step {
    let times = |behaviour: usize| run.map_or(&[][..], |run| &run.responses[behaviour]);
    let completed: usize = run.map_or(0, |run| run.responses.iter().map(Vec::len).sum());
    let offered = plan.offered_per_s.values().sum::<f64>() * span.window_s * span.windows as f64;
    // What arrives is a draw itself, by as much as its root.
    let kept_up = completed as f64 >= KEPT_UP * offered - 3.0 * offered.sqrt();
    let counts: BTreeMap<String, Counts> = (0..plan.offered_per_s.len())
        .map(|behaviour| {
            let completed = times(behaviour).len() as u64;
            let counts = Counts {
                due: completed,
                completed,
                ..Counts::default()
            };
            (name(behaviour), counts)
        })
        .collect();
    let histograms = (0..plan.offered_per_s.len())
        .filter(|behaviour| !times(*behaviour).is_empty())
        .map(|behaviour| histogram(behaviour, times(behaviour)));
    let validity = if kept_up {
        Validity::Valid
    } else {
        Validity::Limited
    };
    Step {
        executions: counts.clone(),
        requests: counts,
        windows,
        histograms: histograms.collect(),
        verdict: Verdict {
            validity,
            ..Verdict::valid()
        },
        ..Step::new(plan)
    }
}

fn histogram(behaviour: usize, times: &[f64]) -> Histogram {
    let mut hdr = hdrhistogram::Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 3).expect("bounds");
    times.iter().for_each(|time| {
        hdr.record((time * 1e6).round().max(1.0) as u64)
            .expect("below an hour")
    });
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(&hdr, &mut bytes)
        .expect("memory");
    Histogram {
        behaviour: name(behaviour),
        clock: ResponseClock::Due,
        outcome: Outcome::Ok,
        hdr: STANDARD.encode(bytes),
    }
}

/// A study of the plain mix in which a customer executes once a day.
fn study(truth: &Truth) -> Study {
    let per_day: Vec<(String, f64)> = truth
        .share
        .iter()
        .enumerate()
        .map(|(behaviour, share)| (name(behaviour), *share))
        .collect();
    one_processor::study("simulated", &per_day)
}
