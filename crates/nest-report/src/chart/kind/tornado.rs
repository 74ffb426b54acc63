//! Which assumption moves the result most: a bar for each, from the result at one end of its range to the
//! other; levers below a rule.

use jiff::civil::Date;
use nest_data::projection::{Lever, LeverSetting, RangeBasis, Sensitivity};

use crate::{
    chart::{
        about::{
            subject::Subject,
            text::{name, sentence, value},
        },
        draw::{
            axis,
            frame::LINE,
            rows::{Columns, RowText},
            scale::{Scale, days},
            sheet::{Anchor, Edges, Look, MUTED, STRONG, Sheet},
        },
        figure::{Caption, Figure, FigureKind, compose, plain},
    },
    error::ReportError,
    words,
};

/// Most assumptions.
const MOST: usize = 8;
/// Days of a month of a year of 365.25 days.
const DAYS: f64 = 365.25 / 12.0;
/// Half the height of a bar, in pixels.
const HALF: f64 = 6.0;
/// Where the rows begin, in pixels.
const TOP: f64 = 52.0;
/// Text on a plot.
const MIDDLE: Look = Look::of("i s h", true);

/// What is moved: the date of the first limit, or the cost of all months.
enum Output {
    /// Months from the date in the best guess; past the end of growth it is not known.
    Date { best: Date, start: Date, end: Date },
    /// Money.
    Total { best: f64 },
}

/// An assumption with the result at the low and the high end of its range, in the unit of the axis.
struct Row<'a> {
    input: &'a Sensitivity,
    ends: [f64; 2],
    open: [bool; 2], // whether the limit is not reached before growth ends
}

/// The figure; `None` if nothing was varied or nothing moves.
pub(crate) fn figure(subject: &Subject) -> Result<Option<Figure>, ReportError> {
    let output = output(subject);
    let rows = rows(subject, &output);
    if rows.is_empty() {
        return Ok(None);
    }
    let caption = Caption {
        kind: FigureKind::Tornado,
        slug: "assumptions",
        title: title(&output, &rows),
        key: key(subject, &output),
        description: description(subject, &output, &rows),
    };
    compose(caption, |width| draw(subject, &output, &rows, width)).map(Some)
}

fn output(subject: &Subject) -> Output {
    let moves = subject.projection.sensitivity.iter().any(|one| one.months > 0.0);
    match (subject.wall_date(), subject.span()) {
        (Some(best), Some((start, end))) if moves => Output::Date { best, start, end },
        _ => {
            let total = subject.base.total.as_ref().unwrap_or(&subject.base.bill.total);
            Output::Total { best: value(total) }
        }
    }
}

fn rows<'a>(subject: &Subject<'a>, output: &Output) -> Vec<Row<'a>> {
    let mut rows: Vec<Row> = subject
        .projection
        .sensitivity
        .iter()
        .map(|input| match output {
            Output::Date { best, end, .. } => Row {
                input,
                ends: input.date.map(|date| days(*best, date.unwrap_or(*end)) / DAYS),
                open: input.date.map(|date| date.is_none()),
            },
            Output::Total { .. } => Row {
                input,
                ends: input.total,
                open: [false; 2],
            },
        })
        .collect();
    let width = |row: &Row| (row.ends[1] - row.ends[0]).abs();
    rows.sort_by(|left, right| width(right).total_cmp(&width(left)));
    let least = rows.first().map_or(0.0, |row| width(row) * 1e-4).max(1e-9);
    rows.retain(|row| width(row) > least);
    rows.truncate(MOST);
    rows
}

fn title(output: &Output, rows: &[Row]) -> String {
    let first = rows.first().map_or_else(String::new, |row| {
        words::capital(&plain(&words::input(row.input)))
    });
    match output {
        Output::Date { .. } => format!("{first} moves the date of the first limit most"),
        Output::Total { .. } => format!("{first} moves the cost most"),
    }
}

fn key(subject: &Subject, output: &Output) -> String {
    let what = match output {
        Output::Date { .. } => "When the first limit is reached",
        Output::Total { .. } => "What all months cost",
    };
    let levers = if levers(subject).is_empty() {
        ""
    } else {
        " Green: what a change of your own limit would do."
    };
    format!("{what} if one assumption sits at either end of its range and all others stay.{levers}")
}

fn basis(input: &Sensitivity) -> &'static str {
    match input.basis {
        RangeBasis::Measured => "measured",
        RangeBasis::Stated => "your range",
        RangeBasis::Assumed => "assumed",
        RangeBasis::Choice => "your choice",
    }
}

