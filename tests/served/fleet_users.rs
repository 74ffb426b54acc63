//! What users of a broker may: nothing secret travels, a worker cannot command, and a worker does not do
//! everything that a coordinator says.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::fleet_hosts::work;
use crate::support::{
    SmallStudy, assert_balanced,
    broker::{Broker, COORDINATOR, TAP, WORKER},
    fleet::{SESSION, Session},
    measurements, ramp,
    server::{Reply, Server},
    tap::{Connection, Message, Tap},
    wait_until,
};

/// A secret that behaviours read from the environment: name of its variable, and value.
const SECRET: (&str, &str) = ("NEST_TEST_TOKEN", "s3cr3t-9f31c7aa");
/// With which a worker lets the study read it.
const ALLOWED: [&str; 2] = ["--allow-env", SECRET.0];
/// Its value where the coordinator runs, which no worker uses.
const OTHER_SECRET: (&str, &str) = ("NEST_TEST_TOKEN", "s3cr3t-of-the-coordinator");

/// Sends the secret.
const LOOK: &str =
    r#"steps = [{ get = "/look", headers = { authorization = "Bearer {{ env(\"NEST_TEST_TOKEN\") }}" } }]"#;
/// Sends it in a URL, and gets it back; every third one fails, so that the exchange is kept.
const FAIL: &str = r#"steps = [{ get = "/fail?token={{ env(\"NEST_TEST_TOKEN\") }}" }]"#;

/// A server that repeats what it is asked. The first of three requests of `fail` fails.
fn echo() -> Server {
    let failing = AtomicU32::new(0);
    Server::start(move |asked| {
        work();
        let fails = asked.path.starts_with("/fail") && failing.fetch_add(1, Relaxed).is_multiple_of(3);
        let status = if fails { 500 } else { 200 };
        Reply::Answer {
            status,
            headers: Vec::new(),
            body: format!("{} {:?}", asked.path, asked.headers),
        }
    })
}

fn study(server: &Server) -> SmallStudy {
    let more = "[customers]\n[measure]\npilot = \"1s\"\nsettle = \"300ms\"\nsettle_most = \"300ms\"\n\
                window = \"500ms\"\nwindows = 2\nmax_rate = 200\nbase = 0.1\nboost = 0.2\n\
                customers = [300]\n";
    SmallStudy::new(
        &server.url(""),
        &[("look", 20.0, LOOK), ("fail", 4.0, FAIL)],
        more,
    )
}

/// A broker, with the folder that its session is in.
struct Place {
    broker: Broker,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self {
            broker: Broker::start(&folder.path().join("broker")),
            folder,
        }
    }

    fn session(&self) -> Session<'_> {
        Session::on(&self.broker, self.folder.path())
    }

    fn tap(&self) -> Tap {
        Tap::open(self.broker.address, TAP.0, TAP.1)
    }
}

/// Every message of a run of two workers, which have another secret than the coordinator.
fn recorded() -> Vec<Message> {
    let place = Place::new();
    let (tap, session) = (place.tap(), place.session());
    let server = echo();
    let study = study(&server);
    let workers = ["one", "two"].map(|name| session.worker_with(None, name, &ALLOWED, &[SECRET]));
    session
        .measure_with(None, &study, 2, &[], &[OTHER_SECRET])
        .finish()
        .expect(0);
    drop(workers);
    let measured = measurements(&study.path);
    assert_balanced(&measured);
    let kept = measured.steps.iter().flat_map(|step| &step.failures);
    assert!(kept.count() > 0, "exchanges that failed are kept");
    let bearer = format!("Bearer {}", SECRET.1);
    let was_sent = |asked: &crate::support::server::Asked| {
        asked
            .headers
            .iter()
            .any(|(name, value)| name == "authorization" && *value == bearer)
    };
    assert!(
        server.asked().iter().any(was_sent),
        "workers send their own secret"
    );
    let is_others = |asked: &crate::support::server::Asked| format!("{asked:?}").contains(OTHER_SECRET.1);
    assert!(!server.asked().iter().any(is_others), "and no other");
    tap.messages()
}

/// A message as text, and what is packed in it.
fn texts(message: &Message) -> Vec<String> {
    let text = String::from_utf8_lossy(&message.payload).into_owned();
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    let packed = value["data"].as_str().and_then(|data| STANDARD.decode(data).ok());
    let unpacked = packed.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    [Some(text), unpacked].into_iter().flatten().collect()
}

