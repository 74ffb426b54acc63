//! Every way in which a configuration can break, each with the customers at which it does, in one draw.
//!
//! A new kind of limit is one more function called from [`limits`].

use std::{fmt, sync::Arc};

use nest_data::{
    ScalingModel,
    measurement::ResourceKind,
    projection::BreakKind,
    scaling::{HiddenBottleneck, QuantileLaw, ResourceModel},
    study::Study,
    units::{DAYS_PER_MONTH, QuotedDecimal, SECONDS_PER_DAY},
};
use rust_decimal::prelude::ToPrimitive;

use crate::{
    draws::ParameterDraw,
    fit::ceiling,
    fit::error_onset::customers_failing,
    project::config::{Host, PricedConfig, UnsizedResource},
    project::inputs::ReadyInputs,
    response::{QueueingDelay, highest_utilisation},
};

/// Share of an instance's memory that the tier can fill: ◇ assumed, the operating system and its page cache need the rest.
const USABLE_MEMORY: f64 = 0.9;
/// Lowest utilisation that an objective may ask for; one that asks for less is missed, whatever is bought.
const LEAST_UTILISATION: f64 = 0.05;
/// Steps of a bisection: more than the digits of a double can tell apart.
const HALVINGS: usize = 60;
/// Steps of a search for a maximum by the golden section, to 1e-8 of the searched range.
const SECTIONS: usize = 40;
/// Factor between customer counts at which a cost that may fall and rise is looked at.
const GRID: f64 = 1.02;

/// A way to fail in one draw.
#[derive(Debug, Clone)]
pub struct FailurePoint<'a> {
    pub kind: BreakKind,
    pub cause: Cause<'a>,
    pub customers: f64, // at which it fails; infinite where it never does
    pub filling: Option<Filling>,
}

/// What time fills whatever the customers do: `per_customer N + per_month t` against the room there is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Filling {
    pub room: f64,         // bytes
    pub per_customer: f64, // bytes
    pub per_month: f64,    // bytes
}

