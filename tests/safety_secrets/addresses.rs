//! Secrets in the URLs of a study, of the command line and of price books.

use std::fs;

use crate::support::{
    SmallStudy, nest, repository,
    server::{Reply, Server},
};

#[test]
fn a_secret_in_a_url_is_refused_at_its_place_and_not_repeated() {
    let server = Server::start(|_| Reply::text("right"));
    let address = server.address;
    let home = [("home", 20.0, "steps = [{ get = \"/\" }]")];
    let plain = "[customers]\n";
    let probe = |url: &str| {
        format!(
            "{plain}[probes.app]\nkind = \"prometheus\"\nscrape = \"{url}\"\ncollect = {{ memory = \"a\" }}\n"
        )
    };
    let at = |target: &str| format!("{target}\n{plain}");
    for (base, more, place) in [
        (
            format!("http://me:pw-4711@{address}"),
            plain.to_owned(),
            "base_url",
        ),
        (format!("http://pw-4711@{address}"), plain.to_owned(), "base_url"),
        (
            format!("http://me:pw-4711\\u0040{address}"),
            plain.to_owned(),
            "base_url",
        ),
        (
            format!("http://{address}/?token=pw-4711"),
            plain.to_owned(),
            "base_url",
        ),
        (
            format!("http://{address}/#key=pw-4711"),
            plain.to_owned(),
            "base_url",
        ),
        (
            server.url(""),
            at(&format!("proxy = \"http://me:pw-4711@{address}\"")),
            "proxy",
        ),
        (server.url(""), at("ready = \"/up?api_key=pw-4711\""), "ready"),
        (
            server.url(""),
            at("allow_hosts = [\"me:pw-4711@shop.test\"]"),
            "allow_hosts",
        ),
        (
            server.url(""),
            at("state = \"fill postgres://me:pw-4711@127.0.0.1/shop\""),
            "state",
        ),
        (
            server.url(""),
            probe(&format!("http://me:pw-4711@{address}/metrics")),
            "probe",
        ),
        (
            server.url(""),
            probe(&format!("http://{address}/metrics?access_token=pw-4711")),
            "probe",
        ),
    ] {
        let study = SmallStudy::new(&base, &home, &more);
        let outcome = study.run(&["measure"]).expect(3);
        outcome.says(place).says("nest.toml:").says("help: ");
        assert!(!outcome.stderr.contains("4711"), "{}", outcome.stderr);
        assert!(!study.path.join("measurements.json").exists());
    }
    let request = [(
        "home",
        20.0,
        "steps = [{ get = \"/\" }, { get = \"/a?page=1&secret=pw-4711\" }]",
    )];
    let outcome = SmallStudy::new(&server.url(""), &request, plain)
        .run(&["measure"])
        .expect(3);
    outcome.says("behaviours/home.toml:1:").says("env(\"NAME\")");
    assert!(!outcome.stderr.contains("4711"), "{}", outcome.stderr);
    assert!(server.asked().is_empty());
}

#[test]
fn a_secret_in_a_url_of_the_command_line_is_refused_and_not_repeated() {
    let server = Server::start(|_| Reply::text("right"));
    let folder = tempfile::tempdir().expect("a folder");
    let address = server.address;
    let study = SmallStudy::new(
        &server.url(""),
        &[("home", 20.0, "steps = [{ get = \"/\" }]")],
        "[customers]\n",
    );
    let with_user = format!("http://me:pw-4711@{address}/");
    let with_key = format!("http://{address}/?sig=pw-4711");
    for url in [&with_user, &with_key] {
        let overridden = format!("target.base_url={url}");
        for outcome in [
            nest(folder.path(), &["load", url, "--requests", "1"]).expect(2),
            nest(
                folder.path(),
                &["load", url, "--behaviour", "x.toml", "--requests", "1"],
            )
            .expect(2),
            nest(folder.path(), &["init", "--url", url, "new"]).expect(3),
            nest(
                folder.path(),
                &["pricing", "fetch", "azure", "westeurope", "--url", url],
            )
            .expect(2),
            study.run(&["measure", "--set", &overridden]).expect(3),
            study
                .run(&["measure", "--set", &format!("target.proxy={url}")])
                .expect(3),
        ] {
            assert!(!outcome.stderr.contains("4711"), "{}", outcome.stderr);
            assert!(
                outcome.stderr.contains("hint: ") || outcome.stderr.contains("help: "),
                "{}",
                outcome.stderr
            );
        }
    }
    let host = ["load", &server.url("/"), "--allow-host", "me:pw-4711@shop.test"];
    let outcome = nest(folder.path(), &host).expect(2);
    assert!(!outcome.stderr.contains("4711"), "{}", outcome.stderr);
    assert!(!folder.path().join("new").exists() && server.asked().is_empty());
}

#[test]
fn a_secret_in_the_source_of_a_price_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let book = fs::read_to_string(repository().join("pricing/aws/us-east-1.toml")).expect("there");
    let place = book.find("url = \"").expect("a source") + "url = \"".len();
    let end = place + book[place..].find('"').expect("closed");
    let url = "https://me:pw-4711@prices.example/list?sig=pw-4711";
    fs::write(
        folder.path().join("book.toml"),
        format!("{}{url}{}", &book[..place], &book[end..]),
    )
    .expect("written");
    let outcome = nest(folder.path(), &["pricing", "validate", "book.toml"]).expect(3);
    outcome.says("book.toml:").says("help: ");
    assert!(!outcome.stderr.contains("4711"), "{}", outcome.stderr);
}
