//! An application of several tiers that nobody here wrote, on a mix that was never run: Debian's MediaWiki.

use std::{net::TcpListener, path::Path, process::Command};

use nest_data::measurement::{Purpose, Validity};

use crate::support::{
    BINARY, assert_balanced, completed_per_s, copy_study, law_of_confirmed_mix, measurements, nest, scaling,
    steps_for,
};

/// Goal for the error of the busy time of a tier at 1.5 x the highest fitted load. `bench/README.md` says how
/// often it is met: on a virtual machine whose neighbours are busy, about every other time.
const BUSY_GOAL: f64 = 0.10;
/// Goal for the error of the rate at which the target saturates.
const SATURATION_GOAL: f64 = 0.15;
/// By how much an error may miss its goal before the test fails. A forecast that took no account of the
/// higher load would be 33 % too low.
const BEYOND_GOAL: f64 = 0.10;

/// Ports that are free at this moment, each another one.
fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    let sockets: [TcpListener; COUNT] =
        std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    sockets.map(|socket| socket.local_addr().expect("bound").port())
}

/// Measures and fits the study in `folder`.
fn walk(study: &Path, folder: &Path) {
    let [web, app, db] = free_ports();
    let overrides = [
        format!("target.base_url=http://127.0.0.1:{web}"),
        format!("probes.web.port={web}"),
        format!("probes.app.port={app}"),
        format!("probes.db.port={db}"),
    ];
    let mut measure = Command::new(BINARY);
    measure
        .args(["measure", "--yes"])
        .arg(study)
        .args(overrides.iter().flat_map(|one| ["--set", one]))
        .current_dir(folder);
    measure
        .env("WIKI_PORT", web.to_string())
        .env("WIKI_PHP_PORT", app.to_string())
        .env("WIKI_DB_PORT", db.to_string());
    let output = measure.output().expect("the binary runs");
    assert!(
        output.status.success(),
        "{}\n(MediaWiki missing? bench/run wiki installs it)",
        String::from_utf8_lossy(&output.stderr)
    );
    nest(folder, &["fit", study.to_str().expect("UTF-8")]).expect(0);
}

#[test]
fn load_mediawiki_uses_and_carries_on_a_mix_that_was_never_run_what_was_forecast() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = copy_study("wiki", folder.path());
    walk(&study, folder.path());
    let measured = measurements(&study);
    assert_balanced(&measured);
    let confirm = steps_for(&measured, Purpose::Confirm);
    let (beyond, overload) = confirm.split_at(1);
    assert!(
        beyond.iter().all(|step| step.total().failed == 0),
        "{:?}",
        beyond[0].failures
    );
    assert!(
        overload
            .iter()
            .all(|step| step.verdict.validity == Validity::Limited),
        "{:?}",
        overload[0].verdict
    );

    let checks: Vec<_> = scaling(&study)
        .checks
        .into_iter()
        .filter(|check| check.step == beyond[0].plan.label())
        .collect();
    let mut wrong = Vec::new();
    let mut compare = |quantity: &str, forecast: f64, measured: f64, goal: f64| {
        let error = forecast / measured - 1.0;
        let verdict = if error.abs() <= goal { "met" } else { "missed" };
        println!(
            "| {quantity} | {forecast:.4} | {measured:.4} | {:+.1} % | {:.0} %: {verdict} |",
            error * 100.0,
            goal * 100.0
        );
        if error.abs() > goal + BEYOND_GOAL {
            wrong.push(format!(
                "{quantity}: forecast {forecast:.4}, measured {measured:.4}"
            ));
        }
    };
    for tier in ["web", "app", "db", "host"] {
        let tier_checks: Vec<_> = checks
            .iter()
            .filter(|check| check.quantity.starts_with(&format!("{tier}/cpu")))
            .collect();
        assert_eq!(tier_checks.len(), beyond.len(), "{tier} was read in every step");
        let mean = |value: fn(&&nest_data::scaling::ForecastCheck) -> f64| {
            tier_checks.iter().map(value).sum::<f64>() / tier_checks.len() as f64
        };
        compare(
            &format!("{tier}/cpu, busy-seconds/s"),
            mean(|check| check.predicted.value),
            mean(|check| check.measured),
            BUSY_GOAL,
        );
    }
    let law = law_of_confirmed_mix(&measured);
    assert_eq!(law.binding, "host/cpu");
    // The first overload brings in customers who log in before anything else; the others show what is carried
    // of the mix.
    compare(
        "saturation, executions/s",
        law.ceiling_per_s.value,
        completed_per_s(&overload[1..]),
        SATURATION_GOAL,
    );
    assert!(wrong.is_empty(), "{wrong:?}");
}
