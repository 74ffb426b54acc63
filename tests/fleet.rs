//! Load from workers: started by the line that `measure` prints, on the broker that it starts; and what
//! becomes of a run when something of it fails.

use std::{fs, path::Path, process::Command, thread::sleep, time::Duration};

use nest_data::measurement::{Step, Validity};
use nix::sys::signal::Signal;

use crate::support::{
    BINARY, Running, SmallStudy, assert_balanced,
    broker::Broker,
    confirmed,
    fleet::{JOIN, Session as SessionOn, place, worker_line},
    get_command, measurements, nest, ramp, run,
    server::{Reply, Server},
    start_command, wait_until,
};

/// Runs of which one must settle as fast as it can: on a busy machine the coordinator wakes up late.
const MOST_ATTEMPTS: usize = 5;
/// What marks the begin of a step among the requests of a server.
const MARK: &str = "GET /mark ";

/// A study of a server, with one ramp step; before each step the server is told so.
fn study(server: &Server, measure: &str, more: &str) -> SmallStudy {
    let mark = get_command(&server.url("/mark"));
    let look = "steps = [{ get = \"/look?n={{ int(1, 1000000000) }}&row={{ rows.name }}\" }]";
    let find = "steps = [{ get = '/find?n={{ int(1, 1000000000) }}&q={{ pick(\"oak\", \"linen\") }}' }]";
    let more = format!(
        "reset = '''{mark}'''\n{more}\n[feeds.rows]\nfile = \"rows.csv\"\norder = \"random\"\n\
         [customers]\n[measure]\npilot = \"100ms\"\nmax_rate = 600\nbase = 0.001\nboost = 0.002\n\
         customers = [1500]\n{measure}\n"
    );
    let study = SmallStudy::new(
        &server.url(""),
        &[("look", 20.0, look), ("find", 10.0, find)],
        &more,
    );
    let rows: String = (0..97).map(|row| format!("row{row}\n")).collect();
    study.write("rows.csv", &format!("name\n{rows}"));
    study
}

fn server() -> Server {
    Server::start(|_| Reply::text("ok"))
}

/// A measurement by workers, with a folder for each of its programs.
struct Session<'a> {
    study: &'a SmallStudy,
    folder: tempfile::TempDir,
    coordinator: Running,
    workers: Vec<Running>,
}

impl<'a> Session<'a> {
    /// Starts a measurement, which starts a broker of its own, and then a worker for each number of slots.
    fn start(study: &'a SmallStudy, slots: &[usize], more: &[&str]) -> Self {
        let mut session = Self::waiting(study, slots.len(), more);
        for (index, slots) in slots.iter().enumerate() {
            session.add_worker(&format!("w{index}"), *slots);
        }
        session
    }

    /// Starts a measurement that waits for workers.
    fn waiting(study: &'a SmallStudy, workers: usize, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(BINARY);
        command.args(confirmed(&["measure"])).arg(&study.path);
        command.args(["--workers", &workers.to_string()]).args(more);
        let mut session = Self {
            study,
            coordinator: start_command(command, &place(folder.path(), "coordinator")),
            workers: Vec::new(),
            folder,
        };
        session.coordinator.wait_for(JOIN);
        session
    }

    /// Starts a worker by the line that was printed.
    fn add_worker(&mut self, name: &str, slots: usize) {
        let line = worker_line(&self.coordinator);
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec {line} --name {name} --slots {slots}")]);
        self.workers
            .push(start_command(command, &place(self.folder.path(), name)));
    }

    /// Waits until the ramp step has begun.
    fn wait_for_ramp(&mut self, server: &Server) {
        // The pilot, the idle step, the base step and the boosted ones are over.
        let asked = || server.asked();
        let steps_before = 1 + 1 + 1 + 2;
        wait_until("the ramp step runs", || {
            let asked = asked();
            let marks = asked.iter().filter(|one| one.path == "/mark").count();
            let last = asked.iter().rposition(|one| one.path == "/mark");
            marks == steps_before && last.is_some_and(|last| asked.len() > last + 20)
        });
    }

    /// Waits until all have ended well; what was measured.
    fn finish(self) -> (nest_data::Measurements, String) {
        let outcome = self.coordinator.finish().expect(0);
        for worker in self.workers {
            worker.finish().expect(0);
        }
        let measured = measurements(&self.study.path);
        assert_balanced(&measured);
        (measured, outcome.stderr)
    }
}

/// The requests of the step that the server was asked for last, in order.
fn lines_of_last_step(server: &Server) -> Vec<String> {
    let lines: Vec<String> = server.asked().iter().map(|asked| asked.line()).collect();
    // The server is told once more after the last step.
    let mut steps = lines.rsplit(|line| line == MARK);
    let mut last = steps.nth(1).expect("a step").to_vec();
    last.sort();
    last
}

