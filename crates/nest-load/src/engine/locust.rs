//! Behaviours that are tasks of a locustfile: a real Locust executes them, on our schedule or as they are
//! written.
//!
//! - `nest_locust.py` and the files beside it run inside Locust: they execute what is due and tell what began
//!   and ended; they count nothing
//! - `message`: what goes over their sockets; `listing`: what a locustfile has
//! - `process`: a Locust process with its socket; `settings`: how it is started
//! - `ledger`: what one process told, as a recorder of it (pure)
//! - `crew`: all processes as a crew of the engine; `users`: how many of each class a closed load has (pure)
//! - `pacing`: hands arrivals over before they are due
//! - `doubts`: caveats that the requests of a locustfile raise (pure)
//!
//! Due times come from the same arrivals as those of our own threads, so that a locustfile and a study of
//! files offer the same population. The clock of `time.perf_counter_ns` is CLOCK_MONOTONIC, as ours is.

pub mod crew;
mod doubts;
mod ledger;
mod listing;
mod message;
mod pacing;
mod process;
mod settings;
mod users;

pub use listing::{ListedClass, ListedTask, Listing, TaskKind};
pub use process::list;
pub use settings::LocustSettings;
