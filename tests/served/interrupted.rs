//! Runs that end early: the target dies, somebody presses Ctrl-C. What was measured is kept, and the run goes
//! on.

use std::{
    fs,
    net::TcpListener,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use crate::support::{
    BINARY, Outcome, Running, SHORT, ShopStudy, SmallStudy, assert_balanced, assert_load_balanced,
    broker::Broker,
    fleet::Session,
    measurements, nest,
    server::{Reply, Server},
    start, start_silent, wait_for_listener, wait_until,
};

#[test]
fn a_target_that_dies_keeps_finished_steps_and_the_run_goes_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = ShopStudy::new(folder.path());
    study.without_start();
    let shop = || {
        let mut command = Command::new(BINARY);
        command.args([
            "shop",
            "--listen",
            &study.address.to_string(),
            "--cores",
            "0",
            "--items",
            "100",
        ]);
        let child = start_silent(command);
        wait_for_listener(study.address, true);
        child
    };
    let path = study.path.to_str().expect("UTF-8");
    let base = format!("target.base_url=http://{}", study.address);
    let mut arguments = vec!["measure", path, "--set", &base];
    SHORT.iter().for_each(|one| arguments.extend(["--set", one]));

    let mut first = shop();
    let mut run = start(folder.path(), &arguments);
    run.wait_for("step 3 of");
    first.kill().expect("the shop is there");
    first.wait().expect("it was started here");
    let outcome = run.finish().expect(6);
    outcome
        .says("the target was no longer there in the step")
        .says("--resume");

    let listed = nest(folder.path(), &["runs", "list", path, "--format", "csv"])
        .expect(0)
        .stdout;
    assert!(listed.contains("interrupted"), "{listed}");
    let run_id = listed
        .lines()
        .nth(1)
        .and_then(|line| line.split(',').next())
        .expect("one run")
        .to_owned();
    let kept = fs::read_dir(study.path.join("runs").join(&run_id).join("steps"))
        .expect("kept")
        .count();
    assert!(kept >= 3, "{kept} steps are kept");

    // The same run does not go on with another study.
    let other = [arguments.as_slice(), &["--resume", "--set", "study.seed=1"]].concat();
    nest(folder.path(), &other)
        .expect(7)
        .says("the study has changed");

    let mut second = shop();
    let resumed = nest(folder.path(), &[arguments.as_slice(), &["--resume"]].concat());
    second.kill().expect("the shop is there");
    second.wait().expect("it was started here");
    resumed.expect(0).says("continuing after");
    let measured = measurements(&study.path);
    assert_eq!(measured.run, run_id);
    assert_eq!(measured.steps.len(), 9);
    assert_balanced(&measured);
    nest(folder.path(), &[arguments.as_slice(), &["--resume"]].concat())
        .expect(7)
        .says("no interrupted run");
}

#[test]
fn ctrl_c_at_any_moment_stops_and_saves() {
    for (moment, finished) in [("run 2", 0), ("pilot:", 0), ("step 2 of", 2)] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let study = ShopStudy::new(folder.path());
        // Long windows, so that the signal comes in the middle of a step.
        let long = [
            "measure.window=2s",
            "measure.windows=4",
            "measure.settle=100ms",
            "measure.pilot=1s",
        ];
        let mut run = start(
            folder.path(),
            &study.arguments(&["measure"], "--items 100", &long),
        );
        run.wait_for(moment);
        run.signal(if finished == 0 {
            Signal::SIGINT
        } else {
            Signal::SIGTERM
        });
        let outcome = run.finish().expect(130);
        outcome.says("interrupted").says("--resume");
        wait_for_listener(study.address, false);
        if finished > 0 {
            let steps = study.path.join("runs");
            let run = fs::read_dir(steps)
                .expect("kept")
                .next()
                .expect("one run")
                .expect("readable")
                .path();
            let names: Vec<String> = fs::read_dir(run.join("steps"))
                .expect("kept")
                .map(|entry| {
                    entry
                        .expect("readable")
                        .file_name()
                        .to_string_lossy()
                        .into_owned()
                })
                .collect();
            assert!(
                names.iter().any(|name| name == "001.json")
                    && names.iter().any(|name| name == "002.cut.json"),
                "{names:?}"
            );
        }
    }
}

#[test]
fn a_second_ctrl_c_leaves_at_once_and_takes_the_target_along() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = ShopStudy::new(folder.path());
    let mut run = start(
        folder.path(),
        &study.arguments(&["measure"], "--items 100", &["measure.window=5s"]),
    );
    run.wait_for("plan:");
    run.signal(Signal::SIGINT);
    run.signal(Signal::SIGTERM);
    run.finish().expect(130);
    wait_for_listener(study.address, false);
}

/// Something that takes connections and never says anything.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    (listener, address)
}

/// Stops a run once it has connected to a silent server; how long it takes to end.
fn stopped(mut run: Running, silent: &TcpListener) -> (Outcome, Duration) {
    let _connections: Vec<_> = silent.incoming().map_while(Result::ok).take(1).collect();
    // It waits for an answer from here on.
    sleep(Duration::from_millis(100));
    assert!(run.is_running(), "{}", run.stderr());
    let asked = Instant::now();
    run.signal(Signal::SIGINT);
    let outcome = run.finish();
    (outcome, asked.elapsed())
}

