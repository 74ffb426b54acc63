//! Limits of a configuration while a dated policy comes into force: those without it until then.

use std::collections::BTreeMap;

use nest_data::study::Policy;
use rayon::prelude::*;

use super::transition::Transition;
use crate::{
    error::ModelError,
    project::break_point::{
        ConfigLimits, LimitDraws, at_first_limit, limit_months, limits_move, limits_with,
    },
    project::config::ReadyInputs,
    project::context::Context,
    project::drawn_config::DrawnConfig,
};

/// The limits of a configuration on its way to a policy, moment by moment; `None` without growth or without a
/// date. `patched` are all parameters with the policy in force.
pub fn dated_limits<'a>(
    context: &Context<'a>,
    policy: &Policy,
    patched: &BTreeMap<String, f64>,
    before: &DrawnConfig<'a>,
    after: &DrawnConfig<'a>,
) -> Result<Option<ConfigLimits>, ModelError> {
    let Some(growth) = context.growth().filter(|_| policy.from.is_some()) else {
        return Ok(None);
    };
    let transition = Transition::new(context.study, growth.model.start().date, policy, patched)?;
    let end = f64::from(growth.model.months());
    let mut moments = limit_months(after, context);
    moments.extend([0.0, end]);
    moments.extend(transition.moments());
    moments.retain(|months| (0.0..=end).contains(months));
    moments.sort_by(f64::total_cmp);
    moments.dedup();
    let moments = moments
        .into_par_iter()
        .map(|months| Ok((months, limits_at(context, transition, months, [before, after])?)))
        .collect::<Result<Vec<_>, ModelError>>()?;
    Ok(Some(ConfigLimits::moving(moments, growth)))
}

/// Limits so many months after the start of growth, on the way between two sets of parameters.
fn limits_at<'a>(
    context: &Context<'a>,
    transition: Transition,
    months: f64,
    ends: [&DrawnConfig<'a>; 2],
) -> Result<Vec<LimitDraws>, ModelError> {
    let [before, after] = ends.map(|drawn| {
        let months = if limits_move(drawn, context) { months } else { 0.0 };
        at_first_limit(drawn, context, months)
    });
    let (before, after) = (before?, after?);
    let before = before.as_ref().unwrap_or(ends[0]);
    let after = after.as_ref().unwrap_or(ends[1]);
    let priced = &before.priced;
    let now = |from: &ReadyInputs, to: &ReadyInputs| transition.inputs_after(from, to, months, priced);
    let draws: Vec<ReadyInputs> = before
        .draws
        .iter()
        .zip(&after.draws)
        .map(|(from, to)| now(from, to))
        .collect();
    Ok(limits_with(
        priced,
        &now(&before.central, &after.central),
        &draws,
        context,
    ))
}
