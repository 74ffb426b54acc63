//! What to do next, in words: the projection's actions, and what the comparison and the test add to them.

use nest_data::{
    Caveat,
    measurement::Validity,
    price_book::Confidence,
    projection::{Action, ConfigTotal, MoneyEstimate, Sensitivity, WhyNot},
};

use super::{
    NextStep,
    decide::decide,
    pull::pull,
    subject::{Subject, number},
    title::{Theme, Title},
};
use crate::{format, words};

/// Most actions that are listed.
const MOST: usize = 3;

/// At most three things to do, the most urgent first.
pub(super) fn actions(subject: &Subject, title: &Title) -> Vec<NextStep> {
    let mut steps: Vec<NextStep> = subject
        .projection
        .actions
        .iter()
        .filter_map(|action| in_words(subject, action))
        .collect();
    let switches = subject
        .projection
        .actions
        .iter()
        .any(|action| matches!(action, Action::Switch { .. }));
    if title.theme != Theme::Choice && !switches {
        let second = steps.len().min(1);
        if let Some(stay) = stay(subject) {
            steps.insert(second, stay);
        }
    }
    if title.theme == Theme::Policy {
        steps.splice(0..0, decide(subject));
    }
    steps.extend(measure_again(subject));
    steps.truncate(MOST);
    steps
}

fn in_words(subject: &Subject, action: &Action) -> Option<NextStep> {
    let projection = subject.projection;
    match action {
        Action::PullLever { lever, .. } => Some(pull(subject, projection.levers.get(*lever)?)),
        Action::Switch { to, saves, cheaper } => Some(switch(subject, to, saves, *cheaper)),
        Action::CheckPrice { price } => {
            let price = projection.prices.get(*price)?;
            let amount = price.amount.map_or_else(String::new, |amount| {
                format!(
                    "{} a month, ",
                    words::amount(number(amount.0), subject.currency())
                )
            });
            Some(NextStep {
                what: format!(
                    "Look up the price of {} before you sign.",
                    words::name(&price.item)
                ),
                why: format!(
                    "{} of this bill, seen {} ago {}.",
                    words::capital(&format!("{amount}{}", format::rough_percent(price.share))),
                    format::age(price.age_days),
                    seen_in(price.confidence)
                ),
            })
        }
        Action::Narrow { input } => Some(narrow(subject, projection.sensitivity.get(*input)?)),
        Action::Wait { until: Some(date) } if *date < projection.as_of => Some(NextStep {
            what: "Bring the plan of growth up to date.".to_owned(),
            why: format!(
                "It began before the day of this forecast, and 1 chance in 20 that a limit is reached lay in \
                 {} already.",
                words::full_month(*date)
            ),
        }),
        Action::Wait { until: Some(date) } => Some(NextStep {
            what: format!("Nothing has to be done before {}.", words::full_month(*date)),
            why: "1 chance in 20 that a limit is reached by then.".to_owned(),
        }),
        Action::Wait { until: None } => Some(NextStep {
            what: "Nothing has to be done.".to_owned(),
            why: if let Some(end) = subject.end().filter(|end| *end < projection.as_of) {
                format!(
                    "No limit is likely before {}, but the plan of growth ends there, before the day of this \
                     forecast: add newer rows.",
                    words::full_month(end)
                )
            } else if subject.grows() {
                format!("No limit is likely before {}.", subject.end_in_words())
            } else {
                "No limit is near, and no growth is planned in the study.".to_owned()
            },
        }),
    }
}

/// Where a price was seen.
pub(crate) fn seen_in(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::List => "in a price list",
        Confidence::Page => "on a vendor's page",
        Confidence::Secondary => "in somebody else's copy",
        Confidence::Derived => "and calculated from its source",
        Confidence::Approximate => "and only about right",
        Confidence::User => "in your own contract",
    }
}

fn switch(subject: &Subject, to_name: &str, saves: &MoneyEstimate, cheaper: f64) -> NextStep {
    let from = words::name(&subject.config.name);
    let to = words::name(to_name);
    let mut others = subject.others();
    let size = others.find(|total| total.config == to_name).map_or_else(
        || words::size(saves, subject.currency()),
        |total| subject.difference(total),
    );
    let sure = words::surely(cheaper).unwrap_or("no cheaper");
    let between = words::between(saves, subject.currency());
    let between = if between.is_empty() {
        between
    } else {
        format!("; in 9 cases of 10 {between}")
    };
    NextStep {
        what: format!("Move from {from} to {to}: {sure}, by {size}."),
        why: format!(
            "Over {}{between}. It is cheaper in {}.{}",
            months(subject),
            format::cases(cheaper),
            credits(subject, to_name)
        ),
    }
}

