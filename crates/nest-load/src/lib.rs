//! Drives customers against a target in steps, and samples target and generator while it does.
//!
//! [`measure`] takes a resolved study and hands back each step as it ends; it writes no file and prints nothing.
//!
//! - [`plan`]: which steps, at which rates; `search`: which one to try next (pure)
//! - `load`, [`pacer`], `think`: when each execution is due, and what customers do in between (pure)
//! - `engine`, `worker`, `offer`: steps, threads, and the load that each offers; `clock`, `windows`: what they keep time by
//! - `customer`, `requests`, [`code`], `turn`: executing behaviours from their due time
//! - `script`: behaviours compiled; `http`: the protocols they are spoken in
//! - `recorder`: counts and histograms; `settle`, [`verdict`]: what a step is worth (pure)
//! - [`observe`]: processor, memory and disk of the target, `fetch`: its metrics pages; [`target`]: starting and ending it
//! - [`codec`]: what the engine makes of the bytes of an answer, for checks from outside
//! - [`quick`]: the engine without a study; [`doctor`]: whether this machine is fit to measure

pub mod code;
pub mod codec;
pub mod doctor;
pub mod error;
pub mod interrupt;
pub mod observe;
pub mod pacer;
pub mod plan;
pub mod quick;
pub mod target;
pub mod verdict;

mod clock;
mod customer;
mod engine;
mod fetch;
mod http;
mod level;
mod load;
mod masking;
mod offer;
mod pilot;
mod recorder;
mod requests;
mod run;
mod script;
mod search;
mod settle;
mod think;
mod turn;
mod windows;
mod worker;

pub use error::LoadError;
pub use fetch::download;
pub use http::tls::Trust;
pub use interrupt::Interrupt;
pub use run::{Event, MeasureOptions, MeasureOutcome, Resume, measure, resolve_plan};
pub use script::secret_names;

/// How the generator names itself to the target.
pub const USER_AGENT: &str = concat!("locust-nest/", env!("CARGO_PKG_VERSION"));
