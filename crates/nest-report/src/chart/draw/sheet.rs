//! A picture while it is drawn: shapes in layers, and texts of which no two overlap.

pub(crate) use super::geometry::{Edges, Point};
use super::{
    measure::{self, NAME, TEXT},
    shapes::{self, Shape},
};
use crate::markup;

/// Gap that labels keep between each other and from the edge, in pixels.
const GAP: f64 = 2.0;

/// Which end of a text its position is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// The left one.
    Start,
    /// The middle.
    Middle,
    /// The right one.
    End,
}

/// How a text looks: its classes, its size and whether it is semi-bold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub class: &'static str,
    pub size: f64,
    pub bold: bool,
}

/// Text of second rank.
pub(crate) const MUTED: Look = Look::of("", false);
/// Text of first rank.
pub(crate) const INK: Look = Look::of("i", false);
/// Values and names.
pub(crate) const STRONG: Look = Look::of("i s", true);
/// Headings inside a picture.
pub(crate) const HEAD: Look = Look {
    class: "i s n",
    size: NAME,
    bold: true,
};

impl Look {
    /// Of the usual size.
    pub(crate) const fn of(class: &'static str, bold: bool) -> Self {
        Self {
            class,
            size: TEXT,
            bold,
        }
    }

    /// Width of a text of this look, in pixels.
    pub(crate) fn width(self, text: &str) -> f64 {
        measure::width(text, self.size, self.bold)
    }

    /// A text of this look that is at most `room` pixels wide.
    pub(crate) fn fit(self, text: &str, room: f64) -> String {
        measure::shortened(text, self.size, self.bold, room)
    }

    /// A text of this look in at most `most` lines.
    pub(crate) fn wrap(self, text: &str, room: f64, most: usize) -> Vec<String> {
        measure::wrapped(text, self.size, self.bold, room, most)
    }
}

/// A text at its place: the baseline's end, middle or start.
#[derive(Debug, Clone)]
pub(crate) struct Label {
    pub at: Point,
    pub anchor: Anchor,
    pub look: Look,
    pub text: String,
}

impl Label {
    /// What it covers.
    pub(crate) fn edges(&self) -> Edges {
        let width = self.look.width(&self.text);
        let left = match self.anchor {
            Anchor::Start => self.at.0,
            Anchor::Middle => self.at.0 - width / 2.0,
            Anchor::End => self.at.0 - width,
        };
        Edges {
            left,
            top: self.at.1 - self.look.size * 0.8,
            right: left + width,
            bottom: self.at.1 + self.look.size * 0.25,
        }
    }
}

/// A picture of a given width; its height is set once it is known.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    pub width: f64,
    pub height: f64,
    layers: Vec<(&'static str, Shape)>,
    labels: Vec<Label>,
    lines: Vec<[Point; 2]>,
}

impl Sheet {
    /// An empty one.
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            layers: Vec::new(),
            labels: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// Whether it is made for a phone.
    pub(crate) fn is_narrow(&self) -> bool {
        self.width < 600.0
    }

    /// Whether it is made for a whole screen.
    pub(crate) fn is_wide(&self) -> bool {
        self.width > 900.0
    }

    /// A line through points; labels that may choose their place stay clear of it.
    pub(crate) fn line(&mut self, class: &'static str, points: &[Point]) {
        if points.len() < 2 || !all_finite(points) {
            return;
        }
        self.lines
            .extend(points.windows(2).map(|pair| [pair[0], pair[1]]));
        self.faint_line(class, points);
    }

    /// A line that labels may cross: grid, axis, edge of a band.
    pub(crate) fn faint_line(&mut self, class: &'static str, points: &[Point]) {
        if points.len() > 1 && all_finite(points) {
            self.layers.push((class, Shape::Line(shapes::thinned(points))));
        }
    }

    /// An area.
    pub(crate) fn area(&mut self, class: &'static str, outline: &[Point]) {
        if outline.len() > 2 && all_finite(outline) {
            self.layers.push((class, Shape::Area(shapes::thinned(outline))));
        }
    }

    /// A rectangle from its left to its right and from its top to its bottom edge.
    pub(crate) fn bar(&mut self, class: &'static str, edges: Edges) {
        if edges.right > edges.left && edges.bottom > edges.top {
            self.layers.push((class, Shape::Bar(edges)));
        }
    }

    /// A bar with slanting lines: paid for, and not used.
    pub(crate) fn striped_bar(&mut self, edges: Edges) {
        self.bar("fi o4", edges);
        let height = edges.bottom - edges.top;
        let mut foot = edges.left - height + 3.0;
        while foot < edges.right {
            let (from, to) = (foot.max(edges.left), (foot + height).min(edges.right));
            let at = |x: f64| (x, edges.bottom - (x - foot));
            if to > from {
                self.faint_line("lf", &[at(from), at(to)]);
            }
            foot += 7.0;
        }
    }

    /// A disc.
    pub(crate) fn dot(&mut self, class: &'static str, at: Point, radius: f64) {
        if all_finite(&[at]) {
            self.layers.push((class, Shape::Dot(at, radius)));
        }
    }

    /// A text where it has to be.
    pub(crate) fn text(&mut self, look: Look, anchor: Anchor, at: Point, text: &str) {
        if !text.is_empty() && all_finite(&[at]) {
            self.labels.push(Label {
                at,
                anchor,
                look,
                text: text.to_owned(),
            });
        }
    }

