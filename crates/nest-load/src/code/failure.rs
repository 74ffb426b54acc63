//! Why an execution of a behaviour in code failed.

use std::fmt;

use crate::http::NoAnswer;

/// Why an execution failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Failures are counted by kind: `check`, `connect`, `tls`, `timeout`, `lost`, or a word of your own.
    pub kind: String,
    /// What happened, for the reader. It is kept in `measurements.json` with the kind: put nothing of an
    /// answer, no key and no password into either.
    pub reason: String,
}

impl Failure {
    /// A failure of some kind.
    pub fn new(kind: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self {
            kind: kind.into(),
            reason: reason.to_string(),
        }
    }

    /// A failed check of an answer.
    pub fn check(reason: impl fmt::Display) -> Self {
        Self::new("check", reason)
    }
}

/// Any error is a failure of kind `code`, or of kind `connect` if its cause is that nothing listens.
impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut innermost: &(dyn std::error::Error + 'static) = &error;
        while let Some(cause) = innermost.source() {
            innermost = cause;
        }
        let refused = innermost
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused);
        let outer = error.to_string();
        let inner = innermost.to_string();
        let reason = if outer.contains(&inner) {
            outer
        } else {
            format!("{outer}: {inner}")
        };
        Self {
            kind: if refused { NoAnswer::CONNECT } else { "code" }.to_owned(),
            reason,
        }
    }
}
