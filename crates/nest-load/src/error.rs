//! What can go wrong while measuring.

use std::path::PathBuf;

/// An error of a measurement. Steps that were handed out before it stay valid.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The base URL cannot be used.
    #[error("{url:?} is not a URL that the load engine can use")]
    BaseUrl {
        /// What was given.
        url: String,
    },
    /// The host of the base URL is not known.
    #[error("host {host} cannot be found: {reason}")]
    Unresolved {
        /// The host.
        host: String,
        /// What the resolver says.
        reason: String,
    },
    /// A file with certificates cannot be used.
    #[error("the certificates in {file} cannot be used: {reason}")]
    Certificate {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A behaviour is written in Rust, and this binary does not have it.
    #[error("behaviour `{behaviour}` is written in Rust but not registered in this binary")]
    CodeMissing {
        /// The behaviour.
        behaviour: String,
    },
    /// A locustfile cannot be loaded, or not be led.
    #[error("{reason}")]
    Locustfile {
        /// What is wrong, with file and line where they are known.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// Something else serves the base URL before the study's target is started.
    #[error("something already listens at {address}, so the study's own target cannot start there")]
    AddressTaken {
        /// Host and port.
        address: String,
    },
    /// A command of the study cannot be run.
    #[error("the command {command:?} cannot be run in {folder}")]
    Command {
        /// The command.
        command: String,
        /// Where it was run.
        folder: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A command of the study failed.
    #[error("the {role} command {command:?} ended with {status}")]
    CommandFailed {
        /// `start`, `reset` or `state`.
        role: &'static str,
        /// The command.
        command: String,
        /// Its exit status.
        status: std::process::ExitStatus,
    },
    /// A command of the study took longer than it may, and was ended.
    #[error("the {role} command {command:?} took more than {most_s:.0} s, and was ended")]
    CommandTooLong {
        /// `reset` or `state`.
        role: &'static str,
        /// The command.
        command: String,
        /// What it could take: five minutes, or what `max_duration` leaves.
        most_s: f64,
    },
    /// The run has taken all the time that it may.
    #[error("the run has taken the {allowed_s:.0} s that [measure] max_duration allows")]
    OutOfTime {
        /// What is allowed.
        allowed_s: f64,
    },
    /// The target did not answer in time, before anything was measured.
    #[error("the target at {url} is down: {reason}")]
    TargetDown {
        /// Where it was looked for.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The target died in the middle.
    #[error("the target was no longer there in the step `{step}`: {reason}")]
    TargetLost {
        /// The step, which is not kept.
        step: String,
        /// What happened.
        reason: String,
    },
    /// A behaviour never worked in the pilot.
    #[error("behaviour `{behaviour}` completed nothing. Its first failure: {reason}")]
    BehaviourFails {
        /// The behaviour.
        behaviour: String,
        /// The first failed exchange.
        reason: String,
    },
    /// A process or metrics to read resources from are not there.
    #[error("resources cannot be read: {reason}")]
    Probe {
        /// What was looked for, and where.
        reason: String,
    },
    /// A counter of the system could not be read.
    #[error("cannot read {what}")]
    Read {
        /// What was read.
        what: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The plan cannot be made.
    #[error("no plan can be made: {reason}")]
    Plan {
        /// What is missing.
        reason: String,
    },
    /// The plan would take longer than the study allows.
    #[error(
        "the plan takes {planned_s:.0} s, more than the {allowed_s:.0} s that [measure] max_duration allows"
    )]
    TooLong {
        /// Length of the plan.
        planned_s: f64,
        /// Longest run of the study.
        allowed_s: f64,
    },
    /// The schedule has more arrivals than each worker could draw beside its work.
    #[error(
        "{arrivals_per_s:.0} arrivals per second are more than the {most_per_s:.0} that can be scheduled: \
         every worker draws the whole schedule, and may spend 5 % of its core on that"
    )]
    TooManyArrivals {
        /// Arrivals per second: executions, or sessions if those are scheduled.
        arrivals_per_s: f64,
        /// Most arrivals per second.
        most_per_s: f64,
    },
    /// A step has more customers than the generator takes.
    #[error("{customers} customers are more than the {most} that a step may have")]
    TooManyCustomers {
        /// Customers of the step.
        customers: usize,
        /// Most customers.
        most: usize,
    },
    /// The plan of an interrupted run goes beyond what the study allows.
    #[error("the interrupted run cannot continue: its plan {reason}")]
    KeptPlan {
        /// What is wrong with it.
        reason: String,
    },
    /// A secret that a template reads is not in the environment.
    #[error("{reader} reads the environment variable {variable}, which is not set")]
    SecretMissing {
        /// What reads it: a behaviour, or the base URL.
        reader: String,
        /// Its name.
        variable: String,
    },
    /// A secret cannot stand where a template puts it.
    #[error(
        "the environment variable {variable} holds a line break, so that behaviour `{behaviour}` cannot \
         send it in a header"
    )]
    SecretUnfit {
        /// The behaviour.
        behaviour: String,
        /// Its name.
        variable: String,
    },
    /// The run was interrupted; finished steps were handed out.
    #[error("interrupted")]
    Interrupted,
    /// The caller could not keep the plan, a step, or bodies of answers.
    #[error("what was measured could not be kept")]
    Keep(#[source] std::io::Error),
    /// A thread of the load generator ended before its work was done.
    #[error("a worker of the load generator ended before its work was done")]
    WorkerGone,
    /// The broker cannot be used.
    #[error("the NATS server at {url} cannot be used: {reason}")]
    Broker {
        /// Where it was looked for.
        url: String,
        /// What it says, or what is wrong with its address.
        reason: String,
    },
    /// Fewer workers came than are needed.
    #[error(
        "{} of {wanted} workers joined within {wait_s:.0} s{}", joined.len(), named(joined)
    )]
    WorkersMissing {
        /// How many are needed.
        wanted: usize,
        /// How long they were waited for, in seconds.
        wait_s: f64,
        /// Names of those that came.
        joined: Vec<String>,
    },
    /// Workers were lost, so that a step cannot be run.
    #[error("the step cannot be run: {reason}")]
    WorkersLost {
        /// What happened.
        reason: String,
    },
    /// A worker refuses what the study asks of it.
    #[error("the worker {worker} refuses: {reason}")]
    WorkerRefuses {
        /// Its name.
        worker: String,
        /// Why.
        reason: String,
    },
    /// The coordinator does not let this worker join.
    #[error("the coordinator of session {session} refuses this worker: {reason}")]
    JoinRefused {
        /// The session.
        session: String,
        /// Why.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
    /// This worker finds no coordinator in the session, or may not enter it.
    #[error("the session {session} cannot be joined: {reason}")]
    NoSession {
        /// The session.
        session: String,
        /// What happened.
        reason: String,
    },
    /// Another coordinator uses the session.
    #[error("another coordinator uses the session {session}")]
    OtherCoordinator {
        /// The session.
        session: String,
    },
    /// The coordinator has told nothing for a long time.
    #[error("the coordinator of session {session} was silent for {silent_s:.0} s")]
    CoordinatorSilent {
        /// The session.
        session: String,
        /// For how long, in seconds.
        silent_s: f64,
    },
    /// Messages that cannot be read came again and again.
    #[error("{count} messages on {subject} could not be read: {reason}")]
    BadMessages {
        /// Where they came.
        subject: String,
        /// How many.
        count: u32,
        /// What is wrong with the last one.
        reason: String,
    },
    /// The operating system refused something.
    #[error("{what} was refused by the operating system")]
    System {
        /// What was asked.
        what: &'static str,
        /// What it says.
        #[source]
        source: std::io::Error,
    },
}

/// Names after a colon, if there are any.
fn named(names: &[String]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!(": {}", names.join(", "))
    }
}
