//! Joint parameter draws of a fit. Each is made again from the seed and its index, whatever else is drawn.

use std::collections::BTreeMap;

use crate::{error::ModelError, laws::load_law::LoadLaw};
use nalgebra::{DMatrix, DVector};
use nest_data::{
    Estimate, ScalingModel,
    scaling::{HiddenBottleneck, ResourceModel, SizeDependence},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};

/// The purpose of a random stream; each purpose and index has a stream of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamPurpose {
    /// Demands and response times of the fit.
    Fit = 1,
    /// Growth of customers.
    Growth = 2,
    /// Parameters of the study.
    Parameters = 3,
    /// Speed of a configuration's processors.
    Speed = 4,
    /// The hidden bottleneck.
    Limit = 5,
    /// Where executions begin to fail.
    Errors = 6,
    /// What a migration costs.
    Migration = 7,
    /// Cold starts of a function host.
    ColdStart = 8,
    /// What executions add to counts.
    Counts = 9,
    /// How two versions of a target differ.
    Versions = 10,
}

/// Standard normal numbers of one purpose and index.
#[derive(Debug, Clone)]
pub struct RandomStream(ChaCha8Rng);

impl RandomStream {
    /// The stream of a purpose in draw `index`.
    #[must_use]
    pub fn new(seed: u64, purpose: StreamPurpose, index: u32) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ ((purpose as u64) << 56));
        random.set_stream(u64::from(index));
        Self(random)
    }

    /// A number from 0 to 1, both excluded.
    pub fn uniform(&mut self) -> f64 {
        (self.0.random::<f64>() + f64::EPSILON / 4.0).min(1.0 - f64::EPSILON)
    }

    /// A standard normal number, by inversion, so that versions of a sampler do not change outputs.
    pub fn normal(&mut self) -> f64 {
        Normal::standard().inverse_cdf(self.uniform())
    }

    /// A number whose central 90 % is `[low, high]`, normal around `centre` on either side.
    pub fn within(&mut self, low: f64, centre: f64, high: f64) -> f64 {
        let z = self.normal() / Z90;
        centre + z * if z < 0.0 { centre - low } else { high - centre }
    }
}

/// 95 % quantile of the standard normal distribution.
pub const Z90: f64 = 1.644_853_626_951_472_7;

/// One joint draw of a fit.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterDraw {
    /// By resource.
    pub resources: BTreeMap<String, ResourceDraw>,
    /// a and b of each quantile law, in the model's order.
    pub quantiles: Vec<(f64, f64)>,
    /// The hidden bottleneck; `None` in a draw without one.
    pub limit: Option<BottleneckDraw>,
    /// Quantile (0-1) of the error onset.
    pub error_position: f64,
    /// What one execution adds to each count, by behaviour and count.
    pub counts: CountAmounts,
}

/// What one execution adds to each count, by behaviour and count; those without counts are missing.
pub type CountAmounts = BTreeMap<String, BTreeMap<String, f64>>;

/// The hidden bottleneck in one draw.
#[derive(Debug, Clone, PartialEq)]
pub struct BottleneckDraw {
    /// The behaviour whose executions pass; `None` if all do.
    pub behaviour: Option<String>,
    /// Executions per second that pass when it is full, above 0.
    pub most_per_s: f64,
}

impl BottleneckDraw {
    /// Customers at which it is full if one customer causes `per_customer` executions per second; infinite if
    /// none pass.
    #[must_use]
    pub fn customers(&self, per_customer: &BTreeMap<String, f64>) -> f64 {
        let passing: f64 = match &self.behaviour {
            Some(behaviour) => per_customer.get(behaviour).copied().unwrap_or(0.0),
            None => per_customer.values().sum(),
        };
        if passing > 0.0 {
            self.most_per_s / passing
        } else {
            f64::INFINITY
        }
    }
}

/// Relative deviation of a limit within its node: nodes of a search lie 4.5 % apart.
const NODE_SPREAD: f64 = 0.013;

/// A limit in draw `index`: there with its probability, at one of its nodes.
#[must_use]
pub fn draw_limit(limit: &HiddenBottleneck, seed: u64, index: u32) -> Option<BottleneckDraw> {
    let mut stream = RandomStream::new(seed, StreamPurpose::Limit, index);
    if stream.uniform() > limit.probability {
        return None;
    }
    let mut left = stream.uniform();
    let node = limit.nodes.iter().find(|node| {
        left -= node.weight;
        left <= 0.0
    });
    let node = node.or(limit.nodes.last())?;
    Some(BottleneckDraw {
        behaviour: node.behaviour.clone(),
        most_per_s: node.most_per_s * (NODE_SPREAD * stream.normal()).exp(),
    })
}

