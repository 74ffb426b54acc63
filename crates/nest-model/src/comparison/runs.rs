//! Two runs of one study, compared by what one execution of each behaviour uses.

use std::collections::BTreeMap;

use nest_data::{
    Document, Estimate, Measurements, PriceBook, ScalingModel, Study,
    gate_report::LeftOut,
    measurement::Resource,
    runs_report::{ComparedRun, RunDemand, RunsReport},
};

use super::{Contrast, Prior, compared, contrast::t};
use crate::{DemandChange, ModelError, ProjectOptions, fit, project_versions};

/// Degrees of freedom beyond which Student's t is the normal distribution within half a percent; at many more
/// its quantiles are searched for without end.
const MOST_DEGREES: f64 = 200.0;
/// Level of each end of a 90 % interval.
const ONE_SIDED: f64 = 0.05;

/// Compares two runs: the demands of each, fitted by itself, then the cost and the limits of the newer run's
/// study with both.
///
/// The runs were made at different times, so nothing cancels what has drifted between them. Each change has
/// the errors of both fits, and on top the deviation from run to run that `prior` expects of each.
///
/// # Formula
/// `c = ln d_after - ln d_before` with variance `e_before^2 + e_after^2 + 2 s0^2`, where `e` are the relative
/// standard errors of the fits: that of a logarithm is the relative one by the delta method. Student's t with
/// `variance^2 / ((2 s0^2)^2 / nu0)` degrees of freedom, as the fits' errors are known far better than the
/// deviation from run to run.
///
/// Sources: Casella, Berger, "Statistical Inference", second edition, 2002, section 5.5.4; Satterthwaite, "An
/// approximate distribution of estimates of variance components", Biometrics Bulletin 2(6), 1946.
///
/// # Errors
/// [`ModelError::NothingInCommon`] if no behaviour is the same in both; as [`fit()`] if a run cannot be
/// fitted. What keeps cost or limits from being compared is a doubt of the report instead.
pub fn compare_runs(
    before: &Measurements,
    after: &Measurements,
    books: &[PriceBook],
    options: &ProjectOptions,
    prior: Prior,
) -> Result<RunsReport, ModelError> {
    let left_out = left_out(&before.study, &after.study);
    let (old, new) = (fit(before)?, fit(after)?);
    let is_left_out = |behaviour: &str| left_out.iter().any(|one| one.behaviour == behaviour);
    let mut changes = Vec::new();
    let mut demands = Vec::new();
    for resource in compared(&after.resources) {
        let (Some(old), Some(new)) = (demands_on(&old, resource), demands_on(&new, resource)) else {
            continue;
        };
        for (behaviour, after) in new.iter().filter(|(behaviour, _)| !is_left_out(behaviour)) {
            let Some(before) = old.get(behaviour) else {
                continue;
            };
            let Some(change) = contrast(before, after, prior) else {
                continue;
            };
            demands.push(demand(behaviour, resource, *before, *after, &change));
            changes.push(DemandChange {
                behaviour: behaviour.clone(),
                resource: resource.name.clone(),
                change,
                by_size: None,
            });
        }
    }
    if demands.is_empty() {
        return Err(ModelError::NothingInCommon {
            before: before.run.clone(),
            after: after.run.clone(),
        });
    }
    demands.sort_by(|one, other| rank(one).total_cmp(&rank(other)));
    let mut caveats = Vec::new();
    let priced = if left_out.is_empty() {
        project_versions(&old, &changes, &after.study, books, options, None)
    } else {
        caveats.push(
            "cost and limits were not compared, because not all behaviours are in both runs".to_owned(),
        );
        Ok(None)
    };
    let priced = priced.unwrap_or_else(|error| {
        caveats.push(format!("cost and limits were not compared: {error}"));
        None
    });
    let (money, room) = priced.map(|both| (both.money, both.room)).unzip();
    Ok(RunsReport {
        header: RunsReport::header(),
        study: after.study.study.name.clone(),
        before: told(before),
        after: told(after),
        unlike: unlike(before, after),
        deviation: prior.deviation,
        demands,
        money,
        room,
        left_out,
        caveats,
    })
}

fn told(run: &Measurements) -> ComparedRun {
    ComparedRun {
        run: run.run.clone(),
        started_at: run.started_at.clone(),
        study_hash: run.study_hash.clone(),
        machine: run.machine.clone(),
        steps: run.steps.len(),
    }
}

fn demands_on<'m>(model: &'m ScalingModel, resource: &Resource) -> Option<&'m BTreeMap<String, Estimate>> {
    let found = model.resources.iter().find(|one| one.name == resource.name)?;
    Some(&found.demand)
}

