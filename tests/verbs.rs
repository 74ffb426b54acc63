//! The smaller verbs.

use std::fs;

use crate::support::{
    Outcome, SHORT, ShopStudy, nest,
    quiet::{until_usable, usable},
    repository,
};

#[test]
fn init_writes_a_study_that_runs_against_a_url() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = folder.path().join("my study");
    let path = study.to_str().expect("UTF-8");
    nest(
        folder.path(),
        &["init", path, "--url", "http://127.0.0.1:7878/items?page=1"],
    )
    .expect(0)
    .says("locust-nest all");
    // It is a valid study: without a target it fails for that reason only.
    nest(
        folder.path(),
        &["measure", path, "--set", "target.base_url=http://127.0.0.1:9"],
    )
    .expect(6)
    .says("is down");
    assert!(
        fs::read_to_string(study.join("behaviours/home.toml"))
            .expect("written")
            .contains("/items?page=1")
    );
    nest(folder.path(), &["init", path])
        .expect(1)
        .says("already exists");
    nest(
        folder.path(),
        &["init", "elsewhere", "--url", "http://shop.example.com/"],
    )
    .expect(0)
    .says("allow_hosts = [\"shop.example.com\"]");
    let text = fs::read_to_string(folder.path().join("elsewhere/nest.toml")).expect("written");
    assert!(!text.contains("allow_hosts"), "init never allows a host unasked");
    nest(folder.path(), &["init", "bad", "--url", "shop"])
        .expect(3)
        .says("not a URL");
}

#[test]
fn load_init_and_all_run_against_a_server_that_is_there() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let shop = ShopStudy::new(folder.path());
    let mut command = std::process::Command::new(crate::support::BINARY);
    command.args([
        "shop",
        "--listen",
        &shop.address.to_string(),
        "--cores",
        "0",
        "--items",
        "100",
    ]);
    let mut child = crate::support::start_silent(command);
    crate::support::wait_for_listener(shop.address, true);
    let url = format!("http://{}/items?page=1", shop.address);
    nest(folder.path(), &["init", "fresh", "--url", &url]).expect(0);
    let mut arguments = vec!["all", "fresh"];
    SHORT[..4].iter().for_each(|one| arguments.extend(["--set", one]));
    let outcome = until_usable(|| usable(nest(folder.path(), &arguments)));
    child.kill().expect("the shop is there");
    child.wait().expect("it was started here");
    let Some(outcome) = outcome else { return };
    let says = |text: &str| outcome.stdout.contains(text);
    assert!(
        [
            " customers cost $",
            " customers are more than ",
            "Move to `",
            "Stay on `"
        ]
        .into_iter()
        .any(says),
        "{}",
        outcome.stdout
    );
    // The study does not say how many customers there are, so nobody has made a number up.
    assert!(
        !outcome.stdout.starts_with("1,000 customers"),
        "{}",
        outcome.stdout
    );
    let page = fs::read_to_string(folder.path().join("fresh/reports/report.md")).expect("written");
    assert!(
        page.contains("the study does not say how many customers there are"),
        "{page}"
    );
    crate::support::assert_balanced(&crate::support::measurements(&folder.path().join("fresh")));
    assert!(folder.path().join("fresh/reports/report.html").is_file());
}

#[test]
fn plan_prints_steps_rate_executions_and_duration_and_measures_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = ShopStudy::new(folder.path());
    let outcome = nest(
        folder.path(),
        &study.arguments(&["measure", "--plan"], "--items 100", &["measure.pilot=300ms"]),
    )
    .expect(0);
    for part in ["idle", "base", "boosted pay", "ramp at"] {
        assert!(outcome.stdout.contains(part), "{part} in {}", outcome.stdout);
    }
    outcome.says("13 steps, up to").says("executions, about");
    assert!(!study.path.join("runs").exists() && !study.path.join("measurements.json").exists());
}

#[test]
fn doctor_looks_at_files_ports_cgroups_and_stolen_time() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let found = nest(folder.path(), &["doctor", "--format", "csv"])
        .expect(0)
        .stdout;
    for part in [
        "processors",
        "open files",
        "ports",
        "control groups",
        "stolen time",
    ] {
        assert!(found.contains(part), "{part} in {found}");
    }
}

#[test]
fn doctor_ends_with_code_six_if_the_target_is_not_reached() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    nest(folder.path(), &["doctor", "--target", "http://127.0.0.1:9"])
        .expect(6)
        .says("no load can go to http://127.0.0.1:9")
        .says("start the target");
}

#[test]
fn verbs_that_lack_something_name_what_they_take() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    nest(folder.path(), &["compare", "runs", "older", "newer"])
        .expect(3)
        .says("has no nest.toml")
        .says("third argument");
    nest(folder.path(), &["check"])
        .expect(2)
        .says("--base REVISION")
        .says("--head-start")
        .says("--calibrate");
    nest(folder.path(), &["pricing", "validate", "aws/us-east-1"])
        .expect(1)
        .says("`locust-nest pricing show BOOK`");
    fs::write(
        folder.path().join("data.csv"),
        "series,x,y\na,1,10\na,2,20\na,4,30\n",
    )
    .expect("written");
    nest(folder.path(), &["curve", "data.csv", "--at", "64"])
        .expect(1)
        .says("--at takes a CSV file");
}