/// The results at both ends, the smaller first.
fn results(subject: &Subject, output: &Output, row: &Row) -> String {
    let text = |index: usize| match output {
        Output::Date { .. } => match row.input.date[index] {
            Some(date) => words::month(date),
            None => "later".to_owned(),
        },
        Output::Total { .. } => words::amount(row.ends[index], subject.currency()),
    };
    let (first, last) = if row.ends[0] <= row.ends[1] {
        (0, 1)
    } else {
        (1, 0)
    };
    let (first, last) = (text(first), text(last));
    if first == last {
        first
    } else {
        format!("{first} – {last}")
    }
}

fn description(subject: &Subject, output: &Output, rows: &[Row]) -> String {
    let assumptions = rows.iter().map(|row| {
        sentence(&format!(
            "{} ({}, {}): {}",
            words::capital(&plain(&words::input(row.input))),
            plain(&words::input_range(row.input)),
            basis(row.input),
            results(subject, output, row)
        ))
    });
    let levers = levers(subject).into_iter().map(|lever| {
        sentence(&format!(
            "{}: {}",
            lever_name(lever),
            lever_result(subject, lever)
        ))
    });
    assumptions.chain(levers).collect::<Vec<_>>().join(" ")
}

/// Levers on the first wall of the base.
fn levers<'a>(subject: &Subject<'a>) -> Vec<&'a Lever> {
    let levers = subject.projection.levers.iter();
    levers
        .filter(|lever| lever.config == subject.base.name && lever.date.is_some())
        .take(3)
        .collect()
}

fn lever_name(lever: &Lever) -> String {
    let number = crate::format::number;
    match lever.setting {
        LeverSetting::Max => format!(
            "Your lever: allow {} servers, not {}",
            number(lever.to),
            number(lever.from)
        ),
        LeverSetting::Reserve => {
            format!(
                "Your lever: keep {} free{}, not {}",
                words::share(lever.to),
                words::purpose_of_reserve(lever),
                words::share(lever.from)
            )
        }
        LeverSetting::Objective => format!(
            "Your lever: a target of {}, not {}",
            crate::format::duration(lever.to),
            crate::format::duration(lever.from)
        ),
        LeverSetting::Budget => {
            format!(
                "Your lever: a budget of {}, not {}",
                number(lever.to),
                number(lever.from)
            )
        }
    }
}

fn lever_result(subject: &Subject, lever: &Lever) -> String {
    let end = subject.span().map(|span| span.1);
    match (lever.next_date.and_then(|date| date.value), end) {
        (Some(date), _) => words::month(date),
        (None, Some(end)) => format!("after {}", words::month(end)),
        (None, None) => "not reached".to_owned(),
    }
}

fn draw(subject: &Subject, output: &Output, rows: &[Row], width: f64) -> Sheet {
    let mut sheet = Sheet::new(width, 4_000.0);
    let columns = Columns::split(
        (0.0, width),
        true,
        if sheet.is_wide() {
            [0.36, 0.2]
        } else {
            [0.48, 0.26]
        },
    );
    let levers = if matches!(output, Output::Date { .. }) {
        levers(subject)
    } else {
        Vec::new()
    };
    let (best, scale) = scale(output, rows, &levers, &columns);
    let count = rows.len() + levers.len();
    let bottom = TOP + count as f64 * columns.height() + if levers.is_empty() { 0.0 } else { 6.0 };
    axis_of(&mut sheet, subject, output, &columns, &scale, bottom);
    for (index, row) in rows.iter().enumerate() {
        let top = TOP + index as f64 * columns.height();
        columns.rule(&mut sheet, top);
        let text = RowText {
            name: words::capital(&plain(&words::input(row.input))),
            note: format!("{} · {}", plain(&words::input_range(row.input)), basis(row.input)),
            value: results(subject, output, row),
            value_note: String::new(),
        };
        let mut text = on_a_phone(text, sheet.is_narrow());
        if sheet.is_narrow() && MUTED.width(&text.note) + MUTED.width(&text.value_note) + 10.0 > width {
            text.note = plain(&words::input_range(row.input));
        }
        columns.write(&mut sheet, top, &text);
        bar(&mut sheet, &scale, columns.middle(top), row, best);
    }
    for (index, lever) in levers.iter().enumerate() {
        let top = TOP + 6.0 + (rows.len() + index) as f64 * columns.height();
        sheet.faint_line("ax", &[(0.0, top - 3.0), (width, top - 3.0)]);
        let text = RowText {
            name: lever_name(lever),
            note: name(&lever.key),
            value: lever_result(subject, lever),
            value_note: String::new(),
        };
        let text = on_a_phone(text, sheet.is_narrow());
        columns.write(&mut sheet, top, &text);
        let moved = moved(output, lever);
        let (left, right) = (scale.at(best.min(moved)), scale.at(best.max(moved)));
        let middle = columns.middle(top);
        sheet.bar(
            "fg",
            Edges {
                left,
                top: middle - HALF,
                right,
                bottom: middle + HALF,
            },
        );
    }
    columns.rule(&mut sheet, bottom);
    sheet.height = bottom + 4.0;
    sheet
}

