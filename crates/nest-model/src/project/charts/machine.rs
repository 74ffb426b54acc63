//! Charts of the measured machine: how busy it is, how much it completes, and how much memory it holds.

use nest_data::{
    measurement::ResourceKind,
    projection::{Axis, Chart, Curve, Scatter},
    scaling::{MeasuredPoint, ResourceModel},
};
use rayon::prelude::*;

use super::{even_grid, plotted, resource_uses::ResourceUses};
use crate::{
    curve::{self, fit_curve},
    fit::flows,
    project::context::Context,
};

/// Utilisation of each measured resource but memory.
pub(super) fn utilisation(context: &Context<'_>) -> Option<Chart> {
    let flows: Vec<(&ResourceModel, f64)> = flows(&context.model.resources).collect();
    let law = context.model.throughput.as_ref()?;
    let to = context.model.tested.customers.max(law.saturation_customers.value) * 1.25;
    let curve = |(resource, capacity): &(&ResourceModel, f64)| {
        let uses = ResourceUses::new(context, resource);
        let point = |customers: f64| uses.banded(customers, |used| (used / capacity).min(1.0));
        Curve {
            name: resource.name.clone(),
            points: even_grid(to).into_iter().filter_map(point).collect(),
            stepped: false,
        }
    };
    let scatter = |(resource, capacity): &(&ResourceModel, f64)| {
        let points = plotted(&context.model.points)
            .filter_map(|point| Some([point.customers?, point.used.get(&resource.name)? / capacity]));
        Scatter {
            name: resource.name.clone(),
            points: points.collect(),
        }
    };
    Some(Chart {
        id: "utilisation".to_owned(),
        title: "How busy is each resource of the measured machine?".to_owned(),
        answer: format!(
            "{} gives out first, at {:.0} customers on the measured machine.",
            law.binding, law.saturation_customers.value
        ),
        y: Axis::Share,
        curves: flows.iter().map(curve).collect(),
        measured: flows.iter().map(scatter).collect(),
        limits: vec![("saturation".to_owned(), 1.0)],
        tested_to: context.model.tested.customers,
        logarithmic: false,
    })
}

/// Executions completed by so many customers.
pub(super) fn throughput(context: &Context<'_>) -> Option<Chart> {
    let law = context.model.throughput.as_ref()?;
    let to = context.model.tested.customers.max(law.saturation_customers.value) * 1.25;
    let point = |customers: f64| {
        let offered = customers * law.per_customer_per_s;
        let capped = |ceiling: f64| offered.min(ceiling);
        [
            customers,
            capped(law.ceiling_per_s.low),
            capped(law.ceiling_per_s.value),
            capped(law.ceiling_per_s.high),
        ]
    };
    let points =
        plotted(&context.model.points).filter_map(|point| Some([point.customers?, point.completed_per_s]));
    let from_demand = Curve {
        name: "completed".to_owned(),
        points: even_grid(to).into_iter().map(point).collect(),
        stepped: false,
    };
    let second = second_opinion(&context.model.points, to);
    let beside = if second.is_some() {
        " Beside it: what the measured throughputs alone would say, without demand."
    } else {
        ""
    };
    Some(Chart {
        id: "throughput".to_owned(),
        title: "How much work gets done?".to_owned(),
        answer: format!(
            "At most {:.0} executions a second, limited by {}.{beside}",
            law.ceiling_per_s.value, law.binding
        ),
        y: Axis::PerSecond,
        curves: std::iter::once(from_demand).chain(second).collect(),
        measured: vec![Scatter {
            name: "completed".to_owned(),
            points: points.collect(),
        }],
        limits: vec![("ceiling from demand".to_owned(), law.ceiling_per_s.value)],
        tested_to: context.model.tested.customers,
        logarithmic: false,
    })
}

/// The curve of throughput alone up to `to` customers, as `locust-nest curve` would fit it; `None` for
/// fewer than three levels.
fn second_opinion(points: &[MeasuredPoint], to: f64) -> Option<Curve> {
    let observed: Vec<(f64, f64)> = plotted(points)
        .filter_map(|point| Some((point.customers?, point.completed_per_s)))
        .collect();
    let fitted = fit_curve(&observed, curve::LoadAxis::Customers).ok()?;
    let point = |customers: f64| {
        let forecast = fitted.at(customers);
        [customers, forecast.p05, forecast.p50, forecast.p95]
    };
    Some(Curve {
        name: "throughput alone".to_owned(),
        points: even_grid(to).into_par_iter().map(point).collect(),
        stepped: false,
    })
}

/// Resident memory of each tier.
pub(super) fn memory(context: &Context<'_>) -> Option<Chart> {
    let tiers: Vec<&ResourceModel> = context
        .model
        .resources
        .iter()
        .filter(|resource| resource.kind == ResourceKind::Memory)
        .collect();
    let largest = tiers
        .iter()
        .flat_map(|resource| {
            context
                .model
                .points
                .iter()
                .filter_map(|point| point.used.get(&resource.name))
        })
        .copied()
        .fold(0.0, f64::max);
    let curve = |resource: &&ResourceModel| {
        let uses = ResourceUses::new(context, resource);
        let point = |customers: f64| uses.banded(customers, |used| used);
        Curve {
            name: resource.name.clone(),
            points: even_grid(context.model.tested.customers * 1.25)
                .into_iter()
                .filter_map(point)
                .collect(),
            stepped: false,
        }
    };
    let scatter = |resource: &&ResourceModel| {
        let points = plotted(&context.model.points)
            .filter_map(|point| Some([point.customers?, *point.used.get(&resource.name)?]));
        Scatter {
            name: resource.name.clone(),
            points: points.collect(),
        }
    };
    (!tiers.is_empty() && largest > 0.0).then(|| Chart {
        id: "memory".to_owned(),
        title: "How much memory does it hold?".to_owned(),
        answer: format!(
            "Up to {:.0} MB were resident while it was measured.",
            largest / 1e6
        ),
        y: Axis::Bytes,
        curves: tiers.iter().map(curve).collect(),
        measured: tiers.iter().map(scatter).collect(),
        limits: Vec::new(),
        tested_to: context.model.tested.customers,
        logarithmic: false,
    })
}
