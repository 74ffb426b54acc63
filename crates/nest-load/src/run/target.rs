//! Starting the target, waiting until it is ready, ending it.

use std::{
    cell::{Cell, RefCell},
    io::{BufRead, BufReader, Read},
    net::{TcpStream, ToSocketAddrs},
    process::Stdio,
    sync::mpsc,
    time::{Duration, Instant},
};

use nest_data::{Study, behaviour::Expect};
use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};

use super::{
    command::{CommandSettings, RunningCommand},
    guard::PATIENCE,
};
use crate::{
    clock::MonotonicTime,
    engine::interrupt::Interrupt,
    error::LoadError,
    http::{
        Receiver, WantedAnswer,
        connection::{Buffers, Http1Connection},
        cookies::Jar,
        loss::Failed,
        origin::Origin,
    },
    schedule::rate_bound::RateBound,
};

/// Longest that a reset or state command may take.
pub(super) const LONGEST_COMMAND: Duration = Duration::from_secs(300);
/// Longest part of a line of a command's messages that is printed at once, in bytes.
const LONGEST_LINE: u64 = 8 << 10;
/// Longest that the last messages of a command that has ended are waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How often readiness is looked for.
const READY_INTERVAL: Duration = Duration::from_millis(50);

/// Where the target is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// A target that the study started. Ended when dropped.
#[derive(Debug)]
pub struct StartedTarget {
    running: RunningCommand,
    interrupt: Interrupt,
}

impl Address {
    /// Host and port of a study's base URL.
    ///
    /// # Errors
    /// [`LoadError::BaseUrl`].
    pub fn of(base_url: &str) -> Result<Self, LoadError> {
        let bad = || LoadError::BaseUrl {
            url: base_url.to_owned(),
        };
        let url = url::Url::parse(base_url).map_err(|_| bad())?;
        let host = url
            .host_str()
            .filter(|host| !host.is_empty())
            .ok_or_else(bad)?
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        Ok(Self {
            host,
            port: url.port_or_known_default().ok_or_else(bad)?,
        })
    }

    /// Opens a connection, as a look whether anything is there, unless a stop is asked for.
    ///
    /// # Errors
    /// What the system says.
    pub fn connect(&self, interrupt: &Interrupt) -> std::io::Result<TcpStream> {
        let address = self.clone();
        interrupt
            .unless_requested(move || address.connect_at_once())
            .unwrap_or_else(|error| Err(std::io::Error::other(error)))
    }

    fn connect_at_once(&self) -> std::io::Result<TcpStream> {
        let mut last = std::io::Error::other("the host name has no address");
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, Duration::from_secs(2)) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl StartedTarget {
    /// Starts the study's target on its cores. Its messages go to `log`.
    ///
    /// # Errors
    /// [`LoadError::AddressTaken`] if something is there already; [`LoadError::Command`] if it cannot
    /// be run.
    pub fn start(
        command: &str,
        study: &Study,
        address: &Address,
        settings: &CommandSettings,
        log: Stdio,
        interrupt: &Interrupt,
    ) -> Result<Self, LoadError> {
        if !is_free(address, interrupt) {
            if interrupt.is_requested() {
                return Err(LoadError::Interrupted);
            }
            return Err(LoadError::AddressTaken {
                address: format!("{}:{}", address.host, address.port),
            });
        }
        let own = sched_getaffinity(Pid::from_raw(0)).ok();
        if let Some(cores) = &study.target.cores {
            // Children inherit the affinity of the thread that starts them.
            pin(cores)?;
        }
        let started = RunningCommand::start(command, settings, log);
        if let Some(own) = own {
            sched_setaffinity(Pid::from_raw(0), &own).map_err(refused)?;
        }
        let running = started.map_err(|source| cannot_run(command, settings, source))?;
        interrupt.remember_target(running.pid().cast_signed());
        Ok(Self {
            running,
            interrupt: interrupt.clone(),
        })
    }

    /// Process number of the target.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// How the target ended, if it has.
    pub fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.running.ended()
    }
}

impl Drop for StartedTarget {
    fn drop(&mut self) {
        self.interrupt.forget_target();
    }
}

/// Whether nothing listens at an address. The target of a run that was killed may still be ending.
fn is_free(address: &Address, interrupt: &Interrupt) -> bool {
    let start = Instant::now();
    while address.connect(interrupt).is_ok() {
        if start.elapsed() > PATIENCE + Duration::from_secs(1) || interrupt.is_requested() {
            return false;
        }
        std::thread::sleep(READY_INTERVAL);
    }
    !interrupt.is_requested()
}

fn cannot_run(command: &str, settings: &CommandSettings, source: std::io::Error) -> LoadError {
    LoadError::Command {
        command: command.to_owned(),
        folder: settings.folder.clone(),
        source,
    }
}

/// Confines this thread, and what it starts, to some cores.
///
/// # Errors
/// [`LoadError::System`] if the machine does not have them.
pub fn pin(cores: &[usize]) -> Result<(), LoadError> {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core).map_err(refused)?;
    }
    sched_setaffinity(Pid::from_raw(0), &set).map_err(refused)
}

