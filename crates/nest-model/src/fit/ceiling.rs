//! The most that the measured machine can do: from demand, and from a hidden bottleneck if there are signs of
//! one.

mod evidence;

use std::{collections::BTreeMap, f64::consts::SQRT_2};

use nest_data::{
    Caveat, Estimate, ScalingModel,
    measurement::Step,
    scaling::{BottleneckEvidence, BottleneckNode, HiddenBottleneck, ResourceModel, ThroughputLaw},
};

use crate::{
    draws::{ParameterDraw, draw_limit, parameter_draws, point_estimate},
    error::ModelError,
    fit::flows,
    fit::hidden_bottleneck::{BottleneckPoint, Passing},
};
use evidence::{FoundCeiling, find_ceiling, plateau_per_s};

/// Name of the limit that is not among the measured resources.
pub const HIDDEN: &str = "a limit that no probe reads";
/// Probability below which a limit has no say in the forecast. Chosen by hand: all of it would lie in the
/// tail that a 90 % interval leaves out.
const CONSIDERED: f64 = 0.05;
/// Probability from which on a limit is reported: it is then as likely as not.
const REPORTED: f64 = 0.5;
/// Relative standard deviation, beyond what the steps say, of the rate at which a limit is full: a lock is no
/// textbook queue. Three points of each node carry it. Chosen by hand on the demo shop and tested on the same
/// shop, so that it is no independent estimate (`docs/method/hidden-bottleneck.md`).
const MODEL_ERROR: f64 = 0.06;
/// Share of all nodes below which one is left out. Chosen by hand, to keep documents short.
const LEAST_WEIGHT: f64 = 5e-4;
/// The throughput law of a model whose resources are fitted; `None` if nothing that has a capacity is used.
///
/// The forecast is that of demand if a hidden bottleneck is less likely than 5 %, otherwise a mixture of both
/// by that probability; its central value is that of the likelier one.
pub fn throughput_law(
    model: &ScalingModel,
    steps: &[Step],
    behaviours: &[String],
) -> Result<Option<ThroughputLaw>, ModelError> {
    let rates = model
        .study
        .rates_per_day(&model.study.parameter_values())
        .map_err(ModelError::Rates)?;
    let peak = model.study.busiest_minute_per_s();
    let per_customer: BTreeMap<String, f64> = rates
        .into_iter()
        .map(|(name, rate)| (name, rate * peak))
        .collect();
    let total: f64 = per_customer.values().sum();
    let Some((from_demand, binding)) = demand_customers(model, &point_estimate(model), &per_customer) else {
        return Ok(None);
    };
    let of_draw =
        |draw: &ParameterDraw| demand_customers(model, draw, &per_customer).map(|(customers, _)| customers);
    let draws: Vec<Option<f64>> = parameter_draws(model)?.iter().map(of_draw).collect();
    let Some(demand) = Estimate::from_draws(from_demand, &mut draws.iter().copied().flatten().collect())
    else {
        return Ok(None);
    };
    let mut law = ThroughputLaw {
        per_customer_per_s: total,
        ceiling_per_s: times(&demand, total),
        saturation_customers: demand,
        binding,
        plateau_per_s: plateau_per_s(model, steps),
        demand_customers: None,
        hidden_bottleneck: None,
    };
    let found = find_ceiling(model, steps, behaviours, law.ceiling_per_s.value)?;
    if let Some(limit) = found.and_then(|found| before(found, &per_customer, behaviours, from_demand)) {
        join(&mut law, limit, &draws, model.draws.seed, &per_customer);
    }
    Ok(Some(law))
}

/// Customers of the plain mix at which the first resource is full in a draw, and which one.
fn demand_customers(
    model: &ScalingModel,
    draw: &ParameterDraw,
    per_customer: &BTreeMap<String, f64>,
) -> Option<(f64, String)> {
    let full_at = |(resource, capacity): (&ResourceModel, f64)| {
        let drawn = &draw.resources[&resource.name];
        let busy: f64 = per_customer
            .iter()
            .map(|(name, rate)| rate * drawn.demand.get(name).unwrap_or(&0.0))
            .sum();
        (busy > 0.0).then(|| {
            (
                drawn.law.busy_at(drawn.idle, 1.0, capacity) / busy,
                resource.name.clone(),
            )
        })
    };
    flows(&model.resources)
        .filter_map(full_at)
        .min_by(|a, b| a.0.total_cmp(&b.0))
}

/// The part of a finding that binds before the measured resources do, as the document holds it; `None` if
/// that is too unlikely to matter.
fn before(
    found: FoundCeiling,
    per_customer: &BTreeMap<String, f64>,
    behaviours: &[String],
    from_demand: f64,
) -> Option<HiddenBottleneck> {
    let rate = |passing: Passing| match passing {
        Passing::All => per_customer.values().sum::<f64>(),
        Passing::One(index) => per_customer.get(&behaviours[index]).copied().unwrap_or(0.0),
    };
    let customers = |node: &BottleneckPoint| node.most_per_s / rate(node.passing);
    let shows_in_responses = found.evidence == BottleneckEvidence::ResponseTimes;
    let model_error = if shows_in_responses { MODEL_ERROR } else { 0.0 };
    let mut nodes: Vec<BottleneckPoint> = found
        .finding
        .nodes
        .into_iter()
        .flat_map(|node| with_model_error(node, model_error))
        .filter(|node| customers(node) < from_demand)
        .collect();
    let share: f64 = nodes.iter().map(|node| node.weight).sum();
    let probability = found.finding.probability * share;
    if probability < CONSIDERED {
        return None;
    }
    nodes.retain(|node| node.weight > LEAST_WEIGHT * share);
    let kept: f64 = nodes.iter().map(|node| node.weight).sum();
    nodes.iter_mut().for_each(|node| node.weight /= kept);
    let nodes_of_document = nodes.iter().map(|node| BottleneckNode {
        behaviour: name_of(node.passing, behaviours),
        most_per_s: node.most_per_s,
        servers: node.servers,
        weight: node.weight,
    });
    Some(HiddenBottleneck {
        probability,
        customers: weighted(&nodes, customers),
        most_per_s: weighted(&nodes, |node| node.most_per_s),
        behaviour: likeliest_behaviour(&nodes, behaviours),
        hold_s: shows_in_responses
            .then(|| weighted(&nodes, |node| f64::from(node.servers) / node.most_per_s)),
        evidence: found.evidence,
        nodes: nodes_of_document.collect(),
    })
}

