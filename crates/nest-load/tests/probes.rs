//! Probes of every kind against real processes and a real metrics server.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use nest_data::{
    Source, Study,
    study::probe::Figure,
    study::read::{StudyTexts, read_study},
};
use nest_load::{
    Interrupt, LoadError,
    observe::{Observer, ProbeReading, Sample, cgroup::Cgroup},
};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

/// A study with these probes.
fn study(probes: &str) -> Study {
    let head = "nest = 1\n[study]\nname = \"s\"\ncustomer = \"c\"\n[target]\nbase_url = \
     \"http://127.0.0.1:1\"\n\
                [customers]\npeak_hour_share = \"12%\"\nburst = 1.5\n[rates]\na = \"1 / day\"\n";
    let behaviours = [("a".to_owned(), Source::new("a.toml", "steps = [{ get = \"/\" }]"))]
        .into_iter()
        .collect();
    read_study(
        &StudyTexts {
            nest: Source::new("nest.toml", format!("{head}{probes}")),
            behaviours,
            code: Default::default(),
        },
        &[],
    )
    .expect("a valid study")
}

fn observe(probes: &str) -> Result<Observer, LoadError> {
    Observer::new(&study(probes), None, 1, &Interrupt::default())
}

/// How a metrics server answers.
#[derive(Clone)]
enum Answer {
    /// With a page.
    Page(String),
    /// With a status and a body.
    Status(u16, String),
    /// With a redirect.
    Redirect(String),
    /// By closing the connection.
    HangUp,
}

