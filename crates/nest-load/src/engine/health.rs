//! How well a generator kept to its schedule, from what it used and recorded.

use hdrhistogram::Histogram;
use nest_data::measurement::GeneratorHealth;

use crate::{
    clock::MonotonicTime,
    observe::threads::{self, ThreadUse},
    recorder::Recorder,
};

/// What the slots of a generator used between the first edge of the windows and the last.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct GeneratorUse {
    /// Share of its core that the busiest slot used, 0-1.
    pub cpu: f64,
    /// Share of the time in which a slot was ready to run and had no processor, 0-1; the highest.
    pub waiting: f64,
    /// Change of the civil clock against the monotonic one, in seconds.
    pub clock_step_s: f64,
}

/// Reads what the slots use at the edges of windows.
#[derive(Default)]
pub struct UseMeter {
    first: Option<FirstEdge>,
    used: GeneratorUse,
}

struct FirstEdge {
    at: MonotonicTime,
    civil_s: f64,
    threads: Vec<ThreadUse>,
}

impl UseMeter {
    /// An edge, with what each slot has used until now.
    pub fn at_edge(&mut self, threads: Vec<ThreadUse>) {
        let (now, civil_s) = (MonotonicTime::now(), threads::civil_s());
        let Some(first) = &self.first else {
            self.first = Some(FirstEdge {
                at: now,
                civil_s,
                threads,
            });
            return;
        };
        let span_s = now.since(first.at).as_secs_f64().max(1e-6);
        let busiest = |figure: &dyn Fn(&ThreadUse) -> f64| {
            threads
                .iter()
                .zip(&first.threads)
                .map(|(after, before)| (figure(after) - figure(before)) / span_s)
                .fold(0.0, f64::max)
        };
        self.used = GeneratorUse {
            cpu: busiest(&|thread| thread.cpu_s),
            waiting: busiest(&|thread| thread.waited_s),
            clock_step_s: civil_s - first.civil_s - span_s,
        };
    }

    /// What was used from the first edge to the latest.
    pub fn used(&self) -> GeneratorUse {
        self.used
    }
}

/// The health of a generator whose windows were `span_s` long in all.
pub fn health_of(recorder: &Recorder, used: GeneratorUse, span_s: f64) -> GeneratorHealth {
    let quantile_s = |hdr: &Histogram<u64>, quantile: f64| hdr.value_at_quantile(quantile) as f64 / 1e6;
    let resends = recorder.resends();
    GeneratorHealth {
        cpu: used.cpu,
        lateness_p50_s: quantile_s(&recorder.lateness, 0.5),
        lateness_p99_s: quantile_s(&recorder.lateness, 0.99),
        clock_p99_s: quantile_s(&recorder.clock, 0.99),
        longest_gap_s: recorder.gaps.longest().as_secs_f64(),
        lost: (recorder.gaps.lost().as_secs_f64() / span_s.max(1e-6)).min(1.0),
        waiting: used.waiting,
        lost_connections: recorder.lost_connections,
        repeated: resends.closed_idle,
        unprocessed: resends.unprocessed,
        queued: recorder.queued,
        held: recorder.held.requests,
        clock_step_s: used.clock_step_s,
    }
}
