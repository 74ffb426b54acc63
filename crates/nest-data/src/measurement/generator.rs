//! Generators: how well they kept to the schedule of a step, and the machines of those that were not on the
//! coordinator's.

use serde::{Deserialize, Serialize};

use super::Machine;

/// The generator's own health in a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct GeneratorHealth {
    /// Share of its core that the generator used, 0-1.
    pub cpu: f64,
    /// Median of the delay between due time and start, in seconds.
    pub lateness_p50_s: f64,
    /// 99th percentile of that delay.
    pub lateness_p99_s: f64,
    /// 99th percentile of how late the generator's own clock woke it, in seconds.
    #[serde(default)]
    pub clock_p99_s: f64,
    /// Longest time for which a worker stood still: stopped, without a processor, or busy with something
    /// else; in seconds, 0 if it was not recorded. This and `lost` are those of the worst worker.
    #[serde(default)]
    pub longest_gap_s: f64,
    /// Share of the windows in which a worker stood still for 20 ms or more at once, 0-1.
    #[serde(default)]
    pub lost: f64,
    /// Share of the time in which a worker was ready to run and had no processor, 0-1; the highest of all
    /// workers.
    #[serde(default)]
    pub waiting: f64,
    /// Connections that the target ended after it had taken a request.
    #[serde(default)]
    pub lost_connections: u64,
    /// Requests that were sent again because the target had closed the idle connection they were sent over.
    #[serde(default)]
    pub repeated: u64,
    /// Requests that were sent again because the target had not begun with them.
    #[serde(default)]
    pub unprocessed: u64,
    /// Starts that found no free customer at their due time; they waited in a queue of the generator.
    #[serde(default)]
    pub queued: u64,
    /// Requests that `max_rate` held back: at their time as many had been sent as it allows.
    #[serde(default, skip_serializing_if = "is_none_held")]
    pub held: u64,
    /// Change of the civil clock against the monotonic one over the step, in seconds.
    #[serde(default)]
    pub clock_step_s: f64,
}

impl GeneratorHealth {
    /// The worse of each figure of two generators, and the sum of each count.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let further = |one: f64, other: f64| if other.abs() > one.abs() { other } else { one };
        Self {
            cpu: self.cpu.max(other.cpu),
            lateness_p50_s: self.lateness_p50_s.max(other.lateness_p50_s),
            lateness_p99_s: self.lateness_p99_s.max(other.lateness_p99_s),
            clock_p99_s: self.clock_p99_s.max(other.clock_p99_s),
            longest_gap_s: self.longest_gap_s.max(other.longest_gap_s),
            lost: self.lost.max(other.lost),
            waiting: self.waiting.max(other.waiting),
            lost_connections: self.lost_connections + other.lost_connections,
            repeated: self.repeated + other.repeated,
            unprocessed: self.unprocessed + other.unprocessed,
            queued: self.queued + other.queued,
            held: self.held + other.held,
            clock_step_s: further(self.clock_step_s, other.clock_step_s),
        }
    }
}

/// One worker of a fleet in a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GeneratorOf {
    /// Name of the worker.
    pub worker: String,
    /// Its generator threads, 1 or more.
    pub slots: usize,
    /// How well it kept to the schedule; all 0 if it was lost.
    pub health: GeneratorHealth,
    /// Its monotonic clock less the coordinator's, in seconds: any number, as such clocks begin anywhere.
    pub offset_s: f64,
    /// By how much the offset may be wrong, in seconds: half of the least round trip.
    pub offset_error_s: f64,
    /// How much faster its clock ran than the coordinator's over the step, in parts per million.
    pub drift_ppm: f64,
    /// Seconds of the windows for which its CPU quota held it back; 0 without a quota.
    #[serde(default)]
    pub throttled_s: f64,
    /// How it was lost, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<LostWorker>,
}

/// A worker from which no records came.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LostWorker {
    /// Seconds from the start of the step to the last message about its progress.
    pub after_s: f64,
    /// Executions that were due by then and had not ended. They count as failed, with kind `worker`.
    pub open: u64,
}

/// The machine of a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GeneratorMachine {
    /// Name of the worker.
    pub worker: String,
    /// Its generator threads, 1 or more.
    pub slots: usize,
    /// Its machine.
    pub machine: Machine,
    /// Processors that its CPU quota allows, above 0; `None` without a quota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_cores: Option<f64>,
}

fn is_none_held(value: &u64) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_of_two_generators_has_the_worst_figures_and_all_counts() {
        let one = GeneratorHealth {
            cpu: 0.5,
            lateness_p99_s: 0.001,
            queued: 3,
            clock_step_s: 0.01,
            ..GeneratorHealth::default()
        };
        let other = GeneratorHealth {
            cpu: 0.2,
            lateness_p99_s: 0.031,
            queued: 4,
            clock_step_s: -0.5,
            ..GeneratorHealth::default()
        };
        let worse = one.worse(other);
        assert_eq!(worse, other.worse(one));
        assert_eq!(
            (worse.cpu, worse.lateness_p99_s, worse.queued, worse.clock_step_s),
            (0.5, 0.031, 7, -0.5)
        );
    }
}
