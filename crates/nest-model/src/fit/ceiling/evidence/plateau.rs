//! Plateaus: what steps completed that could not keep up, and how sure it is that no measured resource was
//! the reason.

use nest_data::{
    ScalingModel,
    measurement::{Step, Validity, Window},
    scaling::BottleneckEvidence,
};
use statrs::function::erf::erfc;

use super::FoundCeiling;
use crate::fit::{
    flows,
    hidden_bottleneck::{BottleneckFinding, BottleneckPoint, Passing},
};

/// Share of a measured capacity up to which a resource that was seen has room left. Chosen by hand: demand
/// and capacity are each known to a few per cent, so that a tenth is more than error.
const ROOM: f64 = 0.9;
/// Probability of room from which on a plateau is taken for a limit at all: it is then as likely as not.
pub(super) const LIKELY: f64 = 0.5;
/// Standard deviations of a Poisson count by which a step falls short of its load, so that it is no chance:
/// one step in 700.
const DEVIATIONS: f64 = 3.0;
/// Share of the executions by which it falls short at least, as in the verdict on a step: what is in progress
/// at both edges of the windows is not missing.
const SHORTFALL: f64 = 0.03;
/// Relative standard deviation of a plateau between blocks. Chosen by hand, a little above the deviation of
/// demand between blocks ([`PRIOR_BETWEEN_BLOCKS`](crate::fit::mixed_effects::PRIOR_BETWEEN_BLOCKS)), because
/// a plateau is often seen in one step only.
const PLATEAU_ERROR: f64 = 0.03;
/// Second moment of a service time over the square of its mean: 2 for exponential times.
const SECOND_MOMENT: f64 = 2.0;
/// Points that stand for the normal distribution of a plateau, and how many standard deviations the outermost
/// lie from its centre: 98.8 % of it lies between them. Chosen by hand.
const POINTS: usize = 9;
const FARTHEST_POINT: f64 = 2.5;

/// The most that a step completed which could not keep up, if no measured resource was the reason.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plateau {
    pub(super) passing: Passing,
    /// Executions per second.
    pub(super) per_s: f64,
    /// Relative standard deviation of the work that came.
    pub(super) deviation: f64,
    /// Probability that every measured resource had room.
    pub(super) probability: f64,
}

/// The work that came in a step, and whether the measured resources had room for it.
pub(super) struct WorkInStep {
    /// Relative standard deviation of the work at the resource whose work is least certain.
    pub(super) deviation: f64,
    /// Probability that every measured resource had room, whatever chance made of the numbers of executions.
    pub(super) room: f64,
}

impl WorkInStep {
    /// # Formula
    /// The work of Poisson numbers n_j of executions with demands D_j is a compound Poisson sum: its variance
    /// is `sum n_j E[D_j^2]`, with exponential demands `2 sum n_j D_j^2`. A few executions of a heavy
    /// behaviour make most of it, and with it queues that a mean utilisation does not show.
    ///
    /// Source: Ross, "Introduction to Probability Models", section 5.4.2 (compound Poisson processes).
    pub(super) fn new(model: &ScalingModel, step: &Step) -> Self {
        let seconds: f64 = step.windows.iter().map(|window| window.duration_s).sum();
        let completed = |name: &String| -> u64 {
            step.windows
                .iter()
                .filter_map(|window| window.completed.get(name))
                .sum()
        };
        let mut of_step = Self {
            deviation: 0.0,
            room: 1.0,
        };
        for (resource, capacity) in flows(&model.resources) {
            let (mut work, mut variance) = (0.0, 0.0);
            for (name, demand) in &resource.demand {
                let executions = completed(name) as f64;
                work += executions * demand.value;
                variance += SECOND_MOMENT * executions * demand.value.powi(2);
            }
            if work <= 0.0 {
                continue;
            }
            let used = Window::used_per_s(&step.windows, &resource.name).unwrap_or(0.0) / capacity;
            let deviation = variance.sqrt() / (capacity * seconds);
            of_step.deviation = of_step.deviation.max(variance.sqrt() / work);
            of_step.room = of_step.room.min(share_below((ROOM - used) / deviation));
        }
        of_step
    }
}

/// Most executions per second of the plain mix in steps that could not keep up; `None` if all kept up.
pub fn plateau_per_s(model: &ScalingModel, steps: &[Step]) -> Option<f64> {
    stuck_on_plain_mix(model, steps)
        .into_iter()
        .map(completed_per_s)
        .reduce(f64::max)
}

