//! Coverage of forecasts where the truth is known: curves drawn from the prior itself.

use nest_model::{
    curve::{
        CurveForecast, CurveSeries, LoadAxis,
        collapse::Collapse,
        discrepancy::{DRIFTS, NOISES},
        fit_curve,
        posterior::Posterior,
        prior::{LearnedPrior, Prior},
        shape::{Shape, grid},
    },
    laws::UslParameters,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const CURVES: usize = 300;
/// Octaves beyond the highest fitted level.
const BEYOND: f64 = 2.0;

fn normal(random: &mut ChaCha8Rng) -> f64 {
    (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0
}

/// A node of the prior: shape, noise, drift.
fn node(prior: &Prior, shapes: &[Shape], random: &mut ChaCha8Rng) -> (Shape, f64, f64) {
    let mut left = random.random::<f64>();
    for discrepancy in 0..NOISES.len() * DRIFTS.len() {
        for (shape, log) in shapes.iter().zip(prior.log_shapes(discrepancy)) {
            left -= log.exp();
            if left <= 0.0 {
                let (noise, drift) = (discrepancy / DRIFTS.len(), discrepancy % DRIFTS.len());
                return (*shape, NOISES[noise], DRIFTS[drift]);
            }
        }
    }
    (shapes[0], NOISES[0], DRIFTS[0])
}

/// A curve observed at 8, 16, 32 and 64, and the log of an observation at 256.
fn simulated(
    prior: &Prior,
    shapes: &[Shape],
    collapse: Collapse,
    random: &mut ChaCha8Rng,
) -> (Vec<(f64, f64)>, f64) {
    let (shape, noise, drift) = node(prior, shapes, random);
    let mut walk = 0.0;
    let mut observed = |octaves: f64, step: f64, random: &mut ChaCha8Rng| {
        walk += drift * step.sqrt() * normal(random);
        shape.log_throughput(octaves) + walk + noise * normal(random)
    };
    let points = [-3.0, -2.0, -1.0, 0.0]
        .map(|octaves: f64| (64.0 * octaves.exp2(), observed(octaves, 1.0, random).exp()));
    let fall = if random.random::<f64>() < collapse.probability(BEYOND) {
        -random.random::<f64>().ln() * collapse.depth
    } else {
        0.0
    };
    let beyond = observed(BEYOND, BEYOND, random) - fall;
    (points.to_vec(), beyond)
}

/// Nine in ten, within three standard errors of 300 curves.
#[test]
fn intervals_hold_as_often_as_they_say_when_curves_are_drawn_from_the_prior() {
    let learned = LearnedPrior::of_all_sources();
    let (prior, shapes) = (learned.for_series(LoadAxis::Customers, 64.0), grid());
    let mut random = ChaCha8Rng::seed_from_u64(16);
    // Twice: with the collapse that was learnt, and with one that no interval can overlook.
    for collapse in [
        learned.collapse,
        Collapse {
            prone: 0.5,
            per_octave: 0.5,
            depth: 0.5,
        },
    ] {
        let mut inside = 0;
        for _ in 0..CURVES {
            let (points, beyond) = simulated(prior, &shapes, collapse, &mut random);
            let series = CurveSeries::new(&points).expect("four levels");
            let forecast = Posterior::new(&series, prior)
                .expect("a posterior")
                .forecast(BEYOND)
                .collapsing(collapse.probability(BEYOND), collapse.depth);
            let within = forecast.quantile(0.05)..=forecast.quantile(0.95);
            inside += usize::from(within.contains(&beyond));
        }
        let covered = inside as f64 / CURVES as f64;
        assert!((covered - 0.9).abs() < 0.052, "{covered} with {collapse:?}");
    }
}

/// A plateau over five levels. MySQL 5.1 fell from 838 transactions a second with 64 clients to 137 with 128
/// (published by Mark Callaghan beside 5.5.6). No interval of use holds that, but a fall by a tenth at 2x and
/// by a fifth at 4x must lie inside, and the point must not move.
#[test]
fn a_plateau_may_collapse_without_warning_and_its_point_stays() {
    let points: Vec<(f64, f64)> = [
        (4.0, 990.0),
        (8.0, 1004.0),
        (16.0, 997.0),
        (32.0, 1002.0),
        (64.0, 1000.0),
    ]
    .to_vec();
    let curve = fit_curve(&points, LoadAxis::Customers).expect("a curve");
    let (twice, four_times) = (curve.at(128.0), curve.at(256.0));
    assert!((twice.p50 / 1000.0 - 1.0).abs() < 0.03, "{twice:?}");
    assert!(
        twice.p05 < 900.0 && four_times.p05 < 800.0,
        "{twice:?} {four_times:?}"
    );
    // Down further than up.
    assert!(
        twice.p50 / twice.p05 > 1.5 * (twice.p95 / twice.p50 - 1.0) + 1.0,
        "{twice:?}"
    );
    // What was measured cannot collapse.
    let measured = curve.at(64.0);
    assert!(measured.p05 > 950.0, "{measured:?}");
}

/// Systems for each place at which the measured part ends.
const SYSTEMS: usize = 60;
/// Levels, over that of the peak, that are forecast where they lie beyond the measured part.
const OF_PEAK: [f64; 4] = [1.2, 1.5, 2.0, 3.0];
/// Observations of each level that is forecast.
const OBSERVATIONS: usize = 10;

/// A system with a peak that follows the Universal Scalability Law, and its noise.
struct Hill {
    law: UslParameters,
    peak: f64,
    noise: f64,
}

impl Hill {
    /// A peak between 16 and 256, a contention between 0.002 and 0.1, a noise of 2 to 5 %.
    fn new(random: &mut ChaCha8Rng) -> Self {
        let contention = 0.002 * 50f64.powf(random.random());
        let peak = 16.0 * 16f64.powf(random.random());
        Self {
            law: UslParameters {
                unit_throughput: 100.0,
                contention,
                coherency: (1.0 - contention) / (peak * peak),
            },
            peak,
            noise: 0.02 + 0.03 * random.random::<f64>(),
        }
    }

    fn observed(&self, level: f64, random: &mut ChaCha8Rng) -> f64 {
        self.law.throughput_at(level) * (self.noise * normal(random)).exp()
    }

    /// Seven levels over four and a half octaves.
    fn measured_to(&self, last: f64, random: &mut ChaCha8Rng) -> Vec<(f64, f64)> {
        (0..7)
            .map(|step| (last * (0.75 * (f64::from(step) - 6.0)).exp2()).max(1.0))
            .map(|level| (level, self.observed(level, random)))
            .collect()
    }

    /// Share of observations at a level that an interval holds.
    fn held(&self, forecast: CurveForecast, level: f64, random: &mut ChaCha8Rng) -> f64 {
        let held = (0..OBSERVATIONS)
            .filter(|_| (forecast.p05..=forecast.p95).contains(&self.observed(level, random)))
            .count();
        held as f64 / OBSERVATIONS as f64
    }
}

/// Share of observations around the peak that 90 % intervals hold, where the measured part ends at a place
/// over the level of the peak.
fn held_around_the_peak(place: f64) -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(23);
    let mut shares = Vec::new();
    for system in 0..SYSTEMS {
        let hill = Hill::new(&mut random);
        let axis = [LoadAxis::Customers, LoadAxis::Servers][system % 2];
        let measured = hill.measured_to(place * hill.peak, &mut random);
        let curve = fit_curve(&measured, axis).expect("a curve");
        for level in OF_PEAK.map(|times| times * hill.peak) {
            if level > curve.highest_level() {
                shares.push(hill.held(curve.at(level), level, &mut random));
            }
        }
    }
    shares.iter().sum::<f64>() / shares.len() as f64
}

/// Nine in ten on the whole: 0.986, 0.971, 0.952, 0.846 and 0.882 by place when the bound was set. The
/// hardest is just past the peak, where what was measured is as flat as a plateau; while all flat curves were
/// narrowed alike, 0.690 was inside there.
#[test]
fn intervals_hold_around_the_peak_of_the_universal_scalability_law() {
    let places = [0.5, 0.7, 1.0, 1.4, 2.0];
    let held = places.map(held_around_the_peak);
    assert!(
        held.iter().all(|share| *share >= 0.82),
        "inside: {held:.3?}, measured up to {places:?} of the peak"
    );
    let mean = held.iter().sum::<f64>() / held.len() as f64;
    assert!((0.88..=0.98).contains(&mean), "{mean}");
}
