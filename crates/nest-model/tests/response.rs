//! Research (temporary).
mod simulator;
use nalgebra::{DMatrix, DVector};
use nest_model::queueing::relative_wait;
use nest_model::regression::weighted_nnls;
use simulator::{Discipline, Run, Service, Span, Station, System, simulate};

const QS: [f64; 3] = [0.5, 0.95, 0.99];
const TRAIN: [f64; 6] = [0.1, 0.2, 0.35, 0.5, 0.6, 0.7];
const TRUTH: [f64; 3] = [0.85, 0.9, 0.95];

struct Case {
    c: usize,
    d: Discipline,
    cv2: f64,
    multi: bool,
}

struct Obs {
    rho: f64,
    mean: f64,
    n: f64,
    q: [f64; 3],
}
struct Data {
    train: Vec<Vec<Obs>>,
    truth: Vec<Vec<Obs>>,
} // per behaviour

fn obs(run: &Run, c: usize, span: Span, j: usize) -> Obs {
    Obs { rho: run.utilisation(0, c, span), mean: run.mean_s(j), n: run.responses[j].len() as f64, q: QS.map(|q| run.quantile_s(j, q)) }
}

fn data(case: &Case, seed: u64) -> Data {
    let (demand, share): (Vec<f64>, Vec<f64>) = if case.multi { (vec![1.0, 2.0, 6.0], vec![0.6, 0.3, 0.1]) } else { (vec![1.0], vec![1.0]) };
    let mean: f64 = demand.iter().zip(&share).map(|(d, s)| d * s).sum();
    let station = Station::new(case.c, case.d, demand.iter().map(|d| Service { mean_s: *d, cv2: case.cv2 }).collect());
    let system = System { stations: vec![station] };
    let go = |rho: f64, requests: f64, seed: u64| {
        let total = rho * case.c as f64 / mean;
        let span = Span { warm_up_s: (requests * 0.1).min(20_000.0) / total, windows: 1, window_s: requests / total };
        let rates: Vec<f64> = share.iter().map(|s| s * total).collect();
        let run = simulate(&system, &rates, span, seed);
        (0..demand.len()).map(|j| obs(&run, case.c, span, j)).collect::<Vec<_>>()
    };
    let turn = |steps: Vec<Vec<Obs>>| {
        let mut by: Vec<Vec<Obs>> = demand.iter().map(|_| Vec::new()).collect();
        for step in steps {
            for (j, o) in step.into_iter().enumerate() {
                by[j].push(o);
            }
        }
        by
    };
    Data {
        train: turn(TRAIN.iter().enumerate().map(|(i, r)| go(*r, 28_571.0 * r, seed * 100 + i as u64)).collect()),
        truth: turn(TRUTH.iter().enumerate().map(|(i, r)| go(*r, 1_000_000.0, 77_000 + seed * 100 + i as u64)).collect()),
    }
}

/// Tail of Exp(r) + W, W = 0 with 1 - C, else Exp(1/theta).
fn tail(theta: f64, delayed: f64, r: f64, t: f64) -> f64 {
    if t <= 0.0 {
        return 1.0;
    }
    let own = if r > 0.0 { (-t / r).exp() } else { 0.0 };
    let k = 1.0 / theta; // mean of wait
    if r == 0.0 {
        return delayed * (-t / k).exp();
    }
    let sum = if (k - r).abs() < 1e-6 * r { (1.0 + t / r) * own } else { (k * (-t / k).exp() - r * own) / (k - r) };
    (1.0 - delayed) * own + delayed * sum
}
fn shape(c: f64, rho: f64, r: f64, q: f64) -> f64 {
    let delayed = relative_wait(c, rho) * c * (1.0 - rho);
    let theta = c * (1.0 - rho);
    let (mut lo, mut hi) = (0.0, 1.0);
    while tail(theta, delayed, r, hi) > 1.0 - q {
        hi *= 2.0;
    }
    for _ in 0..60 {
        let m = (lo + hi) / 2.0;
        if tail(theta, delayed, r, m) > 1.0 - q { lo = m } else { hi = m }
    }
    hi - r * -(1.0 - q as f64).ln()
}

fn rank_error(q: f64, n: f64) -> f64 {
    (q / ((1.0 - q) * n)).sqrt() / (1.0 / (1.0 - q)).ln()
}

