//! A fleet on hosts that the test makes: clocks that begin elsewhere, lines that are cut, workers and brokers
//! that are stopped and killed, and users who try more than they may. Whatever happens, everything that was
//! due is accounted for. `bench/run fleet` does the same at many moments.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    thread::sleep,
    time::Duration,
};

use nest_data::measurement::{Measurements, Purpose, Step, Validity};
use nix::sys::signal::Signal;

use crate::support::{
    BINARY, Running, SmallStudy, assert_balanced,
    broker::{Broker, COORDINATOR, TAP, WORKER},
    confirmed, get_command, measurements,
    namespaces::Host,
    relay,
    server::{Reply, Server},
    start_command,
    tap::{Connection, Tap},
};

/// Name of the session.
const SESSION: &str = "s";
/// What the server is asked before each step.
const MARK: &str = "/mark";
/// Steps of the plan: idle, base, boosted, one of the ramp.
const LAST_STEP: &str = "step 4 of";

/// A study of a server, whose last step has windows of 3 s in all.
fn study(url: &str, more: &str) -> SmallStudy {
    let mark = get_command(&format!("{url}{MARK}"));
    let more = format!(
        "reset = '''{mark}'''\n{more}\n[customers]\n[measure]\npilot = \"200ms\"\nsettle = \"500ms\"\n\
         settle_most = \"500ms\"\nwindow = \"1s\"\nwindows = 3\nmax_rate = 400\nbase = 0.01\nboost = 0.02\n\
         customers = [1000]\n"
    );
    let look = "steps = [{ get = \"/look?n={{ int(1, 1000000000) }}\" }]";
    SmallStudy::new(url, &[("look", 20.0, look)], &more)
}

/// A server that answers after a while.
fn server(after: Duration) -> Server {
    Server::start(move |asked| {
        if asked.path != MARK {
            sleep(after);
        }
        Reply::text("hello")
    })
}

/// Credentials of a user of the broker.
fn credentials((user, password): (&str, &str)) -> [(&'static str, String); 2] {
    [
        ("NEST_NATS_USER", user.to_owned()),
        ("NEST_NATS_PASSWORD", password.to_owned()),
    ]
}

/// Where the files of a program are.
fn place(folder: &Path, name: &str) -> PathBuf {
    let place = folder.join(name);
    fs::create_dir_all(&place).expect("a temporary folder");
    place
}

/// A command of the binary, on a host if there is one.
fn binary(host: Option<&Host>) -> Command {
    host.map_or_else(|| Command::new(BINARY), |host| host.command(BINARY))
}

/// Starts a worker with one slot.
fn worker(folder: &Path, host: Option<&Host>, broker: SocketAddr, name: &str, more: &[&str]) -> Running {
    let mut command = binary(host);
    let url = format!("nats://{broker}");
    command
        .args([
            "worker",
            "--join",
            &url,
            "--session",
            SESSION,
            "--name",
            name,
            "--slots",
            "1",
        ])
        .args(more)
        .envs(credentials(WORKER));
    start_command(command, &place(folder, name))
}

/// Starts a measurement by so many workers.
fn measure(
    folder: &Path,
    host: Option<&Host>,
    broker: SocketAddr,
    study: &SmallStudy,
    workers: usize,
    more: &[&str],
) -> Running {
    let mut command = binary(host);
    let url = format!("nats://{broker}");
    command
        .args(confirmed(&["measure"]))
        .arg(&study.path)
        .args([
            "--workers",
            &workers.to_string(),
            "--nats",
            &url,
            "--session",
            SESSION,
        ])
        .args(more)
        .envs(credentials(COORDINATOR));
    start_command(command, &place(folder, "coordinator"))
}

/// Two workers on loopback, and a measurement by them.
struct Pair {
    folder: tempfile::TempDir,
    broker: Broker,
    server: Server,
    study: SmallStudy,
    workers: Vec<Running>,
    coordinator: Running,
}

impl Pair {
    /// `more` are options of `measure`.
    fn start(server: Server, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let broker = Broker::start(&folder.path().join("broker"));
        let study = study(&server.url(""), "");
        let coordinator = measure(folder.path(), None, broker.address, &study, 2, more);
        let workers = ["one", "two"].map(|name| worker(folder.path(), None, broker.address, name, &[]));
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
        let outcome = self.coordinator.finish().expect(code);
        let workers: Vec<String> = self.workers.iter().map(Running::stderr).collect();
        println!("{}\n{}", outcome.stderr, workers.join("\n"));
        let measured = measurements(&self.study.path);
        assert_balanced(&measured);
        let asked: Vec<String> = self.server.asked().into_iter().map(|asked| asked.path).collect();
        // Before the first mark is the pilot.
        let received: Vec<usize> = asked
            .split(|path| path == MARK)
            .skip(1)
            .map(<[String]>::len)
            .collect();
        drop((self.folder, self.broker));
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
                let sent = total.due - total.dropped + step.settling.due - step.settling.dropped;
                assert_eq!(
                    sent,
                    *received as u64,
                    "{}: {:?}",
                    step.plan.label(),
                    step.failures
                );
            }
        }
    }

    /// Checks that a worker was lost in the last step, that it names it, and that one worker then did the
    /// same step.
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
        let failed = ramp[0].errors.get("worker").copied().unwrap_or(0);
        assert_eq!(failed, open, "{:?}", ramp[0].errors);
        assert_eq!(ramp[1].generators.len(), 1, "{:?}", ramp[1].generators);
        assert_ne!(
            ramp[1].verdict.validity,
            Validity::Invalid,
            "{:?}",
            ramp[1].verdict
        );
        self.assert_received();
    }
}
