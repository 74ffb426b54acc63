//! Every committed report, and a comparison of two runs, in headless Chromium: light, dark, on a phone, on
//! paper, and in forced colours. One browser looks at all of them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    compare::two_runs,
    support::{
        browser::{Browser, Medium},
        nest, repository,
    },
};

/// What a page shows wrongly, told by the page.
const CHECKS: &str = include_str!("support/page_checks.js");
/// Violations of accessibility that axe-core finds, with the first elements of each.
const AXE: &str = "axe.run(document, { resultTypes: ['violations'] }).then((found) => found.violations.map(
    (one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.target.join(' ')).join(', ')}`))";
/// Most sheets of paper that a report of one set-up or three takes; four set-ups take one more.
const MOST_PAGES: [(&str, usize); 4] = [
    ("shop", 4),
    ("minimum-payment", 4),
    ("nginx", 4),
    ("migration", 5),
];

const LIGHT: Medium = Medium {
    name: "light",
    width: 1280,
    media: "screen",
    scheme: "light",
    forced_colours: false,
};
const MEDIA: [Medium; 6] = [
    LIGHT,
    Medium {
        name: "dark",
        scheme: "dark",
        ..LIGHT
    },
    Medium {
        name: "phone",
        width: 390,
        ..LIGHT
    },
    Medium {
        name: "paper",
        width: 700,
        media: "print",
        ..LIGHT
    },
    Medium {
        name: "forced colours",
        forced_colours: true,
        ..LIGHT
    },
    Medium {
        name: "dark forced colours",
        scheme: "dark",
        forced_colours: true,
        ..LIGHT
    },
];

#[test]
fn every_page_can_be_read_in_every_medium_and_asks_for_nothing() {
    let axe = axe();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut browser = Browser::start();
    let pages = committed().into_iter().chain([comparison(folder.path())]);
    for page in pages {
        let name = page.strip_prefix(repository()).unwrap_or(&page).display();
        assert_quiet(&page, &browser.open(&page));
        assert!(
            browser.evaluate("document.querySelectorAll('h1, table').length > 1") == Value::Bool(true),
            "{name} is there"
        );
        browser.evaluate(&axe);
        for medium in MEDIA {
            browser.look_at(medium);
            // Forced colours are the browser's own: what axe says of all else does not change.
            if !medium.forced_colours {
                assert_eq!(
                    browser.evaluate(AXE),
                    Value::Array(Vec::new()),
                    "{name}, {}",
                    medium.name
                );
            }
            assert_eq!(
                browser.evaluate(CHECKS),
                Value::Array(Vec::new()),
                "{name}, {}",
                medium.name
            );
        }
        // What is folded away must fit too.
        browser.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })");
        for medium in &MEDIA[..3] {
            browser.look_at(*medium);
            assert_eq!(
                browser.evaluate(CHECKS),
                Value::Array(Vec::new()),
                "{name} unfolded, {}",
                medium.name
            );
        }
    }
}

#[test]
fn a_report_prints_on_few_pages() {
    let mut browser = Browser::start();
    for (study, most) in MOST_PAGES {
        browser.open(&repository().join("reports").join(study).join("report.html"));
        let pages = browser.printed_pages();
        assert!((1..=most).contains(&pages), "{study}: {pages} pages");
    }
}

#[test]
fn the_checks_of_a_page_find_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = folder.path().join("page.html");
    let text = "<!doctype html><body style='background:#fff'><p style='color:#bbb'>pale</p>\
        <figure><svg width='200' height='40'><text x='0' y='20'>first</text><text x='4' y='20'>second</text>\
        <text x='190' y='36'>outside</text></svg></figure><div style='width:2000px'>.</div>\
        <img src='http://example.invalid/x.png'><script>console.log('said')</script>";
    fs::write(&page, text).expect("written");
    let mut browser = Browser::start();
    let events = browser.open(&page);
    browser.look_at(LIGHT);
    let found = browser.evaluate(CHECKS).to_string();
    for what in [
        "contrast of 1.92: pale",
        "cut: outside",
        "first / second",
        "px wide on a screen",
    ] {
        assert!(found.contains(what), "{what} in {found}");
    }
    assert_eq!(requests(&events).len(), 2, "the file and the picture");
    assert!(!messages(&events).is_empty());
}

/// The report of every study that has one here.
fn committed() -> Vec<PathBuf> {
    let reports = fs::read_dir(repository().join("reports")).expect("reports are committed");
    let mut pages: Vec<PathBuf> = reports
        .map(|entry| entry.expect("readable").path().join("report.html"))
        .filter(|page| page.exists())
        .collect();
    pages.sort();
    assert!(pages.len() >= 4, "{pages:?}");
    pages
}

/// The page of two runs of which one uses more.
fn comparison(folder: &Path) -> PathBuf {
    let study = two_runs(folder, 0.004);
    let page = folder.join("runs.html");
    let path = page.to_str().expect("UTF-8");
    nest(&study, &["compare", "runs", "older", "newer", "--html", path]).expect(0);
    page
}

/// The script of axe-core.
fn axe() -> String {
    let libraries = repository().join("target/tools/axe/lib");
    let found = fs::read_dir(&libraries).ok().and_then(|pythons| {
        let scripts = pythons.filter_map(Result::ok);
        scripts
            .map(|python| {
                python
                    .path()
                    .join("site-packages/axe_playwright_python/axe.min.js")
            })
            .find(|script| script.exists())
    });
    let script =
        found.unwrap_or_else(|| panic!("no axe-core in {}: tests/run installs it", libraries.display()));
    fs::read_to_string(script).expect("readable")
}

/// A page asks for nothing but itself and says nothing.
fn assert_quiet(page: &Path, events: &[Value]) {
    assert_eq!(requests(events), [format!("file://{}", page.display())]);
    assert!(messages(events).is_empty(), "{:#?}", messages(events));
    let text = fs::read_to_string(page).expect("readable");
    assert!(!text.contains("<script") && !text.contains(" src=\"http") && !text.contains("@import"));
}

/// What was asked for, `data:` aside: that is part of the file.
fn requests(events: &[Value]) -> Vec<&str> {
    let requests = events
        .iter()
        .filter(|event| event["method"] == "Network.requestWillBeSent");
    let urls = requests.filter_map(|event| event["params"]["request"]["url"].as_str());
    urls.filter(|url| !url.starts_with("data:")).collect()
}

/// Messages on the console, and errors.
fn messages(events: &[Value]) -> Vec<&Value> {
    let says = [
        "Runtime.consoleAPICalled",
        "Runtime.exceptionThrown",
        "Log.entryAdded",
    ];
    let is_message = |event: &&Value| {
        event["method"]
            .as_str()
            .is_some_and(|method| says.contains(&method))
    };
    events.iter().filter(is_message).collect()
}
