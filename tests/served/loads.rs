//! `load`: what it counts, how it ends, and what it refuses.

use std::{
    fs,
    net::TcpListener,
    sync::atomic::{AtomicU64, Ordering},
};

use nix::sys::signal::Signal;

use crate::support::{
    assert_load_balanced,
    documented::assert_csv,
    fleet::{JOIN, start_by_line, worker_line},
    free_address, load, nest,
    nginx::Nginx,
    server::{Asked, Reply, Server},
    start,
};

#[test]
fn counts_of_a_plain_get_balance_and_statuses_add_up() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let address = free_address();
    let _nginx = Nginx::plain(folder.path(), address);
    let found = load(
        folder.path(),
        &[
            &format!("http://{address}/"),
            "--customers",
            "20",
            "--think",
            "10ms",
            "--warm-up",
            "500ms",
            "--for",
            "2s",
        ],
        0,
    );
    assert_load_balanced(&found);
    let requests = &found["requests"];
    println!(
        "{} requests at {} customers, {}",
        requests["completed"], found["customers"], found["verdict"]
    );
    assert_eq!(
        (&requests["failed"], &requests["dropped"]),
        (&0.into(), &0.into()),
        "{found:#}"
    );
    assert_eq!(found["status"]["200"], requests["completed"]);
    assert_eq!(
        found["population"],
        serde_json::json!({ "planned": 20, "reached": 20 })
    );
    assert_eq!(
        (&found["model"], &found["errors"]),
        (&"closed".into(), &serde_json::json!([]))
    );
    // X (R + Z) = N: 20 customers who pause for 10 ms. Cut edges and the starts at random leave a few per
    // cent.
    let cycles_s = found["requests_per_s"].as_f64().expect("a number")
        * (found["response_s"]["mean"].as_f64().expect("a number") + 0.010);
    assert!((cycles_s / 20.0 - 1.0).abs() < 0.05, "{cycles_s}: {found:#}");
    for quantiles in [&found["response_s"], &found["service_s"]] {
        let seconds = |name: &str| quantiles[name].as_f64().expect("a number");
        assert!(
            seconds("p50") <= seconds("p99") && seconds("p99") <= seconds("max") && seconds("p50") > 0.0,
            "{quantiles}"
        );
    }
    let reasons = found["verdict"]["reasons"].as_array().expect("a list");
    assert_eq!(
        found["verdict"]["worth"] == "valid",
        reasons.is_empty(),
        "{found:#}"
    );
}

#[test]
fn every_format_says_the_same() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(|_| Reply::text("hello"));
    let url = server.url("/a?b={{ int(1, 9) }}");
    let print = |format: &str| {
        nest(
            folder.path(),
            &[
                "load",
                &url,
                "--requests",
                "50",
                "--customers",
                "5",
                "--format",
                format,
            ],
        )
        .expect(0)
        .stdout
    };
    assert!(print("human").contains("50 completed, 0 failed, 0 dropped"));
    let rows = assert_csv("load", &print("csv"));
    assert_eq!(
        rows[0][3..7],
        ["50", "50", "0", "0"],
        "due, completed, failed, dropped"
    );
    assert!(print("md").contains("| completed"));
    assert!(
        server
            .asked()
            .iter()
            .all(|asked| asked.path.starts_with("/a?b=") && asked.path.len() == "/a?b=1".len())
    );
}

#[test]
fn sends_exactly_as_many_requests_as_asked_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (requests, customers, workers) in [(1, 64, 2), (1_000, 7, 1), (997, 10, 2)] {
        let server = Server::start(|_| Reply::text("hello"));
        let (url, counts) = (
            server.url("/"),
            [requests, customers, workers].map(|count: u64| count.to_string()),
        );
        let found = load(
            folder.path(),
            &[
                &url,
                "--requests",
                &counts[0],
                "--customers",
                &counts[1],
                "--threads",
                &counts[2],
            ],
            0,
        );
        assert_load_balanced(&found);
        assert_eq!(
            (&found["requests"]["due"], &found["requests"]["completed"]),
            (&requests.into(), &requests.into()),
            "{found:#}"
        );
        assert_eq!(server.asked().len() as u64, requests);
    }
}

#[test]
fn a_rate_offers_exactly_what_it_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let address = free_address();
    let _nginx = Nginx::plain(folder.path(), address);
    for workers in ["1", "2"] {
        let found = load(
            folder.path(),
            &[
                &format!("http://{address}/"),
                "--rate",
                "500",
                "--for",
                "3s",
                "--threads",
                workers,
            ],
            0,
        );
        assert_load_balanced(&found);
        println!(
            "{workers} worker(s): {} due, verdict {}",
            found["executions"]["due"], found["verdict"]
        );
        assert_eq!(found["executions"]["due"], 1_500, "{found:#}");
        assert_eq!(found["requests"]["completed"], 1_500, "{found:#}");
        assert_ne!(found["verdict"]["worth"], "limited");
    }
}

