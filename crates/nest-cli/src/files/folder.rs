//! A folder whose files are opened below it: neither `..`, nor an absolute path, nor a link leads out of it.

use std::{
    ffi::OsString,
    fmt,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use cap_std::{
    ambient_authority,
    fs::{Dir, DirEntry, FileType, OpenOptions, OpenOptionsExt},
};
use cap_tempfile::TempFile;

use super::bounded;

/// A folder that is open. Names are relative to it.
#[derive(Clone)]
pub struct Folder {
    dir: Arc<Dir>,
    /// Where the names begin below that folder.
    base: PathBuf,
    path: PathBuf,
}

impl Folder {
    /// Opens a folder.
    pub fn open(path: &Path) -> io::Result<Self> {
        let here = Path::new(".");
        let opened = if path.as_os_str().is_empty() { here } else { path };
        Ok(Self {
            dir: Arc::new(Dir::open_ambient_dir(opened, ambient_authority())?),
            base: PathBuf::new(),
            path: path.to_owned(),
        })
    }

    /// The folder at `base` below `root`: links in it may lead anywhere in the root, and not out of that.
    /// `path` is shown in messages. Nothing is written through it.
    pub fn reading_within(root: &Path, base: PathBuf, path: &Path) -> io::Result<Self> {
        Ok(Self {
            base,
            path: path.to_owned(),
            ..Self::open(root)?
        })
    }

    /// Opens a folder, which is made if it is not there.
    pub fn make(path: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        Self::open(path)
    }

    /// A folder in this one.
    pub fn folder(&self, name: impl AsRef<Path>) -> io::Result<Self> {
        let dir = self.dir.open_dir(self.base.join(&name))?;
        Ok(Self {
            dir: Arc::new(dir),
            base: PathBuf::new(),
            path: self.path_of(name),
        })
    }

    /// A folder in this one, which is made if it is not there.
    pub fn make_folder(&self, name: impl AsRef<Path>) -> io::Result<Self> {
        self.make_all(name.as_ref())?;
        self.folder(name)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it, for messages.
    pub fn path_of(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// Whether something has that name in it, also a link to nowhere.
    pub fn has(&self, name: impl AsRef<Path>) -> bool {
        self.dir.symlink_metadata(self.base.join(name)).is_ok()
    }

    /// The names in it, sorted; those that are no UTF-8 are left out.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let entries = self.entries(Path::new(""))?;
        let mut names: Vec<String> = entries
            .into_iter()
            .filter_map(|(name, _)| name.into_string().ok())
            .collect();
        names.sort();
        Ok(names)
    }

    /// The names in a folder below this one, and what they are; links are not followed.
    pub fn entries(&self, folder: &Path) -> io::Result<Vec<(OsString, FileType)>> {
        let here = Path::new(".");
        let entries = self.dir.read_dir(self.base.join(here).join(folder))?;
        let named = |entry: io::Result<DirEntry>| {
            let entry = entry?;
            Ok((entry.file_name(), entry.file_type()?))
        };
        entries.map(named).collect()
    }

    /// The bytes of a regular file.
    pub fn read(&self, name: impl AsRef<Path>, most_bytes: u64) -> io::Result<Vec<u8>> {
        let mut options = OpenOptions::new();
        // A pipe without a writer would wait for one.
        options.read(true).custom_flags(nix::libc::O_NONBLOCK);
        let file = self.dir.open_with(self.base.join(name), &options)?.into_std();
        bounded::check_regular(&file, most_bytes)?;
        let mut bytes = Vec::new();
        file.take(most_bytes).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The text of a regular file.
    pub fn read_text(&self, name: impl AsRef<Path>, most_bytes: u64) -> io::Result<String> {
        bounded::text(self.read(name, most_bytes)?)
    }

    /// Writes a file whole or not at all: after a loss of power either the old file or the new one is there.
    pub fn write(&self, name: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
        let (parent, file_name) = self.place(name.as_ref())?;
        let mut file = TempFile::new(&parent)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.replace(file_name)?;
        // The folder itself is open for its path only, which cannot be written out.
        parent.open(".")?.sync_all()
    }

    /// The same for a file that must not be there yet.
    pub fn write_new(&self, name: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
        let (parent, file_name) = self.place(name.as_ref())?;
        let mut file = parent.open_with(file_name, OpenOptions::new().write(true).create_new(true))?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    /// Opens a file to which text is appended; it is made with its folder if it is not there. Neither the
    /// file nor a folder on the way may be a link: another file of the study would be changed.
    pub fn append(&self, name: impl AsRef<Path>) -> io::Result<std::fs::File> {
        let name = name.as_ref();
        self.check_no_link(name)?;
        let (parent, file_name) = self.place(name)?;
        let mut options = OpenOptions::new();
        // A pipe without a reader would wait for one.
        let flags = nix::libc::O_NONBLOCK | nix::libc::O_NOFOLLOW;
        options.append(true).create(true).custom_flags(flags);
        let file = match parent.open_with(file_name, &options) {
            Ok(file) => file.into_std(),
            Err(error) if error.raw_os_error() == Some(nix::libc::ENXIO) => {
                return Err(bounded::not_regular());
            }
            Err(error) => return Err(error),
        };
        bounded::check_regular(&file, u64::MAX)?;
        Ok(file)
    }

    /// Refuses a name of which a part is a link.
    pub fn check_no_link(&self, name: &Path) -> io::Result<()> {
        let is_link = |one: &&Path| {
            let facts = self.dir.symlink_metadata(self.base.join(one));
            facts.is_ok_and(|facts| facts.is_symlink())
        };
        let parts = name.ancestors().filter(|one| !one.as_os_str().is_empty());
        match parts.into_iter().find(is_link) {
            None => Ok(()),
            Some(link) => {
                let what = "is a link, through which nothing is written: make it a folder or a file";
                let what = format!("{} {what}", link.display());
                Err(io::Error::new(io::ErrorKind::InvalidInput, what))
            }
        }
    }

    /// Removes a folder in this one. If it is a link, the link is removed.
    pub fn remove_folder(&self, name: impl AsRef<Path>) -> io::Result<()> {
        if self.dir.symlink_metadata(name.as_ref())?.is_symlink() {
            return self.dir.remove_file(name);
        }
        self.dir.remove_dir_all(name)
    }

    /// Makes a folder and those above it, which are there after a loss of power, too. A link in its place is
    /// looked at when the folder is opened.
    fn make_all(&self, name: &Path) -> io::Result<()> {
        let mut made = Vec::new();
        for one in name.ancestors().filter(|one| !one.as_os_str().is_empty()) {
            if self.dir.symlink_metadata(one).is_ok() {
                break;
            }
            made.push(one);
        }
        match self.dir.create_dir_all(name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => other?,
        }
        for one in made {
            let parent = one.parent().filter(|parent| !parent.as_os_str().is_empty());
            self.dir.open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(())
    }

    /// The folder of a file, which is made if it is not there, and the file's own name.
    fn place<'a>(&self, name: &'a Path) -> io::Result<(Dir, &'a Path)> {
        let file_name = name.file_name().map(Path::new);
        let file_name = file_name.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
        let parent = match name.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            None => self.dir.try_clone()?,
            Some(parent) => {
                self.make_all(parent)?;
                self.dir.open_dir(parent)?
            }
        };
        Ok((parent, file_name))
    }
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Folder").field(&self.path).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    const MOST: u64 = 1000;

    fn folder() -> (tempfile::TempDir, Folder) {
        let outer = tempfile::tempdir().expect("a folder");
        fs::write(outer.path().join("outside"), "secret").expect("a file");
        let folder = Folder::make(&outer.path().join("study")).expect("a folder in it");
        (outer, folder)
    }

    #[test]
    fn names_are_those_of_the_folder_within_a_root() {
        let (outer, folder) = folder();
        fs::write(folder.path().join("inside"), "").expect("a file");
        let within = Folder::reading_within(outer.path(), PathBuf::from("study"), folder.path())
            .expect("a folder that is there");
        assert_eq!(within.names().expect("readable"), ["inside"]);
        assert_eq!(folder.names().expect("readable"), ["inside"]);
    }

    #[test]
    fn nothing_outside_is_read_or_written() {
        let (outer, folder) = folder();
        let outside = outer.path().join("outside");
        symlink(&outside, folder.path().join("link")).expect("a link");
        symlink(outer.path(), folder.path().join("out")).expect("a link");
        for name in [
            "../outside",
            "link",
            "out/outside",
            &outside.display().to_string(),
        ] {
            assert!(folder.read(name, MOST).is_err(), "{name}");
        }
        for name in [
            "../new",
            "out/new",
            &outer.path().join("new").display().to_string(),
        ] {
            assert!(folder.write(name, b"x").is_err(), "{name}");
            assert!(folder.write_new(name, b"x").is_err(), "{name}");
        }
        assert!(folder.remove_folder("../study").is_err());
        assert!(folder.append("link").is_err());
        folder.remove_folder("out").expect("the link is removed");
        assert_eq!(fs::read_to_string(outside).expect("still there"), "secret");
        assert!(!outer.path().join("new").exists());
    }

    #[test]
    fn a_link_inside_is_followed_and_a_link_in_the_place_of_a_file_is_replaced() {
        let (outer, folder) = folder();
        folder.write("a/b", b"text").expect("written");
        symlink("a/b", folder.path().join("inner")).expect("a link");
        assert_eq!(folder.read_text("inner", MOST).expect("read"), "text");
        symlink(outer.path().join("outside"), folder.path().join("page")).expect("a link");
        folder.write("page", b"new").expect("written");
        assert_eq!(folder.read_text("page", MOST).expect("read"), "new");
        assert_eq!(
            fs::read_to_string(outer.path().join("outside")).expect("there"),
            "secret"
        );
    }

    #[test]
    fn nothing_is_appended_through_a_link() {
        let (_outer, folder) = folder();
        folder.write("kept", b"text").expect("written");
        symlink("kept", folder.path().join("lock")).expect("a link");
        symlink(".", folder.path().join("here")).expect("a link");
        for name in ["lock", "here/lock", "here/kept", "here/new"] {
            let error = folder.append(name).expect_err("a link");
            assert!(error.to_string().contains("is a link"), "{name}: {error}");
        }
        assert_eq!(folder.read_text("kept", MOST).expect("read"), "text");
        assert!(!folder.has("new"));
    }

    #[test]
    fn only_regular_files_of_bounded_size_are_read() {
        let (_outer, folder) = folder();
        nix::unistd::mkfifo(&folder.path().join("pipe"), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        folder.write("large", &[b'x'; 1001]).expect("written");
        folder.make_folder("sub").expect("a folder");
        for name in ["pipe", "large", "sub", "none"] {
            assert!(folder.read(name, MOST).is_err(), "{name}");
        }
        assert!(folder.write_new("large", b"").is_err());
        let error = folder.append("pipe").expect_err("nobody reads it");
        assert!(error.to_string().contains("a pipe or a device"), "{error}");
        assert_eq!(folder.names().expect("names"), ["large", "pipe", "sub"]);
    }
}