/// One resource in one draw.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceDraw {
    /// Use without load.
    pub idle: f64,
    /// Demand by behaviour, at the mean load of the fitted steps.
    pub demand: BTreeMap<String, f64>,
    /// How demand depends on load.
    pub law: LoadLaw,
    /// Growth of demand with stored data by behaviour, per unit of the model's `size_dependence`; the others
    /// do not grow.
    pub growth: BTreeMap<String, f64>,
}

impl ResourceDraw {
    /// Demand of one execution with `stored` items in the target; `size` is that of the resource's model,
    /// `None` if it does not depend on stored data. Never below 0.
    #[must_use]
    pub fn demand_stored(&self, behaviour: &str, size: Option<&SizeDependence>, stored: f64) -> f64 {
        let growth = self.growth.get(behaviour).copied().unwrap_or(0.0);
        let added = size.map_or(0.0, |size| growth * size.shape.growth(stored, size.reference));
        (self.demand.get(behaviour).copied().unwrap_or(0.0) + added).max(0.0)
    }
}

/// The draw in which every estimate takes its value.
#[must_use]
pub fn point_estimate(model: &ScalingModel) -> ParameterDraw {
    let resource = |resource: &ResourceModel| {
        let demand = resource
            .demand
            .iter()
            .map(|(name, demand)| (name.clone(), demand.value))
            .collect();
        let growth = resource
            .size_dependence
            .iter()
            .flat_map(|size| &size.growth)
            .map(|(name, growth)| (name.clone(), growth.value))
            .collect();
        (
            resource.name.clone(),
            ResourceDraw {
                idle: resource.idle.value,
                demand,
                law: LoadLaw::of(resource),
                growth,
            },
        )
    };
    ParameterDraw {
        resources: model.resources.iter().map(resource).collect(),
        quantiles: model
            .quantiles
            .iter()
            .map(|law| (law.a.value, law.b.value))
            .collect(),
        limit: central_limit(model),
        error_position: 0.5,
        counts: count_amounts(model, |amount| amount.value),
    }
}

/// All draws of a model, in the order of their index.
///
/// # Formula
/// Demands are multivariate t around their estimates: `estimate + L z sqrt(nu / chi^2_nu)`, L the Cholesky
/// factor of the covariance, cut off at 0.
///
/// A draw is joint, so all columns of a resource share one number of degrees of freedom, that of the
/// deviation between blocks. The demand table gives each column its own (Satterthwaite), so that its
/// intervals are a little narrower: at the demo shop t is
/// 1.70 in the table and 1.845 here. `docs/method/uncertainty.md` says why both stand.
///
/// # Errors
/// [`ModelError::DegreesOfFreedom`] if those of a resource are not above 0, as after an edit of the model by
/// hand.
pub fn parameter_draws(model: &ScalingModel) -> Result<Vec<ParameterDraw>, ModelError> {
    let factors: Vec<DMatrix<f64>> = model
        .resources
        .iter()
        .map(|resource| factor(&resource.covariance))
        .collect();
    let chi: Vec<ChiSquared> = model
        .resources
        .iter()
        .map(|resource| {
            let found = resource.degrees_of_freedom;
            ChiSquared::new(found).map_err(|_| ModelError::DegreesOfFreedom {
                resource: resource.name.clone(),
                found,
            })
        })
        .collect::<Result<_, _>>()?;
    Ok((0..model.draws.count)
        .into_par_iter()
        .map(|index| parameter_draw(model, &factors, &chi, index))
        .collect())
}

