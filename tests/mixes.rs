//! A mix of behaviours that was never run, forecast from designed runs of another one.

use std::collections::BTreeMap;

use nest_data::measurement::{Purpose, Step, Validity, Window};
use nest_model::{fit::service_demand::predict, laws::load_law::LoadLaw};

use crate::support::{ShopStudy, assert_balanced, measurements, nest, scaling};

/// Executions a day: searches and payments instead of pages.
const MIX: [(&str, f64); 5] = [
    ("login", 3.0),
    ("browse", 3.0),
    ("search", 12.0),
    ("pay", 6.0),
    ("receipt", 3.0),
];

/// Executions per second that a step completed, by behaviour.
fn completed(step: &Step) -> BTreeMap<String, f64> {
    let seconds: f64 = step.windows.iter().map(|window| window.duration_s).sum();
    let mut rates = BTreeMap::new();
    for (name, count) in step.windows.iter().flat_map(|window| &window.completed) {
        *rates.entry(name.clone()).or_default() += *count as f64 / seconds;
    }
    rates
}

#[test]
fn load_a_mix_that_was_never_run_is_forecast_in_throughput_and_processor_time() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = ShopStudy::new(folder.path());
    nest(
        folder.path(),
        &study.arguments(&["measure"], "", &["measure.ramp=[0.2, 0.35, 0.5]"]),
    )
    .expect(0);
    nest(folder.path(), &["fit", study.path.to_str().expect("UTF-8")]).expect(0);
    let model = scaling(&study.path);
    let cpu = model
        .resources
        .iter()
        .find(|resource| resource.name == "app/cpu")
        .expect("a processor");
    let capacity = cpu.capacity.expect("cores");
    let total: f64 = MIX.iter().map(|(_, rate)| rate).sum();
    let busy: f64 = MIX
        .iter()
        .map(|(name, rate)| rate / total * cpu.demand[*name].value)
        .sum();
    let ceiling = LoadLaw::of(cpu).busy_at(cpu.idle.value, 1.0, capacity) / busy;

    // A customer executes one behaviour a second in the busiest minute: 20,000 a day, 18 % of them in the busiest hour.
    let customers = [0.6, 1.3, 1.6].map(|share| (share * ceiling).round());
    let mut overrides: Vec<String> = MIX
        .iter()
        .map(|(name, rate)| format!("rates.{name}='{} / day'", rate / total * 20_000.0))
        .collect();
    overrides.extend([
        format!("measure.customers={customers:?}"),
        "customers.peak_hour_share=0.18".into(),
        "customers.burst=1.0".into(),
    ]);
    let overrides: Vec<&str> = overrides.iter().map(String::as_str).collect();
    nest(folder.path(), &study.arguments(&["measure"], "", &overrides)).expect(0);
    let measured = measurements(&study.path);
    assert_balanced(&measured);
    let ramp: Vec<&Step> = measured
        .steps
        .iter()
        .filter(|step| step.plan.purpose == Purpose::Ramp)
        .collect();

    let used = Window::used_per_s(&ramp[0].windows, "app/cpu").expect("it was read");
    let processor = predict(cpu, &completed(ramp[0])).value / used - 1.0;
    assert!(
        ramp[1..]
            .iter()
            .all(|step| step.verdict.validity == Validity::Limited),
        "{:?}",
        ramp[1].verdict
    );
    // Of a thousand executions those that come by chance may be dearer or cheaper than the mix by some per cent.
    let over = |step: &&Step| {
        let done = completed(step);
        let busy: f64 = done
            .iter()
            .map(|(name, rate)| rate * cpu.demand[name].value)
            .sum();
        let nominal = ceiling / done.values().sum::<f64>() - 1.0;
        (
            LoadLaw::of(cpu).busy_at(cpu.idle.value, 1.0, capacity) / busy - 1.0,
            nominal,
        )
    };
    let full: Vec<(f64, f64)> = ramp[1..].iter().map(over).collect();
    let [throughput, nominal] = [|of: &(f64, f64)| of.0, |of: &(f64, f64)| of.1]
        .map(|of| full.iter().map(of).sum::<f64>() / full.len() as f64);
    println!(
        "a mix never run: processor time {:+.1} %, throughput {:+.1} % (of the mix as planned {:+.1} %)",
        processor * 100.0,
        throughput * 100.0,
        nominal * 100.0
    );
    assert!(processor.abs() <= 0.05 && throughput.abs() <= 0.05 && nominal.abs() <= 0.10);
}