/// What binds, in words.
#[derive(Debug, Clone)]
pub enum Cause<'a> {
    Processor(&'a str), // of a placement
    AsMeasured(&'a str),
    HiddenBottleneck(&'a HiddenBottleneck),
    Errors(f64), // share that is tolerated
    Objective {
        name: &'a str,
        law: &'a QuantileLaw,
        limit_s: f64,
    },
    Concurrency(f64, &'a str),
    Growth(f64, &'a str),
    Waiting(&'a QuantileLaw),
    Memory(&'a str),
    Monthly(QuotedDecimal, &'a str),
    Per1000(QuotedDecimal, &'a str),
}

/// What is asked of the study beside the configuration.
#[derive(Debug, Clone, Copy)]
pub struct SearchScope<'a> {
    pub study: &'a Study,
    pub model: &'a ScalingModel,
    pub from: f64, // customers from which on the cost of one of them is watched
    pub to: f64,   // customers up to which costs are looked at
}

/// Everything that can fail in one draw, always in the same order.
pub fn limits<'a>(
    priced: &'a PricedConfig<'_>,
    scope: &SearchScope<'a>,
    draw: &ParameterDraw,
    inputs: &ReadyInputs,
) -> Vec<FailurePoint<'a>> {
    let mut limits = Vec::with_capacity(16);
    processors(priced, inputs, &mut limits);
    unsized_resources(priced, inputs, &mut limits);
    hidden_bottleneck(priced, scope, draw, inputs, &mut limits);
    errors(priced, scope, draw, &mut limits);
    quotas(priced, inputs, &mut limits);
    objectives(priced, scope, draw, inputs, &mut limits);
    knee(priced, draw, inputs, &mut limits);
    memory(priced, scope, inputs, &mut limits);
    budget(priced, scope, inputs, &mut limits);
    limits
}

fn limit(kind: BreakKind, cause: Cause<'_>, customers: f64) -> FailurePoint<'_> {
    FailurePoint {
        kind,
        cause,
        customers,
        filling: None,
    }
}

/// The processors of each placement, once no unit may be added.
fn processors<'a>(priced: &'a PricedConfig<'_>, inputs: &ReadyInputs, limits: &mut Vec<FailurePoint<'a>>) {
    for (index, placed) in priced.placed.iter().enumerate() {
        let Some(sizing) = priced.sizing(index, inputs) else {
            continue;
        };
        let most = placed.most_units();
        let at = |utilisation: f64| {
            if most.is_finite() {
                sizing.customers_at(most, utilisation)
            } else {
                f64::INFINITY
            }
        };
        limits.push(limit(
            BreakKind::OverReserve,
            Cause::Processor(&placed.label),
            at(1.0 - sizing.reserve),
        ));
        limits.push(limit(
            BreakKind::Saturation,
            Cause::Processor(&placed.label),
            at(1.0),
        ));
    }
}

/// What the configuration leaves as it was measured: every other tier, and the disks of the placed one. It still binds.
fn unsized_resources<'a>(
    priced: &'a PricedConfig<'_>,
    inputs: &ReadyInputs,
    limits: &mut Vec<FailurePoint<'a>>,
) {
    for (index, unsized_resources) in priced
        .unsized_resources
        .iter()
        .enumerate()
        .filter(|(_, unsized_resources)| unsized_resources.resource.kind != ResourceKind::Memory)
    {
        let at = |utilisation: f64| kept_customers(priced, inputs, index, utilisation);
        let cause = || Cause::AsMeasured(&unsized_resources.resource.name);
        limits.push(limit(
            BreakKind::OverReserve,
            cause(),
            at(1.0 - priced.main().placement.reserve()),
        ));
        limits.push(limit(BreakKind::Saturation, cause(), at(1.0)));
    }
}

/// A limit that no probe reads. Whether it comes with every instance is not known, so it is taken for one that they share.
fn hidden_bottleneck<'a>(
    priced: &'a PricedConfig<'_>,
    scope: &SearchScope<'a>,
    draw: &ParameterDraw,
    inputs: &ReadyInputs,
    limits: &mut Vec<FailurePoint<'a>>,
) {
    let Some(found) = scope
        .model
        .throughput
        .as_ref()
        .and_then(|law| law.hidden_bottleneck.as_ref())
    else {
        return;
    };
    let customers = draw.limit.as_ref().map_or(f64::INFINITY, |one| {
        let passing = |index: &usize| {
            one.behaviour
                .as_ref()
                .is_none_or(|behaviour| priced.behaviours[*index] == *behaviour)
        };
        let per_day: f64 = (0..priced.behaviours.len())
            .filter(passing)
            .map(|index| inputs.rates_per_day[index])
            .sum();
        if per_day > 0.0 {
            one.most_per_s / (priced.peak_per_day * per_day)
        } else {
            f64::INFINITY
        }
    });
    limits.push(limit(
        BreakKind::Saturation,
        Cause::HiddenBottleneck(found),
        customers,
    ));
}

/// Failures as they began on the measured machine, for each instance that may be added.
fn errors<'a>(
    priced: &'a PricedConfig<'_>,
    scope: &SearchScope<'a>,
    draw: &ParameterDraw,
    limits: &mut Vec<FailurePoint<'a>>,
) {
    let Some(onset) = scope
        .model
        .error_onset
        .as_ref()
        .filter(|onset| onset.first_failing.is_some())
    else {
        return;
    };
    let failing = customers_failing(onset, onset.tolerated, draw.error_position).unwrap_or(0.0);
    let instances = priced.main().most_units();
    limits.push(limit(
        BreakKind::ErrorOnset,
        Cause::Errors(onset.tolerated),
        if failing > 0.0 { instances * failing } else { 0.0 },
    ));
}

/// Functions that may run at once, and how fast their number may grow.
///
/// # Formula
/// Concurrency is `arrival rate x duration` (Little's Law). In the busiest minute it lies `1 - 1 / burst` above its mean in the hour: ◇ assumed is
/// that it comes to that within a minute, six times the ten seconds for which hosts state how much may be added.
///
/// Source: `reference/pricing.md` R18.
fn quotas<'a>(priced: &'a PricedConfig<'_>, inputs: &ReadyInputs, limits: &mut Vec<FailurePoint<'a>>) {
    for (index, placed) in priced.placed.iter().enumerate() {
        let Host::Function(function) = &placed.host else {
            continue;
        };
        let per_customer = priced.concurrency(index, inputs);
        let at = |quota: f64, each: f64| if each > 0.0 { quota / each } else { f64::INFINITY };
        if let Some(quota) = function.concurrency {
            limits.push(limit(
                BreakKind::Quota,
                Cause::Concurrency(quota, &placed.label),
                at(quota, per_customer),
            ));
        }
        if let Some(per_10_s) = function.per_10_s {
            let rise = per_customer * (1.0 - 1.0 / priced.study.customers.burst);
            limits.push(limit(
                BreakKind::Quota,
                Cause::Growth(per_10_s, &placed.label),
                at(per_10_s * 6.0, rise),
            ));
        }
    }
}

/// Objectives of response time, each where its quantile comes above its limit.
fn objectives<'a>(
    priced: &'a PricedConfig<'_>,
    scope: &SearchScope<'a>,
    draw: &ParameterDraw,
    inputs: &ReadyInputs,
    limits: &mut Vec<FailurePoint<'a>>,
) {
    for (name, slo) in &scope.study.slo {
        for (quantile, limit_s) in slo.limits() {
            for law in &scope.model.quantiles {
                if law.quantile == quantile
                    && slo
                        .applies_to
                        .as_ref()
                        .is_none_or(|behaviour| law.behaviour == *behaviour)
                {
                    let customers =
                        objective_customers(priced, inputs, law, &behaviour_laws(priced, draw, law), limit_s);
                    limits.push(limit(
                        BreakKind::Slo,
                        Cause::Objective { name, law, limit_s },
                        customers,
                    ));
                }
            }
        }
    }
}

