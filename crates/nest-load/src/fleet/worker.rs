//! A worker: offers its part of the load of a coordinator's steps. It takes no commands, no secrets and no
//! target that it was not started for, and stops by itself once the coordinator is silent.
//!
//! - `session`: joins, hears, and answers; `station`: what it runs; `job`: one step on threads of its own

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use super::{broker::BrokerAccess, news::FleetListener, program::WorkerRules};
use crate::{code::registry::Registry, engine::interrupt::Interrupt, error::LoadError};

mod job;
mod session;
mod station;

/// Looks up a secret by its name.
type SecretSource = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// How a worker is started.
pub struct WorkerOptions {
    /// The broker.
    pub access: BrokerAccess,
    /// Name of the session.
    pub session: String,
    /// Its name: 1 to 64 of `A-Z a-z 0-9 _ -`, unlike any other's.
    pub name: String,
    /// Generator threads, 1 or more.
    pub slots: usize,
    /// Cores for them, by number from 0; fewer than threads leaves the others wherever there is room.
    pub cores: Vec<usize>,
    /// Hosts besides the loopback ones that it may put under load, if the study allows them too.
    pub allow_hosts: Vec<String>,
    /// Variables of its environment that a study may read, and so send to the target.
    pub allow_env: Vec<String>,
    /// Most requests per second that it sends; `None` for no bound of its own.
    pub max_rate: Option<f64>,
    /// Most customers that it plays at once; `None` for no bound of its own.
    pub max_customers: Option<u64>,
    /// Version and digest of this program; the coordinator must have the same.
    pub build: String,
    /// Behaviours in code.
    pub registry: Registry,
    /// Where secrets are.
    pub secret: SecretSource,
    /// How long broker and coordinator are waited for.
    pub wait: Duration,
    /// Hears what happens.
    pub listener: FleetListener,
}

impl fmt::Debug for WorkerOptions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("WorkerOptions")
            .field("session", &self.session)
            .field("name", &self.name)
            .field("slots", &self.slots)
            .finish_non_exhaustive()
    }
}

impl WorkerOptions {
    fn rules(&self) -> WorkerRules {
        WorkerRules {
            allow_hosts: self.allow_hosts.clone(),
            allow_env: self.allow_env.clone(),
            max_rate: self.max_rate,
            max_customers: self.max_customers,
        }
    }

    /// The secrets of these names that there are, and the names of the others.
    fn secrets(&self, names: Vec<String>) -> (BTreeMap<String, String>, Vec<String>) {
        let (mut found, mut missing) = (BTreeMap::new(), Vec::new());
        for name in names {
            match (self.secret)(&name) {
                Some(secret) => _ = found.insert(name, secret),
                None => missing.push(name),
            }
        }
        (found, missing)
    }
}

/// Joins a session and works until its coordinator says that it is over.
///
/// # Errors
/// [`LoadError::Broker`], [`LoadError::NoSession`], [`LoadError::JoinRefused`],
/// [`LoadError::CoordinatorSilent`], [`LoadError::Interrupted`].
pub fn work(options: WorkerOptions, interrupt: &Interrupt) -> Result<(), LoadError> {
    options.access.check()?;
    crate::engine::raise_open_files();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| LoadError::System {
            what: "a runtime",
            source,
        })?;
    let worked = runtime.block_on(session::run(options, interrupt));
    // A look-up of a name that hangs is not waited for.
    runtime.shutdown_background();
    worked
}
