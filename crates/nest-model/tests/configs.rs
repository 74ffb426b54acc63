//! Configurations of several tiers and platforms: what they cost, what still binds, and that every way of
//! adding up agrees.

mod edited;

use std::collections::BTreeMap;

use edited::Edit;
use nest_data::{
    Document, Estimate, Explanation, PriceBook, Projection, ScalingModel, Source, Study,
    explanation::{Basis, ExplanationNode},
    projection::{BreakKind, ConfigProjection, CostDriver, first_break},
    scaling::{BehaviourFacts, BottleneckEvidence, BottleneckNode, HiddenBottleneck, ThroughputLaw},
    study_file::{StudyTexts, read_study},
};
use nest_model::{
    ProjectOptions,
    explain::{ExplainRequest, explain},
    project,
};
use proptest::prelude::*;
use rust_decimal::{Decimal, prelude::ToPrimitive};

const BEHAVIOURS: [(&str, f64, f64); 3] = [
    ("browse", 0.012, 0.004),
    ("check", 0.030, 0.010),
    ("pay", 0.080, 0.020),
];

const STUDY: &str = r#"
nest = 1
[study]
name = "Two tiers"
customer = "a person with an account"
[target]
base_url = "http://127.0.0.1:1"
[customers]
peak_hour_share = "12%"
burst = 1.5
[rates]
browse = "20 / day"
check = "2 / day"
pay = "0.3 / day"
[growth.steady]
start = { date = 2027-01-01, customers = 100_000 }
monthly = "3%"
range = ["1%", "5%"]
months = 12
[report]
config = "monolith"
[configs.monolith]
platform = "vm"
book = "example/one"
sku = "two-cores"
min = 1
spare = 1
reserve = "40%"
speed = [0.9, 1.1]
[[configs.monolith.place]]
platform = "database"
tier = "db"
sku = "db.two-cores"
speed = [1.0, 1.0]
"#;

/// `pay` of the main tier moves to functions; the database stays.
const MOVED: &str = r#"
[configs.moved]
platform = "vm"
book = "example/one"
sku = "two-cores"
spare = 1
reserve = "40%"
speed = [0.9, 1.1]
migration = { amount = "100" }
[[configs.moved.place]]
platform = "function"
behaviours = ["pay"]
memory_mb = 1769
speed = [0.9, 1.1]
[[configs.moved.place]]
platform = "database"
tier = "db"
sku = "db.two-cores"
speed = [1.0, 1.0]
"#;

const BOOK: &str = r#"
schema = 1
provider = "example"
region = "one"
currency = "USD"
month_hours = "730"
tax = "excluded"
stale_after_days = 1000
[source.s]
title = "made up for tests"
observed_on = "2026-11-22"
confidence = "page"
[[instance]]
sku = "two-cores"
arch = "x86_64"
vcpu = "2"
memory_gib = "8"
price = { unit = "h", on_demand = "0.0832" }
source = "s"
[[instance]]
sku = "db.two-cores"
arch = "x86_64"
vcpu = "2"
memory_gib = "16"
price = { unit = "h", on_demand = "0.2" }
source = "s"
[[meter]]
id = "example.requests"
unit = "request"
price = { amount = "0.20", per = "1000000" }
free = { kind = "always", quantity = "1000000", pool = "example.requests" }
source = "s"
[[meter]]
id = "example.duration.x86_64"
unit = "GiB*s"
quantum = { per = "invocation", step = "1ms", round = "up" }
price = { amount = "0.0000166667" }
source = "s"
[[meter]]
id = "example.vcpu.x86_64"
unit = "vCPU*h"
price = { amount = "0.04048" }
source = "s"
[[meter]]
id = "example.memory.x86_64"
unit = "GB*h"
price = { amount = "0.004445" }
source = "s"
[[meter]]
id = "other.requests"
unit = "request"
source = "s"
[[commitment]]
id = "two-cores-1y"
kind = "reserved"
term_months = 12
payment = "partial"
covers = { sku = "two-cores" }
upfront = "240"
recurring = "0.03"
unit = "h"
source = "s"
[[limit]]
id = "example.memory_per_vcpu"
value = "1769"
unit = "MB per vCPU"
source = "s"
[[limit]]
id = "example.concurrency"
value = "1000"
unit = "executions"
source = "s"
"#;

