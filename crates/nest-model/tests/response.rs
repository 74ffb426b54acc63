//! Quantiles of response time at 0.85 to 0.95 of a simulated station, forecast from loads up to 0.7: the
//! error of the fit and of the one it replaced.

mod simulator;

use nalgebra::{DMatrix, DVector};
use nest_data::{Estimate, scaling::QuantileLaw};
use nest_model::{
    draws::{RandomStream, StreamPurpose},
    queueing::relative_wait,
    regression::weighted_nnls,
    response::{
        self, Observed, QUANTILES, QueueingDelay, StepResponse, estimate_at, fit_laws, highest_utilisation,
        ordered_seconds, queueing_delay,
    },
};
use proptest::prelude::*;
use simulator::{Discipline, Run, Service, Span, Station, System, simulate};

/// Utilisations that are fitted, as a ramp to 0.7 sets them.
const FITTED: [f64; 6] = [0.1, 0.2, 0.35, 0.5, 0.6, 0.7];
/// Utilisations that are forecast.
const FORECAST: [f64; 3] = [0.85, 0.9, 0.95];
/// Executions of a step at full utilisation: 20,000 at 0.7.
const EXECUTIONS: f64 = 28_571.0;

/// A station and what runs on it.
struct Case {
    servers: usize,
    discipline: Discipline,
    /// Executions that may be at the station at once, the rest wait in turn: a pool of workers. `None` for no
    /// limit.
    workers: Option<usize>,
    cv2: f64,
    demands_s: Vec<f64>,
    shares: Vec<f64>,
}

/// Some of the executions at each utilisation, by behaviour.
fn steps(
    case: &Case,
    utilisations: &[f64],
    executions: impl Fn(f64) -> f64,
    seed: u64,
) -> Vec<Vec<Observed>> {
    let services = |mean_s: fn(f64) -> f64| {
        case.demands_s
            .iter()
            .map(|demand| Service {
                mean_s: mean_s(*demand),
                cv2: case.cv2,
            })
            .collect()
    };
    let pool = case.workers.map(|workers| Station {
        held: true,
        ..Station::new(workers, Discipline::FirstCome, services(|_| 1e-12))
    });
    let place = pool.iter().len();
    let stations = pool.into_iter().chain([Station::new(
        case.servers,
        case.discipline,
        services(|demand_s| demand_s),
    )]);
    let system = System {
        stations: stations.collect(),
    };
    let mean: f64 = case
        .demands_s
        .iter()
        .zip(&case.shares)
        .map(|(demand, share)| demand * share)
        .sum();
    let step = |(index, utilisation): (usize, &f64)| {
        let total = utilisation * case.servers as f64 / mean;
        let counted = executions(*utilisation);
        let span = Span {
            warm_up_s: (counted * 0.2).min(20_000.0) / total,
            windows: 1,
            window_s: counted / total,
        };
        let rates: Vec<f64> = case.shares.iter().map(|share| share * total).collect();
        let run = simulate(&system, &rates, span, seed * 100 + index as u64);
        let utilisation = run.utilisation(place, case.servers, span);
        (0..rates.len())
            .map(|behaviour| Observed {
                utilisation,
                response: response(&run, behaviour),
            })
            .collect::<Vec<_>>()
    };
    let by_step: Vec<Vec<Observed>> = utilisations.iter().enumerate().map(step).collect();
    (0..case.shares.len())
        .map(|behaviour| by_step.iter().map(|step| step[behaviour].clone()).collect())
        .collect()
}

fn response(run: &Run, behaviour: usize) -> StepResponse {
    let (times, mean_s) = (&run.responses[behaviour], run.mean_s(behaviour));
    let variance = times.iter().map(|time| (time - mean_s).powi(2)).sum::<f64>() / times.len() as f64;
    let quantiles_s = QUANTILES.map(|quantile| run.quantile_s(behaviour, quantile));
    StepResponse {
        count: times.len() as u64,
        mean_s,
        deviation_s: variance.sqrt(),
        quantiles_s,
    }
}

