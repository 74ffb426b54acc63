//! What disturbs a measurement, and what its verdict says then: whose fault it was.

use std::{
    fs, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, sleep},
    time::Duration,
};

use nest_data::measurement::{Step, Validity, Verdict};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::support::{
    BINARY, Children, ShopStudy, SmallStudy, assert_balanced, assert_load_balanced, free_address, hogs, load,
    measurements, nest,
    nginx::Nginx,
    quiet::{Watch, generator_core},
    ramp,
    server::{Reply, Server},
    start, start_silent, wait_for_listener,
};

/// Asserts the validity, one of several, and a part of a reason.
#[track_caller]
fn assert_verdict(verdict: &Verdict, validity: &[Validity], part: &str) {
    assert!(
        validity.contains(&verdict.validity) && verdict.reasons.iter().any(|reason| reason.contains(part)),
        "{part:?} is not in {verdict:?}"
    );
}

/// Asserts that the target was the limit, and a part of a reason. If others disturbed the load generator, the
/// step may be invalid as well, for that reason first.
#[track_caller]
fn assert_limited(verdict: &Verdict, watch: &Watch, part: &str) {
    let blames_generator = verdict
        .reasons
        .iter()
        .any(|reason| reason.contains("the generator"));
    let is_excused = verdict.validity == Validity::Invalid && blames_generator && watch.was_disturbed();
    let validity = if is_excused {
        Validity::Invalid
    } else {
        Validity::Limited
    };
    assert_verdict(verdict, &[validity], part);
}

fn verdict_of(load: &serde_json::Value) -> Verdict {
    serde_json::from_value(load["verdict"].clone()).expect("a verdict")
}

/// The shop, started by the test, to be measured at one step of 40 % of its capacity.
struct Shop {
    study: ShopStudy,
    process: Children,
    folder: tempfile::TempDir,
}

/// Three seconds at what the shop can do with ease, after a pilot and steps that hardly count.
const ONE_STEP: [&str; 7] = [
    "measure.window=1s",
    "measure.windows=3",
    "measure.settle=500ms",
    "measure.pilot=500ms",
    "measure.base=0.02",
    "measure.boost=0.1",
    "measure.ramp=[0.4]",
];

impl Shop {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let study = ShopStudy::with_behaviours(folder.path(), &["browse"]);
        study.without_start();
        let mut command = Command::new(BINARY);
        command
            .args([
                "shop",
                "--listen",
                &study.address.to_string(),
                "--cores",
                "0",
                "--items",
                "100",
            ])
            .process_group(0);
        let process = Children(vec![start_silent(command)]);
        wait_for_listener(study.address, true);
        Self {
            study,
            process,
            folder,
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.process.0[0].id() as i32)
    }

    fn arguments(&self) -> Vec<String> {
        let base = format!("target.base_url=http://{}", self.study.address);
        let mut arguments = vec![
            "measure".to_owned(),
            self.study.path.display().to_string(),
            "--set".to_owned(),
            base,
        ];
        ONE_STEP
            .iter()
            .for_each(|one| arguments.extend(["--set".to_owned(), (*one).to_owned()]));
        arguments
    }

    /// Measures it, disturbed from the start of its last step to the end by whatever `disturb` returns.
    fn measure<D>(&self, disturb: impl FnOnce(&Self) -> D) -> Step {
        let mut run = start(self.folder.path(), &self.arguments());
        // Idle, base, boosted; the ramp's only step is the last.
        run.wait_for("step 3 of 4");
        let disturbance = disturb(self);
        run.finish().expect(0);
        drop(disturbance);
        let measured = measurements(&self.study.path);
        assert_balanced(&measured);
        ramp(&measured)[0].clone()
    }
}

#[test]
fn load_a_starved_generator_is_named_and_the_target_is_not_blamed() {
    let shop = Shop::start();
    let step = shop.measure(|_| hogs(generator_core(), 4));
    println!("{:?}", step.verdict);
    assert_verdict(
        &step.verdict,
        &[Validity::Invalid, Validity::Suspect],
        "the generator",
    );
    assert!(
        step.generator.waiting > 0.05 || step.generator.clock_p99_s > 0.001,
        "{:?}",
        step.generator
    );
    assert!(
        step.verdict.reasons[0].contains("the generator"),
        "it comes first: {:?}",
        step.verdict
    );

    // The same without a study: as many as it can, on all cores, all of which somebody else uses too.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let address = free_address();
    let _nginx = Nginx::plain(folder.path(), address);
    let _hogs: Vec<_> = (0..=generator_core()).map(|core| hogs(core, 3)).collect();
    let url = format!("http://{address}/");
    let found = load(
        folder.path(),
        &[&url, "--rate", "200", "--customers", "20", "--for", "3s"],
        0,
    );
    assert_load_balanced(&found);
    println!("{:?}", verdict_of(&found));
    assert_verdict(
        &verdict_of(&found),
        &[Validity::Invalid, Validity::Suspect],
        "the generator",
    );
}

/// How often a step is measured in the hope that nothing else runs.
const MOST_ATTEMPTS: usize = 3;