fn book(more: &str) -> PriceBook {
    PriceBook::read(&Source::new("book", format!("{BOOK}{more}")))
        .unwrap_or_else(|found| panic!("{found:#?}"))
}

fn study(text: &str) -> Study {
    let behaviours =
        BEHAVIOURS.map(|(name, ..)| (name.to_owned(), Source::new(name, "steps = [{ get = \"/\" }]")));
    let texts = StudyTexts {
        nest: Source::new("nest.toml", text),
        behaviours: behaviours.into(),
        code: BTreeMap::new(),
    };
    read_study(&texts, &[]).unwrap_or_else(|found| panic!("{found:#?}"))
}

/// A model of two tiers that knows its demands to 2 %.
fn model(study: &Study) -> ScalingModel {
    let mut model = ScalingModel::from_json(include_str!("../../../models/shop/scaling.json"))
        .expect("the model is committed");
    model.study = study.clone();
    let facts = |(name, app, db): (&str, f64, f64)| BehaviourFacts {
        name: name.to_owned(),
        requests: 1.0,
        light_request_s: Some(app + db + 0.002),
    };
    model.behaviours = BEHAVIOURS.map(facts).to_vec();
    model.resources.retain(|resource| resource.name == "app/cpu");
    let demand = |value: f64| Estimate {
        value,
        standard_error: 0.02 * value,
        low: 0.967 * value,
        high: 1.033 * value,
    };
    let tier = |name: &str, of: &dyn Fn((&str, f64, f64)) -> f64| {
        let mut cpu = model.resources[0].clone();
        cpu.name = format!("{name}/cpu");
        cpu.tier = name.to_owned();
        cpu.capacity = Some(2.0);
        cpu.idle = Estimate::exact(0.02);
        cpu.demand = BEHAVIOURS
            .map(|row| (row.0.to_owned(), demand(of(row))))
            .into_iter()
            .collect();
        cpu.load_dependence = None;
        cpu.covariance = vec![vec![0.0; 4]; 4];
        for (index, row) in BEHAVIOURS.iter().enumerate() {
            cpu.covariance[index + 1][index + 1] = (0.02 * of(*row)).powi(2);
        }
        cpu
    };
    model.resources = vec![tier("app", &|row| row.1), tier("db", &|row| row.2)];
    (model.throughput, model.quantiles, model.checks, model.caveats) =
        (None, Vec::new(), Vec::new(), Vec::new());
    model.draws.count = 200;
    model
}

fn options() -> ProjectOptions {
    ProjectOptions {
        as_of: jiff::civil::date(2026, 11, 25),
        beyond: false,
    }
}

fn projected_with(text: &str, more: &str, change: impl FnOnce(&mut ScalingModel)) -> Projection {
    let study = study(text);
    let mut model = model(&study);
    change(&mut model);
    project(&model, &study, &[book(more)], &options()).unwrap_or_else(|error| panic!("{error}"))
}

fn projected(text: &str) -> Projection {
    projected_with(text, "", |_| ())
}

fn config<'p>(projection: &'p Projection, name: &str) -> &'p ConfigProjection {
    projection
        .configs
        .iter()
        .find(|config| config.name == name)
        .expect("configured")
}

fn sum(config: &ConfigProjection, of: impl Fn(&nest_data::projection::CostLine) -> bool) -> Decimal {
    config
        .bill
        .lines
        .iter()
        .filter(|line| of(line))
        .filter_map(|line| line.amount.map(|amount| amount.0))
        .sum()
}

