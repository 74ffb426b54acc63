//! What parts of a bill are called, and whether they are work, standing capacity or the same for everybody.

use nest_data::projection::{DriverKind, DriverShare};

use super::{
    subject::Subject,
    text::{float, name, two_digits},
};
use crate::words;

/// What a part of a bill is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Work that customers cause.
    Work,
    /// Capacity that is paid for and stands ready.
    Standing,
    /// The same for any number of customers, or shared by all.
    Fixed,
}

/// Words for the parts that no behaviour causes: label in the projection, name, what it is.
const OTHERS: [(&str, &str, &str, Part); 11] = [
    (
        "spare",
        "Stand-by server",
        "takes over when one fails",
        Part::Standing,
    ),
    (
        "rounding up",
        "Empty part of the last server",
        "servers come whole",
        Part::Standing,
    ),
    (
        "reserve",
        "CPU kept free",
        "the reserve that you set",
        Part::Standing,
    ),
    (
        "headroom for queueing",
        "Kept free against queues",
        "part of the reserve",
        Part::Standing,
    ),
    (
        "headroom for forecast",
        "Kept free for surprises",
        "part of the reserve",
        Part::Standing,
    ),
    (
        "headroom for objectives",
        "Kept free for your targets",
        "answers would miss them",
        Part::Standing,
    ),
    (
        "unused commitment",
        "Commitment that nothing uses",
        "paid ahead",
        Part::Standing,
    ),
    (
        "fixed",
        "Fixed amounts",
        "for any number of customers",
        Part::Fixed,
    ),
    (
        "shared",
        "Shared by all acts",
        "no single one causes it",
        Part::Fixed,
    ),
    (
        "idle",
        "Use without load",
        "what runs when nobody comes",
        Part::Fixed,
    ),
    ("discount", "Discounts", "off the list price", Part::Fixed),
];

/// A part of a bill with its words.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub name: String,
    pub note: String,
    pub part: Part,
    pub amount: f64,
}

/// Parts of a bill by what causes them, the largest first.
pub(crate) fn causes(subject: &Subject, drivers: &[DriverShare]) -> Vec<Named> {
    let mut named: Vec<Named> = drivers
        .iter()
        .filter(|driver| driver.kind == DriverKind::Behaviour)
        .map(|driver| cause(subject, driver))
        .collect();
    named.sort_by(|left, right| right.amount.total_cmp(&left.amount));
    named
}

fn cause(subject: &Subject, driver: &DriverShare) -> Named {
    let amount = float(driver.amount);
    let rate = subject
        .projection
        .rates_per_day
        .iter()
        .find(|rate| rate.0 == driver.name);
    if let Some((_, rate)) = rate {
        let note = format!("{} a day per customer", crate::format::number(two_digits(*rate)));
        return Named {
            name: name(&driver.name),
            note,
            part: Part::Work,
            amount,
        };
    }
    match OTHERS.iter().find(|other| other.0 == driver.name) {
        Some((_, name, note, part)) => Named {
            name: (*name).to_owned(),
            note: (*note).to_owned(),
            part: *part,
            amount,
        },
        None => Named {
            name: name(&driver.name),
            note: String::new(),
            part: Part::Work,
            amount,
        },
    }
}

/// Share of the amounts, 0-1, that is capacity standing ready.
pub(crate) fn standing(parts: &[Named]) -> f64 {
    let sum = |wanted: fn(&Named) -> bool| -> f64 {
        parts
            .iter()
            .filter(|part| wanted(part))
            .map(|part| part.amount)
            .sum()
    };
    let all = sum(|_| true);
    if all > 0.0 {
        sum(|part| part.part == Part::Standing) / all
    } else {
        0.0
    }
}

/// Shares in a description: `browse $45 (45 %), search $12 (12 %)`.
pub(crate) fn listed(parts: &[Named], currency: &str) -> String {
    let all: f64 = parts.iter().map(|part| part.amount).sum();
    let texts: Vec<String> = parts
        .iter()
        .filter(|part| part.amount.abs() > 0.005 * all)
        .map(|part| of_all(part, all, currency))
        .collect();
    texts.join(", ")
}

/// The largest part with its share; `None` for an empty bill.
pub(crate) fn largest(parts: &[Named], currency: &str) -> Option<String> {
    let all: f64 = parts.iter().map(|part| part.amount).sum();
    let first = parts.first().filter(|part| part.amount > 0.0)?;
    Some(of_all(first, all, currency))
}

fn of_all(part: &Named, all: f64, currency: &str) -> String {
    format!(
        "{} {} ({})",
        part.name,
        words::amount(part.amount, currency),
        words::share(part.amount / all)
    )
}
