//! Commands of a study run only after whoever measures it has seen and confirmed them.

use std::{
    fs,
    io::Write,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::sys::signal::Signal;

use crate::support::{BINARY, Outcome, SmallStudy, change, copy_study, free_address, repository};

/// Exit code of what was not confirmed.
const REFUSED: i32 = 2;
/// Exit code of a run whose command has run and failed.
const HAS_RUN: i32 = 6;
const MEASURE: &str = "[customers]\n[measure]\npilot = \"100ms\"\nwindow = \"1s\"\nwindows = 2\n";

/// A study whose command leaves a line behind, measured by a user with a state folder of their own.
struct Visitor {
    study: SmallStudy,
    state: tempfile::TempDir,
}

impl Visitor {
    fn new(target: &str) -> Self {
        let url = format!("http://{}", free_address());
        let behaviour = ("home", 20.0, "steps = [{ get = \"/\" }]");
        Self {
            study: SmallStudy::new(&url, &[behaviour], &format!("{target}\n{MEASURE}")),
            state: tempfile::tempdir().expect("a folder"),
        }
    }

    /// A study whose command leaves a line behind and fails, so that no load follows.
    fn with_command() -> Self {
        Self::with_start("")
    }

    /// The same, with a command before that.
    fn with_start(command: &str) -> Self {
        let visitor = Self::new("start = 'START'");
        let start = format!("'''{command}{}'''", visitor.leaves_a_line());
        visitor.change("'START'", &start);
        visitor
    }

    /// A command that leaves a line behind, outside of the study's folder, and fails.
    fn leaves_a_line(&self) -> String {
        format!("echo ran >> {}; exit 3", self.state.path().join("ran").display())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.study.path)
            .env("XDG_STATE_HOME", self.state.path());
        command
    }

    /// Runs a verb without a terminal.
    fn run(&self, verb: &[&str]) -> Outcome {
        let output = self.command(BINARY).args(verb).stdin(Stdio::null()).output();
        Outcome::from_output(output.expect("it runs"))
    }

    /// Runs a verb in a terminal, and gives an answer there. What it prints is in stdout.
    fn answer(&self, verb: &[&str], answer: &str) -> Outcome {
        type_into(self.command("script"), verb, answer)
    }

    /// How often the command has run.
    fn times_run(&self) -> usize {
        let lines = fs::read_to_string(self.state.path().join("ran")).unwrap_or_default();
        lines.lines().count()
    }

    fn change(&self, from: &str, to: &str) {
        change(&self.study.path.join("nest.toml"), from, to);
    }

    fn kept(&self) -> PathBuf {
        self.state.path().join("locust-nest/trusted")
    }
}

