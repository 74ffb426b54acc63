//! Simulated systems in which one behaviour is rare and heavy: a pool of workers on a few cores, demands that
//! differ by a factor of 20 to 500, the heavy behaviour 2 to 20 % of the executions, in steps so short that a
//! few of it come. Nothing but the processor limits them: is no other limit reported, and does the interval
//! of saturation hold?

#![allow(
    clippy::print_stdout,
    reason = "what was simulated is printed for bench/README.md"
)]

mod one_processor;
mod simulator;
mod synthetic;

use nest_data::{
    Measurements,
    measurement::{Purpose, Validity, Verdict},
    scaling::ThroughputLaw,
};
use nest_model::draws::{RandomStream, StreamPurpose};
use simulator::{Discipline, Service, Span, Station, System, simulate};
use synthetic::{Truth, measured};

/// Share of the processor's capacity up to which systems are measured.
const TESTED: f64 = 0.45;
/// Load of the boosted behaviour in its own step, as a share of the processor.
const BOOST: f64 = 0.55;
/// Steps as short as those of the study that was measured on a server of four workers.
const SHORT: Span = Span {
    warm_up_s: 2.0,
    windows: 5,
    window_s: 4.0,
};
/// Systems, where $NEST_SYSTEMS does not say otherwise.
const SYSTEMS: u32 = 10;
const SYSTEMS_OF_LONG_STEPS: u32 = 20;
const SEED: u64 = 20_261_130;

/// A pool of workers on a few cores.
struct Pool {
    truth: Truth,
    workers: usize,
    cv2: f64, // of service times
}

impl Pool {
    /// The measured server: four workers on one core, 6, 415 and 2 ms.
    fn measured_server() -> Self {
        Self {
            truth: truth(1, vec![0.006, 0.415, 0.002], &[20.0, 3.0, 5.0]),
            workers: 4,
            cv2: 0.0,
        }
    }

    /// A system like it.
    fn like_it(index: u32) -> Self {
        let mut random = RandomStream::new(SEED, StreamPurpose::Fit, index);
        let mut between = |low: f64, high: f64| low * (high / low).powf(random.uniform());
        let light_s = between(0.001, 0.005);
        let demand = vec![
            light_s,
            light_s * between(20.0, 500.0),
            light_s * between(1.0, 4.0),
        ];
        let heavy = between(0.02, 0.20);
        let first = (1.0 - heavy) * between(0.3, 0.8);
        let workers = [2, 4, 8, 16][(random.uniform() * 4.0) as usize];
        let cores = [1, 1, 2][(random.uniform() * 3.0) as usize];
        Self {
            truth: truth(cores, demand, &[first, heavy, 1.0 - heavy - first]),
            workers,
            cv2: [0.0, 0.25, 1.0][(random.uniform() * 3.0) as usize],
        }
    }

    fn system(&self) -> System {
        let services = |mean_s: &dyn Fn(f64) -> f64| {
            let service = |demand: &f64| Service {
                mean_s: mean_s(*demand),
                cv2: self.cv2,
            };
            self.truth.demand.iter().map(service).collect()
        };
        let workers = Station {
            held: true,
            ..Station::new(self.workers, Discipline::FirstCome, services(&|_| 1e-12))
        };
        let cores = Station::new(
            self.truth.cores as usize,
            Discipline::Sharing,
            services(&|demand_s| demand_s),
        );
        System {
            stations: vec![workers, cores],
        }
    }

    fn measured(&self, span: Span, seed: u64) -> Measurements {
        let (system, mut seed) = (self.system(), seed * 100);
        let boosted: Vec<f64> = self
            .truth
            .demand
            .iter()
            .map(|demand| BOOST * self.truth.cores / demand)
            .collect();
        let run = |rates: &[f64]| {
            seed += 1;
            simulate(&system, rates, span, seed)
        };
        measured(
            &self.truth,
            TESTED * self.truth.capacity_per_s(),
            &boosted,
            1,
            span,
            run,
        )
    }
}

fn truth(cores: usize, demand: Vec<f64>, weights: &[f64]) -> Truth {
    let total: f64 = weights.iter().sum();
    Truth {
        demand,
        share: weights.iter().map(|weight| weight / total).collect(),
        cores: cores as f64,
        idle: 0.02,
    }
}

fn law(measurements: &Measurements) -> ThroughputLaw {
    let model = nest_model::fit(measurements).expect("enough steps");
    model.throughput.expect("a throughput law")
}

/// Says of the highest step that it could not keep up, as a verdict does that takes a pause for a fault.
fn call_the_highest_step_limited(measurements: &mut Measurements) {
    let ramp = measurements
        .steps
        .iter_mut()
        .filter(|step| step.plan.purpose == Purpose::Ramp);
    let highest = ramp.max_by(|a, b| a.plan.total_per_s().total_cmp(&b.plan.total_per_s()));
    if let Some(highest) = highest {
        highest.verdict = Verdict {
            validity: Validity::Limited,
            reasons: vec!["the target stood still".to_owned()],
        };
    }
}

