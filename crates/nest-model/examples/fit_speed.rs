//! How long the full fit of a study takes: the demo shop's measurement with a sixth behaviour and a second
//! tier of four resources, all cores that the fit takes for itself.
//!
//!     cargo run -p nest-model --example fit_speed

use std::time::Instant;

use nest_data::{Document, Measurements};
use nest_model::fit;

/// The behaviour that is doubled, and its double.
const DOUBLED: [&str; 2] = ["receipt", "invoice"];

/// The shop's measurement with what is not there made up from what is: the sixth behaviour does in a step
/// what the fifth did in the next, and the second tier uses what the first does.
fn enlarged() -> Measurements {
    let mut measured = Measurements::from_json(include_str!("../../../models/shop/measurements.json"))
        .expect("the measurement is committed");
    let [doubled, double] = DOUBLED;
    let behaviour = measured.study.behaviours[doubled].clone();
    measured.study.behaviours.insert(double.to_owned(), behaviour);
    let rate = measured.study.rates[doubled].clone();
    measured.study.rates.insert(double.to_owned(), rate);
    let mut resources = measured.resources.clone();
    for resource in &mut resources {
        (resource.name, resource.tier) = (resource.name.replace("app/", "db/"), "db".to_owned());
    }
    measured.resources.extend(resources);
    let next: Vec<_> = measured
        .steps
        .iter()
        .cycle()
        .skip(1)
        .take(measured.steps.len())
        .cloned()
        .collect();
    for (step, next) in measured.steps.iter_mut().zip(next) {
        if let Some(counts) = next.executions.get(doubled) {
            step.executions.insert(double.to_owned(), *counts);
        }
        for (window, other) in step.windows.iter_mut().zip(&next.windows) {
            let used: Vec<(String, f64)> = window
                .used
                .iter()
                .map(|(name, used)| (name.replace("app/", "db/"), *used))
                .collect();
            window.used.extend(used);
            if let Some(completed) = other.completed.get(doubled) {
                window.completed.insert(double.to_owned(), *completed);
            }
        }
        let mut histograms = next.histograms.clone();
        histograms.retain(|histogram| histogram.behaviour == doubled);
        histograms
            .iter_mut()
            .for_each(|histogram| histogram.behaviour = double.to_owned());
        step.histograms.extend(histograms);
    }
    measured
}

#[allow(clippy::print_stdout, reason = "an example prints what it finds")]
fn main() {
    let measured = enlarged();
    let mut times: Vec<f64> = (0..21)
        .map(|_| {
            let start = Instant::now();
            let model = fit(&measured).expect("a fit");
            assert_eq!((model.behaviours.len(), model.resources.len()), (6, 8));
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "6 behaviours, 8 resources, {} steps: median {:.0} ms of 21",
        measured.steps.len(),
        times[10] * 1e3
    );
}
