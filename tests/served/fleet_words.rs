//! What coordinators and workers say to whoever starts them, and what they leave behind: on the broker that
//! the coordinator starts.

use std::{fs, path::Path, process::Command};

use nix::sys::signal::Signal;

use super::fleet_hosts::work;
use crate::support::{
    BINARY, Running, SmallStudy, confirmed,
    fleet::{JOIN, place, start_by_line, worker_line},
    measurements, ramp,
    server::{Reply, Server},
    start_command, wait_until,
};

fn server() -> Server {
    Server::start(|_| {
        work();
        Reply::text("ok")
    })
}

/// A study whose steps have so many windows of half a second.
fn study(server: &Server, windows: u32) -> SmallStudy {
    let more = format!(
        "[customers]\n[measure]\npilot = \"1s\"\nsettle = \"300ms\"\nsettle_most = \"300ms\"\n\
         window = \"500ms\"\nwindows = {windows}\nmax_rate = 200\nbase = 0.05\nboost = 0.1\n\
         customers = [300]\n"
    );
    let look = "steps = [{ get = \"/look?n={{ int(1, 1000000000) }}\" }]";
    SmallStudy::new(&server.url(""), &[("look", 20.0, look)], &more)
}

/// A measurement by one worker that starts its broker, with its temporary files in a folder of its own.
fn coordinator(study: &SmallStudy, folder: &Path) -> Running {
    let mut command = Command::new(BINARY);
    command.args(confirmed(&["measure"])).arg(&study.path);
    command
        .args(["--workers", "1", "--wait", "60s"])
        .env("TMPDIR", place(folder, "temporary"));
    let mut running = start_command(command, &place(folder, "coordinator"));
    running.wait_for(JOIN);
    running
}

#[test]
fn a_worker_says_what_it_waits_for_and_why_it_may_not_join() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = server();
    let study = study(&server, 2);
    let mut coordinator = coordinator(&study, folder.path());
    let line = worker_line(&coordinator);
    let words: Vec<&str> = line.split(' ').collect();
    let session = words
        .iter()
        .position(|word| *word == "--session")
        .expect("it names one")
        + 1;
    let elsewhere = line.replace(words[session], "elsewhere");
    let lost = start_by_line(&elsewhere, folder.path(), "lost", &[])
        .finish()
        .expect(6);
    lost.says("the session elsewhere cannot be joined")
        .says("the NATS server does not let this user in")
        .says("--session");
    assert!(!lost.stderr.contains("NEST_NATS_PASSWORD"), "{}", lost.stderr);

    let mut one = start_by_line(&line, folder.path(), "one", &[]);
    one.wait_for("joined");
    // This process is the target, and its children count: none may end while the pilot runs.
    coordinator.wait_for("step 1 of");
    let surplus = start_by_line(&line, folder.path(), "surplus", &[])
        .finish()
        .expect(7);
    surplus
        .says("the one worker that this run asked for has joined")
        .says("--workers");
    assert!(!surplus.stderr.contains("same program"), "{}", surplus.stderr);

    coordinator.finish().expect(0);
    let one = one.finish().expect(0);
    println!("{}", one.stderr);
    let joined = format!("joined the session {} with 1 thread; waiting", words[session]);
    let received = format!("received the study small, whose load goes to {}", server.url(""));
    for said in [
        joined.as_str(),
        &received,
        "pilot: running look alone",
        "a step begins: 30 starts per second",
        "executions were due here",
        "the coordinator ended the session",
    ] {
        one.says(said);
    }
    let measured = measurements(&study.path);
    let machines: Vec<&str> = measured
        .generators
        .iter()
        .map(|one| one.worker.as_str())
        .collect();
    assert_eq!(machines, ["one"], "the machines of workers are kept");
    assert_eq!(ramp(&measured)[0].generators.len(), 1);
}

#[test]
fn credentials_do_not_outlive_the_broker_however_the_coordinator_ends() {
    for signals in [&[Signal::SIGINT, Signal::SIGTERM][..], &[Signal::SIGKILL]] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let server = server();
        let study = study(&server, 2);
        let coordinator = coordinator(&study, folder.path());
        let temporary = place(folder.path(), "temporary");
        let left = || fs::read_dir(&temporary).expect("it is there").count();
        assert!(left() > 0, "the broker's files are there");
        signals.iter().for_each(|signal| coordinator.signal(*signal));
        coordinator.finish();
        wait_until("no file is left", || left() == 0);
    }
}

#[test]
fn whoever_goes_on_without_workers_is_told_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = server();
    let study = study(&server, 6);
    let mut coordinator = coordinator(&study, folder.path());
    let one = start_by_line(&worker_line(&coordinator), folder.path(), "one", &[]);
    coordinator.wait_for("step 2 of");
    coordinator.signal(Signal::SIGINT);
    coordinator.finish().expect(130);
    one.finish().expect(0);
    let resumed = study.run(&["measure", "--resume"]).expect(0);
    resumed
        .says("so far 1 worker sent the load")
        .says("--resume --workers 1");
    let again = study.run(&["measure", "--resume"]).expect(7);
    assert!(!again.stderr.contains("worker"), "{}", again.stderr);
}
