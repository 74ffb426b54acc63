//! The bill by month with its fans, and under it, on the same dates, when each limit is reached.

mod ladder;

use jiff::civil::Date;
use nest_data::projection::{ConfigProjection, MonthProjection};

use crate::{
    chart::{
        about::{
            subject::{BANDS, DOTTED, FAINT, FILLS, LINES, NAMES, NOTE, Subject, WALL, middle},
            text::{name, sentence, value, with_interval},
        },
        draw::{
            axis,
            frame::{BEYOND_TEST, Frame, LINE, along},
            scale::{Scale, days, rounded_up},
            sheet::{Anchor, Edges, INK, MUTED, Point, STRONG, Sheet, spread},
        },
        figure::{Caption, Figure, FigureKind, compose, plain},
    },
    error::ReportError,
    format, words,
};

/// Height of the plot, in pixels.
const HEIGHT: f64 = 260.0;
/// Distance of two bills at their end that is hardly seen, as a share of the base's.
const BESIDE: f64 = 0.06;
/// Relative difference of two bills that are the same: sums in another order end in other digits.
const SAME: f64 = 1e-9;
/// How far the axis may reach above the base's band, as a factor of the highest line.
const ABOVE: f64 = 1.15;

/// The figure; `None` if nothing grows.
pub(crate) fn figure(subject: &Subject) -> Result<Option<Figure>, ReportError> {
    let Some(span) = subject.span() else {
        return Ok(None);
    };
    let caption = Caption {
        kind: FigureKind::Bill,
        slug: "bill",
        title: title(subject),
        key: key(subject),
        description: description(subject),
    };
    compose(caption, |width| draw(subject, span, width)).map(Some)
}

fn ends(subject: &Subject) -> (String, String) {
    let cost = |month: Option<&MonthProjection>| {
        month.map_or_else(String::new, |month| words::money(&month.cost, subject.currency()))
    };
    (
        cost(subject.base.months.first()),
        cost(subject.base.months.last()),
    )
}

fn title(subject: &Subject) -> String {
    let (first, last) = ends(subject);
    let last = last.trim_start_matches("about ").to_owned();
    let cost = |month: Option<&MonthProjection>| month.map_or(0.0, |month| value(&month.cost));
    let grows = cost(subject.base.months.last()) > cost(subject.base.months.first());
    let moves = match (first == last, grows) {
        (true, _) => format!("The bill stays at {first} a month"),
        (false, true) => format!("The bill grows from {first} to {last}"),
        (false, false) => format!("The bill falls from {first} to {last}"),
    };
    let wall = match (subject.wall_date(), subject.wall()) {
        (Some(date), _) => format!("first limit about {}", words::full_month(date)),
        (None, Some(point)) if point.reached >= 0.05 => {
            format!("{} of a limit", format::chance(point.reached))
        }
        _ => "no limit comes".to_owned(),
    };
    format!("{moves}; {wall}")
}

fn key(subject: &Subject) -> String {
    let dotted = if subject.base.months.iter().any(|month| month.extrapolated) {
        " Dotted: beyond the load test."
    } else {
        ""
    };
    format!(
        "Shaded: 9 in 10 cases; darker: the middle half.{dotted} Strips: the stronger the colour, the \
         likelier the limit is reached by then; dotted mark 1 in 20, full mark best guess."
    )
}

fn description(subject: &Subject) -> String {
    let bills = subject.shown().into_iter().filter_map(|config| {
        let (first, last) = (config.months.first()?, config.months.last()?);
        Some(format!(
            "{}: {} in {}, {} in {}.",
            name(&config.name),
            with_interval(&first.cost, &config.currency),
            words::full_month(first.date),
            with_interval(&last.cost, &config.currency),
            words::full_month(last.date)
        ))
    });
    let limits = ladder::rows(subject).into_iter().map(|row| {
        format!(
            "{}: {}.",
            row.long,
            [row.chance, row.when]
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect::<Vec<_>>()
                .join(", ")
        )
    });
    let never = ladder::never(subject);
    let all: Vec<String> = bills
        .chain(limits)
        .chain((!never.is_empty()).then(|| sentence(&words::capital(&never))))
        .collect();
    all.join(" ")
}