/// Runs a verb in a pseudo-terminal.
fn type_into(mut script: Command, verb: &[&str], answer: &str) -> Outcome {
    let mut child = script
        .args([
            "-q",
            "-e",
            "-c",
            &format!("{BINARY} {}", verb.join(" ")),
            "/dev/null",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("script is part of every Debian");
    let mut keyboard = child.stdin.take().expect("piped");
    keyboard.write_all(answer.as_bytes()).expect("typed");
    let outcome = Outcome::from_output(child.wait_with_output().expect("it ends"));
    drop(keyboard);
    outcome
}

#[test]
fn a_study_that_is_new_runs_nothing_without_a_terminal() {
    let visitor = Visitor::with_command();
    for verb in [
        &["measure"][..],
        &["measure", "--plan"],
        &["measure", "--search"],
        &["all"],
    ] {
        visitor
            .run(verb)
            .expect(REFUSED)
            .says(&format!("start = {}", visitor.leaves_a_line()))
            .says("nest.toml:10")
            .says("PATH, HOME, LANG, TMPDIR, NEST_*")
            .says(
                &fs::canonicalize(&visitor.study.path)
                    .expect("there")
                    .display()
                    .to_string(),
            )
            .says("nothing was run")
            .says("--yes")
            .says("--plan --dry");
    }
    assert_eq!(visitor.times_run(), 0);
    assert!(!visitor.study.path.join("runs").exists() && !visitor.kept().exists());
}

#[test]
fn an_answer_in_a_terminal_decides_and_only_a_yes_is_remembered() {
    let visitor = Visitor::with_command();
    for answer in ["n\n", "\n", "yess\n", "\u{4}"] {
        let outcome = visitor.answer(&["measure"], answer).expect(REFUSED);
        assert!(
            outcome.stdout.contains("Run these commands? [y/N]"),
            "{}",
            outcome.stdout
        );
    }
    assert_eq!((visitor.times_run(), visitor.kept().exists()), (0, false));

    visitor.answer(&["measure"], "y\n").expect(HAS_RUN);
    assert_eq!(visitor.times_run(), 1);
    let facts = fs::metadata(visitor.kept()).expect("remembered");
    assert_eq!(facts.mode() & 0o777, 0o600);
    // From now on nobody is asked, in a terminal or not.
    visitor.run(&["measure"]).expect(HAS_RUN);
    let asked = visitor.answer(&["measure"], "").expect(HAS_RUN).stdout;
    assert!(!asked.contains("[y/N]"), "{asked}");
    assert_eq!(visitor.times_run(), 3);
}

#[test]
fn yes_counts_for_one_call() {
    let visitor = Visitor::with_command();
    visitor.run(&["measure", "--yes"]).expect(HAS_RUN);
    visitor.run(&["measure", "--plan", "-y"]).expect(HAS_RUN);
    visitor.run(&["measure"]).expect(REFUSED);
    assert_eq!((visitor.times_run(), visitor.kept().exists()), (2, false));
}

#[test]
fn whatever_changes_in_what_was_confirmed_is_shown_and_asked_again() {
    let visitor = Visitor::new("start = \"./fill.sh\"\nenv = [\"SHOWN\"]");
    visitor.study.write("fill.sh", "#!/bin/sh\n. ./more.sh\n");
    visitor.study.write("more.sh", "exit 3\n");
    let script = visitor.study.path.join("fill.sh");
    let mut mode = fs::metadata(&script).expect("written").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
    fs::set_permissions(&script, mode).expect("changed");
    let confirm = || visitor.answer(&["measure"], "y\n").expect(HAS_RUN);
    let asked_for = |what: &str| {
        visitor.run(&["measure"]).expect(REFUSED).says(what);
        confirm();
        visitor.run(&["measure"]).expect(HAS_RUN);
    };
    visitor.run(&["measure"]).expect(REFUSED).says("fill.sh, more.sh");
    confirm();

    visitor.study.write("more.sh", "sleep 0; exit 3\n");
    asked_for("changed: file more.sh");
    visitor.study.write("lib.sh", "a file that no command names");
    asked_for("new: file lib.sh");
    visitor.change("\"./fill.sh\"", "\"./fill.sh; true\"");
    asked_for("was: ./fill.sh\n    now: ./fill.sh; true");
    visitor.change("\"SHOWN\"", "\"SHOWN\", \"TOKEN\"");
    asked_for("new: variable that commands see: TOKEN");
    visitor.change("env = ", "reset = \"rm -f data\"\nenv = ");
    asked_for("new: command reset");

    // Nothing else of the study matters, and a copy elsewhere is another study.
    visitor.change("windows = 2", "windows = 3");
    visitor.run(&["measure"]).expect(HAS_RUN);
    let moved = visitor.study.path.with_file_name("moved");
    fs::rename(&visitor.study.path, &moved).expect("moved");
    let outcome = visitor
        .command(BINARY)
        .current_dir(&moved)
        .arg("measure")
        .output();
    Outcome::from_output(outcome.expect("it runs")).expect(REFUSED);
}

#[test]
fn load_on_another_host_is_confirmed_with_the_variables_that_go_there() {
    let visitor = Visitor::new("allow_hosts = [\"192.0.2.1\"]");
    visitor.study.write(
        "behaviours/home.toml",
        "steps = [{ get = \"/\", headers = { authorization = '{{ env(\"SHOP_TOKEN\") }}' } }]",
    );
    visitor
        .run(&["measure"])
        .expect(REFUSED)
        .says("puts load on these hosts: 192.0.2.1")
        .says("SHOP_TOKEN");
    let asked = visitor.answer(&["measure"], "n\n").expect(REFUSED).stdout;
    assert!(asked.contains("Put load on these hosts? [y/N]"), "{asked}");
}

#[test]
fn variables_that_a_study_sends_to_this_machine_are_confirmed_by_name() {
    let visitor = Visitor::new("");
    let measure = ["measure", "--plan"];
    let home = "behaviours/home.toml";
    // A study of this machine that runs and sends nothing is not asked about: its target is down.
    assert_ne!(visitor.run(&measure).code, REFUSED);
    let secret = "steps = [{ get = \"/\", headers = { x = '{{ env(\"SHOP_TOKEN\") }}' } }]";
    visitor.study.write(home, secret);
    visitor
        .run(&measure)
        .expect(REFUSED)
        .says("it sends these variables of your environment to http://127.0.0.1:")
        .says(": SHOP_TOKEN")
        .says("nothing was run");
    // The variable is not set: that is said after the yes, which is remembered.
    let asked = visitor.answer(&measure, "y\n").expect(3).stdout;
    assert!(asked.contains("Send these variables? [y/N]"), "{asked}");
    visitor.run(&measure).expect(3).says("SHOP_TOKEN");
    let other_port = ["--set", "target.base_url=http://127.0.0.1:9"];
    visitor
        .run(&[&measure[..], &other_port].concat())
        .expect(REFUSED)
        .says("changed: target of variables");
    visitor
        .study
        .write(home, &secret.replace("SHOP_TOKEN", "OTHER_KEY"));
    visitor
        .run(&measure)
        .expect(REFUSED)
        .says("new: variable that is sent: OTHER_KEY");
}

#[test]
fn a_yes_ends_with_any_byte_that_a_command_may_run() {
    let files: [(&str, &str, &[u8], &[u8]); 4] = [
        ("cd server && sh ./run.sh;", "server/run.sh", b":\n", b": 1\n"),
        ("sh ./run.sh;", "run.sh", b":\nexit\n\0a", b":\nexit\n\0b"),
        ("sh ./run.sh;", "run.sh", b"# caf\xe9\n:", b"# caf\xe8\n:"),
        ("sh ./run.sh; : > ./run.sh.pid;", "run.sh", b":\n", b": 1\n"),
    ];
    for (command, name, one, other) in files {
        let visitor = Visitor::with_start(command);
        let path = visitor.study.path.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, one).expect("written");
        if command.contains(".pid") {
            visitor.study.write("run.sh.pid", "");
        }
        visitor.answer(&["measure"], "y\n").expect(HAS_RUN);
        visitor.run(&["measure"]).expect(HAS_RUN);
        fs::write(&path, other).expect("written");
        visitor
            .run(&["measure"])
            .expect(REFUSED)
            .says(&format!("changed: file {name}"));
    }
}

#[test]
fn no_yes_is_kept_where_it_is_not_known_what_a_command_runs() {
    let long: String = (0..20_001).map(|number| format!("x.{number} ")).collect();
    for (command, why) in [
        ("sh .nest/start.sh;", "a command names .nest/start.sh"),
        ("sh run?.sh;", "the pattern run?.sh"),
        ("sh ru\\n.sh;", "a backslash"),
        ("sh ../outside.sh;", "a command names ../outside.sh"),
        ("sh many.sh;", "more names than are followed"),
    ] {
        let visitor = Visitor::with_start(command);
        visitor.study.write("many.sh", &format!("# {long}\n:\n"));
        let asked = visitor.answer(&["measure"], "y\n").expect(HAS_RUN).stdout;
        assert!(
            asked.contains("you are asked every time") && asked.contains(why),
            "{asked}"
        );
        visitor.run(&["measure"]).expect(REFUSED).says(why);
        assert_eq!(visitor.times_run(), 1, "{command}");
    }
}

#[test]
fn a_run_leaves_the_yes_as_it_was() {
    let visitor = Visitor::with_command();
    visitor.answer(&["measure"], "y\n").expect(HAS_RUN);
    let is_there = |name: &str| visitor.study.path.join(name).exists();
    assert!(is_there("runs") && is_there(".nest/lock"));
    fs::create_dir(visitor.study.path.join("reports")).expect("made");
    for name in ["scaling.json", "noise.json", "reports/report.html"] {
        visitor.study.write(name, "{}");
    }
    visitor.run(&["measure"]).expect(HAS_RUN);
    visitor.study.write("reports/run.sh", "exit");
    visitor
        .run(&["measure"])
        .expect(REFUSED)
        .says("new: file reports/run.sh");
}

#[test]
fn without_a_place_to_remember_only_yes_runs_commands() {
    let visitor = Visitor::with_command();
    let nowhere = |program: &str| {
        let mut command = visitor.command(program);
        command.env_remove("XDG_STATE_HOME").env_remove("HOME");
        command
    };
    let outcome = type_into(nowhere("script"), &["measure"], "y\n").expect(REFUSED);
    assert!(outcome.stdout.contains("XDG_STATE_HOME"), "{}", outcome.stdout);
    let output = nowhere(BINARY).args(["measure", "--yes"]).output();
    Outcome::from_output(output.expect("it runs")).expect(HAS_RUN);
    assert_eq!(visitor.times_run(), 1);
}

#[test]
fn a_file_of_answers_that_others_may_write_is_not_believed() {
    let visitor = Visitor::with_command();
    visitor.answer(&["measure"], "y\n").expect(HAS_RUN);
    let mut mode = fs::metadata(visitor.kept()).expect("remembered").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o622);
    fs::set_permissions(visitor.kept(), mode).expect("changed");
    visitor
        .run(&["measure"])
        .expect(REFUSED)
        .says("earlier answers are left out")
        .says("others may write it");
}

