//! A Locust process: started with our files before the locustfile, and spoken to over a Unix socket.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::{
        net::{UnixListener, UnixStream},
        process::{CommandExt, ExitStatusExt},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use nix::{
    sched::{sched_getaffinity, sched_setaffinity},
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use super::{
    ledger::SlotLedger,
    listing::{LOADING, Listing},
    message::{self, PROTOCOL, Refused, Report, Told, Verb},
    settings::LocustSettings,
};
use crate::{clock::MonotonicTime, engine::interrupt::Interrupt, error::LoadError, run::target::pin};

/// The files that Locust loads before the locustfile, in this order.
const PLUGIN: [(&str, &str); 6] = [
    ("nest_hosts.py", include_str!("nest_hosts.py")),
    ("nest_past.py", include_str!("nest_past.py")),
    ("nest_tasks.py", include_str!("nest_tasks.py")),
    ("nest_journal.py", include_str!("nest_journal.py")),
    ("nest_users.py", include_str!("nest_users.py")),
    ("nest_locust.py", include_str!("nest_locust.py")),
];
/// How often whoever waits looks again.
const LOOK: Duration = Duration::from_millis(20);
/// Lines of Locust's messages that are kept for an error.
const KEPT_LINES: usize = 40;
/// How long a process may take to end by itself.
const ENDING: Duration = Duration::from_secs(3);

/// A process with its socket. Ended when dropped.
pub struct LocustProcess {
    child: Mutex<Child>,
    folder: PathBuf,
    wire: Arc<Wire>,
    listing: Listing,
}

/// What reading from a process gives to those who wait for it.
pub struct Wire {
    out: Mutex<UnixStream>,
    next: AtomicU64,
    heard: Mutex<Heard>,
    news: Condvar,
}

#[derive(Default)]
struct Heard {
    hellos: Vec<(Option<String>, Listing)>,
    refused: Option<Refused>,
    answers: BTreeMap<u64, Option<String>>, // by number of the command; with what was wrong
    alone: u64,                             // behaviours executed alone that came to their end
    ledgers: Vec<(Option<String>, Arc<Mutex<SlotLedger>>)>,
    gone: Option<(MonotonicTime, String)>, // since when nothing more will be heard, and why
    wrote: VecDeque<String>,
}

/// Locks what a thread that panicked may have held: there is nothing half-done in it that matters.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wire {
    /// Tells a process, or a worker of a master, what to do; the number under which it answers.
    ///
    /// # Errors
    /// [`LoadError::WorkerGone`] if nobody is there.
    pub fn send(&self, worker: Option<&str>, verb: Verb) -> Result<u64, LoadError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let command = message::Command { w: worker, id, verb };
        let mut line = serde_json::to_vec(&command).expect("commands hold only maps with string keys");
        line.push(b'\n');
        locked(&self.out)
            .write_all(&line)
            .map_err(|_| LoadError::WorkerGone)?;
        Ok(id)
    }

    /// Waits for an answer.
    ///
    /// # Errors
    /// [`LoadError::WorkerGone`] if none comes in time, [`LoadError::Locustfile`] if it is an error.
    pub fn answer(&self, id: u64, patience: Duration) -> Result<(), LoadError> {
        let answer = self.wait(patience, |heard| heard.answers.remove(&id).map(Ok));
        match answer {
            Some(Ok(None)) => Ok(()),
            Some(Ok(Some(reason))) => Err(LoadError::Locustfile {
                reason: format!("the locustfile cannot be led: {reason}"),
                remedy: "look whether it replaces parts of Locust".to_owned(),
            }),
            Some(Err(error)) => Err(error),
            None => Err(LoadError::WorkerGone),
        }
    }

    /// How many behaviours that were executed alone have come to their end.
    pub fn alone(&self) -> u64 {
        locked(&self.heard).alone
    }

    /// Waits until one more has, or a moment has passed.
    pub fn wait_alone(&self, known: u64, patience: Duration) -> bool {
        self.wait(patience, |heard| {
            (heard.alone > known).then_some(Ok::<_, LoadError>(()))
        })
        .is_some_and(|outcome| outcome.is_ok())
    }

    /// Why nothing more will be heard, if so.
    pub fn gone(&self) -> Option<String> {
        locked(&self.heard).gone.as_ref().map(|(_, why)| why.clone())
    }

    /// Since when nothing more will be heard, if so.
    pub fn gone_since(&self) -> Option<MonotonicTime> {
        locked(&self.heard).gone.as_ref().map(|(since, _)| *since)
    }

    /// Who has said what it can do.
    pub fn hellos(&self) -> Vec<(Option<String>, Listing)> {
        locked(&self.heard).hellos.clone()
    }

    /// Has reports of a process, or of a worker of a master, entered in a ledger.
    pub fn enter(&self, worker: Option<String>, ledger: Arc<Mutex<SlotLedger>>) {
        locked(&self.heard).ledgers.push((worker, ledger));
    }

    /// What Locust wrote last, masked.
    fn wrote(&self) -> String {
        let heard = locked(&self.heard);
        let lines: Vec<&str> = heard
            .wrote
            .iter()
            .rev()
            .take(3)
            .rev()
            .map(String::as_str)
            .collect();
        lines.join("; ")
    }

    /// Waits until something is found in what was heard; nothing if nothing is in time, or nothing more will
    /// be heard.
    fn wait<T>(&self, patience: Duration, mut look: impl FnMut(&mut Heard) -> Option<T>) -> Option<T> {
        let end = Instant::now() + patience;
        let mut heard = locked(&self.heard);
        loop {
            if let Some(found) = look(&mut heard) {
                return Some(found);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || heard.gone.is_some() {
                return None;
            }
            heard = self
                .news
                .wait_timeout(heard, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn hear(&self, line: &str) {
        let Ok(told) = serde_json::from_str::<Told>(line) else {
            return self.end("a message of it cannot be read");
        };
        let mut heard = locked(&self.heard);
        if told.ev.is_some() {
            let Ok(report) = serde_json::from_str::<Report>(line) else {
                drop(heard);
                return self.end("a report of it cannot be read");
            };
            let ledger = heard.ledgers.iter().find(|(worker, _)| *worker == told.w);
            if let Some(ledger) = ledger.map(|(_, ledger)| Arc::clone(ledger)) {
                drop(heard);
                locked(&ledger).take(report);
            }
            return self.news.notify_all();
        }
        if let Some(hello) = told.hello {
            if hello.protocol == PROTOCOL {
                heard.hellos.push((told.w, hello.listing));
            } else {
                let why = format!("it speaks protocol {}", hello.protocol);
                heard.gone = Some((MonotonicTime::now(), why));
            }
        } else if let Some(refused) = told.refused {
            heard.refused = Some(refused);
        } else if let Some(id) = told.re {
            heard.answers.insert(id, told.error);
        } else if told.alone.is_some() {
            heard.alone += 1;
        }
        drop(heard);
        self.news.notify_all();
    }

    fn end(&self, why: &str) {
        let now = MonotonicTime::now();
        locked(&self.heard)
            .gone
            .get_or_insert_with(|| (now, why.to_owned()));
        self.news.notify_all();
    }
}

/// Lists what a locustfile has, without running any of its tasks.
///
/// # Errors
/// [`LoadError::Locustfile`] if it cannot be loaded: why, where, and what to do.
pub fn list(settings: &LocustSettings, interrupt: &Interrupt) -> Result<Listing, LoadError> {
    let process = LocustProcess::start(settings, None, interrupt)?;
    Ok(process.listing().clone())
}

impl LocustProcess {
    /// Starts a process, on a core of its own if one is given, and waits until it has listed its tasks.
    ///
    /// # Errors
    /// [`LoadError::Locustfile`] if it cannot: why, where, and what to do; [`LoadError::Interrupted`].
    pub fn start(
        settings: &LocustSettings,
        core: Option<usize>,
        interrupt: &Interrupt,
    ) -> Result<Self, LoadError> {
        let folder = own_folder().map_err(|source| LoadError::System {
            what: "a folder for the files that Locust loads",
            source,
        })?;
        let started = Self::start_in(&folder, settings, core, interrupt);
        if started.is_err() {
            remove(&folder);
        }
        started
    }

    fn start_in(
        folder: &Path,
        settings: &LocustSettings,
        core: Option<usize>,
        interrupt: &Interrupt,
    ) -> Result<Self, LoadError> {
        let refused = |source| LoadError::System {
            what: "a socket for Locust",
            source,
        };
        let listener = UnixListener::bind(folder.join("socket")).map_err(refused)?;
        listener.set_nonblocking(true).map_err(refused)?;
        let mut child = spawn(folder, settings, core)?;
        let errors = child.stderr.take();
        let stream = match accept(&listener, &mut child, interrupt) {
            Ok(stream) => stream,
            Err(error) => {
                kill(&child);
                let wrote = errors.map(last_lines).unwrap_or_default();
                return Err(error.map_or_else(
                    || LoadError::Interrupted,
                    |status| never_came(settings, status, &wrote),
                ));
            }
        };
        let wire = Arc::new(Wire {
            out: Mutex::new(stream.try_clone().map_err(refused)?),
            next: AtomicU64::new(1),
            heard: Mutex::default(),
            news: Condvar::new(),
        });
        listen(&wire, stream).map_err(refused)?;
        if let Some(errors) = errors {
            keep_lines(&wire, errors, settings.secrets.clone()).map_err(refused)?;
        }
        let mut process = Self {
            child: Mutex::new(child),
            folder: folder.to_owned(),
            wire,
            listing: nothing(),
        };
        process.listing = process.listed(settings, interrupt)?;
        Ok(process)
    }

    /// Its socket.
    pub fn wire(&self) -> &Arc<Wire> {
        &self.wire
    }

    /// What it has.
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        locked(&self.child).id()
    }

    /// Whether it still runs.
    pub fn is_there(&self) -> bool {
        self.wire.gone().is_none() && matches!(locked(&self.child).try_wait(), Ok(None))
    }

    fn listed(&self, settings: &LocustSettings, interrupt: &Interrupt) -> Result<Listing, LoadError> {
        let end = Instant::now() + LOADING;
        while Instant::now() < end && !interrupt.is_requested() {
            let found = self
                .wire
                .wait(LOOK, |heard| match (&heard.refused, heard.hellos.first()) {
                    (Some(refused), _) => Some(Err(refusal(refused))),
                    (None, Some((_, listing))) => Some(Ok(listing.clone())),
                    (None, None) => None,
                });
            if let Some(found) = found {
                let listing = found?;
                listing.check()?;
                return Ok(listing);
            }
            if let Some(why) = self.wire.gone() {
                return Err(LoadError::Locustfile {
                    reason: format!(
                        "{} ended before it listed its users: {why}: {}",
                        settings.file.display(),
                        self.wire.wrote()
                    ),
                    remedy: "try `locust -f FILE --list` with the same Python".to_owned(),
                });
            }
        }
        if interrupt.is_requested() {
            return Err(LoadError::Interrupted);
        }
        Err(LoadError::Locustfile {
            reason: format!(
                "{} did not list its users within {} s",
                settings.file.display(),
                LOADING.as_secs()
            ),
            remedy: "a locustfile defines User classes and does not wait when it is loaded".to_owned(),
        })
    }
}

impl Drop for LocustProcess {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.wire.send(None, Verb::Quit);
        let end = Instant::now() + ENDING;
        let mut child = locked(&self.child);
        while Instant::now() < end && matches!(child.try_wait(), Ok(None)) {
            std::thread::sleep(LOOK);
        }
        kill(&child);
        let _ = child.wait();
        remove(&self.folder);
    }
}

fn nothing() -> Listing {
    Listing {
        locust: String::new(),
        python: String::new(),
        pid: 0,
        master: false,
        shape: false,
        classes: Vec::new(),
        tasks: Vec::new(),
    }
}

fn refusal(refused: &Refused) -> LoadError {
    let place = match (&refused.file, refused.line) {
        (Some(file), 0) => format!("{file}: "),
        (Some(file), line) => format!("{file}:{line}: "),
        (None, _) => String::new(),
    };
    LoadError::Locustfile {
        reason: format!("{place}{}", refused.error),
        remedy: refused.remedy.clone(),
    }
}

/// A folder of this process alone, with the files that Locust loads. Its path is short, as those of sockets
/// must be (`unix(7)`).
fn own_folder() -> std::io::Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt;
    static MADE: AtomicU64 = AtomicU64::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let now = MonotonicTime::now().nanoseconds();
    let folder = std::env::temp_dir().join(format!("nest-{}-{number}-{now}", std::process::id()));
    fs::DirBuilder::new().mode(0o700).create(&folder)?;
    for (name, text) in PLUGIN {
        fs::write(folder.join(name), text)?;
    }
    Ok(folder)
}

