//! Prints data to stdout; messages, errors and hints to stderr.

use std::io::Write;

use crate::{
    command_error::{CommandError, ErrorCause},
    diagnostics,
};

/// Writes data to stdout. It is no error when the reader has gone away.
pub fn data(text: &str) -> Result<(), CommandError> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(CommandError::from),
    }
}

/// Writes a message to stderr.
pub fn talk(line: &str) {
    // A run goes on when the reader has gone away.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints `error: what`, indented causes, then `hint: what to do`, to stderr.
pub fn error(error: &CommandError) {
    match &error.cause {
        ErrorCause::Diagnostics(found, sources) => talk(diagnostics::render(found, sources).trim_end()),
        ErrorCause::Error(cause) => {
            talk(&format!("error: {cause}"));
            cause
                .chain()
                .skip(1)
                .for_each(|cause| talk(&format!("  caused by: {cause}")));
        }
    }
    if let Some(hint) = &error.hint {
        talk(&format!("hint: {hint}"));
    }
}

/// A time in seconds as text, in a unit of fitting size.
pub fn seconds(value: f64) -> String {
    nest_report::format::duration(value)
}
