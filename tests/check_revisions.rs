//! `check` of two revisions: what of a repository, of its user and of an earlier check must not change the
//! result.

use std::{
    fs,
    process::{Child, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::support::{
    Outcome,
    checked::{Versioned, report},
    wait_until,
};

/// A repository with a study whose versions do not start, after a build that leaves a mark.
fn repository() -> Versioned {
    let versioned = Versioned::new("[check]\nbuild = \"sh ./build.sh\"\n");
    for version in ["old", "new"] {
        build(&versioned, version, "");
        versioned.commit(version);
    }
    versioned
}

fn build(versioned: &Versioned, version: &str, then: &str) {
    let mark = versioned.marks.path().join(version);
    versioned.write("build.sh", &format!("touch {}\n{then}\n", mark.display()));
}

/// Work trees that git knows, and folders that checks have left behind.
fn left(versioned: &Versioned) -> (usize, usize) {
    let trees = versioned.git(&["worktree", "list"]).lines().count();
    let entries = fs::read_dir(versioned.checked.out.path()).expect("it is there");
    let folders = entries.filter(|entry| {
        let name = entry.as_ref().expect("readable").file_name();
        name.to_string_lossy().starts_with("locust-nest-check-")
    });
    (trees, folders.count())
}

#[test]
fn annotations_name_files_from_the_top_of_the_repository() {
    let versioned = repository();
    let place = "models/Läden und mehr";
    move_to(&versioned, place);
    let outcome = versioned
        .checked
        .run(&["--base", "HEAD~1", "--github", "--format", "csv", place]);
    let annotated = format!("::error file={place}/nest.toml,line=1,");
    assert!(
        outcome.stderr.contains(&annotated),
        "{}{}",
        outcome.stdout,
        outcome.stderr
    );
}

/// Moves the study to a folder of its repository, and commits that and another build.
fn move_to(versioned: &Versioned, place: &str) {
    fs::create_dir_all(versioned.path().join(place)).expect("a folder");
    for name in ["nest.toml", "behaviours", "build.sh"] {
        versioned.git(&["mv", name, place]);
    }
    versioned.commit("moved");
    versioned.write(&format!("{place}/build.sh"), "true\n");
    versioned.commit("changed");
}

/// git sets these for its hooks; a check that a hook runs must not touch the index of the commit in the
/// making.
#[test]
fn a_check_in_a_hook_leaves_the_index_alone() {
    let versioned = repository();
    move_to(&versioned, "models");
    let folder = versioned.path().join(".git");
    let output = versioned
        .checked
        .command(&["--base", "HEAD~1", "models"])
        .env("GIT_DIR", &folder)
        .env("GIT_INDEX_FILE", folder.join("index"))
        .output();
    Outcome::from_output(output.expect("it runs"))
        .expect(6)
        .says("base cannot be measured");
    assert_eq!(
        versioned.git(&["status", "--porcelain", "--untracked-files=no"]),
        ""
    );
}

/// Starts a check whose build goes on for long, and waits until it does.
fn started(versioned: &Versioned) -> Child {
    build(versioned, "slow", "sleep 600");
    versioned.commit("slow");
    versioned.write("README", "other\n");
    versioned.commit("slow too");
    let child = versioned
        .checked
        .command(&["--base", "HEAD~1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mark = versioned.marks.path().join("slow");
    wait_until("the build runs", || mark.exists());
    assert_eq!(left(versioned), (3, 1));
    child.expect("it runs")
}

#[test]
fn an_interrupted_build_leaves_nothing_behind_and_says_so() {
    let versioned = repository();
    let mut child = started(&versioned);
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).expect("it is there");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert_eq!(left(&versioned), (1, 0));
    let summary = versioned.checked.read("check.md");
    assert!(
        summary.contains("void: nothing could be compared, because") && summary.contains("interrupted"),
        "{summary}"
    );
}

#[test]
fn what_a_killed_check_left_behind_goes_with_the_next_one() {
    let versioned = repository();
    let mut child = started(&versioned);
    child.kill().expect("it is there");
    child.wait().expect("it ends");
    assert_eq!(left(&versioned), (3, 1));
    build(&versioned, "quick", "");
    versioned.commit("quick");
    build(&versioned, "quick", "true");
    versioned.commit("quick too");
    versioned
        .checked
        .run(&["--base", "HEAD~1"])
        .expect(6)
        .says("base cannot be measured");
    assert_eq!(left(&versioned), (1, 0));
}

#[test]
fn a_main_branch_that_went_on_is_named_and_so_is_what_differs() {
    let versioned = repository();
    versioned.git(&["branch", "main-of-others"]);
    versioned.git(&["checkout", "--quiet", "-b", "feature"]);
    versioned.write("behaviours/home.toml", "steps = [{ get = \"/new\" }]");
    versioned.commit("feature");
    let fork = versioned.git(&["rev-parse", "--short=12", "HEAD~1"]);
    versioned.git(&["checkout", "--quiet", "main-of-others"]);
    let nest = versioned.path().join("nest.toml");
    let text = fs::read_to_string(&nest).expect("it is there");
    fs::write(
        &nest,
        text.replace("home = \"20 / day\"", "home = \"25 / day\"")
            .replace("burst = 18", "burst = 17"),
    )
    .expect("written");
    versioned.commit("main goes on");
    versioned.git(&["checkout", "--quiet", "feature"]);
    // Its one behaviour has changed, so nothing is measured.
    let outcome = versioned.checked.run(&["--base", "main-of-others"]).expect(0);
    let found = report(&outcome);
    assert_eq!(found["verdict"], "unclear", "{found:#}");
    assert_eq!(found["left_out"][0]["behaviour"], "home");
    let caveat = found["caveats"][0].as_str().unwrap_or_default();
    assert!(
        caveat.starts_with("base has 1 commit that head lacks") && caveat.contains(&format!("--base {fork}")),
        "{caveat}"
    );
    let exact = found["exact"].to_string();
    assert!(
        exact.contains("rate of `home`: 25 / day -> 20 / day") && exact.contains("[customers]"),
        "{exact}"
    );
}

#[test]
fn submodules_that_are_missing_are_named() {
    let versioned = repository();
    let library = repository();
    let url = format!("file://{}", library.path().display());
    versioned.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        &url,
        "library",
    ]);
    versioned.write("build.sh", "test -f \"$NEST_TREE\"/library/build.sh\n");
    versioned.commit("with a submodule");
    versioned.write("README", "words\n");
    versioned.commit("more");
    versioned
        .checked
        .run(&["--base", "HEAD~1"])
        .expect(6)
        .says("git submodule update --init");
}

#[test]
fn without_git_the_other_way_is_named() {
    let versioned = repository();
    let output = versioned
        .checked
        .command(&["--base", "HEAD~1"])
        .env("PATH", "/nonexistent")
        .output();
    Outcome::from_output(output.expect("it runs"))
        .expect(1)
        .says("--base-start and --head-start");
    assert!(versioned.checked.read("check.md").contains("git cannot be run"));
}