/// The fit of before: each quantile alone, `a + b h(rho)`.
fn alone(observed: &[Observed], index: usize, servers: f64, utilisation: f64) -> f64 {
    let usable: Vec<&Observed> = observed
        .iter()
        .filter(|one| one.response.count as f64 * (1.0 - QUANTILES[index]) >= 1.0)
        .collect();
    let design = DMatrix::from_fn(usable.len(), 2, |row, column| {
        if column == 0 {
            1.0
        } else {
            relative_wait(servers, usable[row].utilisation)
        }
    });
    let seconds = DVector::from_iterator(
        usable.len(),
        usable.iter().map(|one| one.response.quantiles_s[index]),
    );
    let error = |one: &&Observed| {
        let (q, at) = (QUANTILES[index], one.response.quantiles_s[index]);
        let rank = (q / ((1.0 - q) * one.response.count as f64)).sqrt() / (1.0 / (1.0 - q)).ln();
        (at * rank).powi(2) + (at * 0.03).powi(2)
    };
    let fit = weighted_nnls(
        &design,
        &seconds,
        &DVector::from_iterator(usable.len(), usable.iter().map(error)),
    )
    .expect("two columns");
    fit.coefficients[0] + fit.coefficients[1] * relative_wait(servers, utilisation)
}

/// Both disciplines at 1 to 16 servers with a squared coefficient of variation of 0.25 to 4, one behaviour
/// and three.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (demands_s, shares) in [
        (&[0.01] as &[f64], &[1.0] as &[f64]),
        (&[0.005, 0.011, 0.023], &[0.45, 0.35, 0.2]),
    ] {
        for discipline in [Discipline::FirstCome, Discipline::Sharing] {
            for servers in [1, 2, 4, 16] {
                for cv2 in [0.25, 1.0, 4.0] {
                    cases.push(Case {
                        servers,
                        discipline,
                        workers: None,
                        cv2,
                        demands_s: demands_s.to_vec(),
                        shares: shares.to_vec(),
                    });
                }
            }
        }
    }
    cases
}

/// Processors shared by a pool of 2 to 16 workers each, and the demo shop.
fn pools() -> Vec<Case> {
    let mut cases = Vec::new();
    let (demands_s, shares) = (&[0.003, 0.01, 0.028] as &[f64], &[0.6, 0.28, 0.12] as &[f64]);
    for servers in [1, 2, 4] {
        for workers in [2, 4, 8, 16] {
            for cv2 in [0.25, 1.0, 4.0] {
                let workers = Some(workers * servers);
                cases.push(Case {
                    servers,
                    discipline: Discipline::Sharing,
                    workers,
                    cv2,
                    demands_s: demands_s.to_vec(),
                    shares: shares.to_vec(),
                });
            }
        }
    }
    let (demands_s, shares) = (
        &[0.005, 0.008, 0.008, 0.012, 0.025] as &[f64],
        &[0.695, 0.209, 0.07, 0.01, 0.016] as &[f64],
    );
    cases.push(Case {
        servers: 1,
        discipline: Discipline::Sharing,
        workers: Some(8),
        cv2: 0.0,
        demands_s: demands_s.to_vec(),
        shares: shares.to_vec(),
    });
    cases
}

/// The same numbers of processors and workers with two to five behaviours drawn at random: demands over a
/// factor of 10, weights over one of 30.
fn drawn_pools(round: u64) -> Vec<Case> {
    let mut cases = pools();
    for (case, index) in cases.iter_mut().zip(0..) {
        let mut random = RandomStream::new(round, StreamPurpose::Fit, index);
        let count = 2 + (random.uniform() * 4.0) as usize;
        let mut draws =
            |factor: f64| -> Vec<f64> { (0..count).map(|_| factor.powf(random.uniform())).collect() };
        let (weights, demands) = (draws(30.0), draws(10.0));
        let total: f64 = weights.iter().sum();
        case.shares = weights.into_iter().map(|weight| weight / total).collect();
        case.demands_s = demands.into_iter().map(|demand| demand * 0.003).collect();
        case.cv2 = 0.25 * 16_f64.powf(random.uniform());
    }
    cases
}