fn remove(folder: &Path) {
    // What is left of it is small, and in a folder for such things.
    let _ = fs::remove_dir_all(folder);
}

fn spawn(folder: &Path, settings: &LocustSettings, core: Option<usize>) -> Result<Child, LoadError> {
    let is_folder = settings.file.is_dir();
    let mut files: Vec<String> = PLUGIN
        .iter()
        .map(|(name, _)| folder.join(name).display().to_string())
        .collect();
    if !is_folder {
        files.push(settings.file.display().to_string());
    }
    let mut command = Command::new(&settings.python);
    command
        .args([
            "-m",
            "locust",
            "-f",
            &files.join(","),
            "--headless",
            "--only-summary",
        ])
        .args([
            "--host",
            &settings.host,
            "--stop-timeout",
            "5",
            "--exit-code-on-error",
            "0",
        ])
        .args(["--loglevel", "WARNING"]);
    if let Some((host, port)) = settings
        .master
        .as_ref()
        .and_then(|master| master.rsplit_once(':'))
    {
        command
            .args(["--master", "--master-bind-host", host, "--master-bind-port", port])
            .args(["--expect-workers", &settings.slots.to_string()]);
    }
    command
        .args(&settings.args)
        .current_dir(if is_folder {
            settings.file.as_path()
        } else {
            settings.file.parent().unwrap_or(Path::new("/"))
        })
        .env_clear()
        .envs(&settings.environment)
        .env("NEST_SOCKET", folder.join("socket"))
        .env("NEST_HOSTS", settings.allow_hosts.join(","))
        .env("NEST_FILE", &settings.file)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0);
    if is_folder {
        command.env("NEST_FOLDER", &settings.file);
    }
    // A child inherits the cores of the thread that starts it.
    let own = sched_getaffinity(Pid::from_raw(0)).ok();
    if let Some(core) = core {
        pin(&[core])?;
    }
    let spawned = command.spawn();
    if let Some(own) = own {
        // It was allowed to run there before.
        let _ = sched_setaffinity(Pid::from_raw(0), &own);
    }
    spawned.map_err(|error| LoadError::Locustfile {
        reason: format!("{} cannot be run: {error}", settings.python.display()),
        remedy: settings.other_python(),
    })
}

