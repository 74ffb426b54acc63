//! What our formulas, and the laws that `fit` makes of measurements, say of a list of queueing models: as
//! CSV, a line for each class of each method. `bench/run line` sets it beside LINE.
//!
//!     cargo run -p nest-model --example line -- bench/line/models.json

mod fitted;
mod formulas;
mod layered;
mod model;

use std::{fs, process::ExitCode};

use model::{Forecast, Model, read};

/// Every method that says something of a model.
fn forecasts(model: &Model) -> Vec<Forecast> {
    match model.kind.as_str() {
        "closed" => formulas::closed(model),
        "open" => formulas::open(model)
            .into_iter()
            .chain(fitted::fitted(model))
            .collect(),
        "in turn" => formulas::in_turn(model).into_iter().collect(),
        _ => layered::pools(model).into_iter().collect(),
    }
}

#[allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example prints what it finds"
)]
fn main() -> ExitCode {
    let path = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "bench/line/models.json".to_owned());
    let models = match fs::read_to_string(&path)
        .map_err(|error| error.to_string())
        .and_then(|text| read(&text))
    {
        Ok(models) => models,
        Err(error) => {
            eprintln!("error: {path}: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("model,method,class,throughput_per_s,response_s");
    for model in &models {
        for Forecast { method, classes } in forecasts(model) {
            for (index, class) in classes.iter().enumerate() {
                let (throughput, response) = (class.throughput_per_s, class.response_s);
                println!("\"{}\",{method},{index},{throughput},{response}", model.name);
            }
        }
    }
    ExitCode::SUCCESS
}
