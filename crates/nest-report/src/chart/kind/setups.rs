//! What each set-up costs over all months, on one scale from 0.

use nest_data::projection::{Comparison, ConfigProjection, ConfigTotal};

use crate::{
    chart::{
        about::{
            subject::{FILLS, RANGES, Subject},
            text::{float, name, sentence, shape, short, value},
        },
        draw::{
            axis,
            rows::{Columns, RowText},
            scale::{Scale, rounded_up},
            sheet::{Anchor, Edges, MUTED, STRONG, Sheet},
        },
        figure::{Caption, Figure, FigureKind, compose},
    },
    error::ReportError,
    format, words,
};

/// Chance from which on a shortage of room is worth a word.
const LIKELY: f64 = 0.05;
/// Height of a bar, in pixels.
const BAR: f64 = 10.0;
/// Where the rows begin, in pixels.
const TOP: f64 = 46.0;

/// A set-up with its total.
struct Row<'a> {
    config: &'a ConfigProjection,
    total: &'a ConfigTotal,
}

/// The figure; `None` for a single set-up.
pub(crate) fn figure(subject: &Subject) -> Result<Option<Figure>, ReportError> {
    let Some(comparison) = &subject.projection.comparison else {
        return Ok(None);
    };
    let rows = rows(subject, comparison);
    if rows.len() < 2 {
        return Ok(None);
    }
    let caption = Caption {
        kind: FigureKind::Setups,
        slug: "set-ups",
        title: title(comparison),
        key: key(&rows),
        description: description(&rows, comparison),
    };
    compose(caption, |width| draw(subject, comparison, &rows, width)).map(Some)
}

fn rows<'a>(subject: &Subject<'a>, comparison: &'a Comparison) -> Vec<Row<'a>> {
    std::iter::once(subject.base)
        .chain(subject.others())
        .filter_map(|config| {
            let total = comparison
                .totals
                .iter()
                .find(|total| total.config == config.name)?;
            Some(Row { config, total })
        })
        .collect()
}

/// `over 24 months`, `a month` where nothing grows.
pub(super) fn over(months: u32) -> String {
    if months > 1 {
        format!("over {months} months")
    } else {
        "a month".to_owned()
    }
}

fn title(comparison: &Comparison) -> String {
    let over = if comparison.months > 1 {
        format!("over {} months", comparison.months)
    } else {
        "now".to_owned()
    };
    let base = &comparison.baseline;
    let others = comparison.totals.iter().filter(|total| total.config != *base);
    let rival =
        others.max_by(|left, right| left.cheaper_than_baseline.total_cmp(&right.cheaper_than_baseline));
    let Some(rival) = rival else {
        return format!("{} costs {over}", short(base));
    };
    let (base, other) = (short(base), short(&rival.config));
    match rival.cheaper_than_baseline {
        chance if chance > 0.4 && rival.total.at_least => {
            format!("{other} may cost less than {base}, but one price is unknown")
        }
        chance if chance >= 0.95 => format!("{other} is cheaper than {base} {over}"),
        chance if chance >= 0.8 => format!("{other} is likely cheaper than {base} {over}"),
        chance if chance >= 0.6 => format!("{other} is perhaps cheaper than {base} {over}"),
        chance if chance > 0.4 => format!("{base} or {other}: too close to call {over}"),
        chance if chance > 0.2 => format!("{base} is perhaps the cheapest {over}"),
        chance if chance > 0.05 => format!("{base} is likely the cheapest {over}"),
        _ => format!("{base} costs least {over}"),
    }
}

fn key(rows: &[Row]) -> String {
    let moving = rows
        .iter()
        .any(|row| row.config.migration.is_some_and(|cost| float(cost) > 0.0));
    let unknown = rows.iter().any(|row| row.total.total.at_least);
    let moving = if moving { " Open: what moving costs." } else { "" };
    let unknown = if unknown {
        " Arrow: a price is unknown, so that it costs at least so much."
    } else {
        ""
    };
    format!("Dot: best guess. Bar: 9 in 10 cases.{moving}{unknown}")
}

fn description(rows: &[Row], comparison: &Comparison) -> String {
    let texts = rows.iter().map(|row| {
        let paid = row.config.migration.filter(|cost| float(*cost) > 0.0);
        let moving = paid.map_or_else(String::new, |cost| {
            format!(
                ", {} of it for moving",
                words::amount(float(cost), &row.config.currency)
            )
        });
        sentence(&format!(
            "{}: {} {}{moving}; {}",
            name(&row.config.name),
            total(row, comparison).with_interval(),
            over(comparison.months),
            room(row.config)
        ))
    });
    texts.collect::<Vec<_>>().join(" ")
}

