//! The ladder of limits: a strip for each, as strong as the chance that it is reached by then.

use jiff::civil::Date;
use nest_data::{
    Estimate,
    projection::{BreakDate, BreakKind, BreakPoint, UnitStep},
};

use crate::{
    chart::{
        about::subject::Subject,
        draw::{
            frame::{Frame, along},
            scale::days,
            sheet::{Anchor, Edges, Look, MUTED, STRONG, Sheet},
        },
        figure::plain,
    },
    format, words,
};

/// Most strips.
const MOST: usize = 7;
/// Chance from which on a limit has a strip.
const LEAST: f64 = 0.01;
/// Height of a strip, in pixels.
const STRIP: f64 = 14.0;
/// Classes of cells by strength, for each colour.
const STRENGTHS: [[&str; 9]; 3] = [
    [
        "fw p1", "fw p2", "fw p3", "fw p4", "fw p5", "fw p6", "fw p7", "fw p8", "fw p9",
    ],
    [
        "fn p1", "fn p2", "fn p3", "fn p4", "fn p5", "fn p6", "fn p7", "fn p8", "fn p9",
    ],
    [
        "f0 p1", "f0 p2", "f0 p3", "f0 p4", "f0 p5", "f0 p6", "f0 p7", "f0 p8", "f0 p9",
    ],
];

/// Words beside and above strips, which the wall may cross.
const BOLD: Look = Look::of("i s h", true);
/// The same of second rank.
const FAINT: Look = Look::of("h", false);

/// Colour of a strip: what is reached.
#[derive(Debug, Clone, Copy)]
enum Tone {
    Limit,
    Warning,
    CostStep,
}

/// A strip with its words.
#[derive(Debug, Clone)]
pub(super) struct Row {
    tone: Tone,
    /// In few words.
    short: String,
    /// In a sentence.
    pub long: String,
    note: String,
    /// How likely by the end.
    pub chance: String,
    /// When.
    pub when: String,
    /// Chance that it is reached by a day, 0-1.
    by_day: Vec<(Date, f64)>,
    marks: [Option<Date>; 2], // 1 in 20, best guess
    reached: f64,
}

/// What the base meets within the months, the earliest first.
pub(super) fn rows(subject: &Subject) -> Vec<Row> {
    let mut rows: Vec<Row> = limits(subject).chain(steps(subject)).collect();
    let order = |row: &Row| (row.marks[1].is_none(), row.marks[1].or(row.marks[0]));
    rows.sort_by(|left, right| {
        order(left)
            .cmp(&order(right))
            .then(right.reached.total_cmp(&left.reached))
    });
    rows.truncate(MOST);
    rows
}

fn limits<'a>(subject: &'a Subject) -> impl Iterator<Item = Row> + 'a {
    let points = &subject.base.break_points;
    let first_of_kind = move |index: usize, point: &BreakPoint| {
        let same = |other: &BreakPoint| target(other).is_some() && target(other) == target(point);
        !points[..index].iter().any(same)
    };
    points
        .iter()
        .enumerate()
        .filter(|(_, point)| point.reached >= LEAST && !point.chance_by_month.is_empty())
        .filter(move |(index, point)| first_of_kind(*index, point))
        .map(|(_, point)| limit_row(subject, point))
}

/// The target that an objective belongs to: several behaviours may miss it at about the same time.
fn target(point: &BreakPoint) -> Option<&str> {
    (point.kind == BreakKind::Slo).then(|| point.cause.split(": ").next().unwrap_or(&point.cause))
}

fn limit_row(subject: &Subject, point: &BreakPoint) -> Row {
    let (tone, kind) = match (point.kind.is_failure(), point.nature) {
        (false, _) => (Tone::Warning, "warning"),
        (true, nest_data::projection::LimitNature::Choice) => (Tone::Limit, "your limit"),
        (true, nest_data::projection::LimitNature::Hard) => (Tone::Limit, "hard limit"),
    };
    Row {
        tone,
        short: words::capital(&plain(&words::limit_label(point))),
        long: words::capital(&plain(&words::limit(
            subject.projection,
            &subject.base.name,
            point,
        ))),
        note: at_customers(kind, point.customers.as_ref()),
        chance: format::chance(point.reached),
        when: when(point.date.as_ref()),
        by_day: point.chance_by_month.clone(),
        marks: [
            point.date.and_then(|date| date.low),
            point.date.and_then(|date| date.value),
        ],
        reached: point.reached,
    }
}

