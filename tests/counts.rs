//! Usage that is neither processor time nor bytes: tokens of a language model, as the demo shop's answers
//! tell them, against what the shop's own ledger booked.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener},
    path::Path,
};

use nest_data::{
    Estimate, Projection,
    measurement::CountTally,
    projection::{CostLine, DriverKind},
};
use nest_target::Ledger;

use crate::support::{
    SmallStudy, change, free_address, measurements, projection,
    quiet::{Bounds, Forecast, fit},
    scaling, start,
};

/// Days of a month: 365 / 12.
const DAYS: f64 = 365.0 / 12.0;
/// Descriptions that a customer asks for in a day.
const RATE: f64 = 20.0;
/// Customers of the headline, and ten times as many.
const CUSTOMERS: [f64; 2] = [5_000.0, 50_000.0];

const DESCRIBE: &str = r#"
counts = { mail = 1, lost = { json = "$.usage.reasoning_tokens" } }
[[steps]]
post = "/describe"
json = { item = "{{ int(1, 900) }}", words = "{{ int(75, 85) }}" }
counts.tokens_in = { json = "$.usage.prompt_tokens" }
counts.tokens_cached = { json = "$.usage.prompt_tokens_details.cached_tokens" }
counts.tokens_out = { json = "$.usage.completion_tokens" }
"#;

/// Prices of a million tokens: 2.50 to read, 1.25 from the cache, 10 to write. A mail is 0.0001.
const BOOK: &str = r#"
schema = 1
provider = "own"
region = "here"
currency = "USD"
month_hours = "730"
tax = "excluded"
stale_after_days = 3650
[source.contract]
title = "what a model costs us"
observed_on = "2026-11-01"
confidence = "user"
[[instance]]
sku = "box"
arch = "x86_64"
vcpu = "2"
memory_gib = "4"
price = { on_demand = "0.05", unit = "h" }
source = "contract"
[[meter]]
id = "model.input"
unit = "token"
price = { amount = "2.50", per = "1000000" }
source = "contract"
[[meter]]
id = "model.cached"
unit = "token"
price = { amount = "1.25", per = "1000000" }
source = "contract"
[[meter]]
id = "model.output"
unit = "token"
price = { amount = "10", per = "1000000" }
source = "contract"
[[meter]]
id = "mail"
unit = "message"
price = { amount = "0.0001" }
source = "contract"
[[meter]]
id = "queue"
unit = "message"
price = { amount = "0.0000004" }
source = "contract"
"#;

const MORE: &str = r#"
[customers]
[measure]
window = "500ms"
windows = 2
settle = "100ms"
pilot = "300ms"
ramp = [0.2, 0.4]
[configs.today]
platform = "vm"
book = "own/here"
sku = "box"
[configs.today.meters]
"model.input" = { driver = "counts", count = "tokens_in", without = "tokens_cached" }
"model.cached" = { driver = "counts", count = "tokens_cached" }
"model.output" = { driver = "counts", count = "tokens_out" }
mail = { driver = "counts", count = "mail", times = 3 }
queue = { driver = "counts", count = "queued" }
[probes.shop]
tier = "app"
[probes.queue]
tier = "queue"
kind = "prometheus"
scrape = "http://QUEUE/metrics"
counts = { queued = "queue_messages_total" }
"#;

/// Tokens of an execution over all that the shop did: the measured part of a run has the same mean.
const TOKENS: Bounds = Bounds {
    quiet: 0.01,
    disturbed: 0.01,
};

/// Tokens of one description, by the shop's own ledger.
struct Booked {
    prompt: f64,
    cached: f64,
    completion: f64,
}

impl Booked {
    fn by_the_shop(address: SocketAddr) -> Self {
        let ledger = Ledger::read_from(address).expect("the shop answers");
        let executions = ledger.behaviours["describe"].executions as f64;
        Self {
            prompt: ledger.tokens.prompt as f64 / executions,
            cached: ledger.tokens.cached as f64 / executions,
            completion: ledger.tokens.completion as f64 / executions,
        }
    }
}

/// Serves the counter of a queue that takes two messages for each description, as a metrics page. The thread
/// ends with the test.
fn serve_queue(shop: SocketAddr) -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = socket.local_addr().expect("bound");
    std::thread::spawn(move || {
        for connection in socket.incoming().flatten() {
            let lines = BufReader::new(&connection).lines().map_while(Result::ok);
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let ledger = Ledger::read_from(shop).expect("the shop answers");
            let described = ledger
                .behaviours
                .get("describe")
                .map_or(0, |booked| booked.executions);
            let page = format!("queue_messages_total {}\n", 2 * described);
            // A client that has gone away is its own business.
            let _ = write!(
                &connection,
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
                page.len()
            );
        }
    });
    address
}

/// What one description was measured to add to a count.
fn amount(study: &SmallStudy, count: &str) -> Estimate {
    scaling(&study.path).behaviours[0].counts[count]
}

/// What the steps that were measured say of one count of a description.
fn tallied(study: &Path, count: &str) -> CountTally {
    let mut all = CountTally::default();
    for step in measurements(study).steps {
        let completed = step
            .executions
            .get("describe")
            .map_or(0, |counts| counts.completed);
        let tally = step.counts.get("describe").and_then(|counts| counts.get(count));
        let tally = tally.copied().unwrap_or_default();
        assert_eq!(
            tally.executions(),
            completed,
            "every completed execution is in it"
        );
        all.merge(&tally);
    }
    all
}

/// The projection for so many customers.
fn projected(study: &SmallStudy, customers: f64) -> Projection {
    study
        .run(&["project", "--set", &format!("report.customers={customers}")])
        .expect(0);
    projection(&study.path)
}

