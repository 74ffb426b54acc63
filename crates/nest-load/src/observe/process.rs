//! A process and all its children, from `/proc` and the processes' CPU clocks.
//!
//! The CPU clock of a process (`clock_getcpuclockid`) counts nanoseconds and keeps what ended threads have
//! used, which the per-thread `schedstat` loses and `stat` rounds to 10 ms. What ended children have used
//! stands in their parent's `stat`, in ticks of 10 ms, once it has waited for them.

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
    process::{FDTarget, Process, Stat, all_processes},
};

use crate::{
    error::LoadError,
    observe::{TierUse, members::Members},
};

/// A process: its number, and when it started (in ticks), because numbers are used again.
type ProcessId = (u32, u64);

/// A process and all its children, with their use since the first sample.
#[derive(Debug)]
pub struct ProcessTree {
    root: u32,
    last: BTreeMap<ProcessId, ProcessUse>,
    first: bool,
    cpu_s: f64,
    disk_bytes: f64,
    ended: EndedChildren,
    members: Members,
}

/// What a process has used since it started.
#[derive(Debug, Clone, Copy, PartialEq)]
struct ProcessUse {
    busy_s: f64,
    reaped_s: f64,           // of children that ended and that it waited for
    disk_bytes: Option<f64>, // those of such children among them; none if they may not be read
}

/// Accounts of children that ended: what their parents were credited with, against what was already counted.
#[derive(Debug, Default)]
struct EndedChildren {
    credit_s: f64,
    counted_s: f64,
    tolerance_s: f64,
    disk_owed: f64,
    overdue: bool,
    pid: u32, // of one that ended last
    breaks: (u64, String),
}

impl ProcessTree {
    /// The tree below a process.
    ///
    /// # Errors
    /// [`LoadError::Probe`] if there is no such process.
    pub fn new(root: u32) -> Result<Self, LoadError> {
        let tree = Self {
            root,
            last: BTreeMap::new(),
            first: true,
            cpu_s: 0.0,
            disk_bytes: 0.0,
            ended: EndedChildren::default(),
            members: Members::default(),
        };
        if tree.is_alive() {
            Ok(tree)
        } else {
            Err(gone(root))
        }
    }