#[test]
fn lines_and_drivers_sum_to_the_total_exactly_on_every_platform() {
    let others = "[configs.tasks]\nplatform = \"task\"\nbook = \"example/one\"\nhost = \"example\"\nvcpu = \"1\"\nmemory_gib = \"2\"\n\
                  [configs.nodes]\nplatform = \"container\"\nbook = \"example/one\"\nsku = \"two-cores\"\nvcpu = \"0.5\"\nmemory_gib = \"1\"\n\
                  scale = \"hourly\"\n[configs.nodes.headroom]\nqueueing = \"20%\"\nforecast = \"10%\"\nfailure = 1\n\
                  [configs.committed]\nplatform = \"vm\"\nbook = \"example/one\"\nsku = \"two-cores\"\ncommitments = { two-cores-1y = 9 }\n\
                  [configs.committed.people]\nhours = \"10\"\nrate = \"75.5\"\n";
    let discount = "[[adjustment]]\norder = 1\nkind = \"percent\"\npercent = \"-9\"\nselector = \"two-*\"\nlabel = \"contract\"\n";
    for more in ["", discount] {
        let projection = projected_with(&format!("{STUDY}{MOVED}{others}"), more, |_| ());
        assert_eq!(projection.configs.len(), 5);
        for config in &projection.configs {
            assert_eq!(
                sum(config, |_| true),
                config.bill.total.value.0,
                "{}",
                config.name
            );
            for kind in [
                nest_data::projection::DriverKind::Behaviour,
                nest_data::projection::DriverKind::Meter,
            ] {
                let drivers: Decimal = config
                    .bill
                    .drivers
                    .iter()
                    .filter(|share| share.kind == kind)
                    .map(|share| share.amount.0)
                    .sum();
                assert_eq!(drivers, config.bill.total.value.0, "{} by {kind:?}", config.name);
            }
            let total = config.bill.total;
            assert!(
                total.low <= total.value.0.to_f64().expect("a float") * 1.001
                    && total.high * 1.001 >= total.value.0.to_f64().expect("a float")
            );
        }
        let nodes = config(&projection, "nodes");
        let parts = [CostDriver::Queueing, CostDriver::Forecast, CostDriver::Spare];
        assert!(
            parts
                .iter()
                .all(|part| nodes.bill.lines.iter().any(|line| line.driver == *part)),
            "the three parts of headroom are named"
        );
    }
}

const OTHERS: &str = r#"
[configs.tasks]
platform = "task"
book = "example/one"
host = "example"
vcpu = "1"
memory_gib = "2"
speed = [1.0, 1.0]
[configs.nodes]
platform = "container"
book = "example/one"
sku = "two-cores"
vcpu = "0.5"
memory_gib = "1"
scale = "hourly"
speed = [1.0, 1.0]
[configs.committed]
platform = "vm"
book = "example/one"
sku = "two-cores"
commitments = { two-cores-1y = 3 }
scale = "hourly"
speed = [1.0, 1.0]
meters = { "example.vcpu.x86_64" = { driver = "instances", times = 2 }, "other.flat" = { driver = "customers", times = 0.01 } }
[configs.all-functions]
platform = "function"
book = "example/one"
host = "example"
memory_mb = 1024
speed = [1.0, 1.0]
"#;

/// With nothing uncertain every draw is the central world: what draws say in floats is what the bill says in
/// decimals.
#[test]
fn draws_and_bills_agree_on_a_thousand_bills_of_every_platform() {
    let flat = "[[meter]]\nid = \"other.flat\"\nunit = \"GB\"\nprice = { tiers = [{ up_to = \"100\", amount = \"0.3\" }, { amount = \"0.1\" }] }\nsource = \"s\"\n\
                [[adjustment]]\norder = 1\nkind = \"percent\"\npercent = \"-7.5\"\nselector = \"two-*\"\nlabel = \"contract\"\n";
    let certain = format!("{STUDY}{MOVED}{OTHERS}")
        .edit("[0.9, 1.1]", "[1.0, 1.0]")
        .edit(
            "platform = \"function\"\nbehaviours",
            "platform = \"function\"\nhost = \"example\"\nbehaviours",
        );
    let certain = &certain[..certain.find("[growth.steady]").expect("there")].to_owned();
    let tail = format!("{STUDY}{MOVED}{OTHERS}");
    let tail = tail[tail.find("[report]").expect("there")..]
        .edit("[0.9, 1.1]", "[1.0, 1.0]")
        .edit(
            "platform = \"function\"\nbehaviours",
            "platform = \"function\"\nhost = \"example\"\nbehaviours",
        );
    let mut bills = 0;
    for step in 0..170 {
        let customers = 500.0 * 1.05_f64.powi(step) + f64::from(step) * 0.37;
        let text = format!(
            "{certain}{}",
            tail.edit("[report]", &format!("[report]\ncustomers = {customers}"))
        );
        let projection = projected_with(&text, flat, |model| {
            model
                .resources
                .iter_mut()
                .for_each(|cpu| cpu.covariance = vec![vec![0.0; 4]; 4]);
            model.draws.count = 2;
        });
        for config in &projection.configs {
            let value = config.bill.total.value.0.to_f64().expect("a float");
            for draw in [config.bill.total.low, config.bill.total.high] {
                assert!(
                    (draw / value - 1.0).abs() < 1e-9,
                    "{} at {customers}: {draw} {value}",
                    config.name
                );
            }
            bills += 1;
        }
    }
    assert!(bills >= 1_000, "{bills}");
}

