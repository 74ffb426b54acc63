//! The two versions: work trees of two revisions, built, or two commands that start them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use nest_data::{Study, gate_report::LeftOut, measure::gate::Gate};
use nest_load::{CommandSettings, Interrupt};
use tempfile::TempDir;

use super::repository::{Revisions, git};
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

/// Both versions, and what of the study they have in common.
#[derive(Debug)]
pub struct Versions {
    pub base: Version,
    pub head: Version,
    /// Behaviours that are equal in both.
    pub compared: Vec<String>,
    /// The others, each with the reason.
    pub left_out: Vec<LeftOut>,
    /// What differs between the studies besides behaviours.
    pub differences: Vec<String>,
    /// Base's study with its folder, if it is another one that can be read.
    pub base_study: Option<(StudyFolder, Study)>,
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

fn all_behaviours(study: &Study) -> Vec<String> {
    study.behaviours.keys().cloned().collect()
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
        compared: all_behaviours(study),
        left_out: Vec::new(),
        differences: Vec::new(),
        base_study: None,
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
        let trees = Self {
            repository: revisions.repository.clone(),
            folder: tempfile::Builder::new().prefix("locust-nest-check-").tempdir()?,
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
            compared: all_behaviours(self.study),
            left_out: Vec::new(),
            differences: Vec::new(),
            base_study: None,
            matters: revisions.differ(self.gate)?,
            broken_base: None,
            _trees: None,
        };
        if versions.matters {
            compare_studies(&mut versions, self.folder, self.study);
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
            CommandError::from(error)
                .context(format!("{which} ({}) does not build", version.name))
                .code(LOST)
                .hint(if which == "base" {
                    "the base is broken: compare with a revision that builds, or give --base-broken-ok"
                } else {
                    "see its messages above"
                })
        })
    }
}

/// Compares head's study with base's. Behaviours that differ are left out: their demands are of different
/// work.
fn compare_studies(versions: &mut Versions, folder: &StudyFolder, study: &Study) {
    let base = StudyFolder::with_code(&versions.base.folder, folder.registry());
    let Ok((base_folder, base)) = base.and_then(|folder| {
        let study = folder.study(&[])?;
        Ok((folder, study))
    }) else {
        talk("note: base has no study that can be read, so head's behaviours are taken for both");
        return;
    };
    let reason = |name: &String| match base.behaviours.get(name) {
        None => Some("new: base does not have it"),
        Some(old) if *old != study.behaviours[name] => Some("changed: it is not the same work in both"),
        Some(_) => None,
    };
    let left_out = |behaviour: &String, reason: &str| LeftOut {
        behaviour: behaviour.clone(),
        reason: reason.to_owned(),
    };
    versions.left_out = study
        .behaviours
        .keys()
        .filter_map(|name| Some(left_out(name, reason(name)?)))
        .collect();
    let gone = base
        .behaviours
        .keys()
        .filter(|name| !study.behaviours.contains_key(*name));
    versions
        .left_out
        .extend(gone.map(|name| left_out(name, "removed: head does not have it")));
    versions.compared.retain(|name| reason(name).is_none());
    versions.differences = differences(&base, study);
    versions.base_study = Some((base_folder, base));
}

/// What differs between two studies besides behaviours, in words.
fn differences(base: &Study, head: &Study) -> Vec<String> {
    let mut found = Vec::new();
    for (name, rate) in &head.rates {
        match base.rates.get(name) {
            Some(old) if old != rate => found.push(format!("rate of `{name}`: {old} -> {rate}")),
            _ => {}
        }
    }
    let mut differs = |what: &str, same: bool| {
        if !same {
            found.push(format!("{what} differ"));
        }
    };
    differs("parameters", base.parameters == head.parameters);
    differs("policies", base.policies == head.policies);
    differs("configurations", base.configs == head.configs);
    differs("fees", base.fees == head.fees);
    differs("growth scenarios", base.growth == head.growth);
    found
}