#[test]
fn names_of_a_study_cannot_hide_what_would_run() {
    let visitor = Visitor::new("start = \"touch ran\\u001b[2K\\u001b[1A\\rharmless\\u202e\"");
    let outcome = visitor.run(&["measure"]).expect(REFUSED);
    outcome.says("touch ran\\u001b[2K");
    assert!(
        !outcome.stderr.contains(['\u{1b}', '\r', '\u{202e}']),
        "{:?}",
        outcome.stderr
    );
}

#[test]
fn names_that_steer_a_terminal_are_refused_where_they_are_read() {
    let fails = |from: &str, to: &str| {
        let visitor = Visitor::with_command();
        visitor.change(from, to);
        let outcome = visitor.run(&["measure", "--yes"]).expect(3);
        let odd = |letter: char| (letter.is_control() && letter != '\n') || letter == '\u{202e}';
        assert!(!outcome.stderr.contains(odd), "{:?}", outcome.stderr);
        assert_eq!(visitor.times_run(), 0);
        outcome
    };
    fails("name = \"small\"", "name = \"small\\u001b[2J\"").says("`study.name`");
    fails("name = \"small\"", "name = \"small\\nerror: none\"").says("`study.name`");
    fails("[measure]", "[parameters]\n\"a\\u202eb\" = 1\n[measure]").says("a name in `parameters`");
    let visitor = Visitor::with_command();
    let odd = visitor.study.path.join("behaviours/a\u{1b}b.toml");
    fs::write(odd, "steps = [{ get = \"/\" }]").expect("written");
    visitor.change("[rates]", "[rates]\n\"a\\u001bb\" = \"1 / day\"");
    visitor
        .run(&["measure", "--yes"])
        .expect(3)
        .says("a name in `behaviours`");
}

