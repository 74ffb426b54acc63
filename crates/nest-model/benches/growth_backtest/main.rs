//! Back-test of forecasts from a history, in five folds by series: the constants of a fold are learnt on the
//! four others.
//!
//! It prints the constants that ship (learnt on all), accuracy and coverage by source and frequency, and what
//! short beginnings of the same series give. Run it with `bench/run growth`.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod baselines;
mod cases;
mod folds;
mod learn;

use std::{collections::BTreeMap, path::PathBuf, time::Instant};

use cases::{Case, DAILY_FROM, beginnings, cases, read, untold};
use folds::FOLDS;
use learn::{Deviation, learn};
use nest_model::{
    draws::{RandomStream, StreamPurpose},
    growth::{History, HistoryForecast, Learnt, fit_with},
};

/// Resamplings of series for an interval of coverage.
const RESAMPLINGS: u32 = 2_000;

/// One case scored.
struct Scored {
    group: String,
    id: String,
    /// Mean absolute scaled error: ours, then the baselines'.
    mase: [f64; 6],
    /// Share of the truth inside the 80 % and the 90 % interval.
    coverage: [f64; 2],
    /// Mean interval score of both, in the unit of the scaled error.
    interval_score: [f64; 2],
}

fn main() {
    let path = histories();
    let all = read(&path);
    println!(
        "{} series and sums over longer periods, from {}\n",
        all.len(),
        path.display()
    );
    let start = Instant::now();
    let whole: Vec<Case<'_>> = all.iter().flat_map(cases).collect();
    let short: Vec<Case<'_>> = all
        .iter()
        .filter(|series| series.values.len() < DAILY_FROM)
        .flat_map(beginnings)
        .collect();
    let deviations: Vec<(u64, Vec<Deviation>)> = whole
        .iter()
        .chain(&short)
        .map(|case| (case.series.fold, deviations(case)))
        .collect();
    let steps: usize = deviations.iter().map(|(_, steps)| steps.len()).sum();
    println!(
        "{} forecasts of {} steps in {:.1} s\n",
        deviations.len(),
        steps,
        start.elapsed().as_secs_f64()
    );
    let learnt_without = |fold: Option<u64>| {
        let used: Vec<&Deviation> = deviations
            .iter()
            .filter(|(other, _)| Some(*other) != fold)
            .flat_map(|(_, steps)| steps)
            .collect();
        learn(&used)
    };
    let folds: Vec<Learnt> = (0..FOLDS).map(|fold| learnt_without(Some(fold))).collect();
    folds
        .iter()
        .enumerate()
        .for_each(|(fold, learnt)| println!("learnt without fold {fold}: {learnt:?}"));
    println!(
        "learnt on all, to ship:  {:?}\nshipped:                 {:?}\n",
        learnt_without(None),
        Learnt::SHIPPED
    );
    let score = |cases: &[Case<'_>]| -> Vec<Scored> {
        cases
            .iter()
            .map(|case| score(case, folds[case.series.fold as usize]))
            .collect()
    };
    let seasonal: Vec<Case<'_>> = whole
        .iter()
        .filter(|case| !case.series.seasons.is_empty() && case.series.values.len() < DAILY_FROM)
        .map(untold)
        .collect();
    let mut whole = score(&whole);
    table("By source and frequency", &whole);
    table(
        "Months, quarters and weeks whose season has to be found in the values",
        &score(&seasonal),
    );
    whole.iter_mut().for_each(|scored| {
        let recorded = scored.group.ends_with("monthly") || scored.group.ends_with("daily");
        scored.group = if recorded {
            "as recorded"
        } else {
            "sums over longer periods"
        }
        .to_owned();
    });
    table("Together", &whole);
    table("Beginnings of the same series, by values known", &score(&short));
}

/// The data of the project where they are, the committed sample otherwise.
fn histories() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let data = ["../../../shared/data", "../../../../shared/data"]
        .map(|folder| here.join(folder).join("growth-histories.csv"));
    data.into_iter()
        .find(|path| path.is_file())
        .unwrap_or_else(|| here.join("tests/data/growth-sample.csv"))
}

fn forecast(case: &Case<'_>, learnt: Learnt) -> HistoryForecast {
    let history = History {
        values: case.known.to_vec(),
        seasons: case.seasons.clone(),
    };
    fit_with(&history, case.truth.len(), learnt).expect("two values or more")
}

fn deviations(case: &Case<'_>) -> Vec<Deviation> {
    let forecast = forecast(case, Learnt::SHIPPED);
    let size = |(index, truth): (usize, &f64)| Deviation {
        known: case.known.len(),
        size: forecast.standardised(index + 1, *truth).abs(),
    };
    case.truth
        .iter()
        .enumerate()
        .map(size)
        .filter(|deviation| !deviation.size.is_nan())
        .collect()
}

