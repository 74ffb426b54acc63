//! Files that people write and documents that the program keeps: read, checked and written whole.

pub mod bounded;
mod file_hashes;
mod folder;
mod own_files;
mod python_files;
mod run_folder;
mod study_folder;
mod study_lock;
mod trusted;

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use nest_data::{DataError, Document, Source, check_numbers};
use nest_load::Trust;
use serde::{Serialize, de::DeserializeOwned};

pub use file_hashes::{FileHashes, path_text, sha256};
pub use folder::Folder;
pub use own_files::holds_own;
pub use run_folder::{KeptPlan, KeptSteps, RunFolder, RunManifest, RunState};
pub use study_folder::StudyFolder;
pub use trusted::{TrustFile, TrustedStudy, known_folder};

use self::bounded::{DOCUMENT_BYTES, TEXT_BYTES};
use crate::command_error::{CommandError, INVALID, STALE};

/// Reads a text file that a person wrote and named: it may lie anywhere, and may be a pipe.
pub fn source(path: &Path) -> Result<Source, CommandError> {
    let text = bytes_of(path, TEXT_BYTES)
        .and_then(|bytes| bounded::text(bytes).map_err(|error| cannot("read", path, error)))?;
    Ok(Source::new(shown(path), text))
}

/// Reads what a person named: a file, a pipe, or standard input for `-`.
pub fn bytes_of(path: &Path, most_bytes: u64) -> Result<Vec<u8>, CommandError> {
    let read = if path == Path::new("-") {
        bounded::read_all(io::stdin().lock(), most_bytes)
    } else {
        File::open(path).and_then(|file| bounded::read_all(file, most_bytes))
    };
    read.map_err(|error| cannot("read", path, error))
}

/// A path as messages show it.
pub fn shown(path: &Path) -> String {
    path.display().to_string().trim_start_matches("./").to_owned()
}

/// Writes a file whole or not at all, with its folder.
pub fn write(path: &Path, bytes: &[u8]) -> Result<PathBuf, CommandError> {
    placed(path, |folder, name| folder.write(name, bytes))
}

/// The same for a file that must not be there yet.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<PathBuf, CommandError> {
    placed(path, |folder, name| folder.write_new(name, bytes))
}

/// Makes the folder of a file, and puts the file there.
fn placed(path: &Path, put: impl FnOnce(&Folder, &Path) -> io::Result<()>) -> Result<PathBuf, CommandError> {
    let parent = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().map(Path::new).unwrap_or(path);
    let parent = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    let folder = Folder::make(parent).map_err(|error| cannot("write", path, error))?;
    put(&folder, name).map_err(|error| cannot("write", path, error))?;
    Ok(path.to_owned())
}

/// What could not be done with a file, and what to do where that is known.
pub fn cannot(verb: &str, path: &Path, error: io::Error) -> CommandError {
    let hint = if is_outside(&error) {
        Some("it lies outside the folder of the study, or a link leads there: move it into the folder")
    } else if error.kind() == ErrorKind::NotFound && verb != "write" {
        Some("check the path: nothing is there")
    } else {
        None
    };
    let error = CommandError::from(error).context(format!("cannot {verb} {}", path.display()));
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// Whether a path was refused because it leads out of its folder.
fn is_outside(error: &io::Error) -> bool {
    error.kind() == ErrorKind::PermissionDenied && error.raw_os_error().is_none()
}

/// The command that runs a verb on a study, as a shell takes it.
pub fn command(verb: &str, study: &Path) -> String {
    let folder = study.display().to_string();
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+".contains(letter);
    if folder.is_empty() || folder == "." {
        format!("locust-nest {verb}")
    } else if folder.chars().all(is_plain) {
        format!("locust-nest {verb} {folder}")
    } else {
        format!("locust-nest {verb} '{}'", folder.replace('\'', "'\\''"))
    }
}

/// Reads a document that `command` makes; `missing` is what to do if it is not there.
fn read_document<T: Document>(
    folder: &Folder,
    name: &str,
    command: &str,
    missing: &str,
) -> Result<T, CommandError> {
    let path = folder.path_of(name);
    match folder.read_text(name, DOCUMENT_BYTES) {
        Ok(text) => T::from_json(&text).map_err(|error| {
            let hint = match error {
                DataError::NewerFormat { .. } => {
                    format!("use a newer version of locust-nest, or make the file again: run `{command}`")
                }
                _ => format!("make the file again: run `{command}`"),
            };
            let error = CommandError::from(error).context(format!("cannot use {}", path.display()));
            error.hint(hint)
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let message = format!("{} does not exist", path.display());
            Err(CommandError::new(STALE, message).hint(missing))
        }
        Err(error) => Err(cannot("read", &path, error)),
    }
}

/// Reads a file of a run; `damaged` is what to do if it cannot be used.
fn read_json<T: DeserializeOwned>(folder: &Folder, name: &str, damaged: &str) -> Result<T, CommandError> {
    let path = folder.path_of(name);
    let text = folder
        .read_text(name, DOCUMENT_BYTES)
        .map_err(|error| cannot("read", &path, error))?;
    let value = check_numbers(&text).and_then(|()| serde_json::from_str(&text));
    value.map_err(|error| {
        CommandError::new(INVALID, format!("{} is damaged: {error}", path.display())).hint(damaged)
    })
}

fn write_json(folder: &Folder, name: &str, value: &impl Serialize) -> io::Result<()> {
    folder.write(name, &serde_json::to_vec_pretty(value)?)
}

/// The path relative to the current folder, if it lies below it.
fn shorten(path: &Path) -> PathBuf {
    let current = std::env::current_dir()
        .and_then(fs::canonicalize)
        .unwrap_or_default();
    path.strip_prefix(&current)
        .map_or_else(|_| path.to_owned(), Path::to_owned)
}

/// Trust in the certificates of a file, in addition to those that the machine trusts.
pub fn trust_also(path: &Path) -> Result<Trust, CommandError> {
    let file = path.display().to_string();
    let pem = source(path)
        .map_err(|error| error.context(format!("cannot read the certificates in {file}")))?
        .text;
    Ok(Trust::Also { file, pem })
}

#[cfg(test)]
mod tests {
    use nest_data::ScalingModel;

    use super::*;

    #[test]
    fn a_command_is_shown_as_a_shell_takes_it() {
        for (study, shown) in [
            ("", "locust-nest fit"),
            (".", "locust-nest fit"),
            ("models/shop", "locust-nest fit models/shop"),
            ("my study", "locust-nest fit 'my study'"),
            ("a'b", "locust-nest fit 'a'\\''b'"),
        ] {
            assert_eq!(command("fit", Path::new(study)), shown);
        }
    }

    #[test]
    fn a_document_that_breaks_off_names_the_command_that_makes_it_again() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(place.path()).expect("it is there");
        folder
            .write("scaling.json", b"{\"kind\": \"nest.sc")
            .expect("written");
        let read = |name: &str| {
            read_document::<ScalingModel>(&folder, name, "locust-nest fit shop", "run it")
                .expect_err("no model")
        };
        let again = "make the file again: run `locust-nest fit shop`";
        assert_eq!(read("scaling.json").hint.as_deref(), Some(again));
        assert_eq!(read("other.json").hint.as_deref(), Some("run it"));
    }
}
