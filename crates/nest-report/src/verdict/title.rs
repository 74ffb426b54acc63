//! The first sentence, by the first rule that fits.

use nest_data::projection::{BreakKind, ConfigTotal, MoneyEstimate, PolicyProjection};

use super::subject::{Subject, number, policy_effect};
use crate::words;

/// Share of cost and fees from which on a policy is what the report is about.
const LARGE_EFFECT: f64 = 0.1;
/// Share of paired cases from which on another configuration is likely cheaper.
const LIKELY: f64 = 0.8;
/// Chance of running out of room from which on the date is the news, and below which there is room.
const PROBABLY: f64 = 0.5;
const HARDLY: f64 = 0.05;
/// Share of paired cases on either side of a half within which nobody can tell which one is cheaper.
const TOO_CLOSE: f64 = 0.1;
/// Part of the fees in a saving from which on it is one of fees.
const MOSTLY: f64 = 0.9;

/// What the first sentence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Theme {
    /// The customers are already too many.
    Over,
    /// What a policy saves.
    Policy,
    /// Whether to move to another configuration.
    Choice,
    /// What it costs, and how long there is room.
    Room,
}

/// The first sentence.
#[derive(Debug)]
pub(super) struct Title {
    /// What it is about.
    pub theme: Theme,
    /// The sentence, without a full stop.
    pub text: String,
}

/// A sentence if the projection calls for it.
type Rule = fn(&Subject) -> Option<String>;

/// The first sentence.
pub(super) fn title(subject: &Subject) -> Title {
    let rules: [(Theme, Rule); 3] = [
        (Theme::Over, over),
        (Theme::Policy, policy),
        (Theme::Choice, choice),
    ];
    rules
        .into_iter()
        .find_map(|(theme, rule)| rule(subject).map(|text| Title { theme, text }))
        .unwrap_or_else(|| Title {
            theme: Theme::Room,
            text: room(subject),
        })
}

fn over(subject: &Subject) -> Option<String> {
    // A budget for 1,000 customers is no room: more of them may cost less each.
    if let Some((point, _)) = subject
        .first_limit()
        .filter(|(point, _)| point.kind == BreakKind::Budget)
        && let Some(from) = point.met_from.filter(|_| subject.is_over())
    {
        return Some(format!(
            "{} customers cost more for each 1,000 than your budget allows; it is met from {} on",
            subject.customers(),
            words::customers(from)
        ));
    }
    subject.is_over().then(|| {
        format!(
            "{} customers are more than {} has room for",
            subject.customers(),
            words::name(&subject.config.name)
        )
    })
}

/// A policy that moves cost and fees by more than a tenth: the one that saves most, otherwise the one that
/// costs most.
pub(super) fn large_policy<'p>(subject: &Subject<'p>) -> Option<&'p PolicyProjection> {
    let policies = subject.projection.policies.iter();
    let large = policies.filter(|policy| policy_effect(policy).abs() > LARGE_EFFECT);
    large.min_by(|a, b| policy_effect(a).total_cmp(&policy_effect(b)))
}

fn policy(subject: &Subject) -> Option<String> {
    let policy = large_policy(subject)?;
    Some(format!(
        "{} {}",
        words::capital(&policy_in_words(policy)),
        effect(policy, subject.currency())
    ))
}

/// What a policy sets: `minimum payment of 20 instead of 10`; its name where it sets several things.
pub(super) fn policy_in_words(policy: &PolicyProjection) -> String {
    match policy.parameters.as_slice() {
        [(parameter, before, after)] => format!(
            "{} of {} instead of {}",
            words::clean(&parameter_in_words(parameter)),
            crate::format::number(*after),
            crate::format::number(*before)
        ),
        _ => format!("policy {}", words::name(&policy.name)),
    }
}

/// The name of a parameter: `minimum payment` for `min_payment`.
pub(super) fn parameter_in_words(parameter: &str) -> String {
    let word = |part| match part {
        "min" => "minimum",
        "max" => "maximum",
        other => other,
    };
    let words: Vec<&str> = parameter.split('_').map(word).collect();
    words.join(" ")
}

/// The change that is told of a policy: that of the fees alone, where nearly all of it is in them; else that
/// of servers and fees.
pub(super) fn told_change(policy: &PolicyProjection) -> &MoneyEstimate {
    let totals = &policy.totals;
    let of_fees = totals
        .fees
        .as_ref()
        .filter(|_| (MOSTLY..=2.0 - MOSTLY).contains(&share_of_fees(policy)));
    of_fees.map_or(&totals.change_with_fees, |[_, _, fees]| fees)
}

/// Share of what a policy changes that is in fees; below 0 or above 1 where servers go the other way.
fn share_of_fees(policy: &PolicyProjection) -> f64 {
    let totals = &policy.totals;
    let fees = totals
        .fees
        .as_ref()
        .map_or(0.0, |[_, _, fees]| number(fees.value.0));
    fees / number(totals.change_with_fees.value.0)
}

