//! Throughput curves: forecasts of what an observation will show at a level that was not measured.
//!
//! [`fit_curve`] takes the observations of one series and gives a [`FittedCurve`]: a posterior over the laws
//! of [`crate::laws`] and over how far real curves stray from them, on a fixed grid. The fit needs no
//! iteration and draws nothing at random.
//!
//! - `series`: what is read of the observations; `shape`: the laws; `discrepancy`: how curves stray from them
//! - `prior`: what real curves looked like; `learned`: its numbers, which `examples/scoreboard` derives
//! - `posterior`, `predictive`: weights, and what they forecast; `calibration`: how wide intervals must be;
//!   `collapse`: falls that nothing measured announces
//! - `caveat`: doubts; `family`: which law it mostly is; `group`: how its measured part moves

pub mod calibration;
pub mod caveat;
pub mod collapse;
pub mod discrepancy;
pub mod family;
pub mod group;
mod learned;
pub mod posterior;
pub mod predictive;
pub mod prior;
pub mod series;
pub mod shape;

use std::sync::OnceLock;

pub use caveat::CurveCaveat;
pub use family::LawFamily;
pub use group::Group;
pub use series::CurveSeries;

use collapse::Collapse;
use posterior::{Posterior, PosteriorNode};
use predictive::Predictive;
use prior::LearnedPrior;

/// Octaves beyond the highest measured level between which the median of draws is interpolated.
const MEDIAN_STEP: f64 = 0.25;
/// Octaves beyond which that median is carried on.
const MEDIAN_REACH: usize = 32;

/// What the x of a series counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LoadAxis {
    /// Customers or clients on fixed hardware.
    #[default]
    Customers,
    /// Threads, replicas, nodes.
    Servers,
}

/// Why a series has no curve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CurveRefusal {
    /// Fewer than three distinct levels.
    #[error("{distinct} distinct levels, 3 needed ({left_out} observations left out)")]
    TooFewLevels {
        /// Distinct levels with a positive throughput.
        distinct: usize,
        /// Observations left out.
        left_out: usize,
    },
    /// No law has a finite likelihood.
    #[error("no law fits these numbers")]
    NoLaw,
}

impl CurveRefusal {
    /// A short word for tables.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooFewLevels { .. } => "refused_too_few_steps",
            Self::NoLaw => "refused_no_law",
        }
    }
}

/// The distribution of a new observation at one level: quantiles, in the unit of the observations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurveForecast {
    /// Not reached by one in twenty.
    pub p05: f64,
    /// As likely too high as too low: the point forecast.
    pub p50: f64,
    /// Exceeded by one in twenty.
    pub p95: f64,
}

/// A series with its posterior.
#[derive(Debug, Clone)]
pub struct FittedCurve {
    series: CurveSeries,
    axis: LoadAxis,
    posterior: Posterior,
    collapse: Collapse,
    group: Group,
    law: LawFamily,
    caveats: Vec<CurveCaveat>,
    medians: OnceLock<Vec<f64>>, // logs, from the highest measured level in steps of MEDIAN_STEP
}

/// Fits observations (level, throughput), in any order and unit; levels may repeat.
///
/// Observations that are not two finite numbers above 0 are left out; [`FittedCurve::caveats`] counts them.
///
/// # Errors
/// [`CurveRefusal`] for fewer than three distinct levels, or if no law fits.
pub fn fit_curve(points: &[(f64, f64)], axis: LoadAxis) -> Result<FittedCurve, CurveRefusal> {
    fit_curve_with(points, axis, LearnedPrior::of_all_sources())
}

/// The same with another prior: one that was learnt without a source, say, to judge forecasts of that source.
///
/// # Errors
/// As [`fit_curve`].
pub fn fit_curve_with(
    points: &[(f64, f64)],
    axis: LoadAxis,
    prior: &LearnedPrior,
) -> Result<FittedCurve, CurveRefusal> {
    let series = CurveSeries::new(points)?;
    let posterior = Posterior::new(&series, prior.for_series(axis, series.last().x))?;
    let (law, caveats) = (
        family::most_likely(&posterior),
        caveat::of_series(&series, &posterior),
    );
    let group = Group::of(&series);
    Ok(FittedCurve {
        series,
        axis,
        posterior,
        collapse: prior.collapse,
        group,
        law,
        caveats,
        medians: OnceLock::new(),
    })
}

impl FittedCurve {
    /// The forecast of a new observation at level `x`, above 0.
    #[must_use]
    pub fn at(&self, x: f64) -> CurveForecast {
        let [p05, p50, p95] = self.quantiles(x, [0.05, 0.5, 0.95]);
        CurveForecast { p05, p50, p95 }
    }

