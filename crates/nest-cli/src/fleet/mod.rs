//! Load from many machines, as the command line has it: credentials, the broker that is started where none is
//! named, and what workers are to be started with.

mod credentials;
mod own_broker;

use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
    time::Duration,
};

use nest_data::Study;
use nest_load::{
    Interrupt, Trust,
    fleet::{BrokerAccess, FleetListener, FleetNews, FleetOptions, PlainBroker},
    secret_names,
};
use sha2::{Digest, Sha256};

pub use self::credentials::Credentials;
use self::own_broker::OwnBroker;
use crate::{
    args::{BrokerArguments, FleetArguments},
    clock,
    command_error::{CommandError, USAGE},
    printer::talk,
};

/// How long workers are waited for, unless a time is given.
const WAIT: Duration = Duration::from_secs(60);
/// Digits of the program's digest that tell builds apart.
const DIGITS: usize = 12;

/// A fleet that can be gathered. The broker ends with it, if it is ours.
pub struct PlannedFleet {
    pub options: FleetOptions,
    _broker: Option<OwnBroker>,
}

/// What a fleet is gathered for.
pub struct FleetPurpose<'a> {
    /// Workers, unless the arguments say how many.
    pub workers: u32,
    /// Hosts besides the loopback ones that workers must allow.
    pub hosts: &'a [String],
    /// Variables of their environment that workers must allow.
    pub variables: Vec<String>,
    /// Whether Locust is to send the load.
    pub is_locust: bool,
}

impl<'a> FleetPurpose<'a> {
    /// A study's.
    pub fn of(study: &'a Study) -> Self {
        Self {
            workers: study.measure.workers,
            hosts: &study.target.allow_hosts,
            variables: secret_names(study.behaviours.values(), &study.target.base_url),
            is_locust: study.locust.is_some(),
        }
    }
}

/// The name of a session that nobody named: the time, as names of runs have it.
fn usual_session() -> String {
    clock::now().strftime("%Y%m%dt%H%M%Sz").to_string()
}

/// The fleet that the arguments or the study ask for, if any.
pub fn planned(
    arguments: &FleetArguments,
    purpose: &FleetPurpose<'_>,
    trust: &Trust,
    interrupt: &Interrupt,
) -> Result<Option<PlannedFleet>, CommandError> {
    let workers = arguments.workers.unwrap_or(purpose.workers);
    if workers == 0 {
        return refuse_stray(arguments).map(|()| None);
    }
    if purpose.is_locust {
        let message =
            "workers cannot run the tasks of a locustfile: Locust has processes and workers of its own";
        return Err(CommandError::new(USAGE, message)
            .hint("leave out --workers; write `processes = N` or `master = \"HOST:PORT\"` under [locust]"));
    }
    let fewest = arguments.workers_min.unwrap_or(workers);
    if fewest > workers {
        let message = format!("--workers-min {fewest} is more than the {workers} workers that are asked for");
        return Err(CommandError::new(USAGE, message).hint("give a smaller number, or more workers"));
    }
    let session = arguments.session.clone().unwrap_or_else(usual_session);
    let (broker, access, credentials) = match &arguments.nats {
        Some(url) => (
            None,
            access(&arguments.broker, url, Credentials::of(&arguments.broker)?),
            ", and its credentials in that file or in NEST_NATS_USER and NEST_NATS_PASSWORD",
        ),
        None => {
            let broker = OwnBroker::start(&session, interrupt)?;
            let access = broker.access();
            (Some(broker), access, "")
        }
    };
    let file = broker.as_ref().map_or_else(
        || "FILE".to_owned(),
        |broker| shell_word(&broker.worker_credentials()),
    );
    let line = worker_line(&access, &session, &file, purpose);
    let each = if workers == 1 { "the worker" } else { "each worker" };
    talk(&format!("start {each} with this command{credentials}:\n  {line}"));
    let options = FleetOptions {
        access,
        session,
        workers: workers as usize,
        fewest: fewest as usize,
        wait: arguments.wait.map_or(WAIT, |wait| wait.duration()),
        build: build()?,
        trust: trust.clone(),
        listener: listener(),
    };
    Ok(Some(PlannedFleet {
        options,
        _broker: broker,
    }))
}

/// Refuses options that say nothing without workers.
fn refuse_stray(arguments: &FleetArguments) -> Result<(), CommandError> {
    let broker = &arguments.broker;
    let given = [
        ("--nats", arguments.nats.is_some()),
        ("--session", arguments.session.is_some()),
        ("--workers-min", arguments.workers_min.is_some()),
        ("--wait", arguments.wait.is_some()),
        ("--credentials", broker.credentials.is_some()),
        ("--ca", broker.ca.is_some()),
        ("--cert", broker.cert.is_some()),
        ("--insecure-broker", broker.insecure_broker),
    ];
    match given.iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((option, _)) => {
            let message = format!("{option} is for load from workers, and none are asked for");
            Err(CommandError::new(USAGE, message).hint("add --workers N, or leave it out"))
        }
    }
}

/// How a broker is reached.
pub fn access(arguments: &BrokerArguments, url: &str, credentials: Credentials) -> BrokerAccess {
    BrokerAccess {
        url: url.to_owned(),
        user: credentials.user,
        password: credentials.password,
        ca: arguments.ca.clone(),
        certificate: arguments.cert.clone().zip(arguments.key.clone()),
        plain: if arguments.insecure_broker {
            PlainBroker::Allowed
        } else {
            PlainBroker::Refused
        },
    }
}

/// Prints what happens in a fleet.
pub fn listener() -> FleetListener {
    FleetListener::new(|news: FleetNews| talk(&news.to_string()))
}

/// Version and digest of this program: what runs on two machines is the same if both are.
pub fn build() -> Result<String, CommandError> {
    let path = std::env::current_exe()?;
    let digest = digest(&path).map_err(|error| {
        CommandError::from(error).context(format!("cannot read the program {}", path.display()))
    })?;
    Ok(format!("{}-{digest}", env!("CARGO_PKG_VERSION")))
}

fn digest(path: &Path) -> std::io::Result<String> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut sum = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        sum.update(&buffer[..read]);
    }
    let mut digits: String = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    digits.truncate(DIGITS);
    Ok(digits)
}

/// The command that starts a worker, as a shell takes it.
fn worker_line(
    access: &BrokerAccess,
    session: &str,
    credentials: &str,
    purpose: &FleetPurpose<'_>,
) -> String {
    let program = std::env::args()
        .next()
        .unwrap_or_else(|| "locust-nest".to_owned());
    let hosts: String = purpose
        .hosts
        .iter()
        .map(|host| format!(" --allow-host {}", shell_word(host)))
        .collect();
    let variables: String = purpose
        .variables
        .iter()
        .map(|name| format!(" --allow-env {name}"))
        .collect();
    format!(
        "{} worker --join {} --session {session} --credentials {credentials}{hosts}{variables}",
        shell_word(&program),
        access.url
    )
}

/// A word as a shell takes it.
fn shell_word(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+:".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
