//! What each policy changes: money over all months, room, and the date of the first limit, each on a strip
//! with nothing in the middle.

use nest_data::projection::{PolicyMonth, PolicyProjection};

use super::setups::over;
use crate::{
    chart::{
        about::{
            subject::Subject,
            text::{digits, name, sentence, short, two_digits, value},
        },
        draw::{
            axis,
            frame::{Frame, LINE},
            rows::heading,
            scale::{Scale, days},
            sheet::{Anchor, Edges, INK, MUTED, Point, STRONG, Sheet},
        },
        figure::{Caption, Figure, FigureKind, compose, plain},
    },
    error::ReportError,
    format, words,
};

/// Least half of a scale, as a share of what is there before: a change below it looks like none.
const LEAST: f64 = 0.01;
/// Days of the least half of the scale of dates.
const LEAST_DAYS: f64 = 31.0;
/// Height of a strip with its words, in pixels.
const STRIP: f64 = 108.0;
/// Height of the plot of a dated policy, in pixels.
const PLOT: f64 = 150.0;

/// A change on a strip.
struct Change {
    title: String,
    words: String,
    before_after: String,
    value: f64,
    interval: [f64; 2],
    least: f64,
    ends: fn(f64, &str) -> String,
    worse_above: bool,
}

/// The figure; `None` without policies.
pub(crate) fn figure(subject: &Subject) -> Result<Option<Figure>, ReportError> {
    let policies = &subject.projection.policies;
    let Some(first) = policies.first() else {
        return Ok(None);
    };
    let caption = Caption {
        kind: FigureKind::Policies,
        slug: "policies",
        title: title(subject, policies, first),
        key:
            "Mark: best guess. Bar: 9 in 10 cases, before and after in the same cases. Grey line: no change."
                .to_owned(),
        description: policies
            .iter()
            .map(|policy| describe(subject, policy))
            .collect::<Vec<_>>()
            .join(" "),
    };
    compose(caption, |width| draw(subject, policies, width)).map(Some)
}

/// Change of cost and fees over all months, and what both are before.
fn total(policy: &PolicyProjection) -> (f64, f64) {
    let fees = policy.totals.fees.as_ref().map_or(0.0, |fees| value(&fees[0]));
    (
        value(&policy.totals.change_with_fees),
        value(&policy.totals.before) + fees,
    )
}

fn title(subject: &Subject, policies: &[PolicyProjection], first: &PolicyProjection) -> String {
    let best = policies
        .iter()
        .min_by(|left, right| total(left).0.total_cmp(&total(right).0))
        .unwrap_or(first);
    let (change, before) = total(best);
    let name = short(&best.name);
    if change.abs() < LEAST * before.abs() {
        return format!("{name} changes hardly anything on the bill");
    }
    let size = words::size(&best.totals.change_with_fees, subject.currency());
    let fees = if best.totals.fees.is_some() {
        ", fees included"
    } else {
        ""
    };
    let does = if change < 0.0 { "saves" } else { "costs" };
    format!("{name} {does} {size} {}{fees}", over(best.totals.months))
}

fn describe(subject: &Subject, policy: &PolicyProjection) -> String {
    let changes = changes(subject, policy);
    let texts: Vec<String> = changes
        .iter()
        .map(|change| format!("{} {} ({})", change.title, change.words, change.before_after))
        .collect();
    sentence(&format!("{}: {}", name(&policy.name), texts.join("; ")))
}

fn changes(subject: &Subject, policy: &PolicyProjection) -> Vec<Change> {
    let mut changes = vec![money(subject, policy)];
    changes.extend(room(policy));
    changes.extend(date(policy));
    changes
}

fn money(subject: &Subject, policy: &PolicyProjection) -> Change {
    let (change, before) = total(policy);
    let fees = policy.totals.fees.as_ref().map_or(0.0, |fees| value(&fees[1]));
    let after = value(&policy.totals.after) + fees;
    let both = &policy.totals.change_with_fees;
    let amount = |value: f64| words::amount(value, subject.currency());
    let size = words::size(both, subject.currency());
    let words = match change {
        change if change.abs() < 0.01 => "less than 1 cent".to_owned(),
        change if change < 0.0 => format!("{size} saved"),
        _ => format!("{size} more"),
    };
    let what = match policy.totals.fees {
        Some(_) => "Bill and fees",
        None => "Bill",
    };
    let (first, last) = (amount(digits(before, 3)), amount(digits(after, 3)));
    Change {
        title: format!("{what} {}", over(policy.totals.months)),
        words,
        before_after: if first == last {
            format!("{first} before and after")
        } else {
            format!("{first} → {last}")
        },
        value: change,
        interval: [both.low, both.high],
        least: before.abs() * LEAST,
        ends: |value, currency| signed(axis::money(value, currency), value),
        worse_above: true,
    }
}

