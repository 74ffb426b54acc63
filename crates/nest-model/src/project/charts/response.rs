//! The chart of response times on the measured machine.

use nest_data::{
    Study,
    projection::{Axis, Chart, Curve, Scatter},
    scaling::{MeasuredPoint, QuantileLaw, ResourceModel},
};

use super::{
    SHOWN_DRAWS, banded, even_grid, plotted,
    resource_uses::{DrawnUse, ResourceUses},
};
use crate::{
    draws::ParameterDraw,
    project::context::Context,
    response::{HIGHEST_TRUSTED, QueueingDelay, ordered_seconds},
};

/// The quantile that the chart shows.
const SHOWN: f64 = 0.95;

/// The 95 % quantile of each behaviour's response times; `None` without laws of it, or if the resource that
/// they queue for has no capacity.
pub(super) fn response(context: &Context<'_>) -> Option<Chart> {
    let laws: Vec<&QuantileLaw> = context
        .model
        .quantiles
        .iter()
        .filter(|law| law.quantile == SHOWN)
        .collect();
    let queue = BindingQueue::new(context, laws.first()?)?;
    let to = drawn_to(context, queue.saturation);
    let slowest = laws
        .iter()
        .max_by(|a, b| a.a.value.total_cmp(&b.a.value))
        .map_or("", |law| law.behaviour.as_str());
    Some(Chart {
        id: "response".to_owned(),
        title: "How long do customers wait (95 % of requests)?".to_owned(),
        answer: format!(
            "`{slowest}` is slowest without queueing; all rise together as {} fills, drawn up to {:.0} % of \
             saturation: beyond, they are only known to be higher.",
            queue.resource.name,
            to / queue.saturation * 100.0
        ),
        y: Axis::Seconds,
        curves: laws.iter().map(|law| queue.curve(law, to)).collect(),
        measured: laws.iter().map(|law| scatter(context, law)).collect(),
        limits: limits(context.study),
        tested_to: context.model.tested.customers,
        logarithmic: false,
    })
}

/// Customers up to which the curves are drawn: those tested, or those up to which response times are trusted
/// if that is more, but always short of saturation.
fn drawn_to(context: &Context<'_>, saturation: f64) -> f64 {
    context
        .model
        .tested
        .customers
        .max(HIGHEST_TRUSTED * saturation)
        .min(0.98 * saturation)
}

/// The resource that all behaviours queue for, with its use in every draw.
struct BindingQueue<'a> {
    context: &'a Context<'a>,
    resource: &'a ResourceModel,
    capacity: f64,
    saturation: f64, // customers
    uses: ResourceUses,
}

impl<'a> BindingQueue<'a> {
    fn new(context: &'a Context<'a>, law: &QuantileLaw) -> Option<Self> {
        let resource = context
            .model
            .resources
            .iter()
            .find(|resource| resource.name == law.resource)?;
        Some(Self {
            context,
            resource,
            capacity: resource.capacity?,
            saturation: context.model.throughput.as_ref()?.saturation_customers.value,
            uses: ResourceUses::new(context, resource),
        })
    }

    /// Response times of the law's behaviour up to `to` customers.
    fn curve(&self, law: &QuantileLaw, to: f64) -> Curve {
        let delays = delays(self.context, &law.behaviour);
        let point = |customers: f64| {
            let draws = self.context.draws.iter().zip(&self.uses.draws);
            banded(
                customers,
                self.seconds(law, &delays, &self.context.central, &self.uses.central, customers),
                draws
                    .take(SHOWN_DRAWS)
                    .map(|(draw, used)| self.seconds(law, &delays, draw, used, customers))
                    .collect(),
            )
        };
        Curve {
            name: law.behaviour.clone(),
            points: even_grid(to).into_iter().filter_map(point).collect(),
            stepped: false,
        }
    }

    /// Response time in one draw; not a number if no law gives one.
    fn seconds(
        &self,
        law: &QuantileLaw,
        delays: &[(usize, QueueingDelay)],
        draw: &ParameterDraw,
        used: &DrawnUse,
        customers: f64,
    ) -> f64 {
        let utilisation = (self.uses.used(used, customers) / self.capacity).min(0.995);
        let laws: Vec<(&QueueingDelay, (f64, f64))> = delays
            .iter()
            .map(|(index, delay)| (delay, draw.quantiles[*index]))
            .collect();
        ordered_seconds(&laws, law.quantile, utilisation).unwrap_or(f64::NAN)
    }
}

/// Queueing delays of all quantiles of a behaviour, with the position of their laws in the model.
fn delays(context: &Context<'_>, behaviour: &str) -> Vec<(usize, QueueingDelay)> {
    let laws = context.model.quantiles.iter().enumerate();
    laws.filter(|(_, law)| law.behaviour == behaviour)
        .map(|(index, law)| (index, QueueingDelay::new(law, law.servers)))
        .collect()
}

/// What was measured of a law's behaviour.
fn scatter(context: &Context<'_>, law: &QuantileLaw) -> Scatter {
    let point = |point: &MeasuredPoint| {
        let response = point
            .response
            .iter()
            .find(|one| one.behaviour == law.behaviour && one.quantile == SHOWN)?;
        Some([point.customers?, response.seconds])
    };
    Scatter {
        name: law.behaviour.clone(),
        points: plotted(&context.model.points).filter_map(point).collect(),
    }
}

/// Objectives for the quantile that is shown, with their limits in seconds.
fn limits(study: &Study) -> Vec<(String, f64)> {
    let limits = study.slo.iter().flat_map(|(name, slo)| {
        slo.limits()
            .into_iter()
            .filter(|(quantile, _)| *quantile == SHOWN)
            .map(|(_, limit_s)| (name.clone(), limit_s))
    });
    limits.collect()
}
