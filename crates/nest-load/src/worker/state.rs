//! What all customers of one worker share.

use std::cell::{Cell, RefCell};

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::{
    clock::Clock,
    http::{connection::Buffers, decoder::KnownHead},
    script::step::ScriptStep,
};

/// What all customers of one worker share.
pub struct WorkerState {
    pub clock: Clock,
    pub buffers: Buffers,
    /// Random numbers for requests that ask for none.
    pub unasked: Xoshiro256PlusPlus,
    /// For bodies, before their length is known.
    pub body: RefCell<Vec<u8>>,
    /// The address that took the last connection.
    pub last_good: Cell<usize>,
    // The last head of the answers to each request of a file, by its endpoint.
    known_heads: Vec<RefCell<KnownHead>>,
    // Of the answers to what code asks for: HEAD, and everything else.
    known_heads_of_code: [RefCell<KnownHead>; 2],
}

impl WorkerState {
    /// The state of a worker that has done nothing yet, for a program with so many requests in files.
    pub fn new(clock: Clock, requests: usize) -> Self {
        Self {
            clock,
            buffers: Buffers::default(),
            unasked: Xoshiro256PlusPlus::seed_from_u64(0),
            body: RefCell::default(),
            last_good: Cell::new(0),
            known_heads: std::iter::repeat_with(RefCell::default).take(requests).collect(),
            known_heads_of_code: Default::default(),
        }
    }

    /// The last head of the answers to a request.
    pub fn known_head(&self, step: &ScriptStep) -> &RefCell<KnownHead> {
        self.known_heads
            .get(step.endpoint)
            .unwrap_or_else(|| &self.known_heads_of_code[usize::from(step.method != "HEAD")])
    }
}