    /// Whether the root is there and not a zombie.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        Process::new(self.root as i32)
            .and_then(|process| process.stat())
            .is_ok_and(|stat| stat.state != 'Z')
    }

    /// Whether the processes that do the work are stopped, of those there were at the last sample.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.members.is_stopped()
    }

    /// Threads that did the work, as of the last sample; none if the kernel does not count.
    #[must_use]
    pub fn working_threads(&self) -> Option<u32> {
        self.members.working_threads()
    }

    /// Cores that the busiest process of the tree may run on.
    #[must_use]
    pub fn cores(&self) -> usize {
        let busy = self
            .processes()
            .into_keys()
            .map(|(pid, _)| (busy_s(pid).unwrap_or(0.0), pid));
        let busiest = busy
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map_or(self.root, |(_, pid)| pid);
        let pid = Pid::from_raw(busiest as i32);
        sched_getaffinity(pid).map_or(1, |set| {
            (0..nix::sched::CpuSet::count())
                .filter(|core| set.is_set(*core).unwrap_or(false))
                .count()
                .max(1)
        })
    }

    /// Adds up what the tree has used since the first sample.
    ///
    /// # Errors
    /// [`LoadError::Probe`] if the root is gone.
    pub fn sample(&mut self) -> Result<TierUse, LoadError> {
        if !self.is_alive() {
            return Err(gone(self.root));
        }
        let processes = self.processes();
        // Of a process that ends just now its parent has not been credited yet: it counts as there, with what
        // it had.
        let spent = |(id, stat): (&ProcessId, &Stat)| {
            spent(id.0, stat)
                .or(self.last.get(id).copied())
                .map(|spent| (*id, spent))
        };
        let now: BTreeMap<ProcessId, ProcessUse> = processes.iter().filter_map(spent).collect();
        self.members.update(
            &now.iter()
                .map(|((pid, _), spent)| (*pid, spent.busy_s))
                .collect::<Vec<_>>(),
        );
        let memory =
            |(pid, _): &ProcessId| Process::new(*pid as i32).and_then(|process| process.statm()).ok();
        let memory_bytes = now
            .keys()
            .filter_map(memory)
            .map(|memory| (memory.resident * procfs::page_size()) as f64)
            .sum();
        let disk_is_known = now.values().all(|spent| spent.disk_bytes.is_some());
        if !self.first {
            self.add(&now);
        }
        self.last = now;
        self.first = false;
        Ok(TierUse {
            cpu_s: self.cpu_s,
            disk_bytes: disk_is_known.then_some(self.disk_bytes),
            memory_bytes: Some(memory_bytes),
            waiting_s: self.members.waiting_s(),
            throttled_s: None,
            breaks: self.ended.breaks.clone(),
        })
    }

    /// Adds what was used since the last sample: by the processes that are there, and by those that have
    /// ended.
    fn add(&mut self, now: &BTreeMap<ProcessId, ProcessUse>) {
        let unborn = ProcessUse {
            busy_s: 0.0,
            reaped_s: 0.0,
            disk_bytes: Some(0.0),
        };
        let mut disk = self.ended.disk_owed;
        for (id, spent) in now {
            let before = self.last.get(id).unwrap_or(&unborn);
            self.cpu_s += (spent.busy_s - before.busy_s).max(0.0);
            self.ended.credit_s += (spent.reaped_s - before.reaped_s).max(0.0);
            disk += spent
                .disk_bytes
                .zip(before.disk_bytes)
                .map_or(0.0, |(now, before)| (now - before).max(0.0));
        }
        let gone = self.last.iter().filter(|(id, _)| !now.contains_key(*id));
        for ((pid, _), spent) in gone {
            self.ended.pid = *pid;
            self.ended.counted_s += spent.busy_s + spent.reaped_s;
            self.ended.tolerance_s += 2.0 / procfs::ticks_per_second() as f64;
            disk -= spent.disk_bytes.unwrap_or(0.0);
        }
        self.ended.disk_owed = disk.min(0.0);
        self.disk_bytes += disk.max(0.0);
        self.cpu_s += self.ended.settle();
    }

    /// The root and everything below it, and below whoever was in the tree before: a process whose parent
    /// ends is given another parent and still belongs to the tier.
    fn processes(&self) -> BTreeMap<ProcessId, Stat> {
        let all: BTreeMap<i32, Stat> = all_processes()
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|process| process.stat().ok())
            .map(|stat| (stat.pid, stat))
            .collect();
        let known = self.last.keys().filter(|(pid, start)| {
            all.get(&(*pid as i32))
                .is_some_and(|stat| stat.starttime == *start)
        });
        let roots: BTreeSet<i32> = known
            .map(|(pid, _)| *pid as i32)
            .chain([self.root as i32])
            .collect();
        let parents: Vec<(i32, i32)> = all.values().map(|stat| (stat.pid, stat.ppid)).collect();
        let members = descendants(roots, &parents);
        all.into_iter()
            .filter(|(pid, _)| members.contains(pid))
            .map(|(_, stat)| ((stat.pid as u32, stat.starttime), stat))
            .collect()
    }
}

impl EndedChildren {
    /// What ended children have used beyond what was counted while they ran, in busy-seconds. Where their
    /// parents have not been credited by the next sample either, nobody waited for them and their last use is
    /// lost.
    fn settle(&mut self) -> f64 {
        let is_credited = self.counted_s <= self.credit_s + self.tolerance_s;
        if !is_credited && !self.overdue {
            self.overdue = true;
            return 0.0;
        }
        let more = if is_credited {
            (self.credit_s - self.counted_s).max(0.0)
        } else {
            0.0
        };
        if !is_credited {
            let lost = format!(
                "process {} ended and nobody waited for it: what it used last is not known",
                self.pid
            );
            self.breaks = (self.breaks.0 + 1, lost);
            self.disk_owed = 0.0;
        }
        (self.credit_s, self.counted_s, self.tolerance_s, self.overdue) = (0.0, 0.0, 0.0, false);
        more
    }
}

/// What a process has used; none if it is gone.
fn spent(pid: u32, stat: &Stat) -> Option<ProcessUse> {
    let busy_s = busy_s(pid)?;
    let io = Process::new(pid as i32).ok()?.io();
    let disk_bytes = match io {
        Ok(io) => Some((io.read_bytes + io.write_bytes) as f64),
        Err(procfs::ProcError::NotFound(_)) => return None,
        // A zombie has no account of its own any more; its parent's holds it once it is waited for.
        Err(_) if stat.state == 'Z' => return None,
        Err(_) => None,
    };
    let reaped_s = (stat.cutime + stat.cstime).max(0) as f64 / procfs::ticks_per_second() as f64;
    Some(ProcessUse {
        busy_s,
        reaped_s,
        disk_bytes,
    })
}

