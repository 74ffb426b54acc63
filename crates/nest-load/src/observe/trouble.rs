//! Why a page of metrics, or the answer of a Prometheus server, gives no figures.

/// Why an answer holds no series.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// There was none.
    NoAnswer(String),
    /// It had another status than 200.
    Status(u16),
    /// It is not what it should be.
    Unreadable(String),
    /// The server does not understand the expression, or only answers part of it.
    Refused(String),
}
