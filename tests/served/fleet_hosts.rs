//! A fleet on hosts that the test makes: clocks that begin elsewhere, lines that are cut, workers and brokers
//! that are stopped and killed, and users who try more than they may. Whatever happens, everything that was
//! due is accounted for. `bench/run fleet` does the same at many moments.

use std::{
    fs,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use nest_data::measurement::{ErrorCount, GeneratorOf, Measurements, Purpose, Step, Validity};
use nest_target::Ledger;
use nix::sys::signal::Signal;

use crate::support::{
    BINARY, Children, Running, SmallStudy, assert_balanced,
    broker::Broker,
    fleet::Session,
    free_address, get_command, measurements,
    namespaces::Host,
    relay,
    server::{Reply, Server},
    start_silent, wait_for_listener,
};

/// What the server is asked before each step.
const MARK: &str = "/mark";
/// What is said when the step before the last has ended: the plan is idle, base, boosted, one of the ramp.
const LAST_STEP: &str = "step 3 of";
/// Processor time of an answer, without which nothing can be planned.
const WORK: Duration = Duration::from_micros(500);

/// A study, whose last step has so many windows of a second. `target` becomes a part of its `[target]`.
fn study(url: &str, windows: u32, target: &str) -> SmallStudy {
    let more = format!(
        "{target}\n[customers]\n[measure]\npilot = \"200ms\"\nsettle = \"500ms\"\nsettle_most = \"500ms\"\n\
         window = \"1s\"\nwindows = {windows}\nmax_rate = 400\nbase = 0.01\nboost = 0.02\n\
         customers = [1000]\n"
    );
    let look = "steps = [{ get = \"/items?n={{ int(1, 1000000000) }}\" }]";
    SmallStudy::new(url, &[("look", 20.0, look)], &more)
}

/// What marks the beginning of each step at a server.
fn mark(server: &Server) -> String {
    format!("reset = '''{}'''", get_command(&server.url(MARK)))
}

/// A server that computes a little, and answers after a while.
fn server(after: Duration) -> Server {
    Server::start(move |asked| {
        if asked.path != MARK {
            work();
            sleep(after);
        }
        Reply::text("hello")
    })
}

/// Uses a processor for a moment.
pub fn work() {
    let begun = Instant::now();
    while begun.elapsed() < WORK {
        std::hint::spin_loop();
    }
}

/// Two workers on loopback, and a measurement by them.
struct Pair {
    coordinator: Running,
    workers: Vec<Running>,
    broker: Broker,
    folder: tempfile::TempDir,
    server: Server,
    study: SmallStudy,
}

impl Pair {
    /// Each step has so many windows; `more` are options of `measure`.
    fn start(server: Server, windows: u32, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let broker = Broker::start(&folder.path().join("broker"));
        let study = study(&server.url(""), windows, &mark(&server));
        let coordinator = Session::on(&broker, folder.path()).measure(None, &study, 2, more);
        let workers = ["one", "two"].map(|name| Session::on(&broker, folder.path()).worker(None, name, &[]));
        Self {
            workers: workers.into(),
            folder,
            broker,
            server,
            study,
            coordinator,
        }
    }

    /// Ends with a code; gives what was measured, all of which balances.
    #[track_caller]
    fn finish(self, code: i32) -> Ended {
        let outcome = self.coordinator.finish();
        let workers: Vec<String> = self.workers.iter().map(Running::stderr).collect();
        println!("{}\n{}", outcome.stderr, workers.join("\n"));
        let outcome = outcome.expect(code);
        let measured = measurements(&self.study.path);
        assert_balanced(&measured);
        let asked: Vec<String> = self.server.asked().into_iter().map(|asked| asked.path).collect();
        // Before the first mark is the pilot, and after the last one nothing.
        let mut received: Vec<usize> = asked
            .split(|path| path == MARK)
            .skip(1)
            .map(<[String]>::len)
            .collect();
        assert_eq!(received.pop(), Some(0), "{received:?}");
        Ended {
            measured,
            received,
            said: outcome.stderr,
        }
    }
}

/// A measurement that has ended.
struct Ended {
    measured: Measurements,
    /// What the server was asked in each step.
    received: Vec<usize>,
    said: String,
}

impl Ended {
    fn ramp(&self) -> Vec<&Step> {
        let steps = self.measured.steps.iter();
        steps.filter(|step| step.plan.purpose == Purpose::Ramp).collect()
    }

    /// Checks that the server was asked what a step says, in each step that no worker was lost in.
    #[track_caller]
    fn assert_received(&self) {
        assert_eq!(
            self.received.len(),
            self.measured.steps.len(),
            "{:?}",
            self.received
        );
        for (step, received) in self.measured.steps.iter().zip(&self.received) {
            if step.generators.iter().all(|one| one.lost.is_none()) {
                let total = step.total();
                // Without a connection, or held back by `max_rate`.
                let unsent = |error: &&ErrorCount| matches!(error.kind.as_str(), "connect" | "held");
                let unsent: u64 = step.errors.iter().filter(unsent).map(|error| error.count).sum();
                let sent = total.due - total.dropped - unsent + step.settling.due - step.settling.dropped;
                // What was cut may have been about to connect. Why executions failed while the step settled
                // is not kept: some were never sent.
                let cut = step.errors.iter().filter(|error| error.kind == "cut");
                let unknown = step.settling.failed + cut.map(|error| error.count).sum::<u64>();
                let sent = sent - unknown..=sent;
                let received = *received as u64;
                assert!(
                    sent.contains(&received),
                    "{}: {received} of {sent:?}",
                    step.plan.label()
                );
            }
        }
    }

    /// Checks that a worker was lost in the last step, that the reason names it, and that the other one then
    /// made the same step.
    #[track_caller]
    fn assert_lost_and_made_again(&self, name: &str) {
        let ramp = self.ramp();
        assert_eq!(
            ramp.len(),
            2,
            "{:?}",
            ramp.iter().map(|step| &step.verdict).collect::<Vec<_>>()
        );
        let lost: Vec<&str> = ramp[0]
            .generators
            .iter()
            .filter(|one| one.lost.is_some())
            .map(|one| one.worker.as_str())
            .collect();
        assert_eq!(lost, [name]);
        assert_eq!(ramp[0].verdict.validity, Validity::Invalid);
        let reasons = ramp[0].verdict.reasons.join("; ");
        assert!(reasons.contains(name) && reasons.contains("lost"), "{reasons}");
        let open: u64 = ramp[0]
            .generators
            .iter()
            .filter_map(|one| one.lost)
            .map(|lost| lost.open)
            .sum();
        let errors = ramp[0].errors.iter();
        let failed: u64 = errors
            .filter(|error| error.kind == "worker")
            .map(|error| error.count)
            .sum();
        // What came due while the step settled is counted apart, and without kinds: there the other worker's
        // executions failed too, as the step was stopped before their answers came.
        let settling = ramp[0].settling;
        println!(
            "{open} open: {failed} of the windows, {} failed in settling",
            settling.failed
        );
        assert!(
            failed <= open && open - failed <= settling.failed,
            "{open}: {:?}, {settling:?}",
            ramp[0].errors
        );
        assert_eq!(ramp[1].generators.len(), 1, "{:?}", ramp[1].generators);
        self.assert_received();
    }
}

/// How long after the step before the last has ended a fault comes to the last one: while it settles, in its
/// windows, or after them, when answers are still on their way.
const WHEN: [(&str, Duration); 3] = [
    ("settling", Duration::from_millis(700)),
    ("windows", Duration::from_millis(2_500)),
    ("drain", Duration::from_millis(5_200)),
];
/// Time of an answer that is on its way then.
const SLOW: Duration = Duration::from_millis(2_000);

#[test]
fn a_worker_that_is_killed_loses_its_step_and_the_others_make_it_again() {
    for (when, after) in WHEN {
        println!("killed: {when}");
        let mut pair = Pair::start(server(SLOW), 3, &["--workers-min", "1"]);
        pair.coordinator.wait_for(LAST_STEP);
        sleep(after);
        pair.workers[1].signal(Signal::SIGKILL);
        pair.finish(0).assert_lost_and_made_again("two");
    }
}

#[test]
fn without_the_workers_it_asked_for_a_run_ends_and_goes_on_when_they_are_back() {
    let mut pair = Pair::start(server(Duration::ZERO), 3, &[]);
    pair.coordinator.wait_for(LAST_STEP);
    sleep(WHEN[1].1);
    pair.workers[1].signal(Signal::SIGKILL);
    let outcome = pair.coordinator.finish().expect(6);
    outcome.says("two").says("--resume");
    let workers =
        ["one", "two"].map(|name| Session::on(&pair.broker, pair.folder.path()).worker(None, name, &[]));
    let resumed = Session::on(&pair.broker, pair.folder.path()).measure(None, &pair.study, 2, &["--resume"]);
    resumed.finish().expect(0);
    let measured = measurements(&pair.study.path);
    assert_balanced(&measured);
    let last = measured.steps.last().expect("steps");
    assert_eq!(last.generators.len(), 2, "{:?}", last.generators);
    drop(workers);
}

#[test]
fn a_worker_that_stands_still_for_a_while_spoils_its_step_only() {
    let mut pair = Pair::start(server(Duration::ZERO), 3, &["--workers-min", "1"]);
    pair.coordinator.wait_for(LAST_STEP);
    sleep(WHEN[1].1);
    pair.workers[1].signal(Signal::SIGSTOP);
    sleep(Duration::from_secs(5));
    pair.workers[1].signal(Signal::SIGCONT);
    let ended = pair.finish(0);
    let first = ended.ramp()[0].verdict.clone();
    assert_eq!(first.validity, Validity::Invalid, "{first:?}");
    assert!(first.reasons.join("; ").contains("two"), "{first:?}");
}

#[test]
fn a_worker_that_stood_still_for_long_ends_its_step_by_itself() {
    let mut pair = Pair::start(server(Duration::ZERO), 3, &["--workers-min", "1"]);
    pair.coordinator.wait_for(LAST_STEP);
    sleep(WHEN[1].1);
    pair.workers[1].signal(Signal::SIGSTOP);
    // Longer than a worker goes on without a word of its coordinator.
    sleep(Duration::from_secs(20));
    pair.workers[1].signal(Signal::SIGCONT);
    let ended = pair.finish(0);
    let ramp = ended.ramp();
    let first = &ramp[0].verdict;
    assert_eq!(first.validity, Validity::Invalid, "{first:?}");
    assert!(first.reasons.join("; ").contains("two"), "{first:?}");
    assert_eq!(ramp.len(), 2, "{}", ended.said);
    ended.assert_received();
}

#[test]
fn a_broker_that_is_away_for_five_seconds_changes_nothing() {
    let mut pair = Pair::start(server(Duration::ZERO), 3, &[]);
    pair.coordinator.wait_for(LAST_STEP);
    sleep(WHEN[1].1);
    pair.broker.kill();
    sleep(Duration::from_secs(5));
    pair.broker.restart();
    let ended = pair.finish(0);
    assert_eq!(ended.ramp().len(), 1, "{}", ended.said);
    let step = ended.ramp()[0];
    assert!(
        step.generators.iter().all(|one| one.lost.is_none()),
        "{:?}",
        step.generators
    );
    ended.assert_received();
}

#[test]
fn without_a_broker_for_long_each_worker_stops_by_itself() {
    let mut pair = Pair::start(server(Duration::ZERO), 20, &[]);
    pair.coordinator.wait_for(LAST_STEP);
    sleep(WHEN[1].1);
    pair.broker.kill();
    // Ten seconds of silence, and one to stop.
    sleep(Duration::from_secs(12));
    let before = pair.server.asked().len();
    sleep(Duration::from_secs(2));
    assert_eq!(pair.server.asked().len(), before, "nobody sends any more");
    pair.broker.restart();
    // The step is lost with all its workers; they are still there, and so it is made again.
    let ended = pair.finish(0);
    assert_eq!(
        ended.ramp()[0].verdict.validity,
        Validity::Invalid,
        "{}",
        ended.said
    );
    assert_eq!(ended.ramp().len(), 2, "{}", ended.said);
    ended.assert_received();
}

#[test]
fn a_target_that_is_lost_ends_a_run_of_a_fleet_and_keeps_its_steps() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broker = Broker::start(&folder.path().join("broker"));
    let address = free_address();
    let mut shop = Command::new(BINARY);
    shop.args([
        "shop",
        "--items",
        "10",
        "--browse",
        "100us",
        "--listen",
        &address.to_string(),
    ]);
    let shop = Children(vec![start_silent(shop)]);
    wait_for_listener(address, true);
    let study = study(&format!("http://{address}"), 3, "");
    let mut coordinator = Session::on(&broker, folder.path()).measure(None, &study, 2, &[]);
    let workers = ["one", "two"].map(|name| Session::on(&broker, folder.path()).worker(None, name, &[]));
    coordinator.wait_for(LAST_STEP);
    sleep(WHEN[1].1);
    drop(shop);
    coordinator.finish().expect(6).says("target");
    let run = fs::read_dir(study.path.join("runs"))
        .expect("a run")
        .next()
        .expect("a run")
        .expect("readable");
    let steps = fs::read_dir(run.path().join("steps")).expect("steps").count();
    assert!(steps >= 3, "{steps} steps were kept");
    drop(workers);
}

