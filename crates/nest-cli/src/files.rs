//! Files that people write and documents that the program keeps: read, checked and written whole.

mod run_folder;
mod study_folder;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use nest_data::{Document, Source};
use nest_load::Trust;
use serde::{Serialize, de::DeserializeOwned};
use tempfile::NamedTempFile;

pub use run_folder::{KeptPlan, RunFolder, RunManifest, RunState};
pub use study_folder::StudyFolder;

use crate::command_error::{CommandError, INVALID, STALE};

/// Reads a text file that a person wrote.
pub fn source(path: &Path) -> Result<Source, CommandError> {
    let text = fs::read_to_string(path)
        .map_err(|error| CommandError::from(error).context(format!("cannot read {}", path.display())))?;
    Ok(Source::new(
        path.display().to_string().trim_start_matches("./"),
        text,
    ))
}

/// Writes a file whole or not at all, with its folder.
pub fn write(path: &Path, bytes: &[u8]) -> Result<PathBuf, CommandError> {
    place(path, || replace(path, bytes))
}

/// The same for a file that must not be there yet.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<PathBuf, CommandError> {
    place(path, || {
        beside(path, bytes)?.persist_noclobber(path)?;
        Ok(())
    })
}

/// Makes the folder of a file, and puts the file there.
fn place(path: &Path, put: impl FnOnce() -> std::io::Result<()>) -> Result<PathBuf, CommandError> {
    let cannot =
        |error: std::io::Error| CommandError::from(error).context(format!("cannot write {}", path.display()));
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(cannot)?;
    }
    put().map_err(cannot)?;
    Ok(path.to_owned())
}

/// Writes beside the file and moves it into place, so that an interrupted write leaves the old one.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    beside(path, bytes)?.persist(path)?;
    Ok(())
}

/// A file with these bytes in the folder of another one.
fn beside(path: &Path, bytes: &[u8]) -> std::io::Result<NamedTempFile> {
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    Ok(file)
}

fn read_document<T: Document>(path: &Path, hint: &str) -> Result<T, CommandError> {
    match fs::read_to_string(path) {
        Ok(text) => T::from_json(&text)
            .map_err(|error| CommandError::from(error).context(format!("cannot use {}", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(CommandError::new(STALE, format!("{} does not exist", path.display())).hint(hint))
        }
        Err(error) => Err(CommandError::from(error).context(format!("cannot read {}", path.display()))),
    }
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, CommandError> {
    let text = fs::read_to_string(path)
        .map_err(|error| CommandError::from(error).context(format!("cannot read {}", path.display())))?;
    serde_json::from_str(&text).map_err(|error| {
        CommandError::new(INVALID, format!("{} is damaged: {error}", path.display()))
            .hint("remove the run with `locust-nest runs rm`")
    })
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), CommandError> {
    let json = serde_json::to_vec_pretty(value).map_err(std::io::Error::from)?;
    write(path, &json).map(drop)
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
    let pem = fs::read_to_string(path).map_err(|error| {
        CommandError::from(error).context(format!("cannot read the certificates in {file}"))
    })?;
    Ok(Trust::Also { file, pem })
}
