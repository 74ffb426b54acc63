//! What the report draws, computed: curves with their bands, measured points, limits.

use nest_data::{
    Estimate,
    measurement::{Purpose, ResourceKind, Validity},
    projection::{Axis, Chart, Curve, Scatter},
    scaling::{MeasuredPoint, QuantileLaw, ResourceModel},
};

use rayon::prelude::*;

use crate::{
    curve::{self, fit_curve},
    draws::ParameterDraw,
    laws::load_law::LoadLaw,
    project::context::Context,
    project::drawn_config::DrawnConfig,
    project::performance::seconds,
    response::{HIGHEST_TRUSTED, QueueingDelay, ordered_seconds},
};

/// Points of a drawn curve.
const POINTS: usize = 60;
/// How far curves reach, as a multiple of the tested customers.
const REACH: f64 = 2.0;
/// Draws that bands rest on: no eye tells more of them apart.
const SHOWN_DRAWS: usize = 2_000;
/// Draws that the bands of charts per configuration rest on.
const FEW: usize = 400;
/// The quantile that response-time charts show.
const SHOWN: f64 = 0.95;

/// All charts of a projection.
pub fn charts(context: &Context<'_>, configs: &[DrawnConfig<'_>]) -> Vec<Chart> {
    let mut charts = Vec::new();
    charts.extend(cost(context, configs));
    charts.extend(performances(context, configs));
    charts.extend(utilisation(context));
    charts.extend(response(context));
    charts.extend(throughput(context));
    charts.extend(memory(context));
    charts
}

/// Customer counts from a twentieth of `to` up to it, evenly or geometrically spaced.
fn grid(to: f64, geometric: bool) -> Vec<f64> {
    let low = to / 20.0;
    (0..POINTS)
        .map(|point| {
            let share = point as f64 / (POINTS - 1) as f64;
            if geometric {
                low * 20_f64.powf(share)
            } else {
                low + (to - low) * share
            }
        })
        .collect()
}

fn cost(context: &Context<'_>, configs: &[DrawnConfig<'_>]) -> Option<Chart> {
    configs.first()?;
    let currency = context.study.study.currency.clone();
    let to = configs_to(context);
    let curve = |drawn: &DrawnConfig<'_>| {
        let at = |customers: f64| {
            let per_1000 = |inputs| drawn.priced.cost(customers, inputs) / customers * 1e3;
            banded(
                customers,
                per_1000(&drawn.central),
                drawn.draws.iter().take(SHOWN_DRAWS).map(per_1000).collect(),
            )
        };
        let points = grid(to, true).into_iter().filter_map(at).collect();
        Curve {
            name: drawn.priced.name.to_owned(),
            points,
            stepped: drawn.priced.counted(&drawn.central).is_some(),
        }
    };
    let curves: Vec<Curve> = configs.par_iter().map(curve).collect();
    // A curve with a line that has no price is a lower bound, and not to be called cheap.
    let priced: Vec<&Curve> = curves
        .iter()
        .zip(configs)
        .filter(|(_, drawn)| drawn.priced.unknown_lines() == 0)
        .map(|(curve, _)| curve)
        .collect();
    let cheapest = |index: usize| {
        priced
            .iter()
            .min_by(|a, b| a.points[index][2].total_cmp(&b.points[index][2]))
            .map_or("", |curve| curve.name.as_str())
    };
    let (small, large) = (cheapest(0), cheapest(POINTS - 1));
    let answer = if let [only] = configs {
        format!("On `{}`, the one configuration of the study.", only.priced.name)
    } else if priced.is_empty() {
        "No configuration has all its prices, so each curve is a lower bound.".to_owned()
    } else if small == large {
        format!("`{small}` costs least per customer over the whole range shown.")
    } else {
        format!("`{small}` costs least for few customers, `{large}` for many.")
    };
    Some(Chart {
        id: "cost-per-1000".to_owned(),
        title: "What do 1,000 customers cost a month?".to_owned(),
        answer,
        y: Axis::Money(currency),
        curves,
        measured: Vec::new(),
        limits: Vec::new(),
        tested_to: context.model.tested.customers,
        logarithmic: true,
    })
}