/// Waits until the process connects. The error is how it ended instead, or nothing after an interrupt.
fn accept(
    listener: &UnixListener,
    child: &mut Child,
    interrupt: &Interrupt,
) -> Result<UnixStream, Option<String>> {
    let end = Instant::now() + LOADING;
    loop {
        if let Ok((stream, _)) = listener.accept() {
            return stream
                .set_nonblocking(false)
                .map(|()| stream)
                .map_err(|error| Some(error.to_string()));
        }
        if interrupt.is_requested() {
            return Err(None);
        }
        if let Ok(Some(status)) = child.try_wait() {
            return Err(Some(match status.signal() {
                Some(signal) => format!("signal {signal}"),
                None => status.to_string(),
            }));
        }
        if Instant::now() > end {
            return Err(Some(format!("nothing for {} s", LOADING.as_secs())));
        }
        std::thread::sleep(LOOK);
    }
}

/// Python ended before our files were loaded.
fn never_came(settings: &LocustSettings, status: String, wrote: &str) -> LoadError {
    let python = settings.python.display();
    let reason = if wrote.contains("No module named locust") {
        format!("{python} has no Locust")
    } else {
        format!("{python} -m locust ended with {status}: {wrote}")
    };
    LoadError::Locustfile {
        reason,
        remedy: settings.other_python(),
    }
}

