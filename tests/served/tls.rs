//! HTTPS and HTTP/2, on nginx with certificates made by openssl.

use std::{net::SocketAddr, path::Path, process::Command};

use crate::support::{assert_load_balanced, free_address, load, nest, nginx::Nginx};

/// Makes a self-signed certificate for 127.0.0.1, `NAME.pem` and `NAME.key`, valid between two dates.
fn certify(folder: &Path, name: &str, from: &str, until: &str) {
    let file = |extension: &str| format!("{name}.{extension}");
    let key = [
        "req",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=127.0.0.1",
        "-keyout",
        &file("key"),
        "-out",
        &file("csr"),
    ]
    .map(str::to_owned);
    openssl(folder, &key);
    std::fs::write(
        folder.join("extensions"),
        "[v3]\nsubjectAltName=IP:127.0.0.1\nbasicConstraints=critical,CA:TRUE\n",
    )
    .expect("a temporary folder");
    std::fs::write(
        folder.join("ca.conf"),
        "[ca]\ndefault_ca=own\n[own]\ndatabase=index\nserial=serial\nnew_certs_dir=.\npolicy=any\n\
         default_md=sha256\n[any]\ncommonName=supplied\n",
    )
    .expect("a temporary folder");
    std::fs::write(folder.join("index"), "").expect("a temporary folder");
    // `openssl x509` sets no start before now; `openssl ca` does, so that an expired certificate can be made.
    let sign = [
        "ca",
        "-batch",
        "-selfsign",
        "-config",
        "ca.conf",
        "-rand_serial",
        "-keyfile",
        &file("key"),
        "-in",
        &file("csr"),
        "-notext",
    ];
    let dates = [
        "-out",
        &file("pem"),
        "-startdate",
        from,
        "-enddate",
        until,
        "-extfile",
        "extensions",
        "-extensions",
        "v3",
    ];
    openssl(
        folder,
        &[
            sign.map(str::to_owned).as_slice(),
            dates.map(str::to_owned).as_slice(),
        ]
        .concat(),
    );
}

fn openssl(folder: &Path, arguments: &[String]) {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("openssl runs (tests/run installs it)");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// nginx with a certificate, over HTTP/1.1 or HTTP/2; its answers say which it was.
fn secured(folder: &Path, address: SocketAddr, certificate: &str, http2: &str) -> Nginx {
    let lines = format!(
        "server {{ listen {address} ssl {http2}; ssl_certificate {0}/{certificate}.pem; \
         ssl_certificate_key {0}/{certificate}.key;\n\
         location / {{ return 200 \"$server_protocol\\n\"; }} }}",
        folder.display()
    );
    Nginx::start(folder, address, &lines)
}

#[test]
fn a_certificate_that_nobody_signed_is_refused_unless_it_is_named_or_all_are_trusted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    certify(folder.path(), "own", "20200101000000Z", "20490101000000Z");
    let address = free_address();
    let _nginx = secured(folder.path(), address, "own", "");
    let url = format!("https://{address}/");
    let few = [
        "load",
        &url,
        "--requests",
        "20",
        "--customers",
        "4",
        "--format",
        "json",
    ];
    let refused = nest(folder.path(), &few).expect(6);
    refused
        .says("behaviour `request` completed nothing. Its first failure: GET /: tls:")
        .says("signed by nobody who is trusted; name its file as `ca`, or use `insecure`");
    for trust in [vec!["--ca", "own.pem"], vec!["--insecure"]] {
        let found = load(folder.path(), &[&few[1..6], &trust].concat(), 0);
        assert_load_balanced(&found);
        assert_eq!(found["status"]["200"], 20, "{found:#}");
    }
    let elsewhere = format!("https://localhost:{}/", address.port());
    let named = nest(
        folder.path(),
        &[
            "load",
            &elsewhere,
            "--requests",
            "3",
            "--customers",
            "1",
            "--ca",
            "own.pem",
        ],
    )
    .expect(6);
    named.says("GET /: tls:").says("for another name");
    nest(folder.path(), &[&few[..], &["--ca", "own.key"]].concat())
        .expect(3)
        .says("own.key")
        .says("no certificate in PEM form");
    nest(folder.path(), &[&few[..], &["--ca", "nowhere.pem"]].concat())
        .expect(1)
        .says("nowhere.pem");
}

#[test]
fn an_expired_certificate_is_refused_though_its_signer_is_trusted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    certify(folder.path(), "old", "20200101000000Z", "20210101000000Z");
    let address = free_address();
    let _nginx = secured(folder.path(), address, "old", "");
    let url = format!("https://{address}/");
    let few = ["load", &url, "--requests", "5", "--customers", "1"];
    nest(folder.path(), &[&few[..], &["--ca", "old.pem"]].concat())
        .expect(6)
        .says("GET /: tls:")
        .says("expired");
    assert_eq!(
        load(folder.path(), &[&few[1..], &["--insecure"]].concat(), 0)["status"]["200"],
        5
    );
}

