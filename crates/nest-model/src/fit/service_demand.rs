//! Service demand of every behaviour on one resource, by regression over steps of designed mixes.

use std::collections::{BTreeMap, BTreeSet};

use nalgebra::{DMatrix, DVector};
use nest_data::{
    Estimate,
    measurement::{Purpose, Resource, ResourceKind, Step, Validity},
    scaling::{LoadDependence, ResourceModel, SizeDependence, SizeShape},
};
use statrs::distribution::{ContinuousCDF, StudentsT};

pub use crate::fit::mixed_effects::{PRIOR_BETWEEN_BLOCKS, PRIOR_REPEATS};
use crate::{
    fit::mixed_effects::{MixedFit, Observations, fit_mixed, upper_t},
    laws::load_law::{LoadLaw, LoadShape},
    regression::condition,
};

/// Condition number above which single demands are not told apart.
pub const WORST_CONDITION: f64 = 30.0;
/// Standard errors that a slope of demand over load must lie above zero to be believed.
const LEAST_EVIDENCE: f64 = 2.0;
/// Probability with which growth with stored data may be seen in any behaviour where there is none.
const GROWTH_SIGNIFICANCE: f64 = 0.05;
/// Windows of a step with a reading below which the step says nothing about a resource.
const FEWEST_WINDOWS: usize = 2;
/// Rounds in which the work that a slope over load applies to is found; it settles in three.
const ROUNDS: usize = 4;
/// Where demands cannot be told apart: standard deviation of one around the mean demand of all, as a multiple
/// of that mean.
const DEMANDS_DIFFER: f64 = 3.0;
/// Where idle use cannot be told from demand: its standard deviation around 0, as a share of capacity or of
/// the largest use.
const IDLE_SHARE: f64 = 0.1;
/// Sizes of stored data from which on growth in steps and in doublings can be told apart.
const SIZES_FOR_SHAPE: usize = 3;

/// Use of one resource in one step, per second.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Executions completed per second, one per behaviour.
    pub rates: Vec<f64>,
    /// Busy-seconds or bytes per second, or resident bytes.
    pub used: f64,
    /// The same by window.
    pub windows: Vec<WindowUse>,
    /// Whether the step counts less.
    pub suspect: bool,
    /// Size of the stored data, in the study's items; none where it is not stated.
    pub stored: Option<f64>,
    /// The behaviour, by its position, that the step runs more of than the plain mix.
    pub boosted: Option<usize>,
}

/// Use of one resource in one window, per second.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowUse {
    /// Executions completed per second, one per behaviour.
    pub rates: Vec<f64>,
    /// Busy-seconds or bytes per second, or resident bytes.
    pub used: f64,
    /// Length in seconds, above 0.
    pub seconds: f64,
}

/// The use of a resource in every step that may be fitted: valid and suspect ones, not those that check the
/// forecast.
#[must_use]
pub fn blocks(steps: &[Step], behaviours: &[String], resource: &Resource) -> Vec<Block> {
    // A target that was started again for another size of stored data holds other memory.
    let first = steps.first().and_then(|step| step.plan.stored);
    let same_start = |step: &&Step| resource.kind != ResourceKind::Memory || step.plan.stored == first;
    let fitted = steps
        .iter()
        .filter(|step| step.plan.purpose != Purpose::Confirm && step.verdict.validity.is_fitted());
    fitted
        .filter(same_start)
        .filter_map(|step| block(step, behaviours, resource))
        .collect()
}

/// The use of a resource in one step; none where too few windows have a reading. A window without one counts
/// neither as use nor as time.
#[must_use]
pub fn block(step: &Step, behaviours: &[String], resource: &Resource) -> Option<Block> {
    let per_second = |completed: &BTreeMap<String, u64>, seconds: f64| {
        behaviours
            .iter()
            .map(|name| *completed.get(name).unwrap_or(&0) as f64 / seconds)
            .collect::<Vec<_>>()
    };
    let windows: Vec<WindowUse> = step
        .windows
        .iter()
        .filter(|window| window.duration_s > 0.0)
        .filter_map(|window| {
            let used = *window.used.get(&resource.name)?;
            let used = if resource.kind == ResourceKind::Memory {
                used
            } else {
                used / window.duration_s
            };
            Some(WindowUse {
                rates: per_second(&window.completed, window.duration_s),
                used,
                seconds: window.duration_s,
            })
        })
        .collect();
    // A single window shows nothing of how windows differ, and would be believed more than ten of another
    // step.
    if windows.len() < FEWEST_WINDOWS.min(step.windows.len()) {
        return None;
    }
    let boosted = step
        .plan
        .boosted
        .as_ref()
        .and_then(|boosted| behaviours.iter().position(|name| name == boosted));
    Some(Block {
        boosted,
        ..Block::of(
            windows,
            step.verdict.validity == Validity::Suspect,
            step.plan.stored,
        )?
    })
}