fn room(policy: &PolicyProjection) -> Option<Change> {
    let change = policy.room_change?;
    let at =
        |point: &Option<nest_data::projection::BreakPoint>| point.as_ref().and_then(|point| point.customers);
    let (before, after) = (at(&policy.break_before), at(&policy.break_after));
    let number = |estimate: Option<nest_data::Estimate>| {
        estimate.map_or_else(
            || "no limit found".to_owned(),
            |estimate| words::count(&estimate).trim_start_matches("about ").to_owned(),
        )
    };
    let size = words::count(&nest_data::Estimate {
        value: change.value.abs(),
        low: change.low.abs().min(change.high.abs()),
        high: change.low.abs().max(change.high.abs()),
        ..change
    });
    let words = match change.value {
        change if change.abs() < 0.5 => "no change".to_owned(),
        change if change > 0.0 => format!("{size} more"),
        _ => format!("{size} fewer"),
    };
    Some(Change {
        title: "Customers with room".to_owned(),
        words,
        before_after: format!("{} → {}", number(before), number(after)),
        value: change.value,
        interval: [change.low, change.high],
        least: before.map_or(1.0, |before| before.value * LEAST),
        ends: |value, _| signed(axis::compact(value.abs()), value),
        worse_above: false,
    })
}

fn date(policy: &PolicyProjection) -> Option<Change> {
    let change = policy.date_change_days?;
    let at = |point: &Option<nest_data::projection::BreakPoint>| {
        point.as_ref().and_then(|point| point.date?.value)
    };
    let text =
        |date: Option<jiff::civil::Date>| date.map_or_else(|| "not in these months".to_owned(), format::day);
    let size = change.value.abs().round();
    let days_word = if size == 1.0 { "day" } else { "days" };
    let words = match change.value {
        change if change.abs() < 0.5 => "no change".to_owned(),
        change if change > 0.0 => format!("{} {days_word} later", format::number(size)),
        _ => format!("{} {days_word} earlier", format::number(size)),
    };
    Some(Change {
        title: "First limit reached".to_owned(),
        words,
        before_after: format!(
            "{} → {}",
            text(at(&policy.break_before)),
            text(at(&policy.break_after))
        ),
        value: change.value,
        interval: [change.low, change.high],
        least: LEAST_DAYS,
        ends: |value, _| {
            let months = (value.abs() / 30.4).round().max(1.0);
            let word = if months == 1.0 { "month" } else { "months" };
            let side = if value < 0.0 { "earlier" } else { "later" };
            format!("{} {word} {side}", format::number(months))
        },
        worse_above: false,
    })
}

fn signed(text: String, value: f64) -> String {
    match value {
        value if value > 0.0 => format!("+{text}"),
        value if value < 0.0 && !text.starts_with('−') => format!("−{text}"),
        _ => text,
    }
}

fn draw(subject: &Subject, policies: &[PolicyProjection], width: f64) -> Sheet {
    let mut sheet = Sheet::new(width, 2_000.0 + policies.len() as f64 * 1_000.0);
    let mut top = 0.0;
    for policy in policies {
        heading(&mut sheet, (0.0, top + 14.0), width, &name(&policy.name));
        let note = policy.description.as_deref().unwrap_or_default();
        let lines = MUTED.wrap(&plain(note), width, 2);
        for (row, line) in lines.iter().enumerate() {
            sheet.text(MUTED, Anchor::Start, (0.0, top + 31.0 + row as f64 * LINE), line);
        }
        top += 34.0 + lines.len() as f64 * LINE;
        top = strips(&mut sheet, subject, policy, top);
        if policy.months.len() > 1 {
            top = cumulated(&mut sheet, subject, policy, top);
        }
        top += 14.0;
    }
    sheet.height = top;
    sheet
}

/// Draws the strips of a policy and returns where they end.
fn strips(sheet: &mut Sheet, subject: &Subject, policy: &PolicyProjection, top: f64) -> f64 {
    let changes = changes(subject, policy);
    let columns = if sheet.is_narrow() { 1 } else { 3 };
    let gap = 34.0;
    let room = (sheet.width - gap * (columns as f64 - 1.0)) / columns as f64;
    for (index, change) in changes.iter().enumerate() {
        let left = (index % columns) as f64 * (room + gap);
        strip(
            sheet,
            subject,
            change,
            (left, top + (index / columns) as f64 * STRIP),
            room,
        );
    }
    top + changes.len().div_ceil(columns) as f64 * STRIP
}

