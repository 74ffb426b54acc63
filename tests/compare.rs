//! `compare` and `explain` on the committed worked studies.

use std::{
    fs,
    path::{Path, PathBuf},
};

use nest_data::{Document, Measurements};

use crate::support::{Outcome, copy_study, documented::assert_csv, nest, replaced, repository};

fn on(study: &str, arguments: &[&str]) -> Outcome {
    let path = repository().join("models").join(study);
    let (verb, rest) = arguments.split_at(2);
    let path = path.to_str().expect("UTF-8");
    nest(
        &repository(),
        &[verb, &[path, "--as-of", "2026-11-25"], rest].concat(),
    )
}

#[test]
fn configurations_are_compared_with_totals_crossovers_and_a_break_even_price() {
    let outcome = on("migration", &["compare", "configs", "--format", "csv"]).expect(0);
    for metric in [
        "compare_total",
        "compare_why_not",
        "crossover",
        "payback_probability",
        "break_even_price",
        "regret",
        "response_forecast",
    ] {
        assert!(
            outcome
                .stdout
                .lines()
                .any(|line| line.contains(&format!(",{metric},"))),
            "{metric} in\n{}",
            outcome.stdout
        );
    }
    let page = on("migration", &["compare", "configs"]).expect(0).stdout;
    assert!(
        page.contains("Prices that are not known") && page.contains("webtask.requests"),
        "{page}"
    );
    let json = on("migration", &["compare", "configs", "--format", "json"])
        .expect(0)
        .stdout;
    let comparison: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(comparison["baseline"], "monolith");
    assert_eq!(comparison["totals"].as_array().map(Vec::len), Some(4));
}

#[test]
fn a_policy_is_compared_in_cost_and_in_fees() {
    let page = on("minimum-payment", &["compare", "policies"]).expect(0).stdout;
    assert!(
        page.contains("change of fees") && page.contains("fees before") && page.contains("month by month"),
        "{page}"
    );
    let growth = on("minimum-payment", &["compare", "growth", "--format", "csv"])
        .expect(0)
        .stdout;
    assert!(growth.contains(",growth_total,"), "{growth}");
    on("minimum-payment", &["compare", "configs"])
        .expect(3)
        .says("fewer than two configurations")
        .says("[configs.NAME]");
}

#[test]
fn a_number_is_explained_down_to_prices_fits_and_measurements() {
    let summary = on("shop", &["explain", "per-1000"]).expect(0).stdout;
    assert!(
        summary.contains("% of the bill is capacity that nobody uses") && summary.lines().count() < 12,
        "{summary}"
    );
    let tree = on("migration", &["explain", "per-1000", "--full"])
        .expect(0)
        .stdout;
    for part in [
        "$ priced: aws/us-east-1 [",
        "— fitted: regression over the",
        "● measured",
        "◇ assumed",
        "seen 20",
    ] {
        assert!(tree.contains(part), "{part} in\n{tree}");
    }
    let number = |tree: &str| tree.split_whitespace().next().expect("a value").to_owned();
    let csv = on("migration", &["compare", "configs", "--format", "csv"])
        .expect(0)
        .stdout;
    let row = csv
        .lines()
        .find(|line| line.contains(",monolith,") && line.contains(",cost_per_1000,"))
        .expect("a row")
        .to_owned();
    assert!(row.contains(&number(&tree)), "{} in {row}", number(&tree));
    on("migration", &["explain", "per-100"])
        .expect(2)
        .says("did you mean `per-1000`?");
    on("migration", &["explain", "cost", "--config", "monolit"])
        .expect(2)
        .says("did you mean `monolith`?");
}

#[test]
fn what_cannot_be_priced_is_named_with_its_place() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = copy_study("migration", folder.path());
    fs::copy(
        repository().join("models/migration/scaling.json"),
        study.join("scaling.json"),
    )
    .expect("the model is committed");
    let nest_toml = fs::read_to_string(study.join("nest.toml")).expect("the copy is there");
    let project = |from: &str, to: &str| {
        fs::write(study.join("nest.toml"), replaced(&nest_toml, from, to)).expect("the copy can be written");
        nest(
            folder.path(),
            &["project", study.to_str().expect("UTF-8"), "--as-of", "2026-11-25"],
        )
    };
    project("sku = \"m7i.large\"", "sku = \"m7i.lagre\"")
        .expect(3)
        .says("did you mean `m7i.large`?");
    project("\"alb.lcu\" = \"largest\"", "\"alb.lcuu\" = \"largest\"")
        .expect(3)
        .says("did you mean `alb.lcu`?");
    project("currency = \"USD\"", "currency = \"EUR\"")
        .expect(3)
        .says("[exchange.USD]");
    project("tier = \"db\"\nsku", "tier = \"dbs\"\nsku")
        .expect(3)
        .says("dbs");
    project(
        "behaviours = [\"receipt\"]\nmemory_mb = 1769",
        "behaviours = [\"reciept\"]\nmemory_mb = 1769",
    )
    .expect(3)
    .says("did you mean `receipt`?");
    project("scale = \"hourly\"", "scale = \"hourly\"\nreserve = \"30%\"")
        .expect(3)
        .says("states its headroom twice");
}