/// What one run sent in its ramp step, once one settled as fast as it can.
fn sent(settle_ms: u32, measure: impl Fn(&SmallStudy)) -> (Step, Vec<String>) {
    for _ in 0..MOST_ATTEMPTS {
        let server = server();
        let times = format!(
            "settle = \"{settle_ms}ms\"\nsettle_most = \"{settle_ms}ms\"\nwindow = \"400ms\"\nwindows = 2"
        );
        let study = study(&server, &times, "");
        measure(&study);
        let measured = measurements(&study.path);
        assert_balanced(&measured);
        let step = ramp(&measured)[0].clone();
        assert_eq!(
            step.total().failed + step.total().dropped,
            0,
            "{:?}",
            step.failures
        );
        if (step.settle_s - 0.85).abs() < 1e-6 {
            return (step, lines_of_last_step(&server));
        }
        println!("settled after {} s; measured again", step.settle_s);
    }
    panic!("no run of {MOST_ATTEMPTS} settled in time");
}

#[test]
fn workers_offer_the_population_of_one_process() {
    // Threads of one process are told 20 ms before where the windows begin, workers 500 ms before.
    let (alone, lines) = sent(800, |study| {
        study.run(&["measure"]).expect(0);
    });
    assert!(
        lines.len() > 150 && alone.generators.is_empty(),
        "{}",
        lines.len()
    );
    for slots in [&[4][..], &[1, 1, 1, 1], &[1, 3]] {
        let (step, theirs) = sent(300, |study| {
            Session::start(study, slots, &[]).finish();
        });
        println!("{slots:?}: schedule {}, {} requests", step.schedule, theirs.len());
        assert_eq!(step.schedule, alone.schedule, "{slots:?}");
        assert_eq!(theirs, lines, "{slots:?}");
        let mut told: Vec<usize> = step.generators.iter().map(|one| one.slots).collect();
        told.sort_unstable();
        assert_eq!(told, slots);
    }
}

#[test]
fn a_worker_that_is_killed_leaves_an_exact_ledger_and_the_others_go_on() {
    // At 100 executions a second, some ten of a worker are under way at any time.
    let server = Server::start(|asked| {
        if !MARK.contains(&asked.path) {
            sleep(Duration::from_millis(100));
        }
        Reply::text("ok")
    });
    let study = study(
        &server,
        "settle = \"300ms\"\nsettle_most = \"300ms\"\nwindow = \"6s\"\nwindows = 2",
        "",
    );
    let mut session = Session::start(&study, &[1, 1], &["--workers-min", "1"]);
    session.wait_for_ramp(&server);
    sleep(Duration::from_secs(2));
    let killed = session.workers.remove(1);
    killed.signal(Signal::SIGKILL);
    drop(killed);
    let (measured, said) = session.finish();
    assert!(said.contains("worker w1 is lost"), "{said}");
    let steps = ramp(&measured);
    let [cut, again] = steps.as_slice() else {
        panic!("{} steps of the ramp", steps.len())
    };
    assert_eq!(cut.verdict.validity, Validity::Invalid, "{:?}", cut.verdict);
    let reason = cut.verdict.reasons.join("; ");
    assert!(
        reason.contains("the worker w1 was lost") && reason.contains("more would have come due"),
        "{reason}"
    );
    let lost = cut
        .generators
        .iter()
        .find(|one| one.worker == "w1")
        .expect("it was there");
    let open = lost.lost.expect("it is lost").open;
    let of_worker: u64 = cut
        .errors
        .iter()
        .filter(|error| error.kind == "worker")
        .map(|error| error.count)
        .sum();
    println!("{reason}; {of_worker} of kind `worker`");
    // The settling was over: whatever was open had come due in the windows.
    assert!(of_worker == open && open > 0, "{of_worker} of {open}");
    assert!(cut.total().due > 20 && cut.total().balance(), "{:?}", cut.total());
    assert_eq!(
        (cut.plan.clone(), again.generators.len()),
        (again.plan.clone(), 1)
    );
    assert_eq!(again.total().failed, 0, "{:?}", again.errors);
    let reasons = again.verdict.reasons.join("; ");
    assert!(!reasons.contains("lost"), "{reasons}");
}

/// A measurement by two workers on a broker that the test has.
fn on_broker<'a>(study: &'a SmallStudy, broker: &Broker) -> Session<'a> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let on = SessionOn::on(broker, folder.path());
    let coordinator = on.measure(None, study, 2, &[]);
    let workers = ["w0", "w1"].map(|name| on.worker(None, name, &[]));
    Session {
        study,
        coordinator,
        workers: workers.into(),
        folder,
    }
}