/// Errors of one forecast: relative to the truth, by the fit of before, of the truth's own repeat, and
/// whether the interval holds.
struct Miss {
    now: f64,
    before: f64,
    repeat: f64,
    held: bool,
}

/// What a simulated system showed, by behaviour: at the fitted loads, and twice at those that are forecast.
struct Seen {
    fitted: Vec<Vec<Observed>>,
    truth: Vec<Vec<Observed>>,
    again: Vec<Vec<Observed>>,
}

impl Seen {
    /// The same truth, fitted on a tenth of the executions.
    fn with_short_steps(&self, case: &Case, seed: u64) -> Self {
        let executions = |utilisation| EXECUTIONS / 10.0 * utilisation;
        Self {
            fitted: steps(case, &FITTED, executions, seed),
            truth: self.truth.clone(),
            again: self.again.clone(),
        }
    }
}

fn see(case: &Case, forecast: &[f64], executions: f64, seed: u64) -> Seen {
    let [truth, again] =
        [seed + 1_000_000, seed + 2_000_000].map(|seed| steps(case, forecast, |_| executions, seed));
    Seen {
        fitted: steps(case, &FITTED, |utilisation| EXECUTIONS * utilisation, seed),
        truth,
        again,
    }
}

/// Every behaviour's miss at a quantile (an index of [`QUANTILES`]) at each forecast load; `counted` where
/// its threads are known.
fn misses(case: &Case, seen: &Seen, counted: bool) -> Vec<(usize, usize, Miss)> {
    let servers = case.servers as f64;
    let Seen { fitted, truth, again } = seen;
    let named: Vec<(String, Vec<Observed>)> = fitted
        .iter()
        .enumerate()
        .map(|(index, steps)| (index.to_string(), steps.clone()))
        .collect();
    let mut misses = Vec::new();
    // One more than share the processors: some thread accepts and answers.
    let threads = case
        .workers
        .filter(|_| counted)
        .map(|workers| workers as f64 + 1.0);
    let station = response::MeasuredStation {
        resource: "cpu".to_owned(),
        servers,
        threads,
    };
    for law in fit_laws(&station, &named) {
        let behaviour: usize = law.behaviour.parse().expect("named by number");
        let index = QUANTILES
            .iter()
            .position(|quantile| *quantile == law.quantile)
            .expect("one of them");
        for (at, (step, other)) in truth[behaviour].iter().zip(&again[behaviour]).enumerate() {
            let measured = step.response.quantiles_s[index];
            let estimate = estimate_at(&law, step.utilisation).expect("below saturation");
            let relative = |seconds: f64| seconds / measured - 1.0;
            let miss = Miss {
                now: relative(estimate.value),
                before: relative(alone(&fitted[behaviour], index, servers, step.utilisation)),
                repeat: relative(other.response.quantiles_s[index]),
                // One run alone is known to 5 to 9 %, both together better.
                held: estimate.covers((measured + other.response.quantiles_s[index]) / 2.0),
            };
            misses.push((index, at, miss));
        }
    }
    misses
}

fn median_size(values: impl Iterator<Item = f64>) -> f64 {
    let mut sizes: Vec<f64> = values.map(f64::abs).collect();
    sizes.sort_by(f64::total_cmp);
    sizes[sizes.len() / 2]
}

/// The goals of `docs/method/projection.md`, "Goals that tests and benchmarks hold": p99 at 0.9 from at most
/// 0.7 within 13 % in the median, with margin for p95, and better than the fit that was replaced. Demands,
/// shares and seeds are not those with which the fit was chosen.
#[test]
fn tails_beyond_the_fitted_load_are_forecast() {
    let cases = cases();
    let missed = cases
        .iter()
        .zip(50_000..)
        .flat_map(|(case, seed)| misses(case, &see(case, &FORECAST, 200_000.0, seed), false))
        .collect();
    let lines = report(&FORECAST, missed);
    println!("{}", table(&lines));
    check(&lines);
}

