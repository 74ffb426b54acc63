//! Published methods, each a function of what was fitted: (level, throughput), ascending, to the throughput
//! at a level.

use nalgebra::{DMatrix, DVector};
use nest_model::{laws::usl, regression::weighted_nnls};

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
    let of: Vec<f64> = points
        .iter()
        .filter(|point| point.0 == last)
        .map(|point| point.1)
        .collect();
    let value = of.iter().sum::<f64>() / of.len() as f64;
    Some(Box::new(move |_| value))
}

fn r_usl(points: &[(f64, f64)]) -> Option<Fitted> {
    let law = usl::fit_published(points)?.parameters;
    Some(Box::new(move |x| law.throughput_at(x)))
}

/// Ernest's `t0 + t1 scale / m + t2 log m + t3 m` for the time of a piece of work on m machines, here of one
/// unit. Source: Venkataraman et al., "Ernest", NSDI 2016.
fn ernest(points: &[(f64, f64)]) -> Option<Fitted> {
    linear_in_time(points, |m| ernest_features(1.0, m))
}

fn ernest_features(scale: f64, m: f64) -> [f64; 4] {
    [1.0, scale / m, m.ln().max(0.0), m]
}

fn amdahl(points: &[(f64, f64)]) -> Option<Fitted> {
    linear_in_time(points, |n| [1.0, 1.0 / n])
}

/// Relative least squares on 1/X, coefficients 0 or more: on these data better than Ernest's own, which
/// weighs all times alike.
fn linear_in_time<const K: usize>(points: &[(f64, f64)], features: fn(f64) -> [f64; K]) -> Option<Fitted> {
    let rows: Vec<([f64; K], f64)> = points.iter().map(|&(x, y)| (features(x), 1.0 / y)).collect();
    let found = coefficients(&rows, |time| time)?;
    Some(Box::new(move |x| {
        1.0 / features(x)
            .iter()
            .zip(found.iter())
            .map(|(feature, coefficient)| feature * coefficient)
            .sum::<f64>()
    }))
}

/// Least squares of times on features, coefficients 0 or more, errors in proportion to `deviation` of the
/// time.
fn coefficients<const K: usize>(rows: &[([f64; K], f64)], deviation: fn(f64) -> f64) -> Option<Vec<f64>> {
    let design = DMatrix::from_fn(rows.len(), K, |row, column| rows[row].0[column]);
    let times = DVector::from_iterator(rows.len(), rows.iter().map(|row| row.1));
    let variances = times.map(|time| deviation(time).powi(2));
    weighted_nnls(&design, &times, &variances).map(|fit| fit.coefficients.iter().copied().collect())
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
    let cross: f64 = points
        .iter()
        .map(|point| (feature(point.0) - mean_x) * (point.1 - mean_y))
        .sum();
    let square: f64 = points
        .iter()
        .map(|point| (feature(point.0) - mean_x).powi(2))
        .sum();
    let slope = cross / square;
    slope.is_finite().then_some((mean_y - slope * mean_x, slope))
}

/// Exponents (i, j, k) of a term `n^(i/j) log2^k n`.
pub type Term = (u8, u8, u8);

/// Extra-P's default terms.
/// Source: Extra-P 4.2.5, `extrap/modelers/single_parameter/basic.py`.
pub const TERMS: [Term; 42] = [
    (0, 1, 1),
    (0, 1, 2),
    (1, 4, 0),
    (1, 3, 0),
    (1, 4, 1),
    (1, 3, 1),
    (1, 4, 2),
    (1, 3, 2),
    (1, 2, 0),
    (1, 2, 1),
    (1, 2, 2),
    (2, 3, 0),
    (3, 4, 0),
    (2, 3, 1),
    (3, 4, 1),
    (4, 5, 0),
    (2, 3, 2),
    (3, 4, 2),
    (1, 1, 0),
    (1, 1, 1),
    (1, 1, 2),
    (5, 4, 0),
    (5, 4, 1),
    (4, 3, 0),
    (4, 3, 1),
    (3, 2, 0),
    (3, 2, 1),
    (3, 2, 2),
    (5, 3, 0),
    (7, 4, 0),
    (2, 1, 0),
    (2, 1, 1),
    (2, 1, 2),
    (9, 4, 0),
    (7, 3, 0),
    (5, 2, 0),
    (5, 2, 1),
    (5, 2, 2),
    (8, 3, 0),
    (11, 4, 0),
    (3, 1, 0),
    (3, 1, 1),
];

