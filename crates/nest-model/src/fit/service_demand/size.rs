//! How demand depends on the size of the stored data.

use std::collections::BTreeSet;

use nalgebra::DVector;
use nest_data::scaling::SizeShape;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::Block;
use crate::fit::mixed_effects::{MixedFit, Observations, fit_mixed};

/// Probability with which growth with stored data may be seen in any behaviour although there is none.
const GROWTH_SIGNIFICANCE: f64 = 0.05;
/// Sizes of stored data from which on growth in steps and in doublings can be told apart.
const SIZES_FOR_SHAPE: usize = 3;

/// Demand that grows with stored data.
#[derive(Debug, Clone, PartialEq)]
pub struct SizeFit {
    /// In steps of one item, or by doublings.
    pub shape: SizeShape,
    /// Size at which demands are stated.
    pub reference: f64,
    /// The behaviours that it concerns, by their position.
    pub behaviours: Vec<usize>,
}

/// A fit in which some demands grow with stored data; what it was fitted to has a column more for each.
pub(super) struct GrownFit {
    pub(super) observations: Observations,
    pub(super) mixed: MixedFit,
    pub(super) size: SizeFit,
}

/// Fits demands that grow with stored data, of the behaviours that were boosted at another size: one after
/// the other, the one with the most evidence first. The others run beside them in one mix, whose growth is
/// not told apart.
///
/// Believed is what would be seen in any of them in 5 % of runs without growth (Student's t, one-sided; Holm,
/// "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6(2), 1979).
///
/// # Formula
/// `D_j(S) = D_j + growth_j (S - S_0)`, or `D_j + growth_j log2(S / S_0)` if three sizes or more show that it
/// fits better (smaller sum of squared relative residuals). S_0 is the size of the first block.
///
/// `None` if the steps were measured at one size, or show no growth.
pub(super) fn fit_size(blocks: &[Block], observations: &Observations, plain: &MixedFit) -> Option<GrownFit> {
    let sizes = StoredSizes::new(blocks)?;
    let shapes: &[SizeShape] = if sizes.distinct >= SIZES_FOR_SHAPE {
        &[SizeShape::Linear, SizeShape::Doubling]
    } else {
        &[SizeShape::Linear]
    };
    let scales = plain_use(observations, plain);
    shapes
        .iter()
        .filter_map(|shape| sizes.fit_shape(observations, *shape))
        .map(|grown| (misfit(&grown, &scales), grown))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, grown)| grown)
}

/// Sizes of the stored data at which blocks were measured.
struct StoredSizes {
    reference: f64,
    by_window: Vec<f64>,
    distinct: usize,
    /// Behaviours that were boosted at another size than the reference.
    suspected: BTreeSet<usize>,
}

impl StoredSizes {
    /// `None` if there are fewer than two sizes.
    fn new(blocks: &[Block]) -> Option<Self> {
        let reference = blocks
            .iter()
            .find_map(|block| block.stored)
            .filter(|reference| *reference > 0.0)?;
        let by_window: Vec<f64> = blocks
            .iter()
            .flat_map(|block| vec![block.stored.unwrap_or(reference); block.windows.len()])
            .collect();
        let mut sizes = by_window.clone();
        sizes.sort_by(f64::total_cmp);
        sizes.dedup();
        let elsewhere = blocks
            .iter()
            .filter(|block| block.stored.is_some_and(|stored| stored != reference));
        (sizes.len() >= 2).then(|| Self {
            reference,
            distinct: sizes.len(),
            suspected: elsewhere.filter_map(|block| block.boosted).collect(),
            by_window,
        })
    }

    /// Growth in one shape; `None` if no behaviour shows any.
    fn fit_shape(&self, observations: &Observations, shape: SizeShape) -> Option<GrownFit> {
        let growth: Vec<f64> = self
            .by_window
            .iter()
            .map(|stored| shape.growth(*stored, self.reference))
            .collect();
        let behaviours = self.growing(observations, &growth);
        // Columns stand in the order of the behaviours, as those of the demands do.
        let mut so_far = observations.clone();
        let mut mixed = None;
        for behaviour in &behaviours {
            let wider = with_growth(&so_far, *behaviour, &growth)?;
            (so_far, mixed) = (wider.observations, Some(wider.mixed));
        }
        Some(GrownFit {
            observations: so_far,
            mixed: mixed?,
            size: SizeFit {
                shape,
                reference: self.reference,
                behaviours,
            },
        })
    }

    /// Behaviours whose growth is believed, in ascending order.
    fn growing(&self, observations: &Observations, growth: &[f64]) -> Vec<usize> {
        let mut so_far = observations.clone();
        let mut found: Vec<usize> = Vec::new();
        loop {
            let others: Vec<usize> = self
                .suspected
                .iter()
                .copied()
                .filter(|behaviour| !found.contains(behaviour))
                .collect();
            let most_evident = others
                .iter()
                .filter_map(|behaviour| Some((*behaviour, with_growth(&so_far, *behaviour, growth)?)))
                .min_by(|a, b| a.1.chance.total_cmp(&b.1.chance))
                .filter(|(_, wider)| wider.chance * others.len() as f64 <= GROWTH_SIGNIFICANCE);
            let Some((behaviour, wider)) = most_evident else {
                break;
            };
            found.push(behaviour);
            so_far = wider.observations;
        }
        found.sort_unstable();
        found
    }
}

/// A fit with growth of one more demand as the last column.
struct WiderFit {
    observations: Observations,
    mixed: MixedFit,
    chance: f64, // of so much growth in the fit if there is none
}

/// Adds growth of one more demand; `None` if the behaviour was not executed at another size.
fn with_growth(observations: &Observations, behaviour: usize, growth: &[f64]) -> Option<WiderFit> {
    let place = observations.design.ncols();
    let column = DVector::from_fn(growth.len(), |row, _| {
        growth[row] * observations.design[(row, behaviour + 1)]
    });
    let mut wider = observations.clone();
    wider.design = wider.design.insert_column(place, 0.0);
    wider.design.set_column(place, &column);
    let fit = fit_mixed(&wider)?;
    let errors = fit.coefficients[place] / fit.covariance[(place, place)].max(f64::MIN_POSITIVE).sqrt();
    let chance = StudentsT::new(0.0, 1.0, fit.degrees_of_freedom[place])
        .ok()?
        .sf(errors);
    Some(WiderFit {
        observations: wider,
        mixed: fit,
        chance,
    })
}

/// Sum of squared residuals, each over its scale.
fn misfit(grown: &GrownFit, scales: &[f64]) -> f64 {
    let residuals = &grown.observations.used - &grown.observations.design * &grown.mixed.coefficients;
    residuals
        .iter()
        .zip(scales)
        .map(|(residual, scale)| (residual / scale).powi(2))
        .sum()
}

/// What residuals of different shapes are compared in: fitted use without growth, and a little of the scale.
fn plain_use(observations: &Observations, plain: &MixedFit) -> Vec<f64> {
    (&observations.design * &plain.coefficients)
        .iter()
        .map(|used| used + 0.05 * observations.scale)
        .collect()
}
