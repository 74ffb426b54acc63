//! What happens in a fleet, for whoever watches a run.

use std::{fmt, sync::Arc};

/// What happens in a fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FleetNews {
    /// The coordinator waits for workers.
    Waiting {
        /// How many are needed.
        wanted: usize,
    },
    /// A worker has joined.
    Joined {
        /// Its name.
        worker: String,
        /// Its generator threads.
        slots: usize,
    },
    /// A worker was not let in.
    Refused {
        /// Its name.
        worker: String,
        /// Why.
        reason: String,
    },
    /// A worker is gone.
    Lost {
        /// Its name.
        worker: String,
        /// What is known of it.
        reason: String,
    },
    /// A step runs again.
    Again {
        /// Why.
        reason: String,
    },
    /// Something that a user should know.
    Note(String),
}

impl fmt::Display for FleetNews {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting { wanted: 1 } => write!(out, "waiting for 1 worker"),
            Self::Waiting { wanted } => write!(out, "waiting for {wanted} workers"),
            Self::Joined { worker, slots: 1 } => write!(out, "worker {worker} joined, with 1 thread"),
            Self::Joined { worker, slots } => write!(out, "worker {worker} joined, with {slots} threads"),
            Self::Refused { worker, reason } => write!(out, "worker {worker} was not let in: {reason}"),
            Self::Lost { worker, reason } => write!(out, "worker {worker} is lost: {reason}"),
            Self::Again { reason } => write!(out, "the step runs again: {reason}"),
            Self::Note(note) => write!(out, "note: {note}"),
        }
    }
}

/// Hears what happens in a fleet. Cheap to clone.
#[derive(Clone)]
pub struct FleetListener(Arc<dyn Fn(FleetNews) + Send + Sync>);

impl FleetListener {
    /// A listener that calls a function, from any thread.
    #[must_use]
    pub fn new(hear: impl Fn(FleetNews) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }

    pub(super) fn tell(&self, news: FleetNews) {
        (self.0)(news);
    }
}

impl fmt::Debug for FleetListener {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("FleetListener")
    }
}