/// On a phone the result stands in the second line, so that the name has the first one.
fn on_a_phone(text: RowText, narrow: bool) -> RowText {
    if !narrow {
        return text;
    }
    RowText {
        value: String::new(),
        value_note: text.value,
        ..text
    }
}

/// Months by which a lever moves the date, up to the end of growth.
fn moved(output: &Output, lever: &Lever) -> f64 {
    match output {
        Output::Date { best, end, .. } => {
            days(*best, lever.next_date.and_then(|date| date.value).unwrap_or(*end)) / DAYS
        }
        Output::Total { best } => *best,
    }
}

/// The middle on the axis, and the axis.
fn scale(output: &Output, rows: &[Row], levers: &[&Lever], columns: &Columns) -> (f64, Scale) {
    let best = match output {
        Output::Date { .. } => 0.0,
        Output::Total { best } => *best,
    };
    let all = rows
        .iter()
        .flat_map(|row| row.ends)
        .chain(levers.iter().map(|lever| moved(output, lever)));
    let (low, high) = all.fold((best, best), |(low, high), end| (low.min(end), high.max(end)));
    let room = (high - low) * 0.05;
    (best, Scale::linear((low - room, high + room), columns.drawn))
}

fn axis_of(
    sheet: &mut Sheet,
    subject: &Subject,
    output: &Output,
    columns: &Columns,
    scale: &Scale,
    bottom: f64,
) {
    let (heading, middle) = match output {
        Output::Date { best, .. } => ("When the first limit is reached", words::month(*best)),
        Output::Total { best } => ("Cost", words::amount(*best, subject.currency())),
    };
    sheet.text(STRONG, Anchor::Start, (0.0, 14.0), heading);
    let best = match output {
        Output::Date { .. } => 0.0,
        Output::Total { best } => *best,
    };
    let at = scale.at(best);
    let half = MIDDLE.width(&middle) / 2.0;
    sheet.text(
        MIDDLE,
        Anchor::Middle,
        (at.clamp(half, sheet.width - half), TOP - 6.0),
        &middle,
    );
    columns.upright(sheet, "lx", at, (TOP, bottom));
    match output {
        Output::Date { best, start, end } => {
            let (left, right) = columns.drawn;
            let step = if right - left > 330.0 { 3 } else { 6 };
            for date in crate::chart::draw::scale::months(*start, *end, step) {
                let x = days(*best, date) / DAYS;
                if scale.holds(x) {
                    columns.upright(sheet, "gr", scale.at(x), (TOP, bottom));
                    let place = (Anchor::Middle, (scale.at(x), TOP - 6.0));
                    sheet.place(MUTED, &words::month(date), &[place]);
                }
            }
        }
        Output::Total { .. } => columns.axis(sheet, scale, (TOP, bottom), |tick| {
            axis::money(tick, subject.currency())
        }),
    }
    let sides = match output {
        Output::Date { .. } => ["earlier", "later"],
        Output::Total { .. } => ["cheaper", "dearer"],
    };
    let y = TOP - 6.0 - LINE;
    sheet.place(MUTED, sides[0], &[(Anchor::End, (at - 10.0, y))]);
    sheet.place(MUTED, sides[1], &[(Anchor::Start, (at + 10.0, y))]);
}

fn bar(sheet: &mut Sheet, scale: &Scale, middle: f64, row: &Row, best: f64) {
    let (low, high) = (row.ends[0].min(row.ends[1]), row.ends[0].max(row.ends[1]));
    let (top, bottom) = (middle - HALF, middle + HALF);
    let centre = scale.at(best.clamp(low, high));
    sheet.bar(
        "fw o6",
        Edges {
            left: scale.at(low),
            top,
            right: centre,
            bottom,
        },
    );
    sheet.bar(
        "f0 o6",
        Edges {
            left: centre,
            top,
            right: scale.at(high),
            bottom,
        },
    );
    let last = if row.ends[0] > row.ends[1] {
        row.open[0]
    } else {
        row.open[1]
    };
    if last {
        let x = scale.at(high);
        sheet.area("f0", &[(x + 7.0, middle), (x, top), (x, bottom)]);
    }
}