/// Nine committed and fewer needed: what is bought is used or a line of its own.
#[test]
fn an_unused_commitment_is_a_line_and_nothing_of_it_is_lost() {
    let text = STUDY.edit(
        "[[configs.monolith.place]]",
        "commitments = { two-cores-1y = 9 }\n[[configs.monolith.place]]",
    );
    let projection = projected(&text);
    let monolith = config(&projection, "monolith");
    let unused = monolith
        .bill
        .lines
        .iter()
        .find(|line| line.driver == CostDriver::Unused)
        .expect("nine are more than run");
    let used = monolith
        .bill
        .lines
        .iter()
        .find(|line| line.driver == CostDriver::Discount)
        .expect("some are used");
    assert_eq!(used.quantity.0 + unused.quantity.0, Decimal::from(9));
    // effective = 240 / 8760 + 0.03 an hour, 730 h a month
    let effective = Decimal::from(240) / Decimal::from(12) + "21.9".parse::<Decimal>().expect("a decimal");
    let of_units = sum(monolith, |line| {
        line.meter == "two-cores" || line.meter == "two-cores-1y"
    });
    assert!(
        (of_units - effective * Decimal::from(9)).abs() < Decimal::new(1, 9),
        "{of_units}"
    );
    // In cash, everything ahead is paid in the first month: 9 x 240 at once and 9 x 21.90.
    let first = &monolith.months[0];
    let ahead = first.cash.expect("paid ahead").0 - first.cost.value.0;
    assert!(
        (ahead - Decimal::from(9 * 240 - 9 * 20)).abs() < Decimal::new(1, 6),
        "{ahead}"
    );
    let all: Decimal = monolith
        .months
        .iter()
        .map(|month| month.cash.expect("paid ahead").0 - month.cost.value.0)
        .sum();
    assert!(
        all.abs() < Decimal::new(1, 6),
        "over a term cash and amortised cost are the same: {all}"
    );
}

#[test]
fn autoscaling_never_costs_more_than_standing_for_the_busiest_hour() {
    let steady = projected(STUDY);
    let hourly = projected(&STUDY.edit("spare = 1\nreserve", "spare = 1\nscale = \"hourly\"\nreserve"));
    let (steady, hourly) = (
        &config(&steady, "monolith").bill,
        &config(&hourly, "monolith").bill,
    );
    assert!(
        hourly.total.value.0 < steady.total.value.0,
        "{} {}",
        hourly.total.value,
        steady.total.value
    );
    let busy = |bill: &nest_data::projection::Bill| -> Decimal {
        bill.lines
            .iter()
            .filter(|line| line.behaviour.is_some() && line.meter == "two-cores")
            .map(|line| line.quantity.0)
            .sum()
    };
    // Work is paid by the hour in which it is done: a 24th of the day at the mean, 12 % at the peak.
    let ratio = (busy(hourly) / busy(steady)).to_f64().expect("a float");
    assert!((ratio - (1.0 / 24.0) / 0.12).abs() < 1e-6, "{ratio}");
}

