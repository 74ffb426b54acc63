//! How long nothing may end because every worker of the target is busy with work that is known.

/// Requests of one behaviour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KnownWork {
    /// Those in flight when a silence began.
    pub open: u64,
    /// Those completed per second.
    pub rate_per_s: f64,
    /// Time that one takes while nobody else is served, in seconds.
    pub service_s: f64,
}

/// Standard deviations by which work may be longer than its mean: one pause in a hundred is longer, if the
/// sum of its times were normal.
const DEVIATIONS: f64 = 2.33;

/// Longest pause without the end of any request, in seconds, that the work in flight explains. `cores` are
/// those of the target's smallest tier, if that is known.
///
/// # Formula
/// Requests k that are served by m servers keep them busy for `sum S_k / m`, and each takes `S_k` at least:
/// nothing ends before if all workers are taken. Service times are taken to be exponential, so that the sum
/// has the variance `sum S_k^2`, and 2.33 standard deviations are added. m is the number of cores, or the
/// concurrency `sum X_j S_j` (Little's Law) if the target was seen to serve more at once.
pub fn explained_pause_s(work: &[KnownWork], cores: Option<f64>) -> f64 {
    let at_once: f64 = work.iter().map(|of| of.rate_per_s * of.service_s).sum();
    let servers = at_once.max(cores.unwrap_or(1.0)).max(1.0);
    let open = || work.iter().filter(|of| of.open > 0);
    let sum: f64 = open().map(|of| of.open as f64 * of.service_s).sum();
    let squares: f64 = open().map(|of| of.open as f64 * of.service_s.powi(2)).sum();
    let longest = open().map(|of| of.service_s).fold(0.0, f64::max);
    (sum / servers).max(longest) + DEVIATIONS * (squares.sqrt() / servers).max(longest)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;
    use crate::{
        clock::MonotonicTime,
        recorder::{silence::SilenceMeter, windows::StepControl},
    };

    /// A pool of workers on a few cores: the simulation beside which the formula stands.
    #[derive(Clone, Copy)]
    struct Pool {
        workers: usize,
        cores: f64,
        service_s: [f64; 2], // of a light and of a heavy request
        heavy: f64,          // share of the requests
        busy: f64,           // share of the cores
        exponential: bool,
    }

    /// Systems of two to sixteen workers, demands that differ by a factor of 20 to 500, and 2 to 20 % of
    /// heavy requests; the first is a server that was measured.
    const POOLS: [Pool; 6] = [
        pool(4, 1.0, [0.005, 0.415], 0.107, 0.8, false),
        pool(2, 1.0, [0.010, 0.2], 0.2, 0.7, true),
        pool(2, 2.0, [0.002, 1.0], 0.02, 0.6, false),
        pool(8, 2.0, [0.003, 0.6], 0.1, 0.85, true),
        pool(16, 2.0, [0.004, 0.8], 0.05, 0.9, false),
        pool(4, 1.0, [0.002, 0.3], 0.05, 0.75, true),
    ];
    const STEPS: u64 = 100;
    const STEP_S: f64 = 20.0;

    const fn pool(
        workers: usize,
        cores: f64,
        service_s: [f64; 2],
        heavy: f64,
        busy: f64,
        exponential: bool,
    ) -> Pool {
        Pool {
            workers,
            cores,
            service_s,
            heavy,
            busy,
            exponential,
        }
    }

    impl Pool {
        fn rate_per_s(&self) -> f64 {
            let mean_s = (1.0 - self.heavy) * self.service_s[0] + self.heavy * self.service_s[1];
            self.busy * self.cores / mean_s
        }

        /// The longest silence of a step in seconds, and what explains it; the target does nothing from
        /// `stopped` on, for so long.
        fn silence_s(&self, seed: u64, stopped: (f64, f64)) -> (f64, f64) {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
            let start = MonotonicTime::now();
            let at =
                |seconds: f64| MonotonicTime::from_nanoseconds(start.nanoseconds() + (seconds * 1e9) as u64);
            let control = StepControl::new(start, std::time::Duration::from_secs_f64(STEP_S), 1, 1, None);
            control.measure_from(at(5.0));
            let mut meter = SilenceMeter::new(2);
            let mut draw = |mean_s: f64| -(1.0 - random.random::<f64>()).ln() * mean_s;
            let (mut served, mut waiting) = (Vec::<(usize, f64)>::new(), std::collections::VecDeque::new());
            let mut ended = [0.0; 2];
            let (mut now, mut arrives) = (0.0_f64, 0.0_f64);
            while now < 5.0 + STEP_S {
                let pace = (self.cores / served.len().max(1) as f64).min(1.0);
                let first = (0..served.len()).min_by(|a, b| served[*a].1.total_cmp(&served[*b].1));
                let mut ends = first.map_or(f64::INFINITY, |first| now + served[first].1 / pace);
                let (from, span) = stopped;
                if now < from + span && ends > from {
                    ends += from + span - now.max(from);
                }
                let next = arrives.min(ends);
                let idle = (next.min(from + span) - now.max(from)).max(0.0);
                served
                    .iter_mut()
                    .for_each(|one| one.1 -= (next - now - idle) * pace);
                now = next;
                if let Some(first) = first.filter(|_| ends <= arrives) {
                    let (behaviour, _) = served.swap_remove(first);
                    meter.answered(&control, at(now));
                    meter.request_left(behaviour);
                    ended[behaviour] += f64::from(u8::from(now > 5.0)) / STEP_S;
                } else {
                    let behaviour = usize::from(draw(1.0) < -(1.0 - self.heavy).ln());
                    let mean_s = self.service_s[behaviour];
                    let service_s = if self.exponential { draw(mean_s) } else { mean_s };
                    waiting.push_back((behaviour, service_s));
                    meter.request_begins(behaviour, at(now));
                    arrives = now + draw(1.0 / self.rate_per_s());
                }
                while served.len() < self.workers
                    && let Some(next) = waiting.pop_front()
                {
                    served.push(next);
                }
            }
            meter.close(&control, |_, _| std::time::Duration::ZERO);
            let longest = meter.longest().expect("requests were in flight");
            let work: Vec<KnownWork> = (0..2)
                .map(|behaviour| KnownWork {
                    open: longest.open[behaviour],
                    rate_per_s: ended[behaviour],
                    service_s: self.service_s[behaviour],
                })
                .collect();
            (
                longest.us as f64 / 1e6,
                explained_pause_s(&work, Some(self.cores)),
            )
        }

        /// Of some steps, those with a silence of half a second in which 20 requests were due, and those of
        /// them that nothing explains.
        fn silent(&self, stopped: (f64, f64)) -> (usize, usize) {
            let all = (0..STEPS).map(|seed| self.silence_s(seed, stopped));
            let long: Vec<_> = all
                .filter(|(silence_s, _)| *silence_s > 0.5 && silence_s * self.rate_per_s() > 20.0)
                .collect();
            let unexplained = long
                .iter()
                .filter(|(silence_s, explained_s)| silence_s > explained_s);
            (long.len(), unexplained.count())
        }
    }

    #[test]
    fn chance_in_few_heavy_requests_is_no_standstill() {
        let silent: Vec<_> = POOLS.iter().map(|pool| pool.silent((0.0, 0.0))).collect();
        println!("long silences of {STEPS} steps, and unexplained ones: {silent:?}");
        let (long, unexplained) = silent.iter().fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
        assert!(
            long >= 50 && unexplained * 100 <= STEPS as usize * POOLS.len(),
            "{silent:?}"
        );
    }

    #[test]
    fn a_target_that_stops_for_a_while_stands_still_all_the_same() {
        let silent: Vec<_> = POOLS.iter().map(|pool| pool.silent((12.0, 4.0))).collect();
        println!("steps of {STEPS} with a stop of 4 s, and found: {silent:?}");
        let found: usize = silent.iter().map(|(_, found)| found).sum();
        assert!(
            silent.iter().all(|(_, found)| *found >= 40) && found >= 500,
            "{silent:?}"
        );
    }
}
