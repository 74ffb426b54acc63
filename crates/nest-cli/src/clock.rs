//! The only place of this crate that reads a clock: today's date, the time at which a run starts, and how
//! far a progress bar has come. Nothing that is computed reads it; dates reach the stages as values.

use std::time::{Duration, Instant};

use jiff::{Timestamp, Zoned, civil::Date};

/// Today, in the time zone of this machine.
pub fn today() -> Date {
    Zoned::now().date()
}

/// This moment, in UTC.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Tells how much time has passed since this call.
pub fn stopwatch() -> impl Fn() -> Duration {
    let start = Instant::now();
    move || start.elapsed()
}