fn strip(sheet: &mut Sheet, subject: &Subject, change: &Change, (left, top): Point, room: f64) {
    sheet.faint_line("ru", &[(left, top), (left + room, top)]);
    sheet.text(MUTED, Anchor::Start, (left, top + 18.0), &change.title);
    heading(sheet, (left, top + 36.0), room, &change.words);
    let half = [change.value, change.interval[0], change.interval[1]]
        .into_iter()
        .map(f64::abs)
        .fold(change.least, f64::max)
        * 1.15;
    let half = if half > 0.0 { half } else { 1.0 };
    let scale = Scale::linear((-half, half), (left, left + room));
    let (line, middle) = (top + 68.0, top + 57.0);
    sheet.faint_line("ax", &[(left, line), (left + room, line)]);
    sheet.faint_line("lm", &[(scale.at(0.0), top + 44.0), (scale.at(0.0), line)]);
    let [low, high] = change.interval;
    let good = (change.value < 0.0) == change.worse_above;
    let edges = Edges {
        left: scale.at(low),
        top: middle - 5.0,
        right: scale.at(high).max(scale.at(low) + 1.0),
        bottom: middle + 5.0,
    };
    sheet.bar(if good { "fg o4" } else { "fw o4" }, edges);
    let at = scale.at(change.value);
    sheet.faint_line("lx", &[(at, middle - 9.0), (at, middle + 9.0)]);
    let ends = [(Anchor::Start, left, -half), (Anchor::End, left + room, half)];
    for (anchor, x, end) in ends {
        let text = (change.ends)(two_digits(end), subject.currency());
        sheet.place(MUTED, &text, &[(anchor, (x, line + 15.0))]);
    }
    sheet.place(MUTED, "0", &[(Anchor::Middle, (scale.at(0.0), line + 15.0))]);
    sheet.text(
        INK,
        Anchor::Start,
        (left, line + 32.0),
        &INK.fit(&change.before_after, room),
    );
}

/// What a dated policy adds up to, month by month, with the interval of the whole at its end.
fn cumulated(sheet: &mut Sheet, subject: &Subject, policy: &PolicyProjection, top: f64) -> f64 {
    let (Some(first), Some(last)) = (policy.months.first(), policy.months.last()) else {
        return top;
    };
    let change = |month: &PolicyMonth| value(&month.change) + month.fees.as_ref().map_or(0.0, value);
    let mut sum = 0.0;
    let points: Vec<Point> = std::iter::once((0.0, 0.0))
        .chain(policy.months.iter().map(|month| {
            sum += change(month);
            (days(first.date, month.date) + 30.4, sum)
        }))
        .collect();
    let total = &policy.totals.change_with_fees;
    let all = points.iter().map(|point| point.1).chain([total.low, total.high]);
    let (low, high) = all.fold((0.0_f64, 0.0_f64), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let plot = top + 40.0;
    let right = sheet.width - if sheet.is_narrow() { 14.0 } else { 170.0 };
    let end = days(first.date, last.date) + 30.4;
    let frame = Frame {
        x: Scale::linear((0.0, end), (64.0, right)),
        y: Scale::linear((low, high), (plot + PLOT, plot)),
    };
    sheet.text(
        STRONG,
        Anchor::Start,
        (0.0, top + 16.0),
        if policy.totals.fees.is_some() {
            "What it adds up to, fees included"
        } else {
            "What it adds up to"
        },
    );
    for tick in frame.y.ticks(4) {
        let y = frame.y.at(tick);
        sheet.faint_line(if tick == 0.0 { "ax" } else { "gr" }, &[(64.0, y), (right, y)]);
        sheet.text(
            MUTED,
            Anchor::End,
            (57.0, y + 4.0),
            &axis::money(tick, subject.currency()),
        );
    }
    frame.line(sheet, ["lx", "lx"], &points, f64::INFINITY);
    let (x, y) = frame.at((end, sum));
    sheet.faint_line("lm", &[frame.at((end, total.low)), frame.at((end, total.high))]);
    sheet.dot("fx", (x, y), 4.5);
    let amount = words::money_change(total, subject.currency());
    let by = format!("by {}", words::month(last.date));
    if sheet.is_narrow() {
        let beside = [
            (Anchor::End, (x - 10.0, y - 14.0)),
            (Anchor::End, (x - 10.0, y + 24.0)),
        ];
        sheet.place(
            STRONG,
            &format!("{amount} {by}"),
            &[beside[0], beside[1], (Anchor::End, (x, plot - 6.0))],
        );
    } else {
        sheet.place(STRONG, &amount, &[(Anchor::Start, (x + 12.0, y))]);
        sheet.place(MUTED, &by, &[(Anchor::Start, (x + 12.0, y + LINE))]);
    }
    let last_day = last.date.saturating_add(jiff::Span::new().months(1));
    axis::time(sheet, &frame, (first.date, last_day), |_| None);
    plot + PLOT + 30.0
}
