//! The processes of a tier as the scheduler sees them: how long their threads waited, and whether they are
//! stopped.

use std::collections::BTreeMap;

/// Share of the busiest process's time from which on a process counts as working. A shell that waits for the
/// server it started, or a master that only watches its workers, has used next to nothing.
const WORKING: f64 = 0.05;
/// Share of the busiest thread's time from which on a thread counts as working; a pool hands out its work
/// evenly or to whoever was last free.
const WORKING_THREAD: f64 = 0.02;
/// Busy-seconds since the first sample below which the whole life of the processes is compared instead.
const SOME_WORK_S: f64 = 1e-3;

/// Processes as of the last sample.
#[derive(Debug, Default)]
pub struct Members {
    busy: BTreeMap<u32, (f64, f64)>, // by process: busy-seconds when it was first seen, and now
    threads: BTreeMap<u32, Thread>,
    waiting_s: f64,
    sampled: bool,
    counts_waiting: bool,
}

/// A thread as of the last sample, in seconds.
#[derive(Debug, Clone, Copy)]
struct Thread {
    ran_first: f64, // when it was first seen
    ran: f64,
    waited: f64,
}

impl Members {
    /// Takes note of the processes that there are now, with their busy-seconds.
    pub fn update(&mut self, busy: &[(u32, f64)]) {
        let first = |pid: &u32, now: f64| {
            self.busy
                .get(pid)
                .map_or(if self.sampled { 0.0 } else { now }, |(first, _)| first.min(now))
        };
        self.busy = busy
            .iter()
            .map(|(pid, now)| (*pid, (first(pid, *now), *now)))
            .collect();
        self.update_threads();
        self.sampled = true;
    }

    /// Seconds that threads have waited for a processor since the first sample; none if the kernel does
    /// not count them. What a thread waited between its last sample and its end is not in it.
    #[must_use]
    pub fn waiting_s(&self) -> Option<f64> {
        self.counts_waiting.then_some(self.waiting_s)
    }

    /// Whether every process that does the work is stopped (SIGSTOP). Reads one small file for each of them.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        let since_first = |(first, now): &(f64, f64)| now - first;
        let life = |(_, now): &(f64, f64)| *now;
        let largest =
            |figure: &dyn Fn(&(f64, f64)) -> f64| self.busy.values().map(figure).fold(0.0, f64::max);
        let work: &dyn Fn(&(f64, f64)) -> f64 = if largest(&since_first) >= SOME_WORK_S {
            &since_first
        } else {
            &life
        };
        let least = WORKING * largest(work);
        let working = self.busy.iter().filter(|(_, busy)| work(busy) >= least);
        let mut states = working.filter_map(|(pid, _)| state(*pid)).peekable();
        states.peek().is_some() && states.all(|state| state == 'T')
    }

    /// How many threads have done the work since the first sample, of those that still run: a server that
    /// starts one for each request seems to have few. None if the kernel does not count.
    #[must_use]
    pub fn working_threads(&self) -> Option<u32> {
        let ran: Vec<f64> = self
            .threads
            .values()
            .map(|thread| thread.ran - thread.ran_first)
            .collect();
        self.counts_waiting.then(|| working(&ran))
    }

    fn update_threads(&mut self) {
        let (mut all, mut ran_s) = (BTreeMap::new(), 0.0);
        for (number, (ran, waited)) in self.busy.keys().flat_map(|pid| threads(*pid)) {
            ran_s += ran;
            // Times that fell belong to another thread than before.
            let before = self
                .threads
                .get(&number)
                .filter(|before| before.waited <= waited && before.ran <= ran)
                .copied();
            let unseen = if self.sampled {
                Thread {
                    ran_first: 0.0,
                    ran: 0.0,
                    waited: 0.0,
                }
            } else {
                Thread {
                    ran_first: ran,
                    ran,
                    waited,
                }
            };
            let before = before.unwrap_or(unseen);
            self.waiting_s += waited - before.waited;
            all.insert(
                number,
                Thread {
                    ran_first: before.ran_first,
                    ran,
                    waited,
                },
            );
        }
        self.threads = all;
        // A kernel that does not count writes zeros, for the time that threads ran too.
        self.counts_waiting = ran_s > 0.0;
    }
}

