//! Functions: cold starts that are stated, assumed or unknown, and files that a function does not keep.

use nest_data::{Caveat, caveat::StateEvidence, projection::MoneyEstimate};

use super::*;

/// Everything but the database on functions, whose processors are as fast as the measured ones.
const FUNCTIONS: &str = r#"
[configs.functions]
platform = "function"
book = "example/one"
host = "example"
memory_mb = 1769
speed = [1.0, 1.0]
[[configs.functions.place]]
platform = "database"
tier = "db"
sku = "db.two-cores"
speed = [1.0, 1.0]
"#;

fn total(text: &str) -> f64 {
    let projection = projected(text);
    let bill = &config(&projection, "functions").bill;
    bill.total.value.0.to_f64().expect("a float")
}

/// The same study and book with Lambda as the host, where nothing but cold starts is uncertain.
fn on_lambda(text: &str) -> Projection {
    let text = text
        .edit("example/one", "aws/one")
        .edit("host = \"example\"", "host = \"lambda\"")
        .edit("[0.9, 1.1]", "[1.0, 1.0]")
        .edit("range = [\"1%\", \"5%\"]\n", "");
    let book = BOOK
        .edit("provider = \"example\"", "provider = \"aws\"")
        .edit("example.", "lambda.");
    let book = PriceBook::read(&Source::new("book", book)).unwrap_or_else(|found| panic!("{found:#?}"));
    let study = study(&text);
    let mut model = model(&study);
    for resource in &mut model.resources {
        resource.covariance = vec![vec![0.0; 4]; 4];
    }
    model.draws.count = 4_000;
    project(&model, &study, &[book], &options()).unwrap_or_else(|error| panic!("{error}"))
}

/// Warm requests take 18, 42 and 102 ms: the processor time of `app`, and that of `db` and 2 ms of waiting.
/// 100,000 customers make 60,833,333, 6,083,333 and 912,500 of them in a month.
#[test]
fn a_stated_cold_start_is_billed_at_its_share_of_the_requests() {
    let cold = FUNCTIONS.edit(
        "speed = [1.0, 1.0]\n[[",
        "speed = [1.0, 1.0]\ncold_start = { share = \"2%\", extra_ms = 400 }\n[[",
    );
    // 1769 MB are 1.7275390625 GiB: 2,493,832.202 GiB-seconds warm, and 8 ms more for each request make
    // 3,431,252.482. The database is 730 hours at 0.2.
    let (warm, with_cold) = (146.0 + 54.929_786_496, 146.0 + 70.553_489_077);
    assert!((total(&format!("{STUDY}{FUNCTIONS}")) - warm).abs() < 1e-6);
    let stated = total(&format!("{STUDY}{cold}"));
    assert!((stated - with_cold).abs() < 1e-6, "{stated}");
}

#[test]
fn an_unstated_cold_start_costs_what_the_middle_of_the_public_range_costs() {
    let assumed = on_lambda(&format!("{STUDY}{FUNCTIONS}"));
    // Half of 1 %, and the geometric middle of 13.8 and 2,502 ms.
    let middle = format!(
        "speed = [1.0, 1.0]\ncold_start = {{ share = 0.005, extra_ms = {} }}\n[[",
        (13.8_f64 * 2_502.0).sqrt()
    );
    let stated = on_lambda(&format!(
        "{STUDY}{}",
        FUNCTIONS.edit("speed = [1.0, 1.0]\n[[", &middle)
    ));
    let money = |projection: &Projection| config(projection, "functions").bill.total;
    let (drawn, exact): (MoneyEstimate, MoneyEstimate) = (money(&assumed), money(&stated));
    assert_eq!(drawn.value, exact.value);
    assert!(
        (exact.high - exact.low).abs() < 1e-9,
        "nothing is uncertain: {exact:?}"
    );
    assert!(drawn.low < exact.low && drawn.high > exact.high, "{drawn:?}");
    let caveats = |projection: &Projection| -> Vec<Caveat> {
        let about_cold_starts = |caveat: &&Caveat| {
            matches!(
                caveat,
                Caveat::ColdStartAssumed { .. } | Caveat::ColdStartUnknown { .. }
            )
        };
        projection
            .caveats
            .iter()
            .filter(about_cold_starts)
            .cloned()
            .collect()
    };
    let expected = Caveat::ColdStartAssumed {
        config: "functions".to_owned(),
        host: "lambda".to_owned(),
        share: [0.0, 0.01],
        extra_ms: [13.8, 2_502.0],
        observed: ["2021".to_owned(), "2026-08-22".to_owned()],
    };
    assert_eq!(caveats(&assumed), [expected]);
    assert_eq!(caveats(&stated), []);
    // What does not run on functions is the same to the last digit.
    assert_eq!(config(&assumed, "monolith"), config(&stated, "monolith"));
}

