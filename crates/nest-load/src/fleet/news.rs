//! What happens in a fleet, for whoever watches a run.

use std::{fmt, sync::Arc};

use nest_data::measurement::Counts;

/// What happens in a fleet.
#[derive(Debug, Clone, PartialEq)]
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
    /// This worker has joined.
    Entered {
        /// The session.
        session: String,
        /// Its generator threads.
        slots: usize,
    },
    /// This worker has the study.
    Given {
        /// Name of the study.
        study: String,
        /// Where its load goes, as the study writes it.
        url: String,
    },
    /// This worker executes one behaviour alone, for the pilot.
    Alone {
        /// The behaviour.
        behaviour: String,
    },
    /// This worker begins its part of a step.
    Begun {
        /// Executions that it starts per second; `None` if customers decide when to act.
        per_s: Option<f64>,
        /// Customers that it plays, if they decide.
        customers: u64,
    },
    /// This worker has ended its part of a step, or of the pilot.
    Ended {
        /// What was due, from the start.
        counts: Counts,
    },
    /// This worker ends its part of a step before the coordinator says so.
    Cut {
        /// Why.
        reason: String,
    },
    /// The coordinator has ended the session.
    Over,
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
            Self::Entered { session, slots: 1 } => {
                write!(
                    out,
                    "joined the session {session} with 1 thread; waiting for the coordinator"
                )
            }
            Self::Entered { session, slots } => {
                write!(
                    out,
                    "joined the session {session} with {slots} threads; waiting for the coordinator"
                )
            }
            Self::Given { study, url } => {
                write!(out, "received the study {study}, whose load goes to {url}")
            }
            Self::Alone { behaviour } => write!(out, "pilot: running {behaviour} alone"),
            Self::Begun {
                per_s: Some(per_s), ..
            } => {
                let digits = if *per_s < 10.0 { 2 } else { 0 };
                write!(
                    out,
                    "a step begins: {per_s:.digits$} starts per second are this worker's share"
                )
            }
            Self::Begun { customers, .. } => {
                write!(
                    out,
                    "a step begins: {customers} customers are this worker's share"
                )
            }
            Self::Ended { counts } => write!(
                out,
                "ended: {} executions were due here, {} completed, {} failed, {} dropped; waiting",
                counts.due, counts.completed, counts.failed, counts.dropped
            ),
            Self::Cut { reason } => write!(out, "note: the step ends here, because {reason}"),
            Self::Over => write!(out, "the coordinator ended the session"),
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
