//! How long customers wait for an answer as more of them come: a panel a set-up, three lines for half, 19 in
//! 20 and 99 in 100 answers.

use nest_data::projection::{Chart, Curve};

use crate::{
    chart::{
        about::{
            panel::{Drawn, Panel, draw_all},
            subject::{BANDS, DOTTED, LINES, Subject, THIN, THIN_DOTTED},
            text::{name, sentence, short, two_digits},
        },
        draw::sheet::{MUTED, Sheet},
        figure::{Caption, Figure, FigureKind, compose},
    },
    error::ReportError,
    format, words,
};

/// Quantiles with their curves in the projection, and words for each.
const QUANTILES: [(&str, &str); 3] = [
    ("response-p50", "half"),
    ("response-p95", "19 in 20"),
    ("response-p99", "99 in 100"),
];
/// How far the axis reaches above the target or what is waited now, as a factor.
const ABOVE: f64 = 1.35;

/// The figure; `None` if the projection has no such curves.
pub(crate) fn figure(subject: &Subject) -> Result<Option<Figure>, ReportError> {
    let charts: Vec<(&Chart, &str)> = QUANTILES
        .iter()
        .filter_map(|(id, words)| {
            Some((
                subject.projection.charts.iter().find(|chart| chart.id == *id)?,
                *words,
            ))
        })
        .collect();
    let behaviour = charts
        .first()
        .map_or_else(String::new, |(chart, _)| behaviour(chart));
    if panels(subject, &charts).is_empty() {
        return Ok(None);
    }
    let caption = Caption {
        kind: FigureKind::Response,
        slug: "response",
        title: title(subject, &charts, &behaviour),
        key: format!(
            "Time from when {} is due to its last byte. Lines from below: half, 19 in 20 (thick) and 99 in \
             100 answers come at least as soon. Shaded: 9 in 10 cases of 19 in 20. Dotted: beyond the load \
             test.",
            if behaviour.is_empty() {
                "an answer".to_owned()
            } else {
                format!("an answer of {behaviour}")
            }
        ),
        description: description(subject, &charts),
    };
    compose(caption, |width| {
        let mut sheet = Sheet::new(width, 4_000.0);
        draw_all(&mut sheet, &panels(subject, &charts), 0.0);
        sheet
    })
    .map(Some)
}

/// The behaviour that a chart is about, as far as its title tells.
fn behaviour(chart: &Chart) -> String {
    let title = chart
        .title
        .strip_prefix("How long does ")
        .and_then(|rest| rest.split_once(" take"));
    title.map_or_else(String::new, |(behaviour, _)| short(behaviour))
}

/// The target on the chart of 19 in 20 answers.
fn target(charts: &[(&Chart, &str)]) -> Option<f64> {
    charts
        .iter()
        .flat_map(|(chart, _)| &chart.limits)
        .map(|limit| limit.1)
        .min_by(f64::total_cmp)
}

fn curve<'a>(chart: &'a Chart, config: &str) -> Option<&'a Curve> {
    chart.curves.iter().find(|curve| {
        curve.name == config && curve.points.iter().filter(|point| point[2].is_finite()).count() > 1
    })
}

/// Time of a curve at a number of customers.
fn time_at(curve: &Curve, customers: f64) -> Option<f64> {
    let after = curve
        .points
        .partition_point(|point| point[0] < customers)
        .clamp(1, curve.points.len() - 1);
    let pair = curve.points.get(after - 1..=after)?;
    let value =
        crate::chart::draw::frame::along((pair[0][0], pair[0][2]), (pair[1][0], pair[1][2]), customers);
    value.is_finite().then_some(value)
}

