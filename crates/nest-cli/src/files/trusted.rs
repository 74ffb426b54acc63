//! What this user has allowed studies to do: a file outside of every repository, which no study can bring
//! along.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::bounded;
use crate::command_error::CommandError;

/// Where the file lies below the folder for what programs remember.
const PLACE: &str = "locust-nest/trusted";
const FORMAT: u32 = 1;
/// Most bytes that are read or written; the oldest entries go first.
const MOST_BYTES: u64 = 1 << 20;
/// Most entries that are kept.
const MOST_ENTRIES: usize = 500;
/// Bits of a file's mode that let others write it.
const OTHERS_WRITE: u32 = 0o022;

/// Something that a study does and that this user has allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedStudy {
    /// The study's folder, absolute and without links.
    pub folder: PathBuf,
    /// SHA-256 of everything that was allowed, hexadecimal.
    pub hash: String,
    /// What was allowed, by name, cut short: it says later what has changed.
    pub items: BTreeMap<String, String>,
}

/// The file, as it is on disk.
#[derive(Debug, Default, Serialize, Deserialize)]
struct TrustedStudies {
    format: u32,
    /// The newest first.
    studies: Vec<TrustedStudy>,
}

/// The file in which a user's answers are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustFile(PathBuf);

impl TrustFile {
    /// The file of this user: below `$XDG_STATE_HOME`, otherwise below `$HOME/.local/state`; `None` if
    /// neither names a folder.
    pub fn of_user() -> Option<Self> {
        let absolute = |name| {
            let path = PathBuf::from(std::env::var_os(name)?);
            path.is_absolute().then_some(path)
        };
        let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
        Some(Self(state.join(PLACE)))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What was allowed to the study in a folder, the newest first.
    ///
    /// # Errors
    /// The file is there and cannot be trusted itself; it then counts as empty.
    pub fn of_study(&self, folder: &Path) -> Result<Vec<TrustedStudy>, CommandError> {
        let mut studies = self.read()?.studies;
        studies.retain(|one| one.folder == folder);
        Ok(studies)
    }

    /// Adds what was allowed to a study. A file that cannot be used is replaced.
    pub fn add(&self, study: TrustedStudy) -> io::Result<()> {
        let mut kept = self.read().unwrap_or_default();
        kept.studies.retain(|one| one.hash != study.hash);
        kept.studies.insert(0, study);
        kept.studies.truncate(MOST_ENTRIES);
        kept.format = FORMAT;
        self.write(&mut kept)
    }

    fn read(&self) -> Result<TrustedStudies, CommandError> {
        let unusable =
            |error: io::Error| CommandError::from(error).context(format!("cannot use {}", self.0.display()));
        let file = match File::open(&self.0) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(TrustedStudies::default()),
            Err(error) => return Err(unusable(error)),
        };
        let bytes = check_owner(&file)
            .and_then(|()| bounded::check_regular(&file, MOST_BYTES))
            .and_then(|()| bounded::read_all(file, MOST_BYTES))
            .map_err(unusable)?;
        let kept: TrustedStudies =
            serde_json::from_slice(&bytes).map_err(|error| unusable(io::Error::from(error)))?;
        if kept.format > FORMAT {
            return Err(unusable(io::Error::other(
                "a newer version of locust-nest wrote it",
            )));
        }
        Ok(kept)
    }

    /// Writes the file whole or not at all, for its owner alone.
    fn write(&self, kept: &mut TrustedStudies) -> io::Result<()> {
        let folder = self.0.parent().unwrap_or(Path::new("/"));
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut bytes = serde_json::to_vec(kept)?;
        while bytes.len() as u64 > MOST_BYTES && kept.studies.len() > 1 {
            kept.studies.truncate(kept.studies.len() / 2);
            bytes = serde_json::to_vec(kept)?;
        }
        // A temporary file is for its owner alone.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&bytes)?;
        file.as_file().sync_all()?;
        file.persist(&self.0).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    }
}

/// Refuses a file that somebody else could have written.
fn check_owner(file: &File) -> io::Result<()> {
    let facts = file.metadata()?;
    let is_own = facts.uid() == fs::metadata("/proc/self")?.uid();
    if is_own && facts.mode() & OTHERS_WRITE == 0 {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        "it belongs to somebody else, or others may write it",
    ))
}

/// The folder of a study as it is known here: absolute and without links.
pub fn known_folder(study: &Path) -> PathBuf {
    let folder = if study.as_os_str().is_empty() {
        Path::new(".")
    } else {
        study
    };
    fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn study(folder: &str, hash: &str) -> TrustedStudy {
        TrustedStudy {
            folder: folder.into(),
            hash: hash.to_owned(),
            items: BTreeMap::new(),
        }
    }

    fn file() -> (tempfile::TempDir, TrustFile) {
        let state = tempfile::tempdir().expect("a folder");
        let file = TrustFile(state.path().join("deep").join(PLACE));
        (state, file)
    }

    #[test]
    fn answers_are_kept_for_their_owner_alone() {
        let (_state, file) = file();
        assert_eq!(file.of_study(Path::new("/a")).expect("no file yet"), []);
        for one in [
            study("/a", "1"),
            study("/b", "2"),
            study("/a", "3"),
            study("/a", "1"),
        ] {
            file.add(one).expect("written");
        }
        let kept = file.of_study(Path::new("/a")).expect("readable");
        assert_eq!(kept, [study("/a", "1"), study("/a", "3")]);
        let mode = fs::metadata(file.path()).expect("there").mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_others_may_write_or_that_is_damaged_counts_for_nothing_and_is_replaced() {
        let (_state, file) = file();
        file.add(study("/a", "1")).expect("written");
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o666)).expect("changed");
        file.of_study(Path::new("/a")).expect_err("others may write it");
        file.add(study("/a", "2")).expect("replaced");
        assert_eq!(
            file.of_study(Path::new("/a")).expect("usable"),
            [study("/a", "2")]
        );
        fs::write(file.path(), "{").expect("written");
        file.of_study(Path::new("/a")).expect_err("damaged");
        fs::write(file.path(), r#"{"format":2,"studies":[]}"#).expect("written");
        file.of_study(Path::new("/a")).expect_err("newer");
    }

    #[test]
    fn the_file_stays_small() {
        let (_state, file) = file();
        for number in 0..20 {
            let mut large = study("/a", &number.to_string());
            large.items.insert("command".to_owned(), "x".repeat(200_000));
            file.add(large).expect("written");
        }
        assert!(fs::metadata(file.path()).expect("there").len() <= MOST_BYTES);
        let kept = file.of_study(Path::new("/a")).expect("readable");
        assert_eq!(kept[0].hash, "19");
    }
}
