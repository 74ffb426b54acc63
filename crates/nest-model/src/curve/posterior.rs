//! The posterior over laws and discrepancies on the grid, and what it forecasts.

use super::{
    CurveRefusal,
    discrepancy::{DRIFTS, Discrepancy, NOISES},
    predictive::Predictive,
    prior::Prior,
    series::CurveSeries,
    shape::{Shape, grid},
};

/// Weight, relative to the largest, below which a node is left out of forecasts.
const NEGLIGIBLE: f64 = 1e-5;

/// Difference in log probability to the best node from which on a node counts for nothing: e^-20 is 2e-9.
const HOPELESS: f64 = 20.0;

/// Posterior weights of the whole grid.
#[derive(Debug, Clone)]
pub struct GridPosterior {
    /// Weights by (noise, drift), noises outermost, then by shape; sum 1.
    pub weights: Vec<Vec<f64>>,
    discrepancies: Vec<Option<Discrepancy>>,
    residuals: Vec<Vec<f64>>, // log throughput less the shape's, by shape, then level
}

impl GridPosterior {
    /// Fits a series by shapes relative to the level `last`; `None` if no node has a finite likelihood.
    #[must_use]
    pub fn new(series: &CurveSeries, last: f64, prior: &Prior) -> Option<Self> {
        let octaves: Vec<f64> = series
            .levels
            .iter()
            .map(|level| level.x.log2() - last.log2())
            .collect();
        let residual = |shape: &Shape| {
            octaves
                .iter()
                .zip(&series.levels)
                .map(|(&at, level)| level.mean_log - shape.log_throughput(at))
                .collect()
        };
        let residuals: Vec<Vec<f64>> = grid().iter().map(residual).collect();
        let discrepancies: Vec<Option<Discrepancy>> = NOISES
            .iter()
            .flat_map(|&noise| {
                DRIFTS
                    .iter()
                    .map(move |&drift| Discrepancy::new(series, noise, drift))
            })
            .collect();
        // Those that can be likely first, so that what cannot is known early.
        let highest = |index: usize| {
            prior
                .log_shapes(index)
                .iter()
                .copied()
                .fold(f64::NEG_INFINITY, f64::max)
        };
        let bound = |(index, found): (usize, &Option<Discrepancy>)| {
            found
                .as_ref()
                .map_or(f64::NEG_INFINITY, |found| found.most_likely() + highest(index))
        };
        let bounds: Vec<f64> = discrepancies.iter().enumerate().map(bound).collect();
        let mut order: Vec<usize> = (0..bounds.len()).collect();
        order.sort_by(|a, b| bounds[*b].total_cmp(&bounds[*a]));
        let mut weights = vec![Vec::new(); bounds.len()];
        let mut most = f64::NEG_INFINITY;
        for index in order {
            let Some(found) = discrepancies[index]
                .as_ref()
                .filter(|_| bounds[index] > most - HOPELESS)
            else {
                continue;
            };
            weights[index] = residuals
                .iter()
                .zip(prior.log_shapes(index))
                .map(|(residuals, log)| found.log_likelihood(residuals) + log)
                .collect();
            most = weights[index].iter().copied().fold(most, f64::max);
        }
        for of in &mut weights {
            of.resize(residuals.len(), f64::NEG_INFINITY);
            of.iter_mut().for_each(|log| {
                *log = if *log > most - HOPELESS {
                    (*log - most).exp()
                } else {
                    0.0
                }
            });
        }
        let total: f64 = weights.iter().flatten().sum();
        weights.iter_mut().flatten().for_each(|weight| *weight /= total);
        (most.is_finite() && total.is_finite()).then_some(Self {
            weights,
            discrepancies,
            residuals,
        })
    }
}

/// A discrepancy that a forecast counts with.
#[derive(Debug, Clone)]
struct Branch {
    discrepancy: Discrepancy,
    weights: Vec<f64>,   // by kept shape
    offsets: Vec<f64>,   // log of the true curve over the shape at the highest level, by kept shape
    variance_there: f64, // of a new observation at the highest level
}

/// The posterior of a series, without what is negligible.
#[derive(Debug, Clone)]
pub struct Posterior {
    shapes: Vec<Shape>,
    falling: Vec<bool>,       // by kept shape
    residuals: Vec<Vec<f64>>, // by kept shape, then level
    branches: Vec<Branch>,
}

/// A node of the posterior.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PosteriorNode {
    /// The law's shape.
    pub shape: Shape,
    /// Log of throughput over the shape's, at the highest measured level.
    pub offset: f64,
    /// Standard deviation of the log of the true curve there.
    pub deviation: f64,
    /// Drift per octave beyond: standard deviation of the log of the true curve.
    pub drift: f64,
}

