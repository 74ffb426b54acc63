//! Learns how often curves collapse beyond what was measured, each family of sources being a draw.

use std::collections::BTreeMap;

use nest_model::curve::{collapse::Collapse, fit_curve_with};

use crate::{learn::LeftOut, parallel::mapped, task::Task};

/// Hazards per octave that are tried.
const HAZARDS: [f64; 10] = [0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.5];
/// Mean falls of log throughput that are tried.
const DEPTHS: [f64; 7] = [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6];
/// Steps of the share of families that are prone.
const SHARES: usize = 200;
/// Highest horizon that is learnt from.
const FARTHEST: u32 = 4;
/// Density of a log below which an observation counts no less: one that no model foresees.
const LEAST: f64 = 1e-6;

/// One forecast: octaves beyond, density of what was observed without a collapse, and with one of each depth.
type Fall = (f64, f64, [f64; DEPTHS.len()]);

/// The forecasts of every task, by family.
pub struct Falls(BTreeMap<String, Vec<Vec<Fall>>>);

impl Falls {
    /// Forecasts each task by the prior that was learnt without its family.
    pub fn new(tasks: &[&Task], priors: &LeftOut) -> Self {
        let of = |task: &&Task| (task.curve.family().to_owned(), falls(task, priors));
        let mut families: BTreeMap<String, Vec<Vec<Fall>>> = BTreeMap::new();
        for (family, falls) in mapped(tasks, of) {
            families.entry(family).or_default().push(falls);
        }
        Self(families)
    }

    /// The collapse under which what was observed is most likely in the families that `wanted` holds of.
    ///
    /// A family is prone with an unknown probability, evenly distributed at first; hazard and depth are those
    /// of the largest marginal likelihood, the probability is its posterior mean: so many prone families more
    /// one, over so many families more two (Laplace's rule of succession), if all were known.
    pub fn learn(&self, wanted: impl Fn(&str) -> bool) -> Collapse {
        let of: Vec<&Vec<Vec<Fall>>> = self
            .0
            .iter()
            .filter(|(family, _)| wanted(family))
            .map(|(_, tasks)| tasks)
            .collect();
        let candidates = (0..DEPTHS.len()).flat_map(|depth| HAZARDS.map(|per_octave| (depth, per_octave)));
        let weighed = candidates.map(|(depth, per_octave)| {
            let candidate = Collapse {
                prone: 0.0,
                per_octave,
                depth: DEPTHS[depth],
            };
            let ratios: Vec<f64> = of
                .iter()
                .map(|tasks| log_ratio(tasks, depth, candidate))
                .collect();
            let (log, prone) = share_of_prone(&ratios);
            (log, Collapse { prone, ..candidate })
        });
        weighed
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map_or(Collapse::NEVER, |best| best.1)
    }
}

fn falls(task: &Task, priors: &LeftOut) -> Vec<Fall> {
    let Ok(curve) = fit_curve_with(&task.prefix, task.curve.axis, &priors[task.curve.family()]) else {
        return Vec::new();
    };
    let near = task.targets.iter().filter(|target| target.horizon <= FARTHEST);
    near.map(|target| {
        let (calm, fallen) = curve.densities(target.x, target.truth(), DEPTHS);
        ((target.x / curve.highest_level()).log2(), calm, fallen)
    })
    .collect()
}

/// Log likelihood of the tasks of a prone family over that of one that is not. The forecasts of a task count
/// as one together, since they are of one curve.
fn log_ratio(tasks: &[Vec<Fall>], depth: usize, candidate: Collapse) -> f64 {
    let of = |&(octaves, calm, fallen): &Fall| {
        let hazard = candidate.hazard(octaves);
        ((1.0 - hazard) * calm + hazard * fallen[depth]).max(LEAST).ln() - calm.max(LEAST).ln()
    };
    tasks
        .iter()
        .filter(|falls| !falls.is_empty())
        .map(|falls| falls.iter().map(of).sum::<f64>() / falls.len() as f64)
        .sum()
}

/// Log marginal likelihood, and posterior mean of the share of families that are prone.
fn share_of_prone(log_ratios: &[f64]) -> (f64, f64) {
    let log = |share: f64| -> f64 {
        // ln(1 - share + share e^ratio), without overflow.
        let of = |ratio: &f64| {
            let most = ratio.max(0.0);
            most + ((1.0 - share) * (-most).exp() + share * (ratio - most).exp()).ln()
        };
        log_ratios.iter().map(of).sum()
    };
    let shares: Vec<f64> = (0..SHARES)
        .map(|step| (step as f64 + 0.5) / SHARES as f64)
        .collect();
    let logs: Vec<f64> = shares.iter().map(|share| log(*share)).collect();
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logs.iter().map(|log| (log - most).exp()).collect();
    let total: f64 = weights.iter().sum();
    let mean = shares
        .iter()
        .zip(&weights)
        .map(|(share, weight)| share * weight)
        .sum::<f64>()
        / total;
    (most + (total / SHARES as f64).ln(), mean)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use statrs::distribution::{Continuous, Normal};

    use super::*;

    /// Two families in nine without any doubt: (2 + 1) / (9 + 2).
    #[test]
    fn the_share_of_prone_families_follows_the_rule_of_succession() {
        let mut ratios = vec![-60.0; 7];
        ratios.extend([60.0; 2]);
        let (_, share) = share_of_prone(&ratios);
        assert!((share - 3.0 / 11.0).abs() < 1e-3, "{share}");
        let (_, of_none) = share_of_prone(&[]);
        assert!((of_none - 0.5).abs() < 1e-9);
    }

    /// Twelve families, three of them prone with a known hazard and depth; forecasts are standard normal with
    /// a deviation of a tenth.
    #[test]
    fn a_known_collapse_is_found() {
        let truth = Collapse {
            prone: 0.25,
            per_octave: 0.5,
            depth: 0.3,
        };
        let mut random = ChaCha8Rng::seed_from_u64(16);
        let mut families = BTreeMap::new();
        for family in 0..12 {
            let prone = family % 4 == 0;
            let tasks = (0..60)
                .map(|_| vec![simulated(&mut random, prone, truth)])
                .collect();
            families.insert(family.to_string(), tasks);
        }
        let found = Falls(families).learn(|_| true);
        assert!((found.prone - 4.0 / 14.0).abs() < 0.03, "{found:?}");
        assert!((0.3..=0.7).contains(&found.per_octave), "{found:?}");
        assert!((0.2..=0.4).contains(&found.depth), "{found:?}");
    }

    /// A forecast of a curve at one or two octaves.
    fn simulated(random: &mut ChaCha8Rng, prone: bool, truth: Collapse) -> Fall {
        const DEVIATION: f64 = 0.1;
        let octaves = if random.random::<f64>() < 0.5 { 1.0 } else { 2.0 };
        let noise = (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
        let collapsed = prone && random.random::<f64>() < truth.hazard(octaves);
        let fall = if collapsed {
            -random.random::<f64>().ln() * truth.depth
        } else {
            0.0
        };
        let log = DEVIATION * noise - fall;
        let normal = Normal::new(0.0, DEVIATION).expect("a deviation above 0");
        // A normal less an exponential fall by a sum over the fall.
        let fallen = DEPTHS.map(|mean| {
            let step = 0.002;
            (0..4000)
                .map(|place| (f64::from(place) + 0.5) * step)
                .map(|fall| normal.pdf(log + fall) * (-fall / mean).exp() / mean * step)
                .sum()
        });
        (octaves, normal.pdf(log), fallen)
    }
}