/// What was said of some systems.
#[derive(Debug, Default)]
struct Score {
    systems: u32,
    covered: u32,
    reported: u32,
}

impl Score {
    fn add(&mut self, pool: &Pool, law: &ThroughputLaw) {
        let capacity = pool.truth.capacity_per_s();
        let likely = law
            .hidden_bottleneck
            .as_ref()
            .map_or(0.0, |limit| limit.probability);
        let ceiling = &law.ceiling_per_s;
        println!(
            "{} workers on {} cores, demands {:.1?} ms, heavy {:.0} %: full at {capacity:.1}/s, said \
             {:.1} [{:.1} .. {:.1}]{}; hidden {likely:.2}",
            pool.workers,
            pool.truth.cores,
            pool.truth
                .demand
                .iter()
                .map(|demand| demand * 1e3)
                .collect::<Vec<_>>(),
            pool.truth.share[1] * 100.0,
            ceiling.value,
            ceiling.low,
            ceiling.high,
            if ceiling.covers(capacity) { "" } else { " MISSED" },
        );
        self.systems += 1;
        self.covered += u32::from(ceiling.covers(capacity));
        self.reported += u32::from(likely >= 0.5);
    }
}

fn systems(otherwise: u32) -> impl Iterator<Item = (u64, Pool)> {
    let asked = std::env::var("NEST_SYSTEMS")
        .ok()
        .and_then(|text| text.parse().ok());
    let pool = |index| {
        if index == 0 {
            Pool::measured_server()
        } else {
            Pool::like_it(index)
        }
    };
    (0..asked.unwrap_or(otherwise)).map(move |index| (u64::from(index), pool(index)))
}

#[test]
fn a_rare_heavy_behaviour_is_no_hidden_limit() {
    let mut score = Score::default();
    for (index, pool) in systems(SYSTEMS) {
        score.add(&pool, &law(&pool.measured(SHORT, index)));
    }
    println!("{score:?}");
    assert!(
        score.reported == 0 && score.covered * 10 >= score.systems * 9,
        "{score:?}"
    );
}

#[test]
fn a_step_of_a_rare_heavy_behaviour_that_was_said_to_stand_still_is_no_plateau() {
    let mut score = Score::default();
    for (index, pool) in systems(SYSTEMS) {
        let mut measurements = pool.measured(SHORT, 1_000 + index);
        call_the_highest_step_limited(&mut measurements);
        score.add(&pool, &law(&measurements));
    }
    println!("{score:?}");
    assert!(
        score.reported == 0 && score.covered * 10 >= score.systems * 9,
        "{score:?}"
    );
}

/// Steps as long as a plan makes them: 30 executions of the heavy behaviour in the lightest one.
#[test]
fn a_rare_heavy_behaviour_is_no_hidden_limit_in_longer_steps_either() {
    let mut score = Score::default();
    for (index, pool) in systems(SYSTEMS_OF_LONG_STEPS) {
        let rarest_per_s = 0.15 * TESTED * pool.truth.capacity_per_s() * pool.truth.share[1];
        let windows = (30.0 / rarest_per_s / SHORT.window_s).ceil().max(5.0) as usize;
        score.add(
            &pool,
            &law(&pool.measured(Span { windows, ..SHORT }, 2_000 + index)),
        );
    }
    println!("{score:?}");
    assert!(
        score.reported == 0 && score.covered * 10 >= score.systems * 9,
        "{score:?}"
    );
}

/// Twenty studies in which an execution takes a third of a window and more. Counted where they end, windows
/// hold work of others, and the demand comes out too low.
#[test]
fn executions_under_way_at_the_edges_of_windows_do_not_lower_their_demand() {
    const STUDIES: u64 = 20;
    const HEAVY_S: f64 = 1.2;
    let pool = Pool {
        truth: truth(1, vec![0.004, HEAVY_S, 0.002], &[50.0, 3.0, 10.0]),
        workers: 8,
        cv2: 0.0,
    };
    let studies: Vec<Measurements> = (0..STUDIES)
        .map(|study| pool.measured(SHORT, 3_000 + study))
        .collect();
    let mean_error = |studies: &[Measurements]| {
        let error = |study| {
            let model = nest_model::fit(study).expect("enough steps");
            model.resources[0].demand["b1"].value / HEAVY_S - 1.0
        };
        studies.iter().map(error).sum::<f64>() / STUDIES as f64
    };
    let in_halves = mean_error(&studies);
    let mut without_begins = studies;
    let windows = without_begins.iter_mut().flat_map(|study| &mut study.steps);
    windows
        .flat_map(|step| &mut step.windows)
        .for_each(|window| window.begun.clear());
    let where_they_end = mean_error(&without_begins);
    println!("mean error of the demand: {in_halves:.3}, counted where they end {where_they_end:.3}");
    assert!(
        in_halves.abs() < 0.02 && where_they_end < in_halves - 0.02,
        "{in_halves} {where_they_end}"
    );
}
