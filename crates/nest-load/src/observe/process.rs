//! A process and all its children, from `/proc` and the processes' CPU clocks.
//!
//! The CPU clock of a process (`clock_getcpuclockid`) counts nanoseconds and keeps what ended threads have used, which
//! the per-thread `schedstat` loses and `stat` rounds to 10 ms. Children that live shorter than the time between two
//! samples are not seen; a cgroup probe sees them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use nix::{
    sched::sched_getaffinity,
    time::{clock_getcpuclockid, clock_gettime},
    unistd::Pid,
};
use procfs::{
    net::TcpState,
    process::{FDTarget, Process, all_processes},
};

use crate::{LoadError, observe::TierUse};

/// A process and all its children, with their use since the first sample.
#[derive(Debug)]
pub struct ProcessTree {
    root: u32,
    last: BTreeMap<u32, (f64, f64)>, // by process: busy-seconds, disk bytes at the last sample
    first: bool,
    cpu_s: f64,
    disk_bytes: f64,
}

impl ProcessTree {
    /// The tree below a process.
    ///
    /// # Errors
    /// [`LoadError::Probe`] where there is no such process.
    pub fn new(root: u32) -> Result<Self, LoadError> {
        let tree = Self { root, last: BTreeMap::new(), first: true, cpu_s: 0.0, disk_bytes: 0.0 };
        if tree.is_alive() { Ok(tree) } else { Err(gone(root)) }
    }

    /// Whether the root is there and not a zombie.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        Process::new(self.root as i32).and_then(|process| process.stat()).is_ok_and(|stat| stat.state != 'Z')
    }

    /// Cores that the busiest process of the tree may run on.
    #[must_use]
    pub fn cores(&self) -> usize {
        let busiest =
            members(self.root).into_iter().max_by(|a, b| busy_s(*a).unwrap_or(0.0).total_cmp(&busy_s(*b).unwrap_or(0.0))).unwrap_or(self.root);
        let pid = Pid::from_raw(busiest as i32);
        sched_getaffinity(pid).map_or(1, |set| (0..nix::sched::CpuSet::count()).filter(|core| set.is_set(*core).unwrap_or(false)).count().max(1))
    }

    /// Adds up what the tree has used since the first sample.
    ///
    /// # Errors
    /// [`LoadError::Probe`] where the root is gone.
    pub fn sample(&mut self) -> Result<TierUse, LoadError> {
        if !self.is_alive() {
            return Err(gone(self.root));
        }
        let mut now = BTreeMap::new();
        let mut memory_bytes = 0.0;
        for pid in members(self.root) {
            let Some(busy) = busy_s(pid) else { continue };
            let Ok(process) = Process::new(pid as i32) else { continue };
            let disk = process.io().map_or(0.0, |io| (io.read_bytes + io.write_bytes) as f64);
            memory_bytes += process.statm().map_or(0.0, |memory| (memory.resident * procfs::page_size()) as f64);
            let (busy_before, disk_before) = self.last.get(&pid).copied().unwrap_or(if self.first { (busy, disk) } else { (0.0, 0.0) });
            self.cpu_s += (busy - busy_before).max(0.0);
            self.disk_bytes += (disk - disk_before).max(0.0);
            now.insert(pid, (busy, disk));
        }
        self.last = now;
        self.first = false;
        Ok(TierUse { cpu_s: self.cpu_s, disk_bytes: self.disk_bytes, memory_bytes })
    }
}

/// The process that listens on a TCP port: of several that share the socket, the one that started the others.
///
/// # Errors
/// [`LoadError::Probe`] where nothing listens there, or the process may not be looked at.
pub fn listener(port: u16) -> Result<u32, LoadError> {
    let nothing =
        || LoadError::Probe { reason: format!("nothing listens on port {port}, or its process belongs to somebody else; give `pid` in a probe") };
    let sockets = procfs::net::tcp().unwrap_or_default().into_iter().chain(procfs::net::tcp6().unwrap_or_default());
    let inodes: BTreeSet<u64> =
        sockets.filter(|socket| socket.state == TcpState::Listen && socket.local_address.port() == port).map(|socket| socket.inode).collect();
    let holds = |process: &Process| {
        let descriptors = process.fd().into_iter().flatten().flatten();
        descriptors.into_iter().any(|descriptor| matches!(descriptor.target, FDTarget::Socket(inode) if inodes.contains(&inode)))
    };
    let holders: BTreeMap<i32, i32> = all_processes()
        .map_err(|_| nothing())?
        .flatten()
        .filter(holds)
        .filter_map(|process| process.stat().ok().map(|stat| (stat.pid, stat.ppid)))
        .collect();
    let first = holders.iter().find(|(_, parent)| !holders.contains_key(parent)).map(|(pid, _)| *pid as u32);
    first.ok_or_else(nothing)
}

fn gone(pid: u32) -> LoadError {
    LoadError::Probe { reason: format!("process {pid} is gone") }
}

/// A process and all its descendants.
fn members(root: u32) -> Vec<u32> {
    let parents: Vec<(i32, i32)> =
        all_processes().into_iter().flatten().flatten().filter_map(|process| process.stat().ok().map(|stat| (stat.pid, stat.ppid))).collect();
    descendants(root as i32, &parents).into_iter().map(|pid| pid as u32).collect()
}

/// A process and everything below it, from pairs of process and parent.
fn descendants(root: i32, parents: &[(i32, i32)]) -> BTreeSet<i32> {
    let mut found = BTreeSet::from([root]);
    loop {
        let more: Vec<i32> = parents.iter().filter(|(pid, parent)| found.contains(parent) && !found.contains(pid)).map(|(pid, _)| *pid).collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// Busy-seconds of all threads of a process, ended ones among them.
fn busy_s(pid: u32) -> Option<f64> {
    let clock = clock_getcpuclockid(Pid::from_raw(pid as i32)).ok()?;
    clock_gettime(clock).ok().map(|time| Duration::from(time).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descendants_follow_the_chain_of_parents() {
        let parents = [(1, 0), (10, 1), (11, 10), (12, 11), (20, 1)];
        assert_eq!(descendants(10, &parents), BTreeSet::from([10, 11, 12]));
        assert_eq!(descendants(99, &parents), BTreeSet::from([99]));
    }

    #[test]
    fn own_busy_seconds_are_counted_and_ended_threads_stay_counted() {
        let own = std::process::id();
        let before = busy_s(own).expect("own clock");
        let mut tree = ProcessTree::new(own).expect("this process");
        tree.sample().expect("first");
        std::thread::spawn(|| {
            let start = busy_s(std::process::id()).expect("own clock");
            while busy_s(std::process::id()).expect("own clock") - start < 0.05 {}
        })
        .join()
        .expect("the thread ends");
        let used = tree.sample().expect("second");
        let after = busy_s(own).expect("own clock");
        assert!(used.cpu_s >= 0.05 && used.cpu_s <= after - before, "{used:?}");
        assert!(used.memory_bytes > 100_000.0);
    }

    #[test]
    fn a_listener_is_found_by_its_port() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = socket.local_addr().expect("bound").port();
        assert_eq!(listener(port).expect("this process"), std::process::id());
        drop(socket);
        assert!(listener(port).is_err());
    }

    #[test]
    fn a_process_that_is_gone_is_an_error() {
        assert!(ProcessTree::new(u32::MAX >> 2).is_err());
    }
}
