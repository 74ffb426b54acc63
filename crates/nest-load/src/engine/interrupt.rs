//! A request to stop, from Ctrl-C or SIGTERM.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI32, Ordering},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

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
