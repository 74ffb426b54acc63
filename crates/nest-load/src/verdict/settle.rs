//! Whether a step has settled: the load is there, and response times have no trend. Pure.

use crate::recorder::windows::POLL_INTERVAL;

/// What was seen of a step at one moment, added up from its start.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Snapshot {
    /// Seconds since the step began.
    pub at_s: f64,
    /// Executions ended so far.
    pub ended: u64,
    /// Their summed time from due to end, in seconds.
    pub spent_s: f64,
    /// Customers who are there.
    pub present: i64,
}

/// What a settled step must have reached.
#[derive(Debug, Clone, Copy, Default)]
pub struct SettleGoal {
    /// Executions per second, if a schedule makes them.
    pub rate_per_s: Option<f64>,
    /// Customers, if there is a population.
    pub population: Option<i64>,
}

/// Why a step has not settled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unsettled {
    /// Fewer customers than planned are there.
    Population { present: i64, planned: i64 },
    /// Fewer executions end than are offered.
    Rate { reached_per_s: f64, offered_per_s: f64 },
    /// Response times change, by this factor from the first to the second half of what was looked at.
    Trend { factor: f64 },
    /// Too few executions ended to see a trend.
    TooFew { executions: u64 },
    /// No execution ended in one half of the time, which then has no response time to compare with.
    HalfEmpty,
    /// The time was too short to see a trend, or the rate that is reached.
    TooShort { span_s: f64 },
}

impl Unsettled {
    /// Whether the check could not look, so that more time tells nothing new about the step.
    pub fn is_blind(self) -> bool {
        matches!(
            self,
            Self::TooFew { .. } | Self::HalfEmpty | Self::TooShort { .. }
        )
    }
}

/// Parts that the snapshots are cut into: enough for a t-test of a slope, with eight degrees of freedom.
const PARTS: usize = 10;
/// Fewest executions that a trend is read from: five for each part, so that a part has a mean.
const FEWEST: u64 = 50;
/// Change of response time from half to half that is no trend whatever its noise: the goal for forecasts of
/// response times.
const NO_TREND: f64 = 0.10;
/// Slope over its standard error beyond which a change is no chance: two-sided 1 % at 8 degrees of freedom.
const CHANCE: f64 = 3.36;
/// The same for the best of seven places at which a step may lie: two-sided 1 % over seven.
const CHANCE_OF_STEPS: f64 = 4.6;
/// Shortfall of the rate that a settled step may have: what is in progress at the edges. Our choice, as for
/// the windows.
const RATE_TOLERANCE: f64 = 0.03;
/// Standard deviations of a Poisson count beyond which a shortfall is no chance: one step in 30,000.
const DEVIATIONS: f64 = 4.0;

