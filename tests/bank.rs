//! Behaviours in code, by the program of `models/bank`, on a PostgreSQL that is started here.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::Duration,
};

use nest_data::measurement::{Measurements, Purpose};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use crate::support::{
    BINARY, SHORT, assert_balanced, confirmed, copy_study, free_address, measurements, nest,
    quiet::{until_usable, usable},
    repository, run, scaling, start_program, start_silent, wait_until, without_start,
};

/// What start.sh puts on all accounts, in cents.
const MONEY: i64 = 10_000 * 100_000;

/// A copy of the study on a free port.
struct Bank {
    study: PathBuf,
    port: u16,
    program: PathBuf,
}

/// A server that the test started, with its database. Ended when dropped.
struct Server(Child);

impl Bank {
    fn new(folder: &Path) -> Self {
        let program = Path::new(BINARY).with_file_name("bank");
        assert!(
            program.is_file(),
            "{} is missing: tests/run builds the whole workspace",
            program.display()
        );
        Self {
            study: copy_study("bank", folder),
            port: free_address().port(),
            program,
        }
    }

    /// Arguments of a verb on the study, with overrides.
    fn arguments(&self, verb: &[&str], overrides: &[&str]) -> Vec<String> {
        let moved = [
            format!("target.base_url={}", self.url()),
            format!("probes.db.port={}", self.port),
        ];
        let overrides = moved.iter().map(String::as_str).chain(overrides.iter().copied());
        let given = overrides.flat_map(|one| ["--set".to_owned(), one.to_owned()]);
        let verb = confirmed(verb).into_iter().map(str::to_owned);
        verb.chain([self.study.display().to_string()])
            .chain(given)
            .collect()
    }

    fn url(&self) -> String {
        format!("postgres://127.0.0.1:{}/bank", self.port)
    }

    /// Starts the server outside of the study.
    fn serve(&self) -> Server {
        let mut command = Command::new(repository().join("models/bank/start.sh"));
        command.env("BANK_PORT", self.port.to_string());
        let mut server = Server(start_silent(command));
        wait_until("the bank's server listens", || {
            let ended = server.0.try_wait().expect("it was started here");
            assert!(
                ended.is_none(),
                "start.sh ended: {ended:?}; tests/run installs PostgreSQL"
            );
            TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        });
        server
    }

    /// The only value that a query gives.
    fn asked(&self, query: &str) -> i64 {
        let address = [
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-U",
            "bank",
            "-At",
            "-c",
            query,
            "bank",
        ]
        .map(str::to_owned);
        let output = Command::new("psql")
            .args(address)
            .output()
            .expect("psql comes with PostgreSQL; tests/run installs it");
        String::from_utf8_lossy(&output.stdout)
            .trim()
            .parse()
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
    }
}

