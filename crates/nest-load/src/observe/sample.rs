//! What was read at one instant, and what was used between two of them. Pure: what was not read is never made
//! up.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use nest_data::study::probe::Figure;

/// Difference between the time that readings cover and the window, as a share of it, above which it is noted.
const APART: f64 = 0.02;
/// The same, above which the readings say nothing about the window.
const TOO_FAR_APART: f64 = 0.25;

/// Everything that was read at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// When it was taken.
    pub at: Instant,
    /// By tier and figure.
    pub readings: BTreeMap<(String, Figure), ProbeReading>,
    /// Processor time of the whole machine since it started, and the part that the hypervisor took, in ticks.
    pub machine_ticks: (u64, u64),
}

/// One figure of one tier.
#[derive(Debug, Clone, PartialEq)]
pub enum ProbeReading {
    /// It was read: a counter since an unknown start, or a level.
    Known {
        /// Its parts by series; a local probe has one.
        points: BTreeMap<String, CounterPoint>,
        /// How often, up to now, something was lost between two samples, and what the last time.
        breaks: (u64, String),
    },
    /// It was not read, and why.
    Missing(String),
}

/// The value of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CounterPoint {
    /// Seconds or bytes.
    pub value: f64,
    /// When it was read, in seconds since whenever its source counts from.
    pub at_s: f64,
}

/// What was used between two samples. A resource that is not in it is not known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WindowUsage {
    /// Use of each resource (`app/cpu`): busy-seconds, bytes moved, or resident bytes at the end.
    pub used: BTreeMap<String, f64>,
    /// Seconds of waiting for a processor, by tier.
    pub waiting: BTreeMap<String, f64>,
    /// Seconds held back by a processor quota, by tier.
    pub throttled: BTreeMap<String, f64>,
    /// What was not read, or not over the whole time, and why.
    pub gaps: Vec<String>,
}

impl Sample {
    /// Use between an earlier sample and this one: differences of flows, this sample's levels.
    ///
    /// A flow is left out, and a note says why, if it was not read at one of the two, if one of its
    /// series fell, came or went, or if its source read it over another time than the window. Small
    /// differences of that time are scaled to the window; above 2 % that is noted too.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> WindowUsage {
        let mut usage = WindowUsage::default();
        let mut notes = BTreeSet::new();
        let window_s = self.elapsed_since(earlier).as_secs_f64();
        for ((tier, figure), later) in &self.readings {
            let Some(before) = earlier.readings.get(&(tier.clone(), figure.clone())) else {
                continue;
            };
            let name = format!("{tier}/{}", figure.key());
            let value = match figure {
                Figure::Memory => level(later, &mut notes),
                _ => flow(&name, before, later, window_s, &mut notes),
            };
            let Some(value) = value else { continue };
            match figure {
                Figure::Waiting => usage.waiting.insert(tier.clone(), value),
                Figure::Throttled => usage.throttled.insert(tier.clone(), value),
                Figure::Cpu | Figure::Memory | Figure::Disk | Figure::Count(_) => {
                    usage.used.insert(name, value)
                }
            };
        }
        usage.gaps = notes.into_iter().collect();
        usage
    }

    /// Time since an earlier sample.
    #[must_use]
    pub fn elapsed_since(&self, earlier: &Self) -> Duration {
        self.at.saturating_duration_since(earlier.at)
    }

    /// Share of the machine's processor time that the hypervisor took since an earlier sample, 0-1.
    #[must_use]
    pub fn stolen_since(&self, earlier: &Self) -> f64 {
        let total = self.machine_ticks.0.saturating_sub(earlier.machine_ticks.0);
        let stolen = self.machine_ticks.1.saturating_sub(earlier.machine_ticks.1);
        if total == 0 {
            0.0
        } else {
            stolen as f64 / total as f64
        }
    }
}

impl ProbeReading {
    /// A reading of a single series that never lost anything.
    #[must_use]
    pub fn single(value: f64, at_s: f64) -> Self {
        Self::Known {
            points: [(String::new(), CounterPoint { value, at_s })]
                .into_iter()
                .collect(),
            breaks: (0, String::new()),
        }
    }

    /// The same with what was lost up to now.
    #[must_use]
    pub fn with_breaks(self, lost: &(u64, String)) -> Self {
        match self {
            Self::Known { points, .. } => Self::Known {
                points,
                breaks: lost.clone(),
            },
            missing @ Self::Missing(_) => missing,
        }
    }
}

fn level(later: &ProbeReading, notes: &mut BTreeSet<String>) -> Option<f64> {
    match later {
        ProbeReading::Known { points, .. } => Some(points.values().map(|point| point.value).sum()),
        ProbeReading::Missing(why) => {
            notes.insert(why.clone());
            None
        }
    }
}

