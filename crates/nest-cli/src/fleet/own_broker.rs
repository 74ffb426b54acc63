//! A NATS server of our own, where none is named: a child on the loopback interface, which ends with this
//! process.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use nest_load::{
    CommandSettings, Interrupt, LoadError, RunningCommand,
    fleet::{BrokerAccess, PlainBroker},
};
use tempfile::TempDir;

use super::{Credentials, shell_word};
use crate::{
    clock,
    command_error::{CommandError, INTERNAL},
};

/// The program, and where Debian has it beside PATH.
const PROGRAM: &str = "nats-server";
const BESIDE_PATH: &str = "/usr/sbin";
/// How long it may take until it listens.
const LISTENS: Duration = Duration::from_secs(10);
/// How often that is looked for.
const LOOK: Duration = Duration::from_millis(20);
/// Bytes of a password.
const PASSWORD_BYTES: usize = 24;
/// Most bytes of its messages that are shown where it does not start.
const SHOWN_BYTES: usize = 2_000;

/// A NATS server of our own. It ends when it is dropped, or with this process, and takes its folder with it.
pub struct OwnBroker {
    // It ends before its folder is removed.
    running: RunningCommand,
    folder: TempDir,
    url: String,
    coordinator: Credentials,
}

impl OwnBroker {
    /// Starts one for a session.
    pub fn start(session: &str, interrupt: &Interrupt) -> Result<Self, CommandError> {
        let program = find().ok_or_else(|| {
            CommandError::new(INTERNAL, format!("{PROGRAM} is not on the PATH"))
                .hint("install it (Debian: apt install nats-server), or name a running one with --nats URL")
        })?;
        let folder = tempfile::Builder::new().prefix("locust-nest-").tempdir()?;
        let coordinator = drawn("coordinator")?;
        let worker = drawn("worker")?;
        let config = folder.path().join("nats.conf");
        write_private(&config, &config_of(session, folder.path(), &coordinator, &worker))?;
        write_private(&credentials_in(folder.path()), &worker.text())?;
        let mut log = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(folder.path().join("nats.log"))?;
        let settings = CommandSettings {
            folder: folder.path().to_owned(),
            guard: Some(std::env::current_exe()?),
            ..CommandSettings::default()
        };
        // Passwords must not outlive it, even if this process is killed: its guard ends both with SIGTERM,
        // which the shell survives to remove the folder.
        let [program, config, made] = [program.as_path(), config.as_path(), folder.path()]
            .map(|path| shell_word(&path.display().to_string()));
        let command = format!("trap : TERM; {program} -c {config}; rm -rf {made}");
        let running = RunningCommand::start(&command, &settings, Stdio::from(log.try_clone()?))?;
        let mut broker = Self {
            running,
            folder,
            url: String::new(),
            coordinator,
        };
        broker.wait_until_it_listens(&mut log, interrupt)?;
        Ok(broker)
    }

    /// How the coordinator reaches it.
    pub fn access(&self) -> BrokerAccess {
        BrokerAccess {
            url: self.url.clone(),
            user: self.coordinator.user.clone(),
            password: self.coordinator.password.clone(),
            ca: None,
            certificate: None,
            plain: PlainBroker::Refused,
        }
    }

    /// The file with what workers show it.
    pub fn worker_credentials(&self) -> String {
        credentials_in(self.folder.path()).display().to_string()
    }

    fn wait_until_it_listens(&mut self, log: &mut File, interrupt: &Interrupt) -> Result<(), CommandError> {
        let elapsed = clock::stopwatch();
        loop {
            if let Some(url) = listens_at(self.folder.path()) {
                self.url = url;
                return Ok(());
            }
            if interrupt.is_requested() {
                return Err(LoadError::Interrupted.into());
            }
            if elapsed() > LISTENS || self.running.ended().is_some() {
                let mut said = String::new();
                // What it said matters less than that it did not start.
                let _ = log.rewind().and_then(|()| log.read_to_string(&mut said));
                said.truncate(said.floor_char_boundary(SHOWN_BYTES));
                let message = format!("{PROGRAM} did not start: {}", said.trim());
                return Err(CommandError::new(INTERNAL, message)
                    .hint("run it by hand, or name a NATS server that runs with --nats URL"));
            }
            std::thread::sleep(LOOK);
        }
    }
}

fn credentials_in(folder: &Path) -> PathBuf {
    folder.join("worker.credentials")
}

/// Where the program is.
fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from(BESIDE_PATH)])
        .map(|folder| folder.join(PROGRAM))
        .find(|program| program.is_file())
}

/// Credentials with a password that the system draws.
fn drawn(user: &str) -> Result<Credentials, CommandError> {
    let mut bytes = [0; PASSWORD_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(Credentials {
        user: user.to_owned(),
        password: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}

/// The configuration: a free port of the loopback interface, and what each user may say and hear.
fn config_of(session: &str, folder: &Path, coordinator: &Credentials, worker: &Credentials) -> String {
    let subjects = format!("nest.1.{session}");
    format!(
        r#"host: "127.0.0.1"
port: -1
ports_file_dir: "{folder}"
max_payload: 1MB
max_connections: 2000
authorization {{
  users = [
    {{ user: "{}", password: "{}", permissions: {{
        publish: ["{subjects}.>"]
        subscribe: ["{subjects}.>", "_INBOX.coord.>"]
        allow_responses: {{ max: 1, expires: "2m" }} }} }}
    {{ user: "{}", password: "{}", permissions: {{
        publish: ["{subjects}.join", "{subjects}.p.*"]
        subscribe: ["{subjects}.beat", "{subjects}.w.*", "_INBOX.worker.>"]
        allow_responses: {{ max: 1, expires: "2m" }} }} }}
  ]
}}
"#,
        coordinator.user,
        coordinator.password,
        worker.user,
        worker.password,
        folder = folder.display(),
    )
}

/// Writes a file that only we may read.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}

/// Where it listens, by the file that it writes then.
fn listens_at(folder: &Path) -> Option<String> {
    let files = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let ports = files
        .map(|file| file.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "ports"))?;
    let ports: serde_json::Value = serde_json::from_str(&fs::read_to_string(ports).ok()?).ok()?;
    ports["nats"][0].as_str().map(str::to_owned)
}
