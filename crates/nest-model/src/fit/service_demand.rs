//! Service demand of every behaviour on one resource, by regression over steps of designed mixes.

mod blocks;
mod load;
mod predict;
mod size;

use nalgebra::{DMatrix, DVector};
use nest_data::{
    measurement::{Resource, ResourceKind},
    scaling::{LoadDependence, ResourceModel, SizeDependence},
};

pub use crate::fit::mixed_effects::{PRIOR_BETWEEN_BLOCKS, PRIOR_REPEATS};
pub use blocks::{Block, WindowUse, block, blocks};
pub use predict::{predict, predict_stored};
pub use size::SizeFit;

use crate::{
    fit::mixed_effects::{MixedFit, Observations, fit_mixed},
    laws::load_law::{LoadLaw, LoadShape},
    regression::condition,
};
use load::fit_load;
use size::fit_size;

/// Condition number above which single demands are not told apart.
pub const WORST_CONDITION: f64 = 30.0;
/// Where demands cannot be told apart: standard deviation of one around the mean demand of all, as a multiple
/// of that mean.
const DEMANDS_DIFFER: f64 = 3.0;
/// Where idle use cannot be told from demand: its standard deviation around 0, as a share of capacity or of
/// the largest use.
const IDLE_SHARE: f64 = 0.1;

/// Whether a dependence of demand on load is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadSearch {
    /// Where every window has a capacity.
    Wanted,
    /// Demand is taken to be the same at every load.
    Spared,
}

/// Demands on one resource, as they were fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct DemandFit {
    /// Idle use, demands, then the slope over load and growth with stored data, if there are any.
    pub mixed: MixedFit,
    /// Dependence of demand on load; `None` if the windows do not show it.
    pub law: Option<LoadLaw>,
    /// Dependence of demand on stored data; `None` if the blocks do not show it.
    pub size: Option<SizeFit>,
    /// Condition number of the design with columns scaled to length one; 1 is best.
    pub condition: f64,
}

/// Fits idle use and demands of one resource, and how they depend on its load and on stored data if the steps
/// show that they do.
///
/// # Formula
/// `used_w = idle + sum_j rate_jw D_j (1 + slope (g(U_w) - mean))`, the slope only if it is above twice its
/// standard error (see [`LoadLaw`]); windows of a step deviate together (see [`fit_mixed`]).
///
/// Source of the utilisation law: Denning, Buzen, "The operational analysis of queueing network models", ACM
/// Computing Surveys 10(3), 1978.
///
/// `None` if there are fewer blocks than coefficients, or behaviours that were never executed.
#[must_use]
pub fn fit_resource(blocks: &[Block], behaviours: &[String], resource: &Resource) -> Option<ResourceModel> {
    if blocks.len() < behaviours.len() + 1 {
        return None;
    }
    let processor = resource.capacity.filter(|_| resource.kind == ResourceKind::Cpu);
    let largest = blocks.iter().map(|block| block.used).fold(0.0, f64::max);
    let scale = processor.unwrap_or(largest).max(f64::MIN_POSITIVE);
    let DemandFit {
        mixed,
        law,
        size,
        condition,
    } = fit_demand(blocks, behaviours.len(), LoadSearch::Wanted, scale)?;
    let after_load = behaviours.len() + 1 + usize::from(law.is_some());
    Some(ResourceModel {
        name: resource.name.clone(),
        tier: resource.tier.clone(),
        kind: resource.kind,
        capacity: resource.capacity,
        idle: mixed.estimate(0),
        demand: behaviours
            .iter()
            .enumerate()
            .map(|(index, name)| (name.clone(), mixed.estimate(index + 1)))
            .collect(),
        load_dependence: law.map(|law| LoadDependence {
            slope: mixed.estimate(behaviours.len() + 1),
            mean_idleness: law.mean,
            rising: law.shape == LoadShape::Rising,
        }),
        size_dependence: size.map(|size| SizeDependence {
            shape: size.shape,
            reference: size.reference,
            largest: blocks
                .iter()
                .filter_map(|block| block.stored)
                .fold(size.reference, f64::max),
            growth: size
                .behaviours
                .iter()
                .enumerate()
                .map(|(place, index)| (behaviours[*index].clone(), mixed.estimate(after_load + place)))
                .collect(),
        }),
        leak: None,
        covariance: mixed
            .covariance
            .row_iter()
            .map(|row| row.iter().copied().collect())
            .collect(),
        condition,
        separable: condition <= WORST_CONDITION,
        fitted_steps: blocks.len(),
        between_steps: mixed.between_steps,
        degrees_of_freedom: mixed.between_degrees,
    })
}

