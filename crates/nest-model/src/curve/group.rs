//! How the measured part of a curve moves: what intervals, and the scoreboard's tables, are told apart by.

use super::series::CurveSeries;

/// Growth over the last octave above which a curve counts as growing, in octaves.
const GROWING: f64 = 0.8;
/// The same above which it bends; below it is flat.
const BENDING: f64 = 0.14;
/// Throughput at the highest level over the best, below which a curve falls.
const FALLING: f64 = 0.9;

/// A kind of movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// The highest level is below 0.9 of the best.
    Falling,
    /// Grew by at most a tenth over the last octave.
    Flat,
    /// Grew by up to three quarters.
    Bending,
    /// Grew by more.
    Growing,
}

impl Group {
    /// The group of a series. Where no level lies an octave below the highest, throughput there is
    /// interpolated.
    #[must_use]
    pub fn of(series: &CurveSeries) -> Self {
        let levels: Vec<(f64, f64)> = series
            .levels
            .iter()
            .map(|level| {
                (
                    series.octaves_to(level.x),
                    level.mean_log / std::f64::consts::LN_2,
                )
            })
            .collect();
        let last = levels[levels.len() - 1].1;
        let best = levels
            .iter()
            .map(|level| level.1)
            .fold(f64::NEG_INFINITY, f64::max);
        if last - best < FALLING.log2() {
            return Self::Falling;
        }
        let above = levels
            .partition_point(|level| level.0 < -1.0 + 1e-9)
            .clamp(1, levels.len() - 1);
        let (a, b) = (levels[above - 1], levels[above]);
        // Growth over one octave; a series that is shorter counts at the pace of all of it.
        let growth = if a.0 > -1.0 {
            (last - a.1) / -a.0
        } else {
            last - (a.1 + (b.1 - a.1) * (-1.0 - a.0) / (b.0 - a.0))
        };
        match growth {
            growth if growth > GROWING => Self::Growing,
            growth if growth > BENDING => Self::Bending,
            _ => Self::Flat,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(points: &[(f64, f64)]) -> Group {
        Group::of(&CurveSeries::new(points).expect("three levels"))
    }

    #[test]
    fn the_last_octave_decides_unless_throughput_has_fallen() {
        assert_eq!(group(&[(1.0, 10.0), (2.0, 20.0), (4.0, 38.0)]), Group::Growing);
        assert_eq!(group(&[(1.0, 10.0), (2.0, 20.0), (4.0, 30.0)]), Group::Bending);
        assert_eq!(group(&[(1.0, 10.0), (2.0, 20.0), (4.0, 21.0)]), Group::Flat);
        assert_eq!(group(&[(1.0, 10.0), (2.0, 20.0), (4.0, 17.9)]), Group::Falling);
        // Half an octave that grows by a quarter is 1.6 in one octave.
        assert_eq!(
            group(&[(4.0, 10.0), (4.8, 11.5), (5.656_854, 12.5)]),
            Group::Bending
        );
        // 30 at 3 and 40 at 4 make 20 at 2, as interpolated between 1 and 3.
        assert_eq!(group(&[(1.0, 10.0), (3.0, 30.0), (4.0, 40.0)]), Group::Growing);
    }
}
