//! The lock of a study: one process at a time measures it or removes its runs.

use std::{
    fs::{File, TryLockError},
    io::{self, Write},
};

use super::{Folder, cannot};
use crate::command_error::{CommandError, INTERNAL};

const LOCK: &str = ".nest/lock";
/// Bytes of the lock's file that are read: the number of a process.
const MOST_BYTES: u64 = 100;

/// A locked study. The kernel frees it when the process ends, however it ends.
#[derive(Debug)]
pub struct StudyLock(File);

impl StudyLock {
    /// Locks the study in a folder.
    ///
    /// # Errors
    /// Another process has locked it, which is named.
    pub fn take(study: &Folder) -> Result<Self, CommandError> {
        let failed = |error: io::Error| cannot("lock", &study.path_of(LOCK), error);
        let mut file = study.append(LOCK).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(study)),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(failed)?;
        Ok(Self(file))
    }
}

impl Drop for StudyLock {
    fn drop(&mut self) {
        // The lock ends with the file; a number that is left in it would only mislead.
        let _ = self.0.set_len(0);
    }
}

fn held(study: &Folder) -> CommandError {
    let holder = study.read_text(LOCK, MOST_BYTES).unwrap_or_default();
    let who = match holder.trim() {
        "" => "another locust-nest".to_owned(),
        process => format!("another locust-nest (process {process})"),
    };
    CommandError::new(
        INTERNAL,
        format!("{who} is at work on {}", study.path().display()),
    )
    .hint("wait until it has ended, or stop it with Ctrl-C; nothing was changed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_study_is_locked_by_one_at_a_time_and_free_afterwards() {
        let folder = tempfile::tempdir().expect("a folder");
        let study = Folder::open(folder.path()).expect("it is there");
        let lock = StudyLock::take(&study).expect("free");
        let error = StudyLock::take(&study).expect_err("held");
        let holder = std::process::id().to_string();
        assert!(format!("{:?}", error.cause).contains(&holder), "{error:?}");
        drop(lock);
        StudyLock::take(&study).expect("free again");
    }
}
