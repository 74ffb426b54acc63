//! CPU clocks of threads, and burning CPU by them.

use std::hint::black_box;
use std::io;
use std::time::Duration;

use nix::time::ClockId;
use nix::unistd::gettid;

/// Rounds of arithmetic between two readings of the clock: some microseconds, so that a burn overshoots by no
/// more.
const ROUNDS: u32 = 1_000;

/// The CPU clock of one thread, readable from any thread of the process while that thread lives.
///
/// Threads are read one by one, because a shop inside a test shares its process with others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThreadClock(ClockId);

impl ThreadClock {
    /// The clock of the calling thread.
    ///
    /// # Formula
    /// `((~tid) << 3) | CPUCLOCK_PERTHREAD | CPUCLOCK_SCHED`, with the values 4 and 2.
    ///
    /// Source: `MAKE_THREAD_CPUCLOCK` in Linux `include/linux/posix-timers_types.h`, also used by glibc.
    pub(crate) fn of_this_thread() -> Self {
        Self(ClockId::from_raw((!gettid().as_raw() << 3) | 4 | 2))
    }

    /// CPU seconds that the thread has spent since it began.
    pub(crate) fn spent_s(self) -> io::Result<f64> {
        Ok(Duration::from(self.0.now()?).as_secs_f64())
    }
}

/// CPU seconds that the calling thread has spent since it began.
pub(crate) fn spent_s() -> f64 {
    let spent = ClockId::CLOCK_THREAD_CPUTIME_ID
        .now()
        .expect("Linux keeps a CPU clock for the calling thread");
    Duration::from(spent).as_secs_f64()
}

/// Burns CPU until the calling thread has spent `until_s` since it began; returns at once if it already has.
pub(crate) fn burn_until(until_s: f64) {
    let mut value = 1_u64;
    while spent_s() < until_s {
        for _ in 0..ROUNDS {
            value = black_box(value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burn_spends_what_it_is_told_and_others_can_read_it() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let burner = std::thread::spawn(move || {
            burn_until(spent_s() + 0.02);
            sender
                .send(ThreadClock::of_this_thread())
                .expect("the test waits for the clock");
            wait.recv().expect("the test releases the thread");
        });
        let clock = receiver.recv().expect("the burner sends its clock");
        assert!(clock.spent_s().expect("the thread lives") >= 0.02);
        release.send(()).expect("the burner waits");
        burner.join().expect("the burner does not panic");
    }
}
