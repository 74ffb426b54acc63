//! The verb `demand`: service demand from windows that somebody else measured.

use std::fmt::Write;

use crate::support::{nest, replaced};

/// Runs of a minute of a system whose idle use is 0.16 and whose demands are 2, 5 and 12 ms: `used = 0.16 +
/// sum of rate x demand`.
fn windows(resource: &str) -> String {
    let runs = [
        ([100, 40, 10], 0.68),
        ([200, 40, 10], 0.88),
        ([100, 120, 10], 1.08),
        ([100, 40, 40], 1.04),
    ];
    let mut text = String::new();
    for (run, (rates, used)) in runs.iter().enumerate() {
        for (behaviour, rate) in ["browse", "search", "pay"].iter().zip(rates) {
            writeln!(
                text,
                "r{run},60,{resource},{},{behaviour},{}",
                used * 60.0,
                rate * 60
            )
            .expect("a text");
        }
    }
    writeln!(text, "idle,60,{resource},9.6,,").expect("a text");
    text
}

const HEAD: &str = "run,duration_s,resource,busy_s,behaviour,count\n";

#[test]
fn exact_windows_give_exact_demands_in_every_form() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(
        folder.path().join("w.csv"),
        format!("\u{feff}{HEAD}{}", windows("cpu")).replace('\n', "\r\n"),
    )
    .expect("written");
    let outcome = nest(folder.path(), &["demand", "w.csv", "--format", "csv"]).expect(0);
    let mut lines = outcome.stdout.lines();
    assert_eq!(
        lines.next(),
        Some("resource,behaviour,demand_s,low,high,condition,caveats")
    );
    for (line, (behaviour, truth)) in lines.zip([
        ("idle", 0.16),
        ("browse", 0.002),
        ("pay", 0.012),
        ("search", 0.005),
    ]) {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |cell: usize| cells[cell].parse::<f64>().expect("a number");
        assert_eq!((cells[0], cells[1]), ("cpu", behaviour));
        assert!(
            (number(2) / truth - 1.0).abs() < 1e-9
                && number(3) <= truth
                && number(4) >= truth
                && number(5) < 30.0,
            "{line}"
        );
        assert!(cells[6].contains("few_runs"), "{line}");
    }
    let json: serde_json::Value = serde_json::from_str(
        &nest(folder.path(), &["demand", "w.csv", "--format", "json"])
            .expect(0)
            .stdout,
    )
    .expect("JSON");
    assert!((json[1]["demand_s"].as_f64().expect("a number") - 0.002).abs() < 1e-11);
    let human = nest(folder.path(), &["demand", "w.csv"]).expect(0);
    assert!(
        human.stdout.contains("12 ms") && human.stdout.contains("160 ms/s"),
        "{}",
        human.stdout
    );
    human.says("Add runs");
}

#[test]
fn what_cannot_be_read_is_refused_by_resource_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |text: String| std::fs::write(folder.path().join("w.csv"), text).expect("written");
    let bad = replaced(&windows("disk"), "r0,60,disk", "r0,x,disk");
    write(format!("{HEAD}{}{bad}", windows("cpu")));
    let outcome = nest(folder.path(), &["demand", "w.csv", "--format", "csv"]).expect(0);
    outcome
        .says("refused: disk: line 15: duration_s: `x` is not a number")
        .says("1 of 2 resources refused");
    assert!(outcome.stdout.contains("cpu,pay,") && !outcome.stdout.contains("disk,"));
    write(format!("{HEAD}{bad}"));
    nest(folder.path(), &["demand", "w.csv"])
        .expect(3)
        .says("no resource could be read");
    write("run,resource\n1,cpu\n".to_owned());
    nest(folder.path(), &["demand", "w.csv"])
        .expect(3)
        .says("line 1: column `duration_s` is missing");
    nest(folder.path(), &["demand", "nowhere.csv"])
        .expect(1)
        .says("cannot read nowhere.csv");
}

#[test]
fn mixes_that_are_alike_are_not_told_apart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut text = HEAD.to_owned();
    for run in 0..6 {
        for (behaviour, count) in [("a", 1_000), ("b", 300)] {
            writeln!(
                text,
                "{run},10,cpu,{},{behaviour},{}",
                0.1 + 4.0 * f64::from(run),
                count * run
            )
            .expect("a text");
        }
    }
    std::fs::write(folder.path().join("w.csv"), text).expect("written");
    let outcome = nest(folder.path(), &["demand", "w.csv", "--format", "csv"]).expect(0);
    assert!(
        outcome
            .stdout
            .lines()
            .skip(1)
            .all(|line| line.contains("not_separable")),
        "{}",
        outcome.stdout
    );
}

/// `browse` costs the database 5 ms, but its rows name the application alone.
#[test]
fn a_behaviour_without_rows_for_a_resource_was_executed_there_all_the_same() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut text = HEAD.to_owned();
    for (run, (browse, pay)) in [(0.0, 0.0), (40.0, 4.0), (80.0, 4.0), (40.0, 16.0), (80.0, 16.0)]
        .into_iter()
        .enumerate()
    {
        let row = |resource: &str, busy: f64, behaviour: &str, count: f64| {
            format!(
                "r{run},60,{resource},{},{behaviour},{}\n",
                busy * 60.0,
                count * 60.0
            )
        };
        let (app, db) = (
            0.01 + 0.01 * browse + 0.02 * pay,
            0.01 + 0.005 * browse + 0.01 * pay,
        );
        text += &row("app", app, "browse", browse);
        text += &row("app", app, "pay", pay);
        text += &row("db", db, "pay", pay);
    }
    std::fs::write(folder.path().join("w.csv"), text).expect("written");
    let outcome = nest(folder.path(), &["demand", "w.csv", "--format", "csv"]).expect(0);
    let demand = |start: &str| -> f64 {
        let line = outcome.stdout.lines().find(|line| line.starts_with(start));
        line.and_then(|line| line.split(',').nth(2)?.parse().ok())
            .unwrap_or_else(|| panic!("{}", outcome.stdout))
    };
    for (start, truth) in [
        ("app,browse,", 0.01),
        ("app,pay,", 0.02),
        ("db,browse,", 0.005),
        ("db,pay,", 0.01),
    ] {
        assert!(
            (demand(start) / truth - 1.0).abs() < 1e-6,
            "{start} {}",
            demand(start)
        );
    }
}
