//! Drives customers against a target in steps, and samples target and generator while it does.
//!
//! [`measure`] takes a resolved study and hands back each step as it ends; it writes no file and prints
//! nothing.
//!
//! From the whole to its parts:
//!
//! - `run`: a whole run ([`plan`], pilot, search, [`target`]); [`quick`]: the engine without a study;
//!   [`doctor`]
//! - `engine`: runs one step, with threads, workers elsewhere, or [`locust`] processes
//! - `worker`: a thread with its customers, and how it offers the load of a step
//! - `schedule`: when each execution is due, and what customers do in between (pure)
//! - `execute`: executes a behaviour from its due time; `exchange`: one request and its answer
//! - `script`: behaviours of files, compiled; [`code`]: behaviours in Rust; `http`: the protocols they use
//! - [`fleet`]: load from many machines
//! - `recorder`: counts and histograms; `verdict`: judges a step (pure); [`observe`]: what the target uses
//! - [`codec`]: the HTTP/1.1 decoder without a socket, and [`readers`] of what answers hold, for checks from
//!   outside

pub mod code;
pub mod error;
pub mod fleet;
pub mod observe;

mod clock;
mod engine;
mod exchange;
mod execute;
mod http;
mod recorder;
mod run;
mod schedule;
mod script;
mod verdict;
mod worker;

pub use engine::{
    interrupt::{self, Interrupt},
    locust,
};
pub use error::LoadError;
pub use exchange::readers;
pub use http::{codec, fetch::download, tls::Trust};
pub use run::{
    CommandSettings, Event, FailedBody, MeasureOptions, MeasureOutcome, Resume, RunningCommand, doctor,
    guard::guard, measure, plan, quick, resolve_plan, target, visit,
};
pub use script::secret_names;
