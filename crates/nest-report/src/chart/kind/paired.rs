//! What each set-up costs more or less than the base, on the same random cases.

use nest_data::projection::{Comparison, ConfigTotal};

use super::setups::over;
use crate::{
    chart::{
        about::{
            subject::{FILLS, RANGES, Subject},
            text::{name, sentence, short, value},
        },
        draw::{
            axis,
            rows::{Columns, RowText},
            scale::Scale,
            sheet::{Anchor, Edges, MUTED, Sheet},
        },
        figure::{Caption, Figure, FigureKind, compose},
    },
    error::ReportError,
    format, words,
};

/// Height of a bar, in pixels.
const BAR: f64 = 10.0;
/// Where the rows begin, in pixels.
const TOP: f64 = 46.0;

/// The figure; `None` for a single set-up.
pub(crate) fn figure(subject: &Subject) -> Result<Option<Figure>, ReportError> {
    let Some(comparison) = &subject.projection.comparison else {
        return Ok(None);
    };
    let rows = rows(subject, comparison);
    if rows.is_empty() {
        return Ok(None);
    }
    let caption = Caption {
        kind: FigureKind::PairedDifference,
        slug: "paired-difference",
        title: title(subject, comparison, &rows),
        key: "Dot: best guess. Bar: 9 in 10 cases, with the same customers and the same work in both."
            .to_owned(),
        description: description(subject, comparison, &rows),
    };
    compose(caption, |width| draw(subject, comparison, &rows, width)).map(Some)
}

/// All but the baseline, the cheapest first.
fn rows<'a>(subject: &Subject<'a>, comparison: &'a Comparison) -> Vec<&'a ConfigTotal> {
    let others = subject
        .projection
        .configs
        .iter()
        .filter(|config| config.name != comparison.baseline && config.currency == subject.base.currency);
    let mut rows: Vec<&ConfigTotal> = others
        .filter_map(|config| comparison.totals.iter().find(|total| total.config == config.name))
        .collect();
    rows.sort_by(|left, right| value(&left.change).total_cmp(&value(&right.change)));
    rows
}

fn title(subject: &Subject, comparison: &Comparison, rows: &[&ConfigTotal]) -> String {
    let Some(first) = rows.first() else {
        return String::new();
    };
    let text = printed(subject, comparison, first).map_or_else(String::new, |printed| printed.size);
    let how = if value(&first.change) < 0.0 {
        "less"
    } else {
        "more"
    };
    let of = if rows.len() > 1 {
        ", the cheapest other,"
    } else {
        ""
    };
    let over = if comparison.months > 1 {
        format!(" over {} months", comparison.months)
    } else {
        String::new()
    };
    format!(
        "{}{of} costs {text} {how} than {}{over}",
        short(&first.config),
        short(&comparison.baseline)
    )
}

/// A total and its difference as everywhere else.
fn printed(subject: &Subject, comparison: &Comparison, total: &ConfigTotal) -> Option<words::Compared> {
    words::total_of(comparison, &total.config, subject.currency())
}

/// The difference as it is printed everywhere, and its interval.
fn difference(subject: &Subject, comparison: &Comparison, total: &ConfigTotal) -> (String, String) {
    printed(subject, comparison, total).map_or_else(Default::default, |printed| {
        (printed.about_change(), printed.change_interval)
    })
}

fn cheaper(total: &ConfigTotal) -> String {
    format!("cheaper in {}", format::cases(total.cheaper_than_baseline))
}

fn description(subject: &Subject, comparison: &Comparison, rows: &[&ConfigTotal]) -> String {
    let texts = rows.iter().map(|total| {
        let (change, interval) = difference(subject, comparison, total);
        let interval = if interval.is_empty() {
            String::new()
        } else {
            format!(" ({interval})")
        };
        sentence(&format!(
            "{} against {} {}: {}{interval}; {}",
            name(&total.config),
            name(&comparison.baseline),
            over(comparison.months),
            change,
            cheaper(total)
        ))
    });
    texts.collect::<Vec<_>>().join(" ")
}

fn draw(subject: &Subject, comparison: &Comparison, rows: &[&ConfigTotal], width: f64) -> Sheet {
    let mut sheet = Sheet::new(width, 2_000.0);
    let currency = subject.currency();
    let columns = Columns::split(
        (0.0, width),
        true,
        if sheet.is_wide() {
            [0.31, 0.24]
        } else {
            [0.24, 0.38]
        },
    );
    let ends = |total: &&ConfigTotal| [total.change.low, total.change.high, value(&total.change), 0.0];
    let all: Vec<f64> = rows.iter().flat_map(ends).collect();
    let (low, high) = (
        all.iter().copied().fold(0.0, f64::min),
        all.iter().copied().fold(0.0, f64::max),
    );
    let room = ((high - low) * 0.06)
        .max(value(&subject.base.bill.total) * 0.01)
        .max(0.01);
    let scale = Scale::linear((low - room, high + room), columns.drawn);
    let bottom = TOP + rows.len() as f64 * columns.height();
    columns.axis(&mut sheet, &scale, (TOP, bottom), |tick| signed(tick, currency));
    for (index, total) in rows.iter().enumerate() {
        let top = TOP + index as f64 * columns.height();
        columns.rule(&mut sheet, top);
        let (change, interval) = difference(subject, comparison, total);
        let text = RowText {
            name: name(&total.config),
            note: interval,
            value: change,
            value_note: if sheet.is_narrow() {
                cheaper(total).trim_end_matches(" cases").to_owned()
            } else {
                cheaper(total)
            },
        };
        columns.write(&mut sheet, top, &text);
        mark(&mut sheet, subject, &scale, columns.middle(top), total);
    }
    columns.rule(&mut sheet, bottom);
    let zero = scale.at(0.0);
    columns.upright(&mut sheet, "lx t", zero, (TOP, bottom));
    words_at_the_ends(&mut sheet, &columns, zero, bottom, &comparison.baseline);
    sheet.height = bottom + 24.0;
    sheet
}

fn words_at_the_ends(sheet: &mut Sheet, columns: &Columns, zero: f64, bottom: f64, base: &str) {
    let (left, right) = columns.drawn;
    let long = format!("dearer than {}", short(base));
    let (cheap, dear) = (MUTED.width("cheaper"), MUTED.width("dearer"));
    let y = bottom + 17.0;
    let centre = zero.max(left + cheap + 8.0).min(right - dear - 8.0);
    let fits = MUTED.width(&long) <= sheet.width - centre - 8.0;
    let text = if fits { long.as_str() } else { "dearer" };
    sheet.text(MUTED, Anchor::End, (centre - 8.0, y), "cheaper");
    sheet.text(MUTED, Anchor::Start, (centre + 8.0, y), text);
}

fn signed(value: f64, currency: &str) -> String {
    if value > 0.0 {
        format!("+{}", axis::money(value, currency))
    } else {
        axis::money(value, currency)
    }
}

fn mark(sheet: &mut Sheet, subject: &Subject, scale: &Scale, middle: f64, total: &ConfigTotal) {
    let role = subject.role(&total.config);
    let (left, right) = (scale.at(total.change.low), scale.at(total.change.high));
    let (top, bottom) = (middle - BAR / 2.0, middle + BAR / 2.0);
    sheet.bar(
        RANGES[role],
        Edges {
            left,
            top,
            right: right.max(left + 2.0),
            bottom,
        },
    );
    sheet.dot(FILLS[role], (scale.at(value(&total.change)), middle), 6.0);
}
