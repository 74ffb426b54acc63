//! The bill by month, a panel a set-up on the same axes, with the base behind each.

use jiff::civil::Date;
use nest_data::projection::ConfigProjection;

use super::setups::room;
use crate::{
    chart::{
        about::{
            subject::{BANDS, LINES, NAMES, Subject, WALL, middle},
            text::{float, name, sentence, shape, value, with_interval},
        },
        draw::{
            axis,
            frame::{Frame, LINE},
            scale::{Scale, days, rounded_up},
            sheet::{Anchor, INK, MUTED, Point, STRONG, Sheet},
        },
        figure::{Caption, Figure, FigureKind, compose},
    },
    error::ReportError,
    words,
};

/// Least number of set-ups for which panels are worth their room.
const LEAST: usize = 3;
/// Height of a plot, in pixels.
const HEIGHT: f64 = 130.0;
/// Height of a panel with its words, in pixels.
const PANEL: f64 = 284.0;
/// Gap between panels, in pixels.
const GAP: f64 = 26.0;

/// The figure; `None` for fewer than three set-ups, and where nothing grows.
pub(crate) fn figure(subject: &Subject) -> Result<Option<Figure>, ReportError> {
    let configs: Vec<&ConfigProjection> = std::iter::once(subject.base)
        .chain(subject.others())
        .filter(|config| !config.months.is_empty())
        .collect();
    let Some(span) = subject.span().filter(|_| configs.len() >= LEAST) else {
        return Ok(None);
    };
    let caption = Caption {
        kind: FigureKind::SmallMultiples,
        slug: "small-multiples",
        title: title(&configs),
        key: format!("Thin line: {}. Shaded: 9 in 10 cases.", name(&subject.base.name)),
        description: configs
            .iter()
            .map(|config| describe(subject, config))
            .collect::<Vec<_>>()
            .join(" "),
    };
    compose(caption, |width| draw(subject, span, &configs, width)).map(Some)
}

fn title(configs: &[&ConfigProjection]) -> String {
    let first = |config: &ConfigProjection| {
        let failing = config.break_points.iter().filter(|point| point.kind.is_failure());
        failing
            .filter_map(|point| Some((point.date?.value?, point.cause.clone())))
            .min()
    };
    let walls: Vec<_> = configs.iter().map(|config| first(config)).collect();
    let cause = |wall: &Option<(Date, String)>| wall.as_ref().map(|wall| wall.1.clone());
    match walls.first() {
        Some(Some((date, _))) if walls.iter().all(|wall| cause(wall) == cause(&walls[0])) => {
            format!(
                "All {} set-ups meet the same limit, about {}",
                configs.len(),
                words::month(*date)
            )
        }
        _ => "How the bill of each set-up grows, and how long it has room".to_owned(),
    }
}

/// The total and its difference, as everywhere else.
fn total(subject: &Subject, config: &ConfigProjection) -> Option<words::Compared> {
    let comparison = subject.projection.comparison.as_ref()?;
    words::total_of(comparison, &config.name, &config.currency)
}

fn describe(subject: &Subject, config: &ConfigProjection) -> String {
    let ends = config.months.first().zip(config.months.last());
    let bills = ends.map_or_else(String::new, |(first, last)| {
        format!(
            "{} a month in {}, {} in {}; ",
            words::money(&first.cost, &config.currency),
            words::full_month(first.date),
            with_interval(&last.cost, &config.currency),
            words::full_month(last.date)
        )
    });
    let total = total(subject, config)
        .map_or_else(String::new, |total| format!("{} in all; ", total.with_interval()));
    sentence(&format!("{}: {bills}{total}{}", name(&config.name), room(config)))
}

fn draw(subject: &Subject, span: (Date, Date), configs: &[&ConfigProjection], width: f64) -> Sheet {
    let mut sheet = Sheet::new(width, 2_000.0 + configs.len() as f64 * (PANEL + LINE));
    let columns = match width {
        width if width > 900.0 => configs.len().clamp(3, 4),
        width if width > 500.0 && configs.len() == 3 => 3,
        width if width > 500.0 => 2,
        _ => 1,
    };
    let room = (width - GAP * (columns - 1) as f64) / columns as f64;
    let lines = |config: &&ConfigProjection| MUTED.wrap(&shape(config), room, 3).len();
    let extra = configs.iter().map(lines).max().unwrap_or(1).saturating_sub(1) as f64 * LINE;
    let height = PANEL + extra;
    let most = configs
        .iter()
        .flat_map(|config| &config.months)
        .map(|month| value(&month.cost))
        .fold(0.0, f64::max);
    let top = rounded_up(most * 1.05, 3);
    for (index, config) in configs.iter().enumerate() {
        let corner = (
            (index % columns) as f64 * (room + GAP),
            (index / columns) as f64 * height,
        );
        panel(&mut sheet, subject, span, config, (corner, room, top), extra);
    }
    sheet.height = configs.len().div_ceil(columns) as f64 * height - 14.0;
    sheet
}

