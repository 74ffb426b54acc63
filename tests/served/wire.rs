//! What happens on the wire, against Debian's nginx, whose access log is the ledger.

use std::{fs, path::Path, thread::sleep, time::Duration};

use serde_json::Value;

use crate::support::{free_address, nest, nginx::Nginx};

/// Requests of each load.
const REQUESTS: u64 = 200;
/// Looks at the log before it is taken for what it is: nginx writes it a moment after the answer.
const MOST_LOOKS: usize = 250;

/// Loads nginx, which has these lines, with the arguments; what `load` says, and how many requests nginx saw.
fn loaded(lines: &str, arguments: &[&str], expected: usize) -> (Value, usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (address, log) = (free_address(), folder.path().join("ledger"));
    let http2 = if arguments.contains(&"--http2") {
        " http2"
    } else {
        ""
    };
    let server = format!(
        "log_format ledger '$request_method $uri $status';\n\
         server {{ listen {address}{http2}; access_log {} ledger; {lines}\n\
         location / {{ return 200 \"ok\"; }} }}",
        log.display()
    );
    let _nginx = Nginx::start(folder.path(), address, &server);
    let url = format!("http://{address}/");
    let count = REQUESTS.to_string();
    let mut all = vec![
        "load",
        &url,
        "--requests",
        &count,
        "--customers",
        "4",
        "--format",
        "json",
    ];
    all.extend(arguments);
    let printed = nest(folder.path(), &all).expect(0).stdout;
    let found = serde_json::from_str(&printed).expect("JSON");
    (found, seen(&log, expected))
}

/// Lines of the log, once there are as many as expected.
fn seen(log: &Path, expected: usize) -> usize {
    let lines = || fs::read_to_string(log).map_or(0, |text| text.lines().count());
    for _ in 0..MOST_LOOKS {
        if lines() >= expected {
            break;
        }
        sleep(Duration::from_millis(20));
    }
    lines()
}

#[test]
fn nginx_that_ends_its_connections_loses_nothing() {
    let http2: &[&str] = &["--http2"];
    for (lines, ways) in [
        ("keepalive_requests 20;", http2),
        ("keepalive_requests 20;", &[]),
        ("keepalive_timeout 0;", &[]),
    ] {
        for request in [&[][..], &["-m", "POST", "--body", "x"]] {
            let arguments = [ways, request].concat();
            let (found, seen) = loaded(lines, &arguments, REQUESTS as usize);
            let what = format!("{lines} {arguments:?}: {found:#}");
            assert_eq!(found["requests"]["completed"], REQUESTS, "{what}");
            assert_eq!(found["requests"]["failed"], 0, "{what}");
            // What nginx had not begun with is in no log.
            assert_eq!(seen as u64, REQUESTS, "{what}");
            assert_eq!(found["resends"]["closed_idle"], 0, "{what}");
            let resent = found["resends"]["unprocessed"].as_u64().expect("a number");
            assert!(resent <= REQUESTS / 20 + 4, "{what}");
        }
    }
}

#[test]
fn redirects_of_nginx_are_counted_as_it_counts_them() {
    let lines = "location = /login { return 302 /a; } location = /a { return 307 /b; }";
    for ways in [&["--http2"][..], &[]] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let behaviour = folder.path().join("login.toml");
        fs::write(
            &behaviour,
            "steps = [{ post = \"/login\", form = { user = \"a\" }, redirects = 5 }]\n",
        )
        .expect("a temporary folder");
        let path = behaviour.to_str().expect("UTF-8");
        let arguments = [&["--behaviour", path][..], ways].concat();
        let requests = 3 * REQUESTS;
        let (found, seen) = loaded(lines, &arguments, requests as usize);
        assert_eq!(found["requests"]["completed"], requests, "{found:#}");
        assert_eq!(found["executions"]["completed"], REQUESTS, "{found:#}");
        assert_eq!(
            (seen as u64, &found["redirected"]),
            (requests, &Value::from(2 * REQUESTS)),
            "{found:#}"
        );
    }
}
