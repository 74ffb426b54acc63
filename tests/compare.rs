//! `compare` and `explain` on the committed worked studies.

use std::fs;

use crate::support::{Outcome, nest, replaced, repository};

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
        .says("did you mean per-1000?");
    on("migration", &["explain", "cost", "--config", "monolit"])
        .expect(2)
        .says("did you mean `monolith`?");
}

#[test]
fn what_cannot_be_priced_is_named_with_its_place() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = crate::support::copy_study("migration", folder.path());
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
