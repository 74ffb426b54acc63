//! The ledger against the kernel: what it says was spent is what the whole process spent.
//!
//! Alone in its binary, because it reads the CPU clock of the process.

mod support;

use std::time::Duration;

use nix::time::ClockId;
use support::{HttpClient, shop_options, start_shop};

#[test]
fn the_process_spends_what_the_ledger_says() {
    let (_folder, options) = shop_options();
    let shop = start_shop(&options);
    let mut client = HttpClient::logged_in(shop.address);
    let before_s = shop_cpu_s();
    let booked_before_s = booked_s(&mut client);
    for id in 1..=20 {
        client.get(&format!("/items?page={id}"));
        client.get("/search?q=linen");
        client.post("/pay", r#"{"amount": "12.50"}"#);
        client.get(&format!("/receipts/{id}"));
    }
    let spent_s = shop_cpu_s() - before_s;
    let share = (booked_s(&mut client) - booked_before_s) / spent_s;
    // 1 %: the answer to the last look at the ledger is on one side only.
    assert!(
        (0.99..1.01).contains(&share),
        "the ledger says {share} of the {spent_s} s that were spent"
    );
}

fn booked_s(client: &mut HttpClient) -> f64 {
    let ledger = client.ledger();
    ledger.overhead_s + ledger.behaviours.values().map(|entry| entry.cpu_s).sum::<f64>()
}

/// CPU seconds of this process without this thread, which plays the customers.
fn shop_cpu_s() -> f64 {
    let spent_s =
        |clock: ClockId| Duration::from(clock.now().expect("Linux keeps these clocks")).as_secs_f64();
    spent_s(ClockId::CLOCK_PROCESS_CPUTIME_ID) - spent_s(ClockId::CLOCK_THREAD_CPUTIME_ID)
}
