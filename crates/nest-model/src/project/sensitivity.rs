//! How the headline's cost moves with each of its inputs, one at a time.

use nest_data::projection::Sensitivity;

use crate::{
    project::inputs::ReadyInputs,
    project::{Context, DrawnConfig},
};

/// How far the busiest minute is moved: ◇ assumed, a fifth either way.
const BURST: [f64; 2] = [0.8, 1.2];
/// How far the reserve is moved, in share of capacity.
const RESERVE: f64 = 0.1;

/// Every input with the cost of 1,000 customers at both ends of its range; the widest first.
pub fn sensitivity(context: &Context<'_>, drawn: &DrawnConfig<'_>, customers: f64) -> Vec<Sensitivity> {
    let priced = &drawn.priced;
    let cost = |inputs: ReadyInputs| {
        let inputs = inputs.ready(priced);
        priced.cost(customers, &inputs) / customers * 1e3
    };
    let mut found = Vec::new();
    let mut add = |input: String, range: [f64; 2], assumed: bool, at: &dyn Fn(f64) -> ReadyInputs| {
        found.push(Sensitivity {
            input,
            range,
            per_1000: range.map(|value| cost(at(value))),
            assumed,
        });
    };
    for (index, placed) in priced.placed.iter().enumerate() {
        let resource = context
            .model
            .resources
            .iter()
            .find(|resource| resource.name == format!("{}/cpu", placed.placement.tier));
        for (behaviour, name) in priced
            .behaviours
            .iter()
            .enumerate()
            .filter(|(behaviour, _)| placed.carries[*behaviour])
        {
            let Some(demand) = resource.and_then(|resource| resource.demand.get(name)) else {
                continue;
            };
            add(
                format!("{} of {name}, s", placed.label),
                [demand.low.max(0.0), demand.high],
                false,
                &|value| {
                    let mut inputs = drawn.central.clone();
                    inputs.placed[index].cpu_s[behaviour] = value;
                    inputs
                },
            );
        }
        let (range, assumed) = placed.speed();
        add(
            format!("speed of {}", placed.shape(false)),
            range,
            assumed,
            &|value| {
                let mut inputs = drawn.central.clone();
                inputs.placed[index].speed = value;
                inputs
            },
        );
        if priced.sizing(index, &drawn.central).is_some() {
            let target = 1.0 - placed.placement.reserve();
            let range = [
                (1.0 - target - RESERVE).max(0.0),
                (1.0 - target + RESERVE).min(0.95),
            ];
            add(format!("reserve of {}", placed.label), range, true, &|value| {
                let mut inputs = drawn.central.clone();
                // The policy's reserve moves, whether or not an objective asks for more.
                inputs.placed[index].most_utilisation =
                    inputs.placed[index].most_utilisation.min(1.0 - value);
                inputs.placed[index].reserve = value;
                inputs
            });
        }
    }
    let burst = priced.study.customers.burst;
    add(
        "burst of the busiest minute".to_owned(),
        BURST.map(|factor| (factor * burst).max(1.0)),
        true,
        &|value| {
            let mut inputs = drawn.central.clone();
            inputs.busier = value / burst;
            inputs
        },
    );
    for (name, parameter) in &context.study.parameters {
        let Some(range) = parameter.range() else { continue };
        let at = |value: f64| {
            let mut set = drawn.set.clone();
            set.insert(name.clone(), value);
            let there = DrawnConfig::central_only(context, priced.name, &set).ok()?;
            Some(there.priced.cost(customers, &there.central) / customers * 1e3)
        };
        // A wide range may leave what a formula is defined for: there is no cost there.
        if let (Some(low), Some(high)) = (at(range[0]), at(range[1])) {
            found.push(Sensitivity {
                input: format!("parameter {name}"),
                range,
                per_1000: [low, high],
                assumed: true,
            });
        }
    }
    found.sort_by(|a, b| {
        (b.per_1000[1] - b.per_1000[0])
            .abs()
            .total_cmp(&(a.per_1000[1] - a.per_1000[0]).abs())
    });
    found
}
