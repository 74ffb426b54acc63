//! Learns how many mean absolute errors an interval must be wide.

use nest_model::growth::Learnt;

/// How far a true value lay from the centre.
#[derive(Debug, Clone, Copy)]
pub struct Deviation {
    /// Values of the history.
    pub known: usize,
    /// In mean absolute errors of the pool, 0 or more.
    pub size: f64,
}

/// First number of known values of each class. Classes weigh alike, so that neither short nor long histories
/// rule.
const CLASSES: [usize; 8] = [2, 4, 6, 9, 16, 25, 49, 400];

/// Half-widths by quantile regression: the least pinball loss of `base + few / known`.
pub fn learn(deviations: &[&Deviation]) -> Learnt {
    let (base_80, few_80) = half_width(deviations, 0.8);
    let (base_90, few_90) = half_width(deviations, 0.9);
    Learnt {
        base_80,
        few_80,
        base_90,
        few_90,
    }
}

fn half_width(deviations: &[&Deviation], level: f64) -> (f64, f64) {
    let class = |known: usize| {
        CLASSES
            .iter()
            .rposition(|first| *first <= known)
            .expect("two values or more")
    };
    let mut counts = [0.0; CLASSES.len()];
    deviations
        .iter()
        .for_each(|deviation| counts[class(deviation.known)] += 1.0);
    let weighed: Vec<(f64, f64, f64)> = deviations
        .iter()
        .map(|deviation| {
            (
                1.0 / deviation.known as f64,
                deviation.size.min(1e3),
                1.0 / counts[class(deviation.known)],
            )
        })
        .collect();
    let loss = |base: f64, few: f64| -> f64 {
        let pinball = |(inverse, size, weight): &(f64, f64, f64)| {
            let over = size - base - few * inverse;
            weight
                * if over > 0.0 {
                    level * over
                } else {
                    (level - 1.0) * over
                }
        };
        weighed.iter().map(pinball).sum()
    };
    // the loss is convex: a search that halves its steps finds the least
    let (mut base, mut few, mut stride) = (2.0, 4.0, 1.0);
    let mut least = loss(base, few);
    while stride > 1e-3 {
        let around = [
            (stride, 0.0),
            (-stride, 0.0),
            (0.0, stride),
            (0.0, -stride),
            (stride, -8.0 * stride),
            (-stride, 8.0 * stride),
        ];
        let best = around
            .into_iter()
            .map(|(more, wider)| (loss(base + more, few + wider), base + more, few + wider))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        match best {
            Some((found, base_found, few_found)) if found < least => {
                (least, base, few) = (found, base_found, few_found)
            }
            _ => stride /= 2.0,
        }
    }
    let rounded = |number: f64| (number * 100.0).round() / 100.0;
    (rounded(base), rounded(few))
}
