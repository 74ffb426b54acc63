//! The end-to-end example of `docs/method/projection.md`, "The worked example": a minimum payment of 10 and
//! of 20, from rates to servers.

mod edited;

use std::collections::BTreeMap;

use edited::Edit;
use nest_data::{
    Document, Estimate, PriceBook, Projection, ScalingModel, Source, Study,
    scaling::BehaviourFacts,
    study::read::{StudyTexts, read_study},
};
use nest_model::{ProjectOptions, project, queueing};
use rust_decimal::prelude::ToPrimitive;

const STUDY: &str = r#"
nest = 1
[study]
name = "Payments"
customer = "a person with an account"
[target]
base_url = "http://127.0.0.1:1"
[customers]
peak_hour_share = "12%"
burst = 1.5
[parameters]
min_payment = 10
[mechanisms.dues]
accrues = "3 / day"
lump = 0.5
lumps = "exponential"
pays_at = "min_payment"
[rates]
browse = "20 / day"
check = "2 / day"
accrue = "dues.lumps"
pay = "dues.payments"
[configs.vms]
platform = "vm"
book = "example/one"
sku = "two-cores"
min = 1
spare = 1
reserve = "40%"
speed = [1.0, 1.0]
[growth.steady]
start = { date = 2027-01-01, customers = 100_000 }
monthly = "0%"
months = 12
[policies.twenty]
set = { min_payment = 20 }
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
title = "worked example"
observed_on = "2026-11-22"
confidence = "page"
[[instance]]
sku = "two-cores"
arch = "x86_64"
vcpu = "2"
memory_gib = "8"
price = { unit = "h", on_demand = "0.0832" }
source = "s"
"#;

/// CPU seconds of one execution.
const DEMAND: [(&str, f64); 4] = [
    ("accrue", 0.005),
    ("browse", 0.012),
    ("check", 0.030),
    ("pay", 0.080),
];

fn study(text: &str) -> Study {
    let behaviours =
        DEMAND.map(|(name, _)| (name.to_owned(), Source::new(name, "steps = [{ get = \"/\" }]")));
    let texts = StudyTexts {
        nest: Source::new("nest.toml", text),
        behaviours: behaviours.into(),
        code: BTreeMap::new(),
    };
    read_study(&texts, &[]).unwrap_or_else(|found| panic!("{found:#?}"))
}

/// A model that knows the example's demands exactly.
fn model(study: &Study) -> ScalingModel {
    let mut model =
        ScalingModel::from_json(include_str!("fixtures/shop-scaling.json")).expect("the model is committed");
    model.study = study.clone();
    model.behaviours = DEMAND
        .map(|(name, _)| BehaviourFacts {
            name: name.to_owned(),
            requests: 1.0,
            light_request_s: None,
            counts: BTreeMap::new(),
        })
        .to_vec();
    model.resources.retain(|resource| resource.name == "app/cpu");
    let cpu = &mut model.resources[0];
    cpu.idle = Estimate::exact(0.02);
    cpu.demand = DEMAND
        .iter()
        .map(|(name, demand)| ((*name).to_owned(), Estimate::exact(*demand)))
        .collect();
    cpu.load_dependence = None;
    cpu.covariance = vec![vec![0.0; 5]; 5];
    (model.throughput, model.quantiles, model.checks, model.caveats) =
        (None, Vec::new(), Vec::new(), Vec::new());
    model.draws.count = 20;
    model
}

fn projected(text: &str) -> Projection {
    let study = study(text);
    let books = [PriceBook::read(&Source::new("book", BOOK)).unwrap_or_else(|found| panic!("{found:#?}"))];
    let options = ProjectOptions {
        as_of: jiff::civil::date(2026, 11, 23),
        beyond: false,
    };
    project(&model(&study), &study, &books, &options).expect("a projection")
}

fn at(customers: f64, minimum: &str) -> Projection {
    projected(&format!(
        "{}[report]\ncustomers = {customers}\n",
        STUDY.edit("min_payment = 10", minimum)
    ))
}

/// CPU seconds per customer and day, from the rates of a projection.
fn cpu_per_day(projection: &Projection) -> f64 {
    projection
        .rates_per_day
        .iter()
        .map(|(name, rate)| rate * DEMAND.iter().find(|(known, _)| known == name).expect("known").1)
        .sum()
}

fn close(found: f64, printed: f64, digits: f64) {
    assert!((found - printed).abs() <= digits, "{found} is not {printed}");
}

