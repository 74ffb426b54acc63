//! Back-test of forecasts from a history: five folds by series.

mod cases;
mod folds;

use std::{collections::BTreeMap, path::Path};

use augurs_ets::{AutoETS, trend::AutoETSTrendModel};
use augurs_mstl::MSTLModel;
use cases::{Case, Series, beginnings, cases, read};
use nest_model::history::{History, HistoryForecast, fit_history};

fn augurs(known: &[f64], horizon: usize) -> Option<Vec<f64>> {
    use augurs_ets::model as _;
    use augurs_core::{Fit, Predict};
    let fitted = AutoETS::non_seasonal().fit(known).ok()?;
    let point = fitted.predict(horizon, None).ok()?.point;
    point.iter().all(|p| p.is_finite()).then_some(point)
}
fn mstl(known: &[f64], seasons: &[usize], horizon: usize) -> Option<Vec<f64>> {
    use augurs_core::{Fit, Predict};
    let periods: Vec<usize> = seasons.iter().copied().filter(|p| known.len() >= 2 * p + 1).collect();
    if periods.is_empty() { return augurs(known, horizon) }
    let trend = AutoETSTrendModel::from(AutoETS::non_seasonal());
    let fitted = MSTLModel::new(periods, trend).fit(known).ok()?;
    let point = fitted.predict(horizon, None).ok()?.point;
    point.iter().all(|p| p.is_finite()).then_some(point)
}

fn drift(known: &[f64], horizon: usize) -> Vec<f64> {
    let n = known.len();
    let slope = (known[n - 1] - known[0]) / (n - 1) as f64;
    (1..=horizon).map(|h| known[n - 1] + slope * h as f64).collect()
}
fn seasonal_naive(known: &[f64], season: usize, horizon: usize) -> Vec<f64> {
    let m = if known.len() >= season { season } else { 1 };
    (0..horizon).map(|h| known[known.len() - m + h % m]).collect()
}

fn mase_scale(known: &[f64], season: usize) -> f64 {
    let m = if known.len() > season { season } else { 1 };
    known.windows(m + 1).map(|w| (w[m] - w[0]).abs()).sum::<f64>() / (known.len() - m) as f64
}

const METHODS: [&str; 6] = ["ours", "drift", "naive", "s-naive", "ets", "mstl-ets"];

struct Scored { group: String, id: String, fold: u64, mase: [f64; 6], z: Vec<(usize, usize, f64)>, cover80: f64, cover90: f64, score80: f64, score90: f64 }

fn score(case: &Case<'_>, baselines: bool) -> Scored {
    let Case { series, known, truth } = case;
    let h = truth.len();
    let season = series.seasons.first().copied().unwrap_or(1);
    let fc: HistoryForecast = fit_history(&History { values: known.to_vec(), seasons: series.seasons.clone() }, h).expect("values");
    let p50: Vec<f64> = (1..=h).map(|s| fc.quantile(s, 0.5)).collect();
    let last = vec![known[known.len() - 1]; h];
    let ets = if baselines { augurs(known, h).unwrap_or_else(|| last.clone()) } else { last.clone() };
    let ms = if baselines { mstl(known, &series.seasons, h).unwrap_or_else(|| last.clone()) } else { last.clone() };
    let all = [p50, drift(known, h), last, seasonal_naive(known, season, h), ets, ms];
    let scale = mase_scale(known, season).max(1e-12);
    let mase = all.map(|p| p.iter().zip(truth.iter()).map(|(p, t)| (p - t).abs()).sum::<f64>() / h as f64 / scale);
    let z = truth.iter().enumerate().map(|(i, t)| (known.len(), i + 1, fc.standardised(i + 1, *t))).collect();
    let inside = |lo: f64, hi: f64| truth.iter().enumerate().filter(|(i, t)| fc.quantile(i + 1, lo) <= **t && **t <= fc.quantile(i + 1, hi)).count() as f64 / h as f64;
    let interval_score = |lo: f64, hi: f64| {
        let a = 1.0 - (hi - lo);
        truth.iter().enumerate().map(|(i, t)| {
            let (l, u) = (fc.quantile(i + 1, lo), fc.quantile(i + 1, hi));
            (u - l) + 2.0 / a * (l - t).max(0.0) + 2.0 / a * (t - u).max(0.0)
        }).sum::<f64>() / h as f64 / scale
    };
    Scored { group: series.group.clone(), id: series.id.clone(), fold: series.fold, mase, z, cover80: inside(0.1, 0.9), cover90: inside(0.05, 0.95), score80: interval_score(0.1, 0.9), score90: interval_score(0.05, 0.95) }
}

