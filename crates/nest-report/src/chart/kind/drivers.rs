//! What the bill is paid for now: by what causes it, and by what is billed, with the age of each price.

use nest_data::projection::{DriverKind, PriceRow};

use crate::{
    chart::{
        about::{
            driver::{Named, Part, causes, listed, standing},
            subject::Subject,
            text::{float, name, short},
        },
        draw::{
            rows::{Columns, RowText, heading},
            scale::Scale,
            sheet::{Edges, Sheet},
        },
        figure::{Caption, Figure, FigureKind, compose},
    },
    error::ReportError,
    format, words,
};

/// Most rows of a panel.
const MOST: usize = 9;
/// Share of standing capacity from which on it is the finding, 0-1.
const MUCH: f64 = 0.3;
/// Half the height of a bar, in pixels.
const HALF: f64 = 6.0;
/// Where the rows of a panel begin below its heading, in pixels.
const BELOW: f64 = 26.0;

/// The figure; `None` for an empty bill.
pub(crate) fn figure(subject: &Subject) -> Result<Option<Figure>, ReportError> {
    let parts = causes(subject, &subject.base.bill.drivers);
    if parts.iter().all(|part| part.amount == 0.0) {
        return Ok(None);
    }
    let caption = Caption {
        kind: FigureKind::DriversNow,
        slug: "drivers",
        title: title(subject, &parts),
        key: key(subject, &parts),
        description: description(subject, &parts),
    };
    compose(caption, |width| draw(subject, &parts, width)).map(Some)
}

fn title(subject: &Subject, parts: &[Named]) -> String {
    let standing = standing(parts);
    let config = short(&subject.base.name);
    if standing >= MUCH {
        return format!(
            "On {config}, {} of the bill buys capacity that stands ready",
            words::share(standing)
        );
    }
    let all: f64 = parts.iter().map(|part| part.amount).sum();
    match parts.first() {
        Some(first) => format!(
            "{} takes {} of the bill",
            short(&first.name),
            words::share(first.amount / all)
        ),
        None => String::new(),
    }
}

fn key(subject: &Subject, parts: &[Named]) -> String {
    let striped = if parts.iter().any(|part| part.part == Part::Standing) {
        " Striped: paid for, not used."
    } else {
        ""
    };
    let fees = subject.base.bill.fees.as_ref().map_or_else(String::new, |fees| {
        format!(
            " Without the fees of {} a month.",
            words::money(&fees.total, subject.currency())
        )
    });
    format!(
        "The bill of {} for {} customers a month.{striped} Grey: fixed, or shared by all acts.{fees}",
        words::money(&subject.base.bill.total, subject.currency()),
        words::customers(subject.base.bill.customers)
    )
}

fn description(subject: &Subject, parts: &[Named]) -> String {
    let billed: Vec<String> = billed(subject)
        .into_iter()
        .map(|(row, amount)| {
            format!(
                "{} {} ({})",
                row.name,
                words::amount(amount, subject.currency()),
                row.note
            )
        })
        .collect();
    format!(
        "Of {} a month: {}. Billed: {}.",
        words::money(&subject.base.bill.total, subject.currency()),
        listed(parts, subject.currency()),
        billed.join(", ")
    )
}

/// What is billed, with the age of its price, the largest first.
fn billed(subject: &Subject) -> Vec<(RowText, f64)> {
    let meters = subject
        .base
        .bill
        .drivers
        .iter()
        .filter(|driver| driver.kind == DriverKind::Meter);
    let mut rows: Vec<(RowText, f64)> = meters
        .map(|driver| {
            let price = subject
                .projection
                .prices
                .iter()
                .find(|price| price.config == subject.base.name && price.item == driver.name);
            let row = RowText {
                name: name(&driver.name),
                note: price.map_or_else(String::new, age),
                ..RowText::default()
            };
            (row, float(driver.amount))
        })
        .filter(|(_, amount)| *amount != 0.0)
        .collect();
    rows.sort_by(|left, right| right.1.total_cmp(&left.1));
    rows
}