#[test]
fn load_a_target_that_nobody_disturbs_is_valid_and_never_blamed() {
    for _ in 0..MOST_ATTEMPTS {
        let watch = Watch::start();
        let step = Shop::start().measure(|_| ());
        let was_disturbed = watch.was_disturbed();
        println!("{}: {:?}", step.verdict.validity.label(), step.verdict.reasons);
        assert!(step.verdict.validity != Validity::Limited, "{:?}", step.verdict);
        if step.verdict.validity.is_fitted() {
            assert_eq!(step.total().completed, step.total().due);
            return;
        }
        assert!(was_disturbed, "nobody disturbed it: {:?}", step.verdict);
        let reason = &step.verdict.reasons[0];
        assert!(reason.contains("the generator"), "{:?}", step.verdict);
    }
}

#[test]
fn load_a_generator_without_descriptors_says_how_many_customers_could_act() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let address = free_address();
    let _nginx = Nginx::plain(folder.path(), address);
    let limited = format!(
        "ulimit -n 64; exec {BINARY} load http://{address}/ --customers 200 --think \
         100ms --warm-up 500ms --for 2s --format json"
    );
    let output = Command::new("sh")
        .args(["-c", &limited])
        .output()
        .expect("sh runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_load_balanced(&found);
    let verdict = verdict_of(&found);
    println!("{:?}", verdict);
    assert_verdict(&verdict, &[Validity::Invalid], "of 200 customers could act");
    assert_verdict(&verdict, &[Validity::Invalid], "no file descriptor or port left");
    let reached = found["population"]["reached"].as_u64().expect("a number");
    assert!(
        reached > 0 && reached < 64,
        "{reached} customers with 64 descriptors"
    );
    assert!(
        found["failures"][0]["reason"]
            .as_str()
            .is_some_and(|text| text.contains("may open 64 files") && text.contains("ulimit -n")),
        "{found:#}"
    );
    // What it used is known without another file.
    let used = |name: &str| found[name].as_f64().or(found["generator"][name].as_f64());
    assert!(
        used("cpu") > Some(0.0) && used("peak_memory_bytes") > Some(1e6),
        "{found:#}"
    );
    let too_few = format!("ulimit -n 12; exec {BINARY} load http://{address}/ --threads 8 --for 1s");
    let output = Command::new("sh")
        .args(["-c", &too_few])
        .output()
        .expect("sh runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("ulimit -n"), "{said}");
}

/// Stops and continues a process again and again, for as long as it lives.
struct Throttle {
    is_over: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Throttle {
    fn start(pid: Pid) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let watched = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            while !watched.load(Ordering::Relaxed) {
                for signal in [Signal::SIGSTOP, Signal::SIGCONT] {
                    kill(pid, signal).expect("it runs");
                    sleep(Duration::from_millis(if signal == Signal::SIGSTOP {
                        700
                    } else {
                        300
                    }));
                }
            }
        });
        Self {
            is_over,
            thread: Some(thread),
        }
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread
            .take()
            .into_iter()
            .for_each(|thread| drop(thread.join()));
    }
}

#[test]
fn load_a_target_that_is_stopped_again_and_again_is_limited_and_the_signal_named() {
    let shop = Shop::start();
    let watch = Watch::start();
    let step = shop.measure(|shop| Throttle::start(shop.pid()));
    println!("{:?}", step.verdict);
    assert_limited(&step.verdict, &watch, "SIGSTOP");
    assert_limited(&step.verdict, &watch, "stood still");
}

/// Where control groups are mounted.
const GROUPS: &str = "/sys/fs/cgroup";

/// Control groups with a CPU quota, removed when dropped: one of version 2, or one each of the controllers of
/// version 1 that limit and that count processor time.
struct Quota(Vec<PathBuf>);

impl Quota {
    /// Puts a process into a new group that may use 20 % of a core.
    fn put(pid: Pid) -> Self {
        let is_v2 = Path::new(GROUPS).join("cgroup.controllers").exists();
        let controllers: &[&str] = if is_v2 { &[""] } else { &["cpu", "cpuacct"] };
        let name = format!("locust-nest-test-{pid}");
        let group = |controller: &&str| Path::new(GROUPS).join(controller).join(&name);
        let quota = Self(controllers.iter().map(group).collect());
        quota.limit(is_v2, pid).unwrap_or_else(|error| {
            panic!(
                "no control group with a CPU quota can be made: {error}; it takes root, \
                as which tests/run works"
            )
        });
        quota
    }

    fn limit(&self, is_v2: bool, pid: Pid) -> io::Result<()> {
        if is_v2 {
            fs::write(Path::new(GROUPS).join("cgroup.subtree_control"), "+cpu")?;
        }
        // The two controllers of version 1 may be one folder.
        for group in self.0.iter().filter(|group| !group.is_dir()) {
            fs::create_dir(group)?;
        }
        if is_v2 {
            fs::write(self.0[0].join("cpu.max"), "20000 100000")?;
        } else {
            fs::write(self.0[0].join("cpu.cfs_period_us"), "100000")?;
            fs::write(self.0[0].join("cpu.cfs_quota_us"), "20000")?;
        }
        let join = |group: &PathBuf| fs::write(group.join("cgroup.procs"), pid.to_string());
        self.0.iter().try_for_each(join)
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        for group in &self.0 {
            // Processes must leave it before it can go.
            let inside = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
            let outside = group.with_file_name("cgroup.procs");
            inside.lines().for_each(|pid| drop(fs::write(&outside, pid)));
            for _ in 0..100 {
                if !group.is_dir() || fs::remove_dir(group).is_ok() {
                    break;
                }
                sleep(Duration::from_millis(20));
            }
        }
    }
}

