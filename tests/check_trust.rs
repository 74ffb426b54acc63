//! `check` runs nothing of a repository, of base or of head, that was not confirmed.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::support::{BINARY, Outcome, SmallStudy, change, free_address};

/// A study in a repository of its own, with commits whose start command leaves a file behind and fails.
struct CheckedStudy {
    study: SmallStudy,
    marks: tempfile::TempDir,
}

impl CheckedStudy {
    fn new() -> Self {
        let more = "start = \"sh ./start.sh\"\n[customers]\n[measure]\npilot = \"100ms\"\nwindow = \"1s\"\n\
                    windows = 2\n[check]\n";
        let url = format!("http://{}", free_address());
        let behaviour = ("home", 20.0, "steps = [{ get = \"/\" }]");
        let checked = Self {
            study: SmallStudy::new(&url, &[behaviour], more),
            marks: tempfile::tempdir().expect("a folder"),
        };
        checked.git(&["init", "--quiet"]);
        checked.study.write(".gitignore", "/.nest/\n");
        checked.commit("first");
        checked.commit("second");
        checked
    }

    /// A file that a command makes, by its name.
    fn mark(&self, name: &str) -> PathBuf {
        self.marks.path().join(name)
    }

    fn has(&self, name: &str) -> bool {
        self.mark(name).exists()
    }

    /// Commits a start command that leaves a mark of that name, and returns the name of the commit.
    fn commit(&self, name: &str) -> String {
        let script = format!("touch {}; exit 3\n", self.mark(name).display());
        self.study.write("start.sh", &script);
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "-m", name]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .arg("-C")
            .arg(&self.study.path)
            .args(["-c", "user.name=t", "-c", "user.email=t@localhost"])
            .args(arguments)
            .output()
            .expect("git runs");
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn set(&self, key: &str, value: &str) {
        self.git(&["config", key, value]);
    }

    /// Checks against a revision.
    fn check(&self, more: &[&str]) -> Outcome {
        let output = Command::new(BINARY)
            .current_dir(&self.study.path)
            .args([&["check"], more].concat())
            .env("XDG_STATE_HOME", self.marks.path())
            .stdin(Stdio::null())
            .output();
        Outcome::from_output(output.expect("it runs"))
    }
}

#[test]
fn nothing_of_a_repository_runs_before_it_was_confirmed() {
    let checked = CheckedStudy::new();
    let touch = |name: &str| format!("touch {}; false", checked.mark(name).display());
    checked.study.write(
        ".git/hooks/post-checkout",
        &format!("#!/bin/sh\n{}\n", touch("hook")),
    );
    let hook = checked.study.path.join(".git/hooks/post-checkout");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("changed");
    checked.set("core.fsmonitor", &touch("monitor"));
    checked.set("core.pager", &touch("pager"));
    checked.set("diff.external", &touch("diff"));
    let compare = ["--base", "HEAD~1"];
    checked.check(&compare).expect(2).says("nothing was run");
    // Base does not start, and neither does anything else of the repository.
    checked.check(&[&compare[..], &["--yes"]].concat()).expect(6);
    assert!(checked.has("first"), "base's own script ran after --yes");
    for name in ["hook", "monitor", "pager", "diff"] {
        assert!(!checked.has(name), "{name}");
    }
    let elsewhere = checked.marks.path().display().to_string();
    for (key, value) in [
        ("filter.a.smudge", &touch("filter")),
        ("filter.a.process", &touch("filter")),
        ("core.worktree", &elsewhere),
    ] {
        checked.set(key, value);
        let outcome = checked.check(&[&compare[..], &["--yes"]].concat()).expect(3);
        outcome.says(key);
        checked.git(&["--git-dir=.git", "--work-tree=.", "config", "--unset", key]);
    }
    assert!(!checked.has("filter"));
}

#[test]
fn a_folder_that_only_looks_like_a_repository_is_none() {
    let checked = CheckedStudy::new();
    let study = &checked.study.path;
    for name in ["HEAD", "objects", "refs", "config", "index"] {
        let moved = fs::rename(study.join(".git").join(name), study.join(name));
        moved.expect("a part of the repository");
    }
    fs::remove_dir_all(study.join(".git")).expect("removed");
    let monitor = format!("touch {}; false", checked.mark("monitor").display());
    let worktree = study.display();
    let config = format!("[core]\nbare = false\nworktree = {worktree}\nfsmonitor = \"{monitor}\"\n");
    fs::write(study.join("config"), config).expect("written");
    let outcome = checked.check(&["--base", "HEAD~1", "--yes"]);
    assert_ne!(outcome.code, 0);
    outcome.says("bare repository");
    assert!(!checked.has("monitor") && !checked.has("first"));
}

#[test]
fn base_is_confirmed_with_its_commit_and_its_own_files() {
    let checked = CheckedStudy::new();
    let evil = checked.commit("evil");
    checked.commit("head");
    let start = |base: &str| {
        let command = format!("{BINARY} check --base {base}");
        let mut script = Command::new("script");
        script
            .current_dir(&checked.study.path)
            .env("XDG_STATE_HOME", checked.marks.path())
            .args(["-q", "-e", "-c", &command, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = script.spawn().expect("script is part of every Debian");
        let mut keyboard = child.stdin.take().expect("piped");
        keyboard.write_all(b"y\n").expect("typed");
        let outcome = Outcome::from_output(child.wait_with_output().expect("it ends"));
        drop(keyboard);
        outcome
    };
    let asked = start("HEAD~3").expect(6).stdout;
    assert!(asked.contains("has its own version of: start.sh"), "{asked}");
    assert!(checked.has("first"));
    // The yes is for that commit: it counts again, and for no other base.
    checked.check(&["--base", "HEAD~3"]).expect(6);
    checked
        .check(&["--base", &evil])
        .expect(2)
        .says("changed: commit of base")
        .says(&format!("commit {evil}, which has its own version of: start.sh"));
    assert!(!checked.has("evil"));
    // It is no yes for a measurement, and one for a measurement is none for a check.
    checked.check(&["--calibrate"]).expect(2);
    checked.commit("later");
    checked
        .check(&["--base", "HEAD~4"])
        .expect(2)
        .says("changed: the study at head");
    assert!(!checked.has("later"));
}

#[test]
fn a_build_sees_no_secret_of_the_requests() {
    let checked = CheckedStudy::new();
    checked.study.write(
        "behaviours/home.toml",
        "steps = [{ get = \"/\", headers = { x = '{{ env(\"NEST_TOKEN\") }}' } }]",
    );
    let seen = checked.mark("seen");
    let nest = checked.study.path.join("nest.toml");
    let build = format!("[check]\nbuild = \"env > {}; exit 1\"\n", seen.display());
    change(&nest, "[check]\n", &build);
    checked.git(&["add", "."]);
    checked.git(&["commit", "--quiet", "-m", "third"]);
    let output = Command::new(BINARY)
        .current_dir(&checked.study.path)
        .args(["check", "--base", "HEAD~1", "--yes"])
        .env("NEST_TOKEN", "token-4711")
        .env("NEST_OTHER", "shown")
        .output();
    Outcome::from_output(output.expect("it runs")).expect(6);
    let seen = fs::read_to_string(seen).expect("the build ran");
    assert!(
        seen.contains("NEST_OTHER=shown") && seen.contains("NEST_BUILD="),
        "{seen}"
    );
    assert!(!seen.contains("4711"), "{seen}");
}