/// Where the parts of the picture lie.
struct Places {
    left: f64,
    right: f64,
    top: f64,
}

fn places(sheet: &Sheet, series: usize) -> Places {
    if sheet.is_narrow() {
        Places {
            left: 52.0,
            right: sheet.width - 14.0,
            top: 56.0 + series as f64 * 2.0 * LINE,
        }
    } else {
        let left = if sheet.is_wide() { 236.0 } else { 64.0 };
        let right = sheet.width - if sheet.is_wide() { 196.0 } else { 162.0 };
        Places {
            left,
            right,
            top: 52.0,
        }
    }
}

fn draw(subject: &Subject, (start, end): (Date, Date), width: f64) -> Sheet {
    let mut sheet = Sheet::new(width, 2_000.0);
    let shown = subject.shown();
    let places = places(&sheet, shown.len());
    let bottom = places.top + HEIGHT;
    let frame = Frame {
        x: Scale::linear((0.0, days(start, end)), (places.left, places.right)),
        y: Scale::linear((0.0, top(subject, &shown)), (bottom, places.top)),
    };
    let currency = subject.currency();
    frame.beyond(&mut sheet, subject.tested_days(), BEYOND_TEST);
    axis::vertical(&mut sheet, &frame, "", |tick| axis::money(tick, currency));
    sheet.text(STRONG, Anchor::Start, (0.0, 14.0), "Bill a month");
    for config in shown.iter().rev() {
        fan(&mut sheet, &frame, subject, config, start);
    }
    for config in shown.iter().rev() {
        let role = subject.role(&config.name);
        frame.line(
            &mut sheet,
            [LINES[role], DOTTED[role]],
            &subject.bill(config),
            subject.tested_days(),
        );
    }
    let rows = ladder::rows(subject);
    let under = bottom + 66.0;
    let height = under + ladder::height(&sheet, rows.len());
    wall(&mut sheet, subject, &frame, start, height);
    names(&mut sheet, subject, &frame, &shown);
    crossings(&mut sheet, subject, &frame, &shown, start);
    servers(&mut sheet, subject, &frame, start);
    axis::time(&mut sheet, &frame, (start, end), |date| {
        customers_on(subject, date)
    });
    let below = if sheet.is_wide() {
        (0.0, bottom + 35.0)
    } else {
        (0.0, bottom + 53.0)
    };
    sheet.text(MUTED, Anchor::Start, below, "customers under each month");
    ladder::draw(&mut sheet, &frame, start, under, &rows);
    sheet.height = height;
    sheet
}

/// The top of the axis: it holds every line and the base's band.
fn top(subject: &Subject, shown: &[&ConfigProjection]) -> f64 {
    let line = shown
        .iter()
        .flat_map(|config| &config.months)
        .map(|month| value(&month.cost));
    let band = subject.base.months.iter().map(|month| month.cost.high);
    let line = line.fold(0.0, f64::max) * ABOVE;
    rounded_up(band.fold(line, f64::max), axis::MOST)
}

fn fan(sheet: &mut Sheet, frame: &Frame, subject: &Subject, config: &ConfigProjection, start: Date) {
    let role = subject.role(&config.name);
    let of = |ends: fn(&MonthProjection) -> (f64, f64)| -> Vec<(f64, f64, f64)> {
        let with_ends = |month| (middle(start, month), ends(month).0, ends(month).1);
        config.months.iter().map(with_ends).collect()
    };
    if role > 0 && is_beside_the_base(subject, config) {
        return;
    }
    let most = of(|month| (month.cost.low, month.cost.high));
    frame.band(sheet, BANDS[role], &most);
    let half = of(|month| (month.cost_quartiles[0], month.cost_quartiles[1]));
    frame.band(sheet, BANDS[role], &half);
}