#[test]
fn nothing_secret_is_in_any_message_of_a_run() {
    let messages = recorded();
    let verbs = |verb: &str| {
        let key = format!("\"verb\":\"{verb}\"");
        let with = |message: &&Message| String::from_utf8_lossy(&message.payload).contains(&key);
        messages.iter().filter(with).count()
    };
    for verb in ["ping", "study", "prepare", "start", "windows", "close", "leave"] {
        assert!(verbs(verb) >= 2, "{verb} was recorded for two workers");
    }
    let answers = messages
        .iter()
        .filter(|message| message.subject.starts_with("_INBOX."))
        .count();
    assert!(answers > 20, "{answers} answers were recorded");
    let all: Vec<String> = messages.iter().flat_map(texts).collect();
    assert!(
        all.iter().any(|text| text.contains("NEST_TEST_TOKEN")),
        "its name travels"
    );
    let encoded = STANDARD.encode(SECRET.1);
    for secret in [SECRET.1, &encoded, OTHER_SECRET.1, COORDINATOR.1, WORKER.1] {
        let found = all.iter().find(|text| text.contains(secret));
        assert!(found.is_none(), "{secret} is in {found:?}");
    }
}

/// Subjects of the session.
fn subject(end: &str) -> String {
    format!("nest.1.{SESSION}.{end}")
}

#[test]
fn a_user_with_a_workers_password_cannot_command_and_disturbs_no_run() {
    let place = Place::new();
    let (tap, session) = (place.tap(), place.session());
    let server = echo();
    let study = study(&server);
    let worker = session.worker_with(None, "one", &ALLOWED, &[SECRET]);
    // The coordinator sends no request: it needs no secret of theirs.
    let mut coordinator = session.measure(None, &study, 1, &[]);
    coordinator.wait_for("step 2 of");
    let commands = subject("w.");
    let mut ids = tap
        .messages()
        .into_iter()
        .filter_map(|message| Some(message.subject.strip_prefix(&commands)?.to_owned()));
    let id = ids.next_back().expect("the worker was told something");
    let mut intruder =
        Connection::open(place.broker.address, WORKER.0, WORKER.1).expect("a worker's password");
    for (order, to) in [("stop", "w."), ("leave", "w."), ("forget", "w.")] {
        intruder.publish(
            &subject(&format!("{to}{id}")),
            "_INBOX.worker.x",
            json!({ "verb": order, "step": 1 }).to_string().as_bytes(),
        );
        assert!(intruder.was_refused(), "it commands: {order}");
    }
    let beat = json!({ "seq": 1, "step": 1, "state": "idle", "coordinator": "other" });
    intruder.publish(&subject("beat"), "", beat.to_string().as_bytes());
    assert!(intruder.was_refused(), "it can claim to be a coordinator");
    for closed in ["_INBOX.coord.>", &subject("join"), &subject("p.*"), ">"] {
        intruder.subscribe(closed);
        assert!(intruder.was_refused(), "it hears {closed}");
    }
    // Who asks names where the answer goes: another worker does not take that for an order.
    let request = json!({ "protocol": 1, "build": "x", "name": "two", "nonce": "n", "slots": 1, "cores": 1,
        "cpu": "", "memory_bytes": 1, "kernel": "", "code": [], "allow_hosts": [], "max_rate": null,
        "max_customers": null, "quota_cores": null });
    for to in [format!("w.{id}"), "w.none".to_owned(), "beat".to_owned()] {
        let to = subject(&to);
        intruder.publish(&subject("join"), &to, request.to_string().as_bytes());
    }
    intruder.publish(&subject("join"), "_INBOX.worker.x", b"{\"protocol\":");
    assert!(
        !intruder.was_refused(),
        "whoever has the password may ask to join"
    );
    coordinator.finish().expect(0);
    let measured = measurements(&study.path);
    assert_balanced(&measured);
    assert_eq!(ramp(&measured).len(), 1, "no step was made again");
    // Nothing was answered where only the coordinator speaks: on these subjects are orders and beats.
    for message in tap.messages() {
        let text = String::from_utf8_lossy(&message.payload);
        if message.subject.starts_with(&commands) {
            assert!(text.contains("\"verb\":"), "{}: {text}", message.subject);
        } else if message.subject == subject("beat") {
            assert!(text.contains("\"seq\":"), "{text}");
        }
    }
    drop(worker);
}

/// A coordinator that says what it likes.
struct Scripted {
    connection: Connection,
}

