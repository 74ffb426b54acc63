//! Fuzzing of everything that reads bytes from outside: files that people write, documents, price lists, and
//! what a target answers. The same targets serve `tests/run`, `bench/run fuzz` and cargo-fuzz (`fuzz/`).
//!
//! - [`target`]: the list of what is fuzzed; `readers/`: what each of them does with its bytes
//! - [`corpus`]: the inputs to begin with, in `fuzz/corpus`
//! - [`mutation`]: another input for each seed and index, from those
//! - [`judge`]: reads inputs and holds each of them to its bounds
//!
//! An input is a function of corpus, seed and index, so any of them can be read again, and a long run can be
//! made in parts.

pub mod corpus;
pub mod judge;
pub mod mutation;
pub mod target;

mod readers;

/// Counts what is allocated, in every program that this crate is linked into.
#[global_allocator]
static ALLOCATOR: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;
