//! The two versions: work trees of two revisions, built, or two commands that start them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use nest_data::{Study, measure::gate::Gate};
use nest_load::{CommandSettings, Interrupt, LoadError};
use tempfile::TempDir;

use super::{
    repository::{Revisions, git},
    studies::{ComparedStudies, compare_studies},
    target_log::ANEW,
};
use crate::{
    args::CheckArguments,
    command_error::{CommandError, INVALID, LOST},
    commands::measure::options,
    files::StudyFolder,
    printer::talk,
};

/// One version of the target.
#[derive(Debug, Clone)]
pub struct Version {
    /// Name in reports: a revision or a command.
    pub name: String,
    /// Command that starts it.
    pub start: String,
    /// Folder in which its commands run.
    pub folder: PathBuf,
    /// Variables that its commands see.
    pub environment: BTreeMap<String, String>,
}

/// Both versions, ready to be started.
#[derive(Debug)]
pub struct Versions {
    pub base: Version,
    pub head: Version,
    /// What of the study they have in common, and what not.
    pub studies: ComparedStudies,
    /// Whether anything that matters has changed.
    pub matters: bool,
    /// Why base was not built, where that is allowed.
    pub broken_base: Option<String>,
    /// Work trees, which are removed with it.
    _trees: Option<WorkTrees>,
}

/// Prepares what the arguments name: checks out, compares studies, builds.
pub fn prepare(
    arguments: &CheckArguments,
    folder: &StudyFolder,
    study: &Study,
    gate: &Gate,
    revisions: Option<&Revisions>,
    interrupt: &Interrupt,
) -> Result<Versions, CommandError> {
    let start = gate.start.as_ref().or(study.target.start.as_ref());
    if let (Some(base), Some(head)) = (&arguments.base_start, &arguments.head_start) {
        return Ok(of_commands(folder, study, base, head));
    }
    let Some(start) = start else {
        let message = "neither `check.start` nor `target.start` says how a version is started";
        return Err(CommandError::new(INVALID, message)
            .hint("add start = \"COMMAND\" under [check], or give --base-start and --head-start"));
    };
    match revisions {
        None => Ok(of_commands(folder, study, start, start)),
        Some(revisions) => {
            let checkout = Checkout {
                folder,
                study,
                gate,
                interrupt,
                base_broken_ok: arguments.base_broken_ok,
            };
            checkout.versions(revisions, start)
        }
    }
}

/// Whether a version's work tree should have submodules. They are not checked out: their commands and remotes
/// are not known.
fn has_submodules(version: &Version) -> bool {
    let tree = version.environment.get("NEST_TREE");
    tree.is_some_and(|tree| Path::new(tree).join(".gitmodules").is_file())
}

fn of_commands(folder: &StudyFolder, study: &Study, base: &str, head: &str) -> Versions {
    let version = |start: &str| Version {
        name: start.to_owned(),
        start: start.to_owned(),
        folder: working_folder(folder.path()),
        environment: BTreeMap::new(),
    };
    Versions {
        base: version(base),
        head: version(head),
        studies: ComparedStudies::all_of(study),
        matters: true,
        broken_base: None,
        _trees: None,
    }
}

fn working_folder(path: &Path) -> PathBuf {
    if path.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        path.to_owned()
    }
}

/// How the temporary folder of a check begins; the number of its process follows.
const FOLDER: &str = "locust-nest-check-";

/// Work trees of two revisions below one temporary folder, at paths of equal length.
#[derive(Debug)]
struct WorkTrees {
    repository: PathBuf,
    folder: TempDir,
}

impl WorkTrees {
    const BASE: &str = "base";
    const HEAD: &str = "head";

    fn new(revisions: &Revisions) -> Result<Self, CommandError> {
        remove_left(&revisions.repository);
        let prefix = format!("{FOLDER}{}-", std::process::id());
        let trees = Self {
            repository: revisions.repository.clone(),
            folder: tempfile::Builder::new().prefix(&prefix).tempdir()?,
        };
        trees.add(Self::BASE, &revisions.base)?;
        trees.add(Self::HEAD, &revisions.head)?;
        Ok(trees)
    }