fn utilisation(context: &Context<'_>) -> Option<Chart> {
    let flows: Vec<(&ResourceModel, f64)> = context
        .model
        .resources
        .iter()
        .filter(|resource| resource.kind != ResourceKind::Memory)
        .filter_map(|resource| resource.capacity.map(|capacity| (resource, capacity)))
        .collect();
    let law = context.model.throughput.as_ref()?;
    let to = context.model.tested.customers.max(law.saturation_customers.value) * 1.25;
    let curve = |(resource, capacity): &(&ResourceModel, f64)| {
        let uses = Uses::new(context, resource);
        let at = |customers: f64| uses.banded(customers, |used| (used / capacity).min(1.0));
        Curve {
            name: resource.name.clone(),
            points: grid(to, false).into_iter().filter_map(at).collect(),
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

fn response(context: &Context<'_>) -> Option<Chart> {
    let laws: Vec<&QuantileLaw> = context
        .model
        .quantiles
        .iter()
        .filter(|law| law.quantile == SHOWN)
        .collect();
    let first = laws.first()?;
    let resource = context
        .model
        .resources
        .iter()
        .find(|resource| resource.name == first.resource)?;
    let capacity = resource.capacity?;
    let saturation = context.model.throughput.as_ref()?.saturation_customers.value;
    let to = context
        .model
        .tested
        .customers
        .max(HIGHEST_TRUSTED * saturation)
        .min(0.98 * saturation);
    let uses = Uses::new(context, resource);
    let curve = |law: &&QuantileLaw| {
        let of_behaviour = context
            .model
            .quantiles
            .iter()
            .enumerate()
            .filter(|(_, one)| one.behaviour == law.behaviour);
        let delays: Vec<(usize, QueueingDelay)> = of_behaviour
            .map(|(index, one)| (index, QueueingDelay::new(one, one.servers)))
            .collect();
        let seconds = |draw: &ParameterDraw, one: &OneUse, customers: f64| {
            let rho = (uses.used(one, customers) / capacity).min(0.995);
            let laws: Vec<(&QueueingDelay, (f64, f64))> = delays
                .iter()
                .map(|(index, rise)| (rise, draw.quantiles[*index]))
                .collect();
            ordered_seconds(&laws, law.quantile, rho).unwrap_or(f64::NAN)
        };
        let at = |customers: f64| {
            let draws = context
                .draws
                .iter()
                .zip(&uses.draws)
                .take(SHOWN_DRAWS)
                .map(|(draw, one)| seconds(draw, one, customers));
            banded(
                customers,
                seconds(&context.central, &uses.central, customers),
                draws.collect(),
            )
        };
        Curve {
            name: law.behaviour.clone(),
            points: grid(to, false).into_iter().filter_map(at).collect(),
            stepped: false,
        }
    };
    let scatter = |law: &&QuantileLaw| {
        let at = |point: &MeasuredPoint| {
            Some([
                point.customers?,
                point
                    .response
                    .iter()
                    .find(|one| one.behaviour == law.behaviour && one.quantile == SHOWN)?
                    .seconds,
            ])
        };
        Scatter {
            name: law.behaviour.clone(),
            points: plotted(&context.model.points).filter_map(at).collect(),
        }
    };
    let limits = context.study.slo.iter().flat_map(|(name, slo)| {
        slo.limits()
            .into_iter()
            .filter(|(quantile, _)| *quantile == SHOWN)
            .map(|(_, limit)| (name.clone(), limit))
            .collect::<Vec<_>>()
    });
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
            first.resource,
            to / saturation * 100.0
        ),
        y: Axis::Seconds,
        curves: laws.iter().map(curve).collect(),
        measured: laws.iter().map(scatter).collect(),
        limits: limits.collect(),
        tested_to: context.model.tested.customers,
        logarithmic: false,
    })
}

