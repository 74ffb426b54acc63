//! Response times of a configuration: the laws of its processors.

use std::sync::Arc;

use nest_data::{measurement::ResourceName, scaling::QuantileLaw};

use super::{Host, PricedConfig, SizedPlacement, UnsizedResource, inputs::ScenarioInputs};
use crate::{draws::ParameterDraw, response::QueueingDelay};

impl PricedConfig<'_> {
    /// The placement whose processors a law of response times speaks of; `None` if they stay as measured.
    pub fn carrying_law(&self, law: &QuantileLaw) -> Option<usize> {
        carrying_law(&self.placed, &self.unsized_resources, &self.behaviours, law)
    }

    /// All laws of the behaviour of one of them, each with its a and b in a draw.
    pub fn behaviour_laws(
        &self,
        draw: &ParameterDraw,
        law: &QuantileLaw,
    ) -> Vec<(&QueueingDelay, (f64, f64))> {
        let delays = self.delays.iter().map(Arc::as_ref);
        delays
            .zip(draw.quantiles.iter().copied())
            .filter(|(delay, _)| delay.law.behaviour == law.behaviour)
            .collect()
    }

    /// Factor on the times of a law on this configuration.
    pub fn slowdown(&self, inputs: &ScenarioInputs, law: &QuantileLaw) -> f64 {
        self.carrying_law(law).map_or(1.0, |placed| {
            self.placed[placed].slowdown(inputs.placed[placed].speed)
        })
    }
}

/// Servers of the queue that a law of response times speaks of.
pub fn servers(
    placed: &[SizedPlacement<'_>],
    unsized_resources: &[UnsizedResource<'_>],
    behaviours: &[String],
    law: &QuantileLaw,
) -> f64 {
    let position = carrying_law(placed, unsized_resources, behaviours, law);
    match position.map(|position| &placed[position].host) {
        Some(Host::Units(units)) => units.cores,
        _ => law.servers,
    }
}

fn carrying_law(
    placed: &[SizedPlacement<'_>],
    unsized_resources: &[UnsizedResource<'_>],
    behaviours: &[String],
    law: &QuantileLaw,
) -> Option<usize> {
    let behaviour = behaviours.iter().position(|name| *name == law.behaviour)?;
    let stays = |one: &UnsizedResource<'_>| one.resource.name == law.resource && one.counts[behaviour];
    if unsized_resources.iter().any(stays) {
        return None;
    }
    let resource: ResourceName = law.resource.parse().ok()?;
    placed
        .iter()
        .position(|placed| placed.placement.tier == resource.tier && placed.carries[behaviour])
}
