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
        .says("unreadable: refused: line 4: the period `soon` is neither")
        .says("kinds: refused: line 7: the periods `1` and `2020-01-01`");
    outcome
        .says("one: refused: 1 usable value;")
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

#[test]
fn growth_doubts_a_last_month_that_is_booked_in_part_and_one_that_is_not_over() {
    let rows = |name: &str, last: f64| -> String {
        (0..36)
            .map(|at| {
                let value = 1_000.0 + 10.0 * f64::from(at) + f64::from(at * 29 % 17);
                let value = if at == 35 { value * last } else { value };
                format!("{name},{}-{:02},{value}\n", 2022 + at / 12, at % 12 + 1)
            })
            .collect()
    };
    let folder = histories(&format!(
        "series,period,value\n{}{}",
        rows("partial", 0.3),
        rows("whole", 1.0)
    ));
    let growth = |as_of: &str| {
        let arguments = [
            "growth",
            "history.csv",
            "--horizon",
            "2",
            "--format",
            "csv",
            "--as-of",
            as_of,
        ];
        nest(folder.path(), &arguments).expect(0)
    };
    let after = growth("2025-01-01");
    after.says("partial: last_period: is the last period complete? It has 30 %");
    assert!(!after.stderr.contains("whole:"), "{}", after.stderr);
    let interval = |line: &str| -> Vec<f64> {
        let cells = line.split(',').skip(2).take(5);
        cells.map(|cell| cell.parse().expect("a number")).collect()
    };
    let line = after
        .stdout
        .lines()
        .find(|line| line.starts_with("partial,1,"))
        .expect("a row");
    let quantiles = interval(line);
    assert!(quantiles[0] < 1_200.0 && quantiles[4] > 1_360.0, "{quantiles:?}");
    growth("2024-12-30").says("whole: last_period: the last period is not over yet");
}

#[test]
fn growth_reads_local_midnights_as_dates() {
    let offsets = |at: i32| {
        if (90..300).contains(&at) {
            "+02:00"
        } else {
            "+01:00"
        }
    };
    let text: String = (0..400)
        .map(|at| {
            let day = jiff::civil::date(2023, 1, 1).saturating_add(jiff::Span::new().days(at));
            format!("local,{day}T00:00:00{},{}\n", offsets(at), 100 + at % 7)
        })
        .collect();
    let folder = histories(&format!("series,period,value\n{text}"));
    let outcome = nest(
        folder.path(),
        &["growth", "history.csv", "--horizon", "7", "--format", "csv"],
    )
    .expect(0);
    // a week that was never different goes on, and nothing was filled or averaged
    assert!(!outcome.stderr.contains("local:"), "{}", outcome.stderr);
    for (line, at) in outcome.stdout.lines().skip(1).zip(400..) {
        let middle: f64 = line.split(',').nth(4).expect("p50").parse().expect("a number");
        assert!((middle - f64::from(100 + at % 7)).abs() < 0.5, "{line}");
    }
}

#[test]
fn growth_leaves_out_periods_that_have_not_begun() {
    let month = |at: usize| format!("{}-{:02}", 2025 + at / 12, at % 12 + 1);
    let rows = |series: &str, count: usize| -> String {
        let value = |at: usize| if at < 23 { 1_000 + 10 * at } else { 0 };
        let row = |at: usize| format!("{series},{},{}\n", month(at), value(at));
        (0..count).map(row).collect()
    };
    let folder = histories(&format!(
        "series,period,value\n{}{}late,2027-01,5\nlate,2027-02,6\n",
        rows("filled", 36),
        rows("plain", 23)
    ));
    let arguments = [
        "growth",
        "history.csv",
        "--horizon",
        "2",
        "--as-of",
        "2026-11-30",
        "--format",
        "csv",
    ];
    let outcome = nest(folder.path(), &arguments).expect(0);
    outcome
        .says("filled: not_begun: 13 rows of periods that had not begun on 2026-11-30 were left out: 2026-12")
        .says("late: refused: 0 of its periods had begun on 2026-11-30");
    let numbers = |series: &str| -> Vec<String> {
        let rows = outcome.stdout.lines().filter(|line| line.starts_with(series));
        rows.flat_map(|line| {
            line.split(',')
                .skip(1)
                .take(6)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
    };
    assert_eq!(numbers("filled,"), numbers("plain,"));
}
