//! Service demand from readings that somebody else made: windows of runs with counts per behaviour and
//! busy-seconds.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use nest_data::Estimate;

use crate::fit::service_demand::{
    Block, DemandFit, LoadSearch, PRIOR_BETWEEN_BLOCKS, PRIOR_REPEATS, WORST_CONDITION, WindowUse, fit_demand,
};

/// Name of idle use among behaviours.
pub const IDLE: &str = "idle";
/// Share of a resource's servers from which on a window may be cut off by what the resource can do.
const SATURATED: f64 = 0.98;
/// How far saturated windows lie below the forecast of the others, if they were left out.
const CUT_OFF: f64 = 0.03;
/// Share of the highest rate of executions up to which a window shows idle use by itself.
const QUIET: f64 = 0.01;

/// The use of one resource in one window.
#[derive(Debug, Clone, PartialEq)]
pub struct UseReading {
    /// The block: windows of one run deviate together.
    pub run: String,
    /// The resource.
    pub resource: String,
    /// Length in seconds, above 0.
    pub duration_s: f64,
    /// Busy-seconds over all servers, 0 or more.
    pub busy_s: f64,
    /// Servers (cores) of the resource in this window, above 0; `None` if they are not known: then those of
    /// its other windows count, if these all have as many.
    pub servers: Option<f64>,
    /// Executions by behaviour; the others are 0.
    pub counts: BTreeMap<String, f64>,
}

/// The demands that were found on one resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// The resource.
    pub resource: String,
    /// Idle use first (busy-seconds per second), then demands (busy-seconds per execution) by name.
    pub rows: Vec<AttributedUse>,
    /// Condition number of the design; infinite if demands cannot be told apart at all.
    pub condition: f64,
    /// Doubts about all rows.
    pub caveats: Vec<Doubt>,
}

/// Idle use, or the demand of one behaviour.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributedUse {
    /// The behaviour, or `idle`.
    pub behaviour: String,
    /// Its value; `None` if it was never executed.
    pub estimate: Option<Estimate>,
    /// Doubts about this row alone.
    pub caveats: Vec<Doubt>,
}

/// A reason for doubt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Doubt {
    /// Demands are not told apart.
    NotSeparable {
        /// Condition number of the design.
        condition: f64,
    },
    /// Too few runs to know how much runs differ; a prior stands in.
    FewRuns {
        /// Runs there are.
        runs: usize,
        /// Demands that they tell, besides idle use.
        demands: usize,
        /// Runs beyond what the coefficients take.
        repeats: f64,
    },
    /// Fewer runs than coefficients: the windows had to tell demands apart.
    WindowsServe {
        /// Runs there are.
        runs: usize,
    },
    /// No window shows idle use by itself; it is what the line through the others leaves.
    NoIdleWindow,
    /// Windows that lie too far from all others were left out.
    Outliers {
        /// How many.
        windows: usize,
    },
    /// Windows in which the resource was full did less than was asked for and were left out.
    Saturated {
        /// How many.
        windows: usize,
    },
    /// Demand depends on load; it is stated at the mean load of the executions.
    LoadDependent {
        /// Relative change from no load to full load, below 0 if demand falls.
        change: f64,
    },
    /// The behaviour was never executed.
    NeverExecuted,
    /// The value is held at 0, because the best one would be negative.
    HeldAtZero,
}

