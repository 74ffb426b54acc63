//! Learns how many mean absolute errors an interval must be wide.

use std::collections::BTreeMap;

use nest_model::growth::Learnt;

use super::cases::Variant;

/// How far a true value lay from the centre.
#[derive(Debug, Clone, Copy)]
pub struct Deviation<'a> {
    /// Who recorded the history.
    pub source: &'a str,
    /// Its kind and what was done to it, or that it is a short beginning.
    pub class: (&'a str, Variant),
    /// Values of the history.
    pub known: usize,
    /// In mean absolute errors of the pool, 0 or more.
    pub size: f64,
}

/// `1 / sqrt(known)`, size and weight of a deviation.
type Weighed = (f64, f64, f64);

/// Half-widths by quantile regression: the least pinball loss of `base + few / sqrt(known)`, over all
/// sources but one. Classes weigh alike, and within a class its sources do.
pub fn learn(deviations: &[Deviation<'_>], without: Option<&str>) -> Learnt {
    let used = weighed(deviations, without);
    let (base_80, few_80) = half_width(&used, 0.8);
    let (base_90, few_90) = half_width(&used, 0.9);
    Learnt {
        base_80,
        few_80,
        base_90,
        few_90,
    }
}

fn weighed(deviations: &[Deviation<'_>], without: Option<&str>) -> Vec<Weighed> {
    let used = || deviations.iter().filter(|one| Some(one.source) != without);
    let mut counts: BTreeMap<_, f64> = BTreeMap::new();
    used().for_each(|one| *counts.entry((one.class, one.source)).or_default() += 1.0);
    let mut sources: BTreeMap<_, f64> = BTreeMap::new();
    counts
        .keys()
        .for_each(|(class, _)| *sources.entry(*class).or_default() += 1.0);
    used()
        .map(|one| {
            let weight = 1.0 / (counts[&(one.class, one.source)] * sources[&one.class]);
            ((one.known as f64).sqrt().recip(), one.size.min(1e3), weight)
        })
        .collect()
}

fn half_width(weighed: &[Weighed], level: f64) -> (f64, f64) {
    let loss = |base: f64, few: f64| -> f64 {
        let pinball = |(inverse, size, weight): &Weighed| {
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
    let (mut base, mut few, mut stride) = (1.5, 2.0, 1.0);
    let mut least = loss(base, few);
    while stride > 1e-3 {
        let around = [
            (stride, 0.0),
            (-stride, 0.0),
            (0.0, stride),
            (0.0, -stride),
            (stride, -4.0 * stride),
            (-stride, 4.0 * stride),
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
