//! How the headline's cost moves with each of its inputs, one at a time.

use nest_data::{Estimate, ScalingModel, measurement::ResourceKind, projection::Sensitivity};

use crate::{
    error::ModelError,
    project::config::{ColdStarts, ScenarioInputs, SizedPlacement},
    project::context::Context,
    project::drawn_config::DrawnConfig,
};

/// How far the busiest minute is moved: ◇ assumed, a fifth either way.
const BURST: [f64; 2] = [0.8, 1.2];
/// How far the reserve is moved, in share of capacity: ◇ assumed.
const RESERVE: f64 = 0.1;
/// Largest reserve that is tried, so that a unit still carries something.
const MOST_RESERVE: f64 = 0.95;

/// Every input with the cost of 1,000 customers at both ends of its range; the widest first.
pub fn sensitivity(
    context: &Context<'_>,
    drawn: &DrawnConfig<'_>,
    customers: f64,
) -> Result<Vec<Sensitivity>, ModelError> {
    let moved = Moved { drawn, customers };
    let mut found = Vec::new();
    for (index, placed) in drawn.priced.placed.iter().enumerate() {
        found.extend(demands(&moved, context.model, index, placed));
        found.push(speed(&moved, index, placed));
        found.extend(cold_starts(&moved, index, placed));
        found.extend(reserve(&moved, index, placed));
    }
    found.push(burst(&moved));
    found.extend(parameters(&moved, context)?);
    found.sort_by(|a, b| width(b).total_cmp(&width(a)));
    Ok(found)
}

fn width(one: &Sensitivity) -> f64 {
    (one.per_1000[1] - one.per_1000[0]).abs()
}

/// The point estimate with one of its inputs moved.
struct Moved<'a, 'b> {
    drawn: &'a DrawnConfig<'b>,
    customers: f64,
}

impl Moved<'_, '_> {
    /// Cost of 1,000 customers at both ends of a range, `change` setting the input.
    fn over(
        &self,
        input: String,
        range: [f64; 2],
        assumed: bool,
        change: impl Fn(&mut ScenarioInputs, f64),
    ) -> Sensitivity {
        let priced = &self.drawn.priced;
        let cost = |value: f64| {
            let mut inputs: ScenarioInputs = (*self.drawn.central).clone();
            change(&mut inputs, value);
            priced.cost(self.customers, &inputs.ready(priced)) / self.customers * 1e3
        };
        Sensitivity {
            input,
            range,
            per_1000: range.map(cost),
            assumed,
        }
    }
}

/// The demand of each behaviour that a placement carries.
fn demands<'a>(
    moved: &'a Moved<'_, '_>,
    model: &'a ScalingModel,
    index: usize,
    placed: &'a SizedPlacement<'_>,
) -> impl Iterator<Item = Sensitivity> + 'a {
    let tier = &placed.placement.tier;
    let cpu = model
        .resources
        .iter()
        .find(|resource| resource.kind == ResourceKind::Cpu && resource.tier == *tier);
    let behaviours = moved.drawn.priced.behaviours.iter().enumerate();
    behaviours
        .filter(|(behaviour, _)| placed.carries[*behaviour])
        .filter_map(move |(behaviour, name)| {
            let demand: &Estimate = cpu?.demand.get(name)?;
            let input = format!("{} of {name}, s", placed.label);
            let range = [demand.low.max(0.0), demand.high];
            Some(moved.over(input, range, false, |inputs, value| {
                inputs.placed[index].cpu_s[behaviour] = value;
            }))
        })
}

fn speed(moved: &Moved<'_, '_>, index: usize, placed: &SizedPlacement<'_>) -> Sensitivity {
    let (range, assumed) = placed.speed();
    let input = format!("speed of {}", placed.shape(false));
    moved.over(input, range, assumed, |inputs, value| {
        inputs.placed[index].speed = value;
    })
}

/// Share and time of cold starts, where both are only assumed.
fn cold_starts(moved: &Moved<'_, '_>, index: usize, placed: &SizedPlacement<'_>) -> Vec<Sensitivity> {
    let Some((ColdStarts::Assumed(range), host)) = placed.cold_starts() else {
        return Vec::new();
    };
    let share = moved.over(
        format!(
            "share of requests that meet a cold start on {host}{}",
            placed.pair
        ),
        range.share,
        true,
        |inputs, value| inputs.placed[index].cold_start.share = value,
    );
    let extra = moved.over(
        format!("time of a cold start on {host}{}, ms", placed.pair),
        range.extra_ms,
        true,
        |inputs, value| inputs.placed[index].cold_start.extra_s = value / 1e3,
    );
    vec![share, extra]
}

/// The reserve that policy wants left; `None` for functions.
fn reserve(moved: &Moved<'_, '_>, index: usize, placed: &SizedPlacement<'_>) -> Option<Sensitivity> {
    moved.drawn.priced.sizing(index, &moved.drawn.central)?;
    // 1 - (1 - reserve) is not the reserve to the last digit, and committed reports hold these digits.
    let reserve = 1.0 - (1.0 - placed.placement.reserve());
    let range = [
        (reserve - RESERVE).max(0.0),
        (reserve + RESERVE).min(MOST_RESERVE),
    ];
    let input = format!("reserve of {}", placed.label);
    Some(moved.over(input, range, true, |inputs, value| {
        let used = &mut inputs.placed[index];
        // The policy's reserve moves, whether or not an objective asks for more.
        used.most_utilisation = used.most_utilisation.min(1.0 - value);
        used.reserve = value;
    }))
}

fn burst(moved: &Moved<'_, '_>) -> Sensitivity {
    let burst = moved.drawn.priced.study.customers.burst;
    let range = BURST.map(|factor| (factor * burst).max(1.0));
    moved.over(
        "burst of the busiest minute".to_owned(),
        range,
        true,
        |inputs, value| {
            inputs.busier = value / burst;
        },
    )
}

/// Every parameter of the study with a range.
fn parameters(moved: &Moved<'_, '_>, context: &Context<'_>) -> Result<Vec<Sensitivity>, ModelError> {
    let cost_at = |name: &String, value: f64| {
        let mut set = moved.drawn.set.clone();
        set.insert(name.clone(), value);
        let there = DrawnConfig::central_only(context, moved.drawn.priced.name, &set)?;
        Ok(there.priced.cost(moved.customers, &there.central) / moved.customers * 1e3)
    };
    let ranges = context
        .study
        .parameters
        .iter()
        .filter_map(|(name, parameter)| Some((name, parameter.range()?)));
    let mut found = Vec::new();
    for (name, range) in ranges {
        match (cost_at(name, range[0]), cost_at(name, range[1])) {
            (Ok(low), Ok(high)) => found.push(Sensitivity {
                input: format!("parameter {name}"),
                range,
                per_1000: [low, high],
                assumed: true,
            }),
            // A wide range may leave what a formula is defined for: there is no cost there, and a caveat
            // counts such draws.
            (Err(ModelError::Rates(_)), _) | (_, Err(ModelError::Rates(_))) => {}
            (Err(other), _) | (_, Err(other)) => return Err(other),
        }
    }
    Ok(found)
}
