//! A request to stop, from Ctrl-C or SIGTERM.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI32, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use crate::error::LoadError;

/// How often whoever waits looks whether a stop was asked for.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Shared between the one who stops a run and the run. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    requested: Arc<AtomicBool>,
    target_group: Arc<AtomicI32>,
}

impl Interrupt {
    /// Asks the run to stop load within a second and to come back.
    pub fn request(&self) {
        self.requested.store(true, Ordering::Release);
    }

    /// Whether a stop was asked for.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::Acquire)
    }

    /// Waits until a stop is asked for.
    pub(crate) async fn requested(&self) {
        while !self.is_requested() {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Does what cannot be stopped, such as looking up a name, in a thread of its own, which is left behind
    /// if a stop is asked for meanwhile.
    ///
    /// # Errors
    /// [`LoadError::Interrupted`]; [`LoadError::System`] if no thread can be started.
    pub(crate) fn unless_requested<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, LoadError> {
        let refused = |source| LoadError::System {
            what: "a thread that waits",
            source,
        };
        let (sender, outcome) = mpsc::channel();
        std::thread::Builder::new()
            // Nobody may be left to tell.
            .spawn(move || drop(sender.send(work())))
            .map_err(refused)?;
        loop {
            match outcome.recv_timeout(LOOK_INTERVAL) {
                Ok(outcome) => return Ok(outcome),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(refused(std::io::Error::other(
                        "it ended before its work was done",
                    )));
                }
                Err(RecvTimeoutError::Timeout) if self.is_requested() => return Err(LoadError::Interrupted),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Kills the target that the study started, if any; for an exit that waits for nothing.
    pub fn kill_target(&self) {
        let group = self.target_group.swap(0, Ordering::AcqRel);
        if group > 0 {
            // The group may be gone already; there is nothing left to do then.
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
    }

    pub(crate) fn remember_target(&self, group: i32) {
        self.target_group.store(group, Ordering::Release);
    }

    pub(crate) fn forget_target(&self) {
        self.target_group.store(0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn what_cannot_be_stopped_is_left_behind() {
        let interrupt = Interrupt::default();
        assert_eq!(interrupt.unless_requested(|| 7).expect("nobody stops it"), 7);
        let (begun, shared) = (Instant::now(), interrupt.clone());
        let looked_up = interrupt.unless_requested(move || {
            shared.request();
            std::thread::sleep(Duration::from_secs(60));
        });
        assert!(matches!(looked_up, Err(LoadError::Interrupted)), "{looked_up:?}");
        assert!(begun.elapsed() < Duration::from_secs(30), "it did not wait");
    }

    #[test]
    fn a_panic_of_what_is_waited_for_is_told() {
        let failed = Interrupt::default().unless_requested(|| panic!("on purpose"));
        assert!(matches!(failed, Err::<(), _>(LoadError::System { .. })));
    }
}