fn refused(error: nix::Error) -> LoadError {
    LoadError::System {
        what: "using the cores that the study names",
        source: error.into(),
    }
}

/// How often and how long a target may be asked whether it is ready.
#[derive(Debug, Clone, Copy)]
pub struct ReadyBounds<'a> {
    /// Its turn among all requests, if their rate is bounded.
    pub rate: Option<&'a RateBound>,
    /// Longest that is waited, whatever the study says of readiness.
    pub most: Duration,
}

/// Waits until the target answers: the `ready` path below 400, or a connection if there is none. It is not
/// asked more often and no longer than `bounds` allow.
///
/// # Errors
/// [`LoadError::TargetDown`] when the time is over or the started target has ended;
/// [`LoadError::Interrupted`].
pub fn wait_until_ready(
    study: &Study,
    origin: &Origin,
    address: &Address,
    mut started: Option<&mut StartedTarget>,
    bounds: ReadyBounds<'_>,
    interrupt: &Interrupt,
) -> Result<(), LoadError> {
    let start = Instant::now();
    // A target that nobody starts is there or is not; a moment covers a restart.
    let patience = if started.is_some() {
        study.target.ready_within.duration()
    } else {
        study.target.ready_within.duration().min(Duration::from_secs(3))
    };
    let patience = patience.min(bounds.most);
    loop {
        // Looking is a request, too.
        let turn = bounds.rate.filter(|_| study.target.ready.is_some());
        wait_for_turn(turn, start + patience, interrupt);
        let reason = match is_ready(study.target.ready.as_deref(), origin, address, interrupt) {
            Ok(()) => return Ok(()),
            Err(reason) => reason,
        };
        let down = |reason| LoadError::TargetDown {
            url: study.target.base_url.clone(),
            reason,
        };
        if let Some(status) = started.as_deref_mut().and_then(StartedTarget::ended) {
            return Err(down(format!("its start command ended with {status}")));
        }
        if interrupt.is_requested() {
            return Err(LoadError::Interrupted);
        }
        if start.elapsed() > patience {
            return Err(down(reason));
        }
        std::thread::sleep(READY_INTERVAL);
    }
}

/// Takes the turn of a request and waits for it, until `end` at the latest.
fn wait_for_turn(bound: Option<&RateBound>, end: Instant, interrupt: &Interrupt) {
    let Some(bound) = bound else { return };
    let turn = bound.take(MonotonicTime::now());
    while MonotonicTime::now() < turn && Instant::now() < end && !interrupt.is_requested() {
        std::thread::sleep(READY_INTERVAL.min(turn.since(MonotonicTime::now())));
    }
}

/// Asks for the path over the same client that will put the target under load.
fn is_ready(
    path: Option<&str>,
    origin: &Origin,
    address: &Address,
    interrupt: &Interrupt,
) -> Result<(), String> {
    let Some(path) = path.filter(|_| !origin.http2) else {
        let connected = address.connect(interrupt);
        return connected.map(drop).map_err(|error| error.to_string());
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let asked = runtime.block_on(async {
        let asking = tokio::time::timeout(Duration::from_secs(2), ask(path, origin));
        tokio::select! {
            asked = asking => asked,
            () = interrupt.requested() => Ok(Err("interrupted".to_owned())),
        }
    });
    match asked {
        Ok(Ok(status)) if status < 400 => Ok(()),
        Ok(Ok(status)) => Err(format!("{path} answers {status}")),
        Ok(Err(reason)) => Err(format!("{path}: {reason}")),
        Err(_) => Err(format!("{path} does not answer")),
    }
}

async fn ask(path: &str, origin: &Origin) -> Result<u16, String> {
    let (mut connection, buffers, mut cookies) =
        (Http1Connection::default(), Buffers::default(), Jar::default());
    connection
        .open(origin, &Cell::new(0))
        .await
        .map_err(|no_answer| no_answer.reason)?;
    let head = format!(
        "GET {}{path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
        origin.prefix, origin.authority
    );
    buffers.outgoing.borrow_mut().extend_from_slice(head.as_bytes());
    let expect = Expect::default();
    let wanted = WantedAnswer {
        body: false,
        longest_body: u64::MAX,
        fields: &[],
        expect: &expect,
        bodies: None,
    };
    let mut receiver = Receiver::new(wanted, &mut cookies, &origin.host, path);
    match connection
        .exchange(&buffers, false, &RefCell::default(), &mut receiver)
        .await
    {
        Ok(()) => Ok(receiver.answer.status),
        Err(Failed::Unsent(_) | Failed::Unprocessed(_) | Failed::ClosedIdle) => {
            Err("the connection was closed".to_owned())
        }
        Err(Failed::For(no_answer)) => Err(no_answer.reason),
    }
}

/// Runs one of the study's commands to its end, until the run is interrupted, or until `most` is over.
///
/// # Errors
/// [`LoadError::Command`] if it cannot be run, [`LoadError::CommandFailed`] if it fails,
/// [`LoadError::CommandTooLong`] if it takes longer than `most`; [`LoadError::Interrupted`].
pub fn run_command(
    role: &'static str,
    command: &str,
    settings: &CommandSettings,
    most: Duration,
    interrupt: &Interrupt,
) -> Result<(), LoadError> {
    let (log, printed) = messages(settings).map_err(|source| cannot_run(command, settings, source))?;
    let mut running = RunningCommand::start(command, settings, log)
        .map_err(|source| cannot_run(command, settings, source))?;
    let ended = end_of(&mut running, (role, command), most, interrupt);
    drop(running);
    // Its last messages are printed before what is said of it, unless somebody whom it left behind holds on.
    let _ = printed.recv_timeout(LAST_WORDS);
    ended
}

/// Where the messages of a command go, and what is closed once all of them are printed.
fn messages(settings: &CommandSettings) -> std::io::Result<(Stdio, mpsc::Receiver<()>)> {
    let (open, printed) = mpsc::channel();
    let Some(print) = settings.print else {
        return Ok((Stdio::inherit(), printed));
    };
    let (reader, writer) = std::io::pipe()?;
    std::thread::spawn(move || {
        let mut reader = BufReader::new(reader);
        let mut line = Vec::new();
        while matches!(
            reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line),
            Ok(1..)
        ) {
            print(String::from_utf8_lossy(&line).trim_end_matches('\n'));
            line.clear();
        }
        drop(open);
    });
    Ok((Stdio::from(writer), printed))
}

