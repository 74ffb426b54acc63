//! How sure it all is: doubts of one cause together, the weightiest first, and every caveat below them.

use nest_data::{Caveat, Projection, measurement::Validity, projection::PriceRow};

use super::{Card, PageTable, Section};
use crate::{
    chart::farthest_answers,
    format,
    verdict::{Subject, number},
    words,
};

/// Most groups of doubts that are shown.
const MOST: usize = 3;
/// Factor between the first limit and the tested load from which on the limit is calculated and not seen.
const FAR: f64 = 1.05;
/// Weight of fees that are more than the bill. Our choice: as much as a hidden limit, or a load test of which
/// every step was disturbed.
const FEES_WEIGH: f64 = 2.0;
/// How far answers may be off the model, as a share of it, before that is a doubt.
const OFF: f64 = 0.5;
/// Weight of answers that are: limits on them are a part of all limits.
const FIT_WEIGHS: f64 = 0.3;

/// Doubts of one cause, and how much they weigh against others.
struct Doubt {
    weight: f64,
    card: Card,
}

impl Doubt {
    fn new(weight: f64, title: impl Into<String>, text: String) -> Self {
        Self {
            weight,
            card: Card {
                title: title.into(),
                text,
                doubt: true,
            },
        }
    }
}

/// At most three groups of doubts, and all caveats.
pub(super) fn how_sure(projection: &Projection) -> Section {
    let mut doubts: Vec<Doubt> = [
        of_test,
        of_hidden_limit,
        of_reach,
        of_speed,
        of_unknown_prices,
        of_old_prices,
        of_fees,
        of_fit,
    ]
    .into_iter()
    .filter_map(|group| group(projection))
    .collect();
    doubts.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let title = match doubts.len() {
        0 => "No large doubt was found",
        1 => "One doubt weighs most",
        2 => "Two doubts weigh most",
        _ => "Three doubts weigh most",
    };
    let mut section = Section::new("sure", "How sure", title);
    section.cards = doubts.into_iter().take(MOST).map(|doubt| doubt.card).collect();
    section.tables.extend(caveats(projection));
    section
}

/// Every caveat.
fn caveats(projection: &Projection) -> Option<PageTable> {
    let caption = match projection.caveats.len() {
        1 => "The one caveat of measurement, fit and projection".to_owned(),
        count => format!("All {count} caveats of measurement, fit and projection"),
    };
    let mut table = PageTable::new(caption, &["what is in doubt, and what to do"]);
    for caveat in &projection.caveats {
        table.row([words::clean(&caveat.to_string()).into()]);
    }
    table.unless_empty()
}

/// Steps of the load test that count less, or not at all.
fn of_test(projection: &Projection) -> Option<Doubt> {
    let loaded = || projection.loaded_points();
    let all = loaded().count();
    if all == 0 {
        return Some(Doubt::new(
            3.0,
            "Nothing was measured",
            "There is no test step. Measure the study before you rely on any figure.".to_owned(),
        ));
    }
    let valid = loaded().filter(|point| point.validity == Validity::Valid).count();
    let doubtful = all - valid;
    let share = doubtful as f64 / all as f64;
    let reasons = reasons(projection);
    let repeated = projection
        .caveats
        .iter()
        .any(|caveat| matches!(caveat, Caveat::FewRepeats { .. }));
    match doubtful {
        0 if !repeated => None,
        0 => Some(Doubt::new(
            0.2,
            "Few steps were repeated",
            format!(
                "How much equal steps differ is assumed. All {all} steps under load are clean; more of \
                 them narrow the intervals."
            ),
        )),
        _ => {
            let title = if share > 0.5 {
                "The load test was disturbed"
            } else {
                "Some test steps count less"
            };
            let text = format!(
                "{doubtful} of {all} steps under load are not clean{reasons}. They count less or not at all, \
                 which widens every interval. Repeat them on a quieter machine."
            );
            Some(Doubt::new(
                if share > 0.5 { 1.0 + share } else { share },
                title,
                text,
            ))
        }
    }
}

/// What disturbed the steps: the reason given first, and how many others there are.
fn reasons(projection: &Projection) -> String {
    let mut found: Vec<String> = Vec::new();
    for caveat in &projection.caveats {
        if let Caveat::StepSuspect { reasons, .. } | Caveat::StepLeftOut { reasons, .. } = caveat {
            found.extend(reasons.iter().map(|reason| words::clean(reason)));
        }
    }
    found.dedup();
    match found.as_slice() {
        [] => String::new(),
        [one] => format!(" ({one})"),
        [first, ..] => format!(" (such as: {first})"),
    }
}

/// A limit that no probe reads.
fn of_hidden_limit(projection: &Projection) -> Option<Doubt> {
    projection.caveats.iter().find_map(|caveat| match caveat {
        Caveat::HiddenBottleneck { ratio } => Some(Doubt::new(
            2.0,
            "Something that no probe reads limits it",
            format!(
                "Work levels off at {} of what the measured resources allow: a lock, a pool or a remote \
                 service. Find \
                 it before you add servers.",
                words::share(*ratio)
            ),
        )),
        Caveat::UnmeasuredWait {
            probability,
            customers,
            ..
        } => Some(Doubt::new(
            0.3 + probability,
            "Something that no probe reads may limit it",
            format!(
                "Answers slow down faster than the measured resources explain: {} that a lock, a pool or \
                 a remote \
                 service is full at {} customers. Look there before you add servers.",
                format::chance(*probability),
                words::count(customers)
            ),
        )),
        _ => None,
    })
}

