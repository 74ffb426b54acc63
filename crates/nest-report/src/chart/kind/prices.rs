//! How fresh the prices on the bill are, and how much of it rests on each.

use nest_data::projection::PriceRow;

use crate::{
    chart::{
        about::{
            subject::Subject,
            text::{name, sentence, short},
        },
        draw::{
            rows::{Columns, RowText},
            scale::Scale,
            sheet::{Anchor, Edges, MUTED, STRONG, Sheet},
        },
        figure::{Caption, Figure, FigureKind, compose},
    },
    error::ReportError,
    format, words,
};

/// Days of a month of a year of 365.25 days.
const MONTH: f64 = 365.25 / 12.0;
/// Most rows.
const MOST: usize = 12;
/// Least share of the bill of a price that has a row, 0-1.
const LEAST: f64 = 0.005;
/// Thickness of the bar of a price that is the whole bill, in pixels.
const WHOLE: f64 = 34.0;
/// Where the rows begin, in pixels.
const TOP: f64 = 46.0;

/// The figure; `None` without prices.
pub(crate) fn figure(subject: &Subject) -> Result<Option<Figure>, ReportError> {
    let rows = rows(subject);
    if rows.is_empty() {
        return Ok(None);
    }
    let caption = Caption {
        kind: FigureKind::Prices,
        slug: "prices",
        title: title(&rows),
        key: format!(
            "Prices on the bill of {}. Length: age. Thickness: share of the bill.{}",
            short(&subject.base.name),
            old_key(&rows)
        ),
        description: description(&rows),
    };
    compose(caption, |width| draw(&rows, width)).map(Some)
}

/// Prices on the base's bill, the largest share first.
fn rows<'a>(subject: &Subject<'a>) -> Vec<&'a PriceRow> {
    let mut rows: Vec<&PriceRow> = subject
        .projection
        .prices
        .iter()
        .filter(|row| row.config == subject.base.name && (row.share >= LEAST || row.amount.is_none()))
        .collect();
    rows.sort_by(|left, right| right.share.total_cmp(&left.share));
    rows.truncate(MOST);
    rows
}

fn title(rows: &[&PriceRow]) -> String {
    let old: f64 = rows.iter().filter(|row| row.is_old()).map(|row| row.share).sum();
    if old >= LEAST {
        return format!(
            "{} of the bill rests on prices older than {}",
            words::share(old.min(1.0)),
            words::allowed_age(rows).unwrap_or_else(|| "their books allow".to_owned())
        );
    }
    let known = rows.iter().filter(|row| row.amount.is_some());
    let Some(oldest) = known.map(|row| row.age_days).max() else {
        return "No price on the bill is known".to_owned();
    };
    if oldest < 1 {
        return "Every price on the bill was seen after the day of the forecast".to_owned();
    }
    format!("No price on the bill is older than {}", format::age(oldest))
}

/// From when on a price is old; empty if no row tells.
fn old_key(rows: &[&PriceRow]) -> String {
    match words::allowed_age(rows) {
        Some(age) => format!(" Amber: older than {age}, the age that its price book allows."),
        None if rows.iter().any(|row| row.is_old()) => " Amber: older than its price book allows.".to_owned(),
        None => String::new(),
    }
}

/// How old a price is. One that is not known has no age.
fn age(row: &PriceRow) -> String {
    if row.amount.is_none() {
        return "price unknown".to_owned();
    }
    if row.age_days < 0 {
        format!("seen {}", name(&row.observed_on))
    } else {
        format!("{} old", format::age(row.age_days))
    }
}

fn share(row: &PriceRow) -> String {
    match row.amount {
        Some(_) => format!("{} of the bill", words::share(row.share)),
        None => "not on the bill".to_owned(),
    }
}

fn description(rows: &[&PriceRow]) -> String {
    let texts = rows.iter().map(|row| {
        sentence(&format!(
            "{}: {}, {}, from {}",
            name(&row.item),
            share(row),
            age(row),
            name(&row.source)
        ))
    });
    texts.collect::<Vec<_>>().join(" ")
}

fn draw(rows: &[&PriceRow], width: f64) -> Sheet {
    let mut sheet = Sheet::new(width, 4_000.0);
    let columns = Columns::split((0.0, width), true, [0.34, 0.2]);
    let oldest = rows
        .iter()
        .filter(|row| row.amount.is_some())
        .map(|row| row.age_days as f64 / MONTH)
        .fold(12.0, f64::max);
    let scale = Scale::linear((0.0, (oldest / 3.0).ceil() * 3.0), columns.drawn);
    let bottom = TOP + rows.len() as f64 * columns.height();
    sheet.text(STRONG, Anchor::Start, (0.0, 14.0), "Age of each price, in months");
    months(&mut sheet, &columns, &scale, bottom);
    let old_from = words::allowed_days(rows).map(|days| scale.at(days as f64 / MONTH));
    old_from
        .into_iter()
        .for_each(|at| sheet.faint_line("bd", &[(at, TOP), (at, bottom)]));
    for (index, row) in rows.iter().enumerate() {
        let top = TOP + index as f64 * columns.height();
        columns.rule(&mut sheet, top);
        let text = RowText {
            name: name(&row.item),
            note: name(&row.source),
            value: age(row),
            value_note: share(row),
        };
        columns.write(&mut sheet, top, &text);
        let middle = columns.middle(top);
        let half = (WHOLE * row.share.clamp(0.0, 1.0) / 2.0)
            .max(1.5)
            .min(columns.height() / 2.0 - 4.0)
            .min(12.0);
        let right = scale
            .at(row.age_days.max(0) as f64 / MONTH)
            .max(columns.drawn.0 + 2.0);
        let class = if row.is_old() { "fn" } else { "f0 o6" };
        if row.amount.is_none() {
            continue;
        }
        sheet.bar(
            class,
            Edges {
                left: columns.drawn.0,
                top: middle - half,
                right,
                bottom: middle + half,
            },
        );
    }
    columns.rule(&mut sheet, bottom);
    if let Some(at) = old_from {
        sheet.place(MUTED, "old from here", &[(Anchor::Start, (at, bottom + 16.0))]);
    }
    sheet.height = bottom + 22.0;
    sheet
}

/// The axis of age, in steps that divide a year.
fn months(sheet: &mut Sheet, columns: &Columns, scale: &Scale, bottom: f64) {
    let ((left, right), (_, oldest)) = (columns.drawn, scale.values());
    let wide_enough = |step: &f64| (right - left) * step / oldest >= 34.0;
    let step = [1.0, 2.0, 3.0, 6.0, 12.0, 24.0]
        .into_iter()
        .find(wide_enough)
        .unwrap_or(60.0);
    for index in 0..=(oldest / step).floor() as u32 {
        let months = f64::from(index) * step;
        let at = scale.at(months);
        sheet.faint_line("gr", &[(at, TOP), (at, bottom)]);
        let text = format::number(months);
        let half = MUTED.width(&text) / 2.0;
        sheet.text(
            MUTED,
            Anchor::Middle,
            (at.max(half).min(sheet.width - half), TOP - 6.0),
            &text,
        );
    }
}