#[test]
fn http2_is_spoken_over_tls_and_without() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    certify(folder.path(), "own", "20200101000000Z", "20490101000000Z");
    let behaviour = "steps = [{ get = \"/\", expect = { body_contains = \"HTTP/2.0\" } }]\n";
    std::fs::write(folder.path().join("look.toml"), behaviour).expect("a temporary folder");
    let (address, plain) = (free_address(), free_address());
    let _nginx = secured(folder.path(), address, "own", "http2");
    let other = tempfile::tempdir().expect("a temporary folder");
    let lines =
        format!("server {{ listen {plain} http2; location / {{ return 200 \"$server_protocol\\n\"; }} }}");
    let _plain = Nginx::start(other.path(), plain, &lines);
    for (url, trust) in [
        (format!("https://{address}"), vec!["--ca", "own.pem"]),
        (format!("http://{plain}"), Vec::new()),
    ] {
        let few = [
            url.as_str(),
            "--http2",
            "--requests",
            "100",
            "--customers",
            "5",
            "--behaviour",
            "look.toml",
        ];
        let found = load(folder.path(), &[&few[..], &trust].concat(), 0);
        assert_load_balanced(&found);
        assert_eq!(
            (&found["requests"]["completed"], &found["endpoints"][0]["path"]),
            (&100.into(), &"HTTP/2".into()),
            "{found:#}"
        );
    }
}

#[test]
fn http2_at_a_server_that_does_not_speak_it_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    certify(folder.path(), "own", "20200101000000Z", "20490101000000Z");
    let address = free_address();
    let _nginx = secured(folder.path(), address, "own", "");
    let url = format!("https://{address}/");
    nest(
        folder.path(),
        &[
            "load",
            &url,
            "--http2",
            "--insecure",
            "--requests",
            "3",
            "--customers",
            "1",
        ],
    )
    .expect(6)
    .says("GET /: tls:")
    .says("does not speak");
}

#[test]
fn a_server_that_ends_connections_in_order_loses_no_request() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    certify(folder.path(), "own", "20200101000000Z", "20490101000000Z");
    let (secured, plain, second) = (free_address(), free_address(), free_address());
    // Each connection carries a hundred requests: then HTTP/1.1 says `connection: close`, and HTTP/2 GOAWAY.
    let server = |listen: String| {
        format!(
            "server {{ listen {listen}; keepalive_requests 100; location / {{ return 200 \"hello\\n\"; \
             }} }}\n"
        )
    };
    let certificate = format!(
        "ssl_certificate {0}/own.pem;\nssl_certificate_key {0}/own.key;\n",
        folder.path().display()
    );
    let lines = certificate
        + &server(format!("{secured} ssl"))
        + &server(plain.to_string())
        + &server(format!("{second} http2"));
    let _nginx = Nginx::start(folder.path(), plain, &lines);
    for (url, more) in [
        (format!("http://{plain}/"), vec![]),
        (format!("https://{secured}/"), vec!["--ca", "own.pem"]),
        (format!("http://{second}/"), vec!["--http2"]),
    ] {
        let few = [url.as_str(), "--requests", "2000", "--customers", "4"];
        let found = load(folder.path(), &[&few[..], &more].concat(), 0);
        assert_load_balanced(&found);
        assert_eq!(
            (&found["requests"]["completed"], &found["errors"]),
            (&2_000.into(), &serde_json::json!([])),
            "{url}: {found:#}"
        );
    }
}

#[test]
fn the_compatibility_path_trusts_whom_the_others_trust() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    certify(folder.path(), "own", "20200101000000Z", "20490101000000Z");
    let address = free_address();
    let _nginx = secured(folder.path(), address, "own", "");
    std::fs::write(
        folder.path().join("follow.toml"),
        "steps = [{ get = \"/\", redirects = 1 }]\n",
    )
    .expect("a temporary folder");
    let url = format!("https://{address}");
    let few = [
        "load",
        &url,
        "--requests",
        "5",
        "--customers",
        "1",
        "--behaviour",
        "follow.toml",
    ];
    nest(folder.path(), &few)
        .expect(6)
        .says("behaviour `follow`")
        .says("tls: the target's certificate is signed by nobody who is trusted");
    for trust in [vec!["--ca", "own.pem"], vec!["--insecure"]] {
        assert_eq!(
            load(folder.path(), &[&few[1..], &trust].concat(), 0)["status"]["200"],
            5
        );
    }
}
