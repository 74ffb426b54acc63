//! Reads inputs and holds each of them to its bounds: no panic, no hang, not too much memory.

use std::{
    fmt,
    ops::Range,
    panic::{self, AssertUnwindSafe},
    process,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::resource::{Resource, setrlimit},
    time::{ClockId, clock_gettime},
};

use crate::{ALLOCATOR, corpus::Seeds, mutation, target::Target};

/// Most processor time of one input, in seconds, on all cores together.
pub const MOST_CPU_S: f64 = 1.0;
/// Most bytes that are allocated at a time for one input, beside what was allocated before.
pub const MOST_BYTES: usize = 256 << 20;
/// Wall-clock seconds after which an input is given up, and the process with it.
const GIVEN_UP_S: u64 = 60;
/// Address space of the process: what asks for more fails at once, before the machine has no memory left.
const ADDRESS_SPACE_BYTES: u64 = 8 << 30;
/// Stack of the thread that reads, in bytes: what the main thread of a program has.
const STACK_BYTES: usize = 8 << 20;
/// Inputs that are kept of those that broke a bound.
const KEPT: usize = 20;

/// What an input did that none may.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The reader panicked, with this message and place.
    Panic(String),
    /// It took this many seconds of processor time.
    Slow(f64),
    /// It allocated this many bytes at a time.
    Large(usize),
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panic(message) => write!(out, "panic: {message}"),
            Self::Slow(cpu_s) => write!(out, "{cpu_s:.2} s of processor time, more than {MOST_CPU_S}"),
            Self::Large(bytes) => write!(out, "{} MiB, more than {}", bytes >> 20, MOST_BYTES >> 20),
        }
    }
}

/// An input that broke a bound.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its index.
    pub index: u64,
    /// The input.
    pub input: Vec<u8>,
    /// What it did.
    pub fault: Fault,
}

/// What came of a range of inputs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Inputs that were read.
    pub inputs: u64,
    /// Those that the reader understood.
    pub understood: u64,
    /// Processor time of all of them, in seconds.
    pub cpu_s: f64,
    /// Longest processor time of one, in seconds.
    pub slowest_s: f64,
    /// Index of that one.
    pub slowest: u64,
    /// Most bytes that were allocated at a time for one.
    pub largest_bytes: usize,
    /// Inputs that broke a bound.
    pub faults: u64,
    /// The first of them.
    pub found: Vec<Found>,
}

/// Reads the inputs of a range of indices.
///
/// Memory and processor time are those of the whole process, so nothing else should run in it. An input that
/// takes longer than a minute ends the process, with a message that names it.
#[must_use]
pub fn run(target: &Target, seeds: &Seeds, seed: u64, indices: Range<u64>) -> Tally {
    let _ = setrlimit(Resource::RLIMIT_AS, ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES);
    thread::scope(|scope| {
        let read = || {
            let mut tally = Tally::default();
            for index in indices {
                let input = mutation::input(seeds, target.language, seed, index);
                tally.add(index, &input, judged(target, index, &input));
            }
            tally
        };
        let reader = thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, read);
        let reader = reader.expect("the system starts a thread");
        let (mut last, mut since) = (u64::MAX, Instant::now());
        while !reader.is_finished() {
            thread::park_timeout(Duration::from_millis(20));
            let now = CURRENT.load(Ordering::Relaxed);
            if now != last {
                (last, since) = (now, Instant::now());
            } else if since.elapsed().as_secs() > GIVEN_UP_S {
                give_up(target, seed, now);
            }
        }
        reader.join().expect("panics of readers are caught")
    })
}

/// Index of the input that is being read.
static CURRENT: AtomicU64 = AtomicU64::new(0);
/// Message and place of the last panic.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

#[allow(
    clippy::print_stderr,
    reason = "the process ends here, and nobody else can say why"
)]
fn give_up(target: &Target, seed: u64, index: u64) -> ! {
    eprintln!(
        "{}: seed {seed}, input {index} takes longer than {GIVEN_UP_S} s",
        target.name
    );
    process::exit(1)
}

/// What one input cost.
struct Judged {
    outcome: Result<bool, String>,
    cpu_s: f64,
    bytes: usize,
}