fn q(v: &mut Vec<f64>, p: f64) -> f64 { v.sort_by(f64::total_cmp); if v.is_empty() { f64::NAN } else { v[((v.len() - 1) as f64 * p).round() as usize] } }

fn main() {
    let baselines = std::env::var("BASE").is_ok();
    let path = Path::new("/work/shared/data/growth-histories.csv");
    let all: Vec<Series> = read(path);
    let start = std::time::Instant::now();
    let scored: Vec<Scored> = all.iter().flat_map(|s| cases(s).iter().map(|c| score(c, baselines)).collect::<Vec<_>>()).collect();
    let short: Vec<Scored> = all.iter().filter(|s| s.values.len() < 1000).flat_map(|s| beginnings(s).iter().map(|c| { let mut x = score(c, false); x.group = format!("short n={}", c.known.len()); x }).collect::<Vec<_>>()).collect();
    println!("took {:?}", start.elapsed());
    let mut groups: BTreeMap<String, Vec<&Scored>> = BTreeMap::new();
    for s in scored.iter().chain(&short) { groups.entry(s.group.clone()).or_default().push(s); }
    print!("{:36} {:>5}", "group", "cases"); for m in METHODS { print!(" {m:>8}"); } println!("  cov80 cov90 is80 is90  q80 q90");
    let mut total = vec![0.0; 6]; let mut cnt = 0.0;
    for (g, v) in &groups {
        let avg = |f: &dyn Fn(&Scored) -> f64| v.iter().map(|s| f(s)).sum::<f64>() / v.len() as f64;
        print!("{g:36} {:>5}", v.len());
        for i in 0..6 { let a = avg(&|s| s.mase[i]); print!(" {a:8.3}"); if !g.starts_with("short") { total[i] += a; } }
        if !g.starts_with("short") { cnt += 1.0; }
        let mut zs: Vec<f64> = v.iter().flat_map(|s| s.z.iter().map(|z| z.2.abs())).collect();
        println!("  {:.3} {:.3} {:.2} {:.2}  {:.2} {:.2}", avg(&|s| s.cover80), avg(&|s| s.cover90), avg(&|s| s.score80), avg(&|s| s.score90), q(&mut zs.clone(), 0.8), q(&mut zs, 0.9));
    }
    print!("{:42}", "mean over groups"); for t in total { print!(" {:8.3}", t / cnt); } println!();
    println!("by known x step: q80 q90 count");
    for (lo, hi) in [(2, 2), (3, 3), (4, 5), (6, 8), (9, 15), (16, 24), (25, 48), (49, 90), (91, 400), (401, 5000)] {
        print!("{lo:>4}..{hi:<5}");
        for (a, b) in [(1, 1), (2, 3), (4, 6), (7, 12), (13, 18), (19, 30)] {
            let zs: Vec<f64> = scored.iter().chain(&short).flat_map(|s| &s.z).filter(|z| z.0 >= lo && z.0 <= hi && z.1 >= a && z.1 <= b).map(|z| z.2.abs()).collect();
            print!("  {:5.2} {:5.2} {:5}", q(&mut zs.clone(), 0.8), q(&mut zs.clone(), 0.9), zs.len());
        }
        println!();
    }
}
