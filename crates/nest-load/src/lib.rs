//! Drives customers against a target in steps, and samples target and generator while it does.
//!
//! [`measure`] takes a resolved study and hands back each step as it ends; it writes no file and prints
//! nothing.
//!
//! - [`plan`]: which steps, at which rates; `search`: which one to try next (pure)
//! - `load`, [`pacer`], `think`: when each execution is due, and what customers do in between (pure)
//! - `engine`, `worker`, `offer`: steps, threads, and the load that each offers; `clock`, `windows`: what
//!   they keep time by
//! - `customer`, `requests`, [`code`], `turn`: executing behaviours from their due time
//! - `script`: behaviours compiled; `http`: the protocols they are spoken in
//! - `recorder`: counts and histograms; `settle`, [`verdict`]: what a step is worth (pure)
//! - [`observe`]: processor, memory and disk of the target, `fetch`: its metrics pages; [`target`]: starting
//!   and ending it
//! - [`codec`]: what the engine makes of the bytes of an answer, for checks from outside
//! - [`quick`]: the engine without a study; [`doctor`]: whether this machine is fit to measure

pub mod code;
pub mod error;
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

pub use engine::interrupt::{self, Interrupt};
pub use error::LoadError;
pub use http::{codec, fetch::download, tls::Trust};
pub use run::{
    Event, MeasureOptions, MeasureOutcome, Resume, doctor, measure, plan, quick, resolve_plan, target,
};
pub use script::secret_names;
