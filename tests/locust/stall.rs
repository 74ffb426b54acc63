//! A target that stands still for a second: what it does to response times from due, beside what Locust says.

use std::{
    fs,
    process::Command,
    sync::{Arc, Mutex},
    thread::sleep,
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use hdrhistogram::{Histogram, serialization::Deserializer};
use nest_data::measurement::{Outcome, Purpose, ResponseClock, Step};

use super::{OwnStudy, python};
use crate::support::{
    Running, assert_balanced, measurements,
    server::{Reply, Server},
    start, steps_for,
};

/// Arrivals per second: one every 10 ms.
const RATE: f64 = 100.0;
/// How long the target stands still, in windows of ten seconds.
const STALL: Duration = Duration::from_secs(1);
/// What one answer takes after it: they come in the order in which they were asked for.
const AFTER: Duration = Duration::from_micros(100);

/// Users of plain Locust keep the same rate in all.
const FILE: &str = r#"
from locust import FastHttpUser, constant_throughput, task


class Shop(FastHttpUser):
    wait_time = constant_throughput(20)

    @task
    def look(self):
        self.client.get("/")
"#;
const USERS: &str = "5";

/// A server that stands still when it is told to.
struct Stalling {
    server: Server,
    stall: Arc<Mutex<(Instant, u32)>>, // until when, and how many wait
}

impl Stalling {
    fn new() -> Self {
        let stall = Arc::new(Mutex::new((Instant::now(), 0)));
        let shared = Arc::clone(&stall);
        let server = Server::start(move |_| {
            let now = Instant::now();
            let mut stall = shared.lock().expect("no thread panics with it");
            let until = stall.0 + AFTER * stall.1;
            let waits = until.saturating_duration_since(now);
            stall.1 += u32::from(!waits.is_zero());
            drop(stall);
            sleep(waits);
            Reply::text("hello")
        });
        Self { server, stall }
    }

    fn stall(&self) {
        *self.stall.lock().expect("no thread panics with it") = (Instant::now() + STALL, 0);
    }
}

/// Response times of a step from due, in seconds.
fn from_due(step: &Step) -> Histogram<u64> {
    let of = |histogram: &&nest_data::measurement::Histogram| {
        histogram.clock == ResponseClock::Due && histogram.outcome == Outcome::Ok
    };
    let found = step.histograms.iter().find(of).expect("answers");
    let bytes = BASE64_STANDARD.decode(&found.hdr).expect("base64");
    Deserializer::new()
        .deserialize(&mut &bytes[..])
        .expect("a histogram")
}

/// What Locust's own statistics say after ten seconds: sorted response times in milliseconds.
fn of_locust(target: &Stalling) -> Vec<f64> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("locustfile.py"), FILE).expect("a temporary folder");
    let host = target.server.url("");
    let run = Command::new(python())
        .args([
            "-m",
            "locust",
            "-f",
            "locustfile.py",
            "--headless",
            "-u",
            USERS,
            "-r",
            USERS,
            "-t",
            "10s",
            "--json",
            "--host",
            host.as_str(),
        ])
        .current_dir(folder.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("Locust starts");
    while target.server.asked().is_empty() {
        sleep(Duration::from_millis(20));
    }
    sleep(Duration::from_secs(4));
    target.stall();
    let out = run.wait_with_output().expect("it ends").stdout;
    let text = String::from_utf8(out).expect("text");
    let from = text.find('[').expect("JSON");
    let said: serde_json::Value = serde_json::from_str(text[from..].trim()).expect("JSON");
    let mut times = Vec::new();
    for (ms, count) in said[0]["response_times"].as_object().expect("times") {
        let ms: f64 = ms.parse().expect("a number");
        times.extend(std::iter::repeat_n(ms, count.as_u64().expect("a count") as usize));
    }
    times.sort_by(f64::total_cmp);
    times
}

/// Measures one step of ten seconds at [`RATE`], and has the target stand still in its windows.
fn stalled(target: &Stalling) -> Step {
    let study = OwnStudy::new(
        &target.server.url(""),
        FILE,
        "look = \"Shop.look\"\n",
        "look = \"20 / day\"\n",
        // A customer executes a behaviour of 20 a day once in ten seconds of the busiest minute.
        "spacing = \"uniform\"\n[measure]\npilot = \"200ms\"\nsettle = \"1s\"\nsettle_most = \"1s\"\n\
         window = \"1s\"\nwindows = 10\nmax_rate = 400\nbase = 0.001\nboost = 0.002\ncustomers = [1000]\n",
    );
    let mut run: Running = start(study.folder.path(), &["measure", "study", "--yes"]);
    // Idle, base, boosted; the ramp's only step is the last.
    run.wait_for("step 3 of 4");
    sleep(Duration::from_millis(4_500));
    target.stall();
    run.finish().expect(0);
    let measured = measurements(&study.path());
    assert_balanced(&measured);
    let ramp = steps_for(&measured, Purpose::Ramp);
    ramp.last()
        .map(|step| (*step).clone())
        .expect("the ramp has a step")
}

#[test]
fn load_a_target_that_stalls_is_seen_from_due_and_not_by_locust() {
    let step = stalled(&Stalling::new());
    let due = from_due(&step);
    let at = |quantile: f64| due.value_at_quantile(quantile) as f64 / 1e3;
    let told = of_locust(&Stalling::new());
    let said =
        |quantile: f64| told[((told.len() as f64 * quantile).ceil() as usize).clamp(1, told.len()) - 1];
    println!(
        "| quantile | should be, ms | from due, ms | by Locust's own statistics, ms |\n|---|--:|--:|--:|\n\
         | p50 | 1 | {:.0} | {:.0} |\n| p95 | 500 | {:.0} | {:.0} |\n| p99 | 900 | {:.0} | {:.0} |\n\
         | p99.9 | 990 | {:.0} | {:.0} |",
        at(0.5),
        said(0.5),
        at(0.95),
        said(0.95),
        at(0.99),
        said(0.99),
        at(0.999),
        said(0.999)
    );
    println!(
        "{} answers, {} by Locust; {:?}",
        due.len(),
        told.len(),
        step.generator
    );
    let expected = RATE * 10.0;
    assert!(
        (due.len() as f64 - expected).abs() <= 0.01 * expected,
        "{} answers",
        due.len()
    );
    assert!(
        (at(0.999) - 990.0).abs() <= 0.02 * 990.0,
        "p99.9 is {} ms",
        at(0.999)
    );
    assert!((at(0.99) - 900.0).abs() <= 0.05 * 900.0, "p99 is {} ms", at(0.99));
    assert!(
        said(0.95) < 100.0,
        "five users leave out what they did not send: {} ms",
        said(0.95)
    );
}
