//! Whether the model matches what was measured: dots on fitted lines, on the tested machine.

use nest_data::{
    Projection,
    projection::{Axis, Chart, Curve, Scatter},
};

use crate::{
    chart::{
        about::{
            panel::{Drawn, Panel, draw_all, label},
            subject::{BANDS, DOTTED, LINES, Subject},
            text::{name, resource, sentence},
        },
        draw::{
            frame::along,
            sheet::{Look, Sheet},
        },
        figure::{Caption, Figure, FigureKind, compose},
    },
    error::ReportError,
    words,
};

/// Charts of the tested machine in the projection, what each shows, and most panels of each.
const CHARTS: [(&str, &str, usize); 4] = [
    ("utilisation", BUSY, 2),
    (THROUGHPUT, "actions a second", 1),
    ("memory", "memory in use", 1),
    ("response", ANSWERS, 3),
];
/// What panels of utilisation and of response times show.
const BUSY: &str = "how busy it is";
const ANSWERS: &str = "time of 19 in 20 answers";
/// How far a fit may be off to be called close, and from which on its size says nothing more; as shares of
/// the model.
const CLOSE: f64 = 0.1;
const FAR: f64 = 10.0;
/// The chart of the work that gets done.
const THROUGHPUT: &str = "throughput";
/// How far an axis reaches above the highest dot, as a factor.
const ABOVE: f64 = 1.4;
/// Title of the panel of throughput.
const WORK: &str = "Throughput";
/// Most panels.
const MOST: usize = 6;
/// The name of a curve on a plot.
const NAME: Look = Look::of("k0 s h", true);

/// The figure; `None` if nothing was measured at a number of customers.
pub(crate) fn figure(subject: &Subject) -> Result<Option<Figure>, ReportError> {
    let panels = panels(subject);
    if panels.iter().all(|panel| panel.dots.is_empty()) {
        return Ok(None);
    }
    let caption = Caption {
        kind: FigureKind::Fit,
        slug: "fit",
        title: title(&panels),
        key: key(&panels),
        description: panels.iter().map(describe).collect::<Vec<_>>().join(" "),
    };
    compose(caption, |width| {
        let mut sheet = Sheet::new(width, 8_000.0);
        draw_all(&mut sheet, &self::panels(subject), 0.0);
        sheet
    })
    .map(Some)
}

fn key(panels: &[Panel]) -> String {
    let left_out = if panels.iter().any(|panel| panel.left_out > 0) {
        " Answers under more load than the model says it can carry are not drawn."
    } else {
        ""
    };
    format!(
        "Dots: measured on the tested machine.{left_out} Line: the model. Shaded: 9 in 10 cases of the \
         model."
    )
}

/// The behaviour whose answers lie farthest off the model, and how far, as a share of it.
pub(crate) fn farthest_answers(projection: &Projection) -> Option<(String, f64)> {
    let subject = Subject::new(projection)?;
    let panels = panels(&subject).into_iter();
    let answers = panels.filter(|panel| panel.note == ANSWERS && !panel.dots.is_empty());
    answers
        .map(|panel| (panel.curves[0].curve.name.clone(), farthest(&panel)))
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
}

/// How far the worst fit is off: a title that named a better one would hide it.
fn title(panels: &[Panel]) -> String {
    let measured = panels.iter().filter(|panel| !panel.dots.is_empty());
    let all = measured.map(|panel| (panel, farthest(panel)));
    match all.max_by(|(_, a), (_, b)| a.total_cmp(b)) {
        Some((_, off)) if off <= CLOSE && panels.iter().all(|panel| panel.left_out == 0) => format!(
            "Everything measured lies within {} of the model",
            words::share(at_least_1_percent(off))
        ),
        Some((panel, off)) if off < FAR => format!(
            "Farthest from the model: {}, up to {} off",
            what(panel),
            words::share(at_least_1_percent(off))
        ),
        Some((panel, _)) => format!("Farthest from the model: {}, several times off", what(panel)),
        None => "What was measured, and what the model says".to_owned(),
    }
}

/// What a panel shows, within a sentence: `answers of login`, `throughput`.
fn what(panel: &Panel) -> String {
    match panel.note.as_str() {
        ANSWERS => format!("answers of {}", panel.title),
        _ if panel.title == WORK => "throughput".to_owned(),
        BUSY => format!("use of {}", panel.title),
        other => other.to_owned(),
    }
}

/// Rounded up to whole per cent.
fn at_least_1_percent(share: f64) -> f64 {
    (share * 100.0 - 1e-9).ceil().max(1.0) / 100.0
}