/// A limit that nobody measured, held by every execution.
fn lock(model: &mut ScalingModel, study: &Study) {
    let rates: f64 = study
        .rates_per_day(&BTreeMap::new())
        .expect("rates")
        .values()
        .sum();
    let per_customer_per_s = rates * study.busiest_minute_per_s();
    let most_per_s = 150_000.0 * per_customer_per_s;
    let estimate = |value: f64| Estimate {
        value,
        standard_error: 0.02 * value,
        low: 0.97 * value,
        high: 1.03 * value,
    };
    let limit = HiddenBottleneck {
        probability: 0.99,
        evidence: BottleneckEvidence::ResponseTimes,
        behaviour: None,
        hold_s: Some(estimate(1.0 / most_per_s)),
        most_per_s: estimate(most_per_s),
        customers: estimate(150_000.0),
        nodes: vec![BottleneckNode {
            behaviour: None,
            most_per_s,
            servers: 1,
            weight: 1.0,
        }],
    };
    model.tested.customers = 90_000.0;
    model.throughput = Some(ThroughputLaw {
        hidden_bottleneck: Some(limit),
        ..shop_throughput()
    });
}

fn shop_throughput() -> ThroughputLaw {
    let shop = ScalingModel::from_json(include_str!("../../../models/shop/scaling.json"))
        .expect("the model is committed");
    shop.throughput.expect("the shop has one")
}

/// The issue's question to the architect: does moving `pay` to a function help against a lock on the shared
/// database?
#[test]
fn moving_a_behaviour_does_not_move_a_shared_wall_and_the_comparison_says_so() {
    let text = format!("{STUDY}{MOVED}").edit(
        "platform = \"function\"",
        "platform = \"function\"\nhost = \"example\"",
    );
    let study = study(&text);
    let projection = projected_with(&text, "", |model| lock(model, &study));
    let first = |name: &str| {
        first_break(&config(&projection, name).break_points)
            .map(|(point, customers)| (point.cause.clone(), customers.value))
            .expect("it breaks")
    };
    let ((before_cause, before), (after_cause, after)) = (first("monolith"), first("moved"));
    assert_eq!(before_cause, after_cause);
    assert!((after / before - 1.0).abs() < 0.03, "{before} {after}");
    let comparison = projection.comparison.as_ref().expect("two configurations");
    let wall = comparison
        .totals
        .iter()
        .find(|total| total.config == "moved")
        .and_then(|total| total.shared_limit.as_ref())
        .expect("the same wall");
    assert_eq!(wall.cause, before_cause);
}

#[test]
fn a_moved_behaviour_leaves_its_tier_but_not_the_database() {
    let text = format!("{STUDY}{MOVED}").edit(
        "platform = \"function\"",
        "platform = \"function\"\nhost = \"example\"",
    );
    let projection = projected(&text);
    let (monolith, moved) = (config(&projection, "monolith"), config(&projection, "moved"));
    let of = |config: &ConfigProjection, meter: &str, behaviour: &str| {
        sum(config, |line| {
            line.meter == meter && line.behaviour.as_deref() == Some(behaviour)
        })
    };
    assert!(of(monolith, "two-cores", "pay") > Decimal::ZERO);
    assert_eq!(of(moved, "two-cores", "pay"), Decimal::ZERO);
    assert!(of(moved, "example.duration.x86_64", "pay") > Decimal::ZERO);
    assert_eq!(of(moved, "example.duration.x86_64", "browse"), Decimal::ZERO);
    assert_eq!(
        of(moved, "db.two-cores", "pay"),
        of(monolith, "db.two-cores", "pay")
    );
    let database = |config: &ConfigProjection| {
        let point = config
            .break_points
            .iter()
            .find(|point| point.kind == BreakKind::Saturation && point.cause == "db/cpu")
            .expect("one database");
        point.customers.expect("it has one instance").value
    };
    assert!(
        (database(moved) / database(monolith) - 1.0).abs() < 1e-9,
        "the database still binds"
    );
}

