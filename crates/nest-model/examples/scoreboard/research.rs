//! throw-away
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use nest_model::curve::{posterior::{Posterior, GridPosterior}, prior::Prior, series::Series, shape::*, discrepancy::*, Axis};
use crate::{baselines::METHODS, corpus::{self, Curve}, task::{tasks, group, Task, Group}};

pub fn family(source: &str) -> &str {
    for f in ["tfb", "conc-map", "percona", "usl"] { if source.starts_with(f) { return f; } }
    source
}

#[derive(Clone)]
pub struct Score { pub source: String, pub axis: Axis, pub group: Group, pub horizon: u32, pub cut: u32, pub truth: f64, pub preds: Vec<f64>, pub q: [f64; 19], pub u: f64, pub system: String }

fn par<T: Sync, R: Send>(items: &[T], f: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let half = items.len().div_ceil(2).max(1);
    std::thread::scope(|s| {
        let hs: Vec<_> = items.chunks(half).map(|c| { let f = &f; s.spawn(move || c.iter().map(f).collect::<Vec<_>>()) }).collect();
        hs.into_iter().flat_map(|h| h.join().unwrap()).collect()
    })
}


pub struct Cached { axis: Axis, source: String, like: Vec<(u16, u16, f32)> }

pub fn cache(tasks: &[&Task]) -> Vec<Cached> {
    par(tasks, |t| {
        let mut points = t.prefix.clone();
        let last = points.last().unwrap().0;
        let most = t.targets.last().unwrap().x * 1.0001;
        points.extend(t.curve.points.iter().copied().filter(|p| p.0 > last && p.0 <= most.min(last * 5.0)));
        let series = Series::new(&points).unwrap();
        let last = Series::new(&t.prefix).unwrap().last().x;
        let w = GridPosterior::new(&series, last, &Prior::flat()).unwrap();
        let most = w.weights.iter().flatten().copied().fold(0.0, f64::max);
        let like = w.weights.iter().enumerate().flat_map(|(d, of)| of.iter().enumerate().filter(|(_, x)| **x > 1e-8 * most).map(move |(n, x)| (d as u16, n as u16, (*x / most) as f32)).collect::<Vec<_>>()).collect();
        Cached { axis: t.curve.axis, source: t.curve.source.clone(), like }
    })
}

/// EM over tasks: prefix + targets as data, shapes relative to the prefix's last level.
pub fn learn(tasks: &[&Cached], axis: Option<Axis>, other: f64, iterations: usize, keep: f64) -> Prior {
    let mut per: BTreeMap<&str, f64> = BTreeMap::new();
    for t in tasks { *per.entry(&t.source).or_default() += 1.0; }
    let mut prior = Prior::flat();
    for _ in 0..iterations {
        let parts = par(tasks, |t| {
            let mut tail = vec![0.0; KNEES.len() * COHERENCIES.len()];
            let mut sharp = vec![0.0; SHARPNESSES.len()];
            let mut disc = vec![0.0; NOISES.len() * DRIFTS.len()];
            let mut total = 0.0;
            for &(d, node, x) in &t.like {
                let (d, node) = (d as usize, node as usize);
                let (c, rest) = (node % COHERENCIES.len(), node / COHERENCIES.len());
                let (ti, si) = (rest / SHARPNESSES.len() * COHERENCIES.len() + c, rest % SHARPNESSES.len());
                let x = x as f64 * prior.tail[ti] * prior.sharpness[si] * prior.discrepancy[d];
                tail[ti] += x; sharp[si] += x; disc[d] += x; total += x;
            }
            for v in [&mut tail, &mut sharp, &mut disc] { v.iter_mut().for_each(|x| *x /= total); }
            (tail, sharp, disc)
        });
        let mut new = Prior { tail: vec![0.0; prior.tail.len()], sharpness: vec![0.0; prior.sharpness.len()], discrepancy: vec![0.0; prior.discrepancy.len()] };
        for (t, (a, b, c)) in tasks.iter().zip(parts) {
            let w = if axis.is_none_or(|a| a == t.axis) { 1.0 } else { other } / per[t.source.as_str()];
            a.iter().zip(&mut new.tail).for_each(|(x, y)| *y += w * x);
            b.iter().zip(&mut new.sharpness).for_each(|(x, y)| *y += w * x);
            c.iter().zip(&mut new.discrepancy).for_each(|(x, y)| *y += w * x);
        }
        for v in [&mut new.tail, &mut new.sharpness, &mut new.discrepancy] {
            let s: f64 = v.iter().sum();
            let n = v.len() as f64;
            v.iter_mut().for_each(|x| *x = (1.0 - keep) * *x / s + keep / n);
        }
        prior = new;
    }
    prior
}