/// Three points that stand for a node whose rate has a relative standard deviation of `error`: they have its
/// mean and its variance on the log scale.
fn with_model_error(node: BottleneckPoint, error: f64) -> [BottleneckPoint; 3] {
    [(-SQRT_2, 0.25), (0.0, 0.5), (SQRT_2, 0.25)].map(|(factor, weight)| BottleneckPoint {
        most_per_s: node.most_per_s * (factor * error).exp(),
        weight: node.weight * weight,
        ..node
    })
}

/// The behaviour whose executions pass; `None` if all do.
fn name_of(passing: Passing, behaviours: &[String]) -> Option<String> {
    match passing {
        Passing::All => None,
        Passing::One(index) => Some(behaviours[index].clone()),
    }
}

/// The behaviour that passes the limit as likely as not; `None` if that is no single one.
fn likeliest_behaviour(nodes: &[BottleneckPoint], behaviours: &[String]) -> Option<String> {
    let mut by_behaviour: BTreeMap<Option<String>, f64> = BTreeMap::new();
    nodes.iter().for_each(|node| {
        *by_behaviour.entry(name_of(node.passing, behaviours)).or_default() += node.weight;
    });
    by_behaviour
        .into_iter()
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .filter(|(_, weight)| *weight >= REPORTED)
        .and_then(|(behaviour, _)| behaviour)
}

/// Median and 90 % interval of a quantity over weighted nodes.
fn weighted(nodes: &[BottleneckPoint], quantity: impl Fn(&BottleneckPoint) -> f64) -> Estimate {
    let mut values: Vec<(f64, f64)> = nodes.iter().map(|node| (quantity(node), node.weight)).collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let weighted_quantile = |quantile: f64| {
        let mut below = 0.0;
        let reached = values.iter().find(|(_, weight)| {
            below += weight;
            below >= quantile
        });
        reached.or(values.last()).map_or(0.0, |(value, _)| *value)
    };
    let mean: f64 = values.iter().map(|(value, weight)| value * weight).sum();
    let variance: f64 = values
        .iter()
        .map(|(value, weight)| weight * (value - mean).powi(2))
        .sum();
    Estimate {
        value: weighted_quantile(0.5),
        standard_error: variance.sqrt(),
        low: weighted_quantile(0.05),
        high: weighted_quantile(0.95),
    }
}

/// Gives a limit its say in the forecast; `draws` are the customers at which demand fills the first resource,
/// by draw.
fn join(
    law: &mut ThroughputLaw,
    limit: HiddenBottleneck,
    draws: &[Option<f64>],
    seed: u64,
    per_customer: &BTreeMap<String, f64>,
) {
    let joined = draws.iter().zip(0..).filter_map(|(customers, index)| {
        let drawn =
            draw_limit(&limit, seed, index).map_or(f64::INFINITY, |drawn| drawn.customers(per_customer));
        customers.map(|customers| customers.min(drawn))
    });
    let likelier = limit.probability >= REPORTED;
    let central = if likelier {
        limit.customers.value
    } else {
        law.saturation_customers.value
    };
    law.demand_customers = Some(law.saturation_customers);
    if let Some(customers) = Estimate::from_draws(central, &mut joined.collect()) {
        law.saturation_customers = customers;
        law.ceiling_per_s = times(&customers, law.per_customer_per_s);
    }
    if likelier {
        law.binding = HIDDEN.to_owned();
    }
    law.hidden_bottleneck = Some(limit);
}

fn times(estimate: &Estimate, factor: f64) -> Estimate {
    Estimate {
        value: estimate.value * factor,
        standard_error: estimate.standard_error * factor,
        low: estimate.low * factor,
        high: estimate.high * factor,
    }
}

/// The caveat about a hidden bottleneck, if it is likelier than not.
pub fn caveat(law: &ThroughputLaw) -> Option<Caveat> {
    let limit = law
        .hidden_bottleneck
        .as_ref()
        .filter(|limit| limit.probability >= REPORTED)?;
    Some(match limit.evidence {
        BottleneckEvidence::Plateau => Caveat::HiddenBottleneck {
            ratio: limit.customers.value
                / law
                    .demand_customers
                    .as_ref()
                    .unwrap_or(&law.saturation_customers)
                    .value,
        },
        BottleneckEvidence::ResponseTimes => Caveat::UnmeasuredWait {
            probability: limit.probability,
            customers: limit.customers,
            behaviour: limit.behaviour.clone(),
            hold_s: limit.hold_s.map_or(0.0, |hold| hold.value),
        },
    })
}
