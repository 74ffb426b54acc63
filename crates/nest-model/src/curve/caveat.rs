//! Doubts about a curve or a forecast of it.

use std::fmt;

use super::{
    discrepancy::NOISES,
    posterior::Posterior,
    series::{CurveSeries, LoadLevel},
};

/// Highest level asked for over the highest measured, up to which intervals were checked against real curves.
const CHECKED: f64 = 4.0;
/// Highest level asked for over the highest measured, beyond which a forecast says next to nothing.
const FAR: f64 = 64.0;
/// Factor between a level and the fitted curve from which on the level is missed. Our choice; not learnt from
/// curves.
const MISSED: f64 = 1.25;

/// A reason for doubt, with its facts. Its text tells the reader what to do.
#[derive(Debug, Clone, PartialEq)]
pub enum CurveCaveat {
    /// Three levels only.
    FewSteps {
        /// Distinct levels.
        levels: usize,
    },
    /// Observations that are not two numbers above 0 were left out.
    LeftOut {
        /// Observations left out.
        observations: usize,
    },
    /// Throughput falls from the first level on.
    OnlyFalls,
    /// All observations are equal.
    Constant,
    /// The plateau lies beyond what was measured.
    PlateauNotSeen,
    /// The fitted curve passes far from a level.
    Missed {
        /// The level.
        x: f64,
        /// What was measured there over what the curve says, above 0.
        factor: f64,
    },
    /// Observations of one level contradict one another.
    Scattered {
        /// The level.
        x: f64,
        /// By which factor they typically differ, above 1.
        factor: f64,
    },
    /// The level lies below all measured ones.
    BelowMeasured {
        /// Lowest measured level over the one asked for.
        factor: f64,
    },
    /// The level lies above all measured ones.
    Extrapolated {
        /// The level over the highest measured one.
        factor: f64,
    },
}

impl CurveCaveat {
    /// A short word for tables.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::FewSteps { .. } => "few_steps".to_owned(),
            Self::LeftOut { observations } => format!("left_out_{observations}"),
            Self::OnlyFalls => "only_falls".to_owned(),
            Self::Constant => "constant".to_owned(),
            Self::PlateauNotSeen => "plateau_not_seen".to_owned(),
            Self::Missed { .. } => "missed".to_owned(),
            Self::Scattered { .. } => "scattered".to_owned(),
            Self::BelowMeasured { .. } => "below_measured".to_owned(),
            Self::Extrapolated { factor } if *factor > FAR => "far_beyond_measured".to_owned(),
            Self::Extrapolated { factor } if *factor > CHECKED => "beyond_4x".to_owned(),
            Self::Extrapolated { .. } => "extrapolated".to_owned(),
        }
    }
}

impl fmt::Display for CurveCaveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewSteps { levels } => write!(
                f,
                "{levels} distinct levels leave the bend to what other systems did. Measure two more"
            ),
            Self::LeftOut { observations } => write!(
                f,
                "{observations} observations are missing, not numbers, or not above 0, and were left out"
            ),
            Self::OnlyFalls => f.write_str(
                "throughput falls from the first level on: the peak was not seen. Measure lower levels",
            ),
            Self::Constant => f.write_str(
                "all observations are equal, as if something caps them. Look whether the generator was the \
                 limit",
            ),
            Self::PlateauNotSeen => f.write_str(
                "throughput still grows nearly in proportion: where it ends was not seen. Measure higher \
                 levels",
            ),
            Self::Missed { x, factor } => write!(
                f,
                "at {} the curve says {:.1} times {} than was measured, and no law here bends so sharply. \
                 Measure there again; if it stays, the series mixes two systems or the system changes \
                 abruptly there, and a forecast beyond says little",
                rounded(*x),
                factor.max(factor.recip()),
                if *factor > 1.0 { "less" } else { "more" }
            ),
            Self::Scattered { x, factor } => write!(
                f,
                "observations at {} differ by a factor of {factor:.1} or so: two things may have been \
                 measured in one series. Give each a series of its own",
                rounded(*x)
            ),
            Self::BelowMeasured { factor } => write!(
                f,
                "the level lies {factor:.1} times below what was measured. Measure there"
            ),
            Self::Extrapolated { factor } if *factor > CHECKED => {
                write!(
                    f,
                    "the level is {factor:.1} times the highest measured; intervals were checked on real \
                     curves up to 4 times. Measure higher levels"
                )
            }
            Self::Extrapolated { factor } => write!(
                f,
                "the level is {factor:.1} times the highest measured. Nothing in the data excludes a \
                 collapse there; the interval is as low as the share of public curves that collapsed asks for"
            ),
        }
    }
}

