//! Runs the binary in a folder of its own.

pub mod broker;
pub mod browser;
pub mod checked;
pub mod documented;
pub mod fleet;
pub mod namespaces;
pub mod nginx;
pub mod quiet;
pub mod relay;
pub mod server;
pub mod tap;

use std::{
    ffi::OsStr,
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::Duration,
};

use nest_data::{
    Document, Measurements, Projection, ScalingModel,
    measurement::{Purpose, Step},
    scaling::ThroughputLaw,
    study::Parameter,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_locust-nest");
/// Where it keeps what it remembers, instead of the home folder of whoever runs the tests.
const STATE: (&str, &str) = ("XDG_STATE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/state"));
/// How long the test sleeps between two checks of a condition that it waits for.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Checks after which the test gives up: five minutes.
const MOST_POLLS: usize = 15_000;

/// The top of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the repository is there")
}

/// What a run of the binary gave.
#[derive(Debug)]
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    pub fn from_output(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Fails the test if the exit code is another one, and shows everything that was printed.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "stdout:\n{}\nstderr:\n{}",
            self.stdout, self.stderr
        );
        self
    }

    /// Fails the test if stderr does not contain a text.
    #[track_caller]
    pub fn says(&self, part: &str) -> &Self {
        assert!(self.stderr.contains(part), "{part:?} is not in\n{}", self.stderr);
        self
    }
}

