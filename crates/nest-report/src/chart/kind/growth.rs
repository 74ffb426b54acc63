//! Customers by month in each growth scenario, and where each meets the first limit.

use jiff::civil::Date;
use nest_data::projection::GrowthProjection;

use crate::{
    chart::{
        about::{
            subject::{BANDS, FILLS, LINES, NAMES, Subject, THIN, WALL},
            text::{name, sentence, short},
        },
        draw::{
            axis,
            frame::{Frame, LINE},
            scale::{Scale, days},
            sheet::{Anchor, Edges, MUTED, Point, Sheet, spread},
        },
        figure::{Caption, Figure, FigureKind, compose, plain},
    },
    error::ReportError,
    format, words,
};

/// Most scenarios.
const MOST: usize = 4;
/// Height of the plot, in pixels.
const HEIGHT: f64 = 260.0;
/// Days of a month.
const MONTH: f64 = 30.44;

/// The figure; `None` for fewer than two scenarios.
pub(crate) fn figure(subject: &Subject) -> Result<Option<Figure>, ReportError> {
    let (Some(span), scenarios) = (subject.span(), scenarios(subject)) else {
        return Ok(None);
    };
    if scenarios.len() < 2 {
        return Ok(None);
    }
    let caption = Caption {
        kind: FigureKind::Growth,
        slug: "growth",
        title: title(&scenarios),
        key:
            "Equal steps are equal ratios. Shaded, thin lines: 9 in 10 cases. Other scenarios are drawn from \
              their start straight to their end. Ring: limit reached."
                .to_owned(),
        description: scenarios
            .iter()
            .map(|one| describe(one))
            .collect::<Vec<_>>()
            .join(" "),
    };
    compose(caption, |width| draw(subject, span, &scenarios, width)).map(Some)
}

/// The scenario of the dates first.
fn scenarios<'a>(subject: &Subject<'a>) -> Vec<&'a GrowthProjection> {
    let used = subject.projection.growth.as_deref();
    let mut all: Vec<&GrowthProjection> = subject.projection.growths.iter().collect();
    all.sort_by_key(|one| Some(one.name.as_str()) != used);
    all.truncate(MOST);
    all
}

fn reached(one: &GrowthProjection) -> String {
    match one.date.and_then(|date| date.value) {
        Some(date) => format!("limit about {}", words::month(date)),
        None if one.breaks < 0.05 => "no limit in these months".to_owned(),
        None => format!("{} of a limit", format::chance(one.breaks)),
    }
}

fn title(scenarios: &[&GrowthProjection]) -> String {
    let (first, other) = (scenarios[0], scenarios[1]);
    let date = |one: &GrowthProjection| one.date.and_then(|date| date.value);
    let soonest = scenarios
        .iter()
        .filter_map(|one| Some((date(one)?, *one)))
        .min_by_key(|(date, _)| *date);
    match (soonest, scenarios.iter().find(|one| date(one).is_none())) {
        (Some((date, one)), Some(never)) => format!(
            "With growth {}, the limit comes about {}; with {}, it {}",
            short(&one.name),
            words::month(date),
            short(&never.name),
            match never.breaks {
                chance if chance < 0.005 => "does not",
                chance if chance < 0.05 => "hardly does",
                _ => "may not",
            }
        ),
        (Some((date, one)), None) => {
            format!(
                "The limit comes soonest with growth {}, about {}",
                short(&one.name),
                words::month(date)
            )
        }
        (None, _) => format!(
            "Neither {} nor {} reaches a limit",
            short(&first.name),
            short(&other.name)
        ),
    }
}

fn describe(one: &GrowthProjection) -> String {
    let interval = words::count_interval(&one.end, false);
    let interval = if interval.is_empty() {
        String::new()
    } else {
        format!(" ({interval})")
    };
    sentence(&format!(
        "{}: from {} customers to {}{interval} in {} months; {}",
        name(&one.name),
        words::count(&one.start),
        words::count(&one.end),
        one.months,
        reached(one)
    ))
}

/// Value, low and high of a scenario at its start and its end, in days.
fn path(subject: &Subject, one: &GrowthProjection, start: Date, of_months: bool) -> Vec<(f64, [f64; 3])> {
    let ends = |estimate: &nest_data::Estimate| [estimate.value, estimate.low, estimate.high];
    let last = (f64::from(one.months) * MONTH, ends(&one.end));
    if of_months {
        let months = subject.base.months.iter();
        return months
            .map(|month| (days(start, month.date), ends(&month.customers)))
            .chain([last])
            .collect();
    }
    vec![(0.0, ends(&one.start)), last]
}