impl Block {
    /// A block of some windows on the plain mix; none where there are none.
    #[must_use]
    pub fn of(windows: Vec<WindowUse>, suspect: bool, stored: Option<f64>) -> Option<Self> {
        let seconds: f64 = windows.iter().map(|window| window.seconds).sum();
        if seconds <= 0.0 {
            return None;
        }
        let mean = |value: &dyn Fn(&WindowUse) -> f64| {
            windows
                .iter()
                .map(|window| value(window) * window.seconds)
                .sum::<f64>()
                / seconds
        };
        let rates = (0..windows[0].rates.len())
            .map(|index| mean(&|window| window.rates[index]))
            .collect();
        let used = mean(&|window| window.used);
        Some(Self {
            rates,
            used,
            windows,
            suspect,
            stored,
            boosted: None,
        })
    }
}

/// Demands on one resource, as they were fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct DemandFit {
    /// Idle use, demands, then the slope over load and growth with stored data, where there are any.
    pub mixed: MixedFit,
    /// How demand depends on load; none where the windows do not show it.
    pub law: Option<LoadLaw>,
    /// How demand depends on stored data; none where the blocks do not show it.
    pub size: Option<SizeFit>,
    /// Condition number of the design with columns scaled to length one; 1 is best.
    pub condition: f64,
}

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

/// Fits idle use and demands to blocks, and how they depend on load and on stored data where the windows show
/// that they do.
///
/// `behaviours` is their number; `capacity` that of a processor, without which no dependence on load is
/// looked for; `scale` the capacity or the largest use. Where the mixes do not tell demands apart (condition
/// above 30), idle use is taken for a small share of the scale, and demands for about alike. `None` where a
/// behaviour was never executed.
#[must_use]
pub fn fit_demand(
    blocks: &[Block],
    behaviours: usize,
    capacity: Option<f64>,
    scale: f64,
) -> Option<DemandFit> {
    let mut observations = observations(blocks, behaviours, scale);
    if observations
        .design
        .column_iter()
        .any(|column| column.iter().all(|value| *value == 0.0))
    {
        return None;
    }
    // The design is judged by relative errors: a light step tells as much of a mix as a heavy one.
    // One that was never used has nothing to be relative to.
    let unused = scale <= f64::MIN_POSITIVE;
    let relative = |row: usize| {
        if unused {
            1.0
        } else {
            observations.used[row].abs() + 0.01 * scale
        }
    };
    let judged = DMatrix::from_fn(observations.used.len(), behaviours + 1, |row, column| {
        observations.design[(row, column)] / relative(row)
    });
    let condition = condition(&judged);
    if condition.is_nan() || condition > WORST_CONDITION {
        observations.known = assumed(&observations);
    }
    let mut mixed = fit_mixed(&observations)?;
    let mut size = None;
    if let Some((wider, grown, fit)) = fit_size(blocks, &observations, &mixed) {
        (observations, size, mixed) = (wider, Some(fit), grown);
    }
    let loaded = capacity.and_then(|capacity| {
        let shapes = [LoadShape::Falling, LoadShape::Rising];
        let found = shapes
            .into_iter()
            .filter_map(|shape| fit_load(&observations, behaviours, capacity, &mixed, shape));
        found.max_by(|a, b| a.2.total_cmp(&b.2))
    });
    let law = loaded.as_ref().map(|(_, law, _)| *law);
    let mixed = loaded.map_or(mixed, |(mixed, _, _)| mixed);
    Some(DemandFit {
        mixed,
        law,
        size,
        condition,
    })
}

fn observations(blocks: &[Block], behaviours: usize, scale: f64) -> Observations {
    let windows: Vec<&WindowUse> = blocks.iter().flat_map(|block| &block.windows).collect();
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
        known: Vec::new(),
    }
}

/// What is assumed where the mixes do not tell demands apart: idle use is a small share of capacity, and
/// demands are of the size of the mean one.
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

