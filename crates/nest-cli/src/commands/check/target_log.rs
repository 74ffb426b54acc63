//! Messages of a version's target, kept until the visit is over: they say why a version does not start.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use nest_load::LoadError;

use crate::command_error::{CommandError, LOST};

/// What to do about a check that was interrupted.
pub const ANEW: &str = "a check that was interrupted begins anew: run it again";
/// Lines that an error repeats, at most.
const LINES: usize = 10;
/// Bytes of messages that are looked at, from the end.
const BYTES: u64 = 4_096;

/// A temporary file for the messages of one visit's target.
pub struct TargetLog(File);

impl TargetLog {
    /// An empty one.
    ///
    /// # Errors
    /// What the system says.
    pub fn new() -> std::io::Result<Self> {
        tempfile::tempfile().map(Self)
    }

    /// Where the target writes to.
    ///
    /// # Errors
    /// What the system says.
    pub fn file(&self) -> std::io::Result<File> {
        self.0.try_clone()
    }

    /// The error of a version, base or head, that cannot be measured, with what its target said last.
    pub fn broken(&self, error: LoadError, which: &str) -> CommandError {
        if matches!(error, LoadError::Interrupted) {
            return CommandError::from(error).hint(ANEW);
        }
        let of_target = matches!(error, LoadError::TargetDown { .. } | LoadError::TargetLost { .. });
        let broken = CommandError::from(error)
            .context(format!("{which} cannot be measured"))
            .code(LOST);
        if !of_target {
            return broken;
        }
        broken.hint(match self.last_lines() {
            Some(lines) => format!("see what the start command of {which} said last:\n{lines}"),
            None => format!("the start command of {which} said nothing; run it by hand in its work tree"),
        })
    }

    fn last_lines(&self) -> Option<String> {
        let mut file = &self.0;
        let length = file.seek(SeekFrom::End(0)).ok()?;
        file.seek(SeekFrom::Start(length.saturating_sub(BYTES))).ok()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = &lines[lines.len().saturating_sub(LINES)..];
        let indented = last.iter().map(|line| format!("    {line}"));
        (!last.is_empty()).then(|| indented.collect::<Vec<_>>().join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn down() -> LoadError {
        LoadError::TargetDown {
            url: "http://127.0.0.1:1".to_owned(),
            reason: "its start command ended with exit status: 1".to_owned(),
        }
    }

    #[test]
    fn the_last_lines_of_a_target_are_the_hint() {
        let log = TargetLog::new().expect("a temporary file");
        for line in 0..5_000 {
            writeln!(log.file().expect("a second handle"), "line {line}").expect("written");
        }
        let error = log.broken(down(), "head");
        let hint = error.hint.expect("a hint");
        assert_eq!((error.code, hint.lines().count()), (LOST, 1 + LINES));
        assert!(
            hint.starts_with("see what the start command of head said last:\n    line 4990\n"),
            "{hint}"
        );
    }

    #[test]
    fn a_target_that_said_nothing_is_to_be_run_by_hand() {
        let log = TargetLog::new().expect("a temporary file");
        let hint = log.broken(down(), "base").hint.expect("a hint");
        assert!(hint.contains("base said nothing; run it by hand"), "{hint}");
    }
}
