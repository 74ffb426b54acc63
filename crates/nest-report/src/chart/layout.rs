//! Positions on the canvas. Every label has room of its own, because the backend cannot measure text.
//!
//! The canvas is drawn at twice its nominal size, since the backend writes whole units.

/// Units of the canvas per nominal pixel.
pub(super) const FINE: i32 = 2;
/// Width of the canvas.
pub(super) const WIDTH: i32 = 680 * FINE;
/// Left and right edge of the plot.
pub(super) const PLOT_X: (i32, i32) = (76 * FINE, WIDTH - 36 * FINE);
/// Height of the plot.
pub(super) const PLOT_HEIGHT: i32 = 300 * FINE;
/// Height of a line of text.
pub(super) const LINE: i32 = 20 * FINE;
/// Size of text.
pub(super) const TEXT: i32 = 13 * FINE;
/// Room under the plot: tick labels and the axis title.
const BELOW: i32 = 48 * FINE;

/// Width of a curve within the tested range.
pub(super) const SOLID: u32 = 5;
/// Width of a curve beyond it; lines of this width are dashed.
pub(super) const DASHED: u32 = 4;
/// Width of a limit; lines of this width are dash-dotted.
pub(super) const DASH_DOTTED: u32 = 3;
/// Width of grid and axes.
pub(super) const HAIR: u32 = 2;
/// Radius of a measured point.
pub(super) const DOT: u32 = 8;

/// Vertical positions, which depend on the rows of the legend and on whether curves are lettered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    rows: i32,
    letters: i32,
}

impl Layout {
    /// For a number of rows in the legend and of curves. Several curves have letters, some perhaps above the
    /// plot.
    pub(super) fn new(rows: usize, curves: usize) -> Self {
        Self {
            rows: i32::try_from(rows).unwrap_or(i32::MAX / LINE / 4),
            letters: if curves > 1 { LINE * 3 / 4 } else { 0 },
        }
    }

    /// Middle of a row of the legend.
    pub(super) fn legend_row(self, row: usize) -> i32 {
        LINE / 2 + i32::try_from(row).unwrap_or(0) * LINE
    }

    /// Middle of the line with the title of the y-axis.
    pub(super) fn title(self) -> i32 {
        self.rows * LINE + LINE * 3 / 4
    }

    /// Middle of the line that says how far it was tested.
    pub(super) fn tested(self) -> i32 {
        self.title() + LINE
    }

    /// Middle of the line with the letters of curves that leave the plot.
    pub(super) fn letters(self) -> i32 {
        self.plot_y().0 - LINE / 2
    }

    /// Upper and lower edge of the plot.
    pub(super) fn plot_y(self) -> (i32, i32) {
        let top = self.tested() + LINE * 3 / 4 + self.letters;
        (top, top + PLOT_HEIGHT)
    }

    /// Size of the canvas.
    pub(super) fn size(self) -> (u32, u32) {
        let height = self.plot_y().1 + BELOW;
        (WIDTH.unsigned_abs(), height.unsigned_abs())
    }
}

/// Moves labels up (or left) from their `wanted` positions until they are `gap` apart, and keeps their order.
pub(super) fn apart(wanted: &[i32], gap: i32) -> Vec<i32> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(wanted[*index]));
    let mut placed = wanted.to_vec();
    let mut limit = i32::MAX;
    for index in order {
        placed[index] = wanted[index].min(limit);
        limit = placed[index] - gap;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_move_apart_upwards() {
        assert_eq!(apart(&[100, 95, 40], 20), [100, 80, 40]);
        assert_eq!(apart(&[], 20), Vec::<i32>::new());
    }
}
