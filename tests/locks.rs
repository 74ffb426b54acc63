//! A lock in the demo shop that binds long before its processor, measured up to 60 % of where it binds.

use nest_data::{measurement::Validity, scaling::BottleneckEvidence};

use crate::support::{
    ShopStudy, assert_balanced, measurements, nest,
    quiet::{Bounds, Forecast, fit},
    scaling,
};

/// Seconds for which every execution of the shop holds its lock. A mean execution of the plain mix takes 7 ms
/// of the processor, so that the lock is full when the processor is at 0.6.
const LOCK_S: f64 = 0.012;
/// Where the lock binds. The goal of `bench/run shop lock=0.6`, which measures that point, is 20 % as well.
const BIND_POINT: Bounds = Bounds {
    quiet: 0.20,
    disturbed: 0.35,
};

#[test]
fn load_a_lock_is_found_from_response_times_and_its_bind_point_is_near() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = ShopStudy::new(folder.path());
    let tested = [
        "measure.ramp=[0.08, 0.15, 0.2, 0.25, 0.3, 0.35]",
        "measure.boost=25%",
        "measure.windows=6",
    ];
    let lock = format!("--lock {}ms", LOCK_S * 1e3);
    BIND_POINT.hold(|| {
        nest(folder.path(), &study.arguments(&["measure"], &lock, &tested)).expect(0);
        let measured = measurements(&study.path);
        assert_balanced(&measured);
        let limited = |validity| validity == Validity::Limited;
        assert!(
            !measured.steps.iter().any(|step| limited(step.verdict.validity)),
            "no step may see it bind"
        );
        let fit = fit(&study.path)?;
        let law = scaling(&study.path).throughput.expect("a throughput law");
        let found = law
            .hidden_bottleneck
            .filter(|bottleneck| bottleneck.probability > 0.5);
        let forecast = found.map_or(f64::NAN, |bottleneck| {
            assert_eq!(bottleneck.evidence, BottleneckEvidence::ResponseTimes);
            fit.says("response times grow faster than the measured resources explain");
            println!("probability {:.2}", bottleneck.probability);
            bottleneck.most_per_s.value
        });
        // The lock is set, so its limit is known.
        Some(vec![Forecast::new(
            "bind point, executions/s",
            forecast,
            1.0 / LOCK_S,
        )])
    });
}