/// Doubts about a series.
pub(super) fn of_series(series: &CurveSeries, posterior: &Posterior) -> Vec<CurveCaveat> {
    let levels = &series.levels;
    let mut found = Vec::new();
    if levels.len() == 3 {
        found.push(CurveCaveat::FewSteps { levels: levels.len() });
    }
    if series.left_out > 0 {
        found.push(CurveCaveat::LeftOut {
            observations: series.left_out,
        });
    }
    if levels
        .iter()
        .all(|level| level.sum_squares == 0.0 && level.mean_log == levels[0].mean_log)
    {
        found.push(CurveCaveat::Constant);
    } else if levels.windows(2).all(|pair| pair[1].mean_log < pair[0].mean_log) {
        found.push(CurveCaveat::OnlyFalls);
    }
    // Half of the weight on laws that are within a tenth of proportional growth at the highest level.
    if posterior
        .share(|shape| shape.log_throughput(0.0) - shape.log_throughput(-1.0) > 0.9 * std::f64::consts::LN_2)
        > 0.5
    {
        found.push(CurveCaveat::PlateauNotSeen);
    }
    found.extend(scattered(levels));
    found.extend(missed(series, posterior));
    found
}

/// A level as a reader writes it.
fn rounded(x: f64) -> f64 {
    (x * 1e3).round() / 1e3
}

/// Repeated observations that differ by more, all levels together, than the largest noise that the prior
/// knows; the level where they differ most is named.
fn scattered(levels: &[LoadLevel]) -> Option<CurveCaveat> {
    let repeats: f64 = levels.iter().map(|level| level.count - 1.0).sum();
    let pooled = (levels.iter().map(|level| level.sum_squares).sum::<f64>() / repeats.max(1.0)).sqrt();
    let deviation = |level: &LoadLevel| (level.sum_squares / (level.count - 1.0).max(1.0)).sqrt();
    let widest = levels
        .iter()
        .max_by(|a, b| deviation(a).total_cmp(&deviation(b)))?;
    (pooled > NOISES[NOISES.len() - 1]).then(|| CurveCaveat::Scattered {
        x: widest.x,
        // The difference of two observations deviates by the square root of 2 times as much.
        factor: (std::f64::consts::SQRT_2 * deviation(widest)).exp(),
    })
}

/// The level that the curve misses by most, if that is far.
fn missed(series: &CurveSeries, posterior: &Posterior) -> Option<CurveCaveat> {
    let off = |level: &LoadLevel| {
        let fitted = posterior.forecast(series.octaves_to(level.x)).quantile(0.5);
        (level.x, level.mean_log - fitted)
    };
    let (x, log) = series
        .levels
        .iter()
        .map(off)
        .max_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs()))?;
    (log.abs() > MISSED.ln()).then(|| CurveCaveat::Missed { x, factor: log.exp() })
}

/// Doubts about a level.
pub(super) fn of_level(series: &CurveSeries, x: f64) -> Vec<CurveCaveat> {
    let (first, last) = (series.levels[0].x, series.last().x);
    if x < first {
        vec![CurveCaveat::BelowMeasured { factor: first / x }]
    } else if x > last {
        vec![CurveCaveat::Extrapolated { factor: x / last }]
    } else {
        Vec::new()
    }
}
