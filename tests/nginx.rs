//! A server that nobody here wrote.

use std::process::Command;

use crate::support::{
    BINARY, Outcome, assert_balanced, copy_study, free_address, measurements,
    quiet::{Bounds, Forecast, usable},
    scaling,
};

/// Busy time at 1.5 times the highest fitted load. nginx takes a tenth more or less time for the same work
/// when others use its core's caches, so on a disturbed machine this test finds mistakes only: a forecast
/// that took no account of the higher load would be 33 % too low. `bench/run nginx` states the accuracy.
const HEAVIER_MIX: Bounds = Bounds {
    quiet: 0.10,
    disturbed: 0.25,
};

#[test]
fn load_nginx_is_walked_the_whole_way_and_a_heavier_load_is_forecast() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = copy_study("nginx", folder.path());
    let port = free_address().port();
    let overrides = [
        format!("target.base_url=http://127.0.0.1:{port}"),
        format!("probes.app.port={port}"),
        "measure.window=1s".to_owned(),
        "measure.pilot=1s".to_owned(),
    ];
    HEAVIER_MIX.hold(|| {
        let output = Command::new(BINARY)
            .args(["all", "--yes"])
            .arg(&study)
            .args(overrides.iter().flat_map(|one| ["--set", one]))
            .env("NGINX_PORT", port.to_string())
            .current_dir(folder.path())
            .output()
            .expect("the binary runs");
        usable(Outcome::from_output(output))?;
        assert_balanced(&measurements(&study));
        let model = scaling(&study);
        let mut checks = model.checks.iter();
        let check = checks.find(|check| check.quantity.starts_with("app/cpu"))?;
        assert!(study.join("reports/report.html").is_file());
        let quantity = format!("busy time of {}, s/s", check.step);
        Some(vec![Forecast::new(
            quantity,
            check.predicted.value,
            check.measured,
        )])
    });
}