fn judged(target: &Target, index: u64, input: &[u8]) -> Judged {
    CURRENT.store(index, Ordering::Relaxed);
    let (before_bytes, before_s) = (ALLOCATOR.current_usage(), cpu_s());
    ALLOCATOR.reset_peak_usage();
    let outcome = quietly(|| (target.read)(input));
    Judged {
        outcome,
        cpu_s: cpu_s() - before_s,
        bytes: ALLOCATOR.peak_usage().saturating_sub(before_bytes),
    }
}

/// Runs something that may panic; a panic becomes its message and place.
fn quietly<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    let before = panic::take_hook();
    panic::set_hook(Box::new(|panicked| {
        let mut last = LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner);
        // The first panic says why; a thread that waits for it panics next.
        if last.is_empty() {
            *last = panicked.to_string().replace('\n', " ");
        }
    }));
    let outcome = panic::catch_unwind(AssertUnwindSafe(run));
    panic::set_hook(before);
    let message = std::mem::take(&mut *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner));
    outcome.map_err(|_| message)
}

/// Processor time of the process, in seconds.
fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("Linux has this clock");
    Duration::from(time).as_secs_f64()
}

impl Tally {
    fn add(&mut self, index: u64, input: &[u8], judged: Judged) {
        self.inputs += 1;
        self.understood += u64::from(judged.outcome == Ok(true));
        self.cpu_s += judged.cpu_s;
        if judged.cpu_s > self.slowest_s {
            (self.slowest_s, self.slowest) = (judged.cpu_s, index);
        }
        self.largest_bytes = self.largest_bytes.max(judged.bytes);
        let fault = match judged.outcome {
            Err(message) => Some(Fault::Panic(message)),
            Ok(_) if judged.cpu_s > MOST_CPU_S => Some(Fault::Slow(judged.cpu_s)),
            Ok(_) if judged.bytes > MOST_BYTES => Some(Fault::Large(judged.bytes)),
            Ok(_) => None,
        };
        let Some(fault) = fault else { return };
        self.faults += 1;
        if self.found.len() < KEPT {
            self.found.push(Found {
                index,
                input: input.to_vec(),
                fault,
            });
        }
    }

    /// Adds what came of the next range.
    pub fn merge(&mut self, next: Self) {
        self.inputs += next.inputs;
        self.understood += next.understood;
        self.cpu_s += next.cpu_s;
        if next.slowest_s > self.slowest_s {
            (self.slowest_s, self.slowest) = (next.slowest_s, next.slowest);
        }
        self.largest_bytes = self.largest_bytes.max(next.largest_bytes);
        self.faults += next.faults;
        self.found.extend(next.found);
        self.found.truncate(KEPT);
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;
    use crate::target::Language;

    /// Breaks the bound that the first byte names.
    fn bad(input: &[u8]) -> bool {
        match input.first() {
            Some(b'o') => black_box(u8::MAX) + black_box(1) > 0,
            Some(b't') => thread::spawn(|| panic!("in a thread"))
                .join()
                .expect("the thread ends"),
            Some(b's') => {
                let start = cpu_s();
                while cpu_s() - start < 1.5 * MOST_CPU_S {}
                true
            }
            Some(b'm') => black_box(Vec::<u8>::with_capacity(MOST_BYTES + 1)).is_empty(),
            _ => false,
        }
    }

    #[test]
    fn each_bound_that_is_broken_is_found() {
        let target = Target {
            name: "bad",
            language: Language::Bytes,
            read: bad,
            in_tests: 0,
            in_bench: 0,
        };
        let texts: Vec<Vec<u8>> = ["fine", "overflow", "thread", "slow", "memory"]
            .map(|text| text.as_bytes().to_vec())
            .to_vec();
        let trees = vec![None; texts.len()];
        let tally = run(&target, &Seeds { texts, trees }, 0, 0..5);
        assert_eq!((tally.inputs, tally.understood, tally.faults), (5, 2, 4));
        let told: Vec<String> = tally.found.iter().map(|found| found.fault.to_string()).collect();
        for (told, part) in told
            .iter()
            .zip(["overflow", "in a thread", "processor time", "MiB"])
        {
            assert!(told.contains(part), "{part} in {told}");
        }
    }
}
