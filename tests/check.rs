//! `check`: two versions of the demo shop, compared from end to end.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use crate::support::{ShopStudy, nest, quiet::until_usable, replaced};

/// Short windows: what is tested is that the right behaviour is named, not how soon.
const GATE: &str = "\n[check]\nblocks = 2\nwindow_s = 0.3\nlimit = \"8%\"\n\
    money = { limit = \"3%\", at = { customers = 1000000 } }\n";

fn shop(folder: &Path, more: &str) -> ShopStudy {
    shop_with(folder, &["browse", "search"], more)
}

fn shop_with(folder: &Path, behaviours: &[&str], more: &str) -> ShopStudy {
    let study = ShopStudy::with_behaviours(folder, behaviours);
    let path = study.path.join("nest.toml");
    let text = fs::read_to_string(&path).expect("the copy is there");
    fs::write(&path, text + GATE + more).expect("the copy can be written");
    study
}

fn start(study: &ShopStudy, options: &str) -> String {
    format!(
        "exec \"$LOCUST_NEST\" shop --listen {} --items 2000 --cores 0 {options}",
        study.address
    )
}

/// Runs a check of two commands; its exit code, and its report.
fn check(study: &ShopStudy, head: &str, more: &[&str]) -> (i32, Value) {
    let base = start(study, "");
    let mut arguments = study.arguments(&["check"], "", &[]);
    let head = start(study, head);
    let ours = [
        "--base-start",
        &base,
        "--head-start",
        &head,
        "--format",
        "json",
        "--yes",
    ];
    arguments.extend(ours.into_iter().chain(more.iter().copied()).map(str::to_owned));
    let outcome = nest(&study.path, &arguments);
    println!("{}", outcome.stderr);
    let report = serde_json::from_str(&outcome.stdout).expect("a report");
    (outcome.code, report)
}

#[test]
fn load_check_names_the_behaviour_that_uses_more_and_what_it_costs() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = shop(folder.path(), "");
    let junit = folder.path().join("check.xml");
    let options = ["--junit", &junit.display().to_string()];
    // A gate that others disturb may leave a behaviour open.
    let Some((code, report)) = until_usable(|| {
        let found = check(&study, "--search 16ms", &options);
        let is_clear = found.1["comparisons"][0]["verdict"] != "unclear";
        is_clear.then_some(found)
    }) else {
        return;
    };
    assert_eq!(
        (code, &report["verdict"]),
        (4, &Value::from("fail")),
        "{report:#}"
    );
    let worst = &report["comparisons"][0];
    assert_eq!(
        (&worst["behaviour"], &worst["verdict"]),
        (&"search".into(), &"fail".into())
    );
    assert!(worst["low"].as_f64() > Some(0.0), "{worst:#}");
    let others = report["comparisons"].as_array().expect("a list").iter();
    let browse = others.filter(|one| one["behaviour"] == "browse" && one["verdict"] == "fail");
    assert_eq!(browse.count(), 0, "only search has changed: {report:#}");
    let money = &report["money"];
    let amount = |key: &str| {
        money[key]["value"]
            .as_str()
            .and_then(|text| text.parse::<f64>().ok())
    };
    assert!(
        amount("after") >= amount("before") && amount("before") > Some(0.0),
        "{money:#}"
    );
    let xml = fs::read_to_string(junit).expect("the file is there");
    assert!(xml.contains("<failure type=\"demand\""), "{xml}");
}

#[test]
fn load_check_does_not_fail_two_equal_versions() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = shop_with(folder.path(), &["browse"], "");
    // A blank more, so that it is not the same command, which calibrates.
    let (code, report) = check(&study, " ", &[]);
    assert_eq!(code, 0, "{report:#}");
    assert_ne!(report["verdict"], "fail", "{report:#}");
    assert!(report["blocks"].as_u64() >= Some(1), "{report:#}");
}

#[test]
fn check_says_which_version_does_not_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = shop(folder.path(), "");
    let mut arguments = study.arguments(&["check"], "", &[]);
    arguments.extend(["--base-start", "exit 1", "--head-start", "exit 1", "--yes"].map(str::to_owned));
    nest(&study.path, &arguments)
        .expect(6)
        .says("base cannot be measured");
}

