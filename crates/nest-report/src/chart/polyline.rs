//! Curves as runs of straight lines: stairs, cuts, splits. Positions are those of the axes, after any
//! logarithm.

/// A position.
pub(super) type Position = (f64, f64);

/// A curve that jumps at each of its points.
pub(super) fn stairs(points: &[Position]) -> Vec<Position> {
    let mut stairs: Vec<Position> = Vec::with_capacity(points.len() * 2);
    for &(x, y) in points {
        if let Some(&(_, before)) = stairs.last() {
            stairs.push((x, before));
        }
        stairs.push((x, y));
    }
    stairs
}

/// The parts of a curve that lie at or below `top`, cut where they cross it.
pub(super) fn below(points: &[Position], top: f64) -> Vec<Vec<Position>> {
    let mut runs = Vec::new();
    let mut run: Vec<Position> = Vec::new();
    let mut before: Option<Position> = None;
    for &point in points {
        let crosses = before.is_some_and(|before| (before.1 <= top) != (point.1 <= top));
        if let (true, Some(before)) = (crosses, before) {
            run.push((along(before.1, point.1, top, before.0, point.0), top));
        }
        if point.1 <= top {
            run.push(point);
        } else if !run.is_empty() {
            runs.push(std::mem::take(&mut run));
        }
        before = Some(point);
    }
    runs.push(run);
    runs.retain(|run| run.len() > 1);
    runs
}

/// A curve up to `x` and from `x` on; both hold the point between.
pub(super) fn split(points: &[Position], x: f64) -> (Vec<Position>, Vec<Position>) {
    let at = points.partition_point(|point| point.0 <= x);
    let (mut left, mut right) = (points[..at].to_vec(), points[at..].to_vec());
    if let (Some(&before), Some(&after)) = (left.last(), right.first()) {
        let between = (x, along(before.0, after.0, x, before.1, after.1));
        left.push(between);
        right.insert(0, between);
    }
    (left, right)
}

/// Value at `at` on the line from `(from, low)` to `(to, high)`.
fn along(from: f64, to: f64, at: f64, low: f64, high: f64) -> f64 {
    if to == from {
        high
    } else {
        low + (high - low) * (at - from) / (to - from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stairs_jump_at_their_points() {
        assert_eq!(
            stairs(&[(0.0, 1.0), (2.0, 3.0)]),
            [(0.0, 1.0), (2.0, 1.0), (2.0, 3.0)]
        );
    }

    #[test]
    fn what_is_above_is_cut_off() {
        let runs = below(&[(0.0, 3.0), (1.0, 1.0), (2.0, 1.0), (3.0, 3.0), (4.0, 3.0)], 2.0);
        assert_eq!(runs, [vec![(0.5, 2.0), (1.0, 1.0), (2.0, 1.0), (2.5, 2.0)]]);
        assert!(below(&[(0.0, 3.0), (1.0, 3.0)], 2.0).is_empty());
    }

    #[test]
    fn halves_meet_at_the_split() {
        let (left, right) = split(&[(0.0, 0.0), (4.0, 8.0)], 1.0);
        assert_eq!(
            (left, right),
            (vec![(0.0, 0.0), (1.0, 2.0)], vec![(1.0, 2.0), (4.0, 8.0)])
        );
        let (left, right) = split(&[(0.0, 0.0)], 1.0);
        assert_eq!((left.len(), right.len()), (1, 0));
    }
}