    /// Throughputs that a new observation at `x` does not exceed with the given probabilities (0-1). For one
    /// probability, they are a smooth curve of `x`.
    ///
    /// The median is the posterior's: the prior has learnt it from curves that collapsed, too.
    #[must_use]
    pub fn quantiles<const N: usize>(&self, x: f64, probabilities: [f64; N]) -> [f64; N] {
        let octaves = self.series.octaves_to(x);
        let (calm, median) = self.calm(octaves);
        let whole = calm.collapsing(self.collapse.probability(octaves), self.collapse.depth);
        let middle = whole.quantile(0.5);
        probabilities.map(|probability| (median + whole.quantile(probability) - middle).exp())
    }

    /// Densities of the log of a new observation at `x`, as long as the curve has not collapsed, and once it
    /// has, for each of some depths (above 0): what [`Collapse`] is learnt from.
    #[must_use]
    pub fn densities<const N: usize>(&self, x: f64, throughput: f64, depths: [f64; N]) -> (f64, [f64; N]) {
        let (calm, log) = (self.calm(self.series.octaves_to(x)).0, throughput.ln());
        let fallen = |depth: f64| calm.clone().collapsing(1.0, depth).density(log);
        (calm.density(log), depths.map(fallen))
    }

    /// The log of a new observation as long as the curve has not collapsed, and its median.
    fn calm(&self, octaves: f64) -> (Predictive, f64) {
        let [steady, falling] = self.posterior.parts(octaves);
        let median = steady.clone().and(falling.clone()).quantile(0.5);
        let spread = |part: Predictive, falls: bool| {
            part.spread_about(median, calibration::spread(self.group, falls, octaves))
        };
        (spread(steady, false).and(spread(falling, true)), median)
    }

    /// Log of the median throughput, at a place in octaves beyond the highest measured level.
    fn median_beyond(&self, octaves: f64) -> f64 {
        let median_of_step = |step: usize| self.posterior.forecast(step as f64 * MEDIAN_STEP).quantile(0.5);
        let medians = self
            .medians
            .get_or_init(|| (0..=MEDIAN_REACH).map(median_of_step).collect());
        let place = (octaves / MEDIAN_STEP).clamp(0.0, MEDIAN_REACH as f64);
        let step = (place as usize).min(MEDIAN_REACH - 1);
        medians[step] + (place - step as f64) * (medians[step + 1] - medians[step])
    }

    /// One curve of the posterior that does not collapse: `share` (0-1, uniform) chooses the law, `slope`
    /// (standard normal) how far it strays.
    #[must_use]
    pub fn draw(&self, share: f64, slope: f64) -> CurveDraw<'_> {
        CurveDraw {
            curve: self,
            node: self.posterior.node(share),
            slope,
        }
    }

    /// The family of laws that the posterior mostly holds.
    #[must_use]
    pub fn law(&self) -> LawFamily {
        self.law
    }

    /// Doubts about the series, whatever is asked of it.
    #[must_use]
    pub fn caveats(&self) -> &[CurveCaveat] {
        &self.caveats
    }

    /// Doubts about a forecast at level `x`, without those about the series.
    #[must_use]
    pub fn caveats_at(&self, x: f64) -> Vec<CurveCaveat> {
        caveat::of_level(&self.series, x)
    }

    /// The way in which the measured part moves.
    #[must_use]
    pub fn group(&self) -> Group {
        self.group
    }

    /// What x counts.
    #[must_use]
    pub fn axis(&self) -> LoadAxis {
        self.axis
    }

    /// The highest measured level.
    #[must_use]
    pub fn highest_level(&self) -> f64 {
        self.series.last().x
    }
}

/// One possible true curve, without the noise of an observation: a law and its discrepancy, smooth in the
/// level.
#[derive(Debug, Clone, Copy)]
pub struct CurveDraw<'a> {
    curve: &'a FittedCurve,
    node: PosteriorNode,
    slope: f64,
}

impl CurveDraw<'_> {
    /// Throughput at level `x`, above 0, in the unit of the observations; below the highest measured level
    /// the law itself.
    #[must_use]
    pub fn throughput_at(&self, x: f64) -> f64 {
        let octaves = self.curve.series.octaves_to(x);
        let beyond = octaves.max(0.0);
        let deviation = self.node.deviation.hypot(self.node.drift * beyond.sqrt());
        let log = |octaves: f64| {
            self.node.shape.log_throughput(octaves) + self.node.offset + self.slope * deviation
        };
        let median = self.curve.median_beyond(beyond);
        let spread = calibration::spread(self.curve.group, self.node.shape.falls(), octaves);
        (median + spread * (log(beyond) - median) + log(octaves) - log(beyond)).exp()
    }
}
