//! A lock in the demo shop that binds long before its processor, measured up to 60 % of where it binds.

use crate::support::{ShopStudy, assert_balanced, measurements, nest, scaling};
use nest_data::{
    measurement::Validity,
    scaling::{BottleneckEvidence, ScalingModel},
};

/// Lock that makes the shop full at 0.6 of what its processor (7 ms a mean execution of the plain mix) could do.
const LOCK: &str = "--lock 12ms";

#[test]
fn load_a_lock_is_found_from_response_times_and_its_bind_point_is_near() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = ShopStudy::new(folder.path());
    let tested = [
        "measure.ramp=[0.08, 0.15, 0.2, 0.25, 0.3, 0.35]",
        "measure.boost=25%",
        "measure.windows=6",
    ];
    nest(folder.path(), &study.arguments(&["measure"], LOCK, &tested)).expect(0);
    let measured = measurements(&study.path);
    assert_balanced(&measured);
    assert!(
        measured
            .steps
            .iter()
            .all(|step| step.verdict.validity != Validity::Limited),
        "it must not be seen to bind"
    );
    let fit = nest(folder.path(), &["fit", study.path.to_str().expect("UTF-8")]).expect(0);
    let model: ScalingModel = scaling(&study.path);
    let law = model.throughput.expect("a throughput law");
    let limit = law
        .hidden_bottleneck
        .as_ref()
        .unwrap_or_else(|| panic!("no limit found: {law:?}\n{}", fit.stderr));
    assert_eq!(limit.evidence, BottleneckEvidence::ResponseTimes);
    fit.says("response times grow faster than the measured resources explain");

    let overload = format!(
        "measure.customers=[{:.0}, {:.0}]",
        limit.customers.value * 1.3,
        limit.customers.value * 1.6
    );
    nest(
        folder.path(),
        &study.arguments(
            &["measure"],
            LOCK,
            &[&overload, "measure.windows=3", "measure.settle_most=2s"],
        ),
    )
    .expect(0);
    let plateau = crate::saturation::plateau(&measurements(&study.path));
    let error = limit.most_per_s.value / plateau - 1.0;
    println!(
        "probability {:.2}, bind point forecast {:.1}/s, true {plateau:.1}/s: {:+.1} %",
        limit.probability,
        limit.most_per_s.value,
        error * 100.0
    );
    assert!(
        limit.probability > 0.5 && error.abs() <= 0.2,
        "forecast {:?}, true {plateau}",
        limit.most_per_s
    );
}
