//! What no file and no message holds: secrets of the requests, of the answers and of the study's commands,
//! however a target spells them. `SECURITY.md` promises it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::support::{
    Outcome, SHORT, SmallStudy, measurements, nest,
    server::{Asked, Reply, Server},
};

mod addresses;
mod spelled;

use spelled::{echo, environment, failure, login, percent, secret, secrets, spellings, told};

/// Behaviours that send a secret from each place in which one can stand.
const BEHAVIOURS: [(&str, f64, &str); 5] = [
    (
        "login",
        20.0,
        "steps = [{ post = \"/login\", form = { pw = '{{ env(\"FORM_KEY\") }}' }, save = { token = \
         \"$.token\" }, expect = { status = 200, body_contains = \"right\" } }]",
    ),
    (
        "write",
        20.0,
        "steps = [{ post = \"/write\", body = '{{ env(\"BODY_KEY\") }}', name = \"write it\", expect = { \
         body_excludes = \"wrong\" } }, { post = \"/json\", json = { key = '{{ env(\"NEST_JSON_KEY\") }}' }, \
         save = { id = \"$.right\" } }]",
    ),
    (
        "look",
        20.0,
        "needs = \"login\"\nsteps = [{ get = '/look?token={{ env(\"QUERY_KEY\") }}&own={{ token }}', headers \
         = { x-api-key = '{{ env(\"HEADER_KEY\") }}', authorization = \"Bearer {{ token }}\", cookie = \
         'own={{ env(\"COOKIE_KEY\") }}' }, expect = { status = 200, body_contains = \"right\" } }]",
    ),
    (
        "upload",
        20.0,
        "steps = [{ post = \"/upload\", multipart = { part = '{{ env(\"PART_KEY\") }}' }, save = { id = \
         \"$.right\" } }]",
    ),
    (
        "away",
        20.0,
        "needs = \"login\"\nsteps = [{ get = \"/{{ token }}\", redirects = 3, expect = { \
         body_contains = \"right\" } }]",
    ),
];

fn study_of(server: &Server, behaviours: &[(&str, f64, &str)], measure: &str) -> SmallStudy {
    let base = server.url("/v1/{{ env(\\\"PATH_KEY\\\") }}");
    let commands = "env = [\"STATE_KEY\", \"RESET_KEY\"]\nstate = \"env >&2; test -n \\\"$STATE_KEY\\\"\"\n\
        reset = \"echo key=$RESET_KEY/$NEST_JSON_KEY >&2\"";
    let short: String = SHORT
        .iter()
        .map(|one| one.replace("measure.", "") + "\n")
        .collect();
    let short = quoted(&short);
    let probe = format!("[probes.app]\npid = {}\n", std::process::id());
    let more = format!("{commands}\n[customers]\n[measure]\n{short}{measure}\n{probe}");
    SmallStudy::new(&base, behaviours, &more)
}

/// Settings of `--set` as they stand in a file: spans in quotes.
fn quoted(settings: &str) -> String {
    let line = |line: &str| match line.split_once('=') {
        Some((name, value)) if value.ends_with('s') => format!("{name} = \"{value}\"\n"),
        _ => format!("{line}\n"),
    };
    settings.lines().map(line).collect()
}

/// Every file below a folder, with its bytes as a text in lower case.
fn files(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder").map_while(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            let bytes = fs::read(&path).expect("readable");
            found.insert(path, String::from_utf8_lossy(&bytes).to_lowercase());
        }
    }
    found
}

/// Fails the test if a text holds any secret in any spelling.
#[track_caller]
fn assert_without_secrets(what: &str, text: &str) {
    let text = text.to_lowercase();
    for secret in secrets() {
        for spelling in spellings(&secret) {
            assert!(!text.contains(&spelling), "{what} holds {spelling}:\n{text}");
        }
    }
}

