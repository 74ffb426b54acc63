//! Quantiles of response time at 0.85 to 0.95 of a simulated station, forecast from loads up to 0.7: the error of the fit and of
//! the one it replaced.

mod simulator;

use nalgebra::{DMatrix, DVector};
use nest_model::{
    queueing::relative_wait,
    regression::weighted_nnls,
    response::{Observed, QUANTILES, Response, fit_laws, seconds_at},
};
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
    cv2: f64,
    demands_s: &'static [f64],
    shares: &'static [f64],
}

/// Some of the executions at each utilisation, by behaviour.
fn steps(case: &Case, utilisations: &[f64], executions: impl Fn(f64) -> f64, seed: u64) -> Vec<Vec<Observed>> {
    let service = case.demands_s.iter().map(|demand| Service { mean_s: *demand, cv2: case.cv2 }).collect();
    let system = System { stations: vec![Station::new(case.servers, case.discipline, service)] };
    let mean: f64 = case.demands_s.iter().zip(case.shares).map(|(demand, share)| demand * share).sum();
    let step = |(index, utilisation): (usize, &f64)| {
        let total = utilisation * case.servers as f64 / mean;
        let counted = executions(*utilisation);
        let span = Span { warm_up_s: (counted * 0.2).min(20_000.0) / total, windows: 1, window_s: counted / total };
        let rates: Vec<f64> = case.shares.iter().map(|share| share * total).collect();
        let run = simulate(&system, &rates, span, seed * 100 + index as u64);
        let utilisation = run.utilisation(0, case.servers, span);
        (0..rates.len()).map(|behaviour| Observed { utilisation, response: response(&run, behaviour) }).collect::<Vec<_>>()
    };
    let by_step: Vec<Vec<Observed>> = utilisations.iter().enumerate().map(step).collect();
    (0..case.shares.len()).map(|behaviour| by_step.iter().map(|step| step[behaviour].clone()).collect()).collect()
}

fn response(run: &Run, behaviour: usize) -> Response {
    let (times, mean_s) = (&run.responses[behaviour], run.mean_s(behaviour));
    let variance = times.iter().map(|time| (time - mean_s).powi(2)).sum::<f64>() / times.len() as f64;
    let quantiles_s = QUANTILES.map(|quantile| run.quantile_s(behaviour, quantile));
    Response { count: times.len() as u64, mean_s, deviation_s: variance.sqrt(), quantiles_s }
}

/// The fit of before: each quantile alone, `a + b h(rho)`.
fn alone(observed: &[Observed], index: usize, servers: f64, utilisation: f64) -> f64 {
    let usable: Vec<&Observed> = observed.iter().filter(|one| one.response.count as f64 * (1.0 - QUANTILES[index]) >= 1.0).collect();
    let design = DMatrix::from_fn(usable.len(), 2, |row, column| if column == 0 { 1.0 } else { relative_wait(servers, usable[row].utilisation) });
    let seconds = DVector::from_iterator(usable.len(), usable.iter().map(|one| one.response.quantiles_s[index]));
    let error = |one: &&Observed| {
        let (q, at) = (QUANTILES[index], one.response.quantiles_s[index]);
        let rank = (q / ((1.0 - q) * one.response.count as f64)).sqrt() / (1.0 / (1.0 - q)).ln();
        (at * rank).powi(2) + (at * 0.03).powi(2)
    };
    let fit = weighted_nnls(&design, &seconds, &DVector::from_iterator(usable.len(), usable.iter().map(error))).expect("two columns");
    fit.coefficients[0] + fit.coefficients[1] * relative_wait(servers, utilisation)
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (demands_s, shares) in [(&[0.01] as &[f64], &[1.0] as &[f64]), (&[0.005, 0.01, 0.03], &[0.6, 0.3, 0.1])] {
        for discipline in [Discipline::FirstCome, Discipline::Sharing] {
            for servers in [1, 2, 4, 16] {
                for cv2 in [0.25, 1.0, 4.0] {
                    cases.push(Case { servers, discipline, cv2, demands_s, shares });
                }
            }
        }
    }
    cases
}