/// Fits idle use and demands to blocks, and how they depend on load and on stored data if the windows show
/// that they do.
///
/// `behaviours` is their number; `load` says whether a dependence on load is looked for, which needs the
/// capacity of every window; `scale` is the capacity or the largest use. If the mixes do not tell demands
/// apart (condition above 30), idle use is taken for a small share of the scale, and demands for about alike.
/// `None` if a behaviour was never executed.
#[must_use]
pub fn fit_demand(blocks: &[Block], behaviours: usize, load: LoadSearch, scale: f64) -> Option<DemandFit> {
    let mut observations = observations(blocks, behaviours, scale);
    if observations
        .design
        .column_iter()
        .any(|column| column.iter().all(|value| *value == 0.0))
    {
        return None;
    }
    let condition = relative_condition(&observations);
    if condition.is_nan() || condition > WORST_CONDITION {
        observations.known = assumed(&observations);
    }
    let mut mixed = fit_mixed(&observations)?;
    let mut size = None;
    if let Some(grown) = fit_size(blocks, &observations, &mixed) {
        (observations, size, mixed) = (grown.observations, Some(grown.size), grown.mixed);
    }
    let capacities: Option<Vec<f64>> = match load {
        LoadSearch::Wanted => windows(blocks).map(|window| window.capacity).collect(),
        LoadSearch::Spared => None,
    };
    let loaded = capacities.and_then(|capacities| fit_load(&observations, behaviours, &capacities, &mixed));
    let law = loaded.as_ref().map(|loaded| loaded.law);
    let mixed = loaded.map_or(mixed, |loaded| loaded.mixed);
    Some(DemandFit {
        mixed,
        law,
        size,
        condition,
    })
}

fn windows(blocks: &[Block]) -> impl Iterator<Item = &WindowUse> {
    blocks.iter().flat_map(|block| &block.windows)
}

/// Condition number of the design by relative errors: a light step tells as much of a mix as a heavy one.
fn relative_condition(observations: &Observations) -> f64 {
    // A resource that was never used has nothing to be relative to.
    let unused = observations.scale <= f64::MIN_POSITIVE;
    let relative = |row: usize| {
        if unused {
            1.0
        } else {
            observations.used[row].abs() + 0.01 * observations.scale
        }
    };
    let design = &observations.design;
    let judged = DMatrix::from_fn(design.nrows(), design.ncols(), |row, column| {
        design[(row, column)] / relative(row)
    });
    condition(&judged)
}

fn observations(blocks: &[Block], behaviours: usize, scale: f64) -> Observations {
    let windows: Vec<&WindowUse> = windows(blocks).collect();
    let mut start = 0;
    let ranges = blocks.iter().map(|block| {
        start += block.windows.len();
        start - block.windows.len()..start
    });
    Observations {
        design: DMatrix::from_fn(windows.len(), behaviours + 1, |row, column| {
            if column == 0 {
                1.0
            } else {
                windows[row].rates[column - 1]
            }
        }),
        used: DVector::from_iterator(windows.len(), windows.iter().map(|window| window.used)),
        seconds: windows.iter().map(|window| window.seconds).collect(),
        blocks: ranges.collect(),
        suspect: blocks.iter().map(|block| block.suspect).collect(),
        scale,
        behaviours,
        known: Vec::new(),
    }
}

/// Priors if the mixes do not tell demands apart: idle use is a small share of capacity, and demands are of
/// the size of the mean one.
fn assumed(observations: &Observations) -> Vec<(usize, f64, f64)> {
    let executions: f64 = observations
        .design
        .columns(1, observations.design.ncols() - 1)
        .sum();
    let mean = observations.used.sum() / executions;
    let demands = (1..observations.design.ncols()).map(|column| (column, mean, DEMANDS_DIFFER * mean));
    std::iter::once((0, 0.0, IDLE_SHARE * observations.scale))
        .chain(demands.filter(|_| mean > 0.0 && mean.is_finite()))
        .collect()
}
