//! The ledger keeps to the set demands. All in CPU seconds, so that a busy machine changes nothing.

mod support;

use nest_target::{Ledger, ShopBehaviour, ShopOptions};
use support::{HttpClient, shop_options, start_shop};

#[test]
fn fifty_receipts_cost_what_was_set() {
    let (_folder, options) = shop_options();
    let shop = start_shop(&options);
    let mut client = HttpClient::logged_in(shop.address);
    let opened = client.ledger();
    for id in 1..=50 {
        assert_eq!(client.get(&format!("/receipts/{id}")).status, 200);
    }
    let ledger = client.ledger();
    assert_eq!(ledger.behaviours["receipt"].executions, 50);
    assert!(
        (ledger.behaviours["receipt"].set_s - 50.0 * options.demands.receipt_s).abs() < 1e-9,
        "{ledger:?}"
    );
    assert_set(&ledger, &opened, "receipt", options.demands.receipt_s);
}

#[test]
fn a_search_costs_more_where_more_is_stored() {
    for items in [1_000, 8_000] {
        let (_folder, options) = shop_options();
        let shop = start_shop(&ShopOptions {
            items,
            ..options.clone()
        });
        let mut client = HttpClient::new(shop.address);
        for _ in 0..10 {
            assert_eq!(client.get("/search?q=bamboo").status, 200);
        }
        assert_set(
            &client.ledger(),
            &Ledger::default(),
            "search",
            options.demands.total_s(ShopBehaviour::Search, items),
        );
    }
}

#[test]
fn the_lines_of_requests_are_kept_in_order_where_that_is_asked_for() {
    let (_folder, options) = shop_options();
    for keep_requests in [false, true] {
        let shop = start_shop(&ShopOptions {
            keep_requests,
            ..options.clone()
        });
        let mut client = HttpClient::logged_in(shop.address);
        client.get("/items?page=3");
        client.get("/receipts/nothing");
        client.get("/healthz");
        let requests = client.ledger().requests;
        if keep_requests {
            assert_eq!(requests.len(), 3, "{requests:?}");
            assert!(requests[0].starts_with("POST /login {"), "{requests:?}");
            assert_eq!(requests[1..], ["GET /items?page=3", "GET /receipts/nothing"]);
        } else {
            assert!(requests.is_empty(), "{requests:?}");
        }
    }
}

/// Within 10 %: the overhead of a request is foreseen by calibration, and differs with what else the machine
/// does.
fn assert_set(ledger: &Ledger, earlier: &Ledger, behaviour: &str, set_s: f64) {
    let spent_s = ledger.per_execution_since(earlier)[behaviour];
    assert!(
        (0.9..1.1).contains(&(spent_s / set_s)),
        "{spent_s} for {set_s}: {ledger:?}"
    );
}