impl Scripted {
    /// Lets the next worker join.
    fn admit(address: SocketAddr, start: impl FnOnce()) -> Self {
        let mut connection = Connection::open(address, COORDINATOR.0, COORDINATOR.1).expect("its password");
        connection.subscribe(&subject("join"));
        connection.subscribe("_INBOX.coord.>");
        assert!(!connection.was_refused());
        start();
        let request = connection.message();
        let answer = json!({ "id": "7", "first_slot": 0, "slots": 1, "dead_man_s": 60.0 });
        let reply = request.reply.expect("it wants an answer");
        connection.publish(&reply, "", answer.to_string().as_bytes());
        let mut scripted = Self { connection };
        wait_until("the worker listens", || {
            scripted.says(br#"{"verb":"ping","t":1}"#).contains("\"t1\"")
        });
        scripted
    }

    /// What the worker answers; what the broker says if nobody listens is nothing.
    fn says(&mut self, order: &[u8]) -> String {
        let answer = self.connection.ask(&subject("w.7"), "_INBOX.coord.x", order);
        String::from_utf8_lossy(&answer.payload).into_owned()
    }

    /// What it answers to a study.
    fn says_to_study(&mut self, study: &Value) -> String {
        let bytes = study.to_string().into_bytes();
        let digest: String = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let order =
            json!({ "verb": "study", "part": 0, "of": 1, "data": STANDARD.encode(&bytes), "sha256": digest });
        self.says(order.to_string().as_bytes())
    }
}

#[test]
fn a_worker_refuses_what_no_coordinator_may_say() {
    let messages = recorded();
    let mut sent = messages.iter().filter_map(|message| {
        let order: Value = serde_json::from_slice(&message.payload).ok()?;
        (order["verb"] == "study").then(|| STANDARD.decode(order["data"].as_str()?).ok())?
    });
    let honest: Value = serde_json::from_slice(&sent.next_back().expect("a study was sent")).expect("JSON");
    let place = Place::new();
    let session = place.session();
    let mut worker = None;
    let mut coordinator = Scripted::admit(place.broker.address, || {
        worker = Some(session.worker_with(None, "one", &ALLOWED, &[SECRET]))
    });
    let mut worker = worker.expect("it was started");

    let mut elsewhere = honest.clone();
    elsewhere["study"]["target"]["base_url"] = "http://192.0.2.1:80".into();
    elsewhere["study"]["target"]["allow_hosts"] = json!(["192.0.2.1"]);
    let said = coordinator.says_to_study(&elsewhere);
    assert!(
        said.contains("error") && said.contains("--allow-host 192.0.2.1"),
        "{said}"
    );

    let reads_home = honest.to_string().replace(SECRET.0, "HOME");
    let said = coordinator.says_to_study(&serde_json::from_str(&reads_home).expect("JSON"));
    assert!(
        said.contains("error") && said.contains("--allow-env HOME"),
        "{said}"
    );

    let marker = place.folder.path().join("was-run");
    for key in ["start", "reset", "state"] {
        let mut commands = honest.clone();
        commands["study"]["target"][key] = format!("touch {}", marker.display()).into();
        let said = coordinator.says_to_study(&commands);
        assert!(said.contains("error") && said.contains(key), "{said}");
    }

    let feed = json!({ "verb": "feed", "name": "rows", "part": 0, "of": 8192, "data": "", "sha256": "0" });
    let too_long = [
        b"{\"verb\":\"ping\",\"t\":1,\"more\":\"".to_vec(),
        vec![b'x'; 600 << 10],
        b"\"}".to_vec(),
    ]
    .concat();
    let too_deep = format!(
        "{{\"verb\":\"ping\",\"t\":1,\"more\":{}{}}}",
        "[".repeat(40),
        "]".repeat(40)
    );
    for order in [
        feed.to_string().as_bytes(),
        &too_long,
        too_deep.as_bytes(),
        b"{\"verb\":\"shell\"}",
        b"{\"verb\":\"pi",
        b"\xff",
    ] {
        let said = coordinator.says(order);
        let shown = String::from_utf8_lossy(&order[..order.len().min(60)]).into_owned();
        assert!(said.contains("\"error\""), "{shown}: {said}");
    }
    let unstarted =
        coordinator.says(br#"{"verb":"start","step":1,"start_ns":0,"offset_ns":0,"hard_end_ns":1}"#);
    assert!(unstarted.contains("\"error\""), "{unstarted}");

    // After all of it, it is still there, and takes an honest study.
    let said = coordinator.says_to_study(&honest);
    assert!(said.contains("\"ok\":true"), "{said}");
    assert!(worker.is_running() && !marker.exists(), "{}", worker.stderr());
}
