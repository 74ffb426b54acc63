//! The four figures under the verdict.

use jiff::civil::Date;
use nest_data::{Estimate, Projection, projection::FeeBill};
use serde::Serialize;

use super::mini::{self, MiniAxis};
use crate::{
    format,
    verdict::{Composition, Subject},
    words,
};

/// Part of a mini-axis on which the largest value of it lies.
const FULL: f64 = 0.94;

/// A figure of the first screen.
#[derive(Debug, Serialize)]
pub(crate) struct Tile {
    /// What the figure is.
    pub label: String,
    /// Its value.
    pub value: String,
    /// Unit of the value, set smaller; empty if it has none.
    pub unit: String,
    /// A small drawing; empty if there is nothing to draw.
    pub drawing: String,
    /// A line or two below it.
    pub text: String,
}

/// The four figures of the headline; none if the study has no configuration.
pub(crate) fn tiles(projection: &Projection) -> Vec<Tile> {
    let Some(subject) = Subject::of(projection) else {
        return Vec::new();
    };
    let mut tiles = vec![bill(&subject)];
    tiles.push(match &subject.config.bill.fees {
        Some(fees) => of_fees(&subject, fees),
        None => next_1000(&subject),
    });
    tiles.push(room(&subject));
    tiles.push(if subject.grows() {
        date(&subject)
    } else {
        per_1000(&subject)
    });
    tiles
}

fn bill(subject: &Subject) -> Tile {
    let parts = Composition::of(&subject.config.bill);
    let amount = |value: f64| words::amount(value, subject.currency());
    let shown = [
        ("work", parts.work),
        ("not used", parts.unused),
        ("fixed or shared", parts.other),
    ];
    let texts: Vec<String> = shown
        .iter()
        .filter(|(_, value)| value.abs() >= 0.01)
        .map(|(name, value)| format!("{} {name}", amount(*value)))
        .collect();
    Tile {
        label: "Bill now".to_owned(),
        value: words::money(&subject.config.bill.total, subject.currency()),
        unit: "a month".to_owned(),
        drawing: mini::parts(&[("pw", parts.work), ("pu", parts.unused), ("po", parts.other)]),
        text: texts.join(", "),
    }
}

fn of_fees(subject: &Subject, fees: &FeeBill) -> Tile {
    Tile {
        label: "Fees now, not part of the bill".to_owned(),
        value: words::money(&fees.total, subject.currency()),
        unit: "a month".to_owned(),
        drawing: String::new(),
        text: format!(
            "{} per 1,000 customers, to third parties",
            words::money(&fees.per_1000, subject.currency())
        ),
    }
}

fn next_1000(subject: &Subject) -> Tile {
    let config = subject.config;
    let step = config
        .unit_steps
        .iter()
        .find(|step| step.customers.value > subject.headline.customers);
    let value = words::amount(
        rust_decimal::prelude::ToPrimitive::to_f64(&config.bill.marginal_1000.0).unwrap_or(0.0),
        subject.currency(),
    );
    let (drawing, text) = match (step, config.bill.next_stair) {
        (Some(step), _) => {
            let unit = words::unit_of(config, &step.resource);
            let short = if unit.contains(' ') {
                "+ 1".to_owned()
            } else {
                format!("+ 1 {unit}")
            };
            let top = step.customers.high / FULL;
            let axis = MiniAxis::default()
                .now(subject.headline.customers / top)
                .bar(step.customers.low / top, step.customers.high / top)
                .middle(step.customers.value / top)
                .label(subject.headline.customers / top, "now")
                .label(step.customers.value / top, short);
            let text = format!(
                "until {} ({}): then one more {unit}",
                words::count(&step.customers),
                words::count_interval(&step.customers, false)
            );
            (axis.svg(), text)
        }
        (None, Some(next)) => (
            String::new(),
            format!(
                "until about {}: then one more {}",
                words::customers(next),
                words::unit_word(Some(config.platform))
            ),
        ),
        (None, None) => (String::new(), "no step ahead: paid by use".to_owned()),
    };
    Tile {
        label: "The next 1,000 customers".to_owned(),
        value,
        unit: "a month".to_owned(),
        drawing,
        text,
    }
}

