//! A locustfile under our steps, with a real Locust: what each step counts is what the server was asked for
//! meanwhile.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use nest_data::{
    Source, Study,
    measurement::{Purpose, Step},
    study::read::{StudyTexts, read_study},
};
use nest_load::{CommandSettings, Event, Interrupt, LoadError, MeasureOptions, measure};

const LOCUSTFILE: &str = r#"
from locust import FastHttpUser, HttpUser, SequentialTaskSet, constant, task


class Shop(HttpUser):
    wait_time = constant(0.1)

    def on_start(self):
        self.client.post("/login")

    @task(9)
    def browse(self):
        self.client.get("/items")

    @task
    def pay(self):
        self.client.post("/pay", json={"amount": 12})


class Reader(FastHttpUser):
    wait_time = constant(0.1)

    @task
    class Read(SequentialTaskSet):
        @task
        def first(self):
            self.client.get("/first")
"#;

/// The Python whose Locust `tests/run` installs.
fn python() -> PathBuf {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/locust/newest/bin/python");
    assert!(
        python.exists(),
        "{} is missing: tests/run installs it",
        python.display()
    );
    python
}

/// A server on loopback that answers everything and counts what it is asked for.
fn server() -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counted = Arc::clone(&counted);
            std::thread::spawn(move || serve(stream, &counted));
        }
    });
    (address, asked)
}

/// Answers the requests of one connection until it ends.
fn serve(stream: TcpStream, asked: &AtomicU64) -> Option<()> {
    let mut answers = stream.try_clone().ok()?;
    let mut requests = BufReader::new(stream);
    loop {
        let mut length = 0;
        let mut lines = 0;
        loop {
            let mut line = String::new();
            if requests.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim().to_lowercase();
            if line.is_empty() {
                break;
            }
            lines += 1;
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        requests.read_exact(&mut body).ok()?;
        if lines > 0 {
            asked.fetch_add(1, SeqCst);
        }
        answers
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .ok()?;
    }
}

/// A study of the server; `locust` becomes part of `[locust]`, `customers` of `[customers]`.
fn study(address: SocketAddr, locust: &str, customers: &str) -> Study {
    let text = format!(
        "nest = 1\n[study]\nname = \"shop\"\ncustomer = \"anybody\"\nseed = 7\n\
         [target]\nbase_url = \"http://{address}\"\n\
         [locust]\nfile = \"locustfile.py\"\npython = \"{}\"\n{locust}\n\
         [locust.behaviours]\nbrowse = \"Shop.browse\"\npay = \"Shop.pay\"\nlogin = \"Shop.on_start\"\n\
         read = \"Read\"\n\
         [rates]\nbrowse = \"20 / day\"\npay = \"2 / day\"\nlogin = \"1 / day\"\nread = \"5 / day\"\n\
         [customers]\npeak_hour_share = 1.0\nburst = 18\n{customers}\n\
         [measure]\nwindow = \"500ms\"\nwindows = 2\nsettle = \"500ms\"\npilot = \"300ms\"\n\
         ramp = [\"10%\", \"20%\"]\nmax_rate = 200\n",
        python().display()
    );
    let texts = StudyTexts {
        nest: Source::new("nest.toml", text),
        behaviours: BTreeMap::new(),
        code: BTreeMap::new(),
    };
    read_study(&texts, &[]).expect("a valid study")
}

/// Measures; checks of each step that the server was asked as often as it counted.
fn measured(locust: &str, customers: &str) -> Result<Vec<Step>, LoadError> {
    let (address, asked) = server();
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("locustfile.py"), LOCUSTFILE).expect("a temporary folder");
    let study = study(address, locust, customers);
    let options = MeasureOptions {
        commands: CommandSettings {
            folder: folder.path().to_owned(),
            ..CommandSettings::default()
        },
        ..MeasureOptions::default()
    };
    let mut before = 0;
    let mut watch = |event: Event<'_>| {
        match event {
            Event::StepStarted(_) => before = asked.load(SeqCst),
            Event::StepFinished(step) => {
                let counts = step.executions.values().chain([&step.settling]);
                let counted: u64 = counts.map(|counts| counts.completed + counts.failed).sum();
                let found = asked.load(SeqCst) - before;
                assert_eq!(found, counted, "{}: {:?}", step.plan.label(), step.errors);
                assert!(step.executions.values().all(|counts| counts.balance()));
                assert_eq!(step.errors, [], "{}", step.plan.label());
            }
            _ => {}
        }
        Ok(())
    };
    let outcome = measure(&study, options, &Interrupt::default(), &mut watch)?;
    Ok(outcome.steps)
}

fn loaded(steps: &[Step]) -> impl Iterator<Item = &Step> {
    steps.iter().filter(|step| step.plan.purpose != Purpose::Idle)
}

#[test]
fn load_tasks_on_our_schedule_are_counted_exactly() {
    let one = measured("", "").expect("it is measured");
    assert!(loaded(&one).all(|step| step.executions.values().any(|counts| counts.completed > 0)));
    assert!(one.iter().any(|step| {
        step.executions
            .get("read")
            .is_some_and(|counts| counts.completed > 0)
    }));
}

#[test]
fn load_two_processes_share_a_schedule_and_are_counted_exactly() {
    measured("processes = 2", "").expect("it is measured");
}

#[test]
fn load_users_as_they_are_written_are_counted_exactly() {
    let steps = measured("", "arrival = \"closed\"\nthink = \"100ms\"").expect("it is measured");
    assert!(loaded(&steps).all(|step| step.population.is_some()));
}

#[test]
fn a_task_that_is_not_there_is_refused_with_the_nearest_one() {
    let (address, _) = server();
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(
        folder.path().join("locustfile.py"),
        LOCUSTFILE.replace("def pay", "def pya"),
    )
    .expect("a file");
    let options = MeasureOptions {
        commands: CommandSettings {
            folder: folder.path().to_owned(),
            ..CommandSettings::default()
        },
        ..MeasureOptions::default()
    };
    let refused = measure(
        &study(address, "", ""),
        options,
        &Interrupt::default(),
        &mut |_| Ok(()),
    );
    match refused {
        Err(LoadError::Locustfile { reason, remedy }) => {
            assert!(
                reason.contains("Shop.pay, which the locustfile does not have"),
                "{reason}"
            );
            assert!(remedy.contains("did you mean Shop.pya?"), "{remedy}");
        }
        other => panic!("{other:?}"),
    }
}
