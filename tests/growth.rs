//! `growth`: forecasts from histories in a CSV file.

use std::fs;

use crate::support::{nest, repository};

/// What is wrong with a series stands in its name.
const MIXED: &str = "\u{feff}value,period,series,note\r\n\
    1,2020-02,two,\"x, y\"\r\n2,2020-01,two,\r\n\
    3,soon,unreadable,\r\n4,later,unreadable,\r\n\
    4,1,kinds,\r\n5,2020-01-01,kinds,\r\n\
    7,1,one,\r\n\
    0,1,zeros,\r\n0,2,zeros,\r\n0,3,zeros,\r\n\
    -4,1,negative,\r\n5,2,negative,\r\nNaN,3,negative,\r\nNA,4,negative,\r\n6,5,negative,\r\n\
    1e300,1,big,\r\n1e299,2,big,\r\n2e299,3,big,\r\n\
    3,1,word,\r\nmany,2,word,\r\n";

fn histories(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("history.csv"), text).expect("written");
    folder
}

#[test]
fn growth_answers_what_it_can_and_counts_what_it_refuses() {
    let folder = histories(MIXED);
    let outcome = nest(
        folder.path(),
        &["growth", "history.csv", "--horizon", "3", "--format", "csv"],
    )
    .expect(0);
    let mut lines = outcome.stdout.lines();
    assert_eq!(
        lines.next(),
        Some("series,step,p05,p10,p50,p90,p95,caveats,refused")
    );
    let (refused, rows): (Vec<Vec<&str>>, Vec<Vec<&str>>) = lines
        .map(|line| line.split(',').collect())
        .partition(|row: &Vec<&str>| row[1].is_empty());
    assert_eq!(
        refused.iter().map(|row| row[0]).collect::<Vec<_>>(),
        ["kinds", "one", "unreadable", "word"]
    );
    let names: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(
        names,
        [
            "big", "big", "big", "negative", "negative", "negative", "two", "two", "two", "zeros", "zeros",
            "zeros"
        ]
    );
    for row in &rows {
        let numbers: Vec<f64> = row[2..7]
            .iter()
            .map(|cell| cell.parse().expect("a number"))
            .collect();
        assert!(
            numbers.iter().all(|number| number.is_finite())
                && numbers.windows(2).all(|pair| pair[0] <= pair[1]),
            "{row:?}"
        );
        assert!(row[0] == "negative" || numbers[0] >= 0.0, "{row:?}");
    }
    outcome.says("word: refused: line 21: the value `many` is not a number");
    outcome
        .says("unreadable: refused: the period `soon` is neither")
        .says("kinds: refused: the periods `1` and `2020-01-01`");
    outcome
        .says("one: refused: 1 usable values")
        .says("4 of 8 series refused");
    outcome
        .says("two: few_values: 2 values are too few")
        .says("zeros: few_values")
        .says("constant: ")
        .says("gaps: ");
    let json = nest(
        folder.path(),
        &["growth", "history.csv", "--horizon", "2", "--format", "json"],
    )
    .expect(0)
    .stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let rows_of = |name: &str| {
        json.as_array()
            .expect("rows")
            .iter()
            .filter(|row| row["series"] == name)
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(rows_of("two").len(), 2);
    assert_eq!(rows_of("two")[1]["step"], 2);
    assert!(rows_of("two")[0]["p50"].is_f64() && rows_of("two")[0]["caveats"][0] == "few_values");
    assert!(rows_of("one")[0]["p50"].is_null() && rows_of("two")[0]["refused"].is_null());
    assert!(
        rows_of("one")[0]["refused"]
            .as_str()
            .expect("why")
            .contains("at least 2")
    );
}

#[test]
fn growth_refuses_a_file_without_anything_to_forecast() {
    for (text, part) in [
        ("series,period,value\n", "contains no rows"),
        ("", "column `series` is missing"),
        ("series,period,value\na,1,2\n", "no series that can be forecast"),
        (
            "series,month,value\na,1,2\n",
            "history.csv: line 1: column `period` is missing",
        ),
        (
            "series,period,value\na,1,2\na,2\n",
            "history.csv: line 3 has 2 cells, the first line has 3",
        ),
    ] {
        let folder = histories(text);
        nest(folder.path(), &["growth", "history.csv", "--horizon", "3"])
            .expect(3)
            .says(part);
    }
    let folder = histories("series,period,value\na,1,2\na,2,2\n");
    nest(folder.path(), &["growth", "elsewhere.csv", "--horizon", "3"])
        .expect(1)
        .says("cannot read elsewhere.csv");
    nest(folder.path(), &["growth", "history.csv", "--horizon", "0"]).expect(2);
    nest(folder.path(), &["growth", "history.csv"])
        .expect(2)
        .says("--horizon");
}

#[test]
fn growth_forecasts_air_passengers_with_their_season() {
    let sample = fs::read_to_string(repository().join("crates/nest-model/tests/data/growth-sample.csv"))
        .expect("committed");
    let rows = sample
        .lines()
        .filter(|line| line.contains("air_passengers"))
        .map(|line| line.split(',').collect::<Vec<_>>());
    let rows: Vec<Vec<&str>> = rows.filter(|cells| cells[2] < "1960").collect();
    let text: String = rows
        .iter()
        .map(|cells| format!("air,{},{}\n", cells[2], cells[3]))
        .collect();
    let folder = histories(&format!("series,period,value\n{text}"));
    let p50 = |arguments: &[&str]| -> Vec<f64> {
        let outcome = nest(
            folder.path(),
            &[
                &["growth", "history.csv", "--horizon", "12", "--format", "csv"],
                arguments,
            ]
            .concat(),
        )
        .expect(0);
        outcome
            .stdout
            .lines()
            .skip(1)
            .map(|line| line.split(',').nth(4).expect("p50").parse().expect("a number"))
            .collect()
    };
    // 1960, Box and Jenkins, series G
    let truth = [
        417.0, 391.0, 419.0, 461.0, 472.0, 535.0, 622.0, 606.0, 508.0, 461.0, 390.0, 432.0,
    ];
    let off = |found: &[f64]| {
        found
            .iter()
            .zip(truth)
            .map(|(found, truth)| (found / truth - 1.0).abs())
            .sum::<f64>()
            / 12.0
    };
    let (with, without) = (off(&p50(&[])), off(&p50(&["--season", "1"])));
    // without its season, autoregressions of twelve months still see most of it
    assert!(
        with < 0.04 && without > with,
        "{with} with its season, {without} without"
    );
    assert_eq!(p50(&[]), p50(&["--season", "12"]));
}
