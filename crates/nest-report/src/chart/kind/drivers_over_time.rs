//! What the bill is paid for as months pass: stacked layers under the total, with its band as two thin lines.

use std::collections::BTreeMap;

use jiff::civil::Date;
use nest_data::projection::MonthProjection;

use crate::{
    chart::{
        about::{
            driver::{Part, causes},
            subject::{Subject, middle},
            text::{short, value},
        },
        draw::{
            axis,
            frame::{BEYOND_TEST, Frame, LINE},
            scale::{Scale, days, rounded_up},
            sheet::{Anchor, Edges, Look, MUTED, Point, STRONG, Sheet, spread},
        },
        figure::{Caption, Figure, FigureKind, compose},
    },
    error::ReportError,
    words,
};

/// Most layers of work of their own; the rest is one layer.
const WORK: usize = 3;
/// Height of the plot, in pixels.
const HEIGHT: f64 = 280.0;
/// Classes of layers of work, the largest first.
const CLASSES: [&str; 4] = ["f0", "f0 o8", "f0 o6", "f0 o4"];
/// Names of the layers that are not one behaviour's.
const STANDING: &str = "Stands ready";
const FIXED: &str = "Fixed or shared";
const OTHER: &str = "Other acts";

/// A layer: its name, its class and its amount each month.
struct Layer {
    name: String,
    class: &'static str,
    amounts: Vec<f64>,
}

/// The figure; `None` if nothing grows or the months say nothing of their drivers.
pub(crate) fn figure(subject: &Subject) -> Result<Option<Figure>, ReportError> {
    let layers = layers(subject);
    let (Some(span), false) = (subject.span(), layers.is_empty()) else {
        return Ok(None);
    };
    let caption = Caption {
        kind: FigureKind::DriversOverTime,
        slug: "drivers-over-time",
        title: title(&layers),
        key: "Thin lines: 9 in 10 cases of the total.".to_owned(),
        description: description(subject, &layers),
    };
    compose(caption, |width| draw(subject, span, &layers, width)).map(Some)
}

/// The layers from the bottom to the top: fixed, standing, then work, the largest first.
fn layers(subject: &Subject) -> Vec<Layer> {
    let months = &subject.base.months;
    if months.iter().any(|month| month.drivers.is_empty()) {
        return Vec::new();
    }
    let of = |month: &MonthProjection| -> (f64, f64, BTreeMap<String, f64>) {
        let parts = causes(subject, &month.drivers);
        let sum = |part: Part| {
            parts
                .iter()
                .filter(|one| one.part == part)
                .map(|one| one.amount)
                .sum()
        };
        let work = parts.iter().filter(|one| one.part == Part::Work);
        (
            sum(Part::Fixed),
            sum(Part::Standing),
            work.map(|one| (one.name.clone(), one.amount)).collect(),
        )
    };
    let parts: Vec<_> = months.iter().map(of).collect();
    let mut names: Vec<(String, f64)> = Vec::new();
    for (name, amount) in parts.last().into_iter().flat_map(|last| &last.2) {
        names.push((name.clone(), *amount));
    }
    names.sort_by(|left, right| right.1.total_cmp(&left.1));
    let own: Vec<String> = names.into_iter().take(WORK).map(|name| name.0).collect();
    let amount = |name: &str| -> Vec<f64> {
        parts
            .iter()
            .map(|part| part.2.get(name).copied().unwrap_or(0.0))
            .collect()
    };
    let mut layers = vec![
        Layer {
            name: FIXED.to_owned(),
            class: "ff o6",
            amounts: parts.iter().map(|part| part.0.max(0.0)).collect(),
        },
        Layer {
            name: STANDING.to_owned(),
            class: "fi",
            amounts: parts.iter().map(|part| part.1).collect(),
        },
    ];
    layers.extend(own.iter().zip(CLASSES).map(|(name, class)| Layer {
        name: name.clone(),
        class,
        amounts: amount(name),
    }));
    let rest = parts
        .iter()
        .map(|part| {
            part.2
                .iter()
                .filter(|one| !own.contains(one.0))
                .map(|one| one.1)
                .sum()
        })
        .collect();
    layers.push(Layer {
        name: OTHER.to_owned(),
        class: CLASSES[WORK],
        amounts: rest,
    });
    let most = months.iter().map(|month| value(&month.cost)).fold(0.0, f64::max);
    layers.retain(|layer| layer.amounts.iter().any(|amount| *amount > 0.004 * most));
    layers
}

/// First and last amount of a layer.
fn ends(layer: &Layer) -> (f64, f64) {
    (
        layer.amounts.first().copied().unwrap_or(0.0),
        layer.amounts.last().copied().unwrap_or(0.0),
    )
}

fn title(layers: &[Layer]) -> String {
    let growth = |layer: &&Layer| ends(layer).1 - ends(layer).0;
    let all: f64 = layers.iter().map(|layer| growth(&layer)).sum();
    let most = layers
        .iter()
        .max_by(|left, right| growth(left).total_cmp(&growth(right)));
    match most {
        Some(layer) if all > 0.0 && growth(&layer) > 0.0 => {
            let share = words::share((growth(&layer) / all).min(1.0));
            format!(
                "{} makes up {share} of the growth of the bill",
                short(&layer.name)
            )
        }
        _ => "What the bill is paid for hardly changes".to_owned(),
    }
}

