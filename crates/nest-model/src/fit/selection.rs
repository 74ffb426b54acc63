//! The steps that may be fitted, and the resources that can be full.

use nest_data::{
    measurement::{Purpose, ResourceKind, Step},
    scaling::ResourceModel,
};

/// Steps that may be fitted: valid and suspect ones, but not those that confirm the forecast.
pub(crate) fn usable(steps: &[Step]) -> impl Iterator<Item = &Step> {
    steps
        .iter()
        .filter(|step| step.plan.purpose != Purpose::Confirm && step.verdict.validity.is_fitted())
}

/// Resources with the capacity that they have; not memory, which is a level and no flow.
pub(crate) fn flows(resources: &[ResourceModel]) -> impl Iterator<Item = (&ResourceModel, f64)> {
    resources
        .iter()
        .filter(|resource| resource.kind != ResourceKind::Memory)
        .filter_map(|resource| resource.capacity.map(|capacity| (resource, capacity)))
}
