//! Signs of a limit beside the measured resources: plateaus of steps that could not keep up (`plateau`), and
//! response times.

mod plateau;

use nest_data::{
    ScalingModel,
    measurement::{Purpose, ResourceKind, ResponseClock, Step, Window},
    scaling::BottleneckEvidence,
};

use crate::{
    error::ModelError,
    fit::hidden_bottleneck::{BottleneckFinding, BottleneckStation, LoadedStep, MeanResponse, Passing, find},
    fit::{flows, usable},
    response::{Hdr, histogram},
};
pub(super) use plateau::plateau_per_s;
use plateau::{LIKELY, Plateau, WorkInStep, from_plateaus, is_stuck, plain_plateau, stuck_on_plain_mix};

/// Mean response time over the least one from which on a behaviour is taken to have waited in line. Chosen by
/// hand: a single server that is two thirds busy triples the time of M/M/1, and at a plateau the line is
/// longer.
const WAITED: f64 = 3.0;
/// Fewest executions of a behaviour in a step whose mean response time is believed. Chosen by hand: of ten
/// exponential times, the mean is known to a third.
const FEWEST_EXECUTIONS: f64 = 10.0;
/// A limit with what tells of it.
pub(super) struct FoundCeiling {
    pub(super) evidence: BottleneckEvidence,
    pub(super) finding: BottleneckFinding,
}

/// Looks for a limit beside the measured resources: in the plateau of the plain mix, otherwise in those of
/// boosted steps, otherwise in response times. `ceiling_per_s` is the most that demand allows of the plain
/// mix. `None` if nothing tells of one, or if a measured resource was seen to bind.
pub(super) fn find_ceiling(
    model: &ScalingModel,
    steps: &[Step],
    behaviours: &[String],
    ceiling_per_s: f64,
) -> Result<Option<FoundCeiling>, ModelError> {
    let stuck = stuck_on_plain_mix(model, steps);
    if !stuck.is_empty() {
        return Ok(
            plain_plateau(model, steps, &stuck, ceiling_per_s).map(|plateau| from_plateaus(&[plateau]))
        );
    }
    let plateaus = boosted_plateaus(model, steps, behaviours)?;
    if plateaus.is_empty() {
        from_responses(model, steps, behaviours)
    } else {
        Ok(Some(from_plateaus(&plateaus)))
    }
}

/// Plateaus of boosted steps that could not keep up although every measured resource had room: who passes the
/// limit, and how many of them a second.
///
/// If the other behaviours waited as well, all pass it; otherwise only the boosted one does. A plateau below
/// what was kept up with elsewhere is no limit.
fn boosted_plateaus(
    model: &ScalingModel,
    steps: &[Step],
    behaviours: &[String],
) -> Result<Vec<Plateau>, ModelError> {
    let light = usable(steps)
        .map(|step| loaded_step(model, step, behaviours))
        .collect::<Result<Vec<_>, _>>()?;
    let stuck = steps
        .iter()
        .filter(|step| step.plan.purpose == Purpose::Boosted && is_stuck(model, step));
    let mut plateaus = Vec::new();
    for step in stuck {
        let work = WorkInStep::new(model, step);
        let boosted = step
            .plan
            .boosted
            .as_ref()
            .and_then(|name| behaviours.iter().position(|behaviour| behaviour == name))
            .filter(|_| work.room >= LIKELY);
        if let Some(boosted) = boosted {
            let found = plateau_beyond(&light, &loaded_step(model, step, behaviours)?, boosted);
            plateaus.extend(found.map(|(passing, per_s)| Plateau {
                passing,
                per_s,
                deviation: work.deviation,
                probability: work.room,
            }));
        }
    }
    Ok(plateaus)
}

/// The plateau of a boosted step that could not keep up; `None` if the `light` steps kept up with more.
fn plateau_beyond(light: &[LoadedStep], stuck: &LoadedStep, boosted: usize) -> Option<(Passing, f64)> {
    let waited = |behaviour: usize| {
        stuck.responses[behaviour]
            .is_some_and(|response| response.mean_s > WAITED * least_mean_s(light, behaviour))
    };
    let all = (0..stuck.rates.len()).any(|behaviour| behaviour != boosted && waited(behaviour));
    let passing = if all { Passing::All } else { Passing::One(boosted) };
    let plateau = passing.rate(&stuck.rates);
    let kept_up = light
        .iter()
        .map(|step| passing.rate(&step.rates))
        .fold(0.0, f64::max);
    (plateau > kept_up).then_some((passing, plateau))
}

/// Least mean response time of a behaviour in seconds; infinite if it has none.
fn least_mean_s(steps: &[LoadedStep], behaviour: usize) -> f64 {
    steps
        .iter()
        .filter_map(|step| step.responses[behaviour])
        .map(|response| response.mean_s)
        .reduce(f64::min)
        .unwrap_or(f64::INFINITY)
}

/// A limit that shows in response times; `None` if too few steps tell.
fn from_responses(
    model: &ScalingModel,
    steps: &[Step],
    behaviours: &[String],
) -> Result<Option<FoundCeiling>, ModelError> {
    let stations: Vec<BottleneckStation> = flows(&model.resources)
        .map(|(resource, capacity)| {
            let (servers, unit) = if resource.kind == ResourceKind::Cpu {
                (capacity, 1.0)
            } else {
                (1.0, capacity)
            };
            BottleneckStation {
                servers,
                demand_s: behaviours
                    .iter()
                    .map(|name| {
                        resource
                            .demand
                            .get(name)
                            .map_or(0.0, |demand| demand.value / unit)
                    })
                    .collect(),
            }
        })
        .collect();
    let mut loaded = Vec::new();
    for step in usable(steps).filter(|step| step.plan.total_per_s() > 0.0) {
        loaded.push(loaded_step(model, step, behaviours)?);
    }
    let finding = find(&loaded, &stations);
    Ok(finding.map(|finding| FoundCeiling {
        evidence: BottleneckEvidence::ResponseTimes,
        finding,
    }))
}

/// Rates, mean response times and utilisations of one step.
fn loaded_step(model: &ScalingModel, step: &Step, behaviours: &[String]) -> Result<LoadedStep, ModelError> {
    let seconds: f64 = step.windows.iter().map(|window| window.duration_s).sum();
    let rate = |name: &String| {
        step.windows
            .iter()
            .filter_map(|window| window.completed.get(name))
            .sum::<u64>() as f64
            / seconds
    };
    let mut responses = Vec::new();
    for name in behaviours {
        let requests = step.requests.get(name).map_or(0, |counts| counts.completed) as f64;
        let executions = step.executions.get(name).map_or(0, |counts| counts.completed) as f64;
        let hdr = histogram(step, name, ResponseClock::Due)?;
        // The requests of an execution follow one another, so that their times add up. Redirects are in the
        // time of the request that they follow.
        let mean_response = |hdr: Hdr| {
            let each = requests * step.timed_share(name) / executions;
            MeanResponse {
                mean_s: hdr.mean_s() * each,
                deviation_s: hdr.deviation_s() * each.sqrt(),
                count: executions,
            }
        };
        responses.push(
            hdr.filter(|_| executions >= FEWEST_EXECUTIONS)
                .map(mean_response)
                .filter(|response| response.mean_s > 0.0),
        );
    }
    let utilisation = flows(&model.resources).map(|(resource, capacity)| {
        Window::used_per_s(&step.windows, &resource.name).map_or(0.0, |used| used / capacity)
    });
    Ok(LoadedStep {
        rates: behaviours.iter().map(rate).collect(),
        responses,
        utilisation: utilisation.collect(),
    })
}
