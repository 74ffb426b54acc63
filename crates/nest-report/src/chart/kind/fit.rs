//! Whether the model matches what was measured: dots on fitted lines, on the tested machine.

use nest_data::projection::{Chart, Curve, Scatter};

use crate::{
    chart::{
        about::{
            panel::{Drawn, Panel, draw_all},
            subject::{BANDS, DOTTED, LINES, Subject},
            text::{name, sentence, short},
        },
        draw::sheet::{Look, Sheet},
        figure::{Caption, Figure, FigureKind, compose},
    },
    error::ReportError,
    words,
};

/// Charts of the tested machine in the projection, and what each shows.
const CHARTS: [(&str, &str); 3] = [
    ("utilisation", "how busy it is"),
    ("throughput", "actions a second"),
    ("memory", "memory in use"),
];
/// Chart of answers of the tested machine.
const RESPONSE: &str = "response";
/// How far an axis reaches above the highest dot, as a factor.
const ABOVE: f64 = 1.4;
/// Most panels.
const MOST: usize = 9;
/// The name of a curve on a plot.
const NAME: Look = Look::of("k0 s h", true);

/// The figure; `None` if nothing was measured at a number of customers.
pub(crate) fn figure(subject: &Subject) -> Result<Option<Figure>, ReportError> {
    let panels = panels(subject);
    if panels.iter().all(|panel| panel.dots.is_empty()) {
        return Ok(None);
    }
    let (within, dots) = agreement(&panels);
    let caption = Caption {
        kind: FigureKind::Fit,
        slug: "fit",
        title: format!("{within} of {dots} measured points lie in the model's 9-in-10 range"),
        key: "Dots: measured on the tested machine. Line: the model. Shaded: 9 in 10 cases.".to_owned(),
        description: panels.iter().map(describe).collect::<Vec<_>>().join(" "),
    };
    compose(caption, |width| {
        let mut sheet = Sheet::new(width, 8_000.0);
        draw_all(&mut sheet, &self::panels(subject), 0.0);
        sheet
    })
    .map(Some)
}

/// How many dots lie in the band of their curve, and how many there are.
fn agreement(panels: &[Panel]) -> (usize, usize) {
    let inside = |panel: &Panel| {
        let curve = panel.curves.first().map(|drawn| drawn.curve);
        panel
            .dots
            .iter()
            .filter(|dot| curve.is_some_and(|curve| covers(curve, **dot)))
            .count()
    };
    (
        panels.iter().map(inside).sum(),
        panels.iter().map(|panel| panel.dots.len()).sum(),
    )
}

/// Whether a dot lies in the band of a curve, to 0.1 %.
fn covers(curve: &Curve, [x, y]: [f64; 2]) -> bool {
    let after = curve
        .points
        .partition_point(|point| point[0] < x)
        .clamp(1, curve.points.len().max(2) - 1);
    let Some(pair) = curve.points.get(after - 1..=after) else {
        return false;
    };
    let edge =
        |of: usize| crate::chart::draw::frame::along((pair[0][0], pair[0][of]), (pair[1][0], pair[1][of]), x);
    (edge(1) * 0.999..=edge(3) * 1.001).contains(&y)
}

fn describe(panel: &Panel) -> String {
    let (within, dots) = agreement(std::slice::from_ref(panel));
    let most = panel.dots.iter().map(|dot| dot[0]).fold(0.0, f64::max);
    sentence(&format!(
        "{}, {}: {within} of {dots} points in range, measured up to {} customers",
        panel.title,
        panel.note,
        words::customers(most)
    ))
}

/// A panel for each resource and behaviour: utilisation, throughput, memory, then answers.
fn panels<'a>(subject: &Subject<'a>) -> Vec<Panel<'a>> {
    let find = |id: &str| subject.projection.charts.iter().find(|chart| chart.id == id);
    let mut panels = Vec::new();
    for (id, note) in CHARTS {
        if let Some(chart) = find(id) {
            panels.extend(chart.curves.iter().filter_map(|curve| panel(chart, curve, note)));
        }
    }
    if let Some(chart) = find(RESPONSE) {
        panels.extend(
            chart
                .curves
                .iter()
                .filter_map(|curve| panel(chart, curve, "time of 19 in 20 answers")),
        );
    }
    panels.truncate(MOST);
    panels
}

fn panel<'a>(chart: &'a Chart, curve: &'a Curve, note: &str) -> Option<Panel<'a>> {
    let dots: &Scatter = chart.measured.iter().find(|scatter| scatter.name == curve.name)?;
    if dots.points.is_empty() || curve.points.len() < 2 {
        return None;
    }
    let most = dots.points.iter().map(|dot| dot[0]).fold(0.0, f64::max);
    let reach = curve
        .points
        .last()
        .map_or(most, |point| point[0])
        .min(most * ABOVE);
    let highest = dots.points.iter().map(|dot| dot[1]).fold(0.0, f64::max);
    let within = curve
        .points
        .iter()
        .filter(|point| point[0] <= reach && point[2].is_finite());
    let line = within
        .map(|point| point[2])
        .fold(highest, f64::max)
        .min(highest * 2.0);
    let limits = chart.limits.iter().filter(|limit| limit.1 <= highest * 3.0);
    let limits: Vec<(String, f64)> = limits.map(|limit| (limit_words(&limit.0), limit.1)).collect();
    let top = limits
        .iter()
        .map(|limit| limit.1 * 1.12)
        .fold(line * 1.08, f64::max);
    let title = if curve.name == "completed" {
        "Throughput".to_owned()
    } else {
        short(&curve.name)
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
        dots: dots.points.clone(),
        limits,
        tested: chart.tested_to,
        most: (reach, top),
    })
}

fn limit_words(text: &str) -> String {
    match text {
        "saturation" => "full".to_owned(),
        "ceiling from demand" => "most it can do".to_owned(),
        other => format!("your target {}", name(other)),
    }
}