/// `None` if one of the runs shows no demand.
fn contrast(before: &Estimate, after: &Estimate, prior: Prior) -> Option<Contrast> {
    let is_there = before.value > 0.0 && after.value > 0.0;
    let relative = |one: &Estimate| one.standard_error / one.value;
    let between = 2.0 * prior.deviation.powi(2);
    let variance = relative(before).powi(2) + relative(after).powi(2) + between;
    is_there.then(|| Contrast {
        mean: (after.value / before.value).ln(),
        standard_error: variance.sqrt(),
        degrees: (prior.degrees * (variance / between).powi(2)).min(MOST_DEGREES),
        blocks: 1,
    })
}

fn demand(
    behaviour: &str,
    resource: &Resource,
    before: Estimate,
    after: Estimate,
    change: &Contrast,
) -> RunDemand {
    let half = t(ONE_SIDED, change.degrees) * change.standard_error;
    let (low, high) = (change.mean - half, change.mean + half);
    RunDemand {
        behaviour: behaviour.to_owned(),
        resource: resource.name.clone(),
        unit: if resource.kind == nest_data::measurement::ResourceKind::Cpu {
            "s"
        } else {
            "bytes"
        }
        .to_owned(),
        before,
        after,
        change: Estimate {
            value: change.mean.exp_m1(),
            standard_error: change.standard_error * change.mean.exp(),
            low: low.exp_m1(),
            high: high.exp_m1(),
        },
        is_clear: low > 0.0 || high < 0.0,
    }
}

/// Clear changes first; within these the largest.
fn rank(one: &RunDemand) -> f64 {
    let size = one.change.value.abs().min(100.0) / 1_000.0;
    if one.is_clear { -size } else { 1.0 - size }
}

/// Behaviours that are not the same work in both studies.
fn left_out(before: &Study, after: &Study) -> Vec<LeftOut> {
    let old = before
        .behaviours
        .iter()
        .filter_map(|(name, one)| match after.behaviours.get(name) {
            None => Some((name, "the newer run does not have it")),
            Some(other) if other != one => Some((name, "changed: it is not the same work in both")),
            Some(_) => None,
        });
    let new = after
        .behaviours
        .keys()
        .filter(|name| !before.behaviours.contains_key(*name))
        .map(|name| (name, "the older run does not have it"));
    old.chain(new)
        .map(|(behaviour, reason)| LeftOut {
            behaviour: behaviour.clone(),
            reason: reason.to_owned(),
        })
        .collect()
}

/// What differs between the runs besides the target.
fn unlike(before: &Measurements, after: &Measurements) -> Vec<String> {
    let mut found = Vec::new();
    let mut differ = |what: &str, old: String, new: String| {
        if old != new {
            found.push(format!("{what}: {old} in the older run, {new} in the newer one"));
        }
    };
    let (old, new) = (&before.machine, &after.machine);
    differ("processor", old.cpu.clone(), new.cpu.clone());
    differ("cores", old.cores.to_string(), new.cores.to_string());
    differ("kernel", old.kernel.clone(), new.kernel.clone());
    differ(
        "target",
        before.study.target.base_url.clone(),
        after.study.target.base_url.clone(),
    );
    differ("stored items", stored(before), stored(after));
    if before.study.rates != after.study.rates || before.study.parameters != after.study.parameters {
        found.push("rates: the two studies do not offer the same mix".to_owned());
    }
    if before.resources != after.resources {
        found.push("resources: the two runs do not read the same ones".to_owned());
    }
    found
}

/// The sizes of stored data at which a run was made.
fn stored(run: &Measurements) -> String {
    let mut sizes: Vec<f64> = run.steps.iter().filter_map(|step| step.plan.stored).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    if sizes.is_empty() {
        return "not stated".to_owned();
    }
    let sizes: Vec<String> = sizes.iter().map(f64::to_string).collect();
    sizes.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demand_that_is_hardly_known_has_a_wide_interval_and_an_end() {
        let one = |standard_error: f64| Estimate {
            value: 2.0,
            standard_error,
            low: 0.0,
            high: 4.0,
        };
        for error in [0.0, 0.02, 0.5, 20.0, 2e6] {
            let change = contrast(&one(error), &one(error), Prior::UNCALIBRATED).expect("there is a demand");
            assert!(change.degrees >= Prior::UNCALIBRATED.degrees && change.degrees <= MOST_DEGREES);
            let half = t(ONE_SIDED, change.degrees) * change.standard_error;
            assert!(
                half > 1.6 * change.standard_error && half < 3.0 * change.standard_error,
                "{half}"
            );
        }
        let none = Estimate {
            value: 0.0,
            ..one(0.1)
        };
        assert!(contrast(&none, &one(0.1), Prior::UNCALIBRATED).is_none());
    }
}