fn draw(subject: &Subject, (start, end): (Date, Date), scenarios: &[&GrowthProjection], width: f64) -> Sheet {
    let mut sheet = Sheet::new(width, 2_000.0);
    let wide = !sheet.is_narrow();
    let top = if wide {
        50.0
    } else {
        40.0 + scenarios.len() as f64 * 2.0 * LINE
    };
    let wall = subject.wall().and_then(|point| Some((point, point.customers?)));
    let longest = scenarios
        .iter()
        .map(|one| f64::from(one.months) * MONTH)
        .fold(days(start, end), f64::max);
    let all = scenarios
        .iter()
        .flat_map(|one| [one.start.low, one.end.low, one.end.high, one.end.value]);
    let all: Vec<f64> = all
        .chain(wall.iter().map(|wall| wall.1.value))
        .filter(|value| *value > 0.0)
        .collect();
    let (low, high) = (
        all.iter().copied().fold(f64::INFINITY, f64::min),
        all.iter().copied().fold(1.0, f64::max),
    );
    let frame = Frame {
        x: Scale::linear(
            (0.0, longest),
            (52.0, if wide { width - 200.0 } else { width - 14.0 }),
        ),
        y: Scale::logarithmic((low / 1.08, high * 1.15), (top + HEIGHT, top)),
    };
    axis::vertical(&mut sheet, &frame, "", axis::compact);
    sheet.text(
        crate::chart::draw::sheet::STRONG,
        Anchor::Start,
        (0.0, 14.0),
        "Customers",
    );
    for (index, one) in scenarios.iter().enumerate().rev() {
        scenario(&mut sheet, subject, &frame, start, one, index);
    }
    if let Some((point, customers)) = wall {
        let edges = frame.edges();
        let y = frame.y.at(customers.value);
        sheet.line("lw", &[(edges.left, y), (edges.right, y)]);
        let label = words::capital(&plain(&words::limit_label(point)));
        let room = edges.right - edges.left - 12.0;
        let whole = format!("{label} at {}", words::count(&customers));
        let text = if WALL.width(&whole) <= room {
            whole
        } else {
            WALL.fit(&label, room)
        };
        sheet.place(
            WALL,
            &text,
            &[
                (Anchor::Start, (edges.left + 6.0, y - 6.0)),
                (Anchor::Start, (edges.left + 6.0, y + 16.0)),
                (Anchor::End, (edges.right - 6.0, y + 16.0)),
                (Anchor::End, (edges.right - 6.0, y - 6.0)),
                (Anchor::Start, (edges.left + 6.0, y - 24.0)),
            ],
        );
    }
    names(&mut sheet, &frame, scenarios);
    let last = start.saturating_add(jiff::Span::new().days(longest as i64));
    axis::time(&mut sheet, &frame, (start, last), |_| None);
    sheet.height = top + HEIGHT + 28.0;
    sheet
}

fn scenario(
    sheet: &mut Sheet,
    subject: &Subject,
    frame: &Frame,
    start: Date,
    one: &GrowthProjection,
    index: usize,
) {
    let path = path(subject, one, start, index == 0);
    let line = |of: usize| -> Vec<Point> {
        path.iter()
            .map(|point| frame.at((point.0, point.1[of])))
            .collect()
    };
    if index == 0 {
        let band: Vec<(f64, f64, f64)> = path
            .iter()
            .map(|point| (point.0, point.1[1], point.1[2]))
            .collect();
        frame.band(sheet, BANDS[0], &band);
    } else {
        sheet.faint_line(THIN[index % 4], &line(1));
        sheet.faint_line(THIN[index % 4], &line(2));
    }
    sheet.line(LINES[index % 4], &line(0));
    if let Some(date) = one.date.and_then(|date| date.value) {
        let x = days(start, date);
        let customers = path.windows(2).find(|pair| pair[1].0 >= x).map(|pair| {
            let log = |at: usize| (pair[at].0, pair[at].1[0].max(1.0).ln());
            crate::chart::draw::frame::along(log(0), log(1), x).exp()
        });
        customers
            .into_iter()
            .for_each(|customers| sheet.ring(frame.at((x, customers))));
    }
}

fn names(sheet: &mut Sheet, frame: &Frame, scenarios: &[&GrowthProjection]) {
    let edges = frame.edges();
    let text = |one: &GrowthProjection| format!("{} · {}", axis::compact(one.end.value), reached(one));
    if sheet.is_narrow() {
        for (row, one) in scenarios.iter().enumerate() {
            let y = 34.0 + row as f64 * 2.0 * LINE;
            sheet.bar(
                FILLS[row % 4],
                Edges {
                    left: 0.0,
                    top: y - 6.0,
                    right: 18.0,
                    bottom: y - 3.0,
                },
            );
            let room = sheet.width - 26.0;
            sheet.text(
                NAMES[row % 4],
                Anchor::Start,
                (26.0, y),
                &NAMES[row % 4].fit(&name(&one.name), room),
            );
            sheet.text(
                MUTED,
                Anchor::Start,
                (26.0, y + LINE),
                &MUTED.fit(&text(one), room),
            );
        }
        return;
    }
    let wanted: Vec<f64> = scenarios.iter().map(|one| frame.y.at(one.end.value)).collect();
    let placed = spread(
        &wanted,
        3.0 * LINE + 4.0,
        edges.top + 8.0,
        edges.bottom - 2.0 * LINE,
    );
    let (left, room) = (edges.right + 12.0, sheet.width - edges.right - 12.0);
    for (index, (one, y)) in scenarios.iter().zip(placed).enumerate() {
        let look = NAMES[index % 4];
        sheet.text(look, Anchor::Start, (left, y), &look.fit(&name(&one.name), room));
        for (row, line) in MUTED.wrap(&text(one), room, 2).iter().enumerate() {
            sheet.text(MUTED, Anchor::Start, (left, y + (row + 1) as f64 * LINE), line);
        }
    }
}