fn panel(
    sheet: &mut Sheet,
    subject: &Subject,
    (start, end): (Date, Date),
    config: &ConfigProjection,
    ((left, above), room, top): (Point, f64, f64),
    extra: f64,
) {
    let role = subject.role(&config.name);
    let look = NAMES[role];
    sheet.text(
        look,
        Anchor::Start,
        (left, above + 14.0),
        &look.fit(&name(&config.name), room),
    );
    for (row, line) in MUTED.wrap(&shape(config), room, 3).iter().enumerate() {
        sheet.text(
            MUTED,
            Anchor::Start,
            (left, above + 30.0 + row as f64 * LINE),
            line,
        );
    }
    let plot = above + 46.0 + extra;
    let ticks = Scale::linear((0.0, top), (0.0, 1.0)).ticks(3);
    let labels = axis::room(&ticks, |tick| axis::money(tick, &config.currency));
    let frame = Frame {
        x: Scale::linear((0.0, days(start, end)), (left + labels, left + room - 4.0)),
        y: Scale::linear((0.0, top), (plot + HEIGHT, plot)),
    };
    plot_bill(sheet, subject, &frame, start, config);
    let edges = frame.edges();
    let ends = [
        (Anchor::Start, edges.left, start),
        (
            Anchor::End,
            edges.right,
            config.months.last().map_or(start, |month| month.date),
        ),
    ];
    for (anchor, x, date) in ends {
        sheet.text(MUTED, anchor, (x, edges.bottom + 18.0), &words::month(date));
    }
    words_below(
        sheet,
        subject,
        config,
        (left, edges.bottom + 18.0 + LINE + 4.0),
        room,
    );
}

fn plot_bill(sheet: &mut Sheet, subject: &Subject, frame: &Frame, start: Date, config: &ConfigProjection) {
    let (edges, role) = (frame.edges(), subject.role(&config.name));
    for tick in frame.y.ticks(3) {
        let y = frame.y.at(tick);
        sheet.faint_line("gr", &[(edges.left, y), (edges.right, y)]);
        sheet.text(
            MUTED,
            Anchor::End,
            (edges.left - 6.0, y + 4.0),
            &axis::money(tick, &config.currency),
        );
    }
    sheet.faint_line("ax", &[(edges.left, edges.bottom), (edges.right, edges.bottom)]);
    let band: Vec<(f64, f64, f64)> = config
        .months
        .iter()
        .map(|month| (middle(start, month), month.cost.low, month.cost.high))
        .collect();
    frame.band(sheet, BANDS[role], &band);
    if role > 0 {
        frame.line(
            sheet,
            ["l0 t", "l0 t"],
            &subject.bill(subject.base),
            f64::INFINITY,
        );
    }
    frame.line(
        sheet,
        [LINES[role], LINES[role]],
        &subject.bill(config),
        f64::INFINITY,
    );
    let failing = config.break_points.iter().filter(|point| point.kind.is_failure());
    let first = failing
        .filter_map(|point| Some((point.date?.value?, point)))
        .min_by_key(|(date, _)| *date);
    if let Some((date, point)) = first {
        let label = crate::chart::figure::plain(&words::limit_label(point));
        let at = frame.x.at(days(start, date));
        let room = (at - edges.left).max(edges.right - at) - 10.0;
        let label = words::capital(&label).replace(" %", "\u{a0}%");
        let mut texts = WALL.wrap(&label, room, 3);
        texts.push(words::month(date));
        frame.wall(sheet, days(start, date), edges.bottom, WALL, &texts);
    }
}

fn words_below(
    sheet: &mut Sheet,
    subject: &Subject,
    config: &ConfigProjection,
    (left, top): Point,
    room: f64,
) {
    let Some(total) = total(subject, config) else {
        return;
    };
    let currency = &config.currency;
    let months = config.months.len();
    let paid = config.migration.filter(|cost| float(*cost) > 0.0);
    let moving = paid.map_or_else(String::new, |cost| {
        format!("moving {}, included", words::amount(float(cost), currency))
    });
    let change = if subject.role(&config.name) == 0 {
        String::new()
    } else {
        format!("{} against {}", total.about_change(), name(&subject.base.name))
    };
    let total = format!("{months} months: {}", total.about());
    for (row, (look, text)) in [
        (STRONG, total),
        (INK, change),
        (MUTED, moving),
        (MUTED, self::room(config)),
    ]
    .into_iter()
    .filter(|(_, text)| !text.is_empty())
    .enumerate()
    {
        sheet.text(
            look,
            Anchor::Start,
            (left, top + row as f64 * LINE),
            &look.fit(&text, room),
        );
    }
}