/// Runs the binary in `folder`.
pub fn nest(folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Outcome {
    run(Path::new(BINARY), folder, arguments)
}

/// Runs a program in `folder`.
pub fn run(program: &Path, folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Outcome {
    Outcome::from_output(
        Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .env(STATE.0, STATE.1)
            .output()
            .expect("the program runs"),
    )
}

/// The arguments of a verb whose commands, if its study has some, may run.
pub fn confirmed<'a>(verb: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = verb.to_vec();
    if verb
        .first()
        .is_some_and(|verb| matches!(*verb, "measure" | "all"))
    {
        arguments.push("--yes");
    }
    arguments
}

/// What `load` prints as JSON, after it ended with `code`.
#[track_caller]
pub fn load(folder: &Path, arguments: &[&str], code: i32) -> serde_json::Value {
    let outcome = nest(folder, &[&["load", "--format", "json"], arguments].concat()).expect(code);
    serde_json::from_str(&outcome.stdout).expect("JSON")
}

/// Checks that everything that was due in a load is accounted for: `due = completed + failed + dropped`.
#[track_caller]
pub fn assert_load_balanced(load: &serde_json::Value) {
    for counts in [&load["executions"], &load["requests"], &load["settling"]] {
        let count = |name: &str| counts[name].as_u64().expect("a count");
        assert_eq!(
            count("due"),
            count("completed") + count("failed") + count("dropped"),
            "{load:#}"
        );
    }
}

/// Starts the binary in `folder`, with its output in files there.
pub fn start(folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Running {
    start_program(Path::new(BINARY), folder, arguments)
}

/// Starts a program in `folder`, with its output in files there.
pub fn start_program(program: &Path, folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Running {
    let mut command = Command::new(program);
    command.args(arguments);
    start_command(command, folder)
}

/// Starts a command in `folder`, with its output in files there.
pub fn start_command(mut command: Command, folder: &Path) -> Running {
    let file = |name: &str| fs::File::create(folder.join(name)).expect("a file in a temporary folder");
    let child = command
        .current_dir(folder)
        .env(STATE.0, STATE.1)
        .stdout(file("stdout"))
        .stderr(file("stderr"))
        .spawn()
        .expect("the program runs");
    Running {
        child,
        folder: folder.to_owned(),
    }
}

/// The binary while it runs. Killed when dropped.
pub struct Running {
    child: Child,
    folder: PathBuf,
}

impl Running {
    /// What it has written to stderr so far.
    pub fn stderr(&self) -> String {
        fs::read_to_string(self.folder.join("stderr")).unwrap_or_default()
    }

    /// Waits until its stderr contains a text; fails the test if it ends before that.
    #[track_caller]
    pub fn wait_for(&mut self, part: &str) {
        for _ in 0..MOST_POLLS {
            if self.stderr().contains(part) {
                return;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                assert!(
                    self.stderr().contains(part),
                    "it ended with {status} before it wrote {part:?}:\n{}",
                    self.stderr()
                );
                return;
            }
            sleep(POLL_INTERVAL);
        }
        panic!("it never wrote {part:?}:\n{}", self.stderr());
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("it is still there");
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Outcome {
        let status = self.child.wait().expect("it was started here");
        let stdout = fs::read_to_string(self.folder.join("stdout")).unwrap_or_default();
        Outcome {
            code: status.code().unwrap_or(-1),
            stdout,
            stderr: self.stderr(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A loopback address that is free at this moment.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("a free port")
}

/// Waits until something listens at an address, or until nothing does.
#[track_caller]
pub fn wait_for_listener(address: SocketAddr, listens: bool) {
    wait_until(&format!("{address} listens: {listens}"), || {
        TcpStream::connect(address).is_ok() == listens
    });
}

/// Waits until a condition is true; fails the test if that takes more than five minutes.
#[track_caller]
pub fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    for _ in 0..MOST_POLLS {
        if is_true() {
            return;
        }
        sleep(POLL_INTERVAL);
    }
    panic!("this never came true: {what}");
}

/// A copy of one of the repository's studies, without what was measured.
pub fn copy_study(name: &str, to: &Path) -> PathBuf {
    let from = repository().join("models").join(name);
    let study = to.join(name);
    fs::create_dir_all(study.join("behaviours")).expect("a temporary folder");
    // Behaviours are files, unless they are code.
    let behaviours = fs::read_dir(from.join("behaviours")).into_iter().flatten();
    for entry in fs::read_dir(&from)
        .expect("the study is there")
        .chain(behaviours)
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.is_file() && path.extension().is_none_or(|extension| extension != "json"))
    {
        let place = study.join(entry.strip_prefix(&from).expect("below the study"));
        fs::copy(&entry, place).expect("copied");
    }
    study
}

/// The demo shop's study in `folder`, on a free port.
pub struct ShopStudy {
    pub path: PathBuf,
    pub address: SocketAddr,
}

impl ShopStudy {
    /// A copy of `models/shop`.
    pub fn new(folder: &Path) -> Self {
        Self {
            path: copy_study("shop", folder),
            address: free_address(),
        }
    }

    /// Arguments of a verb on it, the target started by the study with more `shop` options.
    pub fn arguments(&self, verb: &[&str], shop: &str, overrides: &[&str]) -> Vec<String> {
        let start = format!(
            "target.start='''exec \"$LOCUST_NEST\" shop --listen {} --cores 0 {shop}'''",
            self.address
        );
        let base = format!("target.base_url=http://{}", self.address);
        let mut arguments: Vec<String> = confirmed(verb).iter().map(ToString::to_string).collect();
        arguments.push(self.path.display().to_string());
        for one in [start.as_str(), base.as_str()]
            .into_iter()
            .chain(overrides.iter().copied())
        {
            arguments.extend(["--set".to_owned(), one.to_owned()]);
        }
        arguments
    }

    /// The study with some of the shop's behaviours only: fewer boosted steps, for tests that need no more.
    pub fn with_behaviours(folder: &Path, kept: &[&str]) -> Self {
        let study = Self::new(folder);
        let path = study.path.join("nest.toml");
        let mut text = fs::read_to_string(&path).expect("the copy is there");
        for entry in fs::read_dir(study.path.join("behaviours")).expect("the copy is there") {
            let file = entry.expect("readable").path();
            let name = file.file_stem().and_then(OsStr::to_str).expect("UTF-8");
            if !kept.contains(&name) {
                let rate = text
                    .lines()
                    .find(|line| line.starts_with(&format!("{name} = \"")));
                text = replaced(
                    &text,
                    &format!("{}\n", rate.expect("every behaviour has a rate")),
                    "",
                );
                text = without_fee_of(&text, name);
                fs::remove_file(&file).expect("the copy can be changed");
            }
        }
        fs::write(path, text).expect("the copy can be written");
        study
    }

    /// Takes the start command out of the study, for tests that start the shop themselves.
    pub fn without_start(&self) {
        without_start(&self.path);
    }
}

/// A study's text without the fees of a behaviour: each is a table up to the next empty line.
fn without_fee_of(text: &str, behaviour: &str) -> String {
    let of_it = format!("behaviour = \"{behaviour}\"");
    let is_fee = |paragraph: &&str| paragraph.contains("[fees.") && paragraph.contains(&of_it);
    let kept: Vec<&str> = text
        .split("\n\n")
        .filter(|paragraph| !is_fee(paragraph))
        .collect();
    kept.join("\n\n")
}

/// A study of a server that is there, in a folder of its own: its behaviours by name, rate per day and text.
pub struct SmallStudy {
    pub path: PathBuf,
    folder: tempfile::TempDir,
}

impl SmallStudy {
    /// `more` becomes the end of nest.toml. It must contain `[customers]`, which gets `peak_hour_share`
    /// and `burst`: with them a customer executes a behaviour of 20 a day once in ten seconds of the busiest
    /// minute.
    pub fn new(base_url: &str, behaviours: &[(&str, f64, &str)], more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("study");
        fs::create_dir_all(path.join("behaviours")).expect("a temporary folder");
        let more = replaced(
            more,
            "[customers]",
            "[customers]\npeak_hour_share = 1.0\nburst = 18",
        );
        let rates: String = behaviours
            .iter()
            .map(|(name, rate, _)| format!("{name} = \"{rate} / day\"\n"))
            .collect();
        let text = format!(
            "nest = 1\n[study]\nname = \"small\"\ncustomer = \"anybody\"\nseed = 7\n\
             [rates]\n{rates}[target]\nbase_url = \"{base_url}\"\n{more}"
        );
        fs::write(path.join("nest.toml"), text).expect("a temporary folder");
        let study = Self { path, folder };
        behaviours
            .iter()
            .for_each(|(name, _, text)| study.write(&format!("behaviours/{name}.toml"), text));
        study
    }

    /// Writes a file of the study.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path.join(name), text).expect("a temporary folder");
    }

    /// Runs a verb on it.
    pub fn run(&self, verb: &[&str]) -> Outcome {
        nest(self.folder.path(), &[&confirmed(verb)[..], &["study"]].concat())
    }

    /// Runs a verb on it with more variables of the environment.
    pub fn run_with(&self, verb: &[&str], variables: &[(&str, String)]) -> Outcome {
        let mut command = Command::new(BINARY);
        command
            .args([verb, &["study"]].concat())
            .current_dir(self.folder.path());
        let variables = variables.iter().map(|(name, value)| (name, value));
        Outcome::from_output(command.envs(variables).output().expect("the program runs"))
    }

    /// Starts a verb on it.
    pub fn start(&self, verb: &[&str]) -> Running {
        start(self.folder.path(), &[&confirmed(verb)[..], &["study"]].concat())
    }

    /// Measures it, and checks the counts.
    #[track_caller]
    pub fn measure(&self) -> Measurements {
        self.run(&["measure"]).expect(0);
        let measured = measurements(&self.path);
        assert_balanced(&measured);
        measured
    }
}

/// The steps of the ramp.
pub fn ramp(measured: &Measurements) -> Vec<&Step> {
    steps_for(measured, Purpose::Ramp)
}

/// The steps of one purpose.
pub fn steps_for(measured: &Measurements, purpose: Purpose) -> Vec<&Step> {
    let steps = measured.steps.iter();
    steps.filter(|step| step.plan.purpose == purpose).collect()
}

/// Takes the start command out of a copy of a study.
pub fn without_start(study: &Path) {
    let path = study.join("nest.toml");
    let text = fs::read_to_string(&path).expect("the copy is there");
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("start = \""))
        .collect();
    assert!(kept.len() < text.lines().count(), "the study starts nothing");
    fs::write(path, kept.join("\n")).expect("the copy can be written");
}

/// Overrides that make a run as short as it can be. Its figures are too rough to be compared with anything.
pub const SHORT: [&str; 5] = [
    "measure.window=300ms",
    "measure.windows=2",
    "measure.settle=100ms",
    "measure.pilot=300ms",
    "measure.ramp=[0.2, 0.4]",
];

/// What a study has measured.
pub fn measurements(study: &Path) -> Measurements {
    let text = fs::read_to_string(study.join("measurements.json")).expect("it was measured");
    Measurements::from_json(&text).expect("a document of this version")
}

/// What a study has fitted.
pub fn scaling(study: &Path) -> ScalingModel {
    let text = fs::read_to_string(study.join("scaling.json")).expect("it was fitted");
    ScalingModel::from_json(&text).expect("a document of this version")
}

/// The projection of a study.
pub fn projection(study: &Path) -> Projection {
    let text = fs::read_to_string(study.join("reports/projection.json")).expect("it was projected");
    Projection::from_json(&text).expect("a document of this version")
}

/// Checks that everything that was due in every step is accounted for.
#[track_caller]
pub fn assert_balanced(measurements: &Measurements) {
    for step in &measurements.steps {
        for (behaviour, counts) in step.executions.iter().chain(&step.requests) {
            assert!(counts.balance(), "{}: {behaviour} {counts:?}", step.plan.label());
        }
        assert!(
            step.settling.balance(),
            "{}: settling {:?}",
            step.plan.label(),
            step.settling
        );
    }
}

/// A text with every `from` in it replaced; fails the test if there is none.
#[track_caller]
pub fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?} is not in\n{text}");
    text.replace(from, to)
}

/// Replaces a text everywhere in a file; fails the test if it is not there.
#[track_caller]
pub fn change(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).expect("the file is there");
    fs::write(file, replaced(&text, from, to)).expect("the file can be written");
}