#[test]
fn rates_and_processor_time_are_those_of_the_reference() {
    let (ten, twenty) = (
        at(100_000.0, "min_payment = 10"),
        at(100_000.0, "min_payment = 20"),
    );
    let rate = |projection: &Projection, name: &str| {
        projection
            .rates_per_day
            .iter()
            .find(|(known, _)| known == name)
            .expect("a rate")
            .1
    };
    close(rate(&ten, "pay"), 0.285714286, 5e-10);
    close(rate(&twenty, "pay"), 0.146341463, 5e-10);
    assert_eq!(rate(&ten, "accrue"), 6.0);
    close(cpu_per_day(&ten), 0.352857143, 5e-10);
    close(cpu_per_day(&twenty), 0.341707317, 5e-10);
    // 12 % of a day in the peak hour, burst 1.5: a factor of 5e-5 per second
    close(
        cpu_per_day(&ten) * study(STUDY).busiest_minute_per_s(),
        1.76428571e-5,
        5e-14,
    );
    close(
        cpu_per_day(&twenty) * study(STUDY).busiest_minute_per_s(),
        1.70853659e-5,
        5e-14,
    );
}

#[test]
fn customers_on_a_server_and_servers_with_their_price_are_those_of_the_reference() {
    for (minimum, customers) in [("min_payment = 10", 66_882.59), ("min_payment = 20", 69_064.95)] {
        // One server carries them, so the next one comes where it is full.
        close(
            at(50_000.0, minimum).configs[0]
                .bill
                .next_stair
                .expect("a server"),
            customers,
            0.005,
        );
        for (customers, servers, per_1000) in [
            (50e3, 2.0, 2.42944),
            (100e3, 3.0, 1.82208),
            (200e3, 4.0, 1.21472),
            (500e3, 9.0, 1.09325),
        ] {
            let bill = at(customers, minimum).configs[0].bill.clone();
            close(bill.per_1000.value.0.to_f64().expect("a number"), per_1000, 5e-6);
            close(
                bill.total.value.0.to_f64().expect("a number") / (0.0832 * 730.0),
                servers,
                1e-9,
            );
        }
    }
}

/// The same without the reference's rounding: what the example's own arithmetic gives, to 1e-9.
#[test]
fn the_golden_example_holds_to_nine_digits() {
    let same =
        |found: f64, exact: f64| assert!((found / exact - 1.0).abs() <= 1e-9, "{found} is not {exact}");
    for (minimum, pays_at) in [("min_payment = 10", 10.0), ("min_payment = 20", 20.0)] {
        // 3 a day in lumps of 0.5: six accruals, and a payment each time the minimum and half a lump more
        // have come together.
        let pays = 3.0 / (pays_at + 0.5);
        let per_day = 6.0 * 0.005 + 20.0 * 0.012 + 2.0 * 0.030 + pays * 0.080;
        let projection = at(100_000.0, minimum);
        same(
            projection
                .rates_per_day
                .iter()
                .find(|(name, _)| name == "pay")
                .expect("a rate")
                .1,
            pays,
        );
        same(cpu_per_day(&projection), per_day);
        // 0.12 x 1.5 / 3,600 = 5e-5 a second; 0.6 of two cores less 0.02 of idle use
        let customers_on_one = (0.6 * 2.0 - 0.02) / (per_day * 5e-5);
        same(
            at(50_000.0, minimum).configs[0]
                .bill
                .next_stair
                .expect("a server"),
            customers_on_one,
        );
        for customers in [50e3_f64, 100e3, 200e3, 500e3] {
            let servers = (customers / customers_on_one).ceil() + 1.0;
            let bill = at(customers, minimum).configs[0].bill.clone();
            same(
                bill.per_1000.value.0.to_f64().expect("a number"),
                servers * 0.0832 * 730.0 / (customers / 1e3),
            );
        }
    }
}

#[test]
fn one_server_at_sixty_thousand_customers_answers_as_the_reference_says() {
    let ten = at(60_000.0, "min_payment = 10");
    let executions: f64 = ten.rates_per_day.iter().map(|(_, rate)| rate).sum::<f64>() * 60_000.0 * 5e-5;
    let service_s = cpu_per_day(&ten) * 60_000.0 * 5e-5 / executions;
    let rho = executions * service_s / 2.0;
    close(executions, 84.857143, 5e-7);
    close(service_s, 0.0124747475, 5e-11);
    close(rho, 0.529285714, 5e-10);
    close(
        service_s * (1.0 + queueing::relative_wait(2.0, rho)),
        0.0173294888,
        5e-11,
    );
    // P(T > t) of M/M/2 (`docs/method/queueing.md`, "Response time of M/M/c"), solved for 1 %
    let (rate, spare) = (1.0 / service_s, 2.0 / service_s - executions);
    let tail = |t: f64| {
        let waits = queueing::erlang_c(2, rho);
        (1.0 - waits) * (-rate * t).exp()
            + waits * (spare * (-rate * t).exp() - rate * (-spare * t).exp()) / (spare - rate)
    };
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if tail(middle) > 0.01 {
            low = middle
        } else {
            high = middle
        }
    }
    close(low, 0.0733256376, 5e-11);
}

