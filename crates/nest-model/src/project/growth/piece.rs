//! Parts of months in which nothing happens at once: what a month costs is the mean over them.

use nest_data::growth::MOST_CUSTOMERS;

use super::{GrowthDraws, trajectory::Trajectory};

/// Part of a month in which nothing happens at once: no event begins or ends, no price changes, and no policy
/// begins or turns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GrowthPiece {
    /// Month in which it lies, from 0.
    pub month: usize,
    /// The moment at which it begins.
    pub begin: usize,
    /// The moment at which it ends, before anything that happens then.
    pub end: usize,
    /// Its length, in months.
    pub months: f64,
}

/// All parts of months of a growth, in their order.
#[derive(Debug, Clone)]
pub struct GrowthPieces(Vec<GrowthPiece>);

impl GrowthPieces {
    /// The parts between moments, in ascending months after the start.
    pub(super) fn between(times: &[f64]) -> Self {
        let piece = |(begin, ends): (usize, &[f64])| {
            // Two moments of one step have no time between them.
            let months = ((ends[1] - ends[0]) * 1e12).round() / 1e12;
            (months > 0.0).then_some(GrowthPiece {
                month: ends[0].floor() as usize,
                begin,
                end: begin + 1,
                months,
            })
        };
        Self(times.windows(2).enumerate().filter_map(piece).collect())
    }

    /// Those of the months before one.
    pub fn before(&self, month: usize) -> impl Iterator<Item = &GrowthPiece> {
        self.0.iter().filter(move |piece| piece.month < month)
    }

    /// Those of a month.
    pub fn of(&self, month: usize) -> impl Iterator<Item = &GrowthPiece> {
        self.0.iter().filter(move |piece| piece.month == month)
    }

    /// The moment at which a month begins, with what happens then.
    pub fn first_moment(&self, month: usize) -> usize {
        self.of(month).next().map_or(0, |piece| piece.begin)
    }

    /// Mean customers of a month on a trajectory.
    pub fn mean(&self, path: &Trajectory, month: usize) -> f64 {
        let mean = |piece: &GrowthPiece| {
            let ends = path.at_moment(piece.begin) + path.at_moment(piece.end);
            piece.months * ends / 2.0
        };
        self.of(month).map(mean).sum()
    }
}

impl GrowthDraws<'_> {
    /// Months until a trajectory leaves what can be projected: fewer than one customer, or more than
    /// [`MOST_CUSTOMERS`].
    #[must_use]
    pub fn allowed_months(&self, path: &Trajectory) -> usize {
        let inside = |month: &usize| {
            let mut ends = self.pieces.of(*month).flat_map(|piece| [piece.begin, piece.end]);
            ends.all(|moment| (1.0..=MOST_CUSTOMERS).contains(&path.at_moment(moment)))
        };
        (0..self.model.months() as usize).take_while(inside).count()
    }
}
