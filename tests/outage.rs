//! Ten thousand customers while their server dies and comes back.

use std::{fs, thread::sleep, time::Duration};

use crate::support::{Running, assert_load_balanced, free_address, nginx::Nginx, start};

/// Customers of the run.
const CUSTOMERS: u64 = 10_000;
/// Resident bytes that the whole run may take at its peak. 30 MiB for program, certificates and histograms,
/// and 6 KiB per customer: its state, two timers and the task around the largest future; buffers belong to
/// workers.
const MOST_BYTES: u64 = (30 << 20) + CUSTOMERS * (6 << 10);

/// Resident bytes of a process.
fn resident_bytes(run: &Running) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", run.pid())).expect("it runs");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("every process has memory");
    line.split_whitespace()
        .nth(1)
        .and_then(|kibibytes| kibibytes.parse::<u64>().ok())
        .expect("a number")
        << 10
}

/// The most that was resident in some seconds.
fn most_resident(run: &Running, seconds: u32) -> u64 {
    let mut most = 0;
    for _ in 0..seconds * 5 {
        sleep(Duration::from_millis(200));
        most = most.max(resident_bytes(run));
    }
    most
}

#[test]
fn load_ten_thousand_customers_live_through_the_death_and_return_of_their_server() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = tempfile::tempdir().expect("a temporary folder");
    let address = free_address();
    let mut nginx = Nginx::plain(server.path(), address);
    let url = format!("http://{address}/");
    let customers = CUSTOMERS.to_string();
    let arguments = [
        "load",
        &url,
        "--customers",
        &customers,
        "--think",
        "5s",
        "--warm-up",
        "6s",
        "--for",
        "30s",
        "--timeout",
        "5s",
        "--format",
        "json",
    ];
    let mut run = start(folder.path(), &arguments);
    run.wait_for("10000 customers on");
    // All customers have come when the warm-up ends; each acts every five seconds.
    sleep(Duration::from_secs(8));
    let before = most_resident(&run, 5);
    nginx.kill();
    let without = most_resident(&run, 5);
    nginx.restart();
    let returning = most_resident(&run, 5);
    let after = most_resident(&run, 10);
    assert!(run.is_running(), "it ended early: {}", run.stderr());
    let outcome = run.finish().expect(0);
    let found: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_load_balanced(&found);
    let count = |name: &str| found["requests"][name].as_u64().expect("a count");
    let peak = found["generator"]["peak_memory_bytes"]
        .as_u64()
        .expect("a number");
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "{} completed, {} failed: {}",
        count("completed"),
        count("failed"),
        found["errors"]
    );
    println!(
        "status {}, population {}, verdict {}",
        found["status"], found["population"], found["verdict"]
    );
    println!(
        "resident: {:.1} MiB before, {:.1} without the server, {:.1} as it came back, {:.1} after; \
         peak {:.1} MiB of {:.1} allowed",
        mib(before),
        mib(without),
        mib(returning),
        mib(after),
        mib(peak),
        mib(MOST_BYTES)
    );
    assert_eq!(found["status"]["200"], found["requests"]["completed"]);
    // 10,000 customers every five seconds, for half a minute less the five seconds without a server, in which
    // each of them fails once or twice and nobody who fails is slower than five seconds.
    assert!(count("completed") > 35_000, "{found:#}");
    let kinds: Vec<&str> = found["errors"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|error| error["kind"].as_str())
        .collect();
    assert!(
        kinds.contains(&"connect") && count("failed") > 5_000,
        "{kinds:?}: the server was away"
    );
    // 2,000 a second fail for as long as it is away, which with its restart is less than ten seconds.
    assert!(
        count("failed") < 20_000,
        "requests succeed again: {}",
        count("failed")
    );
    assert!(peak < MOST_BYTES, "{:.1} MiB", mib(peak));
    assert!(
        after as f64 <= before as f64 * 1.10,
        "memory grows after the restart"
    );
}
