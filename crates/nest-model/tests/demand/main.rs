//! Demand from readings of others, over seeded designs whose truth is known: errors, and what the 90 %
//! interval covers.

mod answers;

use std::collections::BTreeMap;

use nalgebra::{DMatrix, DVector};
use nest_model::{
    demand::{Attribution, Doubt, IDLE, UseReading, attribute},
    draws::{RandomStream, StreamPurpose},
    regression::weighted_nnls,
};

/// Truth of one resource, and how it is read.
#[derive(Clone)]
struct System {
    demand: Vec<f64>, // seconds
    weight: Vec<f64>, // share of the plain mix
    idle: f64,        // busy-seconds per second
    servers: f64,
    between: f64, // relative deviation of a run
    within: f64,  // relative deviation of a window
}

/// One run: utilisation aimed at, boosted behaviour, windows and their length.
#[derive(Clone, Copy)]
struct Run {
    utilisation: f64,
    boosted: Option<usize>,
    windows: usize,
    seconds: f64,
}

fn log_uniform(random: &mut RandomStream, low: f64, high: f64) -> f64 {
    low * (high / low).powf(random.uniform())
}

fn system(random: &mut RandomStream) -> System {
    let count = 2 + (random.uniform() * 5.0) as usize;
    let servers = [1.0, 2.0, 4.0, 8.0, 16.0][(random.uniform() * 5.0) as usize];
    System {
        demand: (0..count).map(|_| log_uniform(random, 0.002, 0.080)).collect(),
        weight: (0..count).map(|_| log_uniform(random, 0.1, 1.0)).collect(),
        idle: servers * log_uniform(random, 0.003, 0.03),
        servers,
        between: 0.015,
        within: 0.01,
    }
}

/// Rates of a run: the plain mix, or 10 % of it and much more of one behaviour.
fn rates(system: &System, run: Run, jitter: f64, random: &mut RandomStream) -> Vec<f64> {
    let weight: Vec<f64> = system
        .weight
        .iter()
        .map(|weight| weight * (jitter * random.normal()).exp())
        .collect();
    let busy: f64 = weight
        .iter()
        .zip(&system.demand)
        .map(|(weight, demand)| weight * demand)
        .sum();
    let mix = |utilisation: f64| {
        weight
            .iter()
            .map(|weight| weight * utilisation * system.servers / busy)
            .collect::<Vec<_>>()
    };
    match run.boosted {
        None => mix(run.utilisation),
        Some(boosted) => {
            let mut rates = mix(0.1);
            rates[boosted] += (run.utilisation - 0.1) * system.servers / system.demand[boosted];
            rates
        }
    }
}

fn readings(system: &System, runs: &[Run], jitter: (f64, f64), random: &mut RandomStream) -> Vec<UseReading> {
    let mut readings = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        let deviation = 1.0 + system.between * random.normal();
        let own = rates(system, *run, jitter.0, random);
        for _ in 0..run.windows {
            let counts: Vec<f64> = own
                .iter()
                .map(|rate| {
                    let mean = rate * (jitter.1 * random.normal()).exp() * run.seconds;
                    (mean + mean.sqrt() * random.normal()).round().max(0.0)
                })
                .collect();
            let busy = system.idle * run.seconds
                + counts
                    .iter()
                    .zip(&system.demand)
                    .map(|(count, demand)| count * demand)
                    .sum::<f64>();
            readings.push(UseReading {
                run: format!("r{index}"),
                resource: "cpu".to_owned(),
                duration_s: run.seconds,
                busy_s: busy * deviation * (1.0 + system.within * random.normal()),
                servers: Some(system.servers),
                counts: counts
                    .iter()
                    .enumerate()
                    .map(|(index, count)| (format!("b{index}"), *count))
                    .collect(),
            });
        }
    }
    readings
}

/// Idle, base, one boosted run per behaviour, and a ramp.
fn designed(system: &System, windows: usize, seconds: f64, ramp: &[f64]) -> Vec<Run> {
    let run = |utilisation, boosted| Run {
        utilisation,
        boosted,
        windows,
        seconds,
    };
    let boosted = (0..system.demand.len()).map(|behaviour| run(0.6, Some(behaviour)));
    [run(0.0, None), run(0.1, None)]
        .into_iter()
        .chain(boosted)
        .chain(ramp.iter().map(|share| run(*share, None)))
        .collect()
}

#[derive(Default)]
struct Score {
    errors: Vec<f64>,
    covered: usize,
    idle: (usize, usize),
    separable: usize,
    systems: usize,
    widths: Vec<f64>,
}

