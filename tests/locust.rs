//! A locustfile under our steps, with a real Locust, against the demo shop's own ledger.

mod files;
mod stall;

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use nest_data::measurement::{Measurements, Purpose, Step, Validity};
use nest_target::Ledger;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::support::{
    Children, Outcome, Running, assert_balanced, change, free_address, measurements, nest, repository,
    start_silent, steps_for, wait_for_listener, wait_until,
};

/// The tasks that the study has, by behaviour of the shop.
const TASKS: [&str; 2] = ["browse", "pay"];

/// The Python whose Locust `tests/run` installs.
fn python() -> PathBuf {
    let python = repository().join("target/locust/newest/bin/python");
    assert!(
        python.exists(),
        "{} is missing: tests/run installs it",
        python.display()
    );
    python
}

/// A study of a shop that runs, whose behaviours are tasks of a locustfile. Between steps a command keeps
/// what the shop has booked.
struct LocustStudy {
    folder: tempfile::TempDir,
    _running: Children,
}

impl LocustStudy {
    /// `locust` becomes part of `[locust]`, `more` the end of nest.toml.
    fn new(locust: &str, customers: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let shop = free_address();
        let mut command = Command::new(crate::support::BINARY);
        command.args([
            "shop",
            "--listen",
            &shop.to_string(),
            "--cores",
            "0",
            "--items",
            "100",
        ]);
        let running = Children(vec![start_silent(command)]);
        wait_for_listener(shop, true);
        let study = folder.path().join("study");
        fs::create_dir(&study).expect("a temporary folder");
        let source = repository().join("models/locust-shop/locustfile.py");
        fs::copy(source, study.join("locustfile.py")).expect("the example is there");
        let text = format!(
            "nest = 1\n[study]\nname = \"shop\"\ncustomer = \"anybody\"\nseed = 7\n\
             [target]\nbase_url = \"http://{shop}\"\n\
             reset = \"curl -s http://{shop}/ledger >> ledgers; echo >> ledgers\"\n\
             [locust]\nfile = \"locustfile.py\"\npython = \"{}\"\n{locust}\n\
             [locust.behaviours]\nbrowse = \"Shop.browse\"\npay = \"Shop.pay\"\nlogin = \"Shop.on_start\"\n\
             [rates]\nbrowse = \"20 / day\"\npay = \"2 / day\"\nlogin = \"1 / day\"\n\
             [customers]\npeak_hour_share = 1.0\nburst = 18\n{customers}\n\
             [measure]\nwindow = \"1s\"\nwindows = 2\nsettle = \"1s\"\npilot = \"500ms\"\n\
             ramp = [\"20%\", \"30%\"]\nmax_rate = 300\n",
            python().display()
        );
        fs::write(study.join("nest.toml"), text).expect("a temporary folder");
        Self {
            folder,
            _running: running,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("study")
    }

    fn run(&self, verb: &[&str]) -> Outcome {
        nest(self.folder.path(), &[verb, &["study", "--yes"]].concat())
    }

    fn start(&self) -> Running {
        crate::support::start(self.folder.path(), &["measure", "study", "--yes"])
    }

    /// What the shop had booked of each execution at the end of the pilot, and of each step.
    fn ledgers(&self) -> Vec<Ledger> {
        let text = fs::read_to_string(self.path().join("ledgers")).expect("the reset command wrote it");
        let read = |line: &str| serde_json::from_str(line).expect("a ledger of the shop");
        text.lines().filter(|line| !line.is_empty()).map(read).collect()
    }

    /// Checks that what every step counted is what the shop booked meanwhile.
    #[track_caller]
    fn assert_exact(&self) -> Measurements {
        let measured = measurements(&self.path());
        assert_balanced(&measured);
        let ledgers = self.ledgers();
        assert_eq!(
            ledgers.len(),
            measured.steps.len() + 1,
            "one after the pilot, and after each step"
        );
        for (step, pair) in measured.steps.iter().zip(ledgers.windows(2)) {
            let booked = executions(&pair[1]) - executions(&pair[0]);
            let (counted, lost) = (executed(step), lost(step));
            if lost > 0 {
                println!(
                    "{}: {booked} booked, {counted} counted, {lost} of them lost",
                    step.plan.label()
                );
            }
            assert!(
                (counted - lost..=counted).contains(&booked),
                "{}: {booked} booked, {counted} counted, {lost} of them lost with a process: {:?}",
                step.plan.label(),
                step.errors
            );
        }
        measured
    }
}

/// A study of some server, whose behaviours are tasks of a locustfile.
struct OwnStudy {
    folder: tempfile::TempDir,
}

impl OwnStudy {
    /// `customers` is the end of `[customers]`, and of nest.toml.
    fn new(base_url: &str, file: &str, behaviours: &str, rates: &str, customers: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let study = folder.path().join("study");
        fs::create_dir(&study).expect("a temporary folder");
        let text = format!(
            "nest = 1\n[study]\nname = \"own\"\ncustomer = \"anybody\"\nseed = 7\n\
             [target]\nbase_url = \"{base_url}\"\n\
             [locust]\nfile = \"locustfile.py\"\npython = \"{}\"\n\
             [locust.behaviours]\n{behaviours}[rates]\n{rates}\
             [customers]\npeak_hour_share = 1.0\nburst = 18\n{customers}",
            python().display()
        );
        fs::write(study.join("nest.toml"), text).expect("a temporary folder");
        fs::write(study.join("locustfile.py"), file).expect("a temporary folder");
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("study")
    }

