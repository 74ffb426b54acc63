//! Published methods, each a function of what was fitted: (level, throughput), ascending, to the throughput at a level.

use nalgebra::{DMatrix, DVector};
use nest_model::{regression::weighted_nnls, usl};

/// A fitted method.
pub type Fitted = Box<dyn Fn(f64) -> f64>;

/// A method: name, and fit.
pub type Method = (&'static str, fn(&[(f64, f64)]) -> Option<Fitted>);

/// Methods that the curve is compared with.
pub const METHODS: [Method; 8] = [
    ("last value", last_value),
    ("R usl", r_usl),
    ("Extra-P on R", |points| extra_p(points, true)),
    ("Extra-P on X", |points| extra_p(points, false)),
    ("Ernest", ernest),
    ("Amdahl", amdahl),
    ("power", power),
    ("drop rule", drop_rule),
];

fn last_value(points: &[(f64, f64)]) -> Option<Fitted> {
    let last = points.last()?.0;
    let of: Vec<f64> = points.iter().filter(|point| point.0 == last).map(|point| point.1).collect();
    let value = of.iter().sum::<f64>() / of.len() as f64;
    Some(Box::new(move |_| value))
}

fn r_usl(points: &[(f64, f64)]) -> Option<Fitted> {
    let law = usl::fit_published(points)?.parameters;
    Some(Box::new(move |x| law.throughput_at(x)))
}

/// Ernest's `t0 + t1 / m + t2 log m + t3 m` for the time per unit of work, coefficients 0 or more.
/// Source: Venkataraman et al., "Ernest", NSDI 2016.
fn ernest(points: &[(f64, f64)]) -> Option<Fitted> {
    let features = |m: f64| [1.0, 1.0 / m, m.ln().max(0.0), m];
    linear_in_time(points, features)
}

fn amdahl(points: &[(f64, f64)]) -> Option<Fitted> {
    linear_in_time(points, |n| [1.0, 1.0 / n])
}

/// Relative least squares on 1/X, coefficients 0 or more.
fn linear_in_time<const K: usize>(points: &[(f64, f64)], features: fn(f64) -> [f64; K]) -> Option<Fitted> {
    let design = DMatrix::from_fn(points.len(), K, |row, column| points[row].1 * features(points[row].0)[column]);
    let ones = DVector::from_element(points.len(), 1.0);
    let found = weighted_nnls(&design, &ones, &ones)?.coefficients;
    Some(Box::new(move |x| 1.0 / features(x).iter().zip(found.iter()).map(|(feature, coefficient)| feature * coefficient).sum::<f64>()))
}

/// A straight line in log-log scale.
fn power(points: &[(f64, f64)]) -> Option<Fitted> {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let (constant, slope) = line(&logs, |x| x)?;
    Some(Box::new(move |x| (constant + slope * x.ln()).exp()))
}

/// Least squares of y on 1 and one feature of x.
fn line(points: &[(f64, f64)], feature: impl Fn(f64) -> f64) -> Option<(f64, f64)> {
    let count = points.len() as f64;
    let mean_x = points.iter().map(|point| feature(point.0)).sum::<f64>() / count;
    let mean_y = points.iter().map(|point| point.1).sum::<f64>() / count;
    let cross: f64 = points.iter().map(|point| (feature(point.0) - mean_x) * (point.1 - mean_y)).sum();
    let square: f64 = points.iter().map(|point| (feature(point.0) - mean_x).powi(2)).sum();
    let slope = cross / square;
    slope.is_finite().then_some((mean_y - slope * mean_x, slope))
}

/// Exponents (i, j, k) of Extra-P's default terms `n^(i/j) log2^k n`.
/// Source: Extra-P 4.2.5, `extrap/modelers/single_parameter/basic.py`.
pub const TERMS: [(u8, u8, u8); 42] = [
    (0, 1, 1), (0, 1, 2), (1, 4, 0), (1, 3, 0), (1, 4, 1), (1, 3, 1), (1, 4, 2), (1, 3, 2), (1, 2, 0), (1, 2, 1), (1, 2, 2), (2, 3, 0), (3, 4, 0),
    (2, 3, 1), (3, 4, 1), (4, 5, 0), (2, 3, 2), (3, 4, 2), (1, 1, 0), (1, 1, 1), (1, 1, 2), (5, 4, 0), (5, 4, 1), (4, 3, 0), (4, 3, 1), (3, 2, 0),
    (3, 2, 1), (3, 2, 2), (5, 3, 0), (7, 4, 0), (2, 1, 0), (2, 1, 1), (2, 1, 2), (9, 4, 0), (7, 3, 0), (5, 2, 0), (5, 2, 1), (5, 2, 2), (8, 3, 0),
    (11, 4, 0), (3, 1, 0), (3, 1, 1),
];

fn term((i, j, k): (u8, u8, u8), x: f64) -> f64 {
    x.powf(f64::from(i) / f64::from(j)) * x.log2().powi(i32::from(k))
}

/// Extra-P's rule: the term, or the constant, with the least SMAPE when each level is left out in turn.
/// Returns the constant, the coefficient and the term.
pub fn extra_p_model(points: &[(f64, f64)]) -> Option<(f64, f64, Option<(u8, u8, u8)>)> {
    let smape = |predicted: f64, y: f64| 2.0 * (predicted - y).abs() / (predicted.abs() + y.abs());
    let without = |left: usize| points.iter().enumerate().filter(move |(index, _)| *index != left).map(|(_, point)| *point).collect::<Vec<_>>();
    let left_out: Vec<Vec<(f64, f64)>> = (0..points.len()).map(without).collect();
    let mean = |of: &[(f64, f64)]| of.iter().map(|point| point.1).sum::<f64>() / of.len() as f64;
    let constant: f64 = left_out.iter().zip(points).map(|(rest, point)| smape(mean(rest), point.1)).sum();
    let scores = TERMS.iter().filter_map(|&one| {
        let errors: Option<Vec<f64>> = left_out
            .iter()
            .zip(points)
            .map(|(rest, point)| line(rest, |x| term(one, x)).map(|(c0, c1)| smape(c0 + c1 * term(one, point.0), point.1)))
            .collect();
        Some((errors?.iter().sum::<f64>(), one))
    });
    let best = scores.filter(|score| score.0.is_finite()).min_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((score, one)) if score < constant => line(points, |x| term(one, x)).map(|(c0, c1)| (c0, c1, Some(one))),
        _ => Some((mean(points), 0.0, None)),
    }
}