/// `24 months`, `a month`.
fn months(subject: &Subject) -> String {
    match subject.comparison().map_or(1, |comparison| comparison.months) {
        1 => "a month".to_owned(),
        months => format!("{months} months"),
    }
}

/// To stay, where a comparison says so: the closest other configuration costs more.
fn stay(subject: &Subject) -> Option<NextStep> {
    let comparison = subject.comparison()?;
    if comparison.recommended != subject.config.name || comparison.baseline != subject.config.name {
        return None;
    }
    let rival = subject
        .others()
        .min_by(|a, b| a.total.value.0.cmp(&b.total.value.0))?;
    let (own, other) = (words::name(&subject.config.name), words::name(&rival.config));
    let stays = 1.0 - rival.cheaper_than_baseline;
    let dearer = number(rival.change.value.0) > 0.0;
    if let Some(sure) = words::surely(rival.cheaper_than_baseline).filter(|_| !dearer) {
        return Some(cheaper_but(subject, rival, sure));
    }
    let Some(sure) = words::surely(stays).filter(|_| dearer) else {
        return Some(NextStep {
            what: format!("{own} or {other}: too close to call."),
            why: format!(
                "Over {} {own} is cheaper in {}.",
                months(subject),
                format::cases(stays)
            ),
        });
    };
    Some(NextStep {
        what: format!("Stay on {own}: it is {sure}."),
        why: format!(
            "Over {} {other} costs {} more; {own} is cheaper in {}.{}",
            months(subject),
            subject.difference(rival),
            format::cases(stays),
            credits(subject, &subject.config.name)
        ),
    })
}

/// What a cheaper configuration saves, and why another one is recommended all the same.
fn cheaper_but(subject: &Subject, rival: &ConfigTotal, sure: &str) -> NextStep {
    let other = words::name(&rival.config);
    let reasons = against(rival);
    let reasons = if reasons.is_empty() {
        String::new()
    } else {
        format!(" Against it: {}.", words::listed(&reasons))
    };
    NextStep {
        what: format!("Find out what keeps you from {other}: it is {sure}."),
        why: format!(
            "Over {} {other} costs {} less, and is cheaper in {}.{reasons}",
            months(subject),
            subject.difference(rival),
            format::cases(rival.cheaper_than_baseline)
        ),
    }
}

/// What speaks against a configuration, but its cost.
fn against(total: &ConfigTotal) -> Vec<String> {
    let reason = |why: &WhyNot| match why {
        WhyNot::Dearer { .. } => None,
        WhyNot::Breaks { chance, .. } => Some(format!(
            "{} that room runs out within the plan",
            format::chance(*chance)
        )),
        WhyNot::LocalState { tier } => Some(format!(
            "{} keeps files of its own, and the study does not say what replaces them",
            words::name(tier)
        )),
        WhyNot::Unknown { lines: 1 } => Some("one of its prices is unknown".to_owned()),
        WhyNot::Unknown { lines } => Some(format!("{lines} of its prices are unknown")),
        WhyNot::NoPayback => Some("the cost of moving never comes back".to_owned()),
    };
    total.why_not.iter().filter_map(reason).collect()
}

/// That a recommended configuration runs on credits of unknown size, in a sentence; empty if it does not.
fn credits(subject: &Subject, config: &str) -> String {
    let sku = subject.projection.caveats.iter().find_map(|caveat| match caveat {
        Caveat::CreditsUnknown { config: of, sku } if of == config => Some(sku),
        _ => None,
    });
    sku.map_or_else(String::new, |sku| {
        format!(
            " {} runs on credits, counted as whole processors: which share of them lasts is not known.",
            words::name(sku)
        )
    })
}

fn narrow(subject: &Subject, input: &Sensitivity) -> NextStep {
    let end = |index: usize| {
        input.date[index].map_or_else(
            || format!("after {} or never", subject.end_in_words()),
            words::full_month,
        )
    };
    NextStep {
        what: format!("Find out more about {}.", words::input(input)),
        why: format!(
            "It moves the first limit most. Range {}: the limit comes {} at one end, {} at the other.",
            words::input_range(input),
            end(0),
            end(1)
        ),
    }
}

/// To measure again, where most steps were disturbed.
fn measure_again(subject: &Subject) -> Option<NextStep> {
    let loaded = || subject.projection.loaded_points();
    let all = loaded().count();
    let clean = loaded().filter(|point| point.validity == Validity::Valid).count();
    (clean * 2 < all).then(|| NextStep {
        what: "Repeat the load test on a quieter machine.".to_owned(),
        why: format!(
            "{} of {all} steps under load were disturbed and count less or not at all.",
            all - clean
        ),
    })
}
