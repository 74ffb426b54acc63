//! Every way in which a configuration can break, each with the customers at which it does, in one draw.
//!
//! A new kind of limit is one more function called from [`limits`].

use std::sync::Arc;

use nest_data::{measurement::ResourceKind, projection::BreakKind, scaling::QuantileLaw};

use super::{
    budget::budget,
    cause::{Cause, FailurePoint, LeverKey, SearchScope},
    memory::memory,
    served::{customers_at, unsized_customers},
};
use crate::{
    draws::ParameterDraw,
    fit::error_onset::customers_failing,
    project::config::{Host, PricedConfig, ReadyInputs, ScenarioInputs, SizedPlacement, laws_of_objective},
    response::{QueueingDelay, highest_utilisation},
};

/// Steps of a search for a maximum by the golden section, to 1e-8 of the searched range.
const SECTIONS: usize = 40;

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

/// The processors of each placement, once no unit may be added.
fn processors<'a>(priced: &'a PricedConfig<'_>, inputs: &ScenarioInputs, limits: &mut Vec<FailurePoint<'a>>) {
    for (index, placed) in priced.placed.iter().enumerate() {
        let Some(sizing) = priced.sizing(index, inputs) else {
            continue;
        };
        let most = placed.most_units();
        let customers_at = |utilisation: f64| {
            if most.is_finite() {
                sizing.customers_at(most, utilisation)
            } else {
                f64::INFINITY
            }
        };
        let over_reserve = customers_at(1.0 - sizing.reserve);
        let label = &placed.label;
        limits.push(
            FailurePoint::new(BreakKind::OverReserve, Cause::Processor(label), over_reserve)
                .moved_by(LeverKey::max_of(priced, index).or(Some(LeverKey::Reserve(index)))),
        );
        limits.push(
            FailurePoint::new(BreakKind::Saturation, Cause::Processor(label), customers_at(1.0))
                .moved_by(LeverKey::max_of(priced, index)),
        );
    }
}

/// What the configuration leaves as it was measured: every other tier, and the disks of the placed one. It
/// still binds.
fn unsized_resources<'a>(
    priced: &'a PricedConfig<'_>,
    inputs: &ScenarioInputs,
    limits: &mut Vec<FailurePoint<'a>>,
) {
    for (index, unsized_resource) in priced
        .unsized_resources
        .iter()
        .enumerate()
        .filter(|(_, unsized_resource)| unsized_resource.resource.kind != ResourceKind::Memory)
    {
        let customers_at = |utilisation: f64| unsized_customers(priced, inputs, index, utilisation);
        let cause = || Cause::AsMeasured(&unsized_resource.resource.name);
        // One that comes with every unit of a placement is moved by more of them.
        let max = unsized_resource
            .placed
            .and_then(|placed| LeverKey::max_of(priced, placed));
        let over_reserve = customers_at(1.0 - inputs.placed[0].reserve);
        limits.push(
            FailurePoint::new(BreakKind::OverReserve, cause(), over_reserve)
                .moved_by(max.or(Some(LeverKey::Reserve(0)))),
        );
        limits.push(FailurePoint::new(BreakKind::Saturation, cause(), customers_at(1.0)).moved_by(max));
    }
}