fn term((i, j, k): Term, x: f64) -> f64 {
    x.powf(f64::from(i) / f64::from(j)) * x.log2().powi(i32::from(k))
}

/// Extra-P's rule: the term, or the constant, with the least SMAPE when each level is left out in turn.
/// Returns the constant, the coefficient and the term.
pub fn extra_p_model(points: &[(f64, f64)]) -> Option<(f64, f64, Option<Term>)> {
    let smape = |predicted: f64, y: f64| 2.0 * (predicted - y).abs() / (predicted.abs() + y.abs());
    let without = |left: usize| {
        points
            .iter()
            .enumerate()
            .filter(move |(index, _)| *index != left)
            .map(|(_, point)| *point)
            .collect::<Vec<_>>()
    };
    let left_out: Vec<Vec<(f64, f64)>> = (0..points.len()).map(without).collect();
    let mean = |of: &[(f64, f64)]| of.iter().map(|point| point.1).sum::<f64>() / of.len() as f64;
    let constant: f64 = left_out
        .iter()
        .zip(points)
        .map(|(rest, point)| smape(mean(rest), point.1))
        .sum();
    let scores = TERMS.iter().filter_map(|&one| {
        let errors: Option<Vec<f64>> = left_out
            .iter()
            .zip(points)
            .map(|(rest, point)| {
                line(rest, |x| term(one, x)).map(|(c0, c1)| smape(c0 + c1 * term(one, point.0), point.1))
            })
            .collect();
        Some((errors?.iter().sum::<f64>(), one))
    });
    let best = scores
        .filter(|score| score.0.is_finite())
        .min_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((score, one)) if score < constant => {
            line(points, |x| term(one, x)).map(|(c0, c1)| (c0, c1, Some(one)))
        }
        _ => Some((mean(points), 0.0, None)),
    }
}

fn extra_p(points: &[(f64, f64)], on_response_time: bool) -> Option<Fitted> {
    let means: Vec<(f64, f64)> = points
        .chunk_by(|a, b| a.0 == b.0)
        .map(|level| {
            (
                level[0].0,
                level
                    .iter()
                    .map(|point| {
                        if on_response_time {
                            point.0 / point.1
                        } else {
                            point.1
                        }
                    })
                    .sum::<f64>()
                    / level.len() as f64,
            )
        })
        .collect();
    let (c0, c1, one) = extra_p_model(&means)?;
    let model = move |x: f64| c0 + one.map_or(0.0, |one| c1 * term(one, x));
    Some(if on_response_time {
        Box::new(move |x| x / model(x))
    } else {
        Box::new(model)
    })
}

/// The rule of `docs/method/curve.md`, "Other methods on the scoreboard": a soft bottleneck with recency
/// weights, USL once the last step is below 0.9 of the best.
fn drop_rule(points: &[(f64, f64)]) -> Option<Fitted> {
    let best = points.iter().map(|point| point.1).fold(0.0, f64::max);
    let last = points.last()?;
    if last.1 < 0.9 * best {
        let law = usl::fit_relative(points, &vec![1.0; points.len()])?;
        return Some(Box::new(move |x| law.throughput_at(x)));
    }
    let weights: Vec<f64> = points
        .iter()
        .map(|point| 4f64.powf(-(last.0 / point.0).log2()))
        .collect();
    let (r, plateau, p) = soft_bottleneck(points, &weights)?;
    Some(Box::new(move |x| {
        1.0 / ((r / x).powf(p) + plateau.powf(-p)).powf(1.0 / p)
    }))
}

