//! What is kept of a run that is killed twice, whose disk becomes full, or whose machine loses its power.
//! `bench/run faults` does this at hundreds of moments.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    thread::sleep,
    time::Duration,
};

use nix::sys::signal::Signal;

use crate::support::{
    BINARY, Outcome, Running, SmallStudy, assert_balanced, confirmed, free_address, measurements,
    wait_for_listener, wait_until,
};

const MEASURE: &str = "[customers]\n[measure]\npilot = \"300ms\"\nwindow = \"200ms\"\nwindows = 2\n\
                       settle = \"100ms\"\nsettle_most = \"100ms\"\nramp = [0.3, 0.6]\nmax_rate = 60\n";
/// Steps of its plan: idle, base, boosted, two of the ramp.
const STEPS: usize = 5;

/// A study that starts the demo shop, and a process beside it that fills the log.
fn study() -> (SmallStudy, SocketAddr) {
    started_by(|shop| format!("(while sleep 0.1; do echo a message >&2; done) & {shop} & wait"))
}

/// A study that starts the demo shop by a command in which it stands.
fn started_by(start: impl FnOnce(&str) -> String) -> (SmallStudy, SocketAddr) {
    let address = free_address();
    let shop = format!("\"$LOCUST_NEST\" shop --items 50 --browse 1ms --listen {address}");
    let start = start(&shop);
    let more = format!("start = '''{start}'''\nready = \"/healthz\"\n{MEASURE}");
    let home = ("home", 20.0, "steps = [{ get = \"/items?page=1\" }]");
    (
        SmallStudy::new(&format!("http://{address}"), &[home], &more),
        address,
    )
}

/// The files of finished steps, by name.
fn steps(study: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let runs = fs::read_dir(study.join("runs")).into_iter().flatten();
    let steps = runs.flat_map(|run| {
        fs::read_dir(run.expect("readable").path().join("steps"))
            .into_iter()
            .flatten()
    });
    let paths = steps.map(|step| step.expect("readable").path());
    let finished = paths.filter(|path| !path.to_string_lossy().ends_with(".cut.json"));
    finished
        .map(|path| (path.clone(), fs::read(path).expect("readable")))
        .collect()
}

/// Fails the test if one of these steps is gone or has changed.
#[track_caller]
fn assert_kept(before: &BTreeMap<PathBuf, Vec<u8>>, study: &Path) {
    let after = steps(study);
    for (name, bytes) in before {
        assert!(after.get(name) == Some(bytes), "{} was kept", name.display());
    }
}

fn assert_whole(study: &Path) {
    let measured = measurements(study);
    assert_eq!(measured.steps.len(), STEPS);
    assert_balanced(&measured);
}

fn kill_after(mut running: Running, part: &str) {
    running.wait_for(part);
    running.signal(Signal::SIGKILL);
    drop(running);
}

#[test]
fn a_run_that_is_killed_twice_goes_on_and_keeps_its_steps() {
    let (study, address) = study();
    kill_after(study.start(&["measure"]), "step 2 of");
    let first = steps(&study.path);
    assert!(first.len() >= 2);
    // The next one waits until the target of this one has let go.
    kill_after(study.start(&["measure", "--resume"]), "step 4 of");
    assert_kept(&first, &study.path);
    let second = steps(&study.path);
    study
        .run(&["measure", "--resume"])
        .expect(0)
        .says("continuing after");
    assert_kept(&second, &study.path);
    assert_whole(&study.path);
    wait_for_listener(address, false);
    study.run(&["measure", "--resume"]).expect(7);
}

#[test]
fn a_target_that_does_not_listen_yet_when_its_run_is_killed_takes_no_address_from_the_next() {
    // It does not listen to SIGTERM, so that it ends five seconds later, long after it began to listen.
    let (study, _) = started_by(|shop| format!("trap '' TERM; sleep 1; exec {shop}"));
    let killed = study.start(&["measure"]);
    let has_begun = || {
        fs::read_dir(study.path.join("runs"))
            .into_iter()
            .flatten()
            .any(|run| run.is_ok_and(|run| run.path().join("target.log").exists()))
    };
    wait_until("the run has begun", has_begun);
    sleep(Duration::from_millis(300));
    killed.signal(Signal::SIGKILL);
    drop(killed);
    let mut next = study.start(&["measure"]);
    next.wait_for("step 1 of");
    next.signal(Signal::SIGINT);
    assert_eq!(next.finish().code, 130);
}