fn score(case: &Case<'_>, learnt: Learnt) -> Scored {
    let Case {
        series, known, truth, ..
    } = case;
    let forecast = forecast(case, learnt);
    let quantiles = |quantile: f64| -> Vec<f64> {
        (1..=truth.len())
            .map(|step| forecast.quantile(step, quantile))
            .collect()
    };
    let scale = mase_scale(known, series.seasons.first().copied().unwrap_or(1));
    let error = |points: &Vec<f64>| {
        mean(
            points
                .iter()
                .zip(*truth)
                .map(|(point, truth)| (point - truth).abs() / scale),
        )
    };
    let [a, b, c, d, e] = baselines::all(known, &series.seasons, truth.len());
    let ends = [(0.1, 0.9), (0.05, 0.95)].map(|(low, high)| (high - low, quantiles(low), quantiles(high)));
    let coverage = ends.each_ref().map(|(_, low, high)| {
        mean((0..truth.len()).map(|step| f64::from(low[step] <= truth[step] && truth[step] <= high[step])))
    });
    let interval_score = ends.each_ref().map(|(level, low, high)| {
        let miss = |step: usize| (low[step] - truth[step]).max(truth[step] - high[step]).max(0.0);
        mean((0..truth.len()).map(|step| (high[step] - low[step] + 2.0 / (1.0 - level) * miss(step)) / scale))
    });
    Scored {
        group: case.group.clone(),
        id: series.id.clone(),
        mase: [quantiles(0.5), a, b, c, d, e].each_ref().map(error),
        coverage,
        interval_score,
    }
}

/// Mean absolute change over a season (from step to step where the history is shorter), which errors are
/// scaled by.
fn mase_scale(known: &[f64], season: usize) -> f64 {
    let lag = if known.len() > season { season } else { 1 };
    mean(known.windows(lag + 1).map(|pair| (pair[lag] - pair[0]).abs()))
}

fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = numbers.fold((0.0, 0.0), |(sum, count), number| (sum + number, count + 1.0));
    sum / count
}

/// Prints one row a group: means over series of means over their cases, and a bootstrap interval by series of
/// the coverage. Cases that did not change before they were cut off have no scale and are left out.
fn table(title: &str, scored: &[Scored]) {
    println!(
        "## {title}\n\n| group | series | cases | ours | {} | 80 % covers | 90 % | interval score 80 %, 90 \
         % |",
        baselines::NAMES.join(" | ")
    );
    println!(
        "|---|--:|--:|--:|{}--:|--:|--:|",
        "--:|".repeat(baselines::NAMES.len())
    );
    let mut groups: BTreeMap<&str, BTreeMap<&str, Vec<&Scored>>> = BTreeMap::new();
    for scored in scored
        .iter()
        .filter(|scored| scored.mase.iter().all(|error| error.is_finite()))
    {
        groups
            .entry(&scored.group)
            .or_default()
            .entry(&scored.id)
            .or_default()
            .push(scored);
    }
    for (group, series) in groups {
        let over_series = |of: &dyn Fn(&Scored) -> f64| -> Vec<f64> {
            series
                .values()
                .map(|cases| mean(cases.iter().map(|case| of(case))))
                .collect()
        };
        let average = |of: &dyn Fn(&Scored) -> f64| mean(over_series(of).into_iter());
        let errors: Vec<String> = (0..6)
            .map(|method| format!("{:.3}", average(&|case| case.mase[method])))
            .collect();
        let interval = |of: usize| {
            let shares = over_series(&|case| case.coverage[of]);
            let [low, high] = bootstrap(&shares);
            format!("{:.3} ({low:.3} … {high:.3})", mean(shares.into_iter()))
        };
        let cases: usize = series.values().map(Vec::len).sum();
        let scores = [0, 1]
            .map(|of| format!("{:.2}", average(&|case| case.interval_score[of])))
            .join(", ");
        println!(
            "| {group} | {} | {cases} | {} | {} | {} | {scores} |",
            series.len(),
            errors.join(" | "),
            interval(0),
            interval(1)
        );
    }
    println!();
}

/// 95 % interval of the mean by resampling.
fn bootstrap(shares: &[f64]) -> [f64; 2] {
    let resample = |index| {
        let mut stream = RandomStream::new(1, StreamPurpose::Growth, index);
        mean((0..shares.len()).map(|_| shares[(stream.uniform() * shares.len() as f64) as usize]))
    };
    let mut means: Vec<f64> = (0..RESAMPLINGS).map(resample).collect();
    means.sort_by(f64::total_cmp);
    [0.025, 0.975].map(|share| means[(share * f64::from(RESAMPLINGS)) as usize])
}
