//! `check` of what cannot be compared: it says so in every form, and never calls a disturbed machine a
//! failure.

use std::fs;

use crate::support::checked::{Checked, Versioned, report};

#[test]
fn what_cannot_be_measured_is_said_in_every_form() {
    let checked = Checked::new("");
    let outcome = checked
        .check("echo secret $((4700 + 11)) >&2; exit 3", "true", &[])
        .expect(6);
    outcome.says("base cannot be measured").says("secret 4711");
    let report = report(&outcome);
    assert_eq!(
        (&report["verdict"], &report["exit"]),
        (&"void".into(), &6.into()),
        "{report:#}"
    );
    let summary = checked.read("check.md");
    assert!(
        summary.starts_with(
            "<!-- locust-nest:check:small -->\n### ? void: nothing could be compared, because base"
        ),
        "{summary}"
    );
    assert!(
        summary.contains("What to do: see what the start command of base said last"),
        "{summary}"
    );
    assert!(
        !summary.contains("4711"),
        "what a target says is for the output: {summary}"
    );
    let xml = checked.read("check.xml");
    assert!(xml.contains("<error type=\"void\""), "{xml}");
    let outcome = checked.check("exit 3", "true", &["--github", "--format", "csv"]);
    let annotated = outcome
        .stderr
        .lines()
        .filter(|line| line.starts_with("::error file="));
    assert_eq!(annotated.count(), 1, "{}", outcome.stdout);
    assert_eq!(checked.read("summary.md"), checked.read("check.md"));
}

#[test]
fn a_study_that_cannot_be_read_replaces_the_comment_too() {
    let checked = Checked::new("[check]\nlimit = \"1%\"\n");
    let outcome = checked.check("true", "true", &[]).expect(3);
    assert_eq!(report(&outcome)["exit"], 3);
    let summary = checked.read("check.md");
    assert!(
        summary.starts_with("<!-- locust-nest:check:small -->") && summary.contains("a limit of 1.0 %"),
        "{summary}"
    );
}

#[test]
fn load_head_that_does_not_start_is_named_in_the_comment() {
    let checked = Checked::new("[check]\nwindow_s = 0.3\n");
    let outcome = checked
        .check(&checked.server(0), "echo no such table >&2; exit 3", &[])
        .expect(6);
    outcome.says("no such table");
    let summary = checked.read("check.md");
    assert!(
        summary.contains("void: nothing could be compared, because head cannot be measured"),
        "{summary}"
    );
}

#[test]
fn load_a_version_that_answers_wrongly_is_broken_and_not_disturbed() {
    let checked = Checked::new("[check]\nwindow_s = 0.3\n");
    let (right, wrong) = (checked.server(0), checked.server(4));
    let outcome = checked.check(&right, &wrong, &[]).expect(6);
    outcome
        .says("head is broken: ")
        .says("of the executions of `home` got answers that it does not expect");
    checked
        .check(&wrong, &right, &[])
        .expect(6)
        .says("base is broken: ");
    let outcome = checked.check(&wrong, &right, &["--base-broken-ok"]).expect(0);
    let alone = report(&outcome);
    assert!(
        alone["reasons"][0].as_str().is_some_and(
            |reason| reason.starts_with("base is broken") && reason.ends_with("head was measured alone")
        ),
        "{alone:#}"
    );
}

#[test]
fn load_a_machine_that_is_disturbed_never_fails_a_check() {
    let checked = Checked::new("[check]\nwindow_s = 0.3\nif_unclear = \"fail\"\n");
    // Head brings neighbours along who keep the generator from its processor.
    let burners =
        "for one in 1 2 3 4 5 6 7 8 9 10 11 12; do taskset -c 1 sh -c 'while :; do :; done' & done; ";
    let head = format!("{burners}{}", checked.server(0));
    let outcome = checked.check(&checked.server(0), &head, &[]).expect(5);
    let found = report(&outcome);
    assert_eq!(found["verdict"], "unclear", "{found:#}");
    assert_eq!(
        found["void_visits"].as_array().map(Vec::len),
        Some(3),
        "made again twice: {found:#}"
    );
    assert_eq!(
        found["reasons"][0],
        "a visit of head was disturbed 3 times in a row"
    );
    let xml = checked.read("check.xml");
    assert!(
        xml.contains("<failure type=\"unclear\"") && !xml.contains("<error"),
        "{xml}"
    );
}

/// Each version fills the target by its own command, and is compared only where both store as much.
#[test]
fn load_each_version_stores_data_by_its_own_commands() {
    let more = "[data]\nitem = \"post\"\nsizes = [100, 300]\ncount = \"cat \\\"$NEST_TREE\\\"/count\"\n\
                [check]\nwindow_s = 0.3\nblocks = 2\n";
    let versioned = Versioned::new(more);
    let nest = versioned.path().join("nest.toml");
    let text = fs::read_to_string(&nest).expect("it is there");
    let start = versioned.checked.server(0).replace('"', "\\\"");
    let text = text.replace(
        "start = \"false\"\n",
        &format!("start = \"{start}\"\nstate = \"sh ./fill.sh $NEST_SIZE\"\n"),
    );
    fs::write(&nest, text).expect("written");
    let mark = versioned.marks.path().join("filled").display().to_string();
    let fill = |version: &str, count: &str| {
        format!("echo {version} $1 \"$NEST_TREE\" >>{mark}\necho {count} >\"$NEST_TREE\"/count\n")
    };
    versioned.write("fill.sh", &fill("old", "$1"));
    versioned.commit("old");
    versioned.write("fill.sh", &fill("new", "$(($1 / 2))"));
    versioned.commit("new");
    let outcome = versioned.checked.run(&["--base", "HEAD~1"]).expect(0);
    let found = report(&outcome);
    assert_eq!(found["verdict"], "unclear", "{found:#}");
    let reason = found["reasons"][0].as_str().unwrap_or_default();
    assert!(
        reason.starts_with("at size 100, base stores 100 items and head 50"),
        "{reason}"
    );
    let filled = fs::read_to_string(&mark).expect("both were filled");
    let trees = |version: &str, end: &str| {
        filled
            .lines()
            .filter(|line| line.starts_with(version))
            .all(|line| line.ends_with(end))
    };
    assert!(
        filled.contains("old 300") && filled.contains("old 100") && filled.contains("new 100"),
        "the pilot runs where most is stored: {filled}"
    );
    assert!(trees("old", "/base") && trees("new", "/head"), "{filled}");
}