/// The same with demand that depends on load, with its law and the evidence for it in standard errors; none
/// where the windows do not show it.
///
/// The slope becomes linear with the work of a window taken from the fit before:
/// `slope (g(U_w) - mean) sum_j rate_jw D_j`.
fn fit_load(
    observations: &Observations,
    behaviours: usize,
    capacity: f64,
    plain: &MixedFit,
    shape: LoadShape,
) -> Option<(MixedFit, LoadLaw, f64)> {
    let columns = observations.design.ncols();
    let place = behaviours + 1;
    let executions: DVector<f64> = DVector::from_fn(observations.used.len(), |row, _| {
        observations.design.row(row).columns(1, behaviours).sum() * observations.seconds[row]
    });
    let plain_use = &observations.design * &plain.coefficients;
    let mut work = plain_use.add_scalar(-plain.coefficients[0]);
    let mut fitted = plain_use;
    let mut loaded: Option<(MixedFit, f64)> = None;
    for _ in 0..ROUNDS {
        // The mean is one over executions, so that the stated demand is what an execution of the run took on
        // average.
        let driver = fitted.map(|used| shape.driver((used / capacity).max(0.0)));
        let mean = executions.dot(&driver) / executions.sum();
        let slope = DVector::from_fn(driver.len(), |row, _| (driver[row] - mean) * work[row]);
        let mut wider = observations.clone();
        wider.design = wider.design.insert_column(place, 0.0);
        wider.design.set_column(place, &slope);
        wider
            .known
            .iter_mut()
            .filter(|(column, _, _)| *column >= place)
            .for_each(|(column, _, _)| *column += 1);
        let fit = fit_mixed(&wider)?;
        fitted = &wider.design * &fit.coefficients;
        work = &fitted - &slope * fit.coefficients[place];
        work.add_scalar_mut(-fit.coefficients[0]);
        loaded = Some((fit, mean));
    }
    let (fit, mean) = loaded?;
    debug_assert_eq!(fit.coefficients.len(), columns + 1);
    let (slope, error) = (
        fit.coefficients[place],
        fit.covariance[(place, place)].max(0.0).sqrt(),
    );
    (slope > LEAST_EVIDENCE * error && slope <= 1.0).then_some((
        fit,
        LoadLaw { shape, slope, mean },
        slope / error,
    ))
}

/// The same with demands that grow with stored data, of the behaviours that were boosted at another size: one
/// after the other, the one with the most evidence first. The others run beside them in one mix, whose growth
/// is not told apart.
///
/// Believed is what would be seen in any of them in 5 % of runs without growth (Student's t, one-sided; Holm,
/// "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6(2), 1979).
///
/// # Formula
/// `D_j(S) = D_j + growth_j (S - S_0)`, or `D_j + growth_j log2(S / S_0)` where three sizes or more show that
/// it fits better (smaller sum of squared relative residuals). S_0 is the size of the first block.
fn fit_size(
    blocks: &[Block],
    observations: &Observations,
    plain: &MixedFit,
) -> Option<(Observations, MixedFit, SizeFit)> {
    let reference = blocks
        .iter()
        .find_map(|block| block.stored)
        .filter(|reference| *reference > 0.0)?;
    let stored: Vec<f64> = blocks
        .iter()
        .flat_map(|block| vec![block.stored.unwrap_or(reference); block.windows.len()])
        .collect();
    let mut sizes = stored.clone();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    if sizes.len() < 2 {
        return None;
    }
    let elsewhere = blocks
        .iter()
        .filter(|block| block.stored.is_some_and(|stored| stored != reference));
    let suspected: BTreeSet<usize> = elsewhere.filter_map(|block| block.boosted).collect();
    let shapes: &[SizeShape] = if sizes.len() >= SIZES_FOR_SHAPE {
        &[SizeShape::Linear, SizeShape::Doubling]
    } else {
        &[SizeShape::Linear]
    };
    let scales = plain_use(observations, plain);
    let of_shape = |shape: SizeShape| {
        let grown: Vec<f64> = stored
            .iter()
            .map(|stored| shape.growth(*stored, reference))
            .collect();
        let mut so_far = observations.clone();
        let mut concerned: Vec<usize> = Vec::new();
        loop {
            let others: Vec<usize> = suspected
                .iter()
                .copied()
                .filter(|behaviour| !concerned.contains(behaviour))
                .collect();
            let best = others.iter().filter_map(|behaviour| {
                with_growth(&so_far, *behaviour, &grown).map(|with| (*behaviour, with))
            });
            let best = best
                .min_by(|a, b| a.1.2.total_cmp(&b.1.2))
                .filter(|best| best.1.2 * others.len() as f64 <= GROWTH_SIGNIFICANCE);
            let Some((behaviour, (wider, _, _))) = best else {
                break;
            };
            concerned.push(behaviour);
            so_far = wider;
        }
        // Columns stand in the order of the behaviours, as those of the demands do.
        concerned.sort_unstable();
        let in_order = concerned
            .iter()
            .try_fold((observations.clone(), None), |(so_far, _), behaviour| {
                with_growth(&so_far, *behaviour, &grown).map(|(wider, fit, _)| (wider, Some(fit)))
            });
        let (wider, fit) = in_order.and_then(|(wider, fit)| Some((wider, fit?)))?;
        let residuals = &wider.used - &wider.design * &fit.coefficients;
        let misfit: f64 = residuals
            .iter()
            .zip(&scales)
            .map(|(residual, scale)| (residual / scale).powi(2))
            .sum();
        Some((
            misfit,
            wider,
            fit,
            SizeFit {
                shape,
                reference,
                behaviours: concerned,
            },
        ))
    };
    let best = shapes
        .iter()
        .filter_map(|shape| of_shape(*shape))
        .min_by(|a, b| a.0.total_cmp(&b.0))?;
    Some((best.1, best.2, best.3))
}

