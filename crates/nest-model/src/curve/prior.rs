//! What real curves looked like beyond what was fitted of them: the prior of the grid.

use super::{
    discrepancy::{DRIFTS, NOISES},
    learned,
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

    /// Log probability of every shape of the grid, in its order.
    #[must_use]
    pub fn log_shapes(&self) -> Vec<f64> {
        let of = |knee: usize| {
            let tail = &self.tail[knee * COHERENCIES.len()..(knee + 1) * COHERENCIES.len()];
            self.sharpness.iter().flat_map(move |sharpness| tail.iter().map(move |tail| (tail * sharpness).ln()))
        };
        (0..KNEES.len()).flat_map(of).collect()
    }

    /// What was learnt from real curves: see `learned.rs`.
    #[must_use]
    pub fn learned() -> Self {
        let tail = learned::TAIL.iter().flatten().copied().collect();
        Self { tail, sharpness: learned::SHARPNESS.to_vec(), discrepancy: learned::DISCREPANCY.iter().flatten().copied().collect() }
    }
}
