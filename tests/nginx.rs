//! A server that nobody here wrote.

use std::process::Command;

use crate::support::{BINARY, assert_balanced, copy_study, free_address, measurements, scaling};

#[test]
fn load_nginx_is_walked_the_whole_way_and_a_heavier_mix_is_predicted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = copy_study("nginx", folder.path());
    let port = free_address().port();
    let base = format!("target.base_url=http://127.0.0.1:{port}");
    let probe = format!("probes.app.port={port}");
    let arguments = [
        "all",
        study.to_str().expect("UTF-8"),
        "--set",
        &base,
        "--set",
        &probe,
    ];
    let output = Command::new(BINARY)
        .args(arguments)
        .env("NGINX_PORT", port.to_string())
        .current_dir(folder.path())
        .output()
        .expect("the binary runs");
    assert!(
        output.status.success(),
        "{}\n(nginx missing? tests/run installs it)",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_balanced(&measurements(&study));
    let model = scaling(&study);
    let check = model
        .checks
        .iter()
        .find(|check| check.quantity.starts_with("app/cpu"))
        .expect("a step was left out of the fit");
    let error = check.predicted.value / check.measured - 1.0;
    println!(
        "busy time of {}: forecast {:.4}, measured {:.4}: {:+.1} %",
        check.step,
        check.predicted.value,
        check.measured,
        error * 100.0
    );
    assert!(error.abs() <= 0.10, "{check:?}");
    assert!(study.join("reports/report.html").is_file());
}
