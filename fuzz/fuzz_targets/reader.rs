//! Any bytes, by the target of crates/nest-fuzz that is called like this program.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    nest_fuzz::target::read(env!("CARGO_BIN_NAME"), bytes);
});