/// The same with growth of one more demand as the last column, and the probability of seeing so much where
/// there is none; `None` where the behaviour was not executed at another size.
fn with_growth(
    observations: &Observations,
    behaviour: usize,
    grown: &[f64],
) -> Option<(Observations, MixedFit, f64)> {
    let place = observations.design.ncols();
    let column = DVector::from_fn(grown.len(), |row, _| {
        grown[row] * observations.design[(row, behaviour + 1)]
    });
    let mut wider = observations.clone();
    wider.design = wider.design.insert_column(place, 0.0);
    wider.design.set_column(place, &column);
    let fit = fit_mixed(&wider)?;
    let errors = fit.coefficients[place] / fit.covariance[(place, place)].max(f64::MIN_POSITIVE).sqrt();
    let chance = StudentsT::new(0.0, 1.0, fit.degrees_of_freedom[place])
        .ok()?
        .sf(errors);
    Some((wider, fit, chance))
}

/// What residuals of different shapes are compared in: fitted use without growth, and a little of the scale.
fn plain_use(observations: &Observations, plain: &MixedFit) -> Vec<f64> {
    (&observations.design * &plain.coefficients)
        .iter()
        .map(|used| used + 0.05 * observations.scale)
        .collect()
}

/// Fits idle use and demands of one resource, and how they depend on its load and on stored data where the
/// steps show that they do.
///
/// # Formula
/// `used_w = idle + sum_j rate_jw D_j (1 + slope (g(U_w) - mean))`, the slope only where it is above twice
/// its standard error (see [`LoadLaw`]); windows of a step deviate together (see [`fit_mixed`]).
///
/// Source of the utilisation law: Denning, Buzen, "The operational analysis of queueing network models", ACM
/// Computing Surveys 10(3), 1978.
///
/// `None` where there are fewer blocks than coefficients, or behaviours that were never executed.
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
    } = fit_demand(blocks, behaviours.len(), processor, scale)?;
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

/// Use of a resource at given completed rates, with its 90 % interval: parameters, and the block's own
/// deviation. Stored data are as in the first step.
#[must_use]
pub fn predict(model: &ResourceModel, rates: &BTreeMap<String, f64>) -> Estimate {
    predict_stored(model, rates, None)
}

/// The same with `stored` items in the target.
#[must_use]
pub fn predict_stored(model: &ResourceModel, rates: &BTreeMap<String, f64>, stored: Option<f64>) -> Estimate {
    let rate = |name: &String| rates.get(name).copied().unwrap_or(0.0);
    let grown = model.size_dependence.as_ref().map(|size| {
        (
            size,
            stored.map_or(0.0, |stored| size.shape.growth(stored, size.reference)),
        )
    });
    let growth: f64 = grown
        .iter()
        .flat_map(|(size, by)| {
            size.growth
                .iter()
                .map(move |(name, growth)| rate(name) * growth.value * by)
        })
        .sum();
    let busy: f64 = model
        .demand
        .iter()
        .map(|(name, demand)| rate(name) * demand.value)
        .sum::<f64>()
        + growth;
    let law = LoadLaw::of(model);
    let capacity = model.capacity.unwrap_or(f64::INFINITY);
    let value = law.used(model.idle.value, busy, capacity);
    let factor = law.factor(value / capacity);
    let mut weights: Vec<f64> = std::iter::once(1.0)
        .chain(model.demand.keys().map(|name| factor * rate(name)))
        .collect();
    if model.load_dependence.is_some() {
        weights.push((law.shape.driver(value / capacity) - law.mean) * busy);
    }
    weights.extend(
        grown
            .iter()
            .flat_map(|(size, by)| size.growth.keys().map(move |name| factor * rate(name) * by)),
    );
    let parameters: f64 = weights
        .iter()
        .enumerate()
        .map(|(row, a)| {
            weights
                .iter()
                .enumerate()
                .map(|(column, b)| a * b * model.covariance[row][column])
                .sum::<f64>()
        })
        .sum();
    let error = (parameters.max(0.0) + (model.between_steps * value).powi(2)).sqrt();
    let t = upper_t(model.degrees_of_freedom);
    Estimate {
        value,
        standard_error: error,
        low: (value - t * error).max(0.0),
        high: value + t * error,
    }
}
