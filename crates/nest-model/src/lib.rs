//! Fits what was measured, and projects what it costs and where it breaks. Functions of documents: no I/O, no clock.
//!
//! - [`fit`]: [`Measurements`](nest_data::Measurements) to [`ScalingModel`](nest_data::ScalingModel)
//! - [`project`]: a model, a study and price books to a [`Projection`](nest_data::Projection)
//! - [`queueing`], [`regression`]: the formulas underneath, each with its source
//! - `table`: measured steps as Parquet bytes; the only module that knows polars

pub mod attribution;
pub mod curve;
pub mod demand;
pub mod draws;
pub mod error;
pub mod error_onset;
pub mod explain;
pub mod growth;
pub mod history;
pub mod laws;
pub mod leak;
pub mod load_law;
pub mod mixed_effects;
mod performance;
pub mod pricing;
pub mod queueing;
pub mod regression;
pub mod response;
pub mod scaling;
pub mod sizing;
#[cfg(feature = "table")]
pub mod table;
pub mod unmeasured;
pub mod usl;

mod break_point;
mod ceiling;
mod charts;
mod compare;
mod config;
mod inputs;
mod limits;
mod months;
mod policy;
mod project;
mod segments;
mod sensitivity;

pub use error::ModelError;
pub use project::{ProjectOptions, project};
pub use scaling::fit;
