//! The second tier burns its share and keeps a ledger of its own.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

use nest_target::{Ledger, ShopOptions};
use support::{HttpClient, shop_options, start_shop, start_tier};

/// One line to the tier, one line back.
fn say(address: SocketAddr, line: &str) -> String {
    let mut stream = BufReader::new(TcpStream::connect(address).expect("the tier listens"));
    stream
        .get_mut()
        .write_all(format!("{line}\n").as_bytes())
        .expect("the tier reads");
    let mut answer = String::new();
    stream.read_line(&mut answer).expect("the tier answers");
    answer
}

fn ledger(address: SocketAddr) -> Ledger {
    serde_json::from_str(&say(address, "ledger")).expect("the ledger reads back")
}

#[test]
fn a_line_burns_and_is_booked() {
    let tier = start_tier();
    assert_eq!(ledger(tier.address), Ledger::default());
    assert_eq!(say(tier.address, "browse 0.002"), "ok\n");
    assert_eq!(say(tier.address, "browse 0.003"), "ok\n");
    assert!(say(tier.address, "steal 1").starts_with("error: "));
    let ledger = ledger(tier.address);
    assert_eq!(ledger.behaviours.len(), 1);
    let entry = ledger.behaviours["browse"];
    assert_eq!(entry.executions, 2);
    assert!((entry.set_s - 0.005).abs() < 1e-12, "{entry:?}");
    assert!(entry.cpu_s >= 0.005 * (1.0 - 1e-9), "{entry:?}");
}

#[test]
fn the_share_of_each_demand_moves_to_the_tier() {
    let tier = start_tier();
    let (_folder, options) = shop_options();
    let shop = start_shop(&ShopOptions {
        database_tier: Some(tier.address),
        ..options.clone()
    });
    let mut client = HttpClient::logged_in(shop.address);
    for id in 1..=10 {
        assert_eq!(client.get(&format!("/receipts/{id}")).status, 200);
    }
    for (ledger, share) in [(client.ledger(), 0.6), (ledger(tier.address), 0.4)] {
        let entry = ledger.behaviours["receipt"];
        assert_eq!(entry.executions, 10);
        assert!(
            (entry.set_s - 10.0 * share * options.demands.receipt_s).abs() < 1e-9,
            "{entry:?}"
        );
        // 10 %, as for a single tier: the overhead of a request is foreseen by calibration.
        let spent_s = ledger.per_execution_since(&Ledger::default())["receipt"];
        assert!(
            (0.9..1.1).contains(&(10.0 * spent_s / entry.set_s)),
            "{spent_s} in {entry:?}"
        );
    }
}

#[test]
fn a_lost_tier_is_a_bad_gateway() {
    let tier = start_tier();
    let (_folder, options) = shop_options();
    let shop = start_shop(&ShopOptions {
        database_tier: Some(tier.address),
        ..options
    });
    drop(tier);
    let answer = HttpClient::new(shop.address).get("/items");
    assert_eq!(answer.status, 502, "{answer:?}");
}
