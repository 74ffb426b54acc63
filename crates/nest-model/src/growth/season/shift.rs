//! One change of level in a short history: what two or three cycles would show as a season as well.

use super::{
    super::numbers::{mean, median},
    agreement,
};

/// Cycles from which on one change of level no longer looks like a season: the cycles disagree on it.
const CYCLES_THAT_TELL: usize = 4;
/// Mean square that a season leaves, over what one change of level leaves, at most, for the season to be
/// believed: by whole cycles. Twice the same jump at the seam of two cycles cannot be told from one by its
/// fit, so that the simpler account has to be refuted clearly.
const SEASON_OF_TWO: f64 = 1.0 / 3.0;
const SEASON_OF_MORE: f64 = 0.5;
/// A change of level counts if it takes this many times `ln n` off `n ln` of the sum of squares around a
/// smooth trend: its size, its place, the choice of the best place, and trends that are not so smooth. Chosen
/// by hand: at 3, weak seasons and the bend of a curve were taken for steps.
///
/// Source: Schwarz, "Estimating the dimension of a model", Annals of Statistics 6(2), 1978.
const WORTH: f64 = 5.0;
/// Numbers from which a smooth trend may be curved.
const ENOUGH_FOR_CURVE: usize = 24;
/// Share of a cycle, from the seam of two cycles, within which a step looks like a season; one step at least.
const NEAR_SEAM: usize = 6;
/// Fewest numbers on either side of a change of level.
const MARGIN: usize = 2;
/// Share of the sum of squares that rounding may leave.
const ROUNDING: f64 = 1e-12;
/// A change of level is told to the reader if it is this many times as large as a usual change from one
/// number to the next.
const PROMINENT: f64 = 3.0;

/// A change of level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelShift {
    /// Index of the first number on the new level.
    pub at: usize,
    /// How much higher that is, on the scale of the numbers.
    pub size: f64,
    /// Whether it stands out from the changes between other numbers.
    pub is_prominent: bool,
}

impl LevelShift {
    /// The change that describes the newest whole cycles about as well as a season does, with one jump for
    /// one of every cycle; `None` if there is none, or if the history holds four cycles, which tell both
    /// apart by themselves.
    ///
    /// # Formula
    /// Least squares of `trend + size [t >= at]` for every `at` near a seam of cycles, beside
    /// `trend + season`, the trend being a
    /// line, or a parabola if there are 24 numbers.
    pub(super) fn instead_of_season(numbers: &[f64], period: usize) -> Option<Self> {
        let cycles = numbers.len() / period;
        if !(2..CYCLES_THAT_TELL).contains(&cycles) {
            return None;
        }
        let first = numbers.len() - cycles * period;
        let newest = &numbers[first..];
        let count = newest.len() as f64;
        let degree = if newest.len() < ENOUGH_FOR_CURVE { 1 } else { 2 };
        let basis = orthonormal(powers(newest.len(), degree));
        let rest = without(newest, &basis);
        let (at, size, gain) = best_step(&rest, &basis, period)?;
        let centre = mean(newest);
        let floor = ROUNDING * newest.iter().map(|number| (number - centre).powi(2)).sum::<f64>();
        let smooth = squares(&rest) + floor;
        let stepped = (smooth - gain).max(floor);
        if count * (smooth / stepped).ln() <= WORTH * count.ln() {
            return None;
        }
        let (seasonal, freedom) = with_season(newest, period, degree);
        let believed = if cycles == 2 {
            SEASON_OF_TWO
        } else {
            SEASON_OF_MORE
        };
        let mean_square = stepped / (count - degree as f64 - 2.0).max(1.0);
        if (seasonal + floor) / freedom < believed * mean_square {
            return None;
        }
        Some(Self {
            at: first + at,
            size,
            is_prominent: size.abs() > PROMINENT * usual_change(newest, at),
        })
    }

    /// The numbers as if the level had never changed.
    pub(super) fn undone(self, numbers: &[f64]) -> Vec<f64> {
        let level = |(index, number): (usize, &f64)| {
            if index < self.at {
                *number
            } else {
                number - self.size
            }
        };
        numbers.iter().enumerate().map(level).collect()
    }
}

/// Place, size and squared length of the step that takes most off numbers which are at right angles to a
/// basis.
fn best_step(rest: &[f64], basis: &[Vec<f64>], period: usize) -> Option<(usize, f64, f64)> {
    let mut best: Option<(usize, f64, f64)> = None;
    let mut along = 0.0;
    let mut in_basis = vec![0.0; basis.len()];
    for at in (MARGIN..rest.len()).rev() {
        along += rest[at];
        for (sum, column) in in_basis.iter_mut().zip(basis) {
            *sum += column[at];
        }
        let own = (rest.len() - at) as f64 - squares(&in_basis);
        let after_seam = (rest.len() - at) % period;
        let is_near = after_seam.min(period - after_seam) <= (period / NEAR_SEAM).max(1);
        if at + MARGIN > rest.len() || own < 1e-6 || !is_near {
            continue;
        }
        let gain = along * along / own;
        if best.is_none_or(|(_, _, most)| gain > most) {
            best = Some((at, along / own, gain));
        }
    }
    best
}