fn last_lines(errors: impl std::io::Read) -> String {
    let lines: Vec<String> = BufReader::new(errors).lines().map_while(Result::ok).collect();
    lines[lines.len().saturating_sub(3)..].join("; ")
}

/// Reads what the process tells, in a thread of its own that ends with it.
fn listen(wire: &Arc<Wire>, stream: UnixStream) -> std::io::Result<()> {
    let wire = Arc::clone(wire);
    std::thread::Builder::new()
        .name("nest-locust".to_owned())
        .spawn(move || {
            let mut lines = BufReader::new(stream);
            let mut line = String::new();
            // One without an end is what a process that was killed began to tell.
            while lines.read_line(&mut line).is_ok() && line.ends_with('\n') {
                wire.hear(&line);
                line.clear();
            }
            wire.end("it ended");
        })
        .map(drop)
}

/// Keeps what Locust writes last, without secrets.
fn keep_lines(
    wire: &Arc<Wire>,
    errors: impl std::io::Read + Send + 'static,
    secrets: Vec<String>,
) -> std::io::Result<()> {
    let wire = Arc::clone(wire);
    std::thread::Builder::new()
        .name("nest-locust-log".to_owned())
        .spawn(move || {
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                let hide = |line: String, secret: &String| {
                    if secret.is_empty() {
                        line
                    } else {
                        line.replace(secret.as_str(), "***")
                    }
                };
                let mut heard = locked(&wire.heard);
                heard.wrote.push_back(secrets.iter().fold(line, hide));
                if heard.wrote.len() > KEPT_LINES {
                    heard.wrote.pop_front();
                }
            }
        })
        .map(drop)
}

fn kill(child: &Child) {
    // The whole group, for whatever a locustfile has started; it may be gone already.
    let _ = killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL);
}
