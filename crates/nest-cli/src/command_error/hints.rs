//! Exit code of each error of a stage, and what to do about it.

use std::io::ErrorKind;

use nest_load::LoadError;
use nest_model::ModelError;
use nix::errno::Errno;

use super::{INTERNAL, INTERRUPTED, INVALID, LOST, STALE, USAGE};

/// Exit code and hint of an error while fitting or projecting.
pub(super) fn of_model(error: &ModelError) -> (u8, &'static str) {
    match error {
        ModelError::TooFewSteps { .. } => (
            LOST,
            "measure more steps, or steps with less load: see ramp, base and boost in [measure]",
        ),
        ModelError::Histogram { .. } => (INVALID, "measure again, or restore the file from version control"),
        ModelError::NothingInCommon { .. } => (
            INVALID,
            "compare runs of one study whose behaviours and probes have not changed in between",
        ),
        ModelError::Table { .. } => (INTERNAL, "this is a bug; please report it"),
        ModelError::NotMeasured { .. } | ModelError::CounterUnmeasured { .. } => (
            STALE,
            "run `locust-nest measure STUDY` and `locust-nest fit STUDY`",
        ),
        ModelError::CountUnknown { .. } => (
            INVALID,
            "correct where the count is read, under `counts` of the behaviour, then measure and fit again",
        ),
        ModelError::BookMissing { .. } => (
            INVALID,
            "add the book to the study as pricing/PROVIDER/REGION.toml, or name another one",
        ),
        ModelError::Currency { .. } => (
            INVALID,
            "use the currency of the price books in the study, or add [exchange.CURRENCY] with rate and date",
        ),
        ModelError::UnknownFigure { .. } => (
            USAGE,
            "name one of per-1000, cost, fees, break-point, instances, demand.RESOURCE.BEHAVIOUR and \
             rate.BEHAVIOUR",
        ),
        ModelError::UnknownConfig { .. } => (
            USAGE,
            "give --config the name of a configuration of nest.toml: a table [configs.NAME]",
        ),
        _ => (INVALID, "correct it in nest.toml"),
    }
}

/// Exit code of an error while measuring.
pub(super) fn code_of_load(error: &LoadError) -> u8 {
    match error {
        LoadError::Interrupted => INTERRUPTED,
        LoadError::TargetDown { .. }
        | LoadError::TargetLost { .. }
        | LoadError::BehaviourFails { .. }
        | LoadError::AddressTaken { .. }
        | LoadError::CommandFailed { .. }
        | LoadError::CommandTooLong { .. }
        | LoadError::OutOfTime { .. }
        | LoadError::Probe { .. }
        | LoadError::WorkersMissing { .. }
        | LoadError::WorkersLost { .. }
        | LoadError::NoSession { .. }
        | LoadError::CoordinatorSilent { .. }
        | LoadError::Unresolved { .. } => LOST,
        LoadError::KeptPlan { .. } | LoadError::JoinRefused { .. } => STALE,
        LoadError::OtherCoordinator { .. } => USAGE,
        LoadError::Plan { .. }
        | LoadError::TooManyCustomers { .. }
        | LoadError::TooLong { .. }
        | LoadError::TooManyArrivals { .. }
        | LoadError::SecretUnfit { .. }
        | LoadError::SecretMissing { .. }
        | LoadError::BaseUrl { .. }
        | LoadError::Certificate { .. }
        | LoadError::WorkerRefuses { .. }
        | LoadError::Locustfile { .. }
        | LoadError::CodeMissing { .. } => INVALID,
        LoadError::Command { .. }
        | LoadError::Read { .. }
        | LoadError::Keep(_)
        | LoadError::WorkerGone
        | LoadError::Broker { .. }
        | LoadError::BadMessages { .. }
        | LoadError::System { .. } => INTERNAL,
    }
}