fn title(subject: &Subject, charts: &[(&Chart, &str)], behaviour: &str) -> String {
    let chart = charts
        .iter()
        .find(|chart| chart.1 == "19 in 20")
        .or(charts.first());
    let time = chart.and_then(|(chart, _)| {
        let time = time_at(curve(chart, &subject.base.name)?, subject.base.bill.customers)?;
        Some(format::duration(two_digits(time)))
    });
    let on = short(&subject.base.name);
    match time {
        Some(time) if behaviour.is_empty() => format!("On {on}, 19 in 20 answers now take at most {time}"),
        Some(time) => format!("On {on}, 19 in 20 {behaviour} answers now take at most {time}"),
        None => "How long customers wait for an answer".to_owned(),
    }
}

fn description(subject: &Subject, charts: &[(&Chart, &str)]) -> String {
    let now = subject.base.bill.customers;
    let mut parts: Vec<String> = Vec::new();
    for config in subject.shown() {
        let times: Vec<String> = charts
            .iter()
            .filter_map(|(chart, words)| {
                let time = time_at(curve(chart, &config.name)?, now)?;
                Some(format!("{words} within {}", format::duration(two_digits(time))))
            })
            .collect();
        if !times.is_empty() {
            let at = words::customers(now);
            parts.push(sentence(&format!(
                "{} at {at} customers: {}",
                name(&config.name),
                times.join(", ")
            )));
        }
    }
    let target = target(charts).map(|target| format!("Your target is {}.", format::duration(target)));
    let whose =
        "These times are calculated for each set-up's own servers, not measured on the tested machine.";
    parts
        .into_iter()
        .chain(Some(whose.to_owned()))
        .chain(target)
        .collect::<Vec<_>>()
        .join(" ")
}

fn panels<'a>(subject: &Subject<'a>, charts: &[(&'a Chart, &str)]) -> Vec<Panel<'a>> {
    let highest = highest(subject, charts);
    subject
        .shown()
        .into_iter()
        .filter_map(|config| panel(subject, charts, &config.name, highest))
        .collect()
}

/// The top of the axis: the target, or three times what is waited now.
fn highest(subject: &Subject, charts: &[(&Chart, &str)]) -> f64 {
    let now = subject.base.bill.customers;
    let times = subject.shown().into_iter().flat_map(|config| {
        charts
            .iter()
            .filter_map(move |(chart, _)| time_at(curve(chart, &config.name)?, now))
    });
    let waited = times.fold(0.0, f64::max);
    target(charts).map_or(waited * 3.0, |target| target.max(waited)) * ABOVE
}

fn panel<'a>(
    subject: &Subject<'a>,
    charts: &[(&'a Chart, &str)],
    config: &str,
    highest: f64,
) -> Option<Panel<'a>> {
    let role = subject.role(config);
    let curves: Vec<Drawn> = charts
        .iter()
        .filter_map(|(chart, words)| {
            let main = *words == "19 in 20";
            Some(Drawn {
                curve: curve(chart, config)?,
                classes: if main {
                    [LINES[role], DOTTED[role]]
                } else {
                    [THIN[role], THIN_DOTTED[role]]
                },
                band: main.then_some(BANDS[role]),
                name: String::new(),
                look: MUTED,
            })
        })
        .collect();
    let chart = charts.first()?.0;
    let drawn = charts.iter().filter(|(chart, _)| curve(chart, config).is_some());
    let words: Vec<&str> = drawn.map(|(_, words)| *words).collect();
    let most = curves
        .iter()
        .filter_map(|drawn| drawn.curve.points.last())
        .map(|point| point[0])
        .fold(0.0, f64::max);
    let limits = target(charts).map(|target| (format!("your target: {}", format::duration(target)), target));
    (!curves.is_empty()).then(|| Panel {
        title: name(config),
        // The lines lie so close to each other that names beside them would be read as another's.
        note: format!("{}, from below", words.join(", ")),
        y: &chart.y,
        curves,
        dots: Vec::new(),
        left_out: 0,
        limits: limits.into_iter().collect(),
        tested: chart.tested_to,
        most: (most, highest),
    })
}
