//! The use that a fitted resource gives at rates of execution.

use std::collections::BTreeMap;

use nest_data::{Estimate, scaling::ResourceModel};

use crate::{fit::mixed_effects::upper_t, laws::load_law::LoadLaw};

/// Use of a resource at given completed rates, with its 90 % interval: parameters, and the block's own
/// deviation. Stored data are as in the first step.
#[must_use]
pub fn predict(model: &ResourceModel, rates: &BTreeMap<String, f64>) -> Estimate {
    predict_stored(model, rates, None)
}

/// [`predict`] with `stored` items in the target; `None` for as many as in the first step.
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
