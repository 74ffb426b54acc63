//! `pricing show`: the rows of a book, or one row with its tiers, where its price was seen, and what a quantity costs.

use jiff::civil::Date;
use nest_data::{
    PriceBook,
    price_book::{Commitment, Instance, InstanceUnit, Meter, Sustained},
    units::QuotedDecimal,
};
use nest_model::pricing::price;

use super::{find, unknown};
use crate::{
    args::BooksArguments,
    books::Shelf,
    failure::{Failure, INVALID, USAGE},
    printer::{Table, data, talk},
};

/// Fewest and most units of anything, so that exact arithmetic stays inside its 28 digits.
const QUANTITIES: [&str; 2] = ["0", "1000000000000000"];

/// Runs the verb.
pub fn show(
    name: &str,
    id: Option<&str>,
    quantity: Option<QuotedDecimal>,
    on: Date,
    arguments: &BooksArguments,
) -> Result<(), Failure> {
    let layered = find(&Shelf::of_folder(&arguments.study)?, name)?;
    let book = &layered.book;
    let Some(id) = id else {
        talk(&format!(
            "{name}: amounts in {} without tax; {}",
            book.currency,
            layered.layers.join(" < ")
        ));
        return data(&rows(book, |_| true).render(arguments.format));
    };
    let table = rows(book, |row| row == id);
    if table.rows.is_empty() {
        return Err(unknown(
            &format!("row of {name} called"),
            id,
            names(book),
            &format!("see `locust-nest pricing show {name}`"),
        ));
    }
    let [nothing, most] = QUANTITIES.map(|text| text.parse::<QuotedDecimal>().expect("a number of our own"));
    if quantity.is_some_and(|quantity| !(nothing..=most).contains(&quantity)) {
        return Err(Failure::new(
            USAGE,
            format!("a quantity is from {nothing} to {most}"),
        ));
    }
    let Some(quantity) = quantity else {
        return data(&table.render(arguments.format));
    };
    data(&cost(book, id, quantity, on)?.render(arguments.format))
}

fn names(book: &PriceBook) -> impl Iterator<Item = &str> {
    let meters = book
        .meter
        .iter()
        .map(|row| row.id.as_str())
        .chain(book.instance.iter().map(|row| row.sku.as_str()));
    let others = book
        .commitment
        .iter()
        .map(|row| row.id.as_str())
        .chain(book.plan.iter().map(|row| row.id.as_str()));
    meters
        .chain(others)
        .chain(book.limit.iter().map(|row| row.id.as_str()))
}

/// One line a row, or a tier of it.
fn rows(book: &PriceBook, wanted: impl Fn(&str) -> bool) -> Table {
    let mut table = Table::new(&[
        "table", "row", "part", "amount", "per", "unit", "currency", "holds", "seen", "source", "note",
    ]);
    let mut push = |kind: &str,
                    row: &str,
                    parts: Vec<(String, String, String, String)>,
                    holds: String,
                    source: &str,
                    note: &str| {
        let of = book.source.get(source);
        let seen = of.map_or_else(String::new, |source| source.observed_on.to_string());
        let title = of.map_or_else(String::new, |source| source.title.clone());
        for (part, amount, per, unit) in parts {
            let cells = [
                kind,
                row,
                &part,
                &amount,
                &per,
                &unit,
                &book.currency,
                &holds,
                &seen,
                &title,
                note,
            ];
            table.rows.push(cells.map(str::to_owned).to_vec());
        }
    };
    for meter in book.meter.iter().filter(|row| wanted(&row.id)) {
        let note = meter.note.as_deref().unwrap_or_default();
        push(
            "meter",
            &meter.id,
            meter_parts(meter),
            holds(meter.effective_from, meter.effective_to),
            &meter.source,
            note,
        );
    }
    for instance in book.instance.iter().filter(|row| wanted(&row.sku)) {
        let note = instance.note.as_deref().unwrap_or_default();
        push(
            "instance",
            &instance.sku,
            instance_parts(instance),
            holds(instance.effective_from, instance.effective_to),
            &instance.source,
            note,
        );
    }
    for commitment in book.commitment.iter().filter(|row| wanted(&row.id)) {
        let note = commitment.note.as_deref().unwrap_or_default();
        push(
            "commitment",
            &commitment.id,
            commitment_parts(commitment),
            String::new(),
            &commitment.source,
            note,
        );
    }
    let one =
        |part: &str, amount: String, unit: &str| (part.to_owned(), amount, "1".to_owned(), unit.to_owned());
    for plan in book.plan.iter().filter(|row| wanted(&row.id)) {
        let mut parts = vec![one("price", plan.amount.to_string(), "month")];
        let included = plan.includes.iter();
        parts.extend(included.map(|part| {
            one(
                &format!("includes {}", part.meter),
                part.quantity.to_string(),
                part.unit.as_deref().unwrap_or_default(),
            )
        }));
        push("plan", &plan.id, parts, String::new(), &plan.source, "");
    }
    for limit in book.limit.iter().filter(|row| wanted(&row.id)) {
        push(
            "limit",
            &limit.id,
            vec![one("value", limit.value.to_string(), &limit.unit)],
            String::new(),
            &limit.source,
            limit.note.as_deref().unwrap_or_default(),
        );
    }
    table
}

