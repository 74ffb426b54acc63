//! A small plot of curves by customers, several of which stand side by side.

use nest_data::projection::{Axis, Curve};

use crate::{
    chart::draw::{
        axis,
        frame::{Frame, LINE},
        rows::heading,
        scale::{Scale, rounded_up},
        sheet::{Anchor, Look, MUTED, Point, Sheet, spread},
    },
    format,
};

/// Height of a plot, in pixels.
const HEIGHT: f64 = 180.0;
/// Height of a panel with its words, in pixels.
pub(crate) const PANEL: f64 = 296.0;
/// Gap between panels, in pixels.
pub(crate) const GAP: f64 = 34.0;

/// A curve of a panel: its points, the classes of its line within and beyond the test and of its band, its
/// name.
pub(crate) struct Drawn<'a> {
    pub curve: &'a Curve,
    pub classes: [&'static str; 2],
    pub band: Option<&'static str>,
    pub name: String,
    pub look: Look,
}

/// What a panel holds.
pub(crate) struct Panel<'a> {
    pub title: String,
    pub note: String,
    pub y: &'a Axis,
    pub curves: Vec<Drawn<'a>>,
    pub dots: Vec<[f64; 2]>,
    /// Dots that are left out.
    pub left_out: usize,
    pub limits: Vec<(String, f64)>,
    pub tested: f64,
    /// Most customers and highest value that are worth showing.
    pub most: (f64, f64),
}

/// Columns of panels on a sheet, and the width of each.
pub(crate) fn columns(sheet: &Sheet, panels: usize) -> (usize, f64) {
    let columns = if sheet.is_wide() {
        panels.clamp(1, 3)
    } else if sheet.is_narrow() {
        1
    } else {
        panels.clamp(1, 2)
    };
    (
        columns,
        (sheet.width - GAP * (columns as f64 - 1.0)) / columns as f64,
    )
}

/// Draws panels row by row and sets the height of the sheet.
pub(crate) fn draw_all(sheet: &mut Sheet, panels: &[Panel], top: f64) {
    let (columns, room) = columns(sheet, panels.len());
    for (index, panel) in panels.iter().enumerate() {
        let corner = (
            (index % columns) as f64 * (room + GAP),
            top + (index / columns) as f64 * PANEL,
        );
        draw(sheet, panel, corner, room);
    }
    sheet.height = top + panels.len().div_ceil(columns) as f64 * PANEL - 18.0;
}

/// A value on the vertical axis.
pub(crate) fn label(axis: &Axis, value: f64) -> String {
    match axis {
        Axis::Share => format::percent(value),
        Axis::Seconds if value == 0.0 => "0".to_owned(),
        Axis::Seconds => format::duration(value),
        Axis::Bytes => format::bytes(value),
        Axis::PerSecond => axis::compact(value),
        Axis::Money(currency) => axis::money(value, currency),
    }
}

fn draw(sheet: &mut Sheet, panel: &Panel, (left, above): Point, room: f64) {
    heading(sheet, (left, above + 14.0), room, &panel.title);
    sheet.text(
        MUTED,
        Anchor::Start,
        (left, above + 30.0),
        &MUTED.fit(&panel.note, room),
    );
    let top = above + 58.0;
    let frame = Frame {
        x: Scale::linear((0.0, panel.most.0), (left + 58.0, left + room - 12.0)),
        y: Scale::linear((0.0, rounded_up(panel.most.1, 4)), (top + HEIGHT, top)),
    };
    let edges = frame.edges();
    frame.beyond(sheet, panel.tested, ["tested", "beyond", "not tested"]);
    for tick in frame.y.ticks(4) {
        let y = frame.y.at(tick);
        sheet.faint_line("gr", &[(edges.left, y), (edges.right, y)]);
        sheet.text(
            MUTED,
            Anchor::End,
            (edges.left - 6.0, y + 4.0),
            &label(panel.y, tick),
        );
    }
    sheet.faint_line("ax", &[(edges.left, edges.bottom), (edges.right, edges.bottom)]);
    for drawn in &panel.curves {
        curve(sheet, &frame, drawn, panel.tested);
    }
    limits(sheet, &frame, panel);
    for dot in panel.dots.iter().filter(|dot| frame.x.holds(dot[0])) {
        sheet.dot("fx", frame.at((dot[0], dot[1])), 3.5);
    }
    customers(sheet, &frame);
    curve_names(sheet, &frame, &panel.curves);
}

