//! Errors while a report is made.

use thiserror::Error;

/// A report that could not be made.
#[derive(Debug, Error)]
pub enum ReportError {
    /// A chart could not be drawn.
    #[error("chart `{id}` cannot be drawn: {reason}")]
    Chart {
        /// Identifier of the chart.
        id: String,
        /// What the drawing backend said.
        reason: String,
    },
    /// A template could not be filled.
    #[error("template `{template}` cannot be filled")]
    Template {
        /// Name of the template.
        template: &'static str,
        /// Where and why.
        #[source]
        source: minijinja::Error,
    },
    /// XML could not be written.
    #[error("the XML cannot be written")]
    Xml {
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
