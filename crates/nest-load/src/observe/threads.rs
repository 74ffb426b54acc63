//! What threads of this process use, and what the civil clock says.

use nix::{
    sys::{
        resource::{UsageWho, getrusage},
        time::TimeSpec,
    },
    time::{ClockId, clock_gettime},
};
use procfs::process::Process;

/// What one thread has used since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ThreadUse {
    /// Busy-seconds.
    pub cpu_s: f64,
    /// Seconds in which it was ready to run and had no processor.
    pub waited_s: f64,
}

/// Use of a thread of this process; nothing if it cannot be read. Its processor time needs no file, so that
/// it is known even if this process may open no more.
#[must_use]
pub fn of_own(tid: i32) -> ThreadUse {
    let schedule = Process::myself()
        .and_then(|own| own.task_from_tid(tid))
        .and_then(|task| task.schedstat());
    ThreadUse {
        cpu_s: clock_gettime(processor_clock(tid)).map_or(0.0, seconds),
        waited_s: schedule.map_or(0.0, |schedule| schedule.run_delay as f64 / 1e9),
    }
}

/// Use of the main thread of another process of this machine; nothing if it cannot be read.
#[must_use]
pub fn of_process(pid: u32) -> ThreadUse {
    let schedule = Process::new(pid.cast_signed()).and_then(|process| process.schedstat());
    schedule.map_or_else(
        |_| ThreadUse::default(),
        |schedule| ThreadUse {
            cpu_s: schedule.sum_exec_runtime as f64 / 1e9,
            waited_s: schedule.run_delay as f64 / 1e9,
        },
    )
}

/// The clock of a thread's processor time, as Linux numbers it: `CPUCLOCK_SCHED` of a thread, in
/// linux/posix-timers.h.
fn processor_clock(tid: i32) -> ClockId {
    const OF_A_THREAD: i32 = 4;
    const SCHED: i32 = 2;
    ClockId::from_raw(!tid << 3 | OF_A_THREAD | SCHED)
}

fn seconds(time: TimeSpec) -> f64 {
    time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9
}

/// Seconds of the civil clock.
#[must_use]
pub fn civil_s() -> f64 {
    clock_gettime(ClockId::CLOCK_REALTIME).map_or(0.0, seconds)
}

/// Most resident bytes that this process has had.
#[must_use]
pub fn peak_memory_bytes() -> u64 {
    getrusage(UsageWho::RUSAGE_SELF).map_or(0, |usage| usage.max_rss().max(0).cast_unsigned() * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_thread_is_seen_to_be_busy() {
        let tid = nix::unistd::gettid().as_raw();
        let before = of_own(tid);
        let mut sum = 0_u64;
        while of_own(tid).cpu_s - before.cpu_s < 0.02 {
            sum = sum.wrapping_add((0..10_000_u64).sum());
        }
        assert!(sum > 0 && peak_memory_bytes() > 100_000);
    }
}