/// Two runs of a copy of the shop's study; in the newer one a search uses `more_s` more processor time.
pub fn two_runs(folder: &Path, more_s: f64) -> PathBuf {
    let study = copy_study("shop", folder);
    let committed =
        fs::read_to_string(repository().join("models/shop/measurements.json")).expect("committed");
    for (run, more_s) in [("older", 0.0), ("newer", more_s)] {
        let mut run_of: Measurements = Document::from_json(&committed).expect("it can be read");
        run_of.run = run.to_owned();
        for window in run_of.steps.iter_mut().flat_map(|step| &mut step.windows) {
            let searches = window.completed.get("search").copied().unwrap_or(0) as f64;
            *window.used.get_mut("app/cpu").expect("it was read") += more_s * searches;
        }
        let place = study.join("runs").join(run);
        fs::create_dir_all(&place).expect("a folder");
        fs::write(place.join("measurements.json"), run_of.to_json()).expect("written");
        let manifest = serde_json::json!({
            "started_at": run_of.started_at, "study_hash": run_of.study_hash,
            "machine": run_of.machine, "state": "finished",
        });
        fs::write(place.join("run.json"), manifest.to_string()).expect("written");
    }
    study
}

#[test]
fn a_run_in_which_a_behaviour_uses_more_is_told_from_an_older_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = two_runs(folder.path(), 0.004);
    let page = folder.path().join("runs.html");
    let page_argument = page.to_str().expect("UTF-8");
    let run =
        |more: &[&str]| nest(&study, &[&["compare", "runs", "older", "newer"], more].concat()).expect(0);
    let rows = assert_csv("compare runs", &run(&["--format", "csv"]).stdout);
    let clear: Vec<&Vec<String>> = rows.iter().filter(|row| row[12] != "not_told_apart").collect();
    assert_eq!(clear.len(), 1, "{rows:#?}");
    let number = |index: usize| clear[0][index].parse::<f64>().expect("a number");
    assert_eq!(
        (&clear[0][0], &clear[0][1], &clear[0][12]),
        (&"search".into(), &"app/cpu".into(), &"more".into())
    );
    let truth = 0.004 / number(2);
    assert!(
        number(10) < truth && truth < number(11),
        "{truth} in {:?}",
        clear[0]
    );
    // From elsewhere, the study is that of the newer run.
    let newer = study.join("runs/newer/measurements.json");
    fs::copy(newer, study.join("measurements.json")).expect("written");
    let path = study.to_str().expect("UTF-8");
    nest(folder.path(), &["compare", "runs", path, path]).expect(0);
    let text = run(&["--html", page_argument]).stdout;
    assert!(
        text.contains("`search` uses") && text.contains("1,000 customers cost"),
        "{text}"
    );
    let html = fs::read_to_string(page).expect("it was written");
    assert!(html.contains("<h1><code>search</code> uses"), "{html}");
    assert!(!html.contains("style=\"") && !html.contains("<script"), "{html}");
    let json: serde_json::Value = serde_json::from_str(&run(&["--format", "json"]).stdout).expect("JSON");
    assert_eq!(json["header"]["kind"], "nest.runs");
    assert!(
        json["room"]["change"]["high"].as_f64() < Some(0.0),
        "{:#}",
        json["room"]
    );
}

#[test]
fn equal_runs_are_not_told_apart_and_unlike_ones_are_said_first() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = two_runs(folder.path(), 0.0);
    let run = |more: &[&str]| nest(&study, &[&["compare", "runs"], more].concat());
    let rows = assert_csv(
        "compare runs",
        &run(&["older", "newer", "--format", "csv"]).expect(0).stdout,
    );
    assert!(
        rows.iter()
            .all(|row| row[9] == "0" && row[12] == "not_told_apart"),
        "{rows:#?}"
    );

    let path = study.join("runs/newer/measurements.json");
    let measured = fs::read_to_string(&path).expect("written above");
    let mut changed: Measurements = Document::from_json(&measured).expect("it can be read");
    changed.machine.cpu = "another processor".to_owned();
    changed.study.behaviours.remove("browse");
    fs::write(&path, changed.to_json()).expect("written");
    let page = run(&["older", "newer"]).expect(0).stdout;
    let unlike = page.find("another processor").expect("it is said");
    assert!(
        unlike < page.find("| behaviour, resource").expect("a table"),
        "{page}"
    );
    assert!(
        page.contains("`browse` is not compared: the newer run does not have it"),
        "{page}"
    );

    changed.study.behaviours.clear();
    fs::write(&path, changed.to_json()).expect("written");
    run(&["older", "newer"]).expect(3).says("cannot be compared");
    run(&["older", "nothing"])
        .expect(3)
        .says("its runs: newer, older");
}
