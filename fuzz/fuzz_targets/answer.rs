//! Any bytes as an HTTP/1.1 answer.

#![no_main]

#[path = "../../crates/nest-load/tests/codec/cuts.rs"]
mod cuts;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = cuts::check(bytes);
});
