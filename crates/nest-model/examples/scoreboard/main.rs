//! The scoreboard: real curves, fitted up to a half, a quarter and an eighth of their largest level, and how
//! far forecasts were off beyond, beside published methods.
//!
//!     cargo run -p nest-model --example scoreboard -- [FOLDER]         the scoreboard
//!     cargo run -p nest-model --example scoreboard -- learn [FOLDER]   the prior, from all sources
//!
//! Each source is forecast by a prior that was learnt without it and its relatives, so that a figure says how
//! the curve does on a source that it has never seen.
//!
//! FOLDER holds `scaling-curves.csv` and `techempower-2013.csv`; without one `../shared/data` beside the
//! repository is taken, and where that is not there, the few committed series in `tests/data`.

#![allow(clippy::print_stdout, reason = "a scoreboard is printed")]

mod baselines;
mod corpus;
mod falls;
mod learn;
mod parallel;
mod report;
mod score;
mod task;

use std::path::{Path, PathBuf};

use corpus::Curve;
use learn::LeftOut;
use score::{Conformal, Score, scores};
use task::{Task, beginning, beginning_a, tasks};

fn main() -> Result<(), csv::Error> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_learning = arguments.first().is_some_and(|argument| argument == "learn");
    if is_learning {
        arguments.remove(0);
    }
    let folder = arguments.first().map_or_else(default_folder, PathBuf::from);
    let curves = corpus::scaling_curves(&folder.join("scaling-curves.csv"))?;
    let techempower = folder.join("techempower-2013.csv");
    let corpus_a = if techempower.is_file() {
        corpus::techempower(&techempower)?
    } else {
        Vec::new()
    };
    let all: Vec<Task> = curves
        .iter()
        .flat_map(tasks)
        .chain(corpus_a.iter().map(beginning_a))
        .collect();
    if is_learning {
        print!("{}", learn::module(&all));
        return Ok(());
    }
    println!(
        "{}: {} curves, {} of corpus A, {} tasks",
        folder.display(),
        curves.len(),
        corpus_a.len(),
        all.len()
    );
    judge(&curves, &corpus_a, &learn::leaving_out(&all));
    Ok(())
}

/// Prints how forecasts by priors that do not know their source compare with what was observed.
fn judge(curves: &[Curve], corpus_a: &[Curve], priors: &LeftOut) {
    let of_curves = scores(&curves.iter().flat_map(tasks).collect::<Vec<Task>>(), priors);
    // Flat where the last doubling grew by less than a tenth.
    let is_flat = |curve: &&Curve| curve.points[3].1 < 1.1 * curve.points[2].1;
    let (flat, rising): (Vec<&Curve>, Vec<&Curve>) = corpus_a.iter().partition(is_flat);
    let [flat, rising] =
        [flat, rising].map(|of| scores(&of.into_iter().map(beginning_a).collect::<Vec<Task>>(), priors));
    let everything: Vec<Score> = [&of_curves[..], &flat, &rising].concat();
    let conformal = Conformal::new(&everything);
    let (listed, also_a) = (
        everything[..of_curves.len()].iter().collect::<Vec<&Score>>(),
        everything.iter().collect::<Vec<&Score>>(),
    );
    report::by_source(&listed);
    report::by_group(&listed);
    report::intervals("sources of scaling-curves.csv", &listed, &conformal);
    if !corpus_a.is_empty() {
        report::intervals("with corpus A as one more source", &also_a, &conformal);
    }
    report::intervals_by_source(&also_a);
    report::collapse(priors);
    if !corpus_a.is_empty() {
        report::corpus_a(&flat, &rising);
    }
    let maps: Vec<Task> = curves
        .iter()
        .filter(|curve| curve.source == "conc-map-xacrimon")
        .map(|curve| beginning(curve, 5.0, &[2]))
        .collect();
    report::corpus_b(&scores(&maps, priors));
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
