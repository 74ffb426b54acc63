//! A projection as HTML, SVG, Markdown and CSV, in memory.
//!
//! Every function here is pure: an equal projection gives equal bytes. A report formats and draws; it
//! computes no statistic, and a caveat once raised reaches it. Reading and writing files is left to nest-cli.
//!
//! ```
//! use nest_data::Estimate;
//!
//! let customers = Estimate { value: 46_613.0, standard_error: 2_370.0, low: 43_122.0, high: 50_921.0 };
//! assert_eq!(nest_report::format::estimate(&customers), "46,600 [43,100 … 50,900]");
//! ```

mod chart;
pub mod check;
mod csv;
mod error;
mod figures;
pub mod format;
mod html;
mod markdown;
mod markup;
pub mod runs;
mod unit;
mod verdict;
mod words;

#[cfg(feature = "png")]
pub use chart::pictures;
pub use chart::{charts, gallery};
pub use csv::{csv, csv_of};
pub use error::ReportError;
pub use html::html;
pub use markdown::{markdown, markdown_section};
pub use verdict::{NextStep, Verdict, verdict};