fn room(subject: &Subject) -> Tile {
    let (now, tested) = (
        subject.headline.customers,
        subject.projection.model.tested_customers,
    );
    let Some((point, customers)) = subject.first_limit() else {
        let searched = subject.headline.searched_to;
        let top = searched / FULL;
        let axis = MiniAxis::of_limit()
            .now(now / top)
            .tick(tested / top)
            .label(now / top, "now");
        return Tile {
            label: "No limit below".to_owned(),
            value: words::customers(searched),
            unit: "customers".to_owned(),
            drawing: axis.label(tested / top, "tested").svg(),
            text: format!("in the best guess; {}", tested_to(tested)),
        };
    };
    let top = customers.high.max(now).max(tested) / FULL;
    let axis = MiniAxis::of_limit()
        .now(now / top)
        .tick(tested / top)
        .bar(customers.low / top, customers.high / top)
        .middle(customers.value / top)
        .label(now / top, "now")
        .label(tested / top, "tested");
    if let Some(arrival) = subject.comes_later() {
        return Tile {
            label: "First limit".to_owned(),
            value: words::month(arrival.day()),
            unit: String::new(),
            drawing: MiniAxis::of_limit().now(now / top).label(now / top, "now").svg(),
            text: format!(
                "Then {}",
                words::limit(subject.projection, &subject.config.name, point)
            ),
        };
    }
    let interval = words::count_interval(customers, point.open_above);
    let interval = if interval.is_empty() {
        interval
    } else {
        format!("9 in 10: {interval}. ")
    };
    Tile {
        label: if is_about(customers) {
            "Room for about"
        } else {
            "Room for"
        }
        .to_owned(),
        value: words::count(customers).trim_start_matches("about ").to_owned(),
        unit: "customers".to_owned(),
        drawing: axis.svg(),
        text: format!(
            "{interval}Then {}",
            words::limit(subject.projection, &subject.config.name, point)
        ),
    }
}

fn date(subject: &Subject) -> Tile {
    let (Some(start), Some(end)) = (
        subject.config.months.first().map(|month| month.date),
        subject.end(),
    ) else {
        return per_1000(subject);
    };
    let first = subject
        .first_limit()
        .map(|(point, _)| point)
        .or(subject.likeliest_limit());
    let at = |day: Date| position(start, end, day);
    let axis = MiniAxis::of_limit()
        .now(0.0)
        .label(0.0, "now")
        .label(1.0, words::month(end));
    let dates = first.and_then(|point| point.date);
    let by_end = format!(
        "{} by {}",
        format::chance(subject.chance_to_fail()),
        words::month(end)
    );
    let (value, axis, text) = match (
        dates.and_then(|dates| dates.value),
        dates.and_then(|dates| dates.low),
    ) {
        (Some(value), low) => {
            let high = dates.and_then(|dates| dates.high).map_or(1.0, at);
            let axis = axis.bar(low.map_or(at(value), at), high).middle(at(value));
            let early = low.map_or_else(String::new, |low| {
                format!("1 chance in 20 by {}; ", words::month(low))
            });
            (words::month(value), axis, format!("{early}{by_end}"))
        }
        (None, Some(low)) => (
            format!("after {}", words::month(end)),
            axis.bar(at(low), 1.0),
            format!(
                "in the best guess; 1 chance in 20 by {}; {by_end}",
                words::month(low)
            ),
        ),
        (None, None) => (format!("after {}", words::month(end)), axis, by_end),
    };
    Tile {
        label: match dates.and_then(|dates| dates.value) {
            Some(_) => "First limit reached, about".to_owned(),
            None => "First limit reached".to_owned(),
        },
        value,
        unit: String::new(),
        drawing: axis.svg(),
        text,
    }
}

/// How far it was tested.
fn tested_to(customers: f64) -> String {
    if customers > 0.0 {
        format!("tested to {}", words::customers(customers))
    } else {
        "no customers were tested".to_owned()
    }
}

/// Whether a number of customers is only about right.
fn is_about(customers: &Estimate) -> bool {
    words::count(customers).starts_with("about ")
}

/// Where a day lies between two others, 0-1.
fn position(start: Date, end: Date, day: Date) -> f64 {
    let days = |to: Date| f64::from(start.until(to).map_or(0, |span| span.get_days()));
    let whole = days(end);
    if whole > 0.0 { days(day) / whole } else { 1.0 }
}

fn per_1000(subject: &Subject) -> Tile {
    Tile {
        label: "1,000 customers".to_owned(),
        value: words::money(&subject.config.bill.per_1000, subject.currency()),
        unit: "a month".to_owned(),
        drawing: String::new(),
        text: format!(
            "at {} customers; the study has no plan of growth",
            subject.customers()
        ),
    }
}
