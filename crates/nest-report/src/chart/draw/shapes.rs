//! Shapes as elements of SVG, written by plotters' backend. Their look comes from the class of the group
//! they lie in, because a strict content security policy allows no style attributes.
//!
//! The backend writes whole units, so shapes are drawn four times as large and each group is scaled down.

use plotters::{
    prelude::{DrawingBackend, SVGBackend},
    style::{BLACK, Color, ShapeStyle},
};

use super::geometry::{Edges, Point};

/// Units of the backend per pixel. Widths of strokes in the style sheet are in these units.
const FINE: f64 = 4.0;
/// Farthest that a point may lie from the line between its neighbours to be left out, in pixels.
const FLAT: f64 = 0.15;
/// What the backend writes about the look of a shape; the class says it instead.
const LOOKS: [&str; 4] = [
    " fill=\"none\" opacity=\"1\" stroke=\"#000000\" stroke-width=\"1\"",
    " opacity=\"1\" fill=\"#000000\" stroke=\"none\" stroke-width=\"1\"",
    " opacity=\"1\" fill=\"#000000\" stroke=\"none\"",
    " opacity=\"1\" fill=\"#000000\"",
];

/// Something without text.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    Line(Vec<Point>),
    Area(Vec<Point>),
    Bar(Edges),
    Dot(Point, f64),
}

