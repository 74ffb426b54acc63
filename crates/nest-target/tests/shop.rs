//! The shop answers as its front page says.

mod support;

use std::thread;
use std::time::{Duration, Instant};

use nest_target::{Demands, ShopOptions, TargetError, TokenUsage, serve};
use serde_json::{Value, json};
use support::{HttpClient, shop_options, start_shop};

#[test]
fn a_customer_walks_through_the_shop_on_one_connection() {
    let (_folder, options) = shop_options();
    let shop = start_shop(&options);
    let mut client = HttpClient::logged_in(shop.address);

    let items = client.get("/items?page=2");
    assert_eq!(
        (items.status, items.header("content-type")),
        (200, Some("application/json"))
    );
    assert_eq!(items.json().as_array().map(Vec::len), Some(20));
    assert_eq!(items.json()[0]["id"], 21);

    let hits = client.get("/search?q=oak").json();
    assert!(
        hits["hits"][0]["name"]
            .as_str()
            .is_some_and(|name| name.contains("oak")),
        "{hits}"
    );

    let payment = client.post("/pay", r#"{"amount": "12.50"}"#);
    assert_eq!((payment.status, payment.json()), (201, json!({ "payment": 101 })));
    assert_eq!(
        client.get("/receipts/101").json(),
        json!({ "receipt": 101, "customer": 7, "amount": "12.50" })
    );
    assert_eq!(
        (
            client.get("/receipts/1").status,
            client.get("/receipts/100").status
        ),
        (200, 200)
    );
    assert_eq!(client.get("/healthz").status, 200);

    let ledger = client.ledger();
    let executions: Vec<_> = ledger
        .behaviours
        .iter()
        .map(|(name, entry)| (name.as_str(), entry.executions))
        .collect();
    assert_eq!(
        executions,
        [
            ("browse", 1),
            ("login", 1),
            ("pay", 1),
            ("receipt", 3),
            ("search", 1)
        ]
    );
    assert_eq!(ledger.items, 1_000);
    assert!(ledger.empty_request_s > 0.0);
}

#[test]
fn a_description_tells_its_tokens_and_the_ledger_adds_them_up() {
    let (_folder, options) = shop_options();
    let shop = start_shop(&options);
    let mut client = HttpClient::new(shop.address);
    let mut told = TokenUsage::default();
    for (item, words) in [(1, 60), (2, 61), (4, 1_000)] {
        let body = json!({ "item": item, "words": words }).to_string();
        let answer = client.post("/describe", &body);
        assert_eq!(answer.status, 200);
        let answer = answer.json();
        let text = answer["description"].as_str().expect("a text");
        assert_eq!(text.split(' ').count(), words);
        let tokens = |path: &str| answer.pointer(path).and_then(Value::as_u64).expect("a number");
        told.prompt += tokens("/usage/prompt_tokens");
        told.cached += tokens("/usage/prompt_tokens_details/cached_tokens");
        told.completion += tokens("/usage/completion_tokens");
    }
    for (body, status) in [
        (r#"{"item": 1}"#, 400),
        (r#"{"item": 1, "words": 0}"#, 400),
        (r#"{"item": 1, "words": 1001}"#, 400),
        (r#"{"item": 1001, "words": 5}"#, 404),
    ] {
        assert_eq!(client.post("/describe", body).status, status, "{body}");
    }
    let ledger = client.ledger();
    assert_eq!(
        (ledger.behaviours["describe"].executions, ledger.tokens),
        (3, told)
    );
}

#[test]
fn a_login_sets_the_cookie_that_it_names() {
    let (_folder, options) = shop_options();
    let shop = start_shop(&options);
    let answer = HttpClient::new(shop.address).post("/login", r#"{"customer": 7}"#);
    let session = answer.json()["session"]
        .as_str()
        .expect("a login opens a session")
        .to_owned();
    assert_eq!(
        answer.header("set-cookie"),
        Some(format!("session={session}; Path=/; HttpOnly").as_str())
    );
}

#[test]
fn refusals_say_why_and_are_no_executions() {
    let (_folder, options) = shop_options();
    let shop = start_shop(&options);
    let mut stranger = HttpClient::new(shop.address);
    for answer in [
        stranger.post("/pay", r#"{"amount": "12.50"}"#),
        stranger.get("/receipts/1"),
    ] {
        assert_eq!(
            (answer.status, answer.json()),
            (401, json!({ "error": "no such session; POST /login opens one" }))
        );
    }
    assert_eq!(stranger.post("/login", "customer=7").status, 400);
    assert_eq!(stranger.post("/login", &"x".repeat(100_000)).status, 413);

    let mut customer = HttpClient::logged_in(shop.address);
    assert_eq!(
        (
            customer.get("/receipts/101").status,
            customer.get("/receipts/first").status
        ),
        (404, 404)
    );
    assert_eq!(customer.post("/pay", r#"{"amount": 12.5}"#).status, 400);
    let names: Vec<_> = customer.ledger().behaviours.into_keys().collect();
    assert_eq!(names, ["login"]);
}

#[test]
fn a_reset_brings_back_the_fill() {
    let (_folder, options) = shop_options();
    let shop = start_shop(&options);
    let mut client = HttpClient::logged_in(shop.address);
    assert_eq!(
        client.post("/pay", r#"{"amount": "1.00"}"#).json(),
        json!({ "payment": 101 })
    );
    assert_eq!(
        client.post("/reset", "").json(),
        json!({ "items": 1_000, "payments": 100 })
    );
    assert_eq!(client.get("/receipts/1").status, 401);
    let mut client = HttpClient::logged_in(shop.address);
    assert_eq!(client.get("/receipts/101").status, 404);
    assert_eq!(
        client.post("/pay", r#"{"amount": "1.00"}"#).json(),
        json!({ "payment": 101 })
    );
}

#[test]
fn one_worker_answers_everybody() {
    let (_folder, options) = shop_options();
    let shop = start_shop(&ShopOptions {
        pool: Some(1),
        ..options
    });
    let statuses = browse_at_once(&shop, 8);
    assert_eq!(statuses, [200; 8]);
}

#[test]
fn the_global_lock_lets_one_execution_pass_at_a_time() {
    let (_folder, options) = shop_options();
    let shop = start_shop(&ShopOptions {
        lock_s: 0.05,
        ..options
    });
    let start = Instant::now();
    assert_eq!(browse_at_once(&shop, 6), [200; 6]);
    // A lower bound cannot fail by chance: no sleep ends early. Without the lock it would be some 50 ms.
    assert!(start.elapsed() >= Duration::from_millis(300));
    let entry = HttpClient::new(shop.address).ledger().behaviours["browse"];
    // The lock is held asleep: CPU stays near the set 5 ms, far from the 50 ms.
    assert!(entry.cpu_s < 6.0 * 0.025, "{entry:?}");
}

#[test]
fn a_shop_that_cannot_start_says_why() {
    let (folder, options) = shop_options();
    let start =
        |options: &ShopOptions| serve(options, |_| panic!("it cannot be ready"), std::future::pending());

    let shares = Demands {
        database_share: 1.5,
        ..Demands::default()
    };
    let wrong = start(&ShopOptions {
        demands: shares,
        ..options.clone()
    });
    assert!(
        matches!(
            wrong,
            Err(TargetError::OutOfRange {
                option: "database_share",
                ..
            })
        ),
        "{wrong:?}"
    );

    let wrong = start(&ShopOptions {
        database: folder.path().join("missing").join("shop.sqlite"),
        ..options.clone()
    });
    assert!(matches!(wrong, Err(TargetError::Database { .. })), "{wrong:?}");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let listen = taken.local_addr().expect("it is bound");
    let wrong = start(&ShopOptions {
        listen,
        ..options.clone()
    });
    assert!(matches!(wrong, Err(TargetError::Listen { .. })), "{wrong:?}");

    drop(taken);
    let wrong = start(&ShopOptions {
        database_tier: Some(listen),
        ..options
    });
    assert!(matches!(wrong, Err(TargetError::Tier { .. })), "{wrong:?}");
}

/// So many customers who browse at the same time, each on a connection of its own; their statuses.
fn browse_at_once(shop: &support::RunningService, customers: usize) -> Vec<u16> {
    thread::scope(|scope| {
        let browsing: Vec<_> = (0..customers)
            .map(|_| scope.spawn(|| HttpClient::new(shop.address).get("/items").status))
            .collect();
        browsing
            .into_iter()
            .map(|customer| customer.join().expect("a customer does not panic"))
            .collect()
    })
}