#[test]
fn a_session_keeps_cookie_and_token_to_its_customer() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sessions = AtomicU64::new(0);
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/login" => {
            let session = sessions.fetch_add(1, Ordering::Relaxed);
            let cookie = format!("sid=s{session}; Path=/; HttpOnly");
            Reply::text(format!("{{\"data\":[{{\"token\":\"t{session}\"}}]}}")).with("set-cookie", cookie)
        }
        _ if belongs_together(asked) => Reply::text("welcome back"),
        _ => Reply::status(401),
    });
    let behaviour = "steps = [\n{ post = \"/login\", json = { name = \"c{{ customer }}\" }, \
        save = { token = \"$.data[0].token\" } },\n\
                     { get = \"/account?token={{ token }}\", \
                     headers = { Authorization = \"Bearer {{ token }}\" }, expect = { status = 200, \
                     body_contains = \"welcome\" } },\n]\n";
    fs::write(folder.path().join("account.toml"), behaviour).expect("a temporary folder");
    let found = load(
        folder.path(),
        &[
            &server.url(""),
            "--behaviour",
            "account.toml",
            "--requests",
            "60",
            "--customers",
            "6",
        ],
        0,
    );
    assert_load_balanced(&found);
    assert_eq!(
        (&found["executions"]["completed"], &found["requests"]["completed"]),
        (&60.into(), &120.into()),
        "{found:#}"
    );
    let names: Vec<_> = found["endpoints"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|endpoint| &endpoint["name"])
        .collect();
    assert_eq!(names, ["POST /login", "GET /account?token={{ token }}"]);
    // The second login of a customer still sends the cookie of the first.
    assert!(
        server
            .asked()
            .iter()
            .filter(|asked| asked.path == "/login" && asked.header("cookie").is_some())
            .count()
            >= 54 - 6
    );
}

/// Whether cookie, token in the path and token in the header are of one session.
fn belongs_together(asked: &Asked) -> bool {
    let session = asked.path.strip_prefix("/account?token=t").unwrap_or("none");
    asked.header("cookie") == Some(&format!("sid=s{session}"))
        && asked.header("authorization") == Some(&format!("Bearer t{session}"))
}

#[test]
fn a_target_that_cannot_be_reached_ends_at_once_with_the_reason() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = |arguments: &[&str], code: i32| {
        nest(
            folder.path(),
            &[&["load", "--requests", "10", "--customers", "2"], arguments].concat(),
        )
        .expect(code)
    };
    run(&["nonsense"], 2)
        .says("\"nonsense\" is not a URL to put load on")
        .says("http://127.0.0.1:8080/");
    run(&["http:///path"], 2).says("is not a URL");
    run(&["http://127.0.0.1:99999/"], 2).says("is not scheme, host and port");
    run(&["http://me:secret@127.0.0.1/"], 2).says("a user name or password in the URL would be printed");
    run(&["http://192.0.2.1/"], 2)
        .says("host `192.0.2.1` is not allowed")
        .says("--allow-host 192.0.2.1");
    run(&["http://127.0.0.1@192.0.2.1/"], 2).says("host `192.0.2.1` is not allowed");
    run(&["http://nobody.invalid/", "--allow-host", "nobody.invalid"], 6)
        .says("host nobody.invalid cannot be found");
    let refused = free_address();
    run(&[&format!("http://{refused}/")], 6)
        .says(&format!("the target at http://{refused} is down"))
        .says("refused");
    run(&["http://127.0.0.1:1/", "--behaviour", "no-such-file.toml"], 1)
        .says("cannot read behaviour \"no-such-file.toml\"");
    run(&["http://127.0.0.1:1/{{ nonsense( }}"], 3).says("the request");
}

#[test]
fn a_target_that_never_answers_times_out_and_is_code_six() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // Connections wait in the backlog; nobody ever accepts them.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let outcome = nest(
        folder.path(),
        &[
            "load",
            &url,
            "--requests",
            "4",
            "--customers",
            "4",
            "--timeout",
            "300ms",
            "--format",
            "json",
        ],
    )
    .expect(6);
    outcome
        .says("no request was answered as expected")
        .says("request timeout")
        .says("GET /");
    let found: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_load_balanced(&found);
    assert_eq!(
        (&found["requests"]["failed"], &found["errors"][0]["kind"]),
        (&4.into(), &"timeout".into())
    );
}

