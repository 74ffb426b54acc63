//! Configurations of several tiers and platforms: what they cost, what still binds, and that every way of
//! adding up agrees.

/// A thousand customers on one unit, whose number grows by so much a month.
macro_rules! small {
    ($monthly:literal) => {
        concat!(
            r#"
nest = 1
[study]
name = "Small"
customer = "a person with an account"
[target]
base_url = "http://127.0.0.1:1"
[customers]
peak_hour_share = "12%"
burst = 1.5
[parameters]
often = 1
[rates]
browse = "20 * often / day"
check = "2 / day"
pay = "0.3 / day"
[growth.steady]
start = { date = 2027-01-01, customers = 1_000 }
monthly = ""#,
            $monthly,
            r#""
months = 12
[configs.c]
platform = "vm"
book = "example/one"
sku = "unit"
speed = [1.0, 1.0]
"#
        )
    };
}

mod advised;
mod bills;
mod decisions;
#[path = "../edited/mod.rs"]
mod edited;
mod explained;
mod functions;
mod in_time;
mod money;
mod moves;
mod policies;
mod prices;

use std::collections::BTreeMap;

use edited::Edit;
use nest_data::{
    Document, Estimate, Explanation, PriceBook, Projection, ScalingModel, Source, Study,
    explanation::{Basis, ExplanationNode},
    projection::{BreakKind, ConfigProjection, CostDriver, first_break},
    scaling::{BehaviourFacts, BottleneckEvidence, BottleneckNode, HiddenBottleneck, ThroughputLaw},
    study::read::{StudyTexts, read_study},
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
    study_with(text, &[])
}

/// A study with some of its values replaced, as by `--set`.
fn study_with(text: &str, overrides: &[(String, String)]) -> Study {
    let behaviours =
        BEHAVIOURS.map(|(name, ..)| (name.to_owned(), Source::new(name, "steps = [{ get = \"/\" }]")));
    let texts = StudyTexts {
        nest: Source::new("nest.toml", text),
        behaviours: behaviours.into(),
        code: BTreeMap::new(),
    };
    read_study(&texts, overrides).unwrap_or_else(|found| panic!("{found:#?}\n{text}"))
}

/// A model of two tiers that knows its demands to 2 %.
fn model(study: &Study) -> ScalingModel {
    let mut model = ScalingModel::from_json(include_str!("../fixtures/shop-scaling.json"))
        .expect("the model is committed");
    model.study = study.clone();
    let facts = |(name, app, db): (&str, f64, f64)| BehaviourFacts {
        name: name.to_owned(),
        requests: 1.0,
        light_request_s: Some(app + db + 0.002),
        counts: BTreeMap::new(),
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