/// Whether a set-up ends so near the base that its fan would only hide the base's.
fn is_beside_the_base(subject: &Subject, config: &ConfigProjection) -> bool {
    let end = |config: &ConfigProjection| config.months.last().map_or(0.0, |month| value(&month.cost));
    (end(config) - end(subject.base)).abs() < BESIDE * end(subject.base)
}

/// The first wall: one line through the bill and the ladder.
fn wall(sheet: &mut Sheet, subject: &Subject, frame: &Frame, start: Date, bottom: f64) {
    let (Some(date), Some(point)) = (subject.wall_date(), subject.wall()) else {
        return;
    };
    let label = plain(&words::limit_label(point));
    let texts = [words::capital(&label), format!("about {}", words::month(date))];
    frame.wall(sheet, days(start, date), bottom - 6.0, WALL, &texts);
}

/// Names and end values: at the right, on a phone above the plot.
fn names(sheet: &mut Sheet, subject: &Subject, frame: &Frame, shown: &[&ConfigProjection]) {
    let edges = frame.edges();
    let lasts: Vec<_> = shown
        .iter()
        .filter_map(|config| Some((*config, config.months.last()?)))
        .collect();
    if sheet.is_narrow() {
        for (row, (config, last)) in lasts.iter().enumerate() {
            let y = 34.0 + row as f64 * 2.0 * LINE;
            let role = subject.role(&config.name);
            sheet.bar(
                FILLS[role],
                Edges {
                    left: 0.0,
                    top: y - 5.0,
                    right: 18.0,
                    bottom: y - 2.0,
                },
            );
            let room = sheet.width - 26.0;
            sheet.text(
                NAMES[role],
                Anchor::Start,
                (26.0, y),
                &NAMES[role].fit(&name(&config.name), room),
            );
            let text = format!(
                "{} in {}",
                with_interval(&last.cost, &config.currency),
                words::month(last.date)
            );
            sheet.text(INK, Anchor::Start, (26.0, y + LINE), &INK.fit(&text, room));
        }
        return;
    }
    let wanted: Vec<f64> = lasts
        .iter()
        .map(|(_, last)| frame.y.at(value(&last.cost)) - 4.0)
        .collect();
    let placed = spread(
        &wanted,
        3.0 * LINE + 4.0,
        edges.top + 4.0,
        edges.bottom - 2.0 * LINE,
    );
    let (left, room) = (edges.right + 12.0, sheet.width - edges.right - 12.0);
    if let Some((_, last)) = lasts.first() {
        sheet.text(
            MUTED,
            Anchor::Start,
            (left, edges.top - 20.0),
            &words::month(last.date),
        );
    }
    for ((config, last), y) in lasts.iter().zip(placed) {
        let look = NAMES[subject.role(&config.name)];
        sheet.text(
            look,
            Anchor::Start,
            (left, y),
            &look.fit(&name(&config.name), room),
        );
        let text = words::money(&last.cost, &config.currency);
        sheet.text(STRONG, Anchor::Start, (left, y + LINE), &STRONG.fit(&text, room));
        let interval = words::money_interval(&last.cost, &config.currency);
        sheet.text(
            MUTED,
            Anchor::Start,
            (left, y + 2.0 * LINE),
            &MUTED.fit(&interval, room),
        );
    }
}