/// A small metrics server on a port of its own. It ends when dropped.
struct Server {
    address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
    asked: Arc<Mutex<Vec<String>>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn new(answer: Answer) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = socket.local_addr().expect("bound");
        let (answer, asked, ended) = (
            Arc::new(Mutex::new(answer)),
            Arc::default(),
            Arc::new(AtomicBool::new(false)),
        );
        let shared = (Arc::clone(&answer), Arc::clone(&asked), Arc::clone(&ended));
        let thread = std::thread::spawn(move || {
            for connection in socket.incoming().flatten() {
                if shared.2.load(Ordering::Acquire) {
                    return;
                }
                let answer = shared.0.lock().expect("not poisoned").clone();
                serve(connection, answer, &shared.1);
            }
        });
        Self {
            address,
            answer,
            asked,
            ended,
            thread: Some(thread),
        }
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().expect("not poisoned") = answer;
    }

    fn url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("not poisoned").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        // Wakes the thread up; it looks at the flag and ends.
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Reads one request and answers it; a client that goes away in between is its own business.
fn serve(connection: TcpStream, answer: Answer, asked: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(&connection).lines().map_while(Result::ok);
    asked.lock().expect("not poisoned").extend(lines.next());
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    let (status, header, body) = match answer {
        Answer::Page(body) => (200, String::new(), body),
        Answer::Status(status, body) => (status, String::new(), body),
        Answer::Redirect(to) => (302, format!("location: {to}\r\n"), String::new()),
        Answer::HangUp => return,
    };
    let head = format!(
        "HTTP/1.1 {status} x\r\n{header}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = (&connection)
        .write_all(head.as_bytes())
        .and_then(|()| (&connection).write_all(body.as_bytes()));
}

/// A shell script in a process group of its own, which ends with it.
struct Script(Child);

impl Script {
    fn new(script: &str) -> Self {
        Self(
            Command::new("sh")
                .args(["-c", script])
                .stdout(Stdio::piped())
                .process_group(0)
                .spawn()
                .expect("sh runs"),
        )
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    /// The first line that it prints.
    fn line(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.0.stdout.as_mut().expect("piped"))
            .read_line(&mut line)
            .expect("it prints a line");
        line.trim().to_owned()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = killpg(Pid::from_raw(self.0.id() as i32), Signal::SIGKILL);
        let _ = self.0.wait();
    }
}

const SPIN: &str = "while :; do :; done";

fn page(cpu: f64, memory: f64) -> Answer {
    Answer::Page(format!(
        "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total {cpu}\n\
         process_resident_memory_bytes {memory}\n"
    ))
}

fn metrics(tier: &str, server: &Server) -> String {
    format!(
        "[probes.{tier}]\ntier = \"{tier}\"\nkind = \"prometheus\"\nscrape = \"{}\"\npreset = \"process\"\n\
         cores = 4\n",
        server.url()
    )
}

/// Looks after which something is not going to happen.
const LOOKS: usize = 100_000;

/// Samples until a resource has been used for some seconds since the first sample.
#[track_caller]
fn until(observer: &mut Observer, first: &Sample, resource: &str, busy_s: f64) -> Sample {
    for _ in 0..LOOKS {
        let sample = observer.sample().expect("a sample");
        if sample
            .since(first)
            .used
            .get(resource)
            .is_some_and(|used| *used >= busy_s)
        {
            return sample;
        }
        std::thread::yield_now();
    }
    panic!("{resource} was never used for {busy_s} s");
}

/// Waits until a condition holds.
#[track_caller]
fn eventually(condition: impl Fn() -> bool) {
    let holds = (0..LOOKS).any(|_| {
        std::thread::yield_now();
        condition()
    });
    assert!(holds, "it never became true");
}

fn value(sample: &Sample, tier: &str, figure: Figure) -> f64 {
    match &sample.readings[&(tier.to_owned(), figure)] {
        ProbeReading::Known { points, .. } => points.values().map(|point| point.value).sum(),
        ProbeReading::Missing(why) => panic!("{why}"),
    }
}

#[test]
fn load_tiers_of_every_kind_are_read_at_once() {
    let (spinning, server) = (Script::new(SPIN), Server::new(page(10.0, 1e6)));
    let own = std::process::id();
    // On a machine without readable groups the cgroup probe says so, which is all that it can do there.
    let group = Cgroup::of(own).is_some();
    let mut probes = format!(
        "[probes.app]\npid = {}\n{}",
        spinning.pid(),
        metrics("db", &server)
    );
    let grouped = format!("[probes.group]\ntier = \"group\"\nkind = \"cgroup\"\npid = {own}\n");
    if group {
        probes += &grouped;
    } else {
        assert!(
            observe(&grouped)
                .expect_err("no group")
                .to_string()
                .contains("is in no cgroup")
        );
    }
    let mut observer = observe(&probes).expect("all are there");
    let names: Vec<&str> = observer
        .resources()
        .iter()
        .map(|resource| resource.name.as_str())
        .collect();
    assert!(
        ["app/cpu", "app/memory", "db/cpu", "db/memory"]
            .iter()
            .all(|name| names.contains(name))
            && !names.contains(&"db/disk"),
        "{names:?}"
    );
    let first = observer.sample().expect("a sample");
    server.answers(page(12.0, 3e6));
    let usage = until(&mut observer, &first, "app/cpu", 0.5).since(&first);
    // The page's counter rose by 2; readings further apart than a quarter of the window would have been left
    // out.
    assert!(
        (usage.used["db/cpu"] - 2.0).abs() < 0.5 && usage.used["db/memory"] == 3e6,
        "{usage:?}"
    );
    assert!(
        usage.used["app/memory"] > 1e5 && usage.waiting.contains_key("app"),
        "{usage:?}"
    );
    assert!(
        !usage.waiting.contains_key("db") && !usage.throttled.contains_key("db"),
        "{usage:?}"
    );
    if group {
        assert!(
            usage.used.contains_key("group/cpu")
                && usage.used["group/memory"] > 1e5
                && usage.waiting.contains_key("group"),
            "{usage:?}"
        );
    }
}

#[test]
fn metrics_that_fail_and_come_back_lower_are_gaps_and_never_numbers() {
    let server = Server::new(page(12.3, 5.0));
    let mut observer = observe(&metrics("db", &server)).expect("it is there");
    let serving = observer.sample().expect("a sample");
    let url = server.url();
    for (answer, why) in [
        (
            Answer::Status(503, String::new()),
            format!("db: {url} answered with status 503"),
        ),
        (
            Answer::Redirect("http://127.0.0.1:1/elsewhere".to_owned()),
            format!("db: {url} answered with status 302"),
        ),
        (Answer::HangUp, format!("db: no answer from {url}: ")),
        (
            Answer::Page("<html>".to_owned()),
            format!("db: {url} gives no metrics"),
        ),
        (
            Answer::Page("process_resident_memory_bytes 5\n".to_owned()),
            format!("db: `process_cpu_seconds_total` is not at {url}"),
        ),
        (
            page(f64::NAN, 5.0),
            format!("db: a series of `process_cpu_seconds_total` is no number at {url}"),
        ),
        (
            Answer::Page("#".repeat(17 << 20)),
            format!("db: no answer from {url}: the page is longer than 16 MiB"),
        ),
    ] {
        server.answers(answer);
        let failing = observer.sample().expect("a gap is no error");
        server.answers(page(12.3, 5.0));
        let usage = failing.since(&serving);
        assert!(!usage.used.contains_key("db/cpu"), "{usage:?}");
        assert!(
            usage.gaps.len() == 1 && usage.gaps[0].starts_with(&why),
            "{:?}, not {why}",
            usage.gaps
        );
        // The window after the gap does not know what was used either, but how much memory there is.
        let usage = observer.sample().expect("a sample").since(&failing);
        assert!(
            !usage.used.contains_key("db/cpu")
                && usage.used["db/memory"] == 5.0
                && usage.gaps[0].starts_with(&why),
            "{usage:?}"
        );
    }
    server.answers(page(0.1, 5.0));
    let usage = observer.sample().expect("a sample").since(&serving);
    assert_eq!(
        usage.gaps,
        ["db/cpu fell from 12.3 to 0.1: its process was restarted"]
    );
    assert!(!usage.used.contains_key("db/cpu") && usage.used["db/memory"] == 5.0);
    assert!(
        server
            .asked()
            .iter()
            .all(|request| request == "GET /metrics HTTP/1.1"),
        "{:?}",
        server.asked()
    );
}

#[test]
fn metrics_that_are_not_there_at_the_start_are_an_error_with_a_remedy() {
    let error = |probes: &str| observe(probes).expect_err("must be refused").to_string();
    let gone = TcpListener::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("a free port");
    let probe = format!(
        "[probes.db]\nkind = \"prometheus\"\nscrape = \"http://{gone}/metrics\"\ncores = 1\npreset = \
         \"process\"\n"
    );
    let found = error(&probe);
    assert!(
        found.contains(&format!(
            "probe `db`: no answer from http://{gone}/metrics: connection refused; \
         start what serves it, or correct `scrape`"
        )),
        "{found}"
    );

    let server = Server::new(page(1.0, 2.0));
    let collect = |expression: &str| {
        metrics("db", &server).replace(
            "preset = \"process\"",
            &format!("collect = {{ cpu = '{expression}' }}"),
        )
    };
    let found = error(&collect("proces_cpu_second_total"));
    assert!(
        found.contains("`proces_cpu_second_total` is not at http://127.0.0.1")
            && found.contains("nearest there are process_cpu_seconds_total"),
        "{found}"
    );
    server.answers(Answer::Page("a{b=\"1\"} 1\na{b=\"2\"} 2\n".to_owned()));
    let found = error(&collect("a{b=\"3\"}"));
    assert!(
        found.contains("nearest there are a{b=\"1\"}, a{b=\"2\"}"),
        "{found}"
    );
    let mut observer = observe(&collect("a{b=~\"1|2\"}")).expect("both are there");
    assert_eq!(
        value(&observer.sample().expect("a sample"), "db", Figure::Cpu),
        3.0
    );
}

#[test]
fn what_a_preset_offers_and_the_page_lacks_is_left_out() {
    let page = "node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} 900\n\
                node_cpu_seconds_total{cpu=\"0\",mode=\"user\"} 7\n\
                node_cpu_seconds_total{cpu=\"0\",mode=\"system\"} 2.5\nnode_memory_MemTotal_bytes 100\n\
                 node_memory_MemAvailable_bytes 30\n";
    let server = Server::new(Answer::Page(page.to_owned()));
    let mut observer = observe(&metrics("db", &server).replace("\"process\"", "\"node_exporter\""))
        .expect("what is needed is there");
    assert_eq!(
        observer
            .resources()
            .iter()
            .map(|resource| resource.name.as_str())
            .collect::<Vec<_>>(),
        ["db/cpu", "db/memory"]
    );
    let sample = observer.sample().expect("a sample");
    assert_eq!(
        (
            value(&sample, "db", Figure::Cpu),
            value(&sample, "db", Figure::Memory)
        ),
        (9.5, 70.0)
    );
}

#[test]
fn a_prometheus_server_is_asked_and_stale_samples_are_gaps() {
    let answer = |at_s: f64, value: f64| {
        Answer::Page(format!(
            r#"{{"status":"success","data":{{"resultType":"matrix",
                "result":[{{"metric":{{"__name__":"c","job":"db"}},
                "values":[[1,"0"],[{at_s},"{value}"]]}}]}}}}"#
        ))
    };
    let server = Server::new(answer(100.0, 5.0));
    let probe = format!(
        "[probes.db]\ntier = \"db\"\nkind = \"prometheus\"\nquery = \"http://{}\"\ncores = 2\ncollect = {{ \
         cpu = 'c{{job=\"db\"}}' }}\n",
        server.address
    );
    let mut observer = observe(&probe).expect("it answers");
    let first = observer.sample().expect("a sample");
    assert_eq!(value(&first, "db", Figure::Cpu), 5.0);
    let usage = observer.sample().expect("a sample").since(&first);
    assert!(
        usage.used.is_empty() && usage.gaps[0].contains("db/cpu was not read anew by its source"),
        "{usage:?}"
    );
    server.answers(answer(115.0, 9.0));
    let usage = observer.sample().expect("a sample").since(&first);
    assert!(
        usage.used.is_empty() && usage.gaps[0].contains("db/cpu was read over 15 s"),
        "{usage:?}"
    );
    assert!(
        server
            .asked()
            .iter()
            .all(|request| request.starts_with("GET /api/v1/query?query=c%7Bjob%3D%22db%22%7D%5B2m%5D ")),
        "{:?}",
        server.asked()
    );

    server.answers(Answer::Status(
        400,
        r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#.to_owned(),
    ));
    let found = observe(&probe).expect_err("refused").to_string();
    assert!(
        found.contains("does not answer `c{job=\"db\"}`: parse error; correct `collect` of [probes.db]"),
        "{found}"
    );
}