/// How far the farthest dot lies from the line, as a share of the line.
fn farthest(panel: &Panel) -> f64 {
    let Some(curve) = panel.curves.first().map(|drawn| drawn.curve) else {
        return 0.0;
    };
    let off =
        |dot: &[f64; 2]| line_at(curve, dot[0]).map(|line| (dot[1] - line).abs() / line.abs().max(1e-12));
    panel.dots.iter().filter_map(off).fold(0.0, f64::max)
}

/// The line at a number of customers.
fn line_at(curve: &Curve, x: f64) -> Option<f64> {
    let after = curve
        .points
        .partition_point(|point| point[0] < x)
        .clamp(1, curve.points.len().max(2) - 1);
    let pair = curve.points.get(after - 1..=after)?;
    let value = along((pair[0][0], pair[0][2]), (pair[1][0], pair[1][2]), x);
    value.is_finite().then_some(value)
}

fn describe(panel: &Panel) -> String {
    let most = panel.dots.iter().map(|dot| dot[0]).fold(0.0, f64::max);
    let left_out = match panel.left_out {
        0 => String::new(),
        1 => ", and one more beyond what the model says it can carry".to_owned(),
        several => format!(", and {several} more beyond what the model says it can carry"),
    };
    sentence(&format!(
        "{}, {}: {} points up to {} customers, the farthest {} off the model{left_out}",
        panel.title,
        panel.note,
        panel.dots.len(),
        words::customers(most),
        words::share(at_least_1_percent(farthest(panel)))
    ))
}

/// A panel for each resource and behaviour: utilisation, throughput, memory, then answers.
fn panels<'a>(subject: &Subject<'a>) -> Vec<Panel<'a>> {
    let mut panels = Vec::new();
    for (id, note, most) in CHARTS {
        if let Some(chart) = subject.projection.charts.iter().find(|chart| chart.id == id) {
            let all = chart.curves.iter().filter_map(|curve| panel(chart, curve, note));
            panels.extend(all.take(most));
        }
    }
    panels.truncate(MOST);
    panels
}

fn panel<'a>(chart: &'a Chart, curve: &'a Curve, note: &str) -> Option<Panel<'a>> {
    let all: &Scatter = chart.measured.iter().find(|scatter| scatter.name == curve.name)?;
    if curve.points.len() < 2 {
        return None;
    }
    // Where the model's times grow without bound it has no line, and a step there would flatten all others.
    let end = curve.points.iter().rev().find(|point| point[2].is_finite())?[0];
    let carried = |dot: &&[f64; 2]| note != ANSWERS || dot[0] <= end * (1.0 + 1e-9);
    let dots: Vec<[f64; 2]> = all.points.iter().filter(carried).copied().collect();
    if dots.is_empty() {
        return None;
    }
    let most = dots.iter().map(|dot| dot[0]).fold(0.0, f64::max);
    let reach = curve
        .points
        .last()
        .map_or(most, |point| point[0])
        .min(most * ABOVE);
    let highest = dots.iter().map(|dot| dot[1]).fold(0.0, f64::max);
    let within = curve
        .points
        .iter()
        .filter(|point| point[0] <= reach && point[2].is_finite());
    let line = within
        .map(|point| point[2])
        .fold(highest, f64::max)
        .min(highest * 2.0);
    let limits = chart.limits.iter().filter(|limit| limit.1 <= highest * 3.0);
    let limits: Vec<(String, f64)> = limits
        .map(|limit| (limit_words(limit, &chart.y), limit.1))
        .collect();
    let top = limits
        .iter()
        .map(|limit| limit.1 * 1.12)
        .fold(line * 1.08, f64::max);
    let title = if chart.id == THROUGHPUT {
        WORK.to_owned()
    } else {
        resource(&curve.name)
    };
    Some(Panel {
        title,
        note: note.to_owned(),
        y: &chart.y,
        curves: vec![Drawn {
            curve,
            classes: [LINES[0], DOTTED[0]],
            band: Some(BANDS[0]),
            name: "model".to_owned(),
            look: NAME,
        }],
        left_out: all.points.len() - dots.len(),
        dots,
        limits,
        tested: chart.tested_to,
        most: (reach, top),
    })
}

fn limit_words((text, value): &(String, f64), y: &Axis) -> String {
    match text.as_str() {
        "saturation" => "full".to_owned(),
        "ceiling from demand" => "most it can do".to_owned(),
        other => format!("your target {}: {}", name(other), label(y, *value)),
    }
}
