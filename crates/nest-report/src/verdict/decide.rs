//! The action of the policy that the first sentence is about.

use nest_data::projection::PolicyProjection;

use super::{
    NextStep,
    subject::{Subject, number},
    title::{effect, large_policy, parameter_in_words, told_change},
};
use crate::{format, words};

/// To decide on the policy that moves cost and fees most; `None` if none moves them much.
pub(super) fn decide(subject: &Subject) -> Option<NextStep> {
    let policy = large_policy(subject)?;
    let change = told_change(policy);
    let currency = subject.currency();
    let between = words::between(change, currency);
    let between = if between.is_empty() {
        between
    } else {
        format!("; in 9 cases of 10 {between}")
    };
    Some(NextStep {
        what: format!("{}.", what_to_do(policy, number(change.value.0) < 0.0)),
        why: format!(
            "Policy {} {}{between}. Whether customers stay or leave because of it is not part of this.",
            words::name(&policy.name),
            effect(policy, currency)
        ),
    })
}

/// `Raise the minimum payment from 10 to 20 from March 2027`, or to keep what is if the policy costs more.
fn what_to_do(policy: &PolicyProjection, saves: bool) -> String {
    let from = policy.from.map_or_else(String::new, |date| {
        format!(" from {} on", words::full_month(date))
    });
    match (policy.parameters.as_slice(), saves) {
        ([(parameter, before, after)], true) => {
            let verb = if after > before { "Raise" } else { "Lower" };
            format!(
                "{verb} the {} from {} to {}{from}",
                words::clean(&parameter_in_words(parameter)),
                format::number(*before),
                format::number(*after)
            )
        }
        ([(parameter, before, _)], false) => format!(
            "Keep the {} at {}",
            words::clean(&parameter_in_words(parameter)),
            format::number(*before)
        ),
        (_, true) => format!("Adopt policy {}{from}", words::name(&policy.name)),
        (_, false) => format!("Do not adopt policy {}", words::name(&policy.name)),
    }
}