impl Doubt {
    /// The word for it in tables.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::NotSeparable { .. } => "not_separable",
            Self::FewRuns { .. } => "few_runs",
            Self::WindowsServe { .. } => "windows_serve",
            Self::NoIdleWindow => "no_idle_window",
            Self::Outliers { .. } => "outliers",
            Self::Saturated { .. } => "saturated",
            Self::LoadDependent { .. } => "load_dependent",
            Self::NeverExecuted => "never_executed",
            Self::HeldAtZero => "held_at_zero",
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSeparable { condition } => write!(
                f,
                "single demands cannot be told apart (condition {condition:.0}); only totals of measured \
                 mixes are meant. Add runs with much more of one behaviour each"
            ),
            Self::FewRuns {
                runs,
                demands,
                repeats,
            } => write!(
                f,
                "{} for {} and idle use leave {} to judge how much runs differ: {:.0} % is assumed. Add runs",
                counted(*runs, "run"),
                counted(*demands, "demand"),
                spare(*repeats),
                PRIOR_BETWEEN_BLOCKS * 100.0
            ),
            Self::WindowsServe { runs } => write!(
                f,
                "{} too few to tell demands apart, so their windows do. Add runs with other mixes",
                are(*runs, "run")
            ),
            Self::NoIdleWindow => write!(
                f,
                "no window shows idle use by itself; it is what the others leave. Add a run without load"
            ),
            Self::Outliers { windows } => write!(
                f,
                "{} too far from all others and left out. Look what ran in them",
                are(*windows, "window")
            ),
            Self::Saturated { windows } => {
                write!(
                    f,
                    "{windows} windows in which the resource was full did less than their executions ask \
                     for and were left out"
                )
            }
            Self::LoadDependent { change } => {
                write!(
                    f,
                    "demand changes by {:+.0} % from no load to full load; it is stated at the mean load of \
                     the executions",
                    change * 100.0
                )
            }
            Self::NeverExecuted => write!(f, "it was never executed"),
            Self::HeldAtZero => write!(f, "its value is held at 0; read the upper end of the interval"),
        }
    }
}

/// So many of a thing, in words.
fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// The same with its verb.
fn are(count: usize, what: &str) -> String {
    let verb = if count == 1 { "is" } else { "are" };
    format!("{} {verb}", counted(count, what))
}

/// Runs that are left, whole or with one digit.
fn spare(repeats: f64) -> String {
    match format!("{repeats:.1}") {
        text if text.starts_with('-') || text == "0.0" => "none".to_owned(),
        text => text.strip_suffix(".0").map_or(text.clone(), str::to_owned),
    }
}

/// A reason why the demands on a resource cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DemandRefusal {
    /// A number is out of its range.
    #[error("a window has {what}")]
    Number {
        /// The number that is wrong, in words.
        what: &'static str,
    },
    /// There is nothing to compare.
    #[error("{} too few: demands need two or more", are(*windows, "window"))]
    TooFewWindows {
        /// Windows there are.
        windows: usize,
    },
    /// Servers differ between windows, and some windows have none.
    #[error("servers are missing in some windows and differ in others: name them in every window")]
    ServersMissing,
    /// It used nothing.
    #[error("it was never busy")]
    NeverBusy,
    /// The regression has no solution.
    #[error("its windows do not determine anything: all are alike")]
    Undetermined,
}

/// Finds idle use and demands of every resource in the readings, in the order of their names.
///
/// The regression is that of the fit of a study: see [`fit_demand`].
#[must_use]
pub fn attribute(readings: &[UseReading]) -> Vec<(String, Result<Attribution, DemandRefusal>)> {
    let behaviours: BTreeSet<&String> = readings
        .iter()
        .flat_map(|reading| reading.counts.keys())
        .collect();
    let behaviours: Vec<String> = behaviours.into_iter().cloned().collect();
    let resources: BTreeSet<&String> = readings.iter().map(|reading| &reading.resource).collect();
    let attribution = |resource: &String| {
        let own: Vec<&UseReading> = readings
            .iter()
            .filter(|reading| reading.resource == *resource)
            .collect();
        (resource.clone(), attribute_one(resource, &own, &behaviours))
    };
    resources.into_iter().map(attribution).collect()
}