fn at_customers(kind: &str, customers: Option<&Estimate>) -> String {
    match customers {
        Some(customers) => format!(
            "{kind} · {} customers",
            words::count(customers).trim_start_matches("about ")
        ),
        None => kind.to_owned(),
    }
}

fn when(date: Option<&BreakDate>) -> String {
    match date.map(|date| (date.value, date.low)) {
        Some((Some(value), _)) => format!("about {}", words::month(value)),
        Some((None, Some(low))) => format!("1 in 20 by {}", words::month(low)),
        _ => String::new(),
    }
}

fn steps<'a>(subject: &'a Subject) -> impl Iterator<Item = Row> + 'a {
    let allowed = subject.base.unit_steps.iter().filter(|step| step.allowed);
    allowed
        .filter(|step| step.date.value.is_some())
        .take(2)
        .filter_map(|step| step_row(subject, step))
}

fn step_row(subject: &Subject, step: &UnitStep) -> Option<Row> {
    let by_day = interpolated(subject, step)?;
    let unit = plain(&words::unit_of(subject.base, &step.resource));
    let text = words::capital(&format!("{} {unit} is needed", words::an_ordinal(step.units)));
    let stand_by = if words::has_stand_by(subject.base) {
        ", those standing by counted"
    } else {
        ""
    };
    Some(Row {
        tone: Tone::CostStep,
        long: format!("{text}{stand_by}"),
        short: text,
        note: at_customers("cost step", Some(&step.customers)),
        chance: format::chance(step.reached),
        when: when(Some(&step.date)),
        by_day,
        marks: [step.date.low, step.date.value],
        reached: step.reached,
    })
}

/// The chance on the first day of each month, on straight lines between the dates that are known: 5, 50 and
/// 95 in 100, and the end.
fn interpolated(subject: &Subject, step: &UnitStep) -> Option<Vec<(Date, f64)>> {
    let (start, end) = subject.span()?;
    let at = |date: Date| days(start, date);
    let date = &step.date;
    let late = date.high.map_or((end, step.reached), |high| (high, 0.95));
    let known: Vec<(f64, f64)> = [
        (date.low, 0.05),
        (date.value, step.reached.min(0.5)),
        (Some(late.0), late.1),
    ]
    .into_iter()
    .filter_map(|(date, chance)| Some((at(date?), chance)))
    .collect();
    let chance = |day: f64| {
        let after = known.partition_point(|point| point.0 <= day);
        match (
            after.checked_sub(1).and_then(|before| known.get(before)),
            known.get(after),
        ) {
            (Some(before), Some(after)) => along(*before, *after, day),
            (Some(last), None) if last.1 >= 0.95 => 1.0,
            (Some(last), None) => last.1,
            _ => 0.0,
        }
    };
    let days_of = subject.base.months.iter().map(|month| month.date).chain([end]);
    Some(days_of.map(|date| (date, chance(at(date)))).collect())
}

/// The limits that are hardly reached, in a sentence without its stop; empty if there is none.
pub(super) fn never(subject: &Subject) -> String {
    let mut names: Vec<String> = Vec::new();
    for point in subject
        .base
        .break_points
        .iter()
        .filter(|point| point.reached < LEAST)
    {
        let text = plain(&words::limit_label(point));
        if !names.contains(&text) {
            names.push(text);
        }
    }
    if names.is_empty() {
        String::new()
    } else {
        format!("hardly reached in these months: {}", words::listed(&names))
    }
}

/// Height of all strips with their heading, in pixels.
pub(super) fn height(sheet: &Sheet, rows: usize) -> f64 {
    if rows == 0 {
        6.0
    } else {
        34.0 + rows as f64 * pitch(sheet)
    }
}

fn pitch(sheet: &Sheet) -> f64 {
    if sheet.is_wide() { 44.0 } else { 60.0 }
}

/// Draws all strips below `top`.
pub(super) fn draw(sheet: &mut Sheet, frame: &Frame, start: Date, top: f64, rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    sheet.text(
        STRONG,
        Anchor::Start,
        (0.0, top + 14.0),
        "When each limit is reached",
    );
    if !sheet.is_narrow() {
        let right = frame.edges().right + 12.0;
        sheet.text(MUTED, Anchor::Start, (right, top + 14.0), "chance by the end");
    }
    for (index, row) in rows.iter().enumerate() {
        let top = top + 28.0 + index as f64 * pitch(sheet);
        texts(sheet, frame, top, row);
        let lower = if sheet.is_wide() { 12.0 } else { 38.0 };
        strip(sheet, frame, start, top + lower, row);
    }
}