/// 15 % of what the instances cost at list price, and 10 % of what a meter costs: managed instances, support.
#[test]
fn a_share_of_something_else_is_paid_and_never_zero() {
    let meters = "[[meter]]\nid = \"other.fee\"\nunit = \"USD\"\npercent_of = { meter = \"instance.on_demand\", percent = \"15\" }\nsource = \"s\"\n\
                  [[meter]]\nid = \"other.support\"\nunit = \"USD\"\npercent_of = { meter = \"example.requests\", percent = \"10\" }\nsource = \"s\"\n";
    let used = "meters = { \"other.fee\" = \"hours\", \"other.support\" = \"hours\", \"example.requests\" = \"requests\" }\n[[configs.monolith.place]]";
    let projection = projected_with(&STUDY.edit("[[configs.monolith.place]]", used), meters, |_| ());
    let monolith = config(&projection, "monolith");
    let of = |meter: &str| sum(monolith, |line| line.meter == meter);
    let instances = of("two-cores") + of("db.two-cores");
    assert_eq!(
        of("other.fee"),
        (instances * Decimal::new(15, 2)).round_dp(12).normalize()
    );
    assert_eq!(
        of("other.support"),
        (of("example.requests") * Decimal::new(10, 2))
            .round_dp(12)
            .normalize()
    );
    assert!(of("other.support") > Decimal::ZERO && !monolith.bill.total.at_least);
    let value = monolith.bill.total.value.0.to_f64().expect("a float");
    assert!(
        monolith.bill.total.low <= value * 1.000_001 && monolith.bill.total.high * 1.000_001 >= value,
        "draws hold the shares too"
    );
}

#[test]
fn a_price_of_the_whole_volume_raises_a_caveat() {
    let meter = "[[meter]]\nid = \"other.volume\"\nunit = \"GB\"\nprice = { mode = \"volume\", tiers = [{ up_to = \"100\", amount = \"0.3\" }, { amount = \"0.1\" }] }\nsource = \"s\"\n";
    let text = STUDY.edit(
        "[[configs.monolith.place]]",
        "meters = { \"other.volume\" = \"customers\" }\n[[configs.monolith.place]]",
    );
    let caveats = projected_with(&text, meter, |_| ()).caveats;
    assert!(
        caveats
            .iter()
            .any(|caveat| caveat.to_string().contains("other.volume")),
        "{caveats:?}"
    );
    assert!(
        !projected(STUDY)
            .caveats
            .iter()
            .any(|caveat| caveat.to_string().contains("can cost less"))
    );
}

/// Webtask in small: a host whose price nobody has stated.
#[test]
fn a_missing_price_is_solved_for_and_never_counted_as_zero() {
    let text = format!("{STUDY}{MOVED}").edit(
        "platform = \"function\"",
        "platform = \"function\"\nhost = \"other\"",
    );
    let projection = projected(&text);
    let moved = config(&projection, "moved");
    assert!(moved.bill.total.at_least);
    assert!(
        moved
            .bill
            .lines
            .iter()
            .any(|line| line.meter == "other.requests" && line.amount.is_none())
    );
    let found = &projection
        .comparison
        .as_ref()
        .expect("two configurations")
        .break_evens[0];
    assert_eq!(
        (found.config.as_str(), found.meter.as_str(), found.per),
        ("moved", "other.requests", 1e6)
    );
    // With that price the two cost the same.
    let priced = BOOK.edit(
        "id = \"other.requests\"\nunit = \"request\"",
        &format!("id = \"other.requests\"\nunit = \"request\"\nprice = {{ amount = \"{:.12}\", per = \"1000000\" }}", found.price.value),
    );
    let study = study(&text);
    let book = PriceBook::read(&Source::new("book", priced)).expect("a book");
    let again = project(&model(&study), &study, &[book], &options()).expect("a projection");
    let total = |name: &str| config(&again, name).bill.total.value.0.to_f64().expect("a float");
    assert!(
        (total("moved") / total("monolith") - 1.0).abs() < 1e-6,
        "{} {}",
        total("moved"),
        total("monolith")
    );
}

#[test]
fn a_comparison_of_a_configuration_with_itself_is_zero_in_every_draw() {
    let twin =
        STUDY[STUDY.find("[configs.monolith]").expect("there")..].edit("configs.monolith", "configs.twin");
    let projection = projected(&format!("{STUDY}{twin}"));
    let comparison = projection.comparison.expect("two configurations");
    for total in &comparison.totals {
        assert_eq!(
            (total.change.value.0, total.change.low, total.change.high),
            (Decimal::ZERO, 0.0, 0.0),
            "{}",
            total.config
        );
    }
    assert!(
        comparison.crossovers.is_empty() && comparison.regrets.iter().all(|regret| regret.regret.0.is_zero())
    );
}

