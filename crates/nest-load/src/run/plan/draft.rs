//! The steps of a plan before their place in it is known.

use std::collections::BTreeMap;

use nest_data::{
    Caveat, Study,
    customers::Arrival,
    measure::{Multiples, Order},
    measurement::{Pilot, PlannedStep, Purpose, Resource},
};
use rand::{SeedableRng, seq::SliceRandom};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{
    RampSteps,
    capacity::{active_customers, saturating_rate},
    rate_cap::{RateCap, WireRates},
    step_draft::StepDraft,
};
use crate::error::LoadError;

/// How often a boosted step is run at a further size of stored data, at least.
const FEWEST_AT_A_SIZE: u32 = 2;
/// Least share of its capacity that a boosted behaviour is given beside the base mix, should `boost` be no
/// more than `base`. Our choice: less would drown in the noise of its demand.
const LEAST_BOOST: f64 = 0.05;

/// A draft and its repeat, from 0.
pub type RepeatedDraft = (StepDraft, u32);

/// All steps in the order in which they are run: idle, the loaded steps with their repeats, those that check
/// the forecast, and those at further sizes of stored data; with doubts about those that were lowered to the
/// rate that the study allows. `capacity` is in customers.
pub fn drafts(
    study: &Study,
    pilots: &[Pilot],
    resources: &[Resource],
    capacity: f64,
    ramp: RampSteps,
) -> Result<(Vec<RepeatedDraft>, Vec<Caveat>), LoadError> {
    let measure = &study.measure;
    let ramp_customers = measure
        .customers
        .clone()
        .unwrap_or_else(|| measure.ramp.iter().map(|share| share.get() * capacity).collect());
    let mut loaded = vec![plain(study, Purpose::Base, base_customers(study, capacity))?];
    loaded.extend(boosted(study, &loaded[0].offered_per_s, pilots, resources));
    if ramp == RampSteps::Planned {
        for customers in &ramp_customers {
            loaded.push(plain(study, Purpose::Ramp, *customers)?);
        }
    }
    let cap = RateCap {
        max_rate: measure.max_rate,
        wire: &WireRates::new(study, pilots),
    };
    let is_confirmed = ramp == RampSteps::Planned && measure.confirm.is_some();
    let mut caveats = cap.lower_loaded(&mut loaded, is_confirmed);
    let mut drafts = vec![(idle(study), 0)];
    drafts.extend(in_order(
        &loaded,
        measure.repeats,
        measure.order,
        study.study.seed,
    ));
    if ramp == RampSteps::Planned {
        let ramp = loaded.iter().filter(|draft| draft.purpose == Purpose::Ramp);
        let highest = ramp.filter_map(|draft| draft.customers).fold(0.0, f64::max);
        let multiples = measure.confirm.iter().flat_map(Multiples::numbers);
        let mut confirming = multiples
            .map(|multiple| confirm(study, multiple * highest))
            .collect::<Result<Vec<_>, _>>()?;
        caveats.extend(cap.lower_confirming(&mut confirming));
        drafts.extend(confirming.into_iter().map(|draft| (draft, 0)));
    }
    drafts.extend(at_further_sizes(study, &loaded));
    Ok((drafts, caveats))
}

/// Customers of the base step: its share of the capacity, but no more than the fewest that the study asks for
/// by number. The pilot may expect more than the study is about, and base is to be a low load: as the highest
/// step of all it would be the one by which the others are lowered.
fn base_customers(study: &Study, capacity: f64) -> f64 {
    let asked_for = study.measure.customers.iter().flatten().copied();
    asked_for
        .filter(|customers| *customers > 0.0)
        .fold(study.measure.base.get() * capacity, f64::min)
}

fn idle(study: &Study) -> StepDraft {
    StepDraft {
        purpose: Purpose::Idle,
        boosted: None,
        customers: None,
        offered_per_s: BTreeMap::new(),
        stored: first_size(study),
    }
}

/// A step on the plain mix.
pub fn plain(study: &Study, purpose: Purpose, customers: f64) -> Result<StepDraft, LoadError> {
    Ok(StepDraft {
        purpose,
        boosted: None,
        customers: Some(customers),
        offered_per_s: offered_per_s(study, &study.parameter_values(), customers)?,
        stored: first_size(study),
    })
}

/// A step for each behaviour: the base mix, and so much more of it as brings its busiest processor to
/// `boost`.
fn boosted(
    study: &Study,
    base: &BTreeMap<String, f64>,
    pilots: &[Pilot],
    resources: &[Resource],
) -> Vec<StepDraft> {
    let measure = &study.measure;
    let more = (measure.boost.get() - measure.base.get()).max(LEAST_BOOST);
    let draft = |pilot: &Pilot| {
        let mut offered_per_s = base.clone();
        let added = more * saturating_rate(pilot, resources);
        *offered_per_s.entry(pilot.behaviour.clone()).or_default() += added;
        StepDraft {
            purpose: Purpose::Boosted,
            boosted: Some(pilot.behaviour.clone()),
            customers: None,
            offered_per_s,
            stored: first_size(study),
        }
    };
    let able = pilots
        .iter()
        .filter(|pilot| can_be_boosted(study, &pilot.behaviour));
    able.map(draft).collect()
}