#[test]
fn head_is_measured_alone_where_base_may_be_broken() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = shop_with(folder.path(), &["browse"], "");
    let mut arguments = study.arguments(&["check"], "", &[]);
    let head = start(&study, "");
    let ours = [
        "--base-start",
        "exit 1",
        "--head-start",
        &head,
        "--base-broken-ok",
        "--format",
        "json",
        "--yes",
    ];
    arguments.extend(ours.map(str::to_owned));
    let outcome = nest(&study.path, &arguments).expect(0);
    let report: Value = serde_json::from_str(&outcome.stdout).expect("a report");
    assert_eq!(
        (&report["verdict"], &report["blocks"]),
        (&"pass".into(), &0.into()),
        "{report:#}"
    );
    let reason = report["reasons"][0].as_str().expect("a reason");
    assert!(
        reason.contains("base cannot be measured") && reason.contains("head was measured alone"),
        "{reason}"
    );
    assert_eq!(report["head_alone"]["customers"], 1_000_000.0, "{report:#}");
    outcome.says("with head, 1,000 customers cost USD");
}

/// A repository with the shop's study, committed twice.
fn repository(folder: &Path, more: &str, change: impl Fn(&Path)) -> ShopStudy {
    let study = shop(folder, more);
    let git = |arguments: &[&str]| {
        let identity = [
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@localhost",
            "-c",
            "init.defaultBranch=main",
        ];
        let status = Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(identity)
            .args(arguments)
            .status();
        assert!(status.expect("git runs").success(), "git {arguments:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "first"]);
    change(folder);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "second"]);
    study
}

#[test]
fn a_change_that_cannot_matter_passes_without_a_measurement() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = repository(folder.path(), "paths = [\"shop\"]\n", |folder| {
        fs::write(folder.join("README.md"), "words\n").expect("written");
    });
    nest(&study.path, &["check", "--base", "HEAD~1", "--yes"])
        .expect(0)
        .says("nothing was measured");
}

#[test]
fn check_refuses_a_work_tree_with_changes_and_a_revision_that_is_not_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = repository(folder.path(), "", |folder| {
        fs::write(folder.join("README.md"), "words\n").expect("written");
    });
    let run = |base: &str| nest(&study.path, &["check", "--base", base, "--yes"]).expect(7);
    run("no-such-revision").says("no-such-revision");
    fs::write(folder.path().join("README.md"), "other words\n").expect("written");
    run("HEAD~1").says("README.md");
}

#[test]
fn a_limit_below_two_percent_is_refused_at_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = shop(folder.path(), "");
    let path = study.path.join("nest.toml");
    let text = fs::read_to_string(&path).expect("the copy is there");
    fs::write(&path, replaced(&text, "limit = \"8%\"", "limit = \"1%\"")).expect("written");
    let outcome = nest(&study.path, &["check", "--calibrate", "--yes"]).expect(3);
    outcome.says("limit = \"1%\"").says("2 %");
}

#[test]
fn a_limit_that_the_noise_of_this_machine_hides_is_refused_at_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = shop(folder.path(), "");
    let measured = fs::read_to_string("/proc/cpuinfo").expect("Linux");
    let cpu = measured
        .lines()
        .find_map(|line| line.strip_prefix("model name\t: "));
    let noise = serde_json::json!({
        "header": { "kind": "nest.noise", "format": 1, "made_by": "a test" },
        "deviation": 0.2, "blocks": 8, "cpu": cpu.unwrap_or_default(),
    });
    fs::write(study.path.join("noise.json"), noise.to_string()).expect("written");
    let arguments = ["check", "--base-start", "true", "--head-start", "true", "--yes"];
    let outcome = nest(&study.path, &arguments).expect(3);
    outcome
        .says("limit = \"8%\"")
        .says("28.3 % after 2 blocks")
        .says("blocks = 25");
}

#[test]
fn money_is_compared_for_customers_or_on_a_day_of_a_growth_scenario() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = shop(folder.path(), "");
    let path = study.path.join("nest.toml");
    let text = fs::read_to_string(&path).expect("the copy is there");
    for (at, says) in [
        ("{ }", "either customers or a date"),
        (
            "{ customers = 5, date = 2027-06-01 }",
            "either customers or a date",
        ),
        ("{ growth = \"expected\" }", "either customers or a date"),
        (
            "{ growth = \"expcted\", date = 2027-06-01 }",
            "did you mean `expected`?",
        ),
        ("{ date = 2020-01-01 }", "is not a day of `growth.expected`"),
    ] {
        fs::write(&path, replaced(&text, "{ customers = 1000000 }", at)).expect("written");
        nest(&study.path, &["check", "--calibrate", "--yes"])
            .expect(3)
            .says(says);
    }
}