/// The days on which a row holds, in words; empty where it is all days.
fn holds(from: Option<Date>, to: Option<Date>) -> String {
    match (from, to) {
        (None, None) => String::new(),
        (Some(from), None) => format!("from {from}"),
        (None, Some(to)) => format!("before {to}"),
        (Some(from), Some(to)) => format!("{from} to before {to}"),
    }
}

fn known(amount: Option<QuotedDecimal>) -> String {
    amount.map_or_else(|| "unknown".to_owned(), |amount| amount.to_string())
}

/// Part, amount, per and unit of each price of a meter.
fn meter_parts(meter: &Meter) -> Vec<(String, String, String, String)> {
    let part = |part: String, amount: String, per: String| (part, amount, per, meter.unit.clone());
    let mut parts = Vec::new();
    match (&meter.price, &meter.percent_of) {
        (Some(price), _) => {
            let per = price.per.map_or_else(|| "1".to_owned(), |per| per.to_string());
            if price.tiers.is_empty() {
                parts.push(part("price".to_owned(), known(price.amount), per));
            } else {
                let tiers = price.tiers.iter().map(|tier| {
                    let name = tier
                        .up_to
                        .map_or_else(|| "above".to_owned(), |bound| format!("up to {bound}"));
                    part(name, known(tier.amount), per.clone())
                });
                parts.extend(tiers);
            }
        }
        (None, Some(share)) => parts.push(part(
            format!("percent of {}", share.meter),
            share.percent.to_string(),
            String::new(),
        )),
        (None, None) => parts.push(part("price".to_owned(), known(None), "1".to_owned())),
    }
    if let Some(free) = &meter.free {
        let counted = if free.kind.lasts() {
            "free"
        } else {
            "free, not counted"
        };
        parts.push(part(counted.to_owned(), free.quantity.to_string(), String::new()));
    }
    parts
}

fn instance_parts(instance: &Instance) -> Vec<(String, String, String, String)> {
    let unit = unit(instance.price.unit);
    let size = format!(
        "{} vCPU, {} GiB, {}",
        instance.vcpu, instance.memory_gib, instance.arch
    );
    let mut parts = vec![(
        format!("on demand ({size})"),
        known(instance.price.on_demand),
        "1".to_owned(),
        unit.to_owned(),
    )];
    parts.extend(instance.price.spot.map(|spot| {
        (
            "spot".to_owned(),
            spot.to_string(),
            "1".to_owned(),
            unit.to_owned(),
        )
    }));
    let share = |part: &Sustained| {
        (
            format!("on demand, up to {} of a month", part.up_to),
            part.factor.to_string(),
            "1".to_owned(),
            "of the list price".to_owned(),
        )
    };
    parts.extend(instance.price.sustained.iter().map(share));
    parts
}

fn unit(unit: InstanceUnit) -> &'static str {
    match unit {
        InstanceUnit::H => "h",
        InstanceUnit::Month => "month",
    }
}

fn commitment_parts(commitment: &Commitment) -> Vec<(String, String, String, String)> {
    let term = format!("{} months", commitment.term_months);
    vec![
        (
            format!("upfront, {term}"),
            commitment.upfront.to_string(),
            "1".to_owned(),
            "term".to_owned(),
        ),
        (
            "recurring".to_owned(),
            commitment.recurring.to_string(),
            "1".to_owned(),
            unit(commitment.unit).to_owned(),
        ),
    ]
}

/// What a quantity of a meter, or so many hours or months of an instance, costs.
fn cost(book: &PriceBook, id: &str, quantity: QuotedDecimal, on: Date) -> Result<Table, Failure> {
    let (unit, amount, source, free) = if let Some(meter) = book.meter(id, on) {
        let free = meter
            .free
            .as_ref()
            .filter(|free| free.kind.lasts())
            .map_or_else(String::new, |free| free.quantity.to_string());
        (meter.unit.as_str(), price(meter, quantity.0), &meter.source, free)
    } else if let Some(instance) = book.instance(id, on) {
        (
            unit(instance.price.unit),
            instance.price.on_demand.map(|price| price.0 * quantity.0),
            &instance.source,
            String::new(),
        )
    } else if book.meter.iter().any(|meter| meter.id == id)
        || book.instance.iter().any(|instance| instance.sku == id)
    {
        return Err(
            Failure::new(INVALID, format!("{id} has no price on {on}")).hint("give another day with --on")
        );
    } else {
        return Err(
            Failure::new(INVALID, format!("{id} is no meter and no instance type"))
                .hint("a quantity costs something of those only"),
        );
    };
    if amount.is_none() {
        talk("a part of this quantity has no price in the book: unknown, not zero");
    }
    let seen = book.source.get(source);
    let mut table = Table::new(&[
        "row", "quantity", "unit", "free", "cost", "currency", "seen", "source",
    ]);
    table.rows.push(vec![
        id.to_owned(),
        quantity.to_string(),
        unit.to_owned(),
        free,
        amount.map_or_else(|| "unknown".to_owned(), |amount| amount.normalize().to_string()),
        book.currency.clone(),
        seen.map_or_else(String::new, |source| source.observed_on.to_string()),
        seen.map_or_else(String::new, |source| source.title.clone()),
    ]);
    Ok(table)
}