    /// A text at the first of `places` where it overlaps no other, stays inside and is crossed by the fewest
    /// lines. Returns whether there was one.
    pub(crate) fn place(&mut self, look: Look, text: &str, places: &[(Anchor, Point)]) -> bool {
        let best = places
            .iter()
            .map(|&(anchor, at)| Label {
                at,
                anchor,
                look,
                text: text.to_owned(),
            })
            .filter(|label| all_finite(&[label.at]) && self.is_free(label))
            .min_by_key(|label| self.crossings(label));
        match best {
            Some(label) => {
                self.labels.push(label);
                true
            }
            None => false,
        }
    }

    /// A hollow mark.
    pub(crate) fn ring(&mut self, at: Point) {
        let reach = 6.0;
        self.lines.push([(at.0 - reach, at.1), (at.0 + reach, at.1)]);
        self.lines.push([(at.0, at.1 - reach), (at.0, at.1 + reach)]);
        self.dot("fx", at, 5.5);
        self.dot("fp", at, 3.5);
    }

    /// The places of a label around a point: right, left, above, below, at growing distance.
    pub(crate) fn around((x, y): Point) -> Vec<(Anchor, Point)> {
        let mut places = Vec::new();
        for away in [8.0, 16.0, 28.0, 44.0] {
            places.extend([
                (Anchor::Start, (x + 8.0, y - away + 4.0)),
                (Anchor::End, (x - 8.0, y - away + 4.0)),
                (Anchor::Start, (x + 8.0, y + away + 6.0)),
                (Anchor::End, (x - 8.0, y + away + 6.0)),
                (Anchor::Middle, (x, y - away)),
                (Anchor::Middle, (x, y + away + 10.0)),
            ]);
        }
        places
    }

    fn is_free(&self, label: &Label) -> bool {
        let edges = label.edges();
        let inside =
            edges.left >= 0.0 && edges.right <= self.width && edges.top >= 0.0 && edges.bottom <= self.height;
        let wide = Edges {
            left: edges.left - GAP,
            right: edges.right + GAP,
            ..edges
        };
        inside && self.labels.iter().all(|other| !wide.overlaps(other.edges()))
    }

    fn crossings(&self, label: &Label) -> usize {
        let edges = label.edges();
        self.lines
            .iter()
            .filter(|line| edges.is_crossed_by(**line))
            .count()
    }

    /// Its texts.
    #[cfg(test)]
    pub(crate) fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// Whether a line of a class lies inside.
    #[cfg(test)]
    pub(crate) fn has_line_inside(&self, class: &str) -> bool {
        let inside =
            |point: &Point| (0.0..=self.width).contains(&point.0) && (0.0..=self.height).contains(&point.1);
        self.layers.iter().any(|(of, shape)| match shape {
            Shape::Line(points) => *of == class && points.iter().all(inside),
            _ => false,
        })
    }

    /// Its elements, without the `<svg>` around them.
    pub(crate) fn elements(&self) -> Result<String, String> {
        let mut text = shapes::elements(&self.layers, (self.width, self.height))?;
        for label in &self.labels {
            text.push_str(&element(label, self.crossings(label) > 0));
        }
        Ok(text)
    }
}

/// A text; with a rim of the page's colour if lines cross it, so that it can be read.
fn element(label: &Label, is_crossed: bool) -> String {
    let anchor = match label.anchor {
        Anchor::Start => "",
        Anchor::Middle => " m",
        Anchor::End => " e",
    };
    let has_rim = label.look.class.split(' ').any(|class| class == "h");
    let rim = if is_crossed && !has_rim { " h" } else { "" };
    let class = format!("{}{rim}{anchor}", label.look.class);
    let class = class.trim_start();
    let attribute = if class.is_empty() {
        String::new()
    } else {
        format!(" class=\"{class}\"")
    };
    format!(
        "<text{attribute} x=\"{}\" y=\"{}\">{}</text>\n",
        label.at.0.round(),
        label.at.1.round(),
        markup::escape(&label.text)
    )
}

fn all_finite(points: &[Point]) -> bool {
    points.iter().all(|(x, y)| x.is_finite() && y.is_finite())
}

/// Positions for labels that want `wanted`, moved as little as they need to be `gap` apart between `low` and
/// `high`, in the order of `wanted`. They come closer than `gap` only if there is no room.
pub(crate) fn spread(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|left, right| wanted[*left].total_cmp(&wanted[*right]));
    let mut placed = wanted.to_vec();
    let mut floor = low;
    for &index in &order {
        placed[index] = wanted[index].max(floor);
        floor = placed[index] + gap;
    }
    let mut ceiling = high;
    for &index in order.iter().rev() {
        placed[index] = placed[index].min(ceiling);
        ceiling = placed[index] - gap;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_spread_within_their_room() {
        assert_eq!(spread(&[10.0, 12.0, 95.0], 20.0, 0.0, 100.0), [10.0, 30.0, 95.0]);
        assert_eq!(spread(&[99.0, 98.0], 20.0, 0.0, 100.0), [100.0, 80.0]);
    }

    #[test]
    fn a_label_takes_a_free_place_or_none() {
        let mut sheet = Sheet::new(100.0, 40.0);
        let place = [(Anchor::Start, (5.0, 20.0))];
        assert!(sheet.place(INK, "one", &place));
        assert!(!sheet.place(INK, "two", &place), "the place is taken");
        assert!(!sheet.place(
            INK,
            "a text that is wider than the sheet",
            &[(Anchor::Start, (5.0, 36.0))]
        ));
    }

    #[test]
    fn a_label_stays_clear_of_lines_if_it_can() {
        let mut sheet = Sheet::new(200.0, 100.0);
        sheet.line("l0", &[(0.0, 20.0), (200.0, 20.0)]);
        assert!(sheet.place(
            INK,
            "now",
            &[(Anchor::Start, (5.0, 24.0)), (Anchor::Start, (5.0, 60.0))]
        ));
        assert_eq!(sheet.labels()[0].at.1, 60.0);
    }
}
