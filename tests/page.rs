//! The committed sample report in headless Chromium: from disk, without network, without an error.

use std::{fs, process::Command};

use crate::support::repository;

#[test]
fn the_sample_report_opens_from_disk_without_network_and_without_an_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = repository().join("reports/shop/report.html");
    let net_log = folder.path().join("net.json");
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args([
            "--enable-logging=stderr",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--dump-dom",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ))
        .arg(format!("--log-net-log={}", net_log.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("chromium runs (tests/run installs it)");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let dom = String::from_utf8_lossy(&output.stdout);
    assert!(
        dom.contains("80,000 customers cost $") && dom.contains("<svg") && dom.contains("</html>"),
        "the page is there"
    );
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(!talk.contains("CONSOLE"), "the page complains:\n{talk}");
    // What the page itself asks for: everything it needs is in the file.
    let log = fs::read_to_string(&net_log).expect("chromium keeps a log");
    let asked: Vec<&str> = log
        .match_indices("\"url\":\"")
        .filter_map(|(start, key)| log[start + key.len()..].split('"').next())
        .filter(|url| url.starts_with("http") && !url.contains("google"))
        .collect();
    assert!(asked.is_empty(), "the page asks for {asked:?}");
    let text = fs::read_to_string(&page).expect("committed");
    assert!(!text.contains("<script") && !text.contains(" src=\"http") && !text.contains("@import"));
}