fn curve(sheet: &mut Sheet, frame: &Frame, drawn: &Drawn, tested: f64) {
    let shown = |point: &&[f64; 4]| frame.x.holds(point[0]) && point[2].is_finite();
    if let Some(class) = drawn.band {
        let points: Vec<(f64, f64, f64)> = drawn
            .curve
            .points
            .iter()
            .filter(shown)
            .filter(|point| point[1].is_finite() && !point[3].is_nan())
            .map(|point| (point[0], point[1], point[3]))
            .collect();
        frame.band(sheet, class, &points);
    }
    let line: Vec<Point> = drawn
        .curve
        .points
        .iter()
        .filter(shown)
        .map(|point| (point[0], point[2]))
        .collect();
    frame.line(sheet, drawn.classes, &line, tested);
}

/// The names of the curves beside their last points inside the plot, in the order of their heights.
fn curve_names(sheet: &mut Sheet, frame: &Frame, curves: &[Drawn]) {
    let (edges, top) = (frame.edges(), frame.y.values().1);
    let ends: Vec<(&Drawn, Point)> = curves
        .iter()
        .filter(|drawn| !drawn.name.is_empty())
        .filter_map(|drawn| {
            let inside = |point: &&[f64; 4]| frame.x.holds(point[0]) && point[2] <= top;
            let last = drawn.curve.points.iter().rev().find(inside)?;
            Some((drawn, frame.at((last[0], last[2]))))
        })
        .collect();
    let wanted: Vec<f64> = ends.iter().map(|(_, end)| end.1 - 8.0).collect();
    let placed = spread(&wanted, LINE, edges.top + 14.0, edges.bottom - 6.0);
    for ((drawn, (x, _)), y) in ends.iter().zip(placed) {
        let places = [0.0, -LINE, LINE, -2.0 * LINE].map(|away| (Anchor::End, (x - 2.0, y + away)));
        let inside = |place: &(Anchor, Point)| place.1.1 > edges.top + 10.0 && place.1.1 < edges.bottom - 3.0;
        let places: Vec<(Anchor, Point)> = places.into_iter().filter(inside).collect();
        sheet.place(drawn.look, &drawn.look.fit(&drawn.name, 150.0), &places);
    }
}

fn limits(sheet: &mut Sheet, frame: &Frame, panel: &Panel) {
    let edges = frame.edges();
    for (text, value) in &panel.limits {
        let look = crate::chart::about::subject::WALL;
        let inside = frame.y.holds(*value);
        let y = frame.y.at(*value);
        if inside {
            sheet.line("lw t", &[(edges.left, y), (edges.right, y)]);
        }
        let text = if inside {
            text.clone()
        } else {
            format!("off the top: {text}")
        };
        let text = look.fit(&text, edges.right - edges.left - 8.0);
        sheet.place(
            look,
            &text,
            &[
                (Anchor::Start, (edges.left + 6.0, y - 5.0)),
                (Anchor::Start, (edges.left + 6.0, y + 15.0)),
                (Anchor::End, (edges.right - 4.0, y - 5.0)),
                (Anchor::End, (edges.right - 4.0, y + 15.0)),
            ],
        );
    }
}

fn customers(sheet: &mut Sheet, frame: &Frame) {
    let (edges, mut free) = (frame.edges(), f64::NEG_INFINITY);
    for tick in frame.x.ticks(4) {
        let (at, text) = (frame.x.at(tick), axis::compact(tick));
        let half = MUTED.width(&text) / 2.0;
        sheet.faint_line("ax", &[(at, edges.bottom), (at, edges.bottom + 5.0)]);
        if at - half >= free {
            sheet.text(
                MUTED,
                Anchor::Middle,
                (at.min(sheet.width - half), edges.bottom + 18.0),
                &text,
            );
            free = at + half + 8.0;
        }
    }
    sheet.text(
        MUTED,
        Anchor::Middle,
        ((edges.left + edges.right) / 2.0, edges.bottom + 18.0 + LINE),
        "customers",
    );
}
