//! The shipped books against what they were made of: a sample of the tables, and facts of the vendors.

use std::{collections::BTreeMap, fs, path::Path};

use jiff::civil::{Date, date};
use nest_data::{
    PriceBook, Source,
    price_book::{Confidence, InstanceUnit, VcpuKind, lint::lint},
};
use rust_decimal::Decimal;

/// Amounts from the research tables: services picked by hand, all others drawn at random by a script that
/// shares no code with the importer.
const SAMPLE: &str = include_str!("prices/books-sample.csv");

fn shipped() -> BTreeMap<String, PriceBook> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pricing");
    let mut books = BTreeMap::new();
    for provider in fs::read_dir(folder).expect("the books are there") {
        for file in fs::read_dir(provider.expect("readable").path()).expect("a folder") {
            let path = file.expect("readable").path();
            let text = fs::read_to_string(&path).expect("readable");
            let book = PriceBook::read(&Source::new(path.display().to_string(), text));
            let book = book.unwrap_or_else(|found| panic!("{found:?}"));
            books.insert(book.name(), book);
        }
    }
    books
}

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

#[test]
fn amounts_are_those_of_the_tables() {
    let books = shipped();
    let mut seen = 0;
    for line in SAMPLE.lines().skip(1) {
        let [book, table, row, on, part, amount] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("six cells: {line}")
        };
        let book = &books[book];
        let on: Date = on.parse().unwrap_or(date(2026, 11, 25));
        let price = match (table, part) {
            ("commitment", _) => book.commitment(row).map(|one| one.recurring),
            ("meter", _) => book.meter(row, on).and_then(|one| one.price.as_ref()?.amount),
            (_, "spot") => book.instance(row, on).and_then(|one| one.price.spot),
            (_, "hourly") => book.instance(row, on).and_then(|one| one.price.hourly),
            _ => book.instance(row, on).and_then(|one| one.price.on_demand),
        };
        // A committed hour of Google Cloud is a month by 730, which has no end: 20 digits are enough.
        let near = price.is_some_and(|price| (price.0 - decimal(amount)).abs() < Decimal::new(1, 20));
        assert!(near, "{line}: {price:?}");
        seen += 1;
    }
    assert!(seen > 100);
}

#[test]
fn a_hetzner_server_costs_what_it_did_on_each_day() {
    // Hetzner raised its prices on 1 April and 15 June 2026. CX33: 5.49 with IPv4, then 6.49, then 8.49.
    let books = shipped();
    let price = |on| {
        let row = books["hetzner/eu"].instance("CX33", on).expect("a price");
        let amounts = [row.price.on_demand, row.price.hourly].map(|price| price.expect("known").0);
        (amounts, row.included.contains_key("ipv4.address"))
    };
    assert_eq!(
        price(date(2026, 3, 31)),
        ([decimal("5.49"), decimal("0.00879808")], true)
    );
    assert_eq!(
        price(date(2026, 6, 14)),
        ([decimal("6.49"), decimal("0.0104")], false)
    );
    assert_eq!(
        price(date(2026, 6, 15)),
        ([decimal("8.49"), decimal("0.0136")], false)
    );
    let row = |book: &str, sku: &str| {
        let row = books[book].instance(sku, date(2026, 11, 25)).expect("a price");
        (row.vcpu_kind, row.included["egress.overage"].0)
    };
    // 20 TB in Europe, 1 TB in Singapore; CCX has processors of its own.
    assert_eq!(
        row("hetzner/eu", "CX33"),
        (Some(VcpuKind::Shared), decimal("20000"))
    );
    assert_eq!(
        row("hetzner/sin", "CCX13"),
        (Some(VcpuKind::Dedicated), decimal("1000"))
    );
}

#[test]
fn an_hour_never_costs_so_little_that_a_month_of_them_stays_below_the_price_of_the_month() {
    let mut capped = 0;
    for (name, book) in shipped() {
        for row in &book.instance {
            let (Some(hour), Some(month)) = (row.price.hourly, row.price.on_demand) else {
                continue;
            };
            assert_eq!(row.price.unit, InstanceUnit::Month);
            assert!(hour.0 * book.month_hours.0 > month.0, "{name} {}", row.sku);
            capped += 1;
        }
    }
    assert!(capped > 80, "{capped}");
}

#[test]
fn what_is_over_a_number_says_the_number() {
    // AWS: gp3 includes 3,000 IOPS and 125 MiB/s, Fargate 20 GB, Lambda 512 MB, RDS backups the allocated
    // storage.
    let books = shipped();
    let included = |id: &str| {
        let meter = books["aws/us-east-1"]
            .meter(id, date(2026, 11, 25))
            .expect("there");
        let included = meter.included.as_ref().expect("included");
        format!("{} for each {}", included.quantity, included.per)
    };
    assert_eq!(
        [
            "ebs.gp3.iops",
            "ebs.gp3.throughput",
            "fargate.ephemeral",
            "lambda.ephemeral",
            "rds.backup"
        ]
        .map(included),
        [
            "3000 for each volume",
            "125 for each volume",
            "20 for each task",
            "0.5 for each function",
            "1 for each allocated GB"
        ]
    );
}

#[test]
fn tokens_change_their_price_on_a_day_and_long_requests_have_meters_of_their_own() {
    let books = shipped();
    let price = |id: &str, on| {
        let meter = books["llm/openai"].meter(id, on).expect("a price");
        let price = meter.price.as_ref().expect("known");
        (price.amount.expect("flat").0, price.per.expect("a million").0)
    };
    let million = decimal("1000000");
    let id = "gpt-5.6-luna.input";
    assert_eq!(price(id, date(2026, 7, 29)), (decimal("1"), million));
    assert_eq!(price(id, date(2026, 7, 30)), (decimal("0.2"), million));
    assert_eq!(
        price("gpt-5.6-luna.over-272000.output", date(2026, 7, 30)),
        (decimal("1.8"), million)
    );
}

#[test]
fn no_source_is_a_number_that_nobody_can_look_up_and_weak_ones_warn() {
    let books = shipped();
    let all: Vec<PriceBook> = books.values().cloned().collect();
    for (name, book) in &books {
        for (source, row) in &book.source {
            assert!(
                !row.title.contains("stored text"),
                "{name} {source}: {}",
                row.title
            );
        }
        let weak = book
            .source
            .values()
            .filter(|row| row.confidence == Confidence::Approximate);
        let found = lint(book, date(2026, 11, 25), &all);
        let warned = found.iter().filter(|one| one.code() == "approximate-source");
        assert_eq!(warned.count(), weak.count(), "{name}");
    }
}

#[test]
fn no_price_is_above_what_it_should_undercut_and_no_region_is_a_copy() {
    let books = shipped();
    let all: Vec<PriceBook> = books.values().cloned().collect();
    for (name, book) in &books {
        for one in lint(book, date(2026, 11, 25), &all) {
            assert!(
                ["stale-source", "approximate-source", "off-family"].contains(&one.code()),
                "{name}: {one}"
            );
        }
    }
}
