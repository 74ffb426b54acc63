//! Whether the next steps are one choice or several.

use nest_data::projection::{Action, Lever};

use super::{NextStep, subject::Subject};
use crate::words;

/// Whether a step replaces another, and where the limit is set once the set-up is another one; empty for a
/// single step.
pub(super) fn together(subject: &Subject, steps: &[NextStep]) -> String {
    if steps.len() < 2 {
        return String::new();
    }
    let alone = "each figure is for that step alone.";
    match lever_and_move(subject) {
        None => format!("No step replaces another; {alone}"),
        Some((pulled, to)) => match same_lever(subject, pulled, to) {
            Some(lever) => format!(
                "No step replaces another; {alone} After the move, the same limit is set by `{}`.",
                words::clean(&lever.key)
            ),
            None if shares_limit(subject, to) => format!("No step replaces another; {alone}"),
            None => format!(
                "Moving to {} makes the step about the limit of {} needless; {alone}",
                words::name(to),
                words::name(&pulled.config)
            ),
        },
    }
}

/// The lever that is to be moved and the set-up to move to, where both are next steps.
fn lever_and_move<'p>(subject: &Subject<'p>) -> Option<(&'p Lever, &'p str)> {
    let projection = subject.projection;
    let pulled = projection.actions.iter().find_map(|action| match action {
        Action::PullLever { lever, .. } => projection.levers.get(*lever),
        _ => None,
    })?;
    let to = projection.actions.iter().find_map(|action| match action {
        Action::Switch { to, .. } => Some(to.as_str()),
        _ => None,
    })?;
    Some((pulled, to))
}

/// Whether another set-up meets the limit of the base.
fn shares_limit(subject: &Subject, to: &str) -> bool {
    subject
        .others()
        .any(|total| total.config == to && total.shared_limit.is_some())
}

/// The lever of the same limit in another set-up.
fn same_lever<'p>(subject: &Subject<'p>, pulled: &Lever, to: &str) -> Option<&'p Lever> {
    let same = (pulled.kind, &pulled.cause, pulled.setting);
    let mut levers = subject.projection.levers.iter();
    levers.find(|lever| lever.config == to && (lever.kind, &lever.cause, lever.setting) == same)
}
