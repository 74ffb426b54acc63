//! SHA-256 of the files of a study, of bytes rather than of texts.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{
    Folder,
    own_files::{holds_own, is_foreign, is_own},
};

/// Most files, folders and links that are looked at, and most bytes that are read. Our choice: a study with
/// its scripts has far fewer, and a debug build reads so many in some seconds.
const MOST_ENTRIES: usize = 20_000;
const MOST_BYTES: u64 = 64 << 20;
/// What a virtual environment of Python has at its top. Installing packages writes it, and no study brings it
/// along.
///
/// Source: Python's documentation, "venv: Creation of virtual environments".
const ENVIRONMENT: &str = "pyvenv.cfg";

/// The files below a folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FileHashes {
    /// SHA-256 of each, hexadecimal, by its path as messages show it. A link has a hash of its own.
    pub files: BTreeMap<String, String>,
    /// What has no hash: sentences without a full stop.
    pub unknown: Vec<String>,
}

/// The files of `study`, but for those that the program itself writes. Links are followed to files of
/// `shared`, the same folder for reading.
pub fn hashes(study: &Folder, shared: &Folder) -> FileHashes {
    let is_crate = study.has("Cargo.toml");
    let mut found = FileHashes::default();
    let mut left = Left {
        entries: MOST_ENTRIES,
        bytes: MOST_BYTES,
    };
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = study.entries(&folder) else {
            found
                .unknown
                .push(format!("{} cannot be read", path_text(&folder)));
            continue;
        };
        for (name, kind) in entries {
            let path = folder.join(name);
            if left.entries == 0 {
                let most = format!("it holds more than {MOST_ENTRIES} files and folders");
                found.unknown.push(most);
                return found;
            }
            left.entries -= 1;
            if kind.is_dir() {
                if !is_foreign(&path, is_crate) && !study.has(path.join(ENVIRONMENT)) {
                    folders.push(path);
                }
                continue;
            }
            if is_own(&path) {
                continue;
            }
            let hashed = if kind.is_symlink() {
                of_link(study, shared, &path, &mut left)
            } else if kind.is_file() {
                of_file(study, &path, &mut left)
            } else {
                // Nobody can bring a pipe or a socket along: what runs here has made it.
                continue;
            };
            match hashed {
                Ok(hash) => drop(found.files.insert(path_text(&path), hash)),
                Err(Unhashed::TooMuch) => {
                    let most = format!("its files have more than {} MiB", MOST_BYTES >> 20);
                    found.unknown.push(most);
                    return found;
                }
                Err(Unhashed::Unread) => {
                    found.unknown.push(format!("{} cannot be read", path_text(&path)));
                }
                Err(Unhashed::Outside) => {
                    let link = format!(
                        "{} is a link that leads out of it, or to what the program writes",
                        path_text(&path)
                    );
                    found.unknown.push(link);
                }
            }
        }
    }
    found
}

/// How much may still be looked at.
struct Left {
    entries: usize,
    bytes: u64,
}

/// Why a file has no hash.
enum Unhashed {
    TooMuch,
    Unread,
    Outside,
}

fn of_file(folder: &Folder, path: &Path, left: &mut Left) -> Result<String, Unhashed> {
    let bytes = folder
        .read(path, left.bytes)
        .map_err(|error| match error.kind() {
            io::ErrorKind::FileTooLarge => Unhashed::TooMuch,
            _ => Unhashed::Unread,
        })?;
    left.bytes -= bytes.len() as u64;
    Ok(sha256(&bytes))
}