fn age(price: &PriceRow) -> String {
    if price.amount.is_none() {
        return "price unknown".to_owned();
    }
    if price.age_days < 0 {
        return format!("price seen on {}", name(&price.observed_on));
    }
    format!("price {} old", format::age(price.age_days))
}

/// A bar of a panel.
struct Bar {
    text: RowText,
    part: Part,
    amount: f64,
}

fn draw(subject: &Subject, parts: &[Named], width: f64) -> Sheet {
    let mut sheet = Sheet::new(width, 4_000.0);
    let total: f64 = parts.iter().map(|part| part.amount).sum();
    let of_causes: Vec<Bar> = parts
        .iter()
        .map(|part| Bar {
            text: RowText {
                name: part.name.clone(),
                note: part.note.clone(),
                ..RowText::default()
            },
            part: part.part,
            amount: part.amount,
        })
        .collect();
    let of_billed: Vec<Bar> = billed(subject)
        .into_iter()
        .map(|(text, amount)| Bar {
            text,
            part: Part::Work,
            amount,
        })
        .collect();
    let half = (width - 48.0) / 2.0;
    let (first, second) = if sheet.is_wide() {
        ((0.0, half), (half + 48.0, width))
    } else {
        ((0.0, width), (0.0, width))
    };
    let most = parts
        .iter()
        .map(|part| part.amount)
        .chain(of_billed.iter().map(|bar| bar.amount))
        .fold(0.0, f64::max);
    let below = panel(
        &mut sheet,
        subject,
        (first, 0.0),
        "By what causes it",
        &of_causes,
        (total, most),
    );
    let top = if sheet.is_wide() { 0.0 } else { below + 22.0 };
    let other = panel(
        &mut sheet,
        subject,
        (second, top),
        "By what is billed",
        &of_billed,
        (total, most),
    );
    sheet.height = below.max(other) + 4.0;
    sheet
}

/// Draws a panel and returns where it ends.
fn panel(
    sheet: &mut Sheet,
    subject: &Subject,
    (sides, top): ((f64, f64), f64),
    title: &str,
    bars: &[Bar],
    (total, most): (f64, f64),
) -> f64 {
    let columns = Columns::split(sides, true, [0.44, 0.24]);
    heading(sheet, (sides.0, top + 14.0), sides.1 - sides.0, title);
    let scale = Scale::linear((0.0, most), columns.drawn);
    let mut at = top + BELOW;
    for bar in folded(bars) {
        let text = RowText {
            value: words::amount(bar.amount, subject.currency()),
            value_note: words::share(bar.amount / total),
            ..bar.text
        };
        columns.rule(sheet, at);
        columns.write(sheet, at, &text);
        let middle = columns.middle(at);
        let right = scale.at(bar.amount.max(0.0)).max(columns.drawn.0 + 1.5);
        let edges = Edges {
            left: columns.drawn.0,
            top: middle - HALF,
            right,
            bottom: middle + HALF,
        };
        match bar.part {
            Part::Work => sheet.bar("f0", edges),
            Part::Standing => sheet.striped_bar(edges),
            Part::Fixed => sheet.bar("ff", edges),
        }
        at += columns.height();
    }
    columns.rule(sheet, at);
    at
}

/// The largest bars, the rest in one.
fn folded(bars: &[Bar]) -> Vec<Bar> {
    let copy = |bar: &Bar| Bar {
        text: bar.text.clone(),
        part: bar.part,
        amount: bar.amount,
    };
    let shown: Vec<&Bar> = bars.iter().filter(|bar| bar.amount.abs() >= 0.005).collect();
    if shown.len() <= MOST {
        return shown.into_iter().map(copy).collect();
    }
    let (first, rest) = shown.split_at(MOST - 1);
    let text = RowText {
        name: format!("{} others", rest.len()),
        ..RowText::default()
    };
    let other = Bar {
        text,
        part: Part::Work,
        amount: rest.iter().map(|bar| bar.amount).sum(),
    };
    first.iter().map(|bar| copy(bar)).chain([other]).collect()
}