#[track_caller]
fn assert_printed_without_secrets(outcome: &Outcome) {
    assert_without_secrets("stdout", &outcome.stdout);
    assert_without_secrets("stderr", &outcome.stderr);
}

#[track_caller]
fn assert_kept_without_secrets(folder: &Path) {
    let files = files(folder);
    assert!(files.len() > 3, "{:?}", files.keys());
    for (path, text) in files {
        assert_without_secrets(&path.display().to_string(), &text);
    }
}

#[test]
fn a_target_that_gives_everything_back_and_fails_leaves_no_secret_behind() {
    for number in 0..8 {
        // The first that fails ends a run, so each is the first in turn. `write` is always there, as it reads
        // the variable that the commands would see otherwise.
        let mut behaviours = BEHAVIOURS[..2].to_vec();
        behaviours.extend(BEHAVIOURS.get(2 + number % 4));
        let count = AtomicUsize::new(number);
        let server = Server::start(move |asked| match asked.path.ends_with("/login") {
            true => login(),
            false => failure(asked, count.fetch_add(1, Ordering::Relaxed)),
        });
        let study = study_of(&server, &behaviours, "");
        let outcome = study.run_with(&["measure", "--yes"], &environment()).expect(6);
        outcome.says("completed nothing. Its first failure: ");
        let told: String = server.asked().iter().flat_map(told).collect();
        assert!(
            told.contains("_KEY") || told.contains("captured"),
            "no secret was sent: {told}"
        );
        assert_printed_without_secrets(&outcome);
        assert_kept_without_secrets(&study.path);
    }
}

/// A server that answers as it should, but each tenth request that is no login.
fn mostly_right(failing: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Server {
    let count = AtomicUsize::new(0);
    Server::start(move |asked| {
        if asked.path.ends_with("/login") {
            return login();
        }
        // Processor time that a probe sees.
        let work = (0..100_000_u64).fold(1, |sum, n| std::hint::black_box(sum ^ (n << 1)));
        std::hint::black_box(work);
        let number = count.fetch_add(1, Ordering::Relaxed);
        if number % 10 == 9 {
            failing(asked, number / 10)
        } else {
            login()
        }
    })
}

#[test]
fn a_whole_walk_over_failing_answers_leaves_no_secret_behind() {
    let server = mostly_right(failure);
    let study = study_of(&server, &BEHAVIOURS, "max_rate = 200");
    let environment = environment();
    let outcome = study
        .run_with(&["measure", "--yes", "--format", "json"], &environment)
        .expect(0);
    assert_printed_without_secrets(&outcome);
    let sent = server.asked();
    for (name, value) in environment
        .iter()
        .filter(|(name, _)| !["STATE_KEY", "RESET_KEY"].contains(name))
    {
        let spelled = [
            value.clone(),
            percent(value, |byte| format!("%{byte:02X}")),
            value.replace('/', "\\/"),
        ];
        let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let came = |asked: &Asked| {
            let all = format!("{}\n{}\n{:?}", asked.path, asked.body, asked.headers);
            spelled
                .iter()
                .chain([&form])
                .any(|spelling| all.contains(spelling.as_str()))
        };
        assert!(sent.iter().any(came), "{name} was not sent");
    }
    let failures: Vec<_> = measurements(&study.path)
        .steps
        .into_iter()
        .flat_map(|step| step.failures)
        .collect();
    let kinds: std::collections::BTreeSet<&str> =
        failures.iter().map(|failure| failure.kind.as_str()).collect();
    assert!(kinds.len() >= 4, "{kinds:?}");
    let seen = |failure: &nest_data::measurement::FailedExchange| {
        failure
            .request
            .starts_with(|letter: char| letter.is_ascii_uppercase())
            && !failure.reason.is_empty()
    };
    assert!(failures.iter().all(seen), "{failures:#?}");
    assert!(
        failures
            .iter()
            .any(|failure| failure.request == "GET /look?token={{ env(\"QUERY_KEY\") }}&own={{ token }}")
    );
    all_valid(&study.path);
    for verb in [&["fit"][..], &["project"], &["report"], &["runs", "list"]] {
        assert_printed_without_secrets(&study.run(verb).expect(0));
    }
    assert!(study.path.join("reports/report.html").exists());
    let run = only_run(&study.path);
    for format in ["human", "json", "csv", "md"] {
        let shown = study.run(&["runs", "show", &run, "--format", format]).expect(0);
        assert_printed_without_secrets(&shown);
    }
    assert_kept_without_secrets(&study.path);
    assert!(!study.path.join("runs").join(&run).join("failures").exists());
}

/// Lets every step be fitted, however much failed in it: that is not what is tested here.
fn all_valid(study: &Path) {
    let path = study.join("measurements.json");
    let text = fs::read_to_string(&path).expect("it was measured");
    let mut document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for step in document["steps"].as_array_mut().expect("steps") {
        step["verdict"]["worth"] = "valid".into();
    }
    fs::write(&path, document.to_string()).expect("written");
}

/// The name of the only run of a study.
fn only_run(study: &Path) -> String {
    let entries = fs::read_dir(study.join("runs"))
        .expect("there")
        .map_while(Result::ok);
    let mut runs = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name());
    runs.next().expect("a run").into_string().expect("UTF-8")
}