fn description(subject: &Subject, layers: &[Layer]) -> String {
    let ends_of = subject.base.months.first().zip(subject.base.months.last());
    let (from, to) = ends_of.map_or_else(Default::default, |(first, last)| {
        (words::full_month(first.date), words::full_month(last.date))
    });
    let texts: Vec<String> = layers
        .iter()
        .rev()
        .map(|layer| {
            let (first, last) = ends(layer);
            let amount = |value| words::amount(value, subject.currency());
            format!("{} {} to {}", short(&layer.name), amount(first), amount(last))
        })
        .collect();
    format!("A month, from {from} to {to}: {}.", texts.join(", "))
}

fn draw(subject: &Subject, (start, end): (Date, Date), layers: &[Layer], width: f64) -> Sheet {
    let mut sheet = Sheet::new(width, 2_000.0);
    let wide = !sheet.is_narrow();
    let top = if wide {
        50.0
    } else {
        34.0 + layers.len() as f64 * LINE + 22.0
    };
    let months = &subject.base.months;
    let most = months
        .iter()
        .map(|month| month.cost.high.max(value(&month.cost)))
        .fold(0.0, f64::max);
    let frame = Frame {
        x: Scale::linear(
            (0.0, days(start, end)),
            (56.0, if wide { width - 196.0 } else { width - 14.0 }),
        ),
        y: Scale::linear((0.0, rounded_up(most, axis::MOST)), (top + HEIGHT, top)),
    };
    frame.beyond(&mut sheet, subject.tested_days(), BEYOND_TEST);
    axis::vertical(&mut sheet, &frame, "", |tick| {
        axis::money(tick, subject.currency())
    });
    sheet.text(
        STRONG,
        Anchor::Start,
        (0.0, 14.0),
        "Bill a month, by what it is paid for",
    );
    let middles = stack(&mut sheet, &frame, start, months, layers);
    for edge in [
        |month: &MonthProjection| month.cost.low,
        |month: &MonthProjection| month.cost.high,
    ] {
        let points: Vec<Point> = months
            .iter()
            .map(|month| frame.at((middle(start, month), edge(month))))
            .collect();
        sheet.faint_line("lm", &points);
    }
    names(&mut sheet, &frame, subject, layers, &middles);
    axis::time(&mut sheet, &frame, (start, end), |_| None);
    sheet.height = top + HEIGHT + 28.0;
    sheet
}

/// Draws the layers and returns the height of each one's middle at its end.
fn stack(
    sheet: &mut Sheet,
    frame: &Frame,
    start: Date,
    months: &[MonthProjection],
    layers: &[Layer],
) -> Vec<f64> {
    let mut below: Vec<f64> = vec![0.0; months.len()];
    layers
        .iter()
        .map(|layer| {
            let above: Vec<f64> = below
                .iter()
                .zip(&layer.amounts)
                .map(|(low, amount)| low + amount.max(0.0))
                .collect();
            let points: Vec<(f64, f64, f64)> = months
                .iter()
                .zip(below.iter().zip(&above))
                .map(|(month, (low, high))| (middle(start, month), *low, *high))
                .collect();
            frame.band(sheet, layer.class, &points);
            let edge: Vec<Point> = points.iter().map(|point| frame.at((point.0, point.2))).collect();
            sheet.faint_line("lp", &edge);
            let last = below.last().copied().unwrap_or(0.0) + above.last().copied().unwrap_or(0.0);
            below = above;
            frame.y.at(last / 2.0)
        })
        .collect()
}

fn names(sheet: &mut Sheet, frame: &Frame, subject: &Subject, layers: &[Layer], middles: &[f64]) {
    let (edges, look) = (frame.edges(), Look::of("i s", true));
    let text = |layer: &Layer| words::amount(ends(layer).1, subject.currency());
    if sheet.is_narrow() {
        for (row, layer) in layers.iter().rev().enumerate() {
            let y = 34.0 + row as f64 * LINE;
            sheet.bar(
                layer.class,
                Edges {
                    left: 0.0,
                    top: y - 9.0,
                    right: 14.0,
                    bottom: y,
                },
            );
            let value = text(layer);
            let room = sheet.width - 30.0 - look.width(&value);
            sheet.text(look, Anchor::Start, (20.0, y), &look.fit(&layer.name, room));
            sheet.text(look, Anchor::End, (sheet.width, y), &value);
        }
        return;
    }
    if let Some(last) = subject.base.months.last() {
        sheet.text(
            MUTED,
            Anchor::Start,
            (edges.right + 12.0, edges.top - 20.0),
            &words::month(last.date),
        );
    }
    let wanted: Vec<f64> = middles.iter().map(|y| y + 4.0).collect();
    let placed = spread(&wanted, LINE + 3.0, edges.top + 6.0, edges.bottom);
    for ((layer, y), middle) in layers.iter().zip(placed).zip(middles) {
        let (left, value) = (edges.right + 30.0, text(layer));
        sheet.faint_line(
            "ax",
            &[(edges.right - 6.0, *middle), (edges.right + 12.0, y - 4.0)],
        );
        sheet.bar(
            layer.class,
            Edges {
                left: edges.right + 13.0,
                top: y - 9.0,
                right: edges.right + 24.0,
                bottom: y + 1.0,
            },
        );
        let room = sheet.width - left - STRONG.width(&value) - 6.0;
        sheet.text(look, Anchor::Start, (left, y), &look.fit(&layer.name, room));
        sheet.text(MUTED, Anchor::End, (sheet.width, y), &value);
    }
}
