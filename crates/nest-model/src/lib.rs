//! Fits a model to measurements, and projects what a target will cost and when it fails. All of it is
//! functions of documents, without input, output or a clock.
//!
//! - [`fit`](fit()): [`Measurements`](nest_data::Measurements) to [`ScalingModel`](nest_data::ScalingModel)
//! - [`project`](project()): a model, a study and price books to a [`Projection`](nest_data::Projection)
//! - [`comparison`]: two versions of a target, by what one execution of each behaviour uses
//! - [`demand`], [`growth`], [`curve`]: what the commands of those names compute
//! - [`queueing`], [`regression`], [`laws`], [`response`], [`pricing`]: the formulas underneath, each with
//!   its source
//! - `table`: measured steps as Parquet bytes; the only module that knows polars

pub mod comparison;
pub mod curve;
pub mod demand;
pub mod draws;
pub mod error;
pub mod fit;
pub mod growth;
pub mod laws;
pub mod pricing;
pub mod project;
pub mod queueing;
pub mod regression;
pub mod response;
#[cfg(feature = "table")]
pub mod table;

pub use error::ModelError;
pub use fit::fit;
pub use project::{
    DemandChange, ProjectOptions, VersionsProjection, explain, project, project_quickly, project_versions,
};