/// rows: (basis, y, variance), optional prior on b: (mean, sd)
fn line(rows: &[(f64, f64, f64)], prior: Option<(f64, f64)>) -> (f64, f64, f64) {
    let extra = usize::from(prior.is_some());
    let n = rows.len() + extra;
    let x = DMatrix::from_fn(n, 2, |i, j| {
        if i < rows.len() {
            if j == 0 { 1.0 } else { rows[i].0 }
        } else if j == 0 {
            0.0
        } else {
            1.0
        }
    });
    let y = DVector::from_fn(n, |i, _| if i < rows.len() { rows[i].1 } else { prior.unwrap().0 });
    let v = DVector::from_fn(n, |i, _| if i < rows.len() { rows[i].2 } else { prior.unwrap().1.powi(2) });
    let f = weighted_nnls(&x, &y, &v).unwrap();
    let r = &y - &x * &f.coefficients;
    (f.coefficients[0], f.coefficients[1], r.iter().zip(v.iter()).map(|(r, v)| r * r / v).sum())
}

fn rows(o: &[Obs], q: usize, basis: impl Fn(f64) -> f64) -> Vec<(f64, f64, f64)> {
    o.iter()
        .filter(|o| o.n * (1.0 - QS[q]) >= 1.0)
        .map(|o| (basis(o.rho), o.q[q], (o.q[q] * rank_error(QS[q], o.n)).powi(2) + (o.q[q] * 0.03).powi(2)))
        .collect()
}
fn mean_rows(o: &[Obs], c: f64) -> Vec<(f64, f64, f64)> {
    o.iter()
        .map(|o| {
            (relative_wait(c, o.rho), o.mean, (o.mean * 1.3 / o.n.sqrt()).powi(2) * (1.0 + 2.0 * o.rho / (1.0 - o.rho)) + (o.mean * 0.005).powi(2))
        })
        .collect()
}

/// Means of all behaviours: (own mean, wait scale) each, chi2 of common wait, chi2 of proportional wait.
fn means(d: &Data, c: f64) -> (Vec<(f64, f64)>, Vec<(f64, f64)>, f64, f64) {
    let fits: Vec<(f64, f64, f64)> = d.train.iter().map(|o| line(&mean_rows(o, c), None)).collect();
    let joint = |share: bool| {
        // unknowns: s_j, and w. basis for w: h (queue) or h * s_j (sharing)
        let m = d.train.len();
        let all: Vec<(usize, f64, f64, f64)> =
            d.train.iter().enumerate().flat_map(|(j, o)| mean_rows(o, c).into_iter().map(move |(h, y, v)| (j, h, y, v))).collect();
        let mut s: Vec<f64> = fits.iter().map(|f| f.0).collect();
        let mut out = (vec![], 0.0);
        for _ in 0..10 {
            let x = DMatrix::from_fn(all.len(), m + 1, |i, k| {
                if k < m { f64::from(u8::from(all[i].0 == k)) } else { all[i].1 * if share { s[all[i].0] } else { 1.0 } }
            });
            let y = DVector::from_fn(all.len(), |i, _| all[i].2);
            let v = DVector::from_fn(all.len(), |i, _| all[i].3);
            let f = weighted_nnls(&x, &y, &v).unwrap();
            let r = &y - &x * &f.coefficients;
            let chi = r.iter().zip(v.iter()).map(|(r, v)| r * r / v).sum::<f64>();
            let w = f.coefficients[m];
            let old = s.clone();
            s = (0..m).map(|k| f.coefficients[k]).collect();
            out = ((0..m).map(|k| (s[k], if share { w * old[k] } else { w })).collect::<Vec<_>>(), chi);
        }
        out
    };
    let (q, cq) = joint(false);
    let (s, cs) = joint(true);
    (q, s, cq, cs)
}