/// Whether a step can have more of a behaviour: users of a closed load do what their `on_start` says once,
/// however often it is to come.
fn can_be_boosted(study: &Study, behaviour: &str) -> bool {
    let tasks = study.locust.as_ref().map(|locust| &locust.behaviours);
    let task = tasks.and_then(|tasks| tasks.get(behaviour));
    let is_start = task.is_some_and(|task| task.name().ends_with(".on_start"));
    !(is_start && study.customers.arrival == Arrival::Closed)
}

/// The boosted steps of behaviours that may depend on stored data, at every size but the first.
///
/// What a demand grows to is not known: between none and as much as the data. The load is that of the first
/// size over the root of the growth of the data, which is fit for both. Growth is a difference between steps,
/// so each is made twice at least.
fn at_further_sizes(study: &Study, loaded: &[StepDraft]) -> Vec<(StepDraft, u32)> {
    let Some(data) = &study.data else {
        return Vec::new();
    };
    let Some((first, further)) = data.sizes.split_first() else {
        return Vec::new();
    };
    let concerned = |draft: &&StepDraft| {
        draft.boosted.as_ref().is_some_and(|boosted| {
            data.behaviours
                .as_ref()
                .is_none_or(|behaviours| behaviours.contains(boosted))
        })
    };
    let mut drafts = Vec::new();
    for size in further {
        let share = (first / size).sqrt();
        for repeat in 0..study.measure.repeats.max(FEWEST_AT_A_SIZE) {
            drafts.extend(loaded.iter().filter(concerned).map(|draft| {
                let offered_per_s = draft
                    .offered_per_s
                    .iter()
                    .map(|(name, rate)| (name.clone(), rate * share))
                    .collect();
                (
                    StepDraft {
                        offered_per_s,
                        stored: Some(*size),
                        ..draft.clone()
                    },
                    repeat,
                )
            }));
        }
    }
    drafts
}

/// Executions per second that so many customers offer in their busiest minute, by behaviour.
pub fn offered_per_s(
    study: &Study,
    parameters: &BTreeMap<String, f64>,
    customers: f64,
) -> Result<BTreeMap<String, f64>, LoadError> {
    let rates = study.rates_per_day(parameters).map_err(|error| LoadError::Plan {
        reason: error.to_string(),
    })?;
    Ok(rates
        .into_iter()
        .map(|(name, rate)| (name, rate * study.busiest_minute_per_s() * customers))
        .collect())
}

/// A step that checks the forecast, on the mix of the policy under which it is to be confirmed, or on the
/// plain one. Customers are a measure of load on the plain mix only.
fn confirm(study: &Study, customers: f64) -> Result<StepDraft, LoadError> {
    let policy = study.measure.confirm_policy.clone();
    let mut parameters = study.parameter_values();
    parameters.extend(
        policy
            .iter()
            .filter_map(|name| study.policies.get(name))
            .flat_map(|policy| policy.set.clone()),
    );
    let offered_per_s = offered_per_s(study, &parameters, customers)?;
    Ok(StepDraft {
        purpose: Purpose::Confirm,
        customers: policy.is_none().then_some(customers),
        boosted: policy,
        offered_per_s,
        stored: first_size(study),
    })
}

/// The size of stored data that most steps run at.
fn first_size(study: &Study) -> Option<f64> {
    study.data.as_ref().and_then(|data| data.sizes.first().copied())
}

/// All repeats of the loaded steps, each with its number.
fn in_order(loaded: &[StepDraft], repeats: u32, order: Order, seed: u64) -> Vec<(StepDraft, u32)> {
    let mut drafts: Vec<(StepDraft, u32)> = (0..repeats.max(1))
        .flat_map(|repeat| loaded.iter().map(move |draft| (draft.clone(), repeat)))
        .collect();
    if order == Order::Shuffled {
        drafts.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
    }
    drafts
}

/// A draft at its place in the plan.
pub fn planned(study: &Study, pilots: &[Pilot], index: usize, repeat: u32, draft: StepDraft) -> PlannedStep {
    let StepDraft {
        purpose,
        boosted,
        customers,
        offered_per_s,
        stored,
    } = draft;
    let seed = study
        .study
        .seed
        .wrapping_mul(1_000_003)
        .wrapping_add(index as u64);
    let arrival = if purpose == Purpose::Idle {
        Arrival::Open
    } else {
        study.customers.arrival
    };
    let active = (arrival == Arrival::Closed).then(|| active_customers(study, pilots, &offered_per_s));
    PlannedStep {
        index,
        purpose,
        boosted,
        customers,
        offered_per_s,
        seed,
        arrival,
        active,
        repeat,
        stored,
        windows: None,
    }
}
