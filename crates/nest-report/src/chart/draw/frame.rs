//! A plot with two axes: its tint beyond what was tested, its bands, lines and walls.

use super::{
    scale::Scale,
    sheet::{Anchor, Edges, Look, MUTED, Point, Sheet},
};

/// Height of a line of text, in pixels.
pub(crate) const LINE: f64 = 16.0;

/// Share of an axis that is tested from which on nothing worth a word is beyond, 0-1.
const NEARLY_ALL: f64 = 0.97;

/// What is written over either side of the border of a load test, and beyond it where there is no room for
/// both.
pub(crate) const BEYOND_TEST: [&str; 3] = ["within the load test", "beyond it", "beyond the load test"];

/// Both axes of a plot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub x: Scale,
    pub y: Scale,
}

impl Frame {
    /// Its edges in pixels.
    pub(crate) fn edges(&self) -> Edges {
        let ((left, right), (bottom, top)) = (self.x.pixels(), self.y.pixels());
        Edges {
            left,
            top,
            right,
            bottom,
        }
    }

    /// The pixels of a value at a place, cut to the plot.
    pub(crate) fn at(&self, (x, y): Point) -> Point {
        (self.x.at(x), self.y.at(y))
    }

    /// Tints what lies beyond `from`, and writes what either side is above the border: within, beyond, and
    /// beyond where nothing is said of what is within.
    pub(crate) fn beyond(&self, sheet: &mut Sheet, from: f64, [within, beyond, alone]: [&str; 3]) {
        let edges = self.edges();
        let (low, high) = self.x.values();
        if from >= low + (high - low) * NEARLY_ALL {
            return;
        }
        let at = self.x.at(from);
        sheet.bar("by", Edges { left: at, ..edges });
        let above = edges.top - 10.0;
        if from <= low {
            sheet.place(MUTED, alone, &[(Anchor::Start, (edges.left + 2.0, above))]);
            return;
        }
        sheet.faint_line("bd", &[(at, edges.top - 22.0), (at, edges.bottom)]);
        let is_said = sheet.place(MUTED, within, &[(Anchor::End, (at - 6.0, above))]);
        let beyond = if is_said { beyond } else { alone };
        sheet.place(MUTED, beyond, &[(Anchor::Start, (at + 6.0, above))]);
    }

    /// The area between a lower and an upper edge, cut to the plot. Points are (x, low, high).
    pub(crate) fn band(&self, sheet: &mut Sheet, class: &'static str, points: &[(f64, f64, f64)]) {
        let upper = points.iter().map(|(x, _, high)| self.at((*x, *high)));
        let lower = points.iter().rev().map(|(x, low, _)| self.at((*x, *low)));
        let outline: Vec<Point> = upper.chain(lower).collect();
        sheet.area(class, &outline);
    }

    /// A line, solid up to `tested` and dotted beyond it; what is above the plot is cut off.
    pub(crate) fn line(&self, sheet: &mut Sheet, classes: [&'static str; 2], points: &[Point], tested: f64) {
        let (known, beyond) = split(points, tested);
        let top = self.y.values().1;
        for (part, class) in [(known, classes[0]), (beyond, classes[1])] {
            for run in below(&part, top) {
                let pixels: Vec<Point> = run.into_iter().map(|point| self.at(point)).collect();
                sheet.line(class, &pixels);
            }
        }
    }

    /// A vertical line from the top of the plot to `bottom`, with a text beside it.
    pub(crate) fn wall(&self, sheet: &mut Sheet, x: f64, bottom: f64, look: Look, words: &[String]) {
        let (at, edges) = (self.x.at(x), self.edges());
        sheet.line("lw", &[(at, edges.top), (at, bottom)]);
        let left = at > (edges.left + edges.right) / 2.0;
        let sides = [(Anchor::End, at - 6.0), (Anchor::Start, at + 6.0)];
        let sides = if left { sides } else { [sides[1], sides[0]] };
        for (row, text) in words.iter().enumerate() {
            let y = edges.top + 12.0 + row as f64 * LINE;
            let places: Vec<(Anchor, Point)> = (0..6)
                .flat_map(|lower| sides.map(|(anchor, x)| (anchor, (x, y + f64::from(lower) * LINE))))
                .collect();
            sheet.place(look, text, &places);
        }
    }
}

/// A line up to `x` and from `x` on; both hold the point between.
fn split(points: &[Point], x: f64) -> (Vec<Point>, Vec<Point>) {
    let at = points.partition_point(|point| point.0 <= x);
    let (mut left, mut right) = (points[..at].to_vec(), points[at..].to_vec());
    if let (Some(&before), Some(&after)) = (left.last(), right.first()) {
        let between = (x, along((before.0, before.1), (after.0, after.1), x));
        left.push(between);
        right.insert(0, between);
    }
    (left, right)
}

/// The parts of a line at or below `top`, cut where they cross it.
fn below(points: &[Point], top: f64) -> Vec<Vec<Point>> {
    let mut runs: Vec<Vec<Point>> = vec![Vec::new()];
    let mut before: Option<Point> = None;
    for &point in points {
        if let Some(before) = before.filter(|before| (before.1 <= top) != (point.1 <= top)) {
            let cut = (along((before.1, before.0), (point.1, point.0), top), top);
            runs.last_mut().into_iter().for_each(|run| run.push(cut));
            if point.1 > top {
                runs.push(Vec::new());
            }
        }
        if point.1 <= top {
            runs.last_mut().into_iter().for_each(|run| run.push(point));
        }
        before = Some(point);
    }
    runs.retain(|run| run.len() > 1);
    runs
}

/// The second coordinate at `at` on the line between two points.
pub(crate) fn along(from: Point, to: Point, at: f64) -> f64 {
    if to.0 == from.0 {
        to.1
    } else {
        from.1 + (to.1 - from.1) * (at - from.0) / (to.0 - from.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_meet_at_the_split() {
        let (left, right) = split(&[(0.0, 0.0), (4.0, 8.0)], 1.0);
        assert_eq!(
            (left, right),
            (vec![(0.0, 0.0), (1.0, 2.0)], vec![(1.0, 2.0), (4.0, 8.0)])
        );
    }

    #[test]
    fn what_is_above_is_cut_off() {
        let runs = below(&[(0.0, 3.0), (1.0, 1.0), (2.0, 1.0), (3.0, 3.0), (4.0, 3.0)], 2.0);
        assert_eq!(runs, [vec![(0.5, 2.0), (1.0, 1.0), (2.0, 1.0), (2.5, 2.0)]]);
        assert!(below(&[(0.0, 3.0), (1.0, 3.0)], 2.0).is_empty());
    }
}
