//! Drives customers against a target in steps, and samples target and generator while it does.
//!
//! [`measure`] takes a resolved study and hands back each step as it ends; it writes no file and prints nothing.
//!
//! - [`plan`]: which steps, at which rates (pure)
//! - [`pacer`]: when each execution is due (pure)
//! - `engine`, `customer`, `http`: executing behaviours from their due time; reqwest is in `http` only
//! - `recorder`: counts and histograms; [`verdict`]: what a step is worth (pure)
//! - [`observe`]: processor, memory and disk of the target, `fetch`: its metrics pages; [`target`]: starting and ending it
//! - [`doctor`]: whether this machine is fit to measure

pub mod doctor;
pub mod error;
pub mod interrupt;
pub mod observe;
pub mod pacer;
pub mod plan;
pub mod target;
pub mod verdict;

mod customer;
mod engine;
mod fetch;
mod http;
mod pilot;
mod rate_clock;
mod recorder;
mod run;
mod script;

pub use error::LoadError;
pub use interrupt::Interrupt;
pub use run::{Event, MeasureOptions, MeasureOutcome, Resume, measure, resolve_plan};
pub use script::secret_names;
