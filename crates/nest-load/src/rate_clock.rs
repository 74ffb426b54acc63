//! Waits for an instant to well under a millisecond, inside the runtime. Tokio's own timer rounds to whole ones.

use std::{
    os::fd::{AsFd, AsRawFd, RawFd},
    time::Instant,
};

use nix::sys::{
    time::TimeSpec,
    timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
};
use tokio::io::unix::AsyncFd;

/// A timer of the kernel that the runtime polls.
pub struct RateClock {
    timer: AsyncFd<Timer>,
}

struct Timer(TimerFd);

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl RateClock {
    /// A clock for the current runtime.
    #[expect(deprecated, reason = "its replacement is unsafe, which we forbid; the timer owns its descriptor for as long as it is registered")]
    pub fn new() -> std::io::Result<Self> {
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        Ok(Self { timer: AsyncFd::new(Timer(timer))? })
    }

    /// Returns at `due`, or at the next turn of the runtime where that has passed.
    pub async fn wait_until(&self, due: Instant) -> std::io::Result<()> {
        let wait = due.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            tokio::task::yield_now().await;
            return Ok(());
        }
        self.timer.get_ref().0.set(Expiration::OneShot(TimeSpec::from_duration(wait)), TimerSetTimeFlags::empty())?;
        loop {
            let mut ready = self.timer.readable().await?;
            if ready.try_io(|timer| timer.get_ref().0.wait().map_err(std::io::Error::from)).is_ok() {
                return Ok(());
            }
        }
    }
}