/// The line of a meter on the bill, which one behaviour causes.
fn line<'p>(projection: &'p Projection, meter: &str) -> &'p CostLine {
    let lines = &projection.configs[0].bill.lines;
    let mut found = lines.iter().filter(|line| line.meter == meter);
    let line = found.next().expect("the meter is on the bill");
    assert_eq!(
        (found.next(), line.behaviour.as_deref()),
        (None, Some("describe"))
    );
    line
}

fn number(text: impl ToString) -> f64 {
    text.to_string().parse().expect("a number")
}

#[test]
fn load_tokens_are_measured_as_the_shop_booked_them_priced_and_forecast() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let address = free_address();
    let listen = address.to_string();
    let mut shop = start(folder.path(), &["shop", "--listen", &listen, "--describe", "1ms"]);
    shop.wait_for("shop ready");
    let study = SmallStudy::new(
        &format!("http://{address}"),
        &[("describe", RATE, DESCRIBE)],
        &MORE.replace("QUEUE", &serve_queue(address).to_string()),
    );
    fs::create_dir_all(study.path.join("pricing/own")).expect("a temporary folder");
    study.write("pricing/own/here.toml", BOOK);
    let is_fitted = TOKENS.hold(|| {
        study.measure();
        let fitted = fit(&study.path)?;
        fitted.says("`lost` of describe is not known for");
        let booked = Booked::by_the_shop(address);
        let of = |count, booked| Forecast::new(count, amount(&study, count).value, booked);
        Some(vec![
            of("tokens_in", booked.prompt),
            of("tokens_out", booked.completion),
        ])
    });
    if !is_fitted {
        return; // too busy a machine for any step
    }
    let booked = Booked::by_the_shop(address);
    // Three of four items are found in the cache, by chance: a binomial share, not within 1 % at this length.
    let cached = amount(&study, "tokens_cached");
    assert!(
        (cached.value - booked.cached).abs() < 4.0 * cached.standard_error,
        "{cached:?}, booked {}",
        booked.cached
    );
    assert_eq!(amount(&study, "mail"), Estimate::exact(1.0));
    let lost = tallied(&study.path, "lost");
    assert!(lost.known == 0 && lost.missing > 100, "{lost:?}");

    for customers in CUSTOMERS {
        assert_priced(&study, customers, &booked);
    }
    let tree = study.run(&["explain", "cost", "--full"]).expect(0).stdout;
    for part in [
        "tokens_out of an execution",
        "mail of an execution",
        "behaviours/describe.toml",
        "mean of an execution",
    ] {
        assert!(tree.contains(part), "{part} in\n{tree}");
    }
    assert_refused(&study, "lost", "pays model.output by the `lost` of `describe`");
    assert_refused(&study, "token_out", "did you mean `tokens_out`?");
}

/// Checks the lines of a bill: each is executions, times the measured amount, times the price.
fn assert_priced(study: &SmallStudy, customers: f64, booked: &Booked) {
    let projection = projected(study, customers);
    let descriptions = customers * RATE * DAYS;
    let amount = |count| amount(study, count).value;
    for (meter, units, price) in [
        (
            "model.input",
            amount("tokens_in") - amount("tokens_cached"),
            2.5e-6,
        ),
        ("model.cached", amount("tokens_cached"), 1.25e-6),
        ("model.output", amount("tokens_out"), 1e-5),
        ("mail", 3.0, 1e-4),
    ] {
        let line = line(&projection, meter);
        let (quantity, amount) = (number(line.quantity), number(line.amount.expect("a price")));
        assert!((quantity / (descriptions * units) - 1.0).abs() < 1e-9, "{line:?}");
        assert!((amount / (quantity * price) - 1.0).abs() < 1e-9, "{line:?}");
    }
    let written = number(line(&projection, "model.output").quantity);
    assert!(
        (written / (descriptions * booked.completion) - 1.0).abs() < 0.01,
        "{written}"
    );
    assert_queued(&projection, descriptions);
    let drivers = &projection.configs[0].bill.drivers;
    for (kind, name) in [
        (DriverKind::Meter, "model.output"),
        (DriverKind::Behaviour, "describe"),
    ] {
        let mut known = drivers.iter().map(|driver| (driver.kind, driver.name.as_str()));
        assert!(known.any(|known| known == (kind, name)), "{name} in {drivers:?}");
    }
    let mut counts = projection.counts.iter();
    assert!(counts.any(|row| (row.behaviour.as_str(), row.count.as_str()) == ("describe", "tokens_out")));
    let mut moved = projection.sensitivity.iter();
    assert!(moved.any(|input| input.input == "tokens_out of describe"));
}

/// Checks the messages of the queue on the bill, with what it would take without load: found by regression
/// over short windows, whose ends its counter does not share with the generator.
fn assert_queued(projection: &Projection, descriptions: f64) {
    let lines = projection.configs[0].bill.lines.iter();
    let queued: f64 = lines
        .filter(|line| line.meter == "queue")
        .map(|line| number(line.quantity))
        .sum();
    let off = queued / (descriptions * 2.0) - 1.0;
    assert!(off.abs() < 0.05, "{:+.1} %", off * 100.0);
}

/// Checks that a projection which pays for output by another count is refused.
fn assert_refused(study: &SmallStudy, count: &str, message: &str) {
    let file = study.path.join("nest.toml");
    let (right, wrong) = (
        "count = \"tokens_out\"".to_owned(),
        format!("count = \"{count}\""),
    );
    change(&file, &right, &wrong);
    study.run(&["project"]).expect(3).says(message);
    change(&file, &wrong, &right);
}