/// All laws of the behaviour of one of them, each with its a and b in a draw.
pub fn behaviour_laws<'a>(
    priced: &'a PricedConfig<'_>,
    draw: &ParameterDraw,
    of: &QuantileLaw,
) -> Vec<(&'a QueueingDelay, (f64, f64))> {
    let laws = priced
        .delays
        .iter()
        .map(Arc::as_ref)
        .zip(draw.quantiles.iter().copied());
    laws.filter(|(rise, _)| rise.law.behaviour == of.behaviour)
        .collect()
}

fn objective_customers(
    priced: &PricedConfig<'_>,
    inputs: &ReadyInputs,
    law: &QuantileLaw,
    laws: &[(&QueueingDelay, (f64, f64))],
    limit_s: f64,
) -> f64 {
    match highest_utilisation(laws, law.quantile, limit_s / slowdown(priced, inputs, law)) {
        Some(utilisation) => customers_at(priced, inputs, law, utilisation),
        None => 0.0,
    }
}

/// The utilisation of each placement at which the first objective of its behaviours is missed: more units are bought there.
pub fn meet_objectives(
    priced: &PricedConfig<'_>,
    study: &Study,
    model: &ScalingModel,
    draw: &ParameterDraw,
    inputs: &mut ReadyInputs,
) {
    for slo in study.slo.values() {
        for (quantile, limit_s) in slo.limits() {
            let scope = |law: &&QuantileLaw| {
                law.quantile == quantile
                    && slo
                        .applies_to
                        .as_ref()
                        .is_none_or(|behaviour| law.behaviour == *behaviour)
            };
            for law in model.quantiles.iter().filter(scope) {
                let Some(placed) = priced
                    .carrying_law(law)
                    .filter(|placed| priced.sizing(*placed, inputs).is_some())
                else {
                    continue;
                };
                let most = highest_utilisation(
                    &behaviour_laws(priced, draw, law),
                    quantile,
                    limit_s / slowdown(priced, inputs, law),
                );
                if let Some(most) = most.filter(|most| *most >= LEAST_UTILISATION) {
                    let used = &mut inputs.placed[placed];
                    used.most_utilisation = used.most_utilisation.min(most);
                }
            }
        }
    }
}