#[test]
fn a_body_that_is_too_long_fails_its_request_and_no_other() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server =
        Server::start(|asked| Reply::text("x".repeat(if asked.path == "/?n=1" { 10_001 } else { 10_000 })));
    let url = server.url("/?n={{ int(1, 2) }}");
    let found = load(
        folder.path(),
        &[
            &url,
            "--requests",
            "200",
            "--customers",
            "4",
            "--longest-body",
            "10000",
        ],
        0,
    );
    assert_load_balanced(&found);
    let long = server
        .asked()
        .iter()
        .filter(|asked| asked.path == "/?n=1")
        .count();
    assert!(long > 50 && long < 150, "{long}");
    assert_eq!(
        (&found["requests"]["failed"], &found["errors"][0]["kind"]),
        (&long.into(), &"answer too long".into()),
        "{found:#}"
    );
    assert!(
        found["failures"][0]["reason"]
            .as_str()
            .is_some_and(|text| text.contains("longer than 10000 bytes")),
        "{found:#}"
    );
}

#[test]
fn what_no_customer_was_free_for_counts_as_dropped_and_counts_and_errors_agree() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(|_| {
        std::thread::sleep(std::time::Duration::from_secs(5));
        Reply::text("hello")
    });
    let url = server.url("/");
    let mut arguments = vec![&url[..], "--rate", "20", "--customers", "4", "--for", "1s"];
    arguments.extend(["--warm-up", "0s", "--timeout", "700ms"]);
    let found = load(folder.path(), &arguments, 6);
    assert_load_balanced(&found);
    let count = |of: &str, name: &str| found[of][name].as_u64().expect("a count");
    assert_eq!(count("executions", "due"), 20, "{found:#}");
    for name in ["due", "completed", "failed", "dropped"] {
        assert_eq!(
            count("requests", name),
            count("executions", name),
            "{name}: {found:#}"
        );
    }
    let errors = found["errors"].as_array().expect("a list");
    let of = |kind: &str| {
        let of_kind = errors
            .iter()
            .filter(|error| (error["kind"] == "dropped") == (kind == "dropped"));
        of_kind.filter_map(|error| error["count"].as_u64()).sum::<u64>()
    };
    assert_eq!(
        (of("dropped"), of("failed")),
        (count("requests", "dropped"), count("requests", "failed")),
        "{found:#}"
    );
    assert!(count("requests", "dropped") > 0 && count("requests", "failed") >= 4);
}

#[test]
fn ctrl_c_prints_the_figures_until_then() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(|_| Reply::text("hello"));
    let mut run = start(
        folder.path(),
        &[
            "load",
            &server.url("/"),
            "--customers",
            "3",
            "--think",
            "5ms",
            "--for",
            "60s",
            "--warm-up",
            "100ms",
            "--format",
            "json",
        ],
    );
    run.wait_for("3 customers on");
    while server.asked().len() < 500 {
        assert!(run.is_running(), "{}", run.stderr());
        std::thread::yield_now();
    }
    run.signal(Signal::SIGINT);
    let outcome = run.finish().expect(130);
    outcome.says("interrupted; the figures cover the time until then");
    let found: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_load_balanced(&found);
    assert!(
        found["requests"]["completed"]
            .as_u64()
            .is_some_and(|completed| completed > 100),
        "{found:#}"
    );
    assert_eq!(found["verdict"]["worth"], "invalid");
}

#[test]
fn workers_offer_a_load_as_threads_do_and_each_has_its_own_secret() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(|_| Reply::text("ok"));
    let steps = "steps = [{ get = \"/look\", headers = { x-key = \"{{ env(\\\"NEST_TEST_KEY\\\") }}\" } }]\n";
    fs::write(folder.path().join("look.toml"), steps).expect("a temporary folder");
    let url = server.url("");
    let arguments = [
        "load",
        &url,
        "--behaviour",
        "look.toml",
        "--rate",
        "100",
        "--for",
        "2s",
        "--warm-up",
        "300ms",
        "--workers",
        "2",
        "--format",
        "json",
    ];
    let mut coordinator = start(folder.path(), &arguments);
    coordinator.wait_for(JOIN);
    let line = worker_line(&coordinator);
    let workers = [("one", "key-of-one"), ("two", "key-of-two")]
        .map(|(name, key)| start_by_line(&line, folder.path(), name, &[("NEST_TEST_KEY", key)]));
    let outcome = coordinator.finish().expect(0);
    let found: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    for worker in workers {
        worker.finish().expect(0);
    }
    assert_load_balanced(&found);
    assert_eq!(found["executions"]["due"], 200, "{found:#}");
    assert_eq!(found["requests"]["completed"], 200, "{found:#}");
    assert_eq!(found["generators"].as_array().map(Vec::len), Some(2), "{found:#}");
    assert_eq!(found["threads"], 2, "{found:#}");
    let sent_by = |key: &str| {
        server
            .asked()
            .iter()
            .filter(|asked| asked.header("x-key") == Some(key))
            .count()
    };
    let (one, two) = (sent_by("key-of-one"), sent_by("key-of-two"));
    println!("{one} and {two} requests");
    assert!(
        one >= 100 && two >= 100 && one + two == server.asked().len(),
        "{one} and {two}"
    );
}
