//! What is counted of answers that fail, what links in answers mean, and what a run says of a target that
//! cannot keep up.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread::{sleep, spawn},
    time::Duration,
};

use crate::support::{
    SmallStudy, assert_load_balanced, load,
    server::{Reply, Server},
};

#[test]
fn response_times_are_those_of_completed_requests() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let number = std::sync::atomic::AtomicUsize::new(0);
    // Two of three fail at once, the others take 50 ms.
    let server = Server::start(move |_| {
        if !number
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed)
            .is_multiple_of(3)
        {
            return Reply::status(500);
        }
        sleep(Duration::from_millis(50));
        Reply::text("hello")
    });
    let url = server.url("/");
    let found = load(folder.path(), &[&url, "--requests", "60", "--customers", "1"], 0);
    assert_load_balanced(&found);
    for of in ["response_s", "service_s"] {
        let p50 = found[of]["p50"].as_f64().expect("a time");
        assert!(p50 >= 0.05, "{of}: {:#}", found[of]);
    }
}

/// A server that sends a head and a part of the body that it announces, and then nothing, or the end of the
/// connection.
fn half(then_silence: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            spawn(move || {
                let mut request = [0; 4_096];
                let _ = stream.read(&mut request);
                let part = "x".repeat(10_000);
                let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 20000\r\n\r\n{part}");
                if then_silence {
                    sleep(Duration::from_secs(30));
                }
            });
        }
    });
    format!("http://{address}/")
}

#[test]
fn bytes_of_answers_that_do_not_complete_count_as_they_came() {
    for then_silence in [true, false] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = half(then_silence);
        let short = ["--requests", "3", "--customers", "1", "--timeout", "300ms"];
        let found = load(folder.path(), &[&[url.as_str()][..], &short].concat(), 6);
        let bytes =
            found["bytes_per_s"].as_f64().expect("a rate") * found["duration_s"].as_f64().expect("a time");
        assert!((bytes - 3.0 * 10_043.0).abs() < 300.0, "{bytes}: {found:#}");
        assert_eq!(found["status"]["200"], 3, "{found:#}");
        assert_eq!(found["requests"]["failed"], 3, "{found:#}");
    }
}

#[test]
fn links_are_read_on_the_page_that_gave_them() {
    let server = Server::start(|asked| {
        // Without processor time nothing can be planned.
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(1) {}
        match asked.path.as_str() {
            "/pre/moved" => Reply::status(302).with("Location", "/shop/list?page=1"),
            _ => Reply::text("{\"next\":\"?page=2\",\"item\":\"items/7\"}"),
        }
    });
    let steps = "steps = [\n\
        { get = \"/list/{{ int(5, 5) }}\", save = { next = \"$.next\" } },\n\
        { get = \"{{ next }}\", save = { item = \"$.item\" } },\n\
        { get = \"{{ item }}\" },\n\
        { get = \"/moved\", redirects = 1, save = { item = \"$.item\" } },\n\
        { get = \"{{ item }}\" }\n]";
    let more = "[customers]\n[measure]\npilot = \"200ms\"\nsettle = \"200ms\"\nwindow = \"300ms\"\n\
        windows = 2\nmax_rate = 200\nbase = 0.001\nboost = 0.002\ncustomers = [100]\n";
    let study = SmallStudy::new(&server.url("/pre"), &[("look", 20.0, steps)], more);
    study.measure();
    let asked = server.asked();
    let paths: Vec<&str> = asked.iter().map(|asked| asked.path.as_str()).take(6).collect();
    assert_eq!(
        paths,
        [
            "/pre/list/5",
            "/pre/list/5?page=2",
            "/pre/list/items/7",
            "/pre/moved",
            "/shop/list?page=1",
            "/shop/items/7"
        ]
    );
}

#[test]
fn a_ramp_that_ends_early_says_so_while_it_runs() {
    // One at a time, 10 ms each.
    let lock = std::sync::Mutex::new(());
    let server = Server::start(move |_| {
        let _held = lock.lock().expect("no thread panics with it");
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(1) {}
        sleep(Duration::from_millis(9));
        Reply::text("hello")
    });
    let more = "[customers]\n[measure]\npilot = \"300ms\"\nsettle = \"300ms\"\nsettle_most = \"300ms\"\n\
        window = \"500ms\"\nwindows = 2\nmax_rate = 1000\nbase = 0.001\nboost = 0.002\n\
        customers = [100, 3000, 3500, 4000]\n";
    let study = SmallStudy::new(
        &server.url(""),
        &[("look", 20.0, "steps = [{ get = \"/\" }]")],
        more,
    );
    let outcome = study.run(&["measure"]).expect(0);
    outcome.says("note: the ramp ended after ramp at 3500 because the target could not keep up");
    assert!(!outcome.stderr.contains("ramp at 4000"), "{}", outcome.stderr);
}