/// A draw of the mean extra time is `share x time`; its 5 % quantile is 0, because that of the share is.
#[test]
fn the_cheapest_twentieth_of_the_draws_has_no_cold_starts() {
    let projection = on_lambda(&format!("{STUDY}{FUNCTIONS}"));
    let total = config(&projection, "functions").bill.total;
    // 200.929786 without any cold start; 5 % of 4,000 draws are at the end, give or take four deviations of
    // 14 draws, next to which the share is 0.02 % of requests
    assert!((total.low - 200.929_786).abs() < 0.5, "{total:?}");
    // 1 % of the requests and 2.502 s at once are rarer than one draw in twenty: 25 ms for each request, or
    // 67,829,166.67 x 0.02502 s x 1.7275390625 GiB x 0.0000166667 = 48.86
    assert!(total.high > 205.0 && total.high < 200.93 + 48.87, "{total:?}");
}

#[test]
fn equal_hosts_have_equal_cold_starts_in_every_draw() {
    let twin = FUNCTIONS
        .edit("configs.functions", "configs.twin")
        .edit("memory_mb = 1769", "memory_mb = 1769\narch = \"x86_64\"");
    let projection = on_lambda(
        &format!("{STUDY}{FUNCTIONS}{twin}").edit("config = \"monolith\"", "config = \"functions\""),
    );
    let comparison = projection.comparison.expect("three configurations");
    let twin = comparison
        .totals
        .iter()
        .find(|total| total.config == "twin")
        .expect("configured");
    assert_eq!((twin.change.low, twin.change.high), (0.0, 0.0));
    assert!(twin.total.high > twin.total.low);
}

#[test]
fn a_host_without_public_figures_counts_no_cold_start_and_says_so() {
    let projection = projected(&format!("{STUDY}{FUNCTIONS}"));
    let unknown = Caveat::ColdStartUnknown {
        config: "functions".to_owned(),
        host: "example".to_owned(),
        share_is_public: false,
        time_is_public: false,
    };
    assert!(projection.caveats.contains(&unknown), "{:?}", projection.caveats);
    let text = unknown.to_string();
    assert!(
        text.contains("None are counted, so that response times and cost are at least"),
        "{text}"
    );
}

/// The tier `app` writes 8,000 bytes with each `pay`, and next to nothing else.
fn writing(text: &str) -> Vec<Caveat> {
    let projection = projected_with(text, "", |model| {
        let mut disk = model.resources[0].clone();
        disk.name = "app/disk".to_owned();
        disk.kind = nest_data::measurement::ResourceKind::Disk;
        disk.capacity = None;
        let bytes = |value: f64, low: f64| Estimate {
            value,
            standard_error: 1.0,
            low,
            high: value + 200.0,
        };
        disk.demand = [
            ("browse", bytes(0.4, 0.0)),
            ("check", bytes(30.0, 0.0)),
            ("pay", bytes(8_000.0, 7_800.0)),
        ]
        .map(|(name, moved)| (name.to_owned(), moved))
        .into();
        model.resources.push(disk);
    });
    let is_local = |caveat: &Caveat| matches!(caveat, Caveat::LocalState { .. });
    projection.caveats.into_iter().filter(is_local).collect()
}

#[test]
fn files_of_a_tier_that_moves_to_functions_need_a_replacement() {
    let found = writing(&format!("{STUDY}{FUNCTIONS}"));
    let expected = Caveat::LocalState {
        config: "functions".to_owned(),
        tier: "app".to_owned(),
        shown_by: StateEvidence::DiskUse {
            behaviour: "pay".to_owned(),
            bytes: 8_000.0,
        },
    };
    assert_eq!(found, [expected]);
    assert!(
        found[0]
            .to_string()
            .contains("(8.0 kB to or from its disk per execution of pay)")
    );
    let replaced = FUNCTIONS.edit(
        "memory_mb = 1769",
        "memory_mb = 1769\nfiles_replaced_by = \"the database tier\"",
    );
    assert_eq!(writing(&format!("{STUDY}{replaced}")), []);
}

#[test]
fn only_what_moves_needs_a_replacement() {
    let moved = MOVED.edit(
        "platform = \"function\"",
        "platform = \"function\"\nhost = \"example\"",
    );
    assert_eq!(writing(&format!("{STUDY}{moved}")).len(), 1, "`pay` moves");
    let browsing = moved.edit("behaviours = [\"pay\"]", "behaviours = [\"browse\", \"check\"]");
    assert_eq!(writing(&format!("{STUDY}{browsing}")), []);
}