fn attribute_one(
    resource: &str,
    readings: &[&UseReading],
    behaviours: &[String],
) -> Result<Attribution, DemandRefusal> {
    check(readings)?;
    let executed: Vec<String> = behaviours
        .iter()
        .filter(|name| readings.iter().any(|reading| count(reading, name) > 0.0))
        .cloned()
        .collect();
    let blocks = blocks(readings, &executed, common_servers(readings)?);
    let (fit, saturated) = fit_unsaturated(&blocks, executed.len()).ok_or(DemandRefusal::Undetermined)?;

    let mut caveats = doubts(&blocks, &executed, &fit);
    if saturated > 0 {
        caveats.push(Doubt::Saturated { windows: saturated });
    }
    let separable = fit.condition <= WORST_CONDITION;
    let row = |name: &str, column: Option<usize>| {
        let estimate = column.map(|column| {
            if separable {
                fit.mixed.estimate(column)
            } else {
                bounded(fit.mixed.estimate(column), &blocks, column)
            }
        });
        let doubt = match estimate {
            None => Some(Doubt::NeverExecuted),
            Some(estimate) => (estimate.value == 0.0 && column != Some(0)).then_some(Doubt::HeldAtZero),
        };
        AttributedUse {
            behaviour: name.to_owned(),
            estimate,
            caveats: doubt.into_iter().collect(),
        }
    };
    let demands = behaviours.iter().map(|name| {
        row(
            name,
            executed
                .iter()
                .position(|executed| executed == name)
                .map(|place| place + 1),
        )
    });
    Ok(Attribution {
        resource: resource.to_owned(),
        rows: std::iter::once(row(IDLE, Some(0))).chain(demands).collect(),
        condition: fit.condition,
        caveats,
    })
}

fn check(readings: &[&UseReading]) -> Result<(), DemandRefusal> {
    let wrong = readings.iter().find_map(|reading| {
        let counts_are_fine = reading
            .counts
            .values()
            .all(|count| count.is_finite() && *count >= 0.0);
        if !(reading.duration_s > 0.0 && reading.duration_s.is_finite()) {
            Some("a duration that is not above 0")
        } else if !(reading.busy_s >= 0.0 && reading.busy_s.is_finite()) {
            Some("busy-seconds below 0 or no number")
        } else if !counts_are_fine {
            Some("a count below 0 or no number")
        } else {
            reading
                .servers
                .is_some_and(|servers| !(servers > 0.0 && servers.is_finite()))
                .then_some("servers that are not above 0")
        }
    });
    match wrong {
        Some(what) => Err(DemandRefusal::Number { what }),
        None if readings.len() < 2 => Err(DemandRefusal::TooFewWindows {
            windows: readings.len(),
        }),
        None if readings.iter().all(|reading| reading.busy_s == 0.0) => Err(DemandRefusal::NeverBusy),
        None => Ok(()),
    }
}

fn count(reading: &UseReading, behaviour: &str) -> f64 {
    reading.counts.get(behaviour).copied().unwrap_or(0.0)
}

/// Servers of windows that name none: those of the others, if these all have as many.
fn common_servers(readings: &[&UseReading]) -> Result<Option<f64>, DemandRefusal> {
    let mut known = readings.iter().filter_map(|reading| reading.servers);
    let Some(first) = known.next() else {
        return Ok(None);
    };
    let all_alike = known.all(|servers| servers == first);
    if !all_alike && readings.iter().any(|reading| reading.servers.is_none()) {
        return Err(DemandRefusal::ServersMissing);
    }
    Ok(all_alike.then_some(first))
}

/// The readings by run, in the order in which runs first appear; `servers` of windows that name none.
fn blocks(readings: &[&UseReading], behaviours: &[String], servers: Option<f64>) -> Vec<Block> {
    let mut runs: Vec<&str> = Vec::new();
    let mut windows: BTreeMap<&str, Vec<WindowUse>> = BTreeMap::new();
    for reading in readings {
        let window = WindowUse {
            rates: behaviours
                .iter()
                .map(|name| count(reading, name) / reading.duration_s)
                .collect(),
            used: reading.busy_s / reading.duration_s,
            seconds: reading.duration_s,
            capacity: reading.servers.or(servers),
        };
        windows.entry(&reading.run).or_insert_with(|| {
            runs.push(&reading.run);
            Vec::new()
        });
        windows.entry(&reading.run).or_default().push(window);
    }
    let block = |run: &str| Block::of(windows.remove(run).unwrap_or_default(), false, None);
    runs.into_iter().filter_map(block).collect()
}

