//! The difference of two versions in one subject: its mean over blocks, with what is known of its error.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::VisitBlock;
use crate::draws::Z90;

/// What is expected of the deviation of a block before its blocks have shown it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prior {
    /// Degrees of freedom that it counts as, above 0.
    pub degrees: f64,
    /// Standard deviation of a block's logarithm of head over base, above 0.
    pub deviation: f64,
}

impl Prior {
    /// What holds on a machine that nobody calibrated.
    pub const UNCALIBRATED: Self = Self {
        degrees: 2.0,
        deviation: 0.03,
    };
    /// Degrees of freedom that a calibration of this study on this machine counts as.
    const CALIBRATED_DEGREES: f64 = 4.0;
    /// Blocks from which on a calibration may show a smaller deviation than the uncalibrated one: fewer may
    /// have looked alike by chance, and too small a deviation makes false alarms.
    const FEWEST_BLOCKS_TO_LOWER: usize = 8;

    /// What a calibration showed: the standard deviation over its blocks.
    ///
    /// A deviation above [`Prior::UNCALIBRATED`] is believed at once, one below it from eight blocks on.
    #[must_use]
    pub fn calibrated(deviation: f64, blocks: usize) -> Self {
        if deviation < Self::UNCALIBRATED.deviation && blocks < Self::FEWEST_BLOCKS_TO_LOWER {
            return Self::UNCALIBRATED;
        }
        Self {
            degrees: Self::CALIBRATED_DEGREES,
            deviation,
        }
    }
}

/// A difference with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contrast {
    /// Logarithm of head over base for a change; a share of base's demand for a growth.
    pub mean: f64,
    /// Standard error of the mean, above 0.
    pub standard_error: f64,
    /// Degrees of freedom of that error.
    pub degrees: f64,
    /// Blocks behind it.
    pub blocks: usize,
}

/// The blocks of one size that tell a subject.
#[derive(Debug)]
struct Stratum {
    mean: f64,
    squares: f64,
    within: f64,
    blocks: usize,
}

impl Stratum {
    fn of(blocks: &[&VisitBlock], subject: usize) -> Option<Self> {
        let told: Vec<(f64, f64)> = blocks
            .iter()
            .filter_map(|block| block.log_ratio(subject))
            .collect();
        let count = told.len() as f64;
        let mean = told.iter().map(|(ratio, _)| ratio).sum::<f64>() / count;
        (!told.is_empty()).then(|| Self {
            mean,
            squares: told.iter().map(|(ratio, _)| (ratio - mean).powi(2)).sum(),
            within: told.iter().map(|(_, within)| within).sum::<f64>() / count,
            blocks: told.len(),
        })
    }
}

/// Variance of one block's difference, and its degrees of freedom.
///
/// # Formula
/// `((k - 1) s^2 + nu0 s0^2) / (k - 1 + nu0)` with `k - 1` counted in each stratum, never below the mean of
/// what the visits themselves show: the posterior scale of a normal variance under a scaled inverse
/// chi-squared prior.
///
/// Source: Gelman and others, "Bayesian Data Analysis", third edition, 2013, section 3.3.
fn pooled(strata: &[&Stratum], prior: Prior) -> (f64, f64) {
    let seen: f64 = strata.iter().map(|stratum| stratum.blocks as f64 - 1.0).sum();
    let squares: f64 = strata.iter().map(|stratum| stratum.squares).sum();
    let degrees = seen + prior.degrees;
    let variance = (squares + prior.degrees * prior.deviation.powi(2)) / degrees;
    let within = strata.iter().map(|stratum| stratum.within).sum::<f64>() / strata.len() as f64;
    (variance.max(within), degrees)
}

/// Change of demand from base to head: the mean over sizes of the means over their blocks.
///
/// `None` if no block tells it.
pub(super) fn change(blocks: &[VisitBlock], subject: usize, prior: Prior) -> Option<Contrast> {
    let strata: Vec<Stratum> = sizes(blocks)
        .iter()
        .filter_map(|size| Stratum::of(&of_size(blocks, *size), subject))
        .collect();
    let all: Vec<&Stratum> = strata.iter().collect();
    let (variance, degrees) = (!all.is_empty()).then(|| pooled(&all, prior))?;
    let count = all.len() as f64;
    let shares: f64 = all.iter().map(|stratum| 1.0 / stratum.blocks as f64).sum();
    Some(Contrast {
        mean: all.iter().map(|stratum| stratum.mean).sum::<f64>() / count,
        standard_error: (variance * shares).sqrt() / count,
        degrees,
        blocks: all.iter().map(|stratum| stratum.blocks).sum(),
    })
}