/// Steps on the plain mix that could not keep up.
pub(super) fn stuck_on_plain_mix<'a>(model: &ScalingModel, steps: &'a [Step]) -> Vec<&'a Step> {
    let plain = steps.iter().filter(|step| step.plan.customers.is_some());
    plain.filter(|step| is_stuck(model, step)).collect()
}

/// Whether a step could not keep up: it fell short of its load, or a measured resource had no room. One that
/// only stood still for a while, and made up for it, shows no plateau.
pub(super) fn is_stuck(model: &ScalingModel, step: &Step) -> bool {
    step.verdict.validity == Validity::Limited
        && (fell_short(step) || WorkInStep::new(model, step).room < LIKELY)
}

fn fell_short(step: &Step) -> bool {
    let seconds: f64 = step.windows.iter().map(|window| window.duration_s).sum();
    let asked = (step.plan.total_per_s() * seconds).max(step.total().due as f64);
    let missing = asked - completed_per_s(step) * seconds;
    missing > SHORTFALL * asked && missing > DEVIATIONS * asked.sqrt()
}

fn completed_per_s(step: &Step) -> f64 {
    let seconds: f64 = step.windows.iter().map(|window| window.duration_s).sum();
    let completed: u64 = step
        .windows
        .iter()
        .flat_map(|window| window.completed.values())
        .sum();
    if seconds > 0.0 {
        completed as f64 / seconds
    } else {
        0.0
    }
}

/// The plateau of `stuck` steps on the plain mix; `None` if a measured resource was as likely the reason, if
/// it lies where demand allows no more, or if another step kept up with more.
pub(super) fn plain_plateau(
    model: &ScalingModel,
    steps: &[Step],
    stuck: &[&Step],
    ceiling_per_s: f64,
) -> Option<Plateau> {
    let highest = stuck
        .iter()
        .max_by(|a, b| completed_per_s(a).total_cmp(&completed_per_s(b)))?;
    let (per_s, deviation) = (
        completed_per_s(highest),
        WorkInStep::new(model, highest).deviation,
    );
    let room = stuck
        .iter()
        .map(|step| WorkInStep::new(model, step).room)
        .fold(1.0, f64::min);
    let below_demand = share_below((ROOM * ceiling_per_s / per_s - 1.0) / error(deviation));
    let kept_up = steps
        .iter()
        .filter(|step| step.plan.customers.is_some() && step.verdict.validity.is_fitted())
        .map(completed_per_s)
        .fold(0.0, f64::max);
    let plateau = Plateau {
        passing: Passing::All,
        per_s,
        deviation,
        probability: room.min(below_demand),
    };
    let is_beyond = kept_up < per_s * (1.0 + 2.0 * error(deviation));
    (plateau.probability >= LIKELY && is_beyond).then_some(plateau)
}

/// Relative standard deviation of a plateau: between blocks, and of the work that came.
fn error(deviation: f64) -> f64 {
    PLATEAU_ERROR.hypot(deviation)
}

/// A limit at plateaus, each with its error.
pub(super) fn from_plateaus(plateaus: &[Plateau]) -> FoundCeiling {
    let node = |plateau: &Plateau, point: usize| {
        let z = FARTHEST_POINT * (2.0 * point as f64 / (POINTS - 1) as f64 - 1.0);
        BottleneckPoint {
            passing: plateau.passing,
            most_per_s: plateau.per_s * (error(plateau.deviation) * z).exp(),
            servers: 1,
            weight: (-z * z / 2.0).exp(),
        }
    };
    let mut nodes: Vec<BottleneckPoint> = plateaus
        .iter()
        .flat_map(|plateau| (0..POINTS).map(move |point| node(plateau, point)))
        .collect();
    let total: f64 = nodes.iter().map(|node| node.weight).sum();
    nodes.iter_mut().for_each(|node| node.weight /= total);
    FoundCeiling {
        evidence: BottleneckEvidence::Plateau,
        finding: BottleneckFinding {
            probability: plateaus
                .iter()
                .map(|plateau| plateau.probability)
                .fold(0.0, f64::max),
            nodes,
        },
    }
}

/// Share of the standard normal distribution below `z`.
fn share_below(z: f64) -> f64 {
    0.5 * erfc(-z / std::f64::consts::SQRT_2)
}