/// Sum of squares around trend and season, and degrees of freedom of that sum.
fn with_season(numbers: &[f64], period: usize, degree: usize) -> (f64, f64) {
    let mut columns = powers(numbers.len(), degree);
    columns.remove(0); // the season has a level of its own
    let columns = columns.iter().map(|column| deseasoned(column, period)).collect();
    let rest = without(&deseasoned(numbers, period), &orthonormal(columns));
    let used = agreement::described(period) + 1 + degree;
    let freedom = numbers.len().saturating_sub(used).max(1);
    (squares(&rest), freedom as f64)
}

/// Whole cycles without their mean cycle, as far as the harmonics of a season describe that.
fn deseasoned(numbers: &[f64], period: usize) -> Vec<f64> {
    let cycles = (numbers.len() / period) as f64;
    let means: Vec<f64> = (0..period)
        .map(|phase| numbers.iter().skip(phase).step_by(period).sum::<f64>() / cycles)
        .collect();
    let level = mean(&means);
    let described = agreement::describe(&means);
    let off = |(index, number): (usize, &f64)| number - level - described[index % period];
    numbers.iter().enumerate().map(off).collect()
}

/// Median size of the changes from number to number, but that at `at`.
fn usual_change(numbers: &[f64], at: usize) -> f64 {
    let changes: Vec<f64> = numbers
        .windows(2)
        .enumerate()
        .filter(|(before, _)| before + 1 != at)
        .map(|(_, pair)| (pair[1] - pair[0]).abs())
        .collect();
    median(&changes)
}

/// 1, t, t^2, ... up to a degree, t running from -1 to 1.
fn powers(count: usize, degree: usize) -> Vec<Vec<f64>> {
    let time = |index: usize| 2.0 * index as f64 / (count - 1) as f64 - 1.0;
    (0..=degree)
        .map(|power| (0..count).map(|index| time(index).powi(power as i32)).collect())
        .collect()
}

/// Columns of length 1 at right angles to one another that span the same (Gram and Schmidt).
fn orthonormal(columns: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(columns.len());
    for column in columns {
        let size = squares(&column).sqrt();
        let rest = without(&column, &basis);
        let length = squares(&rest).sqrt();
        if length > 1e-9 * size {
            basis.push(rest.iter().map(|number| number / length).collect());
        }
    }
    basis
}

/// What of the numbers is at right angles to an orthonormal basis.
fn without(numbers: &[f64], basis: &[Vec<f64>]) -> Vec<f64> {
    let mut rest = numbers.to_vec();
    for column in basis {
        let along: f64 = rest.iter().zip(column).map(|(number, one)| number * one).sum();
        rest.iter_mut()
            .zip(column)
            .for_each(|(number, one)| *number -= along * one);
    }
    rest
}

fn squares(numbers: &[f64]) -> f64 {
    numbers.iter().map(|number| number * number).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of 24 numbers with one step, exactly what a line and a saw-tooth of 12 describe as well.
    #[test]
    fn a_step_at_the_seam_of_two_cycles_is_one_step() {
        let numbers: Vec<f64> = (0..24)
            .map(|at| 0.01 * f64::from(at) + if at < 12 { 0.0 } else { 0.3 })
            .collect();
        let shift = LevelShift::instead_of_season(&numbers, 12).expect("a shift");
        assert_eq!(shift.at, 12);
        assert!((shift.size - 0.3).abs() < 1e-9 && shift.is_prominent, "{shift:?}");
        let undone = shift.undone(&numbers);
        assert!((undone[23] - 0.23).abs() < 1e-9, "{undone:?}");
    }

    #[test]
    fn a_season_a_line_and_four_cycles_are_no_step() {
        let of = |count: u32, form: &dyn Fn(u32) -> f64| {
            let numbers: Vec<f64> = (0..count).map(form).collect();
            LevelShift::instead_of_season(&numbers, 12)
        };
        let wobble = |at: u32| 0.01 * f64::from(at * at % 7);
        assert_eq!(
            of(24, &|at| wobble(at) + if at % 12 == 11 { 0.5 } else { 0.0 }),
            None
        );
        assert_eq!(of(36, &|at| wobble(at) + f64::from(at % 12) * 0.1), None);
        assert_eq!(of(24, &|at| 0.02 * f64::from(at) + wobble(at)), None);
        assert_eq!(of(48, &|at| if at < 36 { 0.0 } else { 0.3 }), None);
    }
}