#[test]
fn stored_data_needs_a_place_where_everything_is_functions() {
    let data = "[data]\nitem = \"stored payment\"\nsizes = [1000, 2000]\nper_customer = 3\n";
    let study = STUDY.edit(
        "base_url = \"http://127.0.0.1:1\"",
        "base_url = \"http://127.0.0.1:1\"\nstate = \"./fill $NEST_SIZE\"",
    );
    let with_database = projected(&format!("{study}{FUNCTIONS}{data}"));
    let is_local = |caveat: &&Caveat| matches!(caveat, Caveat::LocalState { .. });
    assert_eq!(with_database.caveats.iter().find(is_local), None);
    let all = FUNCTIONS.edit(
        "platform = \"database\"\ntier = \"db\"\nsku = \"db.two-cores\"",
        "platform = \"function\"\nhost = \"example\"\nmemory_mb = 1769\ntier = \"db\"",
    );
    let without = projected(&format!("{study}{all}{data}"));
    let found = without
        .caveats
        .iter()
        .find(is_local)
        .expect("nothing could hold it");
    assert!(
        found.to_string().contains("stores data ([data], stored payment)"),
        "{found}"
    );
}

/// What a book with another quantum bills for the same functions, and whether its explanation adds up.
fn billed_in(quantum: &str, cold: &str) -> f64 {
    let text = format!(
        "{STUDY}{}",
        FUNCTIONS.edit("speed = [1.0, 1.0]\n[[", &format!("speed = [1.0, 1.0]\n{cold}[["))
    );
    let old = "quantum = { per = \"invocation\", step = \"1ms\", round = \"up\" }";
    let book = PriceBook::read(&Source::new("book", BOOK.edit(old, quantum)))
        .unwrap_or_else(|found| panic!("{found:#?}"));
    let study = study(&text);
    let asked = ExplainRequest {
        number: "cost",
        config: Some("functions"),
        customers: Some(100_000.0),
    };
    let explained = explain(
        &model(&study),
        &study,
        std::slice::from_ref(&book),
        &options(),
        &asked,
    )
    .unwrap_or_else(|error| panic!("{error}"));
    let projection =
        project(&model(&study), &study, &[book], &options()).unwrap_or_else(|error| panic!("{error}"));
    let total = config(&projection, "functions")
        .bill
        .total
        .value
        .0
        .to_f64()
        .expect("a float");
    assert!(
        (explained.root.number() - total).abs() < 1e-6,
        "{} for {total}",
        explained.root.number()
    );
    let mut open = vec![&explained.root];
    while let Some(node) = open.pop() {
        open.extend(&node.parts);
        let values: Vec<f64> = node.parts.iter().map(ExplanationNode::number).collect();
        if !values.is_empty() {
            let most = values
                .iter()
                .fold(node.number().abs(), |most, value| most.max(value.abs()));
            let difference = (node.basis.apply(&values) - node.number()).abs();
            assert!(difference <= 1e-9 * most + 1e-11, "{}: {}", node.name, node.value);
        }
    }
    total
}

/// Warm requests take 18, 42 and 102 ms, as above; each is billed in the steps that the book states.
#[test]
fn each_request_is_billed_in_the_steps_of_the_book() {
    let requests = [20.0, 2.0, 0.3].map(|rate| 100_000.0 * rate * 365.0 / 12.0);
    let total = |billed_ms: [f64; 3]| {
        let seconds: f64 = requests
            .iter()
            .zip(billed_ms)
            .map(|(requests, ms)| requests * ms / 1e3)
            .sum();
        let beyond_free: f64 = requests.iter().sum::<f64>() - 1e6;
        146.0 + beyond_free * 0.2e-6 + seconds * 1_769.0 / 1_024.0 * 0.000_016_666_7
    };
    let step = |step: &str, more: &str| {
        format!("quantum = {{ per = \"invocation\", step = \"{step}\"{more}, round = \"up\" }}")
    };
    let cold = "cold_start = { share = \"2%\", extra_ms = 400 }\n";
    // Of cold requests, which take 418, 442 and 502 ms, each is rounded on its own.
    let mixed = [100.0, 100.0, 200.0].into_iter().zip([500.0, 500.0, 600.0]);
    let mixed: Vec<f64> = mixed.map(|(warm, cold)| 0.98 * warm + 0.02 * cold).collect();
    for (quantum, cold, billed_ms) in [
        (String::new(), "", [18.0, 42.0, 102.0]),
        (step("1ms", ""), "", [18.0, 42.0, 102.0]),
        (step("100ms", ""), "", [100.0, 100.0, 200.0]),
        (step("1ms", ", minimum = \"100ms\""), "", [100.0, 100.0, 102.0]),
        (step("100ms", ""), cold, [mixed[0], mixed[1], mixed[2]]),
    ] {
        let (billed, expected) = (billed_in(&quantum, cold), total(billed_ms));
        assert!(
            (billed - expected).abs() < 1e-6,
            "{quantum} {cold}: {billed} for {expected}"
        );
    }
}