#[test]
fn research() {
    let truth_n: f64 = std::env::var("N").map_or(300_000.0, |n| n.parse().unwrap());
    // [method][group][quantile][forecast]
    let mut errors = vec![vec![vec![vec![Vec::new(); 3]; 3]; 4]; 2];
    let seeds: u64 = std::env::var("SEEDS").map_or(1, |n| n.parse().unwrap());
    for (k, case) in cases().iter().enumerate() {
        let c = case.servers as f64;
        let group = usize::from(case.shares.len() > 1) * 2 + usize::from(case.discipline == Discipline::Sharing);
        let truth = steps(case, &FORECAST, |_| truth_n, 7_000 + k as u64);
        for seed in 0..seeds {
            let fitted = steps(case, &FITTED, |u| EXECUTIONS * u, k as u64 + 1000 * seed);
            let named: Vec<(String, Vec<Observed>)> = fitted.iter().enumerate().map(|(j, o)| (j.to_string(), o.clone())).collect();
            let laws = fit_laws("cpu", c, &named);
            let mut note = String::new();
            for law in &laws {
                let j: usize = law.behaviour.parse().unwrap();
                let q = QUANTILES.iter().position(|q| *q == law.quantile).unwrap();
                for (t, true_) in truth[j].iter().enumerate() {
                    let e = seconds_at(law, (law.a.value, law.b.value), c, true_.utilisation) / true_.response.quantiles_s[q] - 1.0;
                    let before = alone(&fitted[j], q, c, true_.utilisation) / true_.response.quantiles_s[q] - 1.0;
                    errors[0][group][q][t].push(before);
                    errors[1][group][q][t].push(e);
                    if q == 2 && t == 1 && seed == 0 {
                        note += &format!(
                            " | {:+.0} {:+.0} qu {:.2} sh {:.2} r {:.2} a {:.4} b {:.4}",
                            before * 100.0,
                            e * 100.0,
                            law.queueing,
                            law.sharing,
                            law.own_spread,
                            law.a.value,
                            law.b.value
                        );
                    }
                }
            }
            if seed == 0 {
                println!("c {} {:?} cv2 {} n {}{note}", case.servers, case.discipline, case.cv2, case.shares.len());
            }
        }
    }
    let median = |v: &[f64]| {
        let mut v: Vec<f64> = v.iter().map(|e| e.abs()).collect();
        v.sort_by(f64::total_cmp);
        v[v.len() / 2] * 100.0
    };
    let bias = |v: &[f64]| {
        let mut v: Vec<f64> = v.to_vec();
        v.sort_by(f64::total_cmp);
        v[v.len() / 2] * 100.0
    };
    for (g, group) in ["single FCFS", "single PS", "multi FCFS", "multi PS"].iter().enumerate() {
        for (i, name) in ["before", "now"].iter().enumerate() {
            println!(
                "{group:12} {name:8} {}",
                (0..3)
                    .map(|q| format!("p{} ", QUANTILES[q] * 100.0)
                        + &(0..3)
                            .map(|t| format!("{:5.1} ({:+5.1})", median(&errors[i][g][q][t]), bias(&errors[i][g][q][t])))
                            .collect::<Vec<_>>()
                            .join(" "))
                    .collect::<Vec<_>>()
                    .join(" | ")
            );
        }
    }
    for (i, name) in ["before", "now"].iter().enumerate() {
        let all = |q: usize, t: usize| median(&(0..4).flat_map(|g| errors[i][g][q][t].clone()).collect::<Vec<_>>());
        println!(
            "all          {name:8} p50 {:5.1} {:5.1} {:5.1} | p95 {:5.1} {:5.1} {:5.1} | p99 {:5.1} {:5.1} {:5.1}",
            all(0, 0),
            all(0, 1),
            all(0, 2),
            all(1, 0),
            all(1, 1),
            all(1, 2),
            all(2, 0),
            all(2, 1),
            all(2, 2)
        );
    }
}