/// Factor on the times of a law on this configuration.
pub fn slowdown(priced: &PricedConfig<'_>, inputs: &ReadyInputs, law: &QuantileLaw) -> f64 {
    priced.carrying_law(law).map_or(1.0, |placed| {
        priced.placed[placed].slowdown(inputs.placed[placed].speed)
    })
}

/// Customers at which the resource of a law is at a utilisation: units are added until none is left, so one that the sizing never lets
/// happen is only reached on the last of them. Functions never queue.
fn customers_at(priced: &PricedConfig<'_>, inputs: &ReadyInputs, law: &QuantileLaw, utilisation: f64) -> f64 {
    let Some(placed) = priced.carrying_law(law) else {
        return priced.kept_index(&law.resource).map_or(f64::INFINITY, |index| {
            kept_customers(priced, inputs, index, utilisation)
        });
    };
    let Some(sizing) = priced.sizing(placed, inputs) else {
        return f64::INFINITY;
    };
    let instances = if utilisation >= sizing.target {
        priced.placed[placed].most_units()
    } else {
        f64::from(sizing.least)
    };
    if instances.is_finite() {
        sizing.customers_at(instances, utilisation)
    } else {
        f64::INFINITY
    }
}

/// Customers at which a resource that stays as it was measured is at a utilisation; one of the placed tier comes with every instance.
fn kept_customers(priced: &PricedConfig<'_>, inputs: &ReadyInputs, index: usize, utilisation: f64) -> f64 {
    let (UnsizedResource { capacity, placed, .. }, used) =
        (&priced.unsized_resources[index], &inputs.unsized_resources[index]);
    let per_customer = priced.peak_per_day * inputs.use_per_day(used);
    let instances = placed.map_or(1.0, |placed| priced.placed[placed].most_units());
    match used.law.busy_at(used.idle, utilisation, *capacity) {
        0.0 => 0.0,
        _ if per_customer == 0.0 => f64::INFINITY,
        room => instances * room / per_customer,
    }
}

/// Where the median response time of the most frequent behaviour begins to grow faster than the work that gets done.
///
/// # Formula
/// The utilisation that maximises `rho / R(rho)`, with R as [`QueueingDelay::seconds`] gives it. (The crossing of the asymptotic bounds of an open load is its
/// saturation, which is a break point of its own.)
///
/// Source: Kleinrock, "Power and deterministic rules of thumb for probabilistic problems in computer communications", ICC 1979.
fn knee<'a>(
    priced: &'a PricedConfig<'_>,
    draw: &ParameterDraw,
    inputs: &ReadyInputs,
    limits: &mut Vec<FailurePoint<'a>>,
) {
    let medians = priced
        .delays
        .iter()
        .map(Arc::as_ref)
        .zip(&draw.quantiles)
        .filter(|(rise, _)| rise.law.quantile == 0.5);
    let rate = |law: &QuantileLaw| {
        priced
            .behaviours
            .iter()
            .position(|name| *name == law.behaviour)
            .map_or(0.0, |index| inputs.rates_per_day[index])
    };
    let Some((rise, (a, b))) = medians.max_by(|left, right| rate(&left.0.law).total_cmp(&rate(&right.0.law)))
    else {
        return;
    };
    let (law, power) = (&rise.law, |rho: f64| rho / rise.seconds((*a, *b), rho));
    let customers = if *a > 0.0 && *b > 0.0 {
        customers_at(priced, inputs, law, maximum(power))
    } else {
        f64::INFINITY
    };
    limits.push(limit(BreakKind::Knee, Cause::Waiting(law), customers));
}

