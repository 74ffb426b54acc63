//! Growth from the user's own plan, and policies with a date, from the files of a study to the report.

use std::{fs, path::Path};

use crate::support::{Outcome, copy_study, nest, replaced, repository};

/// The demo shop's study with its committed model, growing as a plan says.
fn planned(folder: &Path, plan: &str, more: &str) -> Outcome {
    let study = copy_study("shop", folder);
    fs::copy(
        repository().join("models/shop/scaling.json"),
        study.join("scaling.json"),
    )
    .expect("the model is committed");
    fs::write(study.join("growth.csv"), plan).expect("a plan");
    let nest_toml = fs::read_to_string(study.join("nest.toml")).expect("the copy is there");
    let (before, rest) = nest_toml.split_once("[growth.expected]").expect("the shop grows");
    let (_, after) = rest.split_once("[policies").expect("the shop has a policy");
    fs::write(
        study.join("nest.toml"),
        format!("{before}[growth.expected]\nplan = \"growth.csv\"\n{more}\n[policies{after}"),
    )
    .expect("the copy can be written");
    nest(
        folder,
        &[
            "project",
            study.to_str().expect("UTF-8"),
            "--as-of",
            "2026-11-23",
            "--format",
            "csv",
        ],
    )
}

const PLAN: &str =
    "month,customers,low,high\n2027-01,50000,,\n2027-04,60000,55000,70000\n2027-07,90000,70000,120000\n";

#[test]
fn a_plan_gives_months_and_dates() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let outcome = planned(
        folder.path(),
        PLAN,
        "events = [{ date = 2027-05-15, customers = \"+5000\" }]",
    )
    .expect(0);
    let months: Vec<&str> = outcome
        .stdout
        .lines()
        .filter(|line| line.contains(",today,expected,") && line.contains(",customers,,"))
        .collect();
    assert_eq!(months.len(), 6, "{months:#?}");
    assert!(
        months[0].contains("2027-01-01") && months[5].contains("2027-06-01"),
        "{months:#?}"
    );
}

#[test]
fn a_plan_that_cannot_be_read_is_named_with_its_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plan = replaced(PLAN, "2027-04,60000", "2027-04,many");
    planned(folder.path(), &plan, "")
        .expect(3)
        .says("growth.csv:3")
        .says("\"many\" is not a number of customers");
    let folder = tempfile::tempdir().expect("a temporary folder");
    planned(folder.path(), PLAN, "months = 12")
        .expect(3)
        .says("covers 6 whole months, but 12 are to be projected");
}
