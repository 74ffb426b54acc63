//! A throughput series as the fit reads it: one level per distinct x, on log scale.

use super::CurveRefusal;

/// Levels above which neighbours are put together: more do not change a forecast, but its time.
const MOST_LEVELS: usize = 40;

/// All observations at one level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadLevel {
    /// Customers or servers, above 0.
    pub x: f64,
    /// Mean of the log of throughput.
    pub mean_log: f64,
    /// Observations.
    pub count: f64,
    /// Sum of squared deviations of log throughput from its mean.
    pub sum_squares: f64,
}

/// A series of at least three levels, ascending.
#[derive(Debug, Clone, PartialEq)]
pub struct CurveSeries {
    /// Levels, ascending by x.
    pub levels: Vec<LoadLevel>,
    /// Observations left out because x or y is not a number above 0.
    pub left_out: usize,
}

impl CurveSeries {
    /// Reads observations (x, y) in any order; those that are not two finite numbers above 0 are left out and
    /// counted.
    ///
    /// # Errors
    /// [`CurveRefusal::TooFewLevels`] with fewer than three distinct x.
    pub fn new(points: &[(f64, f64)]) -> Result<Self, CurveRefusal> {
        let usable = |value: f64| value.is_finite() && value >= f64::MIN_POSITIVE;
        let mut kept: Vec<(f64, f64)> = points
            .iter()
            .copied()
            .filter(|&(x, y)| usable(x) && usable(y))
            .collect();
        kept.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut levels: Vec<LoadLevel> = kept.chunk_by(|a, b| a.0 == b.0).map(level).collect();
        if levels.len() < 3 {
            return Err(CurveRefusal::TooFewLevels {
                distinct: levels.len(),
                left_out: points.len() - kept.len(),
            });
        }
        if levels.len() > MOST_LEVELS {
            levels = merged(&kept);
        }
        Ok(Self {
            levels,
            left_out: points.len() - kept.len(),
        })
    }

    /// The highest level.
    #[must_use]
    pub fn last(&self) -> &LoadLevel {
        &self.levels[self.levels.len() - 1]
    }

    /// Observations that are fitted.
    #[must_use]
    pub fn observations(&self) -> f64 {
        self.levels.iter().map(|level| level.count).sum()
    }

    /// Octaves from the highest level to x; negative below it.
    #[must_use]
    pub fn octaves_to(&self, x: f64) -> f64 {
        x.log2() - self.last().x.log2()
    }
}

fn level(observations: &[(f64, f64)]) -> LoadLevel {
    let count = observations.len() as f64;
    let x = (observations.iter().map(|point| point.0.ln()).sum::<f64>() / count).exp();
    let mean_log = observations.iter().map(|point| point.1.ln()).sum::<f64>() / count;
    let sum_squares = observations
        .iter()
        .map(|point| (point.1.ln() - mean_log).powi(2))
        .sum();
    // The exact x if it is one, so that a forecast at a level finds it.
    LoadLevel {
        x: if observations[0].0 == observations[observations.len() - 1].0 {
            observations[0].0
        } else {
            x
        },
        mean_log,
        count,
        sum_squares,
    }
}

/// Neighbours within equal parts of the range in octaves become one level at their geometric mean.
fn merged(points: &[(f64, f64)]) -> Vec<LoadLevel> {
    let (low, high) = (points[0].0.log2(), points[points.len() - 1].0.log2());
    let part =
        |x: f64| (((x.log2() - low) / (high - low) * MOST_LEVELS as f64) as usize).min(MOST_LEVELS - 1);
    points
        .chunk_by(|a, b| part(a.0) == part(b.0))
        .map(level)
        .collect()
}
