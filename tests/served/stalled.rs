//! A generator that is stopped for a while: it says so, and does not blame the target.

use std::{thread::sleep, time::Duration};

use nest_data::measurement::{Validity, Verdict};
use nix::sys::signal::Signal;

use crate::support::{
    Running, SmallStudy, assert_load_balanced, ramp,
    server::{Reply, Server},
    start,
};

/// Stopped for 1.5 s in windows of 4 s, which begin half a second after the generator says that it starts.
const BEFORE: Duration = Duration::from_millis(1_500);
const STOPPED: Duration = Duration::from_millis(1_500);

/// Stops a run in its windows for a while.
fn stall(run: &Running) {
    sleep(BEFORE);
    run.signal(Signal::SIGSTOP);
    sleep(STOPPED);
    run.signal(Signal::SIGCONT);
}

/// A server that takes 2 ms for an answer, so that customers without a pause do not fill the machine.
fn server() -> Server {
    Server::start(|_| {
        sleep(Duration::from_millis(2));
        Reply::text("hello")
    })
}

#[track_caller]
fn assert_named(verdict: &Verdict, what: &str) {
    println!("{what}: {verdict:?}");
    assert_eq!(verdict.validity, Validity::Invalid, "{what}: {verdict:?}");
    let says = |part: &str| verdict.reasons.iter().any(|reason| reason.contains(part));
    assert!(says("the generator stood still for"), "{what}: {verdict:?}");
    for blame in [
        "the target stood still",
        "a queue was growing",
        "starts were dropped",
        "could not keep up",
    ] {
        assert!(!says(blame), "{what}: {verdict:?}");
    }
}

/// `load` with some more arguments, stopped in its windows.
fn stalled_load(more: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = server();
    let url = server.url("/");
    let arguments = [
        "load",
        &url,
        "--customers",
        "4",
        "--for",
        "4s",
        "--warm-up",
        "500ms",
        "--format",
        "json",
    ];
    let mut run = start(folder.path(), &[&arguments, more].concat());
    run.wait_for(" on http");
    stall(&run);
    let found: serde_json::Value = serde_json::from_str(&run.finish().expect(0).stdout).expect("JSON");
    assert_load_balanced(&found);
    let verdict = serde_json::from_value(found["verdict"].clone()).expect("a verdict");
    assert_named(&verdict, &format!("load {more:?}"));
    let health = |name: &str| found["generator"][name].as_f64().expect("a number");
    let (gap_s, lost) = (health("longest_gap_s"), health("lost"));
    println!("{gap_s:.3} s at once, {:.1} % of the time", lost * 100.0);
    assert!(gap_s > 1.3 && lost > 0.3, "1.5 s of 4 s: {gap_s} s, {lost}");
}

#[test]
fn a_stopped_load_whose_customers_think_is_invalid() {
    stalled_load(&["--think", "20ms"]);
}

#[test]
fn a_stopped_load_whose_customers_do_not_think_is_invalid() {
    stalled_load(&["--think", "0s"]);
}

#[test]
fn a_stopped_load_at_a_rate_is_invalid() {
    stalled_load(&["--rate", "100"]);
}

/// `measure` with these customers, stopped in the windows of its last step.
fn stalled_measure(customers: &str) {
    let server = server();
    let more = format!(
        "[customers]\n{customers}\n[measure]\npilot = \"200ms\"\nsettle = \"500ms\"\n\
         settle_most = \"500ms\"\nwindow = \"1s\"\nwindows = 4\nmax_rate = 200\n\
         base = 0.001\nboost = 0.002\ncustomers = [1000]\n"
    );
    let look = [("look", 20.0, "steps = [{ get = \"/\" }]")];
    let study = SmallStudy::new(&server.url(""), &look, &more);
    let mut run = study.start(&["measure"]);
    // Idle, base, boosted; the ramp's only step is the last.
    run.wait_for("step 3 of 4");
    stall(&run);
    run.finish().expect(0);
    let measured = crate::support::measurements(&study.path);
    crate::support::assert_balanced(&measured);
    let step = ramp(&measured)[0];
    assert_named(&step.verdict, customers);
    let health = step.generator;
    assert!(health.longest_gap_s > 1.3 && health.lost > 0.3, "{health:?}");
}

#[test]
fn a_stopped_measurement_whose_customers_think_is_invalid() {
    stalled_measure("arrival = \"closed\"\nthink = \"20ms\"");
}

#[test]
fn a_stopped_measurement_whose_customers_do_not_think_is_invalid() {
    stalled_measure("arrival = \"closed\"\nthink = \"0s\"");
}

#[test]
fn a_stopped_measurement_at_a_rate_is_invalid() {
    stalled_measure("arrival = \"open\"");
}
