//! A fleet over TLS: the broker of `deploy/nats.conf` as it is committed, and certificates made by openssl.

use std::{fs, path::Path, process::Command};

use super::fleet_hosts::work;
use crate::support::{
    BINARY, Running, SmallStudy, assert_balanced,
    broker::{Broker, COORDINATOR, WORKER},
    confirmed,
    fleet::SESSION,
    measurements,
    server::{Reply, Server},
    start_command,
};

/// Makes `ca.crt`, and for each name `NAME.crt` and `NAME.key`, signed by it.
fn certify(folder: &Path, names: &[&str]) {
    fs::write(
        folder.join("extensions"),
        "subjectAltName=DNS:localhost,IP:127.0.0.1\n",
    )
    .expect("a temporary folder");
    const NEW: &str = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(
        folder,
        &format!("{NEW} -x509 -subj /CN=ca -keyout ca.key -out ca.crt"),
    );
    for name in names {
        openssl(
            folder,
            &format!("{NEW} -subj /CN={name} -keyout {name}.key -out {name}.csr"),
        );
        openssl(
            folder,
            &format!(
                "x509 -req -in {name}.csr -out {name}.crt -CA ca.crt -CAkey ca.key -CAcreateserial \
                 -extfile extensions"
            ),
        );
    }
}

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .expect("openssl runs (tests/run installs it)");
    assert!(output.status.success(), "{output:?}");
}

/// Starts the binary where the certificates are, with the credentials of a user of the broker.
fn start(folder: &Path, name: &str, (user, password): (&str, &str), arguments: &str) -> Running {
    let place = folder.join(name);
    fs::create_dir_all(&place).expect("a temporary folder");
    let mut command = Command::new(BINARY);
    command
        .args(arguments.split(' '))
        .env("NEST_NATS_USER", user)
        .env("NEST_NATS_PASSWORD", password);
    start_command(command, &place)
}

/// Who trusts the broker, and who shows it a certificate of its own.
const TRUST: &str = "--ca ../ca.crt";
const WORKERS_OWN: &str = "--ca ../ca.crt --cert ../worker.crt --key ../worker.key";
const COORDINATORS_OWN: &str = "--ca ../ca.crt --cert ../coordinator.crt --key ../coordinator.key";

#[test]
fn a_fleet_measures_over_tls_and_shows_certificates_to_a_broker_that_asks_for_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    certify(folder, &["broker", "worker", "coordinator"]);
    let broker = Broker::start_secured(folder);
    let joined = format!(
        "--join tls://localhost:{} --session {SESSION}",
        broker.address.port()
    );
    let worker = |name: &str, own: &str| {
        let arguments = format!("worker {joined} --name {name} --slots 1 {own}");
        start(folder, name, WORKER, &arguments)
    };

    let strangers = [
        ("without-certificate", TRUST, "BadCertificate"),
        (
            "without-trust",
            "--cert ../worker.crt --key ../worker.key",
            "UnknownIssuer",
        ),
    ];
    for (name, own, reason) in strangers {
        worker(name, own)
            .finish()
            .expect(1)
            .says("NATS server")
            .says(reason);
    }

    let server = Server::start(|_| {
        work();
        Reply::text("hello")
    });
    let more = "[customers]\n[measure]\npilot = \"200ms\"\nsettle = \"300ms\"\nsettle_most = \"300ms\"\n\
                window = \"500ms\"\nwindows = 2\nmax_rate = 200\nbase = 0.1\nboost = 0.2\n\
                customers = [300]\n";
    let study = SmallStudy::new(
        &server.url(""),
        &[("look", 20.0, "steps = [{ get = \"/look\" }]")],
        more,
    );
    let workers = ["one", "two"].map(|name| worker(name, WORKERS_OWN));
    let measure = confirmed(&["measure"]).join(" ");
    let arguments = format!(
        "{measure} {} --workers 2 --nats tls://{} --session {SESSION} {COORDINATORS_OWN}",
        study.path.display(),
        broker.address
    );
    start(folder, "coordinator", COORDINATOR, &arguments)
        .finish()
        .expect(0);
    for worker in workers {
        worker.finish().expect(0);
    }
    let measured = measurements(&study.path);
    assert_balanced(&measured);
    let last = measured.steps.last().expect("steps");
    assert_eq!(last.generators.len(), 2, "{:?}", last.generators);
}
