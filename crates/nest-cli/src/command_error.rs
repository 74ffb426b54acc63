//! Why a command did not end well, with its exit code and what to do about it.

mod hints;

use std::fmt::Display;

use nest_data::{DataError, Diagnostic, Source};
use nest_load::LoadError;
use nest_model::ModelError;
use nest_report::ReportError;

/// Internal or I/O error.
pub const INTERNAL: u8 = 1;
/// Wrong usage.
pub const USAGE: u8 = 2;
/// Invalid study, price book, model or data file.
pub const INVALID: u8 = 3;
/// A gate failed.
pub const GATE_FAILED: u8 = 4;
/// A gate stayed unclear, and was asked to fail then.
pub const GATE_UNCLEAR: u8 = 5;
/// The target is lost, or fewer than four steps can be fitted.
pub const LOST: u8 = 6;
/// Inputs are stale or do not match.
pub const STALE: u8 = 7;
/// Interrupted.
pub const INTERRUPTED: u8 = 130;

/// A command that did not end well.
#[derive(Debug)]
pub struct CommandError {
    /// Exit code; docs/exit-codes.md lists them.
    pub code: u8,
    /// What went wrong.
    pub cause: ErrorCause,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What went wrong in a command.
#[derive(Debug)]
pub enum ErrorCause {
    /// An error with its causes.
    Error(anyhow::Error),
    /// Errors in files that a person wrote, and these files.
    Diagnostics(Vec<Diagnostic>, Vec<Source>),
}

impl CommandError {
    /// An error with a message of its own.
    pub fn new(code: u8, message: impl Display) -> Self {
        Self {
            code,
            cause: ErrorCause::Error(anyhow::anyhow!("{message}")),
            hint: None,
        }
    }

    /// Errors in files that a person wrote.
    pub fn diagnostics(found: Vec<Diagnostic>, sources: Vec<Source>) -> Self {
        Self {
            code: INVALID,
            cause: ErrorCause::Diagnostics(found, sources),
            hint: None,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Ends with another exit code.
    #[must_use]
    pub fn code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// Adds what the program was doing.
    #[must_use]
    pub fn context(mut self, context: impl Display + Send + Sync + 'static) -> Self {
        self.cause = match self.cause {
            ErrorCause::Error(error) => ErrorCause::Error(error.context(context)),
            other => other,
        };
        self
    }

    /// What went wrong, in one line without the remedy.
    pub fn text(&self) -> String {
        match &self.cause {
            ErrorCause::Error(error) => format!("{error:#}"),
            ErrorCause::Diagnostics(found, _) => match found.first() {
                Some(first) => first.message.clone(),
                None => String::new(),
            },
        }
    }

    fn caused(code: u8, error: impl Into<anyhow::Error>, hint: Option<&str>) -> Self {
        Self {
            code,
            cause: ErrorCause::Error(error.into()),
            hint: hint.map(str::to_owned),
        }
    }
}

impl From<std::io::Error> for CommandError {
    fn from(error: std::io::Error) -> Self {
        let hint = hints::of_system(&error);
        Self::caused(INTERNAL, error, hint)
    }
}

impl From<DataError> for CommandError {
    fn from(error: DataError) -> Self {
        let hint =
            "make the file again with the command that wrote it, or use a matching version of locust-nest";
        Self::caused(INVALID, error, Some(hint))
    }
}

impl From<ReportError> for CommandError {
    fn from(error: ReportError) -> Self {
        Self::caused(INTERNAL, error, None)
    }
}

impl From<ModelError> for CommandError {
    fn from(error: ModelError) -> Self {
        let (code, hint) = hints::of_model(&error);
        Self::caused(code, error, Some(hint))
    }
}

impl From<LoadError> for CommandError {
    fn from(error: LoadError) -> Self {
        let (code, hint) = (hints::code_of_load(&error), hints::hint_of_load(&error));
        if let LoadError::Locustfile { remedy, .. } | LoadError::JoinRefused { remedy, .. } = &error {
            let remedy = remedy.clone();
            return Self::caused(code, error, None).hint(remedy);
        }
        Self::caused(code, error, hint)
    }
}