/// How much more head's demand grows than base's from the smallest size to the largest, as a share of base's
/// demand at the largest.
///
/// # Formula
/// `((B_l - A_l) - (B_s - A_s)) / A_l = (e^{c_l} - 1) - (e^{c_s} - 1) A_s / A_l`; its variance by the delta
/// method.
///
/// `None` if fewer than two sizes tell it.
pub(super) fn growth(blocks: &[VisitBlock], subject: usize, prior: Prior) -> Option<Contrast> {
    let sizes = sizes(blocks);
    let (smallest, largest) = (sizes.first()?, sizes.last()?);
    if smallest == largest {
        return None;
    }
    let (small, large) = (of_size(blocks, *smallest), of_size(blocks, *largest));
    let base_ratio = (mean_log_base(&small, subject)? - mean_log_base(&large, subject)?).exp();
    let (at_small, at_large) = (Stratum::of(&small, subject)?, Stratum::of(&large, subject)?);
    let (variance, degrees) = pooled(&[&at_small, &at_large], prior);
    let slope_small = at_small.mean.exp() * base_ratio;
    let slope_large = at_large.mean.exp();
    let spread = slope_large.powi(2) / at_large.blocks as f64 + slope_small.powi(2) / at_small.blocks as f64;
    Some(Contrast {
        mean: at_large.mean.exp_m1() - at_small.mean.exp_m1() * base_ratio,
        standard_error: (variance * spread).sqrt(),
        degrees,
        blocks: at_small.blocks + at_large.blocks,
    })
}

/// The change of one subject, and how it differs from one size of stored data to another.
#[derive(Debug, Clone, PartialEq)]
pub struct SubjectChange {
    /// Position of the subject.
    pub subject: usize,
    /// Logarithm of head over base, a mean over sizes.
    pub change: Contrast,
    /// The same at the smallest and at the largest size; `None` unless the blocks show that the versions grow
    /// differently with stored data.
    pub by_size: Option<[SizedChange; 2]>,
}

/// The change at one size of stored data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SizedChange {
    /// Stored items, above 0.
    pub stored: f64,
    /// Logarithm of head over base.
    pub change: Contrast,
}

/// Chance with which versions that grow alike may seem to differ in any subject.
const GROWTH_SIGNIFICANCE: f64 = 0.05;

/// The change of each subject that the blocks tell. Growth counts as different only if versions that grow
/// alike would look so different in at most 5 % of comparisons (Student's t, two-sided; Bonferroni).
#[must_use]
pub fn changes(blocks: &[VisitBlock], subjects: usize, prior: Prior) -> Vec<SubjectChange> {
    let level = GROWTH_SIGNIFICANCE / (2.0 * subjects.max(1) as f64);
    let grows = |subject| {
        growth(blocks, subject, prior)
            .is_some_and(|growth| growth.mean.abs() > t(level, growth.degrees) * growth.standard_error)
    };
    let found = (0..subjects).map(|subject| {
        Some(SubjectChange {
            subject,
            change: change(blocks, subject, prior)?,
            by_size: grows(subject).then(|| by_size(blocks, subject, prior)).flatten(),
        })
    });
    found.flatten().collect()
}

fn by_size(blocks: &[VisitBlock], subject: usize, prior: Prior) -> Option<[SizedChange; 2]> {
    let sizes = sizes(blocks);
    let at = |size: Option<f64>| {
        let of_it: Vec<VisitBlock> = of_size(blocks, size).into_iter().cloned().collect();
        Some(SizedChange {
            stored: size.filter(|stored| *stored > 0.0)?,
            change: change(&of_it, subject, prior)?,
        })
    };
    Some([at(*sizes.first()?)?, at(*sizes.last()?)?])
}

/// Relative standard deviation of a block's comparison, over all subjects: the noise of the machine. `None`
/// if no size has two blocks.
#[must_use]
pub fn block_deviation(blocks: &[VisitBlock], subjects: usize) -> Option<f64> {
    let strata = sizes(blocks).into_iter().flat_map(|size| {
        let blocks = of_size(blocks, size);
        (0..subjects).filter_map(move |subject| Stratum::of(&blocks, subject))
    });
    let (squares, degrees) = strata.fold((0.0, 0.0), |(squares, degrees), stratum| {
        (squares + stratum.squares, degrees + stratum.blocks as f64 - 1.0)
    });
    (degrees > 0.0).then(|| f64::sqrt(squares / degrees))
}

/// The sizes of the blocks, in ascending order.
fn sizes(blocks: &[VisitBlock]) -> Vec<Option<f64>> {
    let mut sizes: Vec<Option<f64>> = Vec::new();
    for block in blocks {
        if !sizes.contains(&block.size) {
            sizes.push(block.size);
        }
    }
    sizes.sort_by(|a, b| a.unwrap_or(0.0).total_cmp(&b.unwrap_or(0.0)));
    sizes
}

fn of_size(blocks: &[VisitBlock], size: Option<f64>) -> Vec<&VisitBlock> {
    blocks.iter().filter(|block| block.size == size).collect()
}

/// `None` if no block tells it.
fn mean_log_base(blocks: &[&VisitBlock], subject: usize) -> Option<f64> {
    let told: Vec<f64> = blocks
        .iter()
        .filter(|block| block.log_ratio(subject).is_some())
        .filter_map(|block| block.log_base(subject))
        .collect();
    (!told.is_empty()).then(|| told.iter().sum::<f64>() / told.len() as f64)
}

/// Upper quantile of Student's t: what is exceeded with probability `level`.
pub(super) fn t(level: f64, degrees: f64) -> f64 {
    StudentsT::new(0.0, 1.0, degrees).map_or(Z90, |t| t.inverse_cdf(1.0 - level))
}
