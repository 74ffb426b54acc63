//! Which cores the threads may run on.

use std::io;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::TargetError;

/// The cores on which the calling thread may run, ascending.
pub(crate) fn allowed() -> Result<Vec<usize>, TargetError> {
    let set = sched_getaffinity(Pid::from_raw(0)).map_err(|errno| TargetError::Resources {
        what: "core mask",
        source: errno.into(),
    })?;
    Ok((0..CpuSet::count())
        .filter(|&core| set.is_set(core).unwrap_or(false))
        .collect())
}

/// Pins the calling thread, and every thread that it starts from now on. An empty list changes nothing.
pub(crate) fn pin(cores: &[usize]) -> Result<(), TargetError> {
    if cores.is_empty() {
        return Ok(());
    }
    let refused = |errno: nix::errno::Errno| TargetError::Pinning {
        cores: cores.to_vec(),
        source: io::Error::from(errno),
    };
    let mut set = CpuSet::new();
    for &core in cores {
        set.set(core).map_err(refused)?;
    }
    sched_setaffinity(Pid::from_raw(0), &set).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_thread_and_its_children_stay_on_the_core() {
        let core = *allowed()
            .expect("the mask is readable")
            .last()
            .expect("a thread may run somewhere");
        let seen = std::thread::spawn(move || {
            pin(&[core]).expect("the core is allowed");
            std::thread::spawn(allowed)
                .join()
                .expect("the child does not panic")
                .expect("the mask is readable")
        });
        assert_eq!(seen.join().expect("the thread does not panic"), [core]);
    }

    #[test]
    fn a_core_that_is_not_there_is_named() {
        let error = pin(&[usize::MAX]).expect_err("no machine has that core");
        assert!(matches!(error, TargetError::Pinning { cores, .. } if cores == [usize::MAX]));
    }
}