/// Waits for the end of a command.
fn end_of(
    running: &mut RunningCommand,
    (role, command): (&'static str, &str),
    most: Duration,
    interrupt: &Interrupt,
) -> Result<(), LoadError> {
    let start = Instant::now();
    loop {
        if let Some(status) = running.ended() {
            let failed = || LoadError::CommandFailed {
                role,
                command: command.to_owned(),
                status,
            };
            return if status.success() { Ok(()) } else { Err(failed()) };
        }
        if interrupt.is_requested() {
            running.kill();
            return Err(LoadError::Interrupted);
        }
        if start.elapsed() > most {
            running.kill();
            return Err(LoadError::CommandTooLong {
                role,
                command: command.to_owned(),
                most_s: most.as_secs_f64(),
            });
        }
        std::thread::sleep(READY_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Mutex};

    use super::*;
    use crate::run::command::unguarded;

    #[test]
    fn an_address_comes_from_the_base_url() {
        assert_eq!(
            Address::of("http://127.0.0.1:8080/x").expect("valid"),
            Address {
                host: "127.0.0.1".into(),
                port: 8080
            }
        );
        assert_eq!(
            Address::of("http://[::1]").expect("valid"),
            Address {
                host: "::1".into(),
                port: 80
            }
        );
        assert_eq!(Address::of("https://localhost").expect("valid").port, 443);
        assert_eq!(
            Address::of("postgres://localhost:5432/shop").expect("valid").port,
            5432
        );
        for bad in ["nonsense", "http://", "postgres://localhost/shop"] {
            assert!(
                matches!(Address::of(bad), Err(LoadError::BaseUrl { .. })),
                "{bad}"
            );
        }
    }

    #[test]
    fn what_a_start_command_has_started_may_clean_up_before_it_is_killed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let script = "sh -c 'trap \"sleep 0.3; touch cleaned; exit\" TERM; touch ready; while :; do sleep \
         0.05; done'; true";
        let running =
            RunningCommand::start(script, &unguarded(folder.path()), Stdio::null()).expect("sh runs");
        while !folder.path().join("ready").exists() {
            std::thread::sleep(READY_INTERVAL);
        }
        drop(StartedTarget {
            running,
            interrupt: Interrupt::default(),
        });
        assert!(folder.path().join("cleaned").exists());
    }

    #[test]
    fn a_failing_command_names_its_role_and_status() {
        let error = run_command(
            "reset",
            "exit 3",
            &unguarded(Path::new("/")),
            LONGEST_COMMAND,
            &Interrupt::default(),
        )
        .expect_err("fails");
        assert!(
            error.to_string().contains("reset") && error.to_string().contains('3'),
            "{error}"
        );
    }

    #[test]
    fn messages_of_a_command_are_printed_line_by_line() {
        static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
        let settings = CommandSettings {
            print: Some(|line| LINES.lock().expect("nobody panics").push(line.to_owned())),
            ..unguarded(Path::new("/"))
        };
        let command = "printf 'one\\ntwo\\033[2J\\nthe rest' >&2";
        run_command(
            "reset",
            command,
            &settings,
            LONGEST_COMMAND,
            &Interrupt::default(),
        )
        .expect("it runs");
        let lines = LINES.lock().expect("nobody panics");
        assert_eq!(*lines, ["one", "two\u{1b}[2J", "the rest"]);
    }

    #[test]
    fn a_command_ends_with_the_time_that_a_run_has_left() {
        let error = run_command(
            "reset",
            "sleep 60",
            &unguarded(Path::new("/")),
            Duration::from_millis(100),
            &Interrupt::default(),
        )
        .expect_err("too long");
        assert!(
            matches!(error, LoadError::CommandTooLong { role: "reset", .. }),
            "{error}"
        );
    }
}