pub fn thin<'a>(tasks: &[&'a Task<'a>], most: usize) -> Vec<&'a Task<'a>> {
    let mut by: BTreeMap<&str, Vec<&Task>> = BTreeMap::new();
    for t in tasks { by.entry(&t.curve.source).or_default().push(t); }
    by.into_values().flat_map(|v| { let step = v.len().div_ceil(most).max(1); v.into_iter().step_by(step).collect::<Vec<_>>() }).collect()
}

pub fn evaluate(tasks: &[&Task], prior: &Prior) -> Vec<Score> {
    par(tasks, |t| {
        let series = Series::new(&t.prefix).unwrap();
        let post = Posterior::new(&series, prior).unwrap();
        let fits: Vec<_> = METHODS.iter().map(|m| (m.1)(&t.prefix)).collect();
        t.targets.iter().map(|target| {
            let mut obs = target.observed.clone();
            obs.sort_by(f64::total_cmp);
            let truth = obs[obs.len() / 2];
            let pred = post.forecast(series.octaves_to(target.x));
            let q = std::array::from_fn(|i| pred.quantile(0.05 * (i + 1) as f64).exp());
            let preds = fits.iter().map(|f| f.as_ref().map_or(f64::NAN, |f| f(target.x))).collect();
            Score { source: t.curve.source.clone(), axis: t.curve.axis, group: group(&t.prefix), horizon: target.horizon, cut: t.cut, truth, preds, q, u: pred.probability(truth.ln()), system: t.curve.system.clone() }
        }).collect::<Vec<_>>()
    }).concat()
}

pub fn err(pred: f64, truth: f64) -> f64 { if pred.is_finite() && pred > 0.0 { (pred / truth - 1.0).abs() } else { 9.0 } }

pub fn quant(v: &mut [(f64, f64)], q: f64) -> f64 {
    v.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = v.iter().map(|x| x.1).sum();
    let mut sum = 0.0;
    for (x, w) in v.iter() { sum += w; if sum >= q * total { return *x; } }
    f64::NAN
}

pub fn table(scores: &[Score], extra: &[(&str, &dyn Fn(&Score) -> f64)]) {
    for horizon in [2, 4] {
        for g in [None, Some(Group::Falling), Some(Group::Flat), Some(Group::Bending), Some(Group::Growing)] {
            let of: Vec<&Score> = scores.iter().filter(|s| s.horizon == horizon && g.is_none_or(|g| s.group == g)).collect();
            let mut per: BTreeMap<&str, f64> = BTreeMap::new();
            for s in &of { *per.entry(&s.source).or_default() += 1.0; }
            println!("-- {horizon}x {g:?}: {} tasks, {} sources", of.len(), per.len());
            let line = |name: &str, f: &dyn Fn(&Score) -> f64| {
                let mut v: Vec<(f64, f64)> = of.iter().map(|s| (err(f(s), s.truth), 1.0 / per[s.source.as_str()])).collect();
                let mean_med: f64 = per.keys().map(|k| { let mut w: Vec<_> = of.iter().filter(|s| s.source == *k).map(|s| (err(f(s), s.truth), 1.0)).collect(); quant(&mut w, 0.5) }).sum::<f64>() / per.len() as f64;
                let logmean = of.iter().map(|s| err(f(s), s.truth).min(3.0) / per[s.source.as_str()]).sum::<f64>() / per.len() as f64;
                let over = of.iter().map(|s| if f(s) / s.truth > 1.25 { 1.0 / per[s.source.as_str()] } else { 0.0 }).sum::<f64>() / per.len() as f64;
                println!("{name:>16} med {:6.2} srcmed {:6.2} p90 {:6.1} mean {:6.2} over {:5.1}", 100.0 * quant(&mut v, 0.5), 100.0 * mean_med, 100.0 * quant(&mut v, 0.9), 100.0 * logmean, 100.0 * over);
            };
            for (name, f) in extra { line(name, f); }
            for (i, m) in METHODS.iter().enumerate() { line(m.0, &move |s: &Score| s.preds[i]); }
        }
    }
}