#[test]
fn doubling_the_minimum_spares_three_per_cent_of_the_processor_and_doubles_what_is_open() {
    let projection = projected(STUDY);
    let policy = &projection.policies[0];
    close(policy.demand_change.value, 0.341707317 / 0.352857143 - 1.0, 1e-8);
    let (name, before, after) = &policy.open_items[0];
    assert_eq!(name, "dues");
    close(*before, 10.476190, 5e-7);
    close(*after, 20.487805, 5e-7);
    assert!(
        policy.change.value.0.is_zero(),
        "it changes no server at this size"
    );
    assert!(policy.months.is_empty(), "it has no date");
}

/// The state channel: a behaviour that reads the open items of its customer gets dearer, though the behaviour
/// itself is no more frequent.
#[test]
fn open_items_make_a_behaviour_that_reads_them_dearer() {
    let reading = STUDY.edit(
        "pays_at = \"min_payment\"",
        "pays_at = \"min_payment\"\nper_open_item = { check = \"1ms\" }",
    );
    let (plain, read) = (projected(STUDY), projected(&reading));
    // As it was measured, so many items were open: nothing is added to what was measured.
    assert_eq!(plain.configs, read.configs);
    let more = 2.0 * 0.001 * (20.487805 - 10.476190);
    let expected = (0.341707317 + more) / 0.352857143 - 1.0;
    close(read.policies[0].demand_change.value, expected, 1e-8);
    assert!(
        read.policies[0].demand_change.value > 0.0 && plain.policies[0].demand_change.value < 0.0,
        "the state outweighs the rate here"
    );
    assert_eq!(plain.policies[0].rates_per_day, read.policies[0].rates_per_day);
    // A minimum that is uncertain now was as uncertain when it was measured; the policy changes it in every
    // draw.
    let uncertain = projected(&reading.edit(
        "min_payment = 10",
        "min_payment = { value = 10, range = [9, 11] }",
    ));
    close(uncertain.policies[0].demand_change.value, expected, 1e-8);
    assert!(
        uncertain.policies[0].demand_change.low > 0.0,
        "{:?}",
        uncertain.policies[0].demand_change
    );
}

/// A dated policy with a ramp: nothing before its date, its full effect in the end, and open items later than
/// customers.
#[test]
fn a_dated_policy_comes_into_force_along_its_ramp_and_what_is_open_follows() {
    let dated = STUDY
        .edit(
            "pays_at = \"min_payment\"",
            "pays_at = \"min_payment\"\nper_open_item = { check = \"20ms\" }",
        )
        .edit(
            "[policies.twenty]",
            "[policies.twenty]\nfrom = 2027-03-01\nramp = \"2 months\"",
        );
    let policy = projected(&dated).policies.remove(0);
    let adopted: Vec<f64> = policy.months.iter().map(|month| month.adopted).collect();
    assert_eq!(
        (policy.months.len(), &adopted[..6]),
        (12, &[0.0, 0.0, 0.0, 0.5, 1.0, 1.0][..])
    );
    let open: Vec<f64> = policy.months.iter().map(|month| month.open_items[0].1).collect();
    let (before, after) = (policy.open_items[0].1, policy.open_items[0].2);
    assert!(
        open[..3].iter().all(|items| *items == before) && open.windows(2).all(|pair| pair[0] <= pair[1]),
        "{open:?}"
    );
    let share = |items: f64| (items - before) / (after - before);
    // One payment interval is 6.83 days, 0.2247 months: w(1 month) = (1 - 0.2247 (1 - e^-4.450)) / 2
    close(
        share(open[3]),
        (1.0 - 0.224657 * (1.0 - (-1.0_f64 / 0.224657).exp())) / 2.0,
        1e-5,
    );
    close(share(open[11]), 1.0, 1e-9);
    assert!(policy.months[0].change.value.0.is_zero() && policy.months[1].change.value.0.is_zero());
    assert!(
        policy.months[0].change.low == 0.0 && policy.months[0].change.high == 0.0,
        "pairs of equal draws differ by nothing"
    );
    // 20 ms for each of ten more items twice a day is more than one server more at 100,000 customers.
    assert!(
        policy.months[11].change.value.0 > rust_decimal::Decimal::from(60),
        "{:?}",
        policy.months[11].change
    );
}