    fn add(&self, name: &str, revision: &str) -> Result<(), CommandError> {
        let path = self.folder.path().join(name);
        let path = path.to_string_lossy();
        git(
            &self.repository,
            &["worktree", "add", "--quiet", "--detach", &path, revision],
        )
        .map(|_| ())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Removes the work trees that checks of this repository left behind, because they were killed. One that
/// cannot be removed does no harm.
fn remove_left(repository: &Path) {
    let listed = git(repository, &["worktree", "list", "--porcelain", "-z"]).unwrap_or_default();
    let trees = listed
        .split('\0')
        .filter_map(|line| line.strip_prefix("worktree "));
    for tree in trees.map(Path::new).filter(|tree| is_left(tree)) {
        let _ = git(
            repository,
            &["worktree", "remove", "--force", &tree.to_string_lossy()],
        );
        if let Some(folder) = tree.parent() {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Whether a work tree is one of a check whose process is gone.
fn is_left(tree: &Path) -> bool {
    let folder = tree
        .parent()
        .filter(|folder| folder.parent() == Some(&std::env::temp_dir()));
    let process = folder.and_then(Path::file_name).and_then(|name| {
        name.to_str()?
            .strip_prefix(FOLDER)?
            .split('-')
            .next()?
            .parse::<u32>()
            .ok()
    });
    process.is_some_and(|process| !Path::new("/proc").join(process.to_string()).exists())
}

impl Drop for WorkTrees {
    fn drop(&mut self) {
        for name in [Self::BASE, Self::HEAD] {
            let path = self.path(name);
            // The folder goes in any case; git forgets what is left when it prunes.
            let _ = git(
                &self.repository,
                &["worktree", "remove", "--force", &path.to_string_lossy()],
            );
        }
    }
}

/// The repository of a study, of which two revisions are checked out and built.
struct Checkout<'a> {
    folder: &'a StudyFolder,
    study: &'a Study,
    gate: &'a Gate,
    interrupt: &'a Interrupt,
    base_broken_ok: bool,
}

impl Checkout<'_> {
    fn versions(&self, revisions: &Revisions, start: &str) -> Result<Versions, CommandError> {
        let trees = WorkTrees::new(revisions)?;
        let version = |name: &str, commit: &str| -> Result<Version, CommandError> {
            let tree = trees.path(name);
            let built = trees.path(&format!("built-{name}"));
            std::fs::create_dir_all(&built)?;
            let in_tree = tree.join(&revisions.place);
            let variable = |name: &str, path: &Path| (name.to_owned(), path.to_string_lossy().into_owned());
            Ok(Version {
                name: commit.get(..12).unwrap_or(commit).to_owned(),
                start: start.to_owned(),
                folder: if in_tree.is_dir() { in_tree } else { tree.clone() },
                environment: [variable("NEST_TREE", &tree), variable("NEST_BUILD", &built)].into(),
            })
        };
        let mut versions = Versions {
            base: version(WorkTrees::BASE, &revisions.base)?,
            head: version(WorkTrees::HEAD, &revisions.head)?,
            studies: ComparedStudies::all_of(self.study),
            matters: revisions.differ(self.gate)?,
            broken_base: None,
            _trees: None,
        };
        if versions.matters {
            versions.studies = compare_studies(&versions.base.folder, self.folder, self.study);
            versions.studies.doubts.extend(revisions.behind()?);
            self.build(&mut versions)?;
        }
        versions._trees = Some(trees);
        Ok(versions)
    }

    fn build(&self, versions: &mut Versions) -> Result<(), CommandError> {
        let Some(build) = &self.gate.build else {
            return Ok(());
        };
        match self.build_one(build, &versions.base, "base") {
            Err(error) if self.base_broken_ok && error.code == LOST => {
                versions.broken_base = Some(error.text());
            }
            built => built?,
        }
        self.build_one(build, &versions.head, "head")
    }

    /// Builds a version as its other commands run: with the same variables, and none of the secrets.
    fn build_one(&self, build: &str, version: &Version, which: &str) -> Result<(), CommandError> {
        talk(&format!("building {which} ({})", version.name));
        let settings = CommandSettings {
            folder: version.folder.clone(),
            environment: version.environment.clone(),
            ..options(self.folder, self.study)?.commands
        };
        nest_load::visit::run_build(build, &settings, self.interrupt).map_err(|error| {
            if matches!(error, LoadError::Interrupted) {
                return CommandError::from(error).hint(ANEW);
            }
            CommandError::from(error)
                .context(format!("{which} ({}) does not build", version.name))
                .code(LOST)
                .hint(match which {
                    _ if has_submodules(version) => {
                        "see its messages above; a work tree has no submodules: let `build` begin with \
                         `git submodule update --init` if it needs them"
                    }
                    "base" => {
                        "the base is broken: compare with a revision that builds, or give --base-broken-ok"
                    }
                    _ => "see its messages above",
                })
        })
    }
}