pub fn coverage(scores: &[Score]) {
    for axis in [None, Some(Axis::Customers), Some(Axis::Servers)] {
    for horizon in [2, 4, 8] {
        for g in [None, Some(Group::Falling), Some(Group::Flat), Some(Group::Bending), Some(Group::Growing)] {
            let of: Vec<&Score> = scores.iter().filter(|s| s.horizon == horizon && g.is_none_or(|g| s.group == g) && axis.is_none_or(|a| s.axis == a)).collect();
            let mut per: BTreeMap<&str, f64> = BTreeMap::new();
            for s in &of { *per.entry(&s.source).or_default() += 1.0; }
            let share = |f: &dyn Fn(&Score) -> f64| of.iter().map(|s| f(s) / per[s.source.as_str()]).sum::<f64>() / per.len() as f64;
            let inside = share(&|s| f64::from(u8::from(s.q[0] <= s.truth && s.truth <= s.q[18])));
            let below = share(&|s| f64::from(u8::from(s.truth < s.q[0])));
            let plain = of.iter().filter(|s| s.q[0] <= s.truth && s.truth <= s.q[18]).count() as f64 / of.len() as f64;
            let half = share(&|s| f64::from(u8::from(s.truth < s.q[9])));
            let width = share(&|s| (s.q[18] / s.q[0]).ln());
            let is = share(&|s| { let (l, h, y) = (s.q[0], s.q[18], s.truth); ((h - l) + 20.0 * (l - y).max(0.0) + 20.0 * (y - h).max(0.0)) / y });
            let isl = share(&|s| { let (l, h, y) = (s.q[0].ln(), s.q[18].ln(), s.truth.ln()); (h - l) + 20.0 * (l - y).max(0.0) + 20.0 * (y - h).max(0.0) });
            println!("{axis:?} {horizon}x {g:?} n {} src {}: cover {inside:.3} (plain {plain:.3}) below {below:.3} half {half:.2} width {width:.2} IS {is:.3} ISlog {isl:.3}", of.len(), per.len());
        }
    } }
}

pub fn run() {
    let data = std::env::args().nth(1).unwrap_or("/work/shared/data".into());
    let curves: Vec<Curve> = corpus::scaling_curves(&Path::new(&data).join("scaling-curves.csv")).unwrap().into_iter().filter(Curve::is_for_tuning).collect();
    let all: Vec<Task> = curves.iter().flat_map(tasks).collect();
    println!("{} curves, {} tasks", curves.len(), all.len());
    let mut n: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for t in &all { n.entry(&t.curve.source).or_default()[t.cut.ilog2() as usize - 1] += 1; }
    for (k, v) in &n { println!("  {k} {v:?}"); }
    let every: Vec<&Task> = all.iter().collect();
    let most: usize = std::env::var("MOST").ok().and_then(|s| s.parse().ok()).unwrap_or(24);
    let thinned = thin(&every, most);
    let families: BTreeSet<&str> = all.iter().map(|t| family(&t.curve.source)).collect();
    let mode = std::env::var("MODE").unwrap_or("flat".into());
    let keep: f64 = std::env::var("KEEP").ok().and_then(|s| s.parse().ok()).unwrap_or(0.1);
    let it: usize = std::env::var("ITER").ok().and_then(|s| s.parse().ok()).unwrap_or(3);
    let clock = std::time::Instant::now();
    let mut scores = Vec::new();
    if mode == "flat" {
        scores = evaluate(&thinned, &Prior::flat());
    } else {
        let cached = cache(&thinned);
        println!("cached {:.1} s, {} entries", clock.elapsed().as_secs_f64(), cached.iter().map(|c| c.like.len()).sum::<usize>());
        for f in families {
            let train: Vec<&Cached> = cached.iter().filter(|t| family(&t.source) != f).collect();
            let test: Vec<&Task> = thinned.iter().copied().filter(|t| family(&t.curve.source) == f).collect();
            let other: f64 = std::env::var("OTHER").ok().and_then(|s| s.parse().ok()).unwrap_or(1.0);
            let mut prior = Prior::flat();
            for axis in [Axis::Customers, Axis::Servers] {
                let of: Vec<&Task> = test.iter().copied().filter(|t| t.curve.axis == axis).collect();
                if of.is_empty() { continue; }
                prior = learn(&train, Some(axis), other, it, keep);
                scores.extend(evaluate(&of, &prior));
            }
            if f == "silo" {
                println!("sharp {:.3?}\ndisc {:.3?}", prior.sharpness, prior.discrepancy);
                for (i, k) in KNEES.iter().enumerate() { println!("{k:6} {:.4?}", &prior.tail[i * COHERENCIES.len()..(i + 1) * COHERENCIES.len()]); }
            }
        }
    }
    println!("{} scores, {:.1} s", scores.len(), clock.elapsed().as_secs_f64());
    table(&scores, &[("posterior", &|s| s.q[9]), ("post+drop", &|s| (s.q[9] * s.preds[7]).sqrt()), ("post+last", &|s| (s.q[9] * s.preds[0]).sqrt()), ("post+ernest", &|s| (s.q[9] * s.preds[4]).sqrt()), ("med3", &|s| { let mut v = [s.q[9], s.preds[7], s.preds[4]]; v.sort_by(f64::total_cmp); v[1] }), ("q45", &|s| s.q[8]), ("q55", &|s| s.q[10])]);
    coverage(&scores);
}