fn throughput(context: &Context<'_>) -> Option<Chart> {
    let law = context.model.throughput.as_ref()?;
    let to = context.model.tested.customers.max(law.saturation_customers.value) * 1.25;
    let at = |customers: f64| {
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
        points: grid(to, false).into_iter().map(at).collect(),
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

/// The curve of throughput alone up to `to` customers, as `locust-nest curve` would fit it; none on fewer
/// than three levels.
fn second_opinion(points: &[MeasuredPoint], to: f64) -> Option<Curve> {
    let observed: Vec<(f64, f64)> = plotted(points)
        .filter_map(|point| Some((point.customers?, point.completed_per_s)))
        .collect();
    let fitted = fit_curve(&observed, curve::LoadAxis::Customers).ok()?;
    let at = |customers: f64| {
        let forecast = fitted.at(customers);
        [customers, forecast.p05, forecast.p50, forecast.p95]
    };
    Some(Curve {
        name: "throughput alone".to_owned(),
        points: grid(to, false).into_par_iter().map(at).collect(),
        stepped: false,
    })
}

fn memory(context: &Context<'_>) -> Option<Chart> {
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
        let uses = Uses::new(context, resource);
        let at = |customers: f64| uses.banded(customers, |used| used);
        Curve {
            name: resource.name.clone(),
            points: grid(context.model.tested.customers * 1.25, false)
                .into_iter()
                .filter_map(at)
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

/// Measured steps on the plain mix that say something about the target.
fn plotted(points: &[MeasuredPoint]) -> impl Iterator<Item = &MeasuredPoint> {
    points.iter().filter(|point| {
        point.customers.is_some() && point.purpose != Purpose::Idle && point.validity != Validity::Invalid
    })
}

/// Use of one resource in every draw, on the plain mix of the measured study.
struct Uses {
    capacity: f64,
    central: OneUse,
    draws: Vec<OneUse>,
}

/// Use of a resource in one draw.
struct OneUse {
    idle: f64,
    per_customer: f64,
    law: LoadLaw,
}

impl Uses {
    fn new(context: &Context<'_>, resource: &ResourceModel) -> Self {
        let peak = context.model.study.busiest_minute_per_s();
        let of = |draw: &ParameterDraw| {
            let of = &draw.resources[&resource.name];
            let per_day: f64 = context
                .measured_rates
                .iter()
                .map(|(name, rate)| rate * of.demand.get(name).unwrap_or(&0.0))
                .sum();
            OneUse {
                idle: of.idle,
                per_customer: peak * per_day,
                law: of.law,
            }
        };
        Self {
            capacity: resource.capacity.unwrap_or(f64::INFINITY),
            central: of(&context.central),
            draws: context.draws.iter().map(of).collect(),
        }
    }

    fn used(&self, one: &OneUse, customers: f64) -> f64 {
        one.law
            .used(one.idle, customers * one.per_customer, self.capacity)
    }

    /// A point of a curve: what `shown` makes of the use in every draw.
    fn banded(&self, customers: f64, shown: impl Fn(f64) -> f64) -> Option<[f64; 4]> {
        let at = |one: &OneUse| shown(self.used(one, customers));
        banded(
            customers,
            at(&self.central),
            self.draws.iter().take(SHOWN_DRAWS).map(at).collect(),
        )
    }
}

/// A point of a curve: the point estimate's value with the 90 % interval of the draws; none if no draw is a
/// number there.
fn banded(customers: f64, value: f64, mut draws: Vec<f64>) -> Option<[f64; 4]> {
    let estimate = Estimate::from_draws(value, &mut draws)?;
    Some([customers, estimate.low, value, estimate.high])
}

/// Response time of the most frequent behaviour on each configuration, a chart per quantile: on the units
/// that it runs at each number of customers, and what a function takes.
fn performances(context: &Context<'_>, configs: &[DrawnConfig<'_>]) -> Vec<Chart> {
    if configs.len() < 2 {
        return Vec::new();
    }
    let rate = |law: &QuantileLaw| context.measured_rates.get(&law.behaviour).copied().unwrap_or(0.0);
    let to = configs_to(context);
    let chart = |quantile: f64| {
        let laws = context
            .model
            .quantiles
            .iter()
            .enumerate()
            .filter(|(_, law)| law.quantile == quantile);
        let (index, law) = laws.max_by(|a, b| rate(a.1).total_cmp(&rate(b.1)))?;
        let curve = |drawn: &DrawnConfig<'_>| {
            let points = grid(to, true).into_iter().filter_map(|customers| {
                let seconds = seconds(drawn, context, index, customers, FEW)?;
                Some([customers, seconds.low, seconds.value, seconds.high])
            });
            Curve {
                name: drawn.priced.name.to_owned(),
                points: points.collect(),
                stepped: false,
            }
        };
        let limits = context.study.slo.iter().filter(|(_, slo)| {
            slo.applies_to
                .as_ref()
                .is_none_or(|behaviour| *behaviour == law.behaviour)
        });
        let limits = limits.flat_map(|(name, slo)| {
            slo.limits()
                .into_iter()
                .filter(|limit| limit.0 == quantile)
                .map(|limit| (name.clone(), limit.1))
        });
        let percent = quantile * 100.0;
        Some(Chart {
            id: format!("response-p{percent:.0}"),
            title: format!(
                "How long does {} take on each configuration (p{percent:.0})?",
                law.behaviour
            ),
            answer: "A curve ends where its configuration has no unit left to add.".to_owned(),
            y: Axis::Seconds,
            curves: configs
                .iter()
                .map(curve)
                .filter(|curve| !curve.points.is_empty())
                .collect(),
            measured: Vec::new(),
            limits: limits.collect(),
            tested_to: context.tested_customers(),
            logarithmic: true,
        })
    };
    [0.5, 0.95, 0.99].into_iter().filter_map(chart).collect()
}

/// Customers up to which configurations are drawn: what growth comes to, and twice what was tested.
fn configs_to(context: &Context<'_>) -> f64 {
    let tested = context.tested_customers();
    let end = context.growth.as_ref().map_or(tested, |growth| {
        growth.central.at(f64::from(growth.model.months()))
    });
    end.max(tested * REACH)
}