/// A ring where the line of another set-up crosses the base's for the last time.
fn crossings(sheet: &mut Sheet, subject: &Subject, frame: &Frame, shown: &[&ConfigProjection], start: Date) {
    let base = subject.bill(subject.base);
    for other in shown.iter().skip(1) {
        let Some((at, dearer)) = crossing(&base, &subject.bill(other)) else {
            continue;
        };
        let point = frame.at(at);
        sheet.ring(point);
        let month = start.saturating_add(jiff::Span::new().days(at.0 as i64));
        let change = if dearer {
            "becomes dearer"
        } else {
            "becomes cheaper"
        };
        let text = format!("{} {change}", name(&other.name));
        let dated = format!("{text}, {}", words::month(month));
        let room = (sheet.width * 0.42).max(190.0);
        let text = if NOTE.width(&dated) <= room {
            dated
        } else {
            NOTE.fit(&text, room)
        };
        sheet.place(NOTE, &text, &Sheet::around(point));
    }
}

/// Where two lines cross for the last time, and whether the second is above the first from there on. Lines
/// that meet, or part, without changing places do not cross.
fn crossing(base: &[Point], other: &[Point]) -> Option<(Point, bool)> {
    let gap = |index: usize| {
        let (one, two) = (base[index].1, other[index].1);
        let same = (two - one).abs() <= SAME * one.abs().max(two.abs());
        if same { 0.0 } else { two - one }
    };
    let apart: Vec<usize> = (0..base.len().min(other.len()))
        .filter(|index| gap(*index) != 0.0)
        .collect();
    let pair = apart
        .windows(2)
        .rev()
        .find(|pair| gap(pair[0]) * gap(pair[1]) < 0.0)?;
    let (before, after) = (pair[1] - 1, pair[1]);
    let x = along((gap(before), base[before].0), (gap(after), base[after].0), 0.0);
    Some(((x, along(base[before], base[after], x)), gap(after) > 0.0))
}

/// A mark on the base's line where growth adds a server.
fn servers(sheet: &mut Sheet, subject: &Subject, frame: &Frame, start: Date) {
    let line = subject.bill(subject.base);
    let steps = subject.base.unit_steps.iter().filter(|step| step.allowed);
    for (step, date) in steps.filter_map(|step| Some((step, step.date.value?))).take(4) {
        let x = days(start, date);
        let after = line
            .partition_point(|point| point.0 < x)
            .clamp(1, line.len().max(2) - 1);
        let Some(pair) = line.get(after - 1..=after) else {
            continue;
        };
        let (at, y) = frame.at((x, along(pair[0], pair[1], x)));
        sheet.faint_line("lx", &[(at, y - 7.0), (at, y + 7.0)]);
        sheet.place(
            FAINT,
            &format!(
                "{} {}",
                words::ordinal(step.units),
                plain(&words::unit_of(subject.base, &step.resource))
            ),
            &Sheet::around((at, y)),
        );
    }
}

fn customers_on(subject: &Subject, date: Date) -> Option<String> {
    let month = subject.base.months.iter().find(|month| month.date == date);
    let end = || {
        let named = subject
            .projection
            .growths
            .iter()
            .find(|one| Some(&one.name) == subject.projection.growth.as_ref());
        named.filter(|_| subject.span().is_some_and(|(_, end)| end == date))
    };
    let customers = month
        .map(|month| month.customers)
        .or_else(|| end().map(|growth| growth.end))?;
    Some(axis::compact(customers.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_cross_where_their_difference_changes_its_sign() {
        let base = [(0.0, 4.0), (1.0, 4.0), (2.0, 4.0)];
        let other = [(0.0, 2.0), (1.0, 3.0), (2.0, 5.0)];
        assert_eq!(crossing(&base, &other), Some(((1.5, 4.0), true)));
        assert_eq!(crossing(&base, &base), None);
        // Lines that meet and then stay together, or that part, do not change places.
        for meeting in [[2.0, 4.0, 5.0], [6.0, 4.0, 5.0], [3.0, 4.0, 6.0], [3.0, 4.0, 4.0]] {
            let base = [(0.0, 3.0), (1.0, 4.0), (2.0, 5.0)];
            let meeting: Vec<Point> = base.iter().zip(meeting).map(|((x, _), y)| (*x, y)).collect();
            assert_eq!(crossing(&base, &meeting), None, "{meeting:?}");
        }
    }
}