fn flow(
    name: &str,
    before: &ProbeReading,
    later: &ProbeReading,
    window_s: f64,
    notes: &mut BTreeSet<String>,
) -> Option<f64> {
    for reading in [before, later] {
        if let ProbeReading::Missing(why) = reading {
            notes.insert(why.clone());
        }
    }
    let (
        ProbeReading::Known {
            points: first,
            breaks: broken,
        },
        ProbeReading::Known {
            points: last,
            breaks: breaks_now,
        },
    ) = (before, later)
    else {
        return None;
    };
    if broken.0 != breaks_now.0 {
        notes.insert(format!("{name}: {}", breaks_now.1));
        return None;
    }
    match difference(first, last, window_s) {
        Ok((used, covered)) => {
            notes.extend(covered.map(|covered_s| {
                format!(
                    "{name} was read over {} s and scaled to {} s",
                    short(covered_s),
                    short(window_s)
                )
            }));
            Some(used)
        }
        Err(why) => {
            notes.insert(why.of(name, window_s));
            None
        }
    }
}

/// Why two readings have no difference.
enum NoDifference {
    Fell { from: f64, to: f64 },
    New,
    Gone,
    Apart { covered_s: f64 },
}

impl NoDifference {
    /// What windows keep of it: nothing that the source itself says of a series, which may be anything.
    fn of(&self, name: &str, window_s: f64) -> String {
        match self {
            Self::Fell { from, to } => {
                format!(
                    "{name} fell from {} to {}: its process was restarted",
                    short(*from),
                    short(*to)
                )
            }
            Self::New => format!("a series of {name} is new: what it counted before is not known"),
            Self::Gone => format!("a series of {name} is gone: what it counted last is not known"),
            Self::Apart { covered_s } if *covered_s <= 0.0 => {
                format!(
                    "{name} was not read anew by its source within {} s: windows must be much longer than \
                     its interval",
                    short(window_s)
                )
            }
            Self::Apart { covered_s } => {
                format!(
                    "{name} was read over {} s, the window is {} s: windows must be much longer than its \
                     source's interval",
                    short(*covered_s),
                    short(window_s)
                )
            }
        }
    }
}

/// Sum of what each series rose by, scaled to the window; and the time the readings cover, if that is
/// another one.
fn difference(
    first: &BTreeMap<String, CounterPoint>,
    last: &BTreeMap<String, CounterPoint>,
    window_s: f64,
) -> Result<(f64, Option<f64>), NoDifference> {
    if first.keys().any(|series| !last.contains_key(series)) {
        return Err(NoDifference::Gone);
    }
    let (mut used, mut worst) = (0.0, window_s);
    for (series, point) in last {
        let before = first.get(series).ok_or(NoDifference::New)?;
        if point.value < before.value {
            return Err(NoDifference::Fell {
                from: before.value,
                to: point.value,
            });
        }
        let covered_s = point.at_s - before.at_s;
        let apart = |covered_s: f64| (covered_s - window_s).abs();
        if apart(covered_s) > TOO_FAR_APART * window_s {
            return Err(NoDifference::Apart { covered_s });
        }
        if apart(covered_s) > apart(worst) {
            worst = covered_s;
        }
        let scale = if covered_s > 0.0 {
            window_s / covered_s
        } else {
            1.0
        };
        used += (point.value - before.value) * scale;
    }
    Ok((
        used,
        ((worst - window_s).abs() > APART * window_s).then_some(worst),
    ))
}