/// Where a function with one maximum between 0 and 1 has it.
///
/// Source: Kiefer, "Sequential minimax search for a maximum", Proc. AMS 4(3), 1953.
fn maximum(of: impl Fn(f64) -> f64) -> f64 {
    let golden = (5_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (0.0, 1.0);
    let (mut left, mut right) = (1.0 - golden, golden);
    let (mut at_left, mut at_right) = (of(left), of(right));
    for _ in 0..SECTIONS {
        if at_left < at_right {
            (low, left, at_left) = (left, right, at_right);
            right = low + golden * (high - low);
            at_right = of(right);
        } else {
            (high, right, at_right) = (right, left, at_left);
            left = high - golden * (high - low);
            at_left = of(left);
        }
    }
    (low + high) / 2.0
}

/// Memory: of the instances of the placed tier, and of every other tier where its size is known.
fn memory<'a>(
    priced: &'a PricedConfig<'_>,
    scope: &SearchScope<'a>,
    inputs: &ReadyInputs,
    limits: &mut Vec<FailurePoint<'a>>,
) {
    let resident = |resource: &'a ResourceModel, customers: f64, instances: f64, filling: Filling| {
        let leak = leak_bytes_per_s(priced, scope, inputs, resource, instances);
        let filling = (leak > 0.0).then_some(Filling {
            per_month: leak * DAYS_PER_MONTH * SECONDS_PER_DAY,
            ..filling
        });
        FailurePoint {
            kind: BreakKind::Memory,
            cause: Cause::Memory(&resource.name),
            customers: customers.max(0.0),
            filling,
        }
    };
    for (index, placed) in priced.placed.iter().enumerate() {
        let of_tier =
            scope.model.resources.iter().find(|resource| {
                resource.kind == ResourceKind::Memory && resource.tier == placed.placement.tier
            });
        let (Some(resource), Some(used), Some(sizing), Host::Units(units)) = (
            of_tier,
            &inputs.placed[index].memory,
            priced.sizing(index, inputs),
            &placed.host,
        ) else {
            continue;
        };
        let per_customer = priced.peak_per_day * inputs.use_per_day(used);
        let room = units.memory_bytes * USABLE_MEMORY - used.idle;
        let per_instance = if per_customer > 0.0 {
            room / per_customer
        } else {
            f64::INFINITY
        };
        // Units are added by their processors: the fewest are filled before that, or the last one when there are no more.
        let carried = sizing.customers_at(1.0, sizing.target);
        let instances = if per_instance < carried {
            f64::from(sizing.least)
        } else {
            placed.most_units()
        };
        let customers = if per_instance.is_finite() {
            instances * per_instance
        } else {
            f64::INFINITY
        };
        // A leak fills what a unit leaves that carries all its processors may.
        let left = if per_customer > 0.0 {
            room - per_customer * carried
        } else {
            room
        };
        limits.push(resident(
            resource,
            customers,
            sizing.instances(scope.from),
            Filling {
                room: left,
                per_customer: 0.0,
                per_month: 0.0,
            },
        ));
    }
    for (index, unsized_resources) in priced
        .unsized_resources
        .iter()
        .enumerate()
        .filter(|(_, unsized_resources)| unsized_resources.resource.kind == ResourceKind::Memory)
    {
        let per_customer = priced.peak_per_day * inputs.use_per_day(&inputs.unsized_resources[index]);
        let room = unsized_resources.capacity - inputs.unsized_resources[index].idle;
        let customers = if per_customer > 0.0 {
            room / per_customer
        } else {
            f64::INFINITY
        };
        limits.push(resident(
            unsized_resources.resource,
            customers,
            1.0,
            Filling {
                room,
                per_customer,
                per_month: 0.0,
            },
        ));
    }
}

/// Bytes per second by which the memory of one of `instances` grows for good, with as many customers as today.
fn leak_bytes_per_s(
    priced: &PricedConfig<'_>,
    scope: &SearchScope<'_>,
    inputs: &ReadyInputs,
    resource: &ResourceModel,
    instances: f64,
) -> f64 {
    let Some(leak) = &resource.leak else { return 0.0 };
    let Some(behaviour) = &leak.behaviour else {
        return leak.rate.value;
    };
    let per_day = priced
        .behaviours
        .iter()
        .position(|name| name == behaviour)
        .map_or(0.0, |index| inputs.rates_per_day[index]);
    leak.rate.value * scope.from * per_day / SECONDS_PER_DAY / instances
}

