//! Numbers that nobody means: each is refused where it is read, with its place, and none ends the program.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::support::{
    Outcome, SmallStudy, change, copy_study, nest, replaced, repository,
    server::{Reply, Server},
};

/// Exit code of a file that is invalid, and of wrong usage.
const INVALID: i32 = 3;
const USAGE: i32 = 2;
const TODAY: [&str; 2] = ["--as-of", "2026-12-01"];

/// A copy of a study that was measured and fitted.
struct Fitted {
    folder: tempfile::TempDir,
    path: PathBuf,
}

impl Fitted {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = copy_study("minimum-payment", folder.path());
        let model = repository().join("models/minimum-payment/scaling.json");
        fs::copy(model, path.join("scaling.json")).expect("committed");
        Self { folder, path }
    }

    /// Changes a text of nest.toml.
    fn with(from: &str, to: &str) -> Self {
        let study = Self::new();
        change(&study.path.join("nest.toml"), from, to);
        study
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    fn run(&self, verb: &[&str]) -> Outcome {
        nest(self.folder.path(), &[verb, &["minimum-payment"]].concat())
    }

    fn project(&self) -> Outcome {
        self.run(&[&["project"], &TODAY[..]].concat())
    }
}

/// What ran to its end or said why not: it did not panic.
#[track_caller]
fn came_to_an_end(outcome: Outcome) -> Outcome {
    assert!(
        outcome.code != 101 && outcome.code != -1 && !outcome.stderr.contains("panicked"),
        "{}: {}",
        outcome.code,
        outcome.stderr
    );
    outcome
}

#[test]
fn what_is_no_number_in_a_formula_is_never_a_rate() {
    for formula in [
        "table(0/0, [[1, 1], [2, 2]]) / day",
        "min(0/0, 5) / day",
        "elastic(min_payment, 0, 0.5) / day",
        "(0/0 > 1 ? 1 : 2) / day",
    ] {
        let study = Fitted::with("receipt = \"0.5 / day\"", &format!("receipt = \"{formula}\""));
        let outcome = study.project().expect(INVALID);
        outcome.says("receipt").says("a rate is 0 or more, and finite");
    }
}

#[test]
fn dates_that_leave_the_calendar_are_refused_wherever_they_stand() {
    Fitted::with("start = { date = 2026-12-01", "start = { date = 9999-12-01")
        .project()
        .expect(INVALID)
        .says("from 1900 to 2999")
        .says("nest.toml:");
    Fitted::with("from = 2027-03-01", "from = 0001-03-01")
        .project()
        .expect(INVALID);
    let study = Fitted::new();
    study
        .run(&["project", "--as-of", "9999-12-01"])
        .expect(USAGE)
        .says("1900 to 2999");
    let plan = Fitted::with(
        "[growth.expected]",
        "[growth.planned]\nplan = \"plan.csv\"\n[growth.expected]",
    );
    plan.write("plan.csv", "month,customers\n2027-01,1000\n9999-12,2000\n");
    plan.project().expect(INVALID).says("line 3").says("1900 to 2999");
    plan.write("plan.csv", "month,customers\n2027-01,1000\n2999-12,2000\n");
    plan.project()
        .expect(INVALID)
        .says("covers 11675 months")
        .says("months = 240");
    // The last day that is accepted is one that works.
    came_to_an_end(Fitted::with("start = { date = 2026-12-01", "start = { date = 2999-12-01").project())
        .expect(0);
}

#[test]
fn adjustments_cannot_multiply_a_price_without_end() {
    let book = "schema = 1\nprovider = \"aws\"\nregion = \"us-east-1\"\ncurrency = \"USD\"\nmonth_hours = \
                \"730\"\ntax = \"excluded\"\nstale_after_days = 180\n[source.contract]\ntitle = \"ours\"\n\
                observed_on = \"2026-11-03\"\nconfidence = \"user\"\n[[instance]]\nsku = \"m7i.large\"\n\
                arch = \"x86_64\"\nvcpu = \"2\"\nmemory_gib = \"8\"\n\
                price = { on_demand = \"0.1008\", unit = \"h\" }\nsource = \"contract\"\n";
    let adjusted = |count: usize, percent: &str| {
        let one = |order: usize| {
            format!(
                "[[adjustment]]\norder = {order}\nkind = \"percent\"\npercent = \"{percent}\"\n\
                 selector = \"m7i*\"\nlabel = \"number {order}\"\n"
            )
        };
        let study = Fitted::new();
        let all: String = (1..=count).map(one).collect();
        study.write("pricing/aws/us-east-1.toml", &format!("{book}{all}"));
        study.project()
    };
    adjusted(150, "50")
        .expect(INVALID)
        .says("multiply the price of `m7i.large`");
    adjusted(3, "1000").expect(INVALID).says("by 1331");
    adjusted(2, "50").expect(0);
    adjusted(150, "-50").expect(0);
}