/// The same where a pool of workers shares the processors and the others wait in turn, whether or not
/// somebody counted them: up to 0.7 little of the queue is seen.
#[test]
fn tails_of_a_pool_are_forecast() {
    let pools = pools();
    let seen: Vec<Seen> = pools
        .iter()
        .zip(60_000..)
        .map(|(case, seed)| see(case, &[0.9], 600_000.0, seed))
        .collect();
    let of = |seen: &[Seen], counted: bool| {
        report(
            &[0.9],
            pools
                .iter()
                .zip(seen)
                .flat_map(|(case, seen)| misses(case, seen, counted))
                .collect(),
        )
    };
    for counted in [false, true] {
        let lines = of(&seen, counted);
        println!("threads counted: {counted}\n{}", table(&lines));
        check(&lines);
    }
    // Steps a tenth as long, as those of a test on a shop, tell little of the tails.
    let short: Vec<Seen> = pools
        .iter()
        .zip(&seen)
        .zip(70_000..)
        .map(|((case, seen), seed)| seen.with_short_steps(case, seed))
        .collect();
    for counted in [false, true] {
        let lines = of(&short, counted);
        println!("short steps, threads counted: {counted}\n{}", table(&lines));
        assert!(lines.iter().all(|line| line.now < line.before), "{lines:?}");
        let p99 = lines.last().map_or(0.0, |line| line.held);
        assert!((0.85..=0.95).contains(&p99), "{lines:?}");
    }
    more_short_steps(&pools, &seen);
}

