//! The curve as its users rely on it: identities, known laws, and every kind of bad input.

use nest_model::{
    curve::{CurveCaveat, CurveRefusal, FittedCurve, LawFamily, LoadAxis, fit_curve},
    laws::{GeneralThroughputLaw, UslParameters},
};
use proptest::prelude::*;

const LEVELS: [f64; 6] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];

fn fitted(points: &[(f64, f64)]) -> FittedCurve {
    fit_curve(points, LoadAxis::Customers).expect("a curve")
}

fn along(levels: &[f64], law: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    levels.iter().map(|&level| (level, law(level))).collect()
}

fn codes(points: &[(f64, f64)]) -> Vec<String> {
    fitted(points).caveats().iter().map(CurveCaveat::code).collect()
}

#[test]
fn a_seen_plateau_is_carried_on() {
    let law = GeneralThroughputLaw::soft_bottleneck(0.002, 0.0005, 4.0);
    let curve = fitted(&along(&LEVELS, |level| law.throughput_at(level)));
    for level in [64.0, 128.0] {
        let forecast = curve.at(level);
        assert!(
            (forecast.p50 / 2000.0 - 1.0).abs() < 0.03,
            "{forecast:?} at {level}"
        );
        assert!(forecast.p05 < 2000.0 && 2000.0 < forecast.p95);
    }
    assert_eq!(curve.law(), LawFamily::SoftBottleneck);
}

#[test]
fn a_seen_fall_goes_on() {
    let law = UslParameters {
        unit_throughput: 1000.0,
        contention: 0.03,
        coherency: 0.005,
    };
    let curve = fitted(&along(&LEVELS, |level| law.throughput_at(level)));
    let (forecast, truth) = (curve.at(64.0), law.throughput_at(64.0));
    assert!(
        forecast.p05 < truth && truth < forecast.p95,
        "{forecast:?} for {truth}"
    );
    assert!(forecast.p50 < law.throughput_at(32.0));
    assert_eq!(curve.law(), LawFamily::Usl);
}

#[test]
fn straight_lines_are_not_promised_for_ever() {
    let curve = fitted(&along(&LEVELS, |level| 100.0 * level));
    let forecast = curve.at(64.0);
    assert!(forecast.p50 > 5000.0 && forecast.p95 < 8000.0, "{forecast:?}");
    assert!(
        forecast.p05 < 5000.0,
        "a bend right after the last level is possible: {forecast:?}"
    );
    assert!(curve.caveats().contains(&CurveCaveat::PlateauNotSeen));
}

#[test]
fn between_levels_it_goes_through_what_was_measured() {
    let law = GeneralThroughputLaw::soft_bottleneck(0.01, 0.0005, 3.0);
    let curve = fitted(&along(&LEVELS, |level| law.throughput_at(level)));
    for level in [1.0, 1.5, 3.0, 6.0, 8.0, 12.0, 24.0, 32.0] {
        let forecast = curve.at(level);
        assert!(
            (forecast.p50 / law.throughput_at(level) - 1.0).abs() < 0.03,
            "{forecast:?} at {level}"
        );
    }
    assert!(
        (curve.at(0.5).p50 / 50.0 - 1.0).abs() < 0.1,
        "{:?}",
        curve.at(0.5)
    );
}

#[test]
fn intervals_widen_beyond_what_was_measured_and_with_noise() {
    let law = GeneralThroughputLaw::soft_bottleneck(0.01, 0.0005, 3.0);
    let width = |curve: &FittedCurve, level: f64| curve.at(level).p95 / curve.at(level).p05;
    let clean = fitted(&along(&LEVELS, |level| law.throughput_at(level)));
    assert!(width(&clean, 32.0) < width(&clean, 64.0) && width(&clean, 64.0) < width(&clean, 128.0));
    let noisy: Vec<(f64, f64)> = LEVELS
        .iter()
        .flat_map(|&level| [0.8, 1.25].map(|factor| (level, factor * law.throughput_at(level))))
        .collect();
    assert!(width(&fitted(&noisy), 32.0) > 2.0 * width(&clean, 32.0));
}

#[test]
fn a_draw_is_one_smooth_curve_inside_the_quantiles() {
    let law = GeneralThroughputLaw::soft_bottleneck(0.01, 0.0005, 3.0);
    let curve = fitted(&along(&LEVELS, |level| law.throughput_at(level)));
    let draws: Vec<_> = (0..400)
        .map(|index| {
            curve.draw(
                (f64::from(index) + 0.5) / 400.0,
                [-1.0, 0.3, 1.0, -0.3][index as usize % 4],
            )
        })
        .collect();
    let [low, high] = curve.quantiles(64.0, [0.01, 0.99]);
    let inside = draws
        .iter()
        .filter(|draw| (low..=high).contains(&draw.throughput_at(64.0)))
        .count();
    assert!(inside > 380, "{inside}");
    for draw in draws {
        let steps: Vec<f64> = (0..100)
            .map(|step| draw.throughput_at(32.0 * 1.02f64.powi(step)))
            .collect();
        assert!(steps.windows(2).all(|pair| (pair[1] / pair[0]).ln().abs() < 0.1));
    }
}