#[test]
fn a_migration_is_paid_back_by_what_it_saves() {
    // Each month saves exactly 20 of fixed cost: a migration of 100 takes five months.
    let steady = STUDY.edit("monthly = \"3%\"\nrange = [\"1%\", \"5%\"]", "monthly = \"0%\"");
    let base = &steady[steady.find("[configs.monolith]").expect("there")..];
    let with = |name: &str, fixed: &str, more: &str| {
        base.edit("configs.monolith", name).edit(
            "sku = \"two-cores\"",
            &format!("sku = \"two-cores\"\nmonthly = {{ licence = \"{fixed}\" }}\n{more}"),
        )
    };
    let text = format!(
        "{}{}{}",
        &steady[..steady.find("[configs.monolith]").expect("there")],
        with("configs.monolith", "50", ""),
        with("configs.cheap", "30", "migration = { amount = \"100\" }")
    );
    let projection = projected(&text);
    let payback = &projection.comparison.as_ref().expect("two").paybacks[0];
    assert_eq!(payback.config, "cheap");
    assert!((payback.months.expect("paid back").value - 5.0).abs() < 1e-9);
    assert_eq!(payback.probability, 1.0);
}

fn leaves(node: &ExplanationNode, visit: &mut impl FnMut(&ExplanationNode)) {
    visit(node);
    node.parts.iter().for_each(|part| leaves(part, visit));
}

