//! Where the demo shop really saturates, against the forecast from half of that.

use crate::support::{ShopStudy, assert_balanced, measurements, nest, scaling};
use nest_data::{
    Measurements,
    measurement::{Purpose, Validity},
};

#[test]
fn load_saturation_is_predicted_from_half_utilisation() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = ShopStudy::new(folder.path());
    let half = ["measure.ramp=[0.1, 0.2, 0.3, 0.4, 0.45]", "measure.boost=45%"];
    nest(folder.path(), &study.arguments(&["measure"], "", &half)).expect(0);
    let measured = measurements(&study.path);
    assert_balanced(&measured);
    let highest = measured
        .steps
        .iter()
        .flat_map(|step| &step.windows)
        .map(|window| window.used["app/cpu"] / window.duration_s);
    // Shares are of the pilot's capacity; single windows of a Poisson load lie above their mean.
    assert!(highest.fold(0.0, f64::max) < 0.8);
    nest(folder.path(), &["fit", study.path.to_str().expect("UTF-8")]).expect(0);
    let law = scaling(&study.path).throughput.expect("a throughput law");
    let predicted = law.saturation_customers.value;

    let overload = format!(
        "measure.customers=[{:.0}, {:.0}]",
        predicted * 1.2,
        predicted * 1.5
    );
    nest(folder.path(), &study.arguments(&["measure"], "", &[&overload])).expect(0);
    let measured = measurements(&study.path);
    assert_balanced(&measured);
    let ramp: Vec<_> = measured
        .steps
        .iter()
        .filter(|step| step.plan.purpose == Purpose::Ramp)
        .collect();
    assert_eq!(ramp.len(), 2);
    assert!(
        ramp.iter().all(|step| step.verdict.validity == Validity::Limited),
        "{:?}",
        ramp.iter().map(|step| &step.verdict).collect::<Vec<_>>()
    );
    let truth = plateau(&measured) / law.per_customer_per_s;
    let error = predicted / truth - 1.0;
    println!(
        "saturation predicted {predicted:.0}, true {truth:.0}: {:+.1} %",
        error * 100.0
    );
    assert!(error.abs() <= 0.10, "predicted {predicted:.0}, true {truth:.0}");
}

/// Executions per second that were completed on the steps of the ramp, which could not keep up.
pub fn plateau(measured: &Measurements) -> f64 {
    let windows: Vec<_> = measured
        .steps
        .iter()
        .filter(|step| step.plan.purpose == Purpose::Ramp)
        .flat_map(|step| &step.windows)
        .collect();
    let completed: u64 = windows.iter().flat_map(|window| window.completed.values()).sum();
    completed as f64 / windows.iter().map(|window| window.duration_s).sum::<f64>()
}