#[test]
fn bodies_are_kept_only_where_the_study_says_so_and_without_known_secrets() {
    // The request comes back, in part beyond the 8,192 bytes that are kept, with something that nobody knows.
    let server = mostly_right(|asked, number| Reply::Answer {
        status: [500, 200][number % 2],
        headers: Vec::new(),
        body: format!(
            "new-{}{}",
            "y".repeat(7_800 + number % 400),
            echo(&told(asked), number)
        ),
    });
    let study = study_of(&server, &BEHAVIOURS, "keep_bodies = true");
    let outcome = study.run_with(&["measure", "--yes"], &environment()).expect(0);
    assert_printed_without_secrets(&outcome);
    assert_kept_without_secrets(&study.path);
    let folder = study
        .path
        .join("runs")
        .join(only_run(&study.path))
        .join("failures");
    assert_eq!(
        fs::read_to_string(folder.join(".gitignore")).expect("there"),
        "*\n"
    );
    let bodies = files(&folder).into_values().collect::<String>();
    assert!(bodies.contains("new-yyyy") && bodies.contains("***"), "{bodies}");
    for (path, text) in files(&study.path)
        .into_iter()
        .filter(|(path, _)| !path.starts_with(&folder))
    {
        assert!(!text.contains("new-yyyy"), "{}", path.display());
    }
}

#[test]
fn load_prints_no_secret_in_any_form() {
    let server = Server::start(|asked| failure(asked, asked.path.len()));
    let folder = tempfile::tempdir().expect("a folder");
    let key = secret("HEADER_KEY").replace('é', "e");
    for format in ["human", "json", "csv", "md"] {
        for path in ["/", "/a", "/ab", "/abc", "/abcd"] {
            let url = server.url(path);
            let header = format!("x-api-key: {key}");
            let arguments = [
                "load",
                &url,
                "--requests",
                "3",
                "--customers",
                "1",
                "--header",
                &header,
                "--format",
                format,
            ];
            assert_printed_without_secrets(&nest(folder.path(), &arguments));
        }
    }
}

