//! Locustfiles that make what cannot be counted, or only in part: the run says so.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::sleep,
    time::Duration,
};

use nest_data::{Caveat, measurement::Validity};

use super::{OwnStudy, loaded};
use crate::support::{
    assert_balanced, measurements,
    server::{Reply, Server},
    start,
};

const SHOP: &str = r#"
from locust import FastHttpUser, HttpUser, SequentialTaskSet, constant, constant_throughput, task


class Shop(HttpUser):
    wait_time = constant_throughput(5)

    def on_start(self):
        self.client.post("/login")

    def on_stop(self):
        self.client.get("/bye")

    @task(4)
    def browse(self):
        self.client.get("/items")
        self.client.get("/picture")

    @task
    def pay(self):
        self.client.post("/pay")

    @task
    def search(self):
        self.client.get("/search")


class Reader(FastHttpUser):
    wait_time = constant(0.2)

    @task
    class Read(SequentialTaskSet):
        @task
        def first(self):
            self.client.get("/first")

        @task
        def second(self):
            self.client.get("/second")
"#;
const BEHAVIOURS: &str = "browse = \"Shop.browse\"\npay = \"Shop.pay\"\nread = \"Read\"\n";
const RATES: &str = "browse = \"20 / day\"\npay = \"5 / day\"\nread = \"10 / day\"\n";

#[test]
fn load_what_a_locustfile_hides_raises_caveats() {
    for (arrival, think) in [("closed", "think = \"200ms\"\n"), ("open", "")] {
        let server = Server::start(|_| Reply::text("hello"));
        let study = OwnStudy::new(
            &server.url(""),
            SHOP,
            BEHAVIOURS,
            RATES,
            &format!(
                "arrival = \"{arrival}\"\n{think}[measure]\nwindow = \"1s\"\nwindows = 2\n\
                 settle = \"1s\"\n\
                 pilot = \"300ms\"\nbase = 0.001\nboost = 0.002\ncustomers = [40]\nmax_rate = 100\n"
            ),
        );
        study.measure().expect(0);
        let measured = measurements(&study.path());
        assert_balanced(&measured);
        println!("{arrival}: {:?}", measured.caveats);
        let inner = Caveat::LocustInner {
            behaviours: ["browse", "read"].map(str::to_owned).to_vec(),
        };
        assert!(measured.caveats.contains(&inner), "{:?}", measured.caveats);
        let paced = Caveat::LocustClosed {
            classes: vec!["Shop".to_owned()],
        };
        assert_eq!(measured.caveats.contains(&paced), arrival == "closed");
        let outside = measured.caveats.iter().find_map(|caveat| match caveat {
            Caveat::LocustOutside { requests, share, of } => Some((*requests, *share, of)),
            _ => None,
        });
        // In open load users log in while the pilot runs, and stay.
        assert!(outside.is_some() || arrival == "open", "nothing counts logins");
        if let Some((requests, share, of)) = outside {
            assert!(of.contains(&"Shop.on_start".to_owned()), "{of:?}");
            assert_eq!(
                of.contains(&"Shop.search".to_owned()),
                arrival == "closed",
                "{of:?}"
            );
            assert!(requests > 0 && share > 0.01 && share < 0.6, "{requests}: {share}");
        }
        let asked = |path: &str| server.asked().iter().filter(|asked| asked.path == path).count();
        assert_eq!(asked("/items"), asked("/picture"));
        assert_eq!(asked("/first"), asked("/second"));
    }
}

#[test]
fn a_login_that_fails_is_named_as_the_reason() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/login" => Reply::status(401),
        _ => Reply::text("hello"),
    });
    let text = SHOP.replace(
        "        self.client.post(\"/login\")\n",
        "        self.client.post(\"/login\").raise_for_status()\n",
    );
    for named in ["", "login = \"Shop.on_start\"\n"] {
        let rate = if named.is_empty() {
            ""
        } else {
            "login = \"1 / day\"\n"
        };
        let study = OwnStudy::new(
            &server.url(""),
            &text,
            &format!("{BEHAVIOURS}{named}"),
            &format!("{RATES}{rate}"),
            "[measure]\npilot = \"300ms\"\n",
        );
        study
            .measure()
            .expect(6)
            .says("behaviour `browse`")
            .says("Shop.on_start")
            .says("HTTPError at locustfile.py:9");
    }
}

#[test]
fn load_a_login_that_fails_later_is_named_in_its_step() {
    let shut = Arc::new(AtomicBool::new(false));
    let is_shut = Arc::clone(&shut);
    let server = Server::start(move |asked| {
        if asked.path == "/login" && is_shut.load(Ordering::Relaxed) {
            Reply::status(503)
        } else {
            sleep(Duration::from_millis(20));
            Reply::text("hello")
        }
    });
    let text = SHOP.replace(
        "        self.client.post(\"/login\")\n",
        "        self.client.post(\"/login\").raise_for_status()\n",
    );
    let study = OwnStudy::new(
        &server.url(""),
        &text,
        BEHAVIOURS,
        RATES,
        "[measure]\nwindow = \"1s\"\nwindows = 2\nsettle = \"1s\"\npilot = \"300ms\"\nbase = 0.001\n\
         boost = 0.002\ncustomers = [4000]\nmax_rate = 200\n",
    );
    let mut run = start(study.folder.path(), &["measure", "study", "--yes"]);
    // The users of the pilot are in; those whom the steps need besides are not let in.
    run.wait_for("step 1 of");
    shut.store(true, Ordering::Relaxed);
    run.finish();
    let measured = measurements(&study.path());
    let named = loaded(&measured)
        .flat_map(|step| &step.failures)
        .any(|failure| failure.request == "Shop.on_start" && failure.reason.contains("no user can begin"));
    assert!(named, "{:?}", measured.steps.last());
    let worst = loaded(&measured).map(|step| step.verdict.validity).max();
    assert!(worst > Some(Validity::Valid));
}
