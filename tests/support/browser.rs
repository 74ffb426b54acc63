//! Headless Chromium, driven over its DevTools protocol: messages of JSON on two pipes, each ended by a zero
//! byte.
//!
//! The crates for it bring the whole protocol, tens of thousands of lines; a page is tested with a dozen
//! of its commands.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

/// Chromium reads commands from descriptor 3 and writes answers to 4.
const ON_PIPES: &str = "exec chromium \"$@\" 3<&0 4>&1 0</dev/null 1>&2";
const OPTIONS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
];

/// How a page is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Medium {
    pub name: &'static str,
    pub width: u32, // pixels
    pub media: &'static str,
    pub scheme: &'static str,
    pub forced_colours: bool,
}

/// One browser with one tab.
pub struct Browser {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    session: Option<String>,
    last: u64,
    events: Vec<Value>,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub fn start() -> Self {
        let profile = tempfile::tempdir().expect("a temporary folder");
        let mut child = Command::new("sh")
            .args(["-c", ON_PIPES, "sh"])
            .args(OPTIONS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh runs");
        let mut browser = Self {
            commands: child.stdin.take().expect("piped"),
            answers: BufReader::new(child.stdout.take().expect("piped")),
            child,
            session: None,
            last: 0,
            events: Vec::new(),
            _profile: profile,
        };
        let target = browser.command("Target.createTarget", &json!({ "url": "about:blank" }));
        let attached = browser.command(
            "Target.attachToTarget",
            &json!({ "targetId": target["targetId"], "flatten": true }),
        );
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.command(&format!("{domain}.enable"), &json!({}));
        }
        browser
    }

    /// Opens a file, and gives all that happened meanwhile: requests, messages on the console, errors.
    pub fn open(&mut self, page: &Path) -> Vec<Value> {
        self.events.clear();
        self.command(
            "Page.navigate",
            &json!({ "url": format!("file://{}", page.display()) }),
        );
        while !self
            .events
            .iter()
            .any(|event| event["method"] == "Page.loadEventFired")
        {
            let event = self.message();
            self.events.push(event);
        }
        // Two frames later, all that the page does by itself is done.
        self.evaluate(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))",
        );
        std::mem::take(&mut self.events)
    }

    pub fn look_at(&mut self, medium: Medium) {
        let forced = if medium.forced_colours { "active" } else { "none" };
        self.command(
            "Emulation.setEmulatedMedia",
            &json!({ "media": medium.media, "features": [
                { "name": "prefers-color-scheme", "value": medium.scheme },
                { "name": "forced-colors", "value": forced },
            ] }),
        );
        self.command(
            "Emulation.setDeviceMetricsOverride",
            &json!({ "width": medium.width, "height": 900, "deviceScaleFactor": 1, "mobile": false }),
        );
    }

    /// The value of an expression in the page; a promise is waited for.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let answer = self.command(
            "Runtime.evaluate",
            &json!({ "expression": expression, "awaitPromise": true, "returnByValue": true }),
        );
        assert!(
            answer["exceptionDetails"].is_null(),
            "{}",
            answer["exceptionDetails"]
        );
        answer["result"]["value"].clone()
    }

    /// Pages of paper that the open page takes.
    pub fn printed_pages(&mut self) -> usize {
        let options = json!({ "preferCSSPageSize": true, "printBackground": true });
        let answer = self.command("Page.printToPDF", &options);
        let pdf = answer["data"].as_str().expect("a document");
        let pdf = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, pdf).expect("base64");
        // Each page is an object of this type; the tree of pages is one of `/Pages`.
        let is_page = |at: &[u8]| at.starts_with(b"/Type /Page") && at.get(11) != Some(&b's');
        pdf.windows(12).filter(|at| is_page(at)).count()
    }

    fn command(&mut self, method: &str, parameters: &Value) -> Value {
        self.last += 1;
        let mut command = json!({ "id": self.last, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        self.commands
            .write_all(format!("{command}\0").as_bytes())
            .expect("chromium runs (tests/run installs it)");
        loop {
            let message = self.message();
            if message["id"] == self.last {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    fn message(&mut self) -> Value {
        let mut text = Vec::new();
        self.answers.read_until(0, &mut text).expect("chromium answers");
        assert_eq!(text.pop(), Some(0), "chromium runs (tests/run installs it)");
        serde_json::from_slice(&text).expect("JSON")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends with its pipes; whether it could be told to changes nothing.
        let _ = self
            .commands
            .write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let _ = self.child.wait();
    }
}