/// What a set-up costs over all months, as everywhere else.
fn total(row: &Row, comparison: &Comparison) -> words::Compared {
    words::total_of(comparison, &row.config.name, &row.config.currency).unwrap_or_default()
}

/// How long a set-up has room, in words.
pub(super) fn room(config: &ConfigProjection) -> String {
    let failing = || config.break_points.iter().filter(|point| point.kind.is_failure());
    let dates = failing().filter_map(|point| point.date?.value);
    if let Some(date) = dates.min() {
        return format!("room until about {}", words::month(date));
    }
    match 1.0 - config.lasts {
        chance if chance < LIKELY && config.months.is_empty() => "room now".to_owned(),
        chance if chance < LIKELY => "room for the whole plan".to_owned(),
        chance => format!("{} that room runs out", format::chance(chance)),
    }
}

fn draw(subject: &Subject, comparison: &Comparison, rows: &[Row], width: f64) -> Sheet {
    let mut sheet = Sheet::new(width, 2_000.0);
    let currency = subject.currency();
    let columns = Columns::split(
        (0.0, width),
        true,
        if sheet.is_wide() {
            [0.36, 0.22]
        } else {
            [0.37, 0.27]
        },
    );
    let most = rows
        .iter()
        .map(|row| row.total.total.high.max(value(&row.total.total)))
        .fold(0.0, f64::max);
    let arrow = if rows.iter().any(|row| row.total.total.at_least) {
        26.0
    } else {
        0.0
    };
    let scale = Scale::linear(
        (0.0, rounded_up(most, 6)),
        (columns.drawn.0, columns.drawn.1 - arrow),
    );
    let bottom = TOP + rows.len() as f64 * columns.height();
    let heading = if comparison.months > 1 {
        format!("Cost of all {} months", comparison.months)
    } else {
        "Cost of a month".to_owned()
    };
    sheet.text(STRONG, Anchor::Start, (0.0, 14.0), &heading);
    columns.axis(&mut sheet, &scale, (TOP, bottom), |tick| {
        axis::money(tick, currency)
    });
    for (index, row) in rows.iter().enumerate() {
        let top = TOP + index as f64 * columns.height();
        columns.rule(&mut sheet, top);
        let text = texts(row, comparison, &sheet, &columns);
        columns.write(&mut sheet, top, &text);
        mark(&mut sheet, subject, &scale, columns.middle(top), row);
    }
    columns.rule(&mut sheet, bottom);
    sheet.height = bottom + 4.0;
    sheet
}

/// The texts of a row, on a sheet with these columns.
fn texts(row: &Row, comparison: &Comparison, sheet: &Sheet, columns: &Columns) -> RowText {
    let value_note = room(row.config);
    let beside = if sheet.is_narrow() {
        sheet.width - MUTED.width(&value_note) - 10.0
    } else {
        columns.drawn.0 - 14.0
    };
    RowText {
        name: name(&row.config.name),
        note: what_it_is(row.config, beside),
        value: total(row, comparison).about(),
        value_note,
    }
}

/// What a set-up runs on, or what the study says of it if that is too long; nothing if both are.
fn what_it_is(config: &ConfigProjection, room: f64) -> String {
    let shape = shape(config);
    // `lambda function of 1769 MB` is enough of one host; of several, a part would look like the whole.
    let part = shape.rsplit_once(", ").filter(|_| !shape.contains("; "));
    let texts = [
        Some(shape.clone()),
        config.description.as_deref().map(name),
        part.map(|(part, _)| part.to_owned()),
    ];
    let fitting = texts.into_iter().flatten().find(|text| MUTED.width(text) <= room);
    fitting.unwrap_or_default()
}

fn mark(sheet: &mut Sheet, subject: &Subject, scale: &Scale, middle: f64, row: &Row) {
    let role = subject.role(&row.config.name);
    let total = &row.total.total;
    let (top, bottom) = (middle - BAR / 2.0, middle + BAR / 2.0);
    if let Some(cost) = row.config.migration.map(float).filter(|cost| *cost > 0.0) {
        let (left, right) = (scale.at(0.0), scale.at(cost));
        let corners = [
            (left, top),
            (right, top),
            (right, bottom),
            (left, bottom),
            (left, top),
        ];
        sheet.faint_line("lm", &corners);
    }
    let (left, right) = (scale.at(total.low), scale.at(total.high));
    sheet.bar(
        RANGES[role],
        Edges {
            left,
            top,
            right: right.max(left + 2.0),
            bottom,
        },
    );
    if total.at_least {
        let end = right + 18.0;
        sheet.faint_line("lm", &[(right, middle), (end, middle)]);
        sheet.area(
            "fx",
            &[(end + 6.0, middle), (end, middle - 4.0), (end, middle + 4.0)],
        );
    }
    sheet.dot(FILLS[role], (scale.at(value(total)), middle), 6.0);
}