/// Asserts that the quickest of three ends within the second that is promised: a busy machine may delay one.
#[track_caller]
fn assert_prompt(ends: impl Fn() -> (Outcome, Duration)) {
    let quickest = (0..3)
        .map(|_| {
            let (outcome, took) = ends();
            outcome.expect(130);
            took
        })
        .find(|took| *took < Duration::from_secs(1));
    assert!(quickest.is_some());
}

#[test]
fn ctrl_c_does_not_wait_for_a_port_that_never_answers() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert_prompt(|| {
        let (listener, address) = silent();
        let url = format!("https://{address}/");
        // The first connection looks whether something listens, the second one shakes hands.
        let run = start(folder.path(), &["load", &url, "--insecure", "--for", "60s"]);
        drop(listener.accept());
        let (outcome, took) = stopped(run, &listener);
        outcome.says("interrupted before the load began");
        (outcome, took)
    });
}

#[test]
fn ctrl_c_does_not_wait_for_a_metrics_page() {
    let server = Server::start(|_| Reply::text("hello"));
    assert_prompt(|| {
        let (listener, address) = silent();
        let more = format!(
            "[customers]\n[probes.app]\nkind = \"prometheus\"\npreset = \"process\"\ncores = 1\n\
             scrape = \"http://{address}/\"\n"
        );
        let study = SmallStudy::new(
            &server.url(""),
            &[("home", 20.0, "steps = [{ get = \"/\" }]")],
            &more,
        );
        stopped(study.start(&["measure"]), &listener)
    });
}

/// Longer than a step and its wait for settling last in these tests: what is open then is only waited for.
const BEYOND: Duration = Duration::from_secs(3);

/// Sends a signal to a run that waits for executions that are still open, and returns how long it takes to
/// end. Nothing may reach the server any more.
fn stopped_in_drain(run: Running, server: &Server, signal: Signal) -> (Outcome, Duration) {
    sleep(BEYOND);
    let (asked, before) = (Instant::now(), server.asked().len());
    run.signal(signal);
    let outcome = run.finish();
    let took = asked.elapsed();
    assert_eq!(server.asked().len(), before, "{}", outcome.stderr);
    (outcome, took)
}

#[test]
fn ctrl_c_does_not_wait_for_what_is_open_when_the_load_is_over() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert_prompt(|| {
        let server = Server::start(|_| {
            sleep(Duration::from_secs(20));
            Reply::text("late")
        });
        let url = server.url("/");
        let short = [
            "--for",
            "300ms",
            "--warm-up",
            "0s",
            "--timeout",
            "60s",
            "--customers",
            "4",
        ];
        let run = start(
            folder.path(),
            &[&["load", &url, "--format", "json"][..], &short].concat(),
        );
        wait_until("4 requests", || server.asked().len() == 4);
        let (outcome, took) = stopped_in_drain(run, &server, Signal::SIGINT);
        let found: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
        assert_load_balanced(&found);
        let failed = ["settling", "executions"].map(|of| found[of]["failed"].as_u64().expect("a count"));
        assert_eq!(failed.iter().sum::<u64>(), 4, "{found:#}");
        (outcome, took)
    });
}

/// Uses processor time, without which nothing can be planned.
fn compute() {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(1) {}
}

/// A study of a server that answers until it is told not to, and that server with what tells it.
fn that_falls_silent() -> (SmallStudy, Server, Arc<AtomicBool>) {
    let silent = Arc::new(AtomicBool::new(false));
    let is_silent = Arc::clone(&silent);
    let server = Server::start(move |_| {
        if is_silent.load(Ordering::Relaxed) {
            sleep(Duration::from_secs(20));
        }
        compute();
        Reply::text("hello")
    });
    let more = "[customers]\n[measure]\npilot = \"200ms\"\nsettle = \"300ms\"\nsettle_most = \"300ms\"\n\
        window = \"300ms\"\nwindows = 2\ntimeout = \"60s\"\nmax_rate = 200\nbase = 0.001\nboost = 0.002\n\
        customers = [100]\n";
    let look = [("look", 20.0, "steps = [{ get = \"/\" }, { get = \"/more\" }]")];
    (SmallStudy::new(&server.url(""), &look, more), server, silent)
}

#[test]
fn a_signal_does_not_wait_for_what_is_open_when_a_step_is_over() {
    assert_prompt(|| {
        let (study, server, silent) = that_falls_silent();
        let mut run = study.start(&["measure"]);
        run.wait_for("step 2 of");
        silent.store(true, Ordering::Relaxed);
        let (outcome, took) = stopped_in_drain(run, &server, Signal::SIGTERM);
        outcome.says("interrupted").says("--resume");
        (outcome, took)
    });
}

#[test]
fn a_fleet_does_not_wait_for_what_is_open_when_a_step_is_over() {
    assert_prompt(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let broker = Broker::start(&folder.path().join("broker"));
        let (study, server, silent) = that_falls_silent();
        let session = Session {
            folder: folder.path(),
            broker: broker.address,
        };
        let mut run = session.measure(None, &study, 2, &[]);
        let _workers = ["one", "two"].map(|name| session.worker(None, name, &[]));
        run.wait_for("step 2 of");
        silent.store(true, Ordering::Relaxed);
        stopped_in_drain(run, &server, Signal::SIGINT)
    });
}