/// The fit, without windows in which the resource was full and did less than the others forecast; and how
/// many those are. Each window is full by its own servers: what is full on one may be idle on four.
fn fit_unsaturated(blocks: &[Block], behaviours: usize) -> Option<(DemandFit, usize)> {
    let scale = scale(blocks);
    let fit = |blocks: &[Block]| fit_demand(blocks, behaviours, LoadSearch::Wanted, scale);
    let is_full = |window: &&WindowUse| {
        window
            .capacity
            .is_some_and(|capacity| window.used >= SATURATED * capacity)
    };
    let full: Vec<&WindowUse> = windows(blocks).filter(is_full).collect();
    if !full.is_empty() {
        let below = |block: &Block| {
            let kept = block.windows.iter().filter(|window| !is_full(window));
            Block::of(kept.cloned().collect(), block.suspect, block.stored)
        };
        let rest: Vec<Block> = blocks.iter().filter_map(below).collect();
        if let Some(without) = fit(&rest).filter(|fit| fit.condition <= WORST_CONDITION) {
            let seen: f64 = full.iter().map(|window| window.used).sum();
            let expected: f64 = full.iter().map(|window| forecast(&without, window)).sum();
            if seen < (1.0 - CUT_OFF) * expected {
                return Some((without, full.len()));
            }
        }
    }
    fit(blocks).map(|fit| (fit, 0))
}

/// Mean capacity over the time of the windows, or the largest use if capacities are not known.
fn scale(blocks: &[Block]) -> f64 {
    let capacity: Option<f64> = windows(blocks)
        .map(|window| Some(window.capacity? * window.seconds))
        .sum();
    let seconds: f64 = windows(blocks).map(|window| window.seconds).sum();
    let largest = || windows(blocks).map(|window| window.used).fold(0.0, f64::max);
    capacity.map_or_else(largest, |capacity| capacity / seconds)
}

/// Use of a window by a fit.
fn forecast(fit: &DemandFit, window: &WindowUse) -> f64 {
    let coefficients = &fit.mixed.coefficients;
    let rates = window.rates.iter().enumerate();
    let busy: f64 = rates.map(|(index, rate)| rate * coefficients[index + 1]).sum();
    fit.law.map_or(coefficients[0] + busy, |law| {
        law.used(coefficients[0], busy, window.capacity.unwrap_or(f64::INFINITY))
    })
}

fn windows(blocks: &[Block]) -> impl Iterator<Item = &WindowUse> {
    blocks.iter().flat_map(|block| &block.windows)
}

fn doubts(blocks: &[Block], behaviours: &[String], fit: &DemandFit) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    if fit.condition > WORST_CONDITION {
        doubts.push(Doubt::NotSeparable {
            condition: fit.condition,
        });
    }
    if blocks.len() < behaviours.len() + 1 {
        doubts.push(Doubt::WindowsServe { runs: blocks.len() });
    }
    if fit.mixed.repeats < PRIOR_REPEATS && !fit.mixed.prior_is_refuted {
        doubts.push(Doubt::FewRuns {
            runs: blocks.len(),
            demands: behaviours.len(),
            repeats: fit.mixed.repeats,
        });
    }
    let most = windows(blocks)
        .map(|window| window.rates.iter().sum::<f64>())
        .fold(0.0, f64::max);
    if !windows(blocks).any(|window| window.rates.iter().sum::<f64>() <= QUIET * most) {
        doubts.push(Doubt::NoIdleWindow);
    }
    if !fit.mixed.outliers.is_empty() {
        doubts.push(Doubt::Outliers {
            windows: fit.mixed.outliers.len(),
        });
    }
    if let Some(law) = fit.law {
        doubts.push(Doubt::LoadDependent {
            change: law.factor(1.0) / law.factor(0.0) - 1.0,
        });
    }
    doubts
}

/// An estimate within what each window allows: no behaviour used more than all of them together did.
fn bounded(estimate: Estimate, blocks: &[Block], column: usize) -> Estimate {
    let most = |window: &WindowUse| {
        let driver = if column == 0 {
            1.0
        } else {
            window.rates[column - 1]
        };
        if driver > 0.0 {
            window.used / driver
        } else {
            f64::INFINITY
        }
    };
    // A window deviates with its run.
    let most = windows(blocks).map(most).fold(f64::INFINITY, f64::min) * (1.0 + 3.0 * PRIOR_BETWEEN_BLOCKS);
    let high = estimate.high.min(most);
    Estimate {
        value: estimate.value.min(high),
        low: estimate.low.min(high),
        high,
        ..estimate
    }
}
