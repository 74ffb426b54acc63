//! The demo, against what the shop itself knows.

use std::fs;

use crate::support::{
    Outcome, assert_balanced, copy_study, measurements, nest,
    quiet::{Bounds, Forecast, usable},
    repository,
};

/// Demand of a behaviour, measured against what the shop's ledger says it spent. `bench/run demos` has the
/// figures: 3.5 % at most on a quiet machine. Neighbours add cache misses, which the measured processor time
/// holds and the ledger's shares do not.
const DEMAND: Bounds = Bounds {
    quiet: 0.05,
    disturbed: 0.15,
};

/// What the table of the demo compares: one row for each behaviour.
fn demands(outcome: &Outcome) -> Vec<Forecast> {
    let rows = outcome
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with("behaviour,"))
        .skip(1)
        .take_while(|line| !line.is_empty());
    rows.map(|row| {
        let error = row.rsplit(',').next().expect("a last column");
        let share: f64 = error.parse().expect("a share");
        Forecast::new(row, 1.0 + share, 1.0)
    })
    .collect()
}

#[test]
fn load_demo_walks_the_whole_way_and_measures_what_the_shop_spent() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let demo = folder.path().join("locust-nest-demo");
    let is_judged = DEMAND.hold(|| {
        let outcome = usable(nest(folder.path(), &["demo", "--format", "csv"]))?;
        let found = demands(&outcome);
        assert_eq!(found.len(), 5, "{}", outcome.stdout);
        outcome.says(" customers cost $");
        assert!(
            outcome.stderr.trim_end().ends_with("report.html"),
            "{}",
            outcome.stderr
        );
        Some(found)
    });

    let measured = measurements(&demo);
    assert_balanced(&measured);
    assert!(measured.steps.iter().any(|step| !step.executions.is_empty()));
    // At most 200 kB, because it is committed beside the model.
    assert!(fs::metadata(demo.join("measurements.json")).expect("kept").len() <= 200_000);
    if !is_judged {
        return; // without a fit there is no report
    }
    for file in [
        "report.html",
        "report.md",
        "report.csv",
        "projection.json",
        "measurements.parquet",
        "response.svg",
    ] {
        assert!(demo.join("reports").join(file).is_file(), "{file}");
    }
    let written: Vec<_> = fs::read_dir(folder.path())
        .expect("readable")
        .map(|entry| entry.expect("readable").file_name())
        .collect();
    assert_eq!(
        written,
        ["locust-nest-demo"],
        "the demo writes to its own folder only"
    );

    // A fit of the same measurements gives the same bytes.
    let fitted = fs::read(demo.join("scaling.json")).expect("fitted");
    nest(&demo, &["fit"]).expect(0);
    assert!(
        fs::read(demo.join("scaling.json")).expect("fitted again") == fitted,
        "another fit of the same measurements differs"
    );
}

#[test]
fn demo_sample_answers_from_the_committed_measurement_and_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let outcome = nest(folder.path(), &["demo", "--sample"]).expect(0);
    assert_eq!(
        fs::read_dir(folder.path()).expect("readable").count(),
        0,
        "nothing is written"
    );
    let says = |part: &str| assert!(outcome.stdout.contains(part), "{}", outcome.stdout);
    says("Nothing was measured now.");
    let measured = measurements(&repository().join("models/shop"));
    let day: jiff::civil::Date = measured.started_at[..10].parse().expect("a date");
    says(&format!("made on {}", nest_report::format::day(day)));

    // The same as when the study is projected from its folder.
    let study = copy_study("shop", folder.path());
    fs::copy(
        repository().join("models/shop/scaling.json"),
        study.join("scaling.json"),
    )
    .expect("the model is committed");
    let projected = nest(folder.path(), &["project", study.to_str().expect("UTF-8")]).expect(0);
    assert!(
        outcome.stdout.starts_with(&projected.stdout),
        "{}\n{}",
        outcome.stdout,
        projected.stdout
    );

    nest(folder.path(), &["demo", "--sample", "--format", "csv"]).expect(2);
}
