//! Back-test of forecasts from a history: whole sources are left out, and the constants of the interval are
//! learnt on the others.
//!
//! It prints the constants that ship (learnt on all), and accuracy and coverage by kind of period, by source
//! and by number of known values, beside other methods. Run it with `bench/run growth`, which sets:
//!
//! - `GROWTH_FETCHED`: histories that `bench/histories` took out of packages
//! - `GROWTH_CASES`: where to write the cases for other programs, instead of a back-test
//! - `GROWTH_PEERS`: what `bench/histories-peers` said of them
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod baselines;
mod cases;
mod learn;
mod peers;
mod score;
mod series;
mod tables;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    path::PathBuf,
};

use cases::{Case, Variant, beginnings, cases, untold};
use learn::{Deviation, learn};
use nest_model::growth::{HistoryForecast, Learnt};
use peers::Peers;
use score::{Scored, deviations, forecast, score};

/// Values below which a series is also tried with short beginnings.
const LONG: usize = 500;

/// A case and what is forecast of it.
type Forecast<'a> = (Case<'a>, HistoryForecast);

fn main() {
    let (open, fetched) = (histories(), env::var_os("GROWTH_FETCHED").map(PathBuf::from));
    let mut all = series::open(&open);
    println!(
        "{} series and sums over longer periods, from {}",
        all.len(),
        open.display()
    );
    if let Some(path) = fetched {
        let fetched = series::fetched(&path);
        println!("{} series of fetched data sets", fetched.len());
        all.extend(fetched);
    }
    let whole: Vec<Case<'_>> = all.iter().flat_map(cases).collect();
    if let Some(path) = env::var_os("GROWTH_CASES") {
        return peers::write_cases(&PathBuf::from(path), &whole);
    }
    let peers =
        env::var_os("GROWTH_PEERS").map_or_else(Peers::default, |path| Peers::read(&PathBuf::from(path)));
    let short: Vec<Case<'_>> = all
        .iter()
        .filter(|series| series.values.len() < LONG)
        .flat_map(beginnings)
        .collect();
    let [whole, short] = [whole, short].map(with_forecasts);
    let learnt = learnt(&whole, &short);
    let score = |cases: &[Forecast<'_>]| -> Vec<Scored> {
        cases
            .iter()
            .map(|(case, forecast)| score(case, forecast, learnt[case.series.source.as_str()], &peers))
            .filter(Scored::has_scale)
            .collect()
    };
    let untold: Vec<Case<'_>> = whole
        .iter()
        .map(|(case, _)| case)
        .filter(|case| case.variant == Variant::Recorded && case.series.open)
        .filter(|case| !case.series.seasons.is_empty() && case.series.values.len() < LONG)
        .map(untold)
        .collect();
    let whole = score(&whole);
    tables::by_kind(&whole);
    tables::against_peers(&whole);
    tables::by_source(&whole);
    tables::open(&whole);
    tables::plain(
        "Open series whose season has to be found in the values",
        &score(&with_forecasts(untold)),
    );
    tables::plain("Beginnings of series, by values known", &score(&short));
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

/// Each case with its forecast.
fn with_forecasts(cases: Vec<Case<'_>>) -> Vec<Forecast<'_>> {
    let with = |case| {
        let forecast = forecast(&case);
        (case, forecast)
    };
    cases.into_iter().map(with).collect()
}

/// The constants for each source, learnt on all others; prints those learnt on all, and those that ship.
fn learnt<'a>(whole: &[Forecast<'a>], short: &[Forecast<'a>]) -> BTreeMap<&'a str, Learnt> {
    let deviations: Vec<Deviation<'_>> = whole
        .iter()
        .filter(|(case, _)| case.variant != Variant::Incomplete)
        .chain(short)
        .flat_map(|(case, forecast)| deviations(case, forecast))
        .collect();
    let sources: BTreeSet<&str> = whole
        .iter()
        .map(|(case, _)| case.series.source.as_str())
        .collect();
    println!(
        "{} errors of {} cases\nlearnt on all, to ship:  {:?}\nshipped:                 {:?}\n",
        deviations.len(),
        whole.len() + short.len(),
        learn(&deviations, None),
        Learnt::SHIPPED
    );
    sources
        .into_iter()
        .map(|source| (source, learn(&deviations, Some(source))))
        .collect()
}
