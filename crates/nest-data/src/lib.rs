//! Documents that pass between the stages of locust-nest, and their units.
//!
//! ```text
//! Study --measure--> Measurements --fit--> ScalingModel --project--> Projection --report--> pages
//! ```
//!
//! Every type here is plain data: parsing takes `&str`, nothing touches a file, a clock or a network.
//!
//! ```
//! use nest_data::formula::Formula;
//!
//! let rate = Formula::parse_rate("3 / (min_payment + 0.5) / day").unwrap();
//! let parameters = [("min_payment".to_owned(), 10.0)].into_iter().collect();
//! assert!((rate.per_day(&parameters).unwrap() - 3.0 / 10.5).abs() < 1e-12);
//! ```

pub mod caveat;
pub mod diagnostic;
pub mod document;
pub mod error;
pub mod estimate;
pub mod formula;
pub mod measurement;
pub mod price_book;
pub mod price_import;
pub mod projection;
pub mod scaling;
pub mod study;
pub mod toml_document;
pub mod units;

pub use caveat::Caveat;
pub use diagnostic::{Diagnostic, Source};
pub use document::{Document, Header, check_numbers};
pub use error::DataError;
pub use estimate::Estimate;
pub use measurement::Measurements;
pub use price_book::PriceBook;
pub use projection::{
    Projection,
    explanation::{self, Explanation},
    gate_report::{self, GateReport},
    runs_report::{self, RunsReport},
};
pub use scaling::ScalingModel;
pub use study::{
    Study,
    behaviour::{self, BehaviourSpec},
    config, customers, fee, feed, growth, measure, mechanism, segment, stored_data,
};
