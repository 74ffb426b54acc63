//! The verb `curve`: throughput series of other people's, without a load test.

use std::{fs, path::Path};

use crate::support::{Outcome, nest};

const HEAD: &str = "series,x,p05,p50,p95,law,caveats";

fn curve(folder: &Path, measured: &str, asked: &str, arguments: &[&str]) -> Outcome {
    fs::write(folder.join("data.csv"), measured).expect("written");
    fs::write(folder.join("at.csv"), asked).expect("written");
    nest(
        folder,
        &[&["curve", "data.csv", "--at", "at.csv"], arguments].concat(),
    )
}

fn rows(outcome: &Outcome) -> Vec<Vec<String>> {
    let mut lines = outcome.stdout.lines();
    assert_eq!(lines.next(), Some(HEAD));
    lines
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect()
}

#[test]
fn every_row_asked_for_is_answered_in_its_order_and_a_bad_series_does_not_stop_the_rest() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let measured = "\u{feff}note,Y,x,series\r\n\
        ,100,1,web\r\n,190,2,web\r\n,330,4,web\r\n,,8,web\r\n,400,8,web\r\n,401,8,web\r\n\
        ,1,1,two\r\n,2,2,two\r\n,2.1,2,two\r\n\
        ,0,1,zeros\r\n,-1,2,zeros\r\n,NaN,4,zeros\r\n,x,8,zeros\r\n\
        ,9,1,falls\r\n,5,2,falls\r\n,3,4,falls\r\n\
        ,7,1,\"same, always\"\r\n,7,2,\"same, always\"\r\n,7,4,\"same, always\"\r\n";
    let asked = "x,series\n16,web\n1,two\n16,zeros\n8,falls\n6,web\n16,nobody\n-1,web\n1e30,web\n";
    let outcome = curve(folder.path(), measured, asked, &["--format", "csv"]).expect(0);
    outcome
        .says("2 of 5 series refused, 4 of 8 rows without a forecast")
        .says("two: 2 distinct levels, 3 needed");
    let rows = rows(&outcome);
    let places: Vec<(&str, &str)> = rows
        .iter()
        .map(|row| (row[0].as_str(), row[1].as_str()))
        .collect();
    assert_eq!(
        places,
        [
            ("web", "16"),
            ("two", "1"),
            ("zeros", "16"),
            ("falls", "8"),
            ("web", "6"),
            ("nobody", "16"),
            ("web", "-1"),
            ("web", "1e30")
        ]
    );
    for refused in [1, 2, 5, 6] {
        assert_eq!(rows[refused][2..6], ["", "", "", ""], "{:?}", rows[refused]);
        assert!(rows[refused][6].starts_with("refused_"), "{:?}", rows[refused]);
    }
    for answered in [0, 3, 4, 7] {
        let numbers: Vec<f64> = rows[answered][2..5]
            .iter()
            .map(|cell| cell.parse().expect("a number"))
            .collect();
        assert!(
            numbers.is_sorted() && numbers.iter().all(|number| number.is_finite()),
            "{numbers:?}"
        );
    }
    assert_eq!(rows[0][6], "left_out_1;extrapolated");
    assert_eq!(rows[3][6], "few_steps;only_falls;extrapolated");
    let between: f64 = rows[4][3].parse().expect("a number");
    assert!((330.0..420.0).contains(&between));
}

#[test]
fn equal_files_give_equal_bytes_and_every_form_holds_the_same_numbers() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let measured = "series,x,y,axis\na,1,10,servers\na,2,19,\na,4,35,servers\nb,1,10,\nb,2,11,\nb,3,11,\n\
        c,1,1,sheep\nc,2,2,\nc,3,3,\n";
    let asked = "series,x\na,8\nb,6\nc,6\n";
    let csv = curve(folder.path(), measured, asked, &["--format", "csv"]).expect(0);
    assert_eq!(
        csv.stdout,
        curve(folder.path(), measured, asked, &["--format", "csv"])
            .expect(0)
            .stdout
    );
    csv.says("c: axis is `sheep`, not `customers` or `servers`");
    let json = curve(
        folder.path(),
        measured,
        asked,
        &["--format", "json", "--axis", "servers"],
    )
    .expect(0)
    .stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let rows = rows(&csv);
    assert_eq!(json[0]["p50"].as_f64(), rows[0][3].parse().ok());
    assert_eq!(json[0]["caveats"][0], "few_steps");
    assert!(json[2]["p50"].is_null() && json[2]["law"].is_null());
    assert!(
        curve(folder.path(), measured, asked, &[])
            .expect(0)
            .stdout
            .contains("few_steps")
    );
}

#[test]
fn files_that_cannot_be_read_are_refused_at_their_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let good = "series,x,y\na,1,1\na,2,2\na,3,3\n";
    curve(folder.path(), "series,x\na,1\n", "series,x\n", &[])
        .expect(3)
        .says("data.csv: line 1: column `y` is missing");
    curve(folder.path(), "series,x,y\na,1,1\na,2\n", "series,x\n", &[])
        .expect(3)
        .says("data.csv: line 3 has 2 cells");
    curve(folder.path(), good, "series,level\na,4\n", &[])
        .expect(3)
        .says("at.csv: line 1: column `x` is missing");
    curve(
        folder.path(),
        "series,x,y\na,1,1\na,2,2\n",
        "series,x\na,4\n",
        &[],
    )
    .expect(3)
    .says("no series that can be fitted");
    curve(folder.path(), "", "series,x\na,4\n", &[])
        .expect(3)
        .says("column `series` is missing");
    nest(folder.path(), &["curve", "nowhere.csv", "--at", "at.csv"])
        .expect(1)
        .says("cannot read nowhere.csv");
    nest(folder.path(), &["curve", "data.csv"]).expect(2);
}