fn texts(sheet: &mut Sheet, frame: &Frame, top: f64, row: &Row) {
    let edges = frame.edges();
    let (first, second) = (top + 15.0, top + 31.0);
    if sheet.is_narrow() {
        let when: Vec<&str> = [row.chance.as_str(), &row.when]
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect();
        sheet.text(
            BOLD,
            Anchor::Start,
            (0.0, first),
            &BOLD.fit(&row.short, sheet.width),
        );
        sheet.text(
            FAINT,
            Anchor::Start,
            (0.0, second),
            &FAINT.fit(&when.join(" · "), sheet.width),
        );
        return;
    }
    let room = if sheet.is_wide() {
        edges.left - 16.0
    } else {
        edges.right - 8.0
    };
    let name = if sheet.is_wide() || BOLD.width(&row.long) > room {
        &row.short
    } else {
        &row.long
    };
    sheet.text(BOLD, Anchor::Start, (0.0, first), &BOLD.fit(name, room));
    sheet.text(FAINT, Anchor::Start, (0.0, second), &FAINT.fit(&row.note, room));
    let (right, room) = (edges.right + 12.0, sheet.width - edges.right - 12.0);
    let lower = if sheet.is_wide() { 0.0 } else { 14.0 };
    let lines = if row.chance.is_empty() {
        [&row.when, &row.chance]
    } else {
        [&row.chance, &row.when]
    };
    sheet.text(
        BOLD,
        Anchor::Start,
        (right, first + lower),
        &BOLD.fit(lines[0], room),
    );
    sheet.text(
        FAINT,
        Anchor::Start,
        (right, second + lower),
        &FAINT.fit(lines[1], room),
    );
}

fn strip(sheet: &mut Sheet, frame: &Frame, start: Date, top: f64, row: &Row) {
    let edges = frame.edges();
    let middle = top + STRIP / 2.0;
    sheet.faint_line("gr", &[(edges.left, middle), (edges.right, middle)]);
    let classes = match row.tone {
        Tone::Limit => STRENGTHS[0],
        Tone::Warning => STRENGTHS[1],
        Tone::CostStep => STRENGTHS[2],
    };
    for (strength, from, to) in runs(&row.by_day) {
        let (left, right) = (frame.x.at(days(start, from)), frame.x.at(days(start, to)));
        sheet.bar(
            classes[strength - 1],
            Edges {
                left,
                top,
                right,
                bottom: top + STRIP,
            },
        );
    }
    let [early, best] = row
        .marks
        .map(|date| date.map(|date| frame.x.at(days(start, date))));
    let ends = |at: f64, more: f64| [(at, top - more), (at, top + STRIP + more)];
    early
        .into_iter()
        .for_each(|at| sheet.faint_line("lx t d", &ends(at, 3.0)));
    best.into_iter()
        .for_each(|at| sheet.faint_line("lx", &ends(at, 4.0)));
}

/// Strengths (1-9) of the chance that the limit is reached by the end of each month, equal months in one.
fn runs(by_day: &[(Date, f64)]) -> Vec<(usize, Date, Date)> {
    let mut runs: Vec<(usize, Date, Date)> = Vec::new();
    for pair in by_day.windows(2).filter(|pair| pair[1].1 >= 0.005) {
        let strength = ((pair[1].1 * 9.0).ceil() as usize).clamp(1, 9);
        match runs.last_mut().filter(|last| last.0 == strength) {
            Some(last) => last.2 = pair[1].0,
            None => runs.push((strength, pair[0].0, pair[1].0)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_as_strong_as_the_chance_by_their_end() {
        let days = [(1, 0.0), (2, 0.001), (3, 0.1), (4, 0.97), (5, 1.0)];
        let by_day: Vec<(Date, f64)> = days
            .map(|(month, chance)| (Date::constant(2027, month, 1), chance))
            .to_vec();
        let strengths: Vec<usize> = runs(&by_day).iter().map(|run| run.0).collect();
        assert_eq!(strengths, [1, 9]);
    }
}
