//! Measurements of a simulated system, as the load engine would write them.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
use nest_data::{
    Document, Measurements, Source, Study,
    customers::Arrival,
    measurement::{
        Counts, GeneratorHealth, Histogram, Machine, Outcome, PlannedStep, Purpose, Resource, ResourceKind,
        ResponseClock, Step, Validity, Verdict, Window,
    },
    study::read::{StudyTexts, read_study},
};

use nest_model::draws::{RandomStream, StreamPurpose};

use crate::simulator::{Run, Span};

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
    let at = |share: f64| {
        truth
            .share
            .iter()
            .map(|one| one * highest_per_s * share)
            .collect::<Vec<_>>()
    };
    let mut random = RandomStream::new(7, StreamPurpose::Fit, (highest_per_s * 1e3) as u32);
    let mut mixes = vec![(Purpose::Idle, at(0.0)), (Purpose::Base, at(0.15))];
    for behaviour in 0..truth.demand.len() {
        let mut rates = at(0.15);
        rates[behaviour] += (most_per_s[behaviour] - rates[behaviour]).max(0.0);
        mixes.push((Purpose::Boosted, rates));
    }
    mixes.extend([0.25, 0.4, 0.55, 0.7, 0.85, 1.0].map(|share| (Purpose::Ramp, at(share))));
    let steps = mixes.iter().enumerate().map(|(index, (purpose, rates))| {
        let run = (*purpose != Purpose::Idle).then(|| run(rates));
        step(
            truth,
            index,
            *purpose,
            rates,
            station,
            span,
            run.as_ref(),
            1.0 + BLOCK_ERROR * random.normal(),
        )
    });
    Measurements {
        header: Measurements::header(),
        run: "simulated".to_owned(),
        started_at: String::new(),
        study: study(truth),
        study_hash: String::new(),
        machine: Machine {
            cpu: String::new(),
            cores: truth.cores as usize,
            memory_bytes: 0,
            kernel: String::new(),
        },
        resources: vec![Resource {
            name: "app/cpu".to_owned(),
            tier: "app".to_owned(),
            kind: ResourceKind::Cpu,
            capacity: Some(truth.cores),
        }],
        pilot: Vec::new(),
        steps: steps.collect(),
        search: None,
        caveats: Vec::new(),
    }
}

#[allow(
    clippy::too_many_arguments,
    reason = "a step is made of all of it, in one place"
)]
fn step(
    truth: &Truth,
    index: usize,
    purpose: Purpose,
    rates: &[f64],
    station: usize,
    span: Span,
    run: Option<&Run>,
    block: f64,
) -> Step {
    let completed: usize = run.map_or(0, |run| run.responses.iter().map(Vec::len).sum());
    let offered = rates.iter().sum::<f64>() * span.window_s * span.windows as f64;
    // What arrives is a draw itself, by as much as its root.
    let kept_up = completed as f64 >= KEPT_UP * offered - 3.0 * offered.sqrt();
    // Boosted steps stand third in the plan and on, in the order of behaviours.
    let boosted = (purpose == Purpose::Boosted).then(|| index - 2);
    let count = |of: &dyn Fn(&Run) -> u64| Counts {
        due: run.map_or(0, of),
        completed: run.map_or(0, of),
        failed: 0,
        dropped: 0,
    };
    let counts: BTreeMap<String, Counts> = (0..rates.len())
        .map(|behaviour| {
            (
                name(behaviour),
                count(&|run: &Run| run.responses[behaviour].len() as u64),
            )
        })
        .collect();
    let window = |index: usize| {
        let (busy, completed) = run.map_or((0.0, vec![0; rates.len()]), |run| {
            (
                run.windows[index].busy_s[station],
                run.windows[index].completed.clone(),
            )
        });
        Window {
            duration_s: span.window_s,
            completed: completed
                .iter()
                .enumerate()
                .map(|(behaviour, count)| (name(behaviour), *count))
                .collect(),
            used: [("app/cpu".to_owned(), (busy + truth.idle * span.window_s) * block)]
                .into_iter()
                .collect(),
            ..Window::default()
        }
    };
    let histograms = run
        .iter()
        .flat_map(|run| run.responses.iter().enumerate())
        .filter(|(_, times)| !times.is_empty());
    Step {
        plan: PlannedStep {
            index,
            purpose,
            boosted: boosted.map(name),
            customers: (purpose == Purpose::Ramp)
                .then(|| rates.iter().sum::<f64>() / study(truth).busiest_minute_per_s()),
            offered_per_s: rates
                .iter()
                .enumerate()
                .map(|(behaviour, rate)| (name(behaviour), *rate))
                .collect(),
            seed: 0,
            arrival: Arrival::Open,
            active: None,
            repeat: 0,
            stored: None,
        },
        started_s: 0.0,
        executions: counts.clone(),
        requests: counts,
        settling: Counts::default(),
        settle_s: 0.0,
        population: None,
        endpoints: Vec::new(),
        errors: Vec::new(),
        failures: Vec::new(),
        windows: (0..span.windows).map(window).collect(),
        histograms: histograms
            .map(|(behaviour, times)| histogram(behaviour, times))
            .collect(),
        active: 0.0,
        in_flight: 0.0,
        threads: BTreeMap::new(),
        generator: GeneratorHealth::default(),
        verdict: Verdict {
            validity: if kept_up {
                Validity::Valid
            } else {
                Validity::Limited
            },
            reasons: Vec::new(),
        },
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
    let rates: String = truth
        .share
        .iter()
        .enumerate()
        .map(|(behaviour, share)| format!("{} = \"{share} / day\"\n", name(behaviour)))
        .collect();
    let nest = format!(
        "nest = 1\n[study]\nname = \"simulated\"\ncustomer = \"one\"\n[target]\nbase_url = \
         \"http://127.0.0.1:1\"\n[customers]\npeak_hour_share = 0.1\nburst = 1.0\n[rates]\n{rates}"
    );
    let behaviours = (0..truth.share.len())
        .map(|index| (name(index), Source::new(name(index), "steps = [{ get = \"/\" }]")))
        .collect();
    read_study(
        &StudyTexts {
            nest: Source::new("nest.toml", nest),
            behaviours,
            code: Default::default(),
        },
        &[],
    )
    .expect("a valid study")
}