/// Short steps of the same systems by other seeds, and of other systems: as many rounds of both as
/// $NEST_ROUNDS says.
#[allow(
    clippy::print_stdout,
    reason = "what was simulated is printed for docs/method"
)]
fn more_short_steps(pools: &[Case], seen: &[Seen]) {
    let rounds = std::env::var("NEST_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let mut missed = [(); 4].map(|()| Vec::new());
    for round in 1..=rounds.unwrap_or(0) {
        let drawn = drawn_pools(round);
        for (index, (case, seed)) in drawn.iter().zip(round * 10_000_000..).enumerate() {
            let other = see(case, &[0.9], 600_000.0, seed);
            let again = seen[index].with_short_steps(&pools[index], seed + 5_000_000);
            let other = other.with_short_steps(case, seed + 6_000_000);
            for (at, counted) in [false, true].into_iter().enumerate() {
                missed[at].extend(misses(&pools[index], &again, counted));
                missed[2 + at].extend(misses(case, &other, counted));
            }
        }
    }
    if rounds.is_some() {
        for (missed, name) in missed.into_iter().zip([
            "other seeds",
            "other seeds, threads counted",
            "other systems",
            "other systems, threads counted",
        ]) {
            println!("short steps, {name}\n{}", table(&report(&[0.9], missed)));
        }
    }
}

/// One line of a report: median sizes of errors.
#[derive(Debug)]
struct Line {
    quantile: f64,
    utilisation: f64,
    forecasts: usize,
    now: f64,
    before: f64,
    repeat: f64,
    held: f64,
}

/// Lines as a table.
fn table(lines: &[Line]) -> String {
    let row = |line: &Line| {
        let [now, before, repeat] =
            [line.now, line.before, line.repeat].map(|share| format!("{:.1} %", share * 100.0));
        let Line {
            quantile,
            utilisation,
            forecasts,
            held,
            ..
        } = line;
        format!("| {quantile} | {utilisation} | {forecasts} | {now} | {before} | {repeat} | {held:.2} |\n")
    };
    let heads = "| quantile | utilisation | forecasts | median error | fit of before | truth's repeat \
                 | 90 % interval holds |\n";
    lines
        .iter()
        .fold(heads.to_owned(), |text, line| text + &row(line))
}

/// Holds p95 and p99 at 0.9 to their bounds. The interval is that of the forecast alone: a truth that repeats
/// itself to 5 to 9 % only takes some of its 0.90 away.
fn check(lines: &[Line]) {
    for line in lines
        .iter()
        .filter(|line| line.utilisation == 0.9 && line.quantile > 0.9)
    {
        assert!(
            line.now <= 0.13 && line.now < line.before && (0.75..=0.97).contains(&line.held),
            "{line:?}"
        );
    }
}

/// The misses by quantile and load.
fn report(forecast: &[f64], all: Vec<(usize, usize, Miss)>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (index, quantile) in QUANTILES.into_iter().enumerate() {
        for (at, utilisation) in forecast.iter().copied().enumerate() {
            let of: Vec<&Miss> = all
                .iter()
                .filter(|miss| miss.0 == index && miss.1 == at)
                .map(|miss| &miss.2)
                .collect();
            let [now, before, repeat] = [
                |miss: &&Miss| miss.now,
                |miss: &&Miss| miss.before,
                |miss: &&Miss| miss.repeat,
            ]
            .map(|one| median_size(of.iter().map(one)));
            let held = of.iter().filter(|miss| miss.held).count() as f64 / of.len() as f64;
            lines.push(Line {
                quantile,
                utilisation,
                forecasts: of.len(),
                now,
                before,
                repeat,
                held,
            });
        }
    }
    lines
}

/// A law whose b is one second, so that its rise can be read off.
fn law(quantile: f64, level: Option<f64>, own: [f64; 3]) -> QuantileLaw {
    let (zero, one) = (Estimate::exact(0.0), Estimate::exact(1.0));
    let (behaviour, resource) = ("a".to_owned(), "app/cpu".to_owned());
    QuantileLaw {
        behaviour,
        quantile,
        resource,
        servers: 4.0,
        a: zero,
        b: one,
        covariance_ab: 0.0,
        residual: 0.0,
        multiprogramming_level: level,
        service_quantiles: Some(own),
    }
}

proptest! {
    #[test]
    fn a_response_never_falls_with_load(
        servers in 0.5_f64..64.0,
        quantile in 0_usize..3,
        level in prop::option::of(1.0_f64..40.0),
        own in prop_oneof![Just(0.0), 0.0_f64..5.0],
        spreads in prop::array::uniform2(prop_oneof![Just(0.0), 0.0_f64..5.0]),
    ) {
        let law = law(
            QUANTILES[quantile],
            level,
            [own, own + spreads[0], own + spreads[0] + spreads[1]],
        );
        let mut most = 0.0_f64;
        for step in 0..100 {
            let now = queueing_delay(&law, servers, f64::from(step) / 100.0);
            prop_assert!(
                now.is_finite() && now >= most - 1e-9 * (1.0 + own + most),
                "{now} after {most} at {step} %"
            );
            most = most.max(now);
        }
        prop_assert!(
            law.service_quantiles == Some([0.0; 3]) || most > 0.0,
            "it never rises"
        );
        prop_assert_eq!(queueing_delay(&law, servers, 1.0), f64::INFINITY);
    }

    #[test]
    fn quantiles_of_a_draw_are_in_order(
        a in prop::array::uniform3(0.0_f64..0.1),
        b in prop::array::uniform3(0.0_f64..0.1),
        utilisation in 0.0_f64..0.99,
        limit in 0.01_f64..1.0,
    ) {
        let laws = QUANTILES.map(|quantile| law(quantile, Some(2.0), [0.5, 1.0, 2.0]));
        let delays = laws.each_ref().map(|law| QueueingDelay::new(law, 4.0));
        let draw: Vec<(&QueueingDelay, (f64, f64))> = delays.iter().zip(a.into_iter().zip(b)).collect();
        let seconds =
            QUANTILES.map(|quantile| ordered_seconds(&draw, quantile, utilisation).expect("a law"));
        prop_assert!(seconds[0] <= seconds[1] && seconds[1] <= seconds[2]);
        let reached = QUANTILES.map(|quantile| highest_utilisation(&draw, quantile, limit).unwrap_or(-1.0));
        prop_assert!(reached[0] >= reached[1] && reached[1] >= reached[2]);
        for (quantile, reached) in QUANTILES
            .iter()
            .zip(reached)
            .filter(|(_, reached)| (0.0..0.999).contains(reached))
        {
            let at = ordered_seconds(&draw, *quantile, reached).expect("a law");
            prop_assert!((at / limit - 1.0).abs() < 1e-6, "{at} for {limit}");
        }
    }
}