impl Score {
    fn add(&mut self, system: &System, found: &Attribution) {
        self.systems += 1;
        self.separable += usize::from(found.condition <= 30.0);
        for row in &found.rows {
            let Some(estimate) = row.estimate else { continue };
            if row.behaviour == IDLE {
                self.idle.0 += usize::from(estimate.covers(system.idle));
                self.idle.1 += 1;
                continue;
            }
            let index: usize = row.behaviour[1..].parse().expect("b and a number");
            let truth = system.demand[index];
            self.errors.push(estimate.value / truth - 1.0);
            self.covered += usize::from(estimate.covers(truth));
            self.widths.push((estimate.high - estimate.low) / 2.0 / truth);
        }
    }

    fn coverage(&self) -> f64 {
        self.covered as f64 / self.errors.len() as f64
    }

    fn rms(&self) -> f64 {
        (self.errors.iter().map(|error| error * error).sum::<f64>() / self.errors.len() as f64).sqrt()
    }

    fn line(&mut self, name: &str) -> String {
        self.widths.sort_by(f64::total_cmp);
        format!(
            "{name:34} {:4} demands: covered {:.3}, RMS {:6.2} %, half-width {:6.2} %; idle covered {:.3}; \
             separable {}/{}",
            self.errors.len(),
            self.coverage(),
            self.rms() * 100.0,
            self.widths[self.widths.len() / 2] * 100.0,
            self.idle.0 as f64 / self.idle.1 as f64,
            self.separable,
            self.systems
        )
    }
}

type Design = fn(&mut System, &mut RandomStream) -> Vec<UseReading>;