/// Runs a script of bash with mounts of its own, in the folder of the study, which it finds at `study`.
/// `None` if nobody may mount here what the script mounts.
fn with_mounts(study: &SmallStudy, script: &str) -> Option<Outcome> {
    let folder = study.path.parent().expect("a folder around it");
    let verbs = format!(
        "program=(\"$NEST\" {} mounted/study)
         measure() {{ \"${{program[@]}}\" \"$@\"; }}",
        confirmed(&["measure"]).join(" ")
    );
    let script = format!("set -euo pipefail\n{verbs}\n{script}");
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let own = if is_root {
        &["--mount"][..]
    } else {
        &["--mount", "--user", "--map-root-user"]
    };
    let output = Command::new("unshare")
        .args(own)
        .args(["--propagation", "private", "bash", "-c", &script])
        .current_dir(folder)
        .env("NEST", BINARY)
        .env("XDG_STATE_HOME", folder.join("state"))
        .output()
        .expect("unshare is a part of util-linux");
    let outcome = Outcome::from_output(output);
    if outcome.code == CANNOT_MOUNT || outcome.stderr.contains("unshare failed") {
        println!("not tested, as nothing can be mounted here: {}", outcome.stderr);
        return None;
    }
    Some(outcome.expect(0))
}

/// Exit code of a script that could not mount.
const CANNOT_MOUNT: i32 = 77;

#[test]
fn a_full_disk_ends_a_run_with_its_reason_and_the_run_goes_on_once_there_is_room() {
    let (study, _) = study();
    let outcome = with_mounts(
        &study,
        "mkdir mounted && mount -t tmpfs -o size=2M tmpfs mounted || exit 77
         cp -r study mounted && sync --file-system mounted
         \"${program[@]}\" 2>said >/dev/null & started=$!
         until grep -q '^step 2 of' said; do sleep 0.02; done
         cat /dev/zero >mounted/filler 2>/dev/null || true
         code=0; wait $started || code=$?
         echo \"full: $code\"; sed 's/^/full: /' said
         sha256sum mounted/study/runs/*/steps/00[0-9].json >kept
         rm mounted/filler
         measure --resume >/dev/null
         sha256sum --check --quiet kept
         cp mounted/study/measurements.json study",
    );
    let Some(outcome) = outcome else { return };
    for part in [
        "full: 1\n",
        "full: error: what was measured could not be kept",
        "No space left on device",
        "full: hint: steps that finished before are saved",
    ] {
        assert!(outcome.stdout.contains(part), "{part:?} in {}", outcome.stdout);
    }
    outcome.says("continuing after");
    assert_whole(&study.path);
}

#[test]
fn what_was_called_finished_is_there_after_a_loss_of_power() {
    let (study, _) = study();
    let outcome = with_mounts(
        &study,
        "command -v mkfs.ext4 >/dev/null || exit 77
         truncate --size 32M disk && mkfs.ext4 -q disk
         mkdir mounted && mount -o loop disk mounted || exit 77
         cp -r study mounted && sync --file-system mounted
         \"${program[@]}\" 2>said >/dev/null & started=$!
         until grep -q '^step 3 of' said; do sleep 0.02; done
         kill -STOP $started
         # Nothing is written out between two copies that are the same.
         until cp --sparse=always disk copy; cp --sparse=always disk again; cmp --quiet copy again; do :; done
         kill -KILL $started
         wait $started || true
         umount --lazy mounted
         mount -o loop copy mounted
         sha256sum mounted/study/runs/*/steps/00[0-9].json >kept
         wc --lines <kept
         measure --resume >/dev/null
         sha256sum --check --quiet kept
         cp mounted/study/measurements.json study",
    );
    let Some(outcome) = outcome else { return };
    let kept: usize = outcome.stdout.trim().parse().expect("a count");
    assert!(kept >= 3, "{kept} steps are there");
    outcome.says(&format!("continuing after {kept} finished steps"));
    assert_whole(&study.path);
}

#[test]
fn a_run_whose_plan_is_damaged_is_left_out_and_foreign_steps_run_again() {
    let (study, _) = study();
    kill_after(study.start(&["measure"]), "step 4 of");
    let path = steps(&study.path).into_keys().nth(2).expect("a third step");
    let text = fs::read_to_string(&path).expect("there");
    fs::write(&path, text.replace("\"seed\": ", "\"seed\": 1")).expect("written");
    let kept = steps(&study.path);
    let plan = path.ancestors().nth(2).expect("the run").join("plan.json");
    let whole = fs::read_to_string(&plan).expect("there");
    fs::write(&plan, &whole[..whole.len() / 2]).expect("written");
    study
        .run(&["measure", "--resume"])
        .expect(7)
        .says("plan.json is damaged");
    assert_kept(&kept, &study.path);
    fs::write(&plan, whole).expect("written");
    study
        .run(&["measure", "--resume"])
        .expect(0)
        .says("002.json: it was not made for the plan of this run");
    assert_whole(&study.path);
}
