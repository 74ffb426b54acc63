//! What is asked of a method: a beginning of a curve, and observations beyond it.

use crate::corpus::Curve;

/// A level to forecast.
#[derive(Debug, Clone)]
pub struct Target {
    /// Times the highest fitted level, as meant: 2, 4 or 8.
    pub horizon: u32,
    /// The level.
    pub x: f64,
    /// What was observed there, ascending.
    pub observed: Vec<f64>,
}

impl Target {
    /// A level with what was observed there, in any order.
    pub fn new(horizon: u32, x: f64, mut observed: Vec<f64>) -> Self {
        observed.sort_by(f64::total_cmp);
        Self { horizon, x, observed }
    }

    /// The middle observation.
    pub fn truth(&self) -> f64 {
        self.observed[self.observed.len() / 2]
    }
}

/// A beginning of a curve with levels to forecast.
#[derive(Debug, Clone)]
pub struct Task<'a> {
    /// The whole curve.
    pub curve: &'a Curve,
    /// What is fitted.
    pub prefix: Vec<(f64, f64)>,
    /// What is forecast.
    pub targets: Vec<Target>,
}

/// A target level may be off its horizon by this factor.
const SLACK: f64 = 1.25;

/// The tasks of a curve: fitted up to a half, a quarter and an eighth of its largest level, where that leaves
/// three levels.
pub fn tasks(curve: &Curve) -> Vec<Task<'_>> {
    [2, 4, 8].into_iter().filter_map(|cut| task(curve, cut)).collect()
}

/// The task of a curve of corpus A: its steps from 8 to 64 connections, forecast at 128 and 256.
pub fn beginning_a(curve: &Curve) -> Task<'_> {
    beginning(curve, 64.0, &[2, 4])
}

/// A curve fitted up to a level, with forecasts at multiples of it where something was observed.
pub fn beginning<'a>(curve: &'a Curve, last: f64, horizons: &[u32]) -> Task<'a> {
    let target = |horizon: &u32| {
        let x = last * f64::from(*horizon);
        let observed = curve.observed(x);
        (!observed.is_empty()).then(|| Target::new(*horizon, x, observed))
    };
    Task {
        curve,
        prefix: curve
            .points
            .iter()
            .copied()
            .filter(|point| point.0 <= last)
            .collect(),
        targets: horizons.iter().filter_map(target).collect(),
    }
}

fn task(curve: &Curve, cut: u32) -> Option<Task<'_>> {
    let levels = curve.levels();
    let most = levels.last()? / f64::from(cut) * 1.000_001;
    let fitted = levels.partition_point(|level| *level <= most);
    if fitted < 3 {
        return None;
    }
    let last = levels[fitted - 1];
    let target = |horizon: u32| {
        let wanted = last * f64::from(horizon);
        let off = |level: f64| (level / wanted).ln().abs();
        let x = *levels[fitted..]
            .iter()
            .min_by(|a, b| off(**a).total_cmp(&off(**b)))?;
        (off(x) <= SLACK.ln()).then(|| Target::new(horizon, x, curve.observed(x)))
    };
    let targets: Vec<Target> = [2, 4, 8]
        .into_iter()
        .filter(|horizon| *horizon <= cut)
        .filter_map(target)
        .collect();
    let prefix = curve
        .points
        .iter()
        .copied()
        .filter(|point| point.0 <= last)
        .collect();
    (!targets.is_empty()).then_some(Task {
        curve,
        prefix,
        targets,
    })
}