    fn measure(&self) -> Outcome {
        nest(self.folder.path(), &["measure", "study", "--yes"])
    }
}

fn executions(ledger: &Ledger) -> u64 {
    ledger.behaviours.values().map(|entry| entry.executions).sum()
}

/// Executions that a step counts, but for those that never began.
fn executed(step: &Step) -> u64 {
    let counts = step.executions.values().chain([&step.settling]);
    counts.map(|counts| counts.completed + counts.failed).sum()
}

/// Those of them of which nobody knows whether the target did them, because their process is gone.
fn lost(step: &Step) -> u64 {
    let is_lost = step
        .verdict
        .reasons
        .iter()
        .any(|reason| reason.contains("of its executions were under way"));
    if !is_lost {
        return 0;
    }
    let errors = step.errors.iter().filter(|error| error.kind == "worker");
    errors.map(|error| error.count).sum::<u64>() + step.settling.failed
}

fn loaded(measured: &Measurements) -> impl Iterator<Item = &Step> {
    measured
        .steps
        .iter()
        .filter(|step| step.plan.purpose != Purpose::Idle)
}

/// The Locust processes that a run has started.
fn generators(run: &Running) -> Vec<Pid> {
    let children = Command::new("ps")
        .args(["--ppid", &run.pid().to_string(), "-o", "pid=,args="])
        .output()
        .expect("ps is there");
    let text = String::from_utf8(children.stdout).expect("text");
    let lines = text.lines().filter(|line| line.contains("-m locust"));
    lines
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .map(Pid::from_raw)
        .collect()
}

#[test]
fn load_a_locustfile_is_measured_and_priced_like_any_study() {
    let study = LocustStudy::new("", "");
    study.run(&["measure"]).expect(0);
    let measured = study.assert_exact();
    for task in TASKS {
        assert!(loaded(&measured).any(|step| {
            step.executions
                .get(task)
                .is_some_and(|counts| counts.completed > 10)
        }));
    }
    let base = steps_for(&measured, Purpose::Base);
    assert!(
        base.iter()
            .all(|step| !step.schedule.trim_matches('0').is_empty()),
        "arrivals are scheduled"
    );
    nest(study.folder.path(), &["fit", "study"]).expect(0);
}

#[test]
fn load_what_two_processes_execute_is_counted_exactly() {
    let study = LocustStudy::new("processes = 2", "");
    study.run(&["measure"]).expect(0);
    study.assert_exact();
}

#[test]
fn load_users_as_they_are_written_are_counted_exactly() {
    let study = LocustStudy::new("", "arrival = \"closed\"\nthink = \"1s\"");
    // Users do all that the file has, and only what the study names is counted.
    let nest = study.path().join("nest.toml");
    let named = "login = \"Shop.on_start\"\n";
    let all = format!("{named}search = \"Shop.search\"\nreceipt = \"Shop.receipt\"\n");
    change(&nest, named, &all);
    let rate = "login = \"1 / day\"\n";
    change(
        &nest,
        rate,
        &format!("{rate}search = \"6 / day\"\nreceipt = \"0.5 / day\"\n"),
    );
    study.run(&["measure"]).expect(0);
    let measured = study.assert_exact();
    assert!(
        loaded(&measured).any(|step| step
            .population
            .is_some_and(|population| population.planned == population.reached)),
        "users of every class are there"
    );
    let boosted = steps_for(&measured, Purpose::Boosted);
    assert!(!boosted.is_empty());
    assert!(
        boosted
            .iter()
            .all(|step| step.plan.boosted.as_deref() != Some("login")),
        "a user logs in once, however often it is to come"
    );
}

#[test]
fn load_workers_of_a_master_share_the_arrivals() {
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port();
    let study = LocustStudy::new(&format!("master = \"127.0.0.1:{port}\"\nworkers = 2"), "");
    let workers = Children((0..2).map(|_| worker(study.folder.path(), port)).collect());
    study.run(&["measure"]).expect(0);
    study.assert_exact();
    drop(workers);
}

/// A worker of a Locust master, which gets our files and the locustfile from it.
fn worker(folder: &Path, port: u16) -> Child {
    let own = tempfile::tempdir_in(folder).expect("a temporary folder").keep();
    let mut command = Command::new(python());
    command
        .args([
            "-m",
            "locust",
            "-f",
            "-",
            "--worker",
            "--master-host",
            "127.0.0.1",
            "--master-port",
        ])
        .arg(port.to_string())
        .current_dir(&own)
        .env("TMPDIR", &own)
        .stdin(Stdio::null());
    start_silent(command)
}

#[test]
fn load_a_generator_that_is_killed_or_stopped_spoils_its_step_alone() {
    for signal in [Signal::SIGKILL, Signal::SIGSTOP] {
        let study = LocustStudy::new("", "");
        let mut run = study.start();
        run.wait_for("step 2 of");
        let hurt = generators(&run);
        assert_eq!(hurt.len(), 1, "{}", run.stderr());
        std::thread::sleep(Duration::from_millis(1_500));
        kill(hurt[0], signal).expect("it is there");
        if signal == Signal::SIGSTOP {
            wait_until("it is given up", || !run.is_running() || generators(&run) != hurt);
        }
        run.finish().expect(0);
        let measured = study.assert_exact();
        let invalid: Vec<&Step> = loaded(&measured)
            .filter(|step| step.verdict.validity == Validity::Invalid)
            .collect();
        assert!(
            (1..=2).contains(&invalid.len()),
            "{signal}: a step and its neighbour at most"
        );
        let broken = invalid
            .iter()
            .find(|step| lost(step) > 0)
            .expect("it says what was lost");
        println!("{signal}: {:?}", broken.verdict.reasons);
        if signal == Signal::SIGKILL {
            // What was under way, and what came due within some hundredths of a second.
            let (lost, executed) = (lost(broken), executed(broken));
            assert!(lost * 4 <= executed, "{lost} of {executed}");
        }
    }
}

#[test]
fn what_cannot_run_is_refused_with_its_place_and_a_remedy() {
    let study = LocustStudy::new("", "");
    let refused = |from: &str, to: &str, file: &str, parts: &[&str]| {
        let path = study.path().join(file);
        let kept = fs::read_to_string(&path).expect("a file of the study");
        change(&path, from, to);
        let outcome = study.run(&["measure"]).expect(3);
        for part in parts {
            outcome.says(part);
        }
        fs::write(&path, kept).expect("a temporary folder");
    };
    refused(
        "pay = \"Shop.pay\"",
        "pay = \"Shop.pya\"",
        "nest.toml",
        &[
            "Shop.pya, which the locustfile does not have",
            "did you mean Shop.pay?",
        ],
    );
    refused(
        "import random\n",
        "import random\nimport no_such_module\n",
        "locustfile.py",
        &[
            "locustfile.py:4: ModuleNotFoundError",
            "hint: install the package",
        ],
    );
    study
        .run(&["measure", "--workers", "2"])
        .expect(2)
        .says("workers cannot run the tasks of a locustfile")
        .says("leave out --workers");
    let nowhere = format!("python = \"{}\"", python().display());
    refused(
        &nowhere,
        "python = \"no-such-python\"",
        "nest.toml",
        &["no-such-python cannot be run", "venv"],
    );
    refused(
        &nowhere,
        "python = \"/usr/bin/false\"",
        "nest.toml",
        &["/usr/bin/false -m locust ended"],
    );
    refused(
        "file = \"locustfile.py\"",
        "file = \"locustfile.py\"\nargs = [\"--users=5\"]",
        "nest.toml",
        &["--users is not passed on", "nest.toml:"],
    );
    refused(
        "file = \"locustfile.py\"",
        "file = \"other.py\"",
        "nest.toml",
        &["other.py is not in the study's folder"],
    );
    refused(
        "burst = 18\n",
        "burst = 18\narrival = \"partly-open\"\nsession = { behaviours = 3 }\nthink = \"1s\"\n",
        "nest.toml",
        &["arrival \"open\" or \"closed\""],
    );
}

#[test]
fn init_lists_the_tasks_with_their_weights_as_rates() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = repository().join("models/locust-shop/locustfile.py");
    fs::copy(source, folder.path().join("locustfile.py")).expect("the example is there");
    let python = python();
    let python = python.to_str().expect("a path of text");
    let outcome = nest(
        folder.path(),
        &[
            "init",
            "--locust",
            "locustfile.py",
            "--python",
            python,
            "--per-day",
            "26.8",
            "--url",
            "http://127.0.0.1:9/",
        ],
    )
    .expect(0);
    outcome
        .says("4 tasks of locustfile.py")
        .says("the rates are assumed");
    let text = fs::read_to_string(folder.path().join("nest.toml")).expect("written");
    for part in [
        "browse = \"Shop.browse\"",
        "browse = \"20 / day\"",
        "search = \"6 / day\"",
        "pay = \"0.3 / day\"",
        "receipt = \"0.5 / day\"",
        "# shop_on_start = \"Shop.on_start\"",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    nest(folder.path(), &["measure", "--plan", "--dry"]).expect(0);
    let again = nest(
        folder.path(),
        &["init", "--locust", "locustfile.py", "--python", python],
    )
    .expect(1);
    again.says("already exists");
}

#[test]
fn init_opens_a_model_folder_of_2018() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let models = folder.path().join("models");
    let source = repository().join("crates/nest-load/tests/locust/files/folder_2018");
    let copied = Command::new("cp").arg("-r").arg(source).arg(&models).status();
    assert!(copied.expect("cp is there").success());
    let python = python();
    let python = python.to_str().expect("a path of text");
    nest(folder.path(), &["init", "--locust", "models", "--python", python]).expect(0);
    let text = fs::read_to_string(folder.path().join("nest.toml")).expect("written");
    for part in [
        "file = \"models\"",
        "look_up = \"Clerk.look_up\"",
        "tour = \"Tour\"",
        "audit = \"Auditor.audit\"",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!text.contains("Retired") && !text.contains("leave"), "{text}");
}