/// The hash of where a link leads, and of the file there.
fn of_link(study: &Folder, shared: &Folder, path: &Path, left: &mut Left) -> Result<String, Unhashed> {
    let place = study.path_of(path);
    let target = fs::read_link(&place).map_err(|_| Unhashed::Unread)?;
    let of_target = sha256(target.as_os_str().as_encoded_bytes());
    match of_file(shared, path, left) {
        Ok(of_file) => Ok(of_target + &of_file),
        Err(Unhashed::TooMuch) => Err(Unhashed::TooMuch),
        // A folder of the study has hashes of its own, and a link to nowhere names nothing.
        Err(_) => match (fs::canonicalize(&place), fs::canonicalize(study.path_of("."))) {
            (Err(_), _) => Ok(of_target),
            (Ok(end), Ok(root)) => match end.strip_prefix(root) {
                Ok(inside) if end.is_dir() && !holds_own(inside) => Ok(of_target),
                _ => Err(Unhashed::Outside),
            },
            (Ok(_), Err(_)) => Err(Unhashed::Unread),
        },
    }
}

/// A path as messages show it: what is no plain text is escaped, so that no two paths look alike.
pub fn path_text(path: &Path) -> String {
    match path.to_str() {
        Some("") => "the folder".to_owned(),
        Some(text) if !text.contains(|letter: char| letter.is_control() || letter == '"') => text.to_owned(),
        _ => format!("{path:?}"),
    }
}

/// SHA-256, hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt, os::unix::fs::symlink};

    use super::*;

    fn hashed(study: &Path) -> FileHashes {
        let folder = Folder::open(study).expect("it is there");
        hashes(&folder, &folder)
    }

    #[test]
    fn every_byte_of_every_file_counts_also_where_it_is_no_text() {
        let place = tempfile::tempdir().expect("a folder");
        let study = place.path();
        fs::create_dir_all(study.join("server/lib")).expect("made");
        let odd = study.join(OsStr::from_bytes(b"a\xff"));
        for (path, bytes) in [
            (study.join("server/run.sh"), &b"exit\n\0one"[..]),
            (study.join("server/lib/latin"), b"# caf\xe9 1"),
            (study.join("scaling.json"), b"x"),
            (odd.clone(), b"1"),
        ] {
            fs::write(path, bytes).expect("written");
        }
        symlink("server/run.sh", study.join("link")).expect("linked");
        symlink("server", study.join("folder")).expect("linked");
        let before = hashed(study);
        assert!(before.unknown.is_empty(), "{:?}", before.unknown);
        let names: Vec<&str> = before.files.keys().map(String::as_str).collect();
        let all = [
            "\"a\\xFF\"",
            "folder",
            "link",
            "server/lib/latin",
            "server/run.sh",
        ];
        assert_eq!(names, all);
        fs::write(study.join("scaling.json"), "y").expect("written");
        assert_eq!(hashed(study), before);
        for (path, bytes) in [
            (study.join("server/run.sh"), &b"exit\n\0two"[..]),
            (study.join("server/lib/latin"), b"# caf\xe8 1"),
            (odd, b"2"),
        ] {
            let before = hashed(study);
            fs::write(&path, bytes).expect("written");
            assert_ne!(hashed(study), before, "{}", path.display());
        }
    }

    #[test]
    fn what_cannot_be_hashed_is_named() {
        let outer = tempfile::tempdir().expect("a folder");
        let study = outer.path().join("study");
        fs::create_dir_all(study.join("sub")).expect("made");
        fs::write(outer.path().join("script"), "x").expect("written");
        symlink("../script", study.join("away")).expect("linked");
        symlink("..", study.join("up")).expect("linked");
        symlink("runs", study.join("hidden")).expect("linked");
        symlink("nowhere", study.join("lost")).expect("linked");
        fs::create_dir(study.join("runs")).expect("made");
        let found = hashed(&study);
        for name in ["away", "up", "hidden"] {
            let link = format!("{name} is a link that leads out of it, or to what the program writes");
            assert!(found.unknown.contains(&link), "{:?}", found.unknown);
        }
        assert_eq!(found.files.keys().collect::<Vec<_>>(), ["lost"]);
        let large = fs::File::create(study.join("large")).expect("made");
        large.set_len(MOST_BYTES + 1).expect("a sparse file");
        let found = hashed(&study);
        assert!(
            found.unknown.iter().any(|why| why.contains("64 MiB")),
            "{:?}",
            found.unknown
        );
    }
}
