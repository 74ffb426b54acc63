//! Points and boxes, in pixels.

/// A position in pixels from the upper left corner.
pub(crate) type Point = (f64, f64);

/// Left, top, right and bottom edge, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Edges {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Edges {
    /// Whether both cover some place.
    pub(super) fn overlaps(self, other: Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    /// Whether a line comes into the box, by clipping (Liang and Barsky).
    pub(super) fn is_crossed_by(self, [from, to]: [Point; 2]) -> bool {
        let (across, down) = (to.0 - from.0, to.1 - from.1);
        let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
        for (direction, room) in [
            (-across, from.0 - self.left),
            (across, self.right - from.0),
            (-down, from.1 - self.top),
            (down, self.bottom - from.1),
        ] {
            if direction == 0.0 {
                if room < 0.0 {
                    return false;
                }
            } else if direction < 0.0 {
                enter = enter.max(room / direction);
            } else {
                leave = leave.min(room / direction);
            }
        }
        enter <= leave
    }
}
