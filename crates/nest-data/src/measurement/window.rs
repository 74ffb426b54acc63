//! Windows: what was done and used in one stretch of a step, and histograms of response times.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::counts::Outcome;

/// One window of a step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Length of the window in seconds.
    pub duration_s: f64,
    /// Completed executions whose last answer fell into the window, by behaviour; a missing behaviour has 0.
    pub completed: BTreeMap<String, u64>,
    /// Executions that began in the window and were completed, in it or later, by behaviour; a missing
    /// behaviour has 0.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub begun: BTreeMap<String, u64>,
    /// Failed executions that ended in the window.
    pub failed: u64,
    /// Use of each resource by its name: busy-seconds, bytes moved, or resident bytes at the end. The use of
    /// a missing resource is not known in this window, and `gaps` says why.
    pub used: BTreeMap<String, f64>,
    /// Share of the machine's processor time that the hypervisor took away (steal), 0-1.
    pub stolen: f64,
    /// Seconds for which the threads of a tier waited for a processor, added up, by tier; not part of `used`.
    /// From cgroup v2 they are the seconds in which at least one thread waited.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub waiting: BTreeMap<String, f64>,
    /// Seconds for which a CPU quota held a tier back, by tier.
    #[serde(default, skip_serializing_if = "is_all_zero")]
    pub throttled: BTreeMap<String, f64>,
    /// What could not be read over the whole window, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<String>,
}

impl Window {
    /// Use of a resource per second over the windows in which it is known; `None` if it is known in none.
    #[must_use]
    pub fn used_per_s(windows: &[Self], resource: &str) -> Option<f64> {
        let known = windows
            .iter()
            .filter_map(|window| Some((*window.used.get(resource)?, window.duration_s)));
        let (used, seconds) = known.fold((0.0, 0.0), |sum, (used, seconds)| (sum.0 + used, sum.1 + seconds));
        (seconds > 0.0).then(|| used / seconds)
    }
}

fn is_all_zero(seconds: &BTreeMap<String, f64>) -> bool {
    seconds.values().all(|seconds| *seconds == 0.0)
}

/// A response-time histogram, in microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    /// The behaviour.
    pub behaviour: String,
    /// Which moment the times count from.
    pub clock: ResponseClock,
    /// Whether the requests were answered as expected.
    pub outcome: Outcome,
    /// HdrHistogram V2 with DEFLATE, base64.
    pub hdr: String,
}

/// The moment from which a response time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResponseClock {
    /// When the request was due.
    Due,
    /// When it was sent.
    Sent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_without_a_reading_counts_neither_as_use_nor_as_time() {
        let known = Window {
            duration_s: 2.0,
            used: [("db/cpu".to_owned(), 3.0)].into_iter().collect(),
            ..Window::default()
        };
        let unknown = Window {
            duration_s: 10.0,
            ..Window::default()
        };
        assert_eq!(
            Window::used_per_s(&[known.clone(), unknown.clone(), known], "db/cpu"),
            Some(1.5)
        );
        assert_eq!(Window::used_per_s(&[unknown], "db/cpu"), None);
    }

    #[test]
    fn a_window_without_gaps_is_written_as_before() {
        let window = Window {
            duration_s: 1.0,
            throttled: [("app".to_owned(), 0.0)].into_iter().collect(),
            ..Window::default()
        };
        let text = serde_json::to_string(&window).expect("serialises");
        assert_eq!(
            text,
            r#"{"duration_s":1.0,"completed":{},"failed":0,"used":{},"stolen":0.0}"#
        );
        assert_eq!(
            serde_json::from_str::<Window>(&text)
                .expect("reads back")
                .throttled,
            BTreeMap::new()
        );
    }
}
