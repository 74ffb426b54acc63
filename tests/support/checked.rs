//! Studies for `check`: of a small server, and in a repository of their own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::{BINARY, Outcome, SmallStudy, free_address};

/// A small server: every hundredth part of its answers, by `wrong`, is not what the study expects.
const SERVER: &str = r#"
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, wrong = int(sys.argv[1]), int(sys.argv[2])
answers = 0

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self):
        global answers
        answers += 1
        body = b"wrong" if answers % 100 < wrong else b"right"
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"#;

/// A study of that server.
pub struct Checked {
    pub study: SmallStudy,
    port: u16,
    pub out: tempfile::TempDir,
}

impl Checked {
    pub fn new(more: &str) -> Self {
        let address = free_address();
        let behaviour = (
            "home",
            20.0,
            "steps = [{ get = \"/\", expect = { body_contains = \"right\" } }]",
        );
        let more = format!(
            "start = \"false\"\ncores = [0]\nready_within = \"5s\"\n[customers]\n[measure]\n\
             pilot = \"300ms\"\nmax_rate = 300\n{more}"
        );
        let study = SmallStudy::new(&format!("http://{address}"), &[behaviour], &more);
        study.write("server.py", SERVER);
        Self {
            study,
            port: address.port(),
            out: tempfile::tempdir().expect("a folder"),
        }
    }

    pub fn server(&self, wrong: u32) -> String {
        format!("exec python3 server.py {} {wrong}", self.port)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.out.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// Checks two start commands, with every form of output; an older comment is there already.
    pub fn check(&self, base: &str, head: &str, more: &[&str]) -> Outcome {
        let mut arguments = vec!["--base-start", base, "--head-start", head];
        arguments.extend(more);
        self.run(&arguments)
    }

    /// Checks with every form of output.
    pub fn run(&self, more: &[&str]) -> Outcome {
        Outcome::from_output(self.command(more).output().expect("it runs"))
    }

    /// What runs a check with every form of output; an older comment is there already.
    pub fn command(&self, more: &[&str]) -> Command {
        fs::write(self.file("check.md"), "of an older check").expect("written");
        let (md, xml) = (self.file("check.md"), self.file("check.xml"));
        let own = more.contains(&"--format");
        let json: &[&str] = if own { &[] } else { &["--format", "json"] };
        let mut command = Command::new(BINARY);
        command
            .current_dir(&self.study.path)
            .args(["check", "--yes"])
            .args(json)
            .arg("--md")
            .arg(md)
            .arg("--junit")
            .arg(xml)
            .args(more)
            .env("XDG_STATE_HOME", self.out.path())
            .env("TMPDIR", self.out.path())
            .env("GITHUB_STEP_SUMMARY", self.file("summary.md"));
        command
    }
}

/// The report that a check printed.
pub fn report(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {}", outcome.stdout))
}

/// A study in a repository, whose commits bring commands of their own.
pub struct Versioned {
    pub checked: Checked,
    pub marks: tempfile::TempDir,
}

impl Versioned {
    pub fn new(more: &str) -> Self {
        let versioned = Self {
            checked: Checked::new(more),
            marks: tempfile::tempdir().expect("a folder"),
        };
        versioned.checked.study.write(".gitignore", "/.nest/\n");
        versioned.git(&["init", "--quiet", "--initial-branch=main"]);
        versioned
    }

    pub fn path(&self) -> &Path {
        &self.checked.study.path
    }

    pub fn write(&self, name: &str, text: &str) {
        self.checked.study.write(name, text);
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "-m", message]);
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.path())
            .args(["-c", "user.name=t", "-c", "user.email=t@localhost"])
            .args(arguments)
            .output()
            .expect("git runs");
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}