/// Weighted least squares on log X of the soft bottleneck over the sharpnesses of `docs/method/curve.md`:
/// cycle time, plateau, sharpness.
pub fn soft_bottleneck(points: &[(f64, f64)], weights: &[f64]) -> Option<(f64, f64, f64)> {
    let total: f64 = weights.iter().sum();
    // Log of the plateau for a knee and a sharpness, and what is left over.
    let fit = |knee: f64, p: f64| {
        let residual = |(x, y): (f64, f64)| y.ln() + ((knee / x).ln() * p).exp().ln_1p() / p;
        let level = points
            .iter()
            .zip(weights)
            .map(|(point, weight)| weight * residual(*point))
            .sum::<f64>()
            / total;
        (
            points
                .iter()
                .zip(weights)
                .map(|(point, weight)| weight * (residual(*point) - level).powi(2))
                .sum::<f64>(),
            level,
        )
    };
    let (first, last) = (points.first()?.0, points.last()?.0);
    let (low, high) = ((first / 64.0).ln(), (last * 64.0).ln());
    let mut best = (f64::INFINITY, 0.0, 0.0, 0.0);
    for p in [1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0] {
        let width = (high - low) / 200.0;
        let coarse = (0..=200)
            .map(|step| low + width * f64::from(step))
            .min_by(|a, b| fit(a.exp(), p).0.total_cmp(&fit(b.exp(), p).0))?;
        let (mut a, mut b) = (coarse - width, coarse + width);
        for _ in 0..60 {
            let (left, right) = (b - 0.618034 * (b - a), a + 0.618034 * (b - a));
            if fit(left.exp(), p).0 < fit(right.exp(), p).0 {
                b = right
            } else {
                a = left
            }
        }
        let knee = (0.5 * (a + b)).exp();
        let (left_over, level) = fit(knee, p);
        if left_over < best.0 {
            best = (left_over, knee / level.exp(), level.exp(), p);
        }
    }
    best.0.is_finite().then_some((best.1, best.2, best.3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(found: f64, expected: f64, tolerance: f64) {
        assert!(
            (found / expected - 1.0).abs() < tolerance,
            "{found} for {expected}"
        );
    }

    fn at_levels(throughputs: &[f64]) -> Vec<(f64, f64)> {
        [8.0, 16.0, 32.0, 64.0, 128.0, 256.0]
            .into_iter()
            .zip(throughputs.iter().copied())
            .collect()
    }

    /// `docs/method/curve.md`, "Known answers": real curves, the soft bottleneck on all six levels, and three
    /// methods on the first four at 128 and 256.
    #[test]
    fn real_curves_are_fitted_as_stated() {
        let cases = [
            (
                [2488.017, 5194.4, 9693.433, 14460.583, 14410.783, 13534.817],
                (8.0, 0.0031857, 14147.9),
                [14560.0, 9726.0],
                [9819.0, 3357.0],
            ),
            (
                [1701.933, 2869.45, 2932.467, 3299.967, 3395.283, 3450.033],
                (3.0, 0.0044118, 3317.55),
                [2917.0, 2257.0],
                [3199.0, 3067.0],
            ),
            (
                [467.067, 495.533, 494.883, 501.55, 502.65, 502.75],
                (2.0, 0.0062184, 501.858),
                [491.5, 470.9],
                [503.5, 504.5],
            ),
            (
                [1620.467, 4072.15, 5633.867, 5713.1, 5710.533, 5706.583],
                (20.0, 0.0044044, 5691.59),
                [3809.0, 2074.0],
                [2972.0, 1146.0],
            ),
        ];
        for (throughputs, (sharpness, cycle_time, plateau), usl, extra_p_on_r) in cases {
            let (r, height, p) = soft_bottleneck(&at_levels(&throughputs), &[1.0; 6]).expect("a fit");
            assert_eq!(p, sharpness);
            close(r, cycle_time, 1e-4);
            close(height, plateau, 1e-5);
            let beginning = at_levels(&throughputs[..4]);
            for (fit, expected) in [
                (r_usl(&beginning), usl),
                (extra_p(&beginning, true), extra_p_on_r),
            ] {
                let fit = fit.expect("a fit");
                close(fit(128.0), expected[0], 1e-3);
                close(fit(256.0), expected[1], 1e-3);
            }
        }
    }

    /// `docs/method/curve.md`, "Known answers": models that Extra-P 4.2.5 prints.
    #[test]
    fn extra_p_finds_the_models_of_the_package() {
        let model = |points: &[(f64, f64)]| extra_p_model(points).expect("a model");
        let (c0, c1, term) = model(&[
            (20.0, 81.9),
            (30.0, 179.0),
            (40.0, 319.0),
            (50.0, 505.0),
            (60.0, 725.0),
        ]);
        // The package has -0.88979341 and 0.20168244 from means that `docs/method/curve.md` rounds to three
        // digits.
        assert!((c0 + 0.88979341).abs() < 0.5, "{c0}");
        close(c1, 0.20168244, 2e-3);
        assert_eq!(term, Some((2, 1, 0)));
        let specsdm91 = [
            (1.0, 64.9),
            (18.0, 995.9),
            (36.0, 1652.4),
            (72.0, 1853.2),
            (108.0, 1828.9),
            (144.0, 1775.0),
            (216.0, 1702.2),
        ];
        let (c0, c1, term) = model(&specsdm91.map(|(n, x): (f64, f64)| (n, n / x)));
        close(c0, 0.01518169, 1e-6);
        close(c1, 8.68957e-6, 1e-6);
        assert_eq!(term, Some((1, 1, 2)));
    }

    #[test]
    fn extra_p_recovers_each_of_its_terms() {
        for one in TERMS {
            let points: Vec<(f64, f64)> = [2.0, 4.0, 8.0, 16.0, 32.0]
                .map(|n| (n, 200.0 + 10.0 * term(one, n)))
                .to_vec();
            let (c0, c1, found) = extra_p_model(&points).expect("a model");
            assert_eq!(found, Some(one));
            close(c0, 200.0, 1e-6);
            close(c1, 10.0, 1e-6);
        }
    }

    /// `docs/method/curve.md`, "Known answers": Ernest's published example, predictions at the whole data on
    /// 4 to 28 machines.
    #[test]
    fn ernest_predicts_its_published_example() {
        let measured = [
            (32.0, 0.125, 7.94516801834),
            (4.0, 0.015625, 4.72029209137),
            (4.0, 0.021382, 4.87661099434),
            (12.0, 0.050164, 6.71376490593),
            (12.0, 0.055921, 6.71519398689),
            (12.0, 0.061678, 6.6739718914),
            (16.0, 0.061678, 6.83566999503),
        ];
        let rows: Vec<([f64; 4], f64)> = measured
            .iter()
            .map(|&(m, scale, time)| (ernest_features(scale, m), time))
            .collect();
        let found = coefficients(&rows, |_| 1.0).expect("a fit");
        close(found[0], 1.90012687, 1e-6);
        close(found[1], 162.19821226, 1e-6);
        close(found[2], 1.58832362, 1e-6);
        assert_eq!(found[3], 0.0);
        let published = [
            44.6515640166,
            25.4777295249,
            19.36348049,
            16.4412832993,
            14.7682298198,
            13.7061636867,
            12.9855393036,
        ];
        for (m, expected) in (1..).map(|step| 4.0 * f64::from(step)).zip(published) {
            let time: f64 = ernest_features(1.0, m)
                .iter()
                .zip(&found)
                .map(|(feature, coefficient)| feature * coefficient)
                .sum();
            close(time, expected, 1e-6);
        }
    }
}