impl Server {
    /// Ends it as an operator would.
    fn end(&mut self) {
        // It may have been ended before.
        let _ = kill(Pid::from_raw(self.0.id() as i32), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Checks that every request is named by code and counted as such.
#[track_caller]
fn assert_endpoints(measured: &Measurements) {
    let loaded = measured
        .steps
        .iter()
        .filter(|step| step.plan.purpose != Purpose::Idle);
    for step in loaded {
        assert!(
            step.endpoints
                .iter()
                .all(|endpoint| endpoint.path.as_deref() == Some("code") && endpoint.requests.balance()),
            "{:?}",
            step.endpoints
        );
        for (behaviour, name) in [
            ("balance", "read"),
            ("statement", "list"),
            ("transfer", "begin"),
            ("transfer", "update"),
            ("transfer", "commit"),
        ] {
            let found = step
                .endpoints
                .iter()
                .find(|endpoint| endpoint.behaviour == behaviour && endpoint.name == name);
            assert!(
                found.is_some_and(|endpoint| endpoint.requests.completed > 0),
                "{behaviour} {name} in {}",
                step.plan.label()
            );
        }
    }
}

#[test]
fn the_behaviour_in_the_documentation_is_the_one_of_the_example() {
    let read = |path: &str| fs::read_to_string(repository().join(path)).expect("it is there");
    let page = read("docs/behaviours-in-code.md");
    let source = read("models/bank/src/main.rs");
    let code = page
        .split_once("```rust\n")
        .and_then(|(_, rest)| rest.split_once("```"))
        .expect("it has code")
        .0;
    assert!(
        code.contains("impl Behaviour for") && source.contains(code),
        "{code}"
    );
}

#[test]
fn load_behaviours_in_code_are_walked_the_whole_way_against_postgresql() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bank = Bank::new(folder.path());
    let start = format!("target.start=BANK_PORT={} exec ./start.sh", bank.port);
    let overrides: Vec<&str> = SHORT
        .into_iter()
        .chain(["measure.max_rate=800", &start])
        .collect();
    let measure = |options: &[&str]| {
        run(
            &bank.program,
            folder.path(),
            &bank.arguments(&[&["measure"], options].concat(), &overrides),
        )
        .expect(0)
    };
    let plan = measure(&["--plan"]).stdout;
    assert!(plan.contains("boosted transfer"), "{plan}");
    let study = bank.study.to_str().expect("UTF-8");
    let verb = |verb: &[&str]| run(&bank.program, folder.path(), &[verb, &[study]].concat());
    let fitted = until_usable(|| {
        measure(&[]);
        let measured = measurements(&bank.study);
        assert_balanced(&measured);
        assert_endpoints(&measured);
        usable(verb(&["fit"]))
    });
    if fitted.is_none() {
        return;
    }
    let model = scaling(&bank.study);
    let processor = model
        .resources
        .iter()
        .find(|resource| resource.name == "db/cpu")
        .expect("PostgreSQL's processes were read");
    let demand = |behaviour: &str| processor.demand[behaviour].value;
    println!(
        "db/cpu: balance {:.6} s, transfer {:.6} s",
        demand("balance"),
        demand("transfer")
    );
    assert!(
        demand("balance") > 0.0 && demand("transfer") > demand("balance"),
        "{:?}",
        processor.demand
    );
    run(
        &bank.program,
        folder.path(),
        &bank.arguments(&["project"], &overrides),
    )
    .expect(0);
    verb(&["report"]).expect(0);
    assert!(bank.study.join("reports/report.html").is_file());
    assert!(verb(&["runs", "list"]).expect(0).stdout.contains("finished"));

    // Without the code, the figures can be fitted and reported, and what needs the behaviours says where they
    // are.
    nest(folder.path(), &["fit", study]).expect(0);
    nest(folder.path(), &["report", study]).expect(0);
    nest(folder.path(), &["project", study])
        .expect(3)
        .says("`transfer` has a rate")
        .says("cargo run --manifest-path");
}

#[test]
fn money_is_conserved_by_every_transfer_that_is_counted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bank = Bank::new(folder.path());
    let _server = bank.serve();
    let before = bank.asked("select count(*) from entries");
    let load = [
        "load",
        &bank.url(),
        "--behaviour",
        "transfer",
        "--customers",
        "8",
        "--requests",
        "2000",
        "--format",
        "json",
    ];
    let loaded: Value =
        serde_json::from_str(&run(&bank.program, folder.path(), &load).expect(0).stdout).expect("JSON");
    assert_eq!(
        loaded["executions"],
        serde_json::json!({ "due": 2000, "completed": 2000, "failed": 0, "dropped": 0 })
    );
    assert_eq!(bank.asked("select count(*) from entries") - before, 2000);
    assert_eq!(bank.asked("select sum(cents) from accounts"), MONEY);
    assert!(bank.asked("select count(*) from accounts where cents <> 100000") > 0);
    // One connection for each customer, and five requests of five kinds beside it.
    let due = |name: &str| {
        let endpoints = loaded["endpoints"].as_array().expect("a list");
        endpoints
            .iter()
            .find(|endpoint| endpoint["name"] == name)
            .and_then(|endpoint| endpoint["requests"]["due"].as_u64())
    };
    assert_eq!(
        (due("connect"), due("begin"), due("update"), due("commit")),
        (Some(8), Some(2000), Some(4000), Some(2000))
    );

    run(&bank.program, folder.path(), &["load", &bank.url()])
        .expect(2)
        .says("not over postgres")
        .says("--behaviour");
    nest(folder.path(), &["load", &bank.url(), "--behaviour", "transfer"])
        .expect(1)
        .says("cannot read behaviour");
}

#[test]
fn a_database_that_dies_gives_failures_and_then_a_message() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bank = Bank::new(folder.path());
    let mut server = bank.serve();
    let load = [
        "load",
        &bank.url(),
        "--behaviour",
        "transfer",
        "--customers",
        "8",
        "--for",
        "4s",
        "--warm-up",
        "0s",
        "--format",
        "json",
    ];
    let loading = start_program(&bank.program, folder.path(), &load);
    let entries = bank.asked("select count(*) from entries");
    while bank.asked("select count(*) from entries") == entries {}
    // By then the customers may still be settling, and what they do is not of the window yet.
    thread::sleep(Duration::from_secs(1));
    server.end();
    let loaded: Value = serde_json::from_str(&loading.finish().expect(0).stdout).expect("JSON");
    let count = |name: &str| loaded["executions"][name].as_u64().expect("a count");
    assert!(count("failed") > 0 && count("completed") > 0, "{loaded}");
    assert_eq!(
        count("due"),
        count("completed") + count("failed") + count("dropped")
    );
    assert!(
        loaded["errors"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|error| error["kind"] == "connect"),
        "{}",
        loaded["errors"]
    );
    run(&bank.program, folder.path(), &load).expect(6).says("is down");

    let mut server = bank.serve();
    without_start(&bank.study);
    let mut measuring = start_program(
        &bank.program,
        folder.path(),
        &bank.arguments(&["measure"], &SHORT),
    );
    measuring.wait_for("step 3 of");
    server.end();
    measuring
        .finish()
        .expect(6)
        .says("the target was no longer there in the step")
        .says("--resume");
}