/// Address of the hub.
const HUB: &str = "10.77.0.1";

/// A shop on the hub.
fn shop_on(hub: &Host) -> Children {
    let mut shop = hub.command(BINARY);
    let listen = format!("{HUB}:7878");
    shop.args([
        "shop",
        "--keep-requests",
        "--items",
        "10",
        "--browse",
        "100us",
        "--listen",
        &listen,
    ]);
    Children(vec![start_silent(shop)])
}

/// A study of the shop on the hub, which keeps every request. Before each step its ledger is written to a
/// file.
fn study_of_hub() -> SmallStudy {
    let snapshot = format!(
        "bash -c 'exec 3<>/dev/tcp/{HUB}/7878 && printf \"GET /ledger HTTP/1.1\\r\\nhost: shop\\r\\n\
         connection: close\\r\\n\\r\\n\" >&3 && (tail -n 1 <&3; echo) >> ledgers'"
    );
    let target = format!("allow_hosts = [\"{HUB}\"]\nreset = '''{snapshot}'''");
    study(&format!("http://{HUB}:7878"), 3, &target)
}

#[test]
fn a_host_whose_line_is_cut_is_lost_and_what_it_sent_is_accounted_for() {
    let Some(hosts) = Host::joined(2) else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broker = Broker::start_on(&hosts[0], &folder.path().join("broker"));
    let _shop = shop_on(&hosts[0]);
    let study = study_of_hub();
    let plain = ["--insecure-broker", "--allow-host", HUB];
    let start = |host: usize, name: &str| {
        Session::on(&broker, folder.path()).worker(Some(&hosts[host]), name, &plain)
    };
    let workers = [start(1, "one"), start(2, "two")];
    let more = ["--workers-min", "1", "--insecure-broker"];
    let mut coordinator = Session::on(&broker, folder.path()).measure(Some(&hosts[0]), &study, 2, &more);
    coordinator.wait_for(LAST_STEP);
    sleep(WHEN[1].1);
    hosts[2].disconnect();
    coordinator.finish().expect(0);
    let measured = measurements(&study.path);
    assert_balanced(&measured);
    let ledgers = fs::read_to_string(study.path.join("ledgers")).expect("the study wrote it");
    let ledgers: Vec<Ledger> = ledgers
        .lines()
        .map(|line| serde_json::from_str(line).expect("a ledger"))
        .collect();
    let received = ledgers
        .windows(2)
        .map(|pair| pair[1].requests.len() - pair[0].requests.len())
        .collect();
    let ended = Ended {
        measured,
        received,
        said: String::new(),
    };
    ended.assert_lost_and_made_again("two");
    drop(workers);
}