/// What may be paid: a bill never falls as customers come, so it is halved for; the cost of one of them falls and rises with every
/// instance, so it is watched from today's customers on.
fn budget<'a>(
    priced: &'a PricedConfig<'_>,
    scope: &SearchScope<'a>,
    inputs: &ReadyInputs,
    limits: &mut Vec<FailurePoint<'a>>,
) {
    let float = |amount: QuotedDecimal| amount.0.to_f64().unwrap_or(f64::INFINITY);
    let currency = &scope.study.study.currency;
    if let Some(amount) = scope.study.budget.monthly {
        let over =
            |customers: f64| priced.cost(customers, inputs) + priced.fees(customers, inputs) > float(amount);
        let customers = if over(scope.to) {
            least(0.0, scope.to, over)
        } else {
            f64::INFINITY
        };
        limits.push(limit(
            BreakKind::Budget,
            Cause::Monthly(amount, currency),
            customers,
        ));
    }
    if let Some(amount) = scope.study.budget.per_1000 {
        let over = |customers: f64| {
            (priced.cost(customers, inputs) + priced.fees(customers, inputs)) / customers * 1e3
                > float(amount)
        };
        let mut steps = std::iter::successors(Some(scope.from), |customers| {
            (*customers < scope.to).then(|| (customers * GRID).min(scope.to))
        });
        let customers = match steps.find(|customers| over(*customers)) {
            Some(first) if first > scope.from => least((first / GRID).max(scope.from), first, over),
            first => first.unwrap_or(f64::INFINITY),
        };
        limits.push(limit(
            BreakKind::Budget,
            Cause::Per1000(amount, currency),
            customers,
        ));
    }
}

/// Least number between `low`, where `over` does not hold, and `high`, where it does.
fn least(mut low: f64, mut high: f64, over: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        if over(middle) { high = middle } else { low = middle }
    }
    high
}

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Processor(label) => f.write_str(label),
            Self::AsMeasured(name) => write!(f, "{name} as measured"),
            Self::HiddenBottleneck(found) => match &found.behaviour {
                Some(behaviour) => write!(f, "{} ({behaviour})", ceiling::HIDDEN),
                None => f.write_str(ceiling::HIDDEN),
            },
            Self::Errors(share) => write!(f, "more than {} % fail, as measured", share * 100.0),
            Self::Objective { name, law, limit_s } => write!(
                f,
                "{name}: {} p{} over {limit_s} s",
                law.behaviour,
                law.quantile * 100.0
            ),
            Self::Concurrency(quota, label) => {
                write!(f, "{quota:.0} concurrent executions{}", of_pair(label))
            }
            Self::Growth(per_10_s, label) => {
                write!(f, "{per_10_s:.0} more executions every 10 s{}", of_pair(label))
            }
            Self::Waiting(law) => write!(
                f,
                "{}: {} waits longer than more work is worth",
                law.resource, law.behaviour
            ),
            Self::Memory(name) => f.write_str(name),
            Self::Monthly(amount, currency) => write!(f, "{amount} {currency} a month"),
            Self::Per1000(amount, currency) => write!(f, "{amount} {currency} for 1,000 customers a month"),
        }
    }
}

/// The behaviours that a placement is for, where it is not for a whole tier.
fn of_pair(label: &str) -> &str {
    label.find(" of ").map_or("", |start| &label[start..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queueing::relative_wait;

    /// Kleinrock: the power of M/M/1 is greatest at half utilisation.
    #[test]
    fn one_exponential_server_has_its_knee_at_one_half() {
        let rho = maximum(|rho| rho / (1.0 + relative_wait(1.0, rho)));
        assert!((rho - 0.5).abs() < 1e-6, "{rho}");
        let two = maximum(|rho| rho / (1.0 + relative_wait(2.0, rho)));
        // M/M/2: R = 1 / (1 - rho^2), so rho (1 - rho^2) is greatest at 1 / sqrt 3
        assert!((two - 1.0 / 3_f64.sqrt()).abs() < 1e-6, "{two}");
    }

    #[test]
    fn a_stair_is_found_where_it_rises() {
        let stairs = |customers: f64| (customers / 100.0).ceil() > 7.0;
        assert!((least(0.0, 4_000.0, stairs) - 700.0).abs() < 1e-6);
    }
}