/// The hidden bottleneck. It is taken for a limit that all instances share, because it is not known whether
/// each instance has its own.
fn hidden_bottleneck<'a>(
    priced: &'a PricedConfig<'_>,
    scope: &SearchScope<'a>,
    draw: &ParameterDraw,
    inputs: &ScenarioInputs,
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
    limits.push(FailurePoint::new(
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
    let customers = if failing > 0.0 { instances * failing } else { 0.0 };
    let lever = LeverKey::max_of(priced, 0).filter(|_| failing > 0.0);
    limits.push(
        FailurePoint::new(BreakKind::ErrorOnset, Cause::Errors(onset.tolerated), customers).moved_by(lever),
    );
}

/// Functions that may run at once, and how fast their number may grow.
///
/// # Formula
/// Concurrency is `arrival rate x duration` (Little's Law). In the busiest minute it lies `1 - 1 / burst`
/// above its mean in the hour: ◇ assumed is that it comes to that within a minute, six times the ten seconds
/// for which hosts state how much may be added.
///
/// Source: `docs/method/pricing.md`, "Concurrency and quotas".
fn quotas<'a>(priced: &'a PricedConfig<'_>, inputs: &ScenarioInputs, limits: &mut Vec<FailurePoint<'a>>) {
    for (index, placed) in priced.placed.iter().enumerate() {
        let Host::Function(function) = &placed.host else {
            continue;
        };
        let customers_in = |quota: f64, each: f64| if each > 0.0 { quota / each } else { f64::INFINITY };
        let sharing = sharing_quota(priced, index);
        if let Some(quota) = function.concurrency.filter(|_| sharing.first() == Some(&index)) {
            let each = sharing
                .iter()
                .map(|placed| priced.concurrency(*placed, inputs))
                .sum();
            let whose = if sharing.len() == 1 {
                placed.pair.as_str()
            } else {
                ""
            };
            limits.push(FailurePoint::new(
                BreakKind::Quota,
                Cause::Concurrency(quota, whose),
                customers_in(quota, each),
            ));
        }
        if let Some(per_10_s) = function.per_10_s {
            let rise = priced.concurrency(index, inputs) * (1.0 - 1.0 / priced.study.customers.burst);
            limits.push(FailurePoint::new(
                BreakKind::Quota,
                Cause::Growth(per_10_s, &placed.pair),
                customers_in(per_10_s * 6.0, rise),
            ));
        }
    }
}

/// The placements of functions that share the quota of one, itself among them, ascending: a book states how
/// many may run at once in an account and region, a study how many of one placement may.
fn sharing_quota(priced: &PricedConfig<'_>, index: usize) -> Vec<usize> {
    let of = &priced.placed[index];
    if of.placement.concurrency.is_some() {
        return vec![index];
    }
    let shares = |one: &SizedPlacement<'_>| {
        matches!(one.host, Host::Function(_))
            && one.placement.concurrency.is_none()
            && one.book.name() == of.book.name()
    };
    let all = 0..priced.placed.len();
    all.filter(|other| shares(&priced.placed[*other])).collect()
}

/// Objectives of response time, each at the customers at which its quantile comes above its limit.
fn objectives<'a>(
    priced: &'a PricedConfig<'_>,
    scope: &SearchScope<'a>,
    draw: &ParameterDraw,
    inputs: &ScenarioInputs,
    limits: &mut Vec<FailurePoint<'a>>,
) {
    for (position, (name, slo)) in scope.study.slo.iter().enumerate() {
        for (law, limit_s) in laws_of_objective(slo, scope.model) {
            let laws = priced.behaviour_laws(draw, law);
            let customers = objective_customers(priced, inputs, law, &laws, limit_s);
            // One that is missed without load is missed on any number of units.
            let more_units = priced
                .carrying_law(law)
                .filter(|_| customers > 0.0)
                .and_then(|placed| LeverKey::max_of(priced, placed));
            let lever = more_units.unwrap_or(LeverKey::Objective(position, law.quantile));
            limits.push(
                FailurePoint::new(BreakKind::Slo, Cause::Objective { name, law, limit_s }, customers)
                    .moved_by(Some(lever)),
            );
        }
    }
}

fn objective_customers(
    priced: &PricedConfig<'_>,
    inputs: &ScenarioInputs,
    law: &QuantileLaw,
    laws: &[(&QueueingDelay, (f64, f64))],
    limit_s: f64,
) -> f64 {
    match highest_utilisation(laws, law.quantile, limit_s / priced.slowdown(inputs, law)) {
        Some(utilisation) => customers_at(priced, inputs, law, utilisation),
        None => 0.0,
    }
}

/// Where the median response time of the most frequent behaviour begins to grow faster than the work that
/// gets done.
///
/// # Formula
/// The utilisation that maximises `rho / R(rho)`, with R as [`QueueingDelay::seconds`] gives it. (The
/// crossing of the asymptotic bounds of an open load is its saturation, which is a break point of its own.)
///
/// Source: Kleinrock, "Power and deterministic rules of thumb for probabilistic problems in computer
/// communications", ICC 1979.
fn knee<'a>(
    priced: &'a PricedConfig<'_>,
    draw: &ParameterDraw,
    inputs: &ScenarioInputs,
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
    limits.push(FailurePoint::new(BreakKind::Knee, Cause::Waiting(law), customers));
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
}