#[test]
fn commands_see_no_secret_of_the_requests_unless_the_study_passes_it() {
    let server = Server::start(|_| Reply::text("right"));
    let get =
        "steps = [{ get = '/?a={{ env(\"NEST_KEY\") }}', headers = { b = '{{ env(\"OTHER_KEY\") }}' } }]";
    let variables = [
        ("NEST_KEY", "nest-4711".to_owned()),
        ("OTHER_KEY", "other-4711".to_owned()),
        ("NEST_PLAIN", "plain-4711".to_owned()),
    ];
    let base = server.url("/{{ env(\\\"NEST_KEY\\\") }}");
    for (env, seen) in [
        ("", vec!["plain-4711"]),
        ("env = [\"NEST_KEY\"]", vec!["nest-4711", "plain-4711"]),
    ] {
        let more = format!("{env}\nstate = \"env > seen; exit 3\"\n[customers]\n");
        let study = SmallStudy::new(&base, &[("home", 20.0, get)], &more);
        study
            .run_with(&["measure", "--yes", "--plan"], &variables)
            .expect(6);
        let text = fs::read_to_string(study.path.join("seen")).expect("the command ran");
        for (_, value) in &variables {
            assert_eq!(
                text.contains(value.as_str()),
                seen.contains(&value.as_str()),
                "{value}: {text}"
            );
        }
    }
}

#[test]
fn what_a_started_target_logs_has_no_secret_that_is_known() {
    let address = crate::support::free_address();
    let get = "steps = [{ get = '/?a={{ env(\"QUERY_KEY\") }}' }]";
    let key = secret("QUERY_KEY").replace('é', "e");
    let other = secret("STATE_KEY").replace('é', "e");
    let script = format!(
        "printf '%s\\n' '{}' '{}' >&2\nprintf '%s\\n' \"$STATE_KEY\" >&2\nexit 3\n",
        percent(&key, |byte| format!("%{byte:02x}")),
        STANDARD.encode(&key)
    );
    let more = "start = \"sh start.sh\"\nenv = [\"STATE_KEY\"]\n[customers]\n";
    let study = SmallStudy::new(&format!("http://{address}"), &[("home", 20.0, get)], more);
    study.write("start.sh", &script);
    let variables = [("QUERY_KEY", key), ("STATE_KEY", other)];
    let outcome = study.run_with(&["measure", "--yes"], &variables).expect(6);
    assert_printed_without_secrets(&outcome);
    let log = study
        .path
        .join("runs")
        .join(only_run(&study.path))
        .join("target.log");
    let text = fs::read_to_string(log).expect("it was written");
    assert!(text.lines().count() == 3 && text.contains("***"), "{text}");
    assert_without_secrets("target.log", &text);
}

#[test]
fn measurements_of_format_1_are_read_and_what_they_kept_of_answers_is_not() {
    let server = Server::start(|_| Reply::text("right"));
    let short = quoted(
        &SHORT
            .iter()
            .map(|one| one.replace("measure.", "") + "\n")
            .collect::<String>(),
    );
    let probe = format!("[probes.app]\npid = {}\n", std::process::id());
    let more = format!("[customers]\n[measure]\n{short}\n{probe}");
    let study = SmallStudy::new(
        &server.url(""),
        &[("home", 20.0, "steps = [{ get = \"/\" }]")],
        &more,
    );
    study.measure();
    let path = study
        .path
        .join("runs")
        .join(only_run(&study.path))
        .join("steps/001.json");
    let mut step: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&path).expect("there")).expect("JSON");
    step["failures"] =
        serde_json::json!([{ "behaviour": "home", "kind": "check", "exchange": "GET /\npw-4711" }]);
    fs::write(&path, step.to_string()).expect("written");
    let shown = study.run(&["runs", "show", &only_run(&study.path)]).expect(0);
    shown.says("older version");
    assert!(!shown.stderr.contains("pw-4711"), "{}", shown.stderr);

    let path = study.path.join("measurements.json");
    let mut old: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&path).expect("there")).expect("JSON");
    old["header"]["format"] = 1.into();
    old["steps"][1] = step;
    fs::write(&path, old.to_string()).expect("written");
    let read = measurements(&study.path);
    assert_eq!(read.steps[1].failures[0].kind, "check");
    assert!(!serde_json::to_string(&read).expect("JSON").contains("pw-4711"));
}