/// Checks the last `span_s` seconds. Without any, there is nothing to settle.
pub fn settled(snapshots: &[Snapshot], span_s: f64, wanted: SettleGoal) -> Result<(), Unsettled> {
    let Some(last) = snapshots.last() else {
        return Ok(());
    };
    if let Some(planned) = wanted.population.filter(|planned| last.present < *planned) {
        return Err(Unsettled::Population {
            present: last.present,
            planned,
        });
    }
    let parts = parts(snapshots, last.at_s - span_s);
    if parts.len() < PARTS {
        return if span_s > 0.0 {
            Err(Unsettled::TooShort { span_s })
        } else {
            Ok(())
        };
    }
    let (first, second) = parts.split_at(PARTS / 2);
    let together = |parts: &[SettlePart]| {
        parts
            .iter()
            .fold(SettlePart::default(), |sum, part| sum.plus(*part))
    };
    let (first, second) = (together(first), together(second));
    if let Some(offered_per_s) = wanted.rate_per_s {
        let reached_per_s = second.ended as f64 / second.span_s;
        let chance = DEVIATIONS * (offered_per_s / second.span_s).sqrt();
        if reached_per_s < offered_per_s * (1.0 - RATE_TOLERANCE) - chance {
            return Err(Unsettled::Rate {
                reached_per_s,
                offered_per_s,
            });
        }
    }
    let executions = first.ended + second.ended;
    if executions < FEWEST {
        return Err(Unsettled::TooFew { executions });
    }
    if first.ended == 0 || second.ended == 0 {
        return Err(Unsettled::HalfEmpty);
    }
    let factor = second.mean_s() / first.mean_s();
    if factor.is_finite()
        && factor.ln().abs() > (1.0 + NO_TREND).ln()
        && (has_slope(&parts) || has_step(&parts))
    {
        Err(Unsettled::Trend { factor })
    } else {
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct SettlePart {
    span_s: f64,
    ended: u64,
    spent_s: f64,
}

impl SettlePart {
    fn plus(self, other: Self) -> Self {
        Self {
            span_s: self.span_s + other.span_s,
            ended: self.ended + other.ended,
            spent_s: self.spent_s + other.spent_s,
        }
    }

    fn mean_s(&self) -> f64 {
        self.spent_s / self.ended as f64
    }
}

/// The snapshots after `from_s` in ten parts of about the same length; fewer if there are not enough
/// snapshots.
fn parts(snapshots: &[Snapshot], from_s: f64) -> Vec<SettlePart> {
    let start = snapshots
        .partition_point(|look| look.at_s < from_s)
        .saturating_sub(1);
    let snapshots = &snapshots[start..];
    if snapshots.len() <= PARTS {
        return Vec::new();
    }
    let edge = |part: usize| snapshots[part * (snapshots.len() - 1) / PARTS];
    (0..PARTS)
        .map(|part| (edge(part), edge(part + 1)))
        .map(|(from, to)| SettlePart {
            span_s: to.at_s - from.at_s,
            ended: to.ended - from.ended,
            spent_s: to.spent_s - from.spent_s,
        })
        .collect()
}

/// Whether the mean response times of the parts rise or fall beyond chance: the t-test of a regression line.
fn has_slope(parts: &[SettlePart]) -> bool {
    let points: Vec<(f64, f64)> = parts
        .iter()
        .enumerate()
        .filter(|(_, part)| part.ended > 0)
        .map(|(index, part)| (index as f64, part.mean_s()))
        .collect();
    let count = points.len() as f64;
    if count < 4.0 {
        return false;
    }
    let mean = |axis: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(axis).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(&|point| point.0), mean(&|point| point.1));
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let slope = points
        .iter()
        .map(|(x, y)| (x - mean_x) * (y - mean_y))
        .sum::<f64>()
        / spread;
    let residual: f64 = points
        .iter()
        .map(|(x, y)| (y - mean_y - slope * (x - mean_x)).powi(2))
        .sum();
    let error = (residual / (count - 2.0) / spread).sqrt();
    slope.abs() > CHANCE * error
}

/// Whether the mean response times of the parts have one level before and another one after some place: the
/// two-sample t-test at each. A line does not fit a step, so that the test of its slope misses one that lies
/// near an end.
fn has_step(parts: &[SettlePart]) -> bool {
    let times: Vec<f64> = parts
        .iter()
        .filter(|part| part.ended > 0)
        .map(SettlePart::mean_s)
        .collect();
    if times.len() < PARTS {
        return false;
    }
    let mean = |times: &[f64]| times.iter().sum::<f64>() / times.len() as f64;
    let spread = |times: &[f64]| times.iter().map(|time| (time - mean(times)).powi(2)).sum::<f64>();
    (2..=times.len() - 2).any(|place| {
        let (before, after) = times.split_at(place);
        let variance = (spread(before) + spread(after)) / (times.len() - 2) as f64;
        let error = (variance * (1.0 / before.len() as f64 + 1.0 / after.len() as f64)).sqrt();
        (mean(after) - mean(before)).abs() > CHANCE_OF_STEPS * error
    })
}

impl std::fmt::Display for Unsettled {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Population { present, planned } => {
                write!(out, "{present} of {planned} customers were there")
            }
            Self::Rate {
                reached_per_s,
                offered_per_s,
            } => {
                write!(
                    out,
                    "{reached_per_s:.1} of {offered_per_s:.1} executions per second ended"
                )
            }
            Self::Trend { factor } => write!(
                out,
                "response times still changed by {:+.0} %",
                (factor - 1.0) * 100.0
            ),
            Self::TooFew { executions } => write!(
                out,
                "only {executions} executions ended while the step settled, and {FEWEST} are needed"
            ),
            Self::HalfEmpty => write!(out, "no execution ended in one half of the settling"),
            Self::TooShort { span_s } => write!(
                out,
                "{span_s:.1} s of settling are too short, and {:.1} s are needed",
                (PARTS + 1) as f64 * POLL_INTERVAL.as_secs_f64()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks every 50 ms for 2 s at 1,000 executions per second whose response time is `time_s(t)`.
    fn snapshots(time_s: impl Fn(f64) -> f64) -> Vec<Snapshot> {
        let mut snapshots = vec![Snapshot {
            present: 10,
            ..Snapshot::default()
        }];
        for index in 1..=40 {
            let at_s = f64::from(index) * 0.05;
            // A little noise, without which any slope would be significant.
            let noise = 1.0 + 0.02 * f64::from(index * 7 % 5 - 2);
            let last = snapshots[snapshots.len() - 1];
            snapshots.push(Snapshot {
                at_s,
                ended: last.ended + 50,
                spent_s: last.spent_s + 50.0 * time_s(at_s) * noise,
                present: 10,
            });
        }
        snapshots
    }

    const OPEN: SettleGoal = SettleGoal {
        rate_per_s: Some(1_000.0),
        population: None,
    };

    #[test]
    fn a_steady_step_has_settled() {
        assert_eq!(settled(&snapshots(|_| 0.010), 1.0, OPEN), Ok(()));
    }

    #[test]
    fn a_step_with_too_little_to_look_at_is_not_called_settled() {
        let steady = snapshots(|_| 0.010);
        let short = settled(&steady[..5], 0.2, OPEN);
        assert_eq!(short, Err(Unsettled::TooShort { span_s: 0.2 }));
        let mut few = steady.clone();
        few.iter_mut().for_each(|snapshot| snapshot.ended /= 100);
        let slow = SettleGoal {
            rate_per_s: Some(10.0),
            population: None,
        };
        let blind = settled(&few, 1.0, slow);
        assert!(matches!(blind, Err(blind) if blind.is_blind()), "{blind:?}");
        assert_eq!(settled(&steady[..1], 0.0, OPEN), Ok(()));
    }

    #[test]
    fn a_trend_is_seen_in_both_directions_and_forgotten_once_it_is_over() {
        let rising = snapshots(|at| 0.010 + 0.010 * at);
        let falling = snapshots(|at| 0.030 - 0.010 * at);
        assert!(matches!(settled(&rising, 1.0, OPEN), Err(Unsettled::Trend { factor }) if factor > 1.1));
        assert!(matches!(settled(&falling, 1.0, OPEN), Err(Unsettled::Trend { factor }) if factor < 0.9));
        assert_eq!(
            settled(&snapshots(|at| if at < 0.9 { 0.2 } else { 0.01 }), 1.0, OPEN),
            Ok(())
        );
    }

    #[test]
    fn a_step_is_seen_wherever_it_lies() {
        for (place, after) in [(1.25, 0.01), (1.5, 0.01), (1.5, 0.2), (1.75, 0.01)] {
            let stepped = snapshots(|at| if at < place { 0.05 } else { after });
            assert!(
                matches!(settled(&stepped, 1.0, OPEN), Err(Unsettled::Trend { .. })),
                "at {place} s to {after} s"
            );
        }
    }

    #[test]
    fn a_rate_or_a_population_that_is_not_reached_is_named() {
        let half = SettleGoal {
            rate_per_s: Some(2_000.0),
            population: None,
        };
        assert!(matches!(
            settled(&snapshots(|_| 0.01), 1.0, half),
            Err(Unsettled::Rate { .. })
        ));
        let more = SettleGoal {
            rate_per_s: None,
            population: Some(12),
        };
        assert_eq!(
            settled(&snapshots(|_| 0.01), 1.0, more),
            Err(Unsettled::Population {
                present: 10,
                planned: 12
            })
        );
    }
}