#[test]
fn load_a_target_that_its_quota_holds_back_is_limited_and_the_quota_named() {
    let shop = Shop::start();
    let quota = Quota::put(shop.pid());
    // The pilot sees what one execution costs, and a whole core: the quota is not a core less.
    let path = shop.study.path.join("nest.toml");
    let text = fs::read_to_string(&path).expect("the copy is there");
    let probe = format!(
        "[probes.app]\nkind = \"cgroup\"\npid = {}\ncores = 1\n",
        shop.pid()
    );
    fs::write(&path, format!("{text}\n{probe}")).expect("the copy can be written");
    let watch = Watch::start();
    let step = shop.measure(|_| ());
    drop(quota);
    println!("{:?}", step.verdict);
    assert_limited(&step.verdict, &watch, "the CPU quota held tier `app` back");
    assert!(
        step.windows.iter().all(|window| window.throttled["app"] > 0.0),
        "{:?}",
        step.windows
    );
}

#[test]
fn load_connections_that_are_lost_in_the_middle_are_counted_and_doubted() {
    let count = std::sync::atomic::AtomicU64::new(0);
    let server = Server::start(move |_| {
        if count.fetch_add(1, Ordering::Relaxed) % 20 == 19 {
            Reply::Cut
        } else {
            Reply::text("hello")
        }
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let found = load(
        folder.path(),
        &[&server.url("/"), "--customers", "5", "--requests", "2000"],
        0,
    );
    assert_load_balanced(&found);
    let asked = server.asked().len();
    assert_eq!(
        (asked, &found["requests"]["failed"]),
        (2_000, &100.into()),
        "one in twenty, none of them sent again"
    );
    assert_eq!(
        (
            &found["errors"][0]["kind"],
            &found["generator"]["lost_connections"]
        ),
        (&"lost".into(), &100.into())
    );
    println!("{:?}", verdict_of(&found));
    assert_verdict(
        &verdict_of(&found),
        &[Validity::Suspect, Validity::Limited, Validity::Invalid],
        "100 connections were lost in the middle of a request",
    );
}

#[test]
fn load_starts_without_a_free_customer_are_dropped_and_the_target_is_limited() {
    let server = Server::start(|_| {
        sleep(Duration::from_millis(200));
        Reply::text("hello")
    });
    let more = "[customers]\n[measure]\npilot = \"500ms\"\nsettle = \"500ms\"\nwindow = \"1s\"\n\
        windows = 3\nmax_in_flight = 4\nmax_rate = 100\nbase = 0.0001\nboost = 0.0002\ncustomers = [1000]\n";
    let study = SmallStudy::new(
        &server.url(""),
        &[("look", 20.0, "steps = [{ get = \"/\" }]")],
        more,
    );
    let watch = Watch::start();
    let measured = study.measure();
    let step = ramp(&measured)[0];
    // Four customers at 200 ms are 20 per second of 100.
    let total = step.total();
    println!("{total:?}");
    assert!(total.dropped > total.due / 2 && total.failed == 0, "{total:?}");
    println!("{:?}", step.verdict);
    let dropped = format!("{} starts were dropped", total.dropped);
    assert_limited(&step.verdict, &watch, &dropped);
    let dropped: u64 = step
        .errors
        .iter()
        .filter(|error| error.kind == "dropped")
        .map(|error| error.count)
        .sum();
    assert_eq!(dropped, total.dropped, "{:?}", step.errors);
}

#[test]
fn load_a_rate_beyond_the_connections_waits_and_says_so() {
    let server = Server::start(|_| {
        sleep(Duration::from_millis(100));
        Reply::text("hello")
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let outcome = nest(
        folder.path(),
        &[
            "load",
            &server.url("/"),
            "--rate",
            "100",
            "--customers",
            "4",
            "--for",
            "2s",
            "--warm-up",
            "0s",
            "--timeout",
            "1s",
            "--format",
            "json",
        ],
    )
    .expect(0);
    let found: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_load_balanced(&found);
    let verdict = verdict_of(&found);
    println!("{:?}", verdict);
    assert_verdict(
        &verdict,
        &[Validity::Limited, Validity::Invalid],
        "starts waited because every customer was busy",
    );
    // Waiting counts: from the due time an answer takes far longer than from its sending.
    let (due, sent) = (
        found["response_s"]["p50"].as_f64().expect("a number"),
        found["service_s"]["p50"].as_f64().expect("a number"),
    );
    assert!(due > 2.0 * sent, "{due} from due, {sent} from sent");
}