#[test]
fn two_levels_are_refused_however_often_they_repeat() {
    let refusal = |points: &[(f64, f64)]| fit_curve(points, LoadAxis::Servers).expect_err("refused");
    assert_eq!(
        refusal(&[]),
        CurveRefusal::TooFewLevels {
            distinct: 0,
            left_out: 0
        }
    );
    assert_eq!(
        refusal(&[(1.0, 1.0), (1.0, 1.1), (2.0, 2.0), (2.0, 2.1)]),
        CurveRefusal::TooFewLevels {
            distinct: 2,
            left_out: 0
        }
    );
    assert_eq!(
        refusal(&[
            (1.0, 1.0),
            (2.0, 0.0),
            (3.0, -1.0),
            (4.0, f64::NAN),
            (0.0, 1.0),
            (f64::INFINITY, 1.0)
        ]),
        CurveRefusal::TooFewLevels {
            distinct: 1,
            left_out: 5
        }
    );
}

#[test]
fn doubtful_series_are_answered_with_their_doubts() {
    assert_eq!(codes(&[(1.0, 10.0), (2.0, 15.0), (4.0, 16.0)]), ["few_steps"]);
    assert_eq!(
        codes(&[
            (1.0, 10.0),
            (2.0, 15.0),
            (4.0, 16.0),
            (8.0, 16.5),
            (9.0, f64::NAN)
        ]),
        ["left_out_1"]
    );
    assert_eq!(codes(&along(&LEVELS, |_| 100.0)), ["constant"]);
    assert_eq!(codes(&along(&LEVELS, |level| 100.0 / level)), ["only_falls"]);
    let constant = fitted(&along(&LEVELS, |_| 100.0)).at(64.0);
    assert!((constant.p50 / 100.0 - 1.0).abs() < 0.05, "{constant:?}");
    let falling = fitted(&along(&LEVELS, |level| 100.0 / level)).at(64.0);
    assert!(
        falling.p05 < 100.0 / 64.0 && falling.p50 < 100.0 / 32.0,
        "{falling:?}"
    );
}

#[test]
fn places_far_away_have_caveats_and_finite_numbers() {
    let curve = fitted(&[(1.0, 10.0), (2.0, 19.0), (4.0, 30.0), (8.0, 33.0)]);
    let at = |level: f64| {
        curve
            .caveats_at(level)
            .iter()
            .map(CurveCaveat::code)
            .collect::<Vec<_>>()
    };
    assert_eq!(at(0.1), ["below_measured"]);
    assert!(at(3.0).is_empty());
    assert_eq!(at(32.0), ["extrapolated"]);
    assert_eq!(at(40.0), ["beyond_4x"]);
    assert_eq!(at(1e12), ["far_beyond_measured"]);
    for level in [1e-300, 1e-9, 1e12, 1e300, f64::MAX] {
        let forecast = curve.at(level);
        assert!(
            forecast.p05 >= 0.0
                && forecast.p05 <= forecast.p50
                && forecast.p50 <= forecast.p95
                && forecast.p95.is_finite(),
            "{forecast:?} at {level}"
        );
    }
}

#[test]
fn many_levels_are_put_together_without_moving_the_forecast() {
    let law = GeneralThroughputLaw::soft_bottleneck(0.01, 0.0005, 3.0);
    let levels: Vec<f64> = (1..=400).map(|level| f64::from(level) * 0.1).collect();
    let forecast = fitted(&along(&levels, |level| law.throughput_at(level))).at(80.0);
    // The grid's knees are a quarter of an octave apart, which so exact a curve shows.
    assert!(
        (forecast.p50 / law.throughput_at(80.0) - 1.0).abs() < 0.1,
        "{forecast:?}"
    );
}