#[test]
fn a_worker_does_not_put_load_on_a_host_that_it_was_not_allowed() {
    let Some(hosts) = Host::joined(1) else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broker = Broker::start_on(&hosts[0], &folder.path().join("broker"));
    let _shop = shop_on(&hosts[0]);
    let study = study_of_hub();
    let worker = Session::on(&broker, folder.path()).worker(Some(&hosts[1]), "one", &["--insecure-broker"]);
    let coordinator =
        Session::on(&broker, folder.path()).measure(Some(&hosts[0]), &study, 1, &["--insecure-broker"]);
    coordinator
        .finish()
        .expect(3)
        .says("one")
        .says(&format!("--allow-host {HUB}"));
    drop(worker);
}

/// Seconds by which the clocks of two workers are ahead of the coordinator's.
const AHEAD_S: [i64; 2] = [12_345, -3];
/// Delays of the lines to the broker, there and back, in milliseconds.
const DELAYS_MS: [[u64; 2]; 4] = [[0, 0], [2, 2], [10, 10], [0, 4]];

#[test]
fn clocks_of_workers_are_known_within_the_error_that_is_stated() {
    for [there, back] in DELAYS_MS {
        let mut hosts = AHEAD_S.into_iter().map_while(Host::with_clock);
        let (Some(first), Some(second)) = (hosts.next(), hosts.next()) else {
            return;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let broker = Broker::start(&folder.path().join("broker"));
        let [there, back] = [there, back].map(Duration::from_millis);
        let far = Session {
            folder: folder.path(),
            broker: relay::delayed(broker.address, there, back),
        };
        let server = server(Duration::ZERO);
        let study = study(&server.url(""), 2, "");
        let workers =
            [(&first, "ahead"), (&second, "behind")].map(|(host, name)| far.worker(Some(host), name, &[]));
        Session::on(&broker, folder.path())
            .measure(None, &study, 2, &[])
            .finish()
            .expect(0);
        let measured = measurements(&study.path);
        assert_balanced(&measured);
        for step in &measured.steps {
            assert_eq!(step.generators.len(), 2, "{}", step.plan.label());
            for one in &step.generators {
                let truth = AHEAD_S[usize::from(one.worker == "behind")] as f64;
                println!(
                    "{} {}: {} s, ±{} s, {} ppm",
                    step.plan.label(),
                    one.worker,
                    one.offset_s,
                    one.offset_error_s,
                    one.drift_ppm
                );
                assert!(
                    (one.offset_s - truth).abs() <= one.offset_error_s,
                    "{truth} s: {one:?}"
                );
                // Half of the way there and back, and what this machine adds.
                let least = (there + back).as_secs_f64() / 2.0;
                assert!(one.offset_error_s >= least, "{one:?}");
            }
            // Above 5 ms the windows of several clocks differ too much. A way of 10 ms there and back is.
            let span_s: f64 = step.windows.iter().map(|window| window.duration_s).sum();
            let error_s = |one: &GeneratorOf| one.offset_error_s + (one.drift_ppm * 1e-6 * span_s).abs();
            let is_far = step.generators.iter().any(|one| error_s(one) > 0.005);
            let reasons = step.verdict.reasons.join("; ");
            assert_eq!(
                is_far,
                reasons.contains("the clock of the worker"),
                "{}: {reasons}",
                step.plan.label()
            );
        }
        drop(workers);
    }
}
