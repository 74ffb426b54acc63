//! Axes around a plot: grid, ticks with their labels, titles.

use jiff::civil::Date;

use super::{
    frame::{Frame, LINE},
    measure::{TEXT, width},
    scale::{days, months},
    sheet::{Anchor, MUTED, Point, STRONG, Sheet},
};
use crate::words;

/// Most ticks of a vertical axis.
pub(crate) const MOST: usize = 5;

/// The vertical axis: its title above the plot, a line and a label for each tick.
pub(crate) fn vertical(sheet: &mut Sheet, frame: &Frame, title: &str, label: impl Fn(f64) -> String) {
    let edges = frame.edges();
    let above = if title.is_empty() {
        edges.top
    } else {
        edges.top - 26.0
    };
    sheet.text(
        STRONG,
        Anchor::Start,
        (0.0, above),
        &STRONG.fit(title, sheet.width),
    );
    for tick in frame.y.ticks(MOST) {
        let y = frame.y.at(tick);
        sheet.faint_line("gr", &[(edges.left, y), (edges.right, y)]);
        sheet.text(MUTED, Anchor::End, (edges.left - 7.0, y + 4.0), &label(tick));
    }
    sheet.faint_line("ax", &[(edges.left, edges.bottom), (edges.right, edges.bottom)]);
}

/// How far to the left of the plot the labels of a vertical axis reach, in pixels.
pub(crate) fn room(ticks: &[f64], label: impl Fn(f64) -> String) -> f64 {
    let widest = ticks
        .iter()
        .map(|tick| width(&label(*tick), TEXT, false))
        .fold(0.0, f64::max);
    (widest + 9.0).max(36.0)
}

/// Marks below the plot, with texts that stay on the sheet and keep apart; the first and every later one that
/// has room is written.
pub(crate) fn marks(sheet: &mut Sheet, frame: &Frame, ticks: &[(f64, String)], title: &str) {
    let bottom = frame.edges().bottom;
    let mut free = f64::NEG_INFINITY;
    for (tick, text) in ticks {
        let at = frame.x.at(*tick);
        sheet.faint_line("ax", &[(at, bottom), (at, bottom + 5.0)]);
        let half = width(text, TEXT, false) / 2.0;
        let centre = at.min(sheet.width - half).max(half);
        if centre - half >= free {
            sheet.text(MUTED, Anchor::Middle, (centre, bottom + 19.0), text);
            free = centre + half + 8.0;
        }
    }
    let (left, right) = frame.x.pixels();
    sheet.text(
        MUTED,
        Anchor::Middle,
        ((left + right) / 2.0, bottom + 19.0 + LINE),
        title,
    );
}

/// The horizontal axis of customers.
pub(crate) fn customers(sheet: &mut Sheet, frame: &Frame) {
    let (left, right) = frame.x.pixels();
    let most = ((right - left) / 90.0).floor().max(2.0) as usize;
    let ticks: Vec<(f64, String)> = frame
        .x
        .ticks(most)
        .into_iter()
        .map(|tick| (tick, compact(tick)))
        .collect();
    marks(sheet, frame, &ticks, "customers");
}

/// The horizontal axis of months from `start` to `end`, which are at 0 and at its days; `below` is written in
/// a second row.
pub(crate) fn time(
    sheet: &mut Sheet,
    frame: &Frame,
    (start, end): (Date, Date),
    below: impl Fn(Date) -> Option<String>,
) {
    let (left, right) = frame.x.pixels();
    let room = right - left;
    let span = days(start, end) / 30.4;
    let step = [1, 2, 3, 6, 12, 24, 60]
        .into_iter()
        .find(|step| room * f64::from(*step) / span.max(1.0) >= 84.0)
        .unwrap_or(120);
    let bottom = frame.edges().bottom;
    for date in months(start, end, step) {
        let at = frame.x.at(days(start, date));
        sheet.faint_line("ax", &[(at, bottom), (at, bottom + 5.0)]);
        tick_text(sheet, at, bottom + 19.0, &words::month(date));
        if let Some(text) = below(date) {
            tick_text(sheet, at, bottom + 19.0 + LINE, &text);
        }
    }
}

fn tick_text(sheet: &mut Sheet, at: f64, y: f64, text: &str) {
    let half = width(text, TEXT, false) / 2.0;
    let centre = at.min(sheet.width - half).max(half);
    let place: [(Anchor, Point); 1] = [(Anchor::Middle, (centre, y))];
    sheet.place(MUTED, text, &place);
}

/// A large number in few characters: `80k`, `1.2M`.
pub(crate) fn compact(value: f64) -> String {
    for (size, sign) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] {
        if value.abs() >= size {
            let scaled = value / size;
            let digits = if scaled.abs() >= 100.0 {
                scaled.round()
            } else {
                (scaled * 10.0).round() / 10.0
            };
            return format!("{}{sign}", crate::format::number(digits));
        }
    }
    crate::format::number(value)
}

/// A tick of an axis of money: `$600`, `$1.2k`, `−$50`.
pub(crate) fn money(value: f64, currency: &str) -> String {
    let sign = if value < 0.0 { "−" } else { "" };
    let size = value.abs();
    let text = if size >= 10_000.0 {
        compact(size)
    } else {
        crate::format::number(size)
    };
    format!("{sign}{}{text}", words::symbol(currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_short() {
        assert_eq!(
            [80_000.0, 405_789.0, 1_250_000.0, 500.0].map(compact),
            ["80k", "406k", "1.3M", "500"]
        );
        assert_eq!(money(1_500.0, "USD"), "$1,500");
        assert_eq!(money(-12_000.0, "EUR"), "−€12k");
        assert_eq!(money(0.5, "CHF"), "CHF 0.5");
    }
}
