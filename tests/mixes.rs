//! A mix of behaviours that was never run: what a forecast from designed runs of another mix says of it.

use nest_data::{
    Measurements, ScalingModel,
    measurement::{Purpose, Validity},
};

use crate::support::{
    ShopStudy, assert_balanced, completed_per_s, law_of_confirmed_mix, measurements, nest,
    quiet::{Bounds, Forecast, fit},
    scaling, steps_for,
};

/// Executions a day in the plain mix, which is the shop's own, and in the one that is only forecast: searches
/// and payments in place of pages.
const MIXES: [(&str, f64, f64); 5] = [
    ("login", 2.0, 3.0),
    ("browse", 20.0, 3.0),
    ("search", 6.0, 12.0),
    ("pay", 0.3, 6.0),
    ("receipt", 0.5, 3.0),
];

/// Processor time below saturation. The goal is 5 %; a forecast that took one mix for the other would be 40 %
/// off.
const PROCESSOR: Bounds = Bounds {
    quiet: 0.05,
    disturbed: 0.15,
};
/// Throughput at saturation. The thousand executions that come in those steps are by chance some per cent
/// cheaper or dearer than the mix that was planned.
const THROUGHPUT: Bounds = Bounds {
    quiet: 0.10,
    disturbed: 0.20,
};

#[test]
fn load_a_mix_that_was_never_run_is_forecast_in_processor_time_and_throughput() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = ShopStudy::new(folder.path());
    let mut overrides = vec![
        "measure.ramp=[0.2, 0.35, 0.45]".to_owned(),
        "measure.boost=45%".to_owned(),
        // An execution of the other mix costs 1.7 times as much: about 0.6 of the processor, then more than
        // it can do, twice.
        "measure.confirm=[0.8, 1.8, 2.2]".to_owned(),
        "measure.confirm_policy=other".to_owned(),
    ];
    for (name, plain, _) in MIXES {
        overrides.push(format!("parameters.{name}s={plain}"));
        overrides.push(format!("rates.{name}='{name}s / day'"));
    }
    let other = MIXES.map(|(name, _, other)| format!("{name}s = {other}"));
    overrides.push(format!("policies.other={{ set = {{ {} }} }}", other.join(", ")));
    let overrides: Vec<&str> = overrides.iter().map(String::as_str).collect();
    let arguments = study.arguments(&["measure"], "", &overrides);
    let measure = || {
        nest(folder.path(), &arguments).expect(0);
        let measured = measurements(&study.path);
        assert_balanced(&measured);
        measured
    };
    Bounds::hold_each(|| {
        let measured = measure();
        fit(&study.path)?;
        Some(vec![
            (processor_time(&measured, &scaling(&study.path))?, PROCESSOR),
            (throughput(&measured)?, THROUGHPUT),
        ])
    });
}

/// Processor time of the other mix while the target still keeps up; nothing if that step is invalid.
fn processor_time(measured: &Measurements, model: &ScalingModel) -> Option<Forecast> {
    let step = steps_for(measured, Purpose::Confirm)[0].plan.label();
    let mut checks = model.checks.iter();
    let check = checks.find(|check| check.step == step && check.quantity.starts_with("app/cpu"))?;
    Some(Forecast::new(
        "a mix never run: processor time, s/s",
        check.predicted.value,
        check.measured,
    ))
}

/// Executions per second of the other mix when the target no longer keeps up; nothing if a step is invalid.
fn throughput(measured: &Measurements) -> Option<Forecast> {
    let overload = &steps_for(measured, Purpose::Confirm)[1..];
    for step in overload {
        if step.verdict.validity == Validity::Invalid {
            return None;
        }
        assert_eq!(step.verdict.validity, Validity::Limited, "{:?}", step.verdict);
    }
    Some(Forecast::new(
        "a mix never run: saturation, executions/s",
        law_of_confirmed_mix(measured).ceiling_per_s.value,
        completed_per_s(overload),
    ))
}