fn parameter_draw(
    model: &ScalingModel,
    factors: &[DMatrix<f64>],
    chi: &[ChiSquared],
    index: u32,
) -> ParameterDraw {
    let mut stream = RandomStream::new(model.draws.seed, StreamPurpose::Fit, index);
    let mut resources = BTreeMap::new();
    for ((resource, factor), chi) in model.resources.iter().zip(factors).zip(chi) {
        let normals = DVector::from_fn(factor.nrows(), |_, _| stream.normal());
        let stretch = (resource.degrees_of_freedom / chi.inverse_cdf(stream.uniform())).sqrt();
        let deviation = factor * normals * stretch;
        let idle = (resource.idle.value + deviation[0]).max(0.0);
        let demand = resource
            .demand
            .iter()
            .enumerate()
            .map(|(index, (name, demand))| (name.clone(), (demand.value + deviation[index + 1]).max(0.0)))
            .collect();
        let mut law = LoadLaw::of(resource);
        if resource.load_dependence.is_some() {
            law.slope = (law.slope + deviation[resource.demand.len() + 1]).clamp(0.0, 1.0);
        }
        let place = resource.demand.len() + 1 + usize::from(resource.load_dependence.is_some());
        let growth = resource
            .size_dependence
            .iter()
            .flat_map(|size| &size.growth)
            .enumerate();
        let growth = growth
            .map(|(index, (name, growth))| (name.clone(), (growth.value + deviation[place + index]).max(0.0)))
            .collect();
        resources.insert(
            resource.name.clone(),
            ResourceDraw {
                idle,
                demand,
                law,
                growth,
            },
        );
    }
    let mut quantile = |law: &nest_data::scaling::QuantileLaw| {
        let factor = factor(&[
            vec![law.a.standard_error.powi(2), law.covariance_ab],
            vec![law.covariance_ab, law.b.standard_error.powi(2)],
        ]);
        let deviation = factor * DVector::from_fn(2, |_, _| stream.normal());
        (
            (law.a.value + deviation[0]).max(0.0),
            (law.b.value + deviation[1]).max(0.0),
        )
    };
    let quantiles = model.quantiles.iter().map(&mut quantile).collect();
    let error_position = RandomStream::new(model.draws.seed, StreamPurpose::Errors, index).uniform();
    ParameterDraw {
        resources,
        quantiles,
        limit: hidden_bottleneck(model).and_then(|limit| draw_limit(limit, model.draws.seed, index)),
        error_position,
        counts: drawn_counts(model, index),
    }
}

/// Counts in draw `index`, from a stream of their own: no other figure changes with them.
fn drawn_counts(model: &ScalingModel, index: u32) -> CountAmounts {
    let mut stream = RandomStream::new(model.draws.seed, StreamPurpose::Counts, index);
    count_amounts(model, |amount| {
        stream.within(amount.low, amount.value, amount.high).max(0.0)
    })
}

fn count_amounts(model: &ScalingModel, mut amount: impl FnMut(&Estimate) -> f64) -> CountAmounts {
    let counting = model.behaviours.iter().filter(|facts| !facts.counts.is_empty());
    counting
        .map(|facts| {
            let counts = facts.counts.iter();
            let amounts = counts.map(|(count, estimate)| (count.clone(), amount(estimate)));
            (facts.name.clone(), amounts.collect())
        })
        .collect()
}

fn hidden_bottleneck(model: &ScalingModel) -> Option<&HiddenBottleneck> {
    model.throughput.as_ref()?.hidden_bottleneck.as_ref()
}

/// The limit of the point estimate: there if it is likelier than not.
fn central_limit(model: &ScalingModel) -> Option<BottleneckDraw> {
    let limit = hidden_bottleneck(model).filter(|limit| limit.probability >= 0.5)?;
    Some(BottleneckDraw {
        behaviour: limit.behaviour.clone(),
        most_per_s: limit.most_per_s.value,
    })
}

/// Cholesky factor of a covariance; its diagonal if rounding has made it indefinite.
fn factor(covariance: &[Vec<f64>]) -> DMatrix<f64> {
    let size = covariance.len();
    let matrix = DMatrix::from_fn(size, size, |row, column| covariance[row][column]);
    match matrix.clone().cholesky() {
        Some(cholesky) => cholesky.l(),
        None => DMatrix::from_diagonal(&matrix.diagonal().map(|variance| variance.max(0.0).sqrt())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_do_not_depend_on_one_another() {
        let first = |purpose, index| RandomStream::new(7, purpose, index).normal();
        assert_eq!(first(StreamPurpose::Fit, 3), first(StreamPurpose::Fit, 3));
        assert_ne!(first(StreamPurpose::Fit, 3), first(StreamPurpose::Fit, 4));
        assert_ne!(first(StreamPurpose::Fit, 3), first(StreamPurpose::Growth, 3));
    }

    #[test]
    fn a_range_holds_nine_tenths_of_its_draws() {
        let mut draws: Vec<f64> = (0..4_000)
            .map(|index| RandomStream::new(1, StreamPurpose::Speed, index).within(0.8, 1.0, 1.1))
            .collect();
        draws.sort_by(f64::total_cmp);
        let share = |limit: f64| draws.iter().filter(|draw| **draw < limit).count() as f64 / 4_000.0;
        // 5 % expected on either side, with a standard deviation of 0.34 %: four of them
        assert!((share(0.8) - 0.05).abs() < 0.014 && (share(1.1) - 0.95).abs() < 0.014);
    }
}