fn explained(text: &str, number: &str, name: &str) -> Explanation {
    let study = study(text);
    let asked = ExplainRequest {
        number,
        config: Some(name),
        customers: Some(123_457.0),
    };
    explain(&model(&study), &study, &[book("")], &options(), &asked).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn an_explanation_adds_up_exactly_and_rests_on_nothing_unnamed() {
    let fees = "[fees.card]\nbehaviour = \"pay\"\namount = \"0.25\"\n";
    let text = format!("{STUDY}{MOVED}{fees}").edit(
        "platform = \"function\"",
        "platform = \"function\"\nhost = \"example\"",
    );
    for (number, name) in [
        ("per-1000", "monolith"),
        ("per-1000", "moved"),
        ("cost", "moved"),
        ("fees", "monolith"),
    ] {
        let explanation = explained(&text, number, name);
        leaves(&explanation.root, &mut |node| {
            let value = |node: &ExplanationNode| {
                node.value
                    .parse::<Decimal>()
                    .unwrap_or_else(|_| panic!("{node:?}"))
            };
            assert_eq!(
                node.parts.is_empty(),
                node.parts.is_empty() && node.basis.is_leaf(),
                "{node:?}"
            );
            match node.basis {
                Basis::Sum => assert_eq!(
                    value(node),
                    node.parts.iter().map(value).sum::<Decimal>(),
                    "{}",
                    node.name
                ),
                Basis::Product => {
                    let product: Decimal = node.parts.iter().map(value).product();
                    assert!(
                        value(node) == product || value(node) == product.round_dp(12),
                        "{}: {product}",
                        node.name
                    );
                }
                Basis::Quotient => {
                    let quotient = value(&node.parts[0]) / value(&node.parts[1]);
                    assert!(
                        (value(node) - quotient).abs() <= Decimal::new(1, 20),
                        "{} {quotient}",
                        node.value
                    );
                }
                _ => {}
            }
        });
    }
    let projection = projected(&text.edit("[report]", "[report]\ncustomers = 123457"));
    let per_1000 = explained(&text, "per-1000", "monolith");
    assert_eq!(
        per_1000.root.value.parse::<Decimal>().expect("a decimal"),
        config(&projection, "monolith").bill.per_1000.value.0
    );
}

/// Two placements on one instance type: each line is opened with the placement that it belongs to.
#[test]
fn equal_instance_types_are_explained_apart() {
    let text = STUDY
        .edit("platform = \"database\"", "platform = \"vm\"")
        .edit("sku = \"db.two-cores\"", "sku = \"two-cores\"\nspare = 2");
    let root = explained(&text, "cost", "monolith").root;
    let group = |name: &str| {
        root.parts
            .iter()
            .find(|part| part.name == name)
            .unwrap_or_else(|| panic!("{name} of {root:#?}"))
    };
    let spare = |name: &str| {
        group(name)
            .parts
            .iter()
            .find(|part| part.name == "spare")
            .expect("a line")
            .parts[0]
            .value
            .clone()
    };
    assert_eq!(
        (spare("app/cpu"), spare("db/cpu")),
        ("1".to_owned(), "2".to_owned())
    );
}

#[test]
fn segments_share_the_bill_and_the_fees_among_them() {
    let more = "[segments.free]\nshare = \"75%\"\nrates = { pay = \"0.1 / day\" }\n[segments.pro]\nshare = \"25%\"\nrates = { pay = \"0.9 / day\", browse = \"60 / day\" }\n\
                price = \"4.00\"\ntarget_margin = \"60%\"\n[fees.card]\nbehaviour = \"pay\"\namount = \"0.25\"\n";
    let projection = projected(&format!("{STUDY}{more}"));
    let bill = &config(&projection, "monolith").bill;
    let paid: f64 = projection
        .segments
        .iter()
        .map(|segment| segment.per_1000.value.0.to_f64().expect("a float") * segment.customers / 1e3)
        .sum();
    assert!(
        (paid / bill.total.value.0.to_f64().expect("a float") - 1.0).abs() < 1e-9,
        "{paid}"
    );
    let fees: f64 = projection
        .segments
        .iter()
        .map(|segment| segment.fees_per_1000.0.to_f64().expect("a float") * segment.customers / 1e3)
        .sum();
    assert!(
        (fees
            / bill
                .fees
                .as_ref()
                .expect("fees")
                .total
                .value
                .0
                .to_f64()
                .expect("a float")
            - 1.0)
            .abs()
            < 1e-9,
        "{fees}"
    );
    let pro = projection
        .segments
        .iter()
        .find(|segment| segment.name == "pro")
        .expect("a segment");
    // 0.9 a day at 0.25, 365 / 12 days: 6.84375 of fees for one, 6,843.75 for 1,000
    assert!((pro.fees_per_1000.0.to_f64().expect("a float") - 6_843.75).abs() < 1e-6);
    let each = (pro.per_1000.value.0 + pro.fees_per_1000.0)
        .to_f64()
        .expect("a float")
        / 1e3;
    assert!((pro.floor_price.0.to_f64().expect("a float") - each / 0.4).abs() < 1e-9);
    assert!((pro.margin.expect("a price") - (4.0 - each) / 4.0).abs() < 1e-9);
}

#[test]
fn a_configuration_that_cannot_be_priced_is_named_with_what_is_missing() {
    let error = |text: &str| {
        let study = study(text);
        project(&model(&study), &study, &[book("")], &options())
            .expect_err("it cannot")
            .to_string()
    };
    assert!(
        error(&STUDY.edit("sku = \"two-cores\"", "sku = \"two-core\"")).contains("did you mean two-cores?")
    );
    assert!(error(&STUDY.edit("sku = \"db.two-cores\"", "sku = \"db.one\"")).contains("db.one"));
    assert!(
        error(&STUDY.edit("spare = 1", "spare = 1\ncommitments = { two-cores-3y = 1 }"))
            .contains("did you mean two-cores-1y?")
    );
    let other = STUDY.edit(
        "sku = \"db.two-cores\"",
        "sku = \"db.two-cores\"\ncommitments = { two-cores-1y = 1 }",
    );
    assert!(error(&other).contains("it covers two-cores, not db.two-cores"));
    assert!(error(&STUDY.edit("[study]\n", "[study]\ncurrency = \"EUR\"\n")).contains("[exchange.USD]"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// More customers never cost less in total, on any platform with graduated prices.
    #[test]
    fn more_customers_never_cost_less(customers in 1_000.0..400_000.0_f64, more in 1.0..20_000.0_f64) {
        let text = format!("{STUDY}{MOVED}").edit("platform = \"function\"", "platform = \"function\"\nhost = \"example\"");
        let at = |customers: f64| projected(&text.edit("[report]", &format!("[report]\ncustomers = {customers}")));
        let (few, many) = (at(customers), at(customers + more));
        for (few, many) in few.configs.iter().zip(&many.configs) {
            prop_assert!(many.bill.total.value.0 >= few.bill.total.value.0, "{}", few.name);
        }
    }
}