#[test]
fn the_study_of_the_demo_is_trusted_where_it_was_written() {
    let visitor = Visitor::with_command();
    let mut demo = visitor
        .command(BINARY)
        .arg("demo")
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    crate::support::wait_until("the demo has written its answer", || visitor.kept().exists());
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(demo.id() as i32), Signal::SIGTERM).expect("it runs");
    demo.wait().expect("it ends");
    let kept = fs::read_to_string(visitor.kept()).expect("written");
    assert!(
        kept.contains("locust-nest-demo") && kept.contains("shop --listen"),
        "{kept}"
    );
    // Its port may be taken; what matters is that nobody is asked.
    let short = ["--set", "measure.pilot=100ms", "--set", "measure.max_duration=1s"];
    let verb = [&["measure", "--plan", "locust-nest-demo"][..], &short].concat();
    assert_ne!(visitor.run(&verb).code, REFUSED);
    visitor
        .run(&[&verb[..], &["--set", "target.state=touch ran"]].concat())
        .expect(REFUSED)
        .says("new: command state");
    assert_eq!(visitor.times_run(), 0);
}

#[test]
fn a_dry_plan_starts_nothing_and_says_what_only_a_pilot_can_tell() {
    let visitor = Visitor::with_command();
    let outcome = visitor.run(&["measure", "--plan", "--dry"]).expect(0);
    for part in ["idle", "base", "boosted home", "ramp"] {
        assert!(outcome.stdout.contains(part), "{part} in {}", outcome.stdout);
    }
    outcome
        .says("9 steps, about")
        .says("at most 5000 a second (max_rate)")
        .says("nothing was started");
    visitor.change("[measure]", "[measure]\ncustomers = [1000, 2000]");
    let table = visitor
        .run(&["measure", "--plan", "--dry", "--format", "csv"])
        .expect(0)
        .stdout;
    // 20 executions a day, all of them in one hour and 18 times as many in its busiest minute: 0.1 a second
    // each.
    assert!(table.contains("ramp at 2000,ramp,2000,200,home,200"), "{table}");
    assert!(table.contains("base,base,,,,"), "{table}");
    assert_eq!(visitor.times_run(), 0);
    let short = visitor.run(&["measure", "--dry"]).expect(0);
    short.says("nothing was started");
    assert_eq!(visitor.times_run(), 0);
}

#[test]
fn a_dry_plan_uses_the_pilot_that_was_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = copy_study("shop", folder.path());
    let kept = repository().join("models/shop/measurements.json");
    fs::copy(kept, study.join("measurements.json")).expect("committed");
    let dry = |arguments: &[&str]| {
        let verb = [&["measure", "--plan", "--dry", "shop"][..], arguments].concat();
        crate::support::nest(folder.path(), &verb).expect(0)
    };
    let outcome = dry(&[]);
    outcome
        .says("13 steps, up to")
        .says("in measurements.json; nothing was started");
    assert!(outcome.stdout.contains("boosted pay"), "{}", outcome.stdout);
    dry(&["--set", "study.seed=5"]).says("the study has changed since");
    // A behaviour that no pilot has run leaves nothing to plan with.
    fs::copy(
        study.join("behaviours/pay.toml"),
        study.join("behaviours/refund.toml"),
    )
    .expect("copied");
    change(
        &study.join("nest.toml"),
        "[rates]",
        "[rates]\nrefund = \"1 / day\"",
    );
    dry(&[]).says("no run has a pilot of these behaviours");
    assert!(!Path::new(&study).join("runs").exists());
}