#[test]
fn amounts_beyond_exact_arithmetic_are_refused_with_their_place() {
    let study = Fitted::new();
    study.project().expect(0);
    study.run(&["report"]).expect(0);
    let projection = study.path.join("reports/projection.json");
    let text = fs::read_to_string(&projection).expect("projected");
    let mut json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    json["configs"][0]["bill"]["total"]["value"] = "79000000000000000000000000000".into();
    fs::write(&projection, json.to_string()).expect("written");
    study
        .run(&["report"])
        .expect(INVALID)
        .says("projection.json")
        .says("up to 10^18");

    let meter = "\"egress.internet\" = \"bytes_sent\"";
    let many = "\"egress.internet\" = { driver = \"bytes_sent\", times = 1e14 }";
    Fitted::with(meter, many)
        .project()
        .expect(INVALID)
        .says("too large to be priced")
        .says("configuration `monolith`");
    let tiny = Fitted::with("price = \"36.00\"", "price = \"0.0000000000000000000000000001\"");
    came_to_an_end(tiny.project()).expect(0);
}

#[test]
fn explain_answers_for_the_number_of_customers_that_was_asked_or_not_at_all() {
    let study = Fitted::new();
    for customers in ["1e12", "inf", "0", "0.5", "NaN", "1e300"] {
        study
            .run(&["explain", "cost", "--customers", customers])
            .expect(USAGE)
            .says("from 1 to 100000000000");
    }
    let explain = |customers: &str| {
        let verb = [
            &["explain", "cost", "--customers", customers, "--format", "json"],
            &TODAY[..],
        ]
        .concat();
        study.run(&verb).expect(0).stdout
    };
    assert_ne!(explain("1"), explain("1e11"));
    let quantity = |units: &str| {
        let verb = [
            "pricing",
            "show",
            "aws/us-east-1",
            "egress.internet",
            "--quantity",
            units,
        ];
        nest(study.folder.path(), &verb)
    };
    quantity("1e6").expect(USAGE);
    quantity("1000000000000000000")
        .expect(USAGE)
        .says("1000000000000000");
    came_to_an_end(quantity("1000000000000000")).expect(0);
}