/// The process that listens on a TCP port: of several that share the socket, the one that started the others.
///
/// # Errors
/// [`LoadError::Probe`] if nothing listens there, or the process may not be looked at.
pub fn listener(port: u16) -> Result<u32, LoadError> {
    let nothing = || LoadError::Probe {
        reason: format!(
            "nothing listens on port {port}, or its process belongs to somebody else; give `pid` in a probe"
        ),
    };
    let sockets = procfs::net::tcp()
        .unwrap_or_default()
        .into_iter()
        .chain(procfs::net::tcp6().unwrap_or_default());
    let inodes: BTreeSet<u64> = sockets
        .filter(|socket| socket.state == TcpState::Listen && socket.local_address.port() == port)
        .map(|socket| socket.inode)
        .collect();
    let holds = |process: &Process| {
        let descriptors = process.fd().into_iter().flatten().flatten();
        descriptors
            .into_iter()
            .any(|descriptor| matches!(descriptor.target, FDTarget::Socket(inode) if inodes.contains(&inode)))
    };
    let holders: BTreeMap<i32, i32> = all_processes()
        .map_err(|_| nothing())?
        .flatten()
        .filter(holds)
        .filter_map(|process| process.stat().ok().map(|stat| (stat.pid, stat.ppid)))
        .collect();
    let first = holders
        .iter()
        .find(|(_, parent)| !holders.contains_key(parent))
        .map(|(pid, _)| *pid as u32);
    first.ok_or_else(nothing)
}

fn gone(pid: u32) -> LoadError {
    LoadError::Probe {
        reason: format!("process {pid} is gone"),
    }
}

/// Some processes and everything below them, from pairs of process and parent.
fn descendants(roots: BTreeSet<i32>, parents: &[(i32, i32)]) -> BTreeSet<i32> {
    let mut found = roots;
    loop {
        let more: Vec<i32> = parents
            .iter()
            .filter(|(pid, parent)| found.contains(parent) && !found.contains(pid))
            .map(|(pid, _)| *pid)
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// Busy-seconds of all threads of a process, ended ones among them.
pub fn busy_s(pid: u32) -> Option<f64> {
    let clock = clock_getcpuclockid(Pid::from_raw(pid as i32)).ok()?;
    clock_gettime(clock)
        .ok()
        .map(|time| Duration::from(time).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descendants_follow_the_chain_of_parents() {
        let parents = [(1, 0), (10, 1), (11, 10), (12, 11), (20, 1)];
        assert_eq!(
            descendants(BTreeSet::from([10]), &parents),
            BTreeSet::from([10, 11, 12])
        );
        assert_eq!(
            descendants(BTreeSet::from([99, 11]), &parents),
            BTreeSet::from([99, 11, 12])
        );
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
        assert!(used.memory_bytes > Some(100_000.0));
    }

    fn ended(steps: &[(f64, f64)]) -> (Vec<f64>, u64) {
        let mut ended = EndedChildren::default();
        let settle = |(credit, counted): &(f64, f64)| {
            ended.credit_s += credit;
            ended.counted_s += counted;
            ended.settle()
        };
        let more = steps.iter().map(settle).collect();
        (more, ended.breaks.0)
    }

    #[test]
    fn what_ended_children_used_is_counted_once() {
        // Seen while it ran with 3 s, credited with 5 s; then one that was never seen.
        assert_eq!(ended(&[(5.0, 3.0), (1.0, 0.0)]), (vec![2.0, 1.0], 0));
        // Credited one sample late, as when it ends while the processes are being read.
        assert_eq!(ended(&[(0.0, 3.0), (5.0, 0.0)]), (vec![0.0, 2.0], 0));
        // Never credited: nobody waited for it.
        assert_eq!(
            ended(&[(0.0, 3.0), (1.0, 0.0), (2.0, 0.0)]),
            (vec![0.0, 0.0, 2.0], 1)
        );
    }

    #[test]
    fn a_child_that_ends_between_two_samples_is_not_lost() {
        let mut tree = ProcessTree::new(std::process::id()).expect("this process");
        let before = tree.sample().expect("first").cpu_s;
        let status = std::process::Command::new("sh")
            .args(["-c", "i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done; times"])
            .output()
            .expect("sh runs");
        // `times` prints the shell's own user and system time in its first line: 0m0.12s 0m0.00s.
        let text = String::from_utf8_lossy(&status.stdout).into_owned();
        let seconds = |word: &str| {
            word.trim_start_matches("0m")
                .trim_end_matches('s')
                .parse::<f64>()
                .expect("a time")
        };
        let own: f64 = text
            .lines()
            .next()
            .expect("a line")
            .split_whitespace()
            .map(seconds)
            .sum();
        let used = tree.sample().expect("second").cpu_s - before;
        // The shell's figure and ours are both rounded to ticks of 10 ms.
        assert!(own > 0.05 && used >= own - 0.03, "{used} of {own}");
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