/// `saves about $6.5 million in fees over 24 months`.
pub(super) fn effect(policy: &PolicyProjection, currency: &str) -> String {
    let totals = &policy.totals;
    let change = told_change(policy);
    let value = number(change.value.0);
    let share = share_of_fees(policy);
    let of_fees = if (MOSTLY..=2.0 - MOSTLY).contains(&share) {
        " in fees"
    } else {
        ""
    };
    let over = match totals.months {
        1 => "a month".to_owned(),
        12 => "a year".to_owned(),
        months => format!("over {months} months"),
    };
    let size = words::size(change, currency);
    // Fees and servers that go different ways are told apart: their sum is neither.
    let servers = number(totals.change.value.0);
    let parts = match &totals.fees {
        Some([_, _, fee_change]) if !(0.0..=2.0 - MOSTLY).contains(&share) => {
            let part = |change: &MoneyEstimate| {
                let more = if number(change.value.0) < 0.0 {
                    "less"
                } else {
                    "more"
                };
                format!("{} {more}", words::size(change, currency))
            };
            if servers == 0.0 {
                String::new()
            } else {
                format!(
                    ", {} in fees and {} for servers",
                    part(fee_change),
                    part(&totals.change)
                )
            }
        }
        _ => String::new(),
    };
    if value < 0.0 {
        format!("saves {size}{of_fees} {over}{parts}")
    } else {
        format!("costs {size} more{of_fees} {over}{parts}")
    }
}

/// Whether to move, where the study asks that: a configuration has a cost of moving, or another one likely
/// saves more than a tenth.
fn choice(subject: &Subject) -> Option<String> {
    let comparison = subject.comparison()?;
    let moving = moving(subject);
    let of = |name: &String| comparison.totals.iter().find(|total| total.config == *name);
    let (base, best) = (of(&comparison.baseline)?, of(&comparison.recommended)?);
    if comparison.recommended != comparison.baseline {
        let saved = -number(best.change.value.0) / number(base.total.value.0).max(f64::MIN_POSITIVE);
        let likely = best.cheaper_than_baseline >= LIKELY;
        return (likely && saved > 0.0 && (moving.is_some() || saved > LARGE_EFFECT))
            .then(|| move_to(subject, best, comparison.months));
    }
    let moving = moving?;
    let rival = subject
        .others()
        .max_by(|a, b| a.cheaper_than_baseline.total_cmp(&b.cheaper_than_baseline))?;
    let (base, share) = (words::name(&comparison.baseline), rival.cheaper_than_baseline);
    Some(if (share - 0.5).abs() <= TOO_CLOSE {
        format!("{base} or {}: too close to call", words::name(&rival.config))
    } else if share >= LIKELY {
        format!(
            "{} saves money in {}, but something speaks against it",
            words::name(&rival.config),
            cases(share)
        )
    } else if share < HARDLY {
        format!("Stay on {base}: moving costs {moving} and does not pay back")
    } else {
        format!(
            "Stay on {base}: moving costs {moving} and saves money in only {}",
            cases(share)
        )
    })
}

fn move_to(subject: &Subject, best: &ConfigTotal, months: u32) -> String {
    let saves = subject.difference(best);
    let over = match months {
        1 => "a month".to_owned(),
        months => format!("over {months} months"),
    };
    format!(
        "Move to {}: it saves {saves} {over}, in {}",
        words::name(&best.config),
        cases(best.cheaper_than_baseline)
    )
}

/// `82 of 100 cases`.
fn cases(share: f64) -> String {
    crate::format::cases(share)
}

/// What moving costs: one amount, or the least and the most of several; `None` where no cost is stated.
pub(super) fn moving(subject: &Subject) -> Option<String> {
    let costs = subject
        .projection
        .configs
        .iter()
        .filter_map(|config| config.migration);
    let mut costs: Vec<f64> = costs
        .map(|cost| number(cost.0))
        .filter(|cost| *cost > 0.0)
        .collect();
    costs.sort_by(f64::total_cmp);
    let (least, most) = (costs.first()?, costs.last()?);
    let print = |cost: &f64| words::amount(*cost, subject.currency());
    Some(if least == most {
        print(least)
    } else {
        format!("{} to {}", print(least), print(most))
    })
}

fn room(subject: &Subject) -> String {
    format!("{}{}", cost(subject), until(subject))
}

/// `80,000 customers cost $171 a month`.
pub(super) fn cost(subject: &Subject) -> String {
    let bill = &subject.config.bill;
    let fees = bill.fees.as_ref().map_or_else(String::new, |fees| {
        format!(
            " to serve and {} in fees",
            words::money(&fees.total, subject.currency())
        )
    });
    let cost = if subject.headline.customers == 1.0 {
        "customer costs"
    } else {
        "customers cost"
    };
    format!(
        "{} {cost} {}{fees} a month",
        subject.customers(),
        words::money(&bill.total, subject.currency())
    )
}

fn until(subject: &Subject) -> String {
    if !subject.grows() {
        return match subject.first_limit() {
            Some((_, customers)) => format!("; there is room for {}", words::count(customers)),
            None => format!(
                "; no limit is found below {} customers",
                words::customers(subject.headline.searched_to)
            ),
        };
    }
    let (chance, end) = (subject.chance_to_fail(), subject.end_in_words());
    if chance < HARDLY {
        return ", with room for the whole plan".to_owned();
    }
    let first = subject.first_limit().map(|(point, _)| point);
    let is_budget = first.is_some_and(|point| point.kind == BreakKind::Budget);
    let date = first.and_then(|point| point.date?.value);
    match date.filter(|_| chance >= PROBABLY) {
        Some(date) if is_budget => format!(", within your budget until about {}", words::full_month(date)),
        Some(date) => format!(", with room to grow until about {}", words::full_month(date)),
        None if is_budget => format!(
            "; {} that it passes your budget before {end}",
            crate::format::chance(chance)
        ),
        None => format!(
            "; {} that room runs out before {end}",
            crate::format::chance(chance)
        ),
    }
}