/// The threads of a process, each with the seconds it ran and waited; none if the process is gone.
fn threads(pid: u32) -> Vec<(u32, (f64, f64))> {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let read_thread = |task: std::fs::DirEntry| {
        let thread = task.file_name().to_str()?.parse().ok()?;
        Some((
            thread,
            parse_schedstat(&std::fs::read_to_string(task.path().join("schedstat")).ok()?)?,
        ))
    };
    tasks.flatten().filter_map(read_thread).collect()
}

/// Seconds that a thread ran and waited for a processor, of `schedstat`.
fn parse_schedstat(text: &str) -> Option<(f64, f64)> {
    let mut nanoseconds = text
        .split_ascii_whitespace()
        .map(|field| field.parse::<f64>().ok());
    Some((nanoseconds.next()?? * 1e-9, nanoseconds.next()?? * 1e-9))
}

/// How many of those that ran so many seconds did the work.
fn working(ran: &[f64]) -> u32 {
    let least = WORKING_THREAD * ran.iter().copied().fold(0.0, f64::max);
    ran.iter().filter(|ran| **ran > 0.0 && **ran >= least).count() as u32
}

/// Letter of a process's state.
fn state(pid: u32) -> Option<char> {
    parse_state(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The state in `stat`: after the command, which stands in brackets and may hold any letter, brackets among
/// them.
fn parse_state(stat: &str) -> Option<char> {
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_schedstat_and_stat_are_found() {
        assert_eq!(parse_schedstat("1500000000 250000000 7\n"), Some((1.5, 0.25)));
        assert_eq!(parse_schedstat("1500000000"), None);
        assert_eq!(parse_state("26141 (a) b) T 1 26141"), Some('T'));
        assert_eq!(parse_state("no state"), None);
    }

    #[test]
    fn threads_that_hardly_ran_do_no_work() {
        assert_eq!(
            (working(&[]), working(&[0.0, 0.0]), working(&[1.0, 1.0, 1.0])),
            (0, 0, 3)
        );
        assert_eq!(
            working(&[5.0, 4.0, 0.3, 0.09, 0.0]),
            3,
            "a fiftieth of 5 s is 0.1 s"
        );
    }

    #[test]
    fn threads_that_compete_for_one_core_wait() {
        let own = std::process::id();
        let mut members = Members::default();
        members.update(&[(own, 0.0)]);
        assert_eq!(members.waiting_s(), Some(0.0));
        // Two threads on one core wait while the other runs.
        let pinned = || {
            let mut core = nix::sched::CpuSet::new();
            core.set(0).expect("a core");
            nix::sched::sched_setaffinity(nix::unistd::Pid::from_raw(0), &core).expect("core 0 is ours");
        };
        let together = std::sync::Barrier::new(3);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    pinned();
                    let (clock, start) = (
                        nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID,
                        std::time::Duration::from_millis(60),
                    );
                    while std::time::Duration::from(nix::time::clock_gettime(clock).expect("own clock"))
                        < start
                    {}
                    together.wait();
                    together.wait();
                });
            }
            together.wait();
            members.update(&[(own, 0.1)]);
            together.wait();
        });
        let waited = members.waiting_s().expect("the kernel counts");
        assert!(waited > 0.0, "{waited}");
        // Those two; other tests of this process may run beside them.
        assert!(members.working_threads().expect("the kernel counts") >= 2);
        // The threads have ended; what was seen of them is kept.
        members.update(&[(own, 0.1)]);
        assert!(members.waiting_s().expect("the kernel counts") >= waited);
    }
}