#[test]
fn research() {
    let mut cases = Vec::new();
    for multi in [false, true] {
        for d in [Discipline::FirstCome, Discipline::Sharing] {
            for c in [1, 2, 4, 16] {
                for cv2 in [0.25, 1.0, 4.0] {
                    cases.push(Case { c, d, cv2, multi });
                }
            }
        }
    }
    let names = ["h alone", "MMc shape alone", "h + prior mean", "MMc + prior", "r shape + prior", "chosen"];
    // errors[name][group][q][rho]
    let mut errors = vec![vec![vec![vec![Vec::new(); 3]; 3]; 4]; names.len()];
    let mut kappas: Vec<Vec<f64>> = vec![Vec::new(); 12];
    for (k, case) in cases.iter().enumerate() {
        let d = data(case, k as u64 + 1);
        let c = case.c as f64;
        let (queue, sharing, cq, cs) = means(&d, c);
        let group = usize::from(case.multi) * 2 + usize::from(case.d == Discipline::Sharing);
        let mut note = String::new();
        for j in 0..d.train.len() {
            let own = line(&mean_rows(&d.train[j], c), None);
            for q in 1..3 {
                let h = |rho: f64| relative_wait(c, rho);
                let mmc = |rho: f64| shape(c, rho, 1.0, QS[q]);
                let plain = line(&rows(&d.train[j], q, h), None);
                let a = line(&rows(&d.train[j], q, mmc), None);
                // own tail
                let a95 = line(&rows(&d.train[j], 1, |r| shape(c, r, 1.0, 0.95)), None).0;
                let a99 = line(&rows(&d.train[j], 2, |r| shape(c, r, 1.0, 0.99)), None).0;
                let m = ((a99 - a95) / 5.0_f64.ln()).max(0.0);
                let w = queue[j].1.max(1e-9);
                let r = (m / w).clamp(0.0, 5.0);
                let rs = |rho: f64| shape(c, rho, r, QS[q]);
                let hp = line(&rows(&d.train[j], q, h), Some((own.1 * -(1.0 - QS[q]).ln(), 0.3 * own.1 * -(1.0 - QS[q]).ln())));
                let mp = line(&rows(&d.train[j], q, mmc), Some((w, 0.15 * w)));
                let rp = line(&rows(&d.train[j], q, rs), Some((w, 0.15 * w)));
                let chosen_share = cs < cq && d.train.len() > 1;
                let v = sharing[j].1;
                let ch = if chosen_share {
                    let kap = [0.573, 1.335, 1.8][q] * a.0 / sharing[j].0;
                    line(&rows(&d.train[j], q, h), Some((kap * v, 0.2 * kap * v)))
                } else {
                    rp
                };
                for (t, truth) in d.truth[j].iter().enumerate() {
                    let p = [
                        plain.0 + plain.1 * h(truth.rho),
                        a.0 + a.1 * mmc(truth.rho),
                        hp.0 + hp.1 * h(truth.rho),
                        mp.0 + mp.1 * mmc(truth.rho),
                        rp.0 + rp.1 * rs(truth.rho),
                        if chosen_share { ch.0 + ch.1 * h(truth.rho) } else { ch.0 + ch.1 * rs(truth.rho) },
                    ];
                    for (i, p) in p.iter().enumerate() {
                        errors[i][group][q][t].push(p / truth.q[q] - 1.0);
                    }
                    if t == 1 && q == 2 {
                        note +=
                            &format!(" | {j}: truth {:.2} {}", truth.q[q], p.map(|p| format!("{:+.0}", (p / truth.q[q] - 1.0) * 100.0)).join(" "));
                        kappas[usize::from(case.d == Discipline::Sharing) * 2].push((truth.q[q] - a.0) / h(truth.rho) / (a.0 / sharing[j].0 * v));
                    }
                }
            }
        }
        println!(
            "c {} {:?} cv2 {} multi {} chi q {cq:.1} s {cs:.1} w {:.3} u {:.3}{note}",
            case.c,
            case.d,
            case.cv2,
            case.multi,
            queue[0].1,
            sharing[0].1 / sharing[0].0
        );
    }
    let median = |v: &[f64]| {
        let mut v: Vec<f64> = v.iter().map(|e| e.abs()).collect();
        v.sort_by(f64::total_cmp);
        if v.is_empty() { f64::NAN } else { v[v.len() / 2] * 100.0 }
    };
    let bias = |v: &[f64]| {
        let mut v: Vec<f64> = v.to_vec();
        v.sort_by(f64::total_cmp);
        v[v.len() / 2] * 100.0
    };
    for (g, group) in ["single FCFS", "single PS", "multi FCFS", "multi PS"].iter().enumerate() {
        for (i, name) in names.iter().enumerate() {
            println!(
                "{group:12} {name:18} p95 {} | p99 {}",
                (0..3).map(|t| format!("{:5.1} ({:+5.1})", median(&errors[i][g][1][t]), bias(&errors[i][g][1][t]))).collect::<Vec<_>>().join(" "),
                (0..3).map(|t| format!("{:5.1} ({:+5.1})", median(&errors[i][g][2][t]), bias(&errors[i][g][2][t]))).collect::<Vec<_>>().join(" ")
            );
        }
    }
    for (i, name) in names.iter().enumerate() {
        let all = |q: usize, t: usize| median(&(0..4).flat_map(|g| errors[i][g][q][t].clone()).collect::<Vec<_>>());
        println!(
            "all          {name:18} p95 {:5.1} {:5.1} {:5.1} | p99 {:5.1} {:5.1} {:5.1}",
            all(1, 0),
            all(1, 1),
            all(1, 2),
            all(2, 0),
            all(2, 1),
            all(2, 2)
        );
    }
}
