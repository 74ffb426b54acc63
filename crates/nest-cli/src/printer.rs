//! Prints data to stdout; messages, errors and hints to stderr. What comes from a target, a study or a file
//! may hold anything, so nothing that a terminal would obey is printed as it came, and no message shows a
//! secret in a URL.

use std::{borrow::Cow, fmt::Write as _, io::Write};

use nest_data::diagnostic::secrets::concealed;

use crate::{
    command_error::{CommandError, ErrorCause},
    diagnostics,
};

/// Writes data to stdout. It is no error when the reader has gone away.
pub fn data(text: &str) -> Result<(), CommandError> {
    match std::io::stdout().write_all(inert(text).as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(CommandError::from),
    }
}

/// Writes a message to stderr.
pub fn talk(line: &str) {
    // A run goes on when the reader has gone away.
    let _ = writeln!(std::io::stderr(), "{}", inert(&concealed(line)));
}

/// Writes a question to stderr; the answer follows on the same line.
pub fn ask(question: &str) -> Result<(), CommandError> {
    let mut stderr = std::io::stderr();
    stderr.write_all(inert(question).as_bytes())?;
    Ok(stderr.flush()?)
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

/// The text with each character that steers a terminal, or turns the order of letters, as `\u001b`: what JSON
/// writes for it too. Line feeds and tabs stay.
pub fn inert(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        // A line of a CSV file ends in CR LF.
        let ends_line = letter == '\r' && letters.peek() == Some(&'\n');
        if steers(letter) && !ends_line {
            let _ = write!(out, "\\u{:04x}", u32::from(letter));
        } else {
            out.push(letter);
        }
    }
    Cow::Owned(out)
}

/// Whether a character is a control character, or one that turns or hides text: the "bidirectional formatting
/// characters" of Unicode (UAX 9, table 1), line and paragraph separators, and the byte order mark.
fn steers(letter: char) -> bool {
    let marks = matches!(letter, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{feff}');
    let turns = matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    marks || turns || (letter.is_control() && !matches!(letter, '\n' | '\t'))
}

/// A time in seconds as text, in a unit of fitting size.
pub fn seconds(value: f64) -> String {
    nest_report::format::duration(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_printed() {
        assert_eq!(inert("title \x1b]0;x\x07"), "title \\u001b]0;x\\u0007");
        assert_eq!(inert("a\rb\u{9b}31m"), "a\\u000db\\u009b31m");
        assert_eq!(inert("a,b\r\nc"), "a,b\r\nc");
        assert_eq!(inert("user\u{202e}gnp.exe"), "user\\u202egnp.exe");
        assert!(matches!(inert("größe\t1\n€"), Cow::Borrowed("größe\t1\n€")));
    }
}
