//! `worker`: offers a part of the load of a coordinator's steps.

use std::{path::Path, sync::Arc};

use nest_load::{
    LoadError,
    code::Registry,
    fleet::{WorkerOptions, is_token, work},
};

use crate::{
    args::WorkerArguments,
    command_error::{CommandError, INTERRUPTED},
    fleet::{Credentials, access, build, listener},
    interrupts,
};

/// Where Linux says how this machine is called.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// Runs the verb.
pub fn run(arguments: &WorkerArguments, registry: &Registry) -> Result<(), CommandError> {
    let credentials = Credentials::of(&arguments.broker).map_err(|error| {
        if arguments.broker.credentials.is_some() {
            error
        } else {
            error.hint(
                "give --credentials FILE: the command that `measure --workers` printed has the file; or \
                 export both",
            )
        }
    })?;
    let interrupt = interrupts::watch()?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let slots = match (arguments.slots, arguments.cores.len()) {
        (Some(slots), _) => slots as usize,
        (None, 0) => cores,
        (None, named) => named,
    };
    let options = WorkerOptions {
        access: access(&arguments.broker, &arguments.join, credentials),
        session: arguments.session.clone(),
        name: arguments.name.clone().unwrap_or_else(own_name),
        slots,
        cores: arguments.cores.clone(),
        allow_hosts: arguments.allow_host.clone(),
        allow_env: arguments.allow_env.clone(),
        max_rate: arguments.max_rate,
        max_customers: arguments.max_customers,
        build: build()?,
        registry: registry.clone(),
        secret: Arc::new(|name| std::env::var(name).ok()),
        wait: arguments.wait.duration(),
        listener: listener(),
    };
    match work(options, &interrupt) {
        Err(LoadError::Interrupted) => {
            Err(CommandError::new(INTERRUPTED, "interrupted; the worker has left"))
        }
        worked => worked.map_err(CommandError::from),
    }
}

/// The name of the host and the number of the process.
fn own_name() -> String {
    let host = std::fs::read_to_string(Path::new(HOST_NAME)).unwrap_or_default();
    let plain: String = host
        .trim()
        .chars()
        .map(|letter| if letter == '.' { '-' } else { letter })
        .take(48)
        .collect();
    let host = if is_token(&plain) {
        plain
    } else {
        "worker".to_owned()
    };
    format!("{host}-{}", std::process::id())
}