impl Posterior {
    /// Fits a series.
    ///
    /// # Errors
    /// [`CurveRefusal::NoLaw`] if no node has a finite likelihood.
    pub fn new(series: &CurveSeries, prior: &Prior) -> Result<Self, CurveRefusal> {
        let found = GridPosterior::new(series, series.last().x, prior).ok_or(CurveRefusal::NoLaw)?;
        let least = NEGLIGIBLE * found.weights.iter().flatten().copied().fold(0.0, f64::max);
        let kept: Vec<usize> = (0..found.residuals.len())
            .filter(|&node| found.weights.iter().any(|of| of[node] > least))
            .collect();
        let all = grid();
        let residuals: Vec<Vec<f64>> = kept.iter().map(|&node| found.residuals[node].clone()).collect();
        let branch = |(discrepancy, weights): (Option<Discrepancy>, Vec<f64>)| {
            let discrepancy = discrepancy.filter(|_| weights.iter().any(|weight| *weight > least))?;
            let (of_level, variance_there) = discrepancy.forecast(0.0);
            let offsets = residuals
                .iter()
                .map(|residuals| dot(&of_level, residuals))
                .collect();
            Some(Branch {
                discrepancy,
                weights: kept.iter().map(|&node| weights[node]).collect(),
                offsets,
                variance_there,
            })
        };
        let branches = found
            .discrepancies
            .into_iter()
            .zip(found.weights)
            .filter_map(branch)
            .collect();
        let shapes: Vec<Shape> = kept.iter().map(|&node| all[node]).collect();
        Ok(Self {
            falling: shapes.iter().map(Shape::falls).collect(),
            shapes,
            residuals,
            branches,
        })
    }

    /// The distribution of the log of a new observation, at a place in octaves from the highest level.
    #[must_use]
    pub fn forecast(&self, octaves: f64) -> Predictive {
        let [steady, falling] = self.parts(octaves);
        steady.and(falling)
    }

    /// The same in two parts: by shapes that do not fall beyond the highest level, and by those that do.
    #[must_use]
    pub fn parts(&self, octaves: f64) -> [Predictive; 2] {
        let shapes: Vec<f64> = self
            .shapes
            .iter()
            .map(|shape| shape.log_throughput(octaves))
            .collect();
        let mut parts = [Predictive::default(), Predictive::default()];
        for branch in &self.branches {
            let (means, variance) = self.means(branch, octaves, &shapes);
            for (part, falls) in parts.iter_mut().zip([false, true]) {
                let of = means.iter().copied().zip(branch.weights.iter().copied());
                let kept = of.zip(&self.falling).filter(|(_, falling)| **falling == falls);
                part.add(kept.map(|(component, _)| component), variance);
            }
        }
        parts
    }

    /// Means by kept shape, and the variance they share, of a branch at a place where the shapes are known.
    fn means(&self, branch: &Branch, octaves: f64, shapes: &[f64]) -> (Vec<f64>, f64) {
        if octaves >= 0.0 {
            // The walk forgets: beyond the highest level only where it stood there counts.
            let variance = branch.variance_there + branch.discrepancy.drift().powi(2) * octaves;
            let mean = |(shape, offset): (&f64, &f64)| shape + offset;
            return (shapes.iter().zip(&branch.offsets).map(mean).collect(), variance);
        }
        let (of_level, variance) = branch.discrepancy.forecast(octaves);
        let mean = |(shape, residuals): (&f64, &Vec<f64>)| shape + dot(&of_level, residuals);
        (shapes.iter().zip(&self.residuals).map(mean).collect(), variance)
    }

    /// The node at which the cumulated weight, in the order of the grid, reaches `share` (0-1).
    #[must_use]
    pub fn node(&self, share: f64) -> PosteriorNode {
        let all = || {
            self.branches
                .iter()
                .flat_map(|branch| (0..self.shapes.len()).map(move |node| (branch, node)))
        };
        let wanted = share * all().map(|(branch, node)| branch.weights[node]).sum::<f64>();
        let mut reached = 0.0;
        let (branch, node) = all()
            .find(|(branch, node)| {
                reached += branch.weights[*node];
                reached >= wanted && branch.weights[*node] > 0.0
            })
            .unwrap_or((&self.branches[0], 0));
        let deviation = (branch.variance_there - branch.discrepancy.noise().powi(2))
            .max(0.0)
            .sqrt();
        PosteriorNode {
            shape: self.shapes[node],
            offset: branch.offsets[node],
            deviation,
            drift: branch.discrepancy.drift(),
        }
    }

    /// Every shape that is not negligible, with its weight; the sum is nearly 1.
    pub fn shapes(&self) -> impl Iterator<Item = (&Shape, f64)> {
        let weight = |node: usize| {
            self.branches
                .iter()
                .map(|branch| branch.weights[node])
                .sum::<f64>()
        };
        self.shapes
            .iter()
            .enumerate()
            .map(move |(node, shape)| (shape, weight(node)))
    }

    /// Share of the weight whose shape has a property.
    #[must_use]
    pub fn share(&self, holds: impl Fn(&Shape) -> bool) -> f64 {
        self.shapes()
            .filter(|(shape, _)| holds(shape))
            .map(|(_, weight)| weight)
            .sum()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