#[test]
fn a_broker_that_is_away_for_five_seconds_costs_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut broker = Broker::start(&folder.path().join("broker"));
    let server = server();
    let study = study(
        &server,
        "settle = \"300ms\"\nsettle_most = \"300ms\"\nwindow = \"4s\"\nwindows = 2",
        "",
    );
    let mut session = on_broker(&study, &broker);
    session.wait_for_ramp(&server);
    sleep(Duration::from_secs(1));
    broker.kill();
    sleep(Duration::from_secs(5));
    broker.restart();
    let (measured, said) = session.finish();
    let steps = ramp(&measured);
    assert_eq!(steps.len(), 1, "{said}");
    let step = steps[0];
    assert_eq!(
        (step.total().failed, step.total().dropped),
        (0, 0),
        "{:?}",
        step.errors
    );
    assert!(
        step.generators.iter().all(|one| one.lost.is_none()),
        "{:?}",
        step.generators
    );
    assert!(!said.contains("lost") && !said.contains("again"), "{said}");
    // 1,500 customers at 30 executions in 200 seconds each make 225 a second.
    let due = step.total().due as f64;
    assert!(
        (due / (8.0 * 225.0) - 1.0).abs() < 0.15,
        "{due}, five deviations of a Poisson count"
    );
}

#[test]
fn whoever_has_the_wrong_password_is_told_in_the_server_s_own_words() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broker = Broker::start(&folder.path().join("broker"));
    let url = format!("nats://{}", broker.address);
    let asked = |verb: &[&str]| {
        let mut command = Command::new(BINARY);
        command
            .args(verb)
            .env("NEST_NATS_USER", "worker")
            .env("NEST_NATS_PASSWORD", "wrong");
        start_command(command, &place(folder.path(), verb[0]))
            .finish()
            .expect(1)
    };
    let server = server();
    let study = study(&server, "", "");
    let path = study.path.display().to_string();
    for outcome in [
        asked(&["worker", "--join", &url, "--session", "s"]),
        asked(&["measure", "--yes", &path, "--workers", "1", "--nats", &url]),
    ] {
        outcome.says("authorization violation").says("NEST_NATS_PASSWORD");
        assert!(!outcome.stderr.contains("wrong"), "{}", outcome.stderr);
    }
}

#[test]
fn a_worker_refuses_what_it_was_not_started_for_before_any_step() {
    let server = server();
    // A proxy that nobody will reach: it is refused before.
    let away = "allow_hosts = [\"203.0.113.7\"]\nproxy = \"http://203.0.113.7:3128\"";
    for (more, option, said) in [
        (away, "--slots 1", "start it with --allow-host 203.0.113.7"),
        ("", "--slots 1 --max-rate 10", "above its --max-rate 10"),
    ] {
        let study = study(&server, "", more);
        let mut session = Session::waiting(&study, 1, &[]);
        let line = line_without_hosts(&session.coordinator);
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec {line} --name w0 {option}")]);
        let worker = start_command(command, &place(session.folder.path(), "w0"));
        session.coordinator.wait_for("refuses");
        let outcome = session.coordinator.finish().expect(3);
        outcome.says(said).says("the worker w0 refuses");
        worker.finish().expect(0);
    }
    let loaded = server.asked().iter().any(|asked| asked.path.starts_with("/look"));
    assert!(!loaded, "nothing was sent");
}

/// The printed line without the hosts that the study asks for.
fn line_without_hosts(coordinator: &Running) -> String {
    let line = worker_line(coordinator);
    line.split(" --allow-host ")
        .next()
        .expect("the first part")
        .to_owned()
}

#[test]
fn another_build_may_not_join_and_whoever_is_missing_is_counted() {
    let server = server();
    let study = study(&server, "", "");
    let mut session = Session::waiting(&study, 2, &["--wait", "20s"]);
    session.add_worker("same", 1);
    session.coordinator.wait_for("worker same joined");
    let other = session.folder.path().join("other-build");
    let mut program = fs::read(BINARY).expect("the program is there");
    program.push(b'\n');
    fs::write(&other, program).expect("a temporary folder");
    fs::set_permissions(&other, fs::metadata(BINARY).expect("it is there").permissions()).expect("ours");
    let line = line_without_hosts(&session.coordinator);
    let arguments: Vec<&str> = line.split_whitespace().skip(1).collect();
    let place = place(session.folder.path(), "other");
    let refused = run(&other, &place, &[&arguments[..], &["--name", "other"]].concat()).expect(7);
    refused
        .says("it is build")
        .says("run the same program on all machines");
    let twice = nest(&place, &[&arguments[..], &["--name", "same"]].concat()).expect(7);
    twice.says("the name same is already in use");
    let outcome = session.coordinator.finish().expect(6);
    outcome
        .says("1 of 2 workers joined within 20 s: same")
        .says("worker other was not let in");
    assert!(Path::new(&study.path).join("nest.toml").exists());
}