/// How far the first limit lies beyond the load test.
fn of_reach(projection: &Projection) -> Option<Doubt> {
    let subject = Subject::of(projection)?;
    let tested = projection.model.tested_customers;
    if tested <= 0.0 {
        return Some(Doubt::new(
            2.5,
            "No customers were tested with success",
            "No step with customers was fitted, so every figure is calculated. Repeat the load test."
                .to_owned(),
        ));
    }
    let (point, customers) = subject.first_limit()?;
    let factor = customers.value / tested;
    (factor > FAR).then(|| {
        let interval = words::count_interval(customers, point.open_above);
        let text = format!(
            "Tested to {} customers; the first limit lies {} times as far ({interval}). A test nearer to \
             it narrows that.",
            words::customers(tested),
            format::number((factor * 10.0).round() / 10.0)
        );
        Doubt::new(
            factor.ln().min(0.9),
            "The first limit is calculated, not seen",
            text,
        )
    })
}

/// The speed of what is rented.
fn of_speed(projection: &Projection) -> Option<Doubt> {
    let config = projection.headline.as_ref().map(|headline| &headline.config)?;
    let [low, high] = projection.caveats.iter().find_map(|caveat| match caveat {
        Caveat::SpeedAssumed {
            config: of,
            low,
            high,
        } if of == config => Some([*low, *high]),
        _ => None,
    })?;
    let moved = projection
        .sensitivity
        .iter()
        .find(|one| one.input.starts_with("speed of "));
    let months = moved.map_or(0.0, |one| one.months);
    let effect = if months >= 1.0 {
        format!(
            ", which moves the first limit by {} months",
            format::number(months.round())
        )
    } else {
        String::new()
    };
    Some(Doubt::new(
        0.35,
        "The speed of rented servers is assumed",
        format!(
            "A rented CPU is taken to do {} to {} of the work of a tested core{effect}. One run of the \
             study there \
             replaces this.",
            format::number(low),
            format::number(high)
        ),
    ))
}

fn own_prices(projection: &Projection) -> impl Iterator<Item = &PriceRow> {
    let config = projection
        .headline
        .as_ref()
        .map(|headline| headline.config.as_str());
    projection
        .prices
        .iter()
        .filter(move |row| Some(row.config.as_str()) == config)
}

fn of_unknown_prices(projection: &Projection) -> Option<Doubt> {
    let configs: Vec<String> = projection
        .caveats
        .iter()
        .filter_map(|caveat| match caveat {
            Caveat::PriceUnknown { config, .. } => Some(words::name(config)),
            _ => None,
        })
        .collect();
    (!configs.is_empty()).then(|| {
        let own = projection
            .headline
            .as_ref()
            .is_some_and(|headline| configs.contains(&words::name(&headline.config)));
        Doubt::new(
            if own { 1.5 } else { 0.4 },
            "Some prices are not known",
            format!(
                "On {} lines have no price: costs there are at least what is shown. Add the prices to a \
                 book of your own.",
                words::listed(&configs)
            ),
        )
    })
}

fn of_old_prices(projection: &Projection) -> Option<Doubt> {
    let old: Vec<&PriceRow> = own_prices(projection).filter(|row| row.is_old()).collect();
    let share: f64 = old.iter().map(|row| row.share).sum();
    let oldest = old.iter().max_by_key(|row| row.age_days)?;
    Some(Doubt::new(
        share,
        "Some prices are old",
        format!(
            "{} of this bill rests on prices older than {}; that of {} was seen {} ago. Look them up before \
             you sign.",
            words::share(share),
            words::allowed_age(&old).map_or_else(
                || "their books allow".to_owned(),
                |age| format!("their book allows ({age})")
            ),
            words::name(&oldest.item),
            format::age(oldest.age_days)
        ),
    ))
}

/// Fees that are more than the bill: no book of prices holds their terms.
fn of_fees(projection: &Projection) -> Option<Doubt> {
    let subject = Subject::of(projection)?;
    let bill = &subject.config.bill;
    let fees = bill.fees.as_ref()?;
    let (fees_total, total) = (number(fees.total.value.0), number(bill.total.value.0));
    if fees_total <= total || bill.total.at_least {
        return None;
    }
    let dearest = fees.lines.iter().max_by_key(|line| line.amount)?;
    let note = words::clean(&dearest.source);
    let note = if note.is_empty() {
        String::new()
    } else {
        format!(" Its note on {}: {note}.", words::name(&dearest.meter))
    };
    let share = match fees_total / (fees_total + total) {
        share if share > 0.99 => "Nearly all".to_owned(),
        share => words::capital(&words::share(share)),
    };
    Some(Doubt::new(
        FEES_WEIGH,
        "Most of the cost is fees",
        format!(
            "{share} of the cost is fees. The study states their terms, without a date.{note} Check them \
             against your contract."
        ),
    ))
}

/// Answer times that were measured far from what the model says.
fn of_fit(projection: &Projection) -> Option<Doubt> {
    let (behaviour, off) = farthest_answers(projection)?;
    (off > OFF).then(|| {
        Doubt::new(
            FIT_WEIGHS,
            "The model misses some answer times",
            format!(
                "Answers of {} were measured up to {} off it. Every limit on how long answers take \
                 rests on it: longer test steps narrow that.",
                words::name(&behaviour),
                words::share(off)
            ),
        )
    })
}