#[test]
fn completions_know_the_verbs_and_hide_the_shop() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bash = nest(folder.path(), &["completions", "bash"]).expect(0).stdout;
    assert!(bash.contains("measure"));
    let help = nest(folder.path(), &["--help"]).expect(0).stdout;
    for verb in [
        "demo",
        "init",
        "measure",
        "fit",
        "project",
        "report",
        "all",
        "runs",
        "schema",
        "doctor",
        "completions",
    ] {
        assert!(help.contains(verb), "{verb}");
    }
    assert!(!help.contains("shop-tier"));
}

#[test]
fn every_form_of_a_projection_is_printed_and_equal_inputs_give_equal_bytes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = crate::support::copy_study("shop", folder.path());
    fs::copy(
        repository().join("models/shop/scaling.json"),
        study.join("scaling.json"),
    )
    .expect("the model is committed");
    let path = study.to_str().expect("UTF-8");
    let project = |format: &str| -> Outcome {
        nest(
            folder.path(),
            &["project", path, "--as-of", "2026-11-23", "--format", format],
        )
        .expect(0)
    };
    let json: serde_json::Value = serde_json::from_str(&project("json").stdout).expect("JSON");
    assert_eq!(json["header"]["kind"], "nest.projection");
    assert_eq!(project("json").stdout, project("json").stdout);
    assert!(project("csv").stdout.starts_with(
        "study,run,config,growth,policy,month,customers,metric,component,value,low,high,unit,kind"
    ));
    let page = project("md").stdout;
    assert!(page.starts_with("# Minimum payment of 20 instead of 10 saves about $"));
    assert!(page.contains("\n80,000 customers cost $"));
}

#[test]
fn runs_of_a_study_without_any_are_none_and_an_unknown_one_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = crate::support::copy_study("shop", folder.path());
    let path = study.to_str().expect("UTF-8");
    nest(folder.path(), &["runs", "list", path])
        .expect(0)
        .says("no runs yet");
    nest(folder.path(), &["runs", "show", "20200101T000000Z", path])
        .expect(3)
        .says("has no run");
    nest(folder.path(), &["runs", "rm", "20200101T000000Z", path])
        .expect(3)
        .says("has no run");
}

#[test]
fn state_runs_once_before_and_reset_after_the_pilot_and_every_step() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = ShopStudy::new(folder.path());
    let mut overrides = SHORT.to_vec();
    overrides.extend([
        "target.state='echo state >> ../commands'",
        "target.reset='echo reset >> ../commands'",
    ]);
    nest(
        folder.path(),
        &study.arguments(&["measure"], "--items 100", &overrides),
    )
    .expect(0);
    let commands = fs::read_to_string(folder.path().join("commands")).expect("the commands ran");
    let measured = crate::support::measurements(&study.path);
    crate::support::assert_balanced(&measured);
    let steps = measured.steps.len();
    assert_eq!(commands, format!("state\n{}", "reset\n".repeat(steps + 1)));
    let failing = study.arguments(&["measure"], "--items 100", &["target.state='exit 5'"]);
    nest(folder.path(), &failing)
        .expect(6)
        .says("the state command \"exit 5\" ended with exit status: 5");
}

#[test]
fn load_a_control_group_is_read_in_place_of_a_process() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = ShopStudy::new(folder.path());
    let mut overrides = SHORT.to_vec();
    overrides.extend(["probes.app.kind=cgroup", "probes.app.cores=1"]);
    // A group of the shop's own if this machine lets us make one, otherwise the one it is in already.
    let name = format!("locust-nest-test-{}", std::process::id());
    let groups: Vec<std::path::PathBuf> = ["cpuacct", "memory", ""]
        .iter()
        .map(|controller| {
            std::path::Path::new("/sys/fs/cgroup")
                .join(controller)
                .join(&name)
        })
        .collect();
    let made: Vec<&std::path::PathBuf> = groups
        .iter()
        .filter(|group| {
            group
                .parent()
                .is_some_and(|parent| parent.join("cgroup.procs").exists())
                && fs::create_dir(group).is_ok()
        })
        .collect();
    let join: String = made
        .iter()
        .map(|group| format!("echo $$ > {}/cgroup.procs; ", group.display()))
        .collect();
    let start = format!(
        "target.start='''{join}exec \"$LOCUST_NEST\" shop --listen {} --cores 0 --items 100'''",
        study.address
    );
    overrides.push(&start);
    let outcome = nest(folder.path(), &study.arguments(&["measure"], "", &overrides));
    made.iter().for_each(|group| drop(fs::remove_dir(group)));
    outcome.expect(0);
    let measured = crate::support::measurements(&study.path);
    crate::support::assert_balanced(&measured);
    let busy: f64 = measured
        .steps
        .iter()
        .flat_map(|step| &step.windows)
        .map(|window| window.used["app/cpu"])
        .sum();
    let memory = measured
        .steps
        .iter()
        .flat_map(|step| &step.windows)
        .map(|window| window.used["app/memory"])
        .fold(0.0, f64::max);
    assert!(busy > 0.5 && memory > 1e6, "{busy} busy-seconds, {memory} bytes");
}
