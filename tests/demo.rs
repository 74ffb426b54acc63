//! The demo, against what the shop itself knows.

use std::fs;

use crate::support::{assert_balanced, measurements, nest};

#[test]
fn load_demo_walks_the_whole_way_and_measures_what_the_shop_spent() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let outcome = nest(folder.path(), &["demo", "--format", "csv"]).expect(0);
    let demo = folder.path().join("locust-nest-demo");

    // Measured is within 5 % of the ledger for every behaviour.
    let rows: Vec<&str> = outcome
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with("behaviour,"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .collect();
    assert_eq!(rows.len(), 5, "{}", outcome.stdout);
    for row in rows {
        let difference = row.rsplit(',').next().expect("a last column");
        let percent: f64 = difference
            .trim_end_matches(" %")
            .parse()
            .expect("a number of percent");
        assert!(percent.abs() <= 5.0, "{row}");
    }
    outcome.says("customers on `today`: USD ");
    assert!(
        outcome.stderr.trim_end().ends_with("report.html"),
        "{}",
        outcome.stderr
    );

    let measured = measurements(&demo);
    assert_balanced(&measured);
    assert!(measured.steps.iter().any(|step| !step.executions.is_empty()));
    // DESIGN section 3: at most 200 kB, because it is committed beside the model.
    assert!(fs::metadata(demo.join("measurements.json")).expect("kept").len() <= 200_000);
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
