//! The scoreboard: real curves, fitted up to a half, a quarter and an eighth of their largest level, and how
//! far forecasts were off beyond, beside published methods.
//!
//!     cargo run -p nest-model --example scoreboard -- [FOLDER]         the test half
//!     cargo run -p nest-model --example scoreboard -- tune [FOLDER]    the tuning half
//!     cargo run -p nest-model --example scoreboard -- learn [FOLDER]   the prior, from the tuning half
//!
//! FOLDER holds `scaling-curves.csv` and `techempower-2013.csv`; without one `../shared/data` beside the
//! repository is taken, and where that is not there, the few committed series in `tests/data`.

#![allow(clippy::print_stdout, reason = "a scoreboard is printed")]

mod baselines;
mod corpus;
mod learn;
mod parallel;
mod report;
mod score;
mod task;

use std::path::{Path, PathBuf};

use corpus::Curve;
use task::{Task, tasks};

fn main() -> Result<(), csv::Error> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let verb = if ["tune", "learn"].contains(&arguments.first().map_or("", String::as_str)) {
        arguments.remove(0)
    } else {
        String::new()
    };
    let folder = arguments.first().map_or_else(default_folder, PathBuf::from);
    let curves = corpus::scaling_curves(&folder.join("scaling-curves.csv"))?;
    let (tuning, test): (Vec<Curve>, Vec<Curve>) = curves.into_iter().partition(Curve::is_for_tuning);
    let tuning_tasks: Vec<Task> = tuning.iter().flat_map(tasks).collect();
    let techempower = folder.join("techempower-2013.csv");
    let corpus_a = if techempower.is_file() {
        corpus::techempower(&techempower)?
    } else {
        Vec::new()
    };
    if verb == "learn" {
        let of_a = corpus_a
            .iter()
            .filter(|curve| curve.is_for_tuning())
            .map(report::beginning_a);
        print!(
            "{}",
            learn::module(&tuning_tasks.iter().cloned().chain(of_a).collect::<Vec<Task>>())
        );
        return Ok(());
    }
    let judged: &[Curve] = if verb == "tune" { &tuning } else { &test };
    let judged_tasks: Vec<Task> = judged.iter().flat_map(tasks).collect();
    println!(
        "{}: {} curves for tuning, {} for the test; {} tasks here",
        folder.display(),
        tuning.len(),
        test.len(),
        judged_tasks.len()
    );
    let conformal = score::Conformal::new(&score::scores_of_methods(&tuning_tasks));
    let scores = score::scores(&judged_tasks);
    report::by_source(&scores);
    report::by_group(&scores);
    report::intervals(&scores, &conformal);
    let of_half: Vec<Curve> = corpus_a
        .into_iter()
        .filter(|curve| curve.is_for_tuning() == (verb == "tune"))
        .collect();
    if !of_half.is_empty() {
        report::corpus_a(&of_half);
    }
    let maps: Vec<Curve> = judged
        .iter()
        .filter(|curve| curve.source == "conc-map-xacrimon")
        .cloned()
        .collect();
    report::corpus_b(&maps);
    Ok(())
}

/// The open data where they are, else the committed sample.
fn default_folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = here.join("../../../shared/data");
    if shared.is_dir() {
        shared
    } else {
        here.join("tests/data")
    }
}