/// Designs of many kinds, by name.
const DESIGNS: [(&str, Design); 19] = [
    ("designed, ramp", |system, random| {
        readings(
            system,
            &designed(system, 10, 10.0, &[0.2, 0.35, 0.5, 0.65, 0.8, 0.95]),
            (0.0, 0.0),
            random,
        )
    }),
    ("designed, no ramp", |system, random| {
        readings(system, &designed(system, 10, 60.0, &[]), (0.0, 0.0), random)
    }),
    ("designed, one window a run", |system, random| {
        readings(
            system,
            &designed(system, 1, 60.0, &[0.3, 0.5, 0.7, 0.9]),
            (0.0, 0.0),
            random,
        )
    }),
    ("designed, no run deviates", |system, random| {
        system.between = 0.0;
        readings(
            system,
            &designed(system, 10, 60.0, &[0.3, 0.5, 0.7, 0.9]),
            (0.0, 0.0),
            random,
        )
    }),
    ("designed, loud windows", |system, random| {
        system.within = 0.05;
        readings(
            system,
            &designed(system, 10, 10.0, &[0.3, 0.5, 0.7, 0.9]),
            (0.0, 0.0),
            random,
        )
    }),
    ("random mixes, 30 runs", |system, random| {
        let runs: Vec<Run> = (0..30)
            .map(|_| Run {
                utilisation: 0.05 + 0.8 * random.uniform(),
                boosted: None,
                windows: 5,
                seconds: 30.0,
            })
            .collect();
        readings(system, &runs, (0.8, 0.05), random)
    }),
    ("random mixes, no run deviates", |system, random| {
        system.between = 0.0;
        let runs: Vec<Run> = (0..15)
            .map(|_| Run {
                utilisation: 0.05 + 0.8 * random.uniform(),
                boosted: None,
                windows: 10,
                seconds: 30.0,
            })
            .collect();
        readings(system, &runs, (0.8, 0.3), random)
    }),
    ("random mixes, one window a run", |system, random| {
        let runs: Vec<Run> = (0..40)
            .map(|_| Run {
                utilisation: 0.05 + 0.8 * random.uniform(),
                boosted: None,
                windows: 1,
                seconds: 60.0,
            })
            .collect();
        readings(system, &runs, (0.8, 0.0), random)
    }),
    ("one run, 200 windows", |system, random| {
        readings(
            system,
            &[Run {
                utilisation: 0.5,
                boosted: None,
                windows: 200,
                seconds: 30.0,
            }],
            (0.0, 0.6),
            random,
        )
    }),
    ("one run, 200 windows, it is true", |system, random| {
        system.between = 0.0;
        readings(
            system,
            &[Run {
                utilisation: 0.5,
                boosted: None,
                windows: 200,
                seconds: 30.0,
            }],
            (0.0, 0.6),
            random,
        )
    }),
    ("three runs, 40 windows", |system, random| {
        let runs = [0.3, 0.5, 0.7].map(|utilisation| Run {
            utilisation,
            boosted: None,
            windows: 40,
            seconds: 30.0,
        });
        readings(system, &runs, (0.3, 0.6), random)
    }),
    ("three runs, no run deviates", |system, random| {
        system.between = 0.0;
        let runs = [0.3, 0.5, 0.7].map(|utilisation| Run {
            utilisation,
            boosted: None,
            windows: 40,
            seconds: 30.0,
        });
        readings(system, &runs, (0.3, 0.6), random)
    }),
    ("unequal windows", |system, random| {
        let runs: Vec<Run> = (0..20)
            .map(|_| Run {
                utilisation: 0.05 + 0.8 * random.uniform(),
                boosted: None,
                windows: 6,
                seconds: log_uniform(random, 5.0, 120.0),
            })
            .collect();
        readings(system, &runs, (0.8, 0.2), random)
    }),
    ("outliers", |system, random| {
        let mut found = readings(
            system,
            &designed(system, 10, 10.0, &[0.2, 0.4, 0.6, 0.8]),
            (0.0, 0.0),
            random,
        );
        for _ in 0..4 {
            let hit = (random.uniform() * found.len() as f64) as usize;
            found[hit].busy_s += (0.1 + 0.4 * random.uniform()) * system.servers * found[hit].duration_s;
        }
        found
    }),
    ("outliers, one window a run", |system, random| {
        let runs: Vec<Run> = (0..40)
            .map(|_| Run {
                utilisation: 0.05 + 0.8 * random.uniform(),
                boosted: None,
                windows: 1,
                seconds: 60.0,
            })
            .collect();
        let mut found = readings(system, &runs, (0.8, 0.0), random);
        for _ in 0..2 {
            let hit = (random.uniform() * found.len() as f64) as usize;
            found[hit].busy_s += (0.1 + 0.4 * random.uniform()) * system.servers * found[hit].duration_s;
        }
        found
    }),
    ("saturated, cut off", |system, random| {
        let mut found = readings(
            system,
            &designed(system, 10, 10.0, &[0.3, 0.6, 0.9, 1.2, 1.5]),
            (0.0, 0.0),
            random,
        );
        found
            .iter_mut()
            .for_each(|one| one.busy_s = one.busy_s.min(system.servers * one.duration_s));
        found
    }),
    ("boosted at one load, no idle", |system, random| {
        let runs: Vec<Run> = (0..system.demand.len())
            .flat_map(|index| {
                [Run {
                    utilisation: 0.5,
                    boosted: Some(index),
                    windows: 10,
                    seconds: 60.0,
                }; 2]
            })
            .collect();
        readings(system, &runs, (0.0, 0.0), random)
    }),
    ("ramp of one mix", |system, random| {
        let runs = [0.1, 0.25, 0.4, 0.55, 0.7, 0.85].map(|utilisation| Run {
            utilisation,
            boosted: None,
            windows: 10,
            seconds: 60.0,
        });
        readings(system, &runs, (0.0, 0.0), random)
    }),
    ("contention", |system, random| {
        let mut found = readings(
            system,
            &designed(system, 10, 10.0, &[0.2, 0.35, 0.5, 0.65, 0.8]),
            (0.0, 0.0),
            random,
        );
        // D0 (1 + 0.3 U^2); demands are stated at the mean over executions.
        let (mut weighted, mut executions) = (0.0, 0.0);
        for one in &mut found {
            let idle = system.idle * one.duration_s;
            let used = one.busy_s / one.duration_s / system.servers;
            let factor = 1.0 + 0.3 * used * used;
            one.busy_s = idle + (one.busy_s - idle) * factor;
            let count: f64 = one.counts.values().sum();
            weighted += factor * count;
            executions += count;
        }
        system
            .demand
            .iter_mut()
            .for_each(|demand| *demand *= weighted / executions);
        found
    }),
];

#[test]
fn nine_of_ten_intervals_hold_the_true_demand_over_many_designs() {
    let systems: u32 = std::env::var("NEST_SYSTEMS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(20);
    let mut all = Score::default();
    for (number, (name, design)) in DESIGNS.into_iter().enumerate() {
        let mut score = Score::default();
        let mut load = 0;
        for seed in 0..systems {
            let mut random = RandomStream::new(20_261_124 + number as u64, StreamPurpose::Fit, seed);
            let mut system = system(&mut random);
            let found = design(&mut system, &mut random);
            let found = attribute(&found).remove(0).1.expect("an answer");
            load += usize::from(
                found
                    .caveats
                    .iter()
                    .any(|doubt| matches!(doubt, Doubt::LoadDependent { .. })),
            );
            score.add(&system, &found);
            all.add(&system, &found);
        }
        println!("{}", score.line(name));
        println!("{:34} load-dependent {load}", "");
    }
    println!("{}", all.line("all"));
    assert!((0.85..=0.95).contains(&all.coverage()), "{}", all.coverage());
}
