//! Runs the binary in a folder of its own.

use std::{
    ffi::OsStr,
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::Duration,
};

use nest_data::{Document, Measurements, ScalingModel};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_locust-nest");
/// How often a condition is looked at while waiting for it.
const LOOK: Duration = Duration::from_millis(20);
/// Looks after which a condition is not going to come true: five minutes.
const LOOKS: usize = 15_000;

/// The top of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// What a run of the binary gave.
#[derive(Debug)]
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        Self { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Fails the test where the exit code is another one, showing everything that was printed.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails the test where stderr does not hold a text.
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
    Outcome::of(Command::new(program).args(arguments).current_dir(folder).output().expect("the program runs"))
}

/// Starts the binary in `folder`, with its output in files there.
pub fn start(folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Running {
    start_program(Path::new(BINARY), folder, arguments)
}

/// Starts a program in `folder`, with its output in files there.
pub fn start_program(program: &Path, folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Running {
    let file = |name: &str| fs::File::create(folder.join(name)).expect("a file in a temporary folder");
    let child =
        Command::new(program).args(arguments).current_dir(folder).stdout(file("stdout")).stderr(file("stderr")).spawn().expect("the program runs");
    Running { child, folder: folder.to_owned() }
}

/// The binary while it runs. Killed when dropped.
pub struct Running {
    child: Child,
    folder: PathBuf,
}

impl Running {
    /// What it has said so far.
    pub fn stderr(&self) -> String {
        fs::read_to_string(self.folder.join("stderr")).unwrap_or_default()
    }

    /// Waits until it has said something; fails the test where it ends before.
    #[track_caller]
    pub fn wait_for(&mut self, part: &str) {
        for _ in 0..LOOKS {
            if self.stderr().contains(part) {
                return;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                assert!(self.stderr().contains(part), "it ended with {status} before saying {part:?}:\n{}", self.stderr());
                return;
            }
            sleep(LOOK);
        }
        panic!("it never said {part:?}:\n{}", self.stderr());
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("it is still there");
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Outcome {
        let status = self.child.wait().expect("it was started here");
        let stdout = fs::read_to_string(self.folder.join("stdout")).unwrap_or_default();
        Outcome { code: status.code().unwrap_or(-1), stdout, stderr: self.stderr() }
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
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port")
}

/// Waits until something listens at an address, or until nothing does.
#[track_caller]
pub fn wait_for_listener(address: SocketAddr, listens: bool) {
    for _ in 0..LOOKS {
        if TcpStream::connect(address).is_ok() == listens {
            return;
        }
        sleep(LOOK);
    }
    panic!("{address} never changed to listening: {listens}");
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
        Self { path: copy_study("shop", folder), address: free_address() }
    }

    /// Arguments of a verb on it, the target started by the study with more `shop` options.
    pub fn arguments(&self, verb: &[&str], shop: &str, overrides: &[&str]) -> Vec<String> {
        let start = format!("target.start='''exec \"$LOCUST_NEST\" shop --listen {} --cores 0 {shop}'''", self.address);
        let base = format!("target.base_url=http://{}", self.address);
        let mut arguments: Vec<String> = verb.iter().map(ToString::to_string).collect();
        arguments.push(self.path.display().to_string());
        for one in [start.as_str(), base.as_str()].into_iter().chain(overrides.iter().copied()) {
            arguments.extend(["--set".to_owned(), one.to_owned()]);
        }
        arguments
    }

    /// Takes the start command out of the study, for tests that start the shop themselves.
    pub fn without_start(&self) {
        without_start(&self.path);
    }
}

/// Takes the start command out of a copy of a study.
pub fn without_start(study: &Path) {
    let path = study.join("nest.toml");
    let text = fs::read_to_string(&path).expect("the copy is there");
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("start = \"")).collect();
    assert!(kept.len() < text.lines().count(), "the study starts nothing");
    fs::write(path, kept.join("\n")).expect("the copy can be written");
}

/// Overrides that make a run as short as it can be; its figures are worth little.
pub const SHORT: [&str; 5] = ["measure.window=300ms", "measure.windows=2", "measure.settle=100ms", "measure.pilot=300ms", "measure.ramp=[0.2, 0.4]"];

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

/// Checks that everything that was due in every step is accounted for.
#[track_caller]
pub fn assert_balanced(measurements: &Measurements) {
    for step in &measurements.steps {
        for (behaviour, counts) in step.executions.iter().chain(&step.requests) {
            assert!(counts.balance(), "{}: {behaviour} {counts:?}", step.plan.label());
        }
        assert!(step.settling.balance(), "{}: settling {:?}", step.plan.label(), step.settling);
    }
}

/// Starts a command with its output thrown away.
pub fn start_silent(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command runs")
}