#[test]
fn growth_refuses_a_series_that_leaves_what_numbers_can_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    let row = |series: &str, period: i32, value: f64| format!("{series},{period},{value:e}\n");
    let near_the_end = (1..=12).map(|period| row("near", period, 1e307 * f64::from(period)));
    let squared = (1..=40).map(|period| row("squared", period, 2_f64.powf(f64::from(period * period) / 8.0)));
    let calm = (1..=12).map(|period| row("calm", period, f64::from(period)));
    let all: String = near_the_end.chain(squared).chain(calm).collect();
    fs::write(folder.path().join("h.csv"), format!("series,period,value\n{all}")).expect("written");
    let outcome = nest(folder.path(), &["growth", "h.csv", "--horizon", "500"]).expect(0);
    outcome
        .says("near: refused")
        .says("squared: refused")
        .says("use a shorter --horizon");
    assert!(
        !outcome.stdout.contains("inf") && outcome.stdout.contains("calm"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn a_document_without_a_format_of_ours_is_refused() {
    let study = Fitted::new();
    let path = study.path.join("scaling.json");
    let text = fs::read_to_string(&path).expect("copied");
    fs::write(&path, replaced(&text, "\"format\": 3", "\"format\": 0")).expect("written");
    study.project().expect(INVALID).says("format 0 is older");
    let measured = repository().join("models/migration/measurements.json");
    let text = fs::read_to_string(measured).expect("committed");
    let zero = text.replacen("\"format\": ", "\"format\": 0, \"was\": ", 1);
    fs::write(study.path.join("measurements.json"), zero).expect("written");
    study.run(&["fit"]).expect(INVALID).says("format 0 is older");
}

#[test]
fn counts_whose_sums_would_overflow_are_refused() {
    let study = Fitted::new();
    let measured = repository().join("models/migration/measurements.json");
    let text = fs::read_to_string(measured).expect("committed");
    let mut json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for counts in json["steps"][2]["executions"]
        .as_object_mut()
        .expect("counts")
        .values_mut()
    {
        counts["due"] = u64::MAX.into();
    }
    fs::write(study.path.join("measurements.json"), json.to_string()).expect("written");
    study
        .run(&["fit"])
        .expect(INVALID)
        .says("18446744073709551615 is larger than any count");
    // The same in a step of a run: it is left out and named.
    let run = study.path.join("runs/20260101T000000Z");
    fs::create_dir_all(run.join("steps")).expect("made");
    let manifest = r#"{"started_at":"","study_hash":"","machine":MACHINE,"state":"interrupted"}"#;
    let manifest = manifest.replace("MACHINE", &json["machine"].to_string());
    fs::write(run.join("run.json"), manifest).expect("written");
    let mut step = json["steps"][2].clone();
    step["plan"]["index"] = u64::MAX.into();
    fs::write(run.join("steps/002.json"), step.to_string()).expect("written");
    let shown = study.run(&["runs", "show", "20260101T000000Z"]).expect(0);
    shown.says("002.json is damaged").says("larger than any count");
}

#[test]
fn no_name_of_a_price_book_leads_out_of_its_folder() {
    let secret = "SECRET-4711 = [\n";
    for book in ["../../secret", "../secret", "aws/../../../secret"] {
        let study = Fitted::with("book = \"aws/us-east-1\"", &format!("book = \"{book}\""));
        for place in ["secret.toml", "minimum-payment/secret.toml"] {
            fs::write(study.folder.path().join(place), secret).expect("written");
        }
        let outcome = study.project().expect(INVALID);
        outcome.says("which does not exist");
        assert!(!outcome.stderr.contains("4711"), "{}", outcome.stderr);
    }
    let study = Fitted::new();
    let outside = study.folder.path().join("secret.toml");
    fs::write(&outside, secret).expect("written");
    fs::create_dir_all(study.path.join("pricing/aws")).expect("made");
    std::os::unix::fs::symlink(&outside, study.path.join("pricing/aws/us-east-1.toml")).expect("linked");
    let outcome = study.project();
    assert!(
        outcome.code != 0 && !outcome.stderr.contains("4711"),
        "{}",
        outcome.stderr
    );
}

/// A server with a page of metrics whose counter jumps once.
fn jumping_server() -> Server {
    let pages = AtomicU64::new(0);
    Server::start(move |asked| {
        if asked.path != "/metrics" {
            return Reply::text("ok");
        }
        let page = pages.fetch_add(1, Ordering::Relaxed);
        let seconds = if page < 4 {
            0.01 * page as f64
        } else {
            1e15 + page as f64
        };
        Reply::text(format!(
            "process_cpu_seconds_total {seconds}\nprocess_resident_memory_bytes 1e6\n"
        ))
    })
}

#[test]
fn a_counter_that_jumps_is_named_and_no_plan_is_made_from_it() {
    let server = jumping_server();
    let more = format!(
        "[probes.app]\nkind = \"prometheus\"\nscrape = \"{}\"\npreset = \"process\"\n\
         cores = 2\n[customers]\n[measure]\npilot = \"300ms\"\nwindow = \"1s\"\nwindows = 2\n",
        server.url("/metrics")
    );
    let study = SmallStudy::new(
        &server.url(""),
        &[("home", 20.0, "steps = [{ get = \"/\" }]")],
        &more,
    );
    let outcome = came_to_an_end(study.run(&["measure", "--plan"])).expect(6);
    outcome.says("tier `app` was busy for").says("the reading jumped");
}

#[test]
fn loads_that_hardly_ever_come_end_no_worker() {
    let server = Server::start(|_| {
        let sum = (0..1_000_000_u64).fold(1, |sum, n| std::hint::black_box(sum ^ (n << 1)));
        Reply::text(sum.to_string())
    });
    let study = |customers: &str, measure: &str| {
        let probe = format!("[probes.app]\npid = {}\n", std::process::id());
        let more = format!(
            "[customers]\n{customers}\n[measure]\npilot = \"300ms\"\nwindow = \"300ms\"\nwindows = 2\n\
             settle = \"100ms\"\n{measure}\n{probe}"
        );
        let behaviours = [
            ("home", 20.0, "steps = [{ get = \"/\" }]"),
            ("rare", 1e-300, "steps = [{ get = \"/rare\" }]"),
        ];
        SmallStudy::new(&server.url(""), &behaviours, &more)
    };
    study("", "customers = [1e-300]")
        .run(&["measure"])
        .expect(INVALID)
        .says("from 0.001 to 1e11");
    let endless = "arrival = \"partly-open\"\nsession = { behaviours = 1e300 }\nthink = \"1s\"";
    study(endless, "")
        .run(&["measure"])
        .expect(INVALID)
        .says("behaviours");
    let slow = "arrival = \"partly-open\"\nsession = { behaviours = 1000000 }\n\
                think = { dist = \"lognormal\", median = \"1us\", p95 = \"3650d\" }";
    for (customers, measure) in [("", "customers = [0.001]\nramp = [0.2]"), (slow, "ramp = [0.2]")] {
        let outcome = came_to_an_end(study(customers, measure).run(&["measure"]));
        assert!(!outcome.stderr.contains("worker"), "{}", outcome.stderr);
    }
}

#[test]
fn a_rate_that_no_generator_can_send_is_refused() {
    for rate in ["1e300", "1000001", "0"] {
        let more = format!("[customers]\n[measure]\nmax_rate = {rate}\n");
        let behaviour = ("home", 20.0, "steps = [{ get = \"/\" }]");
        let study = SmallStudy::new("http://127.0.0.1:9", &[behaviour], &more);
        study
            .run(&["measure", "--plan", "--dry"])
            .expect(INVALID)
            .says("above zero, at most 1,000,000");
    }
}
