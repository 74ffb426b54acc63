//! What went wrong, with its exit code.

use std::fmt::Display;

use nest_data::{DataError, Diagnostic, Source};
use nest_load::LoadError;
use nest_model::ModelError;

/// Internal or I/O error.
pub const INTERNAL: u8 = 1;
/// Wrong usage.
pub const USAGE: u8 = 2;
/// Invalid study, price book, model or data file.
pub const INVALID: u8 = 3;
/// The target is lost, or fewer than four steps can be fitted.
pub const LOST: u8 = 6;
/// Inputs are stale or do not match.
pub const STALE: u8 = 7;
/// Interrupted.
pub const INTERRUPTED: u8 = 130;

/// A command that did not end well.
#[derive(Debug)]
pub struct Failure {
    /// Exit code: DESIGN section 5.
    pub code: u8,
    /// What went wrong.
    pub cause: Cause,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Why a command ended.
#[derive(Debug)]
pub enum Cause {
    /// An error with its causes.
    Error(anyhow::Error),
    /// Errors in files that a person wrote, and these files.
    Diagnostics(Vec<Diagnostic>, Vec<Source>),
}

impl Failure {
    /// A failure with a message of its own.
    pub fn new(code: u8, message: impl Display) -> Self {
        Self {
            code,
            cause: Cause::Error(anyhow::anyhow!("{message}")),
            hint: None,
        }
    }

    /// Errors in files that a person wrote.
    pub fn diagnostics(found: Vec<Diagnostic>, sources: Vec<Source>) -> Self {
        Self {
            code: INVALID,
            cause: Cause::Diagnostics(found, sources),
            hint: None,
        }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Adds what was being done.
    #[must_use]
    pub fn context(mut self, context: impl Display + Send + Sync + 'static) -> Self {
        self.cause = match self.cause {
            Cause::Error(error) => Cause::Error(error.context(context)),
            other => other,
        };
        self
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self {
            code: INTERNAL,
            cause: Cause::Error(error.into()),
            hint: None,
        }
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        Self {
            code: INVALID,
            cause: Cause::Error(error.into()),
            hint: Some("make it again with the stage before, or with this version of locust-nest".to_owned()),
        }
    }
}

impl From<nest_report::ReportError> for Failure {
    fn from(error: nest_report::ReportError) -> Self {
        Self {
            code: INTERNAL,
            cause: Cause::Error(error.into()),
            hint: None,
        }
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        let (code, hint) = match &error {
            ModelError::TooFewSteps { .. } => (
                LOST,
                "measure more steps, or lighter ones: see [measure] ramp, base and boost",
            ),
            ModelError::Histogram { .. } => (INVALID, "measure again, or take the file from version control"),
            ModelError::Table { .. } => (INTERNAL, "this is a bug; please report it"),
            ModelError::NotMeasured { .. } => (STALE, "run `locust-nest measure` and `locust-nest fit`"),
            ModelError::BookMissing { .. } => (
                INVALID,
                "put the book at pricing/PROVIDER/REGION.toml in the study, or name another",
            ),
            ModelError::Currency { .. } => (
                INVALID,
                "give the study the currency of its price books, or add [exchange.CURRENCY] with rate and date",
            ),
            ModelError::UnknownNumber { .. } | ModelError::UnknownConfig { .. } => {
                (USAGE, "name one of those")
            }
            _ => (INVALID, "correct it in nest.toml"),
        };
        Self {
            code,
            cause: Cause::Error(error.into()),
            hint: Some(hint.to_owned()),
        }
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        let (code, hint) = match &error {
            LoadError::Interrupted => (
                INTERRUPTED,
                Some("finished steps are kept; go on with `locust-nest measure --resume`"),
            ),
            LoadError::TargetDown { .. } => (
                LOST,
                Some("start the target, or give [target] start; its messages are in target.log of the run"),
            ),
            LoadError::TargetLost { .. } => (
                LOST,
                Some(
                    "finished steps are kept; start the target and go on with `locust-nest measure --resume`",
                ),
            ),
            LoadError::BehaviourFails { .. } => (LOST, Some("correct the behaviour, or look at the target")),
            LoadError::AddressTaken { .. } => (
                LOST,
                Some("stop what listens there, or take `start` out of [target] to measure it"),
            ),
            LoadError::CommandFailed { .. } => (LOST, Some("run the command by hand in the study's folder")),
            LoadError::Probe { .. } => (
                LOST,
                Some(
                    "name the process or the metrics page in a probe: [probes.app] pid = ..., port = ... or scrape = ...",
                ),
            ),
            LoadError::Plan { .. } => (INVALID, Some("name the target's process in a probe")),
            LoadError::TooLong { .. } => (
                INVALID,
                Some("take fewer or shorter windows, or raise [measure] max_duration"),
            ),
            LoadError::SecretUnfit { .. } => (INVALID, Some("export it without the line break")),
            LoadError::SecretMissing { .. } => (INVALID, Some("export it before measuring")),
            LoadError::BaseUrl { .. } => (
                INVALID,
                Some("write scheme, host and port, such as http://127.0.0.1:8080"),
            ),
            LoadError::Unresolved { .. } => {
                (LOST, Some("check the spelling of the host, or write its address"))
            }
            LoadError::Certificate { .. } => (
                INVALID,
                Some("give a file with certificates in PEM form (-----BEGIN CERTIFICATE-----)"),
            ),
            LoadError::CodeMissing { .. } => (
                INVALID,
                Some("run the verb with the program that the behaviour was written in"),
            ),
            LoadError::Command { .. }
            | LoadError::Read { .. }
            | LoadError::Keep(_)
            | LoadError::System { .. } => (INTERNAL, None),
        };
        Self {
            code,
            cause: Cause::Error(error.into()),
            hint: hint.map(str::to_owned),
        }
    }
}