fn series() -> impl Strategy<Value = Vec<(f64, f64)>> {
    (
        0.0..1.5f64,
        1.0..4.0f64,
        proptest::collection::vec(-0.05..0.05f64, 5),
    )
        .prop_map(|(knee, sharpness, noise)| {
            let law = GeneralThroughputLaw::soft_bottleneck(1.0, 10f64.powf(-knee), sharpness);
            LEVELS
                .iter()
                .zip(noise)
                .map(|(&level, noise)| (level, law.throughput_at(level) * noise.exp()))
                .collect()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn units_and_order_do_not_matter(
        points in series(),
        unit in 1e-6..1e6f64,
        per in prop_oneof![Just(2.0), Just(1024.0), Just(0.25)],
    ) {
        let plain = fitted(&points).at(50.0);
        let mut other: Vec<(f64, f64)> = points.iter().map(|&(x, y)| (x * per, y * unit)).collect();
        other.reverse();
        let other = fitted(&other).at(50.0 * per);
        for (a, b) in [
            (plain.p05, other.p05),
            (plain.p50, other.p50),
            (plain.p95, other.p95),
        ] {
            prop_assert!((b / unit / a - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn quantiles_do_not_cross_and_agree_with_the_forecast(points in series(), level in 0.5..200.0f64) {
        let curve = fitted(&points);
        let quantiles: Vec<f64> = curve
            .quantiles(level, [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])
            .to_vec();
        prop_assert!(quantiles.is_sorted());
        let forecast = curve.at(level);
        prop_assert_eq!(
            (forecast.p05, forecast.p50, forecast.p95),
            (quantiles[1], quantiles[3], quantiles[5])
        );
    }
}

#[test]
fn the_number_of_threads_measured_tells_how_a_curve_goes_on_and_that_of_customers_does_not() {
    let growth = |axis: LoadAxis, first: f64| {
        let points: Vec<(f64, f64)> = [1.0, 2.0, 4.0]
            .map(|times| (first * times, 100.0 * times * 0.97_f64.powf(times)))
            .to_vec();
        fit_curve(&points, axis).expect("a curve").at(16.0 * first).p50 / points[2].1
    };
    // Up to 4 threads, up to 64, and up to 4,096, where nothing was learnt. A tenth more is what a reader
    // would see.
    let (few, many, unknown) = (
        growth(LoadAxis::Servers, 1.0),
        growth(LoadAxis::Servers, 16.0),
        growth(LoadAxis::Servers, 1024.0),
    );
    assert!(few > 1.1 * many, "{few} {many}");
    let customers = [1.0, 16.0, 1024.0].map(|first| growth(LoadAxis::Customers, first));
    assert!(
        customers
            .iter()
            .chain([&unknown])
            .all(|value| (value / customers[0] - 1.0).abs() < 1e-6),
        "{customers:?} {unknown}"
    );
}

#[test]
fn a_curve_that_misses_what_was_measured_says_where() {
    let missed = |points: &[(f64, f64)]| {
        let curve = fit_curve(points, LoadAxis::Customers).expect("a curve");
        let caveats = curve.caveats().iter();
        caveats.cloned().find_map(|caveat| match caveat {
            CurveCaveat::Missed { x, factor } => Some((x, factor, caveat.to_string())),
            _ => None,
        })
    };
    // A collapse to a third between two neighbours.
    let fallen = [
        (10.0, 100.0),
        (20.0, 200.0),
        (40.0, 395.0),
        (80.0, 760.0),
        (100.0, 300.0),
    ];
    let (x, factor, text) = missed(&fallen).expect("no law jumps");
    let fit = fitted(&fallen);
    let off = |point: &(f64, f64)| point.1 / fit.at(point.0).p50;
    let farthest = fallen
        .iter()
        .max_by(|a, b| off(a).ln().abs().total_cmp(&off(b).ln().abs()))
        .expect("points");
    assert_eq!(x, farthest.0, "{text}");
    assert!(
        (factor / off(farthest) - 1.0).abs() < 1e-6 && factor.ln().abs() > 1.25_f64.ln(),
        "{text}"
    );
    assert!(text.contains("Measure there again"), "{text}");
    // Two systems in one series, of which each is linear.
    let mixed: Vec<(f64, f64)> = [1.0, 2.0, 4.0, 8.0, 16.0]
        .iter()
        .flat_map(|x| [(*x, 10.0 * x), (*x, 1000.0 * x)])
        .collect();
    assert_eq!(
        codes(&mixed).iter().filter(|code| *code == "scattered").count(),
        1
    );
    // A curve that bends, with noise of some percent.
    let bent = [
        (1.0, 100.0),
        (2.0, 192.0),
        (4.0, 360.0),
        (8.0, 560.0),
        (16.0, 640.0),
        (32.0, 600.0),
    ];
    assert_eq!(missed(&bent), None);
    assert!(!codes(&bent).contains(&"scattered".to_owned()));
    // Repeats that differ by a quarter at one level only.
    let repeated: Vec<(f64, f64)> = bent
        .into_iter()
        .chain([(8.0, 420.0), (2.0, 190.0), (4.0, 361.0)])
        .collect();
    assert!(!codes(&repeated).contains(&"scattered".to_owned()));
}