/// Elements of all layers; a run of shapes of one class shares a group.
pub(super) fn elements(layers: &[(&'static str, Shape)], size: (f64, f64)) -> Result<String, String> {
    if layers.is_empty() {
        return Ok(String::new());
    }
    let groups: Result<String, String> = layers
        .chunk_by(|left, right| left.0 == right.0)
        .map(|run| {
            let shapes = written(run, size)?;
            let class = run.first().map_or("", |layer| layer.0);
            Ok(match run {
                [_] => shapes.replacen(' ', &format!(" class=\"{class}\" "), 1),
                _ => format!("<g class=\"{class}\">\n{shapes}</g>\n"),
            })
        })
        .collect();
    Ok(format!("<g transform=\"scale(.25)\">\n{}</g>\n", groups?))
}

/// Shapes as the backend writes them, without their look.
fn written(run: &[(&'static str, Shape)], size: (f64, f64)) -> Result<String, String> {
    let mut text = String::new();
    let (width, height) = unit(size);
    let mut backend = SVGBackend::with_string(&mut text, (width.unsigned_abs(), height.unsigned_abs()));
    for (_, shape) in run {
        draw(&mut backend, shape)?;
    }
    backend.present().map_err(|error| error.to_string())?;
    drop(backend);
    let inner = text.split_once(">\n").map_or("", |(_, rest)| rest);
    let mut inner = inner.trim_end().trim_end_matches("</svg>").to_owned();
    for look in LOOKS {
        inner = inner.replace(look, "");
    }
    Ok(inner.lines().map(|line| shorter(line) + "\n").collect())
}

/// A line or polygon as a path of steps, which takes half the room of its points.
fn shorter(element: &str) -> String {
    let close = if element.starts_with("<polygon") { "z" } else { "" };
    let Some((_, points)) = element.split_once(" points=\"") else {
        return element.to_owned();
    };
    let pairs = points
        .trim_end_matches("\"/>")
        .split_whitespace()
        .filter_map(|pair| pair.split_once(','));
    let mut path = String::from("<path d=\"");
    let mut at: Option<(i32, i32)> = None;
    for (x, y) in pairs.filter_map(|(x, y)| Some((x.parse().ok()?, y.parse().ok()?))) {
        match at {
            None => path.push_str(&format!("M{x} {y}")),
            Some(from) => path.push_str(&step(x - from.0, y - from.1)),
        }
        at = Some((x, y));
    }
    path + close + "\"/>"
}

/// One step of a path.
fn step(across: i32, down: i32) -> String {
    match (across, down) {
        (0, 0) => String::new(),
        (_, 0) => format!("h{across}"),
        (0, _) => format!("v{down}"),
        (_, down) if down < 0 => format!("l{across}{down}"),
        _ => format!("l{across} {down}"),
    }
}

fn draw(backend: &mut SVGBackend, shape: &Shape) -> Result<(), String> {
    let (stroke, fill): (ShapeStyle, ShapeStyle) = (BLACK.stroke_width(1), BLACK.filled());
    let drawn = match shape {
        Shape::Line(points) => backend.draw_path(points.iter().copied().map(unit), &stroke),
        Shape::Area(points) => backend.fill_polygon(points.iter().copied().map(unit), &fill),
        Shape::Bar(edges) => {
            let (from, to) = (unit((edges.left, edges.top)), unit((edges.right, edges.bottom)));
            backend.draw_rect(from, (to.0.max(from.0 + 1), to.1), &fill, true)
        }
        Shape::Dot(at, radius) => {
            backend.draw_circle(unit(*at), unit((*radius, 0.0)).0.unsigned_abs(), &fill, true)
        }
    };
    drawn.map_err(|error| error.to_string())
}

/// A point as the backend counts.
fn unit((x, y): Point) -> (i32, i32) {
    ((x * FINE).round() as i32, (y * FINE).round() as i32)
}

/// The points without those that lie on the line between their neighbours.
pub(super) fn thinned(points: &[Point]) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::with_capacity(points.len());
    let mut start = 0;
    for end in 1..points.len() {
        if points[start + 1..end]
            .iter()
            .any(|point| distance(*point, points[start], points[end]) > FLAT)
        {
            start = end - 1;
            kept.push(points[start]);
        }
    }
    let mut thinned: Vec<Point> = points.first().copied().into_iter().chain(kept).collect();
    if points.len() > 1 {
        thinned.extend(points.last().copied());
    }
    thinned
}

/// Distance of a point from the stretch between two others.
fn distance(point: Point, from: Point, to: Point) -> f64 {
    let (across, down) = (to.0 - from.0, to.1 - from.1);
    let square = across * across + down * down;
    let along = if square > 0.0 {
        (((point.0 - from.0) * across + (point.1 - from.1) * down) / square).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (point.0 - from.0 - along * across).hypot(point.1 - from.1 - along * down)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_have_no_look_of_their_own() {
        let edges = Edges {
            left: 0.0,
            top: 0.0,
            right: 10.0,
            bottom: 5.0,
        };
        let layers = [
            ("l0", Shape::Line(vec![(0.0, 0.0), (1.0, 2.5)])),
            ("f0", Shape::Area(vec![(0.0, 0.0), (1.0, 2.0), (3.0, 0.0)])),
            ("f0", Shape::Bar(edges)),
            ("f0", Shape::Dot((5.0, 5.0), 4.0)),
        ];
        let text = elements(&layers, (20.0, 20.0)).expect("elements");
        assert_eq!(
            text.matches("<g class=").count(),
            1,
            "one group for the run of three: {text}"
        );
        assert!(text.contains("<path class=\"l0\" d=\"M0 0l4 10\"/>"), "{text}");
        assert!(
            text.contains("<rect x=\"0\" y=\"0\" width=\"40\" height=\"20\"/>"),
            "{text}"
        );
        for look in ["fill=", "stroke=", "opacity", "style"] {
            assert!(!text.contains(look), "{look} in {text}");
        }
    }

    #[test]
    fn points_on_a_line_are_left_out_and_corners_stay() {
        let points = [
            (0.0, 0.0),
            (1.0, 1.0),
            (2.0, 2.0),
            (3.0, 3.0),
            (3.0, 9.0),
            (4.0, 9.0),
        ];
        assert_eq!(thinned(&points), [(0.0, 0.0), (3.0, 3.0), (3.0, 9.0), (4.0, 9.0)]);
        assert_eq!(thinned(&points[..1]), points[..1]);
        assert!(thinned(&[]).is_empty());
    }
}