#[test]
fn load_a_quota_that_holds_a_process_back_is_seen() {
    let script = Script::new(SPIN);
    // A group with a fifth of a core, where this machine lets us make one (version 1 or 2); else the one it
    // is in already.
    let name = format!("locust-nest-quota-{}", std::process::id());
    let made: Option<PathBuf> = ["cpu", "cpu,cpuacct", ""]
        .iter()
        .map(|controller| Path::new("/sys/fs/cgroup").join(controller).join(&name))
        .find(|group| {
            let limited = |group: &Path| {
                let v1 = fs::write(group.join("cpu.cfs_quota_us"), "20000")
                    .and_then(|()| fs::write(group.join("cpu.cfs_period_us"), "100000"));
                v1.or_else(|_| fs::write(group.join("cpu.max"), "20000 100000"))
            };
            let joined = fs::create_dir(group)
                .and_then(|()| limited(group))
                .and_then(|()| fs::write(group.join("cgroup.procs"), script.pid().to_string()));
            joined.inspect_err(|_| drop(fs::remove_dir(group))).is_ok()
        });
    let mut observer = observe(&format!("[probes.app]\npid = {}\n", script.pid())).expect("it is there");
    let first = observer.sample().expect("a sample");
    let usage = until(&mut observer, &first, "app/cpu", 0.1).since(&first);
    drop(script);
    let capacity = observer.resources()[0].capacity;
    made.iter()
        .for_each(|group| fs::remove_dir(group).expect("its only process has ended"));
    if made.is_some() {
        assert!(
            usage.throttled["app"] > 0.0 && capacity == Some(0.2),
            "{usage:?}, {capacity:?}"
        );
    } else {
        assert!(
            usage.throttled.get("app").is_none_or(|seconds| *seconds >= 0.0),
            "{usage:?}"
        );
    }
}

#[test]
fn load_a_tier_is_stopped_when_those_who_work_are() {
    // A shell that only waits, and its child that works: a master and its worker.
    let mut script = Script::new(&format!("sh -c '{SPIN}' & echo $!; wait"));
    let worker = Pid::from_raw(script.line().parse().expect("a process number"));
    let master = Pid::from_raw(script.pid() as i32);
    let mut observer = observe(&format!("[probes.app]\npid = {}\n", script.pid())).expect("it is there");
    let first = observer.sample().expect("a sample");
    until(&mut observer, &first, "app/cpu", 0.05);
    assert!(!observer.is_stopped());
    kill(worker, Signal::SIGSTOP).expect("it is there");
    eventually(|| observer.is_stopped());
    assert_eq!(observer.stopped_tier(), Some("app"));
    kill(worker, Signal::SIGCONT).expect("it is there");
    eventually(|| !observer.is_stopped());
    // The master may be stopped as long as its worker is not.
    kill(master, Signal::SIGSTOP).expect("it is there");
    eventually(|| {
        fs::read_to_string(format!("/proc/{master}/status"))
            .expect("it is there")
            .contains("T (stopped)")
    });
    assert!(!observer.is_stopped());
    kill(master, Signal::SIGCONT).expect("it is there");
}
