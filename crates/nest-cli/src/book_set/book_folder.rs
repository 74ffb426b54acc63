//! A folder with price books, `PROVIDER/REGION.toml`: no name and no link leads out of it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use nest_data::Source;

use crate::{
    command_error::CommandError,
    files::{Folder, bounded::TEXT_BYTES, cannot, shown},
};

/// Where price books lie below a study or a repository.
const PRICING: &str = "pricing";

/// A folder with price books.
#[derive(Debug)]
pub struct BookFolder {
    /// What files of it may not leave.
    root: Folder,
    /// Where it is in there.
    place: &'static str,
}

impl BookFolder {
    /// The folder `pricing` below `root`; links may lead anywhere within the root.
    pub fn below(root: Folder) -> Self {
        Self { root, place: PRICING }
    }

    /// The folder itself; links may lead anywhere within it.
    pub fn new(folder: Folder) -> Self {
        Self {
            root: folder,
            place: "",
        }
    }

    /// Its path.
    pub fn path(&self) -> PathBuf {
        self.root.path_of(self.place)
    }

    /// Names and paths of the folders and files in it; none if it does not exist.
    pub fn entries(&self) -> Result<Vec<(String, PathBuf)>, CommandError> {
        entries(&self.path())
    }

    /// Name of each provider in it, with the regions for which there are files.
    pub fn regions(&self) -> Result<Vec<(String, Vec<String>)>, CommandError> {
        let folders = self.entries()?.into_iter().filter(|(_, path)| path.is_dir());
        folders
            .map(|(provider, path)| {
                let files = entries(&path)?.into_iter().filter(|(_, path)| path.is_file());
                let regions = files.filter_map(|(file, _)| file.strip_suffix(".toml").map(str::to_owned));
                Ok((provider, regions.collect()))
            })
            .collect()
    }

    /// The text of a book; `None` if it is not there.
    pub fn text(&self, name: &str) -> Result<Option<Source>, CommandError> {
        if !is_book_name(name) {
            return Ok(None);
        }
        let file = Path::new(self.place).join(format!("{name}.toml"));
        let path = self.root.path_of(&file);
        match self.root.read_text(&file, TEXT_BYTES) {
            Ok(text) => Ok(Some(Source::new(shown(&path), text))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(cannot("read", &path, error)),
        }
    }
}

/// Whether a text is `PROVIDER/REGION`, each a plain name.
fn is_book_name(name: &str) -> bool {
    let is_plain = |part: &str| {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        !part.is_empty() && !part.starts_with('.') && part.chars().all(fits)
    };
    name.split_once('/')
        .is_some_and(|(provider, region)| is_plain(provider) && is_plain(region))
}

/// Files and folders in a folder, with their names; none if the folder does not exist.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, CommandError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let named = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default();
        (name.to_string_lossy().into_owned(), path)
    };
    let paths = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(paths.into_iter().map(named).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn neither_a_name_nor_a_link_shows_lines_of_a_file_elsewhere() {
        let outer = tempfile::tempdir().expect("a folder");
        fs::write(outer.path().join("secret.toml"), "token = ").expect("written");
        fs::create_dir_all(outer.path().join("study/pricing/own")).expect("made");
        let study = outer.path().join("study");
        fs::write(study.join("pricing/own/home.toml"), "x = 1").expect("written");
        symlink("home.toml", study.join("pricing/own/again.toml")).expect("linked");
        symlink(
            outer.path().join("secret.toml"),
            study.join("pricing/own/away.toml"),
        )
        .expect("linked");
        let books = BookFolder::below(Folder::open(&study).expect("it is there"));
        let absolute = outer.path().join("secret").display().to_string();
        for name in [
            "../../secret",
            "own/../../../secret",
            "..",
            "own/",
            &absolute,
            "own/a/b",
            "own",
        ] {
            assert!(books.text(name).expect("no such book").is_none(), "{name}");
        }
        let error = books.text("own/away").expect_err("it lies elsewhere");
        assert!(!error.text().contains("token"), "{}", error.text());
        for name in ["own/home", "own/again"] {
            let text = books.text(name).expect("readable").expect("there");
            assert_eq!(text.text, "x = 1");
        }
    }
}