/// A number with no more digits than a note needs.
fn short(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(points: &[(&str, f64, f64)]) -> ProbeReading {
        let points = points
            .iter()
            .map(|(series, value, at_s)| {
                (
                    (*series).to_owned(),
                    CounterPoint {
                        value: *value,
                        at_s: *at_s,
                    },
                )
            })
            .collect();
        ProbeReading::Known {
            points,
            breaks: (0, String::new()),
        }
    }

    /// Use over ten seconds between two readings of the processor time of `db`.
    fn cpu(before: ProbeReading, later: ProbeReading) -> (Option<f64>, String) {
        let at = Instant::now();
        let of = |reading, at| Sample {
            at,
            readings: [(("db".to_owned(), Figure::Cpu), reading)].into_iter().collect(),
            machine_ticks: (0, 0),
        };
        let usage = of(later, at + Duration::from_secs(10)).since(&of(before, at));
        (usage.used.get("db/cpu").copied(), usage.gaps.join("; "))
    }

    #[test]
    fn flows_are_differences_memory_is_a_level_and_waiting_is_no_use() {
        let at = Instant::now();
        let sample = |seconds: u64, figures: [f64; 4], machine_ticks| {
            let names = [Figure::Cpu, Figure::Memory, Figure::Waiting, Figure::Throttled];
            let readings = names.into_iter().zip(figures).map(|(figure, value)| {
                (
                    ("app".to_owned(), figure),
                    ProbeReading::single(value, seconds as f64),
                )
            });
            Sample {
                at: at + Duration::from_secs(seconds),
                readings: readings.collect(),
                machine_ticks,
            }
        };
        let (earlier, later) = (
            sample(0, [1.0, 100.0, 5.0, 0.0], (1_000, 10)),
            sample(10, [3.5, 80.0, 9.0, 0.5], (1_200, 30)),
        );
        let usage = later.since(&earlier);
        assert_eq!(
            usage.used,
            [("app/cpu".to_owned(), 2.5), ("app/memory".to_owned(), 80.0)]
                .into_iter()
                .collect()
        );
        assert_eq!(
            (usage.waiting["app"], usage.throttled["app"], usage.gaps.len()),
            (4.0, 0.5, 0)
        );
        assert_eq!(
            (later.stolen_since(&earlier), earlier.stolen_since(&later)),
            (0.1, 0.0)
        );
    }

    #[test]
    fn a_reading_that_is_missing_leaves_the_resource_out_and_says_why_once() {
        let missing = || ProbeReading::Missing("db: no answer from http://x: connection refused".to_owned());
        for (before, later) in [
            (missing(), ProbeReading::single(1.0, 10.0)),
            (ProbeReading::single(1.0, 0.0), missing()),
            (missing(), missing()),
        ] {
            assert_eq!(
                cpu(before, later),
                (None, "db: no answer from http://x: connection refused".to_owned())
            );
        }
    }

    #[test]
    fn a_counter_that_falls_is_a_restart_even_where_the_sum_rises() {
        assert_eq!(
            cpu(ProbeReading::single(12.3, 0.0), ProbeReading::single(0.1, 10.0)),
            (
                None,
                "db/cpu fell from 12.3 to 0.1: its process was restarted".to_owned()
            )
        );
        let (used, gaps) = cpu(
            points(&[("c{a=\"1\"}", 5.0, 0.0), ("c{a=\"2\"}", 1.0, 0.0)]),
            points(&[("c{a=\"1\"}", 4.0, 10.0), ("c{a=\"2\"}", 9.0, 10.0)]),
        );
        assert_eq!(
            (used, gaps.as_str()),
            (None, "db/cpu fell from 5 to 4: its process was restarted")
        );
    }

    #[test]
    fn series_that_come_or_go_leave_the_sum_unknown() {
        let (one, two) = (
            points(&[("c{a=\"1\"}", 5.0, 0.0)]),
            points(&[("c{a=\"1\"}", 5.0, 10.0), ("c{a=\"2\"}", 1.0, 10.0)]),
        );
        assert!(
            matches!(cpu(one.clone(), two.clone()), (None, gaps) if gaps.starts_with("a series of db/cpu is \
             new"))
        );
        assert!(matches!(cpu(two, one), (None, gaps) if gaps.starts_with("a series of db/cpu is gone")));
    }

    #[test]
    fn readings_over_another_time_are_scaled_noted_or_refused() {
        let over = |covered_s: f64| {
            cpu(
                ProbeReading::single(1.0, 100.0),
                ProbeReading::single(3.0, 100.0 + covered_s),
            )
        };
        assert!(matches!(over(10.0), (Some(2.0), gaps) if gaps.is_empty()));
        assert!(
            matches!(over(8.0), (Some(2.5), gaps) if gaps == "db/cpu was read over 8 s and scaled to 10 s")
        );
        assert!(
            matches!(over(0.0), (None, gaps) if gaps.contains("was not read anew by its source within 10 s"))
        );
        assert!(
            matches!(over(15.0), (None, gaps) if gaps.contains("was read over 15 s, the window is 10 s"))
        );
    }

    #[test]
    fn what_was_lost_between_two_samples_breaks_the_flow() {
        let broken = |count: u64| ProbeReading::Known {
            points: [(
                String::new(),
                CounterPoint {
                    value: count as f64,
                    at_s: 10.0 * count as f64,
                },
            )]
            .into_iter()
            .collect(),
            breaks: (count, "process 7 ended unseen".to_owned()),
        };
        assert_eq!(
            cpu(broken(0), broken(1)),
            (None, "db/cpu: process 7 ended unseen".to_owned())
        );
    }
}
