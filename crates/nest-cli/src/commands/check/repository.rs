//! The git repository of a study. git is called so that nothing runs that the repository brings along: no
//! hook, no filter, no monitor, no pager, no helper of a remote.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nest_data::measure::gate::Gate;

use crate::{
    args::CheckArguments,
    command_error::{CommandError, INTERNAL, INVALID, STALE},
    commands::measure::consent::ComparedCommits,
    files::{StudyFolder, path_text},
};

/// Settings that come before those of a repository.
const SETTINGS: [&str; 5] = [
    // A folder that only looks like a repository is none: its settings would be in the work tree.
    "safe.bareRepository=explicit",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "submodule.recurse=false",
];
/// Variables that keep git from asking, and from fetching what a repository left out.
const VARIABLES: [(&str, &str); 4] = [
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_ALLOW_PROTOCOL", "none"),
    ("GIT_PAGER", "cat"),
];
/// Variables that a hook of git sets for the programs it runs: they name another repository, index or folder
/// than the one meant here. Source: `git rev-parse --local-env-vars`, without settings.
const OF_HOOKS: [&str; 11] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
    "GIT_GRAFT_FILE",
    "GIT_SHALLOW_FILE",
    "GIT_NAMESPACE",
];
/// Names of files that differ.
const DIFFERENCE: [&str; 5] = [
    "diff",
    "--name-only",
    "--no-ext-diff",
    "--no-textconv",
    "--ignore-submodules=dirty",
];
/// Where settings of the user lie, as `git config --show-scope` calls them.
const SCOPES_OF_USER: [&str; 3] = ["system", "global", "command"];

/// Two commits of the repository of a study.
#[derive(Debug, Clone)]
pub struct Revisions {
    /// The folder of the repository.
    pub repository: PathBuf,
    /// The study's folder in it.
    pub place: PathBuf,
    /// Names of the commits.
    pub base: String,
    pub head: String,
}

impl Revisions {
    /// What `--base` and the checked-out commit name; `None` without `--base`. Nothing is checked out.
    ///
    /// # Errors
    /// The study lies in no repository, or in one that would run commands of its own; a revision is not
    /// there; or the work tree has changes.
    pub fn of(arguments: &CheckArguments, folder: &StudyFolder) -> Result<Option<Self>, CommandError> {
        let Some(base) = arguments.base.as_ref().filter(|_| arguments.base_start.is_none()) else {
            return Ok(None);
        };
        let path = folder.path();
        check_settings(path)?;
        let repository = PathBuf::from(git(path, &["rev-parse", "--show-toplevel"])?);
        check_settings(&repository)?;
        let revisions = Self {
            base: commit(&repository, base)?,
            head: commit(&repository, "HEAD")?,
            place: PathBuf::from(git(path, &["rev-parse", "--show-prefix"])?),
            repository,
        };
        check_clean(&revisions.repository)?;
        Ok(Some(revisions))
    }

    /// What is confirmed of them before they are checked out.
    pub fn compared(&self) -> Result<ComparedCommits, CommandError> {
        let Self {
            base, head, place, ..
        } = self;
        let place = place.to_string_lossy();
        let of_head = format!("{head}:{}", place.trim_end_matches('/'));
        let arguments = [&DIFFERENCE[..], &["-z", "--relative", base, head, "--"]].concat();
        let in_study = git(&self.repository.join(&self.place), &arguments)?;
        Ok(ComparedCommits {
            base: base.clone(),
            // A study that is in no commit has only what is in the commit.
            head_files: git(&self.repository, &["rev-parse", "--verify", "--quiet", &of_head])
                .unwrap_or_else(|_| head.clone()),
            differing: in_study
                .split('\0')
                .filter(|name| !name.is_empty())
                .map(|name| path_text(Path::new(name)))
                .collect(),
        })
    }

    /// That base has commits which head lacks, as it has when the main branch went on: then the comparison
    /// takes them back.
    pub fn behind(&self) -> Result<Option<String>, CommandError> {
        let Self { base, head, .. } = self;
        // Without a common commit, as in a shallow clone, nothing is known.
        let Ok(fork) = git(&self.repository, &["merge-base", base, head]) else {
            return Ok(None);
        };
        if fork == *base {
            return Ok(None);
        }
        let lacks = git(
            &self.repository,
            &["rev-list", "--count", &format!("{fork}..{base}")],
        )?;
        let commits = if lacks == "1" { "commit" } else { "commits" };
        Ok(Some(format!(
            "base has {lacks} {commits} that head lacks, and what they change counts as taken back; \
             --base {} leaves them out",
            fork.get(..12).unwrap_or(&fork)
        )))
    }

    /// Whether a file that matters differs between the revisions.
    pub fn differ(&self, gate: &Gate) -> Result<bool, CommandError> {
        let mut arguments = DIFFERENCE.to_vec();
        arguments.extend([self.base.as_str(), &self.head, "--"]);
        arguments.extend(gate.paths.iter().flatten().map(String::as_str));
        Ok(!git(&self.repository, &arguments)?.is_empty())
    }
}

/// Refuses a repository whose own settings name commands that git runs when it compares or checks out files.
/// Those of the user may: nobody else has written them.
fn check_settings(folder: &Path) -> Result<(), CommandError> {
    let settings = git(folder, &["config", "--list", "--show-scope", "--name-only", "-z"])?;
    let mut parts = settings.split('\0');
    while let (Some(scope), Some(key)) = (parts.next(), parts.next()) {
        let refused = key.starts_with("filter.") || key == "core.worktree";
        if refused && !SCOPES_OF_USER.contains(&scope) {
            let message =
                format!("the repository's own settings have {key:?}, which `check` does not follow");
            return Err(CommandError::new(INVALID, message).hint(
                "a filter is a command that git would run: if you trust it, move it to your own settings \
                 (`git config --global`); `core.worktree` leads elsewhere: clone the repository anew",
            ));
        }
    }
    Ok(())
}

fn commit(repository: &Path, revision: &str) -> Result<String, CommandError> {
    git(
        repository,
        &[
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &format!("{revision}^{{commit}}"),
        ],
    )
    .map_err(|_| {
        let message = format!("the repository has no revision {revision:?}");
        CommandError::new(STALE, message).hint("fetch it first: `git fetch origin`, with enough depth")
    })
}

/// Head is the checked-out commit, so nothing may have been changed since.
fn check_clean(repository: &Path) -> Result<(), CommandError> {
    let status = [
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--ignore-submodules=dirty",
    ];
    match git(repository, &status)?.lines().next() {
        None => Ok(()),
        Some(first) => {
            let message = format!(
                "the work tree has changes that are not committed: {}",
                first.trim()
            );
            Err(CommandError::new(STALE, message).hint("commit or stash them; the check compares commits"))
        }
    }
}

/// What git prints, without the last line feed.
pub fn git(folder: &Path, arguments: &[&str]) -> Result<String, CommandError> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let mut command = Command::new("git");
    OF_HOOKS.iter().for_each(|name| {
        command.env_remove(name);
    });
    let output = command
        .arg("--no-pager")
        .args(SETTINGS.iter().flat_map(|setting| ["-c", setting]))
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .envs(VARIABLES)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            CommandError::new(INTERNAL, format!("git cannot be run: {error}"))
                .hint("install git, or give --base-start and --head-start")
        })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let message = format!("git {} failed: {}", arguments[0], said.trim());
    Err(CommandError::new(STALE, message).hint("the study must lie in a git repository"))
}
