//! What real curves looked like beyond what was fitted of them: the prior of the grid.

use super::{
    discrepancy::{DRIFTS, NOISES},
    shape::{COHERENCIES, KNEES, SHARPNESSES},
};

/// Prior probabilities of the grid, each group summing to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Prior {
    /// Of (knee, coherency), knees outermost.
    pub tail: Vec<f64>,
    /// Of the sharpness.
    pub sharpness: Vec<f64>,
    /// Of (noise, drift), noises outermost.
    pub discrepancy: Vec<f64>,
}

impl Prior {
    /// Where nothing is known.
    #[must_use]
    pub fn flat() -> Self {
        let even = |count: usize| vec![1.0 / count as f64; count];
        Self { tail: even(KNEES.len() * COHERENCIES.len()), sharpness: even(SHARPNESSES.len()), discrepancy: even(NOISES.len() * DRIFTS.len()) }
    }
}
