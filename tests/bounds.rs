//! The most requests that a study or a load may send, as the server counts them: whatever the plan says,
//! whatever the target does, whoever decides when to act.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

use nest_data::measurement::{Measurements, Step, Validity};
use nix::sys::signal::Signal;

use crate::support::{
    SmallStudy, assert_balanced, assert_load_balanced, free_address, load, measurements,
    nginx::Nginx,
    replaced,
    server::{Reply, Server},
};

/// Steps so short that a test of several takes a few seconds.
const QUICK: &str = "[measure]\npilot = \"300ms\"\nsettle = \"300ms\"\nwindow = \"400ms\"\nwindows = 2\n\
    base = 0.001\nboost = 0.002\ntimeout = \"2s\"\ngenerator_core = [0, 0, 0, 0]\n";

/// nginx with a log of the time of every request.
struct LoggedNginx {
    _nginx: Nginx,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl LoggedNginx {
    /// Serves these locations, in which `FOLDER` is a folder; `listen` adds to the address.
    fn start(listen: &str, locations: &str) -> Self {
        let (folder, address) = (tempfile::tempdir().expect("a folder"), free_address());
        let path = folder.path().display().to_string();
        let server = format!(
            "log_format times '$msec $request_uri';\nserver {{ listen {address} {listen};\n\
             access_log {path}/times.log times;\n{} }}",
            locations.replace("FOLDER", &path)
        );
        Self {
            _nginx: Nginx::start(folder.path(), address, &server),
            address,
            folder,
        }
    }

    fn flag(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Seconds from the first request to each, in order.
    fn times(&self) -> Vec<f64> {
        let log = fs::read_to_string(self.folder.path().join("times.log")).expect("nginx writes it");
        let time = |line: &str| -> f64 {
            let time = line.split(' ').next().expect("a time");
            time.parse().expect("a number")
        };
        let mut times: Vec<f64> = log.lines().map(time).collect();
        times.sort_by(f64::total_cmp);
        let first = times.first().copied().unwrap_or_default();
        times.iter_mut().for_each(|time| *time -= first);
        times
    }

    /// Fails the test unless at most `max_rate * (t + 1 s)` requests had come by every time t. Returns how
    /// many came.
    #[track_caller]
    fn assert_bounded(&self, max_rate: f64) -> usize {
        let times = self.times();
        for (index, time) in times.iter().enumerate() {
            let most = max_rate * (time + 1.0);
            assert!((index + 1) as f64 <= most, "{} by {time} s: {most:.1}", index + 1);
        }
        println!(
            "{} requests in {:.2} s",
            times.len(),
            times.last().unwrap_or(&0.0)
        );
        times.len()
    }
}

/// Says that the bound held this step back, and nobody else is blamed.
#[track_caller]
fn assert_held(step: &Step) {
    let verdict = &step.verdict;
    assert_eq!(verdict.validity, Validity::Invalid, "{verdict:?}");
    assert!(
        verdict
            .reasons
            .iter()
            .any(|reason| reason.contains("raise [measure] max_rate")),
        "{verdict:?}"
    );
    assert!(
        !verdict.reasons.iter().any(|reason| reason.contains("the target")),
        "{verdict:?}"
    );
    assert!(step.generator.held > 0);
}

/// Measures a study, and raises a flag once the plan is made.
fn measured(study: &SmallStudy, flag: &Path) -> Measurements {
    let mut run = study.start(&["measure"]);
    run.wait_for("step 1 of");
    fs::write(flag, "").expect("raised");
    run.finish().expect(0);
    let measured = measurements(&study.path);
    assert_balanced(&measured);
    measured
}

/// A server whose answers take processor time that a probe sees, and 40 ms.
fn slow_server() -> Server {
    Server::start(|_| {
        let sum = (0..300_000_u64).fold(1, |sum, n| std::hint::black_box(sum ^ (n << 1)));
        sleep(Duration::from_millis(40));
        Reply::text(sum.to_string())
    })
}

#[test]
fn customers_of_a_target_that_becomes_a_thousand_times_faster_stay_within_max_rate() {
    let slow = slow_server();
    let nginx = LoggedNginx::start(
        "",
        &format!(
            "location / {{ if (-f FOLDER/fast) {{ return 200 \"x\"; }} proxy_pass {}; }}",
            slow.url("")
        ),
    );
    let more = format!(
        "[customers]\narrival = \"closed\"\nthink = \"0s\"\n[probes.app]\npid = {}\n{QUICK}max_rate = 60\n\
         customers = [800]\n",
        std::process::id()
    );
    let study = SmallStudy::new(
        &nginx.url(""),
        &[("look", 20.0, "steps = [{ get = \"/\" }]")],
        &more,
    );
    let measured = measured(&study, &nginx.flag("fast"));
    let sent = nginx.assert_bounded(60.0);
    let last = measured.steps.last().expect("a step");
    assert_held(last);
    // It sends what it may: 60/s in the last step, which begins with turns that were not used before.
    let in_windows: u64 = last.windows.iter().flat_map(|one| one.completed.values()).sum();
    assert!((40..=108).contains(&in_windows), "{in_windows} of {sent}");
}

#[test]
fn redirects_and_logins_count_towards_max_rate() {
    let hop = |from: &str, to: &str| format!("location = {from} {{ return 302 {to}; }}\n");
    let changing = |path: &str, to: &str| {
        format!("location = {path} {{ if (-f FOLDER/more) {{ return 302 {to}; }} return 200 \"x\"; }}\n")
    };
    let nginx = LoggedNginx::start(
        "",
        &[
            changing("/login", "/l1"),
            hop("/l1", "/l2"),
            changing("/look", "/r1"),
            hop("/r1", "/r2"),
            "location / { return 200 \"x\"; }".to_owned(),
        ]
        .concat(),
    );
    // A light step beside the ramp: where the pilot is disturbed, a share of its capacity is no small load.
    let quick = replaced(QUICK, "base = 0.001", "base = 0.00001");
    let more = format!(
        "[customers]\narrival = \"partly-open\"\nthink = \"10ms\"\nsession = {{ behaviours = 1 }}\n\
         [probes.app]\nport = {}\n{quick}max_rate = 150\ncustomers = [600]\n",
        nginx.address.port()
    );
    let look = "needs = \"login\"\nsteps = [{ get = \"/look\", redirects = 5 }]";
    let login = "steps = [{ get = \"/login\", redirects = 5 }]";
    let study = SmallStudy::new(
        &nginx.url(""),
        &[("look", 20.0, look), ("login", 0.01, login)],
        &more,
    );
    let measured = measured(&study, &nginx.flag("more"));
    nginx.assert_bounded(150.0);
    let last = measured.steps.last().expect("a step");
    // 60 sessions a second are 120 requests when they are planned, and 360 afterwards.
    assert!((last.plan.total_per_s() - 60.0).abs() < 1.0, "{:?}", last.plan);
    assert_held(last);
}

#[test]
fn load_keeps_its_bound_over_every_protocol() {
    for (listen, way, step) in [
        ("", "HTTP/1.1", "get = \"/a\", redirects = 2"),
        ("http2", "--http2", "get = \"/a\", redirects = 2"),
        ("", "reqwest", "post = \"/c\", multipart = { field = \"value\" }"),
    ] {
        let nginx = LoggedNginx::start(
            listen,
            "location = /a { return 302 /b; }\nlocation / { return 200 \"x\"; }",
        );
        let file = nginx.flag("chain.toml");
        fs::write(&file, format!("steps = [{{ {step} }}]\n")).expect("written");
        let (url, file) = (nginx.url(""), file.display().to_string());
        let mut arguments = vec![
            &url[..],
            "--behaviour",
            &file,
            "--max-rate",
            "100",
            "--threads",
            "4",
        ];
        arguments.extend([
            "--customers",
            "32",
            "--for",
            "1s",
            "--warm-up",
            "300ms",
            "--timeout",
            "2s",
        ]);
        arguments.extend((way == "--http2").then_some(way));
        let result = load(nginx.folder.path(), &arguments, 0);
        assert_load_balanced(&result);
        let sent = nginx.assert_bounded(100.0);
        assert!(sent > 100, "{way}: {sent}");
        let verdict = result["verdict"].to_string();
        assert!(
            verdict.contains("invalid") && verdict.contains("raise --max-rate"),
            "{way}: {verdict}"
        );
    }
}

#[test]
fn a_plan_that_somebody_changed_is_not_run() {
    let server = slow_server();
    let more = format!(
        "[customers]\n[probes.app]\npid = {}\n{QUICK}max_rate = 60\ncustomers = [800]\n",
        std::process::id()
    );
    let study = SmallStudy::new(
        &server.url(""),
        &[("look", 20.0, "steps = [{ get = \"/\" }]")],
        &more,
    );
    let mut run = study.start(&["measure"]);
    run.wait_for("step 1 of");
    run.signal(Signal::SIGINT);
    assert_eq!(run.finish().code, 130);
    let runs = fs::read_dir(study.path.join("runs")).expect("there");
    let run = runs
        .map_while(Result::ok)
        .find(|entry| entry.path().join("plan.json").exists())
        .expect("a run with a plan");
    let path = run.path().join("plan.json");
    let plan = fs::read_to_string(&path).expect("there");
    let mut changed: serde_json::Value = serde_json::from_str(&plan).expect("JSON");
    for step in changed["plan"]["steps"].as_array_mut().expect("steps") {
        for rate in step["offered_per_s"].as_object_mut().expect("rates").values_mut() {
            *rate = (rate.as_f64().expect("a rate") * 20.0).into();
        }
    }
    fs::write(&path, changed.to_string()).expect("written");
    let asked = server.asked().len();
    study
        .run(&["measure", "--resume"])
        .expect(7)
        .says("requests/s, and [measure] max_rate is 60");
    assert_eq!(server.asked().len(), asked);
    fs::write(&path, plan).expect("written");
    study.run(&["measure", "--resume"]).expect(0);
}