/// What to do about an error while measuring.
pub(super) fn hint_of_load(error: &LoadError) -> Option<&'static str> {
    Some(match error {
        LoadError::Interrupted => {
            "finished steps are saved; continue with `locust-nest measure STUDY --resume`"
        }
        LoadError::TargetDown { .. } => {
            "start the target or correct its address; where [target] start of a study starts it, its \
             messages are in target.log of the run"
        }
        LoadError::TargetLost { .. } => {
            "finished steps are saved; start the target and continue with `locust-nest measure STUDY \
             --resume`"
        }
        LoadError::BehaviourFails { .. } => {
            "correct the behaviour, or check the target; with keep_bodies = true under [measure], a study \
             keeps such answers in failures/ of the run"
        }
        LoadError::AddressTaken { .. } => {
            "stop the process that listens there, or remove `start` from [target] to measure that process"
        }
        LoadError::CommandFailed { .. } => "run the command by hand in the study's folder",
        LoadError::CommandTooLong { .. } => "make the command quicker, or raise [measure] max_duration",
        LoadError::OutOfTime { .. } => {
            "finished steps are saved; continue with `locust-nest measure STUDY --resume`, or use a quicker \
             `reset`"
        }
        LoadError::Probe { .. } => {
            "name the process or the metrics page in a probe: [probes.app] with pid, port or scrape"
        }
        LoadError::Plan { .. } => "name the target's process in a probe",
        LoadError::TooLong { .. } => "use fewer or shorter windows, or raise [measure] max_duration",
        LoadError::TooManyCustomers { .. } => "use fewer customers, or a shorter think time",
        LoadError::KeptPlan { .. } => "start a new run with `locust-nest measure STUDY`",
        LoadError::TooManyArrivals { .. } => "lower the rate, [measure] max_rate, or the number of customers",
        LoadError::SecretUnfit { .. } => "export it without the line break",
        LoadError::SecretMissing { .. } => "export it before measuring",
        LoadError::BaseUrl { .. } => "write scheme, host and port, such as http://127.0.0.1:8080",
        LoadError::Unresolved { .. } => "check the spelling of the host, or write its IP address",
        LoadError::Certificate { .. } => {
            "give a file with certificates in PEM form (-----BEGIN CERTIFICATE-----)"
        }
        LoadError::Broker { .. } => {
            "check its address, that it runs, and the user and password: NEST_NATS_USER and \
             NEST_NATS_PASSWORD, or --credentials FILE"
        }
        LoadError::WorkersMissing { .. } => {
            "run the command again and start all workers with the line that it prints then; wait longer with \
             --wait, or ask for fewer with --workers"
        }
        LoadError::WorkersLost { .. } => {
            "finished steps are saved; start the workers anew and continue with `locust-nest measure STUDY \
             --resume`, or allow fewer with --workers-min"
        }
        LoadError::WorkerRefuses { .. } => "start that worker with other options, or change the study",
        LoadError::NoSession { .. } => {
            "start it with the line that `measure` prints, while that waits for workers: --session and \
             credentials are those of one run"
        }
        LoadError::OtherCoordinator { .. } => "give this run another --session",
        LoadError::CoordinatorSilent { .. } => "start the worker again once the coordinator runs",
        LoadError::BadMessages { .. } => {
            "find out who else sends messages there, or give the run another --session"
        }
        LoadError::WorkerGone => "this is a bug; please report it with the message above",
        LoadError::CodeMissing { .. } => "use the program that contains the behaviour",
        LoadError::System { source, .. } | LoadError::Read { source, .. } if is_out_of_files(source) => {
            "raise the limit of open files (ulimit -n), or use fewer workers"
        }
        LoadError::Keep(_) => {
            "steps that finished before are saved: correct that, then continue with `locust-nest measure \
             STUDY --resume`"
        }
        // It has a remedy of its own.
        LoadError::Locustfile { .. }
        | LoadError::JoinRefused { .. }
        | LoadError::Command { .. }
        | LoadError::Read { .. }
        | LoadError::System { .. } => return None,
    })
}

/// What to do about an error of the system, where that is known.
pub(super) fn of_system(error: &std::io::Error) -> Option<&'static str> {
    match error.kind() {
        _ if is_out_of_files(error) => Some("raise the limit of open files (ulimit -n)"),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some("free space there, then try again"),
        _ => None,
    }
}

/// Whether the system says that this process, or the machine, may open no more files: EMFILE, ENFILE.
fn is_out_of_files(error: &std::io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw),
        Some(Errno::EMFILE | Errno::ENFILE)
    )
}