fn extra_p(points: &[(f64, f64)], on_response_time: bool) -> Option<Fitted> {
    let means: Vec<(f64, f64)> = points
        .chunk_by(|a, b| a.0 == b.0)
        .map(|level| (level[0].0, level.iter().map(|point| if on_response_time { point.0 / point.1 } else { point.1 }).sum::<f64>() / level.len() as f64))
        .collect();
    let (c0, c1, one) = extra_p_model(&means)?;
    let model = move |x: f64| c0 + one.map_or(0.0, |one| c1 * term(one, x));
    Some(if on_response_time { Box::new(move |x| x / model(x)) } else { Box::new(model) })
}

/// The rule of modelling.md section 3.4: a soft bottleneck with recency weights, USL once the last step is below 0.9 of the best.
fn drop_rule(points: &[(f64, f64)]) -> Option<Fitted> {
    let best = points.iter().map(|point| point.1).fold(0.0, f64::max);
    let last = points.last()?;
    if last.1 < 0.9 * best {
        let law = usl::fit_relative(points, &vec![1.0; points.len()])?;
        return Some(Box::new(move |x| law.throughput_at(x)));
    }
    let weights: Vec<f64> = points.iter().map(|point| 4f64.powf(-(last.0 / point.0).log2())).collect();
    let (r, plateau, p) = soft_bottleneck(points, &weights)?;
    Some(Box::new(move |x| 1.0 / ((r / x).powf(p) + plateau.powf(-p)).powf(1.0 / p)))
}

/// Weighted least squares on log X of the soft bottleneck over modelling.md's sharpnesses: cycle time, plateau, sharpness.
pub fn soft_bottleneck(points: &[(f64, f64)], weights: &[f64]) -> Option<(f64, f64, f64)> {
    let total: f64 = weights.iter().sum();
    // Log of the plateau for a knee and a sharpness, and what is left over.
    let fit = |knee: f64, p: f64| {
        let residual = |(x, y): (f64, f64)| y.ln() + ((knee / x).ln() * p).exp().ln_1p() / p;
        let level = points.iter().zip(weights).map(|(point, weight)| weight * residual(*point)).sum::<f64>() / total;
        (points.iter().zip(weights).map(|(point, weight)| weight * (residual(*point) - level).powi(2)).sum::<f64>(), level)
    };
    let (first, last) = (points.first()?.0, points.last()?.0);
    let (low, high) = ((first / 64.0).ln(), (last * 64.0).ln());
    let mut best = (f64::INFINITY, 0.0, 0.0, 0.0);
    for p in [1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0] {
        let width = (high - low) / 200.0;
        let coarse = (0..=200).map(|step| low + width * f64::from(step)).min_by(|a, b| fit(a.exp(), p).0.total_cmp(&fit(b.exp(), p).0))?;
        let (mut a, mut b) = (coarse - width, coarse + width);
        for _ in 0..60 {
            let (left, right) = (b - 0.618_034 * (b - a), a + 0.618_034 * (b - a));
            if fit(left.exp(), p).0 < fit(right.exp(), p).0 { b = right } else { a = left }
        }
        let knee = (0.5 * (a + b)).exp();
        let (left_over, level) = fit(knee, p);
        if left_over < best.0 {
            best = (left_over, knee / level.exp(), level.exp(), p);
        }
    }
    best.0.is_finite().then_some((best.1, best.2, best.3))
}