/// The throughput law that the measurements of a study give for the mix of its `measure.confirm_policy`.
pub fn law_of_confirmed_mix(measured: &Measurements) -> ThroughputLaw {
    let mut study = measured.study.clone();
    let policy = study.measure.confirm_policy.as_ref();
    let policy = policy
        .and_then(|name| study.policies.get(name))
        .expect("a policy");
    for (name, value) in policy.set.clone() {
        study.parameters.insert(name, Parameter::Value(value));
    }
    let measured = Measurements {
        study,
        ..measured.clone()
    };
    let model = nest_model::fit(&measured).expect("a fit");
    model.throughput.expect("a throughput law")
}

/// Executions completed per second over all windows of some steps.
pub fn completed_per_s(steps: &[&Step]) -> f64 {
    let windows = || steps.iter().flat_map(|step| &step.windows);
    let completed: u64 = windows().flat_map(|window| window.completed.values()).sum();
    completed as f64 / windows().map(|window| window.duration_s).sum::<f64>()
}

/// A shell command that asks for a URL, with nothing but bash.
pub fn get_command(url: &str) -> String {
    let (authority, path) = url
        .trim_start_matches("http://")
        .split_once('/')
        .expect("a URL with a path");
    let (host, port) = authority.split_once(':').expect("a URL with a port");
    format!(
        "bash -c 'exec 3<>/dev/tcp/{host}/{port} && \
         printf \"GET /{path} HTTP/1.1\\r\\nhost: {authority}\\r\\n\\r\\n\" >&3 && read -r line <&3'"
    )
}

/// Starts a command with its output thrown away.
pub fn start_silent(mut command: Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command runs")
}

/// Children that are killed when dropped.
pub struct Children(pub Vec<Child>);

impl Drop for Children {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Processes that do nothing but use one core.
pub fn hogs(core: usize, count: usize) -> Children {
    let hog = || {
        let mut command = Command::new("taskset");
        command.args([
            "-c",
            &core.to_string(),
            "nice",
            "-n",
            "-5",
            "sh",
            "-c",
            "while :; do :; done",
        ]);
        start_silent(command)
    };
    Children((0..count).map(|_| hog()).collect())
}
